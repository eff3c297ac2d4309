/* SPDX-License-Identifier: Apache-2.0
 *
 * images/finish.c: see the header.
 */
#include "finish.h"

#include <stdlib.h>

#include "references.h"

#define MEMBERS_MAX 1000 /* listed in one finding */

static int order_entries(const void *x, const void *y)
{
    const struct image_entry *a = x, *b = y;
    return a->file < b->file ? -1 : a->file > b->file;
}

static int order_members(const void *x, const void *y)
{
    const struct assay_member *a = x, *b = y;
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    return a->record < b->record ? -1 : a->record > b->record;
}

/* Entries in the order of groups. */
struct rank {
    uint32_t root, entry;
    uint64_t content;
};

/* One group in the making. */
struct speech {
    struct images_local *l;
    struct image_groups groups;
    struct rank *order;
    struct assay_member *members;
    size_t n_members, cap_members;
    uint64_t pictures;          /* of different bytes */
    unsigned nearest, farthest; /* from the first, in bits */
    uint64_t extra;             /* over all groups */
    struct assay_sink *sink;
    enum assay_status status;
};

static void add_member(struct speech *s, struct assay_member m)
{
    void *array = s->members;
    if (s->n_members == s->cap_members) {
        const size_t cap = s->cap_members == 0 ? 64 : 2 * s->cap_members;
        array = realloc(array, cap * sizeof m);
        if (array == NULL) {
            s->status = ASSAY_NOMEM;
            return;
        }
        s->members = array;
        s->cap_members = cap;
    }
    s->members[s->n_members++] = m;
}

/* The file, and the records that name it. */
static void add_picture(struct speech *s, uint32_t file)
{
    const struct images_local *l = s->l;
    size_t i = image_references_of(l, file);
    add_member(s, (struct assay_member){file, ASSAY_NO_RECORD});
    for (; i < l->n_references && l->references[i].image == file; i++) {
        const struct image_reference *r = &l->references[i];
        add_member(s, (struct assay_member){r->file, r->record});
    }
}

static void say_members(struct speech *s, unsigned rule, const char *detail)
{
    const uint32_t index = s->l->shared->rule[rule];
    if (s->status != ASSAY_OK || index == ASSAY_NONE) {
        return;
    }
    if (s->n_members > 1) {
        qsort(s->members, s->n_members, sizeof s->members[0], order_members);
    }
    struct assay_finding f = assay_finding_init(index);
    f.members = s->members;
    f.n_members = (uint32_t)(s->n_members < MEMBERS_MAX ? s->n_members : MEMBERS_MAX);
    f.members_total = s->n_members;
    f.detail = assay_bytes_str(detail);
    s->status = s->sink->finding(s->sink->ctx, &f);
}

/* Every picture that is itself like the first by name can go; the far end of a chain cannot. Files
 * of the same bytes are the business of another scanner. */
static void say_copies(struct speech *s, uint32_t from, uint32_t to)
{
    const struct image_entry *e = s->l->entries, *keep = &e[s->order[from].entry];
    const uint32_t rule = s->l->shared->rule[IMAGE_RULE_NEAR];
    if (rule == ASSAY_NONE || s->sink->size < sizeof *s->sink || s->sink->member == NULL) {
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        keep = e[s->order[i].entry].file < keep->file ? &e[s->order[i].entry] : keep;
    }
    for (uint32_t i = from; i < to && s->status == ASSAY_OK; i++) {
        const struct image_entry *here = &e[s->order[i].entry];
        const unsigned d = pdq_distance(&keep->views[PDQ_AS_IS], &here->views[PDQ_AS_IS]);
        const struct assay_membership m = {.size = sizeof m,
                                           .rule = rule,
                                           .place = {here->file, ASSAY_NO_RECORD},
                                           .keep = {keep->file, ASSAY_NO_RECORD},
                                           .similarity = (uint16_t)((256 - d) * 1000 / 256)};
        if (here->content != keep->content && d <= PDQ_MAX_BITS) {
            s->status = s->sink->member(s->sink->ctx, &m);
        }
    }
}

