/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/daemon/watch_rig.h: one directory source over a fresh directory, for tests that drive
 * it as the daemon does. */
#ifndef ASSAY_TESTS_WATCH_RIG_H
#define ASSAY_TESTS_WATCH_RIG_H

#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "daemon/source.h"

static const struct assay_source_kind *const kind = &assay_source_directory;
static char root[80]; /* what is watched */
static struct assay_config_source source;
static struct assay_config config;
static struct assay_delivery got;

/* A source of `root`; nothing is started. */
static inline void rig_configure(unsigned ready, uint64_t settle_ms, uint64_t poll_ms)
{
    source = (struct assay_config_source){.name = "s",
                                          .kind = "directory",
                                          .path = root,
                                          .settle_ms = settle_ms,
                                          .ready = ready,
                                          .poll_ms = poll_ms,
                                          .marker = "_READY",
                                          .manifest = "MANIFEST.sha256"};
    config = (struct assay_config){.rescan_ms = 3600000, .sources = &source, .n_sources = 1};
    assay_log_setup(2, ASSAY_LOG_TEXT, ASSAY_LOG_ERROR);
}

static inline int rig_drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

/* Removes a directory and all that is in it; not zero: it could not be. */
static inline int rig_remove(const char *dir)
{
    return nftw(dir, rig_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path below the root; "": the root. Good for four calls. */
static inline const char *path_of(const char *name)
{
    static char paths[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    (void)snprintf(paths[turn], sizeof paths[0], "%s%s%s", root, name[0] == '\0' ? "" : "/", name);
    return paths[turn];
}

/* Appends to a file. */
static inline void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "a");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

#endif
