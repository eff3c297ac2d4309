/* SPDX-License-Identifier: Apache-2.0
 * Duplicates, of instruction data: what is handed over of prompts, answers and preferences is what
 * a plain count says, however the work was divided; and somebody must take it. */
#include "tests/unit/plugins/scanner_rig.h"
#include "tests/unit/random.h"

extern const struct assay_scanner assay_scanner_duplicates;

struct item {
    uint32_t file;
    uint64_t record;
    unsigned prompt, answer, way; /* how both are spelled */
};

static void scan_item(struct rig *r, unsigned part, const struct item *it)
{
    char prompt[64], answer[64];
    (void)snprintf(prompt, sizeof prompt, "%s %u%s",
                   it->way % 2 ? "question NUMBER" : "Question number", it->prompt,
                   it->way % 2 ? " please!" : ", please");
    (void)snprintf(answer, sizeof answer, "%s %u.", it->way / 2 % 2 ? "answer " : "Answer",
                   it->answer);
    rig_scan(r, part,
             &(struct rig_record){.file = it->file,
                                  .ordinal = it->record,
                                  .values = {prompt, answer},
                                  .paths = {"/prompt", "/response"}});
}

static void set_up(struct rig *r, uint64_t budget)
{
    rig_init(r, &assay_scanner_duplicates, budget);
    r->fake.options[0].name = "answers";
    r->fake.options[0].value = "true";
    r->sink.hand = on_group;
}

/* The lines of what was handed over, of the topic that `from` begins, or of all (">"). */
static char *handed(char *all, const char *from)
{
    struct assay_buf out;
    assay_buf_init(&out, 1 << 26);
    for (char *line = all, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        if (strncmp(line, from, strlen(from)) == 0) {
            assay_buf_add(&out, line, (size_t)(end - line) + 1);
        }
    }
    free(all);
    assay_buf_addc(&out, '\0');
    return assay_buf_take(&out);
}

static char *audit(const struct item *items, size_t n, const struct rig_how *how, const char *from)
{
    struct rig r;
    set_up(&r, how->budget);
    rig_start(&r, how->parts);
    for (size_t i = 0; i < n; i++) {
        scan_item(&r, (unsigned)(i * 7 % how->parts), &items[i]);
    }
    rig_merge(&r, how);
    char *got = handed(rig_finish(&r), from);
    rig_free(&r);
    return got;
}

/* ---- against a plain count -------------------------------------------------------------------- */

enum { N = 600, PROMPTS = 150, ANSWERS = 4 };

static int is_before(const struct item *a, const struct item *b)
{
    return a->file != b->file ? a->file < b->file : a->record < b->record;
}

struct counted {
    const struct item *first;
    uint64_t n;
};

static int by_first(const void *pa, const void *pb)
{
    const struct counted *a = pa, *b = pb;
    return is_before(a->first, b->first) ? -1 : 1;
}

/* The line that one prompt should give; nothing when fewer than two records ask it. */
static void expect_prompt(const struct item *items, unsigned prompt, struct recorder *rec)
{
    struct counted by_answer[ANSWERS] = {{NULL, 0}};
    struct assay_buf line;
    uint64_t records = 0, agreeing = 0;
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        if (items[i].prompt == prompt) {
            struct counted *c = &by_answer[items[i].answer];
            c->first = c->n == 0 || is_before(&items[i], c->first) ? &items[i] : c->first;
            agreeing += c->n++;
            records++;
        }
    }
    for (size_t i = 0; i < ANSWERS; i++) {
        by_answer[n] = by_answer[i];
        n += by_answer[i].n > 0;
    }
    if (records < 2) {
        return;
    }
    qsort(by_answer, n, sizeof by_answer[0], by_first);
    assay_buf_init(&line, 4096);
    assay_buf_adds(&line, "> answers");
    for (size_t i = 0; i < n; i++) {
        assay_buf_addf(&line, " %u:%llu*%llu", by_answer[i].first->file,
                       (unsigned long long)by_answer[i].first->record,
                       (unsigned long long)by_answer[i].n);
    }
    assay_buf_addf(&line, " of %zu | %llu %llu", n, (unsigned long long)records,
                   (unsigned long long)agreeing);
    record_line(rec, &line);
}

static char *expected(const struct item *items)
{
    struct recorder rec = {.n = 0};
    struct assay_buf line;
    const struct item *first = &items[0];
    for (unsigned p = 0; p < PROMPTS; p++) {
        expect_prompt(items, p, &rec);
    }
    for (size_t i = 1; i < N; i++) {
        first = is_before(&items[i], first) ? &items[i] : first;
    }
    assay_buf_init(&line, 256);
    assay_buf_addf(&line, "> answered %u:%llu*1 of %d | 0 0", first->file,
                   (unsigned long long)first->record, N);
    record_line(&rec, &line);
    return recorder_take(&rec);
}

