/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config.c: the table of keys, and one loop that follows it.
 */
#include "daemon/config.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/option.h"
#include "daemon/sandbox.h"
#include "daemon/source.h"
#include "reports/report.h"

#define CONFIG_TEXT_MAX ASSAY_MIB(64)
#define SECOND          INT64_C(1000)
#define HOUR            (3600 * SECOND)
#define DAY             (24 * HOUR)
#define CENTURY         (36525 * DAY)
#define KEEP_MAX        1000000

#define AT(member)    offsetof(struct assay_config, member)
#define OF(member)    offsetof(struct assay_config_source, member)
#define TEXT          ASSAY_OPT_STRING, 0, 0, NULL
#define INTEGER(a, b) ASSAY_OPT_INT, a, b, NULL
#define TIME(a, b)    ASSAY_OPT_DURATION, a, b, NULL
#define ONE_OF(list)  ASSAY_OPT_ENUM, 0, 0, list
#define REQUIRED      ASSAY_CONFIG_REQUIRED
#define PATH          ASSAY_CONFIG_PATH
#define LIST          ASSAY_CONFIG_LIST
#define SET           ASSAY_CONFIG_SET

/* {section, {name, type, min, max, choices, default, help}, member, flags} */
const struct assay_config_key assay_config_keys[] = {
    {"", {"version", INTEGER(1, 1), NULL, "format of this file: 1"}, AT(version), REQUIRED},
    {"",
     {"state_dir", TEXT, ASSAY_STATEDIR, "the store, keys and work in progress"},
     AT(state_dir),
     PATH},
    {"", {"cache_dir", TEXT, "state_dir/cache", "compiled rules"}, AT(cache_dir), PATH},
    {"",
     {"jobs", INTEGER(0, ASSAY_LIMIT_JOBS), "0", "threads of one audit; 0: one per CPU"},
     AT(jobs),
     0},
    {"", {"workers", INTEGER(1, 64), "1", "audits that run at once"}, AT(workers), 0},
    {"",
     {"retries", INTEGER(0, 10), "2", "further attempts after a crash, a stall or a full disk"},
     AT(retries),
     0},
    {"",
     {"retry_delay", TIME(10, HOUR), "10s", "before the first retry; doubles each time"},
     AT(retry_delay_ms),
     0},
    {"",
     {"drain", TIME(0, HOUR), "60s", "how long running audits may finish after SIGTERM"},
     AT(drain_ms),
     0},
    {"",
     {"rescan", TIME(SECOND, DAY), "1h", "between scans that reconcile what events missed"},
     AT(rescan_ms),
     0},
    {"",
     {"sandbox", ONE_OF(ASSAY_SANDBOX_MODES), "require",
      "Landlock and seccomp around workers and signer: must be there, may be missing, are not "
      "used"},
     AT(sandbox),
     0},
    {"",
     {"reaudit", ONE_OF("report|now"), "report", "what was judged under rules that changed"},
     AT(reaudit),
     0},
    {"control",
     {"socket", TEXT, ASSAY_RUNDIR "/control.sock", "where assay(1) connects"},
     AT(control_socket),
     PATH},
    {"control",
     {"group", TEXT, NULL, "group that may connect; default: the owner alone"},
     AT(control_group),
     0},
    {"signing",
     {"key_file", TEXT, "state_dir/keys/signing.pem", "private key; made if missing"},
     AT(key_file),
     PATH},
    {"signing",
     {"passphrase_file", TEXT, NULL, "passphrase of the key, on its first line"},
     AT(passphrase_file),
     PATH},
    {"signing",
     {"fingerprint_file", TEXT, "state_dir/keys/fingerprint.key", "secret that keys fingerprints"},
     AT(fingerprint_file),
     PATH},
    {"reports",
     {"dir", TEXT, "state_dir/reports", "where signed reports appear"},
     AT(reports_dir),
     PATH},
    {"reports",
     {"formats", TEXT, "[jsonl, html, table]", "written into each report"},
     AT(formats),
     LIST},
    {"retention",
     {"reports_keep", INTEGER(0, KEEP_MAX), "0", "newest reports of a dataset that stay; 0: all"},
     AT(retention.reports_keep),
     0},
    {"retention",
     {"reports_age", TIME(0, CENTURY), "0s", "older reports are removed; 0s: none is too old"},
     AT(retention.reports_age_ms),
     0},
    {"retention",
     {"runs_keep", INTEGER(0, KEEP_MAX), "0", "newest runs of a dataset on record; 0: all"},
     AT(retention.runs_keep),
     0},
    {"retention",
     {"runs_age", TIME(0, CENTURY), "0s", "older runs are forgotten; 0s: none is too old"},
     AT(retention.runs_age_ms),
     0},
    {"retention",
     {"interval", TIME(SECOND, DAY), "1h", "between two looks for what is too old"},
     AT(retention.interval_ms),
     0},
    {"plugins", {"dir", TEXT, NULL, "directory of shared plugins to load"}, AT(plugins_dir), PATH},
    {"worker",
     {"memory", ASSAY_OPT_SIZE, 0, INT64_MAX, NULL, "4GiB",
      "address space of a worker; 0: no limit"},
     AT(worker_memory),
     0},
    {"worker",
     {"stall", TIME(100, DAY), "10m", "a worker that does not get on for so long is ended"},
     AT(worker_stall_ms),
     0},
    {"worker",
     {"cpu", TIME(0, 30 * DAY), "0s", "processor time of a worker; 0s: no limit"},
     AT(worker_cpu_ms),
     0},
    {"log",
     {"format", ONE_OF("text|json|journal"), "text", "shape of log lines"},
     AT(log_format),
     0},
    {"log",
     {"level", ONE_OF("error|warning|info|debug"), "info", "least urgent level that is kept"},
     AT(log_level),
     0},
    {"submit",
     {"settings", TEXT, NULL, "options of plugins for datasets that are submitted"},
     AT(submit.settings),
     LIST},
    {"submit",
     {"suppressions", TEXT, NULL, "signed lists of accepted groups, for them"},
     AT(submit.suppressions),
     LIST | PATH},
    {"submit",
     {"suppressions_keys", TEXT, NULL, "public keys, of which one has signed each list"},
     AT(submit.suppressions_keys),
     LIST | PATH},
    {"sources", {"kind", TEXT, NULL, "what is watched: directory or redis"}, OF(kind), REQUIRED},
    {"sources", {"name", TEXT, "last part of path", "unique name in messages"}, OF(name), 0},
    {"sources", {"path", TEXT, NULL, "the directory; with redis, see url"}, OF(path), PATH},
    {"sources",
     {"policy", TEXT, NULL, "built-in name or file; default: the built-in default"},
     OF(policy),
     0},
    {"sources", {"packs", TEXT, NULL, "rule packs; default: all built in"}, OF(packs), LIST},
    {"sources",
     {"settings", TEXT, NULL, "options of plugins: [PLUGIN.OPTION=VALUE, ...]"},
     OF(settings),
     LIST},
    {"sources",
     {"suppressions", TEXT, NULL, "signed lists of accepted groups of duplicates"},
     OF(suppressions),
     LIST | PATH},
    {"sources",
     {"suppressions_keys", TEXT, NULL, "public keys, of which one has signed each list"},
     OF(suppressions_keys),
     LIST | PATH},
    {"sources",
     {"concurrency", INTEGER(0, 64), "0", "audits of this source at once; 0: one per worker"},
     OF(concurrency),
     0},
    {"sources",
     {"priority", INTEGER(0, ASSAY_LIMIT_PRIORITY), "0", "greater starts earlier"},
     OF(priority),
     0},
    {"sources",
     {"deadline", TIME(0, (int64_t)ASSAY_LIMIT_DEADLINE_MS), "0s",
      "a run not done so long after it was queued is dead; 0s: none"},
     OF(deadline_ms),
     0},
    {"sources",
     {"dataset", ONE_OF("children|self"), "children",
      "each entry of the directory is a dataset, or the directory is one"},
     OF(dataset),
     0},
    {"sources",
     {"ready", ONE_OF("settle|marker|manifest|rename|close"), "settle",
      "what says that a dataset is complete; of a list, all together"},
     OF(ready),
     SET},
    {"sources",
     {"settle", TIME(10, DAY), "5s", "unchanged for so long: complete"},
     OF(settle_ms),
     0},
    {"sources",
     {"settle_max", TIME(0, DAY), "1h", "changing for so long: taken as it is; 0s: never"},
     OF(settle_max_ms),
     0},
    {"sources",
     {"marker", TEXT, "_READY", "file in the dataset that says it is complete"},
     OF(marker),
     0},
    {"sources",
     {"manifest", TEXT, "MANIFEST.sha256", "file in the dataset that lists what belongs to it"},
     OF(manifest),
     0},
    {"sources",
     {"watch", ONE_OF("auto|inotify|poll"), "auto", "how changes are noticed"},
     OF(watch),
     0},
    {"sources",
     {"poll", TIME(100, DAY), "10s", "between scans where events cannot be had"},
     OF(poll_ms),
     0},
    {"sources", {"url", TEXT, NULL, "redis: where the server is"}, OF(url), 0},
    {"sources", {"tenant", TEXT, "default", "redis: part of the keys' names"}, OF(tenant), 0},
    {"sources", {"group", TEXT, "assayd", "redis: consumer group"}, OF(group), 0},
    {"sources",
     {"consumer", TEXT, NULL, "redis: stable name in the group; default: host and source"},
     OF(consumer),
     0},
    {"sources",
     {"password_file", TEXT, NULL, "redis: file whose first line is the password"},
     OF(password_file),
     PATH},
    {"sources", {"ca_file", TEXT, NULL, "redis: authorities for TLS"}, OF(ca_file), PATH},
    {"sources", {"cert_file", TEXT, NULL, "redis: client certificate"}, OF(cert_file), PATH},
    {"sources", {"key_file", TEXT, NULL, "redis: its private key"}, OF(tls_key_file), PATH},
    {"sources",
     {"roots", TEXT, NULL, "redis: directories below which jobs may name datasets"},
     OF(roots),
     LIST},
    {"sources",
     {"timeout", TIME(100, HOUR), "5s", "redis: for connecting and for each reply"},
     OF(timeout_ms),
     0},
    {"sources",
     {"claim_idle", TIME(SECOND, DAY), "2m", "redis: jobs of others idle for so long are taken"},
     OF(claim_idle_ms),
     0},
    {"sources",
     {"max_deliveries", INTEGER(1, 1000), "5", "redis: after so many a job is set aside"},
     OF(max_deliveries),
     0},
    {NULL, {NULL, TEXT, NULL, NULL}, 0, 0},
};

