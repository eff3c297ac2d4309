/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/spans.c: see the header.
 */
#include "spans.h"

#include <stdlib.h>

#include "../common/say.h"
#include "match.h"

#define ASK_EVERY   4096
#define SIEVE_BITS  19 /* of an n-gram: 64 KiB */
#define COMMON_FROM 20
#define COMMON_TO   1000

/* ---- options -----------------------------------------------------------------------------------
 */

static unsigned number(const struct assay_host *host, const char *name, unsigned fallback)
{
    const char *text = host->option(host->ctx, name);
    return text == NULL ? fallback : (unsigned)strtoul(text, NULL, 10);
}

void dup_span_plan_read(struct dup_span_plan *p, const struct dup_across *across,
                        const struct dup_accepted *accepted, const struct assay_host *host)
{
    const char *mode = host->option(host->ctx, "spans");
    p->across = across;
    p->accepted = accepted;
    p->mode = across->benchmarks != 0 ? DUP_SPANS_ACROSS : DUP_SPANS_OFF;
    if (mode != NULL && strcmp(mode, "auto") != 0) {
        p->mode = strcmp(mode, "off") == 0   ? DUP_SPANS_OFF
                  : strcmp(mode, "all") == 0 ? DUP_SPANS_ALL
                                             : DUP_SPANS_ACROSS;
    }
    p->gram =
        dup_gram_plan_make(number(host, "span_words", 13), number(host, "span_characters", 26));
    p->common = number(host, "span_common", 0);
    p->rule_span = host->rule_index(host->ctx, "duplicates.span");
    p->rule_contamination = host->rule_index(host->ctx, "duplicates.contamination");
    p->rule_common = host->rule_index(host->ctx, "duplicates.common_text");
}

/* ---- while records are read --------------------------------------------------------------------
 */

struct adding {
    const struct assay_host *host;
    struct dup_table *grams;
    size_t max;
    uint64_t place;
};

static enum assay_status add_gram(void *ctx, uint64_t hash)
{
    const struct adding *a = ctx;
    const uint64_t pair[DUP_PAIR_WORDS] = {hash, a->place};
    return dup_table_add(a->grams, a->host, a->max, pair);
}

enum assay_status dup_spans_add(const struct dup_span_plan *p, struct dup_spots *s,
                                const struct assay_host *host, struct dup_table *grams, size_t max,
                                uint64_t place, int *ret_long)
{
    struct adding a = {host, grams, max, place};
    return dup_grams_keep(s, &p->gram, add_gram, &a, ret_long);
}

/* ---- candidates --------------------------------------------------------------------------------
 */

struct finding_pairs {
    struct dup_spans *s;
    const struct dup_span_plan *p;
    struct dup_across_local *local;
    const struct assay_host *host;
    size_t max;
    uint64_t common; /* more records than this have a common n-gram */
    uint64_t gram;
    uint64_t records; /* that have it */
    uint64_t *places; /* the first of them: `common`, and a sample of more */
    uint64_t last;    /* the place before */
    uint64_t asked;
    uint64_t first[DUP_SPLITS][DUP_SPAN_PARTNERS];
    unsigned n_first[DUP_SPLITS]; /* of each split, the first places */
};

static unsigned split_at(const struct finding_pairs *f, uint64_t place)
{
    return dup_label_at(&f->p->across->splits, &f->local->splits.marks, place);
}

/* Whether records of two splits are compared. */
static int compared(const struct dup_span_plan *p, unsigned a, unsigned b)
{
    const int bench_a = (int)(p->across->benchmarks >> a & 1);
    const int bench_b = (int)(p->across->benchmarks >> b & 1);
    if (p->mode == DUP_SPANS_ALL) {
        return 1;
    }
    if (a == b) {
        return 0;
    }
    if (a == DUP_LABEL_NONE || b == DUP_LABEL_NONE) {
        return bench_a || bench_b;
    }
    return !(bench_a && bench_b);
}

/* How much a split is one whose records are items: benchmarks, then the others, then training. */
static int rank_of_split(const struct dup_span_plan *p, unsigned split)
{
    if ((p->across->benchmarks >> split & 1) != 0) {
        return 3;
    }
    return split == DUP_SPLIT_TRAIN ? 1 : split == DUP_LABEL_NONE ? 0 : 2;
}

static enum assay_status add_pair(struct finding_pairs *f, uint64_t a, uint64_t b)
{
    const int rank_a = rank_of_split(f->p, split_at(f, a));
    const int rank_b = rank_of_split(f->p, split_at(f, b));
    const int a_is_item = rank_a != rank_b ? rank_a > rank_b : a > b;
    const uint64_t pair[DUP_PAIR_WORDS] = {a_is_item ? a : b, a_is_item ? b : a};
    return dup_table_add(&f->s->pairs, f->host, f->max, pair);
}

