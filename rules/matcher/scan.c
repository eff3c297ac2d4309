/* SPDX-License-Identifier: Apache-2.0
 *
 * One batch through the fast engines: literals over the whole text, then runs, then the rules that
 * have neither. The engines differ only in who searches the literals.
 */
#include "rules/matcher/internal.h"

static void scan_literals(struct assay_scratch *s)
{
    if (s->m->engine == ASSAY_ENGINE_VECTORSCAN) {
        assay_vs_search(s);
    } else {
        assay_automaton_search(s);
    }
    assay_candidates_sort(s);
    for (uint32_t i = 0; i < s->n_candidates; i++) {
        assay_candidate_try(s, s->candidates[i].rule, s->candidates[i].end);
    }
}

static uint32_t minus(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

/* The part of a run that lies in one field. */
static void try_run_in_field(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t from,
                             uint32_t to)
{
    const struct assay_field *f = &s->batch->fields[field];
    const struct assay_rule_plan *p = &s->m->plans[rule];
    from = from > f->start ? from : f->start;
    to = to < f->start + f->len ? to : f->start + f->len;
    if (to <= from || to - from < p->min_len || !assay_field_is_matched(f)) {
        return;
    }
    if (p->weak) {
        assay_confirm_field(s, rule, field);
    } else if (to - f->start - p->min_len >= p->before_min) {
        from = minus(from, p->before_max);
        assay_confirm_range(s, rule, field, from > f->start ? from : f->start,
                            to - p->min_len - p->before_min);
    }
}

/* Runs may reach over a separator when a rule's set holds it. */
static void try_run(struct assay_scratch *s, uint32_t rule, const struct assay_kept_run *r)
{
    const struct assay_batch *b = s->batch;
    uint32_t i = r->field, to = r->from + r->len;
    for (; i < b->n_fields && b->fields[i].start < to; i++) {
        try_run_in_field(s, rule, i, r->from, to);
    }
}

/* The first field that ends after each run begins; runs and fields both ascend. */
static void locate_runs(struct assay_scratch *s, struct assay_run_list *l)
{
    const struct assay_batch *b = s->batch;
    uint32_t f = 0;
    for (uint32_t i = 0; i < l->n_runs; i++) {
        while (f < b->n_fields && b->fields[f].start + b->fields[f].len <= l->runs[i].from) {
            f++;
        }
        l->runs[i].field = f;
    }
}

static void scan_runs(struct assay_scratch *s)
{
    const struct assay_matcher *m = s->m;
    if (m->n_run_rules == 0) {
        return;
    }
    if (assay_runs_find(&m->runs, s->batch->text, s->batch->text_len, 1, s->runs) != ASSAY_OK) {
        s->status = ASSAY_NOMEM;
        return;
    }
    for (unsigned g = 0; g < ASSAY_RUN_GROUPS; g++) {
        locate_runs(s, &s->runs[g]);
    }
    for (uint32_t k = 0; k < m->n_run_rules; k++) {
        const struct assay_rule_plan *p = &m->plans[m->run_rules[k]];
        const struct assay_run_list *l = &s->runs[p->group];
        for (uint32_t i = 0; i < l->n_runs; i++) {
            const struct assay_kept_run *r = &l->runs[i];
            if (r->len >= p->min_len && r->digits >= p->digits && r->marks >= p->marks) {
                try_run(s, m->run_rules[k], r);
            }
        }
    }
}

void assay_fast_scan(struct assay_scratch *s)
{
    scan_literals(s);
    scan_runs(s);
    for (uint32_t k = 0; k < s->m->n_whole_rules; k++) {
        for (uint32_t i = 0; i < s->batch->n_fields; i++) {
            if (assay_field_is_matched(&s->batch->fields[i])) {
                assay_confirm_field(s, s->m->whole_rules[k], i);
            }
        }
    }
}
