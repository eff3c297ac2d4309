/* SPDX-License-Identifier: Apache-2.0
 * All tiers at once: parts of a dataset that were scanned apart, saved, loaded and merged in any
 * order say what one scan says, in any memory. */
#include "tests/unit/plugins/scanner_rig.h"
#include "tests/unit/random.h"

#include <unistd.h>

extern const struct assay_scanner assay_scanner_duplicates;
static const struct assay_scanner *const sc = &assay_scanner_duplicates;

/* ---- a dataset ---------------------------------------------------------------------------------
 */

static const char *const file_names[] = {"train/a.jsonl", "train/b.jsonl", "test/c.jsonl",
                                         "dev/d.jsonl",   "more/e.jsonl",  "quiz.jsonl"};
enum { FILES = 6, RECORDS = 900, WORDS = 80, EARLIER = 120 };

#define NOTICE "this notice stands in every copy that is made of the work or of any part thereof "

struct item {
    unsigned words[WORDS], n;
    int notice, shout; /* begins with NOTICE; in other case */
    unsigned prompt;
    const char *split, *source; /* NULL: not said */
};

static struct item items[RECORDS];

/* A run of words of another item, long enough to be a passage. */
static void quote(struct item *it, const struct item *of)
{
    const unsigned n = it->n < of->n ? it->n : of->n, len = n < 20 ? n : 20;
    memcpy(it->words + (it->n - len), of->words, len * sizeof it->words[0]);
}

static void make_item(size_t i)
{
    static const char *const splits[] = {NULL, NULL, "train", "test", "dev", "nowhere"};
    static const char *const sources[] = {NULL, "web", "books", "elsewhere"};
    struct item *it = &items[i];
    const uint64_t kind = i == 0 ? 5 : next_random() % 6;
    if (kind < 3) { /* copies, alike, a few words apart */
        *it = items[next_random() % i];
        it->shout = kind == 1 ? !it->shout : it->shout;
        for (unsigned k = 0; kind == 2 && k < 1 + i % 2; k++) {
            it->words[next_random() % it->n] = (unsigned)(next_random() % 5000);
        }
    } else {
        it->n = 10 + (unsigned)(next_random() % (WORDS - 10));
        for (unsigned k = 0; k < it->n; k++) {
            it->words[k] = (unsigned)(next_random() % 5000);
        }
        if (kind == 3) {
            quote(it, &items[next_random() % i]);
        }
        it->notice = kind == 4;
    }
    if (kind == 0) {
        return;
    }
    it->prompt = (unsigned)(next_random() % 300);
    it->split = splits[next_random() % 6];
    it->source = sources[next_random() % 4];
}

static void with_item(size_t i, void (*each)(void *ctx, const struct assay_batch *b), void *ctx)
{
    const struct item *it = &items[i];
    char prompt[40], text[1024];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", it->notice ? NOTICE : "");
    (void)snprintf(prompt, sizeof prompt, "What is to be said of %u?", it->prompt);
    for (unsigned k = 0; k < it->n; k++) {
        len += (size_t)snprintf(text + len, sizeof text - len, it->shout ? "WORD%u, " : "word%u ",
                                it->words[k]);
    }
    struct rig_record record = {.file = (uint32_t)(i % FILES),
                                .ordinal = i / FILES,
                                .values = {prompt, text},
                                .paths = {"/instruction", "/output"}};
    unsigned n = 2;
    if (it->split != NULL) {
        record.values[n] = it->split;
        record.paths[n++] = "/split";
    }
    if (it->source != NULL) {
        record.values[n] = it->source;
        record.paths[n] = "/source";
    }
    rig_with_batch(&record, each, ctx);
}

/* ---- scanning ----------------------------------------------------------------------------------
 */

static char dir[] = "/tmp/assay-shards.XXXXXX", index_path[64];

/* A scanner with everything switched on. `write`: it makes the index and does not look at it. */
static void open_rig(struct rig *r, const char *memory, unsigned parts, int write)
{
    const struct {
        const char *name, *value;
    } options[] = {
        {"near", "true"},
        {"spans", "all"},
        {"answers", "true"},
        {"fields", "/output"},
        {"split_field", "/split"},
        {"source_field", "/source"},
        {"source_values", "web,books"},
        {"benchmarks", "quiz=quiz.jsonl"},
        {"memory", memory},
        {write ? "index_write" : "index", index_path},
        {"index_name", "earlier"},
    };
    rig_init(r, sc, 1 << 26);
    r->sink.hand = on_group;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        r->fake.options[i].name = options[i].name;
        r->fake.options[i].value = options[i].value;
    }
    r->fake.files = file_names;
    r->fake.n_files = FILES;
    rig_start(r, parts);
}

static void end_file(struct rig *r, unsigned part, uint32_t file)
{
    struct assay_file f = {.size_of = sizeof f,
                           .index = file,
                           .name = file_names[file],
                           .bytes = 9,
                           .status = ASSAY_OK};
    f.sha256[0] = (uint8_t)(1 + file / 2); /* two of each */
    assert_int_equal(sc->file(r->shared, r->locals[part], &f, &r->sink), ASSAY_OK);
}

/* Scans the files that leave `shard` modulo `shards`, in the parts that the rig has. */
static void scan_files(struct rig *r, unsigned shard, unsigned shards)
{
    for (size_t i = 0; i < RECORDS; i++) {
        if (i % FILES % shards == shard) {
            with_item(i, rig_scan_batch, &(struct rig_part){r, (unsigned)(i * 7 % r->parts)});
        }
    }
    for (uint32_t f = shard; f < FILES; f += shards) {
        end_file(r, f % r->parts, f);
    }
}

