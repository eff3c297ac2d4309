/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/args.c: turns argv into operands and option values, by a command's table.
 */
#include "cli/command.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/option.h"

struct option_hit {
    const struct cli_option *option;
    const char *value;
};

struct cli_args {
    const struct cli_command *cmd;
    struct assay_arena *arena;
    struct option_hit *hits;
    size_t n_hits;
    const char **operands;
    size_t n_operands;
};

static const struct cli_option *find_in(const struct cli_option *table, const char *name,
                                        size_t len, char letter)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (letter != 0 ? table->letter == letter
                        : strlen(table->name) == len && memcmp(table->name, name, len) == 0) {
            return table;
        }
    }
    return NULL;
}

static const struct cli_option *find_option(const struct cli_command *cmd, const char *name,
                                            size_t len, char letter)
{
    const struct cli_option *o = find_in(cmd->options, name, len, letter);
    return o != NULL ? o : find_in(cli_global_options, name, len, letter);
}

int cli_usage(const struct cli_args *args, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("assay: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fprintf(stderr, "\nSee: assay %s --help\n", args->cmd->name);
    return 2;
}

static void complain_unknown(const struct cli_args *args, const char *given)
{
    const struct cli_command *cmd = args->cmd;
    const char *names[64];
    size_t n = 0;
    const struct cli_option *tables[] = {cmd->options, cli_global_options};
    for (size_t t = 0; t < 2; t++) {
        for (const struct cli_option *o = tables[t]; o != NULL && o->name != NULL && n < 63; o++) {
            names[n++] = o->name;
        }
    }
    names[n] = NULL;
    const char *near = assay_suggest(given, names);
    if (near != NULL) {
        (void)cli_usage(args, "unknown option '--%.60s', did you mean '--%s'?", given, near);
    } else {
        (void)cli_usage(args, "unknown option '--%.60s'", given);
    }
}

static int add_hit(struct cli_args *args, const struct cli_option *o, const char *value)
{
    if (o->choices != NULL && assay_choice_index(o->choices, value) < 0) {
        (void)cli_usage(args, "option '--%s' takes one of %s", o->name, o->choices);
        return -1;
    }
    for (size_t i = 0; i < args->n_hits && !o->repeats; i++) {
        if (args->hits[i].option == o) {
            (void)cli_usage(args, "option '--%s' is given twice", o->name);
            return -1;
        }
    }
    args->hits[args->n_hits++] = (struct option_hit){o, value};
    return 0;
}

/* One option at argv[*i], with its value there or in the next word. */
static int parse_option(struct cli_args *args, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    int is_long = word[1] == '-';
    const char *name = is_long ? word + 2 : word + 1;
    size_t len = is_long ? strcspn(name, "=") : 1;
    const struct cli_option *o = find_option(args->cmd, name, len, is_long ? (char)0 : name[0]);
    if (o == NULL) {
        char given[64];
        (void)snprintf(given, sizeof given, "%.*s", (int)(len < 60 ? len : 60), name);
        complain_unknown(args, given);
        return -1;
    }
    const char *rest = name + len;
    if (o->arg == NULL) {
        if (*rest != '\0') {
            (void)cli_usage(args, "option '--%s' takes no value", o->name);
            return -1;
        }
        return add_hit(args, o, "");
    }
    if (*rest != '\0') {
        return add_hit(args, o, rest + (is_long ? 1 : 0));
    }
    if (*i + 1 >= argc) {
        (void)cli_usage(args, "option '--%s' needs %s", o->name, o->arg);
        return -1;
    }
    return add_hit(args, o, argv[++*i]);
}

static int parse_words(struct cli_args *args, int argc, char **argv)
{
    int only_operands = 0;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = 1;
        } else if (only_operands || word[0] != '-' || word[1] == '\0') {
            args->operands[args->n_operands++] = word;
        } else if (parse_option(args, argc, argv, &i) != 0) {
            return -1;
        }
    }
    return 0;
}

