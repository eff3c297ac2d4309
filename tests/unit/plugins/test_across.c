/* SPDX-License-Identifier: Apache-2.0
 * Splits, benchmarks and sources: what names say, what leaks, and that neither memory, order nor
 * splitting changes the numbers. */
#include "tests/unit/plugins/scanner_rig.h"
#include "tests/unit/random.h"

#include "plugins/scanners/duplicates/across.h"

extern const struct assay_scanner assay_scanner_duplicates;
static const struct assay_scanner *const sc = &assay_scanner_duplicates;

/* ---- names -------------------------------------------------------------------------------------
 */

static void names_say_splits(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        unsigned want;
    } rows[] = {
        {"train.jsonl", DUP_SPLIT_TRAIN},
        {"Training.CSV", DUP_SPLIT_TRAIN},
        {"data/test-00001-of-00002.csv", DUP_SPLIT_TEST},
        {"squad_dev_v2.json", DUP_SPLIT_VALIDATION},
        {"a/validation/part-0.jsonl.gz", DUP_SPLIT_VALIDATION},
        {"coco/val2017/000001.txt", DUP_SPLIT_VALIDATION},
        {"coco/train2017/000001.txt", DUP_SPLIT_TRAIN},
        {"eval/mmlu.jsonl", DUP_SPLIT_TEST},
        {"训练集.csv", DUP_SPLIT_TRAIN},
        {"数据/测试集2/a.txt", DUP_SPLIT_TEST},
        {"test/train.jsonl", DUP_SPLIT_TRAIN},    /* the file itself is nearest */
        {"train/dev-notes.txt", DUP_SPLIT_TRAIN}, /* a whole directory before a word */
        {"x/my_test_set/a.txt", DUP_SPLIT_TEST},
        {"latest.json", 0},
        {"contest/a.txt", 0},
        {"evaluate.txt", 0},
        {"retrain/devices.csv", 0},
        {"train_test_pairs.jsonl", 0}, /* two at once */
        {"train_test/train_part.jsonl", DUP_SPLIT_TRAIN},
        {"a.b/c", 0},
        {"", 0},
        {"/", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (dup_split_by_name(rows[i].path) != rows[i].want) {
            fail_msg("'%s' is %u", rows[i].path, dup_split_by_name(rows[i].path));
        }
    }
}

