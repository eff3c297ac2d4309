/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/review: a scanner that looks twice sees the same records twice, whatever the number of
 * threads and the size of chunks; what differs between the looks is said.
 */
#include "tests/unit/engine/audit_fixture.h"

#include <zlib.h>

/* ---- a scanner that looks twice -------------------------------------------------------------- */

/* Sums over records, so that the order in which they come does not matter. */
struct seen {
    uint64_t records, sum;
};

struct twice {
    struct seen first, again;
    unsigned looks;
};

static unsigned twice_wants_looks; /* how often it asks */
static const char *twice_skips;    /* a part of the names it does not want again */
static int twice_fails;            /* review() fails */
static int twice_fails_to_begin;
static int twice_locals; /* made and not freed */
static const struct assay_host *twice_host;
static const char *twice_opens; /* a file that it opens through the host at its second look */
static char twice_opened[64];

static void see(struct seen *s, const struct assay_batch *b)
{
    for (uint32_t i = 0; i < b->n_records; i++) {
        const struct assay_record *r = &b->records[i];
        uint64_t h[2];
        assay_xxh3_128(r->raw.ptr, r->raw.len, b->file * 1000003u + r->ordinal, h);
        s->sum += h[0] ^ r->offset;
        for (uint32_t f = r->first_field; f < r->first_field + r->n_fields; f++) {
            struct assay_bytes v = assay_batch_value(b, f);
            assay_xxh3_128(v.ptr, v.len, f - r->first_field, h);
            s->sum += h[0];
        }
    }
    s->records += b->n_records;
}

static void add(struct seen *into, const struct seen *from)
{
    into->records += from->records;
    into->sum += from->sum;
}

static enum assay_status twice_init(const struct assay_host *host, void **ret,
                                    struct assay_error *err)
{
    (void)err;
    twice_host = host;
    *ret = NULL;
    return ASSAY_OK;
}

static enum assay_status twice_local(const void *shared, void **ret, struct assay_error *err)
{
    (void)shared;
    (void)err;
    *ret = calloc(1, sizeof(struct twice));
    return ASSAY_OK;
}

static int wanted_name(uint32_t file)
{
    const char *name = twice_host->file_name(twice_host->ctx, file);
    return twice_skips == NULL || strstr(name, twice_skips) == NULL;
}

static enum assay_status twice_scan(const void *shared, void *local,
                                    const struct assay_scan_input *in, struct assay_sink *sink)
{
    (void)shared;
    (void)sink;
    if (wanted_name(in->batch->file)) {
        see(&((struct twice *)local)->first, in->batch);
    }
    return ASSAY_OK;
}

static enum assay_status twice_merge(const void *shared, void *into, void *from,
                                     struct assay_error *err)
{
    (void)shared;
    (void)err;
    add(&((struct twice *)into)->first, &((struct twice *)from)->first);
    return ASSAY_OK;
}

static enum assay_status twice_finish(const void *shared, void *merged, struct assay_sink *sink)
{
    (void)shared;
    const struct twice *t = merged;
    (void)sink->metric(sink->ctx, "twice.looks", t->looks, 1);
    (void)sink->metric(sink->ctx, "twice.first_records", t->first.records, 1);
    (void)sink->metric(sink->ctx, "twice.first_sum", t->first.sum, 1);
    (void)sink->metric(sink->ctx, "twice.again_records", t->again.records, 1);
    return sink->metric(sink->ctx, "twice.again_sum", t->again.sum, 1);
}

static void open_through_host(void)
{
    uint32_t file = twice_host->find_file(twice_host->ctx, twice_opens, strlen(twice_opens));
    int fd = file == ASSAY_NONE ? -1 : twice_host->open_file(twice_host->ctx, file);
    ssize_t n = fd < 0 ? -1 : read(fd, twice_opened, sizeof twice_opened - 1);
    twice_opened[n < 0 ? 0 : n] = '\0';
    if (fd >= 0) {
        assert_true(write(fd, "x", 1) < 0);
        (void)close(fd);
    }
}

static enum assay_status twice_begin(const void *shared, void *merged, int *ret_wanted,
                                     struct assay_error *err)
{
    (void)shared;
    (void)err;
    struct twice *t = merged;
    if (twice_fails_to_begin) {
        return ASSAY_INTERNAL;
    }
    if (twice_opens != NULL) {
        open_through_host();
    }
    *ret_wanted = t->looks < twice_wants_looks;
    t->looks += *ret_wanted != 0;
    return ASSAY_OK;
}

static int twice_may = 1;

static int twice_review_may(const void *shared)
{
    (void)shared;
    return twice_may;
}

static int twice_wants(const void *shared, const void *merged, uint32_t file)
{
    (void)shared;
    (void)merged;
    return wanted_name(file);
}

