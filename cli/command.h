/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/command.h: the one table of subcommands and options, and what a subcommand gets to work with.
 *
 * What:  every subcommand is a const struct with its options, examples and a run function; the
 *        table cli_commands lists them. Parsing, help, "did you mean", the man page and shell
 *        completion all derive from it, so that none of them can be stale.
 * Rules: stdout carries only the output asked for; everything said about the work goes to stderr. A
 *        run function returns the process exit code.
 */
#ifndef ASSAY_CLI_COMMAND_H
#define ASSAY_CLI_COMMAND_H

#include "assay/base.h"

struct cli_args;

struct cli_option {
    const char *name;    /* long form without dashes; NULL ends a table */
    char letter;         /* short form; 0: none */
    const char *arg;     /* name of its argument; NULL: a switch */
    const char *choices; /* allowed values, separated by '|'; NULL: any */
    const char *help;    /* one line, no full stop */
    int repeats;         /* may be given more than once */
};

struct cli_command {
    const char *name; /* "scan", or two words: "rules list" */
    const char *summary;
    const char *operands; /* "PATH..." */
    unsigned min_operands, max_operands;
    const struct cli_option *options;
    const char *const *examples; /* pairs: command line, what it does; NULL-terminated */
    const char *notes;           /* a paragraph for help and the man page; may be NULL */
    int (*run)(const struct cli_args *args);
};

extern const struct cli_command *const cli_commands[]; /* NULL-terminated, in the order shown */
extern const struct cli_option cli_global_options[];   /* accepted by every subcommand */

/* The value of the last occurrence of an option; NULL when absent. Switches: "" when given. */
const char *cli_value(const struct cli_args *args, const char *name);
int cli_given(const struct cli_args *args, const char *name);
/* Values of a repeatable option, in order; *ret_n of them, borrowed. */
const char *const *cli_values(const struct cli_args *args, const char *name, size_t *ret_n);
size_t cli_operands(const struct cli_args *args);
const char *cli_operand(const struct cli_args *args, size_t i);
const char *const *cli_operand_list(const struct cli_args *args);

/* Parses argv[0..argc) for `cmd`. NULL after a sentence on stderr. */
struct cli_args *cli_parse(const struct cli_command *cmd, int argc, char **argv);
void cli_args_free(struct cli_args *args); /* accepts NULL */

/* Finds the subcommand that argv names; *ret_words words were its name. NULL: none. */
const struct cli_command *cli_find(int argc, char **argv, int *ret_words);
/* Pages derived from the table. */
void cli_print_help(const struct cli_command *cmd_or_null, FILE *out);
void cli_print_man(FILE *out);
int cli_print_completion(const char *shell, FILE *out); /* 0, or -1: shell not known */

#endif
