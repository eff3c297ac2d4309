/* SPDX-License-Identifier: Apache-2.0
 *
 * core/yaml_read.c: the tree read: by place, by key, and as typed values.
 */
#include <stdlib.h>

#include "core/option.h"
#include "core/yaml_tree.h"

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
    assay_buf_init(&all, DIAGS_MESSAGE_MAX / 2);
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
