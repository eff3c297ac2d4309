/* SPDX-License-Identifier: Apache-2.0
 *
 * A recursive-descent parser for the part of PCRE2's syntax that rule authors use. The one rule it
 * lives by: when in doubt, widen (a superset is harmless, the confirm is exact) or fail (PCRE2
 * alone is always right); never narrow. Depth and node count are bounded.
 */
#include "rules/matcher/regex.h"

#include "core/limits.h"
#include "core/utf8.h"

#define RX_DEPTH    48
#define RX_EXPLICIT 64 /* code points beyond ASCII listed one by one in a class */
#define RX_REPEAT   65535

struct parser {
    struct assay_arena *arena;
    const char *p, *end;
    int caseless, dotall;
    unsigned depth;
    int failed;
};

/* A class while it is read. */
struct class_set {
    struct assay_byteset ascii;
    uint32_t cps[RX_EXPLICIT];
    unsigned n_cps;
    int any; /* every code point beyond ASCII */
};

static struct assay_rx *parse_alt(struct parser *ps);

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

static struct assay_rx *fail(struct parser *ps)
{
    ps->failed = 1;
    return NULL;
}

static struct assay_rx *node_new(struct assay_arena *a, enum assay_rx_kind kind)
{
    struct assay_rx *n = assay_arena_alloc(a, sizeof *n);
    if (n != NULL) {
        n->kind = kind;
    }
    return n;
}

static void set_range(struct assay_byteset *s, unsigned lo, unsigned hi)
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
    struct assay_rx *n = node_new(a, ASSAY_RX_CLASS);
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
    set_range(&s, lo, hi);
    return node_class(a, &s);
}

static struct assay_rx *node_opaque(struct assay_arena *a)
{
    struct assay_rx *n = node_new(a, ASSAY_RX_OPAQUE);
    if (n != NULL) {
        n->max = ASSAY_RX_INF;
        set_range(&n->set, 0, 255);
    }
    return n;
}

/* Appends to a CAT and folds the child's facts in. */
static void cat_add(struct assay_rx *cat, struct assay_rx ***tail, struct assay_rx *child)
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

static void alt_add(struct assay_rx *alt, struct assay_rx ***tail, struct assay_rx *child)
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

static struct assay_rx *rx_repeat(struct assay_arena *a, const struct assay_rx *child, uint32_t min,
                                  uint32_t max)
{
    struct assay_rx *n = node_new(a, ASSAY_RX_REP);
    struct assay_rx *copy = node_new(a, ASSAY_RX_EMPTY);
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

static struct assay_rx *rx_code_point(struct assay_arena *a, uint32_t cp)
{
    char buf[4];
    unsigned len = assay_utf8_encode(cp, buf);
    struct assay_rx *cat = node_new(a, ASSAY_RX_CAT);
    struct assay_rx **tail = cat != NULL ? &cat->first : NULL;
    for (unsigned i = 0; cat != NULL && i < len; i++) {
        struct assay_rx *c = node_range(a, (unsigned char)buf[i], (unsigned char)buf[i]);
        if (c == NULL) {
            return NULL;
        }
        cat_add(cat, &tail, c);
    }
    return cat;
}

/* Every valid sequence of two to four bytes (and a few invalid ones: a superset). */
static struct assay_rx *rx_beyond_ascii(struct assay_arena *a)
{
    static const unsigned lead[3][2] = {{0xc2, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf4}};
    struct assay_rx *alt = node_new(a, ASSAY_RX_ALT);
    struct assay_rx **tail = alt != NULL ? &alt->first : NULL;
    for (uint32_t i = 0; alt != NULL && i < 3; i++) {
        struct assay_rx *cat = node_new(a, ASSAY_RX_CAT);
        struct assay_rx *head = node_range(a, lead[i][0], lead[i][1]);
        struct assay_rx *cont = node_range(a, 0x80, 0xbf);
        struct assay_rx *rest = cont == NULL ? NULL : rx_repeat(a, cont, i + 1, i + 1);
        if (cat == NULL || head == NULL || rest == NULL) {
            return NULL;
        }
        struct assay_rx **ctail = &cat->first;
        cat_add(cat, &ctail, head);
        cat_add(cat, &ctail, rest);
        alt_add(alt, &tail, cat);
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

static int is_alpha(unsigned c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static void class_add_cp(struct parser *ps, struct class_set *cs, uint32_t cp)
{
    if (cp < 0x80) {
        assay_byteset_add(&cs->ascii, (unsigned char)cp);
    } else if (cs->n_cps == RX_EXPLICIT || (ps->caseless && !is_caseless_cp(cp))) {
        cs->any = 1;
    } else {
        cs->cps[cs->n_cps++] = cp;
    }
}

static void class_add_range(struct parser *ps, struct class_set *cs, uint32_t lo, uint32_t hi)
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
        class_add_cp(ps, cs, c);
    }
}

/* Closes an ASCII set under case. U+212A and U+017F fold to k and s, and back. */
static void class_fold(struct class_set *cs)
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
            if (cs->n_cps == RX_EXPLICIT) {
                cs->any = 1;
            } else {
                cs->cps[cs->n_cps++] = i == 0 ? 0x212a : 0x17f;
            }
        }
    }
}

