/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins/readers/jsonl: what records come out, what is said about broken ones, and that neither
 * depends on how the text is cut.
 */
#include "tests/unit/unit.h"

#include "core/limits.h"
#include "tests/unit/plugins/reader_harness.h"

extern const struct assay_reader assay_reader_jsonl;

#define MAX_TEXT ASSAY_MIB(64)

/* Runs `text` whole and in pieces; all runs must give these records and findings. */
static void expect_plan(struct assay_bytes text, const struct harness_plan *plan,
                        const char *records, const char *findings)
{
    struct harness_result r;
    assert_null(harness_compare(&assay_reader_jsonl, text, *plan, 12, &r));
    assert_string_equal(assay_buf_str(&r.records), records);
    assert_string_equal(assay_buf_str(&r.findings), findings);
    harness_release(&r);
}

static void expect(const char *text, const char *records, const char *findings)
{
    const struct harness_plan plan = {0};
    expect_plan(assay_bytes_str(text), &plan, records, findings);
}

static void lines_are_records(void **state)
{
    (void)state;
    expect("{\"a\":1,\"b\":\"x\"}\n\n \t\n{\"a\":null,\"b\":true}\r\n[1]\n\"s\"\n-2.50e+1",
           "R 0 0 15\nF /a 1 0 [1]\nF /b 0 0 [x]\n"
           "R 1 20 19\nF /a 3 0 []\nF /b 2 0 [true]\n"
           "R 2 41 3\nF /0 1 0 [1]\n"
           "R 3 45 3\nF  0 0 [s]\n"
           "R 4 49 8\nF  1 0 [-2.50e+1]\n",
           "");
    expect("", "", "");
    expect("\n \n", "", "");
}

static void nested_values_have_pointers(void **state)
{
    (void)state;
    expect("{\"m\":[{\"c\":\"x\"},[]],\"a/b~\":{},\"\":false}\n{\"m\":{\"0\":1}}\n",
           "R 0 0 39\nF /m/0/c 0 0 [x]\nF /m/1 5 0 []\nF /a~1b~0 5 0 []\nF / 2 0 [false]\n"
           "R 1 40 13\nF /m/0 1 0 [1]\n",
           "");
}

static void strings_are_decoded(void **state)
{
    (void)state;
    expect("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u4e2d\\ud83d\\uDE00\\u0041\"}",
           "R 0 0 48\nF /a 0 0 [\"\\/\b\f\n\r\t中😀A]\n", "");
    expect("{\"a\":\"\\ud83dx\\udc00\"}", "R 0 0 21\nF /a 0 1 [?x?]\n",
           "jsonl.lone_surrogate #0 @0\n");
    /* an escaped name is the same name */
    expect("{\"ab\":1}\n{\"\\u0061b\":2}\n", "R 0 0 8\nF /ab 1 0 [1]\nR 1 9 13\nF /ab 1 0 [2]\n",
           "");
    struct harness_result r;
    const struct harness_plan plan = {0};
    assert_null(
        harness_compare(&assay_reader_jsonl, assay_bytes_str("{\"a\":\"\\u0000\"}"), plan, 3, &r));
    assert_int_equal(r.records.len, sizeof "R 0 0 14\nF /a 0 0 [.]\n" - 1);
    assert_int_equal(r.findings.len, 0);
    harness_release(&r);
}

static void names_that_say_something_are_scanned(void **state)
{
    (void)state;
    expect("{\"a@b.cn\":1,\"t13812345678\":2,\"full name\":3,\"姓名\":4,\"plain_1\":5}",
           "R 0 0 66\nF /a@b.cn 4 0 [a@b.cn]\nF /a@b.cn 1 0 [1]\n"
           "F /t13812345678 4 0 [t13812345678]\nF /t13812345678 1 0 [2]\n"
           "F /full name 4 0 [full name]\nF /full name 1 0 [3]\n"
           "F /姓名 4 0 [姓名]\nF /姓名 1 0 [4]\nF /plain_1 1 0 [5]\n",
           "");
}

