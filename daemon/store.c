/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store.c: the state machine of a run.
 *
 * Whatever changes a state goes through `move`, which asks the table. New runs are queued.
 */
#include "daemon/store.h"

#include "core/clock.h"
#include "daemon/store_db.h"

#define MAY(state) (1U << (state))

static const struct {
    const char *name;
    unsigned next; /* MAY() of the states it may become */
} states[ASSAY_RUN_STATES] = {
    [ASSAY_RUN_QUEUED] = {"queued", MAY(ASSAY_RUN_RUNNING) | MAY(ASSAY_RUN_FAILED) |
                                        MAY(ASSAY_RUN_CANCELLED) | MAY(ASSAY_RUN_DEAD)},
    [ASSAY_RUN_RUNNING] = {"running", MAY(ASSAY_RUN_QUEUED) | MAY(ASSAY_RUN_DONE) |
                                          MAY(ASSAY_RUN_FAILED) | MAY(ASSAY_RUN_CANCELLED) |
                                          MAY(ASSAY_RUN_DEAD)},
    [ASSAY_RUN_DONE] = {"done", 0},
    [ASSAY_RUN_FAILED] = {"failed", 0},
    [ASSAY_RUN_CANCELLED] = {"cancelled", 0},
    [ASSAY_RUN_DEAD] = {"dead", 0},
};

const char *assay_run_state_name(enum assay_run_state s)
{
    return states[s].name;
}

int assay_run_state_is_final(enum assay_run_state s)
{
    return states[s].next == 0;
}

int assay_run_may_become(enum assay_run_state from, enum assay_run_state to)
{
    return (states[from].next & MAY(to)) != 0;
}

uint64_t assay_store_now(const struct assay_store *s)
{
    return s->now();
}

void assay_store_set_clock(struct assay_store *s, uint64_t (*now)(void))
{
    s->now = now;
}

/* ---- queueing ------------------------------------------------------------------------------ */

static void join_packs(struct assay_buf *out, struct assay_config_list packs)
{
    for (size_t i = 0; i < packs.n; i++) {
        assay_buf_addf(out, "%s\n", packs.items[i]);
    }
}

static enum assay_status add_dataset(struct assay_store *s, const struct assay_run_spec *spec,
                                     struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_DATASET);
    store_bind_text(q, 1, spec->path);
    store_bind_text(q, 2, spec->name);
    store_bind_number(q, 3, s->now());
    return store_run(s, q, "record the dataset", NULL, err);
}