static void class_negate(struct class_set *cs)
{
    cs->ascii.w[0] = ~cs->ascii.w[0];
    cs->ascii.w[1] = ~cs->ascii.w[1];
    cs->ascii.w[2] = cs->ascii.w[3] = 0;
    cs->n_cps = 0;
    cs->any = 1;
}

static struct assay_rx *class_node(struct parser *ps, const struct class_set *cs)
{
    int has_ascii = cs->ascii.w[0] != 0 || cs->ascii.w[1] != 0;
    struct assay_rx *ascii = has_ascii ? node_class(ps->arena, &cs->ascii) : NULL;
    if (!cs->any && cs->n_cps == 0) {
        return ascii != NULL ? ascii : fail(ps);
    }
    struct assay_rx *alt = node_new(ps->arena, ASSAY_RX_ALT);
    if (alt == NULL || (has_ascii && ascii == NULL)) {
        return fail(ps);
    }
    struct assay_rx **tail = &alt->first;
    if (has_ascii) {
        alt_add(alt, &tail, ascii);
    }
    for (unsigned i = 0; i < (cs->any ? 1 : cs->n_cps); i++) {
        struct assay_rx *n =
            cs->any ? rx_beyond_ascii(ps->arena) : rx_code_point(ps->arena, cs->cps[i]);
        if (n == NULL) {
            return fail(ps);
        }
        alt_add(alt, &tail, n);
    }
    return alt;
}

static struct assay_rx *class_finish(struct parser *ps, struct class_set *cs, int negated)
{
    if (ps->caseless) {
        class_fold(cs);
    }
    if (negated) {
        class_negate(cs);
    }
    return class_node(ps, cs);
}

static struct assay_rx *literal_node(struct parser *ps, uint32_t cp)
{
    struct class_set cs = {.any = 0};
    if (cp >= 0x80 && !ps->caseless) {
        struct assay_rx *n = rx_code_point(ps->arena, cp);
        return n != NULL ? n : fail(ps);
    }
    class_add_cp(ps, &cs, cp);
    return class_finish(ps, &cs, 0);
}

/* ---- escapes -------------------------------------------------------------------------------- */

static void set_chars(struct assay_byteset *s, const char *chars)
{
    for (; *chars != '\0'; chars++) {
        assay_byteset_add(s, (unsigned char)*chars);
    }
}