static void globs_match_paths(void **state)
{
    (void)state;
    static const struct {
        const char *glob, *path;
        int want;
    } rows[] = {
        {"a.txt", "a.txt", 1},
        {"a.txt", "b/a.txt", 0},
        {"*.txt", "a.txt", 1},
        {"*.txt", "b/a.txt", 0},
        {"**.txt", "b/a.txt", 1},
        {"**/*.txt", "a.txt", 1},
        {"**/a.txt", "xa.txt", 0},
        {"**/a.txt", "b/c/a.txt", 1},
        {"b/**", "b/c/a.txt", 1},
        {"b/**", "bc/a.txt", 0},
        {"b/*/a.txt", "b/c/a.txt", 1},
        {"b/*/a.txt", "b/c/d/a.txt", 0},
        {"b/**/a.txt", "b/a.txt", 1},
        {"?.txt", "a.txt", 1},
        {"a?b", "a/b", 0},
        {"\\*.txt", "*.txt", 1},
        {"\\*.txt", "a.txt", 0},
        {"", "", 1},
        {"", "a", 0},
        {"*", "", 1},
        {"a*b*c", "aXbYbZc", 1},
        {"a*b*c", "aXbYbZ", 0},
        {"**/x/*.c", "x/y/x/z.c", 1},
        {"**/x/*.c", "x/y/xx/z.c", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (dup_glob(assay_bytes_str(rows[i].glob), rows[i].path) != rows[i].want) {
            fail_msg("'%s' and '%s'", rows[i].glob, rows[i].path);
        }
    }
}

/* ---- marks -------------------------------------------------------------------------------------
 */

/* Some of the records of a few files, in parts and in any order: what is not there must not be
 * found, whether it stands before, between, behind or beside what is. */
static void marks_are_found_again(void **state)
{
    (void)state;
    enum { N = 50000, FILES_MARKED = 7 };
    static const size_t bytes[] = {1 << 23, 1};
    for (size_t round = 0; round < 2; round++) {
        struct fake fake = {.budget = 0};
        struct assay_host host = fake_host(&fake);
        struct dup_table t[2] = {{.pairs = 1}, {.pairs = 1}};
        struct dup_marks m = {.words = {.n = 0}};
        for (uint64_t i = 0; i < N; i++) {
            const uint64_t at = i * 7919 % N;
            const uint64_t record = at % 5 == 0 ? at * 3 : at * 30 + 2;
            assert_int_equal(dup_marks_add(&t[i % 2], &host, round == 0 ? SIZE_MAX : 64,
                                           dup_place((uint32_t)(at % FILES_MARKED), record),
                                           (uint8_t)(1 + at % 5)),
                             ASSAY_OK);
        }
        assert_int_equal(dup_table_join(&t[0], &t[1]), ASSAY_OK);
        assert_int_equal(dup_marks_settle(&m, &t[0], &host, bytes[round]), ASSAY_OK);
        assert_true((fake.spills > 0) == (round == 1));
        for (uint64_t i = 0; i < N; i++) {
            const uint64_t at = i * 4099 % N;
            const uint64_t record = at % 5 == 0 ? at * 3 : at * 30 + 2;
            const uint64_t place = dup_place((uint32_t)(at % FILES_MARKED), record);
            assert_int_equal(dup_marks_get(&m, place), 1 + at % 5);
            assert_int_equal(dup_marks_get(&m, place + 1), 0);
        }
        assert_int_equal(dup_marks_get(&m, dup_place(FILES_MARKED, 0)), 0);
        assert_int_equal(dup_marks_get(&m, UINT64_MAX), 0);
        assert_int_equal(dup_marks_status(&m), ASSAY_OK);
        dup_marks_release(&m);
    }
}

/* Neighbours share an entry, whatever came between them in another table. */
static void marks_of_one_block_are_put_together(void **state)
{
    (void)state;
    struct fake fake = {.budget = 0};
    struct assay_host host = fake_host(&fake);
    struct dup_table t[3] = {{.pairs = 1}, {.pairs = 1}, {.pairs = 1}};
    struct dup_marks m = {.words = {.n = 0}};
    for (uint64_t i = 0; i < 16; i++) {
        assert_int_equal(dup_marks_add(&t[i % 3], &host, 64, i, (uint8_t)(i + 1)), ASSAY_OK);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(t[i].total, 2);
        assert_int_equal(i == 0 ? ASSAY_OK : dup_table_join(&t[0], &t[i]), ASSAY_OK);
    }
    assert_int_equal(dup_marks_settle(&m, &t[0], &host, 1), ASSAY_OK);
    assert_int_equal(m.words.n, 2);
    for (uint64_t i = 0; i < 16; i++) {
        assert_int_equal(dup_marks_get(&m, i), i + 1);
    }
    assert_int_equal(dup_marks_get(&m, 16), 0);
    dup_marks_release(&m);
}

static void marks_of_no_label_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t entry[2];
        int want;
    } rows[] = {
        {{0, 1}, 1},
        {{UINT64_MAX >> 3, UINT64_C(0x0300000000000000)}, 1},
        {{0, UINT64_C(0xFF00)}, 1},      /* none, whatever the file is */
        {{0, UINT64_C(0x0400)}, 0},      /* a label that there is not */
        {{0, 0}, 0},                     /* nothing */
        {{(UINT64_MAX >> 3) + 1, 1}, 0}, /* of no place */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(dup_marks_are_sound(rows[i].entry, 4), rows[i].want);
    }
}

