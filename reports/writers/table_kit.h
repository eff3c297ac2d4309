/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/writers/table_kit.h: the vocabulary of the terminal summary: styles, cells, lines.
 *
 * Everything that comes from the dataset goes through a cell: escaped, then fitted to its column by
 * display width, so a hostile or a Chinese name moves nothing. Colour is laid on afterwards and
 * only where asked for; shape and word carry the meaning without it.
 */
#ifndef ASSAY_REPORTS_WRITERS_TABLE_KIT_H
#define ASSAY_REPORTS_WRITERS_TABLE_KIT_H

#include "reports/writers/common.h"

struct sheet {
    struct assay_printer p;
    const struct assay_audit *a;
    struct assay_totals tally;
    int chinese, colour;
    unsigned columns;
};

enum style {
    PLAIN,
    BOLD,
    DIM,
    RED,
    YELLOW,
    CYAN,
    GREEN,
    MAGENTA,
    ON_RED,
    ON_YELLOW,
    ON_GREEN,
    ON_MAGENTA
};

/* What follows is in this style; `off` with the same style ends it. Nothing where there is no
 * colour. */
void sheet_style_on(struct sheet *s, enum style style);
void sheet_style_off(struct sheet *s, enum style style);
/* How severities and verdicts look. */
enum style sheet_severity_style(enum assay_severity sev);
enum style sheet_verdict_style(enum assay_verdict v);

/* A sentence or word in the sheet's language. */
const char *sheet_text(const struct sheet *s, enum assay_text id);
/* A cell of exactly `width` columns, escaped and cut; text to the left, numbers (`right`) to the
 * right. */
void sheet_cell(struct sheet *s, const char *text, unsigned width, int right, enum style style);
/* "file#record field" as a cell of exactly `width` columns; of a name that is too long the end stays,
 * for there is what tells it from its neighbours. */
void sheet_place(struct sheet *s, const char *file, uint64_t record, const char *field,
                 unsigned width);
/* A number as a cell; the space between cells. */
void sheet_count_cell(struct sheet *s, uint64_t n, unsigned width);
void sheet_gap(struct sheet *s);
/* Ends a line and takes the blanks at its end away. */
void sheet_end_line(struct sheet *s);
/* A line of its own that names what follows. */
void sheet_heading(struct sheet *s, enum assay_text id);

/* table_across.c: what splits share and sources repeat; nothing where there are none. */
enum assay_status sheet_across(struct sheet *s);
/* table_examples.c: a finding of each of the first rules; nothing where there are none. */
enum assay_status sheet_examples(struct sheet *s);

#endif