/* \d \w \s \h \v and their negations, and \p; 0 when `c` is none of them. */
static int escape_class(char c, struct class_set *cs)
{
    struct class_set one = {.any = 0};
    switch (c | 0x20) {
    case 'd':
        set_range(&one.ascii, '0', '9');
        break;
    case 'w':
        set_range(&one.ascii, '0', '9');
        set_range(&one.ascii, 'A', 'Z');
        set_range(&one.ascii, 'a', 'z');
        assay_byteset_add(&one.ascii, '_');
        break;
    case 's':
        set_chars(&one.ascii, " \t\n\v\f\r");
        break;
    case 'h':
        set_chars(&one.ascii, " \t");
        one.any = 1;
        break;
    case 'v':
        set_chars(&one.ascii, "\n\v\f\r");
        one.any = 1;
        break;
    default:
        return 0;
    }
    if (c < 'a') {
        class_negate(&one);
    }
    assay_byteset_union(&cs->ascii, &one.ascii);
    cs->any |= one.any;
    return 1;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* After "\x": {h...} or up to two digits. */
static uint32_t escape_hex(struct parser *ps)
{
    uint32_t v = 0;
    int braces = ps->p < ps->end && *ps->p == '{';
    const char *start = ps->p += braces;
    while (ps->p < ps->end && hex_digit(*ps->p) >= 0 && ps->p - start < (braces ? 6 : 2)) {
        v = v * 16 + (uint32_t)hex_digit(*ps->p++);
    }
    if (braces && (ps->p == start || ps->p == ps->end || *ps->p++ != '}')) {
        ps->failed = 1;
    }
    if (v > 0x10ffff) {
        ps->failed = 1;
    }
    return v;
}

/* \p{..}, \P{..}, \pL: any code point will do. */
static void escape_property(struct parser *ps)
{
    if (ps->p < ps->end && *ps->p == '{') {
        while (ps->p < ps->end && *ps->p != '}') {
            ps->p++;
        }
    }
    if (ps->p == ps->end) {
        ps->failed = 1;
    } else {
        ps->p++;
    }
}

/* A literal escape (after the backslash and `c`); fails on letters and digits it does not know. */
static uint32_t escape_literal(struct parser *ps, char c)
{
    static const char from[] = "tnrfae", to[] = "\t\n\r\f\a\033";
    const char *hit = c == '\0' ? NULL : strchr(from, c);
    if (hit != NULL) {
        return (unsigned char)to[hit - from];
    }
    if (c == 'x') {
        return escape_hex(ps);
    }
    if (is_alpha((unsigned char)c) || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80) {
        ps->failed = 1;
    }
    return (unsigned char)c;
}

static struct assay_rx *any_code_point(struct parser *ps, int with_newline)
{
    struct class_set cs = {.any = 1};
    set_range(&cs.ascii, 0, 0x7f);
    if (!with_newline) {
        cs.ascii.w[0] &= ~((uint64_t)1 << '\n');
    }
    return class_node(ps, &cs);
}

static struct assay_rx *parse_escape(struct parser *ps)
{
    struct class_set cs = {.any = 0};
    if (ps->p == ps->end) {
        return fail(ps);
    }
    char c = *ps->p++;
    if (escape_class(c, &cs)) {
        return class_node(ps, &cs);
    }
    if (strchr("bBAzZ", c) != NULL) {
        return node_new(ps->arena, ASSAY_RX_EMPTY);
    }
    if (c == 'p' || c == 'P') {
        escape_property(ps);
        return any_code_point(ps, 1);
    }
    if (c == 'N' && (ps->p == ps->end || *ps->p != '{')) {
        return any_code_point(ps, 0);
    }
    if (c >= '1' && c <= '9') {
        while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9') {
            ps->p++;
        }
        return node_opaque(ps->arena);
    }
    if (c == 'R' || c == 'X') {
        return node_opaque(ps->arena);
    }
    uint32_t cp = escape_literal(ps, c);
    return ps->failed ? NULL : literal_node(ps, cp);
}

/* ---- classes -------------------------------------------------------------------------------- */

