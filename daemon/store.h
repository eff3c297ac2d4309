/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store.h: datasets, runs, verdicts and requests in SQLite; what survives kill -9.
 *
 * A run is in one of six states; the transitions there are stand in one table (store.c), and no
 * other is possible. Each is committed (WAL, synchronous=FULL) *before* its effect: a worker starts
 * after its run is `running`, a client is told of a verdict after it is recorded. Several may share
 * one commit (assay_store_begin, assay_store_commit), whose effects then follow it.
 * A request is what a source wants to hear of: its own text (`origin`) and the run that answers it.
 * Several requests may share a run. It stays untold until the source has said that it passed the
 * outcome on.
 * Time: everything here is told on the store's clock, which does not jump while the daemon lives
 *        (core/clock.h, assay_steady_ms); a wait that an earlier life wrote and that is too long to
 *        be true is over at opening.
 * Thread rule: one store belongs to one thread. Strings of a run live until the next call that
 *        returns one.
 */
#ifndef ASSAY_DAEMON_STORE_H
#define ASSAY_DAEMON_STORE_H

#include "daemon/source.h"

struct assay_store;

/* No wait between attempts is longer. */
#define ASSAY_RETRY_MAX_MS UINT64_C(3600000)

/* The numbers are those in the file. */
enum assay_run_state {
    ASSAY_RUN_QUEUED,
    ASSAY_RUN_RUNNING,
    ASSAY_RUN_DONE,
    ASSAY_RUN_FAILED,    /* no attempt can work */
    ASSAY_RUN_CANCELLED, /* on request */
    ASSAY_RUN_DEAD       /* every attempt is used up, or its deadline has passed */
};
#define ASSAY_RUN_STATES 6
const char *assay_run_state_name(enum assay_run_state s);
int assay_run_state_is_final(enum assay_run_state s);
/* Whether the table has this transition. */
int assay_run_may_become(enum assay_run_state from, enum assay_run_state to);

/* What to audit. */
struct assay_run_spec {
    const char *path;   /* absolute */
    const char *name;   /* last component */
    const char *source; /* name of the source, or "submit" */
    const char *policy; /* NULL: the embedded default */
    struct assay_config_list packs;
    uint8_t signature[ASSAY_SIGNATURE_LEN];
    uint8_t
        rules_digest[ASSAY_SIGNATURE_LEN]; /* of what policy and packs hold; zeroes: not known */
    int64_t priority;                      /* greater starts earlier; 0 is usual */
    uint64_t deadline_ms; /* how long after queueing it must be done; 0: no deadline */
    const char *origin;   /* NULL, or the source's own text for a request to be told of */
    const char *job;      /* NULL, or with origin: a name under which the run is found again */
};

struct assay_run_record {
    uint64_t id;
    enum assay_run_state state;
    struct assay_run_spec spec;
    unsigned attempt;       /* 0 before the first */
    uint64_t not_before_ms; /* a retry waits until then */
    uint64_t created_ms, started_ms, finished_ms;
    int cancelling;       /* to be cancelled as soon as its worker has ended */
    const char *reason;   /* NULL */
    const char *verdict;  /* NULL until recorded */
    const char *report;   /* NULL */
    int report_removed;   /* it had one, which is too old to be there */
    const char *manifest; /* hex; NULL */
};

struct assay_outcome {
    const char *verdict, *report, *manifest;
};

/* Opens or makes the store. Refused and left alone, byte by byte: a store that a newer program
 * wrote, or a database of another (ASSAY_UNSUPPORTED); one whose pages are damaged
 * (ASSAY_CORRUPT); one that cannot be written (ASSAY_DENIED). Runs found `running` stay so until
 * assay_store_recover. */
enum assay_status assay_store_open(const char *path, struct assay_store **ret,
                                   struct assay_error *err);
enum assay_status assay_store_open_at(const char *path, uint64_t (*now)(void),
                                      struct assay_store **ret, struct assay_error *err);
void assay_store_close(struct assay_store *s); /* accepts NULL */
/* What an earlier life of the daemon left behind: a run that was `running` is done if `finished`
 * knows its outcome (it fills *ret and returns non-zero; may be NULL), cancelled if that was asked
 * for, else queued again; *ret_queued of those. */
enum assay_status assay_store_recover(struct assay_store *s,
                                      int (*finished)(void *ctx, const struct assay_run_record *run,
                                                      struct assay_outcome *ret),
                                      void *ctx, uint64_t *ret_queued, struct assay_error *err);
