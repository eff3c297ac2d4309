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
    unsigned split;             /* of the record counted last */
    uint64_t brief[DUP_SPLITS]; /* records too short for the span tier, by split */
};

/* The marks of a record (labels.h); 0: there is none. */
struct dup_across_marks {
    uint8_t split, source;
};

/* The only member so far of the group in hand. It is held back until there is another, since most
 * groups have one member, and of those nothing is to be said. */
struct dup_across_lone {
    uint64_t place;
    int any;
    int ended; /* its subgroup */
};

struct dup_across_report {
    const struct dup_across *across;
    struct dup_across_local *local;
    struct dup_leakage *leakage;    /* NULL: nothing to compare */
    uint64_t redundant[DUP_LABELS]; /* records of a source beyond the first of their group */
    uint64_t least;                 /* place in the group in hand */
    int any;                        /* the group in hand has members that were counted */
    int in_group;                   /* it has any */
    struct dup_across_lone lone;
};

enum assay_status dup_across_init(struct dup_across *a, const struct assay_host *host,
                                  struct assay_error *err);
void dup_across_release(struct dup_across *a);

void dup_across_local_release(struct dup_across_local *l);
/* Counts a record. Its marks are the caller's to keep. */
struct dup_across_marks dup_across_record(const struct dup_across *a, struct dup_across_local *l,
                                          const struct assay_batch *b,
                                          const struct assay_record *r);
void dup_across_file(const struct dup_across *a, struct dup_across_local *l, uint32_t file);
/* Of the record counted last no field is a long span. */
void dup_across_brief(struct dup_across_local *l);
void dup_across_join(struct dup_across_local *into, struct dup_across_local *from);
void dup_across_save(const struct dup_across *a, const struct dup_across_local *l,
                     struct state_out *out);
/* ASSAY_CONFIG: saved with other options; ASSAY_CORRUPT. */
enum assay_status dup_across_load(const struct dup_across *a, struct dup_across_local *l,
                                  struct state_in *in);

/* Takes the marks of all records from their tables, once: from here on labels can be asked for.
 * `bytes` of each may be held in memory. */
enum assay_status dup_across_settle(const struct dup_across *a, struct dup_across_local *l,
                                    struct dup_table *splits, struct dup_table *sources,
                                    size_t bytes);
/* Whether there were marks to settle. */
static inline int dup_across_is_settled(const struct dup_across_local *l)
{
    return l->splits.marks.words.n > 0 || l->sources.marks.words.n > 0;
}
/* `max`: entries of tables to hold in memory. The marks are settled. Release in any case. */
enum assay_status dup_across_begin(struct dup_across_report *r, const struct dup_across *a,
                                   struct dup_across_local *l, size_t max);
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
/* The same of groups that others found: clusters of the near tier, every record of their texts, and
 * pictures (pictures.h). `name` as in dup_leakage_group. */
enum assay_status dup_across_alike(struct dup_across_report *r, uint64_t place);
enum assay_status dup_across_alike_end(struct dup_across_report *r, enum dup_tier tier,
                                       const char *name, struct assay_sink *sink);
/* Appends to the detail of a finding how many records of each split are in the subgroup in hand, or
 * in the group where `whole` is set; nothing where there are no splits. Before its end. */
void dup_across_say(const struct dup_across_report *r, int whole, char *detail, size_t cap);
/* The metrics. `tiers`: bits of the tiers that were looked for. */
enum assay_status dup_across_end(struct dup_across_report *r, unsigned tiers,
                                 struct assay_sink *sink);

#endif
