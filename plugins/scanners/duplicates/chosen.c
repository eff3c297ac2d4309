/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/chosen.c: see the header.
 */
#include "chosen.h"

#include <stdlib.h>

#include "tokens.h"

static enum assay_status add_pointer(struct dup_chosen *c, const char *p, size_t len,
                                     struct assay_error *err)
{
    if (len == 0 || p[0] != '/') {
        return assay_fail(err, ASSAY_CONFIG,
                          "option 'fields' of the scanner 'duplicates' takes JSON Pointers "
                          "separated by commas, each beginning with '/', as in /prompt,/response");
    }
    if (c->n == DUP_POINTERS_MAX) {
        return assay_fail(err, ASSAY_CONFIG,
                          "option 'fields' of the scanner 'duplicates' takes at most %d fields",
                          DUP_POINTERS_MAX);
    }
    c->pointers[c->n++] = assay_bytes_make(p, len);
    return ASSAY_OK;
}

enum assay_status dup_chosen_parse(struct dup_chosen *c, const char *list, struct assay_error *err)
{
    enum assay_status st = ASSAY_OK;
    if (list == NULL || list[0] == '\0') {
        return ASSAY_OK;
    }
    size_t len = strlen(list);
    c->text = malloc(len + 1);
    if (c->text == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    memcpy(c->text, list, len + 1);
    c->digest = dup_token_hash(list, len);
    for (const char *p = c->text; st == ASSAY_OK; p++) {
        size_t n = strcspn(p, ",");
        st = add_pointer(c, p, n, err);
        p += n;
        if (*p == '\0') {
            break;
        }
    }
    return st;
}

void dup_chosen_release(struct dup_chosen *c)
{
    free(c->text);
    memset(c, 0, sizeof *c);
}

static uint8_t is_chosen(const struct dup_chosen *c, struct assay_bytes path)
{
    for (unsigned i = 0; i < c->n; i++) {
        const struct assay_bytes *p = &c->pointers[i];
        if (path.len >= p->len && memcmp(path.ptr, p->ptr, p->len) == 0 &&
            (path.len == p->len || path.ptr[p->len] == '/')) {
            return 1;
        }
    }
    return 0;
}

enum assay_status dup_mask_set(struct dup_mask *m, const struct dup_chosen *c,
                               const struct assay_batch *b)
{
    if (c->n == 0) {
        return ASSAY_OK;
    }
    if (m->by_path == NULL || b->n_paths > m->cap) {
        size_t cap = (size_t)b->n_paths + b->n_paths / 2 + 64;
        uint8_t *p = realloc(m->by_path, cap);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        m->by_path = p;
        m->cap = cap;
    }
    for (uint32_t i = 0; i < b->n_paths; i++) {
        m->by_path[i] = is_chosen(c, b->paths[i]);
    }
    return ASSAY_OK;
}

void dup_mask_release(struct dup_mask *m)
{
    free(m->by_path);
    memset(m, 0, sizeof *m);
}
