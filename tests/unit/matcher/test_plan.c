/* SPDX-License-Identifier: Apache-2.0
 *
 * What is derived from patterns, and the searches for literals and runs by themselves.
 */
#include "tests/unit/unit.h"

#include "core/limits.h"
#include "rules/matcher/internal.h"

static void expect_kind(const char *pattern, enum assay_plan_kind kind)
{
    struct assay_arena *a = assay_arena_new(ASSAY_MIB(16));
    struct assay_rule_plan p;
    assay_plan_make(a, pattern, 0, &p);
    if (p.kind != kind) {
        fail_msg("%s: plan %d, want %d", pattern, (int)p.kind, (int)kind);
    }
    assay_arena_free(a);
}

static void plans_are_of_the_expected_kind(void **state)
{
    (void)state;
    expect_kind("[a-z0-9.]{1,64}@[a-z0-9.-]+", ASSAY_PLAN_ANCHOR);
    expect_kind("AKIA[0-9A-Z]{16}", ASSAY_PLAN_ANCHOR);
    expect_kind("[京津沪][A-Z]{6}", ASSAY_PLAN_ANCHOR);
    expect_kind("(?:Jan|Feb|March) \\d{1,2}|\\d{1,2} (?:Jan|Feb)", ASSAY_PLAN_ANCHOR);
    expect_kind("(?<![0-9])1[3-9]\\d{9}(?![0-9])", ASSAY_PLAN_RUN);
    expect_kind("(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", ASSAY_PLAN_RUN);
    expect_kind("[A-Za-z0-9]{32}", ASSAY_PLAN_RUN);
    expect_kind("(?i)[a-z]{2} ?\\d{2} ?\\d{2} ?\\d{2} ?[a-d]", ASSAY_PLAN_RUN);
    expect_kind("[a-z]+ [a-z]+", ASSAY_PLAN_WHOLE);
    expect_kind("(a)\\1", ASSAY_PLAN_WHOLE);
    expect_kind("a(?R)?b", ASSAY_PLAN_WHOLE);
    expect_kind("\\Qxyzzy\\E", ASSAY_PLAN_WHOLE);
    expect_kind("(*ACCEPT)xyzzy", ASSAY_PLAN_WHOLE);
    expect_kind("xyzzy\\Kfoo", ASSAY_PLAN_WHOLE);
    expect_kind("xyzzy{,3}", ASSAY_PLAN_WHOLE);
}

static void anchors_know_where_a_match_begins(void **state)
{
    struct assay_arena *a = assay_arena_new(ASSAY_MIB(16));
    struct assay_rule_plan p;
    (void)state;
    assay_plan_make(a, "[ab]{1,6}x{2}:secret=", 0, &p);
    assert_int_equal(p.kind, ASSAY_PLAN_ANCHOR);
    assert_int_equal(p.back_max - p.back_min, 5);
    assert_true(assay_byteset_has(&p.walk, 'a'));
    assert_false(assay_byteset_has(&p.walk, 'q'));
    assay_plan_make(a, "[a-z]*@corp", 0, &p);
    assert_int_equal(p.kind, ASSAY_PLAN_ANCHOR);
    assert_int_equal(p.back_max, ASSAY_RX_INF);
    assay_plan_make(a, "kiss@", 1, &p); /* the Kelvin sign and the long s fold to k and s */
    assert_int_equal(p.literals->n, 8);
    assert_int_equal(p.back_min, 5);
    assert_int_equal(p.back_max, 9);
    assay_arena_free(a);
}

static void runs_know_what_a_match_holds(void **state)
{
    struct assay_arena *a = assay_arena_new(ASSAY_MIB(16));
    struct assay_rule_plan p;
    (void)state;
    assay_plan_make(a, "(?:\\d{1,3}\\.){3}\\d{1,3}", 0, &p);
    assert_int_equal(p.kind, ASSAY_PLAN_RUN);
    assert_int_equal(p.group, ASSAY_RUN_NUMERIC);
    assert_int_equal(p.min_len, 7);
    assert_int_equal(p.digits, 4);
    assert_int_equal(p.marks, 3);
    assay_plan_make(a, "[a-z ]{2,4}\\d{3}-\\d{4}", 0, &p); /* only a part of it */
    assert_int_equal(p.kind, ASSAY_PLAN_RUN);
    assert_int_equal(p.digits, 7);
    assert_int_equal(p.before_min, 2);
    assert_int_equal(p.before_max, 4);
    assay_arena_free(a);
}

static uint64_t rng_state = 42;
static uint32_t random_below(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((rng_state >> 33) % n);
}

static void fill_random(char *text, uint32_t len)
{
    static const char *const alphabets[] = {"0123456789", "abcdefghijk", "ABC-:. /+",
                                            "  \n\xe4\xb8\xad", "0aZz9-:b"};
    for (uint32_t i = 0; i < len;) {
        const char *set = alphabets[random_below(5)];
        for (uint32_t n = random_below(random_below(20) == 0 ? 90 : 12); n > 0 && i < len; n--) {
            text[i++] = set[random_below((uint32_t)strlen(set))];
        }
    }
}

