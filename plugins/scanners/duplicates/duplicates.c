/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates: files and records that are there more than once.
 *
 * Tiers, each a row of the rule table:
 *   file        files with the same SHA-256 (empty files apart: files.empty speaks of those);
 *   record      records of the same bytes;
 *   normalised  records that differ in bytes, but whose strings, in order, have the same normal
 * form (normalise.h);
 *   near        records that share most of their shingles (near.h), when the option `near` is on.
 * And of instruction data (turns.h): prompts that have several answers, sides that are the same.
 * Which strings of a record are its text can be chosen (chosen.h). Each record is one entry of 32 bytes: a 128-bit XXH3 of the normal form, 64
 * bits of the XXH3 of its bytes, its place. One sort by these answers both record tiers, since
 * records of the same bytes, read by the same reader, have the same form. (Not found, therefore:
 * the same line in a CSV and in a text file.) A record whose strings have fewer than `min_chars`
 * characters in normal form (a number, a label, "ok") is compared by its bytes only: too little to
 * tell a copy from a coincidence. Metrics are integer pairs; record_ratio counts copies beyond the
 * first of each group, over all records; normalised_ratio what normalising finds on top of that.
 * Memory: the option `memory` over all workers, or else 512 MiB with `near` and host->memory_budget
 * without; beyond it, sorted runs go to host->spill (table.h). A state is saved before it is
 * reviewed.
 */
#include "assay/plugin.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "../common/state.h"
#include "accepted.h"
#include "across.h"
#include "chosen.h"
#include "clusters.h"
#include "earlier.h"
#include "groups.h"
#include "index_write.h"
#include "near.h"
#include "normalise.h"
#include "spans.h"
#include "table.h"
#include "turns.h"

enum {
    RULE_FILE,
    RULE_RECORD,
    RULE_NORMALISED,
    RULE_NEAR,
    RULE_HOT,
    RULE_ANSWERS,
    RULE_SIDES,
    RULE_DELIVERED,
    N_RULES
};
enum { TABLE_RECORDS, TABLE_FILES, TABLE_BANDS, TABLE_GRAMS, TABLE_ANSWERS, N_TABLES };
enum {
    COUNT_RECORDS,
    COUNT_SHORT,
    COUNT_EMPTY,
    COUNT_FILES,
    COUNT_SKETCHED,
    COUNT_LONG,
    COUNT_BRIEF,
    COUNT_ANSWERS,
    COUNT_EQUAL,
    N_COUNTS
};

#define STATE_MAGIC       UINT64_C(0x3553505544594153) /* "SAYDUPS5" */
#define DEFAULT_MIN_CHARS 8
#define DEFAULT_THRESHOLD 800
#define DEFAULT_RECALL    997
#define NEAR_BUDGET       (UINT64_C(512) << 20)
#define BUDGET_PARTS      16
#define PAIR_PARTS        1 /* for candidates, while the tables are still there */
#define SET_PARTS         4 /* for sets of shingles, when bands are gone */
#define SEED_BYTES        UINT64_C(0)
#define SEED_FORM         UINT64_C(1)
#define SEED_ASKED        UINT64_C(3)
#define SEED_ANSWERED     UINT64_C(4)
#define SEED_SHORT        UINT64_C(2)

