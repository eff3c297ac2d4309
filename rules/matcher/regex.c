/* SPDX-License-Identifier: Apache-2.0
 *
 * A recursive-descent parser for the part of PCRE2's syntax that rule authors use. The one rule it
 * lives by: when in doubt, widen (a superset is harmless, the confirm is exact) or fail (PCRE2
 * alone is always right); never narrow. Depth and node count are bounded.
 */
#include "rules/matcher/regex.h"

#include "core/limits.h"
#include "core/utf8.h"
#include "rules/matcher/regex_tree.h"

#define RX_DEPTH  48
#define RX_REPEAT 65535

struct parser {
    struct assay_arena *arena;
    const char *p, *end;
    int caseless, dotall;
    unsigned depth;
    int failed;
};

static struct assay_rx *parse_alt(struct parser *ps);

static struct assay_rx *fail(struct parser *ps)
{
    ps->failed = 1;
    return NULL;
}

static struct assay_rx *checked(struct parser *ps, struct assay_rx *n)
{
    return n != NULL ? n : fail(ps);
}

static int is_alpha(unsigned c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static struct assay_rx *class_finish(struct parser *ps, struct assay_rx_class *cs, int negated)
{
    if (ps->caseless) {
        assay_rx_class_fold(cs);
    }
    if (negated) {
        assay_rx_class_negate(cs);
    }
    return checked(ps, assay_rx_class_node(ps->arena, cs));
}

static struct assay_rx *literal_node(struct parser *ps, uint32_t cp)
{
    struct assay_rx_class cs = {.caseless = ps->caseless};
    if (cp >= 0x80 && !ps->caseless) {
        return checked(ps, assay_rx_code_point(ps->arena, cp));
    }
    assay_rx_class_add(&cs, cp);
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
static int escape_class(char c, struct assay_rx_class *cs)
{
    struct assay_rx_class one = {.any = 0};
    switch (c | 0x20) {
    case 'd':
        assay_byteset_range(&one.ascii, '0', '9');
        break;
    case 'w':
        assay_byteset_range(&one.ascii, '0', '9');
        assay_byteset_range(&one.ascii, 'A', 'Z');
        assay_byteset_range(&one.ascii, 'a', 'z');
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
        assay_rx_class_negate(&one);
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
    struct assay_rx_class cs = {.any = 1};
    assay_byteset_range(&cs.ascii, 0, 0x7f);
    if (!with_newline) {
        cs.ascii.w[0] &= ~((uint64_t)1 << '\n');
    }
    return checked(ps, assay_rx_class_node(ps->arena, &cs));
}

static struct assay_rx *parse_escape(struct parser *ps)
{
    struct assay_rx_class cs = {.caseless = ps->caseless};
    if (ps->p == ps->end) {
        return fail(ps);
    }
    char c = *ps->p++;
    if (escape_class(c, &cs)) {
        return checked(ps, assay_rx_class_node(ps->arena, &cs));
    }
    if (strchr("bBAzZ", c) != NULL) {
        return assay_rx_node(ps->arena, ASSAY_RX_EMPTY);
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
        return assay_rx_opaque(ps->arena);
    }
    if (c == 'R' || c == 'X') {
        return assay_rx_opaque(ps->arena);
    }
    uint32_t cp = escape_literal(ps, c);
    return ps->failed ? NULL : literal_node(ps, cp);
}

/* ---- classes -------------------------------------------------------------------------------- */

static int class_posix(struct parser *ps, struct assay_rx_class *cs)
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
                assay_byteset_range(&cs->ascii, (unsigned char)r[0], (unsigned char)r[1]);
            }
            ps->p += n + 2;
            return 1;
        }
    }
    ps->failed = 1;
    return 0;
}

/* One member of a class. Returns 1 with *cp for a single code point, 0 for a set already added. */
static int class_member(struct parser *ps, struct assay_rx_class *cs, uint32_t *cp)
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
        assay_byteset_range(&cs->ascii, 0, 0x7f);
        cs->any = 1;
        return 0;
    }
    *cp = c == 'b' ? '\b' : escape_literal(ps, c);
    return 1;
}

static void class_item(struct parser *ps, struct assay_rx_class *cs)
{
    uint32_t lo = 0, hi = 0;
    if (!class_member(ps, cs, &lo)) {
        return;
    }
    if (ps->end - ps->p < 2 || ps->p[0] != '-' || ps->p[1] == ']') {
        assay_rx_class_add(cs, lo);
        return;
    }
    ps->p++;
    if (!class_member(ps, cs, &hi)) { /* "a-\d": a, hyphen and the set */
        assay_rx_class_add(cs, lo);
        assay_rx_class_add(cs, '-');
    } else if (hi < lo) {
        ps->failed = 1;
    } else {
        assay_rx_class_range(cs, lo, hi);
    }
}

static struct assay_rx *parse_class(struct parser *ps)
{
    struct assay_rx_class cs = {.caseless = ps->caseless};
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
    return is_assertion ? assay_rx_node(ps->arena, ASSAY_RX_EMPTY) : n;
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
        return assay_rx_node(ps->arena, ASSAY_RX_EMPTY);
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
        n = assay_rx_node(ps->arena, ASSAY_RX_EMPTY);
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
        return assay_rx_node(ps->arena, ASSAY_RX_EMPTY);
    }
    return assay_rx_repeat(ps->arena, n, min, max);
}

static struct assay_rx *parse_cat(struct parser *ps)
{
    struct assay_rx *cat = assay_rx_node(ps->arena, ASSAY_RX_CAT);
    struct assay_rx **tail = cat != NULL ? &cat->first : NULL;
    while (cat != NULL && ps->p < ps->end && *ps->p != '|' && *ps->p != ')') {
        struct assay_rx *n = parse_repeat(ps);
        if (ps->failed || n == NULL) {
            return fail(ps);
        }
        if (n->kind != ASSAY_RX_EMPTY) {
            assay_rx_cat_add(cat, &tail, n);
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
    struct assay_rx *alt = assay_rx_node(ps->arena, ASSAY_RX_ALT);
    struct assay_rx **tail = alt != NULL ? &alt->first : NULL;
    int optional = 0;
    for (struct assay_rx *n = first; alt != NULL; n = parse_cat(ps)) {
        if (ps->failed || n == NULL) {
            return fail(ps);
        }
        if (n->first == NULL) {
            optional = 1; /* "(a|)" is "(a)?" */
        } else {
            assay_rx_alt_add(alt, &tail, n);
        }
        if (!take(ps, "|")) {
            break;
        }
    }
    if (alt == NULL || alt->first == NULL) {
        return alt == NULL ? fail(ps) : assay_rx_node(ps->arena, ASSAY_RX_EMPTY);
    }
    return optional ? assay_rx_repeat(ps->arena, alt, 0, 1) : alt;
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
