/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/candidates.c: see the header.
 */
#include "candidates.h"

#include <stdlib.h>

#define ASK_EVERY 65536 /* entries between two questions whether to stop */

/* ---- buckets -----------------------------------------------------------------------------------
 */

struct bucketing {
    struct dup_candidates *c;
    const struct assay_host *host;
    size_t max;
    uint64_t key;
    uint64_t ids[DUP_BUCKET_ALL]; /* the smallest */
    uint64_t last;
    uint64_t n; /* different ids */
    uint64_t entries;
};

static enum assay_status add_pair(struct bucketing *b, uint64_t lesser, uint64_t greater)
{
    const uint64_t pair[DUP_PAIR_WORDS] = {lesser, greater};
    return dup_table_add(&b->c->pairs, b->host, b->max, pair);
}

/* Pairs ids[from..to) each with at most `most` ids before it. */
static enum assay_status pair_up(struct bucketing *b, size_t from, size_t to, size_t most)
{
    enum assay_status st = ASSAY_OK;
    for (size_t i = from; i < to; i++) {
        for (size_t k = 0; k < i && k < most && st == ASSAY_OK; k++) {
            st = add_pair(b, b->ids[k], b->ids[i]);
        }
    }
    return st;
}

static int same_sample(const struct dup_hot *a, const struct dup_hot *b)
{
    return memcmp(a->ids, b->ids, sizeof a->ids) == 0;
}

/* Keeps the largest; of buckets that begin alike (the same texts, in another band) one. */
static void keep_hot(struct dup_candidates *c, const struct dup_hot *hot)
{
    unsigned at = 0;
    for (unsigned i = 0; i < c->n_hot; i++) {
        if (same_sample(&c->hot[i], hot)) {
            if (c->hot[i].members >= hot->members) {
                return;
            }
            memmove(c->hot + i, c->hot + i + 1, (--c->n_hot - i) * sizeof c->hot[0]);
        }
    }
    while (at < c->n_hot && c->hot[at].members >= hot->members) {
        at++;
    }
    if (at == DUP_HOT_KEPT) {
        return;
    }
    c->n_hot += c->n_hot < DUP_HOT_KEPT;
    memmove(c->hot + at + 1, c->hot + at, (c->n_hot - 1 - at) * sizeof c->hot[0]);
    c->hot[at] = *hot;
}

static enum assay_status end_bucket(struct bucketing *b)
{
    if (b->n > DUP_BUCKET_ALL) {
        struct dup_hot hot = {.members = b->n};
        memcpy(hot.ids, b->ids, sizeof hot.ids);
        memset(hot.places, 0xFF, sizeof hot.places);
        keep_hot(b->c, &hot);
        b->c->hot_buckets++;
        return ASSAY_OK;
    }
    return pair_up(b, 1, (size_t)b->n, DUP_BUCKET_ALL);
}

/* One more text in the bucket. */
static enum assay_status add_member(struct bucketing *b, uint64_t id)
{
    enum assay_status st = ASSAY_OK;
    b->last = id;
    if (b->n++ < DUP_BUCKET_ALL) {
        b->ids[b->n - 1] = id;
        return ASSAY_OK;
    }
    if (b->n == DUP_BUCKET_ALL + 1) {
        st = pair_up(b, 1, DUP_BUCKET_ALL, DUP_BUCKET_FEW);
    }
    for (size_t k = 0; k < DUP_BUCKET_FEW && st == ASSAY_OK; k++) {
        st = add_pair(b, b->ids[k], id);
    }
    return st;
}

static enum assay_status on_band(void *ctx, const uint64_t *entry)
{
    struct bucketing *b = ctx;
    enum assay_status st = ASSAY_OK;
    if (b->n > 0 && b->key != entry[0]) {
        st = end_bucket(b);
        b->n = 0;
    }
    b->key = entry[0];
    if (st == ASSAY_OK && (b->n == 0 || b->last != entry[1])) {
        st = add_member(b, entry[1]);
    }
    if (++b->entries % ASK_EVERY == 0 && st == ASSAY_OK && b->host->cancelled(b->host->ctx)) {
        st = ASSAY_CANCELLED;
    }
    return st;
}

