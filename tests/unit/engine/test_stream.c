/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/stream: every layer alone and together, and every way a file can be broken.
 */
#include "tests/unit/unit.h"
#include "tests/unit/random.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/limits.h"
#include "engine/stream.h"

#define MAX_TEXT ASSAY_MIB(64)

/* What came out of one stream. */
struct outcome {
    struct assay_buf text;
    enum assay_status opened, read, finished;
    uint8_t sha[ASSAY_SHA256_LEN];
    uint64_t raw_bytes, undecodable, observed;
    enum assay_charset charset;
    int head_is_all;
};

static void count_raw(void *ctx, struct assay_bytes raw)
{
    *(uint64_t *)ctx += raw.len;
}

/* Reads `fd` to its end in pieces of `cap` bytes. */
static void run_fd(struct outcome *o, int fd, int seekable, size_t cap)
{
    memset(o, 0, sizeof *o);
    assay_buf_init(&o->text, MAX_TEXT);
    const struct assay_stream_options opt = {.observe = count_raw, .observe_ctx = &o->observed};
    struct assay_stream *s = assay_stream_new(&opt);
    assert_non_null(s);
    struct assay_error err;
    char *piece = malloc(cap);
    o->opened = assay_stream_open(s, fd, seekable, &err);
    o->charset = assay_stream_charset(s);
    struct assay_bytes head = assay_stream_head(s, &o->head_is_all);
    char *copy = malloc(head.len + 1);
    memcpy(copy, head.ptr, head.len);
    size_t n;
    while ((o->read = assay_stream_read(s, piece, cap, &n, &err)) == ASSAY_OK) {
        assay_buf_add(&o->text, piece, n);
    }
    assert_int_equal(n, 0);
    if (o->read != ASSAY_END) {
        assert_true(strlen(err.message) > 0);
        assert_int_equal(err.status, o->read);
        assert_int_equal(assay_stream_read(s, piece, cap, &n, &err), ASSAY_END);
    }
    assert_int_equal(assay_buf_status(&o->text), ASSAY_OK);
    assert_true(o->text.len >= head.len);
    assert_int_equal(memcmp(copy, assay_buf_str(&o->text), head.len), 0);
    o->finished = assay_stream_finish(s, o->sha, &o->raw_bytes, &err);
    o->undecodable = assay_stream_undecodable(s);
    free(copy);
    free(piece);
    assay_stream_free(s);
}

static int file_of(const void *data, size_t len)
{
    const int fd = memfd_create("t", 0);
    assert_true(fd >= 0);
    assert_int_equal(assay_fs_write_all(fd, data, len), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Runs `data` as a file; whatever happens, all of it must have been read and hashed. */
static void run(struct outcome *o, const void *data, size_t len, size_t cap)
{
    uint8_t sha[ASSAY_SHA256_LEN];
    run_fd(o, file_of(data, len), 1, cap);
    assert_int_equal(o->finished, ASSAY_OK);
    assert_int_equal(o->raw_bytes, len);
    assert_int_equal(o->observed, len);
    assert_int_equal(assay_sha256_of(data, len, sha), ASSAY_OK);
    assert_memory_equal(sha, o->sha, sizeof sha);
}

static void expect_text(struct outcome *o, enum assay_status end, const char *text, size_t len)
{
    assert_int_equal(o->opened, ASSAY_OK);
    assert_int_equal(o->read, end);
    assert_int_equal(o->text.len, len);
    assert_memory_equal(assay_buf_str(&o->text), text, len);
    assay_buf_release(&o->text);
}

#define EXPECT(o, end, literal) expect_text(o, end, literal, sizeof(literal) - 1)

static void add_gzip(struct assay_buf *out, const void *data, size_t len)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t cap = deflateBound(&z, len) + 64;
    unsigned char *tmp = malloc(cap);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = tmp;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assay_buf_add(out, tmp, cap - z.avail_out);
    (void)deflateEnd(&z);
    free(tmp);
}

static void add_zstd(struct assay_buf *out, const void *data, size_t len)
{
    const size_t cap = ZSTD_compressBound(len);
    char *tmp = malloc(cap);
    const size_t n = ZSTD_compress(tmp, cap, data, len, 3);
    assert_false(ZSTD_isError(n));
    assay_buf_add(out, tmp, n);
    free(tmp);
}

/* Text that does not compress to nothing, several blocks long. */
static void add_noise(struct assay_buf *out, size_t len)
{
    while (out->len < len) {
        assay_buf_addf(out, "%016llx\n", (unsigned long long)next_random());
    }
}

static void plain_text_passes_through(void **state)
{
    (void)state;
    struct outcome o;
    run(&o, "a\nb\n", 4, 4096);
    assert_int_equal(o.head_is_all, 1);
    assert_int_equal(o.charset, ASSAY_UTF8);
    EXPECT(&o, ASSAY_END, "a\nb\n");
    run(&o, "", 0, 4096);
    assert_int_equal(o.head_is_all, 1);
    EXPECT(&o, ASSAY_END, "");
    run(&o, "\xef\xbb\xbfx", 4, 8);
    EXPECT(&o, ASSAY_END, "x");
    run(&o, "bad \xff byte", 10, 8);
    EXPECT(&o, ASSAY_END, "bad \xff byte");
}

static void long_files_come_whole_in_any_piece(void **state)
{
    (void)state;
    static const size_t caps[] = {1, 8, 1000, 65536, 300000};
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, MAX_TEXT);
    add_noise(&text, 700000);
    for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        struct outcome o;
        run(&o, text.ptr, text.len, caps[i]);
        assert_int_equal(o.head_is_all, 0);
        expect_text(&o, ASSAY_END, text.ptr, text.len);
    }
}

