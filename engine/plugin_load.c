/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plugin_load.c: plugins out of shared objects.
 *
 * A shared object is code that will run with our rights, so it is judged before it is mapped: who
 * owns it and its directory, who may write to them, what it is called, whether it is an ELF shared
 * object. Because only root and the caller can change either, the file that was checked is the file
 * that is mapped.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "engine/plugins_internal.h"

/* A plugin exports one of the two. */
#define READER_SYMBOL  "assay_reader_plugin"
#define SCANNER_SYMBOL "assay_scanner_plugin"

static enum assay_status check_owner(const struct stat *st, const char *what,
                                     struct assay_error *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        return assay_fail(err, ASSAY_DENIED,
                          "%s belongs to user %u; it must belong to root or to the user who runs "
                          "this program",
                          what, (unsigned)st->st_uid);
    }
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return assay_fail(err, ASSAY_DENIED,
                          "%s can be written to by others (mode %04o): chmod go-w it", what,
                          (unsigned)(st->st_mode & 07777));
    }
    return ASSAY_OK;
}

/* Says in which file or directory `err` happened. */
static enum assay_status placed(enum assay_status st, const char *where, struct assay_error *err)
{
    if (st != ASSAY_OK) {
        (void)assay_error_at(err, where, 0, 0);
    }
    return st;
}

/* Opens and judges the directory that holds a plugin. */
static enum assay_status open_dir(const char *dir, int *ret_fd, struct assay_error *err)
{
    struct stat sb;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return assay_fail_errno(err, errno, "cannot open the plugin directory");
    }
    enum assay_status st = fstat(fd, &sb) == 0
                               ? check_owner(&sb, "the plugin directory", err)
                               : assay_fail_errno(err, errno, "cannot stat the plugin directory");
    if (st != ASSAY_OK) {
        (void)close(fd);
        return st;
    }
    *ret_fd = fd;
    return ASSAY_OK;
}

static enum assay_status check_elf(int fd, struct assay_error *err)
{
    Elf64_Ehdr h;
    ssize_t n = pread(fd, &h, sizeof h, 0);
    if (n != (ssize_t)sizeof h || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0) {
        return assay_fail(err, ASSAY_PLUGIN, "not an ELF file");
    }
    if (h.e_type != ET_DYN) {
        return assay_fail(err, ASSAY_PLUGIN, "an ELF file, but not a shared object");
    }
    return ASSAY_OK;
}

static enum assay_status hash_fd(int fd, uint8_t ret[ASSAY_SHA256_LEN], struct assay_error *err)
{
    static const size_t block = 65536;
    struct assay_sha256 *h = assay_sha256_new();
    char *buf = malloc(block);
    enum assay_status st = h == NULL || buf == NULL ? ASSAY_NOMEM : assay_sha256_start(h);
    ssize_t n = 1;
    for (off_t at = 0; st == ASSAY_OK && n > 0; at += n) {
        n = pread(fd, buf, block, at);
        st = n < 0 ? ASSAY_IO : assay_sha256_update(h, buf, (size_t)n);
    }
    if (st == ASSAY_OK) {
        st = assay_sha256_finish(h, ret);
    }
    free(buf);
    assay_sha256_free(h);
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot read the plugin to hash it");
}

static enum assay_status open_file(int dir_fd, const char *base, int *ret_fd,
                                   struct assay_error *err)
{
    *ret_fd = openat(dir_fd, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*ret_fd >= 0) {
        return ASSAY_OK;
    }
    if (errno == ELOOP) {
        return assay_fail(err, ASSAY_DENIED, "a symbolic link: name the plugin file itself");
    }
    return assay_fail_errno(err, errno, "cannot open the plugin");
}

/* Judges the file before it is mapped: type, owner, mode, ELF; and hashes it. */
static enum assay_status check_file(int fd, uint8_t ret_sha256[ASSAY_SHA256_LEN],
                                    struct assay_error *err)
{
    struct stat sb;
    if (fstat(fd, &sb) != 0) {
        return assay_fail_errno(err, errno, "cannot stat the plugin");
    }
    if (!S_ISREG(sb.st_mode)) {
        return assay_fail(err, ASSAY_PLUGIN, "not a regular file");
    }
    enum assay_status st = check_owner(&sb, "the plugin", err);
    if (st == ASSAY_OK) {
        st = check_elf(fd, err);
    }
    return st == ASSAY_OK ? hash_fd(fd, ret_sha256, err) : st;
}

/* Maps the file and finds its one descriptor. */
static enum assay_status map_file(const char *path, enum assay_plugin_kind *ret_kind,
                                  const void **ret, struct assay_error *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        const char *why = dlerror();
        return assay_fail(err, ASSAY_PLUGIN, "cannot be loaded: %.400s",
                          why == NULL ? "unknown reason" : why);
    }
    const void *reader = dlsym(handle, READER_SYMBOL);
    const void *scanner = dlsym(handle, SCANNER_SYMBOL);
    if (reader == NULL && scanner == NULL) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "exports neither " READER_SYMBOL " nor " SCANNER_SYMBOL
                          ": not a plugin of this program");
    }
    if (reader != NULL && scanner != NULL) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "exports both a reader and a scanner: build one file for each");
    }
    *ret_kind = reader != NULL ? ASSAY_PLUGIN_READER : ASSAY_PLUGIN_SCANNER;
    *ret = reader != NULL ? reader : scanner;
    return ASSAY_OK;
}

