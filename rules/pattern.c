/* SPDX-License-Identifier: Apache-2.0
 *
 * Pattern checks.
 *
 * One small walker knows PCRE2's surface (escapes, \Q..\E, classes, groups, (?#comments)) well
 * enough to find constructs; validity is PCRE2's own verdict. Extended mode changes what is a
 * comment, so it is accepted only at the very start of a pattern, where the walker can see that it
 * holds for all of it.
 */
#include "rules/pattern.h"

#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#ifdef HAVE_VECTORSCAN
#include <hs.h>
#endif

#include "core/limits.h"

uint32_t assay_pattern_options(int caseless)
{
    return PCRE2_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | (caseless ? PCRE2_CASELESS : 0);
}

/* ---- the walker ---------------------------------------------------------------------------- */

enum token_kind { TOKEN_END, TOKEN_ESCAPE, TOKEN_CLASS, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_CHAR };

struct token {
    enum token_kind kind;
    size_t at, len;
};

struct walker {
    const char *p;
    size_t at;
    int extended; /* '#' starts a comment */
};

/* (?x) or (?ix) as the very first thing. */
static int starts_extended(const char *p)
{
    if (strncmp(p, "(?", 2) != 0) {
        return 0;
    }
    size_t flags = strspn(p + 2, "imsnJxU");
    return memchr(p + 2, 'x', flags) != NULL && p[2 + flags] == ')';
}

static struct walker walker_at(const char *pattern, size_t at)
{
    struct walker w = {pattern, at, starts_extended(pattern)};
    return w;
}

/* Length of one member of a class at p: an escape, a \Q..\E run, a [:posix:] name or one byte. */
static size_t member_length(const char *p)
{
    const char *end = NULL;
    if (p[0] == '\\' && p[1] == 'Q') {
        end = strstr(p, "\\E");
    } else if (p[0] == '[' && p[1] == ':') {
        end = strstr(p, ":]");
        end = end != NULL && strspn(p + 2, "^abcdefghijklmnopqrstuvwxyz") == (size_t)(end - p) - 2
                  ? end
                  : NULL;
    }
    if (end != NULL) {
        return (size_t)(end - p) + 2;
    }
    return p[0] == '\\' && p[1] != '\0' ? 2 : 1;
}

static size_t class_length(const char *p)
{
    size_t i = 1;
    i += p[i] == '^';
    i += p[i] == ']';
    while (p[i] != '\0' && p[i] != ']') {
        i += member_length(p + i);
    }
    return p[i] == ']' ? i + 1 : i;
}

/* Length of what the walker does not look into: \Q..\E, (?#..), # comments. 0: none here. */
static size_t skipped_length(const struct walker *w)
{
    const char *p = w->p + w->at;
    const char *close = NULL;
    if (p[0] == '\\' && p[1] == 'Q') {
        close = strstr(p, "\\E");
        return close == NULL ? strlen(p) : (size_t)(close - p) + 2;
    }
    if (strncmp(p, "(?#", 3) == 0) {
        close = strchr(p, ')');
        return close == NULL ? strlen(p) : (size_t)(close - p) + 1;
    }
    if (w->extended && p[0] == '#') {
        return strcspn(p, "\n");
    }
    return 0;
}

static struct token walk(struct walker *w)
{
    for (size_t skip; (skip = skipped_length(w)) > 0;) {
        w->at += skip;
    }
    const char *p = w->p + w->at;
    struct token t = {TOKEN_CHAR, w->at, 1};
    if (*p == '\0') {
        t.kind = TOKEN_END;
        t.len = 0;
    } else if (*p == '\\') {
        t.kind = TOKEN_ESCAPE;
        t.len = p[1] == '\0' ? 1 : 2;
        t.len += p[1] == 'c' && p[2] != '\0';
    } else if (*p == '[') {
        t.kind = TOKEN_CLASS;
        t.len = class_length(p);
    } else if (*p == '(') {
        t.kind = TOKEN_OPEN;
    } else if (*p == ')') {
        t.kind = TOKEN_CLOSE;
    }
    w->at += t.len;
    return t;
}

/* ---- refused constructs -------------------------------------------------------------------- */

struct construct {
    const char *prefix;
    const char *next; /* one of these must follow; NULL: anything */
    const char *what;
};

static const struct construct refused_escapes[] = {
    {"\\K", NULL, "\\K"},
    {"\\G", NULL, "\\G"},
    {"\\C", NULL, "\\C"},
    {"\\X", NULL, "\\X"},
    {"\\g<", NULL, "a subroutine call"},
    {"\\g'", NULL, "a subroutine call"},
    {"\\g", NULL, "a back reference"},
    {"\\k", NULL, "a back reference"},
    {"\\", "123456789", "a back reference"},
    {NULL, NULL, NULL},
};

