/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner pii against a fake host: what is reported, what wins, what is counted.
 */
#include "tests/unit/plugins/content_host.h"

extern const struct assay_scanner assay_scanner_pii;

enum { CARD, EMAIL, PHONE, URL, INSULT, RULES };

static const struct assay_rule_view rules[RULES] = {
    {.id = "t.card", .scanner = "pii", .entity = "CREDIT_CARD", .rank = 5},
    {.id = "t.email", .scanner = "pii", .entity = "EMAIL_ADDRESS"},
    {.id = "t.phone", .scanner = "pii", .entity = "PHONE_NUMBER", .min_confidence = 500},
    {.id = "t.url", .scanner = "pii", .entity = "URL_CREDENTIALS"},
    {.id = "t.insult", .scanner = "toxicity", .category = "insult"},
};

struct run {
    struct fake fake;
    struct assay_host host;
    void *shared, *local;
};

static void start(struct run *r, const char *overlap, const char *min_confidence)
{
    memset(r, 0, sizeof *r);
    r->fake.rules = rules;
    r->fake.n_rules = RULES;
    r->fake.overlap = overlap;
    r->fake.min_confidence = min_confidence;
    for (size_t i = 0; i < RULES; i++) {
        r->fake.verdicts[i].confidence = 700;
    }
    r->host = fake_host(&r->fake);
    assert_int_equal(assay_scanner_pii.init(&r->host, &r->shared, NULL), ASSAY_OK);
    assert_int_equal(assay_scanner_pii.local_init(r->shared, &r->local, NULL), ASSAY_OK);
}

static enum assay_status scan(struct run *r, const struct assay_match *matches, uint32_t n)
{
    struct assay_batch batch = fake_batch();
    struct assay_sink sink = fake_sink(&r->fake);
    struct assay_scan_input in = {
        .size = sizeof in, .n_matches = n, .batch = &batch, .matches = matches};
    return assay_scanner_pii.scan(r->shared, r->local, &in, &sink);
}

static void finish(struct run *r)
{
    struct assay_sink sink = fake_sink(&r->fake);
    assert_int_equal(assay_scanner_pii.finish(r->shared, r->local, &sink), ASSAY_OK);
}

static void stop(struct run *r)
{
    assay_scanner_pii.local_free(r->local);
    assay_scanner_pii.free(r->shared);
}

#define SCAN(r, matches)                                                                           \
    assert_int_equal(scan(r, matches, sizeof(matches) / sizeof(matches)[0]), ASSAY_OK)

static void findings_carry_their_place(void **state)
{
    (void)state;
    struct run r;
    start(&r, NULL, NULL);
    const struct assay_match m[] = {{EMAIL, 1, 4, 12}};
    SCAN(&r, m);
    assert_int_equal(r.fake.n_findings, 1);
    const struct assay_finding *f = &r.fake.findings[0];
    assert_int_equal(f->rule, EMAIL);
    assert_int_equal(f->file, 7);
    assert_int_equal(f->record, 1);
    assert_int_equal(f->field, 1);
    assert_int_equal(f->start, 4);
    assert_int_equal(f->end, 12);
    assert_int_equal(f->confidence, 700);
    assert_true(assay_bytes_equal(f->value, assay_bytes_str("efghijab")));
    stop(&r);
}

