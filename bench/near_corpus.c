/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/near_corpus.c: see the header.
 */
#include "bench/near_corpus.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/utf8.h"

#define HAN        UINT32_C(0x100000) /* tokens from here on are Han characters */
#define WORDS      30000
#define ENGLISH    165 /* tokens of a text of 1 KB */
#define CHINESE    320
#define SENTENCE   14
#define HEADERS    16
#define HEADER_LEN 48
#define TEMPLATES  4
#define WIDTH      5
#define BACK       2000 /* a copy is at most so far behind its original */

const char *const near_change_names[NEAR_CHANGES] = {
    "none", "word", "sentence", "case", "punctuation", "width", "traditional", "paragraph"};

/* Simplified characters and their traditional forms. */
static const uint32_t simplified[] = {
    0x56FD, 0x5B66, 0x4E66, 0x957F, 0x95E8, 0x4E1C, 0x8F66, 0x9A6C, 0x9E1F, 0x9C7C, 0x4E91, 0x98CE,
    0x53D1, 0x8FD9, 0x6765, 0x5BF9, 0x65F6, 0x95F4, 0x8BF4, 0x8BDD, 0x5F00, 0x5173, 0x7ECF, 0x6D4E};
static const uint32_t traditional[] = {
    0x570B, 0x5B78, 0x66F8, 0x9577, 0x9580, 0x6771, 0x8ECA, 0x99AC, 0x9CE5, 0x9B5A, 0x96F2, 0x98A8,
    0x767C, 0x9019, 0x4F86, 0x5C0D, 0x6642, 0x9593, 0x8AAA, 0x8A71, 0x958B, 0x95DC, 0x7D93, 0x6FDF};
#define N_PAIRS (sizeof simplified / sizeof simplified[0])

/* ---- chance ------------------------------------------------------------------------------------
 */

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static unsigned below(uint64_t *state, unsigned n)
{
    return (unsigned)(next(state) % n);
}

static uint64_t state_for(uint64_t seed, uint64_t what, uint64_t i)
{
    uint64_t state = seed ^ what << 56 ^ i * UINT64_C(0xD1342543DE82EF95);
    (void)next(&state);
    return state;
}

/* Frequent words are frequent: each halving of the range is as likely as not. */
static uint32_t token(uint64_t *state, int han)
{
    unsigned range = han ? 4000 : WORDS;
    while (range > 64 && next(state) % 3 == 0) {
        range /= 2;
    }
    uint32_t t = below(state, range);
    if (!han) {
        return t;
    }
    return HAN + (below(state, 30) == 0 ? simplified[t % N_PAIRS] : 0x4E00 + t * 5);
}

/* ---- texts -------------------------------------------------------------------------------------
 */

static void fill(struct near_text *t, unsigned from, unsigned to, uint64_t *state)
{
    for (unsigned i = from; i < to; i++) {
        t->tokens[i] = token(state, t->han);
    }
}

static void make_original(uint64_t seed, uint64_t i, struct near_text *t)
{
    uint64_t state = state_for(seed, 1, i);
    memset(t, 0, sizeof *t);
    t->han = below(&state, 5) == 0;
    t->n = t->han ? CHINESE : ENGLISH;
    fill(t, 0, t->n, &state);
    unsigned kind = below(&state, 20);
    if (kind < 6) {
        uint64_t header = state_for(seed, 2 + (uint64_t)t->han, below(&state, HEADERS));
        fill(t, 0, HEADER_LEN, &header);
    } else if (kind == 6) {
        uint64_t template = state_for(seed, 4 + (uint64_t)t->han, below(&state, TEMPLATES));
        for (unsigned at = 0; at + 20 <= t->n; at += 20) {
            fill(t, at, at + 13, &template);
        }
    }
}

/* How much: most changes are small. */
static unsigned amount(uint64_t *state, unsigned most)
{
    return 1 + below(state, 1 + below(state, most));
}

static void insert(struct near_text *t, unsigned at, unsigned n, uint64_t *state)
{
    n = t->n + n > NEAR_TOKENS_MAX ? NEAR_TOKENS_MAX - t->n : n;
    memmove(t->tokens + at + n, t->tokens + at, (t->n - at) * sizeof t->tokens[0]);
    t->n += n;
    fill(t, at, at + n, state);
}

static void to_traditional(struct near_text *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned k = 0; k < N_PAIRS; k++) {
            t->tokens[i] =
                t->tokens[i] == HAN + simplified[k] ? HAN + traditional[k] : t->tokens[i];
        }
    }
}

