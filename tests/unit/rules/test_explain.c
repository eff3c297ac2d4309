/* SPDX-License-Identifier: Apache-2.0
 * Pages and tables for people, exact. */
#include "tests/unit/rules/pack_fixture.h"

#include "rules/explain.h"

static const struct assay_rule_decl decls[] = {
    {"dup.record", NULL, ASSAY_SEVERITY_LOW, "Repeated record", "重复记录", "Help.", "帮助。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static struct assay_ruleset *load(void)
{
    put("p/pack.yaml", PACK_HEAD "licence: Apache-2.0\n");
    put("p/r.yaml", "- id: p.card\n"
                    "  entity: CARD\n"
                    "  title: {en: Card number, zh: 卡号}\n"
                    "  help: {en: A card., zh: 银行卡。}\n"
                    "  severity: critical\n"
                    "  rank: 3\n"
                    "  clauses: [{standard: PIPL, ref: Art. 28}]\n"
                    "  detect:\n"
                    "    pattern: 'x\\d{16}'\n"
                    "    validators: [luhn]\n"
                    "    context: {words: [卡号, card], window: 10, required: true}\n"
                    "    confidence: {base: 0.3, validated: 0.9, context: 0.05, min: 0.5}\n"
                    "  mask: {keep_first: 6, keep_last: 4}\n"
                    "  tests: {hit: ['x4'], miss: [\"tab\\t\"]}\n"
                    "- id: p.word\n"
                    "  scanner: toxicity\n"
                    "  status: experimental\n"
                    "  title: {en: Word, zh: 词}\n"
                    "  severity: low\n"
                    "  detect: {words: [one, two], allow: [one by one]}\n");
    struct assay_diags *d = assay_diags_new();
    const struct assay_rule_decl *const all[] = {decls};
    struct assay_ruleset *rs = assay_ruleset_load((const char *const[]){"./p"}, 1, all, 1, d);
    assert_non_null(rs);
    assay_diags_free(d);
    return rs;
}

static void expect_page(const struct assay_ruleset *rs, const char *id, int zh, const char *want)
{
    struct assay_buf out;
    assay_buf_init(&out, 1 << 16);
    if (id == NULL) {
        assay_rules_list(rs, zh, &out);
    } else {
        assay_rule_explain(rs, assay_ruleset_find(rs, id), zh, &out);
    }
    assert_string_equal(assay_buf_str(&out), want);
    assay_buf_release(&out);
}

static void a_rule_is_a_page(void **state)
{
    (void)state;
    struct assay_ruleset *rs = load();
    expect_page(rs, "p.card", 0,
                "p.card\n"
                "  Card number\n"
                "\n"
                "  Severity      critical\n"
                "  Entity        CARD\n"
                "  Category      pii\n"
                "  Scanner       pii\n"
                "  What          A card.\n"
                "  Detection     regular expression\n"
                "  Pattern       x\\d{16}\n"
                "  Validator     luhn (ISO/IEC 7812-1:2017 Annex B)\n"
                "  Context       卡号, card (10 code points on each side, required)\n"
                "  Confidence    base 0.3, validated 0.9, in context +0.05, reported from 0.5\n"
                "  Rank          3\n"
                "  Clause        PIPL, Art. 28\n"
                "  Mask          first and last characters kept: 6, 4\n"
                "  Tests         hit: x4\n"
                "  Tests         miss: tab\\t\n"
                "  Pack          p 1.0.0, Apache-2.0\n"
                "  Defined in    ./p/r.yaml:1\n");
    expect_page(rs, "p.card", 1,
                "p.card\n"
                "  卡号\n"
                "\n"
                "  严重程度      critical\n"
                "  实体          CARD\n"
                "  类别          pii\n"
                "  扫描器        pii\n"
                "  说明          银行卡。\n"
                "  检测方式      正则表达式\n"
                "  模式          x\\d{16}\n"
                "  校验          luhn (ISO/IEC 7812-1:2017 Annex B)\n"
                "  上下文        卡号, card (10 个字符以内（前后）, 必需)\n"
                "  置信度        基础 0.3, 校验通过 0.9, 有上下文 +0.05, 最低报告值 0.5\n"
                "  优先级        3\n"
                "  条款          PIPL, Art. 28\n"
                "  掩码          保留首尾字符数: 6, 4\n"
                "  测试          命中: x4\n"
                "  测试          不命中: tab\\t\n"
                "  规则包        p 1.0.0, Apache-2.0\n"
                "  定义于        ./p/r.yaml:1\n");
    expect_page(rs, "p.word", 0,
                "p.word\n"
                "  Word\n"
                "\n"
                "  Severity      low\n"
                "  Category      toxicity\n"
                "  Scanner       toxicity\n"
                "  Status        experimental\n"
                "  Detection     list of words, upper and lower case alike\n"
                "  Words         2 terms: one, two\n"
                "  Allowed       one by one\n"
                "  Confidence    base 0.6\n"
                "  Mask          everything hidden\n"
                "  Pack          p 1.0.0, Apache-2.0\n"
                "  Defined in    ./p/r.yaml:15\n");
    expect_page(rs, "dup.record", 0,
                "dup.record\n"
                "  Repeated record\n"
                "\n"
                "  Severity      low\n"
                "  Category      dup\n"
                "  Scanner       dup\n"
                "  What          Help.\n"
                "  Detection     by a plugin's code\n");
    expect_page(rs, "no.such", 0, "");
    assay_ruleset_free(rs);
}

static void rules_are_a_table(void **state)
{
    (void)state;
    struct assay_ruleset *rs = load();
    expect_page(rs, NULL, 0,
                "p 1.0.0: P (2 rules)\n"
                "  critical p.card      pattern Card number\n"
                "  low      p.word      words   Word\n"
                "declared by plugins (1 rules)\n"
                "  low      dup.record  code    Repeated record\n");
    expect_page(rs, NULL, 1,
                "p 1.0.0: 包 (2 条规则)\n"
                "  critical p.card      pattern 卡号\n"
                "  low      p.word      words   词\n"
                "插件声明的规则 (1 条规则)\n"
                "  low      dup.record  code    重复记录\n");
    assay_ruleset_free(rs);
}

/* Every embedded rule renders in both languages. */
static void every_embedded_rule_has_a_page(void **state)
{
    (void)state;
    struct assay_ruleset *rs = load_ok(NULL, 0);
    for (uint32_t i = 0; i < 2 * assay_ruleset_count(rs); i++) {
        struct assay_buf out;
        assay_buf_init(&out, 1 << 20);
        assay_rule_explain(rs, i / 2, (int)(i % 2), &out);
        assert_int_equal(assay_buf_status(&out), ASSAY_OK);
        assert_non_null(strstr(assay_buf_str(&out), assay_ruleset_rule(rs, i / 2)->view.id));
        assay_buf_release(&out);
    }
    assay_ruleset_free(rs);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_rule_is_a_page),
        T(rules_are_a_table),
        T(every_embedded_rule_has_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
