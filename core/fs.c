/* SPDX-License-Identifier: Apache-2.0
 *
 * core/fs.c: opening, reading, directories; core/fs_atomic.c writes files whole or not at all.
 */
#include "core/fs.h"

#include <unistd.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/status.h"
#include "config.h"
#ifdef HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#endif

#define OPEN_RETRIES 8

/* ---- opening and reading ------------------------------------------------------------------- */

/* Opens the directory `name` (one component) for walking; closes `dir` when `owned`. */
static int walk_step(int dir, int owned, const char *name)
{
    int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int saved = errno;
    if (owned) {
        (void)close(dir);
    }
    errno = saved;
    return fd;
}

/* What openat2 does, for kernels without it: every component by itself, none of them a link or
 * "..". */
static int open_walk(int dir_fd, const char *name, int flags)
{
    char part[NAME_MAX + 1];
    int dir = dir_fd;
    for (;;) {
        size_t n = strcspn(name, "/");
        if (n > NAME_MAX || (n == 2 && name[0] == '.' && name[1] == '.')) {
            errno = n > NAME_MAX ? ENAMETOOLONG : EXDEV;
            break;
        }
        memcpy(part, name, n);
        part[n] = '\0';
        name += n + strspn(name + n, "/");
        if (*name == '\0') {
            int fd = openat(dir, n == 0 ? "." : part, flags | O_NOFOLLOW);
            int saved = errno;
            if (dir != dir_fd) {
                (void)close(dir);
            }
            errno = saved;
            return fd;
        }
        dir = walk_step(dir, dir != dir_fd, part);
        if (dir < 0) {
            return -1;
        }
    }
    int saved = errno;
    if (dir != dir_fd) {
        (void)close(dir);
    }
    errno = saved;
    return -1;
}

int assay_fs_open_beneath(int dir_fd, const char *name, int flags)
{
    int all = flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    if (name[0] == '/' || name[0] == '\0') {
        errno = name[0] == '/' ? EXDEV : ENOENT;
        return -1;
    }
#ifdef HAVE_LINUX_OPENAT2_H
    if ((flags & O_PATH) != 0) { /* openat2 refuses flags that O_PATH ignores */
        all = flags | O_CLOEXEC;
    }
    struct open_how how = {
        .flags = (unsigned)all,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    for (int tries = 0; tries < OPEN_RETRIES; tries++) {
        long fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != ENOSYS && errno != EPERM)) {
            return (int)fd;
        }
        if (errno != EAGAIN) { /* no such call, or a filter in its way */
            break;
        }
    }
#endif
    return open_walk(dir_fd, name, all);
}

/* Appends what can be read, but not more than `max` bytes; one more byte than that is an error. */
static enum assay_status read_rest(int fd, size_t max, struct assay_buf *out,
                                   struct assay_error *err)
{
    char chunk[16384];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? ASSAY_OK : assay_fail_errno(err, errno, "cannot read");
        }
        total += (size_t)n;
        if (total > max) {
            return assay_fail(err, ASSAY_LIMIT, "larger than %zu bytes", max);
        }
        assay_buf_add(out, chunk, (size_t)n);
        if (assay_buf_status(out) != ASSAY_OK) {
            return assay_fail(err, assay_buf_status(out), "cannot read: %s",
                              assay_status_text(assay_buf_status(out)));
        }
    }
}

enum assay_status assay_fs_read_fd(int fd, size_t max, struct assay_buf *out,
                                   struct assay_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return assay_fail_errno(err, errno, "cannot read");
    }
    if (S_ISREG(st.st_mode) && st.st_size > 0) {
        if ((uintmax_t)st.st_size > max) {
            return assay_fail(err, ASSAY_LIMIT, "larger than %zu bytes", max);
        }
        (void)assay_buf_reserve(out, (size_t)st.st_size);
    }
    return read_rest(fd, max, out, err);
}

enum assay_status assay_fs_read_file(const char *path, size_t max, struct assay_buf *out,
                                     struct assay_error *err)
{
    struct stat st;
    enum assay_status status;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        status = assay_fail_errno(err, errno, "cannot open");
    } else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        status = assay_fail(err, ASSAY_UNSUPPORTED, "not a regular file");
    } else {
        status = assay_fs_read_fd(fd, max, out, err);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (status != ASSAY_OK) {
        (void)assay_error_at(err, path, 0, 0);
    }
    return status;
}

int assay_fs_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

struct assay_bytes assay_path_base(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    size_t start = len;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    return assay_bytes_make(path + start, len - start);
}

enum assay_status assay_fs_read_at(int fd, void *buf, size_t len, uint64_t offset)
{
    char *p = buf;
    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return n == 0 ? ASSAY_END : ASSAY_IO;
        }
        p += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return ASSAY_OK;
}

/* ---- directories -------------------------------------------------------------------------- */

int assay_fs_is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static int make_dir(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0) {
        return 0;
    }
    if (errno == EEXIST && stat(path, &st) == 0) {
        errno = ENOTDIR;
        return S_ISDIR(st.st_mode) ? 0 : -1;
    }
    return -1;
}

enum assay_status assay_fs_mkdirs(const char *path, mode_t mode, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    char *copy = strdup(path);
    if (copy == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (char *p = copy; status == ASSAY_OK && *p != '\0';) {
        p += strspn(p, "/");
        p += strcspn(p, "/");
        char held = *p;
        *p = '\0';
        if (make_dir(copy, mode) != 0) {
            status = assay_fail_errno(err, errno, "cannot create directory");
            (void)assay_error_at(err, copy, 0, 0);
        }
        *p = held;
    }
    free(copy);
    return status;
}

int assay_fs_tmpfile(void)
{
    const char *dir = getenv("TMPDIR");
    if (dir == NULL || dir[0] != '/') {
        dir = "/tmp";
    }
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) {
        return fd;
    }
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/assay-XXXXXX", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        (void)unlink(path);
    }
    return fd;
}

/* The user's home by environment, then by the password database; 0 when there is none. */
static int home_dir(char *out, size_t cap)
{
    char scratch[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        if (getpwuid_r(getuid(), &entry, scratch, sizeof scratch, &found) != 0 || found == NULL) {
            return 0;
        }
        home = entry.pw_dir;
    }
    return home[0] == '/' && snprintf(out, cap, "%s", home) < (int)cap;
}

enum assay_status assay_fs_home(enum assay_fs_home which, char *out, size_t cap,
                                struct assay_error *err)
{
    static const struct {
        const char *variable;
        const char *fallback;
    } homes[] = {
        [ASSAY_HOME_CONFIG] = {"XDG_CONFIG_HOME", ".config"},
        [ASSAY_HOME_CACHE] = {"XDG_CACHE_HOME", ".cache"},
        [ASSAY_HOME_STATE] = {"XDG_STATE_HOME", ".local/state"},
    };
    char home[PATH_MAX];
    int n;
    const char *xdg = getenv(homes[which].variable);
    if (xdg != NULL && xdg[0] == '/') {
        n = snprintf(out, cap, "%s/assay", xdg);
    } else if (home_dir(home, sizeof home)) {
        n = snprintf(out, cap, "%s/%s/assay", home, homes[which].fallback);
    } else {
        return assay_fail(err, ASSAY_NOTFOUND, "no home directory: set HOME or %s",
                          homes[which].variable);
    }
    if (n < 0 || (size_t)n >= cap) {
        return assay_fail(err, ASSAY_LIMIT, "the home directory's path is too long");
    }
    return ASSAY_OK;
}
