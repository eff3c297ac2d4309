/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/splits.c: see the header.
 */
#include "splits.h"

#include <stdlib.h>

static const struct {
    const char *word;
    uint8_t split;
} words[] = {
    {"train", DUP_SPLIT_TRAIN},
    {"training", DUP_SPLIT_TRAIN},
    {"训练", DUP_SPLIT_TRAIN},
    {"训练集", DUP_SPLIT_TRAIN},
    {"dev", DUP_SPLIT_VALIDATION},
    {"devel", DUP_SPLIT_VALIDATION},
    {"val", DUP_SPLIT_VALIDATION},
    {"valid", DUP_SPLIT_VALIDATION},
    {"validation", DUP_SPLIT_VALIDATION},
    {"验证", DUP_SPLIT_VALIDATION},
    {"验证集", DUP_SPLIT_VALIDATION},
    {"开发集", DUP_SPLIT_VALIDATION},
    {"test", DUP_SPLIT_TEST},
    {"testing", DUP_SPLIT_TEST},
    {"eval", DUP_SPLIT_TEST},
    {"evaluation", DUP_SPLIT_TEST},
    {"测试", DUP_SPLIT_TEST},
    {"测试集", DUP_SPLIT_TEST},
    {"评测集", DUP_SPLIT_TEST},
};

static const char *const names[] = {"train", "validation", "test"};

/* ---- words -------------------------------------------------------------------------------------
 */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* 0: no letter, 1: an ASCII letter, 2: a byte of another script. */
static int kind_of(char c)
{
    char l = lower(c);
    return (uint8_t)c >= 0x80 ? 2 : l >= 'a' && l <= 'z';
}

static int same_word(struct assay_bytes w, const char *word)
{
    size_t i = 0;
    while (i < w.len && word[i] != '\0' && lower(w.ptr[i]) == word[i]) {
        i++;
    }
    return i == w.len && word[i] == '\0';
}

static unsigned split_of_word(struct assay_bytes w)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (same_word(w, words[i].word)) {
            return words[i].split;
        }
    }
    return DUP_LABEL_NONE;
}

/* The splits that the words of a name speak of, one bit each. */
static unsigned splits_of_words(struct assay_bytes name)
{
    unsigned found = 0;
    for (size_t i = 0; i < name.len;) {
        size_t from = i;
        int kind = kind_of(name.ptr[i]);
        while (i < name.len && kind_of(name.ptr[i]) == kind) {
            i++;
        }
        if (kind != 0) {
            found |= 1u << split_of_word(assay_bytes_make(name.ptr + from, i - from));
        }
    }
    return found & ~1u;
}

/* The split of a set of exactly one. */
static unsigned only_one(unsigned set)
{
    for (unsigned i = 1; i <= DUP_SPLIT_TEST; i++) {
        if (set == 1u << i) {
            return i;
        }
    }
    return DUP_LABEL_NONE;
}

/* ---- paths -------------------------------------------------------------------------------------
 */

/* Takes the last component off. */
static struct assay_bytes take_last(struct assay_bytes *path)
{
    size_t n = path->len;
    while (n > 0 && path->ptr[n - 1] != '/') {
        n--;
    }
    struct assay_bytes last = assay_bytes_make(path->ptr + n, path->len - n);
    path->len = n > 0 ? n - 1 : 0;
    return last;
}

/* The nearest directory that names one split: as a whole, or by a word in it. */
static unsigned split_of_directories(struct assay_bytes path, int whole)
{
    unsigned found = DUP_LABEL_NONE;
    while (path.len > 0 && found == DUP_LABEL_NONE) {
        struct assay_bytes name = take_last(&path);
        found = whole ? split_of_word(name) : only_one(splits_of_words(name));
    }
    return found;
}

