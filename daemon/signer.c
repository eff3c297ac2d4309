/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/signer.c: assay-signer (see daemon/signer.h). It is of no use by hand.
 *
 * It ignores SIGTERM and SIGINT, which a service manager or a terminal sends to all processes: it
 * ends when assayd does, by the end of the socket, so that audits which may finish can be signed.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/sandbox.h"
#include "daemon/signer.h"
#include "reports/report.h"
#include "reports/sign.h"

#define LINK STDIN_FILENO

/* What was signed for a run: its last attempt, and what that was. */
struct signed_run {
    uint64_t run, attempt;
    uint8_t digest[32];
};

struct signer {
    struct assay_key *key;
    struct signed_run signed_runs[ASSAY_LIMIT_SIGNED]; /* a ring */
    size_t next;
};

/* ---- the key ------------------------------------------------------------------------------- */

static int ask_file(void *ctx, const char *key_path, char *buf, size_t cap)
{
    const char *path = ctx;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 4096);
    (void)key_path;
    if (path[0] == '\0' || assay_fs_read_file(path, 4096, &text, NULL) != ASSAY_OK) {
        return -1;
    }
    size_t len = strcspn(assay_buf_str(&text), "\r\n");
    int ok = len <= cap;
    if (ok) {
        memcpy(buf, assay_buf_str(&text), len);
    }
    if (text.ptr != NULL) {
        explicit_bzero(text.ptr, text.len);
    }
    return ok ? (int)len : -1;
}

static enum assay_status make_key(const char *key_file, const struct assay_passphrase *ask,
                                  struct assay_error *err)
{
    char pass[1024];
    char dir[PATH_MAX];
    struct assay_key *key = NULL;
    const char *slash = strrchr(key_file, '/');
    const char *pass_file = ask->ctx;
    int len = pass_file[0] == '\0' ? 0 : ask->ask(ask->ctx, key_file, pass, sizeof pass);
    if (len < 0) {
        return assay_fail(err, ASSAY_CONFIG, "cannot read the passphrase file %.200s", pass_file);
    }
    (void)snprintf(dir, sizeof dir, "%.*s", slash == NULL ? 0 : (int)(slash - key_file), key_file);
    enum assay_status status = dir[0] == '\0' ? ASSAY_OK : assay_fs_mkdirs(dir, 0700, err);
    if (status == ASSAY_OK) {
        status = assay_key_generate(ASSAY_KEY_ED25519, &key, err);
    }
    if (status == ASSAY_OK) {
        status = assay_key_save(key, key_file, assay_bytes_make(pass, (size_t)len), err);
    }
    explicit_bzero(pass, sizeof pass);
    assay_key_free(key);
    return status;
}

static enum assay_status load_key(struct signer *s, const char *key_file, char *pass_file,
                                  uint32_t *ret_made, struct assay_error *err)
{
    const struct assay_passphrase ask = {ask_file, pass_file};
    enum assay_status status = ASSAY_OK;
    if (access(key_file, F_OK) != 0 && errno == ENOENT) {
        status = make_key(key_file, &ask, err);
        *ret_made = status == ASSAY_OK;
    }
    return status == ASSAY_OK ? assay_key_load_private(key_file, &ask, &s->key, err) : status;
}

/* ---- what is signed ------------------------------------------------------------------------ */

static enum assay_status digest_file(int fd, uint8_t ret[32], struct assay_error *err)
{
    char block[16384];
    ssize_t n = 0;
    struct assay_sha256 *h = assay_sha256_new();
    enum assay_status status = h == NULL ? ASSAY_NOMEM : assay_sha256_start(h);
    while (status == ASSAY_OK && (n = read(fd, block, sizeof block)) > 0) {
        status = assay_sha256_update(h, block, (size_t)n);
    }
    status = n < 0 ? ASSAY_IO : status;
    if (status == ASSAY_OK) {
        status = assay_sha256_finish(h, ret);
    }
    assay_sha256_free(h);
    return status == ASSAY_OK ? status : assay_fail(err, status, "cannot read the manifest");
}

