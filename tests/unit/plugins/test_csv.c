/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins/readers/csv: rows, cells, dialects, headers, and that nothing depends on how the text is
 * cut.
 */
#include "tests/unit/unit.h"

#include "core/limits.h"
#include "tests/unit/plugins/reader_harness.h"

extern const struct assay_reader assay_reader_csv;

#define MAX_TEXT ASSAY_MIB(64)

static const char *const no_header[] = {"header", "no", NULL};
static const char *const header[] = {"header", "yes", NULL};

static void expect_plan(struct assay_bytes text, const struct harness_plan *plan,
                        const char *records, const char *findings)
{
    struct harness_result r;
    assert_null(harness_compare(&assay_reader_csv, text, *plan, 12, &r));
    assert_string_equal(assay_buf_str(&r.records), records);
    assert_string_equal(assay_buf_str(&r.findings), findings);
    harness_release(&r);
}

static void expect(const char *const *options, const char *text, const char *records,
                   const char *findings)
{
    const struct harness_plan plan = {.options = options};
    expect_plan(assay_bytes_str(text), &plan, records, findings);
}

static void rows_are_records(void **state)
{
    (void)state;
    expect(NULL, "name,age\nAnn,31\nBob,42\n",
           "R 0 9 6\nF /name 4 0 [name]\nF /age 4 0 [age]\nF /name 0 0 [Ann]\nF /age 0 0 [31]\n"
           "R 1 16 6\nF /name 0 0 [Bob]\nF /age 0 0 [42]\n",
           "");
    expect(no_header, "a,b\r\n,\r\n\r\n  \r\nc,d",
           "R 0 0 3\nF /0 0 0 [a]\nF /1 0 0 [b]\n"
           "R 1 5 1\nF /0 0 0 []\nF /1 0 0 []\n"
           "R 2 14 3\nF /0 0 0 [c]\nF /1 0 0 [d]\n",
           "");
    expect(no_header, "a,b\rc,d\r",
           "R 0 0 3\nF /0 0 0 [a]\nF /1 0 0 [b]\nR 1 4 3\nF /0 0 0 [c]\nF /1 0 0 [d]\n", "");
    expect(NULL, "", "", "");
    expect(NULL, "\n\n", "", "");
}

static void quotes_hold_anything(void **state)
{
    (void)state;
    expect(no_header, "\"a,\"\"b\"\"\",\"two\nlines\"\n\"\",\"\"\"\"\nx,\"\r\n\"\r\n",
           "R 0 0 21\nF /0 0 0 [a,\"b\"]\nF /1 0 0 [two\nlines]\n"
           "R 1 22 7\nF /0 0 0 []\nF /1 0 0 [\"]\n"
           "R 2 30 6\nF /0 0 0 [x]\nF /1 0 0 [\r\n]\n",
           "");
}

static void stray_quotes_are_read_and_noted(void **state)
{
    (void)state;
    expect(no_header, "5\" disk,b\n\"a\"x\"y,b\n\"a\" ,b\nok,b\n",
           "R 0 0 9\nF /0 0 0 [5\" disk]\nF /1 0 0 [b]\n"
           "R 1 10 8\nF /0 0 0 [ax\"y]\nF /1 0 0 [b]\n"
           "R 2 19 6\nF /0 0 0 [a ]\nF /1 0 0 [b]\n"
           "R 3 26 4\nF /0 0 0 [ok]\nF /1 0 0 [b]\n",
           "csv.stray_quote #0 @0\ncsv.stray_quote #1 @10\ncsv.stray_quote #2 @19\n");
}

static void ragged_rows_are_found_and_read(void **state)
{
    (void)state;
    expect(header, "a,b\n1\n1,2,3\n1,2\n",
           "R 0 4 1\nF /a 4 0 [a]\nF /b 4 0 [b]\nF /a 0 0 [1]\n"
           "R 1 6 5\nF /a 0 0 [1]\nF /b 0 0 [2]\nF /2 0 0 [3]\n"
           "R 2 12 3\nF /a 0 0 [1]\nF /b 0 0 [2]\n",
           "csv.ragged_row #0 @4\ncsv.ragged_row #1 @6\n");
}