unsigned dup_split_by_name(const char *path)
{
    struct assay_bytes rest = assay_bytes_str(path);
    struct assay_bytes file = take_last(&rest);
    const char *dot = file.len == 0 ? NULL : memchr(file.ptr, '.', file.len);
    struct assay_bytes stem =
        assay_bytes_make(file.ptr, dot == NULL ? file.len : (size_t)(dot - file.ptr));
    unsigned found = split_of_word(stem);
    found = found != DUP_LABEL_NONE ? found : split_of_directories(rest, 1);
    found = found != DUP_LABEL_NONE ? found : only_one(splits_of_words(file));
    return found != DUP_LABEL_NONE ? found : split_of_directories(rest, 0);
}

/* ---- globs -------------------------------------------------------------------------------------
 */

/* Where to go on when what follows a star does not match: the star takes more. */
struct star {
    const char *glob, *path; /* NULL: there was none */
    int whole;               /* it takes whole directories: double, and a slash behind it */
};

/* Notes the star at g; one past it. */
static const char *on_star(struct star *near, struct star *deep, const char *g, const char *end,
                           const char *path)
{
    int is_deep = g + 1 < end && g[1] == '*';
    struct star s = {g + 1 + is_deep, path, 0};
    if (is_deep && s.glob < end && *s.glob == '/') {
        s.glob++;
        s.whole = 1;
    }
    if (is_deep) {
        *deep = s;
        near->glob = NULL;
    } else {
        *near = s;
    }
    return s.glob;
}

/* Lets a star take more; 0: it cannot. */
static int take_more(struct star *s, int deep)
{
    if (s->glob == NULL || *s->path == '\0' || (!deep && *s->path == '/')) {
        return 0;
    }
    if (s->whole) {
        const char *slash = strchr(s->path, '/');
        s->path = slash == NULL ? s->path + strlen(s->path) : slash;
    }
    s->path += *s->path != '\0';
    return 1;
}

int dup_glob(struct assay_bytes glob, const char *path)
{
    const char *g = glob.ptr, *end = glob.ptr + glob.len;
    struct star near = {0}, deep = {0};
    while (*path != '\0' || g < end) {
        int escaped = g + 1 < end && *g == '\\';
        const char *c = g + escaped;
        if (g < end && *g == '*') {
            g = on_star(&near, &deep, g, end, path);
        } else if (g < end && *path != '\0' &&
                   (*c == *path || (!escaped && *c == '?' && *path != '/'))) {
            g = c + 1;
            path++;
        } else if (take_more(&near, 0)) {
            g = near.glob;
            path = near.path;
        } else if (take_more(&deep, 1)) {
            g = deep.glob;
            path = deep.path;
            near.glob = NULL;
        } else {
            return 0;
        }
    }
    return 1;
}

/* ---- options -----------------------------------------------------------------------------------
 */

/* Cuts what stands before `at` off the front of `rest`; all of it when there is no such byte. */
static struct assay_bytes cut(struct assay_bytes *rest, char at)
{
    const char *p = rest->len == 0 ? NULL : memchr(rest->ptr, at, rest->len);
    size_t n = p == NULL ? rest->len : (size_t)(p - rest->ptr);
    struct assay_bytes first = assay_bytes_make(rest->ptr, n);
    size_t gone = p == NULL ? n : n + 1;
    *rest = assay_bytes_make(rest->ptr + gone, rest->len - gone);
    return first;
}

/* What the options say of names. */
struct maps {
    const char *benchmarks, *splits; /* NULL: not given */
};

static unsigned look_up(const struct dup_labels *l, const char *map, const char *name)
{
    struct assay_bytes rest = assay_bytes_str(map);
    while (rest.len > 0) {
        struct assay_bytes globs = cut(&rest, ';');
        struct assay_bytes label = cut(&globs, '=');
        while (globs.len > 0) {
            if (dup_glob(cut(&globs, ','), name)) {
                return dup_labels_find(l, label);
            }
        }
    }
    return DUP_LABEL_NONE;
}

static unsigned split_of_file(const struct dup_labels *l, void *ctx, const char *name)
{
    const struct maps *m = ctx;
    unsigned benchmark = look_up(l, m->benchmarks, name);
    if (benchmark != DUP_LABEL_NONE) {
        return benchmark;
    }
    return m->splits == NULL ? dup_split_by_name(name) : look_up(l, m->splits, name);
}

