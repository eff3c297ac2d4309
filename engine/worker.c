/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/worker.c: the loop, and the state a worker owns.
 */
#include "engine/review.h"

/* ---- tasks --------------------------------------------------------------------------------- */

static void fail(struct assay_worker *w, const struct assay_error *err)
{
    assay_run_fail(w->run, err);
    assay_sched_wake(w->run->sched);
}

static void count_progress(struct assay_worker *w, struct assay_source *s)
{
    uint64_t now = s->ended ? s->raw_bytes : assay_stream_raw_bytes(s->stream);
    if (now > s->raw_counted) {
        atomic_fetch_add(&w->run->bytes_done, now - s->raw_counted);
        s->raw_counted = now;
    }
}

/* One step of reading; what it noticed is folded into the file by the caller. */
static void feed(struct assay_worker *w, struct assay_source *s, struct assay_block *b)
{
    struct assay_error err;
    assay_collector_begin(&w->collector, s->file, s->seq);
    enum assay_status status = assay_source_feed(s, w->magic, b, &w->collector, &err);
    if (status == ASSAY_OK) {
        status = assay_collector_flush(&w->collector, &err);
    }
    if (status != ASSAY_OK) {
        fail(w, &err);
        b->chunk.data.len = 0;
        s->ended = 1;
    }
    count_progress(w, s);
}

static void scan(struct assay_worker *w, const struct assay_block *b)
{
    struct assay_error err;
    uint64_t records = w->collector.tally.records_scanned;
    uint64_t findings = w->collector.tally.findings;
    if (assay_scan_block(w, b, &err) != ASSAY_OK) {
        fail(w, &err);
    }
    if (w->run->review == NULL) {
        atomic_fetch_add(&w->run->records_done, w->collector.tally.records_scanned - records);
        atomic_fetch_add(&w->run->findings_done, w->collector.tally.findings - findings);
    }
}

static void wrap_up(struct assay_worker *w, struct assay_source *s)
{
    struct assay_error err;
    enum assay_status status =
        w->run->review == NULL ? assay_wrapup_file(w, s, &err) : assay_review_file(w, s, &err);
    if (status != ASSAY_OK) {
        fail(w, &err);
        assay_source_close(s);
    }
    atomic_fetch_add(&w->run->files_done, 1);
    assay_progress_hand(w->run, s->slot, NULL);
}

/* A small file may inflate to long records too: then its worker waits for the turn. */
static void end_long_record(struct assay_worker *w, struct assay_source *s)
{
    struct assay_error err;
    if (assay_block_shrink(&w->block, w->run->tuning.chunk) != ASSAY_OK) {
        (void)assay_fail(&err, ASSAY_NOMEM, "out of memory while reading");
        fail(w, &err);
    }
    assay_sched_end_turn(w->run->sched, s);
}

/* One step of a file that this worker reads and scans alone. */
static void step_alone(struct assay_worker *w, struct assay_source *s)
{
    if (s->needs_turn) {
        assay_sched_take_turn(w->run->sched, s);
    }
    feed(w, s, &w->block);
    assay_source_fold(s, &w->collector.delta, &w->collector.tally);
    if (w->block.chunk.data.len > 0) {
        scan(w, &w->block);
        assay_source_fold(s, &w->collector.delta, &w->collector.tally);
    }
    if (s->has_turn) {
        end_long_record(w, s);
    }
}

static void do_group(struct assay_worker *w, struct assay_unit unit)
{
    struct assay_source *s = &w->source;
    for (uint32_t i = 0; i < unit.count; i++) {
        assay_source_begin(s, unit.first + i);
        assay_progress_hand(w->run, s->slot, s->name);
        while (!s->ended) {
            step_alone(w, s);
        }
        wrap_up(w, s);
        assay_progress_tick(w->run, s->name, 0);
    }
}

static void do_feed(struct assay_worker *w, struct assay_source *s, struct assay_block *b)
{
    if (!s->opened) {
        assay_progress_hand(w->run, s->slot, s->name);
    }
    feed(w, s, b);
    if (assay_sched_fed(w->run->sched, s, b, &w->collector.delta, &w->collector.tally)) {
        wrap_up(w, s);
        assay_sched_finished(w->run->sched, s);
    }
}

static void do_scan(struct assay_worker *w, struct assay_block *b)
{
    struct assay_source *s = b->source;
    scan(w, b);
    if (assay_sched_scanned(w->run->sched, b, &w->collector.delta, &w->collector.tally)) {
        wrap_up(w, s);
        assay_sched_finished(w->run->sched, s);
    }
}

