/* SPDX-License-Identifier: Apache-2.0
 *
 * The vector code is compiled for AVX2 and chosen at run time; tests compare it with the portable
 * code and with a search byte by byte.
 */
#include "rules/matcher/runs.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void assay_run_set_init(struct assay_run_set *rs)
{
    memset(rs, 0, sizeof *rs);
    for (int c = '0'; c <= '9'; c++) {
        rs->count[c] = rs->drivers[c] = 1;
    }
    rs->drivers[':'] = rs->drivers['-'] = 1;
    rs->count[':'] = rs->count['-'] = rs->count['.'] = rs->count['/'] = rs->count['+'] = 16;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void assay_run_set_add(struct assay_run_set *rs, const struct assay_rule_plan *plan)
{
    unsigned g = plan->group, n = rs->n_needs[g];
    for (unsigned c = 0; c < 256; c++) {
        if (assay_byteset_has(&plan->run, (unsigned char)c)) {
            rs->classes[c] |= (uint8_t)(1u << g);
        }
    }
    for (unsigned i = 0; i < n; i++) { /* already covered by a weaker need */
        const struct assay_run_need *o = &rs->needs[g][i];
        if (o->min_len <= plan->min_len && o->digits <= plan->digits && o->marks <= plan->marks) {
            return;
        }
    }
    if (n < ASSAY_RUN_NEEDS) {
        rs->needs[g][rs->n_needs[g]++] =
            (struct assay_run_need){plan->min_len, plan->digits, plan->marks};
        return;
    }
    struct assay_run_need *last = &rs->needs[g][n - 1];
    last->min_len = min32(last->min_len, plan->min_len);
    last->digits = min32(last->digits, plan->digits);
    last->marks = min32(last->marks, plan->marks);
}

/* ---- drivers -------------------------------------------------------------------------------- */

static uint64_t drivers_scalar(const unsigned char *p, const struct assay_run_set *rs, uint32_t n)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < n; i++) {
        mask |= (uint64_t)rs->drivers[p[i]] << i;
    }
    return mask;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint32_t drivers_32(const unsigned char *p)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i off = _mm256_sub_epi8(v, _mm256_set1_epi8('0')); /* '0'..'9' and ':' stand in a row */
    __m256i in = _mm256_cmpeq_epi8(_mm256_min_epu8(off, _mm256_set1_epi8(10)), off);
    __m256i dash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('-'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(in, dash));
}

__attribute__((target("avx2"))) static uint64_t
drivers_avx2(const unsigned char *p, const struct assay_run_set *rs, uint32_t n)
{
    if (n < 64) {
        return drivers_scalar(p, rs, n);
    }
    return drivers_32(p) | (uint64_t)drivers_32(p + 32) << 32;
}
#endif

typedef uint64_t (*driver_func)(const unsigned char *p, const struct assay_run_set *rs, uint32_t n);

static driver_func choose_drivers(int use_simd)
{
#if defined(__x86_64__)
    if (use_simd && __builtin_cpu_supports("avx2")) {
        return drivers_avx2;
    }
#endif
    (void)use_simd;
    return drivers_scalar;
}

/* ---- runs ----------------------------------------------------------------------------------- */

static enum assay_status list_add(struct assay_run_list *l, const struct assay_kept_run *run)
{
    if (l->n_runs == l->cap_runs) {
        uint32_t cap = l->cap_runs == 0 ? 256 : l->cap_runs * 2;
        struct assay_kept_run *runs = assay_realloc_array(l->runs, cap, sizeof *runs);
        if (runs == NULL) {
            return ASSAY_NOMEM;
        }
        l->runs = runs;
        l->cap_runs = cap;
    }
    l->runs[l->n_runs++] = *run;
    return ASSAY_OK;
}

static int is_needed(const struct assay_run_set *rs, unsigned g, const struct assay_kept_run *run)
{
    for (unsigned i = 0; i < rs->n_needs[g]; i++) {
        const struct assay_run_need *n = &rs->needs[g][i];
        if (run->len >= n->min_len && run->digits >= n->digits && run->marks >= n->marks) {
            return 1;
        }
    }
    return 0;
}

