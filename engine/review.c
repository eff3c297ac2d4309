/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/review.c: asking who wants a look, one pass, folding what was learnt, and saying what went
 * wrong. Troubles are gathered in any order and said in that of the inventory.
 */
#include "engine/review.h"

#include <stdlib.h>

#include "core/arena.h"

/* Pieces of the spool that speak of a look come behind all others of their file. */
#define SEQ_OF_LOOK(look) ((UINT64_C(1) << 62) + (look))

/* What was wrong with a file at this look. */
struct trouble {
    uint32_t file;
    int changed;     /* not the bytes of the first reading */
    uint64_t failed; /* bit per scanner, as in struct assay_delta */
};

struct assay_review {
    void *const *merged; /* by scanner */
    uint64_t wanting;    /* bit per scanner that takes part in this look */
    uint64_t dropped;    /* bit per scanner that failed between looks: not asked again */
    uint64_t *files;     /* bit per file wanted */
    uint64_t n_files, bytes;
    unsigned look;
    atomic_uint_fast64_t done; /* files */
    pthread_mutex_t lock;      /* troubles */
    struct trouble *troubles;
    size_t n_troubles, cap_troubles;
};

static int has_bit(uint64_t bits, size_t i)
{
    return (bits >> i & 1) != 0;
}

const uint64_t *assay_review_files(const struct assay_review *r)
{
    return r == NULL ? NULL : r->files;
}

/* ---- the workers of a pass ------------------------------------------------------------------ */

enum assay_status assay_review_locals(struct assay_worker *w, struct assay_error *err)
{
    const struct assay_review *r = w->run->review;
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; i < w->run->n_scanners && status == ASSAY_OK; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        if (has_bit(r->wanting, i)) {
            (void)assay_fail(err, ASSAY_PLUGIN, "scanner %.64s cannot start its second look",
                             sr->plugin->name);
            status = sr->scanner->review_local(sr->shared, r->merged[i], &w->scanners[i], err);
        }
    }
    return status;
}

void assay_review_free_locals(struct assay_worker *w)
{
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        if (has_bit(w->run->review->wanting, i)) {
            w->run->scanners[i].scanner->review_free(w->scanners[i]);
            w->scanners[i] = NULL;
        }
    }
}

enum assay_status assay_review_batch(struct assay_worker *w, const struct assay_batch *batch)
{
    const struct assay_review *r = w->run->review;
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        if (!has_bit(r->wanting, i) ||
            !sr->scanner->review_wants(sr->shared, r->merged[i], batch->file)) {
            continue;
        }
        enum assay_status status =
            sr->scanner->review(sr->shared, r->merged[i], w->scanners[i], batch);
        if (status == ASSAY_NOMEM) {
            return status;
        }
        w->collector.delta.failed |= status == ASSAY_OK ? 0 : UINT64_C(1) << i;
    }
    return ASSAY_OK;
}

