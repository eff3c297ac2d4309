/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/sink.c: from struct assay_finding to struct assay_kept.
 *
 * The fingerprint is what makes a finding the same finding in the next audit. It is the first half
 * of HMAC-SHA-256(key, rule id NUL record key NUL field path NUL value) where the record key is the
 * XXH3-128 of the raw record, and the value is folded (NFKC, case) and rid of spaces and dashes:
 * 138-0013-8000 and 13800138000 are one number. It holds no position, so inserting a record changes
 * no other's findings; and it is keyed, so nobody can test guesses without the key. Where there is
 * no record the key is the file's name, with the offset of a record that could not be parsed.
 *
 * Sort order within a chunk: record, field, offset, start, end, rule, then the encoded bytes, so
 * that equal places still have one order.
 */
#include "engine/sink.h"

#include "core/arena.h"
#include "core/limits.h"
#include "core/utf8.h"
#include "engine/handover.h"

#define VALUE_FOLDED   4096u /* longer values are fingerprinted as they are */
#define VALUE_MASKED   512u  /* of longer values only the start is previewed */
#define DETAIL_MAX     1000u
#define HELD_MAX       ASSAY_MIB(64) /* of findings in one batch */
#define MEMBERS_LISTED ASSAY_LIMIT_MEMBERS

struct assay_found_entry {
    uint64_t record;
    uint64_t offset;
    uint64_t blob;    /* where it is in `blobs` */
    uint64_t records; /* how many records it counts for */
    uint32_t field;   /* from the start of its record */
    uint32_t start, end;
    uint32_t rule;
    uint16_t confidence;
};

/* ---- fingerprint --------------------------------------------------------------------------- */

static void store_be64(uint8_t *out, uint64_t v)
{
    for (int i = 7; i >= 0; i--) {
        out[i] = (uint8_t)v;
        v >>= 8;
    }
}

static void key_of(uint8_t out[16], struct assay_bytes data, uint64_t seed)
{
    uint64_t h[2];
    assay_xxh3_128(data.ptr, data.len, seed, h);
    store_be64(out, h[1]);
    store_be64(out + 8, h[0]);
}

/* What the finding belongs to, apart from its place in the file. */
static const uint8_t *record_key(struct assay_collector *c, const struct assay_finding *f,
                                 uint8_t scratch[16])
{
    if (f->record != ASSAY_NONE) {
        if (c->key_record != f->record) {
            c->key_record = f->record;
            key_of(c->key, c->batch->records[f->record].raw, 0);
        }
        return c->key;
    }
    uint32_t file = f->file;
    uint64_t place = f->offset;
    if (file == ASSAY_NONE && f->n_members > 0) {
        file = f->members[0].file;
        place = f->members[0].record;
    }
    const char *name = file == ASSAY_NONE ? "" : assay_inventory_name(c->run->inventory, file);
    key_of(scratch, assay_bytes_str(name), place);
    return scratch;
}

/* Length of the space or dash at s, 0 when it is neither. */
static size_t separator(const char *s, size_t left)
{
    if (*s == ' ' || *s == '-' || (*s >= '\t' && *s <= '\r')) {
        return 1;
    }
    /* U+2010 .. U+2015 */
    int is_dash = left >= 3 && memcmp(s, "\xE2\x80", 2) == 0 && (uint8_t)s[2] >= 0x90 &&
                  (uint8_t)s[2] <= 0x95;
    return is_dash ? 3 : 0;
}

