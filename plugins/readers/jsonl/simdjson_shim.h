/* SPDX-License-Identifier: Apache-2.0
 *
 * simdjson_shim.h: the one thing taken from simdjson, through a C interface: its first stage, which
 * validates UTF-8, finds strings, and lists the offsets of every bracket, comma, colon and first
 * byte of a value, at several GB/s.
 *
 * Why only that: the walk over those offsets is ours (json_walk.c), so that values go straight into
 * a batch, nesting costs no recursion, and one broken record costs one record.
 * Thread rule: an index belongs to one thread.
 */
#ifndef ASSAY_JSONL_SIMDJSON_SHIM_H
#define ASSAY_JSONL_SIMDJSON_SHIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum jsonl_index_status {
    JSONL_INDEX_OK,
    JSONL_INDEX_UTF8,   /* invalid UTF-8 */
    JSONL_INDEX_BROKEN, /* an unclosed string, or a control character in a string, or nothing at all
                         */
    JSONL_INDEX_NOMEM
};

struct jsonl_index;

struct jsonl_index *jsonl_index_new(void); /* NULL: out of memory */
void jsonl_index_free(struct jsonl_index *x);
/* Indexes `len` bytes (64 more must be readable). On OK *ret holds *ret_n ascending offsets, and
 * one more equal to `len`; valid until the next call. */
enum jsonl_index_status jsonl_index_run(struct jsonl_index *x, const char *data, size_t len,
                                        const uint32_t **ret, uint32_t *ret_n);

#ifdef __cplusplus
}
#endif
#endif
