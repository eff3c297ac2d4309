/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/runs.h: finds the stretches of a batch in which a RUN rule can match at all.
 *
 * A run is a maximal stretch of bytes of one group's set. It is kept when, for one of the group's
 * rules, it is long enough and holds enough digits and marks; so no match is lost (every match lies
 * inside one run). Only bytes around a driver ([0-9:-]) are looked at; drivers are found 32 bytes
 * at a time where the CPU can. The LONG group has no driver: its runs are found by length, from a
 * bitmap of member bytes, or by probing every min_len-th byte and walking back.
 */
#ifndef ASSAY_RULES_MATCHER_RUNS_H
#define ASSAY_RULES_MATCHER_RUNS_H

#include "rules/matcher/plan.h"

#define ASSAY_RUN_NEEDS 16 /* distinct demands of a group; more are merged into weaker ones */

struct assay_run_need {
    uint32_t min_len, digits, marks;
};

struct assay_run_set {
    uint8_t classes[256]; /* bit g: in the set of group g */
    uint8_t drivers[256];
    uint8_t count[256];                 /* low half: 1 for a digit; high half: 1 for a mark */
    unsigned n_needs[ASSAY_RUN_GROUPS]; /* 0: group unused */
    struct assay_run_need needs[ASSAY_RUN_GROUPS][ASSAY_RUN_NEEDS];
};

struct assay_kept_run {
    uint32_t from; /* in the batch text */
    uint32_t len;
    uint32_t digits, marks;
    uint32_t field; /* first field that ends after it begins */
};

/* The kept runs of one group in one batch; storage grows and is reused. */
struct assay_run_list {
    struct assay_kept_run *runs;
    uint32_t n_runs, cap_runs;
};

/* No plan yet; then one RUN plan after the other. */
void assay_run_set_init(struct assay_run_set *rs);
void assay_run_set_add(struct assay_run_set *rs, const struct assay_rule_plan *plan);
/* Fills lists[0..ASSAY_RUN_GROUPS). `use_simd` 0 forces the portable driver search (same result).
 */
enum assay_status assay_runs_find(const struct assay_run_set *rs, const char *text, uint32_t len,
                                  int use_simd, struct assay_run_list *lists);
void assay_run_list_release(struct assay_run_list *l);

#endif
