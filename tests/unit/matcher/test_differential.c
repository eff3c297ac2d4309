/* SPDX-License-Identifier: Apache-2.0
 *
 * The claim of rules/matcher.h: whatever the engine, the matches are those of PCRE2 rule by rule.
 * Every engine scans the same megabytes of hostile and of natural text; the lists must be equal,
 * item by item.
 */
#include "tests/unit/unit.h"

#include "bench/corpus.h"
#include "core/limits.h"
#include "tests/unit/matcher/adversary.h"
#include "tests/unit/matcher/sample_rules.h"

struct engines {
    struct assay_matcher *fast[2], *oracle;
    struct assay_scratch *fast_scratch[2], *oracle_scratch;
    unsigned n_fast;
    uint64_t matches;
    uint8_t *seen; /* by rule: matched at least once */
};

typedef void (*new_func)(const void *rules, const struct assay_matcher_options *opt,
                         struct assay_matcher **ret);

static void new_sample(const void *rules, const struct assay_matcher_options *opt,
                       struct assay_matcher **ret)
{
    const struct assay_rule *items = NULL;
    struct assay_error err;
    uint32_t n = sample_all_rules(&items);
    (void)rules;
    if (assay_matcher_new_rules(items, n, opt, ret, &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
}

static void new_packs(const void *rules, const struct assay_matcher_options *opt,
                      struct assay_matcher **ret)
{
    struct assay_error err;
    if (assay_matcher_new(rules, opt, ret, &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
}

static void engines_open(struct engines *e, new_func make, const void *rules)
{
    struct assay_matcher_options opt = {ASSAY_ENGINE_ORACLE, NULL};
    memset(e, 0, sizeof *e);
    make(rules, &opt, &e->oracle);
    assert_int_equal(assay_scratch_new(e->oracle, &e->oracle_scratch, NULL), ASSAY_OK);
    opt.engine = ASSAY_ENGINE_PREFILTER;
    make(rules, &opt, &e->fast[e->n_fast++]);
    if (assay_vs_available()) {
        opt.engine = ASSAY_ENGINE_VECTORSCAN;
        make(rules, &opt, &e->fast[e->n_fast++]);
    }
    for (unsigned i = 0; i < e->n_fast; i++) {
        assert_int_equal(assay_scratch_new(e->fast[i], &e->fast_scratch[i], NULL), ASSAY_OK);
    }
    e->seen = calloc(e->oracle->n_rules + 1u, 1);
    assert_non_null(e->seen);
}

static void engines_close(struct engines *e)
{
    for (unsigned i = 0; i < e->n_fast; i++) {
        assay_scratch_free(e->fast_scratch[i]);
        assay_matcher_free(e->fast[i]);
    }
    assay_scratch_free(e->oracle_scratch);
    assay_matcher_free(e->oracle);
    free(e->seen);
}

static const char *rule_id(const struct engines *e, const struct assay_match *m)
{
    return m == NULL ? "-" : e->oracle->rule[m->rule]->view.id;
}

static void report_difference(const struct engines *e, const struct assay_matcher *m,
                              const struct assay_match_list *want,
                              const struct assay_match_list *got)
{
    size_t i = 0;
    while (i < want->count && i < got->count &&
           memcmp(&want->items[i], &got->items[i], sizeof *want->items) == 0) {
        i++;
    }
    const struct assay_match *w = i < want->count ? &want->items[i] : NULL;
    const struct assay_match *g = i < got->count ? &got->items[i] : NULL;
    fail_msg("%s differs at match %zu: oracle %s field %u %u..%u, got %s field %u %u..%u",
             assay_matcher_engine_name(m), i, rule_id(e, w), w ? w->field : 0, w ? w->start : 0,
             w ? w->end : 0, rule_id(e, g), g ? g->field : 0, g ? g->start : 0, g ? g->end : 0);
}

static void compare(struct engines *e, const struct assay_batch *b)
{
    struct assay_match_list want, got;
    assert_int_equal(assay_matcher_scan(e->oracle, e->oracle_scratch, b, &want), ASSAY_OK);
    assert_int_equal(want.limit_hits, 0);
    for (unsigned i = 0; i < e->n_fast; i++) {
        assert_int_equal(assay_matcher_scan(e->fast[i], e->fast_scratch[i], b, &got), ASSAY_OK);
        assert_int_equal(got.limit_hits, 0);
        if (got.count != want.count ||
            (want.count > 0 &&
             memcmp(got.items, want.items, want.count * sizeof *want.items) != 0)) {
            report_difference(e, e->fast[i], &want, &got);
        }
    }
    e->matches += want.count;
    for (size_t i = 0; i < want.count; i++) {
        e->seen[want.items[i].rule] = 1;
    }
}

static void scan_hostile(struct engines *e, uint64_t seed, size_t bytes)
{
    struct adversary *a = adversary_new(e->oracle, seed);
    assert_non_null(a);
    for (size_t done = 0; done < bytes;) {
        const struct assay_batch *b = adversary_batch(a, 60000);
        compare(e, b);
        done += b->text_len;
    }
    adversary_free(a);
}

static void scan_natural(struct engines *e, uint64_t seed, size_t bytes)
{
    struct corpus *c = corpus_new(seed, CORPUS_JSONL, 2000);
    struct assay_buf line;
    assert_non_null(c);
    assay_buf_init(&line, ASSAY_MIB(1));
    for (size_t done = 0; done < bytes; done += corpus_text(c).len) {
        assay_buf_clear(&line);
        corpus_record(c, &line);
        struct assay_bytes t = corpus_text(c);
        struct assay_field f = {.len = (uint32_t)t.len};
        struct assay_batch b = {
            .text = t.ptr, .text_len = (uint32_t)t.len, .n_fields = 1, .fields = &f};
        compare(e, &b);
    }
    assay_buf_release(&line);
    corpus_free(c);
}

/* How many pattern rules were met at all: a test that matches nothing proves nothing. */
static void expect_coverage(const struct engines *e, unsigned at_least_percent)
{
    unsigned n = 0, seen = 0;
    for (uint32_t i = 0; i < e->oracle->n_rules; i++) {
        int is_text = e->oracle->rule[i]->detect == ASSAY_DETECT_PATTERN ||
                      e->oracle->rule[i]->detect == ASSAY_DETECT_WORDS;
        n += (unsigned)is_text;
        seen += (unsigned)(is_text && e->seen[i]);
        if (is_text && !e->seen[i]) {
            print_message("# never matched: %s\n", e->oracle->rule[i]->view.id);
        }
    }
    print_message("# %llu matches, %u of %u rules\n", (unsigned long long)e->matches, seen, n);
    assert_true(seen * 100 >= n * at_least_percent);
}

static size_t megabytes(size_t fallback)
{
    const char *s = getenv("ASSAY_DIFFERENTIAL_MB");
    return (s == NULL ? fallback : strtoull(s, NULL, 10)) * 1000000;
}

static void sample_rules_agree(void **state)
{
    struct engines e;
    (void)state;
    engines_open(&e, new_sample, NULL);
    scan_hostile(&e, 1, megabytes(2));
    scan_natural(&e, 1, megabytes(1));
    expect_coverage(&e, 95);
    engines_close(&e);
}

static void embedded_packs_agree(void **state)
{
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load(NULL, 0, NULL, 0, d);
    struct engines e;
    (void)state;
    assert_non_null(rs);
    engines_open(&e, new_packs, rs);
    scan_hostile(&e, 2, megabytes(2));
    scan_natural(&e, 2, megabytes(1));
    expect_coverage(&e, 80);
    engines_close(&e);
    assay_ruleset_free(rs);
    assay_diags_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_rules_agree),
        cmocka_unit_test(embedded_packs_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
