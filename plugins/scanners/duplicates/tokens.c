/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/tokens.c: see the header.
 *
 * ASCII is taken in blocks of 64 bytes: one bit per byte says what is a letter or digit, and runs
 * of bits are words. A word that meets a character beyond ASCII, or fills a block, is done byte by
 * byte. Letters are lowered while they are loaded: of the bytes in words, only upper-case letters
 * lack the bit 0x20. The hash is a chain of dup_mix over words of eight bytes.
 */
#include "tokens.h"

#include <stdlib.h>

#include "ranges.h"
#ifdef __x86_64__
#include <immintrin.h>
#define DUP_X86
#endif

#include "mix.h"

#define BLOCK 64
#define AHEAD 8 /* bytes a hash may load behind a word */

#define LOWER UINT64_C(0x2020202020202020)

/* ---- hashing -----------------------------------------------------------------------------------
 */

static inline uint64_t load_8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The first n < 8 bytes of v. */
static inline uint64_t first_bytes(uint64_t v, size_t n)
{
    return v & ((UINT64_C(1) << (8 * n)) - 1);
}

static inline uint64_t hash_start(size_t len)
{
    return DUP_ROOT2 + len * DUP_ROOT5;
}

/* The hash of a word whose letters lack the bits of `lower`. Reads up to AHEAD bytes behind it. */
static inline uint64_t hash_ahead(const char *p, size_t len, uint64_t lower)
{
    uint64_t h = hash_start(len);
    for (; len > 8; len -= 8, p += 8) {
        h = dup_mix(h, load_8(p) | lower);
    }
    uint64_t v = load_8(p) | lower;
    return dup_mix(h, len == 8 ? v : first_bytes(v, len));
}

/* The same, reading nothing behind it. */
static uint64_t hash_within(const char *p, size_t len, uint64_t lower)
{
    char last[8] = {0};
    uint64_t h = hash_start(len);
    for (; len > 8; len -= 8, p += 8) {
        h = dup_mix(h, load_8(p) | lower);
    }
    memcpy(last, p, len);
    uint64_t v = load_8(last) | lower;
    return dup_mix(h, len == 8 ? v : first_bytes(v, len));
}

uint64_t dup_token_hash(const char *folded, size_t len)
{
    return hash_within(folded, len, 0);
}

/* ---- characters --------------------------------------------------------------------------------
 */

enum kind { BREAK, DROPPED, SINGLE, WORD };

/* Ranges of code points above ASCII, ascending; what is in none is part of a word. */
static const struct dup_range ranges[] = {
    {0x80, 0xA9, BREAK},         {0xAB, 0xAC, BREAK},       {0xAD, 0xAD, DROPPED},
    {0xAE, 0xB1, BREAK},         {0xB4, 0xB4, BREAK},       {0xB6, 0xB8, BREAK},
    {0xBB, 0xBB, BREAK},         {0xBF, 0xBF, BREAK},       {0xD7, 0xD7, BREAK},
    {0xF7, 0xF7, BREAK},         {0x034F, 0x034F, DROPPED}, {0x061C, 0x061C, DROPPED},
    {0x1100, 0x11FF, SINGLE},    {0x180B, 0x180F, DROPPED}, DUP_RANGES_GENERAL(BREAK, DROPPED),
    {0x20A0, 0x20CF, BREAK},     {0x2190, 0x245F, BREAK},   {0x2500, 0x2BFF, BREAK},
    {0x2E00, 0x2E7F, BREAK},     {0x2E80, 0x2FFF, SINGLE},  DUP_RANGES_CJK(BREAK, SINGLE),
    {0x30FC, 0x318F, SINGLE},    {0x31A0, 0x31BF, SINGLE},  {0x31F0, 0x31FF, SINGLE},
    {0x3400, 0x9FFF, SINGLE},    {0xA960, 0xA97F, SINGLE},  {0xAC00, 0xD7FF, SINGLE},
    {0xF900, 0xFAFF, SINGLE},    {0xFE00, 0xFE0F, DROPPED}, {0xFE10, 0xFE1F, BREAK},
    {0xFE30, 0xFE6F, BREAK},     {0xFEFF, 0xFEFF, DROPPED}, {0xFF01, 0xFF0F, BREAK},
    {0xFF1A, 0xFF20, BREAK},     {0xFF3B, 0xFF40, BREAK},   {0xFF5B, 0xFF65, BREAK},
    {0xFF66, 0xFFDF, SINGLE},    {0xFFE0, 0xFFFD, BREAK},   {0x1AFF0, 0x1B16F, SINGLE},
    {0x1F000, 0x1F0FF, BREAK},   {0x1F200, 0x1FAFF, BREAK}, {0x20000, 0x3FFFF, SINGLE},
    {0xE0000, 0xE0FFF, DROPPED},
};

