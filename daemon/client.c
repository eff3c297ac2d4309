/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/client.c: a line out, a line (or, for wait, many) in. Views point into the reply last
 * parsed.
 */
#include "daemon/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/json_in.h"
#include "daemon/protocol.h"

#define REPLY_MAX     (8 * ASSAY_LIMIT_CONTROL_MESSAGE)
#define REPLY_WAIT_MS UINT64_C(30000) /* for everything but `wait` */

struct assay_client {
    int fd;
    char socket[sizeof((struct sockaddr_un *)NULL)->sun_path];
    int stop_fd;           /* see struct assay_watch; -1 */
    struct assay_buf in;   /* received, not yet taken */
    struct assay_buf line; /* the last reply */
    json_t *reply;
    struct assay_arena *arena; /* arrays of views */
};

/* Connects c->fd; the message says what to do when nobody listens or we may not. */
static enum assay_status connect_to(struct assay_client *c, const char *path,
                                    struct assay_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return assay_fail(err, ASSAY_USAGE, "the socket's path is longer than %zu bytes",
                          sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    memcpy(c->socket, path, strlen(path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        return assay_fail_errno(err, errno, "cannot make a socket");
    }
    if (connect(c->fd, (const struct sockaddr *)(const void *)&address, sizeof address) == 0) {
        return ASSAY_OK;
    }
    int os_errno = errno;
    char reason[80];
    (void)assay_fail(
        err, os_errno == EACCES ? ASSAY_DENIED : ASSAY_UNREACHABLE,
        "cannot reach assayd at %.200s: %s%s", path, strerror_r(os_errno, reason, sizeof reason),
        os_errno == EACCES ? " (connect as its user, or as a member of control.group)"
                           : " (is it running? give its control.socket with --socket)");
    return os_errno == EACCES ? ASSAY_DENIED : ASSAY_UNREACHABLE;
}

enum assay_status assay_client_open(const char *socket, struct assay_client **ret,
                                    struct assay_error *err)
{
    *ret = NULL;
    const char *path = socket != NULL ? socket : getenv("ASSAY_CONTROL");
    struct assay_client *c = calloc(1, sizeof *c);
    if (c == NULL || (c->arena = assay_arena_new(ASSAY_MIB(4))) == NULL) {
        free(c);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    c->fd = c->stop_fd = -1;
    assay_buf_init(&c->in, REPLY_MAX);
    assay_buf_init(&c->line, REPLY_MAX);
    enum assay_status status =
        connect_to(c, path == NULL || path[0] == '\0' ? ASSAY_RUNDIR "/control.sock" : path, err);
    if (status != ASSAY_OK) {
        assay_client_close(c);
        return status;
    }
    *ret = c;
    return ASSAY_OK;
}

void assay_client_close(struct assay_client *c)
{
    if (c == NULL) {
        return;
    }
    if (c->fd >= 0) {
        (void)close(c->fd);
    }
    json_decref(c->reply);
    assay_buf_release(&c->in);
    assay_buf_release(&c->line);
    assay_arena_free(c->arena);
    free(c);
}

static enum assay_status send_request(struct assay_client *c, const struct assay_request *r,
                                      struct assay_error *err)
{
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, ASSAY_LIMIT_CONTROL_MESSAGE);
    if (assay_request_encode(r, &out) != ASSAY_OK) {
        return assay_fail(err, ASSAY_LIMIT, "the request is too large");
    }
    for (size_t sent = 0; sent < out.len;) {
        ssize_t n = send(c->fd, out.ptr + sent, out.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return assay_fail(err, ASSAY_UNREACHABLE, "assayd closed the connection");
        }
        sent += n > 0 ? (size_t)n : 0;
    }
    return ASSAY_OK;
}

/* Moves the first whole line of c->in to c->line; 0 when there is none. */
static int take_line(struct assay_client *c)
{
    const char *end = c->in.len == 0 ? NULL : memchr(c->in.ptr, '\n', c->in.len);
    if (end == NULL) {
        return 0;
    }
    size_t len = (size_t)(end - c->in.ptr);
    assay_buf_clear(&c->line);
    assay_buf_add(&c->line, c->in.ptr, len);
    memmove(c->in.ptr, c->in.ptr + len + 1, c->in.len - len - 1);
    c->in.len -= len + 1;
    return 1;
}

/* Waits for data until `deadline` (monotonic; 0: for ever). */
static enum assay_status receive(struct assay_client *c, uint64_t deadline, struct assay_error *err)
{
    char chunk[16384];
    struct pollfd p[] = {{.fd = c->fd, .events = POLLIN}, {.fd = c->stop_fd, .events = POLLIN}};
    uint64_t now = assay_monotonic_ms();
    if (deadline != 0 && now >= deadline) {
        return assay_fail(err, ASSAY_TIMEOUT, "timed out");
    }
    uint64_t left = deadline == 0 || deadline - now > 60000 ? 60000 : deadline - now;
    if (poll(p, 2, (int)left) <= 0) {
        return ASSAY_OK;
    }
    if (p[1].revents != 0) {
        return assay_fail(err, ASSAY_CANCELLED, "interrupted");
    }
    ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        return assay_fail(err, ASSAY_UNREACHABLE, "assayd closed the connection");
    }
    assay_buf_add(&c->in, chunk, n > 0 ? (size_t)n : 0);
    if (assay_buf_status(&c->in) != ASSAY_OK) {
        return assay_fail(err, ASSAY_LIMIT, "a reply of more than %zu bytes", REPLY_MAX);
    }
    return ASSAY_OK;
}

static enum assay_status refusal(const json_t *reply, struct assay_error *err)
{
    const char *message = assay_json_in_str(reply, "message");
    enum assay_status status = assay_status_named(assay_json_in_str(reply, "status"));
    return assay_fail(err, status == ASSAY_OK ? ASSAY_INTERNAL : status, "%s",
                      message == NULL ? "assayd refused" : message);
}

/* The next reply as JSON in c->reply; what the daemon refuses is its error. */
static enum assay_status read_reply(struct assay_client *c, uint64_t deadline,
                                    struct assay_error *err)
{
    while (!take_line(c)) {
        enum assay_status status = receive(c, deadline, err);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    json_decref(c->reply);
    assay_arena_reset(c->arena);
    c->reply = assay_json_in(assay_buf_bytes(&c->line), NULL, err);
    if (c->reply == NULL) {
        return ASSAY_SYNTAX;
    }
    return json_is_true(json_object_get(c->reply, "ok")) ? ASSAY_OK : refusal(c->reply, err);
}

static enum assay_status call(struct assay_client *c, const struct assay_request *r,
                              struct assay_error *err)
{
    enum assay_status status = send_request(c, r, err);
    return status == ASSAY_OK ? read_reply(c, assay_monotonic_ms() + REPLY_WAIT_MS, err) : status;
}

static const char *text_or(const json_t *object, const char *key, const char *fallback)
{
    const char *text = assay_json_in_str(object, key);
    return text == NULL ? fallback : text;
}

static uint64_t uint_or_unknown(const json_t *object, const char *key)
{
    return json_is_integer(json_object_get(object, key)) ? assay_json_in_uint(object, key)
                                                         : UINT64_MAX;
}

static void view_run(const json_t *o, struct assay_run_view *v)
{
    *v = (struct assay_run_view){
        .id = assay_json_in_uint(o, "id"),
        .state = text_or(o, "state", "?"),
        .verdict = assay_json_in_str(o, "verdict"),
        .dataset = text_or(o, "dataset", ""),
        .name = text_or(o, "name", ""),
        .source = text_or(o, "source", ""),
        .reason = assay_json_in_str(o, "reason"),
        .report = assay_json_in_str(o, "report"),
        .report_removed = json_is_true(json_object_get(o, "report_removed")),
        .manifest = assay_json_in_str(o, "manifest"),
        .attempt = (unsigned)assay_json_in_uint(o, "attempt"),
        .created_ms = assay_json_in_uint(o, "created_ms"),
        .started_ms = assay_json_in_uint(o, "started_ms"),
        .finished_ms = assay_json_in_uint(o, "finished_ms"),
        .files_done = assay_json_in_uint(o, "files_done"),
        .files_total = assay_json_in_uint(o, "files_total"),
        .bytes_done = assay_json_in_uint(o, "bytes_done"),
        .bytes_total = assay_json_in_uint(o, "bytes_total"),
        .records = assay_json_in_uint(o, "records"),
        .findings = assay_json_in_uint(o, "findings"),
        .phase = assay_json_in_str(o, "phase"),
        .phase_ms = assay_json_in_uint(o, "phase_ms"),
        .still_ms = assay_json_in_uint(o, "still_ms"),
        .rate = uint_or_unknown(o, "bytes_per_second"),
        .eta_ms = uint_or_unknown(o, "eta_ms"),
        .is_final = json_is_true(json_object_get(o, "final")),
    };
}

static void view_source(const json_t *o, struct assay_source_view *v)
{
    *v = (struct assay_source_view){
        .name = text_or(o, "name", ""),
        .kind = text_or(o, "kind", ""),
        .path = text_or(o, "path", ""),
        .problem = assay_json_in_str(o, "problem"),
        .note = assay_json_in_str(o, "note"),
        .stale = assay_json_in_uint(o, "stale"),
        .datasets = assay_json_in_uint(o, "datasets"),
        .pending = assay_json_in_uint(o, "pending"),
        .rescans = assay_json_in_uint(o, "rescans"),
    };
}

enum assay_status assay_client_reload(struct assay_client *c, struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_RELOAD};
    enum assay_status status = send_request(c, &r, err);
    return status == ASSAY_OK ? read_reply(c, 0, err) : status;
}

enum assay_status assay_client_metrics(struct assay_client *c, const char **ret_text,
                                       struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_METRICS};
    enum assay_status status = call(c, &r, err);
    if (status == ASSAY_OK && (*ret_text = assay_json_in_str(c->reply, "metrics")) == NULL) {
        status = assay_fail(err, ASSAY_SYNTAX, "assayd answered without metrics");
    }
    return status;
}

