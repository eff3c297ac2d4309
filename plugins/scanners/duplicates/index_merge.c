/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_merge.c: see the header.
 */
#include "index_merge.h"

#include <stdlib.h>

#include "index_out.h"

_Static_assert(DUP_INDEX_AT_ONCE <= 32, "a bit each in cursor.mask");

#define ASK_EVERY 65536 /* items between two questions whether to stop */
#define DROPPED   UINT64_MAX
#define FILES_MAX (UINT64_C(1) << (64 - DUP_PLACE_BITS))

/* ---- what goes in -------------------------------------------------------------------------- */

enum assay_status dup_run_merge_add(struct dup_run_merge *m, const char *path,
                                    struct assay_error *err)
{
    struct dup_params p = {NULL, m->param_names, 0};
    if (m->in.n > 0) {
        p.values = dup_index_params(m->in.runs[0], &p.n);
    }
    return dup_lookup_add(&m->in, path, m->in.n > 0 ? &p : NULL, m->host, err);
}

void dup_run_merge_release(struct dup_run_merge *m)
{
    dup_lookup_release(&m->in);
}

/* Marks a delivery; whether there is one of this name. */
static int drop_delivery(struct dup_run_merge *m, struct assay_bytes name)
{
    for (unsigned r = 0; r < m->in.n; r++) {
        size_t n;
        const struct dup_index_delivery *d = dup_index_deliveries(m->in.runs[r], &n);
        for (size_t i = 0; i < n; i++) {
            if (strlen(d[i].name) == name.len && memcmp(d[i].name, name.ptr, name.len) == 0) {
                m->in.bases[r][i] = DROPPED;
                return 1;
            }
        }
    }
    return 0;
}

static enum assay_status drop_deliveries(struct dup_run_merge *m, struct assay_error *err)
{
    for (const char *p = m->drop; p != NULL && *p != '\0';) {
        const size_t len = strcspn(p, ",");
        if (!drop_delivery(m, assay_bytes_make(p, len))) {
            return assay_fail(err, ASSAY_NOTFOUND, "there is no delivery '%.*s'",
                              len < 200 ? (int)len : 200, p);
        }
        p += len + (p[len] == ',');
    }
    return ASSAY_OK;
}

/* ---- one pass over a section --------------------------------------------------------------- */

struct cursor {
    size_t n, next;
    size_t known;  /* of the items before this one it is known whether they stay ... */
    uint32_t mask; /* ... a bit for each of the last, the next item first */
    int live;      /* `row` is an item */
    uint64_t row[DUP_ENTRY_WORDS]; /* as it is written: with its new place */
};

struct merging {
    const struct dup_run_merge *m;
    struct dup_index_out out;
    enum dup_index_section section;
    unsigned words; /* of an item of the section */
    struct cursor cursors[DUP_LOOKUP_RUNS];
    uint64_t hashes; /* before the set in hand */
    uint64_t items;
};

/* Whether a delivery of the run that stays has the text, whose entries begin at `i`. */
static enum assay_status run_keeps(const struct dup_lookup *in, unsigned r, uint64_t id, size_t i,
                                   int *ret)
{
    const struct dup_index *x = in->runs[r];
    const size_t n = dup_index_count(x, DUP_INDEX_ENTRIES);
    for (*ret = 0; !*ret && i < n; i++) {
        const uint64_t *entry = dup_index_item(x, DUP_INDEX_ENTRIES, i);
        if (entry == NULL || entry[0] != id) {
            return entry == NULL ? ASSAY_CORRUPT : ASSAY_OK;
        }
        *ret = in->bases[r][dup_index_delivery_of(x, dup_place_file(entry[3]))] != DROPPED;
    }
    return ASSAY_OK;
}

/* Of `n` texts, DUP_INDEX_AT_ONCE at most, those that a delivery has which stays: a bit each. */
static enum assay_status texts_stay(const struct dup_lookup *in, const uint64_t *ids, unsigned n,
                                    uint32_t *ret)
{
    size_t at[DUP_INDEX_AT_ONCE];
    enum assay_status st = ASSAY_OK;
    *ret = 0;
    for (unsigned r = 0; r < in->n && st == ASSAY_OK; r++) {
        st = dup_index_from_each(in->runs[r], DUP_INDEX_ENTRIES, ids, n, at);
        for (unsigned i = 0; i < n && st == ASSAY_OK; i++) {
            int keeps = 0;
            st = run_keeps(in, r, ids[i], at[i], &keeps);
            *ret |= (uint32_t)keeps << i;
        }
    }
    return st;
}

