/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/policy_expr.h: one policy expression: text to term, with carets. Private to rules/.
 *
 * The parser reports at most one syntax fault per expression and every fault of meaning (unknown
 * names, shares outside 0..1, confidences that cut a band). Conditions become masks: for each rule
 * ten bits, one per confidence band, so judging is addition.
 */
#ifndef ASSAY_RULES_POLICY_EXPR_H
#define ASSAY_RULES_POLICY_EXPR_H

#include "rules/load.h"
#include "rules/policy.h"

#define ASSAY_MILLION   1000000
#define ASSAY_ALL_BANDS ((1u << ASSAY_CONFIDENCE_BANDS) - 1u)

enum assay_term_kind { ASSAY_TERM_COUNT, ASSAY_TERM_RATE, ASSAY_TERM_METRIC, ASSAY_TERM_COVERAGE };

enum assay_op { ASSAY_OP_EQ, ASSAY_OP_NE, ASSAY_OP_LE, ASSAY_OP_GE, ASSAY_OP_LT, ASSAY_OP_GT };

struct assay_cond; /* syntax tree of a condition */

struct assay_term {
    enum assay_term_kind kind;
    int upper95;
    const struct assay_cond *cond; /* NULL: every finding */
    const char *name;              /* metric; or what is covered */
    enum assay_op op;
    int64_t limit; /* millionths */
};

struct assay_expr_source {
    const struct assay_yaml *yaml;
    const struct assay_yaml_node *node; /* the scalar */
    const struct assay_ruleset *rules;  /* NULL: names are not checked */
    struct assay_arena *arena;
    struct assay_diags *diags;
};

/* 1 when the term is usable; else diagnostics were added. */
int assay_expr_parse(const struct assay_expr_source *src, struct assay_term *ret);

/* The bands in which findings of `rule` satisfy the condition. */
uint16_t assay_cond_bands(const struct assay_cond *c, const struct assay_rule_view *rule);

/* Whether a comparison that came out as `order` (-1, 0, 1) satisfies op. */
int assay_op_holds(int order, enum assay_op op);

/* num/den op limit, exactly. */
int assay_compare_share(uint64_t num, uint64_t den, enum assay_op op, int64_t limit_millionths);

/* The one-sided 95 % Wilson score bound above x successes in n, in millionths, rounded up: the
 * smallest L for which (L - x/n)^2 >= z^2 L (1 - L) / n, with z^2 = 2.705543455 (rounded up).
 * Integer arithmetic throughout; n 0 gives 1000000. Source: Wilson 1927, as the inversion of the
 * score test. */
uint64_t assay_wilson_upper95(uint64_t x, uint64_t n);

extern const char *const assay_expr_words[]; /* function and field names, for the manual's test */
extern const struct assay_key_table assay_policy_key_tables[];

#endif
