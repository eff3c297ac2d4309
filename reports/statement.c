/* SPDX-License-Identifier: Apache-2.0
 *
 * The reproducible statement: in-toto Statement v1 with our own predicate, in canonical JSON.
 *
 * It holds what was audited, with what, and what came of it; and nothing that differs between two
 * runs over the same bytes: no clock, host, path, thread count, order of discovery or floating
 * point. Ratios are pairs of integers. Field by field: docs/report-format.md.
 */
#include "reports/internal.h"

#include "config.h"
#include "core/json.h"
#include "core/limits.h"
#include "reports/statement.h"
#include "reports/totals.h"

#define JSON_SAFE_MAX ((UINT64_C(1) << 53) - 1)

void assay_statement_digest(struct assay_json *j, const void *sha256)
{
    assay_json_object(j);
    assay_json_key(j, "sha256");
    assay_json_hex(j, sha256, 32);
    assay_json_end_object(j);
}

void assay_statement_open(struct assay_json *j)
{
    assay_json_object(j);
    assay_json_kv_str(j, "_type", ASSAY_STATEMENT_TYPE);
    assay_json_key(j, "predicate");
    assay_json_object(j);
}

void assay_statement_subject(struct assay_json *j, const char *name, const void *sha256)
{
    assay_json_object(j);
    assay_json_key(j, "digest");
    assay_statement_digest(j, sha256);
    assay_json_kv_str(j, "name", name);
    assay_json_end_object(j);
}

void assay_statement_tool(struct assay_json *j)
{
    assay_json_key(j, "tool");
    assay_json_object(j);
    assay_json_kv_str(j, "name", PACKAGE_NAME);
    assay_json_kv_str(j, "version", PACKAGE_VERSION);
    assay_json_end_object(j);
}

/* JSON integers are exact to 2^53: a larger pair loses low bits of both halves, which keeps the
 * ratio. `name`, when there is one, stands between the two, where the order of keys wants it. */
static void write_pair(struct assay_json *j, const char *name, uint64_t num, uint64_t den)
{
    while (num > JSON_SAFE_MAX || den > JSON_SAFE_MAX) {
        num >>= 1;
        den >>= 1;
    }
    assay_json_object(j);
    assay_json_kv_uint(j, "denominator", den);
    if (name != NULL) {
        assay_json_kv_str(j, "name", name);
    }
    assay_json_kv_uint(j, "numerator", num);
    assay_json_end_object(j);
}

static void write_share(struct assay_json *j, const char *key, uint64_t scanned, uint64_t total)
{
    assay_json_key(j, key);
    assay_json_object(j);
    assay_json_kv_uint(j, "scanned", scanned);
    assay_json_kv_uint(j, "total", total);
    assay_json_end_object(j);
}

