/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity numbers of the mainland, Hong Kong and Taiwan, and the unified social credit code.
 */
#include "rules/valid.h"

/* ISO 7064 MOD 11-2 over the first 17 digits of an 18-character number. */
static char gb11643_check(const char *s)
{
    static const uint8_t weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    return "10X98765432"[assay_valid_weighted(s, weights, 17) % 11];
}

enum assay_validity assay_valid_gb11643(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 18 || strspn(t.s, "0123456789") < 17) {
        return ASSAY_INVALID;
    }
    int year = assay_valid_number(t.s + 6, 4);
    if (t.s[0] == '0' || year < 1850 || year > 2099 ||
        !assay_valid_date(year, assay_valid_number(t.s + 10, 2), assay_valid_number(t.s + 12, 2))) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(gb11643_check(t.s) == t.s[17]);
}

enum assay_validity assay_valid_gb11643_15(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len != 15 || t.s[0] == '0') {
        return ASSAY_INVALID;
    }
    int ok = assay_valid_date(1900 + assay_valid_number(t.s + 6, 2), assay_valid_number(t.s + 8, 2),
                              assay_valid_number(t.s + 10, 2));
    return ok ? ASSAY_UNKNOWN : ASSAY_INVALID; /* no check digit: a date proves nothing */
}

enum assay_validity assay_valid_region_gb2260(struct assay_bytes text)
{
    /* Provinces, autonomous regions and municipalities; 81 to 83: residence permits of Hong Kong,
     * Macau and Taiwan. A bit for every second digit, by first digit. */
    static const uint16_t second[10] = {0,    0x3E, /* 11-15 */
                                        0x0E,       /* 21-23 */
                                        0xFE,       /* 31-37 */
                                        0x7E,       /* 41-46 */
                                        0x1F,       /* 50-54 */
                                        0x3E,       /* 61-65 */
                                        0x02,       /* 71 */
                                        0x0E,       /* 81-83 */
                                        0};
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len < 6 || assay_valid_number(t.s, 6) < 0 ||
        (second[t.s[0] - '0'] >> (t.s[1] - '0') & 1) == 0) {
        return ASSAY_INVALID;
    }
    /* Prefecture 00 occurs only where the whole province is meant, which no person's number does;
     * counties come and go, so they are left open. */
    int prefecture = assay_valid_number(t.s + 2, 2);
    return prefecture > 0 || t.s[0] == '8' ? ASSAY_VALID : ASSAY_UNKNOWN;
}

/* Registering authority and kind of organisation: the two leading characters in use. */
static int uscc_kind(const char *s)
{
    static const char *const kinds[] = {"11", "12", "13", "19", "21", "29", "31", "32", "33", "34",
                                        "35", "39", "41", "49", "51", "52", "53", "54", "55", "59",
                                        "61", "62", "69", "71", "72", "79", "81", "89", "91", "92",
                                        "93", "A1", "A9", "N1", "N2", "N3", "N9", "Y1", NULL};
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (strncmp(s, kinds[i], 2) == 0) {
            return 1;
        }
    }
    return 0;
}

enum assay_validity assay_valid_gb32100(struct assay_bytes text)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    static const uint8_t weights[] = {1,  3,  9,  27, 19, 26, 16, 17, 20,
                                      29, 25, 13, 8,  24, 10, 30, 28};
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 18 || strspn(t.s, alphabet) != 18 ||
        assay_valid_number(t.s + 2, 6) < 0 || !uscc_kind(t.s)) {
        return ASSAY_INVALID;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < 17; i++) {
        sum += (unsigned)(strchr(alphabet, t.s[i]) - alphabet) * weights[i];
    }
    return assay_valid_if(alphabet[(31 - sum % 31) % 31] == t.s[17]);
}

/* Letters count 10 (A) to 35 (Z), a missing first letter 36. */
enum assay_validity assay_valid_hkid(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len < 8 || t.len > 9) {
        return ASSAY_INVALID;
    }
    size_t letters = t.len - 7;
    unsigned sum = letters == 1 ? 9 * 36 : 0;
    for (size_t i = 0; i < t.len - 1; i++) {
        int letter = assay_valid_is_upper(t.s[i]);
        if (letter != (i < letters)) {
            return ASSAY_INVALID;
        }
        sum += (unsigned)(letter ? t.s[i] - 'A' + 10 : t.s[i] - '0') * (unsigned)(t.len - i);
    }
    unsigned check = (11 - sum % 11) % 11;
    return assay_valid_if(t.s[t.len - 1] == "0123456789A"[check]);
}

enum assay_validity assay_valid_tw_national_id(struct assay_bytes text)
{
    /* Code of each letter, A to Z. */
    static const uint8_t codes[26] = {10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21,
                                      22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33};
    static const uint8_t weights[] = {8, 7, 6, 5, 4, 3, 2, 1, 1};
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 10 || !assay_valid_is_upper(t.s[0]) ||
        strspn(t.s + 1, "0123456789") != 9 || !assay_valid_in(t.s[1], "1289")) {
        return ASSAY_INVALID;
    }
    unsigned code = codes[t.s[0] - 'A'];
    unsigned sum = code / 10 + code % 10 * 9 + assay_valid_weighted(t.s + 1, weights, 9);
    return assay_valid_if(sum % 10 == 0);
}
