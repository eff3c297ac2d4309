/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/wrapup.c: the end of a file: what scanners say of it as a whole, what the engine has to
 * say, and what is written into its inventory entry. Nothing that was not scanned leaves here
 * without a reason.
 */
#include "engine/worker.h"

/* ---- scanners ------------------------------------------------------------------------------ */

static int owns(const struct assay_run *run, size_t scanner, uint32_t rule)
{
    return rule < run->n_rules && run->rule_scanner[rule] == scanner;
}

/* The raw-byte hits of rules that belong to scanner `i`, put at the front of `out`. */
static uint32_t hits_of(const struct assay_run *run, const struct assay_source *s, size_t i,
                        struct assay_file_match *out)
{
    uint32_t n = 0;
    for (size_t k = 0; k < s->n_hits; k++) {
        if (owns(run, i, s->hits[k].rule)) {
            out[n++] = s->hits[k];
        }
    }
    return n;
}

static enum assay_status call_scanners(struct assay_worker *w, const struct assay_source *s)
{
    struct assay_file_match *hits = calloc(s->n_hits + 1, sizeof *hits);
    if (hits == NULL) {
        return ASSAY_NOMEM;
    }
    struct assay_file file = {.size_of = sizeof file,
                              .index = s->file,
                              .name = s->name,
                              .bytes = s->raw_bytes,
                              .mime = s->mime,
                              .reader = s->reader_name,
                              .extension = s->extension,
                              .expected = s->expected,
                              .records = s->ordinal,
                              .status = s->status,
                              .matches = hits};
    memcpy(file.sha256, s->sha256, sizeof file.sha256);
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        if (sr->scanner->file == NULL) {
            continue;
        }
        file.n_matches = hits_of(w->run, s, i, hits);
        if (sr->scanner->file(sr->shared, w->scanners[i], &file, &w->collector.sink) != ASSAY_OK) {
            w->collector.delta.failed |= UINT64_C(1) << i;
            assay_collector_skip(&w->collector, ASSAY_SKIP_PLUGIN, 0, 0);
        }
    }
    free(hits);
    return ASSAY_OK;
}

/* ---- the engine's own findings -------------------------------------------------------------- */

static enum assay_status raise_for_file(struct assay_worker *w, enum assay_engine_rule rule,
                                        const char *detail)
{
    struct assay_finding f = assay_finding_init(0);
    return assay_collector_raise(&w->collector, rule, &f, detail);
}

/* How much of the file a failure cost; 0 where that cannot be known. */
static uint64_t lost_bytes(const struct assay_run *run, const struct assay_source *s)
{
    uint64_t bytes = assay_inventory_get(run->inventory, s->file)->bytes;
    switch (s->status) {
    case ASSAY_TRUNCATED:
    case ASSAY_CORRUPT:
    case ASSAY_LIMIT:
    case ASSAY_CHANGED:
        return 0;
    case ASSAY_CANCELLED:
    case ASSAY_IO:
        return bytes > s->raw_bytes ? bytes - s->raw_bytes : 0;
    default:
        return bytes;
    }
}

static enum assay_status report_status(struct assay_worker *w, const struct assay_source *s)
{
    char detail[96];
    enum assay_skip why =
        s->aside && s->status == ASSAY_PLUGIN ? ASSAY_SKIP_POISON : assay_skip_of_status(s->status);
    enum assay_engine_rule rule = assay_engine_rule_of(why);
    if (s->status == ASSAY_OK) {
        return ASSAY_OK;
    }
    assay_collector_skip(&w->collector, why, 0, lost_bytes(w->run, s));
    detail[0] = '\0';
    if (s->offset > 0) {
        (void)snprintf(detail, sizeof detail, "after %llu records and %llu bytes of text",
                       (unsigned long long)s->ordinal, (unsigned long long)s->offset);
    }
    return rule == ASSAY_ENGINE_RULE_MAX ? ASSAY_OK : raise_for_file(w, rule, detail);
}

/* Reasons noticed while reading and scanning, apart from the one the file's status already gave. */
static enum assay_status report_missed(struct assay_worker *w, const struct assay_source *s)
{
    enum assay_status status = ASSAY_OK;
    char detail[96];
    uint32_t said = s->status == ASSAY_OK ? 0 : UINT32_C(1) << assay_skip_of_status(s->status);
    for (unsigned why = 0; why < ASSAY_SKIP_MAX && status == ASSAY_OK; why++) {
        enum assay_engine_rule rule = assay_engine_rule_of((enum assay_skip)why);
        if (((s->missed & ~said) >> why & 1) == 0 || rule == ASSAY_ENGINE_RULE_MAX) {
            continue;
        }
        detail[0] = '\0';
        if (why == ASSAY_SKIP_ENCODING) {
            (void)snprintf(detail, sizeof detail, "%llu characters replaced",
                           (unsigned long long)s->undecodable);
        } else if (why == ASSAY_SKIP_LIMIT) {
            (void)snprintf(detail, sizeof detail, "more findings than are listed");
        }
        status = raise_for_file(w, rule, detail);
    }
    if (status == ASSAY_OK && s->limit_hits > 0) {
        (void)snprintf(detail, sizeof detail, "%llu checks of a field by a rule were cut short",
                       (unsigned long long)s->limit_hits);
        status = raise_for_file(w, ASSAY_ENGINE_MATCH_LIMIT, detail);
    }
    return status;
}

