/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index.c: opening and checking a run, and finding items in it; see the header.
 */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBER_MOST 1000000u /* of the parameters, those above are digests */

#define LARGE       ((size_t)1 << 30) /* a run of that size is read where it is touched only */
#define ASK_EVERY   4096u             /* blocks between two questions whether to stop */
#define GUESSES_MAX 12u               /* of a search, before it halves what is left */
#define FEW         32u               /* items that are halved at once */

/* What is known of the blocks. */
struct trust {
    _Atomic uint64_t damaged; /* the first such block met, see met_damage; 0: none */
    _Atomic uint64_t sound[]; /* a bit each: it matches its checksum */
};

struct dup_index {
    const struct assay_host *host;
    const char *map;
    size_t size;
    const struct dup_index_head *head;
    const char **files;
    struct trust *trust;
    char *path;
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

static const struct dup_index_span *span_of(const struct dup_index *x, enum dup_index_section s)
{
    return &x->head->sections[s];
}

/* The words of a section, whether checked or not. */
static const uint64_t *words_of(const struct dup_index *x, enum dup_index_section s)
{
    return (const uint64_t *)(const void *)(x->map + span_of(x, s)->at);
}

size_t dup_index_count(const struct dup_index *x, enum dup_index_section s)
{
    return span_of(x, s)->bytes / (8 * section_words[s]);
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
    if ((size_t)st.st_size >= LARGE) {
        (void)madvise(map, (size_t)st.st_size, MADV_RANDOM); /* blocks are asked for one by one */
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

/* Both values are named where they are numbers that somebody chose, and not digests. */
static enum assay_status refuse_param(const struct dup_index *x, const struct dup_params *p,
                                      unsigned i, const char *path, struct assay_error *err)
{
    char values[64] = "";
    if (x->head->n_params == p->n && x->head->params[i] <= NUMBER_MOST &&
        p->values[i] <= NUMBER_MOST) {
        (void)snprintf(values, sizeof values, " (%u, and now %u)", (unsigned)x->head->params[i],
                       (unsigned)p->values[i]);
    }
    return assay_fail(err, ASSAY_CONFIG,
                      "%.200s was made with another %s%s: use the same, or make it again", path,
                      p->names[i], values);
}

static enum assay_status check_params(const struct dup_index *x, const struct dup_params *p,
                                      const char *path, struct assay_error *err)
{
    for (unsigned i = 0; p != NULL && i < p->n; i++) {
        if (x->head->n_params != p->n || x->head->params[i] != p->values[i]) {
            return refuse_param(x, p, i, path, err);
        }
    }
    return ASSAY_OK;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static size_t sections_end(const struct dup_index *x)
{
    return span_of(x, DUP_INDEX_CHECKS)->at;
}

static size_t block_count(const struct dup_index *x)
{
    return (sections_end(x) - DUP_INDEX_HEAD + DUP_INDEX_BLOCK - 1) / DUP_INDEX_BLOCK;
}

enum damage { MISMATCH, POINTS_OUTSIDE, DAMAGES };

/* The least block is kept, so that what is said depends on what was asked, not on who came first. */
static void met_damage(const struct dup_index *x, size_t block, enum damage how)
{
    const uint64_t now = (block + 1) * DAMAGES + how;
    uint64_t was = atomic_load_explicit(&x->trust->damaged, memory_order_relaxed);
    while ((was == 0 || was > now) &&
           !atomic_compare_exchange_weak(&x->trust->damaged, &was, now)) {
    }
}

static int check_block(const struct dup_index *x, size_t block)
{
    const size_t at = DUP_INDEX_HEAD + block * DUP_INDEX_BLOCK, left = sections_end(x) - at;
    const size_t len = left < DUP_INDEX_BLOCK ? left : DUP_INDEX_BLOCK;
    if (x->size >= LARGE) { /* all pages of it at once */
        (void)madvise((void *)(uintptr_t)(x->map + at), len, MADV_WILLNEED);
    }
    if (check_of(x->host, x->map + at, len) != words_of(x, DUP_INDEX_CHECKS)[block]) {
        met_damage(x, block, MISMATCH);
        return 0;
    }
    (void)atomic_fetch_or_explicit(&x->trust->sound[block / 64], UINT64_C(1) << block % 64,
                                   memory_order_relaxed);
    return 1;
}

/* Whether bytes of the file, within the sections, match their checksums. */
static int is_sound(const struct dup_index *x, uint64_t at, uint64_t bytes)
{
    const size_t last = (size_t)(at + bytes - 1 - DUP_INDEX_HEAD) / DUP_INDEX_BLOCK;
    for (size_t b = (size_t)(at - DUP_INDEX_HEAD) / DUP_INDEX_BLOCK; bytes > 0 && b <= last; b++) {
        const uint64_t sound = atomic_load_explicit(&x->trust->sound[b / 64], memory_order_relaxed);
        if ((sound >> b % 64 & 1) == 0 && !check_block(x, b)) {
            return 0;
        }
    }
    return 1;
}

static enum assay_status trust_nothing(struct dup_index *x, const char *path,
                                       struct assay_error *err)
{
    const size_t n = block_count(x);
    if (dup_index_count(x, DUP_INDEX_CHECKS) != n) {
        return corrupt(path, "checksums are missing", err);
    }
    x->trust = calloc(1, sizeof *x->trust + (n / 64 + 1) * sizeof x->trust->sound[0]);
    x->path = strdup(path);
    return x->trust == NULL || x->path == NULL
               ? assay_fail(err, ASSAY_NOMEM, "no memory for the index %.200s", path)
               : ASSAY_OK;
}

enum assay_status dup_index_damage(const struct dup_index *x, struct assay_error *err)
{
    static const char *const hows[DAMAGES] = {"does not match its checksum",
                                              "points outside the index"};
    const uint64_t damaged = atomic_load(&x->trust->damaged);
    char how[80];
    if (damaged == 0) {
        return ASSAY_OK;
    }
    (void)snprintf(how, sizeof how, "block %llu %s", (unsigned long long)(damaged / DAMAGES - 1),
                   hows[damaged % DAMAGES]);
    return corrupt(x->path, how, err);
}

/* ---- deliveries and their files ------------------------------------------------------------ */

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

static enum assay_status read_files(struct dup_index *x, const char *path, struct assay_error *err)
{
    const struct dup_index_span *span = span_of(x, DUP_INDEX_FILES);
    const struct dup_index_span *named = span_of(x, DUP_INDEX_DELIVERIES);
    const char *p = x->map + span->at, *end = p + span->bytes;
    if (!is_sound(x, named->at, named->bytes) || !is_sound(x, span->at, span->bytes)) {
        return dup_index_damage(x, err);
    }
    if (x->head->files > span->bytes || !deliveries_fit(x)) {
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
    x->host = host;
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
    st = st == ASSAY_OK ? trust_nothing(x, path, err) : st;
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
        free(x->trust);
        free(x->path);
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
    *ret_n = dup_index_count(x, DUP_INDEX_DELIVERIES);
    return (const struct dup_index_delivery *)(const void *)words_of(x, DUP_INDEX_DELIVERIES);
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

/* ---- items --------------------------------------------------------------------------------- */

/* Sets point at hashes, entries at files. */
static int points_inside(const struct dup_index *x, enum dup_index_section s, const uint64_t *item)
{
    if (s == DUP_INDEX_SETS) {
        const uint64_t n = dup_index_count(x, DUP_INDEX_HASHES);
        return item[1] <= n && item[2] <= n - item[1];
    }
    return s != DUP_INDEX_ENTRIES || dup_place_file(item[3]) < x->head->files;
}

const uint64_t *dup_index_item(const struct dup_index *x, enum dup_index_section s, size_t i)
{
    const unsigned bytes = 8 * section_words[s];
    const uint64_t at = span_of(x, s)->at + (uint64_t)i * bytes;
    if (!is_sound(x, at, bytes)) {
        return NULL;
    }
    const uint64_t *item = words_of(x, s) + i * section_words[s];
    if (!points_inside(x, s, item)) {
        met_damage(x, (size_t)(at - DUP_INDEX_HEAD) / DUP_INDEX_BLOCK, POINTS_OUTSIDE);
        return NULL;
    }
    return item;
}

const uint64_t *dup_index_hashes(const struct dup_index *x, uint64_t first, uint64_t n)
{
    return is_sound(x, span_of(x, DUP_INDEX_HASHES)->at + 8 * first, 8 * n)
               ? words_of(x, DUP_INDEX_HASHES) + first
               : NULL;
}

/* ---- finding ------------------------------------------------------------------------------- */

/* The item looked for is one of low..high, or high; items before low are less than the key, and
 * `below` is the last of them, `above` the first of the others, as far as they were seen. */
struct search {
    size_t low, high, next; /* next: where to look */
    uint64_t below, above;
    size_t reach; /* how far from the last guess it is likely to be */
    int is_less;  /* the last guess was */
};

static size_t root(size_t n)
{
    size_t r = 1;
    while (r < n / r) {
        r *= 2;
    }
    return r;
}

/* Where to look next. Keys are hashes, so the place follows from the value, give or take the root of
 * how many there are: every second look is as much beyond the last, which leaves the item between
 * two close by. So few blocks are touched, however many there are. */
static size_t guess(struct search *s, uint64_t key, unsigned looks)
{
    const size_t n = s->high - s->low;
    if (n <= FEW || looks >= GUESSES_MAX) {
        return s->low + n / 2;
    }
    if (looks % 2 == 1 && s->reach < n) {
        return s->is_less ? s->low + s->reach : s->high - 1 - s->reach;
    }
    const double share = (double)(key - s->below) / ((double)(s->above - s->below) + 1);
    const size_t at = (size_t)((double)n * share);
    s->reach = root(n);
    return s->low + (at < n ? at : n - 1);
}

static void narrow(struct search *s, uint64_t key, uint64_t here)
{
    s->is_less = here < key;
    if (s->is_less) {
        s->low = s->next + 1;
        s->below = here;
    } else {
        s->high = s->next;
        s->above = here;
    }
}

/* Makes up where to look next, and has it fetched; 0: it is found. */
static int look_ahead(struct search *s, uint64_t key, unsigned looks, const uint64_t *items,
                      unsigned words)
{
    if (s->low == s->high) {
        return 0;
    }
    s->next = guess(s, key, looks);
    __builtin_prefetch(items + s->next * words);
    return 1;
}

enum assay_status dup_index_from_each(const struct dup_index *x, enum dup_index_section s,
                                      const uint64_t *keys, unsigned n, size_t *ret)
{
    struct search f[DUP_INDEX_AT_ONCE];
    const unsigned words = section_words[s];
    const uint64_t *items = words_of(x, s);
    unsigned open = 0;
    for (unsigned i = 0; i < n; i++) {
        f[i] = (struct search){.high = dup_index_count(x, s), .above = UINT64_MAX};
        open += look_ahead(&f[i], keys[i], 0, items, words) != 0;
    }
    for (unsigned looks = 1; open > 0; looks++) {
        open = 0;
        for (unsigned i = 0; i < n; i++) {
            if (f[i].low == f[i].high) {
                continue;
            }
            if (!is_sound(x, span_of(x, s)->at + (uint64_t)f[i].next * words * 8, 8)) {
                return ASSAY_CORRUPT;
            }
            narrow(&f[i], keys[i], items[f[i].next * words]);
            open += look_ahead(&f[i], keys[i], looks, items, words) != 0;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        ret[i] = f[i].low;
    }
    return ASSAY_OK;
}

enum assay_status dup_index_from(const struct dup_index *x, enum dup_index_section s, uint64_t key,
                                 size_t *ret)
{
    return dup_index_from_each(x, s, &key, 1, ret);
}

enum assay_status dup_index_set(const struct dup_index *x, uint64_t id, const uint64_t **ret,
                                size_t *ret_n)
{
    size_t at;
    *ret = NULL;
    *ret_n = 0;
    if (dup_index_from(x, DUP_INDEX_SETS, id, &at) != ASSAY_OK) {
        return ASSAY_CORRUPT;
    }
    if (at == dup_index_count(x, DUP_INDEX_SETS)) {
        return ASSAY_OK;
    }
    const uint64_t *item = dup_index_item(x, DUP_INDEX_SETS, at);
    if (item == NULL || item[0] != id) {
        return item == NULL ? ASSAY_CORRUPT : ASSAY_OK;
    }
    *ret = dup_index_hashes(x, item[1], item[2]);
    *ret_n = (size_t)item[2];
    return *ret == NULL ? ASSAY_CORRUPT : ASSAY_OK;
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

enum assay_status dup_index_place(const struct dup_index *x, uint64_t id, uint64_t *ret)
{
    const size_t n = dup_index_count(x, DUP_INDEX_ENTRIES);
    size_t i;
    *ret = UINT64_MAX;
    enum assay_status st = dup_index_from(x, DUP_INDEX_ENTRIES, id, &i);
    for (; st == ASSAY_OK && i < n; i++) {
        const uint64_t *entry = dup_index_item(x, DUP_INDEX_ENTRIES, i);
        if (entry == NULL || entry[0] != id) {
            return entry == NULL ? ASSAY_CORRUPT : ASSAY_OK;
        }
        *ret = entry[3] < *ret ? entry[3] : *ret;
    }
    return st;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int items_are_sound(const struct dup_index *x, enum dup_index_section s)
{
    const size_t n = dup_index_count(x, s);
    for (size_t i = 0; i < n; i++) {
        if (dup_index_item(x, s, i) == NULL) {
            return 0;
        }
    }
    return 1;
}

enum assay_status dup_index_verify(const struct dup_index *x, struct assay_error *err)
{
    const size_t n = block_count(x);
    for (size_t b = 0; b < n; b++) {
        if (!check_block(x, b)) {
            return dup_index_damage(x, err);
        }
        if (b % ASK_EVERY == 0 && x->host->cancelled(x->host->ctx)) {
            return assay_fail(err, ASSAY_CANCELLED, "cancelled");
        }
    }
    return items_are_sound(x, DUP_INDEX_SETS) && items_are_sound(x, DUP_INDEX_ENTRIES)
               ? ASSAY_OK
               : dup_index_damage(x, err);
}
