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

/* One row of such a table, for the macros that several tables share. */
#define CLI_OPTION(...)                                                                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define CLI_NO_OPTION    CLI_OPTION(NULL, 0, NULL, NULL, NULL, 0) /* ends a table */
#define CLI_JOBS_OPTION  CLI_OPTION("jobs", 'j', "N", NULL, "threads; default: one per CPU", 0)
#define CLI_QUIET_OPTION CLI_OPTION("no-progress", 0, NULL, NULL, "no progress line", 0)
#define CLI_TIMEOUT_OPTION                                                                         \
    CLI_OPTION("timeout", 0, "TIME", NULL, "give up after this long (10s, 5m); exit code 3", 0)
#define CLI_CONTROL_OPTION                                                                         \
    CLI_OPTION("control", 0, "SOCKET", NULL, "control socket of assayd; default: $ASSAY_CONTROL", 0)

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

/* The value of the last occurrence of an option; NULL when absent. Switches: "" when given. Text is
 * that of argv. */
const char *cli_value(const struct cli_args *args, const char *name);
int cli_given(const struct cli_args *args, const char *name); /* whether it occurs at all */
/* Values of a repeatable option, in order; *ret_n of them, borrowed. */
const char *const *cli_values(const struct cli_args *args, const char *name, size_t *ret_n);
/* Values with a type: 0, or 2 after saying what is wrong. *ret stays as it is when the option is
 * absent. */
int cli_number(const struct cli_args *args, const char *name, int64_t min, int64_t max,
               int64_t *ret);
int cli_size(const struct cli_args *args, const char *name, uint64_t *ret_bytes);
int cli_duration(const struct cli_args *args, const char *name, uint64_t *ret_ms);
/* How many operands there are; one of them, NULL past the last; all, borrowed. */
size_t cli_operands(const struct cli_args *args);
const char *cli_operand(const struct cli_args *args, size_t i);
const char *const *cli_operand_list(const struct cli_args *args);
/* "assay: sentence", and where the help of this command is, on stderr. Returns 2. */
int cli_usage(const struct cli_args *args, const char *fmt, ...) ASSAY_PRINTF(2, 3);

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
