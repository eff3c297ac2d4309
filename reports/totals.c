/* SPDX-License-Identifier: Apache-2.0
 *
 * Orders are total (the rule id breaks every tie), so equal audits give equal reports.
 */
#include "reports/totals.h"

#include "core/arena.h"

static const struct assay_rule *rule_of(const void *rules, uint32_t index)
{
    return assay_ruleset_rule(rules, index);
}

static int compare_id(const void *a, const void *b, void *rules)
{
    const struct assay_totals_row *x = a, *y = b;
    return strcmp(rule_of(rules, x->rule)->view.id, rule_of(rules, y->rule)->view.id);
}

static int compare_severity(const void *a, const void *b, void *rules)
{
    const struct assay_totals_row *x = a, *y = b;
    enum assay_severity sx = rule_of(rules, x->rule)->view.severity;
    enum assay_severity sy = rule_of(rules, y->rule)->view.severity;
    if (sx != sy) {
        return sx > sy ? -1 : 1;
    }
    if (x->findings != y->findings) {
        return x->findings > y->findings ? -1 : 1;
    }
    return compare_id(a, b, rules);
}

static uint64_t tally_findings(const struct assay_rule_tally *t)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ASSAY_CONFIDENCE_BANDS; i++) {
        sum += t->findings[i];
    }
    return sum;
}

static void collect(const struct assay_audit *a, const struct assay_ruleset *rules,
                    struct assay_totals *t)
{
    for (uint32_t i = 0; i < assay_ruleset_count(rules); i++) {
        const struct assay_rule_tally *rt = assay_audit_tally(a, i);
        uint64_t n = tally_findings(rt);
        if (n == 0) {
            continue;
        }
        enum assay_severity sev = assay_ruleset_rule(rules, i)->view.severity;
        t->by_id[t->n++] = (struct assay_totals_row){i, n, rt->records, rt->files};
        t->findings += n;
        t->severity[sev] += n;
        t->severity_rules[sev]++;
    }
}

enum assay_status assay_totals_build(const struct assay_audit *a, struct assay_totals *ret,
                                     struct assay_error *err)
{
    const struct assay_ruleset *rules = assay_audit_rules(a);
    const struct assay_coverage *cov = assay_audit_coverage(a);
    size_t n = assay_ruleset_count(rules);
    *ret = (struct assay_totals){0};
    ret->by_id = assay_alloc_array(n + 1, sizeof *ret->by_id);
    ret->by_severity = assay_alloc_array(n + 1, sizeof *ret->by_severity);
    if (ret->by_id == NULL || ret->by_severity == NULL) {
        assay_totals_release(ret);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    collect(a, rules, ret);
    memcpy(ret->by_severity, ret->by_id, ret->n * sizeof *ret->by_id);
    /* qsort_r wants a mutable context; nothing writes through it. */
    void *ctx = (void *)(uintptr_t)rules;
    qsort_r(ret->by_id, ret->n, sizeof *ret->by_id, compare_id, ctx);
    qsort_r(ret->by_severity, ret->n, sizeof *ret->by_severity, compare_severity, ctx);
    for (int i = 0; i < ASSAY_SKIP_MAX; i++) {
        ret->skipped.files += cov->skipped[i].files;
        ret->skipped.records += cov->skipped[i].records;
        ret->skipped.bytes += cov->skipped[i].bytes;
    }
    return ASSAY_OK;
}

void assay_totals_release(struct assay_totals *t)
{
    free(t->by_id);
    free(t->by_severity);
    *t = (struct assay_totals){0};
}

/* A skip of any kind counts, also one whose size is unknown. */
int assay_audit_complete(const struct assay_audit *a)
{
    const struct assay_coverage *cov = assay_audit_coverage(a);
    if (assay_audit_verdict(a) == ASSAY_INCOMPLETE || assay_audit_cancelled(a)) {
        return 0;
    }
    for (int i = 0; i < ASSAY_SKIP_MAX; i++) {
        if (cov->skipped[i].noted) {
            return 0;
        }
    }
    return 1;
}
