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

#define BLOCK_BITS 3 /* records of a block: as many as a word has bytes */
#define BLOCK      (1u << BLOCK_BITS)

static unsigned shift_of(uint64_t place)
{
    return 8 * ((unsigned)place & (BLOCK - 1));
}

enum assay_status dup_marks_add(struct dup_table *t, const struct assay_host *host, size_t max,
                                uint64_t place, uint8_t mark)
{
    const uint64_t entry[DUP_PAIR_WORDS] = {place >> BLOCK_BITS, (uint64_t)mark << shift_of(place)};
    uint64_t *last = dup_table_last(t);
    if (last != NULL && last[0] == entry[0]) {
        last[1] |= entry[1];
        return ASSAY_OK;
    }
    return dup_table_add(t, host, max, entry);
}

int dup_marks_are_sound(const uint64_t *entry, unsigned n_labels)
{
    for (unsigned i = 0; i < BLOCK; i++) {
        const uint8_t mark = (uint8_t)(entry[1] >> 8 * i);
        if (mark >= n_labels && mark != DUP_MARK_NONE) {
            return 0;
        }
    }
    return entry[1] != 0 && entry[0] <= UINT64_MAX >> BLOCK_BITS;
}

struct settling {
    struct dup_marks *m;
    uint64_t block, marks; /* in hand; no marks: there is none */
    uint64_t next;         /* the block behind the last row */
};

static enum assay_status end_block(struct settling *s)
{
    struct dup_marks *m = s->m;
    const uint64_t stretch[2] = {s->block, m->words.n};
    enum assay_status st = ASSAY_OK;
    if (s->marks == 0) {
        return st;
    }
    if (m->words.n == 0 || s->block != s->next) {
        st = dup_rows_add(&m->stretches, stretch);
    }
    s->next = s->block + 1;
    return st == ASSAY_OK ? dup_rows_add(&m->words, &s->marks) : st;
}

static enum assay_status on_block(void *ctx, const uint64_t *entry)
{
    struct settling *s = ctx;
    enum assay_status st = ASSAY_OK;
    if (entry[0] != s->block) {
        st = end_block(s);
        s->block = entry[0];
        s->marks = 0;
    }
    s->marks |= entry[1];
    return st;
}

enum assay_status dup_marks_settle(struct dup_marks *m, struct dup_table *t,
                                   const struct assay_host *host, size_t bytes)
{
    struct settling s = {.m = m};
    if (t->total == 0) {
        return ASSAY_OK;
    }
    dup_rows_init(&m->words, host, 1, bytes / 2);
    dup_rows_init(&m->stretches, host, 2, bytes / 2);
    enum assay_status st = dup_table_sorted(t, on_block, &s);
    dup_table_release(t);
    return st == ASSAY_OK ? end_block(&s) : st;
}

uint8_t dup_marks_get(struct dup_marks *m, uint64_t place)
{
    const uint64_t block = place >> BLOCK_BITS, next = dup_rows_seek(&m->stretches, block + 1);
    if (next == 0) {
        return 0;
    }
    const uint64_t *stretch = dup_rows_get(&m->stretches, next - 1);
    const uint64_t row = stretch[1] + (block - stretch[0]);
    const uint64_t end = next == m->stretches.n ? m->words.n : dup_rows_get(&m->stretches, next)[1];
    return row >= end ? 0 : (uint8_t)(dup_rows_get(&m->words, row)[0] >> shift_of(place));
}

enum assay_status dup_marks_status(const struct dup_marks *m)
{
    return m->stretches.status != ASSAY_OK ? m->stretches.status : m->words.status;
}

void dup_marks_release(struct dup_marks *m)
{
    dup_rows_release(&m->words);
    dup_rows_release(&m->stretches);
}
