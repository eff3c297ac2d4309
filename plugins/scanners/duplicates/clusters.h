/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/clusters.h: candidate pairs compared exactly, and what they join.
 *
 * A pair is joined when |A and B| / |A or B| of its sets of shingle hashes reaches the threshold:
 * whole numbers, no estimate. Joined texts form clusters (union-find, the text of the smallest place
 * is the root and representative), so a cluster may be a chain whose ends are unlike each other;
 * it is flagged when some member is less like the representative than the threshold. A pair whose
 * texts already are in one cluster is not compared again. An accepted cluster (accepted.h) is
 * counted and not told of.
 *
 * Roots are rows (rows.h), members and digests of clusters are tables sorted by root (table.h): one
 * cluster after another goes by, and memory does not grow with their number or size.
 */
#ifndef ASSAY_DUPLICATES_CLUSTERS_H
#define ASSAY_DUPLICATES_CLUSTERS_H

#include "accepted.h"
#include "across.h"
#include "near.h"

/* What was found; metrics are made of it. */
struct dup_near_tally {
    uint64_t candidates; /* different pairs */
    uint64_t compared;   /* of which sets were looked at, not only their sizes */
    uint64_t joined;
    uint64_t unverified; /* pairs of which a text was not seen again */
    uint64_t groups, extra;
    uint64_t chained; /* groups */
    struct dup_accepted_tally set_aside;
};

/* Raises a finding of `rule` for every cluster and of `hot_rule` for the largest hot buckets, in
 * the order of places. `across` hears of every cluster; it may be NULL. `bytes` may be held by each
 * of the three structures above. Candidates are used up; the sets have been settled. */
enum assay_status dup_clusters_report(struct dup_near *n, const struct dup_near_plan *plan,
                                      const struct assay_host *host, struct assay_sink *sink,
                                      size_t bytes, uint32_t rule, uint32_t hot_rule,
                                      const struct dup_accepted *accepted,
                                      struct dup_table *records, struct dup_across_report *across,
                                      struct dup_near_tally *tally);

#endif
