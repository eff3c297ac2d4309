/* SPDX-License-Identifier: Apache-2.0
 *
 * core/utf8.h: UTF-8 as this project needs it: validate, count, walk, measure, normalise.
 *
 * Functions that walk assume valid UTF-8 and never read past the given end.
 * Sources: Unicode 15 through libutf8proc; validity per RFC 3629 (no surrogates, no overlong
 *        forms).
 */
#ifndef ASSAY_CORE_UTF8_H
#define ASSAY_CORE_UTF8_H

#include "assay/base.h"

/* Length of the longest valid prefix; equals `len` when all is valid. Fast on ASCII. */
size_t assay_utf8_valid(const char *s, size_t len);
/* Replaces every byte that is not part of a valid sequence by '?'. Returns how many. */
size_t assay_utf8_repair(char *s, size_t len);
/* Code points in valid UTF-8 (counts non-continuation bytes; SIMD-friendly). */
size_t assay_utf8_count(const char *s, size_t len);
/* Decodes one code point at s < end; returns its length in bytes (1 and U+FFFD on a bad byte). */
unsigned assay_utf8_decode(const char *s, const char *end, uint32_t *ret_cp);
/* Writes one code point; returns its length (1..4). */
unsigned assay_utf8_encode(uint32_t cp, char out[4]);
/* Han, Hiragana, Katakana, Hangul, Bopomofo: scripts written without spaces between words. */
int assay_cp_is_cjk(uint32_t cp);
/* Letter or digit of any script except the above: what counts as part of a word. */
int assay_cp_is_word(uint32_t cp);
/* Columns on a terminal (0, 1 or 2). */
int assay_cp_width(uint32_t cp);
size_t assay_utf8_width(struct assay_bytes s);
/* NFKC plus full case folding; contract as assay_host.fold. */
size_t assay_utf8_fold(struct assay_bytes s, char *out, size_t cap);

struct assay_buf;
/* Appends `s` fit for a terminal or a log: C0, C1, DEL, bidi controls and invalid bytes escaped as
 * \n, \t, \xHH or \u{HHHH}. */
void assay_utf8_escape(struct assay_buf *out, struct assay_bytes s);

#endif
