/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/lookup.c: see the header.
 */
#include "lookup.h"

#include <stdlib.h>

#include "sketch.h"

#define IDS_MAX 1024u /* of texts compared for one record: those are not compared again */

/* ---- opening ------------------------------------------------------------------------------- */

enum assay_status dup_lookup_add(struct dup_lookup *l, const char *path,
                                 const struct dup_params *params, const struct assay_host *host,
                                 struct assay_error *err)
{
    size_t n;
    if (l->n == DUP_LOOKUP_RUNS) {
        return assay_fail(err, ASSAY_LIMIT, "at most %d indexes are searched at once",
                          DUP_LOOKUP_RUNS);
    }
    struct dup_index **run = &l->runs[l->n];
    const enum assay_status st = dup_index_open(path, params, host, run, err);
    if (st != ASSAY_OK) {
        return st;
    }
    (void)dup_index_deliveries(*run, &n);
    l->deliveries += n;
    l->bases[l->n++] = calloc(n + 1, sizeof l->bases[0][0]);
    return l->bases[l->n - 1] == NULL ? assay_fail(err, ASSAY_NOMEM, "no memory for an index")
                                      : ASSAY_OK;
}

unsigned dup_lookup_next(const struct dup_lookup *l, const size_t next[DUP_LOOKUP_RUNS])
{
    unsigned best = l->n;
    const char *least = NULL;
    for (unsigned r = 0; r < l->n; r++) {
        size_t n;
        const struct dup_index_delivery *d = dup_index_deliveries(l->runs[r], &n);
        if (next[r] < n && (least == NULL || strcmp(d[next[r]].name, least) < 0)) {
            best = r;
            least = d[next[r]].name;
        }
    }
    return best;
}

enum assay_status dup_lookup_ready(struct dup_lookup *l, struct assay_error *err)
{
    size_t next[DUP_LOOKUP_RUNS] = {0}, n;
    const char *last = NULL;
    uint64_t files = 0;
    for (unsigned r; (r = dup_lookup_next(l, next)) < l->n; next[r]++) {
        const struct dup_index_delivery *d = dup_index_deliveries(l->runs[r], &n) + next[r];
        if (last != NULL && strcmp(last, d->name) == 0) {
            return assay_fail(err, ASSAY_CONFIG,
                              "delivery '%.200s' is in two of the indexes: give one of them",
                              d->name);
        }
        l->bases[r][next[r]] = files;
        files += d->files;
        last = d->name;
    }
    return ASSAY_OK;
}

void dup_lookup_release(struct dup_lookup *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        dup_index_close(l->runs[i]);
        free(l->bases[i]);
    }
    memset(l, 0, sizeof *l);
}

/* ---- which of two -------------------------------------------------------------------------- */

/* Whether a place of run `r` stands before the partner in hand: by delivery, file, record. */
static int stands_before(const struct dup_lookup *l, unsigned r, uint64_t place,
                         const struct dup_partner *p)
{
    const uint64_t places[2] = {place, p->place};
    const unsigned runs[2] = {r, p->run};
    uint64_t files[2];
    for (int i = 0; i < 2; i++) {
        const struct dup_index *x = l->runs[runs[i]];
        const uint32_t file = dup_place_file(places[i]);
        const size_t d = dup_index_delivery_of(x, file);
        size_t n;
        files[i] = l->bases[runs[i]][d] + (file - dup_index_deliveries(x, &n)[d].first_file);
    }
    return files[0] != files[1] ? files[0] < files[1]
                                : dup_place_record(place) < dup_place_record(p->place);
}

/* ---- the same text ------------------------------------------------------------------------- */

static void find_same(const struct dup_lookup *l, unsigned r, const struct dup_entry *e,
                      struct dup_partner *best)
{
    size_t n;
    const struct dup_index *x = l->runs[r];
    const uint64_t *entries = dup_index_words(x, DUP_INDEX_ENTRIES, &n);
    for (size_t i = dup_index_from(x, DUP_INDEX_ENTRIES, e->key[0]);
         i < n && entries[i * DUP_ENTRY_WORDS] == e->key[0]; i++) {
        const uint64_t *item = entries + i * DUP_ENTRY_WORDS;
        if (item[1] != e->key[1]) {
            continue;
        }
        const enum dup_likeness is = item[2] == e->variant ? DUP_SAME_BYTES : DUP_SAME_FORM;
        if (is > best->likeness || (is == best->likeness && stands_before(l, r, item[3], best))) {
            *best = (struct dup_partner){is, r, item[3], item[0], 1000, 0};
        }
    }
}

void dup_lookup_same(const struct dup_lookup *l, const struct dup_entry *e, struct dup_partner *ret)
{
    memset(ret, 0, sizeof *ret);
    for (unsigned r = 0; r < l->n; r++) {
        find_same(l, r, e, ret);
    }
}

