/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"

/* ---- what is synced ------------------------------------------------------------------------ */

/* Owns `fd` from here on. */
static enum assay_status push(struct assay_sync *s, int fd, struct assay_error *err)
{
    void *fds = assay_grown(s->fds, s->n, &s->cap, sizeof s->fds[0]);
    if (fds == NULL) {
        (void)close(fd);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    s->fds = fds;
    s->fds[s->n++] = fd;
    return ASSAY_OK;
}

static enum assay_status add_entry(struct assay_sync *s, int dir, const char *name,
                                   struct assay_error *err)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return assay_fail_errno(err, errno, "cannot open a file to sync it");
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        return push(s, fd, err);
    }
    (void)close(fd);
    return S_ISDIR(st.st_mode) ? ASSAY_OK
                               : assay_fail(err, ASSAY_UNSUPPORTED, "it holds what is no file");
}

static enum assay_status add_entries(struct assay_sync *s, DIR *d, struct assay_error *err)
{
    size_t files = 0;
    enum assay_status status = ASSAY_OK;
    for (struct dirent *e = readdir(d); status == ASSAY_OK && e != NULL; e = readdir(d)) {
        if (assay_fs_is_dots(e->d_name)) {
            continue;
        }
        status = ++files > ASSAY_LIMIT_SYNC_FILES
                     ? assay_fail(err, ASSAY_LIMIT, "it holds more than %d files",
                                  ASSAY_LIMIT_SYNC_FILES)
                     : add_entry(s, dirfd(d), e->d_name, err);
    }
    return status;
}

enum assay_status assay_sync_add(struct assay_sync *s, const char *dir, struct assay_error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    DIR *d = NULL;
    int fd = open(dir, flags);
    int listed = fd < 0 ? -1 : openat(fd, ".", flags);
    if (listed >= 0 && (d = fdopendir(listed)) == NULL) {
        (void)close(listed);
    }
    if (d == NULL) {
        enum assay_status status = assay_fail_errno(err, errno, "cannot sync %.200s", dir);
        if (fd >= 0) {
            (void)close(fd);
        }
        return status;
    }
    enum assay_status status = push(s, fd, err);
    if (status == ASSAY_OK) {
        status = add_entries(s, d, err);
    }
    (void)closedir(d);
    return status;
}

/* ---- syncing ------------------------------------------------------------------------------- */

struct round {
    const struct assay_sync *set;
    atomic_size_t next;
    atomic_int failed; /* the first errno; 0 */
};

static void *sync_some(void *ctx)
{
    struct round *r = ctx;
    size_t i;
    while ((i = atomic_fetch_add(&r->next, 1)) < r->set->n) {
        if (fsync(r->set->fds[i]) != 0) {
            int none = 0;
            (void)atomic_compare_exchange_strong(&r->failed, &none, errno);
        }
    }
    return NULL;
}

enum assay_status assay_sync_run(struct assay_sync *s, struct assay_error *err)
{
    pthread_t threads[ASSAY_LIMIT_SYNC_THREADS];
    size_t n = 0;
    struct round r = {.set = s};
    while (n < ASSAY_LIMIT_SYNC_THREADS && n + 1 < s->n &&
           pthread_create(&threads[n], NULL, sync_some, &r) == 0) {
        n++;
    }
    (void)sync_some(&r); /* this thread is one of them; alone, if no other could be made */
    while (n > 0) {
        (void)pthread_join(threads[--n], NULL);
    }
    assay_sync_release(s);
    int os_errno = atomic_load(&r.failed);
    return os_errno == 0 ? ASSAY_OK : assay_fail_errno(err, os_errno, "cannot sync a file");
}

void assay_sync_release(struct assay_sync *s)
{
    for (size_t i = 0; i < s->n; i++) {
        (void)close(s->fds[i]);
    }
    free(s->fds);
    memset(s, 0, sizeof *s);
}

enum assay_status assay_sync_dir(const char *dir, struct assay_error *err)
{
    struct assay_sync s = {.n = 0};
    enum assay_status status = assay_sync_add(&s, dir, err);
    if (status == ASSAY_OK) {
        return assay_sync_run(&s, err);
    }
    assay_sync_release(&s);
    return status;
}
