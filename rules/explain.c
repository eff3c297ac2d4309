/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule as a page. Labels come from one table with both languages; values from the rule.
 */
#include "rules/explain.h"

#include "core/utf8.h"
#include "rules/validators.h"

#define LABEL_COLUMNS 14
#define WORDS_SHOWN   12

/* XX(symbol, English, Chinese) */
#define TEXT_MAP(XX)                                                                               \
    XX(SEVERITY, "Severity", "严重程度")                                                           \
    XX(ENTITY, "Entity", "实体")                                                                   \
    XX(CATEGORY, "Category", "类别")                                                               \
    XX(SCANNER, "Scanner", "扫描器")                                                               \
    XX(STATUS, "Status", "状态")                                                                   \
    XX(WHAT, "What", "说明")                                                                       \
    XX(DETECTION, "Detection", "检测方式")                                                         \
    XX(PATTERN, "Pattern", "模式")                                                                 \
    XX(PREFILTER, "First stage", "预筛")                                                           \
    XX(WORDS, "Words", "词表")                                                                     \
    XX(ALLOW, "Allowed", "允许短语")                                                               \
    XX(YARA, "YARA rule", "YARA 规则")                                                             \
    XX(VALIDATOR, "Validator", "校验")                                                             \
    XX(CONTEXT, "Context", "上下文")                                                               \
    XX(CONFIDENCE, "Confidence", "置信度")                                                         \
    XX(CLAUSE, "Clause", "条款")                                                                   \
    XX(MASK, "Mask", "掩码")                                                                       \
    XX(RANK, "Rank", "优先级")                                                                     \
    XX(TESTS, "Tests", "测试")                                                                     \
    XX(PACK, "Pack", "规则包")                                                                     \
    XX(FILE, "Defined in", "定义于")                                                               \
    XX(BY_CODE, "by a plugin's code", "由插件代码检测")                                            \
    XX(BY_PATTERN, "regular expression", "正则表达式")                                             \
    XX(BY_WORDS, "list of words", "词表匹配")                                                      \
    XX(BY_YARA, "YARA over file bytes", "对文件字节运行 YARA")                                     \
    XX(CASELESS, "upper and lower case alike", "不区分大小写")                                     \
    XX(TERMS, "terms", "个词条")                                                                   \
    XX(WITHIN, "code points on each side", "个字符以内（前后）")                                   \
    XX(REQUIRED, "required", "必需")                                                               \
    XX(BASE, "base", "基础")                                                                       \
    XX(VALIDATED, "validated", "校验通过")                                                         \
    XX(NEAR, "in context", "有上下文")                                                             \
    XX(LEAST, "reported from", "最低报告值")                                                       \
    XX(KEEP, "first and last characters kept", "保留首尾字符数")                                   \
    XX(EMAIL, "first letter and top domain kept", "保留首字母与顶级域名")                          \
    XX(HIDE_ALL, "everything hidden", "全部隐藏")                                                  \
    XX(HIT, "hit", "命中")                                                                         \
    XX(MISS, "miss", "不命中")                                                                     \
    XX(RULES, "rules", "条规则")                                                                   \
    XX(DECLARED, "declared by plugins", "插件声明的规则")

enum text {
#define TEXT_ENUM(sym, en, zh) TEXT_##sym,
    TEXT_MAP(TEXT_ENUM)
#undef TEXT_ENUM
};

static const char *const texts[][2] = {
#define TEXT_ROW(sym, en, zh) {en, zh},
    TEXT_MAP(TEXT_ROW)
#undef TEXT_ROW
};

struct page {
    struct assay_buf *out;
    int zh;
};

static const char *text(const struct page *p, enum text t)
{
    return texts[t][p->zh != 0];
}

static void add_text(const struct page *p, const char *s)
{
    assay_utf8_escape(p->out, assay_bytes_str(s));
}

static void pad_to(const struct page *p, struct assay_bytes shown, size_t columns)
{
    size_t width = assay_utf8_width(shown);
    do {
        assay_buf_addc(p->out, ' ');
    } while (++width < columns);
}

/* Starts a line: two spaces, the label, its column. */
static void label(const struct page *p, enum text t)
{
    assay_buf_adds(p->out, "  ");
    assay_buf_adds(p->out, text(p, t));
    pad_to(p, assay_bytes_str(text(p, t)), LABEL_COLUMNS);
}

static void line(const struct page *p, enum text t, const char *value)
{
    if (value != NULL) {
        label(p, t);
        add_text(p, value);
        assay_buf_addc(p->out, '\n');
    }
}

/* 950 -> 0.95 */
static void add_milli(const struct page *p, unsigned milli)
{
    char digits[16];
    int n = snprintf(digits, sizeof digits, "%u.%03u", milli / 1000, milli % 1000);
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    n -= digits[n - 1] == '.';
    assay_buf_add(p->out, digits, (size_t)n);
}

