/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/near.c: see the header.
 */
#include "near.h"

#include <stdlib.h>

enum assay_status dup_shingler_read(struct dup_shingler *s, const struct dup_mask *mask,
                                    const struct assay_host *host, const struct assay_batch *b,
                                    const struct assay_record *r)
{
    dup_tokens_clear(&s->tokens);
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = r->first_field; i < r->first_field + r->n_fields && st == ASSAY_OK; i++) {
        if (dup_mask_has(mask, &b->fields[i])) {
            st = dup_tokens_add(&s->tokens, host, assay_batch_value(b, i));
        }
    }
    return st;
}

enum assay_status dup_shingler_run(struct dup_shingler *s)
{
    size_t n = dup_shingle_count(s->tokens.n);
    if (n > s->cap) {
        size_t cap = n + n / 2 + 256;
        uint64_t *p = realloc(s->shingles, cap * sizeof *p);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        s->shingles = p;
        s->cap = cap;
    }
    s->n = n;
    dup_shingles(s->tokens.items, s->tokens.n, s->shingles);
    return ASSAY_OK;
}

void dup_shingler_release(struct dup_shingler *s)
{
    dup_tokens_release(&s->tokens);
    free(s->shingles);
    memset(s, 0, sizeof *s);
}

enum assay_status dup_near_add(const struct dup_near_plan *plan, struct dup_shingler *s,
                               const struct assay_host *host, struct dup_table *bands, size_t max,
                               uint64_t id)
{
    struct dup_sketch sketch;
    enum assay_status st = dup_shingler_run(s);
    s->n_keys = 0;
    if (st != ASSAY_OK || s->n == 0) {
        return st;
    }
    plan->minhash(s->shingles, s->n, &sketch);
    s->n_keys = plan->bands.bands;
    for (unsigned i = 0; i < s->n_keys && st == ASSAY_OK; i++) {
        s->keys[i] = dup_band_key(plan->bands, &sketch, i);
        const uint64_t entry[DUP_PAIR_WORDS] = {s->keys[i], id};
        st = dup_table_add(bands, host, max, entry);
    }
    return st;
}

enum assay_status dup_near_begin(struct dup_near *n, struct dup_table *bands,
                                 struct dup_table *records, const struct assay_host *host,
                                 size_t max, int *ret_wanted)
{
    *ret_wanted = 0;
    if (n->found) {
        return ASSAY_OK; /* asked again: the look is over */
    }
    enum assay_status st = dup_candidates_find(&n->candidates, bands, records, host, max);
    if (st == ASSAY_OK) {
        dup_sets_init(&n->sets, n->candidates.places.n);
        n->found = 1;
        *ret_wanted = n->candidates.places.n > 0;
    }
    return st;
}

int dup_near_wants(const struct dup_near *n, uint32_t file)
{
    return dup_rows_have_file(&n->candidates.places, file);
}

void dup_near_release(struct dup_near *n)
{
    dup_candidates_release(&n->candidates);
    dup_sets_release(&n->sets);
    memset(n, 0, sizeof *n);
}
