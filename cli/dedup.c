/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/dedup.c: `assay dedup`: what is there more than once, and the list of what to keep or drop.
 *
 * What:  an audit by the scanners that know of copies (duplicates, images) and no other, judged by
 *        nobody: a short table of tiers, and with --emit one line for every record or file to keep
 *        or to drop. Names and ordinals only; no data is ever written.
 * How:   the engine's rows (assay_audit_redundant) say which place repeats which earlier one. A
 *        place is dropped when a row of a chosen tier names it; what is kept in its stead is found
 *        by following rows, always to an earlier place, until one is reached that is not dropped.
 *        So the first of each group is kept, whatever the number of threads. A member of a chain of
 *        near-duplicates that was not itself compared with the one kept has no row, and stays; so
 *        does a record of which a passage is shared, but not all of it.
 *        Where nothing but files is asked for there is no audit, and most of them are not even
 *        opened (engine/identical.h).
 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/accepted.h"
#include "cli/audit.h"
#include "cli/command.h"
#include "cli/dedup_list.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "core/utf8.h"
#include "engine/identical.h"

/* One row a tier: its option value, its rule, the metric that counts it. */
static const struct tier {
    const char *name, *rule, *metric, *title_en, *title_zh;
    int on; /* by default */
} tiers[] = {
    {"file", "duplicates.file", "duplicates.file_ratio", "identical files", "相同的文件", 1},
    {"record", "duplicates.record", "duplicates.record_ratio", "identical records", "相同的记录",
     1},
    {"normalised", "duplicates.normalised", "duplicates.normalised_ratio", "alike once normalised",
     "规范化后相同", 1},
    {"near", "duplicates.near", "duplicates.near_ratio", "near-duplicates", "近似重复", 1},
    {"span", "duplicates.span", "duplicates.span_contained_ratio",
     "long passages shared; extra: wholly in an earlier record",
     "共有长段；多余：全部文字见于更早的记录", 0},
    {"image", "images.near", "images.near_ratio", "pictures that look the same", "相似图片", 0},
};

#define N_TIERS    (sizeof tiers / sizeof tiers[0])
#define TIER_NAMES "file|record|normalised|near|span|image"

struct dedup {
    const struct cli_args *args;
    struct cli_setup setup;
    struct cli_settings settings;
    struct assay_accepted accepted;
    char threshold[CLI_THRESHOLD];
    uint8_t chosen[N_TIERS];
    uint8_t key[32]; /* of fingerprints, which nobody sees */
    struct assay_audit *audit;
    /* Only files were asked for: no audit. */
    struct assay_inventory *inventory;
    struct assay_identical same;
};

/* ---- what is asked for --------------------------------------------------------------------- */

static void choose_tiers(struct dedup *d)
{
    size_t n;
    const char *const *names = cli_values(d->args, "tier", &n);
    for (size_t t = 0; t < N_TIERS; t++) {
        d->chosen[t] = n == 0 && tiers[t].on;
        for (size_t i = 0; i < n; i++) {
            d->chosen[t] |= strcmp(names[i], tiers[t].name) == 0;
        }
    }
}

static int is_chosen(const struct dedup *d, const char *name)
{
    for (size_t t = 0; t < N_TIERS; t++) {
        if (strcmp(tiers[t].name, name) == 0) {
            return d->chosen[t];
        }
    }
    return 0;
}

static int set(struct dedup *d, const char *name, const char *value)
{
    return cli_set(&d->settings, "duplicates", name, value);
}

static int settle_options(struct dedup *d)
{
    choose_tiers(d);
    int code = set(d, "near", is_chosen(d, "near") ? "true" : NULL);
    code |=
        set(d, "normalised", is_chosen(d, "normalised") || is_chosen(d, "near") ? NULL : "false");
    code |= set(d, "spans", is_chosen(d, "span") ? "all" : NULL);
    code |= set(d, "fields", cli_value(d->args, "fields"));
    code |= set(d, "memory", cli_value(d->args, "memory"));
    if (cli_given(d->args, "out") && !cli_given(d->args, "emit")) {
        return cli_usage(d->args,
                         "--out is where the list goes: say --emit keep or --emit drop, too");
    }
    code = code != 0 ? code : cli_accepted_load(d->args, &d->accepted);
    code = code != 0 ? code : cli_accepted_set(&d->accepted, &d->settings);
    code = code != 0 ? code : cli_threshold(d->args, d->threshold);
    return code != 0 ? code
                     : set(d, "near_threshold", d->threshold[0] == '\0' ? NULL : d->threshold);
}

