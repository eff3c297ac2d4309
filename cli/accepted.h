/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/accepted.h: lists of accepted groups, as --suppressions names them, made into options of the
 * scanner.
 *
 * The scanner gets digests only; signatures, dates and form are looked at here, before anything is
 * audited. Whatever is wrong with a list is said in a sentence, and nothing is audited.
 */
#ifndef ASSAY_CLI_ACCEPTED_H
#define ASSAY_CLI_ACCEPTED_H

#include "cli/command.h"
#include "core/buf.h"
#include "engine/audit.h"
#include "reports/keys.h"

#define CLI_ACCEPTED_SETTINGS 2

/* Zeroed before use. */
struct cli_accepted {
    int given;
    struct assay_buf digests, lists; /* commas between */
};

/* 0, or the exit code after saying why on stderr. */
int cli_accepted_load(const struct cli_args *args, struct cli_accepted *a);
/* How many settings were written; they point into `a`. */
size_t cli_accepted_settings(struct cli_accepted *a,
                             struct assay_plugin_option ret[CLI_ACCEPTED_SETTINGS]);
void cli_accepted_release(struct cli_accepted *a);

/* Public keys from the values of an option. */
struct cli_keys {
    struct assay_key **items;
    size_t n;
};
int cli_keys_load(const struct cli_args *args, const char *option, struct cli_keys *ret);
void cli_keys_release(struct cli_keys *k);

#define CLI_ACCEPTED_OPTIONS                                                                       \
    {                                                                                              \
        "suppressions",                                                                            \
        0,                                                                                         \
        "LIST",                                                                                    \
        NULL,                                                                                      \
        "signed list of accepted groups, which are counted apart",                                 \
        1},                                                                                        \
    {                                                                                              \
        "suppressions-key", 0, "PUB", NULL,                                                        \
            "public key (PEM) of whoever may accept; one of them must have signed each list", 1    \
    }

#endif