static const struct assay_rule_decl duplicates_rules[] = {
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
    {"duplicates.conflicting_answers", NULL, ASSAY_SEVERITY_LOW, "One prompt, different answers",
     "同一提示，不同回答",
     "These records ask the same and answer differently. Keep the right answer, unless several are "
     "meant.",
     "这些记录的提示相同而回答不同。除非有意保留多个回答，请只保留正确的一个。"},
    {"duplicates.equal_preference", NULL, ASSAY_SEVERITY_MEDIUM, "A preference between equals",
     "偏好数据两侧相同",
     "The chosen and the rejected side of this record are the same once case, width, spacing and "
     "punctuation are set aside. It teaches nothing; remove it.",
     "忽略大小写、全半角、空白和标点后，这条记录的 chosen 与 rejected "
     "相同，没有训练价值，请删除。"},
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

static const struct assay_option duplicates_options[] = {
    {"normalised", ASSAY_OPT_BOOL, 0, 0, NULL, "true",
     "also find records that differ only in case, width, spacing or punctuation"},
    {"min_chars", ASSAY_OPT_INT, 1, 100000, NULL, "8",
     "records with fewer characters of text are compared by their bytes only"},
    {"fields", ASSAY_OPT_STRING, 0, 0, NULL, NULL,
     "JSON Pointers, separated by commas, of the fields that are compared (default: all strings)"},
    {"answers", ASSAY_OPT_BOOL, 0, 0, NULL, "false",
     "also look for prompts with different answers and preferences between equals"},
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

/* How many states share the memory budget. */
struct dup_sharers {
    atomic_uint locals, reviews;
    atomic_uint made; /* locals, ever: their numbers */
};

struct dup_shared {
    const struct assay_host *host;
    uint32_t rule[N_RULES];
    uint64_t min_chars; /* 0: the normalised tier is off */
    int answers;
    uint64_t memory;
    struct dup_chosen chosen;
    struct dup_near_plan near;
    struct dup_earlier earlier;
    struct dup_accepted accepted;
    struct dup_sharers *sharers;
    struct dup_across across;
    struct dup_span_plan spans;
};

struct dup_local {
    const struct dup_shared *shared;
    struct dup_table tables[N_TABLES];
    uint64_t counts[N_COUNTS];
    struct dup_across_local across;
    struct dup_text text;
    struct dup_mask mask;
    struct dup_turns turns;
    struct dup_shingler shingler;
    struct dup_spots spots;
    struct dup_near near;   /* of the merged state */
    struct dup_spans spans; /* likewise */
    struct dup_keep keep;   /* for an index that is being made */
    struct dup_earlier_counts delivered;
    struct dup_accepted_tally set_aside; /* of groups; at the end */
};

/* One worker's share of the second look. */
struct dup_review {
    const struct dup_shared *shared;
    struct dup_mask mask;
    struct dup_shingler shingler;
    struct dup_shelf shelf;
    struct dup_spots spots;
    struct dup_shelf texts;
};

/* ---- set-up ------------------------------------------------------------------------------------
 */

static uint64_t read_number(const struct assay_host *host, const char *name, uint64_t fallback)
{
    const char *text = host->option(host->ctx, name);
    return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static int read_flag(const struct assay_host *host, const char *name, int fallback)
{
    const char *text = host->option(host->ctx, name);
    return text == NULL ? fallback : strcmp(text, "true") == 0;
}

/* A size as the host has validated it: a number and perhaps a unit. */
static uint64_t read_size(const struct assay_host *host, const char *name, uint64_t fallback)
{
    static const char units[] = "KMGT";
    const char *text = host->option(host->ctx, name);
    char *end;
    if (text == NULL) {
        return fallback;
    }
    uint64_t n = strtoull(text, &end, 10);
    const char *unit = *end == '\0' ? NULL : strchr(units, *end);
    return unit == NULL ? n : n << (10 * (unit - units + 1));
}

static void read_options(struct dup_shared *s, const struct assay_host *host)
{
    s->min_chars =
        read_flag(host, "normalised", 1) ? read_number(host, "min_chars", DEFAULT_MIN_CHARS) : 0;
    s->answers = read_flag(host, "answers", 0);
    s->near.on = read_flag(host, "near", 0);
    s->near.threshold = (unsigned)read_number(host, "near_threshold", DEFAULT_THRESHOLD);
    s->near.recall = (unsigned)read_number(host, "near_recall", DEFAULT_RECALL);
    s->near.bands = dup_bands_solve(s->near.threshold, s->near.recall);
    s->near.minhash = dup_minhash_get(0);
    s->memory =
        read_size(host, "memory", s->near.on ? NEAR_BUDGET : host->memory_budget(host->ctx));
}

/* What must be the same for two states to be of one kind. */
enum {
    PARAM_MIN_CHARS,
    PARAM_FIELDS,
    PARAM_ANSWERS,
    PARAM_NEAR,
    PARAM_THRESHOLD,
    PARAM_BANDS,
    PARAM_ROWS,
    PARAM_VERSIONS,
    PARAM_SPANS,
    N_PARAMS
};
static const char *const param_names[N_PARAMS] = {
    "min_chars",      "fields",      "answers",     "near",
    "near_threshold", "near_recall", "near_recall", "near (made by another version)",
    "spans"};

static void read_params(const struct dup_shared *s, uint64_t params[N_PARAMS])
{
    const struct dup_near_plan *n = &s->near;
    memset(params, 0, N_PARAMS * sizeof params[0]);
    params[PARAM_MIN_CHARS] = s->min_chars;
    params[PARAM_FIELDS] = s->chosen.digest;
    if (s->spans.mode != DUP_SPANS_OFF) {
        params[PARAM_SPANS] = (uint64_t)s->spans.mode | (uint64_t)s->spans.gram.word << 8 |
                              (uint64_t)s->spans.gram.character << 24 |
                              (uint64_t)DUP_TOKENS_VERSION << 40;
    }
    params[PARAM_ANSWERS] = (uint64_t)s->answers;
    if (n->on) {
        params[PARAM_NEAR] = 1;
        params[PARAM_THRESHOLD] = n->threshold;
        params[PARAM_BANDS] = n->bands.bands;
        params[PARAM_ROWS] = n->bands.rows;
        params[PARAM_VERSIONS] = (uint64_t)DUP_TOKENS_VERSION << 32 | DUP_SKETCH_VERSION;
    }
}

/* An index is made of a delivery without looking for its own near-duplicates. */
static int seeks_near(const struct dup_shared *s)
{
    return s->near.on && s->earlier.write == NULL;
}

static void duplicates_free(void *shared)
{
    struct dup_shared *s = shared;
    if (s != NULL) {
        dup_across_release(&s->across);
        dup_chosen_release(&s->chosen);
        dup_earlier_release(&s->earlier);
        dup_accepted_release(&s->accepted);
        free(s->sharers);
        free(s);
    }
}

static enum assay_status duplicates_init(const struct assay_host *host, void **ret,
                                         struct assay_error *err)
{
    struct dup_shared *s = calloc(1, sizeof *s);
    struct dup_sharers *sharers = malloc(sizeof *sharers);
    *ret = NULL;
    if (s == NULL || sharers == NULL) {
        free(s);
        free(sharers);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    atomic_init(&sharers->locals, 0);
    atomic_init(&sharers->reviews, 0);
    atomic_init(&sharers->made, 0);
    s->host = host;
    s->sharers = sharers;
    read_options(s, host);
    for (unsigned i = 0; i < N_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, duplicates_rules[i].id);
    }
    uint64_t params[N_PARAMS];
    enum assay_status st = dup_chosen_parse(&s->chosen, host->option(host->ctx, "fields"), err);
    st = st == ASSAY_OK ? dup_across_init(&s->across, host, err) : st;
    st = st == ASSAY_OK ? dup_accepted_init(&s->accepted, host, err) : st;
    if (st == ASSAY_OK) {
        read_params(s, params);
        st = dup_earlier_init(&s->earlier, host,
                              &(struct dup_params){params, param_names, N_PARAMS}, err);
    }
    if (st != ASSAY_OK) {
        duplicates_free(s);
        return st;
    }
    dup_span_plan_read(&s->spans, &s->across, host);
    *ret = s;
    return ASSAY_OK;
}

static enum assay_status duplicates_local_init(const void *shared, void **ret,
                                               struct assay_error *err)
{
    struct dup_local *l = calloc(1, sizeof *l);
    *ret = l;
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    l->shared = shared;
    l->tables[TABLE_BANDS].pairs = l->tables[TABLE_GRAMS].pairs = 1;
    dup_keep_init(&l->keep, atomic_fetch_add(&l->shared->sharers->made, 1));
    (void)atomic_fetch_add(&l->shared->sharers->locals, 1);
    return ASSAY_OK;
}

static void duplicates_local_free(void *local)
{
    struct dup_local *l = local;
    if (l != NULL) {
        for (unsigned i = 0; i < N_TABLES; i++) {
            dup_table_release(&l->tables[i]);
        }
        dup_across_local_release(&l->across);
        dup_text_release(&l->text);
        dup_mask_release(&l->mask);
        dup_turns_release(&l->turns);
        dup_shingler_release(&l->shingler);
        dup_near_release(&l->near);
        dup_spots_release(&l->spots);
        dup_spans_release(&l->spans);
        dup_keep_release(&l->keep);
        (void)atomic_fetch_sub(&l->shared->sharers->locals, 1);
        free(l);
    }
}

/* How many entries of `bytes` fit into `parts` of a worker's share of the memory. */
static size_t fitting(const struct dup_shared *s, unsigned parts, unsigned sharers, size_t bytes)
{
    return (size_t)(s->memory / (sharers == 0 ? 1 : sharers) / BUDGET_PARTS * parts / bytes);
}

static unsigned words_of(unsigned table)
{
    return table == TABLE_BANDS || table == TABLE_GRAMS ? DUP_PAIR_WORDS : DUP_ENTRY_WORDS;
}

static size_t table_max(const struct dup_shared *s, unsigned table)
{
    static const unsigned parts[2][2][N_TABLES] = {{{9, 3, 0, 0, 4}, {4, 2, 0, 8, 2}},
                                                   {{3, 1, 8, 0, 2}, {3, 1, 6, 4, 1}}};
    return fitting(s, parts[s->near.on != 0][s->spans.mode != DUP_SPANS_OFF][table],
                   atomic_load(&s->sharers->locals), 8 * words_of(table));
}

static enum assay_status add_entry(struct dup_local *l, unsigned table, const struct dup_entry *e)
{
    struct dup_table *t = &l->tables[table];
    size_t max = t->n < t->cap ? SIZE_MAX : table_max(l->shared, table);
    uint64_t words[DUP_ENTRY_WORDS];
    dup_entry_words(e, words);
    return dup_table_add(t, l->shared->host, max, words);
}

/* ---- records -----------------------------------------------------------------------------------
 */

static struct assay_bytes value_of(const struct assay_batch *b, const struct assay_field *f)
{
    return assay_bytes_make(b->text + f->start, f->len);
}

/* The normal form of a record's text into l->text. */
static enum assay_status normalise(struct dup_local *l, const struct assay_batch *b,
                                   const struct assay_record *r)
{
    dup_text_clear(&l->text);
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = 0; i < r->n_fields && st == ASSAY_OK; i++) {
        const struct assay_field *f = &b->fields[r->first_field + i];
        if (dup_mask_has(&l->mask, f)) {
            st = dup_text_add(&l->text, l->shared->host, value_of(b, f));
        }
    }
    return st;
}

/* The tokens of a record's text. */
static enum assay_status tokenise(struct dup_shingler *s, const struct dup_mask *mask,
                                  const struct assay_host *host, const struct assay_batch *b,
                                  const struct assay_record *r)
{
    dup_tokens_clear(&s->tokens);
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = 0; i < r->n_fields && st == ASSAY_OK; i++) {
        const struct assay_field *f = &b->fields[r->first_field + i];
        if (dup_mask_has(mask, f)) {
            st = dup_tokens_add(&s->tokens, host, value_of(b, f));
        }
    }
    return st;
}

/* Fills the keys of a record that is not empty. *ret_short: its text is too little to compare. */
static enum assay_status record_keys(struct dup_local *l, const struct assay_batch *b,
                                     const struct assay_record *r, struct dup_entry *e,
                                     int *ret_short)
{
    const struct assay_host *host = l->shared->host;
    uint64_t bytes[2];
    enum assay_status st = ASSAY_OK;
    int by_bytes = 1;
    host->hash128(host->ctx, r->raw.ptr, r->raw.len, SEED_BYTES, bytes);
    e->variant = bytes[0];
    *ret_short = 0;
    if (l->shared->min_chars > 0) {
        st = normalise(l, b, r);
        by_bytes = *ret_short = !dup_text_has(&l->text, l->shared->min_chars);
        l->counts[COUNT_SHORT] += (uint64_t)by_bytes;
    }
    if (by_bytes) {
        host->hash128(host->ctx, bytes, sizeof bytes, SEED_SHORT, e->key);
    } else {
        host->hash128(host->ctx, l->text.buf, l->text.len, SEED_FORM, e->key);
    }
    return st;
}

/* The band keys of a record's text. */
static enum assay_status sketch(struct dup_local *l, const struct assay_batch *b,
                                const struct assay_record *r, uint64_t id, struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_table *t = &l->tables[TABLE_BANDS];
    enum assay_status st = tokenise(&l->shingler, &l->mask, s->host, b, r);
    if (st == ASSAY_LIMIT) {
        l->counts[COUNT_LONG]++;
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, r->raw.len);
        return ASSAY_OK;
    }
    if (st != ASSAY_OK || l->shingler.tokens.n == 0) {
        return st;
    }
    size_t max = t->cap - t->n >= s->near.bands.bands ? SIZE_MAX : table_max(s, TABLE_BANDS);
    l->counts[COUNT_SKETCHED]++;
    return dup_near_add(&s->near, &l->shingler, s->host, t, max, id);
}

