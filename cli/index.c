/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index.c: `assay index add|list|check`: what was delivered before.
 *
 * Adding a delivery runs an audit by the scanner `duplicates` alone, which writes a run of its keys
 * (cli/index_store.h), and adds nothing when not everything could be read: an index with holes would
 * call a copy new. What is kept beside the keys is in the list: name, identity and size of a
 * delivery, and when it was added.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/accepted.h"
#include "cli/audit.h"
#include "cli/index.h"
#include "cli/index_merge.h"
#include "cli/progress.h"
#include "cli/term.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "engine/maintain.h"

struct index_run {
    const struct cli_args *args;
    struct index_store store;
    struct cli_setup setup;
    struct cli_settings settings;
    char threshold[CLI_THRESHOLD];
    struct assay_accepted accepted;
    uint8_t key[32]; /* of fingerprints, which are kept nowhere */
    struct assay_audit *audit;
};

/* ---- the audit ----------------------------------------------------------------------------- */

static int set(struct index_run *r, const char *name, const char *value)
{
    return cli_set(&r->settings, "duplicates", name, value);
}

static int set_up(struct index_run *r, const char *policy)
{
    static const char *const names[] = {"duplicates"};
    int code = set(r, "near", "true");
    code |= set(r, "fields", cli_value(r->args, "fields"));
    code |= cli_threshold(r->args, r->threshold);
    code |= set(r, "near_threshold", r->threshold[0] == '\0' ? NULL : r->threshold);
    code |= set(r, "memory", cli_value(r->args, "memory"));
    code = code != 0 ? code : cli_setup_plugins(r->args, &r->setup);
    code = code != 0 ? code : cli_setup_scanners(&r->setup, names, 1);
    code = code != 0 ? code : cli_setup_rules(r->args, &r->setup);
    return code != 0 ? code : cli_setup_policy(r->args, policy, &r->setup);
}

static int audit(struct index_run *r)
{
    const struct assay_audit_options opt = {.fingerprint_key = r->key};
    return cli_audit_run(r->args, &r->setup, &r->settings, opt, &r->audit);
}

static void release(struct index_run *r)
{
    assay_audit_free(r->audit);
    assay_accepted_release(&r->accepted);
    cli_setup_release(&r->setup);
    index_close(&r->store);
}

/* Sets `index` to the paths of all runs, in `paths`. */
static int set_runs(struct index_run *r, struct assay_buf *paths)
{
    size_t i;
    json_t *run;
    json_array_foreach(index_runs(&r->store), i, run)
    {
        index_path(&r->store, run, paths);
    }
    return assay_buf_status(paths) != ASSAY_OK ? cli_error("the index has too many runs")
           : paths->len == 0                   ? 0
                                               : set(r, "index", assay_buf_str(paths));
}

/* ---- add ----------------------------------------------------------------------------------- */

/* What is listed of the delivery: a new object; NULL after saying why. */
static json_t *describe(const struct index_run *r, const char *name)
{
    struct assay_error err = {0};
    uint8_t manifest[32];
    char hex[2 * sizeof manifest + 1];
    if (assay_manifest_write(assay_audit_inventory(r->audit), NULL, manifest, &err) != ASSAY_OK) {
        (void)cli_fail(&err);
        return NULL;
    }
    assay_hex(manifest, sizeof manifest, hex);
    const struct assay_coverage *c = assay_audit_coverage(r->audit);
    json_t *d =
        json_pack("{s:I, s:I, s:I, s:s, s:s, s:I}", "added_ms", (json_int_t)assay_wall_ms(),
                  "bytes", (json_int_t)c->bytes_total, "files", (json_int_t)c->files_total,
                  "manifest_sha256", hex, "name", name, "records", (json_int_t)c->records_total);
    if (d == NULL) {
        (void)cli_error("out of memory");
    }
    return d;
}

