/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/reader: how fast a reader splits and parses a file held in memory, on one thread.
 *
 *     bench/reader FILE [ROUNDS]
 *
 * The reader is the one whose probe bids most. For JSON Lines bare simdjson runs in between, round
 * by round, and the ratio is printed: the machine's mood then hits both. MB are 10^6 bytes; medians
 * with (least..most).
 */
#include <stdio.h>
#include <time.h>

#include "bench/bare_simdjson.h"
#include "core/fs.h"
#include "core/limits.h"
#include "engine/plugins.h"

#define MAX_ROUNDS 101

struct times {
    double s[MAX_ROUNDS];
    unsigned n;
};

struct totals {
    uint64_t records, fields, text, findings;
    double split_seconds;
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const char *no_option(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static uint32_t no_rule(void *ctx, const char *id)
{
    (void)ctx;
    (void)id;
    return ASSAY_NONE;
}

static enum assay_status count_finding(void *ctx, const struct assay_finding *f)
{
    (void)f;
    ((struct totals *)ctx)->findings++;
    return ASSAY_OK;
}

static void ignore_skip(void *ctx, enum assay_skip why, uint64_t records, uint64_t bytes)
{
    (void)ctx;
    (void)why;
    (void)records;
    (void)bytes;
}

static const struct assay_reader *choose(const struct assay_plugins *ps, struct assay_bytes head,
                                         const char *name)
{
    const struct assay_reader *best = NULL;
    int score = 0;
    for (size_t i = 0; i < assay_plugins_count(ps); i++) {
        const struct assay_plugin *p = assay_plugins_get(ps, i);
        const int bid = p->kind == ASSAY_PLUGIN_READER ? p->reader->probe(head, name) : 0;
        if (bid > score) {
            score = bid;
            best = p->reader;
        }
    }
    return best;
}

static int parse(const struct assay_reader *r, void *local, const void *self,
                 const struct assay_chunk *chunk, struct totals *t)
{
    struct assay_sink sink = {
        .size = sizeof sink, .ctx = t, .finding = count_finding, .skip = ignore_skip};
    struct assay_batch batch;
    struct assay_error err;
    enum assay_status st;
    for (int restart = 1;; restart = 0) {
        st = r->next(self, local, chunk, restart, &batch, &sink, &err);
        if (st != ASSAY_OK) {
            break;
        }
        t->records += batch.n_records;
        t->fields += batch.n_fields;
        t->text += batch.text_len;
    }
    return st == ASSAY_END;
}

/* Splits and parses in chunks, as the engine does. 0: failed. */
static int run_reader(const struct assay_reader *r, struct assay_bytes text, const char *name,
                      struct totals *t)
{
    const struct assay_host host = {
        .abi = ASSAY_PLUGIN_ABI, .size = sizeof host, .option = no_option, .rule_index = no_rule};
    const size_t head = text.len < ASSAY_LIMIT_HEAD ? text.len : ASSAY_LIMIT_HEAD;
    const struct assay_reader_input in = {.size = sizeof in,
                                          .name = name,
                                          .head = {text.ptr, head},
                                          .head_is_all = head == text.len,
                                          .max_record = ASSAY_LIMIT_RECORD,
                                          .max_depth = ASSAY_LIMIT_DEPTH};
    struct assay_error err;
    void *self = NULL;
    void *local = NULL;
    int ok = r->open(&host, &in, &self, &err) == ASSAY_OK &&
             r->local_init(&host, &local, &err) == ASSAY_OK;
    struct assay_chunk chunk = {.data = {text.ptr, 0}};
    size_t want = ASSAY_CHUNK;
    while (ok && chunk.offset < text.len) {
        const size_t left = text.len - (size_t)chunk.offset;
        struct assay_split sp;
        chunk.last = left <= want;
        chunk.data = assay_bytes_make(text.ptr + chunk.offset, chunk.last ? left : want);
        const double start = now();
        ok = r->split(self, chunk.data, chunk.last ? ASSAY_SPLIT_LAST : ASSAY_SPLIT_MORE, &sp) ==
             ASSAY_OK;
        t->split_seconds += now() - start;
        want = sp.consumed == 0 ? want * 2 : ASSAY_CHUNK;
        chunk.data.len = sp.consumed;
        ok = ok && (sp.consumed == 0 || parse(r, local, self, &chunk, t));
        chunk.offset += sp.consumed;
        chunk.first_ordinal += sp.records;
    }
    r->local_free(local);
    r->close(self);
    return ok;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double print_times(const char *what, struct times *t, size_t bytes)
{
    qsort(t->s, t->n, sizeof t->s[0], by_value);
    const double mb = (double)bytes / 1e6;
    const double median = t->s[t->n / 2];
    (void)printf("%-16s %8.0f MB/s (%.0f..%.0f)\n", what, mb / median, mb / t->s[t->n - 1],
                 mb / t->s[0]);
    return median;
}

static int measure(const struct assay_reader *r, struct assay_bytes text, const char *name,
                   unsigned rounds)
{
    static struct times reader_times, bare_times, split_times;
    const int bare = strcmp(r->name, "jsonl") == 0;
    struct totals t;
    size_t bare_records = 0;
    for (unsigned i = 0; i < rounds; i++) {
        memset(&t, 0, sizeof t);
        double start = now();
        if (!run_reader(r, text, name, &t)) {
            (void)fprintf(stderr, "reader: %s failed\n", r->name);
            return 1;
        }
        reader_times.s[reader_times.n++] = now() - start;
        split_times.s[split_times.n++] = t.split_seconds;
        if (bare) {
            start = now();
            (void)bare_simdjson(text.ptr, text.len, &bare_records);
            bare_times.s[bare_times.n++] = now() - start;
        }
    }
    (void)printf("%llu records, %llu fields, %llu bytes of values, %llu findings\n",
                 (unsigned long long)t.records, (unsigned long long)t.fields,
                 (unsigned long long)t.text, (unsigned long long)t.findings);
    (void)print_times("split", &split_times, text.len);
    const double ours = print_times(r->name, &reader_times, text.len);
    if (bare && bare_records == t.records) { /* else the file is no JSON Lines */
        const double theirs = print_times("bare simdjson", &bare_times, text.len);
        (void)printf("%-16s %8.2f\n", "ratio", theirs / ours);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    struct assay_error err;
    struct assay_buf text;
    if (argc < 2 || rounds == 0 || rounds > MAX_ROUNDS) {
        (void)fprintf(stderr, "usage: bench/reader FILE [ROUNDS]\n");
        return 2;
    }
    assay_buf_init(&text, ASSAY_MIB(4096));
    struct assay_plugins *ps = assay_plugins_new();
    if (ps == NULL || assay_fs_read_file(argv[1], ASSAY_MIB(4000), &text, &err) != ASSAY_OK ||
        assay_buf_reserve(&text, ASSAY_CHUNK_PADDING) != ASSAY_OK) {
        (void)fprintf(stderr, "reader: cannot read the file\n");
        return 2;
    }
    const size_t head = text.len < ASSAY_LIMIT_HEAD ? text.len : ASSAY_LIMIT_HEAD;
    const struct assay_reader *r = choose(ps, assay_bytes_make(text.ptr, head), argv[1]);
    int rc = 2;
    if (r != NULL) {
        rc = measure(r, assay_buf_bytes(&text), argv[1], (unsigned)rounds);
    }
    assay_plugins_free(ps);
    assay_buf_release(&text);
    return rc;
}
