/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/tally.h: the aggregates that every statement and writer shows, computed once, from the
 * audit alone.
 */
#ifndef ASSAY_REPORTS_TALLY_H
#define ASSAY_REPORTS_TALLY_H

#include "engine/audit.h"

struct assay_tally_row {
    uint32_t rule;
    uint64_t findings, records, files;
};

struct assay_tally {
    struct assay_tally_row *by_id;       /* rules with findings, sorted by id as bytes */
    struct assay_tally_row *by_severity; /* the same: severity falling, findings falling, id */
    size_t n;
    uint64_t findings;
    uint64_t severity[ASSAY_SEVERITY_MAX];
    uint64_t severity_rules[ASSAY_SEVERITY_MAX];
    struct assay_skip_count skipped; /* sums over all reasons */
};

enum assay_status assay_tally_build(const struct assay_audit *a, struct assay_tally *ret,
                                    struct assay_error *err);
void assay_tally_release(struct assay_tally *t);  /* accepts a zeroed struct */
const char *assay_skip_name(enum assay_skip why); /* "symlink" */
int assay_audit_complete(const struct assay_audit *a);

#endif
