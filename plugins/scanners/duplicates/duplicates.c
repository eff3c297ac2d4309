/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates: files and records that are there more than once.
 *
 * Tiers, each a row of the rule table (declared.h):
 *   file        files with the same SHA-256 (empty files apart: files.empty speaks of those);
 *   record      records of the same bytes;
 *   normalised  records that differ in bytes, but whose strings, in order, have the same normal
 *               form (normalise.h);
 *   near        records that share most of their shingles (near.h), when the option `near` is on;
 *   span        records that hold a long passage of one another (spans.h).
 * And of instruction data (turns.h): answers to one prompt, and sides of preferences, which are compared
 * here and handed to whoever judges them (answers.h).
 * Which strings of a record are its text can be chosen (chosen.h). Each record is one entry of
 * 32 bytes: a 128-bit XXH3 of the normal form, 64 bits of the XXH3 of its bytes, its place. One sort
 * by these answers both record tiers, since records of the same bytes, read by the same reader, have
 * the same form. (Not found, therefore: the same line in a CSV and in a text file.) A record whose
 * strings have fewer than `min_chars` characters in normal form (a number, a label, "ok") is compared
 * by its bytes only: too little to tell a copy from a coincidence. Metrics are integer pairs;
 * record_ratio counts copies beyond the first of each group, over all records; normalised_ratio what
 * normalising finds on top of that.
 * Memory: the option `memory` over all workers, or else 512 MiB with `near` and host->memory_budget
 * without (settings.h); beyond it, sorted runs go to host->spill (table.h).
 *
 * The way of an audit through these files: settings, then for every worker local and first_look;
 * local merges; second_look; finish. saved keeps a state that was not looked at a second time.
 */
#include "assay/plugin.h"

#include "answers.h"
#include "declared.h"
#include "finish.h"
#include "first_look.h"
#include "local.h"
#include "pictures.h"
#include "saved.h"
#include "second_look.h"
#include "settings.h"

ASSAY_SCANNER_PLUGIN(duplicates) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "duplicates",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "identical files and records, records alike after normalisation, near-duplicates",
    .options = dup_options,
    .rules = dup_rules,
    .init = dup_init,
    .local_init = dup_local_init,
    .scan = dup_first_scan,
    .file = dup_first_file,
    .merge = dup_local_merge,
    .finish = dup_finish,
    .save = dup_save,
    .load = dup_load,
    .local_free = dup_local_free,
    .free = dup_free,
    .review_begin = dup_second_begin,
    .review_wants = dup_second_wants,
    .review_local = dup_second_local,
    .review = dup_second_scan,
    .review_merge = dup_second_merge,
    .review_free = dup_second_free,
    .review_may = dup_second_may,
    .maintain = dup_maintain,
    .gives = dup_answers_topics,
    .takes = dup_takes,
    .take = dup_take,
};
