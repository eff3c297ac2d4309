/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/spans.h: the span tier: texts that hold a long passage of one another.
 *
 * As in the near tier, three steps. While records are scanned each text leaves its kept n-grams
 * (grams.h) in a table of pairs (hash, place). When all are merged, places with the same n-gram make
 * candidates, and a second look is asked for; the tokens of the records that take part are kept. At
 * the end every candidate is compared exactly (match.h).
 *
 * Across splits (the default with benchmarks) only records of different splits are paired. Every
 * record that shares an n-gram with another split is: with the DUP_SPAN_PARTNERS first places of
 * each; so whether it leaks does not hang on how many others of its own split do. An n-gram that is in more records than `common` (a licence, a template) makes no pairs
 * and no run: it is counted, and the most frequent one reported with a sample of its places.
 *
 * An item all of whose text stands in long passages of one earlier record is contained: it says
 * nothing that the other does not, and is told as a member (sink->member). Common n-grams cover
 * nothing, so what holds one is not contained.
 *
 * A pair is a group that can be accepted, by all the long passages that it shares (match.h): as one
 * of the dataset, or, apart from that, as one with an item of a benchmark. An accepted pair is left
 * out of all that is said here, and is no leak.
 *
 * Every pair has an item, of which is said whether it leaks: the record of the benchmark, or that
 * which is not of the training split, or else the later one. One finding for each item, with the
 * partner that holds the longest passage: places, lengths and bytes, never text.
 */
#ifndef ASSAY_DUPLICATES_SPANS_H
#define ASSAY_DUPLICATES_SPANS_H

#include "accepted.h"
#include "across.h"
#include "grams.h"
#include "sets.h"

#define DUP_SPAN_PARTNERS 4
#define DUP_SPAN_SAMPLE   16    /* places of the most frequent common n-gram */
#define DUP_COMMON_MOST   10000 /* the bound on `common` */

enum dup_span_mode { DUP_SPANS_OFF, DUP_SPANS_ACROSS, DUP_SPANS_ALL };

/* Immutable. */
struct dup_span_plan {
    enum dup_span_mode mode;
    struct dup_gram_plan gram;
    uint64_t common; /* 0: one in a hundred records, from 20 to 1000 */
    uint32_t rule_span, rule_contamination, rule_common;
    const struct dup_across *across;
    const struct dup_accepted *accepted;
};

/* Of the merged state. Zeroed before use. */
struct dup_spans {
    struct dup_table pairs; /* of places, the item first; a pair may be there more than once */
    struct dup_rows places; /* that take part, ascending */
    struct dup_rows common; /* n-grams set aside, ascending */
    uint64_t sample[DUP_SPAN_SAMPLE]; /* of the most frequent */
    uint64_t sample_records;
    struct dup_sets texts; /* by rank among the places */
    int found;             /* the second look was asked for */
};

/* Whether the tier is on at all with these options: reads them. ASSAY_CONFIG with a sentence. */
void dup_span_plan_read(struct dup_span_plan *p, const struct dup_across *across,
                        const struct dup_accepted *accepted, const struct assay_host *host);
/* Adds the kept n-grams of a record's text; *ret_long: whether it is long enough to be judged.
 * `max` as in dup_table_add. */
enum assay_status dup_spans_add(const struct dup_span_plan *p, struct dup_spots *s,
                                const struct assay_host *host, struct dup_table *grams, size_t max,
                                uint64_t place, int *ret_long);
/* Finds candidates; `grams` is emptied. `max` is how many pairs each table may hold in memory. */
enum assay_status dup_spans_begin(struct dup_spans *s, const struct dup_span_plan *p,
                                  struct dup_across_local *local, struct dup_table *grams,
                                  const struct assay_host *host, uint64_t records, size_t max,
                                  int *ret_wanted);
/* Whether records of a file are to be read again. Any thread. */
int dup_spans_wants(const struct dup_spans *s, uint32_t file);
/* Compares and reports. Records that were not seen again are a skip on `sink`. The texts have been
 * settled. Adds to `set_aside` accepted pairs, and items that have no others. */
enum assay_status dup_spans_report(struct dup_spans *s, const struct dup_span_plan *p,
                                   const struct assay_host *host, uint64_t records,
                                   struct dup_across_report *across,
                                   struct dup_accepted_tally *set_aside, struct assay_sink *sink);
void dup_spans_release(struct dup_spans *s);

#endif
