/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/inventory: what is listed, what is refused, and in which order.
 */
#include "tests/unit/engine/audit_fixture.h"

static struct assay_inventory *build(const char *const *roots, size_t n)
{
    struct assay_inventory *inv;
    struct assay_error err;
    assert_int_equal(assay_inventory_build(roots, NULL, n, &inv, &err), ASSAY_OK);
    return inv;
}

static struct assay_inventory *build_data(void)
{
    return build(fixture_roots, 1);
}

static void names_are_sorted_by_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"B",   "a",         "a-b",      "a/x",
                                        "a.b", "new\nline", "\xff\xfe", "中"};
    for (size_t i = 0; i < 8; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "data/%s", strcmp(names[i], "a") == 0 ? "aa" : names[i]);
        put(path, "x");
    }
    struct assay_inventory *inv = build_data();
    assert_int_equal(assay_inventory_count(inv), 8);
    for (size_t i = 1; i < 8; i++) {
        assert_true(
            strcmp(assay_inventory_get(inv, i - 1)->name, assay_inventory_get(inv, i)->name) < 0);
    }
    assert_string_equal(assay_inventory_get(inv, 0)->name, "B");
    assert_int_equal(assay_inventory_bytes(inv), 8);
    assay_inventory_free(inv);
}

static void what_is_no_file_is_skipped_with_its_reason(void **state)
{
    (void)state;
    put("data/file", "x");
    assert_int_equal(symlink("/etc/passwd", "data/link"), 0);
    assert_int_equal(symlink("sub", "data/dirlink"), 0);
    assert_int_equal(mkdir("data/sub", 0777), 0);
    assert_int_equal(mkfifo("data/sub/pipe", 0666), 0);
    struct assay_inventory *inv = build_data();
    assert_int_equal(assay_inventory_count(inv), 1);
    assert_int_equal(assay_inventory_skips(inv), 3);
    assert_string_equal(assay_inventory_skip(inv, 0)->name, "dirlink");
    assert_int_equal(assay_inventory_skip(inv, 0)->why, ASSAY_SKIP_SYMLINK);
    assert_int_equal(assay_inventory_skip(inv, 1)->why, ASSAY_SKIP_SYMLINK);
    assert_string_equal(assay_inventory_skip(inv, 2)->name, "sub/pipe");
    assert_int_equal(assay_inventory_skip(inv, 2)->why, ASSAY_SKIP_SPECIAL);
    assay_inventory_free(inv);
}

static void a_tree_that_is_too_deep_is_cut_and_said(void **state)
{
    (void)state;
    char path[1200] = "data";
    for (int i = 0; i < 140; i++) {
        (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/d");
        assert_int_equal(mkdir(path, 0777), 0);
    }
    put("data/top", "x");
    struct assay_inventory *inv = build_data();
    assert_int_equal(assay_inventory_count(inv), 1);
    assert_int_equal(assay_inventory_skips(inv), 1);
    assert_int_equal(assay_inventory_skip(inv, 0)->why, ASSAY_SKIP_LIMIT);
    assay_inventory_free(inv);
}

static void an_unreadable_directory_is_counted(void **state)
{
    (void)state;
    put("data/file", "x");
    assert_int_equal(mkdir("data/closed", 0000), 0);
    fixture_as_nobody(1);
    struct assay_inventory *inv = build_data();
    fixture_as_nobody(0);
    assert_int_equal(assay_inventory_skips(inv), 1);
    assert_int_equal(assay_inventory_skip(inv, 0)->why, ASSAY_SKIP_UNREADABLE);
    assay_inventory_free(inv);
    assert_int_equal(chmod("data/closed", 0700), 0);
}

static void several_roots_are_prefixed(void **state)
{
    (void)state;
    static const char *const roots[] = {"data/train/", "data/one.txt"};
    put("data/train/a", "1");
    put("data/one.txt", "22");
    struct assay_inventory *inv = build(roots, 2);
    assert_int_equal(assay_inventory_count(inv), 2);
    assert_string_equal(assay_inventory_get(inv, 0)->name, "one.txt");
    assert_string_equal(assay_inventory_get(inv, 1)->name, "train/a");
    char text[4] = "";
    for (int again = 0; again < 2; again++) {
        int fd = assay_inventory_open(inv, 0);
        assert_int_equal(read(fd, text, 3), 2);
        (void)close(fd);
    }
    int fd = assay_inventory_open(inv, 1);
    assert_int_equal(read(fd, text, 3), 1);
    (void)close(fd);
    assay_inventory_free(inv);
}

static void one_file_is_named_by_its_last_part(void **state)
{
    (void)state;
    static const char *const roots[] = {"data/sub/x.jsonl"};
    put("data/sub/x.jsonl", "{}");
    struct assay_inventory *inv = build(roots, 1);
    assert_string_equal(assay_inventory_get(inv, 0)->name, "x.jsonl");
    assay_inventory_free(inv);
}

static void roots_that_cannot_be_are_errors(void **state)
{
    (void)state;
    struct assay_inventory *inv;
    struct assay_error err;
    static const char *const missing[] = {"nowhere"};
    assert_int_equal(assay_inventory_build(missing, NULL, 1, &inv, &err), ASSAY_NOTFOUND);
    assert_string_equal(err.where, "nowhere");
    put("data/a/same", "x");
    put("data/b/same", "x");
    static const char *const twins[] = {"data/a/same", "data/b/same"};
    assert_int_equal(assay_inventory_build(twins, NULL, 2, &inv, &err), ASSAY_USAGE);
    assert_int_equal(mkfifo("data/pipe", 0666), 0);
    static const char *const pipe[] = {"data/pipe"};
    assert_int_equal(assay_inventory_build(pipe, NULL, 1, &inv, &err), ASSAY_UNSUPPORTED);
    assert_null(inv);
}

static void a_link_that_appears_later_is_not_followed(void **state)
{
    (void)state;
    put("data/sub/a", "x");
    put("outside", "secret");
    struct assay_inventory *inv = build_data();
    assert_int_equal(unlink("data/sub/a"), 0);
    assert_int_equal(symlink("../../outside", "data/sub/a"), 0);
    assert_int_equal(assay_inventory_open(inv, 0), -1);
    assay_inventory_free(inv);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_sorted_by_bytes),
        TEST(what_is_no_file_is_skipped_with_its_reason),
        TEST(a_tree_that_is_too_deep_is_cut_and_said),
        TEST(an_unreadable_directory_is_counted),
        TEST(several_roots_are_prefixed),
        TEST(one_file_is_named_by_its_last_part),
        TEST(roots_that_cannot_be_are_errors),
        TEST(a_link_that_appears_later_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
