/* SPDX-License-Identifier: Apache-2.0
 *
 * images/local.c: see the header.
 */
#include "local.h"

#include <stdlib.h>

/* ---- set-up -------------------------------------------------------------------------------- */

enum assay_status images_init(const struct assay_host *host, void **ret, struct assay_error *err)
{
    struct images_shared *s = calloc(1, sizeof *s);
    atomic_uint_fast64_t *bytes = malloc(sizeof *bytes);
    *ret = NULL;
    if (s == NULL || bytes == NULL) {
        free(s);
        free(bytes);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'images'");
    }
    atomic_init(bytes, 0);
    s->host = host;
    s->bytes = bytes;
    s->budget = host->memory_budget(host->ctx);
    for (unsigned i = 0; i < IMAGE_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, images_rules[i].id);
    }
    *ret = s;
    return ASSAY_OK;
}

void images_free(void *shared)
{
    struct images_shared *s = shared;
    if (s != NULL) {
        free(s->bytes);
        free(s);
    }
}

enum assay_status images_local_init(const void *shared, void **ret, struct assay_error *err)
{
    struct images_local *l = calloc(1, sizeof *l);
    *ret = l;
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'images'");
    }
    l->shared = shared;
    return ASSAY_OK;
}

void images_local_free(void *local)
{
    struct images_local *l = local;
    if (l != NULL) {
        free(l->entries);
        free(l->references);
        free(l->plain);
        free(l->picture.luma);
        free(l->picture.work);
        free(l);
    }
}

void *images_push(const struct images_shared *s, void **array, size_t *n, size_t *cap, size_t size,
                  size_t cost)
{
    if (atomic_fetch_add(s->bytes, cost) + cost > s->budget) {
        (void)atomic_fetch_sub(s->bytes, cost);
        return NULL;
    }
    if (*n == *cap) {
        const size_t more = *cap == 0 ? 256 : 2 * *cap;
        void *p = realloc(*array, more * size);
        if (p == NULL) {
            return NULL;
        }
        *array = p;
        *cap = more;
    }
    return (char *)*array + (*n)++ * size;
}

/* ---- merge --------------------------------------------------------------------------------- */

/* Appends `n` items of `size`. */
static enum assay_status append(void **array, size_t *n, size_t *cap, const void *from,
                                size_t count, size_t size)
{
    if (count == 0) {
        return ASSAY_OK;
    }
    if (*n + count > *cap) {
        void *p = realloc(*array, (*n + count) * size);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        *array = p;
        *cap = *n + count;
    }
    memcpy((char *)*array + *n * size, from, count * size);
    *n += count;
    return ASSAY_OK;
}

enum assay_status images_merge(const void *shared, void *into, void *from, struct assay_error *err)
{
    struct images_local *a = into;
    const struct images_local *b = from;
    void *entries = a->entries, *references = a->references, *plain = a->plain;
    (void)shared;
    enum assay_status st =
        append(&entries, &a->n, &a->cap, b->entries, b->n, sizeof(struct image_entry));
    a->entries = entries;
    if (st == ASSAY_OK) {
        st = append(&references, &a->n_references, &a->cap_references, b->references,
                    b->n_references, sizeof(struct image_reference));
        a->references = references;
    }
    if (st == ASSAY_OK) {
        st = append(&plain, &a->n_plain, &a->cap_plain, b->plain, b->n_plain,
                    sizeof(struct image_plain));
        a->plain = plain;
    }
    for (unsigned i = 0; i < IMAGE_COUNTS; i++) {
        a->counts[i] += b->counts[i];
    }
    return st == ASSAY_OK ? ASSAY_OK : assay_fail(err, st, "no memory for the scanner 'images'");
}
