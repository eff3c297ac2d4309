/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/plan.h: how one pattern rule is found fast: derived from the pattern,
 * engine-neutral.
 *
 * Every exact match [s, e) of the rule can be written P F Q, where the *factor* F is a piece of the
 * relaxed pattern chosen to be rare and cheap. A plan says: find every end b of F; then s lies in
 * [b - back_max, b - back_min], and all bytes of [s, b) belong to `walk`. So only s matters, Q
 * need not be searched, and F needs no left context. The confirm tries PCRE2 at exactly these
 * starts.
 *
 *   ANCHOR  F begins with literals; searched in all text.
 *   RUN     a match lies inside a maximal run of bytes of `run` that is at least min_len long and
 * holds at least `digits` digits and `marks` of [-:./+]; only such runs are looked at. CLASS   no
 * literal and no usable run; F is searched in all text. WHOLE   not understood or no factor: PCRE2
 * over every field (behind the author's `prefilter`, if any).
 */
#ifndef ASSAY_RULES_MATCHER_PLAN_H
#define ASSAY_RULES_MATCHER_PLAN_H

#include "rules/matcher/regex.h"

enum assay_plan_kind { ASSAY_PLAN_WHOLE, ASSAY_PLAN_ANCHOR, ASSAY_PLAN_RUN, ASSAY_PLAN_CLASS };

/* Runs of similar make-up share one pass: the fewer bytes in the union, the shorter the runs. */
enum assay_run_group {
    ASSAY_RUN_NUMERIC, /* at most four letters */
    ASSAY_RUN_HEX,     /* letters of [A-Fa-f] */
    ASSAY_RUN_UPPER,   /* no lower-case letters */
    ASSAY_RUN_ANY,
    ASSAY_RUN_LONG, /* no digit or [:-] need be there: found by length alone */
    ASSAY_RUN_GROUPS
};

#define ASSAY_PLAN_LITERALS    64
#define ASSAY_PLAN_LITERAL_MAX 16

/* Literals one of which begins F (ASCII in lower case); n 0: none known. */
struct assay_literals {
    unsigned n;
    uint8_t len[ASSAY_PLAN_LITERALS];
    unsigned char text[ASSAY_PLAN_LITERALS][ASSAY_PLAN_LITERAL_MAX];
};

struct assay_plan {
    enum assay_plan_kind kind;
    enum assay_run_group group;      /* RUN */
    const struct assay_rx *factor;   /* not WHOLE */
    uint32_t back_max, back_min;     /* from the end of F to the start of the match */
    uint32_t before_max, before_min; /* width of P */
    struct assay_byteset walk;
    struct assay_byteset run;        /* RUN */
    uint32_t min_len, digits, marks; /* RUN */
    struct assay_literals *literals; /* ANCHOR */
};

/* Never fails: the answer of last resort is WHOLE. Nodes and literals live in the arena. */
void assay_plan_make(struct assay_arena *a, const char *pattern, int caseless,
                     struct assay_plan *ret);

#endif
