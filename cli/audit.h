/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/audit.h: one audit in this process, and its outcome on standard output, as the options that
 * several commands share ask for it.
 */
#ifndef ASSAY_CLI_AUDIT_H
#define ASSAY_CLI_AUDIT_H

#include "cli/command.h"
#include "cli/setup.h"
#include "engine/audit.h"
#include "reports/report.h"

#define CLI_SETTINGS_MAX 80

/* Options for plugins; zeroed before use. Names and values are borrowed until the audit has ended.
 */
struct cli_settings {
    struct assay_plugin_option items[CLI_SETTINGS_MAX];
    size_t n;
};
/* Adds one; a value that is NULL is none. 0, or 2 after saying that there are too many. */
int cli_set(struct cli_settings *s, const char *plugin, const char *name, const char *value);

#define CLI_THRESHOLD 8
/* --threshold 0.8 as the scanner wants it, "800"; "" where it is not given. 0, or 2 after saying what
 * is wrong with it. */
int cli_threshold(const struct cli_args *args, char out[CLI_THRESHOLD]);

/* Runs an audit of the operands with `setup`, `settings` and the options below. `own` holds what
 * only this command knows, zeroes elsewhere. 0 and *ret, which the caller frees; or the exit code
 * after saying why. */
int cli_audit_run(const struct cli_args *args, const struct cli_setup *setup,
                  const struct cli_settings *settings, struct assay_audit_options own,
                  struct assay_audit **ret);
/* The metric of this name; zeroes when no scanner reports it. */
struct assay_metric cli_audit_metric(const struct assay_audit *a, const char *name);
/* 130 when it was cancelled, else what its verdict says. */
int cli_audit_exit(const struct assay_audit *a);
/* Writes the audit to standard output, all of it: 0, or the exit code after saying why not. */
int cli_audit_print(const struct cli_args *args, const struct assay_audit *a,
                    const struct assay_writer *w);

#define CLI_THRESHOLD_OPTION                                                                       \
    CLI_OPTION("threshold", 0, "SHARE", NULL,                                                      \
               "similarity of near-duplicates, 0.5 to 1; default: 0.8", 0)
#define CLI_AUDIT_OPTIONS                                                                          \
    CLI_OPTION("reader", 0, "NAME", NULL,                                                          \
               "read every file with this reader instead of detecting the format", 0),             \
        CLI_JOBS_OPTION, CLI_QUIET_OPTION

#endif