/* The store's clock; a test may bring its own. */
uint64_t assay_store_now(const struct assay_store *s);
void assay_store_set_clock(struct assay_store *s, uint64_t (*now)(void));

/* Joins what follows into one commit. After a failed commit nothing of it has happened. Each call
 * in between still succeeds or fails as a whole. */
enum assay_status assay_store_begin(struct assay_store *s, struct assay_error *err);
enum assay_status assay_store_commit(struct assay_store *s, struct assay_error *err);

/* Queues a run, with its request when spec->origin is set. */
enum assay_status assay_store_add(struct assay_store *s, const struct assay_run_spec *spec,
                                  uint64_t *ret_id, struct assay_error *err);
/* ASSAY_OK and its id when the newest run of this path has the same signature, policy, packs and
 * digest of rules (so there is nothing to do), else ASSAY_NOTFOUND. */
enum assay_status assay_store_same(struct assay_store *s, const struct assay_run_spec *spec,
                                   uint64_t *ret_id, struct assay_error *err);
/* The queued run of the highest priority, of those the oldest, that may start at `now_ms`. No two
 * runs of one dataset run at once, and none of a source in `full` (a JSON array of names; NULL:
 * any) starts. ASSAY_NOTFOUND: none. */
enum assay_status assay_store_next(struct assay_store *s, uint64_t now_ms, const char *full,
                                   struct assay_run_record *ret, struct assay_error *err);
/* A queued run whose deadline has passed; ASSAY_NOTFOUND. */
enum assay_status assay_store_overdue(struct assay_store *s, uint64_t now_ms,
                                      struct assay_run_record *ret, struct assay_error *err);
/* When the next deadline of a queued run passes; 0: none has one. */
uint64_t assay_store_next_deadline(struct assay_store *s);
/* When the earliest waiting retry may start; 0: none waits. */
uint64_t assay_store_next_retry(struct assay_store *s, uint64_t now_ms);

/* When the run that is queued longest was queued (Unix ms); 0: none is queued. */
uint64_t assay_store_oldest(struct assay_store *s);

/* The transitions. ASSAY_INTERNAL when the run is not in the state they start from. */
enum assay_status assay_store_started(struct assay_store *s, uint64_t id, struct assay_error *err);
enum assay_status assay_store_requeued(struct assay_store *s, uint64_t id, uint64_t not_before_ms,
                                       const char *reason, struct assay_error *err);
/* Failed, cancelled or dead. */
enum assay_status assay_store_ended(struct assay_store *s, uint64_t id, enum assay_run_state to,
                                    const char *reason, struct assay_error *err);
enum assay_status assay_store_done(struct assay_store *s, uint64_t id,
                                   const struct assay_outcome *outcome, struct assay_error *err);
/* Notes that a running run is to be cancelled: its next transition may only be to a final state. */
enum assay_status assay_store_cancelling(struct assay_store *s, uint64_t id,
                                         struct assay_error *err);

/* Requests. One of the same source and origin is made once. */
enum assay_status assay_store_attach(struct assay_store *s, uint64_t run,
                                     const struct assay_run_spec *spec, struct assay_error *err);
/* The run that the newest request of this source and job is answered by; ASSAY_NOTFOUND. */
enum assay_status assay_store_find_job(struct assay_store *s, const char *source, const char *job,
                                       struct assay_run_record *ret, struct assay_error *err);
/* Requests of `run` (0: of any) that are not told although the run is final, in order;
 * run->spec.origin, .job and .source are the request's. Stops when `each` returns non-zero; `each`
 * must not call the store. */
enum assay_status assay_store_untold(struct assay_store *s, uint64_t of_run,
                                     int (*each)(void *ctx, uint64_t request,
                                                 const struct assay_run_record *run),
                                     void *ctx, struct assay_error *err);
enum assay_status assay_store_told(struct assay_store *s, uint64_t request,
                                   struct assay_error *err);

/* Rules. The newest run of a dataset for `source`; ASSAY_NOTFOUND. */
enum assay_status assay_store_judged(struct assay_store *s, const char *path, const char *source,
                                     struct assay_run_record *ret, struct assay_error *err);
/* A run that is still queued will see what `spec` says now: its signature and rules are those. */
enum assay_status assay_store_refresh(struct assay_store *s, uint64_t id,
                                      const struct assay_run_spec *spec, struct assay_error *err);
