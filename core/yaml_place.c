/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml_place.c: from nodes, and from bytes of their text, to bytes of the document.
 *
 * libfyaml tells where a scalar begins and ends, not where each of its characters came from. So the
 * way is walked once more: source and text side by side, through escapes, folded lines and the
 * indentation of blocks, until the wanted byte of the text is reached.
 */
#include <libfyaml.h>

#include "core/utf8.h"
#include "core/yaml_tree.h"

size_t yaml_line_of(const struct assay_yaml *y, size_t at)
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

struct assay_bytes yaml_line_text(const struct assay_yaml *y, size_t line)
{
    size_t start = y->lines[line];
    size_t end = line + 1 < y->n_lines ? y->lines[line + 1] : y->len;
    while (end > start && (y->text[end - 1] == '\n' || y->text[end - 1] == '\r')) {
        end--;
    }
    return assay_bytes_make(y->text + start, end - start);
}

struct yaml_place yaml_place_of(const struct assay_yaml *y, const struct assay_yaml_node *node)
{
    struct yaml_place at = {.y = y, .start = YAML_NO_POSITION};
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

/* ---- inside a scalar ----------------------------------------------------------------------- */

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

struct yaml_place yaml_place_in(const struct assay_yaml *y, const struct assay_yaml_node *node,
                                size_t offset, size_t span)
{
    struct yaml_place at = yaml_place_of(y, node);
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
