/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of the HTML report that are not about single rules.
 */
#include "reports/writers/html_kit.h"

#include "core/hash.h"
#include "core/limits.h"

#define NAME_CUT    200
#define SKIPPED_MAX 40
#define BAR         600 /* units across a bar */

/* ---- banner --------------------------------------------------------------------------------- */

static void write_fact(struct assay_page *p, uint64_t n, enum assay_text what)
{
    assay_html(p, "<div><b>");
    assay_html_count(p, n);
    assay_html(p, "</b>");
    assay_html_say(p, what);
    assay_html(p, "</div>");
}

static void write_facts(struct assay_page *p)
{
    const struct assay_coverage *c = assay_audit_coverage(p->a);
    assay_html(p, "<div class=facts>");
    write_fact(p, c->files_total, ASSAY_T_FILES);
    write_fact(p, c->records_total, ASSAY_T_RECORDS);
    assay_html(p, "<div><b>");
    assay_put_size(&p->b, c->bytes_total);
    assay_html(p, "</b>");
    assay_html_say(p, ASSAY_T_SIZE);
    assay_html(p, "</div>");
    write_fact(p, assay_audit_findings(p->a), ASSAY_T_FINDINGS);
    assay_html(p, "</div>");
}

static void write_identity(struct assay_page *p)
{
    const struct assay_policy *policy = assay_audit_policy(p->a);
    char hex[65];
    assay_hex(p->manifest, sizeof p->manifest, hex);
    assay_html(p, "<dl class=id><dt>");
    assay_html_say(p, ASSAY_T_IDENTITY);
    assay_buf_addf(&p->b, "<dd><code>%s</code><dt>", hex);
    assay_html_say(p, ASSAY_T_POLICY);
    assay_html(p, "<dd>");
    assay_html_name(p, assay_policy_name(policy), NAME_CUT);
    assay_html(p, " ");
    assay_html_name(p, assay_policy_version(policy), NAME_CUT);
    if (assay_audit_started_ms(p->a) != 0) {
        char when[32];
        assay_format_time(assay_audit_started_ms(p->a), when);
        assay_html(p, "<dt>");
        assay_html_say(p, ASSAY_T_AUDITED_ON);
        assay_buf_addf(&p->b, "<dd>%.10s %.8s UTC", when, when + 11);
    }
    assay_html(p, "</dl>");
}

void assay_html_banner(struct assay_page *p)
{
    enum assay_verdict v = assay_audit_verdict(p->a);
    const char *name = assay_audit_dataset_name(p->a);
    assay_buf_addf(
        &p->b,
        "<header class=\"banner v%u\"><div class=top><svg class=seal viewBox=\"0 0 80 80\" "
        "aria-hidden=true><use href=\"#v%u\"/></svg><div><h1><span class=word>",
        (unsigned)v, (unsigned)v);
    assay_html_say(p, assay_text_verdict(v));
    assay_html(p, "</span></h1><p class=what>");
    assay_html_say(p, ASSAY_T_DATASET);
    assay_html(p, ": <b>");
    if (name == NULL) {
        assay_html_say(p, ASSAY_T_UNNAMED);
    } else {
        assay_html_name(p, name, NAME_CUT);
    }
    assay_html(p, "</b></p><p class=what>");
    assay_html_say(p, assay_text_verdict_line(v));
    assay_html(p, "</p></div></div>");
    write_facts(p);
    write_identity(p);
    assay_html(p, "</header>");
}

/* ---- summary -------------------------------------------------------------------------------- */

static void add_count(struct assay_buf *b, enum assay_text id, int chinese, uint64_t n)
{
    ASSAY_AUTO_BUF number;
    assay_buf_init(&number, 64);
    assay_put_count(&number, n);
    assay_text_fill(b, id, chinese, assay_buf_str(&number));
}

