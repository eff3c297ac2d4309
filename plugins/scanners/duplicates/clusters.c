/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/clusters.c: see the header.
 */
#include "clusters.h"

#include <stdlib.h>

#include "../common/say.h"
#include "copies.h"
#include "groups.h"

#define ASK_EVERY 4096 /* pairs between two questions whether to stop */
#define DETAIL    768
#define PARTS     1000 /* similarities are thousandths, rounded down */

struct joining {
    struct dup_near *near;
    const struct dup_near_plan *plan;
    const struct assay_host *host;
    struct dup_near_tally *tally;
    size_t bytes;
    struct dup_rows parents; /* by rank; never greater than the rank itself */
    struct dup_set a, b;
};

/* ---- union-find --------------------------------------------------------------------------------
 */

static enum assay_status init_parents(struct joining *j)
{
    const uint64_t n = j->near->candidates.places.n;
    dup_rows_init(&j->parents, j->host, 1, j->bytes);
    for (uint64_t i = 0; i < n && j->parents.status == ASSAY_OK; i++) {
        (void)dup_rows_add(&j->parents, &i);
    }
    return j->parents.status;
}

/* After an error, which stays in `parents`, some root. */
static uint32_t root_of(struct joining *j, uint32_t i)
{
    uint64_t above = *dup_rows_get(&j->parents, i);
    while (above != i) {
        const uint64_t higher = *dup_rows_get(&j->parents, above);
        *dup_rows_edit(&j->parents, i) = higher;
        i = (uint32_t)higher;
        above = *dup_rows_get(&j->parents, i);
    }
    return i;
}

static void unite(struct joining *j, uint32_t a, uint32_t b)
{
    const uint32_t root_a = root_of(j, a), root_b = root_of(j, b);
    *dup_rows_edit(&j->parents, root_a > root_b ? root_a : root_b) =
        root_a < root_b ? root_a : root_b;
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
    const unsigned threshold = j->plan->threshold;
    struct dup_sets *sets = &j->near->sets;
    enum assay_status st = dup_sets_load(sets, a, &j->a);
    const uint64_t n_a = j->a.count, n_b = dup_sets_count(sets, b);
    st = st == ASSAY_OK ? sets->by_rank.status : st;
    if (st != ASSAY_OK) {
        return st;
    }
    if (n_a == 0 || n_b == 0) {
        j->tally->unverified++;
        return ASSAY_OK;
    }
    if (too_unlike(threshold, n_a, n_b)) {
        return ASSAY_OK;
    }
    st = dup_sets_load(sets, b, &j->b);
    if (st != ASSAY_OK) {
        return st;
    }
    const uint64_t enough = needed(threshold, n_a, n_b);
    j->tally->compared++;
    if (dup_shared(j->a.hashes, n_a, j->b.hashes, n_b, enough) >= enough) {
        unite(j, a, b);
        j->tally->joined++;
    }
    return ASSAY_OK;
}

static enum assay_status on_pair(void *ctx, const uint64_t *pair)
{
    struct joining *j = ctx;
    const uint32_t a = (uint32_t)pair[0], b = (uint32_t)pair[1];
    if (++j->tally->candidates % ASK_EVERY == 0 && j->host->cancelled(j->host->ctx)) {
        return ASSAY_CANCELLED;
    }
    const int joined = root_of(j, a) == root_of(j, b);
    if (j->parents.status != ASSAY_OK) {
        return j->parents.status;
    }
    return joined ? ASSAY_OK : compare(j, a, b);
}

static enum assay_status join(struct joining *j)
{
    struct dup_candidates *c = &j->near->candidates;
    enum assay_status st = init_parents(j);
    st = st == ASSAY_OK ? dup_table_sorted(&c->pairs, on_pair, j) : st;
    j->tally->candidates += c->lost;
    j->tally->unverified += c->lost;
    dup_table_release(&c->pairs);
    return st;
}

