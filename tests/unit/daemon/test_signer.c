/* SPDX-License-Identifier: Apache-2.0
 *
 * The signer, as a process: what it signs, what it refuses, and that it comes back. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/limits.h"
#include "daemon/sandbox.h"
#include "daemon/signer.h"
#include "reports/envelope.h"
#include "reports/report.h"
#include "tests/unit/reports/fake_audit.h"
#include "tests/unit/reports/scratch.h"

static struct assay_error err;
static struct assay_signer signer;
static char key_file[1024];

static int start(void **state)
{
    char program[1024];
    const char *top = getenv("ASSAY_BUILDDIR");
    const struct assay_config c = {.key_file = key_file, .sandbox = ASSAY_SANDBOX_PREFER};
    if (scratch_setup(state) != 0) {
        return -1;
    }
    (void)snprintf(program, sizeof program, "%s/assay-signer", top == NULL ? "." : top);
    (void)snprintf(key_file, sizeof key_file, "%s/k.pem", scratch("keys"));
    int status = (int)assay_signer_start(&signer, program, &c, &err);
    if (status != ASSAY_OK) {
        print_message("%s\n", err.message);
    }
    return status;
}

static int stop(void **state)
{
    assay_signer_stop(&signer);
    return scratch_teardown(state);
}

/* An unsigned report, as a worker leaves it. */
static const char *report(const char *name, uint64_t run, const char *host)
{
    const struct assay_run_info info = {.host = host, .jobs = 1, .run = run};
    const char *dir = scratch(name);
    assert_int_equal(assay_report_write(fake_audit_small(), dir, NULL, 0, &info, &err), ASSAY_OK);
    return dir;
}

/* The envelope holds the statement, signed by the signer's key. */
static enum assay_status verify(const char *dir)
{
    char path[1024];
    size_t valid = 0;
    struct assay_envelope *e = NULL;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_MIB(64));
    (void)snprintf(path, sizeof path, "%s/" ASSAY_ENVELOPE_NAME, dir);
    assert_int_equal(assay_fs_read_file(path, ASSAY_MIB(32), &text, &err), ASSAY_OK);
    assert_int_equal(assay_envelope_parse(assay_buf_bytes(&text), &e, &err), ASSAY_OK);
    enum assay_status status = assay_envelope_verify(e, &signer.key, 1, &valid, &err);
    assay_envelope_free(e);
    return valid == 1 ? status : ASSAY_MISMATCH;
}

static int is_signed(const char *dir)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/" ASSAY_ENVELOPE_NAME, dir);
    return access(path, F_OK) == 0;
}

static void it_makes_the_key_and_signs(void **state)
{
    struct stat st;
    (void)state;
    assert_true(signer.made_key);
    assert_false(assay_key_is_private(signer.key));
    assert_int_equal(stat(key_file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    const char *dir = report("s1", 1, "h");
    assert_int_equal(assay_signer_sign(&signer, 1, 1, dir, &err), ASSAY_OK);
    assert_int_equal(verify(dir), ASSAY_OK);
}

static void another_run_is_refused(void **state)
{
    (void)state;
    const char *dir = report("s2", 2, "h");
    assert_int_equal(assay_signer_sign(&signer, 3, 1, dir, &err), ASSAY_MISMATCH);
    assert_non_null(strstr(err.message, "another run"));
    assert_false(is_signed(dir));
    dir = report("s0", 0, "h");
    assert_int_equal(assay_signer_sign(&signer, 0, 1, dir, &err), ASSAY_MISMATCH);
}

static void a_run_is_signed_once(void **state)
{
    (void)state;
    assert_int_equal(assay_signer_sign(&signer, 4, 2, report("s4a", 4, "h"), &err), ASSAY_OK);
    assert_int_equal(assay_signer_sign(&signer, 4, 2, report("s4b", 4, "h"), &err), ASSAY_OK);
    const char *dir = report("s4c", 4, "other");
    assert_int_equal(assay_signer_sign(&signer, 4, 2, dir, &err), ASSAY_MISMATCH);
    assert_non_null(strstr(err.message, "something else was signed"));
    assert_false(is_signed(dir));
    assert_int_equal(assay_signer_sign(&signer, 4, 1, report("s4d", 4, "h"), &err), ASSAY_MISMATCH);
    assert_int_equal(assay_signer_sign(&signer, 4, 3, dir, &err), ASSAY_OK);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(assay_fs_write_file(path, text, strlen(text), 0644, &err), ASSAY_OK);
}

static void tampered_files_are_refused(void **state)
{
    (void)state;
    const char *dir = report("s5", 5, "h");
    put(dir, ASSAY_MANIFEST_NAME, "");
    assert_int_equal(assay_signer_sign(&signer, 5, 1, dir, &err), ASSAY_MISMATCH);
    assert_non_null(strstr(err.message, "manifest"));
    dir = report("s6", 6, "h");
    put(dir, ASSAY_STATEMENT_NAME, "{}");
    assert_int_equal(assay_signer_sign(&signer, 6, 1, dir, &err), ASSAY_CORRUPT);
    assert_false(is_signed(dir));
    assert_int_equal(assay_signer_sign(&signer, 6, 1, scratch("nothing"), &err), ASSAY_NOTFOUND);
}

static void it_comes_back_with_the_same_key(void **state)
{
    char id[65];
    (void)state;
    (void)snprintf(id, sizeof id, "%s", assay_key_id(signer.key));
    pid_t first = signer.pid;
    assert_int_equal(kill(first, SIGKILL), 0);
    const char *dir = report("s7", 7, "h");
    assert_int_equal(assay_signer_sign(&signer, 7, 1, dir, &err), ASSAY_OK);
    assert_int_not_equal(signer.pid, first);
    assert_false(signer.made_key);
    assert_string_equal(assay_key_id(signer.key), id);
    assert_int_equal(verify(dir), ASSAY_OK);
}

static void a_signer_without_a_key_says_so(void **state)
{
    (void)state;
    struct assay_signer other;
    const struct assay_config c = {.key_file = key_file,
                                   .passphrase_file = "/nowhere/at/all",
                                   .sandbox = ASSAY_SANDBOX_PREFER};
    put(scratch("keys"), "k.pem", "not a key");
    assert_int_not_equal(assay_signer_start(&other, signer.program, &c, &err), ASSAY_OK);
    assert_true(err.message[0] != '\0');
    assert_int_equal(assay_signer_start(&other, "/nowhere/assay-signer", &c, &err), ASSAY_NOTFOUND);
    assert_int_equal(other.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_makes_the_key_and_signs),
        cmocka_unit_test(another_run_is_refused),
        cmocka_unit_test(a_run_is_signed_once),
        cmocka_unit_test(tampered_files_are_refused),
        cmocka_unit_test(it_comes_back_with_the_same_key),
        cmocka_unit_test(a_signer_without_a_key_says_so),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
