/* SPDX-License-Identifier: Apache-2.0
 *
 * images/finish.c: see the header.
 */
#include "finish.h"

#include <stdlib.h>

#include "../common/say.h"
#include "members.h"
#include "references.h"

#define MEMBERS_MAX 1000 /* listed in one finding */
#define DETAIL      (160 + ASSAY_REPLY_SAID)

enum { SEED_PICTURES = 4, SEED_TURNED = 5 }; /* of keys */

/* Entries in the order of groups. */
struct rank {
    uint32_t root, entry;
    uint64_t content;
};

/* order[from..to) is a group. */
struct range {
    uint32_t from, to;
};

/* One group in the making. */
struct speech {
    struct images_local *l;
    struct image_groups groups;
    struct rank *order;
    uint8_t *accepted; /* by the entry that is a group's root */
    struct image_members members;
    struct assay_reply reply;   /* of whoever the group in hand was handed to */
    uint64_t pictures;          /* of different bytes */
    unsigned nearest, farthest; /* from the first, in bits */
    uint32_t apart[257];        /* pictures by their distance from it */
    uint64_t extra;             /* over all groups */
    int unheard;                /* nobody takes pictures */
    struct assay_sink *sink;
    enum assay_status status;
};

/* ---- handing over -------------------------------------------------------------------------- */

static void key_add(const struct speech *s, uint64_t key[2], uint64_t word, uint64_t seed)
{
    const struct assay_host *host = s->l->shared->host;
    const uint64_t words[] = {key[0], key[1], word};
    uint8_t le[sizeof words];
    for (size_t i = 0; i < sizeof le; i++) {
        le[i] = (uint8_t)(words[i / 8] >> (8 * (i % 8)));
    }
    host->hash128(host->ctx, le, sizeof le, seed, key);
}

/* Hands the members on; s->reply says what came back. */
static void hand(struct speech *s, uint32_t rule, const uint64_t key[2])
{
    image_members_settle(&s->members);
    s->status = s->status == ASSAY_OK ? s->members.status : s->status;
    if (s->status != ASSAY_OK) {
        return;
    }
    const struct assay_group g = {.size = sizeof g,
                                  .rule = rule,
                                  .topic = "pictures",
                                  .members = s->members.rows,
                                  .n_members = (uint32_t)s->members.n,
                                  .record = ASSAY_NONE,
                                  .field = ASSAY_NONE,
                                  .members_total = s->members.n,
                                  .key = {key[0], key[1]}};
    s->status = s->sink->hand(s->sink->ctx, &g, &s->reply);
    if (s->status == ASSAY_NOTFOUND) {
        s->unheard = 1;
        s->status = ASSAY_OK;
    }
}

static void key_of(const struct speech *s, struct range g, uint64_t key[2])
{
    key[0] = key[1] = 0;
    for (uint32_t i = g.from; i < g.to; i++) {
        if (i == g.from || s->order[i].content != s->order[i - 1].content) {
            key_add(s, key, s->order[i].content, SEED_PICTURES);
        }
    }
}

/* All of a group that may be spoken of. */
static void add_all(struct speech *s, struct range g)
{
    const struct image_entry *e = s->l->entries;
    const uint32_t root = s->order[g.from].root;
    if (s->accepted[root]) {
        image_members_add_file(&s->members, e[root].file);
        return;
    }
    for (uint32_t i = g.from; i < g.to; i++) {
        image_members_add_picture(&s->members, s->l, e[s->order[i].entry].file);
    }
}

static void begin_reply(struct speech *s)
{
    s->reply = (struct assay_reply){.size = sizeof s->reply};
    image_members_clear(&s->members);
}

static void hand_group(struct speech *s, struct range g)
{
    uint64_t key[2];
    begin_reply(s);
    if (s->unheard) {
        return;
    }
    key_of(s, g, key);
    add_all(s, g);
    hand(s, s->l->shared->rule[IMAGE_RULE_NEAR], key);
    s->accepted[s->order[g.from].root] = s->reply.set_aside != 0;
}

/* Both groups, whichever stands first. */
static void hand_turned(struct speech *s, struct range a, struct range b)
{
    uint64_t ka[2], kb[2], key[2] = {0, 0};
    begin_reply(s);
    if (s->unheard) {
        return;
    }
    key_of(s, a, ka);
    key_of(s, b, kb);
    const int swap = ka[0] != kb[0] ? ka[0] > kb[0] : ka[1] > kb[1];
    const uint64_t *const first = swap ? kb : ka, *const second = swap ? ka : kb;
    for (unsigned i = 0; i < 4; i++) {
        key_add(s, key, i < 2 ? first[i] : second[i - 2], SEED_TURNED);
    }
    add_all(s, a);
    add_all(s, b);
    hand(s, s->l->shared->rule[IMAGE_RULE_TURNED], key);
}

