/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/stream.h: the inside of the `redis` source: one job stream and the jobs taken from
 * it. Private to source.c (the row of the table), stream.c (taking), flight.c (the life of one job)
 * and outcome.c (what is written).
 *
 * A job that was taken is a flight until its entry is acknowledged:
 *
 *     CHECK -> OFFER -> RUNNING -> GUARD -> WRITE ----------> ACK -> gone
 *       |                            |        (FETCH: dead)    ^
 *       +-- judged before: GUARD     +-- written before -------+
 *
 * Every step but OFFER and RUNNING is one question to Redis and its answer; a step whose answer is
 * lost or an error is asked again after a pause. WRITE is one transaction, and only after its answer
 * is seen the entry is acknowledged: a crash anywhere leaves the entry pending, and GUARD finds out
 * whether it was written. Nothing here is kept on disk: Redis has the entry, the store has the run
 * and the request for its outcome, which is confirmed when the flight is gone.
 */
#ifndef ASSAY_DAEMON_REDIS_STREAM_H
#define ASSAY_DAEMON_REDIS_STREAM_H

#include "daemon/job.h"
#include "daemon/redis/client.h"
#include "daemon/redis/message.h"
#include "daemon/source.h"
#include "daemon/store.h"

#define FLIGHT_RETRY_MS UINT64_C(500)

enum flight_step {
    FLIGHT_CHECK,   /* was this job judged before? */
    FLIGHT_OFFER,   /* waits for the daemon to take it */
    FLIGHT_RUNNING, /* the daemon has it */
    FLIGHT_GUARD,   /* was this very entry answered before? */
    FLIGHT_FETCH,   /* the entry's own fields, for the dead letter */
    FLIGHT_WRITE,   /* result, state, verdict, event in one transaction */
    FLIGHT_ACK,
    FLIGHT_GONE
};

/* What is said of a job. */
struct outcome {
    uint64_t run;
    char verdict[16]; /* of a policy, or ERROR: nothing was audited */
    char state[16];   /* of the job's hash: done, failed, dead, lost */
    char digest[65];
    char report[PATH_MAX];
    char reason[400];
    uint64_t started_ms, finished_ms;
    int repeated; /* said before, of an earlier entry or an earlier run */
    int dead;     /* goes to the dead letters too */
};

struct stream;

struct flight {
    struct stream *stream;
    struct assay_queue_job job;
    enum flight_step step;
    int asked;         /* an answer is due */
    uint64_t retry_ms; /* monotonic; the step is not asked again before */
    uint64_t deliveries;
    uint64_t request; /* of the store, to be confirmed when the flight is gone; 0: none */
    struct outcome outcome;
    char announced[16];                 /* the state last said */
    struct assay_worker_message counts; /* while it runs; */
    int has_news;                       /* not said yet */
};

struct stream {
    const struct assay_config_source *config;
    int epoll_fd; /* borrowed; watches both connections */
    char tenant[ASSAY_QUEUE_NAME], group[ASSAY_QUEUE_NAME], consumer[ASSAY_LIMIT_REDIS_KEY];
    char jobs[ASSAY_QUEUE_KEY], results[ASSAY_QUEUE_KEY], events[ASSAY_QUEUE_KEY],
        dead[ASSAY_QUEUE_KEY];
    struct assay_redis *commands; /* everything but waiting for new entries */
    struct assay_redis *reader;   /* XREADGROUP, which may wait */
    struct flight *flights[ASSAY_LIMIT_REDIS_FLIGHTS];
    size_t n_flights;
    size_t room;         /* workers that are free */
    uint64_t generation; /* of `commands`, for which the group was made */
    int group_ready, group_asked;
    int listed; /* the own backlog is done: new entries may be read */
    int list_asked, claim_asked, reading;
    struct {
        char id[ASSAY_QUEUE_ENTRY];
        uint64_t deliveries;
    } claim[ASSAY_LIMIT_REDIS_FLIGHTS]; /* own entries without a flight */
    size_t n_claim;
    char cursor[ASSAY_QUEUE_ENTRY]; /* of XAUTOCLAIM */
    uint64_t reap_ms, beat_ms;      /* monotonic */
    uint64_t pause_ms;              /* after an error of the group's commands */
    uint64_t taken, losses, reconnects;
    char problem[240], shown[240]; /* now; last logged */
};

/* flight.c */
struct flight *flight_find(const struct stream *s, const char *entry);
struct flight *flight_new(struct stream *s, const struct assay_queue_job *job, uint64_t deliveries);
/* Dead: said with this reason, and set aside. `state`: "dead" or "lost". */
void flight_kill(struct flight *f, const char *state, const char *reason);
/* The daemon's run of it ended. */
void flight_ended(struct flight *f, const struct assay_run_record *run);
void flight_step_all(struct stream *s, uint64_t now);
void flight_sweep(struct stream *s);          /* frees those that are gone */
size_t flight_active(const struct stream *s); /* that take or will take a worker */
uint64_t flight_deadline(const struct stream *s);

/* outcome.c */
/* Asks for the state of the job; the answer goes to outcome_was_written and outcome_recall. */
enum assay_status outcome_ask(struct flight *f, assay_redis_func *func);
int outcome_was_written(const struct flight *f, const redisReply *state);
/* ASSAY_NOTFOUND: not judged. ASSAY_MISMATCH: the id stands for another request. */
enum assay_status outcome_recall(struct flight *f, const redisReply *state);
/* One transaction. `fields`: of the entry, for a dead letter; else NULL. */
enum assay_status outcome_write(struct flight *f, const redisReply *fields, assay_redis_func *func);
/* Whether every part that matters was written; else why not. */
int outcome_written(const struct flight *f, const redisReply *exec, char *why, size_t cap);
/* A state on the way: "queued", "running". Not repeated when it is lost. */
void outcome_announce(struct flight *f, const char *state);

/* How far it is, as an event; no state hangs on it. */
void outcome_progress(struct flight *f);

/* stream.c */
void stream_problem(struct stream *s, const char *problem); /* "": none */
/* What is wrong with it now; NULL: nothing. */
const char *stream_problem_now(const struct stream *s);
/* Reads what was answered, asks what is to be asked; never waits. */
void stream_turn(struct stream *s, uint64_t now);
/* When the next turn is due if nothing is answered before (monotonic ms). */
uint64_t stream_deadline(const struct stream *s);

#endif
