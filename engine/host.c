/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/host.c: what plugins may ask of us. Each function takes the plugin's own context, so a
 * plugin sees only its own options and logs under its own name. All of it is read-only while the
 * audit runs; any thread.
 */
#include "engine/host.h"

#include <errno.h>

#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/utf8.h"
#include "engine/handover.h"
#include "engine/setting.h"

struct host_ctx {
    struct assay_run *run;
    const struct assay_plugin *plugin;
    const char **values; /* by option row; NULL: unset and no default */
    struct assay_host table;
};

struct assay_hosts {
    struct host_ctx *items;
    size_t n;
};

static size_t count_options(const struct assay_option *table)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL) {
        n++;
    }
    return n;
}

/* ---- the table ----------------------------------------------------------------------------- */

static void host_log(void *ctx, enum assay_log_level level, const char *message)
{
    const struct host_ctx *h = ctx;
    assay_run_log(h->run, level, h->plugin->name, message);
}

static int host_cancelled(void *ctx)
{
    const struct host_ctx *h = ctx;
    assay_progress_tick(h->run, NULL, 0);
    return assay_run_stopping(h->run);
}

static const char *host_option(void *ctx, const char *name)
{
    const struct host_ctx *h = ctx;
    size_t n = count_options(h->plugin->options);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(h->plugin->options[i].name, name) == 0) {
            return h->values[i];
        }
    }
    return NULL;
}

static uint32_t host_rule_index(void *ctx, const char *id)
{
    const struct host_ctx *h = ctx;
    return h->run->n_rules == 0 ? ASSAY_NONE : assay_ruleset_find(h->run->opt->rules, id);
}

static const struct assay_rule_view *host_rule(void *ctx, uint32_t index)
{
    const struct host_ctx *h = ctx;
    return index < h->run->n_rules ? &assay_ruleset_rule(h->run->opt->rules, index)->view : NULL;
}

static uint32_t host_rule_count(void *ctx)
{
    const struct host_ctx *h = ctx;
    return h->run->n_rules;
}

static enum assay_status host_assess(void *ctx, const struct assay_batch *batch,
                                     const struct assay_match *match, struct assay_assessment *ret)
{
    const struct host_ctx *h = ctx;
    if (match->rule >= h->run->n_rules || match->field >= batch->n_fields ||
        match->start > match->end || match->end > batch->fields[match->field].len) {
        return ASSAY_USAGE;
    }
    const struct assay_field *field = &batch->fields[match->field];
    /* A key cannot vouch for itself: its path ends with it. */
    struct assay_bytes name = field->kind == ASSAY_FIELD_KEY || field->path >= batch->n_paths
                                  ? assay_bytes_make(NULL, 0)
                                  : batch->paths[field->path];
    assay_rule_assess_in(assay_ruleset_rule(h->run->opt->rules, match->rule), name,
                         assay_batch_value(batch, match->field), match->start, match->end, ret);
    return ASSAY_OK;
}

static void host_hash128(void *ctx, const void *data, size_t len, uint64_t seed, uint64_t ret[2])
{
    (void)ctx;
    assay_xxh3_128(data, len, seed, ret);
}

static size_t host_fold(void *ctx, struct assay_bytes text, char *out, size_t cap)
{
    (void)ctx;
    return assay_utf8_fold(text, out, cap);
}

static int host_spill(void *ctx)
{
    (void)ctx;
    return assay_fs_tmpfile();
}

static uint64_t host_memory_budget(void *ctx)
{
    (void)ctx;
    return ASSAY_SCANNER_BUDGET;
}

static const char *host_file_name(void *ctx, uint32_t file)
{
    const struct host_ctx *h = ctx;
    const struct assay_inventory *files = h->run->inventory; /* NULL: there is no dataset */
    const struct assay_entry *e = files == NULL ? NULL : assay_inventory_get(files, file);
    return e == NULL ? NULL : e->name;
}

static uint32_t host_find_file(void *ctx, const char *name, size_t len)
{
    const struct host_ctx *h = ctx;
    if (h->run->inventory == NULL || memchr(name, '\0', len) != NULL) {
        return ASSAY_NONE;
    }
    return assay_inventory_find(h->run->inventory, assay_bytes_make(name, len));
}

