/* SPDX-License-Identifier: Apache-2.0
 *
 * Network addresses: IPv4, IPv6, MAC, host names in e-mail addresses and URLs. Forms that are right
 * but more often mean something else (version numbers, "::1") are ASSAY_UNKNOWN.
 */
#include "rules/valid.h"

/* Reads decimal digits, at most `max_len` of them, no leading zero; returns the value or -1. */
static int read_decimal(const char **p, const char *end, size_t max_len)
{
    const char *s = *p;
    size_t n = 0;
    while (s + n < end && n < max_len && assay_valid_is_digit(s[n])) {
        n++;
    }
    if (n == 0 || (n > 1 && s[0] == '0')) {
        return -1;
    }
    *p = s + n;
    return assay_valid_number(s, n);
}

/* Reads four octets; 0 when they are not there. */
static int read_ipv4(const char **p, const char *end, uint8_t octet[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (*p == end || *(*p)++ != '.')) {
            return 0;
        }
        int value = read_decimal(p, end, 3);
        if (value < 0 || value > 255) {
            return 0;
        }
        octet[i] = (uint8_t)value;
    }
    return 1;
}

/* Whether [p, end) is empty or "/N" with N at most `bits`. */
static int prefix_ok(const char *p, const char *end, int bits)
{
    if (p == end) {
        return 1;
    }
    if (*p++ != '/') {
        return 0;
    }
    int value = read_decimal(&p, end, 3);
    return p == end && value >= 0 && value <= bits;
}

/* Four single digits, or a zero in front, are more often a section or a version than a machine. */
static int looks_like_version(const uint8_t o[4])
{
    return o[0] == 0 || (o[0] < 10 && o[1] < 10 && o[2] < 10 && o[3] < 10);
}

enum assay_validity assay_valid_ipv4(struct assay_bytes text)
{
    const char *p = text.ptr;
    const char *end = text.len > 0 ? text.ptr + text.len : text.ptr;
    uint8_t o[4];
    if (text.len == 0 || !read_ipv4(&p, end, o) || !prefix_ok(p, end, 32)) {
        return ASSAY_INVALID;
    }
    return looks_like_version(o) && p == end ? ASSAY_UNKNOWN : ASSAY_VALID;
}

/* State of an IPv6 parse. */
struct ipv6 {
    const char *p, *end;
    unsigned groups;  /* 16-bit groups read, an IPv4 tail counts 2 */
    unsigned nonzero; /* groups other than 0 */
    int compressed;   /* "::" was seen */
    int digits;       /* a decimal digit was seen */
};

/* Reads one group of 1..4 hex digits. */
static int ipv6_group(struct ipv6 *v)
{
    size_t n = 0;
    int value = 0;
    while (v->p + n < v->end && n < 4 && assay_valid_hex(v->p[n]) >= 0) {
        value = value * 16 + assay_valid_hex(v->p[n]);
        v->digits |= assay_valid_is_digit(v->p[n]);
        n++;
    }
    v->p += n;
    v->groups += n > 0;
    v->nonzero += value != 0;
    return n > 0;
}

/* Whether an IPv4 tail starts at p, which must then be all that is left before zone or prefix. */
static int ipv6_tail(struct ipv6 *v)
{
    const char *p = v->p;
    uint8_t o[4];
    if (!read_ipv4(&p, v->end, o)) {
        return 0;
    }
    v->p = p;
    v->groups += 2;
    v->nonzero += (o[0] | o[1] | o[2] | o[3]) != 0;
    v->digits = 1;
    return 1;
}

static int ipv6_colons(struct ipv6 *v)
{
    if (v->end - v->p >= 2 && v->p[0] == ':' && v->p[1] == ':') {
        if (v->compressed) {
            return 0;
        }
        v->compressed = 1;
        v->p += 2;
        return 1;
    }
    if (v->p < v->end && v->p[0] == ':' && v->groups > 0) {
        v->p++;
        return v->p < v->end && assay_valid_hex(*v->p) >= 0;
    }
    return 0;
}

/* Groups, colons and a tail up to a zone, a prefix or the end. */
static int ipv6_address(struct ipv6 *v)
{
    for (;;) {
        if (ipv6_tail(v)) {
            break;
        }
        int group = ipv6_group(v);
        if (v->p == v->end || *v->p != ':') {
            if (!group && !(v->compressed && v->p[-1] == ':')) {
                return 0;
            }
            break;
        }
        if (v->groups > 8 || !ipv6_colons(v)) {
            return 0;
        }
    }
    return v->compressed ? v->groups <= 7 : v->groups == 8;
}

static void ipv6_zone(struct ipv6 *v)
{
    if (v->p < v->end && *v->p == '%') {
        do {
            v->p++;
        } while (v->p < v->end && *v->p != '/');
    }
}

enum assay_validity assay_valid_ipv6(struct assay_bytes text)
{
    struct ipv6 v = {.p = text.ptr, .end = text.ptr};
    if (text.len < 2 || text.len > 80) {
        return ASSAY_INVALID;
    }
    v.end += text.len;
    if (!ipv6_address(&v)) {
        return ASSAY_INVALID;
    }
    ipv6_zone(&v);
    /* "::", "dead::beef" and other words around a scope operator are not addresses. */
    if (!prefix_ok(v.p, v.end, 128) || (v.compressed && !v.digits)) {
        return ASSAY_INVALID;
    }
    return v.nonzero == 0 || (v.compressed && v.groups < 2) ? ASSAY_UNKNOWN : ASSAY_VALID;
}

