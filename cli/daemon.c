/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/daemon.c: `assay status|submit|wait|report`: talking to a running assayd.
 */
#include "daemon/client.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/runs.h"
#include "cli/setup.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/option.h"
#include "core/utf8.h"
#include "reports/report.h"

#define RETRY_MS 50

/* Connects; with `patience_ms`, tries until a daemon answers. */
static int connect_daemon(const struct cli_args *args, uint64_t patience_ms,
                          struct assay_client **ret)
{
    struct assay_error err = {0};
    uint64_t deadline = assay_monotonic_ms() + patience_ms;
    for (;;) {
        enum assay_status s = assay_client_open(cli_value(args, "control"), ret, &err);
        if (s == ASSAY_OK) {
            s = assay_client_ping(*ret, &err);
        }
        if (s == ASSAY_OK) {
            return 0;
        }
        assay_client_close(*ret);
        *ret = NULL;
        if (assay_monotonic_ms() >= deadline) {
            return cli_fail(&err);
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
}

static void print_escaped(const char *s)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, (size_t)1 << 16);
    assay_utf8_escape(&text, assay_bytes_str(s));
    (void)fputs(assay_buf_str(&text), stdout);
}

static void print_run(const struct assay_run_view *r)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, (size_t)1 << 17);
    cli_run_line(&text, r);
    (void)puts(assay_buf_str(&text));
}

static void print_source(const struct assay_source_view *s)
{
    (void)printf("  %-10s %-16s ", s->kind, s->name);
    print_escaped(s->path);
    (void)printf("  %llu datasets, %llu not settled yet", (unsigned long long)s->datasets,
                 (unsigned long long)s->pending);
    if (s->problem != NULL) {
        (void)fputs("\n    problem: ", stdout);
        print_escaped(s->problem);
    }
    if (s->stale > 0) {
        (void)printf(
            "\n    %llu judged under rules that changed: 'assay reaudit' audits them again",
            (unsigned long long)s->stale);
    }
    if (s->note != NULL) {
        (void)fputs("\n    ", stdout);
        print_escaped(s->note);
    }
    (void)fputc('\n', stdout);
}

static void print_raw(const struct assay_client *c)
{
    struct assay_bytes raw = assay_client_raw(c);
    (void)fwrite(raw.ptr, 1, raw.len, stdout);
    (void)fputc('\n', stdout);
}

