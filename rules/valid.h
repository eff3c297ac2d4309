/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/valid.h: private to the validators: the one list of them, and text helpers they share.
 *
 * Every validator first compacts its text into a small fixed buffer: separators go, letters become
 * capitals, anything else ends the matter. No allocation, no locale, no clock.
 */
#ifndef ASSAY_RULES_VALID_H
#define ASSAY_RULES_VALID_H

#include "rules/validators.h"

/* XX(name, source). Each names a function assay_valid_NAME. Order is the table's order; indexes are
 * resolved by name at load, so rows may move. */
#define ASSAY_VALIDATOR_MAP(XX)                                                                    \
    XX(luhn, "ISO/IEC 7812-1:2017 Annex B")                                                        \
    XX(card_issuer, "ISO/IEC 7812-1 issuer ranges as published by the card networks")              \
    XX(unionpay, "UnionPay card number ranges: 62, 81; 16 to 19 digits")                           \
    XX(iban_mod97, "ISO 13616-1:2020 and the SWIFT IBAN registry; ISO 7064 MOD 97-10")             \
    XX(ipv4, "RFC 791; dotted form of RFC 6943 section 3.1.1, prefix of RFC 4632")                 \
    XX(ipv6, "RFC 4291 section 2.2, RFC 4007 zone index")                                          \
    XX(mac, "IEEE 802-2014 clause 8; all zeroes and broadcast refused")                            \
    XX(email_domain, "RFC 1035 section 2.3.1 labels, RFC 3696 section 2 top-level domain")         \
    XX(url, "RFC 3986 section 3: scheme, authority, host")                                         \
    XX(us_ssn, "SSA number allocation: no area 000, 666, 900-999; group 00; serial 0000")          \
    XX(us_itin, "IRS Publication 1915: 9XX with group 50-65, 70-88, 90-92, 94-99")                 \
    XX(uk_nhs, "NHS Data Dictionary, NHS number: weights 10..2, modulus 11")                       \
    XX(uk_nino, "HMRC NIM39110: prefix letters in use")                                            \
    XX(de_tax_id, "BZSt identification number: ISO 7064 MOD 11,10 and digit counts")               \
    XX(fr_insee, "INSEE NIR: key 97 minus remainder; 2A and 2B as 19 and 18")                      \
    XX(es_nif, "Real Decreto 1065/2007: number mod 23 into TRWAGMYFPDXBNJZSQVHLCKE")               \
    XX(es_nie, "Orden INT/2058/2008: X, Y, Z as 0, 1, 2, then as the NIF")                         \
    XX(it_fiscal_code, "DM 23 dicembre 1976: odd and even values, sum mod 26")                     \
    XX(gb11643, "GB 11643-1999: calendar date and ISO 7064 MOD 11-2")                              \
    XX(gb11643_15, "GB 11643-1989: calendar date of the 15-digit form; no check digit")            \
    XX(region_gb2260, "GB/T 2260-2007 province codes, 81-83 residence permits; counties open")     \
    XX(gb32100, "GB 32100-2015: weights 3^i mod 31 over 31 characters")                            \
    XX(hkid, "Hong Kong identity card: weights 9..1, modulus 11")                                  \
    XX(tw_national_id, "Taiwan national identification number: letter codes, modulus 10")          \
    XX(cn_mobile, "MIIT public mobile numbering, as allocated by March 2023")                      \
    XX(cn_landline, "MIIT fixed network numbering: trunk 0, area code, 7 or 8 digits; 400, 800")   \
    XX(e164, "ITU-T E.164 and its list of country codes; national number lengths")                 \
    XX(us_phone, "NANP: NXX-NXX-XXXX, no N11, N9X area codes reserved")                            \
    XX(uk_phone, "Ofcom National Telephone Numbering Plan")                                        \
    XX(de_phone, "BNetzA numbering plan: area codes 2-9, mobile 15, 16, 17")                       \
    XX(fr_phone, "ARCEP numbering plan: nine digits after the trunk 0")                            \
    XX(es_phone, "CNMC numbering plan: nine digits from 6, 7, 8 or 9")                             \
    XX(it_phone, "AGCOM numbering plan: mobile 3, landline 0")                                     \
    XX(crypto_address, "Base58Check; BIP 173 and BIP 350; EIP-55 with Keccak-256")                 \
    XX(date_of_birth, "Gregorian calendar, years 1900 to 2035")                                    \
    XX(geo, "ISO 6709 ranges: latitude 90, longitude 180")                                         \
    XX(jwt, "RFC 7519 section 3, RFC 7515 section 4.1.1: header decodes to JSON with alg")         \
    XX(secret_key, "more than ten different characters, no EXAMPLE: sample keys are refused")

#define ASSAY_VALIDATOR_DECLARE(name, source)                                                      \
    enum assay_validity assay_valid_##name(struct assay_bytes text);
ASSAY_VALIDATOR_MAP(ASSAY_VALIDATOR_DECLARE)
#undef ASSAY_VALIDATOR_DECLARE

/* Longest text a compacting validator looks at; longer is ASSAY_INVALID. */
#define ASSAY_VALID_TEXT_MAX 96

struct assay_valid_text {
    char s[ASSAY_VALID_TEXT_MAX + 1]; /* NUL-terminated */
    size_t len;
};

static inline int assay_valid_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline int assay_valid_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline char assay_valid_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Whether c is one of `set`; NUL never is. */
static inline int assay_valid_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static inline enum assay_validity assay_valid_if(int condition)
{
    return condition ? ASSAY_VALID : ASSAY_INVALID;
}

/* Keeps letters (as capitals) and digits, drops space - . / ( ) and no-break space. 0 when the text
 * holds anything else or does not fit. */
int assay_valid_compact(struct assay_bytes text, struct assay_valid_text *ret);
/* As above, and what is left must be digits alone. */
int assay_valid_digits(struct assay_bytes text, struct assay_valid_text *ret);
/* `len` decimal digits at s as a number; len at most 9. -1 when one is not a digit. */
int assay_valid_number(const char *s, size_t len);
/* Sum of digit times weight over n digits. */
unsigned assay_valid_weighted(const char *s, const uint8_t *weights, size_t n);
/* Whether the Gregorian date exists. */
int assay_valid_date(int year, int month, int day);
/* Value of a hexadecimal digit; -1. */
int assay_valid_hex(char c);

#endif
