/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/inventory.c: the walk. Every directory is opened beneath its parent's descriptor without
 * following links, so nothing that happens to the tree meanwhile can lead the walk outside it.
 * Nothing but directories is opened here: a FIFO or a device cannot block the audit. What is not a
 * regular file is written down with a reason. Both lists are sorted by bytes at the end, so the
 * order in which the file system lists names never shows.
 * Ownership: the inventory owns the names (one arena) and one descriptor per root.
 */
#include "engine/inventory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/status.h"

struct root {
    int fd;
    enum { ROOT_DIRECTORY, ROOT_FILE, ROOT_STREAM } kind;
    uint64_t bytes;
    const char *base; /* what names of this root start with; "" when it is the only directory */
};

struct assay_inventory {
    struct root *roots;
    size_t n_roots;
    struct assay_entry *entries;
    size_t n_entries, cap_entries;
    struct assay_skipped *skips;
    size_t n_skips, cap_skips;
    struct assay_arena *names;
    uint64_t bytes;
};

/* One root being walked. `path` is the name of what is being looked at, prefix included. */
struct walk {
    struct assay_inventory *inv;
    uint32_t root;
    uint32_t prefix; /* length of the root's name in `path`, slash included */
    struct assay_buf path;
};

static enum assay_status add_skip(struct walk *w, enum assay_skip why)
{
    struct assay_inventory *inv = w->inv;
    void *items = assay_grown(inv->skips, inv->n_skips, &inv->cap_skips, sizeof *inv->skips);
    if (items == NULL) {
        return ASSAY_NOMEM;
    }
    inv->skips = items;
    const char *name = assay_arena_dup(inv->names, assay_buf_bytes(&w->path));
    if (name == NULL) {
        return ASSAY_NOMEM;
    }
    inv->skips[inv->n_skips++] = (struct assay_skipped){name, why};
    return ASSAY_OK;
}

static enum assay_status add_entry(struct walk *w, uint64_t bytes)
{
    struct assay_inventory *inv = w->inv;
    if (inv->n_entries >= ASSAY_LIMIT_FILES) {
        return add_skip(w, ASSAY_SKIP_LIMIT);
    }
    void *items =
        assay_grown(inv->entries, inv->n_entries, &inv->cap_entries, sizeof *inv->entries);
    if (items == NULL) {
        return ASSAY_NOMEM;
    }
    inv->entries = items;
    const char *name = assay_arena_dup(inv->names, assay_buf_bytes(&w->path));
    if (name == NULL) {
        return ASSAY_NOMEM;
    }
    inv->entries[inv->n_entries++] =
        (struct assay_entry){.name = name, .bytes = bytes, .root = w->root, .root_name = w->prefix};
    inv->bytes += bytes;
    return ASSAY_OK;
}

/* ---- walking ------------------------------------------------------------------------------ */

static enum assay_skip skip_of_errno(int os_errno)
{
    switch (os_errno) {
    case ELOOP:
        return ASSAY_SKIP_SYMLINK;
    case EXDEV:
        return ASSAY_SKIP_OUTSIDE;
    case ENOENT:
    case ENOTDIR:
        return ASSAY_SKIP_CHANGED;
    default:
        return ASSAY_SKIP_UNREADABLE;
    }
}

static enum assay_status walk_directory(struct walk *w, int fd, unsigned depth);

static enum assay_status visit_directory(struct walk *w, int parent, const char *name,
                                         unsigned depth)
{
    if (depth >= ASSAY_LIMIT_PATH_DEPTH) {
        return add_skip(w, ASSAY_SKIP_LIMIT);
    }
    int fd = assay_fs_open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return add_skip(w, skip_of_errno(errno));
    }
    return walk_directory(w, fd, depth + 1);
}

static enum assay_status visit(struct walk *w, int parent, const char *name, unsigned depth)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return add_skip(w, skip_of_errno(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return visit_directory(w, parent, name, depth);
    }
    if (S_ISLNK(st.st_mode)) {
        return add_skip(w, ASSAY_SKIP_SYMLINK);
    }
    if (!S_ISREG(st.st_mode)) {
        return add_skip(w, ASSAY_SKIP_SPECIAL);
    }
    return add_entry(w, (uint64_t)st.st_size);
}

/* Puts `name` behind `path`, visits it, takes it off again. */
static enum assay_status visit_child(struct walk *w, int parent, const char *name, unsigned depth)
{
    size_t keep = w->path.len;
    if (keep > w->prefix) {
        assay_buf_addc(&w->path, '/');
    }
    assay_buf_adds(&w->path, name);
    enum assay_status status = assay_buf_status(&w->path);
    if (status == ASSAY_LIMIT || w->path.len - w->prefix >= ASSAY_LIMIT_NAME) {
        w->path.status = ASSAY_OK;
        status = add_skip(w, ASSAY_SKIP_LIMIT);
    } else if (status == ASSAY_OK) {
        status = visit(w, parent, name, depth);
    }
    w->path.len = keep;
    w->path.ptr[keep] = '\0';
    return status;
}

