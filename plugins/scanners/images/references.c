/* SPDX-License-Identifier: Apache-2.0
 *
 * images/references.c: see the header.
 */
#include "references.h"

#include <stdlib.h>

#define REFERENCE_MAX 1024 /* bytes of a path in a record */
#define REFERENCE_MIN 5    /* "a.png" */

/* ---- while records are read ---------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int ends_with(struct assay_bytes v, const char *ending, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(v.ptr[v.len - len + i]) != ending[i]) {
            return 0;
        }
    }
    return 1;
}

/* A relative path that stays within the dataset, and no address. */
static int names_picture(struct assay_bytes v)
{
    if (v.len < REFERENCE_MIN || v.len > REFERENCE_MAX || v.ptr[0] == '/' ||
        (v.ptr[v.len - 4] != '.' && v.ptr[v.len - 5] != '.')) {
        return 0;
    }
    if (!ends_with(v, ".jpg", 4) && !ends_with(v, ".png", 4) && !ends_with(v, ".jpeg", 5)) {
        return 0;
    }
    for (size_t i = 0; i < v.len; i++) {
        const int up = v.ptr[i] == '.' && i + 1 < v.len && v.ptr[i + 1] == '.';
        if ((unsigned char)v.ptr[i] < 0x20 || v.ptr[i] == ':' || v.ptr[i] == '\\' || up) {
            return 0;
        }
    }
    return 1;
}

/* The file that `v`, a field of a record in `file`, names: from the top, or beside `file`. */
static uint32_t resolve(const struct assay_host *host, uint32_t file, struct assay_bytes v)
{
    char path[4096];
    if (v.len > 2 && v.ptr[0] == '.' && v.ptr[1] == '/') {
        v = assay_bytes_make(v.ptr + 2, v.len - 2);
    }
    const uint32_t found = host->find_file(host->ctx, v.ptr, v.len);
    const char *name = found == ASSAY_NONE ? host->file_name(host->ctx, file) : NULL;
    const char *slash = name == NULL ? NULL : strrchr(name, '/');
    if (slash == NULL || (size_t)(slash - name) + 1 + v.len > sizeof path) {
        return found;
    }
    const size_t dir = (size_t)(slash - name) + 1;
    memcpy(path, name, dir);
    memcpy(path + dir, v.ptr, v.len);
    return host->find_file(host->ctx, path, dir + v.len);
}

void image_reference_take(struct images_local *l, const struct assay_batch *b,
                          const struct assay_field *f, struct assay_sink *sink)
{
    const struct images_shared *s = l->shared;
    const struct assay_bytes v = assay_bytes_make(b->text + f->start, f->len);
    if (f->kind != ASSAY_FIELD_STRING || !names_picture(v)) {
        return;
    }
    const uint32_t image = resolve(s->host, b->file, v);
    l->counts[image == ASSAY_NONE ? IMAGE_COUNT_LOST : IMAGE_COUNT_REFERENCES]++;
    if (image == ASSAY_NONE) {
        return;
    }
    void *array = l->references;
    struct image_reference *slot =
        images_push(s, &array, &l->n_references, &l->cap_references, sizeof(struct image_reference),
                    sizeof(struct image_reference));
    l->references = array;
    if (slot == NULL) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, 0);
        return;
    }
    *slot = (struct image_reference){image, b->file, b->records[f->record].ordinal};
}

/* ---- at the end ---------------------------------------------------------------------------- */

static int order_references(const void *x, const void *y)
{
    const struct image_reference *a = x, *b = y;
    if (a->image != b->image) {
        return a->image < b->image ? -1 : 1;
    }
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

void image_references_sort(struct images_local *l)
{
    if (l->n_references > 1) {
        qsort(l->references, l->n_references, sizeof l->references[0], order_references);
    }
}

size_t image_references_of(const struct images_local *l, uint32_t image)
{
    size_t low = 0, high = l->n_references;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (l->references[mid].image < image) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}
