/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates: files and records that are there more than once.
 *
 * Tiers, each a row of the rule table:
 *   file        files with the same SHA-256 (empty files apart: files.empty speaks of those);
 *   record      records of the same bytes;
 *   normalised  records that differ in bytes, but whose strings, in order, have the same normal
 * form (normalise.h). Each record is one entry of 32 bytes: a 128-bit XXH3 of the normal form, 64
 * bits of the XXH3 of its bytes, its place. One sort by these answers both record tiers, since
 * records of the same bytes, read by the same reader, have the same form. (Not found, therefore:
 * the same line in a CSV and in a text file.) A record whose strings have fewer than `min_chars`
 * characters in normal form (a number, a label, "ok") is compared by its bytes only: too little to
 * tell a copy from a coincidence. Metrics are integer pairs; record_ratio counts copies beyond the
 * first of each group, over all records; normalised_ratio what normalising finds on top of that.
 * Memory: host->memory_budget over all workers; beyond it, sorted runs go to host->spill (table.h).
 */
#include "assay/plugin.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "../common/state.h"
#include "groups.h"
#include "normalise.h"
#include "table.h"

enum { RULE_FILE, RULE_RECORD, RULE_NORMALISED, N_RULES };
enum { TABLE_RECORDS, TABLE_FILES, N_TABLES };
enum { COUNT_RECORDS, COUNT_SHORT, COUNT_EMPTY, COUNT_FILES, N_COUNTS };

#define STATE_MAGIC       UINT64_C(0x3153505544594153) /* "SAYDUPS1" */
#define DEFAULT_MIN_CHARS 8
#define SEED_BYTES        UINT64_C(0)
#define SEED_FORM         UINT64_C(1)
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
    {NULL, NULL, ASSAY_SEVERITY_INFO, NULL, NULL, NULL, NULL},
};

static const struct assay_option duplicates_options[] = {
    {"normalised", ASSAY_OPT_BOOL, 0, 0, NULL, "true",
     "also find records that differ only in case, width, spacing or punctuation"},
    {"min_chars", ASSAY_OPT_INT, 1, 100000, NULL, "8",
     "records with fewer characters of text are compared by their bytes only"},
    {NULL, ASSAY_OPT_BOOL, 0, 0, NULL, NULL, NULL},
};

struct dup_shared {
    const struct assay_host *host;
    uint32_t rule[N_RULES];
    uint64_t min_chars;  /* 0: the normalised tier is off */
    atomic_uint *locals; /* how many share the memory budget */
};

struct dup_local {
    const struct dup_shared *shared;
    struct dup_table tables[N_TABLES];
    uint64_t counts[N_COUNTS];
    struct dup_text text;
};

/* ---- set-up ------------------------------------------------------------------------------------
 */

static uint64_t read_min_chars(const struct assay_host *host)
{
    const char *on = host->option(host->ctx, "normalised");
    const char *min = host->option(host->ctx, "min_chars");
    if (on != NULL && strcmp(on, "false") == 0) {
        return 0;
    }
    return min == NULL ? DEFAULT_MIN_CHARS : strtoull(min, NULL, 10);
}

static enum assay_status duplicates_init(const struct assay_host *host, void **ret,
                                         struct assay_error *err)
{
    struct dup_shared *s = calloc(1, sizeof *s);
    atomic_uint *locals = malloc(sizeof *locals);
    *ret = NULL;
    if (s == NULL || locals == NULL) {
        free(s);
        free(locals);
        return assay_fail(err, ASSAY_NOMEM, "no memory for the scanner 'duplicates'");
    }
    atomic_init(locals, 0);
    s->host = host;
    s->locals = locals;
    s->min_chars = read_min_chars(host);
    for (unsigned i = 0; i < N_RULES; i++) {
        s->rule[i] = host->rule_index(host->ctx, duplicates_rules[i].id);
    }
    *ret = s;
    return ASSAY_OK;
}

static void duplicates_free(void *shared)
{
    struct dup_shared *s = shared;
    if (s != NULL) {
        free(s->locals);
        free(s);
    }
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
    (void)atomic_fetch_add(l->shared->locals, 1);
    return ASSAY_OK;
}

static void duplicates_local_free(void *local)
{
    struct dup_local *l = local;
    if (l != NULL) {
        for (unsigned i = 0; i < N_TABLES; i++) {
            dup_table_release(&l->tables[i]);
        }
        dup_text_release(&l->text);
        (void)atomic_fetch_sub(l->shared->locals, 1);
        free(l);
    }
}

/* How many entries one table of one worker may hold: records get three quarters of a worker's
 * share. */
