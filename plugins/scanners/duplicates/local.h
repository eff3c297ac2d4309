/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/local.h: private: what one worker has collected, and what becomes of it when merged.
 *
 * Tables and counts are the state proper: they are merged, saved and loaded. Below them is storage
 * that is reused from record to record, and what only the merged state has: candidates, sets and
 * texts of the second look. Single owner; `shared` outlives it.
 */
#ifndef ASSAY_DUPLICATES_LOCAL_H
#define ASSAY_DUPLICATES_LOCAL_H

#include "index_write.h"
#include "normalise.h"
#include "settings.h"
#include "table.h"
#include "turns.h"

enum {
    DUP_COUNT_RECORDS,
    DUP_COUNT_SHORT,
    DUP_COUNT_EMPTY,
    DUP_COUNT_FILES,
    DUP_COUNT_SKETCHED,
    DUP_COUNT_LONG,
    DUP_COUNT_BRIEF,
    DUP_COUNT_ANSWERS,
    DUP_COUNT_SET_ASIDE, /* accepted, of what is judged record by record */
    DUP_COUNTS
};

struct dup_local {
    const struct dup_shared *shared;
    struct dup_table tables[DUP_TABLES];
    uint64_t counts[DUP_COUNTS];
    struct dup_across_local across;
    struct dup_text text;
    struct dup_mask mask;
    struct dup_turns turns;
    struct dup_shingler shingler;
    struct dup_spots spots;
    struct dup_near near;   /* of the merged state */
    struct dup_spans spans; /* likewise */
    struct dup_keep keep;   /* for an index that is being made */
    struct dup_earlier_counts delivered;
    struct dup_accepted_tally set_aside; /* of groups; at the end */
    struct dup_across_report report;     /* likewise, once somebody listens */
    int pictures;                        /* some were handed over */
};

/* The verbs `local_init`, `local_free` and `merge` of the scanner. */
enum assay_status dup_local_init(const void *shared, void **ret, struct assay_error *err);
void dup_local_free(void *local);
enum assay_status dup_local_merge(const void *shared, void *into, void *from,
                                  struct assay_error *err);

/* How many entries a table may hold now; cheap as long as it has room. */
static inline size_t dup_local_most(const struct dup_local *l, unsigned table)
{
    const struct dup_table *t = &l->tables[table];
    return t->n < t->cap ? SIZE_MAX : dup_table_most(l->shared, table);
}

/* Adds to a table of entries, within the worker's share of the memory. */
enum assay_status dup_local_add(struct dup_local *l, unsigned table, const struct dup_entry *e);
/* Adds a mark, if there is one, to a table of marks. */
enum assay_status dup_local_mark(struct dup_local *l, unsigned table, uint64_t place, uint8_t mark);
/* From here on labels can be asked for; the state can be saved no longer if there are marks. */
enum assay_status dup_local_settle_marks(struct dup_local *l);
/* The same, and `report` hears of groups from here on: what is handed over comes before finish. Once;
 * the state can be neither saved nor merged until dup_local_heard. */
enum assay_status dup_local_listen(struct dup_local *l);
void dup_local_heard(struct dup_local *l);
static inline int dup_local_listens(const struct dup_local *l)
{
    return l->report.across != NULL;
}

#endif
