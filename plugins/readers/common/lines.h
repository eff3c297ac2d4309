/* SPDX-License-Identifier: Apache-2.0
 *
 * readers/common/lines.h: records that are lines. Blank lines are no records: split and next must
 * agree on which those are, so both ask here.
 */
#ifndef ASSAY_READERS_COMMON_LINES_H
#define ASSAY_READERS_COMMON_LINES_H

#include <string.h>

#include "assay/plugin.h"

static inline int reader_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline int reader_is_blank(struct assay_bytes s)
{
    size_t i = 0;
    while (i < s.len && reader_is_space(s.ptr[i])) {
        i++;
    }
    return i == s.len;
}

static inline struct assay_bytes reader_trim(struct assay_bytes s)
{
    while (s.len > 0 && reader_is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && reader_is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* What ends a line: '\r' in files that hold no '\n' in their head (old Mac OS), else '\n'. */
static inline char reader_line_end(struct assay_bytes head)
{
    if (head.len == 0 || memchr(head.ptr, '\n', head.len) != NULL) {
        return '\n';
    }
    const char *cr = (const char *)memchr(head.ptr, '\r', head.len);
    return cr != NULL && cr + 1 < head.ptr + head.len ? '\r' : '\n';
}

/* The next line that is not blank, without its terminator ("\r\n" counts as one). *pos moves behind
 * it; 0: none left. */
static inline int reader_next_line(struct assay_bytes data, char eol, size_t *pos,
                                   struct assay_bytes *ret)
{
    while (*pos < data.len) {
        const char *start = data.ptr + *pos;
        const char *end = (const char *)memchr(start, eol, data.len - *pos);
        size_t len = end == NULL ? data.len - *pos : (size_t)(end - start);
        *pos += len + (end != NULL);
        if (eol == '\n' && len > 0 && start[len - 1] == '\r') {
            len--;
        }
        *ret = assay_bytes_make(start, len);
        if (len > 0 && ((unsigned char)start[0] > ' ' || !reader_is_blank(*ret))) {
            return 1;
        }
    }
    return 0;
}

/* The split() of readers whose records are lines. *looked: bytes of the unconsumed data known to
 * hold no line end. */
static inline void reader_split_lines(char eol, struct assay_bytes data, enum assay_split_mode mode,
                                      size_t *looked, struct assay_split *ret)
{
    const size_t from = *looked < data.len ? *looked : data.len;
    ret->consumed = 0;
    ret->records = 0;
    ret->done = 0;
    *looked = 0;
    if (mode == ASSAY_SPLIT_DISCARD) {
        const char *end =
            from == data.len ? NULL : (const char *)memchr(data.ptr + from, eol, data.len - from);
        ret->consumed = end == NULL ? data.len : (size_t)(end + 1 - data.ptr);
        ret->done = end != NULL;
        return;
    }
    if (mode == ASSAY_SPLIT_LAST) {
        ret->consumed = data.len;
    } else {
        size_t end = data.len;
        while (end > from && data.ptr[end - 1] != eol) {
            end--;
        }
        ret->consumed = end > from ? end : 0;
        *looked = data.len - ret->consumed;
    }
    struct assay_bytes line;
    size_t pos = 0;
    while (reader_next_line(assay_bytes_make(data.ptr, ret->consumed), eol, &pos, &line)) {
        ret->records++;
    }
}

#endif
