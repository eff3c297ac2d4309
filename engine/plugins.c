/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plugins.c: the set of plugins: the built-in table, the loader and its checks.
 *
 * A shared object is code that will run with our rights, so it is judged before it is mapped: who
 * owns it and its directory, who may write to them, what it is called, whether it is an ELF shared
 * object. Because only root and the caller can change either, the file that was checked is the file
 * that is mapped. Once mapped, `abi` and then `size` are read before anything else, since they say
 * whether the rest of the descriptor means what our headers say. Required members are tables of
 * offsets, one per kind.
 * Ownership: the set owns its entries and their paths; descriptors belong to the program or to the
 *        shared object, neither of which goes away (RTLD_NODELETE, and no dlclose).
 */
#include "engine/plugins.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "core/arena.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/option.h"
#include "core/status.h"
#include "rules/ruleset.h"

#define READER_SYMBOL  "assay_reader_plugin"
#define SCANNER_SYMBOL "assay_scanner_plugin"

struct assay_plugins {
    struct assay_plugin **items; /* pointers, so that a borrowed one survives growth */
    size_t count, cap;
    const struct assay_rule_decl **decls; /* the rule tables, in the same order */
    size_t n_decls;
    const char **left_out; /* names of scanners that were taken out again */
    size_t n_left_out;
};

/* A member that must be set: its name for the message, its place in the descriptor. */
struct member {
    const char *name;
    size_t offset;
};

#define READER_MEMBER(m)                                                                           \
    {                                                                                              \
#m, offsetof(struct assay_reader, m)                                                       \
    }
#define SCANNER_MEMBER(m)                                                                          \
    {                                                                                              \
#m, offsetof(struct assay_scanner, m)                                                      \
    }

static const struct member reader_members[] = {
    READER_MEMBER(name),    READER_MEMBER(version),    READER_MEMBER(license),
    READER_MEMBER(summary), READER_MEMBER(extensions), READER_MEMBER(probe),
    READER_MEMBER(open),    READER_MEMBER(split),      READER_MEMBER(local_init),
    READER_MEMBER(next),    READER_MEMBER(local_free), READER_MEMBER(close),
};

static const struct member scanner_members[] = {
    SCANNER_MEMBER(name),    SCANNER_MEMBER(version), SCANNER_MEMBER(license),
    SCANNER_MEMBER(summary), SCANNER_MEMBER(init),    SCANNER_MEMBER(local_init),
    SCANNER_MEMBER(merge),   SCANNER_MEMBER(finish),  SCANNER_MEMBER(local_free),
    SCANNER_MEMBER(free),
};

/* Bytes of a descriptor up to and with a member. */
#define SIZE_UP_TO(type, m) (offsetof(type, m) + sizeof((type *)NULL)->m)

/* What is the same about both kinds, so that one check serves both. */
static const struct kind {
    const char *word;
    const char *symbol;
    size_t size; /* the least: what the first plugins had */
    const struct member *members;
    size_t n_members;
} kinds[] = {
    [ASSAY_PLUGIN_READER] = {"reader", READER_SYMBOL, SIZE_UP_TO(struct assay_reader, close),
                             reader_members, sizeof reader_members / sizeof reader_members[0]},
    [ASSAY_PLUGIN_SCANNER] = {"scanner", SCANNER_SYMBOL, SIZE_UP_TO(struct assay_scanner, free),
                              scanner_members, sizeof scanner_members / sizeof scanner_members[0]},
};

/* The guard both descriptors begin with. */
struct guard {
    uint32_t abi;
    uint32_t size;
};

/* ---- descriptors -------------------------------------------------------------------------------
 */

/* Length of the leading ^[a-z][a-z0-9_]*; 0 when there is none. */
static size_t name_prefix(const char *s)
{
    size_t n = 0;
    if (s[0] < 'a' || s[0] > 'z') {
        return 0;
    }
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '_') {
        n++;
    }
    return n;
}

