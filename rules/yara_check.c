/* SPDX-License-Identifier: Apache-2.0
 *
 * YARA rules before they meet a file: their own tests, and what slows every audit down.
 */
#include "rules/load.h"
#include "rules/yara.h"

struct self_test {
    const struct assay_ruleset *rs;
    struct assay_yara_scan *scan;
    void (*report)(void *ctx, const struct assay_rule *rule, const struct assay_rule_test *test,
                   int passed, const char *why);
    void *ctx;
    size_t failed;
};

/* Whether rule `index` hits `text`; -1 with `why` (static text) when that cannot be told. */
static int rule_hits(struct self_test *t, uint32_t index, const char *text, const char **why)
{
    const struct assay_file_match *hits;
    size_t n;
    struct assay_error err;
    enum assay_status status = assay_yara_memory(t->scan, assay_bytes_str(text), &hits, &n, &err);
    if (status != ASSAY_OK && status != ASSAY_LIMIT) {
        *why = "the scan was cut short";
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (hits[i].rule == index) {
            *why = "it is found";
            return 1;
        }
    }
    *why = "the rule does not match";
    return 0;
}

static void test_rule(struct self_test *t, uint32_t index)
{
    const struct assay_rule *rule = assay_ruleset_rule(t->rs, index);
    for (size_t k = 0; k < rule->n_tests; k++) {
        const char *why = NULL;
        int passed = rule_hits(t, index, rule->tests[k].text, &why) == (rule->tests[k].hit != 0);
        t->failed += !passed;
        if (t->report != NULL) {
            t->report(t->ctx, rule, &rule->tests[k], passed, why);
        }
    }
}

enum assay_status assay_yara_self_test(const struct assay_ruleset *rs, uint32_t only,
                                       void (*report)(void *ctx, const struct assay_rule *rule,
                                                      const struct assay_rule_test *test,
                                                      int passed, const char *why),
                                       void *ctx, size_t *failed, struct assay_error *err)
{
    struct self_test t = {.rs = rs, .report = report, .ctx = ctx};
    struct assay_yara *yara = NULL;
    enum assay_status status = assay_yara_new(rs, NULL, &yara, err);
    if (status == ASSAY_OK && yara != NULL) {
        status = assay_yara_scan_new(yara, &t.scan, err);
    }
    for (uint32_t i = 0; t.scan != NULL && i < assay_ruleset_count(rs); i++) {
        if (assay_ruleset_rule(rs, i)->detect == ASSAY_DETECT_YARA &&
            (only == ASSAY_NONE || only == i)) {
            test_rule(&t, i);
        }
    }
    assay_yara_scan_free(t.scan);
    assay_yara_free(yara);
    *failed += t.failed;
    return status;
}

void assay_yara_lint(const struct assay_ruleset *rs, struct assay_diags *diags)
{
    struct assay_yara *yara = NULL;
    struct assay_error err = {0};
    if (assay_yara_new(rs, NULL, &yara, &err) != ASSAY_OK) {
        assay_diags_error(diags, NULL, NULL, "%s", err.message);
        return;
    }
    uint32_t index = yara == NULL ? ASSAY_NONE : assay_yara_unanchored(yara);
    if (index != ASSAY_NONE) {
        const struct assay_rule_slot *s = &rs->slots[index];
        assay_diags_warning(diags, s->yaml,
                            assay_yaml_get(assay_yaml_get(s->node, "detect"), "yara"),
                            "rule '%s' has no literal that every match must hold: every file is "
                            "read twice",
                            s->rule.view.id);
    }
    assay_yara_free(yara);
}
