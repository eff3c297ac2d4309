/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sets.h: sets of shingle hashes, kept until they are compared.
 *
 * While records are looked at again, every worker collects sets in a shelf of its own; beyond its
 * bound a shelf goes to host->spill, and so does the list of where on it each set lies (table.h).
 * Joined shelves are settled once, which lays that list out by number (rows.h), and then asked by
 * number (rank). All of it stays within the bounds that are given. Single owner.
 */
#ifndef ASSAY_DUPLICATES_SETS_H
#define ASSAY_DUPLICATES_SETS_H

#include "assay/plugin.h"

#include "rows.h"
#include "table.h"

#define DUP_SHELVES_MOST  (1u << 13)
#define DUP_SHELF_HASHES  (UINT64_C(1) << 48)
#define DUP_SHINGLE_WIDTH 7 /* tokens per shingle, at most */

/* One worker's sets, one behind the other: the first `written` numbers in the file, the rest in
 * memory. */
struct dup_shelf {
    uint64_t *buf;
    size_t n, cap;
    int fd; /* when has_file */
    int has_file;
    uint64_t written;
    struct dup_table located; /* pairs: rank and count; width and place on the shelf */
};

struct dup_sets {
    uint64_t n; /* ranks */
    struct dup_shelf *shelves;
    size_t n_shelves;
    struct dup_rows by_rank; /* once settled: count; shelf, width and place on it */
    uint64_t missing;        /* likewise: ranks without a set */
};

/* What a reader of sets holds; zeroed before use. */
struct dup_set {
    const uint64_t *hashes;
    uint32_t count, width;
    uint32_t rank; /* of what is there, if hashes != NULL */
    uint64_t *buf;
    size_t cap;
};

/* Adds a set; `max` is how many hashes, `max_located` how many sets may be in memory. */
enum assay_status dup_shelf_add(struct dup_shelf *s, const struct assay_host *host, size_t max,
                                size_t max_located, uint32_t rank, unsigned width,
                                const uint64_t *hashes, size_t count);
void dup_shelf_release(struct dup_shelf *s);

/* Room for the sets of `n` ranks. */
void dup_sets_init(struct dup_sets *s, uint64_t n);
/* Takes over a shelf, which is left empty. */
enum assay_status dup_sets_join(struct dup_sets *s, struct dup_shelf *shelf);
/* No more shelves will come. `bytes` may be held in memory to find sets by. */
enum assay_status dup_sets_settle(struct dup_sets *s, const struct assay_host *host, size_t bytes);
/* How many hashes a set has; 0: there is none, or s->by_rank.status says why it cannot be told. */
uint32_t dup_sets_count(struct dup_sets *s, uint32_t rank);
/* Makes `set` that of `rank`; count 0 when there is none. It is valid until the next call with the
 * same `set`. */
enum assay_status dup_sets_load(struct dup_sets *s, uint32_t rank, struct dup_set *set);
void dup_sets_release(struct dup_sets *s);
void dup_set_release(struct dup_set *set);

#endif
