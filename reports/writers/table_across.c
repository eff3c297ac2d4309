/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of the terminal summary on what splits share, benchmarks meet, and sources repeat.
 */
#include "reports/writers/leaks.h"
#include "reports/writers/table_kit.h"

#define NAME_WIDE  12
#define SHARE_WIDE 10
#define ROWS_MOST  12 /* pairs, or names of a list; the rest is in the report */

static void share_cell(struct sheet *s, uint64_t num, uint64_t den)
{
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 64);
    if (den > 0) {
        assay_put_percent(&b, num, den);
    } else {
        assay_buf_addc(&b, '-');
    }
    sheet_gap(s);
    sheet_cell(s, assay_buf_str(&b), SHARE_WIDE, 1, num == 0 ? DIM : PLAIN);
}

static void say_more(struct sheet *s, size_t n)
{
    char more[24];
    if (n > ROWS_MOST) {
        (void)snprintf(more, sizeof more, "%zu", n - ROWS_MOST);
        sheet_gap(s);
        assay_text_fill(&s->p.buf, ASSAY_T_AND_MORE, s->chinese, more);
        assay_buf_addc(&s->p.buf, '\n');
    }
}

/* How many of the tiers fit into the line, the union first. */
static size_t choose_tiers(const struct sheet *s, const struct assay_leaks *l,
                           enum assay_leak_tier ret[ASSAY_LEAK_TIERS])
{
    unsigned used = 2 * (2 + NAME_WIDE);
    size_t n = 0;
    for (int t = 0; t < ASSAY_LEAK_TIERS && used + 2 + SHARE_WIDE <= s->columns; t++) {
        if (l->looked[t]) {
            ret[n++] = (enum assay_leak_tier)t;
            used += 2 + SHARE_WIDE;
        }
    }
    return n;
}

static void write_pairs(struct sheet *s, const struct assay_leaks *l)
{
    enum assay_leak_tier tiers[ASSAY_LEAK_TIERS];
    const size_t n_tiers = choose_tiers(s, l, tiers);
    sheet_heading(s, ASSAY_T_SPLITS);
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, ASSAY_T_SPLIT), NAME_WIDE, 0, DIM);
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, ASSAY_T_SPLIT_IN), NAME_WIDE, 0, DIM);
    for (size_t t = 0; t < n_tiers; t++) {
        sheet_gap(s);
        sheet_cell(s, sheet_text(s, assay_leak_text(tiers[t])), SHARE_WIDE, 1, DIM);
    }
    sheet_end_line(s);
    for (size_t i = 0; i < l->n && i < ROWS_MOST; i++) {
        sheet_gap(s);
        sheet_cell(s, l->pairs[i].from, NAME_WIDE, 0, PLAIN);
        sheet_gap(s);
        sheet_cell(s, l->pairs[i].in, NAME_WIDE, 0, PLAIN);
        for (size_t t = 0; t < n_tiers; t++) {
            share_cell(s, l->pairs[i].tier[tiers[t]].num, l->pairs[i].tier[tiers[t]].den);
        }
        sheet_end_line(s);
    }
    say_more(s, l->n);
}

static void write_list(struct sheet *s, enum assay_share_list l)
{
    const size_t n = assay_share_count(s->a, l);
    size_t said = 0;
    if (n == 0) {
        return;
    }
    sheet_heading(s, assay_share_title(l));
    for (size_t i = 0; i < assay_audit_metrics(s->a) && said < ROWS_MOST; i++) {
        const struct assay_metric *m = assay_audit_metric(s->a, i);
        const char *name = assay_share_name(s->a, l, i);
        if (name != NULL) {
            sheet_gap(s);
            sheet_cell(s, name, 2 * NAME_WIDE, 0, PLAIN);
            share_cell(s, m->num, m->den);
            sheet_end_line(s);
            said++;
        }
    }
    say_more(s, n);
}

enum assay_status sheet_across(struct sheet *s)
{
    struct assay_leaks leaks;
    enum assay_status st = assay_leaks_read(s->a, &leaks, s->p.err);
    if (st == ASSAY_OK && leaks.n > 0) {
        write_pairs(s, &leaks);
    }
    write_list(s, ASSAY_SHARE_BENCHMARKS);
    write_list(s, ASSAY_SHARE_SOURCES);
    assay_leaks_release(&leaks);
    return st;
}
