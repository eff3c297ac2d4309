/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/normalise.c: see the header for the form.
 *
 * Two walkers feed one rule about separators. The fast one handles the characters it knows by their
 * UTF-8 bytes and gives up at the first it does not; the slow one decodes folded text and asks
 * classify(). A character the fast walker knows must be one that folding maps to itself (or to what
 * the walker writes) whatever stands next to it; combining marks are not among them, so a field
 * that holds any is folded as a whole. Input is valid UTF-8 (record.h).
 */
#include "normalise.h"

#include <stdlib.h>

#include "ranges.h"

/* ---- classes -----------------------------------------------------------------------------------
 */

/* Ranges of code points above ASCII, ascending; what is in none is part of a word. */
static const struct dup_range ranges[] = {
    {0x80, 0xA1, DUP_SEPARATOR},
    {0xA7, 0xA7, DUP_SEPARATOR},
    {0xAB, 0xAB, DUP_SEPARATOR},
    {0xAD, 0xAD, DUP_DROPPED},
    {0xB6, 0xB7, DUP_SEPARATOR},
    {0xBB, 0xBB, DUP_SEPARATOR},
    {0xBF, 0xBF, DUP_SEPARATOR},
    {0x034F, 0x034F, DUP_DROPPED},
    {0x061C, 0x061C, DUP_DROPPED},
    {0x180B, 0x180F, DUP_DROPPED},
    DUP_RANGES_GENERAL(DUP_SEPARATOR, DUP_DROPPED),
    {0x2E00, 0x2E7F, DUP_SEPARATOR},
    DUP_RANGES_CJK(DUP_SEPARATOR, DUP_UNSPACED),
    {0x30FC, 0x312F, DUP_UNSPACED},
    {0x31A0, 0x31BF, DUP_UNSPACED},
    {0x31F0, 0x31FF, DUP_UNSPACED},
    {0x3400, 0x9FFF, DUP_UNSPACED},
    {0xF900, 0xFAFF, DUP_UNSPACED},
    {0xFE00, 0xFE0F, DUP_DROPPED},
    {0xFE10, 0xFE1F, DUP_SEPARATOR},
    {0xFE30, 0xFE6F, DUP_SEPARATOR},
    {0xFEFF, 0xFEFF, DUP_DROPPED},
    {0x1AFF0, 0x1B16F, DUP_UNSPACED},
    {0x20000, 0x3FFFF, DUP_UNSPACED},
    {0xE0000, 0xE0FFF, DUP_DROPPED},
};

static enum dup_kind classify(uint32_t cp)
{
    return (enum dup_kind)dup_range_kind(ranges, sizeof ranges / sizeof ranges[0], cp, DUP_WORD);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static inline void separate(struct dup_writer *w)
{
    w->gap = w->last == DUP_WORD;
}

static inline void put(struct dup_writer *w, enum dup_kind kind, const char *p, unsigned len)
{
    if (w->gap && kind == DUP_WORD) {
        *w->out++ = ' ';
    }
    memcpy(w->out, p, len);
    w->out += len;
    w->last = kind;
    w->gap = 0;
}

/* ---- the fast walker ---------------------------------------------------------------------------
 */

/* C2, C3: Latin-1. */
static unsigned step_latin1(struct dup_writer *w, const uint8_t *p)
{
    if (p[0] == 0xC2) {
        if (memchr("\xA0\xA1\xA7\xAB\xB6\xB7\xBB\xBF", p[1], 8) == NULL) {
            return 0;
        }
        separate(w);
        return 2;
    }
    if (p[1] == 0x9F) { /* sharp s folds to two letters */
        return 0;
    }
    int is_upper = p[1] < 0x9F && p[1] != 0x97;
    const char lower[2] = {(char)0xC3, (char)(is_upper ? p[1] + 0x20 : p[1])};
    put(w, DUP_WORD, lower, 2);
    return 2;
}

/* E2 80: General Punctuation. U+2017 and U+203E fold to combining marks. */
static unsigned step_punctuation(struct dup_writer *w, const uint8_t *p)
{
    if (p[1] != 0x80 || p[2] == 0x97 || p[2] == 0xBE) {
        return 0;
    }
    int dropped = (p[2] >= 0x8B && p[2] <= 0x8F) || (p[2] >= 0xAA && p[2] <= 0xAE);
    if (!dropped) {
        separate(w);
    }
    return 3;
}

/* E3: CJK punctuation, and ideographs of Extension A. */
static unsigned step_cjk(struct dup_writer *w, const uint8_t *p)
{
    if (p[1] >= 0x90) {
        put(w, DUP_UNSPACED, (const char *)p, 3);
        return 3;
    }
    if (p[1] == 0x80 && (p[2] <= 0x83 || (p[2] >= 0x88 && p[2] <= 0x9F))) {
        separate(w);
        return 3;
    }
    return 0;
}

/* EF: full-width ASCII, and the variation selector behind pictographs. */
static unsigned step_wide(struct dup_writer *w, const uint8_t *p)
{
    if (p[1] == 0xB8 && p[2] == 0x8F) {
        return 3;
    }
    uint32_t cp = (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F); /* low 12 bits */
    if (cp < 0xF01 || cp > 0xF5E) {
        return 0;
    }
    uint8_t c = dup_ascii[cp - 0xF01 + '!'];
    if (c == 0) {
        separate(w);
    } else {
        put(w, DUP_WORD, (const char *)&c, 1);
    }
    return 3;
}

/* F0 9F 8C .. F0 9F AB: pictographs. */
static unsigned step_pictograph(struct dup_writer *w, const uint8_t *p)
{
    if (p[1] != 0x9F || p[2] < 0x8C || p[2] > 0xAB) {
        return 0;
    }
    put(w, DUP_WORD, (const char *)p, 4);
    return 4;
}

/* One character that is neither ASCII nor Han; its length, 0: not known here. */
static unsigned step(struct dup_writer *w, const char *at, const char *end)
{
    const uint8_t *p = (const uint8_t *)at;
    size_t left = (size_t)(end - at);
    switch (p[0]) {
    case 0xC2:
    case 0xC3:
        return left < 2 ? 0 : step_latin1(w, p);
    case 0xE2:
        return left < 3 ? 0 : step_punctuation(w, p);
    case 0xE3:
        return left < 3 ? 0 : step_cjk(w, p);
    case 0xEF:
        return left < 3 ? 0 : step_wide(w, p);
    case 0xF0:
        return left < 4 ? 0 : step_pictograph(w, p);
    default:
        return 0;
    }
}

/* NULL: there is a character in the field that the fast walker does not know. */
static char *walk_fast(const struct dup_runs *runs, char *out, struct assay_bytes field)
{
    struct dup_writer w = {out, DUP_SEPARATOR, 0};
    const char *p = field.ptr;
    const char *end = p + field.len;
    while (p < end) {
        uint8_t lead = (uint8_t)*p;
        if (lead < 0x80) {
            p = runs->ascii(&w, p, end);
        } else if (lead >= 0xE4 && lead <= 0xE9) {
            if (end - p < 3) {
                return NULL;
            }
            p = runs->han(&w, p, end);
        } else {
            unsigned len = step(&w, p, end);
            if (len == 0) {
                return NULL;
            }
            p += len;
        }
    }
    return w.out;
}

/* ---- the slow walker ---------------------------------------------------------------------------
 */

/* Length of the character at p, and its code point. Bytes that are not UTF-8 stand for themselves.
 */
static unsigned decode(const uint8_t *p, size_t left, uint32_t *ret)
{
    unsigned len = p[0] < 0xC2 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len == 1 || len > left) {
        *ret = p[0] < 0x80 ? p[0] : 0xFFFD;
        return 1;
    }
    uint32_t cp = p[0] & (0x7Fu >> len);
    for (unsigned i = 1; i < len; i++) {
        cp = cp << 6 | (p[i] & 0x3F);
    }
    *ret = cp;
    return len;
}

