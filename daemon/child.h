/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/child.h: one assay-worker process, from fork to its last word.
 *
 * fork and exec, never fork alone: the worker starts with nothing of the daemon but the dataset's
 * descriptor, its job on standard input, the pipe to answer on, and the log. It dies with the
 * daemon (PR_SET_PDEATHSIG), cannot gain privileges and has resource limits. Owned by the server;
 * one thread.
 */
#ifndef ASSAY_DAEMON_CHILD_H
#define ASSAY_DAEMON_CHILD_H

#include <sys/types.h>

#include "daemon/job.h"

struct assay_child {
    pid_t pid;   /* 0: reaped */
    int pipe_fd; /* -1: at its end */
    int wait_status;
    int job_fd;        /* the job, and what the worker made of it: daemon/hand.h; -1 */
    uint64_t heard_ms; /* monotonic; when it last said something */
    uint64_t moved_ms; /* monotonic; when it last got on */
    int beats;         /* it has begun to say something regularly */
    struct assay_buf in;
    struct assay_worker_message progress;
    uint64_t phase_ms; /* monotonic; when the phase of `progress` was first heard of */
    struct assay_worker_message last; /* result or error */
    int has_last;
    int babbled; /* wrote what is no message */
    int stalled; /* we ended it, since it did not get on, */
    int silent;  /* or not even say so any more */
};

/* 0: none. */
struct assay_child_limits {
    uint64_t memory; /* RLIMIT_AS */
    uint64_t cpu_ms; /* RLIMIT_CPU, in full seconds */
};

/* `worker`: path of the program. `root_fd`: the dataset (not taken over). */
enum assay_status assay_child_start(struct assay_child *c, const char *worker,
                                    const struct assay_job *job, int root_fd,
                                    const struct assay_child_limits *limits,
                                    struct assay_error *err);
/* Reads what is there. Non-zero when there was progress to tell. Sets pipe_fd to -1 at the end. */
int assay_child_read(struct assay_child *c, uint64_t now_ms);
/* Collects the exit status if it has ended; non-zero then. */
int assay_child_reap(struct assay_child *c);
void assay_child_kill(struct assay_child *c, int sig);
/* After it was reaped: whether it said so and ended well; and if not, whether it crashed, stalled,
 * was killed or ran out of memory, as a file in hand may have made it. */
int assay_child_succeeded(const struct assay_child *c);
int assay_child_broke(const struct assay_child *c);
void assay_child_release(struct assay_child *c); /* ends it if it runs */
/* How it ended, in words: "was killed by signal 9 (Killed)". */
void assay_child_describe(const struct assay_child *c, char *out, size_t cap);

#endif