/* What cannot be read back is an error that stays, not a label. */
static void marks_without_a_disk_are_an_error(void **state)
{
    (void)state;
    struct fake fake = {.spill_errno = ENOSPC};
    struct assay_host host = fake_host(&fake);
    struct dup_table t = {.pairs = 1};
    struct dup_marks m = {.words = {.n = 0}};
    for (uint64_t i = 0; i < 100000; i++) {
        assert_int_equal(dup_marks_add(&t, &host, SIZE_MAX, i, 1), ASSAY_OK);
    }
    assert_int_equal(dup_marks_settle(&m, &t, &host, 1), ASSAY_FULL);
    assert_int_equal(dup_marks_status(&m), ASSAY_FULL);
    dup_marks_release(&m);
}

/* ---- leakage -----------------------------------------------------------------------------------
 */

static const char *const file_names[] = {"bench/mmlu.jsonl", "code/test.jsonl", "web/dev.jsonl",
                                         "web/extra.jsonl", "web/train.jsonl"};
enum { BENCH, TEST, DEV, EXTRA, TRAIN, N_FILES };

struct item {
    uint32_t file;
    uint64_t record;
    const char *text;
    const char *split; /* of the field /split; NULL: there is none */
};

static void scan_item(struct rig *r, unsigned part, const struct item *it)
{
    rig_scan(r, part,
             &(struct rig_record){.file = it->file,
                                  .ordinal = it->record,
                                  .values = {it->text, it->split},
                                  .paths = {"/text", "/split"}});
}

/* Files of one digest are copies. */
static void end_file_as(struct rig *r, unsigned part, uint32_t file, uint8_t digest)
{
    struct assay_file f = {.size_of = sizeof f,
                           .index = file,
                           .name = file_names[file],
                           .bytes = 9,
                           .status = ASSAY_OK};
    f.sha256[0] = digest;
    assert_int_equal(sc->file(r->shared, r->locals[part], &f, &r->sink), ASSAY_OK);
}

static void end_file(struct rig *r, unsigned part, uint32_t file)
{
    end_file_as(r, part, file, (uint8_t)(file + 1));
}

#define MAX_OPTIONS 2
struct option {
    const char *name, *value;
};

/* A scanner of the files above, with these options. */
static void rig_open(struct rig *r, uint64_t budget, unsigned parts, const struct option *options)
{
    rig_init(r, sc, budget);
    r->fake.files = file_names;
    r->fake.n_files = N_FILES;
    for (size_t i = 0; i < MAX_OPTIONS; i++) {
        r->fake.options[i].name = options[i].name;
        r->fake.options[i].value = options[i].value;
    }
    rig_start(r, parts);
}

/* All that is said of `items`. The caller frees. */
static char *audit(const struct option options[MAX_OPTIONS], const struct item *items, size_t n,
                   struct rig_how how)
{
    struct rig r;
    rig_open(&r, how.budget, how.parts, options);
    for (size_t i = 0; i < n; i++) {
        scan_item(&r, (unsigned)(i * 7 % how.parts), &items[how.backwards ? n - 1 - i : i]);
    }
    for (uint32_t f = 0; f < N_FILES; f++) {
        end_file(&r, f % how.parts, f);
    }
    rig_merge(&r, &how);
    char *said = rig_finish(&r);
    rig_free(&r);
    return said;
}

static const struct item small[] = {
    {TRAIN, 0, "What is the capital of France?", NULL},
    {TRAIN, 1, "How many legs has a spider?", NULL},
    {TRAIN, 2, "Only in training, this one", NULL},
    {TRAIN, 3, "How many legs has a spider?", NULL},
    {EXTRA, 0, "An item of the benchmark, word for word", NULL},
    {TEST, 0, "what is the capital of FRANCE", NULL},
    {TEST, 1, "How many legs has a spider?", NULL},
    {TEST, 2, "Only in the test, this one", NULL},
    {TEST, 3, "Only in the test, this one", NULL}, /* a copy, no leak */
    {DEV, 0, "How many legs has a spider?", NULL},
    {DEV, 1, "Nothing of the kind", NULL},
    {BENCH, 0, "An item of the benchmark, word for word", NULL},
    {BENCH, 1, "Another item, known to nobody", NULL},
    {BENCH, 2, "Only in the test, this one", NULL}, /* not trained on */
};
enum { N_SMALL = sizeof small / sizeof small[0] };

