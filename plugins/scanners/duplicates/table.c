/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/table.c: see the header.
 *
 * Sorting is a radix sort from the most significant byte that swaps in place (American flag sort:
 * McIlroy, Bostic, McIlroy, "Engineering Radix Sort", 1993), since keys are uniform hashes and a
 * second array would cost the memory that the bound is about; small buckets are sorted by
 * insertion. The merge is a binary heap of cursors, each with a block of its run. The blocks take the
 * place of the array, which goes to the file, too, if any run is there; where even the smallest
 * blocks would not fit, so many runs are made into one first that they do.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define FEW         48   /* sorted by insertion */
#define BLOCK       2048 /* entries a cursor holds, at most: 64 KiB */
#define LEAST_BLOCK 64   /* and at least */
#define MERGE_LEAST 4096 /* entries that a merge may hold, however small the bound is */

/* ---- sorting -----------------------------------------------------------------------------------
 *
 * Written once for any number of words, and compiled for the two there are.
 */

#define INLINE static inline __attribute__((always_inline))

/* More than any entry has. */
struct whole {
    uint64_t words[DUP_ENTRY_WORDS];
};

INLINE int less(const uint64_t *a, const uint64_t *b, unsigned words)
{
    for (unsigned i = 0; i + 1 < words; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i];
        }
    }
    return a[words - 1] < b[words - 1];
}

INLINE void copy(uint64_t *to, const uint64_t *from, unsigned words)
{
    for (unsigned i = 0; i < words; i++) {
        to[i] = from[i];
    }
}

INLINE void insertion_sort(uint64_t *e, size_t n, unsigned words)
{
    for (size_t i = 1; i < n; i++) {
        struct whole x;
        size_t j = i;
        copy(x.words, e + i * words, words);
        for (; j > 0 && less(x.words, e + (j - 1) * words, words); j--) {
            copy(e + j * words, e + (j - 1) * words, words);
        }
        copy(e + j * words, x.words, words);
    }
}

/* Byte `depth` of an entry, most significant first. */
INLINE unsigned byte_at(const uint64_t *e, unsigned depth)
{
    return (unsigned)(e[depth / 8] >> (56 - 8 * (depth % 8))) & 255;
}

/* Moves every entry into its bucket, by cycles. */
INLINE void permute(uint64_t *e, unsigned depth, size_t next[256], const size_t end[256],
                    unsigned words)
{
    for (unsigned b = 0; b < 256; b++) {
        while (next[b] < end[b]) {
            struct whole x, y;
            copy(x.words, e + next[b] * words, words);
            for (unsigned to; (to = byte_at(x.words, depth)) != b;) {
                uint64_t *there = e + next[to]++ * words;
                copy(y.words, there, words);
                copy(there, x.words, words);
                copy(x.words, y.words, words);
            }
            copy(e + next[b]++ * words, x.words, words);
        }
    }
}

typedef void sorter(uint64_t *e, size_t n, unsigned depth);

INLINE void radix_sort(uint64_t *e, size_t n, unsigned depth, unsigned words, sorter *deeper)
{
    size_t next[256] = {0}, end[256];
    if (n <= FEW || depth == 8 * words) {
        insertion_sort(e, n, words);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        next[byte_at(e + i * words, depth)]++;
    }
    size_t at = 0;
    for (unsigned b = 0; b < 256; b++) {
        size_t count = next[b];
        next[b] = at;
        at += count;
        end[b] = at;
    }
    permute(e, depth, next, end, words);
    for (unsigned b = 0; b < 256; b++) {
        size_t from = b == 0 ? 0 : end[b - 1];
        if (end[b] - from > 1) {
            deeper(e + from * words, end[b] - from, depth + 1);
        }
    }
}

static void sort_entries(uint64_t *e, size_t n, unsigned depth)
{
    radix_sort(e, n, depth, DUP_ENTRY_WORDS, sort_entries);
}

