/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/audit: nothing silent, nothing leaked, nothing counted twice.
 */
#include "tests/unit/engine/audit_fixture.h"

#include <zlib.h>

static struct bench b;

static int open_bench(void **state)
{
    int bad = fixture_setup(state);
    spot_fail_on_record = -1;
    if (bad == 0) {
        bench_open(&b, NULL);
    }
    return bad;
}

static int close_bench(void **state)
{
    bench_close(&b);
    return fixture_teardown(state);
}

static void gzip(const char *name, const void *data, size_t len, size_t keep)
{
    size_t cap = compressBound((uLong)len) + 64;
    uint8_t *out = malloc(cap);
    z_stream z;
    memset(&z, 0, sizeof z);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    put_bytes(name, out, keep == 0 ? z.total_out : keep);
    (void)deflateEnd(&z);
    free(out);
}

static void assert_incomplete(enum assay_skip why, uint64_t files)
{
    assert_int_equal(skipped(&b, why)->files, files);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
}

/* ---- what is said of a sound dataset -------------------------------------------------------- */

static void a_sound_dataset_passes(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"t\":\"x\"}\n{\"t\":\"y\"}\n");
    put("data/empty.jsonl", "");
    bench_run(&b);
    const struct assay_coverage *c = assay_audit_coverage(b.audit);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
    assert_int_equal(c->files_total, 2);
    assert_int_equal(c->files_scanned, 2);
    assert_int_equal(c->records_total, 2);
    assert_int_equal(c->records_scanned, 2);
    assert_int_equal(c->bytes_scanned, c->bytes_total);
    assert_string_equal(assay_inventory_get(assay_audit_inventory(b.audit), 0)->reader, "jsonl");
    assert_null(assay_inventory_get(assay_audit_inventory(b.audit), 1)->reader);
}

static void a_finding_is_placed_masked_and_fingerprinted(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"m\":[{\"c\":\"字字 TOKEN123456!\"}]}\n");
    bench_run(&b);
    struct assay_cursor *c;
    struct assay_found f;
    assert_int_equal(assay_cursor_open(b.audit, &c, &b.err), ASSAY_OK);
    /* The scanner ignores matches; what it finds by itself stands for them. */
    put("data/a.jsonl", "{\"m\":[{\"c\":\"字字 CANARY123456!\"}]}\n");
    assay_cursor_close(c);
    bench_run(&b);
    assert_int_equal(assay_cursor_open(b.audit, &c, &b.err), ASSAY_OK);
    assert_int_equal(assay_cursor_next(c, &f, &b.err), ASSAY_OK);
    assert_string_equal(f.file, "a.jsonl");
    assert_int_equal(f.record, 0);
    assert_string_equal(f.field, "/m/0/c");
    assert_true(f.has_span);
    assert_int_equal(f.start, 3);
    assert_int_equal(f.end, 15);
    assert_int_equal(f.byte_start, 7);
    assert_int_equal(f.byte_end, 19);
    assert_non_null(strstr(f.masked, "*"));
    assert_null(strstr(f.masked, "CANARY123456"));
    assert_int_equal(assay_cursor_next(c, &f, &b.err), ASSAY_OK);
    assert_null(f.file);
    assert_int_equal(f.n_members, 1);
    assert_string_equal(f.members[0].file, "a.jsonl");
    assert_int_equal(assay_cursor_next(c, &f, &b.err), ASSAY_END);
    assay_cursor_close(c);
}

static void records_count_once_per_rule_and_condition(void **state)
{
    (void)state;
    bench_close(&b);
    bench_open(&b, "policy: p\nversion: 1.0.0\ntitle: {en: P, zh: 策}\nwarn:\n"
                   "  - {id: W1, expr: 'rate(rule == spot.canary) <= 1%'}\n"
                   "  - {id: W2, expr: 'rate(rule == spot.canary and confidence >= 0.9) <= 1%'}\n");
    put("data/a.jsonl",
        "{\"t\":\"CANARY000001 CANARY000002 CANARY000007\",\"u\":\"CANARY000003\"}\n"
        "{\"t\":\"none\"}\n{\"t\":\"CANARY000017\"}\n{\"t\":\"none\"}\n");
    put("data/b.jsonl", "{\"t\":\"CANARY000001\"}\n");
    bench_run(&b);
    const struct assay_rule_tally *t =
        assay_audit_tally(b.audit, assay_ruleset_find(b.rules, "spot.canary"));
    assert_int_equal(found(&b, "spot.canary"), 6);
    assert_int_equal(t->findings[4], 2);
    assert_int_equal(t->findings[9], 4);
    assert_int_equal(t->records, 3);
    assert_int_equal(t->files, 2);
    /* A group of files names two files and no record. */
    t = assay_audit_tally(b.audit, assay_ruleset_find(b.rules, "spot.group"));
    assert_int_equal(t->files, 2);
    assert_int_equal(t->records, 0);
    assert_int_equal(assay_audit_term(b.audit, 0)->num, 3);
    assert_int_equal(assay_audit_term(b.audit, 0)->den, 5);
    assert_int_equal(assay_audit_term(b.audit, 1)->num, 2);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_WARN);
}

