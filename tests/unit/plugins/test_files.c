/* SPDX-License-Identifier: Apache-2.0
 * The scanner of whole files: what is said of which file, and what its state adds up to. */
#include "tests/unit/plugins/scanner_rig.h"

extern const struct assay_scanner assay_scanner_files;
static const struct assay_scanner *const sc = &assay_scanner_files;

static struct assay_file file_of(const char *extension, const char *mime, const char *expected,
                                 const char *reader)
{
    return (struct assay_file){.size_of = sizeof(struct assay_file),
                               .index = 4,
                               .name = "dir/name",
                               .bytes = 100,
                               .mime = mime,
                               .reader = reader,
                               .extension = extension,
                               .expected = expected,
                               .records = 3,
                               .status = ASSAY_OK};
}

/* What is said of one file. The caller frees. */
static char *said_of(const struct assay_file *f)
{
    struct rig r;
    rig_init(&r, sc, 0);
    rig_start(&r, 1);
    assert_int_equal(sc->file(r.shared, r.locals[0], f, &r.sink), ASSAY_OK);
    char *said = recorder_take(&r.rec);
    rig_free(&r);
    return said;
}

static void expect_said(struct assay_file f, const char *want)
{
    char *got = said_of(&f);
    assert_string_equal(got, want);
    free(got);
}

#define MISMATCH(detail) "files.type_mismatch file 4 | " detail "\n"

static void content_that_contradicts_its_name(void **state)
{
    (void)state;
    expect_said(file_of("jsonl", "image/png", "jsonl", NULL),
                MISMATCH("named as jsonl, holds image/png"));
    expect_said(file_of("csv", "application/json", "csv", "jsonl"),
                MISMATCH("named as csv, reads as jsonl"));
    expect_said(file_of("json", "text/plain", "jsonl", "text"),
                MISMATCH("named as jsonl, reads as text"));
    expect_said(file_of("png", "text/plain", NULL, "text"),
                MISMATCH("named .png, holds text/plain"));
    expect_said(file_of("gz", "text/plain", NULL, "text"), MISMATCH("named .gz, holds text/plain"));
    expect_said(file_of("png", "", NULL, NULL), MISMATCH("named .png, holds unknown content"));
    expect_said(file_of("txt", "application/octet-stream", "text", NULL),
                MISMATCH("named as text, holds application/octet-stream"));
}

static void content_that_keeps_its_promise(void **state)
{
    (void)state;
    expect_said(file_of("jsonl", "application/json", "jsonl", "jsonl"), "");
    expect_said(file_of("txt", "application/json", "text", "jsonl"), "");
    expect_said(file_of("png", "image/png", NULL, NULL), "");
    expect_said(file_of("bmp", "image/x-ms-bmp", NULL, NULL), "");
    expect_said(file_of("", "text/plain", NULL, "text"), "");
    expect_said(file_of("weird", "application/octet-stream", NULL, NULL), "");
}

static void empty_and_recordless_files(void **state)
{
    (void)state;
    struct assay_file f = file_of("png", "inode/x-empty", NULL, NULL);
    f.bytes = 0;
    expect_said(f, "files.empty file 4\n");
    f = file_of("csv", "text/csv", "csv", "csv");
    f.records = 0;
    expect_said(f, "files.no_records file 4\n");
}

static void half_a_file_is_not_judged_by_its_type(void **state)
{
    (void)state;
    struct assay_file f = file_of("jsonl", "application/octet-stream", "jsonl", NULL);
    f.status = ASSAY_TRUNCATED;
    expect_said(f, "");
    f.status = ASSAY_UNSUPPORTED; /* no reader takes it: that is whole */
    expect_said(f, MISMATCH("named as jsonl, holds application/octet-stream"));
}

static void raw_byte_hits_become_findings(void **state)
{
    (void)state;
    const struct assay_file_match hits[] = {{70, 0}, {71, 4096}};
    struct assay_file f = file_of("bin", "application/octet-stream", NULL, NULL);
    f.matches = hits;
    f.n_matches = 2;
    expect_said(f, "#70 file 4\n#71 file 4 at 4096\n");
}

static void state_merges_and_survives(void **state)
{
    (void)state;
    struct rig r;
    struct assay_buf saved;
    rig_init(&r, sc, 0);
    rig_start(&r, 2);
    assay_buf_init(&saved, 4096);
    struct assay_file f = file_of("png", "text/plain", NULL, "text");
    assert_int_equal(sc->file(r.shared, r.locals[0], &f, &r.sink), ASSAY_OK);
    f.status = ASSAY_CORRUPT;
    assert_int_equal(sc->file(r.shared, r.locals[1], &f, &r.sink), ASSAY_OK);
    f.status = ASSAY_OK;
    f.bytes = 0;
    assert_int_equal(sc->file(r.shared, r.locals[1], &f, &r.sink), ASSAY_OK);
    free(recorder_take(&r.rec));
    rig_merge(&r, &(struct rig_how){.reload = 2});
    assert_int_equal(sc->save(r.shared, r.merged, rig_put, &saved), ASSAY_OK);
    char *metrics = rig_finish(&r);
    assert_string_equal(metrics, "~files.byte_rule_hits 0/1\n~files.count 3/1\n~files.empty 1/1\n"
                                 "~files.type_mismatch 1/1\n~files.unreadable 1/1\n");
    free(metrics);
    for (size_t len = 0; len < saved.len; len++) {
        assert_int_equal(sc->load(r.shared, r.merged, assay_bytes_make(saved.ptr, len), NULL),
                         ASSAY_CORRUPT);
    }
    saved.ptr[0] ^= 1;
    assert_int_equal(sc->load(r.shared, r.merged, assay_buf_bytes(&saved), NULL), ASSAY_CORRUPT);
    assay_buf_release(&saved);
    rig_free(&r);
    sc->local_free(NULL);
    sc->free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_that_contradicts_its_name),
        cmocka_unit_test(content_that_keeps_its_promise),
        cmocka_unit_test(empty_and_recordless_files),
        cmocka_unit_test(half_a_file_is_not_judged_by_its_type),
        cmocka_unit_test(raw_byte_hits_become_findings),
        cmocka_unit_test(state_merges_and_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