/* The n-grams of a record's text. */
static enum assay_status add_grams(struct dup_local *l, const struct assay_batch *b,
                                   const struct assay_record *r, uint64_t place,
                                   struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    int is_long = 0;
    enum assay_status st = dup_spots_read(&l->spots, s->host, &l->mask, b, r);
    if (st == ASSAY_OK) {
        st = dup_spans_add(&s->spans, &l->spots, s->host, &l->tables[TABLE_GRAMS],
                           table_max(s, TABLE_GRAMS), place, &is_long);
    }
    if (st == ASSAY_LIMIT) {
        l->counts[COUNT_LONG]++;
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, r->raw.len);
        return ASSAY_OK;
    }
    if (!is_long) {
        l->counts[COUNT_BRIEF]++;
        dup_across_brief(&s->across, &l->across, place);
    }
    return st;
}

/* Keeps the text's shingles for the index that is being made, or looks the record up in those that
 * were made before. */
static enum assay_status compare_earlier(struct dup_local *l, const struct assay_batch *b,
                                         const struct assay_record *r, const struct dup_entry *e,
                                         struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_shingler *sh = &l->shingler;
    enum assay_status st = ASSAY_OK;
    const size_t n = sh->n_keys == 0 ? 0 : dup_shingle_set(sh->shingles, sh->n);
    if (s->earlier.write != NULL && n > 0) {
        st = dup_keep_add(&l->keep, s->host, table_max(s, TABLE_BANDS), e->key[0], sh->shingles, n);
    }
    if (st == ASSAY_OK && s->earlier.n > 0) {
        const struct dup_keys keys = {e, sh->keys, sh->n_keys, sh->shingles, n, s->near.threshold};
        st = dup_earlier_check(&s->earlier, &keys, b, (uint32_t)(r - b->records),
                               s->rule[RULE_DELIVERED], &l->delivered, sink);
    }
    return st;
}