static void broken_lines_are_found_and_scanned_raw(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "[1 2]",
        "[1,]",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":truE}",
        "{\"a\":nullx}",
        "{\"a\":-}",
        "tru",
        "{\"a\":\"x}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\\"}",
        "{\"a\":\"\t\"}",
        "{1:2}",
        "]",
        "{\"a\":1} {\"b\":2}",
        "{\"a\"\"b\"}",
        "{\"a\":\"x\"y}",
        "{\"a\":\"x\"\"y\"}",
        "\"",
        ":",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char text[128];
        char records[256];
        char findings[64];
        const size_t len = strlen(broken[i]);
        (void)snprintf(text, sizeof text, "{\"k\":1}\n%s\n{\"k\":2}\n{\"k\":3}\n", broken[i]);
        (void)snprintf(records, sizeof records,
                       "R 0 0 7\nF /k 1 0 [1]\nR 1 8 %zu\nF  0 0 [%s]\n"
                       "R 2 %zu 7\nF /k 1 0 [2]\nR 3 %zu 7\nF /k 1 0 [3]\n",
                       len, broken[i], len + 9, len + 17);
        (void)snprintf(findings, sizeof findings, "jsonl.malformed_record #1 @8\n");
        expect(text, records, findings);
    }
}

static void broken_lines_are_counted(void **state)
{
    (void)state;
    struct harness_result r;
    const struct harness_plan plan = {0};
    const char *text = "{\"k\":1}\n{\"k\":\n{\"k\":2}\n";
    assert_null(harness_compare(&assay_reader_jsonl, assay_bytes_str(text), plan, 3, &r));
    assert_int_equal(r.skipped_records[ASSAY_SKIP_MALFORMED], 1);
    assert_int_equal(r.skipped_bytes[ASSAY_SKIP_MALFORMED], 5);
    harness_release(&r);
}

static void a_raw_nul_breaks_its_line_only(void **state)
{
    (void)state;
    static const char text[] = "{\"k\":1}\n{\"k\":\"a\0b\"}\n\0\n{\"k\":2}\n{\"k\":3}\n";
    struct harness_result r;
    const struct harness_plan plan = {0};
    assert_null(
        harness_compare(&assay_reader_jsonl, assay_bytes_make(text, sizeof text - 1), plan, 8, &r));
    assert_string_equal(assay_buf_str(&r.findings),
                        "jsonl.malformed_record #1 @8\njsonl.malformed_record #2 @20\n");
    assert_int_equal(r.n_records, 5);
    harness_release(&r);
}

static void invalid_utf8_is_repaired_and_counted(void **state)
{
    (void)state;
    struct harness_result r;
    const struct harness_plan plan = {0};
    const char *text =
        "{\"a\":\"x\xff\xfey\",\"b\":\"ok\"}\n{\"a\":\"\xed\xa0\x80\"\n{\"k\xc3\":1}\n{\"a\":1}\n";
    assert_null(harness_compare(&assay_reader_jsonl, assay_bytes_str(text), plan, 8, &r));
    assert_string_equal(assay_buf_str(&r.records), "R 0 0 21\nF /a 0 1 [x??y]\nF /b 0 0 [ok]\n"
                                                   "R 1 22 10\nF  0 1 [{\"a\":\"???\"]\n"
                                                   "R 2 33 8\nF /k? 1 0 [1]\n"
                                                   "R 3 42 7\nF /a 1 0 [1]\n");
    assert_string_equal(assay_buf_str(&r.findings),
                        "jsonl.invalid_utf8 #0 @0\n"
                        "jsonl.malformed_record #1 @22\njsonl.invalid_utf8 #1 @22\n"
                        "jsonl.invalid_utf8 #2 @33\n");
    assert_int_equal(r.skipped_bytes[ASSAY_SKIP_ENCODING], 6);
    harness_release(&r);
}

static void odd_but_readable_records_are_noted(void **state)
{
    (void)state;
    expect("{\"a\":1,\"b\":{\"a\":2},\"a\":3}\n{\"a\":[{\"x\":1},{\"x\":2}]}\n",
           "R 0 0 25\nF /a 1 0 [1]\nF /b/a 1 0 [2]\nF /a 1 0 [3]\n"
           "R 1 26 23\nF /a/0/x 1 0 [1]\nF /a/1/x 1 0 [2]\n",
           "jsonl.duplicate_key #0 @0\n");
    expect("{\"a\":NaN,\"b\":-Infinity}\n", "R 0 0 23\nF /a 1 0 [NaN]\nF /b 1 0 [-Infinity]\n",
           "jsonl.nonstandard_number #0 @0\n");
}