static enum assay_status pair_with(struct finding_pairs *f, uint64_t place, unsigned other)
{
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < f->n_first[other] && st == ASSAY_OK; i++) {
        if (f->first[other][i] != place) {
            st = add_pair(f, place, f->first[other][i]);
        }
    }
    return st;
}

static enum assay_status pair_places(struct finding_pairs *f)
{
    enum assay_status st = ASSAY_OK;
    memset(f->n_first, 0, sizeof f->n_first);
    for (uint64_t i = 0; i < f->records; i++) {
        const unsigned c = split_at(f, f->places[i]);
        if (f->n_first[c] < DUP_SPAN_PARTNERS) {
            f->first[c][f->n_first[c]++] = f->places[i];
        }
    }
    for (uint64_t i = 0; i < f->records && st == ASSAY_OK; i++) {
        const unsigned mine = split_at(f, f->places[i]);
        for (unsigned c = 0; c < DUP_SPLITS && st == ASSAY_OK; c++) {
            if (f->n_first[c] > 0 && compared(f->p, mine, c)) {
                st = pair_with(f, f->places[i], c);
            }
        }
    }
    return st;
}

static enum assay_status end_gram(struct finding_pairs *f)
{
    struct dup_spans *s = f->s;
    if (f->records < 2) {
        return ASSAY_OK;
    }
    if (f->records <= f->common) {
        return pair_places(f);
    }
    if (f->records > s->sample_records) {
        s->sample_records = f->records;
        memcpy(s->sample, f->places, sizeof s->sample);
    }
    return dup_rows_add(&s->common, &f->gram);
}

static enum assay_status on_gram(void *ctx, const uint64_t *pair)
{
    struct finding_pairs *f = ctx;
    enum assay_status st = ASSAY_OK;
    if (f->asked == 0 || pair[0] != f->gram) {
        st = end_gram(f);
        f->gram = pair[0];
        f->records = 0;
    } else if (f->records > 0 && f->last == pair[1]) {
        return ASSAY_OK; /* twice in one record */
    }
    if (f->records < f->common + DUP_SPAN_SAMPLE) {
        f->places[f->records] = pair[1];
    }
    f->last = pair[1];
    f->records++;
    return ++f->asked % (ASK_EVERY * 16) == 0 && f->host->cancelled(f->host->ctx) && st == ASSAY_OK
               ? ASSAY_CANCELLED
               : st;
}

/* The places of all pairs, some of them more than once. */
struct listing {
    struct dup_table all; /* pairs of a place and nothing */
    const struct assay_host *host;
    size_t max;
    struct dup_rows *places;
    uint64_t last;
};

static enum assay_status note_places(void *ctx, const uint64_t *pair)
{
    struct listing *l = ctx;
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < 2 && st == ASSAY_OK; i++) {
        const uint64_t entry[DUP_PAIR_WORDS] = {pair[i], 0};
        if (i > 0 || l->all.total == 0 || l->last != pair[0]) {
            st = dup_table_add(&l->all, l->host, l->max, entry);
        }
    }
    l->last = pair[0];
    return st;
}

static enum assay_status list_place(void *ctx, const uint64_t *entry)
{
    struct listing *l = ctx;
    if (l->places->n > 0 && l->last == entry[0]) {
        return ASSAY_OK;
    }
    l->last = entry[0];
    return l->places->n == UINT32_MAX ? ASSAY_LIMIT : dup_rows_add(l->places, entry);
}

static enum assay_status list_places(struct dup_spans *s, const struct assay_host *host, size_t max)
{
    struct listing l = {.all = {.pairs = 1}, .host = host, .max = max, .places = &s->places};
    dup_rows_init(&s->places, host, 1, max * DUP_PAIR_BYTES);
    enum assay_status st = dup_table_sorted(&s->pairs, note_places, &l);
    st = st == ASSAY_OK ? dup_table_sorted(&l.all, list_place, &l) : st;
    dup_table_release(&l.all);
    return st;
}

static uint64_t common_limit(const struct dup_span_plan *p, uint64_t records)
{
    uint64_t limit = p->common > 0 ? p->common : records / 100;
    if (p->common == 0) {
        limit = limit < COMMON_FROM ? COMMON_FROM : limit > COMMON_TO ? COMMON_TO : limit;
    }
    return limit;
}

