/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index.c: `assay index add|list|check|drop`: what was delivered before.
 *
 * An index is a directory with one directory per delivery: `keys`, hashes that the scanner
 * `duplicates` wrote and reads (the format is its own), and `delivery.json`, what they are the keys
 * of. A delivery appears complete, by one rename, or not at all; so does its end. Adding one runs an
 * audit by that scanner alone, and adds nothing when not everything could be read: an index with
 * holes would call a copy new.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/audit.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/status.h"

#define KEYS_NAME     "keys"
#define DELIVERY_NAME "delivery.json"
#define NAME_MAX_LEN  100

struct index_run {
    const struct cli_args *args;
    char dir[PATH_MAX];
    struct cli_setup setup;
    struct cli_settings settings;
    uint8_t key[32]; /* of fingerprints, which are kept nowhere */
    struct assay_audit *audit;
};

/* ---- the directory ------------------------------------------------------------------------- */

/* --index DIR, or one of the user's own. */
static int find_dir(struct index_run *r)
{
    char home[PATH_MAX];
    struct assay_error err = {0};
    const char *dir = cli_value(r->args, "index");
    if (dir == NULL) {
        if (assay_fs_home(ASSAY_HOME_STATE, home, sizeof home, &err) != ASSAY_OK) {
            return cli_fail(&err);
        }
        (void)snprintf(r->dir, sizeof r->dir, "%.*s/index", (int)sizeof home - 8, home);
    } else if (strchr(dir, ':') != NULL) {
        return cli_error("--index: a path with a colon in it cannot be used");
    } else {
        (void)snprintf(r->dir, sizeof r->dir, "%s", dir);
    }
    return strlen(r->dir) + NAME_MAX_LEN + 64 < sizeof r->dir
               ? 0
               : cli_error("--index: the path is too long");
}

static int is_name(const char *s)
{
    const size_t len = strlen(s);
    for (size_t i = 0; i < len; i++) {
        const int letter = (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z';
        const int other = (s[i] >= '0' && s[i] <= '9') || strchr("_-.", s[i]) != NULL;
        if ((!letter && !other) || (i == 0 && s[i] == '.')) {
            return 0;
        }
    }
    return len > 0 && len <= NAME_MAX_LEN;
}

static void path_in(const struct index_run *r, const char *name, const char *file,
                    char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%.*s/%.*s%s%.32s", PATH_MAX - NAME_MAX_LEN - 64, r->dir,
                   NAME_MAX_LEN + 16, name, file[0] == '\0' ? "" : "/", file);
}

/* Takes a delivery away: first its name, then what it held. */
static int remove_delivery(const struct index_run *r, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX], file[PATH_MAX], hidden[NAME_MAX_LEN + 16];
    static const char *const files[] = {KEYS_NAME, DELIVERY_NAME, KEYS_NAME ".part"};
    (void)snprintf(hidden, sizeof hidden, ".%s.gone", name);
    path_in(r, name, "", from);
    path_in(r, hidden, "", to);
    if (rename(from, to) != 0) {
        return errno;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path_in(r, hidden, files[i], file);
        (void)unlink(file);
    }
    return rmdir(to) == 0 ? 0 : errno;
}

static int is_delivery(const struct dirent *e)
{
    return is_name(e->d_name);
}

/* Names of the deliveries, in order. The caller frees each and the array; -1 on failure. */
static int list_names(const struct index_run *r, struct dirent ***ret)
{
    *ret = NULL;
    int n = scandir(r->dir, ret, is_delivery, alphasort);
    return n < 0 && errno == ENOENT ? 0 : n;
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
}

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
    code |= set(r, "near_threshold", cli_value(r->args, "threshold"));
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
    cli_setup_release(&r->setup);
}

/* ---- add ----------------------------------------------------------------------------------- */

