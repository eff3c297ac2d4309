/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_source.c: the sources of a configuration, each in itself and beside the others.
 */
#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/option.h"
#include "daemon/config_read.h"
#include "daemon/source.h"

static const char *last_component(struct config_loader *l, const char *path)
{
    const char *name = assay_arena_dup(l->c->arena, assay_path_base(path));
    return name == NULL || name[0] == '\0' ? "root" : name;
}

static int is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') {
        n--;
    }
    return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/' || n == 1);
}

/* Nothing of ours may lie inside what is watched, nor the other way round. */
static void check_apart(struct config_loader *l, const char *path, const struct assay_yaml_node *n)
{
    const struct {
        const char *what, *path;
    } ours[] = {{"state_dir", l->c->state_dir},
                {"cache_dir", l->c->cache_dir},
                {"reports.dir", l->c->reports_dir}};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (is_within(ours[i].path, path) || is_within(path, ours[i].path)) {
            assay_diags_error(
                l->d, l->y, n,
                "the source and %s (%s) overlap: nothing is written where datasets lie",
                ours[i].what, ours[i].path);
        }
    }
}

/* A source is at its path or at its url, as its kind has it; there it is shown. */
static void place_source(struct config_loader *l, const struct assay_source_kind *kind,
                         struct assay_config_source *s, const struct assay_yaml_node *n)
{
    const char *key = kind->by_url ? "url" : "path";
    const char *other = kind->by_url ? "path" : "url";
    const char *place = kind->by_url ? s->url : s->path;
    if ((kind->by_url ? s->path : s->url) != NULL) {
        assay_diags_error(l->d, l->y, assay_yaml_get(n, other), "kind %s takes %s, not %s",
                          kind->name, key, other);
    }
    if (place == NULL) {
        assay_diags_error(l->d, l->y, n, "%s is missing", key);
    }
    s->path = place == NULL ? "" : place;
}

/* By its name a run finds its source again. */
static void check_name(struct config_loader *l, size_t i, const struct assay_yaml_node *n)
{
    const char *name = l->c->sources[i].name;
    if (strcmp(name, ASSAY_SOURCE_SUBMIT) == 0) {
        assay_diags_error(l->d, l->y, n,
                          "no source can be named '%s', which is what 'assay submit' brings: set "
                          "another name",
                          name);
    }
    for (size_t j = 0; j < i; j++) {
        if (l->c->sources[j].name != NULL && strcmp(l->c->sources[j].name, name) == 0) {
            assay_diags_error(l->d, l->y, n, "two sources are named '%.100s': set name", name);
        }
    }
}

void config_check_suppressions(struct config_loader *l, const struct assay_config_source *s,
                               const struct assay_yaml_node *n)
{
    const size_t most = ASSAY_LIMIT_ACCEPTED_LISTS;
    if ((s->suppressions.n == 0) != (s->suppressions_keys.n == 0)) {
        assay_diags_error(l->d, l->y, n,
                          "suppressions and suppressions_keys are given together: a list counts "
                          "only if it is signed");
    }
    if (s->suppressions.n > most || s->suppressions_keys.n > most) {
        assay_diags_error(l->d, l->y, n, "at most %zu suppressions, and keys of them", most);
    }
    if (s->settings.n > ASSAY_LIMIT_SETTINGS) {
        assay_diags_error(l->d, l->y, n, "at most %d settings", ASSAY_LIMIT_SETTINGS);
    }
}

/* What later checks need is there when earlier ones found no fault. */
static void read_source(struct config_loader *l, size_t i, const struct assay_yaml_node *n)
{
    struct assay_config_source *s = &l->c->sources[i];
    size_t errors = assay_diags_errors(l->d);
    s->marker = "_READY";
    s->manifest = "MANIFEST.sha256";
    s->tenant = "default";
    s->group = "assayd";
    config_read_section(l, "sources", s, n);
    if (assay_diags_errors(l->d) != errors) {
        return;
    }
    const struct assay_source_kind *kind = assay_source_find(s->kind);
    if (kind == NULL) {
        const char *near = assay_suggest(s->kind, assay_source_names());
        assay_diags_error(l->d, l->y, assay_yaml_get(n, "kind"), "unknown kind '%.60s'%s%s%s",
                          s->kind, near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                          near == NULL ? "" : "'?");
        return;
    }
    place_source(l, kind, s, n);
    if (assay_diags_errors(l->d) != errors) {
        return;
    }
    s->name = s->name == NULL ? last_component(l, s->path) : s->name;
    check_name(l, i, n);
    config_check_suppressions(l, s, n);
    struct assay_error err;
    if (kind->check(s, &err) != ASSAY_OK) {
        assay_diags_error(l->d, l->y, n, "%s", err.message);
    }
    if (!kind->by_url) {
        check_apart(l, s->path, assay_yaml_get(n, "path"));
    }
    for (size_t j = 0; j < s->roots.n && s->roots.items[j] != NULL; j++) {
        check_apart(l, s->roots.items[j], assay_yaml_get(n, "roots"));
    }
}

void config_read_sources(struct config_loader *l, const struct assay_yaml_node *n)
{
    if (n == NULL) {
        return;
    }
    size_t count = assay_yaml_count(n);
    if (assay_yaml_node_kind(n) != ASSAY_YAML_SEQUENCE || count > ASSAY_LIMIT_SOURCES) {
        assay_diags_error(l->d, l->y, n, "sources must be a list of at most %d",
                          ASSAY_LIMIT_SOURCES);
        return;
    }
    l->c->sources = assay_arena_array(l->c->arena, count, sizeof l->c->sources[0]);
    l->c->n_sources = l->c->sources == NULL ? 0 : count;
    for (size_t i = 0; i < l->c->n_sources; i++) {
        read_source(l, i, assay_yaml_item(n, i));
    }
}
