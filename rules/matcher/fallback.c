/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine without Vectorscan: one Aho-Corasick automaton (Aho and Corasick, 1975) over the terms
 * of word rules and the literals of ANCHOR rules, in ASCII lower case; runs for RUN rules; PCRE2
 * over every field for the others. Nodes with many children have a full table, the others a short
 * sibling list, so that a lexicon of 100,000 terms stays in tens of megabytes.
 */
#include "rules/matcher/internal.h"

#define AC_DENSE 5 /* children from which a node gets a table */
#define AC_ROOT  0u

struct ac_node {
    uint32_t child;   /* first; 0: none */
    uint32_t sibling; /* next; 0: none */
    uint32_t fail;
    uint32_t out;      /* index + 1 of the first output here; 0: none */
    uint32_t out_link; /* nearest node on the failure path with outputs; 0: none */
    uint32_t dense;    /* index + 1 of the table; 0: list */
    unsigned char byte;
    uint16_t n_children;
};

struct ac_output {
    uint32_t id; /* term; or n_terms + rule */
    uint32_t next;
};

struct assay_automaton {
    struct ac_node *nodes;
    uint32_t n_nodes, cap_nodes;
    struct ac_output *outputs;
    uint32_t n_outputs, cap_outputs;
    uint32_t (*tables)[256];
    uint32_t n_terms;
    uint32_t *whole; /* rules matched over every field */
    uint32_t n_whole;
    uint32_t *run_rules;
    uint32_t n_run_rules;
    struct {
        uint32_t max, min; /* from the end of a literal to the start of the match */
    } * back;              /* by rule */
    unsigned char lower[256];
};

void assay_automaton_free(struct assay_automaton *a)
{
    if (a != NULL) {
        free(a->nodes);
        free(a->outputs);
        free(a->tables);
        free(a->whole);
        free(a->run_rules);
        free(a->back);
        free(a);
    }
}

/* ---- building ------------------------------------------------------------------------------- */

/* Room for one more; doubles. */
static int grow(void **items, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap) {
        return 1;
    }
    uint32_t want = *cap == 0 ? 1024 : *cap * 2;
    void *p = assay_realloc_array(*items, want, size);
    if (p == NULL) {
        return 0;
    }
    *items = p;
    *cap = want;
    return 1;
}

static uint32_t find_child(const struct assay_automaton *a, uint32_t node, unsigned char c)
{
    const struct ac_node *n = &a->nodes[node];
    if (n->dense != 0) {
        return a->tables[n->dense - 1][c];
    }
    uint32_t k = n->child;
    while (k != 0 && a->nodes[k].byte != c) {
        k = a->nodes[k].sibling;
    }
    return k;
}

static uint32_t add_child(struct assay_automaton *a, uint32_t node, unsigned char c)
{
    void *nodes = a->nodes;
    if (!grow(&nodes, a->n_nodes, &a->cap_nodes, sizeof *a->nodes)) {
        return 0;
    }
    a->nodes = nodes;
    uint32_t k = a->n_nodes++;
    a->nodes[k] = (struct ac_node){.byte = c, .sibling = a->nodes[node].child};
    a->nodes[node].child = k;
    a->nodes[node].n_children++;
    return k;
}

static int add_string(struct assay_automaton *a, const char *text, size_t len, uint32_t id)
{
    uint32_t node = AC_ROOT;
    for (size_t i = 0; i < len; i++) {
        uint32_t k = find_child(a, node, (unsigned char)text[i]);
        node = k != 0 ? k : add_child(a, node, (unsigned char)text[i]);
        if (node == 0) {
            return 0;
        }
    }
    void *outputs = a->outputs;
    if (!grow(&outputs, a->n_outputs, &a->cap_outputs, sizeof *a->outputs)) {
        return 0;
    }
    a->outputs = outputs;
    a->outputs[a->n_outputs] = (struct ac_output){id, a->nodes[node].out};
    a->nodes[node].out = ++a->n_outputs;
    return 1;
}

static uint32_t step(const struct assay_automaton *a, uint32_t node, unsigned char c)
{
    uint32_t k = find_child(a, node, c);
    while (k == 0 && node != AC_ROOT) {
        node = a->nodes[node].fail;
        k = find_child(a, node, c);
    }
    return k;
}

