/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/pages.c: help, the man page and shell completion, all read off the command table.
 */
#include "cli/command.h"

#include "cli/term.h"
#include "config.h"

#define EXIT_CODES(XX)                                                                             \
    XX("0", "the audit passed (PASS or WARN); verification succeeded")                             \
    XX("1", "the policy failed (FAIL)")                                                            \
    XX("2", "usage, configuration or rule error; nothing matched")                                 \
    XX("3",                                                                                        \
       "the audit is INCOMPLETE: something was not scanned; or its outcome could not be written")  \
    XX("4", "there is no report yet")                                                              \
    XX("5", "verification failed")                                                                 \
    XX("6", "the daemon is not reachable")                                                         \
    XX("130", "interrupted")

#define HELP_LEFT 33 /* where help on an option begins */
#define HELP_MIN  60
#define HELP_MAX  100

/* Lines no longer than this; a pipe, to a pager, has no width of its own. */
static size_t help_width(FILE *out)
{
    const unsigned columns = cli_columns(out);
    return columns == 0 || columns > HELP_MAX ? HELP_MAX : columns < HELP_MIN ? HELP_MIN : columns;
}

/* Words of `text` from column `at` on, further lines from column `indent` on. */
static void print_words(const char *text, size_t at, size_t indent, FILE *out)
{
    const size_t width = help_width(out);
    size_t column = at;
    while (*text != '\0') {
        const size_t len = strcspn(text, " ");
        const int first = column == at || column == indent;
        if (!first && column + 1 + len > width) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fwrite(text, 1, len, out);
        column += len;
        text += len + (text[len] == ' ');
    }
    (void)fputc('\n', out);
}

static void print_options(const struct cli_option *o, FILE *out)
{
    for (; o != NULL && o->name != NULL; o++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s%.1s%s--%s%s%s", o->letter ? "-" : "  ",
                       o->letter ? (const char[]){o->letter, 0} : "", o->letter ? ", " : "  ",
                       o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        char help[512];
        (void)snprintf(help, sizeof help, "%s%s%s%s", o->help, o->choices != NULL ? " (" : "",
                       o->choices != NULL ? o->choices : "", o->choices != NULL ? ")" : "");
        (void)fprintf(out, "  %-30s ", left);
        const size_t used = strlen(left) + 3;
        print_words(help, used > HELP_LEFT ? used : HELP_LEFT, HELP_LEFT, out);
    }
}