static void add_run_rule(struct assay_run_set *rs, struct assay_arena *a, const char *pattern)
{
    struct assay_rule_plan p;
    assay_plan_make(a, pattern, 0, &p);
    assert_int_equal(p.kind, ASSAY_PLAN_RUN);
    assay_run_set_add(rs, &p);
}

/* Every maximal run that meets a need of its group, found byte by byte. */
static uint32_t naive_runs(const struct assay_run_set *rs, unsigned g, const char *text,
                           uint32_t len, const struct assay_run_list *got)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < len;) {
        uint32_t from = i;
        struct assay_kept_run run = {.from = i};
        while (i < len && (rs->classes[(unsigned char)text[i]] >> g & 1) != 0) {
            run.digits += rs->count[(unsigned char)text[i]] & 15u;
            run.marks += rs->count[(unsigned char)text[i]] >> 4;
            i++;
        }
        int needed = 0;
        for (unsigned k = 0; k < rs->n_needs[g]; k++) {
            const struct assay_run_need *w = &rs->needs[g][k];
            needed |= i - from >= w->min_len && run.digits >= w->digits && run.marks >= w->marks;
        }
        if (needed) {
            assert_true(n < got->n_runs);
            assert_int_equal(got->runs[n].from, from);
            assert_int_equal(got->runs[n].len, i - from);
            n++;
        }
        i += i == from;
    }
    return n;
}

static void runs_are_found_by_all_means(void **state)
{
    struct assay_arena *a = assay_arena_new(ASSAY_MIB(16));
    struct assay_run_list lists[2][ASSAY_RUN_GROUPS];
    struct assay_run_set rs;
    char text[3000];
    (void)state;
    memset(lists, 0, sizeof lists);
    assay_run_set_init(&rs);
    add_run_rule(&rs, a, "\\d{4}-\\d{4}");
    add_run_rule(&rs, a, "\\d{6}");
    add_run_rule(&rs, a, "[A-Z]{2}\\d{2}[A-Z0-9]{3}");
    add_run_rule(&rs, a, "(?:[0-9a-f]{2}:){3}[0-9a-f]{2}");
    add_run_rule(&rs, a, "[a-z0-9]{17}");
    add_run_rule(&rs, a, "[a-zA-Z0-9]{70}");
    for (int round = 0; round < 2000; round++) {
        uint32_t len = random_below(round % 10 == 0 ? sizeof text : 200);
        fill_random(text, len);
        for (int simd = 0; simd < 2; simd++) {
            assert_int_equal(assay_runs_find(&rs, text, len, simd, lists[simd]), ASSAY_OK);
            for (unsigned g = 0; g < ASSAY_RUN_GROUPS; g++) {
                assert_int_equal(naive_runs(&rs, g, text, len, &lists[simd][g]),
                                 lists[simd][g].n_runs);
            }
        }
    }
    for (int i = 0; i < 2 * ASSAY_RUN_GROUPS; i++) {
        assay_run_list_release(&lists[i / ASSAY_RUN_GROUPS][i % ASSAY_RUN_GROUPS]);
    }
    assay_arena_free(a);
}

/* A literal planted at every place, for many lengths and alignments of the text: search libraries
 * have lost matches near block ends before. */
static void literals_are_found_everywhere(void **state)
{
    static const struct assay_word words[] = {
        {{"@", 1}, 1}, {{"no", 2}, 1}, {{"abc", 3}, 1}, {{"needle", 6}, 1}, {{"混蛋", 6}, 1}};
    static char text[64 + 400];
    (void)state;
    for (size_t n = 1; n <= 5; n += 4) { /* alone, and among others */
        struct assay_rule rule = {
            .detect = ASSAY_DETECT_WORDS, .words = words, .n_words = n, .caseless = 1};
        struct assay_matcher *m = NULL;
        struct assay_scratch *s = NULL;
        rule.view.id = "test.words";
        assert_int_equal(assay_matcher_new_rules(&rule, 1, NULL, &m, NULL), ASSAY_OK);
        assert_int_equal(assay_scratch_new(m, &s, NULL), ASSAY_OK);
        for (uint32_t len = 8; len < 330; len += 1 + len / 5) {
            for (uint32_t align = 0; align < 64; align += 3) {
                for (uint32_t at = 0; at + 6 <= len; at++) {
                    const struct assay_bytes *w = &words[at % n].text;
                    struct assay_match_list list;
                    memset(text, ' ', sizeof text);
                    memcpy(text + align + at, w->ptr, w->len);
                    assert_int_equal(
                        assay_matcher_scan_text(m, s, assay_bytes_make(text + align, len), &list),
                        ASSAY_OK);
                    assert_int_equal(list.count, 1);
                    assert_int_equal(list.items[0].start, at);
                }
            }
        }
        assay_scratch_free(s);
        assay_matcher_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_of_the_expected_kind),
        cmocka_unit_test(anchors_know_where_a_match_begins),
        cmocka_unit_test(runs_know_what_a_match_holds),
        cmocka_unit_test(runs_are_found_by_all_means),
        cmocka_unit_test(literals_are_found_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