static void link_node(struct assay_automaton *a, uint32_t parent, uint32_t k)
{
    struct ac_node *n = &a->nodes[k];
    uint32_t f = parent == AC_ROOT ? AC_ROOT : step(a, a->nodes[parent].fail, n->byte);
    n->fail = f;
    n->out_link = a->nodes[f].out != 0 ? f : a->nodes[f].out_link;
}

/* Failure links in breadth-first order. */
static int link_all(struct assay_automaton *a)
{
    uint32_t *queue = assay_alloc_array(a->n_nodes, sizeof *queue), head = 0, tail = 0;
    if (queue == NULL) {
        return 0;
    }
    queue[tail++] = AC_ROOT;
    while (head < tail) {
        uint32_t parent = queue[head++];
        for (uint32_t k = a->nodes[parent].child; k != 0; k = a->nodes[k].sibling) {
            link_node(a, parent, k);
            queue[tail++] = k;
        }
    }
    free(queue);
    return 1;
}

static int make_tables(struct assay_automaton *a)
{
    uint32_t n = 1; /* the root always has one */
    for (uint32_t i = 1; i < a->n_nodes; i++) {
        n += a->nodes[i].n_children >= AC_DENSE;
    }
    a->tables = calloc(n, sizeof *a->tables);
    if (a->tables == NULL) {
        return 0;
    }
    n = 0;
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        if (i == AC_ROOT || a->nodes[i].n_children >= AC_DENSE) {
            for (uint32_t k = a->nodes[i].child; k != 0; k = a->nodes[k].sibling) {
                a->tables[n][a->nodes[k].byte] = k;
            }
            a->nodes[i].dense = ++n;
        }
    }
    return 1;
}

static int add_literals(struct assay_automaton *a, const struct assay_plan *p, uint32_t rule)
{
    const struct assay_literals *ls = p->literals;
    uint32_t min = UINT32_MAX, max = 0;
    for (unsigned i = 0; i < ls->n; i++) {
        uint32_t len = ls->len[i];
        min = len < min ? len : min;
        max = len > max ? len : max;
        if (!add_string(a, (const char *)ls->text[i], len, a->n_terms + rule)) {
            return 0;
        }
    }
    a->back[rule].min = assay_rx_add(p->before_min, min);
    a->back[rule].max = assay_rx_add(p->before_max, max);
    return 1;
}

static int has_literals(const struct assay_plan *p)
{
    for (unsigned i = 0; p->kind == ASSAY_PLAN_ANCHOR && i < p->literals->n; i++) {
        if (p->literals->len[i] == 0) {
            return 0;
        }
    }
    return p->kind == ASSAY_PLAN_ANCHOR && p->literals->n > 0;
}

static int add_rule(struct assay_automaton *a, const struct assay_matcher *m, uint32_t i)
{
    const struct assay_plan *p = &m->plans[i];
    if (m->rule[i]->detect != ASSAY_DETECT_PATTERN) {
        return 1;
    }
    if (has_literals(p)) {
        return add_literals(a, p, i);
    }
    if (p->kind == ASSAY_PLAN_RUN) {
        a->run_rules[a->n_run_rules++] = i;
    } else {
        a->whole[a->n_whole++] = i;
    }
    return 1;
}

static int build(struct assay_automaton *a, const struct assay_matcher *m)
{
    void *nodes = NULL;
    a->n_terms = m->terms.count;
    a->whole = assay_alloc_array(m->n_rules + 1u, sizeof *a->whole);
    a->run_rules = assay_alloc_array(m->n_rules + 1u, sizeof *a->run_rules);
    a->back = calloc(m->n_rules + 1u, sizeof *a->back);
    if (a->whole == NULL || a->run_rules == NULL || a->back == NULL ||
        !grow(&nodes, 0, &a->cap_nodes, sizeof *a->nodes)) {
        return 0;
    }
    a->nodes = nodes;
    a->nodes[a->n_nodes++] = (struct ac_node){.byte = 0};
    for (uint32_t i = 0; i < m->terms.count; i++) {
        const struct assay_term *t = &m->terms.items[i];
        if (!add_string(a, m->terms.text + t->at, t->len, i)) {
            return 0;
        }
    }
    for (uint32_t i = 0; i < m->n_rules; i++) {
        if (!add_rule(a, m, i)) {
            return 0;
        }
    }
    for (unsigned c = 0; c < 256; c++) {
        a->lower[c] = assay_ascii_lower((unsigned char)c);
    }
    return make_tables(a) && link_all(a);
}

