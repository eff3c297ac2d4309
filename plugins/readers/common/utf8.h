/* SPDX-License-Identifier: Apache-2.0
 *
 * readers/common/utf8.h: validity and repair of UTF-8 for readers, which link against nothing.
 *
 * Validity per RFC 3629 (no surrogates, no overlong forms). The ASCII path takes 16 bytes a step.
 * Header only: every plugin compiles its own copy, because plugins export one symbol each.
 */
#ifndef ASSAY_READERS_COMMON_UTF8_H
#define ASSAY_READERS_COMMON_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of ASCII at the start of s, in whole steps of 16. */
static inline size_t reader_ascii_run(const unsigned char *s, size_t len)
{
    size_t i = 0;
    while (len - i >= 16) {
        uint64_t a;
        uint64_t b;
        memcpy(&a, s + i, 8);
        memcpy(&b, s + i + 8, 8);
        if (((a | b) & 0x8080808080808080u) != 0) {
            break;
        }
        i += 16;
    }
    return i;
}

static inline int reader_utf8_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the valid character at s (1..4); 0: there is none. */
static inline size_t reader_utf8_character(const unsigned char *s, size_t len)
{
    const unsigned char c = s[0];
    if (c < 0x80) {
        return 1;
    }
    if (c < 0xe0) {
        return c >= 0xc2 && len >= 2 && reader_utf8_tail(s[1]) ? 2 : 0;
    }
    if (c < 0xf0) {
        if (len < 3 || !reader_utf8_tail(s[1]) || !reader_utf8_tail(s[2])) {
            return 0;
        }
        return (c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ? 0 : 3;
    }
    if (c > 0xf4 || len < 4 || !reader_utf8_tail(s[1]) || !reader_utf8_tail(s[2]) ||
        !reader_utf8_tail(s[3])) {
        return 0;
    }
    return (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f) ? 0 : 4;
}

/* Length of the longest valid prefix. */
static inline size_t reader_utf8_valid(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    while (i < len) {
        if (s[i] < 0x80) {
            const size_t run = reader_ascii_run(s + i, len - i);
            i += run > 0 ? run : 1;
            continue;
        }
        const size_t n = reader_utf8_character(s + i, len - i);
        if (n == 0) {
            break;
        }
        i += n;
    }
    return i;
}

/* Replaces each byte that is part of no valid character by '?'; returns how many. */
static inline size_t reader_utf8_repair(char *text, size_t len)
{
    size_t bad = 0;
    size_t i = reader_utf8_valid(text, len);
    while (i < len) {
        text[i++] = '?';
        bad++;
        i += reader_utf8_valid(text + i, len - i);
    }
    return bad;
}

#endif
