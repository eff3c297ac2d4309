/* SPDX-License-Identifier: Apache-2.0
 *
 * core/utf8.c: validation, counting and folding of text.
 *
 * Validation runs over ASCII 64, then 8 bytes at a time, and over the common three-byte lead (Han)
 * by a short branch-predictable path. Counting subtracts continuation bytes with SSE2 where
 * present.
 *
 * Folding is NFKC plus full case folding by libutf8proc, but only where it can matter: an ASCII
 * letter and a CJK unified ideograph (U+4E00..U+9FFF) never change, compose or reorder, so they are
 * copied, and each run between them is a segment that normalises on its own (the ASCII character
 * before a run belongs to it: a combining mark may join it).
 */
#include "core/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/buf.h"

#define HIGH_BITS  UINT64_C(0x8080808080808080)
#define FOLD_STACK 1024 /* code points a segment may decompose to without the heap */
/* Said to be needed when the heap is exhausted: no buffer can be that large. */
#define FOLD_NO_MEMORY (SIZE_MAX / 4)

static uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Length of the run of ASCII at the start. */
static size_t ascii_run(const char *s, size_t len)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 64 <= len; i += 64) {
        const __m128i *p = (const __m128i *)(const void *)(s + i);
        __m128i any = _mm_or_si128(_mm_or_si128(_mm_loadu_si128(p), _mm_loadu_si128(p + 1)),
                                   _mm_or_si128(_mm_loadu_si128(p + 2), _mm_loadu_si128(p + 3)));
        if (_mm_movemask_epi8(any) != 0) {
            break;
        }
    }
#endif
    while (i + 8 <= len && (load64(s + i) & HIGH_BITS) == 0) {
        i += 8;
    }
    while (i < len && (uint8_t)s[i] < 0x80) {
        i++;
    }
    return i;
}

static int is_tail(char c)
{
    return ((uint8_t)c & 0xC0) == 0x80;
}

/* Length of the valid sequence at p, led by a byte >= 0x80; 0 when there is none. RFC 3629,
 * section 4. */
static size_t sequence_len(const char *p, size_t left)
{
    uint8_t lead = (uint8_t)p[0];
    uint8_t second = left > 1 ? (uint8_t)p[1] : 0;
    if (lead >= 0xE1 && lead <= 0xEF && lead != 0xED) {
        return left > 2 && is_tail(p[1]) && is_tail(p[2]) ? 3 : 0;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return left > 1 && is_tail(p[1]) ? 2 : 0;
    }
    if (lead == 0xE0 || lead == 0xED) {
        int ok = lead == 0xE0 ? second >= 0xA0 && second <= 0xBF : second >= 0x80 && second <= 0x9F;
        return left > 2 && ok && is_tail(p[2]) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4 && left > 3) {
        uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
        return second >= low && second <= high && is_tail(p[2]) && is_tail(p[3]) ? 4 : 0;
    }
    return 0;
}

/* Length of the run of three-byte sequences that need no second look: not those led by E0 or ED. */
static size_t three_byte_run(const char *s, size_t len)
{
    size_t i = 0;
    while (len - i >= 4) {
        const uint8_t *p = (const uint8_t *)s + i;
        uint32_t form =
            (uint32_t)(p[0] & 0xF0) << 16 | (uint32_t)(p[1] & 0xC0) << 8 | (p[2] & 0xC0);
        if (form != 0xE08080 || p[0] == 0xE0 || p[0] == 0xED) {
            break;
        }
        i += 3;
    }
    return i;
}

size_t assay_utf8_valid(const char *s, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if ((uint8_t)s[i] < 0x80) {
            i += ascii_run(s + i, len - i);
            continue;
        }
        size_t run = three_byte_run(s + i, len - i);
        if (run > 0) {
            i += run;
            continue;
        }
        size_t n = sequence_len(s + i, len - i);
        if (n == 0) {
            return i;
        }
        i += n;
    }
    return len;
}

size_t assay_utf8_repair(char *s, size_t len)
{
    size_t repaired = 0;
    for (size_t i = assay_utf8_valid(s, len); i < len;) {
        s[i++] = '?';
        repaired++;
        i += assay_utf8_valid(s + i, len - i);
    }
    return repaired;
}

size_t assay_utf8_count(const char *s, size_t len)
{
    size_t tails = 0;
    size_t i = 0;
#ifdef __SSE2__
    const __m128i limit = _mm_set1_epi8(-64); /* 0xC0: continuation bytes are below, as signed */
    for (; i + 16 <= len; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(v, limit));
        tails += (size_t)__builtin_popcount(mask);
    }