static enum assay_status check_manifest(int fd, const char *hex, struct assay_error *err)
{
    uint8_t digest[32];
    char text[65];
    enum assay_status status = digest_file(fd, digest, err);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_hex(digest, sizeof digest, text);
    return strcmp(text, hex) == 0
               ? ASSAY_OK
               : assay_fail(err, ASSAY_MISMATCH,
                            "refused to sign: the manifest is not what the statement names");
}

/* One content for an attempt, and none for an earlier attempt. */
static enum assay_status check_once(struct signer *s, const struct assay_signer_request *r,
                                    const uint8_t digest[32], struct assay_error *err)
{
    struct signed_run *known = NULL;
    for (size_t i = 0; i < ASSAY_LIMIT_SIGNED; i++) {
        known = s->signed_runs[i].run == r->run ? &s->signed_runs[i] : known;
    }
    if (known != NULL && known->attempt == r->attempt && memcmp(known->digest, digest, 32) != 0) {
        return assay_fail(err, ASSAY_MISMATCH,
                          "refused to sign: something else was signed for this run");
    }
    if (known != NULL && known->attempt > r->attempt) {
        return assay_fail(err, ASSAY_MISMATCH,
                          "refused to sign: a later attempt of this run was signed");
    }
    if (known == NULL) {
        known = &s->signed_runs[s->next];
        s->next = (s->next + 1) % ASSAY_LIMIT_SIGNED;
    }
    *known = (struct signed_run){.run = r->run, .attempt = r->attempt};
    memcpy(known->digest, digest, 32);
    return ASSAY_OK;
}

static enum assay_status check(struct signer *s, const struct assay_signer_request *r,
                               struct assay_bytes statement, struct assay_bytes run, int manifest,
                               struct assay_error *err)
{
    struct assay_report_claim claim;
    uint8_t digest[32];
    enum assay_status status = assay_report_check(statement, run, &claim, err);
    if (status == ASSAY_OK && (claim.run != r->run || r->run == 0)) {
        status =
            assay_fail(err, ASSAY_MISMATCH, "refused to sign: the statement is of another run");
    }
    if (status == ASSAY_OK) {
        status = check_manifest(manifest, claim.manifest_sha256, err);
    }
    if (status == ASSAY_OK && assay_sha256_of(run.ptr, run.len, digest) != ASSAY_OK) {
        status = assay_fail(err, ASSAY_CRYPTO, "SHA-256 is not available");
    }
    return status == ASSAY_OK ? check_once(s, r, digest, err) : status;
}

/* ---- requests ------------------------------------------------------------------------------ */

struct answer {
    int fds[2]; /* ASSAY_SIGNER_STATEMENT, ASSAY_SIGNER_RUN */
};

/* Puts an envelope into memory; the public key needs no putting. */
static enum assay_status put_in_memory(void *where, const char *name, struct assay_bytes content,
                                       struct assay_error *err)
{
    struct answer *a = where;
    int which = strcmp(name, ASSAY_ENVELOPE_NAME) == 0       ? ASSAY_SIGNER_STATEMENT
                : strcmp(name, ASSAY_RUN_ENVELOPE_NAME) == 0 ? ASSAY_SIGNER_RUN
                                                             : -1;
    if (which < 0) {
        return ASSAY_OK;
    }
    int fd = memfd_create("assay-envelope", MFD_CLOEXEC);
    a->fds[which] = fd;
    return fd >= 0 && assay_fs_write_all(fd, content.ptr, content.len) == 0 &&
                   lseek(fd, 0, SEEK_SET) == 0
               ? ASSAY_OK
               : assay_fail_errno(err, errno, "cannot keep an envelope");
}