enum assay_status dup_spans_begin(struct dup_spans *s, const struct dup_span_plan *p,
                                  struct dup_across_local *local, struct dup_table *grams,
                                  const struct assay_host *host, uint64_t records, size_t max,
                                  int *ret_wanted)
{
    struct finding_pairs *f = calloc(1, sizeof *f);
    enum assay_status st = ASSAY_NOMEM;
    *ret_wanted = 0;
    s->pairs.pairs = 1;
    dup_rows_init(&s->common, host, 1, max * DUP_PAIR_BYTES);
    if (f != NULL) {
        *f = (struct finding_pairs){.s = s, .p = p, .local = local, .host = host, .max = max};
        f->common = common_limit(p, records);
        f->places = calloc(f->common + DUP_SPAN_SAMPLE, sizeof *f->places);
        st = f->places == NULL ? ASSAY_NOMEM : dup_table_sorted(grams, on_gram, f);
        st = st == ASSAY_OK ? end_gram(f) : st;
        free(f->places);
    }
    free(f);
    dup_table_release(grams);
    st = st == ASSAY_OK ? dup_marks_status(&local->splits.marks) : st;
    st = st == ASSAY_OK ? list_places(s, host, max) : st;
    if (st == ASSAY_OK) {
        dup_sets_init(&s->texts, s->places.n);
        s->found = 1;
        *ret_wanted = s->places.n > 0;
    }
    return st;
}

int dup_spans_wants(const struct dup_spans *s, uint32_t file)
{
    return dup_rows_have_file(&s->places, file);
}

void dup_spans_release(struct dup_spans *s)
{
    dup_table_release(&s->pairs);
    dup_sets_release(&s->texts);
    dup_rows_release(&s->places);
    dup_rows_release(&s->common);
    memset(s, 0, sizeof *s);
}

/* ---- the end -----------------------------------------------------------------------------------
 */

struct speaking {
    struct dup_spans *s;
    const struct dup_span_plan *p;
    const struct assay_host *host;
    struct dup_across_report *across;
    struct assay_sink *sink;
    struct dup_matcher matcher;
    struct dup_common common;
    uint64_t *sieve; /* a bit for the first bits of each common n-gram */
    struct dup_set item_text, other_text;
    uint64_t last[2]; /* the pair before */
    uint64_t item, partner;
    uint64_t partners; /* of the item in hand, with a long span */
    int is_contained;  /* it is, in one of them */
    struct dup_match best;
    struct dup_digest best_digest;
    uint64_t accepted; /* pairs of the item in hand */
    struct dup_accepted_tally *set_aside;
    uint64_t candidates, pairs, items, contained, unverified;
};

static unsigned per_mille(const struct dup_match *m)
{
    return m->total == 0 ? 0 : (unsigned)(m->covered * 1000 / m->total);
}

static unsigned split_of(const struct speaking *x, uint64_t place)
{
    return dup_label_at(&x->p->across->splits, &x->across->local->splits.marks, place);
}

/* Whether it is an item of a benchmark. */
static int is_benchmark(const struct speaking *x, uint64_t item)
{
    return (int)(x->p->across->benchmarks >> split_of(x, item) & 1);
}

/* What a pair with this item is accepted as. */
static enum dup_group_kind kind_of(const struct speaking *x, uint64_t item)
{
    return is_benchmark(x, item) ? DUP_GROUP_CONTAMINATION : DUP_GROUP_SPAN;
}

static enum assay_status raise_item(struct speaking *x)
{
    const struct dup_match *m = &x->best;
    const struct dup_labels *l = &x->p->across->splits;
    const int first = x->item < x->partner;
    char detail[480];
    (void)snprintf(detail, sizeof detail,
                   "longest match %u word(s) and %u character(s)%s, %u of 1000 of the item "
                   "contained; item (%s) is member %d: field %u, bytes %llu to %llu; partner (%s): "
                   "field %u, bytes %llu to %llu; %llu partner(s) compared",
                   m->words, m->characters, m->bounded ? " at least" : "", per_mille(m),
                   l->names[split_of(x, x->item)], first ? 1 : 2, m->item.field,
                   (unsigned long long)m->item.start, (unsigned long long)m->item.end,
                   l->names[split_of(x, x->partner)], m->other.field,
                   (unsigned long long)m->other.start, (unsigned long long)m->other.end,
                   (unsigned long long)x->partners);
    if (!m->bounded) {
        dup_digest_say(x->p->accepted, kind_of(x, x->item), x->best_digest, detail, sizeof detail);
    }
    const uint64_t a = first ? x->item : x->partner, b = first ? x->partner : x->item;
    const struct assay_member members[2] = {{dup_place_file(a), dup_place_record(a)},
                                            {dup_place_file(b), dup_place_record(b)}};
    struct assay_finding f =
        assay_finding_init(is_benchmark(x, x->item) ? x->p->rule_contamination : x->p->rule_span);
    f.members = members;
    f.n_members = 2;
    f.members_total = 2;
    f.detail = assay_bytes_str(detail);
    return x->sink->finding(x->sink->ctx, &f);
}

