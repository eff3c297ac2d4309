/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/keys.h: signing keys: Ed25519 by default, ECDSA P-256 as an option, in PEM files.
 *
 * Private keys are PKCS#8 PEM, mode 0600, optionally encrypted (scrypt, AES-256-CBC); the public
 * half stands beside it as NAME.pub (SubjectPublicKeyInfo PEM). A key id is the hex SHA-256 of the
 * DER SubjectPublicKeyInfo. Public keys are checked on load: Ed25519 small-order and non-canonical
 * points are refused (OpenSSL 3.0 would accept a universal forgery under them). Passphrases come
 * from a file, a descriptor or the terminal, never from argv or the environment.
 * Sources: RFC 8032, RFC 5958, FIPS 186-5.
 */
#ifndef ASSAY_REPORTS_KEYS_H
#define ASSAY_REPORTS_KEYS_H

#include "core/buf.h"

enum assay_key_type { ASSAY_KEY_ED25519, ASSAY_KEY_P256 };

struct assay_key; /* private with public, or public alone */

/* How to ask for a passphrase: writes at most cap bytes, returns the length or -1. May be NULL
 * (encrypted keys then fail with a clear error). */
struct assay_passphrase {
    int (*ask)(void *ctx, const char *key_path, char *buf, size_t cap);
    void *ctx;
};

/* A new private key, in memory only. ASSAY_CRYPTO. */
enum assay_status assay_key_generate(enum assay_key_type type, struct assay_key **ret,
                                     struct assay_error *err);
/* A private key from a PEM file that nobody else may read. ASSAY_DENIED: others may; ASSAY_CRYPTO:
 * not a key, or the passphrase is wrong. */
enum assay_status assay_key_load_private(const char *path, const struct assay_passphrase *pass,
                                         struct assay_key **ret, struct assay_error *err);
/* A public key from a PEM file, or from PEM text. */
enum assay_status assay_key_load_public(const char *path, struct assay_key **ret,
                                        struct assay_error *err);
enum assay_status assay_key_parse_public(struct assay_bytes pem, struct assay_key **ret,
                                         struct assay_error *err);
/* Writes PATH (0600, refuses to overwrite) and PATH.pub. `pass` non-NULL and non-empty: encrypted.
 */
enum assay_status assay_key_save(const struct assay_key *k, const char *path,
                                 struct assay_bytes pass, struct assay_error *err);
void assay_key_free(struct assay_key *k); /* wipes */
enum assay_key_type assay_key_type(const struct assay_key *k);
const char *assay_key_type_name(enum assay_key_type t); /* "ed25519", "ecdsa-p256" */
const char *assay_key_id(const struct assay_key *k);    /* 64 hex digits */
/* Whether it can sign. */
int assay_key_is_private(const struct assay_key *k);
/* Appends the public half as PEM (SubjectPublicKeyInfo). */
enum assay_status assay_key_public_pem(const struct assay_key *k, struct assay_buf *out);
/* Appends the signature of `message`: Ed25519 as RFC 8032 has it, or ECDSA over SHA-256 in DER. */
enum assay_status assay_key_sign(const struct assay_key *k, struct assay_bytes message,
                                 struct assay_buf *ret_sig, struct assay_error *err);
/* ASSAY_OK or ASSAY_MISMATCH. */
enum assay_status assay_key_verify(const struct assay_key *k, struct assay_bytes message,
                                   struct assay_bytes sig, struct assay_error *err);

/* Keeps private keys made from now on in memory that is locked and left out of dumps, where the
 * system allows it. Call before the first key; once. */
void assay_keys_lock_memory(void);

/* The user's default signing key (config home "/keys/default.pem"), made on first use; *ret_made
 * tells. */
enum assay_status assay_key_default(const struct assay_passphrase *pass, struct assay_key **ret,
                                    int *ret_made, char *ret_path, size_t path_cap,
                                    struct assay_error *err);
/* The 32-byte secret that keys fingerprints (config home "/keys/fingerprint.key", hex, 0600), made
 * on first use. */
enum assay_status assay_fingerprint_key(const char *path_or_null, uint8_t ret[32],
                                        struct assay_error *err);

#endif
