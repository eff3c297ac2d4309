/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

#include <stdatomic.h>
#include <time.h>

static uint64_t clock_ms(clockid_t which)
{
    struct timespec now;
    (void)clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t assay_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

uint64_t assay_monotonic_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t assay_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

uint64_t assay_steady_ms(void)
{
    static _Atomic uint64_t offset; /* wall - monotonic, once known */
    uint64_t known = atomic_load(&offset);
    if (known == 0) {
        uint64_t mine = assay_wall_ms() - assay_monotonic_ms();
        mine = mine == 0 ? 1 : mine;
        known = atomic_compare_exchange_strong(&offset, &known, mine) ? mine : known;
    }
    return known + assay_monotonic_ms();
}
