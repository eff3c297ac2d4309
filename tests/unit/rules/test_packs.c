/* SPDX-License-Identifier: Apache-2.0
 *
 * The embedded packs: they load without a warning, every hit and miss test in them holds through
 * the matcher, and the sentences that boundaries next to Han text must survive give the spans they
 * must.
 */
#include "tests/unit/unit.h"

#include "rules/matcher.h"

struct bench {
    struct assay_ruleset *rules;
    struct assay_matcher *matcher;
    struct assay_scratch *scratch;
};

static void show(const struct assay_diags *diags)
{
    struct assay_buf text;
    assay_buf_init(&text, 1 << 20);
    assay_diags_render(diags, &text, 0);
    (void)fprintf(stderr, "%s", assay_buf_str(&text));
    assay_buf_release(&text);
}

static int set_up(void **state)
{
    static struct bench b;
    struct assay_error err;
    struct assay_diags *diags = assay_diags_new();
    const struct assay_matcher_options options = {.engine = ASSAY_ENGINE_AUTO};
    assert_non_null(diags);
    b.rules = assay_ruleset_load(NULL, 0, NULL, 0, diags);
    show(diags);
    assay_diags_free(diags);
    assert_non_null(b.rules);
    if (assay_matcher_new(b.rules, &options, &b.matcher, &err) != ASSAY_OK ||
        assay_scratch_new(b.matcher, &b.scratch, &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    assay_scratch_free(b->scratch);
    assay_matcher_free(b->matcher);
    assay_ruleset_free(b->rules);
    return 0;
}

static void lint_has_nothing_to_say(void **state)
{
    const struct bench *b = *state;
    struct assay_diags *diags = assay_diags_new();
    assert_non_null(diags);
    assay_ruleset_lint(b->rules, diags);
    show(diags);
    assert_int_equal(assay_diags_errors(diags) + assay_diags_warnings(diags), 0);
    assay_diags_free(diags);
}

static void report(void *ctx, const struct assay_rule *rule, const struct assay_rule_test *test,
                   int passed, const char *why)
{
    size_t *run = ctx;
    ++*run;
    if (!passed) {
        (void)fprintf(stderr, "%s line %u: %s\n", rule->view.id, test->line,
                      why == NULL ? "" : why);
    }
}

static void every_rule_passes_its_own_tests(void **state)
{
    const struct bench *b = *state;
    size_t run = 0;
    assert_int_equal(assay_matcher_self_test(b->matcher, b->scratch, ASSAY_NONE, report, &run), 0);
    assert_true(run > 2 * 60);
}

/* The entities that the packs promise, and how many rules stand behind them at least. */
static void every_entity_has_a_rule(void **state)
{
    static const char *const entities[] = {"EMAIL_ADDRESS",
                                           "PHONE_NUMBER",
                                           "CREDIT_CARD",
                                           "IBAN_CODE",
                                           "IP_ADDRESS",
                                           "MAC_ADDRESS",
                                           "URL_CREDENTIALS",
                                           "US_SSN",
                                           "US_ITIN",
                                           "UK_NHS",
                                           "UK_NINO",
                                           "DE_TAX_ID",
                                           "FR_INSEE",
                                           "ES_NIF",
                                           "ES_NIE",
                                           "IT_FISCAL_CODE",
                                           "CN_RESIDENT_ID",
                                           "CN_USCC",
                                           "CN_PASSPORT",
                                           "HKID",
                                           "TW_NATIONAL_ID",
                                           "CN_BANK_CARD",
                                           "CRYPTO",
                                           "DATE_OF_BIRTH",
                                           "GEO_COORDINATES",
                                           "CN_PLATE",
                                           "JWT",
                                           "PRIVATE_KEY",
                                           "AWS_ACCESS_KEY",
                                           "GOOGLE_API_KEY",
                                           "ALIBABA_ACCESS_KEY",
                                           "TENCENT_SECRET_ID"};
    const struct bench *b = *state;
    for (size_t e = 0; e < sizeof entities / sizeof entities[0]; e++) {
        size_t found = 0;
        for (uint32_t i = 0; i < assay_ruleset_count(b->rules); i++) {
            const char *entity = assay_ruleset_rule(b->rules, i)->view.entity;
            found += entity != NULL && strcmp(entity, entities[e]) == 0;
        }
        if (found == 0) {
            fail_msg("no rule finds %s", entities[e]);
        }
    }
}

static int stands(const struct bench *b, const char *text, const struct assay_match *m)
{
    const struct assay_rule *rule = assay_ruleset_rule(b->rules, m->rule);
    struct assay_assessment a;
    assay_rule_assess(rule, assay_bytes_str(text), m->start, m->end, &a);
    return !a.dropped && a.confidence >= rule->view.min_confidence;
}

/* Each entity must be found exactly once in its sentence, with exactly this text. */
static void boundaries_work_next_to_han_text(void **state)
{
    static const struct {
        const char *text, *entity, *value;
    } cases[] = {
        {"电话13812345678，", "PHONE_NUMBER", "13812345678"},
        {"卡号6222021001116245702。", "CN_BANK_CARD", "6222021001116245702"},
        {"联系邮箱zhangsan@example.com，", "EMAIL_ADDRESS", "zhangsan@example.com"},
        {"IP地址192.168.1.1", "IP_ADDRESS", "192.168.1.1"},
        {"身份证110101199003074514号", "CN_RESIDENT_ID", "110101199003074514"},
        {"代码91110108MA01ABCD1E（正本）", "CN_USCC", "91110108MA01ABCD1E"},
        {"护照号E12345678，", "CN_PASSPORT", "E12345678"},
        {"车牌京A12345，", "CN_PLATE", "京A12345"},
    };
    const struct bench *b = *state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct assay_match_list list;
        size_t found = 0;
        assert_int_equal(
            assay_matcher_scan_text(b->matcher, b->scratch, assay_bytes_str(cases[c].text), &list),
            ASSAY_OK);
        for (size_t i = 0; i < list.count; i++) {
            const struct assay_match *m = &list.items[i];
            const char *entity = assay_ruleset_rule(b->rules, m->rule)->view.entity;
            if (entity != NULL && strcmp(entity, cases[c].entity) == 0 &&
                stands(b, cases[c].text, m)) {
                assert_true(
                    assay_bytes_equal(assay_bytes_make(cases[c].text + m->start, m->end - m->start),
                                      assay_bytes_str(cases[c].value)));
                found++;
            }
        }
        if (found != 1) {
            fail_msg("%s: %zu of %s", cases[c].text, found, cases[c].entity);
        }
    }
}

/* A hundred terms of each language, and no Han term of one character. */
static void toxicity_knows_its_words(void **state)
{
    const struct bench *b = *state;
    size_t latin = 0, han = 0;
    for (uint32_t i = 0; i < assay_ruleset_count(b->rules); i++) {
        const struct assay_rule *rule = assay_ruleset_rule(b->rules, i);
        if (strcmp(rule->view.scanner, "toxicity") != 0) {
            continue;
        }
        for (size_t w = 0; w < rule->n_words; w++) {
            latin += !rule->words[w].is_cjk;
            han += rule->words[w].is_cjk;
            assert_true(!rule->words[w].is_cjk || rule->words[w].text.len > 4);
        }
    }
    assert_true(latin >= 100);
    assert_true(han >= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lint_has_nothing_to_say),
        cmocka_unit_test(every_rule_passes_its_own_tests),
        cmocka_unit_test(every_entity_has_a_rule),
        cmocka_unit_test(boundaries_work_next_to_han_text),
        cmocka_unit_test(toxicity_knows_its_words),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