static enum assay_status end_item(struct speaking *x)
{
    x->set_aside->extra += x->accepted > 0 && x->partners == 0;
    x->accepted = 0;
    if (x->partners == 0) {
        return ASSAY_OK;
    }
    x->items++;
    x->contained += (uint64_t)x->is_contained;
    enum assay_status st = raise_item(x);
    x->partners = 0;
    x->is_contained = 0;
    memset(&x->best, 0, sizeof x->best);
    return st;
}

/* An item that is contained in an earlier record can go. */
static enum assay_status say_contained(struct speaking *x, uint64_t item, uint64_t partner)
{
    const struct assay_membership m = {.size = sizeof m,
                                       .rule = x->p->rule_span,
                                       .place = {dup_place_file(item), dup_place_record(item)},
                                       .keep = {dup_place_file(partner), dup_place_record(partner)},
                                       .similarity = 1000};
    x->is_contained = 1;
    return say_redundant(x->sink, &m);
}

/* What is a lower bound only is never accepted: nobody has seen the rest. */
static int is_accepted(const struct speaking *x, uint64_t item, const struct dup_match *m,
                       struct dup_digest *ret)
{
    return dup_accepted_group(x->p->accepted, kind_of(x, item), m->passages, 3, ret) && !m->bounded;
}

/* Pairs of an item come in the order of partners, so of equals the first stays. */
static enum assay_status judge(struct speaking *x, uint64_t item, uint64_t partner,
                               const struct dup_match *m)
{
    struct dup_digest digest = {{0, 0}};
    if (m->weight < x->p->gram.span) {
        return ASSAY_OK;
    }
    if (is_accepted(x, item, m, &digest)) {
        x->set_aside->groups++;
        x->accepted++;
        return ASSAY_OK;
    }
    x->pairs++;
    if (x->partners++ == 0 || m->weight > x->best.weight ||
        (m->weight == x->best.weight && m->covered > x->best.covered)) {
        x->best = *m;
        x->best_digest = digest;
        x->item = item;
        x->partner = partner;
    }
    enum assay_status st = ASSAY_OK;
    if (partner < item && m->covered == m->total) {
        st = say_contained(x, item, partner);
    }
    return st != ASSAY_OK || x->across->leakage == NULL
               ? st
               : dup_leakage_pair(x->across->leakage, DUP_TIER_SPAN, item, partner);
}

/* The word of the sieve that an n-gram is in; *ret_bit: its bit. */
static uint64_t *sieve_at(const struct speaking *x, uint64_t gram, uint64_t *ret_bit)
{
    const uint64_t at = gram >> (64 - SIEVE_BITS);
    *ret_bit = UINT64_C(1) << (at % 64);
    return &x->sieve[at / 64];
}

static enum assay_status make_sieve(struct speaking *x)
{
    struct dup_rows *common = &x->s->common;
    uint64_t bit;
    x->sieve = calloc((UINT64_C(1) << SIEVE_BITS) / 64, sizeof *x->sieve);
    for (uint64_t i = 0; i < common->n && x->sieve != NULL; i++) {
        uint64_t *word = sieve_at(x, dup_rows_get(common, i)[0], &bit);
        *word |= bit;
    }
    return x->sieve == NULL ? ASSAY_NOMEM : common->status;
}

static int is_common(void *ctx, uint64_t gram)
{
    const struct speaking *x = ctx;
    struct dup_rows *common = &x->s->common;
    uint64_t bit;
    if ((*sieve_at(x, gram, &bit) & bit) == 0) {
        return 0;
    }
    const uint64_t at = dup_rows_seek(common, gram);
    return at < common->n && dup_rows_get(common, at)[0] == gram;
}

static enum assay_status load_text(const struct speaking *x, uint64_t place, struct dup_set *text)
{
    uint64_t rank;
    enum assay_status st = dup_rows_find(&x->s->places, place, &rank);
    return st == ASSAY_OK ? dup_sets_load(&x->s->texts, (uint32_t)rank, text) : st;
}

