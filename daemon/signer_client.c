/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/signer_client.c: assayd's side: starting the signer, asking it, and putting what it
 * answers beside what it signed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/sandbox.h"
#include "daemon/signer.h"
#include "reports/report.h"

#define SIGNER_PATIENCE_MS 60000
#define SIGNER_LIVED_MS    UINT64_C(1000)

/* ---- life ---------------------------------------------------------------------------------- */

static void end_process(struct assay_signer *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    if (s->pid > 0) {
        (void)kill(s->pid, SIGKILL);
        (void)waitpid(s->pid, NULL, 0);
    }
    s->fd = -1;
    s->pid = 0;
}

void assay_signer_stop(struct assay_signer *s)
{
    end_process(s);
    assay_key_free(s->key);
    s->key = NULL;
}

/* Runs the program with `end` as standard input, log and nothing else. */
static int spawn_process(struct assay_signer *s, int end)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none;
    char mode[2] = {(char)('0' + s->sandbox), '\0'};
    char *const argv[] = {(char *)(uintptr_t) "assay-signer", s->key_file, s->passphrase_file, mode,
                          NULL};
    (void)sigemptyset(&none);
    int failed = posix_spawn_file_actions_init(&files);
    failed = failed != 0 ? failed : posix_spawnattr_init(&attr);
    if (failed != 0) {
        return failed;
    }
    (void)posix_spawn_file_actions_adddup2(&files, end, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    failed = posix_spawn(&s->pid, s->program, &files, &attr, argv, environ);
    s->pid = failed != 0 ? 0 : s->pid;
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* Waits until there is something to read. */
static int wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;
    while ((n = poll(&p, 1, SIGNER_PATIENCE_MS)) < 0 && errno == EINTR) {
    }
    if (n == 0) {
        errno = ETIMEDOUT;
    }
    return n > 0 ? 0 : -1;
}

/* The signer's first word: the public key, or why it cannot sign. */
static enum assay_status take_hello(struct assay_signer *s, struct assay_error *err)
{
    struct assay_signer_hello hello;
    struct assay_key *key = NULL;
    int fds[ASSAY_SIGNER_FILES];
    size_t n;
    if (wait_readable(s->fd) != 0 ||
        assay_signer_receive(s->fd, &hello, sizeof hello, fds, &n) != 0) {
        return assay_fail_errno(err, errno, "the signer %.200s does not answer", s->program);
    }
    hello.text[sizeof hello.text - 1] = '\0';
    hello.pem[sizeof hello.pem - 1] = '\0';
    if (hello.status != ASSAY_OK) {
        return assay_fail(err, (enum assay_status)hello.status, "%s", hello.text);
    }
    enum assay_status status = assay_key_parse_public(assay_bytes_str(hello.pem), &key, err);
    if (status == ASSAY_OK) {
        assay_key_free(s->key);
        s->key = key;
        s->made_key = hello.made != 0;
    }
    return status;
}

/* A signer that answers, or none. */
static enum assay_status start_process(struct assay_signer *s, struct assay_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return assay_fail_errno(err, errno, "cannot make a socket pair");
    }
    int failed = spawn_process(s, ends[1]);
    (void)close(ends[1]);
    s->fd = ends[0];
    s->started_ms = assay_monotonic_ms();
    enum assay_status status =
        failed != 0 ? assay_fail_errno(err, failed, "cannot start the signer %.200s", s->program)
                    : take_hello(s, err);
    if (status != ASSAY_OK) {
        end_process(s);
    }
    return status;
}

enum assay_status assay_signer_start(struct assay_signer *s, const char *program,
                                     const struct assay_config *c, struct assay_error *err)
{
    const char *pass = c->passphrase_file == NULL ? "" : c->passphrase_file;
    *s = (struct assay_signer){.fd = -1, .sandbox = c->sandbox};
    int lengths[] = {snprintf(s->program, sizeof s->program, "%s", program),
                     snprintf(s->key_file, sizeof s->key_file, "%s", c->key_file),
                     snprintf(s->passphrase_file, sizeof s->passphrase_file, "%s", pass)};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (lengths[i] < 0 || lengths[i] >= PATH_MAX) {
            return assay_fail(err, ASSAY_CONFIG, "a path of the signer is too long");
        }
    }
    enum assay_status status = start_process(s, err);
    if (status != ASSAY_OK) {
        assay_signer_stop(s);
    }
    return status;
}

int assay_signer_revive(struct assay_signer *s)
{
    struct assay_error err;
    if (s->pid <= 0 || waitpid(s->pid, NULL, WNOHANG) != s->pid) {
        return 0;
    }
    s->pid = 0;
    end_process(s);
    if (assay_monotonic_ms() - s->started_ms >= SIGNER_LIVED_MS &&
        start_process(s, &err) != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "signer", "cannot be started again yet",
                  ASSAY_LOG_S("why", err.message));
    }
    return 1;
}

/* ---- signing ------------------------------------------------------------------------------- */

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