/* What is asked and answered, and sides that are the same. */
static enum assay_status look_at_turns(struct dup_local *l, const struct assay_batch *b,
                                       const struct assay_record *r, uint64_t place,
                                       struct assay_sink *sink)
{
    const struct assay_host *host = l->shared->host;
    const uint64_t least = l->shared->min_chars > 0 ? l->shared->min_chars : DEFAULT_MIN_CHARS;
    struct dup_turns *t = &l->turns;
    struct dup_entry e = {.place = place};
    uint64_t answer[2];
    uint32_t field;
    int both;
    enum assay_status st = dup_turns_answer(t, host, b, r, &both);
    if (st == ASSAY_OK && both && dup_text_has(&t->left, least)) {
        host->hash128(host->ctx, t->left.buf, t->left.len, SEED_ASKED, e.key);
        host->hash128(host->ctx, t->right.buf, t->right.len, SEED_ANSWERED, answer);
        e.variant = answer[0];
        l->counts[COUNT_ANSWERS]++;
        st = add_entry(l, TABLE_ANSWERS, &e);
    }
    st = st == ASSAY_OK ? dup_turns_sides(t, host, b, r, &field) : st;
    if (st != ASSAY_OK || field == ASSAY_NONE) {
        return st;
    }
    struct assay_finding f = assay_finding_init(l->shared->rule[RULE_SIDES]);
    f.file = b->file;
    f.record = (uint32_t)(r - b->records);
    f.field = field;
    f.detail = assay_bytes_str("both sides are the same");
    l->counts[COUNT_EQUAL]++;
    return f.rule == ASSAY_NONE ? ASSAY_OK : sink->finding(sink->ctx, &f);
}

static enum assay_status scan_record(struct dup_local *l, const struct assay_batch *b,
                                     const struct assay_record *r, struct assay_sink *sink)
{
    struct dup_entry e;
    int is_short;
    l->counts[COUNT_RECORDS]++;
    if (!dup_place_fits(b->file, r->ordinal)) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, r->raw.len);
        return ASSAY_OK;
    }
    enum assay_status st = dup_across_record(&l->shared->across, &l->across, b, r, sink);
    if (r->raw.len == 0 || st != ASSAY_OK) {
        l->counts[COUNT_EMPTY] += r->raw.len == 0;
        return st;
    }
    e.place = dup_place(b->file, r->ordinal);
    st = record_keys(l, b, r, &e, &is_short);
    st = st == ASSAY_OK ? add_entry(l, TABLE_RECORDS, &e) : st;
    if (st == ASSAY_OK && l->shared->spans.mode != DUP_SPANS_OFF) {
        st = add_grams(l, b, r, e.place, sink);
    }
    l->shingler.n_keys = 0;
    if (st == ASSAY_OK && l->shared->near.on && !is_short) {
        st = sketch(l, b, r, e.key[0], sink);
    }
    st = st == ASSAY_OK ? compare_earlier(l, b, r, &e, sink) : st;
    return st == ASSAY_OK && l->turns.any ? look_at_turns(l, b, r, e.place, sink) : st;
}

static enum assay_status duplicates_scan(const void *shared, void *local,
                                         const struct assay_scan_input *in, struct assay_sink *sink)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = local;
    enum assay_status st = dup_mask_set(&l->mask, &s->chosen, in->batch);
    st = st == ASSAY_OK && s->answers ? dup_turns_batch(&l->turns, in->batch) : st;
    for (uint32_t i = 0; i < in->batch->n_records && st == ASSAY_OK; i++) {
        st = scan_record(l, in->batch, &in->batch->records[i], sink);
    }
    return st;
}

/* ---- files -------------------------------------------------------------------------------------
 */

/* Whether the digest is that of the whole file. */
static int is_hashed(const struct assay_file *f)
{
    static const uint8_t none[sizeof f->sha256];
    return memcmp(f->sha256, none, sizeof none) != 0 && f->status != ASSAY_CHANGED &&
           f->status != ASSAY_CANCELLED && f->status != ASSAY_IO;
}

static enum assay_status duplicates_file(const void *shared, void *local,
                                         const struct assay_file *file, struct assay_sink *sink)
{
    struct dup_local *l = local;
    struct dup_entry e = {.variant = 0};
    (void)shared;
    l->counts[COUNT_FILES]++;
    dup_across_file(&l->shared->across, &l->across, file->index);
    if (file->bytes == 0 || !is_hashed(file)) {
        return ASSAY_OK;
    }
    if (!dup_place_fits(file->index, 0)) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 0, file->bytes);
        return ASSAY_OK;
    }
    struct state_in digest = {assay_bytes_make((const char *)file->sha256, 16), 0};
    e.key[0] = state_take_u64(&digest);
    e.key[1] = state_take_u64(&digest);
    e.place = dup_place(file->index, 0);
    return add_entry(l, TABLE_FILES, &e);
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static enum assay_status duplicates_merge(const void *shared, void *into, void *from,
                                          struct assay_error *err)
{
    struct dup_local *a = into;
    struct dup_local *b = from;
    (void)shared;
    for (unsigned i = 0; i < N_TABLES; i++) {
        enum assay_status st = dup_table_join(&a->tables[i], &b->tables[i]);
        if (st != ASSAY_OK) {
            return assay_fail(err, st, "no memory to merge duplicate keys");
        }
    }
    if (dup_keep_join(&a->keep, &b->keep) != ASSAY_OK) {
        return assay_fail(err, ASSAY_IO, "cannot merge what is kept for the index");
    }
    for (unsigned i = 0; i < N_COUNTS; i++) {
        a->counts[i] += b->counts[i];
        b->counts[i] = 0;
    }
    dup_earlier_add(&a->delivered, &b->delivered);
    enum assay_status st = dup_across_join(&a->across, &b->across);
    return st == ASSAY_OK ? st : assay_fail(err, st, "no memory to merge the labels of records");
}

