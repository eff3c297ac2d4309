/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/signature.c: what a tree looks like from outside (names, types, sizes and times), or what
 * it holds (names, types and bytes).
 *
 * Entries are hashed in the order of their names, so the directory's own order does not matter.
 * Links are not followed. ctime is part of it: copies that preserve sizes and mtimes still show.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/hash.h"
#include "core/limits.h"
#include "daemon/source.h"

struct signer {
    struct assay_sha256 *hash;
    uint64_t newest_ms;
    int failed;
    int content;    /* what it holds, not what it looks like */
    uint64_t bytes; /* of content so far */
};

struct names {
    char **items;
    size_t n, cap;
};

static void put(struct signer *g, const void *data, size_t len)
{
    g->failed |= assay_sha256_update(g->hash, data, len) != ASSAY_OK;
}

/* Everything that changes when a file does, without reading it. */
static void put_stat(struct signer *g, const char *name, const struct stat *st)
{
    const int64_t facts[] = {(int64_t)st->st_mode, S_ISREG(st->st_mode) ? (int64_t)st->st_size : 0,
                             st->st_mtim.tv_sec,   st->st_mtim.tv_nsec,
                             st->st_ctim.tv_sec,   st->st_ctim.tv_nsec};
    put(g, name, strlen(name) + 1);
    put(g, facts, sizeof facts);
    int64_t ms = (int64_t)st->st_ctim.tv_sec * 1000 + st->st_ctim.tv_nsec / 1000000;
    g->newest_ms = ms > 0 && (uint64_t)ms > g->newest_ms ? (uint64_t)ms : g->newest_ms;
}

static void put_error(struct signer *g, int error)
{
    put(g, "!", 1);
    put(g, &error, sizeof error);
}

/* The bytes of a regular file, after its name. */
static void put_content(struct signer *g, int dir_fd, const char *name)
{
    char chunk[16384];
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    uint64_t len = 0;
    ssize_t n = fd < 0 ? -1 : 0;
    while (fd >= 0 && g->bytes < ASSAY_LIMIT_RULE_MEMORY &&
           (n = read(fd, chunk, sizeof chunk)) > 0) {
        put(g, chunk, (size_t)n);
        len += (uint64_t)n;
        g->bytes += (uint64_t)n;
    }
    if (n != 0) {
        put_error(g, n < 0 ? errno : EFBIG);
    }
    put(g, &len, sizeof len);
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void put_entry(struct signer *g, int dir_fd, const char *name, const struct stat *st)
{
    if (!g->content) {
        put_stat(g, name, st);
        return;
    }
    const uint32_t type = (uint32_t)st->st_mode & S_IFMT;
    put(g, name, strlen(name) + 1);
    put(g, &type, sizeof type);
    if (S_ISREG(st->st_mode)) {
        put_content(g, dir_fd, name);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *list, const char *name)
{
    char **items = assay_grown(list->items, list->n, &list->cap, sizeof(char *));
    if (items == NULL) {
        return 0;
    }
    list->items = items;
    list->items[list->n] = strdup(name);
    return list->items[list->n] != NULL && ++list->n > 0;
}

static void free_names(struct names *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

/* Names in directory `fd` (taken over), sorted; 0 with errno. */
static int read_names(int fd, struct names *ret)
{
    DIR *dir = fdopendir(dup(fd));
    int ok = dir != NULL;
    if (dir != NULL) {
        for (struct dirent *e; ok && (e = readdir(dir)) != NULL;) {
            int dots =
                e->d_name[0] == '.' && (e->d_name[1] == '\0' || strcmp(e->d_name, "..") == 0);
            ok = dots || add_name(ret, e->d_name);
        }
        (void)closedir(dir);
    }
    if (ret->n > 0) {
        qsort(ret->items, ret->n, sizeof ret->items[0], compare_names);
    }
    return ok;
}

/* The names below `fd`, sorted, and all below them. */
static void put_tree(struct signer *g, int fd, unsigned depth)
{
    struct names list = {NULL, 0, 0};
    struct stat st;
    if (depth > ASSAY_LIMIT_PATH_DEPTH || !read_names(fd, &list)) {
        put_error(g, depth > ASSAY_LIMIT_PATH_DEPTH ? ELOOP : errno);
    }
    for (size_t i = 0; i < list.n && depth <= ASSAY_LIMIT_PATH_DEPTH; i++) {
        if (fstatat(fd, list.items[i], &st, AT_SYMLINK_NOFOLLOW) != 0) {
            put_error(g, errno);
            continue;
        }
        put_entry(g, fd, list.items[i], &st);
        if (!S_ISDIR(st.st_mode)) {
            continue;
        }
        int below = openat(fd, list.items[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0) {
            put_error(g, errno);
        } else {
            put_tree(g, below, depth + 1);
            (void)close(below);
        }
        put(g, "/", 1);
    }
    free_names(&list);
}

enum assay_status assay_tree_signature(const char *path, uint8_t ret[ASSAY_SIGNATURE_LEN],
                                       uint64_t *ret_newest_ms)
{
    struct stat st;
    struct signer g = {.hash = NULL};
    if (lstat(path, &st) != 0) {
        return ASSAY_NOTFOUND;
    }
    g.hash = assay_sha256_new();
    if (g.hash == NULL) {
        return ASSAY_NOMEM;
    }
    g.failed = assay_sha256_start(g.hash) != ASSAY_OK;
    put_stat(&g, "", &st);
    int fd = S_ISDIR(st.st_mode) ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (fd >= 0) {
        put_tree(&g, fd, 0);
        (void)close(fd);
    } else if (S_ISDIR(st.st_mode)) {
        put_error(&g, errno);
    }
    g.failed |= assay_sha256_finish(g.hash, ret) != ASSAY_OK;
    assay_sha256_free(g.hash);
    *ret_newest_ms = g.newest_ms;
    return g.failed ? ASSAY_CRYPTO : ASSAY_OK;
}

void assay_tree_content(const char *path, struct assay_sha256 *hash)
{
    struct stat st;
    struct signer g = {.hash = hash, .content = 1};
    if (stat(path, &st) != 0) { /* the path itself may be a link: it was configured */
        put_error(&g, errno);
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        const uint32_t type = (uint32_t)st.st_mode & S_IFMT;
        put(&g, &type, sizeof type);
        if (S_ISREG(st.st_mode)) {
            char real[PATH_MAX];
            put_content(&g, AT_FDCWD, realpath(path, real) == NULL ? path : real);
        }
        return;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        put_error(&g, errno);
        return;
    }
    put_tree(&g, fd, 0);
    (void)close(fd);
}
