/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/status.c: what clients are shown of the daemon: once (`status`), or as it changes (`watch`).
 *
 * Watching is pushed, never polled. Changes of runs go into one ring of numbers, and each watcher
 * keeps its place in it; a push tells the runs behind that place as they are now, together with all
 * that run and the next to start. A watcher is told at most every interval, and only once what it
 * was told before is on its way: one that reads slowly is told less often, and costs one push of
 * memory. One that falls behind the ring is told everything anew, and how many changes it missed.
 * So nothing here waits for a client, and nothing grows with one.
 */
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/status.h"
#include "daemon/sandbox.h"
#include "daemon/server.h"
#include <config.h> /* not daemon/config.h */

#define STATUS_RUNS  50
#define WAITING_RUNS 10
#define PUSH_BYTES   ASSAY_LIMIT_CONTROL_MESSAGE /* the rest of the changes comes with the next */

struct assay_run_progress server_progress(const struct server *s, uint64_t run)
{
    const struct server_run *r = server_find_run(s, run);
    uint64_t now = assay_monotonic_ms();
    if (r == NULL) {
        return (struct assay_run_progress){.said = NULL};
    }
    return (struct assay_run_progress){
        .said = &r->child.progress,
        .phase_ms = r->child.beats ? now - r->child.phase_ms : 0,
        .still_ms = now - r->child.moved_ms,
    };
}

/* What is asked for, and what this kernel offers. */
static void put_sandbox(const struct server *s, struct assay_json *j)
{
    assay_json_key(j, "sandbox");
    assay_json_object(j);
    assay_json_kv_str(j, "mode",
                      assay_sandbox_mode_name((enum assay_sandbox_mode)s->config->sandbox));
    assay_json_kv_uint(j, "landlock", (uint64_t)assay_sandbox_landlock_abi());
    assay_json_kv_bool(j, "seccomp", assay_sandbox_has_seccomp());
    assay_json_end_object(j);
}