enum assay_status assay_fallback_new(struct assay_matcher *m, struct assay_error *err)
{
    m->automaton = calloc(1, sizeof *m->automaton);
    if (m->automaton == NULL || !build(m->automaton, m)) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    }
    return ASSAY_OK;
}

/* ---- scanning ------------------------------------------------------------------------------- */

static void report(struct assay_scratch *s, uint32_t id, uint32_t end)
{
    const struct assay_automaton *a = s->m->automaton;
    if (id < a->n_terms) {
        assay_term_found(s, id, end);
    } else {
        uint32_t rule = id - a->n_terms;
        assay_candidate_try(s, rule, end, a->back[rule].max, a->back[rule].min);
    }
}

static void report_all(struct assay_scratch *s, uint32_t node, uint32_t end)
{
    const struct assay_automaton *a = s->m->automaton;
    for (uint32_t n = node; n != 0; n = a->nodes[n].out_link) {
        for (uint32_t o = a->nodes[n].out; o != 0; o = a->outputs[o - 1].next) {
            report(s, a->outputs[o - 1].id, end);
        }
    }
}

static void scan_automaton(struct assay_scratch *s)
{
    const struct assay_automaton *a = s->m->automaton;
    const unsigned char *text = (const unsigned char *)s->batch->text;
    uint32_t node = AC_ROOT;
    if (a->n_nodes == 1) {
        return;
    }
    for (uint32_t i = 0; i < s->batch->text_len; i++) {
        node = step(a, node, a->lower[text[i]]);
        if ((a->nodes[node].out | a->nodes[node].out_link) != 0) {
            report_all(s, node, i + 1);
        }
    }
}

/* The part of a run that lies in one field. */
static void try_run_in_field(struct assay_scratch *s, uint32_t rule, uint32_t field, uint32_t from,
                             uint32_t to)
{
    const struct assay_field *f = &s->batch->fields[field];
    uint32_t min_len = s->m->plans[rule].min_len;
    from = from > f->start ? from : f->start;
    to = to < f->start + f->len ? to : f->start + f->len;
    if (to > from && to - from >= min_len && assay_field_is_matched(f)) {
        assay_confirm_range(s, rule, field, from, to - min_len);
    }
}

/* Runs may reach over a separator when a rule's set holds it. */
static void try_run(struct assay_scratch *s, uint32_t rule, const struct assay_kept_run *r)
{
    const struct assay_batch *b = s->batch;
    uint32_t to = r->from + r->len, lo = 0, hi = b->n_fields;
    while (lo < hi) { /* the first field that ends after r->from */
        uint32_t mid = lo + (hi - lo) / 2;
        if (b->fields[mid].start + b->fields[mid].len <= r->from) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (; lo < b->n_fields && b->fields[lo].start < to; lo++) {
        try_run_in_field(s, rule, lo, r->from, to);
    }
}

static void scan_runs(struct assay_scratch *s)
{
    const struct assay_automaton *a = s->m->automaton;
    const struct assay_batch *b = s->batch;
    if (assay_runs_find(&s->m->runs, b->text, b->text_len, 1, s->runs) != ASSAY_OK) {
        s->status = ASSAY_NOMEM;
        return;
    }
    for (uint32_t k = 0; k < a->n_run_rules; k++) {
        const struct assay_plan *p = &s->m->plans[a->run_rules[k]];
        const struct assay_run_list *l = &s->runs[p->group];
        for (uint32_t i = 0; i < l->n_runs; i++) {
            const struct assay_kept_run *r = &l->runs[i];
            if (r->len >= p->min_len && r->digits >= p->digits && r->marks >= p->marks) {
                try_run(s, a->run_rules[k], r);
            }
        }
    }
}

void assay_fallback_scan(struct assay_scratch *s)
{
    const struct assay_automaton *a = s->m->automaton;
    scan_automaton(s);
    scan_runs(s);
    for (uint32_t k = 0; k < a->n_whole; k++) {
        for (uint32_t i = 0; i < s->batch->n_fields; i++) {
            if (assay_field_is_matched(&s->batch->fields[i])) {
                assay_confirm_field(s, a->whole[k], i);
            }
        }
    }
}
