/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dedup_list.h"

#include "core/json.h"
#include "core/limits.h"

#define BLOCK ASSAY_KIB(64) /* written at once */

struct place {
    uint32_t file;
    uint64_t record; /* ASSAY_NO_RECORD: the whole file */
};

struct listing {
    const struct cli_dedup_list *l;
    const struct assay_inventory *inv;
    const struct assay_redundant *rows;
    size_t n;
    struct assay_buf text;
    struct assay_out *out;
    uint64_t lines;
    struct assay_error *err;
};

/* ---- rows ---------------------------------------------------------------------------------- */

/* Index of the tier a row belongs to; n_rules: none that was chosen. */
static size_t tier_of(const struct listing *g, const struct assay_redundant *row)
{
    size_t t = 0;
    while (t < g->l->n_rules && g->l->rules[t] != row->rule) {
        t++;
    }
    return t;
}

static int is_before(const struct assay_redundant *row, struct place p)
{
    return row->file != p.file ? row->file < p.file : row->record + 1 < p.record + 1;
}

/* The first row of a chosen tier that drops this very place; NULL. */
static const struct assay_redundant *row_at(const struct listing *g, struct place p)
{
    size_t low = 0, high = g->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int before = is_before(&g->rows[middle], p);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    for (; low < g->n && g->rows[low].file == p.file && g->rows[low].record == p.record; low++) {
        if (tier_of(g, &g->rows[low]) < g->l->n_rules) {
            return &g->rows[low];
        }
    }
    return NULL;
}

static const struct assay_redundant *file_row(const struct listing *g, uint32_t file)
{
    return row_at(g, (struct place){file, ASSAY_NO_RECORD});
}

/* What is kept for a place: files that are dropped whole hand over to the same record of another,
 * because they are the same bytes. */
static struct place kept_for(const struct listing *g, struct place p)
{
    for (;;) {
        const struct assay_redundant *row = row_at(g, p);
        const struct assay_redundant *whole =
            row != NULL || p.record == ASSAY_NO_RECORD ? NULL : file_row(g, p.file);
        if (row != NULL) {
            p = (struct place){row->keep_file, row->keep_record};
        } else if (whole != NULL) {
            p.file = whole->keep_file;
        } else {
            return p;
        }
    }
}

/* ---- lines --------------------------------------------------------------------------------- */

static enum assay_status hand_on(struct listing *g, size_t least)
{
    if (g->text.len <= least) {
        return ASSAY_OK;
    }
    enum assay_status status = assay_buf_status(&g->text);
    status = status == ASSAY_OK ? g->out->write(g->out->ctx, g->text.ptr, g->text.len, g->err)
                                : assay_fail(g->err, status, "out of memory while listing");
    assay_buf_clear(&g->text);
    return status;
}

static void put_place(struct assay_json *j, const struct listing *g, struct place p)
{
    assay_json_kv_str(j, "file", assay_inventory_get(g->inv, p.file)->name);
    if (p.record != ASSAY_NO_RECORD) {
        assay_json_kv_uint(j, "record", p.record);
    }
}

static enum assay_status end_line(struct listing *g, struct assay_json *j)
{
    assay_json_end_object(j);
    assay_buf_addc(&g->text, '\n');
    g->lines++;
    return hand_on(g, BLOCK);
}

static enum assay_status keep_line(struct listing *g, struct place p)
{
    struct assay_json j;
    assay_json_init(&j, &g->text, 0);
    assay_json_object(&j);
    put_place(&j, g, p);
    return end_line(g, &j);
}

static enum assay_status drop_line(struct listing *g, const struct assay_redundant *row)
{
    struct assay_json j;
    struct place p = {row->file, row->record};
    assay_json_init(&j, &g->text, 0);
    assay_json_object(&j);
    put_place(&j, g, p);
    assay_json_kv_str(&j, "tier", g->l->names[tier_of(g, row)]);
    assay_json_key(&j, "similarity");
    assay_json_milli(&j, row->similarity);
    assay_json_key(&j, "representative");
    assay_json_object(&j);
    put_place(&j, g, kept_for(g, p));
    assay_json_end_object(&j);
    return end_line(g, &j);
}

/* ---- the lists ----------------------------------------------------------------------------- */

static void begin(struct listing *g, const struct cli_dedup_list *l, struct assay_out *out,
                  struct assay_error *err)
{
    *g = (struct listing){
        .l = l, .inv = l->inventory, .rows = l->rows, .n = l->n_rows, .out = out, .err = err};
    assay_buf_init(&g->text, 4 * BLOCK);
}

static enum assay_status end(struct listing *g, enum assay_status status, uint64_t *ret_n)
{
    status = status == ASSAY_OK ? hand_on(g, 0) : status;
    assay_buf_release(&g->text);
    *ret_n = g->lines;
    return status;
}

enum assay_status cli_dedup_drop(const struct cli_dedup_list *l, struct assay_out *out,
                                 uint64_t *ret_n, struct assay_error *err)
{
    struct listing g;
    enum assay_status status = ASSAY_OK;
    struct place last = {ASSAY_NONE, 0};
    begin(&g, l, out, err);
    for (size_t i = 0; i < g.n && status == ASSAY_OK; i++) {
        const struct assay_redundant *row = &g.rows[i];
        int again = row->file == last.file && row->record == last.record;
        int goes_whole = row->record != ASSAY_NO_RECORD && file_row(&g, row->file) != NULL;
        if (tier_of(&g, row) == l->n_rules || again || goes_whole) {
            continue;
        }
        last = (struct place){row->file, row->record};
        status = drop_line(&g, row);
    }
    return end(&g, status, ret_n);
}

/* Whether a file is one thing: its one record is the whole of it. */
static int is_picture(const struct listing *g, uint32_t file)
{
    const char *reader = assay_inventory_get(g->inv, file)->reader;
    return reader != NULL && strcmp(reader, "image") == 0;
}

/* The records of a file that are not dropped; `*at` moves over the rows of the file. */
static enum assay_status keep_records(struct listing *g, uint32_t file, uint64_t records,
                                      size_t *at)
{
    enum assay_status status = ASSAY_OK;
    const int whole = is_picture(g, file);
    for (uint64_t r = 0; r < records && status == ASSAY_OK; r++) {
        int drop = 0;
        for (; *at < g->n && g->rows[*at].file == file && g->rows[*at].record + 1 <= r + 1; ++*at) {
            drop |= g->rows[*at].record == r && tier_of(g, &g->rows[*at]) < g->l->n_rules;
        }
        status = drop ? ASSAY_OK : keep_line(g, (struct place){file, whole ? ASSAY_NO_RECORD : r});
    }
    return status;
}

enum assay_status cli_dedup_keep(const struct cli_dedup_list *l, struct assay_out *out,
                                 uint64_t *ret_n, struct assay_error *err)
{
    struct listing g;
    enum assay_status status = ASSAY_OK;
    size_t at = 0;
    begin(&g, l, out, err);
    for (uint32_t f = 0; f < assay_inventory_count(g.inv) && status == ASSAY_OK; f++) {
        uint64_t records = assay_inventory_get(g.inv, f)->records;
        while (at < g.n && g.rows[at].file < f) {
            at++;
        }
        if (file_row(&g, f) == NULL) {
            status = records == 0 ? keep_line(&g, (struct place){f, ASSAY_NO_RECORD})
                                  : keep_records(&g, f, records, &at);
        }
    }
    return end(&g, status, ret_n);
}
