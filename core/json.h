/* SPDX-License-Identifier: Apache-2.0
 *
 * core/json.h: a canonical JSON writer for what we sign and print.
 *
 * Output is RFC 8785 (JCS) for the subset we use: ASCII keys in ascending order, strings, integers
 * within +/-(2^53-1), booleans, null; no floats. Writing keys out of order, or a key twice, or an
 * integer out of range sets a sticky error when `canonical` is on. With `canonical` off keys keep
 * the order they come in (used for finding lines, whose field order people read). Strings must be
 * valid UTF-8; invalid bytes become U+FFFD.
 */
#ifndef ASSAY_CORE_JSON_H
#define ASSAY_CORE_JSON_H

#include "core/buf.h"

#define ASSAY_JSON_DEPTH 32

struct assay_json {
    struct assay_buf *out;
    int canonical;
    enum assay_status status; /* sticky */
    unsigned depth;
    struct {
        char last_key[64]; /* canonical order check */
        uint8_t is_array, has_items;
    } stack[ASSAY_JSON_DEPTH];
    uint8_t after_key;
};

/* Writes to `out`, which must live as long and is only appended to. */
void assay_json_init(struct assay_json *j, struct assay_buf *out, int canonical);
/* Collections, keys and values, in the order of the document. Whatever does not fit there, or is
 * out of range, sets the sticky status, and nothing more is written. */
void assay_json_object(struct assay_json *j);
void assay_json_end_object(struct assay_json *j);
void assay_json_array(struct assay_json *j);
void assay_json_end_array(struct assay_json *j);
void assay_json_key(struct assay_json *j, const char *key);
void assay_json_string(struct assay_json *j, struct assay_bytes s);
void assay_json_cstr(struct assay_json *j, const char *s); /* NULL writes null */
void assay_json_uint(struct assay_json *j, uint64_t v);
void assay_json_int(struct assay_json *j, int64_t v);
void assay_json_bool(struct assay_json *j, int v);
void assay_json_null(struct assay_json *j);
/* A string of lower-case hexadecimal digits. */
void assay_json_hex(struct assay_json *j, const void *data, size_t len);
/* value = milli/1000 written as a decimal with no trailing zeroes: 950 -> 0.95. Not canonical use.
 */
void assay_json_milli(struct assay_json *j, uint32_t milli);
/* Splices text that is already JSON. */
void assay_json_raw(struct assay_json *j, struct assay_bytes json);
/* Key and value in one call. */
void assay_json_kv_str(struct assay_json *j, const char *key, const char *value);
void assay_json_kv_uint(struct assay_json *j, const char *key, uint64_t value);
void assay_json_kv_bool(struct assay_json *j, const char *key, int value);
/* ASSAY_OK when everything written so far is well formed, in order, and fitted. */
enum assay_status assay_json_status(const struct assay_json *j);

#endif
