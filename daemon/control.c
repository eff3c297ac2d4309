/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/control.c: the control socket: a fixed number of clients, one line a request, nothing
 * blocks.
 *
 * A client that does not read its replies is dropped when its output passes the bound. `wait` keeps
 * a note in the client; server_tell answers all whose note matches. Clients are only released in
 * server_flush, never while an event of theirs may still be under way.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

#define OUTPUT_MAX (8 * ASSAY_LIMIT_CONTROL_MESSAGE)

/* ---- replies ------------------------------------------------------------------------------- */

static enum assay_status op_status(struct server *s, struct server_client *c,
                                   const struct assay_request *r, struct assay_error *err)
{
    (void)r;
    size_t before = c->out.len;
    enum assay_status status = server_put_status(s, &c->out, err);
    if (status != ASSAY_OK) { /* half a list is no answer */
        c->out.len = before;
    }
    return status;
}

static enum assay_status op_watch(struct server *s, struct server_client *c,
                                  const struct assay_request *r, struct assay_error *err)
{
    return server_watch_start(s, &c->watch, r, err);
}

static enum assay_status op_ping(struct server *s, struct server_client *c,
                                 const struct assay_request *r, struct assay_error *err)
{
    (void)s;
    (void)r;
    (void)err;
    assay_reply_ok(&c->out);
    return ASSAY_OK;
}

static enum assay_status op_metrics(struct server *s, struct server_client *c,
                                    const struct assay_request *r, struct assay_error *err)
{
    struct assay_json j;
    ASSAY_AUTO_BUF text;
    (void)r;
    assay_buf_init(&text, ASSAY_LIMIT_CONTROL_MESSAGE);
    enum assay_status status = server_metrics(s, &text, err);
    if (status == ASSAY_OK && assay_buf_status(&text) != ASSAY_OK) {
        status = assay_fail(err, assay_buf_status(&text), "the metrics do not fit");
    }
    if (status != ASSAY_OK) {
        return status;
    }
    assay_json_init(&j, &c->out, 0);
    assay_json_object(&j);
    assay_json_kv_bool(&j, "ok", 1);
    assay_json_kv_str(&j, "metrics", assay_buf_str(&text));
    assay_json_end_object(&j);
    assay_buf_addc(&c->out, '\n');
    return ASSAY_OK;
}

static enum assay_status op_reaudit(struct server *s, struct server_client *c,
                                    const struct assay_request *r, struct assay_error *err)
{
    return server_reaudit(s, r->dry_run, &c->out, err);
}

/* Answered when the reload has ended: server_reload_answer. */
static enum assay_status op_reload(struct server *s, struct server_client *c,
                                   const struct assay_request *r, struct assay_error *err)
{
    (void)r;
    if (s->state != SERVER_RUNNING) {
        return assay_fail(err, ASSAY_UNREACHABLE, "assayd is shutting down: reload after it");
    }
    c->waits_reload = s->reload.pid != 0 ? 2 : 1; /* one under way may have missed the change */
    server_reload_start(s);
    return ASSAY_OK;
}

static enum assay_status find_run(struct server *s, const char *dataset, uint64_t id,
                                  struct assay_run_record *ret, struct assay_error *err)
{
    if (dataset != NULL) {
        return assay_store_newest(s->store, dataset, id, ret, err);
    }
    return assay_store_get(s->store, id, ret, err);
}

/* A run as it is now; one that has ended also ends the waiting of the client. */
static enum assay_status reply_run(struct server *s, struct server_client *c, const char *dataset,
                                   uint64_t id, struct assay_error *err)
{
    struct assay_run_record run;
    enum assay_status status = find_run(s, dataset, id, &run, err);
    if (status == ASSAY_NOTFOUND && dataset != NULL) {
        return assay_fail(err, ASSAY_NOTFOUND, "no run of %.300s yet", dataset);
    }
    if (status == ASSAY_OK) {
        const struct assay_run_progress progress = server_progress(s, run.id);
        assay_reply_run(&c->out, &run, &progress);
        if (assay_run_is_final(&run)) {
            c->waits = 0;
        }
    }
    return status;
}

