/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/notify.c: see the header; the loop's part, status line and watchdog, is at the end.
 */
#include "daemon/notify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/option.h"
#include "core/status.h"
#include "daemon/server.h"

#define FIRST_FD  3 /* SD_LISTEN_FDS_START */
#define STATUS_MS UINT64_C(1000)

int assay_notify_wanted(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    return path != NULL && (path[0] == '/' || path[0] == '@') && path[1] != '\0';
}

void assay_notify(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!assay_notify_wanted() || strlen(path) >= sizeof to.sun_path) {
        return;
    }
    size_t len = strlen(path);
    memcpy(to.sun_path, path, len);
    if (path[0] == '@') { /* the abstract namespace */
        to.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                     (const struct sockaddr *)(const void *)&to, size);
        (void)close(fd);
    }
}

/* A variable that holds a whole number; -1 when it is not set, or holds anything else. */
static int64_t number_in(const char *variable)
{
    int64_t n = -1;
    const char *text = getenv(variable);
    return text != NULL && assay_parse_int(text, 0, INT64_MAX, &n, NULL) == ASSAY_OK ? n : -1;
}

uint64_t assay_watchdog_interval(void)
{
    int64_t usec = number_in("WATCHDOG_USEC");
    if (usec <= 0 || (getenv("WATCHDOG_PID") != NULL && number_in("WATCHDOG_PID") != getpid())) {
        return 0;
    }
    uint64_t half = (uint64_t)usec / 2000;
    return half == 0 ? 1 : half;
}

/* Whether `fd` is a Unix stream socket that listens; its path in *ret. */
static int is_listening(int fd, struct sockaddr_un *ret)
{
    int type = 0;
    int listens = 0;
    socklen_t int_size = sizeof type;
    socklen_t size = sizeof *ret - 1; /* leaves the path terminated */
    *ret = (struct sockaddr_un){.sun_family = AF_UNSPEC};
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) == 0 && listens &&
           getsockname(fd, (struct sockaddr *)(void *)ret, &size) == 0 &&
           ret->sun_family == AF_UNIX;
}

enum assay_status assay_activated_socket(const char *path, int *ret_fd, struct assay_error *err)
{
    struct sockaddr_un at;
    int64_t n = number_in("LISTEN_FDS");
    int ours = number_in("LISTEN_PID") == getpid();
    *ret_fd = -1;
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDNAMES");
    if (!ours || n <= 0) {
        return ASSAY_OK;
    }
    if (n != 1 || !is_listening(FIRST_FD, &at)) {
        return assay_fail(err, ASSAY_CONFIG,
                          "the service manager handed over %lld descriptors; assayd takes one, a "
                          "listening Unix stream socket",
                          (long long)n);
    }
    if (strcmp(at.sun_path, path) != 0) {
        return assay_fail(err, ASSAY_CONFIG,
                          "the socket handed over is %.100s, but control.socket is %.100s: give "
                          "both the same path",
                          at.sun_path, path);
    }
    (void)fcntl(FIRST_FD, F_SETFD, FD_CLOEXEC);
    (void)fcntl(FIRST_FD, F_SETFL, O_RDWR | O_NONBLOCK);
    *ret_fd = FIRST_FD;
    return ASSAY_OK;
}

/* ---- the loop's part ----------------------------------------------------------------------- */

static size_t problems(const struct server *s)
{
    size_t n = s->reload_problem[0] != '\0' ? 1 : 0;
    for (size_t i = 0; i < s->config->n_sources; i++) {
        n += server_source_counts(s, &s->config->sources[i]).problem != NULL ? 1 : 0;
    }
    return n;
}

static void status_line(struct server *s, char *out, size_t cap)
{
    uint64_t counts[ASSAY_RUN_STATES] = {0};
    size_t bad = problems(s);
    const char *state = s->state == SERVER_RUNNING ? "Auditing" : "Draining";
    if (assay_store_counts(s->store, counts, NULL) != ASSAY_OK) {
        (void)snprintf(out, cap, "STATUS=%s: the store does not answer", state);
        return;
    }
    (void)snprintf(out, cap, "STATUS=%s: %llu running, %llu queued, %zu problem%s%s%s", state,
                   (unsigned long long)counts[ASSAY_RUN_RUNNING],
                   (unsigned long long)counts[ASSAY_RUN_QUEUED], bad, bad == 1 ? "" : "s",
                   s->reload_problem[0] == '\0' ? "" : "; reload failed: ", s->reload_problem);
    out[strcspn(out, "\n")] = '\0'; /* one line, whatever a message holds */
}

void server_notice_start(struct server *s)
{
    s->notice = (struct server_notice){.watchdog_ms = assay_watchdog_interval(),
                                       .wanted = assay_notify_wanted()};
    s->notice.dirty = 1;
}

void server_notice_turn(struct server *s)
{
    char line[ASSAY_NOTICE_STATUS_MAX];
    struct server_notice *n = &s->notice;
    uint64_t now = assay_monotonic_ms();
    if (n->watchdog_ms != 0 && now >= n->fed_ms + n->watchdog_ms) {
        n->fed_ms = now;
        assay_notify("WATCHDOG=1");
    }
    if (!n->wanted || !n->dirty || now < n->told_ms + STATUS_MS) {
        return;
    }
    n->dirty = 0;
    n->told_ms = now;
    status_line(s, line, sizeof line);
    if (strcmp(line, n->line) != 0) {
        memcpy(n->line, line, sizeof n->line);
        assay_notify(line);
    }
}

uint64_t server_notice_deadline(const struct server *s)
{
    const struct server_notice *n = &s->notice;
    uint64_t due = n->watchdog_ms != 0 ? n->fed_ms + n->watchdog_ms : SERVER_NEVER;
    uint64_t told = n->wanted && n->dirty ? n->told_ms + STATUS_MS : SERVER_NEVER;
    return told < due ? told : due;
}
