/* SPDX-License-Identifier: Apache-2.0
 *
 * Character sets: which one bytes are in, and UTF-8 out of UTF-16 and GB18030.
 *
 * Guessing is conservative, because a wrong guess hides text while no guess merely repairs and
 * counts it: UTF-16 without a mark must be well formed and free of control characters; GB18030 must
 * be well formed throughout and read like Chinese (most characters from level 1 of GB 2312 or its
 * punctuation, and a share of the few hundred characters that make up half of any Chinese text),
 * which Korean, Japanese and Cyrillic 8-bit text is not.
 *
 * GB18030 is decoded by iconv: the C library's table is the standard's. The module is loaded when
 * the decoder is made, so that a process may drop its rights to open files afterwards.
 */
#include "engine/stream_internal.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "core/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct stream_decoder {
    enum assay_charset charset;
    iconv_t gb18030; /* (iconv_t)-1: the C library lacks it */
};

static const iconv_t no_iconv = (iconv_t)-1;

static const struct {
    enum assay_charset charset;
    const char *name;
    struct assay_bytes bom;
} charsets[] = {
    {ASSAY_UTF8, "utf-8", {"\xef\xbb\xbf", 3}},
    {ASSAY_BINARY,
     "binary",
     {"\xff\xfe\0\0", 4}}, /* UTF-32: nothing ships in it; reported, not read */
    {ASSAY_BINARY, "binary", {"\0\0\xfe\xff", 4}},
    {ASSAY_UTF16LE, "utf-16le", {"\xff\xfe", 2}},
    {ASSAY_UTF16BE, "utf-16be", {"\xfe\xff", 2}},
    {ASSAY_GB18030, "gb18030", {"\x84\x31\x95\x33", 4}},
};
#define N_CHARSETS (sizeof charsets / sizeof charsets[0])

/* The most frequent Chinese characters, and those of names, addresses and records, by their GB 2312
 * code. */
