/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: the YAML around the expressions, and judging.
 *
 * A policy is compiled against one rule set: each count() and rate() carries a mask per rule. Equal
 * masks of rate() terms are one condition, because the engine pays for each one on every record
 * with a finding.
 */
#include "rules/policy.h"

#include <assert.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/option.h"
#include "core/status.h"
#include "rules/embedded.h"
#include "rules/policy_expr.h"

static const char *const policy_keys[] = {"policy", "version", "title", "fail", "warn", NULL};
static const char *const term_keys[] = {"id", "expr", "note", NULL};

const struct assay_key_table assay_policy_key_tables[] = {
    {"policy", policy_keys}, {"term", term_keys}, {"expression", assay_expr_words}, {NULL, NULL}};

struct policy_term {
    struct assay_term term;
    const char *id, *expr, *note_en, *note_zh;
    const struct assay_yaml_node *id_node;
    int is_warn;
    const uint16_t *bands; /* by rule; count() and rate() */
    size_t condition;      /* rate() */
};

struct assay_policy {
    struct assay_arena *arena;
    struct assay_buf file;
    struct assay_bytes text;
    struct assay_yaml *yaml;
    const char *name, *version;
    uint8_t sha256[ASSAY_SHA256_LEN];
    const struct assay_ruleset *rules;
    int is_embedded;
    struct policy_term terms[ASSAY_LIMIT_POLICY_TERMS];
    size_t n_terms;
    const uint16_t *conditions[ASSAY_LIMIT_POLICY_TERMS];
    size_t n_conditions;
    struct assay_diags *diags; /* while loading */
};

/* ---- verdicts ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    int exit_code;
} verdicts[] = {{"PASS", 0}, {"WARN", 0}, {"FAIL", 1}, {"INCOMPLETE", 3}};

const char *assay_verdict_name(enum assay_verdict v)
{
    return verdicts[(unsigned)v <= ASSAY_INCOMPLETE ? v : ASSAY_INCOMPLETE].name;
}

int assay_verdict_exit(enum assay_verdict v)
{
    return verdicts[(unsigned)v <= ASSAY_INCOMPLETE ? v : ASSAY_INCOMPLETE].exit_code;
}

/* ---- where the text comes from ------------------------------------------------------------- */

static int use_embedded(struct assay_policy *p, const char *name)
{
    char path[128];
    int n = snprintf(path, sizeof path, "policies/%s.yaml", name);
    const struct assay_embedded_file *f =
        n < 0 || (size_t)n >= sizeof path ? NULL : assay_embedded_find(path);
    if (f == NULL) {
        return 0;
    }
    p->text = assay_bytes_make(f->data, f->len);
    p->is_embedded = 1;
    return 1;
}

static int read_policy(struct assay_policy *p, const char *path)
{
    struct assay_error err;
    int is_name = strchr(path, '/') == NULL;
    if (is_name && use_embedded(p, path)) {
        return 1;
    }
    if (assay_fs_read_file(path, ASSAY_LIMIT_YAML_FILE, &p->file, &err) == ASSAY_OK) {
        p->text = assay_buf_bytes(&p->file);
        return 1;
    }
    if (is_name && err.status == ASSAY_NOTFOUND) {
        const char *near = assay_suggest(path, assay_embedded_policies);
        assay_diags_error(p->diags, NULL, NULL, "no policy '%s': neither built in nor a file%s",
                          path, assay_hint(near, "").text);
    } else {
        char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX];
        assay_error_format(&err, line, sizeof line);
        assay_diags_error(p->diags, NULL, NULL, "%s", line);
    }
    return 0;
}

/* ---- terms --------------------------------------------------------------------------------- */

static const uint16_t *compile_bands(struct assay_policy *p, const struct assay_cond *cond)
{
    size_t n = p->rules == NULL ? 0 : assay_ruleset_count(p->rules);
    uint16_t *bands = assay_arena_array(p->arena, n + 1, sizeof *bands);
    for (uint32_t i = 0; bands != NULL && i < n; i++) {
        bands[i] = assay_cond_bands(cond, &assay_ruleset_rule(p->rules, i)->view);
    }
    return bands;
}

