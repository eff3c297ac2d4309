/* SPDX-License-Identifier: Apache-2.0
 * Policies: the language with the exact words for each fault, and judging on integers. */
#include "tests/unit/rules/pack_fixture.h"

#include "rules/policy.h"
#include "rules/policy_expr.h"

#define RULES                                                                                      \
    "- {id: a.card, entity: CARD, category: money, title: {en: A, zh: A}, severity: critical,\n"   \
    "   detect: {pattern: x1}, tests: {hit: [x1], miss: [y]}}\n"                                   \
    "- {id: a.mail, entity: MAIL, title: {en: A, zh: A}, severity: medium,\n"                      \
    "   detect: {pattern: x2}, tests: {hit: [x2], miss: [y]}}\n"                                   \
    "- {id: a.word, scanner: toxicity, title: {en: A, zh: A}, severity: low,\n"                    \
    "   detect: {words: [bad]}, tests: {hit: [bad], miss: [y]}}\n"

enum { CARD, MAIL, WORD };

static struct assay_ruleset *rules;

static int setup(void **state)
{
    if (fixture_setup(state) != 0) {
        return -1;
    }
    put_pack(RULES);
    rules = load_p();
    return 0;
}

static int teardown(void **state)
{
    assay_ruleset_free(rules);
    return fixture_teardown(state);
}

#define POLICY_HEAD "policy: p\nversion: 1.0.0\nfail:\n"

static struct assay_policy *policy_of(const char *text, char **ret_diags)
{
    put("p.yaml", text);
    struct assay_diags *d = assay_diags_new();
    struct assay_policy *p = assay_policy_load("p.yaml", rules, d);
    *ret_diags = fixture_render(d);
    assert_int_equal(p == NULL, assay_diags_errors(d) > 0);
    assay_diags_free(d);
    return p;
}

static struct assay_policy *policy_ok(const char *text)
{
    char *diags;
    struct assay_policy *p = policy_of(text, &diags);
    assert_string_equal(diags, "");
    free(diags);
    return p;
}

static struct assay_policy *term_ok(const char *expr)
{
    char text[512];
    (void)snprintf(text, sizeof text, POLICY_HEAD "- {id: T, expr: '%s'}\n", expr);
    return policy_ok(text);
}

static void expect_policy(const char *text, const char *want)
{
    char *diags;
    struct assay_policy *p = policy_of(text, &diags);
    assert_string_equal(diags, want);
    assert_null(p);
    free(diags);
}

/* The message and the caret's column for a faulty expression. */
static void expect_expr(const char *expr, unsigned column, const char *message)
{
    char text[512], want[1024];
    (void)snprintf(text, sizeof text, POLICY_HEAD "- id: T\n  expr: '%s'\n", expr);
    char *diags;
    assert_null(policy_of(text, &diags));
    (void)snprintf(want, sizeof want, "p.yaml:5:%u: error: %s\n", column + 9, message);
    char *first_line_end = strchr(diags, '\n');
    assert_non_null(first_line_end);
    first_line_end[1] = '\0';
    assert_string_equal(diags, want);
    free(diags);
}

/* ---- judging ------------------------------------------------------------------------------- */

struct world {
    struct assay_rule_tally tally[3];
    uint64_t with[8];
    uint64_t metric_num, metric_den;
};

static uint64_t world_records(void *ctx, size_t condition)
{
    return ((struct world *)ctx)->with[condition];
}

static int world_metric(void *ctx, const char *name, uint64_t *num, uint64_t *den)
{
    struct world *w = ctx;
    *num = w->metric_num;
    *den = w->metric_den;
    return strcmp(name, "m.one") == 0;
}

static struct assay_facts facts_of(struct world *w)
{
    struct assay_facts f = {.ctx = w,
                            .rules = rules,
                            .tally = w->tally,
                            .records_with = world_records,
                            .metric = world_metric};
    f.files_total = f.files_scanned = 4;
    f.records_total = f.records_scanned = 1000;
    f.bytes_total = f.bytes_scanned = 5000;
    return f;
}

static struct assay_term_result judge_one(const char *expr, const struct assay_facts *f)
{
    struct assay_policy *p = term_ok(expr);
    struct assay_term_result r;
    enum assay_verdict v = assay_policy_judge(p, f, &r);
    assert_int_equal(v, r.ok ? ASSAY_PASS : r.known ? ASSAY_FAIL : ASSAY_INCOMPLETE);
    assay_policy_free(p);
    return r;
}

static int ok(const char *expr, const struct assay_facts *f)
{
    return judge_one(expr, f).ok;
}

