/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/setting.h"

#include "core/option.h"

#define NAMES_MOST 64 /* that a suggestion is chosen from */

enum assay_status assay_setting_parse(const char *text, struct assay_arena *arena,
                                      struct assay_plugin_option *ret, struct assay_error *err)
{
    const size_t dot = strcspn(text, "."), eq = strcspn(text, "=");
    if (text[dot] != '.' || text[eq] != '=' || dot == 0 || dot + 1 >= eq) {
        return assay_fail(err, ASSAY_USAGE, "a setting is PLUGIN.OPTION=VALUE, not '%.80s'", text);
    }
    ret->plugin = assay_arena_dup(arena, assay_bytes_make(text, dot));
    ret->name = assay_arena_dup(arena, assay_bytes_make(text + dot + 1, eq - dot - 1));
    ret->value = text + eq + 1;
    return ret->plugin == NULL || ret->name == NULL
               ? assay_fail(err, ASSAY_NOMEM, "the names of settings are too long")
               : ASSAY_OK;
}

static const struct assay_plugin *find_plugin(const struct assay_plugins *ps, const char *name)
{
    for (size_t i = 0; i < assay_plugins_count(ps); i++) {
        if (strcmp(assay_plugins_get(ps, i)->name, name) == 0) {
            return assay_plugins_get(ps, i);
        }
    }
    return NULL;
}

/* "; did you mean 'x'?", or nothing. */
static enum assay_status unknown(struct assay_error *err, const char *what, const char *name,
                                 const char *const *names)
{
    const char *near = assay_suggest(name, names);
    return assay_fail(err, ASSAY_CONFIG, "%s '%.64s'%s%s%s", what, name,
                      near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                      near == NULL ? "" : "'?");
}

static enum assay_status unknown_plugin(const struct assay_plugins *ps, const char *name,
                                        struct assay_error *err)
{
    const char *names[NAMES_MOST + 1];
    size_t n = 0;
    for (size_t i = 0; i < assay_plugins_count(ps) && n < NAMES_MOST; i++) {
        names[n++] = assay_plugins_get(ps, i)->name;
    }
    names[n] = NULL;
    return unknown(err, "there is no plugin", name, names);
}

static enum assay_status unknown_option(const struct assay_plugin *p, const char *name,
                                        struct assay_error *err)
{
    const char *names[NAMES_MOST + 1];
    char what[128];
    size_t n = 0;
    for (const struct assay_option *o = p->options; o != NULL && o->name != NULL && n < NAMES_MOST;
         o++) {
        names[n++] = o->name;
    }
    names[n] = NULL;
    (void)snprintf(what, sizeof what, "plugin '%.64s' has no option", p->name);
    return unknown(err, what, name, names);
}

enum assay_status assay_setting_check(const struct assay_plugins *ps,
                                      const struct assay_plugin_option *o,
                                      const struct assay_option **ret, struct assay_error *err)
{
    const struct assay_plugin *p = find_plugin(ps, o->plugin);
    if (p == NULL) {
        return unknown_plugin(ps, o->plugin, err);
    }
    for (const struct assay_option *row = p->options; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, o->name) == 0) {
            *ret = row;
            return assay_option_check(row, o->value, err) == ASSAY_OK ? ASSAY_OK : ASSAY_CONFIG;
        }
    }
    return unknown_option(p, o->name, err);
}
