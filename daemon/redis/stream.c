/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/stream.c: taking jobs from one stream, by a consumer group.
 *
 * Two connections a stream: one that asks and is answered at once, one that waits for new entries
 * (XREADGROUP BLOCK). Order: the group is made (from the beginning: a job that was there before us
 * is a job), then the own backlog, then what dead consumers left (XAUTOCLAIM), then new entries;
 * and never more than there are free workers.
 *
 * The own backlog is read by XPENDING and XCLAIM instead of XREADGROUP with an id: it lists without
 * raising delivery counts, so a connection that is lost now and then does not make poison of a long
 * job; and it tells the count, so that real poison is found. A claimed entry that does not come back
 * was dropped from the stream: it is reported as lost.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/redis/stream.h"

#define PAUSE_MS   UINT64_C(1000) /* after an error */
#define REAP_COUNT 16

/* ---- problems ------------------------------------------------------------------------------ */

void stream_problem(struct stream *s, const char *problem)
{
    (void)snprintf(s->problem, sizeof s->problem, "%s", problem);
}

const char *stream_problem_now(const struct stream *s)
{
    const char *problem = assay_redis_problem(s->commands);
    problem = problem == NULL ? assay_redis_problem(s->reader) : problem;
    return problem == NULL && s->problem[0] != '\0' ? s->problem : problem;
}

/* Each change is one line. */
static void show_problem(struct stream *s)
{
    const char *problem = stream_problem_now(s);
    if (strcmp(problem == NULL ? "" : problem, s->shown) == 0) {
        return;
    }
    (void)snprintf(s->shown, sizeof s->shown, "%s", problem == NULL ? "" : problem);
    if (problem == NULL) {
        assay_log(ASSAY_LOG_INFO, "redis", "works again", ASSAY_LOG_S("source", s->config->name));
    } else {
        assay_log(ASSAY_LOG_WARNING, "redis", "source has a problem",
                  ASSAY_LOG_S("source", s->config->name), ASSAY_LOG_S("problem", problem));
    }
}

/* ---- the group ------------------------------------------------------------------------------ */

/* The answer to a command on the group: 1 when it can be used. */
static int group_answer(struct stream *s, const redisReply *reply)
{
    char why[200];
    if (reply == NULL) {
        return 0;
    }
    if (!assay_reply_failed(reply)) {
        return 1;
    }
    assay_redis_explain(reply, why, sizeof why);
    s->pause_ms = assay_monotonic_ms() + PAUSE_MS;
    if (assay_reply_is_error(reply, "NOGROUP")) {
        s->group_ready = 0; /* made again, from the beginning of what is there */
        s->losses++;
        s->pause_ms = 0;
        assay_log(ASSAY_LOG_ERROR, "redis",
                  "Redis has lost the consumer group; jobs it lost with it must be sent again",
                  ASSAY_LOG_S("source", s->config->name));
    } else if (assay_redis_is_fault(reply)) {
        assay_redis_fault(s->commands, why);
    } else {
        stream_problem(s, why);
    }
    return 0;
}

static int on_group(void *ctx, redisReply *reply)
{
    struct stream *s = ctx;
    s->group_asked = 0;
    if (assay_reply_is_error(reply, "BUSYGROUP") || group_answer(s, reply)) {
        s->group_ready = 1;
        s->listed = 0;
        s->reap_ms = 0;
        stream_problem(s, "");
    }
    return 0;
}

static void make_group(struct stream *s)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XGROUP", "CREATE", s->jobs, s->group, "0", "MKSTREAM", NULL);
    s->group_asked = assay_redis_send(s->commands, &a, 0, on_group, s) == ASSAY_OK;
}

static size_t free_room(const struct stream *s)
{
    size_t active = flight_active(s);
    size_t left = ASSAY_LIMIT_REDIS_FLIGHTS - s->n_flights;
    size_t room = s->room > active ? s->room - active : 0;
    return room < left ? room : left;
}

/* ---- entries that were read ------------------------------------------------------------------ */

