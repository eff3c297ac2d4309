/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/verify.h"
#include "tests/unit/reports/scratch.h"

/* A small dataset and a report about it, made here from first principles: the manifest by
 * sha256sum's format, the statement as text. */
static struct assay_error err;
static struct assay_key *key, *other;
static char ds[128], report[128], envelope[160], manifest[160];
static struct assay_buf log_text;
static uint64_t fails[ASSAY_CHECK_MAX], oks[ASSAY_CHECK_MAX];

static const struct {
    const char *name, *content, *line_name; /* as it stands in the manifest; NULL: the same */
} files[] = {
    {"a.txt", "alpha\n", NULL},
    {"odd\\na\nme", "x", "odd\\\\na\\nme"},
    {"sub/b.jsonl", "{\"text\":\"beta\"}\n", NULL},
    {"sub/empty", "", NULL},
    {"\xE6\xA0\x87\xE6\xB3\xA8.txt", "gamma", NULL},
};
#define N_FILES (sizeof files / sizeof files[0])

static const char *in_ds(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", ds, name);
    return path;
}

static void hash_of(struct assay_bytes b, char hex[65])
{
    uint8_t digest[32];
    assert_int_equal(assay_sha256_of(b.ptr, b.len, digest), ASSAY_OK);
    assay_hex(digest, 32, hex);
}

static void write_dataset(void)
{
    (void)mkdir(ds, 0755);
    (void)mkdir(in_ds("sub"), 0755);
    for (size_t i = 0; i < N_FILES; i++) {
        scratch_write(in_ds(files[i].name), files[i].content, strlen(files[i].content));
    }
}

static void manifest_text(struct assay_buf *out)
{
    char hex[65];
    for (size_t i = 0; i < N_FILES; i++) {
        hash_of(assay_bytes_str(files[i].content), hex);
        assay_buf_addf(out, "%s%s  %s\n", files[i].line_name == NULL ? "" : "\\", hex,
                       files[i].line_name == NULL ? files[i].name : files[i].line_name);
    }
}

static void sign_to(const char *path, const char *statement, struct assay_key *const *keys,
                    size_t n)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 1 << 20);
    assert_int_equal(assay_envelope_sign(assay_bytes_str(statement), keys, n, &text, &err),
                     ASSAY_OK);
    scratch_write(path, text.ptr, text.len);
}

static void statement_for(const char *manifest_hex, size_t count, struct assay_buf *out)
{
    assay_buf_addf(
        out,
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"complete\":true,"
        "\"dataset\":{\"byteCount\":28,\"fileCount\":%zu},\"verdict\":\"PASS\"},"
        "\"predicateType\":\"https://assay.dev/dataset-audit/v1\",\"subject\":[{"
        "\"digest\":{\"sha256\":\"%s\"},\"name\":\"MANIFEST.sha256\"}]}",
        count, manifest_hex);
}

static void write_run(const char *manifest_hex, struct assay_bytes statement)
{
    char hex[65], findings[65], path[200];
    ASSAY_AUTO_BUF run;
    assay_buf_init(&run, 65536);
    hash_of(statement, hex);
    hash_of(assay_bytes_str("{}\n"), findings);
    assay_buf_addf(&run,
                   "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{\"files\":[{"
                   "\"digest\":{\"sha256\":\"%s\"},\"name\":\"findings.jsonl\"}]},"
                   "\"predicateType\":\"https://assay.dev/audit-run/v1\",\"subject\":["
                   "{\"digest\":{\"sha256\":\"%s\"},\"name\":\"MANIFEST.sha256\"},"
                   "{\"digest\":{\"sha256\":\"%s\"},\"name\":\"statement.json\"}]}",
                   findings, manifest_hex, hex);
    (void)snprintf(path, sizeof path, "%s/run.dsse.json", report);
    sign_to(path, assay_buf_str(&run), &key, 1);
    (void)snprintf(path, sizeof path, "%s/run.json", report);
    scratch_write(path, run.ptr, run.len);
    (void)snprintf(path, sizeof path, "%s/findings.jsonl", report);
    scratch_write(path, "{}\n", 3);
    (void)snprintf(path, sizeof path, "%s/statement.json", report);
    scratch_write(path, statement.ptr, statement.len);
}