static size_t table_max(const struct dup_shared *s, unsigned table)
{
    unsigned locals = atomic_load(s->locals);
    uint64_t share = s->host->memory_budget(s->host->ctx) / (locals == 0 ? 1 : locals);
    uint64_t bytes = table == TABLE_RECORDS ? share / 4 * 3 : share / 4;
    return (size_t)(bytes / sizeof(struct dup_entry));
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

/* The normal form of a record's strings into l->text. */
static enum assay_status normalise(struct dup_local *l, const struct assay_batch *b,
                                   const struct assay_record *r)
{
    dup_text_clear(&l->text);
    enum assay_status st = ASSAY_OK;
    for (uint32_t i = 0; i < r->n_fields && st == ASSAY_OK; i++) {
        const struct assay_field *f = &b->fields[r->first_field + i];
        if (f->kind == ASSAY_FIELD_STRING) {
            st = dup_text_add(&l->text, l->shared->host,
                              assay_bytes_make(b->text + f->start, f->len));
        }
    }
    return st;
}

/* Fills the keys of a record that is not empty. */
static enum assay_status record_keys(struct dup_local *l, const struct assay_batch *b,
                                     const struct assay_record *r, struct dup_entry *e)
{
    const struct assay_host *host = l->shared->host;
    uint64_t bytes[2];
    enum assay_status st = ASSAY_OK;
    int is_short = 1;
    host->hash128(host->ctx, r->raw.ptr, r->raw.len, SEED_BYTES, bytes);
    e->variant = bytes[0];
    if (l->shared->min_chars > 0) {
        st = normalise(l, b, r);
        is_short = !dup_text_has(&l->text, l->shared->min_chars);
        l->counts[COUNT_SHORT] += (uint64_t)is_short;
    }
    if (is_short) {
        host->hash128(host->ctx, bytes, sizeof bytes, SEED_SHORT, e->key);
    } else {
        host->hash128(host->ctx, l->text.buf, l->text.len, SEED_FORM, e->key);
    }
    return st;
}

static enum assay_status scan_record(struct dup_local *l, const struct assay_batch *b,
                                     const struct assay_record *r, struct assay_sink *sink)
{
    struct dup_entry e;
    l->counts[COUNT_RECORDS]++;
    if (r->raw.len == 0) {
        l->counts[COUNT_EMPTY]++;
        return ASSAY_OK;
    }
    if (!dup_place_fits(b->file, r->ordinal)) {
        sink->skip(sink->ctx, ASSAY_SKIP_LIMIT, 1, r->raw.len);
        return ASSAY_OK;
    }
    e.place = dup_place(b->file, r->ordinal);
    enum assay_status st = record_keys(l, b, r, &e);
    return st == ASSAY_OK ? add_entry(l, TABLE_RECORDS, &e) : st;
}

static enum assay_status duplicates_scan(const void *shared, void *local,
                                         const struct assay_scan_input *in, struct assay_sink *sink)
{
    enum assay_status st = ASSAY_OK;
    (void)shared;
    for (uint32_t i = 0; i < in->batch->n_records && st == ASSAY_OK; i++) {
        st = scan_record(local, in->batch, &in->batch->records[i], sink);
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
    for (unsigned i = 0; i < N_COUNTS; i++) {
        a->counts[i] += b->counts[i];
        b->counts[i] = 0;
    }
    return ASSAY_OK;
}

static enum assay_status say_metrics(const struct dup_local *l, const struct dup_tiers *records,
                                     const struct dup_tiers *files, struct assay_sink *sink)
{
    const uint64_t n_records = l->counts[COUNT_RECORDS] == 0 ? 1 : l->counts[COUNT_RECORDS];
    const uint64_t n_files = l->counts[COUNT_FILES] == 0 ? 1 : l->counts[COUNT_FILES];
    const struct {
        const char *name;
        uint64_t num, den;
    } rows[] = {
        {"duplicates.files", l->counts[COUNT_FILES], 1},
        {"duplicates.file_groups", files->same.groups, 1},
        {"duplicates.file_ratio", files->same.extra, n_files},
        {"duplicates.records", l->counts[COUNT_RECORDS], 1},
        {"duplicates.short_records", l->counts[COUNT_SHORT], 1},
        {"duplicates.record_groups", records->same.groups, 1},
        {"duplicates.record_ratio", records->same.extra, n_records},
        {"duplicates.normalised_groups", records->alike.groups, 1},
        {"duplicates.normalised_ratio", records->alike.extra, n_records},
    };
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && st == ASSAY_OK; i++) {
        st = sink->metric(sink->ctx, rows[i].name, rows[i].num, rows[i].den);
    }
    return st;
}

static enum assay_status duplicates_finish(const void *shared, void *merged,
                                           struct assay_sink *sink)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = merged;
    struct dup_tiers records = {.same_rule = s->rule[RULE_RECORD],
                                .alike_rule = s->rule[RULE_NORMALISED]};
    struct dup_tiers files = {
        .same_rule = s->rule[RULE_FILE], .alike_rule = ASSAY_NONE, .whole_files = 1};
    enum assay_status st = dup_groups_report(&l->tables[TABLE_FILES], s->host, sink, &files);
    if (st == ASSAY_OK) {
        st = dup_groups_report(&l->tables[TABLE_RECORDS], s->host, sink, &records);
    }
    return st == ASSAY_OK ? say_metrics(l, &records, &files, sink) : st;
}