/* The stream has no such entry any more: said as lost, once. */
static void on_lost(struct stream *s, const char *entry, uint64_t deliveries)
{
    struct assay_queue_job job = {.id = ""};
    (void)snprintf(job.entry, sizeof job.entry, "%s", entry);
    struct flight *f = flight_find(s, entry) == NULL ? flight_new(s, &job, deliveries) : NULL;
    if (f != NULL) {
        s->losses++;
        flight_kill(f, "lost",
                    "the stream dropped the job before it was judged (trimmed or deleted)");
    }
}

/* Makes a flight of an entry that was read; what can never be judged is dead at once. */
static void on_entry(struct stream *s, const redisReply *entry, uint64_t deliveries)
{
    char reason[200];
    struct assay_queue_job job;
    struct assay_error err = {0};
    enum assay_status status = assay_queue_job_parse(entry, &job, &err);
    if (job.entry[0] == '\0' || flight_find(s, job.entry) != NULL) {
        return;
    }
    struct flight *f = flight_new(s, &job, deliveries);
    if (f == NULL) {
        s->listed = 0;
        return;
    }
    if (status == ASSAY_OK) {
        status = assay_queue_path_allowed(&s->config->roots, job.path, &err);
    }
    if (status != ASSAY_OK) {
        flight_kill(f, "dead", err.message);
    } else if (deliveries > s->config->max_deliveries) {
        (void)snprintf(reason, sizeof reason, "delivered %llu times without a result",
                       (unsigned long long)deliveries);
        flight_kill(f, "dead", reason);
    }
}

static void entry_id(char out[ASSAY_QUEUE_ENTRY], const redisReply *id)
{
    struct assay_bytes text = assay_reply_text(id);
    int good = assay_queue_is_name(text, ASSAY_QUEUE_ENTRY - 1);
    (void)snprintf(out, ASSAY_QUEUE_ENTRY, "%.*s", good ? (int)text.len : 0, text.ptr);
}

/* ---- the own backlog ------------------------------------------------------------------------- */

/* The entry `id` among those claimed; NULL when it did not come back, or came without fields. */
static const redisReply *find_entry(const redisReply *entries, const char *id)
{
    for (size_t i = 0; i < assay_reply_count(entries); i++) {
        const redisReply *e = assay_reply_at(entries, i);
        if (assay_reply_is(assay_reply_at(e, 0), id)) {
            return assay_reply_count(assay_reply_at(e, 1)) > 0 ? e : NULL;
        }
    }
    return NULL;
}

static int on_claimed(void *ctx, redisReply *reply)
{
    struct stream *s = ctx;
    s->list_asked = 0;
    if (group_answer(s, reply)) {
        for (size_t i = 0; i < s->n_claim; i++) {
            const redisReply *e = find_entry(reply, s->claim[i].id);
            if (e != NULL) {
                on_entry(s, e, s->claim[i].deliveries + 1);
            } else {
                on_lost(s, s->claim[i].id, s->claim[i].deliveries);
            }
        }
    }
    return 0;
}

static void claim_listed(struct stream *s)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XCLAIM", s->jobs, s->group, s->consumer, "0", NULL);
    for (size_t i = 0; i < s->n_claim; i++) {
        assay_redis_arg(&a, s->claim[i].id);
    }
    s->list_asked = assay_redis_send(s->commands, &a, 0, on_claimed, s) == ASSAY_OK;
}

/* Claims of the own backlog what has no flight yet, as far as there is room. */
static int on_listed(void *ctx, redisReply *reply)
{
    struct stream *s = ctx;
    size_t room = free_room(s);
    s->list_asked = 0;
    if (!group_answer(s, reply)) {
        return 0;
    }
    s->n_claim = 0;
    size_t unknown = 0;
    for (size_t i = 0; i < assay_reply_count(reply); i++) {
        const redisReply *row = assay_reply_at(reply, i);
        char id[ASSAY_QUEUE_ENTRY];
        entry_id(id, assay_reply_at(row, 0));
        if (id[0] == '\0' || flight_find(s, id) != NULL) {
            continue;
        }
        unknown++;
        if (s->n_claim < room) {
            memcpy(s->claim[s->n_claim].id, id, sizeof id);
            s->claim[s->n_claim++].deliveries = assay_reply_number(assay_reply_at(row, 3));
        }
    }
    s->listed = unknown == 0;
    if (s->n_claim > 0) {
        claim_listed(s);
    }
    return 0;
}

