/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/across.h: the door of everything that compares parts of a dataset: splits and
 * benchmarks (leakage.h), sources (sources.h).
 *
 * Three lives: `dup_across` is built from the options and immutable; `dup_across_local` counts
 * while records are read, one per worker; `dup_across_report` hears of every group at the end.
 */
#ifndef ASSAY_DUPLICATES_ACROSS_H
#define ASSAY_DUPLICATES_ACROSS_H

#include "leakage.h"
#include "sources.h"

struct dup_across {
    const struct assay_host *host;
    struct dup_labels splits, sources;
    uint32_t benchmarks;
    uint32_t rule; /* of leakage */
};

struct dup_across_local {
    struct dup_census splits, sources;
    uint64_t brief[DUP_SPLITS]; /* records too short for the span tier, by split */
};

struct dup_across_report {
    const struct dup_across *across;
    const struct dup_across_local *local;
    struct dup_leakage *leakage;    /* NULL: nothing to compare */
    uint64_t redundant[DUP_LABELS]; /* records of a source beyond the first of their group */
    uint64_t least;                 /* place in the group in hand */
    int any;                        /* the group in hand has members */
};

enum assay_status dup_across_init(struct dup_across *a, const struct assay_host *host,
                                  struct assay_error *err);
void dup_across_release(struct dup_across *a);

void dup_across_local_release(struct dup_across_local *l);
/* Counts a record. What does not fit a quarter of the memory budget is a skip on `sink`. */
enum assay_status dup_across_record(const struct dup_across *a, struct dup_across_local *l,
                                    const struct assay_batch *b, const struct assay_record *r,
                                    struct assay_sink *sink);
void dup_across_file(const struct dup_across *a, struct dup_across_local *l, uint32_t file);
/* A record of which no field is a long span. Its label is known already. */
void dup_across_brief(const struct dup_across *a, struct dup_across_local *l, uint64_t place);
enum assay_status dup_across_join(struct dup_across_local *into, struct dup_across_local *from);
void dup_across_save(const struct dup_across *a, const struct dup_across_local *l,
                     struct state_out *out);
/* ASSAY_CONFIG: saved with other options; ASSAY_CORRUPT. */
enum assay_status dup_across_load(const struct dup_across *a, struct dup_across_local *l,
                                  struct state_in *in);

/* `max`: entries of tables to hold in memory. Release in any case. */
enum assay_status dup_across_begin(struct dup_across_report *r, const struct dup_across *a,
                                   const struct dup_across_local *l, size_t max);
void dup_across_report_release(struct dup_across_report *r);
/* Of every group, also those of one (groups.h): members, ends of subgroups, the end. */
enum assay_status dup_across_member(struct dup_across_report *r, uint64_t place, int whole_file);
enum assay_status dup_across_subgroup(struct dup_across_report *r, int whole_file);
enum assay_status dup_across_group(struct dup_across_report *r, int whole_file,
                                   struct assay_sink *sink);
/* Whether clusters of the near tier are of interest; `r` may be NULL. */
static inline int dup_across_listens(const struct dup_across_report *r)
{
    return r != NULL && r->leakage != NULL;
}
/* The same of clusters of the near tier: every record of their texts. */
enum assay_status dup_across_near(struct dup_across_report *r, uint64_t place);
enum assay_status dup_across_near_end(struct dup_across_report *r, struct assay_sink *sink);
/* Appends to the detail of a finding how many records of each split are in the subgroup in hand, or
 * in the group where `whole` is set; nothing where there are no splits. Before its end. */
void dup_across_say(const struct dup_across_report *r, int whole, char *detail, size_t cap);
/* The metrics. `tiers`: bits of the tiers that were looked for. */
enum assay_status dup_across_end(struct dup_across_report *r, unsigned tiers,
                                 struct assay_sink *sink);

#endif
