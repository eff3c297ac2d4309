/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml.c: libfyaml's events become a tree of our own; diagnostics keep what they need to be
 * drawn.
 *
 * The event interface is used, not libfyaml's documents: anchors, tags and merge keys are refused
 * as they pass, depth is bounded before anything recurses, and every node keeps the byte range it
 * came from. libfyaml 0.7 ends a document silently at a NUL or an invalid byte, so the text is
 * checked before it is parsed.
 *
 * The tree, the text and the line table live in one arena. A diagnostic copies the source line it
 * shows (cut to a window around the caret), so it outlives its document.
 */
#include "core/yaml.h"

#include <stdlib.h>
#include <libfyaml.h>

#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/option.h"
#include "core/status.h"
#include "core/utf8.h"

#define YAML_LINE_SHOWN  160 /* code points of a long source line that a diagnostic shows */
#define YAML_LINE_BEFORE 60  /* of them before the caret */
#define YAML_MESSAGE_MAX ((size_t)2048)
#define YAML_NO_POSITION SIZE_MAX

struct assay_yaml_node {
    enum assay_yaml_kind kind;
    int style;        /* enum fy_scalar_style */
    uint32_t line;    /* 1-based */
    size_t start;     /* bytes in the document; of a quoted scalar without the quotes */
    size_t end;       /* one past */
    const char *text; /* scalars */
    size_t text_len;
    struct assay_yaml_node **children; /* items; or keys and values in turn */
    size_t n_children;
};

struct assay_yaml {
    struct assay_arena *arena;
    const char *name;
    const char *text; /* without a byte order mark */
    size_t len;
    size_t *lines; /* where each begins */
    size_t n_lines;
    struct assay_yaml_node *root;
};

/* ---- diagnostics -------------------------------------------------------------------------- */

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