enum assay_validity assay_valid_mac(struct assay_bytes text)
{
    unsigned nibbles = 0, zeroes = 0, ones = 0, last = 0;
    char separator = '\0';
    for (size_t i = 0; i < text.len; i++) {
        int value = assay_valid_hex(text.ptr[i]);
        if (value >= 0) {
            nibbles++;
            zeroes += value == 0;
            ones += value == 15;
            continue;
        }
        unsigned step = text.ptr[i] == '.' ? 4 : 2;
        if (!assay_valid_in(text.ptr[i], ":-.") || nibbles != last + step ||
            (separator != '\0' && text.ptr[i] != separator)) {
            return ASSAY_INVALID;
        }
        separator = text.ptr[i];
        last = nibbles;
    }
    return assay_valid_if(nibbles == 12 && zeroes < 12 && ones < 12);
}

/* One label of a host name: letters, digits, inner hyphens. */
static int label_ok(const char *s, size_t len)
{
    if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        char c = assay_valid_upper(s[i]);
        if (!assay_valid_is_digit(c) && !assay_valid_is_upper(c) && c != '-' && c != '_') {
            return 0;
        }
    }
    return 1;
}

/* Endings that look like a top-level domain but name a file: "icon@2x.png". */
static int is_file_suffix(const char *s, size_t len)
{
    static const char *const suffixes[] = {"PNG",  "JPG", "JPEG", "GIF",  "SVG",  "WEBP",
                                           "BMP",  "ICO", "CSS",  "HTML", "JSON", "XML",
                                           "YAML", "PDF", "TXT",  NULL};
    for (size_t i = 0; suffixes[i] != NULL; i++) {
        size_t k = 0;
        while (k < len && assay_valid_upper(s[k]) == suffixes[i][k]) {
            k++;
        }
        if (k == len && suffixes[i][k] == '\0') {
            return 1;
        }
    }
    return 0;
}

static int top_level_ok(const char *s, size_t len)
{
    if (len < 2 || len > 24 || is_file_suffix(s, len)) {
        return 0;
    }
    if (len > 4 && assay_valid_upper(s[0]) == 'X' && assay_valid_upper(s[1]) == 'N' &&
        s[2] == '-' && s[3] == '-') {
        return 1;
    }
    for (size_t i = 0; i < len; i++) {
        if (!assay_valid_is_upper(assay_valid_upper(s[i]))) {
            return 0;
        }
    }
    return 1;
}

/* Whether s is a host name of at least two labels with a plausible top level. */
static int domain_ok(const char *s, size_t len)
{
    size_t start = 0, labels = 0;
    if (len > 253) {
        return 0;
    }
    for (size_t i = 0; i <= len; i++) {
        if (i < len && s[i] != '.') {
            continue;
        }
        if (!label_ok(s + start, i - start)) {
            return 0;
        }
        labels++;
        if (i == len) {
            break;
        }
        start = i + 1;
    }
    return labels >= 2 && top_level_ok(s + start, len - start);
}

enum assay_validity assay_valid_email_domain(struct assay_bytes text)
{
    const char *at = text.len > 0 ? memrchr(text.ptr, '@', text.len) : NULL;
    if (at == NULL || at == text.ptr || at - text.ptr > 64) {
        return ASSAY_INVALID;
    }
    size_t local = (size_t)(at - text.ptr);
    if (text.ptr[0] == '.' || at[-1] == '.' || memmem(text.ptr, local, "..", 2) != NULL) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(domain_ok(at + 1, text.len - local - 1));
}

/* Finds "://" after a scheme; returns the start of the authority. */
static const char *url_authority(struct assay_bytes text)
{
    const char *p = text.len > 3 ? memmem(text.ptr, text.len, "://", 3) : NULL;
    if (p == NULL || p == text.ptr || !assay_valid_is_upper(assay_valid_upper(text.ptr[0]))) {
        return NULL;
    }
    for (const char *s = text.ptr; s < p; s++) {
        char c = assay_valid_upper(*s);
        if (!assay_valid_is_upper(c) && !assay_valid_is_digit(c) && !assay_valid_in(c, "+-.")) {
            return NULL;
        }
    }
    return p + 3;
}

/* The host inside an authority: after user information, before a port. */
static struct assay_bytes url_host(const char *s, const char *end)
{
    const char *stop = s;
    while (stop < end && !assay_valid_in(*stop, "/?#")) {
        stop++;
    }
    const char *at = stop > s ? memrchr(s, '@', (size_t)(stop - s)) : NULL;
    s = at == NULL ? s : at + 1;
    if (s < stop && *s == '[') {
        const char *close = memchr(s, ']', (size_t)(stop - s));
        return close == NULL ? assay_bytes_make(s, 0)
                             : assay_bytes_make(s + 1, (size_t)(close - s - 1));
    }
    const char *colon = stop > s ? memchr(s, ':', (size_t)(stop - s)) : NULL;
    return assay_bytes_make(s, (size_t)((colon == NULL ? stop : colon) - s));
}

/* A host is a domain, an address, or one label (a name in a private network): the last is no proof.
 */
enum assay_validity assay_valid_url(struct assay_bytes text)
{
    const char *authority = url_authority(text);
    if (authority == NULL) {
        return ASSAY_INVALID;
    }
    struct assay_bytes host = url_host(authority, text.ptr + text.len);
    if (host.len == 0) {
        return ASSAY_INVALID;
    }
    if (domain_ok(host.ptr, host.len) || assay_valid_ipv4(host) != ASSAY_INVALID ||
        assay_valid_ipv6(host) != ASSAY_INVALID) {
        return ASSAY_VALID;
    }
    return label_ok(host.ptr, host.len) ? ASSAY_UNKNOWN : ASSAY_INVALID;
}
