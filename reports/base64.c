/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/internal.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void assay_base64_encode(struct assay_bytes in, struct assay_buf *out)
{
    const uint8_t *p = (const uint8_t *)in.ptr;
    if (assay_buf_reserve(out, (in.len / 3 + 1) * 4) != ASSAY_OK) {
        return; /* sticky in the buffer */
    }
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? (uint32_t)p[i + 2] : 0);
        char quad[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63],
                        left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '='};
        assay_buf_add(out, quad, sizeof quad);
    }
}

/* 0..63, or -1. *seen collects which alphabet was used: bit 0 standard, bit 1 URL-safe. */
static int sextet(char c, unsigned *seen)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '/') {
        *seen |= 1;
        return c == '+' ? 62 : 63;
    }
    if (c == '-' || c == '_') {
        *seen |= 2;
        return c == '-' ? 62 : 63;
    }
    return -1;
}

/* Length without padding; SIZE_MAX when the padding is wrong. */
static size_t unpadded(struct assay_bytes in)
{
    size_t n = in.len;
    while (n > 0 && in.len - n < 2 && in.ptr[n - 1] == '=') {
        n--;
    }
    if (n % 4 == 1 || (n != in.len && in.len % 4 != 0)) {
        return SIZE_MAX;
    }
    return n;
}

enum assay_status assay_base64_decode(struct assay_bytes in, struct assay_buf *out)
{
    size_t n = unpadded(in);
    unsigned seen = 0, bits = 0;
    uint32_t acc = 0;
    if (n == SIZE_MAX) {
        return ASSAY_CORRUPT;
    }
    if (assay_buf_reserve(out, n / 4 * 3 + 3) != ASSAY_OK) {
        return assay_buf_status(out);
    }
    for (size_t i = 0; i < n; i++) {
        int v = sextet(in.ptr[i], &seen);
        if (v < 0 || seen == 3) {
            return ASSAY_CORRUPT;
        }
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            assay_buf_addc(out, (char)(acc >> bits & 0xff));
        }
    }
    return (acc & ((1u << bits) - 1)) == 0 ? assay_buf_status(out) : ASSAY_CORRUPT;
}
