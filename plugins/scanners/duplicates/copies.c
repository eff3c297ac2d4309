/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/copies.c: see the header.
 */
#include "copies.h"

struct gathering {
    struct dup_copies *c;
    const struct dup_copies_source *from;
    struct dup_merge *records;
    const uint64_t *record; /* the next; NULL: there are no more */
    uint32_t root;          /* of the text in hand */
};

static enum assay_status next_record(struct gathering *g)
{
    enum assay_status st = dup_merge_next(g->records, &g->record);
    return st == ASSAY_END ? ASSAY_OK : st;
}

static enum assay_status add_place(struct gathering *g, uint64_t place)
{
    const uint64_t pair[DUP_PAIR_WORDS] = {g->root, place};
    return dup_table_add(&g->c->places, g->from->host, g->from->max, pair);
}

/* The records of one variant from the one in hand on, in the order of their places. */
static enum assay_status add_variant(struct gathering *g, uint64_t id, uint64_t variant,
                                     int first_only)
{
    enum assay_status st = ASSAY_OK;
    for (int first = 1;
         st == ASSAY_OK && g->record != NULL && g->record[0] == id && g->record[2] == variant;
         first = 0) {
        st = first || !first_only ? add_place(g, g->record[3]) : ASSAY_OK;
        st = st == ASSAY_OK ? next_record(g) : st;
    }
    return st;
}

/* The records of a text whose copies were all accepted: the first of them. */
static enum assay_status add_first(struct gathering *g, uint64_t id)
{
    enum assay_status st = ASSAY_OK;
    uint64_t least = UINT64_MAX;
    while (st == ASSAY_OK && g->record != NULL && g->record[0] == id) {
        least = g->record[3] < least ? g->record[3] : least;
        st = next_record(g);
    }
    return st == ASSAY_OK ? add_place(g, least) : st;
}

/* Ids and records both come in ascending order. */
static enum assay_status on_named(void *ctx, const uint64_t *named)
{
    struct gathering *g = ctx;
    const uint64_t id = named[0];
    enum assay_status st = ASSAY_OK;
    while (st == ASSAY_OK && g->record != NULL && g->record[0] < id) {
        st = next_record(g);
    }
    if (st != ASSAY_OK || g->record == NULL || g->record[0] != id) {
        return st;
    }
    const struct dup_accepted *a = g->from->accepted;
    g->root = g->from->root(g->from->ctx, (uint32_t)named[1]);
    if (dup_accepted_group(a, DUP_GROUP_NORMALISED, g->record, 2, NULL)) {
        return add_first(g, id);
    }
    while (st == ASSAY_OK && g->record != NULL && g->record[0] == id) {
        const uint64_t variant = g->record[2];
        st =
            add_variant(g, id, variant, dup_accepted_group(a, DUP_GROUP_RECORD, &variant, 1, NULL));
    }
    return st;
}

static enum assay_status next_place(struct dup_copies *c)
{
    enum assay_status st = dup_merge_next(c->merge, &c->next);
    return st == ASSAY_END ? ASSAY_OK : st;
}

enum assay_status dup_copies_find(struct dup_copies *c, const struct dup_copies_source *from)
{
    struct gathering g = {.c = c, .from = from};
    c->places.pairs = 1;
    enum assay_status st = dup_merge_open(from->records, &g.records);
    st = st == ASSAY_OK ? next_record(&g) : st;
    st = st == ASSAY_OK ? dup_table_sorted(from->named, on_named, &g) : st;
    dup_merge_close(g.records);
    st = st == ASSAY_OK ? dup_merge_open(&c->places, &c->merge) : st;
    return st == ASSAY_OK ? next_place(c) : st;
}

enum assay_status dup_copies_next(struct dup_copies *c, uint32_t root, uint64_t *ret)
{
    enum assay_status st = ASSAY_OK;
    while (st == ASSAY_OK && c->next != NULL && c->next[0] < root) {
        st = next_place(c);
    }
    if (st != ASSAY_OK || c->next == NULL || c->next[0] != root) {
        return st == ASSAY_OK ? ASSAY_END : st;
    }
    *ret = c->next[1];
    return next_place(c);
}

void dup_copies_release(struct dup_copies *c)
{
    dup_merge_close(c->merge);
    dup_table_release(&c->places);
    c->merge = NULL;
    c->next = NULL;
}
