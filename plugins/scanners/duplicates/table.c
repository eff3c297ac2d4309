/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/table.c: see the header.
 *
 * Sorting is a radix sort from the most significant byte that swaps in place (American flag sort:
 * McIlroy, Bostic, McIlroy, "Engineering Radix Sort", 1993), since keys are uniform hashes and a
 * second array would cost the memory that the bound is about; small buckets are sorted by
 * insertion. The merge is a binary heap of cursors, each with a block of its run.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define FEW         48   /* sorted by insertion */
#define BLOCK       2048 /* entries a cursor holds: 64 KiB */
#define SMALL_BLOCK 256  /* when there are many cursors */
#define MANY        512

/* ---- sorting -----------------------------------------------------------------------------------
 */

static int less(const struct dup_entry *a, const struct dup_entry *b)
{
    if (a->key[0] != b->key[0]) {
        return a->key[0] < b->key[0];
    }
    if (a->key[1] != b->key[1]) {
        return a->key[1] < b->key[1];
    }
    return a->variant != b->variant ? a->variant < b->variant : a->place < b->place;
}

static void insertion_sort(struct dup_entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct dup_entry x = e[i];
        size_t j = i;
        for (; j > 0 && less(&x, &e[j - 1]); j--) {
            e[j] = e[j - 1];
        }
        e[j] = x;
    }
}

/* Byte `depth` of an entry, most significant first. */
static unsigned byte_at(const struct dup_entry *e, unsigned depth)
{
    const uint64_t word = depth < 8    ? e->key[0]
                          : depth < 16 ? e->key[1]
                          : depth < 24 ? e->variant
                                       : e->place;
    return (unsigned)(word >> (56 - 8 * (depth % 8))) & 255;
}

/* Moves every entry into its bucket, by cycles. */
static void permute(struct dup_entry *e, unsigned depth, size_t next[256], const size_t end[256])
{
    for (unsigned b = 0; b < 256; b++) {
        while (next[b] < end[b]) {
            struct dup_entry x = e[next[b]];
            unsigned to = byte_at(&x, depth);
            while (to != b) {
                struct dup_entry y = e[next[to]];
                e[next[to]++] = x;
                x = y;
                to = byte_at(&x, depth);
            }
            e[next[b]++] = x;
        }
    }
}