static void write_skips(struct assay_json *j, const struct assay_coverage *cov)
{
    /* Rows in the order of the reason's name, so that a new reason never moves the others. */
    int order[ASSAY_SKIP_MAX];
    int n = 0;
    for (int i = 0; i < ASSAY_SKIP_MAX; i++) {
        if (!cov->skipped[i].noted) {
            continue;
        }
        int at = n++;
        while (at > 0 && strcmp(assay_skip_name((enum assay_skip)order[at - 1]),
                                assay_skip_name((enum assay_skip)i)) > 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    assay_json_key(j, "skipped");
    assay_json_array(j);
    for (int i = 0; i < n; i++) {
        const struct assay_skip_count *s = &cov->skipped[order[i]];
        assay_json_object(j);
        assay_json_kv_uint(j, "bytes", s->bytes);
        assay_json_kv_uint(j, "files", s->files);
        assay_json_kv_str(j, "reason", assay_skip_name((enum assay_skip)order[i]));
        assay_json_kv_uint(j, "records", s->records);
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
}

void assay_statement_coverage(struct assay_json *j, const struct assay_audit *a,
                              const char *text_key)
{
    const struct assay_coverage *cov = assay_audit_coverage(a);
    assay_json_key(j, "coverage");
    assay_json_object(j);
    write_share(j, "bytes", cov->bytes_scanned, cov->bytes_total);
    write_share(j, "files", cov->files_scanned, cov->files_total);
    write_share(j, "records", cov->records_scanned, cov->records_total);
    write_skips(j, cov);
    assay_json_kv_uint(j, text_key, cov->text_bytes);
    assay_json_end_object(j);
}

static void write_dataset(struct assay_json *j, const struct assay_audit *a)
{
    const struct assay_inventory *inv = assay_audit_inventory(a);
    const struct assay_coverage *cov = assay_audit_coverage(a);
    uint64_t hashed = 0, bytes = 0, unhashed = 0;
    for (size_t i = 0; i < assay_inventory_count(inv); i++) {
        const struct assay_entry *e = assay_inventory_get(inv, i);
        hashed += e->hashed != 0;
        unhashed += e->hashed == 0;
        bytes += e->hashed ? e->bytes : 0;
    }
    assay_json_key(j, "dataset");
    assay_json_object(j);
    assay_json_kv_uint(j, "byteCount", bytes);
    assay_json_kv_uint(j, "fileCount", hashed);
    assay_json_kv_str(j, "manifestFormat", ASSAY_MANIFEST_FORMAT);
    if (assay_audit_dataset_name(a) != NULL) {
        assay_json_kv_str(j, "name", assay_audit_dataset_name(a));
    }
    assay_json_kv_uint(j, "specialFiles", cov->skipped[ASSAY_SKIP_SPECIAL].files);
    assay_json_kv_uint(j, "symlinks", cov->skipped[ASSAY_SKIP_SYMLINK].files);
    assay_json_kv_uint(j, "unhashedFiles", unhashed);
    assay_json_end_object(j);
}

static void write_libraries(struct assay_json *j, const struct assay_audit *a)
{
    assay_json_key(j, "libraries");
    assay_json_array(j);
    for (size_t i = 0; i < assay_audit_versions(a); i++) {
        const char *name = NULL, *version = NULL;
        assay_audit_version(a, i, &name, &version);
        assay_json_object(j);
        assay_json_kv_str(j, "name", name);
        assay_json_kv_str(j, "version", version);
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
}

static void write_metrics(struct assay_json *j, const struct assay_audit *a)
{
    assay_json_key(j, "metrics");
    assay_json_array(j);
    for (size_t i = 0; i < assay_audit_metrics(a); i++) {
        const struct assay_metric *m = assay_audit_metric(a, i);
        write_pair(j, m->name, m->num, m->den);
    }
    assay_json_end_array(j);
}

static void write_plugin(struct assay_json *j, const struct assay_plugin *p)
{
    assay_json_object(j);
    if (p->path != NULL) {
        assay_json_key(j, "digest");
        assay_statement_digest(j, p->sha256);
    }
    assay_json_kv_str(j, "kind", p->kind == ASSAY_PLUGIN_READER ? "reader" : "scanner");
    assay_json_kv_str(j, "name", p->name);
    assay_json_kv_str(j, "version", p->version);
    assay_json_end_object(j);
}

static int compare_plugins(const void *a, const void *b)
{
    const struct assay_plugin *x = *(const struct assay_plugin *const *)a;
    const struct assay_plugin *y = *(const struct assay_plugin *const *)b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static enum assay_status write_plugins(struct assay_json *j, const struct assay_plugins *ps)
{
    size_t n = assay_plugins_count(ps);
    const struct assay_plugin **list = calloc(n + 1, sizeof *list);
    if (list == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        list[i] = assay_plugins_get(ps, i);
    }
    qsort(list, n, sizeof *list, compare_plugins);
    assay_json_key(j, "plugins");
    assay_json_array(j);
    for (size_t i = 0; i < n; i++) {
        write_plugin(j, list[i]);
    }
    assay_json_end_array(j);
    free(list);
    return ASSAY_OK;
}

static void write_policy(struct assay_json *j, const struct assay_policy *p)
{
    assay_json_key(j, "policy");
    assay_json_object(j);
    assay_json_key(j, "digest");
    assay_statement_digest(j, assay_policy_sha256(p));
    assay_json_kv_str(j, "name", assay_policy_name(p));
    assay_json_kv_str(j, "version", assay_policy_version(p));
    assay_json_end_object(j);
}

static int compare_packs(const void *a, const void *b)
{
    const struct assay_pack *x = *(const struct assay_pack *const *)a;
    const struct assay_pack *y = *(const struct assay_pack *const *)b;
    int c = strcmp(x->name, y->name);
    return c != 0 ? c : memcmp(x->sha256, y->sha256, sizeof x->sha256);
}

static void write_pack(struct assay_json *j, const struct assay_pack *p)
{
    assay_json_object(j);
    assay_json_key(j, "digest");
    assay_statement_digest(j, p->sha256);
    assay_json_kv_str(j, "name", p->name);
    assay_json_kv_uint(j, "rules", p->n_rules);
    assay_json_kv_str(j, "version", p->version);
    assay_json_end_object(j);
}

static void write_packs(struct assay_json *j, const struct assay_ruleset *rs)
{
    const struct assay_pack *list[ASSAY_LIMIT_PACKS];
    size_t n = assay_ruleset_packs(rs);
    n = n < ASSAY_LIMIT_PACKS ? n : ASSAY_LIMIT_PACKS;
    for (size_t i = 0; i < n; i++) {
        list[i] = assay_ruleset_pack(rs, i);
    }
    qsort(list, n, sizeof list[0], compare_packs);
    assay_json_key(j, "rulePacks");
    assay_json_array(j);
    for (size_t i = 0; i < n; i++) {
        write_pack(j, list[i]);
    }
    assay_json_end_array(j);
}

void assay_statement_rules(struct assay_json *j, const struct assay_ruleset *rs,
                           const struct assay_totals *t, const char *key)
{
    assay_json_key(j, key);
    assay_json_array(j);
    for (size_t i = 0; i < t->n; i++) {
        const struct assay_totals_row *row = &t->by_id[i];
        const struct assay_rule_view *view = &assay_ruleset_rule(rs, row->rule)->view;
        assay_json_object(j);
        assay_json_kv_uint(j, "files", row->files);
        assay_json_kv_uint(j, "findings", row->findings);
        assay_json_kv_str(j, "id", view->id);
        assay_json_kv_uint(j, "records", row->records);
        assay_json_kv_str(j, "severity", assay_severity_name(view->severity));
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
}

static void write_settings(struct assay_json *j, const struct assay_audit *a)
{
    assay_json_key(j, "settings");
    assay_json_array(j);
    for (size_t i = 0; i < assay_audit_settings(a); i++) {
        const char *name = NULL, *value = NULL;
        assay_audit_setting(a, i, &name, &value);
        assay_json_object(j);
        assay_json_kv_str(j, "name", name);
        assay_json_kv_str(j, "value", value);
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
}

const char *assay_term_outcome(const struct assay_term_result *t)
{
    return !t->known ? "unknown" : t->ok ? "holds" : "broken";
}

void assay_statement_terms(struct assay_json *j, const struct assay_audit *a, const char *limit_key)
{
    assay_json_key(j, "terms");
    assay_json_array(j);
    for (size_t i = 0; i < assay_audit_terms(a); i++) {
        const struct assay_term_result *t = assay_audit_term(a, i);
        assay_json_object(j);
        assay_json_kv_str(j, "expression", t->expr);
        assay_json_kv_str(j, "id", t->id);
        assay_json_kv_str(j, "level", t->is_warn ? "warn" : "fail");
        assay_json_key(j, limit_key);
        assay_json_int(j, t->limit_millionths);
        if (t->known) {
            assay_json_key(j, "observed");
            write_pair(j, NULL, t->num, t->den);
        }
        assay_json_kv_str(j, "outcome", assay_term_outcome(t));
        assay_json_end_object(j);
    }
    assay_json_end_array(j);
}

static enum assay_status write_predicate(struct assay_json *j, const struct assay_audit *a,
                                         const struct assay_totals *t)
{
    const struct assay_ruleset *rules = assay_audit_rules(a);
    assay_json_kv_bool(j, "complete", assay_audit_complete(a));
    assay_statement_coverage(j, a, "textBytes");
    write_dataset(j, a);
    assay_json_kv_uint(j, "findings", assay_audit_findings(a));
    write_libraries(j, a);
    write_metrics(j, a);
    enum assay_status s = write_plugins(j, assay_audit_plugins(a));
    write_policy(j, assay_audit_policy(a));
    write_packs(j, rules);
    assay_statement_rules(j, rules, t, "ruleResults");
    assay_json_kv_uint(j, "rules", assay_ruleset_count(rules));
    write_settings(j, a);
    assay_statement_terms(j, a, "limitMillionths");
    assay_statement_tool(j);
    assay_json_kv_str(j, "verdict", assay_verdict_name(assay_audit_verdict(a)));
    return s;
}

enum assay_status assay_statement_finish(struct assay_json *j, struct assay_error *err)
{
    enum assay_status s = assay_json_status(j);
    return s == ASSAY_OK
               ? s
               : assay_fail(err, s, "the statement cannot be written: %s", assay_status_text(s));
}

enum assay_status assay_statement_build(const struct assay_audit *a,
                                        const uint8_t manifest_sha256[32], struct assay_buf *out,
                                        struct assay_error *err)
{
    struct assay_totals t;
    struct assay_json j;
    enum assay_status s = assay_totals_build(a, &t, err);
    if (s != ASSAY_OK) {
        return s;
    }
    assay_json_init(&j, out, 1);
    assay_statement_open(&j);
    s = write_predicate(&j, a, &t);
    assay_totals_release(&t);
    if (s != ASSAY_OK) {
        return assay_fail(err, s, "out of memory");
    }
    assay_json_end_object(&j);
    assay_json_kv_str(&j, "predicateType", ASSAY_PREDICATE_AUDIT);
    assay_json_key(&j, "subject");
    assay_json_array(&j);
    assay_statement_subject(&j, ASSAY_MANIFEST_NAME, manifest_sha256);
    assay_json_end_array(&j);
    assay_json_end_object(&j);
    return assay_statement_finish(&j, err);
}
