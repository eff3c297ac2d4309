/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream pulls: the caller's buffer is filled from the head, then from the decoder, then from the
 * inflater, then from the raw block, each asking the one below only when it is empty. Every raw
 * block is hashed and shown to the observer the moment it is read, whatever happens to it further
 * up.
 *
 * Blocks are read into page-aligned memory: a destination 16 bytes off a 32-byte boundary, which is
 * what malloc gives for large blocks, makes read(2) five times slower.
 *
 * How a stream ends is kept in `tail`: the status to report once, when all text before it has been
 * delivered; afterwards only ASSAY_END is said.
 */
#include "engine/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/status.h"
#include "engine/stream_internal.h"

#define PAGE      4096
#define RAW_BLOCK ASSAY_KIB(256)
#define MID_BLOCK ASSAY_KIB(128)

#define LOOK_UP_MS 100

struct assay_stream {
    struct stream_input in; /* first: refill() gets back to the stream through it */
    struct assay_stream_options opt;
    int fd;
    int seekable;
    struct stat before;
    enum assay_status io; /* sticky failure of read(2) or of the hash */
    struct assay_error io_err;
    struct assay_sha256 *sha;
    struct stream_inflater *inflater;
    struct stream_decoder *decoder;
    enum assay_compression compression;
    enum assay_charset charset;
    unsigned char *raw;       /* RAW_BLOCK, aligned */
    char *mid;                /* MID_BLOCK, aligned: inflated, not yet decoded */
    struct assay_bytes wait;  /* what of mid waits to be decoded */
    char *head;               /* ASSAY_LIMIT_HEAD, aligned: decoded, not yet read */
    struct assay_bytes ahead; /* what of head waits to be read */
    unsigned char *raw_head;  /* ASSAY_LIMIT_HEAD */
    size_t raw_head_len;
    uint64_t inflated; /* bytes the inflater gave */
    uint64_t undecodable;
    enum assay_status tail; /* ASSAY_OK: more may come */
    struct assay_error tail_err;
};

/* ---- raw bytes ---- */

static int is_stopped(const struct assay_stream *s)
{
    return s->opt.stop != NULL && s->opt.stop(s->opt.stop_ctx);
}

/* Waits until a pipe has something to say. A signal may be taken by another thread, which would not
 * interrupt this one: so it looks up now and then. */
static int await(const struct assay_stream *s)
{
    struct pollfd p = {s->fd, POLLIN, 0};
    int ready = 0;
    while (ready == 0) {
        ready = poll(&p, 1, LOOK_UP_MS);
        if (is_stopped(s)) {
            errno = ECANCELED;
            return -1;
        }
    }
    return 0; /* what poll(2) cannot do with it, read(2) will say */
}

/* One read(2) that waits out signals and non-blocking descriptors; ECANCELED when told to stop. */
static ssize_t read_some(const struct assay_stream *s, void *buf, size_t cap)
{
    for (;;) {
        if (!s->seekable && await(s) != 0) {
            return -1;
        }
        const ssize_t n = read(s->fd, buf, cap);
        if (n >= 0 || (errno != EINTR && errno != EAGAIN)) {
            return n;
        }
    }
}

/* The sticky failure, ASSAY_OK when there is none. */
static enum assay_status io_failure(const struct assay_stream *s, struct assay_error *err)
{
    if (s->io != ASSAY_OK && err != NULL) {
        *err = s->io_err;
    }
    return s->io;
}

/* Fills the block until it holds at least a head's worth (pipes give little at a time), or the file
 * ends. */
static enum assay_status raw_refill(struct stream_input *in, struct assay_error *err)
{
    struct assay_stream *s = (struct assay_stream *)in;
    size_t have = 0;
    while (have < ASSAY_LIMIT_HEAD && !in->eof && s->io == ASSAY_OK) {
        const ssize_t n = read_some(s, s->raw + have, RAW_BLOCK - have);
        if (n < 0 && errno == ECANCELED) {
            s->io = assay_fail(&s->io_err, ASSAY_CANCELLED, "cancelled while waiting for input");
        } else if (n < 0) {
            s->io = assay_fail_errno(&s->io_err, errno, "cannot read");
        } else if (n == 0) {
            in->eof = 1;
        } else {
            have += (size_t)n;
        }
    }
    in->ptr = s->raw;
    in->len = have;
    in->total += have;
    if (have > 0) {
        const enum assay_status st = assay_sha256_update(s->sha, s->raw, have);
        if (st != ASSAY_OK) {
            s->io = assay_fail(&s->io_err, st, "cannot hash");
            return io_failure(s, err);
        }
        if (s->opt.observe != NULL) {
            s->opt.observe(s->opt.observe_ctx, assay_bytes_make((const char *)s->raw, have));
        }
        return ASSAY_OK;
    }
    return io_failure(s, err);
}

