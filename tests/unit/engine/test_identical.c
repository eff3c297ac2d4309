/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/identical: copies of files, whatever the number of threads; what changed or is gone is
 * counted.
 */
#include "tests/unit/engine/audit_fixture.h"

#include "engine/identical.h"

static const char *const roots[] = {"data"};

static struct assay_inventory *list(void)
{
    struct assay_inventory *inv;
    struct assay_error err;
    assert_int_equal(assay_inventory_build(roots, NULL, 1, &inv, &err), ASSAY_OK);
    return inv;
}

/* "copy=first;" for every row. */
static char *find(const struct assay_inventory *inv, unsigned jobs, struct assay_identical *r)
{
    struct assay_buf text;
    struct assay_error err;
    assay_buf_init(&text, ASSAY_MIB(1));
    assert_int_equal(assay_identical_find(inv, jobs, NULL, r, &err), ASSAY_OK);
    for (size_t i = 0; i < r->n; i++) {
        assert_int_equal(r->rows[i].record, ASSAY_NO_RECORD);
        assay_buf_addf(&text, "%s=%s;", assay_inventory_get(inv, r->rows[i].file)->name,
                       assay_inventory_get(inv, r->rows[i].keep_file)->name);
    }
    assay_buf_addc(&text, '\0');
    return text.ptr;
}

/* `n` bytes, of which only the last depends on `last`. */
static void put_tail(const char *name, size_t n, char last)
{
    char *data = malloc(n);
    assert_non_null(data);
    memset(data, 'x', n);
    data[n - 1] = last;
    put_bytes(name, data, n);
    free(data);
}

static void make_files(void)
{
    static const size_t sizes[] = {1, 4095, 4096, 4097, 300000};
    for (unsigned i = 0; i < 5; i++) {
        for (char last = 'a'; last < 'd'; last++) {
            char name[64];
            (void)snprintf(name, sizeof name, "data/%c%u", last, i);
            put_tail(name, sizes[i], last == 'c' ? 'a' : last);
        }
    }
    put("data/empty1", "");
    put("data/empty2", "");
}

static void copies_are_found_with_any_threads(void **state)
{
    (void)state;
    make_files();
    struct assay_inventory *inv = list();
    for (unsigned jobs = 0; jobs < 8; jobs++) {
        struct assay_identical r;
        char *text = find(inv, jobs, &r);
        assert_string_equal(text, "c0=a0;c1=a1;c2=a2;c3=a3;c4=a4;");
        assert_int_equal(r.groups, 5);
        assert_int_equal(r.unread, 0);
        assay_identical_release(&r);
        free(text);
    }
    assay_inventory_free(inv);
}

static void what_changed_is_counted(void **state)
{
    (void)state;
    make_files();
    struct assay_inventory *inv = list();
    struct assay_identical r;
    assert_int_equal(unlink("data/c0"), 0);
    put_tail("data/c1", 4097, 'a');   /* longer, from within the head */
    put_tail("data/c2", 4097, 'a');   /* longer than the head it filled */
    put_tail("data/c4", 300001, 'a'); /* longer, far behind the head */
    char *text = find(inv, 2, &r);
    assert_string_equal(text, "c3=a3;");
    assert_int_equal(r.unread, 4);
    assay_identical_release(&r);
    free(text);
    assay_inventory_free(inv);
}

static void cancelled_finds_nothing(void **state)
{
    (void)state;
    atomic_int cancel = 1;
    struct assay_identical r;
    struct assay_error err;
    make_files();
    struct assay_inventory *inv = list();
    assert_int_equal(assay_identical_find(inv, 2, &cancel, &r, &err), ASSAY_OK);
    assert_int_equal(r.cancelled, 1);
    assert_int_equal(r.n, 0);
    assay_identical_release(&r);
    assay_inventory_free(inv);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copies_are_found_with_any_threads),
        TEST(what_changed_is_counted),
        TEST(cancelled_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
