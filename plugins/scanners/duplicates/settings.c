/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/settings.c: see the header.
 */
#include "settings.h"

#include <stdlib.h>

#include "answers.h"

#define DEFAULT_THRESHOLD 800
#define DEFAULT_RECALL    997
#define NEAR_BUDGET       (UINT64_C(512) << 20)

static uint64_t read_number(const struct assay_host *host, const char *name, uint64_t fallback)
{
    const char *text = host->option(host->ctx, name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static int read_flag(const struct assay_host *host, const char *name, int fallback)
{
    const char *text = host->option(host->ctx, name);
    return text == NULL ? fallback : strcmp(text, "true") == 0;
}

/* A size as the host has validated it: a number and perhaps a unit. */
static uint64_t read_size(const struct assay_host *host, const char *name, uint64_t fallback)
{
    static const char units[] = "KMGT";
    const char *text = host->option(host->ctx, name);
    char *end;
    if (text == NULL) {
        return fallback;
    }
    uint64_t n = strtoull(text, &end, 10);
    const char *unit = *end == '\0' ? NULL : strchr(units, *end);
    return unit == NULL ? n : n << (10 * (unit - units + 1));
}

static void read_options(struct dup_shared *s, const struct assay_host *host)
{
    s->min_chars = read_flag(host, "normalised", 1)
                       ? read_number(host, "min_chars", DUP_DEFAULT_MIN_CHARS)
                       : 0;
    s->answers = read_flag(host, "answers", 0);
    s->near.on = read_flag(host, "near", 0);
    s->near.threshold = (unsigned)read_number(host, "near_threshold", DEFAULT_THRESHOLD);
    s->near.recall = (unsigned)read_number(host, "near_recall", DEFAULT_RECALL);
    s->near.bands = dup_bands_solve(s->near.threshold, s->near.recall);
    s->near.minhash = dup_minhash_get(0);
    s->memory =
        read_size(host, "memory", s->near.on ? NEAR_BUDGET : host->memory_budget(host->ctx));
}

const char *const dup_param_names[DUP_PARAMS] = {
    "min_chars",      "fields",      "answers",     "near",
    "near_threshold", "near_recall", "near_recall", "near (made by another version)",
    "spans"};

void dup_params_read(const struct dup_shared *s, uint64_t params[DUP_PARAMS])
{
    const struct dup_near_plan *n = &s->near;
    memset(params, 0, DUP_PARAMS * sizeof params[0]);
    params[DUP_PARAM_MIN_CHARS] = s->min_chars;
    params[DUP_PARAM_FIELDS] = s->chosen.digest;
    if (s->spans.mode != DUP_SPANS_OFF) {
        params[DUP_PARAM_SPANS] = (uint64_t)s->spans.mode | (uint64_t)s->spans.gram.word << 8 |
                                  (uint64_t)s->spans.gram.character << 24 |
                                  (uint64_t)DUP_TOKENS_VERSION << 40 |
                                  (uint64_t)DUP_GRAMS_VERSION << 48;
    }
    params[DUP_PARAM_ANSWERS] = (uint64_t)s->answers;
    if (n->on) {
        params[DUP_PARAM_NEAR] = 1;
        params[DUP_PARAM_THRESHOLD] = n->threshold;
        params[DUP_PARAM_BANDS] = n->bands.bands;
        params[DUP_PARAM_ROWS] = n->bands.rows;
        params[DUP_PARAM_VERSIONS] = (uint64_t)DUP_TOKENS_VERSION << 32 | DUP_SKETCH_VERSION;
    }
}

void dup_params_read_index(const struct dup_shared *s, uint64_t params[DUP_PARAMS])
{
    dup_params_read(s, params);
    params[DUP_PARAM_SPANS] = params[DUP_PARAM_ANSWERS] = 0;
}

/* An index is made of a delivery without looking for its own near-duplicates. */
int dup_seeks_near(const struct dup_shared *s)
{
    return s->near.on && s->earlier.write == NULL;
}

unsigned dup_words_of(unsigned table)
{
    static const unsigned pairs = 1u << DUP_TABLE_BANDS | 1u << DUP_TABLE_GRAMS |
                                  1u << DUP_TABLE_SPLITS | 1u << DUP_TABLE_SOURCES;
    return (pairs >> table & 1) != 0 ? DUP_PAIR_WORDS : DUP_ENTRY_WORDS;
}

/* Records, files, bands, n-grams, answers, marks of splits and of sources. */
static void share_out(struct dup_shared *s)
{
    static const unsigned parts[2][2][DUP_TABLES] = {
        {{8, 2, 0, 0, 2, 1, 1}, {4, 1, 0, 6, 1, 1, 1}},
        {{3, 1, 7, 0, 1, 1, 1}, {3, 1, 4, 3, 1, 1, 1}}};
    const int near = s->near.on != 0, spans = s->spans.mode != DUP_SPANS_OFF;
    const unsigned largest = near ? DUP_TABLE_BANDS : spans ? DUP_TABLE_GRAMS : DUP_TABLE_RECORDS;
    const int empty[DUP_TABLES] = {[DUP_TABLE_ANSWERS] = !s->answers,
                                   [DUP_TABLE_SPLITS] = s->across.splits.field == NULL,
                                   [DUP_TABLE_SOURCES] = s->across.sources.field == NULL};
    for (unsigned i = 0; i < DUP_TABLES; i++) {
        s->parts[empty[i] ? largest : i] += parts[near][spans][i];
    }
    if (s->earlier.write != NULL) {
        s->parts[DUP_TABLE_BANDS] /= 2; /* as much again is for where sets are kept (keep.h) */
    }
}

void dup_free(void *shared)
{
    struct dup_shared *s = shared;
    if (s != NULL) {
        dup_across_release(&s->across);
        dup_chosen_release(&s->chosen);
        dup_earlier_release(&s->earlier);
        dup_accepted_release(&s->accepted);
        free(s->sharers);
        free(s);
    }
}

enum assay_status dup_init(const struct assay_host *host, void **ret, struct assay_error *err)
{
    struct dup_shared *s = calloc(1, sizeof *s);
    struct dup_sharers *sharers = malloc(sizeof *sharers);
    *ret = NULL;
    if (s == NULL || sharers == NULL) {
        free(s);
        free(sharers);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    atomic_init(&sharers->locals, 0);
    atomic_init(&sharers->reviews, 0);
    atomic_init(&sharers->made, 0);
    s->host = host;
    s->sharers = sharers;
    read_options(s, host);
    for (unsigned i = 0; i < DUP_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, dup_rules[i].id);
    }
    uint64_t params[DUP_PARAMS];
    enum assay_status st = dup_chosen_parse(&s->chosen, host->option(host->ctx, "fields"), err);
    st = st == ASSAY_OK ? dup_across_init(&s->across, host, err) : st;
    st = st == ASSAY_OK ? dup_accepted_init(&s->accepted, host, err) : st;
    st = st == ASSAY_OK && s->answers ? dup_answers_init(host, err) : st;
    if (st == ASSAY_OK) {
        dup_params_read_index(s, params);
        st = dup_earlier_init(&s->earlier, host,
                              &(struct dup_params){params, dup_param_names, DUP_PARAMS}, err);
    }
    if (st != ASSAY_OK) {
        dup_free(s);
        return st;
    }
    dup_span_plan_read(&s->spans, &s->across, &s->accepted, host);
    share_out(s);
    *ret = s;
    return ASSAY_OK;
}

enum assay_status dup_maintain(const struct assay_host *host, struct assay_error *err)
{
    return dup_earlier_maintain(host, dup_param_names, err);
}

size_t dup_fitting(const struct dup_shared *s, unsigned parts, unsigned sharers, size_t bytes)
{
    return (size_t)(s->memory / (sharers == 0 ? 1 : sharers) / DUP_BUDGET_PARTS * parts / bytes);
}

size_t dup_table_most(const struct dup_shared *s, unsigned table)
{
    return dup_fitting(s, s->parts[table], atomic_load(&s->sharers->locals),
                       8 * dup_words_of(table));
}

size_t dup_sets_most(const struct dup_shared *s)
{
    const unsigned parts = s->near.on && s->spans.mode != DUP_SPANS_OFF ? 2 : 4;
    return dup_fitting(s, parts, atomic_load(&s->sharers->reviews), sizeof(uint64_t));
}

size_t dup_located_most(const struct dup_shared *s)
{
    return dup_fitting(s, DUP_PAIR_PARTS, atomic_load(&s->sharers->reviews), DUP_PAIR_BYTES);
}
