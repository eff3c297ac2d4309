/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/check.c: `assayd --check-config`: everything a daemon would run from, checked by a process
 * that ends.
 *
 * The configuration, then for every source its packs, its policy against them, its settings, its
 * lists of accepted groups with their signatures, and the plugins; all errors at once, with their
 * places. Rules that come from directories also run their own examples;
 * those built in did when the program was built. Compiling them fills the cache that workers read.
 * The daemon runs this very thing before it starts and at every reload (reload.c), so that it never
 * parses a rule itself and does not grow by one.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "daemon/generation.h"
#include "daemon/server.h"
#include "engine/plugins.h"
#include "engine/setting.h"
#include "reports/accepted.h"
#include "rules/matcher.h"
#include "rules/policy.h"
#include "rules/ruleset.h"
#include "rules/yara.h"

struct check {
    const struct assay_config *config;
    const char *copies; /* NULL: the originals are checked */
    struct assay_plugins *plugins;
    struct assay_diags *diags;
};

static void say(struct check *k, const struct assay_error *err)
{
    char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
    assay_error_format(err, line, sizeof line);
    assay_diags_error(k->diags, NULL, NULL, "%s", line);
}

/* Loads the plugins; a directory from which no code may be mapped is told here, by name. */
static void check_plugins(struct check *k)
{
    char dir[PATH_MAX];
    struct statvfs fs;
    struct assay_error err = {0};
    if (k->config->plugins_dir == NULL) {
        return;
    }
    (void)snprintf(dir, sizeof dir, "%s", k->config->plugins_dir);
    if (k->copies != NULL) {
        assay_generation_plugins(k->copies, dir);
        if (statvfs(k->copies, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0) {
            assay_diags_error(k->diags, NULL, NULL,
                              "plugins cannot be loaded: state_dir (%s) is mounted noexec",
                              k->config->state_dir);
            return;
        }
    }
    if (assay_plugins_load_dir(k->plugins, dir, &err) != ASSAY_OK) {
        say(k, &err);
    }
}

static void on_test(void *ctx, const struct assay_rule *rule, const struct assay_rule_test *test,
                    int passed, const char *why)
{
    struct check *k = ctx;
    if (!passed) {
        assay_diags_error(k->diags, NULL, NULL, "%s:%u: the example of rule %s should %s%s%s",
                          rule->file, test->line, rule->view.id, test->hit ? "hit" : "miss",
                          why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
}

static int has_own_rules(const struct assay_ruleset *rules)
{
    for (size_t i = 0; i < assay_ruleset_packs(rules); i++) {
        if (!assay_ruleset_pack(rules, i)->embedded) {
            return 1;
        }
    }
    return 0;
}

/* Runs the examples of every rule. */
static enum assay_status self_test(struct check *k, const struct assay_ruleset *rules,
                                   struct assay_error *err)
{
    size_t failed = 0;
    struct assay_matcher *matcher = NULL;
    struct assay_scratch *scratch = NULL;
    const char *cache = k->config->cache_dir;
    const struct assay_matcher_options opt = {.cache_dir = access(cache, W_OK) == 0 ? cache : NULL};
    enum assay_status status = assay_matcher_new(rules, &opt, &matcher, err);
    if (status == ASSAY_OK) {
        status = assay_scratch_new(matcher, &scratch, err);
    }
    if (status == ASSAY_OK) {
        (void)assay_matcher_self_test(matcher, scratch, ASSAY_NONE, on_test, k);
        status = assay_yara_self_test(rules, ASSAY_NONE, on_test, k, &failed, err);
    }
    assay_scratch_free(scratch);
    assay_matcher_free(matcher);
    return status;
}

static void check_rules(struct check *k, const struct assay_config_list *packs, const char *policy)
{
    size_t n_decls;
    struct assay_error err = {0};
    size_t before = assay_diags_errors(k->diags);
    const struct assay_rule_decl *const *decls = assay_plugins_decls(k->plugins, &n_decls);
    struct assay_ruleset *rules =
        assay_ruleset_load(packs->items, packs->n, decls, n_decls, k->diags);
    if (rules == NULL) {
        return;
    }
    assay_plugins_check_rules(k->plugins, rules, k->diags);
    assay_policy_free(assay_policy_load(policy, rules, k->diags));
    if (assay_diags_errors(k->diags) == before && has_own_rules(rules) &&
        self_test(k, rules, &err) != ASSAY_OK) {
        say(k, &err);
    }
    assay_ruleset_free(rules);
}

/* ---- settings and suppressions --------------------------------------------------------------- */

/* What a worker cannot do, or may not be told so. */
static const char *is_refused(const struct assay_plugin_option *o, const struct assay_option *row)
{
    if (assay_accepted_is_setting(o)) {
        return "groups are accepted by signed lists: suppressions";
    }
    return row->type == ASSAY_OPT_PATH ? "it names a file, and a worker opens none but its dataset"
                                       : NULL;
}

static void check_setting(struct check *k, const char *source, const char *text,
                          struct assay_arena *arena)
{
    struct assay_error err = {0};
    struct assay_plugin_option o;
    const struct assay_option *row;
    enum assay_status status = assay_setting_parse(text, arena, &o, &err);
    status = status == ASSAY_OK ? assay_setting_check(k->plugins, &o, &row, &err) : status;
    const char *why = status == ASSAY_OK ? is_refused(&o, row) : err.message;
    if (why != NULL) {
        assay_diags_error(k->diags, NULL, NULL, "source '%.100s': settings: '%.100s': %s", source,
                          text, why);
    }
}

/* `lists`, `keys`: where the copies, or the originals, lie. */
static void check_accepted(struct check *k, const struct assay_config_list *lists,
                           const struct assay_config_list *keys)
{
    struct assay_error err = {0};
    struct assay_accepted accepted = {0};
    if (lists->n > 0 && assay_accepted_load_files(&accepted, lists->items, lists->n, keys->items,
                                                  keys->n, assay_wall_ms(), &err) != ASSAY_OK) {
        say(k, &err);
    }
    assay_accepted_release(&accepted);
}

/* ---- sources --------------------------------------------------------------------------------- */

typedef int copy_of(const struct assay_config *c, const char *dir, const char *name,
                    char ret[PATH_MAX]);

/* A list of names, with those of the copies where there are some. */
static struct assay_config_list names_of(const struct check *k,
                                         const struct assay_config_list *names, copy_of *copy,
                                         struct assay_arena *arena)
{
    char path[PATH_MAX];
    const char **items = assay_arena_array(arena, names->n + 1, sizeof items[0]);
    for (size_t i = 0; items != NULL && i < names->n; i++) {
        int copied = k->copies != NULL && copy(k->config, k->copies, names->items[i], path);
        items[i] = copied ? assay_arena_strdup(arena, path) : names->items[i];
    }
    return (struct assay_config_list){items, items == NULL ? 0 : names->n};
}

/* Whether an earlier source has the same packs and policy. */
static int is_repeated(const struct assay_config *c, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        const struct assay_config_source *a = &c->sources[i];
        const struct assay_config_source *b = &c->sources[j];
        int same = a->packs.n == b->packs.n && (a->policy == NULL) == (b->policy == NULL) &&
                   (a->policy == NULL || strcmp(a->policy, b->policy) == 0);
        for (size_t p = 0; same && p < a->packs.n; p++) {
            same = strcmp(a->packs.items[p], b->packs.items[p]) == 0;
        }
        if (same) {
            return 1;
        }
    }
    return 0;
}

/* Under the names by which a worker will load it: the originals', or those of the copies. */
static void check_source(struct check *k, const struct assay_config_source *s, int repeated)
{
    char path[PATH_MAX];
    struct assay_arena *arena = assay_arena_new(ASSAY_MIB(4));
    if (arena == NULL) {
        assay_diags_error(k->diags, NULL, NULL, "out of memory");
        return;
    }
    const struct assay_config_list packs = names_of(k, &s->packs, assay_generation_pack, arena);
    const struct assay_config_list lists =
        names_of(k, &s->suppressions, assay_generation_suppressions, arena);
    const struct assay_config_list keys =
        names_of(k, &s->suppressions_keys, assay_generation_suppressions, arena);
    int copied =
        k->copies != NULL && assay_generation_policy(k->config, k->copies, s->policy, path);
    if (!assay_arena_overflowed(arena) && !repeated) {
        check_rules(k, &packs, copied ? path : s->policy);
    }
    for (size_t i = 0; i < s->settings.n; i++) {
        check_setting(k, s->name, s->settings.items[i], arena);
    }
    if (assay_arena_overflowed(arena)) {
        assay_diags_error(k->diags, NULL, NULL, "out of memory");
    } else {
        check_accepted(k, &lists, &keys);
    }
    assay_arena_free(arena);
}

static void check_all(struct check *k, const char *config_path)
{
    struct assay_error err = {0};
    k->plugins = assay_plugins_new();
    if (k->plugins == NULL) {
        assay_diags_error(k->diags, NULL, NULL, "out of memory");
        return;
    }
    if (k->copies != NULL &&
        assay_generation_copy(k->config, config_path, k->copies, &err) != ASSAY_OK) {
        say(k, &err);
    } else {
        check_plugins(k);
        for (size_t i = 0; i < k->config->n_sources; i++) {
            check_source(k, &k->config->sources[i], is_repeated(k->config, i));
        }
        check_source(k, &k->config->submit, 1); /* its rules come with what is submitted */
    }
    assay_plugins_free(k->plugins);
}

static void show(const struct check *k, const char *config_path)
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_MIB(1));
    assay_diags_render(k->diags, &text, isatty(STDERR_FILENO));
    if (k->copies != NULL && k->config != NULL) {
        assay_generation_rename(k->config, config_path, k->copies, &text);
    }
    (void)assay_fs_write_all(STDERR_FILENO, text.ptr, text.len);
}

int server_check_main(const struct server_options *opt)
{
    struct check k = {.copies = opt->copy_to, .diags = assay_diags_new()};
    struct assay_config *config =
        k.diags == NULL ? NULL : assay_config_load(opt->config_path, k.diags);
    k.config = config;
    if (config != NULL) {
        check_all(&k, opt->config_path);
    }
    int ok = config != NULL && assay_diags_errors(k.diags) == 0;
    if (k.diags != NULL) {
        show(&k, opt->config_path);
    }
    if (!ok) {
        (void)fputs("assayd: the configuration is not usable\n", stderr);
    } else if (k.copies == NULL) {
        (void)printf("%s: ok, %zu source%s\n", opt->config_path, config->n_sources,
                     config->n_sources == 1 ? "" : "s");
    }
    assay_config_free(config);
    assay_diags_free(k.diags);
    return ok ? 0 : 2;
}
