/* SPDX-License-Identifier: Apache-2.0
 *
 * csv: tables of separated values: comma, tab, semicolon, bar.
 *
 * Records are rows, fields are cells at the path of their column. The dialect and the header come
 * from the head of the file (csv_sniff.h) unless options say otherwise. What deviates is a finding,
 * and is read all the same: rows with more or fewer cells than the header (or the first row),
 * quotes where none may stand, a quote that is never closed. The cells of a header are yielded
 * once, as KEY fields of record 0, so that a first row taken for a header by mistake is scanned
 * too. A header longer than the head (64 KiB) is not one.
 *
 * An over-long record, which the host discards, ends at the next line end whatever the quotes say:
 * it is most likely a quote that was never closed, and the rest of the file is worth more than one
 * cell.
 */
#include "assay/plugin.h"

#include "../common/batch.h"
#include "../common/probe.h"
#include "../common/report.h"
#include "csv_header.h"
#include "csv_row.h"
#include "csv_sniff.h"

#define CSV_EXTENSIONS  "csv tsv tab psv"
#define TEXT_EXTENSIONS "txt text log md markdown rst"

enum { RULE_RAGGED, RULE_STRAY_QUOTE, RULE_UNTERMINATED, RULE_INVALID_UTF8, RULE_DUPLICATE_COLUMN };

