/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/mix.h: the one way in which numbers are mixed here: a 64 x 64 -> 128 bit product,
 * folded by xor (the construction of wyhash and its kin). Results are part of saved states.
 */
#ifndef ASSAY_DUPLICATES_MIX_H
#define ASSAY_DUPLICATES_MIX_H

#include <stdint.h>

/* Fractional bits of square roots. */
#define DUP_ROOT2 UINT64_C(0x6a09e667f3bcc909)
#define DUP_ROOT3 UINT64_C(0xbb67ae8584caa73b)
#define DUP_ROOT5 UINT64_C(0x3c6ef372fe94f82b)

__extension__ typedef unsigned __int128 dup_u128;

static inline uint64_t dup_fold_product(uint64_t a, uint64_t b)
{
    dup_u128 product = (dup_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* One more number into a chain. */
static inline uint64_t dup_mix(uint64_t h, uint64_t v)
{
    return dup_fold_product(h ^ v, DUP_ROOT3);
}

#endif
