/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/literals.c: see the header for what and how.
 *
 * Each literal is represented by a window: those three consecutive bytes of it that are rarest in
 * text, so that the filter seldom stops. A filter hit at position i names buckets (NIBBLE) or
 * nothing (PAIR); the literals concerned are then compared in full. Blocks are searched where they
 * are; only the seam between two blocks, the last max-1 bytes of one and the first max-1 of the
 * next, is copied and searched on its own.
 * Invariant: every occurrence lies wholly in one block or wholly in one run of seams: the tail kept
 *        is the last max-1 bytes of the stream, however short the blocks are.
 */
#include "rules/literals.h"

#include <stdlib.h>

#include "config.h"
#include "core/arena.h"
#include "core/limits.h"

#ifdef HAVE_VECTORSCAN
#include <hs.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_NIBBLE 1
#endif

#define BUCKETS        8
#define WINDOW         3
#define NIBBLE_AT_MOST 64 /* literals; above, eight buckets let too much through */

struct literal {
    const uint8_t *text; /* lower case when caseless */
    uint32_t len;
    uint32_t at; /* of the window */
    uint8_t caseless;
};

struct assay_literals {
    enum assay_literal_engine engine;
    struct literal *items; /* sorted by bucket */
    size_t count;
    size_t longest;
    uint8_t *storage;
    uint32_t bucket_start[BUCKETS + 1];
    /* NIBBLE: bit b of low[j][x]: bucket b has a window whose byte j has the low nibble x. */
    uint8_t low[WINDOW][16], high[WINDOW][16];
    /* PAIR: the first two bytes of every window. */
    uint64_t pairs[65536 / 64];
#ifdef HAVE_VECTORSCAN
    hs_database_t *db;
#endif
};

struct assay_literal_feed {
    const struct assay_literals *ls;
    uint8_t *seam; /* tail of the stream, then room for the head of the next block */
    size_t tail;
    int found;
#ifdef HAVE_VECTORSCAN
    hs_scratch_t *scratch;
#endif
};

/* ---- building ------------------------------------------------------------------------------- */

static uint8_t lower(uint8_t b)
{
    return b >= 'A' && b <= 'Z' ? (uint8_t)(b + ('a' - 'A')) : b;
}

static uint8_t upper(uint8_t b)
{
    return b >= 'a' && b <= 'z' ? (uint8_t)(b - ('a' - 'A')) : b;
}

/* How common a byte is in what datasets hold (English and Chinese UTF-8, JSON, binaries); a
 * heuristic. */
static unsigned byte_cost(uint8_t b)
{
    if (b == ' ' || b == 0) {
        return 60;
    }
    if (b >= 'a' && b <= 'z') {
        return strchr("etaoinsrhl", b) != NULL ? 50 : 25;
    }
    if (b >= '0' && b <= '9') {
        return 15;
    }
    if (b >= 'A' && b <= 'Z') {
        return 6;
    }
    if (b >= 0x80) {
        return b >= 0xe4 && b <= 0xe9 ? 30 : 10;
    }
    return b == '"' || b == ',' || b == '.' || b == '\n' ? 15 : 3;
}

