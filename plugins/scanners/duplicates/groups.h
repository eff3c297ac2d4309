/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/groups.h: from entries in order to groups of duplicates, findings and counts.
 *
 * Entries of one key form a group; within it, those of one variant form a subgroup. Two tiers speak
 * of them:
 *     same   every subgroup of two or more (identical bytes);
 *     alike  every group with two or more variants; its members are the first of each variant,
 *            because the rest is reported in the subgroups. `extra` of this tier is variants beyond
 *            the first.
 * Members are the smallest places, in order, at most DUP_MEMBERS of them; totals are exact.
 * Every member is also said through sink->member. Of a group that is accepted (accepted.h) nothing
 * is said, and `across` hears of its first member only.
 */
#ifndef ASSAY_DUPLICATES_GROUPS_H
#define ASSAY_DUPLICATES_GROUPS_H

#include "accepted.h"
#include "across.h"
#include "table.h"

#define DUP_MEMBERS 1000 /* listed in one finding */

struct dup_tally {
    uint64_t groups;
    uint64_t extra; /* members beyond the first of each group */
};

struct dup_tiers {
    uint32_t same_rule, alike_rule;      /* ASSAY_NONE: count, do not report */
    int whole_files;                     /* members are files, not records */
    struct dup_across_report *across;    /* hears of every group; may be NULL */
    const struct dup_accepted *accepted; /* NULL: none, and no digests */
    struct dup_accepted_tally set_aside;
    struct dup_tally same, alike;
};

/* Goes through the table, raises findings on `sink`, adds to the tallies. */
enum assay_status dup_groups_report(struct dup_table *t, const struct assay_host *host,
                                    struct assay_sink *sink, struct dup_tiers *tiers);

#endif
