/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/across.c: see the header.
 */
#include "across.h"

/* ---- options -----------------------------------------------------------------------------------
 */

enum assay_status dup_across_init(struct dup_across *a, const struct assay_host *host,
                                  struct assay_error *err)
{
    a->host = host;
    a->rule = host->rule_index(host->ctx, "duplicates.leakage");
    enum assay_status st = dup_splits_init(&a->splits, host, &a->benchmarks, err);
    return st == ASSAY_OK ? dup_sources_init(&a->sources, host, err) : st;
}

void dup_across_release(struct dup_across *a)
{
    dup_labels_release(&a->splits);
    dup_labels_release(&a->sources);
}

/* ---- while records are read --------------------------------------------------------------------
 */

void dup_across_local_release(struct dup_across_local *l)
{
    dup_census_release(&l->splits);
    dup_census_release(&l->sources);
}

struct dup_across_marks dup_across_record(const struct dup_across *a, struct dup_across_local *l,
                                          const struct assay_batch *b, const struct assay_record *r)
{
    struct dup_across_marks marks = {0, 0};
    if (a->splits.field != NULL &&
        (a->benchmarks >> dup_labels_of_file(&a->splits, b->file) & 1) == 0) {
        marks.split = dup_split_mark(&a->splits, b, r);
    }
    if (a->sources.field != NULL) {
        marks.source = dup_source_mark(&a->sources, b, r);
    }
    l->split = dup_label_of(&a->splits, b->file, marks.split);
    l->splits.records[l->split]++;
    l->sources.records[dup_label_of(&a->sources, b->file, marks.source)]++;
    return marks;
}

void dup_across_file(const struct dup_across *a, struct dup_across_local *l, uint32_t file)
{
    l->splits.files[dup_labels_of_file(&a->splits, file)]++;
    l->sources.files[dup_labels_of_file(&a->sources, file)]++;
}

void dup_across_brief(struct dup_across_local *l)
{
    l->brief[l->split]++;
}

void dup_across_join(struct dup_across_local *into, struct dup_across_local *from)
{
    for (unsigned i = 0; i < DUP_SPLITS; i++) {
        into->brief[i] += from->brief[i];
        from->brief[i] = 0;
    }
    dup_census_join(&into->splits, &from->splits);
    dup_census_join(&into->sources, &from->sources);
}

void dup_across_save(const struct dup_across *a, const struct dup_across_local *l,
                     struct state_out *out)
{
    state_put_u64(out, dup_labels_digest(&a->splits, a->host));
    state_put_u64(out, dup_labels_digest(&a->sources, a->host));
    for (unsigned i = 0; i < DUP_SPLITS; i++) {
        state_put_u64(out, l->brief[i]);
    }
    dup_census_save(&l->splits, &a->splits, out);
    dup_census_save(&l->sources, &a->sources, out);
}

enum assay_status dup_across_load(const struct dup_across *a, struct dup_across_local *l,
                                  struct state_in *in)
{
    uint64_t splits = state_take_u64(in), sources = state_take_u64(in);
    if (in->bad) {
        return ASSAY_CORRUPT;
    }
    if (splits != dup_labels_digest(&a->splits, a->host) ||
        sources != dup_labels_digest(&a->sources, a->host)) {
        return ASSAY_CONFIG;
    }
    for (unsigned i = 0; i < DUP_SPLITS; i++) {
        l->brief[i] += state_take_u64(in);
    }
    dup_census_load(&l->splits, &a->splits, in);
    dup_census_load(&l->sources, &a->sources, in);
    return in->bad ? ASSAY_CORRUPT : ASSAY_OK;
}

/* ---- at the end --------------------------------------------------------------------------------
 */

enum assay_status dup_across_settle(const struct dup_across *a, struct dup_across_local *l,
                                    struct dup_table *splits, struct dup_table *sources,
                                    size_t bytes)
{
    enum assay_status st = dup_marks_settle(&l->splits.marks, splits, a->host, bytes);
    return st == ASSAY_OK ? dup_marks_settle(&l->sources.marks, sources, a->host, bytes) : st;
}

enum assay_status dup_across_begin(struct dup_across_report *r, const struct dup_across *a,
                                   struct dup_across_local *l, size_t max)
{
    memset(r, 0, sizeof *r);
    r->across = a;
    r->local = l;
    if (!dup_census_is_split(&l->splits, &a->splits, a->benchmarks)) {
        return ASSAY_OK;
    }
    enum assay_status st =
        dup_leakage_new(a->host, &a->splits, &l->splits, a->benchmarks, max, &r->leakage);
    if (st == ASSAY_OK) {
        dup_leakage_rule(r->leakage, a->rule);
    }
    return st;
}

void dup_across_report_release(struct dup_across_report *r)
{
    dup_leakage_free(r->leakage);
    r->leakage = NULL;
}

