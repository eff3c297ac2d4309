/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal summary: verdict, coverage, policy terms, severities, rules, what splits share, a
 * few examples, and what to do next.
 */
#include "reports/writers/table_kit.h"

#include "core/limits.h"
#include "core/utf8.h"

#define WIDE_DEFAULT 100 /* columns where nobody said */
#define WIDE_MIN     48
#define WIDE_MAX     160
#define TITLE_MIN    8

/* ---- parts ---------------------------------------------------------------------------------- */

static void write_banner(struct sheet *s)
{
    enum assay_verdict v = assay_audit_verdict(s->a);
    const char *name = assay_audit_dataset_name(s->a);
    name = name == NULL ? s->p.out->asked_for : name;
    const char *word = sheet_text(s, assay_text_verdict(v));
    unsigned used = (unsigned)assay_utf8_width(assay_bytes_str(word)) + 4;
    assay_buf_addc(&s->p.buf, '\n');
    sheet_style_on(s, sheet_verdict_style(v));
    assay_buf_addf(&s->p.buf, s->colour ? "  %s  " : "[ %s ]", word);
    sheet_style_off(s, sheet_verdict_style(v));
    sheet_gap(s);
    sheet_cell(s, name == NULL ? sheet_text(s, ASSAY_T_UNNAMED) : name, s->columns - used - 2, 0,
               BOLD);
    sheet_end_line(s);
    assay_buf_addf(&s->p.buf, "%s\n", sheet_text(s, assay_text_verdict_line(v)));
    if (v != ASSAY_INCOMPLETE && !assay_audit_complete(s->a)) {
        assay_buf_addf(&s->p.buf, "%s\n", sheet_text(s, ASSAY_T_INCOMPLETE_LINE));
    }
    if (assay_audit_cancelled(s->a)) {
        assay_buf_addf(&s->p.buf, "%s\n", sheet_text(s, ASSAY_T_CANCELLED));
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
    sheet_style_on(s, YELLOW);
    assay_buf_adds(&s->p.buf, assay_text_skip(why, s->chinese));
    sheet_style_off(s, YELLOW);
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
    sheet_heading(s, ASSAY_T_COVERAGE_SHORT);
    sheet_gap(s);
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
    sheet_gap(s);
    sheet_cell(s, !r->known ? "?" : r->ok ? "\xE2\x9C\x93" : "\xE2\x9C\x97", 1, 0, style);
    assay_buf_addc(&s->p.buf, ' ');
    sheet_cell(s, r->id, id, 0, PLAIN);
    sheet_gap(s);
    sheet_cell(s, r->expr, s->columns - id - 30, 0, PLAIN);
    sheet_gap(s);
    sheet_cell(s, assay_buf_str(&observed), 11, 1, PLAIN);
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, assay_text_outcome(r)), 9, 0, style);
    sheet_end_line(s);
}

static void write_terms(struct sheet *s)
{
    const struct assay_policy *p = assay_audit_policy(s->a);
    ASSAY_AUTO_BUF name;
    assay_buf_init(&name, ASSAY_MIB(1));
    assay_buf_addf(&name, "%s %s", assay_policy_name(p), assay_policy_version(p));
    assay_buf_addc(&s->p.buf, '\n');
    sheet_style_on(s, BOLD);
    assay_buf_adds(&s->p.buf, sheet_text(s, ASSAY_T_POLICY));
    sheet_style_off(s, BOLD);
    sheet_gap(s);
    sheet_cell(s, assay_buf_str(&name), s->columns - 10, 0, PLAIN);
    sheet_end_line(s);
    unsigned id = term_width(s);
    for (size_t i = 0; i < assay_audit_terms(s->a); i++) {
        write_term(s, assay_audit_term(s->a, i), id);
    }
}

static void write_severities(struct sheet *s)
{
    sheet_heading(s, ASSAY_T_FINDINGS);
    if (s->tally.n == 0) {
        assay_buf_addf(&s->p.buf, "  %s\n", sheet_text(s, ASSAY_T_NO_FINDINGS));
        return;
    }
    for (int i = ASSAY_SEVERITY_MAX - 1; i >= 0; i--) {
        if (s->tally.severity[i] == 0) {
            continue;
        }
        sheet_gap(s);
        sheet_cell(s, sheet_text(s, assay_text_severity((enum assay_severity)i)), 9, 0,
                   sheet_severity_style((enum assay_severity)i));
        sheet_count_cell(s, s->tally.severity[i], 13);
        sheet_gap(s);
        put_share(s, ASSAY_T_N_RULES, s->tally.severity_rules[i], s->tally.severity_rules[i]);
        sheet_end_line(s);
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
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, assay_text_severity(r->view.severity)), 9, 0,
               sheet_severity_style(r->view.severity));
    assay_buf_addc(&s->p.buf, ' ');
    sheet_cell(s, r->view.id, id, 0, PLAIN);
    sheet_gap(s);
    sheet_count_cell(s, row->findings, 11);
    sheet_gap(s);
    sheet_count_cell(s, row->records, 11);
    if (s->columns >= fixed + TITLE_MIN) {
        sheet_gap(s);
        sheet_cell(s, assay_rule_title(r, s->chinese), s->columns - fixed, 0, DIM);
    }
    sheet_end_line(s);
}

