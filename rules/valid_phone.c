/* SPDX-License-Identifier: Apache-2.0
 *
 * Telephone numbers. International form is judged by one table of country codes and lengths; the
 * national forms by their numbering plans. A number that fits a plan is no proof that it is a
 * telephone number, so rules give it a moderate confidence and lean on context words.
 */
#include "rules/valid.h"

/* Country code, and how many digits may follow it. Sources: ITU-T E.164 list of assigned country
 * codes; lengths as notified by the national plans (wide where plans are open). */
static const struct {
    uint16_t code;
    uint8_t min, max;
} plans[] = {
    {1, 10, 10},  {7, 10, 10},  {20, 8, 10},   {27, 9, 9},    {30, 10, 10}, {31, 9, 9},
    {32, 8, 9},   {33, 9, 9},   {34, 9, 9},    {36, 8, 9},    {39, 6, 11},  {40, 9, 9},
    {41, 9, 9},   {43, 4, 13},  {44, 9, 10},   {45, 8, 8},    {46, 7, 13},  {47, 8, 8},
    {48, 9, 9},   {49, 5, 13},  {51, 8, 9},    {52, 10, 11},  {53, 6, 8},   {54, 10, 11},
    {55, 10, 11}, {56, 9, 9},   {57, 8, 10},   {58, 10, 10},  {60, 7, 10},  {61, 9, 9},
    {62, 7, 13},  {63, 8, 10},  {64, 8, 10},   {65, 8, 8},    {66, 8, 9},   {81, 9, 10},
    {82, 8, 10},  {84, 7, 10},  {86, 8, 11},   {90, 10, 10},  {91, 8, 10},  {92, 8, 10},
    {93, 9, 9},   {94, 9, 9},   {95, 7, 10},   {98, 10, 10},  {211, 9, 9},  {212, 9, 9},
    {213, 8, 9},  {216, 8, 8},  {218, 8, 9},   {220, 7, 7},   {221, 9, 9},  {222, 8, 8},
    {223, 8, 8},  {224, 8, 9},  {225, 10, 10}, {226, 8, 8},   {227, 8, 8},  {228, 8, 8},
    {229, 8, 10}, {230, 7, 8},  {231, 7, 9},   {232, 8, 8},   {233, 9, 9},  {234, 7, 10},
    {235, 8, 8},  {236, 8, 8},  {237, 8, 9},   {238, 7, 7},   {239, 7, 7},  {240, 9, 9},
    {241, 7, 8},  {242, 9, 9},  {243, 7, 9},   {244, 9, 9},   {245, 7, 9},  {246, 7, 7},
    {248, 7, 7},  {249, 9, 9},  {250, 8, 9},   {251, 9, 9},   {252, 7, 9},  {253, 8, 8},
    {254, 7, 10}, {255, 9, 9},  {256, 9, 9},   {257, 8, 8},   {258, 8, 9},  {260, 9, 9},
    {261, 9, 9},  {262, 9, 9},  {263, 8, 10},  {264, 8, 9},   {265, 7, 9},  {266, 8, 8},
    {267, 7, 8},  {268, 8, 8},  {269, 7, 7},   {290, 4, 5},   {291, 7, 7},  {297, 7, 7},
    {298, 6, 6},  {299, 6, 6},  {350, 8, 8},   {351, 9, 9},   {352, 4, 11}, {353, 7, 10},
    {354, 7, 9},  {355, 8, 9},  {356, 8, 8},   {357, 8, 8},   {358, 5, 12}, {359, 7, 9},
    {370, 8, 8},  {371, 8, 8},  {372, 7, 8},   {373, 8, 8},   {374, 8, 8},  {375, 9, 9},
    {376, 6, 9},  {377, 8, 9},  {378, 6, 10},  {380, 9, 9},   {381, 6, 12}, {382, 8, 8},
    {383, 8, 9},  {385, 8, 9},  {386, 8, 8},   {387, 8, 9},   {389, 8, 8},  {420, 9, 9},
    {421, 9, 9},  {423, 7, 9},  {500, 5, 5},   {501, 7, 7},   {502, 8, 8},  {503, 8, 8},
    {504, 8, 8},  {505, 8, 8},  {506, 8, 8},   {507, 7, 8},   {508, 6, 6},  {509, 8, 8},
    {590, 9, 9},  {591, 8, 8},  {592, 7, 7},   {593, 8, 9},   {594, 9, 9},  {595, 7, 9},
    {596, 9, 9},  {597, 6, 7},  {598, 8, 8},   {599, 7, 8},   {670, 7, 8},  {672, 6, 6},
    {673, 7, 7},  {674, 7, 7},  {675, 7, 8},   {676, 5, 7},   {677, 5, 7},  {678, 5, 7},
    {679, 7, 7},  {680, 7, 7},  {681, 6, 6},   {682, 5, 5},   {683, 4, 7},  {685, 5, 7},
    {686, 5, 8},  {687, 6, 6},  {688, 5, 7},   {689, 6, 8},   {690, 4, 7},  {691, 7, 7},
    {692, 7, 7},  {800, 8, 8},  {808, 8, 8},   {850, 6, 10},  {852, 8, 8},  {853, 8, 8},
    {855, 8, 9},  {856, 8, 10}, {870, 9, 9},   {878, 12, 12}, {880, 8, 10}, {881, 8, 9},
    {882, 7, 12}, {883, 9, 12}, {886, 8, 9},   {888, 11, 11}, {960, 7, 7},  {961, 7, 8},
    {962, 8, 9},  {963, 8, 9},  {964, 8, 10},  {965, 7, 8},   {966, 8, 9},  {967, 7, 9},
    {968, 7, 8},  {970, 8, 9},  {971, 8, 9},   {972, 8, 9},   {973, 8, 8},  {974, 7, 8},
    {975, 7, 8},  {976, 8, 8},  {977, 8, 10},  {979, 9, 9},   {992, 9, 9},  {993, 8, 8},
    {994, 9, 9},  {995, 9, 9},  {996, 9, 9},   {998, 9, 9},
};

