/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/strings.h: every sentence a report says to people, in English and Chinese, in one table.
 *
 * Sentences with a number in them have one %s where the number, already formatted, goes; {a|b} is a
 * where that number is 1, else b. XX(symbol, English, Chinese).
 */
#ifndef ASSAY_REPORTS_STRINGS_H
#define ASSAY_REPORTS_STRINGS_H

/* clang-format off */
#define ASSAY_TEXT_MAP(XX)                                                                                             \
    XX(LANGUAGE, "English", "中文")                                                                                    \
    XX(REPORT_TITLE, "Dataset audit report", "数据集审计报告")                                                          \
    XX(PASS, "PASS", "通过")                                                                                           \
    XX(WARN, "WARN", "警告")                                                                                           \
    XX(FAIL, "FAIL", "不通过")                                                                                         \
    XX(INCOMPLETE, "INCOMPLETE", "未完成")                                                                             \
    XX(PASS_LINE, "Everything was scanned and every term of the policy holds.",                                        \
       "全部内容均已扫描，策略的每一项条款都得到满足。")                                                                 \
    XX(WARN_LINE, "Everything was scanned; no term that must hold is broken, but a warning applies.",                  \
       "全部内容均已扫描；必须满足的条款均成立，但有警告条款未满足。")                                                   \
    XX(FAIL_LINE, "At least one term of the policy that must hold is broken.",                                         \
       "策略中至少有一项必须满足的条款未满足。")                                                                        \
    XX(INCOMPLETE_LINE, "Part of the dataset could not be scanned, so no pass can be given.",                          \
       "数据集有一部分未能扫描，因此不能给出通过结论。")                                                                 \
    XX(CRITICAL, "critical", "严重")                                                                                   \
    XX(HIGH, "high", "高")                                                                                             \
    XX(MEDIUM, "medium", "中")                                                                                         \
    XX(LOW, "low", "低")                                                                                               \
    XX(INFO, "info", "提示")                                                                                           \
    XX(DATASET, "Dataset", "数据集")                                                                                   \
    XX(UNNAMED, "unnamed dataset", "未命名数据集")                                                                      \
    XX(IDENTITY, "Identity (SHA-256 of the manifest)", "数据集标识（清单的 SHA-256）")                                   \
    XX(AUDITED_ON, "Audited on", "审计时间")                                                                            \
    XX(SIZE, "Size", "大小")                                                                                           \
    XX(BULLET, "Observed against the limit", "实测值与限值")                                                            \
    XX(SUM_PARTLY, " The audit did not reach the end.", "审计未能进行到底。")                                            \
    XX(SUMMARY, "Summary", "摘要")                                                                                     \
    XX(POLICY, "Policy", "策略")                                                                                       \
    XX(TERM, "Term", "条款")                                                                                           \
    XX(LIMIT, "Rule", "要求")                                                                                          \
    XX(OBSERVED, "Observed", "实测")                                                                                   \
    XX(OUTCOME, "Outcome", "结果")                                                                                     \
    XX(LEVEL, "Level", "级别")                                                                                         \
    XX(MUST_HOLD, "must hold", "必须满足")                                                                              \
    XX(WARNING, "warning", "警告")                                                                                     \
    XX(HOLDS, "holds", "满足")                                                                                         \
    XX(BROKEN, "broken", "不满足")                                                                                     \
    XX(UNKNOWN, "unknown", "未知")                                                                                     \
    XX(UNKNOWN_NOTE, "the metric it needs was not measured", "所需指标未测得")                                          \
    XX(NO_TERMS, "The policy has no terms.", "该策略没有条款。")                                                         \
    XX(COVERAGE, "Scope and coverage", "范围与覆盖")                                                                    \
    XX(COVERAGE_SHORT, "Coverage", "覆盖")                                                                             \
    XX(FILES, "Files", "文件")                                                                                         \
    XX(RECORDS, "Records", "记录")                                                                                     \
    XX(BYTES, "Bytes", "字节")                                                                                         \
    XX(N_FILES, "%s file{|s}", "%s 个文件")                                                                            \
    XX(N_RECORDS, "%s record{|s}", "%s 条记录")                                                                        \
    XX(N_RULES, "in %s rule{|s}", "涉及 %s 条规则")                                                                    \
    XX(N_SCANNED, "%s scanned", "已扫描 %s")                                                                           \
    XX(SCANNED, "Scanned", "已扫描")                                                                                   \
    XX(NOT_SCANNED, "Not scanned", "未扫描")                                                                           \
    XX(TOTAL, "Total", "总计")                                                                                         \
    XX(REASON, "Reason", "原因")                                                                                       \
    XX(ALL_SCANNED, "Nothing was skipped.", "没有跳过任何内容。")                                                        \
    XX(SKIPPED_TITLE, "What was not scanned, and why", "未扫描的内容及原因")                                            \
    XX(SKIPPED_NAMES, "Files not scanned, or not to their end", "未扫描或未扫描完的文件")                                                                                 \
    XX(AND_MORE, "and %s more", "另有 %s 项")                                                                          \
    XX(FINDINGS, "Findings", "发现")                                                                                   \
    XX(FINDINGS_BY, "Findings by severity and category", "按严重程度和类别统计的发现")                                   \
    XX(NO_FINDINGS, "No rule reported anything.", "没有任何规则报告问题。")                                              \
    XX(SEVERITY, "Severity", "严重程度")                                                                               \
    XX(CATEGORY, "Category", "类别")                                                                                   \
    XX(RULE, "Rule", "规则")                                                                                           \
    XX(RULES, "Rules", "规则")                                                                                         \
    XX(RULES_TITLE, "Rules that reported something", "有发现的规则")                                                    \
    XX(TITLE, "Title", "名称")                                                                                         \
    XX(SHARE, "Share of records", "记录占比")                                                                          \
    XX(EXAMPLES, "Examples", "示例")                                                                                   \
    XX(EXAMPLES_NOTE, "Values are masked; the report never holds an original value.",                                  \
       "所有值均已遮盖；报告不含任何原始值。")                                                                           \
    XX(SHOWN_OF, "%s shown; all of them are in findings.jsonl", "显示 %s 条；完整列表见 findings.jsonl")                 \
    XX(EXAMPLES_OF_FIRST, "Examples are given for the %s most severe rule{|s}.", "仅为最严重的 %s 条规则给出示例。")         \
    XX(FILE, "File", "文件")                                                                                           \
    XX(RECORD, "Record", "记录")                                                                                       \
    XX(FIELD, "Field", "字段")                                                                                         \
    XX(MASKED, "Masked value", "遮盖后的值")                                                                           \
    XX(CONFIDENCE, "Confidence", "置信度")                                                                             \
    XX(DETAIL, "Detail", "说明")                                                                                       \
    XX(CLAUSES, "Clauses", "条文依据")                                                                                 \
    XX(METRICS, "Metrics", "指标")                                                                                     \
    XX(METRIC, "Metric", "指标")                                                                                       \
    XX(VALUE, "Value", "数值")                                                                                         \
    XX(SPLITS, "What splits share", "数据划分之间的重叠")                                                                  \
    XX(SPLITS_NOTE,                                                                                                    \
       "How much of the first split is there again in the second, by how alike it is; the union is over the tiers of " \
       "records.",                                                                                                     \
       "前一划分中有多少内容在后一划分中再次出现，按相同程度分列；“任一”指记录各层级的并集。")                             \
    XX(SPLIT, "Of split", "划分")                                                                                      \
    XX(SPLIT_IN, "also in", "亦见于")                                                                                  \
    XX(TIER_ANY, "Any", "任一")                                                                                        \
    XX(TIER_RECORD, "Identical", "相同")                                                                               \
    XX(TIER_NORMALISED, "Normalised", "规范化")                                                                        \
    XX(TIER_NEAR, "Near", "近似")                                                                                      \
    XX(TIER_SPAN, "Passages", "长段")                                                                                  \
    XX(TIER_IMAGE, "Pictures", "图片")                                                                                 \
    XX(BENCHMARKS, "Evaluation items in the data", "数据中的评测题目")                                                  \
    XX(BENCHMARK, "Benchmark", "评测集")                                                                               \
    XX(REDUNDANCY, "Redundancy by source", "各来源的冗余")                                                             \
    XX(SOURCE, "Source", "来源")                                                                                       \
    XX(METHOD, "Method and versions", "方法与版本")                                                                    \
    XX(METHOD_TEXT,                                                                                                    \
       "Each file was read once; the bytes that were hashed are the bytes that were scanned. Records "                 \
       "were decoded and every rule of the packs below was applied to every field. Anything that could "               \
       "not be scanned is counted above and rules out a pass. The same bytes under the same rules and "                \
       "policy, with the same versions, give the same statement, bit by bit.",                                                       \
       "每个文件只读取一次；计算摘要的字节就是被扫描的字节。记录经过解码，下列规则包中的每条规则都应用于每个字段。"     \
       "凡是未能扫描的内容都计入上文，并使结论不能为通过。相同的字节在相同的规则、策略与版本下，总会得到逐位相同的声明。") \
    XX(PACKS, "Rule packs", "规则包")                                                                                  \
    XX(PLUGINS, "Plugins", "插件")                                                                                     \
    XX(LIBRARIES, "Libraries", "程序库")                                                                               \
    XX(SETTINGS, "Settings", "设置")                                                                                   \
    XX(NAME, "Name", "名称")                                                                                           \
    XX(VERSION, "Version", "版本")                                                                                     \
    XX(DIGEST, "SHA-256", "SHA-256")                                                                                   \
    XX(BUILT_IN, "built in", "内置")                                                                                   \
    XX(VERIFY, "How to verify", "如何验证")                                                                            \
    XX(VERIFY_TEXT,                                                                                                    \
       "This page is for reading. What counts is the signed statement beside it (statement.dsse.json), which "         \
       "names the dataset by the digest of MANIFEST.sha256. With the signer's public key, obtained from the "          \
       "signer and not from this directory:",                                                                          \
       "本页供阅读。有效力的是旁边的签名声明（statement.dsse.json），它以 MANIFEST.sha256 的摘要指明数据集。"             \
       "请向签名方（而不是从本目录）取得其公钥，然后运行：")                                                             \
    XX(VERIFY_PLAIN, "Or without Assay, with openssl, jq and coreutils:",                                \
       "也可以不用 Assay，只用 openssl、jq 和 coreutils：")                                              \
    XX(REPORT_AT, "Report", "报告")                                                                                    \
    XX(NEXT, "Next", "下一步")                                                                                         \
    XX(COUNT, "Count", "数量")                                                                                         \
    XX(SEARCH, "Filter", "筛选")                                                                                       \
    XX(GROUP, "Group", "重复组")                                                                                       \
    XX(HOW_MANY, "How many", "数量")                                                                                   \
    XX(HOW_ALIKE, "How alike", "相似程度")                                                                             \
    XX(IN_SPLITS, "In splits", "所在划分")                                                                             \
    XX(PLACES, "Places", "位置")                                                                                       \
    XX(DROP_HINT, "To list what can go, and what stays in its stead:", "列出可以删除的内容，以及保留哪一条：")          \
    XX(SAID_ALIKE, "alike: %s", "相似程度：%s")                                                                        \
    XX(SAID_SPLITS, "splits: %s", "划分：%s")                                                                          \
    XX(WHOLE_DATASET, "whole dataset", "整个数据集")                                                                    \
    XX(WHOLE_FILE, "whole file", "整个文件")                                                                           \
    XX(CANCELLED, "The audit was cancelled.", "审计被取消。")                                                           \
    XX(OTHER_RULES, "%s more rule{|s}", "另有 %s 条规则")                                                                  \
    /* The summary paragraph, sentence by sentence */                                                                  \
    XX(SUM_SCOPE, "Assay read %s file{|s}", "Assay 读取了 %s 个文件")                                                      \
    XX(SUM_RECORDS, " with %s record{|s}", "，共 %s 条记录")                                                               \
    XX(SUM_SIZE, " (%s).", "（%s）。")                                                                                  \
    XX(SUM_COMPLETE, " Nothing was left out.", "没有遗漏任何内容。")                                                     \
    XX(SUM_SKIPPED, " %s item{|s} could not be scanned, so the result is not a full judgement.",                          \
       "有 %s 项内容未能扫描，因此结论并不完整。")                                                                       \
    XX(SUM_NONE, " No rule reported anything.", "没有任何规则报告问题。")                                                \
    XX(SUM_FOUND, " %s finding{ was|s were} reported", "共报告 %s 处发现")                                                     \
    XX(SUM_SERIOUS, ", %s of them critical or high.", "，其中 %s 处为严重或高级别。")                                    \
    XX(SUM_NOT_SERIOUS, ", none of them critical or high.", "，其中没有严重或高级别的发现。")                             \
    XX(SUM_TERMS_OK, " {The|All} %s term{|s} of the policy hold{s|}.", "策略的全部 %s 项条款均满足。")                                \
    XX(SUM_TERMS_BROKEN, " %s term{|s} of the policy do{es|} not hold.", "策略中有 %s 项条款未满足。")                            \
    XX(SUM_ACT_PASS, " The dataset may be used under this policy.", "按照该策略，数据集可以使用。")                      \
    XX(SUM_ACT_WARN, " The dataset may be used under this policy; read the warnings first.",                           \
       "按照该策略，数据集可以使用；请先查看警告。")                                                                     \
    XX(SUM_ACT_FAIL, " The dataset should not be used until the broken terms below are resolved.",                              \
       "在下列未满足的条款解决之前，不应使用该数据集。")                                                                 \
    XX(SUM_ACT_INCOMPLETE, " Resolve what is listed under coverage and audit again.",                                  \
       "请解决“范围与覆盖”中列出的问题后重新审计。")
/* clang-format on */

enum assay_text {
#define ASSAY_TEXT_ENUM(sym, en, zh) ASSAY_T_##sym,
    ASSAY_TEXT_MAP(ASSAY_TEXT_ENUM)
#undef ASSAY_TEXT_ENUM
        ASSAY_T_MAX
};

/* The text in English or Chinese, constant. */
const char *assay_text(enum assay_text id, int chinese);

#include "assay/finding.h"
#include "core/buf.h"
#include "rules/policy.h"

/* The words for values that have one. */
enum assay_text assay_text_severity(enum assay_severity s);
enum assay_text assay_text_verdict(enum assay_verdict v);
enum assay_text assay_text_verdict_line(enum assay_verdict v);
enum assay_text assay_text_outcome(const struct assay_term_result *t);
/* Why something was skipped, in words. */
const char *assay_text_skip(enum assay_skip why, int chinese);
/* Appends the sentence with `argument` for its %s. */
void assay_text_fill(struct assay_buf *out, enum assay_text id, int chinese, const char *argument);

#endif
