/* SPDX-License-Identifier: Apache-2.0
 *
 * csv_sniff.h: the delimiter and the header of a table, from the head of its file.
 */
#ifndef ASSAY_CSV_CSV_SNIFF_H
#define ASSAY_CSV_CSV_SNIFF_H

#include "csv_row.h"

/* The first rows of a head, read with one dialect. */
struct csv_sample {
    struct csv_dialect dialect;
    uint32_t rows;       /* whole rows read */
    uint32_t columns;    /* of most rows */
    uint32_t consistent; /* rows that have so many */
    size_t start;        /* of the first row that is not blank, behind a "sep=" line */
    size_t second;       /* behind the first row; 0: the head does not hold all of it */
    uint32_t first_columns;
};

/* Finds the dialect: `delimiter` '\0': the candidate that gives the most rows the same number (two
 * or more) of columns. `head` needs 64 readable bytes behind it; `batch` is scratch and afterwards
 * holds the sample's rows as records. */
enum assay_status csv_sniff(struct assay_bytes head, int head_is_all, char delimiter, char quote,
                            struct reader_batch *batch, struct csv_sample *ret);
/* Whether the sample's first row names the columns. Never true of a row with an address or a long
 * number in it, nor of an only row: a header is scanned once, as the names of record 0, and must
 * not stand in for data. */
int csv_has_header(const struct csv_sample *s, const struct reader_batch *batch);

#endif
