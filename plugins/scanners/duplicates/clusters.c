/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/clusters.c: see the header.
 */
#include "clusters.h"

#include <stdlib.h>

#include "groups.h"

#define ASK_EVERY 4096 /* pairs between two questions whether to stop */
#define PARTS     1000 /* similarities are thousandths, rounded down */

struct joining {
    struct dup_near *near;
    const struct dup_near_plan *plan;
    const struct assay_host *host;
    struct dup_near_tally *tally;
    uint32_t *parent; /* by rank; never greater than the rank itself */
    struct dup_set a, b;
    uint64_t last[DUP_PAIR_WORDS];
    uint32_t rank_a; /* of last[0] */
};

/* ---- union-find --------------------------------------------------------------------------------
 */

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

/* How many hashes sets of these sizes must share. */
static uint64_t needed(unsigned threshold, uint64_t n_a, uint64_t n_b)
{
    return (threshold * (n_a + n_b) + PARTS + threshold - 1) / (PARTS + threshold);
}

/* Whether the sizes alone rule a pair out. */
static int too_unlike(unsigned threshold, uint64_t n_a, uint64_t n_b)
{
    uint64_t least = n_a < n_b ? n_a : n_b;
    return needed(threshold, n_a, n_b) > least;
}

static enum assay_status compare(struct joining *j, uint32_t a, uint32_t b)
{
    const struct dup_sets *sets = &j->near->sets;
    const uint64_t n_a = sets->by_rank[a].count, n_b = sets->by_rank[b].count;
    if (n_a == 0 || n_b == 0) {
        j->tally->unverified++;
        return ASSAY_OK;
    }
    if (too_unlike(j->plan->threshold, n_a, n_b)) {
        return ASSAY_OK;
    }
    enum assay_status st = dup_sets_load(sets, a, &j->a);
    st = st == ASSAY_OK ? dup_sets_load(sets, b, &j->b) : st;
    if (st != ASSAY_OK) {
        return st;
    }
    uint64_t enough = needed(j->plan->threshold, n_a, n_b);
    j->tally->compared++;
    if (dup_shared(j->a.hashes, n_a, j->b.hashes, n_b, enough) >= enough) {
        uint32_t root_a = root_of(j->parent, a), root_b = root_of(j->parent, b);
        j->parent[root_a > root_b ? root_a : root_b] = root_a < root_b ? root_a : root_b;
        j->tally->joined++;
    }
    return ASSAY_OK;
}

static enum assay_status on_pair(void *ctx, const uint64_t *pair)
{
    struct joining *j = ctx;
    const struct dup_candidates *c = &j->near->candidates;
    const int first = j->tally->candidates == 0;
    if (!first && memcmp(j->last, pair, sizeof j->last) == 0) {
        return ASSAY_OK;
    }
    if (first || j->last[0] != pair[0]) {
        j->rank_a = dup_candidates_rank(c, pair[0]);
    }
    memcpy(j->last, pair, sizeof j->last);
    if (++j->tally->candidates % ASK_EVERY == 0 && j->host->cancelled(j->host->ctx)) {
        return ASSAY_CANCELLED;
    }
    uint32_t b = dup_candidates_rank(c, pair[1]);
    if (j->rank_a == UINT32_MAX || b == UINT32_MAX) {
        j->tally->unverified++;
        return ASSAY_OK;
    }
    if (root_of(j->parent, j->rank_a) == root_of(j->parent, b)) {
        return ASSAY_OK;
    }
    return compare(j, j->rank_a, b);
}

static enum assay_status join(struct joining *j)
{
    const size_t n = j->near->candidates.n;
    j->parent = malloc((n + 1) * sizeof *j->parent);
    if (j->parent == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        j->parent[i] = (uint32_t)i;
    }
    return dup_table_sorted(&j->near->candidates.pairs, on_pair, j);
}

/* ---- speaking ----------------------------------------------------------------------------------
 */

/* How like the representative the other members are. */
struct likeness {
    uint64_t members[PARTS + 1]; /* by similarity */
    uint64_t n;
    unsigned min, contained; /* the least similarity, the least containment */
};

struct speaking {
    struct joining *j;
    struct assay_sink *sink;
    uint32_t rule;
    struct dup_across_report *across; /* NULL: nobody listens */
    const struct dup_accepted *accepted;
    struct dup_digest *digests; /* by rank of a root; NULL: nobody asks for them */
    struct assay_member *out;   /* room for DUP_MEMBERS */
    uint64_t *order;            /* pairs of root and rank, of clusters only, ascending */
    size_t n;
};

static struct assay_member member_at(uint64_t place)
{
    struct assay_member m = {dup_place_file(place), dup_place_record(place)};
    return m;
}

