/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML report: one file for people, to read, print and keep.
 *
 * It refers to nothing outside itself; a content security policy in the page allows exactly its own
 * style sheet and script, by digest, so even an escaping mistake could not run anything. Both
 * languages are inside. Equal audits give equal bytes (the date is the run's). The size is bounded
 * by giving fewer examples, never by leaving out an aggregate: the page is composed with 20
 * examples a rule, and again with fewer until it fits.
 */
#include "reports/writers/html_kit.h"

#include "config.h"
#include "core/hash.h"
#include "core/limits.h"

#define SAMPLED_RULES 50

static const char symbols[] =
    "<svg width=0 height=0 class=lang aria-hidden=true><defs>"
    "<symbol id=s4 viewBox=\"0 0 14 14\"><path d=\"M7 0l7 7-7 7-7-7z\"/></symbol>"
    "<symbol id=s3 viewBox=\"0 0 14 14\"><path d=\"M7 1l7 12H0z\"/></symbol>"
    "<symbol id=s2 viewBox=\"0 0 14 14\"><circle cx=7 cy=7 r=6 /></symbol>"
    "<symbol id=s1 viewBox=\"0 0 14 14\"><path d=\"M1 2h12v10H1z\"/></symbol>"
    "<symbol id=s0 viewBox=\"0 0 14 14\"><circle cx=7 cy=7 r=5 fill=none stroke=currentColor "
    "stroke-width=2 /></symbol>"
    "<symbol id=v0 viewBox=\"0 0 80 80\"><circle cx=40 cy=40 r=36 fill=none stroke=#fff "
    "stroke-width=5 />"
    "<path d=\"M23 41l12 12 23-26\" fill=none stroke=#fff stroke-width=7 /></symbol>"
    "<symbol id=v1 viewBox=\"0 0 80 80\"><path d=\"M40 8l35 62H5z\" fill=none stroke=#fff "
    "stroke-width=5 /><path d=\"M40 29v20M40 56v7\" stroke=#fff stroke-width=7 /></symbol>"
    "<symbol id=v2 viewBox=\"0 0 80 80\"><path d=\"M25 4h30l21 21v30L55 76H25L4 55V25z\" fill=none "
    "stroke=#fff stroke-width=5 /><path d=\"M27 27l26 26M53 27L27 53\" stroke=#fff stroke-width=7 "
    "/></symbol>"
    "<symbol id=v3 viewBox=\"0 0 80 80\"><circle cx=40 cy=40 r=36 fill=none stroke=#fff "
    "stroke-width=5 "
    "stroke-dasharray=\"12 8\"/><path d=\"M22 40h9M36 40h9M50 40h9\" stroke=#fff stroke-width=7 "
    "/></symbol>"
    "<pattern id=hatch width=8 height=8 patternUnits=userSpaceOnUse "
    "patternTransform=\"rotate(45)\">"
    "<rect width=3 height=8 fill=#0005 /></pattern></defs></svg>";

/* A CSP source: 'sha256-BASE64'. */
static void add_source(struct assay_buf *b, void (*text)(struct assay_buf *))
{
    uint8_t digest[32] = {0};
    ASSAY_AUTO_BUF whole;
    assay_buf_init(&whole, ASSAY_KIB(64));
    text(&whole);
    (void)assay_sha256_of(whole.ptr, whole.len, digest);
    assay_buf_adds(b, "'sha256-");
    assay_base64_encode(assay_bytes_make((const char *)digest, sizeof digest), b);
    assay_buf_adds(b, "'");
}

static void write_head(struct assay_page *p)
{
    assay_buf_addf(&p->b,
                   "<!doctype html>\n<html lang=%s>\n<head>\n<meta charset=utf-8>\n<meta "
                   "http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src ",
                   p->chinese ? "zh-Hans" : "en");
    add_source(&p->b, assay_html_style);
    assay_html(p, "; script-src ");
    add_source(&p->b, assay_html_script);
    assay_html(p, "; base-uri 'none'; form-action 'none'\">\n<meta name=viewport "
                  "content=\"width=device-width,initial-scale=1\">\n<meta name=referrer "
                  "content=no-referrer>\n<title>");
    assay_html_text(p, assay_text(assay_text_verdict(assay_audit_verdict(p->a)), p->chinese), 0);
    assay_html(p, " \xC2\xB7 ");
    if (assay_audit_dataset_name(p->a) != NULL) {
        assay_html_text(p, assay_audit_dataset_name(p->a), 120);
        assay_html(p, " \xC2\xB7 ");
    }
    assay_html_text(p, assay_text(ASSAY_T_REPORT_TITLE, p->chinese), 0);
    assay_html(p, "</title>\n<style>");
    assay_html_style(&p->b);
    assay_html(p, "</style>\n</head>\n");
}

static void write_top(struct assay_page *p)
{
    assay_buf_addf(
        &p->b,
        "<body>\n<input class=lang type=radio name=lang id=len%s aria-label=English><input "
        "class=lang type=radio name=lang id=lzh%s aria-label=\"\xE4\xB8\xAD\xE6\x96\x87\">",
        p->chinese ? "" : " checked", p->chinese ? " checked" : "");
    assay_html(p, symbols);
    assay_html(p, "\n<div class=wrap><nav><span class=mark>ASSAY &nbsp; ");
    assay_html_say(p, ASSAY_T_REPORT_TITLE);
    assay_html(p, "</span><span class=pick><label for=len>English</label><label for=lzh "
                  "lang=zh-Hans>\xE4\xB8\xAD\xE6\x96\x87</label></span></nav><main>\n");
}

static void write_page(struct assay_page *p)
{
    static void (*const sections[])(struct assay_page *) = {
        assay_html_banner,   assay_html_summary, assay_html_terms,  assay_html_coverage,
        assay_html_findings, assay_html_rules,   assay_html_across, assay_html_metrics,
        assay_html_method,   assay_html_verify};
    assay_buf_clear(&p->b);
    write_head(p);
    write_top(p);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        sections[i](p);
        assay_html(p, "\n");
    }
    assay_html(p, "</main><footer>" PACKAGE_NAME " " PACKAGE_VERSION "</footer></div>\n<script>");
    assay_html_script(&p->b);
    assay_html(p, "</script>\n</body>\n</html>\n");
}

