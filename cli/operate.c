/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/operate.c: `assay reload|metrics|cancel|reaudit`: what an operator asks of a running assayd.
 */
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/option.h"
#include "core/utf8.h"
#include "daemon/client.h"

static int connect_to(const struct cli_args *args, struct assay_client **ret)
{
    struct assay_error err = {0};
    return assay_client_open(cli_value(args, "control"), ret, &err) == ASSAY_OK ? 0
                                                                                : cli_fail(&err);
}

static int run_reload(const struct cli_args *args)
{
    struct assay_client *c = NULL;
    struct assay_error err = {0};
    int code = connect_to(args, &c);
    if (code == 0 && assay_client_reload(c, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    } else if (code == 0) {
        (void)puts("reloaded: the new configuration and rules are in force");
    }
    assay_client_close(c);
    return code;
}

static int run_metrics(const struct cli_args *args)
{
    const char *text = "";
    struct assay_client *c = NULL;
    struct assay_error err = {0};
    int code = connect_to(args, &c);
    if (code == 0 && assay_client_metrics(c, &text, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    if (code == 0 && fputs(text, stdout) == EOF) {
        code = 3;
    }
    assay_client_close(c);
    return code;
}

static int run_reaudit(const struct cli_args *args)
{
    struct assay_client *c = NULL;
    struct assay_error err = {0};
    struct assay_reaudit_view v = {0};
    int dry_run = cli_given(args, "dry-run");
    int code = connect_to(args, &c);
    if (code == 0 && assay_client_reaudit(c, dry_run, &v, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    for (size_t i = 0; code == 0 && i < v.n_datasets; i++) {
        ASSAY_AUTO_BUF path;
        assay_buf_init(&path, (size_t)1 << 16);
        assay_utf8_escape(&path, assay_bytes_str(v.datasets[i].dataset));
        (void)printf("%-10s  %-16s  %s\n", v.datasets[i].verdict, v.datasets[i].source,
                     assay_buf_str(&path));
    }
    if (code == 0) {
        (void)printf("%llu judged under rules that changed since; %llu queued\n",
                     (unsigned long long)v.stale, (unsigned long long)v.queued);
    }
    assay_client_close(c);
    return code;
}

static int run_cancel(const struct cli_args *args)
{
    int64_t run = 0;
    struct assay_client *c = NULL;
    struct assay_error err = {0};
    struct assay_run_view view = {0};
    if (assay_parse_int(cli_operand(args, 0), 1, INT64_MAX, &run, &err) != ASSAY_OK) {
        return cli_usage(args, "RUN is the number of a run (see: assay status)");
    }
    int code = connect_to(args, &c);
    if (code == 0 && assay_client_cancel(c, (uint64_t)run, &view, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    } else if (code == 0) {
        (void)printf("run %lld: %s\n", (long long)run,
                     view.is_final ? view.state : "its worker is being ended");
    }
    assay_client_close(c);
    return code;
}

static const struct cli_option reaudit_options[] = {
    {"dry-run", 'n', NULL, NULL, "list them, queue nothing", 0},
    CLI_CONTROL_OPTION,
    CLI_NO_OPTION,
};
static const char *const reaudit_examples[] = {
    "assay reaudit --dry-run",
    "which datasets were judged under a policy, packs or plugins that changed since",
    NULL,
};
const struct cli_command cli_reaudit = {
    .name = "reaudit",
    .summary = "have assayd audit what was judged under rules that changed",
    .operands = "",
    .options = reaudit_options,
    .examples = reaudit_examples,
    .notes = "Rules are compared by content: of the policy, the packs and the plugins. At most "
             "1000 datasets are listed; all are counted, and queued. See reaudit in "
             "assayd.yaml(5) for having it done without asking.",
    .run = run_reaudit,
};

static const struct cli_option operate_options[] = {
    CLI_CONTROL_OPTION,
    CLI_NO_OPTION,
};

static const char *const reload_examples[] = {
    "assay reload",
    "put changed rules and configuration in force; say why not, if not",
    NULL,
};
static const char *const metrics_examples[] = {
    "assay metrics > /var/lib/prometheus/node-exporter/assay.prom",
    "counters and gauges, for the textfile collector of the Prometheus node exporter",
    NULL,
};

static const char *const cancel_examples[] = {
    "assay cancel 17",
    "end run 17, which waits or runs; it counts as INCOMPLETE",
    NULL,
};

const struct cli_command cli_cancel = {
    .name = "cancel",
    .summary = "end a run of assayd that waits or runs",
    .operands = "RUN",
    .min_operands = 1,
    .max_operands = 1,
    .options = operate_options,
    .examples = cancel_examples,
    .run = run_cancel,
};
const struct cli_command cli_reload = {
    .name = "reload",
    .summary = "have assayd check and take over changed configuration and rules",
    .operands = "",
    .options = operate_options,
    .examples = reload_examples,
    .notes = "Everything is checked beside what is in force: the configuration, the packs and "
             "policies of every source, and the plugins. If anything is wrong the old set stays.",
    .run = run_reload,
};
const struct cli_command cli_metrics = {
    .name = "metrics",
    .summary = "what assayd has counted, as text for Prometheus",
    .operands = "",
    .options = operate_options,
    .examples = metrics_examples,
    .run = run_metrics,
};
