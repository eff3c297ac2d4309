/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/runs.h: how a run of assayd is shown: one line of text, whatever shows it.
 *
 * Names and reasons come from file systems and queues: they are escaped, so that none of them can
 * steer a terminal or begin a line of its own.
 */
#ifndef ASSAY_CLI_RUNS_H
#define ASSAY_CLI_RUNS_H

#include "core/buf.h"
#include "daemon/client.h"

/* "    17  running  -            47%  12.3 MB/s  ETA 1m02s  /srv/incoming/d7": appended, without a
 * line feed. */
void cli_run_line(struct assay_buf *out, const struct assay_run_view *r);
/* How much of its phase is done, 0 to 100. */
unsigned cli_run_percent(const struct assay_run_view *r);

#endif