static void add_findings(struct assay_page *p, struct assay_buf *b, int zh)
{
    uint64_t serious =
        p->totals.severity[ASSAY_SEVERITY_CRITICAL] + p->totals.severity[ASSAY_SEVERITY_HIGH];
    if (p->totals.findings == 0) {
        assay_buf_adds(b, assay_text(ASSAY_T_SUM_NONE, zh));
        return;
    }
    add_count(b, ASSAY_T_SUM_FOUND, zh, p->totals.findings);
    if (serious == 0) {
        assay_buf_adds(b, assay_text(ASSAY_T_SUM_NOT_SERIOUS, zh));
    } else {
        add_count(b, ASSAY_T_SUM_SERIOUS, zh, serious);
    }
}

static void add_terms(struct assay_page *p, struct assay_buf *b, int zh)
{
    uint64_t broken = 0, n = assay_audit_terms(p->a);
    for (size_t i = 0; i < n; i++) {
        broken += !assay_audit_term(p->a, i)->ok;
    }
    if (n > 0) {
        add_count(b, broken > 0 ? ASSAY_T_SUM_TERMS_BROKEN : ASSAY_T_SUM_TERMS_OK, zh,
                  broken > 0 ? broken : n);
    }
}

/* The whole paragraph in one language. */
static void compose_summary(struct assay_page *p, struct assay_buf *b, int zh)
{
    static const enum assay_text act[] = {ASSAY_T_SUM_ACT_PASS, ASSAY_T_SUM_ACT_WARN,
                                          ASSAY_T_SUM_ACT_FAIL, ASSAY_T_SUM_ACT_INCOMPLETE};
    const struct assay_coverage *c = assay_audit_coverage(p->a);
    const struct assay_skip_count *k = &p->totals.skipped;
    ASSAY_AUTO_BUF size;
    assay_buf_init(&size, 64);
    assay_put_size(&size, c->bytes_total);
    add_count(b, ASSAY_T_SUM_SCOPE, zh, c->files_total);
    add_count(b, ASSAY_T_SUM_RECORDS, zh, c->records_total);
    assay_text_fill(b, ASSAY_T_SUM_SIZE, zh, assay_buf_str(&size));
    if (assay_audit_complete(p->a)) {
        assay_buf_adds(b, assay_text(ASSAY_T_SUM_COMPLETE, zh));
    } else if (k->files + k->records > 0) {
        add_count(b, ASSAY_T_SUM_SKIPPED, zh, k->files + k->records);
    } else {
        assay_buf_adds(b, assay_text(ASSAY_T_SUM_PARTLY, zh));
    }
    add_findings(p, b, zh);
    add_terms(p, b, zh);
    assay_buf_adds(b, assay_text(act[assay_audit_verdict(p->a)], zh));
}

void assay_html_summary(struct assay_page *p)
{
    ASSAY_AUTO_BUF en;
    ASSAY_AUTO_BUF zh;
    assay_buf_init(&en, ASSAY_KIB(16));
    assay_buf_init(&zh, ASSAY_KIB(16));
    compose_summary(p, &en, 0);
    compose_summary(p, &zh, 1);
    assay_html_open(p, "summary", ASSAY_T_SUMMARY);
    assay_html(p, "<p class=sum>");
    assay_html_pair(p, assay_buf_str(&en), assay_buf_str(&zh));
    assay_html(p, "</p></section>");
}

/* ---- policy terms --------------------------------------------------------------------------- */