/* The value as it counts for identity, in c->folded or as it is. */
static struct assay_bytes identity(struct assay_collector *c, struct assay_bytes value)
{
    struct assay_buf *b = &c->folded;
    assay_buf_clear(b);
    if (value.len == 0 || value.len > VALUE_FOLDED ||
        assay_buf_reserve(b, value.len * 2) != ASSAY_OK) {
        return value;
    }
    size_t n = assay_utf8_fold(value, b->ptr, b->cap);
    if (n > b->cap) {
        if (assay_buf_reserve(b, n) != ASSAY_OK) {
            return value;
        }
        n = assay_utf8_fold(value, b->ptr, b->cap);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n;) {
        size_t gap = separator(b->ptr + i, n - i);
        if (gap == 0) {
            b->ptr[kept++] = b->ptr[i];
            gap = 1;
        }
        i += gap;
    }
    return assay_bytes_make(b->ptr, kept);
}

static enum assay_status fingerprint(struct assay_collector *c, const struct assay_finding *f,
                                     struct assay_bytes path, uint8_t ret[16])
{
    uint8_t scratch[16], mac[ASSAY_SHA256_LEN];
    const char *id = assay_ruleset_rule(c->run->opt->rules, f->rule)->view.id;
    struct assay_bytes value = identity(c, f->value);
    enum assay_status status = assay_hmac_start(c->hmac);
    const struct assay_bytes parts[] = {
        {id, strlen(id) + 1},
        {(const char *)record_key(c, f, scratch), sizeof scratch},
        {"", 1},
        path,
        {"", 1},
        value,
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && status == ASSAY_OK; i++) {
        if (parts[i].len > 0) {
            status = assay_hmac_update(c->hmac, parts[i].ptr, parts[i].len);
        }
    }
    if (status == ASSAY_OK) {
        status = assay_hmac_finish(c->hmac, mac);
        memcpy(ret, mac, 16);
    }
    return status;
}

/* ---- parts that are shown ------------------------------------------------------------------ */

static void mask_value(struct assay_collector *c, const struct assay_finding *f)
{
    struct assay_bytes shown = f->value;
    assay_buf_clear(&c->masked);
    if (shown.len > VALUE_MASKED) {
        shown.len = VALUE_MASKED;
        while (shown.len > 0 && ((uint8_t)shown.ptr[shown.len] & 0xC0) == 0x80) {
            shown.len--;
        }
    }
    assay_rule_mask(assay_ruleset_rule(c->run->opt->rules, f->rule), shown, &c->masked);
    if (shown.len < f->value.len) {
        assay_buf_adds(&c->masked, "\xE2\x80\xA6");
    }
}

/* Details are constants and numbers by contract; what is not printable ASCII is not let through. */
static void copy_detail(struct assay_collector *c, struct assay_bytes detail)
{
    assay_buf_clear(&c->detail);
    for (size_t i = 0; i < detail.len && i < DETAIL_MAX; i++) {
        char ch = detail.ptr[i];
        assay_buf_addc(&c->detail, ch >= ' ' && ch <= '~' ? ch : '?');
    }
}

static void place_in_field(const struct assay_batch *b, const struct assay_finding *f,
                           struct assay_kept *head)
{
    struct assay_bytes value = assay_batch_value(b, f->field);
    head->byte_start = f->start;
    head->byte_end = f->end;
    head->start = assay_utf8_count(value.ptr, f->start);
    head->end = head->start + assay_utf8_count(value.ptr + f->start, f->end - f->start);
    head->flags |= ASSAY_KEPT_SPAN;
}

/* ---- a finding ----------------------------------------------------------------------------- */

static int file_is_known(const struct assay_run *run, uint32_t file)
{
    return file < assay_inventory_count(run->inventory) + assay_inventory_skips(run->inventory);
}

static int members_are_valid(const struct assay_run *run, const struct assay_finding *f)
{
    for (uint32_t i = 0; i < f->n_members; i++) {
        if (f->members[i].file >= assay_inventory_count(run->inventory)) {
            return 0;
        }
    }
    return f->members_total >= f->n_members;
}

/* Plugins are other people's code: nothing they say is taken as an index before it was looked at.
 */
