/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sketch.h: tokens into shingles, shingles into 128 minima.
 *
 * A shingle is a run of w tokens: w is 5; 3 for texts of fewer than 20 tokens; and a text of fewer
 * than 5 tokens is one shingle. Its hash is a polynomial over the hashes of its tokens, mixed with
 * w. The resemblance of two texts is the Jaccard index of their sets of shingle hashes.
 *
 * Sketch: the minimum, over all shingles x, of h_i(x) = (lower half of x, xor b_i) * a_i mod 2^32,
 * for i in 0..127. Each h_i permutes 32-bit numbers (a_i is odd), so P[minima are equal] is close
 * to the Jaccard index (Broder, "On the resemblance and containment of documents", 1997). The
 * constants come from a fixed seed by SplitMix64 (Steele, Lea, Flood, 2014): they are part of the
 * format, hence DUP_SKETCH_VERSION. Whole numbers only, so that all implementations agree bit by
 * bit.
 */
#ifndef ASSAY_DUPLICATES_SKETCH_H
#define ASSAY_DUPLICATES_SKETCH_H

#include "tokens.h"

#define DUP_SKETCH_VERSION 1
#define DUP_MINIMA         128

struct dup_sketch {
    uint32_t min[DUP_MINIMA];
};

/* Tokens per shingle of a text of n tokens; n == 0: 0. */
unsigned dup_shingle_width(size_t n_tokens);
/* How many shingles those are. */
size_t dup_shingle_count(size_t n_tokens);
/* Writes dup_shingle_count(n) hashes, in the order of the text. */
void dup_shingles(const struct dup_token *tokens, size_t n, uint64_t *out);
/* Sorts and removes what is there twice; the new count. */
size_t dup_shingle_set(uint64_t *shingles, size_t n);
/* How many hashes two sets share; less than `enough` may be returned as any lower number. */
size_t dup_shared(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b, size_t enough);

typedef void dup_minhash(const uint64_t *shingles, size_t n, struct dup_sketch *ret);
/* The i-th implementation that this processor runs, the best first; NULL: there are no more. */
dup_minhash *dup_minhash_get(unsigned i);

#endif
