/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/fs.h"
#include "core/limits.h"
#include "reports/envelope.h"
#include "reports/internal.h"
#include "tests/unit/reports/fake_audit.h"
#include "tests/unit/reports/scratch.h"

static struct assay_error err;
static const struct assay_run_info info = {.host = "h", .jobs = 2};

static struct assay_key *make(enum assay_key_type type)
{
    struct assay_key *k = NULL;
    assert_int_equal(assay_key_generate(type, &k, &err), ASSAY_OK);
    return k;
}

static int exists(const char *dir, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static size_t count_entries(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

static void slurp(const char *dir, const char *name, struct assay_buf *out)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assay_buf_init(out, ASSAY_MIB(64));
    assert_int_equal(assay_fs_read_file(path, ASSAY_MIB(32), out, &err), ASSAY_OK);
}

static void a_report_is_complete(void **state)
{
    (void)state;
    struct assay_key *keys[2] = {make(ASSAY_KEY_ED25519), make(ASSAY_KEY_P256)};
    const char *dir = scratch("r1");
    size_t valid = 0;
    struct assay_envelope *e = NULL;
    assert_int_equal(assay_report_write(fake_audit_small(), dir, keys, 2, &info, &err), ASSAY_OK);
    static const char *const names[] = {"MANIFEST.sha256", "statement.json", "statement.dsse.json",
                                        "run.json",        "run.dsse.json",  "findings.jsonl",
                                        "report.html",     "signer.pub",     "signer-2.pub"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(exists(dir, names[i]));
    }
    assert_int_equal(count_entries(dir), 9);
    ASSAY_AUTO_BUF envelope;
    ASSAY_AUTO_BUF statement;
    slurp(dir, "statement.dsse.json", &envelope);
    slurp(dir, "statement.json", &statement);
    assert_int_equal(assay_envelope_parse(assay_buf_bytes(&envelope), &e, &err), ASSAY_OK);
    assert_int_equal(assay_envelope_verify(e, keys, 2, &valid, &err), ASSAY_OK);
    assert_int_equal(valid, 2);
    assert_true(assay_bytes_equal(assay_envelope_payload(e), assay_buf_bytes(&statement)));
    assay_envelope_free(e);
    assay_key_free(keys[0]);
    assay_key_free(keys[1]);
}

static void an_earlier_report_is_replaced(void **state)
{
    (void)state;
    const char *dir = scratch("r2"), *slashed = scratch("r2//");
    ASSAY_AUTO_BUF text;
    assert_int_equal(assay_report_write(fake_audit_small(), dir, NULL, 0, &info, &err), ASSAY_OK);
    assert_int_equal(assay_report_write(fake_audit_clean(), slashed, NULL, 0, &info, &err),
                     ASSAY_OK);
    slurp(dir, "statement.json", &text);
    assert_non_null(strstr(text.ptr, "\"verdict\":\"PASS\""));
    assert_false(exists(dir, "statement.dsse.json"));
}

static void other_directories_are_left_alone(void **state)
{
    (void)state;
    const char *dir = scratch("mine"), *note = scratch("mine/note.txt"), *r3 = scratch("r3");
    const char *extra = scratch("r3/notes.txt"), *empty = scratch("empty");
    assert_int_equal(mkdir(dir, 0755), 0);
    scratch_write(note, "x", 1);
    assert_int_equal(assay_report_write(fake_audit_small(), dir, NULL, 0, &info, &err),
                     ASSAY_EXISTS);
    assert_string_equal(err.where, dir);
    assert_true(exists(dir, "note.txt"));
    assert_int_equal(assay_report_write(fake_audit_small(), note, NULL, 0, &info, &err),
                     ASSAY_EXISTS);
    /* A report into which somebody put a file of his own. */
    assert_int_equal(assay_report_write(fake_audit_small(), r3, NULL, 0, &info, &err), ASSAY_OK);
    scratch_write(extra, "x", 1);
    assert_int_equal(assay_report_write(fake_audit_small(), r3, NULL, 0, &info, &err),
                     ASSAY_EXISTS);
    assert_true(exists(r3, "notes.txt"));
    assert_int_equal(mkdir(empty, 0755), 0);
    assert_int_equal(assay_report_write(fake_audit_small(), empty, NULL, 0, &info, &err), ASSAY_OK);
}

/* RLIMIT_FSIZE makes the third file fail as a full disk does, at a size of our choice. */
static int write_limited(const char *dir, rlim_t bytes)
{
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit limit = {bytes, bytes};
        struct assay_audit *a = fake_audit_large(20);
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        enum assay_status s = assay_report_write(a, dir, NULL, 0, &info, &err);
        _exit(s != ASSAY_OK && strstr(err.message, "no report was published") != NULL ? 7 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void a_full_disk_leaves_nothing_half_written(void **state)
{
    (void)state;
    const char *place = scratch("full"), *dir = scratch("full/r");
    ASSAY_AUTO_BUF text;
    assert_int_equal(mkdir(place, 0755), 0);
    assert_int_equal(write_limited(dir, 64), 7);
    assert_int_equal(write_limited(dir, 4096), 7);
    assert_int_equal(count_entries(place), 0);
    assert_int_equal(assay_report_write(fake_audit_clean(), dir, NULL, 0, &info, &err), ASSAY_OK);
    assert_int_equal(write_limited(dir, 4096), 7);
    assert_int_equal(count_entries(place), 1);
    slurp(dir, "statement.json", &text);
    assert_non_null(strstr(text.ptr, "\"verdict\":\"PASS\""));
}

static void a_place_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    const char *dir = scratch("absent/deep/r");
    assert_int_equal(assay_report_write(fake_audit_small(), dir, NULL, 0, &info, &err),
                     ASSAY_NOTFOUND);
    assert_string_equal(err.where, dir);
}

static void the_run_names_the_files_beside_it(void **state)
{
    (void)state;
    const char *dir = scratch("r4");
    struct assay_statement_view v;
    ASSAY_AUTO_BUF run;
    assert_int_equal(assay_report_write(fake_audit_small(), dir, NULL, 0, &info, &err), ASSAY_OK);
    slurp(dir, "run.json", &run);
    assert_int_equal(assay_statement_read(assay_buf_bytes(&run), ASSAY_PREDICATE_RUN, &v, &err),
                     ASSAY_OK);
    assert_int_equal(strlen(v.findings_sha256), 64);
    assert_int_equal(strlen(v.html_sha256), 64);
}

static void signing_later_gives_the_same_report(void **state)
{
    (void)state;
    struct assay_key *key = make(ASSAY_KEY_ED25519);
    const char *now = scratch("now"), *later = scratch("later");
    ASSAY_AUTO_BUF a;
    ASSAY_AUTO_BUF b;
    assert_int_equal(assay_report_write(fake_audit_small(), now, &key, 1, &info, &err), ASSAY_OK);
    assert_int_equal(assay_report_write(fake_audit_small(), later, NULL, 0, &info, &err), ASSAY_OK);
    assert_false(exists(later, "statement.dsse.json"));
    assert_int_equal(assay_report_sign(later, &key, 1, &err), ASSAY_OK);
    slurp(now, "statement.dsse.json", &a);
    slurp(later, "statement.dsse.json", &b);
    assert_true(assay_bytes_equal(assay_buf_bytes(&a), assay_buf_bytes(&b)));
    assert_true(exists(later, "run.dsse.json") && exists(later, "signer.pub"));
    assay_key_free(key);
}

static void the_signer_looks_at_what_it_signs(void **state)
{
    (void)state;
    static const struct {
        const char *file, *content;
        enum assay_status status;
    } rows[] = {
        {"statement.json", "{}", ASSAY_CORRUPT},
        {"statement.json", "not json", ASSAY_CORRUPT},
        {"run.json", "{}", ASSAY_CORRUPT},
        {"MANIFEST.sha256", "changed", ASSAY_MISMATCH},
    };
    struct assay_key *key = make(ASSAY_KEY_ED25519);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[600];
        const char *dir = scratch("checked");
        assert_int_equal(assay_report_write(fake_audit_small(), dir, NULL, 0, &info, &err),
                         ASSAY_OK);
        (void)snprintf(path, sizeof path, "%s/%s", dir, rows[i].file);
        scratch_write(path, rows[i].content, strlen(rows[i].content));
        assert_int_equal(assay_report_sign(dir, &key, 1, &err), rows[i].status);
        assert_false(exists(dir, "statement.dsse.json"));
        assert_false(exists(dir, "run.dsse.json"));
    }
    assay_key_free(key);
}

/* Statements of two different audits do not belong together, though each is well formed. */
static void the_signer_refuses_a_mixed_pair(void **state)
{
    (void)state;
    struct assay_key *key = make(ASSAY_KEY_ED25519);
    const char *one = scratch("mix1"), *two = scratch("mix2");
    char path[600];
    ASSAY_AUTO_BUF run;
    assert_int_equal(assay_report_write(fake_audit_small(), one, NULL, 0, &info, &err), ASSAY_OK);
    assert_int_equal(assay_report_write(fake_audit_clean(), two, NULL, 0, &info, &err), ASSAY_OK);
    slurp(two, "run.json", &run);
    (void)snprintf(path, sizeof path, "%s/run.json", one);
    scratch_write(path, run.ptr, run.len);
    assert_int_equal(assay_report_sign(one, &key, 1, &err), ASSAY_MISMATCH);
    assert_non_null(strstr(err.message, "refused to sign"));
    assay_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_complete),
        cmocka_unit_test(an_earlier_report_is_replaced),
        cmocka_unit_test(other_directories_are_left_alone),
        cmocka_unit_test(a_full_disk_leaves_nothing_half_written),
        cmocka_unit_test(a_place_that_cannot_be_written_is_named),
        cmocka_unit_test(the_run_names_the_files_beside_it),
        cmocka_unit_test(signing_later_gives_the_same_report),
        cmocka_unit_test(the_signer_looks_at_what_it_signs),
        cmocka_unit_test(the_signer_refuses_a_mixed_pair),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