static void counts_follow_conditions(void **state)
{
    (void)state;
    struct world w = {0};
    w.tally[CARD].findings[9] = 3;
    w.tally[CARD].findings[3] = 4;
    w.tally[MAIL].findings[5] = 10;
    w.tally[WORD].findings[0] = 100;
    struct assay_facts f = facts_of(&w);
    assert_true(ok("count() == 117", &f));
    assert_true(ok("count(severity >= high) == 7", &f));
    assert_true(ok("count(severity > critical) == 0", &f));
    assert_true(ok("count(severity < medium) == 100", &f));
    assert_true(ok("count(severity != medium) == 107", &f));
    assert_true(ok("count(confidence >= 0.9) == 3", &f));
    assert_true(ok("count(confidence < 0.4) == 104", &f));
    assert_true(ok("count(confidence <= 1) == 117", &f));
    assert_true(ok("count(entity == MAIL or rule == a.word) == 110", &f));
    assert_true(ok("count(entity in (MAIL, CARD) and not confidence >= 0.9) == 14", &f));
    assert_true(ok("count(entity != MAIL) == 107", &f));
    assert_true(ok("count(category == money) == 7", &f));
    assert_true(ok("count(scanner == \"toxicity\") == 100", &f));
    assert_true(ok("count(not (scanner == pii or scanner == toxicity)) == 0", &f));
    assert_true(ok("count(severity >= high or severity == medium and confidence < 0.5) == 7", &f));
    assert_true(ok("count(rule in [a.card, a.mail]) == 17", &f));
}

static void thresholds_hold_at_equality(void **state)
{
    (void)state;
    struct world w = {.with = {1}, .metric_num = 1, .metric_den = 3};
    struct assay_facts f = facts_of(&w);
    assert_true(ok("rate(entity == MAIL) <= 0.1%", &f));
    assert_false(ok("rate(entity == MAIL) < 0.1%", &f));
    assert_true(ok("rate(entity == MAIL) >= 0.001", &f));
    assert_true(ok("rate(entity == MAIL) == 0.1%", &f));
    assert_false(ok("rate(entity == MAIL) <= 0.000999", &f));
    assert_true(ok("rate(entity == MAIL) <= 0.001001", &f));
    assert_false(ok("metric(m.one) <= 0.333333", &f));
    assert_true(ok("metric(m.one) <= 0.333334", &f));
    assert_false(ok("metric(m.one) == 33.3333%", &f));
    w.metric_num = UINT64_MAX;
    w.metric_den = UINT64_MAX;
    assert_true(ok("metric(m.one) == 1", &f));
    w.metric_den = UINT64_MAX - 1;
    assert_false(ok("metric(m.one) <= 1", &f));
    assert_true(ok("metric(m.one) <= 1.000001", &f));
}

static void nothing_is_judged_as_nothing(void **state)
{
    (void)state;
    struct world w = {0};
    struct assay_facts f = facts_of(&w);
    f.records_scanned = f.records_total = f.files_total = f.files_scanned = 0;
    assert_true(ok("rate(entity == MAIL) == 0", &f));
    assert_false(ok("rate(entity == MAIL, upper95) <= 99.9999%", &f));
    assert_true(ok("coverage(records) == 100%", &f));
    assert_true(ok("coverage(files) >= 1", &f));
    assert_true(ok("metric(m.one) == 0", &f));
    struct assay_term_result r = judge_one("metric(m.two) >= 0", &f);
    assert_int_equal(r.known, 0);
    assert_int_equal(r.ok, 0);
}

/* A metric that nobody delivered cannot be judged: not as held, and not as broken either. */
static void a_metric_that_is_missing_is_incomplete(void **state)
{
    (void)state;
    struct world w = {0};
    struct assay_facts f = facts_of(&w);
    f.skipped = 0;
    static const char *const lists[] = {"fail", "warn"};
    for (int i = 0; i < 2; i++) {
        char text[256];
        struct assay_term_result r;
        (void)snprintf(text, sizeof text,
                       "policy: p\nversion: 1.0.0\ntitle: {en: P, zh: 策}\n%s:\n"
                       "  - {id: T1, expr: 'metric(m.two) >= 0'}\n",
                       lists[i]);
        struct assay_policy *p = policy_ok(text);
        assert_int_equal(assay_policy_judge(p, &f, &r), ASSAY_INCOMPLETE);
        assay_policy_free(p);
    }
}