#endif
    for (; i < len; i++) {
        tails += is_tail(s[i]) ? 1u : 0u;
    }
    return len - tails;
}

unsigned assay_utf8_decode(const char *s, const char *end, uint32_t *ret_cp)
{
    uint8_t lead = (uint8_t)s[0];
    if (lead < 0x80) {
        *ret_cp = lead;
        return 1;
    }
    unsigned n = (unsigned)sequence_len(s, (size_t)(end - s));
    if (n == 0) {
        *ret_cp = 0xFFFD;
        return 1;
    }
    uint32_t cp = lead & (0xFFu >> (n + 1));
    for (unsigned i = 1; i < n; i++) {
        cp = cp << 6 | ((uint8_t)s[i] & 0x3Fu);
    }
    *ret_cp = cp;
    return n;
}

unsigned assay_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    unsigned n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (unsigned i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 0x3F));
        cp >>= 6;
    }
    out[0] = (char)((0xF00u >> n & 0xF0u) | cp);
    return n;
}

int assay_cp_is_cjk(uint32_t cp)
{
    /* Unicode 15 blocks of the scripts named in the header. Ascending. */
    static const struct {
        uint32_t first, last;
    } blocks[] = {
        {0x1100, 0x11FF},   {0x2E80, 0x2FDF},   {0x3005, 0x3007},   {0x3021, 0x3029},
        {0x3031, 0x3035},   {0x3038, 0x303C},   {0x3041, 0x312F},   {0x3130, 0x318F},
        {0x31A0, 0x31BF},   {0x31F0, 0x31FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
        {0xA960, 0xA97F},   {0xAC00, 0xD7FF},   {0xF900, 0xFAFF},   {0xFF66, 0xFFDC},
        {0x1AFF0, 0x1AFFF}, {0x1B000, 0x1B16F}, {0x20000, 0x323AF},
    };
    if (cp < blocks[0].first) {
        return 0;
    }
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (cp <= blocks[i].last) {
            return cp >= blocks[i].first;
        }
    }
    return 0;
}

int assay_cp_is_word(uint32_t cp)
{
    if (cp < 0x80) {
        return (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z');
    }
    if (assay_cp_is_cjk(cp)) {
        return 0;
    }
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO &&
           (category <= UTF8PROC_CATEGORY_LO || category >= UTF8PROC_CATEGORY_ND);
}

int assay_cp_width(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7F) {
        return 1;
    }
    return utf8proc_charwidth((utf8proc_int32_t)cp);
}

size_t assay_utf8_width(struct assay_bytes s)
{
    size_t width = 0;
    if (s.len == 0) {
        return 0;
    }
    const char *end = s.ptr + s.len;
    uint32_t cp;
    for (const char *p = s.ptr; p < end;) {
        p += assay_utf8_decode(p, end, &cp);
        width += (size_t)assay_cp_width(cp);
    }
    return width;
}

/* ---- folding ------------------------------------------------------------------------------ */

struct fold_out {
    char *out;
    size_t cap;
    size_t len; /* needed so far; may exceed cap */
};

static void fold_put(struct fold_out *f, const char *p, size_t n)
{
    if (f->len <= f->cap && n <= f->cap - f->len) {
        memcpy(f->out + f->len, p, n);
    }
    f->len += n;
}

/* ASCII, or a unified ideograph: unchanged by NFKC whatever stands around it. */
static int fold_is_inert(const char *p, const char *end)
{
    uint8_t lead = (uint8_t)p[0];
    if (lead < 0x80) {
        return 1;
    }
    /* U+4E00 is E4 B8 80; U+9FFF is E9 BF BF. */
    return lead >= 0xE4 && lead <= 0xE9 && end - p >= 3 && !(lead == 0xE4 && (uint8_t)p[1] < 0xB8);
}

static void fold_points(struct fold_out *f, utf8proc_int32_t *points, utf8proc_ssize_t n)
{
    char bytes[4];
    n = utf8proc_normalize_utf32(points, n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        fold_put(f, bytes, assay_utf8_encode((uint32_t)points[i], bytes));
    }
}

/* Normalises one segment; 0 when out of memory. */
static int fold_segment(struct fold_out *f, const char *p, size_t len)
{
    const utf8proc_option_t options =
        UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_STABLE | UTF8PROC_CASEFOLD;
    const utf8proc_uint8_t *text = (const utf8proc_uint8_t *)p;
    utf8proc_int32_t stack[FOLD_STACK];
    utf8proc_ssize_t n =
        utf8proc_decompose(text, (utf8proc_ssize_t)len, stack, FOLD_STACK, options);
    if (n < 0) { /* not UTF-8: kept as it is */
        fold_put(f, p, len);
        return 1;
    }
    if (n <= FOLD_STACK) {
        fold_points(f, stack, n);
        return 1;
    }
    utf8proc_int32_t *heap = calloc((size_t)n + 1, sizeof *heap);
    if (heap == NULL) {
        return 0;
    }
    n = utf8proc_decompose(text, (utf8proc_ssize_t)len, heap, n, options);
    fold_points(f, heap, n);
    free(heap);
    return 1;
}