/* What a diagnostic points at: bytes [start, end) of a document. */
struct diag_place {
    const struct assay_yaml *y; /* NULL: nothing */
    size_t start, end;          /* start YAML_NO_POSITION: the document as a whole */
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

/* Index of the line that holds byte `at`. */
static size_t yaml_line_of(const struct assay_yaml *y, size_t at)
{
    size_t low = 0;
    size_t high = y->n_lines;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (y->lines[mid] <= at) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return low;
}

static struct assay_bytes yaml_line_text(const struct assay_yaml *y, size_t line)
{
    size_t start = y->lines[line];
    size_t end = line + 1 < y->n_lines ? y->lines[line + 1] : y->len;
    while (end > start && (y->text[end - 1] == '\n' || y->text[end - 1] == '\r')) {
        end--;
    }
    return assay_bytes_make(y->text + start, end - start);
}

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
    size_t first =
        total > YAML_LINE_SHOWN && column > YAML_LINE_BEFORE ? column - YAML_LINE_BEFORE : 0;
    size_t last = first + YAML_LINE_SHOWN < total ? first + YAML_LINE_SHOWN : total;
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

static void diag_locate(struct diag *d, const struct diag_place *at)
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

ASSAY_PRINTF(4, 0)
static void diag_add(struct assay_diags *d, int is_warning, const struct diag_place *at,
                     const char *fmt, va_list ap)
{
    *(is_warning ? &d->n_warnings : &d->n_errors) += 1;
    if (d->n_items == ASSAY_LIMIT_DIAGNOSTICS) {
        return;
    }
    ASSAY_AUTO_BUF raw;
    ASSAY_AUTO_BUF message;
    assay_buf_init(&raw, YAML_MESSAGE_MAX);
    assay_buf_init(&message, 8 * YAML_MESSAGE_MAX);
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

static struct diag_place place_of(const struct assay_yaml *y, const struct assay_yaml_node *node)
{
    struct diag_place at = {.y = y, .start = YAML_NO_POSITION};
    if (node == NULL) {
        return at;
    }
    at.start = node->start;
    at.end = node->kind == ASSAY_YAML_SCALAR ? node->end : node->start + 1;
    if (node->style == FYSS_SINGLE_QUOTED || node->style == FYSS_DOUBLE_QUOTED) {
        at.start--;
        at.end++;
    }
    if (node->style == FYSS_LITERAL || node->style == FYSS_FOLDED) {
        at.start += strspn(y->text + at.start, " ");
    }
    return at;
}

void assay_diags_error(struct assay_diags *d, const struct assay_yaml *y,
                       const struct assay_yaml_node *node, const char *fmt, ...)
{
    va_list ap;
    struct diag_place at = place_of(y, node);
    va_start(ap, fmt);
    diag_add(d, 0, &at, fmt, ap);
    va_end(ap);
}

void assay_diags_warning(struct assay_diags *d, const struct assay_yaml *y,
                         const struct assay_yaml_node *node, const char *fmt, ...)
{
    va_list ap;
    struct diag_place at = place_of(y, node);
    va_start(ap, fmt);
    diag_add(d, 1, &at, fmt, ap);
    va_end(ap);
}

/* ---- from a byte of a scalar's text to the byte of the document it came from ---------------- */

struct retrace {
    const char *src, *src_end;
    const char *text, *text_end;
    int style;
    size_t indent; /* block scalars */
};

static int retrace_is_block(const struct retrace *r)
{
    return r->style == FYSS_LITERAL || r->style == FYSS_FOLDED;
}

/* Spaces before the first line that is not blank. */
static size_t block_indent(const char *p, const char *end)
{
    size_t spaces = 0;
    for (; p < end && (*p == ' ' || *p == '\n' || *p == '\r'); p++) {
        spaces = *p == ' ' ? spaces + 1 : 0;
    }
    return spaces;
}

static void retrace_skip_indent(struct retrace *r)
{
    for (size_t i = 0; i < r->indent && r->src < r->src_end && *r->src == ' '; i++) {
        r->src++;
    }
}

/* Length of the white space at the source that holds a line break, and how many breaks; 0: no break
 * there. */
static size_t fold_run(const struct retrace *r, size_t *ret_breaks)
{
    const char *p = r->src;
    *ret_breaks = 0;
    for (; p < r->src_end && strchr(" \t\r\n", *p) != NULL && *p != '\0'; p++) {
        *ret_breaks += *p == '\n';
    }
    return *ret_breaks == 0 ? 0 : (size_t)(p - r->src);
}

/* Folded line breaks: one is a space, n are n-1 line feeds. */
static int retrace_fold(struct retrace *r, size_t run, size_t breaks)
{
    r->src += run;
    if (breaks == 1) {
        return r->text < r->text_end && *r->text++ == ' ';
    }
    for (; breaks > 1; breaks--) {
        if (r->text == r->text_end || *r->text++ != '\n') {
            return 0;
        }
    }
    return 1;
}

static int retrace_escape(struct retrace *r)
{
    char kind = r->src_end - r->src > 1 ? r->src[1] : '\0';
    size_t len = kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
    uint32_t cp;
    if (len > (size_t)(r->src_end - r->src)) {
        return 0;
    }
    r->src += len;
    if (kind == '\n' || kind == '\r') { /* an escaped line break stands for nothing */
        while (r->src < r->src_end && strchr(" \t\n", *r->src) != NULL) {
            r->src++;
        }
        return 1;
    }
    r->text += assay_utf8_decode(r->text, r->text_end, &cp);
    return 1;
}

/* Advances over one unit of source and the text it stands for; 0 when they disagree. */
static int retrace_step(struct retrace *r)
{
    size_t breaks = 0;
    if (r->src == r->src_end) {
        return 0;
    }
    if (r->style != FYSS_LITERAL) {
        size_t run = fold_run(r, &breaks);
        if (run > 0) {
            return retrace_fold(r, run, breaks);
        }
    }
    if (r->style == FYSS_DOUBLE_QUOTED && *r->src == '\\') {
        return retrace_escape(r);
    }
    if (*r->src == '\r' && *r->text != '\r') {
        r->src++;
        return 1;
    }
    if (*r->src != *r->text) {
        return 0;
    }
    r->src += r->style == FYSS_SINGLE_QUOTED && *r->src == '\'' ? 2 : 1;
    if (*r->text++ == '\n' && retrace_is_block(r)) {
        retrace_skip_indent(r);
    }
    return r->src <= r->src_end;
}

/* Source offset of byte `offset` of the node's text; YAML_NO_POSITION when it cannot be told. */
static size_t yaml_source_of(const struct assay_yaml *y, const struct assay_yaml_node *n,
                             size_t offset)
{
    struct retrace r = {.src = y->text + n->start,
                        .src_end = y->text + n->end,
                        .text = n->text,
                        .text_end = n->text + n->text_len,
                        .style = n->style};
    const char *stop = n->text + offset;
    if (retrace_is_block(&r)) {
        r.indent = block_indent(r.src, r.src_end);
        retrace_skip_indent(&r);
    }
    while (r.text < stop) {
        if (!retrace_step(&r)) {
            return YAML_NO_POSITION;
        }
    }
    while (r.style == FYSS_DOUBLE_QUOTED && r.src_end - r.src > 1 && r.src[0] == '\\' &&
           (r.src[1] == '\n' || r.src[1] == '\r')) {
        (void)retrace_escape(&r);
    }
    return r.text == stop ? (size_t)(r.src - y->text) : YAML_NO_POSITION;
}

static struct diag_place place_in(const struct assay_yaml *y, const struct assay_yaml_node *node,
                                  size_t offset, size_t span)
{
    struct diag_place at = place_of(y, node);
    uint32_t cp;
    if (y == NULL || node == NULL || node->kind != ASSAY_YAML_SCALAR || offset > node->text_len) {
        return at;
    }
    size_t start = yaml_source_of(y, node, offset);
    if (start == YAML_NO_POSITION) {
        return at;
    }
    if (span == 0 && offset < node->text_len) {
        span = assay_utf8_decode(node->text + offset, node->text + node->text_len, &cp);
    }
    span = span < node->text_len - offset ? span : node->text_len - offset;
    size_t end = yaml_source_of(y, node, offset + span);
    at.start = start;
    at.end = end == YAML_NO_POSITION ? start + 1 : end;
    return at;
}

void assay_diags_error_in(struct assay_diags *d, const struct assay_yaml *y,
                          const struct assay_yaml_node *node, size_t offset, size_t span,
                          const char *fmt, ...)
{
    va_list ap;
    struct diag_place at = place_in(y, node, offset, span);
    va_start(ap, fmt);
    diag_add(d, 0, &at, fmt, ap);
    va_end(ap);
}

void assay_diags_warning_in(struct assay_diags *d, const struct assay_yaml *y,
                            const struct assay_yaml_node *node, size_t offset, size_t span,
                            const char *fmt, ...)
{
    va_list ap;
    struct diag_place at = place_in(y, node, offset, span);
    va_start(ap, fmt);
    diag_add(d, 1, &at, fmt, ap);
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

/* ---- parsing ------------------------------------------------------------------------------- */

struct yaml_frame {
    struct assay_yaml_node *node;
    size_t base; /* its first child in builder.pending */
};

struct yaml_builder {
    struct assay_yaml *y;
    struct assay_diags *d;
    struct yaml_frame frames[ASSAY_LIMIT_YAML_DEPTH];
    size_t depth;
    struct assay_yaml_node **pending; /* children of the open collections */
    size_t n_pending, cap_pending;
    size_t documents;
    size_t last_end; /* where the event before ended; empty values have no place of their own */
    int stop;
};

static void builder_error(struct yaml_builder *b, size_t start, size_t end, const char *fmt, ...)
    ASSAY_PRINTF(4, 5);
static void builder_error(struct yaml_builder *b, size_t start, size_t end, const char *fmt, ...)
{
    va_list ap;
    struct diag_place at = {.y = b->y, .start = start, .end = end};
    va_start(ap, fmt);
    diag_add(b->d, 0, &at, fmt, ap);
    va_end(ap);
}

static void builder_no_memory(struct yaml_builder *b)
{
    builder_error(b, YAML_NO_POSITION, 0, "out of memory");
    b->stop = 1;
}

static int builder_push(struct yaml_builder *b, struct assay_yaml_node *node)
{
    if (b->n_pending == b->cap_pending) {
        size_t cap = b->cap_pending == 0 ? 64 : 2 * b->cap_pending;
        struct assay_yaml_node **grown =
            assay_realloc_array(b->pending, cap, sizeof(struct assay_yaml_node *));
        if (grown == NULL) {
            builder_no_memory(b);
            return 0;
        }
        b->pending = grown;
        b->cap_pending = cap;
    }
    b->pending[b->n_pending++] = node;
    return 1;
}

/* True when the next node to be added is a key of a mapping. */
static int builder_at_key(const struct yaml_builder *b)
{
    if (b->depth == 0) {
        return 0;
    }
    const struct yaml_frame *top = &b->frames[b->depth - 1];
    return top->node->kind == ASSAY_YAML_MAPPING && (b->n_pending - top->base) % 2 == 0;
}

/* A node at the event's place, hung into the open collection. */
static struct assay_yaml_node *builder_node(struct yaml_builder *b, struct fy_event *e,
                                            enum assay_yaml_kind kind)
{
    const struct fy_mark *start = fy_event_start_mark(e);
    const struct fy_mark *end = fy_event_end_mark(e);
    struct assay_yaml_node *n = assay_arena_alloc(b->y->arena, sizeof *n);
    if (n == NULL) {
        builder_no_memory(b);
        return NULL;
    }
    n->kind = kind;
    n->style = FYSS_PLAIN;
    n->start = start == NULL ? b->last_end : start->input_pos;
    n->end = end == NULL ? n->start : end->input_pos;
    n->start = n->start < b->y->len ? n->start : b->y->len;
    n->end = n->end < b->y->len ? n->end : b->y->len;
    n->end = n->end < n->start ? n->start : n->end;
    b->last_end = n->end;
    n->line = (uint32_t)yaml_line_of(b->y, n->start) + 1;
    if (fy_event_get_anchor_token(e) != NULL) {
        builder_error(b, n->start, n->end, "anchors are not supported: write the value out");
    }
    if (fy_event_get_tag_token(e) != NULL) {
        builder_error(b, n->start, n->end, "tags are not supported: write the plain value");
    }
    if (b->depth == 0) {
        b->y->root = n;
    } else if (!builder_push(b, n)) {
        return NULL;
    }
    return n;
}

static void on_scalar(struct yaml_builder *b, struct fy_event *e)
{
    int is_key = builder_at_key(b);
    struct assay_yaml_node *n = builder_node(b, e, ASSAY_YAML_SCALAR);
    if (n == NULL) {
        return;
    }
    size_t len = 0;
    const char *text = fy_token_get_text(e->scalar.value, &len);
    n->style = e->scalar.value == NULL ? FYSS_PLAIN : (int)fy_token_scalar_style(e->scalar.value);
    n->text = assay_arena_dup(b->y->arena, assay_bytes_make(text, text == NULL ? 0 : len));
    n->text_len = text == NULL ? 0 : len;
    if (n->text == NULL) {
        builder_no_memory(b);
    } else if (memchr(n->text, '\0', n->text_len) != NULL) {
        builder_error(b, n->start, n->end, "a NUL character is not allowed in a value");
    } else if (is_key && n->style == FYSS_PLAIN && strcmp(n->text, "<<") == 0) {
        builder_error(b, n->start, n->end, "merge keys are not supported: write the keys out");
    }
}

static void on_alias(struct yaml_builder *b, struct fy_event *e)
{
    struct assay_yaml_node *n = builder_node(b, e, ASSAY_YAML_SCALAR);
    if (n != NULL) {
        n->text = "";
        builder_error(b, n->start > 0 ? n->start - 1 : 0, n->end,
                      "aliases are not supported: write the value out");
    }
}

static void on_open(struct yaml_builder *b, struct fy_event *e, enum assay_yaml_kind kind)
{
    int is_key = builder_at_key(b);
    struct assay_yaml_node *n = builder_node(b, e, kind);
    if (n == NULL) {
        return;
    }
    if (is_key) {
        builder_error(b, n->start, n->end, "a key must be text, not a list or a mapping");
    }
    if (b->depth == ASSAY_LIMIT_YAML_DEPTH) {
        builder_error(b, n->start, n->end, "nested deeper than %d levels", ASSAY_LIMIT_YAML_DEPTH);
        b->stop = 1;
        return;
    }
    b->frames[b->depth++] = (struct yaml_frame){n, b->n_pending};
}

static int compare_keys(const void *pa, const void *pb)
{
    const struct assay_yaml_node *a = *(const struct assay_yaml_node *const *)pa;
    const struct assay_yaml_node *b = *(const struct assay_yaml_node *const *)pb;
    int by_text = strcmp(a->text, b->text);
    return by_text != 0 ? by_text : (a->start > b->start) - (a->start < b->start);
}

/* Reports every key that occurred before. */
static void check_duplicates(struct yaml_builder *b, const struct assay_yaml_node *map)
{
    size_t n = 0;
    const struct assay_yaml_node **keys = assay_alloc_array(map->n_children / 2, sizeof keys[0]);
    if (keys == NULL) {
        builder_no_memory(b);
        return;
    }
    for (size_t i = 0; i + 1 < map->n_children; i += 2) {
        if (map->children[i]->kind == ASSAY_YAML_SCALAR) {
            keys[n++] = map->children[i];
        }
    }
    qsort(keys, n, sizeof keys[0], compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(keys[i - 1]->text, keys[i]->text) == 0) {
            builder_error(b, keys[i]->start, keys[i]->end,
                          "key '%s' occurs twice: the first is in line %u", keys[i]->text,
                          (unsigned)yaml_line_of(b->y, keys[i - 1]->start) + 1);
        }
    }
    free(keys);
}

static void on_close(struct yaml_builder *b)
{
    struct yaml_frame *top = &b->frames[--b->depth];
    struct assay_yaml_node *n = top->node;
    n->n_children = b->n_pending - top->base;
    n->children = assay_arena_array(b->y->arena, n->n_children, sizeof n->children[0]);
    if (n->children == NULL) {
        n->n_children = 0;
        builder_no_memory(b);
        return;
    }
    if (n->n_children > 0) {
        memcpy(n->children, b->pending + top->base, n->n_children * sizeof n->children[0]);
    }
    b->n_pending = top->base;
    if (n->kind == ASSAY_YAML_MAPPING) {
        check_duplicates(b, n);
    }
}

static void on_document(struct yaml_builder *b, struct fy_event *e)
{
    const struct fy_mark *start = fy_event_start_mark(e);
    if (++b->documents > 1) {
        size_t at = start == NULL ? b->last_end : start->input_pos;
        builder_error(b, at, at + 3, "a second document begins here: one file holds one document");
        b->stop = 1;
    }
}

static void on_event(struct yaml_builder *b, struct fy_event *e)
{
    switch (e->type) {
    case FYET_DOCUMENT_START:
        on_document(b, e);
        break;
    case FYET_SCALAR:
        on_scalar(b, e);
        break;
    case FYET_ALIAS:
        on_alias(b, e);
        break;
    case FYET_SEQUENCE_START:
        on_open(b, e, ASSAY_YAML_SEQUENCE);
        break;
    case FYET_MAPPING_START:
        on_open(b, e, ASSAY_YAML_MAPPING);
        break;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        on_close(b);
        break;
    default:
        break;
    }
}

/* The byte at a line (1-based) and column (code points, 1-based) as libfyaml counts them. */
static size_t byte_at(const struct assay_yaml *y, int line, int column)
{
    size_t index = line < 1 ? 0 : (size_t)line - 1;
    index = index < y->n_lines ? index : y->n_lines - 1;
    struct assay_bytes text = yaml_line_text(y, index);
    const char *p = text.ptr;
    uint32_t cp;
    for (int i = 1; i < column && p < text.ptr + text.len; i++) {
        p += assay_utf8_decode(p, text.ptr + text.len, &cp);
    }
    return (size_t)(p - y->text);
}

/* libfyaml's sentence, with what to do about the commonest mistake of rule authors. */
static void report_syntax(struct yaml_builder *b, struct fy_diag *diag)
{
    void *iter = NULL;
    size_t reported = 0;
    for (struct fy_diag_error *e; (e = fy_diag_errors_iterate(diag, &iter)) != NULL; reported++) {
        size_t at = byte_at(b->y, e->line, e->column);
        int escape = strstr(e->msg, "invalid escape") != NULL;
        builder_error(b, at, at + 1, "%s%s", e->msg,
                      escape ? "; in single quotes a backslash stands for itself: '\\d+'" : "");
    }
    if (reported == 0) {
        builder_error(b, YAML_NO_POSITION, 0, "not a YAML document that can be read");
    }
}

static void run_parser(struct yaml_builder *b, struct fy_diag *diag)
{
    struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&cfg);
    if (parser == NULL || fy_parser_set_string(parser, b->y->text, b->y->len) != 0) {
        builder_no_memory(b);
        fy_parser_destroy(parser);
        return;
    }
    struct fy_event *e;
    while (!b->stop && (e = fy_parser_parse(parser)) != NULL) {
        on_event(b, e);
        fy_parser_event_free(parser, e);
    }
    if (!b->stop && fy_parser_get_stream_error(parser)) {
        report_syntax(b, diag);
    }
    fy_parser_destroy(parser);
}

static struct fy_diag *new_fy_diag(void)
{
    struct fy_diag_cfg cfg;
    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.colorize = false;
    struct fy_diag *diag = fy_diag_create(&cfg);
    if (diag != NULL) {
        fy_diag_set_collect_errors(diag, true);
    }
    return diag;
}

/* libfyaml would end the document silently at such a byte. */
static void check_characters(struct yaml_builder *b)
{
    const struct assay_yaml *y = b->y;
    size_t valid = assay_utf8_valid(y->text, y->len);
    if (valid < y->len) {
        builder_error(b, valid, valid + 1, "not valid UTF-8: save the file as UTF-8");
        return;
    }
    for (size_t i = 0; i < y->len; i++) {
        uint8_t c = (uint8_t)y->text[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) {
            builder_error(b, i, i + 1, "control character 0x%02x is not allowed", c);
            return;
        }
    }
}

static int index_lines(struct assay_yaml *y)
{
    size_t n = 1;
    for (const char *p = y->text, *end = p + y->len; (p = memchr(p, '\n', (size_t)(end - p)));) {
        n++;
        p++;
    }
    y->lines = assay_arena_array(y->arena, n, sizeof y->lines[0]);
    if (y->lines == NULL) {
        return 0;
    }
    for (size_t i = 0; i < y->len; i++) {
        if (y->text[i] == '\n') {
            y->lines[++y->n_lines] = i + 1;
        }
    }
    y->n_lines = n;
    return 1;
}

static struct assay_yaml *yaml_new(struct assay_bytes text, const char *name)
{
    struct assay_yaml *y = calloc(1, sizeof *y);
    if (y == NULL) {
        return NULL;
    }
    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) {
        text = assay_bytes_make(text.ptr + 3, text.len - 3);
    }
    y->arena = assay_arena_new(128 * text.len + ASSAY_MIB(1));
    if (y->arena != NULL) {
        y->name = assay_arena_strdup(y->arena, name);
        y->text = assay_arena_dup(y->arena, text);
        y->len = text.len;
    }
    if (y->arena == NULL || y->name == NULL || y->text == NULL || !index_lines(y)) {
        assay_yaml_free(y);
        return NULL;
    }
    return y;
}

