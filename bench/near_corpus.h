/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/near_corpus.h: a seeded corpus in which near-duplicates are planted and known.
 *
 * Record i is a function of the seed and i alone, so that whoever judges a result can make it anew.
 * It is about 1 KB of text, Chinese in every fifth record. One in ten is a copy of a record shortly
 * before it, changed in one of the ways of near_change_names, a little or a lot. Three in ten begin
 * with one of 16 headers, one in twenty fills the gaps of one of 4 templates: boilerplate that
 * makes records agree in parts without being alike.
 *
 * Texts are sequences of tokens (words, Han characters) before they are written out, and the
 * Jaccard index is computed from those, without the code that is measured.
 */
#ifndef ASSAY_BENCH_NEAR_CORPUS_H
#define ASSAY_BENCH_NEAR_CORPUS_H

#include "core/buf.h"

#define NEAR_TOKENS_MAX 640

struct near_text {
    uint32_t tokens[NEAR_TOKENS_MAX]; /* words by number; Han characters from NEAR_HAN on */
    unsigned n;
    int han;
    int upper, wide, commas; /* how it is written */
};

enum near_change {
    NEAR_NONE, /* not a copy */
    NEAR_WORD,
    NEAR_SENTENCE,
    NEAR_CASE,
    NEAR_PUNCTUATION,
    NEAR_WIDTH,
    NEAR_TRADITIONAL,
    NEAR_PARAGRAPH,
    NEAR_CHANGES
};
extern const char *const near_change_names[NEAR_CHANGES];

/* Makes record i. *ret_of: the record it is a copy of. */
enum near_change near_make(uint64_t seed, uint64_t i, struct near_text *ret, uint64_t *ret_of);
/* Appends the text. */
void near_write(const struct near_text *t, struct assay_buf *out);
/* The Jaccard index of the sets of five-token shingles, in millionths. */
uint64_t near_jaccard(const struct near_text *a, const struct near_text *b);

#endif
