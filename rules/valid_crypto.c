/* SPDX-License-Identifier: Apache-2.0
 *
 * Cryptocurrency addresses: Base58Check (Bitcoin, Litecoin, Dogecoin, Dash, TRON), Bech32 and
 * Bech32m (Bitcoin, Litecoin), and Ethereum's mixed-case checksum, which needs Keccak-256 (the
 * padding of the original submission, not that of FIPS 202, so libcrypto's SHA-3 does not serve).
 * Sources: BIP 13, BIP 173, BIP 350, EIP-55, the Keccak reference (version 3.0).
 */
#include "rules/valid.h"

#include "core/hash.h"

#define BASE58_BYTES 25 /* version, 20 bytes of hash, 4 of checksum */

/* Decodes base 58 into exactly BASE58_BYTES big-endian bytes; 0 when it does not fit. */
static int base58_decode(struct assay_bytes text, uint8_t out[BASE58_BYTES])
{
    static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    size_t ones = 0, zeroes = 0;
    memset(out, 0, BASE58_BYTES);
    for (size_t i = 0; i < text.len; i++) {
        if (!assay_valid_in(text.ptr[i], alphabet)) {
            return 0;
        }
        uint32_t carry = (uint32_t)(strchr(alphabet, text.ptr[i]) - alphabet);
        for (size_t k = BASE58_BYTES; k-- > 0;) {
            carry += (uint32_t)out[k] * 58;
            out[k] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry != 0) {
            return 0;
        }
        ones += ones == i && text.ptr[i] == '1';
    }
    while (zeroes < BASE58_BYTES && out[zeroes] == 0) {
        zeroes++;
    }
    return ones == zeroes; /* each leading 1 stands for one zero byte: exactly 25 bytes */
}

static enum assay_validity base58_address(struct assay_bytes text)
{
    static const uint8_t versions[] = {0x00, 0x05, 0x30, 0x32, 0x1E, 0x16, 0x4C, 0x10, 0x41};
    uint8_t raw[BASE58_BYTES], digest[ASSAY_SHA256_LEN];
    if (!base58_decode(text, raw) || memchr(versions, raw[0], sizeof versions) == NULL ||
        assay_sha256_of(raw, BASE58_BYTES - 4, digest) != ASSAY_OK ||
        assay_sha256_of(digest, sizeof digest, digest) != ASSAY_OK) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(memcmp(digest, raw + BASE58_BYTES - 4, 4) == 0);
}

static uint32_t bech32_step(uint32_t check, uint32_t value)
{
    static const uint32_t generator[5] = {0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD,
                                          0x2A1462B3};
    uint32_t top = check >> 25;
    check = (check & 0x1FFFFFF) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++) {
        check ^= (top >> i & 1) != 0 ? generator[i] : 0;
    }
    return check;
}

/* Polynomial checksum over the human-readable part and the data; 0 on a foreign character. */
static uint32_t bech32_checksum(const struct assay_valid_text *t, size_t hrp, uint32_t *ret_version)
{
    static const char alphabet[] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    uint32_t check = 1;
    for (size_t i = 0; i < hrp; i++) {
        check = bech32_step(check, (uint32_t)(t->s[i] | 0x20) >> 5);
    }
    check = bech32_step(check, 0);
    for (size_t i = 0; i < hrp; i++) {
        check = bech32_step(check, (uint32_t)(t->s[i] | 0x20) & 31);
    }
    for (size_t i = hrp + 1; i < t->len; i++) {
        if (!assay_valid_in(t->s[i], alphabet)) {
            return 0;
        }
        uint32_t value = (uint32_t)(strchr(alphabet, t->s[i]) - alphabet);
        *ret_version = i == hrp + 1 ? value : *ret_version;
        check = bech32_step(check, value);
    }
    return check;
}

