/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sets.h: sets of shingle hashes, kept until they are compared.
 *
 * While records are looked at again, every worker collects sets in a shelf of its own; beyond its
 * bound a shelf goes to host->spill. Joined shelves are asked by number (rank). Single owner.
 */
#ifndef ASSAY_DUPLICATES_SETS_H
#define ASSAY_DUPLICATES_SETS_H

#include "assay/plugin.h"

/* One worker's sets, one behind the other: the first `written` numbers in the file, the rest in
 * memory. */
struct dup_shelf {
    uint64_t *buf;
    size_t n, cap;
    int fd; /* when has_file */
    int has_file;
    uint64_t written;
    struct dup_shelved {
        uint32_t rank;
        uint32_t count; /* hashes; 0: no such set */
        uint32_t shelf; /* when joined */
        uint32_t width; /* tokens per shingle */
        uint64_t at;
    } * items;
    size_t n_items, cap_items;
};

struct dup_sets {
    struct dup_shelved *by_rank; /* `n` of them */
    size_t n;
    struct dup_shelf *shelves;
    size_t n_shelves;
};

/* What a reader of sets holds; zeroed before use. */
struct dup_set {
    const uint64_t *hashes;
    uint32_t count, width;
    uint32_t rank; /* of what is there, if hashes != NULL */
    uint64_t *buf;
    size_t cap;
};

/* Adds a set; `max` is how many hashes may be in memory. */
enum assay_status dup_shelf_add(struct dup_shelf *s, const struct assay_host *host, size_t max,
                                uint32_t rank, unsigned width, const uint64_t *hashes,
                                size_t count);
void dup_shelf_release(struct dup_shelf *s);

/* Room for the sets of `n` ranks. */
enum assay_status dup_sets_init(struct dup_sets *s, size_t n);
/* Takes over a shelf, which is left empty. Of two sets of one rank the first stays. */
enum assay_status dup_sets_join(struct dup_sets *s, struct dup_shelf *shelf);
/* Makes `set` that of `rank`; count 0 when there is none. It is valid until the next call with the
 * same `set`. */
enum assay_status dup_sets_load(const struct dup_sets *s, uint32_t rank, struct dup_set *set);
void dup_sets_release(struct dup_sets *s);
void dup_set_release(struct dup_set *set);

#endif
