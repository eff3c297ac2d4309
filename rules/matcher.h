/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher.h: matching as a service: all text rules at once over a whole batch.
 *
 * What:  a compiled matcher answers, for a batch, every occurrence of every pattern and word rule,
 *        exactly those that PCRE2 run rule by rule over each field would report: leftmost,
 *        non-overlapping, per rule and field.
 * How:   from each pattern a plan is derived: literals one of which every match holds, or runs of
 *        digits and the like inside which every match lies. One scan of the whole text buffer for
 *        all literals and terms (Vectorscan, or an Aho-Corasick automaton) and one for runs yield
 *        candidates; the offset table maps them to fields; PCRE2-JIT confirms in a window around
 *        each. A pattern without a plan is run over every field. A limit hit in PCRE2 is reported
 *        as a skip, never swallowed. Design: matcher/internal.h.
 * Thread rule: struct assay_matcher is immutable and shared; struct assay_scratch is one per
 *        worker.
 */
#ifndef ASSAY_RULES_MATCHER_H
#define ASSAY_RULES_MATCHER_H

#include "assay/record.h"
#include "rules/ruleset.h"

struct assay_matcher;
struct assay_scratch;

enum assay_matcher_engine {
    ASSAY_ENGINE_AUTO, /* Vectorscan when built in and the CPU can */
    ASSAY_ENGINE_VECTORSCAN,
    ASSAY_ENGINE_PREFILTER, /* the same without Vectorscan: slower */
    ASSAY_ENGINE_ORACLE     /* PCRE2 pattern by pattern: the definition of right, for tests */
};

struct assay_matcher_options {
    enum assay_matcher_engine engine;
    const char *cache_dir; /* compiled databases; NULL: no cache */
};

/* Compiles, or loads from the cache (keyed by rules, library version, CPU features and format;
 * written atomically; authenticated by a key in the same private directory; rebuilt when stale or
 * damaged). */
enum assay_status assay_matcher_new(const struct assay_ruleset *rs,
                                    const struct assay_matcher_options *opt,
                                    struct assay_matcher **ret, struct assay_error *err);
void assay_matcher_free(struct assay_matcher *m);                     /* accepts NULL */
const char *assay_matcher_engine_name(const struct assay_matcher *m); /* "vectorscan", ... */
/* Whether the compiled database came from the cache; always 0 without Vectorscan. */
int assay_matcher_from_cache(const struct assay_matcher *m);

/* What one thread scans with; `m` must outlive it. ASSAY_NOMEM. */
enum assay_status assay_scratch_new(const struct assay_matcher *m, struct assay_scratch **ret,
                                    struct assay_error *err);
void assay_scratch_free(struct assay_scratch *s); /* accepts NULL */

struct assay_match_list {
    const struct assay_match
        *items; /* sorted by (field, start, rule); borrowed until the next scan */
    size_t count;
    uint64_t
        limit_hits; /* (rule, field) pairs whose confirm hit a match limit: not fully scanned */
    uint64_t limit_bytes; /* bytes of those fields */
};

/* Matches a batch. Field kinds BOOL, NULL and EMPTY are not matched. */
enum assay_status assay_matcher_scan(const struct assay_matcher *m, struct assay_scratch *s,
                                     const struct assay_batch *batch, struct assay_match_list *ret);

/* A string as a batch of one field (rule tests, path masking, validators of options). */
enum assay_status assay_matcher_scan_text(const struct assay_matcher *m, struct assay_scratch *s,
                                          struct assay_bytes text, struct assay_match_list *ret);

/* Runs the hit and miss tests of every rule (or of `only`, a rule index; ASSAY_NONE: all) through
 * matcher and assessment; calls `report` for each test. Returns how many failed. */
size_t assay_matcher_self_test(const struct assay_matcher *m, struct assay_scratch *s,
                               uint32_t only,
                               void (*report)(void *ctx, const struct assay_rule *rule,
                                              const struct assay_rule_test *test, int passed,
                                              const char *why),
                               void *ctx);

#endif