/* Numbers the file of an entry anew; whether the entry stays. */
static int place_anew(const struct dup_lookup *in, unsigned r, uint64_t *place)
{
    const struct dup_index *x = in->runs[r];
    const uint32_t file = dup_place_file(*place);
    const size_t d = dup_index_delivery_of(x, file);
    size_t n;
    if (in->bases[r][d] == DROPPED) {
        return 0;
    }
    const uint64_t within = file - dup_index_deliveries(x, &n)[d].first_file;
    *place = dup_place((uint32_t)(in->bases[r][d] + within), dup_place_record(*place));
    return 1;
}

/* Finds out which of a cursor's next items stay, many at once. */
static enum assay_status look_ahead(struct merging *g, unsigned r)
{
    struct cursor *c = &g->cursors[r];
    const unsigned id = g->section == DUP_INDEX_BANDS ? 1 : 0;
    uint64_t ids[DUP_INDEX_AT_ONCE];
    unsigned n = 0;
    for (; n < DUP_INDEX_AT_ONCE && c->next + n < c->n; n++) {
        const uint64_t *item = dup_index_item(g->m->in.runs[r], g->section, c->next + n);
        if (item == NULL) {
            return ASSAY_CORRUPT;
        }
        ids[n] = item[id];
    }
    c->known = c->next + n;
    return texts_stay(&g->m->in, ids, n, &c->mask);
}

/* *ret: the cursor's next item, in `row`, stays, with its new place. */
static enum assay_status stays(struct merging *g, unsigned r, uint64_t *row, int *ret)
{
    struct cursor *c = &g->cursors[r];
    enum assay_status st = ASSAY_OK;
    *ret = 1;
    if (g->section == DUP_INDEX_ENTRIES) {
        *ret = place_anew(&g->m->in, r, &row[3]);
    } else if (g->m->drop != NULL) {
        st = c->next == c->known ? look_ahead(g, r) : ASSAY_OK;
        *ret = (int)(c->mask & 1);
        c->mask >>= 1;
    }
    return st;
}

/* Moves a cursor to the next item that stays. */
static enum assay_status move_on(struct merging *g, unsigned r)
{
    struct cursor *c = &g->cursors[r];
    enum assay_status st = ASSAY_OK;
    for (c->live = 0; st == ASSAY_OK && !c->live && c->next < c->n; c->next++) {
        const uint64_t *item = dup_index_item(g->m->in.runs[r], g->section, c->next);
        if (item == NULL) {
            return ASSAY_CORRUPT;
        }
        memcpy(c->row, item, g->words * sizeof c->row[0]);
        st = stays(g, r, c->row, &c->live);
    }
    return st;
}

static enum assay_status begin_pass(struct merging *g, enum dup_index_section from, unsigned words)
{
    enum assay_status st = ASSAY_OK;
    g->section = from;
    g->words = words;
    for (unsigned r = 0; r < g->m->in.n && st == ASSAY_OK; r++) {
        g->cursors[r] = (struct cursor){.n = dup_index_count(g->m->in.runs[r], from)};
        st = move_on(g, r);
    }
    return st;
}

static int is_less(const uint64_t *a, const uint64_t *b, unsigned words)
{
    for (unsigned i = 0; i + 1 < words; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i];
        }
    }
    return a[words - 1] < b[words - 1];
}

/* The run with the least item, by the first `words` words; the number of runs when all are done. */
static unsigned least(const struct merging *g, unsigned words)
{
    unsigned best = g->m->in.n;
    for (unsigned r = 0; r < g->m->in.n; r++) {
        if (g->cursors[r].live &&
            (best == g->m->in.n || is_less(g->cursors[r].row, g->cursors[best].row, words))) {
            best = r;
        }
    }
    return best;
}

static enum assay_status ask(struct merging *g)
{
    const struct assay_host *host = g->m->host;
    return ++g->items % ASK_EVERY == 0 && host->cancelled(host->ctx) ? ASSAY_CANCELLED : ASSAY_OK;
}

