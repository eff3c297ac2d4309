/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <pthread.h>

#include "tests/unit/matcher/adversary.h"
#include "tests/unit/matcher/sample_rules.h"

static const enum assay_matcher_engine engines[] = {ASSAY_ENGINE_AUTO, ASSAY_ENGINE_PREFILTER,
                                                    ASSAY_ENGINE_ORACLE};
#define N_ENGINES (sizeof engines / sizeof *engines)

struct rig {
    struct assay_matcher *m;
    struct assay_scratch *s;
};

static struct rig rig_open(const struct assay_rule *rules, uint32_t n, enum assay_matcher_engine e)
{
    struct rig r = {NULL, NULL};
    struct assay_matcher_options opt = {e, NULL};
    struct assay_error err;
    assert_int_equal(assay_matcher_new_rules(rules, n, &opt, &r.m, &err), ASSAY_OK);
    assert_int_equal(assay_scratch_new(r.m, &r.s, &err), ASSAY_OK);
    return r;
}

static void rig_close(struct rig *r)
{
    assay_scratch_free(r->s);
    assay_matcher_free(r->m);
}

static struct assay_rule pattern_rule(const char *pattern)
{
    struct assay_rule r = {.detect = ASSAY_DETECT_PATTERN, .pattern = pattern};
    r.view.id = "test.rule";
    return r;
}

/* Matches of one rule in `text` as "start-end start-end ". */
static const char *spans(const struct assay_rule *rule, enum assay_matcher_engine e,
                         const char *text)
{
    static char out[256];
    struct rig r = rig_open(rule, 1, e);
    struct assay_match_list list;
    size_t at = 0;
    out[0] = '\0';
    assert_int_equal(assay_matcher_scan_text(r.m, r.s, assay_bytes_str(text), &list), ASSAY_OK);
    for (size_t i = 0; i < list.count; i++) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%u-%u ", list.items[i].start,
                               list.items[i].end);
    }
    rig_close(&r);
    return out;
}

static void patterns_are_found_leftmost(void **state)
{
    static const struct {
        const char *pattern, *text, *want;
    } table[] = {
        {"(?<![0-9A-Za-z])1[3-9]\\d{9}(?![0-9A-Za-z])", "电话13812345678，", "6-17 "},
        {"(?<![0-9A-Za-z])62\\d{14,17}(?![0-9A-Za-z])", "卡号6222021001116245702。", "6-25 "},
        {"\\b\\d{4}\\b", "1234 12345 号5678号", "0-4 14-18 "},
        {"aa", "aaaaa", "0-2 2-4 "},
        {"ab|abc", "abc", "0-2 "},
        {"\\d{3}-\\d{3}", "123-456-789-012", "0-7 8-15 "},
        {"k", "kK\xe2\x84\xaa", "0-1 "},
        {"(?i)k", "kK\xe2\x84\xaa", "0-1 1-2 2-5 "},
        {"(?<=x)\\d+@", "x12@x3@", "1-4 5-7 "},
        {"^\\d{5}$", "12345", "0-5 "},
        {"^\\d{5}$", "12345\n12345", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct assay_rule rule = pattern_rule(table[i].pattern);
        for (size_t e = 0; e < N_ENGINES; e++) {
            assert_string_equal(spans(&rule, engines[e], table[i].text), table[i].want);
        }
    }
}

static void words_stand_alone_or_are_han(void **state)
{
    static const struct assay_word words[] = {
        {{"ass", 3}, 0}, {{"ass hat", 7}, 0}, {{"混蛋", 6}, 1}, {{"大混蛋", 9}, 1}};
    static const struct {
        const char *text, *want;
    } table[] = {
        {"ass", "0-3 "},
        {"class assess", ""},
        {"an ASS.", "3-6 "},
        {"Ass Hat ass", "0-7 8-11 "},
        {"这ass吗", "3-6 "},
        {"éass assé", ""},
        {"ass1 1ass _ass_", "11-14 "},
        {"大混蛋混蛋", "0-9 9-15 "},
        {"他是混蛋吗", "6-12 "},
    };
    struct assay_rule rule = {
        .detect = ASSAY_DETECT_WORDS, .words = words, .n_words = 4, .caseless = 1};
    (void)state;
    rule.view.id = "test.words";
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (size_t e = 0; e < N_ENGINES; e++) {
            assert_string_equal(spans(&rule, engines[e], table[i].text), table[i].want);
        }
    }
}

