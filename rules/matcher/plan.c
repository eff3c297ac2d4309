/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing the factor. A literal lead is worth -log2 of how often it is met in mixed English and
 * Chinese prose, from a coarse table: only the order of the choices depends on it, never the
 * result.
 */
#include "rules/matcher/plan.h"

#define PLAN_ELEMENTS   256
#define PLAN_FACTOR_MAX 64 /* bytes: width of F */
#define PLAN_BITS_GOOD  15 /* a lead this rare is searched everywhere */
#define PLAN_BITS_FAIR  10 /* ... unless the rule can be confined to runs */
#define PLAN_RUN_LONG   20 /* bytes: so long a run needs one digit or [:-] only */
#define PLAN_LONG_MIN   12 /* bytes: runs of such a length without any space are rare */

/* The pattern's top-level concatenation. */
struct elements {
    const struct assay_rx *item[PLAN_ELEMENTS];
    unsigned n;
};

static void flatten(struct elements *es, const struct assay_rx *n)
{
    if (n->kind == ASSAY_RX_CAT) {
        for (const struct assay_rx *c = n->first; c != NULL && es->n < PLAN_ELEMENTS; c = c->next) {
            flatten(es, c);
        }
    } else if (n->kind == ASSAY_RX_REP && n->rmin == 1 && n->rmax == 1) {
        flatten(es, n->first);
    } else if (n->kind != ASSAY_RX_EMPTY && es->n < PLAN_ELEMENTS) {
        es->item[es->n++] = n;
    }
}

/* ---- literal leads -------------------------------------------------------------------------- */

static unsigned char lower(unsigned c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
}

/* Bytes of the set in lower case, without repeats; 0 when there are more than `cap`. */
static unsigned small_set(const struct assay_byteset *set, unsigned char *out, unsigned cap)
{
    struct assay_byteset folded = {{0}};
    unsigned n = 0;
    for (unsigned c = 0; c < 256; c++) {
        if (assay_byteset_has(set, (unsigned char)c) && !assay_byteset_has(&folded, lower(c))) {
            assay_byteset_add(&folded, lower(c));
            if (n == cap) {
                return 0;
            }
            out[n++] = lower(c);
        }
    }
    return n;
}

static int expand(struct assay_literals *ls, const struct assay_rx *n);

static int expand_class(struct assay_literals *ls, const struct assay_byteset *set)
{
    unsigned char bytes[4];
    unsigned k = small_set(set, bytes, sizeof bytes), n = ls->n;
    if (k == 0 || n * k > ASSAY_PLAN_LITERALS) {
        return 0;
    }
    for (unsigned i = 0; i < n; i++) {
        if (ls->len[i] == ASSAY_PLAN_LITERAL_MAX) {
            return 0;
        }
    }
    for (unsigned j = k; j-- > 0;) {
        for (unsigned i = 0; i < n; i++) {
            unsigned to = j * n + i;
            memmove(ls->text[to], ls->text[i], ls->len[i]);
            ls->text[to][ls->len[i]] = bytes[j];
        }
    }
    for (unsigned to = n * k; to-- > 0;) {
        ls->len[to] = (uint8_t)(ls->len[to % n] + 1);
    }
    ls->n = n * k;
    return 1;
}

/* The union over the branches; 0 as soon as one branch stopped short. */
static int expand_alt(struct assay_literals *ls, const struct assay_rx *alt)
{
    struct assay_literals sum = {.n = 0};
    int full = 1;
    for (const struct assay_rx *c = alt->first; c != NULL; c = c->next) {
        struct assay_literals one = *ls;
        full &= expand(&one, c);
        if (sum.n + one.n > ASSAY_PLAN_LITERALS) {
            return 0;
        }
        memcpy(sum.len + sum.n, one.len, one.n);
        memcpy(sum.text + sum.n, one.text, one.n * sizeof one.text[0]);
        sum.n += one.n;
    }
    *ls = sum;
    return full;
}

static int expand_repeat(struct assay_literals *ls, const struct assay_rx *rep)
{
    for (uint32_t i = 0; i < rep->rmin; i++) {
        if (i == ASSAY_PLAN_LITERAL_MAX || !expand(ls, rep->first)) {
            return 0;
        }
    }
    return rep->rmin == rep->rmax;
}

/* Extends every literal of `ls` by what `n` must begin with; 1 when that is all of `n`, so that the
 * next element may follow. On 0 the literals are still right, only not extendable. */