static void coverage_is_a_share(void **state)
{
    (void)state;
    struct world w = {0};
    struct assay_facts f = facts_of(&w);
    f.files_scanned = 3;
    f.bytes_scanned = 4999;
    assert_true(ok("coverage(files) == 75%", &f));
    assert_false(ok("coverage(bytes) >= 100%", &f));
    assert_true(ok("coverage(bytes) >= 99.98%", &f));
    assert_true(ok("coverage(records) >= 100%", &f));
}

static void verdicts_rank_fail_incomplete_warn(void **state)
{
    (void)state;
    struct assay_policy *p =
        policy_ok("policy: p\nversion: 1.0.0\ntitle: T\n"
                  "fail:\n- {id: F, expr: 'count(severity >= high) == 0'}\n"
                  "warn:\n- {id: W, expr: 'count() == 0', note: {en: n, zh: 注}}\n");
    struct world w = {0};
    struct assay_facts f = facts_of(&w);
    struct assay_term_result r[2];
    assert_int_equal(assay_policy_terms(p), 2);
    assert_int_equal(assay_policy_judge(p, &f, r), ASSAY_PASS);
    w.tally[WORD].findings[9] = 1;
    assert_int_equal(assay_policy_judge(p, &f, r), ASSAY_WARN);
    assert_true(r[0].ok && !r[1].ok && r[1].is_warn);
    assert_string_equal(r[1].id, "W");
    assert_string_equal(r[1].expr, "count() == 0");
    assert_string_equal(r[1].note_zh, "注");
    assert_int_equal(r[1].num, 1);
    assert_int_equal(r[1].den, 1);
    f.skipped = 1;
    assert_int_equal(assay_policy_judge(p, &f, r), ASSAY_INCOMPLETE);
    w.tally[CARD].findings[9] = 1;
    assert_int_equal(assay_policy_judge(p, &f, r), ASSAY_FAIL);
    assert_int_equal(r[0].limit_millionths, 0);
    assay_policy_free(p);
    assert_string_equal(assay_verdict_name(ASSAY_INCOMPLETE), "INCOMPLETE");
    assert_int_equal(assay_verdict_exit(ASSAY_PASS), 0);
    assert_int_equal(assay_verdict_exit(ASSAY_WARN), 0);
    assert_int_equal(assay_verdict_exit(ASSAY_FAIL), 1);
    assert_int_equal(assay_verdict_exit(ASSAY_INCOMPLETE), 3);
}

static void equal_conditions_are_one(void **state)
{
    (void)state;
    struct assay_policy *p = policy_ok(
        POLICY_HEAD "- {id: A, expr: 'rate(entity == MAIL) <= 1%'}\n"
                    "- {id: B, expr: 'rate(rule == a.mail, upper95) <= 2%'}\n"
                    "- {id: C, expr: 'rate(entity == MAIL and confidence >= 0.5) <= 1%'}\n");
    assert_int_equal(assay_policy_conditions(p), 2);
    const uint16_t *any = assay_policy_condition(p, 0), *likely = assay_policy_condition(p, 1);
    assert_int_equal(any[MAIL], 0x3ff);
    assert_int_equal(any[CARD], 0);
    assert_int_equal(likely[MAIL], 0x3e0);
    assert_null(assay_policy_condition(p, 2));
    assay_policy_free(p);
}

/* Expected values: the closed form evaluated with 50 digits, rounded up. */
static void the_wilson_bound_is_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t x, n, want;
    } rows[] = {
        {0ULL, 1ULL, 730135},
        {0ULL, 10ULL, 212942},
        {0ULL, 300ULL, 8938},
        {0ULL, 4000ULL, 676},
        {1ULL, 4000ULL, 1120},
        {3ULL, 200ULL, 36937},
        {120ULL, 4000ULL, 34765},
        {160ULL, 4000ULL, 45416},
        {999ULL, 1000ULL, 999777},
        {1ULL, 1000000007ULL, 1},
        {123456789ULL, 1000000000000ULL, 124},
        {5ULL, 1000000000000000ULL, 1},
        {4611686018427387904ULL, 9223372036854775808ULL, 500001},
        {18446744073709551614ULL, 18446744073709551615ULL, 1000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(assay_wilson_upper95(rows[i].x, rows[i].n), rows[i].want);
    }
    struct world w = {.with = {0}};
    struct assay_facts f = facts_of(&w);
    f.records_scanned = 4000;
    assert_true(ok("rate(entity == MAIL, upper95) <= 0.0677%", &f));
    assert_false(ok("rate(entity == MAIL, upper95) <= 0.0675%", &f));
    struct assay_term_result r = judge_one("rate(entity == MAIL, upper95) <= 1%", &f);
    assert_int_equal(r.den, 1000000);
}