static enum assay_status add_run(struct assay_store *s, const struct assay_run_spec *spec,
                                 const char *packs, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_ADD);
    store_bind_text(q, 1, spec->path);
    store_bind_text(q, 2, spec->source);
    store_bind_text(q, 3, spec->policy);
    store_bind_text(q, 4, packs);
    (void)sqlite3_bind_blob(q, 5, spec->signature, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    store_bind_number(q, 6, s->now());
    (void)sqlite3_bind_blob(q, 7, spec->rules_digest, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    (void)sqlite3_bind_int64(q, 8, spec->priority);
    store_bind_number(q, 9, spec->deadline_ms);
    return store_run(s, q, "queue a run", NULL, err);
}

enum assay_status assay_store_add(struct assay_store *s, const struct assay_run_spec *spec,
                                  uint64_t *ret_id, struct assay_error *err)
{
    ASSAY_AUTO_BUF packs;
    assay_buf_init(&packs, STORE_TEXT_MAX / 4);
    join_packs(&packs, spec->packs);
    if (assay_buf_status(&packs) != ASSAY_OK) {
        return assay_fail(err, assay_buf_status(&packs), "too many packs");
    }
    enum assay_status status = store_enter(s, err);
    if (status != ASSAY_OK) {
        return status;
    }
    status = add_dataset(s, spec, err);
    if (status == ASSAY_OK) {
        status = add_run(s, spec, assay_buf_str(&packs), err);
    }
    *ret_id = (uint64_t)sqlite3_last_insert_rowid(s->db);
    if (status == ASSAY_OK && spec->origin != NULL) {
        status = store_attach(s, *ret_id, spec, err);
    }
    return store_leave(s, status, err);
}

/* ---- transitions --------------------------------------------------------------------------- */

struct move {
    enum assay_run_state to;
    const char *reason;
    uint64_t not_before_ms;
};

static enum assay_status read_state(struct assay_store *s, uint64_t id, enum assay_run_state *ret,
                                    int *ret_cancelling, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    sqlite3_stmt *q = store_query(s, Q_STATE);
    store_bind_number(q, 1, id);
    int step = sqlite3_step(q);
    if (step == SQLITE_ROW) {
        *ret = (enum assay_run_state)(store_row_number(q, 0) % ASSAY_RUN_STATES);
        *ret_cancelling = store_row_number(q, 1) != 0;
    } else if (step == SQLITE_DONE) {
        status = assay_fail(err, ASSAY_INTERNAL, "no run %llu", (unsigned long long)id);
    } else {
        status = store_fail(s, "read a run", err);
    }
    (void)sqlite3_reset(q);
    return status;
}

/* The only way from one state to another. */
static enum assay_status move(struct assay_store *s, uint64_t id, const struct move *m,
                              struct assay_error *err)
{
    enum assay_run_state from = ASSAY_RUN_QUEUED;
    int cancelling = 0;
    enum assay_status status = read_state(s, id, &from, &cancelling, err);
    if (status != ASSAY_OK) {
        return status;
    }
    if (!assay_run_may_become(from, m->to) || (cancelling && !assay_run_state_is_final(m->to))) {
        return assay_fail(err, ASSAY_INTERNAL, "run %llu is %s%s and cannot become %s",
                          (unsigned long long)id, states[from].name,
                          cancelling ? ", to be cancelled," : "", states[m->to].name);
    }
    sqlite3_stmt *q = store_query(s, Q_MOVE);
    store_bind_number(q, 1, id);
    store_bind_number(q, 2, m->to);
    store_bind_text(q, 3, m->reason);
    store_bind_number(q, 4, m->not_before_ms);
    store_bind_number(q, 5, s->now());
    store_bind_number(q, 6, from);
    return store_run(s, q, "record a transition", NULL, err);
}

static enum assay_status move_alone(struct assay_store *s, uint64_t id, struct move m,
                                    struct assay_error *err)
{
    enum assay_status status = store_enter(s, err);
    return status == ASSAY_OK ? store_leave(s, move(s, id, &m, err), err) : status;
}

enum assay_status assay_store_started(struct assay_store *s, uint64_t id, struct assay_error *err)
{
    return move_alone(s, id, (struct move){.to = ASSAY_RUN_RUNNING}, err);
}

enum assay_status assay_store_requeued(struct assay_store *s, uint64_t id, uint64_t not_before_ms,
                                       const char *reason, struct assay_error *err)
{
    return move_alone(s, id, (struct move){ASSAY_RUN_QUEUED, reason, not_before_ms}, err);
}

enum assay_status assay_store_ended(struct assay_store *s, uint64_t id, enum assay_run_state to,
                                    const char *reason, struct assay_error *err)
{
    if (to == ASSAY_RUN_DONE) { /* which needs an outcome */
        return assay_fail(err, ASSAY_INTERNAL, "run %llu: done without an outcome",
                          (unsigned long long)id);
    }
    return move_alone(s, id, (struct move){to, reason, 0}, err);
}

static enum assay_status add_verdict(struct assay_store *s, uint64_t id,
                                     const struct assay_outcome *outcome, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_VERDICT);
    store_bind_number(q, 1, id);
    store_bind_text(q, 2, outcome->verdict);
    store_bind_text(q, 3, outcome->report);
    store_bind_text(q, 4, outcome->manifest);
    store_bind_number(q, 5, s->now());
    return store_run(s, q, "record the verdict", NULL, err);
}

enum assay_status assay_store_done(struct assay_store *s, uint64_t id,
                                   const struct assay_outcome *outcome, struct assay_error *err)
{
    const struct move m = {.to = ASSAY_RUN_DONE};
    enum assay_status status = store_enter(s, err);
    if (status != ASSAY_OK) {
        return status;
    }
    status = move(s, id, &m, err);
    if (status == ASSAY_OK) {
        status = add_verdict(s, id, outcome, err);
    }
    return store_leave(s, status, err);
}

enum assay_status assay_store_cancelling(struct assay_store *s, uint64_t id,
                                         struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_CANCELLING);
    store_bind_number(q, 1, id);
    return store_change_run(s, q, id, "note a cancellation", "does not run", err);
}

/* ---- recovery ------------------------------------------------------------------------------ */

struct recovery {
    int (*finished)(void *ctx, const struct assay_run_record *run, struct assay_outcome *ret);
    void *ctx;
    uint64_t queued;
};

/* A run that was under way when the daemon died: done, cancelled, or queued again. */
static enum assay_status recover_one(struct assay_store *s, struct recovery *r,
                                     const struct assay_run_record *run, struct assay_error *err)
{
    struct assay_outcome outcome;
    if (r->finished != NULL && r->finished(r->ctx, run, &outcome)) {
        return assay_store_done(s, run->id, &outcome, err);
    }
    if (run->cancelling) {
        return assay_store_ended(s, run->id, ASSAY_RUN_CANCELLED, "cancelled on request", err);
    }
    r->queued++;
    return assay_store_requeued(s, run->id, 0, "the daemon stopped during this run", err);
}

enum assay_status assay_store_recover(struct assay_store *s,
                                      int (*finished)(void *ctx, const struct assay_run_record *run,
                                                      struct assay_outcome *ret),
                                      void *ctx, uint64_t *ret_queued, struct assay_error *err)
{
    struct assay_run_record run;
    struct recovery r = {finished, ctx, 0};
    enum assay_status status = ASSAY_OK;
    while (status == ASSAY_OK) {
        status = store_one_run(s, store_query(s, Q_INTERRUPTED), &run, err);
        if (status == ASSAY_OK) {
            status = recover_one(s, &r, &run, err);
        }
    }
    *ret_queued = r.queued;
    return status == ASSAY_NOTFOUND ? ASSAY_OK : status;
}
