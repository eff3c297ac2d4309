/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch.c: the `directory` source as a row of the table of sources. (watch.h says how the
 * parts work together.)
 *
 * The descriptor handed out is an epoll instance that holds the inotify one, so that it stays the
 * same over rescans, and /proc/self/mountinfo, which tells of mounts that inotify does not. That
 * file is opened twice, because a poll takes the news away: the one in the epoll instance wakes,
 * the other is asked.
 */
#include "daemon/watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/status.h"

/* One step of the pass over a root's deliveries; a pass goes on at the next call, so that many
 * ready at once cost one pass and not one each. */
static enum assay_status next_of_root(struct assay_source_set *s, struct watch_root *r,
                                      uint64_t now, struct assay_delivery *ret)
{
    if (!r->passes) {
        if (r->due_ms > now) {
            return ASSAY_END;
        }
        r->passes = 1;
        r->at = 0;
        r->due_ms = WATCH_NEVER;
    }
    while (r->at < r->n) {
        struct watch_delivery *d = r->deliveries[r->at++];
        if (d->state != WATCH_PENDING) {
            continue;
        }
        enum assay_status status =
            d->due_ms <= now ? watch_examine(s, r, d, now, ret->signature) : ASSAY_END;
        if (status == ASSAY_OK) {
            ret->source = r->config;
            ret->path = s->path;
            ret->name = d->name[0] == '\0' ? r->config->name : d->name;
            return ASSAY_OK;
        }
        if (status == ASSAY_NOTFOUND) {
            watch_remove(r, r->at - 1);
        } else if (d->due_ms < r->due_ms) {
            r->due_ms = d->due_ms;
        }
    }
    r->passes = 0;
    return ASSAY_END;
}

static void scan_what_is_due(struct assay_source_set *s, uint64_t now)
{
    watch_check_mounts(s);
    if (now >= s->renew_ms) {
        watch_scan_all(s, now);
    }
    for (size_t i = 0; i < s->n_roots; i++) {
        if (now >= s->roots[i].scan_ms) {
            watch_scan_root(s, i, now);
        }
    }
}

/* ---- the table's functions ----------------------------------------------------------------- */

static enum assay_status check_name(const char *key, const char *name, struct assay_error *err)
{
    if (strchr(name, '/') != NULL || assay_fs_is_dots(name) || strlen(name) > NAME_MAX) {
        return assay_fail(err, ASSAY_CONFIG, "%s must be a file name, without '/'", key);
    }
    return ASSAY_OK;
}

static enum assay_status directory_check(const struct assay_config_source *c,
                                         struct assay_error *err)
{
    enum assay_status status = check_name("marker", c->marker, err);
    if (status == ASSAY_OK) {
        status = check_name("manifest", c->manifest, err);
    }
    if (status == ASSAY_OK && strlen(c->path) >= PATH_MAX / 2) {
        status = assay_fail(err, ASSAY_CONFIG, "path is too long");
    }
    if (status == ASSAY_OK && c->dataset == ASSAY_DATASET_SELF &&
        (c->ready & ASSAY_READY_RENAME) != 0) {
        status = assay_fail(err, ASSAY_CONFIG,
                            "with dataset: self nothing is renamed into place: use another ready "
                            "rule, or dataset: children");
    }
    if (status == ASSAY_OK && c->settle_max_ms != 0 && c->settle_max_ms < c->settle_ms) {
        status = assay_fail(err, ASSAY_CONFIG, "settle_max is shorter than settle");
    }
    return status;
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void directory_stop(struct assay_source_set *s)
{
    if (s == NULL) {
        return;
    }
    s->backend->close(s->events);
    watch_table_clear(&s->table);
    for (size_t i = 0; i < s->n_roots; i++) {
        while (s->roots[i].n > 0) {
            watch_remove(&s->roots[i], s->roots[i].n - 1);
        }
        free(s->roots[i].deliveries);
    }
    free(s->roots);
    close_fd(s->mounts_fd);
    close_fd(s->mounts_wake_fd);
    close_fd(s->epoll_fd);
    free(s);
}

/* Without /proc mounts are found by the timer alone. */
static void open_mounts(struct assay_source_set *s)
{
    struct epoll_event event = {.events = EPOLLPRI};
    s->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    s->mounts_wake_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (s->mounts_wake_fd >= 0) {
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->mounts_wake_fd, &event);
    }
}

enum assay_status watch_start(const struct assay_config *config,
                              const struct watch_backend *backend, struct assay_source_set **ret,
                              struct assay_error *err)
{
    *ret = NULL;
    struct assay_source_set *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    s->config = config;
    s->backend = backend;
    s->mounts_fd = s->mounts_wake_fd = -1;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->roots = calloc(config->n_sources + 1, sizeof s->roots[0]);
    if (s->epoll_fd < 0 || s->roots == NULL) {
        directory_stop(s);
        return assay_fail(err, ASSAY_NOMEM, "cannot start watching: out of memory or descriptors");
    }
    open_mounts(s);
    for (size_t i = 0; i < config->n_sources; i++) {
        if (strcmp(config->sources[i].kind, "directory") == 0) {
            struct watch_root *r = &s->roots[s->n_roots++];
            r->config = &config->sources[i];
            r->due_ms = WATCH_NEVER;
            r->scan_ms = WATCH_NEVER;
        }
    }
    *ret = s; /* the first call of next scans: renew_ms is 0 */
    return ASSAY_OK;
}

static enum assay_status directory_start(const struct assay_config *config,
                                         struct assay_source_set **ret, struct assay_error *err)
{
    return watch_start(config, &watch_inotify, ret, err);
}

static int directory_fd(const struct assay_source_set *s)
{
    return s->epoll_fd;
}

static uint64_t directory_deadline(const struct assay_source_set *s)
{
    uint64_t due = s->renew_ms;
    for (size_t i = 0; i < s->n_roots; i++) {
        const struct watch_root *r = &s->roots[i];
        uint64_t at = r->passes ? 0 : r->due_ms;
        at = r->scan_ms < at ? r->scan_ms : at;
        due = at < due ? at : due;
    }
    return s->n_roots == 0 ? WATCH_NEVER : due;
}

static enum assay_status directory_next(struct assay_source_set *s, uint64_t now,
                                        struct assay_delivery *ret)
{
    watch_drain(s, now);
    scan_what_is_due(s, now);
    for (size_t i = 0; i < s->n_roots; i++) {
        struct watch_root *r = &s->roots[(s->turn + i) % s->n_roots];
        if (next_of_root(s, r, now, ret) == ASSAY_OK) {
            s->turn = (s->turn + i + 1) % s->n_roots;
            return ASSAY_OK;
        }
    }
    return ASSAY_END;
}

static void directory_rescan(struct assay_source_set *s)
{
    s->renew_ms = 0;
}

static void directory_counts(const struct assay_source_set *s,
                             const struct assay_config_source *which,
                             struct assay_source_counts *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->rescans = s->rescans;
    for (size_t i = 0; i < s->n_roots; i++) {
        const struct watch_root *r = &s->roots[i];
        if (r->config != which) {
            continue;
        }
        ret->problem = r->problem[0] == '\0' ? NULL : r->problem;
        ret->note = r->note[0] == '\0' ? NULL : r->note;
        ret->datasets = r->n;
        for (size_t j = 0; j < r->n; j++) {
            ret->problem = ret->problem == NULL ? r->deliveries[j]->refused : ret->problem;
            ret->pending += r->deliveries[j]->state == WATCH_PENDING;
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
