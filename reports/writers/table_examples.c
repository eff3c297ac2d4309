/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples of the terminal summary: one finding of each of the first rules. On the left is where
 * it is, for a group a line for each member that is shown; on the right what is said of it.
 */
#include "core/limits.h"
#include "reports/writers/details.h"
#include "reports/writers/table_kit.h"

#define EXAMPLES   6
#define GROUP_ROWS 3  /* members of a group; the rest is counted */
#define LEAD       12 /* columns before the place */

struct example {
    const struct assay_rule *rule;
    const struct assay_sample *x;
    unsigned place, value; /* columns */
    struct assay_buf lines[ASSAY_SAID_PARTS];
    size_t n_lines;
};

static void write_severity(struct sheet *s, const struct assay_rule *r)
{
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, assay_text_severity(r->view.severity)), LEAD - 3, 0,
               sheet_severity_style(r->view.severity));
    assay_buf_addc(&s->p.buf, ' ');
}

/* "alike: at least 84.8%, median 84.8%": each part that something is said of becomes a line. */
static void read_lines(const struct sheet *s, struct example *e)
{
    static const enum assay_text leads[ASSAY_SAID_PARTS] = {
        [ASSAY_SAID_ALIKE] = ASSAY_T_SAID_ALIKE, [ASSAY_SAID_SPLITS] = ASSAY_T_SAID_SPLITS};
    struct assay_details d;
    assay_details_read(&d, e->x->detail, s->chinese);
    for (size_t i = 0; i < ASSAY_SAID_PARTS; i++) {
        struct assay_buf *line = &e->lines[e->n_lines];
        if (d.part[i].len == 0) {
            continue;
        }
        e->n_lines++;
        assay_buf_init(line, ASSAY_KIB(64));
        if (leads[i] != 0) {
            assay_text_fill(line, leads[i], s->chinese, assay_buf_str(&d.part[i]));
        } else {
            assay_buf_addb(line, assay_buf_bytes(&d.part[i]));
        }
    }
    assay_details_release(&d);
}

static void release_lines(struct example *e)
{
    for (size_t i = 0; i < e->n_lines; i++) {
        assay_buf_release(&e->lines[i]);
    }
}

/* ---- the left side ------------------------------------------------------------------------- */

static void write_more(struct sheet *s, const struct example *e, uint64_t more)
{
    char number[24];
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 256);
    if (more > 0) {
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)more);
        assay_text_fill(&text, ASSAY_T_AND_MORE, s->chinese, number);
    }
    sheet_cell(s, assay_buf_str(&text), e->place, 0, DIM);
}

/* Where the finding is, or the members of the group, or how many more there are, or nothing. */
static void write_left(struct sheet *s, const struct example *e, size_t i, size_t members)
{
    const struct assay_sample *x = e->x;
    if (i < members) {
        sheet_place(s, x->members[i].file, x->members[i].record, NULL, e->place);
    } else if (i == members && members > 0) {
        write_more(s, e, x->members_total - members);
    } else if (i == 0 && x->file != NULL) {
        sheet_place(s, x->file, x->record, x->field, e->place);
    } else {
        sheet_cell(s, i == 0 ? sheet_text(s, ASSAY_T_WHOLE_DATASET) : "", e->place, 0, PLAIN);
    }
}

/* The i-th line of what is said; a masked value is all that is said of a finding. */
static const char *right_side(const struct example *e, size_t i)
{
    return e->x->masked != NULL ? (i == 0 ? e->x->masked : NULL)
           : i < e->n_lines     ? assay_buf_str(&e->lines[i])
                                : NULL;
}

static void write_lines(struct sheet *s, struct example *e)
{
    const struct assay_sample *x = e->x;
    const size_t members = x->n_members < GROUP_ROWS ? x->n_members : GROUP_ROWS;
    const size_t left = members == 0 ? 1 : members + (x->members_total > members);
    for (size_t i = 0; i < left || (x->masked == NULL && i < e->n_lines); i++) {
        const char *said = right_side(e, i);
        if (i == 0) {
            write_severity(s, e->rule);
        } else {
            sheet_cell(s, "", LEAD, 0, PLAIN);
        }
        write_left(s, e, i, members);
        if (said != NULL) {
            sheet_gap(s);
            sheet_cell(s, said, e->value, 0, DIM);
        }
        sheet_end_line(s);
    }
}

/* ---- all of them --------------------------------------------------------------------------- */

static void write_example(struct sheet *s, const struct assay_rule *r, const struct assay_sample *x)
{
    const unsigned rest = s->columns - LEAD - 2;
    struct example e = {.rule = r, .x = x, .place = rest / 2, .value = rest - rest / 2};
    read_lines(s, &e);
    if (x->masked == NULL && e.n_lines == 0 && x->n_members == 0) {
        e.place = rest;
    }
    write_lines(s, &e);
    release_lines(&e);
}

enum assay_status sheet_examples(struct sheet *s)
{
    struct assay_samples samples;
    if (s->tally.n == 0) {
        return ASSAY_OK;
    }
    enum assay_status st = assay_samples_collect(s->a, &s->tally, EXAMPLES, 1, &samples, s->p.err);
    if (st != ASSAY_OK) {
        return st;
    }
    sheet_heading(s, ASSAY_T_EXAMPLES);
    for (size_t i = 0; i < samples.n_rules; i++) {
        const struct assay_rule *r =
            assay_ruleset_rule(assay_audit_rules(s->a), s->tally.by_severity[i].rule);
        if (samples.rules[i].n > 0) {
            write_example(s, r, &samples.rules[i].items[0]);
        }
    }
    assay_samples_release(&samples);
    return ASSAY_OK;
}
