/* SPDX-License-Identifier: Apache-2.0
 *
 * core/buf.h: a growable byte buffer that must be told its maximum when it is made.
 *
 * A failed append (over the maximum, or out of memory) sets a sticky status and leaves the content
 * as it was; callers append many times and test once with assay_buf_status().
 * Verbs: init / release (storage gone) / clear (storage kept). Single owner.
 */
#ifndef ASSAY_CORE_BUF_H
#define ASSAY_CORE_BUF_H

#include "assay/base.h"

struct assay_buf {
    char *ptr; /* NUL-terminated whenever non-NULL; the NUL is not counted */
    size_t len;
    size_t cap;
    size_t max;
    enum assay_status status; /* sticky: ASSAY_OK, ASSAY_LIMIT or ASSAY_NOMEM */
};

/* Empty; never longer than `max` bytes. Allocates nothing yet. */
void assay_buf_init(struct assay_buf *b, size_t max);
void assay_buf_release(struct assay_buf *b); /* accepts a zeroed struct */
void assay_buf_clear(struct assay_buf *b);   /* also clears the sticky status */
/* Room for `extra` more bytes: ASSAY_OK, ASSAY_LIMIT or ASSAY_NOMEM, as the sticky status then is.
 */
enum assay_status assay_buf_reserve(struct assay_buf *b, size_t extra);
/* Each appends all of it, or nothing and sets the status: bytes, a slice, a string without its NUL,
 * one byte, as printf and vprintf, lower-case hexadecimal. */
void assay_buf_add(struct assay_buf *b, const void *data, size_t len);
void assay_buf_addb(struct assay_buf *b, struct assay_bytes s);
void assay_buf_adds(struct assay_buf *b, const char *s);
void assay_buf_addc(struct assay_buf *b, char c);
void assay_buf_addf(struct assay_buf *b, const char *fmt, ...) ASSAY_PRINTF(2, 3);
void assay_buf_addv(struct assay_buf *b, const char *fmt, va_list ap) ASSAY_PRINTF(2, 0);
void assay_buf_addhex(struct assay_buf *b, const void *data, size_t len);
static inline struct assay_bytes assay_buf_bytes(const struct assay_buf *b)
{
    return assay_bytes_make(b->ptr, b->len);
}
static inline enum assay_status assay_buf_status(const struct assay_buf *b)
{
    return b->status;
}
/* The content as a C string ("" when empty); valid until the next change. */
const char *assay_buf_str(const struct assay_buf *b);
/* Hands the storage to the caller, who frees it; NULL when the buffer is in error. */
char *assay_buf_take(struct assay_buf *b);

#define ASSAY_AUTO_BUF __attribute__((cleanup(assay_buf_release))) struct assay_buf

#endif
