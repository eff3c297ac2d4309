/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/progress.c: telling somebody how far it is, at most ten times a second. Workers add to
 * counters as they go; whoever notices that it is time reports. A worker that finds another
 * reporting moves on.
 */
#include "engine/run.h"

#include <time.h>

#define TICK_NS UINT64_C(100000000)
#define PACE_MS 200 /* before, a pace says nothing */

uint64_t assay_clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

uint64_t assay_progress_rate(uint64_t elapsed_ms, uint64_t done)
{
    return elapsed_ms < PACE_MS ? UINT64_MAX : assay_scale(done, 1000, elapsed_ms);
}

uint64_t assay_progress_eta(uint64_t elapsed_ms, uint64_t done, uint64_t total)
{
    if (total == 0 || done == 0 || elapsed_ms < PACE_MS) {
        return UINT64_MAX;
    }
    if (done >= total) {
        return 0;
    }
    return assay_scale(elapsed_ms, total - done, done);
}

void assay_progress_phase(struct assay_run *run, const char *name, uint64_t files, uint64_t bytes)
{
    run->phase.name = name;
    run->phase.files = files;
    run->phase.bytes = bytes;
    run->phase.start_ns = assay_clock_ns();
    atomic_store(&run->files_done, 0);
    atomic_store(&run->bytes_done, 0);
}

void assay_progress_hand(const struct assay_run *run, unsigned slot, const char *file)
{
    const struct assay_audit_options *opt = run->opt;
    if (opt->in_hand != NULL && (file != NULL || !atomic_load(&run->failed))) {
        opt->in_hand(opt->in_hand_ctx, slot, file);
    }
}

void assay_progress_tick(struct assay_run *run, const char *file, int last)
{
    const struct assay_audit_options *opt = run->opt;
    if (opt->progress == NULL || run->phase.name == NULL) {
        return;
    }
    uint64_t now = assay_clock_ns();
    if (!last && now - atomic_load(&run->last_tick) < TICK_NS) {
        return;
    }
    if (pthread_mutex_trylock(&run->lock) != 0) {
        return;
    }
    atomic_store(&run->last_tick, now);
    struct assay_progress p = {.phase = run->phase.name,
                               .files_done = atomic_load(&run->files_done),
                               .files_total = run->phase.files,
                               .bytes_done = atomic_load(&run->bytes_done),
                               .bytes_total = run->phase.bytes,
                               .records = atomic_load(&run->records_done),
                               .findings = atomic_load(&run->findings_done),
                               .elapsed_ms = (now - run->start_ns) / 1000000,
                               .file = file};
    p.eta_ms =
        assay_progress_eta((now - run->phase.start_ns) / 1000000, p.bytes_done, p.bytes_total);
    opt->progress(opt->progress_ctx, &p);
    (void)pthread_mutex_unlock(&run->lock);
}
