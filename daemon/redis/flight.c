/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/flight.c: the life of one job, from its entry to the acknowledgement.
 */
#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/redis/stream.h"

struct flight *flight_find(const struct stream *s, const char *entry)
{
    for (size_t i = 0; i < s->n_flights; i++) {
        if (strcmp(s->flights[i]->job.entry, entry) == 0) {
            return s->flights[i];
        }
    }
    return NULL;
}

struct flight *flight_new(struct stream *s, const struct assay_queue_job *job, uint64_t deliveries)
{
    struct flight *f = s->n_flights == ASSAY_LIMIT_REDIS_FLIGHTS ? NULL : calloc(1, sizeof *f);
    if (f == NULL) {
        return NULL; /* the entry stays pending: it is listed again */
    }
    f->stream = s;
    f->job = *job;
    for (size_t i = 0; i < job->n_packs; i++) {
        f->job.packs[i] = f->job.packs_text + (job->packs[i] - job->packs_text);
    }
    f->deliveries = deliveries;
    s->flights[s->n_flights++] = f;
    s->taken++;
    return f;
}

void flight_sweep(struct stream *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_flights; i++) {
        const struct flight *f = s->flights[i];
        if (f->step == FLIGHT_GONE && !f->asked && f->request == 0) {
            free(s->flights[i]);
        } else {
            s->flights[kept++] = s->flights[i];
        }
    }
    s->n_flights = kept;
}

size_t flight_active(const struct stream *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_flights; i++) {
        n += s->flights[i]->step <= FLIGHT_OFFER;
    }
    return n;
}

static void enter(struct flight *f, enum flight_step step)
{
    f->step = step;
    f->retry_ms = 0;
}

void flight_kill(struct flight *f, const char *state, const char *reason)
{
    f->outcome = (struct outcome){.dead = 1, .finished_ms = assay_wall_ms()};
    (void)snprintf(f->outcome.state, sizeof f->outcome.state, "%s", state);
    (void)snprintf(f->outcome.verdict, sizeof f->outcome.verdict, "ERROR");
    (void)snprintf(f->outcome.reason, sizeof f->outcome.reason, "%s", reason);
    assay_log(ASSAY_LOG_WARNING, "redis", "a job is set aside",
              ASSAY_LOG_S("source", f->stream->config->name), ASSAY_LOG_S("entry", f->job.entry),
              ASSAY_LOG_S("job", f->job.id), ASSAY_LOG_S("why", f->outcome.reason));
    enter(f, f->job.id[0] == '\0' ? FLIGHT_FETCH : FLIGHT_GUARD);
}

static void put(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text == NULL ? "" : text);
}

void flight_ended(struct flight *f, const struct assay_run_record *run)
{
    struct outcome *o = &f->outcome;
    int done = run->verdict != NULL;
    *o = (struct outcome){.run = run->id,
                          .dead = !done,
                          .started_ms = run->started_ms,
                          .finished_ms = run->finished_ms};
    put(o->state, sizeof o->state, done ? "done" : "failed");
    put(o->verdict, sizeof o->verdict, done ? run->verdict : "INCOMPLETE");
    put(o->digest, sizeof o->digest, run->manifest);
    put(o->report, sizeof o->report, run->report);
    put(o->reason, sizeof o->reason, run->reason);
    if (done && f->job.digest[0] != '\0' && strcmp(f->job.digest, o->digest) != 0) {
        o->dead = 1;
        put(o->state, sizeof o->state, "failed");
        put(o->verdict, sizeof o->verdict, "ERROR");
        put(o->reason, sizeof o->reason, "what lies at the uri has another digest than expected");
    }
    enter(f, FLIGHT_GUARD);
}

/* ---- steps: a question, and what its answer means -------------------------------------------- */

static void again(struct flight *f)
{
    f->retry_ms = assay_monotonic_ms() + FLIGHT_RETRY_MS;
}

/* 1: there is an answer. An error is shown, and asked again. */
static int answered(struct flight *f, const redisReply *reply)
{
    char why[200];
    f->asked = 0;
    if (reply != NULL && !assay_reply_failed(reply)) {
        return 1;
    }
    again(f);
    if (reply != NULL) {
        assay_redis_explain(reply, why, sizeof why);
        if (assay_redis_is_fault(reply)) {
            assay_redis_fault(f->stream->commands, why);
        }
        stream_problem(f->stream, why);
    }
    return 0;
}

