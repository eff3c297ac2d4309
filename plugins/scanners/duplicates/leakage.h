/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/leakage.h: what the splits of a dataset have in common, and what its sources repeat.
 *
 * A record of split B leaks from split A when a group (of one tier) holds it and a record of A. The
 * matrix of a tier counts, for every ordered pair (A, B), the records of B that leak from A, over
 * all records of B: duplicates.leak.TIER.A_B; duplicates.leak.A_B is the union of the tiers of
 * records. Both directions are there, because they answer different questions: how much of the test
 * is known, and how much of the training has to go.
 *
 * Groups arrive member by member, in any order of groups; tiers that find pairs give groups of two.
 * What leaks is an entry of a table on disk (table.h): place, tier, and the splits it leaks from as
 * bits. One sorted pass makes a record that leaks many times count once. So memory is bounded, and
 * nothing depends on the order in which groups are found.
 *
 * A file that is itself a member (a picture) has the place dup_whole_file: findings name the file, and
 * it counts as its only record.
 *
 * A benchmark (a split whose label is in `benchmarks`) also leaks from records without a split:
 * whatever is trained on may be unlabelled. For it duplicates.contamination.NAME counts the items
 * that leak, by any tier, from training or from no split, over all items.
 *
 * Single owner.
 */
#ifndef ASSAY_DUPLICATES_LEAKAGE_H
#define ASSAY_DUPLICATES_LEAKAGE_H

#include "../common/state.h"
#include "labels.h"
#include "splits.h"

enum dup_tier {
    DUP_TIER_FILE,
    DUP_TIER_RECORD,
    DUP_TIER_NORMALISED,
    DUP_TIER_NEAR,
    DUP_TIER_SPAN,
    DUP_TIER_IMAGE,
    DUP_TIERS
};

/* The place of a file that is a member as such, of any tier but DUP_TIER_FILE. */
static inline uint64_t dup_whole_file(uint32_t file)
{
    return dup_place(file, (UINT64_C(1) << DUP_PLACE_BITS) - 1);
}

/* How many records (files) there are of each label; at the end also the marks of records. The
 * counts join, save and load with a scanner's state. */
struct dup_census {
    uint64_t records[DUP_LABELS];
    uint64_t files[DUP_LABELS];
    struct dup_marks marks;
};

void dup_census_release(struct dup_census *c);
/* Moves the counts out of `from`. */
void dup_census_join(struct dup_census *into, struct dup_census *from);
void dup_census_save(const struct dup_census *c, const struct dup_labels *l, struct state_out *out);
void dup_census_load(struct dup_census *c, const struct dup_labels *l, struct state_in *in);
/* Whether two labels other than none have records, or one is a benchmark. */
int dup_census_is_split(const struct dup_census *c, const struct dup_labels *l,
                        uint32_t benchmarks);

struct dup_leakage;

/* All but `host` must outlive it. `max` bounds the entries held in memory. */
enum assay_status dup_leakage_new(const struct assay_host *host, const struct dup_labels *splits,
                                  struct dup_census *census, uint32_t benchmarks, size_t max,
                                  struct dup_leakage **ret);
void dup_leakage_free(struct dup_leakage *l); /* accepts NULL */
/* The rule of the findings; ASSAY_NONE (as it begins): none are raised. */
void dup_leakage_rule(struct dup_leakage *l, uint32_t rule);
/* One more member of the subgroup in hand: a record, or a file as a whole. */
enum assay_status dup_leakage_member(struct dup_leakage *l, uint64_t place, int whole_file);
/* Ends the subgroup: its members are alike by `tier`, and become members of the group in hand. */
enum assay_status dup_leakage_subgroup(struct dup_leakage *l, enum dup_tier tier);
/* Ends the group: its members are alike by `tier`. Raises a finding when it crosses splits, with
 * the strictest of the tiers by which it does, and with `name`, which begins with "; ", at the end
 * of its detail. */
enum assay_status dup_leakage_group(struct dup_leakage *l, enum dup_tier tier, const char *name,
                                    struct assay_sink *sink);
/* Appends how many records of each split are in the subgroup in hand, or in the group where `whole`
 * is set: "; splits: 3 train, 1 test". */
void dup_leakage_say(const struct dup_leakage *l, int whole, char *detail, size_t cap);
/* Two records alike by `tier`; no finding. */
enum assay_status dup_leakage_pair(struct dup_leakage *l, enum dup_tier tier, uint64_t a,
                                   uint64_t b);
/* The metrics of the tiers whose bits are in `tiers`. */
enum assay_status dup_leakage_report(struct dup_leakage *l, unsigned tiers,
                                     struct assay_sink *sink);

#endif
