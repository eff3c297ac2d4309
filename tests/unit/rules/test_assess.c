/* SPDX-License-Identifier: Apache-2.0
 * Assessing one match: validators, context windows, allow phrases, score; and masking it. */
#include "tests/unit/rules/pack_fixture.h"

#include "core/utf8.h"

/* A rule set with one rule whose detect mapping is `detect` and whose other keys are `more`. */
static struct assay_ruleset *rule_of(const char *detect, const char *more)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "- id: p.one\n  title: {en: One, zh: 一}\n  severity: high\n"
                   "  detect: {pattern: x1, %s}\n  tests: {hit: [x1], miss: [y]}\n%s",
                   detect, more);
    put_pack(text);
    return load_p();
}

/* Assesses `match` where it first occurs in `value`. */
static struct assay_assessment assess(const struct assay_ruleset *rs, const char *value,
                                      const char *match)
{
    struct assay_assessment a;
    const char *at = strstr(value, match);
    assert_non_null(at);
    uint32_t start = (uint32_t)(at - value);
    assay_rule_assess(assay_ruleset_rule(rs, 0), assay_bytes_str(value), start,
                      start + (uint32_t)strlen(match), &a);
    return a;
}

static int near_word(const struct assay_ruleset *rs, const char *value)
{
    return assess(rs, value, "#").in_context;
}

static void latin_context_is_whole_words(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [lic, ID card, C++], window: 12}", "");
    assert_true(near_word(rs, "LIC #"));
    assert_true(near_word(rs, "my lic: #"));
    assert_true(near_word(rs, "lic# "));
    assert_true(near_word(rs, "# lic"));
    assert_true(near_word(rs, "#lic"));
    assert_true(near_word(rs, "user_lic_no #"));
    assert_true(near_word(rs, "驾照lic号 #"));
    assert_true(near_word(rs, "id CARD #"));
    assert_true(near_word(rs, "id\tcard #"));
    assert_true(near_word(rs, "c++11 #"));
    assert_false(near_word(rs, "duplicate #"));
    assert_false(near_word(rs, "lice #"));
    assert_false(near_word(rs, "1lic #"));
    assert_false(near_word(rs, "# public"));
    assert_false(near_word(rs, "# licence"));
    assert_false(near_word(rs, "\xc3\xa9lic #"));
    assert_true(near_word(rs, "\xef\xbd\x8c\xef\xbd\x89\xef\xbd\x83 #")); /* full width */
    assay_ruleset_free(rs);
}

static void han_context_is_substrings(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [身份证, 证件号], window: 6}", "");
    assert_true(near_word(rs, "我的身份证号是#"));
    assert_true(near_word(rs, "#是身份证"));
    assert_true(near_word(rs, "abc身份证def#"));
    assert_false(near_word(rs, "身份#证"));
    assert_false(near_word(rs, "身分证#"));
    assay_ruleset_free(rs);
}

static void windows_count_code_points_on_both_sides(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [卡号, tel], window: 6}", "");
    assert_true(near_word(rs, "卡号一二三四#"));
    assert_false(near_word(rs, "卡号一二三四五#"));
    assert_true(near_word(rs, "#一二三四卡号"));
    assert_false(near_word(rs, "#一二三四五卡号"));
    assert_true(near_word(rs, "tel一二三#"));
    assert_false(near_word(rs, "tel一二三四#"));
    /* The letter beyond the window still decides whether a word begins there. */
    assert_false(near_word(rs, "xtel---#"));
    assert_false(near_word(rs, "#---telx"));
    assert_true(near_word(rs, "-tel---#"));
    assert_true(
        near_word(rs, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80卡号\xf0\x9f\x98\x80\xf0\x9f\x98\x80#"));
    assay_ruleset_free(rs);
}

static void a_match_cannot_vouch_for_itself(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [mail, 邮箱], window: 10}", "");
    assert_false(assess(rs, "x mail y", "mail").in_context);
    assert_false(assess(rs, "x 邮箱 y", "邮箱").in_context);
    assert_false(assess(rs, "邮箱", "箱").in_context);
    assert_true(assess(rs, "mail mail", "mail").in_context);
    assay_ruleset_free(rs);
}

