/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV of findings (RFC 4180: CRLF, quotes doubled), made to be opened in a spreadsheet without
 * harm.
 *
 * Every text cell is first made printable (control characters, bidi controls and invalid bytes
 * escaped), then a cell that a spreadsheet would take for a formula (it starts with = + - @, their
 * full-width forms, tab or carriage return) gets an apostrophe in front, then it is quoted. UTF-8
 * without a byte order mark.
 */
#include "reports/writers/common.h"

#include "core/utf8.h"

static const char header[] =
    "severity,rule,entity,scanner,confidence,file,record,field,start,end,byte_start,byte_end,"
    "offset,masked,fingerprint,detail,members_total,members\r\n";

static int is_formula(const char *s)
{
    static const char *const starts[] = {
        "=",           "+", "-", "@", "\t", "\r", "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
        "\xEF\xBC\xA0"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (strncmp(s, starts[i], strlen(starts[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

static void put_text(struct assay_buf *b, const char *s)
{
    if (s == NULL) {
        return;
    }
    ASSAY_AUTO_BUF safe;
    assay_buf_init(&safe, SIZE_MAX / 2);
    assay_utf8_escape(&safe, assay_bytes_str(s));
    assay_buf_adds(b, is_formula(s) ? "\"'" : "\"");
    for (size_t i = 0; i < safe.len; i++) {
        if (safe.ptr[i] == '"') {
            assay_buf_addc(b, '"');
        }
        assay_buf_addc(b, safe.ptr[i]);
    }
    assay_buf_addc(b, '"');
}

static void put_number(struct assay_buf *b, int present, uint64_t n)
{
    if (present) {
        assay_buf_addf(b, "%llu", (unsigned long long)n);
    }
}

/* "file#record; file#record": what fits in one cell. */
static void put_members(struct assay_buf *b, const struct assay_found *f)
{
    ASSAY_AUTO_BUF cell;
    assay_buf_init(&cell, SIZE_MAX / 2);
    for (size_t i = 0; i < f->n_members; i++) {
        assay_buf_adds(&cell, i == 0 ? "" : "; ");
        assay_buf_adds(&cell, f->members[i].file);
        if (f->members[i].record != ASSAY_NO_RECORD) {
            assay_buf_addf(&cell, "#%llu", (unsigned long long)f->members[i].record);
        }
    }
    if (cell.len > 0) {
        put_text(b, assay_buf_str(&cell));
    }
}

static void put_row(struct assay_buf *b, const struct assay_rule_view *view,
                    const struct assay_found *f)
{
    const struct {
        int present;
        uint64_t n;
    } spans[] = {{f->has_span, f->start},
                 {f->has_span, f->end},
                 {f->has_span, f->byte_start},
                 {f->has_span, f->byte_end},
                 {f->has_offset, f->offset}};
    const char *const head[] = {assay_severity_name(view->severity), view->id, view->entity,
                                view->scanner};
    for (size_t i = 0; i < 4; i++) {
        put_text(b, head[i]);
        assay_buf_addc(b, ',');
    }
    assay_put_ratio(b, f->confidence, 1000, 3);
    assay_buf_addc(b, ',');
    put_text(b, f->file);
    assay_buf_addc(b, ',');
    put_number(b, f->record != ASSAY_NO_RECORD, f->record);
    assay_buf_addc(b, ',');
    put_text(b, f->field);
    assay_buf_addc(b, ',');
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        put_number(b, spans[i].present, spans[i].n);
        assay_buf_addc(b, ',');
    }
    put_text(b, f->masked);
    assay_buf_addc(b, ',');
    assay_buf_addhex(b, f->fingerprint, sizeof f->fingerprint);
    assay_buf_addc(b, ',');
    put_text(b, f->detail);
    assay_buf_addc(b, ',');
    put_number(b, f->members_total != 0, f->members_total);
    assay_buf_addc(b, ',');
    put_members(b, f);
    assay_buf_adds(b, "\r\n");
}

enum assay_status assay_write_csv(const struct assay_audit *a, struct assay_out *out,
                                  struct assay_error *err)
{
    struct assay_printer p;
    struct assay_cursor *c = NULL;
    struct assay_found f;
    enum assay_status s = assay_cursor_open(a, &c, err);
    if (s != ASSAY_OK) {
        return s;
    }
    assay_printer_init(&p, out, err);
    assay_buf_adds(&p.buf, header);
    while ((s = assay_cursor_next(c, &f, err)) == ASSAY_OK) {
        put_row(&p.buf, &assay_ruleset_rule(assay_audit_rules(a), f.rule)->view, &f);
        s = assay_printer_flush(&p, 0);
        if (s != ASSAY_OK) {
            break;
        }
    }
    if (s == ASSAY_END) {
        s = assay_printer_flush(&p, 1);
    }
    assay_printer_release(&p);
    assay_cursor_close(c);
    return s;
}
