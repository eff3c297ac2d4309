/* SPDX-License-Identifier: Apache-2.0
 *
 * The two secrets that are made on first use: the default signing key and the fingerprint key.
 *
 * Two processes may start at once: both make a key, one moves its own into place, the other finds
 * the name taken and loads that one. Nothing is ever overwritten.
 */
#include "reports/key_internal.h"

#include <errno.h>
#include <sys/random.h>

#include <openssl/crypto.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"

#define HOME_MAX 4096

static enum assay_status keys_path(const char *name, char *out, size_t cap, struct assay_error *err)
{
    char home[HOME_MAX];
    enum assay_status s = assay_fs_home(ASSAY_HOME_CONFIG, home, sizeof home, err);
    if (s != ASSAY_OK) {
        return s;
    }
    int n = snprintf(out, cap, "%s/keys", home);
    if (n < 0 || (size_t)n >= cap) {
        return assay_fail(err, ASSAY_LIMIT, "the path of the key directory is too long");
    }
    s = assay_fs_mkdirs(out, 0700, err);
    if (s != ASSAY_OK) {
        return s;
    }
    n = snprintf(out, cap, "%s/keys/%s", home, name);
    return n >= 0 && (size_t)n < cap
               ? ASSAY_OK
               : assay_fail(err, ASSAY_LIMIT, "the path of the key directory is too long");
}

/* A crash between the two files of a new key leaves the public one out. */
static void restore_public(const struct assay_key *k, const char *path)
{
    char pub[HOME_MAX + 16];
    ASSAY_AUTO_BUF pem;
    assay_buf_init(&pem, ASSAY_LIMIT_KEY_FILE);
    int n = snprintf(pub, sizeof pub, "%s.pub", path);
    if (n > 0 && (size_t)n < sizeof pub && access(pub, F_OK) != 0 &&
        assay_key_public_pem(k, &pem) == ASSAY_OK) {
        (void)assay_fs_write_file(pub, pem.ptr, pem.len, 0644, NULL);
    }
}

static enum assay_status make_default(const char *path, struct assay_key **ret, int *ret_made,
                                      struct assay_error *err)
{
    enum assay_status s = assay_key_generate(ASSAY_KEY_ED25519, ret, err);
    if (s != ASSAY_OK) {
        return s;
    }
    s = assay_key_save(*ret, path, assay_bytes_make(NULL, 0), err);
    if (s == ASSAY_OK) {
        *ret_made = 1;
        return ASSAY_OK;
    }
    assay_key_free(*ret);
    *ret = NULL;
    return s;
}

enum assay_status assay_key_default(const struct assay_passphrase *pass, struct assay_key **ret,
                                    int *ret_made, char *ret_path, size_t path_cap,
                                    struct assay_error *err)
{
    char path[HOME_MAX];
    *ret_made = 0;
    enum assay_status s = keys_path("default.pem", path, sizeof path, err);
    if (s != ASSAY_OK) {
        return s;
    }
    if (ret_path != NULL && path_cap > 0) {
        (void)snprintf(ret_path, path_cap, "%s", path);
    }
    s = assay_key_load_private(path, pass, ret, err);
    if (s == ASSAY_NOTFOUND) {
        s = make_default(path, ret, ret_made, err);
        if (s == ASSAY_EXISTS) {
            s = assay_key_load_private(path, pass, ret, err);
        }
    }
    if (s == ASSAY_OK && !*ret_made) {
        restore_public(*ret, path);
    }
    return s;
}

static enum assay_status load_fingerprint(const char *path, uint8_t ret[32],
                                          struct assay_error *err)
{
    struct assay_buf text;
    assay_buf_init(&text, ASSAY_LIMIT_KEY_FILE + 1);
    enum assay_status s = assay_key_read_secret(path, "fingerprint key", &text, err);
    if (s == ASSAY_OK) {
        size_t len = text.len;
        while (len > 0 && (text.ptr[len - 1] == '\n' || text.ptr[len - 1] == '\r')) {
            len--;
        }
        if (!assay_unhex(assay_buf_str(&text), len, ret, 32)) {
            s = assay_at(
                err, assay_fail(err, ASSAY_CORRUPT, "a fingerprint key is 64 hexadecimal digits"),
                path);
        }
    }
    assay_key_wipe_buf(&text);
    return s;
}

static enum assay_status make_fingerprint(const char *path, uint8_t ret[32],
                                          struct assay_error *err)
{
    char hex[66];
    if (getrandom(ret, 32, 0) != 32) {
        return assay_fail_errno(err, errno, "no random numbers");
    }
    assay_hex(ret, 32, hex);
    hex[64] = '\n';
    enum assay_status s = assay_key_write_secret(path, assay_bytes_make(hex, 65), err);
    OPENSSL_cleanse(hex, sizeof hex);
    return s;
}

enum assay_status assay_fingerprint_key(const char *path_or_null, uint8_t ret[32],
                                        struct assay_error *err)
{
    char path[HOME_MAX];
    const char *use = path_or_null;
    if (use == NULL) {
        enum assay_status s = keys_path("fingerprint.key", path, sizeof path, err);
        if (s != ASSAY_OK) {
            return s;
        }
        use = path;
    }
    enum assay_status s = load_fingerprint(use, ret, err);
    if (s == ASSAY_NOTFOUND) {
        s = make_fingerprint(use, ret, err);
        if (s == ASSAY_EXISTS) {
            s = load_fingerprint(use, ret, err);
        }
    }
    return s;
}
