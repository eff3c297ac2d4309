/* SPDX-License-Identifier: Apache-2.0
 *
 * core/fs_atomic.c: a file that appears whole under its name, or not at all: written aside in the
 * same directory, synced, renamed.
 */
#include "core/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

#define ATOMIC_BUFFER ((size_t)64 << 10)
#define TEMP_SUFFIX   24 /* "." + 16 hex digits + ".tmp" + NUL, rounded up */

struct assay_atomic_file {
    int fd;
    int dir_fd;
    size_t used;
    char *path;       /* as given, for messages */
    const char *name; /* final component of path */
    int direct;       /* a device or pipe: written as it is, there is nothing to rename */
    char temp[NAME_MAX + 1];
    char buffer[ATOMIC_BUFFER];
};

static void atomic_free(struct assay_atomic_file *f)
{
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    if (f->dir_fd >= 0) {
        (void)close(f->dir_fd);
    }
    free(f->path);
    free(f);
}

static enum assay_status atomic_fail(struct assay_error *err, const struct assay_atomic_file *f,
                                     const char *what)
{
    enum assay_status status = assay_fail_errno(err, errno, "cannot %s", what);
    (void)assay_error_at(err, f->path, 0, 0);
    return status;
}

/* Opens the directory that holds `path`. */
static int open_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    char *dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = dir == NULL ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    return fd;
}

/* Creates ".NAME.RANDOM.tmp" beside the final name. */
static int atomic_create(struct assay_atomic_file *f, mode_t mode)
{
    for (int tries = 0; tries < 16; tries++) {
        uint64_t random;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
            return -1;
        }
        (void)snprintf(f->temp, sizeof f->temp, ".%.*s.%016llx.tmp", NAME_MAX - TEMP_SUFFIX,
                       f->name, (unsigned long long)random);
        f->fd =
            openat(f->dir_fd, f->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (f->fd >= 0 || errno != EEXIST) {
            return f->fd;
        }
    }
    return -1;
}

/* Opens what the file is written to: a new temporary file beside the final name, or a device or
 * pipe of that name itself. */
static int atomic_target(struct assay_atomic_file *f, mode_t mode)
{
    struct stat st;
    if (stat(f->path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        f->direct = 1;
        f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return f->fd;
    }
    f->dir_fd = open_parent(f->path);
    return f->dir_fd < 0 ? -1 : atomic_create(f, mode);
}

enum assay_status assay_atomic_open(const char *path, mode_t mode, struct assay_atomic_file **ret,
                                    struct assay_error *err)
{
    *ret = NULL;
    struct assay_atomic_file *f = malloc(sizeof *f);
    if (f == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    f->used = 0;
    f->direct = 0;
    f->fd = -1;
    f->dir_fd = -1;
    f->path = strdup(path);
    if (f->path == NULL) {
        atomic_free(f);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    const char *slash = strrchr(f->path, '/');
    f->name = slash == NULL ? f->path : slash + 1;
    if (atomic_target(f, mode) < 0) {
        enum assay_status status = atomic_fail(err, f, "create");
        atomic_free(f);
        return status;
    }
    *ret = f;
    return ASSAY_OK;
}

static enum assay_status atomic_flush(struct assay_atomic_file *f, struct assay_error *err)
{
    size_t used = f->used;
    f->used = 0;
    if (assay_fs_write_all(f->fd, f->buffer, used) != 0) {
        return atomic_fail(err, f, "write");
    }
    return ASSAY_OK;
}

enum assay_status assay_atomic_write(struct assay_atomic_file *f, const void *data, size_t len,
                                     struct assay_error *err)
{
    if (len > sizeof f->buffer - f->used) {
        enum assay_status status = atomic_flush(f, err);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    if (len >= sizeof f->buffer) {
        return assay_fs_write_all(f->fd, data, len) == 0 ? ASSAY_OK : atomic_fail(err, f, "write");
    }
    if (len > 0) {
        memcpy(f->buffer + f->used, data, len);
    }
    f->used += len;
    return ASSAY_OK;
}

static enum assay_status atomic_finish(struct assay_atomic_file *f, int durably,
                                       struct assay_error *err)
{
    enum assay_status status = atomic_flush(f, err);
    if (f->direct) {
        atomic_free(f);
        return status;
    }
    if (status == ASSAY_OK && durably && fsync(f->fd) != 0) {
        status = atomic_fail(err, f, "sync");
    }
    if (status == ASSAY_OK && renameat(f->dir_fd, f->temp, f->dir_fd, f->name) != 0) {
        status = atomic_fail(err, f, "rename to");
    }
    if (status != ASSAY_OK) {
        assay_atomic_abort(f);
        return status;
    }
    if (durably && fsync(f->dir_fd) != 0) {
        status = atomic_fail(err, f, "sync the directory of");
    }
    atomic_free(f);
    return status;
}

enum assay_status assay_atomic_commit(struct assay_atomic_file *f, struct assay_error *err)
{
    return atomic_finish(f, 1, err);
}

enum assay_status assay_atomic_place(struct assay_atomic_file *f, struct assay_error *err)
{
    return atomic_finish(f, 0, err);
}

void assay_atomic_abort(struct assay_atomic_file *f)
{
    if (f != NULL) {
        if (!f->direct) {
            (void)unlinkat(f->dir_fd, f->temp, 0);
        }
        atomic_free(f);
    }
}

static enum assay_status write_file(const char *path, struct assay_bytes data, mode_t mode,
                                    int durably, struct assay_error *err)
{
    struct assay_atomic_file *f;
    enum assay_status status = assay_atomic_open(path, mode, &f, err);
    if (status != ASSAY_OK) {
        return status;
    }
    status = assay_atomic_write(f, data.ptr, data.len, err);
    if (status != ASSAY_OK) {
        assay_atomic_abort(f);
        return status;
    }
    return atomic_finish(f, durably, err);
}

enum assay_status assay_fs_write_file(const char *path, const void *data, size_t len, mode_t mode,
                                      struct assay_error *err)
{
    return write_file(path, assay_bytes_make(data, len), mode, 1, err);
}

enum assay_status assay_fs_place_file(const char *path, const void *data, size_t len, mode_t mode,
                                      struct assay_error *err)
{
    return write_file(path, assay_bytes_make(data, len), mode, 0, err);
}
