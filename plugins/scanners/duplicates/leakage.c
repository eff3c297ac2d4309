/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/leakage.c: see the header.
 */
#include "leakage.h"

#include <stdlib.h>

#define LISTED    16 /* members of each split in one finding */
#define ASK_EVERY 65536
#define DETAIL    768       /* bytes: sixteen splits have room */
#define ANY       DUP_TIERS /* the row behind the tiers: their union */

static const char *const tier_names[DUP_TIERS] = {"file", "record", "normalised",
                                                  "near", "span",   "image"};

/* ---- who is of what ----------------------------------------------------------------------------
 */

void dup_census_release(struct dup_census *c)
{
    dup_marks_release(&c->marks);
}

void dup_census_join(struct dup_census *into, struct dup_census *from)
{
    for (unsigned i = 0; i < DUP_LABELS; i++) {
        into->records[i] += from->records[i];
        into->files[i] += from->files[i];
        from->records[i] = from->files[i] = 0;
    }
}

void dup_census_save(const struct dup_census *c, const struct dup_labels *l, struct state_out *out)
{
    for (unsigned i = 0; i < l->n; i++) {
        state_put_u64(out, c->records[i]);
        state_put_u64(out, c->files[i]);
    }
}

void dup_census_load(struct dup_census *c, const struct dup_labels *l, struct state_in *in)
{
    for (unsigned i = 0; i < l->n; i++) {
        c->records[i] += state_take_u64(in);
        c->files[i] += state_take_u64(in);
    }
}

int dup_census_is_split(const struct dup_census *c, const struct dup_labels *l, uint32_t benchmarks)
{
    unsigned present = 0;
    for (unsigned i = 1; i < l->n && i < DUP_SPLITS; i++) {
        if (c->records[i] > 0 || c->files[i] > 0) {
            present += (benchmarks >> i & 1) != 0 ? 2 : 1;
        }
    }
    return present >= 2;
}

/* A file is of the split that its name says; its place is that of its first record. */
static unsigned label_of(const struct dup_labels *l, struct dup_census *c, uint64_t place,
                         int whole_file)
{
    return whole_file ? dup_labels_of_file(l, dup_place_file(place))
                      : dup_label_at(l, &c->marks, place);
}

/* ---- a group in hand ---------------------------------------------------------------------------
 */

struct gather {
    struct dup_table places; /* pairs: place, label */
    uint32_t splits;         /* a bit for each label that is there */
    uint64_t total;
    uint64_t count[DUP_SPLITS];
    uint64_t first[DUP_SPLITS][LISTED]; /* the smallest places of each, ascending */
};

struct dup_leakage {
    const struct assay_host *host;
    const struct dup_labels *splits;
    struct dup_census *census;
    uint32_t benchmarks;
    uint32_t rule;
    size_t max;
    struct gather inner, outer;
    enum dup_tier tier;      /* the strictest by which the group crossed; DUP_TIERS: none yet */
    struct dup_table leaked; /* place, tier, splits it leaks from, 0 */
    uint64_t entries;        /* read back so far */
    /* the matrices: records of [B] that leak from [A] */
    uint64_t matrix[ANY + 1][DUP_SPLITS][DUP_SPLITS];
    uint64_t contaminated[DUP_SPLITS];
    uint64_t place, tier_now;
    uint32_t from_now, from_any;
};

static void gather_clear(struct gather *g)
{
    for (unsigned i = 0; i < DUP_SPLITS; i++) {
        g->count[i] = 0;
    }
    g->splits = 0;
    g->total = 0;
    if (g->places.n_runs > 0) {
        dup_table_release(&g->places);
        g->places.pairs = 1;
    }
    g->places.n = 0;
    g->places.total = 0;
}

