/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/regex_tree.h: what the tree of a pattern is made of (private to
 * rules/matcher/regex*.c).
 *
 * regex.c reads the pattern; here nodes are made, a child's facts are folded into its parent, and
 * sets of code points become nodes over bytes, widened where they cannot be said exactly. NULL of a
 * function that makes a node: the arena is full. Nodes live in the arena. Pure.
 */
#ifndef ASSAY_RULES_MATCHER_REGEX_TREE_H
#define ASSAY_RULES_MATCHER_REGEX_TREE_H

#include "rules/matcher/regex.h"

#define ASSAY_RX_EXPLICIT 64 /* code points beyond ASCII listed one by one in a class */

/* A class while it is read. */
struct assay_rx_class {
    struct assay_byteset ascii;
    uint32_t cps[ASSAY_RX_EXPLICIT];
    unsigned n_cps;
    int any;      /* every code point beyond ASCII */
    int caseless; /* what is added may have another case */
};

/* Adds the bytes lo to hi, both included. */
void assay_byteset_range(struct assay_byteset *s, unsigned lo, unsigned hi);

struct assay_rx *assay_rx_node(struct assay_arena *a, enum assay_rx_kind kind);
struct assay_rx *assay_rx_opaque(struct assay_arena *a);
/* Appends a child at *tail, which begins as &parent->first. */
void assay_rx_cat_add(struct assay_rx *cat, struct assay_rx ***tail, struct assay_rx *child);
void assay_rx_alt_add(struct assay_rx *alt, struct assay_rx ***tail, struct assay_rx *child);
/* `child` min to max times; it is copied. */
struct assay_rx *assay_rx_repeat(struct assay_arena *a, const struct assay_rx *child, uint32_t min,
                                 uint32_t max);

/* The bytes of one code point. */
struct assay_rx *assay_rx_code_point(struct assay_arena *a, uint32_t cp);
void assay_rx_class_add(struct assay_rx_class *cs, uint32_t cp);
void assay_rx_class_range(struct assay_rx_class *cs, uint32_t lo, uint32_t hi);
/* Closes an ASCII set under case. U+212A and U+017F fold to k and s, and back. */
void assay_rx_class_fold(struct assay_rx_class *cs);
/* All that is not in it, and everything beyond ASCII. */
void assay_rx_class_negate(struct assay_rx_class *cs);
/* NULL for an empty class, too. */
struct assay_rx *assay_rx_class_node(struct assay_arena *a, const struct assay_rx_class *cs);

#endif