enum assay_status assay_client_reaudit(struct assay_client *c, int dry_run,
                                       struct assay_reaudit_view *ret, struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_REAUDIT, .dry_run = dry_run};
    enum assay_status status = call(c, &r, err);
    if (status != ASSAY_OK) {
        return status;
    }
    const json_t *list = json_object_get(c->reply, "datasets");
    size_t n = json_array_size(list);
    struct assay_stale_view *v = assay_arena_array(c->arena, n, sizeof *v);
    for (size_t i = 0; v != NULL && i < n; i++) {
        const json_t *o = json_array_get(list, i);
        v[i] = (struct assay_stale_view){text_or(o, "dataset", ""), text_or(o, "source", ""),
                                         text_or(o, "verdict", "")};
    }
    *ret = (struct assay_reaudit_view){.stale = assay_json_in_uint(c->reply, "stale"),
                                       .queued = assay_json_in_uint(c->reply, "queued"),
                                       .datasets = v,
                                       .n_datasets = v == NULL ? 0 : n};
    return ASSAY_OK;
}

enum assay_status assay_client_ping(struct assay_client *c, struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_PING};
    return call(c, &r, err);
}

enum assay_status assay_client_status(struct assay_client *c, struct assay_status_view *ret,
                                      struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_STATUS};
    enum assay_status status = call(c, &r, err);
    if (status != ASSAY_OK) {
        return status;
    }
    const json_t *o = c->reply;
    const json_t *sources = json_object_get(o, "sources");
    const json_t *runs = json_object_get(o, "runs");
    const json_t *sandbox = json_object_get(o, "sandbox");
    size_t n_sources = json_array_size(sources);
    size_t n_runs = json_array_size(runs);
    struct assay_source_view *s = assay_arena_array(c->arena, n_sources, sizeof *s);
    struct assay_run_view *v = assay_arena_array(c->arena, n_runs, sizeof *v);
    if (s == NULL || v == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n_sources; i++) {
        view_source(json_array_get(sources, i), &s[i]);
    }
    for (size_t i = 0; i < n_runs; i++) {
        view_run(json_array_get(runs, i), &v[i]);
    }
    *ret = (struct assay_status_view){
        .version = text_or(o, "version", "?"),
        .state = text_or(o, "state", "?"),
        .pid = assay_json_in_uint(o, "pid"),
        .started_ms = assay_json_in_uint(o, "started_ms"),
        .workers = assay_json_in_uint(o, "workers"),
        .busy = assay_json_in_uint(o, "busy"),
        .sandbox = text_or(sandbox, "mode", "?"),
        .landlock = assay_json_in_uint(sandbox, "landlock"),
        .seccomp = json_is_true(json_object_get(sandbox, "seccomp")),
        .queued = assay_json_in_uint(o, "queued"),
        .running = assay_json_in_uint(o, "running"),
        .done = assay_json_in_uint(o, "done"),
        .failed = assay_json_in_uint(o, "failed"),
        .cancelled = assay_json_in_uint(o, "cancelled"),
        .dead = assay_json_in_uint(o, "dead"),
        .n_sources = n_sources,
        .n_runs = n_runs,
        .sources = s,
        .runs = v,
    };
    return ASSAY_OK;
}

