/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/explain.h: rules for people: one rule as a page, all rules as a table. Plain text, English
 * or Chinese.
 *
 * Nothing here reads a dataset. Texts from packs are escaped for the terminal. Any thread.
 */
#ifndef ASSAY_RULES_EXPLAIN_H
#define ASSAY_RULES_EXPLAIN_H

#include "core/buf.h"
#include "rules/ruleset.h"

/* Appends the page of rule `index`: what it is, how it is detected (with the source of each
 * validator), confidence, clauses, mask, tests, and where it stands. Nothing for an index out of
 * range. */
void assay_rule_explain(const struct assay_ruleset *rs, uint32_t index, int chinese,
                        struct assay_buf *out);

/* Appends one line per rule: severity, id, how it is detected, title; grouped by pack, declared
 * rules last. */
void assay_rules_list(const struct assay_ruleset *rs, int chinese, struct assay_buf *out);

#endif