/* entries[from..to) of the order are one group. */
static void say_group(struct speech *s, uint32_t from, uint32_t to)
{
    const struct image_entry *e = s->l->entries;
    const struct image_entry *first = &e[s->order[from].root];
    char detail[160];
    s->n_members = 0;
    s->pictures = 0;
    s->nearest = 256;
    s->farthest = 0;
    for (uint32_t i = from; i < to; i++) {
        const struct image_entry *here = &e[s->order[i].entry];
        if (i > from && here->content == s->order[i - 1].content) {
            continue; /* the same bytes */
        }
        add_picture(s, here->file);
        s->pictures++;
        if (here->content != first->content) {
            const unsigned d = pdq_distance(&first->views[PDQ_AS_IS], &here->views[PDQ_AS_IS]);
            s->nearest = d < s->nearest ? d : s->nearest;
            s->farthest = d > s->farthest ? d : s->farthest;
        }
    }
    if (s->pictures < 2) {
        return;
    }
    s->extra += s->pictures - 1;
    (void)snprintf(detail, sizeof detail, "%llu pictures, %u to %u of 256 bits from the first%s",
                   (unsigned long long)s->pictures, s->nearest, s->farthest,
                   s->farthest > PDQ_MAX_BITS ? "; a chain: not all are alike" : "");
    say_members(s, IMAGE_RULE_NEAR, detail);
    say_copies(s, from, to);
}

static void say_turned(struct speech *s)
{
    const struct image_entry *e = s->l->entries;
    for (size_t i = 0; i < s->groups.n_turned && s->status == ASSAY_OK; i++) {
        const struct image_turned *t = &s->groups.turned[i];
        char detail[128];
        s->n_members = 0;
        add_picture(s, e[t->from].file);
        add_picture(s, e[t->to].file);
        (void)snprintf(detail, sizeof detail, "%s, %u of 256 bits apart", pdq_view_names[t->view],
                       (unsigned)t->distance);
        say_members(s, IMAGE_RULE_TURNED, detail);
    }
}

static int order_ranks(const void *x, const void *y)
{
    const struct rank *a = x, *b = y;
    if (a->root != b->root) {
        return a->root < b->root ? -1 : 1;
    }
    if (a->content != b->content) {
        return a->content < b->content ? -1 : 1;
    }
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static void say_groups(struct speech *s)
{
    const uint32_t n = (uint32_t)s->l->n;
    for (uint32_t i = 0; i < n; i++) {
        s->order[i] = (struct rank){s->groups.root[i], i, s->l->entries[i].content};
    }
    if (n > 1) {
        qsort(s->order, n, sizeof s->order[0], order_ranks);
    }
    for (uint32_t from = 0, to; from < n && s->status == ASSAY_OK; from = to) {
        for (to = from + 1; to < n && s->order[to].root == s->order[from].root;) {
            to++;
        }
        if (to - from > 1) {
            say_group(s, from, to);
        }
    }
}

static enum assay_status say_metrics(const struct images_local *l, uint64_t extra,
                                     struct assay_sink *sink)
{
    static const char *const names[IMAGE_COUNTS] = {"images.count", "images.flat",
                                                    "images.undecodable", "images.references",
                                                    "images.references_unresolved"};
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < IMAGE_COUNTS && st == ASSAY_OK; i++) {
        st = sink->metric(sink->ctx, names[i], l->counts[i], 1);
    }
    if (st == ASSAY_OK) {
        const uint64_t all = l->counts[IMAGE_COUNT_IMAGES];
        st = sink->metric(sink->ctx, "images.near_ratio", extra, all == 0 ? 1 : all);
    }
    return st;
}

enum assay_status images_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct images_shared *sh = shared;
    struct images_local *l = merged;
    struct speech s = {.l = l, .sink = sink};
    if (l->n > 1) {
        qsort(l->entries, l->n, sizeof l->entries[0], order_entries);
    }
    image_references_sort(l);
    s.order = malloc((l->n + 1) * sizeof s.order[0]);
    s.status = s.order == NULL ? ASSAY_NOMEM
                               : image_groups_find(l->entries, (uint32_t)l->n, sh->host, &s.groups);
    if (s.status == ASSAY_OK) {
        say_groups(&s);
        say_turned(&s);
    }
    enum assay_status st = s.status;
    if (st == ASSAY_CANCELLED) { /* the audit says so */
        st = ASSAY_OK;
    }
    image_groups_release(&s.groups);
    free(s.order);
    free(s.members);
    return st == ASSAY_OK ? say_metrics(l, s.extra, sink) : st;
}
