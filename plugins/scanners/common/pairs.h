/* SPDX-License-Identifier: Apache-2.0
 *
 * scanners/common/pairs.h: numbers of pairs, in integers. What would not fit stays at the greatest
 * number there is: a count of pairs never wraps around.
 */
#ifndef ASSAY_SCANNERS_COMMON_PAIRS_H
#define ASSAY_SCANNERS_COMMON_PAIRS_H

#include <stdint.h>

/* Pairs among n things. */
static inline uint64_t pairs_among(uint64_t n)
{
    const uint64_t half = n % 2 == 0 ? n / 2 : n, rest = n % 2 == 0 ? n - 1 : (n - 1) / 2;
    return n < 2 ? 0 : half > UINT64_MAX / rest ? UINT64_MAX : half * rest;
}

static inline uint64_t pairs_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#endif
