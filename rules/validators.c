/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of validators (the list itself is ASSAY_VALIDATOR_MAP in valid.h) and the text helpers
 * that all of them use. The checks live beside their kin: valid_money.c, valid_network.c,
 * valid_person.c, valid_china.c, valid_phone.c, valid_crypto.c, valid_form.c.
 */
#include "rules/valid.h"

const struct assay_validator assay_validators[] = {
#define ASSAY_VALIDATOR_ROW(name, source) {#name, source, assay_valid_##name},
    ASSAY_VALIDATOR_MAP(ASSAY_VALIDATOR_ROW)
#undef ASSAY_VALIDATOR_ROW
        {NULL, NULL, NULL}};

size_t assay_validators_count(void)
{
    return sizeof assay_validators / sizeof assay_validators[0] - 1;
}

int assay_validators_find(const char *name)
{
    if (name == NULL) {
        return -1;
    }
    for (int i = 0; assay_validators[i].name != NULL; i++) {
        if (strcmp(assay_validators[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Bytes of the separator at s[i], 0 when it is none. */
static size_t separator_at(struct assay_bytes text, size_t i)
{
    if (assay_valid_in(text.ptr[i], " -./()")) {
        return 1;
    }
    if ((unsigned char)text.ptr[i] == 0xC2 && i + 1 < text.len &&
        (unsigned char)text.ptr[i + 1] == 0xA0) {
        return 2; /* no-break space */
    }
    return 0;
}

int assay_valid_compact(struct assay_bytes text, struct assay_valid_text *ret)
{
    ret->len = 0;
    for (size_t i = 0; i < text.len;) {
        size_t skip = separator_at(text, i);
        char c = assay_valid_upper(text.ptr[i]);
        if (skip == 0) {
            if ((!assay_valid_is_digit(c) && !assay_valid_is_upper(c)) ||
                ret->len == ASSAY_VALID_TEXT_MAX) {
                return 0;
            }
            ret->s[ret->len++] = c;
            skip = 1;
        }
        i += skip;
    }
    ret->s[ret->len] = '\0';
    return ret->len > 0;
}

int assay_valid_digits(struct assay_bytes text, struct assay_valid_text *ret)
{
    if (!assay_valid_compact(text, ret)) {
        return 0;
    }
    return strspn(ret->s, "0123456789") == ret->len;
}

int assay_valid_number(const char *s, size_t len)
{
    int value = 0;
    for (size_t i = 0; i < len; i++) {
        if (!assay_valid_is_digit(s[i])) {
            return -1;
        }
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

unsigned assay_valid_weighted(const char *s, const uint8_t *weights, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (unsigned)(s[i] - '0') * weights[i];
    }
    return sum;
}

int assay_valid_date(int year, int month, int day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1) {
        return 0;
    }
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

int assay_valid_hex(char c)
{
    if (assay_valid_is_digit(c)) {
        return c - '0';
    }
    c = assay_valid_upper(c);
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