static void short_reads_are_put_together(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(write(pair[0], "\x1f", 1), 1);
    ASSAY_AUTO_BUF gz;
    assay_buf_init(&gz, MAX_TEXT);
    add_gzip(&gz, "hello", 5);
    for (size_t i = 1; i < gz.len; i++) {
        assert_int_equal(write(pair[0], gz.ptr + i, 1), 1);
    }
    (void)close(pair[0]);
    struct outcome o;
    run_fd(&o, pair[1], 0, 64);
    assert_int_equal(o.finished, ASSAY_OK);
    assert_int_equal(o.raw_bytes, gz.len);
    EXPECT(&o, ASSAY_END, "hello");
}

static void gzip_members_are_one_stream(void **state)
{
    (void)state;
    struct outcome o;
    ASSAY_AUTO_BUF gz;
    assay_buf_init(&gz, MAX_TEXT);
    add_gzip(&gz, "one\n", 4);
    add_gzip(&gz, "", 0);
    add_gzip(&gz, "two\n", 4);
    run(&o, gz.ptr, gz.len, 4096);
    assert_int_equal(o.head_is_all, 1);
    EXPECT(&o, ASSAY_END, "one\ntwo\n");
    assay_buf_add(&gz, "\0\0\0", 3); /* padding */
    run(&o, gz.ptr, gz.len, 4096);
    EXPECT(&o, ASSAY_END, "one\ntwo\n");
    assay_buf_adds(&gz, "tail");
    run(&o, gz.ptr, gz.len, 4096);
    EXPECT(&o, ASSAY_CORRUPT, "one\ntwo\n");
}

static void broken_gzip_is_told_after_what_was_good(void **state)
{
    (void)state;
    struct outcome o;
    ASSAY_AUTO_BUF text;
    ASSAY_AUTO_BUF gz;
    assay_buf_init(&text, MAX_TEXT);
    assay_buf_init(&gz, MAX_TEXT);
    add_noise(&text, 400000);
    add_gzip(&gz, text.ptr, text.len);
    run(&o, gz.ptr, gz.len / 2, 4096);
    assert_int_equal(o.read, ASSAY_TRUNCATED);
    assert_true(o.text.len > 100000 && o.text.len < text.len);
    assert_memory_equal(o.text.ptr, text.ptr, o.text.len);
    assay_buf_release(&o.text);
    run(&o, gz.ptr, 12, 4096);
    assert_int_equal(o.read, ASSAY_TRUNCATED);
    assay_buf_release(&o.text);
    gz.ptr[gz.len - 6] ^= 0x55; /* the checksum */
    run(&o, gz.ptr, gz.len, 4096);
    expect_text(&o, ASSAY_CORRUPT, text.ptr, text.len);
}

