/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/sched.h: who does what next. All locking between workers is here.
 *
 * What:  a worker asks for a task, does it, and says that it is done. Tasks are: feed a large file
 *        one block, scan a block, or do a group of small files alone.
 * Why:   workers are equal: whoever is free feeds when a file can be fed and scans otherwise, so
 *        one thread suffices for everything and two use two cores. The number of blocks is fixed:
 *        when all are in use nobody reads on, which bounds memory (back-pressure). Order of
 *        preference: scan when enough blocks wait for everyone; else feed an open file; else scan;
 *        else open the next unit. With one worker this reads, scans, reads, scans, while the block
 *        is hot in the cache. No deadlock: a task never waits for another task; a worker waits only
 *        when every open file is being fed by somebody else, or when every block is being scanned
 *        by somebody else.
 */
#ifndef ASSAY_ENGINE_SCHED_H
#define ASSAY_ENGINE_SCHED_H

#include "engine/plan.h"
#include "engine/source.h"

enum assay_task_kind { ASSAY_TASK_STOP, ASSAY_TASK_FEED, ASSAY_TASK_SCAN, ASSAY_TASK_GROUP };

struct assay_task {
    enum assay_task_kind kind;
    struct assay_source *source; /* FEED */
    struct assay_block *block;   /* FEED: empty; SCAN */
    struct assay_unit unit;      /* GROUP */
};

struct assay_sched;

/* For run->jobs workers, over the plan of the run's inventory. ASSAY_NOMEM. */
enum assay_status assay_sched_new(struct assay_run *run, struct assay_sched **ret,
                                  struct assay_error *err);
void assay_sched_free(struct assay_sched *s); /* accepts NULL */
/* Waits for work. STOP: there is none left, or the audit is stopping and nothing is half done. */
void assay_sched_next(struct assay_sched *s, struct assay_task *ret);
/* The source was fed: its block goes to the queue, or back; what was noticed is added to the file
 * and counted in `t`. Not zero when the caller must finish the file. */
int assay_sched_fed(struct assay_sched *s, struct assay_source *source, struct assay_block *block,
                    const struct assay_delta *d, struct assay_tally *t);
/* The block was scanned. As above. */
int assay_sched_scanned(struct assay_sched *s, struct assay_block *block,
                        const struct assay_delta *d, struct assay_tally *t);
/* For a worker with a file of its own: waits for the turn of long records, and ends it. Whoever has
 * the turn is scanning or about to, and waits for nobody. */
void assay_sched_take_turn(struct assay_sched *s, struct assay_source *source);
void assay_sched_end_turn(struct assay_sched *s, struct assay_source *source);
/* The file is finished: its source is free for another. */
void assay_sched_finished(struct assay_sched *s, struct assay_source *source);
/* The first file that was never begun; the count of files when all were. Call when no worker runs.
 */
uint32_t assay_sched_reached(const struct assay_sched *s);
/* Wakes everyone, after run->failed was set. */
void assay_sched_wake(struct assay_sched *s);

#endif