/* ---- the second look ---------------------------------------------------------------------------
 */

static enum assay_status begin_spans(const struct dup_shared *s, struct dup_local *l,
                                     int *ret_wanted)
{
    *ret_wanted = 0;
    if (s->spans.mode == DUP_SPANS_OFF || l->spans.found) {
        return ASSAY_OK;
    }
    return dup_spans_begin(&l->spans, &s->spans, &l->across, &l->tables[TABLE_GRAMS], s->host,
                           l->counts[COUNT_RECORDS], fitting(s, PAIR_PARTS, 1, DUP_PAIR_BYTES),
                           ret_wanted);
}

static enum assay_status duplicates_review_begin(const void *shared, void *merged, int *ret_wanted,
                                                 struct assay_error *err)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = merged;
    int spans = 0;
    *ret_wanted = 0;
    enum assay_status st = ASSAY_OK;
    if (seeks_near(s)) {
        st = dup_near_begin(&l->near, &l->tables[TABLE_BANDS], &l->tables[TABLE_RECORDS], s->host,
                            fitting(s, PAIR_PARTS, 1, DUP_PAIR_BYTES), ret_wanted);
    }
    st = st == ASSAY_OK ? begin_spans(s, l, &spans) : st;
    *ret_wanted |= spans;
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot find candidates for near-duplicates");
}

static int duplicates_review_may(const void *shared)
{
    const struct dup_shared *s = shared;
    return s->near.on || s->spans.mode != DUP_SPANS_OFF;
}

static int duplicates_review_wants(const void *shared, const void *merged, uint32_t file)
{
    const struct dup_local *l = merged;
    (void)shared;
    return dup_near_wants(&l->near, file) || dup_spans_wants(&l->spans, file);
}

static enum assay_status duplicates_review_local(const void *shared, const void *merged, void **ret,
                                                 struct assay_error *err)
{
    struct dup_review *v = calloc(1, sizeof *v);
    (void)merged;
    *ret = v;
    if (v == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    v->shared = shared;
    (void)atomic_fetch_add(&v->shared->sharers->reviews, 1);
    return ASSAY_OK;
}

static void duplicates_review_free(void *local)
{
    struct dup_review *v = local;
    if (v != NULL) {
        dup_mask_release(&v->mask);
        dup_shingler_release(&v->shingler);
        dup_shelf_release(&v->shelf);
        dup_spots_release(&v->spots);
        dup_shelf_release(&v->texts);
        (void)atomic_fetch_sub(&v->shared->sharers->reviews, 1);
        free(v);
    }
}

/* Keeps the shingles of a record. */
static enum assay_status keep_set(struct dup_review *v, const struct assay_batch *b,
                                  const struct assay_record *r, uint32_t rank)
{
    const struct dup_shared *s = v->shared;
    enum assay_status st = tokenise(&v->shingler, &v->mask, s->host, b, r);
    st = st == ASSAY_OK ? dup_shingler_run(&v->shingler) : st;
    if (st != ASSAY_OK) {
        return st == ASSAY_LIMIT ? ASSAY_OK : st; /* changed since; the host says so */
    }
    size_t n = dup_shingle_set(v->shingler.shingles, v->shingler.n);
    size_t max = fitting(s, SET_PARTS, atomic_load(&s->sharers->reviews), sizeof(uint64_t));
    return dup_shelf_add(&v->shelf, s->host, max, rank, dup_shingle_width(v->shingler.tokens.n),
                         v->shingler.shingles, n);
}

/* Keeps the tokens of a record. */
static enum assay_status keep_text(struct dup_review *v, const struct assay_batch *b,
                                   const struct assay_record *r, uint32_t rank)
{
    const struct dup_shared *s = v->shared;
    enum assay_status st = dup_spots_read(&v->spots, s->host, &v->mask, b, r);
    if (st != ASSAY_OK) {
        return st == ASSAY_LIMIT ? ASSAY_OK : st; /* changed since; the host says so */
    }
    size_t max = fitting(s, SET_PARTS, atomic_load(&s->sharers->reviews), sizeof(uint64_t));
    return dup_shelf_add(&v->texts, s->host, max, rank, 0, (const uint64_t *)v->spots.items,
                         v->spots.n * DUP_PAIR_WORDS);
}

/* Those of a batch's records that are among `places`, in one pass over both. */
static enum assay_status
keep_chosen(struct dup_review *v, const struct assay_batch *b, const uint64_t *places, size_t next,
            size_t n,
            enum assay_status (*keep)(struct dup_review *v, const struct assay_batch *b,
                                      const struct assay_record *r, uint32_t rank))
{
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = 0; i < b->n_records && next < n && st == ASSAY_OK; i++) {
        const uint64_t place = dup_place(b->file, b->records[i].ordinal);
        for (; next < n && places[next] < place; next++) {
        }
        if (next < n && places[next] == place) {
            st = keep(v, b, &b->records[i], (uint32_t)next);
        }
    }
    return st;
}

