/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_condition.c: a reader of YARA conditions that understands only what it can prove.
 *
 * Grammar read (YARA 4.2, "Writing YARA rules", Conditions): or < and < not; "$a", "$a at ...", "$a
 * in (...)", "any|all|N of them", "... of ($a, $b*)". Everything else is skipped to the next "and",
 * "or" or closing parenthesis at the same depth and counts as "may be true without any string".
 * Sets of needed strings combine as: or = union, and = the side with the longer anchors, not =
 * nothing known. Since unknown is always safe, a construct that is not understood costs speed,
 * never a finding.
 */
#include "rules/yara_condition.h"

#include "core/arena.h"
#include "core/limits.h"

#define MAX_NESTING 64

enum token {
    T_END,
    T_WORD,   /* keyword, identifier, number */
    T_STRING, /* $a, $a*, $ */
    T_OPEN,
    T_CLOSE,
    T_LBRACE,
    T_RBRACE,
    T_COLON,
    T_COMMA,
    T_OTHER
};

/* Strings of which one must occur; bits NULL: nothing known. */
struct need {
    uint8_t *bits; /* one byte a string */
    uint32_t weakest;
};

struct reader {
    const char *p; /* behind the current token */
    enum token token;
    struct assay_bytes text; /* of the current token */
    const struct assay_yara_string *strings;
    size_t n;
    struct assay_arena *arena;
    unsigned nesting;
    int lost; /* gave up: nothing is known */
};

/* ---- tokens --------------------------------------------------------------------------------- */

static int is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static const char *skip_space(const char *p)
{
    for (;;) {
        while (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
            p++;
        }
        if (p[0] == '/' && p[1] == '/') {
            p += strcspn(p, "\n");
        } else if (p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");
            p = end == NULL ? p + strlen(p) : end + 2;
        } else {
            return p;
        }
    }
}

/* Behind a text string or regular expression whose opening delimiter is *p. */
static const char *skip_quoted(const char *p)
{
    char delimiter = *p++;
    while (*p != '\0' && *p != delimiter) {
        p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
    }
    return *p == '\0' ? p : p + 1;
}

static const char *skip_word(const char *p)
{
    while (is_word_char(*p)) {
        p++;
    }
    return p;
}

static enum token single(char c)
{
    static const struct {
        char c;
        enum token token;
    } map[] = {{'(', T_OPEN},   {')', T_CLOSE}, {'{', T_LBRACE},
               {'}', T_RBRACE}, {':', T_COLON}, {',', T_COMMA}};
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
        if (map[i].c == c) {
            return map[i].token;
        }
    }
    return T_OTHER;
}

static void advance(struct reader *r)
{
    const char *p = skip_space(r->p);
    const char *end = p + 1;
    if (*p == '\0') {
        r->token = T_END;
        end = p;
    } else if (is_word_char(*p)) {
        r->token = T_WORD;
        end = skip_word(p);
    } else if (*p == '$') {
        r->token = T_STRING;
        end = skip_word(p + 1);
        end += *end == '*' ? 1 : 0;
    } else if (*p == '"' || *p == '/') {
        r->token = T_OTHER;
        end = skip_quoted(p);
    } else if (*p == '#' || *p == '@' || *p == '!') {
        r->token = T_OTHER;
        end = skip_word(p + 1);
    } else {
        r->token = single(*p);
    }
    r->text = assay_bytes_make(p, (size_t)(end - p));
    r->p = end;
}

static int is_word(const struct reader *r, const char *word)
{
    return r->token == T_WORD && assay_bytes_equal(r->text, assay_bytes_str(word));
}

/* ---- sets of needed strings ----------------------------------------------------------------- */

static const struct need nothing = {NULL, 0};

static int matches_name(struct assay_bytes pattern, const char *identifier)
{
    size_t len = strlen(identifier);
    if (pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*') {
        return len >= pattern.len - 1 && memcmp(identifier, pattern.ptr, pattern.len - 1) == 0;
    }
    return len == pattern.len && memcmp(identifier, pattern.ptr, len) == 0;
}

static struct need new_need(struct reader *r)
{
    struct need s = {assay_arena_alloc(r->arena, r->n == 0 ? 1 : r->n), UINT32_MAX};
    r->lost |= s.bits == NULL;
    return s;
}

/* Adds the strings that `pattern` names; a named string that is no anchor makes the set useless. */
static void add_named(struct reader *r, struct need *s, struct assay_bytes pattern)
{
    int any = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (matches_name(pattern, r->strings[i].identifier)) {
            any = 1;
            if (s->bits != NULL) {
                s->bits[i] = 1;
            }
            if (r->strings[i].anchor_len < s->weakest) {
                s->weakest = r->strings[i].anchor_len;
            }
        }
    }
    if (!any) {
        r->lost = 1; /* the text and the compiled rule disagree */
    }
}

static struct need settled(struct need s)
{
    return s.bits == NULL || s.weakest == 0 || s.weakest == UINT32_MAX ? nothing : s;
}

static struct need either(const struct reader *r, struct need a, struct need b)
{
    if (a.bits == NULL || b.bits == NULL) {
        return nothing;
    }
    for (size_t i = 0; i < r->n; i++) {
        a.bits[i] |= b.bits[i];
    }
    a.weakest = b.weakest < a.weakest ? b.weakest : a.weakest;
    return a;
}

static struct need both(struct need a, struct need b)
{
    if (a.bits == NULL || (b.bits != NULL && b.weakest > a.weakest)) {
        return b;
    }
    return a;
}

