/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal summary: verdict, coverage, policy terms, severities, rules, a few examples, and
 * what to do next.
 *
 * Everything that comes from the dataset is escaped before it reaches the terminal, then fitted to
 * its column by display width, so a hostile or a Chinese name moves nothing. Colour is laid on
 * afterwards and only where asked for; shape and word carry the meaning without it.
 */
#include "reports/writers/common.h"

#include "core/limits.h"
#include "core/utf8.h"

#define WIDE_DEFAULT 100 /* columns where nobody said */
#define WIDE_MIN     48
#define WIDE_MAX     160
#define EXAMPLES     6
#define TITLE_MIN    8

struct sheet {
    struct assay_printer p;
    const struct assay_audit *a;
    struct assay_totals tally;
    int chinese, colour;
    unsigned columns;
};

/* ---- style ---------------------------------------------------------------------------------- */

enum style {
    PLAIN,
    BOLD,
    DIM,
    RED,
    YELLOW,
    CYAN,
    GREEN,
    MAGENTA,
    ON_RED,
    ON_YELLOW,
    ON_GREEN,
    ON_MAGENTA
};

static const char *const style_codes[] = {
    "",         "\033[1m",    "\033[2m",       "\033[1;31m",    "\033[33m",      "\033[36m",
    "\033[32m", "\033[1;35m", "\033[1;97;41m", "\033[1;30;43m", "\033[1;30;42m", "\033[1;97;45m"};

static void style_on(struct sheet *s, enum style style)
{
    if (s->colour) {
        assay_buf_adds(&s->p.buf, style_codes[style]);
    }
}

static void style_off(struct sheet *s, enum style style)
{
    if (s->colour && style != PLAIN) {
        assay_buf_adds(&s->p.buf, "\033[0m");
    }
}

static enum style severity_style(enum assay_severity sev)
{
    static const enum style styles[] = {DIM, CYAN, YELLOW, RED, MAGENTA};
    return styles[sev];
}

static enum style verdict_style(enum assay_verdict v)
{
    static const enum style styles[] = {ON_GREEN, ON_YELLOW, ON_RED, ON_MAGENTA};
    return styles[v];
}

/* ---- cells ---------------------------------------------------------------------------------- */

static const char *t(const struct sheet *s, enum assay_text id)
{
    return assay_text(id, s->chinese);
}

/* Appends the start of `text` that fits in `width` columns; returns the columns used. */
static unsigned fit(struct assay_buf *out, struct assay_bytes text, unsigned width)
{
    size_t full = assay_utf8_width(text);
    unsigned room = full > width ? width - 1 : width, used = 0;
    const char *p = text.ptr, *end = text.ptr + text.len;
    while (p < end) {
        uint32_t cp;
        unsigned n = assay_utf8_decode(p, end, &cp);
        unsigned w = (unsigned)assay_cp_width(cp);
        if (used + w > room) {
            break;
        }
        assay_buf_add(out, p, n);
        used += w;
        p += n;
    }
    if (full > width) {
        assay_buf_adds(out, "\xE2\x80\xA6");
        used++;
    }
    return used;
}

static void pad(struct assay_buf *out, unsigned n)
{
    while (n-- > 0) {
        assay_buf_addc(out, ' ');
    }
}

/* A cell of exactly `width` columns, escaped and cut; text to the left, numbers (`right`) to the
 * right. */
static void cell(struct sheet *s, const char *text, unsigned width, int right, enum style style)
{
    ASSAY_AUTO_BUF safe;
    ASSAY_AUTO_BUF shown;
    assay_buf_init(&safe, ASSAY_MIB(1));
    assay_buf_init(&shown, ASSAY_MIB(1));
    assay_utf8_escape(&safe, assay_bytes_str(text));
    unsigned used = fit(&shown, assay_buf_bytes(&safe), width);
    if (right) {
        pad(&s->p.buf, width - used);
    }
    style_on(s, style);
    assay_buf_addb(&s->p.buf, assay_buf_bytes(&shown));
    style_off(s, style);
    if (!right) {
        pad(&s->p.buf, width - used);
    }
}

static void count_cell(struct sheet *s, uint64_t n, unsigned width)
{
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 64);
    assay_put_count(&b, n);
    cell(s, assay_buf_str(&b), width, 1, PLAIN);
}

static void gap(struct sheet *s)
{
    assay_buf_adds(&s->p.buf, "  ");
}

