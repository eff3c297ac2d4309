/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/reports/fake_audit.h"

#include <stdlib.h>

#include "engine/rules.h"

/* ---- accessors ------------------------------------------------------------------------------ */

enum assay_verdict assay_audit_verdict(const struct assay_audit *a)
{
    return a->verdict;
}

int assay_audit_cancelled(const struct assay_audit *a)
{
    return a->cancelled;
}

const struct assay_inventory *assay_audit_inventory(const struct assay_audit *a)
{
    return &a->inventory;
}

const struct assay_coverage *assay_audit_coverage(const struct assay_audit *a)
{
    return &a->coverage;
}

const struct assay_ruleset *assay_audit_rules(const struct assay_audit *a)
{
    return &a->rules;
}

const struct assay_policy *assay_audit_policy(const struct assay_audit *a)
{
    return &a->policy;
}

const struct assay_plugins *assay_audit_plugins(const struct assay_audit *a)
{
    return &a->plugins;
}

const struct assay_matcher *assay_audit_matcher(const struct assay_audit *a)
{
    return (const struct assay_matcher *)a;
}

const char *assay_matcher_engine_name(const struct assay_matcher *m)
{
    (void)m;
    return "oracle";
}

const char *assay_audit_dataset_name(const struct assay_audit *a)
{
    return a->name;
}

const struct assay_rule_tally *assay_audit_tally(const struct assay_audit *a, uint32_t rule)
{
    return &a->tally[rule];
}

uint64_t assay_audit_findings(const struct assay_audit *a)
{
    return a->n_found * (a->repeat == 0 ? 1 : a->repeat);
}

size_t assay_audit_terms(const struct assay_audit *a)
{
    return a->n_terms;
}

const struct assay_term_result *assay_audit_term(const struct assay_audit *a, size_t i)
{
    return &a->terms[i];
}

size_t assay_audit_metrics(const struct assay_audit *a)
{
    return a->n_metrics;
}

const struct assay_metric *assay_audit_metric(const struct assay_audit *a, size_t i)
{
    return &a->metrics[i];
}

size_t assay_audit_versions(const struct assay_audit *a)
{
    return a->n_versions;
}

void assay_audit_version(const struct assay_audit *a, size_t i, const char **ret_name,
                         const char **ret_version)
{
    *ret_name = a->versions[i].name;
    *ret_version = a->versions[i].value;
}

size_t assay_audit_settings(const struct assay_audit *a)
{
    return a->n_settings;
}

void assay_audit_setting(const struct assay_audit *a, size_t i, const char **ret_name,
                         const char **ret_value)
{
    *ret_name = a->settings[i].name;
    *ret_value = a->settings[i].value;
}

uint64_t assay_audit_started_ms(const struct assay_audit *a)
{
    return a->started_ms;
}

uint64_t assay_audit_elapsed_ms(const struct assay_audit *a)
{
    return a->elapsed_ms;
}

struct assay_cursor {
    const struct assay_audit *a;
    uint64_t next;
};