static enum assay_validity bech32_address(struct assay_bytes text)
{
    struct assay_valid_text t;
    int lower = 0, upper = 0;
    for (size_t i = 0; i < text.len; i++) {
        lower |= text.ptr[i] >= 'a' && text.ptr[i] <= 'z';
        upper |= assay_valid_is_upper(text.ptr[i]);
    }
    if ((lower & upper) != 0 || !assay_valid_compact(text, &t) || t.len != text.len || t.len < 14 ||
        t.len > 90) {
        return ASSAY_INVALID;
    }
    size_t hrp = strncmp(t.s, "BC1", 3) == 0 || strncmp(t.s, "TB1", 3) == 0 ? 2 : 3;
    if (hrp == 3 && strncmp(t.s, "LTC1", 4) != 0) {
        return ASSAY_INVALID;
    }
    uint32_t version = 32;
    uint32_t check = bech32_checksum(&t, hrp, &version);
    size_t program =
        t.len - hrp - 8; /* characters behind separator and version, before 6 of checksum */
    if (version == 0 && program != 32 && program != 52) {
        return ASSAY_INVALID; /* BIP 141: 20 or 32 bytes */
    }
    return assay_valid_if(check == (version == 0 ? 1u : 0x2BC830A3u) && version <= 16);
}

static uint64_t rotate(uint64_t v, unsigned n)
{
    return n == 0 ? v : v << n | v >> (64 - n);
}

/* One round of Keccak-f[1600]: theta, rho and pi, chi, iota. */
static void keccak_round(uint64_t a[25], uint64_t constant)
{
    static const uint8_t offsets[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                        25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
    uint64_t column[5], b[25];
    for (unsigned x = 0; x < 5; x++) {
        column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    }
    for (unsigned i = 0; i < 25; i++) {
        a[i] ^= column[(i + 4) % 5] ^ rotate(column[(i + 1) % 5], 1);
    }
    for (unsigned y = 0; y < 5; y++) {
        for (unsigned x = 0; x < 5; x++) {
            b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[x + 5 * y], offsets[x + 5 * y]);
        }
    }
    for (unsigned y = 0; y < 25; y += 5) {
        for (unsigned x = 0; x < 5; x++) {
            a[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
        }
    }
    a[0] ^= constant;
}

static void keccak_permute(uint64_t a[25])
{
    static const uint64_t constants[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
        0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
        0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
    for (unsigned round = 0; round < 24; round++) {
        keccak_round(a, constants[round]);
    }
}

/* Keccak-256 of a message shorter than one block (136 bytes). */
static void keccak256_short(const char *data, size_t len, uint8_t out[32])
{
    uint64_t a[25] = {0};
    for (size_t i = 0; i < len; i++) {
        a[i / 8] ^= (uint64_t)(unsigned char)data[i] << (8 * (i % 8));
    }
    a[len / 8] ^= (uint64_t)1 << (8 * (len % 8));
    a[16] ^= (uint64_t)1 << 63;
    keccak_permute(a);
    for (size_t i = 0; i < 32; i++) {
        out[i] = (uint8_t)(a[i / 8] >> (8 * (i % 8)));
    }
}

/* 40 hexadecimal digits. One case throughout carries no checksum: no opinion. */
static enum assay_validity ethereum_address(const char *s)
{
    char lower[40];
    uint8_t hash[32];
    int small = 0, capital = 0;
    for (size_t i = 0; i < 40; i++) {
        if (assay_valid_hex(s[i]) < 0) {
            return ASSAY_INVALID;
        }
        small |= s[i] >= 'a';
        capital |= assay_valid_is_upper(s[i]);
        lower[i] = assay_valid_is_upper(s[i]) ? (char)(s[i] | 0x20) : s[i];
    }
    if ((small & capital) == 0) {
        return ASSAY_UNKNOWN;
    }
    keccak256_short(lower, 40, hash);
    for (size_t i = 0; i < 40; i++) {
        unsigned nibble = hash[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15u;
        if (!assay_valid_is_digit(s[i]) && (nibble >= 8) != assay_valid_is_upper(s[i])) {
            return ASSAY_INVALID;
        }
    }
    return ASSAY_VALID;
}

enum assay_validity assay_valid_crypto_address(struct assay_bytes text)
{
    if (text.len == 42 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x') {
        return ethereum_address(text.ptr + 2);
    }
    if (text.len >= 25 && text.len <= 35 && base58_address(text) == ASSAY_VALID) {
        return ASSAY_VALID;
    }
    return bech32_address(text);
}