/* Takes over `fd`. */
static enum assay_status walk_directory(struct walk *w, int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)close(fd);
        return ASSAY_NOMEM;
    }
    enum assay_status status = ASSAY_OK;
    while (status == ASSAY_OK) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (e == NULL) {
            status = errno == 0 ? ASSAY_OK : add_skip(w, ASSAY_SKIP_UNREADABLE);
            break;
        }
        if (!assay_fs_is_dots(e->d_name)) {
            status = visit_child(w, fd, e->d_name, depth);
        }
    }
    (void)closedir(dir);
    return status;
}

/* ---- roots -------------------------------------------------------------------------------- */

static int is_stream(const char *root)
{
    return strcmp(root, "-") == 0;
}

/* The last component of `path`; of what it resolves to where that says nothing ("." or "/"). */
static const char *base_name(struct assay_inventory *inv, const char *path)
{
    char real[PATH_MAX];
    struct assay_bytes base = assay_path_base(path);
    int says_nothing = base.len == 0 || (base.len == 1 && base.ptr[0] == '.') ||
                       (base.len == 2 && memcmp(base.ptr, "..", 2) == 0);
    if (says_nothing) {
        const char *slash = realpath(path, real) == NULL ? NULL : strrchr(real, '/');
        base = assay_bytes_str(slash == NULL || slash[1] == '\0' ? "root" : slash + 1);
    }
    return assay_arena_dup(inv->names, base);
}

static enum assay_status root_fail(struct assay_error *err, const char *path, int os_errno,
                                   const char *what)
{
    (void)assay_fail_errno(err, os_errno, "%s", what);
    (void)assay_error_at(err, path, 0, 0);
    if (err != NULL && (os_errno == ENOENT || os_errno == ENOTDIR)) {
        err->status = ASSAY_NOTFOUND;
    }
    return err == NULL ? ASSAY_IO : err->status;
}