static enum assay_status twice_review_local(const void *shared, const void *merged, void **ret,
                                            struct assay_error *err)
{
    (void)shared;
    (void)merged;
    (void)err;
    twice_locals++;
    *ret = calloc(1, sizeof(struct seen));
    return ASSAY_OK;
}

static enum assay_status twice_review(const void *shared, const void *merged, void *local,
                                      const struct assay_batch *batch)
{
    (void)shared;
    (void)merged;
    see(local, batch);
    return twice_fails ? ASSAY_INTERNAL : ASSAY_OK;
}

static enum assay_status twice_review_merge(const void *shared, void *merged, void *local,
                                            struct assay_error *err)
{
    (void)shared;
    (void)err;
    add(&((struct twice *)merged)->again, local);
    return ASSAY_OK;
}

static void twice_review_free(void *local)
{
    twice_locals -= local != NULL;
    free(local);
}

static const struct assay_scanner twice_scanner = {
    .abi = ASSAY_PLUGIN_ABI,
    .size = sizeof(struct assay_scanner),
    .name = "twice",
    .version = "1",
    .license = "Apache-2.0",
    .summary = "looks twice",
    .init = twice_init,
    .local_init = twice_local,
    .scan = twice_scan,
    .merge = twice_merge,
    .finish = twice_finish,
    .local_free = free,
    .free = free,
    .review_begin = twice_begin,
    .review_wants = twice_wants,
    .review_local = twice_review_local,
    .review = twice_review,
    .review_merge = twice_review_merge,
    .review_free = twice_review_free,
    .review_may = twice_review_may,
};

/* ---- helpers --------------------------------------------------------------------------------- */

static void open_twice(struct bench *b)
{
    twice_wants_looks = 1;
    twice_skips = NULL;
    twice_fails = twice_fails_to_begin = 0;
    twice_opens = NULL;
    bench_open(b, NULL);
    assert_int_equal(assay_plugins_add_scanner(b->plugins, &twice_scanner, &b->err), ASSAY_OK);
}

static void put_gzip(const char *name, const struct assay_buf *text)
{
    put(name, "");
    gzFile gz = gzopen(name, "wb");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, text->ptr, (unsigned)text->len), (int)text->len);
    assert_int_equal(gzclose(gz), Z_OK);
}

static void make_dataset(void)
{
    struct assay_buf b;
    assay_buf_init(&b, ASSAY_MIB(16));
    for (unsigned i = 0; i < 12; i++) {
        char name[64];
        assay_buf_clear(&b);
        add_records(&b, i, i == 3 ? 4000 : i * 7);
        (void)snprintf(name, sizeof name, "data/d%u/f%u.jsonl", i % 3, i);
        put_bytes(name, b.ptr == NULL ? "" : b.ptr, b.len);
    }
    put_gzip("data/z.jsonl.gz", &b);
    put("data/t.csv", "a,b\n1,x\n2,\"y\nz\"\n3,w\n");
    put("data/t.txt", "one\n\ntwo CANARY000001\nthree\n");
    put("data/broken.jsonl", "{\"a\":1}\nnope\n{\"a\":2}\n");
    put("data/binary.bin", "\x7f\x45\x4c\x46");
    assay_buf_release(&b);
}

/* Whether `dump` says that one reason, and for how many files. */
static void assert_skip(const struct bench *b, enum assay_skip why, uint64_t files)
{
    const struct assay_skip_count *s = &assay_audit_coverage(b->audit)->skipped[why];
    assert_int_equal(s->files, files);
    assert_int_equal(s->noted, 1);
    assert_int_equal(assay_audit_verdict(b->audit), ASSAY_INCOMPLETE);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void the_same_records_are_seen_twice(void **state)
{
    (void)state;
    static const struct {
        unsigned jobs;
        size_t chunk;
        uint64_t large;
    } ways[] = {{1, 0, 0}, {2, 0, 0}, {7, 0, 0}, {1, 4096, 1}, {2, 4096, 1}, {7, 64, 1}};
    struct bench b;
    char *first = NULL;
    make_dataset();
    open_twice(&b);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        b.opt.jobs = ways[i].jobs;
        b.tuning.chunk = ways[i].chunk;
        b.tuning.large = ways[i].large;
        bench_run(&b);
        assert_true(metric(&b, "twice.first_records") > 4400);
        assert_int_equal(metric(&b, "twice.again_records"), metric(&b, "twice.first_records"));
        assert_int_equal(metric(&b, "twice.again_sum"), metric(&b, "twice.first_sum"));
        assert_int_equal(metric(&b, "twice.looks"), 1);
        char *dump = bench_dump(&b);
        if (first != NULL) {
            assert_string_equal(dump, first);
            free(dump);
        } else {
            first = dump;
        }
    }
    assert_int_equal(twice_locals, 0);
    free(first);
    bench_close(&b);
}

