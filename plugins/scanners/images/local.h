/* SPDX-License-Identifier: Apache-2.0
 *
 * images/local.h: private: what all workers share, and what one of them has collected.
 *
 * Pictures and references stand in any order until the end, which sorts them; so merging appends.
 * Memory is one budget over all workers: whoever has no room left counts a skip. A state has a single
 * owner; `shared` is immutable but for the bytes that are held, and outlives every state.
 */
#ifndef ASSAY_IMAGES_LOCAL_H
#define ASSAY_IMAGES_LOCAL_H

#include <stdatomic.h>

#include "assay/plugin.h"

#include "near.h"

enum { IMAGE_RULE_NEAR, IMAGE_RULE_TURNED, IMAGE_RULE_UNDECODABLE, IMAGE_RULES };
enum {
    IMAGE_COUNT_IMAGES,
    IMAGE_COUNT_FLAT,
    IMAGE_COUNT_UNDECODABLE,
    IMAGE_COUNT_REFERENCES,
    IMAGE_COUNT_LOST,
    IMAGE_COUNTS
};

extern const struct assay_rule_decl images_rules[]; /* in that order */

/* A record that names a picture. */
struct image_reference {
    uint32_t image; /* file */
    uint32_t file;
    uint64_t record;
};

/* A picture that is not compared: too flat, or not decoded. */
struct image_plain {
    uint64_t content; /* as in struct image_entry */
    uint32_t file;
};

struct images_shared {
    const struct assay_host *host;
    uint32_t rule[IMAGE_RULES];
    atomic_uint_fast64_t *bytes; /* held by all workers together */
    uint64_t budget;
};

struct images_local {
    const struct images_shared *shared;
    struct image_entry *entries;
    size_t n, cap;
    struct image_reference *references;
    size_t n_references, cap_references;
    struct image_plain *plain;
    size_t n_plain, cap_plain;
    uint64_t counts[IMAGE_COUNTS];
    struct pdq_picture picture; /* buffers made with the first picture */
};

/* The verbs `init`, `free`, `local_init`, `local_free` and `merge` of the scanner. */
enum assay_status images_init(const struct assay_host *host, void **ret, struct assay_error *err);
void images_free(void *shared);
enum assay_status images_local_init(const void *shared, void **ret, struct assay_error *err);
void images_local_free(void *local);
enum assay_status images_merge(const void *shared, void *into, void *from, struct assay_error *err);

/* One more item of `size` in a growing array, within the budget that all workers share. NULL: no
 * room. */
void *images_push(const struct images_shared *s, void **array, size_t *n, size_t *cap, size_t size,
                  size_t cost);

#endif
