/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "core/hash.h"
#include "reports/internal.h"
#include "tests/unit/reports/fake_audit.h"

static struct assay_error err;

static enum assay_status to_buf(void *ctx, const void *data, size_t len, struct assay_error *e)
{
    struct assay_buf *b = ctx;
    assay_buf_add(b, data, len);
    return assay_buf_status(b) == ASSAY_OK ? ASSAY_OK : assay_fail(e, ASSAY_FULL, "full");
}

static void manifest_text(const struct assay_audit *a, struct assay_buf *out, uint8_t digest[32])
{
    struct assay_out o = {.write = to_buf, .ctx = out};
    assay_buf_init(out, 1 << 20);
    assert_int_equal(assay_manifest_write(assay_audit_inventory(a), &o, digest, &err), ASSAY_OK);
}

static void manifest_is_sha256sum_text(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    uint8_t digest[32], expect[32];
    manifest_text(fake_audit_small(), &text, digest);
    assert_string_equal(assay_buf_str(&text),
                        "b000000000000000000000000000000000000000000000000000000000000000"
                        "  test/b.csv\n"
                        "a000000000000000000000000000000000000000000000000000000000000000"
                        "  train/a.jsonl\n");
    assert_int_equal(assay_sha256_of(text.ptr, text.len, expect), ASSAY_OK);
    assert_memory_equal(digest, expect, 32);
}

static void manifest_escapes_as_coreutils_and_leaves_out_the_unhashed(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    uint8_t digest[32];
    manifest_text(fake_audit_hostile(), &text, digest);
    assert_non_null(strstr(assay_buf_str(&text), "\n\\03000"));
    assert_non_null(strstr(assay_buf_str(&text), "  a\\\\b\n"));
    assert_non_null(strstr(assay_buf_str(&text), "  cr\\rlf\\nname\n"));
    assert_non_null(strstr(assay_buf_str(&text), "  bad\xFF\xFEutf8\n"));
    assert_null(strstr(assay_buf_str(&text), "unreadable"));
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void manifests_are_read_back(void **state)
{
    (void)state;
    struct assay_manifest *m = NULL;
    static const char text[] = HEX64 "   lead\n" HEX64 "  a b\n\\" HEX64 "  c\\nd\\\\e\\rf\n";
    assert_int_equal(assay_manifest_parse(assay_bytes_str(text), &m, &err), ASSAY_OK);
    assert_int_equal(assay_manifest_count(m), 3);
    assert_string_equal(assay_manifest_get(m, 0)->name, " lead");
    assert_string_equal(assay_manifest_get(m, 2)->name, "c\nd\\e\rf");
    assert_int_equal(assay_manifest_get(m, 1)->sha256[1], 0x11);
    assay_manifest_free(m);
    assert_int_equal(assay_manifest_parse(assay_bytes_make(NULL, 0), &m, &err), ASSAY_OK);
    assert_int_equal(assay_manifest_count(m), 0);
    assay_manifest_free(m);
}

static void bad_manifests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"\n", "is not"},
        {HEX64 "  a", "no line feed"},
        {HEX64 " *a\n", "is not"},
        {HEX64 "  \n", "is not"},
        {"0011  a\n", "is not"},
        {"G" HEX64 "  a\n", "is not"},
        {"A0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff  a\n", "is not"},
        {HEX64 "  ../a\n", "leads out"},
        {HEX64 "  a/../b\n", "leads out"},
        {HEX64 "  a/..\n", "leads out"},
        {HEX64 "  /etc/passwd\n", "leads out"},
        {HEX64 "  a//b\n", "leads out"},
        {HEX64 "  ./a\n", "leads out"},
        {HEX64 "  a/\n", "leads out"},
        {HEX64 "  .\n", "leads out"},
        {HEX64 "  a\\b\n", "malformed"},
        {"\\" HEX64 "  ab\n", "malformed"},
        {"\\" HEX64 "  a\\tb\n", "malformed"},
        {"\\" HEX64 "  a\\\n", "malformed"},
        {HEX64 "  a\r\n", "malformed"},
        {HEX64 "  b\n" HEX64 "  a\n", "out of order"},
        {HEX64 "  a\n" HEX64 "  a\n", "names a file twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct assay_manifest *m = NULL;
        assert_int_equal(assay_manifest_parse(assay_bytes_str(rows[i].text), &m, &err),
                         ASSAY_CORRUPT);
        if (strstr(err.message, rows[i].message) == NULL) {
            print_error("row %zu: %s\n", i, err.message);
            fail();
        }
    }
}

static void build(const struct assay_audit *a, struct assay_buf *out)
{
    uint8_t digest[32];
    assert_int_equal(assay_manifest_write(assay_audit_inventory(a), NULL, digest, &err), ASSAY_OK);
    assay_buf_init(out, 1 << 20);
    assert_int_equal(assay_statement_build(a, digest, out, &err), ASSAY_OK);
}

