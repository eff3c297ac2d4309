/* SPDX-License-Identifier: Apache-2.0
 *
 * One YAML node to one rule.
 *
 * Each part of a rule has a function that reads its keys, reports every fault and leaves a usable
 * default behind, so that parsing goes on and one run shows all errors. Strings are borrowed from
 * the document, tables live in the arena.
 */
#include "rules/load.h"

#include "core/limits.h"
#include "core/option.h"
#include "rules/pattern.h"
#include "rules/validators.h"
#include "rules/words.h"

const char *const assay_severity_names[] = {"info", "low", "medium", "high", "critical", NULL};
static const char *const status_names[] = {"experimental", "stable", "deprecated", NULL};

static const char *const rule_keys[] = {"id",   "entity",   "category", "scanner", "title",
                                        "help", "severity", "status",   "clauses", "detect",
                                        "mask", "rank",     "tests",    NULL};
static const char *const detect_keys[] = {"pattern",    "words", "yara",       "prefilter",
                                          "caseless",   "allow", "validators", "context",
                                          "confidence", NULL};
static const char *const context_keys[] = {"words", "window", "required", NULL};
static const char *const confidence_keys[] = {"base", "validated", "context", "min", NULL};
static const char *const yara_keys[] = {"file", "rule", NULL};
static const char *const mask_keys[] = {"keep_first", "keep_last", "email", NULL};
static const char *const clause_keys[] = {"standard", "ref", NULL};
static const char *const test_keys[] = {"hit", "miss", NULL};

const struct assay_key_table assay_rule_key_tables[] = {
    {"pack", assay_pack_keys},   {"title", assay_text2_keys},
    {"rule", rule_keys},         {"detect", detect_keys},
    {"words", assay_words_keys}, {"yara", yara_keys},
    {"context", context_keys},   {"confidence", confidence_keys},
    {"mask", mask_keys},         {"clause", clause_keys},
    {"tests", test_keys},        {"severity", assay_severity_names},
    {"status", status_names},    {NULL, NULL},
};

#define WINDOW_DEFAULT     24
#define CONFIDENCE_DEFAULT 600
#define VALIDATED_DEFAULT  950
#define IN_CONTEXT_DEFAULT 200
#define KEEP_MAX           8

const char *assay_severity_name(enum assay_severity s)
{
    return (unsigned)s < ASSAY_SEVERITY_MAX ? assay_severity_names[s] : "unknown";
}

/* ---- small reads --------------------------------------------------------------------------- */

/* Non-empty scalar text; NULL with a diagnostic when the node is there and is not that. */
static const char *text_of(struct assay_load *l, const struct assay_yaml_node *n, const char *what)
{
    const char *text = assay_yaml_text(n);
    if (n != NULL && (text == NULL || *text == '\0')) {
        assay_diags_error(l->diags, l->yaml, n, "%s: text is wanted", what);
        return NULL;
    }
    return text;
}

/* Member `key`, which must be there. */
static const struct assay_yaml_node *must(struct assay_load *l, const struct assay_yaml_node *n,
                                          const char *key, const char *what)
{
    const struct assay_yaml_node *v = assay_yaml_get(n, key);
    if (v == NULL) {
        assay_diags_error(l->diags, l->yaml, n, "missing key '%s' in %s", key, what);
    }
    return v;
}

/* Items of a sequence; 0 with a diagnostic when the node is something else. */
static size_t list_of(struct assay_load *l, const struct assay_yaml_node *n, const char *what)
{
    if (n != NULL && assay_yaml_node_kind(n) != ASSAY_YAML_SEQUENCE) {
        assay_diags_error(l->diags, l->yaml, n, "%s: a list is wanted", what);
        return 0;
    }
    return assay_yaml_count(n);
}

static void keys_of(struct assay_load *l, const struct assay_yaml_node *n, const char *const *known,
                    const char *what)
{
    if (n != NULL) {
        assay_yaml_check_keys(l->yaml, n, known, what, l->diags);
    }
}

static int64_t int_of(struct assay_load *l, const struct assay_yaml_node *n, int64_t max,
                      int64_t fallback)
{
    int64_t v = fallback;
    return assay_yaml_int(l->yaml, n, 0, max, &v, l->diags) ? v : fallback;
}