static void print_overview(FILE *out)
{
    (void)fputs(
        "assay: audit datasets, judge them by a policy, sign what was seen\n\n"
        "Examples:\n"
        "  assay scan ./delivery                        audit a directory with the defaults\n"
        "  assay scan ./delivery --out report           and keep a signed report\n"
        "  assay verify report/statement.dsse.json --dataset ./delivery\n\n"
        "Commands:\n",
        out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        (void)fprintf(out, "  %-16s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    }
    (void)fputs("\nOptions of every command:\n", out);
    print_options(cli_global_options, out);
    (void)fputs("\nExit codes:\n", out);
#define ROW(code, text) (void)fprintf(out, "  %-4s %s\n", code, text);
    EXIT_CODES(ROW)
#undef ROW
    (void)fputs("\nassay COMMAND --help shows examples and every option.\n", out);
}

void cli_print_help(const struct cli_command *cmd, FILE *out)
{
    if (cmd == NULL) {
        print_overview(out);
        return;
    }
    (void)fprintf(out, "assay %s: %s\n\nExamples:\n", cmd->name, cmd->summary);
    for (const char *const *e = cmd->examples; e != NULL && e[0] != NULL; e += 2) {
        (void)fprintf(out, "  %s\n      ", e[0]);
        print_words(e[1], 6, 6, out);
    }
    (void)fprintf(out, "\nUsage:\n  assay %s [options] %s\n", cmd->name, cmd->operands);
    if (cmd->options != NULL && cmd->options->name != NULL) {
        (void)fputs("\nOptions:\n", out);
        print_options(cmd->options, out);
    }
    (void)fputs("\nOptions of every command:\n", out);
    print_options(cli_global_options, out);
    if (cmd->notes != NULL) {
        (void)fputc('\n', out);
        print_words(cmd->notes, 0, 0, out);
    }
}

/* mdoc text: a leading dot or quote is a request, a backslash an escape. */
static void man_text(const char *s, FILE *out)
{
    if (*s == '.' || *s == '\'') {
        (void)fputs("\\&", out);
    }
    for (char before = '\0'; *s != '\0'; before = *s++) {
        if (*s == '\\') {
            (void)fputs("\\e", out);
        } else if (*s == '-') {
            (void)fputs("\\-", out);
        } else if (*s == ' ' && before == '.') { /* each sentence on its own line */
            (void)fputc('\n', out);
        } else {
            (void)fputc(*s, out);
        }
    }
    (void)fputc('\n', out);
}

static void man_options(const struct cli_option *o, FILE *out)
{
    if (o == NULL || o->name == NULL) {
        return;
    }
    (void)fputs(".Bl -tag -width Ds\n", out);
    for (; o->name != NULL; o++) {
        (void)fputs(".It ", out);
        if (o->letter != 0) {
            (void)fprintf(out, "Fl %c , ", o->letter);
        }
        (void)fprintf(out, "Fl \\-%s%s%s\n", o->name, o->arg ? " Ar " : "", o->arg ? o->arg : "");
        man_text(o->help, out);
        if (o->choices != NULL) {
            (void)fputs("One of\n", out);
            man_text(o->choices, out);
        }
    }
    (void)fputs(".El\n", out);
}

static void man_command(const struct cli_command *cmd, FILE *out)
{
    (void)fprintf(out, ".Ss assay %s Op Ar options ", cmd->name);
    (void)fprintf(out, "%s\n", cmd->operands);
    man_text(cmd->summary, out);
    man_options(cmd->options, out);
    if (cmd->notes != NULL) {
        (void)fputs(".Pp\n", out);
        man_text(cmd->notes, out);
    }
}

static void man_examples(FILE *out)
{
    const char *paragraph = "";
    (void)fputs(".Sh EXAMPLES\n", out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        for (const char *const *e = cli_commands[i]->examples; e != NULL && e[0] != NULL; e += 2) {
            (void)fputs(paragraph, out);
            paragraph = ".Pp\n";
            man_text(e[1], out);
            (void)fputs(".Dl ", out);
            man_text(e[0], out);
        }
    }
}

void cli_print_man(FILE *out)
{
    (void)fputs(".\\\" Generated from the command table: assay man > docs/assay.1\n"
                ".Dd November 23, 2026\n.Dt ASSAY 1\n.Os\n.Sh NAME\n.Nm assay\n"
                ".Nd audit datasets, judge them by a policy, sign what was seen\n"
                ".Sh SYNOPSIS\n.Nm assay\n.Ar command\n.Op Ar options\n.Op Ar operands\n"
                ".Sh DESCRIPTION\n.Nm\nfolds scanners for personal data, secrets, toxic language, "
                "duplicates and damaged files over every\nrecord of a dataset, judges the result "
                "against a policy and signs a reproducible statement of it.\n"
                "It works offline.\nNothing is ever written inside a dataset.\n"
                ".Sh COMMANDS\n",
                out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        man_command(cli_commands[i], out);
    }
    (void)fputs(".Ss Options of every command\n", out);
    man_options(cli_global_options, out);
    (void)fputs(".Sh FILES\n.Bl -tag -width Ds\n"
                ".It Pa ~/.config/assay/keys/default.pem\nThe signing key, made on first use.\n"
                ".It Pa ~/.config/assay/keys/fingerprint.key\nThe secret that keys fingerprints.\n"
                ".It Pa ~/.cache/assay\nCompiled rules.\n.El\n",
                out);
    (void)fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
#define ROW(code, text) (void)fprintf(out, ".It %s\n%s\n", code, text);
    EXIT_CODES(ROW)
#undef ROW
    (void)fputs(".El\n", out);
    man_examples(out);
    (void)fputs(
        ".Sh SEE ALSO\n.Xr sha256sum 1 ,\n.Xr assay-rules 5 ,\n.Xr assayd.yaml 5 ,\n.Xr assayd 8\n",
        out);
}

static void option_words(const struct cli_option *o, FILE *out)
{
    for (; o != NULL && o->name != NULL; o++) {
        (void)fprintf(out, " --%s", o->name);
    }
}

static void complete_bash(FILE *out)
{
    (void)fputs("# bash completion for assay\n_assay() {\n"
                "  local cur=${COMP_WORDS[COMP_CWORD]} cmd=${COMP_WORDS[1]} "
                "two=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" words=\n"
                "  case \"$two\" in\n",
                out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        (void)fprintf(out, "    \"%s%s) words=\"", cli_commands[i]->name,
                      strchr(cli_commands[i]->name, ' ') ? "\"" : " \"*");
        option_words(cli_commands[i]->options, out);
        option_words(cli_global_options, out);
        (void)fputs("\" ;;\n", out);
    }
    (void)fputs("  esac\n  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"", out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        (void)fprintf(out, " %.*s", (int)strcspn(cli_commands[i]->name, " "),
                      cli_commands[i]->name);
    }
    (void)fputs("\"; fi\n  if [ \"$COMP_CWORD\" -eq 2 ]; then case \"$cmd\" in\n", out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const char *space = strchr(cli_commands[i]->name, ' ');
        if (space != NULL) {
            (void)fprintf(out, "    %.*s) words=\"$words %s\" ;;&\n",
                          (int)(space - cli_commands[i]->name), cli_commands[i]->name, space + 1);
        }
    }
    (void)fputs("    *) ;;\n  esac; fi\n"
                "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n}\n"
                "complete -o filenames -F _assay assay\n",
                out);
}

static void complete_zsh(FILE *out)
{
    (void)fputs("#compdef assay\nautoload -U bashcompinit && bashcompinit\n", out);
    complete_bash(out);
}

static void complete_fish(FILE *out)
{
    (void)fputs("# fish completion for assay\n", out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        const char *name = cli_commands[i]->name;
        const char *space = strchr(name, ' ');
        int first = (int)strcspn(name, " ");
        if (space == NULL) {
            (void)fprintf(out, "complete -c assay -n __fish_use_subcommand -a %s -d '%s'\n", name,
                          cli_commands[i]->summary);
        } else {
            (void)fprintf(out, "complete -c assay -n __fish_use_subcommand -a %.*s\n", first, name);
            (void)fprintf(out,
                          "complete -c assay -n '__fish_seen_subcommand_from %.*s' -a %s -d '%s'\n",
                          first, name, space + 1, cli_commands[i]->summary);
        }
        for (const struct cli_option *o = cli_commands[i]->options; o != NULL && o->name != NULL;
             o++) {
            (void)fprintf(out, "complete -c assay -n '__fish_seen_subcommand_from %.*s' -l %s%s\n",
                          first, name, o->name, o->arg != NULL ? " -r" : "");
        }
    }
}

int cli_print_completion(const char *shell, FILE *out)
{
    static const struct {
        const char *shell;
        void (*print)(FILE *out);
    } shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].print(out);
            return 0;
        }
    }
    return -1;
}