static void add_words(const struct page *p, const struct assay_word *words, size_t n)
{
    for (size_t i = 0; i < n && i < WORDS_SHOWN; i++) {
        assay_buf_adds(p->out, i == 0 ? "" : ", ");
        assay_utf8_escape(p->out, words[i].text);
    }
    assay_buf_adds(p->out, n > WORDS_SHOWN ? ", ..." : "");
}

static enum text kind_text(const struct assay_rule *r)
{
    static const enum text kinds[] = {TEXT_BY_PATTERN, TEXT_BY_WORDS, TEXT_BY_YARA, TEXT_BY_CODE};
    return kinds[r->detect];
}

static void explain_head(const struct page *p, const struct assay_rule *r)
{
    static const char *const status[] = {"experimental", NULL, "deprecated"};
    add_text(p, r->view.id);
    assay_buf_adds(p->out, "\n  ");
    add_text(p, p->zh ? r->title_zh : r->title_en);
    assay_buf_adds(p->out, "\n\n");
    line(p, TEXT_SEVERITY, assay_severity_name(r->view.severity));
    line(p, TEXT_ENTITY, r->view.entity);
    line(p, TEXT_CATEGORY, r->view.category);
    line(p, TEXT_SCANNER, r->view.scanner);
    line(p, TEXT_STATUS, status[r->status]);
    line(p, TEXT_WHAT, p->zh ? r->help_zh : r->help_en);
}

static void explain_words(const struct page *p, const struct assay_rule *r)
{
    if (r->n_words > 0) {
        label(p, TEXT_WORDS);
        assay_buf_addf(p->out, "%zu %s: ", r->n_words, text(p, TEXT_TERMS));
        add_words(p, r->words, r->n_words);
        assay_buf_addc(p->out, '\n');
    }
    if (r->n_allow > 0) {
        label(p, TEXT_ALLOW);
        add_words(p, r->allow, r->n_allow);
        assay_buf_addc(p->out, '\n');
    }
}

static void explain_detection(const struct page *p, const struct assay_rule *r)
{
    label(p, TEXT_DETECTION);
    assay_buf_adds(p->out, text(p, kind_text(r)));
    if (r->caseless) {
        assay_buf_addf(p->out, ", %s", text(p, TEXT_CASELESS));
    }
    assay_buf_addc(p->out, '\n');
    line(p, TEXT_PATTERN, r->pattern);
    line(p, TEXT_PREFILTER, r->prefilter);
    explain_words(p, r);
    if (r->detect == ASSAY_DETECT_YARA) {
        label(p, TEXT_YARA);
        add_text(p, r->yara_rule);
        assay_buf_adds(p->out, " (");
        add_text(p, r->yara_file);
        assay_buf_adds(p->out, ")\n");
    }
}

static void explain_validators(const struct page *p, const struct assay_rule *r)
{
    for (size_t i = 0; i < r->n_validators; i++) {
        const struct assay_validator *v = &assay_validators[r->validators[i]];
        label(p, TEXT_VALIDATOR);
        assay_buf_addf(p->out, "%s (%s)\n", v->name, v->source);
    }
}

static void explain_context(const struct page *p, const struct assay_rule *r)
{
    if (r->n_context == 0) {
        return;
    }
    label(p, TEXT_CONTEXT);
    add_words(p, r->context, r->n_context);
    assay_buf_addf(p->out, " (%u %s%s%s)\n", r->context_window, text(p, TEXT_WITHIN),
                   r->context_required ? ", " : "",
                   r->context_required ? text(p, TEXT_REQUIRED) : "");
}

static void add_score(const struct page *p, enum text t, const char *before, unsigned milli)
{
    assay_buf_addf(p->out, "%s%s %s", before, text(p, t), t == TEXT_NEAR ? "+" : "");
    add_milli(p, milli);
}

static void explain_confidence(const struct page *p, const struct assay_rule *r)
{
    if (r->detect == ASSAY_DETECT_CODE) {
        return;
    }
    label(p, TEXT_CONFIDENCE);
    add_score(p, TEXT_BASE, "", r->confidence_base);
    if (r->n_validators > 0) {
        add_score(p, TEXT_VALIDATED, ", ", r->confidence_validated);
    }
    if (r->n_context > 0) {
        add_score(p, TEXT_NEAR, ", ", r->confidence_context);
    }
    if (r->view.min_confidence > 0) {
        add_score(p, TEXT_LEAST, ", ", r->view.min_confidence);
    }
    assay_buf_addc(p->out, '\n');
    if (r->view.rank > 0) {
        label(p, TEXT_RANK);
        assay_buf_addf(p->out, "%u\n", r->view.rank);
    }
}

static void explain_clauses(const struct page *p, const struct assay_rule *r)
{
    for (size_t i = 0; i < r->n_clauses; i++) {
        label(p, TEXT_CLAUSE);
        add_text(p, r->clauses[i].standard);
        assay_buf_adds(p->out, r->clauses[i].ref == NULL ? "" : ", ");
        add_text(p, r->clauses[i].ref);
        assay_buf_addc(p->out, '\n');
    }
}