static int expand(struct assay_literals *ls, const struct assay_rx *n)
{
    switch (n->kind) {
    case ASSAY_RX_EMPTY:
        return 1;
    case ASSAY_RX_CLASS:
        return expand_class(ls, &n->set);
    case ASSAY_RX_ALT:
        return expand_alt(ls, n);
    case ASSAY_RX_REP:
        return expand_repeat(ls, n);
    case ASSAY_RX_CAT:
        for (const struct assay_rx *c = n->first; c != NULL; c = c->next) {
            if (!expand(ls, c)) {
                return 0;
            }
        }
        return 1;
    case ASSAY_RX_OPAQUE:
        break;
    }
    return 0;
}

static unsigned byte_bits(unsigned char c)
{
    static const char *const sets[] = {
        [3] = " ", [6] = ".,", [7] = "-'\"", [8] = ":/()\n", [11] = "@"};
    if (c >= 'a' && c <= 'z') {
        return 5;
    }
    if (c >= '0' && c <= '9') {
        return 4;
    }
    if (c >= 0x80) {
        return c <= 0xbf ? 6 : (c >= 0xe4 && c <= 0xe9 ? 3 : 8);
    }
    for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (sets[i] != NULL && c != '\0' && strchr(sets[i], c) != NULL) {
            return i;
        }
    }
    return 9;
}

/* Leads of the elements from `i` on, and how rare they are in bits (0: no literal). */
static unsigned lead(const struct elements *es, unsigned i, struct assay_literals *ls)
{
    unsigned bits = UINT32_MAX, many = 0;
    *ls = (struct assay_literals){.n = 1};
    while (i < es->n && expand(ls, es->item[i])) {
        i++;
    }
    for (unsigned k = 0; k < ls->n; k++) {
        unsigned sum = 0;
        for (unsigned j = 0; j < ls->len[k]; j++) {
            sum += byte_bits(ls->text[k][j]);
        }
        bits = sum < bits ? sum : bits;
    }
    while ((1u << many) < ls->n) {
        many++;
    }
    return bits > many ? bits - many : 0;
}

static unsigned best_lead(const struct elements *es, unsigned *ret_bits)
{
    struct assay_literals ls;
    unsigned best = 0;
    *ret_bits = 0;
    for (unsigned i = 0; i < es->n; i++) {
        unsigned bits = lead(es, i, &ls);
        bits = bits > 40 ? 40 : bits; /* rare enough: prefer the earlier one */
        if (bits > *ret_bits) {
            *ret_bits = bits;
            best = i;
        }
    }
    return best;
}

/* ---- the factor ----------------------------------------------------------------------------- */

struct builder {
    struct assay_arena *arena;
    struct assay_plan *plan;
    struct assay_rx *cat, **tail;
    int open_left; /* P ends with more of F's first element */
};

static int append(struct builder *b, const struct assay_rx *child, uint32_t min, uint32_t max)
{
    struct assay_rx *n = assay_rx_repeat(b->arena, child, min, max);
    if (n == NULL) {
        return 0;
    }
    *b->tail = n;
    b->tail = &n->next;
    b->cat->min = assay_rx_add(b->cat->min, n->min);
    b->cat->max = assay_rx_add(b->cat->max, n->max);
    assay_byteset_union(&b->plan->walk, &n->set);
    return 1;
}

/* Appends an element, whole when it fits; 0 when F ends here (F then matches a beginning of it). */
static int append_element(struct builder *b, const struct assay_rx *e, int may_open)
{
    const struct assay_rx *child = e->kind == ASSAY_RX_REP ? e->first : e;
    uint32_t min = e->kind == ASSAY_RX_REP ? e->rmin : 1;
    uint32_t max = e->kind == ASSAY_RX_REP ? e->rmax : 1;
    uint32_t room = PLAN_FACTOR_MAX - b->cat->max;
    if (child->max == ASSAY_RX_INF || child->max == 0) {
        return 0;
    }
    if (max <= room / child->max) {
        return append(b, child, min, max);
    }
    uint32_t k = min < room / child->max ? min : room / child->max;
    if (k > 0 && !append(b, child, k, k)) {
        return 0;
    }
    if (may_open && k == min && k > 0) {
        b->open_left = 1;
        return 1;
    }
    return 0;
}

