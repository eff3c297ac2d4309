/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/second_look.c: see the header.
 */
#include "second_look.h"

#include <stdlib.h>

#include "local.h"

#define WINDOW 64 /* places looked at in one go */

/* One worker's share of the second look. */
struct dup_review {
    const struct dup_shared *shared;
    struct dup_mask mask;
    struct dup_shingler shingler;
    struct dup_shelf shelf;
    struct dup_spots spots;
    struct dup_shelf texts;
};

static enum assay_status begin_spans(const struct dup_shared *s, struct dup_local *l,
                                     int *ret_wanted)
{
    *ret_wanted = 0;
    if (s->spans.mode == DUP_SPANS_OFF || l->spans.found) {
        return ASSAY_OK;
    }
    const enum assay_status st = dup_local_settle_marks(l);
    if (st != ASSAY_OK) {
        return st;
    }
    return dup_spans_begin(&l->spans, &s->spans, &l->across, &l->tables[DUP_TABLE_GRAMS], s->host,
                           l->counts[DUP_COUNT_RECORDS],
                           dup_fitting(s, DUP_PAIR_PARTS, 1, DUP_PAIR_BYTES), ret_wanted);
}

enum assay_status dup_second_begin(const void *shared, void *merged, int *ret_wanted,
                                   struct assay_error *err)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = merged;
    int spans = 0;
    *ret_wanted = 0;
    enum assay_status st = ASSAY_OK;
    if (dup_seeks_near(s)) {
        st = dup_near_begin(&l->near, &l->tables[DUP_TABLE_BANDS], &l->tables[DUP_TABLE_RECORDS],
                            s->host, dup_fitting(s, DUP_PAIR_PARTS, 1, DUP_PAIR_BYTES), ret_wanted);
    }
    st = st == ASSAY_OK ? begin_spans(s, l, &spans) : st;
    *ret_wanted |= spans;
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot find candidates for near-duplicates");
}

int dup_second_may(const void *shared)
{
    const struct dup_shared *s = shared;
    return s->near.on || s->spans.mode != DUP_SPANS_OFF;
}

int dup_second_wants(const void *shared, const void *merged, uint32_t file)
{
    const struct dup_local *l = merged;
    (void)shared;
    return dup_near_wants(&l->near, file) || dup_spans_wants(&l->spans, file);
}

