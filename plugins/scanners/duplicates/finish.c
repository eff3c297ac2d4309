/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/finish.c: see the header.
 */
#include "finish.h"

#include "../common/say.h"
#include "answers.h"
#include "clusters.h"
#include "groups.h"
#include "index_write.h"
#include "local.h"

static enum assay_status say_metrics(const struct dup_local *l, const struct dup_tiers *records,
                                     const struct dup_tiers *files, struct assay_sink *sink)
{
    const uint64_t n_records = l->counts[DUP_COUNT_RECORDS], n_files = l->counts[DUP_COUNT_FILES];
    const struct say_metric rows[] = {
        {"duplicates.files", l->counts[DUP_COUNT_FILES], 1},
        {"duplicates.file_groups", files->same.groups, 1},
        {"duplicates.file_ratio", files->same.extra, n_files},
        {"duplicates.records", l->counts[DUP_COUNT_RECORDS], 1},
        {"duplicates.short_records", l->counts[DUP_COUNT_SHORT], 1},
        {"duplicates.record_groups", records->same.groups, 1},
        {"duplicates.record_ratio", records->same.extra, n_records},
        {"duplicates.normalised_groups", records->alike.groups, 1},
        {"duplicates.normalised_ratio", records->alike.extra, n_records},
        {"duplicates.answers", l->counts[DUP_COUNT_ANSWERS], 1},
    };
    return say_metric_rows(sink, rows, sizeof rows / sizeof rows[0]);
}

/* The near tier: how it searched, and what it found. */
static enum assay_status say_near_metrics(const struct dup_local *l, const struct dup_near_tally *t,
                                          struct assay_sink *sink)
{
    const struct dup_near_plan *plan = &l->shared->near;
    const uint64_t n_records = l->counts[DUP_COUNT_RECORDS];
    const struct say_metric rows[] = {
        {"duplicates.near_groups", t->groups, 1},
        {"duplicates.near_ratio", t->extra, n_records},
        {"duplicates.near_chained", t->chained, 1},
        {"duplicates.near_records", l->counts[DUP_COUNT_SKETCHED], 1},
        {"duplicates.near_too_long", l->counts[DUP_COUNT_LONG], 1},
        {"duplicates.near_candidates", t->candidates, 1},
        {"duplicates.near_unverified", t->unverified, 1},
        {"duplicates.near_hot_buckets", l->near.candidates.hot_buckets, 1},
        {"duplicates.near_threshold", plan->threshold, 1000},
        {"duplicates.near_bands", plan->bands.bands, 1},
        {"duplicates.near_rows", plan->bands.rows, 1},
        {"duplicates.near_expected.at_threshold", dup_bands_recall(plan->bands, plan->threshold),
         1000000},
        {"duplicates.near_expected.at_60", dup_bands_recall(plan->bands, 600), 1000000},
        {"duplicates.near_expected.at_70", dup_bands_recall(plan->bands, 700), 1000000},
        {"duplicates.near_expected.at_80", dup_bands_recall(plan->bands, 800), 1000000},
        {"duplicates.near_expected.at_90", dup_bands_recall(plan->bands, 900), 1000000},
    };
    return say_metric_rows(sink, rows, sizeof rows / sizeof rows[0]);
}

/* Texts that were to be seen again and were not are skips: the host may know why, this is how many.
 */
static void count_unseen(const struct dup_local *l, struct assay_sink *sink)
{
    const uint64_t unseen = l->near.found ? l->near.sets.missing : l->counts[DUP_COUNT_SKETCHED];
    if (unseen > 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_CHANGED, unseen, 0);
    }
}

/* What was set aside, where a list says what to accept. */
static enum assay_status say_accepted(const struct dup_local *l, struct assay_sink *sink)
{
    const struct dup_accepted *a = &l->shared->accepted;
    const uint64_t n_records = l->counts[DUP_COUNT_RECORDS];
    const uint64_t by_record = l->counts[DUP_COUNT_SET_ASIDE] + l->delivered.set_aside;
    const struct say_metric rows[] = {
        {"duplicates.accepted_groups", l->set_aside.groups + by_record, 1},
        {"duplicates.accepted_ratio", l->set_aside.extra + by_record, n_records},
        {"duplicates.accepted_listed", a->n, 1},
    };
    return a->given ? say_metric_rows(sink, rows, sizeof rows / sizeof rows[0]) : ASSAY_OK;
}