static enum assay_status compose(struct assay_page *p, struct assay_out *out,
                                 struct assay_error *err)
{
    static const size_t rows[] = {ASSAY_LIMIT_HTML_ROWS, 10, 5, 2, 1, 0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        p->rows = rows[i];
        write_page(p);
        if (assay_buf_status(&p->b) == ASSAY_OK && p->b.len <= ASSAY_LIMIT_HTML) {
            break;
        }
    }
    if (assay_buf_status(&p->b) != ASSAY_OK) {
        return assay_fail(err, assay_buf_status(&p->b), "the page does not fit in memory");
    }
    return out->write(out->ctx, p->b.ptr, p->b.len, err);
}

enum assay_status assay_write_html(const struct assay_audit *a, struct assay_out *out,
                                   struct assay_error *err)
{
    struct assay_page p = {.a = a, .chinese = out->chinese};
    assay_buf_init(&p.b, ASSAY_MIB(512));
    enum assay_status s = assay_manifest_write(assay_audit_inventory(a), NULL, p.manifest, err);
    if (s == ASSAY_OK) {
        s = assay_totals_build(a, &p.totals, err);
    }
    if (s == ASSAY_OK) {
        s = assay_samples_collect(a, &p.totals, SAMPLED_RULES, ASSAY_LIMIT_HTML_ROWS, &p.samples,
                                  err);
    }
    if (s == ASSAY_OK) {
        s = assay_leaks_read(a, &p.leaks, err);
    }
    if (s == ASSAY_OK) {
        s = compose(&p, out, err);
    }
    assay_leaks_release(&p.leaks);
    assay_samples_release(&p.samples);
    assay_totals_release(&p.totals);
    assay_buf_release(&p.b);
    return s;
}
