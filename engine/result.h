/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/result.h: the inside of struct assay_audit. Internal to engine/.
 */
#ifndef ASSAY_ENGINE_RESULT_H
#define ASSAY_ENGINE_RESULT_H

#include "engine/audit.h"
#include "engine/members.h"
#include "engine/spool.h"
#include "engine/tally.h"

#define ASSAY_METRIC_NAME_MAX 64

/* A name and a value that go into the statement. */
struct assay_fact {
    char *name, *value;
};

struct assay_facts_list {
    struct assay_fact *items;
    size_t n, cap;
};

struct assay_audit {
    struct assay_inventory *inventory;
    struct assay_spool *spool;
    struct assay_members *members; /* NULL: nobody wants to know */
    struct assay_tally tally;      /* over all workers */
    struct assay_coverage coverage;
    struct assay_metric *metrics;
    size_t n_metrics, cap_metrics;
    struct assay_term_result *terms;
    size_t n_terms;
    enum assay_verdict verdict;
    int cancelled;
    struct assay_facts_list versions, settings;
    uint64_t started_ms, elapsed_ms;
    unsigned jobs;
    char *dataset_name;
    const struct assay_ruleset *rules;
    const struct assay_policy *policy;
    const struct assay_plugins *plugins;
    const struct assay_matcher *matcher;
};

/* Sets a metric; setting it again replaces it. ASSAY_PLUGIN when the name is not
 * ^[a-z][A-Za-z0-9_.-]*$ or has ASSAY_METRIC_NAME_MAX bytes or more. */
enum assay_status assay_audit_set_metric(struct assay_audit *a, const char *name, uint64_t num,
                                         uint64_t den);
/* Adds a fact; ASSAY_NOMEM. */
enum assay_status assay_facts_add(struct assay_facts_list *l, const char *name, const char *value);
void assay_facts_sort(struct assay_facts_list *l);
/* versions.c, judge.c */
enum assay_status assay_audit_note_versions(struct assay_audit *a);
enum assay_status assay_audit_judge(struct assay_audit *a);

#endif
