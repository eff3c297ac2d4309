/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bare_simdjson.h: parses JSON Lines with simdjson and nothing else.
 */
#ifndef ASSAY_BENCH_BARE_SIMDJSON_H
#define ASSAY_BENCH_BARE_SIMDJSON_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of values seen, for comparison; 0 when the text is not valid. 64 bytes behind `text` must
 * be readable. */
size_t bare_simdjson(const char *text, size_t len, size_t *ret_records);

#ifdef __cplusplus
}
#endif
#endif
