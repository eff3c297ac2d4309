/* SPDX-License-Identifier: Apache-2.0
 *
 * Word rules. An occurrence of a term is its text, with ASCII letters in any case unless the rule
 * says that case counts; a term with a CJK
 * code point counts anywhere, any other only where no word code point (letter or digit of a script
 * written with spaces) stands directly before or after. Han neighbours are no word code points, so
 * 这是shit吗 holds one. Every engine only has to report where term texts end; the rest is decided
 * here.
 */
#include "rules/matcher/internal.h"

#include "core/limits.h"
#include "core/utf8.h"

static size_t count_terms(const struct assay_rule *const *rule, uint32_t n_rules, size_t *ret_bytes)
{
    size_t n = 0, bytes = 0;
    for (uint32_t i = 0; i < n_rules; i++) {
        for (size_t k = 0; rule[i]->detect == ASSAY_DETECT_WORDS && k < rule[i]->n_words; k++) {
            bytes += rule[i]->words[k].text.len;
            n++;
        }
    }
    *ret_bytes = bytes;
    return n;
}

static void add_term(struct assay_terms *t, uint32_t rule, const struct assay_word *w, int caseless,
                     uint32_t *at)
{
    struct assay_word_term *term = &t->items[t->count];
    if (w->text.len == 0 || w->text.len > ASSAY_LIMIT_WORD) {
        return; /* the loader refuses these */
    }
    *term = (struct assay_word_term){rule, *at, (uint16_t)w->text.len, w->is_cjk,
                                     caseless ? NULL : w->text.ptr};
    for (size_t i = 0; i < w->text.len; i++) {
        t->text[*at + i] = (char)assay_ascii_lower((unsigned char)w->text.ptr[i]);
    }
    *at += (uint32_t)w->text.len;
    t->count++;
}

enum assay_status assay_terms_build(const struct assay_rule *const *rule, uint32_t n_rules,
                                    struct assay_terms *ret)
{
    size_t bytes = 0, n = count_terms(rule, n_rules, &bytes);
    uint32_t at = 0;
    if (n > ASSAY_LIMIT_WORDS) {
        return ASSAY_LIMIT;
    }
    ret->items = assay_alloc_array(n + 1, sizeof *ret->items);
    ret->text = malloc(bytes + 1);
    if (ret->items == NULL || ret->text == NULL) {
        return ASSAY_NOMEM;
    }
    for (uint32_t i = 0; i < n_rules; i++) {
        for (size_t k = 0; rule[i]->detect == ASSAY_DETECT_WORDS && k < rule[i]->n_words; k++) {
            add_term(ret, i, &rule[i]->words[k], rule[i]->caseless, &at);
        }
    }
    return ASSAY_OK;
}

void assay_terms_release(struct assay_terms *t)
{
    free(t->items);
    free(t->text);
    memset(t, 0, sizeof *t);
}

static int is_word_at(const char *p, const char *end)
{
    uint32_t cp = (unsigned char)*p;
    if (cp >= 0x80) {
        (void)assay_utf8_decode(p, end, &cp);
        return assay_cp_is_word(cp);
    }
    return (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z');
}

int assay_term_stands(struct assay_bytes value, uint32_t start, uint32_t end, int is_cjk)
{
    const char *p = value.ptr + start, *stop = value.ptr + value.len;
    if (is_cjk) {
        return 1;
    }
    if (end < value.len && is_word_at(value.ptr + end, stop)) {
        return 0;
    }
    if (start == 0) {
        return 1;
    }
    do {
        p--;
    } while (p > value.ptr && ((unsigned char)*p & 0xc0) == 0x80);
    return !is_word_at(p, stop);
}

int assay_term_is(const struct assay_word_term *t, const char *at)
{
    return t->exact == NULL || memcmp(at, t->exact, t->len) == 0;
}

void assay_term_note(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t start,
                     uint32_t end)
{
    if (s->n_occurrences == s->cap_occurrences) {
        uint32_t cap = s->cap_occurrences == 0 ? 256 : s->cap_occurrences * 2;
        struct assay_match *p = assay_realloc_array(s->occurrences, cap, sizeof *p);
        if (p == NULL) {
            s->status = ASSAY_NOMEM;
            return;
        }
        s->occurrences = p;
        s->cap_occurrences = cap;
    }
    s->occurrences[s->n_occurrences++] = (struct assay_match){rule, field, start, end};
}

void assay_term_found(struct assay_scratch *s, uint32_t term, uint32_t end)
{
    const struct assay_word_term *t = &s->m->terms.items[term];
    uint32_t field = assay_field_at(s, end - 1);
    if (field == ASSAY_NONE) {
        return;
    }
    const struct assay_field *f = &s->batch->fields[field];
    if (end - f->start < t->len) {
        return;
    }
    uint32_t stop = end - f->start, start = stop - t->len;
    struct assay_bytes value = assay_batch_value(s->batch, field);
    if (assay_term_is(t, value.ptr + start) && assay_term_stands(value, start, stop, t->is_cjk)) {
        assay_term_note(s, t->rule, field, start, stop);
    }
}

/* (rule, field, start, longest first) */
static int compare_occurrences(const void *pa, const void *pb)
{
    const struct assay_match *a = pa, *b = pb;
    if (a->rule != b->rule) {
        return a->rule < b->rule ? -1 : 1;
    }
    if (a->field != b->field) {
        return a->field < b->field ? -1 : 1;
    }
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return a->end != b->end ? (a->end > b->end ? -1 : 1) : 0;
}

void assay_terms_resolve(struct assay_scratch *s)
{
    uint32_t rule = ASSAY_NONE, field = ASSAY_NONE, pos = 0;
    if (s->n_occurrences == 0) {
        return;
    }
    qsort(s->occurrences, s->n_occurrences, sizeof *s->occurrences, compare_occurrences);
    for (uint32_t i = 0; i < s->n_occurrences; i++) {
        const struct assay_match *o = &s->occurrences[i];
        if (o->rule != rule || o->field != field) {
            rule = o->rule;
            field = o->field;
            pos = 0;
        }
        if (o->start >= pos) {
            assay_match_push(s, rule, field, o->start, o->end);
            pos = o->end;
        }
    }
}