static const struct assay_rule_decl csv_rules[] = {
    {"csv.ragged_row", NULL, ASSAY_SEVERITY_LOW, "Row with another number of cells",
     "行的列数不一致",
     "The row has more or fewer cells than the header, or than the first row where there is no "
     "header, so its values may stand in the wrong columns. All of them were scanned.",
     "该行的列数与表头（无表头时与首行）不一致，其取值可能错位。所有取值均已扫描。"},
    {"csv.stray_quote", NULL, ASSAY_SEVERITY_LOW, "Quote where none may stand", "引号位置不当",
     "A quote stands inside a cell that is not quoted, or text follows a closing quote. Programs "
     "read such rows differently. Double quotes inside quoted cells (RFC 4180).",
     "未加引号的单元格中出现引号，或右引号之后还有文字，不同程序的读法不一致。请按 RFC 4180 "
     "将引号内的引号写成两个。"},
    {"csv.unterminated_quote", NULL, ASSAY_SEVERITY_MEDIUM, "Quote that is never closed",
     "引号没有闭合",
     "The file ends inside a quoted cell. Everything from that quote on was scanned as one cell; "
     "the "
     "file may be cut off, or a quote may be missing.",
     "文件在加引号的单元格内结束。自该引号起的全部内容已作为一个单元格扫描；文件可能被截断，或缺少"
     "一个引号。"},
    {"csv.invalid_utf8", NULL, ASSAY_SEVERITY_MEDIUM, "Row that is not valid UTF-8",
     "行不是有效的 UTF-8 编码",
     "Bytes of this row are neither UTF-8 nor a recognised encoding; each was read as '?', so "
     "something next to them may be missed. Convert the file to UTF-8.",
     "该行中有字节既不是 "
     "UTF-8，也不属于可识别的编码，已逐字节按“?”读取，其附近的内容可能漏检。请将文件转换为 "
     "UTF-8。"},
    {"csv.duplicate_column", NULL, ASSAY_SEVERITY_LOW, "Two columns with the same name", "列名重复",
     "Readers that go by name see one of the columns only. Both were scanned, the later one as "
     "name#2. Rename one.",
     "按列名读取的程序只能看到其中一列。各列均已扫描，后出现的记为“列名#2”。请重命名其中一列。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const struct {
    const char *name;
    char value;
} delimiters[] = {{"comma", ','}, {"tab", '\t'}, {"semicolon", ';'}, {"bar", '|'}},
  quotes[] = {{"double", '"'}, {"single", '\''}, {"none", '\0'}};

static const struct assay_option csv_options[] = {
    {"delimiter", ASSAY_OPT_ENUM, 0, 0, "auto|comma|tab|semicolon|bar", "auto",
     "what separates cells; auto: what gives the most rows the same number of columns"},
    {"header", ASSAY_OPT_ENUM, 0, 0, "auto|yes|no", "auto",
     "whether the first row names the columns; auto: decided by its cells"},
    {"quote", ASSAY_OPT_ENUM, 0, 0, "double|single|none", "double", "what quotes cells"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};

struct csv_file {
    struct csv_dialect dialect;
    struct csv_header header;
    uint32_t columns;    /* expected in every row; 0: not known */
    uint64_t data_start; /* offset of the first row that is data */
    /* split() only: */
    uint64_t consumed;
    struct csv_progress progress;
};

struct csv_local {
    struct reader_rules rules;
    struct reader_batch batch;
    struct csv_parser parser;
    struct assay_bytes *paths; /* CSV_COLUMNS_MAX: of the file in hand */
    char *numbers;             /* text of the paths beyond the header */
    uint32_t n_paths;
    size_t pos;
    uint64_t ordinal;
};

/* ---- one thread, in order ---- */

/* The head with 64 readable bytes behind it. NULL: out of memory. */
static char *padded_copy(struct assay_bytes head)
{
    char *p = (char *)calloc(1, head.len + READER_BATCH_SLACK);
    if (p != NULL && head.len > 0) {
        memcpy(p, head.ptr, head.len);
    }
    return p;
}

/* Bids for tables: a name that claims one and columns that agree; without the name, three rows or
 * more that all agree. */
static int score(const struct csv_sample *s, const char *name)
{
    const int claimed = reader_has_extension(name, CSV_EXTENSIONS);
    const int table = s->columns >= 2;
    if (claimed) {
        return table && s->consistent * 10 >= s->rows * 9 ? 85 : 55;
    }
    if (!table || s->rows < 3 || s->consistent < s->rows) {
        return 10;
    }
    return reader_has_extension(name, TEXT_EXTENSIONS) ? 40 : 55;
}

static int csv_probe(struct assay_bytes head, const char *name)
{
    if (reader_is_binary(head)) {
        return 0;
    }
    int result = 0;
    struct csv_sample s;
    struct reader_batch batch;
    char *copy = padded_copy(head);
    memset(&batch, 0, sizeof batch);
    if (copy != NULL &&
        csv_sniff(assay_bytes_make(copy, head.len), 0, '\0', '"', &batch, &s) == ASSAY_OK) {
        result = score(&s, name);
    }
    reader_batch_release(&batch);
    free(copy);
    return result;
}

static char delimiter_option(const struct assay_host *host)
{
    const char *v = host->option(host->ctx, "delimiter");
    for (size_t i = 0; v != NULL && i < sizeof delimiters / sizeof delimiters[0]; i++) {
        if (strcmp(v, delimiters[i].name) == 0) {
            return delimiters[i].value;
        }
    }
    return '\0';
}

static char quote_option(const struct assay_host *host)
{
    const char *v = host->option(host->ctx, "quote");
    for (size_t i = 0; v != NULL && i < sizeof quotes / sizeof quotes[0]; i++) {
        if (strcmp(v, quotes[i].name) == 0) {
            return quotes[i].value;
        }
    }
    return '"';
}

static int wants_header(const struct assay_host *host, const struct csv_sample *s,
                        const struct reader_batch *batch)
{
    const char *v = host->option(host->ctx, "header");
    if (s->second == 0) {
        return 0;
    }
    return v == NULL || strcmp(v, "auto") == 0 ? csv_has_header(s, batch) : strcmp(v, "yes") == 0;
}

static enum assay_status learn(struct csv_file *f, const struct assay_host *host,
                               struct assay_bytes head, int head_is_all)
{
    struct csv_sample s;
    struct reader_batch batch;
    memset(&batch, 0, sizeof batch);
    enum assay_status st =
        csv_sniff(head, head_is_all, delimiter_option(host), quote_option(host), &batch, &s);
    if (st == ASSAY_OK) {
        const int header = wants_header(host, &s, &batch);
        f->dialect = s.dialect;
        f->columns = s.first_columns;
        f->data_start = header ? s.second : s.start;
        st = csv_header_make(&f->header, header ? &batch : NULL);
    }
    reader_batch_release(&batch);
    return st;
}

static void csv_close(void *self)
{
    if (self != NULL) {
        csv_header_release(&((struct csv_file *)self)->header);
        free(self);
    }
}

static enum assay_status csv_open(const struct assay_host *host,
                                  const struct assay_reader_input *in, void **ret_self,
                                  struct assay_error *err)
{
    struct csv_file *f = (struct csv_file *)calloc(1, sizeof *f);
    char *copy = padded_copy(in->head);
    enum assay_status st = ASSAY_NOMEM;
    if (f != NULL && copy != NULL) {
        st = learn(f, host, assay_bytes_make(copy, in->head.len), in->head_is_all);
    }
    free(copy);
    if (st != ASSAY_OK) {
        csv_close(f);
        return assay_fail(err, st, "out of memory");
    }
    *ret_self = f;
    return ASSAY_OK;
}

/* Finds rows from ret->consumed on. */
static void split_rows(struct csv_file *f, struct assay_bytes data, int last,
                       struct assay_split *ret)
{
    while (ret->consumed < data.len) {
        const size_t end = csv_row_end(&f->dialect, data, ret->consumed, last, &f->progress);
        if (end == CSV_NO_END) {
            break;
        }
        ret->records += !csv_row_blank(data, ret->consumed, end);
        ret->consumed = end + (end < data.len);
        f->progress.in_quotes = 0;
        f->progress.pos = ret->consumed;
    }
}

/* An over-long record ends with its line. */
static void discard_line(struct csv_file *f, struct assay_bytes data, struct assay_split *ret)
{
    const char *end =
        data.len == 0 ? NULL : (const char *)memchr(data.ptr, f->dialect.eol, data.len);
    ret->done = end != NULL;
    ret->consumed = end == NULL ? data.len : (size_t)(end + 1 - data.ptr);
    f->progress.in_quotes = 0;
    f->progress.pos = ret->consumed;
}

static enum assay_status csv_split(void *self, struct assay_bytes data, enum assay_split_mode mode,
                                   struct assay_split *ret)
{
    struct csv_file *f = (struct csv_file *)self;
    ret->consumed = 0;
    ret->records = 0;
    ret->done = 0;
    if (mode == ASSAY_SPLIT_DISCARD) {
        discard_line(f, data, ret);
    } else {
        if (f->consumed < f->data_start) {
            const uint64_t skip = f->data_start - f->consumed;
            ret->consumed = skip < data.len ? (size_t)skip : data.len;
        }
        split_rows(f, data, mode == ASSAY_SPLIT_LAST, ret);
    }
    f->consumed += ret->consumed;
    f->progress.pos -= ret->consumed < f->progress.pos ? ret->consumed : f->progress.pos;
    return ASSAY_OK;
}

/* ---- many threads ---- */

static void csv_local_free(void *local)
{
    struct csv_local *l = (struct csv_local *)local;
    if (l != NULL) {
        reader_batch_release(&l->batch);
        free(l->paths);
        free(l->numbers);
        free(l);
    }
}

static enum assay_status csv_local_init(const struct assay_host *host, void **ret_local,
                                        struct assay_error *err)
{
    struct csv_local *l = (struct csv_local *)calloc(1, sizeof *l);
    if (l != NULL) {
        l->paths = (struct assay_bytes *)calloc(CSV_COLUMNS_MAX, sizeof *l->paths);
        l->numbers = (char *)calloc(CSV_COLUMNS_MAX, CSV_NUMBER_LEN);
    }
    if (l == NULL || l->paths == NULL || l->numbers == NULL) {
        csv_local_free(l);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    reader_rules_find(&l->rules, host, csv_rules);
    *ret_local = l;
    return ASSAY_OK;
}

/* Makes sure that columns 0..n-1 have a path. */
static void need_paths(struct csv_local *l, uint32_t n)
{
    for (; l->n_paths < n; l->n_paths++) {
        l->paths[l->n_paths] =
            csv_number_path(l->numbers + (size_t)l->n_paths * CSV_NUMBER_LEN, l->n_paths);
    }
}

static enum assay_status begin_chunk(const struct csv_file *f, struct csv_local *l,
                                     const struct assay_chunk *chunk, struct assay_sink *sink)
{
    const int dirty = reader_utf8_valid(chunk->data.ptr, chunk->data.len) < chunk->data.len;
    csv_parser_start(&l->parser, &f->dialect, &l->batch, chunk->data, dirty);
    l->pos = 0;
    l->ordinal = chunk->first_ordinal;
    memcpy(l->paths, f->header.paths, f->header.n * sizeof *l->paths);
    l->n_paths = f->header.n;
    if (chunk->offset < f->data_start) {
        const uint64_t skip = f->data_start - chunk->offset;
        l->pos = skip < chunk->data.len ? (size_t)skip : chunk->data.len;
    }
    if (chunk->offset > 0 || !f->header.duplicates) {
        return ASSAY_OK;
    }
    const struct reader_place at = {chunk->file, ASSAY_NO_RECORD, 0};
    return reader_report(&l->rules, RULE_DUPLICATE_COLUMN, at, sink);
}

/* The header's cells, as keys of record 0. */
static enum assay_status add_header(const struct csv_file *f, struct csv_local *l)
{
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = 0; st == ASSAY_OK && i < f->header.n; i++) {
        st = reader_batch_reserve(&l->batch, f->header.names[i].len + 1);
        if (st == ASSAY_OK) {
            st = reader_batch_add(&l->batch, i, ASSAY_FIELD_KEY, f->header.names[i], NULL);
        }
    }
    return st;
}

static enum assay_status report_row(struct csv_local *l, const struct csv_file *f,
                                    struct reader_place at, size_t row_len, struct assay_sink *sink)
{
    const struct csv_parser *p = &l->parser;
    const struct {
        int happened;
        unsigned rule;
    } faults[] = {
        {f->columns != 0 && p->columns != f->columns, RULE_RAGGED},
        {(p->notes & CSV_NOTE_STRAY_QUOTE) != 0, RULE_STRAY_QUOTE},
        {(p->notes & CSV_NOTE_UNTERMINATED) != 0, RULE_UNTERMINATED},
        {p->bad > 0, RULE_INVALID_UTF8},
    };
    enum assay_status st = ASSAY_OK;
    if (p->bad > 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_ENCODING, 0, p->bad);
    }
    if ((p->notes & CSV_NOTE_UNTERMINATED) != 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_MALFORMED, 1, row_len);
    }
    for (size_t i = 0; st == ASSAY_OK && i < sizeof faults / sizeof faults[0]; i++) {
        st = faults[i].happened ? reader_report(&l->rules, faults[i].rule, at, sink) : ASSAY_OK;
    }
    return st;
}