/* What the job's hash says: answered already, judged before, misused, or new. */
static int on_check(void *ctx, redisReply *reply)
{
    struct flight *f = ctx;
    if (!answered(f, reply)) {
        return 0;
    }
    if (outcome_was_written(f, reply)) {
        enter(f, FLIGHT_ACK);
        return 0;
    }
    switch (outcome_recall(f, reply)) {
    case ASSAY_OK:
        enter(f, FLIGHT_WRITE);
        break;
    case ASSAY_MISMATCH:
        flight_kill(f, "dead", "its job_id was used before, for another request");
        f->job.id[0] = '\0'; /* the state under that id belongs to the other */
        enter(f, FLIGHT_FETCH);
        break;
    default:
        enter(f, FLIGHT_OFFER);
    }
    return 0;
}

/* Whether this very entry was answered: by an earlier life, or by a write whose answer was lost. */
static int on_guard(void *ctx, redisReply *reply)
{
    struct flight *f = ctx;
    if (answered(f, reply)) {
        enter(f, outcome_was_written(f, reply) ? FLIGHT_ACK
                 : f->outcome.dead             ? FLIGHT_FETCH
                                               : FLIGHT_WRITE);
    }
    return 0;
}

static int on_written(void *ctx, redisReply *reply)
{
    struct flight *f = ctx;
    char why[200];
    f->asked = 0;
    if (reply == NULL) {
        enter(f, f->job.id[0] == '\0' ? f->step : FLIGHT_GUARD); /* it may have happened */
        again(f);
    } else if (outcome_written(f, reply, why, sizeof why)) {
        stream_problem(f->stream, "");
        enter(f, FLIGHT_ACK);
    } else {
        if (why[0] != '\0') {
            stream_problem(f->stream, why);
        }
        again(f);
    }
    return 0;
}

/* The entry's own fields go into the dead letter; a trimmed entry has none. */
static int on_fetched(void *ctx, redisReply *reply)
{
    struct flight *f = ctx;
    if (answered(f, reply)) {
        const redisReply *fields = assay_reply_at(assay_reply_at(reply, 0), 1);
        f->asked = outcome_write(f, fields, on_written) == ASSAY_OK;
        if (!f->asked) {
            again(f);
        }
    }
    return 0;
}

static int on_acknowledged(void *ctx, redisReply *reply)
{
    struct flight *f = ctx;
    /* A group that is gone has nothing to acknowledge. */
    if (assay_reply_is_error(reply, "NOGROUP") || answered(f, reply)) {
        f->asked = 0;
        f->step = FLIGHT_GONE;
    }
    return 0;
}

static enum assay_status ask_check(struct flight *f)
{
    return outcome_ask(f, on_check);
}

static enum assay_status ask_guard(struct flight *f)
{
    return outcome_ask(f, on_guard);
}

static enum assay_status ask_fetch(struct flight *f)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XRANGE", f->stream->jobs, f->job.entry, f->job.entry, NULL);
    return assay_redis_send(f->stream->commands, &a, 0, on_fetched, f);
}

static enum assay_status ask_write(struct flight *f)
{
    return outcome_write(f, NULL, on_written);
}

static enum assay_status ask_ack(struct flight *f)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XACK", f->stream->jobs, f->stream->group, f->job.entry, NULL);
    return assay_redis_send(f->stream->commands, &a, 0, on_acknowledged, f);
}

static enum assay_status (*const questions[])(struct flight *f) = {
    [FLIGHT_CHECK] = ask_check, [FLIGHT_GUARD] = ask_guard, [FLIGHT_FETCH] = ask_fetch,
    [FLIGHT_WRITE] = ask_write, [FLIGHT_ACK] = ask_ack,     [FLIGHT_GONE] = NULL};

void flight_step_all(struct stream *s, uint64_t now)
{
    for (size_t i = 0; i < s->n_flights; i++) {
        struct flight *f = s->flights[i];
        if (f->asked || f->retry_ms > now || questions[f->step] == NULL ||
            !assay_redis_is_ready(s->commands)) {
            continue;
        }
        f->asked = 1;
        if (questions[f->step](f) != ASSAY_OK) {
            f->asked = 0;
            again(f);
        }
    }
}

uint64_t flight_deadline(const struct stream *s)
{
    uint64_t due = UINT64_MAX;
    for (size_t i = 0; i < s->n_flights && assay_redis_is_ready(s->commands); i++) {
        const struct flight *f = s->flights[i];
        if (!f->asked && questions[f->step] != NULL && f->retry_ms < due) {
            due = f->retry_ms;
        }
    }
    return due;
}
