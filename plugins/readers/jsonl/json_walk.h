/* SPDX-License-Identifier: Apache-2.0
 *
 * json_walk.h: from the index of one record to its fields in a batch.
 *
 * Strict RFC 8259, except that NaN and Infinity are taken (and noted). No recursion: the open
 * containers stand in an array of max_depth frames.
 */
#ifndef ASSAY_JSONL_JSON_WALK_H
#define ASSAY_JSONL_JSON_WALK_H

#include "../common/batch.h"
#include "path_trie.h"

enum json_verdict {
    JSON_GOOD,
    JSON_MALFORMED,
    JSON_TOO_DEEP,
    JSON_TOO_MANY, /* fields or paths, for one batch */
    JSON_NOMEM
};

/* Things worth a finding in a record that is good. */
#define JSON_NOTE_DUPLICATE_KEY  0x1u
#define JSON_NOTE_LONE_SURROGATE 0x2u
#define JSON_NOTE_NONSTANDARD    0x4u /* NaN, Infinity */

#define JSON_FIELDS_MAX 1000000u /* of one record */

struct json_frame {
    uint64_t object; /* number of this object, to tell duplicate keys */
    uint32_t node;
    uint32_t guess; /* the child likely to come next */
    uint32_t count; /* children so far */
    uint8_t is_array;
};

struct json_walk {
    /* Set once: */
    struct reader_batch *batch;
    struct jsonl_trie *trie;
    struct json_frame *frames; /* max_depth of them */
    uint32_t max_depth;
    /* Set for each record: */
    const char *text;      /* what the index counts from; UTF-8, 64 more bytes readable */
    const char *original;  /* the same before repair; equals text when nothing was repaired */
    const uint32_t *index; /* offsets, ascending */
    uint32_t at, n;        /* next and number of offsets; index[n] is readable */
    size_t end;            /* end of the record */
    unsigned notes;        /* JSON_NOTE_*: out */
    /* Kept between records: */
    uint32_t depth;
    uint64_t objects;
    char *key; /* scratch for keys with escapes */
    size_t key_cap;
};

/* Adds the fields of the record that ends at w->end to the batch's current record, for which the
 * text room must have been reserved (the record's length). On anything but JSON_GOOD the caller
 * undoes the record. */
enum json_verdict json_walk_record(struct json_walk *w);
void json_walk_release(struct json_walk *w); /* the scratch */

#endif
