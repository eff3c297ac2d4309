/* SPDX-License-Identifier: Apache-2.0
 *
 * Parser of policy expressions: recursive descent over one line, grammar in rules/policy.h.
 */
#include "rules/policy_expr.h"

#include "core/option.h"

const char *const assay_expr_words[] = {"count",   "rate",       "metric", "coverage", "upper95",
                                        "files",   "records",    "bytes",  "and",      "or",
                                        "not",     "severity",   "rule",   "entity",   "category",
                                        "scanner", "confidence", "in",     NULL};

/* ---- tokens -------------------------------------------------------------------------------- */

enum token_kind { T_END, T_NAME, T_TEXT, T_NUMBER, T_OP, T_MARK, T_BAD };

struct token {
    enum token_kind kind;
    size_t at, len; /* in the expression; of T_TEXT without its quotes */
    enum assay_op op;
    char mark; /* ( ) , [ ] */
};

enum cond_kind { C_AND, C_OR, C_NOT, C_SEVERITY, C_NAME, C_CONFIDENCE };
enum field { F_RULE, F_ENTITY, F_CATEGORY, F_SCANNER };

struct name {
    const char *text;
    const struct name *next;
};

struct assay_cond {
    enum cond_kind kind;
    const struct assay_cond *left, *right;
    enum assay_op op;
    enum assay_severity severity;
    enum field field;
    const struct name *names; /* one of them */
    uint16_t bands;           /* confidence */
};

struct parser {
    const struct assay_expr_source *src;
    const char *text;
    size_t at;
    struct token t; /* the one in hand */
    int stopped;    /* a syntax fault was reported */
    int faults;     /* faults of meaning */
    unsigned depth;
    struct assay_cond spare; /* stands in when the arena is full; the parse fails then */
};

static const struct {
    const char *text;
    enum assay_op op;
} operators[] = {{"==", ASSAY_OP_EQ}, {"!=", ASSAY_OP_NE}, {"<=", ASSAY_OP_LE},
                 {">=", ASSAY_OP_GE}, {"<", ASSAY_OP_LT},  {">", ASSAY_OP_GT}};

#define NAME_START "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS     "0123456789"

static int lex_operator(const char *p, struct token *t)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t n = strlen(operators[i].text);
        if (strncmp(p, operators[i].text, n) == 0) {
            t->kind = T_OP;
            t->op = operators[i].op;
            t->len = n;
            return 1;
        }
    }
    return 0;
}

static void lex_quoted(const char *p, struct token *t)
{
    const char *close = strchr(p + 1, *p);
    t->kind = close == NULL ? T_BAD : T_TEXT;
    t->len = close == NULL ? 1 : (size_t)(close - p) - 1;
    t->at += close != NULL;
}

static void advance(struct parser *p)
{
    struct token *t = &p->t;
    p->at += strspn(p->text + p->at, " \t\r\n");
    const char *s = p->text + p->at;
    *t = (struct token){.kind = T_BAD, .at = p->at, .len = 1};
    if (*s == '\0') {
        t->kind = T_END;
        t->len = 0;
    } else if (strchr(NAME_START, *s) != NULL) {
        t->kind = T_NAME;
        t->len = strspn(s, NAME_START DIGITS ".-");
    } else if (strchr(DIGITS, *s) != NULL) {
        t->kind = T_NUMBER;
        t->len = strspn(s, DIGITS ".");
        t->len += s[t->len] == '%';
    } else if (strchr("(),[]", *s) != NULL) {
        t->kind = T_MARK;
        t->mark = *s;
    } else if (*s == '\'' || *s == '"') {
        lex_quoted(s, t);
    } else {
        (void)lex_operator(s, t);
    }
    p->at = t->at + t->len + (t->kind == T_TEXT);
}

/* ---- faults -------------------------------------------------------------------------------- */