static const uint16_t common_han[] = {
    0xb0b2, 0xb0d1, 0xb0d7, 0xb1a3, 0xb1a8, 0xb1b1, 0xb1bb, 0xb1be, 0xb1c8, 0xb1ca, 0xb1d8, 0xb1df,
    0xb1e3, 0xb1e4, 0xb1ed, 0xb1f0, 0xb2a2, 0xb2bb, 0xb2bf, 0xb2c5, 0xb2fa, 0xb3a1, 0xb3a3, 0xb3a4,
    0xb3c2, 0xb3c9, 0xb3cc, 0xb3f6, 0xb4a6, 0xb4ab, 0xb4cb, 0xb4ce, 0xb4d3, 0xb4ef, 0xb4f2, 0xb4f3,
    0xb4f8, 0xb4fa, 0xb5a5, 0xb5ab, 0xb5b1, 0xb5bc, 0xb5bd, 0xb5c0, 0xb5c2, 0xb5c3, 0xb5c4, 0xb5c8,
    0xb5d8, 0xb5da, 0xb5e3, 0xb5e7, 0xb5ea, 0xb6a8, 0xb6a9, 0xb6ab, 0xb6af, 0xb6bc, 0xb6c8, 0xb6d3,
    0xb6d4, 0xb6e0, 0xb6f8, 0xb6f9, 0xb6fb, 0xb6fe, 0xb7a2, 0xb7a8, 0xb7b4, 0xb7bd, 0xb7c5, 0xb7c7,
    0xb7d6, 0xb7dd, 0xb8c3, 0xb8d0, 0xb8df, 0xb8e6, 0xb8f1, 0xb8f6, 0xb8f7, 0xb8f8, 0xb8fc, 0xb9a4,
    0xb9ab, 0xb9b2, 0xb9d8, 0xb9db, 0xb9dc, 0xb9e2, 0xb9e6, 0xb9f9, 0xb9fa, 0xb9fb, 0xb9fd, 0xbaa3,
    0xbac3, 0xbac5, 0xbacd, 0xbace, 0xbacf, 0xbadc, 0xbaf2, 0xbaf3, 0xbafa, 0xbba7, 0xbbaf, 0xbbb0,
    0xbbb9, 0xbbc6, 0xbbd8, 0xbbe1, 0xbbee, 0xbbf2, 0xbbf9, 0xbbfa, 0xbcb0, 0xbcb4, 0xbcb8, 0xbcba,
    0xbcc6, 0xbcc7, 0xbcd2, 0xbcd3, 0xbcdb, 0xbce4, 0xbcfb, 0xbcfe, 0xbda8, 0xbdab, 0xbdbb, 0xbdcc,
    0xbdd3, 0xbdd6, 0xbde1, 0xbde2, 0xbde7, 0xbdf0, 0xbdf1, 0xbdf8, 0xbead, 0xbecd, 0xbedd, 0xbef5,
    0xbef6, 0xbefc, 0xbfa8, 0xbfaa, 0xbfb4, 0xbfc6, 0xbfc9, 0xbfcb, 0xbfcd, 0xbfd5, 0xbfda, 0xc0ad,
    0xc0b4, 0xc0cf, 0xc0e0, 0xc0ed, 0xc0ee, 0xc0ef, 0xc0fb, 0xc1a2, 0xc1a6, 0xc1bd, 0xc1bf, 0xc1cb,
    0xc1d6, 0xc1ec, 0xc1f5, 0xc2b7, 0xc2db, 0xc2eb, 0xc2ed, 0xc3b4, 0xc3bb, 0xc3c0, 0xc3c5, 0xc3c7,
    0xc3e6, 0xc3f1, 0xc3f7, 0xc3fb, 0xc3fc, 0xc4bf, 0xc4c7, 0xc4cf, 0xc4d1, 0xc4da, 0xc4dc, 0xc4e3,
    0xc4ea, 0xc5ae, 0xc6b7, 0xc6bd, 0xc6da, 0xc6e4, 0xc6f0, 0xc6f8, 0xc7b0, 0xc7bf, 0xc7d0, 0xc7d2,
    0xc7e5, 0xc7e9, 0xc7f3, 0xc7f8, 0xc8a1, 0xc8a5, 0xc8a8, 0xc8ab, 0xc8b4, 0xc8b7, 0xc8bb, 0xc8c3,
    0xc8cb, 0xc8ce, 0xc8cf, 0xc8d5, 0xc8e7, 0xc8eb, 0xc8fd, 0xc9ab, 0xc9bd, 0xc9cc, 0xc9cf, 0xc9d9,
    0xc9e7, 0xc9e8, 0xc9ed, 0xc9f1, 0xc9f9, 0xc9fa, 0xcaa1, 0xcaa6, 0xcaae, 0xcab1, 0xcab2, 0xcab5,
    0xcab6, 0xcab9, 0xcabd, 0xcac0, 0xcac2, 0xcac7, 0xcad0, 0xcad6, 0xcadc, 0xcae9, 0xcaf5, 0xcafd,
    0xcbae, 0xcbb5, 0xcbb9, 0xcbbc, 0xcbbe, 0xcbc0, 0xcbc4, 0xcbef, 0xcbf9, 0xcbfb, 0xcbfc, 0xcbfd,
    0xccab, 0xccd8, 0xcce1, 0xcce2, 0xcce5, 0xccec, 0xccf5, 0xccfd, 0xcda8, 0xcdac, 0xcdb3, 0xcdb7,
    0xcde2, 0xcdea, 0xcdf2, 0xcdf5, 0xcdfb, 0xceaa, 0xcebb, 0xcec4, 0xceca, 0xced2, 0xcede, 0xcee2,
    0xcee5, 0xceef, 0xcef1, 0xcef7, 0xcfb5, 0xcfc2, 0xcfc8, 0xcfd6, 0xcfd8, 0xcfe0, 0xcfe4, 0xcfeb,
    0xcff1, 0xcff2, 0xcff3, 0xd0a1, 0xd0a9, 0xd0c2, 0xd0c4, 0xd0c5, 0xd0ce, 0xd0d0, 0xd0d4, 0xd0d5,
    0xd0ec, 0xd0ed, 0xd1a7, 0xd1db, 0xd1ee, 0xd1f9, 0xd2aa, 0xd2b2, 0xd2b5, 0xd2bb, 0xd2d1, 0xd2d4,
    0xd2e2, 0xd2e5, 0xd2f2, 0xd2f8, 0xd3a6, 0xd3c3, 0xd3c9, 0xd3ca, 0xd3d0, 0xd3d6, 0xd3da, 0xd3eb,
    0xd4ad, 0xd4b1, 0xd4ba, 0xd4c2, 0xd4cb, 0xd4d9, 0xd4da, 0xd4f2, 0xd5b9, 0xd5bd, 0xd5c5, 0xd5d4,
    0xd5df, 0xd5e2, 0xd5e6, 0xd5f2, 0xd5f9, 0xd5fd, 0xd5fe, 0xd6a4, 0xd6aa, 0xd6ae, 0xd6b1, 0xd6b7,
    0xd6b8, 0xd6bb, 0xd6c1, 0xd6c6, 0xd6ce, 0xd6d0, 0xd6d6, 0xd6d8, 0xd6dc, 0xd6ec, 0xd6f7, 0xd7a1,
    0xd7c5, 0xd7ca, 0xd7d3, 0xd7d4, 0xd7dc, 0xd7df, 0xd7ee, 0xd7f6, 0xd7f7};