static enum assay_status op_submit(struct server *s, struct server_client *c,
                                   const struct assay_request *r, struct assay_error *err)
{
    uint64_t id = 0;
    enum assay_status status = server_submit(s, r, &id, err);
    return status == ASSAY_OK ? reply_run(s, c, NULL, id, err) : status;
}

static enum assay_status op_cancel(struct server *s, struct server_client *c,
                                   const struct assay_request *r, struct assay_error *err)
{
    enum assay_status status = server_cancel(s, r->run, err);
    return status == ASSAY_OK ? reply_run(s, c, NULL, r->run, err) : status;
}

static enum assay_status op_report(struct server *s, struct server_client *c,
                                   const struct assay_request *r, struct assay_error *err)
{
    return reply_run(s, c, r->dataset, r->dataset == NULL ? r->run : 0, err);
}

/* Answers at once with the run as it is, and again whenever it changes, until it has ended. */
static enum assay_status op_wait(struct server *s, struct server_client *c,
                                 const struct assay_request *r, struct assay_error *err)
{
    free(c->wait_dataset);
    c->wait_dataset = NULL;
    c->waits = 1;
    c->wait_run = r->run;
    if (r->dataset != NULL) {
        c->wait_dataset = strdup(r->dataset);
        if (c->wait_dataset == NULL) {
            c->waits = 0;
            return assay_fail(err, ASSAY_NOMEM, "out of memory");
        }
    }
    enum assay_status status = reply_run(s, c, r->dataset, r->run, err);
    if (status == ASSAY_NOTFOUND && r->dataset != NULL) {
        return ASSAY_OK; /* it may come yet */
    }
    c->waits = status == ASSAY_OK ? c->waits : 0;
    return status;
}

static enum assay_status (*const op_functions[ASSAY_OP_MAX])(struct server *s,
                                                             struct server_client *c,
                                                             const struct assay_request *r,
                                                             struct assay_error *err) = {
    [ASSAY_OP_PING] = op_ping,       [ASSAY_OP_STATUS] = op_status,   [ASSAY_OP_SUBMIT] = op_submit,
    [ASSAY_OP_WAIT] = op_wait,       [ASSAY_OP_REPORT] = op_report,   [ASSAY_OP_RELOAD] = op_reload,
    [ASSAY_OP_METRICS] = op_metrics, [ASSAY_OP_REAUDIT] = op_reaudit, [ASSAY_OP_CANCEL] = op_cancel,
    [ASSAY_OP_WATCH] = op_watch,
};

void server_reload_answer(struct server *s, const struct assay_error *err)
{
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        struct server_client *c = &s->clients[i];
        if (c->fd < 0 || !c->waits_reload) {
            continue;
        }
        if (--c->waits_reload > 0) {
            continue;
        }
        if (err == NULL) {
            assay_reply_ok(&c->out);
        } else {
            assay_reply_error(&c->out, err);
        }
    }
}

/* Answers every client that waits for run `id`, or for the dataset it is of. */
static void tell_waiters(struct server *s, uint64_t id)
{
    struct assay_run_record run;
    int loaded = 0;
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        struct server_client *c = &s->clients[i];
        if (c->fd < 0 || !c->waits) {
            continue;
        }
        if (!loaded && assay_store_get(s->store, id, &run, NULL) != ASSAY_OK) {
            return;
        }
        loaded = 1;
        int matches = c->wait_dataset == NULL
                          ? c->wait_run == id
                          : id > c->wait_run && strcmp(c->wait_dataset, run.spec.path) == 0;
        if (matches) {
            const struct assay_run_progress progress = server_progress(s, id);
            assay_reply_run(&c->out, &run, &progress);
            c->waits = assay_run_is_final(&run) ? 0 : 1;
        }
    }
}

void server_tell(struct server *s, uint64_t id)
{
    server_news(s, id);
    tell_waiters(s, id);
}

void server_tell_progress(struct server *s, uint64_t id)
{
    server_stir(s);
    tell_waiters(s, id);
}

/* ---- clients ------------------------------------------------------------------------------- */

