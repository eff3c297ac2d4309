/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of the matcher: makes plans, chooses the engine, sorts what it found. Design:
 * matcher/internal.h.
 */
#include "rules/matcher.h"

#include "core/limits.h"
#include "rules/matcher/internal.h"

#define PLAN_ARENA    ASSAY_MIB(256)
#define JIT_STACK_MIN ASSAY_KIB(32)
#define JIT_STACK_MAX ASSAY_KIB(512)

static const char *const engine_names[] = {
    [ASSAY_ENGINE_AUTO] = "auto",
    [ASSAY_ENGINE_VECTORSCAN] = "vectorscan",
    [ASSAY_ENGINE_PREFILTER] = "prefilter",
    [ASSAY_ENGINE_ORACLE] = "oracle",
};

/* ---- the matcher ---------------------------------------------------------------------------- */

/* The plan of a pattern rule; where there is none, one of the author's prefilter. */
static void make_plan(struct assay_matcher *m, const struct assay_rule *r,
                      struct assay_rule_plan *ret)
{
    assay_plan_make(m->arena, r->pattern, r->caseless, ret);
    if (ret->kind == ASSAY_PLAN_WHOLE && r->prefilter != NULL) {
        assay_plan_make(m->arena, r->prefilter, r->caseless, ret);
        ret->weak = 1;
    }
}

static void file_rule(struct assay_matcher *m, uint32_t i)
{
    struct assay_rule_plan *p = &m->plans[i];
    make_plan(m, m->rule[i], p);
    if (p->kind == ASSAY_PLAN_RUN) {
        assay_run_set_add(&m->runs, p);
        m->run_rules[m->n_run_rules++] = i;
    } else if (p->kind == ASSAY_PLAN_WHOLE) {
        m->whole_rules[m->n_whole_rules++] = i;
    }
}

static enum assay_status make_plans(struct assay_matcher *m)
{
    size_t n = m->n_rules + (size_t)1;
    m->arena = assay_arena_new(PLAN_ARENA);
    m->plans = calloc(n, sizeof *m->plans);
    m->codes = calloc(n, sizeof *m->codes);
    m->run_rules = assay_alloc_array(n, sizeof *m->run_rules);
    m->whole_rules = assay_alloc_array(n, sizeof *m->whole_rules);
    if (m->arena == NULL || m->plans == NULL || m->codes == NULL || m->run_rules == NULL ||
        m->whole_rules == NULL) {
        return ASSAY_NOMEM;
    }
    assay_run_set_init(&m->runs);
    for (uint32_t i = 0; m->engine != ASSAY_ENGINE_ORACLE && i < m->n_rules; i++) {
        if (m->rule[i]->detect == ASSAY_DETECT_PATTERN) {
            file_rule(m, i);
        }
    }
    enum assay_status rc = assay_terms_build(m->rule, m->n_rules, &m->terms);
    return rc != ASSAY_OK ? rc : assay_literals_build(m);
}

static enum assay_status make_engine(struct assay_matcher *m, const char *cache_dir,
                                     struct assay_error *err)
{
    switch (m->engine) {
    case ASSAY_ENGINE_VECTORSCAN:
        return assay_vs_new(m, cache_dir, err);
    case ASSAY_ENGINE_PREFILTER:
        return assay_automaton_new(m, err);
    case ASSAY_ENGINE_AUTO:
    case ASSAY_ENGINE_ORACLE:
        break;
    }
    return ASSAY_OK;
}

static enum assay_status build(struct assay_matcher *m, const struct assay_matcher_options *opt,
                               struct assay_error *err)
{
    if (m->engine == ASSAY_ENGINE_AUTO) {
        m->engine = assay_vs_available() ? ASSAY_ENGINE_VECTORSCAN : ASSAY_ENGINE_PREFILTER;
    }
    if (m->engine == ASSAY_ENGINE_VECTORSCAN && !assay_vs_available()) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "Vectorscan is not built in, or this CPU lacks what it needs");
    }
    enum assay_status rc = make_plans(m);
    if (rc != ASSAY_OK) {
        return assay_fail(err, rc, "cannot prepare the rules for matching");
    }
    return make_engine(m, opt == NULL ? NULL : opt->cache_dir, err);
}