static void expect_line(const char *all, const char *line)
{
    size_t n = strlen(line);
    const char *p = all;
    while ((p = strstr(p, line)) != NULL && (p[n] != '\n' || (p > all && p[-1] != '\n'))) {
        p += n;
    }
    if (p == NULL) {
        fail_msg("no line '%s' in\n%s", line, all);
    }
}

static void expect_lines(const char *all, const char *const *lines)
{
    for (size_t i = 0; lines[i] != NULL; i++) {
        expect_line(all, lines[i]);
    }
}

static const struct rig_how plainly = {1 << 26, 1, 0, 0};
static const struct option no_options[MAX_OPTIONS];

static void the_matrix_counts_records_of_the_second_split(void **state)
{
    (void)state;
    char *got = audit(no_options, small, N_SMALL, plainly);
    static const char *const want[] = {
        "~duplicates.leak.record.train_test 1/4",
        "~duplicates.leak.record.test_train 2/4",
        "~duplicates.leak.normalised.train_test 2/4",
        "~duplicates.leak.normalised.test_train 3/4",
        "~duplicates.leak.train_test 2/4",
        "~duplicates.leak.train_validation 1/2",
        "~duplicates.leak.validation_test 1/4",
        "~duplicates.leak.file.train_test 0/1",
        "~duplicates.split.train 4/1",
        "~duplicates.split.none 4/1",
        "duplicates.leakage 1:1 2:0 4:1 4:3 | tier record: 2 train, 1 validation, 1 test",
        "duplicates.leakage 1:0 4:0 | tier normalised: 1 train, 1 test",
        NULL,
    };
    expect_lines(got, want);
    assert_null(strstr(got, "leak.record.none_"));
    assert_null(strstr(got, "1:2 1:3 | tier")); /* copies within a split are no leak */
    free(got);
}

static void sources_count_what_they_repeat(void **state)
{
    (void)state;
    char *got = audit(no_options, small, N_SMALL, plainly);
    static const char *const want[] = {"~duplicates.source.web 5/7", "~duplicates.source.code 2/4",
                                       "~duplicates.source.bench 0/3", NULL};
    expect_lines(got, want);
    free(got);
}

static void items_of_a_benchmark_are_contaminated_by_training_alone(void **state)
{
    (void)state;
    const struct option options[MAX_OPTIONS] = {{"benchmarks", "mmlu=bench/*"}};
    char *got = audit(options, small, N_SMALL, plainly);
    static const char *const want[] = {
        "~duplicates.contamination.mmlu 1/3", /* by the file without a split */
        "~duplicates.leak.test_mmlu 1/3",
        "duplicates.leakage 0:0 3:0 | tier record: 1 none, 1 mmlu",
        NULL,
    };
    expect_lines(got, want);
    free(got);
}

static void a_field_decides_before_the_file(void **state)
{
    (void)state;
    static const struct item items[] = {
        {EXTRA, 0, "The same text in both of them", "train"},
        {EXTRA, 1, "The same text in both of them", "validation"},
        {TRAIN, 0, "By its file a training record", NULL},
        {TRAIN, 1, "Said to be of no split at all", "holdout"},
        {EXTRA, 2, "By its file a training record", "TEST"},
    };
    const struct option options[MAX_OPTIONS] = {{"split_field", "/split"}};
    char *got = audit(options, items, 5, plainly);
    static const char *const want[] = {"~duplicates.split.train 2/1", "~duplicates.split.none 1/1",
                                       "~duplicates.split.validation 1/1",
                                       "~duplicates.split.test 1/1", NULL};
    expect_lines(got, want);
    free(got);
    const struct option by_source[MAX_OPTIONS] = {{"source_field", "/split"},
                                                  {"source_values", "train,holdout"}};
    got = audit(by_source, items, 5, plainly);
    static const char *const sources[] = {"~duplicates.source.train 0/1",
                                          "~duplicates.source.holdout 0/1",
                                          "~duplicates.source.other 0/3", NULL};
    expect_lines(got, sources);
    free(got);
}