/* ---- undecoded bytes ---- */

static enum assay_status check_ratio(const struct assay_stream *s, struct assay_error *err)
{
    const uint64_t used = s->in.total - s->in.len;
    if (s->inflated <= s->opt.ratio_floor || s->inflated / s->opt.max_ratio < used + 1) {
        return ASSAY_OK;
    }
    return assay_fail(err, ASSAY_LIMIT,
                      "the compressed data grows more than %llu times: it may be a "
                      "decompression bomb; the rest is not scanned",
                      (unsigned long long)s->opt.max_ratio);
}

static enum assay_status pull_plain(struct assay_stream *s, char *out, size_t cap, size_t *ret_len,
                                    struct assay_error *err)
{
    if (s->in.len == 0 && !s->in.eof) {
        const enum assay_status st = raw_refill(&s->in, err);
        if (st != ASSAY_OK) {
            return st;
        }
    }
    const size_t n = s->in.len < cap ? s->in.len : cap;
    if (n == 0) {
        return ASSAY_END;
    }
    memcpy(out, s->in.ptr, n);
    s->in.ptr += n;
    s->in.len -= n;
    *ret_len = n;
    return ASSAY_OK;
}

/* ASSAY_OK with bytes; otherwise s->tail says how the stream ended. */
static enum assay_status pull(struct assay_stream *s, char *out, size_t cap, size_t *ret_len)
{
    *ret_len = 0;
    if (s->tail != ASSAY_OK) {
        return s->tail;
    }
    struct assay_error err;
    memset(&err, 0, sizeof err);
    enum assay_status st;
    if (s->compression == ASSAY_PLAIN) {
        st = pull_plain(s, out, cap, ret_len, &err);
    } else {
        st = check_ratio(s, &err);
        if (st == ASSAY_OK) {
            st = stream_inflate(s->inflater, &s->in, out, cap, ret_len, &err);
            s->inflated += *ret_len;
        }
    }
    if (st != ASSAY_OK) {
        s->tail = st;
        s->tail_err = err;
    }
    return st;
}

/* Fills mid as far as the stream goes. */
static void pull_mid(struct assay_stream *s, size_t want)
{
    if (s->wait.len > 0 && s->wait.ptr != s->mid) {
        memmove(s->mid, s->wait.ptr, s->wait.len);
    }
    s->wait.ptr = s->mid;
    while (s->wait.len < want) {
        size_t n;
        if (pull(s, s->mid + s->wait.len, MID_BLOCK - s->wait.len, &n) != ASSAY_OK) {
            return;
        }
        s->wait.len += n;
    }
}

/* ---- text ---- */

static size_t decode_some(struct assay_stream *s, char *out, size_t cap)
{
    for (;;) {
        const int last = s->tail != ASSAY_OK;
        const size_t n = stream_decode(s->decoder, &s->wait, last, out, cap, &s->undecodable);
        if (n > 0 || last) {
            return n;
        }
        pull_mid(s, s->wait.len + 1);
    }
}

static int is_decoded(const struct assay_stream *s)
{
    return s->charset != ASSAY_UTF8 && s->charset != ASSAY_BINARY;
}

/* Moves up to `cap` bytes from the front of `from`. */
static size_t take_front(struct assay_bytes *from, char *out, size_t cap)
{
    const size_t n = from->len < cap ? from->len : cap;
    if (n > 0) {
        memcpy(out, from->ptr, n);
        *from = assay_bytes_make(from->ptr + n, from->len - n);
    }
    return n;
}

/* Text after the head; 0 bytes when the stream ended. */
static size_t text_some(struct assay_stream *s, char *out, size_t cap)
{
    if (is_decoded(s)) {
        return decode_some(s, out, cap);
    }
    size_t n = take_front(&s->wait, out, cap);
    if (n == 0) {
        (void)pull(s, out, cap, &n);
    }
    return n;
}