/* Entries and pairs: all in order, equal ones once. */
static enum assay_status merge_items(struct merging *g, enum dup_index_section s, unsigned words)
{
    uint64_t last[DUP_ENTRY_WORDS] = {0};
    int any = 0;
    dup_index_out_section(&g->out, s);
    enum assay_status st = begin_pass(g, s, words);
    for (unsigned r; st == ASSAY_OK && (r = least(g, words)) < g->m->in.n;) {
        const uint64_t *row = g->cursors[r].row;
        st = ask(g);
        if (st == ASSAY_OK && (!any || memcmp(last, row, words * sizeof last[0]) != 0)) {
            st = dup_index_out_put(&g->out, row, words * sizeof last[0]);
        }
        memcpy(last, row, words * sizeof last[0]);
        any = 1;
        st = st == ASSAY_OK ? move_on(g, r) : st;
    }
    dup_index_out_section_end(&g->out, s);
    return st;
}

/* Where a set is. */
struct found_set {
    const struct dup_index *run; /* NULL: nowhere */
    uint64_t first, n;
};

/* The one of two that counts, into `best`. Only here hashes are looked at. */
static enum assay_status prefer(struct found_set *best, const struct found_set *other)
{
    const uint64_t *a = dup_index_hashes(best->run, best->first, best->n);
    const uint64_t *b = dup_index_hashes(other->run, other->first, other->n);
    if (a == NULL || b == NULL) {
        return ASSAY_CORRUPT;
    }
    if (dup_index_set_order(b, (size_t)other->n, a, (size_t)best->n) < 0) {
        *best = *other;
    }
    return ASSAY_OK;
}

/* The set of the least id, of all runs that have it; they move on. */
static enum assay_status take_set(struct merging *g, uint64_t id, struct found_set *ret)
{
    enum assay_status st = ASSAY_OK;
    *ret = (struct found_set){.run = NULL};
    for (unsigned r = 0; r < g->m->in.n && st == ASSAY_OK; r++) {
        const struct cursor *c = &g->cursors[r];
        if (c->live && c->row[0] == id) {
            const struct found_set here = {g->m->in.runs[r], c->row[1], c->row[2]};
            st = ret->run != NULL ? prefer(ret, &here) : ASSAY_OK;
            *ret = ret->run != NULL ? *ret : here;
            st = st == ASSAY_OK ? move_on(g, r) : st;
        }
    }
    return st;
}

static enum assay_status put_set(struct merging *g, enum dup_index_section s, uint64_t id,
                                 const struct found_set *set)
{
    const uint64_t row[DUP_SET_WORDS] = {id, g->hashes, set->n};
    g->hashes += set->n;
    if (s == DUP_INDEX_SETS) {
        return dup_index_out_put(&g->out, row, sizeof row);
    }
    const uint64_t *hashes = dup_index_hashes(set->run, set->first, set->n);
    return hashes == NULL ? ASSAY_CORRUPT
                          : dup_index_out_put(&g->out, hashes, set->n * sizeof hashes[0]);
}

/* One pass for where the sets are, and one for what is in them. */
static enum assay_status merge_sets(struct merging *g, enum dup_index_section s)
{
    g->hashes = 0;
    dup_index_out_section(&g->out, s);
    enum assay_status st = begin_pass(g, DUP_INDEX_SETS, DUP_SET_WORDS);
    for (unsigned r; st == ASSAY_OK && (r = least(g, 1)) < g->m->in.n;) {
        const uint64_t id = g->cursors[r].row[0];
        struct found_set set;
        st = take_set(g, id, &set);
        st = st == ASSAY_OK ? ask(g) : st;
        st = st == ASSAY_OK ? put_set(g, s, id, &set) : st;
    }
    dup_index_out_section_end(&g->out, s);
    return st;
}

/* ---- deliveries and their files ------------------------------------------------------------ */

typedef enum assay_status delivery_verb(struct merging *g, unsigned r, size_t d);

/* Calls `verb` for every delivery that stays, in the order of names. */
static enum assay_status each_delivery(struct merging *g, delivery_verb *verb)
{
    const struct dup_lookup *in = &g->m->in;
    size_t next[DUP_LOOKUP_RUNS] = {0};
    enum assay_status st = ASSAY_OK;
    for (unsigned r; st == ASSAY_OK && (r = dup_lookup_next(in, next)) < in->n; next[r]++) {
        st = in->bases[r][next[r]] == DROPPED ? ASSAY_OK : verb(g, r, next[r]);
    }
    return st;
}

