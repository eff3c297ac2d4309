/* SPDX-License-Identifier: Apache-2.0
 *
 * plugins/scanners/common/content.h: what the scanners of text share: from candidates to findings.
 *
 * What:  the matcher delivers candidates of the pack rules that name a scanner. This header
 *        assesses each, drops what validators, context or thresholds rule out, settles overlaps,
 *        reports findings and counts them by group (entity or category). A plugin is this plus its
 *        options and its metrics.
 * Overlap policy "strongest": among the matches of one field, taken from the strongest to the
 *        weakest, a match is reported unless it overlaps one that already is. Stronger means:
 *        higher confidence, then higher rank, then longer, then earlier, then lower rule index: a
 *        total order, so the outcome depends on the data alone. A match that loses to one that
 *        itself loses is kept. Policy "all" reports every match.
 * Why a header: a plugin links against nothing, and both are compiled into one program when built
 *        in.
 * Ownership: content_shared is immutable after content_init; content_local belongs to one worker;
 *        its arrays grow to the busiest field seen and are then reused, so a record allocates
 *        nothing.
 */
#ifndef ASSAY_PLUGINS_CONTENT_H
#define ASSAY_PLUGINS_CONTENT_H

#include <stdlib.h>

#include "assay/plugin.h"

#define CONTENT_NO_GROUP  UINT32_MAX
#define CONTENT_NAME_MAX  128
#define CONTENT_MAGIC     0x31544341u /* "ACT1" */
#define CONTENT_UNGROUPED "OTHER"

enum content_tally {
    CONTENT_RECORDS_SEEN,
    CONTENT_RECORDS, /* with at least one finding */
    CONTENT_FINDINGS,
    CONTENT_REFUSED,    /* by a validator, an allow phrase or a missing context word */
    CONTENT_WEAK,       /* below a confidence threshold */
    CONTENT_OVERLAPPED, /* lost to a stronger match */
    CONTENT_TALLIES
};

struct content_shared {
    const struct assay_host *host;
    int keep_all; /* overlap policy "all" */
    uint16_t min_confidence;
    uint32_t n_rules;
    uint32_t *group_of; /* by rule index; CONTENT_NO_GROUP: not a rule of this scanner */
    uint32_t n_groups;
    const char **groups; /* sorted */
};

struct content_hit {
    uint32_t rule, start, end;
    uint32_t reach; /* greatest end of this and all earlier matches of its cluster */
    uint16_t confidence, rank;
    uint8_t settled, kept;
};

struct content_local {
    uint64_t tally[CONTENT_TALLIES];
    uint64_t *by_group;
    uint32_t n_groups;
    struct content_hit *hits;
    const struct content_hit **order;
    size_t n_hits, cap_hits;
};

/* ---- shared state -------------------------------------------------------------------------- */

static const char *content_group_of(const struct assay_rule_view *rule, int by_entity)
{
    const char *name = by_entity ? rule->entity : rule->category;
    return name == NULL ? CONTENT_UNGROUPED : name;
}

static int content_compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Index of `name` in the sorted groups; CONTENT_NO_GROUP. */
static uint32_t content_find_group(const struct content_shared *s, const char *name)
{
    const char **found = s->n_groups == 0
                             ? NULL
                             : (const char **)bsearch(&name, s->groups, s->n_groups,
                                                      sizeof *s->groups, content_compare_names);
    return found == NULL ? CONTENT_NO_GROUP : (uint32_t)(found - s->groups);
}

/* Collects the distinct group names of the rules of `scanner`, sorted. */
static void content_collect_groups(struct content_shared *s, const char *scanner, int by_entity)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_rules; i++) {
        const struct assay_rule_view *rule = s->host->rule(s->host->ctx, i);
        if (rule != NULL && rule->scanner != NULL && strcmp(rule->scanner, scanner) == 0) {
            s->groups[n++] = content_group_of(rule, by_entity);
        }
    }
    qsort(s->groups, n, sizeof *s->groups, content_compare_names);
    for (uint32_t i = 0; i < n; i++) {
        if (s->n_groups == 0 || strcmp(s->groups[s->n_groups - 1], s->groups[i]) != 0) {
            s->groups[s->n_groups++] = s->groups[i];
        }
    }
}

