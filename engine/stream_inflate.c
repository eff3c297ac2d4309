/* SPDX-License-Identifier: Apache-2.0
 *
 * Decompression as one loop over two codecs. A codec takes what input there is, produces what it
 * can and says whether a member (gzip) or frame (zstd) ended; everything that must be the same for
 * both lives in the loop: refilling, several members in a row, streams that end early, bytes that
 * follow the last member.
 *
 * Rules. gzip: zero bytes after the last member are padding, as tape blocks have; anything else
 * there is CORRUPT. zstd: skippable frames yield nothing; bytes that begin no frame are CORRUPT. An
 * error is final and is reported once everything that decoded before it has been delivered.
 */
#include "engine/stream_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/limits.h"

struct stream_inflater {
    const struct codec *codec;
    z_stream gz;
    int gz_ready;
    ZSTD_DCtx *zstd;
    int between; /* no member is open */
    uint64_t members;
    int padding;              /* gzip: zero bytes followed a member */
    enum assay_status failed; /* sticky; `why` says more */
    const char *why;
};

struct codec {
    enum assay_status (*start)(struct stream_inflater *z);
    /* One library call. Sets z->between when a member ended, z->failed and z->why on an error. */
    void (*step)(struct stream_inflater *z, struct assay_bytes *in, char *out, size_t cap,
                 size_t *ret_len);
    /* Between members, with input at hand: ASSAY_OK when a member may begin, ASSAY_END when all
     * input was padding. */
    enum assay_status (*begin)(struct stream_inflater *z, struct stream_input *in);
};

static void fail_with(struct stream_inflater *z, enum assay_status status, const char *why)
{
    z->failed = status;
    z->why = why;
}

static enum assay_status gzip_start(struct stream_inflater *z)
{
    if (z->gz_ready) {
        return inflateReset(&z->gz) == Z_OK ? ASSAY_OK : ASSAY_INTERNAL;
    }
    memset(&z->gz, 0, sizeof z->gz);
    if (inflateInit2(&z->gz, 15 + 16) != Z_OK) {
        return ASSAY_NOMEM;
    }
    z->gz_ready = 1;
    return ASSAY_OK;
}

static void gzip_step(struct stream_inflater *z, struct assay_bytes *in, char *out, size_t cap,
                      size_t *ret_len)
{
    const size_t give = in->len < UINT_MAX ? in->len : UINT_MAX;
    const size_t room = cap < UINT_MAX ? cap : UINT_MAX;
    z->gz.next_in = (z_const Bytef *)(uintptr_t)in->ptr;
    z->gz.avail_in = (uInt)give;
    z->gz.next_out = (Bytef *)out;
    z->gz.avail_out = (uInt)room;
    const int rc = inflate(&z->gz, Z_NO_FLUSH);
    const size_t used = give - z->gz.avail_in;
    *ret_len = room - z->gz.avail_out;
    in->ptr += used;
    in->len -= used;
    if (rc == Z_STREAM_END) {
        z->between = 1;
    } else if (rc == Z_MEM_ERROR) {
        fail_with(z, ASSAY_NOMEM, "out of memory while inflating gzip");
    } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
        fail_with(z, ASSAY_CORRUPT, "the gzip data is corrupt");
    }
}

static enum assay_status gzip_begin(struct stream_inflater *z, struct stream_input *in)
{
    while (z->members > 0 && in->len > 0 && *in->ptr == 0) {
        z->padding = 1;
        in->ptr++;
        in->len--;
    }
    if (in->len == 0) {
        return ASSAY_END;
    }
    if (z->members > 0 && (z->padding || *in->ptr != 0x1f)) {
        fail_with(z, ASSAY_CORRUPT, "bytes that are not gzip follow the gzip data");
        return ASSAY_CORRUPT;
    }
    return gzip_start(z);
}

static enum assay_status zstd_start(struct stream_inflater *z)
{
    if (z->zstd == NULL) {
        z->zstd = ZSTD_createDCtx();
        if (z->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax,
                                                                   ASSAY_LIMIT_ZSTD_WINDOW_LOG))) {
            return ASSAY_NOMEM;
        }
    }
    return ZSTD_isError(ZSTD_DCtx_reset(z->zstd, ZSTD_reset_session_only)) ? ASSAY_INTERNAL
                                                                           : ASSAY_OK;
}

