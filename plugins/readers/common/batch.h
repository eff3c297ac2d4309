/* SPDX-License-Identifier: Apache-2.0
 *
 * readers/common/batch.h: builds a batch: text, records and fields in growing buffers that are kept
 * from one batch to the next, so that a steady stream of records allocates nothing.
 *
 * Use: clear; for each record: reserve the text it can need, begin, then write each value at
 * `reader_batch_end` and close it with `reader_batch_close` (or let `reader_batch_add` do both); at
 * last `reader_batch_fill`. One owner.
 */
#ifndef ASSAY_READERS_COMMON_BATCH_H
#define ASSAY_READERS_COMMON_BATCH_H

#include <stdlib.h>

#include "assay/plugin.h"
#include "utf8.h"

#define READER_BATCH_TEXT   ((size_t)1 << 20) /* a batch ends at the record that passes either */
#define READER_BATCH_FIELDS 65536u
#define READER_BATCH_SLACK  64 /* writable bytes behind what was reserved */

struct reader_batch {
    char *text;
    size_t text_len, text_cap;
    struct assay_field *fields;
    uint32_t n_fields, fields_cap;
    struct assay_record *records;
    uint32_t n_records, records_cap;
    size_t mark; /* text_len when the current record began */
};

static inline void reader_batch_release(struct reader_batch *b)
{
    free(b->text);
    free(b->fields);
    free(b->records);
    memset(b, 0, sizeof *b);
}

static inline void reader_batch_clear(struct reader_batch *b)
{
    b->text_len = 0;
    b->n_fields = 0;
    b->n_records = 0;
}

static inline int reader_batch_full(const struct reader_batch *b)
{
    return b->text_len >= READER_BATCH_TEXT || b->n_fields >= READER_BATCH_FIELDS;
}

/* Doubles *arr until it holds `need` items of `size` bytes. */
static inline void *reader_grow(void *arr, uint32_t *cap, uint32_t need, size_t size)
{
    uint32_t n = *cap == 0 ? 256 : *cap;
    while (n < need) {
        n *= 2;
    }
    void *p = realloc(arr, n * size);
    if (p != NULL) {
        *cap = n;
    }
    return p;
}

/* Makes room for `extra` bytes of text (and some slack). */
static inline enum assay_status reader_batch_reserve(struct reader_batch *b, size_t extra)
{
    const size_t need = b->text_len + extra + READER_BATCH_SLACK;
    if (need <= b->text_cap) {
        return ASSAY_OK;
    }
    const size_t cap = need + need / 2;
    char *p = need < UINT32_MAX ? (char *)realloc(b->text, cap) : NULL;
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    b->text = p;
    b->text_cap = cap;
    return ASSAY_OK;
}

/* Where the next value's text goes. */
static inline char *reader_batch_end(const struct reader_batch *b)
{
    return b->text + b->text_len;
}

/* Begins a record. `raw` is borrowed from the chunk. */
static inline enum assay_status reader_batch_begin(struct reader_batch *b, uint64_t ordinal,
                                                   uint64_t offset, struct assay_bytes raw)
{
    if (b->n_records == b->records_cap) {
        void *p = reader_grow(b->records, &b->records_cap, b->n_records + 1, sizeof *b->records);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        b->records = (struct assay_record *)p;
    }
    struct assay_record *r = &b->records[b->n_records++];
    r->ordinal = ordinal;
    r->offset = offset;
    r->raw = raw;
    r->first_field = b->n_fields;
    r->n_fields = 0;
    b->mark = b->text_len;
    return ASSAY_OK;
}

/* Closes the value of `len` bytes written at reader_batch_end: a field of the current record. */
static inline enum assay_status reader_batch_close(struct reader_batch *b, uint32_t path,
                                                   enum assay_field_kind kind, unsigned flags,
                                                   size_t len)
{
    if (b->n_fields == b->fields_cap) {
        void *p = reader_grow(b->fields, &b->fields_cap, b->n_fields + 1, sizeof *b->fields);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        b->fields = (struct assay_field *)p;
    }
    struct assay_field *f = &b->fields[b->n_fields++];
    f->record = b->n_records - 1;
    f->path = path;
    f->start = (uint32_t)b->text_len;
    f->len = (uint32_t)len;
    f->kind = (uint8_t)kind;
    f->flags = (uint8_t)flags;
    f->reserved = 0;
    b->text_len += len;
    b->text[b->text_len++] = ASSAY_FIELD_SEPARATOR;
    b->records[b->n_records - 1].n_fields++;
    return ASSAY_OK;
}

/* Copies a value into reserved room and closes it, repaired where `dirty`; *bad grows by the bytes
 * repaired. */
static inline enum assay_status reader_batch_add(struct reader_batch *b, uint32_t path,
                                                 enum assay_field_kind kind,
                                                 struct assay_bytes value, uint64_t *bad)
{
    char *to = reader_batch_end(b);
    size_t repaired = 0;
    if (value.len > 0) {
        memcpy(to, value.ptr, value.len);
    }
    if (bad != NULL) {
        repaired = reader_utf8_repair(to, value.len);
        *bad += repaired;
    }
    return reader_batch_close(b, path, kind, repaired > 0 ? ASSAY_FIELD_REPAIRED : 0, value.len);
}

/* Drops the fields and the text of the current record; the record itself stays. */
static inline void reader_batch_undo(struct reader_batch *b)
{
    struct assay_record *r = &b->records[b->n_records - 1];
    b->n_fields = r->first_field;
    b->text_len = b->mark;
    r->n_fields = 0;
}

/* Drops the current record as a whole. */
static inline void reader_batch_drop(struct reader_batch *b)
{
    reader_batch_undo(b);
    b->n_records--;
}

static inline void reader_batch_fill(const struct reader_batch *b, uint32_t file,
                                     const struct assay_bytes *paths, uint32_t n_paths,
                                     struct assay_batch *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->size = (uint32_t)sizeof *ret;
    ret->file = file;
    ret->text = b->text;
    ret->text_len = (uint32_t)b->text_len;
    ret->n_records = b->n_records;
    ret->n_fields = b->n_fields;
    ret->n_paths = n_paths;
    ret->records = b->records;
    ret->fields = b->fields;
    ret->paths = paths;
}

#endif
