/* SPDX-License-Identifier: Apache-2.0
 *
 * What the literal search looks for, and what becomes of a hit: a term is checked and noted at
 * once; an anchor is collected, because candidates must be tried in ascending order and no search
 * engine promises one.
 */
#include "rules/matcher/internal.h"

static uint32_t count_anchors(const struct assay_matcher *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_rules; i++) {
        n += m->plans[i].kind == ASSAY_PLAN_ANCHOR ? m->plans[i].literals->n : 0;
    }
    return n;
}

/* A rule's literals, each once. */
static void add_anchor(struct assay_literal_table *t, const struct assay_anchors *ls, uint32_t id)
{
    for (unsigned i = 0; i < ls->n; i++) {
        unsigned k = 0;
        while (k < i &&
               (ls->len[k] != ls->len[i] || memcmp(ls->text[k], ls->text[i], ls->len[i]) != 0)) {
            k++;
        }
        if (k == i) {
            t->items[t->count++] = (struct assay_needle){(const char *)ls->text[i], ls->len[i], id};
        }
    }
}

enum assay_status assay_literals_build(struct assay_matcher *m)
{
    struct assay_literal_table *t = &m->literals;
    t->items = assay_alloc_array((size_t)m->terms.count + count_anchors(m) + 1, sizeof *t->items);
    if (t->items == NULL) {
        return ASSAY_NOMEM;
    }
    for (uint32_t i = 0; i < m->terms.count; i++) {
        const struct assay_word_term *w = &m->terms.items[i];
        t->items[t->count++] = (struct assay_needle){m->terms.text + w->at, w->len, i};
    }
    for (uint32_t i = 0; i < m->n_rules; i++) {
        if (m->plans[i].kind == ASSAY_PLAN_ANCHOR) {
            add_anchor(t, m->plans[i].literals, m->terms.count + i);
        }
    }
    return ASSAY_OK;
}

void assay_literal_found(struct assay_scratch *s, uint32_t id, uint32_t end)
{
    uint32_t n_terms = s->m->terms.count;
    if (id < n_terms) {
        assay_term_found(s, id, end);
        return;
    }
    if (s->n_candidates == s->cap_candidates) {
        uint32_t cap = s->cap_candidates == 0 ? 1024 : s->cap_candidates * 2;
        struct assay_candidate *p = assay_realloc_array(s->candidates, cap, sizeof *p);
        if (p == NULL) {
            s->status = ASSAY_NOMEM;
            return;
        }
        s->candidates = p;
        s->cap_candidates = cap;
    }
    s->candidates[s->n_candidates++] = (struct assay_candidate){id - n_terms, end};
}

static int compare_candidates(const void *pa, const void *pb)
{
    const struct assay_candidate *a = pa, *b = pb;
    return a->end != b->end ? (a->end < b->end ? -1 : 1)
                            : (a->rule > b->rule) - (a->rule < b->rule);
}

void assay_candidates_sort(struct assay_scratch *s)
{
    for (uint32_t i = 1; i < s->n_candidates; i++) {
        if (s->candidates[i].end < s->candidates[i - 1].end) {
            qsort(s->candidates, s->n_candidates, sizeof *s->candidates, compare_candidates);
            return;
        }
    }
}
