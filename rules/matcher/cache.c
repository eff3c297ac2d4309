/* SPDX-License-Identifier: Apache-2.0
 *
 * File layout: magic, HMAC-SHA-256(key, id || content), content. The id is also the file's name.
 */
#include "rules/matcher/cache.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/limits.h"

#define CACHE_MAGIC     "ASSAYMC1"
#define CACHE_MAGIC_LEN 8
#define CACHE_KEY_LEN   32
#define CACHE_HEAD      (CACHE_MAGIC_LEN + ASSAY_SHA256_LEN)
#define CACHE_PATH      4352

static int dir_is_private(const char *dir)
{
    struct stat st;
    return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 022) == 0 &&
           (st.st_uid == geteuid() || st.st_uid == 0);
}

static int make_path(char *out, const char *dir, const char *name)
{
    int n = snprintf(out, CACHE_PATH, "%s/%s", dir, name);
    return n > 0 && n < CACHE_PATH;
}

static int blob_path(char *out, const char *dir, const uint8_t *id)
{
    char hex[2 * ASSAY_SHA256_LEN + 1], name[sizeof hex + 16];
    assay_hex(id, ASSAY_SHA256_LEN, hex);
    (void)snprintf(name, sizeof name, "rules-%s.db", hex);
    return make_path(out, dir, name);
}

/* Reads a regular file that nobody else can write; links are not followed. */
static int read_private(const char *path, size_t max, struct assay_buf *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 022) == 0 &&
             (st.st_uid == geteuid() || st.st_uid == 0) &&
             assay_fs_read_fd(fd, max, out, NULL) == ASSAY_OK;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static int load_key(const char *dir, uint8_t key[CACHE_KEY_LEN])
{
    char path[CACHE_PATH];
    ASSAY_AUTO_BUF buf;
    assay_buf_init(&buf, CACHE_KEY_LEN);
    if (!make_path(path, dir, "matcher.key") || !read_private(path, CACHE_KEY_LEN, &buf) ||
        buf.len != CACHE_KEY_LEN) {
        return 0;
    }
    memcpy(key, buf.ptr, CACHE_KEY_LEN);
    OPENSSL_cleanse(buf.ptr, buf.len);
    return 1;
}

static int make_key(const char *dir, uint8_t key[CACHE_KEY_LEN])
{
    char path[CACHE_PATH];
    return make_path(path, dir, "matcher.key") && RAND_bytes(key, CACHE_KEY_LEN) == 1 &&
           assay_fs_write_file(path, key, CACHE_KEY_LEN, 0600, NULL) == ASSAY_OK;
}

static int seal(const uint8_t *key, const uint8_t *id, struct assay_bytes content,
                uint8_t ret[ASSAY_SHA256_LEN])
{
    struct assay_hmac *h = assay_hmac_new(key, CACHE_KEY_LEN);
    int ok = h != NULL && assay_hmac_start(h) == ASSAY_OK &&
             assay_hmac_update(h, id, ASSAY_SHA256_LEN) == ASSAY_OK &&
             assay_hmac_update(h, content.ptr, content.len) == ASSAY_OK &&
             assay_hmac_finish(h, ret) == ASSAY_OK;
    assay_hmac_free(h);
    return ok;
}

int assay_cache_load(const char *dir, const uint8_t id[ASSAY_SHA256_LEN], struct assay_buf *out)
{
    uint8_t key[CACHE_KEY_LEN], want[ASSAY_SHA256_LEN];
    char path[CACHE_PATH];
    if (!dir_is_private(dir) || !load_key(dir, key) || !blob_path(path, dir, id) ||
        !read_private(path, ASSAY_LIMIT_CACHE_FILE, out) || out->len < CACHE_HEAD ||
        memcmp(out->ptr, CACHE_MAGIC, CACHE_MAGIC_LEN) != 0) {
        return 0;
    }
    struct assay_bytes content = assay_bytes_make(out->ptr + CACHE_HEAD, out->len - CACHE_HEAD);
    int ok = seal(key, id, content, want) &&
             CRYPTO_memcmp(out->ptr + CACHE_MAGIC_LEN, want, sizeof want) == 0;
    OPENSSL_cleanse(key, sizeof key);
    if (ok) {
        memmove(out->ptr, content.ptr, content.len);
        out->len = content.len;
    }
    return ok;
}

void assay_cache_store(const char *dir, const uint8_t id[ASSAY_SHA256_LEN],
                       struct assay_bytes content)
{
    uint8_t key[CACHE_KEY_LEN], mac[ASSAY_SHA256_LEN];
    char path[CACHE_PATH];
    struct assay_atomic_file *f = NULL;
    if (assay_fs_mkdirs(dir, 0700, NULL) != ASSAY_OK || !dir_is_private(dir) ||
        !(load_key(dir, key) || make_key(dir, key))) {
        return;
    }
    int ok = seal(key, id, content, mac) && blob_path(path, dir, id) &&
             assay_atomic_open(path, 0600, &f, NULL) == ASSAY_OK;
    OPENSSL_cleanse(key, sizeof key);
    if (!ok) {
        return;
    }
    if (assay_atomic_write(f, CACHE_MAGIC, CACHE_MAGIC_LEN, NULL) != ASSAY_OK ||
        assay_atomic_write(f, mac, sizeof mac, NULL) != ASSAY_OK ||
        assay_atomic_write(f, content.ptr, content.len, NULL) != ASSAY_OK) {
        assay_atomic_abort(f);
        return;
    }
    (void)assay_atomic_commit(f, NULL);
}