static int order_plain(const void *x, const void *y)
{
    const struct image_plain *a = x, *b = y;
    if (a->content != b->content) {
        return a->content < b->content ? -1 : 1;
    }
    return a->file < b->file ? -1 : a->file > b->file;
}

/* Pictures that are not compared are alike when their bytes are the same. */
static void hand_plain(struct speech *s)
{
    const struct images_local *l = s->l;
    if (l->n_plain > 1) {
        qsort(l->plain, l->n_plain, sizeof l->plain[0], order_plain);
    }
    for (size_t i = 0, next; i < l->n_plain && !s->unheard && s->status == ASSAY_OK; i = next) {
        uint64_t key[2] = {0, 0};
        begin_reply(s);
        for (next = i; next < l->n_plain && l->plain[next].content == l->plain[i].content; next++) {
            image_members_add_picture(&s->members, l, l->plain[next].file);
        }
        key_add(s, key, l->plain[i].content, SEED_PICTURES);
        hand(s, ASSAY_NONE, key);
    }
}

/* ---- findings ------------------------------------------------------------------------------ */

/* `detail` has room for DETAIL bytes. */
static void say_members(struct speech *s, unsigned rule, char *detail)
{
    const uint32_t index = s->l->shared->rule[rule];
    const size_t len = strlen(detail);
    image_members_settle(&s->members);
    s->status = s->status == ASSAY_OK ? s->members.status : s->status;
    if (s->status != ASSAY_OK || index == ASSAY_NONE) {
        return;
    }
    (void)snprintf(detail + len, DETAIL - len, "%s", s->reply.said);
    struct assay_finding f = assay_finding_init(index);
    f.members = s->members.rows;
    f.n_members = (uint32_t)(s->members.n < MEMBERS_MAX ? s->members.n : MEMBERS_MAX);
    f.members_total = s->members.n;
    f.detail = assay_bytes_str(detail);
    s->status = s->sink->finding(s->sink->ctx, &f);
}

/* Every picture that is itself like the first by name can go; the far end of a chain cannot. Files
 * of the same bytes are the business of another scanner. */
static void say_copies(struct speech *s, struct range g)
{
    const struct image_entry *e = s->l->entries, *keep = &e[s->order[g.from].entry];
    const uint32_t rule = s->l->shared->rule[IMAGE_RULE_NEAR];
    if (rule == ASSAY_NONE || !say_hears_members(s->sink)) { /* no need to compare */
        return;
    }
    for (uint32_t i = g.from; i < g.to; i++) {
        keep = e[s->order[i].entry].file < keep->file ? &e[s->order[i].entry] : keep;
    }
    for (uint32_t i = g.from; i < g.to && s->status == ASSAY_OK; i++) {
        const struct image_entry *here = &e[s->order[i].entry];
        const unsigned d = pdq_distance(&keep->views[PDQ_AS_IS], &here->views[PDQ_AS_IS]);
        const struct assay_membership m = {.size = sizeof m,
                                           .rule = rule,
                                           .place = {here->file, ASSAY_NO_RECORD},
                                           .keep = {keep->file, ASSAY_NO_RECORD},
                                           .similarity = (uint16_t)((256 - d) * 1000 / 256)};
        if (here->content != keep->content && d <= PDQ_MAX_BITS) {
            s->status = say_redundant(s->sink, &m);
        }
    }
}

/* The first of each bytes, and how far they are from the first by name. */
static void measure(struct speech *s, struct range g)
{
    const struct image_entry *e = s->l->entries;
    const struct image_entry *first = &e[s->order[g.from].root];
    image_members_clear(&s->members);
    s->pictures = 0;
    s->nearest = 256;
    s->farthest = 0;
    memset(s->apart, 0, sizeof s->apart);
    for (uint32_t i = g.from; i < g.to; i++) {
        const struct image_entry *here = &e[s->order[i].entry];
        if (i > g.from && here->content == s->order[i - 1].content) {
            continue; /* the same bytes */
        }
        image_members_add_picture(&s->members, s->l, here->file);
        s->pictures++;
        if (here->content != first->content) {
            const unsigned d = pdq_distance(&first->views[PDQ_AS_IS], &here->views[PDQ_AS_IS]);
            s->nearest = d < s->nearest ? d : s->nearest;
            s->farthest = d > s->farthest ? d : s->farthest;
            s->apart[d]++;
        }
    }
}

/* The upper median distance, which is the lower median likeness; the first itself does not count. */
static unsigned median(const struct speech *s)
{
    uint64_t seen = 0;
    unsigned d = 256;
    for (; d > 0; d--) {
        seen += s->apart[d];
        if (2 * seen >= s->pictures - 1) {
            break;
        }
    }
    return d;
}

