/* SPDX-License-Identifier: Apache-2.0
 *
 * Personal numbers of the United States, the United Kingdom, Germany, France, Spain and Italy.
 */
#include "rules/valid.h"

/* Separators of a US number: none, or the same one wherever one stands. */
static int same_separator(struct assay_bytes text)
{
    char seen = '\0';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!assay_valid_is_digit(c)) {
            if (seen != '\0' && c != seen) {
                return 0;
            }
            seen = c;
        }
    }
    return 1;
}

/* Numbers printed in advertisements and manuals. */
static int is_sample_ssn(const char *s)
{
    return strcmp(s, "078051120") == 0 || strcmp(s, "219099999") == 0 ||
           strcmp(s, "123456789") == 0 || strncmp(s, "98765432", 8) == 0;
}

enum assay_validity assay_valid_us_ssn(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len != 9 || !same_separator(text)) {
        return ASSAY_INVALID;
    }
    int area = assay_valid_number(t.s, 3);
    if (area == 0 || area == 666 || area >= 900 || assay_valid_number(t.s + 3, 2) == 0 ||
        assay_valid_number(t.s + 5, 4) == 0) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(strspn(t.s, (char[]){t.s[0], '\0'}) != 9 && !is_sample_ssn(t.s));
}

enum assay_validity assay_valid_us_itin(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len != 9 || t.s[0] != '9' || !same_separator(text)) {
        return ASSAY_INVALID;
    }
    int group = assay_valid_number(t.s + 3, 2);
    return assay_valid_if((group >= 50 && group <= 65) || (group >= 70 && group <= 88) ||
                          (group >= 90 && group != 93));
}

enum assay_validity assay_valid_uk_nhs(struct assay_bytes text)
{
    static const uint8_t weights[] = {10, 9, 8, 7, 6, 5, 4, 3, 2};
    struct assay_valid_text t;
    if (!assay_valid_digits(text, &t) || t.len != 10 || strspn(t.s, "0") == 10) {
        return ASSAY_INVALID;
    }
    unsigned check = 11 - assay_valid_weighted(t.s, weights, 9) % 11;
    return assay_valid_if(check % 11 == (unsigned)(t.s[9] - '0') && check != 10);
}

enum assay_validity assay_valid_uk_nino(struct assay_bytes text)
{
    static const char *const never[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ", NULL};
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 9 || assay_valid_number(t.s + 2, 6) < 0 ||
        !assay_valid_is_upper(t.s[0]) || !assay_valid_is_upper(t.s[1]) ||
        !assay_valid_in(t.s[8], "ABCD")) {
        return ASSAY_INVALID;
    }
    for (size_t i = 0; never[i] != NULL; i++) {
        if (strncmp(t.s, never[i], 2) == 0) {
            return ASSAY_INVALID;
        }
    }
    return assay_valid_if(!assay_valid_in(t.s[0], "DFIQUV") && !assay_valid_in(t.s[1], "DFIOQUV"));
}

/* ISO 7064 MOD 11,10 over digits; the last one is the check digit. */
static int mod_11_10(const char *s, size_t len)
{
    unsigned check = 10;
    for (size_t i = 0; i + 1 < len; i++) {
        check = (check + (unsigned)(s[i] - '0')) % 10;
        check = (check == 0 ? 10 : check) * 2 % 11;
    }
    return (11 - check) % 10 == (unsigned)(s[len - 1] - '0');
}

/* One digit of the first ten stands there two or three times (three not in a row), the others at
 * most once. All different, or three in a row, are not issued but found in manuals: no opinion. */