static void zstd_frames_are_one_stream(void **state)
{
    (void)state;
    struct outcome o;
    ASSAY_AUTO_BUF zs;
    assay_buf_init(&zs, MAX_TEXT);
    assay_buf_add(&zs, "\x52\x2a\x4d\x18\x03\0\0\0abc", 11); /* skippable frame */
    add_zstd(&zs, "one\n", 4);
    assay_buf_add(&zs, "\x50\x2a\x4d\x18\0\0\0\0", 8);
    add_zstd(&zs, "two\n", 4);
    run(&o, zs.ptr, zs.len, 4096);
    EXPECT(&o, ASSAY_END, "one\ntwo\n");
    run(&o, zs.ptr, zs.len - 2, 4096);
    assert_int_equal(o.read, ASSAY_TRUNCATED);
    assay_buf_release(&o.text);
    assay_buf_adds(&zs, "tail");
    run(&o, zs.ptr, zs.len, 4096);
    EXPECT(&o, ASSAY_CORRUPT, "one\ntwo\n");
}

/* 64 MiB of one byte in each codec: stopped soon after the floor, and the file is hashed to its end
 * all the same. */
static void bombs_stop_at_the_ratio(void **state)
{
    (void)state;
    const size_t size = ASSAY_MIB(64);
    char *zeroes = malloc(size);
    assert_non_null(zeroes);
    memset(zeroes, 'x', size);
    for (int i = 0; i < 2; i++) {
        struct outcome o;
        ASSAY_AUTO_BUF bomb;
        assay_buf_init(&bomb, MAX_TEXT);
        (i == 0 ? add_gzip : add_zstd)(&bomb, zeroes, size);
        run(&o, bomb.ptr, bomb.len, 65536);
        assert_int_equal(o.read, ASSAY_LIMIT);
        assert_true(o.text.len >= ASSAY_LIMIT_INFLATE_FLOOR);
        assert_true(o.text.len < size);
        assay_buf_release(&o.text);
    }
    free(zeroes);
}

static void utf16_is_decoded(void **state)
{
    (void)state;
    struct outcome o;
    run(&o,
        "\xff\xfe"
        "a\0\x2d\x4e\x3d\xd8\x00\xde",
        10, 8);
    assert_int_equal(o.charset, ASSAY_UTF16LE);
    EXPECT(&o, ASSAY_END, "a\xe4\xb8\xad\xf0\x9f\x98\x80");
    run(&o, "\xfe\xff\0a\x4e\x2d", 6, 1);
    assert_int_equal(o.charset, ASSAY_UTF16BE);
    EXPECT(&o, ASSAY_END, "a\xe4\xb8\xad");
    run(&o, "n\0a\0m\0e\0\n\0", 10, 8); /* no mark */
    assert_int_equal(o.charset, ASSAY_UTF16LE);
    EXPECT(&o, ASSAY_END, "name\n");
    run(&o, "\0n\0a\0m\0e\0\n", 10, 8);
    assert_int_equal(o.charset, ASSAY_UTF16BE);
    EXPECT(&o, ASSAY_END, "name\n");
    /* a lone low half, a high half before a letter, an odd byte at the end */
    run(&o, "\xff\xfe\x00\xdc\x00\xd8z\0x", 9, 8);
    assert_int_equal(o.undecodable, 3);
    EXPECT(&o, ASSAY_END, "\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd");
}

static const char gb_text[] =
    "\xc9\xed\xb7\xdd\xd6\xa4\xba\xc5,\xb5\xe7\xbb\xb0\n" /* 身份证号,电话 */
    "\xce\xd2\xca\xc7\xd6\xd0\xb9\xfa\xc8\xcb\xa1\xa3\n"; /* 我是中国人。 */

