/* SPDX-License-Identifier: Apache-2.0 */
#include "json_scan.h"

#include <string.h>

#include "../common/lines.h"

#define COLUMN_UNKNOWN SIZE_MAX

void json_scan_init(struct json_scan *s, int in_array, int at_start)
{
    memset(s, 0, sizeof *s);
    s->in_array = in_array;
    s->outer = in_array && at_start;
    s->column = at_start ? 0 : COLUMN_UNKNOWN;
    s->fresh = (uint8_t)at_start;
}

void json_scan_restart(struct json_scan *s)
{
    s->column = COLUMN_UNKNOWN;
    s->fresh = 0;
    s->outer = 0;
}

void json_scan_consume(struct json_scan *s, size_t n)
{
    if (n == 0) {
        return;
    }
    s->pos -= n < s->pos ? n : s->pos;
    s->start -= n < s->start ? n : s->start;
    if (s->state == SCAN_BETWEEN && s->pos == 0) {
        json_scan_restart(s);
    }
}

static int in_array_here(const struct json_scan *s)
{
    const uint32_t level = s->depth - 1;
    return (int)(s->kinds[level / 64] >> (level % 64) & 1);
}

/* Deeper than what is remembered: brackets are only counted. */
static int too_deep_to_tell(const struct json_scan *s)
{
    return s->depth > JSON_SCAN_DEPTH;
}

static void open_bracket(struct json_scan *s, char c)
{
    const uint32_t level = s->depth++;
    if (level < JSON_SCAN_DEPTH) {
        const uint64_t bit = (uint64_t)1 << (level % 64);
        s->kinds[level / 64] = c == '[' ? s->kinds[level / 64] | bit : s->kinds[level / 64] & ~bit;
    }
    s->state = c == '[' ? SCAN_VALUE_OR_END : SCAN_KEY_OR_END;
}

/* A value ended inside the record, or the record did. */
static void value_done(struct json_scan *s)
{
    s->state = s->depth == 0 ? SCAN_BETWEEN : SCAN_AFTER;
}

/* Numbers, true, false, null; NaN and Infinity, which the walk reports. */
static int starts_scalar(char c)
{
    return c == '-' || (c >= '0' && c <= '9') || c == 't' || c == 'f' || c == 'n' || c == 'N' ||
           c == 'I';
}

static int ends_scalar(char c)
{
    return reader_is_space(c) || c == ',' || c == ']' || c == '}' || c == '[' || c == '{' ||
           c == '"' || c == ':';
}

/* Takes the byte `c` that begins a value. 0: no value begins so. */
static int begin_value(struct json_scan *s, char c)
{
    if (c == '{' || c == '[') {
        open_bracket(s, c);
    } else if (c == '"') {
        s->is_key = 0;
        s->state = SCAN_STRING;
    } else if (starts_scalar(c)) {
        s->state = SCAN_SCALAR;
    } else {
        return 0;
    }
    return 1;
}

static int close_bracket(struct json_scan *s, char c)
{
    if (!too_deep_to_tell(s) && in_array_here(s) != (c == ']')) {
        return 0;
    }
    s->depth--;
    value_done(s);
    return 1;
}

static int begin_key(struct json_scan *s, char c)
{
    s->is_key = 1;
    s->state = SCAN_STRING;
    return c == '"';
}

static int after_value(struct json_scan *s, char c)
{
    if (c == ',') {
        s->state = in_array_here(s) ? SCAN_VALUE : SCAN_KEY;
        return 1;
    }
    return (c == ']' || c == '}') && close_bracket(s, c);
}

/* Takes a byte that is no white space, inside a record, outside strings and scalars. 0: it may not
 * stand here. */
static int take_token(struct json_scan *s, char c)
{
    if (too_deep_to_tell(s)) { /* only brackets and strings matter */
        if (c == '[' || c == '{') {
            open_bracket(s, c);
        } else if (c == ']' || c == '}') {
            s->depth--;
        } else if (c == '"') {
            s->is_key = 0;
            s->state = SCAN_STRING;
            return 1;
        }
        s->state = SCAN_AFTER;
        return 1;
    }
    switch (s->state) {
    case SCAN_VALUE:
        return begin_value(s, c);
    case SCAN_VALUE_OR_END:
        return c == ']' ? close_bracket(s, c) : begin_value(s, c);
    case SCAN_KEY:
        return begin_key(s, c);
    case SCAN_KEY_OR_END:
        return c == '}' ? close_bracket(s, c) : begin_key(s, c);
    case SCAN_COLON:
        s->state = SCAN_VALUE;
        return c == ':';
    default:
        return after_value(s, c);
    }
}

/* ---- steps: each looks at data from s->pos on, and advances it. 1: a record ended at *end ---- */

static void count_column(struct json_scan *s, char c)
{
    if (c == '\n') {
        s->column = 0;
        s->fresh = 1;
    } else {
        s->column += s->column != COLUMN_UNKNOWN;
        s->fresh = s->fresh && reader_is_space(c);
    }
}

static void break_record(struct json_scan *s)
{
    s->broke = 1;
    s->state = SCAN_BROKEN;
    s->depth = 0;
}

static int resyncs(const struct json_scan *s, char c)
{
    return (c == '{' || c == '[') && s->column <= s->indent;
}

static int step_between(struct json_scan *s, char c)
{
    if (reader_is_space(c) || c == ',' || c == '\x1e') {
        count_column(s, c);
        s->pos++;
        return 0;
    }
    if (s->in_array && (c == ']' || (c == '[' && s->outer))) {
        s->outer = s->outer && c != '[';
        s->closed = c == ']';
        count_column(s, c);
        s->pos++;
        return 0;
    }
    s->start = s->pos;
    s->indent = s->fresh ? s->column : COLUMN_UNKNOWN;
    s->broke = 0;
    s->outer = 0;
    s->depth = 0;
    if (!begin_value(s, c)) {
        break_record(s);
    }
    count_column(s, c);
    s->pos++;
    return 0;
}

