/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/speak.c: see the header.
 */
#include "engine/speak.h"

#include "core/status.h"
#include "engine/result.h"

static enum assay_status on_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    struct assay_collector *c = ctx;
    return assay_audit_set_metric(c->run->audit, name, num, den);
}

static int is_before(const struct assay_member *a, const struct assay_member *b)
{
    return a->file != b->file ? a->file < b->file : a->record + 1 < b->record + 1;
}

static enum assay_status on_member(void *ctx, const struct assay_membership *m)
{
    const struct assay_collector *c = ctx;
    const struct assay_run *run = c->run;
    if (m->size < sizeof *m || m->rule >= run->n_rules || m->similarity > 1000 ||
        m->place.file >= assay_inventory_count(run->inventory) || !is_before(&m->keep, &m->place)) {
        return ASSAY_PLUGIN;
    }
    const struct assay_redundant row = {.record = m->place.record,
                                        .keep_record = m->keep.record,
                                        .file = m->place.file,
                                        .keep_file = m->keep.file,
                                        .rule = m->rule,
                                        .similarity = m->similarity};
    return run->audit->members == NULL ? ASSAY_OK : assay_members_add(run->audit->members, &row);
}

static enum assay_status say_failed(struct assay_collector *c, const struct assay_plugin *p)
{
    struct assay_finding f = assay_finding_init(0);
    char detail[96];
    (void)snprintf(detail, sizeof detail, "scanner %.64s, at the end", p->name);
    return assay_collector_raise(c, ASSAY_ENGINE_PLUGIN_FAILURE, &f, detail);
}

/* What it could not take in (handover.h) is a failure as well. */
static enum assay_status finish_scanner(struct assay_run *run, struct assay_worker *w, size_t i,
                                        struct assay_error *err)
{
    const struct assay_scanner_run *sr = &run->scanners[i];
    struct assay_collector *c = &w->collector;
    if (sr->scanner->finish == NULL) {
        return ASSAY_OK;
    }
    const enum assay_status status = sr->scanner->finish(sr->shared, w->scanners[i], &c->sink);
    c->finished |= UINT64_C(1) << i;
    if (status == ASSAY_NOMEM || status == ASSAY_FULL) {
        return assay_fail(err, status, "scanner %.64s has no room to finish", sr->plugin->name);
    }
    if (status != ASSAY_OK) {
        assay_collector_skip(c, ASSAY_SKIP_PLUGIN, 0, 0);
    }
    return status != ASSAY_OK || (c->delta.failed >> i & 1) != 0 ? say_failed(c, sr->plugin)
                                                                 : ASSAY_OK;
}

/* Rules whose scanner is not there were matched for nobody. */
static enum assay_status report_orphans(struct assay_run *run, struct assay_worker *w)
{
    size_t orphans = 0;
    for (uint32_t r = 0; r < run->n_rules; r++) {
        orphans += assay_ruleset_rule(run->opt->rules, r)->detect != ASSAY_DETECT_CODE &&
                   run->rule_scanner[r] == ASSAY_NO_SCANNER;
    }
    if (orphans == 0) {
        return ASSAY_OK;
    }
    struct assay_finding f = assay_finding_init(0);
    char detail[96];
    (void)snprintf(detail, sizeof detail, "the scanner of %zu rules is not loaded", orphans);
    assay_collector_skip(&w->collector, ASSAY_SKIP_PLUGIN, 0, 0);
    return assay_collector_raise(&w->collector, ASSAY_ENGINE_PLUGIN_FAILURE, &f, detail);
}

/* Findings about the whole dataset: their rules count one file each among those their members name.
 */
enum assay_status assay_speak(struct assay_worker *w, struct assay_error *err)
{
    struct assay_run *run = w->run;
    struct assay_collector *c = &w->collector;
    assay_collector_begin(c, ASSAY_NONE, 0);
    c->open_files = 1;
    c->sink.metric = on_metric;
    c->sink.member = on_member;
    enum assay_status status = report_orphans(run, w);
    for (size_t i = 0; i < run->n_scanners && status == ASSAY_OK; i++) {
        status = finish_scanner(run, w, run->finish_order[i], err);
    }
    return status == ASSAY_OK ? assay_collector_flush(c, err) : status;
}
