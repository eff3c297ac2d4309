/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/stream.h: from a file's bytes to UTF-8 text, hashing what is read.
 *
 *     read (aligned) -> SHA-256 -> raw-byte observer -> inflate (gzip, zstd, none)
 *                    -> decode (UTF-8, UTF-16, GB18030)
 *
 * One pass: the bytes that are hashed are the bytes that come out. Multi-member gzip and
 * multi-frame zstd are one stream; a stream that ends early is ASSAY_TRUNCATED, garbage is
 * ASSAY_CORRUPT, an output:input ratio over the limit is ASSAY_LIMIT; each after delivering what
 * came before. Even then the rest of the raw file is read and hashed. fstat before and after: a
 * file that changed is ASSAY_CHANGED. A UTF-8 byte order mark is removed. Undecodable bytes in
 * UTF-16 and GB18030 input become U+FFFD and are counted; invalid UTF-8 is passed through (readers
 * repair it, knowing the record). Waiting for a pipe or a terminal ends as ASSAY_CANCELLED when
 * `stop` says so. Single owner; one thread at a time.
 */
#ifndef ASSAY_ENGINE_STREAM_H
#define ASSAY_ENGINE_STREAM_H

#include "assay/base.h"
#include "core/hash.h"

enum assay_compression { ASSAY_PLAIN, ASSAY_GZIP, ASSAY_ZSTD };
enum assay_charset { ASSAY_UTF8, ASSAY_UTF16LE, ASSAY_UTF16BE, ASSAY_GB18030, ASSAY_BINARY };

struct assay_stream;

struct assay_stream_options {
    uint64_t max_ratio, ratio_floor;                    /* 0: the defaults of core/limits.h */
    void (*observe)(void *ctx, struct assay_bytes raw); /* every raw block, in order; may be NULL */
    void *observe_ctx;
    int (*stop)(void *ctx); /* asked while a pipe has nothing to say; not 0 ends the wait. NULL */
    void *stop_ctx;
};

/* A reusable stream (buffers, contexts); open it on one file after another. */
struct assay_stream *assay_stream_new(const struct assay_stream_options *opt);
void assay_stream_free(struct assay_stream *s);
/* Takes over `fd`. `seekable` 0 for standard input (no fstat comparison). Detects compression and
 * charset from the first bytes. */
enum assay_status assay_stream_open(struct assay_stream *s, int fd, int seekable,
                                    struct assay_error *err);
/* The same for hashing alone: no byte is looked at. Only finish may follow. */
enum assay_status assay_stream_open_raw(struct assay_stream *s, int fd, int seekable,
                                        struct assay_error *err);
enum assay_compression assay_stream_compression(const struct assay_stream *s);
enum assay_charset assay_stream_charset(const struct assay_stream *s);
/* The first decoded bytes (up to ASSAY_LIMIT_HEAD), without consuming them; *ret_all: they are the
 * whole file. */
struct assay_bytes assay_stream_head(struct assay_stream *s, int *ret_all);
/* The first raw bytes, for libmagic. */
struct assay_bytes assay_stream_raw_head(const struct assay_stream *s);
/* Decodes up to `cap` bytes into `buf`. ASSAY_END at the end (with *ret_len 0). On TRUNCATED,
 * CORRUPT, LIMIT: *ret_len bytes are still good, and the next call says ASSAY_END. */
enum assay_status assay_stream_read(struct assay_stream *s, char *buf, size_t cap, size_t *ret_len,
                                    struct assay_error *err);
/* Reads what is left of the raw file through the hash and compares fstat. */
enum assay_status assay_stream_finish(struct assay_stream *s, uint8_t ret_sha256[ASSAY_SHA256_LEN],
                                      uint64_t *ret_raw_bytes, struct assay_error *err);
uint64_t assay_stream_raw_bytes(const struct assay_stream *s);   /* so far, for progress */
uint64_t assay_stream_undecodable(const struct assay_stream *s); /* replaced characters so far */
void assay_stream_close(struct assay_stream *s);                 /* closes fd; keeps buffers */
/* The descriptor, for the YARA second stage; -1 when closed. */
int assay_stream_fd(const struct assay_stream *s);

/* Guesses the charset of undeclared bytes: BOMs, UTF-16 by zero-byte pattern, valid UTF-8, valid
 * GB18030 with a plausible share of common Han; else BINARY when control bytes abound, else UTF8
 * (to be repaired). */
enum assay_charset assay_charset_guess(struct assay_bytes head, int is_all);
const char *assay_charset_name(enum assay_charset c);

#endif
