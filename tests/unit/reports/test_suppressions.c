/* SPDX-License-Identifier: Apache-2.0
 * Lists of accepted groups: what is written reads back, and anything that is not in order is
 * refused with a sentence that says where. */
#include "tests/unit/unit.h"

#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/suppressions.h"

#define NEAR "near:00112233445566778899aabbccddeeff"
#define ROW  "{\"group\":\"" NEAR "\",\"owner\":\"o\",\"reason\":\"r\"}"
#define DAY  UINT64_C(86400000)

static enum assay_status parse(const char *text, struct assay_error *err)
{
    struct assay_suppressions *s = NULL;
    enum assay_status status = assay_suppressions_parse(assay_bytes_str(text), &s, err);
    assert_true((s != NULL) == (status == ASSAY_OK));
    assay_suppressions_free(s);
    return status;
}

static void a_list_reads_back(void **state)
{
    (void)state;
    const struct assay_acceptance rows[] = {
        {NEAR, "A. Lee", "许可声明", NULL},
        {"file:00000000000000000000000000000000", "B", "r", "2028-02-29"},
    };
    ASSAY_AUTO_BUF out;
    struct assay_error err = {0};
    struct assay_suppressions *s;
    assay_buf_init(&out, 4096);
    assert_int_equal(assay_suppressions_write(rows, 2, &out, &err), ASSAY_OK);
    assert_int_equal(assay_suppressions_parse(assay_buf_bytes(&out), &s, &err), ASSAY_OK);
    assert_int_equal(assay_suppressions_count(s), 2);
    const struct assay_acceptance a = assay_suppressions_get(s, 0);
    const struct assay_acceptance b = assay_suppressions_get(s, 1);
    assert_string_equal(a.group, NEAR);
    assert_string_equal(assay_group_digits(a.group), strchr(NEAR, ':') + 1);
    assert_string_equal(a.reason, "许可声明");
    assert_null(a.expires);
    assert_string_equal(b.expires, "2028-02-29");
    assert_int_equal(strlen(assay_suppressions_digest(s)), 71);
    assay_suppressions_free(s);
}

static void what_is_not_in_order_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "not valid JSON"},
        {"[]", "\"version\": 1"},
        {"{\"accepted\":[],\"version\":2}", "\"version\": 1"},
        {"{\"accepted\":[]}", "\"version\": 1"},
        {"{\"accepted\":[],\"version\":1,\"more\":1}", "nothing else"},
        {"{\"accepted\":{},\"version\":1}", "\"accepted\""},
        {"{\"accepted\":[],\"accepted\":[],\"version\":1}", "not valid JSON"},
        {"{\"accepted\":[1],\"version\":1}", "entry 1"},
        {"{\"accepted\":[" ROW "," ROW "],\"version\":1}", "entry 2 (" NEAR "): the group is"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":\"o\"}],\"version\":1}", "entry 1"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":\"\",\"reason\":\"r\"}],\"version\":1}",
         "needs an owner"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":1,\"reason\":\"r\"}],\"version\":1}",
         "needs an owner"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":\"o\",\"why\":\"r\"}],\"version\":1}",
         "needs an owner"},
        {"{\"accepted\":[{\"group\":\"near:00\",\"owner\":\"o\",\"reason\":\"r\"}],\"version\":1}",
         "a group is"},
        {"{\"accepted\":[{\"group\":\"frame:00112233445566778899aabbccddeeff\",\"owner\":\"o\","
         "\"reason\":\"r\"}],\"version\":1}",
         "a group is"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":\"o\",\"reason\":\"r\",\"expires\":"
         "null}],\"version\":1}",
         "entry 1"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":\"o\",\"reason\":\"r\",\"expires\":"
         "\"2026-02-29\"}],\"version\":1}",
         "is a date"},
        {"{\"accepted\":[{\"group\":\"" NEAR "\",\"owner\":\"o\",\"reason\":\"r\",\"expires\":"
         "\"2026-2-2\"}],\"version\":1}",
         "is a date"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct assay_error err = {0};
        assert_int_equal(parse(rows[i].text, &err), ASSAY_CORRUPT);
        if (strstr(err.message, rows[i].says) == NULL) {
            fail_msg("'%s' does not say '%s'", err.message, rows[i].says);
        }
    }
    struct assay_error err = {0};
    assert_int_equal(parse("{\"accepted\":[" ROW "],\"version\":1}", &err), ASSAY_OK);
}