static void explain_mask(const struct page *p, const struct assay_rule *r)
{
    if (r->detect == ASSAY_DETECT_CODE || r->detect == ASSAY_DETECT_YARA) {
        return;
    }
    label(p, TEXT_MASK);
    if (r->mask.email) {
        assay_buf_adds(p->out, text(p, TEXT_EMAIL));
    } else if (r->mask.keep_first == 0 && r->mask.keep_last == 0) {
        assay_buf_adds(p->out, text(p, TEXT_HIDE_ALL));
    } else {
        assay_buf_addf(p->out, "%s: %u, %u", text(p, TEXT_KEEP), r->mask.keep_first,
                       r->mask.keep_last);
    }
    assay_buf_addc(p->out, '\n');
}

static void explain_tests(const struct page *p, const struct assay_rule *r)
{
    for (size_t i = 0; i < r->n_tests; i++) {
        label(p, TEXT_TESTS);
        assay_buf_addf(p->out, "%s: ", text(p, r->tests[i].hit ? TEXT_HIT : TEXT_MISS));
        add_text(p, r->tests[i].text);
        assay_buf_addc(p->out, '\n');
    }
}

static void explain_place(const struct page *p, const struct assay_ruleset *rs,
                          const struct assay_rule *r)
{
    const struct assay_pack *pack = r->pack == ASSAY_NONE ? NULL : assay_ruleset_pack(rs, r->pack);
    if (pack == NULL) {
        return;
    }
    label(p, TEXT_PACK);
    assay_buf_addf(p->out, "%s %s", pack->name, pack->version);
    if (pack->licence != NULL) {
        assay_buf_adds(p->out, ", ");
        add_text(p, pack->licence);
    }
    assay_buf_addc(p->out, '\n');
    label(p, TEXT_FILE);
    add_text(p, r->file);
    assay_buf_addf(p->out, ":%u\n", r->line);
}

void assay_rule_explain(const struct assay_ruleset *rs, uint32_t index, int chinese,
                        struct assay_buf *out)
{
    const struct page p = {out, chinese};
    const struct assay_rule *r = assay_ruleset_rule(rs, index);
    if (r == NULL) {
        return;
    }
    assay_buf_adds(out, out->len > 0 ? "\n" : "");
    explain_head(&p, r);
    explain_detection(&p, r);
    explain_validators(&p, r);
    explain_context(&p, r);
    explain_confidence(&p, r);
    explain_clauses(&p, r);
    explain_mask(&p, r);
    explain_tests(&p, r);
    explain_place(&p, rs, r);
}

/* ---- the table ----------------------------------------------------------------------------- */

static void list_rule(const struct page *p, const struct assay_rule *r, size_t id_columns)
{
    static const char *const kinds[] = {"pattern", "words", "yara", "code"};
    const char *severity = assay_severity_name(r->view.severity);
    assay_buf_addf(p->out, "  %-9s", severity);
    add_text(p, r->view.id);
    pad_to(p, assay_bytes_str(r->view.id), id_columns + 2);
    assay_buf_addf(p->out, "%-8s", kinds[r->detect]);
    add_text(p, p->zh ? r->title_zh : r->title_en);
    assay_buf_addc(p->out, '\n');
}

static size_t widest_id(const struct assay_ruleset *rs)
{
    size_t widest = 0;
    for (uint32_t i = 0; i < assay_ruleset_count(rs); i++) {
        size_t n = strlen(assay_ruleset_rule(rs, i)->view.id);
        widest = n > widest ? n : widest;
    }
    return widest;
}

static void list_group(const struct page *p, const struct assay_ruleset *rs, uint32_t pack)
{
    size_t columns = widest_id(rs);
    for (uint32_t i = 0; i < assay_ruleset_count(rs); i++) {
        const struct assay_rule *r = assay_ruleset_rule(rs, i);
        if (r->pack == pack) {
            list_rule(p, r, columns);
        }
    }
}

static size_t declared_rules(const struct assay_ruleset *rs)
{
    size_t n = assay_ruleset_count(rs);
    for (size_t i = 0; i < assay_ruleset_packs(rs); i++) {
        n -= assay_ruleset_pack(rs, i)->n_rules;
    }
    return n;
}

void assay_rules_list(const struct assay_ruleset *rs, int chinese, struct assay_buf *out)
{
    const struct page p = {out, chinese};
    for (uint32_t i = 0; i < assay_ruleset_packs(rs); i++) {
        const struct assay_pack *pack = assay_ruleset_pack(rs, i);
        assay_buf_addf(out, "%s %s: ", pack->name, pack->version);
        add_text(&p, chinese ? pack->title_zh : pack->title_en);
        assay_buf_addf(out, " (%zu %s)\n", pack->n_rules, text(&p, TEXT_RULES));
        list_group(&p, rs, i);
    }
    size_t declared = declared_rules(rs);
    if (declared > 0) {
        assay_buf_addf(out, "%s (%zu %s)\n", text(&p, TEXT_DECLARED), declared,
                       text(&p, TEXT_RULES));
        list_group(&p, rs, ASSAY_NONE);
    }
}
