/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/rules.c: `assay rules list|explain|test|lint`.
 */
#include "rules/ruleset.h"

#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/limits.h"
#include "core/utf8.h"
#include "rules/explain.h"
#include "rules/yara.h"

static int load(const struct cli_args *args, struct cli_setup *s)
{
    int code = cli_setup_plugins(args, s);
    return code != 0 ? code : cli_setup_rules(args, s);
}

static int print_page(struct assay_buf *page)
{
    return fwrite(assay_buf_str(page), 1, page->len, stdout) == page->len ? 0 : 3;
}

static int run_list(const struct cli_args *args)
{
    struct cli_setup s = {0};
    ASSAY_AUTO_BUF page;
    assay_buf_init(&page, ASSAY_MIB(16));
    int code = load(args, &s);
    if (code == 0) {
        assay_rules_list(s.rules, cli_chinese(args), &page);
        code = print_page(&page);
    }
    cli_setup_release(&s);
    return code;
}

/* Index of the rule an operand names; ASSAY_NONE after a sentence. */
static uint32_t find_rule(const struct assay_ruleset *rs, const char *id)
{
    uint32_t index = assay_ruleset_find(rs, id);
    if (index == ASSAY_NONE) {
        const char *near = assay_ruleset_suggest(rs, id);
        (void)fprintf(stderr, "assay: there is no rule '%.100s'%s%s%s\n", id,
                      near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
                      near != NULL ? "'?" : "; see: assay rules list");
    }
    return index;
}

static int run_explain(const struct cli_args *args)
{
    struct cli_setup s = {0};
    ASSAY_AUTO_BUF page;
    assay_buf_init(&page, ASSAY_MIB(16));
    int code = load(args, &s);
    for (size_t i = 0; code == 0 && i < cli_operands(args); i++) {
        uint32_t index = find_rule(s.rules, cli_operand(args, i));
        if (index == ASSAY_NONE) {
            code = 2;
        } else {
            assay_rule_explain(s.rules, index, cli_chinese(args), &page);
        }
    }
    code = code != 0 ? code : print_page(&page);
    cli_setup_release(&s);
    return code;
}

struct tally {
    size_t passed, failed;
};

static void report_test(void *ctx, const struct assay_rule *rule,
                        const struct assay_rule_test *test, int passed, const char *why)
{
    struct tally *t = ctx;
    t->passed += passed != 0;
    t->failed += passed == 0;
    if (!passed) {
        ASSAY_AUTO_BUF text;
        assay_buf_init(&text, (size_t)1 << 16);
        assay_utf8_escape(&text, assay_bytes_str(test->text));
        (void)printf("FAILED  %s:%u: %s: %s '%s'%s%s\n", rule->file, test->line, rule->view.id,
                     test->hit ? "should hit" : "should miss", assay_buf_str(&text),
                     why != NULL ? ": " : "", why != NULL ? why : "");
    }
}

static int test_rules(const struct cli_args *args, const struct cli_setup *s)
{
    struct tally t = {0};
    struct assay_error err = {0};
    struct assay_scratch *scratch = NULL;
    uint32_t only = ASSAY_NONE;
    if (cli_operands(args) > 0 &&
        (only = find_rule(s->rules, cli_operand(args, 0))) == ASSAY_NONE) {
        return 2;
    }
    if (assay_scratch_new(s->matcher, &scratch, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    size_t failed = assay_matcher_self_test(s->matcher, scratch, only, report_test, &t);
    assay_scratch_free(scratch);
    if (assay_yara_self_test(s->rules, only, report_test, &t, &failed, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    (void)printf("%zu passed, %zu failed\n", t.passed, t.failed);
    return failed > 0 ? 1 : 0;
}

static int run_test(const struct cli_args *args)
{
    struct cli_setup s = {0};
    int code = load(args, &s);
    code = code != 0 ? code : cli_setup_matcher(args, &s);
    code = code != 0 ? code : test_rules(args, &s);
    cli_setup_release(&s);
    return code;
}

static int run_lint(const struct cli_args *args)
{
    struct cli_setup s = {0};
    int code = load(args, &s);
    struct assay_diags *diags = cli_diags_new();
    if (diags == NULL) {
        code = 3;
    }
    if (code == 0) {
        assay_ruleset_lint(s.rules, diags);
        assay_yara_lint(s.rules, diags);
        code = cli_diags(args, diags, "mend the rules");
        (void)printf("%zu rules in %zu packs: %zu warning%s\n", assay_ruleset_count(s.rules),
                     assay_ruleset_packs(s.rules), assay_diags_warnings(diags),
                     assay_diags_warnings(diags) == 1 ? "" : "s");
    }
    assay_diags_free(diags);
    cli_setup_release(&s);
    return code;
}

static const struct cli_option rule_options[] = {CLI_RULE_OPTIONS, CLI_NO_OPTION};
static const struct cli_option test_options[] = {CLI_RULE_OPTIONS, CLI_MATCHER_OPTIONS,
                                                 CLI_NO_OPTION};

static const char *const list_examples[] = {
    "assay rules list --pack pii",
    "what one pack looks for",
    NULL,
};
static const char *const explain_examples[] = {
    "assay rules explain pii.cn.resident_id",
    "what a rule finds, how, and why it matters",
    NULL,
};
static const char *const test_examples[] = {
    "assay rules test --pack ./my-pack",
    "run the hit and miss examples of every rule of a pack",
    NULL,
};
static const char *const lint_examples[] = {
    "assay rules lint --pack ./my-pack",
    "errors and questionable style, each with its place",
    NULL,
};

const struct cli_command cli_rules_list = {
    .name = "rules list",
    .summary = "what is looked for",
    .operands = "",
    .options = rule_options,
    .examples = list_examples,
    .run = run_list,
};
const struct cli_command cli_rules_explain = {
    .name = "rules explain",
    .summary = "one rule as a page",
    .operands = "RULE...",
    .min_operands = 1,
    .max_operands = 64,
    .options = rule_options,
    .examples = explain_examples,
    .run = run_explain,
};
const struct cli_command cli_rules_test = {
    .name = "rules test",
    .summary = "run the examples inside the rules",
    .operands = "[RULE]",
    .max_operands = 1,
    .options = test_options,
    .examples = test_examples,
    .run = run_test,
};
const struct cli_command cli_rules_lint = {
    .name = "rules lint",
    .summary = "check rule packs",
    .operands = "",
    .options = rule_options,
    .examples = lint_examples,
    .run = run_lint,
};