/* The labels that a map names, as bits, and whether it is a map. */
static enum assay_status read_map(struct dup_labels *l, const char *option, const char *map,
                                  uint32_t *ret_labels, struct assay_error *err)
{
    struct assay_bytes rest = assay_bytes_str(map);
    *ret_labels = 0;
    while (rest.len > 0) {
        struct assay_bytes globs = cut(&rest, ';');
        struct assay_bytes label = cut(&globs, '=');
        if (!dup_label_name_ok(label) || globs.len == 0) {
            return assay_fail(err, ASSAY_CONFIG,
                              "duplicates.%s: '%.*s' is not LABEL=GLOB[,GLOB...]; a label has a to "
                              "z, 0 to 9 and '-', and up to %d characters",
                              option, (int)(label.len < 40 ? label.len : 40), label.ptr,
                              DUP_LABEL_NAME - 1);
        }
        if (dup_labels_find(l, label) == DUP_LABEL_NONE && l->n == DUP_SPLITS) {
            return assay_fail(err, ASSAY_CONFIG,
                              "duplicates.%s: there are at most %d splits and benchmarks, with "
                              "train, validation and test",
                              option, DUP_SPLITS - 1);
        }
        *ret_labels |= UINT32_C(1) << dup_labels_add(l, label);
    }
    return ASSAY_OK;
}

static enum assay_status check_pointer(const char *option, const char *field,
                                       struct assay_error *err)
{
    if (field == NULL || field[0] == '/') {
        return ASSAY_OK;
    }
    return assay_fail(err, ASSAY_CONFIG,
                      "duplicates.%s takes a JSON Pointer such as /split, not '%.80s'", option,
                      field);
}

/* A benchmark that is not there would be one that nothing contaminates. */
static enum assay_status find_benchmarks(const struct dup_labels *l, uint32_t benchmarks,
                                         struct assay_error *err)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < l->n_files; i++) {
        there |= UINT32_C(1) << l->by_file[i];
    }
    for (unsigned i = 1; i < l->n && l->n_files > 0; i++) {
        if ((benchmarks & ~there) >> i & 1) {
            return assay_fail(err, ASSAY_CONFIG,
                              "duplicates.benchmarks: no file of the dataset matches the globs of "
                              "'%s'; name its files by their path within the dataset",
                              l->names[i]);
        }
    }
    return ASSAY_OK;
}

enum assay_status dup_splits_init(struct dup_labels *l, const struct assay_host *host,
                                  uint32_t *ret_benchmarks, struct assay_error *err)
{
    struct maps m = {host->option(host->ctx, "benchmarks"), host->option(host->ctx, "split_map")};
    uint32_t splits = 0;
    l->field = host->option(host->ctx, "split_field");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)dup_labels_add(l, assay_bytes_str(names[i]));
    }
    enum assay_status st = check_pointer("split_field", l->field, err);
    if (st == ASSAY_OK) {
        st = read_map(l, "split_map", m.splits, &splits, err);
    }
    if (st == ASSAY_OK) {
        st = read_map(l, "benchmarks", m.benchmarks, ret_benchmarks, err);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    splits |= 1u << DUP_SPLIT_TRAIN | 1u << DUP_SPLIT_VALIDATION | 1u << DUP_SPLIT_TEST;
    if ((*ret_benchmarks & splits) != 0) {
        return assay_fail(err, ASSAY_CONFIG,
                          "duplicates.benchmarks: the name of a split is not one for a benchmark");
    }
    st = dup_labels_read_files(l, host, split_of_file, &m);
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "no memory for the splits of files");
    }
    return find_benchmarks(l, *ret_benchmarks, err);
}

uint8_t dup_split_mark(const struct dup_labels *l, const struct assay_batch *b,
                       const struct assay_record *r)
{
    struct assay_bytes value = dup_labels_value(l, b, r);
    if (value.ptr == NULL) {
        return 0;
    }
    unsigned label = dup_labels_find(l, value);
    label = label != DUP_LABEL_NONE ? label : split_of_word(value);
    return label != DUP_LABEL_NONE ? (uint8_t)label : DUP_MARK_NONE;
}
