/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/scan.c: `assay scan`: one audit in this process.
 *
 * The verdict and the exit code come from the audit alone; the writers that were asked for only
 * print it.
 */
#include <limits.h>
#include <unistd.h>

#include "cli/accepted.h"
#include "cli/audit.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "engine/setting.h"
#include "reports/report.h"

#define MAX_OUTPUTS        16
#define MAX_ROOTS_COMPARED 64

struct output {
    const struct assay_writer *writer;
    const char *file; /* NULL: standard output */
};

struct scan {
    const struct cli_args *args;
    struct cli_setup setup;
    struct output outputs[MAX_OUTPUTS];
    size_t n_outputs;
    struct cli_settings settings;
    struct assay_accepted accepted;
    struct assay_arena *arena;
    uint8_t fingerprint_key[32];
    struct assay_key *key;
    struct assay_audit *audit;
};

static const struct assay_writer *writer_named(const char *spec, size_t len)
{
    for (const struct assay_writer *w = assay_writers; w->name != NULL; w++) {
        if (strlen(w->name) == len && memcmp(w->name, spec, len) == 0) {
            return w;
        }
    }
    return NULL;
}

/* --format FORMAT[=FILE], repeatable; only one may go to standard output. */
static int parse_outputs(struct scan *s)
{
    size_t n;
    size_t on_stdout = 0;
    const char *const *specs = cli_values(s->args, "format", &n);
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(specs[i], "=");
        const struct assay_writer *w = writer_named(specs[i], len);
        if (w == NULL) {
            return cli_usage(
                s->args, "unknown format '%.40s': one of table, jsonl, json, html, csv", specs[i]);
        }
        if (s->n_outputs == MAX_OUTPUTS) {
            return cli_usage(s->args, "more than %d outputs", MAX_OUTPUTS);
        }
        const char *file = specs[i][len] == '=' ? specs[i] + len + 1 : NULL;
        on_stdout += file == NULL;
        s->outputs[s->n_outputs++] = (struct output){w, file};
    }
    if (on_stdout > 1) {
        return cli_usage(
            s->args, "only one format can go to standard output: write the others as FORMAT=FILE");
    }
    if (n == 0) {
        s->outputs[s->n_outputs++] = (struct output){assay_writer_find("table"), NULL};
    }
    return 0;
}

/* --set PLUGIN.OPTION=VALUE */
static int parse_settings(struct scan *s)
{
    size_t n;
    struct assay_error err = {0};
    const char *const *specs = cli_values(s->args, "set", &n);
    int code = 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        struct assay_plugin_option o;
        if (assay_setting_parse(specs[i], s->arena, &o, &err) != ASSAY_OK) {
            return cli_usage(s->args, "--set: %s", err.message);
        }
        if (assay_accepted_is_setting(&o)) {
            return cli_usage(s->args, "groups are accepted by a signed list: --suppressions LIST");
        }
        code = cli_set(&s->settings, o.plugin, o.name, o.value);
    }
    return code;
}

static int load_accepted(struct scan *s)
{
    int code = cli_accepted_load(s->args, &s->accepted);
    return code != 0 ? code : cli_accepted_set(&s->accepted, &s->settings);
}

/* A root inside another one would be audited twice, and be its own duplicate. */
static int check_roots(const struct cli_args *args)
{
    char inner[PATH_MAX];
    char outer[PATH_MAX];
    size_t n = cli_operands(args) > MAX_ROOTS_COMPARED ? 0 : cli_operands(args);
    for (size_t i = 0; i < n * n; i++) {
        const char *in = cli_operand(args, i / n);
        const char *out = cli_operand(args, i % n);
        if (i / n == i % n || realpath(in, inner) == NULL || realpath(out, outer) == NULL) {
            continue;
        }
        if (cli_is_within(inner, outer)) {
            return cli_usage(args, "'%s' is inside '%s': it would be audited twice", in, out);
        }
    }
    return 0;
}

static int check_targets(struct scan *s)
{
    int code = check_roots(s->args);
    code = code != 0 ? code : cli_check_outside(s->args, cli_value(s->args, "out"));
    code = code != 0 ? code : cli_check_writable(cli_value(s->args, "out"), 1);
    for (size_t i = 0; code == 0 && i < s->n_outputs; i++) {
        code = cli_check_outside(s->args, s->outputs[i].file);
        code = code != 0 ? code : cli_check_writable(s->outputs[i].file, 0);
    }
    return code;
}

/* The key is opened before the audit: a wrong passphrase must not cost an hour of scanning. */
static int load_keys(struct scan *s)
{
    struct assay_error err = {0};
    if (assay_fingerprint_key(cli_value(s->args, "fingerprint-key"), s->fingerprint_key, &err) !=
        ASSAY_OK) {
        (void)cli_fail(&err);
        return 2;
    }
    if (!cli_given(s->args, "out") || cli_given(s->args, "no-sign")) {
        return 0;
    }
    return cli_signing_key(s->args, &s->key);
}

static int run_audit(struct scan *s)
{
    struct assay_audit_options opt = {
        .fingerprint_key = s->fingerprint_key,
        .dataset_name = cli_value(s->args, "name"),
    };
    int code = cli_size(s->args, "max-record", &opt.max_record);
    return code != 0 ? code : cli_audit_run(s->args, &s->setup, &s->settings, opt, &s->audit);
}