/* ---- faults -------------------------------------------------------------------------------- */

static void faults_point_into_the_expression(void **state)
{
    (void)state;
    expect_expr("cuont() == 0", 1, "unknown function 'cuont', did you mean 'count'?");
    expect_expr("count(severty >= high) == 0", 7,
                "unknown field 'severty', did you mean 'severity'?");
    expect_expr("count(severity >= hihg) == 0", 19,
                "unknown severity 'hihg', did you mean 'high'?");
    expect_expr("count(severity high) == 0", 16, "'high' stands where a comparison is wanted");
    expect_expr("count(entity == MIAL) == 0", 17,
                "no loaded rule has entity 'MIAL', did you mean 'MAIL'?");
    expect_expr("count(category in (money, monye)) == 0", 27,
                "no loaded rule has category 'monye', did you mean 'money'?");
    expect_expr("count(entity <= MAIL) == 0", 14, "'<=' stands where '==', '!=' or 'in' is wanted");
    expect_expr("count(entity == ) == 0", 17, "')' stands where a name is wanted");
    expect_expr("count(confidence > 0.9) == 0", 20,
                "confidence is kept in tenths: compare with '>=' or '<' and 0.1, 0.2 ... 0.9");
    expect_expr("count(confidence >= 0.85) == 0", 21,
                "confidence is kept in tenths: compare with '>=' or '<' and 0.1, 0.2 ... 0.9");
    expect_expr("count() == 0.5", 12,
                "count() is a number of findings: compare it with a whole number");
    expect_expr("count() == 5%", 12,
                "count() is a number of findings: compare it with a whole number");
    expect_expr("rate(entity == MAIL) <= 5", 25,
                "rate() is a share: compare it with a number from 0 to 1 or 0% to 100%");
    expect_expr("rate(entity == MAIL, upper99) <= 1%", 22,
                "unknown rate option 'upper99', did you mean 'upper95'?");
    expect_expr("rate() <= 1%", 6, "')' stands where a field is wanted");
    expect_expr("coverage(file) == 1", 10,
                "unknown kind of coverage 'file', did you mean 'files'?");
    expect_expr("metric(1) == 1", 8, "'1' stands where the name of a metric is wanted");
    expect_expr("count() = 0", 9, "'=' stands where a comparison is wanted");
    expect_expr("count() == 0.1234567", 12, "malformed number: at most 12 digits and 6 decimals");
    expect_expr("metric(m) <= 1.23456%", 14, "malformed number: at most 12 digits and 4 decimals");
    expect_expr("count() == 1.", 12, "malformed number: at most 12 digits and 6 decimals");
    expect_expr("count() == 1.2.3", 12, "malformed number: at most 12 digits and 6 decimals");
    expect_expr("count() == 0 0", 14, "'0' stands where the end of the expression is wanted");
    expect_expr("count() ==", 11, "the expression ends where a number is wanted");
    expect_expr("count(not) == 0", 10, "')' stands where a field is wanted");
    expect_expr("count(entity == \"MAIL) == 0", 17, "'\"' stands where a name is wanted");
    expect_expr("new(severity >= high) == 0", 1, "new() is reserved for a later version");
    expect_expr("drift(/label) <= 0.1", 1, "drift() is reserved for a later version");
    expect_expr("", 1, "the expression ends where a function is wanted");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char expr[400] = "count(";
    for (int i = 0; i < 40; i++) {
        memcpy(expr + 6 + 4 * i, "not ", 5);
    }
    memcpy(expr + 6 + 160, "entity == MAIL) == 0", 21);
    expect_expr(expr, 7 + 4 * 32, "'not' stands where a less deeply nested condition is wanted");
}

static void all_faults_of_a_policy_show_at_once(void **state)
{
    (void)state;
    expect_policy("policy: p\n"
                  "titel: x\n"
                  "fail:\n"
                  "  - {id: A, expr: 'count(severity >= hihg) == 0'}\n"
                  "  - {id: A, expr: 'count() == 0'}\n"
                  "  - {id: 'b c', exp: x}\n"
                  "warn: x\n",
                  "p.yaml:1:1: error: missing key 'version' in policy\n"
                  "   1 | policy: p\n"
                  "     | ^\n"
                  "p.yaml:2:1: error: unknown policy key 'titel', did you mean 'title'?\n"
                  "   2 | titel: x\n"
                  "     | ^~~~~\n"
                  "p.yaml:4:38: error: unknown severity 'hihg', did you mean 'high'?\n"
                  "   4 |   - {id: A, expr: 'count(severity >= hihg) == 0'}\n"
                  "     |                                      ^~~~\n"
                  "p.yaml:5:10: error: term id 'A' is taken: line 4\n"
                  "   5 |   - {id: A, expr: 'count() == 0'}\n"
                  "     |          ^\n"
                  "p.yaml:6:5: error: missing key 'expr' in term\n"
                  "   6 |   - {id: 'b c', exp: x}\n"
                  "     |     ^\n"
                  "p.yaml:6:10: error: id: letters, digits, '.', '_' and '-' are wanted\n"
                  "   6 |   - {id: 'b c', exp: x}\n"
                  "     |          ^~~~~\n"
                  "p.yaml:6:17: error: unknown term key 'exp', did you mean 'expr'?\n"
                  "   6 |   - {id: 'b c', exp: x}\n"
                  "     |                 ^~~\n"
                  "p.yaml:7:7: error: a list of terms is wanted\n"
                  "   7 | warn: x\n"
                  "     |       ^\n");
}