struct finder {
    const struct assay_run_set *rs;
    const unsigned char *text;
    uint32_t len;
    struct assay_run_list *lists;
    uint32_t done[ASSAY_RUN_GROUPS]; /* end of the group's last run, kept or not */
};

/* The run of group `g` around byte `at`, which belongs to it. */
static enum assay_status visit(struct finder *f, unsigned g, uint32_t at)
{
    const uint8_t *classes = f->rs->classes;
    uint8_t bit = (uint8_t)(1u << g);
    struct assay_kept_run run = {.from = at};
    uint32_t to = at;
    while (run.from > f->done[g] && (classes[f->text[run.from - 1]] & bit) != 0) {
        run.from--;
    }
    while (to < f->len && (classes[f->text[to]] & bit) != 0) {
        to++;
    }
    for (uint32_t i = run.from; i < to; i++) {
        uint8_t c = f->rs->count[f->text[i]];
        run.digits += c & 15u;
        run.marks += c >> 4;
    }
    run.len = to - run.from;
    f->done[g] = to;
    return is_needed(f->rs, g, &run) ? list_add(&f->lists[g], &run) : ASSAY_OK;
}

/* LONG: a run of `step` bytes or more has a byte at start + step - 1 from any start inside it; a
 * byte outside the set rules out all runs that would hold it. */
static enum assay_status long_scalar(struct finder *f, uint32_t step)
{
    const unsigned g = ASSAY_RUN_LONG;
    const uint8_t bit = (uint8_t)(1u << g);
    uint32_t start = 0; /* no run that is not done begins before `start` */
    while (f->len - start >= step) {
        uint32_t at = start + step;
        while (at > start && (f->rs->classes[f->text[at - 1]] & bit) != 0) {
            at--;
        }
        if (at > start) {
            start = at;
            continue;
        }
        if (visit(f, g, start) != ASSAY_OK) {
            return ASSAY_NOMEM;
        }
        start = f->done[g];
    }
    return ASSAY_OK;
}

#if defined(__x86_64__)
/* A byte set for 32 lookups at once: rows by high nibble, one bit each, in two halves. */
struct nibble_set {
    uint8_t low[16],
        high[16]; /* by low nibble: bit h is set when byte (h, low) is in; h - 8 in `high` */
};

__attribute__((target("avx2"))) static uint32_t members_32(const unsigned char *p,
                                                           const struct nibble_set *ns)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i low =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)ns->low));
    const __m256i high =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)ns->high));
    const __m256i bits = _mm256_set1_epi64x((long long)0x8040201008040201u);
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i lo = _mm256_and_si256(v, nibble);
    __m256i hi = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
    __m256i row = _mm256_shuffle_epi8(bits, hi);
    __m256i set =
        _mm256_blendv_epi8(_mm256_shuffle_epi8(low, lo), _mm256_shuffle_epi8(high, lo), v);
    __m256i out = _mm256_cmpeq_epi8(_mm256_and_si256(set, row), _mm256_setzero_si256());
    return ~(uint32_t)_mm256_movemask_epi8(out);
}

__attribute__((target("avx2"))) static uint64_t members_64(const struct finder *f, uint32_t base,
                                                           const struct nibble_set *ns)
{
    unsigned char tail[64];
    const unsigned char *p = f->text + base;
    uint32_t left = base < f->len ? f->len - base : 0;
    if (left < 64) { /* past the end nothing is a member */
        uint64_t keep = left == 0 ? 0 : UINT64_MAX >> (64 - left);
        memset(tail, 0, sizeof tail);
        memcpy(tail, p, left);
        p = tail;
        return (members_32(p, ns) | (uint64_t)members_32(p + 32, ns) << 32) & keep;
    }
    return members_32(p, ns) | (uint64_t)members_32(p + 32, ns) << 32;
}

__extension__ typedef unsigned __int128 uint128;

