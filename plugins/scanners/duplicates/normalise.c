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
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define AHEAD 32 /* bytes that may be written beyond the end of the form */

enum kind { SEPARATOR, DROPPED, WORD, UNSPACED };

/* Where the output stands. `last` is the kind of the last character written to this field; `gap`: a
 * word, then a separator came before. */
struct writer {
    char *out;
    enum kind last;
    unsigned gap;
};

/* ---- classes -----------------------------------------------------------------------------------
 */

#define L(c) [c] = (c) | 0x20
#define S(c) [c] = (c)

/* What an ASCII character becomes; 0: a separator. */
static const uint8_t ascii[128] = {
    S('0'), S('1'), S('2'), S('3'), S('4'), S('5'), S('6'), S('7'), S('8'), S('9'), L('A'), L('B'),
    L('C'), L('D'), L('E'), L('F'), L('G'), L('H'), L('I'), L('J'), L('K'), L('L'), L('M'), L('N'),
    L('O'), L('P'), L('Q'), L('R'), L('S'), L('T'), L('U'), L('V'), L('W'), L('X'), L('Y'), L('Z'),
    S('a'), S('b'), S('c'), S('d'), S('e'), S('f'), S('g'), S('h'), S('i'), S('j'), S('k'), S('l'),
    S('m'), S('n'), S('o'), S('p'), S('q'), S('r'), S('s'), S('t'), S('u'), S('v'), S('w'), S('x'),
    S('y'), S('z'), S('$'), S('+'), S('<'), S('='), S('>'), S('^'), S('`'), S('|'), S('~')};

/* Ranges of code points above ASCII, ascending; what is in none is part of a word. */
static const struct range {
    uint32_t first, last;
    enum kind kind;
} ranges[] = {
    {0x80, 0xA1, SEPARATOR},     {0xA7, 0xA7, SEPARATOR},      {0xAB, 0xAB, SEPARATOR},
    {0xAD, 0xAD, DROPPED},       {0xB6, 0xB7, SEPARATOR},      {0xBB, 0xBB, SEPARATOR},
    {0xBF, 0xBF, SEPARATOR},     {0x034F, 0x034F, DROPPED},    {0x061C, 0x061C, DROPPED},
    {0x180B, 0x180F, DROPPED},   {0x2000, 0x200A, SEPARATOR},  {0x200B, 0x200F, DROPPED},
    {0x2010, 0x2029, SEPARATOR}, {0x202A, 0x202E, DROPPED},    {0x202F, 0x205F, SEPARATOR},
    {0x2060, 0x206F, DROPPED},   {0x2E00, 0x2E7F, SEPARATOR},  {0x3000, 0x3003, SEPARATOR},
    {0x3004, 0x3007, UNSPACED},  {0x3008, 0x3020, SEPARATOR},  {0x3021, 0x302F, UNSPACED},
    {0x3030, 0x3030, SEPARATOR}, {0x3031, 0x303C, UNSPACED},   {0x303D, 0x303D, SEPARATOR},
    {0x303E, 0x309F, UNSPACED},  {0x30A0, 0x30A0, SEPARATOR},  {0x30A1, 0x30FA, UNSPACED},
    {0x30FB, 0x30FB, SEPARATOR}, {0x30FC, 0x312F, UNSPACED},   {0x31A0, 0x31BF, UNSPACED},
    {0x31F0, 0x31FF, UNSPACED},  {0x3400, 0x9FFF, UNSPACED},   {0xF900, 0xFAFF, UNSPACED},
    {0xFE00, 0xFE0F, DROPPED},   {0xFE10, 0xFE1F, SEPARATOR},  {0xFE30, 0xFE6F, SEPARATOR},
    {0xFEFF, 0xFEFF, DROPPED},   {0x1AFF0, 0x1B16F, UNSPACED}, {0x20000, 0x3FFFF, UNSPACED},
    {0xE0000, 0xE0FFF, DROPPED},
};

