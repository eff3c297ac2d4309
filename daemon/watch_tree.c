/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_tree.c: scans, and which directories are watched.
 *
 * A scan of a root lets go of its watches and takes them anew, so that whatever the root is now
 * (moved, made again, mounted over) is what is watched. A root that is not there is waited for at
 * its nearest ancestor that is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/watch.h"

/* IN_MASK_ADD: another source may want other events of the same directory. */
#define TREE_MASK                                                                                  \
    (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |            \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD)
#define ABOVE_MASK (IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD)

void watch_set_path(struct assay_source_set *s, const char *dir, const char *name)
{
    (void)snprintf(s->path, sizeof s->path, "%s%s%s", dir, name[0] == '\0' ? "" : "/", name);
}

int watch_push_name(struct assay_source_set *s, const char *name)
{
    size_t len = strlen(s->path);
    int n = snprintf(s->path + len, sizeof s->path - len, "/%s", name);
    if (n < 0 || (size_t)n >= sizeof s->path - len) {
        s->path[len] = '\0';
        return 0;
    }
    return 1;
}

/* ---- watches ------------------------------------------------------------------------------- */

static int is_plain_absence(int os_errno)
{
    return os_errno == ENOENT || os_errno == ENOTDIR || os_errno == ELOOP;
}

/* Watches one directory for a root; 0 when it cannot, which is noted unless it is just gone. */
static int add_watch(struct assay_source_set *s, size_t root, const char *path)
{
    uint32_t mask = TREE_MASK;
    if ((s->roots[root].config->ready & ASSAY_READY_CLOSE) != 0) {
        mask |= IN_MODIFY; /* which tells of files that were open before the watch */
    }
    int wd = s->backend->add(s->events, path, mask);
    if (wd < 0) {
        if (!is_plain_absence(errno)) {
            watch_failed(s, root, errno);
        }
        return 0;
    }
    if (!watch_table_add(&s->table, wd, root, WATCH_TREE, path)) {
        watch_failed(s, root, ENOMEM);
        return 0;
    }
    return 1;
}

static DIR *open_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL && fd >= 0) {
        (void)close(fd);
    }
    return dir;
}