static enum kind classify(uint32_t cp)
{
    return (enum kind)dup_range_kind(ranges, sizeof ranges / sizeof ranges[0], cp, WORD);
}

static inline int is_ascii_word(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9 || (uint8_t)((c | 0x20) - 'a') <= 25;
}

/* The character at p, its code point and kind. Bytes that are not UTF-8 separate. */
struct character {
    uint32_t cp;
    unsigned len;
    enum kind kind;
};

static inline struct character read_character(const char *at, const char *end)
{
    const uint8_t *p = (const uint8_t *)at;
    size_t left = (size_t)(end - at);
    if (p[0] < 0x80) {
        return (struct character){p[0], 1, is_ascii_word(p[0]) ? WORD : BREAK};
    }
    unsigned len = p[0] < 0xC2 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len == 1 || len > left) {
        return (struct character){0xFFFD, 1, BREAK};
    }
    uint32_t cp = p[0] & (0x7Fu >> len);
    for (unsigned i = 1; i < len; i++) {
        cp = cp << 6 | (p[i] & 0x3F);
    }
    return (struct character){cp, len, classify(cp)};
}

/* Marks that join the kana before them. */
static int is_sound_mark(uint32_t cp)
{
    return cp == 0x3099 || cp == 0x309A || cp == 0xFF9E || cp == 0xFF9F;
}

/* Single characters that fold to themselves. */
static int is_plain_single(uint32_t cp)
{
    return (cp >= 0x3400 && cp <= 0x9FFF) || (cp >= 0x3041 && cp <= 0x3096) ||
           (cp >= 0x30A1 && cp <= 0x30FA) || (cp >= 0xAC00 && cp <= 0xD7A3);
}

/* Characters of words that are folded here: the folded code point, 0: not here. */
static uint32_t fold_here(uint32_t cp)
{
    if (cp < 0x80) {
        return cp | 0x20;
    }
    if (cp >= 0xC0 && cp <= 0xFF) {
        return cp == 0xDF ? 0 : cp < 0xDF ? cp + 0x20 : cp;
    }
    if (cp >= 0x0400 && cp <= 0x045F) {
        return cp < 0x0410 ? cp + 0x50 : cp < 0x0430 ? cp + 0x20 : cp;
    }
    if (cp >= 0xFF10 && cp <= 0xFF5A) { /* full width; others of this range separate */
        return (cp - 0xFF10 + '0') | 0x20;
    }
    return 0;
}

/* ---- tokens ------------------------------------------------------------------------------------
 */

/* One field under way. */
struct cut {
    struct dup_tokens *t;
    const struct assay_host *host;
    const char *base, *end;
};

static enum assay_status more_tokens(struct dup_tokens *t)
{
    size_t cap = t->cap == 0 ? 1024 : 2 * t->cap;
    if (t->n + BLOCK > DUP_TOKENS_MAX) {
        return ASSAY_LIMIT;
    }
    struct dup_token *p = realloc(t->items, cap * sizeof *p);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    t->items = p;
    t->cap = cap;
    return ASSAY_OK;
}

/* Room for as many tokens as a block can hold. */
static inline enum assay_status room(struct dup_tokens *t)
{
    return t->cap - t->n >= BLOCK ? ASSAY_OK : more_tokens(t);
}

static inline void push(struct dup_tokens *t, uint64_t hash, size_t start, size_t len, int single)
{
    t->items[t->n++] = (struct dup_token){hash, (uint32_t)start, (uint32_t)len & DUP_TOKEN_LEN,
                                          (uint32_t)single & 1};
}

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

/* ---- runs that the host folds ------------------------------------------------------------------
 */

