/* SPDX-License-Identifier: Apache-2.0
 *
 * files: what a file is, as a whole: its type against its name, whether anything is in it, and what
 * raw-byte (YARA) rules find in it.
 *
 * A name promises a type in one of two ways: a reader claims the extension (.csv), or the extension
 * belongs to a format that bytes identify for certain (.png; the table below). A promise is broken
 * when another reader took the file, none could, or libmagic sees something else. Names that
 * promise plain text are kept by any text, so JSON Lines in a .txt file are no finding. Files that
 * could not be read whole are findings of the engine (engine.unreadable, engine.truncated ...);
 * here they are counted, and not judged by their type, since half a file may look like anything.
 * State: counters. Merging adds them.
 */
#include "assay/plugin.h"

#include <stdlib.h>

#include "../common/state.h"

enum { RULE_MISMATCH, RULE_EMPTY, RULE_NO_RECORDS, N_RULES };
enum { COUNT_FILES, COUNT_EMPTY, COUNT_MISMATCH, COUNT_UNREADABLE, COUNT_HITS, N_COUNTS };

#define STATE_MAGIC UINT64_C(0x31534c4946594153) /* "SAYFILS1" */

static const struct assay_rule_decl files_rules[] = {
    {"files.type_mismatch", NULL, ASSAY_SEVERITY_MEDIUM, "File content contradicts its extension",
     "文件内容与扩展名不符",
     "The file is not what its name says. Rename or replace it: a loader that goes by the name "
     "will fail on it, or skip it in silence.",
     "文件内容与名称所示类型不符。请重命名或替换：按名称加载的程序会出错，或悄然跳过该文件。"},
    {"files.empty", NULL, ASSAY_SEVERITY_LOW, "Empty file", "空文件",
     "The file has no bytes. An export may have failed; deliver the content, or remove the file.",
     "文件没有任何字节，导出可能失败。请补充内容或删除该文件。"},
    {"files.no_records", NULL, ASSAY_SEVERITY_LOW, "File without records", "没有记录的文件",
     "The file could be read but holds no record (only blank lines, or only a header row).",
     "文件可以读取，但不含任何记录（只有空行或表头）。"},
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const char *const count_names[N_COUNTS] = {"files.count", "files.empty",
                                                  "files.type_mismatch", "files.unreadable",
                                                  "files.byte_rule_hits"};

/* Extensions whose format has a signature, and the types libmagic (5.44) gives it, separated by
 * spaces. */
static const struct format {
    const char *extension;
    const char *types;
} formats[] = {
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"bmp", "image/bmp image/x-ms-bmp"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"wav", "audio/x-wav audio/wav audio/vnd.wave"},
    {"flac", "audio/flac audio/x-flac"},
    {"ogg", "audio/ogg video/ogg application/ogg"},
    {"pdf", "application/pdf"},
    {"gz", "application/gzip application/x-gzip"},
    {"zst", "application/zstd application/x-zstd"},
    {"zstd", "application/zstd application/x-zstd"},
    {"xz", "application/x-xz"},
    {"bz2", "application/x-bzip2"},
    {"7z", "application/x-7z-compressed"},
    {"zip", "application/zip"},
    {"sqlite", "application/vnd.sqlite3 application/x-sqlite3"},
};

struct files_shared {
    uint32_t rule[N_RULES]; /* indexes; ASSAY_NONE where the rule set lacks it */
};

struct files_local {
    uint64_t count[N_COUNTS];
};

static enum assay_status files_init(const struct assay_host *host, void **ret,
                                    struct assay_error *err)
{
    struct files_shared *s = malloc(sizeof *s);
    *ret = s;
    if (s == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'files'");
    }
    for (unsigned i = 0; i < N_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, files_rules[i].id);
    }
    return ASSAY_OK;
}

static enum assay_status files_local_init(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    *ret = calloc(1, sizeof(struct files_local));
    return *ret == NULL ? assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'files'")
                        : ASSAY_OK;
}

/* ---- types ---------------------------------------------------------------------------------- */

static const struct format *format_of(const char *extension)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(formats[i].extension, extension) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

static int lists_type(const char *types, const char *type)
{
    size_t len = strlen(type);
    for (const char *p = types; len > 0 && (p = strstr(p, type)) != NULL; p += len) {
        if ((p == types || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' ')) {
            return 1;
        }
    }
    return 0;
}

/* The sentence that says how the file breaks its name's promise, made of constants, reader names
 * and the type that libmagic gave; 0 when it keeps it. */
