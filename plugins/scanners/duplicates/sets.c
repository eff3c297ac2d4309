/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sets.c: see the header.
 */
#include "sets.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "table.h"

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
    uint64_t *buf = realloc(s->buf, cap * sizeof *buf);
    if (buf == NULL) {
        return ASSAY_NOMEM;
    }
    s->buf = buf;
    s->cap = cap;
    return ASSAY_OK;
}

static enum assay_status room_for_item(struct dup_shelf *s)
{
    if (s->n_items < s->cap_items) {
        return ASSAY_OK;
    }
    size_t cap = 2 * s->cap_items + 256;
    struct dup_shelved *items = realloc(s->items, cap * sizeof *items);
    if (items == NULL) {
        return ASSAY_NOMEM;
    }
    s->items = items;
    s->cap_items = cap;
    return ASSAY_OK;
}

enum assay_status dup_shelf_add(struct dup_shelf *s, const struct assay_host *host, size_t max,
                                uint32_t rank, unsigned width, const uint64_t *hashes, size_t count)
{
    enum assay_status st = make_room(s, host, max, count);
    st = st == ASSAY_OK ? room_for_item(s) : st;
    if (st != ASSAY_OK) {
        return st;
    }
    memcpy(s->buf + s->n, hashes, count * sizeof *hashes);
    s->items[s->n_items++] =
        (struct dup_shelved){rank, (uint32_t)count, 0, width, s->written + s->n};
    s->n += count;
    return ASSAY_OK;
}

void dup_shelf_release(struct dup_shelf *s)
{
    if (s->has_file) {
        (void)close(s->fd);
    }
    free(s->buf);
    free(s->items);
    memset(s, 0, sizeof *s);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

enum assay_status dup_sets_init(struct dup_sets *s, size_t n)
{
    s->by_rank = calloc(n + 1, sizeof s->by_rank[0]);
    s->n = n;
    return s->by_rank == NULL ? ASSAY_NOMEM : ASSAY_OK;
}

enum assay_status dup_sets_join(struct dup_sets *s, struct dup_shelf *shelf)
{
    struct dup_shelf *shelves = realloc(s->shelves, (s->n_shelves + 1) * sizeof *shelves);
    if (shelves == NULL) {
        return ASSAY_NOMEM;
    }
    s->shelves = shelves;
    for (size_t i = 0; i < shelf->n_items; i++) {
        struct dup_shelved *item = &shelf->items[i];
        item->shelf = (uint32_t)s->n_shelves;
        if (item->rank < s->n && s->by_rank[item->rank].count == 0) {
            s->by_rank[item->rank] = *item;
        }
    }
    free(shelf->items);
    shelf->items = NULL;
    shelf->n_items = shelf->cap_items = 0;
    s->shelves[s->n_shelves++] = *shelf;
    memset(shelf, 0, sizeof *shelf);
    return ASSAY_OK;
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

enum assay_status dup_sets_load(const struct dup_sets *s, uint32_t rank, struct dup_set *set)
{
    if (set->hashes != NULL && set->rank == rank) {
        return ASSAY_OK;
    }
    const struct dup_shelved *item = &s->by_rank[rank];
    set->hashes = NULL;
    set->rank = rank;
    set->count = item->count;
    set->width = item->width;
    if (item->count == 0) {
        return ASSAY_OK;
    }
    enum assay_status st = fetch(&s->shelves[item->shelf], item->at, set);
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
    free(s->by_rank);
    memset(s, 0, sizeof *s);
}

void dup_set_release(struct dup_set *set)
{
    free(set->buf);
    memset(set, 0, sizeof *set);
}
