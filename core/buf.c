/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buf.h"

#include <stdlib.h>

#include "core/hash.h"

#define BUF_FIRST ((size_t)64)

void assay_buf_init(struct assay_buf *b, size_t max)
{
    *b = (struct assay_buf){.max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2};
}

void assay_buf_release(struct assay_buf *b)
{
    free(b->ptr);
    assay_buf_init(b, b->max);
}

void assay_buf_clear(struct assay_buf *b)
{
    b->len = 0;
    b->status = ASSAY_OK;
    if (b->ptr != NULL) {
        b->ptr[0] = '\0';
    }
}

/* Room for `need` bytes and the NUL; `need` is within the maximum. */
static enum assay_status buf_grow(struct assay_buf *b, size_t need)
{
    size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap * 2;
    if (cap > b->max + 1) {
        cap = b->max + 1;
    }
    if (cap < need + 1) {
        cap = need + 1;
    }
    char *p = realloc(b->ptr, cap);
    if (p == NULL) {
        return b->status = ASSAY_NOMEM;
    }
    b->ptr = p;
    b->cap = cap;
    b->ptr[b->len] = '\0';
    return ASSAY_OK;
}

enum assay_status assay_buf_reserve(struct assay_buf *b, size_t extra)
{
    if (b->status != ASSAY_OK) {
        return b->status;
    }
    if (extra > b->max - b->len) {
        return b->status = ASSAY_LIMIT;
    }
    return b->len + extra < b->cap ? ASSAY_OK : buf_grow(b, b->len + extra);
}

void assay_buf_add(struct assay_buf *b, const void *data, size_t len)
{
    if (assay_buf_reserve(b, len) != ASSAY_OK) {
        return;
    }
    if (len > 0) {
        memcpy(b->ptr + b->len, data, len);
    }
    b->len += len;
    b->ptr[b->len] = '\0';
}

void assay_buf_addb(struct assay_buf *b, struct assay_bytes s)
{
    assay_buf_add(b, s.ptr, s.len);
}

void assay_buf_adds(struct assay_buf *b, const char *s)
{
    assay_buf_add(b, s, strlen(s));
}

void assay_buf_addc(struct assay_buf *b, char c)
{
    assay_buf_add(b, &c, 1);
}

void assay_buf_addf(struct assay_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    assay_buf_addv(b, fmt, ap);
    va_end(ap);
}

void assay_buf_addv(struct assay_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    if (len < 0) {
        b->status = b->status == ASSAY_OK ? ASSAY_INTERNAL : b->status;
    } else if (assay_buf_reserve(b, (size_t)len) == ASSAY_OK) {
        (void)vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
}

void assay_buf_addhex(struct assay_buf *b, const void *data, size_t len)
{
    if (len > b->max / 2) {
        b->status = b->status == ASSAY_OK ? ASSAY_LIMIT : b->status;
        return;
    }
    if (assay_buf_reserve(b, 2 * len) == ASSAY_OK) {
        assay_hex(data, len, b->ptr + b->len);
        b->len += 2 * len;
    }
}

const char *assay_buf_str(const struct assay_buf *b)
{
    return b->ptr == NULL ? "" : b->ptr;
}

char *assay_buf_take(struct assay_buf *b)
{
    if (assay_buf_reserve(b, 0) != ASSAY_OK) {
        return NULL;
    }
    char *p = b->ptr;
    assay_buf_init(b, b->max);
    return p;
}
