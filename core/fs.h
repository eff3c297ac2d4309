/* SPDX-License-Identifier: Apache-2.0
 *
 * core/fs.h: the few things done to files, done safely.
 *
 * Writers never leave a half-written file under its final name: temporary file in the same
 * directory, write, fsync, rename, fsync of the directory. Readers open beneath a directory
 * descriptor without following links (openat2 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS).
 */
#ifndef ASSAY_CORE_FS_H
#define ASSAY_CORE_FS_H

#include <sys/types.h>

#include "core/buf.h"

/* Opens `name` beneath `dir_fd` for reading, non-blocking, no symlinks anywhere in it. Returns -1
 * with errno. Falls back to a component-by-component O_NOFOLLOW walk where the kernel lacks
 * openat2. */
int assay_fs_open_beneath(int dir_fd, const char *name, int flags);
/* Reads a whole regular file of at most `max` bytes into `out`. */
enum assay_status assay_fs_read_file(const char *path, size_t max, struct assay_buf *out,
                                     struct assay_error *err);
enum assay_status assay_fs_read_fd(int fd, size_t max, struct assay_buf *out,
                                   struct assay_error *err);
/* Writes a file atomically and durably. */
enum assay_status assay_fs_write_file(const char *path, const void *data, size_t len, mode_t mode,
                                      struct assay_error *err);

/* The same in steps, for content that does not fit in memory. A path that names a device or a pipe
 * is written as it is. */
struct assay_atomic_file;
enum assay_status assay_atomic_open(const char *path, mode_t mode, struct assay_atomic_file **ret,
                                    struct assay_error *err);
enum assay_status assay_atomic_write(struct assay_atomic_file *f, const void *data, size_t len,
                                     struct assay_error *err); /* buffered */
/* fsync and rename; consumes f whatever happens. */
enum assay_status assay_atomic_commit(struct assay_atomic_file *f, struct assay_error *err);
/* Renames only: the caller syncs the directory (core/sync.h) before anybody relies on it. */
enum assay_status assay_atomic_place(struct assay_atomic_file *f, struct assay_error *err);
enum assay_status assay_fs_place_file(const char *path, const void *data, size_t len, mode_t mode,
                                      struct assay_error *err);
void assay_atomic_abort(struct assay_atomic_file *f); /* removes the temporary file; accepts NULL */

/* Whether a directory entry is "." or "..". */
int assay_fs_is_dots(const char *name);
/* mkdir -p. */
enum assay_status assay_fs_mkdirs(const char *path, mode_t mode, struct assay_error *err);
/* Writes all of it, through EINTR and short writes. 0, or -1 with errno. */
int assay_fs_write_all(int fd, const void *data, size_t len);
/* The last component of a path, slashes behind it set aside: a part of `path`; empty of "/". */
struct assay_bytes assay_path_base(const char *path);
/* Reads `len` bytes at `offset`, through EINTR and short reads. ASSAY_END when the file ends before,
 * ASSAY_IO when it cannot be read; both with errno (EIO for the former). */
enum assay_status assay_fs_read_at(int fd, void *buf, size_t len, uint64_t offset);
/* An unlinked temporary file in $TMPDIR or /tmp; -1 with errno. */
int assay_fs_tmpfile(void);
/* User directories by the XDG base directory specification, "assay" appended, NUL-terminated in
 * `out`: config (keys), cache (compiled rules), state. */
enum assay_fs_home { ASSAY_HOME_CONFIG, ASSAY_HOME_CACHE, ASSAY_HOME_STATE };
enum assay_status assay_fs_home(enum assay_fs_home which, char *out, size_t cap,
                                struct assay_error *err);

#endif
