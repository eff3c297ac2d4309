/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/policy.h: a policy: terms over the folded result, and the verdict they add up to.
 *
 *     policy: delivery-default
 *     version: 1.0.0
 *     title: {en: ..., zh: ...}
 *     fail:
 *       - {id: F1, expr: 'count(severity >= high) == 0'}
 *     warn:
 *       - {id: W1, expr: 'rate(entity == EMAIL_ADDRESS) <= 0.1%'}
 *
 * Grammar (one page; no loops, no I/O):
 *     term    = value op number
 *     name(s) = name | quoted name | "(" name {"," name} ")"
 *     value   = "count(" [cond] ")" | "rate(" cond ["," "upper95"] ")" | "metric(" name ")"
 *             | "coverage(" ("files"|"records"|"bytes") ")" | "new(" ... reserved
 *     cond    = and {"or" and};  and = not {"and" not};  not = ["not"] cmp | "(" cond ")"
 *     cmp     = "severity" op level | "confidence" op number
 *             | ("rule"|"entity"|"category"|"scanner") ("=="|"!="|"in") name(s)
 *     op      = == != < <= > >= ;  number = decimal, optionally with %
 *
 * count() counts findings; rate() is records with such a finding over records scanned (with
 * upper95, the one-sided 95 % Wilson upper bound, for samples). All arithmetic is on integers
 * (numbers are parsed to millionths), so a verdict never depends on floating point. Immutable after
 * load; any thread.
 */
#ifndef ASSAY_RULES_POLICY_H
#define ASSAY_RULES_POLICY_H

#include "rules/ruleset.h"

enum assay_verdict { ASSAY_PASS, ASSAY_WARN, ASSAY_FAIL, ASSAY_INCOMPLETE };
const char *assay_verdict_name(enum assay_verdict v); /* "PASS" */
int assay_verdict_exit(enum assay_verdict v);         /* 0, 0, 1, 3 */

/* Per rule and confidence band; what the engine counts as it goes. Confidence is kept in ten bands
 * of 0.1 (band = thousandths / 100, 1000 in band 9); a comparison inside a band is refused by the
 * policy loader. */
#define ASSAY_CONFIDENCE_BANDS 10
struct assay_rule_tally {
    uint64_t findings[ASSAY_CONFIDENCE_BANDS];
    uint64_t records; /* with at least one finding of this rule, at any confidence */
    uint64_t files;
};

/* What a policy is judged on. */
struct assay_facts {
    void *ctx;
    const struct assay_ruleset *rules;
    const struct assay_rule_tally *tally; /* by rule index */
    uint64_t files_total, files_scanned;
    uint64_t records_total, records_scanned;
    uint64_t bytes_total, bytes_scanned;
    uint64_t skipped; /* things not scanned; not zero: INCOMPLETE unless FAIL */
    /* Records with at least one finding that satisfies condition `i` (assay_policy_condition). */
    uint64_t (*records_with)(void *ctx, size_t condition);
    /* 1 and num/den when the metric exists, else 0. */
    int (*metric)(void *ctx, const char *name, uint64_t *num, uint64_t *den);
};

struct assay_policy;
struct assay_term_result {
    const char *id;
    const char *expr;
    const char *note_en, *note_zh; /* may be NULL */
    uint8_t is_warn;               /* from the warn list */
    uint8_t ok;
    uint8_t known;     /* 0: a metric it needs does not exist; never ok */
    uint64_t num, den; /* observed value num/den */
    int64_t limit_millionths;
};

/* `path` NULL: the embedded default; a name of an embedded policy; or a path of a YAML file. Names
 * of rules, entities, categories and scanners that no loaded rule has are errors in a file (a term
 * about nothing would always hold), not in an embedded policy. `rs` must outlive the policy; NULL
 * checks the language only. */
struct assay_policy *assay_policy_load(const char *path, const struct assay_ruleset *rs,
                                       struct assay_diags *diags);
void assay_policy_free(struct assay_policy *p);
const char *assay_policy_name(const struct assay_policy *p);
const char *assay_policy_version(const struct assay_policy *p);
const uint8_t *assay_policy_sha256(const struct assay_policy *p); /* of the file's bytes */
struct assay_bytes assay_policy_text(const struct assay_policy *p);
size_t assay_policy_terms(const struct assay_policy *p);
/* The distinct conditions of rate() terms, which the engine tracks per record so that the union is
 * exact. A finding of rule r in band c satisfies condition i when bit c of
 * assay_policy_condition(p, i)[r] is set. */
size_t assay_policy_conditions(const struct assay_policy *p);
const uint16_t *assay_policy_condition(const struct assay_policy *p, size_t i);

/* Judges; facts->rules must be the rule set the policy was loaded with. A share of nothing is 0,
 * its upper bound 1, and coverage of nothing is 1. `ret` has room for assay_policy_terms(p)
 * results. FAIL when a fail term does not hold; else INCOMPLETE when facts->skipped, or when a term
 * asks for a metric that nobody delivered; else WARN when a warn term does not hold; else PASS. */
enum assay_verdict assay_policy_judge(const struct assay_policy *p, const struct assay_facts *facts,
                                      struct assay_term_result *ret);

const char *const *assay_policy_embedded(void); /* names, NULL-terminated */

#endif