enum assay_status dup_second_local(const void *shared, const void *merged, void **ret,
                                   struct assay_error *err)
{
    struct dup_review *v = calloc(1, sizeof *v);
    (void)merged;
    *ret = v;
    if (v == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    v->shared = shared;
    (void)atomic_fetch_add(&v->shared->sharers->reviews, 1);
    return ASSAY_OK;
}

void dup_second_free(void *local)
{
    struct dup_review *v = local;
    if (v != NULL) {
        dup_mask_release(&v->mask);
        dup_shingler_release(&v->shingler);
        dup_shelf_release(&v->shelf);
        dup_spots_release(&v->spots);
        dup_shelf_release(&v->texts);
        (void)atomic_fetch_sub(&v->shared->sharers->reviews, 1);
        free(v);
    }
}

/* Keeps the shingles of a record. */
static enum assay_status keep_set(struct dup_review *v, const struct assay_batch *b,
                                  const struct assay_record *r, uint32_t rank)
{
    const struct dup_shared *s = v->shared;
    enum assay_status st = dup_shingler_read(&v->shingler, &v->mask, s->host, b, r);
    st = st == ASSAY_OK ? dup_shingler_run(&v->shingler) : st;
    if (st != ASSAY_OK) {
        return st == ASSAY_LIMIT ? ASSAY_OK : st; /* changed since; the host says so */
    }
    size_t n = dup_shingle_set(v->shingler.shingles, v->shingler.n);
    return dup_shelf_add(&v->shelf, s->host, dup_sets_most(s), dup_located_most(s), rank,
                         dup_shingle_width(v->shingler.tokens.n), v->shingler.shingles, n);
}

/* Keeps the tokens of a record. */
static enum assay_status keep_text(struct dup_review *v, const struct assay_batch *b,
                                   const struct assay_record *r, uint32_t rank)
{
    const struct dup_shared *s = v->shared;
    enum assay_status st = dup_spots_read(&v->spots, s->host, &v->mask, b, r);
    if (st != ASSAY_OK) {
        return st == ASSAY_LIMIT ? ASSAY_OK : st; /* changed since; the host says so */
    }
    return dup_shelf_add(&v->texts, s->host, dup_sets_most(s), dup_located_most(s), rank, 0,
                         (const uint64_t *)v->spots.items, v->spots.n * DUP_PAIR_WORDS);
}

typedef enum assay_status keeper(struct dup_review *v, const struct assay_batch *b,
                                 const struct assay_record *r, uint32_t rank);

/* Some of the places that are wanted, in their order. */
struct window {
    const struct dup_rows *places;
    uint64_t next; /* the rank after those in the window */
    uint64_t here[WINDOW];
    size_t n, at;
};

/* Moves on to the first place that is not before `place`; *ret: that place, or UINT64_MAX. */
static enum assay_status seek(struct window *w, uint64_t place, uint64_t *ret)
{
    enum assay_status st = ASSAY_OK;
    *ret = UINT64_MAX;
    for (;; w->at++) {
        if (w->at == w->n) {
            const uint64_t left = w->places->n - w->next;
            w->n = left < WINDOW ? (size_t)left : WINDOW;
            w->at = 0;
            st = w->n == 0 ? ASSAY_OK : dup_rows_read(w->places, w->next, w->n, w->here);
            w->next += w->n;
        }
        if (st != ASSAY_OK || w->n == 0) {
            return st;
        }
        if (w->here[w->at] >= place) {
            *ret = w->here[w->at];
            return ASSAY_OK;
        }
    }
}

/* Those of a batch's records that are among `places`, in one pass over both. */
static enum assay_status keep_chosen(struct dup_review *v, const struct assay_batch *b,
                                     const struct dup_rows *places, keeper *keep)
{
    struct window w = {.places = places};
    uint64_t found = 0;
    enum assay_status st =
        dup_rows_find(places, dup_place(b->file, b->records[0].ordinal), &w.next);
    for (uint32_t i = 0; i < b->n_records && found != UINT64_MAX && st == ASSAY_OK; i++) {
        const uint64_t place = dup_place(b->file, b->records[i].ordinal);
        st = seek(&w, place, &found);
        if (st == ASSAY_OK && found == place) {
            st = keep(v, b, &b->records[i], (uint32_t)(w.next - w.n + w.at));
        }
    }
    return st;
}

enum assay_status dup_second_scan(const void *shared, const void *merged, void *local,
                                  const struct assay_batch *b)
{
    const struct dup_shared *s = shared;
    const struct dup_local *l = merged;
    struct dup_review *v = local;
    enum assay_status st = dup_mask_set(&v->mask, &s->chosen, b);
    if (b->n_records == 0 || !dup_place_fits(b->file, b->records[b->n_records - 1].ordinal)) {
        return st;
    }
    st = st == ASSAY_OK ? keep_chosen(v, b, &l->near.candidates.places, keep_set) : st;
    return st == ASSAY_OK ? keep_chosen(v, b, &l->spans.places, keep_text) : st;
}

enum assay_status dup_second_merge(const void *shared, void *merged, void *local,
                                   struct assay_error *err)
{
    struct dup_local *l = merged;
    struct dup_review *v = local;
    (void)shared;
    enum assay_status st = dup_sets_join(&l->near.sets, &v->shelf);
    st = st == ASSAY_OK ? dup_sets_join(&l->spans.texts, &v->texts) : st;
    return st == ASSAY_OK ? st : assay_fail(err, st, "no memory to merge sets of shingles");
}