/* Keeps the smallest of a split's places. */
static void keep_first(struct gather *g, unsigned label, uint64_t place)
{
    uint64_t *first = g->first[label];
    size_t n = g->count[label] < LISTED ? (size_t)g->count[label] : LISTED;
    if (n == LISTED && place >= first[n - 1]) {
        return;
    }
    size_t i = n < LISTED ? n : LISTED - 1;
    for (; i > 0 && first[i - 1] > place; i--) {
        first[i] = first[i - 1];
    }
    first[i] = place;
}

static enum assay_status gather_add(struct dup_leakage *l, struct gather *g, uint64_t place,
                                    unsigned label)
{
    const uint64_t pair[DUP_PAIR_WORDS] = {place, label};
    keep_first(g, label, place);
    g->count[label]++;
    g->total++;
    g->splits |= 1u << label;
    return dup_table_add(&g->places, l->host, l->max, pair);
}

/* Whether records of `label` leak from `from`. */
static uint32_t leaks_from(const struct dup_leakage *l, unsigned label, uint32_t splits)
{
    uint32_t from = splits & ~(UINT32_C(1) << label);
    if (label == DUP_LABEL_NONE) {
        return 0;
    }
    return (l->benchmarks >> label & 1) != 0 ? from : from & ~UINT32_C(1);
}