static enum assay_status duplicates_review(const void *shared, const void *merged, void *local,
                                           const struct assay_batch *b)
{
    const struct dup_shared *s = shared;
    const struct dup_candidates *c = &((const struct dup_local *)merged)->near.candidates;
    const struct dup_spans *x = &((const struct dup_local *)merged)->spans;
    struct dup_review *v = local;
    enum assay_status st = dup_mask_set(&v->mask, &s->chosen, b);
    if (b->n_records == 0 || !dup_place_fits(b->file, b->records[b->n_records - 1].ordinal)) {
        return st;
    }
    const uint64_t first = dup_place(b->file, b->records[0].ordinal);
    if (st == ASSAY_OK) {
        st = keep_chosen(v, b, c->places, dup_candidates_from(c, first), c->n, keep_set);
    }
    if (st == ASSAY_OK) {
        st = keep_chosen(v, b, x->places, dup_spans_from(x, first), x->n_places, keep_text);
    }
    return st;
}

static enum assay_status duplicates_review_merge(const void *shared, void *merged, void *local,
                                                 struct assay_error *err)
{
    struct dup_local *l = merged;
    struct dup_review *v = local;
    (void)shared;
    enum assay_status st = dup_sets_join(&l->near.sets, &v->shelf);
    st = st == ASSAY_OK ? dup_sets_join(&l->spans.texts, &v->texts) : st;
    return st == ASSAY_OK ? st : assay_fail(err, st, "no memory to merge sets of shingles");
}

/* ---- what is said ------------------------------------------------------------------------------
 */

struct metric {
    const char *name;
    uint64_t num, den;
};

static enum assay_status put_metrics(struct assay_sink *sink, const struct metric *rows, size_t n)
{
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < n && st == ASSAY_OK; i++) {
        st = sink->metric(sink->ctx, rows[i].name, rows[i].num, rows[i].den);
    }
    return st;
}

static enum assay_status say_metrics(const struct dup_local *l, const struct dup_tiers *records,
                                     const struct dup_tiers *files, const struct dup_tiers *answers,
                                     struct assay_sink *sink)
{
    const uint64_t n_records = l->counts[COUNT_RECORDS] == 0 ? 1 : l->counts[COUNT_RECORDS];
    const uint64_t n_files = l->counts[COUNT_FILES] == 0 ? 1 : l->counts[COUNT_FILES];
    const struct metric rows[] = {
        {"duplicates.files", l->counts[COUNT_FILES], 1},
        {"duplicates.file_groups", files->same.groups, 1},
        {"duplicates.file_ratio", files->same.extra, n_files},
        {"duplicates.records", l->counts[COUNT_RECORDS], 1},
        {"duplicates.short_records", l->counts[COUNT_SHORT], 1},
        {"duplicates.record_groups", records->same.groups, 1},
        {"duplicates.record_ratio", records->same.extra, n_records},
        {"duplicates.normalised_groups", records->alike.groups, 1},
        {"duplicates.normalised_ratio", records->alike.extra, n_records},
        {"duplicates.answers", l->counts[COUNT_ANSWERS], 1},
        {"duplicates.conflicting_prompts", answers->alike.groups, 1},
        {"duplicates.equal_preferences", l->counts[COUNT_EQUAL], 1},
    };
    return put_metrics(sink, rows, sizeof rows / sizeof rows[0]);
}

/* The near tier: how it searched, and what it found. */
static enum assay_status say_near_metrics(const struct dup_local *l, const struct dup_near_tally *t,
                                          struct assay_sink *sink)
{
    const struct dup_near_plan *plan = &l->shared->near;
    const uint64_t n_records = l->counts[COUNT_RECORDS] == 0 ? 1 : l->counts[COUNT_RECORDS];
    const struct metric rows[] = {
        {"duplicates.near_groups", t->groups, 1},
        {"duplicates.near_ratio", t->extra, n_records},
        {"duplicates.near_chained", t->chained, 1},
        {"duplicates.near_records", l->counts[COUNT_SKETCHED], 1},
        {"duplicates.near_too_long", l->counts[COUNT_LONG], 1},
        {"duplicates.near_candidates", t->candidates, 1},
        {"duplicates.near_unverified", t->unverified, 1},
        {"duplicates.near_hot_buckets", l->near.candidates.hot_buckets, 1},
        {"duplicates.near_threshold", plan->threshold, 1000},
        {"duplicates.near_bands", plan->bands.bands, 1},
        {"duplicates.near_rows", plan->bands.rows, 1},
        {"duplicates.near_expected.at_threshold", dup_bands_recall(plan->bands, plan->threshold),
         1000000},
        {"duplicates.near_expected.at_60", dup_bands_recall(plan->bands, 600), 1000000},
        {"duplicates.near_expected.at_70", dup_bands_recall(plan->bands, 700), 1000000},
        {"duplicates.near_expected.at_80", dup_bands_recall(plan->bands, 800), 1000000},
        {"duplicates.near_expected.at_90", dup_bands_recall(plan->bands, 900), 1000000},
    };
    return put_metrics(sink, rows, sizeof rows / sizeof rows[0]);
}

/* Texts that were to be seen again and were not are skips: the host may know why, this is how many.
 */
static void count_unseen(const struct dup_local *l, struct assay_sink *sink)
{
    uint64_t unseen = l->near.found ? 0 : l->counts[COUNT_SKETCHED];
    for (size_t i = 0; i < l->near.sets.n; i++) {
        unseen += l->near.sets.by_rank[i].count == 0;
    }
    if (unseen > 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_CHANGED, unseen, 0);
    }
}

/* What was set aside, where a list says what to accept. */
static enum assay_status say_accepted(const struct dup_local *l, struct dup_accepted_tally near,
                                      struct assay_sink *sink)
{
    const struct dup_accepted *a = &l->shared->accepted;
    const uint64_t n_records = l->counts[COUNT_RECORDS] == 0 ? 1 : l->counts[COUNT_RECORDS];
    const struct metric rows[] = {
        {"duplicates.accepted_groups", l->set_aside.groups + near.groups, 1},
        {"duplicates.accepted_ratio", l->set_aside.extra + near.extra, n_records},
        {"duplicates.accepted_listed", a->n, 1},
    };
    return a->given ? put_metrics(sink, rows, sizeof rows / sizeof rows[0]) : ASSAY_OK;
}

