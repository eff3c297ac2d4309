/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/near.h: the near tier: texts that share most of their shingles.
 *
 * Three steps. While records are scanned each text leaves the keys of its bands (bands.h) in a
 * table of pairs (key, id). When all are merged, equal keys make candidates (candidates.h), and the
 * engine is asked for a second look at the records that take part; of each the whole set of
 * shingles is kept (sets.h). At the end every candidate pair is compared exactly and clusters are
 * formed (clusters.h). Sketches decide what is compared, never what is reported.
 */
#ifndef ASSAY_DUPLICATES_NEAR_H
#define ASSAY_DUPLICATES_NEAR_H

#include "bands.h"
#include "candidates.h"
#include "chosen.h"
#include "sets.h"

/* Immutable. */
struct dup_near_plan {
    int on;
    unsigned threshold; /* Jaccard index, thousandths */
    unsigned recall;    /* wanted at the threshold, thousandths */
    struct dup_bands bands;
    dup_minhash *minhash;
};

/* Text into shingles; storage reused from record to record. Zeroed before the first use. */
struct dup_shingler {
    struct dup_tokens tokens;
    uint64_t *shingles;
    size_t n, cap;
    uint64_t keys[DUP_MINIMA]; /* of the bands, where the text has any */
    unsigned n_keys;
};

/* What is known between the first look and the end; of the merged state. Zeroed before use. */
struct dup_near {
    struct dup_candidates candidates;
    struct dup_sets sets;
    int found; /* candidates are there */
};

/* The tokens of a record's chosen strings. ASSAY_LIMIT: there are too many. */
enum assay_status dup_shingler_read(struct dup_shingler *s, const struct dup_mask *mask,
                                    const struct assay_host *host, const struct assay_batch *b,
                                    const struct assay_record *r);
/* Turns s->tokens into s->shingles. */
enum assay_status dup_shingler_run(struct dup_shingler *s);
void dup_shingler_release(struct dup_shingler *s);

/* Adds the band keys of the text in s->tokens; nothing when there are no tokens. `max` as in
 * dup_table_add. */
enum assay_status dup_near_add(const struct dup_near_plan *plan, struct dup_shingler *s,
                               const struct assay_host *host, struct dup_table *bands, size_t max,
                               uint64_t id);

/* Finds candidates; `bands` is emptied. `max` as in dup_candidates_find. `*ret_wanted` tells whether
 * records are to be read again. */
enum assay_status dup_near_begin(struct dup_near *n, struct dup_table *bands,
                                 struct dup_table *records, const struct assay_host *host,
                                 size_t max, int *ret_wanted);
/* Whether records of a file are to be read again. Any thread. */
int dup_near_wants(const struct dup_near *n, uint32_t file);
void dup_near_release(struct dup_near *n);

#endif