static void case_counts_where_a_rule_says_so(void **state)
{
    static const struct assay_word words[] = {{{"Ass", 3}, 0}, {{"IT", 2}, 0}, {{"IT Dept", 7}, 0}};
    struct assay_rule rule = {.detect = ASSAY_DETECT_WORDS, .words = words, .n_words = 3};
    (void)state;
    rule.view.id = "test.exact";
    for (size_t e = 0; e < N_ENGINES; e++) {
        assert_string_equal(spans(&rule, engines[e], "ass Ass ASS it IT dept IT Dept"),
                            "4-7 15-17 23-30 ");
    }
}

/* Fields of a batch are islands, and some kinds are not matched. */
static void fields_do_not_run_together(void **state)
{
    static const char text[] = "12345\n67890\n13812345678\n13812345678\n13812345678\n";
    struct assay_field fields[] = {
        {.start = 0, .len = 5, .kind = ASSAY_FIELD_STRING},
        {.start = 6, .len = 5, .kind = ASSAY_FIELD_NUMBER},
        {.start = 12, .len = 11, .kind = ASSAY_FIELD_BOOL},
        {.start = 24, .len = 11, .kind = ASSAY_FIELD_KEY},
        {.start = 36, .len = 11, .kind = ASSAY_FIELD_NULL},
    };
    struct assay_batch batch = {
        .text = text, .text_len = sizeof text - 1, .n_fields = 5, .fields = fields};
    struct assay_rule rules[] = {pattern_rule("\\d{5}\\s\\d{5}"), pattern_rule("1[3-9]\\d{9}"),
                                 pattern_rule("^\\d{5}$")};
    (void)state;
    for (size_t e = 0; e < N_ENGINES; e++) {
        struct rig r = rig_open(rules, 3, engines[e]);
        struct assay_match_list list;
        assert_int_equal(assay_matcher_scan(r.m, r.s, &batch, &list), ASSAY_OK);
        assert_int_equal(list.count, 3);
        assert_int_equal(list.items[0].rule, 2);
        assert_int_equal(list.items[0].field, 0);
        assert_int_equal(list.items[1].field, 1);
        assert_int_equal(list.items[2].rule, 1);
        assert_int_equal(list.items[2].field, 3);
        rig_close(&r);
    }
}

static void a_match_limit_is_reported(void **state)
{
    struct assay_rule rules[] = {pattern_rule("(?:[a-z]+)+@@"), pattern_rule("needle\\d")};
    char text[4000];
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 20, "@x@@ needle5 ", 13);
    text[sizeof text - 1] = '\0';
    for (size_t e = 0; e < N_ENGINES; e++) {
        struct rig r = rig_open(rules, 2, engines[e]);
        struct assay_match_list list;
        assert_int_equal(assay_matcher_scan_text(r.m, r.s, assay_bytes_str(text), &list), ASSAY_OK);
        assert_int_equal(list.limit_hits, 1);
        assert_int_equal(list.limit_bytes, sizeof text - 1);
        assert_int_equal(list.count, 1); /* the other rule goes on */
        assert_int_equal(list.items[0].rule, 1);
        rig_close(&r);
    }
}

static void nothing_to_match_is_fine(void **state)
{
    struct assay_rule rule = pattern_rule("\\d@");
    struct assay_batch empty = {.text = "", .text_len = 0};
    (void)state;
    for (size_t e = 0; e < N_ENGINES; e++) {
        struct assay_match_list list;
        struct rig none = rig_open(NULL, 0, engines[e]), one = rig_open(&rule, 1, engines[e]);
        assert_int_equal(assay_matcher_scan_text(none.m, none.s, assay_bytes_str("1@"), &list),
                         ASSAY_OK);
        assert_int_equal(list.count, 0);
        assert_int_equal(assay_matcher_scan(one.m, one.s, &empty, &list), ASSAY_OK);
        assert_int_equal(list.count, 0);
        assert_int_equal(assay_matcher_scan_text(one.m, one.s, assay_bytes_make(NULL, 0), &list),
                         ASSAY_OK);
        assert_int_equal(list.count, 0);
        rig_close(&none);
        rig_close(&one);
    }
}