#define MAX_KEYS (sizeof assay_config_keys / sizeof assay_config_keys[0])

struct loader {
    struct assay_yaml *y;
    struct assay_diags *d;
    struct assay_config *c;
};

/* The names of a section's keys; of the top level, with the sections. */
static void names_of(const char *section, const char *ret[2 * MAX_KEYS])
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
        number = (k->flags & SET) != 0 ? UINT64_C(1) << number : number;
        memcpy(member, &number, sizeof number);
    }
}

static void read_list(struct loader *l, const struct assay_config_key *k, void *base,
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
        if ((k->flags & PATH) != 0 && text[0] != '/') {
            assay_diags_error(l->d, l->y, item, "%s must be absolute paths", k->option.name);
        }
        items[i] = assay_arena_strdup(l->c->arena, text);
    }
    list.items = items;
    memcpy((char *)base + k->offset, &list, sizeof list);
}

static void read_scalar(struct loader *l, const struct assay_config_key *k, void *base,
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
    } else if ((k->flags & PATH) != 0 && text[0] != '/') {
        assay_diags_error(l->d, l->y, n, "%s must be an absolute path", k->option.name);
    } else {
        char *copy = assay_arena_strdup(l->c->arena, text);
        store_value(k, base, copy == NULL ? "" : copy);
    }
}