static int bool_of(struct assay_load *l, const struct assay_yaml_node *n, int fallback)
{
    int v = fallback;
    return assay_yaml_bool(l->yaml, n, &v, l->diags) ? v : fallback;
}

static uint16_t milli_of(struct assay_load *l, const struct assay_yaml_node *n, uint16_t fallback)
{
    uint16_t v = fallback;
    return assay_yaml_milli(l->yaml, n, &v, l->diags) ? v : fallback;
}

void assay_parse_text2(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                       const char **ret_en, const char **ret_zh)
{
    *ret_en = *ret_zh = NULL;
    if (n == NULL) {
        return;
    }
    if (assay_yaml_node_kind(n) != ASSAY_YAML_MAPPING) {
        *ret_en = *ret_zh = text_of(l, n, what);
        return;
    }
    keys_of(l, n, assay_text2_keys, what);
    *ret_en = text_of(l, must(l, n, "en", what), what);
    *ret_zh = text_of(l, assay_yaml_get(n, "zh"), what);
    *ret_zh = *ret_zh == NULL ? *ret_en : *ret_zh;
}

/* ---- identity ------------------------------------------------------------------------------ */

static const char *name_of(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                           const char *extra)
{
    const char *text = text_of(l, n, what);
    if (text != NULL && (!assay_name_ok(text, extra) || strlen(text) > ASSAY_LIMIT_RULE_ID)) {
        assay_diags_error(
            l->diags, l->yaml, n,
            "%s: lower-case letters, digits and any of '%s' are wanted, a letter first", what,
            extra);
    }
    return text;
}

static const char *entity_of(struct assay_load *l, const struct assay_yaml_node *n)
{
    const char *text = text_of(l, n, "entity");
    if (text != NULL && (text[0] < 'A' || text[0] > 'Z' ||
                         text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] != '\0' ||
                         strlen(text) > ASSAY_LIMIT_RULE_ID)) {
        assay_diags_error(l->diags, l->yaml, n,
                          "entity: upper-case letters, digits and '_' are wanted, a letter first");
    }
    return text;
}

static void parse_identity(struct assay_load *l, const struct assay_yaml_node *n,
                           struct assay_rule *r)
{
    const struct assay_yaml_node *status = assay_yaml_get(n, "status");
    r->view.id = name_of(l, must(l, n, "id", "rule"), "id", "._-");
    r->view.entity = entity_of(l, assay_yaml_get(n, "entity"));
    r->view.scanner = name_of(l, assay_yaml_get(n, "scanner"), "scanner", "_");
    r->view.category = name_of(l, assay_yaml_get(n, "category"), "category", "_-");
    r->view.rank = (uint16_t)int_of(l, assay_yaml_get(n, "rank"), UINT16_MAX, 0);
    assay_parse_text2(l, must(l, n, "title", "rule"), "title", &r->title_en, &r->title_zh);
    const struct assay_yaml_node *severity = must(l, n, "severity", "rule");
    if (severity != NULL) {
        int i = assay_yaml_choice(l->yaml, severity, assay_severity_names, "severity", l->diags);
        r->view.severity = i < 0 ? ASSAY_SEVERITY_INFO : (enum assay_severity)i;
    }
    r->status = ASSAY_RULE_STABLE;
    if (status != NULL) {
        int i = assay_yaml_choice(l->yaml, status, status_names, "status", l->diags);
        r->status = i < 0 ? ASSAY_RULE_STABLE : (enum assay_rule_status)i;
    }
    assay_parse_text2(l, assay_yaml_get(n, "help"), "help", &r->help_en, &r->help_zh);
}