/* The start of the rarest window. */
static uint32_t rarest_window(const struct literal *l)
{
    uint32_t best = 0;
    unsigned long best_cost = 0;
    for (uint32_t i = 0; i + WINDOW <= l->len; i++) {
        unsigned long cost = 1;
        for (unsigned j = 0; j < WINDOW; j++) {
            uint8_t b = l->text[i + j];
            cost *= byte_cost(b) + (l->caseless ? byte_cost(upper(b)) : 0);
        }
        if (i == 0 || cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    return best;
}

/* The first two window bytes in lower case: what the literals are sorted and looked up by. */
static unsigned pair_key(uint8_t a, uint8_t b)
{
    return (unsigned)lower(a) << 8 | lower(b);
}

static unsigned window_key(const struct literal *l)
{
    return pair_key(l->text[l->at], l->text[l->at + 1]);
}

static int by_window(const void *pa, const void *pb)
{
    unsigned a = window_key(pa);
    unsigned b = window_key(pb);
    return a < b ? -1 : a > b;
}

static void add_byte(struct assay_literals *ls, unsigned bucket, unsigned j, uint8_t b)
{
    ls->low[j][b & 15] |= (uint8_t)(1u << bucket);
    ls->high[j][b >> 4] |= (uint8_t)(1u << bucket);
}

static void add_pair(struct assay_literals *ls, uint8_t a, uint8_t b)
{
    unsigned pair = a | (unsigned)b << 8;
    ls->pairs[pair / 64] |= UINT64_C(1) << (pair % 64);
}

static void add_window(struct assay_literals *ls, unsigned bucket, const struct literal *l)
{
    const uint8_t *w = l->text + l->at;
    for (unsigned j = 0; j < WINDOW; j++) {
        add_byte(ls, bucket, j, w[j]);
        add_byte(ls, bucket, j, l->caseless ? upper(w[j]) : w[j]);
    }
    add_pair(ls, w[0], w[1]);
    if (l->caseless) {
        add_pair(ls, upper(w[0]), w[1]);
        add_pair(ls, w[0], upper(w[1]));
        add_pair(ls, upper(w[0]), upper(w[1]));
    }
}

/* Spreads the literals over the buckets, similar windows together, and fills both filters. */
static void build_filters(struct assay_literals *ls)
{
    qsort(ls->items, ls->count, sizeof ls->items[0], by_window);
    for (unsigned b = 0; b < BUCKETS; b++) {
        ls->bucket_start[b] = (uint32_t)(ls->count * b / BUCKETS);
        ls->bucket_start[b + 1] = (uint32_t)(ls->count * (b + 1) / BUCKETS);
        for (uint32_t i = ls->bucket_start[b]; i < ls->bucket_start[b + 1]; i++) {
            add_window(ls, b, &ls->items[i]);
        }
    }
}

static enum assay_status copy_literals(struct assay_literals *ls, const struct assay_literal *from,
                                       size_t n, struct assay_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (from[i].text.len < ASSAY_LITERAL_MIN || from[i].text.len > ASSAY_LIMIT_ANCHOR) {
            return assay_fail(err, ASSAY_USAGE, "a literal must have %d to %d bytes",
                              ASSAY_LITERAL_MIN, ASSAY_LIMIT_ANCHOR);
        }
        total += from[i].text.len;
    }
    ls->items = assay_alloc_array(n, sizeof ls->items[0]);
    ls->storage = malloc(total);
    if (ls->items == NULL || ls->storage == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for %zu literals", n);
    }
    uint8_t *out = ls->storage;
    for (size_t i = 0; i < n; i++) {
        struct literal *l = &ls->items[i];
        *l = (struct literal){out, (uint32_t)from[i].text.len, 0, from[i].caseless};
        for (size_t j = 0; j < l->len; j++) {
            uint8_t b = (uint8_t)from[i].text.ptr[j];
            *out++ = l->caseless ? lower(b) : b;
        }
        l->at = rarest_window(l);
        ls->longest = l->len > ls->longest ? l->len : ls->longest;
    }
    ls->count = n;
    return ASSAY_OK;
}

#ifdef HAVE_VECTORSCAN
static enum assay_status compile_vectorscan(struct assay_literals *ls, struct assay_error *err)
{
    size_t n = ls->count;
    const char **texts = assay_alloc_array(n, sizeof texts[0]);
    size_t *lens = assay_alloc_array(n, sizeof lens[0]);
    unsigned *flags = assay_alloc_array(n, sizeof flags[0]);
    hs_compile_error_t *why = NULL;
    hs_error_t rc = HS_NOMEM;
    if (texts != NULL && lens != NULL && flags != NULL) {
        for (size_t i = 0; i < n; i++) {
            texts[i] = (const char *)ls->items[i].text;
            lens[i] = ls->items[i].len;
            flags[i] = HS_FLAG_SINGLEMATCH | (ls->items[i].caseless ? HS_FLAG_CASELESS : 0u);
        }
        rc = hs_compile_lit_multi(texts, flags, NULL, lens, (unsigned)n, HS_MODE_BLOCK, NULL,
                                  &ls->db, &why);
    }
    free(texts);
    free(lens);
    free(flags);
    (void)hs_free_compile_error(why);
    return rc == HS_SUCCESS ? ASSAY_OK
                            : assay_fail(err, ASSAY_INTERNAL, "cannot compile %zu literals", n);
}
#endif

/* ---- choosing an engine --------------------------------------------------------------------- */

static int has_nibble(void)
{
#ifdef HAVE_NIBBLE
    return __builtin_cpu_supports("avx2");
#else
    return 0;
#endif
}

static int has_vectorscan(void)
{
#ifdef HAVE_VECTORSCAN
    return hs_valid_platform() == HS_SUCCESS;
#else
    return 0;
#endif
}

static enum assay_literal_engine choose(size_t n)
{
    if (n <= NIBBLE_AT_MOST && has_nibble()) {
        return ASSAY_LITERALS_NIBBLE;
    }
    return has_vectorscan() ? ASSAY_LITERALS_VECTORSCAN : ASSAY_LITERALS_PAIR;
}

static int available(enum assay_literal_engine engine)
{
    return (engine != ASSAY_LITERALS_NIBBLE || has_nibble()) &&
           (engine != ASSAY_LITERALS_VECTORSCAN || has_vectorscan());
}

static enum assay_status build(struct assay_literals *ls, const struct assay_literal *literals,
                               size_t n, struct assay_error *err)
{
    enum assay_status st = copy_literals(ls, literals, n, err);
    if (st != ASSAY_OK) {
        return st;
    }
    build_filters(ls);
#ifdef HAVE_VECTORSCAN
    if (ls->engine == ASSAY_LITERALS_VECTORSCAN) {
        st = compile_vectorscan(ls, err);
    }
#endif
    return st;
}

enum assay_status assay_literals_new(const struct assay_literal *literals, size_t n,
                                     enum assay_literal_engine engine, struct assay_literals **ret,
                                     struct assay_error *err)
{
    *ret = NULL;
    if (n == 0 || n > UINT32_MAX) {
        return assay_fail(err, ASSAY_USAGE, "no literals to look for");
    }
    engine = engine == ASSAY_LITERALS_AUTO ? choose(n) : engine;
    if (!available(engine)) {
        return assay_fail(err, ASSAY_UNSUPPORTED, "this CPU or build lacks that search engine");
    }
    struct assay_literals *ls = calloc(1, sizeof *ls);
    if (ls == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for %zu literals", n);
    }
    ls->engine = engine;
    enum assay_status st = build(ls, literals, n, err);
    if (st != ASSAY_OK) {
        assay_literals_free(ls);
        return st;
    }
    *ret = ls;
    return ASSAY_OK;
}

void assay_literals_free(struct assay_literals *ls)
{
    if (ls == NULL) {
        return;
    }
#ifdef HAVE_VECTORSCAN
    (void)hs_free_database(ls->db);
#endif
    free(ls->items);
    free(ls->storage);
    free(ls);
}

/* ---- searching one run of bytes ------------------------------------------------------------- */

/* Whether `l` stands in p[0..n) with its window at `i`. */
static int stands_at(const struct literal *l, const uint8_t *p, size_t n, size_t i)
{
    if (i < l->at || n - (i - l->at) < l->len) {
        return 0;
    }
    const uint8_t *s = p + (i - l->at);
    if (!l->caseless) {
        return memcmp(s, l->text, l->len) == 0;
    }
    for (uint32_t j = 0; j < l->len; j++) {
        if (lower(s[j]) != l->text[j]) {
            return 0;
        }
    }
    return 1;
}

static int any_stands_at(const struct assay_literals *ls, uint32_t from, uint32_t to,
                         struct assay_bytes in, size_t i)
{
    for (uint32_t k = from; k < to; k++) {
        if (stands_at(&ls->items[k], (const uint8_t *)in.ptr, in.len, i)) {
            return 1;
        }
    }
    return 0;
}

/* The first literal whose key is not below `key`. */
static uint32_t first_with(const struct assay_literals *ls, unsigned key)
{
    uint32_t from = 0;
    for (uint32_t n = (uint32_t)ls->count; n > 0;) {
        uint32_t half = n / 2;
        if (window_key(&ls->items[from + half]) < key) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

/* From position `i` on, one position at a time. */
static int search_pairs(const struct assay_literals *ls, struct assay_bytes in, size_t i)
{
    const uint8_t *p = (const uint8_t *)in.ptr;
    for (; i + WINDOW <= in.len; i++) {
        unsigned pair = p[i] | (unsigned)p[i + 1] << 8;
        if ((ls->pairs[pair / 64] >> (pair % 64) & 1) != 0) {
            unsigned key = pair_key(p[i], p[i + 1]);
            if (any_stands_at(ls, first_with(ls, key), first_with(ls, key + 1), in, i)) {
                return 1;
            }
        }
    }
    return 0;
}

#ifdef HAVE_NIBBLE
/* The literals of the buckets in `buckets`, with their windows at `i`. */
static int buckets_stand_at(const struct assay_literals *ls, unsigned buckets,
                            struct assay_bytes in, size_t i)
{
    for (; buckets != 0; buckets &= buckets - 1) {
        unsigned b = (unsigned)__builtin_ctz(buckets);
        if (any_stands_at(ls, ls->bucket_start[b], ls->bucket_start[b + 1], in, i)) {
            return 1;
        }
    }
    return 0;
}

/* Buckets whose window byte j may be each of the 32 bytes of v. */
__attribute__((target("avx2"))) static inline __m256i classify(__m256i v, __m256i low, __m256i high,
                                                               __m256i nibble)
{
    __m256i lo = _mm256_shuffle_epi8(low, _mm256_and_si256(v, nibble));
    __m256i hi = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
    return _mm256_and_si256(lo, hi);
}

__attribute__((target("avx2"))) static inline __m256i load_mask(const uint8_t *mask)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)mask));
}

