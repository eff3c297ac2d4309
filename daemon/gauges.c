/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/gauges.c: the daemon's metrics: counted as runs end, and looked up when somebody asks.
 */
#include <sys/wait.h>

#include "core/clock.h"
#include "daemon/server.h"
#include "rules/policy.h"
#include <config.h> /* not daemon/config.h */

static size_t verdict_index(const char *verdict)
{
    size_t v = ASSAY_PASS;
    while (v < ASSAY_INCOMPLETE &&
           strcmp(verdict, assay_verdict_name((enum assay_verdict)v)) != 0) {
        v++;
    }
    return v; /* whatever is no verdict is INCOMPLETE */
}

void server_count_done(struct server *s, const struct server_run *run)
{
    const struct assay_worker_message *said = &run->child.last;
    assay_metrics_add(&s->metrics, ASSAY_M_RUNS, verdict_index(run->verdict), 1);
    assay_metrics_add(&s->metrics, ASSAY_M_RECORDS, 0, said->records);
    assay_metrics_add(&s->metrics, ASSAY_M_BYTES, 0, said->bytes_done);
    assay_metrics_add(&s->metrics, ASSAY_M_FINDINGS, 0, said->findings);
    assay_metrics_set(&s->metrics, ASSAY_M_LAST_RUN_MILLIS, 0, assay_wall_ms());
    assay_metrics_run(&s->metrics, assay_monotonic_ms() - run->started_ms);
}

/* What a worker that left no report ended of, as the metric has it. */
static enum assay_failure failure_of(const struct assay_child *c)
{
    if (c->stalled) {
        return ASSAY_FAILURE_STALLED;
    }
    if (c->has_last) {
        return c->last.type == ASSAY_MESSAGE_ERROR ? ASSAY_FAILURE_REPORTED : ASSAY_FAILURE_PUBLISH;
    }
    return WIFSIGNALED(c->wait_status) ? ASSAY_FAILURE_KILLED : ASSAY_FAILURE_EXITED;
}

void server_count_fault(struct server *s, const struct server_run *run, int is_last)
{
    assay_metrics_add(&s->metrics, ASSAY_M_FAILURES, failure_of(&run->child), 1);
    if (is_last) {
        assay_metrics_add(&s->metrics, ASSAY_M_RUNS, ASSAY_INCOMPLETE, 1);
    } else {
        assay_metrics_add(&s->metrics, ASSAY_M_RETRIES, 0, 1);
    }
}

static enum assay_status look_at_store(struct server *s, struct assay_error *err)
{
    uint64_t counts[ASSAY_RUN_STATES];
    uint64_t now = assay_store_now(s->store);
    enum assay_status status = assay_store_counts(s->store, counts, err);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; i < ASSAY_RUN_STATES; i++) {
        assay_metrics_set(&s->metrics, ASSAY_M_RUN_STATE, i, counts[i]);
    }
    uint64_t oldest = assay_store_oldest(s->store);
    assay_metrics_set(&s->metrics, ASSAY_M_QUEUE_DEPTH, 0, counts[ASSAY_RUN_QUEUED]);
    assay_metrics_set(&s->metrics, ASSAY_M_QUEUE_OLDEST_MILLIS, 0,
                      oldest != 0 && oldest < now ? now - oldest : 0);
    return ASSAY_OK;
}

/* What all running audits have done together: which of them is for `assay status` to say. */
static void look_at_workers(struct server *s)
{
    uint64_t done = 0;
    uint64_t total = 0;
    uint64_t records = 0;
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        const struct assay_worker_message *said = &s->runs[i].child.progress;
        if (s->runs[i].busy) {
            done += said->bytes_done;
            total += said->bytes_total;
            records += said->records;
        }
    }
    assay_metrics_set(&s->metrics, ASSAY_M_RUNNING_BYTES, 0, done);
    assay_metrics_set(&s->metrics, ASSAY_M_RUNNING_BYTES, 1, total);
    assay_metrics_set(&s->metrics, ASSAY_M_RUNNING_RECORDS, 0, records);
}

static void look_at_server(struct server *s)
{
    size_t busy = server_busy(s);
    uint64_t clients = 0;
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        clients += s->clients[i].fd >= 0 ? 1 : 0;
    }
    assay_metrics_set(&s->metrics, ASSAY_M_WORKERS, 0, busy);
    assay_metrics_set(&s->metrics, ASSAY_M_WORKERS, 1,
                      s->config->workers > busy ? s->config->workers - busy : 0);
    assay_metrics_set(&s->metrics, ASSAY_M_CLIENTS, 0, clients);
    look_at_workers(s);
    assay_metrics_set(&s->metrics, ASSAY_M_START_MILLIS, 0, s->started_ms);
    assay_metrics_process(&s->metrics);
}

/* One metric over all sources: `which` picks the number. */
static void put_sources(const struct server *s, struct assay_buf *out, const char *name,
                        const char *type, const char *help,
                        uint64_t (*which)(const struct assay_source_counts *c))
{
    assay_metrics_head(out, name, type, help);
    for (size_t i = 0; i < s->config->n_sources; i++) {
        const struct assay_source_counts c = server_source_counts(s, &s->config->sources[i]);
        assay_metrics_sample(out, name, "source", s->config->sources[i].name, which(&c));
    }
}

static uint64_t has_problem(const struct assay_source_counts *c)
{
    return c->problem != NULL;
}
static uint64_t datasets_of(const struct assay_source_counts *c)
{
    return c->datasets;
}
static uint64_t pending_of(const struct assay_source_counts *c)
{
    return c->pending;
}
static uint64_t rescans_of(const struct assay_source_counts *c)
{
    return c->rescans;
}

enum assay_status server_metrics(struct server *s, struct assay_buf *out, struct assay_error *err)
{
    enum assay_status status = look_at_store(s, err);
    if (status != ASSAY_OK) {
        return status;
    }
    look_at_server(s);
    assay_metrics_head(out, "assay_build_info", "gauge", "Always 1; the version is the label.");
    assay_metrics_sample(out, "assay_build_info", "version", PACKAGE_VERSION, 1);
    assay_metrics_write(&s->metrics, out);
    put_sources(s, out, "assay_source_problem", "gauge", "1 while a source does not work.",
                has_problem);
    put_sources(s, out, "assay_source_datasets", "gauge", "Datasets a source has seen.",
                datasets_of);
    put_sources(s, out, "assay_source_pending", "gauge", "Datasets that are not complete yet.",
                pending_of);
    put_sources(s, out, "assay_source_rescans_total", "counter", "Reconciling scans of a source.",
                rescans_of);
    return ASSAY_OK;
}