/* ---- a text much like it ------------------------------------------------------------------- */

struct near_search {
    const struct dup_lookup *l;
    const uint64_t *set;
    size_t n;
    unsigned threshold;
    size_t next[DUP_LOOKUP_RUNS]; /* of the band key in hand */
    uint64_t ids[IDS_MAX];        /* compared already */
    size_t n_ids;
    struct dup_partner *best;
};

static int was_compared(struct near_search *s, uint64_t id)
{
    for (size_t i = 0; i < s->n_ids; i++) {
        if (s->ids[i] == id) {
            return 1;
        }
    }
    if (s->n_ids < IDS_MAX) {
        s->ids[s->n_ids++] = id;
    }
    return 0;
}

/* The first place of a text, over all runs. */
static struct dup_partner place_of(const struct dup_lookup *l, uint64_t id, unsigned similarity)
{
    struct dup_partner p = {.likeness = DUP_UNLIKE};
    for (unsigned r = 0; r < l->n; r++) {
        const uint64_t place = dup_index_place(l->runs[r], id);
        if (place != UINT64_MAX && (p.likeness == DUP_UNLIKE || stands_before(l, r, place, &p))) {
            p = (struct dup_partner){DUP_NEAR, r, place, id, similarity, 0};
        }
    }
    return p;
}

/* The set of a text, whichever run has it. */
static const uint64_t *set_of(const struct dup_lookup *l, uint64_t id, size_t *ret_n)
{
    const uint64_t *best = NULL, *set;
    size_t n;
    *ret_n = 0;
    for (unsigned r = 0; r < l->n; r++) {
        if (dup_index_set(l->runs[r], id, &set, &n) &&
            (best == NULL || dup_index_set_order(set, n, best, *ret_n) < 0)) {
            best = set;
            *ret_n = n;
        }
    }
    return best;
}

static void compare(struct near_search *s, uint64_t id)
{
    size_t n_other;
    if (was_compared(s, id)) {
        return;
    }
    const uint64_t *other = set_of(s->l, id, &n_other);
    const size_t shared = other == NULL ? 0 : dup_shared(s->set, s->n, other, n_other, 0);
    const size_t all = s->n + n_other - shared;
    const unsigned similarity = all == 0 ? 0 : (unsigned)(shared * 1000 / all);
    if (shared == 0 || shared * 1000 < (size_t)s->threshold * all ||
        similarity < s->best->similarity) {
        return;
    }
    const struct dup_partner p = place_of(s->l, id, similarity);
    if (p.likeness != DUP_UNLIKE &&
        (similarity > s->best->similarity || stands_before(s->l, p.run, p.place, s->best))) {
        const int capped = s->best->capped;
        *s->best = p;
        s->best->capped = capped;
    }
}

/* The next id with this band key, over all runs, each once and in ascending order; 0 when there are
 * no more. */
static int next_id(struct near_search *s, uint64_t key, uint64_t *ret)
{
    const uint64_t *at[DUP_LOOKUP_RUNS];
    int any = 0;
    for (unsigned r = 0; r < s->l->n; r++) {
        size_t n;
        const uint64_t *items = dup_index_words(s->l->runs[r], DUP_INDEX_BANDS, &n);
        const uint64_t *item = items + s->next[r] * DUP_PAIR_WORDS;
        at[r] = s->next[r] < n && item[0] == key ? item : NULL;
        if (at[r] != NULL && (!any || item[1] < *ret)) {
            *ret = item[1];
            any = 1;
        }
    }
    for (unsigned r = 0; r < s->l->n; r++) {
        s->next[r] += at[r] != NULL && at[r][1] == *ret;
    }
    return any;
}

static void search_band(struct near_search *s, uint64_t key)
{
    uint64_t id = 0;
    for (unsigned r = 0; r < s->l->n; r++) {
        s->next[r] = dup_index_from(s->l->runs[r], DUP_INDEX_BANDS, key);
    }
    for (unsigned n = 0; next_id(s, key, &id); n++) {
        if (n == DUP_LOOKUP_BUCKET) {
            s->best->capped = 1;
            return;
        }
        compare(s, id);
    }
}

void dup_lookup_near(const struct dup_lookup *l, const uint64_t *band_keys, unsigned n_bands,
                     const uint64_t *set, size_t n, unsigned threshold, struct dup_partner *ret)
{
    struct near_search s; /* its ids need no zeroes */
    s.l = l;
    s.set = set;
    s.n = n;
    s.threshold = threshold;
    s.n_ids = 0;
    s.best = ret;
    memset(ret, 0, sizeof *ret);
    for (unsigned b = 0; b < n_bands; b++) {
        search_band(&s, band_keys[b]);
    }
}
