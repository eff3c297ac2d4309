/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index.c: opening and checking a run, and finding items in it; see the header.
 */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct dup_index {
    const char *map;
    size_t size;
    const struct dup_index_head *head;
    const char **files;
};

static const unsigned section_words[DUP_INDEX_SECTIONS] = {
    [DUP_INDEX_ENTRIES] = DUP_ENTRY_WORDS,
    [DUP_INDEX_BANDS] = DUP_PAIR_WORDS,
    [DUP_INDEX_SETS] = DUP_SET_WORDS,
    [DUP_INDEX_HASHES] = 1,
    [DUP_INDEX_DELIVERIES] = DUP_DELIVERY_WORDS,
    [DUP_INDEX_FILES] = 0,
    [DUP_INDEX_CHECKS] = 1,
};

const uint64_t *dup_index_words(const struct dup_index *x, enum dup_index_section s, size_t *ret_n)
{
    const struct dup_index_span *span = &x->head->sections[s];
    *ret_n = span->bytes / (8 * section_words[s]);
    return (const uint64_t *)(const void *)(x->map + span->at);
}

/* ---- opening ------------------------------------------------------------------------------- */

static enum assay_status corrupt(const char *path, const char *how, struct assay_error *err)
{
    return assay_fail(err, ASSAY_CORRUPT,
                      "%.200s: %s: the index is damaged, make it again from the delivery", path,
                      how);
}

static enum assay_status map_file(struct dup_index *x, const char *path, struct assay_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        const enum assay_status status = errno == ENOENT ? ASSAY_NOTFOUND : ASSAY_IO;
        return assay_fail(err, status, "cannot open the index %.200s: %s", path, strerror(errno));
    }
    const int known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!known || st.st_size < (off_t)DUP_INDEX_HEAD) {
        (void)close(fd);
        return corrupt(path, "it is too short", err);
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    if (map == MAP_FAILED) {
        return assay_fail(err, ASSAY_NOMEM, "cannot map the index %.200s", path);
    }
    x->map = map;
    x->size = (size_t)st.st_size;
    x->head = map;
    return ASSAY_OK;
}

static uint64_t check_of(const struct assay_host *host, const void *data, size_t len)
{
    uint64_t hash[2];
    host->hash128(host->ctx, data, len, 0, hash);
    return hash[0];
}

static enum assay_status check_head(const struct dup_index *x, const struct assay_host *host,
                                    const char *path, struct assay_error *err)
{
    const struct dup_index_head *h = x->head;
    if (h->magic != DUP_INDEX_MAGIC) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "%.200s is no index of this version: make it again from the delivery",
                          path);
    }
    if (check_of(host, h, offsetof(struct dup_index_head, check)) != h->check ||
        h->n_params > DUP_INDEX_PARAMS) {
        return corrupt(path, "its head does not match its checksum", err);
    }
    for (size_t i = sizeof *h; i < DUP_INDEX_HEAD; i++) {
        if (x->map[i] != 0) {
            return corrupt(path, "its head has something behind it", err);
        }
    }
    uint64_t at = DUP_INDEX_HEAD;
    for (unsigned i = 0; i < DUP_INDEX_SECTIONS; i++) {
        const struct dup_index_span *s = &h->sections[i];
        const uint64_t unit = section_words[i] == 0 ? 8 : 8 * (uint64_t)section_words[i];
        if (s->at != at || s->bytes % unit != 0 || s->bytes > x->size - at) {
            return corrupt(path, "its sections do not fit", err);
        }
        at += s->bytes;
    }
    return at == x->size ? ASSAY_OK : corrupt(path, "its length is wrong", err);
}

static enum assay_status check_params(const struct dup_index *x, const struct dup_params *p,
                                      const char *path, struct assay_error *err)
{
    for (unsigned i = 0; p != NULL && i < p->n; i++) {
        if (x->head->n_params != p->n || x->head->params[i] != p->values[i]) {
            return assay_fail(err, ASSAY_CONFIG,
                              "%.200s was made with another %s: use the same, or make it again",
                              path, p->names[i]);
        }
    }
    return ASSAY_OK;
}

