/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plugins.c: the set of plugins: the built-in table, what was loaded besides, and which of
 * them are to run.
 * Ownership: the set owns its entries and their paths; descriptors belong to the program or to the
 *        shared object, neither of which goes away (RTLD_NODELETE, and no dlclose).
 */
#include "engine/plugins.h"

#include <stdlib.h>

#include "config.h"
#include "core/arena.h"
#include "core/limits.h"
#include "core/option.h"
#include "engine/plugins_internal.h"
#include "rules/ruleset.h"

struct assay_plugins {
    struct assay_plugin **items; /* pointers, so that a borrowed one survives growth */
    size_t count, cap;
    const struct assay_rule_decl **decls; /* the rule tables, in the same order */
    size_t n_decls;
    const char **left_out; /* names of scanners that were taken out again */
    size_t n_left_out;
};

/* ---- the set -----------------------------------------------------------------------------------
 */

static const struct assay_plugin *find_name(const struct assay_plugins *ps, const char *name)
{
    for (size_t i = 0; i < ps->count; i++) {
        if (strcmp(ps->items[i]->name, name) == 0) {
            return ps->items[i];
        }
    }
    return NULL;
}

/* Room for one more entry and for every rule table, the engine's included. */
static enum assay_status grow(struct assay_plugins *ps, struct assay_error *err)
{
    if (ps->count < ps->cap) {
        return ASSAY_OK;
    }
    size_t cap = ps->cap == 0 ? 16 : 2 * ps->cap;
    void *items = assay_realloc_array(ps->items, cap, sizeof(struct assay_plugin *));
    if (items == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the plugin table");
    }
    ps->items = items;
    void *decls = realloc(ps->decls, (cap + 1) * sizeof(const struct assay_rule_decl *));
    if (decls == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the plugin table");
    }
    ps->decls = decls;
    ps->cap = cap;
    return ASSAY_OK;
}

enum assay_status assay_plugins_insert(struct assay_plugins *ps, const struct assay_plugin *entry,
                                       const char *path, struct assay_error *err)
{
    const struct assay_plugin *other = find_name(ps, entry->name);
    if (other != NULL) {
        return assay_fail(err, ASSAY_EXISTS, "the name '%s' is taken by %s %s", entry->name,
                          other->path == NULL ? "the built-in" : "another loaded",
                          assay_plugin_word(other->kind));
    }
    enum assay_status st = grow(ps, err);
    if (st != ASSAY_OK) {
        return st;
    }
    size_t path_size = path == NULL ? 0 : strlen(path) + 1;
    struct assay_plugin *p = malloc(sizeof *p + path_size);
    if (p == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the plugin '%s'", entry->name);
    }
    *p = *entry;
    p->path = path == NULL ? NULL : memcpy(p + 1, path, path_size);
    ps->items[ps->count++] = p;
    if (p->rules != NULL) {
        ps->decls[ps->n_decls++] = p->rules;
    }
    return ASSAY_OK;
}

static enum assay_status add(struct assay_plugins *ps, enum assay_plugin_kind kind,
                             const void *descriptor, struct assay_error *err)
{
    struct assay_plugin entry;
    enum assay_status st = assay_plugin_check(kind, descriptor, &entry, err);
    return st == ASSAY_OK ? assay_plugins_insert(ps, &entry, NULL, err) : st;
}

enum assay_status assay_plugins_add_reader(struct assay_plugins *ps, const struct assay_reader *r,
                                           struct assay_error *err)
{
    return add(ps, ASSAY_PLUGIN_READER, r, err);
}

enum assay_status assay_plugins_add_scanner(struct assay_plugins *ps, const struct assay_scanner *s,
                                            struct assay_error *err)
{
    return add(ps, ASSAY_PLUGIN_SCANNER, s, err);
}

#define DECLARE_READER(name)  extern const struct assay_reader assay_reader_##name;
#define DECLARE_SCANNER(name) extern const struct assay_scanner assay_scanner_##name;
ASSAY_STATIC_READERS(DECLARE_READER)
ASSAY_STATIC_SCANNERS(DECLARE_SCANNER)