enum assay_status assay_cursor_open(const struct assay_audit *a, struct assay_cursor **ret,
                                    struct assay_error *err)
{
    *ret = calloc(1, sizeof **ret);
    if (*ret == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    (*ret)->a = a;
    return ASSAY_OK;
}

enum assay_status assay_cursor_next(struct assay_cursor *c, struct assay_found *ret,
                                    struct assay_error *err)
{
    (void)err;
    if (c->next == assay_audit_findings(c->a)) {
        return ASSAY_END;
    }
    *ret = c->a->found[c->next++ % c->a->n_found];
    return ASSAY_OK;
}

void assay_cursor_close(struct assay_cursor *c)
{
    free(c);
}

size_t assay_inventory_count(const struct assay_inventory *inv)
{
    return inv->n;
}

const struct assay_entry *assay_inventory_get(const struct assay_inventory *inv, size_t i)
{
    return &inv->entries[i];
}

size_t assay_inventory_skips(const struct assay_inventory *inv)
{
    return inv->n_skips;
}

const struct assay_skipped *assay_inventory_skip(const struct assay_inventory *inv, size_t i)
{
    return &inv->skips[i];
}

size_t assay_ruleset_count(const struct assay_ruleset *rs)
{
    return rs->n;
}

const struct assay_rule *assay_ruleset_rule(const struct assay_ruleset *rs, uint32_t index)
{
    return &rs->rules[index];
}

size_t assay_ruleset_packs(const struct assay_ruleset *rs)
{
    return rs->n_packs;
}

const struct assay_pack *assay_ruleset_pack(const struct assay_ruleset *rs, size_t i)
{
    return &rs->packs[i];
}

enum assay_skip assay_skip_of_status(enum assay_status status)
{
    return status == ASSAY_CHANGED ? ASSAY_SKIP_CHANGED : ASSAY_SKIP_UNREADABLE;
}

const char *assay_skip_name(enum assay_skip why)
{
    static const char *const names[] = {
#define SKIP_NAME(sym, name) name,
        ASSAY_SKIP_MAP(SKIP_NAME)
#undef SKIP_NAME
    };
    return names[why];
}

const char *const assay_severity_names[] = {"info", "low", "medium", "high", "critical", NULL};

const char *assay_severity_name(enum assay_severity s)
{
    return assay_severity_names[s];
}

const char *assay_verdict_name(enum assay_verdict v)
{
    static const char *const names[] = {"PASS", "WARN", "FAIL", "INCOMPLETE"};
    return names[v];
}

const char *assay_policy_name(const struct assay_policy *p)
{
    return p->name;
}

const char *assay_policy_version(const struct assay_policy *p)
{
    return p->version;
}

const uint8_t *assay_policy_sha256(const struct assay_policy *p)
{
    return p->sha256;
}

size_t assay_plugins_count(const struct assay_plugins *ps)
{
    return ps->n;
}

const struct assay_plugin *assay_plugins_get(const struct assay_plugins *ps, size_t i)
{
    return &ps->items[i];
}

/* ---- made-up audits ------------------------------------------------------------------------- */

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

void fake_audit_count(struct assay_audit *a)
{
    uint64_t times = a->repeat == 0 ? 1 : a->repeat;
    memset(a->tally, 0, a->rules.n * sizeof *a->tally);
    for (size_t i = 0; i < a->n_found; i++) {
        const struct assay_found *f = &a->found[i];
        unsigned band = f->confidence >= 1000 ? 9u : f->confidence / 100u;
        a->tally[f->rule].findings[band] += times;
        a->tally[f->rule].records += f->record == ASSAY_NO_RECORD ? 0 : 1;
        a->tally[f->rule].files = 1;
    }
    for (size_t i = 0; i < a->inventory.n; i++) {
        a->coverage.files_total++;
        a->coverage.bytes_total += a->inventory.entries[i].bytes;
        a->coverage.records_total += a->inventory.entries[i].records;
    }
    a->coverage.files_scanned = a->coverage.files_total;
    a->coverage.bytes_scanned = a->coverage.text_bytes = a->coverage.bytes_total;
    a->coverage.records_scanned = a->coverage.records_total;
}

static struct assay_rule small_rules[] = {
    {.view = {"pii.cn.resident_id", "pii", "CN_RESIDENT_ID", "pii", ASSAY_SEVERITY_CRITICAL, 500,
              9},
     .title_en = "PRC resident identity number",
     .title_zh = "居民身份证号",
     .help_en = "Identity numbers of people. Remove or mask the field.",
     .help_zh = "个人身份证号码。请删除该字段或进行脱敏。",
     .clauses = (const struct assay_clause[]){{"GB/T 35273-2020", "Annex A"}, {"PIPL", "Art. 28"}},
     .n_clauses = 2},
    {.view = {"pii.email", "pii", "EMAIL_ADDRESS", "pii", ASSAY_SEVERITY_MEDIUM, 500, 5},
     .title_en = "E-mail address",
     .title_zh = "电子邮箱地址",
     .help_en = "Addresses of people."},
    {.view = {"toxicity.zh", "toxicity", NULL, "toxicity", ASSAY_SEVERITY_HIGH, 500, 1},
     .title_en = "Abusive Chinese term",
     .title_zh = "中文辱骂词"},
    {.view = {"duplicates.record", "duplicates", NULL, NULL, ASSAY_SEVERITY_LOW, 0, 0},
     .title_en = "Identical records",
     .title_zh = "完全重复的记录",
     .help_en = "The same record stands more than once."},
    {.view = {"files.empty", "files", NULL, NULL, ASSAY_SEVERITY_INFO, 0, 0},
     .title_en = "Empty file",
     .title_zh = "空文件"},
};
static struct assay_pack small_packs[] = {
    {.name = "toxicity",
     .version = "1.0.0",
     .title_en = "Toxicity",
     .title_zh = "有害内容",
     .sha256 = {2},
     .n_rules = 1},
    {.name = "pii",
     .version = "1.2.0",
     .title_en = "Personal information",
     .title_zh = "个人信息",
     .sha256 = {1},
     .n_rules = 2},
};
static struct assay_plugin small_plugins[] = {
    {.kind = ASSAY_PLUGIN_SCANNER, .name = "pii", .version = "1.0.0"},
    {.kind = ASSAY_PLUGIN_SCANNER,
     .name = "extra",
     .version = "0.3",
     .path = "/usr/lib/assay/plugins/extra.so",
     .sha256 = {0xab}},
    {.kind = ASSAY_PLUGIN_READER, .name = "jsonl", .version = "1.0.0"},
};
static struct fake_pair small_versions[] = {{"pcre2", "10.42"}, {"vectorscan", "5.4.8"}};
static struct fake_pair small_settings[] = {{"duplicates.normalise", "yes"}};
static struct assay_metric small_metrics[] = {{"duplicates.groups", 1, 1},
                                              {"duplicates.record_ratio", 2, 12}};
static struct assay_term_result small_terms[] = {
    {.id = "F1",
     .expr = "count(severity >= high) == 0",
     .note_en = "No serious finding",
     .note_zh = "没有严重问题",
     .ok = 0,
     .known = 1,
     .num = 3,
     .den = 1,
     .limit_millionths = 0},
    {.id = "F2",
     .expr = "metric(duplicates.record_ratio) <= 20%",
     .ok = 1,
     .known = 1,
     .num = 2,
     .den = 12,
     .limit_millionths = 200000},
    {.id = "W1",
     .expr = "metric(missing.metric) <= 1%",
     .is_warn = 1,
     .ok = 0,
     .known = 0,
     .limit_millionths = 10000},
};

static int first_use(struct assay_audit *a, const struct assay_audit *model)
{
    if (a->policy.name != NULL) {
        return 0;
    }
    *a = *model;
    return 1;
}

const struct assay_audit *fake_audit_small(void)
{
    static struct assay_audit a;
    static struct assay_entry entries[] = {
        {.name = "test/b.csv",
         .bytes = 300,
         .records = 2,
         .hashed = 1,
         .sha256 = {0xb0},
         .reader = "csv"},
        {.name = "train/a.jsonl",
         .bytes = 2000,
         .records = 10,
         .hashed = 1,
         .sha256 = {0xa0},
         .reader = "jsonl"},
    };
    static struct assay_found found[] = {
        {.rule = 1,
         .file = "test/b.csv",
         .record = 1,
         .field = "/mail",
         .has_span = 1,
         .start = 2,
         .end = 19,
         .byte_start = 2,
         .byte_end = 19,
         .confidence = 950,
         .masked = "z****************",
         .fingerprint = {1, 2}},
        {.rule = 0,
         .file = "train/a.jsonl",
         .record = 0,
         .field = "/messages/1/content",
         .has_span = 1,
         .start = 7,
         .end = 25,
         .byte_start = 21,
         .byte_end = 39,
         .confidence = 950,
         .masked = "110101************",
         .fingerprint = {0x9c, 0x1e}},
        {.rule = 0,
         .file = "train/a.jsonl",
         .record = 4,
         .field = "/text",
         .has_span = 1,
         .start = 0,
         .end = 18,
         .byte_start = 0,
         .byte_end = 18,
         .confidence = 600,
         .masked = "440308************",
         .fingerprint = {0x77}},
        {.rule = 2,
         .file = "train/a.jsonl",
         .record = 9,
         .field = "/标注",
         .has_span = 1,
         .start = 1,
         .end = 3,
         .byte_start = 3,
         .byte_end = 9,
         .confidence = 1000,
         .masked = "**",
         .fingerprint = {3}},
        {.rule = 4,
         .file = "train/a.jsonl",
         .record = ASSAY_NO_RECORD,
         .offset = 17,
         .has_offset = 1,
         .confidence = 1000,
         .detail = "0 bytes"},
        {.rule = 3,
         .record = ASSAY_NO_RECORD,
         .confidence = 1000,
         .fingerprint = {5},
         .detail = "2 identical records",
         .n_members = 2,
         .members_total = 2},
    };
    static struct assay_rule_tally tally[COUNT(small_rules)];
    const struct assay_audit model = {
        .verdict = ASSAY_FAIL,
        .inventory = {entries, COUNT(entries), NULL, 0},
        .rules = {small_rules, COUNT(small_rules), small_packs, COUNT(small_packs)},
        .policy = {"delivery-default", "1.0.0", {7}},
        .plugins = {small_plugins, COUNT(small_plugins)},
        .name = "delivery-2026-11",
        .tally = tally,
        .found = found,
        .n_found = COUNT(found),
        .terms = small_terms,
        .n_terms = COUNT(small_terms),
        .metrics = small_metrics,
        .n_metrics = COUNT(small_metrics),
        .versions = small_versions,
        .n_versions = COUNT(small_versions),
        .settings = small_settings,
        .n_settings = COUNT(small_settings),
        .started_ms = UINT64_C(1795500000123),
        .elapsed_ms = 4321,
    };
    if (first_use(&a, &model)) {
        static struct assay_member_at {
            const char *file;
            uint64_t record;
        } members[] = {{"train/a.jsonl", 2}, {"train/a.jsonl", 3}};
        memcpy(&found[5].members, &(const void *){members}, sizeof(void *));
        fake_audit_count(&a);
    }
    return &a;
}

const struct assay_audit *fake_audit_clean(void)
{
    static struct assay_audit a;
    static struct assay_entry entries[] = {{.name = "empty.txt", .hashed = 1, .sha256 = {0xe3}}};
    static struct assay_rule_tally tally[COUNT(small_rules)];
    const struct assay_audit model = {
        .verdict = ASSAY_PASS,
        .inventory = {entries, COUNT(entries), NULL, 0},
        .rules = {small_rules, COUNT(small_rules), small_packs, COUNT(small_packs)},
        .policy = {"delivery-default", "1.0.0", {7}},
        .tally = tally,
    };
    if (first_use(&a, &model)) {
        fake_audit_count(&a);
    }
    return &a;
}

#define BIDI "\xE2\x80\xAE" /* right-to-left override */

const struct assay_audit *fake_audit_hostile(void)
{
    static struct assay_audit a;
    static struct assay_entry entries[] = {
        {.name = "</script><img src=x onerror=alert(1)>.jsonl",
         .bytes = 10,
         .records = 3,
         .hashed = 1,
         .sha256 = {1}},
        {.name = "=cmd|' /C calc'!A0", .bytes = 10, .hashed = 1, .sha256 = {2}},
        {.name = "a\\b", .bytes = 1, .hashed = 1, .sha256 = {3}},
        {.name = "bad\xFF\xFEutf8", .bytes = 1, .hashed = 1, .sha256 = {4}},
        {.name = "cr\rlf\nname", .bytes = 1, .hashed = 1, .sha256 = {5}},
        {.name = "esc\x1B[31m" BIDI "gpj.exe", .bytes = 1, .hashed = 1, .sha256 = {6}},
        {.name = "unreadable", .bytes = 99, .status = ASSAY_DENIED},
    };
    static struct assay_skipped skips[] = {{"li\x1Bnk<b>", ASSAY_SKIP_SYMLINK},
                                           {"pipe", ASSAY_SKIP_SPECIAL}};
    static struct assay_rule rules[] = {
        {.view = {"x.<script>\"'&", "x", "E<b>", "cat<i>", ASSAY_SEVERITY_CRITICAL, 0, 0},
         .title_en = "<script>alert('title')</script>\x1B[2J",
         .title_zh = "<b onmouseover=\"x\">标题</b>",
         .help_en = "</style><script>1</script>"},
    };
    static struct assay_found found[] = {
        {.rule = 0,
         .file = "</script><img src=x onerror=alert(1)>.jsonl",
         .record = 0,
         .field = "/\"><svg onload=alert(2)>",
         .confidence = 1000,
         .masked = "<script>alert(3)</script>",
         .fingerprint = {1}},
        {.rule = 0,
         .file = "=cmd|' /C calc'!A0",
         .record = 1,
         .field = "+1\x1B]0;owned\x07",
         .confidence = 1000,
         .masked = "@SUM(1)\t\"q\"\r\nx",
         .fingerprint = {2}},
        {.rule = 0,
         .file = "esc\x1B[31m" BIDI "gpj.exe",
         .record = 2,
         .field = "-2",
         .confidence = 1,
         .masked = "\xFF" BIDI "\xC2\x9B"
                   "31m",
         .fingerprint = {3},
         .detail = "=1+1"},
    };
    static struct assay_term_result terms[] = {{.id = "<T>",
                                                .expr = "count(rule == \"<x>\") == 0",
                                                .note_en = "<note>",
                                                .known = 1,
                                                .num = UINT64_MAX,
                                                .den = 3}};
    static struct assay_rule_tally tally[1];
    const struct assay_audit model = {
        .verdict = ASSAY_INCOMPLETE,
        .inventory = {entries, COUNT(entries), skips, COUNT(skips)},
        .rules = {rules, COUNT(rules), NULL, 0},
        .policy = {"<policy>", "\"1\"", {7}},
        .name = "<b>name</b>\x1B[1m" BIDI,
        .tally = tally,
        .found = found,
        .n_found = COUNT(found),
        .terms = terms,
        .n_terms = COUNT(terms),
    };
    if (first_use(&a, &model)) {
        fake_audit_count(&a);
        a.coverage.files_scanned--;
        a.coverage.bytes_scanned -= 99;
        a.coverage.skipped[ASSAY_SKIP_UNREADABLE] = (struct assay_skip_count){1, 0, 99, 1};
        a.coverage.skipped[ASSAY_SKIP_SYMLINK] = (struct assay_skip_count){1, 0, 0, 1};
        a.coverage.skipped[ASSAY_SKIP_SPECIAL] = (struct assay_skip_count){1, 0, 0, 1};
    }
    return &a;
}

#define LARGE_FINDINGS 40

struct assay_audit *fake_audit_large(size_t rules)
{
    static const char *const categories[] = {"pii", "toxicity", "secrets", "labels"};
    static struct assay_entry entries[] = {{.name = "big.jsonl",
                                            .bytes = UINT64_C(1) << 40,
                                            .records = 1000000,
                                            .hashed = 1,
                                            .sha256 = {9}}};
    struct assay_audit *a = calloc(1, sizeof *a);
    char(*ids)[32] = calloc(rules, sizeof *ids);
    a->rules.rules = calloc(rules, sizeof *a->rules.rules);
    a->tally = calloc(rules, sizeof *a->tally);
    a->n_found = rules * LARGE_FINDINGS;
    a->found = calloc(a->n_found, sizeof *a->found);
    for (size_t i = 0; i < rules; i++) {
        struct assay_rule *r = &a->rules.rules[i];
        (void)snprintf(ids[i], sizeof *ids, "large.rule_%06zu", i);
        r->view = (struct assay_rule_view){ids[i],
                                           "pii",
                                           "ENTITY",
                                           categories[i % 4],
                                           (enum assay_severity)(i % ASSAY_SEVERITY_MAX),
                                           0,
                                           0};
        r->title_en = "A rule among a great many rules";
        r->title_zh = "众多规则中的一条";
        for (size_t k = 0; k < LARGE_FINDINGS; k++) {
            a->found[i * LARGE_FINDINGS + k] = (struct assay_found){.rule = (uint32_t)i,
                                                                    .file = "big.jsonl",
                                                                    .record = i * 100 + k,
                                                                    .field = "/messages/0/content",
                                                                    .has_span = 1,
                                                                    .start = 1,
                                                                    .end = 20,
                                                                    .confidence = 900,
                                                                    .masked = "138****0000",
                                                                    .fingerprint = {(uint8_t)k}};
        }
    }
    a->rules.n = rules;
    a->verdict = ASSAY_FAIL;
    a->policy = (struct assay_policy){"delivery-default", "1.0.0", {7}};
    a->inventory = (struct assay_inventory){entries, 1, NULL, 0};
    fake_audit_count(a);
    return a;
}

void fake_audit_large_free(struct assay_audit *a)
{
    free((void *)(uintptr_t)a->rules.rules[0].view.id);
    free(a->rules.rules);
    free(a->tally);
    free(a->found);
    free(a);
}