static void a_quote_that_never_closes_is_found(void **state)
{
    (void)state;
    struct harness_result r;
    const struct harness_plan plan = {.options = no_header};
    const char *text = "a,b\nc,\"d\ne,f\n";
    assert_null(harness_compare(&assay_reader_csv, assay_bytes_str(text), plan, 12, &r));
    assert_string_equal(
        assay_buf_str(&r.records),
        "R 0 0 3\nF /0 0 0 [a]\nF /1 0 0 [b]\nR 1 4 9\nF /0 0 0 [c]\nF /1 0 0 [d\ne,f\n]\n");
    assert_string_equal(assay_buf_str(&r.findings), "csv.unterminated_quote #1 @4\n");
    assert_int_equal(r.skipped_records[ASSAY_SKIP_MALFORMED], 1);
    assert_int_equal(r.skipped_bytes[ASSAY_SKIP_MALFORMED], 9);
    harness_release(&r);
}

static void invalid_utf8_is_repaired_and_counted(void **state)
{
    (void)state;
    struct harness_result r;
    const struct harness_plan plan = {.options = no_header};
    const char *text = "a,caf\xe9\n\"\xff\"\"\",b\nc,d\n";
    assert_null(harness_compare(&assay_reader_csv, assay_bytes_str(text), plan, 12, &r));
    assert_string_equal(assay_buf_str(&r.records), "R 0 0 6\nF /0 0 0 [a]\nF /1 0 1 [caf?]\n"
                                                   "R 1 7 7\nF /0 0 1 [?\"]\nF /1 0 0 [b]\n"
                                                   "R 2 15 3\nF /0 0 0 [c]\nF /1 0 0 [d]\n");
    assert_string_equal(assay_buf_str(&r.findings),
                        "csv.invalid_utf8 #0 @0\ncsv.invalid_utf8 #1 @7\n");
    assert_int_equal(r.skipped_bytes[ASSAY_SKIP_ENCODING], 2);
    harness_release(&r);
}

static void delimiters_are_sniffed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x\t1,5\ny\t2,5\n",      "x;1,5\ny;2,5\n",
        "x|1,5\ny|2,5\n",        "\"x\";\"1,5\"\n\"y\";\"2,5\"\n",
        "sep=;\nx;1,5\ny;2,5\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct harness_result r;
        const struct harness_plan plan = {.options = no_header};
        assert_null(harness_compare(&assay_reader_csv, assay_bytes_str(texts[i]), plan, 12, &r));
        assert_non_null(strstr(assay_buf_str(&r.records), "F /0 0 0 [x]\nF /1 0 0 [1,5]\n"));
        assert_int_equal(r.n_records, 2);
        harness_release(&r);
    }
    expect((const char *const[]){"header", "no", "delimiter", "bar", "quote", "single", NULL},
           "'a|'|b,c\n'\n'|d\n",
           "R 0 0 8\nF /0 0 0 [a|]\nF /1 0 0 [b,c]\nR 1 9 5\nF /0 0 0 [\n]\nF /1 0 0 [d]\n", "");
    expect((const char *const[]){"header", "no", "quote", "none", NULL}, "\"a,b\"\n\"c,d\"\n",
           "R 0 0 5\nF /0 0 0 [\"a]\nF /1 0 0 [b\"]\nR 1 6 5\nF /0 0 0 [\"c]\nF /1 0 0 [d\"]\n",
           "");
}

static void headers_are_detected_with_care(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned records; /* one less than rows where there is a header */
    } rows[] = {
        {"id,name\n1,Ann\n2,Bob\n", 2},
        {"姓名,电话\n张三,13800138000\n", 1},
        {"1,Ann\n2,Bob\n", 2},
        {"ann@example.org,Ann\nbob@example.org,Bob\n", 2},
        {"x,13800138000\ny,13800138001\n", 2},
        {"word\napple\npear\n", 3}, /* one column of words says nothing */
        {"age\n31\n42\n", 2},       /* one column of numbers does */
        {"only,one\n", 1},          /* an only row is data */
        {"a,b\na,c\n", 2},          /* its value comes again */
        {"id,,x\n1,2,3\n", 2},      /* a column without a name */
        {"first line of prose\nsecond, with comma\n", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct harness_result r;
        const struct harness_plan plan = {0};
        assert_null(harness_compare(&assay_reader_csv, assay_bytes_str(rows[i].text), plan, 6, &r));
        if (r.n_records != rows[i].records) {
            print_error("row %zu\n", i);
        }
        assert_int_equal(r.n_records, rows[i].records);
        harness_release(&r);
    }
}