static enum assay_status finish_near(struct dup_local *l, struct dup_across_report *across,
                                     struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_near_tally tally = {.candidates = 0};
    enum assay_status st = ASSAY_OK;
    if (!seeks_near(s)) {
        return say_accepted(l, tally.set_aside, sink);
    }
    count_unseen(l, sink);
    if (l->near.found) {
        st = dup_clusters_report(&l->near, &s->near, s->host, sink, s->rule[RULE_NEAR],
                                 s->rule[RULE_HOT], &s->accepted, across, &tally);
    }
    st = st == ASSAY_OK ? say_accepted(l, tally.set_aside, sink) : st;
    return st == ASSAY_OK ? say_near_metrics(l, &tally, sink) : st;
}

static enum assay_status finish_spans(struct dup_local *l, struct dup_across_report *across,
                                      struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    if (s->spans.mode == DUP_SPANS_OFF) {
        return ASSAY_OK;
    }
    if (!l->spans.found) {
        sink->skip(sink->ctx, ASSAY_SKIP_CHANGED, l->counts[COUNT_RECORDS], 0);
    }
    enum assay_status st = dup_spans_report(&l->spans, &s->spans, s->host, across, sink);
    return st == ASSAY_OK
               ? sink->metric(sink->ctx, "duplicates.span_short", l->counts[COUNT_BRIEF], 1)
               : st;
}

/* The tiers that are looked for, as bits. */
static unsigned tiers_of(const struct dup_shared *s)
{
    return 1u << DUP_TIER_FILE | 1u << DUP_TIER_RECORD |
           (s->min_chars > 0 ? 1u << DUP_TIER_NORMALISED : 0) |
           (seeks_near(s) ? 1u << DUP_TIER_NEAR : 0) |
           (s->spans.mode != DUP_SPANS_OFF ? 1u << DUP_TIER_SPAN : 0);
}

/* Groups of files and of records; every group is also heard of by `across`. */
static enum assay_status finish_groups(struct dup_local *l, struct dup_across_report *across,
                                       struct assay_sink *sink)
{
    const struct dup_shared *s = l->shared;
    struct dup_tiers records = {.same_rule = s->rule[RULE_RECORD],
                                .alike_rule = s->rule[RULE_NORMALISED],
                                .accepted = &s->accepted,
                                .across = across};
    struct dup_tiers files = {.same_rule = s->rule[RULE_FILE],
                              .alike_rule = ASSAY_NONE,
                              .whole_files = 1,
                              .accepted = &s->accepted,
                              .across = across};
    struct dup_tiers answers = {
        .same_rule = ASSAY_NONE, .alike_rule = s->rule[RULE_ANSWERS], .answers = 1};
    enum assay_status st = dup_groups_report(&l->tables[TABLE_FILES], s->host, sink, &files);
    st =
        st == ASSAY_OK ? dup_groups_report(&l->tables[TABLE_RECORDS], s->host, sink, &records) : st;
    st =
        st == ASSAY_OK ? dup_groups_report(&l->tables[TABLE_ANSWERS], s->host, sink, &answers) : st;
    l->set_aside.groups = files.set_aside.groups + records.set_aside.groups;
    l->set_aside.extra = records.set_aside.extra;
    return st == ASSAY_OK ? say_metrics(l, &records, &files, &answers, sink) : st;
}

/* Makes the index; what fails is told in the log, too: a status is all that the host gets. */
static enum assay_status write_index(struct dup_local *l)
{
    const struct dup_shared *s = l->shared;
    uint64_t params[N_PARAMS];
    struct assay_error err;
    if (s->earlier.write == NULL) {
        return ASSAY_OK;
    }
    read_params(s, params);
    const struct dup_index_parts parts = {.path = s->earlier.write,
                                          .name = s->earlier.name,
                                          .params = {params, param_names, N_PARAMS},
                                          .records = l->counts[COUNT_RECORDS],
                                          .entries = &l->tables[TABLE_RECORDS],
                                          .bands = &l->tables[TABLE_BANDS],
                                          .keep = &l->keep};
    const enum assay_status st = dup_index_write(&parts, s->host, &err);
    if (st != ASSAY_OK) {
        s->host->log(s->host->ctx, ASSAY_LOG_ERROR, err.message);
    }
    return st;
}

static enum assay_status say_delivered(const struct dup_local *l, struct assay_sink *sink)
{
    const uint64_t *n = l->delivered.by_likeness;
    const uint64_t records = l->counts[COUNT_RECORDS] == 0 ? 1 : l->counts[COUNT_RECORDS];
    const struct metric rows[] = {
        {"duplicates.delivered_ratio", n[DUP_NEAR] + n[DUP_SAME_FORM] + n[DUP_SAME_BYTES], records},
        {"duplicates.delivered_identical", n[DUP_SAME_BYTES], 1},
        {"duplicates.delivered_normalised", n[DUP_SAME_FORM], 1},
        {"duplicates.delivered_near", n[DUP_NEAR], 1},
        {"duplicates.delivered_capped", l->delivered.capped, 1},
        {"duplicates.delivered_indexes", l->shared->earlier.n, 1},
    };
    return l->shared->earlier.n == 0 ? ASSAY_OK
                                     : put_metrics(sink, rows, sizeof rows / sizeof rows[0]);
}

static enum assay_status duplicates_finish(const void *shared, void *merged,
                                           struct assay_sink *sink)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = merged;
    struct dup_across_report across;
    enum assay_status st =
        dup_across_begin(&across, &s->across, &l->across, table_max(s, TABLE_FILES));
    st = st == ASSAY_OK ? finish_groups(l, &across, sink) : st;
    st = st == ASSAY_OK ? say_delivered(l, sink) : st;
    st = st == ASSAY_OK ? write_index(l) : st;
    st = st == ASSAY_OK ? finish_near(l, &across, sink) : st;
    st = st == ASSAY_OK ? finish_spans(l, &across, sink) : st;
    st = st == ASSAY_OK ? dup_across_end(&across, tiers_of(s), sink) : st;
    dup_across_report_release(&across);
    return st;
}

/* ---- saving ------------------------------------------------------------------------------------
 */

static enum assay_status save_words(struct state_out *out, const uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        state_put_u64(out, words[i]);
    }
    return out->status;
}

static enum assay_status save_entry(void *ctx, const uint64_t *entry)
{
    return save_words(ctx, entry, DUP_ENTRY_WORDS);
}