static void content_index_rules(struct content_shared *s, const char *scanner, int by_entity)
{
    for (uint32_t i = 0; i < s->n_rules; i++) {
        const struct assay_rule_view *rule = s->host->rule(s->host->ctx, i);
        int ours = rule != NULL && rule->scanner != NULL && strcmp(rule->scanner, scanner) == 0;
        s->group_of[i] =
            ours ? content_find_group(s, content_group_of(rule, by_entity)) : CONTENT_NO_GROUP;
    }
}

static void content_read_options(struct content_shared *s)
{
    const char *overlap = s->host->option(s->host->ctx, "overlap");
    const char *least = s->host->option(s->host->ctx, "min_confidence");
    long value = least == NULL ? 0 : strtol(least, NULL, 10);
    s->keep_all = overlap != NULL && strcmp(overlap, "all") == 0;
    s->min_confidence = (uint16_t)(value < 0 ? 0 : value > 1000 ? 1000 : value);
}

static void content_free(void *shared)
{
    struct content_shared *s = (struct content_shared *)shared;
    if (s != NULL) {
        free(s->group_of);
        free((void *)s->groups);
        free(s);
    }
}

/* Groups are entities, or categories where `by_entity` is 0. */
static enum assay_status content_init(const struct assay_host *host, const char *scanner,
                                      int by_entity, void **ret_shared, struct assay_error *err)
{
    struct content_shared *s = (struct content_shared *)calloc(1, sizeof *s);
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory for the rules of %s", scanner);
    }
    s->host = host;
    s->n_rules = host->rule_count(host->ctx);
    s->group_of = (uint32_t *)calloc((size_t)s->n_rules + 1, sizeof *s->group_of);
    s->groups = (const char **)calloc((size_t)s->n_rules + 1, sizeof *s->groups);
    if (s->group_of == NULL || s->groups == NULL) {
        content_free(s);
        return assay_fail(err, ASSAY_NOMEM, "out of memory for the rules of %s", scanner);
    }
    content_collect_groups(s, scanner, by_entity);
    content_index_rules(s, scanner, by_entity);
    content_read_options(s);
    *ret_shared = s;
    return ASSAY_OK;
}

/* ---- per-worker state ---------------------------------------------------------------------- */

static void content_local_free(void *local)
{
    struct content_local *l = (struct content_local *)local;
    if (l != NULL) {
        free(l->by_group);
        free(l->hits);
        free((void *)l->order);
        free(l);
    }
}

static enum assay_status content_local_init(const void *shared, void **ret_local,
                                            struct assay_error *err)
{
    const struct content_shared *s = (const struct content_shared *)shared;
    struct content_local *l = (struct content_local *)calloc(1, sizeof *l);
    if (l != NULL) {
        l->n_groups = s->n_groups;
        l->by_group = (uint64_t *)calloc((size_t)s->n_groups + 1, sizeof *l->by_group);
    }
    if (l == NULL || l->by_group == NULL) {
        content_local_free(l);
        return assay_fail(err, ASSAY_NOMEM, "out of memory for a worker's counts");
    }
    *ret_local = l;
    return ASSAY_OK;
}

static int content_grow(struct content_local *l)
{
    size_t cap = l->cap_hits == 0 ? 256 : 2 * l->cap_hits;
    struct content_hit *hits = (struct content_hit *)realloc(l->hits, cap * sizeof *hits);
    if (hits == NULL) {
        return 0;
    }
    l->hits = hits;
    const struct content_hit **order =
        (const struct content_hit **)realloc((void *)l->order, cap * sizeof *order);
    if (order == NULL) {
        return 0;
    }
    l->order = order;
    l->cap_hits = cap;
    return 1;
}

/* ---- overlaps ------------------------------------------------------------------------------ */

