/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/writers/common.h: what the writers share: buffered output, numbers for people, samples of
 * findings.
 */
#ifndef ASSAY_REPORTS_WRITERS_COMMON_H
#define ASSAY_REPORTS_WRITERS_COMMON_H

#include "core/arena.h"
#include "reports/internal.h"
#include "reports/statement.h"
#include "reports/strings.h"
#include "reports/totals.h"

/* Text on its way to an assay_out, in pieces of some size. */
struct assay_printer {
    struct assay_buf buf;
    struct assay_out *out;
    struct assay_error *err;
};
/* Gathers for `out`; a failure goes to `err` as well. Both are borrowed. */
void assay_printer_init(struct assay_printer *p, struct assay_out *out, struct assay_error *err);
/* Hands over what has gathered once it is worth a call; always when `all`. */
enum assay_status assay_printer_flush(struct assay_printer *p, int all);
void assay_printer_release(struct assay_printer *p);

/* Numbers. All append. */
void assay_put_count(struct assay_buf *b, uint64_t n);    /* 12,480 */
void assay_put_size(struct assay_buf *b, uint64_t bytes); /* 2.2 KiB */
/* num/den in decimal, at most `places` (up to 6), rounded down, no trailing zeroes; "?" when den is
 * 0. */
void assay_put_ratio(struct assay_buf *b, uint64_t num, uint64_t den, unsigned places);
void assay_put_percent(struct assay_buf *b, uint64_t num, uint64_t den); /* 16.66% */
/* What a term observed, in the unit of its limit: "3", "16.66%". */
void assay_put_observed(struct assay_buf *b, const struct assay_term_result *t);
/* Appends at most `max` bytes of `s`, cut at a code point, with an ellipsis where cut. */
void assay_put_cut(struct assay_buf *b, const char *s, size_t max);

/* The same for the name of a file, cut in its middle: where it begins says the split, where it ends
 * which file it is. */
void assay_put_cut_path(struct assay_buf *b, const char *s, size_t max);

/* What to call a rule, and the kind of thing it looks for. Borrowed from the rule. */
const char *assay_rule_title(const struct assay_rule *r, int chinese);
const char *assay_rule_category(const struct assay_rule *r); /* category, else scanner */
/* The tier of `assay dedup` that lists what can go of this rule's groups; NULL: none. */
const char *assay_rule_tier(const char *rule);

/* One finding as a JSON object: the schema of findings.jsonl. `typed`: with "type":"finding". */
void assay_write_finding(struct assay_json *j, const struct assay_ruleset *rules,
                         const struct assay_found *f, int typed);
/* The summary object of findings.jsonl. */
enum assay_status assay_write_summary(struct assay_json *j, const struct assay_audit *a,
                                      struct assay_error *err);

#define ASSAY_SAMPLE_MEMBERS 8
/* Copies of a few findings of each of the first rules of a tally (by severity). */
struct assay_sample {
    const char *file, *field, *masked, *detail; /* NULL where the finding has none */
    uint64_t record;                            /* ASSAY_NO_RECORD */
    uint64_t start, end, offset;
    uint8_t has_span, has_offset;
    uint16_t confidence;
    uint8_t fingerprint[16];
    uint64_t members_total;
    size_t n_members; /* copied: at most ASSAY_SAMPLE_MEMBERS */
    struct {
        const char *file;
        uint64_t record;
    } members[ASSAY_SAMPLE_MEMBERS];
};
struct assay_samples {
    struct assay_arena *arena;
    uint32_t *slot; /* by rule index: place in `rules`, or ASSAY_NONE */
    size_t n_rules, per_rule;
    struct {
        size_t n;
        struct assay_sample *items;
    } * rules; /* in the order of tally->by_severity */
};
/* Reads the findings until every list is full or the findings end. */
enum assay_status assay_samples_collect(const struct assay_audit *a, const struct assay_totals *t,
                                        size_t max_rules, size_t per_rule,
                                        struct assay_samples *ret, struct assay_error *err);
void assay_samples_release(struct assay_samples *s); /* accepts a zeroed struct */

/* One a format; each is a row of assay_writers. The status is that of `out`, or ASSAY_NOMEM. */
enum assay_status assay_write_table(const struct assay_audit *a, struct assay_out *out,
                                    struct assay_error *err);
enum assay_status assay_write_jsonl(const struct assay_audit *a, struct assay_out *out,
                                    struct assay_error *err);
enum assay_status assay_write_json(const struct assay_audit *a, struct assay_out *out,
                                   struct assay_error *err);
enum assay_status assay_write_html(const struct assay_audit *a, struct assay_out *out,
                                   struct assay_error *err);
enum assay_status assay_write_csv(const struct assay_audit *a, struct assay_out *out,
                                  struct assay_error *err);

#endif
