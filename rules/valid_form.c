/* SPDX-License-Identifier: Apache-2.0
 *
 * Values known by their form: dates of birth, coordinates, JSON Web Tokens, keys.
 */
#include "rules/valid.h"

/* Reads up to three runs of digits out of a date; other bytes separate. Returns how many. */
static size_t date_numbers(struct assay_bytes text, int number[3], size_t width[3])
{
    size_t n = 0;
    for (size_t i = 0; i < text.len;) {
        size_t len = 0;
        while (i + len < text.len && assay_valid_is_digit(text.ptr[i + len])) {
            len++;
        }
        if (len > 0) {
            if (n == 3 || len > 8) {
                return 0;
            }
            number[n] = assay_valid_number(text.ptr + i, len);
            width[n++] = len;
        }
        i += len > 0 ? len : 1;
    }
    return n;
}

/* Month named in English in `text`, by its first three letters; 0 when there is none. */
static int named_month(struct assay_bytes text)
{
    static const char months[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    for (size_t i = 0; i + 3 <= text.len; i++) {
        for (int m = 0; m < 12; m++) {
            const char *name = months + 3 * m;
            if (assay_valid_upper(text.ptr[i]) == name[0] &&
                assay_valid_upper(text.ptr[i + 1]) == name[1] &&
                assay_valid_upper(text.ptr[i + 2]) == name[2]) {
                return m + 1;
            }
        }
    }
    return 0;
}

static int birth_date(int year, int month, int day)
{
    return year >= 1900 && year <= 2035 && assay_valid_date(year, month, day);
}

/* YYYYMMDD; Y M D; D M Y or M D Y; with a month's name D Y or Y D. */
enum assay_validity assay_valid_date_of_birth(struct assay_bytes text)
{
    int v[3] = {0};
    size_t width[3] = {0};
    size_t n = text.len <= 64 ? date_numbers(text, v, width) : 0;
    if (n == 1 && width[0] == 8) {
        return assay_valid_if(birth_date(v[0] / 10000, v[0] / 100 % 100, v[0] % 100));
    }
    if (n == 2) {
        int month = named_month(text);
        return assay_valid_if(birth_date(v[1], month, v[0]) || birth_date(v[0], month, v[1]));
    }
    if (n == 3) {
        return assay_valid_if(width[0] == 4
                                  ? birth_date(v[0], v[1], v[2])
                                  : birth_date(v[2], v[1], v[0]) || birth_date(v[2], v[0], v[1]));
    }
    return ASSAY_INVALID;
}

/* Reads a decimal number's integer part: magnitude of a coordinate, -1 when it is none. Sets
 * *ret_zero when every digit is 0. Moves *p behind the number. */
static int coordinate(const char **p, const char *end, int *ret_zero)
{
    const char *s = *p;
    int value = 0, digits = 0;
    *ret_zero = 1;
    while (s < end && !assay_valid_is_digit(*s)) {
        s++;
    }
    while (s < end && assay_valid_is_digit(*s) && digits++ < 4) {
        value = value * 10 + (*s - '0');
        *ret_zero &= *s++ == '0';
    }
    if (s < end && *s == '.') {
        int beyond = 0;
        for (s++; s < end && assay_valid_is_digit(*s); s++) {
            beyond |= *s != '0';
        }
        *ret_zero &= !beyond;
        value += beyond && (value == 90 || value == 180); /* 90.1 is out of range */
    }
    *p = s;
    return digits == 0 || digits > 3 ? -1 : value;
}

enum assay_validity assay_valid_geo(struct assay_bytes text)
{
    const char *p = text.ptr;
    const char *end = p;
    int zero_a = 0, zero_b = 0;
    if (text.len == 0) {
        return ASSAY_INVALID;
    }
    end += text.len;
    int a = coordinate(&p, end, &zero_a);
    int b = coordinate(&p, end, &zero_b);
    if (a < 0 || b < 0 || (zero_a && zero_b)) {
        return ASSAY_INVALID;
    }
    return assay_valid_if((a <= 90 && b <= 180) || (a <= 180 && b <= 90));
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (assay_valid_is_digit(c)) {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Decodes at most `cap` bytes; returns how many, 0 on a foreign character. */
static size_t base64url_decode(struct assay_bytes text, char *out, size_t cap)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.len && n < cap; i++) {
        int value = base64url_value(text.ptr[i]);
        if (value < 0) {
            return 0;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFu;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xFF);
        }
    }
    return n;
}

enum assay_validity assay_valid_jwt(struct assay_bytes text)
{
    char header[512];
    const char *dot = text.len > 0 ? memchr(text.ptr, '.', text.len) : NULL;
    if (dot == NULL) {
        return ASSAY_INVALID;
    }
    struct assay_bytes rest = {dot + 1, text.len - (size_t)(dot - text.ptr) - 1};
    if (rest.len == 0 || memchr(rest.ptr, '.', rest.len) == NULL) {
        return ASSAY_INVALID;
    }
    size_t n = base64url_decode(assay_bytes_make(text.ptr, (size_t)(dot - text.ptr)), header,
                                sizeof header);
    if (n < 2 || header[0] != '{' || memmem(header, n, "\"alg\"", 5) == NULL) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(n == sizeof header || header[n - 1] == '}');
}

enum assay_validity assay_valid_secret_key(struct assay_bytes text)
{
    uint8_t seen[256] = {0};
    unsigned different = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t *slot = &seen[(unsigned char)text.ptr[i]];
        different += *slot == 0;
        *slot = 1;
    }
    int sample = text.len >= 7 && memmem(text.ptr, text.len, "EXAMPLE", 7) != NULL;
    return assay_valid_if(different > 10 && !sample);
}
