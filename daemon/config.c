/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config.c: one loop that follows the table of keys (config_keys.c), and what is checked when
 * all is read.
 */
#include "daemon/config.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/option.h"
#include "daemon/config_read.h"
#include "reports/report.h"

#define CONFIG_TEXT_MAX ASSAY_MIB(64)

/* The names of a section's keys; of the top level, with the sections. */
static void names_of(const char *section, const char *ret[2 * CONFIG_KEYS_MAX])
{
    size_t n = 0;
    const char *last = "";
    for (const struct assay_config_key *k = assay_config_keys; k->option.name != NULL; k++) {
        if (strcmp(k->section, section) == 0) {
            ret[n++] = k->option.name;
        } else if (section[0] == '\0' && strcmp(k->section, last) != 0) {
            last = k->section;
            ret[n++] = last;
        }
    }
    ret[n] = NULL;
}

/* Text that assay_option_check has passed, as a number. */
static uint64_t to_number(const struct assay_option *opt, const char *text)
{
    int64_t i = 0;
    uint64_t u = 0;
    switch (opt->type) {
    case ASSAY_OPT_INT:
        (void)assay_parse_int(text, opt->min, opt->max, &i, NULL);
        return (uint64_t)i;
    case ASSAY_OPT_SIZE:
        (void)assay_parse_size(text, &u, NULL);
        return u;
    case ASSAY_OPT_DURATION:
        (void)assay_parse_duration(text, &u, NULL);
        return u;
    case ASSAY_OPT_ENUM:
        return (uint64_t)assay_choice_index(opt->choices, text);
    default:
        return strcmp(text, "true") == 0;
    }
}

static void store_value(const struct assay_config_key *k, void *base, const char *text)
{
    char *member = (char *)base + k->offset;
    if (k->option.type == ASSAY_OPT_STRING) {
        memcpy(member, &text, sizeof text);
    } else {
        uint64_t number = to_number(&k->option, text);
        number = (k->flags & ASSAY_CONFIG_SET) != 0 ? UINT64_C(1) << number : number;
        memcpy(member, &number, sizeof number);
    }
}

static void read_list(struct config_loader *l, const struct assay_config_key *k, void *base,
                      const struct assay_yaml_node *n)
{
    struct assay_config_list list = {NULL, assay_yaml_count(n)};
    if (assay_yaml_node_kind(n) != ASSAY_YAML_SEQUENCE) {
        assay_diags_error(l->d, l->y, n, "%s must be a list: [a, b]", k->option.name);
        return;
    }
    const char **items = assay_arena_array(l->c->arena, list.n + 1, sizeof items[0]);
    for (size_t i = 0; items != NULL && i < list.n; i++) {
        const struct assay_yaml_node *item = assay_yaml_item(n, i);
        const char *text = assay_yaml_text(item);
        if (text == NULL || text[0] == '\0') {
            assay_diags_error(l->d, l->y, item, "%s must be a list of names", k->option.name);
            continue;
        }
        if ((k->flags & ASSAY_CONFIG_PATH) != 0 && text[0] != '/') {
            assay_diags_error(l->d, l->y, item, "%s must be absolute paths", k->option.name);
        }
        items[i] = assay_arena_strdup(l->c->arena, text);
    }
    list.items = items;
    memcpy((char *)base + k->offset, &list, sizeof list);
}

static void read_scalar(struct config_loader *l, const struct assay_config_key *k, void *base,
                        const struct assay_yaml_node *n)
{
    struct assay_error err;
    const char *text = assay_yaml_text(n);
    if (text == NULL) {
        assay_diags_error(l->d, l->y, n, "%s must be a single value", k->option.name);
    } else if (text[0] == '\0') {
        assay_diags_error(l->d, l->y, n, "%s is empty", k->option.name);
    } else if (assay_option_check(&k->option, text, &err) != ASSAY_OK) {
        assay_diags_error(l->d, l->y, n, "%s", err.message);
    } else if ((k->flags & ASSAY_CONFIG_PATH) != 0 && text[0] != '/') {
        assay_diags_error(l->d, l->y, n, "%s must be an absolute path", k->option.name);
    } else {
        char *copy = assay_arena_strdup(l->c->arena, text);
        store_value(k, base, copy == NULL ? "" : copy);
    }
}