__attribute__((target("avx2"))) static inline __m256i load_at(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* Checks the positions of one step that passed the filter. */
static int confirm_step(const struct assay_literals *ls, const uint8_t hits[32], uint32_t positions,
                        struct assay_bytes in, size_t i)
{
    for (; positions != 0; positions &= positions - 1) {
        unsigned k = (unsigned)__builtin_ctz(positions);
        if (buckets_stand_at(ls, hits[k], in, i + k)) {
            return 1;
        }
    }
    return 0;
}

__attribute__((target("avx2"))) static int search_nibbles(const struct assay_literals *ls,
                                                          struct assay_bytes in)
{
    const uint8_t *p = (const uint8_t *)in.ptr;
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i l0 = load_mask(ls->low[0]), l1 = load_mask(ls->low[1]),
                  l2 = load_mask(ls->low[2]), h0 = load_mask(ls->high[0]),
                  h1 = load_mask(ls->high[1]), h2 = load_mask(ls->high[2]);
    size_t i = 0;
    for (; i + 32 + WINDOW - 1 <= in.len; i += 32) {
        __m256i hit = classify(load_at(p + i), l0, h0, nibble);
        hit = _mm256_and_si256(hit, classify(load_at(p + i + 1), l1, h1, nibble));
        hit = _mm256_and_si256(hit, classify(load_at(p + i + 2), l2, h2, nibble));
        __m256i none = _mm256_cmpeq_epi8(hit, _mm256_setzero_si256());
        uint32_t positions = ~(uint32_t)_mm256_movemask_epi8(none);
        if (__builtin_expect(positions != 0, 0)) {
            uint8_t hits[32];
            _mm256_storeu_si256((__m256i *)(void *)hits, hit);
            if (confirm_step(ls, hits, positions, in, i)) {
                return 1;
            }
        }
    }
    return search_pairs(ls, in, i);
}
#endif

#ifdef HAVE_VECTORSCAN
static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *ctx)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    *(int *)ctx = 1;
    return 1; /* one is enough */
}

