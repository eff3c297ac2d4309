/* SPDX-License-Identifier: Apache-2.0
 * The set of plugins, and every reason for which the loader refuses a file. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/hash.h"
#include "engine/plugins.h"

/* ---- a directory to load from ------------------------------------------------------------------
 */

static char dir[64];
static char at[128];

static const char *path_of(const char *name)
{
    (void)snprintf(at, sizeof at, "%s/%s", dir, name);
    return at;
}

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/assay-plugins-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"variant.so",     "other.so", "Variant.so",
                                        "variant.so.bak", "link.so",  "script.so",
                                        "sub.so",         "abi.so",   "zz.so"};
    (void)state;
    (void)chmod(dir, 0700);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)remove(path_of(names[i]));
    }
    return rmdir(dir);
}

static void put(const char *name, const void *data, size_t len)
{
    struct assay_error err;
    assert_int_equal(assay_fs_write_file(path_of(name), data, len, 0644, &err), ASSAY_OK);
    assert_int_equal(chmod(at, 0644), 0);
}

/* Copies a built variant into the directory. */
static void install(const char *variant, const char *name)
{
    char built[512];
    struct assay_buf so;
    struct assay_error err;
    const char *build = getenv("ASSAY_BUILDDIR");
    assay_buf_init(&so, 1 << 24);
    (void)snprintf(built, sizeof built, "%s/tests/unit/engine/.libs/plugin_%s.so",
                   build == NULL ? "." : build, variant);
    if (assay_fs_read_file(built, 1 << 24, &so, &err) != ASSAY_OK) {
        fail_msg("%s: %s", built, err.message);
    }
    put(name, so.ptr, so.len);
    assay_buf_release(&so);
}

/* Loads dir/name, which must fail so. */
static void refused(const char *name, enum assay_status status, const char *message)
{
    struct assay_plugins *ps = assay_plugins_new();
    size_t before = assay_plugins_count(ps);
    struct assay_error err;
    assert_int_equal(assay_plugins_load_file(ps, path_of(name), NULL), status);
    assert_int_equal(assay_plugins_load_file(ps, path_of(name), &err), status);
    if (strstr(err.message, message) == NULL) {
        fail_msg("'%s' is not in '%s'", message, err.message);
    }
    assert_non_null(strstr(err.where, dir));
    assert_int_equal(assay_plugins_count(ps), before);
    assay_plugins_free(ps);
}

/* ---- loading -----------------------------------------------------------------------------------
 */

static void a_good_plugin_loads_and_is_hashed(void **state)
{
    (void)state;
    struct assay_plugins *ps = assay_plugins_new();
    struct assay_error err;
    struct assay_buf so;
    uint8_t sha[32];
    install("good", "variant.so");
    if (assay_plugins_load_file(ps, path_of("variant.so"), &err) != ASSAY_OK) {
        fail_msg("%s", err.message);
    }
    const struct assay_plugin *p = assay_plugins_find(ps, ASSAY_PLUGIN_SCANNER, "variant");
    assert_non_null(p);
    assert_null(assay_plugins_find(ps, ASSAY_PLUGIN_READER, "variant"));
    assert_string_equal(p->path, path_of("variant.so"));
    assert_string_equal(p->version, "1.0");
    assert_ptr_equal(p->scanner->name, p->name);
    assay_buf_init(&so, 1 << 24);
    assert_int_equal(assay_fs_read_file(at, 1 << 24, &so, &err), ASSAY_OK);
    assert_int_equal(assay_sha256_of(so.ptr, so.len, sha), ASSAY_OK);
    assert_memory_equal(p->sha256, sha, sizeof sha);
    assay_buf_release(&so);
    assert_int_equal(assay_plugins_load_file(ps, path_of("variant.so"), &err), ASSAY_EXISTS);
    assert_non_null(strstr(err.message, "the name 'variant' is taken by another loaded scanner"));
    assay_plugins_free(ps);
}

static void a_bare_name_is_not_searched_for(void **state)
{
    (void)state;
    char before[256];
    struct assay_error err;
    struct assay_plugins *ps = assay_plugins_new();
    install("good", "variant.so");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(assay_plugins_load_file(ps, "variant.so", &err), ASSAY_OK);
    assert_int_equal(assay_plugins_load_file(ps, "libc.so", &err), ASSAY_NOTFOUND);
    assert_int_equal(chdir(before), 0);
    assay_plugins_free(ps);
}