static enum assay_status save_pair(void *ctx, const uint64_t *entry)
{
    return save_words(ctx, entry, DUP_PAIR_WORDS);
}

/* What stands before the entries. */
struct head {
    uint64_t magic;
    uint64_t params[N_PARAMS];
    uint64_t counts[N_COUNTS];
    uint64_t entries[N_TABLES];
};

static enum assay_status
duplicates_save(const void *shared, const void *local,
                enum assay_status (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    const struct dup_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    uint64_t params[N_PARAMS];
    if (l->near.found || l->spans.found) {
        return ASSAY_USAGE; /* the bands and n-grams are gone */
    }
    read_params(shared, params);
    state_put_u64(&out, STATE_MAGIC);
    (void)save_words(&out, params, N_PARAMS);
    (void)save_words(&out, l->counts, N_COUNTS);
    for (unsigned i = 0; i < N_TABLES; i++) {
        state_put_u64(&out, l->tables[i].total);
    }
    for (unsigned i = 0; i < N_TABLES && out.status == ASSAY_OK; i++) {
        enum assay_status st = dup_table_walk(
            &l->tables[i], words_of(i) == DUP_PAIR_WORDS ? save_pair : save_entry, &out);
        out.status = out.status == ASSAY_OK ? st : out.status;
    }
    dup_across_save(&l->shared->across, &l->across, &out);
    return out.status;
}

static void load_words(struct state_in *in, uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        words[i] = state_take_u64(in);
    }
}

static enum assay_status load_table(struct dup_local *l, unsigned table, uint64_t n,
                                    struct state_in *in)
{
    struct dup_table *t = &l->tables[table];
    enum assay_status st = ASSAY_OK;
    for (uint64_t i = 0; i < n && st == ASSAY_OK; i++) {
        uint64_t words[DUP_ENTRY_WORDS];
        size_t max = t->n < t->cap ? SIZE_MAX : table_max(l->shared, table);
        load_words(in, words, words_of(table));
        st = dup_table_add(t, l->shared->host, max, words);
    }
    return st;
}

static struct head read_head(struct state_in *in)
{
    struct head h = {.magic = state_take_u64(in)};
    load_words(in, h.params, N_PARAMS);
    load_words(in, h.counts, N_COUNTS);
    load_words(in, h.entries, N_TABLES);
    return h;
}

/* Whether the numbers agree with each other and with the bytes that are left. */
static int head_is_sound(const struct head *h, const struct state_in *in)
{
    size_t left = in->left.len;
    if (in->bad || h->magic != STATE_MAGIC) {
        return 0;
    }
    for (unsigned i = 0; i < N_TABLES; i++) {
        const size_t bytes = 8 * words_of(i);
        if (h->entries[i] > left / bytes) {
            return 0;
        }
        left -= (size_t)h->entries[i] * bytes;
    }
    return h->counts[COUNT_RECORDS] >= h->entries[TABLE_RECORDS] &&
           h->counts[COUNT_FILES] >= h->entries[TABLE_FILES] &&
           h->counts[COUNT_RECORDS] >= h->counts[COUNT_SKETCHED] &&
           h->counts[COUNT_RECORDS] >= h->counts[COUNT_ANSWERS] &&
           h->entries[TABLE_ANSWERS] == h->counts[COUNT_ANSWERS] &&
           h->entries[TABLE_BANDS] == h->counts[COUNT_SKETCHED] * h->params[PARAM_BANDS];
}

static enum assay_status check_params(const struct dup_shared *s, const struct head *h,
                                      struct assay_error *err)
{
    uint64_t params[N_PARAMS];
    read_params(s, params);
    for (unsigned i = 0; i < N_PARAMS; i++) {
        if (params[i] != h->params[i]) {
            return assay_fail(err, ASSAY_CONFIG,
                              "saved with other options of the scanner 'duplicates': %s was %llu "
                              "and is %llu",
                              param_names[i], (unsigned long long)h->params[i],
                              (unsigned long long)params[i]);
        }
    }
    return ASSAY_OK;
}

static enum assay_status duplicates_load(const void *shared, void *local, struct assay_bytes data,
                                         struct assay_error *err)
{
    struct dup_local *l = local;
    struct state_in in = {data, 0};
    struct head h = read_head(&in);
    if (!head_is_sound(&h, &in)) {
        return assay_fail(err, ASSAY_CORRUPT, "not a saved state of the scanner 'duplicates'");
    }
    enum assay_status st = check_params(shared, &h, err);
    if (st != ASSAY_OK) {
        return st;
    }
    for (unsigned i = 0; i < N_TABLES && st == ASSAY_OK; i++) {
        st = load_table(l, i, h.entries[i], &in);
    }
    for (unsigned i = 0; i < N_COUNTS; i++) {
        l->counts[i] += h.counts[i];
    }
    st = st == ASSAY_OK ? dup_across_load(&l->shared->across, &l->across, &in) : st;
    if (st == ASSAY_CONFIG) {
        return assay_fail(err, st,
                          "saved with other splits, benchmarks or sources of the scanner "
                          "'duplicates'");
    }
    if (st == ASSAY_OK && !state_is_complete(&in)) {
        st = ASSAY_CORRUPT;
    }
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot load duplicate keys");
}

ASSAY_SCANNER_PLUGIN(duplicates) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "duplicates",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "identical files and records, records alike after normalisation, near-duplicates",
    .options = duplicates_options,
    .rules = duplicates_rules,
    .init = duplicates_init,
    .local_init = duplicates_local_init,
    .scan = duplicates_scan,
    .file = duplicates_file,
    .merge = duplicates_merge,
    .finish = duplicates_finish,
    .save = duplicates_save,
    .load = duplicates_load,
    .local_free = duplicates_local_free,
    .free = duplicates_free,
    .review_begin = duplicates_review_begin,
    .review_wants = duplicates_review_wants,
    .review_local = duplicates_review_local,
    .review = duplicates_review,
    .review_merge = duplicates_review_merge,
    .review_free = duplicates_review_free,
    .review_may = duplicates_review_may,
};
