/* SPDX-License-Identifier: Apache-2.0
 * Duplicates: the normal form, the tables, the groups; and that neither memory, order nor splitting
 * changes what is found. */
#include "tests/unit/plugins/scanner_rig.h"
#include "tests/unit/random.h"

#include <errno.h>
#include <malloc.h>
#include <unistd.h>

#include "plugins/scanners/duplicates/normalise.h"
#include "plugins/scanners/duplicates/table.h"

extern const struct assay_scanner assay_scanner_duplicates;
static const struct assay_scanner *const sc = &assay_scanner_duplicates;

/* ---- the normal form ---------------------------------------------------------------------------
 */

static struct fake plain_fake;

/* The form of one field, without its end: way 0 folds it first, way i is implementation i - 1 of
 * runs (NULL: there is none). Nothing but the field can be read. The caller frees. */
static char *form_of(const char *text, unsigned way)
{
    struct assay_host host = fake_host(&plain_fake);
    struct dup_text t = {.runs = way == 0 ? NULL : dup_runs_get(way - 1)};
    if (way > 0 && t.runs == NULL) {
        return NULL;
    }
    size_t len = strlen(text);
    char *exact = malloc(len == 0 ? 1 : len);
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct assay_bytes b = assay_bytes_make(exact, len);
    assert_int_equal(way == 0 ? dup_text_add_folded(&t, &host, b) : dup_text_add(&t, &host, b),
                     ASSAY_OK);
    assert_true(t.len > 0 && t.buf[t.len - 1] == DUP_FIELD_END);
    t.buf[t.len - 1] = '\0';
    free(exact);
    free(t.folded);
    return t.buf;
}

static void expect_form(const char *text, const char *want)
{
    char *got = form_of(text, 0);
    for (unsigned way = 1; got != NULL; way++) {
        assert_string_equal(got, want);
        free(got);
        got = form_of(text, way);
    }
}

/* Folding first, and every implementation of runs, give the same. */
static void expect_one_form(const char *text)
{
    char *folded = form_of(text, 0);
    char *fast = form_of(text, 1);
    for (unsigned way = 2; fast != NULL; way++) {
        if (strcmp(fast, folded) != 0) {
            for (const char *p = text; *p != '\0'; p++) {
                (void)fprintf(stderr, "%02x ", (unsigned)(uint8_t)*p);
            }
            fail_msg("'%s' is '%s' and, by way %u, '%s'", text, folded, way - 1, fast);
        }
        free(fast);
        fast = form_of(text, way);
    }
    free(folded);
}

static void the_normal_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"Hello,  World!", "hello world"},
        {"\t hello\r\nworld ...", "hello world"},
        {"don\xE2\x80\x99t \xE2\x80\x94 Don't", "don t don t"},
        {"你好，世界！", "你好世界"},
        {"使用 Python 编程。", "使用python编程"},
        {"使用Python编程", "使用python编程"},
        {"ＡＢＣ１２３", "abc123"},
        {"Ａ　Ｂ", "a b"},
        {"a\xC2\xA0"
         "b\xE2\x80\x8B"
         "c",
         "a bc"},
        {"É\xC3\x88 Z\xC3\x9F", "éè zss"},
        {"e\xCC\x81t\xC3\x89", "été"},
        {"ﬁne ½", "fine 1 2"}, /* the fraction slash is punctuation */
        {"1+1=2", "1+1=2"},
        {"3.14 -5", "3 14 5"},
        {"カタカナ・テスト ﾃｽﾄ", "カタカナテストテスト"},
        {"한국어 텍스트", "한국어 텍스트"},
        {"ПРИВЕТ, мир", "привет мир"},
        {"\xF0\x9F\x98\x80\xEF\xB8\x8F ok", "\xF0\x9F\x98\x80 ok"},
        {"", ""},
        {"...", ""},
        {"。，", ""},
        {"中 文 a b 中", "中文a b中"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_form(rows[i][0], rows[i][1]);
    }
}

