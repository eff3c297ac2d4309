/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/plugins/test_rows.c: rows beyond memory, and sets that are found by them. */
#include "scanner_host.h"

#include <fcntl.h>
#include <unistd.h>

#include "plugins/scanners/duplicates/sets.h"

enum { N = 20000, SMALL = 16 << 10 };

static uint64_t value(uint64_t i, unsigned word)
{
    return (i + 1) * UINT64_C(0x9E3779B97F4A7C15) + word;
}

static void fill(struct dup_rows *r, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t row[2] = {value(i, 0), value(i, 1)};
        assert_int_equal(dup_rows_add(r, row), ASSAY_OK);
    }
    assert_int_equal(r->n, n);
}

static void expect_row(const uint64_t *row, uint64_t i)
{
    assert_int_equal(row[0], value(i, 0));
    assert_int_equal(row[1], value(i, 1));
}

static void what_fits_makes_no_file(void **state)
{
    (void)state;
    struct fake fake = {.rules = NULL};
    const struct assay_host host = fake_host(&fake);
    struct dup_rows r;
    dup_rows_init(&r, &host, 2, 1 << 20);
    fill(&r, N);
    for (uint64_t i = 0; i < N; i++) {
        expect_row(dup_rows_get(&r, i), i);
    }
    assert_int_equal(fake.spills, 0);
    dup_rows_release(&r);
}

static void what_does_not_fit_is_the_same_from_disk(void **state)
{
    (void)state;
    struct fake fake = {.rules = NULL};
    const struct assay_host host = fake_host(&fake);
    struct dup_rows r;
    dup_rows_init(&r, &host, 2, SMALL);
    fill(&r, N);
    assert_int_equal(fake.spills, 1);
    assert_true(r.n_slots * DUP_ROWS_BLOCK * sizeof(uint64_t) <= SMALL);
    for (uint64_t k = 0, i = 0; k < N; k++, i = (i + 7919) % N) { /* in no order, each once */
        uint64_t *row = dup_rows_edit(&r, i);
        expect_row(row, i);
        row[1] = ~row[1];
    }
    for (uint64_t i = 0; i < N; i++) {
        uint64_t *row = dup_rows_edit(&r, i);
        row[1] = ~row[1];
        expect_row(row, i);
    }
    assert_true(r.n_slots * DUP_ROWS_BLOCK * sizeof(uint64_t) <= SMALL);
    for (uint64_t i = 0; i + 300 <= N; i += 211) { /* some of it held, some not, across blocks */
        uint64_t rows[300][2];
        assert_int_equal(dup_rows_read(&r, i, 300, rows[0]), ASSAY_OK);
        for (uint64_t k = 0; k < 300; k++) {
            expect_row(rows[k], i + k);
        }
    }
    assert_int_equal(fake.spills, 1);
    assert_int_equal(r.status, ASSAY_OK);
    dup_rows_release(&r);
}

static void places_are_found_among_rows(void **state)
{
    (void)state;
    struct fake fake = {.rules = NULL};
    const struct assay_host host = fake_host(&fake);
    struct dup_rows r, none = {.n = 0};
    uint64_t at;
    dup_rows_init(&r, &host, 1, 0);
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t place = dup_place((uint32_t)(i / 100 * 3), i % 100 * 2);
        assert_int_equal(dup_rows_add(&r, &place), ASSAY_OK);
    }
    assert_true(fake.spills > 0);
    for (uint32_t file = 0; file < 2 * N / 100 + 3; file++) {
        assert_int_equal(dup_rows_have_file(&r, file), file % 3 == 0 && file / 3 < N / 100);
    }
    assert_int_equal(dup_rows_find(&r, dup_place(3, 6), &at), ASSAY_OK);
    assert_int_equal(at, 103);
    assert_int_equal(dup_rows_find(&r, dup_place(3, 7), &at), ASSAY_OK);
    assert_int_equal(at, 104);
    assert_int_equal(dup_rows_find(&r, UINT64_MAX, &at), ASSAY_OK);
    assert_int_equal(at, N);
    for (uint64_t i = 0; i < 2 * N; i += 7) {
        const uint64_t place = dup_place((uint32_t)(i / 100), i % 50);
        assert_int_equal(dup_rows_find(&r, place, &at), ASSAY_OK);
        assert_int_equal(dup_rows_seek(&r, place), at);
    }
    assert_int_equal(dup_rows_have_file(&none, 0), 0);
    dup_rows_release(&r);
}