static enum assay_status add_static(struct assay_plugins *ps)
{
    enum assay_status st = grow(ps, NULL);
#define ADD_READER(name)                                                                           \
    if (st == ASSAY_OK) {                                                                          \
        st = assay_plugins_add_reader(ps, &assay_reader_##name, NULL);                             \
    }
#define ADD_SCANNER(name)                                                                          \
    if (st == ASSAY_OK) {                                                                          \
        st = assay_plugins_add_scanner(ps, &assay_scanner_##name, NULL);                           \
    }
    ASSAY_STATIC_READERS(ADD_READER)
    ASSAY_STATIC_SCANNERS(ADD_SCANNER)
    return st;
}

struct assay_plugins *assay_plugins_new(void)
{
    struct assay_plugins *ps = calloc(1, sizeof *ps);
    if (ps == NULL || grow(ps, NULL) != ASSAY_OK) {
        free(ps);
        return NULL;
    }
    ps->decls[ps->n_decls++] = assay_engine_rules;
    if (add_static(ps) != ASSAY_OK) {
        assay_plugins_free(ps);
        return NULL;
    }
    return ps;
}

void assay_plugins_free(struct assay_plugins *ps)
{
    if (ps == NULL) {
        return;
    }
    for (size_t i = 0; i < ps->count; i++) {
        free(ps->items[i]);
    }
    free(ps->items);
    free(ps->decls);
    free(ps->left_out);
    free(ps);
}

size_t assay_plugins_count(const struct assay_plugins *ps)
{
    return ps->count;
}

const struct assay_plugin *assay_plugins_get(const struct assay_plugins *ps, size_t i)
{
    return i < ps->count ? ps->items[i] : NULL;
}

const struct assay_plugin *assay_plugins_find(const struct assay_plugins *ps,
                                              enum assay_plugin_kind kind, const char *name)
{
    const struct assay_plugin *p = find_name(ps, name);
    return p != NULL && p->kind == kind ? p : NULL;
}

/* ---- selection ---------------------------------------------------------------------------------
 */

static int is_named(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static enum assay_status check_names(const struct assay_plugins *ps, const char *const *names,
                                     size_t n, struct assay_error *err)
{
    const char *known[65];
    size_t n_known = 0;
    for (size_t i = 0; i < ps->count && n_known < 64; i++) {
        if (ps->items[i]->kind == ASSAY_PLUGIN_SCANNER) {
            known[n_known++] = ps->items[i]->name;
        }
    }
    known[n_known] = NULL;
    for (size_t i = 0; i < n; i++) {
        if (assay_plugins_find(ps, ASSAY_PLUGIN_SCANNER, names[i]) == NULL) {
            const char *near = assay_suggest(names[i], known);
            return assay_fail(err, ASSAY_CONFIG, "there is no scanner '%.64s'%s%s%s", names[i],
                              near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                              near == NULL ? "" : "'?");
        }
    }
    return ASSAY_OK;
}

/* The engine's own table comes first and stays. */
static void list_decls(struct assay_plugins *ps)
{
    ps->n_decls = 1;
    for (size_t i = 0; i < ps->count; i++) {
        if (ps->items[i]->rules != NULL) {
            ps->decls[ps->n_decls++] = ps->items[i]->rules;
        }
    }
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum assay_status assay_plugins_select(struct assay_plugins *ps, const char *const *names, size_t n,
                                       int except, struct assay_error *err)
{
    enum assay_status st = check_names(ps, names, n, err);
    const char **out = assay_alloc_array(ps->count + ps->n_left_out + 1, sizeof *out);
    size_t kept = 0, scanners = 0, n_out = 0;
    if (st != ASSAY_OK || out == NULL) {
        free(out);
        return st == ASSAY_OK ? assay_fail(err, ASSAY_NOMEM, "out of memory") : st;
    }
    for (; n_out < ps->n_left_out; n_out++) {
        out[n_out] = ps->left_out[n_out];
    }
    for (size_t i = 0; i < ps->count; i++) {
        struct assay_plugin *p = ps->items[i];
        if (p->kind != ASSAY_PLUGIN_SCANNER || is_named(p->name, names, n) != except) {
            scanners += p->kind == ASSAY_PLUGIN_SCANNER;
            ps->items[kept++] = p;
        } else {
            out[n_out++] = p->name; /* the descriptor's: it outlives the entry */
            free(p);
        }
    }
    ps->count = kept;
    list_decls(ps);
    free(ps->left_out);
    ps->left_out = out;
    ps->n_left_out = n_out;
    qsort(out, n_out, sizeof *out, by_string);
    return scanners > 0 ? ASSAY_OK : assay_fail(err, ASSAY_CONFIG, "no scanner is left to run");
}

const char *const *assay_plugins_left_out(const struct assay_plugins *ps, size_t *ret_n)
{
    *ret_n = ps->n_left_out;
    return ps->left_out;
}

const struct assay_rule_decl *const *assay_plugins_decls(const struct assay_plugins *ps,
                                                         size_t *ret_n)
{
    *ret_n = ps->n_decls;
    return ps->decls;
}

void assay_plugins_check_rules(const struct assay_plugins *ps, const struct assay_ruleset *rules,
                               struct assay_diags *diags)
{
    struct assay_scanner_role *roles = assay_alloc_array(ps->count + 1, sizeof *roles);
    size_t n = 0;
    for (size_t i = 0; roles != NULL && i < ps->count; i++) {
        const struct assay_scanner *s = ps->items[i]->scanner;
        if (s != NULL) {
            roles[n++] = (struct assay_scanner_role){s->name, s->scan != NULL, s->file != NULL};
        }
    }
    if (roles == NULL) {
        assay_diags_error(diags, NULL, NULL, "out of memory for rules");
    } else {
        assay_ruleset_check_scanners(rules, roles, n, diags);
    }
    free(roles);
}