static int is_valid(const struct assay_collector *c, const struct assay_finding *f)
{
    const struct assay_batch *b = c->batch;
    if (f->size < sizeof *f || f->rule >= c->run->n_rules || f->start > f->end) {
        return 0;
    }
    if (f->record != ASSAY_NONE && (b == NULL || f->record >= b->n_records)) {
        return 0;
    }
    if (f->field != ASSAY_NONE &&
        (b == NULL || f->field >= b->n_fields || f->end > b->fields[f->field].len)) {
        return 0;
    }
    if (c->open_files && f->file != ASSAY_NONE && !file_is_known(c->run, f->file)) {
        return 0;
    }
    return members_are_valid(c->run, f);
}

/* Fills in what follows from the batch. */
static void complete(const struct assay_collector *c, struct assay_finding *f)
{
    if (!c->open_files) {
        f->file = c->file;
    }
    if (f->field != ASSAY_NONE) {
        f->record = c->batch->fields[f->field].record;
    }
    if (f->record != ASSAY_NONE) {
        f->ordinal = c->batch->records[f->record].ordinal;
        f->offset = 0;
    }
    if (f->confidence > 1000) {
        f->confidence = 1000;
    }
    if (f->n_members > MEMBERS_LISTED) {
        f->n_members = MEMBERS_LISTED;
    }
}

/* How many records a finding speaks of. Members without a record are whole files. Those that are
 * not listed count as records unless all that are listed are files. */
static uint64_t records_of(const struct assay_finding *f)
{
    uint64_t n = 0;
    if (f->n_members == 0) {
        return f->ordinal != ASSAY_NO_RECORD;
    }
    for (uint32_t i = 0; i < f->n_members; i++) {
        n += f->members[i].record != ASSAY_NO_RECORD;
    }
    return n == 0 ? 0 : n + (f->members_total - f->n_members);
}

static struct assay_found_entry *new_entry(struct assay_collector *c, const struct assay_finding *f)
{
    void *entries = assay_grown(c->entries, c->n_entries, &c->cap_entries, sizeof *c->entries);
    if (entries == NULL) {
        return NULL;
    }
    c->entries = entries;
    struct assay_found_entry *e = &c->entries[c->n_entries++];
    *e = (struct assay_found_entry){.record = f->ordinal,
                                    .offset = f->offset,
                                    .blob = c->blobs.len,
                                    .field = ASSAY_NONE,
                                    .start = f->start,
                                    .end = f->end,
                                    .rule = f->rule,
                                    .confidence = f->confidence};
    e->records = records_of(f);
    if (f->field != ASSAY_NONE) {
        e->field = f->field - c->batch->records[f->record].first_field;
    }
    return e;
}

/* Whether the finding has a place in the file that no record gives. */
static int has_offset(const struct assay_finding *f)
{
    return f->record == ASSAY_NONE && (f->ordinal != ASSAY_NO_RECORD || f->offset != 0 ||
                                       (f->flags & ASSAY_FINDING_OFFSET) != 0);
}

static enum assay_status encode(struct assay_collector *c, const struct assay_finding *f)
{
    struct assay_kept head = {.rule = f->rule,
                              .file = f->file,
                              .confidence = f->confidence,
                              .record = f->ordinal,
                              .n_members = f->n_members,
                              .members_total = f->members_total};
    struct assay_kept_parts parts = {.members = f->members};
    struct assay_bytes path = {NULL, 0};
    if (f->field != ASSAY_NONE) {
        path = c->batch->paths[c->batch->fields[f->field].path];
        head.flags |= ASSAY_KEPT_FIELD;
        place_in_field(c->batch, f, &head);
    }
    if (has_offset(f)) {
        head.offset = f->offset;
        head.flags |= ASSAY_KEPT_OFFSET;
    }
    if (f->value.len > 0) {
        mask_value(c, f);
        parts.masked = assay_buf_bytes(&c->masked);
        head.flags |= ASSAY_KEPT_MASKED;
    }
    if (f->detail.len > 0) {
        copy_detail(c, f->detail);
        parts.detail = assay_buf_bytes(&c->detail);
        head.flags |= ASSAY_KEPT_DETAIL;
    }
    enum assay_status status = fingerprint(c, f, path, head.fingerprint);
    if (status == ASSAY_OK) {
        status = assay_veil_path(c->veil, path, &parts.field);
    }
    if (status == ASSAY_OK) {
        assay_kept_encode(&head, &parts, &c->blobs);
        status = assay_buf_status(&c->blobs);
    }
    return status;
}