static enum assay_status finish_near(struct dup_local *l, struct dup_across_report *across,
                                     struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_near_tally tally = {.candidates = 0};
    enum assay_status st = ASSAY_OK;
    if (!dup_seeks_near(s)) {
        return ASSAY_OK;
    }
    count_unseen(l, sink);
    if (l->near.found) {
        st = dup_clusters_report(&l->near, &s->near, s->host, sink,
                                 dup_fitting(s, DUP_PAIR_PARTS, 1, 1), s->rule[DUP_RULE_NEAR],
                                 s->rule[DUP_RULE_HOT], &s->accepted, &l->tables[DUP_TABLE_RECORDS],
                                 across, &tally);
    }
    dup_accepted_tally_add(&l->set_aside, tally.set_aside);
    return st == ASSAY_OK ? say_near_metrics(l, &tally, sink) : st;
}

static enum assay_status finish_spans(struct dup_local *l, struct dup_across_report *across,
                                      struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    if (s->spans.mode == DUP_SPANS_OFF) {
        return ASSAY_OK;
    }
    if (!l->spans.found) {
        sink->skip(sink->ctx, ASSAY_SKIP_CHANGED, l->counts[DUP_COUNT_RECORDS], 0);
    }
    enum assay_status st = dup_spans_report(
        &l->spans, &s->spans, s->host, l->counts[DUP_COUNT_RECORDS], across, &l->set_aside, sink);
    return st == ASSAY_OK
               ? sink->metric(sink->ctx, "duplicates.span_short", l->counts[DUP_COUNT_BRIEF], 1)
               : st;
}

/* The tiers that are looked for, as bits. */
static unsigned tiers_of(const struct dup_local *l)
{
    const struct dup_shared *s = l->shared;
    return 1u << DUP_TIER_FILE | 1u << DUP_TIER_RECORD |
           (s->min_chars > 0 ? 1u << DUP_TIER_NORMALISED : 0) |
           (dup_seeks_near(s) ? 1u << DUP_TIER_NEAR : 0) |
           (s->spans.mode != DUP_SPANS_OFF ? 1u << DUP_TIER_SPAN : 0) |
           (l->pictures ? 1u << DUP_TIER_IMAGE : 0);
}

/* Groups of files and of records; every group is also heard of by `across`. */
static enum assay_status finish_groups(struct dup_local *l, struct dup_across_report *across,
                                       struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_tiers records = {.same_rule = s->rule[DUP_RULE_RECORD],
                                .alike_rule = s->rule[DUP_RULE_NORMALISED],
                                .accepted = &s->accepted,
                                .across = across};
    struct dup_tiers files = {.same_rule = s->rule[DUP_RULE_FILE],
                              .alike_rule = ASSAY_NONE,
                              .whole_files = 1,
                              .accepted = &s->accepted,
                              .across = across};
    enum assay_status st = dup_groups_report(&l->tables[DUP_TABLE_FILES], s->host, sink, &files);
    st = st == ASSAY_OK ? dup_groups_report(&l->tables[DUP_TABLE_RECORDS], s->host, sink, &records)
                        : st;
    st = st == ASSAY_OK ? dup_answers_hand(&l->tables[DUP_TABLE_ANSWERS], s->host, &s->accepted,
                                           &l->set_aside, sink)
                        : st;
    files.set_aside.extra = 0; /* files are not records */
    dup_accepted_tally_add(&l->set_aside, files.set_aside);
    dup_accepted_tally_add(&l->set_aside, records.set_aside);
    return st == ASSAY_OK ? say_metrics(l, &records, &files, sink) : st;
}

