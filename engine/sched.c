/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/sched.c: one mutex, one condition variable; both are touched once per block or group,
 * never per record. Every change that could give somebody work wakes everybody: there are few
 * workers and few changes.
 *
 * A source is free, open (in `open`, fed by turns), or ended (waiting for its last blocks). A block
 * is free, being fed, queued, or being scanned.
 */
#include "engine/sched.h"

#include "core/limits.h"
#include "engine/review.h"

struct assay_sched {
    struct assay_run *run;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct assay_plan plan;
    struct assay_block *blocks;
    size_t n_blocks;
    struct assay_block *free_blocks;
    struct assay_block *queue_first, *queue_last; /* by time fed */
    size_t queued;
    struct assay_source *sources;
    size_t n_sources;
    struct assay_source *free_sources;
    struct assay_source *open; /* not yet read to the end, oldest first */
    uint8_t turn_taken;        /* of long records: by a source being fed, then by its block */
};

/* ---- lists, under the lock ----------------------------------------------------------------- */

static void free_block(struct assay_sched *s, struct assay_block *b)
{
    b->next = s->free_blocks;
    s->free_blocks = b;
}

static struct assay_block *take_block(struct assay_sched *s)
{
    struct assay_block *b = s->free_blocks;
    s->free_blocks = b->next;
    b->next = NULL;
    return b;
}

static void enqueue(struct assay_sched *s, struct assay_block *b)
{
    b->next = NULL;
    if (s->queue_last == NULL) {
        s->queue_first = b;
    } else {
        s->queue_last->next = b;
    }
    s->queue_last = b;
    s->queued++;
}

static struct assay_block *dequeue(struct assay_sched *s)
{
    struct assay_block *b = s->queue_first;
    s->queue_first = b->next;
    if (s->queue_first == NULL) {
        s->queue_last = NULL;
    }
    s->queued--;
    return b;
}

static void open_source(struct assay_sched *s, struct assay_source *source)
{
    struct assay_source **p = &s->open;
    while (*p != NULL) {
        p = &(*p)->next;
    }
    source->next = NULL;
    *p = source;
}

static void unlist_source(struct assay_sched *s, struct assay_source *source)
{
    struct assay_source **p = &s->open;
    while (*p != source) {
        p = &(*p)->next;
    }
    *p = source->next;
    source->next = NULL;
}

/* ---- choosing, under the lock -------------------------------------------------------------- */

static int try_scan(struct assay_sched *s, struct assay_task *ret)
{
    if (s->queued == 0) {
        return 0;
    }
    *ret = (struct assay_task){.kind = ASSAY_TASK_SCAN, .block = dequeue(s)};
    return 1;
}

static void take_turn(struct assay_sched *s, struct assay_source *source)
{
    s->turn_taken = 1;
    source->has_turn = 1;
    source->needs_turn = 0;
}

static void give_feed(struct assay_sched *s, struct assay_source *source, struct assay_task *ret)
{
    source->busy = 1;
    if (source->needs_turn) {
        take_turn(s, source);
    }
    *ret = (struct assay_task){.kind = ASSAY_TASK_FEED, .source = source, .block = take_block(s)};
}

static int try_feed(struct assay_sched *s, struct assay_task *ret)
{
    struct assay_source *source = s->open;
    while (source != NULL && (source->busy || (source->needs_turn && s->turn_taken))) {
        source = source->next;
    }
    if (source == NULL || s->free_blocks == NULL) {
        return 0;
    }
    give_feed(s, source, ret);
    return 1;
}

static int try_unit(struct assay_sched *s, struct assay_task *ret)
{
    struct assay_unit unit;
    if (assay_run_stopping(s->run) || !assay_plan_peek(&s->plan, &unit)) {
        return 0;
    }
    if (!unit.large) {
        *ret = (struct assay_task){.kind = ASSAY_TASK_GROUP, .unit = unit};
    } else if (s->free_sources != NULL && s->free_blocks != NULL) {
        struct assay_source *source = s->free_sources;
        s->free_sources = source->next;
        assay_source_begin(source, unit.first);
        open_source(s, source);
        give_feed(s, source, ret);
    } else {
        return 0;
    }
    (void)assay_plan_next(&s->plan, &unit);
    return 1;
}

static int all_done(const struct assay_sched *s)
{
    struct assay_unit unit;
    return s->open == NULL && s->queued == 0 &&
           (assay_run_stopping(s->run) || !assay_plan_peek(&s->plan, &unit));
}

static int choose(struct assay_sched *s, struct assay_task *ret)
{
    if (s->queued >= s->run->jobs && try_scan(s, ret)) {
        return 1;
    }
    if (try_feed(s, ret) || try_scan(s, ret) || try_unit(s, ret)) {
        return 1;
    }
    ret->kind = ASSAY_TASK_STOP;
    return all_done(s);
}

/* ---- the door ------------------------------------------------------------------------------ */