/* A bar to the observed value and a mark at the limit, on one scale. */
static void write_bullet(struct assay_page *p, const struct assay_term_result *t)
{
    uint64_t limit = t->limit_millionths < 0 ? 0 : (uint64_t)t->limit_millionths;
    uint64_t den = t->den == 0 ? 1 : t->den;
    __extension__ unsigned __int128 wide = (unsigned __int128)t->num * 1000000 / den;
    uint64_t seen = wide > UINT64_MAX / 2 ? UINT64_MAX / 2 : (uint64_t)wide;
    uint64_t most = seen > limit ? seen : limit;
    uint64_t full = most + most / 4 + 1;
    unsigned bar = assay_html_scale(seen, full, BAR), mark = assay_html_scale(limit, full, BAR - 4);
    assay_buf_addf(&p->b,
                   "<svg class=bar viewBox=\"0 0 %d 14\" preserveAspectRatio=none role=img>"
                   "<title>%s / %s</title><desc>",
                   BAR, assay_text(ASSAY_T_BULLET, 0), assay_text(ASSAY_T_BULLET, 1));
    assay_html_text(p, t->expr, NAME_CUT);
    assay_html(p, ": ");
    assay_put_observed(&p->b, t);
    assay_buf_addf(
        &p->b,
        "</desc><rect class=ft width=%d height=14 /><rect class=%s y=3 width=%u height=8 />"
        "<rect class=fi x=%u width=4 height=14 /></svg>",
        BAR,
        t->ok        ? "fg"
        : t->is_warn ? "fw"
                     : "fb",
        bar, mark);
}

static void write_term(struct assay_page *p, const struct assay_term_result *t)
{
    static const char *const marks[] = {"\xE2\x9C\x97", "\xE2\x9C\x93", "?"};
    int kind = !t->known ? 2 : t->ok;
    assay_buf_addf(&p->b, "<tr><td class=\"st %s\">%s ",
                   kind == 1                 ? "ok"
                   : kind == 2 || t->is_warn ? "maybe"
                                             : "no",
                   marks[kind]);
    assay_html_say(p, assay_text_outcome(t));
    assay_html(p, "<td>");
    assay_html_name(p, t->id, NAME_CUT);
    assay_html(p, "<br><span class=\"soft small nw\">");
    assay_html_say(p, t->is_warn ? ASSAY_T_WARNING : ASSAY_T_MUST_HOLD);
    assay_html(p, "</span><td>");
    if (t->note_en != NULL) {
        assay_html_pair(p, t->note_en, t->note_zh);
        assay_html(p, "<br>");
    }
    assay_html(p, "<code>");
    assay_html_text(p, t->expr, 0);
    assay_html(p, "</code><td class=n>");
    assay_put_observed(&p->b, t);
    assay_html(p, "<td class=bul>");
    if (t->known) {
        write_bullet(p, t);
    } else {
        assay_html_say(p, ASSAY_T_UNKNOWN_NOTE);
    }
}

void assay_html_terms(struct assay_page *p)
{
    static const int head[] = {ASSAY_T_OUTCOME,   ASSAY_T_TERM,   ASSAY_T_LIMIT,
                               -ASSAY_T_OBSERVED, ASSAY_T_BULLET, ASSAY_T_MAX};
    assay_html_open(p, "policy", ASSAY_T_POLICY);
    if (assay_audit_terms(p->a) == 0) {
        assay_html(p, "<p>");
        assay_html_say(p, ASSAY_T_NO_TERMS);
        assay_html(p, "</p></section>");
        return;
    }
    assay_html(p, ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < assay_audit_terms(p->a); i++) {
        write_term(p, assay_audit_term(p->a, i));
    }
    assay_html(p, "</table></div></section>");
}

/* ---- coverage ------------------------------------------------------------------------------- */

static void write_share(struct assay_page *p, enum assay_text what, uint64_t scanned,
                        uint64_t total, int is_size)
{
    unsigned good = total == 0 ? BAR : assay_html_scale(scanned, total, BAR);
    good = good == BAR && scanned < total ? BAR - 3 : good; /* what is missing is never invisible */
    assay_html_say(p, what);
    assay_buf_addf(
        &p->b,
        "<svg class=bar viewBox=\"0 0 %d 20\" preserveAspectRatio=none role=img><title>%s / "
        "%s</title><desc>",
        BAR, assay_text(ASSAY_T_COVERAGE_SHORT, 0), assay_text(ASSAY_T_COVERAGE_SHORT, 1));
    assay_put_count(&p->b, scanned);
    assay_html(p, " / ");
    assay_put_count(&p->b, total);
    assay_buf_addf(
        &p->b,
        "</desc><rect class=fg width=%u height=20 /><rect class=fr x=%u width=%u height=20 />"
        "<rect fill=\"url(#hatch)\" x=%u width=%u height=20 /></svg><span class=n>",
        good, good, BAR - good, good, BAR - good);
    for (int i = 0; i < 2; i++) {
        uint64_t n = i == 0 ? scanned : total;
        assay_html(p, i == 0 ? "" : " / ");
        if (is_size) {
            assay_put_size(&p->b, n);
        } else {
            assay_put_count(&p->b, n);
        }
    }
    assay_html(p, "</span>");
}