/* Every code point that the fast walker may meet, next to every kind of neighbour. */
static void all_ways_give_the_same_form(void **state)
{
    (void)state;
    static const uint32_t spans[][2] = {{0x20, 0x7E},     {0x80, 0x17F},      {0x2000, 0x206F},
                                        {0x3000, 0x30FF}, {0x3400, 0x9FFF},   {0xFE00, 0xFE0F},
                                        {0xFF00, 0xFF70}, {0x1F300, 0x1FAFF}, {0x41, 0x5A},
                                        {0x20, 0x2F},     {0x4E00, 0x9FFF},   {0x0300, 0x0330}};
    for (unsigned round = 0; round < 40000; round++) {
        char text[1280];
        size_t len = 0;
        unsigned n = 1 + (unsigned)(next_random() % (round % 2 == 0 ? 12 : 300));
        unsigned kinds = (unsigned)next_random();
        for (unsigned i = 0; i < n; i++) {
            unsigned s = (unsigned)(next_random() % 12);
            s = (kinds >> s & 1) != 0 ? s : (kinds >> 16) % 12;
            uint32_t width = spans[s][1] - spans[s][0] + 1;
            len += assay_utf8_encode(spans[s][0] + (uint32_t)(next_random() % width), text + len);
        }
        text[len] = '\0';
        expect_one_form(text);
    }
    for (uint32_t cp = 1; cp < 0x1FB00; cp++) { /* each alone */
        char text[5];
        if (cp >= 0xD800 && cp < 0xE000) {
            continue;
        }
        text[assay_utf8_encode(cp, text)] = '\0';
        expect_one_form(text);
    }
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static int by_members(const void *pa, const void *pb)
{
    const uint64_t *a = pa, *b = pb;
    for (unsigned i = 0; i < 4; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

static int by_pair(const void *pa, const void *pb)
{
    const uint64_t *a = pa, *b = pb;
    return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1) : a[1] < b[1] ? -1 : a[1] > b[1];
}

static void sorting_sorts(void **state)
{
    (void)state;
    enum { N = 20000 };
    uint64_t *a = malloc(N * DUP_ENTRY_WORDS * sizeof *a);
    uint64_t *b = malloc(N * DUP_ENTRY_WORDS * sizeof *b);
    assert_non_null(a);
    assert_non_null(b);
    for (unsigned spread = 1; spread <= 64; spread *= 4) {
        for (unsigned words = DUP_PAIR_WORDS; words <= DUP_ENTRY_WORDS; words += 2) {
            for (size_t i = 0; i < N; i++) {
                uint64_t k = next_random() % (N / spread);
                const uint64_t e[] = {k * 0x9E3779B97F4A7C15u, spread == 64 ? 0 : k,
                                      next_random() % 3, next_random() % 1000};
                memcpy(a + i * words, e, words * sizeof *a);
            }
            memcpy(b, a, N * words * sizeof *a);
            dup_sort(a, N, words);
            qsort(b, N, words * sizeof *b, words == DUP_PAIR_WORDS ? by_pair : by_members);
            assert_memory_equal(a, b, N * words * sizeof *a);
        }
    }
    free(a);
    free(b);
}

/* Bytes that are allocated; nothing where that is not known. */
static size_t allocated(void)
{
    const struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

/* A table of pairs that spills, joined with another, comes out in order, once; with few runs, with
 * more of them than are merged at once, and a second time. What is held is within the bound, but
 * for some bytes for each run. */
static void pairs_come_out_in_order(void **state)
{
    (void)state;
    static const size_t rows[][2] = {{50, 100}, {3000, 100}, {40009, 100}, {70001, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint64_t n = rows[i][0];
        const size_t max = rows[i][1], least = max < 4096 ? 4096 : max;
        struct fake fake = {.budget = 1};
        struct assay_host host = fake_host(&fake);
        struct dup_table t[2] = {{.pairs = 1}, {.pairs = 1}};
        const size_t before = allocated();
        for (uint64_t k = 0; k < n; k++) {
            const uint64_t pair[] = {k * 7919 % n, k};
            assert_int_equal(dup_table_add(&t[k % 3 > 0], &host, max, pair), ASSAY_OK);
        }
        assert_int_equal(fake.spills, n < 200 ? 0 : 2);
        const size_t bound = (least + t[1].n) * DUP_PAIR_BYTES; /* what the other had in memory */
        assert_int_equal(dup_table_join(&t[0], &t[1]), ASSAY_OK);
        for (unsigned twice = 0; twice < 2; twice++) {
            struct dup_merge *m;
            const uint64_t *e;
            assert_int_equal(dup_merge_open(&t[0], &m), ASSAY_OK);
            assert_true(allocated() <= before + bound + n + 8192);
            for (uint64_t k = 0; k < n; k++) {
                assert_int_equal(dup_merge_next(m, &e), ASSAY_OK);
                assert_true(e[0] == k && e[1] * 7919 % n == k);
            }
            assert_int_equal(dup_merge_next(m, &e), ASSAY_END);
            dup_merge_close(m);
        }
        assert_int_equal(t[0].total, n);
        assert_int_equal(fake.spills, n < 200 ? 0 : 2);
        dup_table_release(&t[0]);
    }
}

static void merging_many_runs_can_fail_or_be_stopped(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (unsigned lost = 0; lost < 2; lost++) {
        struct fake fake = {.budget = 1};
        struct assay_host host = fake_host(&fake);
        struct dup_table t = {.pairs = 1};
        struct dup_merge *m;
        for (uint64_t k = 0; k < N; k++) {
            const uint64_t pair[] = {k * 7919 % N, k};
            assert_int_equal(dup_table_add(&t, &host, 100, pair), ASSAY_OK);
        }
        fake.cancelled = !lost;
        if (lost) {
            t.n = 0; /* nothing is left to write, and what was written is gone */
            assert_int_equal(ftruncate(t.fds[0], 0), 0);
        }
        assert_int_equal(dup_merge_open(&t, &m), lost ? ASSAY_IO : ASSAY_CANCELLED);
        assert_null(m);
        dup_table_release(&t);
    }
}

/* ---- a small dataset ---------------------------------------------------------------------------
 */

struct item {
    uint32_t file;
    uint64_t record;
    char text[48];
};

/* Records and files are few hundred kinds, repeated with small changes. */
static struct item *make_items(size_t n)
{
    struct item *items = calloc(n, sizeof *items);
    for (size_t i = 0; i < n; i++) {
        unsigned kind = (unsigned)(next_random() % 400);
        static const char *const heads[] = {"Record number ", "record NUMBER ", "Record  number, ",
                                            "该集合中的第", ""};
        static const char *const tails[] = {" of the set", " of the set.", ", of the set",
                                            " 号记录。", ""};
        unsigned form = (unsigned)(next_random() % 5);
        items[i].file = (uint32_t)(i % 5);
        items[i].record = i / 5;
        (void)snprintf(items[i].text, sizeof items[i].text, "%s%u%s", heads[form], kind,
                       tails[form]);
    }
    return items;
}

static void scan_item(struct rig *r, unsigned part, const struct item *it)
{
    rig_scan(r, part,
             &(struct rig_record){
                 .file = it->file, .ordinal = it->record, .values = {it->text}, .paths = {"/t"}});
}

static void shuffle(struct item *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = next_random() % i;
        struct item x = items[i - 1];
        items[i - 1] = items[j];
        items[j] = x;
    }
}

/* All that is said of `items`. The caller frees. *ret_spills: files opened to spill. */
static char *audit(const struct item *items, size_t n, struct rig_how how, int *ret_spills)
{
    struct rig r;
    rig_init(&r, sc, how.budget);
    rig_start(&r, how.parts);
    for (size_t i = 0; i < n; i++) {
        scan_item(&r, (unsigned)(i * 7 % how.parts), &items[i]);
    }
    rig_merge(&r, &how);
    char *said = rig_finish(&r);
    *ret_spills = r.fake.spills;
    assert_int_equal(r.rec.skips, 0);
    rig_free(&r);
    return said;
}

static void neither_memory_nor_order_nor_parts_change_the_answer(void **state)
{
    (void)state;
    enum { N = 6000 };
    struct item *items = make_items(N);
    int spills;
    char *want = audit(items, N, (struct rig_how){.budget = 1 << 26, .parts = 1}, &spills);
    assert_int_equal(spills, 0);
    assert_non_null(strstr(want, "duplicates.record 0:"));
    assert_non_null(strstr(want, "duplicates.normalised 0:"));
    assert_non_null(strstr(want, "~duplicates.records 6000/1\n"));
    const struct rig_how hows[] = {
        {1 << 26, 2, 0, 0}, {1 << 26, 7, 0, 1}, {1, 1, 0, 0},    {20000, 2, 0, 1},
        {1, 7, 0, 0},       {1 << 26, 2, 2, 0}, {4096, 7, 2, 1},
    };
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        shuffle(items, N);
        char *got = audit(items, N, hows[i], &spills);
        assert_string_equal(got, want);
        assert_true((spills > 0) == (hows[i].budget < 1 << 26));
        free(got);
    }
    free(want);
    free(items);
}

static void groups_name_their_members_in_order(void **state)
{
    (void)state;
    const struct item items[] = {
        {1, 9, "The quick brown fox"},
        {0, 4, "The quick brown fox"},
        {0, 7, "the QUICK brown fox!"},
        {0, 2, "the quick, brown fox"},
        {2, 0, "Something else here"},
        {1, 3, "the quick, brown fox"},
        {1, 1, "short"},
        {1, 2, "Short"},
        {1, 5, "short"},
        {3, 0, "The quick brown foxes"},
    };
    int spills;
    char *got = audit(items, 10, (struct rig_how){.budget = 1 << 20, .parts = 1}, &spills);
    assert_string_equal(got,
                        "duplicates.normalised 0:2 0:4 0:7 | 3 different records alike, 5 with "
                        "their copies\n"
                        "duplicates.record 0:2 1:3 | 2 identical records in 2 file(s)\n"
                        "duplicates.record 0:4 1:9 | 2 identical records in 2 file(s)\n"
                        "duplicates.record 1:1 1:5 | 2 identical records in 1 file(s)\n"
                        "~duplicates.answers 0/1\n"
                        "~duplicates.file_groups 0/1\n~duplicates.file_ratio 0/1\n"
                        "~duplicates.files 0/1\n~duplicates.normalised_groups 1/1\n"
                        "~duplicates.normalised_ratio 2/10\n~duplicates.record_groups 3/1\n"
                        "~duplicates.record_ratio 3/10\n~duplicates.records 10/1\n"
                        "~duplicates.short_records 3/1\n");
    free(got);
}

static void large_groups_list_the_smallest_and_count_all(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct item *items = calloc(2 * N, sizeof *items);
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct item){1, N - i, "always the same record"};
        items[N + i] = (struct item){2, i, ""};
        char *out = items[N + i].text; /* N variants of one form */
        for (unsigned b = 0; b < 12; b++) {
            *out++ = 'x';
            *out++ = (i >> b & 1) != 0 ? '.' : ' ';
        }
    }
    int spills;
    char *got = audit(items, 2 * N, (struct rig_how){.budget = 1, .parts = 3}, &spills);
    assert_non_null(strstr(got, "duplicates.record 1:1 1:2 1:3 "));
    assert_non_null(strstr(got, " 1:1000 of 3000 | 3000 identical records in 1 file(s)\n"));
    assert_non_null(strstr(got, "duplicates.normalised 2:0 2:1 2:2 "));
    assert_non_null(strstr(got, " 2:999 of 3000 | 3000 different records alike, 3000 with"));
    assert_null(strstr(got, " 1:1001 "));
    free(got);
    free(items);
}