static void write_rules(struct sheet *s)
{
    unsigned id = id_width(s);
    if (s->tally.n == 0) {
        return;
    }
    assay_buf_addc(&s->p.buf, '\n');
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, ASSAY_T_SEVERITY), 9, 0, DIM);
    assay_buf_addc(&s->p.buf, ' ');
    sheet_cell(s, sheet_text(s, ASSAY_T_RULE), id, 0, DIM);
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, ASSAY_T_FINDINGS), 11, 1, DIM);
    sheet_gap(s);
    sheet_cell(s, sheet_text(s, ASSAY_T_RECORDS), 11, 1, DIM);
    sheet_end_line(s);
    size_t n = s->tally.n < ASSAY_LIMIT_TABLE_ROWS ? s->tally.n : ASSAY_LIMIT_TABLE_ROWS;
    for (size_t i = 0; i < n; i++) {
        write_rule_row(s, &s->tally.by_severity[i], id);
    }
    if (s->tally.n > n) {
        char more[24];
        (void)snprintf(more, sizeof more, "%zu", s->tally.n - n);
        sheet_gap(s);
        assay_text_fill(&s->p.buf, ASSAY_T_OTHER_RULES, s->chinese, more);
        assay_buf_addc(&s->p.buf, '\n');
    }
}

/* Whether some rule's groups hold what `assay dedup` would drop. */
static int has_copies(const struct sheet *s)
{
    int found = 0;
    for (size_t i = 0; i < s->tally.n; i++) {
        const struct assay_rule *r =
            assay_ruleset_rule(assay_audit_rules(s->a), s->tally.by_severity[i].rule);
        found |= assay_rule_tier(r->view.id) != NULL;
    }
    return found;
}

/* `word` where a shell takes it as it stands, so that a line can be copied; else what to put there. */
static const char *shell_word(const char *word, const char *otherwise)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    const int plain =
        word != NULL && word[0] != '-' && word[0] != '\0' && word[strspn(word, safe)] == '\0';
    return plain ? word : otherwise;
}

static void write_next(struct sheet *s)
{
    const char *dir = s->p.out->report_dir;
    if (has_copies(s)) {
        assay_buf_addf(&s->p.buf, "\n%s\n  assay dedup %s --emit drop --out drop.jsonl\n",
                       sheet_text(s, ASSAY_T_DROP_HINT), shell_word(s->p.out->asked_for, "PATH"));
    }
    if (dir == NULL) {
        return;
    }
    ASSAY_AUTO_BUF safe;
    assay_buf_init(&safe, ASSAY_MIB(1));
    assay_utf8_escape(&safe, assay_bytes_str(dir));
    assay_buf_addf(&s->p.buf, "\n%s  %s/" ASSAY_HTML_NAME "\n", sheet_text(s, ASSAY_T_REPORT_AT),
                   assay_buf_str(&safe));
    assay_buf_addf(&s->p.buf, "%s  assay verify %s/" ASSAY_ENVELOPE_NAME " --dataset %s\n",
                   sheet_text(s, ASSAY_T_NEXT), assay_buf_str(&safe),
                   shell_word(s->p.out->asked_for, "DIR"));
}

static enum assay_status write_sheet(struct sheet *s)
{
    write_banner(s);
    write_coverage(s);
    write_terms(s);
    write_severities(s);
    write_rules(s);
    enum assay_status st = sheet_across(s);
    st = st == ASSAY_OK ? sheet_examples(s) : st;
    write_next(s);
    return st;
}

static unsigned clamp_columns(unsigned columns)
{
    if (columns == 0) {
        return WIDE_DEFAULT;
    }
    return columns < WIDE_MIN ? WIDE_MIN : columns > WIDE_MAX ? WIDE_MAX : columns;
}

typedef enum assay_status part(struct sheet *s);

static enum assay_status write_part(const struct assay_audit *a, struct assay_out *out, part *write,
                                    struct assay_error *err)
{
    struct sheet s = {.a = a,
                      .chinese = out->chinese,
                      .colour = out->colour,
                      .columns = clamp_columns(out->columns)};
    assay_printer_init(&s.p, out, err);
    enum assay_status st = assay_totals_build(a, &s.tally, err);
    st = st == ASSAY_OK ? write(&s) : st;
    st = st == ASSAY_OK ? assay_printer_flush(&s.p, 1) : st;
    assay_totals_release(&s.tally);
    assay_printer_release(&s.p);
    return st;
}

enum assay_status assay_write_table(const struct assay_audit *a, struct assay_out *out,
                                    struct assay_error *err)
{
    return write_part(a, out, write_sheet, err);
}

enum assay_status assay_write_examples(const struct assay_audit *a, struct assay_out *out,
                                       struct assay_error *err)
{
    return write_part(a, out, sheet_examples, err);
}
