/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_out.c: see the header.
 */
#include "index_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define OUT_BYTES (64 * DUP_INDEX_BLOCK)

enum assay_status dup_index_out_begin(struct dup_index_out *o, const char *path,
                                      const struct dup_params *params,
                                      const struct assay_host *host, struct assay_error *err)
{
    static const char zeroes[DUP_INDEX_HEAD];
    *o = (struct dup_index_out){.host = host, .path = path, .fd = -1};
    const int len = snprintf(o->part, sizeof o->part, "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof o->part) {
        return assay_fail(err, ASSAY_CONFIG, "the path of the index is too long");
    }
    o->head.magic = DUP_INDEX_MAGIC;
    o->head.n_params = params->n;
    memcpy(o->head.params, params->values, params->n * sizeof o->head.params[0]);
    o->at = DUP_INDEX_HEAD;
    o->buf = malloc(OUT_BYTES);
    if (o->buf == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory to write an index");
    }
    o->fd = open(o->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (o->fd < 0) {
        return assay_fail(err, ASSAY_IO, "cannot write the index %.200s: %s", o->part,
                          strerror(errno));
    }
    return dup_write_at(o->fd, zeroes, sizeof zeroes, 0);
}

static uint64_t check_of(const struct dup_index_out *o, const void *data, size_t len)
{
    uint64_t hash[2];
    o->host->hash128(o->host->ctx, data, len, 0, hash);
    return hash[0];
}

static enum assay_status add_check(struct dup_index_out *o, uint64_t check)
{
    if (o->n_checks == o->cap_checks) {
        const size_t cap = o->cap_checks * 2 + 64;
        void *p = realloc(o->checks, cap * sizeof o->checks[0]);
        if (p == NULL) {
            return ASSAY_NOMEM;
        }
        o->checks = p;
        o->cap_checks = cap;
    }
    o->checks[o->n_checks++] = check;
    return ASSAY_OK;
}

/* Writes what there is: whole blocks, and at the end a shorter one. */
static enum assay_status flush(struct dup_index_out *o)
{
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < o->n && st == ASSAY_OK; i += DUP_INDEX_BLOCK) {
        const size_t left = o->n - i;
        st = add_check(o, check_of(o, o->buf + i, left < DUP_INDEX_BLOCK ? left : DUP_INDEX_BLOCK));
    }
    st = st == ASSAY_OK ? dup_write_at(o->fd, o->buf, o->n, o->at) : st;
    o->at += o->n;
    o->n = 0;
    return st;
}

void dup_index_out_section(struct dup_index_out *o, enum dup_index_section s)
{
    o->head.sections[s].at = o->at + o->n;
}

void dup_index_out_section_end(struct dup_index_out *o, enum dup_index_section s)
{
    o->head.sections[s].bytes = o->at + o->n - o->head.sections[s].at;
}

enum assay_status dup_index_out_put(struct dup_index_out *o, const void *data, size_t len)
{
    const char *p = data;
    enum assay_status st = ASSAY_OK;
    while (len > 0 && st == ASSAY_OK) {
        const size_t room = OUT_BYTES - o->n, now = len < room ? len : room;
        memcpy(o->buf + o->n, p, now);
        o->n += now;
        p += now;
        len -= now;
        st = o->n == OUT_BYTES ? flush(o) : st;
    }
    return st;
}

enum assay_status dup_index_out_pad(struct dup_index_out *o)
{
    static const char zeroes[8];
    return dup_index_out_put(o, zeroes, (8 - (o->at + o->n) % 8) % 8);
}

static enum assay_status put_head(struct dup_index_out *o)
{
    struct dup_index_head *h = &o->head;
    enum assay_status st = flush(o);
    h->sections[DUP_INDEX_CHECKS] = (struct dup_index_span){o->at, o->n_checks * 8};
    st = st == ASSAY_OK ? dup_write_at(o->fd, o->checks, o->n_checks * 8, o->at) : st;
    h->check = check_of(o, h, offsetof(struct dup_index_head, check));
    st = st == ASSAY_OK ? dup_write_at(o->fd, h, sizeof *h, 0) : st;
    return st == ASSAY_OK && fsync(o->fd) != 0 ? ASSAY_IO : st;
}

enum assay_status dup_index_out_end(struct dup_index_out *o, enum assay_status st,
                                    struct assay_error *err)
{
    if (o->fd < 0) {
        free(o->buf);
        return st; /* the sentence is there */
    }
    st = st == ASSAY_OK ? put_head(o) : st;
    (void)close(o->fd);
    if (st == ASSAY_OK && rename(o->part, o->path) != 0) {
        st = ASSAY_IO;
    }
    free(o->buf);
    free(o->checks);
    if (st != ASSAY_OK) {
        (void)unlink(o->part);
        return assay_fail(err, st, "the index %.200s could not be written%s", o->path,
                          st == ASSAY_FULL        ? ": no space left"
                          : st == ASSAY_CANCELLED ? ": cancelled"
                                                  : "");
    }
    return ASSAY_OK;
}
