/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/rows.c: see the header.
 */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "table.h"

#define BLOCK_BYTES (DUP_ROWS_BLOCK * sizeof(uint64_t))

struct dup_rows_slot {
    uint64_t *words; /* of the block that is held */
    uint64_t block;
    int changed; /* since it was read or written */
};

void dup_rows_init(struct dup_rows *r, const struct assay_host *host, unsigned words, size_t bytes)
{
    *r = (struct dup_rows){.host = host, .words = words, .max_slots = 1};
    bytes = bytes < DUP_ROWS_LEAST ? DUP_ROWS_LEAST : bytes;
    while (2 * r->max_slots * (BLOCK_BYTES + sizeof(struct dup_rows_slot)) <= bytes) {
        r->max_slots *= 2;
    }
}

void dup_rows_release(struct dup_rows *r)
{
    for (size_t i = 0; i < r->n_slots; i++) {
        free(r->slots[i].words);
    }
    free(r->slots);
    if (r->has_file) {
        (void)close(r->fd);
    }
    memset(r, 0, sizeof *r);
}

static enum assay_status write_block(struct dup_rows *r, struct dup_rows_slot *slot)
{
    if (!slot->changed) {
        return ASSAY_OK;
    }
    if (!r->has_file) {
        r->fd = r->host->spill(r->host->ctx);
        if (r->fd < 0) {
            return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
        }
        r->has_file = 1;
    }
    slot->changed = 0;
    return dup_write_at(r->fd, slot->words, BLOCK_BYTES, slot->block * BLOCK_BYTES);
}

/* The slot for a block that was never held. */
static enum assay_status new_slot(struct dup_rows *r, uint64_t block)
{
    if (r->n_slots == r->cap_slots) {
        size_t cap = r->cap_slots == 0 ? 4 : 2 * r->cap_slots;
        struct dup_rows_slot *slots = realloc(r->slots, cap * sizeof *slots);
        if (slots == NULL) {
            return ASSAY_NOMEM;
        }
        r->slots = slots;
        r->cap_slots = cap;
    }
    struct dup_rows_slot *slot = &r->slots[r->n_slots];
    *slot = (struct dup_rows_slot){calloc(1, BLOCK_BYTES), block, 0};
    if (slot->words == NULL) {
        return ASSAY_NOMEM;
    }
    r->n_slots++;
    return ASSAY_OK;
}

/* Puts another block, which is in the file or is new, into a slot. */
static enum assay_status turn_over(struct dup_rows *r, struct dup_rows_slot *slot, uint64_t block)
{
    enum assay_status st = write_block(r, slot);
    if (st != ASSAY_OK) {
        return st;
    }
    slot->block = block;
    if (block * DUP_ROWS_BLOCK < r->n * r->words) {
        return dup_read_at(r->fd, slot->words, BLOCK_BYTES, block * BLOCK_BYTES);
    }
    memset(slot->words, 0, BLOCK_BYTES);
    return ASSAY_OK;
}

/* The slot that holds a block, which may be one more than there are. NULL: r->status says why. */
static struct dup_rows_slot *hold(struct dup_rows *r, uint64_t block)
{
    const size_t at = (size_t)block & (r->max_slots - 1);
    if (r->status == ASSAY_OK && at >= r->n_slots) {
        r->status = new_slot(r, block);
    }
    if (r->status == ASSAY_OK && r->slots[at].block != block) {
        r->status = turn_over(r, &r->slots[at], block);
    }
    return r->status == ASSAY_OK ? &r->slots[at] : NULL;
}

enum assay_status dup_rows_add(struct dup_rows *r, const uint64_t *row)
{
    const uint64_t at = r->n * r->words;
    struct dup_rows_slot *slot = hold(r, at / DUP_ROWS_BLOCK);
    if (slot == NULL) {
        return r->status;
    }
    memcpy(slot->words + at % DUP_ROWS_BLOCK, row, r->words * sizeof *row);
    slot->changed = 1;
    r->n++;
    return ASSAY_OK;
}

static uint64_t *row_at(struct dup_rows *r, uint64_t i, int change)
{
    const uint64_t at = i * r->words;
    struct dup_rows_slot *slot = i < r->n ? hold(r, at / DUP_ROWS_BLOCK) : NULL;
    if (slot == NULL) {
        memset(r->nothing, 0, sizeof r->nothing);
        return r->nothing;
    }
    slot->changed |= change;
    return slot->words + at % DUP_ROWS_BLOCK;
}

const uint64_t *dup_rows_get(struct dup_rows *r, uint64_t i)
{
    return row_at(r, i, 0);
}

uint64_t *dup_rows_edit(struct dup_rows *r, uint64_t i)
{
    return row_at(r, i, 1);
}

enum assay_status dup_rows_read(const struct dup_rows *r, uint64_t i, size_t count, uint64_t *ret)
{
    uint64_t at = i * r->words;
    uint64_t left = count * r->words;
    enum assay_status st = r->status;
    while (left > 0 && st == ASSAY_OK) {
        const uint64_t block = at / DUP_ROWS_BLOCK, from = at % DUP_ROWS_BLOCK;
        const size_t n = (size_t)(left < DUP_ROWS_BLOCK - from ? left : DUP_ROWS_BLOCK - from);
        const struct dup_rows_slot *slot = &r->slots[block & (r->max_slots - 1)];
        if (slot->block == block) {
            memcpy(ret, slot->words + from, n * sizeof *ret);
        } else {
            st = dup_read_at(r->fd, ret, n * sizeof *ret, at * sizeof *ret);
        }
        ret += n;
        at += n;
        left -= n;
    }
    return st;
}

enum assay_status dup_rows_find(const struct dup_rows *r, uint64_t value, uint64_t *ret)
{
    uint64_t from = 0, to = r->n;
    enum assay_status st = ASSAY_OK;
    while (from < to && st == ASSAY_OK) {
        const uint64_t mid = from + (to - from) / 2;
        uint64_t row[DUP_ROWS_WORDS];
        st = dup_rows_read(r, mid, 1, row);
        if (st == ASSAY_OK && row[0] < value) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    *ret = from;
    return st;
}

uint64_t dup_rows_seek(struct dup_rows *r, uint64_t value)
{
    uint64_t from = 0, to = r->n;
    while (from < to) {
        const uint64_t mid = from + (to - from) / 2;
        if (dup_rows_get(r, mid)[0] < value) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return r->status == ASSAY_OK ? from : r->n;
}

int dup_rows_have_file(const struct dup_rows *r, uint32_t file)
{
    uint64_t at, place[DUP_ROWS_WORDS];
    enum assay_status st = dup_rows_find(r, dup_place(file, 0), &at);
    if (st == ASSAY_OK && at == r->n) {
        return 0;
    }
    st = st == ASSAY_OK ? dup_rows_read(r, at, 1, place) : st;
    return st != ASSAY_OK || dup_place_file(place[0]) == file;
}
