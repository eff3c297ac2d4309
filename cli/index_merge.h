/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index_merge.h: runs of an index (cli/index_store.h) into fewer, and without what was dropped.
 *
 * The scanner merges (engine/maintain.h); here is chosen what, and the list is kept.
 */
#ifndef ASSAY_CLI_INDEX_MERGE_H
#define ASSAY_CLI_INDEX_MERGE_H

#include "cli/index_store.h"
#include "cli/setup.h"

/* Where there are more than INDEX_RUNS_MAX runs, merges the smallest: those of which each is at most
 * twice as large as all smaller ones together, at least two. So a record is written anew a number of
 * times that grows with the logarithm of the index. 0, or the exit code after saying why not. */
int index_tidy(const struct cli_args *args, struct index_store *s, const struct cli_setup *setup);

#endif
