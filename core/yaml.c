/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml.c: libfyaml's events become a tree of our own.
 *
 * The event interface is used, not libfyaml's documents: anchors, tags and merge keys are refused
 * as they pass, depth is bounded before anything recurses, and every node keeps the byte range it
 * came from. libfyaml 0.7 ends a document silently at a NUL or an invalid byte, so the text is
 * checked before it is parsed.
 */
#include "core/yaml.h"

#include <stdlib.h>
#include <libfyaml.h>

#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/utf8.h"
#include "core/yaml_tree.h"

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
    struct yaml_place at = {.y = b->y, .start = start, .end = end};
    va_start(ap, fmt);
    diags_add(b->d, 0, &at, fmt, ap);
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
    size_t errors = assay_diags_errors(d);
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
        if (assay_diags_errors(d) == errors) {
            run_parser(&b, diag);
        }
        fy_diag_destroy(diag);
    }
    free(b.pending);
    if (assay_diags_errors(d) != errors) {
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
