/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Lines: one finding an object a line, the summary last. The schema of both is in
 * docs/report-format.md; field names are stable, and a field that does not apply is left out.
 */
#include "reports/writers/common.h"

static void optional_string(struct assay_json *j, const char *key, const char *value)
{
    if (value != NULL) {
        assay_json_kv_str(j, key, value);
    }
}

static void write_place(struct assay_json *j, const struct assay_found *f)
{
    optional_string(j, "file", f->file);
    if (f->record != ASSAY_NO_RECORD) {
        assay_json_kv_uint(j, "record", f->record);
    }
    optional_string(j, "field", f->field);
    if (f->has_span) {
        assay_json_kv_uint(j, "start", f->start);
        assay_json_kv_uint(j, "end", f->end);
        assay_json_kv_uint(j, "byte_start", f->byte_start);
        assay_json_kv_uint(j, "byte_end", f->byte_end);
    }
    if (f->has_offset) {
        assay_json_kv_uint(j, "offset", f->offset);
    }
}

static void write_members(struct assay_json *j, const struct assay_found *f)
{
    if (f->members_total == 0) {
        return;
    }
    assay_json_key(j, "members");
    assay_json_array(j);
    for (size_t i = 0; i < f->n_members; i++) {
        assay_json_object(j);
        assay_json_kv_str(j, "file", f->members[i].file);
        if (f->members[i].record != ASSAY_NO_RECORD) {
            assay_json_kv_uint(j, "record", f->members[i].record);
        }
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
    assay_json_kv_uint(j, "members_total", f->members_total);
}

void assay_write_finding(struct assay_json *j, const struct assay_ruleset *rules,
                         const struct assay_found *f, int typed)
{
    const struct assay_rule_view *view = &assay_ruleset_rule(rules, f->rule)->view;
    assay_json_object(j);
    if (typed) {
        assay_json_kv_str(j, "type", "finding");
    }
    assay_json_kv_str(j, "rule", view->id);
    optional_string(j, "entity", view->entity);
    optional_string(j, "scanner", view->scanner);
    assay_json_kv_str(j, "severity", assay_severity_name(view->severity));
    assay_json_key(j, "confidence");
    assay_json_milli(j, f->confidence);
    write_place(j, f);
    optional_string(j, "masked", f->masked);
    assay_json_key(j, "fingerprint");
    assay_json_hex(j, f->fingerprint, sizeof f->fingerprint);
    optional_string(j, "detail", f->detail);
    write_members(j, f);
    assay_json_end_object(j);
}

/* ---- the summary ---------------------------------------------------------------------------- */

static void write_severities(struct assay_json *j, const struct assay_totals *t)
{
    assay_json_key(j, "severities");
    assay_json_object(j);
    for (int s = ASSAY_SEVERITY_MAX - 1; s >= 0; s--) {
        assay_json_kv_uint(j, assay_severity_name((enum assay_severity)s), t->severity[s]);
    }
    assay_json_end_object(j);
}

static void write_metric_values(struct assay_json *j, const struct assay_audit *a)
{
    assay_json_key(j, "metrics");
    assay_json_object(j);
    for (size_t i = 0; i < assay_audit_metrics(a); i++) {
        const struct assay_metric *m = assay_audit_metric(a, i);
        ASSAY_AUTO_BUF value;
        assay_buf_init(&value, 64);
        assay_put_ratio(&value, m->num, m->den, 6);
        assay_json_key(j, m->name);
        if (m->den == 0) {
            assay_json_null(j);
        } else {
            assay_json_raw(j, assay_buf_bytes(&value));
        }
    }
    assay_json_end_object(j);
}

static enum assay_status write_identity(struct assay_json *j, const struct assay_audit *a,
                                        struct assay_error *err)
{
    uint8_t manifest[32];
    enum assay_status s = assay_manifest_write(assay_audit_inventory(a), NULL, manifest, err);
    assay_json_key(j, "dataset");
    assay_json_object(j);
    optional_string(j, "name", assay_audit_dataset_name(a));
    assay_json_key(j, "manifest_sha256");
    assay_json_hex(j, manifest, sizeof manifest);
    assay_json_end_object(j);
    return s;
}

enum assay_status assay_write_summary(struct assay_json *j, const struct assay_audit *a,
                                      struct assay_error *err)
{
    struct assay_totals t;
    enum assay_status s = assay_totals_build(a, &t, err);
    if (s != ASSAY_OK) {
        return s;
    }
    assay_json_object(j);
    assay_json_kv_str(j, "type", "summary");
    assay_json_kv_str(j, "verdict", assay_verdict_name(assay_audit_verdict(a)));
    assay_json_kv_bool(j, "complete", assay_audit_complete(a));
    s = write_identity(j, a, err);
    assay_json_kv_uint(j, "findings", assay_audit_findings(a));
    write_severities(j, &t);
    assay_statement_rules(j, assay_audit_rules(a), &t, "rules");
    write_metric_values(j, a);
    assay_statement_coverage(j, a, "text_bytes");
    assay_statement_terms(j, a, "limit_millionths");
    assay_json_key(j, "policy");
    assay_json_object(j);
    assay_json_kv_str(j, "name", assay_policy_name(assay_audit_policy(a)));
    assay_json_kv_str(j, "version", assay_policy_version(assay_audit_policy(a)));
    assay_json_end_object(j);
    assay_statement_tool(j);
    assay_json_end_object(j);
    assay_totals_release(&t);
    return s;
}

/* ---- the writer ----------------------------------------------------------------------------- */

/* One line: what `j` wrote into the printer's buffer, and a line feed. */
static enum assay_status end_line(struct assay_printer *p, const struct assay_json *j)
{
    if (assay_json_status(j) != ASSAY_OK) {
        return assay_fail(p->err, assay_json_status(j), "a line cannot be written as JSON");
    }
    assay_buf_addc(&p->buf, '\n');
    return assay_printer_flush(p, 0);
}

static enum assay_status write_findings(struct assay_printer *p, const struct assay_audit *a)
{
    struct assay_cursor *c = NULL;
    struct assay_found f;
    enum assay_status s = assay_cursor_open(a, &c, p->err);
    if (s != ASSAY_OK) {
        return s;
    }
    while ((s = assay_cursor_next(c, &f, p->err)) == ASSAY_OK) {
        struct assay_json j;
        assay_json_init(&j, &p->buf, 0);
        assay_write_finding(&j, assay_audit_rules(a), &f, 1);
        s = end_line(p, &j);
        if (s != ASSAY_OK) {
            break;
        }
    }
    assay_cursor_close(c);
    return s == ASSAY_END ? ASSAY_OK : s;
}

enum assay_status assay_write_jsonl(const struct assay_audit *a, struct assay_out *out,
                                    struct assay_error *err)
{
    struct assay_printer p;
    assay_printer_init(&p, out, err);
    enum assay_status s = write_findings(&p, a);
    if (s == ASSAY_OK) {
        struct assay_json j;
        assay_json_init(&j, &p.buf, 0);
        s = assay_write_summary(&j, a, err);
        s = s == ASSAY_OK ? end_line(&p, &j) : s;
    }
    if (s == ASSAY_OK) {
        s = assay_printer_flush(&p, 1);
    }
    assay_printer_release(&p);
    return s;
}
