/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/writers/html_kit.h"

#include "core/limits.h"
#include "core/utf8.h"

#define PATH_CUT 200 /* bytes */

void assay_html(struct assay_page *p, const char *markup)
{
    assay_buf_adds(&p->b, markup);
}

static void add_escaped(struct assay_buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (s[i]) {
        case '&':
            assay_buf_adds(out, "&amp;");
            break;
        case '<':
            assay_buf_adds(out, "&lt;");
            break;
        case '>':
            assay_buf_adds(out, "&gt;");
            break;
        case '"':
            assay_buf_adds(out, "&quot;");
            break;
        case '\'':
            assay_buf_adds(out, "&#39;");
            break;
        default:
            assay_buf_addc(out, s[i]);
        }
    }
}

void assay_html_text(struct assay_page *p, const char *text, size_t max)
{
    if (text == NULL) {
        return;
    }
    ASSAY_AUTO_BUF cut;
    ASSAY_AUTO_BUF safe;
    assay_buf_init(&cut, ASSAY_MIB(8));
    assay_buf_init(&safe, ASSAY_MIB(64));
    assay_put_cut(&cut, text, max == 0 ? ASSAY_MIB(4) : max);
    assay_utf8_escape(&safe, assay_buf_bytes(&cut));
    add_escaped(&p->b, assay_buf_str(&safe), safe.len);
}

void assay_html_name(struct assay_page *p, const char *text, size_t max)
{
    assay_html(p, "<bdi>");
    assay_html_text(p, text, max);
    assay_html(p, "</bdi>");
}

void assay_html_path(struct assay_page *p, const char *path)
{
    ASSAY_AUTO_BUF cut;
    assay_buf_init(&cut, ASSAY_KIB(4));
    assay_put_cut_path(&cut, path, PATH_CUT);
    assay_html_name(p, assay_buf_str(&cut), 0);
}

void assay_html_pair(struct assay_page *p, const char *en, const char *zh)
{
    assay_html(p, "<span class=en>");
    assay_html_text(p, en, 0);
    assay_html(p, "</span><span class=zh lang=zh-Hans>");
    assay_html_text(p, zh == NULL ? en : zh, 0);
    assay_html(p, "</span>");
}

void assay_html_say(struct assay_page *p, enum assay_text id)
{
    assay_html_pair(p, assay_text(id, 0), assay_text(id, 1));
}

void assay_html_say_count(struct assay_page *p, enum assay_text id, uint64_t n)
{
    ASSAY_AUTO_BUF number;
    ASSAY_AUTO_BUF en;
    ASSAY_AUTO_BUF zh;
    assay_buf_init(&number, 64);
    assay_buf_init(&en, ASSAY_KIB(4));
    assay_buf_init(&zh, ASSAY_KIB(4));
    assay_put_count(&number, n);
    assay_text_fill(&en, id, 0, assay_buf_str(&number));
    assay_text_fill(&zh, id, 1, assay_buf_str(&number));
    assay_html_pair(p, assay_buf_str(&en), assay_buf_str(&zh));
}

void assay_html_count(struct assay_page *p, uint64_t n)
{
    assay_put_count(&p->b, n);
}

void assay_html_head(struct assay_page *p, const int *ids)
{
    assay_html(p, "<thead><tr>");
    for (; *ids != ASSAY_T_MAX; ids++) {
        assay_html(p, *ids < 0 ? "<th scope=col class=n>" : "<th scope=col>");
        assay_html_say(p, (enum assay_text)(*ids < 0 ? -*ids : *ids));
        assay_html(p, "</th>");
    }
    assay_html(p, "</tr></thead>");
}

void assay_html_number_cell(struct assay_page *p, uint64_t n)
{
    assay_html(p, "<td class=n>");
    assay_put_count(&p->b, n);
}

void assay_html_severity(struct assay_page *p, enum assay_severity s)
{
    assay_buf_addf(
        &p->b, "<span class=\"sev c%u\"><svg class=g aria-hidden=true><use href=\"#s%u\"/></svg>",
        (unsigned)s, (unsigned)s);
    assay_html_say(p, assay_text_severity(s));
    assay_html(p, "</span>");
}

unsigned assay_html_scale(uint64_t num, uint64_t den, unsigned scale)
{
    if (den == 0 || num >= den) {
        return den == 0 && num == 0 ? 0 : scale;
    }
    __extension__ unsigned __int128 wide = (unsigned __int128)num * scale / den;
    return (unsigned)wide;
}

void assay_html_open(struct assay_page *p, const char *id, enum assay_text title)
{
    assay_buf_addf(&p->b, "<section id=%s aria-labelledby=%s-h><h2 id=%s-h>", id, id, id);
    assay_html_say(p, title);
    assay_html(p, "</h2>");
}