static int check_operands(const struct cli_args *args)
{
    const struct cli_command *cmd = args->cmd;
    if (cli_given(args, "help")) {
        return 0;
    }
    if (args->n_operands < cmd->min_operands) {
        (void)cli_usage(args, "'assay %s' needs %s", cmd->name, cmd->operands);
        return -1;
    }
    if (args->n_operands > cmd->max_operands) {
        (void)cli_usage(args, "too many operands: '%.100s' is one more than 'assay %s' takes",
                        args->operands[cmd->max_operands], cmd->name);
        return -1;
    }
    return 0;
}

struct cli_args *cli_parse(const struct cli_command *cmd, int argc, char **argv)
{
    struct cli_args *args = calloc(1, sizeof *args);
    if (args == NULL) {
        return NULL;
    }
    size_t words = (size_t)argc + 1;
    args->cmd = cmd;
    args->hits = assay_alloc_array(words, sizeof *args->hits);
    args->operands = assay_alloc_array(words, sizeof *args->operands);
    args->arena = assay_arena_new((size_t)1 << 20);
    if (args->hits == NULL || args->operands == NULL || args->arena == NULL ||
        parse_words(args, argc, argv) != 0 || check_operands(args) != 0) {
        cli_args_free(args);
        return NULL;
    }
    return args;
}

void cli_args_free(struct cli_args *args)
{
    if (args != NULL) {
        free(args->hits);
        free(args->operands);
        assay_arena_free(args->arena);
        free(args);
    }
}

const char *cli_value(const struct cli_args *args, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < args->n_hits; i++) {
        if (strcmp(args->hits[i].option->name, name) == 0) {
            value = args->hits[i].value;
        }
    }
    return value;
}

int cli_given(const struct cli_args *args, const char *name)
{
    return cli_value(args, name) != NULL;
}

const char *const *cli_values(const struct cli_args *args, const char *name, size_t *ret_n)
{
    const char **values = assay_arena_array(args->arena, args->n_hits + 1, sizeof *values);
    *ret_n = 0;
    for (size_t i = 0; values != NULL && i < args->n_hits; i++) {
        if (strcmp(args->hits[i].option->name, name) == 0) {
            values[(*ret_n)++] = args->hits[i].value;
        }
    }
    return values;
}

static int check_value(const struct cli_args *args, const char *name, enum assay_status status,
                       const struct assay_error *err)
{
    return status == ASSAY_OK ? 0 : cli_usage(args, "--%s: %s", name, err->message);
}

int cli_number(const struct cli_args *args, const char *name, int64_t min, int64_t max,
               int64_t *ret)
{
    struct assay_error err = {0};
    const char *text = cli_value(args, name);
    return text == NULL ? 0
                        : check_value(args, name, assay_parse_int(text, min, max, ret, &err), &err);
}

int cli_size(const struct cli_args *args, const char *name, uint64_t *ret_bytes)
{
    struct assay_error err = {0};
    const char *text = cli_value(args, name);
    return text == NULL ? 0
                        : check_value(args, name, assay_parse_size(text, ret_bytes, &err), &err);
}

int cli_duration(const struct cli_args *args, const char *name, uint64_t *ret_ms)
{
    struct assay_error err = {0};
    const char *text = cli_value(args, name);
    return text == NULL ? 0
                        : check_value(args, name, assay_parse_duration(text, ret_ms, &err), &err);
}

size_t cli_operands(const struct cli_args *args)
{
    return args->n_operands;
}

const char *cli_operand(const struct cli_args *args, size_t i)
{
    return i < args->n_operands ? args->operands[i] : NULL;
}

const char *const *cli_operand_list(const struct cli_args *args)
{
    return args->operands;
}

/* "rules list" against argv {"rules", "list", ...}: how many words matched, 0 for none. */
static int name_words(const char *name, int argc, char **argv)
{
    int words = 0;
    while (*name != '\0') {
        size_t n = strcspn(name, " ");
        if (words >= argc || strlen(argv[words]) != n || memcmp(argv[words], name, n) != 0) {
            return 0;
        }
        words++;
        name += n + (name[n] == ' ');
    }
    return words;
}

const struct cli_command *cli_find(int argc, char **argv, int *ret_words)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        *ret_words = name_words(cli_commands[i]->name, argc, argv);
        if (*ret_words > 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}
