/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/client.h: talking to a running assayd over its control socket.
 *
 * What:  one connection, one request at a time; replies are parsed into views. The protocol is JSON
 *        lines (docs/assayd.8, CONTROL SOCKET); assay_client_raw gives the line itself, for
 *        `--json`.
 * Ownership: every string of a view belongs to the client and lives until the next call on it.
 * Thread rule: a client belongs to one thread. Calls block; those with a timeout honour it.
 * Errors: ASSAY_UNREACHABLE when no daemon answers (the message says which socket and what to do);
 *        what the daemon refuses comes back with the daemon's own status and sentence.
 */
#ifndef ASSAY_DAEMON_CLIENT_H
#define ASSAY_DAEMON_CLIENT_H

#include "assay/base.h"

struct assay_client;

/* One audit of one dataset. Times are Unix milliseconds, 0 where not yet. */
struct assay_run_view {
    uint64_t id;
    const char *state;    /* "queued", "running", "done", "failed", "cancelled", "dead" */
    const char *verdict;  /* "PASS", "WARN", "FAIL", "INCOMPLETE"; NULL while there is none */
    const char *dataset;  /* absolute path */
    const char *name;     /* last component */
    const char *source;   /* name of the source, or "submit" */
    const char *reason;   /* why it failed or waits; NULL */
    const char *report;   /* directory of the signed report; NULL */
    int report_removed;   /* it had one, and is too old to have it still */
    const char *manifest; /* SHA-256 of MANIFEST.sha256, hex; NULL */
    unsigned attempt;     /* 1 for the first */
    uint64_t created_ms, started_ms, finished_ms;
    const char *phase; /* while running, and so what follows; NULL: it is not */
    uint64_t files_done, files_total, bytes_done, bytes_total, records, findings;
    uint64_t phase_ms;     /* files and bytes are those of the phase, which is so old */
    uint64_t still_ms;     /* since something changed */
    uint64_t rate, eta_ms; /* bytes a second; UINT64_MAX: unknown */
    int is_final;          /* nothing more happens to it */
};

struct assay_source_view {
    const char *name, *kind, *path;
    const char *problem; /* NULL: working */
    const char *note;    /* NULL */
    uint64_t stale;      /* datasets judged under other rules */
    uint64_t datasets;   /* seen */
    uint64_t pending;    /* not settled yet */
    uint64_t rescans;    /* after lost events, and on the timer */
};

struct assay_status_view {
    const char *version;
    const char *state; /* "running", "draining" */
    uint64_t pid, started_ms;
    uint64_t workers, busy;
    uint64_t queued, running, done, failed, cancelled, dead; /* runs in each state */
    const char *sandbox;                                     /* "require", "prefer", "off" */
    uint64_t landlock; /* what the kernel offers: its ABI, 0 for none */
    int seccomp;
    size_t n_sources, n_runs;
    const struct assay_source_view *sources;
    const struct assay_run_view *runs; /* newest first, at most 50 */
};

struct assay_submit {
    const char *path;         /* absolute */
    const char *policy;       /* NULL: the embedded default; else a name or an absolute path */
    const char *const *packs; /* n_packs 0: the built-in packs */
    size_t n_packs;
    uint64_t priority;    /* 0 to 100 */
    uint64_t deadline_ms; /* after queueing; 0: none */
};

/* `socket` NULL: $ASSAY_CONTROL when set, else the compiled-in path. */
enum assay_status assay_client_open(const char *socket, struct assay_client **ret,
                                    struct assay_error *err);
void assay_client_close(struct assay_client *c); /* accepts NULL */

enum assay_status assay_client_ping(struct assay_client *c, struct assay_error *err);
enum assay_status assay_client_status(struct assay_client *c, struct assay_status_view *ret,
                                      struct assay_error *err);
/* Reads configuration and rules again; an error says why the old ones stay. Waits for the answer
 * for as long as it takes. */
enum assay_status assay_client_reload(struct assay_client *c, struct assay_error *err);
/* Prometheus text. */
enum assay_status assay_client_metrics(struct assay_client *c, const char **ret_text,
                                       struct assay_error *err);
/* Datasets that were judged under other rules, queued unless `dry_run`. */
struct assay_stale_view {
    const char *dataset, *source, *verdict;
};
struct assay_reaudit_view {
    uint64_t stale, queued;
    const struct assay_stale_view *datasets; /* the first of them */
    size_t n_datasets;
};
enum assay_status assay_client_reaudit(struct assay_client *c, int dry_run,
                                       struct assay_reaudit_view *ret, struct assay_error *err);
enum assay_status assay_client_submit(struct assay_client *c, const struct assay_submit *what,
                                      uint64_t *ret_run, struct assay_error *err);
/* Ends a run that waits; has the worker of one that runs ended. *ret as it is then. */
enum assay_status assay_client_cancel(struct assay_client *c, uint64_t run,
                                      struct assay_run_view *ret, struct assay_error *err);
/* The newest run of a dataset (absolute path), or run `run` when `dataset` is NULL. ASSAY_NOTFOUND.
 */
enum assay_status assay_client_report(struct assay_client *c, const char *dataset, uint64_t run,
                                      struct assay_run_view *ret, struct assay_error *err);

struct assay_wait {
    const char *dataset; /* waits for a run of this dataset that need not exist yet; NULL: `run` */
    uint64_t run;        /* the run; or with `dataset`: only runs with a greater number */
    uint64_t timeout_ms; /* 0: none */
    void (*event)(void *ctx,
                  const struct assay_run_view *run); /* each change and progress; may be NULL */
    void *ctx;
};
/* Until the run is final. ASSAY_TIMEOUT; ASSAY_UNREACHABLE when the daemon goes away meanwhile. */
enum assay_status assay_client_wait(struct assay_client *c, const struct assay_wait *what,
                                    struct assay_run_view *ret, struct assay_error *err);

/* What a watcher is told: how things are, and what has changed since it was told last. */
struct assay_watch_view {
    const char *state; /* of the daemon: "running", "draining" */
    uint64_t workers, busy, queued;
    int all;         /* `changed` are the newest runs, newest first, not what changed */
    uint64_t missed; /* changes there were too many of to be told */
    const struct assay_run_view *active, *waiting, *changed; /* waiting: the next to start */
    size_t n_active, n_waiting, n_changed;
};
struct assay_watch {
    const char *dataset; /* as in struct assay_wait; with neither, all runs */
    uint64_t run;
    uint64_t interval_ms; /* at least so long between two events; 0: as the daemon has it */
    int stop_fd;          /* once it is readable, that is the end (ASSAY_CANCELLED); -1: none */
    int (*event)(void *ctx, const struct assay_watch_view *v); /* non-zero: enough */
    void *ctx;
};
/* ASSAY_OK when `event` had enough. */
enum assay_status assay_client_watch(struct assay_client *c, const struct assay_watch *what,
                                     struct assay_error *err);

/* The last reply, one JSON object without its newline. */
struct assay_bytes assay_client_raw(const struct assay_client *c);

#endif