static const struct construct refused_groups[] = {
    {"(*", NULL, "a control verb"},      {"(?R", NULL, "recursion"},
    {"(?", "0123456789", "recursion"},   {"(?+", NULL, "recursion"},
    {"(?-", "0123456789", "recursion"},  {"(?&", NULL, "a subroutine call"},
    {"(?P>", NULL, "a subroutine call"}, {"(?P=", NULL, "a back reference"},
    {"(?C", NULL, "a callout"},          {"(?(", NULL, "a conditional"},
    {"(?^", NULL, "an option reset"},    {NULL, NULL, NULL},
};

static const struct construct *construct_at(const struct construct *table, const char *p)
{
    for (; table->prefix != NULL; table++) {
        size_t n = strlen(table->prefix);
        if (strncmp(p, table->prefix, n) == 0 &&
            (table->next == NULL || (p[n] != '\0' && strchr(table->next, p[n]) != NULL))) {
            return table;
        }
    }
    return NULL;
}

/* Length of an option group at p that touches extended mode; 0: it does not. */
static size_t extended_switch(const char *p)
{
    size_t flags = strncmp(p, "(?", 2) == 0 ? strspn(p + 2, "imsnJxU-") : 0;
    int has_x = flags > 0 && memchr(p + 2, 'x', flags) != NULL;
    return has_x && (p[2 + flags] == ')' || p[2 + flags] == ':') ? 2 + flags : 0;
}

/* The name of the refused construct that token t starts; NULL: none. */
static const char *refused_token(const struct walker *w, struct token t, size_t *ret_len)
{
    const struct construct *c = NULL;
    if (t.kind == TOKEN_ESCAPE || t.kind == TOKEN_OPEN) {
        c = construct_at(t.kind == TOKEN_ESCAPE ? refused_escapes : refused_groups, w->p + t.at);
    }
    if (c != NULL) {
        *ret_len = strlen(c->prefix) + (c->next != NULL);
        return c->what;
    }
    *ret_len = t.kind == TOKEN_OPEN ? extended_switch(w->p + t.at) : 0;
    return *ret_len > 0 && !(t.at == 0 && w->extended) ? "extended mode after the start" : NULL;
}

const char *assay_pattern_refused(const char *pattern, size_t *at, size_t *ret_len)
{
    struct walker w = walker_at(pattern, *at);
    for (struct token t = walk(&w); t.kind != TOKEN_END; t = walk(&w)) {
        const char *what = refused_token(&w, t, ret_len);
        if (what != NULL) {
            *at = t.at;
            return what;
        }
    }
    return NULL;
}

/* ---- checks -------------------------------------------------------------------------------- */

static pcre2_code *compile(const char *pattern, int caseless, int *ret_code, size_t *ret_at)
{
    return pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                         assay_pattern_options(caseless), ret_code, ret_at, NULL);
}

static void report_compile(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                           int code, size_t at)
{
    char why[160];
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why) < 0) {
        (void)snprintf(why, sizeof why, "error %d", code);
    }
    assay_diags_error_in(l->diags, l->yaml, n, at, 0, "%s does not compile: %s", what, why);
}

static void check_constructs(struct assay_load *l, const struct assay_yaml_node *n,
                             const char *pattern)
{
    size_t at = 0, len = 0;
    for (const char *what; (what = assay_pattern_refused(pattern, &at, &len)) != NULL; at += len) {
        assay_diags_error_in(l->diags, l->yaml, n, at, len, "%s is not allowed in a pattern", what);
    }
}

/* Whether PCRE2 takes the pattern, and never for the empty string. */
static int check_compiles(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                          const char *pattern, int caseless)
{
    int error = 0;
    size_t at = 0;
    uint32_t empty = 0, least = 0;
    pcre2_code *code = compile(pattern, caseless, &error, &at);
    if (code == NULL) {
        report_compile(l, n, what, error, at);
        return 0;
    }
    (void)pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &empty);
    (void)pcre2_pattern_info(code, PCRE2_INFO_MINLENGTH, &least);
    pcre2_code_free(code);
    if (empty || least == 0) {
        assay_diags_error(l->diags, l->yaml, n, "%s can match the empty string", what);
        return 0;
    }
    return 1;
}

