/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "rules/matcher/cache.h"
#include "tests/unit/matcher/adversary.h"
#include "tests/unit/matcher/sample_rules.h"

static char dir[] = "/tmp/assay-cache-XXXXXX";
static char cache[64];

/* Calls `fix` on every file of the cache whose name begins with `prefix`; returns how many. */
static int each_file(const char *prefix, void (*fix)(const char *path))
{
    DIR *d = opendir(cache);
    int n = 0;
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        char path[512];
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
            (void)snprintf(path, sizeof path, "%s/%s", cache, e->d_name);
            fix(path);
            n++;
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

static void leave(const char *path)
{
    (void)path;
}

static void delete_file(const char *path)
{
    (void)unlink(path);
}

static void flip_a_byte(const char *path)
{
    int fd = open(path, O_RDWR);
    char c = 0;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, 200), 1);
    c = (char)(c ^ 1);
    assert_int_equal(pwrite(fd, &c, 1, 200), 1);
    (void)close(fd);
}

static void cut_short(const char *path)
{
    assert_int_equal(truncate(path, 300), 0);
}

static void open_to_others(const char *path)
{
    assert_int_equal(chmod(path, 0666), 0);
}

/* Makes a matcher with the cache; checks that it finds a phone number and whether it came from the
 * cache. */
static void expect_from_cache(uint32_t n_rules, int want)
{
    const struct assay_rule *rules = NULL;
    struct assay_matcher_options opt = {ASSAY_ENGINE_VECTORSCAN, cache};
    struct assay_matcher *m = NULL;
    struct assay_scratch *s = NULL;
    struct assay_match_list list;
    (void)sample_pack_rules(&rules);
    assert_int_equal(assay_matcher_new_rules(rules, n_rules, &opt, &m, NULL), ASSAY_OK);
    assert_int_equal(assay_scratch_new(m, &s, NULL), ASSAY_OK);
    assert_int_equal(assay_matcher_from_cache(m), want);
    assert_int_equal(assay_matcher_scan_text(m, s, assay_bytes_str("混蛋 a.b@example.com"), &list),
                     ASSAY_OK);
    assert_int_equal(list.count, 2);
    assay_scratch_free(s);
    assay_matcher_free(m);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(cache, sizeof cache, "%s/sub/cache", dir);
    (void)each_file("", delete_file);
    return 0;
}

static void second_start_loads(void **state)
{
    struct stat st;
    (void)state;
    expect_from_cache(20, 0);
    expect_from_cache(20, 1);
    assert_int_equal(stat(cache, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(each_file("rules-", leave), 1);
}

static void other_rules_are_another_entry(void **state)
{
    (void)state;
    expect_from_cache(20, 0);
    expect_from_cache(46, 0);
    expect_from_cache(20, 1);
    expect_from_cache(46, 1);
    assert_int_equal(each_file("rules-", leave), 2);
}

static void damage_is_rebuilt(void **state)
{
    static void (*const harms[])(const char *) = {flip_a_byte, cut_short, open_to_others};
    (void)state;
    expect_from_cache(20, 0);
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        assert_int_equal(each_file("rules-", harms[i]), 1);
        expect_from_cache(20, 0);
        expect_from_cache(20, 1);
    }
}

static void another_key_is_foreign(void **state)
{
    (void)state;
    expect_from_cache(20, 0);
    assert_int_equal(each_file("matcher.key", delete_file), 1);
    expect_from_cache(20, 0);
    expect_from_cache(20, 1);
}

static void an_open_directory_is_not_used(void **state)
{
    (void)state;
    expect_from_cache(20, 0);
    assert_int_equal(chmod(cache, 0777), 0);
    expect_from_cache(20, 0);
    expect_from_cache(20, 0);
    assert_int_equal(chmod(cache, 0700), 0);
    expect_from_cache(20, 1);
}

static void no_directory_is_no_error(void **state)
{
    (void)state;
    (void)snprintf(cache, sizeof cache, "/proc/none/cache");
    expect_from_cache(20, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(second_start_loads, setup),
        cmocka_unit_test_setup(other_rules_are_another_entry, setup),
        cmocka_unit_test_setup(damage_is_rebuilt, setup),
        cmocka_unit_test_setup(another_key_is_foreign, setup),
        cmocka_unit_test_setup(an_open_directory_is_not_used, setup),
        cmocka_unit_test_setup(no_directory_is_no_error, setup),
    };
    if (!assay_vs_available()) {
        puts("1..0 # SKIP no Vectorscan: nothing is cached");
        return 0;
    }
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)setup(NULL);
    (void)rmdir(cache);
    (void)snprintf(cache, sizeof cache, "%s/sub", dir);
    (void)rmdir(cache);
    (void)rmdir(dir);
    return rc;
}