static void zstd_step(struct stream_inflater *z, struct assay_bytes *in, char *out, size_t cap,
                      size_t *ret_len)
{
    ZSTD_inBuffer src = {in->ptr, in->len, 0};
    ZSTD_outBuffer dst = {out, cap, 0};
    const size_t rc = ZSTD_decompressStream(z->zstd, &dst, &src);
    in->ptr += src.pos;
    in->len -= src.pos;
    *ret_len = dst.pos;
    if (!ZSTD_isError(rc)) {
        z->between = rc == 0;
        return;
    }
    switch (ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        fail_with(z, ASSAY_NOMEM, "out of memory while decompressing zstd");
        break;
    case ZSTD_error_frameParameter_windowTooLarge:
        fail_with(z, ASSAY_UNSUPPORTED,
                  "the zstd window is over 128 MiB: compress again without --long");
        break;
    case ZSTD_error_prefix_unknown:
        fail_with(z, ASSAY_CORRUPT, "bytes that are not zstd follow the zstd data");
        break;
    default:
        fail_with(z, ASSAY_CORRUPT, "the zstd data is corrupt");
        break;
    }
}

static enum assay_status zstd_begin(struct stream_inflater *z, struct stream_input *in)
{
    (void)z;
    return in->len == 0 ? ASSAY_END : ASSAY_OK;
}

static const struct codec gzip_codec = {gzip_start, gzip_step, gzip_begin};
static const struct codec zstd_codec = {zstd_start, zstd_step, zstd_begin};

struct stream_inflater *stream_inflater_new(void)
{
    return calloc(1, sizeof(struct stream_inflater));
}

void stream_inflater_free(struct stream_inflater *z)
{
    if (z == NULL) {
        return;
    }
    if (z->gz_ready) {
        (void)inflateEnd(&z->gz);
    }
    (void)ZSTD_freeDCtx(z->zstd);
    free(z);
}

enum assay_compression stream_compression_of(const unsigned char *head, size_t len)
{
    static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skippable[3] = {0x2a, 0x4d, 0x18};
    if (len >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8) {
        return ASSAY_GZIP;
    }
    if (len >= 4 && (memcmp(head, zstd_magic, 4) == 0 ||
                     ((head[0] & 0xf0) == 0x50 && memcmp(head + 1, skippable, 3) == 0))) {
        return ASSAY_ZSTD;
    }
    return ASSAY_PLAIN;
}

enum assay_status stream_inflater_start(struct stream_inflater *z, enum assay_compression kind,
                                        struct assay_error *err)
{
    z->codec = kind == ASSAY_GZIP ? &gzip_codec : &zstd_codec;
    z->between = 1;
    z->members = 0;
    z->padding = 0;
    z->failed = ASSAY_OK;
    z->why = NULL;
    const enum assay_status st = z->codec->start(z);
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot prepare decompression");
}

/* Input at hand, or the end of it: ASSAY_OK to go on, ASSAY_END at the clean end, or an error. */
static enum assay_status inflate_ready(struct stream_inflater *z, struct stream_input *in,
                                       struct assay_error *err)
{
    for (;;) {
        if (in->len == 0 && !in->eof) {
            const enum assay_status st = in->refill(in, err);
            if (st != ASSAY_OK) {
                return st;
            }
        }
        if (!z->between) {
            return ASSAY_OK;
        }
        const enum assay_status st = z->codec->begin(z, in);
        if (st == ASSAY_END && !in->eof) {
            continue;
        }
        if (st == ASSAY_OK) {
            z->between = 0;
        }
        return st;
    }
}

enum assay_status stream_inflate(struct stream_inflater *z, struct stream_input *in, char *out,
                                 size_t cap, size_t *ret_len, struct assay_error *err)
{
    *ret_len = 0;
    while (z->failed == ASSAY_OK) {
        const enum assay_status st = inflate_ready(z, in, err);
        if (z->failed != ASSAY_OK) {
            break;
        }
        if (st != ASSAY_OK) {
            return st;
        }
        struct assay_bytes src = assay_bytes_make((const char *)in->ptr, in->len);
        z->codec->step(z, &src, out, cap, ret_len);
        const int idle = src.len == in->len && *ret_len == 0;
        in->ptr = (const unsigned char *)src.ptr;
        in->len = src.len;
        z->members += (uint64_t)z->between;
        if (*ret_len > 0) {
            return ASSAY_OK;
        }
        if (z->failed == ASSAY_OK && !z->between && idle && in->len == 0 && in->eof) {
            fail_with(z, ASSAY_TRUNCATED, "the compressed data ends in the middle");
        } else if (z->failed == ASSAY_OK && !z->between && idle && in->len > 0) {
            fail_with(z, ASSAY_CORRUPT, "the compressed data makes no progress");
        }
    }
    return assay_fail(err, z->failed, "%s", z->why);
}
