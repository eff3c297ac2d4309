/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/table.h: keys and places, more than memory holds: sorted runs and their merge.
 *
 * An entry is a few 64-bit words, four in most tables (struct dup_entry) and two in tables of pairs
 * (a key, and what has it), ordered by their first word, then the second, and so on. A table collects
 * entries in an array. When the array has reached its bound it is sorted and written to an unlinked
 * file as a run. Reading back merges the runs and the array, in order; so what comes out depends on
 * what went in, not on when it was spilled, by whom, or in which order tables were joined. While it is read, too, a table holds no more than its bound, or 4,096 entries:
 * so runs may first be made into fewer. Single owner.
 */
#ifndef ASSAY_DUPLICATES_TABLE_H
#define ASSAY_DUPLICATES_TABLE_H

#include "assay/plugin.h"

#define DUP_ENTRY_WORDS 4
#define DUP_PAIR_WORDS  2

/* `key` says what may be equal, `variant` tells apart what is equal in `key` only, `place` is where
 * (dup_place). */
struct dup_entry {
    uint64_t key[2];
    uint64_t variant;
    uint64_t place;
};

#define DUP_ENTRY_BYTES 32 /* saved */

static inline void dup_entry_words(const struct dup_entry *e, uint64_t ret[DUP_ENTRY_WORDS])
{
    ret[0] = e->key[0];
    ret[1] = e->key[1];
    ret[2] = e->variant;
    ret[3] = e->place;
}

static inline struct dup_entry dup_entry_of(const uint64_t words[DUP_ENTRY_WORDS])
{
    struct dup_entry e = {{words[0], words[1]}, words[2], words[3]};
    return e;
}

#define DUP_PAIR_BYTES 16 /* saved: two words, a key and what has it */

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
    uint64_t *entries;
    int fd;
    uint64_t at;
    uint64_t count;
};

struct dup_table {
    int pairs; /* entries have two words; set before the first is added */
    uint64_t *buf;
    size_t n, cap; /* entries */
    struct dup_run *runs;
    size_t n_runs, cap_runs;
    int *fds; /* the files of the runs; the last one is written to */
    size_t n_fds;
    uint64_t written; /* bytes in that file */
    uint64_t total;   /* entries, spilled or not */
    size_t max;       /* entries it may hold, as was said last */
    const struct assay_host *host;
};

/* What is called with every entry; anything but ASSAY_OK ends the call that calls it. */
typedef enum assay_status dup_each(void *ctx, const uint64_t *entry);

/* Verbs take a zeroed table as empty. */
void dup_table_release(struct dup_table *t);
/* Adds an entry; `max` is how many the array may hold (at least 64 are). */
enum assay_status dup_table_add(struct dup_table *t, const struct assay_host *host, size_t max,
                                const uint64_t *entry);
/* The entry that was added last, to be changed as long as nothing was read; NULL when it is no
 * longer in the array. */
static inline uint64_t *dup_table_last(const struct dup_table *t)
{
    const size_t words = t->pairs ? DUP_PAIR_WORDS : DUP_ENTRY_WORDS;
    return t->n == 0 ? NULL : t->buf + (t->n - 1) * words;
}
/* Moves everything from `from`, which is left empty, into `into`. Both have entries of one size. */
enum assay_status dup_table_join(struct dup_table *into, struct dup_table *from);
/* Calls `each` for every entry, in no particular order, without changing the table. */
enum assay_status dup_table_walk(const struct dup_table *t, dup_each *each, void *ctx);
/* Calls `each` for every entry in ascending order. */
enum assay_status dup_table_sorted(struct dup_table *t, dup_each *each, void *ctx);

/* The same by asking. The table must not change meanwhile; an entry is valid until the next one. */
struct dup_merge;
enum assay_status dup_merge_open(struct dup_table *t, struct dup_merge **ret);
enum assay_status dup_merge_next(struct dup_merge *m, const uint64_t **ret); /* ASSAY_END */
void dup_merge_close(struct dup_merge *m);

/* All of `len` bytes to, or from, a place in a file. */
enum assay_status dup_write_at(int fd, const void *data, size_t len, uint64_t at);
enum assay_status dup_read_at(int fd, void *data, size_t len, uint64_t at);

/* Sorts `n` entries of `words` words in place. */
void dup_sort(uint64_t *entries, size_t n, unsigned words);

#endif
