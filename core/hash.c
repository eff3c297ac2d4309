/* SPDX-License-Identifier: Apache-2.0
 *
 * core/hash.c: EVP with the digest fetched once and contexts that are reused.
 *
 * HMAC keeps two keyed contexts (the key xor ipad and opad, RFC 2104) and copies them, instead of
 * an EVP_MAC per message: fingerprints hash millions of short values with one key.
 */
#include "core/hash.h"

#include <config.h>

#include <stdlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <xxhash.h>
#ifdef HAVE_XXH3_128BITS_WITHSEED_DISPATCH
#include <xxh_x86dispatch.h> /* the same names, by the widest vectors of the processor */
#endif

#define SHA256_BLOCK 64

struct assay_sha256 {
    EVP_MD_CTX *ctx;
};

struct assay_hmac {
    EVP_MD_CTX *inner; /* keyed, never updated */
    EVP_MD_CTX *outer; /* keyed, never updated */
    EVP_MD_CTX *work;
};

static pthread_once_t hash_once = PTHREAD_ONCE_INIT;
static EVP_MD *hash_sha256;        /* held until exit */
static pthread_key_t hash_scratch; /* one context per thread for assay_sha256_of */
static int hash_has_scratch;

static void hash_drop_scratch(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void hash_fetch(void)
{
    hash_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hash_has_scratch = pthread_key_create(&hash_scratch, hash_drop_scratch) == 0;
}

/* NULL where libcrypto offers no SHA-256. */
static const EVP_MD *hash_md(void)
{
    (void)pthread_once(&hash_once, hash_fetch);
    return hash_sha256;
}

static enum assay_status hash_result(int ok)
{
    return ok == 1 ? ASSAY_OK : ASSAY_CRYPTO;
}

struct assay_sha256 *assay_sha256_new(void)
{
    struct assay_sha256 *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return NULL;
    }
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || hash_md() == NULL) {
        assay_sha256_free(h);
        return NULL;
    }
    return h;
}

void assay_sha256_free(struct assay_sha256 *h)
{
    if (h != NULL) {
        EVP_MD_CTX_free(h->ctx);
        free(h);
    }
}

enum assay_status assay_sha256_start(struct assay_sha256 *h)
{
    return hash_result(EVP_DigestInit_ex2(h->ctx, hash_md(), NULL));
}

enum assay_status assay_sha256_update(struct assay_sha256 *h, const void *data, size_t len)
{
    return hash_result(EVP_DigestUpdate(h->ctx, data, len));
}

enum assay_status assay_sha256_finish(struct assay_sha256 *h, uint8_t ret[ASSAY_SHA256_LEN])
{
    return hash_result(EVP_DigestFinal_ex(h->ctx, ret, NULL));
}

/* This thread's context; NULL when out of memory. */
static EVP_MD_CTX *hash_thread_ctx(void)
{
    if (hash_md() == NULL || !hash_has_scratch) {
        return NULL;
    }
    EVP_MD_CTX *ctx = pthread_getspecific(hash_scratch);
    if (ctx == NULL) {
        ctx = EVP_MD_CTX_new();
        if (ctx != NULL && pthread_setspecific(hash_scratch, ctx) != 0) {
            EVP_MD_CTX_free(ctx);
            ctx = NULL;
        }
    }
    return ctx;
}

enum assay_status assay_sha256_of(const void *data, size_t len, uint8_t ret[ASSAY_SHA256_LEN])
{
    EVP_MD_CTX *ctx = hash_thread_ctx();
    return hash_result(ctx != NULL && EVP_DigestInit_ex2(ctx, hash_md(), NULL) == 1 &&
                       EVP_DigestUpdate(ctx, data, len) == 1 &&
                       EVP_DigestFinal_ex(ctx, ret, NULL) == 1);
}