/* A member that is itself like the representative can go; the far end of a chain cannot. */
static enum assay_status say_member(struct speaking *s, uint32_t root, uint32_t rank, unsigned like)
{
    const uint64_t *places = s->j->near->candidates.places;
    if (like < s->j->plan->threshold || s->rule == ASSAY_NONE || s->sink->size < sizeof *s->sink ||
        s->sink->member == NULL) {
        return ASSAY_OK;
    }
    const struct assay_membership m = {.size = sizeof m,
                                       .rule = s->rule,
                                       .place = member_at(places[rank]),
                                       .keep = member_at(places[root]),
                                       .similarity = (uint16_t)like};
    return s->sink->member(s->sink->ctx, &m);
}

static enum assay_status measure(struct speaking *s, uint32_t root, uint32_t rank,
                                 struct likeness *l)
{
    struct joining *j = s->j;
    enum assay_status st = dup_sets_load(&j->near->sets, root, &j->a);
    st = st == ASSAY_OK ? dup_sets_load(&j->near->sets, rank, &j->b) : st;
    if (st != ASSAY_OK) {
        return st;
    }
    const uint64_t n_a = j->a.count, n_b = j->b.count;
    uint64_t shared = dup_shared(j->a.hashes, n_a, j->b.hashes, n_b, 0);
    unsigned like = (unsigned)(shared * PARTS / (n_a + n_b - shared));
    unsigned contained = (unsigned)(shared * PARTS / (n_a < n_b ? n_a : n_b));
    l->members[like]++;
    l->min = l->n == 0 || like < l->min ? like : l->min;
    l->contained = l->n == 0 || contained < l->contained ? contained : l->contained;
    l->n++;
    return say_member(s, root, rank, like);
}

/* The lower median. */
static unsigned median(const struct likeness *l)
{
    uint64_t seen = 0;
    unsigned like = 0;
    for (; like < PARTS; like++) {
        seen += l->members[like];
        if (2 * seen >= l->n) {
            break;
        }
    }
    return like;
}

static enum assay_status raise_cluster(struct speaking *s, uint32_t root, const struct likeness *l,
                                       uint64_t files, uint32_t n_out)
{
    char detail[320];
    const int chained = l->min < s->j->plan->threshold;
    (void)snprintf(detail, sizeof detail,
                   "%llu near-duplicates in %llu file(s), shingles of %u token(s), similarity to "
                   "the first: least %u, median %u of 1000, containment at least %u%s",
                   (unsigned long long)(l->n + 1), (unsigned long long)files, s->j->a.width, l->min,
                   median(l), l->contained, chained ? ", chained" : "");
    if (s->digests != NULL) {
        dup_digest_say(s->accepted, DUP_GROUP_NEAR, s->digests[root], detail, sizeof detail);
    }
    s->j->tally->groups++;
    s->j->tally->extra += l->n;
    s->j->tally->chained += (uint64_t)chained;
    if (s->rule == ASSAY_NONE) {
        return ASSAY_OK;
    }
    struct assay_finding f = assay_finding_init(s->rule);
    f.members = s->out;
    f.n_members = n_out;
    f.members_total = l->n + 1;
    f.detail = assay_bytes_str(detail);
    return s->sink->finding(s->sink->ctx, &f);
}

/* order[from, to) is one cluster, the representative first. */
static enum assay_status say_cluster(struct speaking *s, size_t from, size_t to)
{
    const uint64_t *places = s->j->near->candidates.places;
    const uint32_t root = (uint32_t)s->order[2 * from];
    struct likeness l = {.n = 0};
    enum assay_status st = ASSAY_OK;
    uint64_t files = 0;
    uint32_t n_out = 0;
    for (size_t i = from; i < to && st == ASSAY_OK; i++) {
        const uint32_t rank = (uint32_t)s->order[2 * i + 1];
        files += i == from ||
                 dup_place_file(places[rank]) != dup_place_file(places[s->order[2 * (i - 1) + 1]]);
        if (n_out < DUP_MEMBERS) {
            s->out[n_out++] = member_at(places[rank]);
        }
        st = rank == root ? ASSAY_OK : measure(s, root, rank, &l);
        if (st == ASSAY_OK && s->across != NULL) {
            st = dup_across_near(s->across, places[rank]);
        }
    }
    st = st == ASSAY_OK ? raise_cluster(s, root, &l, files, n_out) : st;
    return st == ASSAY_OK && s->across != NULL ? dup_across_near_end(s->across, s->sink) : st;
}