struct assay_yaml *assay_yaml_parse(struct assay_bytes text, const char *name,
                                    struct assay_diags *d)
{
    struct yaml_builder b = {.d = d};
    size_t errors = d->n_errors;
    if (text.len <= ASSAY_LIMIT_YAML_FILE) {
        b.y = yaml_new(text, name);
    }
    if (b.y == NULL) {
        assay_diags_error(d, NULL, NULL, "%s: %s", name,
                          text.len > ASSAY_LIMIT_YAML_FILE ? "too large" : "out of memory");
        return NULL;
    }
    struct fy_diag *diag = new_fy_diag();
    if (diag == NULL) {
        builder_no_memory(&b);
    } else {
        check_characters(&b);
        if (d->n_errors == errors) {
            run_parser(&b, diag);
        }
        fy_diag_destroy(diag);
    }
    free(b.pending);
    if (d->n_errors != errors) {
        assay_yaml_free(b.y);
        return NULL;
    }
    return b.y;
}

struct assay_yaml *assay_yaml_load(const char *path, struct assay_diags *d)
{
    ASSAY_AUTO_BUF text;
    struct assay_error err;
    assay_buf_init(&text, ASSAY_LIMIT_YAML_FILE);
    if (assay_fs_read_file(path, ASSAY_LIMIT_YAML_FILE, &text, &err) != ASSAY_OK) {
        assay_diags_error(d, NULL, NULL, "%s: %s", path, err.message);
        return NULL;
    }
    return assay_yaml_parse(assay_buf_bytes(&text), path, d);
}

