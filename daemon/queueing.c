/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/queueing.c: what was delivered, or submitted, becomes a run in the store, unless one is
 * there that answers it.
 */
#include "core/arena.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

/* ---- what sources deliver -------------------------------------------------------------------- */

/* What a delivery asks for; what it does not say is as its source is configured. */
static struct assay_run_spec spec_of(const struct assay_delivery *d)
{
    struct assay_run_spec spec = {
        .path = d->path,
        .name = d->name,
        .source = d->source->name,
        .policy = d->policy != NULL ? d->policy : d->source->policy,
        .packs = d->packs.n > 0 ? d->packs : d->source->packs,
        .priority = d->priority != 0 ? d->priority : (int64_t)d->source->priority,
        .deadline_ms = d->deadline_ms != 0 ? d->deadline_ms : d->source->deadline_ms,
        .origin = d->origin,
        .job = d->job};
    memcpy(spec.signature, d->signature, sizeof spec.signature);
    return spec;
}

/* ASSAY_OK and the run that answers what is delivered already; ASSAY_NOTFOUND: a new one must. */
static enum assay_status find_answer(struct server *s, const struct assay_run_spec *spec,
                                     uint64_t *ret_id, struct assay_error *err)
{
    struct assay_run_record run = {0};
    if (spec->origin != NULL && spec->job != NULL) {
        enum assay_status status =
            assay_store_find_job(s->store, spec->source, spec->job, &run, err);
        *ret_id = run.id;
        if (status != ASSAY_NOTFOUND) {
            return status;
        }
    }
    if (spec->origin == NULL) {
        return server_known(s, spec, ret_id, err);
    }
    enum assay_status status = assay_store_same(s->store, spec, ret_id, err);
    if (status == ASSAY_OK) { /* who asks anew wants more than a failure */
        status = assay_store_get(s->store, *ret_id, &run, err);
        if (status == ASSAY_OK && assay_run_is_final(&run) && run.state != ASSAY_RUN_DONE) {
            return assay_fail(err, ASSAY_NOTFOUND, "without a verdict");
        }
    }
    return status;
}

enum assay_status server_offer(struct server *s, const struct assay_delivery *d,
                               struct assay_arena *arena, struct server_offered *ret)
{
    struct assay_error err;
    struct assay_run_spec spec = spec_of(d);
    server_set_rules(s, &spec);
    *ret = (struct server_offered){.is_asked = spec.origin != NULL,
                                   .source = d->source->name,
                                   .path = assay_arena_strdup(arena, d->path)};
    enum assay_status status = ret->path == NULL ? assay_fail(&err, ASSAY_NOMEM, "out of memory")
                                                 : find_answer(s, &spec, &ret->id, &err);
    ret->is_new = status == ASSAY_NOTFOUND;
    if (ret->is_new) {
        status = assay_store_add(s->store, &spec, &ret->id, &err);
    } else if (status == ASSAY_OK && ret->is_asked) {
        status = assay_store_attach(s->store, ret->id, &spec, &err);
    }
    if (status != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "runs", "cannot queue a dataset",
                  ASSAY_LOG_S("dataset", d->path), ASSAY_LOG_S("why", err.message));
    }
    return status;
}

void server_offered(struct server *s, const struct server_offered *o)
{
    if (o->is_new) {
        assay_metrics_add(&s->metrics, ASSAY_M_RUNS_QUEUED, 0, 1);
        assay_log(ASSAY_LOG_INFO, "runs", "queued", ASSAY_LOG_N("run", o->id),
                  ASSAY_LOG_S("dataset", o->path), ASSAY_LOG_S("source", o->source));
        server_tell(s, o->id);
    } else if (o->is_asked) {
        server_answer(s, o->id);
    }
}

/* ---- on request ------------------------------------------------------------------------------- */

enum assay_status server_submit(struct server *s, const struct assay_request *r, uint64_t *ret_run,
                                struct assay_error *err)
{
    uint64_t newest;
    struct assay_run_record last;
    const char *name = strrchr(r->path, '/') + 1;
    struct assay_run_spec spec = {.path = r->path,
                                  .name = name[0] == '\0' ? "root" : name,
                                  .source = ASSAY_SOURCE_SUBMIT,
                                  .policy = r->policy,
                                  .packs = r->packs,
                                  .priority = (int64_t)r->priority,
                                  .deadline_ms = r->deadline_ms};
    if (s->state != SERVER_RUNNING) {
        return assay_fail(err, ASSAY_UNREACHABLE, "assayd is shutting down: submit again later");
    }
    if (assay_tree_signature(r->path, spec.signature, &newest) != ASSAY_OK) {
        return assay_fail(err, ASSAY_NOTFOUND, "%.300s: no such file or directory", r->path);
    }
    server_set_rules(s, &spec);
    if (assay_store_same(s->store, &spec, ret_run, NULL) == ASSAY_OK &&
        assay_store_get(s->store, *ret_run, &last, NULL) == ASSAY_OK &&
        !assay_run_is_final(&last)) {
        return ASSAY_OK; /* it is waiting or running already */
    }
    enum assay_status status = assay_store_add(s->store, &spec, ret_run, err);
    if (status == ASSAY_OK) {
        assay_metrics_add(&s->metrics, ASSAY_M_RUNS_QUEUED, 0, 1);
        assay_log(ASSAY_LOG_INFO, "runs", "submitted", ASSAY_LOG_N("run", *ret_run),
                  ASSAY_LOG_S("dataset", r->path));
        server_tell(s, *ret_run);
    }
    return status;
}
