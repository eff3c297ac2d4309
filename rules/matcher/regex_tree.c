/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/regex_tree.c: nodes with the facts that follow from their children; code points as
 * bytes.
 */
#include "rules/matcher/regex_tree.h"

#include "core/utf8.h"

/* ---- sets and nodes ------------------------------------------------------------------------- */

void assay_byteset_union(struct assay_byteset *into, const struct assay_byteset *from)
{
    for (int i = 0; i < 4; i++) {
        into->w[i] |= from->w[i];
    }
}

unsigned assay_byteset_count(const struct assay_byteset *s)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        n += (unsigned)__builtin_popcountll(s->w[i]);
    }
    return n;
}

uint32_t assay_rx_add(uint32_t a, uint32_t b)
{
    uint32_t r = 0;
    return __builtin_add_overflow(a, b, &r) ? ASSAY_RX_INF : r;
}

static uint32_t rx_mul(uint32_t a, uint32_t b)
{
    uint32_t r = 0;
    if (a == 0 || b == 0) {
        return 0;
    }
    return a == ASSAY_RX_INF || b == ASSAY_RX_INF || __builtin_mul_overflow(a, b, &r) ? ASSAY_RX_INF
                                                                                      : r;
}

struct assay_rx *assay_rx_node(struct assay_arena *a, enum assay_rx_kind kind)
{
    struct assay_rx *n = assay_arena_alloc(a, sizeof *n);
    if (n != NULL) {
        n->kind = kind;
    }
    return n;
}

void assay_byteset_range(struct assay_byteset *s, unsigned lo, unsigned hi)
{
    for (unsigned c = lo; c <= hi; c++) {
        assay_byteset_add(s, (unsigned char)c);
    }
}

/* Whether every byte is one of the first 64 that `mask` tells. */
static uint32_t is_within(const struct assay_byteset *set, uint64_t mask)
{
    return (set->w[0] & ~mask) == 0 && (set->w[1] | set->w[2] | set->w[3]) == 0;
}

static struct assay_rx *node_class(struct assay_arena *a, const struct assay_byteset *set)
{
    struct assay_rx *n = assay_rx_node(a, ASSAY_RX_CLASS);
    if (n != NULL) {
        n->set = *set;
        n->min = n->max = 1;
        n->digits = is_within(set, 0x03ff000000000000u);
        n->punct = is_within(set, 0x0400200000000000u);
        n->marks = is_within(set, 0x0400e80000000000u);
    }
    return n;
}

static struct assay_rx *node_range(struct assay_arena *a, unsigned lo, unsigned hi)
{
    struct assay_byteset s = {{0}};
    assay_byteset_range(&s, lo, hi);
    return node_class(a, &s);
}

struct assay_rx *assay_rx_opaque(struct assay_arena *a)
{
    struct assay_rx *n = assay_rx_node(a, ASSAY_RX_OPAQUE);
    if (n != NULL) {
        n->max = ASSAY_RX_INF;
        assay_byteset_range(&n->set, 0, 255);
    }
    return n;
}

/* Appends to a CAT and folds the child's facts in. */
void assay_rx_cat_add(struct assay_rx *cat, struct assay_rx ***tail, struct assay_rx *child)
{
    **tail = child;
    *tail = &child->next;
    cat->min = assay_rx_add(cat->min, child->min);
    cat->max = assay_rx_add(cat->max, child->max);
    cat->digits = assay_rx_add(cat->digits, child->digits);
    cat->punct = assay_rx_add(cat->punct, child->punct);
    cat->marks = assay_rx_add(cat->marks, child->marks);
    assay_byteset_union(&cat->set, &child->set);
}

static uint32_t min32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void assay_rx_alt_add(struct assay_rx *alt, struct assay_rx ***tail, struct assay_rx *child)
{
    int is_first = alt->first == NULL;
    **tail = child;
    *tail = &child->next;
    alt->min = is_first ? child->min : min32(alt->min, child->min);
    alt->max = is_first || child->max > alt->max ? child->max : alt->max;
    alt->digits = is_first ? child->digits : min32(alt->digits, child->digits);
    alt->punct = is_first ? child->punct : min32(alt->punct, child->punct);
    alt->marks = is_first ? child->marks : min32(alt->marks, child->marks);
    assay_byteset_union(&alt->set, &child->set);
}

struct assay_rx *assay_rx_repeat(struct assay_arena *a, const struct assay_rx *child, uint32_t min,
                                 uint32_t max)
{
    struct assay_rx *n = assay_rx_node(a, ASSAY_RX_REP);
    struct assay_rx *copy = assay_rx_node(a, ASSAY_RX_EMPTY);
    if (n == NULL || copy == NULL) {
        return NULL;
    }
    *copy = *child;
    copy->next = NULL;
    n->first = copy;
    n->rmin = min;
    n->rmax = max;
    n->min = rx_mul(child->min, min);
    n->max = rx_mul(child->max, max);
    n->digits = rx_mul(child->digits, min);
    n->punct = rx_mul(child->punct, min);
    n->marks = rx_mul(child->marks, min);
    n->set = child->set;
    return n;
}

/* ---- code points to bytes ------------------------------------------------------------------- */