#define N_COMMON_HAN (sizeof common_han / sizeof common_han[0])

const char *assay_charset_name(enum assay_charset c)
{
    for (size_t i = 0; i < N_CHARSETS; i++) {
        if (charsets[i].charset == c) {
            return charsets[i].name;
        }
    }
    return "unknown";
}

static int starts_with(struct assay_bytes s, struct assay_bytes prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

size_t stream_bom(struct assay_bytes head, enum assay_charset charset)
{
    for (size_t i = 0; i < N_CHARSETS; i++) {
        if (charsets[i].charset == charset && charset != ASSAY_BINARY &&
            starts_with(head, charsets[i].bom)) {
            return charsets[i].bom.len;
        }
    }
    return 0;
}

/* ---- guessing ---- */

/* A control character that text does not hold: not tab, line ends, form feed, backspace, escape. */
static int is_odd_control(unsigned c)
{
    return c < 0x20 && (c < 0x08 || c > 0x0d) && c != 0x1b;
}

static int controls_abound(struct assay_bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += (size_t)is_odd_control((unsigned char)s.ptr[i]);
    }
    return n > 2 + s.len / 32;
}

static unsigned utf16_unit(const char *p, int big_endian)
{
    const unsigned a = (unsigned char)p[0];
    const unsigned b = (unsigned char)p[1];
    return big_endian ? a << 8 | b : b << 8 | a;
}

/* Well-formed UTF-16 of printable text, one unit in eight or more below U+0100. */
static int reads_as_utf16(struct assay_bytes s, int is_all, int big_endian)
{
    size_t low = 0;
    int high_open = 0;
    const size_t units = s.len / 2;
    for (size_t i = 0; i < units; i++) {
        const unsigned u = utf16_unit(s.ptr + 2 * i, big_endian);
        const int is_low_half = u >= 0xdc00 && u <= 0xdfff;
        if (is_low_half != high_open || u == 0 || is_odd_control(u) || u >= 0xfffe) {
            return 0;
        }
        high_open = u >= 0xd800 && u <= 0xdbff;
        low += u < 0x100;
    }
    return units >= 4 && low * 8 >= units && !(is_all && (high_open || s.len % 2 != 0));
}

/* Mostly UTF-8, if not all of it: broken bytes are few next to whole multi-byte characters. */
static int reads_as_utf8(struct assay_bytes s, int is_all)
{
    size_t good = 0;
    size_t bad = 0;
    const char *end = s.ptr + s.len;
    for (const char *p = s.ptr; p < end;) {
        uint32_t cp;
        const unsigned n = assay_utf8_decode(p, end, &cp);
        good += n > 1;
        bad += n == 1 && (unsigned char)*p >= 0x80 && (is_all || end - p >= 4);
        p += n;
    }
    return bad == 0 || good > 4 * bad;
}

static int is_common_han(unsigned code)
{
    size_t lo = 0;
    size_t hi = N_COMMON_HAN;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (common_han[mid] == code) {
            return 1;
        }
        if (common_han[mid] < code) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return 0;
}

/* Length of the GB18030 character at p (1, 2 or 4); 0: malformed; -1: cut off by `end`. */
static int gb18030_length(const unsigned char *p, const unsigned char *end)
{
    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] == 0x80 || p[0] == 0xff) {
        return 0;
    }
    if (end - p < 2) {
        return -1;
    }
    if (p[1] >= 0x40 && p[1] != 0x7f && p[1] != 0xff) {
        return 2;
    }
    if (p[1] < 0x30 || p[1] > 0x39) {
        return 0;
    }
    if (end - p < 4) {
        return -1;
    }
    return p[2] >= 0x81 && p[2] <= 0xfe && p[3] >= 0x30 && p[3] <= 0x39 ? 4 : 0;
}

static int reads_as_gb18030(struct assay_bytes s, int is_all)
{
    size_t wide = 0;   /* characters of two or four bytes */
    size_t usual = 0;  /* of them in GB 2312: level 1 characters, punctuation, full-width forms */
    size_t common = 0; /* of them among common_han */
    const unsigned char *p = (const unsigned char *)s.ptr;
    const unsigned char *end = p + s.len;
    while (p < end) {
        const int n = gb18030_length(p, end);
        if (n == 0 || (n < 0 && is_all)) {
            return 0;
        }
        if (n < 0) {
            break;
        }
        if (n > 1) {
            wide++;
            usual += n == 2 && p[1] >= 0xa1 &&
                     ((p[0] >= 0xb0 && p[0] <= 0xd7) || (p[0] >= 0xa1 && p[0] <= 0xa3));
            common += n == 2 && is_common_han((unsigned)p[0] << 8 | p[1]);
        }
        p += n;
    }
    return wide >= 2 && usual * 10 >= wide * 8 && common * 6 >= wide;
}