/* One past the segment that starts at p: up to the next inert character. */
static const char *fold_segment_end(const char *p, const char *end)
{
    uint32_t cp;
    p += (uint8_t)p[0] < 0x80 ? 1 : 0;
    while (p < end && !fold_is_inert(p, end)) {
        p += assay_utf8_decode(p, end, &cp);
    }
    return p;
}

/* Eight ASCII characters in lower case: bit 7 of each byte shows A..Z, moved to bit 5 it is the
 * difference. */
static uint64_t lower8(uint64_t x)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t from_a = x + ones * (0x80 - 'A');
    uint64_t past_z = x + ones * (0x7F - 'Z');
    return x | ((from_a ^ past_z) & HIGH_BITS) >> 2;
}

static void fold_ascii(struct fold_out *f, const char *p, size_t n)
{
    if (n > 0 && f->len <= f->cap && n <= f->cap - f->len) {
        char *out = f->out + f->len;
        size_t i = 0;
        for (; i + 8 <= n; i += 8) {
            uint64_t eight = lower8(load64(p + i));
            memcpy(out + i, &eight, sizeof eight);
        }
        for (; i < n; i++) {
            out[i] = (char)(p[i] + (p[i] >= 'A' && p[i] <= 'Z' ? 'a' - 'A' : 0));
        }
    }
    f->len += n;
}

/* Copies inert characters from p; stops before the ASCII character a segment begins with, and
 * before the segment. */
static const char *fold_inert(struct fold_out *f, const char *p, const char *end)
{
    while (p < end && fold_is_inert(p, end)) {
        const char *start = p;
        while (p < end && (uint8_t)*p >= 0x80 && fold_is_inert(p, end)) {
            p += 3;
        }
        if (p != start) {
            fold_put(f, start, (size_t)(p - start));
            continue;
        }
        size_t n = ascii_run(p, (size_t)(end - p));
        n -= p + n < end && !fold_is_inert(p + n, end) ? 1u : 0u;
        fold_ascii(f, p, n);
        p += n;
        if (p < end && (uint8_t)*p < 0x80) {
            break;
        }
    }
    return p;
}

size_t assay_utf8_fold(struct assay_bytes s, char *out, size_t cap)
{
    struct fold_out f = {.out = out, .cap = cap};
    if (s.len == 0) {
        return 0;
    }
    const char *end = s.ptr + s.len;
    for (const char *p = s.ptr; p < end;) {
        p = fold_inert(&f, p, end);
        if (p == end) {
            break;
        }
        const char *stop = fold_segment_end(p, end);
        if (!fold_segment(&f, p, (size_t)(stop - p))) {
            return FOLD_NO_MEMORY;
        }
        p = stop;
    }
    return f.len;
}

/* ---- escaping ------------------------------------------------------------------------------ */

static int is_bidi_or_invisible(uint32_t cp)
{
    return cp == 0x61C || (cp >= 0x200B && cp <= 0x200F) || (cp >= 0x2028 && cp <= 0x202E) ||
           (cp >= 0x2060 && cp <= 0x2069) || cp == 0xFEFF;
}

static void escape_point(struct assay_buf *out, const char *p, unsigned n, uint32_t cp)
{
    if (cp == '\n' || cp == '\t' || cp == '\r') {
        assay_buf_adds(out, cp == '\n' ? "\\n" : cp == '\t' ? "\\t" : "\\r");
    } else if (cp < 0x20 || cp == 0x7F || (cp == 0xFFFD && n == 1)) {
        assay_buf_addf(out, "\\x%02x", (unsigned)(uint8_t)*p);
    } else if ((cp >= 0x80 && cp < 0xA0) || is_bidi_or_invisible(cp)) {
        assay_buf_addf(out, "\\u{%04x}", (unsigned)cp);
    } else {
        assay_buf_add(out, p, n);
    }
}

void assay_utf8_escape(struct assay_buf *out, struct assay_bytes s)
{
    if (s.len == 0) {
        return;
    }
    const char *end = s.ptr + s.len;
    uint32_t cp;
    for (const char *p = s.ptr; p < end;) {
        unsigned n = assay_utf8_decode(p, end, &cp);
        escape_point(out, p, n, cp);
        p += n;
    }
}