/* Takes the table `rule`. */
static enum assay_status matcher_new(const struct assay_rule **rule, uint32_t n_rules,
                                     const struct assay_matcher_options *opt,
                                     struct assay_matcher **ret, struct assay_error *err)
{
    struct assay_matcher *m = calloc(1, sizeof *m);
    if (m == NULL) {
        free(rule);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    (void)pthread_mutex_init(&m->code_lock, NULL);
    m->rule = rule;
    m->n_rules = n_rules;
    m->engine = opt == NULL ? ASSAY_ENGINE_AUTO : opt->engine;
    enum assay_status rc = build(m, opt, err);
    if (rc != ASSAY_OK) {
        assay_matcher_free(m);
        return rc;
    }
    *ret = m;
    return ASSAY_OK;
}

enum assay_status assay_matcher_new(const struct assay_ruleset *rs,
                                    const struct assay_matcher_options *opt,
                                    struct assay_matcher **ret, struct assay_error *err)
{
    uint32_t n = (uint32_t)assay_ruleset_count(rs);
    const struct assay_rule **rule = assay_alloc_array(n + 1u, sizeof *rule);
    *ret = NULL;
    if (rule == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        rule[i] = assay_ruleset_rule(rs, i);
    }
    return matcher_new(rule, n, opt, ret, err);
}

enum assay_status assay_matcher_new_rules(const struct assay_rule *rules, uint32_t n_rules,
                                          const struct assay_matcher_options *opt,
                                          struct assay_matcher **ret, struct assay_error *err)
{
    const struct assay_rule **rule = assay_alloc_array(n_rules + 1u, sizeof *rule);
    *ret = NULL;
    if (rule == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n_rules; i++) {
        rule[i] = &rules[i];
    }
    return matcher_new(rule, n_rules, opt, ret, err);
}

void assay_matcher_free(struct assay_matcher *m)
{
    if (m == NULL) {
        return;
    }
    for (uint32_t i = 0; m->codes != NULL && i < m->n_rules; i++) {
        pcre2_code_free(atomic_load_explicit(&m->codes[i].code, memory_order_relaxed));
    }
    assay_vs_free(m->vs);
    assay_automaton_free(m->automaton);
    assay_terms_release(&m->terms);
    assay_arena_free(m->arena);
    free(m->plans);
    free(m->codes);
    free(m->run_rules);
    free(m->whole_rules);
    free(m->literals.items);
    free((void *)(uintptr_t)m->rule);
    (void)pthread_mutex_destroy(&m->code_lock);
    free(m);
}

const char *assay_matcher_engine_name(const struct assay_matcher *m)
{
    return engine_names[m->engine];
}

int assay_matcher_from_cache(const struct assay_matcher *m)
{
    return m->from_cache;
}

/* ---- scratch -------------------------------------------------------------------------------- */

static int scratch_pcre2(struct assay_scratch *s)
{
    s->match_data = pcre2_match_data_create(1, NULL);
    s->match_context = pcre2_match_context_create(NULL);
    s->jit_stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (s->match_data == NULL || s->match_context == NULL) {
        return 0;
    }
    (void)pcre2_set_match_limit(s->match_context, ASSAY_LIMIT_PCRE2_MATCH);
    (void)pcre2_set_heap_limit(s->match_context, ASSAY_LIMIT_PCRE2_HEAP_KIB);
    if (s->jit_stack != NULL) { /* NULL where PCRE2 has no JIT */
        pcre2_jit_stack_assign(s->match_context, NULL, s->jit_stack);
    }
    return 1;
}

enum assay_status assay_scratch_new(const struct assay_matcher *m, struct assay_scratch **ret,
                                    struct assay_error *err)
{
    struct assay_scratch *s = calloc(1, sizeof *s);
    *ret = NULL;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory for the matcher");
    }
    s->m = m;
    s->progress = calloc(m->n_rules + 1u, sizeof *s->progress);
    enum assay_status rc = s->progress != NULL && scratch_pcre2(s)
                               ? ASSAY_OK
                               : assay_fail(err, ASSAY_NOMEM, "out of memory for the matcher");
    if (rc == ASSAY_OK && m->engine == ASSAY_ENGINE_VECTORSCAN) {
        rc = assay_vs_scratch(m, s, err);
    }
    if (rc != ASSAY_OK) {
        assay_scratch_free(s);
        return rc;
    }
    *ret = s;
    return ASSAY_OK;
}

void assay_scratch_free(struct assay_scratch *s)
{
    if (s == NULL) {
        return;
    }
    assay_vs_scratch_free(s);
    for (unsigned g = 0; g < ASSAY_RUN_GROUPS; g++) {
        assay_run_list_release(&s->runs[g]);
    }
    pcre2_match_data_free(s->match_data);
    pcre2_match_context_free(s->match_context);
    pcre2_jit_stack_free(s->jit_stack);
    free(s->progress);
    free(s->matches);
    free(s->occurrences);
    free(s->candidates);
    free(s);
}

