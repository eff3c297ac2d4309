/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/copies.h: all records of the texts that take part in clusters.
 *
 * Candidates are texts: one place stands for all records of a normal form (candidates.h). Which
 * splits a cluster touches is asked of records, and the one that lies in the training split may be
 * any of them. So the records of the texts are gathered, in one pass over the table of records, and
 * handed out by root. Of records that were accepted as copies (accepted.h) the first only. Bounded
 * by its table; single owner.
 */
#ifndef ASSAY_DUPLICATES_COPIES_H
#define ASSAY_DUPLICATES_COPIES_H

#include "accepted.h"
#include "table.h"

/* Zeroed before use, and released in any case. */
struct dup_copies {
    struct dup_table places; /* pairs of root and place */
    struct dup_merge *merge;
    const uint64_t *next; /* NULL: there are no more */
};

struct dup_copies_source {
    const struct assay_host *host;
    const struct dup_accepted *accepted;
    struct dup_table *named;   /* pairs of id and rank */
    struct dup_table *records; /* struct dup_entry */
    size_t max;                /* pairs held in memory */
    uint32_t (*root)(void *ctx, uint32_t rank);
    void *ctx;
};

enum assay_status dup_copies_find(struct dup_copies *c, const struct dup_copies_source *from);
/* The next place of the cluster `root`; roots are asked for in ascending order. ASSAY_END: there are
 * no more of it. */
enum assay_status dup_copies_next(struct dup_copies *c, uint32_t root, uint64_t *ret);
void dup_copies_release(struct dup_copies *c);

#endif
