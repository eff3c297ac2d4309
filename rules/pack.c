/* SPDX-License-Identifier: Apache-2.0
 *
 * Packs: where their files come from, and pack.yaml.
 *
 * A pack is either a run of rows in the embedded table or a directory. Both answer the same two
 * questions: which
 * *.yaml files are there (sorted), and what are the bytes of NAME. Directories are walked through
 * descriptors and files opened beneath them, so a pack can neither reach outside itself nor smuggle
 * in a link. Every file read is hashed; the pack's digest covers exactly the files that shaped it,
 * under the same names for an embedded pack and for a directory with the same content.
 */
#include "rules/load.h"

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/option.h"
#include "core/status.h"
#include "rules/embedded.h"

const char *const assay_pack_keys[] = {"pack",    "version",         "title", "licence",
                                       "default", "requires_engine", "lists", NULL};
const char *const assay_text2_keys[] = {"en", "zh", NULL};

const struct assay_embedded_file *assay_embedded_find(const char *name)
{
    for (const struct assay_embedded_file *f = assay_embedded_files; f->name != NULL; f++) {
        if (strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

struct assay_hint assay_hint(const char *near, const char *sigil)
{
    struct assay_hint h = {""};
    if (near != NULL) {
        (void)snprintf(h.text, sizeof h.text, ", did you mean '%s%s'?", sigil, near);
    }
    return h;
}

int assay_name_ok(const char *s, const char *extra)
{
    if (s[0] < 'a' || s[0] > 'z') {
        return 0;
    }
    for (; *s != '\0'; s++) {
        int plain = (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9');
        if (!plain && strchr(extra, *s) == NULL) {
            return 0;
        }
    }
    return 1;
}

/* ---- listing ------------------------------------------------------------------------------- */

static int is_rule_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int add_name(struct assay_load *l, struct assay_pack_source *s, const char *name)
{
    if (s->n_names == ASSAY_LIMIT_PACK_FILES) {
        assay_diags_error(l->diags, NULL, NULL, "%s: more than %d rule files", s->shown,
                          ASSAY_LIMIT_PACK_FILES);
        return 0;
    }
    const char **names = assay_grown(s->names, s->n_names, &s->cap_names, sizeof *names);
    if (names == NULL) {
        assay_diags_error(l->diags, NULL, NULL, "out of memory for rules");
        return 0;
    }
    s->names = names;
    s->names[s->n_names] = assay_arena_strdup(l->rs->arena, name);
    return s->names[s->n_names++] != NULL;
}

static int list_embedded(struct assay_load *l, struct assay_pack_source *s)
{
    size_t prefix = strlen(s->embedded);
    for (const struct assay_embedded_file *f = assay_embedded_files; f->name != NULL; f++) {
        const char *name = f->name + prefix;
        if (strncmp(f->name, s->embedded, prefix) == 0 && is_rule_file(name) &&
            strcmp(name, "pack.yaml") != 0 && !add_name(l, s, name)) {
            return 0;
        }
    }
    return 1;
}

static int list_dir(struct assay_load *l, struct assay_pack_source *s, const char *at,
                    unsigned depth);

/* One directory entry: a rule file, a directory to enter, or something else (ignored). */
static int list_entry(struct assay_load *l, struct assay_pack_source *s, const char *name,
                      unsigned depth)
{
    struct stat st;
    if (fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        assay_diags_error(l->diags, NULL, NULL, "%s/%s: cannot be examined", s->shown, name);
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        return list_dir(l, s, name, depth + 1);
    }
    if (!is_rule_file(name) || strcmp(name, "pack.yaml") == 0) {
        return 1;
    }
    if (!S_ISREG(st.st_mode)) {
        assay_diags_error(l->diags, NULL, NULL,
                          "%s/%s: not a regular file; a pack may not contain links", s->shown,
                          name);
        return 0;
    }
    return add_name(l, s, name);
}

static int list_dir(struct assay_load *l, struct assay_pack_source *s, const char *at,
                    unsigned depth)
{
    int fd = depth == 0 ? dup(s->dir_fd)
                        : openat(s->dir_fd, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL || depth > ASSAY_LIMIT_PACK_DEPTH) {
        assay_diags_error(l->diags, NULL, NULL, "%s/%s: %s", s->shown, at,
                          dir == NULL ? "cannot be listed" : "nested too deep");
        dir != NULL ? (void)closedir(dir) : (void)(fd >= 0 && close(fd));
        return 0;
    }
    int ok = 1;
    for (struct dirent *e; ok && (e = readdir(dir)) != NULL;) {
        char name[ASSAY_LIMIT_NAME];
        int n = snprintf(name, sizeof name, "%s%s%s", at, *at == '\0' ? "" : "/", e->d_name);
        if (e->d_name[0] == '.') {
            continue;
        }
        if (n < 0 || (size_t)n >= sizeof name) {
            assay_diags_error(l->diags, NULL, NULL, "%s: a file name is too long", s->shown);
            ok = 0;
        } else {
            ok = list_entry(l, s, name, depth);
        }
    }
    (void)closedir(dir);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- opening ------------------------------------------------------------------------------- */

static int open_embedded(struct assay_load *l, const char *name, struct assay_pack_source *s)
{
    char path[ASSAY_LIMIT_NAME];
    (void)snprintf(path, sizeof path, "packs/%s/pack.yaml", name);
    if (assay_embedded_find(path) == NULL) {
        return 0;
    }
    path[strlen(path) - strlen("pack.yaml")] = '\0';
    s->embedded = assay_arena_strdup(l->rs->arena, path);
    return s->embedded != NULL;
}

static int open_dir(struct assay_load *l, const char *path, struct assay_pack_source *s)
{
    s->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd >= 0) {
        return 1;
    }
    if (errno == ENOENT && strchr(path, '/') == NULL) {
        const char *near = assay_suggest(path, assay_ruleset_embedded());
        assay_diags_error(l->diags, NULL, NULL, "no pack '%s': neither built in nor a directory%s",
                          path, assay_hint(near, "").text);
    } else {
        struct assay_error err;
        (void)assay_fail_errno(&err, errno, "cannot open pack directory %s", path);
        assay_diags_error(l->diags, NULL, NULL, "%s", err.message);
    }
    return 0;
}

/* The argument without trailing slashes, for messages. */
static const char *shown_name(struct assay_load *l, const char *arg)
{
    size_t n = strlen(arg);
    while (n > 1 && arg[n - 1] == '/') {
        n--;
    }
    return assay_arena_dup(l->rs->arena, assay_bytes_make(arg, n));
}

int assay_pack_open(struct assay_load *l, const char *arg, struct assay_pack_source *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->dir_fd = -1;
    ret->shown = shown_name(l, arg);
    if (ret->shown == NULL) {
        return 0;
    }
    int is_name = strchr(arg, '/') == NULL && open_embedded(l, arg, ret);
    if (!is_name && !open_dir(l, arg, ret)) {
        return 0;
    }
    ret->pack.embedded = is_name;
    int ok = is_name ? list_embedded(l, ret) : list_dir(l, ret, "", 0);
    if (ret->n_names > 0) {
        qsort(ret->names, ret->n_names, sizeof *ret->names, by_name);
    }
    return ok;
}

void assay_pack_close(struct assay_pack_source *s)
{
    if (s->dir_fd >= 0) {
        (void)close(s->dir_fd);
    }
    free(s->names);
    free(s->files);
    memset(s, 0, sizeof *s);
    s->dir_fd = -1;
}

/* ---- reading ------------------------------------------------------------------------------- */

static enum assay_status read_beneath(struct assay_load *l, const char *name,
                                      struct assay_bytes *ret, struct assay_error *err)
{
    int fd = assay_fs_open_beneath(l->source->dir_fd, name, O_RDONLY);
    if (fd < 0) {
        return errno == ELOOP ? assay_fail(err, ASSAY_CONFIG, "a pack may not contain links")
                              : assay_fail_errno(err, errno, "cannot open it");
    }
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_YAML_FILE);
    enum assay_status s = assay_fs_read_fd(fd, ASSAY_LIMIT_YAML_FILE, &text, err);
    (void)close(fd);
    if (s != ASSAY_OK) {
        return s;
    }
    ret->ptr = assay_arena_dup(l->rs->arena, assay_buf_bytes(&text));
    ret->len = text.len;
    return ret->ptr != NULL ? ASSAY_OK : assay_fail(err, ASSAY_NOMEM, "out of memory");
}

static enum assay_status read_embedded(struct assay_load *l, const char *name,
                                       struct assay_bytes *ret, struct assay_error *err)
{
    char path[ASSAY_LIMIT_NAME];
    (void)snprintf(path, sizeof path, "%s%s", l->source->embedded, name);
    const struct assay_embedded_file *f = assay_embedded_find(path);
    if (f == NULL) {
        return assay_fail(err, ASSAY_NOTFOUND, "no such file in the pack");
    }
    *ret = assay_bytes_make(f->data, f->len);
    return ASSAY_OK;
}

static int leaves_pack(const char *name)
{
    size_t n = strlen(name);
    return name[0] == '/' || n >= ASSAY_LIMIT_NAME || strncmp(name, "../", 3) == 0 ||
           strstr(name, "/../") != NULL || (n >= 2 && strcmp(name + n - 2, "..") == 0);
}

static struct assay_pack_file *grow_files(struct assay_pack_source *s)
{
    struct assay_pack_file *files = assay_grown(s->files, s->n_files, &s->cap_files, sizeof *files);
    s->files = files == NULL ? s->files : files;
    return files == NULL ? NULL : &s->files[s->n_files];
}

const struct assay_pack_file *assay_pack_read(struct assay_load *l, const char *name,
                                              struct assay_error *err)
{
    struct assay_pack_source *s = l->source;
    for (size_t i = 0; i < s->n_files; i++) {
        if (strcmp(s->files[i].name, name) == 0) {
            return &s->files[i];
        }
    }
    if (leaves_pack(name)) {
        (void)assay_fail(err, ASSAY_CONFIG, "a file below the pack's directory is wanted");
        return NULL;
    }
    struct assay_bytes bytes = {NULL, 0};
    enum assay_status status = s->embedded != NULL ? read_embedded(l, name, &bytes, err)
                                                   : read_beneath(l, name, &bytes, err);
    if (status != ASSAY_OK) {
        return NULL;
    }
    struct assay_pack_file *f = grow_files(s);
    const char *kept = f == NULL ? NULL : assay_arena_strdup(l->rs->arena, name);
    if (kept == NULL || assay_sha256_of(bytes.ptr, bytes.len, f->sha256) != ASSAY_OK) {
        (void)assay_fail(err, ASSAY_NOMEM, "out of memory");
        return NULL;
    }
    f->name = kept;
    f->bytes = bytes;
    s->n_files++;
    return f;
}

static const char *shown_file(struct assay_load *l, const char *name)
{
    size_t n = strlen(l->source->shown) + strlen(name) + 2;
    char *out = assay_arena_alloc(l->rs->arena, n);
    if (out != NULL) {
        (void)snprintf(out, n, "%s/%s", l->source->shown, name);
    }
    return out;
}

static int keep_document(struct assay_ruleset *rs, struct assay_yaml *y)
{
    struct assay_yaml **docs = assay_grown(rs->docs, rs->n_docs, &rs->cap_docs, sizeof *docs);
    if (docs == NULL) {
        return 0;
    }
    rs->docs = docs;
    rs->docs[rs->n_docs++] = y;
    return 1;
}

const struct assay_yaml *assay_pack_yaml(struct assay_load *l, const char *name)
{
    struct assay_error err;
    l->file = shown_file(l, name);
    const struct assay_pack_file *f = l->file == NULL ? NULL : assay_pack_read(l, name, &err);
    if (f == NULL) {
        assay_diags_error(l->diags, NULL, NULL, "%s/%s: %s", l->source->shown, name,
                          l->file == NULL ? "out of memory" : err.message);
        return NULL;
    }
    struct assay_yaml *y = assay_yaml_parse(f->bytes, l->file, l->diags);
    if (y != NULL && !keep_document(l->rs, y)) {
        assay_diags_error(l->diags, NULL, NULL, "%s: out of memory", l->file);
        assay_yaml_free(y);
        y = NULL;
    }
    l->yaml = y;
    return y;
}

/* ---- digest -------------------------------------------------------------------------------- */

static int file_order(const void *a, const void *b)
{
    const struct assay_pack_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

enum assay_status assay_pack_digest(struct assay_pack_source *s)
{
    struct assay_sha256 *h = assay_sha256_new();
    if (h == NULL) {
        return ASSAY_NOMEM;
    }
    qsort(s->files, s->n_files, sizeof *s->files, file_order);
    enum assay_status status = assay_sha256_start(h);
    for (size_t i = 0; status == ASSAY_OK && i < s->n_files; i++) {
        char line[2 * ASSAY_SHA256_LEN + ASSAY_LIMIT_NAME + 4];
        char hex[2 * ASSAY_SHA256_LEN + 1];
        assay_hex(s->files[i].sha256, ASSAY_SHA256_LEN, hex);
        int n = snprintf(line, sizeof line, "%s  %s\n", hex, s->files[i].name);
        status = assay_sha256_update(h, line, (size_t)n);
    }
    if (status == ASSAY_OK) {
        status = assay_sha256_finish(h, s->pack.sha256);
    }
    assay_sha256_free(h);
    return status;
}

/* ---- pack.yaml ----------------------------------------------------------------------------- */

/* "1.2.3" into three numbers (missing ones are 0); returns what follows, NULL when malformed. */
static const char *parse_version(const char *s, unsigned long ret[3])
{
    ret[0] = ret[1] = ret[2] = 0;
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*s < '0' || *s > '9' || strspn(s, "0123456789") > 6) {
            return NULL;
        }
        ret[i] = strtoul(s, &end, 10);
        s = end;
        if (*s != '.' || i == 2) {
            break;
        }
        s++;
    }
    return s;
}

static int compare_versions(const unsigned long a[3], const unsigned long b[3])
{
    for (int i = 0; i < 3; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Length of the comparison operator at s, and which results of compare_versions it allows (bits -1,
 * 0, 1). */
static size_t version_operator(const char *s, unsigned *ret_allowed)
{
    static const struct {
        const char *text;
        unsigned allowed;
    } ops[] = {{">=", 6}, {"<=", 3}, {"==", 2}, {">", 4}, {"<", 1}, {"=", 2}};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        size_t n = strlen(ops[i].text);
        if (strncmp(s, ops[i].text, n) == 0) {
            *ret_allowed = ops[i].allowed;
            return n;
        }
    }
    *ret_allowed = 2;
    return 0;
}

int assay_version_satisfies(const char *version, const char *wanted)
{
    unsigned long have[3], want[3];
    if (parse_version(version, have) == NULL) {
        return -1;
    }
    int ok = 1, terms = 0;
    const char *s = wanted;
    for (; *(s += strspn(s, " ,")) != '\0'; terms++) {
        unsigned allowed;
        s += version_operator(s, &allowed);
        s = parse_version(s + strspn(s, " "), want);
        if (s == NULL || strchr(" ,", *s) == NULL) {
            return -1;
        }
        ok = ok && (allowed >> (compare_versions(have, want) + 1) & 1u) != 0;
    }
    return terms == 0 ? -1 : ok;
}

static void check_version(struct assay_load *l, const struct assay_yaml_node *n)
{
    unsigned long parts[3];
    const char *text = assay_yaml_text(n);
    const char *rest = text == NULL ? NULL : parse_version(text, parts);
    if (rest == NULL || (*rest != '\0' && *rest != '-' && *rest != '+')) {
        assay_diags_error(l->diags, l->yaml, n, "a version is three numbers: 1.2.0");
    }
}

static void check_engine(struct assay_load *l, const struct assay_yaml_node *n)
{
    const char *wanted = assay_yaml_text(n);
    if (n == NULL) {
        return;
    }
    int fits = wanted == NULL ? -1 : assay_version_satisfies(PACKAGE_VERSION, wanted);
    if (fits < 0) {
        assay_diags_error(l->diags, l->yaml, n, "malformed version range; write '>=0.1 <2'");
    } else if (fits == 0) {
        assay_diags_error(l->diags, l->yaml, n, "this pack needs assay %s; this is %s", wanted,
                          PACKAGE_VERSION);
    }
}

static const struct assay_yaml_node *wanted_key(struct assay_load *l,
                                                const struct assay_yaml_node *root, const char *key)
{
    const struct assay_yaml_node *n = assay_yaml_get(root, key);
    if (n == NULL) {
        assay_diags_error(l->diags, l->yaml, root, "missing key '%s' in pack", key);
    }
    return n;
}

static void check_pack_name(struct assay_load *l, const struct assay_yaml_node *n)
{
    const char *name = assay_yaml_text(n);
    if (n != NULL && (name == NULL || !assay_name_ok(name, "-_"))) {
        assay_diags_error(l->diags, l->yaml, n,
                          "a pack name is lower-case letters, digits, '-' and '_', a letter first");
    }
}

static void check_lists(struct assay_load *l, const struct assay_yaml_node *lists)
{
    if (lists != NULL && assay_yaml_node_kind(lists) != ASSAY_YAML_MAPPING) {
        assay_diags_error(l->diags, l->yaml, lists, "lists: names with lists of terms are wanted");
    }
    for (size_t i = 0; i < assay_yaml_count(lists); i++) {
        const struct assay_yaml_node *list = assay_yaml_pair_value(lists, i);
        if (list == NULL || assay_yaml_node_kind(list) != ASSAY_YAML_SEQUENCE) {
            assay_diags_error(l->diags, l->yaml, list, "a list of terms is wanted");
        }
    }
}

int assay_pack_header(struct assay_load *l, struct assay_pack_source *s)
{
    size_t before = assay_diags_errors(l->diags);
    l->source = s;
    s->yaml = assay_pack_yaml(l, "pack.yaml");
    if (s->yaml == NULL) {
        return 0;
    }
    const struct assay_yaml_node *root = assay_yaml_root(s->yaml);
    if (root == NULL) {
        assay_diags_error(l->diags, s->yaml, NULL,
                          "empty: keys pack, version and title are wanted");
        return 0;
    }
    assay_yaml_check_keys(s->yaml, root, assay_pack_keys, "pack", l->diags);
    const struct assay_yaml_node *name = wanted_key(l, root, "pack");
    const struct assay_yaml_node *version = wanted_key(l, root, "version");
    check_pack_name(l, name);
    if (version != NULL) {
        check_version(l, version);
    }
    check_engine(l, assay_yaml_get(root, "requires_engine"));
    assay_parse_text2(l, wanted_key(l, root, "title"), "title", &s->pack.title_en,
                      &s->pack.title_zh);
    (void)assay_yaml_bool(l->yaml, assay_yaml_get(root, "default"), &s->on_by_default, l->diags);
    s->lists = assay_yaml_get(root, "lists");
    check_lists(l, s->lists);
    s->pack.name = assay_yaml_text(name);
    s->pack.version = assay_yaml_text(version);
    s->pack.licence = assay_yaml_text(assay_yaml_get(root, "licence"));
    return assay_diags_errors(l->diags) == before;
}
