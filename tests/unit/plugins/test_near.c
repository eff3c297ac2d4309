/* SPDX-License-Identifier: Apache-2.0
 * Near-duplicates: what is found is what comparing all with all finds, whatever the memory, the
 * order and the division of the work; and what is not compared is said. */
#include "tests/unit/plugins/scanner_rig.h"
#include "tests/unit/random.h"

#include "plugins/scanners/duplicates/candidates.h"
#include "plugins/scanners/duplicates/chosen.h"
#include "plugins/scanners/duplicates/sketch.h"

extern const struct assay_scanner assay_scanner_duplicates;
static const struct assay_scanner *const sc = &assay_scanner_duplicates;

#define FILES 5

/* ---- a dataset ---------------------------------------------------------------------------------
 */

struct text {
    uint32_t file;
    uint64_t record;
    unsigned words[80];
    unsigned n;
};

static void random_words(struct text *t, unsigned n)
{
    t->n = n;
    for (unsigned i = 0; i < n; i++) {
        t->words[i] = (unsigned)(next_random() % 5000);
    }
}

/* Families of like texts: a head, and copies in which a few words differ. */
static struct text *make_texts(size_t n)
{
    struct text *texts = calloc(n, sizeof *texts);
    assert_non_null(texts);
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == 0) {
            random_words(&texts[i], 8 + (unsigned)(next_random() % 70));
        } else {
            texts[i] = texts[i - 1 - next_random() % (i % 4)];
            for (uint64_t changes = next_random() % 4; changes > 0; changes--) {
                texts[i].words[next_random() % texts[i].n] = (unsigned)(next_random() % 5000);
            }
        }
        texts[i].file = (uint32_t)(i % FILES);
        texts[i].record = i / FILES;
    }
    return texts;
}

static size_t print_text(const struct text *t, char *out, size_t cap)
{
    size_t len = 0;
    for (unsigned i = 0; i < t->n; i++) {
        len += (size_t)snprintf(out + len, cap - len, "word%u ", t->words[i]);
        assert_true(len < cap);
    }
    return len;
}

/* Hands one text to `each` as a batch. */
static void with_batch(const struct text *t, void (*each)(void *ctx, const struct assay_batch *b),
                       void *ctx)
{
    char text[1024];
    (void)print_text(t, text, sizeof text);
    const struct rig_record record = {
        .file = t->file, .ordinal = t->record, .values = {text}, .paths = {"/t"}};
    rig_with_batch(&record, each, ctx);
}

/* ---- an audit ----------------------------------------------------------------------------------
 */

struct how {
    const char *memory;
    unsigned parts;
    int reload; /* as rig_how has it */
    int backwards;
    uint32_t unseen; /* a file that is not shown again; 0: none (file 0 always is) */
    const char *threshold;
};

static void audit_init(struct rig *r, const struct how *how)
{
    rig_init(r, sc, 1 << 26);
    r->fake.options[0].name = "near";
    r->fake.options[0].value = "true";
    r->fake.options[1].name = "memory";
    r->fake.options[1].value = how->memory;
    r->fake.options[2].name = "near_threshold";
    r->fake.options[2].value = how->threshold == NULL ? "800" : how->threshold;
    rig_start(r, how->parts);
}

static void scan_text(struct rig *r, unsigned part, const struct text *t)
{
    with_batch(t, rig_scan_batch, &(struct rig_part){r, part});
}

/* Shows the texts again, to one worker after another. */
static void look_again(struct rig *r, const struct text *texts, size_t n, const struct how *how)
{
    for (size_t i = 0; i < n; i++) {
        if (how->unseen == 0 || texts[i].file != how->unseen) {
            with_batch(&texts[i], rig_review_batch,
                       &(struct rig_part){r, (unsigned)(i * 5 % how->parts)});
        }
    }
    rig_review_end(r, how->backwards);
}