static void add_repeated(struct assay_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assay_buf_adds(b, s);
    }
}

static void deep_nesting_costs_one_record(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, MAX_TEXT);
    assay_buf_adds(&text, "{\"k\":1}\n");
    add_repeated(&text, "[", 100000);
    add_repeated(&text, "]", 100000);
    assay_buf_adds(&text, "\n");
    add_repeated(&text, "{\"a\":", 100000);
    assay_buf_adds(&text, "\n{\"k\":2}\n");
    struct harness_result r;
    const struct harness_plan plan = {.seed = 5, .max_piece = 70000};
    harness_run(&assay_reader_jsonl, assay_buf_bytes(&text), &plan, &r);
    assert_string_equal(r.fault, "");
    assert_int_equal(r.n_records, 4);
    assert_string_equal(assay_buf_str(&r.findings),
                        "jsonl.too_deep #1 @8\njsonl.too_deep #2 @200009\n");
    assert_int_equal(r.skipped_records[ASSAY_SKIP_TOO_DEEP], 2);
    assert_non_null(strstr(assay_buf_str(&r.records), "R 3 700010 7\nF /k 1 0 [2]\n"));
    harness_release(&r);
    /* exactly at the limit */
    const struct harness_plan two = {.max_depth = 2};
    expect_plan(assay_bytes_str("[[1]]\n[[2]]\n[[[3]]]\n"), &two,
                "R 0 0 5\nF /0/0 1 0 [1]\nR 1 6 5\nF /0/0 1 0 [2]\nR 2 12 7\nF  0 0 [[[[3]]]]\n",
                "jsonl.too_deep #2 @12\n");
}

static void an_array_holds_records(void **state)
{
    (void)state;
    expect("[{\"a\":1},{\"a\":2}]\n", "R 0 1 7\nF /a 1 0 [1]\nR 1 9 7\nF /a 1 0 [2]\n", "");
    expect("\n[\n  {\n    \"a\": \"]},[\\\"\"\n  },\n  [1, 2], 3, \"s\" , null\n]\n",
           "R 0 5 23\nF /a 0 0 []},[\"]\nR 1 32 6\nF /0 1 0 [1]\nF /1 1 0 [2]\n"
           "R 2 40 1\nF  1 0 [3]\nR 3 43 3\nF  0 0 [s]\nR 4 49 4\nF  3 0 []\n",
           "");
    expect("[]", "", "");
    expect("[\n{\"a\":1},\n{\"a\":2}", "R 0 2 7\nF /a 1 0 [1]\nR 1 11 7\nF /a 1 0 [2]\n",
           "jsonl.array_not_closed @18\n");
}

static void values_may_follow_one_another(void **state)
{
    (void)state;
    expect("{\n \"a\": 1\n}{\"b\":2}\n{\n  \"c\": [\n1,\n2]\n}\n",
           "R 0 0 11\nF /a 1 0 [1]\nR 1 11 7\nF /b 1 0 [2]\nR 2 19 18\nF /c/0 1 0 [1]\nF /c/1 1 0 "
           "[2]\n",
           "");
    expect("{\"a\":1}{\"a\":2}", "R 0 0 7\nF /a 1 0 [1]\nR 1 7 7\nF /a 1 0 [2]\n", "");
    expect("{\n  \"only\": \"one\"\n}\n", "R 0 0 19\nF /only 0 0 [one]\n", "");
    expect("\x1e{\n\"a\":1}\n\x1e{\n\"a\":2}\n", "R 0 1 8\nF /a 1 0 [1]\nR 1 11 8\nF /a 1 0 [2]\n",
           "");
}

