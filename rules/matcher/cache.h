/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/cache.h: a blob on disk that only its writer can have written.
 *
 * A compiled database is code: it is loaded only from a private directory (ours or root's, writable
 * by nobody else) and only when an HMAC-SHA-256 under a random key kept there (0600) agrees. Writes
 * are atomic. Any failure means "not cached": a load says so, a store gives up quietly; the caller
 * compiles.
 */
#ifndef ASSAY_RULES_MATCHER_CACHE_H
#define ASSAY_RULES_MATCHER_CACHE_H

#include "core/buf.h"
#include "core/hash.h"

/* 1 and the content in `out` (initialised by the caller); 0: absent, stale, foreign or damaged. */
int assay_cache_load(const char *dir, const uint8_t id[ASSAY_SHA256_LEN], struct assay_buf *out);
void assay_cache_store(const char *dir, const uint8_t id[ASSAY_SHA256_LEN],
                       struct assay_bytes content);

#endif
