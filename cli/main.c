/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/main.c: `assay`: finds the subcommand, parses by its table, runs it.
 */
#include <signal.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "core/option.h"

#define DECLARE(cmd) extern const struct cli_command cmd;
CLI_COMMANDS(DECLARE)
#undef DECLARE

#define ROW(cmd) &cmd,
const struct cli_command *const cli_commands[] = {CLI_COMMANDS(ROW) NULL};
#undef ROW

const struct cli_option cli_global_options[] = {
    {"help", 'h', NULL, NULL, "show help and examples", 0},
    {"quiet", 'q', NULL, NULL, "say nothing on stderr but errors", 0},
    {"color", 0, "WHEN", "auto|always|never", "colours; NO_COLOR is honoured", 0},
    {"lang", 0, "LANG", "en|zh", "language of reports; default: from the locale", 0},
    {NULL, 0, NULL, NULL, NULL, 0},
};

/* What did not reach standard output was not said: success would be a lie. */
static int close_stdout(int code)
{
    const int bad = ferror(stdout);
    if ((fflush(stdout) == 0 && !bad) || code != 0) {
        return code;
    }
    (void)fputs("assay: cannot write to standard output\n", stderr);
    return 3;
}

static int run_command(const struct cli_command *cmd, int argc, char **argv)
{
    struct cli_args *args = cli_parse(cmd, argc, argv);
    if (args == NULL) {
        return 2;
    }
    int code = 0;
    if (cli_given(args, "help")) {
        cli_print_help(cmd, stdout);
    } else {
        code = cmd->run(args);
    }
    cli_args_free(args);
    return close_stdout(code);
}

static int unknown_command(const char *word)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; cli_commands[i] != NULL && n < 63; i++) {
        names[n++] = cli_commands[i]->name;
    }
    names[n] = NULL;
    const char *near = assay_suggest(word, names);
    (void)fprintf(stderr, "assay: there is no command or path '%.100s'", word);
    if (near != NULL) {
        (void)fprintf(stderr, ", did you mean 'assay %s'?", near);
    }
    (void)fputs("\nSee: assay --help\n", stderr);
    return 2;
}

/* "assay rules": list the commands that begin so. */
static int list_family(const char *word, const char *next)
{
    int found = 0;
    char question[160] = "Which one?\n";
    if (next != NULL && next[0] != '-') {
        (void)snprintf(question, sizeof question,
                       "assay: there is no command '%.40s %.60s'. There is:\n", word, next);
    }
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const char *name = cli_commands[i]->name;
        size_t len = strlen(word);
        if (strncmp(name, word, len) == 0 && name[len] == ' ') {
            (void)fprintf(stderr, "%s  assay %-16s %s\n", found ? "" : question, name,
                          cli_commands[i]->summary);
            found = 1;
        }
    }
    return found;
}

int main(int argc, char **argv)
{
    int words = 0;
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_help(NULL, argc < 2 ? stderr : stdout);
        return close_stdout(argc < 2 ? 2 : 0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = (char *)(uintptr_t) "version";
    }
    const struct cli_command *cmd = cli_find(argc - 1, argv + 1, &words);
    if (cmd != NULL) {
        return run_command(cmd, argc - 1 - words, argv + 1 + words);
    }
    if (list_family(argv[1], argc > 2 ? argv[2] : NULL)) {
        return 2;
    }
    /* A path by itself is scanned. */
    if (argv[1][0] != '-' && access(argv[1], F_OK) == 0) {
        cmd = cli_commands[0];
        return run_command(cmd, argc - 1, argv + 1);
    }
    return unknown_command(argv[1]);
}
