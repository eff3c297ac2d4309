/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/meta.c: the subcommands that speak about the command line itself: help, version, man,
 * completion.
 */
#include "cli/command.h"
#include "cli/setup.h"
#include "config.h"

static int run_help(const struct cli_args *args)
{
    int words;
    char *argv[2] = {(char *)(uintptr_t)cli_operand(args, 0),
                     (char *)(uintptr_t)cli_operand(args, 1)};
    const struct cli_command *cmd = cli_find((int)cli_operands(args), argv, &words);
    cli_print_help(cmd, stdout);
    return 0;
}

static int run_version(const struct cli_args *args)
{
    (void)args;
    (void)printf("assay %s\n", PACKAGE_VERSION);
    return 0;
}

static int run_man(const struct cli_args *args)
{
    (void)args;
    cli_print_man(stdout);
    return 0;
}

static int run_completion(const struct cli_args *args)
{
    if (cli_print_completion(cli_operand(args, 0), stdout) != 0) {
        (void)fputs("assay: completion knows bash, zsh and fish\n", stderr);
        return 2;
    }
    return 0;
}

static const struct cli_option no_options[] = {CLI_NO_OPTION};
static const char *const completion_examples[] = {
    "assay completion bash > /etc/bash_completion.d/assay",
    "install completion for bash",
    NULL,
};

const struct cli_command cli_help = {
    .name = "help",
    .summary = "help on a command",
    .operands = "[COMMAND]",
    .max_operands = 2,
    .options = no_options,
    .run = run_help,
};
const struct cli_command cli_version = {
    .name = "version",
    .summary = "print the version",
    .operands = "",
    .options = no_options,
    .run = run_version,
};
const struct cli_command cli_man = {
    .name = "man",
    .summary = "print this manual page's source (mdoc)",
    .operands = "",
    .options = no_options,
    .run = run_man,
};
const struct cli_command cli_completion = {
    .name = "completion",
    .summary = "print shell completion for bash, zsh or fish",
    .operands = "SHELL",
    .min_operands = 1,
    .max_operands = 1,
    .options = no_options,
    .examples = completion_examples,
    .run = run_completion,
};