/* ---- saving ------------------------------------------------------------------------------------
 */

static enum assay_status save_entry(void *ctx, const uint64_t *entry)
{
    struct state_out *out = ctx;
    for (unsigned i = 0; i < DUP_ENTRY_WORDS; i++) {
        state_put_u64(out, entry[i]);
    }
    return out->status;
}

static enum assay_status
duplicates_save(const void *shared, const void *local,
                enum assay_status (*put)(void *ctx, const void *data, size_t len), void *ctx)
{
    const struct dup_shared *s = shared;
    const struct dup_local *l = local;
    struct state_out out = {put, ctx, ASSAY_OK};
    state_put_u64(&out, STATE_MAGIC);
    state_put_u64(&out, s->min_chars);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        state_put_u64(&out, l->counts[i]);
    }
    for (unsigned i = 0; i < N_TABLES; i++) {
        state_put_u64(&out, l->tables[i].total);
    }
    for (unsigned i = 0; i < N_TABLES && out.status == ASSAY_OK; i++) {
        enum assay_status st = dup_table_walk(&l->tables[i], save_entry, &out);
        out.status = out.status == ASSAY_OK ? st : out.status;
    }
    return out.status;
}

static enum assay_status load_table(struct dup_local *l, unsigned table, uint64_t n,
                                    struct state_in *in)
{
    enum assay_status st = ASSAY_OK;
    for (uint64_t i = 0; i < n && st == ASSAY_OK; i++) {
        struct dup_entry e;
        e.key[0] = state_take_u64(in);
        e.key[1] = state_take_u64(in);
        e.variant = state_take_u64(in);
        e.place = state_take_u64(in);
        st = add_entry(l, table, &e);
    }
    return st;
}

/* What stands before the entries. */
struct head {
    uint64_t magic, min_chars;
    uint64_t counts[N_COUNTS];
    uint64_t entries[N_TABLES];
};

static struct head read_head(struct state_in *in)
{
    struct head h = {.magic = state_take_u64(in), .min_chars = 0};
    h.min_chars = state_take_u64(in);
    for (unsigned i = 0; i < N_COUNTS; i++) {
        h.counts[i] = state_take_u64(in);
    }
    for (unsigned i = 0; i < N_TABLES; i++) {
        h.entries[i] = state_take_u64(in);
    }
    return h;
}

/* Whether the numbers agree with each other and with the bytes that are left. */
static int head_is_sound(const struct head *h, const struct state_in *in)
{
    uint64_t max = in->left.len / DUP_ENTRY_BYTES;
    return !in->bad && h->magic == STATE_MAGIC && h->entries[TABLE_RECORDS] <= max &&
           h->entries[TABLE_FILES] <= max - h->entries[TABLE_RECORDS] &&
           (h->entries[TABLE_RECORDS] + h->entries[TABLE_FILES]) * DUP_ENTRY_BYTES ==
               in->left.len &&
           h->counts[COUNT_RECORDS] >= h->entries[TABLE_RECORDS] &&
           h->counts[COUNT_FILES] >= h->entries[TABLE_FILES];
}

static enum assay_status duplicates_load(const void *shared, void *local, struct assay_bytes data,
                                         struct assay_error *err)
{
    const struct dup_shared *s = shared;
    struct dup_local *l = local;
    struct state_in in = {data, 0};
    struct head h = read_head(&in);
    if (!head_is_sound(&h, &in)) {
        return assay_fail(err, ASSAY_CORRUPT, "not a saved state of the scanner 'duplicates'");
    }
    if (h.min_chars != s->min_chars) {
        return assay_fail(
            err, ASSAY_CONFIG,
            "saved with other options of the scanner 'duplicates': min_chars was %llu",
            (unsigned long long)h.min_chars);
    }
    enum assay_status st = ASSAY_OK;
    for (unsigned i = 0; i < N_TABLES && st == ASSAY_OK; i++) {
        st = load_table(l, i, h.entries[i], &in);
    }
    for (unsigned i = 0; i < N_COUNTS; i++) {
        l->counts[i] += h.counts[i];
    }
    return st == ASSAY_OK ? st : assay_fail(err, st, "cannot load duplicate keys");
}

ASSAY_SCANNER_PLUGIN(duplicates) = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "duplicates",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "identical files, identical records, records alike after normalisation",
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
};
