/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/writers/leaks.h"

#include <stdlib.h>

#define LEAK "duplicates.leak."

static const struct {
    const char *name;
    enum assay_text heading;
} tiers[ASSAY_LEAK_TIERS] = {
    [ASSAY_LEAK_ANY] = {"", ASSAY_T_TIER_ANY},
    [ASSAY_LEAK_FILE] = {"file.", ASSAY_T_FILES},
    [ASSAY_LEAK_RECORD] = {"record.", ASSAY_T_TIER_RECORD},
    [ASSAY_LEAK_NORMALISED] = {"normalised.", ASSAY_T_TIER_NORMALISED},
    [ASSAY_LEAK_NEAR] = {"near.", ASSAY_T_TIER_NEAR},
    [ASSAY_LEAK_SPAN] = {"span.", ASSAY_T_TIER_SPAN},
    [ASSAY_LEAK_IMAGE] = {"image.", ASSAY_T_TIER_IMAGE},
};

static const struct {
    const char *prefix;
    enum assay_text title, column;
} lists[ASSAY_SHARE_LISTS] = {
    [ASSAY_SHARE_BENCHMARKS] = {"duplicates.contamination.", ASSAY_T_BENCHMARKS, ASSAY_T_BENCHMARK},
    [ASSAY_SHARE_SOURCES] = {"duplicates.source.", ASSAY_T_REDUNDANCY, ASSAY_T_SOURCE},
};

/* What follows `prefix` in `text`; NULL: something else does. */
static const char *after(const char *text, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

/* ---- pairs of splits ------------------------------------------------------------------------ */

static int copy_name(char out[ASSAY_LEAK_NAME], const char *text, size_t len)
{
    if (len == 0 || len >= ASSAY_LEAK_NAME || memchr(text, '.', len) != NULL ||
        memchr(text, '_', len) != NULL) {
        return 0;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return 1;
}

/* "TIER.A_B" or "A_B"; 0: neither. */
static int parse(const char *name, enum assay_leak_tier *ret_tier, struct assay_leak_pair *ret)
{
    const char *pair = name;
    *ret_tier = ASSAY_LEAK_ANY;
    for (int t = ASSAY_LEAK_FILE; t < ASSAY_LEAK_TIERS; t++) {
        const char *rest = after(name, tiers[t].name);
        if (rest != NULL) {
            pair = rest;
            *ret_tier = (enum assay_leak_tier)t;
        }
    }
    const char *bar = strchr(pair, '_');
    return bar != NULL && copy_name(ret->in, pair, (size_t)(bar - pair)) &&
           copy_name(ret->from, bar + 1, strlen(bar + 1));
}

static struct assay_leak_pair *row_of(struct assay_leaks *l, const struct assay_leak_pair *key)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->pairs[i].from, key->from) == 0 && strcmp(l->pairs[i].in, key->in) == 0) {
            return &l->pairs[i];
        }
    }
    l->pairs[l->n] = *key;
    return &l->pairs[l->n++];
}

static int by_names(const void *pa, const void *pb)
{
    const struct assay_leak_pair *a = pa, *b = pb;
    const int d = strcmp(a->from, b->from);
    return d != 0 ? d : strcmp(a->in, b->in);
}

enum assay_status assay_leaks_read(const struct assay_audit *a, struct assay_leaks *ret,
                                   struct assay_error *err)
{
    const size_t n = assay_audit_metrics(a);
    memset(ret, 0, sizeof *ret);
    ret->pairs = assay_alloc_array(n + 1, sizeof ret->pairs[0]);
    if (ret->pairs == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        const struct assay_metric *m = assay_audit_metric(a, i);
        const char *name = after(m->name, LEAK);
        struct assay_leak_pair key = {.from = ""};
        enum assay_leak_tier t;
        if (name != NULL && m->den > 0 && parse(name, &t, &key)) {
            struct assay_leak_pair *row = row_of(ret, &key);
            row->tier[t].num = m->num;
            row->tier[t].den = m->den;
            ret->looked[t] = 1;
        }
    }
    qsort(ret->pairs, ret->n, sizeof ret->pairs[0], by_names);
    return ASSAY_OK;
}

void assay_leaks_release(struct assay_leaks *l)
{
    free(l->pairs);
    memset(l, 0, sizeof *l);
}

enum assay_text assay_leak_text(enum assay_leak_tier t)
{
    return tiers[t].heading;
}

/* ---- lists ---------------------------------------------------------------------------------- */

enum assay_text assay_share_title(enum assay_share_list l)
{
    return lists[l].title;
}

enum assay_text assay_share_column(enum assay_share_list l)
{
    return lists[l].column;
}

const char *assay_share_name(const struct assay_audit *a, enum assay_share_list l, size_t i)
{
    return after(assay_audit_metric(a, i)->name, lists[l].prefix);
}

size_t assay_share_count(const struct assay_audit *a, enum assay_share_list l)
{
    size_t n = 0;
    for (size_t i = 0; i < assay_audit_metrics(a); i++) {
        n += assay_share_name(a, l, i) != NULL;
    }
    return n;
}
