/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/writers/details.h: what the detail of a finding says, taken apart and put into words.
 *
 * What:  scanners say what they saw in one line of ASCII, clause after clause with "; " between:
 *        "2 near-duplicates in 2 file(s), ... similarity to the first: least 848, ...; splits: 1
 *        test, 1 train". The clauses of scanners that come with Assay are in one table, with where
 *        they belong (how many, how alike, in which splits, where the other one is) and how to say
 *        them in English and in Chinese. So a report has columns, and a Chinese page no English.
 * Why:   findings.jsonl keeps the line as it is; a program reads that. People read this.
 * Always: a clause that is in no row of the table is kept as it stands, in `rest`: nothing is lost
 *        when a scanner changes its words (functional/groups.sh says that it did).
 * Owned by the caller. Text is UTF-8 or not, as names of files are: escape it before it is shown.
 */
#ifndef ASSAY_REPORTS_WRITERS_DETAILS_H
#define ASSAY_REPORTS_WRITERS_DETAILS_H

#include "core/buf.h"

enum assay_said {
    ASSAY_SAID_SIZE,   /* how many */
    ASSAY_SAID_ALIKE,  /* how like each other */
    ASSAY_SAID_SPLITS, /* how many in which split */
    ASSAY_SAID_WHERE,  /* where another one is */
    ASSAY_SAID_REST,   /* everything else */
    ASSAY_SAID_PARTS
};

struct assay_details {
    struct assay_buf part[ASSAY_SAID_PARTS]; /* empty: not said */
};

/* Takes `detail` (NULL: nothing said) apart; release in any case. What does not fit in memory is
 * not said: assay_buf_status tells. */
void assay_details_read(struct assay_details *d, const char *detail, int chinese);
void assay_details_release(struct assay_details *d);
/* Appends what `detail` says: all parts, with " · " between. */
void assay_details_say(const char *detail, int chinese, struct assay_buf *out);

#endif