static int delivery_json(const struct index_run *r, const char *name, struct assay_buf *out)
{
    struct assay_json j;
    struct assay_error err = {0};
    uint8_t manifest[32];
    if (assay_manifest_write(assay_audit_inventory(r->audit), NULL, manifest, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    const struct assay_coverage *c = assay_audit_coverage(r->audit);
    assay_json_init(&j, out, 1);
    assay_json_object(&j);
    assay_json_kv_uint(&j, "added_ms", assay_wall_ms());
    assay_json_kv_uint(&j, "bytes", c->bytes_total);
    assay_json_kv_uint(&j, "files", c->files_total);
    assay_json_key(&j, "manifest_sha256");
    assay_json_hex(&j, manifest, sizeof manifest);
    assay_json_kv_str(&j, "name", name);
    assay_json_kv_uint(&j, "records", c->records_total);
    assay_json_kv_uint(&j, "version", 1);
    assay_json_end_object(&j);
    assay_buf_addc(out, '\n');
    return assay_json_status(&j) == ASSAY_OK ? 0 : cli_error("cannot describe the delivery");
}

/* What the audit left in the hidden directory becomes the delivery. */
static int publish(struct index_run *r, const char *name, const char *hidden)
{
    char from[PATH_MAX], to[PATH_MAX], file[PATH_MAX];
    struct assay_error err = {0};
    ASSAY_AUTO_BUF json;
    assay_buf_init(&json, ASSAY_KIB(16));
    path_in(r, hidden, KEYS_NAME, file);
    if (assay_audit_verdict(r->audit) == ASSAY_INCOMPLETE || access(file, R_OK) != 0) {
        (void)cli_error("not everything could be read and written, so nothing was added: "
                        "'assay scan' says what is wrong with the delivery");
        return 3;
    }
    int code = delivery_json(r, name, &json);
    path_in(r, hidden, DELIVERY_NAME, file);
    if (code == 0 && assay_fs_write_file(file, json.ptr, json.len, 0600, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    path_in(r, hidden, "", from);
    path_in(r, name, "", to);
    if (code == 0 && rename(from, to) != 0) {
        (void)assay_fail_errno(&err, errno, "cannot add %.200s", to);
        code = cli_fail(&err);
    }
    return code;
}

static int add(struct index_run *r, const char *name)
{
    char hidden[NAME_MAX_LEN + 16], path[PATH_MAX], keys[PATH_MAX];
    struct assay_error err = {0};
    (void)snprintf(hidden, sizeof hidden, ".%s.part", name);
    path_in(r, name, "", path);
    if (access(path, F_OK) == 0) {
        return cli_error("there is a delivery '%s' already: 'assay index drop %s' takes it away, "
                         "--name gives this one another name",
                         name, name);
    }
    int code = cli_check_outside(r->args, r->dir);
    path_in(r, hidden, "", path);
    if (code == 0 && assay_fs_mkdirs(path, 0700, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    path_in(r, hidden, KEYS_NAME, keys);
    code = code != 0 ? code : set(r, "index_write", keys);
    code = code != 0 ? code : set(r, "index_name", name);
    code = code != 0 ? code : set_up(r, "observe");
    code = code != 0 ? code : audit(r);
    code = code != 0 ? code : publish(r, name, hidden);
    if (code != 0) {
        (void)remove_delivery(r, hidden);
    } else {
        cli_note(r->args, "Added %s: %llu records of %llu files.", name,
                 (unsigned long long)assay_audit_coverage(r->audit)->records_total,
                 (unsigned long long)assay_audit_coverage(r->audit)->files_total);
    }
    return code;
}

/* The last part of a path. */
static void base_name(const char *path, char out[NAME_MAX_LEN + 2])
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    (void)snprintf(out, NAME_MAX_LEN + 2, "%.*s", (int)(end - start), path + start);
}

static int run_add(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    char name[NAME_MAX_LEN + 2];
    base_name(cli_operand(args, 0), name);
    if (cli_value(args, "name") != NULL) {
        (void)snprintf(name, sizeof name, "%s", cli_value(args, "name"));
    }
    if (!is_name(name)) {
        return cli_error("a delivery's name has 1 to %d of the characters A-Z a-z 0-9 . _ - and "
                         "does not begin with a dot: give one with --name",
                         NAME_MAX_LEN);
    }
    int code = find_dir(&r);
    code = code != 0 ? code : add(&r, name);
    release(&r);
    return code;
}

/* ---- list ---------------------------------------------------------------------------------- */

static json_t *read_delivery(const struct index_run *r, const char *name)
{
    char path[PATH_MAX];
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_KIB(64));
    path_in(r, name, DELIVERY_NAME, path);
    if (assay_fs_read_file(path, ASSAY_KIB(64), &text, NULL) != ASSAY_OK) {
        return NULL;
    }
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static unsigned long long number_in(const json_t *o, const char *key)
{
    const json_int_t n = json_integer_value(json_object_get(o, key));
    return n < 0 ? 0 : (unsigned long long)n;
}

static int show_delivery(const struct index_run *r, const char *name)
{
    json_t *o = read_delivery(r, name);
    if (o == NULL) {
        (void)cli_error("%s/%s is damaged: drop it and add the delivery again", r->dir, name);
        return 3;
    }
    const char *manifest = json_string_value(json_object_get(o, "manifest_sha256"));
    if (cli_given(r->args, "json")) {
        (void)json_dumpf(o, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        (void)putchar('\n');
    } else {
        const time_t added = (time_t)(number_in(o, "added_ms") / 1000);
        struct tm tm;
        char when[32] = "";
        (void)strftime(when, sizeof when, "%Y-%m-%d", gmtime_r(&added, &tm));
        (void)printf("%-28s %12llu %8llu  %s  %.16s\n", name, number_in(o, "records"),
                     number_in(o, "files"), when, manifest == NULL ? "" : manifest);
    }
    json_decref(o);
    return 0;
}

static int run_list(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    struct dirent **names;
    int worst = find_dir(&r);
    if (worst != 0) {
        return worst;
    }
    const int n = list_names(&r, &names);
    if (n < 0) {
        return cli_error("cannot read %s: %s", r.dir, strerror(errno));
    }
    if (!cli_given(args, "json") && n > 0) {
        (void)printf("%-28s %12s %8s  %-10s  %s\n", "delivery", "records", "files", "added",
                     "manifest");
    }
    for (int i = 0; i < n; i++) {
        const int code = show_delivery(&r, names[i]->d_name);
        worst = code > worst ? code : worst;
    }
    if (n == 0) {
        cli_note(args, "No delivery is in %s yet: 'assay index add PATH' adds one.", r.dir);
    }
    free_names(names, n);
    return worst;
}

/* ---- check --------------------------------------------------------------------------------- */

/* All keys, separated by colons. */
static int keys_of(const struct index_run *r, struct assay_buf *out)
{
    struct dirent **names;
    const int n = list_names(r, &names);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        path_in(r, names[i]->d_name, KEYS_NAME, path);
        assay_buf_addf(out, "%s%s", i == 0 ? "" : ":", path);
    }
    if (n >= 0) {
        free_names(names, n);
    }
    if (n <= 0) {
        return cli_error("no delivery is in %s: there is nothing to check against", r->dir);
    }
    return assay_buf_status(out) == ASSAY_OK ? 0 : cli_error("the index has too many deliveries");
}

static int print_findings(const struct index_run *r)
{
    const char *format = cli_value(r->args, "format");
    return cli_audit_print(r->args, r->audit, assay_writer_find(format == NULL ? "table" : format));
}

static int run_check(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    ASSAY_AUTO_BUF keys;
    assay_buf_init(&keys, ASSAY_MIB(1));
    int code = find_dir(&r);
    code = code != 0 ? code : keys_of(&r, &keys);
    code = code != 0 ? code : set(&r, "index", assay_buf_str(&keys));
    code = code != 0 ? code : set_up(&r, "first-delivery");
    code = code != 0 ? code : audit(&r);
    code = code != 0 ? code : print_findings(&r);
    if (code == 0) {
        const uint64_t found = cli_audit_metric(r.audit, "duplicates.delivered_ratio").num;
        cli_note(args, "%llu records were delivered before.", (unsigned long long)found);
        code = cli_audit_exit(r.audit);
    }
    release(&r);
    return code;
}

/* ---- drop ---------------------------------------------------------------------------------- */

static int run_drop(const struct cli_args *args)
{
    struct index_run r = {.args = args};
    int worst = find_dir(&r);
    for (size_t i = 0; worst == 0 && i < cli_operands(args); i++) {
        const char *name = cli_operand(args, i);
        const int error = is_name(name) ? remove_delivery(&r, name) : ENOENT;
        if (error != 0) {
            worst = cli_error("cannot drop '%.100s' from %s: %s", name, r.dir, strerror(error));
        }
    }
    return worst;
}

/* ---- the commands -------------------------------------------------------------------------- */

#define INDEX_OPTION                                                                               \
    CLI_OPTION("index", 'i', "DIR", NULL, "directory of the index; default: one of your own", 0)
#define INDEX_AUDIT_OPTIONS                                                                        \
    CLI_OPTION("fields", 0, "POINTERS", NULL,                                                      \
               "compare only these fields (JSON Pointers, comma between)", 0),                     \
        CLI_OPTION("threshold", 0, "N", NULL,                                                      \
                   "similarity of near-duplicates in thousandths; default: 800", 0),               \
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
    CLI_NO_OPTION,
};
static const struct cli_option check_options[] = {
    INDEX_OPTION,
    {"format", 'f', "FORMAT", "table|jsonl|json|html|csv", "how findings are printed", 0},
    INDEX_AUDIT_OPTIONS,
    CLI_NO_OPTION,
};
static const struct cli_option drop_options[] = {INDEX_OPTION, CLI_NO_OPTION};

static const char *const add_examples[] = {
    "assay index add --index /srv/index --name 2026-06 /data/accepted",
    "remember what was accepted in June",
    NULL,
};
static const char *const list_examples[] = {
    "assay index list",
    "what is in your own index",
    NULL,
};
static const char *const check_examples[] = {
    "assay index check --index /srv/index /data/new",
    "which records were delivered before, and where",
    NULL,
};
static const char *const drop_examples[] = {
    "assay index drop 2024-01",
    "forget a delivery",
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
             "everything could be read.",
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
const struct cli_command cli_index_drop = {
    .name = "index drop",
    .summary = "forget a delivery",
    .operands = "NAME...",
    .min_operands = 1,
    .max_operands = 1000,
    .options = drop_options,
    .examples = drop_examples,
    .run = run_drop,
};
