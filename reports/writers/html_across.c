/* SPDX-License-Identifier: Apache-2.0
 *
 * The section of the HTML report on what splits share with each other, benchmarks with the data,
 * and sources with themselves.
 */
#include "reports/writers/html_kit.h"

#define NAME_CUT 64

/* 12 of 480, and how much that is. */
static void write_share(struct assay_page *p, uint64_t num, uint64_t den)
{
    assay_html(p, "<td class=n>");
    if (den == 0) {
        assay_html(p, "\xE2\x80\x93");
        return;
    }
    assay_put_percent(&p->b, num, den);
    assay_html(p, "<br><span class=\"soft small\">");
    assay_html_count(p, num);
    assay_html(p, " / ");
    assay_html_count(p, den);
    assay_html(p, "</span>");
}

static void write_name_cell(struct assay_page *p, const char *name)
{
    assay_html(p, "<td>");
    assay_html_name(p, name, NAME_CUT);
}

static void write_pairs(struct assay_page *p, const struct assay_leaks *l)
{
    int head[ASSAY_LEAK_TIERS + 3] = {ASSAY_T_SPLIT, ASSAY_T_SPLIT_IN};
    size_t n = 2;
    for (int t = 0; t < ASSAY_LEAK_TIERS; t++) {
        if (l->looked[t]) {
            head[n++] = -(int)assay_leak_text((enum assay_leak_tier)t);
        }
    }
    head[n] = ASSAY_T_MAX;
    assay_html(p, "<p>");
    assay_html_say(p, ASSAY_T_SPLITS_NOTE);
    assay_html(p, "</p>" ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < l->n; i++) {
        assay_html(p, "<tr>");
        write_name_cell(p, l->pairs[i].from);
        write_name_cell(p, l->pairs[i].in);
        for (int t = 0; t < ASSAY_LEAK_TIERS; t++) {
            if (l->looked[t]) {
                write_share(p, l->pairs[i].tier[t].num, l->pairs[i].tier[t].den);
            }
        }
    }
    assay_html(p, "</table></div>");
}

static void write_list(struct assay_page *p, enum assay_share_list l)
{
    const int head[] = {(int)assay_share_column(l), -ASSAY_T_SHARE, ASSAY_T_MAX};
    if (assay_share_count(p->a, l) == 0) {
        return;
    }
    assay_html(p, "<h3>");
    assay_html_say(p, assay_share_title(l));
    assay_html(p, "</h3>" ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < assay_audit_metrics(p->a); i++) {
        const char *name = assay_share_name(p->a, l, i);
        if (name != NULL) {
            assay_html(p, "<tr>");
            write_name_cell(p, name);
            write_share(p, assay_audit_metric(p->a, i)->num, assay_audit_metric(p->a, i)->den);
        }
    }
    assay_html(p, "</table></div>");
}

void assay_html_across(struct assay_page *p)
{
    if (p->leaks.n == 0 && assay_share_count(p->a, ASSAY_SHARE_BENCHMARKS) == 0 &&
        assay_share_count(p->a, ASSAY_SHARE_SOURCES) == 0) {
        return;
    }
    assay_html_open(p, "across", ASSAY_T_SPLITS);
    if (p->leaks.n > 0) {
        write_pairs(p, &p->leaks);
    }
    write_list(p, ASSAY_SHARE_BENCHMARKS);
    write_list(p, ASSAY_SHARE_SOURCES);
    assay_html(p, "</section>");
}
