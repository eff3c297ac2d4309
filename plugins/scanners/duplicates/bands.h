/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/bands.h: which parts of two sketches must agree for the texts to be compared.
 *
 * A sketch is cut into `bands` bands of `rows` minima; texts that agree in all minima of some band
 * are candidates. At a Jaccard index of s this happens with probability 1 - (1 - s^rows)^bands. As
 * every candidate is verified, more of them cost time but no precision; so of all shapes that find
 * the wanted share at the threshold, the solver takes the one with the most rows (fewest false
 * candidates), then the fewest bands (least storage). Probabilities are millionths, by whole
 * numbers: the same shape on every machine.
 */
#ifndef ASSAY_DUPLICATES_BANDS_H
#define ASSAY_DUPLICATES_BANDS_H

#include "sketch.h"

struct dup_bands {
    unsigned bands, rows;
};

/* `threshold` and `recall` in thousandths, 1..1000 and 1..999. When no shape reaches the recall,
 * the one that comes nearest. */
struct dup_bands dup_bands_solve(unsigned threshold, unsigned recall);
/* Millionths of the pairs at a Jaccard index of `jaccard` thousandths that become candidates. */
uint64_t dup_bands_recall(struct dup_bands b, unsigned jaccard);
/* The key of band i. */
uint64_t dup_band_key(struct dup_bands b, const struct dup_sketch *s, unsigned i);

#endif