static int name_is_valid(const char *s)
{
    size_t n = name_prefix(s);
    return n > 0 && s[n] == '\0';
}

static enum assay_status check_guard(const struct kind *kind, const void *descriptor,
                                     struct assay_error *err)
{
    struct guard g;
    memcpy(&g, descriptor, sizeof g);
    if (g.abi != ASSAY_PLUGIN_ABI) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "%s was built for plugin ABI %u, this program has ABI %u: rebuild it "
                          "against the installed headers",
                          kind->word, g.abi, ASSAY_PLUGIN_ABI);
    }
    if (g.size < kind->size) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "%s descriptor has %u bytes, this program needs %zu: rebuild it against "
                          "the installed headers",
                          kind->word, g.size, kind->size);
    }
    return ASSAY_OK;
}

static enum assay_status check_members(const struct kind *kind, const void *descriptor,
                                       struct assay_error *err)
{
    static const char unset[sizeof(void *)];
    for (size_t i = 0; i < kind->n_members; i++) {
        const char *at = (const char *)descriptor + kind->members[i].offset;
        if (memcmp(at, unset, sizeof unset) == 0) {
            return assay_fail(err, ASSAY_PLUGIN, "%s does not set the required member '%s'",
                              kind->word, kind->members[i].name);
        }
    }
    return ASSAY_OK;
}

static enum assay_status check_options(const struct assay_option *options, struct assay_error *err)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (!name_is_valid(options->name) || options->help == NULL) {
            return assay_fail(err, ASSAY_PLUGIN, "option '%.64s' has a bad name or no help",
                              options->name);
        }
        if (options->fallback != NULL &&
            assay_option_check(options, options->fallback, err) != ASSAY_OK) {
            return assay_fail(err, ASSAY_PLUGIN, "the default of option '%.64s' is not valid",
                              options->name);
        }
    }
    return ASSAY_OK;
}

static enum assay_status check_rules(const struct assay_rule_decl *rules, struct assay_error *err)
{
    for (; rules != NULL && rules->id != NULL; rules++) {
        if (rules->title_en == NULL || rules->help_en == NULL ||
            (unsigned)rules->severity >= ASSAY_SEVERITY_MAX) {
            return assay_fail(err, ASSAY_PLUGIN,
                              "rule '%.64s' lacks a title or a help text, or has no such severity",
                              rules->id);
        }
    }
    return ASSAY_OK;
}

int assay_scanner_looks_twice(const struct assay_scanner *s)
{
    return s->size >= SIZE_UP_TO(struct assay_scanner, review_free) && s->review_begin != NULL;
}

int assay_scanner_may_look_twice(const struct assay_scanner *s, const void *shared)
{
    int asks = s->size >= SIZE_UP_TO(struct assay_scanner, review_may) && s->review_may != NULL;
    return assay_scanner_looks_twice(s) && (!asks || s->review_may(shared));
}

static enum assay_status check_review(const struct assay_scanner *s, struct assay_error *err)
{
    if (assay_scanner_looks_twice(s) &&
        (s->review_wants == NULL || s->review_local == NULL || s->review == NULL ||
         s->review_merge == NULL || s->review_free == NULL)) {
        return assay_fail(err, ASSAY_PLUGIN,
                          "scanner sets 'review_begin' but not every other 'review' member");
    }
    return ASSAY_OK;
}

/* scan and file may each be missing, but not both; save and load come together. */
static enum assay_status check_scanner(const struct assay_scanner *s, struct assay_error *err)
{
    if (s->scan == NULL && s->file == NULL) {
        return assay_fail(err, ASSAY_PLUGIN, "scanner sets neither 'scan' nor 'file'");
    }
    if ((s->save == NULL) != (s->load == NULL)) {
        return assay_fail(err, ASSAY_PLUGIN, "scanner sets only one of 'save' and 'load'");
    }
    return check_review(s, err);
}

