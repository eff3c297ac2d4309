/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/writers/leaks.h: what the parts of a dataset share, read off the metrics and laid out for
 * people.
 *
 * What:  duplicates.leak.A_B and duplicates.leak.TIER.A_B become one row for every pair of splits
 *        with one cell a tier; duplicates.contamination.NAME and duplicates.source.NAME become
 *        lists. Names of splits hold no '_' and no '.', so a metric's name says which it is.
 * Why:   metrics are what policies speak of and what the statement signs; a report that counted by
 *        itself could disagree with them.
 * Always: a metric that does not fit the pattern is left to the list of metrics, which holds all of
 *        them; a tier that nobody looked for has no column, which is not the same as zeroes.
 * Owned by the caller; names of lists live as long as the audit.
 */
#ifndef ASSAY_REPORTS_WRITERS_LEAKS_H
#define ASSAY_REPORTS_WRITERS_LEAKS_H

#include "reports/writers/common.h"

#define ASSAY_LEAK_NAME 64 /* bytes of a split's name, its end included */

/* In the order of columns; ANY is the union of the tiers of records. */
enum assay_leak_tier {
    ASSAY_LEAK_ANY,
    ASSAY_LEAK_FILE,
    ASSAY_LEAK_RECORD,
    ASSAY_LEAK_NORMALISED,
    ASSAY_LEAK_NEAR,
    ASSAY_LEAK_SPAN,
    ASSAY_LEAK_IMAGE,
    ASSAY_LEAK_TIERS
};

struct assay_leak_pair {
    char from[ASSAY_LEAK_NAME], in[ASSAY_LEAK_NAME]; /* what of `from` is there again in `in` */
    struct {
        uint64_t num, den; /* den 0: not looked for */
    } tier[ASSAY_LEAK_TIERS];
};

struct assay_leaks {
    struct assay_leak_pair *pairs;
    size_t n;
    uint8_t looked[ASSAY_LEAK_TIERS]; /* some pair has this tier */
};

/* ASSAY_OK or ASSAY_NOMEM; release in any case. */
enum assay_status assay_leaks_read(const struct assay_audit *a, struct assay_leaks *ret,
                                   struct assay_error *err);
void assay_leaks_release(struct assay_leaks *l);
/* The heading of a tier's column. */
enum assay_text assay_leak_text(enum assay_leak_tier t);

enum assay_share_list { ASSAY_SHARE_BENCHMARKS, ASSAY_SHARE_SOURCES, ASSAY_SHARE_LISTS };
/* Heading of a list, and of its first column. */
enum assay_text assay_share_title(enum assay_share_list l);
enum assay_text assay_share_column(enum assay_share_list l);
/* The i-th metric's name within the list; NULL: it is not of the list. */
const char *assay_share_name(const struct assay_audit *a, enum assay_share_list l, size_t i);
size_t assay_share_count(const struct assay_audit *a, enum assay_share_list l);

#endif
