/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/tally.c: counting. A record is recognised by a number that only grows, so forgetting the
 * last record costs nothing.
 */
#include "engine/tally.h"

static void *zeroes(size_t n, size_t size)
{
    return calloc(n == 0 ? 1 : n, size);
}

enum assay_status assay_tally_init(struct assay_tally *t, const struct assay_policy *policy,
                                   uint32_t n_rules)
{
    memset(t, 0, sizeof *t);
    t->policy = policy;
    t->n_rules = n_rules;
    t->n_conditions = policy == NULL ? 0 : assay_policy_conditions(policy);
    t->rules = zeroes(n_rules, sizeof *t->rules);
    t->rule_record = zeroes(n_rules, sizeof *t->rule_record);
    t->conditions = zeroes(t->n_conditions, sizeof *t->conditions);
    t->condition_record = zeroes(t->n_conditions, sizeof *t->condition_record);
    if (t->rules == NULL || t->rule_record == NULL || t->conditions == NULL ||
        t->condition_record == NULL) {
        assay_tally_release(t);
        return ASSAY_NOMEM;
    }
    return ASSAY_OK;
}

void assay_tally_release(struct assay_tally *t)
{
    free(t->rules);
    free(t->rule_record);
    free(t->conditions);
    free(t->condition_record);
    memset(t, 0, sizeof *t);
}

void assay_tally_record(struct assay_tally *t)
{
    t->record++;
}

static unsigned band_of(uint16_t confidence)
{
    unsigned band = confidence / 100u;
    return band < ASSAY_CONFIDENCE_BANDS ? band : ASSAY_CONFIDENCE_BANDS - 1;
}

/* Adds `records` to *count; a single record only when it is not the last one that was added. */
static void add_records(const struct assay_tally *t, uint64_t *count, uint64_t *last,
                        uint64_t records)
{
    if (records != 1) {
        *count += records;
    } else if (*last != t->record) {
        *last = t->record;
        (*count)++;
    }
}

void assay_tally_finding(struct assay_tally *t, uint32_t rule, uint16_t confidence,
                         uint64_t records)
{
    unsigned band = band_of(confidence);
    t->findings++;
    t->rules[rule].findings[band]++;
    add_records(t, &t->rules[rule].records, &t->rule_record[rule], records);
    for (size_t i = 0; i < t->n_conditions; i++) {
        if ((assay_policy_condition(t->policy, i)[rule] >> band & 1) != 0) {
            add_records(t, &t->conditions[i], &t->condition_record[i], records);
        }
    }
}

void assay_tally_skip(struct assay_tally *t, enum assay_skip why, struct assay_skip_count n)
{
    struct assay_skip_count *c = &t->skipped[why];
    c->files += n.files;
    c->records += n.records;
    c->bytes += n.bytes;
    c->noted = 1;
    t->skips++;
}

void assay_tally_merge(struct assay_tally *into, const struct assay_tally *from)
{
    for (uint32_t r = 0; r < into->n_rules; r++) {
        for (unsigned b = 0; b < ASSAY_CONFIDENCE_BANDS; b++) {
            into->rules[r].findings[b] += from->rules[r].findings[b];
        }
        into->rules[r].records += from->rules[r].records;
        into->rules[r].files += from->rules[r].files;
    }
    for (size_t i = 0; i < into->n_conditions; i++) {
        into->conditions[i] += from->conditions[i];
    }
    for (unsigned s = 0; s < ASSAY_SKIP_MAX; s++) {
        into->skipped[s].files += from->skipped[s].files;
        into->skipped[s].records += from->skipped[s].records;
        into->skipped[s].bytes += from->skipped[s].bytes;
        into->skipped[s].noted |= from->skipped[s].noted;
    }
    into->findings += from->findings;
    into->kept += from->kept;
    into->skips += from->skips;
    into->files_scanned += from->files_scanned;
    into->records_total += from->records_total;
    into->records_scanned += from->records_scanned;
    into->bytes_scanned += from->bytes_scanned;
    into->text_bytes += from->text_bytes;
}
