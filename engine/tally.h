/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/tally.h: what is counted while findings are made: per rule, per policy condition, per
 * reason of not scanning. One per worker; sums, so that adding them up gives the same whatever the
 * order.
 *
 * A record counts once per rule and once per condition however many findings it has: the findings
 * of one record are counted between one assay_tally_record and the next.
 */
#ifndef ASSAY_ENGINE_TALLY_H
#define ASSAY_ENGINE_TALLY_H

#include "engine/audit.h"

struct assay_tally {
    const struct assay_policy *policy; /* may be NULL: no conditions */
    uint32_t n_rules;
    size_t n_conditions;
    struct assay_rule_tally *rules;
    uint64_t *conditions; /* records with a finding that satisfies condition i */
    uint64_t findings;
    uint64_t kept;  /* findings in the spool; less than `findings` only when a limit was hit */
    uint64_t skips; /* things not scanned */
    uint64_t files_scanned, records_total, records_scanned, bytes_scanned, text_bytes;
    struct assay_skip_count skipped[ASSAY_SKIP_MAX];
    /* Which record last counted for a rule or a condition. */
    uint64_t record;
    uint64_t *rule_record, *condition_record;
};

/* Zeroes for `n_rules` rules and the conditions of `policy`, which is borrowed. ASSAY_NOMEM. */
enum assay_status assay_tally_init(struct assay_tally *t, const struct assay_policy *policy,
                                   uint32_t n_rules);
void assay_tally_release(struct assay_tally *t); /* accepts a zeroed struct */
/* The findings that follow are of another record. */
void assay_tally_record(struct assay_tally *t);
/* Counts a finding; `records` is how many records it speaks of: 0, 1 (the current one, counted
 * once), or the size of a group (added as it is). */
void assay_tally_finding(struct assay_tally *t, uint32_t rule, uint16_t confidence,
                         uint64_t records);
/* Adds to what was skipped for this reason. */
void assay_tally_skip(struct assay_tally *t, enum assay_skip why, struct assay_skip_count n);
/* Adds `from` to `into`. */
void assay_tally_merge(struct assay_tally *into, const struct assay_tally *from);

#endif
