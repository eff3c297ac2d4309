/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_merge.h: runs (index.h) into one.
 *
 * Sections are sorted, and so is what comes out: one pass over every section, with as many cursors
 * as there are runs, memory for the names only. Files are numbered anew, delivery by delivery in
 * the order of names; that keeps the order within each run. Equal pairs of band key and id, and
 * equal sets, become one. Deliveries that are dropped are left out, and with them what no other
 * delivery has. The result is, byte by byte, the run that any other way of merging the same
 * deliveries would make. What a pass comes to is checked then (index.h), and a run
 * that is damaged there ends the merge: nothing is written. Single owner.
 */
#ifndef ASSAY_DUPLICATES_INDEX_MERGE_H
#define ASSAY_DUPLICATES_INDEX_MERGE_H

#include "lookup.h"

struct dup_run_merge {
    const struct assay_host *host;
    const char *const *param_names; /* for messages; DUP_INDEX_PARAMS at most */
    const char *drop;               /* names separated by commas, each of a delivery; NULL: none */
    struct dup_lookup in;
};

/* Opens a run more, of the same parameters as those before it. */
enum assay_status dup_run_merge_add(struct dup_run_merge *m, const char *path,
                                    struct assay_error *err);
/* ASSAY_NOTFOUND: no such delivery to drop. ASSAY_CONFIG: nothing would be left, or a delivery is
 * there twice. ASSAY_LIMIT: more files than places can name. */
enum assay_status dup_run_merge_write(struct dup_run_merge *m, const char *path,
                                      struct assay_error *err);
void dup_run_merge_release(struct dup_run_merge *m);

#endif