static void write_reasons(struct assay_page *p)
{
    static const int head[] = {ASSAY_T_REASON, -ASSAY_T_FILES, -ASSAY_T_RECORDS, -ASSAY_T_BYTES,
                               ASSAY_T_MAX};
    const struct assay_coverage *c = assay_audit_coverage(p->a);
    assay_html(p, "<h3>");
    assay_html_say(p, ASSAY_T_SKIPPED_TITLE);
    assay_html(p, "</h3>" ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (int i = 0; i < ASSAY_SKIP_MAX; i++) {
        const struct assay_skip_count *k = &c->skipped[i];
        if (!k->noted) {
            continue;
        }
        assay_html(p, "<tr><td>");
        assay_html_pair(p, assay_text_skip((enum assay_skip)i, 0),
                        assay_text_skip((enum assay_skip)i, 1));
        assay_html_number_cell(p, k->files);
        assay_html_number_cell(p, k->records);
        assay_html_number_cell(p, k->bytes);
    }
    assay_html(p, "</table></div>");
}

static void write_skipped_name(struct assay_page *p, const char *name, enum assay_skip why)
{
    assay_html(p, "<tr><td><code>");
    assay_html_path(p, name);
    assay_html(p, "</code><td>");
    assay_html_pair(p, assay_text_skip(why, 0), assay_text_skip(why, 1));
}

static size_t count_skipped_names(const struct assay_inventory *inv)
{
    size_t n = assay_inventory_skips(inv);
    for (size_t i = 0; i < assay_inventory_count(inv); i++) {
        n += assay_inventory_get(inv, i)->status != ASSAY_OK;
    }
    return n;
}

static void write_name_rows(struct assay_page *p, const struct assay_inventory *inv)
{
    size_t n = 0;
    for (size_t i = 0; i < assay_inventory_skips(inv) && n < SKIPPED_MAX; i++, n++) {
        const struct assay_skipped *s = assay_inventory_skip(inv, i);
        write_skipped_name(p, s->name, s->why);
    }
    for (size_t i = 0; i < assay_inventory_count(inv) && n < SKIPPED_MAX; i++) {
        const struct assay_entry *e = assay_inventory_get(inv, i);
        if (e->status != ASSAY_OK) {
            write_skipped_name(p, e->name, assay_skip_of_status(e->status));
            n++;
        }
    }
}

static void write_skipped_names(struct assay_page *p)
{
    static const int head[] = {ASSAY_T_FILE, ASSAY_T_REASON, ASSAY_T_MAX};
    const struct assay_inventory *inv = assay_audit_inventory(p->a);
    size_t n = count_skipped_names(inv);
    if (n == 0) {
        return;
    }
    assay_html(p, "<h3>");
    assay_html_say(p, ASSAY_T_SKIPPED_NAMES);
    assay_html(p, "</h3>" ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    write_name_rows(p, inv);
    assay_html(p, "</table></div>");
    if (n > SKIPPED_MAX) {
        assay_html(p, "<p class=\"soft small\">");
        assay_html_say_count(p, ASSAY_T_AND_MORE, n - SKIPPED_MAX);
        assay_html(p, "</p>");
    }
}

void assay_html_coverage(struct assay_page *p)
{
    const struct assay_coverage *c = assay_audit_coverage(p->a);
    assay_html_open(p, "coverage", ASSAY_T_COVERAGE);
    assay_html(p, "<div class=cov>");
    write_share(p, ASSAY_T_FILES, c->files_scanned, c->files_total, 0);
    write_share(p, ASSAY_T_RECORDS, c->records_scanned, c->records_total, 0);
    write_share(p, ASSAY_T_BYTES, c->bytes_scanned, c->bytes_total, 1);
    assay_html(
        p,
        "</div><p class=key><span class=k><svg class=g><rect class=fg width=14 height=14 /></svg>");
    assay_html_say(p, ASSAY_T_SCANNED);
    assay_html(p, "</span><span class=k><svg class=g><rect class=fr width=14 height=14 /><rect "
                  "fill=\"url(#hatch)\" width=14 height=14 /></svg>");
    assay_html_say(p, ASSAY_T_NOT_SCANNED);
    assay_html(p, "</span></p>");
    if (assay_audit_cancelled(p->a)) {
        assay_html(p, "<p class=no>");
        assay_html_say(p, ASSAY_T_CANCELLED);
        assay_html(p, "</p>");
    }
    if (assay_audit_complete(p->a)) {
        assay_html(p, "<p>");
        assay_html_say(p, ASSAY_T_ALL_SCANNED);
        assay_html(p, "</p>");
    } else {
        write_reasons(p);
        write_skipped_names(p);
    }
    assay_html(p, "</section>");
}

/* ---- metrics, method, verification ---------------------------------------------------------- */

static void write_metric(struct assay_page *p, const struct assay_metric *m)
{
    assay_html(p, "<tr><td><code>");
    assay_html_text(p, m->name, NAME_CUT);
    assay_html(p, "</code><td class=n>");
    if (m->den == 1) {
        assay_html_count(p, m->num);
    } else if (m->num <= m->den) {
        assay_put_percent(&p->b, m->num, m->den);
    } else {
        assay_put_ratio(&p->b, m->num, m->den, 4);
    }
    assay_html(p, "<td class=\"n soft\">");
    if (m->den != 1) {
        assay_html_count(p, m->num);
        assay_html(p, " / ");
        assay_html_count(p, m->den);
    }
}

void assay_html_metrics(struct assay_page *p)
{
    static const int head[] = {ASSAY_T_METRIC, -ASSAY_T_VALUE, -ASSAY_T_COUNT, ASSAY_T_MAX};
    if (assay_audit_metrics(p->a) == 0) {
        return;
    }
    assay_html_open(p, "metrics", ASSAY_T_METRICS);
    assay_html(p, ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
    for (size_t i = 0; i < assay_audit_metrics(p->a); i++) {
        write_metric(p, assay_audit_metric(p->a, i));
    }
    assay_html(p, "</table></div></section>");
}

static void open_list(struct assay_page *p, enum assay_text title, enum assay_text third)
{
    const int head[] = {ASSAY_T_NAME, ASSAY_T_VERSION, (int)third, ASSAY_T_MAX};
    assay_html(p, "<div><h3>");
    assay_html_say(p, title);
    assay_html(p, "</h3>" ASSAY_HTML_WIDE "<table>");
    assay_html_head(p, head);
    assay_html(p, "<tbody>");
}

static void write_versioned(struct assay_page *p, const char *name, const char *version,
                            const uint8_t *sha256)
{
    assay_html(p, "<tr><td>");
    assay_html_name(p, name, NAME_CUT);
    assay_html(p, "<td>");
    assay_html_name(p, version, NAME_CUT);
    assay_html(p, "<td>");
    if (sha256 != NULL) {
        char hex[65];
        assay_hex(sha256, 32, hex);
        assay_buf_addf(&p->b, "<code title=\"%s\">%.16s\xE2\x80\xA6</code>", hex, hex);
    }
}

static void write_packs(struct assay_page *p)
{
    const struct assay_ruleset *rs = assay_audit_rules(p->a);
    const struct assay_policy *policy = assay_audit_policy(p->a);
    open_list(p, ASSAY_T_PACKS, ASSAY_T_DIGEST);
    for (size_t i = 0; i < assay_ruleset_packs(rs); i++) {
        const struct assay_pack *k = assay_ruleset_pack(rs, i);
        write_versioned(p, k->name, k->version, k->sha256);
    }
    assay_html(p, "</table></div></div>");
    open_list(p, ASSAY_T_POLICY, ASSAY_T_DIGEST);
    write_versioned(p, assay_policy_name(policy), assay_policy_version(policy),
                    assay_policy_sha256(policy));
    assay_html(p, "</table></div></div>");
}

static void write_plugins(struct assay_page *p)
{
    const struct assay_plugins *ps = assay_audit_plugins(p->a);
    open_list(p, ASSAY_T_PLUGINS, ASSAY_T_DIGEST);
    for (size_t i = 0; i < assay_plugins_count(ps); i++) {
        const struct assay_plugin *k = assay_plugins_get(ps, i);
        write_versioned(p, k->name, k->version, k->path == NULL ? NULL : k->sha256);
        if (k->path == NULL) {
            assay_html_say(p, ASSAY_T_BUILT_IN);
        }
    }
    assay_html(p, "</table></div></div>");
}

static void write_chips(struct assay_page *p, enum assay_text title, size_t n,
                        void (*get)(const struct assay_audit *a, size_t i, const char **name,
                                    const char **value))
{
    if (n == 0) {
        return;
    }
    assay_html(p, "<div><h3>");
    assay_html_say(p, title);
    assay_html(p, "</h3><p>");
    for (size_t i = 0; i < n; i++) {
        const char *name = NULL, *value = NULL;
        get(p->a, i, &name, &value);
        assay_html(p, "<span class=chip>");
        assay_html_name(p, name, NAME_CUT);
        assay_html(p, " ");
        assay_html_name(p, value, NAME_CUT);
        assay_html(p, "</span>");
    }
    assay_html(p, "</p></div>");
}

void assay_html_method(struct assay_page *p)
{
    assay_html_open(p, "method", ASSAY_T_METHOD);
    assay_html(p, "<p class=sum>");
    assay_html_say(p, ASSAY_T_METHOD_TEXT);
    assay_html(p, "</p><div class=grid>");
    write_packs(p);
    write_plugins(p);
    write_chips(p, ASSAY_T_LIBRARIES, assay_audit_versions(p->a), assay_audit_version);
    write_chips(p, ASSAY_T_SETTINGS, assay_audit_settings(p->a), assay_audit_setting);
    assay_html(p, "</div></section>");
}

static const char verify_commands[] =
    "<pre>assay verify statement.dsse.json --dataset DIR --key SIGNER.pub</pre>";
static const char plain_commands[] =
    "<pre>jq -j .payload statement.dsse.json | base64 -d &gt; statement\n"
    "printf 'DSSEv1 28 application/vnd.in-toto+json %s ' \"$(wc -c &lt; statement)\" | cat - "
    "statement "
    "&gt; pae\n"
    "jq -j '.signatures[0].sig' statement.dsse.json | base64 -d &gt; sig\n"
    "openssl pkeyutl -verify -pubin -inkey SIGNER.pub -rawin -in pae -sigfile sig\n"
    "jq -r '.subject[0].digest.sha256 + \"  MANIFEST.sha256\"' statement | sha256sum -c\n"
    "(cd DIR &amp;&amp; find . -type f | cut -c3- | LC_ALL=C sort | xargs -d '\\n' -r sha256sum) | "
    "cmp - "
    "MANIFEST.sha256</pre>";

void assay_html_verify(struct assay_page *p)
{
    assay_html_open(p, "verify", ASSAY_T_VERIFY);
    assay_html(p, "<p class=sum>");
    assay_html_say(p, ASSAY_T_VERIFY_TEXT);
    assay_html(p, "</p>");
    assay_html(p, verify_commands);
    assay_html(p, "<p>");
    assay_html_say(p, ASSAY_T_VERIFY_PLAIN);
    assay_html(p, "</p>");
    assay_html(p, plain_commands);
    assay_html(p, "</section>");
}