/* Pushes what stands in [word, out), if anything. */
static enum assay_status end_word(struct cut *c, const char *word, const char *out, int single,
                                  const char *run, size_t run_len)
{
    if (out == word) {
        return ASSAY_OK;
    }
    enum assay_status st = room(c->t);
    if (st == ASSAY_OK) {
        push(c->t, dup_token_hash(word, (size_t)(out - word)), (size_t)(run - c->base), run_len,
             single);
    }
    return st;
}

/* Cuts folded text; all tokens have the span of the run. Words are moved together over what is
 * dropped, in place. */
static enum assay_status cut_folded(struct cut *c, char *text, size_t len, const char *run,
                                    size_t run_len)
{
    enum assay_status st = ASSAY_OK;
    char *word = text, *out = text;
    const char *p = text, *end = text + len;
    while (p < end && st == ASSAY_OK) {
        struct character ch = read_character(p, end);
        if (ch.kind == BREAK || ch.kind == SINGLE) {
            st = end_word(c, word, out, 0, run, run_len);
            word = out = text + (p - text);
        }
        if (ch.kind == WORD || ch.kind == SINGLE) {
            memmove(out, p, ch.len);
            out += ch.len;
        }
        if (ch.kind == SINGLE && st == ASSAY_OK) {
            st = end_word(c, word, out, 1, run, run_len);
            word = out;
        }
        p += ch.len;
    }
    return st == ASSAY_OK ? end_word(c, word, out, 0, run, run_len) : st;
}

static enum assay_status fold_run(struct cut *c, const char *run, size_t run_len)
{
    struct dup_tokens *t = c->t;
    const struct assay_bytes text = assay_bytes_make(run, run_len);
    size_t len = c->host->fold(c->host->ctx, text, t->folded, t->folded_cap);
    if (len > t->folded_cap) {
        if (grow(&t->folded, &t->folded_cap, len) != ASSAY_OK) {
            return ASSAY_NOMEM;
        }
        len = c->host->fold(c->host->ctx, text, t->folded, t->folded_cap);
    }
    return len > t->folded_cap ? ASSAY_NOMEM : cut_folded(c, t->folded, len, run, run_len);
}

/* ---- runs of any characters --------------------------------------------------------------------
 */

static inline char *put_utf8(char *out, uint32_t cp)
{
    if (cp < 0x80) {
        *out++ = (char)cp;
    } else { /* what is folded here has at most two bytes */
        *out++ = (char)(0xC0 | cp >> 6);
        *out++ = (char)(0x80 | (cp & 0x3F));
    }
    return out;
}

/* A word of letters, digits and dropped characters that starts at p; *ret is behind it. */
static enum assay_status cut_word(struct cut *c, const char *p, const char **ret)
{
    struct dup_tokens *t = c->t;
    const char *run = p;
    size_t len = 0;
    int here = !t->fold_all;
    while (p < c->end) {
        struct character ch = read_character(p, c->end);
        if (ch.kind != WORD && ch.kind != DROPPED) {
            break;
        }
        uint32_t folded = ch.kind == WORD ? fold_here(ch.cp) : 0;
        here = here && (ch.kind == DROPPED || folded != 0);
        if (here && folded != 0) {
            if (grow(&t->word, &t->word_cap, len + 2) != ASSAY_OK) {
                return ASSAY_NOMEM;
            }
            len = (size_t)(put_utf8(t->word + len, folded) - t->word);
        }
        p += ch.len;
    }
    *ret = p;
    return here ? end_word(c, t->word, t->word + len, 0, run, (size_t)(p - run))
                : fold_run(c, run, (size_t)(p - run));
}

/* A single character that starts at p, with the marks that belong to it. */
static enum assay_status cut_single(struct cut *c, const char *p, struct character ch,
                                    const char **ret)
{
    const char *run = p;
    int plain = is_plain_single(ch.cp) && !c->t->fold_all;
    int is_jamo = (ch.cp >= 0x1100 && ch.cp <= 0x11FF) || (ch.cp >= 0xFFA0 && ch.cp <= 0xFFDF);
    p += ch.len;
    while (p < c->end) {
        struct character next = read_character(p, c->end);
        int joins = is_sound_mark(next.cp) || (is_jamo && next.cp >= 0x1100 && next.cp <= 0x11FF) ||
                    (is_jamo && next.cp >= 0xFFA0 && next.cp <= 0xFFDF);
        if (!joins) {
            break;
        }
        plain = 0;
        p += next.len;
    }
    *ret = p;
    return plain ? end_word(c, run, p, 1, run, (size_t)(p - run))
                 : fold_run(c, run, (size_t)(p - run));
}

