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

/* One faulty rule part each: what follows `detect:` in an otherwise good rule. */
static void expect_detect(const char *detect, const char *want)
{
    char text[2048];
    (void)snprintf(text, sizeof text, RULE_HEAD "  detect: %s\n" RULE_TAIL, detect);
    expect_p(text, want);
}

static void patterns_are_checked(void **state)
{
    (void)state;
    expect_detect("{pattern: '(a)\\1 x\\Ky'}",
                  "./p/r.yaml:4:25: error: a back reference is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(a)\\1 x\\Ky'}\n"
                  "     |                         ^~\n"
                  "./p/r.yaml:4:29: error: \\K is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(a)\\1 x\\Ky'}\n"
                  "     |                             ^~\n");
    expect_detect("{pattern: 'ab(?:c(?R))?\\Gd'}",
                  "./p/r.yaml:4:28: error: recursion is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: 'ab(?:c(?R))?\\Gd'}\n"
                  "     |                            ^~~\n"
                  "./p/r.yaml:4:34: error: \\G is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: 'ab(?:c(?R))?\\Gd'}\n"
                  "     |                                  ^~\n");
    expect_detect("{pattern: '(?<n>a)(?&n)\\k<n>\\g{1}'}",
                  "./p/r.yaml:4:29: error: a subroutine call is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(?<n>a)(?&n)\\k<n>\\g{1}'}\n"
                  "     |                             ^~~\n"
                  "./p/r.yaml:4:34: error: a back reference is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(?<n>a)(?&n)\\k<n>\\g{1}'}\n"
                  "     |                                  ^~\n"
                  "./p/r.yaml:4:39: error: a back reference is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(?<n>a)(?&n)\\k<n>\\g{1}'}\n"
                  "     |                                       ^~\n");
    expect_detect("{pattern: '(*UCP)a(?C1)(?(?=a)a)\\C'}",
                  "./p/r.yaml:4:22: error: a control verb is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(*UCP)a(?C1)(?(?=a)a)\\C'}\n"
                  "     |                      ^~\n"
                  "./p/r.yaml:4:28: error: pattern does not compile: using UCP is disabled by the "
                  "application\n"
                  "   4 |   detect: {pattern: '(*UCP)a(?C1)(?(?=a)a)\\C'}\n"
                  "     |                            ^\n"
                  "./p/r.yaml:4:29: error: a callout is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(*UCP)a(?C1)(?(?=a)a)\\C'}\n"
                  "     |                             ^~~\n"
                  "./p/r.yaml:4:34: error: a conditional is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(*UCP)a(?C1)(?(?=a)a)\\C'}\n"
                  "     |                                  ^~~\n"
                  "./p/r.yaml:4:43: error: \\C is not allowed in a pattern\n"
                  "   4 |   detect: {pattern: '(*UCP)a(?C1)(?(?=a)a)\\C'}\n"
                  "     |                                           ^~\n");
    expect_detect(
        "{pattern: 'a(?x)b # c'}",
        "./p/r.yaml:4:23: error: extended mode after the start is not allowed in a pattern\n"
        "   4 |   detect: {pattern: 'a(?x)b # c'}\n"
        "     |                       ^~~\n");
    expect_detect("{pattern: 'a*'}", "./p/r.yaml:4:21: error: pattern can match the empty string\n"
                                     "   4 |   detect: {pattern: 'a*'}\n"
                                     "     |                     ^~~~\n");
    expect_detect("{pattern: ''}", "./p/r.yaml:4:21: error: a pattern is wanted\n"
                                   "   4 |   detect: {pattern: ''}\n"
                                   "     |                     ^~\n");
    expect_detect("{pattern: '中文[a'}", "./p/r.yaml:4:26: error: pattern does not compile: "
                                         "missing terminating ] for character class\n"
                                         "   4 |   detect: {pattern: '中文[a'}\n"
                                         "     |                            ^\n");
    expect_detect("{pattern: \"tab\\t\\u4e2d(\"}",
                  "./p/r.yaml:4:34: error: pattern does not compile: missing closing parenthesis\n"
                  "   4 |   detect: {pattern: \"tab\\t\\u4e2d(\"}\n"
                  "     |                                  ^\n");
    expect_detect(
        "{pattern: abc, prefilter: 'a(b'}",
        "./p/r.yaml:4:41: error: prefilter does not compile: missing closing parenthesis\n"
        "   4 |   detect: {pattern: abc, prefilter: 'a(b'}\n"
        "     |                                         ^\n");
    expect_detect("{pattern: abc, prefilter: 'a?'}",
                  "./p/r.yaml:4:37: error: prefilter can match the empty string\n"
                  "   4 |   detect: {pattern: abc, prefilter: 'a?'}\n"
                  "     |                                     ^~~~\n");
}

static void block_patterns_show_their_own_line(void **state)
{
    (void)state;
    expect_p(
        RULE_HEAD
        "  detect:\n    pattern: |-\n      (?x)\n      abc  # fine\n      [z-a]\n" RULE_TAIL,
        "./p/r.yaml:8:10: error: pattern does not compile: range out of order in character class\n"
        "   8 |       [z-a]\n"
        "     |          ^\n");
}