static enum assay_status serve(struct signer *s, const struct assay_signer_request *r,
                               const int fds[ASSAY_SIGNER_FILES], struct answer *ret,
                               struct assay_error *err)
{
    ASSAY_AUTO_BUF statement;
    ASSAY_AUTO_BUF run;
    assay_buf_init(&statement, ASSAY_LIMIT_JSON_DOCUMENT + 1);
    assay_buf_init(&run, ASSAY_LIMIT_JSON_DOCUMENT + 1);
    enum assay_status status =
        assay_fs_read_fd(fds[ASSAY_SIGNER_STATEMENT], ASSAY_LIMIT_JSON_DOCUMENT, &statement, err);
    if (status == ASSAY_OK) {
        status = assay_fs_read_fd(fds[ASSAY_SIGNER_RUN], ASSAY_LIMIT_JSON_DOCUMENT, &run, err);
    }
    if (status == ASSAY_OK) {
        status = check(s, r, assay_buf_bytes(&statement), assay_buf_bytes(&run),
                       fds[ASSAY_SIGNER_MANIFEST], err);
    }
    if (status == ASSAY_OK) {
        const struct assay_bytes payloads[2] = {assay_buf_bytes(&run), assay_buf_bytes(&statement)};
        status = assay_report_put_signed(put_in_memory, ret, payloads, &s->key, 1, err);
    }
    return status;
}

/* 0 when there will be no more requests. */
static int one_request(struct signer *s)
{
    struct assay_signer_request request;
    struct assay_signer_reply reply = {.status = ASSAY_OK};
    struct assay_error err = {0};
    struct answer answer = {{-1, -1}};
    int fds[ASSAY_SIGNER_FILES];
    size_t n;
    if (assay_signer_receive(LINK, &request, sizeof request, fds, &n) != 0) {
        return 0;
    }
    enum assay_status status = n == ASSAY_SIGNER_FILES
                                   ? serve(s, &request, fds, &answer, &err)
                                   : assay_fail(&err, ASSAY_USAGE, "a request without its files");
    reply.status = (uint32_t)status;
    (void)snprintf(reply.text, sizeof reply.text, "%s", err.message);
    int failed =
        assay_signer_send(LINK, &reply, sizeof reply, answer.fds, status == ASSAY_OK ? 2 : 0);
    for (size_t i = 0; i < n; i++) {
        (void)close(fds[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        if (answer.fds[i] >= 0) {
            (void)close(answer.fds[i]);
        }
    }
    return failed == 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

static enum assay_status enter_sandbox(char mode, struct assay_error *err)
{
    struct assay_sandbox sandbox = {.mode = (enum assay_sandbox_mode)(mode - '0')};
    assay_sandbox_network(&sandbox);
    enum assay_status status = assay_sandbox_files(&sandbox, NULL, 0, err);
    return status == ASSAY_OK ? assay_sandbox_calls(&sandbox, ASSAY_SANDBOX_SIGNER, err) : status;
}

static enum assay_status set_up(struct signer *s, char **argv, struct assay_signer_hello *hello,
                                struct assay_error *err)
{
    ASSAY_AUTO_BUF pem;
    const struct rlimit none = {0, 0};
    assay_buf_init(&pem, sizeof hello->pem);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    assay_keys_lock_memory();
    enum assay_status status = load_key(s, argv[1], argv[2], &hello->made, err);
    if (status == ASSAY_OK) {
        status = enter_sandbox(argv[3][0], err);
    }
    if (status == ASSAY_OK) {
        status = assay_key_public_pem(s->key, &pem);
        (void)snprintf(hello->pem, sizeof hello->pem, "%s", assay_buf_str(&pem));
    }
    return status;
}

int main(int argc, char **argv)
{
    static struct signer s;
    struct assay_signer_hello hello = {.status = ASSAY_OK};
    struct assay_error err = {0};
    struct stat st;
    if (argc != 4 || fstat(LINK, &st) != 0 || !S_ISSOCK(st.st_mode) || argv[3][0] < '0' ||
        argv[3][0] > '2') {
        (void)fputs("assay-signer is started by assayd; see assayd(8)\n", stderr);
        return 2;
    }
    (void)umask(027);
    enum assay_status status = set_up(&s, argv, &hello, &err);
    hello.status = (uint32_t)status;
    if (status != ASSAY_OK) {
        assay_error_format(&err, hello.text, sizeof hello.text);
    }
    if (assay_signer_send(LINK, &hello, sizeof hello, NULL, 0) == 0 && status == ASSAY_OK) {
        while (one_request(&s)) {
        }
    }
    assay_key_free(s.key);
    return status == ASSAY_OK ? 0 : 1;
}
