/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watch.h: the inside of the `directory` source. Private to daemon/watch*.c and their test.
 *
 * What:  watch.c is the row of the table of sources; watch_set.c the datasets of a root;
 *        watch_tree.c the scans and which directories are watched; watch_holds.c what a watch
 *        descriptor stands for; watch_event.c what an event means; watch_ready.c and
 *        watch_manifest.c whether a dataset is complete; watch_poll.c when polling takes over;
 *        watch_inotify.c the kernel.
 * Why:   events only make it fast, scans decide. A watch is added to a directory *before* the
 *        directory is read, so nothing created meanwhile is missed; what is reported twice is
 *        harmless. Moves are not paired: what moved away is forgotten, what moved in is scanned.
 *        Lost events (queue overflow) drop every watch and scan anew; so does the timer.
 *        Events come through struct watch_backend, so that each branch can be driven by a test
 *        that has no overflowing queue, no NFS and no exhausted limit at hand.
 * Ownership: the set owns everything below it; the configuration outlives it.
 * Thread rule: the daemon's one thread.
 */
#ifndef ASSAY_DAEMON_WATCH_H
#define ASSAY_DAEMON_WATCH_H

#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "daemon/source.h"

#define WATCH_NEVER UINT64_MAX

struct watch_event {
    int wd;
    uint32_t mask;    /* IN_* of inotify(7) */
    const char *name; /* in the directory; "": the directory itself; until the next call */
};

/* Where events come from. */
struct watch_backend {
    /* Adds what it waits on to the epoll instance. NULL with an error. */
    void *(*open)(int epoll_fd, struct assay_error *err);
    /* A watch descriptor; the same one for the same directory. They count up. -1 with errno. */
    int (*add)(void *ctx, const char *path, uint32_t mask);
    void (*remove)(void *ctx, int wd);
    int (*next)(void *ctx, struct watch_event *ret); /* 0: none now */
    void (*close)(void *ctx);                        /* accepts NULL */
    long (*file_system)(const char *path);           /* f_type of statfs(2); 0: not known */
};
extern const struct watch_backend watch_inotify;

/* ---- datasets (watch_set.c) ---------------------------------------------------------------- */

enum watch_state { WATCH_PENDING, WATCH_IDLE };
enum watch_arrival {
    WATCH_FOUND,   /* by a scan, or changed since it arrived: its own times have to tell */
    WATCH_CREATED, /* made in place while we looked */
    WATCH_RENAMED  /* came complete, untouched since */
};

struct watch_delivery {
    char *name;
    enum watch_state state;
    enum watch_arrival arrival;
    uint64_t since_ms;   /* monotonic; of the first change since it was handed out */
    uint64_t changed_ms; /* of the last event; 0: none */
    uint64_t due_ms;     /* when to look again; WATCH_NEVER: at an event only */
    uint64_t looked_ms;  /* when it was looked at last, and */
    uint64_t cost_ms;    /* how long that took */
    uint64_t signed_ms;  /* when `signature` was taken; 0: never */
    uint64_t *open;      /* hashes of files that were written to and not closed yet */
    size_t n_open, cap_open;
    char *refused; /* why its manifest is none; NULL */
    uint8_t signature[ASSAY_SIGNATURE_LEN];
    uint8_t seen; /* by the scan under way */
};

struct watch_root {
    const struct assay_config_source *config;
    struct watch_delivery **deliveries; /* sorted by name */
    size_t n, cap;
    size_t at;        /* next delivery of the pass under way */
    int passes;       /* a pass is under way */
    uint64_t due_ms;  /* the earliest of the deliveries' */
    uint64_t scan_ms; /* when to scan this root anew */
    int polled;
    int denied;   /* errno of a watch that could not be added since the last renewal; 0 */
    dev_t device; /* of the directory that was scanned; what is mounted over it differs */
    ino_t inode;
    char problem[200]; /* "": none */
    char said[200];    /* the problem that was logged last */
    char note[200];    /* worth knowing, no problem; "": none */
};

/* Index of `name`, or where it belongs (*ret_found 0). */
size_t watch_find(const struct watch_root *r, const char *name, int *ret_found);
/* Something happened to dataset `name` at `now` (0: found by a scan). NULL when it is no dataset
 * (an unfinished name), or memory ran out (said in r->problem). */
struct watch_delivery *watch_touch(struct watch_root *r, const char *name, uint64_t now);
/* It came into the root in this way just now. */
void watch_arrived(struct watch_root *r, struct watch_delivery *d, enum watch_arrival arrival,
                   uint64_t now);
void watch_remove(struct watch_root *r, size_t at);
void watch_forget(struct watch_root *r, const char *name);
/* File `hash` of `d` was written to, or closed. */
void watch_opened(struct watch_delivery *d, uint64_t hash);
void watch_closed(struct watch_delivery *d, uint64_t hash);

