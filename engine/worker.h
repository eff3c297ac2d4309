/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/worker.h: one worker: everything it changes while it works is its own.
 */
#ifndef ASSAY_ENGINE_WORKER_H
#define ASSAY_ENGINE_WORKER_H

#include "engine/sched.h"
#include "engine/sink.h"
#include "engine/source.h"

struct assay_worker {
    struct assay_run *run;
    struct assay_collector collector;
    struct assay_scratch *scratch; /* NULL: no matcher */
    struct assay_magic *magic;
    void **readers;  /* local state by plugin index; made when first needed */
    void **scanners; /* local state by scanner */
    /* Matches of a batch, one run after another for each scanner. */
    struct assay_match *matches;
    size_t cap_matches;
    size_t *match_start;        /* by scanner, and one more */
    struct assay_source source; /* for small files */
    struct assay_block block;
    pthread_t thread;
};

/* A worker with its own state of every scanner; `run` is borrowed. Released whatever this says. */
enum assay_status assay_worker_init(struct assay_worker *w, struct assay_run *run,
                                    struct assay_error *err);
void assay_worker_release(struct assay_worker *w); /* accepts a zeroed struct */
/* Works until there is nothing left to do; what goes wrong ends the audit (assay_run_fail). */
void assay_worker_run(struct assay_worker *w);
/* run->jobs workers; freed by assay_workers_free, which accepts NULL. */
enum assay_status assay_workers_new(struct assay_run *run, struct assay_worker **ret,
                                    struct assay_error *err);
/* All of them at work, the first on the calling thread, until nothing is left to do. */
enum assay_status assay_workers_run(struct assay_run *run, struct assay_worker *workers,
                                    struct assay_error *err);
void assay_workers_free(const struct assay_run *run, struct assay_worker *workers);

/* scan.c: parses, matches and scans a block. Only what ends the audit is a failure. */
enum assay_status assay_scan_block(struct assay_worker *w, const struct assay_block *b,
                                   struct assay_error *err);
/* wrapup.c: the whole file was read and scanned: scanners' file(), the engine's own findings, the
 * entry. */
enum assay_status assay_wrapup_file(struct assay_worker *w, struct assay_source *s,
                                    struct assay_error *err);
/* wrapup.c: files that were never begun, and what the inventory could not follow. One thread. */
enum assay_status assay_wrapup_rest(struct assay_worker *w, uint32_t first_unread,
                                    struct assay_error *err);

#endif
