/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of the HTML report about findings: by severity and category, by rule, and examples.
 */
#include "reports/writers/html_kit.h"

#define NAME_CUT   200
#define VALUE_CUT  120
#define CATEGORIES 64
#define BAR        600
#define OPEN_FIRST 3 /* rules whose examples show without a click */

struct category {
    const char *name;
    uint64_t total, severity[ASSAY_SEVERITY_MAX];
};

static int compare_categories(const void *a, const void *b)
{
    const struct category *x = a, *y = b;
    if (x->total != y->total) {
        return x->total > y->total ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

/* The row of that name; the last row takes what does not fit. */
static struct category *category_of(struct category *list, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return &list[i];
        }
    }
    if (*n == CATEGORIES) {
        list[CATEGORIES - 1].name = "\xE2\x80\xA6";
        return &list[CATEGORIES - 1];
    }
    list[*n] = (struct category){.name = name};
    return &list[(*n)++];
}

static size_t collect_categories(const struct assay_page *p, struct category *list)
{
    const struct assay_ruleset *rules = assay_audit_rules(p->a);
    size_t n = 0;
    for (size_t i = 0; i < p->totals.n; i++) {
        const struct assay_totals_row *row = &p->totals.by_id[i];
        const struct assay_rule *r = assay_ruleset_rule(rules, row->rule);
        struct category *c = category_of(list, &n, assay_rule_category(r));
        c->total += row->findings;
        c->severity[r->view.severity] += row->findings;
    }
    qsort(list, n, sizeof *list, compare_categories);
    return n;
}

/* A stacked bar, as long as the row's share of `most`. Every severity that occurs is visible. */
static void write_stack(struct assay_page *p, const struct category *c, uint64_t most)
{
    unsigned x = 0;
    assay_buf_addf(
        &p->b,
        "<svg class=bar viewBox=\"0 0 %d 14\" preserveAspectRatio=none role=img><title>%s / "
        "%s</title><desc>",
        BAR, assay_text(ASSAY_T_FINDINGS_BY, 0), assay_text(ASSAY_T_FINDINGS_BY, 1));
    assay_html_text(p, c->name, NAME_CUT);
    assay_html(p, "</desc>");
    for (int s = ASSAY_SEVERITY_MAX - 1; s >= 0; s--) {
        unsigned w = assay_html_scale(c->severity[s], most, BAR);
        w = c->severity[s] > 0 && w < 4 ? 4 : w;
        if (w > 0) {
            assay_buf_addf(&p->b, "<rect class=f%d x=%u width=%u height=14 />", s, x, w);
        }
        x += w;
    }
    assay_html(p, "</svg>");
}

static void write_category(struct assay_page *p, const struct category *c, uint64_t most)
{
    assay_html(p, "<tr><td>");
    assay_html_name(p, c->name, NAME_CUT);
    assay_html(p, "<td>");
    write_stack(p, c, most);
    for (int s = ASSAY_SEVERITY_MAX - 1; s >= 0; s--) {
        assay_html_number_cell(p, c->severity[s]);
    }
    assay_html(p, "<td class=n><b>");
    assay_html_count(p, c->total);
    assay_html(p, "</b>");
}

static void write_severity_head(struct assay_page *p)
{
    assay_html(p, "<thead><tr><th scope=col>");
    assay_html_say(p, ASSAY_T_CATEGORY);
    assay_html(p, "<th scope=col>");
    for (int s = ASSAY_SEVERITY_MAX - 1; s >= 0; s--) {
        assay_html(p, "<th scope=col class=n>");
        assay_html_severity(p, (enum assay_severity)s);
    }
    assay_html(p, "<th scope=col class=n>");
    assay_html_say(p, ASSAY_T_TOTAL);
    assay_html(p, "</thead><tbody>");
}