static void change(struct near_text *t, enum near_change how, uint64_t *state)
{
    const unsigned size = t->n / 20; /* about one in twenty changed leaves 0.6 */
    unsigned at = below(state, t->n);
    unsigned many = amount(state, how == NEAR_WORD ? size : 2 * size);
    switch (how) {
    case NEAR_WORD:
        for (; many > 0; many--) {
            t->tokens[below(state, t->n)] = token(state, t->han);
        }
        break;
    case NEAR_SENTENCE:
        at = at + many > t->n ? t->n - many : at;
        fill(t, at, at + many, state);
        break;
    case NEAR_PARAGRAPH:
        insert(t, at, many, state);
        break;
    case NEAR_TRADITIONAL:
        to_traditional(t);
        break;
    case NEAR_CASE:
        t->upper = 1;
        break;
    case NEAR_PUNCTUATION:
        t->commas = 3 + (int)below(state, 5);
        break;
    default:
        t->wide = 1;
    }
}

enum near_change near_make(uint64_t seed, uint64_t i, struct near_text *ret, uint64_t *ret_of)
{
    *ret_of = i;
    if (i % 10 != 9) {
        make_original(seed, i, ret);
        return NEAR_NONE;
    }
    uint64_t state = state_for(seed, 6, i);
    uint64_t of = i - 1 - below(&state, (unsigned)(i < BACK ? i : BACK));
    of -= of % 10 == 9;
    make_original(seed, of, ret);
    static const uint8_t kinds[] = {NEAR_WORD,      NEAR_WORD,     NEAR_WORD,        NEAR_SENTENCE,
                                    NEAR_SENTENCE,  NEAR_CASE,     NEAR_PUNCTUATION, NEAR_WIDTH,
                                    NEAR_PARAGRAPH, NEAR_PARAGRAPH};
    enum near_change how = (enum near_change)kinds[below(&state, sizeof kinds)];
    if (ret->han && (how == NEAR_CASE || how == NEAR_WIDTH)) {
        how = NEAR_TRADITIONAL;
    }
    change(ret, how, &state);
    if (how != NEAR_WORD && below(&state, 2) == 0) {
        change(ret, NEAR_WORD, &state);
    }
    *ret_of = of;
    return how;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

/* Words of two to ten letters, the frequent ones shorter; different for different numbers. */
static unsigned spell(uint32_t word, char out[16])
{
    static const char *const consonants = "bcdfghjklmnprstvwz", *const vowels = "aeiou";
    unsigned n = 0;
    for (uint32_t rest = word + 1; rest > 0; rest /= 90) {
        out[n++] = consonants[rest % 90 / 5];
        out[n++] = vowels[rest % 5];
        out[n] = '\0';
        if (rest >= 90) {
            out[n++] = consonants[rest / 7 % 18];
        }
    }
    out[n] = '\0';
    return n;
}

static void put_letter(const struct near_text *t, char c, struct assay_buf *out)
{
    c = (char)(t->upper && c >= 'a' && c <= 'z' ? c - 32 : c);
    if (t->wide && c >= '!' && c <= '~') {
        char utf8[4];
        assay_buf_add(out, utf8, assay_utf8_encode(0xFF00 + (uint32_t)c - 0x20, utf8));
    } else {
        assay_buf_addc(out, c);
    }
}

void near_write(const struct near_text *t, struct assay_buf *out)
{
    const int every = t->commas > 0 ? t->commas : 9;
    for (unsigned i = 0; i < t->n; i++) {
        const int ends = i % SENTENCE == SENTENCE - 1 || i + 1 == t->n;
        const int comma = (int)(i % (unsigned)every) == every - 1;
        char word[16];
        if (t->tokens[i] >= HAN) {
            assay_buf_add(out, word, assay_utf8_encode(t->tokens[i] - HAN, word));
            assay_buf_adds(out, ends ? "。" : comma ? "，" : "");
            continue;
        }
        (void)spell(t->tokens[i], word);
        for (const char *p = word; *p != '\0'; p++) {
            put_letter(t, *p, out);
        }
        if (ends || comma) {
            put_letter(t, ends ? '.' : ',', out);
        }
        assay_buf_addc(out, ' ');
    }
}

/* ---- the truth ---------------------------------------------------------------------------------
 */

static int by_value(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return a < b ? -1 : a > b;
}

static size_t shingles(const struct near_text *t, uint64_t *out)
{
    size_t n = 0, kept = 0;
    for (unsigned i = 0; i + WIDTH <= t->n; i++) {
        uint64_t h[2];
        assay_xxh3_128(t->tokens + i, WIDTH * sizeof t->tokens[0], 0, h);
        out[n++] = h[0];
    }
    qsort(out, n, sizeof out[0], by_value);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || out[kept - 1] != out[i]) {
            out[kept++] = out[i];
        }
    }
    return kept;
}

uint64_t near_jaccard(const struct near_text *a, const struct near_text *b)
{
    uint64_t x[NEAR_TOKENS_MAX], y[NEAR_TOKENS_MAX];
    size_t n_x = shingles(a, x), n_y = shingles(b, y), shared = 0;
    for (size_t i = 0, k = 0; i < n_x && k < n_y;) {
        shared += x[i] == y[k];
        if (x[i] < y[k]) {
            i++;
        } else if (x[i] > y[k]) {
            k++;
        } else {
            i++;
            k++;
        }
    }
    return shared * 1000000 / (n_x + n_y - shared);
}
