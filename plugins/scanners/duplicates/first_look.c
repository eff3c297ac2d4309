/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/first_look.c: see the header.
 */
#include "first_look.h"

#include "../common/state.h"
#include "answers.h"
#include "local.h"

#define SEED_BYTES    UINT64_C(0)
#define SEED_FORM     UINT64_C(1)
#define SEED_ASKED    UINT64_C(3)
#define SEED_ANSWERED UINT64_C(4)
#define SEED_SHORT    UINT64_C(2)

#define SAID 96

/* The normal form of a record's text into l->text. */
static enum assay_status normalise(struct dup_local *l, const struct assay_batch *b,
                                   const struct assay_record *r)
{
    dup_text_clear(&l->text);
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = r->first_field; i < r->first_field + r->n_fields && st == ASSAY_OK; i++) {
        if (dup_mask_has(&l->mask, &b->fields[i])) {
            st = dup_text_add(&l->text, l->shared->host, assay_batch_value(b, i));
        }
    }
    return st;
}

/* Fills the keys of a record that is not empty. *ret_short: its text is too little to compare. */
static enum assay_status record_keys(struct dup_local *l, const struct assay_batch *b,
                                     const struct assay_record *r, struct dup_entry *e,
                                     int *ret_short)
{
    const struct assay_host *host = l->shared->host;
    uint64_t bytes[2];
    enum assay_status st = ASSAY_OK;
    int by_bytes = 1;
    host->hash128(host->ctx, r->raw.ptr, r->raw.len, SEED_BYTES, bytes);
    e->variant = bytes[0];
    *ret_short = 0;
    if (l->shared->min_chars > 0) {
        st = normalise(l, b, r);
        by_bytes = *ret_short = !dup_text_has(&l->text, l->shared->min_chars);
        l->counts[DUP_COUNT_SHORT] += (uint64_t)by_bytes;
    }
    if (by_bytes) {
        host->hash128(host->ctx, bytes, sizeof bytes, SEED_SHORT, e->key);
    } else {
        host->hash128(host->ctx, l->text.buf, l->text.len, SEED_FORM, e->key);
    }
    return st;
}

/* The band keys of a record's text. *skipped is set when there is too much of it. */
static enum assay_status sketch(struct dup_local *l, const struct assay_batch *b,
                                const struct assay_record *r, uint64_t id, int *skipped)
{
    const struct dup_shared *s = l->shared;
    struct dup_table *t = &l->tables[DUP_TABLE_BANDS];
    enum assay_status st = dup_shingler_read(&l->shingler, &l->mask, s->host, b, r);
    if (st == ASSAY_LIMIT) {
        l->counts[DUP_COUNT_LONG]++;
        *skipped = 1;
        return ASSAY_OK;
    }
    if (st != ASSAY_OK || l->shingler.tokens.n == 0) {
        return st;
    }
    size_t max =
        t->cap - t->n >= s->near.bands.bands ? SIZE_MAX : dup_table_most(s, DUP_TABLE_BANDS);
    l->counts[DUP_COUNT_SKETCHED]++;
    return dup_near_add(&s->near, &l->shingler, s->host, t, max, id);
}

/* The n-grams of a record's text. *skipped is set when there is too much of it. */
static enum assay_status add_grams(struct dup_local *l, const struct assay_batch *b,
                                   const struct assay_record *r, uint64_t place, int *skipped)
{
    const struct dup_shared *s = l->shared;
    int is_long = 0;
    enum assay_status st = dup_spots_read(&l->spots, s->host, &l->mask, b, r);
    if (st == ASSAY_OK) {
        st = dup_spans_add(&s->spans, &l->spots, s->host, &l->tables[DUP_TABLE_GRAMS],
                           dup_table_most(s, DUP_TABLE_GRAMS), place, &is_long);
    }
    if (st == ASSAY_LIMIT) {
        *skipped = 1;
        return ASSAY_OK;
    }
    if (!is_long) {
        l->counts[DUP_COUNT_BRIEF]++;
        dup_across_brief(&l->across);
    }
    return st;
}

