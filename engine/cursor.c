/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/cursor.c: the spool, read in canonical order, one finding at a time. Memory: one window of
 * the file, and the members of the largest group.
 */
#include "engine/result.h"
#include "engine/run.h"

#include "core/arena.h"

#define WINDOW ((size_t)256 << 10)

struct assay_cursor {
    const struct assay_audit *audit;
    size_t piece;         /* the next one */
    uint64_t offset, end; /* of what was not read yet of the current piece */
    char *buf;
    size_t cap, pos, len;
    void *members;
    size_t cap_members;
};

enum assay_status assay_cursor_open(const struct assay_audit *a, struct assay_cursor **ret,
                                    struct assay_error *err)
{
    struct assay_cursor *c = calloc(1, sizeof *c);
    *ret = c;
    if (c != NULL) {
        c->audit = a;
        c->cap = WINDOW;
        c->buf = malloc(c->cap);
    }
    if (c == NULL || c->buf == NULL) {
        assay_cursor_close(c);
        *ret = NULL;
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    return ASSAY_OK;
}

void assay_cursor_close(struct assay_cursor *c)
{
    if (c != NULL) {
        free(c->buf);
        free(c->members);
        free(c);
    }
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* Moves on to the next piece when the current one is used up. */
static enum assay_status next_piece(struct assay_cursor *c)
{
    uint32_t len = 0;
    while (c->pos == c->len && c->offset == c->end) {
        enum assay_status status = assay_spool_piece(c->audit->spool, c->piece, &c->offset, &len);
        if (status != ASSAY_OK) {
            return status;
        }
        c->end = c->offset + len;
        c->piece++;
    }
    return ASSAY_OK;
}

/* Makes `want` bytes at buf[pos] available. */
static enum assay_status need(struct assay_cursor *c, size_t want, struct assay_error *err)
{
    if (c->len - c->pos >= want) {
        return ASSAY_OK;
    }
    size_t left = c->len - c->pos;
    memmove(c->buf, c->buf + c->pos, left);
    c->pos = 0;
    c->len = left;
    if (want > c->cap) {
        char *p = realloc(c->buf, want);
        if (p == NULL) {
            return assay_fail(err, ASSAY_NOMEM, "out of memory");
        }
        c->buf = p;
        c->cap = want;
    }
    uint64_t more = c->end - c->offset;
    size_t n = more < c->cap - c->len ? (size_t)more : c->cap - c->len;
    if (left + n < want) {
        return assay_fail(err, ASSAY_INTERNAL, "the spool of findings is damaged");
    }
    enum assay_status status =
        assay_spool_read(c->audit->spool, c->offset, c->buf + c->len, n, err);
    c->len += n;
    c->offset += n;
    return status;
}

/* ---- decoding ------------------------------------------------------------------------------ */

static enum assay_status decode_members(struct assay_cursor *c, const char *p, uint32_t n,
                                        struct assay_found *ret, struct assay_error *err)
{
    if (n > c->cap_members) {
        void *q = assay_realloc_array(c->members, n, sizeof *ret->members);
        if (q == NULL) {
            return assay_fail(err, ASSAY_NOMEM, "out of memory");
        }
        c->members = q;
        c->cap_members = n;
    }
    struct {
        const char *file;
        uint64_t record;
    } *w = c->members;
    for (uint32_t i = 0; i < n; i++) {
        struct assay_kept_member m;
        memcpy(&m, p + i * sizeof m, sizeof m);
        w[i].file = assay_inventory_name(c->audit->inventory, m.file);
        w[i].record = m.record;
    }
    ret->members = c->members;
    return ASSAY_OK;
}

static const char *text(const char **p, uint32_t len, int present)
{
    const char *s = *p;
    *p += len + 1;
    return present ? s : NULL;
}

static enum assay_status decode(struct assay_cursor *c, const struct assay_kept *head,
                                const char *p, struct assay_found *ret, struct assay_error *err)
{
    *ret = (struct assay_found){
        .rule = head->rule,
        .file =
            head->file == ASSAY_NONE ? NULL : assay_inventory_name(c->audit->inventory, head->file),
        .record = head->record,
        .has_span = (head->flags & ASSAY_KEPT_SPAN) != 0,
        .start = head->start,
        .end = head->end,
        .byte_start = head->byte_start,
        .byte_end = head->byte_end,
        .offset = head->offset,
        .has_offset = (head->flags & ASSAY_KEPT_OFFSET) != 0,
        .confidence = head->confidence,
        .n_members = head->n_members,
        .members_total = head->members_total,
    };
    memcpy(ret->fingerprint, head->fingerprint, sizeof ret->fingerprint);
    enum assay_status status = decode_members(c, p, head->n_members, ret, err);
    p += head->n_members * sizeof(struct assay_kept_member);
    ret->field = text(&p, head->field_len, (head->flags & ASSAY_KEPT_FIELD) != 0);
    ret->masked = text(&p, head->masked_len, (head->flags & ASSAY_KEPT_MASKED) != 0);
    ret->detail = text(&p, head->detail_len, (head->flags & ASSAY_KEPT_DETAIL) != 0);
    return status;
}

enum assay_status assay_cursor_next(struct assay_cursor *c, struct assay_found *ret,
                                    struct assay_error *err)
{
    struct assay_kept head;
    enum assay_status status = next_piece(c);
    if (status == ASSAY_OK) {
        status = need(c, sizeof head, err);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    memcpy(&head, c->buf + c->pos, sizeof head);
    status = need(c, head.len, err);
    if (status == ASSAY_OK) {
        status = decode(c, &head, c->buf + c->pos + sizeof head, ret, err);
        c->pos += head.len;
    }
    return status;
}
