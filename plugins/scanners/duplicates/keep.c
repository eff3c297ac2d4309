/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/keep.c: see the header.
 */
#include "keep.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define KEEP_BUFFER ((size_t)1 << 17) /* words */
#define KEEP_OFFSET 44                /* bits of a place that are its offset */
#define KEEP_MASK   ((UINT64_C(1) << KEEP_OFFSET) - 1)

void dup_keep_init(struct dup_keep *k, uint32_t number)
{
    memset(k, 0, sizeof *k);
    k->where.pairs = 1;
    k->number = number;
}

void dup_keep_release(struct dup_keep *k)
{
    for (size_t i = 0; i < k->n_files; i++) {
        (void)close(k->files[i].fd);
    }
    dup_table_release(&k->where);
    free(k->files);
    free(k->buf);
    memset(k, 0, sizeof *k);
}

static enum assay_status grow_files(struct dup_keep *k, size_t more)
{
    void *p = realloc(k->files, (k->n_files + more + 1) * sizeof k->files[0]);
    if (p == NULL) {
        return ASSAY_NOMEM;
    }
    k->files = p;
    return ASSAY_OK;
}

static enum assay_status begin_file(struct dup_keep *k, const struct assay_host *host)
{
    enum assay_status st = grow_files(k, 1);
    k->buf = k->buf == NULL ? malloc(KEEP_BUFFER * sizeof k->buf[0]) : k->buf;
    if (st != ASSAY_OK || k->buf == NULL) {
        return ASSAY_NOMEM;
    }
    k->cap = KEEP_BUFFER;
    const int fd = host->spill(host->ctx);
    if (fd < 0) {
        return errno == ENOSPC ? ASSAY_FULL : ASSAY_IO;
    }
    k->files[k->n_files++] = (struct dup_keep_file){k->number, fd};
    k->own = 1;
    return ASSAY_OK;
}

enum assay_status dup_keep_flush(struct dup_keep *k)
{
    if (k->n == 0) {
        return ASSAY_OK;
    }
    enum assay_status st =
        dup_write_at(k->files[k->n_files - 1].fd, k->buf, k->n * 8, k->written * 8);
    k->written += k->n;
    k->n = 0;
    return st;
}

static enum assay_status keep_words(struct dup_keep *k, const uint64_t *words, size_t n)
{
    enum assay_status st = ASSAY_OK;
    while (n > 0 && st == ASSAY_OK) {
        const size_t room = k->cap - k->n, now = n < room ? n : room;
        memcpy(k->buf + k->n, words, now * 8);
        k->n += now;
        words += now;
        n -= now;
        st = k->n == k->cap ? dup_keep_flush(k) : st;
    }
    return st;
}

enum assay_status dup_keep_add(struct dup_keep *k, const struct assay_host *host, size_t max,
                               uint64_t id, const uint64_t *set, size_t n)
{
    enum assay_status st = k->own ? ASSAY_OK : begin_file(k, host);
    if (st != ASSAY_OK) {
        return st;
    }
    const uint64_t place[DUP_PAIR_WORDS] = {id, (uint64_t)k->number << KEEP_OFFSET |
                                                    (k->written + k->n)};
    const uint64_t count = n;
    st = keep_words(k, &count, 1);
    st = st == ASSAY_OK ? keep_words(k, set, n) : st;
    return st == ASSAY_OK ? dup_table_add(&k->where, host, max, place) : st;
}

enum assay_status dup_keep_join(struct dup_keep *into, struct dup_keep *from)
{
    enum assay_status st = from->own ? dup_keep_flush(from) : ASSAY_OK;
    st = st == ASSAY_OK && into->own ? dup_keep_flush(into) : st;
    st = st == ASSAY_OK ? grow_files(into, from->n_files) : st;
    st = st == ASSAY_OK ? dup_table_join(&into->where, &from->where) : st;
    if (st != ASSAY_OK) {
        return st;
    }
    /* In front, so that the file being written stays the last. */
    memmove(into->files + from->n_files, into->files, into->n_files * sizeof into->files[0]);
    if (from->n_files > 0) {
        memcpy(into->files, from->files, from->n_files * sizeof into->files[0]);
    }
    into->n_files += from->n_files;
    from->n_files = 0;
    from->own = 0;
    return ASSAY_OK;
}

static int file_of(const struct dup_keep *k, uint64_t place)
{
    for (size_t i = 0; i < k->n_files; i++) {
        if (k->files[i].number == place >> KEEP_OFFSET) {
            return k->files[i].fd;
        }
    }
    return -1;
}

enum assay_status dup_keep_count(const struct dup_keep *k, uint64_t place, uint64_t *ret)
{
    return dup_read_at(file_of(k, place), ret, 8, (place & KEEP_MASK) * 8);
}

enum assay_status dup_keep_read(const struct dup_keep *k, uint64_t place, uint64_t count,
                                uint64_t *ret)
{
    return dup_read_at(file_of(k, place), ret, count * 8, ((place & KEEP_MASK) + 1) * 8);
}