/* ---- who takes part ----------------------------------------------------------------------------
 */

struct wanting {
    struct dup_table ids; /* pairs of an id and nothing */
    const struct assay_host *host;
    size_t max;
    uint64_t last[DUP_PAIR_WORDS];
    int any;
};

static enum assay_status want(struct wanting *w, uint64_t id)
{
    const uint64_t entry[DUP_PAIR_WORDS] = {id, 0};
    return dup_table_add(&w->ids, w->host, w->max, entry);
}

static enum assay_status on_pair(void *ctx, const uint64_t *pair)
{
    struct wanting *w = ctx;
    enum assay_status st = ASSAY_OK;
    if (!w->any || w->last[0] != pair[0]) {
        st = want(w, pair[0]);
    }
    if (st == ASSAY_OK && (!w->any || memcmp(w->last, pair, sizeof w->last) != 0)) {
        st = want(w, pair[1]);
    }
    memcpy(w->last, pair, sizeof w->last);
    w->any = 1;
    return st;
}

static enum assay_status want_samples(const struct dup_candidates *c, struct wanting *w)
{
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < c->n_hot; i++) {
        for (unsigned k = 0; k < DUP_HOT_SAMPLE && st == ASSAY_OK; k++) {
            st = want(w, c->hot[i].ids[k]);
        }
    }
    return st;
}

/* ---- where they stand --------------------------------------------------------------------------
 */

struct placing {
    const struct assay_host *host;
    struct dup_table found;   /* pairs of a place and the id that stands there */
    struct dup_merge *others; /* what the ids are joined with, in the same order */
    const uint64_t *other;    /* the next; NULL: there are no more */
    struct dup_candidates *c;
    size_t max;
    uint64_t last[DUP_PAIR_WORDS];
    int any;
};

static enum assay_status next_other(struct placing *p)
{
    enum assay_status st = dup_merge_next(p->others, &p->other);
    return st == ASSAY_END ? ASSAY_OK : st;
}

/* Moves on to the first of `others` that is not before `id`. */
static enum assay_status seek_other(struct placing *p, uint64_t id)
{
    enum assay_status st = ASSAY_OK;
    while (st == ASSAY_OK && p->other != NULL && p->other[0] < id) {
        st = next_other(p);
    }
    return st;
}

/* Calls `each` for every entry of `t`, with `others` at hand in the same order. */
static enum assay_status join(struct placing *p, struct dup_table *t, struct dup_table *others,
                              dup_each *each)
{
    enum assay_status st = dup_merge_open(others, &p->others);
    p->any = 0;
    st = st == ASSAY_OK ? next_other(p) : st;
    st = st == ASSAY_OK ? dup_table_sorted(t, each, p) : st;
    dup_merge_close(p->others);
    p->others = NULL;
    return st;
}

/* An id without a record is left out; of several records the first in the dataset counts. */
static enum assay_status on_wanted(void *ctx, const uint64_t *entry)
{
    struct placing *p = ctx;
    uint64_t found[DUP_PAIR_WORDS] = {UINT64_MAX, entry[0]};
    if (p->any && p->last[0] == entry[0]) {
        return ASSAY_OK;
    }
    p->last[0] = entry[0];
    p->any = 1;
    enum assay_status st = seek_other(p, entry[0]);
    while (st == ASSAY_OK && p->other != NULL && p->other[0] == entry[0]) {
        found[0] = p->other[3] < found[0] ? p->other[3] : found[0];
        st = next_other(p);
    }
    return st != ASSAY_OK || found[0] == UINT64_MAX
               ? st
               : dup_table_add(&p->found, p->host, p->max, found);
}

static void place_hot(struct dup_candidates *c, uint64_t id, uint64_t place)
{
    for (unsigned i = 0; i < c->n_hot * DUP_HOT_SAMPLE; i++) {
        struct dup_hot *hot = &c->hot[i / DUP_HOT_SAMPLE];
        if (hot->ids[i % DUP_HOT_SAMPLE] == id) {
            hot->places[i % DUP_HOT_SAMPLE] = place;
        }
    }
}

