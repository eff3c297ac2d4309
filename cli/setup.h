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

/* Zeroed before the first step; what later steps fill stays NULL until then. */
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
/* `path`: a file or a built-in name; NULL: the default. */
int cli_setup_policy(const struct cli_args *args, const char *path, struct cli_setup *s);
/* Keeps only the scanners `names`, before rules are loaded. */
int cli_setup_scanners(struct cli_setup *s, const char *const *names, size_t n);
/* The private key that --key names, or the user's own. */
int cli_signing_key(const struct cli_args *args, struct assay_key **ret);
/* Public keys: those that `option` names, or else the file `otherwise` (NULL: none). Zeroed before
 * use, and released whatever loading says. */
struct cli_keys {
    struct assay_key **items;
    size_t n;
};
int cli_keys_load(const struct cli_args *args, const char *option, const char *otherwise,
                  struct cli_keys *ret);
void cli_keys_release(struct cli_keys *k);
/* Nothing is ever written inside a dataset: 2 when `target` (may be NULL) is within an operand. */
int cli_check_outside(const struct cli_args *args, const char *target);
/* Before hours of work: whether `target` (NULL: none), a file, or a directory that may have to be made
 * with those above it, can be written. 0, or 2 after saying why not; nothing is left behind. */
int cli_check_writable(const char *target, int is_dir);
/* What a path resolves to is `dir`, or is beneath it; both as realpath() gives them. */
int cli_is_within(const char *path, const char *dir);
void cli_setup_release(struct cli_setup *s);

#define CLI_PLUGIN_OPTIONS                                                                         \
    CLI_OPTION("plugin", 0, "FILE", NULL, "load a plugin (.so)", 1),                               \
        CLI_OPTION("plugin-dir", 0, "DIR", NULL, "load every plugin of a directory", 0)
#define CLI_SCANNER_OPTIONS                                                                        \
    CLI_OPTION("scanner", 0, "NAME", NULL, "run only this scanner, and the others so named", 1),   \
        CLI_OPTION("no-scanner", 0, "NAME", NULL, "leave this scanner out; the statement says so", \
                   1)
#define CLI_RULE_OPTIONS                                                                           \
    CLI_PLUGIN_OPTIONS, CLI_OPTION("pack", 'p', "PACK", NULL,                                      \
                                   "rule pack: a built-in name or a directory; default: all "      \
                                   "built in",                                                     \
                                   1)
#define CLI_MATCHER_OPTIONS                                                                        \
    CLI_OPTION("engine", 0, "NAME", "auto|vectorscan|prefilter|oracle", "multi-pattern engine",    \
               0),                                                                                 \
        CLI_OPTION("cache-dir", 0, "DIR", NULL, "where compiled rules are cached", 0),             \
        CLI_OPTION("no-cache", 0, NULL, NULL, "compile the rules afresh", 0)
#define CLI_KEY_OPTION                                                                             \
    CLI_OPTION("key", 0, "FILE", NULL,                                                             \
               "sign with this private key; default: the user's own, made on first use", 0)

#endif