/* The longest anchor alone: for "all of". */
static struct need best_of(const struct reader *r, struct need s)
{
    size_t best = 0;
    uint32_t len = 0;
    for (size_t i = 0; s.bits != NULL && i < r->n; i++) {
        if (s.bits[i] && r->strings[i].anchor_len > len) {
            best = i;
            len = r->strings[i].anchor_len;
        }
    }
    if (len == 0) {
        return nothing;
    }
    memset(s.bits, 0, r->n);
    s.bits[best] = 1;
    s.weakest = len;
    return s;
}

/* ---- conditions ----------------------------------------------------------------------------- */

static struct need read_or(struct reader *r);

static int at_boundary(const struct reader *r)
{
    return r->token == T_END || r->token == T_CLOSE || r->token == T_RBRACE || is_word(r, "and") ||
           is_word(r, "or");
}

/* Skips the rest of an operand, parentheses and all. */
static void skip_operand(struct reader *r)
{
    unsigned depth = 0;
    while (r->token != T_END && r->token != T_RBRACE && (depth > 0 || !at_boundary(r))) {
        depth += r->token == T_OPEN;
        depth -= r->token == T_CLOSE;
        advance(r);
    }
}

/* The set behind "of": "them" or a list of strings. */
static struct need read_set(struct reader *r)
{
    struct need s = new_need(r);
    if (is_word(r, "them")) {
        add_named(r, &s, assay_bytes_str("$*"));
        advance(r);
        return s;
    }
    if (r->token != T_OPEN) {
        return nothing;
    }
    do {
        advance(r);
        if (r->token == T_STRING) {
            add_named(r, &s, r->text);
            advance(r);
        }
    } while (r->token == T_COMMA);
    if (r->token != T_CLOSE) {
        r->lost = 1; /* a set of rules */
        return nothing;
    }
    advance(r);
    return s;
}

/* A number of at least one, in digits. */
static int is_positive(struct assay_bytes text)
{
    if (text.len == 0 || text.len > 9 || text.ptr[0] < '1' || text.ptr[0] > '9') {
        return 0;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
    }
    return 1;
}

/* "any of ...", "all of ...", "3 of ..."; nothing known when it is something else. */
static struct need read_of(struct reader *r)
{
    int all = is_word(r, "all");
    int some = all || is_word(r, "any") || is_positive(r->text);
    advance(r);
    if (!some || !is_word(r, "of")) {
        return nothing;
    }
    advance(r);
    struct need s = read_set(r);
    return all ? best_of(r, s) : settled(s);
}

static struct need read_string(struct reader *r)
{
    struct need s = new_need(r);
    if (r->text.len < 2 || r->text.ptr[r->text.len - 1] == '*') {
        return nothing;
    }
    add_named(r, &s, r->text);
    advance(r);
    return at_boundary(r) || is_word(r, "at") || is_word(r, "in") ? settled(s) : nothing;
}

static struct need read_parenthesis(struct reader *r)
{
    if (++r->nesting > MAX_NESTING) {
        r->lost = 1;
        return nothing;
    }
    advance(r);
    struct need s = read_or(r);
    r->nesting--;
    if (r->token != T_CLOSE) {
        r->lost = 1;
        return nothing;
    }
    advance(r);
    return at_boundary(r) ? s : nothing; /* "(filesize) > 3" was arithmetic */
}

static struct need read_operand(struct reader *r)
{
    struct need s = nothing;
    if (is_word(r, "not") || is_word(r, "defined")) {
        advance(r);
        if (++r->nesting > MAX_NESTING) {
            r->lost = 1;
        } else {
            (void)read_operand(r);
            r->nesting--;
        }
        return nothing;
    }
    if (r->token == T_OPEN) {
        s = read_parenthesis(r);
    } else if (r->token == T_STRING) {
        s = read_string(r);
    } else if (r->token == T_WORD) {
        s = read_of(r);
    }
    skip_operand(r);
    return s;
}

static struct need read_and(struct reader *r)
{
    struct need s = read_operand(r);
    while (!r->lost && is_word(r, "and")) {
        advance(r);
        s = both(s, read_operand(r));
    }
    return s;
}

static struct need read_or(struct reader *r)
{
    struct need s = read_and(r);
    while (!r->lost && is_word(r, "or")) {
        advance(r);
        s = either(r, s, read_and(r));
    }
    return s;
}

/* ---- finding the condition ------------------------------------------------------------------ */

/* From the opening brace of a rule: to the first token of its condition (1), or behind the rule
 * (0). */
static int enter_condition(struct reader *r, int wanted)
{
    unsigned depth = 0;
    for (; r->token != T_END; advance(r)) {
        depth += r->token == T_LBRACE;
        depth -= r->token == T_RBRACE;
        if (depth == 0) {
            return 0;
        }
        if (wanted && depth == 1 && is_word(r, "condition")) {
            advance(r);
            if (r->token == T_COLON) {
                advance(r);
                return 1;
            }
        }
    }
    return 0;
}

static int find_condition(struct reader *r, const char *name)
{
    for (advance(r); r->token != T_END; advance(r)) {
        if (!is_word(r, "rule")) {
            continue;
        }
        advance(r);
        int wanted = is_word(r, name);
        while (r->token != T_END && r->token != T_LBRACE) {
            advance(r);
        }
        if (enter_condition(r, wanted)) {
            return 1;
        }
    }
    return 0;
}

int assay_yara_condition_needs(const char *source, const char *name,
                               const struct assay_yara_string *strings, size_t n, uint8_t *needed)
{
    struct reader r = {.p = source, .strings = strings, .n = n};
    int known = 0;
    memset(needed, 0, n);
    r.arena = assay_arena_new(ASSAY_MIB(16));
    if (r.arena != NULL && find_condition(&r, name)) {
        struct need s = read_or(&r);
        known = !r.lost && r.token == T_RBRACE && s.bits != NULL;
        if (known) {
            memcpy(needed, s.bits, n);
        }
    }
    assay_arena_free(r.arena);
    return known;
}