static enum assay_status count_delivery(struct merging *g, unsigned r, size_t d)
{
    size_t n;
    const struct dup_index_delivery *row = dup_index_deliveries(g->m->in.runs[r], &n) + d;
    g->m->in.bases[r][d] = g->out.head.files;
    g->out.head.files += row->files;
    g->out.head.deliveries++;
    return ASSAY_OK;
}

static enum assay_status put_delivery(struct merging *g, unsigned r, size_t d)
{
    size_t n;
    struct dup_index_delivery row = dup_index_deliveries(g->m->in.runs[r], &n)[d];
    row.first_file = g->m->in.bases[r][d];
    return dup_index_out_put(&g->out, &row, sizeof row);
}

static enum assay_status put_names(struct merging *g, unsigned r, size_t d)
{
    const struct dup_index *x = g->m->in.runs[r];
    size_t n;
    const struct dup_index_delivery *row = dup_index_deliveries(x, &n) + d;
    enum assay_status st = ASSAY_OK;
    for (uint64_t i = 0; i < row->files && st == ASSAY_OK; i++) {
        const char *name = dup_index_file(x, (uint32_t)(row->first_file + i));
        st = dup_index_out_put(&g->out, name, strlen(name) + 1);
    }
    return st;
}

static enum assay_status merge_deliveries(struct merging *g)
{
    dup_index_out_section(&g->out, DUP_INDEX_DELIVERIES);
    enum assay_status st = each_delivery(g, put_delivery);
    dup_index_out_section_end(&g->out, DUP_INDEX_DELIVERIES);
    dup_index_out_section(&g->out, DUP_INDEX_FILES);
    st = st == ASSAY_OK ? each_delivery(g, put_names) : st;
    st = st == ASSAY_OK ? dup_index_out_pad(&g->out) : st;
    dup_index_out_section_end(&g->out, DUP_INDEX_FILES);
    return st;
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* Counts what stays, and numbers files anew. */
static enum assay_status number_files(struct merging *g, struct assay_error *err)
{
    (void)each_delivery(g, count_delivery);
    if (g->out.head.deliveries == 0) {
        return assay_fail(err, ASSAY_CONFIG, "no delivery would be left in the index");
    }
    if (g->out.head.files > FILES_MAX) {
        return assay_fail(err, ASSAY_LIMIT, "the deliveries have more than %llu files together",
                          (unsigned long long)FILES_MAX);
    }
    return ASSAY_OK;
}

static enum assay_status merge_sections(struct merging *g)
{
    enum assay_status st = merge_items(g, DUP_INDEX_ENTRIES, DUP_ENTRY_WORDS);
    st = st == ASSAY_OK ? merge_items(g, DUP_INDEX_BANDS, DUP_PAIR_WORDS) : st;
    st = st == ASSAY_OK ? merge_sets(g, DUP_INDEX_SETS) : st;
    st = st == ASSAY_OK ? merge_sets(g, DUP_INDEX_HASHES) : st;
    return st == ASSAY_OK ? merge_deliveries(g) : st;
}

static enum assay_status write_run(struct merging *g, const char *path, struct assay_error *err)
{
    struct dup_params p = {NULL, g->m->param_names, 0};
    const struct dup_index_head counts = g->out.head;
    p.values = dup_index_params(g->m->in.runs[0], &p.n);
    enum assay_status st = dup_index_out_begin(&g->out, path, &p, g->m->host, err);
    g->out.head.deliveries = counts.deliveries;
    g->out.head.files = counts.files;
    st = st == ASSAY_OK ? merge_sections(g) : st;
    st = dup_index_out_end(&g->out, st, err);
    return st == ASSAY_CORRUPT ? dup_lookup_damage(&g->m->in, err) : st;
}

enum assay_status dup_run_merge_write(struct dup_run_merge *m, const char *path,
                                      struct assay_error *err)
{
    struct merging *g = calloc(1, sizeof *g);
    enum assay_status st = m->in.n == 0
                               ? assay_fail(err, ASSAY_CONFIG, "there is no index to merge")
                               : dup_lookup_ready(&m->in, err);
    if (g == NULL && st == ASSAY_OK) {
        st = assay_fail(err, ASSAY_NOMEM, "no memory to merge indexes");
    }
    st = st == ASSAY_OK ? drop_deliveries(m, err) : st;
    if (st == ASSAY_OK) {
        g->m = m;
        st = number_files(g, err);
    }
    st = st == ASSAY_OK ? write_run(g, path, err) : st;
    free(g);
    return st;
}
