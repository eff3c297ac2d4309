/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/runs.h: how a run of assayd is shown: one line of text, whatever shows it.
 *
 * Names and reasons come from file systems and queues: they are escaped, so that none of them can
 * steer a terminal or begin a line of its own.
 */
#ifndef ASSAY_CLI_RUNS_H
#define ASSAY_CLI_RUNS_H

#include "cli/command.h"
#include "core/buf.h"
#include "daemon/client.h"

/* "    17  running  -            47%  12.3 MB/s  ETA 1m02s  /srv/incoming/d7": appended, without a
 * line feed. */
void cli_run_line(struct assay_buf *out, const struct assay_run_view *r);
/* The middle of it, of a run that has a worker. */
void cli_run_progress(struct assay_buf *out, const struct assay_run_view *r);
/* The exit code of its verdict; 3 where it has none. */
int cli_run_exit(const struct assay_run_view *r);
/* How much of its phase is done, 0 to 100. */
unsigned cli_run_percent(const struct assay_run_view *r);

/* Shows what changes until SIGINT or SIGTERM; of a run, or of the next of a dataset, until it is
 * judged. Returns the exit code. */
int cli_watch(const struct cli_args *args, struct assay_client *c, const char *dataset,
              uint64_t run);

#endif
