/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/chosen.h: which fields of a record are its text.
 *
 * All strings by default. With a list of JSON Pointers, strings at or beneath one of them:
 * "/messages" chooses /messages/0/content. Whether a path is chosen is decided once for every batch,
 * into a mask of the worker's own.
 */
#ifndef ASSAY_DUPLICATES_CHOSEN_H
#define ASSAY_DUPLICATES_CHOSEN_H

#include "assay/plugin.h"

#define DUP_POINTERS_MAX 64

/* Immutable; zeroed: every field is chosen. */
struct dup_chosen {
    char *text; /* owned; what the pointers point into */
    struct assay_bytes pointers[DUP_POINTERS_MAX];
    unsigned n;
    uint64_t digest; /* of the list as given; 0 without one */
};

/* Zeroed before the first use. */
struct dup_mask {
    uint8_t *by_path; /* NULL: all are chosen */
    size_t cap;
};

/* `list`: pointers separated by commas; NULL or empty: none. */
enum assay_status dup_chosen_parse(struct dup_chosen *c, const char *list, struct assay_error *err);
void dup_chosen_release(struct dup_chosen *c);
enum assay_status dup_mask_set(struct dup_mask *m, const struct dup_chosen *c,
                               const struct assay_batch *b);
void dup_mask_release(struct dup_mask *m);

static inline int dup_mask_has(const struct dup_mask *m, const struct assay_field *f)
{
    return f->kind == ASSAY_FIELD_STRING && (m->by_path == NULL || m->by_path[f->path] != 0);
}

#endif
