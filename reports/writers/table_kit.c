/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/writers/table_kit.h"

#include "core/limits.h"
#include "core/utf8.h"

/* ---- style ---------------------------------------------------------------------------------- */

static const char *const style_codes[] = {
    "",         "\033[1m",    "\033[2m",       "\033[1;31m",    "\033[33m",      "\033[36m",
    "\033[32m", "\033[1;35m", "\033[1;97;41m", "\033[1;30;43m", "\033[1;30;42m", "\033[1;97;45m"};

void sheet_style_on(struct sheet *s, enum style style)
{
    if (s->colour) {
        assay_buf_adds(&s->p.buf, style_codes[style]);
    }
}

void sheet_style_off(struct sheet *s, enum style style)
{
    if (s->colour && style != PLAIN) {
        assay_buf_adds(&s->p.buf, "\033[0m");
    }
}

enum style sheet_severity_style(enum assay_severity sev)
{
    static const enum style styles[] = {DIM, CYAN, YELLOW, RED, MAGENTA};
    return styles[sev];
}

enum style sheet_verdict_style(enum assay_verdict v)
{
    static const enum style styles[] = {ON_GREEN, ON_YELLOW, ON_RED, ON_MAGENTA};
    return styles[v];
}

/* ---- cells ---------------------------------------------------------------------------------- */

const char *sheet_text(const struct sheet *s, enum assay_text id)
{
    return assay_text(id, s->chinese);
}

/* Appends the start of `text` that fits in `width` columns; returns the columns used. */
static unsigned fit(struct assay_buf *out, struct assay_bytes text, unsigned width)
{
    size_t full = assay_utf8_width(text);
    unsigned room = full > width ? width - 1 : width, used = 0;
    const char *p = text.ptr, *end = text.ptr + text.len;
    while (p < end) {
        uint32_t cp;
        unsigned n = assay_utf8_decode(p, end, &cp);
        unsigned w = (unsigned)assay_cp_width(cp);
        if (used + w > room) {
            break;
        }
        assay_buf_add(out, p, n);
        used += w;
        p += n;
    }
    if (full > width) {
        assay_buf_adds(out, "\xE2\x80\xA6");
        used++;
    }
    return used;
}

static void pad(struct assay_buf *out, unsigned n)
{
    while (n-- > 0) {
        assay_buf_addc(out, ' ');
    }
}

void sheet_cell(struct sheet *s, const char *text, unsigned width, int right, enum style style)
{
    ASSAY_AUTO_BUF safe;
    ASSAY_AUTO_BUF shown;
    assay_buf_init(&safe, ASSAY_MIB(1));
    assay_buf_init(&shown, ASSAY_MIB(1));
    assay_utf8_escape(&safe, assay_bytes_str(text));
    unsigned used = fit(&shown, assay_buf_bytes(&safe), width);
    style = shown.len == 0 ? PLAIN : style;
    if (right) {
        pad(&s->p.buf, width - used);
    }
    sheet_style_on(s, style);
    assay_buf_addb(&s->p.buf, assay_buf_bytes(&shown));
    sheet_style_off(s, style);
    if (!right) {
        pad(&s->p.buf, width - used);
    }
}

/* Appends the end of `text`, with an ellipsis before it, in at most `width` columns. */
static void fit_end(struct assay_buf *out, struct assay_bytes text, unsigned width)
{
    size_t left = assay_utf8_width(text);
    const char *p = text.ptr, *end = text.ptr + text.len;
    if (left <= width) {
        assay_buf_addb(out, text);
        return;
    }
    while (p < end && left + 1 > width) {
        uint32_t cp;
        p += assay_utf8_decode(p, end, &cp);
        left -= (size_t)assay_cp_width(cp);
    }
    assay_buf_adds(out, "\xE2\x80\xA6");
    assay_buf_add(out, p, (size_t)(end - p));
}

void sheet_place(struct sheet *s, const char *file, uint64_t record, const char *field,
                 unsigned width)
{
    ASSAY_AUTO_BUF name;
    ASSAY_AUTO_BUF tail;
    ASSAY_AUTO_BUF shown;
    assay_buf_init(&name, ASSAY_MIB(1));
    assay_buf_init(&tail, ASSAY_MIB(1));
    assay_buf_init(&shown, ASSAY_MIB(1));
    if (record != ASSAY_NO_RECORD) {
        assay_buf_addf(&tail, "#%llu", (unsigned long long)record);
    }
    if (field != NULL) {
        assay_buf_addf(&tail, " %s", field);
    }
    const size_t used = assay_utf8_width(assay_buf_bytes(&tail));
    assay_utf8_escape(&name, assay_bytes_str(file));
    fit_end(&shown, assay_buf_bytes(&name), used < width / 2 ? width - (unsigned)used : width / 2);
    assay_buf_addb(&shown, assay_buf_bytes(&tail));
    sheet_cell(s, assay_buf_str(&shown), width, 0, PLAIN);
}

void sheet_count_cell(struct sheet *s, uint64_t n, unsigned width)
{
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 64);
    assay_put_count(&b, n);
    sheet_cell(s, assay_buf_str(&b), width, 1, PLAIN);
}

void sheet_gap(struct sheet *s)
{
    assay_buf_adds(&s->p.buf, "  ");
}

void sheet_end_line(struct sheet *s)
{
    while (s->p.buf.len > 0 && s->p.buf.ptr[s->p.buf.len - 1] == ' ') {
        s->p.buf.ptr[--s->p.buf.len] = '\0';
    }
    assay_buf_addc(&s->p.buf, '\n');
}

void sheet_heading(struct sheet *s, enum assay_text id)
{
    assay_buf_addc(&s->p.buf, '\n');
    sheet_style_on(s, BOLD);
    assay_buf_adds(&s->p.buf, sheet_text(s, id));
    sheet_style_off(s, BOLD);
    assay_buf_addc(&s->p.buf, '\n');
}