static char *walk_slow(char *out, struct assay_bytes folded)
{
    struct dup_writer w = {out, DUP_SEPARATOR, 0};
    uint32_t cp;
    for (size_t i = 0; i < folded.len;) {
        const char *p = folded.ptr + i;
        unsigned len = decode((const uint8_t *)p, folded.len - i, &cp);
        char lower = cp < 0x80 ? (char)dup_ascii[cp] : 0;
        enum dup_kind kind = cp >= 0x80 ? classify(cp) : lower != 0 ? DUP_WORD : DUP_SEPARATOR;
        if (kind == DUP_SEPARATOR) {
            separate(&w);
        } else if (kind != DUP_DROPPED) {
            put(&w, kind, cp < 0x80 ? &lower : p, len);
        }
        i += len;
    }
    return w.out;
}

/* ---- the text ----------------------------------------------------------------------------------
 */

static enum assay_status grow(char **buf, size_t *cap, size_t needed)
{
    if (needed <= *cap) {
        return ASSAY_OK;
    }
    size_t bigger = needed + needed / 2 + 256;
    char *p = bigger < needed ? NULL : realloc(*buf, bigger);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    *buf = p;
    *cap = bigger;
    return ASSAY_OK;
}

/* Room for the form of `len` bytes: never longer than they are, but for a space written ahead and
 * the end. */
static enum assay_status make_room(struct dup_text *t, size_t len)
{
    return len > SIZE_MAX / 4 - t->len ? ASSAY_NOMEM
                                       : grow(&t->buf, &t->cap, t->len + len + DUP_AHEAD);
}

static void end_field(struct dup_text *t, char *end)
{
    *end++ = DUP_FIELD_END;
    t->len = (size_t)(end - t->buf);
}

enum assay_status dup_text_add_folded(struct dup_text *t, const struct assay_host *host,
                                      struct assay_bytes field)
{
    size_t len = host->fold(host->ctx, field, t->folded, t->folded_cap);
    if (len > t->folded_cap) {
        if (grow(&t->folded, &t->folded_cap, len) != ASSAY_OK) {
            return ASSAY_NOMEM;
        }
        len = host->fold(host->ctx, field, t->folded, t->folded_cap);
    }
    if (len > t->folded_cap || make_room(t, len) != ASSAY_OK) {
        return ASSAY_NOMEM;
    }
    end_field(t, walk_slow(t->buf + t->len, assay_bytes_make(t->folded, len)));
    return ASSAY_OK;
}

enum assay_status dup_text_add(struct dup_text *t, const struct assay_host *host,
                               struct assay_bytes field)
{
    if (make_room(t, field.len) != ASSAY_OK) {
        return ASSAY_NOMEM;
    }
    if (t->runs == NULL) {
        t->runs = dup_runs_get(0);
    }
    char *end = walk_fast(t->runs, t->buf + t->len, field);
    if (end == NULL) {
        return dup_text_add_folded(t, host, field);
    }
    end_field(t, end);
    return ASSAY_OK;
}

int dup_text_has(const struct dup_text *t, uint64_t n)
{
    uint64_t chars = 0;
    for (size_t i = 0; i < t->len && chars < n; i++) {
        chars += ((uint8_t)t->buf[i] & 0xC0) != 0x80 && t->buf[i] != DUP_FIELD_END;
    }
    return chars >= n;
}

void dup_text_release(struct dup_text *t)
{
    free(t->buf);
    free(t->folded);
    memset(t, 0, sizeof *t);
}
