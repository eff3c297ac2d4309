/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plugins/reader_harness.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/utf8.h"

#define LOG_MAX ASSAY_MIB(512)
#define JUNK    '"'

struct harness {
    const struct assay_reader *reader;
    const struct harness_plan *plan;
    struct harness_result *out;
    struct assay_bytes text;
    void *self, *local;
    uint64_t ordinal, offset; /* of the first byte not consumed */
    uint32_t random;
};

static void fault(struct harness *h, const char *what)
{
    if (h->out->fault[0] == '\0') {
        (void)snprintf(h->out->fault, sizeof h->out->fault, "%s at offset %llu", what,
                       (unsigned long long)h->offset);
    }
}

#define EXPECT(h, condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fault(h, #condition);                                                                  \
        }                                                                                          \
    } while (0)

/* ---- the host ---- */

static const char *host_option(void *ctx, const char *name)
{
    const struct harness *h = ctx;
    for (const char *const *o = h->plan->options; o != NULL && *o != NULL; o += 2) {
        if (strcmp(o[0], name) == 0) {
            return o[1];
        }
    }
    return NULL;
}

static uint32_t host_rule_index(void *ctx, const char *id)
{
    const struct harness *h = ctx;
    for (uint32_t i = 0; h->reader->rules != NULL && h->reader->rules[i].id != NULL; i++) {
        if (strcmp(h->reader->rules[i].id, id) == 0) {
            return i;
        }
    }
    return ASSAY_NONE;
}

static enum assay_status sink_finding(void *ctx, const struct assay_finding *f)
{
    struct harness *h = ctx;
    EXPECT(h, f->size == sizeof *f);
    EXPECT(h, f->file == 7);
    assay_buf_addf(&h->out->findings, "%s", h->reader->rules[f->rule].id);
    if (f->ordinal != ASSAY_NO_RECORD) {
        assay_buf_addf(&h->out->findings, " #%llu", (unsigned long long)f->ordinal);
    }
    assay_buf_addf(&h->out->findings, " @%llu\n", (unsigned long long)f->offset);
    return ASSAY_OK;
}

static void sink_skip(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes)
{
    struct harness *h = ctx;
    h->out->skipped_records[why] += records;
    h->out->skipped_bytes[why] += bytes;
}

/* ---- what a batch promises ---- */

static void check_field(struct harness *h, const struct assay_batch *b, uint32_t i, uint32_t record)
{
    const struct assay_field *f = &b->fields[i];
    EXPECT(h, f->record == record);
    EXPECT(h, f->path < b->n_paths);
    EXPECT(h, (uint64_t)f->start + f->len + 1 <= b->text_len);
    EXPECT(h, b->text[f->start + f->len] == ASSAY_FIELD_SEPARATOR);
    EXPECT(h, i == 0 || f->start > b->fields[i - 1].start + b->fields[i - 1].len);
    const struct assay_bytes v = assay_batch_value(b, i);
    const struct assay_bytes path = b->paths[f->path];
    EXPECT(h, assay_utf8_valid(v.ptr, v.len) == v.len);
    EXPECT(h, assay_utf8_valid(path.ptr, path.len) == path.len);
    EXPECT(h, path.len == 0 || path.ptr[0] == '/');
    EXPECT(h, path.len <= ASSAY_LIMIT_POINTER);
    assay_buf_addf(&h->out->records, "F %.*s %u %u [", (int)path.len, path.ptr, f->kind, f->flags);
    assay_buf_addb(&h->out->records, v);
    assay_buf_adds(&h->out->records, "]\n");
}

static void check_batch(struct harness *h, const struct assay_chunk *chunk,
                        const struct assay_batch *b, uint64_t *seen)
{
    uint32_t field = 0;
    EXPECT(h, b->size == sizeof *b && b->file == 7 && b->n_records > 0);
    for (uint32_t i = 0; i < b->n_records; i++) {
        const struct assay_record *r = &b->records[i];
        const uint64_t in_chunk = r->offset - chunk->offset;
        EXPECT(h, r->ordinal == chunk->first_ordinal + *seen);
        EXPECT(h, r->offset >= chunk->offset && in_chunk + r->raw.len <= chunk->data.len);
        EXPECT(h, r->raw.ptr == chunk->data.ptr + in_chunk);
        EXPECT(h, r->first_field == field);
        assay_buf_addf(&h->out->records, "R %llu %llu %zu\n", (unsigned long long)r->ordinal,
                       (unsigned long long)r->offset, r->raw.len);
        for (uint32_t j = 0; j < r->n_fields; j++) {
            check_field(h, b, field++, i);
        }
        (*seen)++;
    }
    EXPECT(h, field == b->n_fields);
}