static void columns_have_unique_pointers(void **state)
{
    (void)state;
    expect(header, "a/b,x,x,,x#2,x,~\n1,2,3,4,5,6,7\n",
           "R 0 17 13\nF /a~1b 4 0 [a/b]\nF /x 4 0 [x]\nF /x#2 4 0 [x]\nF /3 4 0 []\nF /x#2#2 4 0 "
           "[x#2]\n"
           "F /x#3 4 0 [x]\nF /~0 4 0 [~]\n"
           "F /a~1b 0 0 [1]\nF /x 0 0 [2]\nF /x#2 0 0 [3]\nF /3 0 0 [4]\nF /x#2#2 0 0 [5]\n"
           "F /x#3 0 0 [6]\nF /~0 0 0 [7]\n",
           "csv.duplicate_column @0\n");
}

static void columns_are_bounded(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, MAX_TEXT);
    for (int i = 0; i < 20000; i++) {
        assay_buf_addf(&text, "%s%d", i == 0 ? "" : ",", i % 10);
    }
    assay_buf_adds(&text, "\n");
    struct harness_result r;
    const struct harness_plan plan = {.options = no_header};
    assert_null(harness_compare(&assay_reader_csv, assay_buf_bytes(&text), plan, 6, &r));
    assert_non_null(strstr(assay_buf_str(&r.records), "F /16383 0 0 [3,4,5,"));
    assert_null(strstr(assay_buf_str(&r.records), "F /16384 "));
    harness_release(&r);
    assay_buf_clear(&text); /* as many equal names as fit */
    for (int i = 0; i < 30000; i++) {
        assay_buf_adds(&text, ",");
    }
    assay_buf_adds(&text, "\n1,2\n");
    const struct harness_plan named = {.options = header};
    assert_null(harness_compare(&assay_reader_csv, assay_buf_bytes(&text), named, 2, NULL));
}

static void over_long_rows_end_with_their_line(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, MAX_TEXT);
    assay_buf_adds(&text, "a,b\nc,\"never closed\n");
    for (int i = 0; i < 5000; i++) {
        assay_buf_addf(&text, "x,%d\n", i);
    }
    struct harness_result r;
    const struct harness_plan plan = {.options = no_header, .max_record = 500};
    assert_null(harness_compare(&assay_reader_csv, assay_buf_bytes(&text), plan, 12, &r));
    assert_string_equal(assay_buf_str(&r.findings), "too-long #1 @4\n");
    assert_int_equal(r.n_records, 5001);
    assert_true(r.most_buffered <= 501);
    harness_release(&r);
}

static void probes_weigh_name_and_content(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        int least, most;
    } rows[] = {
        {"a,b\n1,2\n3,4\n", "x.csv", 80, 89},        {"a\tb\n1\t2\n3\t4\n", "x.TSV", 80, 89},
        {"a\tb\n1\t2\n3\t4\n", "x", 51, 60},         {"a\tb\n1\t2\n3\t4\n", "x.txt", 0, 49},
        {"just words\nand more\n", "x.csv", 51, 60}, {"just words\nand more\n", "x", 0, 29},
        {"{\"a\":1}\n{\"a\":2}\n", "x.csv", 0, 85},  {"", "x.csv", 51, 60},
        {"\x01\x02\x03\x04\x05,\n", "x.csv", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int got = assay_reader_csv.probe(assay_bytes_str(rows[i].text), rows[i].name);
        assert_in_range(got, rows[i].least, rows[i].most);
    }
}

static void every_rule_is_explained(void **state)
{
    (void)state;
    for (const struct assay_rule_decl *d = assay_reader_csv.rules; d->id != NULL; d++) {
        assert_int_equal(strncmp(d->id, "csv.", 4), 0);
        assert_true(d->title_en[0] && d->title_zh[0] && d->help_en[0] && d->help_zh[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_records),
        cmocka_unit_test(quotes_hold_anything),
        cmocka_unit_test(stray_quotes_are_read_and_noted),
        cmocka_unit_test(ragged_rows_are_found_and_read),
        cmocka_unit_test(a_quote_that_never_closes_is_found),
        cmocka_unit_test(invalid_utf8_is_repaired_and_counted),
        cmocka_unit_test(delimiters_are_sniffed),
        cmocka_unit_test(headers_are_detected_with_care),
        cmocka_unit_test(columns_have_unique_pointers),
        cmocka_unit_test(columns_are_bounded),
        cmocka_unit_test(over_long_rows_end_with_their_line),
        cmocka_unit_test(probes_weigh_name_and_content),
        cmocka_unit_test(every_rule_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
