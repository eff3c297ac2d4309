/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/accepted.h: lists of accepted groups, as --suppressions and --suppressions-key name them
 * (reports/accepted.h). Whatever is wrong with one is said in a sentence, and nothing is audited.
 */
#ifndef ASSAY_CLI_ACCEPTED_H
#define ASSAY_CLI_ACCEPTED_H

#include "cli/audit.h"
#include "cli/command.h"
#include "reports/accepted.h"

/* 0, or the exit code after saying why on stderr. `a` is zeroed; release it in any case. */
int cli_accepted_load(const struct cli_args *args, struct assay_accepted *a);
/* What the scanner is told of them, nothing where no list was given; settings point into `a`. As
 * cli_set. */
int cli_accepted_set(struct assay_accepted *a, struct cli_settings *s);
/* Says how many groups the lists set aside; nothing where none was given. */
void cli_accepted_note(const struct cli_args *args, const struct assay_accepted *a,
                       const struct assay_audit *audit);

#define CLI_ACCEPTED_OPTIONS                                                                       \
    CLI_OPTION("suppressions", 0, "LIST", NULL,                                                    \
               "signed list of accepted groups, which are counted apart", 1),                      \
        CLI_OPTION("suppressions-key", 0, "PUB", NULL,                                             \
                   "public key (PEM) of whoever may accept; one of them must have signed each "    \
                   "list",                                                                         \
                   1)

#endif
