/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups in the HTML report: which records (or files) are alike, how many, how alike, in which
 * splits, and how to list what can go.
 */
#include "core/limits.h"
#include "reports/writers/details.h"
#include "reports/writers/html_kit.h"

static const enum assay_text columns[ASSAY_SAID_PARTS] = {
    [ASSAY_SAID_SIZE] = ASSAY_T_HOW_MANY,    [ASSAY_SAID_ALIKE] = ASSAY_T_HOW_ALIKE,
    [ASSAY_SAID_SPLITS] = ASSAY_T_IN_SPLITS, [ASSAY_SAID_WHERE] = ASSAY_T_PLACES,
    [ASSAY_SAID_REST] = ASSAY_T_DETAIL,
};

/* Which of the parts any of `n` samples speaks of: a column that would be empty is not there. */
static void choose_columns(const struct assay_sample *items, size_t n,
                           uint8_t shown[ASSAY_SAID_PARTS])
{
    memset(shown, 0, ASSAY_SAID_PARTS);
    for (size_t i = 0; i < n; i++) {
        struct assay_details d;
        assay_details_read(&d, items[i].detail, 0);
        for (size_t k = 0; k < ASSAY_SAID_PARTS; k++) {
            shown[k] |= d.part[k].len > 0;
        }
        assay_details_release(&d);
    }
}

static void write_member(struct assay_page *p, const struct assay_sample *x, size_t i)
{
    assay_html(p, "<li><code>");
    assay_html_path(p, x->members[i].file);
    if (x->members[i].record != ASSAY_NO_RECORD) {
        assay_buf_addf(&p->b, "#%llu", (unsigned long long)x->members[i].record);
    }
    assay_html(p, "</code>");
}

static void write_members(struct assay_page *p, const struct assay_sample *x)
{
    assay_html(p, "<td><ol class=mem>");
    for (size_t i = 0; i < x->n_members; i++) {
        write_member(p, x, i);
    }
    assay_html(p, "</ol>");
    if (x->members_total > x->n_members) {
        assay_html(p, "<span class=\"soft small\">");
        assay_html_say_count(p, ASSAY_T_AND_MORE, x->members_total - x->n_members);
        assay_html(p, "</span>");
    }
}

static void write_group(struct assay_page *p, const struct assay_sample *x,
                        const uint8_t shown[ASSAY_SAID_PARTS])
{
    struct assay_details en, zh;
    assay_details_read(&en, x->detail, 0);
    assay_details_read(&zh, x->detail, 1);
    assay_html(p, "<tr>");
    write_members(p, x);
    for (size_t k = 0; k < ASSAY_SAID_PARTS; k++) {
        if (shown[k]) {
            assay_html(p, "<td>");
            assay_html_pair(p, assay_buf_str(&en.part[k]), assay_buf_str(&zh.part[k]));
        }
    }
    assay_details_release(&en);
    assay_details_release(&zh);
}

void assay_html_groups(struct assay_page *p, const struct assay_sample *items, size_t n)
{
    uint8_t shown[ASSAY_SAID_PARTS];
    int head[ASSAY_SAID_PARTS + 2] = {ASSAY_T_GROUP};
    size_t n_head = 1;
    choose_columns(items, n, shown);
    for (size_t k = 0; k < ASSAY_SAID_PARTS; k++) {
        if (shown[k]) {
            head[n_head++] = (int)columns[k];
        }
    }
    head[n_head] = ASSAY_T_MAX;
    assay_html(p, ASSAY_HTML_WIDE "<table class=groups>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < n; i++) {
        write_group(p, &items[i], shown);
    }
    assay_html(p, "</table></div>");
}

void assay_html_detail(struct assay_page *p, const char *detail)
{
    ASSAY_AUTO_BUF en;
    ASSAY_AUTO_BUF zh;
    assay_buf_init(&en, ASSAY_KIB(64));
    assay_buf_init(&zh, ASSAY_KIB(64));
    assay_details_say(detail, 0, &en);
    assay_details_say(detail, 1, &zh);
    assay_html_pair(p, assay_buf_str(&en), assay_buf_str(&zh));
}

void assay_html_tier_hint(struct assay_page *p, const char *rule)
{
    const char *tier = assay_rule_tier(rule);
    if (tier == NULL) {
        return;
    }
    assay_html(p, "<p class=\"soft small\">");
    assay_html_say(p, ASSAY_T_DROP_HINT);
    assay_buf_addf(
        &p->b, " <code>assay dedup DIR --tier %s --emit drop --out drop.jsonl</code></p>", tier);
}
