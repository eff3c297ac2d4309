/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/rows.h: rows of numbers, asked by their index, more of them than memory may hold.
 *
 * What is known of every candidate (where it stands, where its set lies, its root) is asked in no
 * order, so sorted runs (table.h) do not serve. Rows lie in blocks of DUP_ROWS_BLOCK words; a block
 * is held in the slot that its number leaves modulo the number of slots, and when another block
 * wants the slot it is written to an unlinked file (host->spill) at its place. As long as there are
 * fewer blocks than slots nothing is ever moved and no file is made. Memory is at most what was
 * asked for, or DUP_ROWS_LEAST.
 *
 * Errors stay: after one, rows read as zeroes and `status` says why; whoever asks in a loop looks
 * at it once, at the end. Single owner, but for dup_rows_read: any number of threads may call that
 * at a time while nobody calls anything else.
 */
#ifndef ASSAY_DUPLICATES_ROWS_H
#define ASSAY_DUPLICATES_ROWS_H

#include "assay/plugin.h"

#define DUP_ROWS_WORDS 4   /* of a row, at most */
#define DUP_ROWS_BLOCK 128 /* words */
#define DUP_ROWS_LEAST (4 * DUP_ROWS_BLOCK * 8)

struct dup_rows_slot;

struct dup_rows {
    const struct assay_host *host;
    unsigned words; /* of a row; a power of two */
    uint64_t n;     /* rows */
    enum assay_status status;
    struct dup_rows_slot *slots;
    size_t n_slots, cap_slots;
    size_t max_slots; /* a power of two */
    int fd;           /* when has_file */
    int has_file;
    uint64_t nothing[DUP_ROWS_WORDS]; /* what is shown in place of a row that cannot be */
};

/* `bytes` may be held in memory. Takes over no resources yet. */
void dup_rows_init(struct dup_rows *r, const struct assay_host *host, unsigned words, size_t bytes);
void dup_rows_release(struct dup_rows *r);
/* Appends a row. */
enum assay_status dup_rows_add(struct dup_rows *r, const uint64_t *row);
/* A row to look at or to change, valid until the next call; of an index that is not there, or after
 * an error, zeroes that nobody reads. */
const uint64_t *dup_rows_get(struct dup_rows *r, uint64_t i);
uint64_t *dup_rows_edit(struct dup_rows *r, uint64_t i);
/* Copies `count` rows from `i` on, which are there. */
enum assay_status dup_rows_read(const struct dup_rows *r, uint64_t i, size_t count, uint64_t *ret);
/* Of rows whose first words ascend, the first that is not less than `value`: its index, or n. */
enum assay_status dup_rows_find(const struct dup_rows *r, uint64_t value, uint64_t *ret);
/* The same, by the owner alone: what is looked at is held, so that asking again and again costs
 * little. After an error, n. */
uint64_t dup_rows_seek(struct dup_rows *r, uint64_t value);
/* Of rows that are places (table.h) and ascend: whether one is in a file, or cannot be told not to
 * be. As dup_rows_read, for any number of threads. */
int dup_rows_have_file(const struct dup_rows *r, uint32_t file);

#endif
