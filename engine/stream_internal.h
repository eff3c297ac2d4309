/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/stream_internal.h: the parts of a stream, each testable and replaceable alone. Private to
 * engine/stream*.c.
 *
 *     stream.c          raw reading, hashing, the public functions
 *     stream_inflate.c  gzip and zstd
 *     stream_charset.c  guessing and decoding UTF-16 and GB18030
 *
 * Thread rule: as engine/stream.h: one owner, one thread at a time.
 */
#ifndef ASSAY_ENGINE_STREAM_INTERNAL_H
#define ASSAY_ENGINE_STREAM_INTERNAL_H

#include <stdint.h>

#include "engine/stream.h"

/* Raw bytes waiting to be used. refill() leaves len > 0, or eof set, or fails; it may be called
 * when len is 0. */
struct stream_input {
    const unsigned char *ptr;
    size_t len;
    int eof;
    uint64_t total; /* bytes taken from the file so far, the waiting ones included */
    enum assay_status (*refill)(struct stream_input *in, struct assay_error *err);
};

struct stream_inflater; /* reusable decompression state; libraries' contexts are made on first use
                         */

struct stream_inflater *stream_inflater_new(void);
void stream_inflater_free(struct stream_inflater *z); /* accepts NULL */
/* By magic number; a zstd skippable frame counts as zstd. */
enum assay_compression stream_compression_of(const unsigned char *head, size_t len);
enum assay_status stream_inflater_start(struct stream_inflater *z, enum assay_compression kind,
                                        struct assay_error *err);
/* Up to `cap` bytes. ASSAY_OK with *ret_len > 0; ASSAY_END; or an error with *ret_len 0, which is
 * final: TRUNCATED, CORRUPT, UNSUPPORTED (zstd window over ASSAY_LIMIT_ZSTD_WINDOW_LOG), NOMEM, or
 * what refill said. */
enum assay_status stream_inflate(struct stream_inflater *z, struct stream_input *in, char *out,
                                 size_t cap, size_t *ret_len, struct assay_error *err);

struct stream_decoder; /* UTF-16 and GB18030 to UTF-8 */

/* NULL: out of memory. */
struct stream_decoder *stream_decoder_new(void);
void stream_decoder_free(struct stream_decoder *d); /* accepts NULL */
/* ASSAY_UNSUPPORTED when the C library has no GB18030 conversion. */
enum assay_status stream_decoder_start(struct stream_decoder *d, enum assay_charset charset,
                                       struct assay_error *err);
/* Decodes from *in (advanced) into out, as far as `cap` (at least STREAM_DECODE_ROOM) goes; returns
 * the length. An incomplete character at the end of the input stays there unless `last`. Each
 * undecodable unit becomes U+FFFD and adds one to *bad. */
size_t stream_decode(struct stream_decoder *d, struct assay_bytes *in, int last, char *out,
                     size_t cap, uint64_t *bad);
#define STREAM_DECODE_ROOM 8
/* Length of the byte order mark of `charset` at the start of `head`; 0: none. */
size_t stream_bom(struct assay_bytes head, enum assay_charset charset);

#endif