static void faults_of_the_descriptor(void **state)
{
    (void)state;
    static const struct {
        const char *variant, *message;
    } rows[] = {
        {"abi", "built for plugin ABI 2, this program has ABI 1: rebuild it"},
        {"size", "descriptor has 16 bytes, this program needs"},
        {"member", "does not set the required member 'merge'"},
        {"symbol", "exports neither assay_reader_plugin nor assay_scanner_plugin"},
        {"both", "exports both a reader and a scanner"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* A path of its own: what was loaded from a path stays loaded. */
        assert_int_equal(remove_dir(state), 0);
        assert_int_equal(make_dir(state), 0);
        install(rows[i].variant, "variant.so");
        refused("variant.so", ASSAY_PLUGIN, rows[i].message);
    }
    install("good", "other.so");
    refused("other.so", ASSAY_PLUGIN,
            "the file is named 'other.so' but the scanner in it 'variant'");
}

static void faults_of_the_file(void **state)
{
    (void)state;
    install("good", "variant.so");
    assert_int_equal(symlink("variant.so", path_of("link.so")), 0);
    refused("link.so", ASSAY_DENIED, "a symbolic link");
    put("script.so", "#!/bin/sh\n", 10);
    refused("script.so", ASSAY_PLUGIN, "not an ELF file");
    assert_int_equal(mkdir(path_of("sub.so"), 0700), 0);
    refused("sub.so", ASSAY_PLUGIN, "not a regular file");
    refused("missing.so", ASSAY_NOTFOUND, "cannot open the plugin");
    assert_int_equal(chmod(path_of("variant.so"), 0666), 0);
    refused("variant.so", ASSAY_DENIED, "can be written to by others (mode 0666)");
    assert_int_equal(chmod(path_of("variant.so"), 0644), 0);
    char head[64] = {0};
    memcpy(head, "\177ELF", 4);
    head[16] = 2; /* ET_EXEC */
    put("script.so", head, sizeof head);
    refused("script.so", ASSAY_PLUGIN, "not a shared object");
    head[16] = 3;
    put("script.so", head, sizeof head);
    refused("script.so", ASSAY_PLUGIN, "cannot be loaded: ");
}

static void faults_of_the_directory_and_owner(void **state)
{
    (void)state;
    install("good", "variant.so");
    assert_int_equal(chmod(dir, 0777), 0);
    refused("variant.so", ASSAY_DENIED, "the plugin directory can be written to by others");
    assert_int_equal(chmod(dir, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path_of("variant.so"), 65534, 65534), 0);
        refused("variant.so", ASSAY_DENIED, "the plugin belongs to user 65534");
        assert_int_equal(chown(path_of("variant.so"), 0, 0), 0);
        assert_int_equal(chown(dir, 65534, 65534), 0);
        refused("variant.so", ASSAY_DENIED, "the plugin directory belongs to user 65534");
        assert_int_equal(chown(dir, 0, 0), 0);
    }
}

static void names_that_are_no_plugin_names(void **state)
{
    (void)state;
    static const char *const names[] = {"Variant.so", "variant.so.bak", "variant", ".so",
                                        "2x.so",      "a-b.so",         ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        refused(names[i], ASSAY_PLUGIN, "a plugin file is named [a-z][a-z0-9_]*.so");
    }
}

static void a_directory_is_loaded_in_name_order_past_bad_ones(void **state)
{
    (void)state;
    struct assay_plugins *ps = assay_plugins_new();
    struct assay_error err;
    size_t before = assay_plugins_count(ps);
    (void)remove(path_of("variant.so"));
    install("good", "variant.so");
    put("variant.so.bak", "x", 1);
    put("Variant.so", "x", 1);
    assert_int_equal(assay_plugins_load_dir(ps, dir, &err), ASSAY_OK);
    assert_int_equal(assay_plugins_count(ps), before + 1);
    assay_plugins_free(ps);
    ps = assay_plugins_new();
    install("abi", "abi.so");
    put("zz.so", "x", 1);
    assert_int_equal(assay_plugins_load_dir(ps, dir, &err), ASSAY_PLUGIN);
    assert_non_null(strstr(err.message, "ABI 2"));
    assert_non_null(strstr(err.message, "(and 1 more failed)"));
    assert_non_null(strstr(err.where, "/abi.so"));
    assert_int_equal(assay_plugins_count(ps), before + 1);
    assay_plugins_free(ps);
    ps = assay_plugins_new();
    assert_int_equal(assay_plugins_load_dir(ps, "/nonexistent", &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_plugins_load_dir(ps, "/nonexistent", NULL), ASSAY_NOTFOUND);
    assay_plugins_free(ps);
}

/* ---- the set -----------------------------------------------------------------------------------
 */

static enum assay_status s_init(const struct assay_host *host, void **ret, struct assay_error *err)
{
    (void)host;
    (void)err;
    *ret = NULL;
    return ASSAY_OK;
}

static enum assay_status s_local(const void *shared, void **ret, struct assay_error *err)
{
    return s_init(shared, ret, err);
}

static enum assay_status s_file(const void *shared, void *local, const struct assay_file *file,
                                struct assay_sink *sink)
{
    (void)shared;
    (void)local;
    (void)file;
    (void)sink;
    return ASSAY_OK;
}

static enum assay_status s_merge(const void *shared, void *into, void *from,
                                 struct assay_error *err)
{
    (void)shared;
    (void)into;
    (void)from;
    (void)err;
    return ASSAY_OK;
}

static enum assay_status s_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    (void)shared;
    (void)merged;
    (void)sink;
    return ASSAY_OK;
}

