/* SPDX-License-Identifier: Apache-2.0
 *
 * core/clock.h: milliseconds. Nothing that is signed as reproducible may depend on either. Any
 * thread.
 */
#ifndef ASSAY_CORE_CLOCK_H
#define ASSAY_CORE_CLOCK_H

#include <stdint.h>

uint64_t assay_monotonic_ms(void); /* for waiting and durations */
uint64_t assay_monotonic_us(void); /* for short ones; the same for all processes */
uint64_t assay_wall_ms(void);      /* since 1970, UTC */
/* The wall clock as it stood at the first call, carried on by the monotonic one: comparable with
 * what an earlier process wrote, and no jump of the wall clock moves it while this one lives. */
uint64_t assay_steady_ms(void);

#endif