/* Remembers that the file has a finding of this rule, once a chunk. */
static void note_rule(struct assay_collector *c, uint32_t rule)
{
    if (c->rule_chunk[rule] != c->chunk) {
        c->rule_chunk[rule] = c->chunk;
        c->delta.rules[c->delta.n_rules++] = rule;
    }
}

static void note_file(struct assay_collector *c, uint32_t rule, uint32_t file)
{
    uint64_t bit = UINT64_C(1) << file % 64;
    uint64_t *word = &c->rule_files[rule][file / 64];
    c->tally.rules[rule].files += (*word & bit) == 0;
    *word |= bit;
}

/* The files that a finding about the dataset names count once per rule, however many findings name
 * them. */
static enum assay_status note_files(struct assay_collector *c, const struct assay_finding *f)
{
    size_t files = assay_inventory_count(c->run->inventory);
    uint64_t **seen = &c->rule_files[f->rule];
    if (*seen == NULL && (*seen = calloc(files / 64 + 1, sizeof **seen)) == NULL) {
        return ASSAY_NOMEM;
    }
    if (f->file < files) {
        note_file(c, f->rule, f->file);
    }
    for (uint32_t i = 0; i < f->n_members; i++) {
        note_file(c, f->rule, f->members[i].file);
    }
    return ASSAY_OK;
}

/* Too much in one batch: the finding counts, but is not listed. Said once a chunk. */
static enum assay_status overflow(struct assay_collector *c, const struct assay_finding *f)
{
    c->blobs.status = ASSAY_OK;
    struct assay_found_entry *last = &c->entries[c->n_entries - 1];
    last->blob = UINT64_MAX;
    note_rule(c, f->rule);
    if (!c->overflowed) {
        c->overflowed = 1;
        assay_collector_missed(c, ASSAY_SKIP_LIMIT, 0, 0);
    }
    return ASSAY_OK;
}

static enum assay_status on_finding(void *ctx, const struct assay_finding *given)
{
    struct assay_collector *c = ctx;
    if (!is_valid(c, given)) {
        return ASSAY_PLUGIN;
    }
    if (c->muted) {
        return ASSAY_OK;
    }
    struct assay_finding f = *given;
    complete(c, &f);
    if (new_entry(c, &f) == NULL) {
        return ASSAY_NOMEM;
    }
    enum assay_status status = c->open_files ? note_files(c, &f) : ASSAY_OK;
    if (status == ASSAY_OK) {
        status = encode(c, &f);
    }
    if (status == ASSAY_LIMIT) {
        return overflow(c, &f);
    }
    if (status != ASSAY_OK) {
        c->n_entries--;
        return status;
    }
    note_rule(c, f.rule);
    if (c->open_files && c->blobs.len > c->run->tuning.piece) {
        return assay_collector_flush(c, NULL);
    }
    return ASSAY_OK;
}

static void on_skip(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes)
{
    assay_collector_skip(ctx, (unsigned)why < ASSAY_SKIP_MAX ? why : ASSAY_SKIP_PLUGIN, records,
                         bytes);
}

/* Metrics and members are for finish(). */
static enum assay_status no_metric(void *ctx, const char *name, uint64_t num, uint64_t den)
{
    (void)ctx;
    (void)name;
    (void)num;
    (void)den;
    return ASSAY_USAGE;
}

static enum assay_status no_member(void *ctx, const struct assay_membership *m)
{
    (void)ctx;
    (void)m;
    return ASSAY_USAGE;
}