static void write_report(void)
{
    char hex[65];
    ASSAY_AUTO_BUF text;
    ASSAY_AUTO_BUF statement;
    assay_buf_init(&text, 65536);
    assay_buf_init(&statement, 65536);
    (void)mkdir(report, 0755);
    manifest_text(&text);
    scratch_write(manifest, text.ptr, text.len);
    hash_of(assay_buf_bytes(&text), hex);
    statement_for(hex, N_FILES, &statement);
    sign_to(envelope, assay_buf_str(&statement), &key, 1);
    write_run(hex, assay_buf_bytes(&statement));
}

static int fresh(void **state)
{
    (void)state;
    (void)scratch_remove(ds);
    (void)scratch_remove(report);
    write_dataset();
    write_report();
    return 0;
}

static void note(void *ctx, enum assay_check check, int ok, const char *subject,
                 const char *message)
{
    (void)ctx;
    (ok ? oks : fails)[check]++;
    assay_buf_addf(&log_text, "%s|%s|%s|%s\n", ok ? "ok" : "FAIL", assay_check_name(check),
                   subject == NULL ? "" : subject, message);
}

static struct assay_verify_options options(void)
{
    return (struct assay_verify_options){
        .envelope = envelope, .dataset = ds, .keys = &key, .n_keys = 1, .jobs = 3, .report = note};
}

static enum assay_status run(const struct assay_verify_options *opt, struct assay_verify_result *r)
{
    memset(fails, 0, sizeof fails);
    memset(oks, 0, sizeof oks);
    assay_buf_clear(&log_text);
    assay_buf_adds(&log_text, "");
    return assay_verify(opt, r, &err);
}

static void expect_failure(enum assay_check check, const char *part)
{
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    assert_int_equal(run(&opt, &r), ASSAY_MISMATCH);
    if (fails[check] == 0 || strstr(assay_buf_str(&log_text), part) == NULL) {
        print_error("wanted %s: %s, got:\n%s", assay_check_name(check), part,
                    assay_buf_str(&log_text));
        fail();
    }
    assert_true(r.failures > 0);
}

static void a_good_report_verifies(void **state)
{
    (void)state;
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    assert_int_equal(run(&opt, &r), ASSAY_OK);
    assert_string_equal(r.verdict, "PASS");
    assert_int_equal(r.files, N_FILES);
    assert_int_equal(r.bytes, 28);
    assert_int_equal(r.failures, 0);
    assert_int_equal(strlen(r.manifest_sha256), 64);
    assert_int_equal(oks[ASSAY_CHECK_COMPANION], 4);
    assert_int_equal(oks[ASSAY_CHECK_FILE_CHANGED], 1);
    opt.dataset = NULL;
    assert_int_equal(run(&opt, &r), ASSAY_OK);
    assert_int_equal(oks[ASSAY_CHECK_FILE_CHANGED], 0);
}

static void the_dataset_may_be_one_file(void **state)
{
    (void)state;
    char hex[65], file_hex[65];
    ASSAY_AUTO_BUF text;
    ASSAY_AUTO_BUF statement;
    assay_buf_init(&text, 65536);
    assay_buf_init(&statement, 65536);
    hash_of(assay_bytes_str("alpha\n"), file_hex);
    assay_buf_addf(&text, "%s  a.txt\n", file_hex);
    (void)scratch_remove(report);
    (void)mkdir(report, 0755);
    scratch_write(manifest, text.ptr, text.len);
    hash_of(assay_buf_bytes(&text), hex);
    statement_for(hex, 1, &statement);
    sign_to(envelope, assay_buf_str(&statement), &key, 1);
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", in_ds("a.txt"));
    opt.dataset = path;
    assert_int_equal(run(&opt, &r), ASSAY_OK);
}

static void every_difference_is_named(void **state)
{
    (void)state;
    scratch_write(in_ds("a.txt"), "alphb\n", 6);
    assert_int_equal(unlink(in_ds("sub/empty")), 0);
    scratch_write(in_ds("sub/new"), "n", 1);
    assert_int_equal(symlink("a.txt", in_ds("zlink")), 0);
    assert_int_equal(mkfifo(in_ds("pipe"), 0600), 0);
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    assert_int_equal(run(&opt, &r), ASSAY_MISMATCH);
    const char *all = assay_buf_str(&log_text);
    assert_non_null(strstr(all, "FAIL|changed file|a.txt|"));
    assert_non_null(strstr(all, "FAIL|missing file|sub/empty|"));
    assert_non_null(strstr(all, "FAIL|extra file|sub/new|"));
    assert_non_null(strstr(all, "FAIL|extra file|zlink|is a symbolic link"));
    assert_non_null(strstr(all, "FAIL|extra file|pipe|is a special file"));
    assert_int_equal(r.failures, 5);
}