static enum assay_status check_blocks(const struct dup_index *x, const struct assay_host *host,
                                      const char *path, struct assay_error *err)
{
    size_t n;
    const uint64_t *checks = dup_index_words(x, DUP_INDEX_CHECKS, &n);
    const size_t end = x->head->sections[DUP_INDEX_CHECKS].at;
    size_t at = DUP_INDEX_HEAD;
    for (size_t i = 0; i < n && at < end; i++) {
        const size_t len = end - at < DUP_INDEX_BLOCK ? end - at : DUP_INDEX_BLOCK;
        if (check_of(host, x->map + at, len) != checks[i]) {
            char how[80];
            (void)snprintf(how, sizeof how, "block %zu does not match its checksum", i);
            return corrupt(path, how, err);
        }
        at += len;
    }
    return at == end ? ASSAY_OK : corrupt(path, "checksums are missing", err);
}

/* Names ascend, and files are numbered through. */
static int deliveries_fit(const struct dup_index *x)
{
    size_t n;
    const struct dup_index_delivery *d = dup_index_deliveries(x, &n);
    uint64_t files = 0;
    for (size_t i = 0; i < n; i++) {
        if (d[i].first_file != files || d[i].files > x->head->files - files ||
            memchr(d[i].name, '\0', sizeof d[i].name) == NULL ||
            (i > 0 && strcmp(d[i - 1].name, d[i].name) >= 0)) {
            return 0;
        }
        files += d[i].files;
    }
    return n == x->head->deliveries && files == x->head->files;
}

/* What sets point at must be there; entries point at files. */
static int points_inside(const struct dup_index *x)
{
    size_t n_sets, n_hashes, n_entries;
    const uint64_t *sets = dup_index_words(x, DUP_INDEX_SETS, &n_sets);
    const uint64_t *entries = dup_index_words(x, DUP_INDEX_ENTRIES, &n_entries);
    (void)dup_index_words(x, DUP_INDEX_HASHES, &n_hashes);
    for (size_t i = 0; i < n_sets; i++) {
        const uint64_t first = sets[i * DUP_SET_WORDS + 1], count = sets[i * DUP_SET_WORDS + 2];
        if (first > n_hashes || count > n_hashes - first) {
            return 0;
        }
    }
    for (size_t i = 0; i < n_entries; i++) {
        if (dup_place_file(entries[i * DUP_ENTRY_WORDS + 3]) >= x->head->files) {
            return 0;
        }
    }
    return 1;
}

static enum assay_status read_files(struct dup_index *x, const char *path, struct assay_error *err)
{
    const struct dup_index_span *span = &x->head->sections[DUP_INDEX_FILES];
    const char *p = x->map + span->at, *end = p + span->bytes;
    if (x->head->files > span->bytes || !deliveries_fit(x) || !points_inside(x)) {
        return corrupt(path, "it points outside itself", err);
    }
    x->files = calloc(x->head->files + 1, sizeof *x->files);
    if (x->files == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the index %.200s", path);
    }
    for (uint64_t i = 0; i < x->head->files; i++) {
        const char *nul = memchr(p, '\0', (size_t)(end - p));
        if (nul == NULL) {
            return corrupt(path, "names of files are missing", err);
        }
        x->files[i] = p;
        p = nul + 1;
    }
    return ASSAY_OK;
}

static enum assay_status open_head(const char *path, const struct dup_params *params,
                                   const struct assay_host *host, struct dup_index **ret,
                                   struct assay_error *err)
{
    struct dup_index *x = calloc(1, sizeof *x);
    *ret = x;
    if (x == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the index %.200s", path);
    }
    enum assay_status st = map_file(x, path, err);
    st = st == ASSAY_OK ? check_head(x, host, path, err) : st;
    return st == ASSAY_OK ? check_params(x, params, path, err) : st;
}

enum assay_status dup_index_open(const char *path, const struct dup_params *params,
                                 const struct assay_host *host, struct dup_index **ret,
                                 struct assay_error *err)
{
    struct dup_index *x;
    enum assay_status st = open_head(path, params, host, &x, err);
    st = st == ASSAY_OK ? check_blocks(x, host, path, err) : st;
    st = st == ASSAY_OK ? read_files(x, path, err) : st;
    if (st != ASSAY_OK) {
        dup_index_close(x);
        x = NULL;
    }
    *ret = x;
    return st;
}

