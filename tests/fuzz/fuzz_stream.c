/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream over arbitrary bytes: it ends, hashes every byte whatever happens, gives the same text
 * in pieces of any size, and gives valid UTF-8 wherever it decoded. The first byte chooses the
 * piece and the compression put around the rest.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/utf8.h"
#include "engine/stream.h"

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static enum assay_status run(struct assay_bytes raw, size_t piece, struct assay_buf *text)
{
    const struct assay_stream_options opt = {.max_ratio = 100, .ratio_floor = 100000};
    struct assay_stream *s = assay_stream_new(&opt);
    const int fd = memfd_create("fuzz", 0);
    struct assay_error err;
    CHECK(s != NULL && fd >= 0 && assay_fs_write_all(fd, raw.ptr, raw.len) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK(assay_stream_open(s, fd, 1, &err) == ASSAY_OK);
    char *buf = malloc(piece);
    CHECK(buf != NULL);
    enum assay_status st;
    size_t n;
    while ((st = assay_stream_read(s, buf, piece, &n, &err)) == ASSAY_OK) {
        CHECK(n > 0 && n <= piece);
        assay_buf_add(text, buf, n);
    }
    CHECK(n == 0);
    CHECK(assay_buf_status(text) == ASSAY_OK);
    const enum assay_charset charset = assay_stream_charset(s);
    CHECK(charset == ASSAY_UTF8 || charset == ASSAY_BINARY ||
          assay_utf8_valid(text->ptr, text->len) == text->len);
    uint8_t got[ASSAY_SHA256_LEN];
    uint8_t want[ASSAY_SHA256_LEN];
    uint64_t bytes;
    CHECK(assay_stream_finish(s, got, &bytes, &err) == ASSAY_OK && bytes == raw.len);
    CHECK(assay_sha256_of(raw.ptr, raw.len, want) == ASSAY_OK);
    CHECK(memcmp(got, want, sizeof got) == 0);
    free(buf);
    assay_stream_free(s);
    return st;
}

/* `data` as gzip. */
static void compress_to(struct assay_buf *out, const uint8_t *data, size_t size)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    CHECK(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    const size_t cap = deflateBound(&z, size) + 64;
    CHECK(assay_buf_reserve(out, cap) == ASSAY_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = (Bytef *)out->ptr;
    z.avail_out = (uInt)cap;
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len = cap - z.avail_out;
    (void)deflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 5, 9, 4096};
    if (size < 1) {
        return 0;
    }
    ASSAY_AUTO_BUF raw;
    ASSAY_AUTO_BUF whole;
    ASSAY_AUTO_BUF parts;
    assay_buf_init(&raw, ASSAY_MIB(256));
    assay_buf_init(&whole, ASSAY_MIB(256));
    assay_buf_init(&parts, ASSAY_MIB(256));
    if ((data[0] & 4) != 0) {
        compress_to(&raw, data + 1, size - 1);
    } else {
        assay_buf_add(&raw, data + 1, size - 1);
    }
    const enum assay_status a = run(assay_buf_bytes(&raw), 1 << 20, &whole);
    const enum assay_status b = run(assay_buf_bytes(&raw), pieces[data[0] & 3], &parts);
    CHECK(a == b);
    CHECK(assay_bytes_equal(assay_buf_bytes(&whole), assay_buf_bytes(&parts)));
    return 0;
}