void assay_worker_run(struct assay_worker *w)
{
    struct assay_task task;
    for (;;) {
        assay_sched_next(w->run->sched, &task);
        if (w->run->tuning.working != NULL) {
            w->run->tuning.working(w->run->tuning.ctx);
        }
        switch (task.kind) {
        case ASSAY_TASK_FEED:
            do_feed(w, task.source, task.block);
            break;
        case ASSAY_TASK_SCAN:
            do_scan(w, task.block);
            break;
        case ASSAY_TASK_GROUP:
            do_group(w, task.unit);
            break;
        default:
            return;
        }
        assay_progress_tick(w->run, NULL, 0);
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

static enum assay_status make_arrays(struct assay_worker *w)
{
    struct assay_run *run = w->run;
    w->readers = calloc(assay_plugins_count(run->opt->plugins) + 1, sizeof *w->readers);
    w->scanners = calloc(run->n_scanners + 1, sizeof *w->scanners);
    w->match_start = calloc(run->n_scanners + 2, sizeof *w->match_start);
    return w->readers == NULL || w->scanners == NULL || w->match_start == NULL
               ? ASSAY_NOMEM
               : assay_block_init(&w->block, run->tuning.chunk);
}

static enum assay_status make_scanner_locals(struct assay_worker *w, struct assay_error *err)
{
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        enum assay_status status = ASSAY_OK;
        if (sr->scanner->local_init != NULL) {
            (void)assay_fail(err, ASSAY_PLUGIN, "scanner %.64s cannot start", sr->plugin->name);
            status = sr->scanner->local_init(sr->shared, &w->scanners[i], err);
        }
        if (status != ASSAY_OK) {
            return status;
        }
    }
    return ASSAY_OK;
}

enum assay_status assay_worker_init(struct assay_worker *w, struct assay_run *run,
                                    struct assay_error *err)
{
    memset(w, 0, sizeof *w);
    w->run = run;
    enum assay_status status = make_arrays(w);
    if (status != ASSAY_OK) {
        (void)assay_fail(err, status, "out of memory");
    }
    if (status == ASSAY_OK) {
        status = assay_collector_init(&w->collector, run, err);
        w->collector.muted = run->review != NULL;
        w->collector.states = w->scanners;
    }
    if (status == ASSAY_OK) {
        status = assay_source_init(&w->source, run, err);
    }
    if (status == ASSAY_OK && run->opt->matcher != NULL && run->review == NULL) {
        status = assay_scratch_new(run->opt->matcher, &w->scratch, err);
    }
    if (status == ASSAY_OK) {
        status = run->review == NULL ? make_scanner_locals(w, err) : assay_review_locals(w, err);
    }
    if (status != ASSAY_OK) {
        assay_worker_release(w);
        return status;
    }
    w->magic = assay_magic_new();
    return ASSAY_OK;
}

static void free_scanner_locals(struct assay_worker *w)
{
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner *s = w->run->scanners[i].scanner;
        if (s->local_free != NULL) {
            s->local_free(w->scanners[i]);
        }
    }
}

static void free_locals(struct assay_worker *w)
{
    const struct assay_plugins *ps = w->run->opt->plugins;
    for (size_t i = 0; w->readers != NULL && i < assay_plugins_count(ps); i++) {
        const struct assay_reader *r = assay_plugins_get(ps, i)->reader;
        if (r != NULL && r->local_free != NULL) {
            r->local_free(w->readers[i]);
        }
    }
    if (w->scanners != NULL && w->run->review == NULL) {
        free_scanner_locals(w);
    } else if (w->scanners != NULL) {
        assay_review_free_locals(w);
    }
}

void assay_worker_release(struct assay_worker *w)
{
    if (w->run == NULL) {
        return;
    }
    assay_source_release(&w->source);
    free_locals(w);
    assay_collector_release(&w->collector);
    assay_scratch_free(w->scratch);
    assay_magic_free(w->magic);
    assay_block_release(&w->block);
    free(w->readers);
    free(w->scanners);
    free(w->match_start);
    free(w->matches);
    memset(w, 0, sizeof *w);
}

/* ---- all of them --------------------------------------------------------------------------- */

enum assay_status assay_workers_new(struct assay_run *run, struct assay_worker **ret,
                                    struct assay_error *err)
{
    struct assay_worker *workers = calloc(run->jobs, sizeof *workers);
    enum assay_status status =
        workers == NULL ? assay_fail(err, ASSAY_NOMEM, "out of memory") : ASSAY_OK;
    for (unsigned i = 0; i < run->jobs && status == ASSAY_OK; i++) {
        status = assay_worker_init(&workers[i], run, err);
        workers[i].source.slot = i;
    }
    if (status != ASSAY_OK) {
        assay_workers_free(run, workers);
        workers = NULL;
    }
    *ret = workers;
    return status;
}

void assay_workers_free(const struct assay_run *run, struct assay_worker *workers)
{
    for (unsigned i = 0; workers != NULL && i < run->jobs; i++) {
        assay_worker_release(&workers[i]);
    }
    free(workers);
}

static void *thread_main(void *arg)
{
    assay_worker_run(arg);
    return NULL;
}

/* A thread that cannot be made is no failure: the others do its work. */
enum assay_status assay_workers_run(struct assay_run *run, struct assay_worker *workers,
                                    struct assay_error *err)
{
    unsigned started = 1;
    while (started < run->jobs &&
           pthread_create(&workers[started].thread, NULL, thread_main, &workers[started]) == 0) {
        started++;
    }
    if (started < run->jobs) {
        assay_run_log(run, ASSAY_LOG_WARNING, "engine", "fewer threads than asked for");
    }
    assay_worker_run(&workers[0]);
    for (unsigned i = 1; i < started; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
    if (!atomic_load(&run->failed)) {
        return ASSAY_OK;
    }
    *err = run->error;
    return run->error.status;
}