enum assay_status dup_index_probe(const char *path, const struct dup_params *params,
                                  const struct assay_host *host, struct assay_error *err)
{
    struct dup_index *x;
    const enum assay_status st = open_head(path, params, host, &x, err);
    dup_index_close(x);
    return st;
}

void dup_index_close(struct dup_index *x)
{
    if (x != NULL) {
        if (x->map != NULL) {
            /* mapped read-only; munmap(2) takes it without const */
            (void)munmap((void *)(uintptr_t)x->map, x->size);
        }
        free(x->files);
        free(x);
    }
}

const uint64_t *dup_index_params(const struct dup_index *x, unsigned *ret_n)
{
    *ret_n = (unsigned)x->head->n_params;
    return x->head->params;
}

const struct dup_index_delivery *dup_index_deliveries(const struct dup_index *x, size_t *ret_n)
{
    return (const struct dup_index_delivery *)(const void *)dup_index_words(x, DUP_INDEX_DELIVERIES,
                                                                            ret_n);
}

size_t dup_index_delivery_of(const struct dup_index *x, uint32_t file)
{
    size_t low = 0, high;
    const struct dup_index_delivery *d = dup_index_deliveries(x, &high);
    while (high - low > 1) { /* the last that begins at or before it */
        const size_t mid = low + (high - low) / 2;
        if (d[mid].first_file <= file) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return low;
}

const char *dup_index_file(const struct dup_index *x, uint32_t file)
{
    return file < x->head->files ? x->files[file] : "";
}

/* ---- finding ------------------------------------------------------------------------------- */

/* Narrows low..high, of which one is the first item of at least `key`, by guessing: keys are
 * hashes, so the place follows from the value. */
static void narrow(const uint64_t *items, unsigned words, uint64_t key, size_t *low, size_t *high)
{
    for (int guesses = 8; *high - *low > 32 && guesses > 0; guesses--) {
        const uint64_t first = items[*low * words], last = items[(*high - 1) * words];
        if (key <= first || key > last) {
            *low = *high = key <= first ? *low : *high;
            return;
        }
        const double share = (double)(key - first) / ((double)(last - first) + 1);
        const size_t mid = *low + (size_t)((double)(*high - 1 - *low) * share);
        if (items[mid * words] < key) {
            *low = mid + 1;
        } else {
            *high = mid;
        }
    }
}

size_t dup_index_from(const struct dup_index *x, enum dup_index_section s, uint64_t key)
{
    const unsigned words = section_words[s];
    size_t low = 0, high;
    const uint64_t *items = dup_index_words(x, s, &high);
    narrow(items, words, key, &low, &high);
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (items[mid * words] < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

int dup_index_set(const struct dup_index *x, uint64_t id, const uint64_t **ret, size_t *ret_n)
{
    size_t n_sets, n_hashes;
    const uint64_t *sets = dup_index_words(x, DUP_INDEX_SETS, &n_sets);
    const uint64_t *hashes = dup_index_words(x, DUP_INDEX_HASHES, &n_hashes);
    const size_t at = dup_index_from(x, DUP_INDEX_SETS, id);
    if (at == n_sets || sets[at * DUP_SET_WORDS] != id) {
        return 0;
    }
    *ret = hashes + sets[at * DUP_SET_WORDS + 1];
    *ret_n = (size_t)sets[at * DUP_SET_WORDS + 2];
    return 1;
}

int dup_index_set_order(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b)
{
    if (n_a != n_b) {
        return n_a < n_b ? -1 : 1;
    }
    for (size_t i = 0; i < n_a; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

uint64_t dup_index_place(const struct dup_index *x, uint64_t id)
{
    size_t n;
    const uint64_t *entries = dup_index_words(x, DUP_INDEX_ENTRIES, &n);
    uint64_t place = UINT64_MAX;
    for (size_t i = dup_index_from(x, DUP_INDEX_ENTRIES, id);
         i < n && entries[i * DUP_ENTRY_WORDS] == id; i++) {
        const uint64_t here = entries[i * DUP_ENTRY_WORDS + 3];
        place = here < place ? here : place;
    }
    return place;
}
