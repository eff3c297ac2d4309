/* SPDX-License-Identifier: Apache-2.0
 *
 * core/sync.h: many files made durable at once.
 *
 * fsync waits until the device has emptied its cache. File after file that is one wait for each;
 * asked for at the same time, the block layer answers all of them with few. So the files of a set
 * are synced by several threads, which live for the length of one call: eight small files take one
 * to two waits instead of eight. Every file is still synced by an fsync of its own, so nothing is
 * assumed about the file system.
 * Thread rule: a set belongs to one thread; nothing of it remains after assay_sync_run, so the
 * caller may fork as before.
 */
#ifndef ASSAY_CORE_SYNC_H
#define ASSAY_CORE_SYNC_H

#include <stddef.h>

#include "assay/base.h"

struct assay_sync {
    int *fds; /* owned */
    size_t n, cap;
};

/* Adds the directory itself and the regular files in it (at most ASSAY_LIMIT_SYNC_FILES; what is
 * neither file nor directory is refused, and directories below it are not entered). */
enum assay_status assay_sync_add(struct assay_sync *s, const char *dir, struct assay_error *err);
/* Syncs what was added and empties the set, whatever happens. */
enum assay_status assay_sync_run(struct assay_sync *s, struct assay_error *err);
void assay_sync_release(struct assay_sync *s); /* without syncing */
/* One directory. */
enum assay_status assay_sync_dir(const char *dir, struct assay_error *err);

#endif