static void fill_head(struct assay_stream *s)
{
    size_t have = 0;
    while (ASSAY_LIMIT_HEAD - have >= STREAM_DECODE_ROOM) {
        const size_t n = text_some(s, s->head + have, ASSAY_LIMIT_HEAD - have);
        if (n == 0) {
            break;
        }
        have += n;
    }
    s->ahead = assay_bytes_make(s->head, have);
}

/* ---- the door ---- */

static void *aligned_block(size_t size)
{
    return aligned_alloc(PAGE, size);
}

struct assay_stream *assay_stream_new(const struct assay_stream_options *opt)
{
    struct assay_stream *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->fd = -1;
    s->in.refill = raw_refill;
    if (opt != NULL) {
        s->opt = *opt;
    }
    if (s->opt.max_ratio == 0) {
        s->opt.max_ratio = ASSAY_LIMIT_INFLATE_RATIO;
    }
    if (s->opt.ratio_floor == 0) {
        s->opt.ratio_floor = ASSAY_LIMIT_INFLATE_FLOOR;
    }
    s->sha = assay_sha256_new();
    s->inflater = stream_inflater_new();
    s->decoder = stream_decoder_new();
    s->raw = aligned_block(RAW_BLOCK);
    s->mid = aligned_block(MID_BLOCK);
    s->head = aligned_block(ASSAY_LIMIT_HEAD);
    s->raw_head = malloc(ASSAY_LIMIT_HEAD);
    if (s->sha == NULL || s->inflater == NULL || s->decoder == NULL || s->raw == NULL ||
        s->mid == NULL || s->head == NULL || s->raw_head == NULL) {
        assay_stream_free(s);
        return NULL;
    }
    return s;
}

void assay_stream_free(struct assay_stream *s)
{
    if (s == NULL) {
        return;
    }
    assay_stream_close(s);
    assay_sha256_free(s->sha);
    stream_inflater_free(s->inflater);
    stream_decoder_free(s->decoder);
    free(s->raw);
    free(s->mid);
    free(s->head);
    free(s->raw_head);
    free(s);
}

static void reset(struct assay_stream *s, int fd, int seekable)
{
    s->fd = fd;
    s->seekable = seekable;
    s->in.ptr = s->raw;
    s->in.len = 0;
    s->in.eof = 0;
    s->in.total = 0;
    s->io = ASSAY_OK;
    s->wait = assay_bytes_make(s->mid, 0);
    s->ahead = assay_bytes_make(s->head, 0);
    s->raw_head_len = 0;
    s->inflated = 0;
    s->undecodable = 0;
    s->tail = ASSAY_OK;
    memset(&s->tail_err, 0, sizeof s->tail_err);
}