enum assay_charset assay_charset_guess(struct assay_bytes head, int is_all)
{
    for (size_t i = 0; i < N_CHARSETS; i++) {
        if (starts_with(head, charsets[i].bom)) {
            return charsets[i].charset;
        }
    }
    if (memchr(head.ptr == NULL ? "" : head.ptr, 0, head.len) != NULL) {
        if (reads_as_utf16(head, is_all, 0)) {
            return ASSAY_UTF16LE;
        }
        if (reads_as_utf16(head, is_all, 1)) {
            return ASSAY_UTF16BE;
        }
    }
    if (controls_abound(head)) {
        return ASSAY_BINARY;
    }
    if (!reads_as_utf8(head, is_all) && reads_as_gb18030(head, is_all)) {
        return ASSAY_GB18030;
    }
    return ASSAY_UTF8;
}

/* ---- decoding ---- */

struct stream_decoder *stream_decoder_new(void)
{
    struct stream_decoder *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->gb18030 = iconv_open("UTF-8", "GB18030");
    }
    return d;
}

void stream_decoder_free(struct stream_decoder *d)
{
    if (d != NULL && d->gb18030 != no_iconv) {
        (void)iconv_close(d->gb18030);
    }
    free(d);
}

enum assay_status stream_decoder_start(struct stream_decoder *d, enum assay_charset charset,
                                       struct assay_error *err)
{
    d->charset = charset;
    if (charset != ASSAY_GB18030) {
        return ASSAY_OK;
    }
    if (d->gb18030 == no_iconv) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "the C library cannot decode GB18030: its gconv modules are missing "
                          "(Debian package libc6)");
    }
    (void)iconv(d->gb18030, NULL, NULL, NULL, NULL);
    return ASSAY_OK;
}

/* Decodes one UTF-16 character at p: its length in bytes, or 0 when the input ends inside it. */
static size_t utf16_character(const char *p, size_t len, int big_endian, uint32_t *ret_cp)
{
    if (len < 2) {
        return 0;
    }
    const unsigned u = utf16_unit(p, big_endian);
    *ret_cp = u;
    if (u < 0xd800 || u > 0xdfff) {
        return 2;
    }
    *ret_cp = UINT32_MAX; /* half of a pair, until the other half is seen */
    if (u > 0xdbff) {
        return 2;
    }
    if (len < 4) {
        return 0;
    }
    const unsigned v = utf16_unit(p + 2, big_endian);
    if (v < 0xdc00 || v > 0xdfff) {
        return 2;
    }
    *ret_cp = 0x10000 + ((u - 0xd800) << 10) + (v - 0xdc00);
    return 4;
}

static size_t decode_utf16(struct assay_bytes *in, int last, int big_endian, char *out, size_t cap,
                           uint64_t *bad)
{
    size_t n = 0;
    while (in->len > 0 && n + 4 <= cap) {
        uint32_t cp = UINT32_MAX;
        size_t used = utf16_character(in->ptr, in->len, big_endian, &cp);
        if (used == 0) {
            if (!last) {
                break;
            }
            used = in->len < 2 ? in->len : 2;
        }
        if (cp == UINT32_MAX) {
            (*bad)++;
            cp = 0xfffd;
        }
        if (cp < 0x80) {
            out[n++] = (char)cp;
        } else {
            n += assay_utf8_encode(cp, out + n);
        }
        in->ptr += used;
        in->len -= used;
    }
    return n;
}

static size_t decode_gb18030(iconv_t cd, struct assay_bytes *in, int last, char *out, size_t cap,
                             uint64_t *bad)
{
    char *dst = out;
    size_t room = cap;
    while (in->len > 0) {
        char *src = (char *)(uintptr_t)in->ptr; /* iconv does not write to it */
        size_t left = in->len;
        const size_t rc = iconv(cd, &src, &left, &dst, &room);
        const int why = errno;
        in->ptr = src;
        in->len = left;
        if (rc != (size_t)-1 || why == E2BIG || (why == EINVAL && !last) || room < 3) {
            break;
        }
        const size_t lost = why == EINVAL ? in->len : 1;
        memcpy(dst, REPLACEMENT, 3);
        dst += 3;
        room -= 3;
        in->ptr += lost;
        in->len -= lost;
        (*bad)++;
    }
    return cap - room;
}

size_t stream_decode(struct stream_decoder *d, struct assay_bytes *in, int last, char *out,
                     size_t cap, uint64_t *bad)
{
    if (d->charset == ASSAY_GB18030) {
        return decode_gb18030(d->gb18030, in, last, out, cap, bad);
    }
    return decode_utf16(in, last, d->charset == ASSAY_UTF16BE, out, cap, bad);
}
