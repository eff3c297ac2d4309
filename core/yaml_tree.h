/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml_tree.h: what a document is made of (internal to core's YAML files).
 *
 * Nodes, text and line table live in the document's arena. Every node keeps the bytes of the
 * document it came from, so that a fault can be shown where its author wrote it.
 */
#ifndef ASSAY_CORE_YAML_TREE_H
#define ASSAY_CORE_YAML_TREE_H

#include "core/arena.h"
#include "core/yaml.h"

#define YAML_NO_POSITION  SIZE_MAX
#define DIAGS_MESSAGE_MAX ((size_t)2048) /* bytes of a sentence, before escaping */

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

/* What a diagnostic points at: bytes [start, end) of a document. */
struct yaml_place {
    const struct assay_yaml *y; /* NULL: nothing */
    size_t start, end;          /* start YAML_NO_POSITION: the document as a whole */
};

/* Index of the line that holds byte `at`; a line's text without its end. */
size_t yaml_line_of(const struct assay_yaml *y, size_t at);
struct assay_bytes yaml_line_text(const struct assay_yaml *y, size_t line);
/* Where a node stands: all of a scalar, with its quotes, or the start of a collection. */
struct yaml_place yaml_place_of(const struct assay_yaml *y, const struct assay_yaml_node *node);
/* Where `span` bytes of a scalar's text from `offset` on (span 0: one code point) stand in the
 * document, through quotes, escapes and folding; the whole scalar where that cannot be told. */
struct yaml_place yaml_place_in(const struct assay_yaml *y, const struct assay_yaml_node *node,
                                size_t offset, size_t span);
/* Adds a diagnostic at a place; `fmt` and `ap` as vprintf has them. */
void diags_add(struct assay_diags *d, int is_warning, const struct yaml_place *at, const char *fmt,
               va_list ap) ASSAY_PRINTF(4, 0);

#endif
