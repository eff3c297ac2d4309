/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/declared.c: see the header.
 */
#include "declared.h"

#include "grams.h"
#include "spans.h"

const struct assay_rule_decl dup_rules[] = {
    {"duplicates.file", NULL, ASSAY_SEVERITY_MEDIUM, "Identical files", "内容相同的文件",
     "These files have the same bytes. Keep one: copies weigh double in training and may leak "
     "between splits.",
     "这些文件的字节完全相同。请只保留一份：重复内容会在训练中被加倍计权，并可能跨数据划分泄漏。"},
    {"duplicates.record", NULL, ASSAY_SEVERITY_MEDIUM, "Identical records", "完全相同的记录",
     "These records have the same bytes. Keep one, unless repetition is meant.",
     "这些记录的字节完全相同。除非有意重复，请只保留一条。"},
    {"duplicates.normalised", NULL, ASSAY_SEVERITY_LOW,
     "Records that differ only in case, width, spacing or punctuation",
     "仅大小写、全半角、空白或标点不同的记录",
     "The text fields of these records are the same once case, width, spacing and punctuation are "
     "set aside. Keep one, "
     "unless the difference is meant.",
     "忽略大小写、全半角、空白和标点后，这些记录的文本字段相同。除非有意区分，请只保留一条。"},
    {"duplicates.near", NULL, ASSAY_SEVERITY_LOW, "Near-duplicate records", "近似重复的记录",
     "These records share most of their wording: each was compared with another of the group, "
     "token "
     "by token. Keep the first, unless the variants are meant. A chained group has members that "
     "are "
     "unlike the first.",
     "这些记录的大部分文字相同：每一条都与组内另一条逐词比较过。除非有意保留变体，请只保留第一条。"
     "标为 chained 的组中，有的成员与第一条并不相似。"},
    {"duplicates.hot_bucket", NULL, ASSAY_SEVERITY_INFO, "Shared boilerplate",
     "大量记录共有的模板文字",
     "Very many different records share parts of their wording, as with licences, headers or "
     "templates. Only some of their pairs were compared; the members are a sample. Removing the "
     "shared text before training lets the rest be compared in full.",
     "大量不同的记录含有相同的文字片段（许可声明、页眉、模板等）。只比较了其中一部分记录对；所列成"
     "员为样本。"
     "训练前去除共有文字，其余内容即可完整比较。"},
    {"duplicates.delivered", NULL, ASSAY_SEVERITY_MEDIUM, "Record that was delivered before",
     "此前已交付过的记录",
     "An earlier delivery holds this record, or one that shares most of its wording; the detail "
     "names it. Replace it, unless delivering it again was agreed.",
     "此前的交付中已有该记录，或有大部分文字相同的记录，详情中给出了其位置。除非约定重复交付，请予"
     "以"
     "替换。"},
    {"duplicates.leakage", NULL, ASSAY_SEVERITY_HIGH, "The same text in several splits",
     "同一文本出现在多个数据划分中",
     "Records of one split are also in another, so what is measured on the one was seen in the "
     "other. Take them out of the training split, or out of both.",
     "某一数据划分中的记录也出现在另一划分中，评测结果因此失真。请从训练划分（或两者）中删除这些记"
     "录。"},
    {"duplicates.span", NULL, ASSAY_SEVERITY_MEDIUM, "A long passage of another record",
     "含有另一条记录中的长段文字",
     "The first field and bytes say where in the item, the second where in its partner. Across "
     "splits, what is measured on the item was partly seen; take the passage out of one of them.",
     "前一组字段与字节位置在该记录中，后一组在其来源记录中。若分属不同数据划分，评测内容已部分见于"
     "训练，请从其中一方删除该段。"},
    {"duplicates.contamination", NULL, ASSAY_SEVERITY_HIGH,
     "An item of an evaluation set in the data", "数据中含有评测集题目",
     "The data holds a long passage of this item, so a score on the item says little. Remove the "
     "record that holds it from what is trained on.",
     "数据中含有该评测题目的长段文字，其得分不再可信。请从训练数据中删除含有它的记录。"},
    {"duplicates.common_text", NULL, ASSAY_SEVERITY_INFO, "Common passages set aside",
     "被搁置的常见文字段",
     "Passages that very many records share, such as licences and templates, are not taken for "
     "shared spans. The members are a sample of the records that hold the most frequent one.",
     "极多记录共有的文字段（许可声明、模板等）不视为重复段。所列成员为含有最常见一段的部分记录。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

const struct assay_option dup_options[] = {
    {"normalised", ASSAY_OPT_BOOL, 0, 0, NULL, "true",
     "also find records that differ only in case, width, spacing or punctuation"},
    {"min_chars", ASSAY_OPT_INT, 1, 100000, NULL, "8",
     "records with fewer characters of text are compared by their bytes only"},
    {"fields", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "JSON Pointers, separated by commas, of the fields that are compared (default: all strings)"},
    {"answers", ASSAY_OPT_BOOL, 0, 0, NULL, "false",
     "also compare answers to the same prompt and sides of preferences, for the scanner labels"},
    {"near", ASSAY_OPT_BOOL, 0, 0, NULL, "false",
     "also find near-duplicates; the files that may hold some are read twice"},
    {"near_threshold", ASSAY_OPT_INT, 500, 1000, NULL, "800",
     "how much two records must share to be near-duplicates, in thousandths (Jaccard index)"},
    {"near_recall", ASSAY_OPT_INT, 500, 999, NULL, "997",
     "how many of the pairs at the threshold are to be found, in thousandths"},
    {"index", ASSAY_OPT_PATH, 0, 0, NULL, NULL,
     "keys of earlier deliveries, separated by colons, that records are looked up in"},
    {"index_write", ASSAY_OPT_PATH, 0, 0, NULL, NULL,
     "write the keys of this delivery to this file; its own near-duplicates are not looked for"},
    {"index_name", ASSAY_OPT_STRING, 0, 0, NULL, NULL, "name of this delivery, in that file"},
    {"index_drop", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "deliveries that are left out when indexes are merged, separated by commas"},
    {"index_verify", ASSAY_OPT_BOOL, 0, 0, NULL, "false",
     "of indexes that are maintained: read them as a whole and check them"},
    {"memory", ASSAY_OPT_SIZE, 1 << 20, INT64_C(1) << 40, NULL, NULL,
     "memory for keys before they go to disk (default: 512MiB with near, 128MiB without)"},
    {"accepted", ASSAY_OPT_BULK, 0, 0, NULL, NULL,
     "digests of groups that are not reported, separated by commas; see --suppressions"},
    {"accepted_lists", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "what those digests were taken from; for the statement"},
    {"group_digests", ASSAY_OPT_BOOL, 0, 0, NULL, "false",
     "findings name the digest of their group, by which it can be accepted; it is not keyed"},
    {"split_field", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "field that names a record's split, as a JSON Pointer; else its file's name does"},
    {"split_map", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "files of each split: LABEL=GLOB[,GLOB...][;LABEL=...]; replaces what names suggest"},
    {"benchmarks", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "files of evaluation sets, in the same form: what is trained on must not hold their items"},
    {"source_field", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "field that names a record's source, as a JSON Pointer; else its first directory does"},
    {"source_values", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "the sources that field may name, separated by commas"},
    {"spans", ASSAY_OPT_ENUM, 0, 0, "auto|off|across|all", "auto",
     "find long passages that records share: across splits or everywhere; auto: with benchmarks"},
    {"span_words", ASSAY_OPT_INT, 5, 200, NULL, "13", "words that make a passage long"},
    {"span_characters", ASSAY_OPT_INT, 5, 400, NULL, "26",
     "characters (Han, kana, Hangul) that make a passage long"},
    {"span_common", ASSAY_OPT_INT, 0, DUP_COMMON_MOST, NULL, "0",
     "passages in more records than this are set aside (0: one in a hundred, from 20 to 1000)"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};
