/* SPDX-License-Identifier: Apache-2.0
 *
 * hostile: a scanner that does what an attacker in a worker would do, for tests. It tries each
 * reach twice, as it is loaded and at the end of the audit, and reports the errno of each as a
 * metric (0: it got through). Files of certain names make it crash, hang or eat memory.
 */
#include <assay/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DATASET 3

/* The worker's own directory is STATE/reports/.staging/run-N. */
static const char *beside(const char *path)
{
    static char out[4096];
    const char *own = getenv("TMPDIR");
    (void)snprintf(out, sizeof out, "%s/../../../%s", own == NULL ? "" : own, path);
    return out;
}

static int outcome(int fd)
{
    int os_errno = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0 ? 0 : os_errno;
}

static int read_passwd(void)
{
    return outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int read_key(void)
{
    return outcome(open(beside("keys/signing.pem"), O_RDONLY | O_CLOEXEC));
}

static int read_store(void)
{
    return outcome(open(beside("assay.db"), O_RDONLY | O_CLOEXEC));
}

static int list_reports(void)
{
    return outcome(open(beside("reports"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int write_reports(void)
{
    return outcome(open(beside("reports/planted"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int write_dataset(void)
{
    return outcome(openat(DATASET, "planted", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int change_dataset(void)
{
    return outcome(openat(DATASET, "a.jsonl", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static int chmod_dataset(void)
{
    return fchmodat(DATASET, "a.jsonl", 0777, 0) == 0 ? 0 : errno;
}

static int internet_socket(void)
{
    return outcome(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int control_socket(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%.100s", beside("../control.sock"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ok = fd >= 0 && connect(fd, (struct sockaddr *)(void *)&to, sizeof to) == 0;
    int result = outcome(fd);
    return ok ? 0 : result == 0 ? errno : result;
}

/* A program that is not there, so that we are still here when exec is not refused. */
static int start_program(void)
{
    char *const argv[] = {NULL};
    (void)execv("/nowhere/nothing", argv);
    return errno == ENOENT ? 0 : errno;
}

static int fork_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    int os_errno = errno;
    if (child > 0) {
        (void)waitpid(child, NULL, 0);
    }
    return child > 0 ? 0 : os_errno;
}

static int signal_daemon(void)
{
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int trace_daemon(void)
{
    pid_t daemon = getppid();
    if (ptrace(PTRACE_ATTACH, daemon, NULL, NULL) != 0) {
        return errno;
    }
    (void)waitpid(daemon, NULL, __WALL);
    (void)ptrace(PTRACE_DETACH, daemon, NULL, NULL);
    return 0;
}

/* What must work all the same. */
static int read_dataset(void)
{
    return outcome(openat(DATASET, "a.jsonl", O_RDONLY | O_CLOEXEC));
}

static const struct {
    const char *name;
    int (*reach)(void);
} reaches[] = {
    {"read_passwd", read_passwd},         {"read_key", read_key},
    {"read_store", read_store},           {"list_reports", list_reports},
    {"write_reports", write_reports},     {"write_dataset", write_dataset},
    {"change_dataset", change_dataset},   {"chmod_dataset", chmod_dataset},
    {"internet_socket", internet_socket}, {"control_socket", control_socket},
    {"start_program", start_program},     {"fork_process", fork_process},
    {"signal_daemon", signal_daemon},     {"trace_daemon", trace_daemon},
    {"ok_read_dataset", read_dataset},
};

#define N_REACHES (sizeof reaches / sizeof reaches[0])

static int when_loaded[N_REACHES];

__attribute__((constructor)) static void reach_at_load(void)
{
    for (size_t i = 0; getenv("TMPDIR") != NULL && i < N_REACHES; i++) {
        when_loaded[i] = reaches[i].reach();
    }
}

static const struct assay_host *hostile_host;

static enum assay_status hostile_init(const struct assay_host *host, void **ret_shared,
                                      struct assay_error *err)
{
    (void)err;
    hostile_host = host;
    *ret_shared = NULL;
    return ASSAY_OK;
}

static enum assay_status hostile_local_init(const void *shared, void **ret_local,
                                            struct assay_error *err)
{
    (void)shared;
    (void)err;
    *ret_local = NULL;
    return ASSAY_OK;
}

static void hostile_free(void *state)
{
    (void)state;
}

static void spin(void)
{
    for (volatile unsigned long i = 0;; i++) {
    }
}

static void eat(void)
{
    static const size_t piece = 16U << 20U;
    for (char *p; (p = malloc(piece)) != NULL;) {
        for (size_t i = 0; i < piece; i += 4096) {
            ((volatile char *)p)[i] = 1;
        }
    }
    abort(); /* as many libraries do */
}

static enum assay_status hostile_file(const void *shared, void *local,
                                      const struct assay_file *file, struct assay_sink *sink)
{
    const char *name = strrchr(file->name, '/');
    name = name == NULL ? file->name : name + 1;
    (void)shared;
    (void)local;
    (void)sink;
    if (strncmp(name, "crash", 5) == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        (void)raise(SIGSEGV);
    } else if (strncmp(name, "hang", 4) == 0) {
        spin();
    } else if (strncmp(name, "eat", 3) == 0) {
        eat();
    }
    return ASSAY_OK;
}

static enum assay_status hostile_merge(const void *shared, void *into, void *from,
                                       struct assay_error *err)
{
    (void)shared;
    (void)into;
    (void)from;
    (void)err;
    return ASSAY_OK;
}

static enum assay_status hostile_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    char name[64];
    enum assay_status status = ASSAY_OK;
    (void)shared;
    (void)merged;
    for (size_t i = 0; i < N_REACHES && status == ASSAY_OK; i++) {
        (void)snprintf(name, sizeof name, "hostile.%s", reaches[i].name);
        status = sink->metric(sink->ctx, name, (uint64_t)reaches[i].reach(), 1);
        (void)snprintf(name, sizeof name, "hostile.load.%s", reaches[i].name);
        if (status == ASSAY_OK) {
            status = sink->metric(sink->ctx, name, (uint64_t)when_loaded[i], 1);
        }
    }
    hostile_host->log(hostile_host->ctx, ASSAY_LOG_WARNING, "reached for everything");
    int spill = hostile_host->spill(hostile_host->ctx);
    return status == ASSAY_OK
               ? sink->metric(sink->ctx, "hostile.ok_spill", (uint64_t)outcome(spill), 1)
               : status;
}

ASSAY_SCANNER_PLUGIN(hostile) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "hostile",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "reaches for what a worker must not touch; for tests",
    .init = hostile_init,
    .local_init = hostile_local_init,
    .file = hostile_file,
    .merge = hostile_merge,
    .finish = hostile_finish,
    .local_free = hostile_free,
    .free = hostile_free,
};
