/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sets.c: see the header.
 */
#include "sets.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define WIDTH_AT 48 /* bits: place on the shelf below, the number of the shelf above */
#define SHELF_AT 51

/* ---- a shelf -----------------------------------------------------------------------------------
 */

static enum assay_status spill(struct dup_shelf *s, const struct assay_host *host)
{
    if (!s->has_file) {
        int fd = host->spill(host->ctx);
        if (fd < 0) {
            return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
        }
        s->fd = fd;
        s->has_file = 1;
    }
    enum assay_status st =
        dup_write_at(s->fd, s->buf, s->n * sizeof s->buf[0], s->written * sizeof s->buf[0]);
    if (st == ASSAY_OK) {
        s->written += s->n;
        s->n = 0;
    }
    return st;
}

static enum assay_status make_room(struct dup_shelf *s, const struct assay_host *host, size_t max,
                                   size_t more)
{
    enum assay_status st = ASSAY_OK;
    if (s->n > 0 && s->n + more > max) {
        st = spill(s, host);
    }
    if (st != ASSAY_OK || s->n + more <= s->cap) {
        return st;
    }
    size_t cap = s->n + more + s->cap;
    cap = cap > max && s->n + more <= max ? max : cap;
    uint64_t *buf = realloc(s->buf, cap * sizeof *buf);
    if (buf == NULL) {
        return ASSAY_NOMEM;
    }
    s->buf = buf;
    s->cap = cap;
    return ASSAY_OK;
}

enum assay_status dup_shelf_add(struct dup_shelf *s, const struct assay_host *host, size_t max,
                                size_t max_located, uint32_t rank, unsigned width,
                                const uint64_t *hashes, size_t count)
{
    enum assay_status st = make_room(s, host, max, count);
    if (st != ASSAY_OK) {
        return st;
    }
    const uint64_t at = s->written + s->n;
    if (at >= DUP_SHELF_HASHES || count > UINT32_MAX || width > DUP_SHINGLE_WIDTH) {
        return ASSAY_LIMIT;
    }
    const uint64_t located[DUP_PAIR_WORDS] = {(uint64_t)rank << 32 | count,
                                              (uint64_t)width << WIDTH_AT | at};
    memcpy(s->buf + s->n, hashes, count * sizeof *hashes);
    s->n += count;
    s->located.pairs = 1;
    return dup_table_add(&s->located, host, max_located, located);
}

void dup_shelf_release(struct dup_shelf *s)
{
    if (s->has_file) {
        (void)close(s->fd);
    }
    free(s->buf);
    dup_table_release(&s->located);
    memset(s, 0, sizeof *s);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

void dup_sets_init(struct dup_sets *s, uint64_t n)
{
    *s = (struct dup_sets){.n = n, .missing = n};
}

enum assay_status dup_sets_join(struct dup_sets *s, struct dup_shelf *shelf)
{
    if (s->n_shelves == DUP_SHELVES_MOST) {
        return ASSAY_LIMIT;
    }
    struct dup_shelf *shelves = realloc(s->shelves, (s->n_shelves + 1) * sizeof *shelves);
    if (shelves == NULL) {
        return ASSAY_NOMEM;
    }
    s->shelves = shelves;
    s->shelves[s->n_shelves++] = *shelf;
    memset(shelf, 0, sizeof *shelf);
    return ASSAY_OK;
}

/* Ranks of one shelf after another, each into its row; of two sets of one rank the last stays. */
struct settling {
    struct dup_sets *s;
    uint64_t shelf;
};

static enum assay_status settle_one(void *ctx, const uint64_t *located)
{
    const struct settling *g = ctx;
    uint64_t *row = dup_rows_edit(&g->s->by_rank, located[0] >> 32);
    g->s->missing -= row[0] == 0 && (located[0] & UINT32_MAX) != 0;
    row[0] = located[0] & UINT32_MAX;
    row[1] = g->shelf << SHELF_AT | located[1];
    return g->s->by_rank.status;
}

enum assay_status dup_sets_settle(struct dup_sets *s, const struct assay_host *host, size_t bytes)
{
    static const uint64_t none[DUP_PAIR_WORDS];
    struct settling g = {s, 0};
    enum assay_status st = ASSAY_OK;
    dup_rows_init(&s->by_rank, host, DUP_PAIR_WORDS, bytes);
    for (uint64_t i = 0; i < s->n && st == ASSAY_OK; i++) {
        st = dup_rows_add(&s->by_rank, none);
    }
    for (; g.shelf < s->n_shelves && st == ASSAY_OK; g.shelf++) {
        st = dup_table_sorted(&s->shelves[g.shelf].located, settle_one, &g);
        dup_table_release(&s->shelves[g.shelf].located);
    }
    return st;
}

static enum assay_status fetch(const struct dup_shelf *shelf, uint64_t at, struct dup_set *set)
{
    if (at >= shelf->written) {
        set->hashes = shelf->buf + (at - shelf->written);
        return ASSAY_OK;
    }
    if (set->cap < set->count) {
        uint64_t *buf = realloc(set->buf, set->count * sizeof *buf);
        if (buf == NULL) {
            return ASSAY_NOMEM;
        }
        set->buf = buf;
        set->cap = set->count;
    }
    set->hashes = set->buf;
    return dup_read_at(shelf->fd, set->buf, set->count * sizeof set->buf[0],
                       at * sizeof set->buf[0]);
}

uint32_t dup_sets_count(struct dup_sets *s, uint32_t rank)
{
    return (uint32_t)dup_rows_get(&s->by_rank, rank)[0];
}

enum assay_status dup_sets_load(struct dup_sets *s, uint32_t rank, struct dup_set *set)
{
    if (set->hashes != NULL && set->rank == rank) {
        return ASSAY_OK;
    }
    const uint64_t *row = dup_rows_get(&s->by_rank, rank);
    enum assay_status st = s->by_rank.status;
    set->hashes = NULL;
    set->rank = rank;
    set->count = (uint32_t)row[0];
    set->width = (uint32_t)(row[1] >> WIDTH_AT) & DUP_SHINGLE_WIDTH;
    if (st == ASSAY_OK && set->count > 0) {
        st = fetch(&s->shelves[row[1] >> SHELF_AT], row[1] & (DUP_SHELF_HASHES - 1), set);
    }
    if (st != ASSAY_OK) {
        set->hashes = NULL;
    }
    return st;
}

void dup_sets_release(struct dup_sets *s)
{
    for (size_t i = 0; i < s->n_shelves; i++) {
        dup_shelf_release(&s->shelves[i]);
    }
    free(s->shelves);
    dup_rows_release(&s->by_rank);
    memset(s, 0, sizeof *s);
}

void dup_set_release(struct dup_set *set)
{
    free(set->buf);
    memset(set, 0, sizeof *set);
}