static int write_report(struct scan *s)
{
    const char *dir = cli_value(s->args, "out");
    if (dir == NULL) {
        return 0;
    }
    struct assay_error err = {0};
    struct assay_run_info info = {.jobs = assay_audit_jobs(s->audit), .sandbox = "none"};
    struct assay_key *keys[] = {s->key};
    if (assay_report_write(s->audit, dir, keys, s->key != NULL, &info, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    return 0;
}

static int write_file(struct scan *s, const struct output *o)
{
    struct assay_error err = {0};
    struct assay_atomic_file *f;
    if (assay_atomic_open(o->file, 0644, &f, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    struct assay_out out = assay_out_file(f);
    out.chinese = cli_chinese(s->args);
    out.report_dir = cli_value(s->args, "out");
    if (o->writer->write(s->audit, &out, &err) != ASSAY_OK) {
        assay_atomic_abort(f);
        return cli_fail(&err);
    }
    return assay_atomic_commit(f, &err) == ASSAY_OK ? 0 : cli_fail(&err);
}

/* Every output is tried, whatever happens to the others. */
static int write_outputs(struct scan *s)
{
    int worst = write_report(s);
    for (size_t i = 0; i < s->n_outputs; i++) {
        const struct output *o = &s->outputs[i];
        int code =
            o->file != NULL ? write_file(s, o) : cli_audit_print(s->args, s->audit, o->writer);
        worst = code > worst ? code : worst;
    }
    return worst;
}

static int prepare(struct scan *s)
{
    int code = parse_outputs(s);
    code = code != 0 ? code : parse_settings(s);
    code = code != 0 ? code : load_accepted(s);
    code = code != 0 ? code : check_targets(s);
    code = code != 0 ? code : cli_setup_plugins(s->args, &s->setup);
    code = code != 0 ? code : cli_setup_rules(s->args, &s->setup);
    code = code != 0 ? code : cli_setup_policy(s->args, cli_value(s->args, "policy"), &s->setup);
    code = code != 0 ? code : cli_setup_matcher(s->args, &s->setup);
    return code != 0 ? code : load_keys(s);
}

static int verdict_exit(const struct scan *s)
{
    int code = cli_audit_exit(s->audit);
    return code == 1 && cli_given(s->args, "exit-zero") ? 0 : code;
}

static int run_scan(const struct cli_args *args)
{
    struct scan s = {.args = args, .arena = assay_arena_new((size_t)1 << 20)};
    int code = s.arena == NULL ? 3 : prepare(&s);
    code = code != 0 ? code : run_audit(&s);
    if (code == 0) {
        code = write_outputs(&s);
        code = code != 0 ? code : verdict_exit(&s);
    }
    assay_audit_free(s.audit);
    assay_key_free(s.key);
    assay_accepted_release(&s.accepted);
    cli_setup_release(&s.setup);
    assay_arena_free(s.arena);
    return code;
}

static const struct cli_option options[] = {
    {"policy", 0, "FILE", NULL, "judge by this policy: a file or a built-in name; default: default",
     0},
    {"out", 'o', "DIR", NULL, "keep a signed report in DIR", 0},
    {"format", 'f', "FORMAT[=FILE]", NULL, "table, jsonl, json, html or csv; default: table", 1},
    CLI_KEY_OPTION,
    CLI_PASSPHRASE_OPTION,
    {"no-sign", 0, NULL, NULL, "write the report without signing it", 0},
    {"fingerprint-key", 0, "FILE", NULL, "secret (64 hex digits) that keys fingerprints", 0},
    {"name", 0, "NAME", NULL, "name of the dataset, for the statement", 0},
    {"set", 0, "PLUGIN.OPTION=VALUE", NULL,
     "set an option of a plugin (assay plugin list shows them)", 1},
    CLI_ACCEPTED_OPTIONS,
    {"max-record", 0, "SIZE", NULL, "longest record that is scanned; default: 32MiB", 0},
    {"exit-zero", 0, NULL, NULL, "exit with 0 instead of 1 when the policy fails", 0},
    CLI_AUDIT_OPTIONS,
    CLI_SCANNER_OPTIONS,
    CLI_RULE_OPTIONS,
    CLI_MATCHER_OPTIONS,
    CLI_NO_OPTION,
};

static const char *const examples[] = {
    "assay scan ./delivery",
    "audit a directory with the built-in rules and policy",
    "assay scan ./delivery --out ./report --policy gate.yaml",
    "judge by your own policy and keep a signed report",
    "zcat part.jsonl.gz | assay scan - --format jsonl",
    "audit standard input, one finding a line",
    NULL,
};

const struct cli_command cli_scan = {
    .name = "scan",
    .summary = "audit files or directories and judge them",
    .operands = "PATH...",
    .min_operands = 1,
    .max_operands = 4096,
    .options = options,
    .examples = examples,
    .notes =
        "The exit code is the verdict: 0 PASS or WARN, 1 FAIL, 3 INCOMPLETE. Anything that could "
        "not be scanned makes the audit INCOMPLETE and is counted with its reason. No raw value "
        "of the dataset is printed or kept: findings carry masked previews and keyed fingerprints.",
    .run = run_scan,
};