void assay_collector_skip(struct assay_collector *c, enum assay_skip why, uint64_t records,
                          uint64_t bytes)
{
    assay_tally_skip(&c->tally, why, (struct assay_skip_count){0, records, bytes, 1});
    c->delta.skips |= UINT32_C(1) << why;
    c->delta.skipped_bytes += bytes;
    c->delta.skipped_records += records;
}

void assay_collector_missed(struct assay_collector *c, enum assay_skip why, uint64_t records,
                            uint64_t bytes)
{
    assay_collector_skip(c, why, records, bytes);
    c->delta.missed |= UINT32_C(1) << why;
}

enum assay_status assay_collector_raise(struct assay_collector *c, enum assay_engine_rule rule,
                                        struct assay_finding *f, const char *detail)
{
    f->rule = c->run->engine_rules[rule];
    f->detail = assay_bytes_str(detail);
    return f->rule == ASSAY_NONE ? ASSAY_OK : on_finding(c, f);
}

/* ---- flush --------------------------------------------------------------------------------- */

#define ORDER(x, y)                                                                                \
    if ((x) != (y)) {                                                                              \
        return (x) < (y) ? -1 : 1;                                                                 \
    }

static int by_place(const void *a, const void *b, void *blobs)
{
    const struct assay_found_entry *x = a, *y = b;
    ORDER(x->record, y->record)
    ORDER(x->field, y->field)
    ORDER(x->offset, y->offset)
    ORDER(x->start, y->start)
    ORDER(x->end, y->end)
    ORDER(x->rule, y->rule)
    if (x->blob == UINT64_MAX || y->blob == UINT64_MAX) {
        return x->blob < y->blob ? -1 : x->blob > y->blob;
    }
    const char *p = (const char *)blobs + x->blob, *q = (const char *)blobs + y->blob;
    uint32_t n, m;
    memcpy(&n, p, sizeof n);
    memcpy(&m, q, sizeof m);
    return memcmp(p, q, n < m ? n : m);
}

/* Counts entry i, and puts it behind those already in `sorted`. */
static void take(struct assay_collector *c, size_t i)
{
    const struct assay_found_entry *e = &c->entries[i];
    if (i == 0 || e->record != e[-1].record || e->record == ASSAY_NO_RECORD) {
        assay_tally_record(&c->tally);
    }
    assay_tally_finding(&c->tally, e->rule, e->confidence, e->records);
    if (e->blob != UINT64_MAX) {
        uint32_t len;
        memcpy(&len, c->blobs.ptr + e->blob, sizeof len);
        assay_buf_add(&c->sorted, c->blobs.ptr + e->blob, len);
        c->tally.kept++;
    }
}

/* Takes the entries [from, to) and writes them as one piece. */
static enum assay_status write_piece(struct assay_collector *c, size_t from, size_t to,
                                     uint64_t seq, struct assay_error *err)
{
    assay_buf_clear(&c->sorted);
    for (size_t i = from; i < to; i++) {
        take(c, i);
    }
    if (assay_buf_status(&c->sorted) != ASSAY_OK) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory while sorting findings");
    }
    if (c->sorted.len == 0) {
        return ASSAY_OK;
    }
    uint32_t file = c->open_files ? ASSAY_NONE : c->file;
    return assay_spool_write(c->run->spool, file, seq, assay_buf_bytes(&c->sorted), err);
}

static void forget(struct assay_collector *c)
{
    c->n_entries = 0;
    if (c->blobs.cap > 4 * c->run->tuning.piece) {
        assay_buf_release(&c->blobs);
        assay_buf_release(&c->sorted);
        assay_buf_init(&c->blobs, HELD_MAX);
        assay_buf_init(&c->sorted, HELD_MAX);
    }
    assay_buf_clear(&c->blobs);
}