/* The digits of a telephone number: a leading + or 00 is noted, the rest are separators. */
struct phone {
    char s[32];
    size_t len;
    int international;
};

static int phone_digits(struct assay_bytes text, struct phone *ret)
{
    ret->len = 0;
    ret->international = text.len > 0 && text.ptr[0] == '+';
    for (size_t i = (size_t)ret->international; i < text.len; i++) {
        char c = text.ptr[i];
        if (assay_valid_is_digit(c)) {
            if (ret->len == sizeof ret->s - 1) {
                return 0;
            }
            ret->s[ret->len++] = c;
        } else if (!assay_valid_in(c, " -./()")) {
            return 0;
        }
    }
    ret->s[ret->len] = '\0';
    if (!ret->international && strncmp(ret->s, "00", 2) == 0) {
        ret->international = 1;
        ret->len -= 2;
        memmove(ret->s, ret->s + 2, ret->len + 1);
    }
    return ret->len > 0;
}

/* Removes country code `code` and a trunk 0 behind it, as in "+44 (0)20", or else the national
 * trunk prefix 0. 0 when the number is international of another country or has no such prefix. */
static int national(struct phone *p, const char *code, int keeps_zero)
{
    size_t skip = 0;
    if (p->international) {
        skip = strlen(code);
        if (strncmp(p->s, code, skip) != 0) {
            return 0;
        }
    }
    if (!keeps_zero && p->s[skip] == '0') {
        skip++;
    } else if (!keeps_zero && !p->international) {
        return 0;
    }
    p->len -= skip;
    memmove(p->s, p->s + skip, p->len + 1);
    return 1;
}

static int phone_national(struct assay_bytes text, const char *code, int keeps_zero,
                          struct phone *ret)
{
    return phone_digits(text, ret) && national(ret, code, keeps_zero);
}

static int all_same(const struct phone *p)
{
    return strspn(p->s, (char[]){p->s[0], '\0'}) == p->len;
}

static int nanp(const char *s)
{
    return s[0] >= '2' && s[1] != '9' && !(s[1] == '1' && s[2] == '1') && s[3] >= '2' &&
           !(s[4] == '1' && s[5] == '1');
}

enum assay_validity assay_valid_e164(struct assay_bytes text)
{
    struct phone p;
    if (!phone_digits(text, &p) || !p.international || p.len > 15 || p.s[0] == '0') {
        return ASSAY_INVALID;
    }
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        size_t width = plans[i].code >= 100 ? 3 : plans[i].code >= 10 ? 2 : 1;
        if (p.len <= width || assay_valid_number(p.s, width) != plans[i].code) {
            continue;
        }
        /* "+44 (0)20 ...": the trunk zero does not count; Italy dials its zero. */
        size_t rest = p.len - width - (p.s[width] == '0' && plans[i].code != 39);
        return assay_valid_if(rest >= plans[i].min && rest <= plans[i].max &&
                              (plans[i].code != 1 || nanp(p.s + 1)));
    }
    return ASSAY_INVALID;
}