/* One character, or the run it begins. */
static enum assay_status cut_any(struct cut *c, const char *p, const char **ret)
{
    struct character ch = read_character(p, c->end);
    if (ch.kind == WORD) {
        return cut_word(c, p, ret);
    }
    if (ch.kind == SINGLE) {
        return cut_single(c, p, ch, ret);
    }
    *ret = p + ch.len;
    return ASSAY_OK;
}

/* ---- the runs that make up nearly all text -----------------------------------------------------
 */

/* Bits of the 64 bytes at p: letters and digits, and what is beyond ASCII. */
typedef void block_masks(const char *p, uint64_t *ret_word, uint64_t *ret_high);

static void plain_masks(const char *p, uint64_t *ret_word, uint64_t *ret_high)
{
    uint64_t word = 0, high = 0;
    for (unsigned i = 0; i < BLOCK; i++) {
        word |= (uint64_t)is_ascii_word((uint8_t)p[i]) << i;
        high |= (uint64_t)((uint8_t)p[i] >> 7) << i;
    }
    *ret_word = word;
    *ret_high = high;
}

/* The words of a block of which `limit` bytes are ASCII, from a copy that may be read beyond its
 * end. Returns how much of it is done: a word that reaches the limit is not. */
static inline size_t cut_block(struct dup_tokens *t, const char *block, size_t at, uint64_t word,
                               unsigned limit)
{
    uint64_t m = limit == BLOCK ? word : word & ((UINT64_C(1) << limit) - 1);
    while (m != 0) {
        unsigned start = (unsigned)__builtin_ctzll(m);
        uint64_t rest = ~(m >> start);
        unsigned len = rest == 0 ? BLOCK : (unsigned)__builtin_ctzll(rest);
        if (start + len >= limit) {
            return start;
        }
        push(t, hash_ahead(block + start, len, LOWER), at + start, len, 0);
        m &= m + (UINT64_C(1) << start); /* without its lowest run */
    }
    return limit;
}

/* From p, words of ASCII as far as they go; *ret is at the end, at a character beyond ASCII, or at
 * a word that has to be looked at byte by byte. */
static inline __attribute__((always_inline)) enum assay_status
cut_ascii(struct cut *c, const char *p, const char **ret, block_masks *masks)
{
    char last[BLOCK + AHEAD];
    enum assay_status st = ASSAY_OK;
    *ret = p;
    while (p < c->end && (st = room(c->t)) == ASSAY_OK) {
        size_t left = (size_t)(c->end - p);
        const char *block = p;
        uint64_t word, high;
        if (left < BLOCK + AHEAD) {
            memset(last, 0, sizeof last);
            memcpy(last, p, left);
            block = last;
        }
        masks(block, &word, &high);
        unsigned limit = high == 0 ? BLOCK : (unsigned)__builtin_ctzll(high);
        size_t done = cut_block(c->t, block, (size_t)(p - c->base), word, limit);
        p += done < left ? done : left;
        *ret = p;
        if (limit < BLOCK || done == 0) {
            break;
        }
    }
    return st;
}

/* Three bytes at p, the first lowest. */
static inline uint32_t load_3(const char *p)
{
    const uint8_t *u = (const uint8_t *)p;
    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16;
}

#define UTF8_3(a, b, c) ((a) | (b) << 8 | (c) << 16)

/* Whether these three bytes are a mark that joins the character before it. */
static inline int joins_before(uint32_t v)
{
    return v == UTF8_3(0xE3, 0x82, 0x99) || v == UTF8_3(0xE3, 0x82, 0x9A) ||
           v == UTF8_3(0xEF, 0xBE, 0x9E) || v == UTF8_3(0xEF, 0xBE, 0x9F);
}