static void vectorscan_refused_where_absent(void **state)
{
    struct assay_rule rule = pattern_rule("x1");
    struct assay_matcher_options opt = {ASSAY_ENGINE_VECTORSCAN, NULL};
    struct assay_matcher *m = NULL;
    struct assay_error err;
    (void)state;
    enum assay_status rc = assay_matcher_new_rules(&rule, 1, &opt, &m, &err);
    assert_int_equal(rc, assay_vs_available() ? ASSAY_OK : ASSAY_UNSUPPORTED);
    assert_string_equal(m == NULL ? "vectorscan" : assay_matcher_engine_name(m), "vectorscan");
    assay_matcher_free(m);
}

struct worker {
    const struct assay_matcher *m;
    const struct assay_batch *batch;
    size_t count;
    uint32_t sum;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    struct assay_scratch *s = NULL;
    struct assay_match_list list;
    if (assay_scratch_new(w->m, &s, NULL) == ASSAY_OK &&
        assay_matcher_scan(w->m, s, w->batch, &list) == ASSAY_OK) {
        w->count = list.count;
        for (size_t i = 0; i < list.count; i++) {
            w->sum = w->sum * 31 + list.items[i].rule + list.items[i].start + list.items[i].end;
        }
    }
    assay_scratch_free(s);
    return NULL;
}

/* Codes are compiled by whoever comes first: two threads that start together see the same. */
static void threads_share_a_matcher(void **state)
{
    const struct assay_rule *rules = NULL;
    uint32_t n = sample_all_rules(&rules);
    struct rig r = rig_open(rules, n, ASSAY_ENGINE_AUTO);
    struct adversary *a = adversary_new(r.m, 7);
    struct worker w[4] = {{.m = r.m}};
    pthread_t t[4];
    (void)state;
    const struct assay_batch *b = adversary_batch(a, 100000);
    for (int i = 0; i < 4; i++) {
        w[i] = (struct worker){.m = r.m, .batch = b};
        assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(t[i], NULL);
        assert_true(w[i].count > 100);
        assert_int_equal(w[i].count, w[0].count);
        assert_int_equal(w[i].sum, w[0].sum);
    }
    adversary_free(a);
    rig_close(&r);
}

static void count_failures(void *ctx, const struct assay_rule *rule,
                           const struct assay_rule_test *test, int passed, const char *why)
{
    if (!passed) {
        print_message("# %s line %u: %s\n", rule->view.id, test->line, why);
    }
    ++*(size_t *)ctx;
}

static void embedded_rules_pass_their_tests(void **state)
{
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load(NULL, 0, NULL, 0, d);
    (void)state;
    assert_non_null(rs);
    for (size_t e = 0; e < N_ENGINES; e++) {
        struct assay_matcher_options opt = {engines[e], NULL};
        struct assay_matcher *m = NULL;
        struct assay_scratch *s = NULL;
        size_t ran = 0;
        assert_int_equal(assay_matcher_new(rs, &opt, &m, NULL), ASSAY_OK);
        assert_int_equal(assay_scratch_new(m, &s, NULL), ASSAY_OK);
        assert_int_equal(assay_matcher_self_test(m, s, ASSAY_NONE, count_failures, &ran), 0);
        assert_true(ran > 50);
        assay_scratch_free(s);
        assay_matcher_free(m);
    }
    assay_ruleset_free(rs);
    assay_diags_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_found_leftmost),
        cmocka_unit_test(words_stand_alone_or_are_han),
        cmocka_unit_test(case_counts_where_a_rule_says_so),
        cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(a_match_limit_is_reported),
        cmocka_unit_test(nothing_to_match_is_fine),
        cmocka_unit_test(vectorscan_refused_where_absent),
        cmocka_unit_test(threads_share_a_matcher),
        cmocka_unit_test(embedded_rules_pass_their_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
