/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "core/option.h"

static void integers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1",   "1 ", "+1",
                                      "1x", "0x10", "-",  "99999999999999999999"};
    int64_t v = 0;
    struct assay_error err;
    assert_int_equal(assay_parse_int("-12", -20, 20, &v, &err), ASSAY_OK);
    assert_int_equal(v, -12);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(assay_parse_int(bad[i], INT64_MIN, INT64_MAX, &v, &err), ASSAY_USAGE);
    }
    assert_int_equal(assay_parse_int("21", 0, 20, &v, &err), ASSAY_USAGE);
    assert_string_equal(err.message, "21 is out of range: 0 to 20 are allowed");
}

static void sizes_and_durations(void **state)
{
    (void)state;
    uint64_t v;
    assert_int_equal(assay_parse_size("64MiB", &v, NULL), ASSAY_OK);
    assert_int_equal(v, 64 << 20);
    assert_int_equal(assay_parse_size("4096", &v, NULL), ASSAY_OK);
    assert_int_equal(assay_parse_size("64MB", &v, NULL), ASSAY_USAGE);
    assert_int_equal(assay_parse_size("99999999TiB", &v, NULL), ASSAY_USAGE);
    assert_int_equal(assay_parse_size("-1", &v, NULL), ASSAY_USAGE);
    assert_int_equal(assay_parse_duration("1500ms", &v, NULL), ASSAY_OK);
    assert_int_equal(v, 1500);
    assert_int_equal(assay_parse_duration("2h", &v, NULL), ASSAY_OK);
    assert_int_equal(v, 7200000);
    assert_int_equal(assay_parse_duration("0", &v, NULL), ASSAY_OK);
    assert_int_equal(assay_parse_duration("5", &v, NULL), ASSAY_USAGE);
}

static void options_name_the_fault(void **state)
{
    (void)state;
    static const struct assay_option kind = {
        .name = "mode", .type = ASSAY_OPT_ENUM, .choices = "a|bc|d"};
    static const struct assay_option flag = {.name = "flag", .type = ASSAY_OPT_BOOL};
    static const struct assay_option size = {
        .name = "size", .type = ASSAY_OPT_SIZE, .min = 10, .max = 100};
    struct assay_error err;
    assert_int_equal(assay_option_check(&kind, "bc", &err), ASSAY_OK);
    assert_int_equal(assay_option_check(&kind, "b", &err), ASSAY_USAGE);
    assert_string_equal(err.message, "option mode: 'b' is none of a|bc|d");
    assert_int_equal(assay_option_check(&kind, "", &err), ASSAY_USAGE);
    assert_int_equal(assay_option_check(&flag, "true", &err), ASSAY_OK);
    assert_int_equal(assay_option_check(&flag, "yes", &err), ASSAY_USAGE);
    assert_int_equal(assay_option_check(&size, "64", &err), ASSAY_OK);
    assert_int_equal(assay_option_check(&size, "1KiB", &err), ASSAY_USAGE);
    assert_string_equal(err.message, "option size: out of range: 10 to 100 bytes are allowed");
}

static void suggestions(void **state)
{
    (void)state;
    static const char *const names[] = {"severity", "pattern", "context", "id", NULL};
    assert_string_equal(assay_suggest("severty", names), "severity");
    assert_string_equal(assay_suggest("pattren", names), "pattern");
    assert_string_equal(assay_suggest("Context", names), "context");
    assert_string_equal(assay_suggest("di", names), "id");
    assert_null(assay_suggest("colour", names));
    assert_null(assay_suggest("", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(sizes_and_durations),
        cmocka_unit_test(options_name_the_fault),
        cmocka_unit_test(suggestions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