/* ---- every reason for not scanning ---------------------------------------------------------- */

static void links_and_special_files_are_said(void **state)
{
    (void)state;
    put("data/a.txt", "x\n");
    assert_int_equal(symlink("a.txt", "data/link"), 0);
    assert_int_equal(mkfifo("data/pipe", 0666), 0);
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_SYMLINK, 1);
    assert_incomplete(ASSAY_SKIP_SPECIAL, 1);
    assert_int_equal(found(&b, "engine.symlink"), 1);
    assert_int_equal(found(&b, "engine.special_file"), 1);
}

static void a_format_nobody_reads_is_hashed_and_said(void **state)
{
    (void)state;
    put_bytes("data/x.bin", "\x7f\x45\x4c\x46\0\0\0\0\1\2\3\0\0\0", 14);
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_UNSUPPORTED, 1);
    assert_int_equal(skipped(&b, ASSAY_SKIP_UNSUPPORTED)->bytes, 14);
    const struct assay_entry *e = assay_inventory_get(assay_audit_inventory(b.audit), 0);
    assert_true(e->hashed);
    assert_int_equal(assay_audit_coverage(b.audit)->bytes_scanned, 0);
    assert_int_equal(found(&b, "engine.unsupported"), 1);
}

static void a_broken_record_costs_that_record(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"a\":1}\n{\"a\":\n{\"a\":\"CANARY000001\"}\n");
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_MALFORMED, 1);
    const struct assay_coverage *c = assay_audit_coverage(b.audit);
    assert_int_equal(c->records_total, 3);
    assert_int_equal(c->records_scanned, 2);
    assert_true(c->bytes_scanned < c->bytes_total);
    assert_int_equal(found(&b, "spot.canary"), 1);
}

/* Lines around the limit: exactly at it they pass, one byte over they do not, whatever the chunk
 * size. */
static void the_limit_on_records_is_exact(void **state)
{
    (void)state;
    static const size_t lengths[] = {100, 99, 101, 5000, 10, 100, 101};
    struct assay_buf t;
    assay_buf_init(&t, ASSAY_MIB(1));
    for (size_t i = 0; i < 7; i++) {
        for (size_t k = 0; k < lengths[i]; k++) {
            assay_buf_addc(&t, 'a');
        }
        assay_buf_addc(&t, '\n');
    }
    put_bytes("data/a.txt", t.ptr, t.len);
    assay_buf_release(&t);
    b.opt.max_record = 100;
    static const size_t chunks[] = {0, 16, 64, 101, 4096};
    for (size_t i = 0; i < 5; i++) {
        b.tuning.chunk = chunks[i];
        bench_run(&b);
        assert_incomplete(ASSAY_SKIP_TOO_LONG, 1);
        assert_int_equal(skipped(&b, ASSAY_SKIP_TOO_LONG)->records, 3);
        assert_int_equal(found(&b, "engine.too_long"), 3);
        assert_int_equal(assay_audit_coverage(b.audit)->records_total, 7);
        assert_int_equal(assay_audit_coverage(b.audit)->records_scanned, 4);
    }
}

static void text_that_does_not_decode_is_counted(void **state)
{
    (void)state;
    /* UTF-16LE with a byte order mark and a lone surrogate. */
    put_bytes("data/a.txt", "\xff\xfe\x41\0\x00\xd8\x42\0\n\0", 10);
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_ENCODING, 1);
    assert_int_equal(found(&b, "engine.encoding"), 1);
}