static void a_second_look_changes_nothing_else(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_twice(&b);
    twice_wants_looks = 0;
    bench_run(&b);
    char *before = bench_dump(&b);
    assert_int_equal(metric(&b, "twice.again_records"), 0);
    twice_wants_looks = 3;
    bench_run(&b);
    char *after = bench_dump(&b);
    assert_int_equal(metric(&b, "twice.looks"), 3);
    assert_int_equal(metric(&b, "twice.again_records"), 3 * metric(&b, "twice.first_records"));
    char *a = strstr(before, "metric twice."), *z = strstr(after, "metric twice.");
    assert_int_equal(a - before, z - after);
    assert_memory_equal(before, after, (size_t)(a - before));
    assert_string_equal(strstr(a, "binary.bin"), strstr(z, "binary.bin"));
    free(before);
    free(after);
    bench_close(&b);
}

static void only_what_is_wanted_is_read(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_twice(&b);
    twice_skips = "d1/";
    bench_run(&b);
    assert_true(metric(&b, "twice.first_records") > 0);
    assert_int_equal(metric(&b, "twice.again_sum"), metric(&b, "twice.first_sum"));
    twice_skips = ".";
    bench_run(&b);
    assert_int_equal(metric(&b, "twice.looks"), 1);
    assert_int_equal(metric(&b, "twice.again_records"), 0);
    bench_close(&b);
}

static int opened_times;

/* Rewrites the file just before it is read again, its size and its first records as they were. */
static void change_when_opened_again(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "t.txt") == 0 && ++opened_times == 2) {
        put("data/t.txt", "one\n\ntwo CANARY000001\nthrow\n");
    }
}

static void remove_when_opened_again(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "broken.jsonl") == 0 && ++opened_times == 2) {
        assert_int_equal(unlink("data/t.txt"), 0);
    }
}

static void a_file_that_changes_between_the_looks_is_said(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs < 8; jobs += 3) {
        struct bench b;
        make_dataset();
        assert_int_equal(unlink("data/broken.jsonl"), 0);
        assert_int_equal(unlink("data/binary.bin"), 0);
        open_twice(&b);
        b.opt.jobs = jobs;
        bench_run(&b);
        assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
        opened_times = 0;
        b.tuning.opened = change_when_opened_again;
        bench_run(&b);
        assert_int_equal(opened_times, 2);
        assert_skip(&b, ASSAY_SKIP_CHANGED, 1);
        char *dump = bench_dump(&b);
        assert_non_null(strstr(dump, "engine.changed|t.txt|"));
        assert_non_null(strstr(dump, "at the second look"));
        assert_non_null(strstr(dump, "rule engine.changed: records 0 files 1"));
        free(dump);
        assert_int_equal(assay_audit_coverage(b.audit)->files_scanned,
                         assay_audit_coverage(b.audit)->files_total - 1);
        bench_close(&b);
    }
}

static void a_file_that_is_gone_is_said(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_twice(&b);
    b.opt.jobs = 1;
    opened_times = 0;
    b.tuning.opened = remove_when_opened_again;
    bench_run(&b);
    assert_skip(&b, ASSAY_SKIP_CHANGED, 1);
    bench_close(&b);
}

static void a_scanner_that_fails_is_said(void **state)
{
    (void)state;
    struct bench b;
    put("data/t.txt", "one\n");
    put("data/u.txt", "two\n");
    open_twice(&b);
    twice_fails = 1;
    bench_run(&b);
    assert_skip(&b, ASSAY_SKIP_PLUGIN, 2);
    char *dump = bench_dump(&b);
    assert_non_null(strstr(dump, "scanner twice, at its second look"));
    free(dump);
    twice_fails = 0;
    twice_fails_to_begin = 1;
    bench_run(&b);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
    assert_int_equal(metric(&b, "twice.again_records"), 0);
    bench_close(&b);
}

static void looks_are_bounded(void **state)
{
    (void)state;
    struct bench b;
    put("data/t.txt", "one\n");
    open_twice(&b);
    twice_wants_looks = ASSAY_LIMIT_REVIEWS;
    bench_run(&b);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
    assert_int_equal(metric(&b, "twice.again_records"), ASSAY_LIMIT_REVIEWS);
    twice_wants_looks = 100;
    bench_run(&b);
    assert_skip(&b, ASSAY_SKIP_LIMIT, 0);
    assert_int_equal(metric(&b, "twice.again_records"), ASSAY_LIMIT_REVIEWS);
    bench_close(&b);
}