/* What is to be signed, beneath the report's directory and by no link. */
static enum assay_status open_files(const char *dir, int fds[ASSAY_SIGNER_FILES],
                                    struct assay_error *err)
{
    static const char *const names[ASSAY_SIGNER_FILES] = {
        [ASSAY_SIGNER_STATEMENT] = ASSAY_STATEMENT_NAME,
        [ASSAY_SIGNER_RUN] = ASSAY_RUN_NAME,
        [ASSAY_SIGNER_MANIFEST] = ASSAY_MANIFEST_NAME};
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum assay_status status = ASSAY_OK;
    for (int i = 0; i < ASSAY_SIGNER_FILES; i++) {
        fds[i] = dir_fd < 0 || status != ASSAY_OK
                     ? -1
                     : assay_fs_open_beneath(dir_fd, names[i], O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0 && status == ASSAY_OK) {
            status = assay_fail_errno(err, errno, "%.200s: cannot open %s", dir, names[i]);
        }
    }
    close_all(&dir_fd, 1);
    return status;
}

/* Writes what the signer answered into DIR/NAME. */
static enum assay_status put_file(const char *dir, const char *name, struct assay_bytes content,
                                  struct assay_error *err)
{
    char path[PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%.*s/%.40s", PATH_MAX, dir, name);
    return assay_fs_place_file(path, content.ptr, content.len, 0644, err);
}

static enum assay_status put_envelope(const char *dir, const char *name, int fd,
                                      struct assay_error *err)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 2 * ASSAY_LIMIT_JSON_DOCUMENT);
    enum assay_status status = assay_fs_read_fd(fd, 2 * ASSAY_LIMIT_JSON_DOCUMENT - 1, &text, err);
    return status == ASSAY_OK ? put_file(dir, name, assay_buf_bytes(&text), err) : status;
}

/* The envelope that counts comes last. */
static enum assay_status put_answer(const struct assay_signer *s, const char *dir, const int fds[2],
                                    struct assay_error *err)
{
    ASSAY_AUTO_BUF pem;
    assay_buf_init(&pem, ASSAY_SIGNER_PEM_MAX);
    enum assay_status status = assay_key_public_pem(s->key, &pem);
    status = status == ASSAY_OK ? put_file(dir, "signer.pub", assay_buf_bytes(&pem), err)
                                : assay_fail(err, status, "cannot encode the public key");
    if (status == ASSAY_OK) {
        status = put_envelope(dir, ASSAY_RUN_ENVELOPE_NAME, fds[ASSAY_SIGNER_RUN], err);
    }
    if (status == ASSAY_OK) {
        status = put_envelope(dir, ASSAY_ENVELOPE_NAME, fds[ASSAY_SIGNER_STATEMENT], err);
    }
    return status;
}

/* One request. ASSAY_UNREACHABLE: the signer is gone. */
static enum assay_status ask(struct assay_signer *s, const struct assay_signer_request *request,
                             const char *dir, struct assay_error *err)
{
    struct assay_signer_reply reply;
    int fds[ASSAY_SIGNER_FILES];
    int answer[ASSAY_SIGNER_FILES] = {-1, -1, -1};
    size_t n = 0;
    enum assay_status status = open_files(dir, fds, err);
    if (status == ASSAY_OK &&
        (assay_signer_send(s->fd, request, sizeof *request, fds, ASSAY_SIGNER_FILES) != 0 ||
         wait_readable(s->fd) != 0 ||
         assay_signer_receive(s->fd, &reply, sizeof reply, answer, &n) != 0)) {
        status = assay_fail(err, ASSAY_UNREACHABLE, "the signer died or does not answer");
    }
    close_all(fds, ASSAY_SIGNER_FILES);
    if (status == ASSAY_OK && (reply.status != ASSAY_OK || n < 2)) {
        reply.text[sizeof reply.text - 1] = '\0';
        status = assay_fail(
            err, reply.status == ASSAY_OK ? ASSAY_INTERNAL : (enum assay_status)reply.status, "%s",
            reply.text);
    }
    if (status == ASSAY_OK) {
        status = put_answer(s, dir, answer, err);
    }
    close_all(answer, n);
    return status;
}

enum assay_status assay_signer_sign(struct assay_signer *s, uint64_t run, uint64_t attempt,
                                    const char *dir, struct assay_error *err)
{
    const struct assay_signer_request request = {run, attempt};
    enum assay_status status = ASSAY_UNREACHABLE;
    for (int tries = 0; tries < 2 && status == ASSAY_UNREACHABLE; tries++) {
        if (s->fd < 0 && start_process(s, err) != ASSAY_OK) {
            return err->status == ASSAY_UNREACHABLE ? ASSAY_IO : err->status;
        }
        status = ask(s, &request, dir, err);
        if (status == ASSAY_UNREACHABLE) {
            assay_log(ASSAY_LOG_ERROR, "signer", "died or does not answer; started again",
                      ASSAY_LOG_N("run", run));
            end_process(s);
        }
    }
    return status;
}
