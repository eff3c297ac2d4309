/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/audit: much of everything: many files, large files, long lines, and memory within its
 * bound.
 */
#include "tests/unit/engine/audit_fixture.h"

#include <sys/resource.h>
#include <sys/wait.h>

static struct bench b;

static int open_bench(void **state)
{
    int bad = fixture_setup(state);
    if (bad == 0) {
        bench_open(&b, NULL);
    }
    return bad;
}

static int close_bench(void **state)
{
    bench_close(&b);
    return fixture_teardown(state);
}

static void five_thousand_small_files(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char name[64], text[96];
        (void)snprintf(name, sizeof name, "data/d%d/%d/f%d.jsonl", i % 7, i % 71, i);
        (void)snprintf(text, sizeof text, "{\"i\":%d,\"t\":\"%s\"}\n", i,
                       i % 10 == 0 ? "CANARY123450" : "x");
        put(name, text);
    }
    bench_run(&b);
    const struct assay_coverage *c = assay_audit_coverage(b.audit);
    assert_int_equal(c->files_scanned, 5000);
    assert_int_equal(c->records_scanned, 5000);
    assert_int_equal(found(&b, "spot.canary"), 500);
    assert_int_equal(assay_audit_tally(b.audit, assay_ruleset_find(b.rules, "spot.canary"))->files,
                     500);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t peak_kib(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return (size_t)u.ru_maxrss;
}

/* Runs the audit in a child of its own, so that the peak is its own; the child's answer is its exit
 * code. */
static void in_child(int (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* 0, or which expectation failed. */
static int audit_within(size_t more_kib)
{
    size_t before = peak_kib();
    if (bench_try(&b) != ASSAY_OK) {
        return 1;
    }
    if (!SANITIZED && peak_kib() > before + more_kib) {
        (void)fprintf(stderr, "# %zu KiB more, %zu allowed\n", peak_kib() - before, more_kib);
        return 2;
    }
    return 0;
}

/* The bound of engine/audit.h for two jobs and records of ordinary length. */
static size_t bound_kib(void)
{
    return 64 * 1024;
}

static int one_large_file(void)
{
    int bad = audit_within(bound_kib());
    const struct assay_coverage *c = bad ? NULL : assay_audit_coverage(b.audit);
    return bad ? bad : c->files_scanned != 1 || c->bytes_scanned != c->bytes_total ? 3 : 0;
}

static void a_hundred_megabytes_fit_in_a_fixed_bound(void **state)
{
    (void)state;
    struct assay_buf t;
    assay_buf_init(&t, ASSAY_MIB(16));
    add_records(&t, 7, 20000);
    int fd = open("data/large.jsonl", O_WRONLY | O_CREAT, 0666);
    for (size_t done = 0; done < (size_t)100 * 1000 * 1000; done += t.len) {
        assert_int_equal(write(fd, t.ptr, t.len), t.len);
    }
    assert_int_equal(close(fd), 0);
    assay_buf_release(&t);
    in_child(one_large_file);
}

static int one_long_line(void)
{
    int bad = audit_within(bound_kib());
    return bad ? bad
           : skipped(&b, ASSAY_SKIP_TOO_LONG)->records != 1 ||
                   skipped(&b, ASSAY_SKIP_TOO_LONG)->bytes < ((uint64_t)1 << 28) ||
                   assay_audit_coverage(b.audit)->records_scanned != 2
               ? 4
               : 0;
}

/* A line of 256 MiB (a sparse file of NUL bytes would be binary, so it has a tail of text). */
static void a_line_without_end_fits_too(void **state)
{
    (void)state;
    char *block = malloc(ASSAY_MIB(1));
    memset(block, 'x', ASSAY_MIB(1));
    int fd = open("data/line.txt", O_WRONLY | O_CREAT, 0666);
    assert_int_equal(write(fd, "first\n", 6), 6);
    for (int i = 0; i < 257; i++) {
        assert_int_equal(write(fd, block, ASSAY_MIB(1)), ASSAY_MIB(1));
    }
    assert_int_equal(write(fd, "\nCANARY123456\n", 14), 14);
    assert_int_equal(close(fd), 0);
    free(block);
    b.opt.max_record = ASSAY_MIB(1);
    in_child(one_long_line);
}

static int many_findings(void)
{
    int bad = audit_within(bound_kib());
    return bad ? bad : found(&b, "spot.canary") != 800000 ? 5 : 0;
}

static void a_million_findings_are_not_held_in_memory(void **state)
{
    (void)state;
    struct assay_buf t;
    assay_buf_init(&t, ASSAY_MIB(4));
    for (int i = 0; i < 10000; i++) {
        for (int k = 0; k < 20; k++) {
            assay_buf_addf(&t, "CANARY%06d ", i);
        }
        assay_buf_addc(&t, '\n');
    }
    for (int i = 0; i < 4; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "data/%d.txt", i);
        put_bytes(name, t.ptr, t.len);
    }
    assay_buf_release(&t);
    in_child(many_findings);
}

static int long_records(void)
{
    /* Two blocks may have grown to a record each, and each worker's reader and matcher with them.
     */
    int bad = audit_within(bound_kib() + 2 * 8 * 6 * 1024);
    return bad ? bad : assay_audit_coverage(b.audit)->records_scanned != 12 ? 6 : 0;
}

static void records_of_many_megabytes_share_the_memory(void **state)
{
    (void)state;
    size_t len = ASSAY_MIB(6);
    char *block = malloc(len);
    memset(block, 'y', len);
    block[len - 1] = '\n';
    int fd = open("data/long.txt", O_WRONLY | O_CREAT, 0666);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(write(fd, block, len), len);
    }
    assert_int_equal(close(fd), 0);
    free(block);
    in_child(long_records);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(five_thousand_small_files),
        TEST(a_hundred_megabytes_fit_in_a_fixed_bound),
        TEST(a_line_without_end_fits_too),
        TEST(a_million_findings_are_not_held_in_memory),
        TEST(records_of_many_megabytes_share_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
