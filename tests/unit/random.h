/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/random.h: numbers that look random and are the same in every run (xorshift64,
 * Marsaglia 2003). One sequence a test program. */
#ifndef ASSAY_TESTS_RANDOM_H
#define ASSAY_TESTS_RANDOM_H

#include <stdint.h>

static inline uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

#endif