/* The whole of it, so that a change of the format is a change of this test. */
static const char small_statement[] =
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"complete\":true,\"coverage\":{"
    "\"bytes\":{\"scanned\":2300,\"total\":2300},\"files\":{\"scanned\":2,\"total\":2},"
    "\"records\":{\"scanned\":12,\"total\":12},\"skipped\":[],\"textBytes\":2300},"
    "\"dataset\":{\"byteCount\":2300,\"fileCount\":2,\"manifestFormat\":\"sha256sum/1\","
    "\"name\":\"delivery-2026-11\",\"specialFiles\":0,\"symlinks\":0,\"unhashedFiles\":0},"
    "\"findings\":6,\"libraries\":[{\"name\":\"pcre2\",\"version\":\"10.42\"},"
    "{\"name\":\"vectorscan\",\"version\":\"5.4.8\"}],"
    "\"metrics\":[{\"denominator\":1,\"name\":\"duplicates.groups\",\"numerator\":1},"
    "{\"denominator\":12,\"name\":\"duplicates.record_ratio\",\"numerator\":2}],"
    "\"plugins\":[{\"kind\":\"reader\",\"name\":\"jsonl\",\"version\":\"1.0.0\"},"
    "{\"digest\":{\"sha256\":\"ab00000000000000000000000000000000000000000000000000000000000000\"},"
    "\"kind\":\"scanner\",\"name\":\"extra\",\"version\":\"0.3\"},"
    "{\"kind\":\"scanner\",\"name\":\"pii\",\"version\":\"1.0.0\"}],"
    "\"policy\":{\"digest\":{\"sha256\":"
    "\"0700000000000000000000000000000000000000000000000000000000000000\"},"
    "\"name\":\"delivery-default\",\"version\":\"1.0.0\"},"
    "\"rulePacks\":[{\"digest\":{\"sha256\":"
    "\"0100000000000000000000000000000000000000000000000000000000000000\"},\"name\":\"pii\","
    "\"rules\":2,\"version\":\"1.2.0\"},{\"digest\":{\"sha256\":"
    "\"0200000000000000000000000000000000000000000000000000000000000000\"},\"name\":\"toxicity\","
    "\"rules\":1,\"version\":\"1.0.0\"}],"
    "\"ruleResults\":[{\"files\":1,\"findings\":1,\"id\":\"duplicates.record\",\"records\":0,"
    "\"severity\":\"low\"},{\"files\":1,\"findings\":1,\"id\":\"files.empty\",\"records\":0,"
    "\"severity\":\"info\"},{\"files\":1,\"findings\":2,\"id\":\"pii.cn.resident_id\","
    "\"records\":2,\"severity\":\"critical\"},{\"files\":1,\"findings\":1,\"id\":\"pii.email\","
    "\"records\":1,\"severity\":\"medium\"},{\"files\":1,\"findings\":1,\"id\":\"toxicity.zh\","
    "\"records\":1,\"severity\":\"high\"}],\"rules\":5,"
    "\"settings\":[{\"name\":\"duplicates.normalise\",\"value\":\"yes\"}],"
    "\"terms\":[{\"expression\":\"count(severity >= high) == 0\",\"id\":\"F1\",\"level\":\"fail\","
    "\"limitMillionths\":0,\"observed\":{\"denominator\":1,\"numerator\":3},\"outcome\":\"broken\"}"
    ","
    "{\"expression\":\"metric(duplicates.record_ratio) <= 20%\",\"id\":\"F2\",\"level\":\"fail\","
    "\"limitMillionths\":200000,\"observed\":{\"denominator\":12,\"numerator\":2},"
    "\"outcome\":\"holds\"},{\"expression\":\"metric(missing.metric) <= 1%\",\"id\":\"W1\","
    "\"level\":\"warn\",\"limitMillionths\":10000,\"outcome\":\"unknown\"}],"
    "\"tool\":{\"name\":\"assay\",\"version\":\"";

static void statement_is_exactly_this(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    build(fake_audit_small(), &out);
    size_t n = strlen(small_statement);
    for (size_t i = 0; i < n && i < out.len; i++) {
        if (out.ptr[i] != small_statement[i]) {
            print_error("differs at: %.60s\n", out.ptr + i);
            fail();
        }
    }
    assert_non_null(strstr(out.ptr + n, "\"verdict\":\"FAIL\"},\"predicateType\":"
                                        "\"https://assay.dev/dataset-audit/v1\",\"subject\":[{"));
}

static void statement_has_no_trace_of_the_run(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF first;
    ASSAY_AUTO_BUF second;
    struct assay_audit a = *fake_audit_small();
    build(&a, &first);
    a.started_ms += 123456;
    a.elapsed_ms += 1;
    build(&a, &second);
    assert_true(assay_bytes_equal(assay_buf_bytes(&first), assay_buf_bytes(&second)));
    assert_null(strstr(first.ptr, "2026-11-2"));
    assert_null(strstr(first.ptr, "oracle"));
}

