/* SPDX-License-Identifier: Apache-2.0
 *
 * assay/record.h: what a reader yields and a scanner sees: batches of records.
 *
 * What:  a batch is one contiguous text buffer plus two tables: records (where each record stands
 *        in its file) and fields (which slice of the buffer is the value of which JSON Pointer
 *        path).
 * Why:   one buffer means the multi-pattern matcher runs once per batch, not once per field; hits
 *        map back through the tables.
 * Invariants: fields are sorted by `start` and never overlap; between two fields stands at least
 *        one ASSAY_FIELD_SEPARATOR byte; the text of every field is valid UTF-8 (readers replace
 *        each undecodable byte by '?' and raise ASSAY_FIELD_REPAIRED); records are in file order
 *        and own the contiguous fields [first_field, first_field + n_fields).
 * Ownership: everything a batch points to is borrowed until the reader's next call.
 */
#ifndef ASSAY_RECORD_H
#define ASSAY_RECORD_H

#include "base.h"

#define ASSAY_FIELD_SEPARATOR '\n'
#define ASSAY_NONE            UINT32_MAX

enum assay_field_kind {
    ASSAY_FIELD_STRING,
    ASSAY_FIELD_NUMBER, /* text as written in the file */
    ASSAY_FIELD_BOOL,   /* "true" or "false" is in the buffer */
    ASSAY_FIELD_NULL,   /* empty slice */
    ASSAY_FIELD_KEY,  /* an object key that could itself be sensitive; path: the member it names */
    ASSAY_FIELD_EMPTY /* an empty object or array; empty slice */
};

#define ASSAY_FIELD_REPAIRED 0x01u /* held undecodable bytes */

struct assay_field {
    uint32_t record; /* index into batch->records */
    uint32_t path;   /* index into batch->paths */
    uint32_t start;  /* byte offset in batch->text */
    uint32_t len;    /* bytes */
    uint8_t kind;    /* enum assay_field_kind */
    uint8_t flags;   /* ASSAY_FIELD_* */
    uint16_t reserved;
};

struct assay_record {
    uint64_t ordinal; /* from 0 within the file */
    uint64_t offset;  /* bytes from the start of the decoded file */
    struct assay_bytes
        raw; /* the record as it stands in the decoded file, without its terminator */
    uint32_t first_field;
    uint32_t n_fields;
};

struct assay_batch {
    uint32_t size; /* sizeof (struct assay_batch) of the producer */
    uint32_t file; /* index of the file in the inventory */
    const char *text;
    uint32_t text_len;
    uint32_t n_records;
    uint32_t n_fields;
    uint32_t n_paths;
    const struct assay_record *records;
    const struct assay_field *fields;
    const struct assay_bytes *paths; /* JSON Pointers (RFC 6901), e.g. "/messages/1/content" */
};

/* The value of field `i`. */
static inline struct assay_bytes assay_batch_value(const struct assay_batch *b, uint32_t i)
{
    return assay_bytes_make(b->text + b->fields[i].start, b->fields[i].len);
}

#endif
