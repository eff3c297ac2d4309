/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing the anchor. A literal is worth -log2 of how often it is met in mixed English and Chinese
 * prose, from a coarse table: only the order of the choices depends on it, never the result.
 */
#include "rules/matcher/plan.h"

#define PLAN_ELEMENTS  256
#define PLAN_BITS_GOOD 15 /* a literal this rare is preferred to runs */
#define PLAN_BITS_FAIR 6  /* ... and this one to no plan at all */
#define PLAN_RUN_LONG  20 /* bytes: so long a run needs one digit or [:-] only */
#define PLAN_PART_DRIVERS                                                                          \
    4 /* digits and [:-] that a part of a pattern must hold to be searched as a run */
#define PLAN_LONG_MIN 12 /* bytes: runs of such a length without any space are rare */

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

static int expand(struct assay_anchors *ls, const struct assay_rx *n);

static int expand_class(struct assay_anchors *ls, const struct assay_byteset *set)
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
static int expand_alt(struct assay_anchors *ls, const struct assay_rx *alt)
{
    struct assay_anchors sum = {.n = 0};
    int full = 1;
    for (const struct assay_rx *c = alt->first; c != NULL; c = c->next) {
        struct assay_anchors one = *ls;
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

static int expand_repeat(struct assay_anchors *ls, const struct assay_rx *rep)
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
static int expand(struct assay_anchors *ls, const struct assay_rx *n)
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

/* Literals one of which elements [i, ...) must begin with, and how rare they are in bits (0: none).
 */
static unsigned lead(const struct elements *es, unsigned i, struct assay_anchors *ls)
{
    unsigned bits = UINT32_MAX, many = 0;
    ls->n = 1;
    ls->len[0] = 0;
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
    return bits > many && bits != 0 ? bits - many : 0;
}

/* An anchor while it is chosen. */
struct anchor {
    struct assay_anchors literals;
    unsigned bits;
    uint32_t back_max, back_min;
    struct assay_byteset walk;
};

static void add_both_cases(struct assay_byteset *set, unsigned char c)
{
    assay_byteset_add(set, c);
    if (c >= 'a' && c <= 'z') {
        assay_byteset_add(set, (unsigned char)(c - 0x20));
    }
}

/* The anchor at element `i`, the elements before it being P. */
static void anchor_at(const struct elements *es, unsigned i, struct anchor *ret)
{
    uint32_t shortest = UINT32_MAX, longest = 0;
    memset(ret, 0, sizeof *ret);
    ret->bits = lead(es, i, &ret->literals);
    for (unsigned j = 0; j < i; j++) {
        ret->back_min = assay_rx_add(ret->back_min, es->item[j]->min);
        ret->back_max = assay_rx_add(ret->back_max, es->item[j]->max);
        assay_byteset_union(&ret->walk, &es->item[j]->set);
    }
    for (unsigned k = 0; k < ret->literals.n; k++) {
        uint32_t len = ret->literals.len[k];
        shortest = len < shortest ? len : shortest;
        longest = len > longest ? len : longest;
        for (uint32_t j = 0; j < len; j++) {
            add_both_cases(&ret->walk, ret->literals.text[k][j]);
        }
    }
    ret->back_min = assay_rx_add(ret->back_min, shortest);
    ret->back_max = assay_rx_add(ret->back_max, longest);
}

static unsigned capped(unsigned bits)
{
    return bits > 40 ? 40 : bits; /* rare enough: prefer the earlier one */
}

static void best_anchor(const struct assay_rx *n, struct anchor *ret);

/* One anchor for an alternation: the literals of all branches, the widest distances. */
static void alternation_anchor(const struct assay_rx *alt, struct anchor *ret)
{
    struct anchor one;
    memset(ret, 0, sizeof *ret);
    ret->bits = UINT32_MAX;
    ret->back_min = UINT32_MAX;
    for (const struct assay_rx *c = alt->first; c != NULL; c = c->next) {
        best_anchor(c, &one);
        if (one.bits == 0 || ret->literals.n + one.literals.n > ASSAY_PLAN_LITERALS) {
            ret->bits = 0;
            return;
        }
        memcpy(ret->literals.len + ret->literals.n, one.literals.len, one.literals.n);
        memcpy(ret->literals.text + ret->literals.n, one.literals.text,
               one.literals.n * sizeof one.literals.text[0]);
        ret->literals.n += one.literals.n;
        ret->bits = one.bits < ret->bits ? one.bits : ret->bits;
        ret->back_min = one.back_min < ret->back_min ? one.back_min : ret->back_min;
        ret->back_max = one.back_max > ret->back_max ? one.back_max : ret->back_max;
        assay_byteset_union(&ret->walk, &one.walk);
    }
}

static void best_anchor(const struct assay_rx *n, struct anchor *ret)
{
    struct elements es = {.n = 0};
    unsigned best = 0, bits = 0;
    struct assay_anchors ls;
    flatten(&es, n);
    if (es.n == 1 && es.item[0]->kind == ASSAY_RX_ALT) {
        alternation_anchor(es.item[0], ret);
        return;
    }
    for (unsigned i = 0; i < es.n; i++) {
        unsigned b = capped(lead(&es, i, &ls));
        if (b > bits) {
            bits = b;
            best = i;
        }
    }
    anchor_at(&es, best, ret);
    ret->bits = bits;
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
    if (lo == 0) {
        return ASSAY_RUN_UPPER;
    }
    return assay_byteset_has(s, ' ') ? ASSAY_RUN_SPACED : ASSAY_RUN_ANY;
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

static int run_eligible(const struct assay_rx *part)
{
    return runs_are_short(&part->set) && (has_drivers(part) || is_long(part));
}

/* The facts of elements [i, end), as if they were one node. */
static struct assay_rx range_facts(const struct elements *es, unsigned i, unsigned end)
{
    struct assay_rx sum = {.kind = ASSAY_RX_CAT};
    for (; i < end; i++) {
        const struct assay_rx *e = es->item[i];
        sum.min = assay_rx_add(sum.min, e->min);
        sum.max = assay_rx_add(sum.max, e->max);
        sum.digits = assay_rx_add(sum.digits, e->digits);
        sum.punct = assay_rx_add(sum.punct, e->punct);
        sum.marks = assay_rx_add(sum.marks, e->marks);
        assay_byteset_union(&sum.set, &e->set);
    }
    return sum;
}

struct range {
    unsigned from, to; /* elements */
    uint32_t drivers;
};

/* The part with the most digits and [:-] whose runs are short; empty when none has enough. */
static struct range best_range(const struct elements *es)
{
    struct range best = {0, 0, PLAN_PART_DRIVERS - 1};
    for (unsigned i = 0; i < es->n; i++) {
        for (unsigned j = i + 1; j <= es->n; j++) {
            struct assay_rx facts = range_facts(es, i, j);
            if (!runs_are_short(&facts.set)) {
                break;
            }
            if (es->item[i]->min > 0 && assay_rx_add(facts.digits, facts.punct) > best.drivers) {
                best = (struct range){i, j, assay_rx_add(facts.digits, facts.punct)};
            }
        }
    }
    return best;
}

static void plan_run(struct assay_rule_plan *plan, const struct assay_rx *part)
{
    plan->kind = ASSAY_PLAN_RUN;
    plan->run = part->set;
    plan->min_len = part->min;
    plan->digits = part->digits;
    plan->marks = part->marks;
    plan->group = has_drivers(part) ? run_group(&part->set) : ASSAY_RUN_LONG;
}

/* A plan over runs, of the whole pattern or of a part of it; 0: none. */
static int try_run(const struct elements *es, struct assay_rule_plan *ret)
{
    struct assay_rx all = range_facts(es, 0, es->n);
    if (run_eligible(&all)) {
        plan_run(ret, &all);
        return 1;
    }
    struct range r = best_range(es);
    if (r.to == 0) {
        return 0;
    }
    struct assay_rx part = range_facts(es, r.from, r.to), before = range_facts(es, 0, r.from);
    plan_run(ret, &part);
    ret->before_min = before.min;
    ret->before_max = before.max;
    return 1;
}

static void plan_anchor(struct assay_arena *a, const struct anchor *from,
                        struct assay_rule_plan *plan)
{
    struct assay_anchors *ls = assay_arena_alloc(a, sizeof *ls);
    if (ls == NULL) {
        return;
    }
    *ls = from->literals;
    plan->kind = ASSAY_PLAN_ANCHOR;
    plan->literals = ls;
    plan->back_min = from->back_min;
    plan->back_max = from->back_max;
    plan->walk = from->walk;
}

void assay_plan_make(struct assay_arena *a, const char *pattern, int caseless,
                     struct assay_rule_plan *ret)
{
    const struct assay_rx *root = assay_rx_parse(a, pattern, caseless);
    struct elements es = {.n = 0};
    struct anchor anchor;
    memset(ret, 0, sizeof *ret);
    if (root == NULL) {
        return;
    }
    best_anchor(root, &anchor);
    if (anchor.bits >= PLAN_BITS_GOOD) {
        plan_anchor(a, &anchor, ret);
        return;
    }
    flatten(&es, root);
    if (!(es.n < PLAN_ELEMENTS && try_run(&es, ret)) && anchor.bits >= PLAN_BITS_FAIR) {
        plan_anchor(a, &anchor, ret);
    }
}