static char *end_audit(struct rig *r, int backwards)
{
    assert_true(rig_review_begin(r));
    for (size_t i = 0; i < RECORDS; i++) {
        with_item(i, rig_review_batch, &(struct rig_part){r, (unsigned)(i * 5 % r->parts)});
    }
    rig_review_end(r, backwards);
    assert_int_equal(r->rec.skips, 0);
    char *said = rig_finish(r);
    assert_int_equal(r->rec.skips, 0);
    return said;
}

static char *scan_at_once(const char *memory, unsigned parts)
{
    struct rig r;
    open_rig(&r, memory, parts, 0);
    scan_files(&r, 0, 1);
    rig_merge(&r, &(struct rig_how){.reload = 0});
    char *said = end_audit(&r, 0);
    rig_free(&r);
    return said;
}

/* One shard by a scanner of its own, saved. What it says on the way goes to `r`. */
static void save_shard(struct rig *r, const char *memory, unsigned shard, unsigned shards,
                       struct assay_buf *ret)
{
    struct rig own;
    open_rig(&own, memory, 2, 0);
    own.sink = recorder_sink(&r->rec);
    own.sink.hand = on_group;
    scan_files(&own, shard, shards);
    rig_merge(&own, &(struct rig_how){.backwards = (int)(shard % 2)});
    assay_buf_init(ret, 1 << 26);
    assert_int_equal(sc->save(own.shared, own.merged, rig_put, ret), ASSAY_OK);
    rig_free(&own);
}

struct how {
    const char *memory, *merge_memory; /* of those who scan, and of who merges */
    unsigned shards;
    const char *order; /* of the shards: digits */
    int apart;         /* loaded into states of their own, which are merged; else into one */
};

static char *scan_in_shards(const struct how *h, int *ret_spills)
{
    struct rig r;
    open_rig(&r, h->merge_memory, h->apart ? h->shards : 1, 0);
    for (unsigned i = 0; i < h->shards; i++) {
        struct assay_buf saved;
        save_shard(&r, h->memory, (unsigned)(h->order[i] - '0'), h->shards, &saved);
        void *into = r.locals[h->apart ? i : 0];
        assert_int_equal(sc->load(r.shared, into, assay_buf_bytes(&saved), NULL), ASSAY_OK);
        assay_buf_release(&saved);
    }
    rig_merge(&r, &(struct rig_how){.backwards = h->apart, .reload = 2});
    char *said = end_audit(&r, h->apart);
    *ret_spills = r.fake.spills;
    rig_free(&r);
    return said;
}

/* ---- tests -------------------------------------------------------------------------------------
 */

/* The first records, as they were delivered before. */
static void make_index(void)
{
    struct rig r;
    open_rig(&r, "64MiB", 2, 1);
    for (size_t i = 0; i < EARLIER; i++) {
        with_item(i, rig_scan_batch, &(struct rig_part){&r, (unsigned)(i % 2)});
    }
    rig_merge(&r, &(struct rig_how){.reload = 0});
    struct assay_buf saved; /* would be without the sets that the index is made of */
    assay_buf_init(&saved, 1 << 26);
    assert_int_equal(sc->save(r.shared, r.merged, rig_put, &saved), ASSAY_USAGE);
    assay_buf_release(&saved);
    free(rig_finish(&r));
    rig_free(&r);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < RECORDS; i++) {
        make_item(i);
    }
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(index_path, sizeof index_path, "%s/run", dir);
    make_index();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(index_path);
    return rmdir(dir);
}

static void one_scan_says_something_of_every_kind(void **state)
{
    (void)state;
    static const char *const begins[] = {
        "duplicates.file ",        "duplicates.record ",        "duplicates.normalised ",
        "duplicates.near ",        "duplicates.span ",          "> answers ",
        "duplicates.leakage ",     "duplicates.contamination ", "duplicates.delivered",
        "duplicates.common_text ",
    };
    static const char *const metrics[] = {
        "duplicates.source.web",
        "duplicates.leak.span.train_test",
        "duplicates.leak.near.train_validation",
        "duplicates.contamination.quiz",
        "duplicates.delivered_near",
        "duplicates.delivered_normalised",
    };
    char *said = scan_at_once("512MiB", 1), line[80];
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        (void)snprintf(line, sizeof line, "\n%s", begins[i]);
        if (strncmp(said, begins[i], strlen(begins[i])) != 0 && strstr(said, line) == NULL) {
            fail_msg("nothing that begins '%s'", begins[i]);
        }
    }
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        (void)snprintf(line, sizeof line, "\n~%s ", metrics[i]);
        const char *at = strstr(said, line);
        if (at == NULL || at[strlen(line)] == '0') {
            fail_msg("%s is nothing", metrics[i]);
        }
    }
    free(said);
}

static void shards_in_any_order_and_memory_say_what_one_scan_says(void **state)
{
    (void)state;
    static const struct how hows[] = {
        {"512MiB", "512MiB", 2, "01", 0}, {"512MiB", "512MiB", 3, "201", 1},
        {"1000", "512MiB", 3, "120", 0},  {"512MiB", "1000", 6, "531420", 0},
        {"1000", "1000", 6, "203154", 1}, {"64KiB", "16KiB", 4, "3210", 1},
    };
    char *want = scan_at_once("512MiB", 1);
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        int spills;
        char *got = scan_in_shards(&hows[i], &spills);
        assert_string_equal(got, want);
        assert_true((spills > 0) == (strcmp(hows[i].merge_memory, "512MiB") != 0));
        free(got);
    }
    char *got = scan_at_once("1000", 7);
    assert_string_equal(got, want);
    free(got);
    free(want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_scan_says_something_of_every_kind),
        cmocka_unit_test(shards_in_any_order_and_memory_say_what_one_scan_says),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
