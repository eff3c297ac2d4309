/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in files: PKCS#8 PEM for the private half, SubjectPublicKeyInfo PEM for the public half.
 *
 * A private key file must be a regular file of ours (or root's) that nobody else can open; anything
 * else is refused with the cure. New secret files are written under a temporary name, synced, and
 * moved into place without ever replacing what stands there. Encryption is PBES2 with scrypt (N
 * 2^14, r 8, p 5) and AES-256-CBC, which `openssl pkey` reads. Whatever held a secret is wiped.
 */
#include "reports/key_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"

#define SCRYPT_N       16384
#define SCRYPT_R       8
#define SCRYPT_P       5
#define PASSPHRASE_MAX 1024

void assay_key_wipe_buf(struct assay_buf *b)
{
    if (b->ptr != NULL) {
        OPENSSL_cleanse(b->ptr, b->cap);
    }
    assay_buf_release(b);
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum assay_status check_secret(int fd, const char *what, struct assay_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return assay_fail_errno(err, errno, "cannot examine the %s", what);
    }
    if (!S_ISREG(st.st_mode)) {
        return assay_fail(err, ASSAY_DENIED, "the %s is not a regular file", what);
    }
    if ((st.st_mode & 077) != 0) {
        return assay_fail(err, ASSAY_DENIED,
                          "other users may open this %s (mode %04o): make it private with "
                          "chmod 600, and replace it if somebody may have read it",
                          what, (unsigned)(st.st_mode & 07777));
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return assay_fail(err, ASSAY_DENIED, "the %s belongs to another user", what);
    }
    return ASSAY_OK;
}

enum assay_status assay_key_read_secret(const char *path, const char *what, struct assay_buf *out,
                                        struct assay_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return assay_at(err, assay_fail_errno(err, errno, "cannot open the %s", what), path);
    }
    enum assay_status s = check_secret(fd, what, err);
    if (s == ASSAY_OK) {
        /* Room for all of it at once: growing would leave copies behind. */
        s = assay_buf_reserve(out, ASSAY_LIMIT_KEY_FILE);
        s = s == ASSAY_OK ? assay_fs_read_fd(fd, ASSAY_LIMIT_KEY_FILE, out, err)
                          : assay_fail(err, s, "out of memory");
    }
    (void)close(fd);
    return assay_at(err, s, path);
}

struct passphrase_call {
    const struct assay_passphrase *pass;
    const char *path;
    int asked;
};

static int passphrase_cb(char *buf, int size, int rwflag, void *ctx)
{
    struct passphrase_call *call = ctx;
    (void)rwflag;
    if (call->pass == NULL || call->pass->ask == NULL || size <= 0) {
        return -1;
    }
    int n = call->pass->ask(call->pass->ctx, call->path, buf, (size_t)size);
    if (n < 0 || n > size) {
        return -1;
    }
    call->asked = 1;
    return n;
}

static enum assay_status explain_private(struct assay_bytes pem, const struct passphrase_call *call,
                                         struct assay_error *err)
{
    int encrypted = memmem(pem.ptr, pem.len, "ENCRYPTED", 9) != NULL;
    if (encrypted && call->pass == NULL) {
        ERR_clear_error();
        return assay_fail(err, ASSAY_DENIED,
                          "the private key is encrypted and no passphrase was given");
    }
    if (encrypted && !call->asked) {
        ERR_clear_error();
        return assay_fail(err, ASSAY_DENIED, "the passphrase could not be read");
    }
    if (encrypted) {
        ERR_clear_error();
        return assay_fail(err, ASSAY_DENIED, "wrong passphrase, or the key file is damaged");
    }
    return assay_key_crypto_fail(err, "the private key cannot be decoded");
}

enum assay_status assay_key_parse_private(struct assay_bytes pem, const char *path,
                                          const struct assay_passphrase *pass,
                                          struct assay_key **ret, struct assay_error *err)
{
    if (pem.len > ASSAY_LIMIT_KEY_FILE) {
        return assay_fail(err, ASSAY_LIMIT, "too long for a key");
    }
    if (pem.len == 0 || memmem(pem.ptr, pem.len, "-----BEGIN ", 11) == NULL) {
        return assay_fail(err, ASSAY_CORRUPT, "not a private key in PEM form (BEGIN PRIVATE KEY)");
    }
    if (memmem(pem.ptr, pem.len, "-----BEGIN PUBLIC KEY-----", 26) != NULL) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "this is a public key: signing needs the private one");
    }
    if (memmem(pem.ptr, pem.len, " PRIVATE KEY-----", 17) == NULL) {
        return assay_fail(err, ASSAY_UNSUPPORTED, "PEM, but not a private key");
    }
    struct passphrase_call call = {pass, path, 0};
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *pkey = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, passphrase_cb, &call);
    BIO_free(bio);
    if (pkey == NULL) {
        return explain_private(pem, &call, err);
    }
    return assay_key_adopt(pkey, 1, ret, err);
}

enum assay_status assay_key_load_private(const char *path, const struct assay_passphrase *pass,
                                         struct assay_key **ret, struct assay_error *err)
{
    struct assay_buf pem;
    assay_buf_init(&pem, ASSAY_LIMIT_KEY_FILE + 1);
    enum assay_status s = assay_key_read_secret(path, "private key", &pem, err);
    if (s == ASSAY_OK) {
        s = assay_at(err, assay_key_parse_private(assay_buf_bytes(&pem), path, pass, ret, err),
                     path);
    }
    assay_key_wipe_buf(&pem);
    return s;
}

