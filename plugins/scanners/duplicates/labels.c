/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/labels.c: see the header.
 */
#include "labels.h"

#include <stdlib.h>

/* ---- labels ------------------------------------------------------------------------------------
 */

void dup_labels_release(struct dup_labels *l)
{
    free(l->by_file);
    memset(l, 0, sizeof *l);
}

int dup_label_name_ok(struct assay_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return 0;
        }
    }
    return name.len > 0 && name.len < DUP_LABEL_NAME &&
           !assay_bytes_equal(name, assay_bytes_str("none"));
}

unsigned dup_labels_find(const struct dup_labels *l, struct assay_bytes name)
{
    for (unsigned i = 1; i < l->n; i++) {
        if (assay_bytes_equal(name, assay_bytes_str(l->names[i]))) {
            return i;
        }
    }
    return DUP_LABEL_NONE;
}

unsigned dup_labels_add(struct dup_labels *l, struct assay_bytes name)
{
    unsigned found = dup_labels_find(l, name);
    if (l->n == 0) {
        (void)snprintf(l->names[0], sizeof l->names[0], "none");
        l->n = 1;
    }
    if (found != DUP_LABEL_NONE || l->n == DUP_LABELS || name.len >= DUP_LABEL_NAME) {
        return found;
    }
    memcpy(l->names[l->n], name.ptr, name.len);
    l->names[l->n][name.len] = '\0';
    return l->n++;
}

/* Hosts older than the function, and audits without files, have no names. */
static const char *name_of_file(const struct assay_host *host, uint32_t file)
{
    if (host->size < offsetof(struct assay_host, file_name) + sizeof host->file_name ||
        host->file_name == NULL) {
        return NULL;
    }
    return host->file_name(host->ctx, file);
}

enum assay_status dup_labels_read_files(struct dup_labels *l, const struct assay_host *host,
                                        unsigned (*of)(const struct dup_labels *l, void *ctx,
                                                       const char *name),
                                        void *ctx)
{
    const char *name;
    size_t cap = 0;
    for (; (name = name_of_file(host, l->n_files)) != NULL; l->n_files++) {
        if (l->n_files == cap) {
            uint8_t *p = realloc(l->by_file, 2 * cap + 256);
            if (p == NULL) {
                return ASSAY_NOMEM;
            }
            l->by_file = p;
            cap = 2 * cap + 256;
        }
        l->by_file[l->n_files] = (uint8_t)of(l, ctx, name);
    }
    return ASSAY_OK;
}

uint64_t dup_labels_digest(const struct dup_labels *l, const struct assay_host *host)
{
    uint64_t names[2], field[2] = {0, 0};
    host->hash128(host->ctx, l->names, sizeof l->names, l->n, names);
    if (l->field != NULL) {
        host->hash128(host->ctx, l->field, strlen(l->field), 1, field);
    }
    return names[0] ^ field[0];
}

struct assay_bytes dup_labels_value(const struct dup_labels *l, const struct assay_batch *b,
                                    const struct assay_record *r)
{
    struct assay_bytes want = assay_bytes_str(l->field);
    for (uint32_t i = r->first_field; l->field != NULL && i < r->first_field + r->n_fields; i++) {
        const struct assay_field *f = &b->fields[i];
        if (f->kind == ASSAY_FIELD_STRING && f->path < b->n_paths &&
            assay_bytes_equal(b->paths[f->path], want)) {
            return assay_batch_value(b, i);
        }
    }
    return assay_bytes_make(NULL, 0);
}

/* ---- marks -------------------------------------------------------------------------------------
 */

void dup_marks_release(struct dup_marks *m)
{
    for (size_t i = 0; i < m->cap; i++) {
        free(m->pages[i].bytes);
    }
    free(m->pages);
    memset(m, 0, sizeof *m);
}

