/* SPDX-License-Identifier: Apache-2.0
 *
 * core/diags.h: diagnostics that show the line with a caret.
 *
 * What:  errors and warnings collect here, at most ASSAY_LIMIT_DIAGNOSTICS with their text and all
 *        by number, and are drawn in the order of files and lines. Nothing is printed here.
 * Why:   rule authors want every error at once, each with file:line:column, the source line, a
 *        caret and "did you mean".
 * Ownership: a collection copies what it shows and outlives documents. Not thread safe.
 */
#ifndef ASSAY_CORE_DIAGS_H
#define ASSAY_CORE_DIAGS_H

#include "core/buf.h"

struct assay_yaml;
struct assay_yaml_node;
struct assay_diags;

struct assay_diags *assay_diags_new(void);    /* NULL: out of memory */
void assay_diags_free(struct assay_diags *d); /* accepts NULL */
/* How many there are, those beyond the limit counted. */
size_t assay_diags_errors(const struct assay_diags *d);
size_t assay_diags_warnings(const struct assay_diags *d);
/* Renders all: "pack.yaml:4:14: error: unknown severity 'hgh', did you mean 'high'?\n   4 | ...\n
 * | ^~~\n". `colour` adds ANSI colours. */
void assay_diags_render(const struct assay_diags *d, struct assay_buf *out, int colour);
/* First error as an error value (for callers that want one sentence); ASSAY_OK when there is none.
 */
enum assay_status assay_diags_first(const struct assay_diags *d, struct assay_error *err);
/* Adds a diagnostic at a node; the whole scalar (or the start of a collection) is underlined. node
 * NULL: no position, `name` of the document alone. y NULL: the sentence alone. */
void assay_diags_error(struct assay_diags *d, const struct assay_yaml *y,
                       const struct assay_yaml_node *node, const char *fmt, ...) ASSAY_PRINTF(4, 5);
void assay_diags_warning(struct assay_diags *d, const struct assay_yaml *y,
                         const struct assay_yaml_node *node, const char *fmt, ...)
    ASSAY_PRINTF(4, 5);

/* The same inside a scalar: `offset` and `span` are bytes of the node's text (span 0: one code
 * point). The caret stands under the source character that the byte came from, through quotes,
 * escapes and block scalars; where that cannot be told the whole scalar is underlined. */
void assay_diags_error_in(struct assay_diags *d, const struct assay_yaml *y,
                          const struct assay_yaml_node *node, size_t offset, size_t span,
                          const char *fmt, ...) ASSAY_PRINTF(6, 7);
void assay_diags_warning_in(struct assay_diags *d, const struct assay_yaml *y,
                            const struct assay_yaml_node *node, size_t offset, size_t span,
                            const char *fmt, ...) ASSAY_PRINTF(6, 7);

#endif