static void window_zero_sees_nothing(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [卡], window: 0}", "");
    assert_false(near_word(rs, "卡#卡"));
    assay_ruleset_free(rs);
}

static void the_score_adds_up(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("validators: [luhn], context: {words: [card]}, "
                                       "confidence: {base: 0.3, validated: 0.9, context: 0.25}",
                                       "");
    struct assay_assessment a = assess(rs, "card 4111111111111111", "4111111111111111");
    assert_true(a.validated && a.in_context && !a.dropped);
    assert_int_equal(a.confidence, 1000);
    a = assess(rs, "4111111111111111", "4111111111111111");
    assert_true(a.validated && !a.in_context);
    assert_int_equal(a.confidence, 900);
    a = assess(rs, "card 4111111111111112", "4111111111111112");
    assert_true(a.dropped);
    assert_int_equal(a.confidence, 0);
    assay_ruleset_free(rs);
    rs = rule_of("context: {words: [card]}, confidence: {base: 0.3, context: 0.25}", "");
    assert_int_equal(assess(rs, "card #", "#").confidence, 550);
    assert_int_equal(assess(rs, "curd #", "#").confidence, 300);
    assay_ruleset_free(rs);
}

static void the_name_of_the_field_is_context(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int in_context;
    } cases[] = {
        {"/ssn", 1},
        {"/user/home_ssn", 1},
        {"/homeSsn", 1},
        {"/身份证号码", 1},
        {"/assn", 0},
        {"/ssnx/note", 0},
        {"/messages/0/content", 0},
        {"", 0},
    };
    struct assay_ruleset *rs = rule_of("context: {words: [ssn, 身份证], required: true}", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_assessment a;
        assay_rule_assess_in(assay_ruleset_rule(rs, 0), assay_bytes_str(cases[i].name),
                             assay_bytes_str("12345"), 0, 5, &a);
        assert_int_equal(a.in_context, cases[i].in_context);
        assert_int_equal(a.dropped, !cases[i].in_context);
    }
    assay_ruleset_free(rs);
}

static void required_context_drops(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [qq], required: true}", "");
    assert_true(assess(rs, "12345", "12345").dropped);
    assert_false(assess(rs, "QQ: 12345", "12345").dropped);
    assay_ruleset_free(rs);
}

static void allow_phrases_cover_the_match(void **state)
{
    (void)state;
    struct assay_ruleset *rs =
        rule_of("allow: [性别, scunthorpe united, a@b.example, 两性关系]", "");
    assert_true(assess(rs, "性别：男", "性").dropped);
    assert_true(assess(rs, "填写性别", "性").dropped);
    assert_true(assess(rs, "讨论两性关系", "性").dropped);
    assert_false(assess(rs, "性格", "性").dropped);
    assert_false(assess(rs, "性 别", "性").dropped);
    assert_true(assess(rs, "go SCUNTHORPE United!", "United").dropped);
    assert_false(assess(rs, "scunthorpe unitedly", "united").dropped);
    assert_false(assess(rs, "xscunthorpe united", "united").dropped);
    assert_true(assess(rs, "mail a@b.example now", "a@b.example").dropped);
    assert_false(assess(rs, "mail a@b.example now", "a@b.example now").dropped);
    assert_false(assess(rs, "mail aa@b.example", "aa@b.example").dropped);
    assay_ruleset_free(rs);
}