static enum assay_status on_pair(void *ctx, const uint64_t *pair)
{
    struct speaking *x = ctx;
    struct dup_match m;
    if (x->candidates > 0 && pair[0] == x->last[0] && pair[1] == x->last[1]) {
        return ASSAY_OK;
    }
    enum assay_status st = x->candidates > 0 && pair[0] != x->last[0] ? end_item(x) : ASSAY_OK;
    x->last[0] = pair[0];
    x->last[1] = pair[1];
    if (++x->candidates % ASK_EVERY == 0 && x->host->cancelled(x->host->ctx)) {
        return ASSAY_CANCELLED;
    }
    st = st == ASSAY_OK ? load_text(x, pair[0], &x->item_text) : st;
    st = st == ASSAY_OK ? load_text(x, pair[1], &x->other_text) : st;
    if (st != ASSAY_OK) {
        return st;
    }
    if (x->item_text.count == 0 || x->other_text.count == 0) {
        x->unverified++;
        return ASSAY_OK;
    }
    st = dup_match(
        &x->matcher, &x->p->gram, (const struct dup_spot *)x->item_text.hashes,
        x->item_text.count / DUP_PAIR_WORDS, (const struct dup_spot *)x->other_text.hashes,
        x->other_text.count / DUP_PAIR_WORDS, x->s->common.n == 0 ? NULL : &x->common, &m);
    return st == ASSAY_OK ? judge(x, pair[0], pair[1], &m) : st;
}

static int by_member(const void *pa, const void *pb)
{
    const struct assay_member *a = pa, *b = pb;
    return a->file != b->file ? (a->file < b->file ? -1 : 1)
                              : (a->record > b->record) - (a->record < b->record);
}

static enum assay_status say_common(const struct speaking *x)
{
    struct assay_member members[DUP_SPAN_SAMPLE];
    char detail[160];
    if (x->s->common.n == 0) {
        return ASSAY_OK;
    }
    const uint64_t total = x->s->sample_records;
    const uint32_t n = total < DUP_SPAN_SAMPLE ? (uint32_t)total : DUP_SPAN_SAMPLE;
    for (uint32_t i = 0; i < n; i++) {
        members[i].file = dup_place_file(x->s->sample[i]);
        members[i].record = dup_place_record(x->s->sample[i]);
    }
    qsort(members, n, sizeof members[0], by_member);
    (void)snprintf(detail, sizeof detail,
                   "%llu kept n-grams set aside; the most frequent one is in %llu records",
                   (unsigned long long)x->s->common.n, (unsigned long long)total);
    struct assay_finding f = assay_finding_init(x->p->rule_common);
    f.members = members;
    f.n_members = n;
    f.members_total = total;
    f.detail = assay_bytes_str(detail);
    return x->sink->finding(x->sink->ctx, &f);
}

static enum assay_status say_metrics(const struct speaking *x, uint64_t records)
{
    const struct say_metric rows[] = {
        {"duplicates.span_candidates", x->candidates, 1},
        {"duplicates.span_pairs", x->pairs, 1},
        {"duplicates.span_items", x->items, 1},
        {"duplicates.span_ratio", x->items, records},
        {"duplicates.span_contained_ratio", x->contained, records},
        {"duplicates.span_common", x->s->common.n, 1},
        {"duplicates.span_unverified", x->unverified, 1},
    };
    return say_metric_rows(x->sink, rows, sizeof rows / sizeof rows[0]);
}

enum assay_status dup_spans_report(struct dup_spans *s, const struct dup_span_plan *p,
                                   const struct assay_host *host, uint64_t records,
                                   struct dup_across_report *across,
                                   struct dup_accepted_tally *set_aside, struct assay_sink *sink)
{
    struct speaking x = {.s = s,
                         .p = p,
                         .host = host,
                         .across = across,
                         .sink = sink,
                         .matcher = {.accepted = p->accepted},
                         .set_aside = set_aside};
    x.common = (struct dup_common){is_common, &x};
    if (s->texts.missing > 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_CHANGED, s->texts.missing, 0);
    }
    enum assay_status st = make_sieve(&x);
    st = st == ASSAY_OK ? dup_table_sorted(&s->pairs, on_pair, &x) : st;
    st = st == ASSAY_OK ? end_item(&x) : st;
    st = st == ASSAY_OK ? s->common.status : st;
    st = st == ASSAY_OK ? say_common(&x) : st;
    st = st == ASSAY_OK ? say_metrics(&x, records) : st;
    free(x.sieve);
    dup_matcher_release(&x.matcher);
    dup_set_release(&x.item_text);
    dup_set_release(&x.other_text);
    return st;
}
