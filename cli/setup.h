/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/setup.h: plugins, rules, matcher and policy, as the common options ask for them.
 */
#ifndef ASSAY_CLI_SETUP_H
#define ASSAY_CLI_SETUP_H

#include "cli/command.h"
#include "engine/plugins.h"
#include "reports/keys.h"
#include "rules/matcher.h"
#include "rules/policy.h"

struct cli_setup {
    struct assay_plugins *plugins;
    struct assay_ruleset *rules;
    struct assay_matcher *matcher;
    struct assay_policy *policy;
};

/* Each step needs the ones before it; returns 0, or the exit code after saying why on stderr. */
int cli_setup_plugins(const struct cli_args *args, struct cli_setup *s);
int cli_setup_rules(const struct cli_args *args, struct cli_setup *s);
int cli_setup_matcher(const struct cli_args *args, struct cli_setup *s);
int cli_setup_policy(const struct cli_args *args, const char *path, struct cli_setup *s);
/* The private key that --key names, or the user's own. */
int cli_signing_key(const struct cli_args *args, struct assay_key **ret);
/* Nothing is ever written inside a dataset: 2 when `target` (may be NULL) is within an operand. */
int cli_check_outside(const struct cli_args *args, const char *target);
void cli_setup_release(struct cli_setup *s);

#define CLI_PLUGIN_OPTIONS                                                                         \
    {"plugin", 0, "FILE", NULL, "load a plugin (.so)", 1},                                         \
    {                                                                                              \
        "plugin-dir", 0, "DIR", NULL, "load every plugin of a directory", 0                        \
    }
#define CLI_SCANNER_OPTIONS                                                                        \
    {"scanner", 0, "NAME", NULL, "run only this scanner, and the others so named", 1},             \
    {                                                                                              \
        "no-scanner", 0, "NAME", NULL, "leave this scanner out; the statement says so", 1          \
    }
#define CLI_RULE_OPTIONS                                                                           \
    CLI_PLUGIN_OPTIONS,                                                                            \
    {                                                                                              \
        "pack", 'p', "PACK", NULL,                                                                 \
            "rule pack: a built-in name or a directory; default: all built in", 1                  \
    }
#define CLI_MATCHER_OPTIONS                                                                        \
    {"engine", 0, "NAME", "auto|vectorscan|prefilter|oracle", "multi-pattern engine", 0},          \
        {"cache-dir", 0, "DIR", NULL, "where compiled rules are cached", 0},                       \
    {                                                                                              \
        "no-cache", 0, NULL, NULL, "compile the rules afresh", 0                                   \
    }
#define CLI_NO_OPTION                                                                              \
    {                                                                                              \
        NULL, 0, NULL, NULL, NULL, 0                                                               \
    }

#endif
