/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/accepted.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/limits.h"
#include "reports/internal.h"
#include "reports/suppressions.h"

#define SCANNER "duplicates"
#define DIGESTS "accepted"
#define LISTS   "accepted_lists"

static void add_list(struct assay_accepted *a, const struct assay_suppressions *s)
{
    assay_buf_addf(&a->lists, "%s%s", a->lists.len == 0 ? "" : ",", assay_suppressions_digest(s));
    for (size_t i = 0; i < assay_suppressions_count(s); i++) {
        assay_buf_addf(&a->digests, "%s%s", a->digests.len == 0 ? "" : ",",
                       assay_group_digits(assay_suppressions_get(s, i).group));
    }
}

static enum assay_status load_list(struct assay_accepted *a, const char *path,
                                   struct assay_key *const *keys, size_t n_keys, uint64_t now_ms,
                                   struct assay_error *err)
{
    struct assay_suppressions *s = NULL;
    enum assay_status status = assay_suppressions_load(path, keys, n_keys, &s, err);
    if (status == ASSAY_OK) {
        status = assay_at(err, assay_suppressions_check(s, now_ms, err), path);
    }
    if (status == ASSAY_OK) {
        add_list(a, s);
    }
    assay_suppressions_free(s);
    return status;
}

enum assay_status assay_accepted_load(struct assay_accepted *a, const char *const *paths, size_t n,
                                      struct assay_key *const *keys, size_t n_keys, uint64_t now_ms,
                                      struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    a->given = n > 0;
    assay_buf_init(&a->digests, (size_t)33 * ASSAY_LIMIT_ACCEPTED);
    assay_buf_init(&a->lists, (size_t)80 * ASSAY_LIMIT_ACCEPTED_LISTS);
    if (n > ASSAY_LIMIT_ACCEPTED_LISTS) {
        return assay_fail(err, ASSAY_LIMIT, "more than %d lists", ASSAY_LIMIT_ACCEPTED_LISTS);
    }
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
        status = load_list(a, paths[i], keys, n_keys, now_ms, err);
    }
    if (status == ASSAY_OK &&
        (assay_buf_status(&a->digests) != ASSAY_OK || assay_buf_status(&a->lists) != ASSAY_OK)) {
        status = assay_fail(err, ASSAY_LIMIT, "the lists have more than %d entries together",
                            ASSAY_LIMIT_ACCEPTED);
    }
    return status;
}

enum assay_status assay_accepted_load_files(struct assay_accepted *a, const char *const *paths,
                                            size_t n, const char *const *key_paths, size_t n_keys,
                                            uint64_t now_ms, struct assay_error *err)
{
    size_t loaded = 0;
    struct assay_key **keys = assay_alloc_array(n_keys + 1, sizeof keys[0]);
    enum assay_status status =
        keys == NULL ? assay_fail(err, ASSAY_NOMEM, "out of memory") : ASSAY_OK;
    for (; status == ASSAY_OK && loaded < n_keys; loaded += status == ASSAY_OK) {
        status = assay_key_load_public(key_paths[loaded], &keys[loaded], err);
    }
    if (status == ASSAY_OK) {
        status = assay_accepted_load(a, paths, n, keys, n_keys, now_ms, err);
    }
    for (size_t i = 0; i < loaded; i++) {
        assay_key_free(keys[i]);
    }
    free(keys);
    return status;
}

size_t assay_accepted_settings(struct assay_accepted *a,
                               struct assay_plugin_option ret[ASSAY_ACCEPTED_SETTINGS])
{
    if (!a->given) {
        return 0;
    }
    ret[0] = (struct assay_plugin_option){SCANNER, DIGESTS, assay_buf_str(&a->digests)};
    ret[1] = (struct assay_plugin_option){SCANNER, LISTS, assay_buf_str(&a->lists)};
    return ASSAY_ACCEPTED_SETTINGS;
}

int assay_accepted_is_setting(const struct assay_plugin_option *o)
{
    return strcmp(o->plugin, SCANNER) == 0 &&
           (strcmp(o->name, DIGESTS) == 0 || strcmp(o->name, LISTS) == 0);
}

void assay_accepted_release(struct assay_accepted *a)
{
    assay_buf_release(&a->digests);
    assay_buf_release(&a->lists);
}
