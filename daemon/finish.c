/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/finish.c: what follows the end of a worker.
 *
 * A run ends in one of three ways: a report was published (done); the worker said that it cannot
 * ever work (failed); or it crashed, stalled or ran out of something (queued again with a growing
 * delay, failed after the last retry). What has happened is kept in the slot until the store has
 * it: a full disk delays the record, it does not lose it.
 *
 * Disks wait, so what waits is done together: the reports of all workers that have ended since the
 * last turn are synced at once (publish.c), and recorded in the commit that lets the next workers
 * start (runs.c, take_turn).
 */
#include <sys/random.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

#define FULL_RETRY_MS UINT64_C(60000) /* how soon, at the latest, a full disk is tried again */

/* Faults that another attempt cannot mend. */
static int is_permanent(enum assay_status status)
{
    switch (status) {
    case ASSAY_USAGE:
    case ASSAY_CONFIG:
    case ASSAY_SYNTAX:
    case ASSAY_RULE:
    case ASSAY_NOTFOUND:
    case ASSAY_PLUGIN:
    case ASSAY_UNSUPPORTED:
    case ASSAY_DENIED:
        return 1;
    default:
        return 0;
    }
}

static uint64_t retry_delay(const struct server *s, unsigned attempt)
{
    uint64_t delay = s->config->retry_delay_ms;
    for (unsigned i = 1; i < attempt && delay < ASSAY_RETRY_MAX_MS; i++) {
        delay *= 2;
    }
    delay = delay < ASSAY_RETRY_MAX_MS ? delay : ASSAY_RETRY_MAX_MS;
    uint32_t dice = 0; /* the upper half of it, at random: what failed together is spread out */
    (void)!getrandom(&dice, sizeof dice, GRND_NONBLOCK);
    return delay / 2 + (delay - delay / 2) * dice / UINT32_MAX;
}

/* No attempt is left, or none can work. */
static enum assay_status end_run(struct server *s, const struct server_run *run, const char *reason,
                                 enum assay_run_state to, struct assay_error *err)
{
    enum assay_status status = assay_store_ended(s->store, run->id, to, reason, err);
    if (status == ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "runs", "ended: INCOMPLETE", ASSAY_LOG_N("run", run->id),
                  ASSAY_LOG_S("state", assay_run_state_name(to)),
                  ASSAY_LOG_N("attempt", run->attempt), ASSAY_LOG_S("why", reason));
    }
    return status;
}

static enum assay_status queue_again(struct server *s, const struct server_run *run,
                                     const char *reason, uint64_t delay, struct assay_error *err)
{
    enum assay_status status =
        assay_store_requeued(s->store, run->id, assay_store_now(s->store) + delay, reason, err);
    if (status == ASSAY_OK) {
        assay_log(ASSAY_LOG_WARNING, "runs", "will be tried again", ASSAY_LOG_N("run", run->id),
                  ASSAY_LOG_N("attempt", run->attempt), ASSAY_LOG_N("in_ms", delay),
                  ASSAY_LOG_S("why", reason));
    }
    return status;
}

/* `why`: ASSAY_IO when nobody said. A full disk costs no attempt: there will be room, or an end by
 * deadline or cancellation; until then the run says what it waits for. */
static enum assay_status record_fault(struct server *s, struct server_run *run, const char *reason,
                                      enum assay_status why, struct assay_error *err)
{
    enum assay_status status = server_note_suspects(s, run, err);
    if (status != ASSAY_OK) {
        return status;
    }
    int permanent = is_permanent(why);
    int is_last = permanent || (why != ASSAY_FULL && run->attempt > server_attempts(s, run));
    if (is_last) {
        status = end_run(s, run, reason, permanent ? ASSAY_RUN_FAILED : ASSAY_RUN_DEAD, err);
    } else {
        uint64_t delay = retry_delay(s, run->attempt);
        delay = why == ASSAY_FULL && delay > FULL_RETRY_MS ? FULL_RETRY_MS : delay;
        status = queue_again(s, run, reason, delay, err);
    }
    if (status == ASSAY_OK) {
        server_count_fault(s, run, is_last);
        server_remove_tree(run->staging);
    }
    return status;
}

/* Records how a run ended that leaves no report. */
static enum assay_status conclude(struct server *s, struct server_run *run, struct assay_error *err)
{
    char reason[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 64];
    const struct assay_child *c = &run->child;
    if (run->ending != SERVER_NOT_ENDED) {
        return server_record_ending(s, run, err);
    }
    if (run->suspect_len > 0) {
        enum assay_status status = server_suspect_tried(s, run, &run->again, err);
        if (status != ASSAY_OK || run->again) {
            return status;
        }
    }
    if (c->has_last && c->last.type == ASSAY_MESSAGE_ERROR) {
        (void)snprintf(reason, sizeof reason, "%s", c->last.text);
        server_name_originals(s, run, reason, sizeof reason);
        return record_fault(s, run, reason, c->last.status, err);
    }
    assay_child_describe(c, reason, sizeof reason);
    return record_fault(s, run, reason, ASSAY_IO, err);
}