/* ---- speaking ----------------------------------------------------------------------------------
 */

/* How like the representative the other members are. */
struct likeness {
    uint64_t members[PARTS + 1]; /* by similarity */
    uint64_t n;
    unsigned min, contained; /* the least similarity, the least containment */
};

/* The cluster in hand, and what clusters are read from. */
struct speaking {
    struct joining *j;
    struct assay_sink *sink;
    uint32_t rule;
    struct dup_across_report *across; /* NULL: nobody listens */
    struct dup_copies copies;         /* the records of the clusters, for it */
    const struct dup_accepted *accepted;
    struct dup_table members; /* pairs of root and rank, of clusters only */
    struct dup_table ids;     /* pairs of root and id; empty when nobody asks for digests */
    struct dup_merge *digested;
    const uint64_t *id;       /* the next of them; NULL: there are no more */
    struct assay_member *out; /* room for DUP_MEMBERS */
    uint32_t n_out;
    uint32_t root;
    uint64_t n; /* members so far; 0: no cluster is in hand */
    uint64_t files;
    uint32_t last_file;
    int is_accepted;
    struct dup_digest digest;
    struct likeness like;
};

static uint64_t place_of(struct speaking *s, uint32_t rank)
{
    return *dup_rows_get(&s->j->near->candidates.places, rank);
}

static struct assay_member member_at(uint64_t place)
{
    struct assay_member m = {dup_place_file(place), dup_place_record(place)};
    return m;
}

/* A member that is itself like the representative can go; the far end of a chain cannot. */
static enum assay_status say_member(struct speaking *s, uint32_t rank, unsigned like)
{
    if (like < s->j->plan->threshold) {
        return ASSAY_OK;
    }
    const struct assay_membership m = {.size = sizeof m,
                                       .rule = s->rule,
                                       .place = member_at(place_of(s, rank)),
                                       .keep = s->out[0],
                                       .similarity = (uint16_t)like};
    return say_redundant(s->sink, &m);
}