static void gb18030_is_decoded(void **state)
{
    (void)state;
    struct outcome o;
    static const char want[] = "身份证号,电话\n我是中国人。\n";
    run(&o, gb_text, sizeof gb_text - 1, 8);
    assert_int_equal(o.charset, ASSAY_GB18030);
    EXPECT(&o, ASSAY_END, want);
    run(&o, "\x84\x31\x95\x33\xd6\xd0\x95\x32\x82\x36", 10, 64); /* marked; U+4E2D, U+20000 */
    EXPECT(&o, ASSAY_END, "\xe4\xb8\xad\xf0\xa0\x80\x80");
    run(&o, "\x84\x31\x95\x33\xd6\xd0\xff!\xd6", 9,
        64); /* a byte that begins nothing, a cut character */
    assert_int_equal(o.undecodable, 2);
    EXPECT(&o, ASSAY_END, "\xe4\xb8\xad\xef\xbf\xbd!\xef\xbf\xbd");
}

/* Pairs fall on every boundary of the middle buffer. */
static void decoding_carries_over_blocks(void **state)
{
    (void)state;
    struct outcome o;
    ASSAY_AUTO_BUF gb;
    ASSAY_AUTO_BUF want;
    assay_buf_init(&gb, MAX_TEXT);
    assay_buf_init(&want, MAX_TEXT);
    assay_buf_adds(&gb, "x");
    assay_buf_adds(&want, "x");
    for (int i = 0; i < 20000; i++) {
        assay_buf_adds(&gb, gb_text);
        assay_buf_adds(&want, "身份证号,电话\n我是中国人。\n");
    }
    ASSAY_AUTO_BUF gz;
    assay_buf_init(&gz, MAX_TEXT);
    add_gzip(&gz, gb.ptr, gb.len);
    run(&o, gz.ptr, gz.len, 1001);
    assert_int_equal(o.charset, ASSAY_GB18030);
    assert_int_equal(o.undecodable, 0);
    expect_text(&o, ASSAY_END, want.ptr, want.len);
}

static void charset_guesses_are_conservative(void **state)
{
    (void)state;
#define ROW(text, all, charset)                                                                    \
    {                                                                                              \
        {text, sizeof(text) - 1}, all, charset                                                     \
    }
    static const struct {
        struct assay_bytes text;
        int all;
        enum assay_charset want;
    } rows[] = {
        ROW("", 1, ASSAY_UTF8),
        ROW("plain", 1, ASSAY_UTF8),
        ROW("身份证号", 1, ASSAY_UTF8),
        ROW("身份证号 \xff", 1, ASSAY_UTF8), /* one bad byte: repaired */
        ROW("caf\xe9 cr\xe8me br\xfbl\xe9"
            "e",
            1, ASSAY_UTF8),                                          /* Latin-1 */
        ROW("\xcf\xf0\xe8\xe2\xe5\xf2 \xec\xe8\xf0", 1, ASSAY_UTF8), /* Windows-1251 */
        ROW("\xf0\xd2\xc9\xd7\xc5\xd4 \xcd\xc9\xd2 \xcb\xc1\xcb \xc4\xc5\xcc\xc1", 1,
            ASSAY_UTF8), /* KOI8-R */
        ROW("\xb3\xaa\xb4\xc2 \xc7\xd1\xb1\xb9 \xbb\xe7\xb6\xf7\xc0\xcc\xb4\xd9", 1,
            ASSAY_UTF8),                                                /* EUC-KR */
        ROW("\xa4\xb3\xa4\xf3\xa4\xcb\xa4\xc1\xa4\xcf", 1, ASSAY_UTF8), /* EUC-JP */
        ROW("\xce\xd2\xca\xc7\xd6\xd0\xb9\xfa\xc8\xcb", 1, ASSAY_GB18030),
        ROW("\xce\xd2\xca\xc7\xd6\xd0\xb9\xfa\xc8", 0, ASSAY_GB18030), /* cut by the head */
        ROW("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x8\6", 0, ASSAY_BINARY),
        ROW("\xff\xfe\0\0a\0\0\0", 1, ASSAY_BINARY),      /* UTF-32 */
        ROW("{\"a\":1}\n\0\n{\"a\":2}\n", 1, ASSAY_UTF8), /* one stray NUL */
        ROW("n\0a\0m\0e\0,\0-N\n\0", 0, ASSAY_UTF16LE),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const enum assay_charset got = assay_charset_guess(rows[i].text, rows[i].all);
        if (got != rows[i].want) {
            print_error("row %zu: %s\n", i, assay_charset_name(got));
        }
        assert_int_equal(got, rows[i].want);
    }
}