static int base_is_valid(const char *base)
{
    size_t n = assay_plugin_name_prefix(base);
    return n > 0 && strcmp(base + n, ".so") == 0;
}

static int name_is_base(const char *name, const char *base)
{
    size_t n = assay_plugin_name_prefix(base);
    return strlen(name) == n && memcmp(name, base, n) == 0;
}

/* Loads `base` from the judged directory `dir_fd`; `path` names the same file. */
static enum assay_status load_at(struct assay_plugins *ps, int dir_fd, const char *base,
                                 const char *path, struct assay_error *err)
{
    struct assay_plugin entry;
    enum assay_plugin_kind kind = ASSAY_PLUGIN_READER;
    const void *descriptor = NULL;
    uint8_t sha256[ASSAY_SHA256_LEN];
    int fd = -1;
    enum assay_status st = open_file(dir_fd, base, &fd, err);
    if (st == ASSAY_OK) {
        st = check_file(fd, sha256, err);
        (void)close(fd);
    }
    if (st == ASSAY_OK) {
        st = map_file(path, &kind, &descriptor, err);
    }
    if (st == ASSAY_OK) {
        st = assay_plugin_check(kind, descriptor, &entry, err);
    }
    if (st == ASSAY_OK && !name_is_base(entry.name, base)) {
        st = assay_fail(err, ASSAY_PLUGIN, "the file is named '%.64s' but the %s in it '%.64s'",
                        base, assay_plugin_word(kind), entry.name);
    }
    if (st == ASSAY_OK) {
        memcpy(entry.sha256, sha256, sizeof entry.sha256);
        st = assay_plugins_insert(ps, &entry, path, err);
    }
    return placed(st, path, err);
}

enum assay_status assay_plugins_load_file(struct assay_plugins *ps, const char *path,
                                          struct assay_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    char dir[ASSAY_LIMIT_NAME];
    char full[ASSAY_LIMIT_NAME];
    int fd = -1;
    /* A bare name gets its "./": dlopen would search the library path for it. */
    (void)snprintf(dir, sizeof dir, "%.*s", slash == NULL ? 1 : (int)(base - path),
                   slash == NULL ? "." : path);
    int len = snprintf(full, sizeof full, "%s%s", slash == NULL ? "./" : "", path);
    if (len < 0 || (size_t)len >= sizeof full) {
        return assay_fail(err, ASSAY_LIMIT, "the plugin's path is too long");
    }
    if (!base_is_valid(base)) {
        return placed(
            assay_fail(err, ASSAY_PLUGIN,
                       "a plugin file is named [a-z][a-z0-9_]*.so after the plugin in it"),
            path, err);
    }
    enum assay_status st = open_dir(dir, &fd, err);
    if (st != ASSAY_OK) {
        return placed(st, dir, err);
    }
    st = load_at(ps, fd, base, full, err);
    (void)close(fd);
    return st;
}

static int is_candidate(const struct dirent *e)
{
    return base_is_valid(e->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Loads each of `names`; keeps the first error and says how many more there were. */
static enum assay_status load_names(struct assay_plugins *ps, int dir_fd, const char *dir,
                                    struct dirent **names, int n, struct assay_error *ret)
{
    enum assay_status first = ASSAY_OK;
    unsigned failed = 0;
    for (int i = 0; i < n; i++) {
        struct assay_error err;
        char path[ASSAY_LIMIT_NAME + 260];
        (void)snprintf(path, sizeof path, "%.*s/%s", ASSAY_LIMIT_NAME, dir, names[i]->d_name);
        enum assay_status st = load_at(ps, dir_fd, names[i]->d_name, path, &err);
        if (st != ASSAY_OK && failed++ == 0) {
            first = st;
            *ret = err;
        }
    }
    if (failed > 1) {
        size_t len = strlen(ret->message);
        (void)snprintf(ret->message + len, sizeof ret->message - len, " (and %u more failed)",
                       failed - 1);
    }
    return first;
}

enum assay_status assay_plugins_load_dir(struct assay_plugins *ps, const char *dir,
                                         struct assay_error *err)
{
    struct assay_error local;
    struct dirent **names = NULL;
    int fd = -1;
    enum assay_status st = open_dir(dir, &fd, err);
    if (st != ASSAY_OK) {
        return placed(st, dir, err);
    }
    int n = scandirat(fd, ".", &names, is_candidate, by_name);
    st = n < 0 ? placed(assay_fail_errno(&local, errno, "cannot list the plugin directory"), dir,
                        &local)
               : load_names(ps, fd, dir, names, n, &local);
    if (st != ASSAY_OK && err != NULL) {
        *err = local;
    }
    for (int i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
    (void)close(fd);
    return st;
}