/* Only scanners that know of copies; a plugin that was loaded besides is not asked. */
static int select_scanners(struct dedup *d)
{
    const char *names[2];
    size_t n = 0;
    if (assay_plugins_find(d->setup.plugins, ASSAY_PLUGIN_SCANNER, "duplicates") != NULL) {
        names[n++] = "duplicates";
    }
    if (is_chosen(d, "image") &&
        assay_plugins_find(d->setup.plugins, ASSAY_PLUGIN_SCANNER, "images") != NULL) {
        names[n++] = "images";
    }
    return cli_setup_scanners(&d->setup, names, n);
}

/* Every tier that is asked for must be there, or its absence would look like cleanliness. */
static int check_tiers(struct dedup *d)
{
    for (size_t t = 0; t < N_TIERS; t++) {
        if (d->chosen[t] && assay_ruleset_find(d->setup.rules, tiers[t].rule) == ASSAY_NONE) {
            return cli_usage(d->args,
                             "tier '%s' is not available: no loaded scanner has the rule %s",
                             tiers[t].name, tiers[t].rule);
        }
    }
    return 0;
}

static int prepare(struct dedup *d)
{
    int code = cli_setup_plugins(d->args, &d->setup);
    code = code != 0 ? code : select_scanners(d);
    code = code != 0 ? code : cli_setup_rules(d->args, &d->setup);
    code = code != 0 ? code : check_tiers(d);
    return code != 0 ? code : cli_setup_policy(d->args, "observe", &d->setup);
}

/* ---- the audit ----------------------------------------------------------------------------- */

static int run_audit(struct dedup *d)
{
    const struct assay_audit_options opt = {.keep_members = 1, .fingerprint_key = d->key};
    return cli_audit_run(d->args, &d->setup, &d->settings, opt, &d->audit);
}

/* Whether nothing but files, and none of them standard input, is asked for. */
static int only_files(const struct dedup *d)
{
    size_t n;
    const char *const *names = cli_values(d->args, "tier", &n);
    int only = n > 0 && !d->accepted.given;
    for (size_t i = 0; i < n; i++) {
        only &= strcmp(names[i], "file") == 0;
    }
    for (size_t i = 0; i < cli_operands(d->args); i++) {
        only &= strcmp(cli_operand(d->args, i), "-") != 0;
    }
    return only;
}

static int compare_files(struct dedup *d)
{
    struct assay_error err = {0};
    int64_t jobs = 0;
    if (cli_number(d->args, "jobs", 0, ASSAY_LIMIT_JOBS, &jobs) != 0) {
        return 2;
    }
    enum assay_status status = assay_inventory_build(cli_operand_list(d->args), NULL,
                                                     cli_operands(d->args), &d->inventory, &err);
    if (status == ASSAY_OK) {
        cli_progress_begin(d->args, "comparing files", NULL, 0);
        status =
            assay_identical_find(d->inventory, (unsigned)jobs, cli_cancel_flag(), &d->same, &err);
        cli_progress_end();
    }
    return status == ASSAY_OK ? 0 : cli_fail(&err);
}

/* ---- the table ----------------------------------------------------------------------------- */

static uint64_t groups_of(const struct dedup *d, const char *rule)
{
    if (d->audit == NULL) {
        return d->same.groups;
    }
    const struct assay_rule_tally *t =
        assay_audit_tally(d->audit, assay_ruleset_find(d->setup.rules, rule));
    uint64_t n = 0;
    for (unsigned b = 0; b < ASSAY_CONFIDENCE_BANDS; b++) {
        n += t->findings[b];
    }
    return n;
}

static struct assay_metric metric_of(const struct dedup *d, const char *name)
{
    if (d->audit == NULL) {
        return (struct assay_metric){name, d->same.n, assay_inventory_count(d->inventory)};
    }
    return cli_audit_metric(d->audit, name);
}

/* Pads `text` to `width` columns; a Chinese character takes two. */
static void print_cell(FILE *f, const char *text, int width, int right)
{
    const int used = (int)assay_utf8_width(assay_bytes_str(text));
    const int pad = used < width ? width - used : 0;
    (void)fprintf(f, "%*s%s%*s", right ? pad : 0, "", text, right ? 0 : pad, "");
}

static void print_row(FILE *f, const char *const cells[4], const char *title)
{
    static const int widths[4] = {12, 12, 12, 10};
    for (size_t i = 0; i < 4; i++) {
        print_cell(f, cells[i], widths[i], i > 0);
        (void)fputs(i < 3 ? " " : "", f);
    }
    (void)fprintf(f, "%s%s\n", title == NULL ? "" : "  ", title == NULL ? "" : title);
}

static void print_tier(const struct dedup *d, size_t t, FILE *f)
{
    const struct assay_metric m = metric_of(d, tiers[t].metric);
    char groups[CLI_COUNT_MAX], extra[CLI_COUNT_MAX] = "-", ratio[32] = "-";
    if (m.den != 0) {
        (void)cli_format_count(m.num, extra);
        (void)snprintf(ratio, sizeof ratio, "%.3f%%", 100.0 * (double)m.num / (double)m.den);
    }
    const char *const cells[4] = {
        tiers[t].name, cli_format_count(groups_of(d, tiers[t].rule), groups), extra, ratio};
    print_row(f, cells, cli_chinese(d->args) ? tiers[t].title_zh : tiers[t].title_en);
}