/* All that is said of `texts`. The caller frees. *ret (may be NULL): what was counted. */
static char *audit(const struct text *texts, size_t n, struct how how, struct rig *ret)
{
    struct rig r;
    audit_init(&r, &how);
    for (size_t i = 0; i < n; i++) {
        scan_text(&r, (unsigned)(i * 7 % how.parts), &texts[i]);
    }
    rig_merge(&r, &(struct rig_how){.reload = how.reload, .backwards = how.backwards});
    if (rig_review_begin(&r)) {
        look_again(&r, texts, n, &how);
    }
    char *said = rig_finish(&r);
    rig_free(&r);
    if (ret != NULL) {
        *ret = r;
    }
    return said;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

/* Whether two texts of one length have a Jaccard index of at least 0.8, from their words. */
static int are_alike(const struct text *a, const struct text *b)
{
    const unsigned w = dup_shingle_width(a->n);
    unsigned shared = 0, n_a = 0, n_b = 0;
    if (dup_shingle_width(b->n) != w) {
        return 0;
    }
    for (unsigned i = 0; i + w <= a->n; i++) {
        int in_b = 0, before = 0;
        for (unsigned k = 0; k + w <= b->n; k++) {
            in_b |= memcmp(a->words + i, b->words + k, w * sizeof(unsigned)) == 0;
        }
        for (unsigned k = 0; k < i; k++) {
            before |= memcmp(a->words + i, a->words + k, w * sizeof(unsigned)) == 0;
        }
        n_a += !before;
        shared += !before && in_b;
    }
    for (unsigned i = 0; i + w <= b->n; i++) {
        int before = 0;
        for (unsigned k = 0; k < i; k++) {
            before |= memcmp(b->words + i, b->words + k, w * sizeof(unsigned)) == 0;
        }
        n_b += !before;
    }
    return 10 * shared >= 8 * (n_a + n_b - shared);
}

static int same_words(const struct text *a, const struct text *b)
{
    return a->n == b->n && memcmp(a->words, b->words, a->n * sizeof a->words[0]) == 0;
}

static size_t root_of(const size_t *parent, size_t i)
{
    while (parent[i] != i) {
        i = parent[i];
    }
    return i;
}

static uint64_t place_of(const struct text *t)
{
    return dup_place(t->file, t->record);
}

static int by_place(const void *pa, const void *pb)
{
    uint64_t a = place_of(pa), b = place_of(pb);
    return a < b ? -1 : a > b;
}

/* Members of every cluster as the findings print them, by comparing all with all. `texts` are in
 * the order of places; of the same words only the first counts. */
static char *compare_all(const struct text *texts, size_t n)
{
    struct assay_buf out;
    size_t *parent = malloc(n * sizeof *parent);
    assert_non_null(parent);
    assay_buf_init(&out, 1 << 24);
    for (size_t i = 0; i < n; i++) {
        parent[i] = i;
        for (size_t k = 0; k < i && parent[i] != SIZE_MAX; k++) {
            parent[i] = same_words(&texts[i], &texts[k]) ? SIZE_MAX : parent[i];
        }
        for (size_t k = 0; k < i && parent[i] != SIZE_MAX; k++) {
            if (parent[k] != SIZE_MAX && are_alike(&texts[i], &texts[k])) {
                size_t a = root_of(parent, i), b = root_of(parent, k);
                parent[a > b ? a : b] = a < b ? a : b;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        int any = 0;
        for (size_t k = i + 1; k < n && parent[i] == i; k++) {
            if (parent[k] != SIZE_MAX && root_of(parent, k) == i) {
                if (!any++) {
                    assay_buf_addf(&out, "duplicates.near %u:%llu", texts[i].file,
                                   (unsigned long long)texts[i].record);
                }
                assay_buf_addf(&out, " %u:%llu", texts[k].file,
                               (unsigned long long)texts[k].record);
            }
        }
        assay_buf_adds(&out, any ? " |\n" : "");
    }
    assay_buf_addc(&out, '\0');
    free(parent);
    return assay_buf_take(&out);
}

/* Every line of `want` begins a line of `got`, and there are no more that begin with `prefix`. */
static void expect_lines(const char *got, const char *want, const char *prefix)
{
    size_t wanted = 0, found = 0;
    for (const char *p = want; *p != '\0'; p += strcspn(p, "\n") + 1, wanted++) {
        char line[1024];
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
        if (strstr(got, line) == NULL) {
            fail_msg("not found: %s", line);
        }
    }
    for (const char *p = got; *p != '\0'; p += strcspn(p, "\n") + 1) {
        found += strncmp(p, prefix, strlen(prefix)) == 0;
    }
    assert_int_equal(found, wanted);
    assert_true(wanted > 0);
}

static void what_is_found_is_what_comparing_all_finds(void **state)
{
    (void)state;
    enum { N = 1200 };
    struct text *texts = make_texts(N);
    qsort(texts, N, sizeof *texts, by_place);
    char *want = compare_all(texts, N);
    char *got = audit(texts, N, (struct how){.parts = 1}, NULL);
    expect_lines(got, want, "duplicates.near ");
    assert_non_null(strstr(got, "~duplicates.near_unverified 0/1\n"));
    assert_non_null(strstr(got, "~duplicates.near_bands 20/1\n"));
    assert_non_null(strstr(got, "shingles of 3 token(s)"));
    assert_non_null(strstr(got, "shingles of 5 token(s)"));
    free(got);
    free(want);
    free(texts);
}

static void shuffle(struct text *texts, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = next_random() % i;
        struct text x = texts[i - 1];
        texts[i - 1] = texts[j];
        texts[j] = x;
    }
}

static void neither_memory_nor_order_nor_parts_change_the_answer(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct text *texts = make_texts(N);
    struct rig a;
    char *want = audit(texts, N, (struct how){.parts = 1}, &a);
    assert_int_equal(a.fake.spills, 0);
    assert_int_equal(a.rec.skips, 0);
    assert_non_null(strstr(want, "duplicates.near "));
    const struct how hows[] = {
        {NULL, 2, 0, 0, 0, NULL},    {NULL, 7, 0, 1, 0, NULL},   {"1000", 1, 0, 0, 0, NULL},
        {"64KiB", 2, 0, 1, 0, NULL}, {"1000", 7, 0, 0, 0, NULL}, {NULL, 2, 2, 0, 0, NULL},
        {"4KiB", 7, 1, 1, 0, NULL},
    };
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        shuffle(texts, N);
        char *got = audit(texts, N, hows[i], &a);
        assert_string_equal(got, want);
        assert_true((a.fake.spills > 0) == (hows[i].memory != NULL));
        free(got);
    }
    free(want);
    free(texts);
}

/* A text whose words are 0, 1, 2 ... with some replaced by numbers of its own. */
static struct text variant(uint64_t record, unsigned n, unsigned from, unsigned to)
{
    struct text t = {.record = record, .n = n};
    for (unsigned i = 0; i < n; i++) {
        t.words[i] = i >= from && i < to ? 1000 + 100 * (unsigned)record + i : i;
    }
    return t;
}

/* The first is like the second and the second like the third, but the first is not like the third. */
static void a_chain_is_flagged(void **state)
{
    (void)state;
    const struct text texts[] = {variant(0, 80, 0, 8), variant(1, 80, 0, 0),
                                 variant(2, 80, 72, 80)};
    struct how how = {.parts = 1};
    char *got = audit(texts, 3, how, NULL);
    assert_non_null(strstr(got, "duplicates.near 0:0 0:1 0:2 | 3 near-duplicates in 1 file(s), "
                                "shingles of 5 token(s), similarity to the first: least 652, "
                                "median 652 of 1000, containment at least 789, chained\n"));
    assert_non_null(strstr(got, "~duplicates.near_chained 1/1\n"));
    assert_non_null(strstr(got, "~duplicates.near_ratio 2/3\n"));
    free(got);
    how.threshold = "650";
    got = audit(texts, 3, how, NULL);
    assert_non_null(strstr(got, "containment at least 789\n"));
    assert_non_null(strstr(got, "~duplicates.near_chained 0/1\n"));
    free(got);
    how.threshold = "900";
    got = audit(texts, 3, how, NULL);
    assert_null(strstr(got, "duplicates.near "));
    assert_non_null(strstr(got, "~duplicates.near_groups 0/1\n"));
    free(got);
}

/* Texts that share two thirds of their words, but not enough to be alike; and two that are. */
static void boilerplate_is_capped_and_reported(void **state)
{
    (void)state;
    enum { N = 400 };
    struct text *texts = calloc(N, sizeof *texts);
    struct rig a;
    assert_non_null(texts);
    for (unsigned i = 0; i < N; i++) {
        texts[i] = variant(i, 80, 54, 80);
    }
    texts[N - 1] = texts[100];
    texts[N - 1].record = N - 1;
    texts[N - 1].words[79] = 1;
    char *got = audit(texts, N, (struct how){.parts = 3}, &a);
    assert_non_null(strstr(got, "duplicates.near 0:100 0:399 | 2 near-duplicates"));
    assert_non_null(strstr(got, " different texts agree in one band; each was "
                                "compared with 4 of them\n"));
    assert_null(strstr(got, "~duplicates.near_hot_buckets 0/1\n"));
    assert_non_null(strstr(got, "~duplicates.near_groups 1/1\n"));
    assert_int_equal(a.rec.skips, 0);
    free(got);
    free(texts);
}

static void what_is_not_seen_again_is_said(void **state)
{
    (void)state;
    enum { N = 400 };
    struct text *texts = make_texts(N);
    struct rig a;
    char *got = audit(texts, N, (struct how){.parts = 2, .unseen = 3}, &a);
    assert_int_equal(a.rec.skips, 1);
    assert_null(strstr(got, "~duplicates.near_unverified 0/1\n"));
    assert_null(strstr(got, "duplicates.near 3:"));
    free(got);

    const struct how how = {.parts = 1}; /* a host that shows nothing twice */
    struct rig once;
    audit_init(&once, &how);
    scan_text(&once, 0, &texts[0]);
    free(rig_finish(&once));
    assert_int_equal(once.rec.skips, 1);
    rig_free(&once);
    free(texts);
}

/* In the second look, where candidates are found, and at the end, where clusters are. */
static void a_full_disk_ends_the_audit(void **state)
{
    (void)state;
    enum { N = 3000 };
    const struct how how = {.memory = "4KiB", .parts = 2};
    struct text *texts = make_texts(N);
    for (int late = 0; late < 2; late++) {
        struct rig a, *r = &a;
        struct assay_error err;
        int wanted;
        audit_init(r, &how);
        for (size_t i = 0; i < N; i++) {
            scan_text(r, (unsigned)(i % how.parts), &texts[i]);
        }
        rig_merge(r, &(struct rig_how){.reload = 0});
        if (late) {
            assert_true(rig_review_begin(r));
            look_again(r, texts, N, &how);
            r->fake.spill_errno = ENOSPC;
            assert_int_equal(sc->finish(r->shared, r->merged, &r->sink), ASSAY_FULL);
        } else {
            r->fake.spill_errno = ENOSPC;
            assert_int_equal(sc->review_begin(r->shared, r->merged, &wanted, &err), ASSAY_FULL);
            assert_non_null(strstr(err.message, "cannot find candidates"));
        }
        free(recorder_take(&r->rec));
        rig_free(r);
    }
    free(texts);
}

static void a_state_of_other_options_is_refused(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"near", "false"}, {"near_threshold", "900"}, {"near_recall", "900"}, {"fields", "/t"}};
    const struct text t = variant(0, 80, 0, 0);
    const struct how how = {.parts = 1};
    struct rig first, other, *a = &first, *b = &other;
    struct assay_buf saved;
    audit_init(a, &how);
    scan_text(a, 0, &t);
    assay_buf_init(&saved, 1 << 20);
    assert_int_equal(sc->save(a->shared, a->merged, rig_put, &saved), ASSAY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct assay_error err;
        audit_init(b, &how);
        rig_free(b);
        b->fake.options[i == 0 ? 0 : 3].name = rows[i][0];
        b->fake.options[i == 0 ? 0 : 3].value = rows[i][1];
        b->fake.options[2].name = i == 1 ? "-" : b->fake.options[2].name;
        rig_start(b, 1);
        assert_int_equal(sc->load(b->shared, b->merged, assay_buf_bytes(&saved), &err),
                         ASSAY_CONFIG);
        assert_non_null(strstr(err.message, rows[i][0]));
        rig_free(b);
    }
    int wanted;
    assert_int_equal(sc->review_begin(a->shared, a->merged, &wanted, NULL), ASSAY_OK);
    assert_int_equal(wanted, 0); /* one text has no partner */
    assert_int_equal(sc->save(a->shared, a->merged, rig_put, &saved), ASSAY_USAGE);
    assay_buf_release(&saved);
    rig_free(a);
}