void assay_yaml_free(struct assay_yaml *y)
{
    if (y != NULL) {
        assay_arena_free(y->arena);
        free(y);
    }
}

/* ---- reading the tree ---------------------------------------------------------------------- */

const struct assay_yaml_node *assay_yaml_root(const struct assay_yaml *y)
{
    return y->root;
}

enum assay_yaml_kind assay_yaml_node_kind(const struct assay_yaml_node *n)
{
    return n->kind;
}

uint32_t assay_yaml_node_line(const struct assay_yaml_node *n)
{
    return n->line;
}

const char *assay_yaml_text(const struct assay_yaml_node *n)
{
    return n == NULL || n->kind != ASSAY_YAML_SCALAR ? NULL : n->text;
}

size_t assay_yaml_count(const struct assay_yaml_node *n)
{
    if (n == NULL) {
        return 0;
    }
    return n->kind == ASSAY_YAML_MAPPING ? n->n_children / 2 : n->n_children;
}

static const struct assay_yaml_node *child(const struct assay_yaml_node *n,
                                           enum assay_yaml_kind kind, size_t i)
{
    return n == NULL || n->kind != kind || i >= n->n_children ? NULL : n->children[i];
}

const struct assay_yaml_node *assay_yaml_item(const struct assay_yaml_node *n, size_t i)
{
    return child(n, ASSAY_YAML_SEQUENCE, i);
}

