/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch.c: the `directory` source: inotify that only accelerates, scans that decide.
 *
 * One inotify instance serves every watched directory. A watch is added to a directory *before* the
 * directory is read, so nothing created meanwhile is missed; what is reported twice is harmless.
 * Any event below a dataset makes it pending; it is ready when nothing happened for the settle time
 * and its signature (names, sizes, times) shows nothing newer either, or when its marker is there.
 * Moves are not paired: what moved away is forgotten, what moved in is scanned. A lost event (queue
 * overflow) drops every watch and scans anew; so does the timer.
 *
 * The descriptor handed out is an epoll instance that holds the inotify one, so that it stays the
 * same over rescans.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/source.h"

#define WATCH_MASK                                                                                 \
    (IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE |            \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK)
#define EVENT_BUFFER 65536
#define POLL_MS      UINT64_C(10000) /* between scans while watching is not possible */
#define NEVER        UINT64_MAX

enum delivery_state { DELIVERY_PENDING, DELIVERY_IDLE };

/* One dataset of a watched root. */
struct delivery {
    char *name;
    enum delivery_state state;
    uint64_t changed_ms; /* monotonic; of the last event */
    uint64_t due_ms;     /* when to look again; UINT64_MAX: at an event only */
    uint64_t signed_ms;  /* when `signature` was taken; 0: never */
    uint8_t signature[ASSAY_SIGNATURE_LEN];
    uint8_t seen; /* by the scan under way */
};

struct root {
    const struct assay_config_source *config;
    struct delivery **deliveries;
    size_t n, cap;
    uint64_t due_ms; /* the earliest of the deliveries' */
    char problem[160];
};

/* One watched directory. */
struct watch {
    char *path; /* absolute; NULL: not in use */
    size_t root;
};

struct assay_source_set {
    const struct assay_config *config;
    int epoll_fd;
    int inotify_fd;
    struct root *roots;
    size_t n_roots;
    struct watch *watches; /* by watch descriptor; these count up from 1 in each inotify instance */
    size_t cap_watches;
    uint64_t rescan_ms; /* monotonic; when the next reconciling scan is due */
    uint64_t rescans;
    size_t turn; /* root to ask first, so that none starves */
    char path[PATH_MAX];
};

/* ---- deliveries ---------------------------------------------------------------------------- */