enum assay_validity assay_valid_us_phone(struct assay_bytes text)
{
    struct phone p;
    if (!phone_digits(text, &p)) {
        return ASSAY_INVALID;
    }
    size_t skip = p.len == 11 && p.s[0] == '1' ? 1 : 0;
    return assay_valid_if(p.len - skip == 10 && nanp(p.s + skip) && !all_same(&p));
}

enum assay_validity assay_valid_uk_phone(struct assay_bytes text)
{
    struct phone p;
    if (!phone_national(text, "44", 0, &p) || !assay_valid_in(p.s[0], "1235789")) {
        return ASSAY_INVALID;
    }
    int short_ok = p.s[0] == '1' || p.s[0] == '8';
    return assay_valid_if(p.len == 10 || (short_ok && p.len == 9));
}

enum assay_validity assay_valid_de_phone(struct assay_bytes text)
{
    struct phone p;
    if (!phone_national(text, "49", 0, &p) || p.s[0] == '0' || all_same(&p)) {
        return ASSAY_INVALID;
    }
    if (p.s[0] == '1') {
        return assay_valid_if(assay_valid_in(p.s[1], "567") && (p.len == 10 || p.len == 11));
    }
    return assay_valid_if(p.len >= 7 && p.len <= 11);
}

enum assay_validity assay_valid_fr_phone(struct assay_bytes text)
{
    struct phone p;
    if (!phone_national(text, "33", 0, &p)) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(p.len == 9 && p.s[0] != '0' && !all_same(&p));
}

enum assay_validity assay_valid_es_phone(struct assay_bytes text)
{
    struct phone p;
    if (!phone_national(text, "34", 1, &p)) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(p.len == 9 && assay_valid_in(p.s[0], "6789") && !all_same(&p));
}

enum assay_validity assay_valid_it_phone(struct assay_bytes text)
{
    struct phone p;
    if (!phone_national(text, "39", 1, &p) || all_same(&p)) {
        return ASSAY_INVALID;
    }
    if (p.s[0] == '3') {
        return assay_valid_if(p.len == 9 || p.len == 10);
    }
    return assay_valid_if(p.s[0] == '0' && p.len >= 6 && p.len <= 11);
}

/* Three-digit prefixes in public use: a bit for each third digit, by the second digit. */
static int mobile_prefix(const char *s)
{
    static const uint16_t third[10] = {0, 0, 0, 0x3FF, 0x3E0, 0x3EF, 0x0E4, 0x1FF, 0x3FF, 0x3EF};
    return s[0] == '1' && (third[s[1] - '0'] >> (s[2] - '0') & 1) != 0;
}

/* A prefix not yet in the table may have been allocated since: no opinion. */
enum assay_validity assay_valid_cn_mobile(struct assay_bytes text)
{
    struct phone p;
    if (!phone_digits(text, &p)) {
        return ASSAY_INVALID;
    }
    size_t skip = p.len == 13 && strncmp(p.s, "86", 2) == 0 ? 2 : 0;
    if (p.len - skip != 11 || p.s[skip] != '1' || p.s[skip + 1] < '3' || all_same(&p)) {
        return ASSAY_INVALID;
    }
    return mobile_prefix(p.s + skip) ? ASSAY_VALID : ASSAY_UNKNOWN;
}

/* Digits of the area code at s (without trunk 0): 10 and 2X have two, the others three. */
static size_t area_code(const char *s)
{
    if (s[0] == '2' || strncmp(s, "10", 2) == 0) {
        return 2;
    }
    return s[0] >= '3' ? 3 : 0;
}

enum assay_validity assay_valid_cn_landline(struct assay_bytes text)
{
    struct phone p;
    if (!phone_digits(text, &p)) {
        return ASSAY_INVALID;
    }
    if (!p.international && p.len == 10 &&
        (strncmp(p.s, "400", 3) == 0 || strncmp(p.s, "800", 3) == 0)) {
        return ASSAY_VALID;
    }
    if (!national(&p, "86", 0)) {
        return ASSAY_INVALID;
    }
    size_t area = area_code(p.s);
    if (area == 0 || p.len < area + 7 || p.len > area + 8) {
        return ASSAY_INVALID;
    }
    return assay_valid_if(p.s[area] >= '2' && p.s[area] <= '8');
}