void assay_sched_next(struct assay_sched *s, struct assay_task *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    while (!choose(s, ret)) {
        (void)pthread_cond_wait(&s->wake, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static int is_complete(const struct assay_source *source)
{
    return source->fed_up && source->blocks_out == 0;
}

/* Blocks go back in their ordinary size. */
static void shrink(struct assay_sched *s, struct assay_block *block)
{
    if (assay_block_shrink(block, s->run->tuning.chunk) != ASSAY_OK) {
        struct assay_error err;
        (void)assay_fail(&err, ASSAY_NOMEM, "out of memory while reading");
        assay_run_fail(s->run, &err);
    }
}

/* The turn of long records goes from the source to its block, or ends when there is none. */
static void pass_turn(struct assay_sched *s, struct assay_source *source, struct assay_block *block)
{
    if (source->has_turn) {
        block->is_long = block->chunk.data.len > 0;
        s->turn_taken = block->is_long;
        source->has_turn = 0;
    }
}

int assay_sched_fed(struct assay_sched *s, struct assay_source *source, struct assay_block *block,
                    const struct assay_delta *d, struct assay_tally *t)
{
    if (block->chunk.data.len == 0) {
        shrink(s, block);
    }
    (void)pthread_mutex_lock(&s->lock);
    assay_source_fold(source, d, t);
    source->busy = 0;
    pass_turn(s, source, block);
    if (block->chunk.data.len > 0) {
        source->blocks_out++;
        enqueue(s, block);
    } else {
        free_block(s, block);
    }
    if (source->ended) {
        source->fed_up = 1;
        unlist_source(s, source);
    }
    int complete = is_complete(source);
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    return complete;
}

int assay_sched_scanned(struct assay_sched *s, struct assay_block *block,
                        const struct assay_delta *d, struct assay_tally *t)
{
    struct assay_source *source = block->source;
    shrink(s, block);
    (void)pthread_mutex_lock(&s->lock);
    assay_source_fold(source, d, t);
    source->blocks_out--;
    if (block->is_long) {
        block->is_long = 0;
        s->turn_taken = 0;
    }
    free_block(s, block);
    int complete = is_complete(source);
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    return complete;
}

void assay_sched_take_turn(struct assay_sched *s, struct assay_source *source)
{
    (void)pthread_mutex_lock(&s->lock);
    while (s->turn_taken) {
        (void)pthread_cond_wait(&s->wake, &s->lock);
    }
    take_turn(s, source);
    (void)pthread_mutex_unlock(&s->lock);
}

void assay_sched_end_turn(struct assay_sched *s, struct assay_source *source)
{
    (void)pthread_mutex_lock(&s->lock);
    s->turn_taken = 0;
    source->has_turn = 0;
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
}

void assay_sched_finished(struct assay_sched *s, struct assay_source *source)
{
    (void)pthread_mutex_lock(&s->lock);
    source->next = s->free_sources;
    s->free_sources = source;
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
}

void assay_sched_wake(struct assay_sched *s)
{
    (void)pthread_mutex_lock(&s->lock);
    (void)pthread_cond_broadcast(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
}

uint32_t assay_sched_reached(const struct assay_sched *s)
{
    return s->plan.next;
}

/* ---- life ---------------------------------------------------------------------------------- */

static enum assay_status make_blocks(struct assay_sched *s)
{
    size_t n = (size_t)s->run->jobs * ASSAY_BUFFERS_PER_WORKER;
    s->blocks = calloc(n, sizeof *s->blocks);
    for (; s->blocks != NULL && s->n_blocks < n; s->n_blocks++) {
        if (assay_block_init(&s->blocks[s->n_blocks], s->run->tuning.chunk) != ASSAY_OK) {
            return ASSAY_NOMEM;
        }
        free_block(s, &s->blocks[s->n_blocks]);
    }
    return s->blocks == NULL ? ASSAY_NOMEM : ASSAY_OK;
}

static enum assay_status make_sources(struct assay_sched *s, struct assay_error *err)
{
    size_t n = (size_t)s->run->jobs + 1;
    s->sources = calloc(n, sizeof *s->sources);
    if (s->sources == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (; s->n_sources < n; s->n_sources++) {
        struct assay_source *source = &s->sources[s->n_sources];
        enum assay_status status = assay_source_init(source, s->run, err);
        if (status != ASSAY_OK) {
            return status;
        }
        source->slot = s->run->jobs + (unsigned)s->n_sources;
        source->next = s->free_sources;
        s->free_sources = source;
    }
    return ASSAY_OK;
}

enum assay_status assay_sched_new(struct assay_run *run, struct assay_sched **ret,
                                  struct assay_error *err)
{
    *ret = NULL;
    struct assay_sched *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    s->run = run;
    assay_plan_begin(&s->plan, run->inventory, run->tuning.large,
                     run->review == NULL ? run->only : assay_review_files(run->review));
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->wake, NULL);
    enum assay_status status = make_blocks(s);
    if (status != ASSAY_OK) {
        (void)assay_fail(err, status, "out of memory");
    } else {
        status = make_sources(s, err);
    }
    if (status != ASSAY_OK) {
        assay_sched_free(s);
        return status;
    }
    *ret = s;
    return ASSAY_OK;
}

void assay_sched_free(struct assay_sched *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->n_blocks; i++) {
        assay_block_release(&s->blocks[i]);
    }
    for (size_t i = 0; i < s->n_sources; i++) {
        assay_source_release(&s->sources[i]);
    }
    free(s->blocks);
    free(s->sources);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
