/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/rules_digest.h"

#include "daemon/source.h"
#include "rules/embedded.h"
#include <config.h> /* not daemon/config.h */

static void put(struct assay_sha256 *h, const void *data, size_t len, enum assay_status *status)
{
    if (*status == ASSAY_OK) {
        *status = assay_sha256_update(h, data, len);
    }
}

static void put_text(struct assay_sha256 *h, const char *text, enum assay_status *status)
{
    put(h, text, strlen(text) + 1, status);
}

/* Embedded files whose names begin with `prefix`; how many. */
static size_t put_embedded(struct assay_sha256 *h, const char *prefix, enum assay_status *status)
{
    size_t n = 0;
    for (const struct assay_embedded_file *f = assay_embedded_files; f->name != NULL; f++) {
        if (strncmp(f->name, prefix, strlen(prefix)) == 0) {
            put_text(h, f->name, status);
            put(h, f->data, f->len, status);
            n++;
        }
    }
    return n;
}

/* What is read for `name`. */
static void put_content(struct assay_sha256 *h, const struct assay_rules_ref *rules,
                        enum assay_rules_part part, const char *name)
{
    char copy[PATH_MAX];
    const int copied = rules->copy_of != NULL && rules->copy_of(rules->ctx, part, name, copy);
    assay_tree_content(copied ? copy : name, h);
}

/* A built-in name, else a path: as the loaders of packs and policies resolve it. */
static void put_named(struct assay_sha256 *h, const struct assay_rules_ref *rules,
                      enum assay_rules_part part, const char *name, enum assay_status *status)
{
    static const struct {
        const char *room, *end;
    } embedded[] = {
        [ASSAY_RULES_POLICY] = {"policies", ".yaml"}, [ASSAY_RULES_PACK] = {"packs", "/"}};
    char prefix[300];
    put_text(h, name, status);
    if (strchr(name, '/') == NULL && strlen(name) < 200) {
        (void)snprintf(prefix, sizeof prefix, "%s/%s%s", embedded[part].room, name,
                       embedded[part].end);
        if (put_embedded(h, prefix, status) > 0) {
            return;
        }
    }
    put_content(h, rules, part, name);
}

/* Nothing is added for an empty list. */
static void put_files(struct assay_sha256 *h, const struct assay_rules_ref *rules,
                      const struct assay_config_list *paths, enum assay_status *status)
{
    for (size_t i = 0; i < paths->n; i++) {
        put_text(h, paths->items[i], status);
        put_content(h, rules, ASSAY_RULES_SUPPRESSIONS, paths->items[i]);
    }
}

enum assay_status assay_rules_digest(const struct assay_rules_ref *rules,
                                     uint8_t ret[ASSAY_SHA256_LEN])
{
    struct assay_sha256 *h = assay_sha256_new();
    if (h == NULL) {
        return ASSAY_NOMEM;
    }
    enum assay_status status = assay_sha256_start(h);
    put_text(h, PACKAGE_VERSION, &status);
    put_named(h, rules, ASSAY_RULES_POLICY, rules->policy == NULL ? "default" : rules->policy,
              &status);
    for (size_t i = 0; i < rules->packs.n; i++) {
        put_named(h, rules, ASSAY_RULES_PACK, rules->packs.items[i], &status);
    }
    if (rules->packs.n == 0) {
        (void)put_embedded(h, "packs/", &status);
    }
    if (rules->plugins_dir != NULL) {
        put_text(h, rules->plugins_dir, &status);
        put_content(h, rules, ASSAY_RULES_PLUGINS, rules->plugins_dir);
    }
    for (size_t i = 0; i < rules->settings.n; i++) {
        put_text(h, rules->settings.items[i], &status);
    }
    put_files(h, rules, &rules->suppressions, &status);
    put_files(h, rules, &rules->suppressions_keys, &status);
    if (status == ASSAY_OK) {
        status = assay_sha256_finish(h, ret);
    }
    assay_sha256_free(h);
    return status;
}

static uint64_t key_of_list(const struct assay_config_list *list, uint64_t key)
{
    for (size_t i = 0; i < list->n; i++) {
        key = assay_xxh3_64(list->items[i], strlen(list->items[i]), key);
    }
    return assay_xxh3_64(&list->n, sizeof list->n, key);
}

static uint64_t key_of(const struct assay_rules_ref *rules)
{
    const char *policy = rules->policy == NULL ? "" : rules->policy;
    const char *plugins = rules->plugins_dir == NULL ? "" : rules->plugins_dir;
    uint64_t key = assay_xxh3_64(policy, strlen(policy), rules->generation);
    key = assay_xxh3_64(plugins, strlen(plugins), key);
    key = key_of_list(&rules->packs, key);
    key = key_of_list(&rules->settings, key);
    key = key_of_list(&rules->suppressions, key);
    return key_of_list(&rules->suppressions_keys, key);
}

void assay_rules_recall(struct assay_rules_memory *m, const struct assay_rules_ref *rules,
                        uint64_t now_ms, uint8_t ret[ASSAY_SHA256_LEN])
{
    uint64_t key = key_of(rules);
    for (size_t i = 0; i < RULES_MEMORY; i++) {
        if (m->slots[i].key == key && m->slots[i].read_ms != 0 &&
            now_ms - m->slots[i].read_ms < RULES_FRESH_MS) {
            memcpy(ret, m->slots[i].digest, ASSAY_SHA256_LEN);
            return;
        }
    }
    if (assay_rules_digest(rules, ret) != ASSAY_OK) {
        memset(ret, 0, ASSAY_SHA256_LEN);
        return;
    }
    m->slots[m->next].key = key;
    m->slots[m->next].read_ms = now_ms;
    memcpy(m->slots[m->next].digest, ret, ASSAY_SHA256_LEN);
    m->next = (m->next + 1) % RULES_MEMORY;
}