/* ---- scanning ------------------------------------------------------------------------------- */

/* (field, start, rule); one rule has at most one match at a start. */
static int compare_matches(const void *pa, const void *pb)
{
    const struct assay_match *a = pa, *b = pb;
    if (a->field != b->field) {
        return a->field < b->field ? -1 : 1;
    }
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return (a->rule > b->rule) - (a->rule < b->rule);
}

static void run_engine(struct assay_scratch *s)
{
    switch (s->m->engine) {
    case ASSAY_ENGINE_VECTORSCAN:
    case ASSAY_ENGINE_PREFILTER:
        assay_fast_scan(s);
        break;
    case ASSAY_ENGINE_AUTO:
    case ASSAY_ENGINE_ORACLE:
        assay_oracle_scan(s);
        break;
    }
    assay_terms_resolve(s);
}

enum assay_status assay_matcher_scan(const struct assay_matcher *m, struct assay_scratch *s,
                                     const struct assay_batch *batch, struct assay_match_list *ret)
{
    memset(ret, 0, sizeof *ret);
    if (s->m != m) {
        return ASSAY_INTERNAL;
    }
    s->batch = batch;
    s->out = ret;
    s->epoch++;
    s->status = ASSAY_OK;
    s->field_hint = 0;
    s->n_matches = s->n_occurrences = s->n_candidates = 0;
    run_engine(s);
    if (s->n_matches > 1) {
        qsort(s->matches, s->n_matches, sizeof *s->matches, compare_matches);
    }
    ret->items = s->matches;
    ret->count = s->n_matches;
    return s->status;
}

enum assay_status assay_matcher_scan_text(const struct assay_matcher *m, struct assay_scratch *s,
                                          struct assay_bytes text, struct assay_match_list *ret)
{
    static const struct assay_bytes root = {"", 0};
    struct assay_record record = {.raw = text, .n_fields = 1};
    struct assay_field field = {.len = (uint32_t)text.len, .kind = ASSAY_FIELD_STRING};
    struct assay_batch batch = {.size = sizeof batch,
                                .text = text.ptr == NULL ? "" : text.ptr,
                                .text_len = (uint32_t)text.len,
                                .n_records = 1,
                                .n_fields = 1,
                                .n_paths = 1,
                                .records = &record,
                                .fields = &field,
                                .paths = &root};
    memset(ret, 0, sizeof *ret);
    if (text.len > ASSAY_LIMIT_RECORD) {
        return ASSAY_LIMIT;
    }
    return assay_matcher_scan(m, s, &batch, ret);
}

/* ---- self test ------------------------------------------------------------------------------ */

/* Whether rule `index` yields a finding in `text`; `why` (static text) explains a miss. */
static int rule_finds(const struct assay_matcher *m, struct assay_scratch *s, uint32_t index,
                      const char *text, const char **why)
{
    const struct assay_rule *rule = m->rule[index];
    struct assay_bytes value = assay_bytes_str(text);
    struct assay_match_list list;
    *why = "the pattern does not match";
    if (assay_matcher_scan_text(m, s, value, &list) != ASSAY_OK || list.limit_hits > 0) {
        *why = "a match limit was hit";
        return -1;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct assay_assessment a;
        if (list.items[i].rule != index) {
            continue;
        }
        assay_rule_assess(rule, value, list.items[i].start, list.items[i].end, &a);
        if (!a.dropped && a.confidence >= rule->view.min_confidence) {
            *why = "it is found";
            return 1;
        }
        *why = a.dropped ? "a validator, missing context or an allow phrase drops it"
                         : "its confidence is below min_confidence";
    }
    return 0;
}

size_t assay_matcher_self_test(const struct assay_matcher *m, struct assay_scratch *s,
                               uint32_t only,
                               void (*report)(void *ctx, const struct assay_rule *rule,
                                              const struct assay_rule_test *test, int passed,
                                              const char *why),
                               void *ctx)
{
    size_t failed = 0;
    for (uint32_t i = 0; i < m->n_rules; i++) {
        const struct assay_rule *rule = m->rule[i];
        int is_text = rule->detect == ASSAY_DETECT_PATTERN || rule->detect == ASSAY_DETECT_WORDS;
        for (size_t k = 0; is_text && (only == ASSAY_NONE || only == i) && k < rule->n_tests; k++) {
            const char *why = NULL;
            int passed =
                rule_finds(m, s, i, rule->tests[k].text, &why) == (rule->tests[k].hit != 0);
            failed += !passed;
            if (report != NULL) {
                report(ctx, rule, &rule->tests[k], passed, why);
            }
        }
    }
    return failed;
}