/* ---- the rest of the contract ------------------------------------------------------------------
 */

static void identical_files(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, sc, 1 << 20);
    rig_start(&r, 1);
    struct assay_file f = {.size_of = sizeof f, .bytes = 10, .status = ASSAY_OK};
    static const struct {
        uint8_t digest;
        uint64_t bytes;
        enum assay_status status;
    } rows[] = {{7, 10, ASSAY_OK}, {8, 10, ASSAY_OK},      {7, 10, ASSAY_UNSUPPORTED},
                {9, 0, ASSAY_OK},  {9, 0, ASSAY_OK},       {0, 10, ASSAY_OK},
                {0, 10, ASSAY_OK}, {8, 10, ASSAY_CHANGED}, {7, 10, ASSAY_TRUNCATED}};
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f.index = i;
        f.bytes = rows[i].bytes;
        f.status = rows[i].status;
        memset(f.sha256, rows[i].digest, sizeof f.sha256);
        assert_int_equal(sc->file(r.shared, r.locals[0], &f, &r.sink), ASSAY_OK);
    }
    char *got = rig_finish(&r);
    assert_non_null(strstr(got, "duplicates.file 0 2 8 | 3 identical files\n"));
    assert_non_null(strstr(got, "~duplicates.file_ratio 2/9\n"));
    assert_non_null(strstr(got, "~duplicates.file_groups 1/1\n"));
    free(got);
    rig_free(&r);
}