/* ---- watch descriptors (watch_holds.c) ----------------------------------------------------- */

enum watch_role { WATCH_TREE, WATCH_ABOVE /* an ancestor of a root that is not there */ };

/* Why a directory is watched: two sources may watch the same one. */
struct watch_hold {
    struct watch_hold *next;
    size_t root;
    enum watch_role role;
    char path[]; /* absolute */
};

struct watch_entry {
    int wd;
    struct watch_hold *holds; /* NULL: no more in use */
};

/* By ascending wd; a new one goes to the end. Entries no longer in use are dropped in bulk, so the
 * table follows what is watched and not what ever was. */
struct watch_table {
    struct watch_entry *entries;
    size_t n, cap, dead;
};

struct watch_entry *watch_table_find(const struct watch_table *t, int wd);
int watch_table_add(struct watch_table *t, int wd, size_t root, enum watch_role role,
                    const char *path); /* 0: out of memory */
/* Forgets `e` altogether. */
void watch_table_drop(struct watch_table *t, struct watch_entry *e);
/* Forgets what `root` holds at `path` and below (NULL: everywhere); a watch that nobody holds any
 * more is given to `remove`. */
void watch_table_release(struct watch_table *t, size_t root, const char *path,
                         void (*remove)(void *ctx, int wd), void *ctx);
void watch_table_clear(struct watch_table *t);

/* ---- the set ------------------------------------------------------------------------------- */

struct assay_source_set {
    const struct assay_config *config;
    const struct watch_backend *backend;
    void *events; /* of the backend; NULL: events cannot be had */
    int epoll_fd;
    int mounts_wake_fd, mounts_fd; /* /proc/self/mountinfo: one wakes, one tells */
    struct watch_root *roots;
    size_t n_roots;
    struct watch_table table;
    uint64_t renew_ms; /* monotonic; when all watches are renewed and all roots scanned */
    uint64_t rescans, overflows;
    size_t turn; /* root to ask first, so that none starves */
    char path[PATH_MAX];
};

/* directory_start with another backend. */
enum assay_status watch_start(const struct assay_config *config,
                              const struct watch_backend *backend, struct assay_source_set **ret,
                              struct assay_error *err);

/* s->path = dir/name (name "": dir). */
void watch_set_path(struct assay_source_set *s, const char *dir, const char *name);
/* Appends "/name" to s->path; 0 when it does not fit. */
int watch_push_name(struct assay_source_set *s, const char *name);

/* watch_tree.c */
/* Watches the directory s->path and all below it, each before it is read. */
void watch_tree(struct assay_source_set *s, size_t root, unsigned depth);
/* Reads the root anew, watching first. */
void watch_scan_root(struct assay_source_set *s, size_t root, uint64_t now);
/* Renews the backend (its queue goes too) and scans every root. */
void watch_scan_all(struct assay_source_set *s, uint64_t now);
/* Another file system was mounted somewhere: roots that are other directories now are due. */
void watch_check_mounts(struct assay_source_set *s);

/* watch_event.c */
void watch_drain(struct assay_source_set *s, uint64_t now);

/* watch_poll.c */
/* Name of a file system whose changes the kernel does not report; NULL: it does. */
const char *watch_silent_file_system(long type);
/* Decides between events and polling for a root before it is scanned, and says why. */
void watch_choose(struct assay_source_set *s, size_t root);
/* Logs the root's problem, once. */
void watch_say_problem(struct watch_root *r);
/* A watch could not be added: the root is polled until watches are renewed. */
void watch_failed(struct assay_source_set *s, size_t root, int os_errno);

/* watch_ready.c */
/* ASSAY_OK: complete, with its signature. ASSAY_END: not yet. ASSAY_NOTFOUND: no dataset any more.
 * s->path is the dataset's. */
enum assay_status watch_examine(struct assay_source_set *s, struct watch_root *r,
                                struct watch_delivery *d, uint64_t now,
                                uint8_t signature[ASSAY_SIGNATURE_LEN]);

/* watch_manifest.c */
struct watch_manifest_entry {
    int has_size;
    uint64_t size;
    char path[ASSAY_LIMIT_NAME + 1];
};
/* One line without its end. 1 with an entry, 0: nothing on it (empty, a comment), -1: malformed. */
int watch_manifest_line(const char *line, size_t len, struct watch_manifest_entry *ret);
/* Whether all that file `name` in directory `dir_fd` lists is there, with the sizes it gives.
 * ASSAY_OK; ASSAY_END: something is missing; ASSAY_SYNTAX and others: it is no manifest, with a
 * sentence. */
enum assay_status watch_manifest_check(int dir_fd, const char *name, struct assay_error *err);

#endif