static int class_posix(struct parser *ps, struct class_set *cs)
{
    static const struct {
        const char *name;
        const char *ranges; /* pairs */
    } table[] = {{"alnum", "09AZaz"},  {"alpha", "AZaz"},   {"digit", "09"},
                 {"lower", "az"},      {"upper", "AZ"},     {"xdigit", "09AFaf"},
                 {"word", "09AZaz__"}, {"space", "\t\r  "}, {"punct", "!/:@[`{~"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t n = strlen(table[i].name);
        if ((size_t)(ps->end - ps->p) > n + 2 && memcmp(ps->p, table[i].name, n) == 0 &&
            memcmp(ps->p + n, ":]", 2) == 0) {
            for (const char *r = table[i].ranges; *r != '\0'; r += 2) {
                set_range(&cs->ascii, (unsigned char)r[0], (unsigned char)r[1]);
            }
            ps->p += n + 2;
            return 1;
        }
    }
    ps->failed = 1;
    return 0;
}

/* One member of a class. Returns 1 with *cp for a single code point, 0 for a set already added. */
static int class_member(struct parser *ps, struct class_set *cs, uint32_t *cp)
{
    if (*ps->p == '[' && ps->end - ps->p > 1 && strchr(":.=", ps->p[1]) != NULL) {
        ps->p += 2;
        (void)class_posix(ps, cs);
        return 0;
    }
    if (*ps->p != '\\') {
        ps->p += assay_utf8_decode(ps->p, ps->end, cp);
        return 1;
    }
    if (++ps->p == ps->end) {
        ps->failed = 1;
        return 0;
    }
    char c = *ps->p++;
    if (escape_class(c, cs)) {
        return 0;
    }
    if (c == 'p' || c == 'P') {
        escape_property(ps);
        set_range(&cs->ascii, 0, 0x7f);
        cs->any = 1;
        return 0;
    }
    *cp = c == 'b' ? '\b' : escape_literal(ps, c);
    return 1;
}

static void class_item(struct parser *ps, struct class_set *cs)
{
    uint32_t lo = 0, hi = 0;
    if (!class_member(ps, cs, &lo)) {
        return;
    }
    if (ps->end - ps->p < 2 || ps->p[0] != '-' || ps->p[1] == ']') {
        class_add_cp(ps, cs, lo);
        return;
    }
    ps->p++;
    if (!class_member(ps, cs, &hi)) { /* "a-\d": a, hyphen and the set */
        class_add_cp(ps, cs, lo);
        class_add_cp(ps, cs, '-');
    } else if (hi < lo) {
        ps->failed = 1;
    } else {
        class_add_range(ps, cs, lo, hi);
    }
}

static struct assay_rx *parse_class(struct parser *ps)
{
    struct class_set cs = {.any = 0};
    int negated = ps->p < ps->end && *ps->p == '^';
    ps->p += negated;
    const char *start = ps->p;
    while (!ps->failed && ps->p < ps->end && (*ps->p != ']' || ps->p == start)) {
        class_item(ps, &cs);
    }
    if (ps->failed || ps->p == ps->end) {
        return fail(ps);
    }
    ps->p++;
    return class_finish(ps, &cs, negated);
}

/* ---- groups --------------------------------------------------------------------------------- */

static int starts(const struct parser *ps, const char *s)
{
    size_t n = strlen(s);
    return (size_t)(ps->end - ps->p) >= n && memcmp(ps->p, s, n) == 0;
}

static int take(struct parser *ps, const char *s)
{
    if (!starts(ps, s)) {
        return 0;
    }
    ps->p += strlen(s);
    return 1;
}

/* The body up to ')'; inline options set inside end with it. */
static struct assay_rx *group_body(struct parser *ps, int is_assertion)
{
    int caseless = ps->caseless, dotall = ps->dotall;
    struct assay_rx *n = parse_alt(ps);
    ps->caseless = caseless;
    ps->dotall = dotall;
    if (ps->failed || !take(ps, ")")) {
        return fail(ps);
    }
    return is_assertion ? node_new(ps->arena, ASSAY_RX_EMPTY) : n;
}

/* "(?i)", "(?i:...)", "(?-i)": letters i, m, s, n and '-'. */
static struct assay_rx *group_options(struct parser *ps)
{
    int on = 1, caseless = ps->caseless, dotall = ps->dotall;
    for (; ps->p < ps->end && strchr("imsn-", *ps->p) != NULL; ps->p++) {
        on = *ps->p == '-' ? 0 : on;
        caseless = *ps->p == 'i' ? on : caseless;
        dotall = *ps->p == 's' ? on : dotall;
    }
    int outer_caseless = ps->caseless, outer_dotall = ps->dotall;
    ps->caseless = caseless;
    ps->dotall = dotall;
    if (take(ps, ")")) {
        return node_new(ps->arena, ASSAY_RX_EMPTY);
    }
    if (!take(ps, ":")) {
        return fail(ps);
    }
    struct assay_rx *n = group_body(ps, 0);
    ps->caseless = outer_caseless;
    ps->dotall = outer_dotall;
    return n;
}

static struct assay_rx *group_named(struct parser *ps, char close)
{
    if (ps->p == ps->end || (!is_alpha((unsigned char)*ps->p) && *ps->p != '_')) {
        return fail(ps);
    }
    while (ps->p < ps->end && *ps->p != close) {
        ps->p++;
    }
    if (ps->p == ps->end) {
        return fail(ps);
    }
    ps->p++;
    return group_body(ps, 0);
}

static struct assay_rx *parse_group(struct parser *ps)
{
    if (starts(ps, "*")) {
        return fail(ps);
    }
    if (!take(ps, "?")) {
        return group_body(ps, 0);
    }
    if (take(ps, "=") || take(ps, "!") || take(ps, "<=") || take(ps, "<!")) {
        return group_body(ps, 1);
    }
    if (take(ps, ":") || take(ps, ">") || take(ps, "|")) {
        return group_body(ps, 0);
    }
    if (take(ps, "P<") || take(ps, "<")) {
        return group_named(ps, '>');
    }
    if (take(ps, "'")) {
        return group_named(ps, '\'');
    }
    return group_options(ps);
}

static struct assay_rx *parse_atom(struct parser *ps)
{
    uint32_t cp = 0;
    if (++ps->depth > RX_DEPTH) {
        return fail(ps);
    }
    struct assay_rx *n = NULL;
    if (take(ps, "(")) {
        n = parse_group(ps);
    } else if (take(ps, "[")) {
        n = parse_class(ps);
    } else if (take(ps, "\\")) {
        n = parse_escape(ps);
    } else if (take(ps, ".")) {
        n = any_code_point(ps, ps->dotall);
    } else if (take(ps, "^") || take(ps, "$")) {
        n = node_new(ps->arena, ASSAY_RX_EMPTY);
    } else if (strchr("*+?{", *ps->p) != NULL) {
        n = fail(ps);
    } else {
        ps->p += assay_utf8_decode(ps->p, ps->end, &cp);
        n = literal_node(ps, cp);
    }
    ps->depth--;
    return n;
}

/* ---- repetition, concatenation, alternation ------------------------------------------------- */

static int take_number(struct parser *ps, uint32_t *ret)
{
    uint32_t v = 0;
    const char *start = ps->p;
    while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9' && v <= RX_REPEAT) {
        v = v * 10 + (uint32_t)(*ps->p++ - '0');
    }
    *ret = v;
    return ps->p > start && v <= RX_REPEAT;
}

