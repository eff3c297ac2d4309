/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/progress.h: the line on the terminal that says how far long work is.
 *
 * What:  one line on stderr, while that is a terminal. An audit tells where it is; a file that grows
 *        to a known size is looked at; of other work only the time is known. A thread draws what
 *        nobody tells, so that the line never stands still while the work goes on.
 * Why:   reading is not all: a large index is opened before it, and what was read is compared after
 *        it. A bar that stands at 100 % for an hour looks like a program that hangs.
 * Thread rule: begin, end: one thread, in turn. show: any thread in between, one at a time, or
 *        without begin. Signals are left to the other threads.
 */
#ifndef ASSAY_CLI_PROGRESS_H
#define ASSAY_CLI_PROGRESS_H

#include "cli/command.h"
#include "engine/audit.h"

int cli_progress_wanted(const struct cli_args *args);
/* Begins to draw, when it is wanted: `what` ("merging") until somebody tells more. With `file` (NULL:
 * none; "FILE" or, while it is written, "FILE.part") how much of `total` bytes it has. All borrowed
 * until the end. */
void cli_progress_begin(const struct cli_args *args, const char *what, const char *file,
                        uint64_t total);
/* How far an audit is: for assay_audit_options.progress. */
void cli_progress_show(void *ctx, const struct assay_progress *p);
/* Clears the line, if one was drawn. */
void cli_progress_end(void);

#define CLI_ETA_MAX 32
/* "12s", "1m02s", "3h20m"; "--" for UINT64_MAX. */
void cli_format_eta(uint64_t ms, char out[CLI_ETA_MAX]);

#endif