/* Several choices at once: read_scalar for each, and their bits together. */
static void read_set(struct loader *l, const struct assay_config_key *k, void *base,
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
    if (k->option.fallback != NULL && (k->flags & LIST) == 0 &&
        (k->option.type != ASSAY_OPT_STRING || k->option.fallback[0] == '/')) {
        store_value(k, base, k->option.fallback);
    }
}

/* Reads every key of `section` from mapping `n` (NULL: absent) into `base`. */
static void read_section(struct loader *l, const char *section, void *base,
                         const struct assay_yaml_node *n)
{
    const char *names[2 * MAX_KEYS];
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
        if (value != NULL && (k->flags & LIST) != 0) {
            read_list(l, k, base, value);
        } else if (value != NULL && (k->flags & SET) != 0 &&
                   assay_yaml_node_kind(value) == ASSAY_YAML_SEQUENCE) {
            read_set(l, k, base, value);
        } else if (value != NULL) {
            read_scalar(l, k, base, value);
        } else if ((k->flags & REQUIRED) != 0) {
            assay_diags_error(l->d, l->y, n, "%s is missing", k->option.name);
        }
    }
}

static const char *join(struct loader *l, const char *dir, const char *name)
{
    ASSAY_AUTO_BUF path;
    assay_buf_init(&path, ASSAY_LIMIT_NAME * 2);
    assay_buf_addf(&path, "%s/%s", dir, name);
    const char *copy = assay_arena_dup(l->c->arena, assay_buf_bytes(&path));
    return copy == NULL ? "" : copy;
}

