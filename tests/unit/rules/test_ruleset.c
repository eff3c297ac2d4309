/* SPDX-License-Identifier: Apache-2.0
 * Loading packs: what a good pack becomes, and the exact words for each fault. */
#include "tests/unit/rules/pack_fixture.h"

#include "rules/load.h"
#include "rules/validators.h"

#define RULE_TAIL "  tests: {hit: [x1], miss: [y]}\n"
#define RULE_HEAD "- id: p.one\n  title: {en: One, zh: 一}\n  severity: high\n"

static const char *const P[] = {"./p"};

/* Loads and expects exactly these diagnostics. */
static void expect_fault(const char *const *packs, size_t n, const char *want)
{
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load(packs, n, NULL, 0, d);
    char *text = fixture_render(d);
    assert_string_equal(text, want);
    assert_null(rs);
    free(text);
    assay_diags_free(d);
}

static void expect_p(const char *rules, const char *want)
{
    put_pack(rules);
    expect_fault((const char *const[]){"./p"}, 1, want);
}

static void a_rule_is_read_whole(void **state)
{
    (void)state;
    put_pack("- id: p.card\n"
             "  entity: CREDIT_CARD\n"
             "  category: money\n"
             "  scanner: pii\n"
             "  title: {en: Card, zh: 卡}\n"
             "  help: A card number.\n"
             "  severity: critical\n"
             "  status: experimental\n"
             "  rank: 7\n"
             "  clauses: [{standard: PIPL, ref: Art. 28}, {standard: X}]\n"
             "  detect:\n"
             "    pattern: '(?<!\\d)\\d{16}(?!\\d)'\n"
             "    prefilter: '\\d{16}'\n"
             "    caseless: true\n"
             "    validators: [luhn]\n"
             "    context: {words: [卡号, Card No], window: 30, required: true}\n"
             "    confidence: {base: 0.3, validated: 0.9, context: 0.15, min: 0.5}\n"
             "    allow: ['4111111111111111']\n"
             "  mask: {keep_first: 6, keep_last: 4}\n"
             "  tests:\n"
             "    hit: [卡号4111]\n"
             "    miss: [a, b]\n");
    struct assay_ruleset *rs = load_p();
    assert_int_equal(assay_ruleset_count(rs), 1);
    const struct assay_rule *r = assay_ruleset_rule(rs, 0);
    assert_null(assay_ruleset_rule(rs, 1));
    assert_string_equal(r->view.id, "p.card");
    assert_string_equal(r->view.entity, "CREDIT_CARD");
    assert_string_equal(r->view.category, "money");
    assert_string_equal(r->view.scanner, "pii");
    assert_int_equal(r->view.severity, ASSAY_SEVERITY_CRITICAL);
    assert_int_equal(r->view.rank, 7);
    assert_int_equal(r->view.min_confidence, 500);
    assert_string_equal(r->title_zh, "卡");
    assert_string_equal(r->help_en, "A card number.");
    assert_string_equal(r->help_zh, "A card number.");
    assert_int_equal(r->status, ASSAY_RULE_EXPERIMENTAL);
    assert_int_equal(r->n_clauses, 2);
    assert_string_equal(r->clauses[0].ref, "Art. 28");
    assert_null(r->clauses[1].ref);
    assert_string_equal(r->pattern, "(?<!\\d)\\d{16}(?!\\d)");
    assert_string_equal(r->prefilter, "\\d{16}");
    assert_int_equal(r->caseless, 1);
    assert_int_equal(r->n_validators, 1);
    assert_string_equal(assay_validators[r->validators[0]].name, "luhn");
    assert_int_equal(r->n_context, 2);
    assert_int_equal(r->context[0].is_cjk, 1);
    assert_int_equal(r->context[1].is_cjk, 0);
    assert_int_equal(r->context_window, 30);
    assert_int_equal(r->context_required, 1);
    assert_int_equal(r->confidence_base, 300);
    assert_int_equal(r->confidence_validated, 900);
    assert_int_equal(r->confidence_context, 150);
    assert_int_equal(r->n_allow, 1);
    assert_int_equal(r->mask.keep_first, 6);
    assert_int_equal(r->mask.keep_last, 4);
    assert_int_equal(r->n_tests, 3);
    assert_true(r->tests[0].hit && !r->tests[1].hit);
    assert_int_equal(r->tests[2].line, 22);
    assert_string_equal(r->file, "./p/r.yaml");
    assert_int_equal(r->line, 1);
    assay_ruleset_free(rs);
}

static void defaults_are_those_documented(void **state)
{
    (void)state;
    put_pack(RULE_HEAD "  detect: {pattern: x1, context: {words: [y]}}\n" RULE_TAIL);
    struct assay_ruleset *rs = load_p();
    const struct assay_rule *r = assay_ruleset_rule(rs, 0);
    assert_string_equal(r->view.scanner, "pii");
    assert_string_equal(r->view.category, "pii");
    assert_null(r->view.entity);
    assert_int_equal(r->status, ASSAY_RULE_STABLE);
    assert_int_equal(r->context_window, 24);
    assert_int_equal(r->confidence_base, 600);
    assert_int_equal(r->confidence_validated, 950);
    assert_int_equal(r->confidence_context, 200);
    assert_int_equal(r->view.min_confidence, 0);
    assert_int_equal(r->caseless, 0);
    assay_ruleset_free(rs);
}

/* ---- faults, exact ------------------------------------------------------------------------- */

static void all_faults_show_at_once(void **state)
{
    (void)state;
    expect_p("- id: P.bad\n"
             "  titel: x\n"
             "  title: {en: X, zh: X}\n"
             "  severity: hgh\n"
             "  detect:\n"
             "    patern: x\n"
             "    pattern: '12(34'\n"
             "    validators: [lunh]\n"
             "    confidence: {base: 1.5}\n" RULE_TAIL,
             "./p/r.yaml:1:7: error: id: lower-case letters, digits and any of '._-' are wanted, "
             "a letter first\n"
             "   1 | - id: P.bad\n"
             "     |       ^~~~~\n"
             "./p/r.yaml:2:3: error: unknown rule key 'titel', did you mean 'title'?\n"
             "   2 |   titel: x\n"
             "     |   ^~~~~\n"
             "./p/r.yaml:4:13: error: unknown severity 'hgh', did you mean 'high'?\n"
             "   4 |   severity: hgh\n"
             "     |             ^~~\n"
             "./p/r.yaml:6:5: error: unknown detect key 'patern', did you mean 'pattern'?\n"
             "   6 |     patern: x\n"
             "     |     ^~~~~~\n"
             "./p/r.yaml:7:20: error: pattern does not compile: missing closing parenthesis\n"
             "   7 |     pattern: '12(34'\n"
             "     |                    ^\n"
             "./p/r.yaml:8:18: error: unknown validator 'lunh', did you mean 'luhn'?\n"
             "   8 |     validators: [lunh]\n"
             "     |                  ^~~~\n"
             "./p/r.yaml:9:24: error: '1.5' is not a number between 0 and 1 (at most 3 decimals)\n"
             "   9 |     confidence: {base: 1.5}\n"
             "     |                        ^~~\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_is_read_whole, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(defaults_are_those_documented, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(all_faults_show_at_once, fixture_setup, fixture_teardown),
    };
    (void)P;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