static int breaks_promise(const struct assay_file *f, char *out, size_t cap)
{
    const struct format *format = format_of(f->extension);
    const char *mime = f->mime == NULL || f->mime[0] == '\0' ? "unknown content" : f->mime;
    if (format != NULL) {
        (void)snprintf(out, cap, "named .%s, holds %.100s", format->extension, mime);
        return !lists_type(format->types, mime);
    }
    if (f->expected == NULL) {
        return 0;
    }
    if (f->reader == NULL) {
        (void)snprintf(out, cap, "named as %.60s, holds %.100s", f->expected, mime);
        return 1;
    }
    (void)snprintf(out, cap, "named as %.60s, reads as %.60s", f->expected, f->reader);
    return strcmp(f->expected, f->reader) != 0 && strcmp(f->expected, "text") != 0;
}

/* ---- the fold ------------------------------------------------------------------------------- */

static enum assay_status say(const struct files_shared *s, unsigned rule,
                             const struct assay_file *file, const char *detail,
                             struct assay_sink *sink)
{
    if (s->rule[rule] == ASSAY_NONE) {
        return ASSAY_OK;
    }
    struct assay_finding f = assay_finding_init(s->rule[rule]);
    f.file = file->index;
    f.detail = assay_bytes_str(detail);
    return sink->finding(sink->ctx, &f);
}

static enum assay_status say_hits(const struct assay_file *file, struct assay_sink *sink)
{
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = 0; i < file->n_matches && st == ASSAY_OK; i++) {
        struct assay_finding f = assay_finding_init(file->matches[i].rule);
        f.file = file->index;
        f.offset = file->matches[i].offset;
        f.flags = ASSAY_FINDING_OFFSET;
        st = sink->finding(sink->ctx, &f);
    }
    return st;
}

/* Whether what is known of the file is known of all of it. */
static int is_whole(const struct assay_file *file)
{
    return file->status == ASSAY_OK || file->status == ASSAY_UNSUPPORTED;
}

static enum assay_status say_type(const struct files_shared *s, struct files_local *l,
                                  const struct assay_file *file, struct assay_sink *sink)
{
    char detail[256];
    if (file->bytes == 0) {
        l->count[COUNT_EMPTY]++;
        return say(s, RULE_EMPTY, file, "", sink);
    }
    if (breaks_promise(file, detail, sizeof detail)) {
        l->count[COUNT_MISMATCH]++;
        return say(s, RULE_MISMATCH, file, detail, sink);
    }
    if (file->reader != NULL && file->records == 0) {
        return say(s, RULE_NO_RECORDS, file, "", sink);
    }
    return ASSAY_OK;
}

static enum assay_status files_file(const void *shared, void *local, const struct assay_file *file,
                                    struct assay_sink *sink)
{
    struct files_local *l = local;
    l->count[COUNT_FILES]++;
    l->count[COUNT_HITS] += file->n_matches;
    enum assay_status st = say_hits(file, sink);
    if (!is_whole(file)) {
        l->count[COUNT_UNREADABLE]++;
    } else if (st == ASSAY_OK) {
        st = say_type(shared, l, file, sink);
    }
    return st;
}

static enum assay_status files_merge(const void *shared, void *into, void *from,
                                     struct assay_error *err)
{
    struct files_local *a = into;
    const struct files_local *b = from;
    (void)shared;
    (void)err;
    for (unsigned i = 0; i < N_COUNTS; i++) {
        a->count[i] += b->count[i];
    }
    return ASSAY_OK;
}

static enum assay_status files_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    const struct files_local *l = merged;
    enum assay_status st = ASSAY_OK;
    (void)shared;
    for (unsigned i = 0; i < N_COUNTS && st == ASSAY_OK; i++) {
        st = sink->metric(sink->ctx, count_names[i], l->count[i], 1);
    }
    return st;
}

static enum assay_status
files_save(const void *shared, const void *local,
           enum assay_status (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    const struct files_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    (void)shared;
    state_put_u64(&out, STATE_MAGIC);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        state_put_u64(&out, l->count[i]);
    }
    return out.status;
}

static enum assay_status files_load(const void *shared, void *local, struct assay_bytes data,
                                    struct assay_error *err)
{
    struct files_local *l = local;
    struct state_in in = {data, 0};
    (void)shared;
    uint64_t magic = state_take_u64(&in);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        l->count[i] = state_take_u64(&in);
    }
    if (magic != STATE_MAGIC || !state_is_complete(&in)) {
        memset(l, 0, sizeof *l);
        return assay_fail(err, ASSAY_CORRUPT, "not a saved state of the scanner 'files'");
    }
    return ASSAY_OK;
}

ASSAY_SCANNER_PLUGIN(files) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "files",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "files as a whole: type against name, emptiness, raw-byte rules",
    .rules = files_rules,
    .init = files_init,
    .local_init = files_local_init,
    .file = files_file,
    .merge = files_merge,
    .finish = files_finish,
    .save = files_save,
    .load = files_load,
    .local_free = free,
    .free = free,
};
