/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/plan.h: how one pattern rule is found fast: derived from it, engine-neutral.
 *
 *   ANCHOR  every match [s, e) can be written P L R, where L is one of a few literals (ASCII case
 *           aside). So for the end b of some literal, s lies in [b - back_max, b - back_min], and
 *           all bytes of [s, b) belong to `walk`.
 *   RUN     a match, or a part of it that begins before_max..before_min after its start, lies
 *           inside a maximal run of bytes of `run` that is at least min_len long and holds at least
 *           `digits` digits and `marks` of [-:./+].
 *   WHOLE   not understood, or nothing to hold on to: PCRE2 over every field.
 *
 * Only the start of a match matters: PCRE2 is tried at exactly these starts and finds the end
 * itself, so R need not be looked for. Literals and runs are all that is ever searched for in the
 * text: no multi-pattern engine for expressions has to be trusted. (Vectorscan 5.4.9 on AVX-512
 * loses matches of expressions as simple as '@' and a class; its literal matching holds.)
 */
#ifndef ASSAY_RULES_MATCHER_PLAN_H
#define ASSAY_RULES_MATCHER_PLAN_H

#include "rules/matcher/regex.h"

enum assay_plan_kind { ASSAY_PLAN_WHOLE, ASSAY_PLAN_ANCHOR, ASSAY_PLAN_RUN };

/* Runs of similar make-up share one pass: the fewer bytes in the union, the shorter the runs. */
enum assay_run_group {
    ASSAY_RUN_NUMERIC, /* at most four letters */
    ASSAY_RUN_HEX,     /* letters of [A-Fa-f] */
    ASSAY_RUN_UPPER,   /* no lower-case letters */
    ASSAY_RUN_SPACED,  /* letters, and a space */
    ASSAY_RUN_ANY,     /* letters, no space: runs end at every word */
    ASSAY_RUN_LONG,    /* no digit or [:-] need be there: found by length alone */
    ASSAY_RUN_GROUPS
};

#define ASSAY_PLAN_LITERALS    128
#define ASSAY_PLAN_LITERAL_MAX 16

/* Literals, ASCII in lower case, all of at least one byte. */
struct assay_anchors {
    unsigned n;
    uint8_t len[ASSAY_PLAN_LITERALS];
    unsigned char text[ASSAY_PLAN_LITERALS][ASSAY_PLAN_LITERAL_MAX];
};

struct assay_rule_plan {
    enum assay_plan_kind kind;
    uint8_t weak; /* made from the author's prefilter: it only says "somewhere in this field" */
    /* ANCHOR */
    const struct assay_anchors *literals;
    uint32_t back_max, back_min;
    struct assay_byteset walk;
    /* RUN */
    enum assay_run_group group;
    struct assay_byteset run;
    uint32_t min_len, digits, marks;
    uint32_t before_max, before_min;
};

/* Never fails: the answer of last resort is WHOLE. Literals live in the arena. */
void assay_plan_make(struct assay_arena *a, const char *pattern, int caseless,
                     struct assay_rule_plan *ret);

#endif