#define fault_at(p, token, ...)                                                                    \
    assay_diags_error_in((p)->src->diags, (p)->src->yaml, (p)->src->node, (token).at, (token).len, \
                         __VA_ARGS__)

/* The one syntax fault of this expression: what was wanted where something else stands. */
static void stop(struct parser *p, const char *wanted)
{
    if (!p->stopped) {
        int len = p->t.len < 40 ? (int)p->t.len : 40;
        if (p->t.kind == T_END) {
            fault_at(p, p->t, "the expression ends where %s is wanted", wanted);
        } else {
            fault_at(p, p->t, "'%.*s' stands where %s is wanted", len, p->text + p->t.at, wanted);
        }
    }
    p->stopped = 1;
}

static int token_is(const struct parser *p, const char *word)
{
    return p->t.kind == T_NAME && p->t.len == strlen(word) &&
           strncmp(p->text + p->t.at, word, p->t.len) == 0;
}

static int accept_mark(struct parser *p, char mark)
{
    if (p->t.kind != T_MARK || p->t.mark != mark) {
        return 0;
    }
    advance(p);
    return 1;
}

static void expect_mark(struct parser *p, char mark)
{
    char wanted[4] = {'\'', mark, '\'', '\0'};
    if (!p->stopped && !accept_mark(p, mark)) {
        stop(p, wanted);
    }
}

static const char *token_text(struct parser *p, struct token t)
{
    const char *s = assay_arena_dup(p->src->arena, assay_bytes_make(p->text + t.at, t.len));
    return s == NULL ? "" : s;
}

/* Index of the name in hand among `words`; -1 with a fault. Advances. */
static int expect_word(struct parser *p, const char *const *words, const char *what)
{
    if (p->t.kind != T_NAME) {
        char wanted[32];
        (void)snprintf(wanted, sizeof wanted, "a %s", what);
        stop(p, wanted);
        return -1;
    }
    for (int i = 0; words[i] != NULL; i++) {
        if (token_is(p, words[i])) {
            advance(p);
            return i;
        }
    }
    const char *name = token_text(p, p->t);
    const char *near = assay_suggest(name, words);
    if (!p->stopped) {
        fault_at(p, p->t, "unknown %s '%s'%s", what, name, assay_hint(near, "").text);
    }
    p->stopped = 1;
    return -1;
}

/* ---- numbers ------------------------------------------------------------------------------- */

struct number {
    int64_t millionths;
    int percent;
    struct token token;
};

/* The number in hand: digits, at most 6 decimals (4 before %), at most 12 digits before the point.
 */
static struct number expect_number(struct parser *p)
{
    struct number n = {.token = p->t};
    if (p->t.kind != T_NUMBER || p->stopped) {
        stop(p, "a number");
        return n;
    }
    const char *s = p->text + p->t.at;
    n.percent = s[p->t.len - 1] == '%';
    size_t end = p->t.len - (size_t)n.percent;
    size_t whole = strspn(s, DIGITS);
    size_t places = n.percent ? 4 : 6;
    size_t decimals = whole < end ? strspn(s + whole + 1, DIGITS) : 0;
    if (whole > 12 || decimals > places ||
        (whole < end && (decimals == 0 || whole + 1 + decimals != end))) {
        fault_at(p, p->t, "malformed number: at most 12 digits and %zu decimals", places);
        p->faults++;
    } else {
        for (size_t i = 0; i < whole + 1 + places; i++) {
            int digit = i == whole || i > whole + decimals ? 0 : s[i] - '0';
            n.millionths = i == whole ? n.millionths : n.millionths * 10 + digit;
        }
    }
    advance(p);
    return n;
}

/* ---- conditions ---------------------------------------------------------------------------- */

static const char *const cond_fields[] = {"rule",     "entity",     "category", "scanner",
                                          "severity", "confidence", NULL};

