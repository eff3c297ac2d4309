/* SPDX-License-Identifier: Apache-2.0
 *
 * Style checks: what is valid and yet a sign of a mistake, or slow. Warnings only, but for rules
 * that nobody would hear of.
 */
#include "rules/load.h"

#include "core/option.h"
#include "core/utf8.h"
#include "rules/pattern.h"

static void warn_tests(const struct assay_rule_slot *s, struct assay_diags *d)
{
    size_t hits = 0;
    for (size_t i = 0; i < s->rule.n_tests; i++) {
        hits += s->rule.tests[i].hit != 0;
    }
    int testable = s->rule.detect != ASSAY_DETECT_YARA;
    if (testable && (hits == 0 || hits == s->rule.n_tests)) {
        assay_diags_warning(d, s->yaml, s->node, "rule '%s' has no %s test", s->rule.view.id,
                            hits == 0 ? "hit" : "miss");
    }
}

static void warn_texts(const struct assay_rule_slot *s, struct assay_diags *d)
{
    const struct assay_yaml_node *title = assay_yaml_get(s->node, "title");
    if (assay_yaml_get(title, "zh") == NULL) {
        assay_diags_warning(d, s->yaml, title, "title has no Chinese text (zh)");
    }
    if (s->rule.status == ASSAY_RULE_DEPRECATED) {
        assay_diags_warning(d, s->yaml, s->node, "rule '%s' is deprecated", s->rule.view.id);
    }
}

static void warn_pattern(const struct assay_rule_slot *s, struct assay_diags *d)
{
    const struct assay_rule *r = &s->rule;
    const struct assay_yaml_node *n = assay_yaml_get(assay_yaml_get(s->node, "detect"), "pattern");
    if (r->detect != ASSAY_DETECT_PATTERN) {
        return;
    }
    size_t at = assay_pattern_nested(r->pattern);
    if (at != SIZE_MAX) {
        assay_diags_warning_in(d, s->yaml, n, at, 0,
                               "nested unbounded quantifiers can take exponential time");
    }
    if (r->prefilter == NULL && !assay_pattern_anchored(r->pattern, r->caseless)) {
        assay_diags_warning(d, s->yaml, n,
                            "pattern has no literal and matches short text: slow and noisy");
    }
}

static void warn_confidence(const struct assay_rule_slot *s, struct assay_diags *d)
{
    const struct assay_rule *r = &s->rule;
    const struct assay_yaml_node *detect = assay_yaml_get(s->node, "detect");
    const struct assay_yaml_node *n = assay_yaml_get(detect, "confidence");
    unsigned best = r->n_validators > 0 && r->confidence_validated > r->confidence_base
                        ? r->confidence_validated
                        : r->confidence_base;
    best += r->n_context > 0 ? r->confidence_context : 0;
    if (best < r->view.min_confidence) {
        assay_diags_warning(d, s->yaml, n, "rule '%s' can never reach its least confidence",
                            r->view.id);
    }
    if (assay_yaml_get(n, "validated") != NULL && r->n_validators == 0) {
        assay_diags_warning(d, s->yaml, assay_yaml_get(n, "validated"),
                            "'validated' has no effect without validators");
    }
    if (assay_yaml_get(n, "context") != NULL && r->n_context == 0) {
        assay_diags_warning(d, s->yaml, assay_yaml_get(n, "context"),
                            "'context' has no effect without context words");
    }
}

static int is_single_cjk(const struct assay_word *w)
{
    return w->is_cjk && assay_utf8_count(w->text.ptr, w->text.len) == 1;
}

static void warn_words(const struct assay_rule_slot *s, struct assay_diags *d)
{
    const struct assay_rule *r = &s->rule;
    size_t single = 0;
    for (size_t i = 0; i < r->n_words; i++) {
        single += (size_t)is_single_cjk(&r->words[i]);
    }
    if (single > 0) {
        assay_diags_warning(d, s->yaml, assay_yaml_get(assay_yaml_get(s->node, "detect"), "words"),
                            "%zu term%s of one CJK character: matches inside other words", single,
                            single == 1 ? "" : "s");
    }
}

void assay_ruleset_lint(const struct assay_ruleset *rs, struct assay_diags *diags)
{
    for (size_t i = 0; i < rs->n_rules; i++) {
        const struct assay_rule_slot *s = &rs->slots[i];
        if (s->node == NULL) {
            continue;
        }
        warn_tests(s, diags);
        warn_texts(s, diags);
        warn_pattern(s, diags);
        warn_confidence(s, diags);
        warn_words(s, diags);
    }
}

/* ---- who receives the matches --------------------------------------------------------------- */

static const struct assay_scanner_role *find_role(const struct assay_scanner_role *roles, size_t n,
                                                  const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(roles[i].name, name) == 0) {
            return &roles[i];
        }
    }
    return NULL;
}

static struct assay_hint role_hint(const struct assay_scanner_role *roles, size_t n,
                                   const char *name)
{
    const char **names = assay_alloc_array(n + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < n; i++) {
        names[i] = roles[i].name;
    }
    if (names != NULL) {
        names[n] = NULL;
    }
    struct assay_hint hint = assay_hint(names == NULL ? NULL : assay_suggest(name, names), "");
    free((void *)names);
    return hint;
}

static void check_scanner(const struct assay_rule_slot *s, int embedded,
                          const struct assay_scanner_role *roles, size_t n, struct assay_diags *d)
{
    const struct assay_rule *r = &s->rule;
    const struct assay_scanner_role *role = find_role(roles, n, r->view.scanner);
    const struct assay_yaml_node *named = assay_yaml_get(s->node, "scanner");
    const struct assay_yaml_node *at = named != NULL ? named : s->node;
    int is_yara = r->detect == ASSAY_DETECT_YARA;
    if (role == NULL) {
        (embedded ? assay_diags_warning : assay_diags_error)(
            d, s->yaml, at, "rule '%s': no scanner '%s' is loaded%s", r->view.id, r->view.scanner,
            role_hint(roles, n, r->view.scanner).text);
    } else if (!(is_yara ? role->files : role->records)) {
        assay_diags_error(d, s->yaml, at, "rule '%s': scanner '%s' takes no matches in %s",
                          r->view.id, role->name, is_yara ? "files" : "records");
    }
}

void assay_ruleset_check_scanners(const struct assay_ruleset *rs,
                                  const struct assay_scanner_role *roles, size_t n,
                                  struct assay_diags *diags)
{
    for (size_t i = 0; i < rs->n_rules; i++) {
        const struct assay_rule_slot *s = &rs->slots[i];
        if (s->node != NULL) {
            check_scanner(s, rs->packs[s->rule.pack].embedded, roles, n, diags);
        }
    }
}