static enum assay_status note_trouble(struct assay_review *r, const struct trouble *t)
{
    enum assay_status status = ASSAY_NOMEM;
    (void)pthread_mutex_lock(&r->lock);
    void *grown = assay_grown(r->troubles, r->n_troubles, &r->cap_troubles, sizeof *r->troubles);
    if (grown != NULL) {
        r->troubles = grown;
        r->troubles[r->n_troubles++] = *t;
        status = ASSAY_OK;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return status;
}

enum assay_status assay_review_file(struct assay_worker *w, struct assay_source *s,
                                    struct assay_error *err)
{
    struct assay_review *r = w->run->review;
    const struct assay_entry *e = assay_inventory_get(w->run->inventory, s->file);
    const struct trouble t = {
        .file = s->file,
        .changed = !s->hashed || s->status == ASSAY_CHANGED ||
                   memcmp(s->sha256, e->sha256, sizeof e->sha256) != 0,
        .failed = s->failed | w->collector.delta.failed,
    };
    enum assay_status status = ASSAY_OK;
    if (s->status != ASSAY_CANCELLED) {
        atomic_fetch_add(&r->done, 1);
        status = t.changed || t.failed != 0 ? note_trouble(r, &t) : ASSAY_OK;
    }
    assay_source_close(s);
    return status == ASSAY_OK ? ASSAY_OK
                              : assay_fail(err, status, "out of memory at the end of a file");
}

/* ---- before a pass ------------------------------------------------------------------------- */

/* Something about the dataset: counted, and said once. */
static enum assay_status say(struct assay_worker *w, enum assay_skip why,
                             enum assay_engine_rule rule, const char *detail,
                             struct assay_error *err)
{
    struct assay_collector *c = &w->collector;
    struct assay_finding f = assay_finding_init(0);
    assay_collector_begin(c, ASSAY_NONE, 0);
    c->open_files = 1;
    assay_collector_skip(c, why, 0, 0);
    enum assay_status status = assay_collector_raise(c, rule, &f, detail);
    status = status == ASSAY_OK ? assay_collector_flush(c, err) : status;
    c->open_files = 0;
    return status;
}

/* A scanner that fails between looks is not asked again; it still speaks at the end. */
static enum assay_status drop(struct assay_worker *w, size_t i, enum assay_status why,
                              struct assay_error *err)
{
    const char *name = w->run->scanners[i].plugin->name;
    char detail[128];
    if (why == ASSAY_NOMEM || why == ASSAY_FULL) {
        return err->status == why && err->message[0] != '\0'
                   ? why
                   : assay_fail(err, why, "scanner %.64s has no room to look twice", name);
    }
    w->run->review->dropped |= UINT64_C(1) << i;
    w->run->review->wanting &= ~(UINT64_C(1) << i);
    (void)snprintf(detail, sizeof detail, "scanner %.64s, at its second look", name);
    return say(w, ASSAY_SKIP_PLUGIN, ASSAY_ENGINE_PLUGIN_FAILURE, detail, err);
}

static enum assay_status ask(struct assay_worker *w, struct assay_error *err)
{
    struct assay_review *r = w->run->review;
    enum assay_status status = ASSAY_OK;
    r->wanting = 0;
    for (size_t i = 0; i < w->run->n_scanners && status == ASSAY_OK; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        if (!assay_scanner_looks_twice(sr->scanner) || has_bit(r->dropped, i)) {
            continue;
        }
        int wanted = 0;
        memset(err, 0, sizeof *err);
        status = sr->scanner->review_begin(sr->shared, r->merged[i], &wanted, err);
        if (status != ASSAY_OK) {
            status = drop(w, i, status, err);
        } else if (wanted) {
            r->wanting |= UINT64_C(1) << i;
        }
    }
    return status;
}

/* What was not read to its end, or not the same throughout, is not shown again. */
static int is_whole(const struct assay_entry *e)
{
    return e->reader != NULL && e->hashed && e->status != ASSAY_CHANGED &&
           e->status != ASSAY_CANCELLED && e->status != ASSAY_IO;
}

static int is_wanted(const struct assay_worker *w, uint32_t file)
{
    const struct assay_review *r = w->run->review;
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        if (has_bit(r->wanting, i) && sr->scanner->review_wants(sr->shared, r->merged[i], file)) {
            return 1;
        }
    }
    return 0;
}

static enum assay_status choose_files(struct assay_worker *w, struct assay_error *err)
{
    struct assay_review *r = w->run->review;
    const struct assay_inventory *inv = w->run->inventory;
    size_t n = assay_inventory_count(inv);
    free(r->files);
    r->files = calloc(n / 64 + 1, sizeof *r->files);
    r->n_files = r->bytes = 0;
    if (r->files == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct assay_entry *e = assay_inventory_get(inv, i);
        if (is_whole(e) && is_wanted(w, i)) {
            r->files[i / 64] |= UINT64_C(1) << i % 64;
            r->n_files++;
            r->bytes += e->bytes;
        }
    }
    return ASSAY_OK;
}

/* ---- after a pass -------------------------------------------------------------------------- */

static enum assay_status merge(struct assay_worker *w, struct assay_worker *workers,
                               struct assay_error *err)
{
    const struct assay_review *r = w->run->review;
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        for (unsigned k = 0; k < w->run->jobs && has_bit(r->wanting, i); k++) {
            memset(err, 0, sizeof *err);
            enum assay_status status =
                sr->scanner->review_merge(sr->shared, r->merged[i], workers[k].scanners[i], err);
            if (status == ASSAY_OK) {
                continue;
            }
            return err->message[0] != '\0'
                       ? status
                       : assay_fail(err, status, "scanner %.64s cannot merge what it saw twice",
                                    sr->plugin->name);
        }
    }
    return ASSAY_OK;
}

static int by_file(const void *a, const void *b)
{
    const struct trouble *x = a, *y = b;
    return x->file < y->file ? -1 : x->file > y->file;
}

static enum assay_status raise(struct assay_worker *w, enum assay_skip why, const char *detail)
{
    struct assay_finding f = assay_finding_init(0);
    assay_tally_skip(&w->collector.tally, why, (struct assay_skip_count){1, 0, 0, 1});
    return assay_collector_raise(&w->collector, assay_engine_rule_of(why), &f, detail);
}