static void groups_have_names(void **state)
{
    (void)state;
    static const char *const kinds[] = {"file",          "record",     "normalised", "near",
                                        "answers",       "preference", "delivered",  "span",
                                        "contamination", "image"};
    static const char digits[] = "00112233445566778899aabbccddeeff";
    static const char *const wrong[] = {
        "",
        "span",
        "span:",
        ":00112233445566778899aabbccddeeff",
        "spa:00112233445566778899aabbccddeeff",
        "spans:00112233445566778899aabbccddeeff",
        "span:00112233445566778899aabbccddeef",
        "span:00112233445566778899aabbccddeeff0",
        "span:00112233445566778899AABBCCDDEEFF",
        " span:00112233445566778899aabbccddeeff",
    };
    char name[64];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        (void)snprintf(name, sizeof name, "%s:%s", kinds[i], digits);
        assert_true(assay_group_is_named(name));
        assert_string_equal(assay_group_digits(name), digits);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(assay_group_is_named(wrong[i]));
    }
}

static void texts_and_lists_have_bounds(void **state)
{
    (void)state;
    struct assay_error err = {0};
    ASSAY_AUTO_BUF out;
    char text[ASSAY_LIMIT_ACCEPTED_TEXT + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assay_buf_init(&out, 65536);
    struct assay_acceptance row = {NEAR, "o", text, NULL};
    assert_int_equal(assay_suppressions_write(&row, 1, &out, &err), ASSAY_CORRUPT);
    text[sizeof text - 2] = '\0';
    assay_buf_clear(&out);
    assert_int_equal(assay_suppressions_write(&row, 1, &out, &err), ASSAY_OK);
    ASSAY_AUTO_BUF many;
    assay_buf_init(&many, (size_t)1 << 20);
    assay_buf_adds(&many, "{\"accepted\":[0");
    for (size_t i = 0; i < ASSAY_LIMIT_ACCEPTED; i++) {
        assay_buf_adds(&many, ",0");
    }
    assay_buf_adds(&many, "],\"version\":1}");
    assert_int_equal(parse(assay_buf_str(&many), &err), ASSAY_LIMIT);
}

static void an_entry_holds_until_its_day_is_over(void **state)
{
    (void)state;
    const struct assay_acceptance leap = {NEAR, "o", "r", "1972-02-29"};
    const struct assay_acceptance ever = {NEAR, "o", "r", NULL};
    const uint64_t end = (2 * 365 + 31 + 29) * DAY;
    assert_false(assay_acceptance_expired(&leap, 0));
    assert_false(assay_acceptance_expired(&leap, end - 1));
    assert_true(assay_acceptance_expired(&leap, end));
    assert_false(assay_acceptance_expired(&ever, end * 100));
}

/* What was signed as one thing verifies as no other. */
static void the_type_is_signed(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    struct assay_error err = {0};
    struct assay_key *key = NULL;
    struct assay_envelope *e = NULL;
    size_t valid = 0;
    assay_buf_init(&out, 65536);
    assert_int_equal(assay_key_generate(ASSAY_KEY_ED25519, &key, &err), ASSAY_OK);
    assert_int_equal(assay_envelope_sign_type(ASSAY_SUPPRESSIONS_TYPE, assay_bytes_str("{}"), &key,
                                              1, &out, &err),
                     ASSAY_OK);
    assert_int_equal(assay_envelope_parse(assay_buf_bytes(&out), &e, &err), ASSAY_CORRUPT);
    assert_int_equal(
        assay_envelope_parse_type(ASSAY_SUPPRESSIONS_TYPE, assay_buf_bytes(&out), &e, &err),
        ASSAY_OK);
    assert_int_equal(assay_envelope_verify(e, &key, 1, &valid, &err), ASSAY_OK);
    assay_envelope_free(e);
    char *type = strstr(out.ptr, ASSAY_SUPPRESSIONS_TYPE);
    assert_non_null(type);
    type[strlen("application/vnd.assay.s")] = 'x';
    assert_int_equal(assay_envelope_parse_type("application/vnd.assay.sxppressions+json",
                                               assay_buf_bytes(&out), &e, &err),
                     ASSAY_OK);
    assert_int_equal(assay_envelope_verify(e, &key, 1, &valid, &err), ASSAY_MISMATCH);
    assay_envelope_free(e);
    assay_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_reads_back),
        cmocka_unit_test(what_is_not_in_order_is_refused),
        cmocka_unit_test(groups_have_names),
        cmocka_unit_test(texts_and_lists_have_bounds),
        cmocka_unit_test(an_entry_holds_until_its_day_is_over),
        cmocka_unit_test(the_type_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