/* Parses one chunk, given as a copy of its own. */
static void run_chunk(struct harness *h, struct assay_bytes data, uint64_t records, int last)
{
    char *copy = malloc(data.len + ASSAY_CHUNK_PADDING);
    if (copy == NULL) {
        fault(h, "out of memory");
        return;
    }
    memcpy(copy, data.ptr, data.len);
    memset(copy + data.len, JUNK, ASSAY_CHUNK_PADDING);
    struct assay_sink sink = {
        .size = sizeof sink, .ctx = h, .finding = sink_finding, .skip = sink_skip};
    struct assay_chunk chunk = {7, 0, {copy, data.len}, h->offset, h->ordinal, last};
    struct assay_batch batch;
    struct assay_error err;
    uint64_t seen = 0;
    enum assay_status st;
    for (int restart = 1;; restart = 0) {
        st = h->reader->next(h->self, h->local, &chunk, restart, &batch, &sink, &err);
        if (st != ASSAY_OK) {
            break;
        }
        check_batch(h, &chunk, &batch, &seen);
    }
    EXPECT(h, st == ASSAY_END);
    EXPECT(h, seen == records);
    h->out->n_records += seen;
    free(copy);
}

/* ---- the feed ---- */

static size_t piece(struct harness *h)
{
    if (h->plan->seed == 0) {
        return SIZE_MAX;
    }
    h->random = h->random * 1664525u + 1013904223u;
    return 1 + (h->random >> 8) % h->plan->max_piece;
}

static void consume(struct harness *h, size_t n, uint64_t records)
{
    h->offset += n;
    h->ordinal += records;
}

/* Passes over the record at h->offset. */
static void discard(struct harness *h, size_t seen_len)
{
    const uint64_t start = h->offset;
    size_t window = seen_len;
    for (;;) {
        const size_t left = h->text.len - (size_t)h->offset;
        window = window < left ? window : left;
        struct assay_split sp = {0, 0, 0};
        const struct assay_bytes data = assay_bytes_make(h->text.ptr + h->offset, window);
        EXPECT(h, h->reader->split(h->self, data, ASSAY_SPLIT_DISCARD, &sp) == ASSAY_OK);
        EXPECT(h, sp.consumed <= window && (sp.consumed > 0 || sp.done));
        consume(h, sp.consumed, 0);
        if (sp.done || h->offset == h->text.len || h->out->fault[0] != '\0') {
            break;
        }
        window = piece(h);
    }
    h->out->skipped_records[ASSAY_SKIP_TOO_LONG]++;
    h->out->skipped_bytes[ASSAY_SKIP_TOO_LONG] += h->offset - start;
    assay_buf_addf(&h->out->findings, "too-long #%llu @%llu\n", (unsigned long long)h->ordinal,
                   (unsigned long long)start);
    h->ordinal++;
}

static void feed(struct harness *h)
{
    const uint64_t limit = h->plan->max_record == 0 ? ASSAY_LIMIT_RECORD : h->plan->max_record;
    size_t have = 0; /* bytes seen from h->offset on */
    while (h->offset < h->text.len && h->out->fault[0] == '\0') {
        const size_t left = h->text.len - (size_t)h->offset;
        const size_t more = piece(h);
        have = more < left - have ? have + more : left;
        have = have <= limit ? have : (size_t)limit + 1;
        h->out->most_buffered = have > h->out->most_buffered ? have : h->out->most_buffered;
        const int last = have == left;
        struct assay_split sp = {0, 0, 0};
        const struct assay_bytes data = assay_bytes_make(h->text.ptr + h->offset, have);
        EXPECT(h, h->reader->split(h->self, data, last ? ASSAY_SPLIT_LAST : ASSAY_SPLIT_MORE,
                                   &sp) == ASSAY_OK);
        EXPECT(h, sp.consumed <= have && (!last || sp.consumed == have));
        if (sp.consumed == 0 && have > limit) {
            discard(h, have);
            have = 0;
            continue;
        }
        if (sp.consumed > 0) {
            run_chunk(h, assay_bytes_make(data.ptr, sp.consumed), sp.records, last);
            consume(h, sp.consumed, sp.records);
            have -= sp.consumed;
        }
    }
}

