/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"
#include "rules/embedded.h"
#include "rules/ruleset.h"

/* ---- where ---------------------------------------------------------------------------------- */

/* Whether `name` is one of `names`: a path never is. */
static int is_built_in(const char *name, const char *const *names)
{
    if (strchr(name, '/') != NULL) {
        return 0;
    }
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) {
            return 1;
        }
    }
    return 0;
}

int assay_generation_pack(const struct assay_config *c, const char *dir, const char *pack,
                          char ret[PATH_MAX])
{
    if (pack == NULL || is_built_in(pack, assay_ruleset_embedded())) {
        return 0;
    }
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct assay_config_list *packs = &c->sources[i].packs;
        for (size_t j = 0; j < packs->n; j++) {
            if (strcmp(packs->items[j], pack) == 0) {
                (void)snprintf(ret, PATH_MAX, "%s/packs/%zu-%zu", dir, i, j);
                return 1;
            }
        }
    }
    return 0;
}

int assay_generation_policy(const struct assay_config *c, const char *dir, const char *policy,
                            char ret[PATH_MAX])
{
    if (policy == NULL || is_built_in(policy, assay_embedded_policies)) {
        return 0;
    }
    for (size_t i = 0; i < c->n_sources; i++) {
        if (c->sources[i].policy != NULL && strcmp(c->sources[i].policy, policy) == 0) {
            const char *slash = strrchr(policy, '/');
            (void)snprintf(ret, PATH_MAX, "%s/policies/%zu/%s", dir, i,
                           slash == NULL ? policy : slash + 1);
            return 1;
        }
    }
    return 0;
}

/* The place of `name` in a list; list->n: it is not in it. */
static size_t place_in(const struct assay_config_list *list, const char *name)
{
    size_t i = 0;
    while (i < list->n && strcmp(list->items[i], name) != 0) {
        i++;
    }
    return i;
}

int assay_generation_suppressions(const struct assay_config *c, const char *dir, const char *path,
                                  char ret[PATH_MAX])
{
    for (size_t i = 0; path != NULL && i <= c->n_sources; i++) {
        const struct assay_config_source *s = assay_config_party(c, i);
        const size_t list = place_in(&s->suppressions, path);
        const size_t key = place_in(&s->suppressions_keys, path);
        if (list < s->suppressions.n) {
            (void)snprintf(ret, PATH_MAX, "%s/suppressions/%zu-%zu", dir, i, list);
            return 1;
        }
        if (key < s->suppressions_keys.n) {
            (void)snprintf(ret, PATH_MAX, "%s/suppressions/%zu-key-%zu", dir, i, key);
            return 1;
        }
    }
    return 0;
}

void assay_generation_plugins(const char *dir, char ret[PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s/plugins", dir);
}

/* ---- copying -------------------------------------------------------------------------------- */

struct copier {
    size_t files; /* so far */
    size_t max_size;
    struct assay_error *err;
};

/* One regular file, opened as `from` (taken over), to a new file. */
static enum assay_status copy_file(struct copier *k, int from, const char *to)
{
    ASSAY_AUTO_BUF bytes;
    assay_buf_init(&bytes, k->max_size);
    enum assay_status status = assay_fs_read_fd(from, k->max_size, &bytes, k->err);
    (void)close(from);
    if (status != ASSAY_OK) {
        return status;
    }
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int failed = fd < 0 || assay_fs_write_all(fd, bytes.ptr, bytes.len) != 0;
    int os_errno = errno;
    if (fd >= 0) {
        failed |= close(fd) != 0;
    }
    return failed ? assay_fail_errno(k->err, os_errno, "cannot copy to %.200s", to) : ASSAY_OK;
}

static enum assay_status copy_dir(struct copier *k, int from, const char *to, unsigned depth);

/* What is neither a regular file nor a directory is left out: no loader takes it. */
static enum assay_status copy_entry(struct copier *k, int dir, const char *name, const char *to,
                                    unsigned depth)
{
    struct stat st;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", to, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return assay_fail(k->err, ASSAY_LIMIT, "a path below %.100s is too long", to);
    }
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return ASSAY_OK;
    }
    if (S_ISDIR(st.st_mode)) {
        return copy_dir(k, fd, path, depth + 1);
    }
    if (++k->files > ASSAY_LIMIT_PACK_FILES) {
        (void)close(fd);
        return assay_fail(k->err, ASSAY_LIMIT, "more than %d files to copy to %.100s",
                          ASSAY_LIMIT_PACK_FILES, to);
    }
    return copy_file(k, fd, path);
}

/* Everything below `from` (taken over); names that begin with a dot stay behind. */
static enum assay_status copy_dir(struct copier *k, int from, const char *to, unsigned depth)
{
    DIR *dir = depth > ASSAY_LIMIT_PACK_DEPTH ? NULL : fdopendir(from);
    if (dir == NULL) {
        (void)close(from);
        return depth > ASSAY_LIMIT_PACK_DEPTH
                   ? assay_fail(k->err, ASSAY_LIMIT, "directories nested too deep below %.200s", to)
                   : assay_fail_errno(k->err, errno, "cannot list a directory");
    }
    enum assay_status status = assay_fs_mkdirs(to, 0700, k->err);
    for (const struct dirent *e; status == ASSAY_OK && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] != '.') {
            status = copy_entry(k, dirfd(dir), e->d_name, to, depth);
        }
    }
    (void)closedir(dir);
    return status;
}