enum assay_status assay_client_submit(struct assay_client *c, const struct assay_submit *what,
                                      uint64_t *ret_run, struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_SUBMIT,
                                    .path = what->path,
                                    .policy = what->policy,
                                    .packs = {what->packs, what->n_packs},
                                    .priority = what->priority,
                                    .deadline_ms = what->deadline_ms};
    enum assay_status status = call(c, &r, err);
    if (status == ASSAY_OK) {
        *ret_run = assay_json_in_uint(json_object_get(c->reply, "run"), "id");
    }
    return status;
}

enum assay_status assay_client_cancel(struct assay_client *c, uint64_t run,
                                      struct assay_run_view *ret, struct assay_error *err)
{
    const struct assay_request r = {.op = ASSAY_OP_CANCEL, .run = run};
    enum assay_status status = call(c, &r, err);
    if (status == ASSAY_OK) {
        view_run(json_object_get(c->reply, "run"), ret);
    }
    return status;
}

enum assay_status assay_client_report(struct assay_client *c, const char *dataset, uint64_t run,
                                      struct assay_run_view *ret, struct assay_error *err)
{
    const struct assay_request r = {
        .op = ASSAY_OP_REPORT, .dataset = dataset, .run = dataset == NULL ? run : 0};
    enum assay_status status = call(c, &r, err);
    if (status == ASSAY_OK) {
        view_run(json_object_get(c->reply, "run"), ret);
    }
    return status;
}

