/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing keys in memory: making, checking, naming, signing, verifying.
 *
 * Every key, wherever it comes from, passes assay_key_adopt(): the DER SubjectPublicKeyInfo must be
 * byte for byte of one of two shapes (RFC 8410 Ed25519; RFC 5480 named curve P-256, uncompressed
 * point). One shape a type means one key id a key. Ed25519 points are then compared with the
 * small-order encodings: OpenSSL 3.0 verifies anything under those. P-256 points must lie on the
 * curve. A struct assay_key is immutable after it is made; EVP_PKEY may be used by several threads
 * then.
 */
#include "reports/key_internal.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"

static const uint8_t spki_ed25519[12] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                         0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t spki_p256[27] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static const struct {
    const char *name;
    const uint8_t *spki; /* what comes before the point */
    size_t spki_len, der_len;
} key_types[] = {
    [ASSAY_KEY_ED25519] = {"ed25519", spki_ed25519, sizeof spki_ed25519, 44},
    [ASSAY_KEY_P256] = {"ecdsa-p256", spki_p256, sizeof spki_p256, 91},
};

enum assay_status assay_key_crypto_fail(struct assay_error *err, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    return assay_fail(err, ASSAY_CRYPTO, "%s%s%s", what, reason == NULL ? "" : ": ",
                      reason == NULL ? "" : reason);
}

/* The points of small order, sign bit cleared: order 4, 1, 2, 8, 8 (RFC 7748 curve, cofactor 8). */
static const uint8_t small_order[][32] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y >= 2^255-19, sign bit ignored. */
static int ed25519_non_canonical(const uint8_t y[32])
{
    if ((y[31] & 0x7f) != 0x7f || y[0] < 0xed) {
        return 0;
    }
    for (size_t i = 1; i < 31; i++) {
        if (y[i] != 0xff) {
            return 0;
        }
    }
    return 1;
}

static enum assay_status ed25519_check(const uint8_t point[32], struct assay_error *err)
{
    uint8_t y[32];
    if (ed25519_non_canonical(point)) {
        return assay_fail(err, ASSAY_CRYPTO,
                          "refused: the Ed25519 public key is not in canonical form");
    }
    memcpy(y, point, sizeof y);
    y[31] &= 0x7f;
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++) {
        if (memcmp(y, small_order[i], sizeof y) == 0) {
            return assay_fail(err, ASSAY_CRYPTO,
                              "refused: the Ed25519 public key is a point of small order, under "
                              "which anybody can forge signatures");
        }
    }
    return ASSAY_OK;
}

static enum assay_status p256_check(EVP_PKEY *pkey, struct assay_error *err)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok ? ASSAY_OK
              : assay_key_crypto_fail(err, "refused: the P-256 public key is not on the curve");
}

static enum assay_status check_spki(struct assay_key *k, const uint8_t *der, size_t len,
                                    struct assay_error *err)
{
    size_t n = sizeof key_types / sizeof key_types[0];
    size_t t = 0;
    while (t < n && (len != key_types[t].der_len ||
                     memcmp(der, key_types[t].spki, key_types[t].spki_len) != 0)) {
        t++;
    }
    if (t == n) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "wrong kind of key (%s): Ed25519 or ECDSA P-256 (named curve, "
                          "uncompressed point) is needed",
                          EVP_PKEY_get0_type_name(k->pkey) == NULL
                              ? "unknown"
                              : EVP_PKEY_get0_type_name(k->pkey));
    }
    k->type = (enum assay_key_type)t;
    uint8_t digest[ASSAY_SHA256_LEN];
    enum assay_status s = assay_sha256_of(der, len, digest);
    if (s != ASSAY_OK) {
        return assay_fail(err, s, "SHA-256 is not available");
    }
    assay_hex(digest, sizeof digest, k->id);
    return k->type == ASSAY_KEY_ED25519 ? ed25519_check(der + sizeof spki_ed25519, err)
                                        : p256_check(k->pkey, err);
}

enum assay_status assay_key_adopt(EVP_PKEY *pkey, int is_private, struct assay_key **ret,
                                  struct assay_error *err)
{
    struct assay_key *k = calloc(1, sizeof *k);
    if (k == NULL) {
        EVP_PKEY_free(pkey);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    k->pkey = pkey;
    k->is_private = is_private;
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    enum assay_status s = len > 0 ? check_spki(k, der, (size_t)len, err)
                                  : assay_key_crypto_fail(err, "the key has no public half");
    OPENSSL_free(der);
    ERR_clear_error();
    if (s != ASSAY_OK) {
        assay_key_free(k);
        return s;
    }
    *ret = k;
    return ASSAY_OK;
}

enum assay_status assay_key_generate(enum assay_key_type type, struct assay_key **ret,
                                     struct assay_error *err)
{
    EVP_PKEY *pkey = type == ASSAY_KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                               : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (pkey == NULL) {
        return assay_key_crypto_fail(err, "cannot make a key");
    }
    return assay_key_adopt(pkey, 1, ret, err);
}

static int only_space(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr(" \t\r\n", s[i]) == NULL || s[i] == '\0') {
            return 0;
        }
    }
    return 1;
}

