/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/progress.h"
#include "cli/term.h"
#include "core/limits.h"
#include "core/status.h"

int cli_set(struct cli_settings *s, const char *plugin, const char *name, const char *value)
{
    if (value == NULL) {
        return 0;
    }
    if (s->n == CLI_SETTINGS_MAX) {
        return cli_error("more than %d options of plugins are set", CLI_SETTINGS_MAX);
    }
    s->items[s->n++] = (struct assay_plugin_option){plugin, name, value};
    return 0;
}

int cli_threshold(const struct cli_args *args, char out[CLI_THRESHOLD])
{
    const char *text = cli_value(args, "threshold");
    char *end = NULL;
    const double share = text == NULL ? 0 : strtod(text, &end);
    out[0] = '\0';
    if (text == NULL) {
        return 0;
    }
    if (end == text || *end != '\0' || !(share >= 0.5 && share <= 1.0)) {
        return cli_usage(args, "--threshold takes a similarity from 0.5 to 1, not '%.40s'", text);
    }
    (void)snprintf(out, CLI_THRESHOLD, "%d", (int)(share * 1000 + 0.5));
    return 0;
}

/* What goes into the daemon's log is said here: errors only, the rest are findings as well. They come
 * from any thread, and are printed when the line that shows progress is gone. */
struct said {
    pthread_mutex_t lock;
    size_t n;
    char text[4096];
};

static void keep_error(void *ctx, enum assay_log_level level, const char *module,
                       const char *message)
{
    struct said *s = ctx;
    if (level == ASSAY_LOG_ERROR) {
        (void)pthread_mutex_lock(&s->lock);
        const size_t left = sizeof s->text - s->n;
        const int n = snprintf(s->text + s->n, left, "assay: %s: %s\n", module, message);
        s->n += n < 0 ? 0 : (size_t)n < left ? (size_t)n : left - 1;
        (void)pthread_mutex_unlock(&s->lock);
    }
}

int cli_audit_run(const struct cli_args *args, const struct cli_setup *setup,
                  const struct cli_settings *settings, struct assay_audit_options own,
                  struct assay_audit **ret)
{
    int64_t jobs = 0;
    struct assay_error err = {0};
    struct said said = {.lock = PTHREAD_MUTEX_INITIALIZER};
    if (cli_number(args, "jobs", 0, ASSAY_LIMIT_JOBS, &jobs) != 0) {
        return 2;
    }
    own.roots = cli_operand_list(args);
    own.n_roots = cli_operands(args);
    own.plugins = setup->plugins;
    own.rules = setup->rules;
    own.matcher = setup->matcher;
    own.policy = setup->policy;
    own.plugin_options = settings->items;
    own.n_plugin_options = settings->n;
    own.jobs = (unsigned)jobs;
    own.reader = cli_value(args, "reader");
    own.progress = cli_progress_wanted(args) ? cli_progress_show : NULL;
    own.cancel = cli_cancel_flag();
    own.log = keep_error;
    own.log_ctx = &said;
    cli_progress_begin(args, "preparing", NULL, 0);
    enum assay_status status = assay_audit_run(&own, ret, &err);
    cli_progress_end();
    (void)fputs(said.text, stderr);
    return status == ASSAY_OK ? 0 : cli_fail(&err);
}

struct assay_metric cli_audit_metric(const struct assay_audit *a, const char *name)
{
    for (size_t i = 0; i < assay_audit_metrics(a); i++) {
        if (strcmp(assay_audit_metric(a, i)->name, name) == 0) {
            return *assay_audit_metric(a, i);
        }
    }
    return (struct assay_metric){.name = name};
}

int cli_audit_exit(const struct assay_audit *a)
{
    return assay_audit_cancelled(a) ? assay_status_exit(ASSAY_CANCELLED)
                                    : assay_verdict_exit(assay_audit_verdict(a));
}

int cli_audit_print(const struct cli_args *args, const struct assay_audit *a,
                    const struct assay_writer *w)
{
    struct assay_error err = {0};
    struct assay_out out = cli_out(args, stdout);
    if (w->write(a, &out, &err) == ASSAY_OK && fflush(stdout) == 0) {
        return 0;
    }
    if (err.status == ASSAY_OK) {
        (void)assay_fail(&err, ASSAY_IO, "cannot write to standard output");
    }
    return cli_fail(&err);
}