const struct assay_yaml_node *assay_yaml_pair_key(const struct assay_yaml_node *n, size_t i)
{
    return i > SIZE_MAX / 2 - 1 ? NULL : child(n, ASSAY_YAML_MAPPING, 2 * i);
}

const struct assay_yaml_node *assay_yaml_pair_value(const struct assay_yaml_node *n, size_t i)
{
    return i > SIZE_MAX / 2 - 1 ? NULL : child(n, ASSAY_YAML_MAPPING, 2 * i + 1);
}

const struct assay_yaml_node *assay_yaml_get(const struct assay_yaml_node *n, const char *key)
{
    for (size_t i = 0; n != NULL && n->kind == ASSAY_YAML_MAPPING && i < n->n_children; i += 2) {
        if (strcmp(n->children[i]->text, key) == 0) {
            return n->children[i + 1];
        }
    }
    return NULL;
}

static void unknown_name(const struct assay_yaml *y, const struct assay_yaml_node *n,
                         const char *const *known, const char *what, struct assay_diags *d)
{
    const char *near = assay_suggest(n->text, known);
    ASSAY_AUTO_BUF all;
    assay_buf_init(&all, YAML_MESSAGE_MAX / 2);
    if (near != NULL) {
        assay_diags_error(d, y, n, "unknown %s '%.100s', did you mean '%s'?", what, n->text, near);
        return;
    }
    for (const char *const *name = known; *name != NULL; name++) {
        assay_buf_addf(&all, "%s%s", name == known ? "" : ", ", *name);
    }
    assay_diags_error(d, y, n, "unknown %s '%.100s'; known are: %s", what, n->text,
                      assay_buf_str(&all));
}