static void parse_clauses(struct assay_load *l, const struct assay_yaml_node *n,
                          struct assay_rule *r)
{
    size_t count = list_of(l, n, "clauses");
    struct assay_clause *clauses = assay_arena_array(l->rs->arena, count, sizeof *clauses);
    for (size_t i = 0; clauses != NULL && i < count; i++) {
        const struct assay_yaml_node *c = assay_yaml_item(n, i);
        keys_of(l, c, clause_keys, "clause");
        if (assay_yaml_node_kind(c) != ASSAY_YAML_MAPPING) {
            continue;
        }
        clauses[i].standard = text_of(l, must(l, c, "standard", "clause"), "standard");
        clauses[i].ref = text_of(l, assay_yaml_get(c, "ref"), "ref");
    }
    r->clauses = clauses;
    r->n_clauses = clauses == NULL ? 0 : count;
}

/* ---- detection ----------------------------------------------------------------------------- */

static void parse_pattern(struct assay_load *l, const struct assay_yaml_node *n,
                          struct assay_rule *r)
{
    const struct assay_yaml_node *prefilter = assay_yaml_get(n, "prefilter");
    const struct assay_yaml_node *pattern = assay_yaml_get(n, "pattern");
    r->detect = ASSAY_DETECT_PATTERN;
    r->pattern = assay_yaml_text(pattern);
    r->prefilter = assay_yaml_text(prefilter);
    r->caseless = (uint8_t)bool_of(l, assay_yaml_get(n, "caseless"), 0);
    assay_pattern_check(l, pattern, r->caseless);
    if (prefilter != NULL) {
        assay_prefilter_check(l, prefilter, r->caseless);
    }
}

static void parse_words(struct assay_load *l, const struct assay_yaml_node *n, struct assay_rule *r)
{
    const struct assay_yaml_node *node = assay_yaml_get(n, "words");
    struct assay_words words;
    r->detect = ASSAY_DETECT_WORDS;
    r->caseless = (uint8_t)bool_of(l, assay_yaml_get(n, "caseless"), 1);
    size_t before = assay_diags_errors(l->diags);
    assay_words_parse(l, node, "words", ASSAY_LIMIT_WORDS - l->rs->n_words, &words);
    if (words.n == 0 && assay_diags_errors(l->diags) == before) {
        assay_diags_error(l->diags, l->yaml, node, "words: no term");
    }
    r->words = words.items;
    r->n_words = words.n;
    l->rs->n_words += words.n;
}

/* Whether `text` holds "rule NAME". */
static int declares_rule(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = text; (p = strstr(p, "rule")) != NULL; p += 4) {
        const char *q = p + 4 + strspn(p + 4, " \t\r\n");
        int word_start = p == text || strchr(" \t\r\n}/", p[-1]) != NULL;
        if (word_start && q > p + 4 && strncmp(q, name, n) == 0 &&
            (q[n] == '\0' || strchr(" \t\r\n:{/", q[n]) != NULL)) {
            return 1;
        }
    }
    return 0;
}

static void parse_yara(struct assay_load *l, const struct assay_yaml_node *n, struct assay_rule *r)
{
    const struct assay_yaml_node *y = assay_yaml_get(n, "yara");
    struct assay_error err;
    keys_of(l, y, yara_keys, "yara");
    r->detect = ASSAY_DETECT_YARA;
    const struct assay_yaml_node *file = must(l, y, "file", "yara");
    const struct assay_yaml_node *rule = must(l, y, "rule", "yara");
    r->yara_file = text_of(l, file, "file");
    r->yara_rule = text_of(l, rule, "rule");
    if (r->yara_file == NULL || r->yara_rule == NULL) {
        return;
    }
    const struct assay_pack_file *f = assay_pack_read(l, r->yara_file, &err);
    if (f == NULL) {
        assay_diags_error(l->diags, l->yaml, file, "%s", err.message);
        return;
    }
    r->yara_source = f->bytes.ptr;
    if (!declares_rule(f->bytes.ptr, r->yara_rule)) {
        assay_diags_error(l->diags, l->yaml, rule, "no YARA rule '%s' in %s", r->yara_rule,
                          r->yara_file);
    }
}