/* Makes the index; what fails is told in the log, too: a status is all that the host gets. */
static enum assay_status write_index(struct dup_local *l)
{
    const struct dup_shared *s = l->shared;
    uint64_t params[DUP_PARAMS];
    struct assay_error err;
    if (s->earlier.write == NULL) {
        return ASSAY_OK;
    }
    dup_params_read_index(s, params);
    const struct dup_index_parts parts = {.path = s->earlier.write,
                                          .name = s->earlier.name,
                                          .params = {params, dup_param_names, DUP_PARAMS},
                                          .records = l->counts[DUP_COUNT_RECORDS],
                                          .entries = &l->tables[DUP_TABLE_RECORDS],
                                          .bands = &l->tables[DUP_TABLE_BANDS],
                                          .keep = &l->keep};
    const enum assay_status st = dup_index_write(&parts, s->host, &err);
    if (st != ASSAY_OK) {
        s->host->log(s->host->ctx, ASSAY_LOG_ERROR, err.message);
    }
    return st;
}

/* What of earlier deliveries could not be believed: which file, which block. */
static enum assay_status say_damage(const struct dup_shared *s)
{
    struct assay_error err;
    const enum assay_status st = dup_lookup_damage(&s->earlier.lookup, &err);
    if (st != ASSAY_OK) {
        s->host->log(s->host->ctx, ASSAY_LOG_ERROR, err.message);
    }
    return st;
}

static enum assay_status say_delivered(const struct dup_local *l, struct assay_sink *sink)
{
    const uint64_t *n = l->delivered.by_likeness;
    const uint64_t records = l->counts[DUP_COUNT_RECORDS] == 0 ? 1 : l->counts[DUP_COUNT_RECORDS];
    const struct say_metric rows[] = {
        {"duplicates.delivered_ratio", n[DUP_NEAR] + n[DUP_SAME_FORM] + n[DUP_SAME_BYTES], records},
        {"duplicates.delivered_identical", n[DUP_SAME_BYTES], 1},
        {"duplicates.delivered_normalised", n[DUP_SAME_FORM], 1},
        {"duplicates.delivered_near", n[DUP_NEAR], 1},
        {"duplicates.delivered_capped", l->delivered.capped, 1},
        {"duplicates.delivered_deliveries", l->shared->earlier.lookup.deliveries, 1},
    };
    return l->shared->earlier.lookup.n == 0
               ? ASSAY_OK
               : say_metric_rows(sink, rows, sizeof rows / sizeof rows[0]);
}

/* The second look is over: what groups were made of makes room for what clusters are made of. Only
 * the records stay where splits are compared: clusters are spoken of by all records of their texts. */
static enum assay_status settle(struct dup_local *l, int keep_records)
{
    const struct dup_shared *s = l->shared;
    const size_t bytes = dup_fitting(s, DUP_PAIR_PARTS, 1, 1);
    if (!l->near.found && !l->spans.found) {
        return ASSAY_OK;
    }
    for (unsigned i = 0; i < DUP_TABLES; i++) {
        if (i != DUP_TABLE_RECORDS || !keep_records) {
            dup_table_release(&l->tables[i]);
        }
    }
    enum assay_status st = dup_sets_settle(&l->near.sets, s->host, bytes);
    return st == ASSAY_OK ? dup_sets_settle(&l->spans.texts, s->host, bytes) : st;
}

enum assay_status dup_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    struct dup_local *l = merged;
    enum assay_status st = dup_local_listen(l);
    st = st == ASSAY_OK ? finish_groups(l, &l->report, sink) : st;
    st = st == ASSAY_OK ? say_delivered(l, sink) : st;
    st = st == ASSAY_OK ? say_damage(shared) : st;
    st = st == ASSAY_OK ? write_index(l) : st;
    st = st == ASSAY_OK ? settle(l, dup_across_listens(&l->report)) : st;
    st = st == ASSAY_OK ? finish_near(l, &l->report, sink) : st;
    st = st == ASSAY_OK ? finish_spans(l, &l->report, sink) : st;
    st = st == ASSAY_OK ? say_accepted(l, sink) : st;
    st = st == ASSAY_OK ? dup_across_end(&l->report, tiers_of(l), sink) : st;
    dup_local_heard(l);
    return st;
}
