/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/scan.c: a block through reader, matcher and scanners. This is the hot path: per batch one
 * call of each, no lock, and no allocation once buffers have grown.
 *
 * A plugin that fails loses its share of the batch, which is counted; the others go on.
 */
#include "engine/review.h"

#include <malloc.h>

#include "core/arena.h"
#include "engine/host.h"

static enum assay_status reader_local(struct assay_worker *w, const struct assay_source *s,
                                      void **ret)
{
    enum assay_status status = ASSAY_OK;
    void **local = &w->readers[s->reader_index];
    if (*local == NULL && s->reader->local_init != NULL) {
        struct assay_error err;
        status = s->reader->local_init(s->host, local, &err);
    }
    *ret = *local;
    return status;
}

/* What a long record made the buffers of reader and matcher grow to is given back with it. */
static enum assay_status forget_long(struct assay_worker *w, const struct assay_block *b,
                                     struct assay_error *err)
{
    if (b->chunk.data.len <= ASSAY_BLOCK_FREE_GROWTH(w->run->tuning.chunk)) {
        return ASSAY_OK;
    }
    const struct assay_source *s = b->source;
    if (s->reader->local_free != NULL) {
        s->reader->local_free(w->readers[s->reader_index]);
        w->readers[s->reader_index] = NULL;
    }
    free(w->matches);
    w->matches = NULL;
    w->cap_matches = 0;
    const struct assay_matcher *m = w->scratch == NULL ? NULL : w->run->opt->matcher;
    assay_scratch_free(w->scratch);
    w->scratch = NULL;
    enum assay_status status = m == NULL ? ASSAY_OK : assay_scratch_new(m, &w->scratch, err);
    (void)malloc_trim(0);
    return status;
}

/* ---- matches ------------------------------------------------------------------------------- */

static enum assay_status reserve(struct assay_worker *w, size_t n)
{
    if (n <= w->cap_matches) {
        return ASSAY_OK;
    }
    struct assay_match *p = assay_realloc_array(w->matches, n + n / 2, sizeof *p);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    w->matches = p;
    w->cap_matches = n + n / 2;
    return ASSAY_OK;
}

/* Sorts the matches by scanner; within one scanner they keep their order. */
static enum assay_status share_out(struct assay_worker *w, const struct assay_match_list *list)
{
    const uint8_t *owner = w->run->rule_scanner;
    size_t n = w->run->n_scanners;
    size_t *start = w->match_start;
    enum assay_status status = reserve(w, list->count);
    if (status != ASSAY_OK) {
        return status;
    }
    memset(start, 0, (n + 2) * sizeof *start);
    for (size_t i = 0; i < list->count; i++) {
        uint8_t who = owner[list->items[i].rule];
        start[(who == ASSAY_NO_SCANNER ? n : who) + 1]++;
    }
    for (size_t k = 0; k < n; k++) {
        start[k + 1] += start[k];
    }
    for (size_t i = 0; i < list->count; i++) {
        uint8_t who = owner[list->items[i].rule];
        if (who != ASSAY_NO_SCANNER) {
            w->matches[start[who]++] = list->items[i];
        }
    }
    /* Every start now stands where its successor began. */
    for (size_t k = n; k > 0; k--) {
        start[k] = start[k - 1];
    }
    start[0] = 0;
    return ASSAY_OK;
}

static enum assay_status match(struct assay_worker *w, const struct assay_batch *batch)
{
    struct assay_match_list list = {NULL, 0, 0, 0};
    if (w->scratch != NULL) {
        enum assay_status status =
            assay_matcher_scan(w->run->opt->matcher, w->scratch, batch, &list);
        if (status == ASSAY_NOMEM) {
            return status;
        }
        if (status != ASSAY_OK) {
            assay_collector_missed(&w->collector, ASSAY_SKIP_MATCH_LIMIT, batch->n_records,
                                   batch->text_len);
        }
    }
    if (list.limit_hits > 0) {
        w->collector.delta.limit_hits += list.limit_hits;
        assay_collector_skip(&w->collector, ASSAY_SKIP_MATCH_LIMIT, 0, list.limit_bytes);
    }
    return share_out(w, &list);
}

/* ---- batches ------------------------------------------------------------------------------- */

static void failed(struct assay_worker *w, uint64_t who, uint64_t records, uint64_t bytes)
{
    w->collector.delta.failed |= who;
    assay_collector_skip(&w->collector, ASSAY_SKIP_PLUGIN, records, bytes);
}

static uint64_t bytes_of(const struct assay_batch *batch)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < batch->n_records; i++) {
        n += batch->records[i].raw.len;
    }
    return n;
}

