/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include "core/utf8.h"

#define JSON_MAX_INT (((int64_t)1 << 53) - 1)

void assay_json_init(struct assay_json *j, struct assay_buf *out, int canonical)
{
    memset(j, 0, sizeof *j);
    j->out = out;
    j->canonical = canonical;
}

static void json_fail(struct assay_json *j, enum assay_status status)
{
    if (j->status == ASSAY_OK) {
        j->status = status;
    }
}

/* Puts the comma before a value; 0 when no value may stand here. */
static int json_value(struct assay_json *j)
{
    if (j->depth == 0) {
        return j->status == ASSAY_OK;
    }
    unsigned top = j->depth - 1;
    if (j->stack[top].is_array) {
        if (j->stack[top].has_items) {
            assay_buf_addc(j->out, ',');
        }
        j->stack[top].has_items = 1;
    } else if (!j->after_key) {
        json_fail(j, ASSAY_INTERNAL);
    }
    j->after_key = 0;
    return j->status == ASSAY_OK;
}

static void json_open(struct assay_json *j, char bracket, uint8_t is_array)
{
    if (!json_value(j)) {
        return;
    }
    if (j->depth == ASSAY_JSON_DEPTH) {
        json_fail(j, ASSAY_LIMIT);
        return;
    }
    j->stack[j->depth].is_array = is_array;
    j->stack[j->depth].has_items = 0;
    j->stack[j->depth].last_key[0] = '\0';
    j->depth++;
    assay_buf_addc(j->out, bracket);
}

static void json_close(struct assay_json *j, char bracket, uint8_t is_array)
{
    if (j->depth == 0 || j->stack[j->depth - 1].is_array != is_array || j->after_key) {
        json_fail(j, ASSAY_INTERNAL);
        return;
    }
    j->depth--;
    assay_buf_addc(j->out, bracket);
}

void assay_json_object(struct assay_json *j)
{
    json_open(j, '{', 0);
}

void assay_json_end_object(struct assay_json *j)
{
    json_close(j, '}', 0);
}

void assay_json_array(struct assay_json *j)
{
    json_open(j, '[', 1);
}

void assay_json_end_array(struct assay_json *j)
{
    json_close(j, ']', 1);
}

/* Length of the run at `i` that needs neither escape nor repair. */
static size_t json_plain(struct assay_bytes s, size_t i)
{
    size_t start = i;
    while (i < s.len && (uint8_t)s.ptr[i] >= 0x20 && s.ptr[i] != '"' && s.ptr[i] != '\\') {
        i++;
    }
    return i - start;
}

static void json_escape(struct assay_buf *out, char c)
{
    static const char names[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = c == '\0' ? NULL : strchr(names, c);
    if (at != NULL) {
        assay_buf_addc(out, '\\');
        assay_buf_addc(out, letters[at - names]);
    } else {
        assay_buf_addf(out, "\\u%04x", (unsigned)(uint8_t)c);
    }
}

/* `s` is valid UTF-8. */
static void json_quote_valid(struct assay_buf *out, struct assay_bytes s)
{
    for (size_t i = 0; i < s.len;) {
        size_t run = json_plain(s, i);
        if (run > 0) {
            assay_buf_add(out, s.ptr + i, run);
            i += run;
        } else {
            json_escape(out, s.ptr[i++]);
        }
    }
}

static void json_quote(struct assay_buf *out, struct assay_bytes s)
{
    assay_buf_addc(out, '"');
    while (s.len > 0) {
        size_t valid = assay_utf8_valid(s.ptr, s.len);
        json_quote_valid(out, assay_bytes_make(s.ptr, valid));
        if (valid == s.len) {
            break;
        }
        assay_buf_add(out, "\xEF\xBF\xBD", 3);
        s = assay_bytes_make(s.ptr + valid + 1, s.len - valid - 1);
    }
    assay_buf_addc(out, '"');
}

/* Keys are printable ASCII, so byte order is the UTF-16 order RFC 8785 asks for. */
static int json_key_ok(struct assay_json *j, const char *key)
{
    size_t len = strlen(key);
    char *last = j->stack[j->depth - 1].last_key;
    if (!j->canonical) {
        return 1;
    }
    if (len >= sizeof j->stack[0].last_key) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (key[i] < 0x20 || key[i] > 0x7e) {
            return 0;
        }
    }
    if (j->stack[j->depth - 1].has_items && strcmp(last, key) >= 0) {
        return 0;
    }
    memcpy(last, key, len + 1);
    return 1;
}