static void standard_input_is_seen_twice(void **state)
{
    (void)state;
    static const char *const roots[] = {"-"};
    struct assay_buf text;
    struct bench b;
    assay_buf_init(&text, ASSAY_MIB(16));
    add_records(&text, 1, 5000);
    put_bytes("input", text.ptr, text.len);
    open_twice(&b);
    b.opt.roots = roots;
    int keep = dup(STDIN_FILENO);
    for (unsigned jobs = 1; jobs < 8; jobs += 3) {
        int fd = open("input", O_RDONLY | O_CLOEXEC);
        assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
        assert_int_equal(close(fd), 0);
        b.opt.jobs = jobs;
        bench_run(&b);
        assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
        assert_int_equal(metric(&b, "twice.first_records"), 5000);
        assert_int_equal(metric(&b, "twice.again_sum"), metric(&b, "twice.first_sum"));
    }
    assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
    assert_int_not_equal(bench_try(&b), ASSAY_OK);
    assert_non_null(strstr(b.err.message, "copy of standard input"));
    twice_may = 0; /* then nothing is kept, and what fails is something else */
    assert_int_not_equal(bench_try(&b), ASSAY_OK);
    assert_null(strstr(b.err.message, "copy of standard input"));
    twice_may = 1;
    assert_int_equal(unsetenv("TMPDIR"), 0);
    (void)dup2(keep, STDIN_FILENO);
    (void)close(keep);
    assay_buf_release(&text);
    bench_close(&b);
}

static void the_host_opens_files(void **state)
{
    (void)state;
    static const char *const file_root[] = {"data/t.txt"};
    struct bench b;
    put("data/t.txt", "one\ntwo\n");
    put("data/t.tx", "other");
    open_twice(&b);
    twice_opens = "t.txt";
    bench_run(&b);
    assert_string_equal(twice_opened, "one\ntwo\n");
    twice_opens = "t.t";
    bench_run(&b);
    assert_string_equal(twice_opened, "");
    /* A root that is a file: what a scanner reads does not move what the engine reads. */
    b.opt.roots = file_root;
    twice_opens = "t.txt";
    bench_run(&b);
    assert_string_equal(twice_opened, "one\ntwo\n");
    assert_int_equal(metric(&b, "twice.again_sum"), metric(&b, "twice.first_sum"));
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
    bench_close(&b);
}

static atomic_int stop;

static void stop_at_second_look(void *ctx, const struct assay_progress *p)
{
    (void)ctx;
    if (strcmp(p->phase, "second look") == 0) {
        atomic_store(&stop, 1);
    }
}

static void stop_when_opened_again(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "t.txt") == 0 && ++opened_times == 2) {
        atomic_store(&stop, 1);
    }
}

static void a_second_look_can_be_cancelled(void **state)
{
    (void)state;
    struct bench b;
    make_dataset();
    open_twice(&b);
    atomic_store(&stop, 0);
    opened_times = 0;
    b.opt.cancel = &stop;
    b.opt.jobs = 1;
    b.opt.progress = stop_at_second_look;
    b.tuning.opened = stop_when_opened_again;
    bench_run(&b);
    assert_true(assay_audit_cancelled(b.audit));
    assert_true(assay_audit_coverage(b.audit)->skipped[ASSAY_SKIP_CANCELLED].files > 0);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
    assert_int_equal(twice_locals, 0);
    bench_close(&b);
}

static void old_and_half_made_descriptors(void **state)
{
    (void)state;
    struct bench b;
    struct assay_scanner old = twice_scanner, half = twice_scanner;
    make_dataset();
    bench_open(&b, NULL);
    old.size = (uint32_t)offsetof(struct assay_scanner, review_begin);
    assert_false(assay_scanner_looks_twice(&old));
    assert_int_equal(assay_plugins_add_scanner(b.plugins, &old, &b.err), ASSAY_OK);
    twice_wants_looks = 1;
    bench_run(&b);
    assert_int_equal(metric(&b, "twice.looks"), 0);
    half.name = "half";
    half.review_merge = NULL;
    assert_int_equal(assay_plugins_add_scanner(b.plugins, &half, &b.err), ASSAY_PLUGIN);
    assert_non_null(strstr(b.err.message, "'review_begin'"));
    bench_close(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_records_are_seen_twice),
        TEST(a_second_look_changes_nothing_else),
        TEST(only_what_is_wanted_is_read),
        TEST(a_file_that_changes_between_the_looks_is_said),
        TEST(a_file_that_is_gone_is_said),
        TEST(a_scanner_that_fails_is_said),
        TEST(looks_are_bounded),
        TEST(standard_input_is_seen_twice),
        TEST(the_host_opens_files),
        TEST(a_second_look_can_be_cancelled),
        TEST(old_and_half_made_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