/* Strongest first. */
static int content_compare_strength(const void *a, const void *b)
{
    const struct content_hit *x = *(const struct content_hit *const *)a;
    const struct content_hit *y = *(const struct content_hit *const *)b;
    uint32_t x_len = x->end - x->start, y_len = y->end - y->start;
    if (x->confidence != y->confidence) {
        return x->confidence > y->confidence ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank > y->rank ? -1 : 1;
    }
    if (x_len != y_len) {
        return x_len > y_len ? -1 : 1;
    }
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* Settles against hits[i], which is kept, every match of hits[from, to) that overlaps it. Hits
 * stand by start, so they are its neighbours on both sides; `reach` says when to stop looking back.
 */
static void content_block(struct content_hit *hits, size_t from, size_t to, size_t i)
{
    for (size_t k = i + 1; k < to && hits[k].start < hits[i].end; k++) {
        hits[k].settled = 1;
    }
    for (size_t k = i; k > from && hits[k - 1].reach > hits[i].start; k--) {
        hits[k - 1].settled |= hits[k - 1].end > hits[i].start;
    }
}

/* hits[from, to) is a chain of overlapping matches. */
static void content_settle_cluster(struct content_local *l, size_t from, size_t to)
{
    size_t n = to - from;
    for (size_t i = 0; i < n; i++) {
        l->order[i] = &l->hits[from + i];
    }
    qsort(l->order, n, sizeof *l->order, content_compare_strength);
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)(l->order[i] - l->hits);
        if (!l->hits[at].settled) {
            l->hits[at].settled = l->hits[at].kept = 1;
            content_block(l->hits, from, to, at);
        } else {
            l->tally[CONTENT_OVERLAPPED]++;
        }
    }
}

/* Splits the field's hits into clusters and settles each. */
static void content_settle(struct content_local *l)
{
    size_t from = 0;
    for (size_t i = 0; i < l->n_hits; i++) {
        int joins = i > from && l->hits[i].start < l->hits[i - 1].reach;
        if (i > from && !joins) {
            content_settle_cluster(l, from, i);
            from = i;
        }
        uint32_t reach = joins ? l->hits[i - 1].reach : 0;
        l->hits[i].reach = l->hits[i].end > reach ? l->hits[i].end : reach;
    }
    if (l->n_hits > from) {
        content_settle_cluster(l, from, l->n_hits);
    }
}

/* ---- scanning ------------------------------------------------------------------------------ */

/* Assesses one candidate; adds it to the field's hits when it stands. */
static enum assay_status content_assess(const struct content_shared *s, struct content_local *l,
                                        const struct assay_batch *batch,
                                        const struct assay_match *m)
{
    struct assay_assessment a;
    memset(&a, 0, sizeof a);
    enum assay_status status = s->host->assess(s->host->ctx, batch, m, &a);
    const struct assay_rule_view *rule = s->host->rule(s->host->ctx, m->rule);
    if (status != ASSAY_OK || rule == NULL) {
        return status != ASSAY_OK ? status : ASSAY_INTERNAL;
    }
    if (a.dropped) {
        l->tally[CONTENT_REFUSED]++;
        return ASSAY_OK;
    }
    if (a.confidence < rule->min_confidence || a.confidence < s->min_confidence) {
        l->tally[CONTENT_WEAK]++;
        return ASSAY_OK;
    }
    if (l->n_hits == l->cap_hits && !content_grow(l)) {
        return ASSAY_NOMEM;
    }
    struct content_hit *hit = &l->hits[l->n_hits++];
    memset(hit, 0, sizeof *hit);
    hit->rule = m->rule;
    hit->start = m->start;
    hit->end = m->end;
    hit->confidence = a.confidence;
    hit->rank = rule->rank;
    return ASSAY_OK;
}

static enum assay_status content_report(const struct content_shared *s, struct content_local *l,
                                        const struct assay_batch *batch, uint32_t field,
                                        const struct content_hit *hit, struct assay_sink *sink)
{
    struct assay_finding f = assay_finding_init(hit->rule);
    struct assay_bytes value = assay_batch_value(batch, field);
    f.file = batch->file;
    f.record = batch->fields[field].record;
    f.field = field;
    f.start = hit->start;
    f.end = hit->end;
    f.confidence = hit->confidence;
    f.value = assay_bytes_make(value.ptr + hit->start, hit->end - hit->start);
    l->tally[CONTENT_FINDINGS]++;
    l->by_group[s->group_of[hit->rule]]++;
    return sink->finding(sink->ctx, &f);
}

