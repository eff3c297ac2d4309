/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/totals.h: the aggregates that every statement and writer shows, computed once, from the
 * audit alone.
 */
#ifndef ASSAY_REPORTS_TOTALS_H
#define ASSAY_REPORTS_TOTALS_H

#include "engine/audit.h"
#include "engine/rules.h" /* assay_skip_name */

struct assay_totals_row {
    uint32_t rule;
    uint64_t findings, records, files;
};

struct assay_totals {
    struct assay_totals_row *by_id;       /* rules with findings, sorted by id as bytes */
    struct assay_totals_row *by_severity; /* the same: severity falling, findings falling, id */
    size_t n;
    uint64_t findings;
    uint64_t severity[ASSAY_SEVERITY_MAX];
    uint64_t severity_rules[ASSAY_SEVERITY_MAX];
    struct assay_skip_count skipped; /* sums over all reasons */
};

/* Sums up an audit. ASSAY_NOMEM, with nothing left to release. */
enum assay_status assay_totals_build(const struct assay_audit *a, struct assay_totals *ret,
                                     struct assay_error *err);
void assay_totals_release(struct assay_totals *t); /* accepts a zeroed struct */
/* Whether everything was looked at: not INCOMPLETE, not cancelled, nothing skipped. */
int assay_audit_complete(const struct assay_audit *a);

#endif
