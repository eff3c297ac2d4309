/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/audit: the same answer, whatever the number of threads, the size of chunks, the order of
 * files on disk, and how often findings are flushed.
 */
#include "tests/unit/engine/audit_fixture.h"

static const char policy[] =
    "policy: p\nversion: 1.0.0\ntitle: {en: P, zh: 策}\n"
    "warn:\n"
    "  - {id: W1, expr: 'count(rule == spot.canary) == 0'}\n"
    "  - {id: W2, expr: 'rate(entity == CANARY or severity >= high) <= 1%'}\n"
    "  - {id: W3, expr: 'rate(rule == spot.canary and confidence >= 0.9) <= 1%'}\n"
    "  - {id: W4, expr: 'metric(spot.records) >= 1'}\n";

/* A dataset with something of everything; `shuffle` changes only the order in which it is made. */
static void make_dataset(int shuffle)
{
    struct assay_buf b;
    assay_buf_init(&b, ASSAY_MIB(64));
    for (int i = 0; i < 40; i++) {
        int k = shuffle ? (i * 17 + 5) % 40 : i;
        char name[64];
        (void)snprintf(name, sizeof name, "data/part%d/f%02d.jsonl", k % 5, k);
        assay_buf_clear(&b);
        add_records(&b, (unsigned)k, k == 7 ? 9000 : (unsigned)(k % 9) * 10);
        put_bytes(name, b.ptr == NULL ? "" : b.ptr, b.len);
    }
    put("data/broken.jsonl", "{\"a\":\"CANARY000001\"}\n{\"a\":\n{\"b\":\"CANARY000002\"}\nnope\n");
    put("data/binary.bin", "\x7f\x45\x4c\x46");
    put("data/notes.txt", "CANARY123456\n\nTOKEN123456 and CANARY654321\n");
    put("data/TOKEN123456.txt", "x\n");
    assert_int_equal(symlink("notes.txt", "data/link"), 0);
    assay_buf_release(&b);
}

static char *audit_with(struct bench *b, unsigned jobs, size_t chunk, uint64_t large, size_t piece)
{
    b->opt.jobs = jobs;
    b->tuning.chunk = chunk;
    b->tuning.large = large;
    b->tuning.piece = piece;
    bench_run(b);
    return bench_dump(b);
}

static void threads_chunks_and_pieces_do_not_show(void **state)
{
    (void)state;
    struct bench b;
    make_dataset(0);
    bench_open(&b, policy);
    char *first = audit_with(&b, 1, 0, 0, 0);
    assert_non_null(strstr(first, "spot.canary|part0/f05.jsonl"));
    static const struct {
        unsigned jobs;
        size_t chunk;
        uint64_t large;
        size_t piece;
    } ways[] = {{2, 0, 0, 0},    {7, 0, 0, 0},     {1, 4096, 1, 0},      {2, 4096, 1, 0},
                {7, 4096, 1, 0}, {3, 1000, 1, 64}, {7, 65536, 50000, 1}, {2, 100, 1, 0},
                {7, 64, 1, 0},   {3, 100, 0, 0},   {7, 64, 0, 0},        {2, ASSAY_MIB(8), 1, 0}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char *again = audit_with(&b, ways[i].jobs, ways[i].chunk, ways[i].large, ways[i].piece);
        assert_string_equal(again, first);
        free(again);
    }
    free(first);
    bench_close(&b);
}

static void the_order_of_creation_does_not_show(void **state)
{
    (void)state;
    struct bench b;
    make_dataset(0);
    bench_open(&b, policy);
    char *first = audit_with(&b, 2, 0, 0, 0);
    assert_int_equal(rename("data", "old"), 0);
    make_dataset(1);
    char *again = audit_with(&b, 2, 0, 0, 0);
    assert_string_equal(again, first);
    free(first);
    free(again);
    bench_close(&b);
}

static void many_runs_of_many_threads_agree(void **state)
{
    (void)state;
    struct bench b;
    make_dataset(0);
    bench_open(&b, policy);
    char *first = audit_with(&b, 1, 2048, 1, 0);
    for (int i = 0; i < 10; i++) {
        char *again = audit_with(&b, 5, 2048, 1, 0);
        assert_string_equal(again, first);
        free(again);
    }
    free(first);
    bench_close(&b);
}

static void a_fingerprint_does_not_move_with_its_record(void **state)
{
    (void)state;
    struct bench b;
    char before[33], after[33];
    bench_open(&b, policy);
    for (int i = 0; i < 2; i++) {
        put("data/a.jsonl", i == 0 ? "{\"t\":\"my CANARY123456\"}\n"
                                   : "{\"t\":\"other\"}\n\n{\"t\":\"my CANARY123456\"}\n");
        bench_run(&b);
        struct assay_cursor *c;
        struct assay_found f;
        assert_int_equal(assay_cursor_open(b.audit, &c, &b.err), ASSAY_OK);
        assert_int_equal(assay_cursor_next(c, &f, &b.err), ASSAY_OK);
        assert_int_equal(f.record, (uint64_t)i);
        assay_hex(f.fingerprint, 16, i == 0 ? before : after);
        assay_cursor_close(c);
    }
    assert_string_equal(before, after);
    bench_close(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_chunks_and_pieces_do_not_show),
        TEST(the_order_of_creation_does_not_show),
        TEST(many_runs_of_many_threads_agree),
        TEST(a_fingerprint_does_not_move_with_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