/* What looks like a refused construct and is none. */
static void lookalikes_are_patterns(void **state)
{
    (void)state;
    static const char *const good[] = {
        "\\\\K1",
        "[\\1-\\3]a",
        "\\Q\\K(?R)\\Ea",
        "a(?#(?R)b",
        "(?ix) ab # (?R) [",
        "[[:alpha:]](?-i:b)",
        "\\cKa",
        "[]\\Q]\\E\\]](?i)a",
        "(?>a)(?<!b)(?<=c)d++",
        "a\\x{4e2d}\\p{Han}",
        "(?P<n>a)b",
        "(?|a|b)c",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, RULE_HEAD "  detect: {pattern: '%s'}\n" RULE_TAIL,
                       good[i]);
        put_pack(text);
        assay_ruleset_free(load_p());
    }
}

static void detection_keys_are_checked(void **state)
{
    (void)state;
    expect_detect("{}", "./p/r.yaml:4:11: error: detect: one of pattern, words and yara is wanted\n"
                        "   4 |   detect: {}\n"
                        "     |           ^\n");
    expect_detect("{pattern: x1, words: [a]}",
                  "./p/r.yaml:4:32: error: a rule has one of pattern, words and yara\n"
                  "   4 |   detect: {pattern: x1, words: [a]}\n"
                  "     |                                ^\n");
    expect_detect("x", "./p/r.yaml:4:11: error: detect must be a mapping (key: value)\n"
                       "   4 |   detect: x\n"
                       "     |           ^\n");
    expect_detect("{pattern: x1, context: {window: 600}, validators: luhn}",
                  "./p/r.yaml:4:34: error: missing key 'words' in context\n"
                  "   4 |   detect: {pattern: x1, context: {window: 600}, validators: luhn}\n"
                  "     |                                  ^\n"
                  "./p/r.yaml:4:43: error: 600 is out of range: 0 to 512 are allowed\n"
                  "   4 |   detect: {pattern: x1, context: {window: 600}, validators: luhn}\n"
                  "     |                                           ^~~\n"
                  "./p/r.yaml:4:61: error: validators: a list is wanted\n"
                  "   4 |   detect: {pattern: x1, context: {window: 600}, validators: luhn}\n"
                  "     |                                                             ^~~~\n");
    expect_detect(
        "{pattern: x1, context: {words: [a], window: few, required: maybe}}",
        "./p/r.yaml:4:55: error: 'few' is not a whole number\n"
        "   4 |   detect: {pattern: x1, context: {words: [a], window: few, required: maybe}}\n"
        "     |                                                       ^~~\n"
        "./p/r.yaml:4:70: error: 'maybe' is neither true nor false\n"
        "   4 |   detect: {pattern: x1, context: {words: [a], window: few, required: maybe}}\n"
        "     |                                                                      ^~~~~\n");
    expect_detect(
        "{pattern: x1, confidence: {bas: 0.3, min: 0.1234}}",
        "./p/r.yaml:4:38: error: unknown confidence key 'bas', did you mean 'base'?\n"
        "   4 |   detect: {pattern: x1, confidence: {bas: 0.3, min: 0.1234}}\n"
        "     |                                      ^~~\n"
        "./p/r.yaml:4:53: error: '0.1234' is not a number between 0 and 1 (at most 3 decimals)\n"
        "   4 |   detect: {pattern: x1, confidence: {bas: 0.3, min: 0.1234}}\n"
        "     |                                                     ^~~~~~\n");
}