static void a_link_in_place_of_a_file_is_a_change(void **state)
{
    (void)state;
    char copy[300];
    (void)snprintf(copy, sizeof copy, "%s/kept", scratch_dir);
    assert_int_equal(rename(in_ds("a.txt"), copy), 0);
    assert_int_equal(symlink(copy, in_ds("a.txt")), 0);
    expect_failure(ASSAY_CHECK_FILE_CHANGED, "a.txt|is a symbolic link now");
    assert_int_equal(unlink(copy), 0);
}

/* Root reads everything, so root becomes nobody for a moment. */
static void an_unreadable_file_is_named(void **state)
{
    (void)state;
    int is_root = geteuid() == 0;
    assert_int_equal(chmod(in_ds("a.txt"), 0), 0);
    assert_int_equal(chmod(scratch_dir, 0755), 0);
    if (is_root && seteuid(65534) != 0) {
        return; /* not allowed to change: nothing to see */
    }
    expect_failure(ASSAY_CHECK_FILE_UNREADABLE, "a.txt|cannot be read");
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
}

static void long_lists_are_cut_and_counted(void **state)
{
    (void)state;
    for (int i = 0; i < ASSAY_LIMIT_DIFFERENCES + 20; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "x%04d", i);
        scratch_write(in_ds(name), "x", 1);
    }
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    assert_int_equal(run(&opt, &r), ASSAY_MISMATCH);
    assert_int_equal(r.failures, ASSAY_LIMIT_DIFFERENCES + 20);
    assert_int_equal(fails[ASSAY_CHECK_FILE_EXTRA], ASSAY_LIMIT_DIFFERENCES + 1);
    assert_non_null(strstr(assay_buf_str(&log_text), "and 20 more like these"));
}

static void keys_decide(void **state)
{
    (void)state;
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    opt.keys = &other;
    assert_int_equal(run(&opt, &r), ASSAY_MISMATCH);
    assert_int_equal(fails[ASSAY_CHECK_SIGNATURE], 1);
    assert_int_equal(oks[ASSAY_CHECK_STATEMENT], 0);
    assert_string_equal(r.verdict, "");
    struct assay_key *both[2] = {key, other};
    opt.keys = both;
    opt.n_keys = 2;
    assert_int_equal(run(&opt, &r), ASSAY_OK);
    opt.threshold = 2;
    assert_int_equal(run(&opt, &r), ASSAY_MISMATCH);
    assert_non_null(strstr(assay_buf_str(&log_text), "1 trusted key signed, 2 are required"));
    opt.n_keys = 0;
    assert_int_equal(run(&opt, &r), ASSAY_USAGE);
}

static void what_is_absent_is_an_error_or_a_failed_check(void **state)
{
    (void)state;
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    opt.dataset = scratch("nowhere");
    assert_int_equal(run(&opt, &r), ASSAY_NOTFOUND);
    opt.dataset = "-";
    assert_int_equal(run(&opt, &r), ASSAY_USAGE);
    assert_int_equal(unlink(manifest), 0);
    expect_failure(ASSAY_CHECK_MANIFEST, "No such file");
    assert_int_equal(unlink(envelope), 0);
    opt.dataset = ds;
    assert_int_equal(run(&opt, &r), ASSAY_NOTFOUND);
}

/* Flips every bit of the file at `path` in turn and hands over to `expect`. */
static void flip_all(const char *path, void (*expect)(size_t bit))
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 1 << 20);
    assert_int_equal(assay_fs_read_file(path, 1 << 20, &text, &err), ASSAY_OK);
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        text.ptr[bit / 8] = (char)(text.ptr[bit / 8] ^ 1 << bit % 8);
        scratch_write(path, text.ptr, text.len);
        expect(bit);
        text.ptr[bit / 8] = (char)(text.ptr[bit / 8] ^ 1 << bit % 8);
    }
    scratch_write(path, text.ptr, text.len);
}