static void options_change_what_is_compared(void **state)
{
    (void)state;
    const struct item items[] = {{0, 0, "abc DEF"}, {0, 1, "ABC def"}, {0, 2, "x"}, {0, 3, "X"}};
    static const struct {
        const char *name, *value;
        int groups;
    } rows[] = {{"min_chars", "7", 1},
                {"min_chars", "1", 2},
                {"min_chars", "8", 0},
                {"normalised", "false", 0}};
    for (size_t i = 0; i < 4; i++) {
        struct rig r;
        char want[64];
        rig_init(&r, sc, 1 << 20);
        r.fake.options[0].name = rows[i].name;
        r.fake.options[0].value = rows[i].value;
        rig_start(&r, 1);
        for (size_t k = 0; k < 4; k++) {
            scan_item(&r, 0, &items[k]);
        }
        char *got = rig_finish(&r);
        (void)snprintf(want, sizeof want, "~duplicates.normalised_groups %d/1\n", rows[i].groups);
        assert_non_null(strstr(got, want));
        free(got);
        rig_free(&r);
    }
}

static void a_full_disk_is_an_error_not_a_miss(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, sc, 1);
    r.fake.spill_errno = ENOSPC;
    rig_start(&r, 1);
    struct dup_table t = {0};
    enum assay_status st = ASSAY_OK;
    for (uint64_t i = 0; i < 100 && st == ASSAY_OK; i++) {
        st = dup_table_add(&t, &r.host, 64, (const uint64_t[]){i, i, i, i});
    }
    assert_int_equal(st, ASSAY_FULL);
    dup_table_release(&t);
    rig_free(&r);
}