static enum assay_status report_failed(struct assay_worker *w, const struct assay_source *s)
{
    enum assay_status status = ASSAY_OK;
    uint64_t failed = s->failed | w->collector.delta.failed;
    char detail[96];
    for (size_t i = 0; i < w->run->n_scanners && status == ASSAY_OK; i++) {
        if ((failed >> i & 1) != 0) {
            (void)snprintf(detail, sizeof detail, "scanner %.64s",
                           w->run->scanners[i].plugin->name);
            status = raise_for_file(w, ASSAY_ENGINE_PLUGIN_FAILURE, detail);
        }
    }
    if (status == ASSAY_OK && (failed & ASSAY_FAILED_READER) != 0) {
        (void)snprintf(detail, sizeof detail, "reader %.64s", s->reader_name);
        status = raise_for_file(w, ASSAY_ENGINE_PLUGIN_FAILURE, detail);
    }
    return status;
}

static enum assay_status report_name(struct assay_worker *w, const char *name)
{
    uint32_t rule;
    struct assay_finding f = assay_finding_init(0);
    char detail[256];
    enum assay_status status = assay_veil_name(w->collector.veil, name, &rule, &f.value);
    if (status != ASSAY_OK || rule == ASSAY_NONE) {
        return status;
    }
    (void)snprintf(detail, sizeof detail, "rule %s",
                   assay_ruleset_rule(w->run->opt->rules, rule)->view.id);
    return assay_collector_raise(&w->collector, ASSAY_ENGINE_SENSITIVE_NAME, &f, detail);
}

/* ---- the entry ----------------------------------------------------------------------------- */

/* Raw bytes that were scanned: all that was read, less the share of what was passed over in the
 * text. */
static uint64_t scanned_bytes(const struct assay_source *s)
{
    if (s->reader == NULL) {
        return s->status == ASSAY_OK ? s->raw_bytes : 0;
    }
    if (s->offset == 0 || s->skipped_bytes >= s->offset) {
        return s->offset == 0 ? s->raw_bytes : 0;
    }
    return s->raw_bytes - assay_scale(s->raw_bytes, s->skipped_bytes, s->offset);
}

static void complete_entry(struct assay_worker *w, const struct assay_source *s)
{
    struct assay_entry *e = assay_inventory_entry(w->run->inventory, s->file);
    e->status = s->status;
    e->records = s->ordinal;
    e->reader = s->reader_name;
    e->hashed = s->hashed;
    memcpy(e->sha256, s->sha256, sizeof e->sha256);
    if (!assay_inventory_seekable(w->run->inventory, s->file)) {
        e->bytes = s->raw_bytes;
    }
    w->collector.tally.files_scanned += s->status == ASSAY_OK;
    w->collector.tally.bytes_scanned += scanned_bytes(s);
}

enum assay_status assay_wrapup_file(struct assay_worker *w, struct assay_source *s,
                                    struct assay_error *err)
{
    struct assay_collector *c = &w->collector;
    assay_collector_begin(c, s->file, s->seq);
    enum assay_status status = ASSAY_OK;
    if (s->status != ASSAY_CANCELLED && !s->aside) {
        status = call_scanners(w, s);
    }
    if (status == ASSAY_OK) {
        status = report_status(w, s);
    }
    if (status == ASSAY_OK) {
        status = report_missed(w, s);
    }
    if (status == ASSAY_OK) {
        status = report_failed(w, s);
    }
    if (status == ASSAY_OK) {
        status = report_name(w, s->name);
    }
    if (status != ASSAY_OK) {
        return assay_fail(err, status, "out of memory at the end of a file");
    }
    status = assay_collector_flush(c, err);
    assay_source_fold(s, &c->delta, &c->tally);
    complete_entry(w, s);
    assay_source_close(s);
    return status;
}

/* ---- what was never read -------------------------------------------------------------------- */

static enum assay_status report_skipped(struct assay_worker *w, size_t i, struct assay_error *err)
{
    const struct assay_inventory *inv = w->run->inventory;
    const struct assay_skipped *skipped = assay_inventory_skip(inv, i);
    enum assay_engine_rule rule = assay_engine_rule_of(skipped->why);
    struct assay_collector *c = &w->collector;
    assay_collector_begin(c, (uint32_t)(assay_inventory_count(inv) + i), 0);
    assay_tally_skip(&c->tally, skipped->why, (struct assay_skip_count){1, 0, 0, 1});
    enum assay_status status = ASSAY_OK;
    if (rule != ASSAY_ENGINE_RULE_MAX) {
        status = raise_for_file(w, rule, NULL);
    }
    if (status == ASSAY_OK) {
        status = report_name(w, skipped->name);
    }
    if (status != ASSAY_OK) {
        return assay_fail(err, status, "out of memory while listing what was not followed");
    }
    for (size_t k = 0; k < c->delta.n_rules; k++) {
        c->tally.rules[c->delta.rules[k]].files++;
    }
    return assay_collector_flush(c, err);
}

enum assay_status assay_wrapup_rest(struct assay_worker *w, uint32_t first_unread,
                                    struct assay_error *err)
{
    struct assay_inventory *inv = w->run->inventory;
    enum assay_status status = ASSAY_OK;
    const uint64_t *only = w->run->only;
    for (size_t i = only == NULL ? first_unread : 0; i < assay_inventory_count(inv); i++) {
        struct assay_entry *e = assay_inventory_entry(inv, i);
        if (i < first_unread && (only[i / 64] >> i % 64 & 1) != 0) {
            continue;
        }
        e->status = ASSAY_CANCELLED;
        assay_tally_skip(&w->collector.tally, ASSAY_SKIP_CANCELLED,
                         (struct assay_skip_count){1, 0, e->bytes, 1});
    }
    for (size_t i = 0; i < assay_inventory_skips(inv) && status == ASSAY_OK; i++) {
        status = report_skipped(w, i, err);
    }
    return status;
}