/* Names that say "not finished": temporary files of copy and download tools, and hidden ones. */
static int is_unfinished_name(const char *name)
{
    static const char *const endings[] = {".tmp", ".part", ".partial", ".crdownload", "~"};
    size_t len = strlen(name);
    if (name[0] == '.') {
        return 1;
    }
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && strcmp(name + len - n, endings[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Index of `name`, or where it belongs (*ret_found 0). */
static size_t find_delivery(const struct root *r, const char *name, int *ret_found)
{
    size_t low = 0;
    size_t high = r->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(r->deliveries[mid]->name, name);
        if (order == 0) {
            *ret_found = 1;
            return mid;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    *ret_found = 0;
    return low;
}

static struct delivery *insert_delivery(struct root *r, size_t at, const char *name)
{
    struct delivery **deliveries =
        assay_grown(r->deliveries, r->n, &r->cap, sizeof(struct delivery *));
    if (deliveries == NULL) {
        return NULL;
    }
    r->deliveries = deliveries;
    struct delivery *d = calloc(1, sizeof *d);
    if (d == NULL || (d->name = strdup(name)) == NULL) {
        free(d);
        return NULL;
    }
    memmove(r->deliveries + at + 1, r->deliveries + at, (r->n - at) * sizeof(struct delivery *));
    r->deliveries[at] = d;
    r->n++;
    return d;
}

static void remove_delivery(struct root *r, size_t at)
{
    free(r->deliveries[at]->name);
    free(r->deliveries[at]);
    r->n--;
    memmove(r->deliveries + at, r->deliveries + at + 1, (r->n - at) * sizeof(struct delivery *));
}

/* Something happened to dataset `name` at `now` (0: found by a scan; its times tell how long it is
 * quiet). */
static struct delivery *touch(struct root *r, const char *name, uint64_t now)
{
    int found;
    int whole = r->config->dataset == ASSAY_DATASET_SELF;
    name = whole ? "" : name;
    if (!whole && is_unfinished_name(name)) {
        return NULL;
    }
    size_t at = find_delivery(r, name, &found);
    struct delivery *d = found ? r->deliveries[at] : insert_delivery(r, at, name);
    if (d == NULL) {
        (void)snprintf(r->problem, sizeof r->problem, "out of memory");
        return NULL;
    }
    d->state = DELIVERY_PENDING;
    d->changed_ms = now > d->changed_ms ? now : d->changed_ms;
    d->due_ms = now == 0 || r->config->ready == ASSAY_READY_MARKER ? 0 : now + r->config->settle_ms;
    r->due_ms = d->due_ms < r->due_ms ? d->due_ms : r->due_ms;
    return d;
}

static void forget(struct root *r, const char *name)
{
    int found;
    size_t at = find_delivery(r, name, &found);
    if (found) {
        remove_delivery(r, at);
    }
}

/* ---- watches ------------------------------------------------------------------------------- */

static void drop_watches(struct assay_source_set *s)
{
    for (size_t i = 0; i < s->cap_watches; i++) {
        free(s->watches[i].path);
        s->watches[i].path = NULL;
    }
}

/* Stops watching `path` and what lies below: it moved away, and its events would bear a wrong name.
 */
static void unwatch_tree(struct assay_source_set *s, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < s->cap_watches; i++) {
        struct watch *w = &s->watches[i];
        if (w->path != NULL && strncmp(w->path, path, len) == 0 &&
            (w->path[len] == '/' || w->path[len] == '\0')) {
            (void)inotify_rm_watch(s->inotify_fd, (int)i);
            free(w->path);
            w->path = NULL;
        }
    }
}

static void watch_failed(struct root *r, int error)
{
    if (r->problem[0] != '\0') {
        return;
    }
    if (error == ENOSPC) {
        (void)snprintf(r->problem, sizeof r->problem,
                       "no inotify watches left: raise fs.inotify.max_user_watches; until then "
                       "the directory is polled");
    } else {
        char reason[80];
        (void)snprintf(r->problem, sizeof r->problem, "cannot watch: %s; it is polled",
                       strerror_r(error, reason, sizeof reason));
    }
    assay_log(ASSAY_LOG_WARNING, "watch", "source has a problem",
              ASSAY_LOG_S("source", r->config->name), ASSAY_LOG_S("problem", r->problem));
}

static int remember_watch(struct assay_source_set *s, int wd, size_t root, const char *path)
{
    size_t at = (size_t)wd;
    if (at >= s->cap_watches) {
        size_t cap = s->cap_watches == 0 ? 256 : s->cap_watches;
        while (cap <= at) {
            cap *= 2;
        }
        struct watch *grown = assay_realloc_array(s->watches, cap, sizeof *grown);
        if (grown == NULL) {
            return 0;
        }
        memset(grown + s->cap_watches, 0, (cap - s->cap_watches) * sizeof *grown);
        s->watches = grown;
        s->cap_watches = cap;
    }
    free(s->watches[at].path);
    s->watches[at].path = strdup(path);
    s->watches[at].root = root;
    return s->watches[at].path != NULL;
}

static int add_watch(struct assay_source_set *s, size_t root, const char *path)
{
    int wd = inotify_add_watch(s->inotify_fd, path, WATCH_MASK);
    if (wd < 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
            watch_failed(&s->roots[root], errno);
        }
        return 0;
    }
    if (!remember_watch(s, wd, root, path)) {
        watch_failed(&s->roots[root], ENOMEM);
        return 0;
    }
    return 1;
}

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int entry_is_directory(int dir_fd, const struct dirent *e)
{
    struct stat st;
    if (e->d_type != DT_UNKNOWN) {
        return e->d_type == DT_DIR;
    }
    return fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Appends "/name" to s->path; 0 when it does not fit. */
static int push_name(struct assay_source_set *s, const char *name)
{
    size_t len = strlen(s->path);
    int n = snprintf(s->path + len, sizeof s->path - len, "/%s", name);
    if (n < 0 || (size_t)n >= sizeof s->path - len) {
        s->path[len] = '\0';
        return 0;
    }
    return 1;
}

/* Watches the directory s->path and all below it, each before it is read. */
static void watch_tree(struct assay_source_set *s, size_t root, unsigned depth)
{
    size_t len = strlen(s->path);
    if (depth > ASSAY_LIMIT_PATH_DEPTH || !add_watch(s, root, s->path)) {
        return;
    }
    int fd = open_directory(s->path);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return; /* unreadable: the audit will say so */
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (!assay_fs_is_dots(e->d_name) && entry_is_directory(fd, e) && push_name(s, e->d_name)) {
            watch_tree(s, root, depth + 1);
            s->path[len] = '\0';
        }
    }
    (void)closedir(dir);
}

static void set_path(struct assay_source_set *s, const char *dir, const char *name)
{
    (void)snprintf(s->path, sizeof s->path, "%s%s%s", dir, name[0] == '\0' ? "" : "/", name);
}

/* ---- scanning ------------------------------------------------------------------------------ */

static void scan_children(struct assay_source_set *s, size_t root, int fd, DIR *dir)
{
    struct root *r = &s->roots[root];
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (assay_fs_is_dots(e->d_name)) {
            continue;
        }
        struct delivery *d = touch(r, e->d_name, 0);
        if (d != NULL) {
            d->seen = 1;
        }
        if (entry_is_directory(fd, e)) {
            set_path(s, r->config->path, e->d_name);
            watch_tree(s, root, 1);
        }
    }
}

static void root_failed(struct root *r, int error)
{
    char reason[80];
    (void)snprintf(r->problem, sizeof r->problem, "cannot read the directory: %s",
                   error == ELOOP ? "it is a symbolic link; configure the real path"
                                  : strerror_r(error, reason, sizeof reason));
    assay_log(ASSAY_LOG_WARNING, "watch", "source has a problem",
              ASSAY_LOG_S("source", r->config->name), ASSAY_LOG_S("problem", r->problem));
}

static void scan_root(struct assay_source_set *s, size_t root)
{
    struct root *r = &s->roots[root];
    r->problem[0] = '\0';
    for (size_t i = 0; i < r->n; i++) {
        r->deliveries[i]->seen = 0;
    }
    (void)add_watch(s, root, r->config->path);
    int fd = open_directory(r->config->path);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        root_failed(r, errno);
        if (fd >= 0) {
            (void)close(fd);
        }
    } else {
        scan_children(s, root, fd, dir);
        (void)closedir(dir);
    }
    for (size_t i = r->n; i > 0; i--) {
        if (!r->deliveries[i - 1]->seen) {
            remove_delivery(r, i - 1);
        }
    }
}