static int end_record(struct json_scan *s, size_t at, size_t *end)
{
    *end = at;
    s->state = SCAN_BETWEEN;
    return 1;
}

static int step_token(struct json_scan *s, char c, size_t *end)
{
    if (reader_is_space(c)) {
        count_column(s, c);
        s->pos++;
        return 0;
    }
    const int fresh = s->fresh;
    if (!take_token(s, c)) {
        if (fresh && resyncs(s, c)) {
            s->broke = 1;
            return end_record(s, s->pos, end);
        }
        break_record(s);
        return 0;
    }
    count_column(s, c);
    s->pos++;
    return s->state == SCAN_BETWEEN ? end_record(s, s->pos, end) : 0;
}

/* Whether one of eight bytes equals the byte that `pattern` repeats. */
static uint64_t has_byte(uint64_t eight, uint64_t pattern)
{
    const uint64_t x = eight ^ pattern;
    return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}

/* The next byte of interest in a string: a quote, a backslash or a line end. */
static size_t string_stop(struct assay_bytes data, size_t pos)
{
    while (data.len - pos >= 8) {
        uint64_t w;
        memcpy(&w, data.ptr + pos, 8);
        if ((has_byte(w, 0x2222222222222222u) | has_byte(w, 0x5c5c5c5c5c5c5c5cu) |
             has_byte(w, 0x0a0a0a0a0a0a0a0au)) != 0) {
            break;
        }
        pos += 8;
    }
    while (pos < data.len && data.ptr[pos] != '"' && data.ptr[pos] != '\\' &&
           data.ptr[pos] != '\n') {
        pos++;
    }
    return pos;
}

static int step_string(struct json_scan *s, struct assay_bytes data, size_t *end)
{
    const size_t stop = string_stop(data, s->pos);
    s->column += s->column == COLUMN_UNKNOWN ? 0 : stop - s->pos;
    s->pos = stop;
    if (stop == data.len) {
        return 0;
    }
    const char c = data.ptr[stop];
    if (c == '\n') {
        break_record(s);
        return 0;
    }
    count_column(s, c);
    s->pos++;
    if (c == '\\') {
        s->state = SCAN_ESCAPE;
        return 0;
    }
    if (s->is_key) {
        s->state = SCAN_COLON;
        return 0;
    }
    value_done(s);
    return s->state == SCAN_BETWEEN ? end_record(s, s->pos, end) : 0;
}

static int step_escape(struct json_scan *s, char c)
{
    if (c == '\n') {
        break_record(s);
        return 0;
    }
    count_column(s, c);
    s->pos++;
    s->state = SCAN_STRING;
    return 0;
}

static int step_scalar(struct json_scan *s, char c, size_t *end)
{
    if (!ends_scalar(c)) {
        count_column(s, c);
        s->pos++;
        return 0;
    }
    value_done(s);
    return s->state == SCAN_BETWEEN ? end_record(s, s->pos, end) : 0;
}

static int step_broken(struct json_scan *s, struct assay_bytes data)
{
    const char *nl = (const char *)memchr(data.ptr + s->pos, '\n', data.len - s->pos);
    if (nl == NULL) {
        s->pos = data.len;
        return 0;
    }
    s->pos = (size_t)(nl + 1 - data.ptr);
    s->column = 0;
    s->fresh = 1;
    s->state = SCAN_BROKEN_INDENT;
    return 0;
}

static int step_broken_indent(struct json_scan *s, char c, size_t *end)
{
    if (reader_is_space(c)) {
        count_column(s, c);
        s->pos++;
        return 0;
    }
    if (resyncs(s, c)) {
        return end_record(s, s->pos, end);
    }
    s->state = SCAN_BROKEN;
    return 0;
}

static int step(struct json_scan *s, struct assay_bytes data, size_t *end)
{
    const char c = data.ptr[s->pos];
    switch (s->state) {
    case SCAN_BETWEEN:
        return step_between(s, c);
    case SCAN_STRING:
        return step_string(s, data, end);
    case SCAN_ESCAPE:
        return step_escape(s, c);
    case SCAN_SCALAR:
        return step_scalar(s, c, end);
    case SCAN_BROKEN:
        return step_broken(s, data);
    case SCAN_BROKEN_INDENT:
        return step_broken_indent(s, c, end);
    default:
        return step_token(s, c, end);
    }
}

/* A record ended at `end`: white space before that is not part of it. */
static void give(struct json_scan *s, struct assay_bytes data, size_t end, struct json_span *ret)
{
    while (end > s->start && reader_is_space(data.ptr[end - 1])) {
        end--;
    }
    ret->start = s->start;
    ret->end = end;
    ret->broken = s->broke;
    s->closed = s->broke && data.ptr[end - 1] == ']'; /* it may have swallowed the bracket */
    s->state = SCAN_BETWEEN;
    s->depth = 0;
}

int json_scan_next(struct json_scan *s, struct assay_bytes data, int last, struct json_span *ret)
{
    while (s->pos < data.len) {
        size_t end;
        if (step(s, data, &end)) {
            give(s, data, end, ret);
            return 1;
        }
    }
    if (!last || s->state == SCAN_BETWEEN) {
        return 0;
    }
    s->broke = s->broke || s->state != SCAN_SCALAR || s->depth > 0;
    give(s, data, data.len, ret);
    return 1;
}
