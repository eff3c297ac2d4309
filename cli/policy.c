/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/policy.c: `assay policy lint|show`.
 */
#include "rules/policy.h"

#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/hash.h"

static int load(const struct cli_args *args, const char *path, struct cli_setup *s)
{
    int code = cli_setup_plugins(args, s);
    code = code != 0 ? code : cli_setup_rules(args, s);
    return code != 0 ? code : cli_setup_policy(args, path, s);
}

static int run_lint(const struct cli_args *args)
{
    int worst = 0;
    for (size_t i = 0; i < cli_operands(args); i++) {
        struct cli_setup s = {0};
        int code = load(args, cli_operand(args, i), &s);
        if (code == 0) {
            (void)printf("ok  %s  %s %s, %zu terms\n", cli_operand(args, i),
                         assay_policy_name(s.policy), assay_policy_version(s.policy),
                         assay_policy_terms(s.policy));
        }
        worst = code > worst ? code : worst;
        cli_setup_release(&s);
    }
    return worst;
}

static int run_show(const struct cli_args *args)
{
    if (cli_operand(args, 0) == NULL && cli_given(args, "list")) {
        for (const char *const *name = assay_policy_embedded(); *name != NULL; name++) {
            (void)puts(*name);
        }
        return 0;
    }
    struct cli_setup s = {0};
    int code = load(args, cli_operand(args, 0), &s);
    if (code == 0) {
        char hex[2 * ASSAY_SHA256_LEN + 1];
        struct assay_bytes text = assay_policy_text(s.policy);
        assay_hex(assay_policy_sha256(s.policy), ASSAY_SHA256_LEN, hex);
        (void)printf("# %s %s  sha256:%s\n", assay_policy_name(s.policy),
                     assay_policy_version(s.policy), hex);
        code = fwrite(text.ptr, 1, text.len, stdout) == text.len ? 0 : 3;
    }
    cli_setup_release(&s);
    return code;
}

static const struct cli_option lint_options[] = {CLI_RULE_OPTIONS, CLI_NO_OPTION};
static const struct cli_option show_options[] = {
    {"list", 0, NULL, NULL, "names of the built-in policies", 0},
    CLI_RULE_OPTIONS,
    CLI_NO_OPTION,
};
static const char *const lint_examples[] = {
    "assay policy lint gate.yaml",
    "every error of a policy file, with its place",
    NULL,
};
static const char *const show_examples[] = {
    "assay policy show",
    "the policy that is used when none is given",
    NULL,
};

const struct cli_command cli_policy_lint = {
    .name = "policy lint",
    .summary = "check policy files",
    .operands = "FILE...",
    .min_operands = 1,
    .max_operands = 256,
    .options = lint_options,
    .examples = lint_examples,
    .run = run_lint,
};
const struct cli_command cli_policy_show = {
    .name = "policy show",
    .summary = "print a policy: the default, a built-in one, or a file",
    .operands = "[POLICY]",
    .max_operands = 1,
    .options = show_options,
    .examples = show_examples,
    .run = run_show,
};
