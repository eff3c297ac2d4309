/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store.h: datasets, runs and verdicts in SQLite; what survives kill -9.
 *
 * A run is queued, running, done or failed; the transitions there are stand in one table (store.c).
 * Each is one committed transaction (WAL, synchronous=FULL) *before* its effect: a worker starts
 * after its run is `running`, a client is told of a verdict after it is recorded.
 * Thread rule: one store belongs to one thread. Strings of a run live until the next call that
 *        returns one.
 */
#ifndef ASSAY_DAEMON_STORE_H
#define ASSAY_DAEMON_STORE_H

#include "daemon/source.h"

struct assay_store;

enum assay_run_state { ASSAY_RUN_QUEUED, ASSAY_RUN_RUNNING, ASSAY_RUN_DONE, ASSAY_RUN_FAILED };
#define ASSAY_RUN_STATES 4
const char *assay_run_state_name(enum assay_run_state s);

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
};

struct assay_run_record {
    uint64_t id;
    enum assay_run_state state;
    struct assay_run_spec spec;
    unsigned attempt;       /* 0 before the first */
    uint64_t not_before_ms; /* Unix: a retry waits until then */
    uint64_t created_ms, started_ms, finished_ms;
    const char *reason;   /* NULL */
    const char *verdict;  /* NULL until recorded */
    const char *report;   /* NULL */
    const char *manifest; /* hex; NULL */
};

/* Opens or makes the store; runs found `running` (the daemon died) are queued again. A store
 * written by a newer program is refused (ASSAY_UNSUPPORTED) and left alone. */
enum assay_status assay_store_open(const char *path, struct assay_store **ret,
                                   struct assay_error *err);
void assay_store_close(struct assay_store *s); /* accepts NULL */
/* How many runs assay_store_open queued again. */
uint64_t assay_store_recovered(const struct assay_store *s);

/* Queues a run. */
enum assay_status assay_store_add(struct assay_store *s, const struct assay_run_spec *spec,
                                  uint64_t *ret_id, struct assay_error *err);
/* ASSAY_OK and its id when the newest run of this path has the same signature, policy and packs (so
 * there is nothing to do), else ASSAY_NOTFOUND. */
enum assay_status assay_store_same(struct assay_store *s, const struct assay_run_spec *spec,
                                   uint64_t *ret_id, struct assay_error *err);
/* The oldest queued run that may start at `now_ms`. No two runs of one dataset run at once.
 * ASSAY_NOTFOUND: none. */
enum assay_status assay_store_next(struct assay_store *s, uint64_t now_ms,
                                   struct assay_run_record *ret, struct assay_error *err);
/* When the earliest waiting retry may start; 0: none waits. */
uint64_t assay_store_next_retry(struct assay_store *s, uint64_t now_ms);

/* When the run that is queued longest was queued (Unix ms); 0: none is queued. */
uint64_t assay_store_oldest(struct assay_store *s);

/* The transitions. ASSAY_INTERNAL when the run is not in the state they start from. */
enum assay_status assay_store_started(struct assay_store *s, uint64_t id, struct assay_error *err);
enum assay_status assay_store_requeued(struct assay_store *s, uint64_t id, uint64_t not_before_ms,
                                       const char *reason, struct assay_error *err);
enum assay_status assay_store_failed(struct assay_store *s, uint64_t id, const char *reason,
                                     struct assay_error *err);
struct assay_outcome {
    const char *verdict, *report, *manifest;
};
enum assay_status assay_store_done(struct assay_store *s, uint64_t id,
                                   const struct assay_outcome *outcome, struct assay_error *err);

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
enum assay_status assay_store_counts(struct assay_store *s, uint64_t ret[ASSAY_RUN_STATES],
                                     struct assay_error *err);

#endif
