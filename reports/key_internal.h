/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/key_internal.h: shared by the files behind reports/keys.h; nobody else includes it.
 */
#ifndef ASSAY_REPORTS_KEY_INTERNAL_H
#define ASSAY_REPORTS_KEY_INTERNAL_H

#include <openssl/evp.h>

#include "reports/internal.h"
#include "reports/keys.h"

struct assay_key {
    EVP_PKEY *pkey;
    enum assay_key_type type;
    int is_private;
    char id[65];
};

/* Checks the type and the public point of `pkey` and wraps it; takes it over whatever happens. */
enum assay_status assay_key_adopt(EVP_PKEY *pkey, int is_private, struct assay_key **ret,
                                  struct assay_error *err);
/* A private key from PEM text; `path` is only shown to who is asked for the passphrase. */
enum assay_status assay_key_parse_private(struct assay_bytes pem, const char *path,
                                          const struct assay_passphrase *pass,
                                          struct assay_key **ret, struct assay_error *err);
/* Fails with `what` and drops OpenSSL's error queue of this thread. */
enum assay_status assay_key_crypto_fail(struct assay_error *err, const char *what);
/* Opens and reads a secret file: regular, owned by the caller or root, no permission for group or
 * others. */
enum assay_status assay_key_read_secret(const char *path, const char *what, struct assay_buf *out,
                                        struct assay_error *err);
/* Writes a secret file, 0600, complete or not at all; ASSAY_EXISTS when the name is taken. */
enum assay_status assay_key_write_secret(const char *path, struct assay_bytes content,
                                         struct assay_error *err);
/* Releases a buffer that held a secret. */
void assay_key_wipe_buf(struct assay_buf *b);

#endif