/* A failure of the engine counts as found: the second stage then decides. */
static int search_vectorscan(const struct assay_literal_feed *f, struct assay_bytes in)
{
    int found = 0;
    const size_t step = 1u << 30;
    for (size_t at = 0; at < in.len && !found; at += step - f->ls->longest) {
        size_t len = in.len - at < step ? in.len - at : step;
        hs_error_t rc =
            hs_scan(f->ls->db, in.ptr + at, (unsigned)len, 0, f->scratch, on_match, &found);
        if (rc != HS_SUCCESS && rc != HS_SCAN_TERMINATED) {
            return 1;
        }
        if (at + len == in.len) {
            break;
        }
    }
    return found;
}
#endif

static int search(const struct assay_literal_feed *f, struct assay_bytes in)
{
#ifdef HAVE_NIBBLE
    if (f->ls->engine == ASSAY_LITERALS_NIBBLE) {
        return search_nibbles(f->ls, in);
    }
#endif
#ifdef HAVE_VECTORSCAN
    if (f->ls->engine == ASSAY_LITERALS_VECTORSCAN) {
        return search_vectorscan(f, in);
    }
#endif
    return search_pairs(f->ls, in, 0);
}

/* ---- feeding -------------------------------------------------------------------------------- */

enum assay_status assay_literal_feed_new(const struct assay_literals *ls,
                                         struct assay_literal_feed **ret, struct assay_error *err)
{
    struct assay_literal_feed *f = calloc(1, sizeof *f);
    *ret = NULL;
    if (f == NULL || (f->seam = malloc(2 * ls->longest)) == NULL) {
        free(f);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the literal search");
    }
    f->ls = ls;
#ifdef HAVE_VECTORSCAN
    if (ls->db != NULL && hs_alloc_scratch(ls->db, &f->scratch) != HS_SUCCESS) {
        assay_literal_feed_free(f);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the literal search");
    }
#endif
    *ret = f;
    return ASSAY_OK;
}