/* The newest runs of datasets of `source` that ended under other rules than `digest`, in order.
 * Stops when `each` returns non-zero; `each` must not call the store. */
enum assay_status assay_store_stale(struct assay_store *s, const char *source,
                                    const uint8_t digest[ASSAY_SIGNATURE_LEN],
                                    int (*each)(void *ctx, const struct assay_run_record *run),
                                    void *ctx, struct assay_error *err);

/* Suspects: files a worker of `run` had in hand when it broke (daemon/suspects.c). The numbers are
 * those in the file. */
enum assay_suspect_state { ASSAY_SUSPECT_UNTRIED, ASSAY_SUSPECT_POISON, ASSAY_SUSPECT_CLEARED };
#define ASSAY_SUSPECT_STATES 3
/* Does nothing when it is one already. */
enum assay_status assay_store_suspect(struct assay_store *s, uint64_t run, struct assay_bytes name,
                                      struct assay_error *err);
enum assay_status assay_store_suspect_tried(struct assay_store *s, uint64_t run,
                                            struct assay_bytes name, enum assay_suspect_state to,
                                            struct assay_error *err);
/* All of them, sorted by name, as long as `each` returns ASSAY_OK. `name` lives as long as the
 * call of `each`, which must not call the store. */
enum assay_status assay_store_suspects(struct assay_store *s, uint64_t run,
                                       enum assay_status (*each)(void *ctx, struct assay_bytes name,
                                                                 enum assay_suspect_state state),
                                       void *ctx, struct assay_error *err);

/* Retention (daemon/retention.c). What became of a report; the numbers are those in the file. */
enum assay_report_removal { ASSAY_REPORT_THERE, ASSAY_REPORT_GOES, ASSAY_REPORT_GONE };
#define ASSAY_REPORT_REMOVALS 3
/* A run, as far as it matters for whether it stays. */
struct assay_retained {
    uint64_t id;
    enum assay_run_state state;
    uint64_t finished_ms;
    const char *report; /* NULL: it never had one. Lives as long as the call it is handed to. */
    enum assay_report_removal removal;   /* without a report, GONE */
    uint64_t newer_verdicts, newer_runs; /* of the same dataset; no more than were asked for */
    int is_newest;                       /* run of its dataset and source */
    int is_awaited;                      /* a source has not been told of it */
};
/* The runs behind number `after` in their order, at most `max`; newer ones are counted as far as
 * `enough`. `each` must not call the store. */
enum assay_status assay_store_retained(struct assay_store *s, uint64_t after, size_t max,
                                       uint64_t enough,
                                       void (*each)(void *ctx, const struct assay_retained *run),
                                       void *ctx, struct assay_error *err);
/* From then on the run has no report. */
enum assay_status assay_store_report_removal(struct assay_store *s, uint64_t id,
                                             enum assay_report_removal to, struct assay_error *err);
/* Removes a run that has ended and all that belongs to it; ASSAY_INTERNAL while it has a report. */
enum assay_status assay_store_forget(struct assay_store *s, uint64_t id, struct assay_error *err);
/* Gives room that was freed back to the file system, up to a bound for each call. */
enum assay_status assay_store_shrink(struct assay_store *s, struct assay_error *err);

/* ASSAY_NOTFOUND when there is none. */
enum assay_status assay_store_get(struct assay_store *s, uint64_t id, struct assay_run_record *ret,
                                  struct assay_error *err);
/* The newest run of a dataset with an id greater than `after`. */
enum assay_status assay_store_newest(struct assay_store *s, const char *path, uint64_t after,
                                     struct assay_run_record *ret, struct assay_error *err);
/* Newest first; stops when `each` returns non-zero. */
enum assay_status assay_store_list(struct assay_store *s, size_t max,
                                   int (*each)(void *ctx, const struct assay_run_record *run),
                                   void *ctx, struct assay_error *err);
/* Those that wait, in the order in which they start where nothing holds them up. */
enum assay_status assay_store_waiting(struct assay_store *s, size_t max,
                                      int (*each)(void *ctx, const struct assay_run_record *run),
                                      void *ctx, struct assay_error *err);
uint64_t assay_store_queued(struct assay_store *s); /* how many wait */
/* How many are in each state: kept with every change, so it costs the same for any number of runs. */
enum assay_status assay_store_counts(struct assay_store *s, uint64_t ret[ASSAY_RUN_STATES],
                                     struct assay_error *err);

#endif
