/* SPDX-License-Identifier: Apache-2.0
 *
 * core/diags.c: diagnostics, collected and drawn. Each copies the line it shows, cut to a window
 * around the caret, so that it outlives its document.
 */
#include "core/diags.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/status.h"
#include "core/utf8.h"
#include "core/yaml_tree.h"

#define LINE_SHOWN  160 /* code points of a long source line that a diagnostic shows */
#define LINE_BEFORE 60  /* of them before the caret */

struct diag {
    int is_warning;
    uint32_t line, column; /* 0: none */
    size_t seq;
    char *name;
    char *message;
    char *source;  /* the line as shown; NULL: none */
    size_t indent; /* terminal columns before the caret */
    size_t width;  /* terminal columns underlined, at least 1 */
};

struct assay_diags {
    struct diag items[ASSAY_LIMIT_DIAGNOSTICS];
    size_t n_items;
    size_t n_errors;
    size_t n_warnings;
};

struct assay_diags *assay_diags_new(void)
{
    return calloc(1, sizeof(struct assay_diags));
}

void assay_diags_free(struct assay_diags *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->n_items; i++) {
        free(d->items[i].name);
        free(d->items[i].message);
        free(d->items[i].source);
    }
    free(d);
}

size_t assay_diags_errors(const struct assay_diags *d)
{
    return d->n_errors;
}

size_t assay_diags_warnings(const struct assay_diags *d)
{
    return d->n_warnings;
}

/* ---- adding -------------------------------------------------------------------------------- */

/* Appends one code point as shown: tabs and what cannot be printed become one column. Returns its
 * width. */
static size_t show_point(struct assay_buf *out, const char *p, unsigned n, uint32_t cp)
{
    int width = assay_cp_width(cp);
    if (cp == '\t') {
        assay_buf_addc(out, ' ');
        return 1;
    }
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || width <= 0 || (cp == 0xFFFD && n == 1)) {
        assay_buf_addc(out, '?');
        return 1;
    }
    assay_buf_add(out, p, n);
    return (size_t)width;
}

/* Draws `line` into d: the window around code points [column, stop), where the caret stands, how
 * wide it is. */
static void show_line(struct diag *d, struct assay_bytes line, size_t column, size_t stop)
{
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, line.len + 16);
    size_t total = assay_utf8_count(line.ptr, line.len);
    size_t first = total > LINE_SHOWN && column > LINE_BEFORE ? column - LINE_BEFORE : 0;
    size_t last = first + LINE_SHOWN < total ? first + LINE_SHOWN : total;
    size_t i = 0;
    uint32_t cp;
    if (first > 0) {
        assay_buf_adds(&out, "...");
        d->indent = 3;
    }
    for (const char *p = line.ptr; i < last; i++) {
        unsigned n = assay_utf8_decode(p, line.ptr + line.len, &cp);
        size_t width = i >= first ? show_point(&out, p, n, cp) : 0;
        d->indent += i < column ? width : 0;
        d->width += i >= column && i < stop ? width : 0;
        p += n;
    }
    if (last < total) {
        assay_buf_adds(&out, "...");
    }
    d->width = d->width == 0 ? 1 : d->width;
    d->source = assay_buf_take(&out);
}

static void diag_locate(struct diag *d, const struct yaml_place *at)
{
    const struct assay_yaml *y = at->y;
    size_t line = yaml_line_of(y, at->start);
    struct assay_bytes text = yaml_line_text(y, line);
    size_t start = at->start - y->lines[line];
    size_t end = at->end > at->start ? at->end - y->lines[line] : start;
    start = start < text.len ? start : text.len;
    end = end < text.len ? end : text.len;
    size_t column = assay_utf8_count(text.ptr, start);
    d->line = (uint32_t)line + 1;
    d->column = (uint32_t)column + 1;
    show_line(d, text, column, column + assay_utf8_count(text.ptr + start, end - start));
}

void diags_add(struct assay_diags *d, int is_warning, const struct yaml_place *at, const char *fmt,
               va_list ap)
{
    *(is_warning ? &d->n_warnings : &d->n_errors) += 1;
    if (d->n_items == ASSAY_LIMIT_DIAGNOSTICS) {
        return;
    }
    ASSAY_AUTO_BUF raw;
    ASSAY_AUTO_BUF message;
    assay_buf_init(&raw, DIAGS_MESSAGE_MAX);
    assay_buf_init(&message, 8 * DIAGS_MESSAGE_MAX);
    assay_buf_addv(&raw, fmt, ap);
    if (assay_buf_status(&raw) != ASSAY_OK) {
        assay_buf_clear(&raw);
        assay_buf_adds(&raw, "a fault whose description is too long to show");
    }
    assay_utf8_escape(&message, assay_buf_bytes(&raw));
    struct diag *item = &d->items[d->n_items];
    *item = (struct diag){.is_warning = is_warning, .seq = d->n_items};
    item->message = assay_buf_take(&message);
    if (at->y != NULL) {
        item->name = strdup(at->y->name);
        if (at->start != YAML_NO_POSITION) {
            diag_locate(item, at);
        }
    }
    d->n_items++;
}