static int in_names(const char *s, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(s, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

void assay_yaml_check_keys(const struct assay_yaml *y, const struct assay_yaml_node *n,
                           const char *const *known, const char *what, struct assay_diags *d)
{
    char label[80];
    if (n == NULL || n->kind != ASSAY_YAML_MAPPING) {
        assay_diags_error(d, y, n, "%s must be a mapping (key: value)", what);
        return;
    }
    (void)snprintf(label, sizeof label, "%s key", what);
    for (size_t i = 0; i < n->n_children; i += 2) {
        if (in_names(n->children[i]->text, known) < 0) {
            unknown_name(y, n->children[i], known, label, d);
        }
    }
}

/* The text of a scalar; NULL with a diagnostic when the node is something else. */
static const char *scalar_text(const struct assay_yaml *y, const struct assay_yaml_node *n,
                               const char *wanted, struct assay_diags *d)
{
    if (n->kind != ASSAY_YAML_SCALAR) {
        assay_diags_error(d, y, n, "expected %s, not a %s", wanted,
                          n->kind == ASSAY_YAML_MAPPING ? "mapping" : "list");
        return NULL;
    }
    return n->text;
}

int assay_yaml_bool(const struct assay_yaml *y, const struct assay_yaml_node *n, int *ret,
                    struct assay_diags *d)
{
    if (n == NULL) {
        return 1;
    }
    const char *text = scalar_text(y, n, "true or false", d);
    if (text == NULL) {
        return 0;
    }
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        assay_diags_error(d, y, n, "'%.100s' is neither true nor false", text);
        return 0;
    }
    *ret = text[0] == 't';
    return 1;
}

int assay_yaml_int(const struct assay_yaml *y, const struct assay_yaml_node *n, int64_t min,
                   int64_t max, int64_t *ret, struct assay_diags *d)
{
    struct assay_error err;
    if (n == NULL) {
        return 1;
    }
    const char *text = scalar_text(y, n, "a whole number", d);
    if (text == NULL) {
        return 0;
    }
    if (assay_parse_int(text, min, max, ret, &err) != ASSAY_OK) {
        assay_diags_error(d, y, n, "%s", err.message);
        return 0;
    }
    return 1;
}

/* Digits after the point as thousandths; -1 when they are not one to three digits. */
static int parse_thousandths(const char *p)
{
    int value = 0;
    int factor = 100;
    for (; *p >= '0' && *p <= '9' && factor > 0; p++, factor /= 10) {
        value += (*p - '0') * factor;
    }
    return *p == '\0' && factor < 100 ? value : -1;
}

int assay_yaml_milli(const struct assay_yaml *y, const struct assay_yaml_node *n, uint16_t *ret,
                     struct assay_diags *d)
{
    int value = -1;
    if (n == NULL) {
        return 1;
    }
    const char *text = scalar_text(y, n, "a number between 0 and 1", d);
    if (text == NULL) {
        return 0;
    }
    if (text[0] == '0' || text[0] == '1') {
        int rest = text[1] == '\0' ? 0 : text[1] == '.' ? parse_thousandths(text + 2) : -1;
        value = rest < 0 ? -1 : (text[0] - '0') * 1000 + rest;
    }
    if (value < 0 || value > 1000) {
        assay_diags_error(d, y, n, "'%.100s' is not a number between 0 and 1 (at most 3 decimals)",
                          text);
        return 0;
    }
    *ret = (uint16_t)value;
    return 1;
}

int assay_yaml_choice(const struct assay_yaml *y, const struct assay_yaml_node *n,
                      const char *const *choices, const char *what, struct assay_diags *d)
{
    if (n == NULL || scalar_text(y, n, what, d) == NULL) {
        return -1;
    }
    int index = in_names(n->text, choices);
    if (index < 0) {
        unknown_name(y, n, choices, what, d);
    }
    return index;
}