/* All candidates of one field. *ret_found tells whether anything was reported. */
static enum assay_status content_field(const struct content_shared *s, struct content_local *l,
                                       const struct assay_scan_input *in, uint32_t first,
                                       uint32_t last, struct assay_sink *sink, int *ret_found)
{
    enum assay_status status = ASSAY_OK;
    l->n_hits = 0;
    for (uint32_t i = first; i < last && status == ASSAY_OK; i++) {
        uint32_t rule = in->matches[i].rule;
        if (rule < s->n_rules && s->group_of[rule] != CONTENT_NO_GROUP) {
            status = content_assess(s, l, in->batch, &in->matches[i]);
        }
    }
    if (status == ASSAY_OK && !s->keep_all) {
        content_settle(l);
    }
    *ret_found = 0;
    for (size_t i = 0; i < l->n_hits && status == ASSAY_OK; i++) {
        if (s->keep_all || l->hits[i].kept) {
            status = content_report(s, l, in->batch, in->matches[first].field, &l->hits[i], sink);
            *ret_found = 1;
        }
    }
    return status;
}

/* Candidates stand by field, fields by record. */
static enum assay_status content_scan(const void *shared, void *local,
                                      const struct assay_scan_input *in, struct assay_sink *sink)
{
    const struct content_shared *s = (const struct content_shared *)shared;
    struct content_local *l = (struct content_local *)local;
    enum assay_status status = ASSAY_OK;
    uint32_t counted = ASSAY_NONE;
    l->tally[CONTENT_RECORDS_SEEN] += in->batch->n_records;
    for (uint32_t i = 0, last; i < in->n_matches && status == ASSAY_OK; i = last) {
        uint32_t field = in->matches[i].field;
        int found = 0;
        for (last = i + 1; last < in->n_matches && in->matches[last].field == field;) {
            last++;
        }
        status = content_field(s, l, in, i, last, sink, &found);
        if (found && in->batch->fields[field].record != counted) {
            counted = in->batch->fields[field].record;
            l->tally[CONTENT_RECORDS]++;
        }
    }
    return status;
}

static enum assay_status content_merge(const void *shared, void *into, void *from,
                                       struct assay_error *err)
{
    struct content_local *a = (struct content_local *)into;
    const struct content_local *b = (const struct content_local *)from;
    (void)shared;
    (void)err;
    for (size_t i = 0; i < CONTENT_TALLIES; i++) {
        a->tally[i] += b->tally[i];
    }
    for (uint32_t i = 0; i < a->n_groups; i++) {
        a->by_group[i] += b->by_group[i];
    }
    return ASSAY_OK;
}

/* ---- saved state: magic, tallies, then name and count of every group; little-endian ---------- */

static void content_put64(unsigned char *out, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (unsigned char)(v >> (8 * i));
    }
}

static uint64_t content_get64(const char *in)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v |= (uint64_t)(unsigned char)in[i] << (8 * i);
    }
    return v;
}