enum assay_status assay_client_wait(struct assay_client *c, const struct assay_wait *what,
                                    struct assay_run_view *ret, struct assay_error *err)
{
    const struct assay_request r = {
        .op = ASSAY_OP_WAIT, .dataset = what->dataset, .run = what->run};
    uint64_t deadline = what->timeout_ms == 0 ? 0 : assay_monotonic_ms() + what->timeout_ms;
    enum assay_status status = send_request(c, &r, err);
    while (status == ASSAY_OK) {
        status = read_reply(c, deadline, err);
        if (status != ASSAY_OK) {
            break;
        }
        view_run(json_object_get(c->reply, "run"), ret);
        if (what->event != NULL) {
            what->event(what->ctx, ret);
        }
        if (ret->is_final) {
            break;
        }
    }
    return status;
}

/* The array `key` of the reply as views; none where it is missing. */
static enum assay_status view_runs(struct assay_client *c, const char *key,
                                   const struct assay_run_view **ret, size_t *ret_n,
                                   struct assay_error *err)
{
    const json_t *list = json_object_get(c->reply, key);
    size_t n = json_array_size(list);
    struct assay_run_view *v = assay_arena_array(c->arena, n, sizeof *v);
    if (v == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        view_run(json_array_get(list, i), &v[i]);
    }
    *ret = v;
    *ret_n = n;
    return ASSAY_OK;
}

/* One push of `watch`, as views into the reply. */
static enum assay_status view_watch(struct assay_client *c, struct assay_watch_view *v,
                                    struct assay_error *err)
{
    *v = (struct assay_watch_view){
        .state = text_or(c->reply, "state", "?"),
        .workers = assay_json_in_uint(c->reply, "workers"),
        .busy = assay_json_in_uint(c->reply, "busy"),
        .queued = assay_json_in_uint(c->reply, "queued"),
        .all = json_is_true(json_object_get(c->reply, "all")),
        .missed = assay_json_in_uint(c->reply, "missed"),
    };
    enum assay_status status = view_runs(c, "active", &v->active, &v->n_active, err);
    if (status == ASSAY_OK) {
        status = view_runs(c, "waiting", &v->waiting, &v->n_waiting, err);
    }
    return status == ASSAY_OK ? view_runs(c, "changed", &v->changed, &v->n_changed, err) : status;
}

enum assay_status assay_client_watch(struct assay_client *c, const struct assay_watch *what,
                                     struct assay_error *err)
{
    struct assay_watch_view v;
    const struct assay_request r = {.op = ASSAY_OP_WATCH,
                                    .dataset = what->dataset,
                                    .run = what->run,
                                    .interval_ms = what->interval_ms};
    int enough = 0;
    c->stop_fd = what->stop_fd;
    enum assay_status status = send_request(c, &r, err);
    while (status == ASSAY_OK && !enough) {
        status = read_reply(c, 0, err);
        if (status == ASSAY_OK) {
            status = view_watch(c, &v, err);
        }
        enough = status == ASSAY_OK && what->event(what->ctx, &v);
    }
    c->stop_fd = -1;
    return status;
}

struct assay_bytes assay_client_raw(const struct assay_client *c)
{
    return assay_buf_bytes(&c->line);
}