/* Several choices at once: read_scalar for each, and their bits together. */
static void read_set(struct config_loader *l, const struct assay_config_key *k, void *base,
                     const struct assay_yaml_node *n)
{
    uint64_t all = 0;
    if (assay_yaml_count(n) == 0) {
        assay_diags_error(l->d, l->y, n, "%s is empty", k->option.name);
    }
    for (size_t i = 0; i < assay_yaml_count(n); i++) {
        uint64_t one = 0;
        read_scalar(l, k, base, assay_yaml_item(n, i));
        memcpy(&one, (char *)base + k->offset, sizeof one);
        all |= one;
    }
    memcpy((char *)base + k->offset, &all, sizeof all);
}

/* Names and words are filled in later; numbers and paths stand in the table. */
static void store_fallback(const struct assay_config_key *k, void *base)
{
    if (k->option.fallback != NULL && (k->flags & ASSAY_CONFIG_LIST) == 0 &&
        (k->option.type != ASSAY_OPT_STRING || k->option.fallback[0] == '/')) {
        store_value(k, base, k->option.fallback);
    }
}

void config_read_section(struct config_loader *l, const char *section, void *base,
                         const struct assay_yaml_node *n)
{
    const char *names[2 * CONFIG_KEYS_MAX];
    names_of(section, names);
    if (n != NULL) {
        assay_yaml_check_keys(l->y, n, names, section[0] == '\0' ? "configuration" : section, l->d);
    }
    for (const struct assay_config_key *k = assay_config_keys; k->option.name != NULL; k++) {
        if (strcmp(k->section, section) != 0) {
            continue;
        }
        const struct assay_yaml_node *value = assay_yaml_get(n, k->option.name);
        store_fallback(k, base); /* stands where the value is refused, too: derive() needs it */
        if (value != NULL && (k->flags & ASSAY_CONFIG_LIST) != 0) {
            read_list(l, k, base, value);
        } else if (value != NULL && (k->flags & ASSAY_CONFIG_SET) != 0 &&
                   assay_yaml_node_kind(value) == ASSAY_YAML_SEQUENCE) {
            read_set(l, k, base, value);
        } else if (value != NULL) {
            read_scalar(l, k, base, value);
        } else if ((k->flags & ASSAY_CONFIG_REQUIRED) != 0) {
            assay_diags_error(l->d, l->y, n, "%s is missing", k->option.name);
        }
    }
}

static const char *join(struct config_loader *l, const char *dir, const char *name)
{
    ASSAY_AUTO_BUF path;
    assay_buf_init(&path, ASSAY_LIMIT_NAME * 2);
    assay_buf_addf(&path, "%s/%s", dir, name);
    const char *copy = assay_arena_dup(l->c->arena, assay_buf_bytes(&path));
    return copy == NULL ? "" : copy;
}

/* Defaults that depend on other keys. */
static void derive(struct config_loader *l)
{
    static const char *const formats[] = {"jsonl", "html", "table"};
    static const struct {
        size_t offset;
        const char *name;
    } derived[] = {{offsetof(struct assay_config, cache_dir), "cache"},
                   {offsetof(struct assay_config, key_file), "keys/signing.pem"},
                   {offsetof(struct assay_config, fingerprint_file), "keys/fingerprint.key"},
                   {offsetof(struct assay_config, reports_dir), "reports"}};
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        const char *value;
        char *member = (char *)l->c + derived[i].offset;
        memcpy(&value, member, sizeof value);
        if (value == NULL) {
            value = join(l, l->c->state_dir, derived[i].name);
            memcpy(member, &value, sizeof value);
        }
    }
    if (l->c->formats.items == NULL) {
        l->c->formats = (struct assay_config_list){formats, 3};
    }
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void check_formats(struct config_loader *l, const struct assay_yaml_node *n)
{
    for (size_t i = 0; i < l->c->formats.n; i++) {
        const char *name = l->c->formats.items[i];
        if (name != NULL && assay_writer_find(name) == NULL) {
            assay_diags_error(l->d, l->y, assay_yaml_item(n, i),
                              "unknown format '%.40s': one of table, jsonl, json, html, csv", name);
        }
    }
}