static void rule_keys_are_checked(void **state)
{
    (void)state;
    expect_p("- {}\n- x\n",
             "./p/r.yaml:1:3: error: missing key 'id' in rule\n"
             "   1 | - {}\n"
             "     |   ^\n"
             "./p/r.yaml:1:3: error: missing key 'title' in rule\n"
             "   1 | - {}\n"
             "     |   ^\n"
             "./p/r.yaml:1:3: error: missing key 'severity' in rule\n"
             "   1 | - {}\n"
             "     |   ^\n"
             "./p/r.yaml:1:3: error: missing key 'detect' in rule\n"
             "   1 | - {}\n"
             "     |   ^\n"
             "./p/r.yaml:1:3: error: a stable rule carries tests: at least one hit and one miss\n"
             "   1 | - {}\n"
             "     |   ^\n"
             "./p/r.yaml:2:3: error: rule must be a mapping (key: value)\n"
             "   2 | - x\n"
             "     |   ^\n");
    expect_p("rules: []\n", "./p/r.yaml:1:1: error: rules: a list is wanted\n"
                            "   1 | rules: []\n"
                            "     | ^\n");
    expect_p("- id: p.one\n  entity: email\n  category: Big\n  scanner: a.b\n  title: {zh: 一}\n"
             "  severity: high\n  status: stabel\n  rank: 70000\n  clauses: [{standard: A, reff: "
             "B}, x]\n"
             "  detect: {pattern: x1}\n  mask: {keep_first: 9, keep_last: -1, email: yes}\n"
             "  tests: {hit: x1, mis: [y]}\n",
             "./p/r.yaml:1:3: error: a stable rule carries tests: at least one hit and one miss\n"
             "   1 | - id: p.one\n"
             "     |   ^\n"
             "./p/r.yaml:2:11: error: entity: upper-case letters, digits and '_' are wanted, a "
             "letter first\n"
             "   2 |   entity: email\n"
             "     |           ^~~~~\n"
             "./p/r.yaml:3:13: error: category: lower-case letters, digits and any of '_-' are "
             "wanted, a letter first\n"
             "   3 |   category: Big\n"
             "     |             ^~~\n"
             "./p/r.yaml:4:12: error: scanner: lower-case letters, digits and any of '_' are "
             "wanted, a letter first\n"
             "   4 |   scanner: a.b\n"
             "     |            ^~~\n"
             "./p/r.yaml:5:10: error: missing key 'en' in title\n"
             "   5 |   title: {zh: 一}\n"
             "     |          ^\n"
             "./p/r.yaml:7:11: error: unknown status 'stabel', did you mean 'stable'?\n"
             "   7 |   status: stabel\n"
             "     |           ^~~~~~\n"
             "./p/r.yaml:8:9: error: 70000 is out of range: 0 to 65535 are allowed\n"
             "   8 |   rank: 70000\n"
             "     |         ^~~~~\n"
             "./p/r.yaml:9:27: error: unknown clause key 'reff', did you mean 'ref'?\n"
             "   9 |   clauses: [{standard: A, reff: B}, x]\n"
             "     |                           ^~~~\n"
             "./p/r.yaml:9:37: error: clause must be a mapping (key: value)\n"
             "   9 |   clauses: [{standard: A, reff: B}, x]\n"
             "     |                                     ^\n"
             "./p/r.yaml:11:22: error: 9 is out of range: 0 to 8 are allowed\n"
             "  11 |   mask: {keep_first: 9, keep_last: -1, email: yes}\n"
             "     |                      ^\n"
             "./p/r.yaml:11:36: error: -1 is out of range: 0 to 8 are allowed\n"
             "  11 |   mask: {keep_first: 9, keep_last: -1, email: yes}\n"
             "     |                                    ^~\n"
             "./p/r.yaml:11:47: error: 'yes' is neither true nor false\n"
             "  11 |   mask: {keep_first: 9, keep_last: -1, email: yes}\n"
             "     |                                               ^~~\n"
             "./p/r.yaml:12:16: error: hit: a list is wanted\n"
             "  12 |   tests: {hit: x1, mis: [y]}\n"
             "     |                ^~\n"
             "./p/r.yaml:12:20: error: unknown tests key 'mis', did you mean 'miss'?\n"
             "  12 |   tests: {hit: x1, mis: [y]}\n"
             "     |                    ^~~\n");
}

static void stable_rules_need_tests(void **state)
{
    (void)state;
    expect_p(RULE_HEAD "  detect: {pattern: x1}\n  tests: {hit: [x1]}\n",
             "./p/r.yaml:1:3: error: a stable rule carries tests: at least one hit and one miss\n"
             "   1 | - id: p.one\n"
             "     |   ^\n");
    put_pack(RULE_HEAD "  status: experimental\n  detect: {pattern: x1}\n");
    assay_ruleset_free(load_p());
}

static void duplicate_ids_name_the_first(void **state)
{
    (void)state;
    put("p/pack.yaml", PACK_HEAD);
    put("p/a.yaml", RULE_HEAD "  detect: {pattern: x1}\n" RULE_TAIL);
    put("p/z.yaml", "# later\n" RULE_HEAD "  detect: {pattern: x1}\n" RULE_TAIL);
    expect_fault(P, 1,
                 "./p/z.yaml:2:7: error: rule id 'p.one' is taken: ./p/a.yaml:1\n"
                 "   2 | - id: p.one\n"
                 "     |       ^~~~~\n");
}