/* What the audit left becomes a run of the index. */
static int publish(struct index_run *r, const char *name, const char *path)
{
    if (assay_audit_cancelled(r->audit)) {
        (void)unlink(path);
        (void)cli_error("interrupted: nothing was added to %s", r->store.dir);
        return assay_status_exit(ASSAY_CANCELLED);
    }
    if (assay_audit_verdict(r->audit) == ASSAY_INCOMPLETE || access(path, R_OK) != 0) {
        (void)unlink(path);
        (void)cli_error("not everything could be read and written, so nothing was added: "
                        "'assay scan' says what is wrong with the delivery");
        return 3;
    }
    json_t *delivery = describe(r, name);
    if (delivery == NULL) {
        return 2;
    }
    const int code = index_put(&r->store, json_pack("[o]", delivery), NULL, 0);
    return code != 0 ? code : index_commit(&r->store);
}

static void note_added(const struct index_run *r, const char *name)
{
    const struct assay_coverage *c = assay_audit_coverage(r->audit);
    char records[CLI_COUNT_MAX], files[CLI_COUNT_MAX];
    cli_note(r->args, "Added %s: %s record%s of %s file%s.", name,
             cli_format_count(c->records_total, records), c->records_total == 1 ? "" : "s",
             cli_format_count(c->files_total, files), c->files_total == 1 ? "" : "s");
}

static int add(struct index_run *r, const char *name)
{
    ASSAY_AUTO_BUF path;
    ASSAY_AUTO_BUF runs;
    assay_buf_init(&path, ASSAY_KIB(16));
    assay_buf_init(&runs, ASSAY_MIB(1));
    if (index_find(&r->store, name) != SIZE_MAX) {
        return cli_error("there is a delivery '%s' already: 'assay index drop %s' takes it away, "
                         "--name gives this one another name",
                         name, name);
    }
    index_next_path(&r->store, &path);
    int code = set(r, "index_write", assay_buf_str(&path));
    code = code != 0 ? code : set(r, "index_name", name);
    code = code != 0 ? code : set_runs(r, &runs);
    code = code != 0 ? code : set_up(r, "observe");
    code = code != 0 ? code : audit(r);
    code = code != 0 ? code : publish(r, name, assay_buf_str(&path));
    if (code == 0) {
        note_added(r, name);
    }
    return code;
}

/* The last part of a path. */
static void base_name(const char *path, char out[INDEX_NAME_MAX + 2])
{
    const struct assay_bytes base = assay_path_base(path);
    (void)snprintf(out, INDEX_NAME_MAX + 2, "%.*s", (int)base.len, base.ptr);
}

static int run_add(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    char name[INDEX_NAME_MAX + 2];
    base_name(cli_operand(args, 0), name);
    if (cli_value(args, "name") != NULL) {
        (void)snprintf(name, sizeof name, "%s", cli_value(args, "name"));
    }
    if (cli_value(args, "name") == NULL && strcmp(name, "-") == 0) {
        return cli_usage(args, "standard input has no name: give the delivery one with --name");
    }
    if (!index_is_name(name)) {
        return cli_error("a delivery's name has 1 to %d of the characters A-Z a-z 0-9 . _ - and "
                         "does not begin with a dot: give one with --name",
                         INDEX_NAME_MAX);
    }
    int code = index_open(args, INDEX_ADD, &r.store);
    code = code != 0 ? code : add(&r, name);
    if (code == 0 && index_tidy(args, &r.store, &r.setup) != 0) {
        cli_note(args, "The delivery was added; its run is yet to be merged with others.");
    }
    release(&r);
    return code;
}

/* ---- list ---------------------------------------------------------------------------------- */

static unsigned long long number_in(const json_t *o, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(o, key));
    return n < 0 ? 0 : (unsigned long long)n;
}

/* Names take what the longest needs. */
static int name_width(const json_t *all)
{
    size_t i, widest = strlen("delivery");
    json_t *d;
    json_array_foreach(all, i, d)
    {
        const char *name = json_string_value(json_object_get(d, "name"));
        const size_t len = name == NULL ? 0 : strlen(name);
        widest = len > widest ? len : widest;
    }
    return (int)widest;
}