static void broken_gzip_is_said_and_what_came_before_is_kept(void **state)
{
    (void)state;
    struct assay_buf t;
    assay_buf_init(&t, ASSAY_MIB(8));
    add_records(&t, 3, 2000);
    gzip("data/whole.jsonl.gz", t.ptr, t.len, 0);
    bench_run(&b);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
    assert_int_equal(assay_audit_coverage(b.audit)->records_scanned, 2000);
    struct stat st;
    assert_int_equal(stat("data/whole.jsonl.gz", &st), 0);
    gzip("data/cut.jsonl.gz", t.ptr, t.len, (size_t)st.st_size / 2);
    assay_buf_release(&t);
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_TRUNCATED, 1);
    assert_int_equal(found(&b, "engine.truncated"), 1);
    assert_true(assay_audit_coverage(b.audit)->records_scanned > 2500);
    put_bytes("data/bad.jsonl.gz", "\x1f\x8b\x08\0\0\0\0\0\0\3 this is not deflate", 30);
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_CORRUPT, 1);
}

static void a_decompression_bomb_stops_at_the_ratio(void **state)
{
    (void)state;
    size_t len = ASSAY_MIB(20);
    char *zeroes = malloc(len);
    memset(zeroes, 'a', len);
    for (size_t i = 99; i < len; i += 100) {
        zeroes[i] = '\n';
    }
    gzip("data/bomb.txt.gz", zeroes, len, 0);
    free(zeroes);
    b.tuning.max_ratio = 50;
    b.tuning.ratio_floor = ASSAY_MIB(1);
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_RATIO, 1);
    assert_int_equal(found(&b, "engine.ratio"), 1);
}

static void append_when_opened(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "a.jsonl") == 0) {
        int fd = open("data/a.jsonl", O_WRONLY | O_APPEND);
        assert_int_equal(write(fd, "{\"b\":2}\n", 8), 8);
        (void)close(fd);
    }
}

static void a_file_that_changes_is_said(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"a\":1}\n");
    put("data/b.jsonl", "{\"a\":1}\n");
    b.tuning.opened = append_when_opened;
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_CHANGED, 1);
    assert_int_equal(found(&b, "engine.changed"), 1);
    assert_int_equal(assay_audit_coverage(b.audit)->files_scanned, 1);
}

static void remove_when_opened(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    (void)unlink("data/b.jsonl");
}

static void a_file_that_is_gone_is_a_change(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"a\":1}\n");
    put("data/b.jsonl", "{\"a\":1}\n");
    b.opt.jobs = 1;
    b.tuning.opened = remove_when_opened;
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_CHANGED, 1);
    assert_false(assay_inventory_get(assay_audit_inventory(b.audit), 1)->hashed);
}

static void three_files(void)
{
    put("data/a.jsonl", "{\"t\":\"CANARY000001\"}\n");
    put("data/b.jsonl", "{\"t\":\"CANARY000002\"}\n");
    put("data/c.jsonl", "{\"t\":\"CANARY000003\"}\n");
}

static void a_file_set_aside_is_hashed_and_named(void **state)
{
    (void)state;
    const struct assay_bytes aside[] = {assay_bytes_str("b.jsonl"), assay_bytes_str("gone.jsonl")};
    uint8_t digest[32];
    three_files();
    b.opt.aside = aside;
    b.opt.n_aside = 2;
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_POISON, 1);
    const struct assay_entry *e = assay_inventory_get(assay_audit_inventory(b.audit), 1);
    assert_true(e->hashed);
    assert_int_equal(assay_sha256_of("{\"t\":\"CANARY000002\"}\n", 21, digest), ASSAY_OK);
    assert_memory_equal(e->sha256, digest, 32);
    assert_int_equal(e->records, 0);
    assert_int_equal(found(&b, "spot.canary"), 2); /* of the other two */
    assert_int_equal(found(&b, "engine.worker_crashed"), 1);
    assert_int_equal(assay_audit_coverage(b.audit)->files_scanned, 2);
}

static unsigned files_opened;

static void count_opened(void *ctx, const char *name)
{
    (void)ctx;
    assert_string_equal(name, "b.jsonl");
    files_opened++;
}

static void a_file_tried_alone_is_the_only_one_opened(void **state)
{
    (void)state;
    const struct assay_bytes only = assay_bytes_str("b.jsonl");
    three_files();
    files_opened = 0;
    b.opt.only = &only;
    b.opt.jobs = 1;
    b.tuning.opened = count_opened;
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_CANCELLED, 2);
    assert_int_equal(files_opened, 1);
    assert_int_equal(found(&b, "spot.canary"), 1);
    assert_false(assay_inventory_get(assay_audit_inventory(b.audit), 0)->hashed);
    const struct assay_bytes gone = assay_bytes_str("gone.jsonl");
    b.opt.only = &gone;
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_CANCELLED, 3);
    assert_int_equal(files_opened, 1);
}