static void a_file_that_changes_is_told(void **state)
{
    (void)state;
    struct assay_stream *s = assay_stream_new(NULL);
    const int fd = file_of("abc\n", 4);
    const int writer = dup(fd);
    struct assay_error err;
    uint8_t sha[ASSAY_SHA256_LEN];
    uint64_t raw;
    assert_int_equal(assay_stream_open(s, fd, 1, &err), ASSAY_OK);
    assert_int_equal(write(writer, "d\n", 2), 2);
    assert_int_equal(assay_stream_finish(s, sha, &raw, &err), ASSAY_CHANGED);
    assert_non_null(strstr(err.message, "changed"));
    (void)close(writer);
    assay_stream_free(s);
}

static void only_regular_files_are_opened(void **state)
{
    (void)state;
    struct assay_stream *s = assay_stream_new(NULL);
    struct assay_error err;
    char buf[16];
    size_t n;
    const int fd = open("/", O_RDONLY | O_DIRECTORY);
    assert_int_equal(assay_stream_open(s, fd, 1, &err), ASSAY_UNSUPPORTED);
    assert_int_equal(assay_stream_read(s, buf, sizeof buf, &n, &err), ASSAY_END);
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(assay_stream_open(s, pair[0], 1, &err), ASSAY_UNSUPPORTED);
    (void)close(pair[1]);
    /* a directory read as a stream fails with an error, and finish repeats it */
    assert_int_equal(assay_stream_open(s, open("/", O_RDONLY), 0, &err), ASSAY_IO);
    assert_non_null(strstr(err.message, "cannot read"));
    uint8_t sha[ASSAY_SHA256_LEN];
    uint64_t raw;
    assert_int_equal(assay_stream_finish(s, sha, &raw, &err), ASSAY_IO);
    assay_stream_free(s);
}

static void a_stream_is_reusable(void **state)
{
    (void)state;
    struct assay_stream *s = assay_stream_new(NULL);
    ASSAY_AUTO_BUF gz;
    assay_buf_init(&gz, MAX_TEXT);
    add_gzip(&gz, gb_text, sizeof gb_text - 1);
    for (int i = 0; i < 6; i++) {
        struct assay_error err;
        char buf[256];
        size_t n;
        uint8_t sha[ASSAY_SHA256_LEN];
        uint64_t raw;
        const int gzip = i % 2 == 0;
        const int fd = gzip ? file_of(gz.ptr, gz.len) : file_of("plain", 5);
        assert_int_equal(assay_stream_open(s, fd, 1, &err), ASSAY_OK);
        assert_int_equal(assay_stream_compression(s), gzip ? ASSAY_GZIP : ASSAY_PLAIN);
        assert_int_equal(assay_stream_raw_head(s).len, gzip ? gz.len : 5);
        assert_int_equal(assay_stream_read(s, buf, sizeof buf, &n, &err), ASSAY_OK);
        assert_int_equal(n, gzip ? strlen("身份证号,电话\n我是中国人。\n") : 5);
        assert_int_equal(assay_stream_finish(s, sha, &raw, &err), ASSAY_OK);
        assay_stream_close(s);
        assert_int_equal(assay_stream_fd(s), -1);
    }
    assay_stream_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_passes_through),
        cmocka_unit_test(long_files_come_whole_in_any_piece),
        cmocka_unit_test(short_reads_are_put_together),
        cmocka_unit_test(gzip_members_are_one_stream),
        cmocka_unit_test(broken_gzip_is_told_after_what_was_good),
        cmocka_unit_test(zstd_frames_are_one_stream),
        cmocka_unit_test(bombs_stop_at_the_ratio),
        cmocka_unit_test(utf16_is_decoded),
        cmocka_unit_test(gb18030_is_decoded),
        cmocka_unit_test(decoding_carries_over_blocks),
        cmocka_unit_test(charset_guesses_are_conservative),
        cmocka_unit_test(a_file_that_changes_is_told),
        cmocka_unit_test(only_regular_files_are_opened),
        cmocka_unit_test(a_stream_is_reusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