static void show_delivery(const struct cli_args *args, const json_t *d, int width)
{
    const char *manifest = json_string_value(json_object_get(d, "manifest_sha256"));
    const time_t added = (time_t)(number_in(d, "added_ms") / 1000);
    struct tm tm;
    char when[32] = "";
    if (cli_given(args, "json")) {
        (void)json_dumpf(d, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        (void)putchar('\n');
        return;
    }
    (void)strftime(when, sizeof when, "%Y-%m-%d", gmtime_r(&added, &tm));
    char records[CLI_COUNT_MAX], files[CLI_COUNT_MAX];
    (void)printf(
        "%-*s %14s %10s  %s  %.16s\n", width, json_string_value(json_object_get(d, "name")),
        cli_format_count(number_in(d, "records"), records),
        cli_format_count(number_in(d, "files"), files), when, manifest == NULL ? "" : manifest);
}

static int list(const struct cli_args *args, const struct index_store *s)
{
    json_t *all = index_deliveries(s), *d;
    size_t i;
    if (all == NULL) {
        return cli_error("out of memory");
    }
    const int width = name_width(all);
    if (json_array_size(all) == 0) {
        cli_note(args, "No delivery is in %s yet: 'assay index add PATH' adds one.", s->dir);
    } else if (!cli_given(args, "json")) {
        (void)printf("%-*s %14s %10s  %-10s  %s\n", width, "delivery", "records", "files", "added",
                     "manifest");
    }
    json_array_foreach(all, i, d)
    {
        show_delivery(args, d, width);
    }
    json_decref(all);
    return 0;
}

/* Has the scanner read every run as a whole. */
static int verify(struct index_run *r)
{
    struct assay_error err = {0};
    ASSAY_AUTO_BUF runs;
    assay_buf_init(&runs, ASSAY_MIB(1));
    int code = set_runs(r, &runs);
    code = code != 0 ? code : set(r, "index_verify", "true");
    code = code != 0 ? code : cli_setup_plugins(r->args, &r->setup);
    if (code != 0 || runs.len == 0) {
        return code;
    }
    const struct assay_audit_options opt = {.plugins = r->setup.plugins,
                                            .plugin_options = r->settings.items,
                                            .n_plugin_options = r->settings.n,
                                            .cancel = cli_cancel_flag()};
    cli_progress_begin(r->args, "reading all runs", NULL, 0);
    const enum assay_status status = assay_scanner_maintain(&opt, "duplicates", &err);
    cli_progress_end();
    if (status != ASSAY_OK) {
        return cli_fail(&err);
    }
    cli_note(r->args, "All that is kept in %s matches its checksums.", r->store.dir);
    return 0;
}

static int run_list(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    int code = index_open(args, INDEX_READ, &r.store);
    code = code != 0 ? code : list(args, &r.store);
    code = code == 0 && cli_given(args, "verify") ? verify(&r) : code;
    release(&r);
    return code;
}

/* ---- check --------------------------------------------------------------------------------- */

static int print_findings(const struct index_run *r)
{
    const char *format = cli_value(r->args, "format");
    return cli_audit_print(r->args, r->audit, assay_writer_find(format == NULL ? "table" : format));
}

/* The runs hold what the list says. */
static int check_list(const struct index_run *r)
{
    struct assay_error err = {0};
    json_t *all = index_deliveries(&r->store);
    const size_t listed = json_array_size(all);
    json_decref(all);
    if (cli_audit_metric(r->audit, "duplicates.delivered_deliveries").num == listed) {
        return 0;
    }
    (void)assay_fail(&err, ASSAY_CORRUPT,
                     "%.200s lists other deliveries than its runs hold: make the index again",
                     r->store.dir);
    return cli_fail(&err);
}

/* The delivery that a finding's detail names; "": none. */
static void delivery_of(const struct assay_found *f, char out[INDEX_NAME_MAX + 1])
{
    static const char lead[] = " in delivery ";
    const char *at = f->detail == NULL ? NULL : strstr(f->detail, lead);
    const size_t len = at == NULL ? 0 : strcspn(at + sizeof lead - 1, ";");
    (void)snprintf(out, INDEX_NAME_MAX + 1, "%.*s", (int)len,
                   at == NULL ? "" : at + sizeof lead - 1);
}

static const char *name_at(const json_t *all, size_t i)
{
    const char *name = json_string_value(json_object_get(json_array_get(all, i), "name"));
    return name == NULL ? "" : name;
}

/* The place of `name` in `all`, which is sorted by name; its size: none. */
static size_t place_of(const json_t *all, const char *name)
{
    size_t low = 0, high = json_array_size(all);
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (strcmp(name_at(all, mid), name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < json_array_size(all) && strcmp(name_at(all, low), name) == 0
               ? low
               : json_array_size(all);
}

/* How many findings name which delivery of `all`; the last of `counts` is for those that name none.
 */
static enum assay_status count_by_delivery(const struct index_run *r, const json_t *all,
                                           uint64_t *counts, struct assay_error *err)
{
    struct assay_cursor *c = NULL;
    struct assay_found f;
    enum assay_status st = assay_cursor_open(r->audit, &c, err);
    while (st == ASSAY_OK && (st = assay_cursor_next(c, &f, err)) == ASSAY_OK) {
        char name[INDEX_NAME_MAX + 1];
        delivery_of(&f, name);
        counts[place_of(all, name)]++;
    }
    assay_cursor_close(c);
    return st == ASSAY_END ? ASSAY_OK : st;
}

/* Where the records were: deliveries that hold any, and how many. 0, or the exit code. */
static int note_deliveries(const struct index_run *r)
{
    struct assay_error err = {0};
    json_t *all = index_deliveries(&r->store);
    const size_t n = json_array_size(all);
    uint64_t *counts = calloc(n + 1, sizeof *counts);
    int code = all == NULL || counts == NULL ? cli_error("out of memory") : 0;
    if (code == 0 && count_by_delivery(r, all, counts, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    for (size_t i = 0; i < n && code == 0; i++) {
        char number[CLI_COUNT_MAX];
        if (counts[i] > 0) {
            cli_note(r->args, "  %12s in %s", cli_format_count(counts[i], number), name_at(all, i));
        }
    }
    free(counts);
    json_decref(all);
    return code;
}

static int note_found(const struct index_run *r)
{
    static const char *const names[] = {
        "duplicates.delivered_ratio", "duplicates.delivered_identical",
        "duplicates.delivered_normalised", "duplicates.delivered_near"};
    char n[4][CLI_COUNT_MAX];
    uint64_t found = 0;
    for (size_t i = 0; i < 4; i++) {
        const uint64_t value = cli_audit_metric(r->audit, names[i]).num;
        found = i == 0 ? value : found;
        (void)cli_format_count(value, n[i]);
    }
    if (found == 0) {
        cli_note(r->args, assay_audit_cancelled(r->audit)
                              ? "Interrupted; so far no record was delivered before."
                              : "No record was delivered before.");
        return 0;
    }
    cli_note(r->args,
             "%s%s %s delivered before: %s identical, %s alike once normalised, %s near-duplicate.",
             assay_audit_cancelled(r->audit) ? "Interrupted; so far " : "", n[0],
             found == 1 ? "record was" : "records were", n[1], n[2], n[3]);
    return cli_given(r->args, "quiet") ? 0 : note_deliveries(r);
}

static int check(struct index_run *r)
{
    ASSAY_AUTO_BUF runs;
    assay_buf_init(&runs, ASSAY_MIB(1));
    int code = set_runs(r, &runs);
    if (code == 0 && runs.len == 0) {
        return cli_error("no delivery is in %s: there is nothing to check against", r->store.dir);
    }
    code = code != 0 ? code : cli_accepted_load(r->args, &r->accepted);
    code = code != 0 ? code : cli_accepted_set(&r->accepted, &r->settings);
    code |= set(r, "group_digests", cli_given(r->args, "group-digests") ? "true" : NULL);
    code = code != 0 ? code : set_up(r, "first-delivery");
    code = code != 0 ? code : audit(r);
    code = code != 0 ? code : check_list(r);
    code = code != 0 ? code : print_findings(r);
    if (code == 0) {
        note_found(r);
        cli_accepted_note(r->args, &r->accepted, r->audit);
        code = cli_audit_exit(r->audit);
    }
    return code;
}

static int run_check(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    int code = index_open(args, INDEX_READ, &r.store);
    code = code != 0 ? code : check(&r);
    release(&r);
    return code;
}

/* ---- the commands -------------------------------------------------------------------------- */

#define INDEX_AUDIT_OPTIONS                                                                        \
    CLI_OPTION("fields", 0, "POINTERS", NULL,                                                      \
               "compare only these fields (JSON Pointers, comma between)", 0),                     \
        CLI_THRESHOLD_OPTION,                                                                      \
        CLI_OPTION("memory", 0, "SIZE", NULL, "memory for keys before they go to disk", 0),        \
        CLI_AUDIT_OPTIONS, CLI_PLUGIN_OPTIONS

static const struct cli_option add_options[] = {
    INDEX_OPTION,
    {"name", 'n', "NAME", NULL, "name of the delivery; default: last part of PATH", 0},
    INDEX_AUDIT_OPTIONS,
    CLI_NO_OPTION,
};
static const struct cli_option list_options[] = {
    INDEX_OPTION,
    {"json", 0, NULL, NULL, "one JSON object a line", 0},
    {"verify", 0, NULL, NULL, "also read all that is kept and check it", 0},
    CLI_PLUGIN_OPTIONS,
    CLI_NO_OPTION,
};
static const struct cli_option check_options[] = {
    INDEX_OPTION,
    {"format", 'f', "FORMAT", "table|jsonl|json|html|csv", "how findings are printed", 0},
    {"group-digests", 0, NULL, NULL,
     "findings name their group, by which 'assay suppress' accepts it; it is not keyed", 0},
    CLI_ACCEPTED_OPTIONS,
    INDEX_AUDIT_OPTIONS,
    CLI_NO_OPTION,
};
static const char *const add_examples[] = {
    "assay index add --index /srv/index --name 2026-06 /data/accepted",
    "remember what was accepted in June",
    NULL,
};
static const char *const list_examples[] = {
    "assay index list",
    "what is in your own index",
    "assay index list --index /srv/index --verify",
    "whether all of it is as it was written: a check looks at what it needs only",
    NULL,
};
static const char *const check_examples[] = {
    "assay index check --index /srv/index /data/new",
    "which records were delivered before, and where",
    NULL,
};
const struct cli_command cli_index_add = {
    .name = "index add",
    .summary = "remember a delivery by its keys",
    .operands = "PATH...",
    .min_operands = 1,
    .max_operands = 1000,
    .options = add_options,
    .examples = add_examples,
    .notes = "Keys are hashes: no text of the delivery is kept. Nothing is added when not "
             "everything could be read, or when --fields or --threshold are not those that the "
             "deliveries before it were added with.",
    .run = run_add,
};
const struct cli_command cli_index_list = {
    .name = "index list",
    .summary = "deliveries that are remembered",
    .operands = "",
    .options = list_options,
    .examples = list_examples,
    .run = run_list,
};
const struct cli_command cli_index_check = {
    .name = "index check",
    .summary = "find records that were delivered before",
    .operands = "PATH...",
    .min_operands = 1,
    .max_operands = 1000,
    .options = check_options,
    .examples = check_examples,
    .notes = "Identical, normalised-identical and near-duplicate records, each with the closest "
             "record of an earlier delivery. Exit code: 0 none, 1 some, 3 not everything was read. "
             "The deliveries must have been added with the same --fields and --threshold.",
    .run = run_check,
};