static enum assay_status measure(struct speaking *s, uint32_t rank)
{
    struct joining *j = s->j;
    struct likeness *l = &s->like;
    enum assay_status st = dup_sets_load(&j->near->sets, s->root, &j->a);
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
    return say_member(s, rank, like);
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

static enum assay_status raise_cluster(struct speaking *s)
{
    const struct likeness *l = &s->like;
    char detail[DETAIL];
    const int chained = l->min < s->j->plan->threshold;
    (void)snprintf(detail, sizeof detail,
                   "%llu near-duplicates in %llu file(s), shingles of %u token(s), similarity to "
                   "the first: least %u, median %u of 1000, containment at least %u%s",
                   (unsigned long long)(l->n + 1), (unsigned long long)s->files, s->j->a.width,
                   l->min, median(l), l->contained, chained ? ", chained" : "");
    dup_across_say(s->across, 0, detail, sizeof detail);
    if (s->ids.total > 0) {
        dup_digest_say(s->accepted, DUP_GROUP_NEAR, s->digest, detail, sizeof detail);
    }
    s->j->tally->groups++;
    s->j->tally->extra += l->n;
    s->j->tally->chained += (uint64_t)chained;
    if (s->rule == ASSAY_NONE) {
        return ASSAY_OK;
    }
    struct assay_finding f = assay_finding_init(s->rule);
    f.members = s->out;
    f.n_members = s->n_out;
    f.members_total = l->n + 1;
    f.detail = assay_bytes_str(detail);
    return s->sink->finding(s->sink->ctx, &f);
}

/* ---- one cluster after another -----------------------------------------------------------------
 */

static enum assay_status next_id(struct speaking *s)
{
    enum assay_status st = dup_merge_next(s->digested, &s->id);
    return st == ASSAY_END ? ASSAY_OK : st;
}

/* The digest of the cluster of s->root: ids come in the order of roots, too. */
static enum assay_status digest_cluster(struct speaking *s)
{
    enum assay_status st = ASSAY_OK;
    s->digest = (struct dup_digest){{0, 0}};
    while (st == ASSAY_OK && s->id != NULL && s->id[0] <= s->root) {
        if (s->id[0] == s->root) {
            s->digest = dup_digest_add(s->accepted, DUP_GROUP_NEAR, s->digest, s->id[1]);
        }
        st = next_id(s);
    }
    s->is_accepted = s->ids.total > 0 && dup_accepted_has(s->accepted, s->digest);
    return st;
}

static enum assay_status begin_cluster(struct speaking *s, uint32_t root)
{
    s->root = root;
    s->files = 0;
    s->n_out = 0;
    s->like = (struct likeness){.n = 0};
    return digest_cluster(s);
}

static enum assay_status add_member(struct speaking *s, uint32_t rank)
{
    const uint64_t place = place_of(s, rank);
    s->files += s->n++ == 0 || dup_place_file(place) != s->last_file;
    s->last_file = dup_place_file(place);
    if (s->is_accepted) {
        return ASSAY_OK;
    }
    if (s->n_out < DUP_MEMBERS) {
        s->out[s->n_out++] = member_at(place);
    }
    return rank == s->root ? ASSAY_OK : measure(s, rank);
}

/* Tells `across` of every record of the cluster: what is alike may leak from any of them. */
static enum assay_status tell_across(struct speaking *s)
{
    enum assay_status st = ASSAY_OK;
    uint64_t place;
    while (st == ASSAY_OK && (st = dup_copies_next(&s->copies, s->root, &place)) == ASSAY_OK) {
        st = dup_across_alike(s->across, place);
    }
    return st == ASSAY_END ? ASSAY_OK : st;
}

static enum assay_status end_cluster(struct speaking *s)
{
    const uint64_t n = s->n;
    s->n = 0;
    if (n == 0) {
        return ASSAY_OK;
    }
    if (s->is_accepted) {
        s->j->tally->set_aside.groups++;
        s->j->tally->set_aside.extra += n - 1;
        return ASSAY_OK;
    }
    enum assay_status st = s->across == NULL ? ASSAY_OK : tell_across(s);
    st = st == ASSAY_OK ? raise_cluster(s) : st; /* names the splits it touches */
    return st == ASSAY_OK && s->across != NULL
               ? dup_across_alike_end(s->across, DUP_TIER_NEAR, "", s->sink)
               : st;
}

/* A root and another member: the root comes first of its cluster, and is the smallest rank. */
static enum assay_status on_member(void *ctx, const uint64_t *pair)
{
    struct speaking *s = ctx;
    const uint32_t root = (uint32_t)pair[0];
    enum assay_status st = ASSAY_OK;
    if (s->n == 0 || s->root != root) {
        st = end_cluster(s);
        st = st == ASSAY_OK ? begin_cluster(s, root) : st;
        st = st == ASSAY_OK ? add_member(s, root) : st;
    }
    st = st == ASSAY_OK ? add_member(s, (uint32_t)pair[1]) : st;
    return st == ASSAY_OK ? s->j->near->candidates.places.status : st;
}

/* Texts that were joined with another, by root. */
static enum assay_status find_clusters(struct speaking *s)
{
    struct joining *j = s->j;
    const uint64_t n = j->parents.n;
    enum assay_status st = ASSAY_OK;
    for (uint64_t i = 0; i < n && st == ASSAY_OK; i++) {
        const uint64_t pair[DUP_PAIR_WORDS] = {root_of(j, (uint32_t)i), i};
        if (pair[0] != i) {
            st = dup_table_add(&s->members, j->host, j->bytes / DUP_PAIR_BYTES, pair);
        }
    }
    return st == ASSAY_OK ? j->parents.status : st;
}

/* Ids of all texts, by root, for digests. */
static enum assay_status on_named(void *ctx, const uint64_t *named)
{
    struct speaking *s = ctx;
    struct joining *j = s->j;
    const uint64_t pair[DUP_PAIR_WORDS] = {root_of(j, (uint32_t)named[1]), named[0]};
    return dup_table_add(&s->ids, j->host, j->bytes / DUP_PAIR_BYTES, pair);
}

static enum assay_status find_ids(struct speaking *s)
{
    struct dup_table *named = &s->j->near->candidates.named;
    enum assay_status st = ASSAY_OK;
    if (dup_accepted_asks(s->accepted)) {
        st = dup_table_walk(named, on_named, s);
        st = st == ASSAY_OK ? s->j->parents.status : st;
        st = st == ASSAY_OK ? dup_merge_open(&s->ids, &s->digested) : st;
        st = st == ASSAY_OK ? next_id(s) : st;
    }
    dup_table_release(named);
    return st;
}

static uint32_t root_for(void *ctx, uint32_t rank)
{
    return root_of(ctx, rank);
}

static enum assay_status find_copies(struct speaking *s, struct dup_table *records)
{
    struct joining *j = s->j;
    const struct dup_copies_source from = {.host = j->host,
                                           .accepted = s->accepted,
                                           .named = &j->near->candidates.named,
                                           .records = records,
                                           .max = j->bytes / DUP_PAIR_BYTES,
                                           .root = root_for,
                                           .ctx = j};
    return s->across == NULL ? ASSAY_OK : dup_copies_find(&s->copies, &from);
}

static enum assay_status say_clusters(struct speaking *s, struct dup_table *records)
{
    enum assay_status st = find_clusters(s);
    st = st == ASSAY_OK ? find_copies(s, records) : st;
    st = st == ASSAY_OK ? find_ids(s) : st;
    dup_rows_release(&s->j->parents);
    st = st == ASSAY_OK ? dup_table_sorted(&s->members, on_member, s) : st;
    return st == ASSAY_OK ? end_cluster(s) : st;
}

/* ---- hot buckets -------------------------------------------------------------------------------
 */

static int by_place(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;
    return a < b ? -1 : a > b;
}

static enum assay_status say_hot(struct speaking *s, const struct dup_hot *hot, uint32_t rule)
{
    uint64_t places[DUP_HOT_SAMPLE];
    char detail[160];
    uint32_t n = 0;
    for (unsigned k = 0; k < DUP_HOT_SAMPLE; k++) {
        if (hot->places[k] != UINT64_MAX) {
            places[n++] = hot->places[k];
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
                                      size_t bytes, uint32_t rule, uint32_t hot_rule,
                                      const struct dup_accepted *accepted,
                                      struct dup_table *records, struct dup_across_report *across,
                                      struct dup_near_tally *tally)
{
    struct joining j = {.near = n, .plan = plan, .host = host, .bytes = bytes, .tally = tally};
    struct speaking s = {.j = &j,
                         .sink = sink,
                         .rule = rule,
                         .across = dup_across_listens(across) ? across : NULL,
                         .accepted = accepted,
                         .members = {.pairs = 1},
                         .ids = {.pairs = 1}};
    s.out = malloc(DUP_MEMBERS * sizeof *s.out);
    enum assay_status st = s.out == NULL ? ASSAY_NOMEM : join(&j);
    st = st == ASSAY_OK ? say_clusters(&s, records) : st;
    for (unsigned i = 0; i < n->candidates.n_hot && st == ASSAY_OK && hot_rule != ASSAY_NONE; i++) {
        st = say_hot(&s, &n->candidates.hot[i], hot_rule);
    }
    dup_set_release(&j.a);
    dup_set_release(&j.b);
    dup_rows_release(&j.parents);
    dup_merge_close(s.digested);
    dup_copies_release(&s.copies);
    dup_table_release(&s.members);
    dup_table_release(&s.ids);
    free(s.out);
    return st;
}