/* The pattern's text, or NULL with a diagnostic. */
static const char *pattern_text(struct assay_load *l, const struct assay_yaml_node *n)
{
    const char *text = assay_yaml_text(n);
    if (text == NULL || *text == '\0') {
        assay_diags_error(l->diags, l->yaml, n, "a pattern is wanted");
        return NULL;
    }
    if (strlen(text) > ASSAY_LIMIT_PATTERN) {
        assay_diags_error(l->diags, l->yaml, n, "pattern longer than %zu bytes",
                          ASSAY_LIMIT_PATTERN);
        return NULL;
    }
    return text;
}

void assay_pattern_check(struct assay_load *l, const struct assay_yaml_node *n, int caseless)
{
    const char *pattern = pattern_text(l, n);
    if (pattern != NULL) {
        check_constructs(l, n, pattern);
        (void)check_compiles(l, n, "pattern", pattern, caseless);
    }
}

#ifdef HAVE_VECTORSCAN
static void check_vectorscan(struct assay_load *l, const struct assay_yaml_node *n,
                             const char *pattern, int caseless)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *error = NULL;
    unsigned flags = HS_FLAG_UTF8 | HS_FLAG_PREFILTER | (caseless ? HS_FLAG_CASELESS : 0);
    if (hs_expression_info(pattern, flags, &info, &error) != HS_SUCCESS) {
        assay_diags_error(l->diags, l->yaml, n, "Vectorscan refuses this prefilter: %s",
                          error == NULL ? "out of memory" : error->message);
        (void)hs_free_compile_error(error);
    }
    free(info);
}
#endif

void assay_prefilter_check(struct assay_load *l, const struct assay_yaml_node *n, int caseless)
{
    const char *pattern = pattern_text(l, n);
    if (pattern == NULL || !check_compiles(l, n, "prefilter", pattern, caseless)) {
        return;
    }
#ifdef HAVE_VECTORSCAN
    check_vectorscan(l, n, pattern, caseless);
#endif
}

/* ---- lint ---------------------------------------------------------------------------------- */

/* Length of an unbounded quantifier at p ("*", "+", "{3,}"); 0: none, or a possessive one. */
static size_t unbounded(const char *p)
{
    size_t n = *p == '*' || *p == '+' ? 1 : 0;
    if (*p == '{') {
        size_t digits = strspn(p + 1, "0123456789");
        n = digits > 0 && p[1 + digits] == ',' && p[2 + digits] == '}' ? digits + 3 : 0;
    }
    return n > 0 && p[n] == '+' ? 0 : n;
}

#define NEST_MAX 64

/* What was seen in the open branch of one group. */
struct branch {
    uint8_t fixed;    /* something that must stand there once */
    uint8_t repeated; /* something repeated without bound */
    uint8_t loose;    /* a branch that is repeated and holds nothing fixed */
};

static void branch_end(struct branch *b)
{
    b->loose = (uint8_t)(b->loose || (b->repeated && !b->fixed));
    b->repeated = b->fixed = 0;
}

static void branch_item(struct branch *b, const char *after)
{
    if (unbounded(after) > 0) {
        b->repeated = 1;
    } else if (*after != '?' && strncmp(after, "{0", 2) != 0) {
        b->fixed = 1;
    }
}

size_t assay_pattern_nested(const char *pattern)
{
    struct walker w = walker_at(pattern, 0);
    struct branch open[NEST_MAX] = {{0, 0, 0}};
    size_t depth = 0;
    for (struct token t = walk(&w); t.kind != TOKEN_END; t = walk(&w)) {
        if (t.kind == TOKEN_OPEN) {
            depth += depth + 1 < NEST_MAX;
            memset(&open[depth], 0, sizeof open[depth]);
            w.at += strspn(pattern + w.at, "?:");
            continue;
        }
        if (t.kind == TOKEN_CHAR && strchr("|*+?{", pattern[t.at]) != NULL) {
            if (pattern[t.at] == '|') {
                branch_end(&open[depth]);
            }
            continue;
        }
        if (t.kind == TOKEN_CLOSE) {
            branch_end(&open[depth]);
            if (open[depth].loose && unbounded(pattern + w.at) > 0) {
                return w.at;
            }
            depth -= depth > 0;
        }
        branch_item(&open[depth], pattern + w.at);
    }
    return SIZE_MAX;
}

int assay_pattern_anchored(const char *pattern, int caseless)
{
    int error;
    size_t at;
    pcre2_code *code = compile(pattern, caseless, &error, &at);
    if (code == NULL) {
        return 1;
    }
    uint32_t first = 0, last = 0, least = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &first);
    (void)pcre2_pattern_info(code, PCRE2_INFO_LASTCODETYPE, &last);
    (void)pcre2_pattern_info(code, PCRE2_INFO_MINLENGTH, &least);
    pcre2_code_free(code);
    return first == 1 || last == 1 || least >= 6;
}