/* The commonest punctuation among Han: U+3000 to U+3002, and full-width marks. */
static inline int is_han_break(uint32_t v)
{
    return ((v & 0xFFFF) == 0x80E3 && v >> 16 <= 0x82) || v == UTF8_3(0xEF, 0xBC, 0x8C) ||
           v == UTF8_3(0xEF, 0xBC, 0x81) || v == UTF8_3(0xEF, 0xBC, 0x9A) ||
           v == UTF8_3(0xEF, 0xBC, 0x9B) || v == UTF8_3(0xEF, 0xBC, 0x9F);
}

/* Han from U+4000 to U+9FFF and punctuation among it, three bytes each; not the last character,
 * whose successor has to be known. */
static enum assay_status cut_han(struct cut *c, const char *p, const char **ret)
{
    struct dup_tokens *t = c->t;
    enum assay_status st = ASSAY_OK;
    while (c->end - p >= 6) {
        const uint32_t v = load_3(p);
        const uint8_t lead = (uint8_t)v, next = (uint8_t)p[3];
        if (lead < 0xE4 || lead > 0xE9) {
            if (!is_han_break(v)) {
                break;
            }
            p += 3;
            continue;
        }
        if ((next == 0xE3 || next == 0xEF) && joins_before(load_3(p + 3))) {
            break;
        }
        if (t->n == t->cap && (st = more_tokens(t)) != ASSAY_OK) {
            break;
        }
        push(t, dup_mix(hash_start(3), v), (size_t)(p - c->base), 3, 1);
        p += 3;
    }
    *ret = p;
    return st;
}

/* The next piece: the fast ways first, and what they leave. */
static inline __attribute__((always_inline)) enum assay_status
cut_next(struct cut *c, const char **p, block_masks *masks)
{
    const char *from = *p;
    uint8_t lead = (uint8_t)*from;
    enum assay_status st = ASSAY_OK;
    if (c->t->fold_all) {
        return cut_any(c, from, p);
    }
    if (lead < 0x80) {
        st = cut_ascii(c, from, p, masks);
    } else if (lead >= 0xE4 && lead <= 0xE9) {
        st = cut_han(c, from, p);
    }
    return st != ASSAY_OK || *p != from ? st : cut_any(c, from, p);
}

static enum assay_status plain_field(struct cut *c)
{
    enum assay_status st = ASSAY_OK;
    for (const char *p = c->base; p < c->end && st == ASSAY_OK;) {
        st = cut_next(c, &p, plain_masks);
    }
    return st;
}

static int always(void)
{
    return 1;
}

#ifdef DUP_X86

#define AVX2 __attribute__((target("avx2,bmi,lzcnt,popcnt")))

AVX2 static inline uint32_t words_32(__m256i v)
{
    __m256i letter =
        _mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    __m256i digit = _mm256_sub_epi8(v, _mm256_set1_epi8('0'));
    letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter);
    digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(letter, digit));
}

AVX2 static inline void avx2_masks(const char *p, uint64_t *ret_word, uint64_t *ret_high)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    *ret_word = words_32(a) | (uint64_t)words_32(b) << 32;
    *ret_high = (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b)
                                                        << 32;
}

AVX2 static enum assay_status avx2_field(struct cut *c)
{
    enum assay_status st = ASSAY_OK;
    for (const char *p = c->base; p < c->end && st == ASSAY_OK;) {
        st = cut_next(c, &p, avx2_masks);
    }
    return st;
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

#endif

/* ---- the choice --------------------------------------------------------------------------------
 */

struct dup_tokens_way {
    int (*runs_here)(void);
    enum assay_status (*field)(struct cut *c);
};

const struct dup_tokens_way *dup_tokens_way_get(unsigned i)
{
    static const struct dup_tokens_way all[] = {
#ifdef DUP_X86
        {has_avx2, avx2_field},
#endif
        {always, plain_field},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (all[k].runs_here() && i-- == 0) {
            return &all[k];
        }
    }
    return NULL;
}

enum assay_status dup_tokens_add(struct dup_tokens *t, const struct assay_host *host,
                                 struct assay_bytes field)
{
    struct cut c = {t, host, field.ptr, field.ptr + field.len};
    if (t->way == NULL) {
        t->way = dup_tokens_way_get(0);
    }
    return field.len == 0 ? ASSAY_OK : t->way->field(&c);
}

void dup_tokens_release(struct dup_tokens *t)
{
    free(t->items);
    free(t->word);
    free(t->folded);
    memset(t, 0, sizeof *t);
}