static void say_group(struct speech *s, struct range g)
{
    char detail[DETAIL];
    hand_group(s, g);
    if (s->status != ASSAY_OK || s->reply.set_aside != 0) {
        return;
    }
    measure(s, g);
    if (s->pictures < 2) {
        return;
    }
    s->extra += s->pictures - 1;
    (void)snprintf(detail, sizeof detail,
                   "%llu pictures, %u to %u of 256 bits from the first, median %u%s",
                   (unsigned long long)s->pictures, s->nearest, s->farthest, median(s),
                   s->farthest > PDQ_MAX_BITS ? "; a chain: not all are alike" : "");
    say_members(s, IMAGE_RULE_NEAR, detail);
    say_copies(s, g);
}

/* ---- all groups ---------------------------------------------------------------------------- */

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

/* The group that begins at `from`. */
static struct range range_at(const struct speech *s, uint32_t from)
{
    struct range g = {from, from + 1};
    while (g.to < s->l->n && s->order[g.to].root == s->order[from].root) {
        g.to++;
    }
    return g;
}

static struct range range_of(const struct speech *s, uint32_t root)
{
    uint32_t low = 0, high = (uint32_t)s->l->n;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (s->order[mid].root < root) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return range_at(s, low);
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
    for (uint32_t from = 0; from < n && s->status == ASSAY_OK;) {
        const struct range g = range_at(s, from);
        say_group(s, g);
        from = g.to;
    }
}

static void say_turned(struct speech *s)
{
    const struct image_entry *e = s->l->entries;
    for (size_t i = 0; i < s->groups.n_turned && s->status == ASSAY_OK; i++) {
        const struct image_turned *t = &s->groups.turned[i];
        char detail[DETAIL];
        hand_turned(s, range_of(s, t->from), range_of(s, t->to));
        if (s->reply.set_aside != 0) {
            continue;
        }
        image_members_clear(&s->members);
        image_members_add_picture(&s->members, s->l, e[t->from].file);
        image_members_add_picture(&s->members, s->l, e[t->to].file);
        (void)snprintf(detail, sizeof detail, "%s, %u of 256 bits apart", pdq_view_names[t->view],
                       (unsigned)t->distance);
        say_members(s, IMAGE_RULE_TURNED, detail);
    }
}

static enum assay_status say_metrics(const struct images_local *l, uint64_t extra,
                                     struct assay_sink *sink)
{
    const struct say_metric rows[] = {
        {"images.count", l->counts[IMAGE_COUNT_IMAGES], 1},
        {"images.flat", l->counts[IMAGE_COUNT_FLAT], 1},
        {"images.undecodable", l->counts[IMAGE_COUNT_UNDECODABLE], 1},
        {"images.references", l->counts[IMAGE_COUNT_REFERENCES], 1},
        {"images.references_unresolved", l->counts[IMAGE_COUNT_LOST], 1},
        {"images.near_ratio", extra, l->counts[IMAGE_COUNT_IMAGES]},
    };
    return say_metric_rows(sink, rows, sizeof rows / sizeof rows[0]);
}

static int order_entries(const void *x, const void *y)
{
    const struct image_entry *a = x, *b = y;
    return a->file < b->file ? -1 : a->file > b->file;
}

/* A host that is older has nobody to hand to. */
static int has_hand(const struct assay_sink *sink)
{
    return sink->size >= offsetof(struct assay_sink, hand) + sizeof sink->hand &&
           sink->hand != NULL;
}

enum assay_status images_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct images_shared *sh = shared;
    struct images_local *l = merged;
    struct speech s = {.l = l, .unheard = !has_hand(sink), .sink = sink};
    if (l->n > 1) {
        qsort(l->entries, l->n, sizeof l->entries[0], order_entries);
    }
    image_references_sort(l);
    s.order = malloc((l->n + 1) * sizeof s.order[0]);
    s.accepted = calloc(l->n + 1, sizeof s.accepted[0]);
    s.status = s.order == NULL || s.accepted == NULL
                   ? ASSAY_NOMEM
                   : image_groups_find(l->entries, (uint32_t)l->n, sh->host, &s.groups);
    if (s.status == ASSAY_OK) {
        say_groups(&s);
        say_turned(&s);
        hand_plain(&s);
    }
    const enum assay_status st =
        s.status == ASSAY_CANCELLED ? ASSAY_OK : s.status; /* the audit says so */
    image_groups_release(&s.groups);
    image_members_release(&s.members);
    free(s.order);
    free(s.accepted);
    return st == ASSAY_OK ? say_metrics(l, s.extra, sink) : st;
}
