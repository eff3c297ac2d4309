/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/result.c: the result as the other rooms see it: read-only, plain data.
 */
#include "engine/result.h"

#include "core/arena.h"
#include "core/limits.h"

/* ---- metrics and facts --------------------------------------------------------------------- */

static int is_metric_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < ASSAY_METRIC_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

enum assay_status assay_audit_set_metric(struct assay_audit *a, const char *name, uint64_t num,
                                         uint64_t den)
{
    if (name == NULL || !is_metric_name(name)) {
        return ASSAY_PLUGIN;
    }
    for (size_t i = 0; i < a->n_metrics; i++) {
        if (strcmp(a->metrics[i].name, name) == 0) {
            a->metrics[i].num = num;
            a->metrics[i].den = den;
            return ASSAY_OK;
        }
    }
    void *items = a->n_metrics == ASSAY_LIMIT_METRICS
                      ? NULL
                      : assay_grown(a->metrics, a->n_metrics, &a->cap_metrics, sizeof *a->metrics);
    if (items == NULL) {
        return ASSAY_NOMEM;
    }
    a->metrics = items;
    char *copy = strdup(name);
    if (copy == NULL) {
        return ASSAY_NOMEM;
    }
    a->metrics[a->n_metrics++] = (struct assay_metric){copy, num, den};
    return ASSAY_OK;
}

enum assay_status assay_facts_add(struct assay_facts_list *l, const char *name, const char *value)
{
    void *items = assay_grown(l->items, l->n, &l->cap, sizeof *l->items);
    if (items == NULL) {
        return ASSAY_NOMEM;
    }
    l->items = items;
    struct assay_fact f = {strdup(name), strdup(value)};
    if (f.name == NULL || f.value == NULL) {
        free(f.name);
        free(f.value);
        return ASSAY_NOMEM;
    }
    l->items[l->n++] = f;
    return ASSAY_OK;
}

static int by_fact_name(const void *a, const void *b)
{
    const struct assay_fact *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void assay_facts_sort(struct assay_facts_list *l)
{
    if (l->n > 1) {
        qsort(l->items, l->n, sizeof *l->items, by_fact_name);
    }
}

static void facts_release(struct assay_facts_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].name);
        free(l->items[i].value);
    }
    free(l->items);
}

/* ---- life ---------------------------------------------------------------------------------- */

void assay_audit_free(struct assay_audit *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->n_metrics; i++) {
        free((char *)(uintptr_t)a->metrics[i].name);
    }
    free(a->metrics);
    free(a->terms);
    free(a->dataset_name);
    facts_release(&a->versions);
    facts_release(&a->settings);
    assay_tally_release(&a->tally);
    assay_members_free(a->members);
    assay_spool_free(a->spool);
    assay_inventory_free(a->inventory);
    free(a);
}

/* ---- what there is to see ------------------------------------------------------------------- */

enum assay_verdict assay_audit_verdict(const struct assay_audit *a)
{
    return a->verdict;
}

int assay_audit_cancelled(const struct assay_audit *a)
{
    return a->cancelled;
}

const struct assay_inventory *assay_audit_inventory(const struct assay_audit *a)
{
    return a->inventory;
}

const struct assay_coverage *assay_audit_coverage(const struct assay_audit *a)
{
    return &a->coverage;
}

const struct assay_ruleset *assay_audit_rules(const struct assay_audit *a)
{
    return a->rules;
}

const struct assay_policy *assay_audit_policy(const struct assay_audit *a)
{
    return a->policy;
}

const struct assay_plugins *assay_audit_plugins(const struct assay_audit *a)
{
    return a->plugins;
}

const struct assay_matcher *assay_audit_matcher(const struct assay_audit *a)
{
    return a->matcher;
}

const char *assay_audit_dataset_name(const struct assay_audit *a)
{
    return a->dataset_name;
}

const struct assay_rule_tally *assay_audit_tally(const struct assay_audit *a, uint32_t rule)
{
    return rule < a->tally.n_rules ? &a->tally.rules[rule] : NULL;
}

uint64_t assay_audit_findings(const struct assay_audit *a)
{
    return a->tally.kept;
}

size_t assay_audit_terms(const struct assay_audit *a)
{
    return a->n_terms;
}

const struct assay_term_result *assay_audit_term(const struct assay_audit *a, size_t i)
{
    return i < a->n_terms ? &a->terms[i] : NULL;
}

size_t assay_audit_metrics(const struct assay_audit *a)
{
    return a->n_metrics;
}

const struct assay_metric *assay_audit_metric(const struct assay_audit *a, size_t i)
{
    return i < a->n_metrics ? &a->metrics[i] : NULL;
}

size_t assay_audit_versions(const struct assay_audit *a)
{
    return a->versions.n;
}

void assay_audit_version(const struct assay_audit *a, size_t i, const char **ret_name,
                         const char **ret_version)
{
    *ret_name = a->versions.items[i].name;
    *ret_version = a->versions.items[i].value;
}

size_t assay_audit_settings(const struct assay_audit *a)
{
    return a->settings.n;
}

void assay_audit_setting(const struct assay_audit *a, size_t i, const char **ret_name,
                         const char **ret_value)
{
    *ret_name = a->settings.items[i].name;
    *ret_value = a->settings.items[i].value;
}

unsigned assay_audit_jobs(const struct assay_audit *a)
{
    return a->jobs;
}

uint64_t assay_audit_started_ms(const struct assay_audit *a)
{
    return a->started_ms;
}

uint64_t assay_audit_elapsed_ms(const struct assay_audit *a)
{
    return a->elapsed_ms;
}

const struct assay_redundant *assay_audit_redundant(const struct assay_audit *a, size_t *ret_n)
{
    return assay_members_rows(a->members, ret_n);
}