static void put_sources(struct server *s, struct assay_json *j)
{
    assay_json_key(j, "sources");
    assay_json_array(j);
    for (size_t i = 0; i < s->config->n_sources; i++) {
        const struct assay_config_source *c = &s->config->sources[i];
        struct assay_source_counts counts = server_source_counts(s, c);
        assay_json_object(j);
        assay_json_kv_str(j, "name", c->name);
        assay_json_kv_str(j, "kind", c->kind);
        assay_json_kv_str(j, "path", c->path);
        assay_json_kv_str(j, "problem", counts.problem);
        assay_json_kv_str(j, "note", counts.note);
        assay_json_kv_uint(j, "stale", s->stale[i]);
        assay_json_kv_uint(j, "datasets", counts.datasets);
        assay_json_kv_uint(j, "pending", counts.pending);
        assay_json_kv_uint(j, "rescans", counts.rescans);
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
}

struct run_lister {
    struct server *s;
    struct assay_json *j;
    const struct server_watch *watch; /* NULL: any run will do */
};

static int wanted(const struct server_watch *w, const struct assay_run_record *run)
{
    if (w == NULL || (w->run == 0 && w->dataset == NULL)) {
        return 1;
    }
    return w->dataset == NULL ? run->id == w->run
                              : run->id > w->run && strcmp(run->spec.path, w->dataset) == 0;
}

static int put_run(void *ctx, const struct assay_run_record *run)
{
    struct run_lister *l = ctx;
    if (wanted(l->watch, run)) {
        const struct assay_run_progress progress = server_progress(l->s, run->id);
        assay_json_run(l->j, run, &progress);
    }
    return 0;
}

static void put_state(const struct server *s, struct assay_json *j)
{
    assay_json_kv_str(j, "version", PACKAGE_VERSION);
    assay_json_kv_str(j, "state", s->state == SERVER_RUNNING ? "running" : "draining");
    assay_json_kv_uint(j, "pid", (uint64_t)getpid());
    assay_json_kv_uint(j, "started_ms", s->started_ms);
    assay_json_kv_uint(j, "workers", s->config->workers);
    assay_json_kv_uint(j, "busy", server_busy(s));
}

enum assay_status server_put_status(struct server *s, struct assay_buf *out,
                                    struct assay_error *err)
{
    struct assay_json j;
    uint64_t counts[ASSAY_RUN_STATES];
    struct run_lister lister = {s, &j, NULL};
    enum assay_status status = assay_store_counts(s->store, counts, err);
    if (status != ASSAY_OK) {
        return status;
    }
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_bool(&j, "ok", 1);
    put_state(s, &j);
    put_sandbox(s, &j);
    for (int i = 0; i < ASSAY_RUN_STATES; i++) {
        assay_json_kv_uint(&j, assay_run_state_name((enum assay_run_state)i), counts[i]);
    }
    put_sources(s, &j);
    assay_json_key(&j, "runs");
    assay_json_array(&j);
    status = assay_store_list(s->store, STATUS_RUNS, put_run, &lister, err);
    assay_json_end_array(&j);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    return status;
}

/* ---- what changes -------------------------------------------------------------------------- */

void server_news(struct server *s, uint64_t run)
{
    s->news.run[s->news.n % SERVER_NEWS] = run;
    s->news.n++;
    s->news.stirred++;
}

void server_stir(struct server *s)
{
    s->news.stirred++;
}

/* ---- watching ------------------------------------------------------------------------------ */

enum assay_status server_watch_start(struct server *s, struct server_watch *w,
                                     const struct assay_request *r, struct assay_error *err)
{
    char *dataset = NULL;
    if (r->dataset != NULL && (dataset = strdup(r->dataset)) == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    server_watch_stop(w);
    *w = (struct server_watch){.on = 1,
                               .all = 1,
                               .at = s->news.n,
                               .run = r->run,
                               .dataset = dataset,
                               .interval_ms = r->interval_ms < ASSAY_LIMIT_WATCH_MS
                                                  ? ASSAY_LIMIT_WATCH_MS
                                                  : r->interval_ms};
    return ASSAY_OK;
}

void server_watch_stop(struct server_watch *w)
{
    free(w->dataset);
    *w = (struct server_watch){.on = 0};
}

static enum assay_status put_one(struct run_lister *l, uint64_t id, struct assay_error *err)
{
    struct assay_run_record run;
    enum assay_status status = assay_store_get(l->s->store, id, &run, err);
    if (status == ASSAY_OK) {
        (void)put_run(l, &run);
    }
    return status == ASSAY_NOTFOUND ? ASSAY_OK : status; /* it is not on record any more */
}

/* All that run: at most as many as there are slots. */
static enum assay_status put_active(struct run_lister *l, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < SERVER_WORKERS_MAX; i++) {
        if (l->s->runs[i].busy) {
            status = put_one(l, l->s->runs[i].id, err);
        }
    }
    return status;
}

/* Whether the change at `at` is followed by another of the same run. */
static int comes_again(const struct server_news *news, uint64_t at)
{
    uint64_t run = news->run[at % SERVER_NEWS];
    while (++at < news->n) {
        if (news->run[at % SERVER_NEWS] == run) {
            return 1;
        }
    }
    return 0;
}

/* The runs that changed, each once, as they are now. */
static enum assay_status put_changes(struct run_lister *l, struct server_watch *w,
                                     struct assay_error *err)
{
    const struct server_news *news = &l->s->news;
    enum assay_status status = ASSAY_OK;
    size_t before = l->j->out->len;
    for (; status == ASSAY_OK && w->at < news->n && l->j->out->len - before < PUSH_BYTES; w->at++) {
        uint64_t id = news->run[w->at % SERVER_NEWS];
        if (!comes_again(news, w->at) && (w->run == 0 || w->dataset != NULL || w->run == id)) {
            status = put_one(l, id, err);
        }
    }
    return status;
}

/* The newest runs; of a watcher that wants one of them, that one. */
static enum assay_status put_all(struct run_lister *l, const struct server_watch *w,
                                 struct assay_error *err)
{
    struct assay_run_record run;
    if (w->dataset == NULL) {
        return w->run != 0 ? put_one(l, w->run, err)
                           : assay_store_list(l->s->store, STATUS_RUNS, put_run, l, err);
    }
    enum assay_status status = assay_store_newest(l->s->store, w->dataset, w->run, &run, err);
    if (status == ASSAY_OK) {
        (void)put_run(l, &run);
    }
    return status == ASSAY_NOTFOUND ? ASSAY_OK : status;
}

/* What runs, what is next, and what changed (or everything), as the members of a push. */
static enum assay_status put_lists(struct run_lister *l, struct server_watch *w, int all,
                                   struct assay_error *err)
{
    assay_json_key(l->j, "active");
    assay_json_array(l->j);
    enum assay_status status = put_active(l, err);
    assay_json_end_array(l->j);
    assay_json_key(l->j, "waiting");
    assay_json_array(l->j);
    if (status == ASSAY_OK) {
        status = assay_store_waiting(l->s->store, WAITING_RUNS, put_run, l, err);
    }
    assay_json_end_array(l->j);
    assay_json_key(l->j, "changed");
    assay_json_array(l->j);
    if (status == ASSAY_OK) {
        status = all ? put_all(l, w, err) : put_changes(l, w, err);
    }
    assay_json_end_array(l->j);
    return status;
}

/* Appends one push for a watcher and moves its place in the ring. */
static enum assay_status push(struct server *s, struct server_watch *w, struct assay_buf *out,
                              struct assay_error *err)
{
    struct assay_json j;
    struct run_lister lister = {s, &j, w};
    uint64_t missed = s->news.n - w->at > SERVER_NEWS ? s->news.n - w->at : 0;
    int all = w->all || missed > 0;
    w->at = all ? s->news.n : w->at;
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_bool(&j, "ok", 1);
    put_state(s, &j);
    assay_json_kv_uint(&j, "queued", assay_store_queued(s->store));
    assay_json_kv_bool(&j, "all", all);
    assay_json_kv_uint(&j, "missed", missed);
    enum assay_status status = put_lists(&lister, w, all, err);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    w->all = 0;
    if (w->at == s->news.n) {
        w->seen = s->news.stirred;
    }
    return status;
}

static int has_news(const struct server *s, const struct server_client *c)
{
    return c->fd >= 0 && c->watch.on && c->out.len == 0 &&
           (c->watch.all || c->watch.seen != s->news.stirred);
}

void server_watch_turn(struct server *s)
{
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        struct server_client *c = &s->clients[i];
        struct assay_error err;
        if (!has_news(s, c) || c->watch.next_ms > now) {
            continue;
        }
        c->watch.next_ms = now + c->watch.interval_ms;
        if (push(s, &c->watch, &c->out, &err) != ASSAY_OK) { /* half of it is no answer */
            c->out.len = 0;
            server_watch_stop(&c->watch);
            assay_reply_error(&c->out, &err);
        }
    }
}

uint64_t server_watch_deadline(const struct server *s)
{
    uint64_t due = SERVER_NEVER;
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        const struct server_client *c = &s->clients[i];
        if (has_news(s, c)) {
            due = c->watch.next_ms < due ? c->watch.next_ms : due;
        }
    }
    return due;
}