static enum kind classify(uint32_t cp)
{
    size_t from = 0;
    for (size_t n = sizeof ranges / sizeof ranges[0]; n > 0;) {
        size_t half = n / 2;
        if (cp > ranges[from + half].last) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    int inside = from < sizeof ranges / sizeof ranges[0] && cp >= ranges[from].first;
    return inside ? ranges[from].kind : WORD;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static inline void separate(struct writer *w)
{
    w->gap = w->last == WORD;
}

static inline void put(struct writer *w, enum kind kind, const char *p, unsigned len)
{
    if (w->gap && kind == WORD) {
        *w->out++ = ' ';
    }
    memcpy(w->out, p, len);
    w->out += len;
    w->last = kind;
    w->gap = 0;
}

/* ---- the fast walker ---------------------------------------------------------------------------
 */

#ifdef __SSE2__
/* Bytes of v in first..last, as a mask. */
static inline __m128i in_range(__m128i v, char first, char last)
{
    __m128i d = _mm_sub_epi8(v, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8((char)(last - first))), d);
}

static inline __m128i is_letter(__m128i v)
{
    return in_range(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
}

/* Bit i: byte i is part of a word, as ascii[] has it. */
static inline unsigned word_mask(__m128i v)
{
    __m128i m = _mm_or_si128(is_letter(v), in_range(v, '0', '9'));
    m = _mm_or_si128(m, in_range(v, '<', '>'));
    for (const char *c = "$+^`|~"; *c != '\0'; c++) {
        m = _mm_or_si128(m, _mm_cmpeq_epi8(v, _mm_set1_epi8(*c)));
    }
    return (unsigned)_mm_movemask_epi8(m);
}

/* Writes the 16 bytes at p in lower case. */
static inline void copy_lower(char *out, const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i bit = _mm_and_si128(is_letter(v), _mm_set1_epi8(0x20));
    _mm_storeu_si128((__m128i *)(void *)out, _mm_or_si128(v, bit));
}

/* Blocks of 16 ASCII bytes, word by word, while 32 can be read. Only behind a word, or at one. */
static const char *walk_blocks(struct writer *w, const char *p, const char *end)
{
    unsigned gap = w->gap;
    char *out = w->out;
    for (; end - p >= 32; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        if (_mm_movemask_epi8(v) != 0) {
            break;
        }
        unsigned mask = word_mask(v);
        unsigned open_end = mask >> 15;
        gap |= ~mask & 1;
        while (mask != 0) {
            unsigned at = (unsigned)__builtin_ctz(mask);
            unsigned len = (unsigned)__builtin_ctz(~(mask >> at));
            *out = ' ';
            out += gap;
            copy_lower(out, p + at);
            out += len;
            gap = 1;
            mask &= mask + (1u << at); /* without its lowest run */
        }
        gap = !open_end;
    }
    w->gap = gap;
    w->out = out;
    return p;
}
#endif

/* A run of ASCII. Returns one past it. */
static const char *walk_ascii(struct writer *w, const char *p, const char *end)
{
    if (w->last != WORD) { /* separators before the first word, or behind Han, leave no trace */
        while (p < end && (uint8_t)*p < 0x80 && ascii[(uint8_t)*p] == 0) {
            p++;
        }
        w->gap = 0;
        if (p == end || (uint8_t)*p >= 0x80) {
            return p;
        }
        w->last = WORD;
    }
#ifdef __SSE2__
    p = walk_blocks(w, p, end);
#endif
    unsigned gap = w->gap;
    char *out = w->out;
    while (p < end && (uint8_t)*p < 0x80) {
        uint8_t c = ascii[(uint8_t)*p++];
        unsigned is_word = c != 0;
        *out = ' ';
        out += gap & is_word;
        *out = (char)c;
        out += is_word;
        gap = !is_word;
    }
    w->gap = gap;
    w->out = out;
    return p;
}

static const char *walk_han(struct writer *w, const char *p, const char *end)
{
    char *out = w->out;
    while (p < end && (uint8_t)*p >= 0xE4 && (uint8_t)*p <= 0xE9) {
        memcpy(out, p, 3);
        out += 3;
        p += 3;
    }
    w->out = out;
    w->last = UNSPACED;
    w->gap = 0;
    return p;
}

/* C2, C3: Latin-1. */
static unsigned step_latin1(struct writer *w, const uint8_t *p)
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
    put(w, WORD, lower, 2);
    return 2;
}

/* E2 80: General Punctuation. U+2017 and U+203E fold to combining marks. */
static unsigned step_punctuation(struct writer *w, const uint8_t *p)
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
static unsigned step_cjk(struct writer *w, const uint8_t *p)
{
    if (p[1] >= 0x90) {
        put(w, UNSPACED, (const char *)p, 3);
        return 3;
    }
    if (p[1] == 0x80 && (p[2] <= 0x83 || (p[2] >= 0x88 && p[2] <= 0x9F))) {
        separate(w);
        return 3;
    }
    return 0;
}

/* EF: full-width ASCII, and the variation selector behind pictographs. */
static unsigned step_wide(struct writer *w, const uint8_t *p)
{
    if (p[1] == 0xB8 && p[2] == 0x8F) {
        return 3;
    }
    uint32_t cp = (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F); /* low 12 bits */
    if (cp < 0xF01 || cp > 0xF5E) {
        return 0;
    }
    uint8_t c = ascii[cp - 0xF01 + '!'];
    if (c == 0) {
        separate(w);
    } else {
        put(w, WORD, (const char *)&c, 1);
    }
    return 3;
}

/* F0 9F 8C .. F0 9F AB: pictographs. */
static unsigned step_pictograph(struct writer *w, const uint8_t *p)
{
    if (p[1] != 0x9F || p[2] < 0x8C || p[2] > 0xAB) {
        return 0;
    }
    put(w, WORD, (const char *)p, 4);
    return 4;
}

/* One character that is neither ASCII nor Han; its length, 0: not known here. */
static unsigned step(struct writer *w, const char *at, const char *end)
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
static char *walk_fast(char *out, struct assay_bytes field)
{
    struct writer w = {out, SEPARATOR, 0};
    const char *p = field.ptr;
    const char *end = p + field.len;
    while (p < end) {
        uint8_t lead = (uint8_t)*p;
        if (lead < 0x80) {
            p = walk_ascii(&w, p, end);
        } else if (lead >= 0xE4 && lead <= 0xE9) {
            if (end - p < 3) {
                return NULL;
            }
            p = walk_han(&w, p, end - 2);
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
    struct writer w = {out, SEPARATOR, 0};
    uint32_t cp;
    for (size_t i = 0; i < folded.len;) {
        const char *p = folded.ptr + i;
        unsigned len = decode((const uint8_t *)p, folded.len - i, &cp);
        char lower = cp < 0x80 ? (char)ascii[cp] : 0;
        enum kind kind = cp >= 0x80 ? classify(cp) : lower != 0 ? WORD : SEPARATOR;
        if (kind == SEPARATOR) {
            separate(&w);
        } else if (kind != DROPPED) {
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
    return len > SIZE_MAX / 4 - t->len ? ASSAY_NOMEM : grow(&t->buf, &t->cap, t->len + len + AHEAD);
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
    char *end = walk_fast(t->buf + t->len, field);
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