/* A run is on record at least as long as its report. */
static void check_retention(struct config_loader *l, const struct assay_yaml_node *n)
{
    const struct assay_retention *r = &l->c->retention;
    const struct {
        const char *run, *report;
        uint64_t runs, reports;
    } pairs[] = {{"runs_keep", "reports_keep", r->runs_keep, r->reports_keep},
                 {"runs_age", "reports_age", r->runs_age_ms, r->reports_age_ms}};
    for (size_t i = 0; i < 2; i++) {
        if (pairs[i].runs != 0 && (pairs[i].reports == 0 || pairs[i].reports > pairs[i].runs)) {
            assay_diags_error(l->d, l->y, assay_yaml_get(n, pairs[i].run),
                              "%s needs %s, and that no greater: a run stays on record at least as "
                              "long as its report",
                              pairs[i].run, pairs[i].report);
        }
    }
}

static void read_all(struct config_loader *l)
{
    const struct assay_yaml_node *root = assay_yaml_root(l->y);
    const char *last = "";
    if (root == NULL) {
        assay_diags_error(l->d, l->y, NULL,
                          "the configuration is empty: it needs at least version: 1");
        return;
    }
    config_read_section(l, "", l->c, root);
    for (const struct assay_config_key *k = assay_config_keys; k->option.name != NULL; k++) {
        if (strcmp(k->section, last) != 0 && strcmp(k->section, "sources") != 0) {
            config_read_section(l, k->section, l->c, assay_yaml_get(root, k->section));
        }
        last = k->section;
    }
    derive(l);
    check_formats(l, assay_yaml_get(assay_yaml_get(root, "reports"), "formats"));
    check_retention(l, assay_yaml_get(root, "retention"));
    l->c->submit.name = ASSAY_SOURCE_SUBMIT;
    config_check_suppressions(l, &l->c->submit, assay_yaml_get(root, "submit"));
    config_read_sources(l, assay_yaml_get(root, "sources"));
}

/* Takes over `y`; NULL where it did not parse. */
static struct assay_config *config_of(struct assay_yaml *y, struct assay_diags *d)
{
    struct config_loader l = {.y = y, .d = d};
    l.c = calloc(1, sizeof *l.c);
    if (l.c != NULL) {
        l.c->arena = assay_arena_new(CONFIG_TEXT_MAX);
    }
    if (l.c == NULL || l.c->arena == NULL) {
        assay_diags_error(d, NULL, NULL, "out of memory");
    } else if (y != NULL) {
        read_all(&l);
        if (assay_arena_overflowed(l.c->arena)) {
            assay_diags_error(d, NULL, NULL, "out of memory");
        }
    }
    assay_yaml_free(y);
    if (assay_diags_errors(d) > 0) {
        assay_config_free(l.c);
        return NULL;
    }
    return l.c;
}

struct assay_config *assay_config_parse(struct assay_bytes text, const char *name,
                                        struct assay_diags *d)
{
    return config_of(assay_yaml_parse(text, name, d), d);
}

struct assay_config *assay_config_load(const char *path, struct assay_diags *d)
{
    return config_of(assay_yaml_load(path, d), d);
}

void assay_config_free(struct assay_config *c)
{
    if (c != NULL) {
        assay_arena_free(c->arena);
        free(c);
    }
}
