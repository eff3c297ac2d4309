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

static enum assay_status find_same(const struct dup_lookup *l, unsigned r,
                                   const struct dup_entry *e, struct dup_partner *best)
{
    const struct dup_index *x = l->runs[r];
    const size_t n = dup_index_count(x, DUP_INDEX_ENTRIES);
    size_t i;
    enum assay_status st = dup_index_from(x, DUP_INDEX_ENTRIES, e->key[0], &i);
    for (; st == ASSAY_OK && i < n; i++) {
        const uint64_t *item = dup_index_item(x, DUP_INDEX_ENTRIES, i);
        if (item == NULL || item[0] != e->key[0]) {
            return item == NULL ? ASSAY_CORRUPT : ASSAY_OK;
        }
        if (item[1] != e->key[1]) {
            continue;
        }
        const enum dup_likeness is = item[2] == e->variant ? DUP_SAME_BYTES : DUP_SAME_FORM;
        if (is > best->likeness || (is == best->likeness && stands_before(l, r, item[3], best))) {
            *best = (struct dup_partner){is, r, item[3], item[0], 1000, 0};
        }
    }
    return st;
}

enum assay_status dup_lookup_same(const struct dup_lookup *l, const struct dup_entry *e,
                                  struct dup_partner *ret)
{
    enum assay_status st = ASSAY_OK;
    memset(ret, 0, sizeof *ret);
    for (unsigned r = 0; r < l->n && st == ASSAY_OK; r++) {
        st = find_same(l, r, e, ret);
    }
    return st;
}

/* ---- a text much like it ------------------------------------------------------------------- */