static void radix_sort(struct dup_entry *e, size_t n, unsigned depth)
{
    size_t next[256] = {0}, end[256];
    if (n <= FEW || depth == 32) {
        insertion_sort(e, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        next[byte_at(&e[i], depth)]++;
    }
    size_t at = 0;
    for (unsigned b = 0; b < 256; b++) {
        size_t count = next[b];
        next[b] = at;
        at += count;
        end[b] = at;
    }
    permute(e, depth, next, end);
    for (unsigned b = 0; b < 256; b++) {
        size_t from = b == 0 ? 0 : end[b - 1];
        if (end[b] - from > 1) {
            radix_sort(e + from, end[b] - from, depth + 1);
        }
    }
}

void dup_sort(struct dup_entry *e, size_t n)
{
    radix_sort(e, n, 0);
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

static enum assay_status open_file(struct dup_table *t, const struct assay_host *host)
{
    if (t->own_fd) {
        return ASSAY_OK;
    }
    int fd = host->spill(host->ctx);
    if (fd < 0) {
        return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
    }
    if (add_fds(t, &fd, 1) != ASSAY_OK) {
        (void)close(fd);
        return ASSAY_NOMEM;
    }
    t->own_fd = 1;
    t->written = 0;
    return ASSAY_OK;
}

static enum assay_status write_all(int fd, const void *data, size_t len, uint64_t at)
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

static enum assay_status read_all(int fd, void *data, size_t len, uint64_t at)
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
static enum assay_status spill(struct dup_table *t, const struct assay_host *host)
{
    enum assay_status st = room_for_runs(t, 1);
    if (st == ASSAY_OK) {
        st = open_file(t, host);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    int fd = t->fds[t->n_fds - 1];
    size_t bytes = t->n * sizeof t->buf[0];
    dup_sort(t->buf, t->n);
    st = write_all(fd, t->buf, bytes, t->written);
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
    dup_sort(t->buf, t->n);
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
    memset(t, 0, sizeof *t);
}

static enum assay_status make_room(struct dup_table *t, const struct assay_host *host, size_t max)
{
    max = max < 64 ? 64 : max;
    if (t->n >= max) {
        return spill(t, host);
    }
    size_t cap = t->cap == 0 ? 1024 : 2 * t->cap;
    cap = cap < max ? cap : max;
    void *p = realloc(t->buf, cap * sizeof t->buf[0]);
    if (p == NULL) {
        return t->n > 0 ? spill(t, host) : ASSAY_NOMEM;
    }
    t->buf = p;
    t->cap = cap;
    return ASSAY_OK;
}

enum assay_status dup_table_add(struct dup_table *t, const struct assay_host *host, size_t max,
                                const struct dup_entry *e)
{
    if (t->n == t->cap) {
        enum assay_status st = make_room(t, host, max);
        if (st != ASSAY_OK) {
            return st;
        }
    }
    t->buf[t->n++] = *e;
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
    if (from->n_fds > 0) {
        into->own_fd = 0; /* the last one is now somebody else's */
    }
    from->n_runs = from->n_fds = 0;
    dup_table_release(from);
    return ASSAY_OK;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

/* A place in a run. */
struct cursor {
    struct dup_run run;
    struct dup_entry *block; /* NULL: the run is in memory */
    size_t block_cap;
    const struct dup_entry *here;
    size_t left;   /* entries at `here` */
    uint64_t next; /* entries of the run handed to `here` so far */
};

/* Makes `here` valid; ASSAY_END when the run is done. */
static enum assay_status refill(struct cursor *c)
{
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
    enum assay_status st = read_all(c->run.fd, c->block, n * sizeof c->block[0],
                                    c->run.at + c->next * sizeof c->block[0]);
    c->here = c->block;
    c->left = n;
    c->next += n;
    return st;
}

static enum assay_status cursor_open(struct cursor *c, const struct dup_run *run, size_t block_cap)
{
    *c = (struct cursor){.run = *run, .block_cap = block_cap};
    if (run->entries == NULL) {
        c->block = malloc(block_cap * sizeof c->block[0]);
        if (c->block == NULL) {
            return ASSAY_NOMEM;
        }
    }
    return ASSAY_OK;
}

static enum assay_status walk_run(const struct dup_run *run,
                                  enum assay_status (*each)(void *ctx, const struct dup_entry *e),
                                  void *ctx)
{
    struct cursor c;
    enum assay_status st = cursor_open(&c, run, BLOCK);
    while (st == ASSAY_OK && (st = refill(&c)) == ASSAY_OK) {
        st = each(ctx, c.here);
        c.here++;
        c.left--;
    }
    free(c.block);
    return st == ASSAY_END ? ASSAY_OK : st;
}

enum assay_status dup_table_walk(const struct dup_table *t,
                                 enum assay_status (*each)(void *ctx, const struct dup_entry *e),
                                 void *ctx)
{
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < t->n_runs && st == ASSAY_OK; i++) {
        st = walk_run(&t->runs[i], each, ctx);
    }
    for (size_t i = 0; i < t->n && st == ASSAY_OK; i++) {
        st = each(ctx, &t->buf[i]);
    }
    return st;
}

/* ---- merging -----------------------------------------------------------------------------------
 */

struct merge {
    struct cursor *cursors; /* a binary heap by `here` */
    size_t n;
};

static void sift_down(struct merge *m, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < m->n; child++) {
            if (less(m->cursors[child].here, m->cursors[least].here)) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        struct cursor x = m->cursors[i];
        m->cursors[i] = m->cursors[least];
        m->cursors[least] = x;
        i = least;
    }
}

static void merge_close(struct merge *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->cursors[i].block);
    }
    free(m->cursors);
}

static enum assay_status merge_open(struct merge *m, const struct dup_table *t)
{
    size_t block_cap = t->n_runs > MANY ? SMALL_BLOCK : BLOCK;
    m->n = 0;
    m->cursors = malloc((t->n_runs + 1) * sizeof m->cursors[0]);
    if (m->cursors == NULL) {
        return ASSAY_NOMEM;
    }
    for (size_t i = 0; i < t->n_runs; i++) {
        enum assay_status st = cursor_open(&m->cursors[m->n], &t->runs[i], block_cap);
        if (st != ASSAY_OK) {
            return st;
        }
        st = refill(&m->cursors[m->n++]);
        if (st != ASSAY_OK) {
            return st; /* runs are never empty */
        }
    }
    for (size_t i = m->n / 2; i-- > 0;) {
        sift_down(m, i);
    }
    return ASSAY_OK;
}

/* Moves the first cursor on. */
static enum assay_status merge_next(struct merge *m)
{
    struct cursor *c = &m->cursors[0];
    c->here++;
    c->left--;
    enum assay_status st = refill(c);
    if (st == ASSAY_END) {
        free(c->block);
        *c = m->cursors[--m->n];
        st = ASSAY_OK;
    }
    if (st == ASSAY_OK && m->n > 1) {
        sift_down(m, 0);
    }
    return st;
}

enum assay_status dup_table_sorted(struct dup_table *t,
                                   enum assay_status (*each)(void *ctx, const struct dup_entry *e),
                                   void *ctx)
{
    struct merge m;
    enum assay_status st = freeze(t);
    if (st != ASSAY_OK) {
        return st;
    }
    st = merge_open(&m, t);
    while (st == ASSAY_OK && m.n > 0) {
        st = each(ctx, m.cursors[0].here);
        if (st == ASSAY_OK) {
            st = merge_next(&m);
        }
    }
    merge_close(&m);
    return st;
}