/* Starts `ctx` with the key block xor `pad`. */
static int hmac_key(EVP_MD_CTX *ctx, const uint8_t block[SHA256_BLOCK], uint8_t pad)
{
    uint8_t padded[SHA256_BLOCK];
    for (size_t i = 0; i < sizeof padded; i++) {
        padded[i] = block[i] ^ pad;
    }
    int ok = EVP_DigestInit_ex2(ctx, hash_md(), NULL) == 1 &&
             EVP_DigestUpdate(ctx, padded, sizeof padded) == 1;
    OPENSSL_cleanse(padded, sizeof padded);
    return ok;
}

static struct assay_hmac *hmac_alloc(void)
{
    struct assay_hmac *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return NULL;
    }
    h->inner = EVP_MD_CTX_new();
    h->outer = EVP_MD_CTX_new();
    h->work = EVP_MD_CTX_new();
    if (h->inner == NULL || h->outer == NULL || h->work == NULL || hash_md() == NULL) {
        assay_hmac_free(h);
        return NULL;
    }
    return h;
}

struct assay_hmac *assay_hmac_new(const void *key, size_t len)
{
    uint8_t block[SHA256_BLOCK] = {0};
    if (len > sizeof block) {
        if (assay_sha256_of(key, len, block) != ASSAY_OK) {
            return NULL;
        }
    } else if (len > 0) {
        memcpy(block, key, len);
    }
    struct assay_hmac *h = hmac_alloc();
    if (h != NULL && !(hmac_key(h->inner, block, 0x36) && hmac_key(h->outer, block, 0x5c))) {
        assay_hmac_free(h);
        h = NULL;
    }
    OPENSSL_cleanse(block, sizeof block);
    return h;
}

void assay_hmac_free(struct assay_hmac *h)
{
    if (h != NULL) {
        EVP_MD_CTX_free(h->inner);
        EVP_MD_CTX_free(h->outer);
        EVP_MD_CTX_free(h->work);
        free(h);
    }
}

struct assay_hmac *assay_hmac_clone(const struct assay_hmac *h)
{
    struct assay_hmac *copy = hmac_alloc();
    if (copy != NULL && (EVP_MD_CTX_copy_ex(copy->inner, h->inner) != 1 ||
                         EVP_MD_CTX_copy_ex(copy->outer, h->outer) != 1)) {
        assay_hmac_free(copy);
        copy = NULL;
    }
    return copy;
}

enum assay_status assay_hmac_start(struct assay_hmac *h)
{
    return hash_result(EVP_MD_CTX_copy_ex(h->work, h->inner));
}

enum assay_status assay_hmac_update(struct assay_hmac *h, const void *data, size_t len)
{
    return hash_result(EVP_DigestUpdate(h->work, data, len));
}

enum assay_status assay_hmac_finish(struct assay_hmac *h, uint8_t ret[ASSAY_SHA256_LEN])
{
    uint8_t inner[ASSAY_SHA256_LEN];
    return hash_result(EVP_DigestFinal_ex(h->work, inner, NULL) == 1 &&
                       EVP_MD_CTX_copy_ex(h->work, h->outer) == 1 &&
                       EVP_DigestUpdate(h->work, inner, sizeof inner) == 1 &&
                       EVP_DigestFinal_ex(h->work, ret, NULL) == 1);
}

void assay_xxh3_128(const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    XXH128_hash_t h = XXH3_128bits_withSeed(data, len, seed);
    ret[0] = h.low64;
    ret[1] = h.high64;
}

uint64_t assay_xxh3_64(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}

void assay_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int assay_unhex(const char *hex, size_t hex_len, uint8_t *out, size_t len)
{
    if (hex_len != 2 * len) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        int hi = hex_digit(hex[2 * i]);
        int lo = hex_digit(hex[2 * i + 1]);
        if (hi < 0 || lo < 0) {
            return 0;
        }
        out[i] = (uint8_t)(hi * 16 + lo);
    }
    return 1;
}