static void sort_pairs(uint64_t *e, size_t n, unsigned depth)
{
    radix_sort(e, n, depth, DUP_PAIR_WORDS, sort_pairs);
}

void dup_sort(uint64_t *e, size_t n, unsigned words)
{
    (words == DUP_PAIR_WORDS ? sort_pairs : sort_entries)(e, n, 0);
}

static unsigned words_of(const struct dup_table *t)
{
    return t->pairs ? DUP_PAIR_WORDS : DUP_ENTRY_WORDS;
}

static size_t bytes_of(const struct dup_table *t)
{
    return words_of(t) * sizeof(uint64_t);
}

/* ---- runs --------------------------------------------------------------------------------------
 */

static enum assay_status room_for_runs(struct dup_table *t, size_t more)
{
    if (t->n_runs + more <= t->cap_runs) {
        return ASSAY_OK;
    }
    size_t cap = 2 * t->cap_runs + more + 8;
    void *p = realloc(t->runs, cap * sizeof t->runs[0]);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    t->runs = p;
    t->cap_runs = cap;
    return ASSAY_OK;
}

/* Takes over `n` descriptors. */
static enum assay_status add_fds(struct dup_table *t, const int *fds, size_t n)
{
    int *p = n == 0 ? t->fds : realloc(t->fds, (t->n_fds + n) * sizeof *p);
    if (p == NULL && n > 0) {
        return ASSAY_NOMEM;
    }
    t->fds = p;
    for (size_t i = 0; i < n; i++) {
        t->fds[t->n_fds++] = fds[i];
    }
    return ASSAY_OK;
}

static enum assay_status open_file(struct dup_table *t)
{
    if (t->n_fds > 0) {
        return ASSAY_OK;
    }
    int fd = t->host->spill(t->host->ctx);
    if (fd < 0) {
        return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
    }
    if (add_fds(t, &fd, 1) != ASSAY_OK) {
        (void)close(fd);
        return ASSAY_NOMEM;
    }
    t->written = 0;
    return ASSAY_OK;
}

enum assay_status dup_write_at(int fd, const void *data, size_t len, uint64_t at)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
        }
        p += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return ASSAY_OK;
}

enum assay_status dup_read_at(int fd, void *data, size_t len, uint64_t at)
{
    char *p = data;
    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ASSAY_IO;
        }
        p += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return ASSAY_OK;
}