/* Keeps the text's shingles for the index that is being made, or looks the record up in those that
 * were made before. */
static enum assay_status compare_earlier(struct dup_local *l, const struct assay_batch *b,
                                         const struct assay_record *r, const struct dup_entry *e,
                                         struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_shingler *sh = &l->shingler;
    enum assay_status st = ASSAY_OK;
    if (s->earlier.write != NULL && sh->n_keys > 0 && sh->n > 0) {
        const size_t n = dup_shingle_set(sh->shingles, sh->n);
        st = dup_keep_add(&l->keep, s->host, dup_table_most(s, DUP_TABLE_BANDS), e->key[0],
                          sh->shingles, n);
    }
    if (st == ASSAY_OK && s->earlier.lookup.n > 0) {
        const struct dup_keys keys = {e,     sh->keys,         sh->n_keys, sh->shingles,
                                      sh->n, s->near.threshold};
        st = dup_earlier_check(&s->earlier, &s->accepted, &keys, b, (uint32_t)(r - b->records),
                               s->rule[DUP_RULE_DELIVERED], &l->delivered, sink);
    }
    return st;
}

/* A record with two sides, handed over; as different when it was accepted that they are the same.
 * `group`: what names it, the hash of the prompt so far. */
static enum assay_status hand_sides(struct dup_local *l, struct dup_preference *p,
                                    uint64_t group[DUP_GROUP_WORDS], struct assay_sink *sink)
{
    const struct dup_accepted *a = &l->shared->accepted;
    const struct assay_host *host = l->shared->host;
    struct dup_digest digest = {{0, 0}};
    char said[SAID] = "";
    if (p->same && dup_accepted_asks(a)) {
        host->hash128(host->ctx, l->turns.left.buf, l->turns.left.len, SEED_ANSWERED, group + 2);
        p->same = !dup_accepted_group(a, DUP_GROUP_PREFERENCE, group, DUP_GROUP_WORDS, &digest);
        l->counts[DUP_COUNT_SET_ASIDE] += (uint64_t)!p->same;
        dup_digest_say(a, DUP_GROUP_PREFERENCE, digest, said, sizeof said);
    }
    p->said = said;
    return dup_answers_prefer(p, sink);
}

/* What is asked and answered, and sides. */
static enum assay_status look_at_turns(struct dup_local *l, const struct assay_batch *b,
                                       const struct assay_record *r, uint64_t place,
                                       struct assay_sink *sink)
{
    const struct assay_host *host = l->shared->host;
    const uint64_t least = l->shared->min_chars > 0 ? l->shared->min_chars : DUP_DEFAULT_MIN_CHARS;
    struct dup_turns *t = &l->turns;
    struct dup_entry e = {.place = place};
    uint64_t answer[2], group[DUP_GROUP_WORDS] = {0};
    struct dup_preference p = {.file = b->file, .ordinal = r->ordinal};
    int both;
    enum assay_status st = dup_turns_answer(t, host, b, r, &both);
    if (st == ASSAY_OK && both && dup_text_has(&t->left, least)) {
        host->hash128(host->ctx, t->left.buf, t->left.len, SEED_ASKED, e.key);
        host->hash128(host->ctx, t->right.buf, t->right.len, SEED_ANSWERED, answer);
        e.variant = answer[0];
        l->counts[DUP_COUNT_ANSWERS]++;
        st = dup_local_add(l, DUP_TABLE_ANSWERS, &e);
    }
    if (st == ASSAY_OK && dup_accepted_asks(&l->shared->accepted)) {
        host->hash128(host->ctx, t->left.buf, t->left.len, SEED_ASKED, group);
    }
    st = st == ASSAY_OK ? dup_turns_sides(t, host, b, r, &p.field, &p.same) : st;
    p.record = (uint32_t)(r - b->records);
    return st != ASSAY_OK || p.field == ASSAY_NONE ? st : hand_sides(l, &p, group, sink);
}

