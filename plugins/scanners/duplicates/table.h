/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/table.h: keys and places, more than memory holds: sorted runs and their merge.
 *
 * A table collects entries in an array. When the array has reached its bound it is sorted and
 * written to an unlinked file as a run. Reading back merges the runs and the array, in order; so
 * what comes out depends on what went in, not on when it was spilled, by whom, or in which order
 * tables were joined. Single owner.
 */
#ifndef ASSAY_DUPLICATES_TABLE_H
#define ASSAY_DUPLICATES_TABLE_H

#include "assay/plugin.h"

/* `key` says what may be equal, `variant` tells apart what is equal in `key` only, `place` is where
 * (dup_place). */
struct dup_entry {
    uint64_t key[2];
    uint64_t variant;
    uint64_t place;
};

#define DUP_ENTRY_BYTES 32 /* saved */

/* A file (26 bits) and a record in it (38 bits) in one ordered number. */
#define DUP_PLACE_BITS 38
static inline int dup_place_fits(uint32_t file, uint64_t record)
{
    return file < (UINT32_C(1) << (64 - DUP_PLACE_BITS)) &&
           record < (UINT64_C(1) << DUP_PLACE_BITS);
}
static inline uint64_t dup_place(uint32_t file, uint64_t record)
{
    return (uint64_t)file << DUP_PLACE_BITS | record;
}
static inline uint32_t dup_place_file(uint64_t place)
{
    return (uint32_t)(place >> DUP_PLACE_BITS);
}
static inline uint64_t dup_place_record(uint64_t place)
{
    return place & ((UINT64_C(1) << DUP_PLACE_BITS) - 1);
}

/* A sorted run: in memory (owned), or `count` entries at `at` in `fd`. */
struct dup_run {
    struct dup_entry *entries;
    int fd;
    uint64_t at;
    uint64_t count;
};

struct dup_table {
    struct dup_entry *buf;
    size_t n, cap;
    struct dup_run *runs;
    size_t n_runs, cap_runs;
    int *fds; /* the files of the runs; the last one is written to */
    size_t n_fds;
    uint64_t written; /* bytes in that file */
    int own_fd;       /* the last of fds was opened by this table, not joined */
    uint64_t total;   /* entries, spilled or not */
};

/* Verbs take a zeroed table as empty. */
void dup_table_release(struct dup_table *t);
/* Adds an entry; `max` is how many the array may hold (at least 64 are). */
enum assay_status dup_table_add(struct dup_table *t, const struct assay_host *host, size_t max,
                                const struct dup_entry *e);
/* Moves everything from `from`, which is left empty, into `into`. */
enum assay_status dup_table_join(struct dup_table *into, struct dup_table *from);
/* Calls `each` for every entry, in no particular order, without changing the table. */
enum assay_status dup_table_walk(const struct dup_table *t,
                                 enum assay_status (*each)(void *ctx, const struct dup_entry *e),
                                 void *ctx);
/* Calls `each` for every entry in ascending order. */
enum assay_status dup_table_sorted(struct dup_table *t,
                                   enum assay_status (*each)(void *ctx, const struct dup_entry *e),
                                   void *ctx);
/* Sorts in place; for tests. */
void dup_sort(struct dup_entry *e, size_t n);

#endif