void harness_run(const struct assay_reader *reader, struct assay_bytes text,
                 const struct harness_plan *plan, struct harness_result *ret)
{
    memset(ret, 0, sizeof *ret);
    assay_buf_init(&ret->records, LOG_MAX);
    assay_buf_init(&ret->findings, LOG_MAX);
    struct harness h = {.reader = reader, .plan = plan, .out = ret, .text = text};
    h.random = plan->seed;
    const size_t head = text.len < ASSAY_LIMIT_HEAD ? text.len : ASSAY_LIMIT_HEAD;
    /* The head as the engine gives it: no padding. */
    char *copy = malloc(head + 1);
    struct assay_reader_input in = {.size = sizeof in, .file = 7};
    struct assay_host host = {.abi = ASSAY_PLUGIN_ABI, .size = sizeof host, .ctx = &h};
    struct assay_error err;
    if (copy == NULL) {
        fault(&h, "out of memory");
        return;
    }
    if (head > 0) {
        memcpy(copy, text.ptr, head);
    }
    host.option = host_option;
    host.rule_index = host_rule_index;
    in.name = plan->name == NULL ? "file" : plan->name;
    in.head = assay_bytes_make(copy, head);
    in.head_is_all = head == text.len;
    in.max_record = plan->max_record == 0 ? ASSAY_LIMIT_RECORD : plan->max_record;
    in.max_depth = plan->max_depth == 0 ? ASSAY_LIMIT_DEPTH : plan->max_depth;
    const int score = reader->probe(in.head, in.name);
    EXPECT(&h, score >= 0 && score <= 100);
    EXPECT(&h, reader->open(&host, &in, &h.self, &err) == ASSAY_OK);
    free(copy); /* nobody may keep it */
    EXPECT(&h, reader->local_init(&host, &h.local, &err) == ASSAY_OK);
    if (ret->fault[0] == '\0') {
        feed(&h);
    }
    reader->local_free(h.local);
    reader->close(h.self);
}

void harness_release(struct harness_result *r)
{
    assay_buf_release(&r->records);
    assay_buf_release(&r->findings);
}

static const char *difference(const struct harness_result *a, const struct harness_result *b)
{
    if (b->fault[0] != '\0') {
        return "a promise is broken when the text comes in pieces";
    }
    if (!assay_bytes_equal(assay_buf_bytes(&a->records), assay_buf_bytes(&b->records))) {
        return "the records depend on the pieces";
    }
    if (!assay_bytes_equal(assay_buf_bytes(&a->findings), assay_buf_bytes(&b->findings))) {
        return "the findings depend on the pieces";
    }
    if (memcmp(a->skipped_records, b->skipped_records, sizeof a->skipped_records) != 0 ||
        memcmp(a->skipped_bytes, b->skipped_bytes, sizeof a->skipped_bytes) != 0) {
        return "the skips depend on the pieces";
    }
    return NULL;
}

const char *harness_compare(const struct assay_reader *reader, struct assay_bytes text,
                            struct harness_plan plan, unsigned n_seeds, struct harness_result *base)
{
    static const size_t sizes[] = {1, 3, 17, 64, 300, 5000};
    struct harness_result whole;
    plan.seed = 0;
    harness_run(reader, text, &plan, &whole);
    const char *wrong = whole.fault[0] == '\0' ? NULL : "a promise is broken";
    for (unsigned i = 1; i <= n_seeds && wrong == NULL; i++) {
        struct harness_result parts;
        plan.seed = i;
        plan.max_piece = sizes[i % (sizeof sizes / sizeof sizes[0])];
        harness_run(reader, text, &plan, &parts);
        wrong = difference(&whole, &parts);
        if (wrong != NULL && parts.fault[0] != '\0') {
            memcpy(whole.fault, parts.fault, sizeof whole.fault);
        }
        harness_release(&parts);
    }
    if (wrong != NULL) {
        (void)fprintf(stderr, "# %s: %s\n", wrong, whole.fault);
    }
    if (base != NULL) {
        *base = whole;
    } else {
        harness_release(&whole);
    }
    return wrong;
}