static enum assay_status
content_save(const void *shared, const void *local,
             enum assay_status (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    const struct content_shared *s = (const struct content_shared *)shared;
    const struct content_local *l = (const struct content_local *)local;
    unsigned char head[8 * (2 + CONTENT_TALLIES)];
    content_put64(head, CONTENT_MAGIC);
    for (size_t i = 0; i < CONTENT_TALLIES; i++) {
        content_put64(head + 8 * (1 + i), l->tally[i]);
    }
    content_put64(head + 8 * (1 + CONTENT_TALLIES), s->n_groups);
    enum assay_status status = put(ctx, head, sizeof head);
    for (uint32_t i = 0; i < s->n_groups && status == ASSAY_OK; i++) {
        unsigned char row[16];
        content_put64(row, strlen(s->groups[i]));
        content_put64(row + 8, l->by_group[i]);
        status = put(ctx, row, sizeof row);
        status = status != ASSAY_OK ? status : put(ctx, s->groups[i], strlen(s->groups[i]));
    }
    return status;
}

/* Reads one group row at *at; 0 when it is malformed or names a group these rules do not have. */
static int content_load_group(const struct content_shared *s, struct content_local *l,
                              struct assay_bytes data, size_t *at)
{
    char name[CONTENT_NAME_MAX + 1];
    if (data.len - *at < 16) {
        return 0;
    }
    uint64_t len = content_get64(data.ptr + *at), count = content_get64(data.ptr + *at + 8);
    *at += 16;
    if (len > CONTENT_NAME_MAX || len > data.len - *at) {
        return 0;
    }
    memcpy(name, data.ptr + *at, (size_t)len);
    name[len] = '\0';
    *at += (size_t)len;
    uint32_t group = content_find_group(s, name);
    if (group == CONTENT_NO_GROUP) {
        return 0;
    }
    l->by_group[group] = count;
    return 1;
}

static enum assay_status content_load(const void *shared, void *local, struct assay_bytes data,
                                      struct assay_error *err)
{
    const struct content_shared *s = (const struct content_shared *)shared;
    struct content_local *l = (struct content_local *)local;
    size_t at = 8 * (2 + CONTENT_TALLIES);
    if (data.len < at || content_get64(data.ptr) != CONTENT_MAGIC) {
        return assay_fail(err, ASSAY_CORRUPT, "saved state of a content scanner is malformed");
    }
    for (size_t i = 0; i < CONTENT_TALLIES; i++) {
        l->tally[i] = content_get64(data.ptr + 8 * (1 + i));
    }
    uint64_t groups = content_get64(data.ptr + at - 8);
    while (groups > 0 && content_load_group(s, l, data, &at)) {
        groups--;
    }
    if (groups != 0 || at != data.len) {
        return assay_fail(err, ASSAY_CORRUPT,
                          "saved state of a content scanner does not fit these rules");
    }
    return ASSAY_OK;
}

/* ---- metrics ------------------------------------------------------------------------------- */

static enum assay_status content_metric(struct assay_sink *sink, const char *scanner,
                                        const char *name, uint64_t num, uint64_t den)
{
    char full[2 * CONTENT_NAME_MAX];
    int n = snprintf(full, sizeof full, "%s.%s", scanner, name);
    if (n < 0 || n >= (int)sizeof full) {
        return ASSAY_LIMIT;
    }
    return sink->metric(sink->ctx, full, num, den == 0 ? 1 : den);
}

/* SCANNER.findings, .records, .record_ratio, .refused, .weak, the losers of the overlap policy
 * under its name, and SCANNER.LABEL.GROUP for every group. */
static enum assay_status content_finish(const struct content_shared *s,
                                        const struct content_local *l, const char *scanner,
                                        const char *label, struct assay_sink *sink)
{
    const struct {
        const char *name;
        uint64_t num, den;
    } rows[] = {
        {"findings", l->tally[CONTENT_FINDINGS], 1},
        {"records", l->tally[CONTENT_RECORDS], 1},
        {"record_ratio", l->tally[CONTENT_RECORDS], l->tally[CONTENT_RECORDS_SEEN]},
        {"refused", l->tally[CONTENT_REFUSED], 1},
        {"weak", l->tally[CONTENT_WEAK], 1},
        {s->keep_all ? "overlap.all.dropped" : "overlap.strongest.dropped",
         l->tally[CONTENT_OVERLAPPED], 1},
    };
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == ASSAY_OK; i++) {
        status = content_metric(sink, scanner, rows[i].name, rows[i].num, rows[i].den);
    }
    for (uint32_t i = 0; i < s->n_groups && status == ASSAY_OK; i++) {
        char name[CONTENT_NAME_MAX];
        int n = snprintf(name, sizeof name, "%s.%s", label, s->groups[i]);
        status = n < 0 || n >= (int)sizeof name
                     ? ASSAY_LIMIT
                     : content_metric(sink, scanner, name, l->by_group[i], 1);
    }
    return status;
}

/* The options both scanners have; rows of a plugin's table. */
#define CONTENT_OPTIONS                                                                            \
    {"overlap",                                                                                    \
     ASSAY_OPT_ENUM,                                                                               \
     0,                                                                                            \
     0,                                                                                            \
     "strongest|all",                                                                              \
     "strongest",                                                                                  \
     "of overlapping matches report the strongest, or all"},                                       \
    {                                                                                              \
        "min_confidence", ASSAY_OPT_INT, 0, 1000, NULL, "0",                                       \
            "report nothing below this confidence, in thousandths"                                 \
    }

#endif