static void handle_line(struct server *s, struct server_client *c, struct assay_bytes line)
{
    struct assay_request r;
    struct assay_error err = {0};
    enum assay_status status = assay_request_parse(line, &r, &err);
    if (status == ASSAY_OK) {
        status = op_functions[r.op](s, c, &r, &err);
    }
    if (status != ASSAY_OK) {
        assay_reply_error(&c->out, &err);
    }
    assay_metrics_add(&s->metrics, ASSAY_M_REQUESTS, status == ASSAY_OK ? 0 : 1, 1);
    assay_request_release(&r);
}

static void handle_input(struct server *s, struct server_client *c)
{
    size_t taken = 0;
    for (char *end;
         taken < c->in.len && (end = memchr(c->in.ptr + taken, '\n', c->in.len - taken)) != NULL;) {
        size_t len = (size_t)(end - (c->in.ptr + taken));
        handle_line(s, c, assay_bytes_make(c->in.ptr + taken, len));
        taken += len + 1;
    }
    if (taken > 0) {
        memmove(c->in.ptr, c->in.ptr + taken, c->in.len - taken);
        c->in.len -= taken;
    }
}

/* Reads once and answers the whole lines; the rest stays for the next time. */
static void client_ready(struct server *s, struct server_watcher *w)
{
    struct server_client *c = (struct server_client *)(void *)w; /* watcher is the first member */
    char chunk[16384];
    if (c->closing) { /* woken because its replies can go on; what else it says does not count */
        return;
    }
    ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        c->closing = 1;
        return;
    }
    assay_buf_add(&c->in, chunk, n > 0 ? (size_t)n : 0);
    handle_input(s, c);
    if (assay_buf_status(&c->in) != ASSAY_OK) {
        struct assay_error err;
        (void)assay_fail(&err, ASSAY_LIMIT, "a request is at most %zu bytes",
                         ASSAY_LIMIT_CONTROL_MESSAGE);
        assay_reply_error(&c->out, &err);
        c->closing = 1;
    }
}

static void client_release(struct server *s, struct server_client *c)
{
    server_unwatch(s, c->fd);
    (void)close(c->fd);
    assay_buf_release(&c->in);
    assay_buf_release(&c->out);
    free(c->wait_dataset);
    server_watch_stop(&c->watch);
    *c = (struct server_client){.fd = -1};
}

/* Sends what can be sent; 0 when the client is of no more use. */
static int client_send(struct server_client *c)
{
    while (c->out.len > 0) {
        ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        memmove(c->out.ptr, c->out.ptr + n, c->out.len - (size_t)n);
        c->out.len -= (size_t)n;
    }
    return 1;
}

void server_flush(struct server *s)
{
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        struct server_client *c = &s->clients[i];
        if (c->fd < 0) {
            continue;
        }
        int useful = assay_buf_status(&c->out) == ASSAY_OK && client_send(c);
        if (!useful || (c->closing && c->out.len == 0)) {
            client_release(s, c);
            continue;
        }
        /* The end of what it says stays readable: who waits for that would never sleep again. */
        struct epoll_event event = {.events = c->closing ? 0U : EPOLLIN, .data.ptr = &c->watcher};
        event.events |= c->out.len > 0 ? (uint32_t)EPOLLOUT : 0;
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
    }
}

static void refuse(int fd)
{
    static const char reply[] =
        "{\"ok\":false,\"status\":\"limit\",\"message\":\"too many clients\"}\n";
    (void)send(fd, reply, sizeof reply - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)close(fd);
}

void server_accept(struct server *s, struct server_watcher *w)
{
    (void)w;
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        struct server_client *c = &s->clients[i];
        if (c->fd >= 0) {
            continue;
        }
        *c = (struct server_client){.fd = fd, .watcher = {client_ready}};
        assay_buf_init(&c->in, ASSAY_LIMIT_CONTROL_MESSAGE + 1);
        assay_buf_init(&c->out, OUTPUT_MAX);
        if (server_add(s, fd, &c->watcher, NULL) != ASSAY_OK) {
            client_release(s, c);
        }
        return;
    }
    refuse(fd);
}

void server_control_close(struct server *s)
{
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        if (s->clients[i].fd >= 0) {
            client_release(s, &s->clients[i]);
        }
    }
    server_unlisten(s);
}