/* What the record belongs to. */
static enum assay_status add_marks(struct dup_local *l, const struct assay_batch *b,
                                   const struct assay_record *r, uint64_t place)
{
    const struct dup_across_marks m = dup_across_record(&l->shared->across, &l->across, b, r);
    enum assay_status st = dup_local_mark(l, DUP_TABLE_SPLITS, place, m.split);
    return st == ASSAY_OK ? dup_local_mark(l, DUP_TABLE_SOURCES, place, m.source) : st;
}

static enum assay_status scan_record(struct dup_local *l, const struct assay_batch *b,
                                     const struct assay_record *r, struct assay_sink *sink)
{
    struct dup_entry e;
    int is_short, skipped = 0;
    l->counts[DUP_COUNT_RECORDS]++;
    if (!dup_place_fits(b->file, r->ordinal)) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, r->raw.len);
        return ASSAY_OK;
    }
    e.place = dup_place(b->file, r->ordinal);
    enum assay_status st = add_marks(l, b, r, e.place);
    if (r->raw.len == 0 || st != ASSAY_OK) {
        l->counts[DUP_COUNT_EMPTY] += r->raw.len == 0;
        return st;
    }
    st = record_keys(l, b, r, &e, &is_short);
    st = st == ASSAY_OK ? dup_local_add(l, DUP_TABLE_RECORDS, &e) : st;
    if (st == ASSAY_OK && l->shared->spans.mode != DUP_SPANS_OFF) {
        st = add_grams(l, b, r, e.place, &skipped);
    }
    l->shingler.n_keys = 0;
    if (st == ASSAY_OK && l->shared->near.on && !is_short) {
        st = sketch(l, b, r, e.key[0], &skipped);
    }
    if (skipped) { /* once, for whatever was not searched */
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, r->raw.len);
    }
    st = st == ASSAY_OK ? compare_earlier(l, b, r, &e, sink) : st;
    return st == ASSAY_OK && l->turns.any ? look_at_turns(l, b, r, e.place, sink) : st;
}

enum assay_status dup_first_scan(const void *shared, void *local, const struct assay_scan_input *in,
                                 struct assay_sink *sink)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = local;
    enum assay_status st = dup_mask_set(&l->mask, &s->chosen, in->batch);
    st = st == ASSAY_OK && s->answers ? dup_turns_batch(&l->turns, in->batch) : st;
    for (uint32_t i = 0; i < in->batch->n_records && st == ASSAY_OK; i++) {
        st = scan_record(l, in->batch, &in->batch->records[i], sink);
    }
    return st;
}

/* ---- files -------------------------------------------------------------------------------------
 */

/* Whether the digest is that of the whole file. */
static int is_hashed(const struct assay_file *f)
{
    static const uint8_t none[sizeof f->sha256];
    return memcmp(f->sha256, none, sizeof none) != 0 && f->status != ASSAY_CHANGED &&
           f->status != ASSAY_CANCELLED && f->status != ASSAY_IO;
}

enum assay_status dup_first_file(const void *shared, void *local, const struct assay_file *file,
                                 struct assay_sink *sink)
{
    struct dup_local *l = local;
    struct dup_entry e = {.variant = 0};
    (void)shared;
    l->counts[DUP_COUNT_FILES]++;
    dup_across_file(&l->shared->across, &l->across, file->index);
    if (file->bytes == 0 || !is_hashed(file)) {
        return ASSAY_OK;
    }
    if (!dup_place_fits(file->index, 0)) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 0, file->bytes);
        return ASSAY_OK;
    }
    struct state_in digest = {assay_bytes_make((const char *)file->sha256, 16), 0};
    e.key[0] = state_take_u64(&digest);
    e.key[1] = state_take_u64(&digest);
    e.place = dup_place(file->index, 0);
    return dup_local_add(l, DUP_TABLE_FILES, &e);
}
