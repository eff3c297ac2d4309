/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins/readers/image: one record a file, its size from the header, whatever the pieces.
 */
#include "tests/unit/unit.h"

#include "tests/unit/plugins/reader_harness.h"

extern const struct assay_reader assay_reader_image;

#define BYTES(literal) assay_bytes_make(literal, sizeof(literal) - 1)
#define PNG_HEAD       "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

static void expect(struct assay_bytes file, const char *records, const char *findings)
{
    const struct harness_plan plan = {0};
    struct harness_result r;
    assert_null(harness_compare(&assay_reader_image, file, plan, 6, &r));
    assert_string_equal(assay_buf_str(&r.records), records);
    assert_string_equal(assay_buf_str(&r.findings), findings);
    harness_release(&r);
}

static void a_file_is_a_record(void **state)
{
    (void)state;
    expect(BYTES(PNG_HEAD "\0\0\2\x80\0\0\1\xe0\x08\2\0\0\0rest"),
           "R 0 0 33\nF /width 1 0 [640]\nF /height 1 0 [480]\n", "");
    /* a comment, fill bytes, a table, then a progressive frame: 300 high, 200 wide */
    expect(BYTES("\xff\xd8\xff\xfe\0\5abc\xff\xff\xc4\0\3x\xff\xc2\0\x11\x08\1\x2c\0\xc8rest"),
           "R 0 0 28\nF /width 1 0 [200]\nF /height 1 0 [300]\n", "");
}

static void headers_that_say_nothing_are_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *ptr;
        size_t len;
    } bad[] = {{PNG_HEAD "\0\0\2", 19},
               {"\x89PNG\r\n\x1a\n", 8},
               {PNG_HEAD "\0\0\0\0\0\0\0\0", 24},
               {"\xff\xd8\xff", 3},
               {"\xff\xd8\xff\xda\0\2xxxxxxx", 13},
               {"\xff\xd8\xff\xfe\xff\xff", 6}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char records[40];
        (void)snprintf(records, sizeof records, "R 0 0 %zu\n", bad[i].len);
        expect(assay_bytes_make(bad[i].ptr, bad[i].len), records, "image.malformed #0 @0\n");
    }
}

static void probes_go_by_signature(void **state)
{
    (void)state;
    assert_int_equal(assay_reader_image.probe(BYTES("\xff\xd8\xff\xe0"), "x.txt"), 95);
    assert_int_equal(assay_reader_image.probe(BYTES(PNG_HEAD), "x"), 95);
    assert_int_equal(assay_reader_image.probe(BYTES("GIF89a"), "x.png"), 0);
    assert_int_equal(assay_reader_image.probe(BYTES(""), "x.png"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_a_record),
        cmocka_unit_test(headers_that_say_nothing_are_malformed),
        cmocka_unit_test(probes_go_by_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
