/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/sandbox.h"

/* Environment names that reach the worker; everything else stays behind. */
static const char *const kept_environment[] = {"PATH",  "TMPDIR",       "LANG",          "LC_ALL",
                                               "MAGIC", "ASAN_OPTIONS", "UBSAN_OPTIONS", NULL};

#define MAX_ENVIRONMENT (sizeof kept_environment / sizeof kept_environment[0])

/* Of our environment what a worker may have, as name=value; the rest stays here. */
static void keep_environment(char *ret[MAX_ENVIRONMENT])
{
    size_t n = 0;
    for (size_t i = 0; kept_environment[i] != NULL; i++) {
        size_t len = strlen(kept_environment[i]);
        for (char **e = environ; *e != NULL; e++) {
            if (strncmp(*e, kept_environment[i], len) == 0 && (*e)[len] == '=') {
                ret[n++] = *e;
            }
        }
    }
    ret[n] = NULL;
}

static void set_limit(int which, uint64_t value)
{
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)which, &old) == 0) {
        rlim_t limit = (rlim_t)value < old.rlim_max ? (rlim_t)value : old.rlim_max;
        const struct rlimit now = {limit, limit};
        (void)setrlimit((__rlimit_resource_t)which, &now);
    }
}

/* In the child, between fork and exec: async-signal-safe calls only. Does not return. */
static void become_worker(const char *worker, const int fds[4], pid_t parent,
                          const struct assay_child_limits *limits, char *const environment[])
{
    char *const argv[] = {(char *)(uintptr_t) "assay-worker", NULL};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(127);
    }
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setpgid(0, 0);
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_NOFILE, ASSAY_LIMIT_WORKER_FILES);
    set_limit(RLIMIT_FSIZE, ASSAY_LIMIT_WORKER_FILE_SIZE);
    set_limit(RLIMIT_NPROC, ASSAY_LIMIT_WORKER_PROCESSES);
    if (limits->memory != 0 && !ASSAY_SANITIZED) {
        set_limit(RLIMIT_AS, limits->memory);
    }
    if (limits->cpu_ms != 0) {
        set_limit(RLIMIT_CPU, (limits->cpu_ms + 999) / 1000);
    }
    /* The sources lie above 3 (assay_child_start), so no dup2 overwrites one still needed. */
    for (int i = 0; i < 4; i++) {
        if (dup2(fds[i], i) != i) {
            _exit(127);
        }
    }
    (void)syscall(SYS_close_range, 4U, ~0U, 0U);
    (void)execve(worker, argv, environment);
    _exit(127);
}

/* A descriptor above 3 that is a copy of `fd`, closed on exec. */
static int above_three(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 4);
}

/* The job as an anonymous file, so that nobody waits for anybody. */
static int job_file(const struct assay_job *job, struct assay_error *err)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_JOB);
    if (assay_job_encode(job, &text) != ASSAY_OK) {
        (void)assay_fail(err, ASSAY_LIMIT, "the job is too large");
        return -1;
    }
    int fd = memfd_create("assay-job", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || assay_fs_write_all(fd, text.ptr, text.len) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        (void)assay_fail_errno(err, errno, "cannot hand over the job");
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

enum assay_status assay_child_start(struct assay_child *c, const char *worker,
                                    const struct assay_job *job, int root_fd,
                                    const struct assay_child_limits *limits,
                                    struct assay_error *err)
{
    char *environment[MAX_ENVIRONMENT];
    int pipe_fds[2] = {-1, -1};
    *c = (struct assay_child){.pipe_fd = -1, .job_fd = -1};
    assay_buf_init(&c->in, ASSAY_LIMIT_CONTROL_MESSAGE);
    if (access(worker, X_OK) != 0) {
        return assay_fail_errno(err, errno, "cannot run %.200s", worker);
    }
    int job_fd = job_file(job, err);
    if (job_fd < 0) {
        return err == NULL ? ASSAY_IO : err->status;
    }
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        (void)close(job_fd);
        return assay_fail_errno(err, errno, "cannot make a pipe");
    }
    int fds[4] = {above_three(job_fd), above_three(pipe_fds[1]), above_three(STDERR_FILENO),
                  above_three(root_fd)};
    c->job_fd = job_fd;
    (void)close(pipe_fds[1]);
    keep_environment(environment);
    pid_t parent = getpid();
    c->pid = fds[0] < 0 || fds[1] < 0 || fds[2] < 0 || fds[3] < 0 ? -1 : fork();
    if (c->pid == 0) {
        become_worker(worker, fds, parent, limits, environment);
    }
    int os_errno = errno;
    close_all(fds, 4);
    if (c->pid < 0) {
        c->pid = 0;
        (void)close(pipe_fds[0]);
        return assay_fail_errno(err, os_errno, "cannot start a worker");
    }
    c->pipe_fd = pipe_fds[0];
    (void)fcntl(c->pipe_fd, F_SETFL, O_NONBLOCK);
    return ASSAY_OK;
}