struct assay_rx *assay_rx_code_point(struct assay_arena *a, uint32_t cp)
{
    char buf[4];
    unsigned len = assay_utf8_encode(cp, buf);
    struct assay_rx *cat = assay_rx_node(a, ASSAY_RX_CAT);
    struct assay_rx **tail = cat != NULL ? &cat->first : NULL;
    for (unsigned i = 0; cat != NULL && i < len; i++) {
        struct assay_rx *c = node_range(a, (unsigned char)buf[i], (unsigned char)buf[i]);
        if (c == NULL) {
            return NULL;
        }
        assay_rx_cat_add(cat, &tail, c);
    }
    return cat;
}

/* Every valid sequence of two to four bytes (and a few invalid ones: a superset). */
static struct assay_rx *rx_beyond_ascii(struct assay_arena *a)
{
    static const unsigned lead[3][2] = {{0xc2, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf4}};
    struct assay_rx *alt = assay_rx_node(a, ASSAY_RX_ALT);
    struct assay_rx **tail = alt != NULL ? &alt->first : NULL;
    for (uint32_t i = 0; alt != NULL && i < 3; i++) {
        struct assay_rx *cat = assay_rx_node(a, ASSAY_RX_CAT);
        struct assay_rx *head = node_range(a, lead[i][0], lead[i][1]);
        struct assay_rx *cont = node_range(a, 0x80, 0xbf);
        struct assay_rx *rest = cont == NULL ? NULL : assay_rx_repeat(a, cont, i + 1, i + 1);
        if (cat == NULL || head == NULL || rest == NULL) {
            return NULL;
        }
        struct assay_rx **ctail = &cat->first;
        assay_rx_cat_add(cat, &ctail, head);
        assay_rx_cat_add(cat, &ctail, rest);
        assay_rx_alt_add(alt, &tail, cat);
    }
    return alt;
}

/* Code points beyond ASCII that surely have no other case. */
static int is_caseless_cp(uint32_t cp)
{
    static const uint32_t ranges[][2] = {{0x2010, 0x2027},  {0x3000, 0x30ff}, {0x3400, 0x9fff},
                                         {0xac00, 0xd7a3},  {0xf900, 0xfaff}, {0xff00, 0xff20},
                                         {0x20000, 0x3ffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (cp >= ranges[i][0] && cp <= ranges[i][1]) {
            return 1;
        }
    }
    return 0;
}

void assay_rx_class_add(struct assay_rx_class *cs, uint32_t cp)
{
    if (cp < 0x80) {
        assay_byteset_add(&cs->ascii, (unsigned char)cp);
    } else if (cs->n_cps == ASSAY_RX_EXPLICIT || (cs->caseless && !is_caseless_cp(cp))) {
        cs->any = 1;
    } else {
        cs->cps[cs->n_cps++] = cp;
    }
}

void assay_rx_class_range(struct assay_rx_class *cs, uint32_t lo, uint32_t hi)
{
    for (uint32_t c = lo; c <= hi && c < 0x80; c++) {
        assay_byteset_add(&cs->ascii, (unsigned char)c);
    }
    lo = lo < 0x80 ? 0x80 : lo;
    if (hi >= 0x80 && hi - lo > 15) {
        cs->any = 1;
        return;
    }
    for (uint32_t c = lo; c <= hi; c++) {
        assay_rx_class_add(cs, c);
    }
}

void assay_rx_class_fold(struct assay_rx_class *cs)
{
    for (unsigned c = 'a'; c <= 'z'; c++) {
        unsigned char up = (unsigned char)(c - 0x20);
        if (assay_byteset_has(&cs->ascii, (unsigned char)c) || assay_byteset_has(&cs->ascii, up) ||
            (cs->any && (c == 'k' || c == 's'))) {
            assay_byteset_add(&cs->ascii, (unsigned char)c);
            assay_byteset_add(&cs->ascii, up);
        }
    }
    for (unsigned i = 0; i < 2 && !cs->any; i++) {
        if (assay_byteset_has(&cs->ascii, i == 0 ? 'k' : 's')) {
            if (cs->n_cps == ASSAY_RX_EXPLICIT) {
                cs->any = 1;
            } else {
                cs->cps[cs->n_cps++] = i == 0 ? 0x212a : 0x17f;
            }
        }
    }
}

void assay_rx_class_negate(struct assay_rx_class *cs)
{
    cs->ascii.w[0] = ~cs->ascii.w[0];
    cs->ascii.w[1] = ~cs->ascii.w[1];
    cs->ascii.w[2] = cs->ascii.w[3] = 0;
    cs->n_cps = 0;
    cs->any = 1;
}

struct assay_rx *assay_rx_class_node(struct assay_arena *a, const struct assay_rx_class *cs)
{
    int has_ascii = cs->ascii.w[0] != 0 || cs->ascii.w[1] != 0;
    struct assay_rx *ascii = has_ascii ? node_class(a, &cs->ascii) : NULL;
    if (!cs->any && cs->n_cps == 0) {
        return ascii;
    }
    struct assay_rx *alt = assay_rx_node(a, ASSAY_RX_ALT);
    if (alt == NULL || (has_ascii && ascii == NULL)) {
        return NULL;
    }
    struct assay_rx **tail = &alt->first;
    if (has_ascii) {
        assay_rx_alt_add(alt, &tail, ascii);
    }
    for (unsigned i = 0; i < (cs->any ? 1 : cs->n_cps); i++) {
        struct assay_rx *n = cs->any ? rx_beyond_ascii(a) : assay_rx_code_point(a, cs->cps[i]);
        if (n == NULL) {
            return NULL;
        }
        assay_rx_alt_add(alt, &tail, n);
    }
    return alt;
}
