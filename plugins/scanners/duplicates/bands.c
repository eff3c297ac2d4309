/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/bands.c: see the header. Probabilities are multiples of 2^-32 here.
 */
#include "bands.h"

#include "mix.h"

#define ONE (UINT64_C(1) << 32)

static uint64_t power(uint64_t p, unsigned n)
{
    uint64_t product = ONE;
    while (n-- > 0) {
        product = (uint64_t)((dup_u128)product * p >> 32);
    }
    return product;
}

static uint64_t found(struct dup_bands b, unsigned jaccard)
{
    return ONE - power(ONE - power(jaccard * ONE / 1000, b.rows), b.bands);
}

uint64_t dup_bands_recall(struct dup_bands b, unsigned jaccard)
{
    return found(b, jaccard) * 1000000 >> 32;
}

struct dup_bands dup_bands_solve(unsigned threshold, unsigned recall)
{
    const uint64_t wanted = recall * ONE / 1000;
    for (unsigned rows = DUP_MINIMA; rows > 0; rows--) {
        struct dup_bands b = {DUP_MINIMA / rows, rows};
        if (found(b, threshold) >= wanted) {
            while (b.bands > 1 &&
                   found((struct dup_bands){b.bands - 1, rows}, threshold) >= wanted) {
                b.bands--;
            }
            return b;
        }
    }
    return (struct dup_bands){DUP_MINIMA, 1};
}

uint64_t dup_band_key(struct dup_bands b, const struct dup_sketch *s, unsigned i)
{
    uint64_t h = DUP_ROOT2 + i * DUP_ROOT5;
    for (unsigned k = i * b.rows; k < (i + 1) * b.rows; k++) {
        h = dup_mix(h, s->min[k]);
    }
    return h;
}