/* Ends a line and takes the blanks at its end away. */
static void end_line(struct sheet *s)
{
    while (s->p.buf.len > 0 && s->p.buf.ptr[s->p.buf.len - 1] == ' ') {
        s->p.buf.ptr[--s->p.buf.len] = '\0';
    }
    assay_buf_addc(&s->p.buf, '\n');
}

static void heading(struct sheet *s, enum assay_text id)
{
    assay_buf_addc(&s->p.buf, '\n');
    style_on(s, BOLD);
    assay_buf_adds(&s->p.buf, t(s, id));
    style_off(s, BOLD);
    assay_buf_addc(&s->p.buf, '\n');
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void write_banner(struct sheet *s)
{
    enum assay_verdict v = assay_audit_verdict(s->a);
    const char *name = assay_audit_dataset_name(s->a);
    const char *word = t(s, assay_text_verdict(v));
    unsigned used = (unsigned)assay_utf8_width(assay_bytes_str(word)) + 4;
    assay_buf_addc(&s->p.buf, '\n');
    style_on(s, verdict_style(v));
    assay_buf_addf(&s->p.buf, s->colour ? "  %s  " : "[ %s ]", word);
    style_off(s, verdict_style(v));
    gap(s);
    cell(s, name == NULL ? t(s, ASSAY_T_UNNAMED) : name, s->columns - used - 2, 0, BOLD);
    end_line(s);
    assay_buf_addf(&s->p.buf, "%s\n", t(s, assay_text_verdict_line(v)));
    if (assay_audit_cancelled(s->a)) {
        assay_buf_addf(&s->p.buf, "%s\n", t(s, ASSAY_T_CANCELLED));
    }
}

/* "6/7 files": the sentence `id` about `scanned` of `total`. */
static void put_share(struct sheet *s, enum assay_text id, uint64_t scanned, uint64_t total)
{
    ASSAY_AUTO_BUF number;
    assay_buf_init(&number, 64);
    assay_put_count(&number, scanned);
    if (scanned != total) {
        assay_buf_addc(&number, '/');
        assay_put_count(&number, total);
    }
    assay_text_fill(&s->p.buf, id, s->chinese, assay_buf_str(&number));
}

static void write_skip(struct sheet *s, enum assay_skip why, const struct assay_skip_count *k)
{
    const char *separator = ": ";
    assay_buf_adds(&s->p.buf, "  ! ");
    style_on(s, YELLOW);
    assay_buf_adds(&s->p.buf, assay_text_skip(why, s->chinese));
    style_off(s, YELLOW);
    if (k->files > 0) {
        assay_buf_adds(&s->p.buf, separator);
        put_share(s, ASSAY_T_N_FILES, k->files, k->files);
        separator = ", ";
    }
    if (k->records > 0) {
        assay_buf_adds(&s->p.buf, separator);
        put_share(s, ASSAY_T_N_RECORDS, k->records, k->records);
        separator = ", ";
    }
    if (k->bytes > 0) {
        assay_buf_adds(&s->p.buf, separator);
        assay_put_size(&s->p.buf, k->bytes);
    }
    assay_buf_addc(&s->p.buf, '\n');
}

static void write_coverage(struct sheet *s)
{
    const struct assay_coverage *c = assay_audit_coverage(s->a);
    ASSAY_AUTO_BUF size;
    assay_buf_init(&size, 64);
    assay_put_size(&size, c->bytes_scanned);
    if (c->bytes_scanned != c->bytes_total) {
        assay_buf_addc(&size, '/');
        assay_put_size(&size, c->bytes_total);
    }
    heading(s, ASSAY_T_COVERAGE_SHORT);
    gap(s);
    put_share(s, ASSAY_T_N_FILES, c->files_scanned, c->files_total);
    assay_buf_adds(&s->p.buf, " \xC2\xB7 ");
    put_share(s, ASSAY_T_N_RECORDS, c->records_scanned, c->records_total);
    assay_buf_adds(&s->p.buf, " \xC2\xB7 ");
    assay_text_fill(&s->p.buf, ASSAY_T_N_SCANNED, s->chinese, assay_buf_str(&size));
    assay_buf_addc(&s->p.buf, '\n');
    for (int i = 0; i < ASSAY_SKIP_MAX; i++) {
        const struct assay_skip_count *k = &c->skipped[i];
        if (k->noted) {
            write_skip(s, (enum assay_skip)i, k);
        }
    }
}

/* Term ids take what the longest needs, up to a quarter of the line. */
static unsigned term_width(const struct sheet *s)
{
    size_t widest = 2;
    for (size_t i = 0; i < assay_audit_terms(s->a); i++) {
        size_t w = assay_utf8_width(assay_bytes_str(assay_audit_term(s->a, i)->id));
        widest = w > widest ? w : widest;
    }
    return (unsigned)(widest < s->columns / 4 ? widest : s->columns / 4);
}

static void write_term(struct sheet *s, const struct assay_term_result *r, unsigned id)
{
    enum style style = r->ok ? GREEN : r->is_warn ? YELLOW : RED;
    ASSAY_AUTO_BUF observed;
    assay_buf_init(&observed, 128);
    assay_put_observed(&observed, r);
    gap(s);
    cell(s, !r->known ? "?" : r->ok ? "\xE2\x9C\x93" : "\xE2\x9C\x97", 1, 0, style);
    assay_buf_addc(&s->p.buf, ' ');
    cell(s, r->id, id, 0, PLAIN);
    gap(s);
    cell(s, r->expr, s->columns - id - 30, 0, PLAIN);
    gap(s);
    cell(s, assay_buf_str(&observed), 11, 1, PLAIN);
    gap(s);
    cell(s, t(s, assay_text_outcome(r)), 9, 0, style);
    end_line(s);
}

static void write_terms(struct sheet *s)
{
    const struct assay_policy *p = assay_audit_policy(s->a);
    ASSAY_AUTO_BUF name;
    assay_buf_init(&name, ASSAY_MIB(1));
    assay_buf_addf(&name, "%s %s", assay_policy_name(p), assay_policy_version(p));
    assay_buf_addc(&s->p.buf, '\n');
    style_on(s, BOLD);
    assay_buf_adds(&s->p.buf, t(s, ASSAY_T_POLICY));
    style_off(s, BOLD);
    gap(s);
    cell(s, assay_buf_str(&name), s->columns - 10, 0, PLAIN);
    end_line(s);
    unsigned id = term_width(s);
    for (size_t i = 0; i < assay_audit_terms(s->a); i++) {
        write_term(s, assay_audit_term(s->a, i), id);
    }
}

static void write_severities(struct sheet *s)
{
    heading(s, ASSAY_T_FINDINGS);
    if (s->tally.n == 0) {
        assay_buf_addf(&s->p.buf, "  %s\n", t(s, ASSAY_T_NO_FINDINGS));
        return;
    }
    for (int i = ASSAY_SEVERITY_MAX - 1; i >= 0; i--) {
        if (s->tally.severity[i] == 0) {
            continue;
        }
        gap(s);
        cell(s, t(s, assay_text_severity((enum assay_severity)i)), 9, 0,
             severity_style((enum assay_severity)i));
        count_cell(s, s->tally.severity[i], 13);
        gap(s);
        put_share(s, ASSAY_T_N_RULES, s->tally.severity_rules[i], s->tally.severity_rules[i]);
        end_line(s);
    }
}

/* Widths of the rule table: the id takes what it needs, up to a third; the title takes the rest. */
static unsigned id_width(const struct sheet *s)
{
    const struct assay_ruleset *rules = assay_audit_rules(s->a);
    size_t widest = 8;
    for (size_t i = 0; i < s->tally.n && i < ASSAY_LIMIT_TABLE_ROWS; i++) {
        const char *id = assay_ruleset_rule(rules, s->tally.by_severity[i].rule)->view.id;
        size_t w = assay_utf8_width(assay_bytes_str(id));
        widest = w > widest ? w : widest;
    }
    return (unsigned)(widest < s->columns / 3 ? widest : s->columns / 3);
}

static void write_rule_row(struct sheet *s, const struct assay_totals_row *row, unsigned id)
{
    const struct assay_rule *r = assay_ruleset_rule(assay_audit_rules(s->a), row->rule);
    unsigned fixed = 2 + 9 + 1 + id + 2 + 11 + 2 + 11 + 2;
    gap(s);
    cell(s, t(s, assay_text_severity(r->view.severity)), 9, 0, severity_style(r->view.severity));
    assay_buf_addc(&s->p.buf, ' ');
    cell(s, r->view.id, id, 0, PLAIN);
    gap(s);
    count_cell(s, row->findings, 11);
    gap(s);
    count_cell(s, row->records, 11);
    if (s->columns >= fixed + TITLE_MIN) {
        gap(s);
        cell(s, assay_rule_title(r, s->chinese), s->columns - fixed, 0, DIM);
    }
    end_line(s);
}

static void write_rules(struct sheet *s)
{
    unsigned id = id_width(s);
    if (s->tally.n == 0) {
        return;
    }
    assay_buf_addc(&s->p.buf, '\n');
    gap(s);
    cell(s, t(s, ASSAY_T_SEVERITY), 9, 0, DIM);
    assay_buf_addc(&s->p.buf, ' ');
    cell(s, t(s, ASSAY_T_RULE), id, 0, DIM);
    gap(s);
    cell(s, t(s, ASSAY_T_FINDINGS), 11, 1, DIM);
    gap(s);
    cell(s, t(s, ASSAY_T_RECORDS), 11, 1, DIM);
    end_line(s);
    size_t n = s->tally.n < ASSAY_LIMIT_TABLE_ROWS ? s->tally.n : ASSAY_LIMIT_TABLE_ROWS;
    for (size_t i = 0; i < n; i++) {
        write_rule_row(s, &s->tally.by_severity[i], id);
    }
    if (s->tally.n > n) {
        char more[24];
        (void)snprintf(more, sizeof more, "%zu", s->tally.n - n);
        gap(s);
        assay_text_fill(&s->p.buf, ASSAY_T_OTHER_RULES, s->chinese, more);
        assay_buf_addc(&s->p.buf, '\n');
    }
}

static void write_example(struct sheet *s, const struct assay_rule *r, const struct assay_sample *x)
{
    ASSAY_AUTO_BUF place;
    assay_buf_init(&place, ASSAY_KIB(64));
    assay_buf_adds(&place, x->file == NULL ? t(s, ASSAY_T_WHOLE_DATASET) : x->file);
    if (x->record != ASSAY_NO_RECORD) {
        assay_buf_addf(&place, "#%llu", (unsigned long long)x->record);
    }
    if (x->field != NULL) {
        assay_buf_addf(&place, " %s", x->field);
    }
    const char *value = x->masked != NULL ? x->masked : x->detail;
    unsigned rest = s->columns - 14;
    unsigned place_width = value == NULL ? rest : rest * 3 / 5;
    gap(s);
    cell(s, t(s, assay_text_severity(r->view.severity)), 9, 0, severity_style(r->view.severity));
    assay_buf_addc(&s->p.buf, ' ');
    cell(s, assay_buf_str(&place), place_width, 0, PLAIN);
    if (value != NULL) {
        gap(s);
        cell(s, value, rest - place_width, 0, DIM);
    }
    end_line(s);
}

static enum assay_status write_examples(struct sheet *s)
{
    struct assay_samples samples;
    if (s->tally.n == 0) {
        return ASSAY_OK;
    }
    enum assay_status st = assay_samples_collect(s->a, &s->tally, EXAMPLES, 1, &samples, s->p.err);
    if (st != ASSAY_OK) {
        return st;
    }
    heading(s, ASSAY_T_EXAMPLES);
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

static void write_next(struct sheet *s)
{
    const char *dir = s->p.out->report_dir;
    if (dir == NULL) {
        return;
    }
    ASSAY_AUTO_BUF safe;
    assay_buf_init(&safe, ASSAY_MIB(1));
    assay_utf8_escape(&safe, assay_bytes_str(dir));
    assay_buf_addf(&s->p.buf, "\n%s  %s/" ASSAY_HTML_NAME "\n", t(s, ASSAY_T_REPORT_AT),
                   assay_buf_str(&safe));
    assay_buf_addf(&s->p.buf, "%s  assay verify %s/" ASSAY_ENVELOPE_NAME " --dataset DIR\n",
                   t(s, ASSAY_T_NEXT), assay_buf_str(&safe));
}

static enum assay_status write_sheet(struct sheet *s)
{
    write_banner(s);
    write_coverage(s);
    write_terms(s);
    write_severities(s);
    write_rules(s);
    enum assay_status st = write_examples(s);
    write_next(s);
    return st == ASSAY_OK ? assay_printer_flush(&s->p, 1) : st;
}

static unsigned clamp_columns(unsigned columns)
{
    if (columns == 0) {
        return WIDE_DEFAULT;
    }
    return columns < WIDE_MIN ? WIDE_MIN : columns > WIDE_MAX ? WIDE_MAX : columns;
}

enum assay_status assay_write_table(const struct assay_audit *a, struct assay_out *out,
                                    struct assay_error *err)
{
    struct sheet s = {.a = a,
                      .chinese = out->chinese,
                      .colour = out->colour,
                      .columns = clamp_columns(out->columns)};
    assay_printer_init(&s.p, out, err);
    enum assay_status st = assay_totals_build(a, &s.tally, err);
    if (st == ASSAY_OK) {
        st = write_sheet(&s);
    }
    assay_totals_release(&s.tally);
    assay_printer_release(&s.p);
    return st;
}