static void statement_counts_what_was_left_out(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    build(fake_audit_hostile(), &out);
    assert_non_null(strstr(out.ptr, "\"complete\":false"));
    assert_non_null(strstr(out.ptr,
                           "\"skipped\":[{\"bytes\":0,\"files\":1,\"reason\":\"special-file\""
                           ",\"records\":0},{\"bytes\":0,\"files\":1,\"reason\":\"symlink\""));
    assert_non_null(strstr(out.ptr, "\"specialFiles\":1,\"symlinks\":1,\"unhashedFiles\":1"));
    assert_null(memchr(out.ptr, 0x1B, out.len));
}

static void statements_are_read_back(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    ASSAY_AUTO_BUF run;
    struct assay_statement_view v;
    uint8_t digest[32];
    const struct assay_audit *a = fake_audit_small();
    const struct assay_run_info info = {.host = "h", .jobs = 7, .findings_sha256 = {1}};
    build(a, &out);
    assert_int_equal(assay_statement_read(assay_buf_bytes(&out), ASSAY_PREDICATE_AUDIT, &v, &err),
                     ASSAY_OK);
    assert_string_equal(v.verdict, "FAIL");
    assert_int_equal(v.files, 2);
    assert_int_equal(v.bytes, 2300);
    assert_int_equal(assay_statement_read(assay_buf_bytes(&out), ASSAY_PREDICATE_RUN, &v, &err),
                     ASSAY_CORRUPT);
    assert_int_equal(assay_manifest_write(assay_audit_inventory(a), NULL, digest, &err), ASSAY_OK);
    assay_buf_init(&run, 1 << 20);
    assert_int_equal(assay_run_statement_build(a, digest, assay_buf_bytes(&out), &info, &run, &err),
                     ASSAY_OK);
    assert_non_null(strstr(run.ptr, "\"scanFinishedOn\":\"2026-11-24T06:00:04.444Z\","
                                    "\"scanStartedOn\":\"2026-11-24T06:00:00.123Z\""));
    assert_non_null(strstr(run.ptr, "\"durationMs\":4321"));
    assert_non_null(strstr(run.ptr, "\"host\":\"h\",\"jobs\":7,\"matcher\":\"oracle\""));
    assert_int_equal(assay_statement_read(assay_buf_bytes(&run), ASSAY_PREDICATE_RUN, &v, &err),
                     ASSAY_OK);
    assert_int_equal(strlen(v.statement_sha256), 64);
    assert_memory_equal(v.findings_sha256, "0100", 4);
    assert_string_equal(v.html_sha256, "");
}

/* Each row replaces one piece of the small statement. */
static void doctored_statements_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"in-toto.io/Statement/v1", "in-toto.io/Statement/v0"},
        {"dataset-audit/v1", "dataset-audit/v2"},
        {"\"verdict\":\"FAIL\"", "\"verdict\":\"GOOD\""},
        {"\"verdict\":\"FAIL\"", "\"verdict\":\"INCOMPLETE\""},
        {"\"complete\":true", "\"complete\":null"},
        {"\"name\":\"MANIFEST.sha256\"", "\"name\":\"manifest.sha256\""},
        {"\"fileCount\":2", "\"fileCount\":-2"},
        {"\"byteCount\":2300", "\"byteCount\":2.5"},
        {"\"subject\":[{\"digest\":{\"sha256\":\"", "\"subject\":[{\"digest\":{\"sha256\":\"X"},
        {"\"predicate\":{", "\"predicate\":{\"verdict\":\"PASS\","},
    };
    ASSAY_AUTO_BUF out;
    build(fake_audit_small(), &out);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct assay_statement_view v;
        ASSAY_AUTO_BUF bad;
        assay_buf_init(&bad, 1 << 20);
        const char *at = strstr(out.ptr, rows[i][0]);
        assert_non_null(at);
        assay_buf_add(&bad, out.ptr, (size_t)(at - out.ptr));
        assay_buf_adds(&bad, rows[i][1]);
        assay_buf_adds(&bad, at + strlen(rows[i][0]));
        assert_int_equal(
            assay_statement_read(assay_buf_bytes(&bad), ASSAY_PREDICATE_AUDIT, &v, &err),
            ASSAY_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_is_sha256sum_text),
        cmocka_unit_test(manifest_escapes_as_coreutils_and_leaves_out_the_unhashed),
        cmocka_unit_test(manifests_are_read_back),
        cmocka_unit_test(bad_manifests_are_refused),
        cmocka_unit_test(statement_is_exactly_this),
        cmocka_unit_test(statement_has_no_trace_of_the_run),
        cmocka_unit_test(statement_counts_what_was_left_out),
        cmocka_unit_test(statements_are_read_back),
        cmocka_unit_test(doctored_statements_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
