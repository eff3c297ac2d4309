/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/term.h: what the terminal can show: colour, width, language, a passphrase prompt; progress is
 * in cli/progress.h.
 */
#ifndef ASSAY_CLI_TERM_H
#define ASSAY_CLI_TERM_H

#include "assay/base.h"
#include "cli/command.h"
#include "engine/audit.h"
#include "reports/keys.h"
#include "reports/report.h"

/* "assay: where:line: message" on stderr; returns the exit code of err->status. */
int cli_fail(const struct assay_error *err);
/* "assay: sentence" on stderr, for what somebody asked for and cannot have; returns 2. */
int cli_error(const char *fmt, ...) ASSAY_PRINTF(1, 2);
/* A note about the work, on stderr; nothing with --quiet. */
void cli_note(const struct cli_args *args, const char *fmt, ...) ASSAY_PRINTF(2, 3);
/* An empty collection of diagnostics; NULL after saying that memory is out. */
struct assay_diags *cli_diags_new(void);
/* Renders diagnostics on stderr; returns 2 when there is an error, else 0. */
int cli_diags(const struct cli_args *args, const struct assay_diags *d, const char *consequence);

/* --color auto|always|never, NO_COLOR, and whether `f` is a terminal. */
int cli_colour(const struct cli_args *args, FILE *f);
int cli_chinese(const struct cli_args *args); /* --lang, else the locale */
unsigned cli_columns(FILE *f);                /* 0: not a terminal */
unsigned cli_rows(FILE *f);

/* A writer's output on a stdio stream. */
struct assay_out cli_out(const struct cli_args *args, FILE *f);

#define CLI_COUNT_MAX 32
/* "12,345", in `out`, which it returns. */
const char *cli_format_count(uint64_t n, char out[CLI_COUNT_MAX]);

/* SIGINT and SIGTERM raise this flag; a second one ends the process at once. */
atomic_int *cli_cancel_flag(void);

/* --passphrase-file, else a prompt on the terminal without echo. */
struct assay_passphrase cli_passphrase(const struct cli_args *args);

#define CLI_PASSPHRASE_OPTION                                                                      \
    CLI_OPTION("passphrase-file", 0, "FILE", NULL,                                                 \
               "read the key's passphrase from the first line of FILE", 0)

#endif
