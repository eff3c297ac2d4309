/* SPDX-License-Identifier: Apache-2.0
 *
 * jsonl: JSON Lines; also one array of records, and values one after another, pretty-printed or
 * not.
 *
 * Parsing is index and walk (simdjson_shim.h, json_walk.h). For lines the whole chunk is indexed at
 * once; when that fails, because one of its lines is broken or not UTF-8, each line is indexed
 * alone, so that the damage stays in its line. Arrays and concatenated values are cut by
 * json_scan.h first.
 *
 * Nothing hides in a broken record: it keeps its ordinal, is reported and counted, and its raw
 * text, repaired, is its only field (path ""), so that scanners still see it. The same goes for
 * records that are too deep or have too many fields. Invalid UTF-8 is repaired byte by byte before
 * parsing; the record's other fields are unaffected.
 */
#include "assay/plugin.h"

#include "../common/batch.h"
#include "../common/lines.h"
#include "../common/probe.h"
#include "../common/report.h"
#include "json_detect.h"
#include "json_scan.h"
#include "json_walk.h"
#include "simdjson_shim.h"

#define DEFAULT_DEPTH 512u
/* Bytes between two records, before they are passed on alone. */
#define SEPARATORS_MAX   ((size_t)64 << 10)
#define JSONL_EXTENSIONS "jsonl ndjson json jsonlines"

enum {
    RULE_MALFORMED,
    RULE_TOO_DEEP,
    RULE_TOO_MANY,
    RULE_INVALID_UTF8,
    RULE_DUPLICATE_KEY,
    RULE_LONE_SURROGATE,
    RULE_NONSTANDARD,
    RULE_NOT_CLOSED
};