static int has_moved(const struct assay_worker_message *a, const struct assay_worker_message *b)
{
    return a->phase != b->phase || a->files_done != b->files_done ||
           a->files_total != b->files_total || a->bytes_done != b->bytes_done ||
           a->bytes_total != b->bytes_total || a->records != b->records ||
           a->findings != b->findings;
}

/* Takes one line; keeps progress, and the first result or error. */
static int take_message(struct assay_child *c, struct assay_bytes line)
{
    struct assay_worker_message m;
    if (assay_worker_message_decode(line, &m, NULL) != ASSAY_OK) {
        c->babbled = 1;
        return 0;
    }
    if (m.type == ASSAY_MESSAGE_PROGRESS) {
        int moved = !c->beats || has_moved(&c->progress, &m);
        c->phase_ms = !c->beats || c->progress.phase != m.phase ? c->heard_ms : c->phase_ms;
        c->beats = 1;
        c->progress = m;
        return moved;
    }
    if (!c->has_last) {
        c->last = m;
        c->has_last = 1;
    }
    return 0;
}

/* Takes every whole line the worker has said; non-zero when one of them is news. */
static int take_lines(struct assay_child *c)
{
    int news = 0;
    size_t taken = 0;
    for (char *end;
         taken < c->in.len && (end = memchr(c->in.ptr + taken, '\n', c->in.len - taken)) != NULL;) {
        size_t len = (size_t)(end - (c->in.ptr + taken));
        news |= take_message(c, assay_bytes_make(c->in.ptr + taken, len));
        taken += len + 1;
    }
    if (taken > 0) {
        memmove(c->in.ptr, c->in.ptr + taken, c->in.len - taken);
        c->in.len -= taken;
    }
    return news;
}

int assay_child_read(struct assay_child *c, uint64_t now_ms)
{
    char chunk[16384];
    int news = 0;
    for (int rounds = 0; rounds < 16 && c->pipe_fd >= 0; rounds++) {
        ssize_t n = read(c->pipe_fd, chunk, sizeof chunk);
        if (n < 0) {
            return news;
        }
        if (n == 0) {
            (void)close(c->pipe_fd);
            c->pipe_fd = -1;
            return news;
        }
        c->heard_ms = now_ms;
        assay_buf_add(&c->in, chunk, (size_t)n);
        if (assay_buf_status(&c->in) != ASSAY_OK) { /* a line without end */
            c->babbled = 1;
            assay_buf_clear(&c->in);
        }
        if (take_lines(c)) {
            c->moved_ms = now_ms;
            news = 1;
        }
    }
    return news;
}

int assay_child_reap(struct assay_child *c)
{
    if (c->pid != 0 && waitpid(c->pid, &c->wait_status, WNOHANG) == c->pid) {
        c->pid = 0;
    }
    return c->pid == 0;
}

void assay_child_kill(struct assay_child *c, int sig)
{
    if (c->pid > 0) {
        (void)kill(c->pid, sig);
    }
}

int assay_child_succeeded(const struct assay_child *c)
{
    return c->has_last && c->last.type == ASSAY_MESSAGE_RESULT && !c->stalled &&
           WIFEXITED(c->wait_status) && WEXITSTATUS(c->wait_status) == 0;
}

int assay_child_broke(const struct assay_child *c)
{
    if (c->stalled || !WIFEXITED(c->wait_status)) {
        return 1;
    }
    return c->has_last ? c->last.type == ASSAY_MESSAGE_ERROR && c->last.status == ASSAY_NOMEM
                       : WEXITSTATUS(c->wait_status) != 127;
}

void assay_child_release(struct assay_child *c)
{
    if (c->pid > 0) {
        (void)kill(c->pid, SIGKILL);
        (void)waitpid(c->pid, NULL, 0);
        c->pid = 0;
    }
    if (c->pipe_fd >= 0) {
        (void)close(c->pipe_fd);
        c->pipe_fd = -1;
    }
    if (c->job_fd >= 0) {
        (void)close(c->job_fd);
        c->job_fd = -1;
    }
    assay_buf_release(&c->in);
}

void assay_child_describe(const struct assay_child *c, char *out, size_t cap)
{
    if (c->silent) {
        (void)snprintf(out, cap, "the worker fell silent for %u s and was ended",
                       (unsigned)(ASSAY_LIMIT_WORKER_SILENCE / 1000));
    } else if (c->stalled) {
        (void)snprintf(out, cap, "the worker made no progress and was ended");
    } else if (WIFSIGNALED(c->wait_status)) {
        int sig = WTERMSIG(c->wait_status);
        const char *name = sigdescr_np(sig);
        (void)snprintf(out, cap, "the worker was killed by signal %d (%s)", sig,
                       name == NULL ? "unknown" : name);
    } else if (WEXITSTATUS(c->wait_status) == 127) {
        (void)snprintf(out, cap, "the worker could not be started");
    } else {
        (void)snprintf(out, cap, "the worker ended with code %d and no result",
                       WEXITSTATUS(c->wait_status));
    }
}