/* The next worker of the same attempt. */
static void go_on(struct server *s, struct server_run *slot)
{
    assay_child_release(&slot->child);
    slot->child = (struct assay_child){.pipe_fd = -1, .job_fd = -1};
    slot->again = 0;
    slot->record_ms = 0;
    server_launch(s, slot);
    slot->record_ms = slot->child.pid == 0 ? assay_monotonic_ms() : 0;
}

/* The run is recorded, and the slot free. */
static void let_go(struct server *s, struct server_run *run)
{
    assay_child_release(&run->child);
    run->busy = run->is_recorded = 0;
    server_generations_sweep(s);
    server_tell(s, run->id);
    server_answer(s, run->id);
}

static void try_again_later(struct server_run *run, const struct assay_error *why)
{
    assay_log(ASSAY_LOG_ERROR, "runs", "cannot record the outcome; trying again",
              ASSAY_LOG_N("run", run->id), ASSAY_LOG_S("why", why->message));
    run->record_ms = assay_monotonic_ms() + SERVER_STORE_RETRY_MS;
}

void server_finish(struct server *s, struct server_run *run)
{
    struct assay_error err;
    enum assay_status status = run->again ? ASSAY_OK : conclude(s, run, &err);
    if (status != ASSAY_OK) {
        try_again_later(run, &err);
    } else if (run->again) {
        go_on(s, run);
    } else {
        let_go(s, run);
    }
}

/* ---- reports ------------------------------------------------------------------------------- */

static int is_ready(const struct server_run *r, uint64_t now)
{
    return r->busy && r->child.pid == 0 && r->record_ms <= now;
}

static int leaves_a_report(const struct server_run *r)
{
    return r->ending == SERVER_NOT_ENDED && r->suspect_len == 0 && !r->again &&
           assay_child_succeeded(&r->child);
}

/* Publishes a group at once; one whose report cannot be published is as one that broke. */
static void publish(struct server *s, struct server_run *const *group, size_t n)
{
    struct assay_error errs[SERVER_GROUP_MAX];
    char reason[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 64];
    server_publish(s->config, &s->signer, group, n, errs);
    for (size_t i = 0; i < n; i++) {
        struct assay_error err;
        if (group[i]->is_published) {
            continue;
        }
        assay_error_format(&errs[i], reason, sizeof reason);
        enum assay_status why = errs[i].status == ASSAY_FULL ? ASSAY_FULL : ASSAY_IO;
        if (record_fault(s, group[i], reason, why, &err) == ASSAY_OK) {
            let_go(s, group[i]);
        } else {
            try_again_later(group[i], &err);
        }
    }
}

void server_finish_ended(struct server *s)
{
    size_t n = 0;
    struct server_run *group[SERVER_GROUP_MAX];
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        struct server_run *r = &s->runs[i];
        if (!is_ready(r, now) || r->is_published) {
            continue;
        }
        (void)assay_child_read(&r->child, now);
        if (!leaves_a_report(r)) {
            server_finish(s, r);
            continue;
        }
        group[n++] = r;
        if (n == SERVER_GROUP_MAX) {
            publish(s, group, n);
            n = 0;
        }
    }
    if (n > 0) {
        publish(s, group, n);
    }
}

/* ---- recording what was published ---------------------------------------------------------- */

int server_has_published(const struct server *s)
{
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        if (is_ready(&s->runs[i], now) && s->runs[i].is_published) {
            return 1;
        }
    }
    return 0;
}

static enum assay_status record(struct server *s, struct server_run *run, struct assay_error *err)
{
    const struct assay_outcome outcome = {run->verdict, run->final, run->manifest};
    return assay_store_done(s->store, run->id, &outcome, err);
}

void server_record_published(struct server *s)
{
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        struct server_run *r = &s->runs[i];
        struct assay_error err;
        if (!is_ready(r, now) || !r->is_published) {
            continue;
        }
        if (record(s, r, &err) == ASSAY_OK) {
            r->is_recorded = 1;
        } else {
            try_again_later(r, &err);
        }
    }
}

static void say_done(struct server *s, const struct server_run *run)
{
    server_count_done(s, run);
    assay_log(ASSAY_LOG_INFO, "runs", "done", ASSAY_LOG_N("run", run->id),
              ASSAY_LOG_S("verdict", run->verdict), ASSAY_LOG_S("report", run->final));
}

size_t server_recorded(struct server *s, const struct assay_error *why)
{
    size_t n = 0;
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        struct server_run *r = &s->runs[i];
        if (r->busy && r->is_recorded && why == NULL) {
            say_done(s, r);
            let_go(s, r);
            n++;
        } else if (r->busy && r->is_recorded) {
            r->is_recorded = 0;
            try_again_later(r, why);
        }
    }
    return n;
}

void server_postpone_published(struct server *s, const struct assay_error *why)
{
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        if (is_ready(&s->runs[i], now) && s->runs[i].is_published) {
            try_again_later(&s->runs[i], why);
        }
    }
}

enum assay_status server_record_alone(struct server *s, struct server_run *run,
                                      struct assay_error *err)
{
    enum assay_status status = record(s, run, err);
    if (status == ASSAY_OK) {
        say_done(s, run);
    }
    return status;
}
