/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index_store.h: the directory of `assay index`: sorted runs of keys, and the list of them.
 *
 *     index.json         which runs there are, and the deliveries in each; the only thing believed
 *     run-000007.keys    hashes that the scanner `duplicates` wrote and reads (a format of its own)
 *     lock, readers      empty; who writes, and who reads
 *
 * A change writes new runs under new names, and then the list anew by one rename: so it happens as a
 * whole or not at all, whatever ends the process. Runs that no list names are what an end like that
 * left; the next writer takes them away, unless somebody reads, who may have begun with the list
 * before. Writers wait for one another; readers wait for nobody. Single owner.
 */
#ifndef ASSAY_CLI_INDEX_STORE_H
#define ASSAY_CLI_INDEX_STORE_H

#include <jansson.h>
#include <limits.h>

#include "cli/command.h"
#include "cli/index_list.h"
#include "core/buf.h"

#define INDEX_RUNS_MAX 8 /* more are merged */

enum index_purpose { INDEX_READ, INDEX_ADD, INDEX_CHANGE };

struct index_store {
    char dir[PATH_MAX];
    json_t *list;
    int lock, readers; /* -1: not held */
};

/* Opens the directory that --index names, or the user's own; one that is not there is empty, and
 * made, unless it is for reading. INDEX_ADD: the operands are a dataset, in which it must not be. 0,
 * or the exit code after saying why; close in any case. */
int index_open(const struct cli_args *args, enum index_purpose purpose, struct index_store *s);
void index_close(struct index_store *s);

/* Runs; each is {"deliveries": [{"name": ...} ...], "file": ...}. */
json_t *index_runs(const struct index_store *s);
/* The run with this delivery; SIZE_MAX: there is none. */
size_t index_find(const struct index_store *s, const char *name);
/* Adds the path of a run to a list of paths, separated by colons. */
void index_path(const struct index_store *s, const json_t *run, struct assay_buf *out);
/* The deliveries of all runs, by name: a new array of borrowed objects; NULL: no memory. */
json_t *index_deliveries(const struct index_store *s);
/* Where the next run is to be written; `out` is emptied first. */
void index_next_path(const struct index_store *s, struct assay_buf *out);
/* Lists the run that was written there, with `deliveries` (consumed), in place of those whose
 * indexes are in `replaced` (ascending). An empty array: only takes those away. */
int index_put(struct index_store *s, json_t *deliveries, const size_t *replaced, size_t n_replaced);
/* Makes the list the one that counts, and takes away what it does not name. 0, or the exit code. */
int index_commit(struct index_store *s);

#endif