/* "{n}", "{n,}", "{n,m}"; anything else that begins with a brace fails (PCRE2 versions differ on
 * it). */
static int take_braces(struct parser *ps, uint32_t *min, uint32_t *max)
{
    if (!take_number(ps, min)) {
        ps->failed = 1;
        return 0;
    }
    *max = *min;
    if (take(ps, ",")) {
        *max = ASSAY_RX_INF;
        if (!starts(ps, "}") && !take_number(ps, max)) {
            ps->failed = 1;
        }
    }
    if (!take(ps, "}") || *max < *min) {
        ps->failed = 1;
    }
    return !ps->failed;
}

static int take_quantifier(struct parser *ps, uint32_t *min, uint32_t *max)
{
    *min = 0;
    *max = ASSAY_RX_INF;
    if (take(ps, "*")) {
    } else if (take(ps, "+")) {
        *min = 1;
    } else if (take(ps, "?")) {
        *max = 1;
    } else if (!take(ps, "{") || !take_braces(ps, min, max)) {
        return 0;
    }
    (void)(take(ps, "?") || take(ps, "+")); /* lazy or possessive: the same language, or less */
    return 1;
}

static struct assay_rx *parse_repeat(struct parser *ps)
{
    struct assay_rx *n = parse_atom(ps);
    uint32_t min = 0, max = 0;
    if (ps->failed || n == NULL || !take_quantifier(ps, &min, &max)) {
        return n;
    }
    if (n->kind == ASSAY_RX_EMPTY || max == 0) {
        return node_new(ps->arena, ASSAY_RX_EMPTY);
    }
    return rx_repeat(ps->arena, n, min, max);
}

static struct assay_rx *parse_cat(struct parser *ps)
{
    struct assay_rx *cat = node_new(ps->arena, ASSAY_RX_CAT);
    struct assay_rx **tail = cat != NULL ? &cat->first : NULL;
    while (cat != NULL && ps->p < ps->end && *ps->p != '|' && *ps->p != ')') {
        struct assay_rx *n = parse_repeat(ps);
        if (ps->failed || n == NULL) {
            return fail(ps);
        }
        if (n->kind != ASSAY_RX_EMPTY) {
            cat_add(cat, &tail, n);
        }
    }
    if (cat == NULL) {
        return fail(ps);
    }
    if (cat->first == NULL) {
        cat->kind = ASSAY_RX_EMPTY;
    }
    return cat;
}

static struct assay_rx *parse_alt(struct parser *ps)
{
    struct assay_rx *first = parse_cat(ps);
    if (ps->failed || !starts(ps, "|")) {
        return first;
    }
    struct assay_rx *alt = node_new(ps->arena, ASSAY_RX_ALT);
    struct assay_rx **tail = alt != NULL ? &alt->first : NULL;
    int optional = 0;
    for (struct assay_rx *n = first; alt != NULL; n = parse_cat(ps)) {
        if (ps->failed || n == NULL) {
            return fail(ps);
        }
        if (n->first == NULL) {
            optional = 1; /* "(a|)" is "(a)?" */
        } else {
            alt_add(alt, &tail, n);
        }
        if (!take(ps, "|")) {
            break;
        }
    }
    if (alt == NULL || alt->first == NULL) {
        return alt == NULL ? fail(ps) : node_new(ps->arena, ASSAY_RX_EMPTY);
    }
    return optional ? rx_repeat(ps->arena, alt, 0, 1) : alt;
}

struct assay_rx *assay_rx_parse(struct assay_arena *a, const char *pattern, int caseless)
{
    size_t len = strlen(pattern);
    struct parser ps = {.arena = a, .p = pattern, .end = pattern + len, .caseless = caseless};
    if (len > ASSAY_LIMIT_PATTERN || assay_utf8_valid(pattern, len) != len) {
        return NULL;
    }
    struct assay_rx *n = parse_alt(&ps);
    return ps.failed || ps.p != ps.end || assay_arena_overflowed(a) ? NULL : n;
}
