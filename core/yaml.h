/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml.h: YAML documents with positions.
 *
 * What:  a parsed document is a read-only tree of nodes; every scalar is text (typing is the
 *        caller's business, so `no` is never a boolean by surprise). Anchors, aliases, merge keys,
 *        tags and duplicate keys are refused. Faults go to diagnostics (core/diags.h).
 * Why:   a tree of our own and not libfyaml's: bounded in depth, and every node knows the bytes it
 *        came from, so that whoever judges its meaning can point at it.
 * Ownership: nodes live as long as their document. Not thread safe.
 */
#ifndef ASSAY_CORE_YAML_H
#define ASSAY_CORE_YAML_H

#include "core/diags.h"

enum assay_yaml_kind { ASSAY_YAML_SCALAR, ASSAY_YAML_SEQUENCE, ASSAY_YAML_MAPPING };

/* Parses `text` (copied). Syntax errors go to `d`; NULL then. `name` is shown in diagnostics. */
struct assay_yaml *assay_yaml_parse(struct assay_bytes text, const char *name,
                                    struct assay_diags *d);
/* Reads and parses a file of at most ASSAY_LIMIT_YAML_FILE bytes. */
struct assay_yaml *assay_yaml_load(const char *path, struct assay_diags *d);
void assay_yaml_free(struct assay_yaml *y); /* accepts NULL */
/* NULL: empty document. */
const struct assay_yaml_node *assay_yaml_root(const struct assay_yaml *y);

/* What a node is; `n` must not be NULL. */
enum assay_yaml_kind assay_yaml_node_kind(const struct assay_yaml_node *n);
uint32_t assay_yaml_node_line(const struct assay_yaml_node *n); /* 1-based */
/* Scalar text, NUL-terminated; NULL when n is NULL or not a scalar. */
const char *assay_yaml_text(const struct assay_yaml_node *n);
/* Items or pairs; 0 for scalars and NULL. */
size_t assay_yaml_count(const struct assay_yaml_node *n);
/* The i-th item of a sequence; key and value of the i-th pair of a mapping; NULL where there is
 * none. */
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
