/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/accepted.h"

#include "cli/setup.h"
#include "cli/term.h"
#include "core/clock.h"
#include "core/status.h"

/* What is wrong with a list is wrong with the set-up, whatever else its code would mean. */
static int list_error(const struct assay_error *err)
{
    (void)fputs("assay: suppressions: ", stderr);
    char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
    assay_error_format(err, line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
    return 2;
}

int cli_accepted_load(const struct cli_args *args, struct assay_accepted *a)
{
    size_t n, n_keys;
    struct cli_keys keys = {0};
    struct assay_error err = {0};
    const char *const *paths = cli_values(args, "suppressions", &n);
    (void)cli_values(args, "suppressions-key", &n_keys);
    if ((n == 0) != (n_keys == 0)) {
        return cli_usage(args, "--suppressions LIST and --suppressions-key PUB are given together: "
                               "a list counts only if it is signed");
    }
    int code = n == 0 ? 0 : cli_keys_load(args, "suppressions-key", NULL, &keys);
    if (code == 0 &&
        assay_accepted_load(a, paths, n, keys.items, keys.n, assay_wall_ms(), &err) != ASSAY_OK) {
        code = list_error(&err);
    }
    cli_keys_release(&keys);
    return code;
}

int cli_accepted_set(struct assay_accepted *a, struct cli_settings *s)
{
    struct assay_plugin_option set[ASSAY_ACCEPTED_SETTINGS];
    const size_t n = assay_accepted_settings(a, set);
    int code = 0;
    for (size_t i = 0; i < n && code == 0; i++) {
        code = cli_set(s, set[i].plugin, set[i].name, set[i].value);
    }
    return code;
}

void cli_accepted_note(const struct cli_args *args, const struct assay_accepted *a,
                       const struct assay_audit *audit)
{
    if (a->given) {
        cli_note(args, "%llu accepted group(s) set aside",
                 (unsigned long long)cli_audit_metric(audit, "duplicates.accepted_groups").num);
    }
}
