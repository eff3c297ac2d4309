/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch_event.c: what an event means.
 */
#include <stdlib.h>

#include "core/hash.h"
#include "core/log.h"
#include "daemon/watch.h"

#define EVENTS_AT_ONCE 65536 /* then the rest of the daemon has its turn */

/* The dataset that holds `path`, a directory below the root; `name` is what happened in it. */
static const char *dataset_of(const struct watch_root *r, const char *path, const char *name,
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

/* Files that are open for writing, for `ready: close`. */
static void follow_writing(struct watch_delivery *d, const char *dir, const struct watch_event *e)
{
    uint64_t hash = assay_xxh3_64(e->name, strlen(e->name), assay_xxh3_64(dir, strlen(dir), 0));
    if ((e->mask & IN_MODIFY) != 0) {
        watch_opened(d, hash);
    } else if ((e->mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM)) != 0) {
        watch_closed(d, hash);
    }
}

/* Something below a watched root changed: its dataset is looked at again. */
static void on_change(struct watch_root *r, const char *dir, const struct watch_event *e,
                      uint64_t now)
{
    char first[NAME_MAX + 1];
    const char *dataset = dataset_of(r, dir, e->name, first);
    if (dataset[0] == '\0' && r->config->dataset != ASSAY_DATASET_SELF) {
        return; /* the root itself */
    }
    struct watch_delivery *d = watch_touch(r, dataset, now);
    if (d == NULL) {
        return;
    }
    if (strcmp(dir, r->config->path) == 0 && (e->mask & (IN_MOVED_TO | IN_CREATE)) != 0) {
        watch_arrived(r, d, (e->mask & IN_CREATE) != 0 ? WATCH_CREATED : WATCH_RENAMED, now);
    }
    if ((r->config->ready & ASSAY_READY_CLOSE) != 0 && (e->mask & IN_ISDIR) == 0) {
        follow_writing(d, dir, e);
    }
}

/* Directories that came are watched, and read; what moved away is let go, for its events would bear
 * a name that is no more. (What was deleted lets go of itself: IN_IGNORED.) */
static void on_entry(struct assay_source_set *s, size_t root, const char *dir,
                     const struct watch_event *e)
{
    struct watch_root *r = &s->roots[root];
    int is_dir = (e->mask & IN_ISDIR) != 0;
    watch_set_path(s, dir, e->name);
    if ((e->mask & IN_MOVED_FROM) != 0 && is_dir) {
        watch_table_release(&s->table, root, s->path, s->backend->remove, s->events);
    }
    if ((e->mask & (IN_MOVED_FROM | IN_DELETE)) != 0) {
        if (r->config->dataset == ASSAY_DATASET_CHILDREN && strcmp(dir, r->config->path) == 0) {
            watch_forget(r, e->name);
        }
    } else if ((e->mask & (IN_CREATE | IN_MOVED_TO)) != 0 && is_dir) {
        watch_tree(s, root, 1);
    }
}

/* The next component towards the root appeared in an ancestor. */
static void on_above(struct assay_source_set *s, size_t root, const char *dir,
                     const struct watch_event *e)
{
    const char *below = s->roots[root].config->path + strlen(dir);
    below += strspn(below, "/");
    size_t len = strlen(e->name);
    if (len > 0 && strncmp(below, e->name, len) == 0 && (below[len] == '/' || below[len] == '\0')) {
        s->roots[root].scan_ms = 0;
    }
}

/* One event for one of those that watch the directory. */
static void on_hold(struct assay_source_set *s, size_t root, enum watch_role role, const char *dir,
                    const struct watch_event *e, uint64_t now)
{
    struct watch_root *r = &s->roots[root];
    int is_root = role == WATCH_ABOVE || strcmp(dir, r->config->path) == 0;
    if ((e->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        /* Below the root, the parent tells of what went; a file system that went took all. */
        r->scan_ms = is_root || (e->mask & IN_UNMOUNT) != 0 ? 0 : r->scan_ms;
    } else if (role == WATCH_ABOVE) {
        on_above(s, root, dir, e);
    } else {
        on_change(r, dir, e, now);
        on_entry(s, root, dir, e);
    }
}

/* Handling an event may change the list of holds: it is copied. */
struct held {
    size_t root;
    enum watch_role role;
    char path[PATH_MAX];
};

/* The i-th hold of a watch, copied: what is done for one may remove others. 0: no more. */
static size_t copy_hold(const struct watch_entry *entry, size_t i, struct held *ret)
{
    const struct watch_hold *h = entry == NULL ? NULL : entry->holds;
    for (; h != NULL && i > 0; i--) {
        h = h->next;
    }
    if (h == NULL) {
        return 0;
    }
    ret->root = h->root;
    ret->role = h->role;
    (void)snprintf(ret->path, sizeof ret->path, "%s", h->path);
    return 1;
}

/* All roots that hold the watch hear of it. */
static void on_event(struct assay_source_set *s, const struct watch_event *e, uint64_t now)
{
    struct held held;
    if ((e->mask & IN_Q_OVERFLOW) != 0) { /* first: it has no watch descriptor */
        assay_log(ASSAY_LOG_WARNING, "watch", "events were lost: scanning anew");
        s->overflows++;
        s->renew_ms = 0;
        return;
    }
    for (size_t i = 0; copy_hold(watch_table_find(&s->table, e->wd), i, &held); i++) {
        on_hold(s, held.root, held.role, held.path, e, now);
    }
    struct watch_entry *entry = watch_table_find(&s->table, e->wd);
    if (entry != NULL && (e->mask & IN_IGNORED) != 0) {
        watch_table_drop(&s->table, entry);
    }
}

void watch_drain(struct assay_source_set *s, uint64_t now)
{
    struct watch_event e;
    for (int n = 0; n < EVENTS_AT_ONCE && s->events != NULL && s->renew_ms > 0; n++) {
        if (!s->backend->next(s->events, &e)) {
            return;
        }
        on_event(s, &e, now);
    }
}