static const struct assay_rule_decl jsonl_rules[] = {
    {"jsonl.malformed_record", NULL, ASSAY_SEVERITY_MEDIUM, "Record that is not valid JSON",
     "记录不是有效的 JSON",
     "The record could not be parsed. Its raw text was scanned as one value, but rules that look "
     "at fields could not apply. Correct or remove it.",
     "该记录无法解析，已将其原文作为一个值扫描，但针对字段的规则无法生效。请修正或删除该记录。"},
    {"jsonl.too_deep", NULL, ASSAY_SEVERITY_MEDIUM, "Record that is nested too deeply",
     "记录嵌套过深",
     "The record has more nesting levels than allowed. Its raw text was scanned as one value. "
     "Such nesting is hardly ever meant: check how the file was made.",
     "该记录的嵌套层数超出上限，已将其原文作为一个值扫描。此类嵌套通常并非本意，请检查文件的生成方"
     "式。"},
    {"jsonl.too_many_fields", NULL, ASSAY_SEVERITY_MEDIUM, "Record with too many fields",
     "记录字段过多",
     "The record has over a million values or paths. Its raw text was scanned as one value. "
     "Deliver one record a line instead of one large document.",
     "该记录的值或路径超过一百万个，已将其原文作为一个值扫描。请按每行一条记录交付，而不要使用一个"
     "大文档。"},
    {"jsonl.invalid_utf8", NULL, ASSAY_SEVERITY_MEDIUM, "Record that is not valid UTF-8",
     "记录不是有效的 UTF-8 编码",
     "Bytes of this record are not UTF-8; each was read as '?', so something next to them may be "
     "missed. Write JSON in UTF-8.",
     "该记录中有字节不是 UTF-8，已逐字节按“?”读取，其附近的内容可能漏检。JSON 应使用 UTF-8 编码。"},
    {"jsonl.duplicate_key", NULL, ASSAY_SEVERITY_LOW, "Object with the same key twice",
     "对象中有重复的键",
     "Parsers disagree on which of the values counts, so consumers may see another record than was "
     "audited. All of them were scanned. Keep one.",
     "不同解析器对重复键的取值不一致，使用者看到的记录可能与审计的不同。所有取值均已扫描，请只保留"
     "一个。"},
    {"jsonl.lone_surrogate", NULL, ASSAY_SEVERITY_LOW, "Escape that is half a character",
     "转义序列只有半个字符",
     "A \\u escape names half of a surrogate pair; it was read as '?'. Text was cut inside a "
     "character, often an emoji, before it was written.",
     "\\u 转义只给出代理对的一半，已按“?”读取。文本在写出前可能从字符（常为表情符号）中间被截断。"},
    {"jsonl.nonstandard_number", NULL, ASSAY_SEVERITY_LOW, "NaN or Infinity in JSON",
     "JSON 中出现 NaN 或 Infinity",
     "JSON has no such numbers; strict parsers refuse the record. Write null or a string.",
     "JSON 中没有此类数值，严格的解析器会拒绝该记录。请改用 null 或字符串。"},
    {"jsonl.array_not_closed", NULL, ASSAY_SEVERITY_MEDIUM, "Array that does not end",
     "数组没有结束",
     "The file ends before the closing bracket of its array: it is probably cut off.",
     "文件在数组的右括号之前结束，内容可能被截断。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

/* What becomes of a record that is not good. */
static const struct {
    unsigned rule;
    enum assay_skip skip;
} verdicts[] = {
    [JSON_MALFORMED] = {RULE_MALFORMED, ASSAY_SKIP_MALFORMED},
    [JSON_TOO_DEEP] = {RULE_TOO_DEEP, ASSAY_SKIP_TOO_DEEP},
    [JSON_TOO_MANY] = {RULE_TOO_MANY, ASSAY_SKIP_LIMIT},
};

static const struct {
    unsigned note, rule;
} notes[] = {
    {JSON_NOTE_DUPLICATE_KEY, RULE_DUPLICATE_KEY},
    {JSON_NOTE_LONE_SURROGATE, RULE_LONE_SURROGATE},
    {JSON_NOTE_NONSTANDARD, RULE_NONSTANDARD},
};

struct jsonl_file {
    enum json_mode mode;
    uint32_t max_depth;
    char eol;
    size_t looked;         /* split(), lines */
    struct json_scan scan; /* split(), otherwise */
    int cut_off; /* an array that does not end: set by the last split(), read for the last chunk */
};

struct jsonl_local {
    struct reader_rules rules;
    struct reader_batch batch;
    struct json_walk walk;
    struct jsonl_trie *trie;
    struct jsonl_index *index;
    struct json_frame *frames;
    uint32_t frames_cap;
    char *repaired; /* a record whose UTF-8 was repaired */
    size_t repaired_cap;
    /* The chunk in hand: */
    struct json_scan scan;
    size_t pos;
    uint64_t ordinal;
    int indexed; /* the whole chunk is */
    int held;    /* `span` was put back: it opens the next batch */
    struct json_span span;
};

/* ---- one thread, in order ---- */

static int jsonl_probe(struct assay_bytes head, const char *name)
{
    if (reader_is_binary(head)) {
        return 0;
    }
    return json_detect_score(head, reader_has_extension(name, JSONL_EXTENSIONS));
}

static enum assay_status jsonl_open(const struct assay_host *host,
                                    const struct assay_reader_input *in, void **ret_self,
                                    struct assay_error *err)
{
    (void)host;
    struct jsonl_file *f = (struct jsonl_file *)calloc(1, sizeof *f);
    if (f == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    f->mode = json_detect_mode(in->head, in->head_is_all);
    f->max_depth = in->max_depth == 0 ? DEFAULT_DEPTH : in->max_depth;
    f->eol = reader_line_end(in->head);
    json_scan_init(&f->scan, f->mode == JSON_MODE_ARRAY, 1);
    *ret_self = f;
    return ASSAY_OK;
}

/* The end of the over-long record in hand; white space behind a broken one goes with it, since some
 * may be gone already. */
static void discard_value(struct jsonl_file *f, struct assay_bytes data, struct assay_split *ret)
{
    struct json_span span;
    ret->done = json_scan_next(&f->scan, data, 0, &span);
    ret->consumed = f->scan.pos;
}

static void split_values(struct jsonl_file *f, struct assay_bytes data, int last,
                         struct assay_split *ret)
{
    struct json_span span;
    while (json_scan_next(&f->scan, data, last, &span)) {
        ret->records++;
        ret->consumed = span.end;
    }
    if (last || (ret->records == 0 && f->scan.state == SCAN_BETWEEN && data.len > SEPARATORS_MAX)) {
        ret->consumed = data.len;
    }
}

static enum assay_status jsonl_split(void *self, struct assay_bytes data,
                                     enum assay_split_mode mode, struct assay_split *ret)
{
    struct jsonl_file *f = (struct jsonl_file *)self;
    if (f->mode == JSON_MODE_LINES) {
        reader_split_lines(f->eol, data, mode, &f->looked, ret);
        return ASSAY_OK;
    }
    ret->consumed = 0;
    ret->records = 0;
    ret->done = 0;
    if (mode == ASSAY_SPLIT_DISCARD) {
        discard_value(f, data, ret);
    } else {
        split_values(f, data, mode == ASSAY_SPLIT_LAST, ret);
        f->cut_off = mode == ASSAY_SPLIT_LAST && f->scan.in_array && !f->scan.closed;
    }
    json_scan_consume(&f->scan, ret->consumed);
    if (ret->done) { /* wherever the pieces met, also when nothing was left to consume */
        json_scan_restart(&f->scan);
    }
    return ASSAY_OK;
}

static void jsonl_close(void *self)
{
    free(self);
}

/* ---- many threads ---- */

static void jsonl_local_free(void *local)
{
    struct jsonl_local *l = (struct jsonl_local *)local;
    if (l == NULL) {
        return;
    }
    json_walk_release(&l->walk);
    reader_batch_release(&l->batch);
    jsonl_trie_free(l->trie);
    jsonl_index_free(l->index);
    free(l->frames);
    free(l->repaired);
    free(l);
}

static enum assay_status jsonl_local_init(const struct assay_host *host, void **ret_local,
                                          struct assay_error *err)
{
    struct jsonl_local *l = (struct jsonl_local *)calloc(1, sizeof *l);
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    reader_rules_find(&l->rules, host, jsonl_rules);
    l->trie = jsonl_trie_new();
    l->index = jsonl_index_new();
    if (l->trie == NULL || l->index == NULL) {
        jsonl_local_free(l);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    l->walk.trie = l->trie;
    l->walk.batch = &l->batch;
    *ret_local = l;
    return ASSAY_OK;
}

/* A copy of `raw` with '?' for each byte that is not UTF-8, and room behind it. NULL: out of
 * memory. */
static char *repaired_copy(struct jsonl_local *l, struct assay_bytes raw, uint64_t *bad)
{
    const size_t need = raw.len + READER_BATCH_SLACK;
    if (need > l->repaired_cap) {
        char *p = (char *)realloc(l->repaired, need * 2);
        if (p == NULL) {
            return NULL;
        }
        l->repaired = p;
        l->repaired_cap = need * 2;
    }
    memcpy(l->repaired, raw.ptr, raw.len);
    memset(l->repaired + raw.len, ' ', READER_BATCH_SLACK);
    *bad = reader_utf8_repair(l->repaired, raw.len);
    return l->repaired;
}

/* Indexes and walks one record alone. */
static enum json_verdict walk_alone(struct jsonl_local *l, struct assay_bytes raw, uint64_t *bad)
{
    struct json_walk *w = &l->walk;
    w->text = w->original = raw.ptr;
    w->end = raw.len;
    w->at = 0;
    enum jsonl_index_status st = jsonl_index_run(l->index, w->text, raw.len, &w->index, &w->n);
    if (st == JSONL_INDEX_UTF8) {
        w->text = repaired_copy(l, raw, bad);
        if (w->text == NULL) {
            return JSON_NOMEM;
        }
        st = jsonl_index_run(l->index, w->text, raw.len, &w->index, &w->n);
    }
    if (st == JSONL_INDEX_OK) {
        return json_walk_record(w);
    }
    return st == JSONL_INDEX_NOMEM ? JSON_NOMEM : JSON_MALFORMED;
}

/* Walks the record at `span` in the index of the whole chunk, and leaves the index behind it. */
static enum json_verdict walk_indexed(struct jsonl_local *l, size_t end)
{
    struct json_walk *w = &l->walk;
    w->end = end;
    const enum json_verdict v = json_walk_record(w);
    while (w->at < w->n && w->index[w->at] < end) {
        w->at++;
    }
    return v;
}

/* The record's raw text becomes its one field. */
static enum assay_status add_raw(struct jsonl_local *l, struct assay_bytes raw, uint64_t *bad)
{
    uint64_t here = 0;
    reader_batch_undo(&l->batch);
    const enum assay_status st =
        reader_batch_add(&l->batch, JSON_TRIE_ROOT, ASSAY_FIELD_STRING, raw, &here);
    *bad = here;
    return st;
}

static enum assay_status report_record(struct jsonl_local *l, enum json_verdict v, uint64_t bad,
                                       struct reader_place at, struct assay_sink *sink)
{
    enum assay_status st = ASSAY_OK;
    if (v != JSON_GOOD) {
        sink->skip(sink->ctx, verdicts[v].skip, 1,
                   l->batch.records[l->batch.n_records - 1].raw.len);
        st = reader_report(&l->rules, verdicts[v].rule, at, sink);
    }
    if (st == ASSAY_OK && bad > 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_ENCODING, 0, bad);
        st = reader_report(&l->rules, RULE_INVALID_UTF8, at, sink);
    }
    for (size_t i = 0; v == JSON_GOOD && i < sizeof notes / sizeof notes[0]; i++) {
        if (st == ASSAY_OK && (l->walk.notes & notes[i].note) != 0) {
            st = reader_report(&l->rules, notes[i].rule, at, sink);
        }
    }
    return st;
}

/* Adds the record at l->span, or puts it back (l->held) when the batch must end before it. */
static enum assay_status add_record(struct jsonl_local *l, const struct assay_chunk *chunk,
                                    struct assay_sink *sink)
{
    const struct assay_bytes raw =
        assay_bytes_make(chunk->data.ptr + l->span.start, l->span.end - l->span.start);
    const struct reader_place at = {chunk->file, l->ordinal, chunk->offset + l->span.start};
    const uint32_t index_at = l->walk.at;
    uint64_t bad = 0;
    enum assay_status st = reader_batch_reserve(&l->batch, raw.len);
    if (st == ASSAY_OK) {
        st = reader_batch_begin(&l->batch, l->ordinal, at.offset, raw);
    }
    if (st != ASSAY_OK) {
        return st;
    }
    const enum json_verdict v =
        l->indexed ? walk_indexed(l, l->span.end) : walk_alone(l, raw, &bad);
    if (v == JSON_NOMEM) {
        return ASSAY_NOMEM;
    }
    if (v == JSON_TOO_MANY && l->batch.n_records > 1) {
        reader_batch_drop(&l->batch);
        l->walk.at = index_at;
        l->held = 1;
        return ASSAY_OK;
    }
    if (v != JSON_GOOD) {
        st = add_raw(l, raw, &bad);
    }
    l->ordinal++;
    return st == ASSAY_OK ? report_record(l, v, bad, at, sink) : st;
}

/* The next record of the chunk, in l->span. 0: there is none. */
static int next_span(const struct jsonl_file *f, struct jsonl_local *l,
                     const struct assay_chunk *chunk)
{
    if (l->held) {
        l->held = 0;
        return 1;
    }
    if (f->mode != JSON_MODE_LINES) {
        return json_scan_next(&l->scan, chunk->data, 1, &l->span);
    }
    struct assay_bytes line;
    if (!reader_next_line(chunk->data, f->eol, &l->pos, &line)) {
        return 0;
    }
    l->span.start = (size_t)(line.ptr - chunk->data.ptr);
    l->span.end = l->span.start + line.len;
    return 1;
}

/* An array that does not end was cut off. */
static enum assay_status check_closed(const struct jsonl_file *f, const struct jsonl_local *l,
                                      const struct assay_chunk *chunk, struct assay_sink *sink)
{
    if (!chunk->last || !f->cut_off) {
        return ASSAY_OK;
    }
    const struct reader_place at = {chunk->file, ASSAY_NO_RECORD, chunk->offset + chunk->data.len};
    return reader_report(&l->rules, RULE_NOT_CLOSED, at, sink);
}

static enum assay_status begin_chunk(const struct jsonl_file *f, struct jsonl_local *l,
                                     const struct assay_chunk *chunk)
{
    struct json_walk *w = &l->walk;
    if (f->max_depth > l->frames_cap) {
        free(l->frames);
        l->frames_cap = 0;
        l->frames = (struct json_frame *)calloc(f->max_depth, sizeof *l->frames);
        if (l->frames == NULL) {
            return ASSAY_NOMEM;
        }
        l->frames_cap = f->max_depth;
    }
    w->frames = l->frames;
    w->max_depth = f->max_depth;
    l->pos = 0;
    l->ordinal = chunk->first_ordinal;
    l->held = 0;
    l->indexed = 0;
    json_scan_init(&l->scan, f->mode == JSON_MODE_ARRAY, chunk->offset == 0);
    if (f->mode == JSON_MODE_LINES) {
        w->text = w->original = chunk->data.ptr;
        w->at = 0;
        l->indexed =
            jsonl_index_run(l->index, w->text, chunk->data.len, &w->index, &w->n) == JSONL_INDEX_OK;
    }
    return ASSAY_OK;
}

static enum assay_status jsonl_next(const void *self, void *local, const struct assay_chunk *chunk,
                                    int restart, struct assay_batch *ret, struct assay_sink *sink,
                                    struct assay_error *err)
{
    const struct jsonl_file *f = (const struct jsonl_file *)self;
    struct jsonl_local *l = (struct jsonl_local *)local;
    enum assay_status st = restart ? begin_chunk(f, l, chunk) : ASSAY_OK;
    reader_batch_clear(&l->batch);
    if (jsonl_trie_heavy(l->trie)) {
        jsonl_trie_clear(l->trie);
    }
    while (st == ASSAY_OK && !reader_batch_full(&l->batch) && next_span(f, l, chunk)) {
        st = add_record(l, chunk, sink);
        if (l->held) {
            break;
        }
    }
    if (st == ASSAY_OK && l->batch.n_records == 0) {
        st = check_closed(f, l, chunk, sink);
        if (st == ASSAY_OK) {
            return ASSAY_END;
        }
    }
    if (st != ASSAY_OK) {
        return assay_fail(err, st, "cannot hold the records of a chunk");
    }
    uint32_t n_paths;
    const struct assay_bytes *paths = jsonl_trie_paths(l->trie, &n_paths);
    reader_batch_fill(&l->batch, chunk->file, paths, n_paths, ret);
    return ASSAY_OK;
}

ASSAY_READER_PLUGIN(jsonl) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_reader),
    .name = "jsonl",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "JSON Lines, JSON arrays of records, concatenated JSON",
    .extensions = JSONL_EXTENSIONS,
    .rules = jsonl_rules,
    .probe = jsonl_probe,
    .open = jsonl_open,
    .split = jsonl_split,
    .local_init = jsonl_local_init,
    .next = jsonl_next,
    .local_free = jsonl_local_free,
    .close = jsonl_close,
};