void assay_diags_error(struct assay_diags *d, const struct assay_yaml *y,
                       const struct assay_yaml_node *node, const char *fmt, ...)
{
    va_list ap;
    struct yaml_place at = yaml_place_of(y, node);
    va_start(ap, fmt);
    diags_add(d, 0, &at, fmt, ap);
    va_end(ap);
}

void assay_diags_warning(struct assay_diags *d, const struct assay_yaml *y,
                         const struct assay_yaml_node *node, const char *fmt, ...)
{
    va_list ap;
    struct yaml_place at = yaml_place_of(y, node);
    va_start(ap, fmt);
    diags_add(d, 1, &at, fmt, ap);
    va_end(ap);
}

void assay_diags_error_in(struct assay_diags *d, const struct assay_yaml *y,
                          const struct assay_yaml_node *node, size_t offset, size_t span,
                          const char *fmt, ...)
{
    va_list ap;
    struct yaml_place at = yaml_place_in(y, node, offset, span);
    va_start(ap, fmt);
    diags_add(d, 0, &at, fmt, ap);
    va_end(ap);
}

void assay_diags_warning_in(struct assay_diags *d, const struct assay_yaml *y,
                            const struct assay_yaml_node *node, size_t offset, size_t span,
                            const char *fmt, ...)
{
    va_list ap;
    struct yaml_place at = yaml_place_in(y, node, offset, span);
    va_start(ap, fmt);
    diags_add(d, 1, &at, fmt, ap);
    va_end(ap);
}

/* ---- drawing ------------------------------------------------------------------------------- */

static int compare_names(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare_diags(const void *pa, const void *pb)
{
    const struct diag *a = *(const struct diag *const *)pa;
    const struct diag *b = *(const struct diag *const *)pb;
    int by_name = compare_names(a->name, b->name);
    if (by_name != 0) {
        return by_name;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static size_t diags_sorted(const struct assay_diags *d,
                           const struct diag *ret[ASSAY_LIMIT_DIAGNOSTICS])
{
    for (size_t i = 0; i < d->n_items; i++) {
        ret[i] = &d->items[i];
    }
    qsort(ret, d->n_items, sizeof ret[0], compare_diags);
    return d->n_items;
}

static const char *diag_message(const struct diag *item)
{
    return item->message == NULL ? "out of memory" : item->message;
}

static void render_one(const struct diag *item, struct assay_buf *out, int colour)
{
    const char *reset = colour ? "\033[0m" : "";
    const char *bold = colour ? "\033[1m" : "";
    const char *tint = !colour ? "" : item->is_warning ? "\033[1;35m" : "\033[1;31m";
    if (item->name != NULL) {
        assay_buf_adds(out, bold);
        assay_utf8_escape(out, assay_bytes_str(item->name));
        if (item->line != 0) {
            assay_buf_addf(out, ":%u:%u", item->line, item->column);
        }
        assay_buf_addf(out, ":%s ", reset);
    }
    assay_buf_addf(out, "%s%s:%s %s\n", tint, item->is_warning ? "warning" : "error", reset,
                   diag_message(item));
    if (item->source == NULL) {
        return;
    }
    assay_buf_addf(out, "%4u | %s\n     | %*s%s^", item->line, item->source, (int)item->indent, "",
                   tint);
    for (size_t i = 1; i < item->width; i++) {
        assay_buf_addc(out, '~');
    }
    assay_buf_addf(out, "%s\n", reset);
}

void assay_diags_render(const struct assay_diags *d, struct assay_buf *out, int colour)
{
    const struct diag *sorted[ASSAY_LIMIT_DIAGNOSTICS];
    size_t n = diags_sorted(d, sorted);
    for (size_t i = 0; i < n; i++) {
        render_one(sorted[i], out, colour);
    }
    if (d->n_errors + d->n_warnings > n) {
        assay_buf_addf(out, "... and %zu more\n", d->n_errors + d->n_warnings - n);
    }
}

enum assay_status assay_diags_first(const struct assay_diags *d, struct assay_error *err)
{
    const struct diag *sorted[ASSAY_LIMIT_DIAGNOSTICS];
    size_t n = diags_sorted(d, sorted);
    if (d->n_errors == 0) {
        return ASSAY_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (!sorted[i]->is_warning) {
            (void)assay_fail(err, ASSAY_CONFIG, "%s", diag_message(sorted[i]));
            (void)assay_error_at(err, sorted[i]->name, sorted[i]->line, sorted[i]->column);
            return ASSAY_CONFIG;
        }
    }
    return assay_fail(err, ASSAY_CONFIG, "%zu errors", d->n_errors);
}