enum assay_status assay_key_load_public(const char *path, struct assay_key **ret,
                                        struct assay_error *err)
{
    ASSAY_AUTO_BUF pem;
    assay_buf_init(&pem, ASSAY_LIMIT_KEY_FILE + 1);
    enum assay_status s = assay_fs_read_file(path, ASSAY_LIMIT_KEY_FILE, &pem, err);
    if (s == ASSAY_OK) {
        s = assay_at(err, assay_key_parse_public(assay_buf_bytes(&pem), ret, err), path);
    }
    return s;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Moves `from` to `to` unless `to` exists. 0, or -1 with errno. */
static int move_noreplace(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -1;
    }
    if (link(from, to) != 0) { /* file systems without the flag */
        return -1;
    }
    return unlink(from);
}

static int write_private_file(const char *path, struct assay_bytes content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -1;
    }
    int ok = fchmod(fd, 0600) == 0 && assay_fs_write_all(fd, content.ptr, content.len) == 0 &&
             fsync(fd) == 0;
    int e = errno;
    if (close(fd) != 0 && ok) {
        ok = 0;
        e = errno;
    }
    errno = e;
    return ok ? 0 : -1;
}

enum assay_status assay_key_write_secret(const char *path, struct assay_bytes content,
                                         struct assay_error *err)
{
    uint64_t salt = 0;
    ASSAY_AUTO_BUF tmp;
    assay_buf_init(&tmp, ASSAY_KIB(16));
    if (getrandom(&salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
        return assay_fail_errno(err, errno, "no random numbers");
    }
    assay_buf_addf(&tmp, "%s.new-%016llx", path, (unsigned long long)salt);
    if (assay_buf_status(&tmp) != ASSAY_OK) {
        return assay_fail(err, ASSAY_LIMIT, "the path is too long");
    }
    if (write_private_file(assay_buf_str(&tmp), content) == 0 &&
        move_noreplace(assay_buf_str(&tmp), path) == 0) {
        (void)assay_sync_parent(path);
        return ASSAY_OK;
    }
    int e = errno;
    (void)unlink(assay_buf_str(&tmp));
    enum assay_status s =
        e == EEXIST ? assay_fail(err, ASSAY_EXISTS,
                                 "this file exists already and a key is never overwritten: move it "
                                 "away, or choose another name")
                    : assay_fail_errno(err, e, "cannot write the key");
    return assay_at(err, s, path);
}

static X509_SIG *encrypt_pkcs8(PKCS8_PRIV_KEY_INFO *p8, struct assay_bytes pass)
{
    X509_ALGOR *pbe =
        PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
    X509_SIG *sealed = pbe == NULL ? NULL : PKCS8_set0_pbe(pass.ptr, (int)pass.len, p8, pbe);
    if (sealed == NULL) {
        X509_ALGOR_free(pbe);
    }
    return sealed;
}

static int write_pkcs8(BIO *bio, EVP_PKEY *pkey, struct assay_bytes pass)
{
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(pkey);
    int ok = 0;
    if (p8 != NULL && pass.len == 0) {
        ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, p8);
    } else if (p8 != NULL) {
        X509_SIG *sealed = encrypt_pkcs8(p8, pass);
        ok = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed);
        X509_SIG_free(sealed);
    }
    PKCS8_PRIV_KEY_INFO_free(p8);
    return ok;
}

static enum assay_status save_private(const struct assay_key *k, const char *path,
                                      struct assay_bytes pass, struct assay_error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    enum assay_status s;
    if (bio == NULL || write_pkcs8(bio, k->pkey, pass) != 1) {
        s = assay_key_crypto_fail(err, "cannot encode the private key");
    } else {
        long len = BIO_get_mem_data(bio, &text);
        s = assay_key_write_secret(path, assay_bytes_make(text, (size_t)len), err);
        OPENSSL_cleanse(text, (size_t)len);
    }
    BIO_free(bio);
    return s;
}

enum assay_status assay_key_save(const struct assay_key *k, const char *path,
                                 struct assay_bytes pass, struct assay_error *err)
{
    if (!k->is_private) {
        return assay_fail(err, ASSAY_USAGE, "this key has no private half to save");
    }
    if (pass.len > PASSPHRASE_MAX) {
        return assay_fail(err, ASSAY_USAGE, "the passphrase is longer than %d bytes",
                          PASSPHRASE_MAX);
    }
    ASSAY_AUTO_BUF pub_path;
    ASSAY_AUTO_BUF pub;
    assay_buf_init(&pub_path, ASSAY_KIB(16));
    assay_buf_init(&pub, ASSAY_LIMIT_KEY_FILE);
    assay_buf_addf(&pub_path, "%s.pub", path);
    if (assay_key_public_pem(k, &pub) != ASSAY_OK || assay_buf_status(&pub_path) != ASSAY_OK) {
        return assay_key_crypto_fail(err, "cannot encode the public key");
    }
    enum assay_status s = save_private(k, path, pass, err);
    if (s != ASSAY_OK) {
        return s;
    }
    return assay_fs_write_file(assay_buf_str(&pub_path), pub.ptr, pub.len, 0644, err);
}