/* Writes the array out as a run. */
static enum assay_status spill(struct dup_table *t)
{
    enum assay_status st = room_for_runs(t, 1);
    if (st == ASSAY_OK) {
        st = open_file(t);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    int fd = t->fds[t->n_fds - 1];
    size_t bytes = t->n * bytes_of(t);
    dup_sort(t->buf, t->n, words_of(t));
    st = dup_write_at(fd, t->buf, bytes, t->written);
    if (st == ASSAY_OK) {
        t->runs[t->n_runs++] = (struct dup_run){NULL, fd, t->written, t->n};
        t->written += bytes;
        t->n = 0;
    }
    return st;
}

/* Turns the array into a run in memory. */
static enum assay_status freeze(struct dup_table *t)
{
    if (t->n == 0) {
        return ASSAY_OK;
    }
    enum assay_status st = room_for_runs(t, 1);
    if (st != ASSAY_OK) {
        return st;
    }
    dup_sort(t->buf, t->n, words_of(t));
    t->runs[t->n_runs++] = (struct dup_run){t->buf, -1, 0, t->n};
    t->buf = NULL;
    t->n = t->cap = 0;
    return ASSAY_OK;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

void dup_table_release(struct dup_table *t)
{
    for (size_t i = 0; i < t->n_runs; i++) {
        free(t->runs[i].entries);
    }
    for (size_t i = 0; i < t->n_fds; i++) {
        (void)close(t->fds[i]);
    }
    free(t->fds);
    free(t->runs);
    free(t->buf);
    *t = (struct dup_table){.pairs = t->pairs};
}

static enum assay_status make_room(struct dup_table *t, const struct assay_host *host, size_t max)
{
    max = max < 64 ? 64 : max;
    t->host = host;
    t->max = max;
    if (t->n >= max) {
        return spill(t);
    }
    size_t cap = t->cap == 0 ? 1024 : 2 * t->cap;
    cap = cap < max ? cap : max;
    void *p = realloc(t->buf, cap * bytes_of(t));
    if (p == NULL) {
        return t->n > 0 ? spill(t) : ASSAY_NOMEM;
    }
    t->buf = p;
    t->cap = cap;
    return ASSAY_OK;
}

enum assay_status dup_table_add(struct dup_table *t, const struct assay_host *host, size_t max,
                                const uint64_t *e)
{
    if (t->n == t->cap) {
        enum assay_status st = make_room(t, host, max);
        if (st != ASSAY_OK) {
            return st;
        }
    }
    memcpy(t->buf + t->n++ * words_of(t), e, bytes_of(t));
    t->total++;
    return ASSAY_OK;
}

enum assay_status dup_table_join(struct dup_table *into, struct dup_table *from)
{
    enum assay_status st = freeze(from);
    if (st == ASSAY_OK) {
        st = room_for_runs(into, from->n_runs);
    }
    if (st == ASSAY_OK) {
        st = add_fds(into, from->fds, from->n_fds);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    for (size_t i = 0; i < from->n_runs; i++) {
        into->runs[into->n_runs++] = from->runs[i];
    }
    into->total += from->total;
    if (from->n_fds > 0) { /* its last file is the last one now */
        into->written = from->written;
    }
    into->host = into->host == NULL ? from->host : into->host;
    into->max = into->max < from->max ? from->max : into->max;
    from->n_runs = from->n_fds = 0;
    dup_table_release(from);
    return ASSAY_OK;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

/* A place in a run. */
struct cursor {
    struct dup_run run;
    uint64_t *block; /* NULL: the run is in memory */
    size_t block_cap;
    unsigned words;
    const uint64_t *here;
    size_t left;   /* entries at `here` */
    uint64_t next; /* entries of the run handed to `here` so far */
};

/* Makes `here` valid; ASSAY_END when the run is done. */
static enum assay_status refill(struct cursor *c)
{
    const size_t bytes = c->words * sizeof(uint64_t);
    if (c->left > 0) {
        return ASSAY_OK;
    }
    uint64_t left = c->run.count - c->next;
    if (left == 0) {
        return ASSAY_END;
    }
    if (c->block == NULL) {
        c->here = c->run.entries;
        c->left = (size_t)left;
        c->next += left;
        return ASSAY_OK;
    }
    size_t n = left < c->block_cap ? (size_t)left : c->block_cap;
    enum assay_status st = dup_read_at(c->run.fd, c->block, n * bytes, c->run.at + c->next * bytes);
    c->here = c->block;
    c->left = n;
    c->next += n;
    return st;
}

static inline void step(struct cursor *c)
{
    c->here += c->words;
    c->left--;
}

static enum assay_status cursor_open(struct cursor *c, const struct dup_table *t,
                                     const struct dup_run *run, size_t block_cap)
{
    *c = (struct cursor){.run = *run, .block_cap = block_cap, .words = words_of(t)};
    if (run->entries == NULL) {
        c->block = malloc(block_cap * bytes_of(t));
        if (c->block == NULL) {
            return ASSAY_NOMEM;
        }
    }
    return ASSAY_OK;
}

static enum assay_status walk_run(const struct dup_table *t, const struct dup_run *run,
                                  dup_each *each, void *ctx)
{
    struct cursor c;
    enum assay_status st = cursor_open(&c, t, run, BLOCK);
    while (st == ASSAY_OK && (st = refill(&c)) == ASSAY_OK) {
        st = each(ctx, c.here);
        step(&c);
    }
    free(c.block);
    return st == ASSAY_END ? ASSAY_OK : st;
}

enum assay_status dup_table_walk(const struct dup_table *t, dup_each *each, void *ctx)
{
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < t->n_runs && st == ASSAY_OK; i++) {
        st = walk_run(t, &t->runs[i], each, ctx);
    }
    for (size_t i = 0; i < t->n && st == ASSAY_OK; i++) {
        st = each(ctx, t->buf + i * words_of(t));
    }
    return st;
}

/* ---- merging -----------------------------------------------------------------------------------
 */

struct dup_merge {
    struct cursor *cursors;
    struct cursor **heap; /* binary, by `here` */
    size_t n;             /* in the heap */
    size_t opened;
    int started;
};

static inline int before(const struct cursor *a, const struct cursor *b)
{
    return less(a->here, b->here, a->words);
}

static void sift_down(struct dup_merge *m, size_t i)
{
    struct cursor *x = m->heap[i];
    for (size_t child; (child = 2 * i + 1) < m->n; i = child) {
        if (child + 1 < m->n && before(m->heap[child + 1], m->heap[child])) {
            child++;
        }
        if (!before(m->heap[child], x)) {
            break;
        }
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = x;
}

void dup_merge_close(struct dup_merge *m)
{
    if (m != NULL) {
        for (size_t i = 0; i < m->opened; i++) {
            free(m->cursors[i].block);
        }
        free(m->heap);
        free(m->cursors);
        free(m);
    }
}

/* Cursors on `n` of a table's runs, with blocks of `block` entries for those in files. */
static enum assay_status open_cursors(struct dup_merge *m, const struct dup_table *t,
                                      const struct dup_run *runs, size_t n, size_t block)
{
    enum assay_status st = ASSAY_OK;
    m->cursors = malloc((n + 1) * sizeof m->cursors[0]);
    m->heap = malloc((n + 1) * sizeof m->heap[0]);
    if (m->cursors == NULL || m->heap == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < n && st == ASSAY_OK; i++) {
        st = cursor_open(&m->cursors[i], t, &runs[i], block);
        m->opened += st == ASSAY_OK;
        st = st == ASSAY_OK ? refill(&m->cursors[i]) : st; /* runs are never empty */
        m->heap[m->n++] = &m->cursors[i];
    }
    for (size_t i = m->n / 2; i-- > 0 && st == ASSAY_OK;) {
        sift_down(m, i);
    }
    return st;
}

static enum assay_status merge_open(const struct dup_table *t, const struct dup_run *runs, size_t n,
                                    size_t block, struct dup_merge **ret)
{
    struct dup_merge *m = calloc(1, sizeof *m);
    enum assay_status st = m == NULL ? ASSAY_NOMEM : open_cursors(m, t, runs, n, block);
    *ret = m;
    if (st != ASSAY_OK) {
        dup_merge_close(m);
        *ret = NULL;
    }
    return st;
}

/* Moves the first cursor on. */
static enum assay_status move_on(struct dup_merge *m)
{
    step(m->heap[0]);
    enum assay_status st = refill(m->heap[0]);
    if (st == ASSAY_END) {
        m->heap[0] = m->heap[--m->n];
        st = ASSAY_OK;
    }
    if (st == ASSAY_OK && m->n > 1) {
        sift_down(m, 0);
    }
    return st;
}

enum assay_status dup_merge_next(struct dup_merge *m, const uint64_t **ret)
{
    enum assay_status st = m->started && m->n > 0 ? move_on(m) : ASSAY_OK;
    m->started = 1;
    if (st == ASSAY_OK && m->n == 0) {
        st = ASSAY_END;
    }
    *ret = st == ASSAY_OK ? m->heap[0]->here : NULL;
    return st;
}

/* ---- as many runs as may be merged at once -----------------------------------------------------
 */

/* Runs in memory to the front. Returns how many there are. */
static size_t part_runs(struct dup_table *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_runs; i++) {
        const struct dup_run run = t->runs[i];
        if (run.entries != NULL) {
            t->runs[i] = t->runs[n];
            t->runs[n++] = run;
        }
    }
    return n;
}

/* Writes what a merge gives behind all else in the file. */
static enum assay_status write_merged(struct dup_table *t, struct dup_merge *m, uint64_t *buf,
                                      size_t cap, uint64_t *ret_count)
{
    const size_t words = words_of(t);
    enum assay_status st = ASSAY_OK;
    const uint64_t *e;
    size_t n = 0;
    *ret_count = 0;
    while (st == ASSAY_OK) {
        st = dup_merge_next(m, &e);
        if (st == ASSAY_OK) {
            memcpy(buf + n++ * words, e, bytes_of(t));
        }
        if (n == cap || (st == ASSAY_END && n > 0)) {
            const enum assay_status end = st;
            st = dup_write_at(t->fds[t->n_fds - 1], buf, n * bytes_of(t), t->written);
            t->written += n * bytes_of(t);
            *ret_count += n;
            n = 0;
            st = st != ASSAY_OK ? st : t->host->cancelled(t->host->ctx) ? ASSAY_CANCELLED : end;
        }
    }
    return st == ASSAY_END ? ASSAY_OK : st;
}

/* Makes `n` runs, from `from` on, into one that stands behind the others. */
static enum assay_status merge_runs(struct dup_table *t, size_t from, size_t n)
{
    struct dup_run merged = {.entries = NULL};
    struct dup_merge *m = NULL;
    uint64_t *buf = malloc(BLOCK * bytes_of(t));
    enum assay_status st = buf == NULL ? ASSAY_NOMEM : open_file(t);
    st = st == ASSAY_OK ? merge_open(t, t->runs + from, n, LEAST_BLOCK, &m) : st;
    if (st == ASSAY_OK) {
        merged.fd = t->fds[t->n_fds - 1];
        merged.at = t->written;
        st = write_merged(t, m, buf, BLOCK, &merged.count);
    }
    dup_merge_close(m);
    free(buf);
    if (st == ASSAY_OK) {
        t->n_runs -= n;
        memmove(t->runs + from, t->runs + from + n, (t->n_runs - from) * sizeof t->runs[0]);
        t->runs[t->n_runs++] = merged;
    }
    return st;
}

enum assay_status dup_merge_open(struct dup_table *t, struct dup_merge **ret)
{
    const size_t room = t->max < MERGE_LEAST ? MERGE_LEAST : t->max, most = room / LEAST_BLOCK;
    enum assay_status st = t->n == 0 ? ASSAY_OK : t->n_fds == 0 ? freeze(t) : spill(t);
    *ret = NULL;
    if (st == ASSAY_OK) {
        free(t->buf);
        t->buf = NULL;
        t->cap = 0;
    }
    const size_t held = part_runs(t);
    size_t on_disk = t->n_runs - held;
    for (; on_disk > most && st == ASSAY_OK; on_disk = t->n_runs - held) {
        const size_t over = on_disk - most + 1;
        st = merge_runs(t, held, over < most ? over : most);
    }
    const size_t block = on_disk == 0 ? 0 : room / on_disk;
    return st == ASSAY_OK ? merge_open(t, t->runs, t->n_runs, block < BLOCK ? block : BLOCK, ret)
                          : st;
}

enum assay_status dup_table_sorted(struct dup_table *t, dup_each *each, void *ctx)
{
    struct dup_merge *m;
    const uint64_t *e;
    enum assay_status st = dup_merge_open(t, &m);
    while (st == ASSAY_OK && (st = dup_merge_next(m, &e)) == ASSAY_OK) {
        st = each(ctx, e);
    }
    dup_merge_close(m);
    return st == ASSAY_END ? ASSAY_OK : st;
}
