/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/grams.c: see the header.
 */
#include "grams.h"

#include <stdlib.h>

#include "mix.h"

struct dup_gram_plan dup_gram_plan_make(unsigned words, unsigned characters)
{
    struct dup_gram_plan p = {.word = characters, .character = words, .span = words * characters};
    unsigned heavier = words > characters ? words : characters;
    p.gram = (p.span * 8 + 12) / 13;
    p.window = (p.span - p.gram) / heavier + 1;
    return p;
}

/* ---- tokens ------------------------------------------------------------------------------------
 */

static enum assay_status add_spots(struct dup_spots *s, uint32_t field)
{
    if (s->n + s->tokens.n > s->cap) {
        size_t cap = 2 * (s->n + s->tokens.n) + 256;
        void *p = realloc(s->items, cap * sizeof *s->items);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        s->items = p;
        s->cap = cap;
    }
    for (size_t i = 0; i < s->tokens.n; i++) {
        const struct dup_token *t = &s->tokens.items[i];
        const uint64_t len = t->len < 0xFFFF ? t->len : 0xFFFF;
        s->items[s->n].hash = t->hash;
        s->items[s->n++].where =
            (uint64_t)field << 49 | (uint64_t)t->single << 48 | (uint64_t)t->start << 16 | len;
    }
    return ASSAY_OK;
}

enum assay_status dup_spots_read(struct dup_spots *s, const struct assay_host *host,
                                 const struct dup_mask *mask, const struct assay_batch *b,
                                 const struct assay_record *r)
{
    enum assay_status st = ASSAY_OK;
    s->n = 0;
    for (uint32_t i = 0; i < r->n_fields && st == ASSAY_OK; i++) {
        const struct assay_field *f = &b->fields[r->first_field + i];
        if (!dup_mask_has(mask, f)) {
            continue;
        }
        if (i >= DUP_GRAM_FIELDS) {
            return ASSAY_LIMIT;
        }
        dup_tokens_clear(&s->tokens);
        st = dup_tokens_add(&s->tokens, host, assay_batch_value(b, r->first_field + i));
        if (st == ASSAY_OK && s->n + s->tokens.n > DUP_TOKENS_MAX) {
            st = ASSAY_LIMIT;
        }
        st = st == ASSAY_OK ? add_spots(s, i) : st;
    }
    return st;
}

void dup_spots_release(struct dup_spots *s)
{
    dup_tokens_release(&s->tokens);
    free(s->items);
    free(s->grams);
    memset(s, 0, sizeof *s);
}

/* ---- n-grams -----------------------------------------------------------------------------------
 */

size_t dup_gram_at(const struct dup_gram_plan *p, const struct dup_spot *s, size_t n, size_t i,
                   uint64_t *ret)
{
    const uint32_t field = dup_spot_field(&s[i]);
    uint64_t hash = DUP_ROOT5;
    unsigned weight = 0;
    for (size_t k = i; k < n && dup_spot_field(&s[k]) == field; k++) {
        hash = dup_mix(hash, s[k].hash);
        weight += dup_spot_weight(p, &s[k]);
        if (weight >= p->gram) {
            *ret = hash;
            return k + 1 - i;
        }
    }
    return 0;
}

static size_t least_of(const uint64_t *grams, size_t from, size_t to)
{
    size_t least = from;
    for (size_t i = from + 1; i < to; i++) {
        least = grams[i] <= grams[least] ? i : least;
    }
    return least;
}

/* The kept ones of the n-grams of one field. */
static enum assay_status winnow(const uint64_t *grams, size_t n, size_t window,
                                enum assay_status (*each)(void *ctx, uint64_t hash), void *ctx)
{
    enum assay_status st = ASSAY_OK;
    size_t kept = SIZE_MAX;
    for (size_t to = window < n ? window : n; to <= n && n > 0 && st == ASSAY_OK; to++) {
        const size_t from = to > window ? to - window : 0;
        size_t least = kept;
        if (kept == SIZE_MAX || kept < from) {
            least = least_of(grams, from, to);
        } else if (grams[to - 1] <= grams[kept]) {
            least = to - 1;
        }
        if (least != kept) {
            kept = least;
            st = each(ctx, grams[kept]);
        }
    }
    return st;
}

/* The n-grams of the field that begins at token `from`, into s->grams. *ret_end: where it ends. */
static size_t grams_of_field(struct dup_spots *s, const struct dup_gram_plan *p, size_t from,
                             size_t *ret_end, uint64_t *ret_weight)
{
    size_t n = 0, end = from;
    const uint32_t field = dup_spot_field(&s->items[from]);
    *ret_weight = 0;
    for (; end < s->n && dup_spot_field(&s->items[end]) == field; end++) {
        *ret_weight += dup_spot_weight(p, &s->items[end]);
        if (dup_gram_at(p, s->items, s->n, end, &s->grams[n]) > 0) {
            n++;
        }
    }
    *ret_end = end;
    return n;
}

enum assay_status dup_grams_keep(struct dup_spots *s, const struct dup_gram_plan *p,
                                 enum assay_status (*each)(void *ctx, uint64_t hash), void *ctx,
                                 int *ret_long)
{
    enum assay_status st = ASSAY_OK;
    *ret_long = 0;
    if (s->n > s->cap_grams) {
        void *grams = realloc(s->grams, s->cap * sizeof *s->grams);
        if (grams == NULL) {
            return ASSAY_NOMEM;
        }
        s->grams = grams;
        s->cap_grams = s->cap;
    }
    for (size_t from = 0, end; from < s->n && st == ASSAY_OK; from = end) {
        uint64_t weight;
        size_t n = grams_of_field(s, p, from, &end, &weight);
        if (weight >= p->span) {
            *ret_long = 1;
            st = winnow(s->grams, n, p->window, each, ctx);
        }
    }
    return st;
}
