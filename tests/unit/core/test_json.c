/* SPDX-License-Identifier: Apache-2.0
 * The writer against RFC 8785 rules for the subset we write. */
#include "tests/unit/unit.h"

#include "core/json.h"

struct fixture {
    struct assay_buf out;
    struct assay_json j;
};

static void start(struct fixture *f, int canonical)
{
    assay_buf_init(&f->out, 4096);
    assay_json_init(&f->j, &f->out, canonical);
}

static void expect(struct fixture *f, const char *text)
{
    assert_int_equal(assay_json_status(&f->j), ASSAY_OK);
    assert_string_equal(assay_buf_str(&f->out), text);
    assay_buf_release(&f->out);
}

static void expect_failure(struct fixture *f, enum assay_status status)
{
    assert_int_equal(assay_json_status(&f->j), status);
    assay_buf_release(&f->out);
}

static void values_and_nesting(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    assay_json_object(&f.j);
    assay_json_key(&f.j, "a");
    assay_json_array(&f.j);
    assay_json_uint(&f.j, 1);
    assay_json_int(&f.j, -2);
    assay_json_bool(&f.j, 1);
    assay_json_null(&f.j);
    assay_json_object(&f.j);
    assay_json_end_object(&f.j);
    assay_json_end_array(&f.j);
    assay_json_kv_str(&f.j, "b", NULL);
    assay_json_kv_bool(&f.j, "c", 0);
    assay_json_key(&f.j, "d");
    assay_json_hex(&f.j, "\x0f", 1);
    assay_json_end_object(&f.j);
    expect(&f, "{\"a\":[1,-2,true,null,{}],\"b\":null,\"c\":false,\"d\":\"0f\"}");
}

/* RFC 8785 section 3.2.2.2 and the example of section 3.2.3. */
static void strings_are_escaped_as_jcs_says(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    assay_json_string(&f.j, assay_bytes_str("\xe2\x82\xac$\x0f\nA'B\"\\\\\"/\b\t\f\r\x7f"));
    expect(&f, "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\t\\f\\r\x7f\"");
    start(&f, 1);
    assay_json_string(&f.j, assay_bytes_make("a\0b", 3));
    expect(&f, "\"a\\u0000b\"");
}

static void invalid_bytes_become_replacement_characters(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    assay_json_string(&f.j, assay_bytes_str("x\xff\xe6\xb1y\xed\xa0\x80"));
    expect(&f, "\"x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void canonical_keys_ascend(void **state)
{
    (void)state;
    struct fixture f;
    static const char *const pairs[][2] = {{"b", "a"}, {"a", "a"}, {"a", "B"}};
    for (size_t i = 0; i < 3; i++) {
        start(&f, 1);
        assay_json_object(&f.j);
        assay_json_kv_uint(&f.j, pairs[i][0], 1);
        assay_json_kv_uint(&f.j, pairs[i][1], 1);
        expect_failure(&f, ASSAY_INTERNAL);
    }
    start(&f, 0);
    assay_json_object(&f.j);
    assay_json_kv_uint(&f.j, "b", 1);
    assay_json_kv_uint(&f.j, "a", 2);
    assay_json_end_object(&f.j);
    expect(&f, "{\"b\":1,\"a\":2}");
}

static void an_inner_object_has_its_own_order(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    assay_json_object(&f.j);
    assay_json_key(&f.j, "m");
    assay_json_object(&f.j);
    assay_json_kv_uint(&f.j, "z", 1);
    assay_json_end_object(&f.j);
    assay_json_kv_uint(&f.j, "n", 2);
    assay_json_end_object(&f.j);
    expect(&f, "{\"m\":{\"z\":1},\"n\":2}");
}

static void canonical_refuses_what_jcs_cannot_hold(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1);
    assay_json_uint(&f.j, (UINT64_C(1) << 53) - 1);
    expect(&f, "9007199254740991");
    start(&f, 1);
    assay_json_uint(&f.j, UINT64_C(1) << 53);
    expect_failure(&f, ASSAY_LIMIT);
    start(&f, 1);
    assay_json_int(&f.j, -(INT64_C(1) << 53));
    expect_failure(&f, ASSAY_LIMIT);
    start(&f, 1);
    assay_json_milli(&f.j, 500);
    expect_failure(&f, ASSAY_INTERNAL);
    start(&f, 1);
    assay_json_object(&f.j);
    assay_json_key(&f.j, "\xc3\xa9");
    expect_failure(&f, ASSAY_INTERNAL);
}

static void misuse_is_sticky(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 0);
    assay_json_object(&f.j);
    assay_json_uint(&f.j, 1);
    expect_failure(&f, ASSAY_INTERNAL);
    start(&f, 0);
    assay_json_array(&f.j);
    assay_json_end_object(&f.j);
    expect_failure(&f, ASSAY_INTERNAL);
    start(&f, 0);
    for (int i = 0; i <= ASSAY_JSON_DEPTH; i++) {
        assay_json_array(&f.j);
    }
    expect_failure(&f, ASSAY_LIMIT);
}

static void a_full_buffer_shows_in_the_status(void **state)
{
    (void)state;
    struct assay_buf out;
    struct assay_json j;
    assay_buf_init(&out, 5);
    assay_json_init(&j, &out, 0);
    assay_json_cstr(&j, "longer");
    assert_int_equal(assay_json_status(&j), ASSAY_LIMIT);
    assay_buf_release(&out);
}

static void milli_has_no_trailing_zeroes(void **state)
{
    (void)state;
    static const struct {
        uint32_t milli;
        const char *text;
    } rows[] = {{0, "0"}, {1, "0.001"}, {50, "0.05"}, {950, "0.95"}, {1000, "1"}, {12300, "12.3"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        start(&f, 0);
        assay_json_milli(&f.j, rows[i].milli);
        expect(&f, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_nesting),
        cmocka_unit_test(strings_are_escaped_as_jcs_says),
        cmocka_unit_test(invalid_bytes_become_replacement_characters),
        cmocka_unit_test(canonical_keys_ascend),
        cmocka_unit_test(an_inner_object_has_its_own_order),
        cmocka_unit_test(canonical_refuses_what_jcs_cannot_hold),
        cmocka_unit_test(misuse_is_sticky),
        cmocka_unit_test(a_full_buffer_shows_in_the_status),
        cmocka_unit_test(milli_has_no_trailing_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
