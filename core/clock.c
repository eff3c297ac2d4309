/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

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

uint64_t assay_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}
