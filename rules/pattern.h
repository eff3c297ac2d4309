/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/pattern.h: what a pattern may be: checks at load, and the compile options everyone must
 * share.
 *
 * A pattern is PCRE2 syntax minus what cannot be matched in a window by a multi-pattern engine and
 * confirmed by PCRE2 with the same result: back references, recursion and subroutine calls,
 * conditionals, callouts, control verbs, \K, \G, \C, \X. It may not match the empty string.
 */
#ifndef ASSAY_RULES_PATTERN_H
#define ASSAY_RULES_PATTERN_H

#include "rules/load.h"

/* PCRE2 compile options of a pattern: UTF without UCP, so that \b and \d stay ASCII next to Han
 * text. */
uint32_t assay_pattern_options(int caseless);

/* Reports every fault of the pattern in scalar `n` with a caret at it. */
void assay_pattern_check(struct assay_load *l, const struct assay_yaml_node *n, int caseless);

/* Checks a prefilter: a Vectorscan pattern (PCRE2 syntax where Vectorscan is not built in). */
void assay_prefilter_check(struct assay_load *l, const struct assay_yaml_node *n, int caseless);

/* Finds a construct from the list above at or after *at; NULL when there is none, else its name,
 * with *at and *ret_len telling where. The next search starts at *at + *ret_len. */
const char *assay_pattern_refused(const char *pattern, size_t *at, size_t *ret_len);

/* Offset of an unbounded quantifier over a group that ends in an unbounded quantifier; SIZE_MAX:
 * none. */
size_t assay_pattern_nested(const char *pattern);

/* Whether every match holds a fixed byte or is at least six code points long: enough for a first
 * stage. */
int assay_pattern_anchored(const char *pattern, int caseless);

#endif
