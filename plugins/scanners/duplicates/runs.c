/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/runs.c: see the header.
 *
 * Within a run of ASCII a space is written at the first separator behind a word, and taken back
 * when the run ends with it: so every byte is kept or not by what it and the byte before it are,
 * and whole blocks can be done at once. With AVX-512 the bytes kept are compressed in a register;
 * with AVX2 a block that keeps all of its bytes is stored as it is, and any other piece by piece.
 */
#include "runs.h"

#include <stddef.h>
#ifdef __x86_64__
#include <immintrin.h>
#define DUP_X86
#endif

#define L(c) [c] = (c) | 0x20
#define S(c) [c] = (c)
const uint8_t dup_ascii[128] = {
    S('0'), S('1'), S('2'), S('3'), S('4'), S('5'), S('6'), S('7'), S('8'), S('9'), L('A'), L('B'),
    L('C'), L('D'), L('E'), L('F'), L('G'), L('H'), L('I'), L('J'), L('K'), L('L'), L('M'), L('N'),
    L('O'), L('P'), L('Q'), L('R'), L('S'), L('T'), L('U'), L('V'), L('W'), L('X'), L('Y'), L('Z'),
    S('a'), S('b'), S('c'), S('d'), S('e'), S('f'), S('g'), S('h'), S('i'), S('j'), S('k'), S('l'),
    S('m'), S('n'), S('o'), S('p'), S('q'), S('r'), S('s'), S('t'), S('u'), S('v'), S('w'), S('x'),
    S('y'), S('z'), S('$'), S('+'), S('<'), S('='), S('>'), S('^'), S('`'), S('|'), S('~')};
#undef L
#undef S

/* A run of ASCII being written. `after`: a separator, or nothing, came before, so that another
 * leaves no trace. */
struct run {
    const char *start;
    char *out;
    unsigned after;
};

static inline struct run run_open(const struct dup_writer *w)
{
    char *out = w->out;
    if (w->last == DUP_WORD && w->gap) {
        *out++ = ' ';
    }
    return (struct run){out, out, w->last != DUP_WORD || w->gap};
}

static inline void run_close(struct dup_writer *w, const struct run *r)
{
    if (w->last != DUP_WORD && r->out == r->start) {
        w->gap = 0; /* only separators, and none of them behind a word */
        return;
    }
    w->out = r->out - r->after;
    w->gap = r->after;
    w->last = DUP_WORD;
}

static inline const char *plain_bytes(struct run *r, const char *p, const char *end)
{
    while (p < end && (uint8_t)*p < 0x80) {
        uint8_t c = dup_ascii[(uint8_t)*p++];
        *r->out = c != 0 ? (char)c : ' ';
        r->out += (c != 0) | !r->after;
        r->after = c == 0;
    }
    return p;
}

static inline const char *plain_chars(struct dup_writer *w, const char *p, const char *end)
{
    for (; end - p >= 3 && (uint8_t)*p >= 0xE4 && (uint8_t)*p <= 0xE9; p += 3) {
        memcpy(w->out, p, 3);
        w->out += 3;
    }
    w->last = DUP_UNSPACED;
    w->gap = 0;
    return p;
}

static const char *plain_ascii(struct dup_writer *w, const char *p, const char *end)
{
    struct run r = run_open(w);
    p = plain_bytes(&r, p, end);
    run_close(w, &r);
    return p;
}

static const char *plain_han(struct dup_writer *w, const char *p, const char *end)
{
    return plain_chars(w, p, end);
}

#ifdef DUP_X86

/* ---- AVX2 --------------------------------------------------------------------------------------
 */

#define AVX2 __attribute__((target("avx2,bmi,lzcnt,popcnt")))