static enum assay_status open_file(struct assay_stream *s, struct assay_error *err)
{
    if (!s->seekable) {
        return ASSAY_OK;
    }
    if (fstat(s->fd, &s->before) != 0) {
        return assay_fail_errno(err, errno, "cannot stat");
    }
    if (!S_ISREG(s->before.st_mode)) {
        return assay_fail(err, ASSAY_UNSUPPORTED, "not a regular file");
    }
    (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return ASSAY_OK;
}

/* Detects compression from the first raw block, and prepares for it. */
static enum assay_status open_layers(struct assay_stream *s, struct assay_error *err)
{
    enum assay_status st = raw_refill(&s->in, err);
    if (st != ASSAY_OK) {
        return st;
    }
    s->raw_head_len = s->in.len < ASSAY_LIMIT_HEAD ? s->in.len : ASSAY_LIMIT_HEAD;
    memcpy(s->raw_head, s->raw, s->raw_head_len);
    s->compression = stream_compression_of(s->in.ptr, s->in.len);
    if (s->compression != ASSAY_PLAIN) {
        st = stream_inflater_start(s->inflater, s->compression, err);
        if (st != ASSAY_OK) {
            return st;
        }
    }
    pull_mid(s, ASSAY_LIMIT_HEAD);
    s->charset = assay_charset_guess(s->wait, s->tail != ASSAY_OK);
    const size_t mark = stream_bom(s->wait, s->charset);
    s->wait.ptr += mark;
    s->wait.len -= mark;
    st = is_decoded(s) ? stream_decoder_start(s->decoder, s->charset, err) : ASSAY_OK;
    if (st == ASSAY_OK) {
        fill_head(s);
    }
    return st;
}

enum assay_status assay_stream_open_raw(struct assay_stream *s, int fd, int seekable,
                                        struct assay_error *err)
{
    assay_stream_close(s);
    reset(s, fd, seekable);
    s->compression = ASSAY_PLAIN;
    s->charset = ASSAY_UTF8;
    enum assay_status st = assay_sha256_start(s->sha);
    return st == ASSAY_OK ? open_file(s, err) : assay_fail(err, st, "cannot start hashing");
}

enum assay_status assay_stream_open(struct assay_stream *s, int fd, int seekable,
                                    struct assay_error *err)
{
    enum assay_status st = assay_stream_open_raw(s, fd, seekable, err);
    if (st == ASSAY_OK) {
        st = open_layers(s, err);
    }
    if (st != ASSAY_OK) {
        s->tail = ASSAY_END;
    }
    return st;
}

enum assay_compression assay_stream_compression(const struct assay_stream *s)
{
    return s->compression;
}

enum assay_charset assay_stream_charset(const struct assay_stream *s)
{
    return s->charset;
}

struct assay_bytes assay_stream_head(struct assay_stream *s, int *ret_all)
{
    *ret_all = s->tail != ASSAY_OK && s->wait.len == 0;
    return s->ahead;
}

struct assay_bytes assay_stream_raw_head(const struct assay_stream *s)
{
    return assay_bytes_make((const char *)s->raw_head, s->raw_head_len);
}

enum assay_status assay_stream_read(struct assay_stream *s, char *buf, size_t cap, size_t *ret_len,
                                    struct assay_error *err)
{
    if (s->ahead.len == 0 && cap < STREAM_DECODE_ROOM && is_decoded(s)) {
        fill_head(s); /* no character might fit: decode aside */
    }
    size_t n = take_front(&s->ahead, buf, cap);
    if (n == 0) {
        n = text_some(s, buf, cap);
    }
    *ret_len = n;
    if (n > 0) {
        return ASSAY_OK;
    }
    const enum assay_status st = s->tail;
    s->tail = ASSAY_END;
    if (st != ASSAY_END && err != NULL) {
        *err = s->tail_err;
    }
    return st;
}

static enum assay_status compare_stat(const struct assay_stream *s, struct assay_error *err)
{
    struct stat now;
    const struct stat *was = &s->before;
    if (fstat(s->fd, &now) != 0) {
        return assay_fail_errno(err, errno, "cannot stat");
    }
    if (now.st_dev != was->st_dev || now.st_ino != was->st_ino || now.st_size != was->st_size ||
        now.st_mtim.tv_sec != was->st_mtim.tv_sec || now.st_mtim.tv_nsec != was->st_mtim.tv_nsec ||
        now.st_ctim.tv_sec != was->st_ctim.tv_sec || now.st_ctim.tv_nsec != was->st_ctim.tv_nsec ||
        s->in.total != (uint64_t)was->st_size) {
        return assay_fail(err, ASSAY_CHANGED,
                          "the file changed while it was read: wait until the delivery is "
                          "complete, then audit it again");
    }
    return ASSAY_OK;
}

enum assay_status assay_stream_finish(struct assay_stream *s, uint8_t ret_sha256[ASSAY_SHA256_LEN],
                                      uint64_t *ret_raw_bytes, struct assay_error *err)
{
    enum assay_status st = s->fd < 0 ? assay_fail(err, ASSAY_IO, "not open") : io_failure(s, err);
    while (st == ASSAY_OK && !s->in.eof) {
        st = raw_refill(&s->in, err);
    }
    *ret_raw_bytes = s->in.total;
    const enum assay_status hashed = assay_sha256_finish(s->sha, ret_sha256);
    if (st == ASSAY_OK && hashed != ASSAY_OK) {
        return assay_fail(err, hashed, "cannot hash");
    }
    if (st == ASSAY_OK && s->seekable) {
        st = compare_stat(s, err);
    }
    return st;
}

uint64_t assay_stream_raw_bytes(const struct assay_stream *s)
{
    return s->in.total;
}

uint64_t assay_stream_undecodable(const struct assay_stream *s)
{
    return s->undecodable;
}

void assay_stream_close(struct assay_stream *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
}

int assay_stream_fd(const struct assay_stream *s)
{
    return s->fd;
}