static const struct assay_rule_decl declared[] = {
    {"b.two", NULL, ASSAY_SEVERITY_LOW, "Two", NULL, NULL, NULL},
    {"a.one", "THING", ASSAY_SEVERITY_HIGH, "One", "一", "Help", "帮助"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static void declared_rules_come_last(void **state)
{
    (void)state;
    put_pack("- {id: z.z, title: {en: Z, zh: Z}, severity: low, detect: {pattern: x1}, "
             "tests: {hit: [x1], miss: [y]}}\n");
    const struct assay_rule_decl *const decls[] = {declared, NULL};
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load(P, 1, decls, 2, d);
    assert_non_null(rs);
    assert_int_equal(assay_ruleset_count(rs), 3);
    assert_int_equal(assay_ruleset_find(rs, "z.z"), 0);
    assert_int_equal(assay_ruleset_find(rs, "a.one"), 1);
    assert_int_equal(assay_ruleset_find(rs, "b.two"), 2);
    assert_int_equal(assay_ruleset_find(rs, "c"), ASSAY_NONE);
    assert_string_equal(assay_ruleset_suggest(rs, "a.oen"), "a.one");
    assert_null(assay_ruleset_suggest(rs, "entirely.else"));
    const struct assay_rule *r = assay_ruleset_rule(rs, 1);
    assert_int_equal(r->detect, ASSAY_DETECT_CODE);
    assert_int_equal(r->pack, ASSAY_NONE);
    assert_string_equal(r->view.scanner, "a");
    assert_string_equal(r->view.category, "a");
    assert_string_equal(r->view.entity, "THING");
    assert_string_equal(r->title_zh, "一");
    assert_int_equal(r->confidence_base, 1000);
    assert_string_equal(assay_ruleset_rule(rs, 2)->title_zh, "Two");
    assay_ruleset_free(rs);
    assay_diags_free(d);
}

static void declared_ids_belong_to_the_plugin(void **state)
{
    (void)state;
    put_pack("- {id: a.one, title: {en: Z, zh: Z}, severity: low, detect: {pattern: x1}, "
             "tests: {hit: [x1], miss: [y]}}\n");
    const struct assay_rule_decl *const decls[] = {declared};
    struct assay_diags *d = assay_diags_new();
    assert_null(assay_ruleset_load(P, 1, decls, 1, d));
    char *text = fixture_render(d);
    assert_string_equal(text, "./p/r.yaml:1:8: error: rule id 'a.one' belongs to a plugin\n"
                              "   1 | - {id: a.one, title: {en: Z, zh: Z}, severity: low, detect: "
                              "{pattern: x1}, tests: {hit: [x1], miss: [y]}}\n"
                              "     |        ^~~~~\n");
    free(text);
    assay_diags_free(d);
}

/* ---- words --------------------------------------------------------------------------------- */

static void put_words(const char *words, const char *file)
{
    char text[1024];
    put("p/pack.yaml", PACK_HEAD "lists: {ctx: [卡号, card], tel: [电话]}\n");
    put("p/lists/t.txt", file);
    (void)snprintf(text, sizeof text, RULE_HEAD "  detect: {words: %s}\n" RULE_TAIL, words);
    put("p/r.yaml", text);
}

static void expect_words(const char *words, const char *file, const char *want)
{
    put_words(words, file);
    struct assay_ruleset *rs = load_p();
    const struct assay_rule *r = assay_ruleset_rule(rs, 0);
    char got[512] = "";
    for (size_t i = 0; i < r->n_words; i++) {
        size_t at = strlen(got);
        (void)snprintf(got + at, sizeof got - at, "%s%.*s%s", i == 0 ? "" : "|",
                       (int)r->words[i].text.len, r->words[i].text.ptr,
                       r->words[i].is_cjk ? "*" : "");
    }
    assert_string_equal(got, want);
    assert_int_equal(r->caseless, 1);
    assay_ruleset_free(rs);
}

static void words_come_from_lists_names_and_files(void **state)
{
    (void)state;
    expect_words("[one, ' two ', one, 坏词, mix混]", "", "one|two|坏词*|mix混*");
    expect_words("[$ctx, three, $tel, card]", "", "卡号*|card|three|电话*");
    expect_words("$ctx", "", "卡号*|card");
    expect_words("[$$money]", "", "$money");
    expect_words("{file: lists/t.txt}",
                 "\xef\xbb\xbf# head\r\none\r\n\n  two words \n\\#tag\none\n坏",
                 "one|two words|#tag|坏*");
}

static void faulty_words_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *words, *file, *want;
    } rows[] = {
        {"[$cxt, $nothing_like_it]", "",
         "./p/r.yaml:4:20: error: no list 'cxt' in pack.yaml, did you mean '$ctx'?\n"
         "   4 |   detect: {words: [$cxt, $nothing_like_it]}\n"
         "     |                    ^~~~\n"
         "./p/r.yaml:4:26: error: no list 'nothing_like_it' in pack.yaml\n"
         "   4 |   detect: {words: [$cxt, $nothing_like_it]}\n"
         "     |                          ^~~~~~~~~~~~~~~~\n"},
        {"[[a], '', \"a\\u0007\"]", "",
         "./p/r.yaml:4:20: error: words: a term is text\n"
         "   4 |   detect: {words: [[a], '', \"a\\u0007\"]}\n"
         "     |                    ^\n"
         "./p/r.yaml:4:25: error: words: empty term\n"
         "   4 |   detect: {words: [[a], '', \"a\\u0007\"]}\n"
         "     |                         ^~\n"
         "./p/r.yaml:4:29: error: words: control character in a term\n"
         "   4 |   detect: {words: [[a], '', \"a\\u0007\"]}\n"
         "     |                             ^~~~~~~~~\n"},
        {"{file: none.txt}", "",
         "./p/r.yaml:4:26: error: cannot open it: No such file or directory\n"
         "   4 |   detect: {words: {file: none.txt}}\n"
         "     |                          ^~~~~~~~\n"},
        {"{file: ../t.txt}", "",
         "./p/r.yaml:4:26: error: a file below the pack's directory is wanted\n"
         "   4 |   detect: {words: {file: ../t.txt}}\n"
         "     |                          ^~~~~~~~\n"},
        {"{file: lists/t.txt}", "ok\n\xff\xfe\n",
         "./p/r.yaml:4:26: error: lists/t.txt:2: not valid UTF-8\n"
         "   4 |   detect: {words: {file: lists/t.txt}}\n"
         "     |                          ^~~~~~~~~~~\n"},
        {"{file: lists/t.txt}", "# nothing\n",
         "./p/r.yaml:4:26: error: lists/t.txt holds no term\n"
         "   4 |   detect: {words: {file: lists/t.txt}}\n"
         "     |                          ^~~~~~~~~~~\n"},
        {"{fil: lists/t.txt}", "",
         "./p/r.yaml:4:19: error: missing key 'file' in words\n"
         "   4 |   detect: {words: {fil: lists/t.txt}}\n"
         "     |                   ^\n"
         "./p/r.yaml:4:20: error: unknown words key 'fil', did you mean 'file'?\n"
         "   4 |   detect: {words: {fil: lists/t.txt}}\n"
         "     |                    ^~~\n"},
        {"plain", "",
         "./p/r.yaml:4:19: error: words: a list of terms, a $list or {file: NAME} is wanted\n"
         "   4 |   detect: {words: plain}\n"
         "     |                   ^~~~~\n"},
        {"[]", "",
         "./p/r.yaml:4:19: error: words: no term\n"
         "   4 |   detect: {words: []}\n"
         "     |                   ^\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_words(rows[i].words, rows[i].file);
        expect_fault(P, 1, rows[i].want);
    }
}

static void over_long_and_too_many_terms_are_told(void **state)
{
    (void)state;
    char file[400];
    memset(file, 'x', 300);
    memcpy(file + 300, "\nok\n", 5);
    put_words("{file: lists/t.txt}", file);
    expect_fault(P, 1,
                 "./p/r.yaml:4:26: error: lists/t.txt:1: term longer than 256 bytes\n"
                 "   4 |   detect: {words: {file: lists/t.txt}}\n"
                 "     |                          ^~~~~~~~~~~\n");
    char rule[4096] = RULE_HEAD "  detect: {pattern: x1, context: {words: [";
    for (int i = 0; i < 257; i++) {
        size_t at = strlen(rule);
        (void)snprintf(rule + at, sizeof rule - at, "w%d,", i);
    }
    (void)snprintf(rule + strlen(rule), sizeof rule - strlen(rule), "]}}\n" RULE_TAIL);
    put_pack(rule);
    struct assay_diags *d = assay_diags_new();
    assert_null(assay_ruleset_load(P, 1, NULL, 0, d));
    char *text = fixture_render(d);
    assert_non_null(strstr(text, "error: context words: more than 256 terms\n"));
    assert_int_equal(assay_diags_errors(d), 1);
    free(text);
    assay_diags_free(d);
}

/* ---- yara ---------------------------------------------------------------------------------- */

static void yara_rules_share_their_text(void **state)
{
    (void)state;
    put("p/pack.yaml", PACK_HEAD);
    put("p/x.yar", "rule first { condition: true }\nprivate rule second{ condition: false }\n");
    put("p/r.yaml", "- {id: p.a, title: {en: A, zh: A}, severity: low, detect: {yara: {file: "
                    "x.yar, rule: first}}}\n"
                    "- {id: p.b, title: {en: A, zh: A}, severity: low, detect: {yara: {file: "
                    "x.yar, rule: second}}}\n");
    struct assay_ruleset *rs = load_p();
    const struct assay_rule *a = assay_ruleset_rule(rs, 0), *b = assay_ruleset_rule(rs, 1);
    assert_int_equal(a->detect, ASSAY_DETECT_YARA);
    assert_ptr_equal(a->yara_source, b->yara_source);
    assert_string_equal(b->yara_file, "x.yar");
    assert_string_equal(b->yara_rule, "second");
    assert_non_null(strstr(a->yara_source, "rule first"));
    assay_ruleset_free(rs);
    put("p/r.yaml", "- {id: p.a, title: {en: A, zh: A}, severity: low,\n"
                    "   detect: {yara: {file: x.yar, rule: firs}}}\n"
                    "- {id: p.b, title: {en: A, zh: A}, severity: low, detect: {yara: {file: "
                    "y.yar, rule: b}}}\n"
                    "- {id: p.c, title: {en: A, zh: A}, severity: low, detect: {yara: {}}}\n");
    expect_fault(
        P, 1,
        "./p/r.yaml:2:39: error: no YARA rule 'firs' in x.yar\n"
        "   2 |    detect: {yara: {file: x.yar, rule: firs}}}\n"
        "     |                                       ^~~~\n"
        "./p/r.yaml:3:73: error: cannot open it: No such file or directory\n"
        "   3 | - {id: p.b, title: {en: A, zh: A}, severity: low, detect: {yara: {file: y.yar, "
        "rule: b}}}\n"
        "     |                                                                         ^~~~~\n"
        "./p/r.yaml:4:66: error: missing key 'file' in yara\n"
        "   4 | - {id: p.c, title: {en: A, zh: A}, severity: low, detect: {yara: {}}}\n"
        "     |                                                                  ^\n"
        "./p/r.yaml:4:66: error: missing key 'rule' in yara\n"
        "   4 | - {id: p.c, title: {en: A, zh: A}, severity: low, detect: {yara: {}}}\n"
        "     |                                                                  ^\n");
}

/* ---- packs --------------------------------------------------------------------------------- */

static void pack_headers_are_checked(void **state)
{
    (void)state;
    put("p/r.yaml", "[]\n");
    put("p/pack.yaml",
        "pack: My Pack\nversion: one\ntitel: x\ndefault: yes\nrequires_engine: soon\n"
        "lists: {a: x, b: [c]}\n");
    expect_fault(P, 1,
                 "./p/pack.yaml:1:1: error: missing key 'title' in pack\n"
                 "   1 | pack: My Pack\n"
                 "     | ^\n"
                 "./p/pack.yaml:1:7: error: a pack name is lower-case letters, digits, '-' and "
                 "'_', a letter first\n"
                 "   1 | pack: My Pack\n"
                 "     |       ^~~~~~~\n"
                 "./p/pack.yaml:2:10: error: a version is three numbers: 1.2.0\n"
                 "   2 | version: one\n"
                 "     |          ^~~\n"
                 "./p/pack.yaml:3:1: error: unknown pack key 'titel', did you mean 'title'?\n"
                 "   3 | titel: x\n"
                 "     | ^~~~~\n"
                 "./p/pack.yaml:4:10: error: 'yes' is neither true nor false\n"
                 "   4 | default: yes\n"
                 "     |          ^~~\n"
                 "./p/pack.yaml:5:18: error: malformed version range; write '>=0.1 <2'\n"
                 "   5 | requires_engine: soon\n"
                 "     |                  ^~~~\n"
                 "./p/pack.yaml:6:12: error: a list of terms is wanted\n"
                 "   6 | lists: {a: x, b: [c]}\n"
                 "     |            ^\n");
    put("p/pack.yaml", "# empty\n");
    expect_fault(P, 1, "./p/pack.yaml: error: empty: keys pack, version and title are wanted\n");
    put("p/pack.yaml", PACK_HEAD "requires_engine: '>=99'\n");
    expect_fault(P, 1,
                 "./p/pack.yaml:4:18: error: this pack needs assay >=99; this is 0.1.0\n"
                 "   4 | requires_engine: '>=99'\n"
                 "     |                  ^~~~~~\n");
    put("p/pack.yaml", "pack: p\n  version: [\n");
    expect_fault(P, 1,
                 "./p/pack.yaml:1:7: error: invalid multiline plain key\n"
                 "   1 | pack: p\n"
                 "     |       ^\n");
}

static void packs_are_found_or_told(void **state)
{
    (void)state;
    expect_fault((const char *const[]){"pij", "./nowhere", "other"}, 3,
                 "error: no pack 'pij': neither built in nor a directory, did you mean 'pii'?\n"
                 "error: cannot open pack directory ./nowhere: No such file or directory\n"
                 "error: no pack 'other': neither built in nor a directory\n");
    assert_int_equal(mkdir("bare", 0777), 0);
    expect_fault((const char *const[]){"bare"}, 1,
                 "error: bare/pack.yaml: cannot open it: No such file or directory\n");
    put("same/pack.yaml", PACK_HEAD);
    put("same/r.yaml", "[]\n");
    put_pack("[]\n");
    expect_fault((const char *const[]){"./p", "same"}, 2,
                 "error: two packs are named 'p': ./p and same\n");
}

static void links_are_refused(void **state)
{
    (void)state;
    put_pack("[]\n");
    put("outside.yaml", "[]\n");
    put("outside.txt", "word\n");
    assert_int_equal(symlink("../outside.yaml", "p/link.yaml"), 0);
    expect_fault(P, 1, "error: ./p/link.yaml: not a regular file; a pack may not contain links\n");
    assert_int_equal(unlink("p/link.yaml"), 0);
    assert_int_equal(symlink("../outside.txt", "p/t.txt"), 0);
    expect_p(RULE_HEAD "  detect: {words: {file: t.txt}}\n" RULE_TAIL,
             "./p/r.yaml:4:26: error: a pack may not contain links\n"
             "   4 |   detect: {words: {file: t.txt}}\n"
             "     |                          ^~~~~\n");
}

static void versions_compare(void **state)
{
    (void)state;
    assert_int_equal(assay_version_satisfies("0.1.0", ">=0.1 <2"), 1);
    assert_int_equal(assay_version_satisfies("0.1.0", ">=0.1.1"), 0);
    assert_int_equal(assay_version_satisfies("1.10.0", ">1.9"), 1);
    assert_int_equal(assay_version_satisfies("1.2.3", "==1.2.3"), 1);
    assert_int_equal(assay_version_satisfies("1.2.3", "1.2.3"), 1);
    assert_int_equal(assay_version_satisfies("1.2.3", "<= 1.2.2"), 0);
    assert_int_equal(assay_version_satisfies("1.2.3", "<1.2.3"), 0);
    assert_int_equal(assay_version_satisfies("1.2.3", ">=1, <2"), 1);
    assert_int_equal(assay_version_satisfies("1.2.3", ""), -1);
    assert_int_equal(assay_version_satisfies("1.2.3", " , "), -1);
    assert_int_equal(assay_version_satisfies("1.2.3", ">=x"), -1);
    assert_int_equal(assay_version_satisfies("1.2.3", "~1.2"), -1);
    assert_int_equal(assay_version_satisfies("1.2.3", ">=1.2beta"), -1);
}

static void order_and_digest_do_not_depend_on_files(void **state)
{
    (void)state;
#define ONE(id)                                                                                    \
    "- {id: " id ", title: {en: Z, zh: Z}, severity: low, detect: {pattern: x1}, "                 \
    "tests: {hit: [x1], miss: [y]}}\n"
    const char *a = ONE("m.a"), *b = ONE("m.b");
    put("p/pack.yaml", PACK_HEAD);
    put("p/1.yaml", b);
    put("p/sub/2.yml", a);
    put("p/README.md", "not part of it\n");
    put("p/.hidden.yaml", "not: part\n");
    put("q/sub/2.yml", a); /* the same, made in another order */
    put("q/1.yaml", b);
    put("q/pack.yaml", PACK_HEAD);
    struct assay_ruleset *p = load_p(), *q = load_ok((const char *const[]){"./q/"}, 1);
    assert_string_equal(assay_ruleset_rule(p, 0)->view.id, "m.a");
    assert_string_equal(assay_ruleset_rule(p, 0)->file, "./p/sub/2.yml");
    assert_string_equal(assay_ruleset_rule(q, 0)->file, "./q/sub/2.yml");
    assert_int_equal(assay_ruleset_packs(p), 1);
    assert_null(assay_ruleset_pack(p, 1));
    assert_int_equal(assay_ruleset_pack(p, 0)->n_rules, 2);
    assert_string_equal(assay_ruleset_pack(p, 0)->version, "1.0.0");
    assert_string_equal(assay_ruleset_pack(p, 0)->title_zh, "包");
    assert_memory_equal(assay_ruleset_pack(p, 0)->sha256, assay_ruleset_pack(q, 0)->sha256, 32);
    /* The digest is what sha256sum says of its own list. */
    char lines[1024] = "";
    static const char *const names[] = {"1.yaml", "pack.yaml", "sub/2.yml"};
    const char *const texts[] = {b, PACK_HEAD, a};
    for (size_t i = 0; i < 3; i++) {
        uint8_t sha[32];
        char hex[65];
        assert_int_equal(assay_sha256_of(texts[i], strlen(texts[i]), sha), ASSAY_OK);
        assay_hex(sha, 32, hex);
        (void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s  %s\n", hex,
                       names[i]);
    }
    uint8_t want[32];
    assert_int_equal(assay_sha256_of(lines, strlen(lines), want), ASSAY_OK);
    assert_memory_equal(assay_ruleset_pack(p, 0)->sha256, want, 32);
    assay_ruleset_free(q);
    put("q/1.yaml", "[]\n");
    q = load_ok((const char *const[]){"./q"}, 1);
    assert_memory_not_equal(assay_ruleset_pack(p, 0)->sha256, assay_ruleset_pack(q, 0)->sha256, 32);
    assay_ruleset_free(p);
    assay_ruleset_free(q);
}

static void packs_sort_by_name(void **state)
{
    (void)state;
    put("x/pack.yaml", "pack: zz\nversion: 1.0.0\ntitle: Z\n");
    put_pack("[]\n");
    struct assay_ruleset *a = load_ok((const char *const[]){"./x", "./p", "./x"}, 3);
    struct assay_ruleset *b = load_ok((const char *const[]){"./p", "./x"}, 2);
    assert_int_equal(assay_ruleset_packs(a), 2);
    assert_int_equal(assay_ruleset_packs(b), 2);
    assert_string_equal(assay_ruleset_pack(a, 0)->name, "p");
    assert_string_equal(assay_ruleset_pack(b, 1)->name, "zz");
    assay_ruleset_free(a);
    assay_ruleset_free(b);
}

/* A directory copy of an embedded pack is the same pack. */
static void embedded_packs_equal_their_directories(void **state)
{
    (void)state;
    const char *src = getenv("ASSAY_SRCDIR");
    const char *const *names = assay_ruleset_embedded();
    assert_non_null(names[0]);
    for (size_t i = 0; src != NULL && names[i] != NULL; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/rules/packs/%s", src, names[i]);
        struct assay_ruleset *a = load_ok(&names[i], 1),
                             *b = load_ok((const char *const[]){path}, 1);
        assert_int_equal(assay_ruleset_count(a), assay_ruleset_count(b));
        assert_memory_equal(assay_ruleset_pack(a, 0)->sha256, assay_ruleset_pack(b, 0)->sha256, 32);
        assay_ruleset_free(a);
        assay_ruleset_free(b);
    }
    struct assay_ruleset *all = load_ok(NULL, 0);
    assert_true(assay_ruleset_packs(all) > 0);
    assay_ruleset_free(all);
}

/* ---- lint ---------------------------------------------------------------------------------- */

static void expect_lint(const char *rules, const char *want)
{
    put_pack(rules);
    struct assay_ruleset *rs = load_p();
    struct assay_diags *d = assay_diags_new();
    assay_ruleset_lint(rs, d);
    assert_int_equal(assay_diags_errors(d), 0);
    char *text = fixture_render(d);
    assert_string_equal(text, want);
    free(text);
    assay_diags_free(d);
    assay_ruleset_free(rs);
}

static void lint_warns(void **state)
{
    (void)state;
    expect_lint(RULE_HEAD "  detect: {pattern: 'ab(c+)+d'}\n" RULE_TAIL,
                "./p/r.yaml:4:28: warning: nested unbounded quantifiers can take exponential time\n"
                "   4 |   detect: {pattern: 'ab(c+)+d'}\n"
                "     |                            ^\n");
    expect_lint(
        RULE_HEAD "  detect: {pattern: '\\w+'}\n" RULE_TAIL,
        "./p/r.yaml:4:21: warning: pattern has no literal and matches short text: slow and noisy\n"
        "   4 |   detect: {pattern: '\\w+'}\n"
        "     |                     ^~~~~\n");
    expect_lint(
        "- id: p.one\n  title: One\n  severity: low\n  status: deprecated\n"
        "  detect: {words: [a, 坏]}\n",
        "./p/r.yaml:1:3: warning: rule 'p.one' has no hit test\n"
        "   1 | - id: p.one\n"
        "     |   ^\n"
        "./p/r.yaml:1:3: warning: rule 'p.one' is deprecated\n"
        "   1 | - id: p.one\n"
        "     |   ^\n"
        "./p/r.yaml:2:10: warning: title has no Chinese text (zh)\n"
        "   2 |   title: One\n"
        "     |          ^~~\n"
        "./p/r.yaml:5:19: warning: 1 term of one CJK character: matches inside other words\n"
        "   5 |   detect: {words: [a, 坏]}\n"
        "     |                   ^\n");
    expect_lint(RULE_HEAD
                "  detect:\n    pattern: x1\n"
                "    confidence: {base: 0.2, validated: 0.9, context: 0.3, min: 0.5}\n" RULE_TAIL,
                "./p/r.yaml:6:17: warning: rule 'p.one' can never reach its least confidence\n"
                "   6 |     confidence: {base: 0.2, validated: 0.9, context: 0.3, min: 0.5}\n"
                "     |                 ^\n"
                "./p/r.yaml:6:40: warning: 'validated' has no effect without validators\n"
                "   6 |     confidence: {base: 0.2, validated: 0.9, context: 0.3, min: 0.5}\n"
                "     |                                        ^~~\n"
                "./p/r.yaml:6:54: warning: 'context' has no effect without context words\n"
                "   6 |     confidence: {base: 0.2, validated: 0.9, context: 0.3, min: 0.5}\n"
                "     |                                                      ^~~\n");
    expect_lint(RULE_HEAD "  detect: {pattern: 'x(?:\\.[a-z]+)+'}\n" RULE_TAIL, "");
    expect_lint(RULE_HEAD "  detect: {pattern: '(?:a|b+)*x'}\n" RULE_TAIL,
                "./p/r.yaml:4:30: warning: nested unbounded quantifiers can take exponential time\n"
                "   4 |   detect: {pattern: '(?:a|b+)*x'}\n"
                "     |                              ^\n");
    expect_lint(RULE_HEAD "  detect: {pattern: '\\w', prefilter: '\\w'}\n" RULE_TAIL, "");
}

static void expect_scanners(const char *rules, const char *text)
{
    static const struct assay_scanner_role roles[] = {
        {"files", 0, 1}, {"pii", 1, 0}, {"toxicity", 1, 0}};
    put_pack(rules);
    put("p/x.yar", "rule one { condition: true }\n");
    struct assay_ruleset *rs = load_p();
    struct assay_diags *d = assay_diags_new();
    assay_ruleset_check_scanners(rs, roles, 3, d);
    char *got = fixture_render(d);
    assert_string_equal(got, text);
    free(got);
    assay_diags_free(d);
    assay_ruleset_free(rs);
}

/* A rule whose matches nobody receives would pass for a rule that found nothing. */
static void scanners_are_checked(void **state)
{
    (void)state;
    expect_scanners(RULE_HEAD "  scanner: toxicty\n  detect: {words: [abc]}\n" RULE_TAIL,
                    "./p/r.yaml:4:12: error: rule 'p.one': no scanner 'toxicty' is loaded, did you "
                    "mean 'toxicity'?\n"
                    "   4 |   scanner: toxicty\n"
                    "     |            ^~~~~~~\n");
    expect_scanners(RULE_HEAD "  scanner: files\n  detect: {pattern: abc}\n" RULE_TAIL,
                    "./p/r.yaml:4:12: error: rule 'p.one': scanner 'files' takes no matches in "
                    "records\n"
                    "   4 |   scanner: files\n"
                    "     |            ^~~~~\n");
    expect_scanners(RULE_HEAD "  detect: {words: [abc]}\n" RULE_TAIL, "");
    expect_scanners(RULE_HEAD "  detect: {yara: {file: x.yar, rule: one}}\n" RULE_TAIL, "");
}

/* A program without a scanner of an embedded pack still runs, and says what it does not look for.
 */
static void embedded_packs_may_lack_their_scanner(void **state)
{
    static const struct assay_scanner_role roles[] = {{"pii", 1, 0}};
    (void)state;
    struct assay_ruleset *rs = load_ok((const char *const[]){"toxicity"}, 1);
    struct assay_diags *d = assay_diags_new();
    assay_ruleset_check_scanners(rs, roles, 1, d);
    assert_int_equal(assay_diags_errors(d), 0);
    assert_int_equal(assay_diags_warnings(d), assay_ruleset_count(rs));
    assay_diags_free(d);
    assay_ruleset_free(rs);
}

static void files_without_a_rule_are_told(void **state)
{
    (void)state;
    put_pack("# nothing yet\n");
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load((const char *const[]){"./p"}, 1, NULL, 0, d);
    char *text = fixture_render(d);
    assert_non_null(rs);
    assert_string_equal(text, "./p/r.yaml: warning: no rule in this file; [] says so on purpose\n");
    free(text);
    assay_diags_free(d);
    assay_ruleset_free(rs);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_rule_is_read_whole),
        T(defaults_are_those_documented),
        T(all_faults_show_at_once),
        T(patterns_are_checked),
        T(block_patterns_show_their_own_line),
        T(lookalikes_are_patterns),
        T(detection_keys_are_checked),
        T(rule_keys_are_checked),
        T(stable_rules_need_tests),
        T(duplicate_ids_name_the_first),
        T(declared_rules_come_last),
        T(declared_ids_belong_to_the_plugin),
        T(words_come_from_lists_names_and_files),
        T(faulty_words_are_told),
        T(over_long_and_too_many_terms_are_told),
        T(yara_rules_share_their_text),
        T(pack_headers_are_checked),
        T(packs_are_found_or_told),
        T(links_are_refused),
        T(versions_compare),
        T(order_and_digest_do_not_depend_on_files),
        T(packs_sort_by_name),
        T(embedded_packs_equal_their_directories),
        T(lint_warns),
        T(scanners_are_checked),
        T(embedded_packs_may_lack_their_scanner),
        T(files_without_a_rule_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