static void parse_kind(struct assay_load *l, const struct assay_yaml_node *n, struct assay_rule *r)
{
    static const struct {
        const char *key;
        void (*parse)(struct assay_load *, const struct assay_yaml_node *, struct assay_rule *);
    } kinds[] = {{"pattern", parse_pattern}, {"words", parse_words}, {"yara", parse_yara}};
    int found = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct assay_yaml_node *k = assay_yaml_get(n, kinds[i].key);
        if (k != NULL && found) {
            assay_diags_error(l->diags, l->yaml, k, "a rule has one of pattern, words and yara");
        } else if (k != NULL) {
            kinds[i].parse(l, n, r);
            found = 1;
        }
    }
    if (!found) {
        assay_diags_error(l->diags, l->yaml, n, "detect: one of pattern, words and yara is wanted");
    }
}

static const char *nearest_validator(const char *name)
{
    const char *names[256];
    size_t n = assay_validators_count();
    n = n < 255 ? n : 255;
    for (size_t i = 0; i < n; i++) {
        names[i] = assay_validators[i].name;
    }
    names[n] = NULL;
    return assay_suggest(name, names);
}

static uint16_t validator_of(struct assay_load *l, const struct assay_yaml_node *n)
{
    const char *name = text_of(l, n, "validator");
    int i = name == NULL ? 0 : assay_validators_find(name);
    if (i < 0) {
        const char *near = nearest_validator(name);
        assay_diags_error(l->diags, l->yaml, n, "unknown validator '%s'%s", name,
                          assay_hint(near, "").text);
    }
    return (uint16_t)(i < 0 ? 0 : i);
}

static void parse_validators(struct assay_load *l, const struct assay_yaml_node *n,
                             struct assay_rule *r)
{
    size_t count = list_of(l, n, "validators");
    uint16_t *list = assay_arena_array(l->rs->arena, count, sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = validator_of(l, assay_yaml_item(n, i));
    }
    r->validators = list;
    r->n_validators = list == NULL ? 0 : count;
}

static const struct assay_phrases *compile_words(struct assay_load *l, struct assay_words words)
{
    int ok;
    const struct assay_phrases *set = assay_phrases_new(l->rs->arena, words.items, words.n, &ok);
    if (!ok) {
        assay_diags_error(l->diags, NULL, NULL, "out of memory for rules");
    }
    return set;
}

static void parse_context(struct assay_load *l, const struct assay_yaml_node *n,
                          struct assay_rule *r)
{
    struct assay_words words;
    keys_of(l, n, context_keys, "context");
    assay_words_parse(l, n == NULL ? NULL : must(l, n, "words", "context"), "context words",
                      ASSAY_LIMIT_CONTEXT_WORDS, &words);
    r->context = words.items;
    r->n_context = words.n;
    r->context_set = compile_words(l, words);
    r->context_required = (uint8_t)bool_of(l, assay_yaml_get(n, "required"), 0);
    r->context_window = (uint16_t)int_of(l, assay_yaml_get(n, "window"), ASSAY_LIMIT_CONTEXT_WINDOW,
                                         WINDOW_DEFAULT);
}

static void parse_confidence(struct assay_load *l, const struct assay_yaml_node *n,
                             struct assay_rule *r)
{
    keys_of(l, n, confidence_keys, "confidence");
    r->confidence_base = milli_of(l, assay_yaml_get(n, "base"), CONFIDENCE_DEFAULT);
    uint16_t validated =
        r->confidence_base > VALIDATED_DEFAULT ? r->confidence_base : VALIDATED_DEFAULT;
    r->confidence_validated = milli_of(l, assay_yaml_get(n, "validated"), validated);
    r->confidence_context = milli_of(l, assay_yaml_get(n, "context"), IN_CONTEXT_DEFAULT);
    r->view.min_confidence = milli_of(l, assay_yaml_get(n, "min"), 0);
}

