/* SPDX-License-Identifier: Apache-2.0
 *
 * csv_header.h: the paths of a table's columns: JSON Pointers made of the header's names, or of
 * column numbers.
 *
 * "/email"; a name that comes again is "/email#2"; a column with no name or one of over 2 KB, and
 * any beyond the header, is its number from 0: "/7". Immutable once made.
 */
#ifndef ASSAY_CSV_CSV_HEADER_H
#define ASSAY_CSV_CSV_HEADER_H

#include "csv_row.h"

struct csv_header {
    uint32_t n;                /* columns with a name; 0: there is no header */
    struct assay_bytes *paths; /* CSV_COLUMNS_MAX are reserved, n are set */
    struct assay_bytes *names; /* n cells as they stood, unquoted; to be scanned once */
    int duplicates;            /* some name came twice */
    char *text;
};

/* From the fields of record 0 of `batch`; NULL: no header. */
enum assay_status csv_header_make(struct csv_header *h, const struct reader_batch *batch);
void csv_header_release(struct csv_header *h);

#define CSV_NUMBER_LEN 8
/* Writes the path of column `i` ("/7") to `to` (CSV_NUMBER_LEN bytes). */
struct assay_bytes csv_number_path(char *to, uint32_t i);

#endif