static const char *field_of(const struct assay_rule_view *v, enum field f)
{
    switch (f) {
    case F_RULE:
        return v->id;
    case F_ENTITY:
        return v->entity;
    case F_CATEGORY:
        return v->category;
    case F_SCANNER:
        return v->scanner;
    }
    return NULL;
}

static uint16_t name_bands(const struct assay_cond *c, const struct assay_rule_view *rule)
{
    const char *value = field_of(rule, c->field);
    int found = 0;
    for (const struct name *n = c->names; n != NULL && value != NULL; n = n->next) {
        found |= strcmp(n->text, value) == 0;
    }
    return found == (c->op == ASSAY_OP_EQ) ? ASSAY_ALL_BANDS : 0;
}

uint16_t assay_cond_bands(const struct assay_cond *c, const struct assay_rule_view *rule)
{
    if (c == NULL) {
        return ASSAY_ALL_BANDS;
    }
    switch (c->kind) {
    case C_AND:
        return assay_cond_bands(c->left, rule) & assay_cond_bands(c->right, rule);
    case C_OR:
        return assay_cond_bands(c->left, rule) | assay_cond_bands(c->right, rule);
    case C_NOT:
        return (uint16_t)(ASSAY_ALL_BANDS & ~(unsigned)assay_cond_bands(c->left, rule));
    case C_SEVERITY: {
        int order = (rule->severity > c->severity) - (rule->severity < c->severity);
        return assay_op_holds(order, c->op) ? ASSAY_ALL_BANDS : 0;
    }
    case C_NAME:
        return name_bands(c, rule);
    case C_CONFIDENCE:
        return c->bands;
    }
    return 0;
}

static struct assay_cond *new_cond(struct parser *p, enum cond_kind kind)
{
    struct assay_cond *c = assay_arena_alloc(p->src->arena, sizeof *c);
    if (c == NULL) {
        p->stopped = 1;
        p->faults++;
        return &p->spare;
    }
    c->kind = kind;
    return c;
}

static void check_name(struct parser *p, enum field f, struct token t, const char *text)
{
    const struct assay_ruleset *rs = p->src->rules;
    size_t n = rs == NULL ? 0 : assay_ruleset_count(rs), known = 0;
    const char **values = rs == NULL ? NULL : assay_alloc_array(n + 1, sizeof *values);
    if (values == NULL) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *value = field_of(&assay_ruleset_rule(rs, i)->view, f);
        if (value != NULL) {
            values[known++] = value;
        }
    }
    values[known] = NULL;
    size_t i = 0;
    while (i < known && strcmp(values[i], text) != 0) {
        i++;
    }
    if (i == known) {
        const char *near = assay_suggest(text, values);
        fault_at(p, t, "no loaded rule has %s '%s'%s", cond_fields[f], text,
                 assay_hint(near, "").text);
        p->faults++;
    }
    free(values);
}

static void add_name(struct parser *p, struct assay_cond *c)
{
    if (p->t.kind != T_NAME && p->t.kind != T_TEXT) {
        stop(p, "a name");
        return;
    }
    struct name *n = assay_arena_alloc(p->src->arena, sizeof *n);
    const char *text = token_text(p, p->t);
    check_name(p, c->field, p->t, text);
    if (n != NULL) {
        n->text = text;
        n->next = c->names;
        c->names = n;
    }
    advance(p);
}

static void add_names(struct parser *p, struct assay_cond *c)
{
    char close = p->t.kind == T_MARK && p->t.mark == '[' ? ']' : ')';
    if (!accept_mark(p, '[')) {
        expect_mark(p, '(');
    }
    do {
        if (p->stopped) {
            return;
        }
        add_name(p, c);
    } while (accept_mark(p, ','));
    expect_mark(p, close);
}