static void expect_changed_file(size_t bit)
{
    (void)bit;
    expect_failure(ASSAY_CHECK_FILE_CHANGED, "sub/b.jsonl|has other content");
}

static void any_bit_of_the_data_counts(void **state)
{
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", in_ds("sub/b.jsonl"));
    flip_all(path, expect_changed_file);
}

static void expect_bad_manifest(size_t bit)
{
    (void)bit;
    expect_failure(ASSAY_CHECK_MANIFEST, "not the manifest that the statement names");
}

static void any_bit_of_the_manifest_counts(void **state)
{
    (void)state;
    flip_all(manifest, expect_bad_manifest);
}

static size_t keyid_from, keyid_to;

static void expect_bad_envelope(size_t bit)
{
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    size_t at = bit / 8;
    opt.dataset = NULL;
    enum assay_status s = run(&opt, &r);
    if (at >= keyid_from && at < keyid_to) {
        return; /* the hint and its name are not covered by the signature, and decide nothing */
    }
    if (s != ASSAY_MISMATCH || fails[ASSAY_CHECK_ENVELOPE] + fails[ASSAY_CHECK_SIGNATURE] != 1) {
        print_error("bit %zu (byte %zu): %d\n%s", bit, at, s, assay_buf_str(&log_text));
        fail();
    }
}

static void any_bit_of_the_envelope_counts(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 1 << 20);
    assert_int_equal(assay_fs_read_file(envelope, 1 << 20, &text, &err), ASSAY_OK);
    keyid_from = (size_t)(strstr(text.ptr, "\"keyid\"") - text.ptr);
    keyid_to = keyid_from + strlen("\"keyid\":\"\",") + 64;
    /* The line feed at the end is white space to JSON, and so are some of its neighbours in code.
     */
    text.ptr[text.len - 1] = '\0';
    scratch_write(envelope, text.ptr, text.len - 1);
    flip_all(envelope, expect_bad_envelope);
}

static void companions_must_be_those_that_were_signed(void **state)
{
    (void)state;
    static const char *const names[] = {"statement.json", "run.json", "findings.jsonl"};
    for (size_t i = 0; i < 3; i++) {
        char path[200], part[64];
        ASSAY_AUTO_BUF text;
        assay_buf_init(&text, 1 << 20);
        (void)snprintf(path, sizeof path, "%s/%s", report, names[i]);
        assert_int_equal(assay_fs_read_file(path, 1 << 20, &text, &err), ASSAY_OK);
        text.ptr[text.len / 2] ^= 1;
        scratch_write(path, text.ptr, text.len);
        (void)snprintf(part, sizeof part, "FAIL|beside it|%s|", names[i]);
        expect_failure(ASSAY_CHECK_COMPANION, part);
        assert_int_equal(unlink(path), 0); /* absent is no contradiction */
        struct assay_verify_options opt = options();
        struct assay_verify_result r;
        assert_int_equal(run(&opt, &r), ASSAY_OK);
    }
}

/* Taking the voucher away must not make what it vouched for pass unread. */
static void companions_need_a_voucher(void **state)
{
    (void)state;
    static const char *const names[] = {"run.json", "findings.jsonl", "report.html"};
    char path[200], part[64];
    (void)snprintf(path, sizeof path, "%s/report.html", report); /* the run does not name it */
    scratch_write(path, "<p>", 3);
    expect_failure(ASSAY_CHECK_COMPANION, "FAIL|beside it|report.html|nothing signed vouches");
    (void)snprintf(path, sizeof path, "%s/run.dsse.json", report);
    assert_int_equal(unlink(path), 0);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(part, sizeof part, "FAIL|beside it|%s|nothing signed vouches", names[i]);
        expect_failure(ASSAY_CHECK_COMPANION, part);
        (void)snprintf(path, sizeof path, "%s/%s", report, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    struct assay_verify_options opt = options();
    struct assay_verify_result r;
    assert_int_equal(run(&opt, &r), ASSAY_OK);
}

/* With nothing to compare, what cannot be read must not count as equal. */
static void a_companion_that_cannot_be_read_is_not_as_signed(void **state)
{
    (void)state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/report.html", report); /* the run does not name it */
    assert_int_equal(mkdir(path, 0700), 0);
    expect_failure(ASSAY_CHECK_COMPANION, "FAIL|beside it|report.html|nothing signed vouches");
    assert_int_equal(rmdir(path), 0);
}

static void a_run_that_was_not_signed_fails(void **state)
{
    (void)state;
    char path[200];
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 1 << 20);
    (void)snprintf(path, sizeof path, "%s/run.dsse.json", report);
    assert_int_equal(assay_fs_read_file(path, 1 << 20, &text, &err), ASSAY_OK);
    text.ptr[text.len / 2] ^= 1;
    scratch_write(path, text.ptr, text.len);
    expect_failure(ASSAY_CHECK_COMPANION, "FAIL|beside it|run.dsse.json|");
}