void assay_html_findings(struct assay_page *p)
{
    struct category list[CATEGORIES];
    assay_html(p, "<section id=findings aria-labelledby=findings-h><h2 id=findings-h>");
    assay_html_say(p, ASSAY_T_FINDINGS_BY);
    assay_html(p, "</h2>");
    if (p->totals.n == 0) {
        assay_html(p, "<p>");
        assay_html_say(p, ASSAY_T_NO_FINDINGS);
        assay_html(p, "</p></section>");
        return;
    }
    size_t n = collect_categories(p, list);
    struct category all = {.name = "", .total = p->totals.findings};
    memcpy(all.severity, p->totals.severity, sizeof all.severity);
    assay_html(p, ASSAY_HTML_WIDE "<table class=bars>");
    write_severity_head(p);
    for (size_t i = 0; i < n; i++) {
        write_category(p, &list[i], list[0].total);
    }
    assay_html(p, "<tr><td><b>");
    assay_html_say(p, ASSAY_T_TOTAL);
    assay_html(p, "</b><td>");
    for (int s = ASSAY_SEVERITY_MAX - 1; s >= 0; s--) {
        assay_html_number_cell(p, all.severity[s]);
    }
    assay_html(p, "<td class=n><b>");
    assay_html_count(p, all.total);
    assay_html(p, "</b></table></div></section>");
}

/* ---- rules ---------------------------------------------------------------------------------- */

static void write_rule_row(struct assay_page *p, const struct assay_totals_row *row)
{
    const struct assay_rule *r = assay_ruleset_rule(assay_audit_rules(p->a), row->rule);
    assay_html(p, "<tr><td>");
    assay_html_severity(p, r->view.severity);
    assay_html(p, "<td>");
    assay_html_pair(p, assay_rule_title(r, 0), assay_rule_title(r, 1));
    assay_html(p, "<br><code class=soft>");
    assay_html_text(p, r->view.id, NAME_CUT);
    assay_html(p, "</code>");
    assay_html_number_cell(p, row->findings);
    assay_html_number_cell(p, row->records);
    assay_html_number_cell(p, row->files);
    assay_html(p, "<td class=n>");
    assay_put_percent(&p->b, row->records, assay_audit_coverage(p->a)->records_scanned);
}

static void write_rule_table(struct assay_page *p)
{
    static const int head[] = {ASSAY_T_SEVERITY, ASSAY_T_RULE,   -ASSAY_T_FINDINGS,
                               -ASSAY_T_RECORDS, -ASSAY_T_FILES, -ASSAY_T_SHARE,
                               ASSAY_T_MAX};
    assay_buf_addf(&p->b,
                   "<input id=find class=find type=search hidden aria-label=\"%s / %s\" "
                   "placeholder=\"%s / %s\">",
                   assay_text(ASSAY_T_SEARCH, 0), assay_text(ASSAY_T_SEARCH, 1),
                   assay_text(ASSAY_T_SEARCH, 0), assay_text(ASSAY_T_SEARCH, 1));
    assay_html(p, ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < p->totals.n; i++) {
        write_rule_row(p, &p->totals.by_severity[i]);
    }
    assay_html(p, "</table></div>");
}

/* ---- examples ------------------------------------------------------------------------------- */

static void write_sample(struct assay_page *p, const struct assay_sample *x)
{
    assay_html(p, "<tr><td>");
    if (x->file == NULL) {
        assay_html_say(p, ASSAY_T_WHOLE_DATASET);
    } else {
        assay_html(p, "<code>");
        assay_html_path(p, x->file);
        assay_html(p, "</code>");
    }
    assay_html(p, "<td class=n>");
    if (x->record != ASSAY_NO_RECORD) {
        assay_html_count(p, x->record);
    }
    assay_html(p, "<td><code>");
    assay_html_name(p, x->field == NULL ? "" : x->field, NAME_CUT);
    assay_html(p, "</code>");
    if (x->has_span) {
        assay_buf_addf(&p->b, " <span class=\"soft small\">%llu\xE2\x80\x93%llu</span>",
                       (unsigned long long)x->start, (unsigned long long)x->end);
    }
    assay_html(p, "<td>");
    if (x->masked != NULL) {
        assay_html(p, "<code>");
        assay_html_name(p, x->masked, VALUE_CUT);
        assay_html(p, "</code> ");
    }
    assay_html_detail(p, x->detail);
    assay_html(p, "<td class=n>");
    assay_put_ratio(&p->b, x->confidence, 1000, 3);
}