static void broken_values_end_where_the_next_begins(void **state)
{
    (void)state;
    /* a string that is not closed; a bracket that is not closed; a stray one */
    expect("[\n  {\"a\": 1},\n  {\"a\": \"x},\n  {\"a\": {\"b\": 1},\n  {\"a\": 4},\n  }\n  "
           "{\"a\": 5}\n]\n",
           "R 0 4 8\nF /a 1 0 [1]\nR 1 16 10\nF  0 0 [{\"a\": \"x},]\n"
           "R 2 29 15\nF  0 0 [{\"a\": {\"b\": 1},]\nR 3 47 8\nF /a 1 0 [4]\n"
           "R 4 59 1\nF  0 0 [}]\nR 5 63 8\nF /a 1 0 [5]\n",
           "jsonl.malformed_record #1 @16\njsonl.malformed_record #2 @29\n"
           "jsonl.malformed_record #4 @59\n");
    /* a line that is deeper does not end it */
    expect(
        "{\n \"a\": [\n  1 2,\n  {\"x\": 1}\n ]\n}\n{\n \"b\": 1\n}\n",
        "R 0 0 32\nF  0 0 [{\n \"a\": [\n  1 2,\n  {\"x\": 1}\n ]\n}]\nR 1 33 11\nF /b 1 0 [1]\n",
        "jsonl.malformed_record #0 @0\n");
    /* to the end of the file */
    expect("{\n \"a\": 1,\n \"b\"", "R 0 0 15\nF  0 0 [{\n \"a\": 1,\n \"b\"]\n",
           "jsonl.malformed_record #0 @0\n");
}

static void over_long_records_are_passed_over(void **state)
{
    (void)state;
    static const char *const shapes[] = {"%s\n%s\n%s\n", "[%s,\n%s,\n%s]\n",
                                         "{\n\"z\":0}\n%s\n%s\n%s"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        ASSAY_AUTO_BUF text;
        ASSAY_AUTO_BUF big;
        assay_buf_init(&text, MAX_TEXT);
        assay_buf_init(&big, MAX_TEXT);
        assay_buf_adds(&big, "{\"a\":\"");
        add_repeated(&big, "0123456789", 30000);
        assay_buf_adds(&big, "\"}");
        /* the shapes are ours */
        const char *p = shapes[i];
        for (int n = 0; *p != '\0'; p++) {
            if (*p == '%') {
                p++;
                assay_buf_adds(&text, n++ == 1 ? assay_buf_str(&big) : "{\"k\":1}");
            } else {
                assay_buf_addc(&text, *p);
            }
        }
        struct harness_result r;
        const struct harness_plan plan = {.max_record = 1000};
        assert_null(harness_compare(&assay_reader_jsonl, assay_buf_bytes(&text), plan, 12, &r));
        assert_non_null(strstr(assay_buf_str(&r.findings), "too-long #"));
        assert_null(strstr(assay_buf_str(&r.findings), "malformed"));
        assert_int_equal(r.n_records, i == 2 ? 3 : 2);
        assert_true(r.skipped_bytes[ASSAY_SKIP_TOO_LONG] >= 300008);
        assert_true(r.skipped_bytes[ASSAY_SKIP_TOO_LONG] <= 300012);
        assert_true(r.most_buffered <= 1001);
        harness_release(&r);
    }
}

/* What follows a discarded record begins a chunk, whether or not its first byte was seen before. */
static void a_broken_record_may_follow_a_discarded_one(void **state)
{
    (void)state;
    const struct harness_plan plan = {.max_record = 20};
    expect_plan(assay_bytes_str("[{\"k\":\"0123456789012345678\"x}\n{\"b\" 1}\n {\"c\":2}\n]"),
                &plan, "R 1 30 7\nF  0 0 [{\"b\" 1}]\nR 2 39 7\nF /c 1 0 [2]\n",
                "too-long #0 @0\njsonl.malformed_record #1 @30\n");
}

