/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/operate.c: `assay reload|metrics`: what an operator asks of a running assayd.
 */
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
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

static const struct cli_option operate_options[] = {
    {"control", 0, "SOCKET", NULL, "control socket of assayd; default: $ASSAY_CONTROL", 0},
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