AVX2 static inline __m256i load_32(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline void store_32(char *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

/* Bytes that are part of a word, from ASCII. Bit h of entry l: the character h * 16 + l is. */
AVX2 static inline __m256i is_word(__m256i v)
{
    const __m256i by_low = _mm256_setr_epi8(
        (char)0xe8, (char)0xf8, (char)0xf8, (char)0xf8, (char)0xfc, (char)0xf8, (char)0xf8,
        (char)0xf8, (char)0xf8, (char)0xf8, (char)0xf0, 0x54, (char)0xd8, 0x58, (char)0xf8, 0x50,
        (char)0xe8, (char)0xf8, (char)0xf8, (char)0xf8, (char)0xfc, (char)0xf8, (char)0xf8,
        (char)0xf8, (char)0xf8, (char)0xf8, (char)0xf0, 0x54, (char)0xd8, 0x58, (char)0xf8, 0x50);
    const __m256i bit =
        _mm256_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16,
                         32, 64, (char)0x80, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_shuffle_epi8(by_low, _mm256_and_si256(v, nibble));
    __m256i high = _mm256_shuffle_epi8(bit, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
    return _mm256_cmpeq_epi8(_mm256_and_si256(low, high), high);
}

/* Words in lower case, everything else a space. */
AVX2 static inline __m256i translate(__m256i v, __m256i word)
{
    __m256i upper = _mm256_and_si256(_mm256_cmpgt_epi8(v, _mm256_set1_epi8('A' - 1)),
                                     _mm256_cmpgt_epi8(_mm256_set1_epi8('Z' + 1), v));
    __m256i lower = _mm256_or_si256(v, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
    return _mm256_blendv_epi8(_mm256_set1_epi8(' '), lower, word);
}

/* The bytes of the block at p that are set in `keep`, which is not all of them. */
AVX2 static inline char *put_pieces(char *out, const char *p, uint32_t keep)
{
    while (keep != 0) {
        unsigned at = (unsigned)__builtin_ctz(keep);
        uint32_t from_here = keep >> at;
        __m256i v = load_32(p + at);
        store_32(out, translate(v, is_word(v)));
        out += __builtin_ctz(~from_here);
        keep &= keep + (1u << at); /* without its lowest run */
    }
    return out;
}

AVX2 static const char *avx2_ascii(struct dup_writer *w, const char *p, const char *end)
{
    struct run r = run_open(w);
    for (; end - p >= 64; p += 32) { /* pieces are read beyond the block */
        __m256i v = load_32(p);
        if (_mm256_movemask_epi8(v) != 0) {
            break;
        }
        __m256i is = is_word(v);
        uint32_t word = (uint32_t)_mm256_movemask_epi8(is);
        uint32_t keep = word | (~word & (word << 1 | !r.after));
        if (keep == UINT32_MAX) {
            store_32(r.out, translate(v, is));
            r.out += 32;
        } else {
            r.out = put_pieces(r.out, p, keep);
        }
        r.after = ~word >> 31;
    }
    p = plain_bytes(&r, p, end);
    run_close(w, &r);
    return p;
}

AVX2 static const char *avx2_han(struct dup_writer *w, const char *p, const char *end)
{
    const uint32_t leads = 0x09249249; /* every third of 30 bytes */
    while (end - p >= 32) {
        __m256i v = load_32(p);
        __m256i d = _mm256_sub_epi8(v, _mm256_set1_epi8((char)0xE4));
        __m256i is = _mm256_cmpeq_epi8(_mm256_min_epu8(d, _mm256_set1_epi8(5)), d);
        uint32_t other = ~(uint32_t)_mm256_movemask_epi8(is) & leads;
        unsigned n = other == 0 ? 30 : (unsigned)__builtin_ctz(other);
        store_32(w->out, v);
        w->out += n;
        p += n;
        if (n < 30) {
            break;
        }
    }
    return plain_chars(w, p, end);
}

/* ---- AVX-512 -----------------------------------------------------------------------------------
 */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi,lzcnt,popcnt")))

static inline uint64_t first_bits(size_t n)
{
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* The form of the first n bytes of v, all ASCII. */
AVX512 static inline void put_64(struct run *r, __m512i v, unsigned n)
{
    const __m512i low = _mm512_loadu_si512(dup_ascii);
    const __m512i high = _mm512_loadu_si512(dup_ascii + 64);
    __m512i form = _mm512_permutex2var_epi8(low, v, high);
    uint64_t valid = first_bits(n);
    uint64_t word = _mm512_test_epi8_mask(form, form) & valid;
    uint64_t other = ~word & valid;
    uint64_t keep = word | (other & (word << 1 | !r->after));
    form = _mm512_mask_mov_epi8(form, other, _mm512_set1_epi8(' '));
    _mm512_storeu_si512(r->out, _mm512_maskz_compress_epi8(keep, form));
    r->out += __builtin_popcountll(keep);
    r->after = (unsigned)(other >> (n - 1)) & 1;
}

AVX512 static const char *avx512_ascii(struct dup_writer *w, const char *p, const char *end)
{
    struct run r = run_open(w);
    unsigned n = 64;
    while (n == 64 && p < end) {
        size_t left = (size_t)(end - p);
        __m512i v = _mm512_maskz_loadu_epi8(first_bits(left), p);
        uint64_t high = _mm512_movepi8_mask(v);
        n = high != 0 ? (unsigned)__builtin_ctzll(high) : left < 64 ? (unsigned)left : 64;
        if (n > 0) {
            put_64(&r, v, n);
            p += n;
        }
    }
    run_close(w, &r);
    return p;
}

AVX512 static const char *avx512_han(struct dup_writer *w, const char *p, const char *end)
{
    const uint64_t leads = UINT64_C(0x249249249249); /* every third of 48 bytes */
    while (end - p >= 48) {
        __m512i v = _mm512_maskz_loadu_epi8(first_bits(48), p);
        __m512i d = _mm512_sub_epi8(v, _mm512_set1_epi8((char)0xE4));
        uint64_t other = ~_mm512_cmple_epu8_mask(d, _mm512_set1_epi8(5)) & leads;
        unsigned n = other == 0 ? 48 : (unsigned)__builtin_ctzll(other);
        _mm512_storeu_si512(w->out, v);
        w->out += n;
        p += n;
        if (n < 48) {
            break;
        }
    }
    return plain_chars(w, p, end);
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2");
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

#endif

/* ---- the choice --------------------------------------------------------------------------------
 */

static int always(void)
{
    return 1;
}

const struct dup_runs *dup_runs_get(unsigned i)
{
    static const struct {
        int (*runs_here)(void);
        struct dup_runs runs;
    } all[] = {
#ifdef DUP_X86
        {has_avx512, {avx512_ascii, avx512_han}},
        {has_avx2, {avx2_ascii, avx2_han}},
#endif
        {always, {plain_ascii, plain_han}},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (all[k].runs_here() && i-- == 0) {
            return &all[k].runs;
        }
    }
    return NULL;
}
