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
    struct dup_candidates *c;
    struct dup_merge *records;
    const uint64_t *record; /* the next; NULL: there are no more */
    size_t cap;
};

static enum assay_status next_record(struct placing *p)
{
    enum assay_status st = dup_merge_next(p->records, &p->record);
    return st == ASSAY_END ? ASSAY_OK : st;
}

static enum assay_status add_text(struct placing *p, uint64_t id, uint64_t place)
{
    struct dup_candidates *c = p->c;
    if (c->n == p->cap) {
        size_t cap = 2 * p->cap + 1024;
        uint64_t *ids = realloc(c->ids, cap * sizeof *ids);
        c->ids = ids == NULL ? c->ids : ids;
        uint64_t *places = realloc(c->places, cap * sizeof *places);
        c->places = places == NULL ? c->places : places;
        if (ids == NULL || places == NULL || cap > UINT32_MAX) {
            return ASSAY_NOMEM;
        }
        p->cap = cap;
    }
    c->ids[c->n] = id;
    c->places[c->n++] = place;
    return ASSAY_OK;
}

/* Ids and records both come in ascending order. An id without a record is left out. */
static enum assay_status on_wanted(void *ctx, const uint64_t *entry)
{
    struct placing *p = ctx;
    const uint64_t id = entry[0];
    uint64_t place = UINT64_MAX;
    enum assay_status st = ASSAY_OK;
    if (p->c->n > 0 && p->c->ids[p->c->n - 1] == id) {
        return ASSAY_OK;
    }
    while (st == ASSAY_OK && p->record != NULL && p->record[0] < id) {
        st = next_record(p);
    }
    while (st == ASSAY_OK && p->record != NULL && p->record[0] == id) {
        place = p->record[3] < place ? p->record[3] : place;
        st = next_record(p);
    }
    return st != ASSAY_OK || place == UINT64_MAX ? st : add_text(p, id, place);
}

static enum assay_status find_places(struct dup_candidates *c, struct dup_table *ids,
                                     struct dup_table *records)
{
    struct placing p = {.c = c};
    enum assay_status st = dup_merge_open(records, &p.records);
    st = st == ASSAY_OK ? next_record(&p) : st;
    st = st == ASSAY_OK ? dup_table_sorted(ids, on_wanted, &p) : st;
    dup_merge_close(p.records);
    return st;
}

/* Puts places in order and tells every id its rank. */
static enum assay_status rank(struct dup_candidates *c)
{
    uint64_t *order = malloc((c->n + 1) * DUP_PAIR_WORDS * sizeof *order);
    c->ranks = malloc((c->n + 1) * sizeof *c->ranks);
    if (order == NULL || c->ranks == NULL) {
        free(order);
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < c->n; i++) {
        order[2 * i] = c->places[i];
        order[2 * i + 1] = i;
    }
    dup_sort(order, c->n, DUP_PAIR_WORDS);
    for (size_t i = 0; i < c->n; i++) {
        c->places[i] = order[2 * i];
        c->ranks[order[2 * i + 1]] = (uint32_t)i;
    }
    free(order);
    return ASSAY_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

enum assay_status dup_candidates_find(struct dup_candidates *c, struct dup_table *bands,
                                      struct dup_table *records, const struct assay_host *host,
                                      size_t max)
{
    struct bucketing b = {.c = c, .host = host, .max = max};
    struct wanting w = {.ids = {.pairs = 1}, .host = host, .max = max};
    c->pairs.pairs = 1;
    enum assay_status st = dup_table_sorted(bands, on_band, &b);
    st = st == ASSAY_OK ? end_bucket(&b) : st;
    st = st == ASSAY_OK ? dup_table_sorted(&c->pairs, on_pair, &w) : st;
    st = st == ASSAY_OK ? want_samples(c, &w) : st;
    st = st == ASSAY_OK ? find_places(c, &w.ids, records) : st;
    dup_table_release(&w.ids);
    return st == ASSAY_OK ? rank(c) : st;
}

/* The first index whose value is not less. */
static size_t lower_bound(const uint64_t *v, size_t n, uint64_t value)
{
    size_t from = 0;
    while (n > 0) {
        size_t half = n / 2;
        if (v[from + half] < value) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

uint32_t dup_candidates_rank(const struct dup_candidates *c, uint64_t id)
{
    size_t i = lower_bound(c->ids, c->n, id);
    return i < c->n && c->ids[i] == id ? c->ranks[i] : UINT32_MAX;
}

size_t dup_candidates_from(const struct dup_candidates *c, uint64_t place)
{
    return lower_bound(c->places, c->n, place);
}

void dup_candidates_release(struct dup_candidates *c)
{
    dup_table_release(&c->pairs);
    free(c->ids);
    free(c->ranks);
    free(c->places);
    memset(c, 0, sizeof *c);
}