/* F from element `i`; 0 when it would be empty. */
static int build_factor(struct assay_arena *a, const struct elements *es, unsigned i,
                        struct assay_plan *plan)
{
    struct builder b = {.arena = a, .plan = plan};
    b.cat = assay_arena_alloc(a, sizeof *b.cat);
    if (b.cat == NULL) {
        return 0;
    }
    b.cat->kind = ASSAY_RX_CAT;
    b.tail = &b.cat->first;
    for (unsigned j = 0; j < i; j++) {
        plan->before_min = assay_rx_add(plan->before_min, es->item[j]->min);
        plan->before_max = assay_rx_add(plan->before_max, es->item[j]->max);
        assay_byteset_union(&plan->walk, &es->item[j]->set);
    }
    for (unsigned j = i; j < es->n; j++) {
        if (!append_element(&b, es->item[j], j == i && j + 1 < es->n)) {
            break;
        }
    }
    if (assay_arena_overflowed(a) || b.cat->min == 0) {
        return 0;
    }
    plan->before_max = b.open_left ? ASSAY_RX_INF : plan->before_max;
    plan->back_min = assay_rx_add(plan->before_min, b.cat->min);
    plan->back_max = assay_rx_add(plan->before_max, b.cat->max);
    plan->factor = b.cat;
    return 1;
}

/* ---- runs ----------------------------------------------------------------------------------- */

static unsigned count_range(const struct assay_byteset *s, unsigned lo, unsigned hi)
{
    unsigned n = 0;
    for (unsigned c = lo; c <= hi; c++) {
        n += (unsigned)assay_byteset_has(s, (unsigned char)c);
    }
    return n;
}

static enum assay_run_group run_group(const struct assay_byteset *s)
{
    unsigned lo = count_range(s, 'a', 'z'), up = count_range(s, 'A', 'Z');
    if (lo + up <= 4) {
        return ASSAY_RUN_NUMERIC;
    }
    if (count_range(s, 'g', 'z') + count_range(s, 'G', 'Z') == 0) {
        return ASSAY_RUN_HEX;
    }
    return lo == 0 ? ASSAY_RUN_UPPER : ASSAY_RUN_ANY;
}

/* Runs must end within a word or so of prose, English or Chinese. */
static int runs_are_short(const struct assay_byteset *s)
{
    return !(assay_byteset_has(s, ' ') && count_range(s, 'a', 'z') > 8) &&
           count_range(s, 0x80, 0xbf) <= 24;
}

static int has_drivers(const struct assay_rx *root)
{
    uint32_t n = assay_rx_add(root->digits, root->punct);
    return n >= 2 || (n == 1 && root->min >= PLAN_RUN_LONG);
}

static int is_long(const struct assay_rx *root)
{
    return root->min >= PLAN_LONG_MIN && count_range(&root->set, 0, ' ') == 0;
}

static int run_eligible(const struct assay_rx *root)
{
    return runs_are_short(&root->set) && (has_drivers(root) || is_long(root));
}

static void plan_run(struct assay_plan *plan, const struct assay_rx *root)
{
    plan->kind = ASSAY_PLAN_RUN;
    plan->run = root->set;
    plan->min_len = root->min;
    plan->digits = root->digits;
    plan->marks = root->marks;
    plan->group = has_drivers(root) ? run_group(&root->set) : ASSAY_RUN_LONG;
}

static unsigned first_mandatory(const struct elements *es)
{
    unsigned i = 0;
    while (i < es->n && es->item[i]->min == 0) {
        i++;
    }
    return i;
}

static void plan_anchor(struct assay_arena *a, const struct elements *es, unsigned i,
                        struct assay_plan *plan)
{
    plan->kind = ASSAY_PLAN_ANCHOR;
    plan->literals = assay_arena_alloc(a, sizeof *plan->literals);
    if (plan->literals == NULL) {
        plan->kind = ASSAY_PLAN_CLASS;
    } else {
        (void)lead(es, i, plan->literals);
    }
}

void assay_plan_make(struct assay_arena *a, const char *pattern, int caseless,
                     struct assay_plan *ret)
{
    const struct assay_rx *root = assay_rx_parse(a, pattern, caseless);
    struct elements es = {.n = 0};
    unsigned bits = 0;
    memset(ret, 0, sizeof *ret);
    if (root == NULL) {
        return;
    }
    flatten(&es, root);
    unsigned anchor = best_lead(&es, &bits), first = first_mandatory(&es);
    int is_run = bits < PLAN_BITS_GOOD && run_eligible(root);
    int is_anchor = !is_run && bits >= PLAN_BITS_FAIR;
    struct assay_plan plan = {.kind = ASSAY_PLAN_CLASS};
    if (!build_factor(a, &es, is_anchor ? anchor : first, &plan)) {
        return;
    }
    if (is_run) {
        plan_run(&plan, root);
    } else if (is_anchor) {
        plan_anchor(a, &es, anchor, &plan);
    }
    *ret = plan;
}