static void parse_detect(struct assay_load *l, const struct assay_yaml_node *n,
                         struct assay_rule *r)
{
    struct assay_words allow;
    keys_of(l, n, detect_keys, "detect");
    if (assay_yaml_node_kind(n) != ASSAY_YAML_MAPPING) {
        return;
    }
    parse_kind(l, n, r);
    parse_validators(l, assay_yaml_get(n, "validators"), r);
    parse_context(l, assay_yaml_get(n, "context"), r);
    parse_confidence(l, assay_yaml_get(n, "confidence"), r);
    assay_words_parse(l, assay_yaml_get(n, "allow"), "allow", ASSAY_LIMIT_WORDS, &allow);
    r->allow = allow.items;
    r->n_allow = allow.n;
    r->allow_set = compile_words(l, allow);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void parse_mask(struct assay_load *l, const struct assay_yaml_node *n, struct assay_rule *r)
{
    keys_of(l, n, mask_keys, "mask");
    r->mask.keep_first = (uint8_t)int_of(l, assay_yaml_get(n, "keep_first"), KEEP_MAX, 0);
    r->mask.keep_last = (uint8_t)int_of(l, assay_yaml_get(n, "keep_last"), KEEP_MAX, 0);
    r->mask.email = (uint8_t)bool_of(l, assay_yaml_get(n, "email"), 0);
}

static void add_tests(struct assay_load *l, const struct assay_yaml_node *list, int hit,
                      struct assay_rule_test *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct assay_yaml_node *n = assay_yaml_item(list, i);
        out[i].text = text_of(l, n, "test");
        out[i].text = out[i].text == NULL ? "" : out[i].text;
        out[i].hit = hit;
        out[i].line = assay_yaml_node_line(n);
    }
}

static void parse_tests(struct assay_load *l, const struct assay_yaml_node *rule,
                        struct assay_rule *r)
{
    const struct assay_yaml_node *n = assay_yaml_get(rule, "tests");
    keys_of(l, n, test_keys, "tests");
    size_t hits = list_of(l, assay_yaml_get(n, "hit"), "hit");
    size_t misses = list_of(l, assay_yaml_get(n, "miss"), "miss");
    struct assay_rule_test *tests = assay_arena_array(l->rs->arena, hits + misses, sizeof *tests);
    if (tests != NULL) {
        add_tests(l, assay_yaml_get(n, "hit"), 1, tests, hits);
        add_tests(l, assay_yaml_get(n, "miss"), 0, tests + hits, misses);
        r->tests = tests;
        r->n_tests = hits + misses;
    }
    int needed = r->status == ASSAY_RULE_STABLE && r->detect != ASSAY_DETECT_YARA;
    if (needed && (hits == 0 || misses == 0)) {
        assay_diags_error(l->diags, l->yaml, rule,
                          "a stable rule carries tests: at least one hit and one miss");
    }
}

/* Who receives the matches, unless the rule said so: that depends on what is matched. */
static void settle_scanner(struct assay_rule *r)
{
    if (r->view.scanner == NULL) {
        r->view.scanner = r->detect == ASSAY_DETECT_YARA ? "files" : "pii";
    }
    if (r->view.category == NULL) {
        r->view.category = r->view.scanner;
    }
}

static void parse_rule(struct assay_load *l, const struct assay_yaml_node *n)
{
    keys_of(l, n, rule_keys, "rule");
    if (assay_yaml_node_kind(n) != ASSAY_YAML_MAPPING) {
        return;
    }
    struct assay_rule_slot *slot = assay_ruleset_grow(l);
    if (slot == NULL) {
        return;
    }
    struct assay_rule *r = &slot->rule;
    slot->yaml = l->yaml;
    slot->node = n;
    r->pack = l->pack;
    r->file = l->file;
    r->line = assay_yaml_node_line(n);
    parse_identity(l, n, r);
    parse_clauses(l, assay_yaml_get(n, "clauses"), r);
    const struct assay_yaml_node *detect = must(l, n, "detect", "rule");
    if (detect != NULL) {
        parse_detect(l, detect, r);
    }
    settle_scanner(r);
    parse_mask(l, assay_yaml_get(n, "mask"), r);
    parse_tests(l, n, r);
}

void assay_parse_rules(struct assay_load *l)
{
    const struct assay_yaml_node *root = assay_yaml_root(l->yaml);
    size_t n = list_of(l, root, "rules");
    if (root == NULL) {
        assay_diags_warning(l->diags, l->yaml, NULL, "no rule in this file; [] says so on purpose");
    }
    for (size_t i = 0; i < n; i++) {
        parse_rule(l, assay_yaml_item(root, i));
    }
}
