/* SPDX-License-Identifier: Apache-2.0
 *
 * csv_row.h: rows and cells of RFC 4180, and of what people write instead.
 *
 * Grammar: a cell that starts with the quote runs to the next quote that is not doubled, over
 * delimiters and line ends; whatever stands between that quote and the next delimiter is taken
 * literally (noted as stray). A quote anywhere else is a letter (noted as stray). A row ends at the
 * dialect's line end outside quotes; "\r\n" counts as one. Rows that are empty or hold only spaces
 * are blank: no records.
 *
 * csv_row_end() finds rows without building anything, resumes where it left off, and reads no byte
 * twice that it need not: split() runs on it. csv_parse_row() yields cells: next() runs on it. Both
 * know the same grammar.
 */
#ifndef ASSAY_CSV_CSV_ROW_H
#define ASSAY_CSV_CSV_ROW_H

#include "../common/batch.h"

#define CSV_COLUMNS_MAX 16384u /* the cells from there on are one cell, as written */

struct csv_dialect {
    char delimiter;
    char quote; /* '\0': none */
    char eol;   /* '\n', or '\r' in old Mac OS files */
};

/* How far csv_row_end() has come in a row that is not complete yet. Zeroed at the start of a row.
 */
struct csv_progress {
    size_t pos;
    int in_quotes;
};

#define CSV_NO_END SIZE_MAX

/* Offset of the line end that closes the row starting at `start`; data.len when the data ends it
 * (`last`); CSV_NO_END when more is needed. *progress keeps the place, counted from the start of
 * data. */
size_t csv_row_end(const struct csv_dialect *d, struct assay_bytes data, size_t start, int last,
                   struct csv_progress *progress);
/* Whether the row in [start, end) is blank. */
int csv_row_blank(struct assay_bytes data, size_t start, size_t end);

#define CSV_NOTE_STRAY_QUOTE  0x1u
#define CSV_NOTE_UNTERMINATED 0x2u

struct csv_parser {
    struct csv_dialect dialect;
    struct reader_batch *batch;
    struct assay_bytes data; /* 64 more bytes readable */
    int dirty;               /* data holds invalid UTF-8 */
    size_t block;            /* offset of the 64 bytes whose mask is at hand; SIZE_MAX: none */
    uint64_t mask;           /* bit i: data[block + i] is delimiter, quote or line end */
    /* Of the row parsed last: */
    uint32_t columns;
    unsigned notes; /* CSV_NOTE_* */
    uint64_t bad;   /* bytes repaired */
};

/* Makes ready to parse `data` into `batch`; both are borrowed until the last row. */
void csv_parser_start(struct csv_parser *p, const struct csv_dialect *d, struct reader_batch *batch,
                      struct assay_bytes data, int dirty);
/* Moves *pos behind blank rows. 0: nothing else is left. */
int csv_skip_blank(const struct csv_parser *p, size_t *pos);
/* Adds the cells of the row at *pos to the batch's current record, paths being column numbers, and
 * moves *pos behind the row; *ret_raw is the row without its line end. Room for the rest of data
 * must have been reserved. */
enum assay_status csv_parse_row(struct csv_parser *p, size_t *pos, struct assay_bytes *ret_raw);

#endif
