/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/groups.c: see the header.
 *
 * Within a subgroup places come in ascending order, so its first DUP_MEMBERS are the smallest. The
 * first places of a group's variants come in the order of the variants, which is a hash's; a heap
 * keeps the smallest of them.
 */
#include "groups.h"

#include <stdlib.h>

#include "../common/say.h"

#define ASK_EVERY 65536 /* entries between two questions whether to stop */
#define DETAIL    768   /* bytes: sixteen splits have room */

struct grouping {
    const struct assay_host *host;
    struct assay_sink *sink;
    struct dup_tiers *tiers;
    struct assay_member *out; /* room for DUP_MEMBERS */
    uint64_t key[2];
    uint64_t variant;
    uint64_t entries; /* of all groups so far */
    struct dup_digest same_digest, alike_digest;
    int same_accepted, alike_accepted; /* of the one in hand; the latter implies the former */
    /* the subgroup */
    uint64_t same[DUP_MEMBERS];
    uint64_t n_same;
    uint64_t same_files;
    uint64_t last_place;
    /* the group */
    uint64_t alike[DUP_MEMBERS]; /* a heap, the greatest first, once it is full */
    uint64_t n_alike;
    uint64_t first_alike; /* the smallest of the places so far, one for each variant */
    uint64_t group_entries;
};

/* ---- the smallest so many ----------------------------------------------------------------------
 */

static void sift_down(uint64_t *heap, size_t n, size_t i)
{
    for (;;) {
        size_t greatest = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (heap[child] > heap[greatest]) {
                greatest = child;
            }
        }
        if (greatest == i) {
            return;
        }
        uint64_t x = heap[i];
        heap[i] = heap[greatest];
        heap[greatest] = x;
        i = greatest;
    }
}

/* Offers the n-th place (from 0) to a heap of DUP_MEMBERS. */
static void keep_smallest(uint64_t *heap, uint64_t n, uint64_t place)
{
    if (n < DUP_MEMBERS) {
        heap[n] = place;
        if (n == DUP_MEMBERS - 1) {
            for (size_t i = DUP_MEMBERS / 2; i-- > 0;) {
                sift_down(heap, DUP_MEMBERS, i);
            }
        }
    } else if (place < heap[0]) {
        heap[0] = place;
        sift_down(heap, DUP_MEMBERS, 0);
    }
}

static int by_value(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa;
    uint64_t b = *(const uint64_t *)pb;
    return a < b ? -1 : a > b;
}

/* ---- findings ----------------------------------------------------------------------------------
 */

static enum assay_status raise_group(struct grouping *g, uint32_t rule, const uint64_t *places,
                                     uint64_t total, const char *detail)
{
    uint32_t n = total < DUP_MEMBERS ? (uint32_t)total : DUP_MEMBERS;
    if (rule == ASSAY_NONE) {
        return ASSAY_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        g->out[i].file = dup_place_file(places[i]);
        g->out[i].record = g->tiers->whole_files ? ASSAY_NO_RECORD : dup_place_record(places[i]);
    }
    struct assay_finding f = assay_finding_init(rule);
    f.members = g->out;
    f.n_members = n;
    f.members_total = total;
    f.detail = assay_bytes_str(detail);
    return g->sink->finding(g->sink->ctx, &f);
}

static struct assay_member member_of(const struct grouping *g, uint64_t place)
{
    struct assay_member m = {dup_place_file(place), ASSAY_NO_RECORD};
    m.record = g->tiers->whole_files ? ASSAY_NO_RECORD : dup_place_record(place);
    return m;
}

/* Two places that say the same: the later one can go. */
static enum assay_status say_member(struct grouping *g, uint32_t rule, uint64_t keep,
                                    uint64_t place)
{
    const struct assay_membership m = {.size = sizeof m,
                                       .rule = rule,
                                       .place = member_of(g, place),
                                       .keep = member_of(g, keep),
                                       .similarity = 1000};
    return say_redundant(g->sink, &m);
}

/* The first place of another variant. Places come in the order of a hash, so which is the smallest
 * is known at the end only: each goes against the smallest so far, and the chain leads to it. */
static enum assay_status add_alike(struct grouping *g, uint64_t place)
{
    enum assay_status st = ASSAY_OK;
    if (g->n_alike == 0 || g->alike_accepted) {
        g->first_alike = place;
    } else if (place < g->first_alike) {
        st = say_member(g, g->tiers->alike_rule, place, g->first_alike);
        g->first_alike = place;
    } else {
        st = say_member(g, g->tiers->alike_rule, g->first_alike, place);
    }
    keep_smallest(g->alike, g->n_alike++, place);
    return st;
}

/* ---- digests -----------------------------------------------------------------------------------
 */

static void say_digest(const struct grouping *g, enum dup_group_kind kind, struct dup_digest d,
                       char *detail, size_t cap)
{
    if (g->tiers->accepted != NULL) {
        dup_digest_say(g->tiers->accepted, kind, d, detail, cap);
    }
}

static void set_aside(struct grouping *g, uint64_t members)
{
    g->tiers->set_aside.groups++;
    g->tiers->set_aside.extra += members - 1;
}

/* Whether the group, and its subgroup, that begin with this entry were accepted. */
static void look_up(struct grouping *g, const struct dup_entry *e, int new_group)
{
    const struct dup_accepted *a = g->tiers->accepted;
    if (g->tiers->whole_files) {
        g->same_accepted = dup_accepted_group(a, DUP_GROUP_FILE, e->key, 2, &g->same_digest);
        return;
    }
    if (new_group) {
        g->alike_accepted =
            dup_accepted_group(a, DUP_GROUP_NORMALISED, e->key, 2, &g->alike_digest);
    }
    g->same_accepted = dup_accepted_group(a, DUP_GROUP_RECORD, &e->variant, 1, &g->same_digest) ||
                       g->alike_accepted;
}

