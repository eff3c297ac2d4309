/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/settings.h: private: the options of an audit, made into what all workers share.
 *
 * Built once by dup_init and immutable from then on; the only thing that changes is the number of
 * those who share the memory (atomics, behind a pointer). Every worker may hold the budget divided
 * by that number, and gives each of its tables so many sixteenths of its share; what tables that
 * the options leave empty would get goes to the largest one. Two sixteenths are left for what is
 * found while the tables are still there: pairs, or, at the end, what leaks.
 *
 * What has to be the same for two saved states, or a delivery and an index, to be comparable is
 * a row of numbers (dup_params_read) with the option that each comes from, so that a refusal can
 * name it.
 */
#ifndef ASSAY_DUPLICATES_SETTINGS_H
#define ASSAY_DUPLICATES_SETTINGS_H

#include <stdatomic.h>

#include "accepted.h"
#include "across.h"
#include "chosen.h"
#include "declared.h"
#include "earlier.h"
#include "near.h"
#include "spans.h"

#define DUP_DEFAULT_MIN_CHARS 8
#define DUP_BUDGET_PARTS      16
#define DUP_PAIR_PARTS        1 /* for each table and rows of what is found */

/* What is collected while records are read; a table (table.h) each. */
enum {
    DUP_TABLE_RECORDS,
    DUP_TABLE_FILES,
    DUP_TABLE_BANDS,
    DUP_TABLE_GRAMS,
    DUP_TABLE_ANSWERS,
    DUP_TABLE_SPLITS, /* marks (labels.h) */
    DUP_TABLE_SOURCES,
    DUP_TABLES
};

/* How many states share the memory budget. */
struct dup_sharers {
    atomic_uint locals, reviews;
    atomic_uint made; /* locals, ever: their numbers */
};

struct dup_shared {
    const struct assay_host *host;
    uint32_t rule[DUP_RULES];
    uint64_t min_chars; /* 0: the normalised tier is off */
    int answers;
    uint64_t memory;
    unsigned parts[DUP_TABLES]; /* of it, in sixteenths */
    struct dup_chosen chosen;
    struct dup_near_plan near;
    struct dup_earlier earlier;
    struct dup_accepted accepted;
    struct dup_sharers *sharers;
    struct dup_across across;
    struct dup_span_plan spans;
};

/* What must be the same for two states to be of one kind. */
enum {
    DUP_PARAM_MIN_CHARS,
    DUP_PARAM_FIELDS,
    DUP_PARAM_ANSWERS,
    DUP_PARAM_NEAR,
    DUP_PARAM_THRESHOLD,
    DUP_PARAM_BANDS,
    DUP_PARAM_ROWS,
    DUP_PARAM_VERSIONS,
    DUP_PARAM_SPANS,
    DUP_PARAMS
};
extern const char *const dup_param_names[DUP_PARAMS]; /* the options they come from */

/* The verbs `init` and `free` of the scanner. */
enum assay_status dup_init(const struct assay_host *host, void **ret, struct assay_error *err);
void dup_free(void *shared);
/* The verb `maintain`: merges indexes (earlier.h). */
enum assay_status dup_maintain(const struct assay_host *host, struct assay_error *err);

void dup_params_read(const struct dup_shared *s, uint64_t params[DUP_PARAMS]);
/* The same of an index, which has neither n-grams nor answers: whether those are looked for is all
 * one to it. */
void dup_params_read_index(const struct dup_shared *s, uint64_t params[DUP_PARAMS]);
/* Whether near-duplicates within the dataset are looked for. */
int dup_seeks_near(const struct dup_shared *s);
/* How many entries of `bytes` fit into `parts` of a worker's share of the memory. */
size_t dup_fitting(const struct dup_shared *s, unsigned parts, unsigned sharers, size_t bytes);
/* The words of an entry of a table, and how many entries of it a worker may hold now. */
unsigned dup_words_of(unsigned table);
size_t dup_table_most(const struct dup_shared *s, unsigned table);
/* Of sets and texts that are kept in the second look: numbers of each, and entries that say where
 * they lie, that a worker may hold now. */
size_t dup_sets_most(const struct dup_shared *s);
size_t dup_located_most(const struct dup_shared *s);

#endif