static int show_status(const struct cli_args *args, struct assay_client *c)
{
    struct assay_error err = {0};
    struct assay_status_view v = {0};
    if (assay_client_status(c, &v, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    if (cli_given(args, "json")) {
        print_raw(c);
        return 0;
    }
    (void)printf("assayd %s, %s, pid %llu, workers %llu of %llu busy\n", v.version, v.state,
                 (unsigned long long)v.pid, (unsigned long long)v.busy,
                 (unsigned long long)v.workers);
    (void)printf("runs: %llu queued, %llu running, %llu done, %llu failed, %llu cancelled, "
                 "%llu dead\n",
                 (unsigned long long)v.queued, (unsigned long long)v.running,
                 (unsigned long long)v.done, (unsigned long long)v.failed,
                 (unsigned long long)v.cancelled, (unsigned long long)v.dead);
    (void)printf("sandbox: %s; this kernel has Landlock %llu, %s\n", v.sandbox,
                 (unsigned long long)v.landlock, v.seccomp ? "seccomp" : "no seccomp");
    (void)puts("sources:");
    for (size_t i = 0; i < v.n_sources; i++) {
        print_source(&v.sources[i]);
    }
    for (size_t i = 0; i < v.n_runs; i++) {
        print_run(&v.runs[i]);
    }
    return 0;
}

/* "17" names a run, anything else a dataset. */
static int parse_target(const char *text, char path[PATH_MAX], uint64_t *ret_run,
                        const char **ret_dataset)
{
    int64_t run = 0;
    *ret_dataset = NULL;
    if (assay_parse_int(text, 1, INT64_MAX, &run, NULL) == ASSAY_OK && access(text, F_OK) != 0) {
        *ret_run = (uint64_t)run;
        return 0;
    }
    if (realpath(text, path) != NULL) {
        *ret_dataset = path;
        return 0;
    }
    if (text[0] == '/') { /* may not exist yet, or not any more */
        *ret_dataset = text;
        return 0;
    }
    return cli_error("'%.200s' is neither a run nor a path that exists", text);
}

/* Of everything, or of what the operand names. */
static int watch(const struct cli_args *args, struct assay_client *c)
{
    char path[PATH_MAX];
    uint64_t run = 0;
    const char *dataset = NULL;
    int code = 0;
    if (cli_operands(args) > 0) {
        code = parse_target(cli_operand(args, 0), path, &run, &dataset);
    }
    return code != 0 ? code : cli_watch(args, c, dataset, run);
}

static int run_status(const struct cli_args *args)
{
    uint64_t patience = 0;
    struct assay_client *c = NULL;
    int watches = cli_given(args, "watch");
    if (cli_operands(args) > 0 && !watches) {
        return cli_error("DATASET|RUN goes with --watch; for one as it is now see: assay report");
    }
    int code = cli_duration(args, "wait-ready", &patience);
    code = code != 0 ? code : connect_daemon(args, patience, &c);
    if (code == 0) {
        code = watches ? watch(args, c) : show_status(args, c);
    }
    assay_client_close(c);
    return code;
}

static void show_event(void *ctx, const struct assay_run_view *r)
{
    (void)ctx;
    struct assay_progress p = {.files_done = r->files_done,
                               .files_total = r->files_total,
                               .bytes_done = r->bytes_done,
                               .bytes_total = r->bytes_total,
                               .records = r->records,
                               .findings = r->findings,
                               .elapsed_ms = r->phase_ms,
                               .eta_ms = r->eta_ms};
    if (strcmp(r->state, "running") == 0) {
        cli_progress_show(NULL, &p);
    }
}

static int wait_for(const struct cli_args *args, struct assay_client *c, const char *dataset,
                    uint64_t run)
{
    struct assay_error err = {0};
    struct assay_run_view r = {0};
    struct assay_wait what = {.dataset = dataset, .run = run};
    int code = cli_duration(args, "timeout", &what.timeout_ms);
    if (code != 0) {
        return code;
    }
    int progress = cli_progress_wanted(args);
    what.event = progress ? show_event : NULL;
    enum assay_status s = assay_client_wait(c, &what, &r, &err);
    if (progress) {
        cli_progress_end();
    }
    if (s != ASSAY_OK) {
        return cli_fail(&err);
    }
    if (cli_given(args, "json")) {
        print_raw(c);
    } else {
        print_run(&r);
    }
    return cli_run_exit(&r);
}

/* What `wait` and `report` do with the run, or dataset, that they are given. */
static int with_target(const struct cli_args *args,
                       int (*act)(const struct cli_args *args, struct assay_client *c,
                                  const char *dataset, uint64_t run))
{
    char path[PATH_MAX];
    uint64_t run = 0;
    const char *dataset = NULL;
    struct assay_client *c = NULL;
    int code = parse_target(cli_operand(args, 0), path, &run, &dataset);
    code = code != 0 ? code : connect_daemon(args, 0, &c);
    code = code != 0 ? code : act(args, c, dataset, run);
    assay_client_close(c);
    return code;
}

static int run_wait(const struct cli_args *args)
{
    return with_target(args, wait_for);
}

static int submit(const struct cli_args *args, struct assay_client *c, const char *path)
{
    char policy[PATH_MAX];
    uint64_t run = 0;
    int64_t priority = 0;
    struct assay_error err = {0};
    struct assay_submit what = {.path = path, .policy = cli_value(args, "policy")};
    what.packs = cli_values(args, "pack", &what.n_packs);
    int code = cli_duration(args, "deadline", &what.deadline_ms);
    code = code != 0 ? code : cli_number(args, "priority", 0, ASSAY_LIMIT_PRIORITY, &priority);
    what.priority = (uint64_t)priority;
    if (code != 0) {
        return code;
    }
    if (what.policy != NULL && access(what.policy, F_OK) == 0 &&
        realpath(what.policy, policy) != NULL) {
        what.policy = policy;
    }
    if (assay_client_submit(c, &what, &run, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    if (!cli_given(args, "wait")) {
        (void)printf("run %llu\n", (unsigned long long)run);
        return 0;
    }
    return wait_for(args, c, NULL, run);
}

static int run_submit(const struct cli_args *args)
{
    char path[PATH_MAX];
    struct assay_client *c = NULL;
    if (realpath(cli_operand(args, 0), path) == NULL) {
        return cli_error("there is no '%.200s'", cli_operand(args, 0));
    }
    int code = connect_daemon(args, 0, &c);
    code = code != 0 ? code : submit(args, c, path);
    assay_client_close(c);
    return code;
}

static int print_file(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct assay_error err = {0};
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_MIB(8));
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    if (assay_fs_read_file(path, ASSAY_MIB(8), &text, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    return fwrite(text.ptr, 1, text.len, stdout) == text.len ? 0 : 3;
}

static int show_report(const struct cli_args *args, struct assay_client *c, const char *dataset,
                       uint64_t run)
{
    struct assay_run_view r = {0};
    struct assay_error err = {0};
    if (assay_client_report(c, dataset, run, &r, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    if (cli_given(args, "json")) {
        print_raw(c);
        return 0;
    }
    if (r.report == NULL) {
        print_run(&r);
        (void)cli_error(r.report_removed
                            ? "the report of that run was removed: see retention in assayd.yaml(5)"
                            : "that run has no report (yet)");
        return 4;
    }
    if (cli_given(args, "path")) {
        (void)printf("%s\n", r.report);
        return 0;
    }
    int code = print_file(r.report, ASSAY_SUMMARY_NAME);
    (void)printf("Report directory: ");
    print_escaped(r.report);
    (void)fputc('\n', stdout);
    return code;
}

static int run_report(const struct cli_args *args)
{
    return with_target(args, show_report);
}

#define JSON_OPTION CLI_OPTION("json", 0, NULL, NULL, "print the daemon's reply as JSON", 0)

static const struct cli_option status_options[] = {
    CLI_CONTROL_OPTION,
    JSON_OPTION,
    {"watch", 'w', NULL, NULL, "show what changes as it changes, until Ctrl-C or the verdict", 0},
    {"wait-ready", 0, "TIME", NULL, "keep trying for this long until the daemon answers", 0},
    CLI_NO_OPTION,
};
static const struct cli_option submit_options[] = {
    {"policy", 0, "FILE", NULL, "judge by this policy", 0},
    {"pack", 'p', "PACK", NULL, "rule pack", 1},
    {"priority", 0, "N", NULL, "0 to 100; greater starts earlier", 0},
    {"deadline", 0, "TIME", NULL, "give the run up when it is not done after this long (10m)", 0},
    {"wait", 'w', NULL, NULL, "wait for the verdict; the exit code is the verdict", 0},
    CLI_TIMEOUT_OPTION,
    CLI_QUIET_OPTION,
    CLI_CONTROL_OPTION,
    JSON_OPTION,
    CLI_NO_OPTION,
};
static const struct cli_option wait_options[] = {
    CLI_TIMEOUT_OPTION, CLI_QUIET_OPTION, CLI_CONTROL_OPTION, JSON_OPTION, CLI_NO_OPTION,
};
static const struct cli_option report_options[] = {
    {"path", 0, NULL, NULL, "print the report directory only", 0},
    CLI_CONTROL_OPTION,
    JSON_OPTION,
    CLI_NO_OPTION,
};

static const char *const status_examples[] = {
    "assay status",
    "what assayd watches and what it is doing",
    "assay status --watch",
    "what runs and how far it is, as it changes; a line for each change when not on a terminal",
    "assay status --watch /srv/incoming/delivery-7",
    "the same of one delivery, until it is judged; the exit code is the verdict",
    NULL,
};
static const char *const submit_examples[] = {
    "assay submit ./delivery --wait",
    "have assayd audit a directory now; the exit code is the verdict",
    NULL,
};
static const char *const wait_examples[] = {
    "assay wait /srv/incoming/delivery-7 --timeout 10m",
    "wait until a watched delivery is judged",
    NULL,
};
static const char *const report_examples[] = {
    "assay report /srv/incoming/delivery-7",
    "the newest report on a delivery",
    NULL,
};

const struct cli_command cli_status = {
    .name = "status",
    .summary = "what assayd watches and what it is doing",
    .operands = "[DATASET|RUN]",
    .max_operands = 1,
    .options = status_options,
    .examples = status_examples,
    .notes = "assayd tells what changes, at most five times a second; with --json each time the "
             "whole reply. Ctrl-C ends --watch with exit code 130.",
    .run = run_status,
};
const struct cli_command cli_submit = {
    .name = "submit",
    .summary = "have assayd audit a path",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .options = submit_options,
    .examples = submit_examples,
    .run = run_submit,
};
const struct cli_command cli_wait = {
    .name = "wait",
    .summary = "wait for assayd's verdict; the exit code is the verdict",
    .operands = "DATASET|RUN",
    .min_operands = 1,
    .max_operands = 1,
    .options = wait_options,
    .examples = wait_examples,
    .run = run_wait,
};
const struct cli_command cli_report = {
    .name = "report",
    .summary = "show assayd's newest report on a dataset",
    .operands = "DATASET|RUN",
    .min_operands = 1,
    .max_operands = 1,
    .options = report_options,
    .examples = report_examples,
    .run = run_report,
};
