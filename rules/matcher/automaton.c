/* SPDX-License-Identifier: Apache-2.0
 *
 * The literal search without Vectorscan: an automaton after Aho and Corasick (1975) over ASCII
 * lower case. Nodes with many children have a full table, the others a short sibling list, so that
 * a lexicon of 100,000 terms stays in tens of megabytes.
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
    uint32_t id;
    uint32_t next;
};

struct assay_automaton {
    struct ac_node *nodes;
    uint32_t n_nodes, cap_nodes;
    struct ac_output *outputs;
    uint32_t n_outputs, cap_outputs;
    uint32_t (*tables)[256];
    unsigned char lower[256];
};

void assay_automaton_free(struct assay_automaton *a)
{
    if (a != NULL) {
        free(a->nodes);
        free(a->outputs);
        free(a->tables);
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

static int build(struct assay_automaton *a, const struct assay_literal_table *t)
{
    void *nodes = NULL;
    if (!grow(&nodes, 0, &a->cap_nodes, sizeof *a->nodes)) {
        return 0;
    }
    a->nodes = nodes;
    a->nodes[a->n_nodes++] = (struct ac_node){.byte = 0};
    for (uint32_t i = 0; i < t->count; i++) {
        if (!add_string(a, t->items[i].text, t->items[i].len, t->items[i].id)) {
            return 0;
        }
    }
    for (unsigned c = 0; c < 256; c++) {
        a->lower[c] = assay_ascii_lower((unsigned char)c);
    }
    return make_tables(a) && link_all(a);
}

enum assay_status assay_automaton_new(struct assay_matcher *m, struct assay_error *err)
{
    m->automaton = calloc(1, sizeof *m->automaton);
    if (m->automaton == NULL || !build(m->automaton, &m->literals)) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while compiling rules");
    }
    return ASSAY_OK;
}

/* ---- searching ------------------------------------------------------------------------------ */

static void report_all(struct assay_scratch *s, uint32_t node, uint32_t end)
{
    const struct assay_automaton *a = s->m->automaton;
    for (uint32_t n = node; n != 0; n = a->nodes[n].out_link) {
        for (uint32_t o = a->nodes[n].out; o != 0; o = a->outputs[o - 1].next) {
            assay_literal_found(s, a->outputs[o - 1].id, end);
        }
    }
}

void assay_automaton_search(struct assay_scratch *s)
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