static void print_table(const struct dedup *d, FILE *f)
{
    static const char *const heads[2][4] = {{"tier", "groups", "extra", "ratio"},
                                            {"层级", "组数", "多余", "占比"}};
    print_row(f, heads[cli_chinese(d->args)], NULL);
    for (size_t t = 0; t < N_TIERS; t++) {
        if (d->chosen[t]) {
            print_tier(d, t, f);
        }
    }
}

static int is_cancelled(const struct dedup *d)
{
    return d->audit == NULL ? d->same.cancelled : assay_audit_cancelled(d->audit);
}

/* Whether something was not looked at. */
static int has_missed(const struct dedup *d)
{
    return d->audit == NULL ? d->same.unread + assay_inventory_skips(d->inventory) > 0
                            : assay_audit_verdict(d->audit) == ASSAY_INCOMPLETE;
}

/* Whether any tier holds what could go. */
static int has_extra(const struct dedup *d)
{
    int found = 0;
    for (size_t t = 0; t < N_TIERS; t++) {
        found |= d->chosen[t] && metric_of(d, tiers[t].metric).num > 0;
    }
    return found;
}

/* A group of each tier, and what to do next: for people, who have not asked for a list. */
static int print_groups(const struct dedup *d)
{
    struct assay_error err = {0};
    struct assay_out out = cli_out(d->args, stdout);
    if (d->audit != NULL && assay_write_examples(d->audit, &out, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    if (has_extra(d)) {
        cli_note(d->args,
                 cli_chinese(d->args)
                     ? "\n加上 --emit drop --out drop.jsonl，可列出可以删除的内容及其保留的代表。"
                     : "\nWith --emit drop --out drop.jsonl it lists what can go, and what "
                       "stays in its stead.");
    } else if (!is_cancelled(d) && !has_missed(d)) {
        cli_note(d->args,
                 cli_chinese(d->args) ? "没有可以删除的内容。" : "There is nothing to drop.");
    }
    return 0;
}

static void print_json(const struct dedup *d, FILE *f)
{
    for (size_t t = 0; t < N_TIERS; t++) {
        if (d->chosen[t]) {
            const struct assay_metric m = metric_of(d, tiers[t].metric);
            (void)fprintf(
                f,
                "{\"type\":\"tier\",\"tier\":\"%s\",\"groups\":%llu,\"extra\":%llu,\"of\":%llu}\n",
                tiers[t].name, (unsigned long long)groups_of(d, tiers[t].rule),
                (unsigned long long)m.num, (unsigned long long)m.den);
        }
    }
}

/* Standard output holds the list when it goes there; the table is then said beside it. */
static int print_summary(const struct dedup *d)
{
    const char *format = cli_value(d->args, "format");
    int list_there = cli_given(d->args, "emit") && !cli_given(d->args, "out");
    int code = 0;
    if (format != NULL && strcmp(format, "jsonl") == 0) {
        print_json(d, list_there ? stderr : stdout);
    } else if (!list_there || !cli_given(d->args, "quiet")) {
        print_table(d, list_there ? stderr : stdout);
        code = cli_given(d->args, "emit") ? 0 : print_groups(d);
    }
    cli_accepted_note(d->args, &d->accepted, d->audit); /* it is no row of a tier */
    return code;
}

/* ---- the list ------------------------------------------------------------------------------ */

static enum assay_status write_list(const struct dedup *d, struct assay_out *out, uint64_t *ret_n,
                                    struct assay_error *err)
{
    const char *names[N_TIERS];
    uint32_t rules[N_TIERS];
    struct cli_dedup_list list = {.inventory = d->inventory, .rules = rules, .names = names};
    list.rows = d->same.rows;
    list.n_rows = d->same.n;
    if (d->audit != NULL) {
        list.inventory = assay_audit_inventory(d->audit);
        list.rows = assay_audit_redundant(d->audit, &list.n_rows);
    }
    for (size_t t = 0; t < N_TIERS; t++) {
        if (d->chosen[t]) {
            names[list.n_rules] = tiers[t].name;
            rules[list.n_rules++] =
                d->audit == NULL ? 0 : assay_ruleset_find(d->setup.rules, tiers[t].rule);
        }
    }
    int keep = strcmp(cli_value(d->args, "emit"), "keep") == 0;
    return keep ? cli_dedup_keep(&list, out, ret_n, err) : cli_dedup_drop(&list, out, ret_n, err);
}

static enum assay_status emit_file(const struct dedup *d, const char *path, uint64_t *ret_n,
                                   struct assay_error *err)
{
    struct assay_atomic_file *f;
    enum assay_status status = assay_atomic_open(path, 0644, &f, err);
    if (status != ASSAY_OK) {
        return status;
    }
    struct assay_out out = assay_out_file(f);
    status = write_list(d, &out, ret_n, err);
    if (status != ASSAY_OK) {
        assay_atomic_abort(f);
        return status;
    }
    return assay_atomic_commit(f, err);
}

static int emit(const struct dedup *d)
{
    struct assay_error err = {0};
    const char *path = cli_value(d->args, "out");
    struct assay_out out = cli_out(d->args, stdout);
    uint64_t n = 0;
    if (!cli_given(d->args, "emit")) {
        return 0;
    }
    enum assay_status status =
        path != NULL ? emit_file(d, path, &n, &err) : write_list(d, &out, &n, &err);
    if (status == ASSAY_OK && path == NULL && fflush(stdout) != 0) {
        status = assay_fail(&err, ASSAY_IO, "cannot write to standard output");
    }
    if (status != ASSAY_OK) {
        return cli_fail(&err);
    }
    cli_note(d->args, "%llu to %s%s%s", (unsigned long long)n, cli_value(d->args, "emit"),
             path == NULL ? "" : ", listed in ", path == NULL ? "" : path);
    return 0;
}

/* A list from half a dataset looks like one from the whole: the code says which it is. */
static int exit_code(const struct dedup *d)
{
    if (is_cancelled(d)) {
        cli_note(d->args, "Interrupted: only part of the dataset was looked at.");
        return assay_status_exit(ASSAY_CANCELLED);
    }
    if (!has_missed(d)) {
        return 0;
    }
    cli_note(d->args,
             "INCOMPLETE: part of the dataset was not looked at, and is not in the list of "
             "what to drop (assay scan says what and why)");
    return 3;
}

static int run_dedup(const struct cli_args *args)
{
    struct dedup d = {.args = args};
    int code = settle_options(&d);
    code = code != 0 ? code : cli_check_outside(args, cli_value(args, "out"));
    code = code != 0 ? code : cli_check_writable(cli_value(args, "out"), 0);
    if (code == 0 && only_files(&d)) {
        code = compare_files(&d);
    } else if (code == 0) {
        code = prepare(&d);
        code = code != 0 ? code : run_audit(&d);
    }
    if (code == 0) {
        code = print_summary(&d);
        code = code != 0 ? code : emit(&d);
        code = code != 0 ? code : exit_code(&d);
    }
    assay_audit_free(d.audit);
    assay_identical_release(&d.same);
    assay_inventory_free(d.inventory);
    assay_accepted_release(&d.accepted);
    cli_setup_release(&d.setup);
    return code;
}

static const struct cli_option options[] = {
    {"tier", 't', "NAME", TIER_NAMES,
     "look at this tier, and the others so named; default: file, record, normalised, near", 1},
    {"emit", 0, "WHICH", "keep|drop", "list the records to keep, or to drop, as JSON Lines", 0},
    {"out", 'o', "FILE", NULL, "write that list to FILE; default: standard output", 0},
    CLI_THRESHOLD_OPTION,
    {"fields", 0, "POINTERS", NULL, "compare only these fields (JSON Pointers, comma between)", 0},
    {"memory", 0, "SIZE", NULL, "memory to hold before spilling to disk", 0},
    {"format", 'f', "FORMAT", "table|jsonl", "how the summary is printed; default: table", 0},
    CLI_ACCEPTED_OPTIONS,
    CLI_AUDIT_OPTIONS,
    CLI_PLUGIN_OPTIONS,
    CLI_NO_OPTION,
};

static const char *const examples[] = {
    "assay dedup ./corpus",
    "count copies, tier by tier",
    "assay dedup ./corpus --emit drop --out drop.jsonl",
    "list what can go, and what is kept in its stead",
    "assay dedup --tier file ./corpus --emit drop",
    "identical files only",
    NULL,
};

const struct cli_command cli_dedup = {
    .name = "dedup",
    .summary = "find copies, and list what to keep or drop",
    .operands = "PATH...",
    .min_operands = 1,
    .max_operands = 4096,
    .options = options,
    .examples = examples,
    .notes =
        "A line of the list is {\"file\":...,\"record\":...}; without \"record\" it speaks of the "
        "whole file. A line to drop also names its tier, its similarity and, as "
        "\"representative\", what is kept in its stead: the first of its group by file name and "
        "record. A near-duplicate that was only found through others, and not compared with the "
        "one kept, is not dropped. The tier span drops a record whose whole text stands in long "
        "passages of one earlier record, and no other. The list never holds data. Exit codes: 0; 3 "
        "when part of the dataset could not be looked at.",
    .run = run_dedup,
};