struct near_search {
    const struct dup_lookup *l;
    uint64_t *set;
    size_t n;
    int is_set; /* sorted, without repeats */
    unsigned threshold;
    size_t next[DUP_LOOKUP_RUNS][DUP_INDEX_AT_ONCE]; /* of the band keys in hand */
    uint64_t ids[IDS_MAX];                           /* compared already */
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
static enum assay_status place_of(const struct dup_lookup *l, uint64_t id, unsigned similarity,
                                  struct dup_partner *ret)
{
    enum assay_status st = ASSAY_OK;
    *ret = (struct dup_partner){.likeness = DUP_UNLIKE};
    for (unsigned r = 0; r < l->n && st == ASSAY_OK; r++) {
        uint64_t place;
        st = dup_index_place(l->runs[r], id, &place);
        if (st == ASSAY_OK && place != UINT64_MAX &&
            (ret->likeness == DUP_UNLIKE || stands_before(l, r, place, ret))) {
            *ret = (struct dup_partner){DUP_NEAR, r, place, id, similarity, 0};
        }
    }
    return st;
}

/* The set of a text, whichever run has it. */
static enum assay_status set_of(const struct dup_lookup *l, uint64_t id, const uint64_t **ret,
                                size_t *ret_n)
{
    enum assay_status st = ASSAY_OK;
    *ret = NULL;
    *ret_n = 0;
    for (unsigned r = 0; r < l->n && st == ASSAY_OK; r++) {
        const uint64_t *set;
        size_t n;
        st = dup_index_set(l->runs[r], id, &set, &n);
        if (st == ASSAY_OK && set != NULL &&
            (*ret == NULL || dup_index_set_order(set, n, *ret, *ret_n) < 0)) {
            *ret = set;
            *ret_n = n;
        }
    }
    return st;
}

static enum assay_status compare(struct near_search *s, uint64_t id)
{
    const uint64_t *other;
    size_t n_other;
    if (was_compared(s, id)) {
        return ASSAY_OK;
    }
    enum assay_status st = set_of(s->l, id, &other, &n_other);
    if (st != ASSAY_OK || other == NULL) {
        return st;
    }
    s->n = s->is_set ? s->n : dup_shingle_set(s->set, s->n);
    s->is_set = 1;
    const size_t shared = dup_shared(s->set, s->n, other, n_other, 0);
    const size_t all = s->n + n_other - shared;
    const unsigned similarity = all == 0 ? 0 : (unsigned)(shared * 1000 / all);
    if (shared == 0 || shared * 1000 < (size_t)s->threshold * all ||
        similarity < s->best->similarity) {
        return ASSAY_OK;
    }
    struct dup_partner p;
    st = place_of(s->l, id, similarity, &p);
    if (st == ASSAY_OK && p.likeness != DUP_UNLIKE &&
        (similarity > s->best->similarity || stands_before(s->l, p.run, p.place, s->best))) {
        p.capped = s->best->capped;
        *s->best = p;
    }
    return st;
}

/* The next id with this band key, over all runs, each once and in ascending order. ASSAY_END: there
 * are no more. */
static enum assay_status next_id(struct near_search *s, unsigned band, uint64_t key, uint64_t *ret)
{
    const uint64_t *at[DUP_LOOKUP_RUNS];
    enum assay_status st = ASSAY_END;
    for (unsigned r = 0; r < s->l->n; r++) {
        const struct dup_index *x = s->l->runs[r];
        at[r] = NULL;
        if (s->next[r][band] == dup_index_count(x, DUP_INDEX_BANDS)) {
            continue;
        }
        const uint64_t *item = dup_index_item(x, DUP_INDEX_BANDS, s->next[r][band]);
        if (item == NULL) {
            return ASSAY_CORRUPT;
        }
        at[r] = item[0] == key ? item : NULL;
        if (at[r] != NULL && (st == ASSAY_END || item[1] < *ret)) {
            *ret = item[1];
            st = ASSAY_OK;
        }
    }
    for (unsigned r = 0; r < s->l->n; r++) {
        s->next[r][band] += at[r] != NULL && at[r][1] == *ret;
    }
    return st;
}

/* What shares one of the band keys in hand. */
static enum assay_status search_band(struct near_search *s, unsigned band, uint64_t key)
{
    enum assay_status st = ASSAY_OK;
    uint64_t id = 0;
    for (unsigned n = 0; st == ASSAY_OK && (st = next_id(s, band, key, &id)) == ASSAY_OK; n++) {
        if (n == DUP_LOOKUP_BUCKET) {
            s->best->capped = 1;
            return ASSAY_OK;
        }
        st = compare(s, id);
    }
    return st == ASSAY_END ? ASSAY_OK : st;
}

/* `n` band keys, DUP_INDEX_AT_ONCE at most. */
static enum assay_status search_bands(struct near_search *s, const uint64_t *keys, unsigned n)
{
    enum assay_status st = ASSAY_OK;
    for (unsigned r = 0; r < s->l->n && st == ASSAY_OK; r++) {
        st = dup_index_from_each(s->l->runs[r], DUP_INDEX_BANDS, keys, n, s->next[r]);
    }
    for (unsigned b = 0; b < n && st == ASSAY_OK; b++) {
        st = search_band(s, b, keys[b]);
    }
    return st;
}

enum assay_status dup_lookup_near(const struct dup_lookup *l, const uint64_t *band_keys,
                                  unsigned n_bands, uint64_t *shingles, size_t n,
                                  unsigned threshold, struct dup_partner *ret)
{
    struct near_search s; /* large, and needs no zeroes */
    enum assay_status st = ASSAY_OK;
    s.l = l;
    s.set = shingles;
    s.n = n;
    s.is_set = 0;
    s.threshold = threshold;
    s.n_ids = 0;
    s.best = ret;
    memset(ret, 0, sizeof *ret);
    for (unsigned b = 0; b < n_bands && st == ASSAY_OK; b += DUP_INDEX_AT_ONCE) {
        const unsigned left = n_bands - b;
        st = search_bands(&s, band_keys + b, left < DUP_INDEX_AT_ONCE ? left : DUP_INDEX_AT_ONCE);
    }
    return st;
}

enum assay_status dup_lookup_damage(const struct dup_lookup *l, struct assay_error *err)
{
    enum assay_status st = ASSAY_OK;
    for (unsigned r = 0; r < l->n && st == ASSAY_OK; r++) {
        st = dup_index_damage(l->runs[r], err);
    }
    return st;
}