static const struct assay_cond *parse_name(struct parser *p, enum field f)
{
    struct assay_cond *c = new_cond(p, C_NAME);
    c->field = f;
    c->op = p->t.op;
    if (token_is(p, "in")) {
        c->op = ASSAY_OP_EQ;
        advance(p);
        add_names(p, c);
    } else if (p->t.kind == T_OP && (c->op == ASSAY_OP_EQ || c->op == ASSAY_OP_NE)) {
        advance(p);
        add_name(p, c);
    } else {
        stop(p, "'==', '!=' or 'in'");
    }
    return c;
}

static int expect_operator(struct parser *p, enum assay_op *ret)
{
    if (p->stopped || p->t.kind != T_OP) {
        stop(p, "a comparison");
        return 0;
    }
    *ret = p->t.op;
    advance(p);
    return 1;
}

static const struct assay_cond *parse_severity(struct parser *p)
{
    struct assay_cond *c = new_cond(p, C_SEVERITY);
    if (expect_operator(p, &c->op)) {
        int level = expect_word(p, assay_severity_names, "severity");
        c->severity = level < 0 ? ASSAY_SEVERITY_INFO : (enum assay_severity)level;
    }
    return c;
}

/* Whether every confidence of band b gives the same answer, which goes to *ret. */
static int band_answer(unsigned b, enum assay_op op, int64_t limit, int *ret)
{
    int64_t low = 100 * (int64_t)b, high = b + 1 == ASSAY_CONFIDENCE_BANDS ? 1000 : low + 99;
    *ret = -1;
    for (int64_t v = low; v <= high; v++) {
        int64_t m = v * (ASSAY_MILLION / 1000);
        int answer = assay_op_holds((m > limit) - (m < limit), op);
        if (*ret >= 0 && answer != *ret) {
            return 0;
        }
        *ret = answer;
    }
    return 1;
}

static const struct assay_cond *parse_confidence(struct parser *p)
{
    struct assay_cond *c = new_cond(p, C_CONFIDENCE);
    if (!expect_operator(p, &c->op)) {
        return c;
    }
    struct number n = expect_number(p);
    for (unsigned b = 0; b < ASSAY_CONFIDENCE_BANDS && !p->stopped; b++) {
        int answer;
        if (!band_answer(b, c->op, n.millionths, &answer)) {
            fault_at(p, n.token,
                     "confidence is kept in tenths: compare with '>=' or '<' and 0.1, 0.2 ... 0.9");
            p->faults++;
            break;
        }
        c->bands |= (uint16_t)((unsigned)answer << b);
    }
    return c;
}

static const struct assay_cond *parse_or(struct parser *p);

static const struct assay_cond *parse_primary(struct parser *p)
{
    if (accept_mark(p, '(')) {
        const struct assay_cond *c = parse_or(p);
        expect_mark(p, ')');
        return c;
    }
    int word = expect_word(p, cond_fields, "field");
    if (word < 0) {
        return NULL;
    }
    if (word <= F_SCANNER) {
        return parse_name(p, (enum field)word);
    }
    return strcmp(cond_fields[word], "severity") == 0 ? parse_severity(p) : parse_confidence(p);
}

static const struct assay_cond *parse_not(struct parser *p)
{
    const struct assay_cond *ret = NULL;
    if (++p->depth > ASSAY_LIMIT_EXPR_DEPTH) {
        stop(p, "a less deeply nested condition");
    } else if (token_is(p, "not")) {
        struct assay_cond *c = new_cond(p, C_NOT);
        advance(p);
        c->left = parse_not(p);
        ret = c;
    } else {
        ret = parse_primary(p);
    }
    p->depth--;
    return ret;
}

static const struct assay_cond *join(struct parser *p, enum cond_kind kind,
                                     const struct assay_cond *left, const struct assay_cond *right)
{
    struct assay_cond *c = new_cond(p, kind);
    c->left = left;
    c->right = right;
    return c;
}

static const struct assay_cond *parse_and(struct parser *p)
{
    const struct assay_cond *c = parse_not(p);
    while (!p->stopped && token_is(p, "and")) {
        advance(p);
        c = join(p, C_AND, c, parse_not(p));
    }
    return c;
}