static enum assay_status
s_save(const void *shared, const void *local,
       enum assay_status (*put_bytes)(void *ctx, const void *data, size_t len), void *ctx)
{
    (void)shared;
    (void)local;
    return put_bytes(ctx, "", 0);
}

static const struct assay_scanner sample = {.abi = ASSAY_PLUGIN_ABI,
                                            .size = sizeof sample,
                                            .name = "sample",
                                            .version = "1",
                                            .license = "Apache-2.0",
                                            .summary = "s",
                                            .init = s_init,
                                            .local_init = s_local,
                                            .file = s_file,
                                            .merge = s_merge,
                                            .finish = s_finish,
                                            .local_free = free,
                                            .free = free};

static void built_in_plugins_are_complete(void **state)
{
    (void)state;
    struct assay_plugins *ps = assay_plugins_new();
    size_t n_decls;
    assert_non_null(ps);
    const struct assay_rule_decl *const *decls = assay_plugins_decls(ps, &n_decls);
    assert_true(n_decls >= 1);
    assert_ptr_equal(decls[0], assay_engine_rules);
    for (size_t i = 0; i < assay_plugins_count(ps); i++) {
        const struct assay_plugin *p = assay_plugins_get(ps, i);
        assert_null(p->path);
        assert_ptr_equal(assay_plugins_find(ps, p->kind, p->name), p);
        for (const struct assay_rule_decl *r = p->rules; r != NULL && r->id != NULL; r++) {
            assert_non_null(r->title_zh);
            assert_non_null(r->help_zh);
        }
    }
    assert_null(assay_plugins_get(ps, assay_plugins_count(ps)));
    assay_plugins_free(ps);
    assay_plugins_free(NULL);
}

static void added_descriptors_are_checked(void **state)
{
    (void)state;
    static const struct assay_option bad_default[] = {
        {"n", ASSAY_OPT_INT, 1, 5, NULL, "9", "h"}, {NULL, ASSAY_OPT_INT, 0, 0, NULL, NULL, NULL}};
    static const struct assay_option no_help[] = {{"n", ASSAY_OPT_INT, 1, 5, NULL, "3", NULL},
                                                  {NULL, ASSAY_OPT_INT, 0, 0, NULL, NULL, NULL}};
    static const struct assay_rule_decl no_title[] = {
        {"sample.x", NULL, ASSAY_SEVERITY_LOW, NULL, NULL, "h", "h"},
        {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL}};
    static const char *const messages[] = {
        "is not of the form",        "none of 'scan', 'file' and 'take'",
        "only one of 'save'",        "the default of option 'n' is not valid",
        "option 'n' has a bad name", "rule 'sample.x' lacks a title"};
    struct assay_scanner faulty[6] = {sample, sample, sample, sample, sample, sample};
    struct assay_error err;
    struct assay_plugins *ps = assay_plugins_new();
    faulty[0].name = "Bad";
    faulty[1].file = NULL;
    faulty[2].save = s_save;
    faulty[3].options = bad_default;
    faulty[4].options = no_help;
    faulty[5].rules = no_title;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(assay_plugins_add_scanner(ps, &faulty[i], &err), ASSAY_PLUGIN);
        if (strstr(err.message, messages[i]) == NULL) {
            fail_msg("'%s' is not in '%s'", messages[i], err.message);
        }
    }
    assert_int_equal(assay_plugins_add_scanner(ps, &sample, &err), ASSAY_OK);
    assert_int_equal(assay_plugins_add_scanner(ps, &sample, &err), ASSAY_EXISTS);
    static const struct assay_reader no_reader = {.abi = ASSAY_PLUGIN_ABI,
                                                  .size = sizeof no_reader};
    assert_int_equal(assay_plugins_add_reader(ps, &no_reader, &err), ASSAY_PLUGIN);
    assert_non_null(strstr(err.message, "required member 'name'"));
    assay_plugins_free(ps);
}

static void the_set_grows(void **state)
{
    (void)state;
    enum { N = 100 };
    static struct assay_scanner many[N];
    static char names[N][8];
    struct assay_plugins *ps = assay_plugins_new();
    for (size_t i = 0; i < N; i++) {
        many[i] = sample;
        (void)snprintf(names[i], sizeof names[i], "s%zu", i);
        many[i].name = names[i];
        assert_int_equal(assay_plugins_add_scanner(ps, &many[i], NULL), ASSAY_OK);
    }
    assert_ptr_equal(assay_plugins_find(ps, ASSAY_PLUGIN_SCANNER, "s42")->scanner, &many[42]);
    assay_plugins_free(ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_plugin_loads_and_is_hashed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_bare_name_is_not_searched_for, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(faults_of_the_descriptor, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(faults_of_the_file, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(faults_of_the_directory_and_owner, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(names_that_are_no_plugin_names, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_directory_is_loaded_in_name_order_past_bad_ones, make_dir,
                                        remove_dir),
        cmocka_unit_test(built_in_plugins_are_complete),
        cmocka_unit_test(added_descriptors_are_checked),
        cmocka_unit_test(the_set_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
