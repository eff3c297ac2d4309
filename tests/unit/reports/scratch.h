/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/reports/scratch.h: a temporary directory for one test program, and paths in it. */
#ifndef ASSAY_TESTS_SCRATCH_H
#define ASSAY_TESTS_SCRATCH_H

#include <ftw.h>
#include <sys/stat.h>

static char scratch_dir[64];

static inline int scratch_setup(void **state)
{
    (void)state;
    (void)snprintf(scratch_dir, sizeof scratch_dir, "/tmp/assay-test-XXXXXX");
    return mkdtemp(scratch_dir) == NULL ? -1 : 0;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int scratch_remove(const char *path)
{
    return nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int scratch_teardown(void **state)
{
    (void)state;
    return scratch_remove(scratch_dir);
}

/* A path in the scratch directory; eight may be in use at once. */
static inline const char *scratch(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *p = paths[next++ % 8];
    (void)snprintf(p, sizeof paths[0], "%s/%s", scratch_dir, name);
    return p;
}

static inline void scratch_write(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        abort();
    }
}

#endif