static int host_open_file(void *ctx, uint32_t file)
{
    const struct host_ctx *h = ctx;
    if (h->run->inventory == NULL || file >= assay_inventory_count(h->run->inventory)) {
        errno = EINVAL;
        return -1;
    }
    return assay_inventory_open_apart(h->run->inventory, file);
}

/* Asked of what is loaded: while scanners are being set up not all of them are there. */
static int host_is_taken(void *ctx, const char *topic)
{
    const struct host_ctx *h = ctx;
    const struct assay_plugins *plugins = h->run->opt->plugins;
    for (size_t i = 0; i < assay_plugins_count(plugins); i++) {
        const struct assay_plugin *p = assay_plugins_get(plugins, i);
        if (p->kind == ASSAY_PLUGIN_SCANNER && assay_handover_is_taken(p->scanner, topic)) {
            return 1;
        }
    }
    return 0;
}

static const struct assay_host host_table = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_host),
    .log = host_log,
    .cancelled = host_cancelled,
    .option = host_option,
    .rule_index = host_rule_index,
    .rule = host_rule,
    .rule_count = host_rule_count,
    .assess = host_assess,
    .hash128 = host_hash128,
    .fold = host_fold,
    .spill = host_spill,
    .memory_budget = host_memory_budget,
    .file_name = host_file_name,
    .find_file = host_find_file,
    .open_file = host_open_file,
    .is_taken = host_is_taken,
};

/* ---- options ------------------------------------------------------------------------------- */

static struct host_ctx *find(struct assay_hosts *h, const char *plugin)
{
    for (size_t i = 0; i < h->n; i++) {
        if (strcmp(h->items[i].plugin->name, plugin) == 0) {
            return &h->items[i];
        }
    }
    return NULL;
}

static enum assay_status set_option(struct assay_hosts *hosts, const struct assay_plugins *plugins,
                                    const struct assay_plugin_option *o, struct assay_error *err)
{
    const struct assay_option *row;
    struct host_ctx *h = find(hosts, o->plugin);
    enum assay_status status = assay_setting_check(plugins, o, &row, err);
    if (status == ASSAY_OK && h != NULL) {
        h->values[row - h->plugin->options] = o->value;
    }
    return status;
}

static enum assay_status host_init(struct host_ctx *h, struct assay_run *run,
                                   const struct assay_plugin *plugin)
{
    size_t n = count_options(plugin->options);
    h->run = run;
    h->plugin = plugin;
    h->table = host_table;
    h->table.ctx = h;
    h->values = calloc(n + 1, sizeof *h->values);
    if (h->values == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        h->values[i] = plugin->options[i].fallback;
    }
    return ASSAY_OK;
}

enum assay_status assay_hosts_new(struct assay_run *run, struct assay_hosts **ret,
                                  struct assay_error *err)
{
    const struct assay_plugins *plugins = run->opt->plugins;
    size_t n = assay_plugins_count(plugins);
    struct assay_hosts *h = calloc(1, sizeof *h);
    enum assay_status status = ASSAY_OK;
    *ret = NULL;
    if (h != NULL) {
        h->items = calloc(n + 1, sizeof *h->items);
    }
    if (h == NULL || h->items == NULL) {
        free(h);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    h->n = n;
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
        status = host_init(&h->items[i], run, assay_plugins_get(plugins, i));
        if (status != ASSAY_OK) {
            (void)assay_fail(err, status, "out of memory");
        }
    }
    for (size_t i = 0; i < run->opt->n_plugin_options && status == ASSAY_OK; i++) {
        status = set_option(h, plugins, &run->opt->plugin_options[i], err);
    }
    if (status != ASSAY_OK) {
        assay_hosts_free(h);
        return status;
    }
    *ret = h;
    return ASSAY_OK;
}

void assay_hosts_free(struct assay_hosts *h)
{
    if (h == NULL) {
        return;
    }
    for (size_t i = 0; i < h->n; i++) {
        free(h->items[i].values);
    }
    free(h->items);
    free(h);
}

const struct assay_host *assay_hosts_get(const struct assay_hosts *h, size_t i)
{
    return &h->items[i].table;
}