static void describe(struct assay_plugin *p, enum assay_plugin_kind kind, const void *descriptor)
{
    if (kind == ASSAY_PLUGIN_READER) {
        const struct assay_reader *r = descriptor;
        *p = (struct assay_plugin){.kind = kind,
                                   .name = r->name,
                                   .version = r->version,
                                   .license = r->license,
                                   .summary = r->summary,
                                   .reader = r,
                                   .options = r->options,
                                   .rules = r->rules};
    } else {
        const struct assay_scanner *s = descriptor;
        *p = (struct assay_plugin){.kind = kind,
                                   .name = s->name,
                                   .version = s->version,
                                   .license = s->license,
                                   .summary = s->summary,
                                   .scanner = s,
                                   .options = s->options,
                                   .rules = s->rules};
    }
}

/* Judges a descriptor and, when it will do, copies what the set keeps of it into *ret. */
static enum assay_status check_descriptor(enum assay_plugin_kind kind, const void *descriptor,
                                          struct assay_plugin *ret, struct assay_error *err)
{
    enum assay_status st = check_guard(&kinds[kind], descriptor, err);
    if (st == ASSAY_OK) {
        st = check_members(&kinds[kind], descriptor, err);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    describe(ret, kind, descriptor);
    if (!name_is_valid(ret->name)) {
        return assay_fail(err, ASSAY_PLUGIN, "%s name '%.64s' is not of the form [a-z][a-z0-9_]*",
                          kinds[kind].word, ret->name);
    }
    if (ret->scanner != NULL) {
        st = check_scanner(ret->scanner, err);
    }
    if (st == ASSAY_OK) {
        st = check_options(ret->options, err);
    }
    return st == ASSAY_OK ? check_rules(ret->rules, err) : st;
}

/* ---- the set -----------------------------------------------------------------------------------
 */

static const struct assay_plugin *find_name(const struct assay_plugins *ps, const char *name)
{
    for (size_t i = 0; i < ps->count; i++) {
        if (strcmp(ps->items[i]->name, name) == 0) {
            return ps->items[i];
        }
    }
    return NULL;
}

/* Room for one more entry and for every rule table, the engine's included. */
static enum assay_status grow(struct assay_plugins *ps, struct assay_error *err)
{
    if (ps->count < ps->cap) {
        return ASSAY_OK;
    }
    size_t cap = ps->cap == 0 ? 16 : 2 * ps->cap;
    void *items = assay_realloc_array(ps->items, cap, sizeof(struct assay_plugin *));
    if (items == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the plugin table");
    }
    ps->items = items;
    void *decls = realloc(ps->decls, (cap + 1) * sizeof(const struct assay_rule_decl *));
    if (decls == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the plugin table");
    }
    ps->decls = decls;
    ps->cap = cap;
    return ASSAY_OK;
}

/* Takes in a judged entry; `path` is copied, behind the entry. */
static enum assay_status insert(struct assay_plugins *ps, struct assay_plugin *entry,
                                const char *path, struct assay_error *err)
{
    const struct assay_plugin *other = find_name(ps, entry->name);
    if (other != NULL) {
        return assay_fail(err, ASSAY_EXISTS, "the name '%s' is taken by %s %s", entry->name,
                          other->path == NULL ? "the built-in" : "another loaded",
                          kinds[other->kind].word);
    }
    enum assay_status st = grow(ps, err);
    if (st != ASSAY_OK) {
        return st;
    }
    size_t path_size = path == NULL ? 0 : strlen(path) + 1;
    struct assay_plugin *p = malloc(sizeof *p + path_size);
    if (p == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the plugin '%s'", entry->name);
    }
    *p = *entry;
    p->path = path == NULL ? NULL : memcpy(p + 1, path, path_size);
    ps->items[ps->count++] = p;
    if (p->rules != NULL) {
        ps->decls[ps->n_decls++] = p->rules;
    }
    return ASSAY_OK;
}

static enum assay_status add(struct assay_plugins *ps, enum assay_plugin_kind kind,
                             const void *descriptor, struct assay_error *err)
{
    struct assay_plugin entry;
    enum assay_status st = check_descriptor(kind, descriptor, &entry, err);
    return st == ASSAY_OK ? insert(ps, &entry, NULL, err) : st;
}

enum assay_status assay_plugins_add_reader(struct assay_plugins *ps, const struct assay_reader *r,
                                           struct assay_error *err)
{
    return add(ps, ASSAY_PLUGIN_READER, r, err);
}

enum assay_status assay_plugins_add_scanner(struct assay_plugins *ps, const struct assay_scanner *s,
                                            struct assay_error *err)
{
    return add(ps, ASSAY_PLUGIN_SCANNER, s, err);
}

#define DECLARE_READER(name)  extern const struct assay_reader assay_reader_##name;
#define DECLARE_SCANNER(name) extern const struct assay_scanner assay_scanner_##name;
ASSAY_STATIC_READERS(DECLARE_READER)
ASSAY_STATIC_SCANNERS(DECLARE_SCANNER)

static enum assay_status add_static(struct assay_plugins *ps)
{
    enum assay_status st = grow(ps, NULL);
#define ADD_READER(name)                                                                           \
    if (st == ASSAY_OK) {                                                                          \
        st = assay_plugins_add_reader(ps, &assay_reader_##name, NULL);                             \
    }
#define ADD_SCANNER(name)                                                                          \
    if (st == ASSAY_OK) {                                                                          \
        st = assay_plugins_add_scanner(ps, &assay_scanner_##name, NULL);                           \
    }
    ASSAY_STATIC_READERS(ADD_READER)
    ASSAY_STATIC_SCANNERS(ADD_SCANNER)
    return st;
}

struct assay_plugins *assay_plugins_new(void)
{
    struct assay_plugins *ps = calloc(1, sizeof *ps);
    if (ps == NULL || grow(ps, NULL) != ASSAY_OK) {
        free(ps);
        return NULL;
    }
    ps->decls[ps->n_decls++] = assay_engine_rules;
    if (add_static(ps) != ASSAY_OK) {
        assay_plugins_free(ps);
        return NULL;
    }
    return ps;
}

void assay_plugins_free(struct assay_plugins *ps)
{
    if (ps == NULL) {
        return;
    }
    for (size_t i = 0; i < ps->count; i++) {
        free(ps->items[i]);
    }
    free(ps->items);
    free(ps->decls);
    free(ps->left_out);
    free(ps);
}

size_t assay_plugins_count(const struct assay_plugins *ps)
{
    return ps->count;
}

const struct assay_plugin *assay_plugins_get(const struct assay_plugins *ps, size_t i)
{
    return i < ps->count ? ps->items[i] : NULL;
}

const struct assay_plugin *assay_plugins_find(const struct assay_plugins *ps,
                                              enum assay_plugin_kind kind, const char *name)
{
    const struct assay_plugin *p = find_name(ps, name);
    return p != NULL && p->kind == kind ? p : NULL;
}

/* ---- selection ---------------------------------------------------------------------------------
 */

static int is_named(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static enum assay_status check_names(const struct assay_plugins *ps, const char *const *names,
                                     size_t n, struct assay_error *err)
{
    const char *known[65];
    size_t n_known = 0;
    for (size_t i = 0; i < ps->count && n_known < 64; i++) {
        if (ps->items[i]->kind == ASSAY_PLUGIN_SCANNER) {
            known[n_known++] = ps->items[i]->name;
        }
    }
    known[n_known] = NULL;
    for (size_t i = 0; i < n; i++) {
        if (assay_plugins_find(ps, ASSAY_PLUGIN_SCANNER, names[i]) == NULL) {
            const char *near = assay_suggest(names[i], known);
            return assay_fail(err, ASSAY_CONFIG, "there is no scanner '%.64s'%s%s%s", names[i],
                              near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                              near == NULL ? "" : "'?");
        }
    }
    return ASSAY_OK;
}

/* The engine's own table comes first and stays. */
static void list_decls(struct assay_plugins *ps)
{
    ps->n_decls = 1;
    for (size_t i = 0; i < ps->count; i++) {
        if (ps->items[i]->rules != NULL) {
            ps->decls[ps->n_decls++] = ps->items[i]->rules;
        }
    }
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum assay_status assay_plugins_select(struct assay_plugins *ps, const char *const *names, size_t n,
                                       int except, struct assay_error *err)
{
    enum assay_status st = check_names(ps, names, n, err);
    const char **out = assay_alloc_array(ps->count + ps->n_left_out + 1, sizeof *out);
    size_t kept = 0, scanners = 0, n_out = 0;
    if (st != ASSAY_OK || out == NULL) {
        free(out);
        return st == ASSAY_OK ? assay_fail(err, ASSAY_NOMEM, "out of memory") : st;
    }
    for (; n_out < ps->n_left_out; n_out++) {
        out[n_out] = ps->left_out[n_out];
    }
    for (size_t i = 0; i < ps->count; i++) {
        struct assay_plugin *p = ps->items[i];
        if (p->kind != ASSAY_PLUGIN_SCANNER || is_named(p->name, names, n) != except) {
            scanners += p->kind == ASSAY_PLUGIN_SCANNER;
            ps->items[kept++] = p;
        } else {
            out[n_out++] = p->name; /* the descriptor's: it outlives the entry */
            free(p);
        }
    }
    ps->count = kept;
    list_decls(ps);
    free(ps->left_out);
    ps->left_out = out;
    ps->n_left_out = n_out;
    qsort(out, n_out, sizeof *out, by_string);
    return scanners > 0 ? ASSAY_OK : assay_fail(err, ASSAY_CONFIG, "no scanner is left to run");
}

const char *const *assay_plugins_left_out(const struct assay_plugins *ps, size_t *ret_n)
{
    *ret_n = ps->n_left_out;
    return ps->left_out;
}

const struct assay_rule_decl *const *assay_plugins_decls(const struct assay_plugins *ps,
                                                         size_t *ret_n)
{
    *ret_n = ps->n_decls;
    return ps->decls;
}

void assay_plugins_check_rules(const struct assay_plugins *ps, const struct assay_ruleset *rules,
                               struct assay_diags *diags)
{
    struct assay_scanner_role *roles = assay_alloc_array(ps->count + 1, sizeof *roles);
    size_t n = 0;
    for (size_t i = 0; roles != NULL && i < ps->count; i++) {
        const struct assay_scanner *s = ps->items[i]->scanner;
        if (s != NULL) {
            roles[n++] = (struct assay_scanner_role){s->name, s->scan != NULL, s->file != NULL};
        }
    }
    if (roles == NULL) {
        assay_diags_error(diags, NULL, NULL, "out of memory for rules");
    } else {
        assay_ruleset_check_scanners(rules, roles, n, diags);
    }
    free(roles);
}

/* ---- the loader --------------------------------------------------------------------------------
 */

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
    size_t n = name_prefix(base);
    return n > 0 && strcmp(base + n, ".so") == 0;
}

static int name_is_base(const char *name, const char *base)
{
    size_t n = name_prefix(base);
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
        st = check_descriptor(kind, descriptor, &entry, err);
    }
    if (st == ASSAY_OK && !name_is_base(entry.name, base)) {
        st = assay_fail(err, ASSAY_PLUGIN, "the file is named '%.64s' but the %s in it '%.64s'",
                        base, kinds[kind].word, entry.name);
    }
    if (st == ASSAY_OK) {
        memcpy(entry.sha256, sha256, sizeof entry.sha256);
        st = insert(ps, &entry, path, err);
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
