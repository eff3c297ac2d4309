/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index.c: opening, checking and searching; see the header.
 */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sketch.h"

#define ENTRY_WORDS 4u
#define BAND_WORDS  2u
#define SET_WORDS   3u
#define IDS_MAX     1024u /* of texts compared for one record: those are not compared again */

struct dup_index {
    const char *map;
    size_t size;
    const struct dup_index_head *head;
    const char **files;
};

static const unsigned section_words[DUP_INDEX_SECTIONS] = {
    [DUP_INDEX_ENTRIES] = ENTRY_WORDS,
    [DUP_INDEX_BANDS] = BAND_WORDS,
    [DUP_INDEX_SETS] = SET_WORDS,
    [DUP_INDEX_HASHES] = 1,
    [DUP_INDEX_FILES] = 0,
    [DUP_INDEX_CHECKS] = 1,
};

/* The words of a section, and how many items it has. */
static const uint64_t *words_of(const struct dup_index *x, enum dup_index_section s, size_t *ret_n)
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
    if (check_of(host, h, offsetof(struct dup_index_head, check)) != h->check) {
        return corrupt(path, "its head does not match its checksum", err);
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
    for (unsigned i = 0; i < p->n; i++) {
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
    const uint64_t *checks = words_of(x, DUP_INDEX_CHECKS, &n);
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

/* What sets point at must be there; entries point at files. */
static int points_inside(const struct dup_index *x)
{
    size_t n_sets, n_hashes, n_entries;
    const uint64_t *sets = words_of(x, DUP_INDEX_SETS, &n_sets);
    const uint64_t *entries = words_of(x, DUP_INDEX_ENTRIES, &n_entries);
    (void)words_of(x, DUP_INDEX_HASHES, &n_hashes);
    for (size_t i = 0; i < n_sets; i++) {
        const uint64_t first = sets[i * SET_WORDS + 1], count = sets[i * SET_WORDS + 2];
        if (first > n_hashes || count > n_hashes - first) {
            return 0;
        }
    }
    for (size_t i = 0; i < n_entries; i++) {
        if (dup_place_file(entries[i * ENTRY_WORDS + 3]) >= x->head->files) {
            return 0;
        }
    }
    return 1;
}

static enum assay_status read_files(struct dup_index *x, const char *path, struct assay_error *err)
{
    const struct dup_index_span *span = &x->head->sections[DUP_INDEX_FILES];
    const char *p = x->map + span->at, *end = p + span->bytes;
    if (x->head->files > span->bytes || !points_inside(x)) {
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

enum assay_status dup_index_open(const char *path, const struct dup_params *params,
                                 const struct assay_host *host, struct dup_index **ret,
                                 struct assay_error *err)
{
    struct dup_index *x = calloc(1, sizeof *x);
    *ret = NULL;
    if (x == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the index %.200s", path);
    }
    enum assay_status st = map_file(x, path, err);
    st = st == ASSAY_OK ? check_head(x, host, path, err) : st;
    st = st == ASSAY_OK ? check_params(x, params, path, err) : st;
    st = st == ASSAY_OK ? check_blocks(x, host, path, err) : st;
    st = st == ASSAY_OK ? read_files(x, path, err) : st;
    if (st != ASSAY_OK) {
        dup_index_close(x);
        return st;
    }
    *ret = x;
    return ASSAY_OK;
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

const char *dup_index_name(const struct dup_index *x)
{
    return x->head->name;
}

const char *dup_index_file(const struct dup_index *x, uint32_t file)
{
    return file < x->head->files ? x->files[file] : "";
}

/* ---- searching ----------------------------------------------------------------------------- */

/* The first of `n` items of `words` words whose first word is at least `key`. Keys are hashes, so
 * the place can be guessed from the value: a few guesses, then halving. */
static size_t lower_bound(const uint64_t *items, size_t n, unsigned words, uint64_t key)
{
    size_t low = 0, high = n; /* it is one of low..high */
    for (int guesses = 8; high - low > 32 && guesses > 0; guesses--) {
        const uint64_t first = items[low * words], last = items[(high - 1) * words];
        if (key <= first || key > last) {
            return key <= first ? low : high;
        }
        const double share = (double)(key - first) / ((double)(last - first) + 1);
        const size_t mid = low + (size_t)((double)(high - 1 - low) * share);
        if (items[mid * words] < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
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

void dup_index_find(const struct dup_index *x, const struct dup_entry *e, struct dup_partner *ret)
{
    size_t n;
    const uint64_t *entries = words_of(x, DUP_INDEX_ENTRIES, &n);
    memset(ret, 0, sizeof *ret);
    for (size_t i = lower_bound(entries, n, ENTRY_WORDS, e->key[0]);
         i < n && entries[i * ENTRY_WORDS] == e->key[0]; i++) {
        const uint64_t *item = entries + i * ENTRY_WORDS;
        if (item[1] != e->key[1]) {
            continue;
        }
        const enum dup_likeness is = item[2] == e->variant ? DUP_SAME_BYTES : DUP_SAME_FORM;
        if (is > ret->likeness || (is == ret->likeness && item[3] < ret->place)) {
            *ret = (struct dup_partner){is, item[3], 1000, 0};
        }
    }
}

/* The first place of the text `id`. */
static uint64_t place_of(const struct dup_index *x, uint64_t id)
{
    size_t n;
    const uint64_t *entries = words_of(x, DUP_INDEX_ENTRIES, &n);
    uint64_t place = UINT64_MAX;
    for (size_t i = lower_bound(entries, n, ENTRY_WORDS, id);
         i < n && entries[i * ENTRY_WORDS] == id; i++) {
        place = entries[i * ENTRY_WORDS + 3] < place ? entries[i * ENTRY_WORDS + 3] : place;
    }
    return place;
}

struct near_search {
    const struct dup_index *x;
    const uint64_t *set;
    size_t n;
    unsigned threshold;
    uint64_t ids[IDS_MAX]; /* compared already */
    size_t n_ids;
    struct dup_partner *best;
};

static int was_compared(struct near_search *s, uint64_t id)
{
    for (size_t i = 0; i < s->n_ids; i++) {
        if (s->ids[i] == id) {
            return 1;
        }
    }
    if (s->n_ids < IDS_MAX) {
        s->ids[s->n_ids++] = id;
    }
    return 0;
}

static void compare(struct near_search *s, uint64_t id)
{
    size_t n_sets, n_hashes;
    const uint64_t *sets = words_of(s->x, DUP_INDEX_SETS, &n_sets);
    const uint64_t *hashes = words_of(s->x, DUP_INDEX_HASHES, &n_hashes);
    if (was_compared(s, id)) {
        return;
    }
    const size_t at = lower_bound(sets, n_sets, SET_WORDS, id);
    if (at == n_sets || sets[at * SET_WORDS] != id) {
        return;
    }
    const uint64_t *other = hashes + sets[at * SET_WORDS + 1];
    const size_t n_other = (size_t)sets[at * SET_WORDS + 2];
    const size_t shared = dup_shared(s->set, s->n, other, n_other, 0);
    const size_t all = s->n + n_other - shared;
    const unsigned similarity = all == 0 ? 0 : (unsigned)(shared * 1000 / all);
    if (all == 0 || shared * 1000 < (size_t)s->threshold * all ||
        similarity < s->best->similarity) {
        return;
    }
    const uint64_t place = place_of(s->x, id);
    if (similarity > s->best->similarity || place < s->best->place) {
        s->best->likeness = DUP_NEAR;
        s->best->similarity = similarity;
        s->best->place = place;
    }
}

void dup_index_find_near(const struct dup_index *x, const uint64_t *band_keys, unsigned n_bands,
                         const uint64_t *set, size_t n, unsigned threshold, struct dup_partner *ret)
{
    size_t n_items;
    const uint64_t *items = words_of(x, DUP_INDEX_BANDS, &n_items);
    struct near_search s; /* its ids need no zeroes */
    s.x = x;
    s.set = set;
    s.n = n;
    s.threshold = threshold;
    s.n_ids = 0;
    s.best = ret;
    memset(ret, 0, sizeof *ret);
    for (unsigned b = 0; b < n_bands; b++) {
        const size_t first = lower_bound(items, n_items, BAND_WORDS, band_keys[b]);
        for (size_t i = first; i < n_items && items[i * BAND_WORDS] == band_keys[b]; i++) {
            if (i - first == DUP_INDEX_BUCKET) {
                ret->capped = 1;
                break;
            }
            compare(&s, items[i * BAND_WORDS + 1]);
        }
    }
}
