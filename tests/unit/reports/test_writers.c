/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <jansson.h>

#include "core/limits.h"
#include "core/utf8.h"
#include "reports/internal.h"
#include "reports/strings.h"
#include "reports/writers/details.h"
#include "tests/unit/reports/fake_audit.h"

static struct assay_error err;

static enum assay_status to_buf(void *ctx, const void *data, size_t len, struct assay_error *e)
{
    struct assay_buf *b = ctx;
    assay_buf_add(b, data, len);
    return assay_buf_status(b) == ASSAY_OK ? ASSAY_OK : assay_fail(e, ASSAY_FULL, "full");
}

static void write_with(const char *name, const struct assay_audit *a, struct assay_out o,
                       struct assay_buf *out)
{
    const struct assay_writer *w = assay_writer_find(name);
    assert_non_null(w);
    assay_buf_init(out, ASSAY_MIB(256));
    o.write = to_buf;
    o.ctx = out;
    if (w->write(a, &o, &err) != ASSAY_OK) {
        print_error("%s: %s\n", name, err.message);
        fail();
    }
}

static void every_writer_is_listed_once(void **state)
{
    (void)state;
    size_t n = 0;
    for (; assay_writers[n].name != NULL; n++) {
        assert_ptr_equal(assay_writer_find(assay_writers[n].name), &assay_writers[n]);
        assert_true(strlen(assay_writers[n].summary) > 0 && strlen(assay_writers[n].file) > 0);
    }
    assert_int_equal(n, 5);
    assert_null(assay_writer_find("pdf"));
}

/* Same bytes twice, no matter what is written. */
static void writers_are_deterministic(void **state)
{
    (void)state;
    const struct assay_audit *audits[] = {fake_audit_small(), fake_audit_clean(),
                                          fake_audit_hostile()};
    for (const struct assay_writer *w = assay_writers; w->name != NULL; w++) {
        for (size_t i = 0; i < 3; i++) {
            ASSAY_AUTO_BUF first;
            ASSAY_AUTO_BUF second;
            write_with(w->name, audits[i], (struct assay_out){0}, &first);
            write_with(w->name, audits[i], (struct assay_out){0}, &second);
            assert_true(assay_bytes_equal(assay_buf_bytes(&first), assay_buf_bytes(&second)));
            assert_int_equal(assay_utf8_valid(first.ptr, first.len), first.len);
        }
    }
}

static enum assay_status refuse(void *ctx, const void *data, size_t len, struct assay_error *e)
{
    size_t *left = ctx;
    (void)data;
    if (*left < len) {
        return assay_fail(e, ASSAY_FULL, "cannot write: No space left on device");
    }
    *left -= len;
    return ASSAY_OK;
}

static void a_full_disk_stops_every_writer(void **state)
{
    (void)state;
    for (const struct assay_writer *w = assay_writers; w->name != NULL; w++) {
        size_t left = 100;
        struct assay_out o = {.write = refuse, .ctx = &left};
        assert_int_equal(w->write(fake_audit_small(), &o, &err), ASSAY_FULL);
        assert_non_null(strstr(err.message, "No space left"));
    }
}

/* ---- JSON Lines ----------------------------------------------------------------------------- */

static const char small_lines[] =
    "{\"type\":\"finding\",\"rule\":\"pii.email\",\"entity\":\"EMAIL_ADDRESS\",\"scanner\":\"pii\","
    "\"severity\":\"medium\",\"confidence\":0.95,\"file\":\"test/b.csv\",\"record\":1,"
    "\"field\":\"/mail\",\"start\":2,\"end\":19,\"byte_start\":2,\"byte_end\":19,"
    "\"masked\":\"z****************\",\"fingerprint\":\"01020000000000000000000000000000\"}\n"
    "{\"type\":\"finding\",\"rule\":\"pii.cn.resident_id\",\"entity\":\"CN_RESIDENT_ID\","
    "\"scanner\":\"pii\",\"severity\":\"critical\",\"confidence\":0.95,\"file\":\"train/a.jsonl\","
    "\"record\":0,\"field\":\"/messages/1/content\",\"start\":7,\"end\":25,\"byte_start\":21,"
    "\"byte_end\":39,\"masked\":\"110101************\","
    "\"fingerprint\":\"9c1e0000000000000000000000000000\"}\n";