/* Texts that were joined with another, by root. */
static enum assay_status find_clusters(struct speaking *s)
{
    const size_t n = s->j->near->candidates.n;
    uint32_t *parent = s->j->parent;
    s->order = malloc((2 * s->j->tally->joined + 1) * DUP_PAIR_WORDS * sizeof *s->order);
    if (s->order == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t root = root_of(parent, (uint32_t)i);
        if (root != i) { /* the root comes along with each, and once too often is once */
            s->order[2 * s->n] = s->order[2 * s->n + 2] = root;
            s->order[2 * s->n + 1] = root;
            s->order[2 * s->n + 3] = i;
            s->n += 2;
        }
    }
    dup_sort(s->order, s->n, DUP_PAIR_WORDS);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        const uint64_t *e = s->order + 2 * i;
        if (kept == 0 || memcmp(s->order + 2 * (kept - 1), e, DUP_PAIR_BYTES) != 0) {
            memmove(s->order + 2 * kept++, e, DUP_PAIR_BYTES);
        }
    }
    s->n = kept;
    return ASSAY_OK;
}

/* The digest of every cluster, in one pass over the ids in their order. */
static enum assay_status digest_clusters(struct speaking *s)
{
    const struct dup_candidates *c = &s->j->near->candidates;
    if (s->accepted->n == 0 && !s->accepted->shown) {
        return ASSAY_OK;
    }
    s->digests = calloc(c->n + 1, sizeof *s->digests);
    if (s->digests == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < c->n; i++) {
        struct dup_digest *d = &s->digests[root_of(s->j->parent, c->ranks[i])];
        *d = dup_cluster_digest(s->accepted, *d, c->ids[i]);
    }
    return ASSAY_OK;
}

static int is_accepted(const struct speaking *s, uint32_t root)
{
    return s->digests != NULL && dup_accepted_has(s->accepted, s->digests[root]);
}

static enum assay_status say_clusters(struct speaking *s)
{
    enum assay_status st = find_clusters(s);
    st = st == ASSAY_OK ? digest_clusters(s) : st;
    for (size_t from = 0, to; from < s->n && st == ASSAY_OK; from = to) {
        for (to = from + 1; to < s->n && s->order[2 * to] == s->order[2 * from];) {
            to++;
        }
        if (is_accepted(s, (uint32_t)s->order[2 * from])) {
            s->j->tally->set_aside.groups++;
            s->j->tally->set_aside.extra += to - from - 1;
        } else {
            st = say_cluster(s, from, to);
        }
    }
    return st;
}

static int by_place(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return a < b ? -1 : a > b;
}

static enum assay_status say_hot(struct speaking *s, const struct dup_hot *hot, uint32_t rule)
{
    const struct dup_candidates *c = &s->j->near->candidates;
    uint64_t places[DUP_HOT_SAMPLE];
    char detail[160];
    uint32_t n = 0;
    for (unsigned k = 0; k < DUP_HOT_SAMPLE; k++) {
        uint32_t rank = dup_candidates_rank(c, hot->ids[k]);
        if (rank != UINT32_MAX) {
            places[n++] = c->places[rank];
        }
    }
    qsort(places, n, sizeof places[0], by_place);
    for (uint32_t i = 0; i < n; i++) {
        s->out[i] = member_at(places[i]);
    }
    (void)snprintf(detail, sizeof detail,
                   "%llu different texts agree in one band; each was compared with %d of them",
                   (unsigned long long)hot->members, DUP_BUCKET_FEW);
    struct assay_finding f = assay_finding_init(rule);
    f.members = s->out;
    f.n_members = n;
    f.members_total = hot->members;
    f.detail = assay_bytes_str(detail);
    return s->sink->finding(s->sink->ctx, &f);
}

enum assay_status dup_clusters_report(struct dup_near *n, const struct dup_near_plan *plan,
                                      const struct assay_host *host, struct assay_sink *sink,
                                      uint32_t rule, uint32_t hot_rule,
                                      const struct dup_accepted *accepted,
                                      struct dup_across_report *across,
                                      struct dup_near_tally *tally)
{
    struct joining j = {.near = n, .plan = plan, .host = host, .tally = tally};
    struct speaking s = {
        .j = &j, .sink = sink, .rule = rule, .across = across, .accepted = accepted};
    s.out = malloc(DUP_MEMBERS * sizeof *s.out);
    enum assay_status st = s.out == NULL ? ASSAY_NOMEM : join(&j);
    st = st == ASSAY_OK ? say_clusters(&s) : st;
    for (unsigned i = 0; i < n->candidates.n_hot && st == ASSAY_OK && hot_rule != ASSAY_NONE; i++) {
        st = say_hot(&s, &n->candidates.hot[i], hot_rule);
    }
    dup_set_release(&j.a);
    dup_set_release(&j.b);
    free(j.parent);
    free(s.digests);
    free(s.order);
    free(s.out);
    return st;
}
