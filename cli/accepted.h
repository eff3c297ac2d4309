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

#include "cli/audit.h"
#include "cli/command.h"
#include "core/buf.h"

/* Zeroed before use. */
struct cli_accepted {
    int given;
    struct assay_buf digests, lists; /* commas between */
};

/* 0, or the exit code after saying why on stderr. */
int cli_accepted_load(const struct cli_args *args, struct cli_accepted *a);
/* What the scanner is told of them, nothing where no list was given; settings point into `a`. As
 * cli_set. */
int cli_accepted_set(struct cli_accepted *a, struct cli_settings *s);
void cli_accepted_release(struct cli_accepted *a);

#define CLI_ACCEPTED_OPTIONS                                                                       \
    CLI_OPTION("suppressions", 0, "LIST", NULL,                                                    \
               "signed list of accepted groups, which are counted apart", 1),                      \
        CLI_OPTION("suppressions-key", 0, "PUB", NULL,                                             \
                   "public key (PEM) of whoever may accept; one of them must have signed each "    \
                   "list",                                                                         \
                   1)

#endif