/* Defaults that depend on other keys. */
static void derive(struct loader *l)
{
    static const char *const formats[] = {"jsonl", "html", "table"};
    static const struct {
        size_t offset;
        const char *name;
    } derived[] = {{AT(cache_dir), "cache"},
                   {AT(key_file), "keys/signing.pem"},
                   {AT(fingerprint_file), "keys/fingerprint.key"},
                   {AT(reports_dir), "reports"}};
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

/* ---- sources ------------------------------------------------------------------------------- */

static const char *last_component(struct loader *l, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    size_t start = len;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    const char *name = assay_arena_dup(l->c->arena, assay_bytes_make(path + start, len - start));
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
static void check_apart(struct loader *l, const char *path, const struct assay_yaml_node *n)
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
static void place_source(struct loader *l, const struct assay_source_kind *kind,
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
static void check_name(struct loader *l, size_t i, const struct assay_yaml_node *n)
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

/* A list counts only if it is signed, and a key only if there is a list. */
static void check_suppressions(struct loader *l, const struct assay_config_source *s,
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

static void read_source(struct loader *l, size_t i, const struct assay_yaml_node *n)
{
    struct assay_config_source *s = &l->c->sources[i];
    size_t errors = assay_diags_errors(l->d);
    s->marker = "_READY";
    s->manifest = "MANIFEST.sha256";
    s->tenant = "default";
    s->group = "assayd";
    read_section(l, "sources", s, n);
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
    check_suppressions(l, s, n);
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

static void read_sources(struct loader *l, const struct assay_yaml_node *n)
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

static void check_formats(struct loader *l, const struct assay_yaml_node *n)
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
static void check_retention(struct loader *l, const struct assay_yaml_node *n)
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

static void read_all(struct loader *l)
{
    const struct assay_yaml_node *root = assay_yaml_root(l->y);
    const char *last = "";
    if (root == NULL) {
        assay_diags_error(l->d, l->y, NULL,
                          "the configuration is empty: it needs at least version: 1");
        return;
    }
    read_section(l, "", l->c, root);
    for (const struct assay_config_key *k = assay_config_keys; k->option.name != NULL; k++) {
        if (strcmp(k->section, last) != 0 && strcmp(k->section, "sources") != 0) {
            read_section(l, k->section, l->c, assay_yaml_get(root, k->section));
        }
        last = k->section;
    }
    derive(l);
    check_formats(l, assay_yaml_get(assay_yaml_get(root, "reports"), "formats"));
    check_retention(l, assay_yaml_get(root, "retention"));
    l->c->submit.name = ASSAY_SOURCE_SUBMIT;
    check_suppressions(l, &l->c->submit, assay_yaml_get(root, "submit"));
    read_sources(l, assay_yaml_get(root, "sources"));
}

/* Takes over `y`; NULL where it did not parse. */
static struct assay_config *config_of(struct assay_yaml *y, struct assay_diags *d)
{
    struct loader l = {.y = y, .d = d};
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
