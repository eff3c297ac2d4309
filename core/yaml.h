/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml.h: YAML documents with positions, and diagnostics that show the line with a caret.
 *
 * What:  a parsed document is a read-only tree of nodes; every scalar is text (typing is the
 *        caller's business, so `no` is never a boolean by surprise). Anchors, aliases, merge keys,
 *        tags and duplicate keys are refused. Diagnostics collect; nothing is printed here.
 * Why:   rule authors want every error at once, each with file:line:column, the source line, a
 *        caret and "did you mean".
 * Ownership: nodes live as long as their document. Not thread safe.
 */
#ifndef ASSAY_CORE_YAML_H
#define ASSAY_CORE_YAML_H

#include "core/buf.h"

struct assay_yaml;
struct assay_yaml_node;
struct assay_diags;

enum assay_yaml_kind { ASSAY_YAML_SCALAR, ASSAY_YAML_SEQUENCE, ASSAY_YAML_MAPPING };

struct assay_diags *assay_diags_new(void); /* NULL: out of memory */
void assay_diags_free(struct assay_diags *d);
size_t assay_diags_errors(const struct assay_diags *d);
size_t assay_diags_warnings(const struct assay_diags *d);
/* Renders all: "pack.yaml:4:14: error: unknown severity 'hgh', did you mean 'high'?\n   4 | ...\n
 * | ^~~\n". `colour` adds ANSI colours. */
void assay_diags_render(const struct assay_diags *d, struct assay_buf *out, int colour);
/* First error as an error value (for callers that want one sentence). */
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

/* Parses `text` (copied). Syntax errors go to `d`; NULL then. `name` is shown in diagnostics. */
struct assay_yaml *assay_yaml_parse(struct assay_bytes text, const char *name,
                                    struct assay_diags *d);
/* Reads and parses a file of at most ASSAY_LIMIT_YAML_FILE bytes. */
struct assay_yaml *assay_yaml_load(const char *path, struct assay_diags *d);
void assay_yaml_free(struct assay_yaml *y);
const struct assay_yaml_node *
assay_yaml_root(const struct assay_yaml *y); /* NULL: empty document */

enum assay_yaml_kind assay_yaml_node_kind(const struct assay_yaml_node *n);
uint32_t assay_yaml_node_line(const struct assay_yaml_node *n); /* 1-based */
/* Scalar text, NUL-terminated; NULL when n is NULL or not a scalar. */
const char *assay_yaml_text(const struct assay_yaml_node *n);
size_t
assay_yaml_count(const struct assay_yaml_node *n); /* items or pairs; 0 for scalars and NULL */
const struct assay_yaml_node *assay_yaml_item(const struct assay_yaml_node *n, size_t i);
const struct assay_yaml_node *assay_yaml_pair_key(const struct assay_yaml_node *n, size_t i);
const struct assay_yaml_node *assay_yaml_pair_value(const struct assay_yaml_node *n, size_t i);
/* Value of `key` in a mapping; NULL when absent (or n is not a mapping). */
const struct assay_yaml_node *assay_yaml_get(const struct assay_yaml_node *n, const char *key);

/* Reports every key of mapping `n` that is not in `known` (NULL-terminated) as an error with the
 * nearest known key. `what` names the thing: "rule", "policy". Also reports when n is not a
 * mapping. */
void assay_yaml_check_keys(const struct assay_yaml *y, const struct assay_yaml_node *n,
                           const char *const *known, const char *what, struct assay_diags *d);
/* Typed reads: report a diagnostic and return 0 on a wrong type; leave *ret alone and return 1 when
 * the node is NULL. Booleans: true/false only. */
int assay_yaml_bool(const struct assay_yaml *y, const struct assay_yaml_node *n, int *ret,
                    struct assay_diags *d);
int assay_yaml_int(const struct assay_yaml *y, const struct assay_yaml_node *n, int64_t min,
                   int64_t max, int64_t *ret, struct assay_diags *d);
/* "0.95" -> 950; 0..1 inclusive. */
int assay_yaml_milli(const struct assay_yaml *y, const struct assay_yaml_node *n, uint16_t *ret,
                     struct assay_diags *d);
/* Index of the scalar in `choices` (NULL-terminated); -1 with a diagnostic and suggestion when
 * absent. */
int assay_yaml_choice(const struct assay_yaml *y, const struct assay_yaml_node *n,
                      const char *const *choices, const char *what, struct assay_diags *d);

#endif