/* More than can be in flight, so that what is not is among them. */
static void list_backlog(struct stream *s)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XPENDING", s->jobs, s->group, "-", "+", NULL);
    assay_redis_argu(&a, 2 * ASSAY_LIMIT_REDIS_FLIGHTS);
    assay_redis_arg(&a, s->consumer);
    s->list_asked = assay_redis_send(s->commands, &a, 0, on_listed, s) == ASSAY_OK;
}

/* ---- what dead consumers left ---------------------------------------------------------------- */

static uint64_t jittered(uint64_t ms)
{
    uint16_t random = 0;
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    return ms / 2 + ms / 2 * random / UINT16_MAX;
}

/* [cursor, [id...]] before Redis 7, [cursor, [id...], [deleted id...]] since. */
static int on_reaped(void *ctx, redisReply *reply)
{
    struct stream *s = ctx;
    uint64_t now = assay_monotonic_ms();
    s->claim_asked = 0;
    s->reap_ms = now + PAUSE_MS;
    if (!group_answer(s, reply)) {
        return 0;
    }
    const redisReply *deleted = assay_reply_at(reply, 2);
    for (size_t i = 0; i < assay_reply_count(deleted); i++) {
        char id[ASSAY_QUEUE_ENTRY];
        entry_id(id, assay_reply_at(deleted, i));
        on_lost(s, id, 0);
    }
    if (assay_reply_count(assay_reply_at(reply, 1)) > 0) {
        s->listed = 0; /* ours now */
    }
    entry_id(s->cursor, assay_reply_at(reply, 0));
    int done = s->cursor[0] == '\0' || strcmp(s->cursor, "0-0") == 0;
    s->reap_ms = done ? now + jittered(s->config->claim_idle_ms) : 0;
    return 0;
}

static void reap(struct stream *s)
{
    size_t room = free_room(s);
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XAUTOCLAIM", s->jobs, s->group, s->consumer, NULL);
    assay_redis_argu(&a, s->config->claim_idle_ms);
    assay_redis_argv(&a, s->cursor[0] == '\0' ? "0-0" : s->cursor, "COUNT", NULL);
    assay_redis_argu(&a, room < REAP_COUNT ? room : REAP_COUNT);
    assay_redis_arg(&a, "JUSTID");
    s->claim_asked = assay_redis_send(s->commands, &a, 0, on_reaped, s) == ASSAY_OK;
}

/* ---- keeping what we have --------------------------------------------------------------------- */

static int on_beat(void *ctx, redisReply *reply)
{
    (void)group_answer(ctx, reply);
    return 0;
}

/* Renews the claim on all we hold, before others may take it, and tells how far it is. */
static void beat(struct stream *s, uint64_t now)
{
    struct assay_redis_args a = {.n = 0};
    s->beat_ms = now + s->config->claim_idle_ms / 3;
    assay_redis_argv(&a, "XCLAIM", s->jobs, s->group, s->consumer, "0", NULL);
    for (size_t i = 0; i < s->n_flights; i++) {
        assay_redis_arg(&a, s->flights[i]->job.entry);
    }
    assay_redis_arg(&a, "JUSTID");
    (void)assay_redis_send(s->commands, &a, 0, on_beat, s);
    for (size_t i = 0; i < s->n_flights; i++) {
        outcome_progress(s->flights[i]);
    }
}

/* ---- new entries ----------------------------------------------------------------------------- */