static enum assay_status report_changed(struct assay_worker *w, const struct trouble *t)
{
    struct assay_entry *e = assay_inventory_entry(w->run->inventory, t->file);
    w->collector.tally.files_scanned -= e->status == ASSAY_OK;
    e->status = ASSAY_CHANGED;
    return raise(w, ASSAY_SKIP_CHANGED, "at the second look");
}

static enum assay_status report_failed(struct assay_worker *w, const struct trouble *t, size_t i)
{
    char detail[128];
    (void)snprintf(detail, sizeof detail, "scanner %.64s, at its second look",
                   w->run->scanners[i].plugin->name);
    return has_bit(t->failed, i) ? raise(w, ASSAY_SKIP_PLUGIN, detail) : ASSAY_OK;
}

static enum assay_status report(struct assay_worker *w, const struct trouble *t,
                                struct assay_error *err)
{
    struct assay_collector *c = &w->collector;
    assay_collector_begin(c, t->file, SEQ_OF_LOOK(w->run->review->look));
    enum assay_status status = t->changed ? report_changed(w, t) : ASSAY_OK;
    for (size_t i = 0; i < w->run->n_scanners && status == ASSAY_OK; i++) {
        status = report_failed(w, t, i);
    }
    if (status == ASSAY_OK && (t->failed & ASSAY_FAILED_READER) != 0) {
        status = raise(w, ASSAY_SKIP_PLUGIN, "the reader, at the second look");
    }
    if (status != ASSAY_OK) {
        return assay_fail(err, status, "out of memory at the end of a file");
    }
    for (size_t k = 0; k < c->delta.n_rules; k++) {
        c->tally.rules[c->delta.rules[k]].files++;
    }
    return assay_collector_flush(c, err);
}

static enum assay_status report_all(struct assay_worker *w, struct assay_error *err)
{
    struct assay_review *r = w->run->review;
    enum assay_status status = ASSAY_OK;
    uint64_t unseen = r->n_files - atomic_load(&r->done);
    if (unseen > 0) {
        assay_tally_skip(&w->collector.tally, ASSAY_SKIP_CANCELLED,
                         (struct assay_skip_count){unseen, 0, 0, 1});
    }
    if (r->n_troubles > 1) {
        qsort(r->troubles, r->n_troubles, sizeof *r->troubles, by_file);
    }
    for (size_t i = 0; i < r->n_troubles && status == ASSAY_OK; i++) {
        status = report(w, &r->troubles[i], err);
    }
    r->n_troubles = 0;
    return status;
}

/* ---- the looks ----------------------------------------------------------------------------- */

static enum assay_status look_once(struct assay_worker *w, struct assay_error *err)
{
    struct assay_run *run = w->run;
    struct assay_worker *workers = NULL;
    atomic_store(&run->review->done, 0);
    assay_progress_phase(run, "second look", run->review->n_files, run->review->bytes);
    enum assay_status status = assay_sched_new(run, &run->sched, err);
    status = status == ASSAY_OK ? assay_workers_new(run, &workers, err) : status;
    status = status == ASSAY_OK ? assay_workers_run(run, workers, err) : status;
    status = status == ASSAY_OK ? merge(w, workers, err) : status;
    assay_workers_free(run, workers);
    assay_sched_free(run->sched);
    run->sched = NULL;
    return status == ASSAY_OK ? report_all(w, err) : status;
}

static enum assay_status look(struct assay_worker *w, struct assay_error *err)
{
    struct assay_review *r = w->run->review;
    enum assay_status status = ASSAY_OK;
    for (;;) {
        status = ask(w, err);
        if (status != ASSAY_OK || r->wanting == 0 || assay_run_stopping(w->run)) {
            return status;
        }
        if (r->look++ == ASSAY_LIMIT_REVIEWS) {
            return say(w, ASSAY_SKIP_LIMIT, ASSAY_ENGINE_LIMIT,
                       "a scanner wanted more looks at the records than are granted", err);
        }
        status = choose_files(w, err);
        status = status == ASSAY_OK ? look_once(w, err) : status;
        if (status != ASSAY_OK) {
            return status;
        }
    }
}

enum assay_status assay_review_run(struct assay_worker *w, struct assay_error *err)
{
    struct assay_review r = {.merged = w->scanners};
    (void)pthread_mutex_init(&r.lock, NULL);
    w->run->review = &r;
    enum assay_status status = look(w, err);
    w->run->review = NULL;
    free(r.files);
    free(r.troubles);
    (void)pthread_mutex_destroy(&r.lock);
    return status;
}
