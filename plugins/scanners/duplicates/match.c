/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/match.c: see the header.
 */
#include "match.h"

#include <stdlib.h>

#include "table.h"

struct pair {
    struct dup_matcher *m;
    const struct dup_gram_plan *p;
    const struct dup_spot *a, *b; /* the item, the other */
    size_t n_a, n_b, n_index;
    uint64_t steps;
    struct dup_match *out;
};

static int widen(void **p, size_t n, size_t size)
{
    void *wider = realloc(*p, n * size);
    *p = wider == NULL ? *p : wider;
    return wider != NULL;
}

static enum assay_status make_room(struct dup_matcher *m, size_t n_item, size_t n_other)
{
    if (n_other > m->cap_index) {
        void *index = m->index;
        int ok = widen(&index, n_other, DUP_PAIR_BYTES);
        m->index = index;
        if (!ok) {
            return ASSAY_NOMEM;
        }
        m->cap_index = n_other;
    }
    if (n_item > m->cap_item) {
        void *common = m->common, *covered = m->covered;
        int ok = widen(&common, n_item, 1) & widen(&covered, n_item, 1);
        m->common = common;
        m->covered = covered;
        if (!ok) {
            return ASSAY_NOMEM;
        }
        m->cap_item = n_item;
    }
    return ASSAY_OK;
}

void dup_matcher_release(struct dup_matcher *m)
{
    free(m->index);
    free(m->common);
    free(m->covered);
    memset(m, 0, sizeof *m);
}

/* ---- the two sides -----------------------------------------------------------------------------
 */

/* Marks the item's tokens that stand in a common n-gram. */
static void mark_common(struct pair *x, const struct dup_common *common)
{
    memset(x->m->common, 0, x->n_a);
    memset(x->m->covered, 0, x->n_a);
    for (size_t i = 0; i < x->n_a && common != NULL; i++) {
        uint64_t hash;
        size_t n = dup_gram_at(x->p, x->a, x->n_a, i, &hash);
        if (n > 0 && common->has(common->ctx, hash)) {
            memset(x->m->common + i, 1, n);
        }
    }
}

static void index_other(struct pair *x)
{
    for (size_t i = 0; i < x->n_b; i++) {
        uint64_t *e = x->m->index + DUP_PAIR_WORDS * x->n_index;
        e[1] = i;
        x->n_index += dup_gram_at(x->p, x->b, x->n_b, i, &e[0]) > 0;
    }
    dup_sort(x->m->index, x->n_index, DUP_PAIR_WORDS);
}

/* The first of the index that has at least this n-gram. */
static size_t find(const struct pair *x, uint64_t gram)
{
    size_t from = 0, to = x->n_index;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (x->m->index[DUP_PAIR_WORDS * mid] < gram) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return from;
}

/* ---- runs --------------------------------------------------------------------------------------
 */

/* Whether token i of the item and j of the other may stand in one run. */
static int same(const struct pair *x, size_t i, size_t j)
{
    return x->a[i].hash == x->b[j].hash && !x->m->common[i];
}

static struct dup_run_place place_of(const struct dup_spot *s, size_t from, size_t n)
{
    struct dup_run_place p = {dup_spot_field(&s[from]), dup_spot_start(&s[from]),
                              dup_spot_end(&s[from + n - 1])};
    return p;
}

/* Takes a long run of the item into what all of them are. */
static void add_passage(struct pair *x, size_t i, size_t n)
{
    const struct dup_accepted *a = x->m->accepted;
    struct dup_digest d = {{0, 0}};
    if (!dup_accepted_asks(a)) {
        return;
    }
    for (size_t k = i; k < i + n; k++) {
        d = dup_digest_add(a, DUP_GROUP_SPAN, d, x->a[k].hash);
    }
    x->out->passages[0] += d.word[0];
    x->out->passages[1] += d.word[1];
    x->out->passages[2]++;
}

/* Follows the run from (i, j) to its end and takes it into account. */
static void follow(struct pair *x, size_t i, size_t j)
{
    const uint32_t fa = dup_spot_field(&x->a[i]), fb = dup_spot_field(&x->b[j]);
    uint32_t characters = 0;
    uint64_t weight = 0;
    size_t n = 0;
    while (i + n < x->n_a && j + n < x->n_b && dup_spot_field(&x->a[i + n]) == fa &&
           dup_spot_field(&x->b[j + n]) == fb && same(x, i + n, j + n)) {
        weight += dup_spot_weight(x->p, &x->a[i + n]);
        characters += (uint32_t)dup_spot_is_character(&x->a[i + n]);
        n++;
    }
    x->steps += n;
    if (weight >= x->p->span) {
        memset(x->m->covered + i, 1, n);
        add_passage(x, i, n);
    }
    if (weight > x->out->weight) {
        x->out->weight = weight;
        x->out->characters = characters;
        x->out->words = (uint32_t)n - characters;
        x->out->item = place_of(x->a, i, n);
        x->out->other = place_of(x->b, j, n);
    }
}

/* Whether the run through (i, j) began earlier, and so was followed. */
static int began_before(const struct pair *x, size_t i, size_t j)
{
    return i > 0 && j > 0 && dup_spot_field(&x->a[i - 1]) == dup_spot_field(&x->a[i]) &&
           dup_spot_field(&x->b[j - 1]) == dup_spot_field(&x->b[j]) && same(x, i - 1, j - 1);
}

static void try_token(struct pair *x, size_t i)
{
    uint64_t gram;
    if (x->m->common[i] || dup_gram_at(x->p, x->a, x->n_a, i, &gram) == 0) {
        return;
    }
    size_t k = find(x, gram);
    for (unsigned tries = 0; k < x->n_index && x->m->index[DUP_PAIR_WORDS * k] == gram; k++) {
        const size_t j = (size_t)x->m->index[DUP_PAIR_WORDS * k + 1];
        x->steps++;
        if (tries++ == DUP_MATCH_TRIES) {
            x->out->bounded = 1;
            return;
        }
        if (!began_before(x, i, j)) {
            follow(x, i, j);
        }
    }
}

enum assay_status dup_match(struct dup_matcher *m, const struct dup_gram_plan *p,
                            const struct dup_spot *item, size_t n_item,
                            const struct dup_spot *other, size_t n_other,
                            const struct dup_common *common, struct dup_match *ret)
{
    struct pair x = {
        .m = m, .p = p, .a = item, .b = other, .n_a = n_item, .n_b = n_other, .out = ret};
    memset(ret, 0, sizeof *ret);
    enum assay_status st = make_room(m, n_item, n_other);
    if (st != ASSAY_OK || n_item == 0 || n_other == 0) {
        return st;
    }
    mark_common(&x, common);
    index_other(&x);
    for (size_t i = 0; i < n_item; i++) {
        ret->total += dup_spot_weight(p, &item[i]);
        if (x.steps < DUP_MATCH_STEPS) {
            try_token(&x, i);
        } else {
            ret->bounded = 1;
        }
    }
    for (size_t i = 0; i < n_item; i++) {
        ret->covered += m->covered[i] ? dup_spot_weight(p, &item[i]) : 0;
    }
    return ASSAY_OK;
}
