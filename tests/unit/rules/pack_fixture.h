/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/rules/pack_fixture.h: packs in a temporary directory, loads, rendered diagnostics. */
#ifndef ASSAY_TESTS_PACK_FIXTURE_H
#define ASSAY_TESTS_PACK_FIXTURE_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/ruleset.h"

__attribute__((unused)) static char fixture_dir[64];

__attribute__((unused)) static int fixture_setup(void **state)
{
    (void)state;
    (void)snprintf(fixture_dir, sizeof fixture_dir, "/tmp/assay-rules-XXXXXX");
    return mkdtemp(fixture_dir) == NULL ? -1 : chdir(fixture_dir);
}

__attribute__((unused)) static int fixture_remove(const char *path, const struct stat *st, int kind,
                                                  struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

__attribute__((unused)) static int fixture_teardown(void **state)
{
    (void)state;
    return chdir("/") != 0 ? -1 : nftw(fixture_dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the fixture, making its directories. */
__attribute__((unused)) static void put_file(const char *name, const char *text, size_t len)
{
    char path[256];
    for (const char *slash = name; (slash = strchr(slash, '/')) != NULL; slash++) {
        (void)snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
        assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
    }
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

__attribute__((unused)) static void put(const char *name, const char *text)
{
    put_file(name, text, strlen(text));
}

#define PACK_HEAD "pack: p\nversion: 1.0.0\ntitle: {en: P, zh: 包}\n"

/* A pack `./p` with one rule file `r.yaml`. */
__attribute__((unused)) static void put_pack(const char *rules)
{
    put("p/pack.yaml", PACK_HEAD);
    put("p/r.yaml", rules);
}

__attribute__((unused)) static char *fixture_render(const struct assay_diags *d)
{
    struct assay_buf out;
    assay_buf_init(&out, 1 << 20);
    assay_diags_render(d, &out, 0);
    assay_buf_addc(&out, '\0');
    assert_int_equal(assay_buf_status(&out), ASSAY_OK);
    return assay_buf_take(&out);
}

/* Loads; diagnostics that were not expected fail the test with their text. */
__attribute__((unused)) static struct assay_ruleset *load_ok(const char *const *packs, size_t n)
{
    struct assay_diags *d = assay_diags_new();
    struct assay_ruleset *rs = assay_ruleset_load(packs, n, NULL, 0, d);
    char *text = fixture_render(d);
    assert_string_equal(text, "");
    assert_non_null(rs);
    free(text);
    assay_diags_free(d);
    return rs;
}

__attribute__((unused)) static struct assay_ruleset *load_p(void)
{
    return load_ok((const char *const[]){"./p"}, 1);
}

#endif
