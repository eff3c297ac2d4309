/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/writers/html_kit.h: the vocabulary of the HTML report: escaped text, two languages,
 * chips, bars.
 *
 * Nothing reaches the page except through these functions and constant markup, so escaping is in
 * one place.
 */
#ifndef ASSAY_REPORTS_WRITERS_HTML_KIT_H
#define ASSAY_REPORTS_WRITERS_HTML_KIT_H

#include "reports/writers/common.h"
#include "reports/writers/leaks.h"

/* The style sheet and the script, whole: the page's policy names their digests. */
void assay_html_style(struct assay_buf *out);
void assay_html_script(struct assay_buf *out);

struct assay_page {
    struct assay_buf b;
    const struct assay_audit *a;
    struct assay_totals totals;
    struct assay_samples samples;
    struct assay_leaks leaks;
    size_t rows;          /* examples of a rule that fit */
    uint8_t manifest[32]; /* identity of the dataset */
    int chinese;          /* language shown first */
};

/* Begins what may be wider than the page; it is scrolled by keyboard, too. Ends with </div>. */
#define ASSAY_HTML_WIDE "<div class=scroll tabindex=0>"

/* Constant markup. */
void assay_html(struct assay_page *p, const char *markup);
/* Text from anywhere: made printable, then escaped. `max` bytes at most; 0: all. */
void assay_html_text(struct assay_page *p, const char *text, size_t max);
/* The same between <bdi> tags: names and values, whose direction must not leak out. */
void assay_html_name(struct assay_page *p, const char *text, size_t max);
/* The name of a file, cut in its middle. */
void assay_html_path(struct assay_page *p, const char *path);
/* A sentence in both languages, and with a number in it. */
void assay_html_say(struct assay_page *p, enum assay_text id);
void assay_html_say_count(struct assay_page *p, enum assay_text id, uint64_t n);
/* A text that exists in two languages elsewhere (titles, notes); `zh` NULL: as English. */
void assay_html_pair(struct assay_page *p, const char *en, const char *zh);
void assay_html_count(struct assay_page *p, uint64_t n);
/* Cells of a header row; ends with ASSAY_T_MAX. Negative ids are numeric columns. */
void assay_html_head(struct assay_page *p, const int *ids);
/* <td class=n>number */
void assay_html_number_cell(struct assay_page *p, uint64_t n);
/* Shape and word of a severity. */
void assay_html_severity(struct assay_page *p, enum assay_severity s);
/* num * scale / den, rounded down, at most `scale`. */
unsigned assay_html_scale(uint64_t num, uint64_t den, unsigned scale);

/* Begins a section, with its heading; the caller closes it. */
void assay_html_open(struct assay_page *p, const char *id, enum assay_text title);

/* html_groups.c: a table of `n` samples that are groups; what a finding's detail says, in words; and
 * how to list what can go, where `assay dedup` knows the rule. */
void assay_html_groups(struct assay_page *p, const struct assay_sample *items, size_t n);
void assay_html_detail(struct assay_page *p, const char *detail);
void assay_html_tier_hint(struct assay_page *p, const char *rule);

/* html_parts.c, html_rules.c, html_across.c: the sections, in the order of the page. */
void assay_html_banner(struct assay_page *p);
void assay_html_summary(struct assay_page *p);
void assay_html_terms(struct assay_page *p);
void assay_html_coverage(struct assay_page *p);
void assay_html_findings(struct assay_page *p);
void assay_html_rules(struct assay_page *p);
void assay_html_across(struct assay_page *p);
void assay_html_metrics(struct assay_page *p);
void assay_html_method(struct assay_page *p);
void assay_html_verify(struct assay_page *p);

#endif