/* A new inotify instance: the old one's queue and watches go with it. */
static enum assay_status renew_inotify(struct assay_source_set *s, struct assay_error *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (s->inotify_fd >= 0) {
        (void)close(s->inotify_fd);
    }
    drop_watches(s);
    s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (s->inotify_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->inotify_fd, &event) != 0) {
        return assay_fail_errno(err, errno, "cannot watch directories%s",
                                errno == EMFILE ? " (raise fs.inotify.max_user_instances)" : "");
    }
    return ASSAY_OK;
}

static void rescan_all(struct assay_source_set *s, uint64_t now)
{
    uint64_t wait = s->config->rescan_ms;
    struct assay_error err;
    if (renew_inotify(s, &err) != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "watch", "watching failed", ASSAY_LOG_S("why", err.message));
    }
    for (size_t i = 0; i < s->n_roots; i++) {
        scan_root(s, i);
        if (s->roots[i].problem[0] != '\0' || s->inotify_fd < 0) {
            wait = wait < POLL_MS ? wait : POLL_MS;
        }
    }
    s->rescans++;
    s->rescan_ms = now + wait;
}

/* ---- events -------------------------------------------------------------------------------- */

/* The dataset that holds `path`, a directory below the root; `name` is what happened in it. */
static const char *dataset_of(const struct root *r, const char *path, const char *name,
                              char out[NAME_MAX + 1])
{
    const char *below = path + strlen(r->config->path);
    below += strspn(below, "/");
    if (*below == '\0') {
        return name;
    }
    (void)snprintf(out, NAME_MAX + 1, "%.*s", (int)strcspn(below, "/"), below);
    return out;
}

static void on_gone(struct assay_source_set *s, struct root *r, const char *dir, const char *name,
                    int is_dir)
{
    if (is_dir) {
        set_path(s, dir, name);
        unwatch_tree(s, s->path);
    }
    if (r->config->dataset == ASSAY_DATASET_CHILDREN && strcmp(dir, r->config->path) == 0) {
        forget(r, name);
    }
}

