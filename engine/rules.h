/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/rules.h: what the engine itself has to say about a dataset, one row a rule, and which rule
 * stands for which reason of not scanning. Internal to engine/; other rooms see assay_engine_rules.
 */
#ifndef ASSAY_ENGINE_RULES_H
#define ASSAY_ENGINE_RULES_H

#include "assay/finding.h"

/* XX(symbol, id, severity, title en, title zh, help en, help zh) */
#define ASSAY_ENGINE_RULE_MAP(XX)                                                                  \
    XX(UNREADABLE, "engine.unreadable", HIGH, "File or directory that could not be read",          \
       "无法读取的文件或目录",                                                                     \
       "Nothing in it was audited. Check permissions and the storage, then audit again.",          \
       "其中内容未经审计。请检查权限和存储，然后重新审计。")                                       \
    XX(SYMLINK, "engine.symlink", MEDIUM, "Symbolic link, not followed", "符号链接，未跟随",       \
       "A delivery should hold files, not pointers to files: what a link leads to is not audited " \
       "and not in the manifest. Replace it by the file, or remove it.",                           \
       "交付物应包含文件本身。链接所指内容未经审计，也不在清单中。请替换为文件或删除。")           \
    XX(SPECIAL_FILE, "engine.special_file", MEDIUM, "Device, socket or FIFO among the files",      \
       "设备、套接字或命名管道", "It was not opened. Remove it from the dataset.",                 \
       "未打开该文件。请将其从数据集中移除。")                                                     \
    XX(OUTSIDE, "engine.outside_root", HIGH, "Name that leads outside the dataset",                \
       "指向数据集之外的名称", "It was not opened. Remove it from the dataset.",                   \
       "未打开该文件。请将其从数据集中移除。")                                                     \
    XX(UNSUPPORTED, "engine.unsupported", LOW, "Format that no reader understands",                \
       "没有读取器支持的格式",                                                                     \
       "The file was hashed and matched against raw-byte rules, but its records were not "         \
       "audited. Convert it to a supported format, or deliver it apart.",                          \
       "该文件已计算摘要并匹配字节规则，但其记录未经审计。请转换为支持的格式或单独交付。")         \
    XX(TOO_LONG, "engine.too_long", MEDIUM, "Record longer than the limit", "记录超过长度上限",    \
       "The record was passed over. Split it, or raise the limit on record length.",               \
       "该记录已跳过。请拆分记录，或提高记录长度上限。")                                           \
    XX(ENCODING, "engine.encoding", MEDIUM, "Bytes that do not decode in the file's encoding",     \
       "无法按文件编码解码的字节",                                                                 \
       "They were replaced before the text was audited, so something may hide in them. Deliver "   \
       "clean UTF-8.",                                                                             \
       "审计前这些字节已被替换，其中可能隐藏内容。请以无误的 UTF-8 交付。")                        \
    XX(TRUNCATED, "engine.truncated", HIGH, "Compressed file that ends early", "压缩文件提前结束", \
       "What came before the break was audited; the rest is missing. Deliver the file again.",     \
       "断点之前的内容已审计，其余缺失。请重新交付该文件。")                                       \
    XX(CORRUPT, "engine.corrupt", HIGH, "Compressed file that is damaged", "压缩文件已损坏",       \
       "What came before the damage was audited, the rest could not be. Deliver the file again.",  \
       "损坏处之前的内容已审计，其余无法审计。请重新交付该文件。")                                 \
    XX(RATIO, "engine.ratio", HIGH, "Compressed file that inflates beyond the limit",              \
       "压缩文件膨胀超过上限",                                                                     \
       "Reading stopped at the ratio limit, as for a decompression bomb; the rest was not "        \
       "audited.",                                                                                 \
       "已在膨胀比上限处停止读取（疑似解压炸弹），其余内容未经审计。")                             \
    XX(CHANGED, "engine.changed", HIGH, "File that changed while it was read",                     \
       "读取过程中发生变化的文件",                                                                 \
       "Its digest and its findings may not belong together. Audit again when nobody writes to "   \
       "the dataset.",                                                                             \
       "其摘要与发现可能不一致。请在无人写入数据集时重新审计。")                                   \
    XX(MATCH_LIMIT, "engine.match_limit", MEDIUM, "Text on which a rule reached its work limit",   \
       "规则在文本上达到计算上限",                                                                 \
       "Those fields may hold occurrences that were not found. Simplify the rule, or look at the " \
       "records by hand.",                                                                         \
       "这些字段中可能存在未发现的匹配。请简化规则，或人工查看相关记录。")                         \
    XX(PLUGIN_FAILURE, "engine.plugin_failure", HIGH, "Plugin that failed or is missing",          \
       "插件失败或缺失",                                                                           \
       "Part of the dataset was not audited by it. See the log, and report it to the plugin's "    \
       "author.",                                                                                  \
       "部分数据未经该插件审计。请查看日志，并向插件作者报告。")                                   \
    XX(POISON, "engine.worker_crashed", HIGH, "File on which the auditor broke down",              \
       "导致审计进程崩溃的文件",                                                                   \
       "It crashed, hung or ate the memory of its worker twice, the second time alone, and was "   \
       "set aside: hashed, not audited. Look at it by hand, and report it.",                       \
       "该文件两次使进程崩溃、卡死或耗尽内存，因此仅计算摘要，未经审计。请人工检查并报告。")       \
    XX(LIMIT, "engine.limit", MEDIUM, "Dataset that reached a limit of the auditor",               \
       "数据集达到审计器的上限",                                                                   \
       "Something was not audited or not listed because a fixed bound was reached; the detail "    \
       "names it.",                                                                                \
       "由于达到固定上限，部分内容未审计或未列出，详见说明。")                                     \
    XX(SENSITIVE_NAME, "engine.sensitive_name", MEDIUM, "File name that holds personal data",      \
       "文件名包含个人信息",                                                                       \
       "File names appear in manifests, reports and logs as they are. Rename the file.",           \
       "文件名会原样出现在清单、报告和日志中。请重命名该文件。")

enum assay_engine_rule {
#define ASSAY_ENGINE_RULE_ENUM(sym, id, severity, ten, tzh, hen, hzh) ASSAY_ENGINE_##sym,
    ASSAY_ENGINE_RULE_MAP(ASSAY_ENGINE_RULE_ENUM)
#undef ASSAY_ENGINE_RULE_ENUM
        ASSAY_ENGINE_RULE_MAX
};

/* The rule that reports reason `why`; ASSAY_ENGINE_RULE_MAX where a reader reports it itself
 * (malformed records) or where there is nothing to say of the dataset (cancelled). */
enum assay_engine_rule assay_engine_rule_of(enum assay_skip why);
/* The reason that a stream's, an open's or a reader's failure amounts to. */
enum assay_skip assay_skip_of_status(enum assay_status status);
const char *assay_skip_name(enum assay_skip why); /* "unreadable" */

#endif