static const char group_line[] =
    "{\"type\":\"finding\",\"rule\":\"duplicates.record\",\"scanner\":\"duplicates\","
    "\"severity\":\"low\",\"confidence\":1,\"fingerprint\":\"05000000000000000000000000000000\","
    "\"detail\":\"2 identical records\",\"members\":[{\"file\":\"train/a.jsonl\",\"record\":2},"
    "{\"file\":\"train/a.jsonl\",\"record\":3}],\"members_total\":2}\n";

static void jsonl_has_the_documented_schema(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("jsonl", fake_audit_small(), (struct assay_out){0}, &out);
    assert_memory_equal(out.ptr, small_lines, sizeof small_lines - 1);
    assert_non_null(strstr(out.ptr, group_line));
    const char *last = strstr(out.ptr, "{\"type\":\"summary\",\"verdict\":\"FAIL\"");
    assert_non_null(last);
    json_t *j = json_loads(last, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    assert_int_equal(json_integer_value(json_object_get(j, "findings")), 6);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(j, "severities"), "critical")), 2);
    assert_int_equal(json_array_size(json_object_get(j, "rules")), 5);
    assert_int_equal(json_array_size(json_object_get(j, "terms")), 3);
    assert_true(
        json_is_real(json_object_get(json_object_get(j, "metrics"), "duplicates.record_ratio")));
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(json_object_get(j, "coverage"), "records"), "scanned")),
                     12);
    json_decref(j);
}

static void every_line_is_one_json_object(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("jsonl", fake_audit_hostile(), (struct assay_out){0}, &out);
    size_t lines = 0;
    for (char *p = out.ptr; p < out.ptr + out.len; lines++) {
        char *lf = strchr(p, '\n');
        assert_non_null(lf);
        json_t *j = json_loadb(p, (size_t)(lf - p), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        assert_true(json_is_object(j));
        json_decref(j);
        p = lf + 1;
    }
    assert_int_equal(lines, 4);
}

static void json_is_one_document(void **state)
{
    (void)state;
    const struct assay_audit *audits[] = {fake_audit_small(), fake_audit_clean(),
                                          fake_audit_hostile()};
    const size_t findings[] = {6, 0, 3};
    for (size_t i = 0; i < 3; i++) {
        ASSAY_AUTO_BUF out;
        write_with("json", audits[i], (struct assay_out){0}, &out);
        json_t *j = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        assert_string_equal(json_string_value(json_object_get(j, "schema")), "assay/report/1");
        assert_int_equal(json_array_size(json_object_get(j, "findings")), findings[i]);
        assert_non_null(json_object_get(json_object_get(j, "summary"), "verdict"));
        json_decref(j);
    }
}

/* ---- CSV ------------------------------------------------------------------------------------ */

static void csv_is_plain_for_plain_names(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("csv", fake_audit_small(), (struct assay_out){0}, &out);
    assert_non_null(strstr(out.ptr, "\r\n\"medium\",\"pii.email\",\"EMAIL_ADDRESS\",\"pii\",0.95,"
                                    "\"test/b.csv\",1,\"/mail\",2,19,2,19,,\"z****************\","
                                    "01020000000000000000000000000000,,,\r\n"));
    assert_non_null(strstr(out.ptr, ",2,\"train/a.jsonl#2; train/a.jsonl#3\"\r\n"));
}

/* Cells as a reader of RFC 4180 sees them; calls `check` on each. */
static void each_cell(const struct assay_buf *b, void (*check)(const char *cell))
{
    ASSAY_AUTO_BUF cell;
    assay_buf_init(&cell, ASSAY_MIB(1));
    int quoted = 0;
    for (size_t i = 0; i < b->len; i++) {
        char c = b->ptr[i];
        if (quoted && c == '"' && b->ptr[i + 1] == '"') {
            assay_buf_addc(&cell, b->ptr[i++]);
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == ',' || c == '\n')) {
            check(assay_buf_str(&cell));
            assay_buf_clear(&cell);
        } else if (quoted || c != '\r') {
            assay_buf_addc(&cell, c);
        }
    }
    assert_false(quoted);
}