static int on_read(void *ctx, redisReply *reply)
{
    struct stream *s = ctx;
    s->reading = 0;
    if (reply == NULL) {
        s->listed = 0; /* something may have been delivered that we did not get */
        return 0;
    }
    if (assay_redis_is_fault(reply)) {
        char why[200];
        assay_redis_explain(reply, why, sizeof why);
        assay_redis_fault(s->reader, why);
        return 0;
    }
    if (!group_answer(s, reply)) {
        return 0;
    }
    const redisReply *entries = assay_reply_at(assay_reply_at(reply, 0), 1);
    for (size_t i = 0; i < assay_reply_count(entries); i++) {
        on_entry(s, assay_reply_at(entries, i), 1);
    }
    return 0;
}

static void read_new(struct stream *s)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XREADGROUP", "GROUP", s->group, s->consumer, "COUNT", NULL);
    assay_redis_argu(&a, free_room(s));
    assay_redis_arg(&a, "BLOCK");
    assay_redis_argu(&a, s->config->timeout_ms);
    assay_redis_argv(&a, "STREAMS", s->jobs, ">", NULL);
    s->reading = assay_redis_send(s->reader, &a, s->config->timeout_ms, on_read, s) == ASSAY_OK;
}

/* ---- one turn of a stream -------------------------------------------------------------------- */

/* The next question to Redis, of which at most one of listing and reaping is under way. */
static void take(struct stream *s, uint64_t now)
{
    if (now < s->pause_ms) {
        return;
    }
    if (!s->group_ready) {
        if (!s->group_asked) {
            make_group(s);
        }
        return;
    }
    if (s->n_flights > 0 && now >= s->beat_ms) {
        beat(s, now);
    }
    if (free_room(s) == 0 || s->list_asked || s->claim_asked) {
        return;
    }
    if (!s->listed) {
        list_backlog(s);
    } else if (now >= s->reap_ms) {
        reap(s);
    } else if (!s->reading && assay_redis_is_ready(s->reader)) {
        read_new(s);
    }
}

/* Tells epoll what `r` waits for; its descriptor may be another than before. */
static void watch(const struct stream *s, const struct assay_redis *r)
{
    int fd = assay_redis_fd(r);
    short wants = assay_redis_events(r);
    struct epoll_event e = {.events = ((wants & POLLIN) != 0 ? EPOLLIN : 0U) |
                                      ((wants & POLLOUT) != 0 ? EPOLLOUT : 0U),
                            .data.fd = fd};
    if (fd >= 0 && epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, fd, &e) != 0 && errno == ENOENT) {
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

void stream_turn(struct stream *s, uint64_t now)
{
    assay_redis_step(s->commands, now);
    assay_redis_step(s->reader, now);
    if (assay_redis_generation(s->commands) != s->generation) {
        s->generation = assay_redis_generation(s->commands);
        s->reconnects++;
        s->group_ready = 0;
        s->pause_ms = 0;
    }
    if (assay_redis_is_ready(s->commands)) {
        flight_step_all(s, now);
        take(s, now);
        assay_redis_step(s->commands, now); /* sends what was just asked */
        assay_redis_step(s->reader, now);
    }
    flight_sweep(s);
    show_problem(s);
    watch(s, s->commands);
    watch(s, s->reader);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t stream_deadline(const struct stream *s)
{
    uint64_t due = earlier(assay_redis_deadline(s->commands), assay_redis_deadline(s->reader));
    if (!assay_redis_is_ready(s->commands)) {
        return due;
    }
    due = earlier(due, flight_deadline(s));
    if (!s->group_ready) {
        return s->group_asked ? due : earlier(due, s->pause_ms);
    }
    if (s->n_flights > 0) {
        due = earlier(due, s->beat_ms > s->pause_ms ? s->beat_ms : s->pause_ms);
    }
    if (free_room(s) == 0 || s->list_asked || s->claim_asked) {
        return due;
    }
    uint64_t at = !s->listed ? 0 : s->reap_ms;
    if (s->listed && !s->reading && assay_redis_is_ready(s->reader)) {
        at = 0;
    }
    return earlier(due, at > s->pause_ms ? at : s->pause_ms);
}