/* Bit i: a run of `step` (at most 64) members begins at or covers i .. i + step - 1. */
static uint64_t long_starts(uint64_t now, uint64_t next, uint32_t step)
{
    uint128 x = (uint128)next << 64 | now;
    uint32_t have = 1;
    for (; have * 2 <= step; have *= 2) {
        x &= x >> have;
    }
    return (uint64_t)(x & (x >> (step - have)));
}

__attribute__((target("avx2"))) static enum assay_status long_avx2(struct finder *f, uint32_t step,
                                                                   const struct nibble_set *ns)
{
    const unsigned g = ASSAY_RUN_LONG;
    uint64_t now = members_64(f, 0, ns);
    step = min32(step, 64);
    for (uint32_t base = 0; base < f->len; base += 64) {
        uint64_t next = members_64(f, base + 64, ns);
        uint64_t hits = long_starts(now, next, step);
        for (; hits != 0; hits &= hits - 1) {
            uint32_t at = base + (uint32_t)__builtin_ctzll(hits);
            if (at >= f->done[g] && visit(f, g, at) != ASSAY_OK) {
                return ASSAY_NOMEM;
            }
        }
        now = next;
    }
    return ASSAY_OK;
}

static void nibble_set_fill(struct nibble_set *ns, const struct assay_run_set *rs, uint8_t bit)
{
    memset(ns, 0, sizeof *ns);
    for (unsigned c = 0; c < 256; c++) {
        if ((rs->classes[c] & bit) != 0) {
            uint8_t *half = c < 128 ? ns->low : ns->high;
            half[c & 15] = (uint8_t)(half[c & 15] | 1u << ((c >> 4) & 7));
        }
    }
}
#endif

static enum assay_status visit_long(struct finder *f, int use_simd)
{
    const unsigned g = ASSAY_RUN_LONG;
    uint32_t step = UINT32_MAX;
    for (unsigned i = 0; i < f->rs->n_needs[g]; i++) {
        step = min32(step, f->rs->needs[g][i].min_len);
    }
    if (f->len < step) {
        return ASSAY_OK;
    }
#if defined(__x86_64__)
    if (use_simd && __builtin_cpu_supports("avx2")) {
        struct nibble_set ns;
        nibble_set_fill(&ns, f->rs, (uint8_t)(1u << g));
        return long_avx2(f, step, &ns);
    }
#endif
    (void)use_simd;
    return long_scalar(f, step);
}

static enum assay_status visit_all(struct finder *f, uint32_t base, uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) {
        uint32_t at = base + (uint32_t)__builtin_ctzll(mask);
        unsigned groups = f->rs->classes[f->text[at]] & ((1u << ASSAY_RUN_LONG) - 1u);
        for (; groups != 0; groups &= groups - 1) {
            unsigned g = (unsigned)__builtin_ctz(groups);
            if (at >= f->done[g] && visit(f, g, at) != ASSAY_OK) {
                return ASSAY_NOMEM;
            }
        }
    }
    return ASSAY_OK;
}

enum assay_status assay_runs_find(const struct assay_run_set *rs, const char *text, uint32_t len,
                                  int use_simd, struct assay_run_list *lists)
{
    struct finder f = {.rs = rs, .text = (const unsigned char *)text, .len = len, .lists = lists};
    driver_func drivers = choose_drivers(use_simd);
    unsigned driven = 0;
    for (unsigned g = 0; g < ASSAY_RUN_GROUPS; g++) {
        driven += g == ASSAY_RUN_LONG ? 0 : rs->n_needs[g];
        lists[g].n_runs = 0;
    }
    for (uint32_t base = 0; driven != 0 && base < len; base += 64) {
        uint32_t n = len - base < 64 ? len - base : 64;
        uint64_t mask = drivers(f.text + base, rs, n);
        if (mask != 0 && visit_all(&f, base, mask) != ASSAY_OK) {
            return ASSAY_NOMEM;
        }
    }
    return visit_long(&f, use_simd);
}

void assay_run_list_release(struct assay_run_list *l)
{
    free(l->runs);
    memset(l, 0, sizeof *l);
}
