/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner toxicity against a fake host: categories and rates. The common part is tested with
 * pii.
 */
#include "tests/unit/plugins/content_host.h"

extern const struct assay_scanner assay_scanner_toxicity;

enum { INSULT_EN, INSULT_ZH, THREAT, EMAIL, RULES };

static const struct assay_rule_view rules[RULES] = {
    {.id = "t.insult.en", .scanner = "toxicity", .category = "insult"},
    {.id = "t.insult.zh", .scanner = "toxicity", .category = "insult"},
    {.id = "t.threat", .scanner = "toxicity", .category = "threat"},
    {.id = "t.email", .scanner = "pii", .entity = "EMAIL_ADDRESS"},
};

static void counts_by_category_and_per_million(void **state)
{
    (void)state;
    struct fake fake = {.rules = rules, .n_rules = RULES};
    for (size_t i = 0; i < RULES; i++) {
        fake.verdicts[i].confidence = 700;
    }
    struct assay_host host = fake_host(&fake);
    struct assay_sink sink = fake_sink(&fake);
    struct assay_batch batch = fake_batch();
    const struct assay_match m[] = {
        {INSULT_EN, 0, 0, 4}, {INSULT_ZH, 0, 6, 9}, {EMAIL, 1, 0, 4}, {THREAT, 1, 5, 9}};
    struct assay_scan_input in = {.size = sizeof in, .n_matches = 4, .batch = &batch, .matches = m};
    void *shared = NULL, *local = NULL;
    assert_int_equal(assay_scanner_toxicity.init(&host, &shared, NULL), ASSAY_OK);
    assert_int_equal(assay_scanner_toxicity.local_init(shared, &local, NULL), ASSAY_OK);
    assert_int_equal(assay_scanner_toxicity.scan(shared, local, &in, &sink), ASSAY_OK);
    assert_int_equal(assay_scanner_toxicity.finish(shared, local, &sink), ASSAY_OK);
    assert_int_equal(fake.n_findings, 3);
    assert_true(fake_has_metric(&fake, "toxicity.category.insult=2/1"));
    assert_true(fake_has_metric(&fake, "toxicity.category.threat=1/1"));
    assert_true(fake_has_metric(&fake, "toxicity.records=2/1"));
    assert_true(fake_has_metric(&fake, "toxicity.findings_per_million_records=3000000/3"));
    assay_scanner_toxicity.local_free(local);
    assay_scanner_toxicity.free(shared);
}

static void an_empty_run_has_no_division_by_zero(void **state)
{
    (void)state;
    struct fake fake = {.rules = rules, .n_rules = 0};
    struct assay_host host = fake_host(&fake);
    struct assay_sink sink = fake_sink(&fake);
    void *shared = NULL, *local = NULL;
    assert_int_equal(assay_scanner_toxicity.init(&host, &shared, NULL), ASSAY_OK);
    assert_int_equal(assay_scanner_toxicity.local_init(shared, &local, NULL), ASSAY_OK);
    assert_int_equal(assay_scanner_toxicity.finish(shared, local, &sink), ASSAY_OK);
    assert_true(fake_has_metric(&fake, "toxicity.record_ratio=0/1"));
    assert_true(fake_has_metric(&fake, "toxicity.findings_per_million_records=0/1"));
    assay_scanner_toxicity.local_free(local);
    assay_scanner_toxicity.free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_category_and_per_million),
        cmocka_unit_test(an_empty_run_has_no_division_by_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
