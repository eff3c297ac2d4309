/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/ending.c: runs that end before they are done: cancelled on request, or past their deadline.
 *
 * A run that waits is ended in the store. A worker is told by SIGTERM, and killed after a grace; its
 * run ends when it has. That it was to be cancelled is recorded first, so that a daemon killed in
 * between does not start it again. A report that has its final name already stays: done wins.
 */
#include <signal.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

#define GRACE_MS UINT64_C(3000) /* from SIGTERM to SIGKILL */
#define AGAIN_MS UINT64_C(5000) /* the store failed */

static const struct {
    enum assay_run_state state;
    const char *reason;
} endings[] = {
    [SERVER_CANCELLED] = {ASSAY_RUN_CANCELLED, "cancelled on request"},
    [SERVER_OVERDUE] = {ASSAY_RUN_DEAD, "the deadline passed before it was done"},
};

static enum assay_status record(struct server *s, uint64_t id, enum server_ending why,
                                struct assay_error *err)
{
    enum assay_status status =
        assay_store_ended(s->store, id, endings[why].state, endings[why].reason, err);
    if (status == ASSAY_OK) {
        assay_log(ASSAY_LOG_WARNING, "runs", "ended: INCOMPLETE", ASSAY_LOG_N("run", id),
                  ASSAY_LOG_S("state", assay_run_state_name(endings[why].state)),
                  ASSAY_LOG_S("why", endings[why].reason));
    }
    return status;
}

enum assay_status server_record_ending(struct server *s, struct server_run *run,
                                       struct assay_error *err)
{
    server_remove_tree(run->staging);
    return record(s, run->id, run->ending, err);
}

static void tell_worker(struct server_run *r, enum server_ending why)
{
    if (r->ending == SERVER_NOT_ENDED) {
        r->ending = why;
        r->kill_ms = assay_monotonic_ms() + GRACE_MS;
        assay_child_kill(&r->child, SIGTERM);
    }
}

static struct server_run *find(struct server *s, uint64_t id)
{
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        if (s->runs[i].busy && s->runs[i].id == id) {
            return &s->runs[i];
        }
    }
    return NULL;
}

enum assay_status server_cancel(struct server *s, uint64_t id, struct assay_error *err)
{
    struct assay_run_record run;
    struct server_run *slot = find(s, id);
    enum assay_status status = assay_store_get(s->store, id, &run, err);
    if (status != ASSAY_OK) {
        return status;
    }
    if (assay_run_is_final(&run)) {
        return assay_fail(err, ASSAY_USAGE, "run %llu is %s already: there is nothing to cancel",
                          (unsigned long long)id, assay_run_state_name(run.state));
    }
    if (run.state == ASSAY_RUN_RUNNING) {
        status = assay_store_cancelling(s->store, id, err);
        if (status == ASSAY_OK && slot != NULL) {
            tell_worker(slot, SERVER_CANCELLED);
        }
        return status;
    }
    status = record(s, id, SERVER_CANCELLED, err);
    if (status == ASSAY_OK) {
        server_tell(s, id);
        server_answer(s, id);
    }
    return status;
}

/* Runs whose deadline passed while they waited: one by one, each recorded before it is told. */
static void end_overdue_waiting(struct server *s)
{
    struct assay_run_record run;
    struct assay_error err;
    while (assay_store_overdue(s->store, assay_store_now(s->store), &run, &err) == ASSAY_OK) {
        uint64_t id = run.id;
        if (record(s, id, SERVER_OVERDUE, &err) != ASSAY_OK) {
            s->schedule_ms = assay_monotonic_ms() + AGAIN_MS;
            return;
        }
        server_tell(s, id);
        server_answer(s, id);
    }
}

void server_check_ends(struct server *s)
{
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        struct server_run *r = &s->runs[i];
        if (!r->busy || r->child.pid == 0) {
            continue;
        }
        if (r->due_ms <= now) {
            tell_worker(r, SERVER_OVERDUE);
        }
        if (r->ending != SERVER_NOT_ENDED && r->kill_ms <= now) {
            assay_child_kill(&r->child, SIGKILL);
            r->kill_ms = SERVER_NEVER;
        }
    }
    if (s->schedule_ms <= now) {
        end_overdue_waiting(s);
    }
}

/* When a deadline on the store's clock is on the monotonic one. */
static uint64_t monotonic_of(const struct server *s, uint64_t at)
{
    uint64_t now = assay_store_now(s->store);
    return assay_monotonic_ms() + (at > now ? at - now : 0);
}

uint64_t server_ends_deadline(const struct server *s)
{
    uint64_t due = SERVER_NEVER;
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        const struct server_run *r = &s->runs[i];
        if (r->busy && r->child.pid > 0) {
            uint64_t at = r->ending == SERVER_NOT_ENDED ? r->due_ms : r->kill_ms;
            due = at < due ? at : due;
        }
    }
    uint64_t waiting = assay_store_next_deadline(s->store);
    if (waiting != 0) {
        uint64_t at = monotonic_of(s, waiting);
        at = at < s->schedule_ms ? s->schedule_ms : at;
        due = at < due ? at : due;
    }
    return due;
}
