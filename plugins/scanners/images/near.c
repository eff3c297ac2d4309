/* SPDX-License-Identifier: Apache-2.0 */
#include "near.h"

#include <stdlib.h>

#define SLOTS     16u
#define KEYS      65536u
#define ASK_EVERY 1024u /* pictures between two looks at the cancel flag */

/* For each slot, the entries in order of their 16 bits there. */
struct tables {
    uint32_t *start; /* SLOTS x (KEYS + 1): where the entries of a key begin in `ids` */
    uint32_t *ids;   /* SLOTS x n */
    uint32_t n;
};

struct search {
    const struct image_entry *e;
    uint32_t n;
    struct tables tables;
    uint32_t *same; /* by entry: the first entry of the same hash */
    struct image_groups *groups;
};

static unsigned slot_of(const struct pdq_hash *h, unsigned slot)
{
    return (unsigned)(h->w[slot / 4] >> (16 * (slot % 4)) & 0xffff);
}

/* ---- union-find ---------------------------------------------------------------------------- */

static uint32_t find_root(uint32_t *root, uint32_t i)
{
    while (root[i] != i) {
        root[i] = root[root[i]];
        i = root[i];
    }
    return i;
}

/* The smaller root stays, so the first picture of a group leads it, in whatever order pairs come.
 */
static void join(uint32_t *root, uint32_t a, uint32_t b)
{
    a = find_root(root, a);
    b = find_root(root, b);
    if (a < b) {
        root[b] = a;
    } else {
        root[a] = b;
    }
}

/* ---- equal hashes -------------------------------------------------------------------------- */

struct by_hash {
    struct pdq_hash hash;
    uint32_t entry;
};

static int order_by_hash(const void *x, const void *y)
{
    const struct by_hash *a = x, *b = y;
    for (int i = 0; i < 4; i++) {
        if (a->hash.w[i] != b->hash.w[i]) {
            return a->hash.w[i] < b->hash.w[i] ? -1 : 1;
        }
    }
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static enum assay_status join_equal(struct search *s)
{
    struct by_hash *order = malloc(((size_t)s->n + 1) * sizeof *order);
    if (order == NULL) {
        return ASSAY_NOMEM;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        order[i] = (struct by_hash){s->e[i].views[PDQ_AS_IS], i};
    }
    if (s->n > 1) {
        qsort(order, s->n, sizeof *order, order_by_hash);
    }
    uint32_t first = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (i == 0 || pdq_distance(&order[i].hash, &order[i - 1].hash) != 0) {
            first = order[i].entry;
        }
        s->same[order[i].entry] = first;
        join(s->groups->root, first, order[i].entry);
    }
    free(order);
    return ASSAY_OK;
}

/* ---- tables -------------------------------------------------------------------------------- */

static void fill_slot(const struct search *s, unsigned slot)
{
    uint32_t *start = s->tables.start + (size_t)slot * (KEYS + 1);
    uint32_t *ids = s->tables.ids + (size_t)slot * s->n;
    for (uint32_t i = 0; i < s->n; i++) {
        start[slot_of(&s->e[i].views[PDQ_AS_IS], slot) + 1] += s->same[i] == i;
    }
    for (uint32_t k = 0; k < KEYS; k++) {
        start[k + 1] += start[k];
    }
    for (uint32_t i = 0; i < s->n; i++) { /* `start[k]` walks up to where key k ends */
        if (s->same[i] == i) {
            ids[start[slot_of(&s->e[i].views[PDQ_AS_IS], slot)]++] = i;
        }
    }
    memmove(start + 1, start, KEYS * sizeof *start);
    start[0] = 0;
}

/* After filling, start[k] is where key k begins; its end is where the next one does. */
static enum assay_status fill_tables(struct search *s)
{
    s->tables.start = calloc(SLOTS * (size_t)(KEYS + 1), sizeof(uint32_t));
    s->tables.ids = malloc(SLOTS * ((size_t)s->n + 1) * sizeof(uint32_t));
    if (s->tables.start == NULL || s->tables.ids == NULL) {
        return ASSAY_NOMEM;
    }
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        fill_slot(s, slot);
    }
    return ASSAY_OK;
}

/* ---- pairs --------------------------------------------------------------------------------- */

static enum assay_status add_turned(struct image_groups *g, struct image_turned t)
{
    if (g->n_turned == g->cap_turned) {
        const size_t cap = g->cap_turned == 0 ? 64 : 2 * g->cap_turned;
        void *p = realloc(g->turned, cap * sizeof g->turned[0]);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        g->turned = p;
        g->cap_turned = cap;
    }
    g->turned[g->n_turned++] = t;
    return ASSAY_OK;
}

/* Whether an earlier slot has found the pair already. */
static int was_found(const struct pdq_hash *a, const struct pdq_hash *b, unsigned slot)
{
    for (unsigned i = 0; i < slot; i++) {
        if (__builtin_popcount(slot_of(a, i) ^ slot_of(b, i)) <= 1) {
            return 1;
        }
    }
    return 0;
}