static void an_error_stays_and_rows_are_zeroes(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum assay_status status;
    } rows[] = {{ENOSPC, ASSAY_FULL}, {EMFILE, ASSAY_IO}};
    for (size_t i = 0; i < 2; i++) {
        struct fake fake = {.spill_errno = rows[i].error};
        const struct assay_host host = fake_host(&fake);
        enum assay_status st = ASSAY_OK;
        struct dup_rows r;
        dup_rows_init(&r, &host, 1, 0);
        for (uint64_t k = 0; k < N && st == ASSAY_OK; k++) {
            st = dup_rows_add(&r, &k);
        }
        assert_int_equal(st, rows[i].status);
        assert_int_equal(r.status, st);
        assert_int_equal(*dup_rows_get(&r, 100), 0);
        assert_int_equal(dup_rows_add(&r, &(uint64_t){1}), st);
        uint64_t at;
        assert_int_equal(dup_rows_find(&r, 5, &at), st);
        assert_int_equal(dup_rows_seek(&r, 5), r.n);
        assert_int_equal(dup_rows_have_file(&r, 0), 1); /* rather once too often */
        dup_rows_release(&r);
    }
}

static void a_file_that_loses_what_it_holds_is_told(void **state)
{
    (void)state;
    struct fake fake = {.rules = NULL};
    const struct assay_host host = fake_host(&fake);
    struct dup_rows r;
    uint64_t rows[2];
    dup_rows_init(&r, &host, 2, 0);
    fill(&r, N);
    const int empty = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(empty >= 0 && dup2(empty, r.fd) == r.fd);
    (void)close(empty);
    assert_int_equal(dup_rows_read(&r, 0, 1, rows), ASSAY_IO);
    assert_int_equal(r.status, ASSAY_OK); /* nothing was changed by asking */
    assert_int_equal(dup_rows_get(&r, 0)[0], 0);
    assert_int_equal(r.status, ASSAY_IO);
    dup_rows_release(&r);
}

/* The set of a rank: its size, and what is in it, follow from the number. */
static uint32_t make_set(uint32_t rank, uint64_t hashes[64])
{
    const uint32_t count = rank % 5 == 4 ? 0 : 1 + rank % 61;
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = value(rank, i);
    }
    return count;
}

static void expect_sets(struct dup_sets *s, uint32_t n)
{
    struct dup_set set = {.hashes = NULL};
    uint64_t want[64];
    for (uint32_t k = 0, rank = 0; k < n; k++, rank = (rank + 7919) % n) {
        const uint32_t count = make_set(rank, want);
        assert_int_equal(dup_sets_load(s, rank, &set), ASSAY_OK);
        assert_int_equal(set.count, count);
        assert_int_equal(dup_sets_count(s, rank), count);
        if (count > 0) {
            assert_int_equal(set.width, rank % 8);
            assert_memory_equal(set.hashes, want, count * sizeof want[0]);
        }
    }
    dup_set_release(&set);
}

static void sets_are_found_on_any_shelf_with_any_memory(void **state)
{
    (void)state;
    static const size_t most[] = {1 << 20, 500, 0};
    enum { SHELVES = 3, RANKS = 3000 };
    for (size_t m = 0; m < sizeof most / sizeof most[0]; m++) {
        struct fake fake = {.rules = NULL};
        const struct assay_host host = fake_host(&fake);
        struct dup_shelf shelves[SHELVES] = {{.n = 0}};
        struct dup_sets sets;
        uint64_t hashes[64];
        dup_sets_init(&sets, RANKS);
        for (uint32_t rank = RANKS; rank-- > 0;) {
            const uint32_t count = make_set(rank, hashes);
            if (count > 0) {
                assert_int_equal(dup_shelf_add(&shelves[rank % 7 % SHELVES], &host, most[m],
                                               most[m], rank, rank % 8, hashes, count),
                                 ASSAY_OK);
            }
        }
        for (unsigned i = 0; i < SHELVES; i++) {
            assert_int_equal(dup_sets_join(&sets, &shelves[i]), ASSAY_OK);
            dup_shelf_release(&shelves[i]);
        }
        assert_int_equal(dup_sets_settle(&sets, &host, most[m]), ASSAY_OK);
        assert_int_equal(sets.missing, RANKS / 5);
        expect_sets(&sets, RANKS);
        assert_true((fake.spills > 0) == (m > 0));
        dup_sets_release(&sets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_makes_no_file),
        cmocka_unit_test(what_does_not_fit_is_the_same_from_disk),
        cmocka_unit_test(places_are_found_among_rows),
        cmocka_unit_test(an_error_stays_and_rows_are_zeroes),
        cmocka_unit_test(a_file_that_loses_what_it_holds_is_told),
        cmocka_unit_test(sets_are_found_on_any_shelf_with_any_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
