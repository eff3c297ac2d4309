/* SPDX-License-Identifier: Apache-2.0
 * Buffers and arenas: growth, bounds, sticky errors. */
#include "tests/unit/unit.h"

#include "core/arena.h"
#include "core/buf.h"

static void buffer_grows_and_terminates(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 100000);
    assert_string_equal(assay_buf_str(&b), "");
    for (int i = 0; i < 1000; i++) {
        assay_buf_addf(&b, "%d,", i);
    }
    assert_int_equal(assay_buf_status(&b), ASSAY_OK);
    assert_int_equal(b.len, strlen(assay_buf_str(&b)));
    assert_memory_equal(b.ptr, "0,1,2,", 6);
    assay_buf_clear(&b);
    assay_buf_addhex(&b, "\x01\xfe", 2);
    assert_string_equal(assay_buf_str(&b), "01fe");
}

static void buffer_stops_at_its_maximum(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 4);
    assay_buf_adds(&b, "abcd");
    assert_int_equal(assay_buf_status(&b), ASSAY_OK);
    assay_buf_addc(&b, 'e');
    assert_int_equal(assay_buf_status(&b), ASSAY_LIMIT);
    assert_string_equal(assay_buf_str(&b), "abcd");
    assay_buf_add(&b, "", 0);
    assert_int_equal(assay_buf_status(&b), ASSAY_LIMIT);
    assert_null(assay_buf_take(&b));
    assay_buf_clear(&b);
    assay_buf_addf(&b, "%s", "xy");
    assert_int_equal(assay_buf_status(&b), ASSAY_OK);
    assay_buf_addhex(&b, "ab", 2);
    assert_int_equal(assay_buf_status(&b), ASSAY_LIMIT);
    assert_string_equal(assay_buf_str(&b), "xy");
}

static void buffer_is_taken(void **state)
{
    (void)state;
    struct assay_buf b;
    assay_buf_init(&b, 10);
    char *empty = assay_buf_take(&b);
    assert_string_equal(empty, "");
    free(empty);
    assay_buf_adds(&b, "mine");
    char *p = assay_buf_take(&b);
    assert_string_equal(p, "mine");
    assert_int_equal(b.len, 0);
    free(p);
    assay_buf_release(&b);
}

static void arena_gives_aligned_zeroes(void **state)
{
    (void)state;
    struct assay_arena *a = assay_arena_new(1 << 20);
    for (size_t size = 0; size < 300; size++) {
        unsigned char *p = assay_arena_alloc(a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(p[i], 0);
            p[i] = 0xFF;
        }
    }
    assay_arena_reset(a);
    assert_int_equal(assay_arena_used(a), 0);
    unsigned char *again = assay_arena_alloc(a, 64);
    assert_int_equal(again[63], 0);
    assert_string_equal(assay_arena_strdup(a, "copy"), "copy");
    assert_string_equal(assay_arena_dup(a, assay_bytes_make("slice!", 5)), "slice");
    assay_arena_free(a);
    assay_arena_free(NULL);
}

static void arena_overflow_is_sticky(void **state)
{
    (void)state;
    struct assay_arena *a = assay_arena_new(10000);
    assert_non_null(assay_arena_alloc(a, 9000));
    assert_null(assay_arena_alloc(a, 2000));
    assert_true(assay_arena_overflowed(a));
    assert_null(assay_arena_alloc(a, 1));
    assay_arena_reset(a);
    assert_false(assay_arena_overflowed(a));
    assert_null(assay_arena_array(a, SIZE_MAX / 2, 3));
    assert_true(assay_arena_overflowed(a));
    assay_arena_reset(a);
    assert_null(assay_arena_alloc(a, SIZE_MAX));
    assay_arena_free(a);
}

static void array_sizes_are_checked(void **state)
{
    (void)state;
    assert_null(assay_alloc_array(SIZE_MAX / 2, 3));
    void *p = assay_alloc_array(3, 4);
    assert_non_null(p);
    assert_null(assay_realloc_array(p, SIZE_MAX / 8, 9));
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_terminates),
        cmocka_unit_test(buffer_stops_at_its_maximum),
        cmocka_unit_test(buffer_is_taken),
        cmocka_unit_test(arena_gives_aligned_zeroes),
        cmocka_unit_test(arena_overflow_is_sticky),
        cmocka_unit_test(array_sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