static void check_cell(const char *cell)
{
    assert_null(strpbrk(cell, "\x1B\x07\t\r\n"));
    assert_true(cell[0] == '\0' || strchr("=+-@", cell[0]) == NULL);
    assert_null(strstr(cell, "\xE2\x80\xAE"));
}

static void csv_defuses_formulas_and_controls(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("csv", fake_audit_hostile(), (struct assay_out){0}, &out);
    each_cell(&out, check_cell);
    assert_non_null(strstr(out.ptr, "\"'=cmd|' /C calc'!A0\""));
    assert_non_null(strstr(out.ptr, "\"'=1+1\""));
    assert_non_null(strstr(out.ptr, "\"'-2\""));
    assert_non_null(strstr(out.ptr, "\"'@SUM(1)"));
}

/* ---- the terminal --------------------------------------------------------------------------- */

static size_t widest_line(const struct assay_buf *b)
{
    size_t widest = 0;
    for (char *p = b->ptr; p < b->ptr + b->len;) {
        char *lf = strchr(p, '\n');
        size_t w = assay_utf8_width(assay_bytes_make(p, (size_t)(lf - p)));
        widest = w > widest ? w : widest;
        p = lf + 1;
    }
    return widest;
}

static void table_says_what_matters(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("table", fake_audit_small(),
               (struct assay_out){.columns = 100, .report_dir = "out/r"}, &out);
    static const char *const parts[] = {"FAIL",
                                        "delivery-2026-11",
                                        "12 records",
                                        "F1",
                                        "broken",
                                        "critical",
                                        "pii.cn.resident_id",
                                        "110101************",
                                        "out/r/report.html",
                                        "assay verify out/r/statement.dsse.json --dataset DIR"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_non_null(strstr(out.ptr, parts[i]));
    }
    assert_null(memchr(out.ptr, 0x1B, out.len));
}

static void table_respects_the_width(void **state)
{
    (void)state;
    const struct assay_audit *audits[] = {fake_audit_small(), fake_audit_clean(),
                                          fake_audit_hostile()};
    for (unsigned columns = 50; columns <= 160; columns += 11) {
        for (size_t i = 0; i < 6; i++) {
            ASSAY_AUTO_BUF out;
            write_with("table", audits[i % 3],
                       (struct assay_out){.columns = columns, .chinese = i >= 3}, &out);
            /* Sentences are left to the terminal to wrap; tables must fit. */
            size_t limit = columns < 90 ? 90 : columns;
            assert_true(widest_line(&out) <= limit);
        }
    }
}

static void table_escapes_and_colours(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF plain;
    ASSAY_AUTO_BUF colour;
    write_with("table", fake_audit_hostile(), (struct assay_out){.columns = 120}, &plain);
    write_with("table", fake_audit_hostile(), (struct assay_out){.columns = 120, .colour = 1},
               &colour);
    assert_null(memchr(plain.ptr, 0x1B, plain.len));
    assert_null(strstr(plain.ptr, "\xE2\x80\xAE"));
    assert_null(strstr(plain.ptr, "\xC2\x9B"));
    for (char *p = strchr(colour.ptr, 0x1B); p != NULL; p = strchr(p + 1, 0x1B)) {
        size_t n = strspn(p + 2, "0123456789;");
        assert_int_equal(p[1], '[');
        assert_int_equal(p[2 + n], 'm');
    }
    assert_non_null(strchr(colour.ptr, 0x1B));
}