/* Opens root `path`, unless its descriptor was given. */
static enum assay_status open_root(struct root *r, const char *path, struct assay_error *err)
{
    if (r->fd < 0) {
        r->fd = is_stream(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    if (r->fd < 0) {
        return root_fail(err, path, errno, "cannot open what is to be audited");
    }
    struct stat st;
    if (fstat(r->fd, &st) != 0) {
        return root_fail(err, path, errno, "cannot look at what is to be audited");
    }
    r->bytes = 0;
    if (is_stream(path)) {
        r->kind = ROOT_STREAM;
    } else if (S_ISDIR(st.st_mode)) {
        r->kind = ROOT_DIRECTORY;
    } else if (S_ISREG(st.st_mode)) {
        r->kind = ROOT_FILE;
        r->bytes = (uint64_t)st.st_size;
    } else {
        (void)assay_fail(err, ASSAY_UNSUPPORTED,
                         "neither a directory nor a regular file; give a stream as '-'");
        (void)assay_error_at(err, path, 0, 0);
        return ASSAY_UNSUPPORTED;
    }
    return ASSAY_OK;
}

/* Gives every root its name; two roots of one name would make findings ambiguous. */
static enum assay_status name_roots(struct assay_inventory *inv, const char *const *paths,
                                    struct assay_error *err)
{
    for (size_t i = 0; i < inv->n_roots; i++) {
        struct root *r = &inv->roots[i];
        int alone = inv->n_roots == 1 && r->kind == ROOT_DIRECTORY;
        r->base = alone ? "" : r->kind == ROOT_STREAM ? "stdin" : base_name(inv, paths[i]);
        if (r->base == NULL) {
            return assay_fail(err, ASSAY_NOMEM, "out of memory while listing files");
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(inv->roots[k].base, r->base) == 0) {
                (void)assay_fail(err, ASSAY_USAGE,
                                 "another root has the same name; audit their common parent, or "
                                 "one root at a time");
                (void)assay_error_at(err, paths[i], 0, 0);
                return ASSAY_USAGE;
            }
        }
    }
    return ASSAY_OK;
}

static enum assay_status walk_root(struct assay_inventory *inv, uint32_t i)
{
    const struct root *r = &inv->roots[i];
    struct walk w = {.inv = inv, .root = i};
    assay_buf_init(&w.path, ASSAY_LIMIT_NAME + PATH_MAX);
    assay_buf_adds(&w.path, r->base);
    enum assay_status status = ASSAY_NOMEM;
    if (r->kind != ROOT_DIRECTORY) {
        status = assay_buf_status(&w.path) == ASSAY_OK ? add_entry(&w, r->bytes) : ASSAY_NOMEM;
    } else {
        if (r->base[0] != '\0') {
            assay_buf_addc(&w.path, '/');
        }
        /* An empty append makes sure that there is storage to cut back. */
        (void)assay_buf_reserve(&w.path, 1);
        w.prefix = (uint32_t)w.path.len;
        int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && assay_buf_status(&w.path) == ASSAY_OK) {
            status = walk_directory(&w, fd, 0);
        } else if (fd < 0) {
            status = add_skip(&w, ASSAY_SKIP_UNREADABLE);
        } else {
            (void)close(fd);
        }
    }
    assay_buf_release(&w.path);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct assay_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_skipped_name(const void *a, const void *b)
{
    const struct assay_skipped *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (int)x->why - (int)y->why;
}

/* ---- the door ----------------------------------------------------------------------------- */

static struct assay_inventory *inventory_new(size_t n_roots, const int *root_fds)
{
    struct assay_inventory *inv = calloc(1, sizeof *inv);
    if (inv == NULL) {
        return NULL;
    }
    inv->names = assay_arena_new(SIZE_MAX / 2);
    inv->roots = calloc(n_roots, sizeof *inv->roots);
    if (inv->names == NULL || inv->roots == NULL) {
        assay_inventory_free(inv);
        return NULL;
    }
    inv->n_roots = n_roots;
    for (size_t i = 0; i < n_roots; i++) {
        inv->roots[i].fd = root_fds == NULL ? -1 : root_fds[i];
    }
    return inv;
}

static enum assay_status fill(struct assay_inventory *inv, const char *const *roots,
                              struct assay_error *err)
{
    for (size_t i = 0; i < inv->n_roots; i++) {
        enum assay_status status = open_root(&inv->roots[i], roots[i], err);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    enum assay_status status = name_roots(inv, roots, err);
    for (uint32_t i = 0; status == ASSAY_OK && i < inv->n_roots; i++) {
        status = walk_root(inv, i);
        if (status != ASSAY_OK) {
            return assay_fail(err, status, "out of memory while listing files");
        }
    }
    if (inv->n_entries > 1) {
        qsort(inv->entries, inv->n_entries, sizeof *inv->entries, by_name);
    }
    if (inv->n_skips > 1) {
        qsort(inv->skips, inv->n_skips, sizeof *inv->skips, by_skipped_name);
    }
    return status;
}

enum assay_status assay_inventory_build(const char *const *roots, const int *root_fds, size_t n,
                                        struct assay_inventory **ret, struct assay_error *err)
{
    *ret = NULL;
    if (n == 0) {
        return assay_fail(err, ASSAY_USAGE, "nothing to audit: name a directory or a file");
    }
    struct assay_inventory *inv = inventory_new(n, root_fds);
    if (inv == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while listing files");
    }
    enum assay_status status = fill(inv, roots, err);
    if (status != ASSAY_OK) {
        assay_inventory_free(inv);
        return status;
    }
    *ret = inv;
    return ASSAY_OK;
}

void assay_inventory_free(struct assay_inventory *inv)
{
    if (inv == NULL) {
        return;
    }
    for (size_t i = 0; i < inv->n_roots; i++) {
        if (inv->roots[i].fd >= 0) {
            (void)close(inv->roots[i].fd);
        }
    }
    free(inv->roots);
    free(inv->entries);
    free(inv->skips);
    assay_arena_free(inv->names);
    free(inv);
}

size_t assay_inventory_count(const struct assay_inventory *inv)
{
    return inv->n_entries;
}

struct assay_entry *assay_inventory_entry(struct assay_inventory *inv, size_t i)
{
    return i < inv->n_entries ? &inv->entries[i] : NULL;
}

const struct assay_entry *assay_inventory_get(const struct assay_inventory *inv, size_t i)
{
    return i < inv->n_entries ? &inv->entries[i] : NULL;
}

size_t assay_inventory_skips(const struct assay_inventory *inv)
{
    return inv->n_skips;
}

const struct assay_skipped *assay_inventory_skip(const struct assay_inventory *inv, size_t i)
{
    return i < inv->n_skips ? &inv->skips[i] : NULL;
}

uint64_t assay_inventory_bytes(const struct assay_inventory *inv)
{
    return inv->bytes;
}

int assay_inventory_seekable(const struct assay_inventory *inv, size_t i)
{
    return inv->roots[inv->entries[i].root].kind != ROOT_STREAM;
}

int assay_inventory_open(const struct assay_inventory *inv, size_t i)
{
    const struct assay_entry *e = &inv->entries[i];
    const struct root *r = &inv->roots[e->root];
    if (r->kind == ROOT_DIRECTORY) {
        return assay_fs_open_beneath(r->fd, e->name + e->root_name, O_RDONLY | O_CLOEXEC);
    }
    int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && r->kind == ROOT_FILE && lseek(fd, 0, SEEK_SET) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int assay_inventory_open_apart(const struct assay_inventory *inv, size_t i)
{
    const struct root *r = &inv->roots[inv->entries[i].root];
    char path[64];
    if (r->kind == ROOT_DIRECTORY) {
        return assay_inventory_open(inv, i);
    }
    if (r->kind == ROOT_STREAM) {
        errno = ESPIPE;
        return -1;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", r->fd);
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int compare_name(const char *entry, struct assay_bytes name)
{
    int order = strncmp(entry, name.ptr, name.len);
    return order == 0 && entry[name.len] != '\0' ? 1 : order;
}

uint32_t assay_inventory_find(const struct assay_inventory *inv, struct assay_bytes name)
{
    size_t low = 0, high = inv->n_entries;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_name(inv->entries[middle].name, name);
        if (order == 0) {
            return (uint32_t)middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return ASSAY_NONE;
}