static enum assay_status raise_same(struct grouping *g)
{
    char detail[DETAIL];
    if (g->same_accepted) {
        set_aside(g, g->n_same);
        return ASSAY_OK;
    }
    g->tiers->same.groups++;
    g->tiers->same.extra += g->n_same - 1;
    if (g->tiers->whole_files) {
        (void)snprintf(detail, sizeof detail, "%llu identical files",
                       (unsigned long long)g->n_same);
    } else {
        (void)snprintf(detail, sizeof detail, "%llu identical records in %llu file(s)",
                       (unsigned long long)g->n_same, (unsigned long long)g->same_files);
    }
    dup_across_say(g->tiers->across, 0, detail, sizeof detail);
    say_digest(g, g->tiers->whole_files ? DUP_GROUP_FILE : DUP_GROUP_RECORD, g->same_digest, detail,
               sizeof detail);
    return raise_group(g, g->tiers->same_rule, g->same, g->n_same, detail);
}

static enum assay_status end_subgroup(struct grouping *g)
{
    if (g->n_same == 0) {
        return ASSAY_OK;
    }
    enum assay_status st = add_alike(g, g->same[0]);
    st = st == ASSAY_OK && g->n_same > 1 ? raise_same(g) : st;
    return st == ASSAY_OK && g->tiers->across != NULL
               ? dup_across_subgroup(g->tiers->across, g->tiers->whole_files)
               : st;
}

static enum assay_status raise_alike(struct grouping *g)
{
    char detail[DETAIL];
    enum assay_status st = ASSAY_OK;
    if (g->alike_accepted) {
        set_aside(g, g->n_alike);
    } else {
        size_t n = g->n_alike < DUP_MEMBERS ? (size_t)g->n_alike : DUP_MEMBERS;
        qsort(g->alike, n, sizeof g->alike[0], by_value);
        g->tiers->alike.groups++;
        g->tiers->alike.extra += g->n_alike - 1;
        (void)snprintf(detail, sizeof detail,
                       "%llu different records alike, %llu with their copies",
                       (unsigned long long)g->n_alike, (unsigned long long)g->group_entries);
        dup_across_say(g->tiers->across, 1, detail, sizeof detail);
        say_digest(g, DUP_GROUP_NORMALISED, g->alike_digest, detail, sizeof detail);
        st = raise_group(g, g->tiers->alike_rule, g->alike, g->n_alike, detail);
    }
    return st;
}

static enum assay_status end_group(struct grouping *g)
{
    enum assay_status st = end_subgroup(g);
    st = st == ASSAY_OK && g->n_alike > 1 ? raise_alike(g) : st;
    if (st == ASSAY_OK && g->tiers->across != NULL) {
        st = dup_across_group(g->tiers->across, g->tiers->whole_files, g->sink);
    }
    g->n_alike = 0;
    g->group_entries = 0;
    return st;
}

/* ---- the pass ----------------------------------------------------------------------------------
 */

static void begin_subgroup(struct grouping *g, const struct dup_entry *e, int new_group)
{
    look_up(g, e, new_group);
    g->variant = e->variant;
    g->n_same = 0;
    g->same_files = 0;
}

static enum assay_status add_member(struct grouping *g, uint64_t place)
{
    const int heard =
        g->alike_accepted ? g->group_entries == 0 : !g->same_accepted || g->n_same == 0;
    enum assay_status st = g->n_same == 0 || g->same_accepted
                               ? ASSAY_OK
                               : say_member(g, g->tiers->same_rule, g->same[0], place);
    if (g->n_same == 0 || dup_place_file(place) != dup_place_file(g->last_place)) {
        g->same_files++;
    }
    if (g->n_same < DUP_MEMBERS) {
        g->same[g->n_same] = place;
    }
    g->last_place = place;
    g->n_same++;
    g->group_entries++;
    return st == ASSAY_OK && heard && g->tiers->across != NULL
               ? dup_across_member(g->tiers->across, place, g->tiers->whole_files)
               : st;
}

static enum assay_status on_entry(void *ctx, const uint64_t *words)
{
    struct grouping *g = ctx;
    const struct dup_entry entry = dup_entry_of(words), *e = &entry;
    enum assay_status st = ASSAY_OK;
    if (g->entries == 0 || g->key[0] != e->key[0] || g->key[1] != e->key[1]) {
        st = end_group(g);
        g->key[0] = e->key[0];
        g->key[1] = e->key[1];
        begin_subgroup(g, e, 1);
    } else if (g->variant != e->variant) {
        st = end_subgroup(g);
        begin_subgroup(g, e, 0);
    } else if (g->last_place == e->place) {
        return ASSAY_OK; /* the same thing twice, as when a state is loaded twice */
    }
    st = st == ASSAY_OK ? add_member(g, e->place) : st;
    if (++g->entries % ASK_EVERY == 0 && st == ASSAY_OK && g->host->cancelled(g->host->ctx)) {
        st = ASSAY_CANCELLED;
    }
    return st;
}

enum assay_status dup_groups_report(struct dup_table *t, const struct assay_host *host,
                                    struct assay_sink *sink, struct dup_tiers *tiers)
{
    struct grouping *g = calloc(1, sizeof *g);
    struct assay_member *out = malloc(DUP_MEMBERS * sizeof *out);
    enum assay_status st = ASSAY_NOMEM;
    if (g != NULL && out != NULL) {
        g->host = host;
        g->sink = sink;
        g->tiers = tiers;
        g->out = out;
        st = dup_table_sorted(t, on_entry, g);
        if (st == ASSAY_OK) {
            st = end_group(g);
        }
    }
    free(out);
    free(g);
    return st;
}
