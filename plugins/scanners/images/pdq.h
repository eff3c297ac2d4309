/* SPDX-License-Identifier: Apache-2.0
 *
 * images/pdq.h: the PDQ perceptual hash of a picture.
 *
 * What:  256 bits that change little when a picture is scaled, recompressed or converted, and a
 *        quality from 0 (flat) to 100. Two pictures whose hashes differ in at most 31 bits, both of
 *        quality 50 or more, look the same. Crops, borders and overlays are out of its reach.
 * Source: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook 2019
 *        (hashing.pdf, sections on PDQ): luminance, two passes of a box filter in each direction,
 *        64 x 64 samples, the 16 x 16 lowest frequencies of a DCT without the constant one, each
 *        compared with their median. Larger pictures are first sampled down to 512 x 512, as the
 *        reference program does.
 * Rules: single precision throughout, no contraction (-ffp-contract=off), so that every machine
 *        computes the same bits. Pure.
 */
#ifndef ASSAY_IMAGES_PDQ_H
#define ASSAY_IMAGES_PDQ_H

#include <stddef.h>
#include <stdint.h>

#define PDQ_SIDE        512 /* pictures with a longer side are sampled to 512 x 512 */
#define PDQ_MIN_SIDE    5   /* smaller ones have no hash: quality 0 */
#define PDQ_MIN_QUALITY 50
#define PDQ_MAX_BITS    31

/* Bit 16 * row + column of the frequencies is bit (i % 64) of w[i / 64]. */
struct pdq_hash {
    uint64_t w[4];
};

/* What a picture becomes when it is turned or mirrored. */
enum pdq_view {
    PDQ_AS_IS,
    PDQ_ROTATE_90,
    PDQ_ROTATE_180,
    PDQ_ROTATE_270,
    PDQ_FLIP_UP_DOWN,
    PDQ_FLIP_LEFT_RIGHT,
    PDQ_TRANSPOSE,
    PDQ_ANTITRANSPOSE,
    PDQ_VIEWS
};
extern const char *const pdq_view_names[PDQ_VIEWS];

/* Luminance, row by row. `work` has the same size and is scratch. */
struct pdq_picture {
    float *luma, *work; /* PDQ_SIDE * PDQ_SIDE each */
    unsigned rows, cols;
};

/* Hashes of all views; returns the quality. Overwrites luma and work. */
unsigned pdq_hash_views(struct pdq_picture *p, struct pdq_hash ret[PDQ_VIEWS]);

/* In how many bits two hashes differ. */
static inline unsigned pdq_distance(const struct pdq_hash *a, const struct pdq_hash *b)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        n += (unsigned)__builtin_popcountll(a->w[i] ^ b->w[i]);
    }
    return n;
}

#endif
