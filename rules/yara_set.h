/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_set.h: the inside of compiled YARA rules (private to rules/yara*.c).
 *
 * yara.c makes the set and says which compiled rule stands for which rule of the rule set;
 * yara_compile.c compiles the texts or loads what was compiled before; yara_anchor.c derives the
 * literals of the first stage; yara_scan.c scans, reading files through yara_file.h. Only these
 * know libyara. The set is immutable once assay_yara_new has returned it.
 */
#ifndef ASSAY_RULES_YARA_SET_H
#define ASSAY_RULES_YARA_SET_H

#include <yara.h>

#include "rules/literals.h"
#include "rules/yara.h"

/* Compiled rule `compiled` (its index in libyara's table) reports as rule `rule` of the rule set. */
struct assay_yara_target {
    uint32_t compiled;
    uint32_t rule;
};

struct assay_yara {
    YR_RULES *rules;
    struct assay_yara_target *targets; /* sorted */
    size_t n_targets;
    struct assay_literals *anchors; /* NULL: no first stage */
    size_t n_anchors;
    uint32_t unanchored; /* a rule that has none; ASSAY_NONE */
    int from_cache;
};

/* yara_compile.c */
/* Every text once, into a namespace of its own; from `cache_dir` (NULL: nowhere) when it is there,
 * which *ret_from_cache says. The caller destroys the rules. */
enum assay_status assay_yara_compile(const struct assay_ruleset *rs, const char *cache_dir,
                                     YR_RULES **ret, int *ret_from_cache, struct assay_error *err);
/* The compiled, public rule that rule `index` of the set names; NULL. */
const YR_RULE *assay_yara_find(const YR_RULES *rules, const struct assay_ruleset *rs,
                               uint32_t index);

/* yara_anchor.c */
/* Sets anchors and n_anchors, or unanchored, of a set whose targets are known. */
enum assay_status assay_yara_derive_anchors(struct assay_yara *y, const struct assay_ruleset *rs,
                                            struct assay_error *err);

#endif