static void a_plugin_that_fails_costs_its_batch(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"a\":\"CANARY000001\"}\n");
    put("data/b.jsonl", "{\"a\":\"1\"}\n{\"a\":\"CANARY000001\"}\n");
    spot_fail_on_record = 1;
    bench_run(&b);
    assert_incomplete(ASSAY_SKIP_PLUGIN, 1);
    assert_int_equal(skipped(&b, ASSAY_SKIP_PLUGIN)->records, 2);
    assert_int_equal(found(&b, "engine.plugin_failure"), 1);
    assert_int_equal(found(&b, "spot.canary"), 1);
}

static void an_unreadable_file_is_said(void **state)
{
    (void)state;
    put("data/a.txt", "x\n");
    put("data/b.txt", "x\n");
    assert_int_equal(chmod("data/b.txt", 0), 0);
    fixture_as_nobody(1);
    bench_run(&b);
    fixture_as_nobody(0);
    assert_incomplete(ASSAY_SKIP_UNREADABLE, 1);
    assert_int_equal(found(&b, "engine.unreadable"), 1);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

static atomic_int cancel;
static atomic_int tasks;

static void cancel_after_some(void *ctx)
{
    if (atomic_fetch_add(&tasks, 1) == *(const int *)ctx) {
        atomic_store(&cancel, 1);
    }
}

static void cancelling_keeps_what_was_found(void **state)
{
    (void)state;
    struct assay_buf t;
    assay_buf_init(&t, ASSAY_MIB(64));
    add_records(&t, 1, 20000);
    put_bytes("data/a.jsonl", t.ptr, t.len);
    put("data/z.txt", "CANARY123456\n");
    b.tuning.chunk = 65536;
    b.tuning.working = cancel_after_some;
    b.opt.cancel = &cancel;
    for (int after = 0; after < 60; after += 7) {
        b.tuning.ctx = &after;
        atomic_store(&cancel, 0);
        atomic_store(&tasks, 0);
        bench_run(&b);
        const struct assay_coverage *c = assay_audit_coverage(b.audit);
        assert_true(assay_audit_cancelled(b.audit));
        assert_true(skipped(&b, ASSAY_SKIP_CANCELLED)->files >= 1);
        assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
        assert_true(c->records_scanned < 20000);
        assert_true(after < 20 || c->records_scanned > 0);
        assert_true(after < 20 || found(&b, "spot.canary") > 0);
        char *dump = bench_dump(&b);
        free(dump);
    }
    assay_buf_release(&t);
}

/* ---- leaks ------------------------------------------------------------------------------------
 */

static int spool_holds(const struct assay_audit *a, const char *needle)
{
    uint64_t offset;
    uint32_t len;
    int holds = 0;
    for (size_t i = 0; assay_spool_piece(a->spool, i, &offset, &len) == ASSAY_OK; i++) {
        char *p = malloc(len);
        assert_int_equal(assay_spool_read(a->spool, offset, p, len, NULL), ASSAY_OK);
        holds |= memmem(p, len, needle, strlen(needle)) != NULL;
        free(p);
    }
    return holds;
}

static void no_value_leaves_the_engine(void **state)
{
    (void)state;
    /* As value, as object key, as column name, in a broken line, in a file of another kind. */
    put("data/a.jsonl",
        "{\"CANARY123457\":{\"x\":\"my CANARY123456\"},\"TOKEN987654\":\"CANARY123456\"}\n"
        "{\"broken\": CANARY123456\n");
    put("data/b.txt", "CANARY123456 CANARY123456\n");
    put("data/TOKEN987654.txt", "x\n");
    bench_run(&b);
    char *dump = bench_dump(&b);
    assert_true(found(&b, "spot.canary") >= 4);
    assert_null(strstr(dump, "CANARY123456"));
    assert_false(spool_holds(b.audit, "CANARY123456"));
    /* Keys are matched by the rules of the packs; the file name is all that shows. */
    assert_null(strstr(dump, "/TOKEN987654|"));
    assert_non_null(strstr(dump, "|/TO*"));
    assert_int_equal(found(&b, "engine.sensitive_name"), 1);
    assert_false(spool_holds(b.audit, "TOKEN987654"));
    free(dump);
}

/* ---- wrong calls ------------------------------------------------------------------------------
 */

static void nothing_to_audit_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(bench_try(&b), ASSAY_NOTFOUND);
    assert_int_equal(assay_status_exit(ASSAY_NOTFOUND), 2);
    assert_non_null(strstr(b.err.message, "no regular files"));
    assert_int_equal(symlink("x", "data/link"), 0);
    assert_int_equal(bench_try(&b), ASSAY_NOTFOUND);
    static const char *const missing[] = {"elsewhere"};
    b.opt.roots = missing;
    assert_int_equal(bench_try(&b), ASSAY_NOTFOUND);
}

