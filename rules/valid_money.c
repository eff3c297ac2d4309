/* SPDX-License-Identifier: Apache-2.0
 *
 * Payment cards and bank accounts. Issuer ranges and IBAN lengths are tables; a Luhn digit alone
 * passes one random number in ten, so card rules ask for both.
 */
#include "rules/valid.h"

enum assay_validity assay_valid_luhn(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len < 2) {
        return ASSAY_INVALID;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < t.len; i++) {
        unsigned d = (unsigned)(t.s[t.len - 1 - i] - '0');
        if (i % 2 == 1) {
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        }
        sum += d;
    }
    return assay_valid_if(sum % 10 == 0 && strspn(t.s, "0") != t.len);
}

#define LEN(n)          (1u << (n))
#define LEN_RANGE(a, b) ((LEN((b) + 1) - 1) & ~(LEN(a) - 1))

/* A range of leading digits (`digits` of them) and the lengths cards in it have. Sorted by nothing:
 * the first row that fits decides, so narrow rows stand before wide ones. */
static const struct {
    uint32_t from, to;
    uint8_t digits;
    uint32_t lengths;
} issuers[] = {
    {34, 34, 2, LEN(15)},                         /* American Express */
    {37, 37, 2, LEN(15)},                         /* American Express */
    {300, 305, 3, LEN(14) | LEN_RANGE(16, 19)},   /* Diners Club */
    {3095, 3095, 4, LEN(14) | LEN_RANGE(16, 19)}, /* Diners Club */
    {36, 36, 2, LEN_RANGE(14, 19)},               /* Diners Club */
    {38, 39, 2, LEN(14) | LEN_RANGE(16, 19)},     /* Diners Club */
    {3528, 3589, 4, LEN_RANGE(16, 19)},           /* JCB */
    {2131, 2131, 4, LEN(15)},                     /* JCB, older */
    {1800, 1800, 4, LEN(15)},                     /* JCB, older */
    {2221, 2720, 4, LEN(16)},                     /* Mastercard */
    {2200, 2204, 4, LEN_RANGE(16, 19)},           /* Mir */
    {51, 55, 2, LEN(16)},                         /* Mastercard */
    {4, 4, 1, LEN(13) | LEN(16) | LEN(19)},       /* Visa */
    {6011, 6011, 4, LEN_RANGE(16, 19)},           /* Discover */
    {644, 649, 3, LEN_RANGE(16, 19)},             /* Discover */
    {65, 65, 2, LEN_RANGE(16, 19)},               /* Discover */
    {62, 62, 2, LEN_RANGE(16, 19)},               /* UnionPay */
    {8100, 8171, 4, LEN_RANGE(16, 19)},           /* UnionPay */
    {50, 50, 2, LEN_RANGE(12, 19)},               /* Maestro */
    {56, 58, 2, LEN_RANGE(12, 19)},               /* Maestro */
    {6304, 6304, 4, LEN_RANGE(12, 19)},           /* Maestro */
    {6390, 6390, 4, LEN_RANGE(12, 19)},           /* Maestro */
    {67, 67, 2, LEN_RANGE(12, 19)},               /* Maestro */
    {60, 60, 2, LEN(16)},                         /* RuPay */
};

enum assay_validity assay_valid_card_issuer(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len < 12 || t.len > 19) {
        return ASSAY_INVALID;
    }
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        uint32_t prefix = (uint32_t)assay_valid_number(t.s, issuers[i].digits);
        if (prefix >= issuers[i].from && prefix <= issuers[i].to &&
            (issuers[i].lengths & LEN(t.len)) != 0) {
            return ASSAY_VALID;
        }
    }
    return ASSAY_INVALID;
}

enum assay_validity assay_valid_unionpay(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len < 16 || t.len > 19) {
        return ASSAY_INVALID;
    }
    int prefix = assay_valid_number(t.s, 4);
    return assay_valid_if(prefix / 100 == 62 || (prefix >= 8100 && prefix <= 8171));
}

/* Country and length of its IBAN, one entry every 4 characters. */
static const char iban_lengths[] =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24"
    "FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32"
    "LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24"
    "RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

static int iban_length(const char *country)
{
    for (const char *p = iban_lengths; *p != '\0'; p += 4) {
        if (p[0] == country[0] && p[1] == country[1]) {
            return assay_valid_number(p + 2, 2);
        }
    }
    return -1;
}

enum assay_validity assay_valid_iban_mod97(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len < 15 || (int)t.len != iban_length(t.s) ||
        assay_valid_number(t.s + 2, 2) < 0) {
        return ASSAY_INVALID;
    }
    unsigned rest = 0;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.s[(i + 4) % t.len];
        rest = assay_valid_is_digit(c) ? rest * 10 + (unsigned)(c - '0')
                                       : rest * 100 + (unsigned)(c - 'A' + 10);
        rest %= 97;
    }
    return assay_valid_if(rest == 1);
}
