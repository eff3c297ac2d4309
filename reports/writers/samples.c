/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples: the first findings of a rule in canonical order, so that equal audits show equal
 * examples. Memory is bounded: so many rules, so many findings each, strings cut.
 */
#include "reports/writers/common.h"

#include "core/limits.h"

#define TEXT_MAX 400 /* bytes kept of any one string */

typedef void cut_text(struct assay_buf *b, const char *s, size_t max);

static const char *keep(struct assay_arena *arena, const char *s, cut_text *shorten)
{
    if (s == NULL) {
        return NULL;
    }
    ASSAY_AUTO_BUF cut;
    assay_buf_init(&cut, TEXT_MAX + 16);
    shorten(&cut, s, TEXT_MAX);
    return assay_arena_strdup(arena, assay_buf_str(&cut));
}

static void copy_sample(struct assay_arena *arena, const struct assay_found *f,
                        struct assay_sample *ret)
{
    *ret = (struct assay_sample){
        .file = keep(arena, f->file, assay_put_cut_path),
        .field = keep(arena, f->field, assay_put_cut),
        .masked = keep(arena, f->masked, assay_put_cut),
        .detail = keep(arena, f->detail, assay_put_cut),
        .record = f->record,
        .start = f->start,
        .end = f->end,
        .offset = f->offset,
        .has_span = f->has_span,
        .has_offset = f->has_offset,
        .confidence = f->confidence,
        .members_total = f->members_total,
    };
    memcpy(ret->fingerprint, f->fingerprint, sizeof ret->fingerprint);
    for (size_t i = 0; i < f->n_members && i < ASSAY_SAMPLE_MEMBERS; i++) {
        ret->members[i].file = keep(arena, f->members[i].file, assay_put_cut_path);
        ret->members[i].record = f->members[i].record;
        ret->n_members++;
    }
}

static enum assay_status make_room(const struct assay_audit *a, const struct assay_totals *t,
                                   struct assay_samples *s)
{
    size_t n = assay_ruleset_count(assay_audit_rules(a));
    s->arena = assay_arena_new(
        s->n_rules * s->per_rule * ((ASSAY_SAMPLE_MEMBERS + 5) * (TEXT_MAX + 64)) + ASSAY_MIB(1));
    s->slot = assay_alloc_array(n + 1, sizeof *s->slot);
    s->rules = calloc(s->n_rules + 1, sizeof *s->rules);
    if (s->arena == NULL || s->slot == NULL || s->rules == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        s->slot[i] = ASSAY_NONE;
    }
    for (size_t i = 0; i < s->n_rules; i++) {
        s->slot[t->by_severity[i].rule] = (uint32_t)i;
        s->rules[i].items = assay_arena_array(s->arena, s->per_rule, sizeof *s->rules[i].items);
        if (s->rules[i].items == NULL) {
            return ASSAY_NOMEM;
        }
    }
    return ASSAY_OK;
}

/* How many samples there will be: known from the tally, so reading can stop early. */
static size_t wanted(const struct assay_totals *t, const struct assay_samples *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_rules; i++) {
        uint64_t have = t->by_severity[i].findings;
        n += have < s->per_rule ? (size_t)have : s->per_rule;
    }
    return n;
}

static enum assay_status read_samples(struct assay_cursor *c, size_t left, struct assay_samples *s,
                                      struct assay_error *err)
{
    while (left > 0) {
        struct assay_found f;
        enum assay_status st = assay_cursor_next(c, &f, err);
        if (st != ASSAY_OK) {
            return st == ASSAY_END ? ASSAY_OK : st;
        }
        uint32_t slot = s->slot[f.rule];
        if (slot != ASSAY_NONE && s->rules[slot].n < s->per_rule) {
            copy_sample(s->arena, &f, &s->rules[slot].items[s->rules[slot].n++]);
            left--;
        }
    }
    return ASSAY_OK;
}

enum assay_status assay_samples_collect(const struct assay_audit *a, const struct assay_totals *t,
                                        size_t max_rules, size_t per_rule,
                                        struct assay_samples *ret, struct assay_error *err)
{
    struct assay_cursor *c = NULL;
    *ret = (struct assay_samples){.n_rules = t->n < max_rules ? t->n : max_rules,
                                  .per_rule = per_rule};
    enum assay_status s = make_room(a, t, ret);
    if (s != ASSAY_OK) {
        assay_samples_release(ret);
        return assay_fail(err, s, "out of memory");
    }
    s = assay_cursor_open(a, &c, err);
    if (s == ASSAY_OK) {
        s = read_samples(c, wanted(t, ret), ret, err);
        assay_cursor_close(c);
    }
    if (s == ASSAY_OK && assay_arena_overflowed(ret->arena)) {
        s = assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    if (s != ASSAY_OK) {
        assay_samples_release(ret);
    }
    return s;
}

void assay_samples_release(struct assay_samples *s)
{
    assay_arena_free(s->arena);
    free(s->slot);
    free(s->rules);
    *s = (struct assay_samples){0};
}