static const char *setting(const char *wanted)
{
    for (size_t i = 0; i < assay_audit_settings(b.audit); i++) {
        const char *name, *value;
        assay_audit_setting(b.audit, i, &name, &value);
        if (strcmp(name, wanted) == 0) {
            return value;
        }
    }
    return NULL;
}

/* Settings name every option in force, so the report says how overlaps were settled. */
static void options_of_plugins_are_checked(void **state)
{
    (void)state;
    put("data/a.log", "a\nb\n");
    struct assay_plugin_option o = {"text", "record", "document"};
    b.opt.plugin_options = &o;
    b.opt.n_plugin_options = 1;
    bench_run(&b);
    assert_int_equal(assay_audit_coverage(b.audit)->records_total, 1);
    assert_string_equal(setting("text.record"), "document");
    assert_string_equal(setting("pii.overlap"), "strongest");
    assert_null(setting("max_record"));
    o.name = "recrod";
    assert_int_equal(bench_try(&b), ASSAY_CONFIG);
    assert_non_null(strstr(b.err.message, "did you mean 'record'"));
    o = (struct assay_plugin_option){"text", "record", "page"};
    assert_int_equal(bench_try(&b), ASSAY_CONFIG);
    o = (struct assay_plugin_option){"tetx", "record", "line"};
    assert_int_equal(bench_try(&b), ASSAY_CONFIG);
    assert_non_null(strstr(b.err.message, "did you mean 'text'"));
    b.opt.n_plugin_options = 0;
    b.opt.reader = "nosuch";
    assert_int_equal(bench_try(&b), ASSAY_CONFIG);
}

static void a_reader_can_be_forced(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"t\":\"CANARY000001\"}\n");
    b.opt.reader = "text";
    bench_run(&b);
    assert_string_equal(assay_inventory_get(assay_audit_inventory(b.audit), 0)->reader, "text");
    char *dump = bench_dump(&b);
    assert_non_null(strstr(dump, "spot.canary|a.jsonl|0||6-18|"));
    free(dump);
}

static void standard_input_is_a_file(void **state)
{
    (void)state;
    static const char *const roots[] = {"-"};
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "{\"t\":\"CANARY000001\"}\n", 21), 21);
    (void)close(fds[1]);
    b.opt.roots = roots;
    b.opt.root_fds = &fds[0];
    bench_run(&b);
    const struct assay_entry *e = assay_inventory_get(assay_audit_inventory(b.audit), 0);
    assert_string_equal(e->name, "stdin");
    assert_int_equal(e->bytes, 21);
    assert_true(e->hashed);
    assert_int_equal(e->records, 1);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_PASS);
    b.opt.root_fds = NULL;
}

static void *stop_soon(void *flag)
{
    (void)usleep(50000);
    atomic_store((atomic_int *)flag, 1);
    return NULL;
}

static void waiting_for_input_can_be_cancelled(void **state)
{
    (void)state;
    static const char *const roots[] = {"-"};
    static const char *const said[] = {"", "{\"t\":\"CANARY000001\"}\n{\"t\":\"CAN"};
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&cancel, 0);
        pthread_t thread;
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], said[i], strlen(said[i])), strlen(said[i]));
        b.opt.roots = roots;
        b.opt.root_fds = &fds[0];
        b.opt.cancel = &cancel;
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, &cancel), 0);
        (void)alarm(60); /* nobody closes the pipe: without a look at the flag this never ends */
        bench_run(&b);
        (void)alarm(0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        (void)close(fds[1]);
        assert_true(assay_audit_cancelled(b.audit));
        assert_int_equal(skipped(&b, ASSAY_SKIP_CANCELLED)->files, 1);
        assert_int_equal(skipped(&b, ASSAY_SKIP_MALFORMED)->noted, 0);
        assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
    }
    b.opt.root_fds = NULL;
    b.opt.cancel = NULL;
}