static size_t condition_of(struct assay_policy *p, const uint16_t *bands)
{
    size_t size = (p->rules == NULL ? 0 : assay_ruleset_count(p->rules)) * sizeof *bands;
    for (size_t i = 0; i < p->n_conditions; i++) {
        if (memcmp(p->conditions[i], bands, size) == 0) {
            return i;
        }
    }
    p->conditions[p->n_conditions] = bands;
    return p->n_conditions++;
}

static void compile_term(struct assay_policy *p, struct policy_term *t)
{
    if (t->term.kind != ASSAY_TERM_COUNT && t->term.kind != ASSAY_TERM_RATE) {
        return;
    }
    t->bands = compile_bands(p, t->term.cond);
    if (t->bands != NULL && t->term.kind == ASSAY_TERM_RATE) {
        t->condition = condition_of(p, t->bands);
    }
}

static const struct assay_yaml_node *wanted(struct assay_policy *p, const struct assay_yaml_node *n,
                                            const char *key, const char *what)
{
    const struct assay_yaml_node *v = assay_yaml_get(n, key);
    if (v == NULL) {
        assay_diags_error(p->diags, p->yaml, n, "missing key '%s' in %s", key, what);
    }
    return v;
}

static const char *term_id(struct assay_policy *p, const struct assay_yaml_node *n)
{
    const char *id = assay_yaml_text(n);
    const char *plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (n != NULL &&
        (id == NULL || *id == '\0' || id[strspn(id, plain)] != '\0' || strlen(id) > 64)) {
        assay_diags_error(p->diags, p->yaml, n, "id: letters, digits, '.', '_' and '-' are wanted");
    }
    for (size_t i = 0; id != NULL && i < p->n_terms; i++) {
        if (p->terms[i].id != NULL && strcmp(p->terms[i].id, id) == 0) {
            assay_diags_error(p->diags, p->yaml, n, "term id '%s' is taken: line %u", id,
                              assay_yaml_node_line(p->terms[i].id_node));
            break;
        }
    }
    return id;
}

static void parse_term(struct assay_policy *p, const struct assay_yaml_node *n, int is_warn)
{
    struct assay_load texts = {.diags = p->diags, .yaml = p->yaml};
    assay_yaml_check_keys(p->yaml, n, term_keys, "term", p->diags);
    if (assay_yaml_node_kind(n) != ASSAY_YAML_MAPPING) {
        return;
    }
    if (p->n_terms == ASSAY_LIMIT_POLICY_TERMS) {
        assay_diags_error(p->diags, p->yaml, n, "more than %d terms", ASSAY_LIMIT_POLICY_TERMS);
        return;
    }
    struct policy_term *t = &p->terms[p->n_terms];
    t->id_node = wanted(p, n, "id", "term");
    t->id = term_id(p, t->id_node);
    t->is_warn = is_warn;
    assay_parse_text2(&texts, assay_yaml_get(n, "note"), "note", &t->note_en, &t->note_zh);
    const struct assay_yaml_node *expr = wanted(p, n, "expr", "term");
    t->expr = assay_yaml_text(expr);
    struct assay_expr_source src = {p->yaml, expr, p->is_embedded ? NULL : p->rules, p->arena,
                                    p->diags};
    if (expr != NULL && assay_expr_parse(&src, &t->term)) {
        compile_term(p, t);
    }
    p->n_terms++;
}

static void parse_terms(struct assay_policy *p, const struct assay_yaml_node *list, int is_warn)
{
    if (list != NULL && assay_yaml_node_kind(list) != ASSAY_YAML_SEQUENCE) {
        assay_diags_error(p->diags, p->yaml, list, "a list of terms is wanted");
        return;
    }
    for (size_t i = 0; i < assay_yaml_count(list); i++) {
        parse_term(p, assay_yaml_item(list, i), is_warn);
    }
}

