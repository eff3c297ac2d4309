/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins/readers/text: lines and documents, and that nothing depends on how the text is cut.
 */
#include "tests/unit/unit.h"

#include "core/limits.h"
#include "tests/unit/plugins/reader_harness.h"

extern const struct assay_reader assay_reader_text;

static void expect(const struct harness_plan *plan, const char *text, const char *records,
                   const char *findings)
{
    struct harness_result r;
    assert_null(harness_compare(&assay_reader_text, assay_bytes_str(text), *plan, 12, &r));
    assert_string_equal(assay_buf_str(&r.records), records);
    assert_string_equal(assay_buf_str(&r.findings), findings);
    harness_release(&r);
}

static void lines_are_records(void **state)
{
    (void)state;
    const struct harness_plan plan = {.name = "a.log"};
    expect(&plan, "one\r\n\n \t\n two \nthree",
           "R 0 0 3\nF  0 0 [one]\nR 1 9 5\nF  0 0 [ two ]\nR 2 15 5\nF  0 0 [three]\n", "");
    expect(&plan, "old\rmac\r", "R 0 0 3\nF  0 0 [old]\nR 1 4 3\nF  0 0 [mac]\n", "");
    expect(&plan, "", "", "");
    expect(&plan, "\n\n\r\n", "", "");
}

static void documents_are_records(void **state)
{
    (void)state;
    const struct harness_plan markdown = {.name = "notes/a.MD"};
    expect(&markdown, "# a\n\nb\n", "R 0 0 7\nF  0 0 [# a\n\nb\n]\n", "");
    expect(&markdown, " \n\n", "", "");
    expect(&markdown, "", "", "");
    static const char *const document[] = {"record", "document", NULL};
    static const char *const line[] = {"record", "line", NULL};
    const struct harness_plan as_document = {.name = "a.txt", .options = document};
    expect(&as_document, "a\nb\n", "R 0 0 4\nF  0 0 [a\nb\n]\n", "");
    const struct harness_plan as_line = {.name = "a.md", .options = line};
    expect(&as_line, "a\nb\n", "R 0 0 1\nF  0 0 [a]\nR 1 2 1\nF  0 0 [b]\n", "");
}

static void invalid_utf8_is_repaired_and_counted(void **state)
{
    (void)state;
    struct harness_result r;
    const struct harness_plan plan = {0};
    const char *text = "good\nb\xc3\xa4\xff\xe4\xb8\ngood\n";
    assert_null(harness_compare(&assay_reader_text, assay_bytes_str(text), plan, 12, &r));
    assert_string_equal(
        assay_buf_str(&r.records),
        "R 0 0 4\nF  0 0 [good]\nR 1 5 6\nF  0 1 [bä???]\nR 2 12 4\nF  0 0 [good]\n");
    assert_string_equal(assay_buf_str(&r.findings), "text.invalid_utf8 #1 @5\n");
    assert_int_equal(r.skipped_bytes[ASSAY_SKIP_ENCODING], 3);
    harness_release(&r);
}

static void long_lines_are_never_held(void **state)
{
    (void)state;
    const size_t size = ASSAY_MIB(8);
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, "first\n", 6);
    memcpy(text + size - 6, "\nlast\n", 6);
    struct harness_result r;
    const struct harness_plan plan = {.seed = 3, .max_piece = 100000, .max_record = 65536};
    harness_run(&assay_reader_text, assay_bytes_make(text, size), &plan, &r);
    assert_string_equal(r.fault, "");
    assert_string_equal(assay_buf_str(&r.records),
                        "R 0 0 5\nF  0 0 [first]\nR 2 8388603 4\nF  0 0 [last]\n");
    assert_string_equal(assay_buf_str(&r.findings), "too-long #1 @6\n");
    assert_true(r.most_buffered <= 65537);
    harness_release(&r);
    free(text);
}

static void probes_bid_low(void **state)
{
    (void)state;
    assert_int_equal(assay_reader_text.probe(assay_bytes_str("words"), "a.txt"), 50);
    assert_int_equal(assay_reader_text.probe(assay_bytes_str("words"), "a"), 30);
    assert_int_equal(assay_reader_text.probe(assay_bytes_str("words"), "dir.txt/a"), 30);
    assert_int_equal(assay_reader_text.probe(assay_bytes_make("\0\1\2\3\4\5", 6), "a.txt"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_records),
        cmocka_unit_test(documents_are_records),
        cmocka_unit_test(invalid_utf8_is_repaired_and_counted),
        cmocka_unit_test(long_lines_are_never_held),
        cmocka_unit_test(probes_bid_low),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