/* ---- fields ------------------------------------------------------------------------------------
 */

static void fields_are_chosen_by_pointer(void **state)
{
    (void)state;
    static const char *const paths[] = {"/a", "/ab", "/a/0/c", "/b", "/c/d", "/c"};
    static const struct {
        const char *list, *chosen;
    } rows[] = {{NULL, "111111"}, {"/a", "101000"}, {"/b,/c/d", "000110"}, {"/c", "000011"}};
    struct assay_bytes bytes[6];
    struct assay_batch b = {.n_paths = 6, .paths = bytes};
    struct dup_mask m = {0};
    for (uint32_t i = 0; i < 6; i++) {
        bytes[i] = assay_bytes_str(paths[i]);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dup_chosen c = {0};
        assert_int_equal(dup_chosen_parse(&c, rows[i].list, NULL), ASSAY_OK);
        assert_int_equal(dup_mask_set(&m, &c, &b), ASSAY_OK);
        for (uint32_t k = 0; k < 6; k++) {
            struct assay_field f = {.path = k, .kind = ASSAY_FIELD_STRING};
            assert_int_equal(dup_mask_has(&m, &f), rows[i].chosen[k] == '1');
            f.kind = ASSAY_FIELD_NUMBER;
            assert_int_equal(dup_mask_has(&m, &f), 0);
        }
        dup_chosen_release(&c);
    }
    dup_mask_release(&m);
}

static void bad_lists_of_fields_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"text", "/a,", "/a,,/b", ",/a", "/a, /b"};
    char many[512] = "/0";
    struct assay_error err;
    struct dup_chosen c = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(dup_chosen_parse(&c, rows[i], &err), ASSAY_CONFIG);
        assert_non_null(strstr(err.message, "fields"));
        dup_chosen_release(&c);
    }
    for (unsigned i = 0; i < DUP_POINTERS_MAX; i++) {
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ",/%u", i);
    }
    assert_int_equal(dup_chosen_parse(&c, many, &err), ASSAY_CONFIG);
    assert_non_null(strstr(err.message, "at most 64"));
    dup_chosen_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_is_what_comparing_all_finds),
        cmocka_unit_test(neither_memory_nor_order_nor_parts_change_the_answer),
        cmocka_unit_test(a_chain_is_flagged),
        cmocka_unit_test(boilerplate_is_capped_and_reported),
        cmocka_unit_test(what_is_not_seen_again_is_said),
        cmocka_unit_test(a_full_disk_ends_the_audit),
        cmocka_unit_test(a_state_of_other_options_is_refused),
        cmocka_unit_test(fields_are_chosen_by_pointer),
        cmocka_unit_test(bad_lists_of_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
