/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/plugin.c: `assay plugin list|check`.
 */
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/hash.h"

static const char *kind_name(enum assay_plugin_kind kind)
{
    return kind == ASSAY_PLUGIN_READER ? "reader" : "scanner";
}

static void print_options(const struct assay_plugin *p)
{
    for (const struct assay_option *o = p->options; o != NULL && o->name != NULL; o++) {
        (void)printf("           --set %s.%s=%s  %s%s%s\n", p->name, o->name,
                     o->fallback != NULL ? o->fallback : "", o->help,
                     o->choices != NULL ? "; one of " : "", o->choices != NULL ? o->choices : "");
    }
}

static void print_plugin(const struct assay_plugin *p)
{
    char hex[2 * ASSAY_SHA256_LEN + 1];
    assay_hex(p->sha256, sizeof p->sha256, hex);
    (void)printf("%-8s %-12s %-8s %s\n", kind_name(p->kind), p->name, p->version, p->summary);
    if (p->path != NULL) {
        (void)printf("           %s  sha256:%s\n", p->path, hex);
    }
    print_options(p);
}

static int run_list(const struct cli_args *args)
{
    struct cli_setup s = {0};
    int code = cli_setup_plugins(args, &s);
    for (size_t i = 0; code == 0 && i < assay_plugins_count(s.plugins); i++) {
        print_plugin(assay_plugins_get(s.plugins, i));
    }
    cli_setup_release(&s);
    return code;
}

static int run_check(const struct cli_args *args)
{
    struct assay_error err = {0};
    struct assay_plugins *ps = assay_plugins_new();
    int code = ps == NULL ? 3 : 0;
    for (size_t i = 0; ps != NULL && i < cli_operands(args); i++) {
        size_t before = assay_plugins_count(ps);
        if (assay_plugins_load_file(ps, cli_operand(args, i), &err) != ASSAY_OK) {
            code = cli_fail(&err);
            continue;
        }
        for (size_t k = before; k < assay_plugins_count(ps); k++) {
            (void)fputs("ok  ", stdout);
            print_plugin(assay_plugins_get(ps, k));
        }
    }
    assay_plugins_free(ps);
    return code;
}

static const struct cli_option list_options[] = {CLI_PLUGIN_OPTIONS, CLI_NO_OPTION};
static const struct cli_option no_options[] = {CLI_NO_OPTION};
static const char *const list_examples[] = {
    "assay plugin list",
    "readers and scanners, with their options",
    NULL,
};
static const char *const check_examples[] = {
    "assay plugin check ./wordcount.so",
    "load a plugin and say what it offers, or why it is refused",
    NULL,
};

const struct cli_command cli_plugin_list = {
    .name = "plugin list",
    .summary = "readers and scanners there are, and their options",
    .operands = "",
    .options = list_options,
    .examples = list_examples,
    .run = run_list,
};
const struct cli_command cli_plugin_check = {
    .name = "plugin check",
    .summary = "load plugins and say what they offer",
    .operands = "FILE.so...",
    .min_operands = 1,
    .max_operands = 64,
    .options = no_options,
    .examples = check_examples,
    .run = run_check,
};
