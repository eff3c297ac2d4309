/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/index_store.c: see the header.
 */
#include "cli/index_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/setup.h"
#include "cli/term.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"

#define LIST_NAME "index.json"

/* ---- places -------------------------------------------------------------------------------- */

static void path_in(const struct index_store *s, const char *file, char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%.*s/%.63s", PATH_MAX - 65, s->dir, file);
}

static int find_dir(const struct cli_args *args, struct index_store *s)
{
    char home[PATH_MAX];
    struct assay_error err = {0};
    const char *dir = cli_value(args, "index");
    if (dir == NULL) {
        if (assay_fs_home(ASSAY_HOME_STATE, home, sizeof home, &err) != ASSAY_OK) {
            return cli_fail(&err);
        }
        (void)snprintf(s->dir, sizeof s->dir, "%.*s/index", (int)sizeof home - 8, home);
    } else if (strchr(dir, ':') != NULL) {
        return cli_error("--index: a path with a colon in it cannot be used");
    } else {
        (void)snprintf(s->dir, sizeof s->dir, "%s", dir);
    }
    return strlen(s->dir) + 65 < sizeof s->dir ? 0 : cli_error("--index: the path is too long");
}

/* ---- locks --------------------------------------------------------------------------------- */

/* A file of the directory; made where it can be. -1 with errno. */
static int open_lock(const struct index_store *s, const char *name)
{
    char path[PATH_MAX];
    path_in(s, name, path);
    const int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int fail_errno(const struct index_store *s, const char *what)
{
    struct assay_error err = {0};
    (void)assay_fail_errno(&err, errno, "cannot %s the index %.200s", what, s->dir);
    return cli_fail(&err);
}

static int lock_writers(const struct cli_args *args, struct index_store *s)
{
    struct assay_error err = {0};
    if (assay_fs_mkdirs(s->dir, 0700, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    s->lock = open_lock(s, "lock");
    if (s->lock < 0) {
        return fail_errno(s, "lock");
    }
    if (flock(s->lock, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    cli_note(args, "Waiting for another process that changes %s.", s->dir);
    return flock(s->lock, LOCK_EX) == 0 ? 0 : fail_errno(s, "lock");
}

/* What cannot be locked because it cannot be written to is not changed by anybody either. */
static int lock_readers(struct index_store *s)
{
    s->readers = open_lock(s, "readers");
    if (s->readers >= 0 && flock(s->readers, LOCK_SH) != 0) {
        return fail_errno(s, "lock");
    }
    return 0;
}

/* ---- the list ------------------------------------------------------------------------------ */

json_t *index_runs(const struct index_store *s)
{
    return json_object_get(s->list, "runs");
}

static json_t *deliveries_of(const json_t *run)
{
    return json_object_get(run, "deliveries");
}

static const char *name_of(const json_t *delivery)
{
    const char *name = json_string_value(json_object_get(delivery, "name"));
    return name == NULL ? "" : name;
}

static int read_list(struct index_store *s)
{
    char path[PATH_MAX];
    struct assay_error err = {0};
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_JSON_DOCUMENT);
    path_in(s, LIST_NAME, path);
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        s->list = index_list_new();
        return s->list == NULL ? cli_error("out of memory") : 0;
    }
    if (assay_fs_read_file(path, ASSAY_LIMIT_JSON_DOCUMENT, &text, &err) != ASSAY_OK) {
        return cli_fail(&err);
    }
    s->list = index_list_parse(assay_buf_bytes(&text));
    if (s->list == NULL) {
        (void)assay_fail(&err, ASSAY_CORRUPT,
                         "%.200s is damaged, or of another version: make the index again", path);
        return cli_fail(&err);
    }
    return 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int is_listed(const struct index_store *s, const char *file)
{
    size_t i;
    json_t *run;
    json_array_foreach(index_runs(s), i, run)
    {
        if (strcmp(json_string_value(json_object_get(run, "file")), file) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Removes runs that are not listed, unless somebody reads. */
static void sweep(const struct index_store *s)
{
    char path[PATH_MAX];
    const int readers = open_lock(s, "readers");
    DIR *d = readers >= 0 && flock(readers, LOCK_EX | LOCK_NB) == 0 ? opendir(s->dir) : NULL;
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (index_is_run_file(e->d_name) && !is_listed(s, e->d_name)) {
            path_in(s, e->d_name, path);
            (void)unlink(path);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    if (readers >= 0) {
        (void)close(readers);
    }
}

/* Only adding begins an index. */
static int check_there(const struct cli_args *args, const struct index_store *s)
{
    if (!cli_given(args, "index") || access(s->dir, F_OK) == 0) {
        return 0;
    }
    return cli_error("there is no index in %s: 'assay index add --index %s PATH' begins one",
                     s->dir, s->dir);
}

int index_open(const struct cli_args *args, enum index_purpose purpose, struct index_store *s)
{
    *s = (struct index_store){.lock = -1, .readers = -1};
    int code = find_dir(args, s);
    if (code == 0) {
        code = purpose == INDEX_ADD      ? cli_check_outside(args, s->dir)
               : purpose == INDEX_CHANGE ? check_there(args, s)
                                         : 0;
    }
    if (code == 0) {
        code = purpose == INDEX_READ ? lock_readers(s) : lock_writers(args, s);
    }
    code = code != 0 ? code : read_list(s);
    if (code == 0 && purpose != INDEX_READ) {
        sweep(s);
    }
    return code;
}

void index_close(struct index_store *s)
{
    json_decref(s->list);
    if (s->lock >= 0) {
        (void)close(s->lock);
    }
    if (s->readers >= 0) {
        (void)close(s->readers);
    }
    *s = (struct index_store){.lock = -1, .readers = -1};
}

/* ---- asking -------------------------------------------------------------------------------- */

size_t index_find(const struct index_store *s, const char *name)
{
    size_t i, k;
    json_t *run, *d;
    json_array_foreach(index_runs(s), i, run)
    {
        json_array_foreach(deliveries_of(run), k, d)
        {
            if (strcmp(name_of(d), name) == 0) {
                return i;
            }
        }
    }
    return SIZE_MAX;
}

void index_path(const struct index_store *s, const json_t *run, struct assay_buf *out)
{
    assay_buf_addf(out, "%s%s/%s", out->len == 0 ? "" : ":", s->dir,
                   json_string_value(json_object_get(run, "file")));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(name_of(*(json_t *const *)a), name_of(*(json_t *const *)b));
}

json_t *index_deliveries(const struct index_store *s)
{
    json_t *all = json_array(), **items, *d;
    size_t i, n;
    json_array_foreach(index_runs(s), i, d)
    {
        (void)json_array_extend(all, deliveries_of(d));
    }
    n = json_array_size(all);
    items = calloc(n + 1, sizeof(json_t *));
    json_t *sorted = items == NULL ? NULL : json_array();
    for (i = 0; sorted != NULL && i < n; i++) {
        items[i] = json_array_get(all, i);
    }
    if (sorted != NULL && n > 1) {
        qsort(items, n, sizeof(json_t *), by_name);
    }
    for (i = 0; sorted != NULL && i < n; i++) {
        (void)json_array_append(sorted, items[i]);
    }
    free(items);
    json_decref(all);
    return sorted;
}

/* ---- changing ------------------------------------------------------------------------------ */

static json_int_t next_of(const struct index_store *s)
{
    return json_integer_value(json_object_get(s->list, "next"));
}

void index_next_path(const struct index_store *s, struct assay_buf *out)
{
    char name[INDEX_RUN_NAME];
    index_run_name(next_of(s), name);
    assay_buf_clear(out);
    assay_buf_addf(out, "%s/%s", s->dir, name);
}

int index_put(struct index_store *s, json_t *deliveries, const size_t *replaced, size_t n_replaced)
{
    char name[INDEX_RUN_NAME];
    int bad = deliveries == NULL;
    const json_int_t next = next_of(s);
    index_run_name(next, name);
    for (size_t i = n_replaced; i > 0; i--) {
        bad |= json_array_remove(index_runs(s), replaced[i - 1]);
    }
    if (json_array_size(deliveries) == 0) {
        json_decref(deliveries);
        return bad ? cli_error("out of memory") : 0;
    }
    bad |= json_array_append_new(index_runs(s),
                                 json_pack("{s:o, s:s}", "deliveries", deliveries, "file", name));
    bad |= json_object_set_new(s->list, "next", json_integer(next + 1));
    return bad ? cli_error("out of memory") : 0;
}

/* The names of new runs are to be on the disk before the list that names them. */
static int sync_dir(const struct index_store *s)
{
    const int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int bad = fd < 0 || fsync(fd) != 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return bad ? fail_errno(s, "write") : 0;
}

int index_commit(struct index_store *s)
{
    char path[PATH_MAX];
    struct assay_error err = {0};
    char *text = json_dumps(s->list, JSON_COMPACT | JSON_SORT_KEYS);
    int code = text == NULL ? cli_error("out of memory") : sync_dir(s);
    path_in(s, LIST_NAME, path);
    if (code == 0 && assay_fs_write_file(path, text, strlen(text), 0600, &err) != ASSAY_OK) {
        code = cli_fail(&err);
    }
    free(text);
    if (code == 0) {
        sweep(s);
    }
    return code;
}
