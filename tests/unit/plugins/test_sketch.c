/* SPDX-License-Identifier: Apache-2.0
 * Shingles, minima and bands: their definition, computed here once more in the plainest way, and
 * what they are for: agreeing as often as the texts do. */
#include "tests/unit/unit.h"

#include "plugins/scanners/duplicates/bands.h"
#include "plugins/scanners/duplicates/mix.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static void shingles_adapt_to_short_texts(void **state)
{
    (void)state;
    static const struct {
        size_t tokens;
        unsigned width;
        size_t count;
    } rows[] = {{0, 0, 0},   {1, 1, 1},   {4, 4, 1},    {5, 3, 3},
                {19, 3, 17}, {20, 5, 16}, {171, 5, 167}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(dup_shingle_width(rows[i].tokens), rows[i].width);
        assert_int_equal(dup_shingle_count(rows[i].tokens), rows[i].count);
    }
}

static void a_shingle_is_a_polynomial_of_its_tokens(void **state)
{
    (void)state;
    struct dup_token tokens[64];
    uint64_t got[64], seed = 7;
    for (size_t n = 0; n <= 64; n++) {
        const unsigned width = dup_shingle_width(n);
        for (size_t i = 0; i < n; i++) {
            tokens[i] = (struct dup_token){.hash = splitmix(&seed)};
        }
        dup_shingles(tokens, n, got);
        for (size_t i = 0; i < dup_shingle_count(n); i++) {
            uint64_t h = 0;
            for (size_t k = i; k < i + width; k++) {
                h = h * DUP_ROOT5 + tokens[k].hash;
            }
            assert_true(got[i] == dup_mix(h, width));
        }
    }
}

/* Sorted sets of `n` numbers, of which `n_shared` are in both. */
static void make_sets(uint64_t *a, uint64_t *b, size_t n, size_t n_shared, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        a[i] = splitmix(seed);
        b[i] = i < n_shared ? a[i] : splitmix(seed);
    }
}

static void sets_are_sorted_and_compared(void **state)
{
    (void)state;
    uint64_t a[3000], b[3000], seed = 11;
    for (size_t n = 1; n <= 3000; n += 1 + n / 3) {
        make_sets(a, b, n, n / 2, &seed);
        for (size_t i = 0; i < n / 4; i++) {
            a[n - 1 - i] = a[i]; /* twice */
        }
        size_t n_a = dup_shingle_set(a, n);
        size_t n_b = dup_shingle_set(b, n);
        size_t shared = 0;
        assert_int_equal(n_a, n - n / 4);
        assert_int_equal(n_b, n);
        for (size_t i = 0; i < n_a; i++) {
            assert_true(i == 0 || a[i - 1] < a[i]);
            for (size_t k = 0; k < n_b; k++) {
                shared += a[i] == b[k];
            }
        }
        assert_int_equal(shared, n / 2);
        assert_int_equal(dup_shared(a, n_a, b, n_b, 0), shared);
        assert_int_equal(dup_shared(a, n_a, b, n_b, shared), shared);
        assert_true(dup_shared(a, n_a, b, n_b, shared + 1) <= shared);
    }
}

static void minima_are_the_same_by_every_way(void **state)
{
    (void)state;
    uint64_t shingles[700], seed = 1, constants[DUP_MINIMA];
    for (size_t i = 0; i < DUP_MINIMA; i++) {
        constants[i] = splitmix(&seed);
    }
    for (size_t i = 0; i < 700; i++) {
        shingles[i] = splitmix(&seed);
    }
    for (size_t n = 0; n <= 700; n += 1 + n / 8) {
        struct dup_sketch want, got;
        for (size_t i = 0; i < DUP_MINIMA; i++) {
            want.min[i] = UINT32_MAX;
            for (size_t k = 0; k < n; k++) {
                uint32_t x = (uint32_t)shingles[k] ^ (uint32_t)(constants[i] >> 32);
                x *= (uint32_t)constants[i] | 1;
                want.min[i] = x < want.min[i] ? x : want.min[i];
            }
        }
        assert_non_null(dup_minhash_get(0));
        for (unsigned way = 0; dup_minhash_get(way) != NULL; way++) {
            dup_minhash_get(way)(shingles, n, &got);
            assert_memory_equal(&got, &want, sizeof got);
        }
    }
}