static void write_places(struct assay_page *p, const struct assay_sample *items, size_t n)
{
    static const int head[] = {ASSAY_T_FILE,   -ASSAY_T_RECORD,     ASSAY_T_FIELD,
                               ASSAY_T_MASKED, -ASSAY_T_CONFIDENCE, ASSAY_T_MAX};
    assay_html(p, ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < n; i++) {
        write_sample(p, &items[i]);
    }
    assay_html(p, "</table></div>");
}

static void write_sample_table(struct assay_page *p, size_t rule, uint64_t findings)
{
    const struct assay_sample *items = p->samples.rules[rule].items;
    size_t n = p->samples.rules[rule].n < p->rows ? p->samples.rules[rule].n : p->rows;
    if (n > 0 && items[0].members_total > 0) {
        assay_html_groups(p, items, n);
    } else if (n > 0) {
        write_places(p, items, n);
    }
    if (n < findings) {
        assay_html(p, "<p class=\"soft small\">");
        assay_html_say_count(p, ASSAY_T_SHOWN_OF, n);
        assay_html(p, "</p>");
    }
}

static void write_rule_card(struct assay_page *p, size_t i)
{
    const struct assay_totals_row *row = &p->totals.by_severity[i];
    const struct assay_rule *r = assay_ruleset_rule(assay_audit_rules(p->a), row->rule);
    assay_html(p, i < OPEN_FIRST ? "<details open><summary>" : "<details><summary>");
    assay_html_severity(p, r->view.severity);
    assay_html(p, "<b>");
    assay_html_pair(p, assay_rule_title(r, 0), assay_rule_title(r, 1));
    assay_html(p, "</b> <code class=soft>");
    assay_html_text(p, r->view.id, NAME_CUT);
    assay_html(p, "</code><span class=n>");
    assay_html_count(p, row->findings);
    assay_html(p, "</span></summary><div>");
    if (r->help_en != NULL) {
        assay_html(p, "<p>");
        assay_html_pair(p, r->help_en, r->help_zh);
        assay_html(p, "</p>");
    }
    if (r->n_clauses > 0) {
        assay_html(p, "<p>");
        for (size_t k = 0; k < r->n_clauses; k++) {
            assay_html(p, "<span class=chip>");
            assay_html_text(p, r->clauses[k].standard, NAME_CUT);
            assay_html(p, " ");
            assay_html_text(p, r->clauses[k].ref, NAME_CUT);
            assay_html(p, "</span>");
        }
        assay_html(p, "</p>");
    }
    write_sample_table(p, i, row->findings);
    assay_html_tier_hint(p, r->view.id);
    assay_html(p, "</div></details>");
}

void assay_html_rules(struct assay_page *p)
{
    if (p->totals.n == 0) {
        return;
    }
    assay_html(p, "<section id=rules aria-labelledby=rules-h><h2 id=rules-h>");
    assay_html_say(p, ASSAY_T_RULES_TITLE);
    assay_html(p, "</h2>");
    write_rule_table(p);
    assay_html(p, "</section><section id=examples aria-labelledby=examples-h><h2 id=examples-h>");
    assay_html_say(p, ASSAY_T_EXAMPLES);
    assay_html(p, "</h2><p class=soft>");
    assay_html_say(p, ASSAY_T_EXAMPLES_NOTE);
    if (p->totals.n > p->samples.n_rules) {
        assay_html(p, " ");
        assay_html_say_count(p, ASSAY_T_EXAMPLES_OF_FIRST, p->samples.n_rules);
    }
    assay_html(p, "</p>");
    for (size_t i = 0; i < p->samples.n_rules; i++) {
        write_rule_card(p, i);
    }
    assay_html(p, "</section>");
}