static const char *policy_text(struct assay_policy *p, const struct assay_yaml_node *root,
                               const char *key)
{
    const struct assay_yaml_node *n = wanted(p, root, key, "policy");
    const char *text = assay_yaml_text(n);
    if (n != NULL && (text == NULL || *text == '\0')) {
        assay_diags_error(p->diags, p->yaml, n, "%s: text is wanted", key);
    }
    return text;
}

static void check_policy_keys(struct assay_policy *p, const struct assay_yaml_node *root)
{
    static const char *const with_reserved[] = {"policy", "version", "title", "fail",
                                                "warn",   "rules",   NULL};
    const struct assay_yaml_node *rules = assay_yaml_get(root, "rules");
    assay_yaml_check_keys(p->yaml, root, rules == NULL ? policy_keys : with_reserved, "policy",
                          p->diags);
    if (rules != NULL) {
        assay_diags_error(p->diags, p->yaml, rules, "'rules' is reserved for a later version");
    }
}

static void parse_policy(struct assay_policy *p)
{
    struct assay_load texts = {.diags = p->diags, .yaml = p->yaml};
    const struct assay_yaml_node *root = assay_yaml_root(p->yaml);
    const char *title_en, *title_zh;
    size_t before = assay_diags_errors(p->diags);
    if (root == NULL) {
        assay_diags_error(p->diags, p->yaml, NULL, "empty policy");
        return;
    }
    check_policy_keys(p, root);
    p->name = policy_text(p, root, "policy");
    p->version = policy_text(p, root, "version");
    assay_parse_text2(&texts, assay_yaml_get(root, "title"), "title", &title_en, &title_zh);
    parse_terms(p, assay_yaml_get(root, "fail"), 0);
    parse_terms(p, assay_yaml_get(root, "warn"), 1);
    if (p->n_terms == 0 && assay_diags_errors(p->diags) == before) {
        assay_diags_error(
            p->diags, p->yaml, root,
            "a policy without terms would pass anything: give at least one term under "
            "'fail' or 'warn', or use the built-in policy 'observe'");
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

static struct assay_policy *policy_new(const struct assay_ruleset *rs, struct assay_diags *diags)
{
    struct assay_policy *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->rules = rs;
    p->diags = diags;
    assay_buf_init(&p->file, ASSAY_LIMIT_YAML_FILE);
    p->arena = assay_arena_new(ASSAY_LIMIT_RULE_MEMORY);
    if (p->arena == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

struct assay_policy *assay_policy_load(const char *path, const struct assay_ruleset *rs,
                                       struct assay_diags *diags)
{
    size_t before = assay_diags_errors(diags);
    struct assay_policy *p = policy_new(rs, diags);
    if (p == NULL) {
        assay_diags_error(diags, NULL, NULL, "out of memory for the policy");
        return NULL;
    }
    path = path == NULL ? "default" : path;
    if (read_policy(p, path)) {
        p->yaml = assay_yaml_parse(p->text, path, diags);
        if (p->yaml != NULL) {
            parse_policy(p);
        }
    }
    if (assay_arena_overflowed(p->arena) ||
        assay_sha256_of(p->text.ptr, p->text.len, p->sha256) != ASSAY_OK) {
        assay_diags_error(diags, NULL, NULL, "out of memory for the policy");
    }
    if (assay_diags_errors(diags) != before) {
        assay_policy_free(p);
        return NULL;
    }
    p->diags = NULL;
    return p;
}

void assay_policy_free(struct assay_policy *p)
{
    if (p == NULL) {
        return;
    }
    assay_yaml_free(p->yaml);
    assay_buf_release(&p->file);
    assay_arena_free(p->arena);
    free(p);
}

const char *assay_policy_name(const struct assay_policy *p)
{
    return p->name;
}

const char *assay_policy_version(const struct assay_policy *p)
{
    return p->version;
}

const uint8_t *assay_policy_sha256(const struct assay_policy *p)
{
    return p->sha256;
}

struct assay_bytes assay_policy_text(const struct assay_policy *p)
{
    return p->text;
}

size_t assay_policy_terms(const struct assay_policy *p)
{
    return p->n_terms;
}

size_t assay_policy_conditions(const struct assay_policy *p)
{
    return p->n_conditions;
}

const uint16_t *assay_policy_condition(const struct assay_policy *p, size_t i)
{
    return i < p->n_conditions ? p->conditions[i] : NULL;
}

const char *const *assay_policy_embedded(void)
{
    return assay_embedded_policies;
}

/* ---- judging ------------------------------------------------------------------------------- */

struct observed {
    uint64_t num, den;
    int known;
};

static struct observed observe_count(const struct policy_term *t, const struct assay_facts *f)
{
    struct observed o = {0, 1, 1};
    size_t n = f->rules == NULL ? 0 : assay_ruleset_count(f->rules);
    for (size_t r = 0; r < n; r++) {
        for (unsigned b = 0; b < ASSAY_CONFIDENCE_BANDS; b++) {
            o.num += t->bands[r] >> b & 1 ? f->tally[r].findings[b] : 0;
        }
    }
    return o;
}

/* A share of nothing is 0; its upper bound, 1: no records are no evidence. */
static struct observed observe_rate(const struct policy_term *t, const struct assay_facts *f)
{
    uint64_t with = f->records_with(f->ctx, t->condition);
    if (t->term.upper95) {
        return (struct observed){assay_wilson_upper95(with, f->records_scanned), ASSAY_MILLION, 1};
    }
    return f->records_scanned == 0 ? (struct observed){0, 1, 1}
                                   : (struct observed){with, f->records_scanned, 1};
}

static struct observed observe_metric(const struct policy_term *t, const struct assay_facts *f)
{
    struct observed o = {0, 1, 0};
    o.known = f->metric != NULL && f->metric(f->ctx, t->term.name, &o.num, &o.den);
    return o.known && o.den != 0 ? o : (struct observed){0, 1, o.known && o.num == 0};
}

/* All of nothing is everything. */
static struct observed observe_coverage(const struct policy_term *t, const struct assay_facts *f)
{
    struct observed o = {f->files_scanned, f->files_total, 1};
    if (strcmp(t->term.name, "records") == 0) {
        o = (struct observed){f->records_scanned, f->records_total, 1};
    } else if (strcmp(t->term.name, "bytes") == 0) {
        o = (struct observed){f->bytes_scanned, f->bytes_total, 1};
    }
    return o.den == 0 ? (struct observed){1, 1, 1} : o;
}

static void judge_term(const struct policy_term *t, const struct assay_facts *f,
                       struct assay_term_result *ret)
{
    static struct observed (*const observe[])(const struct policy_term *,
                                              const struct assay_facts *) = {
        observe_count, observe_rate, observe_metric, observe_coverage};
    struct observed o = observe[t->term.kind](t, f);
    memset(ret, 0, sizeof *ret);
    ret->id = t->id;
    ret->expr = t->expr;
    ret->note_en = t->note_en;
    ret->note_zh = t->note_zh;
    ret->is_warn = (uint8_t)t->is_warn;
    ret->known = (uint8_t)o.known;
    ret->num = o.num;
    ret->den = o.den;
    ret->limit_millionths = t->term.limit;
    ret->ok = (uint8_t)(o.known && assay_compare_share(o.num, o.den, t->term.op, t->term.limit));
}

enum assay_verdict assay_policy_judge(const struct assay_policy *p, const struct assay_facts *facts,
                                      struct assay_term_result *ret)
{
    int failed = 0, warned = 0, unknown = 0;
    assert(p->rules == facts->rules);
    for (size_t i = 0; i < p->n_terms; i++) {
        judge_term(&p->terms[i], facts, &ret[i]);
        failed |= ret[i].known && !ret[i].ok && !ret[i].is_warn;
        unknown |= !ret[i].known;
        warned |= !ret[i].ok && ret[i].is_warn;
    }
    if (failed) {
        return ASSAY_FAIL;
    }
    if (facts->skipped != 0 || unknown) {
        return ASSAY_INCOMPLETE;
    }
    return warned ? ASSAY_WARN : ASSAY_PASS;
}