/* What is not there is no error here: whoever loads the copy says so, with the name. */
static enum assay_status copy_whole_dir(const char *from, const char *to, size_t max_size,
                                        struct assay_error *err)
{
    struct copier k = {.max_size = max_size, .err = err};
    int fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && access(to, F_OK) == 0) { /* named by an earlier source too */
        (void)close(fd);
        return ASSAY_OK;
    }
    return fd < 0 ? ASSAY_OK : copy_dir(&k, fd, to, 0);
}

/* A file, into a directory of its own. */
static enum assay_status copy_single(const char *from, const char *to, size_t max_size,
                                     struct assay_error *err)
{
    char dir[PATH_MAX];
    struct copier k = {.max_size = max_size, .err = err};
    (void)snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(to, '/') - to), to);
    int fd = open(from, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return ASSAY_OK;
    }
    enum assay_status status =
        access(to, F_OK) == 0 ? ASSAY_EXISTS : assay_fs_mkdirs(dir, 0700, err);
    if (status != ASSAY_OK) {
        (void)close(fd);
        return status == ASSAY_EXISTS ? ASSAY_OK : status; /* named by an earlier source too */
    }
    return copy_file(&k, fd, to);
}

static enum assay_status copy_suppressions(const struct assay_config *c,
                                           const struct assay_config_list *paths, const char *dir,
                                           struct assay_error *err)
{
    char to[PATH_MAX];
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < paths->n; i++) {
        if (assay_generation_suppressions(c, dir, paths->items[i], to)) {
            status = copy_single(paths->items[i], to, ASSAY_LIMIT_JSON_DOCUMENT, err);
        }
    }
    return status;
}

/* What one source names, or `submit`. */
static enum assay_status copy_source(const struct assay_config *c,
                                     const struct assay_config_source *s, const char *dir,
                                     struct assay_error *err)
{
    char to[PATH_MAX];
    enum assay_status status = ASSAY_OK;
    for (size_t j = 0; status == ASSAY_OK && j < s->packs.n; j++) {
        if (assay_generation_pack(c, dir, s->packs.items[j], to)) {
            status = copy_whole_dir(s->packs.items[j], to, ASSAY_LIMIT_YAML_FILE, err);
        }
    }
    if (status == ASSAY_OK && assay_generation_policy(c, dir, s->policy, to)) {
        status = copy_single(s->policy, to, ASSAY_LIMIT_YAML_FILE, err);
    }
    status = status == ASSAY_OK ? copy_suppressions(c, &s->suppressions, dir, err) : status;
    return status == ASSAY_OK ? copy_suppressions(c, &s->suppressions_keys, dir, err) : status;
}

enum assay_status assay_generation_copy(const struct assay_config *c, const char *config_path,
                                        const char *dir, struct assay_error *err)
{
    char to[PATH_MAX];
    (void)snprintf(to, sizeof to, "%s/" ASSAY_GENERATION_CONFIG, dir);
    enum assay_status status = copy_single(config_path, to, ASSAY_LIMIT_YAML_FILE, err);
    for (size_t i = 0; status == ASSAY_OK && i <= c->n_sources; i++) {
        status = copy_source(c, assay_config_party(c, i), dir, err);
    }
    if (status == ASSAY_OK && c->plugins_dir != NULL) {
        assay_generation_plugins(dir, to);
        status = copy_whole_dir(c->plugins_dir, to, ASSAY_LIMIT_PLUGIN_FILE, err);
    }
    return status;
}

/* ---- naming --------------------------------------------------------------------------------- */

/* Wherever the path `what` stands, not only the beginning of a longer one: copies are numbered. */
static void replace(struct assay_buf *text, const char *what, const char *with)
{
    ASSAY_AUTO_BUF out;
    const size_t len = strlen(what);
    const char *rest = assay_buf_str(text);
    assay_buf_init(&out, text->max);
    for (const char *at; (at = strstr(rest, what)) != NULL; rest = at + len) {
        const int longer = at[len] >= '0' && at[len] <= '9';
        assay_buf_add(&out, rest, (size_t)(at - rest));
        assay_buf_adds(&out, longer ? what : with);
    }
    assay_buf_adds(&out, rest);
    if (assay_buf_status(&out) == ASSAY_OK) {
        assay_buf_clear(text);
        assay_buf_addb(text, assay_buf_bytes(&out));
    }
}

static void replace_suppressions(const struct assay_config *c, const char *dir,
                                 const struct assay_config_list *paths, struct assay_buf *text)
{
    char copy[PATH_MAX];
    for (size_t i = 0; i < paths->n; i++) {
        if (assay_generation_suppressions(c, dir, paths->items[i], copy)) {
            replace(text, copy, paths->items[i]);
        }
    }
}

void assay_generation_rename(const struct assay_config *c, const char *config_path, const char *dir,
                             struct assay_buf *text)
{
    char copy[PATH_MAX];
    for (size_t i = 0; i <= c->n_sources; i++) {
        const struct assay_config_source *s = assay_config_party(c, i);
        for (size_t j = 0; j < s->packs.n; j++) {
            if (assay_generation_pack(c, dir, s->packs.items[j], copy)) {
                replace(text, copy, s->packs.items[j]);
            }
        }
        if (assay_generation_policy(c, dir, s->policy, copy)) {
            replace(text, copy, s->policy);
        }
        replace_suppressions(c, dir, &s->suppressions_keys, text);
        replace_suppressions(c, dir, &s->suppressions, text);
    }
    if (c->plugins_dir != NULL) {
        assay_generation_plugins(dir, copy);
        replace(text, copy, c->plugins_dir);
    }
    (void)snprintf(copy, sizeof copy, "%s/" ASSAY_GENERATION_CONFIG, dir);
    replace(text, copy, config_path);
}