static void what_is_handed_over_is_what_there_is(void **state)
{
    (void)state;
    static const struct rig_how hows[] = {{.budget = 1 << 26, .parts = 1},
                                          {.budget = 1 << 12, .parts = 1},
                                          {.budget = 1 << 26, .parts = 7},
                                          {.budget = 1 << 12, .parts = 5, .backwards = 1},
                                          {.budget = 1 << 12, .parts = 3, .reload = 2}};
    struct item items[N];
    for (size_t i = 0; i < N; i++) {
        items[i] = (struct item){.file = (uint32_t)(next_random() % 3),
                                 .record = i,
                                 .prompt = (unsigned)(next_random() % PROMPTS),
                                 .answer = (unsigned)(next_random() % ANSWERS),
                                 .way = (unsigned)(next_random() % 4)};
    }
    char *want = expected(items);
    for (size_t h = 0; h < sizeof hows / sizeof hows[0]; h++) {
        char *got = audit(items, N, &hows[h], ">");
        assert_string_equal(got, want);
        free(got);
    }
    free(want);
}

/* Of 2500 answers the first 1000 are named; where one is given by three records, that one, too. */
static void the_most_frequent_answer_is_always_named(void **state)
{
    (void)state;
    enum { MANY = 2500, COMMON = 1500 };
    static struct item items[MANY + 2];
    for (size_t i = 0; i < MANY; i++) {
        items[i] = (struct item){.file = 1, .record = MANY - i, .answer = (unsigned)(MANY - i)};
    }
    const struct rig_how how = {.budget = 1 << 26, .parts = 1};
    for (unsigned other = 0; other < 6; other++) { /* which is the first by hash varies */
        for (size_t i = 0; i < MANY; i++) {
            items[i].answer = other * MANY + (unsigned)(MANY - i);
        }
        char *got = audit(items, MANY, &how, "> answers");
        assert_true(strncmp(got, "> answers 1:1*1 1:2*1 ", 22) == 0);
        assert_non_null(strstr(got, " 1:1000*1 of 2500 | 2500 0\n"));
        free(got);
    }
    for (uint64_t i = 0; i < 2; i++) {
        items[MANY + i] = (struct item){.file = 2, .record = i, .answer = 5 * MANY + COMMON};
    }
    char *got = audit(items, MANY + 2, &how, "> answers");
    assert_non_null(strstr(got, " 1:999*1 1:1500*3 of 2500 | 2502 3\n"));
    assert_null(strstr(got, " 1:1000*1"));
    free(got);
}

/* ---- preferences, and who takes ----------------------------------------------------------------- */

static void sides_are_handed_over_with_whether_they_are_the_same(void **state)
{
    (void)state;
    static const char *const sides[][2] = {
        {"The same", "the SAME."}, {"The same", "another"}, {"", "the same"}, {"only one", NULL}};
    struct rig r;
    set_up(&r, 1 << 26);
    rig_start(&r, 1);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        rig_scan(&r, 0,
                 &(struct rig_record){.file = 4,
                                      .ordinal = i,
                                      .values = {sides[i][0], sides[i][1]},
                                      .paths = {"/chosen", "/rejected"}});
    }
    char *got = handed(rig_finish(&r), ">");
    assert_string_equal(got, "> preferences 4:0*1 of 1 | 1 0\n"
                             "> preferences 4:1*1 of 1 | 0 0\n"
                             "> preferences 4:2*1 of 1 | 0 0\n");
    free(got);
    rig_free(&r);
}

static void somebody_must_take_answers(void **state)
{
    (void)state;
    struct rig r;
    struct assay_error err;
    set_up(&r, 1 << 26);
    r.fake.is_alone = 1;
    assert_int_equal(r.sc->init(&r.host, &r.shared, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "'labels' is left out"));
    r.host.size = offsetof(struct assay_host, is_taken); /* of before there was such a thing */
    r.fake.is_alone = 0;
    assert_int_equal(r.sc->init(&r.host, &r.shared, &err), ASSAY_CONFIG);
    r.fake.options[0].value = "false";
    assert_int_equal(r.sc->init(&r.host, &r.shared, &err), ASSAY_OK);
    r.sc->free(r.shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_over_is_what_there_is),
        cmocka_unit_test(the_most_frequent_answer_is_always_named),
        cmocka_unit_test(sides_are_handed_over_with_whether_they_are_the_same),
        cmocka_unit_test(somebody_must_take_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