static void a_longer_match_is_never_allowed(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("allow: [ab]", "");
    char value[2000];
    memset(value, 'a', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    struct assay_assessment a;
    assay_rule_assess(assay_ruleset_rule(rs, 0), assay_bytes_str(value), 5, 1990, &a);
    assert_false(a.dropped);
    assay_ruleset_free(rs);
}

static void a_place_outside_the_value_is_dropped(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [a]}", "");
    struct assay_assessment a;
    assay_rule_assess(assay_ruleset_rule(rs, 0), assay_bytes_str("abc"), 2, 4, &a);
    assert_true(a.dropped);
    assay_rule_assess(assay_ruleset_rule(rs, 0), assay_bytes_str("abc"), 3, 2, &a);
    assert_true(a.dropped);
    assay_rule_assess(assay_ruleset_rule(rs, 0), assay_bytes_make(NULL, 0), 0, 0, &a);
    assert_false(a.dropped);
    assay_ruleset_free(rs);
}

/* The oracle: the same definition, written without windows, sets or folding tables. */
static int naive_context(const char *value, size_t start, size_t end, const char *word,
                         size_t window)
{
    size_t n = strlen(word), len = strlen(value);
    for (size_t i = 0; i + n <= len; i++) {
        int before = i + n <= start && start - i <= window;
        int after = i >= end && i + n - end <= window;
        if ((!before && !after) || strncmp(value + i, word, n) != 0) {
            continue;
        }
        int head = i == 0 || i == end || !(value[i - 1] >= 'a' && value[i - 1] <= 'z');
        int tail = i + n == len || i + n == start || !(value[i + n] >= 'a' && value[i + n] <= 'z');
        if (head && tail) {
            return 1;
        }
    }
    return 0;
}

static void context_equals_its_definition(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("context: {words: [ab, aba], window: 4}", "");
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char value[14];
        for (size_t i = 0; i < 13; i++) {
            seed = seed * 1664525u + 1013904223u;
            value[i] = "ab-#"[seed >> 30];
        }
        value[13] = '\0';
        size_t start = seed % 10, end = start + 1 + seed / 64 % 3;
        struct assay_assessment a;
        assay_rule_assess(assay_ruleset_rule(rs, 0), assay_bytes_str(value), (uint32_t)start,
                          (uint32_t)end, &a);
        int want =
            naive_context(value, start, end, "ab", 4) || naive_context(value, start, end, "aba", 4);
        assert_int_equal(a.in_context, want);
    }
    assay_ruleset_free(rs);
}

/* ---- masks --------------------------------------------------------------------------------- */

static void expect_mask(const struct assay_ruleset *rs, const char *value, const char *want)
{
    struct assay_buf out;
    assay_buf_init(&out, 4096);
    assay_rule_mask(assay_ruleset_rule(rs, 0), assay_bytes_str(value), &out);
    assert_string_equal(assay_buf_str(&out), want);
    assay_buf_release(&out);
}

static void masks_keep_what_the_rule_allows(void **state)
{
    (void)state;
    struct assay_ruleset *rs =
        rule_of("caseless: false", "  mask: {keep_first: 6, keep_last: 2}\n");
    expect_mask(rs, "110101199003074514", "110101**********14");
    expect_mask(rs, "6222021001116245702", "622202***********02");
    expect_mask(rs, "张三李四王五赵六孙七周八吴九郑十", "张三李四王五********郑十");
    assay_ruleset_free(rs);
    rs = rule_of("caseless: false", "");
    expect_mask(rs, "110101199003074514", "******************");
    expect_mask(rs, "", "");
    assay_ruleset_free(rs);
}

static void at_least_half_and_four_stay_hidden(void **state)
{
    (void)state;
    struct assay_ruleset *rs =
        rule_of("caseless: false", "  mask: {keep_first: 3, keep_last: 2}\n");
    expect_mask(rs, "1", "*");
    expect_mask(rs, "1234", "****");
    expect_mask(rs, "12345", "1****");
    expect_mask(rs, "123456", "12****");
    expect_mask(rs, "12345678", "123****8");
    expect_mask(rs, "123456789", "123*****9");
    expect_mask(rs, "1234567890", "123*****90");
    expect_mask(rs, "中文一", "***");
    assay_ruleset_free(rs);
}

