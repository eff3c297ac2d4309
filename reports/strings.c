/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/strings.h"

static const char *const texts[ASSAY_T_MAX][2] = {
#define TEXT_ROW(sym, en, zh) {en, zh},
    ASSAY_TEXT_MAP(TEXT_ROW)
#undef TEXT_ROW
};

const char *assay_text(enum assay_text id, int chinese)
{
    return texts[id][chinese != 0];
}

enum assay_text assay_text_severity(enum assay_severity s)
{
    static const enum assay_text words[] = {ASSAY_T_INFO, ASSAY_T_LOW, ASSAY_T_MEDIUM, ASSAY_T_HIGH,
                                            ASSAY_T_CRITICAL};
    return words[s];
}

enum assay_text assay_text_verdict(enum assay_verdict v)
{
    static const enum assay_text words[] = {ASSAY_T_PASS, ASSAY_T_WARN, ASSAY_T_FAIL,
                                            ASSAY_T_INCOMPLETE};
    return words[v];
}

enum assay_text assay_text_verdict_line(enum assay_verdict v)
{
    static const enum assay_text lines[] = {ASSAY_T_PASS_LINE, ASSAY_T_WARN_LINE, ASSAY_T_FAIL_LINE,
                                            ASSAY_T_INCOMPLETE_LINE};
    return lines[v];
}

enum assay_text assay_text_outcome(const struct assay_term_result *t)
{
    return !t->known ? ASSAY_T_UNKNOWN : t->ok ? ASSAY_T_HOLDS : ASSAY_T_BROKEN;
}

/* In the order of ASSAY_SKIP_MAP. */
static const char *const skips[][2] = {
    {"could not be read", "无法读取"},
    {"symbolic link, not followed", "符号链接，不跟随"},
    {"special file (device, socket or pipe)", "特殊文件（设备、套接字或管道）"},
    {"leads outside the dataset", "指向数据集之外"},
    {"format not supported", "不支持的格式"},
    {"malformed record", "记录格式错误"},
    {"record too long", "记录过长"},
    {"nested too deeply", "嵌套过深"},
    {"text could not be decoded", "文本无法解码"},
    {"compressed stream ends early", "压缩流提前结束"},
    {"compressed stream is damaged", "压缩流损坏"},
    {"expands beyond the allowed ratio", "解压比例超过限制"},
    {"changed while it was read", "读取期间发生变化"},
    {"a rule hit its match limit", "规则达到匹配上限"},
    {"took too long", "超时"},
    {"a plugin failed", "插件故障"},
    {"a limit was reached", "达到限制"},
    {"the audit was cancelled", "审计被取消"},
    {"the auditor broke down on it", "审计进程在此崩溃"},
};
_Static_assert(sizeof skips / sizeof skips[0] == ASSAY_SKIP_MAX, "one sentence a reason");

const char *assay_text_skip(enum assay_skip why, int chinese)
{
    return skips[why][chinese != 0];
}

/* Appends text[0, len), choosing in each {one|many} by `one`. */
static void add_choosing(struct assay_buf *out, const char *text, size_t len, int one)
{
    const char *end = text + len;
    while (text < end) {
        const char *open = memchr(text, '{', (size_t)(end - text));
        const char *bar = open == NULL ? NULL : memchr(open, '|', (size_t)(end - open));
        const char *close = bar == NULL ? NULL : memchr(bar, '}', (size_t)(end - bar));
        if (close == NULL) {
            break;
        }
        assay_buf_add(out, text, (size_t)(open - text));
        if (one) {
            assay_buf_add(out, open + 1, (size_t)(bar - open) - 1);
        } else {
            assay_buf_add(out, bar + 1, (size_t)(close - bar) - 1);
        }
        text = close + 1;
    }
    assay_buf_add(out, text, (size_t)(end - text));
}

void assay_text_fill(struct assay_buf *out, enum assay_text id, int chinese, const char *argument)
{
    const char *text = assay_text(id, chinese);
    const char *at = strstr(text, "%s");
    int one = strcmp(argument, "1") == 0;
    if (at == NULL) {
        add_choosing(out, text, strlen(text), one);
        return;
    }
    add_choosing(out, text, (size_t)(at - text), one);
    assay_buf_adds(out, argument);
    add_choosing(out, at + 2, strlen(at + 2), one);
}