void assay_literal_feed_free(struct assay_literal_feed *f)
{
    if (f == NULL) {
        return;
    }
#ifdef HAVE_VECTORSCAN
    (void)hs_free_scratch(f->scratch);
#endif
    free(f->seam);
    free(f);
}

void assay_literal_feed_start(struct assay_literal_feed *f)
{
    f->tail = 0;
    f->found = 0;
}

/* Keeps the last longest-1 bytes of the tail followed by `block`. */
static void keep_tail(struct assay_literal_feed *f, struct assay_bytes block)
{
    size_t keep = f->ls->longest - 1;
    if (block.len >= keep) {
        memcpy(f->seam, block.ptr + (block.len - keep), keep);
        f->tail = keep;
        return;
    }
    size_t old = keep - block.len < f->tail ? keep - block.len : f->tail;
    memmove(f->seam, f->seam + (f->tail - old), old);
    memcpy(f->seam + old, block.ptr, block.len);
    f->tail = old + block.len;
}

void assay_literal_feed_block(struct assay_literal_feed *f, struct assay_bytes block)
{
    if (f->found || block.len == 0) {
        return;
    }
    if (f->tail > 0) {
        size_t head = block.len < f->ls->longest - 1 ? block.len : f->ls->longest - 1;
        memcpy(f->seam + f->tail, block.ptr, head);
        f->found = search(f, assay_bytes_make((const char *)f->seam, f->tail + head));
    }
    if (!f->found) {
        f->found = search(f, block);
        keep_tail(f, block);
    }
}

int assay_literal_feed_found(const struct assay_literal_feed *f)
{
    return f->found;
}