static void the_refused_and_the_weak_are_counted(void **state)
{
    (void)state;
    struct run r;
    start(&r, NULL, "600");
    r.fake.verdicts[CARD].dropped = 1;
    r.fake.verdicts[PHONE].confidence = 499;
    r.fake.verdicts[URL].confidence = 599;
    const struct assay_match m[] = {
        {CARD, 0, 0, 5}, {EMAIL, 0, 6, 9}, {PHONE, 1, 0, 5}, {URL, 2, 0, 5}, {INSULT, 2, 9, 12}};
    SCAN(&r, m);
    assert_int_equal(r.fake.n_findings, 1);
    finish(&r);
    assert_true(fake_has_metric(&r.fake, "pii.findings=1/1"));
    assert_true(fake_has_metric(&r.fake, "pii.records=1/1"));
    assert_true(fake_has_metric(&r.fake, "pii.record_ratio=1/3"));
    assert_true(fake_has_metric(&r.fake, "pii.refused=1/1"));
    assert_true(fake_has_metric(&r.fake, "pii.weak=2/1"));
    assert_true(fake_has_metric(&r.fake, "pii.entity.EMAIL_ADDRESS=1/1"));
    assert_true(fake_has_metric(&r.fake, "pii.entity.PHONE_NUMBER=0/1"));
    stop(&r);
}

static void the_strongest_of_overlapping_matches_wins(void **state)
{
    (void)state;
    struct run r;
    start(&r, "strongest", NULL);
    r.fake.verdicts[URL].confidence = 900;
    /* Field 0: confidence decides. Field 1: rank decides. Field 2: length decides. */
    const struct assay_match m[] = {{EMAIL, 0, 0, 10}, {URL, 0, 5, 8},   {CARD, 1, 0, 5},
                                    {EMAIL, 1, 0, 20}, {EMAIL, 2, 3, 9}, {PHONE, 2, 5, 20},
                                    {CARD, 2, 20, 30}};
    SCAN(&r, m);
    assert_int_equal(r.fake.n_findings, 4);
    assert_int_equal(r.fake.findings[0].rule, URL);
    assert_int_equal(r.fake.findings[1].rule, CARD);
    assert_int_equal(r.fake.findings[2].rule, PHONE);
    assert_int_equal(r.fake.findings[3].rule, CARD);
    finish(&r);
    assert_true(fake_has_metric(&r.fake, "pii.overlap.strongest.dropped=3/1"));
    assert_true(fake_has_metric(&r.fake, "pii.records=3/1"));
    stop(&r);
}

/* EMAIL [0,10) loses to PHONE [8,20), which loses to URL [18,30): EMAIL stays. */
static void a_match_that_loses_to_a_loser_is_kept(void **state)
{
    (void)state;
    struct run r;
    start(&r, NULL, NULL);
    r.fake.verdicts[EMAIL].confidence = 500;
    r.fake.verdicts[PHONE].confidence = 600;
    r.fake.verdicts[URL].confidence = 700;
    const struct assay_match m[] = {{EMAIL, 0, 0, 10}, {PHONE, 0, 8, 20}, {URL, 0, 18, 30}};
    SCAN(&r, m);
    assert_int_equal(r.fake.n_findings, 2);
    assert_int_equal(r.fake.findings[0].rule, EMAIL);
    assert_int_equal(r.fake.findings[1].rule, URL);
    stop(&r);
}

/* A long match in front reaches over short ones; what lies behind the winner is found through it.
 */
static void a_long_match_reaches_over_its_neighbours(void **state)
{
    (void)state;
    struct run r;
    start(&r, NULL, NULL);
    r.fake.verdicts[URL].confidence = 900;
    const struct assay_match m[] = {
        {EMAIL, 0, 0, 40}, {PHONE, 0, 2, 6}, {PHONE, 0, 8, 12}, {URL, 0, 20, 25}};
    SCAN(&r, m);
    assert_int_equal(r.fake.n_findings, 3);
    assert_int_equal(r.fake.findings[0].rule, PHONE);
    assert_int_equal(r.fake.findings[1].rule, PHONE);
    assert_int_equal(r.fake.findings[2].rule, URL);
    stop(&r);
}

static void policy_all_reports_every_match(void **state)
{
    (void)state;
    struct run r;
    start(&r, "all", NULL);
    const struct assay_match m[] = {{EMAIL, 0, 0, 10}, {URL, 0, 5, 8}};
    SCAN(&r, m);
    assert_int_equal(r.fake.n_findings, 2);
    finish(&r);
    assert_true(fake_has_metric(&r.fake, "pii.overlap.all.dropped=0/1"));
    stop(&r);
}