static enum assay_status look_in(struct search *s, uint32_t a, enum pdq_view view, unsigned slot,
                                 unsigned key)
{
    const struct pdq_hash *h = &s->e[a].views[view];
    const uint32_t *start = s->tables.start + (size_t)slot * (KEYS + 1);
    const uint32_t *ids = s->tables.ids + (size_t)slot * s->n;
    enum assay_status st = ASSAY_OK;
    for (uint32_t k = start[key]; k < start[key + 1] && st == ASSAY_OK; k++) {
        const uint32_t b = ids[k];
        const struct pdq_hash *other = &s->e[b].views[PDQ_AS_IS];
        const unsigned distance = pdq_distance(h, other);
        if (b <= a || distance > PDQ_MAX_BITS || was_found(h, other, slot)) {
            continue;
        }
        if (view == PDQ_AS_IS) {
            join(s->groups->root, a, b);
        } else {
            st = add_turned(s->groups, (struct image_turned){a, b, (uint32_t)view, distance});
        }
    }
    return st;
}

static enum assay_status look_up(struct search *s, uint32_t a, enum pdq_view view)
{
    enum assay_status st = ASSAY_OK;
    for (unsigned slot = 0; slot < SLOTS && st == ASSAY_OK; slot++) {
        const unsigned key = slot_of(&s->e[a].views[view], slot);
        st = look_in(s, a, view, slot, key);
        for (unsigned bit = 0; bit < 16 && st == ASSAY_OK; bit++) {
            st = look_in(s, a, view, slot, key ^ 1u << bit);
        }
    }
    return st;
}

static enum assay_status find_pairs(struct search *s, const struct assay_host *host)
{
    enum assay_status st = ASSAY_OK;
    for (uint32_t a = 0; a < s->n && st == ASSAY_OK; a++) {
        if (a % ASK_EVERY == 0 && host->cancelled(host->ctx)) {
            return ASSAY_CANCELLED;
        }
        for (unsigned v = 0; v < PDQ_VIEWS && s->same[a] == a && st == ASSAY_OK; v++) {
            st = look_up(s, a, (enum pdq_view)v);
        }
    }
    return st;
}

/* ---- turned pictures, group by group ------------------------------------------------------- */

static int order_turned(const void *x, const void *y)
{
    const struct image_turned *a = x, *b = y;
    const uint32_t ka[] = {a->from, a->to, a->distance, a->view};
    const uint32_t kb[] = {b->from, b->to, b->distance, b->view};
    for (int i = 0; i < 4; i++) {
        if (ka[i] != kb[i]) {
            return ka[i] < kb[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Pairs become pairs of groups: the closest of each; none within one group (a symmetric picture
 * looks the same however it is turned). */
static void settle_turned(struct image_groups *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_turned; i++) {
        const uint32_t a = g->root[g->turned[i].from], b = g->root[g->turned[i].to];
        g->turned[i].from = a < b ? a : b;
        g->turned[i].to = a < b ? b : a;
    }
    if (g->n_turned > 1) {
        qsort(g->turned, g->n_turned, sizeof g->turned[0], order_turned);
    }
    for (size_t i = 0; i < g->n_turned; i++) {
        const struct image_turned *t = &g->turned[i];
        const int again =
            kept > 0 && g->turned[kept - 1].from == t->from && g->turned[kept - 1].to == t->to;
        if (t->from != t->to && !again) {
            g->turned[kept++] = *t;
        }
    }
    g->n_turned = kept;
}

/* ---- the door ------------------------------------------------------------------------------ */

enum assay_status image_groups_find(const struct image_entry *e, uint32_t n,
                                    const struct assay_host *host, struct image_groups *ret)
{
    struct search s = {.e = e, .n = n, .groups = ret};
    memset(ret, 0, sizeof *ret);
    ret->root = malloc(((size_t)n + 1) * sizeof *ret->root);
    s.same = malloc(((size_t)n + 1) * sizeof *s.same);
    enum assay_status st = ret->root == NULL || s.same == NULL ? ASSAY_NOMEM : ASSAY_OK;
    for (uint32_t i = 0; st == ASSAY_OK && i < n; i++) {
        ret->root[i] = i;
    }
    st = st == ASSAY_OK ? join_equal(&s) : st;
    if (n > 1) { /* the tables are large, and a picture alone is near nothing */
        st = st == ASSAY_OK ? fill_tables(&s) : st;
        st = st == ASSAY_OK ? find_pairs(&s, host) : st;
    }
    for (uint32_t i = 0; st == ASSAY_OK && i < n; i++) {
        ret->root[i] = find_root(ret->root, i);
    }
    if (st == ASSAY_OK) {
        settle_turned(ret);
    }
    free(s.same);
    free(s.tables.start);
    free(s.tables.ids);
    return st;
}

void image_groups_release(struct image_groups *g)
{
    free(g->root);
    free(g->turned);
    memset(g, 0, sizeof *g);
}
