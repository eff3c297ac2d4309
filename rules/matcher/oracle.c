/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition of right: every pattern rule by PCRE2 over every field, every word rule by trying
 * every term at every position. No candidates, no derivation, nothing clever.
 */
#include "rules/matcher/internal.h"

static int term_at(const char *term, uint32_t len, struct assay_bytes value, uint32_t start)
{
    if (value.len - start < len) {
        return 0;
    }
    for (uint32_t i = 0; i < len; i++) {
        if ((char)assay_ascii_lower((unsigned char)value.ptr[start + i]) != term[i]) {
            return 0;
        }
    }
    return 1;
}

/* Terms [first, last) belong to one rule. The longest one at `start`; 0: none. */
static uint32_t longest_at(const struct assay_terms *t, uint32_t first, uint32_t last,
                           struct assay_bytes value, uint32_t start)
{
    uint32_t best = 0;
    char first_byte = (char)assay_ascii_lower((unsigned char)value.ptr[start]);
    for (uint32_t i = first; i < last; i++) {
        const struct assay_word_term *w = &t->items[i];
        if (w->len > best && t->text[w->at] == first_byte &&
            term_at(t->text + w->at, w->len, value, start) && assay_term_is(w, value.ptr + start) &&
            assay_term_stands(value, start, start + w->len, w->is_cjk)) {
            best = w->len;
        }
    }
    return best;
}

static void scan_words(struct assay_scratch *s, uint32_t first, uint32_t last)
{
    const struct assay_terms *t = &s->m->terms;
    for (uint32_t f = 0; f < s->batch->n_fields; f++) {
        struct assay_bytes value = assay_batch_value(s->batch, f);
        uint32_t len = assay_field_is_matched(&s->batch->fields[f]) ? (uint32_t)value.len : 0;
        for (uint32_t at = 0, n; at < len; at += n != 0 ? n : 1) {
            n = longest_at(t, first, last, value, at);
            if (n != 0) {
                assay_match_push(s, t->items[first].rule, f, at, at + n);
            }
        }
    }
}

static void scan_pattern(struct assay_scratch *s, uint32_t rule)
{
    for (uint32_t f = 0; f < s->batch->n_fields; f++) {
        if (assay_field_is_matched(&s->batch->fields[f])) {
            assay_confirm_field(s, rule, f);
        }
    }
}

void assay_oracle_scan(struct assay_scratch *s)
{
    const struct assay_terms *t = &s->m->terms;
    for (uint32_t i = 0; i < s->m->n_rules; i++) {
        if (s->m->rule[i]->detect == ASSAY_DETECT_PATTERN) {
            scan_pattern(s, i);
        }
    }
    for (uint32_t first = 0, last; first < t->count; first = last) {
        last = first + 1;
        while (last < t->count && t->items[last].rule == t->items[first].rule) {
            last++;
        }
        scan_words(s, first, last);
    }
}
