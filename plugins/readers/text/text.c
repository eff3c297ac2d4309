/* SPDX-License-Identifier: Apache-2.0
 *
 * text: plain text, one record a line or one a document, in one field at path "".
 *
 * `record: auto` reads Markdown, reStructuredText and HTML as documents, because their sentences
 * run over line ends, and everything else by line: logs and corpora are written so. Blank lines are
 * no records. A document longer than the host's record limit is discarded by the host and counted;
 * read such files with `record: line`. Bytes that are not UTF-8 become '?', are counted, and raise
 * one finding a record. Text is what any file without an excess of control characters is, so the
 * probe bids low: any reader that knows better wins.
 */
#include "assay/plugin.h"

#include "../common/batch.h"
#include "../common/lines.h"
#include "../common/probe.h"
#include "../common/report.h"

enum { RULE_INVALID_UTF8 };

static const struct assay_rule_decl text_rules[] = {
    {"text.invalid_utf8", NULL, ASSAY_SEVERITY_MEDIUM, "Text that is not valid UTF-8",
     "文本不是有效的 UTF-8 编码",
     "Bytes of this record are not UTF-8; each was read as '?', so something next to them may be "
     "missed. Convert the file to UTF-8.",
     "该记录中有字节不是 UTF-8，已逐字节按“?”读取，其附近的内容可能漏检。请将文件转换为 UTF-8。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const struct assay_option text_options[] = {
    {"record", ASSAY_OPT_ENUM, 0, 0, "auto|line|document", "auto",
     "what one record is; auto: a document for Markdown, reStructuredText and HTML, else a line"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};

static const char text_extensions[] = "txt text log md markdown rst";

struct text_file {
    int document;
    char eol;
    size_t looked; /* split() only */
};

struct text_local {
    struct reader_batch batch;
    struct reader_rules rules;
    size_t pos;
    uint64_t ordinal;
    int dirty; /* the chunk holds invalid UTF-8 */
};

static int text_probe(struct assay_bytes head, const char *name)
{
    if (reader_is_binary(head)) {
        return 0;
    }
    return reader_has_extension(name, text_extensions) ? 50 : 30;
}

static enum assay_status text_open(const struct assay_host *host,
                                   const struct assay_reader_input *in, void **ret_self,
                                   struct assay_error *err)
{
    struct text_file *f = (struct text_file *)calloc(1, sizeof *f);
    if (f == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    const char *record = host->option(host->ctx, "record");
    if (record == NULL || strcmp(record, "auto") == 0) {
        f->document = reader_has_extension(in->name, "md markdown rst html htm");
    } else {
        f->document = strcmp(record, "document") == 0;
    }
    f->eol = reader_line_end(in->head);
    *ret_self = f;
    return ASSAY_OK;
}

static enum assay_status text_split(void *self, struct assay_bytes data, enum assay_split_mode mode,
                                    struct assay_split *ret)
{
    struct text_file *f = (struct text_file *)self;
    if (!f->document) {
        reader_split_lines(f->eol, data, mode, &f->looked, ret);
        return ASSAY_OK;
    }
    ret->done = 0;
    ret->consumed = mode == ASSAY_SPLIT_MORE ? 0 : data.len;
    ret->records = mode == ASSAY_SPLIT_LAST && !reader_is_blank(data);
    return ASSAY_OK;
}

static enum assay_status text_local_init(const struct assay_host *host, void **ret_local,
                                         struct assay_error *err)
{
    struct text_local *l = (struct text_local *)calloc(1, sizeof *l);
    if (l == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    reader_rules_find(&l->rules, host, text_rules);
    *ret_local = l;
    return ASSAY_OK;
}

/* The next record of the chunk. 0: there is none. */
static int text_next_record(const struct text_file *f, const struct assay_chunk *chunk, size_t *pos,
                            struct assay_bytes *ret)
{
    if (!f->document) {
        return reader_next_line(chunk->data, f->eol, pos, ret);
    }
    if (*pos > 0 || reader_is_blank(chunk->data)) {
        return 0;
    }
    *pos = chunk->data.len;
    *ret = chunk->data;
    return 1;
}

static enum assay_status text_add(struct text_local *l, const struct assay_chunk *chunk,
                                  struct assay_bytes record, struct assay_sink *sink)
{
    const uint64_t offset = chunk->offset + (uint64_t)(record.ptr - chunk->data.ptr);
    uint64_t bad = 0;
    enum assay_status st = reader_batch_reserve(&l->batch, record.len + 1);
    if (st == ASSAY_OK) {
        st = reader_batch_begin(&l->batch, l->ordinal, offset, record);
    }
    if (st == ASSAY_OK) {
        st = reader_batch_add(&l->batch, 0, ASSAY_FIELD_STRING, record, l->dirty ? &bad : NULL);
    }
    if (st == ASSAY_OK && bad > 0) {
        sink->skip(sink->ctx, ASSAY_SKIP_ENCODING, 0, bad);
        const struct reader_place at = {chunk->file, l->ordinal, offset};
        st = reader_report(&l->rules, RULE_INVALID_UTF8, at, sink);
    }
    l->ordinal++;
    return st;
}

static enum assay_status text_next(const void *self, void *local, const struct assay_chunk *chunk,
                                   int restart, struct assay_batch *ret, struct assay_sink *sink,
                                   struct assay_error *err)
{
    static const struct assay_bytes root = {"", 0};
    const struct text_file *f = (const struct text_file *)self;
    struct text_local *l = (struct text_local *)local;
    if (restart) {
        l->pos = 0;
        l->ordinal = chunk->first_ordinal;
        l->dirty = reader_utf8_valid(chunk->data.ptr, chunk->data.len) < chunk->data.len;
    }
    reader_batch_clear(&l->batch);
    struct assay_bytes record;
    while (!reader_batch_full(&l->batch) && text_next_record(f, chunk, &l->pos, &record)) {
        const enum assay_status st = text_add(l, chunk, record, sink);
        if (st != ASSAY_OK) {
            return assay_fail(err, st, "cannot hold the records of a chunk");
        }
    }
    if (l->batch.n_records == 0) {
        return ASSAY_END;
    }
    reader_batch_fill(&l->batch, chunk->file, &root, 1, ret);
    return ASSAY_OK;
}

static void text_local_free(void *local)
{
    if (local != NULL) {
        reader_batch_release(&((struct text_local *)local)->batch);
        free(local);
    }
}

static void text_close(void *self)
{
    free(self);
}

ASSAY_READER_PLUGIN(text) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_reader),
    .name = "text",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "plain text, by line or by document",
    .extensions = text_extensions,
    .options = text_options,
    .rules = text_rules,
    .probe = text_probe,
    .open = text_open,
    .split = text_split,
    .local_init = text_local_init,
    .next = text_next,
    .local_free = text_local_free,
    .close = text_close,
};
