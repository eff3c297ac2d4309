/* SPDX-License-Identifier: Apache-2.0
 *
 * images/near.h: which pictures look alike: pairs by multi-index hashing, groups by union-find.
 *
 * Two hashes that differ in at most 31 of 256 bits differ in at most one bit in one of their 16
 * slots of 16 bits (the pigeonhole principle), so each picture is looked up in 16 tables under 17
 * keys and nothing is missed (Norouzi, Punjani, Fleet: "Fast search in Hamming space with
 * multi-index hashing", 2012). Groups are joined by pairs of pictures as they are; a picture that
 * matches only when turned or mirrored is told apart (`turned`). Pictures of equal hash share one
 * place in the tables, so that a thousand copies cost a thousand steps. The answer depends on the
 * set of pictures alone. Single owner.
 */
#ifndef ASSAY_IMAGES_NEAR_H
#define ASSAY_IMAGES_NEAR_H

#include "assay/plugin.h"

#include "pdq.h"

struct image_entry {
    struct pdq_hash views[PDQ_VIEWS];
    uint64_t content; /* of the file's bytes */
    uint32_t file;
    uint32_t quality; /* PDQ_MIN_QUALITY or more */
};

/* `to`, turned as `view` says, looks like `from`: members of two groups, the first of each. */
struct image_turned {
    uint32_t from, to; /* indexes of entries */
    uint32_t view;
    uint32_t distance;
};

struct image_groups {
    uint32_t *root;              /* by entry: the first of its group (itself, when it is alone) */
    struct image_turned *turned; /* by (from, to), the closest view of each pair */
    size_t n_turned, cap_turned;
};

/* `e` must be sorted by file. ASSAY_NOMEM, ASSAY_CANCELLED or ASSAY_OK; release in any case. */
enum assay_status image_groups_find(const struct image_entry *e, uint32_t n,
                                    const struct assay_host *host, struct image_groups *ret);
void image_groups_release(struct image_groups *g);

#endif