static void table_speaks_chinese(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("table", fake_audit_small(), (struct assay_out){.columns = 100, .chinese = 1}, &out);
    assert_non_null(strstr(out.ptr, "不通过"));
    assert_non_null(strstr(out.ptr, "居民身份证号"));
    assert_null(strstr(out.ptr, "broken"));
}

static void a_thousand_rules_make_a_short_table(void **state)
{
    (void)state;
    struct assay_audit *a = fake_audit_large(1000);
    ASSAY_AUTO_BUF out;
    write_with("table", a, (struct assay_out){.columns = 100}, &out);
    assert_true(out.len < 8192);
    assert_non_null(strstr(out.ptr, "980 more rules"));
    fake_audit_large_free(a);
}

/* ---- details -------------------------------------------------------------------------------- */

static void details_become_words(void **state)
{
    (void)state;
    static const struct {
        const char *detail, *en, *zh;
    } said[] = {
        {"1200 near-duplicates in 1 file(s), shingles of 5 token(s), similarity to the first: "
         "least "
         "848, median 900 of 1000, containment at least 1000, chained; splits: 3 train, 1 test",
         "1,200 texts in 1 file \xC2\xB7 at least 84.8%, median 90%; chained: some are unlike the "
         "first \xC2\xB7 3 train, 1 test \xC2\xB7 contained at least 100%",
         "1 个文件中的 1,200 段文字 \xC2\xB7 最低 84.8%，中位 90%；链式：有的与第一条并不相似 "
         "\xC2\xB7 3 train, 1 test \xC2\xB7 包含度最低 100%"},
        {"near-duplicate of record 12 of a%E9%83%A8%25%00.jsonl in delivery d1; similarity 955 of "
         "1000",
         "95.5% \xC2\xB7 delivery d1: a部%%00.jsonl#12",
         "95.5% \xC2\xB7 交付 d1：a部%%00.jsonl#12"},
        {"tier span: 1 train, 1 test", "a long passage \xC2\xB7 1 train, 1 test",
         "共有长段 \xC2\xB7 1 train, 1 test"},
        {"tier image: 1 train, 1 test", "pictures that look the same \xC2\xB7 1 train, 1 test",
         "看起来相同的图片 \xC2\xB7 1 train, 1 test"},
        {"mirrored, 4 of 256 bits apart", "mirrored, 4 of 256 bits apart",
         "左右翻转，相差 4 位（共 256 位）"},
        {"2 identical records in 1 file(s); group record:57873b30",
         "2 records in 1 file \xC2\xB7 group record:57873b30",
         "1 个文件中的 2 条记录 \xC2\xB7 group record:57873b30"},
        {"x identical files; ; half % of it %1", "x identical files; ; half % of it %1",
         "x identical files; ; half % of it %1"},
        {"", "", ""},
        {NULL, "", ""},
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        ASSAY_AUTO_BUF en;
        ASSAY_AUTO_BUF zh;
        assay_buf_init(&en, ASSAY_KIB(4));
        assay_buf_init(&zh, ASSAY_KIB(4));
        assay_details_say(said[i].detail, 0, &en);
        assay_details_say(said[i].detail, 1, &zh);
        assert_string_equal(assay_buf_str(&en), said[i].en);
        assert_string_equal(assay_buf_str(&zh), said[i].zh);
    }
}

/* The small audit, with a group of `n` members that lie deep. */
static void with_group(struct assay_audit *a, struct assay_found *found, size_t n)
{
    static struct group_member {
        const char *file;
        uint64_t record;
    } members[40];
    char *name = malloc(400);
    assert_non_null(name);
    memset(name, 'd', 399);
    memcpy(name + 380, "/the-last.jsonl", 16);
    for (size_t i = 0; i < n; i++) {
        members[i] = (struct group_member){name, 70 + i};
    }
    *a = *fake_audit_small();
    memcpy(found, a->found, a->n_found * sizeof *found);
    memcpy(&found[5].members, &(const void *){members}, sizeof(void *));
    found[5].n_members = n;
    found[5].members_total = n;
    found[5].detail = "12 identical records in 1 file(s); splits: 11 train, 1 test";
    a->found = found;
}