static void long_values_show_few_stars(void **state)
{
    (void)state;
    struct assay_ruleset *rs =
        rule_of("caseless: false", "  mask: {keep_first: 1, keep_last: 1}\n");
    char value[1001];
    memset(value, 'x', 1000);
    value[1000] = '\0';
    expect_mask(rs, value, "x********************************x");
    assay_ruleset_free(rs);
}

static void control_characters_are_never_kept(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("caseless: false", "  mask: {keep_first: 4}\n");
    expect_mask(rs, "a\nb\033cdefgh", "a*b*******");
    expect_mask(rs, "a\u202eXcdefghij", "a*Xc*******");
    expect_mask(rs, "a\xffXcdefghij", "a*Xc*******");
    assay_ruleset_free(rs);
}

static void emails_keep_a_letter_and_the_top_domain(void **state)
{
    (void)state;
    struct assay_ruleset *rs = rule_of("caseless: false", "  mask: {email: true}\n");
    expect_mask(rs, "zhangsan@example.com", "z***@***.com");
    expect_mask(rs, "张三丰@example.com", "张***@***.com");
    expect_mask(rs, "z@example.com", "***@***.com");
    expect_mask(rs, "ab@c.info", "***@***");
    expect_mask(rs, "abc@d.cn", "***@***.cn");
    expect_mask(rs, "abcd@de.cn", "a***@***.cn");
    expect_mask(rs, "a@b", "***@***");
    expect_mask(rs, "someone@intranet", "s***@***");
    expect_mask(rs, "someone@10.0.0.1", "s***@***");
    expect_mask(rs, "someone@mail.averyveryprivatename", "s***@***");
    expect_mask(rs, "no at sign", "**********");
    expect_mask(rs, "@leading", "********");
    assay_ruleset_free(rs);
}

/* Whatever the rule and the value: at most half is kept, at least four code points are hidden. */
static void no_mask_ever_shows_more_than_half(void **state)
{
    (void)state;
    static const char *const masks[] = {"{keep_first: 8, keep_last: 8}", "{keep_first: 8}",
                                        "{keep_last: 8}", "{keep_first: 1, keep_last: 7}"};
    for (size_t m = 0; m < 4; m++) {
        char more[64];
        (void)snprintf(more, sizeof more, "  mask: %s\n", masks[m]);
        struct assay_ruleset *rs = rule_of("caseless: false", more);
        for (size_t n = 1; n < 60; n++) {
            char value[60];
            memset(value, 'v', n);
            struct assay_buf out;
            assay_buf_init(&out, 4096);
            assay_rule_mask(assay_ruleset_rule(rs, 0), assay_bytes_make(value, n), &out);
            size_t kept = 0;
            for (size_t i = 0; i < out.len; i++) {
                kept += out.ptr[i] == 'v';
            }
            assert_true(2 * kept <= n && kept <= 16);
            assert_true(n - kept >= (n < 4 ? n : 4));
            assay_buf_release(&out);
        }
        assay_ruleset_free(rs);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(latin_context_is_whole_words),
        T(han_context_is_substrings),
        T(windows_count_code_points_on_both_sides),
        T(a_match_cannot_vouch_for_itself),
        T(window_zero_sees_nothing),
        T(the_score_adds_up),
        T(the_name_of_the_field_is_context),
        T(required_context_drops),
        T(allow_phrases_cover_the_match),
        T(a_longer_match_is_never_allowed),
        T(a_place_outside_the_value_is_dropped),
        T(context_equals_its_definition),
        T(masks_keep_what_the_rule_allows),
        T(at_least_half_and_four_stay_hidden),
        T(long_values_show_few_stars),
        T(control_characters_are_never_kept),
        T(emails_keep_a_letter_and_the_top_domain),
        T(no_mask_ever_shows_more_than_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