/* Over 400 pairs the share of equal minima is within a hundredth of the Jaccard index. */
static void minima_agree_as_often_as_the_texts_do(void **state)
{
    (void)state;
    uint64_t a[200], b[200], seed = 5;
    for (size_t shared = 20; shared <= 190; shared += 34) {
        const double jaccard = (double)shared / (double)(400 - shared);
        unsigned equal = 0;
        for (unsigned trial = 0; trial < 400; trial++) {
            struct dup_sketch x, y;
            make_sets(a, b, 200, shared, &seed);
            dup_minhash_get(0)(a, 200, &x);
            dup_minhash_get(0)(b, 200, &y);
            for (size_t i = 0; i < DUP_MINIMA; i++) {
                equal += x.min[i] == y.min[i];
            }
        }
        double estimate = equal / (400.0 * DUP_MINIMA);
        assert_true(estimate > jaccard - 0.01 && estimate < jaccard + 0.01);
    }
}

static void the_solver_keeps_its_promise(void **state)
{
    (void)state;
    struct dup_bands b = dup_bands_solve(800, 997);
    assert_int_equal(b.bands, 20);
    assert_int_equal(b.rows, 6);
    assert_in_range(dup_bands_recall(b, 800), 997700, 997800); /* 1 - (1 - 0.8^6)^20 */
    assert_in_range(dup_bands_recall(b, 500), 270000, 270300);
    assert_int_equal(dup_bands_recall(b, 1000), 1000000);
    assert_int_equal(dup_bands_recall(b, 0), 0);
    for (unsigned threshold = 300; threshold <= 1000; threshold += 10) {
        for (unsigned recall = 500; recall < 1000; recall += 3) {
            b = dup_bands_solve(threshold, recall);
            assert_true(b.bands >= 1 && b.rows >= 1 && b.bands * b.rows <= DUP_MINIMA);
            assert_true(dup_bands_recall(b, threshold) + 1 >= 1000 * recall);
            struct dup_bands stricter = {DUP_MINIMA / (b.rows + 1), b.rows + 1};
            assert_true(b.rows == DUP_MINIMA ||
                        dup_bands_recall(stricter, threshold) < 1000 * recall);
        }
    }
    assert_int_equal(dup_bands_solve(1, 999).rows, 1); /* out of reach: the nearest */
}

/* A pair becomes a candidate as often as the curve says. */
static void candidates_follow_the_curve(void **state)
{
    (void)state;
    uint64_t a[90], b[90], seed = 3;
    const struct dup_bands shape = {20, 6};
    unsigned found = 0;
    for (unsigned trial = 0; trial < 3000; trial++) {
        struct dup_sketch x, y;
        make_sets(a, b, 90, 70, &seed); /* 70 of 110: 0.636 */
        dup_minhash_get(0)(a, 90, &x);
        dup_minhash_get(0)(b, 90, &y);
        int agree = 0;
        for (unsigned i = 0; i < shape.bands; i++) {
            agree |= dup_band_key(shape, &x, i) == dup_band_key(shape, &y, i);
        }
        found += (unsigned)agree;
    }
    uint64_t want = 3000 * dup_bands_recall(shape, 636) / 1000000;
    assert_true(found > want - 150 && found < want + 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shingles_adapt_to_short_texts),
        cmocka_unit_test(a_shingle_is_a_polynomial_of_its_tokens),
        cmocka_unit_test(sets_are_sorted_and_compared),
        cmocka_unit_test(minima_are_the_same_by_every_way),
        cmocka_unit_test(minima_agree_as_often_as_the_texts_do),
        cmocka_unit_test(the_solver_keeps_its_promise),
        cmocka_unit_test(candidates_follow_the_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