static const struct assay_cond *parse_or(struct parser *p)
{
    const struct assay_cond *c = parse_and(p);
    while (!p->stopped && token_is(p, "or")) {
        advance(p);
        c = join(p, C_OR, c, parse_and(p));
    }
    return c;
}

/* ---- terms --------------------------------------------------------------------------------- */

static const char *const functions[] = {"count", "rate", "metric", "coverage", NULL};
static const char *const coverages[] = {"files", "records", "bytes", NULL};

static void parse_count(struct parser *p, struct assay_term *t)
{
    if (p->t.kind != T_MARK || p->t.mark != ')') {
        t->cond = parse_or(p);
    }
}

static void parse_rate(struct parser *p, struct assay_term *t)
{
    static const char *const options[] = {"upper95", NULL};
    t->cond = parse_or(p);
    if (!p->stopped && accept_mark(p, ',')) {
        t->upper95 = expect_word(p, options, "rate option") == 0;
    }
}

static void parse_metric(struct parser *p, struct assay_term *t)
{
    if (p->t.kind != T_NAME && p->t.kind != T_TEXT) {
        stop(p, "the name of a metric");
        return;
    }
    t->name = token_text(p, p->t);
    advance(p);
}

static void parse_coverage(struct parser *p, struct assay_term *t)
{
    int i = expect_word(p, coverages, "kind of coverage");
    t->name = i < 0 ? "" : coverages[i];
}

static int is_reserved(const struct parser *p)
{
    return token_is(p, "new") || token_is(p, "drift");
}

static void parse_value(struct parser *p, struct assay_term *t)
{
    static void (*const parse[])(struct parser *, struct assay_term *) = {
        parse_count, parse_rate, parse_metric, parse_coverage};
    if (is_reserved(p)) {
        fault_at(p, p->t, "%s() is reserved for a later version", token_text(p, p->t));
        p->stopped = 1;
        return;
    }
    int f = expect_word(p, functions, "function");
    if (f < 0) {
        return;
    }
    t->kind = (enum assay_term_kind)f;
    expect_mark(p, '(');
    if (!p->stopped) {
        parse[f](p, t);
    }
    expect_mark(p, ')');
}

static void check_limit(struct parser *p, const struct assay_term *t, struct number n)
{
    int is_share = t->kind == ASSAY_TERM_RATE || t->kind == ASSAY_TERM_COVERAGE;
    if (t->kind == ASSAY_TERM_COUNT && (n.percent || n.millionths % ASSAY_MILLION != 0)) {
        fault_at(p, n.token, "count() is a number of findings: compare it with a whole number");
        p->faults++;
    } else if (is_share && n.millionths > ASSAY_MILLION) {
        fault_at(p, n.token,
                 "%s() is a share: compare it with a number from 0 to 1 or 0%% to 100%%",
                 functions[t->kind]);
        p->faults++;
    }
}

int assay_expr_parse(const struct assay_expr_source *src, struct assay_term *ret)
{
    struct parser p = {.src = src, .text = assay_yaml_text(src->node)};
    memset(ret, 0, sizeof *ret);
    if (p.text == NULL || strlen(p.text) > ASSAY_LIMIT_EXPR) {
        assay_diags_error(src->diags, src->yaml, src->node,
                          "an expression of at most %d bytes is wanted", ASSAY_LIMIT_EXPR);
        return 0;
    }
    advance(&p);
    parse_value(&p, ret);
    if (!p.stopped && expect_operator(&p, &ret->op)) {
        struct number n = expect_number(&p);
        ret->limit = n.millionths;
        if (!p.stopped) {
            check_limit(&p, ret, n);
        }
    }
    if (!p.stopped && p.t.kind != T_END) {
        stop(&p, "the end of the expression");
    }
    return !p.stopped && p.faults == 0;
}
