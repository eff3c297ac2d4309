/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/reaudit.c: what was judged before, and whether it has to be judged again.
 *
 * Changed data is audited again. Changed rules (the content of policy, packs and plugins, see
 * rules_digest.h) are only told of, with a count in the log and in the status, until somebody asks
 * for the audits (`assay reaudit`) or the configuration does (`reaudit: now`): a comma in a word
 * list must not set every archive of a house in motion. Rules are compared at the start, after a
 * reload, with every `rescan`, and when somebody asks.
 */
#include <stdlib.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "daemon/server.h"

#define LISTED_MAX 1000 /* datasets in one answer; all are counted */

/* A dataset that was judged under other rules. */
struct stale {
    char *path; /* name and verdict follow in the same piece */
    const char *name, *verdict;
    uint8_t signature[ASSAY_SIGNATURE_LEN];
};

struct stale_list {
    struct stale *items;
    size_t n, cap;
    int failed;
};

void server_source_lists(const struct server *s, const char *source,
                         struct assay_config_list *ret_settings,
                         struct assay_config_list *ret_suppressions,
                         struct assay_config_list *ret_keys)
{
    for (size_t i = 0; source != NULL && i <= s->config->n_sources; i++) {
        const struct assay_config_source *c = assay_config_party(s->config, i);
        if (strcmp(c->name, source) == 0) {
            *ret_settings = c->settings;
            *ret_suppressions = c->suppressions;
            *ret_keys = c->suppressions_keys;
        }
    }
}

void server_set_rules(struct server *s, struct assay_run_spec *spec)
{
    struct assay_rules_ref rules = {.policy = spec->policy,
                                    .packs = spec->packs,
                                    .plugins_dir = s->config->plugins_dir,
                                    .copy_of = server_copy_of,
                                    .ctx = s,
                                    .generation = s->generation};
    server_source_lists(s, spec->source, &rules.settings, &rules.suppressions,
                        &rules.suppressions_keys);
    assay_rules_recall(&s->rules, &rules, assay_monotonic_ms(), spec->rules_digest);
}

/* ---- what is offered ----------------------------------------------------------------------- */

enum assay_status server_known(struct server *s, const struct assay_run_spec *spec,
                               uint64_t *ret_id, struct assay_error *err)
{
    struct assay_run_record last = {0};
    enum assay_status status = assay_store_judged(s->store, spec->path, spec->source, &last, err);
    if (status != ASSAY_OK) {
        return status;
    }
    *ret_id = last.id;
    int same_data = memcmp(last.spec.signature, spec->signature, ASSAY_SIGNATURE_LEN) == 0;
    int same_rules = memcmp(last.spec.rules_digest, spec->rules_digest, ASSAY_SIGNATURE_LEN) == 0;
    if (!same_data && last.state == ASSAY_RUN_QUEUED) { /* it has not been read yet */
        return assay_store_refresh(s->store, last.id, spec, err);
    }
    if (!same_data || (!same_rules && s->config->reaudit == ASSAY_REAUDIT_NOW)) {
        return assay_fail(err, ASSAY_NOTFOUND, "changed since");
    }
    return ASSAY_OK;
}

/* ---- what rules make stale ----------------------------------------------------------------- */

/* Adds a dataset that was judged under other rules, unless it is gone; non-zero: out of memory. */
static int keep(void *ctx, const struct assay_run_record *run)
{
    struct stat st;
    struct stale_list *l = ctx;
    const char *verdict = run->verdict == NULL ? "INCOMPLETE" : run->verdict;
    if (lstat(run->spec.path, &st) != 0) {
        return 0; /* gone: nothing to audit */
    }
    size_t path = strlen(run->spec.path) + 1;
    size_t name = strlen(run->spec.name) + 1;
    size_t said = strlen(verdict) + 1;
    struct stale *items = assay_grown(l->items, l->n, &l->cap, sizeof *items);
    char *text = items == NULL ? NULL : malloc(path + name + said);
    l->items = items == NULL ? l->items : items;
    if (text == NULL) {
        l->failed = 1;
        return 1;
    }
    memcpy(text, run->spec.path, path);
    memcpy(text + path, run->spec.name, name);
    memcpy(text + path + name, verdict, said);
    items[l->n] = (struct stale){.path = text, .name = text + path, .verdict = text + path + name};
    memcpy(items[l->n++].signature, run->spec.signature, ASSAY_SIGNATURE_LEN);
    return 0;
}

static void release(struct stale_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].path);
    }
    free(l->items);
    *l = (struct stale_list){NULL, 0, 0, 0};
}

static enum assay_status collect(struct server *s, const struct assay_run_spec *spec,
                                 struct stale_list *ret, struct assay_error *err)
{
    enum assay_status status =
        assay_store_stale(s->store, spec->source, spec->rules_digest, keep, ret, err);
    return status == ASSAY_OK && ret->failed ? assay_fail(err, ASSAY_NOMEM, "out of memory")
                                             : status;
}