/* Places come in order, so the next rank is how many there were before. */
static enum assay_status on_found(void *ctx, const uint64_t *found)
{
    struct placing *p = ctx;
    struct dup_candidates *c = p->c;
    const uint64_t named[DUP_PAIR_WORDS] = {found[1], c->places.n};
    if (c->places.n == UINT32_MAX) {
        return ASSAY_LIMIT;
    }
    place_hot(c, found[1], found[0]);
    enum assay_status st = dup_rows_add(&c->places, found);
    return st == ASSAY_OK ? dup_table_add(&c->named, p->host, p->max, named) : st;
}

/* ---- from ids to ranks -------------------------------------------------------------------------
 */

/* A pair of ids, seen for the first time: its second id with the rank of its first. */
static enum assay_status on_first(void *ctx, const uint64_t *pair)
{
    struct placing *p = ctx;
    if (p->any && memcmp(p->last, pair, sizeof p->last) == 0) {
        return ASSAY_OK;
    }
    memcpy(p->last, pair, sizeof p->last);
    p->any = 1;
    enum assay_status st = seek_other(p, pair[0]);
    if (st != ASSAY_OK || p->other == NULL || p->other[0] != pair[0]) {
        p->c->lost++;
        return st;
    }
    const uint64_t half[DUP_PAIR_WORDS] = {pair[1], p->other[1]};
    return dup_table_add(&p->found, p->host, p->max, half);
}

/* And the second one's rank. */
static enum assay_status on_second(void *ctx, const uint64_t *half)
{
    struct placing *p = ctx;
    enum assay_status st = seek_other(p, half[0]);
    if (st != ASSAY_OK || p->other == NULL || p->other[0] != half[0]) {
        p->c->lost++;
        return st;
    }
    const uint64_t pair[DUP_PAIR_WORDS] = {half[1], p->other[1]};
    return dup_table_add(&p->c->pairs, p->host, p->max, pair);
}

static enum assay_status find_places(struct placing *p, struct dup_table *ids,
                                     struct dup_table *records)
{
    enum assay_status st = join(p, ids, records, on_wanted);
    st = st == ASSAY_OK ? dup_table_sorted(&p->found, on_found, p) : st;
    dup_table_release(&p->found);
    return st;
}

static enum assay_status rank_pairs(struct placing *p)
{
    struct dup_candidates *c = p->c;
    enum assay_status st = join(p, &c->pairs, &c->named, on_first);
    dup_table_release(&c->pairs);
    st = st == ASSAY_OK ? join(p, &p->found, &c->named, on_second) : st;
    dup_table_release(&p->found);
    return st;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

enum assay_status dup_candidates_find(struct dup_candidates *c, struct dup_table *bands,
                                      struct dup_table *records, const struct assay_host *host,
                                      size_t max)
{
    struct bucketing b = {.c = c, .host = host, .max = max};
    struct wanting w = {.ids = {.pairs = 1}, .host = host, .max = max};
    struct placing p = {.c = c, .host = host, .max = max, .found = {.pairs = 1}};
    c->pairs.pairs = c->named.pairs = 1;
    dup_rows_init(&c->places, host, 1, max * DUP_PAIR_BYTES);
    enum assay_status st = dup_table_sorted(bands, on_band, &b);
    st = st == ASSAY_OK ? end_bucket(&b) : st;
    dup_table_release(bands);
    st = st == ASSAY_OK ? dup_table_sorted(&c->pairs, on_pair, &w) : st;
    st = st == ASSAY_OK ? want_samples(c, &w) : st;
    st = st == ASSAY_OK ? find_places(&p, &w.ids, records) : st;
    dup_table_release(&w.ids);
    return st == ASSAY_OK ? rank_pairs(&p) : st;
}

void dup_candidates_release(struct dup_candidates *c)
{
    dup_table_release(&c->pairs);
    dup_table_release(&c->named);
    dup_rows_release(&c->places);
    memset(c, 0, sizeof *c);
}