static int crosses(const struct dup_leakage *l, uint32_t splits)
{
    for (unsigned i = 1; i < DUP_SPLITS; i++) {
        if ((splits >> i & 1) != 0 && leaks_from(l, i, splits) != 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- groups ------------------------------------------------------------------------------------
 */

struct noting {
    struct dup_leakage *l;
    uint32_t splits;
    enum dup_tier tier;
};

static enum assay_status note_member(void *ctx, const uint64_t *pair)
{
    const struct noting *n = ctx;
    const uint32_t file = dup_place_file(pair[0]);
    const uint64_t place = pair[0] == dup_whole_file(file) ? dup_place(file, 0) : pair[0];
    const uint64_t entry[DUP_ENTRY_WORDS] = {place, (uint64_t)n->tier,
                                             leaks_from(n->l, (unsigned)pair[1], n->splits), 0};
    return entry[2] == 0 ? ASSAY_OK : dup_table_add(&n->l->leaked, n->l->host, n->l->max, entry);
}

/* What leaks within a gathered group. */
static enum assay_status note_group(struct dup_leakage *l, const struct gather *g,
                                    enum dup_tier tier)
{
    struct noting n = {l, g->splits, tier};
    if (!crosses(l, g->splits)) {
        return ASSAY_OK;
    }
    l->tier = tier < l->tier ? tier : l->tier;
    return dup_table_walk(&g->places, note_member, &n);
}

static int by_place(const void *pa, const void *pb)
{
    const struct assay_member *a = pa, *b = pb;
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

/* "3 train, 1 test" of what is there. */
static size_t say_counts(const struct dup_leakage *l, const struct gather *g, char *out, size_t cap)
{
    size_t n = 0;
    for (unsigned i = 0; i < l->splits->n && i < DUP_SPLITS && n < cap; i++) {
        if (g->count[i] > 0) {
            n += (size_t)snprintf(out + n, cap - n, "%s%llu %s", n == 0 ? "" : ", ",
                                  (unsigned long long)g->count[i], l->splits->names[i]);
        }
    }
    return n < cap ? n : cap - 1;
}

void dup_leakage_say(const struct dup_leakage *l, int whole, char *detail, size_t cap)
{
    static const char lead[] = "; splits: ";
    const size_t len = strlen(detail);
    const struct gather *g = whole ? &l->outer : &l->inner;
    if (g->total > 0 && len + sizeof lead < cap) {
        memcpy(detail + len, lead, sizeof lead);
        (void)say_counts(l, g, detail + len + sizeof lead - 1, cap - len - sizeof lead + 1);
    }
}

static struct assay_member member_at(const struct dup_leakage *l, uint64_t place)
{
    const uint32_t file = dup_place_file(place);
    const int whole = l->tier == DUP_TIER_FILE || place == dup_whole_file(file);
    return (struct assay_member){file, whole ? ASSAY_NO_RECORD : dup_place_record(place)};
}

static enum assay_status raise_leak(struct dup_leakage *l, const char *name,
                                    struct assay_sink *sink)
{
    const struct gather *g = &l->outer;
    struct assay_member members[DUP_SPLITS * LISTED];
    char detail[DETAIL];
    uint32_t n = 0;
    for (unsigned i = 0; i < DUP_SPLITS; i++) {
        for (size_t k = 0; k < LISTED && k < g->count[i]; k++) {
            members[n++] = member_at(l, g->first[i][k]);
        }
    }
    qsort(members, n, sizeof members[0], by_place);
    size_t len = (size_t)snprintf(detail, sizeof detail, "tier %s: ", tier_names[l->tier]);
    len += say_counts(l, g, detail + len, sizeof detail - len);
    (void)snprintf(detail + len, sizeof detail - len, "%s", name);
    struct assay_finding f = assay_finding_init(l->rule);
    f.members = members;
    f.n_members = n;
    f.members_total = g->total;
    f.detail = assay_bytes_str(detail);
    return sink->finding(sink->ctx, &f);
}

enum assay_status dup_leakage_member(struct dup_leakage *l, uint64_t place, int whole_file)
{
    return gather_add(l, &l->inner, place, label_of(l->splits, l->census, place, whole_file));
}

static enum assay_status move_member(void *ctx, const uint64_t *pair)
{
    struct dup_leakage *l = ctx;
    return gather_add(l, &l->outer, pair[0], (unsigned)pair[1]);
}

enum assay_status dup_leakage_subgroup(struct dup_leakage *l, enum dup_tier tier)
{
    enum assay_status st = note_group(l, &l->inner, tier);
    if (st == ASSAY_OK) {
        st = dup_table_walk(&l->inner.places, move_member, l);
    }
    gather_clear(&l->inner);
    return st;
}

enum assay_status dup_leakage_group(struct dup_leakage *l, enum dup_tier tier, const char *name,
                                    struct assay_sink *sink)
{
    enum assay_status st = note_group(l, &l->outer, tier);
    if (st == ASSAY_OK && l->tier < DUP_TIERS && l->rule != ASSAY_NONE) {
        st = raise_leak(l, name, sink);
    }
    l->tier = DUP_TIERS;
    gather_clear(&l->outer);
    return st;
}

enum assay_status dup_leakage_pair(struct dup_leakage *l, enum dup_tier tier, uint64_t a,
                                   uint64_t b)
{
    const uint64_t places[2] = {a, b};
    unsigned labels[2];
    uint32_t splits = 0;
    for (unsigned i = 0; i < 2; i++) {
        labels[i] = dup_label_at(l->splits, &l->census->marks, places[i]);
        splits |= UINT32_C(1) << labels[i];
    }
    struct noting n = {l, splits, tier};
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < 2 && st == ASSAY_OK; i++) {
        const uint64_t pair[DUP_PAIR_WORDS] = {places[i], labels[i]};
        st = note_member(&n, pair);
    }
    return st;
}

/* ---- the matrices ------------------------------------------------------------------------------
 */

static void count_row(struct dup_leakage *l, unsigned row, uint32_t from)
{
    unsigned to = label_of(l->splits, l->census, l->place, row == DUP_TIER_FILE);
    for (unsigned i = 0; i < DUP_SPLITS; i++) {
        l->matrix[row][i][to] += from >> i & 1;
    }
    if (row == ANY && (from & (1u | 1u << DUP_SPLIT_TRAIN)) != 0) {
        l->contaminated[to]++;
    }
}

/* One record's last entry of a tier was read, or, with `whole`, its last entry. */
static void close_record(struct dup_leakage *l, int whole)
{
    if (l->from_now != 0) {
        count_row(l, (unsigned)l->tier_now, l->from_now);
        l->from_any |= l->tier_now == DUP_TIER_FILE ? 0 : l->from_now;
    }
    l->from_now = 0;
    if (whole && l->from_any != 0) {
        count_row(l, ANY, l->from_any);
        l->from_any = 0;
    }
}

static enum assay_status on_leak(void *ctx, const uint64_t *e)
{
    struct dup_leakage *l = ctx;
    if (e[0] != l->place || e[1] != l->tier_now) {
        close_record(l, e[0] != l->place);
        l->place = e[0];
        l->tier_now = e[1];
    }
    l->from_now |= (uint32_t)e[2];
    return ++l->entries % ASK_EVERY == 0 && l->host->cancelled(l->host->ctx) ? ASSAY_CANCELLED
                                                                             : ASSAY_OK;
}

static uint64_t at_least_one(uint64_t n)
{
    return n == 0 ? 1 : n;
}

/* The row of one tier (or of their union): every ordered pair of splits that are there. */
static enum assay_status say_row(const struct dup_leakage *l, unsigned row, struct assay_sink *sink)
{
    const uint64_t *all = row == DUP_TIER_FILE ? l->census->files : l->census->records;
    char name[128];
    enum assay_status st = ASSAY_OK;
    for (unsigned a = 1; a < l->splits->n; a++) {
        for (unsigned b = 1; b < l->splits->n && st == ASSAY_OK; b++) {
            if (a == b || all[a] == 0 || all[b] == 0) {
                continue;
            }
            (void)snprintf(name, sizeof name, "duplicates.leak.%s%s%s_%s",
                           row == ANY ? "" : tier_names[row], row == ANY ? "" : ".",
                           l->splits->names[a], l->splits->names[b]);
            st = sink->metric(sink->ctx, name, l->matrix[row][a][b], all[b]);
        }
    }
    return st;
}

static enum assay_status say_splits(const struct dup_leakage *l, struct assay_sink *sink)
{
    char name[128];
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < l->splits->n && st == ASSAY_OK; i++) {
        if (i == 0 || l->census->records[i] > 0) {
            (void)snprintf(name, sizeof name, "duplicates.split.%s", l->splits->names[i]);
            st = sink->metric(sink->ctx, name, l->census->records[i], 1);
        }
        if ((l->benchmarks >> i & 1) != 0 && st == ASSAY_OK) {
            (void)snprintf(name, sizeof name, "duplicates.contamination.%s", l->splits->names[i]);
            st = sink->metric(sink->ctx, name, l->contaminated[i],
                              at_least_one(l->census->records[i]));
        }
    }
    return st;
}

enum assay_status dup_leakage_report(struct dup_leakage *l, unsigned tiers, struct assay_sink *sink)
{
    enum assay_status st = dup_table_sorted(&l->leaked, on_leak, l);
    close_record(l, 1);
    for (unsigned i = 0; i <= ANY && st == ASSAY_OK; i++) {
        if (i == ANY || (tiers >> i & 1) != 0) {
            st = say_row(l, i, sink);
        }
    }
    return st == ASSAY_OK ? say_splits(l, sink) : st;
}

/* ---- making ------------------------------------------------------------------------------------
 */

enum assay_status dup_leakage_new(const struct assay_host *host, const struct dup_labels *splits,
                                  struct dup_census *census, uint32_t benchmarks, size_t max,
                                  struct dup_leakage **ret)
{
    struct dup_leakage *l = calloc(1, sizeof *l);
    *ret = l;
    if (l == NULL) {
        return ASSAY_NOMEM;
    }
    l->host = host;
    l->splits = splits;
    l->census = census;
    l->benchmarks = benchmarks;
    l->rule = ASSAY_NONE;
    l->max = max;
    l->tier = DUP_TIERS;
    l->inner.places.pairs = l->outer.places.pairs = 1;
    return ASSAY_OK;
}

void dup_leakage_rule(struct dup_leakage *l, uint32_t rule)
{
    l->rule = rule;
}

void dup_leakage_free(struct dup_leakage *l)
{
    if (l != NULL) {
        dup_table_release(&l->inner.places);
        dup_table_release(&l->outer.places);
        dup_table_release(&l->leaked);
        free(l);
    }
}