/* Queues all of `l`, in one commit. A change of data meanwhile is found by the source. */
static enum assay_status queue(struct server *s, const struct assay_run_spec *like,
                               const struct stale_list *l, struct assay_error *err)
{
    uint64_t id;
    enum assay_status status = assay_store_begin(s->store, err);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; status == ASSAY_OK && i < l->n; i++) {
        struct assay_run_spec spec = *like;
        spec.path = l->items[i].path;
        spec.name = l->items[i].name;
        memcpy(spec.signature, l->items[i].signature, ASSAY_SIGNATURE_LEN);
        status = assay_store_add(s->store, &spec, &id, err);
    }
    enum assay_status end = assay_store_commit(s->store, status == ASSAY_OK ? err : NULL);
    return status == ASSAY_OK ? end : status;
}

static int is_watched(const struct assay_config_source *c)
{
    return assay_source_find(c->kind) == &assay_source_directory;
}

static struct assay_run_spec spec_of(struct server *s, const struct assay_config_source *c)
{
    struct assay_run_spec spec = {.source = c->name, .policy = c->policy, .packs = c->packs};
    server_set_rules(s, &spec);
    return spec;
}

static void say(const struct assay_config_source *c, int queued, size_t n)
{
    const char *policy = c->policy == NULL ? "default" : c->policy;
    if (queued) {
        assay_log(ASSAY_LOG_WARNING, "reaudit", "rules changed: audited again",
                  ASSAY_LOG_S("source", c->name), ASSAY_LOG_S("policy", policy),
                  ASSAY_LOG_N("datasets", n));
    } else {
        assay_log(ASSAY_LOG_WARNING, "reaudit",
                  "rules changed: judged under others; 'assay reaudit' audits them again",
                  ASSAY_LOG_S("source", c->name), ASSAY_LOG_S("policy", policy),
                  ASSAY_LOG_N("datasets", n));
    }
}

/* Looks for what changed rules made stale, and queues or reports it, as `reaudit` has it. */
static enum assay_status check_source(struct server *s, size_t i, struct assay_error *err)
{
    struct stale_list list = {NULL, 0, 0, 0};
    const struct assay_config_source *c = &s->config->sources[i];
    const struct assay_run_spec spec = spec_of(s, c);
    enum assay_status status = collect(s, &spec, &list, err);
    int now = s->config->reaudit == ASSAY_REAUDIT_NOW;
    if (status == ASSAY_OK && now && list.n > 0) {
        status = queue(s, &spec, &list, err);
    }
    if (status == ASSAY_OK && list.n > 0 && (now || list.n != s->stale[i])) {
        say(c, now, list.n);
    }
    s->stale[i] = status == ASSAY_OK && !now ? list.n : 0;
    release(&list);
    return status;
}

void server_check_rules(struct server *s)
{
    struct assay_error err;
    uint64_t now = assay_monotonic_ms();
    if (s->state != SERVER_RUNNING || now < s->rules_ms) {
        return;
    }
    s->rules_ms = now + s->config->rescan_ms;
    memset(&s->rules, 0, sizeof s->rules); /* what was read a moment ago may be old */
    for (size_t i = 0; i < s->config->n_sources; i++) {
        if (is_watched(&s->config->sources[i]) && check_source(s, i, &err) != ASSAY_OK) {
            assay_log(ASSAY_LOG_ERROR, "reaudit", "cannot compare rules; trying again",
                      ASSAY_LOG_S("why", err.message));
            s->rules_ms = now + 5000;
        }
    }
}

/* ---- on request ---------------------------------------------------------------------------- */

static void put_list(struct assay_json *j, const struct assay_config_source *c,
                     const struct stale_list *l, size_t *room)
{
    for (size_t i = 0; *room > 0 && i < l->n; i++, --*room) {
        assay_json_object(j);
        assay_json_kv_str(j, "dataset", l->items[i].path);
        assay_json_kv_str(j, "source", c->name);
        assay_json_kv_str(j, "verdict", l->items[i].verdict);
        assay_json_end_object(j);
    }
}

enum assay_status server_reaudit(struct server *s, int only_list, struct assay_buf *out,
                                 struct assay_error *err)
{
    struct assay_json j;
    enum assay_status status = ASSAY_OK;
    size_t before = out->len;
    size_t total = 0;
    size_t room = LISTED_MAX;
    memset(&s->rules, 0, sizeof s->rules);
    assay_json_init(&j, out, 0);
    assay_json_object(&j);
    assay_json_kv_bool(&j, "ok", 1);
    assay_json_key(&j, "datasets");
    assay_json_array(&j);
    for (size_t i = 0; status == ASSAY_OK && i < s->config->n_sources; i++) {
        struct stale_list list = {NULL, 0, 0, 0};
        const struct assay_config_source *c = &s->config->sources[i];
        if (is_watched(c)) {
            const struct assay_run_spec spec = spec_of(s, c);
            status = collect(s, &spec, &list, err);
            status = status == ASSAY_OK && !only_list ? queue(s, &spec, &list, err) : status;
            put_list(&j, c, &list, &room);
            total += list.n;
            s->stale[i] = only_list ? list.n : 0;
        }
        release(&list);
    }
    assay_json_end_array(&j);
    assay_json_kv_uint(&j, "stale", total);
    assay_json_kv_uint(&j, "queued", only_list ? 0 : total);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    out->len = status == ASSAY_OK ? out->len : before;
    return status;
}
