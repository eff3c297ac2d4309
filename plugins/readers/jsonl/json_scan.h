/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan.h: where each JSON value of a text begins and ends, one byte at a time, resumable at
 * any byte.
 *
 * What:  cuts an array of records, or values one after another, into records without building
 *        anything. It knows strings, brackets and what may follow what; it does not judge numbers
 *        or escapes (the walk does).
 * Rules: between records white space, commas, RS (RFC 7464) and, in an array, its brackets are
 *        skipped. A byte that cannot stand where it stands, or a line end inside a string, breaks
 *        the record. A broken record ends before the next line whose first character opens an
 *        object or an array and that is indented no deeper than the broken record's own first line
 *        (any indentation will do where the record did not begin its line).
 * Why the answer depends only on the bytes since the last record: split() cuts chunks with one
 *        scan, next() cuts records with another that starts at the chunk, and both must agree.
 */
#ifndef ASSAY_JSONL_JSON_SCAN_H
#define ASSAY_JSONL_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "assay/base.h"

#define JSON_SCAN_DEPTH                                                                            \
    1024 /* levels whose bracket kinds are remembered; deeper ones are only counted */

enum json_scan_state {
    SCAN_BETWEEN,
    SCAN_VALUE,        /* a value must follow */
    SCAN_VALUE_OR_END, /* after '[' */
    SCAN_KEY,          /* after ',' in an object */
    SCAN_KEY_OR_END,   /* after '{' */
    SCAN_COLON,
    SCAN_AFTER, /* after a value inside a record */
    SCAN_STRING,
    SCAN_ESCAPE,
    SCAN_SCALAR,
    SCAN_BROKEN,       /* looking for a line end */
    SCAN_BROKEN_INDENT /* looking at a line's indentation */
};

struct json_scan {
    int in_array;   /* the records are the elements of an array: its brackets are no records */
    int outer;      /* the array's own opening bracket has yet to come */
    int closed;     /* its closing bracket has come */
    uint8_t state;  /* enum json_scan_state */
    uint8_t is_key; /* the string being scanned is a key */
    uint8_t broke;  /* the record in hand is broken */
    uint8_t fresh;  /* nothing but white space since the line began */
    uint32_t depth;
    size_t pos;    /* next byte to look at */
    size_t start;  /* of the record in hand */
    size_t column; /* bytes since the line began; SIZE_MAX: it began before what was seen */
    size_t indent; /* column of the record's first byte; SIZE_MAX: not the first on its line */
    uint64_t kinds[JSON_SCAN_DEPTH / 64]; /* bit: array */
};

struct json_span {
    size_t start, end;
    int broken;
};

/* `at_start`: the text begins the file. */
void json_scan_init(struct json_scan *s, int in_array, int at_start);
/* The next record of `data` that is complete; positions count from data's start. 0: none so far.
 * With `last`, what is in hand when the data ends is a record too. */
int json_scan_next(struct json_scan *s, struct assay_bytes data, int last, struct json_span *ret);
/* `n` bytes were taken off the start of the data. */
void json_scan_consume(struct json_scan *s, size_t n);
/* What follows begins a chunk: forgets how the line began, as the scan that starts there does not
 * know it. Between records only. */
void json_scan_restart(struct json_scan *s);

#endif
