/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/spool.c: the file and its index. A writer reserves its place in the file under the lock
 * and writes outside of it. A piece that follows its predecessor both in order and in the file
 * joins it.
 */
#include "engine/spool.h"

#include <errno.h>
#include <pthread.h>

#include "core/arena.h"
#include "core/fs.h"
#include "core/status.h"

struct piece {
    uint32_t file;
    uint32_t len;
    uint64_t seq;
    uint64_t offset;
};

struct assay_spool {
    pthread_mutex_t lock;
    int fd;
    uint64_t end;
    struct piece *pieces;
    size_t n, cap;
};

/* ---- encoding ------------------------------------------------------------------------------ */

static void add_text(struct assay_buf *out, struct assay_bytes text)
{
    assay_buf_addb(out, text);
    assay_buf_addc(out, '\0');
}

void assay_kept_encode(struct assay_kept *head, const struct assay_kept_parts *parts,
                       struct assay_buf *out)
{
    head->field_len = (uint32_t)parts->field.len;
    head->masked_len = (uint32_t)parts->masked.len;
    head->detail_len = (uint32_t)parts->detail.len;
    size_t len = sizeof *head + head->n_members * sizeof(struct assay_kept_member) +
                 parts->field.len + parts->masked.len + parts->detail.len + 3;
    size_t padding = (8 - len % 8) % 8;
    head->len = (uint32_t)(len + padding);
    if (assay_buf_reserve(out, head->len) != ASSAY_OK) {
        return;
    }
    assay_buf_add(out, head, sizeof *head);
    for (uint32_t i = 0; i < head->n_members; i++) {
        struct assay_kept_member m = {parts->members[i].file, 0, parts->members[i].record};
        assay_buf_add(out, &m, sizeof m);
    }
    add_text(out, parts->field);
    add_text(out, parts->masked);
    add_text(out, parts->detail);
    assay_buf_add(out, "\0\0\0\0\0\0\0", padding);
}

/* ---- the file ------------------------------------------------------------------------------ */

enum assay_status assay_spool_new(struct assay_spool **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_spool *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    s->fd = assay_fs_tmpfile();
    if (s->fd < 0) {
        free(s);
        return assay_fail_errno(err, errno,
                                "cannot make a temporary file for findings (set TMPDIR to a "
                                "directory with room)");
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    *ret = s;
    return ASSAY_OK;
}

void assay_spool_free(struct assay_spool *s)
{
    if (s == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&s->lock);
    (void)close(s->fd);
    free(s->pieces);
    free(s);
}

static int continues(const struct piece *last, uint32_t file, uint64_t seq, size_t len)
{
    return last->file == file && last->seq < seq && (last->seq ^ seq) < ASSAY_SEQ_FILE &&
           last->seq + 1 == seq && UINT32_MAX - last->len > len;
}

/* Reserves room for a piece; the caller holds the lock. */
static enum assay_status reserve(struct assay_spool *s, uint32_t file, uint64_t seq, size_t len,
                                 uint64_t *ret_offset)
{
    *ret_offset = s->end;
    if (s->n > 0 && continues(&s->pieces[s->n - 1], file, seq, len)) {
        s->pieces[s->n - 1].len += (uint32_t)len;
        s->pieces[s->n - 1].seq = seq;
        s->end += len;
        return ASSAY_OK;
    }
    struct piece *pieces = assay_grown(s->pieces, s->n, &s->cap, sizeof *pieces);
    if (pieces == NULL) {
        return ASSAY_NOMEM;
    }
    s->pieces = pieces;
    s->pieces[s->n++] = (struct piece){file, (uint32_t)len, seq, s->end};
    s->end += len;
    return ASSAY_OK;
}

static int write_at(int fd, const char *data, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

enum assay_status assay_spool_write(struct assay_spool *s, uint32_t file, uint64_t seq,
                                    struct assay_bytes data, struct assay_error *err)
{
    uint64_t offset;
    (void)pthread_mutex_lock(&s->lock);
    enum assay_status status = reserve(s, file, seq, data.len, &offset);
    (void)pthread_mutex_unlock(&s->lock);
    if (status != ASSAY_OK) {
        return assay_fail(err, status, "out of memory for the index of findings");
    }
    if (write_at(s->fd, data.ptr, data.len, offset) != 0) {
        return assay_fail_errno(err, errno,
                                "cannot keep findings in a temporary file (set TMPDIR to a "
                                "directory with room)");
    }
    return ASSAY_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->file != y->file) {
        return x->file < y->file ? -1 : 1;
    }
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void assay_spool_seal(struct assay_spool *s)
{
    if (s->n > 1) {
        qsort(s->pieces, s->n, sizeof *s->pieces, by_place);
    }
}

enum assay_status assay_spool_piece(const struct assay_spool *s, size_t i, uint64_t *ret_offset,
                                    uint32_t *ret_len)
{
    if (i >= s->n) {
        return ASSAY_END;
    }
    *ret_offset = s->pieces[i].offset;
    *ret_len = s->pieces[i].len;
    return ASSAY_OK;
}

enum assay_status assay_spool_read(const struct assay_spool *s, uint64_t offset, void *buf,
                                   size_t len, struct assay_error *err)
{
    enum assay_status st = assay_fs_read_at(s->fd, buf, len, offset);
    return st == ASSAY_OK ? st : assay_fail_errno(err, errno, "cannot read findings back");
}