/* What its first record says of itself is nothing to a file. */
static void a_file_is_of_the_split_that_its_name_says(void **state)
{
    (void)state;
    static const struct item items[] = {{TRAIN, 0, "The same text in both of them", "validation"},
                                        {TEST, 0, "The same text in both of them", "validation"}};
    static const struct option options[MAX_OPTIONS] = {{"split_field", "/split"}};
    static const char *const want[] = {"~duplicates.leak.file.train_test 1/1",
                                       "~duplicates.leak.file.test_train 1/1",
                                       "~duplicates.split.validation 2/1",
                                       "duplicates.leakage 1 4 | tier file: 1 train, 1 test", NULL};
    const struct rig_how how = plainly;
    struct rig r;
    rig_open(&r, how.budget, how.parts, options);
    scan_item(&r, 0, &items[0]);
    scan_item(&r, 0, &items[1]);
    end_file_as(&r, 0, TRAIN, 7);
    end_file_as(&r, 0, TEST, 7);
    char *said = rig_finish(&r);
    expect_lines(said, want);
    free(said);
    rig_free(&r);
}

/* A source that has the name of what has none is not counted apart. */
static void the_name_of_no_source_is_no_source(void **state)
{
    (void)state;
    static const struct item items[] = {{TRAIN, 0, "A text that is there twice", "other"},
                                        {TRAIN, 1, "A text that is there twice", "web"},
                                        {TRAIN, 2, "A text that is there twice", NULL}};
    const struct option options[MAX_OPTIONS] = {{"source_field", "/split"},
                                                {"source_values", "other,web"}};
    char *got = audit(options, items, 3, plainly);
    static const char *const want[] = {"~duplicates.source.other 0/2", "~duplicates.source.web 0/1",
                                       NULL};
    expect_lines(got, want);
    free(got);
}

/* Twelve splits of the longest names, and what is there anyway: a finding names them all. */
static void a_finding_names_all_splits(void **state)
{
    (void)state;
    char names[12][DUP_LABEL_NAME], map[12 * (DUP_LABEL_NAME + 3) + 1] = "";
    struct item items[12];
    for (unsigned i = 0; i < 12; i++) {
        (void)snprintf(names[i], sizeof names[i], "%02u-%.28s", i,
                       "a-name-as-long-as-there-may-be");
        assert_int_equal(strlen(names[i]), DUP_LABEL_NAME - 1);
        (void)snprintf(map + strlen(map), sizeof map - strlen(map), "%s=x;", names[i]);
        items[i] = (struct item){TRAIN, i, "The same text in every split", names[i]};
    }
    const struct option options[MAX_OPTIONS] = {{"split_field", "/split"}, {"split_map", map}};
    static const char chosen[] = "/text";
    struct rig r;
    rig_init(&r, sc, 1 << 26);
    r.fake.files = file_names;
    r.fake.n_files = N_FILES;
    r.fake.options[0].name = options[0].name, r.fake.options[0].value = options[0].value;
    r.fake.options[1].name = options[1].name, r.fake.options[1].value = options[1].value;
    r.fake.options[2].name = "fields", r.fake.options[2].value = chosen;
    rig_start(&r, 1);
    for (unsigned i = 0; i < 12; i++) {
        scan_item(&r, 0, &items[i]);
    }
    char *said = rig_finish(&r);
    const char *line = strstr(said, "duplicates.leakage ");
    assert_non_null(line);
    for (unsigned i = 0; i < 12; i++) {
        const char *found = strstr(line, names[i]);
        assert_true(found != NULL && found < strchr(line, '\n'));
    }
    free(said);
    rig_free(&r);
}

static void a_map_replaces_names(void **state)
{
    (void)state;
    const struct option options[MAX_OPTIONS] = {{"split_map", "fit=web/*;held-out=code/*,bench/*"}};
    char *got = audit(options, small, N_SMALL, plainly);
    static const char *const want[] = {
        "~duplicates.leak.fit_held-out 3/7", "~duplicates.split.fit 7/1",
        "~duplicates.split.held-out 7/1", "~duplicates.split.none 0/1", NULL};
    expect_lines(got, want);
    assert_null(strstr(got, "split.train"));
    free(got);
}