static int entry_is_directory(int dir_fd, const struct dirent *e)
{
    struct stat st;
    if (e->d_type != DT_UNKNOWN) {
        return e->d_type == DT_DIR;
    }
    return fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

void watch_tree(struct assay_source_set *s, size_t root, unsigned depth)
{
    size_t len = strlen(s->path);
    if (s->roots[root].polled || depth > ASSAY_LIMIT_PATH_DEPTH || !add_watch(s, root, s->path)) {
        return;
    }
    DIR *dir = open_directory(s->path);
    if (dir == NULL) {
        return; /* unreadable: the audit will say so */
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (!assay_fs_is_dots(e->d_name) && entry_is_directory(dirfd(dir), e) &&
            watch_push_name(s, e->d_name)) {
            watch_tree(s, root, depth + 1);
            s->path[len] = '\0';
        }
    }
    (void)closedir(dir);
}

/* Waits for the root at its nearest ancestor that is there; the one below it may appear between the
 * look and the watch, so the scan looks once more afterwards. */
static void watch_above(struct assay_source_set *s, size_t root)
{
    const char *path = s->roots[root].config->path;
    if (s->roots[root].polled) {
        return;
    }
    (void)snprintf(s->path, sizeof s->path, "%s", path);
    for (char *slash; (slash = strrchr(s->path, '/')) != NULL && s->path[1] != '\0';) {
        slash[slash == s->path ? 1 : 0] = '\0';
        int wd = s->backend->add(s->events, s->path, ABOVE_MASK);
        if (wd >= 0) {
            (void)watch_table_add(&s->table, wd, root, WATCH_ABOVE, s->path);
            return;
        }
    }
}

/* ---- scans --------------------------------------------------------------------------------- */

/* Touches every dataset of a root, and watches the trees below. */
static void scan_children(struct assay_source_set *s, size_t root, DIR *dir)
{
    struct watch_root *r = &s->roots[root];
    struct stat st;
    if (fstat(dirfd(dir), &st) == 0) {
        r->device = st.st_dev;
        r->inode = st.st_ino;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (assay_fs_is_dots(e->d_name)) {
            continue;
        }
        struct watch_delivery *d = watch_touch(r, e->d_name, 0);
        if (d != NULL) {
            d->seen = 1;
        }
        if (!r->polled && entry_is_directory(dirfd(dir), e)) {
            watch_set_path(s, r->config->path, e->d_name);
            watch_tree(s, root, 1);
        }
    }
}

static void root_failed(struct watch_root *r, int os_errno)
{
    char reason[80];
    (void)snprintf(r->problem, sizeof r->problem, "cannot read the directory: %s",
                   os_errno == ELOOP ? "it is a symbolic link; configure the real path"
                                     : strerror_r(os_errno, reason, sizeof reason));
}

/* Opens the root, watched; NULL with errno. */
static DIR *open_root(struct assay_source_set *s, size_t root)
{
    const char *path = s->roots[root].config->path;
    if (!s->roots[root].polled) {
        (void)add_watch(s, root, path);
    }
    return open_directory(path);
}

static void drop_unseen(struct watch_root *r)
{
    for (size_t i = r->n; i > 0; i--) {
        if (!r->deliveries[i - 1]->seen) {
            watch_remove(r, i - 1);
        }
    }
}

/* When a root is scanned again of itself; healthy ones wait for the renewal. */
static uint64_t next_scan(const struct watch_root *r, uint64_t now)
{
    return r->polled || r->problem[0] != '\0' ? now + r->config->poll_ms : WATCH_NEVER;
}

void watch_scan_root(struct assay_source_set *s, size_t root, uint64_t now)
{
    struct watch_root *r = &s->roots[root];
    watch_table_release(&s->table, root, NULL, s->backend->remove, s->events);
    r->problem[0] = '\0';
    r->device = 0;
    r->inode = 0;
    for (size_t i = 0; i < r->n; i++) {
        r->deliveries[i]->seen = 0;
    }
    watch_choose(s, root);
    DIR *dir = open_root(s, root);
    if (dir == NULL && is_plain_absence(errno)) {
        watch_above(s, root);
        dir = open_root(s, root);
    }
    if (dir == NULL) {
        root_failed(r, errno);
    } else {
        scan_children(s, root, dir);
        (void)closedir(dir);
    }
    drop_unseen(r);
    watch_say_problem(r);
    r->scan_ms = next_scan(r, now);
}

void watch_scan_all(struct assay_source_set *s, uint64_t now)
{
    struct assay_error err;
    s->backend->close(s->events);
    watch_table_clear(&s->table);
    s->events = s->backend->open(s->epoll_fd, &err);
    if (s->events == NULL) {
        assay_log(ASSAY_LOG_ERROR, "watch", "watching failed: sources are polled",
                  ASSAY_LOG_S("why", err.message));
    }
    for (size_t i = 0; i < s->n_roots; i++) {
        s->roots[i].denied = 0;
        watch_scan_root(s, i, now);
        if (s->events == NULL && s->roots[i].problem[0] == '\0') {
            (void)snprintf(s->roots[i].problem, sizeof s->roots[i].problem, "%.150s; it is polled",
                           err.message);
        }
    }
    s->rescans++;
    s->renew_ms = now + s->config->rescan_ms;
}

void watch_check_mounts(struct assay_source_set *s)
{
    struct stat st;
    struct pollfd p = {.fd = s->mounts_fd, .events = POLLPRI};
    if (s->mounts_fd < 0 || poll(&p, 1, 0) <= 0) {
        return;
    }
    for (size_t i = 0; i < s->n_roots; i++) {
        struct watch_root *r = &s->roots[i];
        if (lstat(r->config->path, &st) != 0 || st.st_dev != r->device || st.st_ino != r->inode) {
            r->scan_ms = 0;
        }
    }
}
