/* SPDX-License-Identifier: Apache-2.0 */
#include "core/option.h"

#include <stdlib.h>
#include <errno.h>
#include <strings.h>

#define SUGGEST_MAX 64 /* longer names are not compared */

struct option_unit {
    const char *suffix;
    uint64_t factor;
};

static const struct option_unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct option_unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

enum assay_status assay_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret,
                                  struct assay_error *err)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    int starts = (*s >= '0' && *s <= '9') || (*s == '-' && s[1] >= '0' && s[1] <= '9');
    if (!starts || *end != '\0') {
        return assay_fail(err, ASSAY_USAGE, "'%.64s' is not a whole number", s);
    }
    if (errno == ERANGE || v < min || v > max) {
        return assay_fail(err, ASSAY_USAGE, "%.64s is out of range: %lld to %lld are allowed", s,
                          (long long)min, (long long)max);
    }
    *ret = v;
    return ASSAY_OK;
}

/* Digits and one of `units`; 0 when the text is not that or does not fit. */
static int parse_with_unit(const char *s, const struct option_unit *units, uint64_t *ret)
{
    char *end;
    errno = 0;
    if (*s < '0' || *s > '9') {
        return 0;
    }
    uint64_t n = strtoull(s, &end, 10);
    for (; units->suffix != NULL; units++) {
        if (strcmp(end, units->suffix) == 0) {
            return errno == 0 && !__builtin_mul_overflow(n, units->factor, ret);
        }
    }
    if (*end == '\0' && n == 0) {
        *ret = 0;
        return 1;
    }
    return 0;
}

enum assay_status assay_parse_size(const char *s, uint64_t *ret, struct assay_error *err)
{
    if (!parse_with_unit(s, size_units, ret)) {
        return assay_fail(err, ASSAY_USAGE,
                          "'%.64s' is not a size: write bytes or use KiB, MiB, GiB, TiB (64MiB)",
                          s);
    }
    return ASSAY_OK;
}

enum assay_status assay_parse_duration(const char *s, uint64_t *ret_ms, struct assay_error *err)
{
    if (!parse_with_unit(s, duration_units, ret_ms)) {
        return assay_fail(err, ASSAY_USAGE,
                          "'%.64s' is not a duration: use ms, s, m, h or d (500ms, 5s)", s);
    }
    return ASSAY_OK;
}

static enum assay_status check_bool(const char *value, struct assay_error *err)
{
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        return ASSAY_OK;
    }
    return assay_fail(err, ASSAY_USAGE, "'%.64s' is neither true nor false", value);
}

static enum assay_status check_range(uint64_t v, const struct assay_option *opt,
                                     struct assay_error *err)
{
    if (v > INT64_MAX || (int64_t)v < opt->min || (int64_t)v > opt->max) {
        const char *unit = opt->type == ASSAY_OPT_SIZE ? "bytes" : "ms";
        return assay_fail(err, ASSAY_USAGE, "out of range: %lld to %lld %s are allowed",
                          (long long)opt->min, (long long)opt->max, unit);
    }
    return ASSAY_OK;
}

int assay_choice_index(const char *choices, const char *value)
{
    size_t len = strlen(value);
    int index = 0;
    for (const char *p = choices; p != NULL && *p != '\0'; index++) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, value, n) == 0) {
            return index;
        }
        p += n + (p[n] == '|');
    }
    return -1;
}

static enum assay_status check_enum(const struct assay_option *opt, const char *value,
                                    struct assay_error *err)
{
    if (assay_choice_index(opt->choices, value) >= 0) {
        return ASSAY_OK;
    }
    return assay_fail(err, ASSAY_USAGE, "'%.64s' is none of %s", value, opt->choices);
}

static enum assay_status option_check_value(const struct assay_option *opt, const char *value,
                                            struct assay_error *err)
{
    uint64_t u = 0;
    int64_t i;
    enum assay_status status = ASSAY_OK;
    switch (opt->type) {
    case ASSAY_OPT_BOOL:
        return check_bool(value, err);
    case ASSAY_OPT_INT:
        return assay_parse_int(value, opt->min, opt->max, &i, err);
    case ASSAY_OPT_SIZE:
        status = assay_parse_size(value, &u, err);
        return status != ASSAY_OK ? status : check_range(u, opt, err);
    case ASSAY_OPT_DURATION:
        status = assay_parse_duration(value, &u, err);
        return status != ASSAY_OK ? status : check_range(u, opt, err);
    case ASSAY_OPT_ENUM:
        return check_enum(opt, value, err);
    case ASSAY_OPT_STRING:
    case ASSAY_OPT_PATH:
    case ASSAY_OPT_BULK:
        break;
    }
    return status;
}

enum assay_status assay_option_check(const struct assay_option *opt, const char *value,
                                     struct assay_error *err)
{
    struct assay_error why;
    enum assay_status status = option_check_value(opt, value, &why);
    if (status != ASSAY_OK) {
        return assay_fail(err, status, "option %s: %s", opt->name, why.message);
    }
    return ASSAY_OK;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Optimal string alignment distance (insert, delete, replace, swap neighbours); both at most
 * SUGGEST_MAX. */
static unsigned edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][SUGGEST_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (unsigned j = 0; j <= b_len; j++) {
        last[j] = j;
        before[j] = j;
    }
    for (unsigned i = 1; i <= a_len; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned cost = a[i - 1] != b[j - 1];
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = min3(row[j], before[j - 2] + 1, row[j]);
            }
        }
        unsigned *reuse = before;
        before = last;
        last = row;
        row = reuse;
    }
    return last[b_len];
}

const char *assay_suggest(const char *s, const char *const *names)
{
    const char *best = NULL;
    size_t len = strlen(s);
    unsigned best_distance = (unsigned)(len < 5 ? 1 : len / 3) + 1;
    if (len == 0 || len > SUGGEST_MAX) {
        return NULL;
    }
    for (; *names != NULL; names++) {
        size_t n = strlen(*names);
        if (strcasecmp(s, *names) == 0) {
            return *names;
        }
        unsigned d = n > SUGGEST_MAX ? UINT32_MAX : edit_distance(s, len, *names, n);
        if (d < best_distance) {
            best_distance = d;
            best = *names;
        }
    }
    return best;
}