/* Two workers merged, saved and loaded say what one worker says. */
static void merge_and_saved_state_add_up(void **state)
{
    (void)state;
    struct run r;
    void *other = NULL, *loaded = NULL, *first;
    start(&r, NULL, NULL);
    const struct assay_match m[] = {{EMAIL, 0, 0, 10}, {CARD, 2, 1, 4}};
    SCAN(&r, m);
    first = r.local;
    assert_int_equal(assay_scanner_pii.local_init(r.shared, &other, NULL), ASSAY_OK);
    r.local = other;
    SCAN(&r, m);
    assert_int_equal(assay_scanner_pii.merge(r.shared, first, other, NULL), ASSAY_OK);
    assert_int_equal(assay_scanner_pii.save(r.shared, first, fake_put, &r.fake), ASSAY_OK);
    assert_int_equal(assay_scanner_pii.local_init(r.shared, &loaded, NULL), ASSAY_OK);
    struct assay_bytes saved = assay_bytes_make(r.fake.state, r.fake.state_len);
    assert_int_equal(assay_scanner_pii.load(r.shared, loaded, saved, NULL), ASSAY_OK);
    assay_scanner_pii.local_free(first);
    assay_scanner_pii.local_free(other);
    r.local = loaded;
    finish(&r);
    assert_true(fake_has_metric(&r.fake, "pii.findings=4/1"));
    assert_true(fake_has_metric(&r.fake, "pii.record_ratio=4/6"));
    assert_true(fake_has_metric(&r.fake, "pii.entity.CREDIT_CARD=2/1"));
    stop(&r);
}

/* Every truncation and every foreign byte count is refused. */
static void damaged_state_is_refused(void **state)
{
    (void)state;
    struct run r;
    start(&r, NULL, NULL);
    assert_int_equal(assay_scanner_pii.save(r.shared, r.local, fake_put, &r.fake), ASSAY_OK);
    for (size_t len = 0; len < r.fake.state_len; len++) {
        struct assay_bytes cut = assay_bytes_make(r.fake.state, len);
        assert_int_equal(assay_scanner_pii.load(r.shared, r.local, cut, NULL), ASSAY_CORRUPT);
    }
    struct assay_bytes more = assay_bytes_make(r.fake.state, r.fake.state_len + 1);
    assert_int_equal(assay_scanner_pii.load(r.shared, r.local, more, NULL), ASSAY_CORRUPT);
    r.fake.state[r.fake.state_len - 1] ^= 1; /* the last byte of a group's name */
    struct assay_bytes renamed = assay_bytes_make(r.fake.state, r.fake.state_len);
    assert_int_equal(assay_scanner_pii.load(r.shared, r.local, renamed, NULL), ASSAY_CORRUPT);
    stop(&r);
}

static void a_failing_host_is_passed_on(void **state)
{
    (void)state;
    struct run r;
    start(&r, NULL, NULL);
    r.fake.assess_status = ASSAY_LIMIT;
    const struct assay_match m[] = {{EMAIL, 0, 0, 10}};
    assert_int_equal(scan(&r, m, 1), ASSAY_LIMIT);
    assert_int_equal(r.fake.n_findings, 0);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_carry_their_place),
        cmocka_unit_test(the_refused_and_the_weak_are_counted),
        cmocka_unit_test(the_strongest_of_overlapping_matches_wins),
        cmocka_unit_test(a_match_that_loses_to_a_loser_is_kept),
        cmocka_unit_test(a_long_match_reaches_over_its_neighbours),
        cmocka_unit_test(policy_all_reports_every_match),
        cmocka_unit_test(merge_and_saved_state_add_up),
        cmocka_unit_test(damaged_state_is_refused),
        cmocka_unit_test(a_failing_host_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