static void on_event(struct assay_source_set *s, const struct inotify_event *e, uint64_t now)
{
    char first[NAME_MAX + 1];
    if ((e->mask & IN_Q_OVERFLOW) != 0) { /* first: it has no watch descriptor */
        assay_log(ASSAY_LOG_WARNING, "watch", "events were lost: scanning anew");
        s->rescan_ms = 0;
        return;
    }
    if (e->wd < 0 || (size_t)e->wd >= s->cap_watches || s->watches[e->wd].path == NULL) {
        return;
    }
    struct watch *w = &s->watches[e->wd];
    size_t root = w->root;
    struct root *r = &s->roots[root];
    int is_root = strcmp(w->path, r->config->path) == 0;
    if ((e->mask & (IN_IGNORED | IN_UNMOUNT)) != 0) {
        free(w->path);
        w->path = NULL;
        s->rescan_ms = is_root || (e->mask & IN_UNMOUNT) != 0 ? 0 : s->rescan_ms;
        return;
    }
    if ((e->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        s->rescan_ms = is_root ? 0 : s->rescan_ms; /* below the root the parent tells */
        return;
    }
    const char *name = e->len > 0 ? e->name : "";
    const char *dataset = dataset_of(r, w->path, name, first);
    if (dataset[0] != '\0' || r->config->dataset == ASSAY_DATASET_SELF) {
        (void)touch(r, dataset, now);
    }
    if ((e->mask & (IN_MOVED_FROM | IN_DELETE)) != 0) {
        char *dir = strdup(w->path);
        on_gone(s, r, dir == NULL ? "" : dir, name, (e->mask & IN_ISDIR) != 0);
        free(dir);
    } else if ((e->mask & IN_ISDIR) != 0 && (e->mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
        set_path(s, w->path, name);
        watch_tree(s, root, 1);
    }
}

static void drain_events(struct assay_source_set *s, uint64_t now)
{
    _Alignas(struct inotify_event) char buffer[EVENT_BUFFER];
    for (int rounds = 0; s->inotify_fd >= 0 && rounds < 64; rounds++) {
        ssize_t n = read(s->inotify_fd, buffer, sizeof buffer);
        if (n <= 0) {
            return;
        }
        for (char *p = buffer; p < buffer + n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)p;
            on_event(s, e, now);
            p += sizeof *e + e->len;
        }
    }
}

/* ---- is it complete? ----------------------------------------------------------------------- */

static int has_marker(struct assay_source_set *s, const struct root *r)
{
    struct stat st;
    size_t len = strlen(s->path);
    int found = push_name(s, r->config->marker) && lstat(s->path, &st) == 0 && S_ISREG(st.st_mode);
    s->path[len] = '\0';
    return found;
}

/* Settled: nothing changed for the settle time, by its own times or by two equal looks that far
 * apart. */
static int is_settled(const struct root *r, struct delivery *d, uint64_t now,
                      const uint8_t signature[ASSAY_SIGNATURE_LEN], uint64_t newest)
{
    uint64_t settle = r->config->settle_ms;
    uint64_t wall = assay_wall_ms();
    int same = d->signed_ms != 0 && memcmp(d->signature, signature, ASSAY_SIGNATURE_LEN) == 0;
    uint64_t signed_ms = d->signed_ms;
    memcpy(d->signature, signature, ASSAY_SIGNATURE_LEN);
    d->signed_ms = same ? signed_ms : now;
    if ((newest <= wall && wall - newest >= settle) || (same && now - signed_ms >= settle)) {
        return 1;
    }
    uint64_t left = newest <= wall ? settle - (wall - newest) : settle;
    d->due_ms = now + (left > 0 ? left : 1);
    return 0;
}

/* ASSAY_OK: complete. ASSAY_END: not yet. ASSAY_NOTFOUND: no dataset any more. */
static enum assay_status examine(struct assay_source_set *s, struct root *r, struct delivery *d,
                                 uint64_t now, uint8_t signature[ASSAY_SIGNATURE_LEN])
{
    struct stat st;
    uint64_t newest;
    set_path(s, r->config->path, d->name);
    if (lstat(s->path, &st) != 0 || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
        return ASSAY_NOTFOUND;
    }
    d->due_ms = NEVER;
    if (r->config->ready == ASSAY_READY_MARKER && !(S_ISDIR(st.st_mode) && has_marker(s, r))) {
        return ASSAY_END;
    }
    if (r->config->ready == ASSAY_READY_SETTLE && d->changed_ms != 0 &&
        now - d->changed_ms < r->config->settle_ms) {
        d->due_ms = d->changed_ms + r->config->settle_ms;
        return ASSAY_END;
    }
    if (assay_tree_signature(s->path, signature, &newest) != ASSAY_OK) {
        return ASSAY_NOTFOUND;
    }
    if (r->config->ready == ASSAY_READY_SETTLE && !is_settled(r, d, now, signature, newest)) {
        return ASSAY_END;
    }
    d->state = DELIVERY_IDLE;
    return ASSAY_OK;
}

static enum assay_status next_of_root(struct assay_source_set *s, struct root *r, uint64_t now,
                                      struct assay_delivery *ret)
{
    if (r->due_ms > now) {
        return ASSAY_END;
    }
    r->due_ms = NEVER;
    for (size_t i = 0; i < r->n; i++) {
        struct delivery *d = r->deliveries[i];
        enum assay_status status = ASSAY_END;
        if (d->state == DELIVERY_PENDING && d->due_ms <= now) {
            status = examine(s, r, d, now, ret->signature);
        }
        if (status == ASSAY_NOTFOUND) {
            remove_delivery(r, i--);
            continue;
        }
        if (status == ASSAY_OK) {
            r->due_ms = now; /* the rest at the next call */
            ret->source = r->config;
            ret->path = s->path;
            ret->name = d->name[0] == '\0' ? r->config->name : d->name;
            return ASSAY_OK;
        }
        if (d->state == DELIVERY_PENDING && d->due_ms < r->due_ms) {
            r->due_ms = d->due_ms;
        }
    }
    return ASSAY_END;
}

/* ---- the table's functions ----------------------------------------------------------------- */

static enum assay_status directory_check(const struct assay_config_source *c,
                                         struct assay_error *err)
{
    if (strchr(c->marker, '/') != NULL || assay_fs_is_dots(c->marker)) {
        return assay_fail(err, ASSAY_CONFIG, "marker must be a file name, without '/'");
    }
    if (strlen(c->path) >= PATH_MAX / 2) {
        return assay_fail(err, ASSAY_CONFIG, "path is too long");
    }
    return ASSAY_OK;
}

static void directory_stop(struct assay_source_set *s)
{
    if (s == NULL) {
        return;
    }
    drop_watches(s);
    free(s->watches);
    for (size_t i = 0; i < s->n_roots; i++) {
        while (s->roots[i].n > 0) {
            remove_delivery(&s->roots[i], s->roots[i].n - 1);
        }
        free(s->roots[i].deliveries);
    }
    free(s->roots);
    if (s->inotify_fd >= 0) {
        (void)close(s->inotify_fd);
    }
    if (s->epoll_fd >= 0) {
        (void)close(s->epoll_fd);
    }
    free(s);
}

static enum assay_status directory_start(const struct assay_config *config,
                                         struct assay_source_set **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_source_set *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    s->config = config;
    s->inotify_fd = -1;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->roots = calloc(config->n_sources + 1, sizeof s->roots[0]);
    if (s->epoll_fd < 0 || s->roots == NULL) {
        directory_stop(s);
        return assay_fail(err, ASSAY_NOMEM, "cannot start watching: out of memory or descriptors");
    }
    for (size_t i = 0; i < config->n_sources; i++) {
        if (strcmp(config->sources[i].kind, "directory") == 0) {
            s->roots[s->n_roots].config = &config->sources[i];
            s->roots[s->n_roots++].due_ms = NEVER;
        }
    }
    *ret = s; /* the first call of next scans: rescan_ms is 0 */
    return ASSAY_OK;
}

static int directory_fd(const struct assay_source_set *s)
{
    return s->epoll_fd;
}

static uint64_t directory_deadline(const struct assay_source_set *s)
{
    uint64_t due = s->rescan_ms;
    for (size_t i = 0; i < s->n_roots; i++) {
        due = s->roots[i].due_ms < due ? s->roots[i].due_ms : due;
    }
    return due;
}

static enum assay_status directory_next(struct assay_source_set *s, uint64_t now,
                                        struct assay_delivery *ret)
{
    drain_events(s, now);
    if (now >= s->rescan_ms) {
        rescan_all(s, now);
    }
    for (size_t i = 0; i < s->n_roots; i++) {
        struct root *r = &s->roots[(s->turn + i) % s->n_roots];
        if (next_of_root(s, r, now, ret) == ASSAY_OK) {
            s->turn = (s->turn + i + 1) % s->n_roots;
            return ASSAY_OK;
        }
    }
    return ASSAY_END;
}

static void directory_rescan(struct assay_source_set *s)
{
    s->rescan_ms = 0;
}

static void directory_counts(const struct assay_source_set *s,
                             const struct assay_config_source *which,
                             struct assay_source_counts *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->rescans = s->rescans;
    for (size_t i = 0; i < s->n_roots; i++) {
        const struct root *r = &s->roots[i];
        if (r->config != which) {
            continue;
        }
        ret->problem = r->problem[0] == '\0' ? NULL : r->problem;
        ret->datasets = r->n;
        for (size_t j = 0; j < r->n; j++) {
            ret->pending += r->deliveries[j]->state == DELIVERY_PENDING;
        }
    }
}

const struct assay_source_kind assay_source_directory = {
    .name = "directory",
    .help = "a directory on this machine, by inotify and reconciling scans",
    .check = directory_check,
    .start = directory_start,
    .fd = directory_fd,
    .deadline = directory_deadline,
    .next = directory_next,
    .rescan = directory_rescan,
    .counts = directory_counts,
    .stop = directory_stop,
};
