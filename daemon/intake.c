/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/intake.c: the sources as the loop sees them: started and stopped together, told how much
 * room there is, asked for what they have to deliver.
 *
 * What one kind delivers in a turn is queued in one commit; what follows from it follows after. When
 * the store fails nothing was delivered: the source is asked to look again.
 */
#include "core/arena.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

#define DELIVERIES_A_TURN 16

/* ---- life ---------------------------------------------------------------------------------- */

void server_stop_sources(struct assay_source_set *sources[SERVER_KINDS_MAX])
{
    for (size_t i = 0; assay_source_kinds[i] != NULL; i++) {
        assay_source_kinds[i]->stop(sources[i]);
        sources[i] = NULL;
    }
}

static void source_ready(struct server *s, struct server_watcher *w)
{
    (void)s; /* waking up was the point: the loop asks every source anyway */
    (void)w;
}

enum assay_status server_start_sources(struct server *s, const struct assay_config *config,
                                       struct assay_source_set *ret[SERVER_KINDS_MAX],
                                       struct assay_error *err)
{
    memset(ret, 0, SERVER_KINDS_MAX * sizeof ret[0]);
    s->source_watcher.ready = source_ready;
    for (size_t i = 0; assay_source_kinds[i] != NULL && i < SERVER_KINDS_MAX; i++) {
        enum assay_status status = assay_source_kinds[i]->start(config, &ret[i], err);
        if (status == ASSAY_OK) {
            status = server_add(s, assay_source_kinds[i]->fd(ret[i]), &s->source_watcher, err);
        }
        if (status != ASSAY_OK) {
            server_stop_sources(ret);
            return status;
        }
    }
    return ASSAY_OK;
}

struct assay_source_counts server_source_counts(const struct server *s,
                                                const struct assay_config_source *which)
{
    struct assay_source_counts counts = {0};
    for (size_t i = 0; assay_source_kinds[i] != NULL; i++) {
        if (s->sources[i] != NULL && strcmp(assay_source_kinds[i]->name, which->kind) == 0) {
            assay_source_kinds[i]->counts(s->sources[i], which, &counts);
        }
    }
    return counts;
}

/* ---- deliveries ---------------------------------------------------------------------------- */

/* How many more audits could start at once. */
static size_t free_workers(struct server *s)
{
    struct assay_run_record waiting;
    size_t busy = server_busy(s);
    if (busy >= s->config->workers || assay_store_next(s->store, assay_store_now(s->store), NULL,
                                                       &waiting, NULL) != ASSAY_NOTFOUND) {
        return 0;
    }
    return s->config->workers - busy;
}

/* The deliveries that a turn takes from one kind of source: one commit, then its effects. */
struct intake {
    struct assay_arena *arena;
    struct server_offered offered[DELIVERIES_A_TURN];
    size_t n;
};

/* The store failed: what was delivered is found again. */
static void intake_failed(struct server *s, const struct assay_source_kind *kind,
                          struct assay_source_set *set)
{
    kind->rescan(set);
    s->schedule_ms = assay_monotonic_ms() + SERVER_STORE_RETRY_MS;
}

/* Takes `first` and what follows it. Non-zero: the store failed. */
static int take_deliveries(struct server *s, const struct assay_source_kind *kind,
                           struct assay_source_set *set, const struct assay_delivery *first,
                           struct intake *in)
{
    struct assay_delivery d = *first;
    int taken = 0, failed;
    do {
        failed = server_offer(s, &d, in->arena, &in->offered[in->n]) != ASSAY_OK;
        in->n += !failed;
        d = (struct assay_delivery){.source = NULL};
    } while (!failed && ++taken < DELIVERIES_A_TURN &&
             kind->next(set, assay_monotonic_ms(), &d) == ASSAY_OK);
    return failed;
}

/* Takes what one kind of source has to deliver, in one commit. */
static void ask_source(struct server *s, const struct assay_source_kind *kind,
                       struct assay_source_set *set)
{
    struct assay_error err = {.status = ASSAY_OK};
    struct assay_delivery d = {.source = NULL};
    struct intake in = {.n = 0};
    if (s->schedule_ms > assay_monotonic_ms() ||
        kind->next(set, assay_monotonic_ms(), &d) != ASSAY_OK) {
        return;
    }
    in.arena = assay_arena_new(ASSAY_MIB(1));
    int failed = in.arena == NULL || assay_store_begin(s->store, &err) != ASSAY_OK;
    if (!failed) {
        failed = take_deliveries(s, kind, set, &d, &in);
        if (assay_store_commit(s->store, &err) != ASSAY_OK) {
            failed = 1;
            in.n = 0;
        }
    }
    if (err.status != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "runs", "cannot queue datasets; trying again",
                  ASSAY_LOG_S("why", err.message));
    }
    if (failed) {
        intake_failed(s, kind, set);
    }
    for (size_t i = 0; i < in.n; i++) {
        server_offered(s, &in.offered[i]);
    }
    assay_arena_free(in.arena);
}

static int is_configured(const struct server *s, const struct assay_source_kind *kind)
{
    for (size_t i = 0; i < s->config->n_sources; i++) {
        if (strcmp(s->config->sources[i].kind, kind->name) == 0) {
            return 1;
        }
    }
    return 0;
}

void server_tell_room(struct server *s)
{
    for (size_t i = 0; assay_source_kinds[i] != NULL; i++) {
        if (assay_source_kinds[i]->room != NULL && is_configured(s, assay_source_kinds[i])) {
            assay_source_kinds[i]->room(s->sources[i], free_workers(s));
        }
    }
}

void server_ask_sources(struct server *s)
{
    server_tell_room(s);
    for (size_t i = 0; assay_source_kinds[i] != NULL && s->state == SERVER_RUNNING; i++) {
        const struct assay_source_kind *kind = assay_source_kinds[i];
        ask_source(s, kind, s->sources[i]);
    }
}