static int has_text(struct assay_bytes s, const char *needle)
{
    return s.len > 0 && memmem(s.ptr, s.len, needle, strlen(needle)) != NULL;
}

enum assay_status assay_key_parse_public(struct assay_bytes pem, struct assay_key **ret,
                                         struct assay_error *err)
{
    if (pem.len > ASSAY_LIMIT_KEY_FILE) {
        return assay_fail(err, ASSAY_LIMIT, "too long for a key");
    }
    if (has_text(pem, "PRIVATE KEY-----")) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "this is a private key: give the public one (the .pub file beside it)");
    }
    if (!has_text(pem, "-----BEGIN PUBLIC KEY-----")) {
        return assay_fail(err, ASSAY_CORRUPT, "not a public key in PEM form (BEGIN PUBLIC KEY)");
    }
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    char *rest = NULL;
    long rest_len = bio == NULL ? 0 : BIO_get_mem_data(bio, &rest);
    int trailing = pkey != NULL && !only_space(rest, (size_t)rest_len);
    BIO_free(bio);
    if (pkey == NULL) {
        return assay_key_crypto_fail(err, "the public key cannot be decoded");
    }
    if (trailing) {
        EVP_PKEY_free(pkey);
        return assay_fail(err, ASSAY_CORRUPT, "something follows the public key: one key a file");
    }
    return assay_key_adopt(pkey, 0, ret, err);
}

void assay_key_free(struct assay_key *k)
{
    if (k != NULL) {
        EVP_PKEY_free(k->pkey); /* OpenSSL wipes private halves */
        free(k);
    }
}

enum assay_key_type assay_key_type(const struct assay_key *k)
{
    return k->type;
}

const char *assay_key_type_name(enum assay_key_type t)
{
    return key_types[t].name;
}

const char *assay_key_id(const struct assay_key *k)
{
    return k->id;
}

int assay_key_is_private(const struct assay_key *k)
{
    return k->is_private;
}

enum assay_status assay_key_public_pem(const struct assay_key *k, struct assay_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    enum assay_status s = ASSAY_CRYPTO;
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, k->pkey) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        assay_buf_add(out, text, (size_t)len);
        s = assay_buf_status(out);
    }
    BIO_free(bio);
    return s;
}

static const char *key_digest(const struct assay_key *k)
{
    return k->type == ASSAY_KEY_ED25519 ? NULL : "SHA256";
}

static const unsigned char *as_uchar(struct assay_bytes b)
{
    return b.len == 0 ? (const unsigned char *)"" : (const unsigned char *)b.ptr;
}

enum assay_status assay_key_sign(const struct assay_key *k, struct assay_bytes message,
                                 struct assay_buf *ret_sig, struct assay_error *err)
{
    unsigned char sig[128];
    size_t len = sizeof sig;
    if (!k->is_private) {
        return assay_fail(err, ASSAY_USAGE, "signing needs a private key");
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL &&
             EVP_DigestSignInit_ex(ctx, NULL, key_digest(k), NULL, NULL, k->pkey, NULL) == 1 &&
             EVP_DigestSign(ctx, sig, &len, as_uchar(message), message.len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok) {
        return assay_key_crypto_fail(err, "signing failed");
    }
    assay_buf_add(ret_sig, sig, len);
    return assay_buf_status(ret_sig) == ASSAY_OK
               ? ASSAY_OK
               : assay_fail(err, assay_buf_status(ret_sig), "no room for a signature");
}

enum assay_status assay_key_verify(const struct assay_key *k, struct assay_bytes message,
                                   struct assay_bytes sig, struct assay_error *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL ||
        EVP_DigestVerifyInit_ex(ctx, NULL, key_digest(k), NULL, NULL, k->pkey, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return assay_key_crypto_fail(err, "cannot verify with this key");
    }
    int ok = EVP_DigestVerify(ctx, as_uchar(sig), sig.len, as_uchar(message), message.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok ? ASSAY_OK : assay_fail(err, ASSAY_MISMATCH, "the signature does not match this key");
}

#define SECURE_HEAP  65536
#define SECURE_BLOCK 16

void assay_keys_lock_memory(void)
{
    (void)CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_BLOCK);
}