static void a_benchmark_without_files_is_refused(void **state)
{
    (void)state;
    struct fake fake = {.rules = sc->rules,
                        .options = {{"benchmarks", "mmlu=bench/*;gone=bench/x"}},
                        .files = file_names,
                        .n_files = N_FILES};
    struct assay_host host = fake_host(&fake);
    struct assay_error err;
    void *shared;
    assert_int_equal(sc->init(&host, &shared, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "no file of the dataset matches the globs of 'gone'"));
}

/* ---- pictures, as another scanner hands them over ----------------------------------------------
 */

static enum assay_status take(struct rig *r, const struct assay_member *members, uint32_t n,
                              struct assay_reply *reply)
{
    const struct assay_group g = {.size = sizeof g,
                                  .rule = ASSAY_NONE,
                                  .topic = "pictures",
                                  .members = members,
                                  .n_members = n,
                                  .field = ASSAY_NONE,
                                  .members_total = n,
                                  .key = {n, 7}};
    *reply = (struct assay_reply){.size = sizeof *reply};
    return sc->take(r->shared, r->merged, &g, reply, &r->sink);
}

static const struct assay_member named[] = {{TEST, 2}, {EXTRA, ASSAY_NO_RECORD}, {TRAIN, 2}};
static const struct assay_member alike[] = {{TEST, 0}, {TRAIN, ASSAY_NO_RECORD}};

#define SAID (ASSAY_REPLY_SAID + 8)

/* What is said of `small` and these. The caller frees. */
static char *audit_pictures(const struct option options[MAX_OPTIONS], char ret_said[2][SAID])
{
    struct rig r;
    struct assay_reply reply;
    rig_open(&r, 1 << 26, 2, options);
    for (size_t i = 0; i < N_SMALL; i++) {
        scan_item(&r, (unsigned)(i & 1), &small[i]);
    }
    rig_merge(&r, &(struct rig_how){.reload = 2});
    assert_int_equal(take(&r, named, 3, &reply), ASSAY_OK);
    (void)snprintf(ret_said[0], SAID, "%s%s", reply.set_aside ? "aside" : "", reply.said);
    assert_int_equal(take(&r, alike, 2, &reply), ASSAY_OK);
    (void)snprintf(ret_said[1], SAID, "%s%s", reply.set_aside ? "aside" : "", reply.said);
    assert_int_equal(take(&r, named + 1, 1, &reply), ASSAY_OK);
    assert_string_equal(reply.said, "");
    char *all = rig_finish(&r);
    rig_free(&r);
    return all;
}

static void pictures_leak_with_the_records_that_name_them(void **state)
{
    (void)state;
    char said[2][SAID];
    char *got = audit_pictures(no_options, said);
    static const char *const want[] = {
        "duplicates.leakage 1:2 3 4:2 | tier image: 1 none, 1 train, 1 test",
        "duplicates.leakage 1:0 4 | tier image: 1 train, 1 test",
        "~duplicates.leak.image.train_test 2/4",
        "~duplicates.leak.image.test_train 2/4",
        "~duplicates.leak.train_test 3/4",
        "~duplicates.leak.test_train 4/4", /* the picture is the only record of its file */
        "~duplicates.leak.normalised.test_train 3/4",
        NULL};
    expect_lines(got, want);
    assert_string_equal(said[0], "; splits: 1 none, 1 train, 1 test");
    assert_string_equal(said[1], "; splits: 1 train, 1 test");
    free(got);
}

static void accepted_pictures_leak_nowhere(void **state)
{
    (void)state;
    char said[2][SAID], digits[33];
    const struct option shown[MAX_OPTIONS] = {{"group_digests", "true"}};
    char *got = audit_pictures(shown, said);
    const char *name = strstr(said[0], "; group image:");
    assert_non_null(name);
    assert_non_null(strstr(got, "| tier image: 1 none, 1 train, 1 test; group image:"));
    (void)snprintf(digits, sizeof digits, "%s", name + strlen("; group image:"));
    free(got);
    const struct option accepted[MAX_OPTIONS] = {{"accepted", digits}};
    got = audit_pictures(accepted, said);
    static const char *const want[] = {"duplicates.leakage 1:0 4 | tier image: 1 train, 1 test",
                                       "~duplicates.leak.image.train_test 1/4",
                                       "~duplicates.accepted_groups 1/1", NULL};
    expect_lines(got, want);
    assert_null(strstr(got, "tier image: 1 none"));
    assert_string_equal(said[0], "aside");
    assert_string_equal(said[1], "; splits: 1 train, 1 test");
    free(got);
}

