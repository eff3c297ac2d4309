/* SPDX-License-Identifier: Apache-2.0 */
#include "csv_header.h"

#define SUFFIX_LEN  12   /* '#' and a number */
#define POINTER_MAX 4096 /* bytes */

struct assay_bytes csv_number_path(char *to, uint32_t i)
{
    const int n = snprintf(to, CSV_NUMBER_LEN, "/%u", i % CSV_COLUMNS_MAX);
    return assay_bytes_make(to, (size_t)n);
}

/* The paths given so far, by hash: column + 1; and how often each was asked for. */
struct path_set {
    uint32_t *slot;
    uint32_t *asked;
    uint32_t mask;
};

static uint32_t hash_path(struct assay_bytes s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
    }
    return h ^ h >> 15;
}

/* The slot that holds `path`, or the free one where it belongs. */
static uint32_t find_slot(const struct path_set *set, const struct csv_header *h,
                          struct assay_bytes path)
{
    uint32_t i = hash_path(path) & set->mask;
    while (set->slot[i] != 0 && !assay_bytes_equal(h->paths[set->slot[i] - 1], path)) {
        i = (i + 1) & set->mask;
    }
    return i;
}

/* Gives column `col` the path in `to`, with the first suffix that makes it unique; returns its
 * length. */
static size_t give_path(struct csv_header *h, struct path_set *set, uint32_t col, char *to,
                        size_t len)
{
    uint32_t slot = find_slot(set, h, assay_bytes_make(to, len));
    size_t n = len;
    if (set->slot[slot] != 0) {
        const uint32_t first = slot;
        h->duplicates = 1;
        do {
            n = len + (size_t)snprintf(to + len, SUFFIX_LEN, "#%u", ++set->asked[first] + 1);
            slot = find_slot(set, h, assay_bytes_make(to, n));
        } while (set->slot[slot] != 0);
    }
    h->paths[col] = assay_bytes_make(to, n);
    set->slot[slot] = col + 1;
    return n;
}

/* The pointer of one name; no name, or one that is no name for its length, becomes the column's
 * number. Returns its length. */
static size_t write_path(char *to, struct assay_bytes name, uint32_t col)
{
    size_t n = 0;
    if (name.len == 0 || 2 * name.len + 1 + SUFFIX_LEN > POINTER_MAX) {
        return csv_number_path(to, col).len;
    }
    to[n++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        to[n++] = c == '~' || c == '/' ? '~' : c;
        if (c == '~' || c == '/') {
            to[n++] = c == '~' ? '0' : '1';
        }
    }
    return n;
}

static void make_paths(struct csv_header *h, struct path_set *set, const struct reader_batch *batch)
{
    char *to = h->text;
    for (uint32_t i = 0; i < h->n; i++) {
        const struct assay_field *f = &batch->fields[batch->records[0].first_field + i];
        memcpy(to, batch->text + f->start, f->len);
        h->names[i] = assay_bytes_make(to, f->len);
        to += f->len;
        to += give_path(h, set, i, to, write_path(to, h->names[i], i));
    }
}

enum assay_status csv_header_make(struct csv_header *h, const struct reader_batch *batch)
{
    memset(h, 0, sizeof *h);
    h->paths = (struct assay_bytes *)calloc(CSV_COLUMNS_MAX, sizeof *h->paths);
    if (h->paths == NULL || batch == NULL) {
        return h->paths == NULL ? ASSAY_NOMEM : ASSAY_OK;
    }
    size_t room = 0;
    h->n = batch->records[0].n_fields;
    for (uint32_t i = 0; i < h->n; i++) {
        room += 3 * (size_t)batch->fields[batch->records[0].first_field + i].len + CSV_NUMBER_LEN +
                SUFFIX_LEN;
    }
    struct path_set set = {NULL, NULL, 63};
    while (set.mask < 2 * h->n) {
        set.mask = set.mask * 2 + 1;
    }
    set.slot = (uint32_t *)calloc((size_t)set.mask + 1, sizeof *set.slot);
    set.asked = (uint32_t *)calloc((size_t)set.mask + 1, sizeof *set.asked);
    h->names = (struct assay_bytes *)calloc(h->n, sizeof *h->names);
    h->text = (char *)malloc(room);
    const int ok = set.slot != NULL && set.asked != NULL && h->names != NULL && h->text != NULL;
    if (ok) {
        make_paths(h, &set, batch);
    }
    free(set.slot);
    free(set.asked);
    return ok ? ASSAY_OK : ASSAY_NOMEM;
}

void csv_header_release(struct csv_header *h)
{
    free(h->paths);
    free(h->names);
    free(h->text);
    memset(h, 0, sizeof *h);
}