enum assay_status assay_collector_flush(struct assay_collector *c, struct assay_error *err)
{
    if (c->n_entries == 0) {
        return ASSAY_OK;
    }
    if (!c->open_files) {
        qsort_r(c->entries, c->n_entries, sizeof *c->entries, by_place, c->blobs.ptr);
    }
    size_t whole = c->n_entries;
    while (!c->open_files && whole > 0 && c->entries[whole - 1].record == ASSAY_NO_RECORD) {
        whole--;
    }
    enum assay_status status = write_piece(c, 0, whole, c->seq, err);
    if (status == ASSAY_OK) {
        status = write_piece(c, whole, c->n_entries, c->seq | ASSAY_SEQ_FILE, err);
    }
    c->seq++;
    forget(c);
    return status;
}

enum assay_status assay_collector_relieve(struct assay_collector *c, struct assay_error *err)
{
    return c->blobs.len > c->run->tuning.piece ? assay_collector_flush(c, err) : ASSAY_OK;
}

/* ---- life ---------------------------------------------------------------------------------- */

enum assay_status assay_collector_init(struct assay_collector *c, const struct assay_run *run,
                                       struct assay_error *err)
{
    memset(c, 0, sizeof *c);
    c->sink = (struct assay_sink){.size = sizeof c->sink,
                                  .ctx = c,
                                  .finding = on_finding,
                                  .skip = on_skip,
                                  .metric = no_metric,
                                  .member = no_member,
                                  .hand = assay_handover_give};
    c->run = run;
    c->key_record = ASSAY_NONE;
    assay_buf_init(&c->blobs, HELD_MAX);
    assay_buf_init(&c->sorted, HELD_MAX);
    assay_buf_init(&c->masked, 8 * VALUE_MASKED);
    assay_buf_init(&c->folded, 32 * (size_t)VALUE_FOLDED);
    assay_buf_init(&c->detail, 2 * DETAIL_MAX);
    c->hmac = assay_hmac_clone(run->hmac);
    c->rule_chunk = calloc(run->n_rules + 1u, sizeof *c->rule_chunk);
    c->rule_files = calloc(run->n_rules + 1u, sizeof *c->rule_files);
    c->delta.rules = calloc(run->n_rules + 1u, sizeof *c->delta.rules);
    enum assay_status status = assay_tally_init(&c->tally, run->opt->policy, run->n_rules);
    if (c->hmac == NULL || c->rule_chunk == NULL || c->rule_files == NULL ||
        c->delta.rules == NULL || status != ASSAY_OK) {
        assay_collector_release(c);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    status = assay_veil_new(run->opt->matcher, run->opt->rules, &c->veil, err);
    if (status != ASSAY_OK) {
        assay_collector_release(c);
    }
    return status;
}

void assay_collector_release(struct assay_collector *c)
{
    assay_buf_release(&c->blobs);
    assay_buf_release(&c->sorted);
    assay_buf_release(&c->masked);
    assay_buf_release(&c->folded);
    assay_buf_release(&c->detail);
    assay_hmac_free(c->hmac);
    assay_veil_free(c->veil);
    assay_tally_release(&c->tally);
    free(c->entries);
    for (uint32_t r = 0; c->rule_files != NULL && r < c->run->n_rules; r++) {
        free(c->rule_files[r]);
    }
    free(c->rule_files);
    free(c->rule_chunk);
    free(c->delta.rules);
    memset(c, 0, sizeof *c);
}

void assay_collector_begin(struct assay_collector *c, uint32_t file, uint64_t seq)
{
    uint32_t *rules = c->delta.rules;
    c->delta = (struct assay_delta){.rules = rules};
    c->file = file;
    c->seq = seq;
    c->chunk++;
    c->overflowed = 0;
    assay_collector_batch(c, NULL);
}

void assay_collector_batch(struct assay_collector *c, const struct assay_batch *batch)
{
    c->batch = batch;
    c->key_record = ASSAY_NONE;
}
