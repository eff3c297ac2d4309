/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/term.h"
#include "core/arena.h"
#include "core/fs.h"

static int is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* --scanner NAME keeps only those named, --no-scanner NAME leaves one out. */
static int select_scanners(const struct cli_args *args, struct cli_setup *s)
{
    struct assay_error err = {0};
    for (int except = 0; except < 2; except++) {
        size_t n;
        const char *const *names = cli_values(args, except ? "no-scanner" : "scanner", &n);
        if (n > 0 && assay_plugins_select(s->plugins, names, n, except, &err) != ASSAY_OK) {
            return cli_fail(&err);
        }
    }
    return 0;
}

int cli_setup_plugins(const struct cli_args *args, struct cli_setup *s)
{
    struct assay_error err = {0};
    s->plugins = assay_plugins_new();
    if (s->plugins == NULL) {
        (void)assay_fail(&err, ASSAY_NOMEM, "out of memory");
        return cli_fail(&err);
    }
    const char *dir = cli_value(args, "plugin-dir");
    if (dir == NULL && is_directory(ASSAY_PLUGINDIR)) {
        dir = ASSAY_PLUGINDIR;
    }
    if (dir != NULL && assay_plugins_load_dir(s->plugins, dir, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    size_t n;
    const char *const *files = cli_values(args, "plugin", &n);
    for (size_t i = 0; i < n; i++) {
        if (assay_plugins_load_file(s->plugins, files[i], &err) != ASSAY_OK) {
            return cli_fail(&err);
        }
    }
    return select_scanners(args, s);
}

int cli_setup_rules(const struct cli_args *args, struct cli_setup *s)
{
    size_t n_packs;
    size_t n_decls;
    const char *const *packs = cli_values(args, "pack", &n_packs);
    const struct assay_rule_decl *const *decls = assay_plugins_decls(s->plugins, &n_decls);
    struct assay_diags *diags = cli_diags_new();
    if (diags == NULL) {
        return 3;
    }
    s->rules = assay_ruleset_load(packs, n_packs, decls, n_decls, diags);
    if (s->rules != NULL) {
        size_t n_left_out;
        const char *const *left_out = assay_plugins_left_out(s->plugins, &n_left_out);
        assay_ruleset_leave_out(s->rules, left_out, n_left_out);
        assay_plugins_check_rules(s->plugins, s->rules, diags);
    }
    int code = cli_diags(args, diags, "no rules were loaded");
    assay_diags_free(diags);
    return s->rules == NULL && code == 0 ? 2 : code;
}

int cli_setup_scanners(struct cli_setup *s, const char *const *names, size_t n)
{
    struct assay_error err = {0};
    return assay_plugins_select(s->plugins, names, n, 0, &err) == ASSAY_OK ? 0 : cli_fail(&err);
}

static enum assay_matcher_engine engine_named(const char *name)
{
    static const struct {
        const char *name;
        enum assay_matcher_engine engine;
    } engines[] = {{"vectorscan", ASSAY_ENGINE_VECTORSCAN},
                   {"prefilter", ASSAY_ENGINE_PREFILTER},
                   {"oracle", ASSAY_ENGINE_ORACLE}};
    for (size_t i = 0; name != NULL && i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(engines[i].name, name) == 0) {
            return engines[i].engine;
        }
    }
    return ASSAY_ENGINE_AUTO;
}

int cli_setup_matcher(const struct cli_args *args, struct cli_setup *s)
{
    char home[4096];
    struct assay_error err = {0};
    struct assay_matcher_options opt = {.engine = engine_named(cli_value(args, "engine"))};
    opt.cache_dir = cli_value(args, "cache-dir");
    if (cli_given(args, "no-cache")) {
        opt.cache_dir = NULL;
    } else if (opt.cache_dir == NULL &&
               assay_fs_home(ASSAY_HOME_CACHE, home, sizeof home, NULL) == ASSAY_OK) {
        opt.cache_dir = home;
    }
    if (assay_matcher_new(s->rules, &opt, &s->matcher, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    return 0;
}

int cli_setup_policy(const struct cli_args *args, const char *path, struct cli_setup *s)
{
    struct assay_diags *diags = cli_diags_new();
    if (diags == NULL) {
        return 3;
    }
    s->policy = assay_policy_load(path, s->rules, diags);
    int code = cli_diags(args, diags, "the policy was not loaded");
    assay_diags_free(diags);
    return s->policy == NULL && code == 0 ? 2 : code;
}

int cli_signing_key(const struct cli_args *args, struct assay_key **ret)
{
    struct assay_error err = {0};
    struct assay_passphrase pass = cli_passphrase(args);
    const char *path = cli_value(args, "key");
    int made = 0;
    char where[PATH_MAX] = "";
    enum assay_status status =
        path != NULL ? assay_key_load_private(path, &pass, ret, &err)
                     : assay_key_default(&pass, ret, &made, where, sizeof where, &err);
    if (status != ASSAY_OK) {
        /* What is wrong with a key is wrong with the set-up, whatever else its code would mean. */
        (void)cli_fail(&err);
        return 2;
    }
    if (made) {
        cli_note(args, "Made a signing key: %s (mode 0600), public half %s.pub", where, where);
    }
    return 0;
}

int cli_keys_load(const struct cli_args *args, const char *option, const char *otherwise,
                  struct cli_keys *ret)
{
    size_t n;
    struct assay_error err = {0};
    const char *const *paths = cli_values(args, option, &n);
    if (n == 0 && otherwise != NULL) {
        paths = &otherwise;
        n = 1;
    }
    ret->items = assay_alloc_array(n + 1, sizeof ret->items[0]);
    if (ret->items == NULL) {
        (void)assay_fail(&err, ASSAY_NOMEM, "out of memory");
        return cli_fail(&err);
    }
    for (; ret->n < n; ret->n++) {
        if (assay_key_load_public(paths[ret->n], &ret->items[ret->n], &err) != ASSAY_OK) {
            (void)cli_fail(&err);
            return 2;
        }
    }
    return 0;
}

void cli_keys_release(struct cli_keys *k)
{
    for (size_t i = 0; i < k->n; i++) {
        assay_key_free(k->items[i]);
    }
    free(k->items);
}

/* The nearest existing ancestor of `path`, resolved. */
static int resolve_existing(const char *path, char out[PATH_MAX])
{
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof copy, "%s", path);
    while (realpath(copy, out) == NULL) {
        char *slash = strrchr(copy, '/');
        if (slash == NULL) {
            return realpath(".", out) != NULL ? 0 : -1;
        }
        *slash = '\0';
        if (copy[0] == '\0') {
            (void)snprintf(out, PATH_MAX, "/");
            return 0;
        }
    }
    return 0;
}

int cli_is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/' || n == 1);
}

int cli_check_outside(const struct cli_args *args, const char *target)
{
    char out[PATH_MAX];
    char root[PATH_MAX];
    if (target == NULL || resolve_existing(target, out) != 0) {
        return 0;
    }
    for (size_t i = 0; i < cli_operands(args); i++) {
        if (realpath(cli_operand(args, i), root) == NULL) {
            continue;
        }
        if (cli_is_within(out, root)) {
            (void)fprintf(stderr,
                          "assay: '%s' is inside the dataset '%s': nothing is written there; "
                          "choose another place\n",
                          target, cli_operand(args, i));
            return 2;
        }
    }
    return 0;
}

/* The last part of `path` goes: "a/b" is "a", "a" is ".", "/a" is "/". */
static void go_up(char path[PATH_MAX])
{
    char *slash = strrchr(path, '/');
    if (slash == NULL) {
        (void)snprintf(path, PATH_MAX, ".");
    } else {
        slash[slash == path] = '\0';
    }
}

int cli_check_writable(const char *target, int is_dir)
{
    char path[PATH_MAX];
    if (target == NULL || strlen(target) >= sizeof path) {
        return 0; /* writing says so */
    }
    (void)snprintf(path, sizeof path, "%s", target);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) {
        path[n - 1] = '\0';
    }
    if (!is_dir) {
        go_up(path);
    }
    while (is_dir && access(path, F_OK) != 0 && errno == ENOENT && strcmp(path, ".") != 0) {
        go_up(path);
    }
    if (access(path, W_OK | X_OK) != 0) {
        const char *why = strerrordesc_np(errno);
        return cli_error("nothing can be written to '%s': %s: %s; choose another place", target,
                         path, why);
    }
    return 0;
}

void cli_setup_release(struct cli_setup *s)
{
    assay_policy_free(s->policy);
    assay_matcher_free(s->matcher);
    assay_ruleset_free(s->rules);
    assay_plugins_free(s->plugins);
}