static void groups_show_who_is_in_them(void **state)
{
    (void)state;
    struct assay_audit a;
    struct assay_found found[16];
    ASSAY_AUTO_BUF table;
    ASSAY_AUTO_BUF html;
    with_group(&a, found, 12);
    write_with("table", &a, (struct assay_out){.columns = 80}, &table);
    write_with("html", &a, (struct assay_out){0}, &html);
    assert_true(widest_line(&table) <= 90);
    assert_non_null(strstr(table.ptr, "/the-last.jsonl#70"));
    assert_non_null(strstr(table.ptr, "/the-last.jsonl#72"));
    assert_non_null(strstr(table.ptr, "and 9 more"));
    assert_non_null(strstr(table.ptr, "12 records in 1 file"));
    assert_non_null(strstr(table.ptr, "splits: 11 train, 1 test"));
    assert_non_null(strstr(table.ptr, "assay dedup PATH --emit drop"));
    assert_non_null(strstr(html.ptr, "</bdi>#77</code></ol>"));
    assert_non_null(strstr(html.ptr, "and 4 more"));
    assert_non_null(strstr(html.ptr, "<td><span class=en>11 train, 1 test</span>"));
    assert_non_null(strstr(html.ptr, "1 个文件中的 12 条记录"));
    assert_non_null(strstr(html.ptr, "assay dedup DIR --tier record --emit drop"));
    free((void *)(uintptr_t)found[5].members[0].file);
}

/* ---- HTML ----------------------------------------------------------------------------------- */

/* Everything in the page that could fetch, link or run. */
static void html_refers_to_nothing_outside(void **state)
{
    (void)state;
    static const char *const never[] = {"src=",  "http://", "https://", "url(h",    "@import",
                                        "<link", "<iframe", "<object",  "<embed",   "<form",
                                        "<base", " style=", " onload",  " onclick", "javascript:"};
    const struct assay_audit *audits[] = {fake_audit_small(), fake_audit_clean()};
    for (size_t i = 0; i < 2; i++) {
        ASSAY_AUTO_BUF out;
        write_with("html", audits[i], (struct assay_out){0}, &out);
        for (size_t k = 0; k < sizeof never / sizeof never[0]; k++) {
            assert_null(strstr(out.ptr, never[k]));
        }
        assert_non_null(strstr(out.ptr, "default-src 'none'; style-src 'sha256-"));
    }
}

static size_t count_of(const struct assay_buf *b, const char *needle)
{
    size_t n = 0;
    for (const char *p = b->ptr; (p = strstr(p, needle)) != NULL; p++) {
        n++;
    }
    return n;
}