static enum assay_status scan_batch(struct assay_worker *w, const struct assay_batch *batch)
{
    struct assay_collector *c = &w->collector;
    if (w->run->review != NULL) {
        return assay_review_batch(w, batch);
    }
    enum assay_status status = match(w, batch);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; i < w->run->n_scanners; i++) {
        const struct assay_scanner_run *sr = &w->run->scanners[i];
        const struct assay_scan_input in = {
            .size = sizeof in,
            .n_matches = (uint32_t)(w->match_start[i + 1] - w->match_start[i]),
            .batch = batch,
            .matches = w->matches + w->match_start[i]};
        if (sr->scanner->scan == NULL) {
            continue;
        }
        status = sr->scanner->scan(sr->shared, w->scanners[i], &in, &c->sink);
        if (status == ASSAY_NOMEM) {
            return status;
        }
        if (status != ASSAY_OK) {
            failed(w, UINT64_C(1) << i, batch->n_records, bytes_of(batch));
        }
    }
    return ASSAY_OK;
}

/* A batch is indexed by everybody after it: look once whether its tables agree. */
static int is_sound(const struct assay_batch *b)
{
    if (b->n_records > 0 && b->n_fields > 0) {
        const struct assay_field *last = &b->fields[b->n_fields - 1];
        return last->record < b->n_records && last->start <= b->text_len &&
               last->len <= b->text_len - last->start;
    }
    return b->n_fields == 0;
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* The reader failed: what it did not deliver of the block was not scanned. */
static void reader_failed(struct assay_worker *w, const struct assay_block *b, uint64_t delivered,
                          uint64_t end)
{
    uint64_t records = b->records > delivered ? b->records - delivered : 0;
    uint64_t stop = b->chunk.offset + b->chunk.data.len;
    failed(w, ASSAY_FAILED_READER, records, stop > end ? stop - end : 0);
}

static enum assay_status scan_batches(struct assay_worker *w, const struct assay_block *b,
                                      void *local, struct assay_error *err)
{
    struct assay_collector *c = &w->collector;
    const struct assay_source *s = b->source;
    uint64_t delivered = 0, end = b->chunk.offset;
    for (int restart = 1;; restart = 0) {
        struct assay_batch batch = {.size = sizeof batch, .file = s->file};
        enum assay_status status =
            s->reader->next(s->self, local, &b->chunk, restart, &batch, &c->sink, err);
        if (status == ASSAY_END) {
            return ASSAY_OK;
        }
        if (status != ASSAY_OK || !is_sound(&batch)) {
            reader_failed(w, b, delivered, end);
            return status == ASSAY_NOMEM ? status : ASSAY_OK;
        }
        if (batch.n_records == 0) {
            continue;
        }
        assay_collector_batch(c, &batch);
        status = scan_batch(w, &batch);
        assay_collector_batch(c, NULL);
        if (status == ASSAY_OK) {
            status = assay_collector_relieve(c, err);
        }
        if (status != ASSAY_OK) {
            return status;
        }
        const struct assay_record *last = &batch.records[batch.n_records - 1];
        delivered += batch.n_records;
        end = last->offset + last->raw.len;
    }
}

enum assay_status assay_scan_block(struct assay_worker *w, const struct assay_block *b,
                                   struct assay_error *err)
{
    void *local = NULL;
    enum assay_status status = ASSAY_OK;
    assay_collector_begin(&w->collector, b->chunk.file, b->seq);
    if (assay_run_stopping(w->run)) {
        assay_collector_skip(&w->collector, ASSAY_SKIP_CANCELLED, b->records, b->chunk.data.len);
        return ASSAY_OK;
    }
    err->message[0] = '\0';
    if (reader_local(w, b->source, &local) != ASSAY_OK) {
        reader_failed(w, b, 0, b->chunk.offset);
    } else {
        status = scan_batches(w, b, local, err);
    }
    /* A broken record may well be in a batch, for what can be said of it; it was not scanned. */
    const struct assay_delta *d = &w->collector.delta;
    struct assay_tally *t = &w->collector.tally;
    t->records_scanned += b->records > d->skipped_records ? b->records - d->skipped_records : 0;
    t->text_bytes +=
        b->chunk.data.len > d->skipped_bytes ? b->chunk.data.len - d->skipped_bytes : 0;
    if (status == ASSAY_OK) {
        status = forget_long(w, b, err);
    }
    if (status == ASSAY_OK) {
        status = assay_collector_flush(&w->collector, err);
    } else if (err->message[0] == '\0') {
        (void)assay_fail(err, status, "out of memory while scanning");
    }
    return status;
}