/* A signer who lies in the manifest must not make the verifier look outside the dataset. */
static void a_signed_manifest_cannot_lead_outside(void **state)
{
    (void)state;
    static const char *const names[] = {"../secret", "/etc/passwd", "sub/../../x"};
    for (size_t i = 0; i < 3; i++) {
        char hex[65];
        ASSAY_AUTO_BUF text;
        ASSAY_AUTO_BUF statement;
        assay_buf_init(&text, 65536);
        assay_buf_init(&statement, 65536);
        assay_buf_addf(&text, "%064d  %s\n", 0, names[i]);
        scratch_write(manifest, text.ptr, text.len);
        hash_of(assay_buf_bytes(&text), hex);
        statement_for(hex, 1, &statement);
        sign_to(envelope, assay_buf_str(&statement), &key, 1);
        expect_failure(ASSAY_CHECK_MANIFEST, "leads out of the dataset");
    }
}

static void a_wrong_count_is_a_contradiction(void **state)
{
    (void)state;
    char hex[65];
    ASSAY_AUTO_BUF text;
    ASSAY_AUTO_BUF statement;
    assay_buf_init(&text, 65536);
    assay_buf_init(&statement, 65536);
    manifest_text(&text);
    hash_of(assay_buf_bytes(&text), hex);
    statement_for(hex, N_FILES + 1, &statement);
    sign_to(envelope, assay_buf_str(&statement), &key, 1);
    expect_failure(ASSAY_CHECK_MANIFEST, "another number of files");
}

static int setup(void **state)
{
    if (scratch_setup(state) != 0 ||
        assay_key_generate(ASSAY_KEY_ED25519, &key, &err) != ASSAY_OK ||
        assay_key_generate(ASSAY_KEY_ED25519, &other, &err) != ASSAY_OK) {
        return -1;
    }
    (void)snprintf(ds, sizeof ds, "%s/ds", scratch_dir);
    (void)snprintf(report, sizeof report, "%s/report", scratch_dir);
    (void)snprintf(envelope, sizeof envelope, "%s/statement.dsse.json", report);
    (void)snprintf(manifest, sizeof manifest, "%s/MANIFEST.sha256", report);
    assay_buf_init(&log_text, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    assay_key_free(key);
    assay_key_free(other);
    assay_buf_release(&log_text);
    return scratch_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_report_verifies, fresh),
        cmocka_unit_test_setup(the_dataset_may_be_one_file, fresh),
        cmocka_unit_test_setup(every_difference_is_named, fresh),
        cmocka_unit_test_setup(a_link_in_place_of_a_file_is_a_change, fresh),
        cmocka_unit_test_setup(an_unreadable_file_is_named, fresh),
        cmocka_unit_test_setup(long_lists_are_cut_and_counted, fresh),
        cmocka_unit_test_setup(keys_decide, fresh),
        cmocka_unit_test_setup(what_is_absent_is_an_error_or_a_failed_check, fresh),
        cmocka_unit_test_setup(any_bit_of_the_data_counts, fresh),
        cmocka_unit_test_setup(any_bit_of_the_manifest_counts, fresh),
        cmocka_unit_test_setup(any_bit_of_the_envelope_counts, fresh),
        cmocka_unit_test_setup(companions_must_be_those_that_were_signed, fresh),
        cmocka_unit_test_setup(companions_need_a_voucher, fresh),
        cmocka_unit_test_setup(a_companion_that_cannot_be_read_is_not_as_signed, fresh),
        cmocka_unit_test_setup(a_run_that_was_not_signed_fails, fresh),
        cmocka_unit_test_setup(a_signed_manifest_cannot_lead_outside, fresh),
        cmocka_unit_test_setup(a_wrong_count_is_a_contradiction, fresh),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