static enum assay_status add_row(const struct csv_file *f, struct csv_local *l,
                                 const struct assay_chunk *chunk, struct assay_sink *sink)
{
    const struct reader_place at = {chunk->file, l->ordinal, chunk->offset + l->pos};
    struct assay_bytes raw = {NULL, 0};
    enum assay_status st = reader_batch_begin(&l->batch, l->ordinal, at.offset, raw);
    if (st == ASSAY_OK && l->ordinal == 0) {
        st = add_header(f, l);
    }
    if (st == ASSAY_OK) {
        st = reader_batch_reserve(&l->batch, chunk->data.len - l->pos + 1);
    }
    if (st == ASSAY_OK) {
        st = csv_parse_row(&l->parser, &l->pos, &raw);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    l->batch.records[l->batch.n_records - 1].raw = raw;
    l->ordinal++;
    need_paths(l, l->parser.columns);
    return report_row(l, f, at, raw.len, sink);
}

static enum assay_status csv_next(const void *self, void *local, const struct assay_chunk *chunk,
                                  int restart, struct assay_batch *ret, struct assay_sink *sink,
                                  struct assay_error *err)
{
    const struct csv_file *f = (const struct csv_file *)self;
    struct csv_local *l = (struct csv_local *)local;
    enum assay_status st = restart ? begin_chunk(f, l, chunk, sink) : ASSAY_OK;
    reader_batch_clear(&l->batch);
    while (st == ASSAY_OK && !reader_batch_full(&l->batch) && csv_skip_blank(&l->parser, &l->pos)) {
        st = add_row(f, l, chunk, sink);
    }
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "cannot hold the records of a chunk");
    }
    if (l->batch.n_records == 0) {
        return ASSAY_END;
    }
    reader_batch_fill(&l->batch, chunk->file, l->paths, l->n_paths, ret);
    return ASSAY_OK;
}

ASSAY_READER_PLUGIN(csv) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_reader),
    .name = "csv",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "comma, tab, semicolon and bar separated values",
    .extensions = CSV_EXTENSIONS,
    .options = csv_options,
    .rules = csv_rules,
    .probe = csv_probe,
    .open = csv_open,
    .split = csv_split,
    .local_init = csv_local_init,
    .next = csv_next,
    .local_free = csv_local_free,
    .close = csv_close,
};
