/* SPDX-License-Identifier: Apache-2.0 */
#include "csv_sniff.h"

#include "../common/lines.h"

#define ROWS_LOOKED_AT  64u
#define BYTES_LOOKED_AT ((size_t)32 << 10)
#define NAME_MAX_BYTES  128u

/* A "sep=;" line, which spreadsheets write and obey. Its length with the line end; 0: there is
 * none. */
static size_t sep_line(struct assay_bytes head, char *delimiter)
{
    if (head.len < 6 || memcmp(head.ptr, "sep=", 4) != 0) {
        return 0;
    }
    const size_t cr = head.ptr[5] == '\r';
    if (head.len < 6 + cr || head.ptr[5 + cr] != '\n') {
        return 0;
    }
    *delimiter = *delimiter == '\0' ? head.ptr[4] : *delimiter;
    return 6 + cr;
}

/* The column count that most rows have. */
static void find_mode(struct csv_sample *s, const struct reader_batch *batch)
{
    s->columns = 0;
    s->consistent = 0;
    for (uint32_t i = 0; i < batch->n_records; i++) {
        const uint32_t columns = batch->records[i].n_fields;
        uint32_t same = 0;
        for (uint32_t j = 0; j < batch->n_records; j++) {
            same += batch->records[j].n_fields == columns;
        }
        if (same > s->consistent) {
            s->consistent = same;
            s->columns = columns;
        }
    }
}

static enum assay_status read_sample(struct csv_sample *s, struct assay_bytes head, int is_all,
                                     struct reader_batch *batch)
{
    struct csv_parser p;
    size_t pos = s->start;
    enum assay_status st = reader_batch_reserve(batch, head.len + 1);
    csv_parser_start(&p, &s->dialect, batch, head, 1);
    s->rows = 0;
    s->second = 0;
    while (st == ASSAY_OK && s->rows < ROWS_LOOKED_AT && csv_skip_blank(&p, &pos)) {
        struct csv_progress progress = {pos, 0};
        const size_t end = csv_row_end(&s->dialect, head, pos, is_all, &progress);
        if (end == CSV_NO_END || (s->rows > 0 && pos > BYTES_LOOKED_AT)) {
            break;
        }
        s->start = s->rows == 0 ? pos : s->start;
        st = reader_batch_begin(batch, s->rows, pos, assay_bytes_make(NULL, 0));
        if (st == ASSAY_OK) {
            st = csv_parse_row(&p, &pos, &batch->records[s->rows].raw);
        }
        s->second = s->rows == 0 ? pos : s->second;
        s->rows++;
    }
    s->first_columns = s->rows == 0 ? 0 : batch->records[0].n_fields;
    find_mode(s, batch);
    return st;
}

/* Better: more of the rows agree. Only a table of two columns or more says anything. */
static int is_better(const struct csv_sample *a, const struct csv_sample *b)
{
    if (a->columns < 2 || b->columns < 2) {
        return a->columns >= 2 && b->columns < 2;
    }
    return (uint64_t)a->consistent * b->rows > (uint64_t)b->consistent * a->rows;
}

enum assay_status csv_sniff(struct assay_bytes head, int head_is_all, char delimiter, char quote,
                            struct reader_batch *batch, struct csv_sample *ret)
{
    /* In the order of trust at a tie: commas also stand in prose and in decimal numbers. */
    static const char candidates[] = {'\t', ';', '|', ','};
    struct csv_sample best;
    memset(&best, 0, sizeof best);
    best.dialect.quote = quote;
    best.dialect.eol = reader_line_end(head);
    best.start = sep_line(head, &delimiter);
    best.dialect.delimiter = delimiter == '\0' ? ',' : delimiter;
    const size_t start = best.start;
    for (size_t i = 0; delimiter == '\0' && i < sizeof candidates; i++) {
        struct csv_sample s = best;
        s.start = start;
        s.dialect.delimiter = candidates[i];
        reader_batch_clear(batch);
        const enum assay_status st = read_sample(&s, head, head_is_all, batch);
        if (st != ASSAY_OK) {
            return st;
        }
        if (is_better(&s, &best)) {
            best = s;
        }
    }
    best.start = start;
    reader_batch_clear(batch);
    const enum assay_status st = read_sample(&best, head, head_is_all, batch);
    *ret = best;
    return st;
}

/* ---- header ---- */

static struct assay_bytes cell(const struct reader_batch *b, uint32_t row, uint32_t column)
{
    const struct assay_field *f = &b->fields[b->records[row].first_field + column];
    return reader_trim(assay_bytes_make(b->text + f->start, f->len));
}

/* Digits with what numbers, dates and amounts are written with. */
static int is_numeric(struct assay_bytes s)
{
    size_t digits = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i];
        const int digit = c >= '0' && c <= '9';
        if (!digit && strchr("+-.,:/%$ eETZ", c) == NULL) {
            return 0;
        }
        digits += (size_t)digit;
    }
    return digits > 0;
}

static int is_name(struct assay_bytes s)
{
    size_t digits = 0;
    if (s.len == 0 || s.len > NAME_MAX_BYTES || is_numeric(s)) {
        return 0;
    }
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        digits += c >= '0' && c <= '9';
        if (c == '@' || c < 0x20) {
            return 0;
        }
    }
    return digits < 6;
}

/* At least half of the column's cells below the first are numbers. */
static int is_number_column(const struct csv_sample *s, const struct reader_batch *b, uint32_t col)
{
    uint32_t numeric = 0;
    uint32_t filled = 0;
    for (uint32_t row = 1; row < s->rows; row++) {
        if (col < b->records[row].n_fields && cell(b, row, col).len > 0) {
            filled++;
            numeric += (uint32_t)is_numeric(cell(b, row, col));
        }
    }
    return filled > 0 && numeric * 2 >= filled;
}

/* The first cell of the column turns up below it. */
static int comes_again(const struct csv_sample *s, const struct reader_batch *b, uint32_t col)
{
    for (uint32_t row = 1; row < s->rows; row++) {
        if (col < b->records[row].n_fields &&
            assay_bytes_equal(cell(b, row, col), cell(b, 0, col))) {
            return 1;
        }
    }
    return 0;
}

int csv_has_header(const struct csv_sample *s, const struct reader_batch *b)
{
    int numbers = 0;
    int again = 0;
    if (s->rows < 2 || s->first_columns != s->columns) {
        return 0;
    }
    for (uint32_t col = 0; col < s->first_columns; col++) {
        if (!is_name(cell(b, 0, col))) {
            return 0;
        }
        numbers = numbers || is_number_column(s, b, col);
        again = again || comes_again(s, b, col);
    }
    return numbers || (s->columns >= 2 && !again);
}