void assay_json_key(struct assay_json *j, const char *key)
{
    if (j->depth == 0 || j->stack[j->depth - 1].is_array || j->after_key || !json_key_ok(j, key)) {
        json_fail(j, ASSAY_INTERNAL);
        return;
    }
    if (j->stack[j->depth - 1].has_items) {
        assay_buf_addc(j->out, ',');
    }
    j->stack[j->depth - 1].has_items = 1;
    json_quote(j->out, assay_bytes_str(key));
    assay_buf_addc(j->out, ':');
    j->after_key = 1;
}

void assay_json_string(struct assay_json *j, struct assay_bytes s)
{
    if (json_value(j)) {
        json_quote(j->out, s);
    }
}

void assay_json_cstr(struct assay_json *j, const char *s)
{
    if (s == NULL) {
        assay_json_null(j);
    } else {
        assay_json_string(j, assay_bytes_str(s));
    }
}

void assay_json_uint(struct assay_json *j, uint64_t v)
{
    if (j->canonical && v > (uint64_t)JSON_MAX_INT) {
        json_fail(j, ASSAY_LIMIT);
    }
    if (json_value(j)) {
        assay_buf_addf(j->out, "%llu", (unsigned long long)v);
    }
}

void assay_json_int(struct assay_json *j, int64_t v)
{
    if (j->canonical && (v > JSON_MAX_INT || v < -JSON_MAX_INT)) {
        json_fail(j, ASSAY_LIMIT);
    }
    if (json_value(j)) {
        assay_buf_addf(j->out, "%lld", (long long)v);
    }
}

void assay_json_bool(struct assay_json *j, int v)
{
    if (json_value(j)) {
        assay_buf_adds(j->out, v ? "true" : "false");
    }
}

void assay_json_null(struct assay_json *j)
{
    if (json_value(j)) {
        assay_buf_adds(j->out, "null");
    }
}

void assay_json_hex(struct assay_json *j, const void *data, size_t len)
{
    if (json_value(j)) {
        assay_buf_addc(j->out, '"');
        assay_buf_addhex(j->out, data, len);
        assay_buf_addc(j->out, '"');
    }
}

void assay_json_milli(struct assay_json *j, uint32_t milli)
{
    if (j->canonical) {
        json_fail(j, ASSAY_INTERNAL);
    }
    if (!json_value(j)) {
        return;
    }
    char text[24];
    int len =
        snprintf(text, sizeof text, "%u.%03u", (unsigned)(milli / 1000), (unsigned)(milli % 1000));
    while (text[len - 1] == '0') {
        len--;
    }
    assay_buf_add(j->out, text, (size_t)(text[len - 1] == '.' ? len - 1 : len));
}

void assay_json_raw(struct assay_json *j, struct assay_bytes json)
{
    if (json_value(j)) {
        assay_buf_addb(j->out, json);
    }
}

void assay_json_kv_str(struct assay_json *j, const char *key, const char *value)
{
    assay_json_key(j, key);
    assay_json_cstr(j, value);
}

void assay_json_kv_uint(struct assay_json *j, const char *key, uint64_t value)
{
    assay_json_key(j, key);
    assay_json_uint(j, value);
}

void assay_json_kv_bool(struct assay_json *j, const char *key, int value)
{
    assay_json_key(j, key);
    assay_json_bool(j, value);
}

enum assay_status assay_json_status(const struct assay_json *j)
{
    return j->status != ASSAY_OK ? j->status : assay_buf_status(j->out);
}