/* More distinct paths than are kept, in many records and in one. */
static void paths_are_bounded(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, MAX_TEXT);
    for (int i = 0; i < 150000; i++) {
        assay_buf_addf(&text, "{\"k%d\":{\"v\":%d}}\n", i, i);
    }
    struct harness_result r;
    const struct harness_plan plan = {.seed = 1, .max_piece = 300000};
    harness_run(&assay_reader_jsonl, assay_buf_bytes(&text), &plan, &r);
    assert_string_equal(r.fault, "");
    assert_int_equal(r.n_records, 150000);
    assert_non_null(strstr(assay_buf_str(&r.records), "F /k149999/v 1 0 [149999]\n"));
    harness_release(&r);

    assay_buf_clear(&text);
    assay_buf_adds(&text, "{\"a\":1}\n[1");
    add_repeated(&text, ",1", 1000001);
    assay_buf_adds(&text, "]\n{\"a\":2}\n");
    harness_run(&assay_reader_jsonl, assay_buf_bytes(&text), &plan, &r);
    assert_string_equal(r.fault, "");
    assert_string_equal(assay_buf_str(&r.findings), "jsonl.too_many_fields #1 @8\n");
    assert_int_equal(r.skipped_records[ASSAY_SKIP_LIMIT], 1);
    assert_int_equal(r.n_records, 3);
    harness_release(&r);
}

static void a_pointer_that_is_too_long_stops_at_its_ancestor(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, MAX_TEXT);
    assay_buf_adds(&text, "{\"a\":{\"");
    add_repeated(&text, "k", 5000);
    assay_buf_adds(&text, "\":{\"b\":\"secret\"}}}\n");
    struct harness_result r;
    const struct harness_plan plan = {0};
    assert_null(harness_compare(&assay_reader_jsonl, assay_buf_bytes(&text), plan, 2, &r));
    assert_non_null(strstr(assay_buf_str(&r.records), "F /a 4 0 [kkkk")); /* the name is scanned */
    assert_non_null(strstr(assay_buf_str(&r.records), "F /a/b 0 0 [secret]\n"));
    harness_release(&r);
}

static void probes_go_by_content_first(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        int least, most;
    } rows[] = {
        {"{\"a\":1}\n{\"a\":2}\n", "x.csv", 90, 100},
        {"{\"a\":1}\n{\"a\":2}\n", "x", 90, 100},
        {"[\n{\"a\":1},\n{\"a\":2}]", "x.txt", 80, 100},
        {"{\n  \"a\": [1,\n2", "x.json", 80, 100},
        {"{broken\n{also\n", "x.jsonl", 56, 70},
        {"{broken\n", "x.txt", 0, 29},
        {"[INFO] started\n[WARN] stopped\n", "x.log", 0, 29},
        {"[12] one\n[13] two\n", "x.log", 0, 29},
        {"a,b\n1,2\n", "x.csv", 0, 0},
        {"1\n2\n", "x.ndjson", 56, 70},
        {"", "x.jsonl", 50, 50},
        {"", "x.csv", 0, 0},
        {"\x01\x02\x03\x04\x05{}", "x.jsonl", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int got = assay_reader_jsonl.probe(assay_bytes_str(rows[i].text), rows[i].name);
        assert_in_range(got, rows[i].least, rows[i].most);
    }
}

static void every_rule_is_explained(void **state)
{
    (void)state;
    for (const struct assay_rule_decl *d = assay_reader_jsonl.rules; d->id != NULL; d++) {
        assert_int_equal(strncmp(d->id, "jsonl.", 6), 0);
        assert_true(d->title_en[0] && d->title_zh[0] && d->help_en[0] && d->help_zh[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_records),
        cmocka_unit_test(nested_values_have_pointers),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(names_that_say_something_are_scanned),
        cmocka_unit_test(broken_lines_are_found_and_scanned_raw),
        cmocka_unit_test(broken_lines_are_counted),
        cmocka_unit_test(a_raw_nul_breaks_its_line_only),
        cmocka_unit_test(invalid_utf8_is_repaired_and_counted),
        cmocka_unit_test(odd_but_readable_records_are_noted),
        cmocka_unit_test(deep_nesting_costs_one_record),
        cmocka_unit_test(an_array_holds_records),
        cmocka_unit_test(values_may_follow_one_another),
        cmocka_unit_test(broken_values_end_where_the_next_begins),
        cmocka_unit_test(over_long_records_are_passed_over),
        cmocka_unit_test(a_broken_record_may_follow_a_discarded_one),
        cmocka_unit_test(paths_are_bounded),
        cmocka_unit_test(a_pointer_that_is_too_long_stops_at_its_ancestor),
        cmocka_unit_test(probes_go_by_content_first),
        cmocka_unit_test(every_rule_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