/* Text in a hostile audit comes out as text: the only tags are ours. */
static void html_escapes_everything(void **state)
{
    (void)state;
    static const char *const never[] = {"<script>alert", "<img", "<svg onload",  "<b onmouseover",
                                        "<b>name",       "<i>",  "</style><scr", "<note>",
                                        "<policy>",      "<T>",  "\xE2\x80\xAE", "\xC2\x9B",
                                        "\x1B"};
    ASSAY_AUTO_BUF out;
    write_with("html", fake_audit_hostile(), (struct assay_out){0}, &out);
    for (size_t k = 0; k < sizeof never / sizeof never[0]; k++) {
        assert_null(strstr(out.ptr, never[k]));
    }
    assert_int_equal(count_of(&out, "<script"), 1);
    assert_int_equal(count_of(&out, "<style"), 1);
    assert_non_null(strstr(out.ptr, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;.jsonl"));
    assert_non_null(strstr(out.ptr, "esc\\x1b[31m\\u{202e}gpj.exe"));
}

static void html_holds_both_languages(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    write_with("html", fake_audit_small(), (struct assay_out){0}, &out);
    assert_non_null(strstr(out.ptr,
                           "Assay read 2 files with 12 records (2.2 KiB). Nothing was left "
                           "out. 6 findings were reported, 3 of them critical or high."));
    assert_non_null(strstr(out.ptr,
                           "Assay 读取了 2 个文件，共 12 条记录（2.2 KiB）。没有遗漏任何内容。"
                           "共报告 6 处发现，其中 3 处为严重或高级别。"));
    assert_non_null(strstr(out.ptr, "110101************"));
    assert_non_null(strstr(out.ptr, "2026-11-24 06:00:00 UTC"));
}

static void html_shrinks_examples_never_aggregates(void **state)
{
    (void)state;
    struct assay_audit *a = fake_audit_large(5000);
    ASSAY_AUTO_BUF out;
    write_with("html", a, (struct assay_out){0}, &out);
    assert_true(out.len <= ASSAY_LIMIT_HTML);
    assert_true(count_of(&out, "138****0000") > 0);
    for (size_t i = 0; i < 5000; i += 499) {
        char id[32];
        (void)snprintf(id, sizeof id, "large.rule_%06zu<", i);
        assert_true(count_of(&out, id) >= 1);
    }
    assert_non_null(strstr(out.ptr, "200,000"));
    fake_audit_large_free(a);
}

/* Far beyond reason the aggregates alone pass the bound: they are all there, and examples are not.
 */
static void html_keeps_every_rule_of_a_monstrous_set(void **state)
{
    (void)state;
    struct assay_audit *a = fake_audit_large(20000);
    ASSAY_AUTO_BUF out;
    write_with("html", a, (struct assay_out){0}, &out);
    assert_int_equal(count_of(&out, "138****0000"), 0);
    assert_true(count_of(&out, "large.rule_") >= 20000);
    fake_audit_large_free(a);
}

static void every_sentence_exists_in_both_languages(void **state)
{
    (void)state;
    for (int i = 0; i < ASSAY_T_MAX; i++) {
        const char *en = assay_text((enum assay_text)i, 0), *zh = assay_text((enum assay_text)i, 1);
        assert_true(strlen(en) > 0 && strlen(zh) > 0);
        assert_int_equal(strstr(en, "%s") != NULL, strstr(zh, "%s") != NULL);
        for (const char *p = en; *p != '\0'; p++) {
            assert_true((uint8_t)*p < 0x80);
        }
    }
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 1024);
    assay_text_fill(&b, ASSAY_T_OTHER_RULES, 0, "1");
    assert_string_equal(assay_buf_str(&b), "1 more rule");
}

/* ---- what splits share ---------------------------------------------------------------------- */

static struct assay_metric across_metrics[] = {
    {"duplicates.contamination.quiz", 1, 8}, {"duplicates.leak.near.train_test", 3, 40},
    {"duplicates.leak.test_train", 2, 400},  {"duplicates.leak.train_test", 7, 40},
    {"duplicates.leak.no-pair", 7, 40},      {"duplicates.leak.odd.train_test", 7, 40},
    {"duplicates.source.web", 5, 20},
};

static struct assay_audit with_splits(void)
{
    struct assay_audit a = *fake_audit_clean();
    a.metrics = across_metrics;
    a.n_metrics = sizeof across_metrics / sizeof across_metrics[0];
    return a;
}

/* One row a pair; columns of tiers that were looked for, and a dash where one has no figure. */
static void html_lays_out_what_splits_share(void **state)
{
    (void)state;
    const struct assay_audit a = with_splits();
    ASSAY_AUTO_BUF out;
    write_with("html", &a, (struct assay_out){0}, &out);
    const char *at = strstr(out.ptr, "<section id=across");
    assert_non_null(at);
    char *end = strstr(at, "</section>");
    assert_non_null(end);
    *end = '\0';
    const char *test = strstr(at, "<td><bdi>test</bdi><td><bdi>train</bdi>");
    const char *train = strstr(at, "<td><bdi>train</bdi><td><bdi>test</bdi>");
    assert_true(test != NULL && train != NULL && test < train);
    const char *any = strstr(test, "17.5%"), *near = strstr(test, "7.5%");
    assert_true(any != NULL && near != NULL && any < near && near < train);
    assert_non_null(strstr(train, "0.5%"));
    assert_non_null(strstr(train, "\xE2\x80\x93")); /* near was not looked for this way round */
    assert_non_null(strstr(at, assay_text(ASSAY_T_TIER_NEAR, 0)));
    assert_null(strstr(at, assay_text(ASSAY_T_TIER_SPAN, 0)));
    assert_null(strstr(at, "no-pair"));
    assert_null(strstr(at, "odd"));
    assert_non_null(strstr(at, "<bdi>quiz</bdi><td class=n>12.5%"));
    assert_non_null(strstr(at, "<bdi>web</bdi><td class=n>25%"));
}

static void table_lays_out_what_splits_share(void **state)
{
    (void)state;
    const struct assay_audit a = with_splits();
    for (unsigned columns = 50; columns <= 120; columns += 10) {
        ASSAY_AUTO_BUF out;
        write_with("table", &a, (struct assay_out){.columns = columns}, &out);
        const char *heading = strstr(out.ptr, "\nWhat splits share\n");
        assert_non_null(heading);
        const char *row = strstr(heading, "\n  test          train              17.5%");
        assert_non_null(row);
        assert_int_equal(strstr(row, "17.5%        7.5%") != NULL, columns >= 52);
        assert_non_null(strstr(heading, "\n  train         test                0.5%"));
        assert_non_null(strstr(heading, "\nRedundancy by source\n  web "));
        assert_true(widest_line(&out) <= (columns < 90 ? 90 : columns));
    }
}

static void nothing_is_said_of_splits_where_there_are_none(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF html;
    ASSAY_AUTO_BUF table;
    write_with("html", fake_audit_small(), (struct assay_out){0}, &html);
    write_with("table", fake_audit_small(), (struct assay_out){0}, &table);
    assert_null(strstr(html.ptr, "id=across"));
    assert_null(strstr(table.ptr, "What splits share"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_writer_is_listed_once),
        cmocka_unit_test(writers_are_deterministic),
        cmocka_unit_test(a_full_disk_stops_every_writer),
        cmocka_unit_test(jsonl_has_the_documented_schema),
        cmocka_unit_test(every_line_is_one_json_object),
        cmocka_unit_test(json_is_one_document),
        cmocka_unit_test(csv_is_plain_for_plain_names),
        cmocka_unit_test(csv_defuses_formulas_and_controls),
        cmocka_unit_test(table_says_what_matters),
        cmocka_unit_test(table_respects_the_width),
        cmocka_unit_test(table_escapes_and_colours),
        cmocka_unit_test(table_speaks_chinese),
        cmocka_unit_test(a_thousand_rules_make_a_short_table),
        cmocka_unit_test(details_become_words),
        cmocka_unit_test(groups_show_who_is_in_them),
        cmocka_unit_test(html_refers_to_nothing_outside),
        cmocka_unit_test(html_escapes_everything),
        cmocka_unit_test(html_holds_both_languages),
        cmocka_unit_test(html_shrinks_examples_never_aggregates),
        cmocka_unit_test(html_keeps_every_rule_of_a_monstrous_set),
        cmocka_unit_test(html_lays_out_what_splits_share),
        cmocka_unit_test(table_lays_out_what_splits_share),
        cmocka_unit_test(nothing_is_said_of_splits_where_there_are_none),
        cmocka_unit_test(every_sentence_exists_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