enum assay_validity assay_valid_de_tax_id(struct assay_bytes text)
{
    struct assay_valid_text t;
    unsigned count[10] = {0}, repeated = 0, runs = 0;
    if (!assay_valid_digits(text, &t) || t.len != 11 || t.s[0] == '0' || !mod_11_10(t.s, 11)) {
        return ASSAY_INVALID;
    }
    for (size_t i = 0; i < 10; i++) {
        unsigned n = ++count[t.s[i] - '0'];
        repeated += n == 2;
        runs += i >= 2 && t.s[i] == t.s[i - 1] && t.s[i] == t.s[i - 2];
        if (n > 3) {
            return ASSAY_INVALID;
        }
    }
    if (repeated > 1) {
        return ASSAY_INVALID;
    }
    return repeated == 1 && runs == 0 ? ASSAY_VALID : ASSAY_UNKNOWN;
}

/* 13 digits as a number, the Corsican departments 2A and 2B as 19 and 18; -1 when it is none. */
static int64_t insee_number(char *s)
{
    if (s[5] == '2' && (s[6] == 'A' || s[6] == 'B')) {
        s[5] = '1';
        s[6] = s[6] == 'A' ? '9' : '8';
    }
    int high = assay_valid_number(s, 7), low = assay_valid_number(s + 7, 6);
    return high < 0 || low < 0 ? -1 : (int64_t)high * 1000000 + low;
}

enum assay_validity assay_valid_fr_insee(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 15 || !assay_valid_in(t.s[0], "123478")) {
        return ASSAY_INVALID;
    }
    int month = assay_valid_number(t.s + 3, 2);
    int key = assay_valid_number(t.s + 13, 2);
    int64_t number = insee_number(t.s);
    if (number < 0 || key < 1 || month < 1 || (month > 12 && month < 20) ||
        (month > 42 && month < 50)) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(97 - number % 97 == key);
}

/* Control letter of a Spanish number. */
static char nif_letter(int number)
{
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23];
}

enum assay_validity assay_valid_es_nif(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len < 8 || t.len > 9) {
        return ASSAY_INVALID;
    }
    size_t first = assay_valid_in(t.s[0], "KLM") ? 1 : 0;
    int number = assay_valid_number(t.s + first, t.len - first - 1);
    if (number < 0 || (first == 1 && t.len != 9)) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(t.s[t.len - 1] == nif_letter(number) && number != 0);
}

enum assay_validity assay_valid_es_nie(struct assay_bytes text)
{
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 9 || !assay_valid_in(t.s[0], "XYZ")) {
        return ASSAY_INVALID;
    }
    char last = t.s[8];
    t.s[0] = (char)('0' + (t.s[0] - 'X'));
    int number = assay_valid_number(t.s, 8);
    return assay_valid_if(number >= 0 && last == nif_letter(number));
}

/* Whether the 16 characters are letters and digits where they must be; the letters LMNPQRSTUV may
 * stand for digits (omocodia). */
static int fiscal_code_shape(const char *s)
{
    static const char shape[] = "LLLLLLDDLDDLDDDL";
    for (size_t i = 0; i < 16; i++) {
        int letter = assay_valid_is_upper(s[i]);
        if (shape[i] == 'L' ? !letter : letter && !assay_valid_in(s[i], "LMNPQRSTUV")) {
            return 0;
        }
    }
    return assay_valid_in(s[8], "ABCDEHLMPRST");
}

enum assay_validity assay_valid_it_fiscal_code(struct assay_bytes text)
{
    /* Value of a character (0-9 and A-J share) at an odd place. */
    static const uint8_t odd[26] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                    20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    struct assay_valid_text t;
    if (!assay_valid_compact(text, &t) || t.len != 16 || !fiscal_code_shape(t.s)) {
        return ASSAY_INVALID;
    }
    unsigned sum = 0;
    for (size_t i = 0; i < 15; i++) {
        unsigned v = (unsigned)(assay_valid_is_digit(t.s[i]) ? t.s[i] - '0' : t.s[i] - 'A');
        sum += i % 2 == 0 ? odd[v] : v;
    }
    return assay_valid_if((char)('A' + sum % 26) == t.s[15]);
}