static void the_number_of_threads_is_told(void **state)
{
    (void)state;
    put("data/a.txt", "x\n");
    bench_run(&b);
    assert_int_equal(assay_audit_jobs(b.audit), 2);
    b.opt.jobs = 0;
    bench_run(&b);
    assert_true(assay_audit_jobs(b.audit) >= 1);
    b.opt.jobs = 2;
}

/* ---- what scanners say at the end ---------------------------------------------------------- */

static void a_scanner_that_fails_at_the_end_leaves_it_incomplete(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"t\":\"quite clean\"}\n");
    spot_fail_at_end = 1;
    bench_run(&b);
    spot_fail_at_end = 0;
    assert_int_equal(assay_audit_coverage(b.audit)->records_scanned, 1);
    assert_true(skipped(&b, ASSAY_SKIP_PLUGIN)->noted);
    assert_int_equal(found(&b, "engine.plugin_failure"), 1);
    assert_int_equal(assay_audit_verdict(b.audit), ASSAY_INCOMPLETE);
}

static void files_in_a_group_are_not_records(void **state)
{
    (void)state;
    put("data/a.jsonl", "{\"t\":\"CANARY000001\"}\n");
    put("data/b.jsonl", "{\"t\":\"CANARY000001\"}\n");
    put("data/c.jsonl", "{\"t\":\"CANARY000001\"}\n");
    const uint32_t group = assay_ruleset_find(b.rules, "spot.group");
    bench_run(&b);
    assert_int_equal(assay_audit_tally(b.audit, group)->records, 0);
    assert_int_equal(assay_audit_tally(b.audit, group)->files, 3);
    spot_mixed_group = 1;
    bench_run(&b);
    spot_mixed_group = 0;
    assert_int_equal(assay_audit_tally(b.audit, group)->records, 1);
    assert_int_equal(assay_audit_tally(b.audit, group)->files, 3);
}

/* ---- progress ----------------------------------------------------------------------------------
 */

struct seen {
    unsigned calls;
    struct assay_progress last;
};

static void on_progress(void *ctx, const struct assay_progress *p)
{
    struct seen *s = ctx;
    assert_true(p->bytes_done >= s->last.bytes_done);
    s->calls++;
    s->last = *p;
}

static void progress_ends_at_the_total(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct assay_buf t;
    assay_buf_init(&t, ASSAY_MIB(64));
    add_records(&t, 1, 5000);
    put_bytes("data/a.jsonl", t.ptr, t.len);
    put("data/b.txt", "x\n");
    b.opt.progress = on_progress;
    b.opt.progress_ctx = &seen;
    bench_run(&b);
    assert_true(seen.calls >= 1);
    assert_int_equal(seen.last.files_done, 2);
    assert_int_equal(seen.last.bytes_done, t.len + 2);
    assert_int_equal(seen.last.bytes_total, t.len + 2);
    assert_int_equal(seen.last.records, 5001);
    assert_int_equal(seen.last.findings, assay_audit_findings(b.audit) - 1);
    assay_buf_release(&t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_dataset_passes),
        TEST(a_finding_is_placed_masked_and_fingerprinted),
        TEST(records_count_once_per_rule_and_condition),
        TEST(links_and_special_files_are_said),
        TEST(a_format_nobody_reads_is_hashed_and_said),
        TEST(a_broken_record_costs_that_record),
        TEST(the_limit_on_records_is_exact),
        TEST(text_that_does_not_decode_is_counted),
        TEST(broken_gzip_is_said_and_what_came_before_is_kept),
        TEST(a_decompression_bomb_stops_at_the_ratio),
        TEST(a_file_that_changes_is_said),
        TEST(a_file_that_is_gone_is_a_change),
        TEST(a_file_set_aside_is_hashed_and_named),
        TEST(a_file_tried_alone_is_the_only_one_opened),
        TEST(a_plugin_that_fails_costs_its_batch),
        TEST(an_unreadable_file_is_said),
        TEST(cancelling_keeps_what_was_found),
        TEST(no_value_leaves_the_engine),
        TEST(nothing_to_audit_is_an_error),
        TEST(options_of_plugins_are_checked),
        TEST(a_reader_can_be_forced),
        TEST(standard_input_is_a_file),
        TEST(waiting_for_input_can_be_cancelled),
        TEST(the_number_of_threads_is_told),
        TEST(a_scanner_that_fails_at_the_end_leaves_it_incomplete),
        TEST(files_in_a_group_are_not_records),
        TEST(progress_ends_at_the_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