static unsigned source_at(struct dup_across_report *r, uint64_t place)
{
    return dup_label_at(&r->across->sources, &r->local->sources.marks, place);
}

static enum assay_status take_member(struct dup_across_report *r, uint64_t place, int whole_file)
{
    if (!whole_file && r->across->sources.n > 1) {
        r->redundant[source_at(r, place)]++;
        r->least = !r->any || place < r->least ? place : r->least;
        r->any = 1;
    }
    return r->leakage == NULL ? ASSAY_OK : dup_leakage_member(r->leakage, place, whole_file);
}

static enum assay_status end_subgroup(struct dup_across_report *r, int whole_file)
{
    enum dup_tier tier = whole_file ? DUP_TIER_FILE : DUP_TIER_RECORD;
    return r->leakage == NULL ? ASSAY_OK : dup_leakage_subgroup(r->leakage, tier);
}

/* The group has a second member: the first one counts. */
static enum assay_status take_lone(struct dup_across_report *r, int whole_file)
{
    enum assay_status st = take_member(r, r->lone.place, whole_file);
    st = st == ASSAY_OK && r->lone.ended ? end_subgroup(r, whole_file) : st;
    r->lone = (struct dup_across_lone){0, 0, 0};
    return st;
}

enum assay_status dup_across_member(struct dup_across_report *r, uint64_t place, int whole_file)
{
    enum assay_status st = ASSAY_OK;
    if (!r->in_group) {
        r->lone = (struct dup_across_lone){place, 1, 0};
        r->in_group = 1;
        return st;
    }
    st = r->lone.any ? take_lone(r, whole_file) : st;
    return st == ASSAY_OK ? take_member(r, place, whole_file) : st;
}

enum assay_status dup_across_subgroup(struct dup_across_report *r, int whole_file)
{
    r->lone.ended = r->lone.any;
    return r->lone.any ? ASSAY_OK : end_subgroup(r, whole_file);
}

enum assay_status dup_across_group(struct dup_across_report *r, int whole_file,
                                   struct assay_sink *sink)
{
    enum dup_tier tier = whole_file ? DUP_TIER_FILE : DUP_TIER_NORMALISED;
    const int alone = r->lone.any || !r->in_group;
    if (r->any) {
        r->redundant[source_at(r, r->least)]--;
    }
    r->lone.any = r->in_group = r->any = 0;
    return alone || r->leakage == NULL ? ASSAY_OK : dup_leakage_group(r->leakage, tier, "", sink);
}

enum assay_status dup_across_alike(struct dup_across_report *r, uint64_t place)
{
    return r->leakage == NULL ? ASSAY_OK : dup_leakage_member(r->leakage, place, 0);
}

enum assay_status dup_across_alike_end(struct dup_across_report *r, enum dup_tier tier,
                                       const char *name, struct assay_sink *sink)
{
    if (r->leakage == NULL) {
        return ASSAY_OK;
    }
    enum assay_status st = dup_leakage_subgroup(r->leakage, tier);
    return st == ASSAY_OK ? dup_leakage_group(r->leakage, tier, name, sink) : st;
}

void dup_across_say(const struct dup_across_report *r, int whole, char *detail, size_t cap)
{
    if (r != NULL && r->leakage != NULL) {
        dup_leakage_say(r->leakage, whole, detail, cap);
    }
}

enum assay_status dup_across_end(struct dup_across_report *r, unsigned tiers,
                                 struct assay_sink *sink)
{
    const struct dup_labels *l = &r->across->sources;
    const uint64_t *records = r->local->sources.records;
    enum assay_status st = ASSAY_OK;
    char name[96];
    for (unsigned i = 0; i < l->n && l->n > 1 && st == ASSAY_OK; i++) {
        if (records[i] > 0) {
            (void)snprintf(name, sizeof name, "duplicates.source.%s", l->names[i]);
            st = sink->metric(sink->ctx, name, r->redundant[i], records[i]);
        }
    }
    for (unsigned i = 1; i < DUP_SPLITS && (tiers >> DUP_TIER_SPAN & 1) != 0 && st == ASSAY_OK;
         i++) {
        if ((r->across->benchmarks >> i & 1) != 0) {
            (void)snprintf(name, sizeof name, "duplicates.contamination_short.%s",
                           r->across->splits.names[i]);
            st = sink->metric(sink->ctx, name, r->local->brief[i],
                              r->local->splits.records[i] == 0 ? 1 : r->local->splits.records[i]);
        }
    }
    st = st == ASSAY_OK && r->leakage != NULL ? dup_leakage_report(r->leakage, tiers, sink) : st;
    st = st == ASSAY_OK ? dup_marks_status(&r->local->splits.marks) : st;
    return st == ASSAY_OK ? dup_marks_status(&r->local->sources.marks) : st;
}