static void a_place_out_of_range_is_skipped_and_counted(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, sc, 1 << 20);
    rig_start(&r, 1);
    scan_item(&r, 0, &(struct item){1u << 26, 0, "text"});
    scan_item(&r, 0, &(struct item){0, UINT64_C(1) << 38, "text"});
    assert_int_equal(r.rec.skips, 2);
    rig_free(&r);
}

static void cancelling_stops_the_end(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, sc, 1 << 26);
    rig_start(&r, 1);
    for (uint32_t i = 0; i < 70000; i++) {
        scan_item(&r, 0, &(struct item){0, i, "text that is always the same"});
    }
    r.fake.cancelled = 1;
    assert_int_equal(sc->finish(r.shared, r.locals[0], &r.sink), ASSAY_CANCELLED);
    rig_free(&r);
}

static void bad_saved_states_are_refused(void **state)
{
    (void)state;
    struct rig r;
    struct assay_buf saved;
    struct assay_error err;
    rig_init(&r, sc, 1 << 20);
    rig_start(&r, 1);
    assay_buf_init(&saved, 1 << 16);
    scan_item(&r, 0, &(struct item){0, 0, "some text to keep"});
    scan_item(&r, 0, &(struct item){0, 1, "some more of it"});
    assert_int_equal(sc->save(r.shared, r.locals[0], rig_put, &saved), ASSAY_OK);
    for (size_t len = 0; len < saved.len; len++) {
        assert_int_equal(sc->load(r.shared, r.locals[0], assay_bytes_make(saved.ptr, len), &err),
                         ASSAY_CORRUPT);
    }
    assay_buf_addc(&saved, 'x');
    assert_int_equal(sc->load(r.shared, r.locals[0], assay_buf_bytes(&saved), &err), ASSAY_CORRUPT);
    saved.len--;
    saved.ptr[8] ^= 1; /* min_chars */
    assert_int_equal(sc->load(r.shared, r.locals[0], assay_buf_bytes(&saved), &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "min_chars"));
    assay_buf_release(&saved);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_normal_form),
        cmocka_unit_test(all_ways_give_the_same_form),
        cmocka_unit_test(sorting_sorts),
        cmocka_unit_test(pairs_come_out_in_order),
        cmocka_unit_test(merging_many_runs_can_fail_or_be_stopped),
        cmocka_unit_test(neither_memory_nor_order_nor_parts_change_the_answer),
        cmocka_unit_test(groups_name_their_members_in_order),
        cmocka_unit_test(large_groups_list_the_smallest_and_count_all),
        cmocka_unit_test(identical_files),
        cmocka_unit_test(options_change_what_is_compared),
        cmocka_unit_test(a_full_disk_is_an_error_not_a_miss),
        cmocka_unit_test(a_place_out_of_range_is_skipped_and_counted),
        cmocka_unit_test(cancelling_stops_the_end),
        cmocka_unit_test(bad_saved_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