/* The slot where page `at` is or would be. */
static struct dup_page *slot_of(const struct dup_marks *m, uint64_t at)
{
    size_t i = (size_t)((at * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (m->cap - 1);
    while (m->pages[i].bytes != NULL && m->pages[i].at != at) {
        i = (i + 1) & (m->cap - 1);
    }
    return &m->pages[i];
}

/* Room for one more page, at most three quarters full. */
static enum assay_status make_room(struct dup_marks *m)
{
    if (4 * (m->n + 1) <= 3 * m->cap) {
        return ASSAY_OK;
    }
    struct dup_marks wider = {.n = m->n, .cap = m->cap == 0 ? 16 : 2 * m->cap};
    wider.pages = calloc(wider.cap, sizeof *wider.pages);
    if (wider.pages == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (m->pages[i].bytes != NULL) {
            *slot_of(&wider, m->pages[i].at) = m->pages[i];
        }
    }
    free(m->pages);
    *m = wider;
    return ASSAY_OK;
}

enum assay_status dup_marks_set(struct dup_marks *m, uint64_t place, uint8_t mark, size_t max)
{
    enum assay_status st = make_room(m);
    if (st != ASSAY_OK) {
        return st;
    }
    struct dup_page *p = slot_of(m, place >> DUP_PAGE_BITS);
    if (p->bytes == NULL) {
        if (m->n >= max) {
            return ASSAY_LIMIT;
        }
        p->bytes = calloc(1, DUP_PAGE);
        if (p->bytes == NULL) {
            return ASSAY_NOMEM;
        }
        p->at = place >> DUP_PAGE_BITS;
        m->n++;
    }
    p->bytes[place & (DUP_PAGE - 1)] = mark;
    return ASSAY_OK;
}

uint8_t dup_marks_get(const struct dup_marks *m, uint64_t place)
{
    if (m->n == 0) {
        return 0;
    }
    const struct dup_page *p = slot_of(m, place >> DUP_PAGE_BITS);
    return p->bytes == NULL ? 0 : p->bytes[place & (DUP_PAGE - 1)];
}

/* A page that is in both: every record was marked in one of them. */
static void overlay(uint8_t *into, const uint8_t *from)
{
    for (size_t i = 0; i < DUP_PAGE; i++) {
        into[i] |= from[i];
    }
}

enum assay_status dup_marks_join(struct dup_marks *into, struct dup_marks *from)
{
    for (size_t i = 0; i < from->cap; i++) {
        struct dup_page *page = &from->pages[i];
        if (page->bytes == NULL) {
            continue;
        }
        enum assay_status st = make_room(into);
        if (st != ASSAY_OK) {
            return st;
        }
        struct dup_page *p = slot_of(into, page->at);
        if (p->bytes == NULL) {
            *p = *page;
            into->n++;
            page->bytes = NULL;
        } else {
            overlay(p->bytes, page->bytes);
        }
    }
    dup_marks_release(from);
    return ASSAY_OK;
}

/* ---- saved -------------------------------------------------------------------------------------
 */

void dup_marks_save(const struct dup_marks *m, struct state_out *out)
{
    state_put_u64(out, m->n);
    for (size_t i = 0; i < m->cap; i++) {
        if (m->pages[i].bytes != NULL) {
            state_put_u64(out, m->pages[i].at);
            state_put(out, m->pages[i].bytes, DUP_PAGE);
        }
    }
}

/* Takes one page over: it marks something, and was not there. */
static enum assay_status load_page(struct dup_marks *m, unsigned n_labels, size_t max,
                                   struct state_in *in)
{
    uint64_t at = state_take_u64(in);
    const uint8_t *bytes = state_take(in, DUP_PAGE);
    size_t before = m->n;
    if (bytes == NULL || at > UINT64_MAX >> DUP_PAGE_BITS) {
        return ASSAY_CORRUPT;
    }
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < DUP_PAGE && st == ASSAY_OK; i++) {
        if (bytes[i] != DUP_MARK_NONE && bytes[i] >= n_labels) {
            st = ASSAY_CORRUPT;
        } else if (bytes[i] != 0) {
            st = dup_marks_set(m, at << DUP_PAGE_BITS | i, bytes[i], max);
        }
    }
    return st == ASSAY_OK && m->n == before ? ASSAY_CORRUPT : st;
}

enum assay_status dup_marks_load(struct dup_marks *m, unsigned n_labels, size_t max,
                                 struct state_in *in)
{
    uint64_t n = state_take_u64(in);
    enum assay_status st = in->bad || n > in->left.len / (DUP_PAGE + 8) ? ASSAY_CORRUPT : ASSAY_OK;
    for (uint64_t i = 0; i < n && st == ASSAY_OK; i++) {
        st = load_page(m, n_labels, max, in);
    }
    return st;
}