static void members_that_are_not_given_are_a_skip(void **state)
{
    (void)state;
    struct rig r;
    struct assay_reply reply = {.size = sizeof reply};
    const struct assay_group g = {.size = sizeof g,
                                  .rule = ASSAY_NONE,
                                  .topic = "pictures",
                                  .members = alike,
                                  .n_members = 2,
                                  .field = ASSAY_NONE,
                                  .members_total = 5};
    rig_open(&r, 1 << 26, 1, no_options);
    assert_int_equal(sc->take(r.shared, r.merged, &g, &reply, &r.sink), ASSAY_OK);
    assert_int_equal(r.rec.skips, 1);
    rig_free(&r);
}

/* What was heard is in no state: it must not be lost by saving or merging one. */
static void nothing_is_merged_or_saved_once_pictures_are_heard(void **state)
{
    (void)state;
    struct rig r;
    struct assay_reply reply;
    struct assay_buf saved;
    rig_open(&r, 1 << 26, 2, no_options);
    assay_buf_init(&saved, 1 << 20);
    assert_int_equal(take(&r, alike, 2, &reply), ASSAY_OK);
    assert_int_equal(sc->save(r.shared, r.merged, rig_put, &saved), ASSAY_USAGE);
    assert_int_equal(sc->merge(r.shared, r.locals[0], r.locals[1], NULL), ASSAY_USAGE);
    assert_int_equal(sc->merge(r.shared, r.locals[1], r.locals[0], NULL), ASSAY_USAGE);
    assay_buf_release(&saved);
    rig_free(&r);
}

/* A scanner that has read `small`, with marks and n-grams. */
static void rig_read(struct rig *r)
{
    static const struct option options[MAX_OPTIONS] = {{"split_field", "/split"},
                                                       {"spans", "across"}};
    rig_open(r, 1 << 26, 1, options);
    for (size_t i = 0; i < N_SMALL; i++) {
        struct item it = small[i];
        it.split = i % 2 == 0 ? "train" : NULL;
        scan_item(r, 0, &it);
    }
    scan_item(r, 0, &(struct item){TEST, 9, "a b c d e f g h i j k l m n o p q r s t", NULL});
}

static void what_was_not_looked_at_again_is_a_skip(void **state)
{
    (void)state;
    struct rig r;
    rig_read(&r);
    assert_int_equal(r.rec.skips, 0);
    assert_int_equal(sc->finish(r.shared, r.locals[0], &r.sink), ASSAY_OK);
    assert_int_equal(r.rec.skips, 1);
    rig_free(&r);
}