static void files_and_names(void **state)
{
    (void)state;
    struct assay_diags *d = assay_diags_new();
    assert_null(assay_policy_load("defualt", rules, d));
    assert_null(assay_policy_load("./none.yaml", rules, d));
    put("empty.yaml", "# nothing\n");
    assert_null(assay_policy_load("empty.yaml", rules, d));
    put("reserved.yaml", "policy: p\nversion: 1.0.0\nrules: [x]\n");
    assert_null(assay_policy_load("reserved.yaml", rules, d));
    char *text = fixture_render(d);
    assert_string_equal(
        text, "error: no policy 'defualt': neither built in nor a file, did you mean 'default'?\n"
              "error: ./none.yaml: cannot open: No such file or directory\n"
              "empty.yaml: error: empty policy\n"
              "reserved.yaml:3:8: error: 'rules' is reserved for a later version\n"
              "   3 | rules: [x]\n"
              "     |        ^\n");
    free(text);
    assay_diags_free(d);
}

static void embedded_policies_load_with_any_rules(void **state)
{
    (void)state;
    const char *const *names = assay_policy_embedded();
    assert_string_equal(names[0], "default");
    assert_string_equal(names[1], "first-delivery");
    assert_string_equal(names[2], "observe");
    assert_null(names[3]);
    for (size_t i = 0; names[i] != NULL; i++) {
        struct assay_diags *d = assay_diags_new();
        struct assay_policy *p = assay_policy_load(names[i], rules, d);
        assert_non_null(p);
        assert_string_equal(assay_policy_name(p), names[i]);
        assert_string_equal(assay_policy_version(p), "1.0.0");
        assert_true(assay_policy_text(p).len > 100);
        assay_policy_free(p);
        p = assay_policy_load(i == 0 ? NULL : names[i], NULL, d);
        assert_non_null(p);
        assay_policy_free(p);
        assay_diags_free(d);
    }
}

static void the_default_policy_judges(void **state)
{
    (void)state;
    struct assay_diags *d = assay_diags_new();
    struct assay_policy *p = assay_policy_load("observe", rules, d);
    struct world w = {.with = {500}};
    struct assay_facts f = facts_of(&w);
    struct assay_term_result r[8];
    w.tally[CARD].findings[9] = 1000;
    assert_int_equal(assay_policy_judge(p, &f, r), ASSAY_PASS);
    assay_policy_free(p);
    p = assay_policy_load(NULL, rules, d);
    assert_int_equal(assay_policy_judge(p, &f, r), ASSAY_FAIL);
    assert_false(r[0].ok);
    assay_policy_free(p);
    assay_diags_free(d);
}

static void the_digest_is_of_the_bytes(void **state)
{
    (void)state;
    struct assay_policy *p = term_ok("count() == 0");
    uint8_t want[32];
    struct assay_bytes text = assay_policy_text(p);
    assert_int_equal(assay_sha256_of(text.ptr, text.len, want), ASSAY_OK);
    assert_memory_equal(assay_policy_sha256(p), want, 32);
    assay_policy_free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(counts_follow_conditions),
        T(thresholds_hold_at_equality),
        T(nothing_is_judged_as_nothing),
        T(a_metric_that_is_missing_is_incomplete),
        T(coverage_is_a_share),
        T(verdicts_rank_fail_incomplete_warn),
        T(equal_conditions_are_one),
        T(the_wilson_bound_is_exact),
        T(faults_point_into_the_expression),
        T(nesting_is_bounded),
        T(all_faults_of_a_policy_show_at_once),
        T(files_and_names),
        T(embedded_policies_load_with_any_rules),
        T(the_default_policy_judges),
        T(the_digest_is_of_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
