/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/judge.c: the facts, laid before the policy.
 */
#include "engine/result.h"

static uint64_t records_with(void *ctx, size_t condition)
{
    const struct assay_audit *a = ctx;
    return condition < a->tally.n_conditions ? a->tally.conditions[condition] : 0;
}

static int by_name(const void *key, const void *item)
{
    const struct assay_metric *m = item;
    return strcmp(key, m->name);
}

static int find_metric(void *ctx, const char *name, uint64_t *num, uint64_t *den)
{
    const struct assay_audit *a = ctx;
    const struct assay_metric *m =
        a->n_metrics == 0 ? NULL
                          : bsearch(name, a->metrics, a->n_metrics, sizeof *a->metrics, by_name);
    if (m == NULL) {
        return 0;
    }
    *num = m->num;
    *den = m->den;
    return 1;
}

static void cover(struct assay_audit *a)
{
    struct assay_coverage *c = &a->coverage;
    c->files_total = assay_inventory_count(a->inventory);
    for (size_t i = 0; i < c->files_total; i++) {
        c->bytes_total += assay_inventory_get(a->inventory, i)->bytes;
    }
    c->files_scanned = a->tally.files_scanned;
    c->records_total = a->tally.records_total;
    c->records_scanned = a->tally.records_scanned;
    c->bytes_scanned = a->tally.bytes_scanned;
    c->text_bytes = a->tally.text_bytes;
    memcpy(c->skipped, a->tally.skipped, sizeof c->skipped);
}

enum assay_status assay_audit_judge(struct assay_audit *a)
{
    cover(a);
    a->n_terms = assay_policy_terms(a->policy);
    a->terms = calloc(a->n_terms + 1, sizeof *a->terms);
    if (a->terms == NULL) {
        a->n_terms = 0;
        return ASSAY_NOMEM;
    }
    const struct assay_facts facts = {.ctx = a,
                                      .rules = a->rules,
                                      .tally = a->tally.rules,
                                      .files_total = a->coverage.files_total,
                                      .files_scanned = a->coverage.files_scanned,
                                      .records_total = a->coverage.records_total,
                                      .records_scanned = a->coverage.records_scanned,
                                      .bytes_total = a->coverage.bytes_total,
                                      .bytes_scanned = a->coverage.bytes_scanned,
                                      .skipped = a->tally.skips,
                                      .records_with = records_with,
                                      .metric = find_metric};
    a->verdict = assay_policy_judge(a->policy, &facts, a->terms);
    return ASSAY_OK;
}