static void broken_states_are_refused(void **state)
{
    (void)state;
    struct rig r;
    struct assay_buf saved;
    rig_read(&r);
    assay_buf_init(&saved, 1 << 26);
    assert_int_equal(sc->save(r.shared, r.locals[0], rig_put, &saved), ASSAY_OK);
    const struct assay_bytes all = assay_buf_bytes(&saved);
    for (size_t i = 0; i < 2000; i++) {
        const int cut = i % 2 == 0;
        struct assay_error err;
        void *fresh;
        char *copy = malloc(all.len + 1);
        assert_non_null(copy);
        memcpy(copy, all.ptr, all.len);
        copy[all.len] = '\0';
        size_t at = i < 1200 ? i * 2 % all.len : next_random() % all.len;
        copy[at] = cut ? copy[at] : (char)(copy[at] ^ (1 << next_random() % 8));
        assert_int_equal(sc->local_init(r.shared, &fresh, NULL), ASSAY_OK);
        enum assay_status st =
            sc->load(r.shared, fresh, assay_bytes_make(copy, cut ? at : all.len), &err);
        assert_true(!cut || st != ASSAY_OK);
        sc->local_free(fresh);
        free(copy);
    }
    assay_buf_release(&saved);
    rig_free(&r);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *want;
    } rows[] = {
        {"split_map", "train", "duplicates.split_map: 'train' is not LABEL=GLOB"},
        {"split_map", "Train=a", "'Train' is not LABEL=GLOB"},
        {"split_map", "none=a", "'none' is not"},
        {"split_map", "a=b;=c", "'' is not"},
        {"split_map", "a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1;l=1;m=1", "at most 15"},
        {"split_field", "split", "takes a JSON Pointer"},
        {"benchmarks", "test=a", "the name of a split is not one for a benchmark"},
        {"source_field", "/source", "go together"},
        {"source_values", "a,b", "go together"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake fake = {.rules = sc->rules, .options = {{rows[i].name, rows[i].value}}};
        struct assay_host host = fake_host(&fake);
        struct assay_error err;
        void *shared;
        assert_int_equal(sc->init(&host, &shared, &err), ASSAY_CONFIG);
        if (strstr(err.message, rows[i].want) == NULL) {
            fail_msg("'%s' says '%s'", rows[i].value, err.message);
        }
        assert_null(shared);
    }
}

static void neither_memory_nor_order_nor_parts_change_the_numbers(void **state)
{
    (void)state;
    enum { N = 4000 };
    static char texts[N][40];
    static const char *const splits[] = {NULL, "train", "test", "dev", "else"};
    struct item *items = calloc(N, sizeof *items);
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s number %u",
                       next_random() % 2 == 0 ? "Question" : "question,",
                       (unsigned)(next_random() % 1500));
        items[i] = (struct item){(uint32_t)(i % N_FILES), i / N_FILES, texts[i],
                                 splits[next_random() % 5]};
    }
    const struct rig_how hows[] = {
        plainly, {1, 1, 0, 1}, {1 << 26, 7, 0, 1}, {20000, 2, 1, 0}, {65536 * 8, 7, 1, 1}};
    char *want = NULL;
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        const struct option options[MAX_OPTIONS] = {{"split_field", "/split"},
                                                    {"benchmarks", "mmlu=bench/*"}};
        char *got = audit(options, items, N, hows[i]);
        if (want == NULL) {
            want = got;
            assert_non_null(strstr(got, "duplicates.leak.train_mmlu"));
            continue;
        }
        assert_string_equal(got, want);
        free(got);
    }
    free(want);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_say_splits),
        cmocka_unit_test(globs_match_paths),
        cmocka_unit_test(marks_are_found_again),
        cmocka_unit_test(marks_of_one_block_are_put_together),
        cmocka_unit_test(marks_of_no_label_are_refused),
        cmocka_unit_test(marks_without_a_disk_are_an_error),
        cmocka_unit_test(the_matrix_counts_records_of_the_second_split),
        cmocka_unit_test(sources_count_what_they_repeat),
        cmocka_unit_test(items_of_a_benchmark_are_contaminated_by_training_alone),
        cmocka_unit_test(a_field_decides_before_the_file),
        cmocka_unit_test(a_file_is_of_the_split_that_its_name_says),
        cmocka_unit_test(the_name_of_no_source_is_no_source),
        cmocka_unit_test(a_finding_names_all_splits),
        cmocka_unit_test(a_map_replaces_names),
        cmocka_unit_test(a_benchmark_without_files_is_refused),
        cmocka_unit_test(pictures_leak_with_the_records_that_name_them),
        cmocka_unit_test(accepted_pictures_leak_nowhere),
        cmocka_unit_test(members_that_are_not_given_are_a_skip),
        cmocka_unit_test(nothing_is_merged_or_saved_once_pictures_are_heard),
        cmocka_unit_test(what_was_not_looked_at_again_is_a_skip),
        cmocka_unit_test(broken_states_are_refused),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(neither_memory_nor_order_nor_parts_change_the_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
