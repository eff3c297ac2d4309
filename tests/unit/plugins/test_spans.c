/* SPDX-License-Identifier: Apache-2.0
 * Long passages: which n-grams are kept, that two texts with a long passage in common share one,
 * and that the longest match is what a search of every pair of places finds. */
#include "tests/unit/plugins/scanner_host.h"
#include "tests/unit/random.h"

#include "plugins/scanners/duplicates/match.h"

static struct fake plain_fake;
/* The tokens of fields that stand one behind the other, each ended by a newline. */
static void read_text(struct dup_spots *s, const char *text)
{
    struct assay_host host = fake_host(&plain_fake);
    struct assay_field fields[64];
    struct assay_record record = {.raw = assay_bytes_str(text)};
    struct dup_mask all = {0};
    for (const char *p = text; *p != '\0'; p += strcspn(p, "\n") + 1) {
        fields[record.n_fields++] = (struct assay_field){.start = (uint32_t)(p - text),
                                                         .len = (uint32_t)strcspn(p, "\n"),
                                                         .kind = ASSAY_FIELD_STRING};
    }
    struct assay_batch batch = {.size = sizeof batch,
                                .text = text,
                                .text_len = (uint32_t)strlen(text),
                                .n_records = 1,
                                .n_fields = record.n_fields,
                                .records = &record,
                                .fields = fields};
    assert_int_equal(dup_spots_read(s, &host, &all, &batch, &record), ASSAY_OK);
}

/* Words and Han characters of a small alphabet, mixed as `mix` of 8 says; fields end by chance. */
static void make_text(char *out, size_t n, unsigned mix, unsigned letters)
{
    for (size_t i = 0; i < n; i++) {
        unsigned letter = (unsigned)(next_random() % letters);
        if (next_random() % 8 < mix) {
            *out++ = '\xE4';
            *out++ = (char)(0xB8 + letter / 64);
            *out++ = (char)(0x80 + letter % 64);
        } else {
            *out++ = ' ';
            *out++ = (char)('a' + letter % 26);
            *out++ = (char)('a' + letter / 26);
            *out++ = ' ';
        }
        if (next_random() % 60 == 0) {
            *out++ = '\n';
        }
    }
    *out++ = '\n';
    *out = '\0';
}

struct kept {
    uint64_t hashes[4096];
    size_t n;
};

static enum assay_status keep(void *ctx, uint64_t hash)
{
    struct kept *k = ctx;
    assert_true(k->n < 4096);
    k->hashes[k->n++] = hash;
    return ASSAY_OK;
}

/* ---- the oracle --------------------------------------------------------------------------------
 */

/* The weight of the run that begins at (i, j). */
static uint64_t run_at(const struct dup_gram_plan *p, const struct dup_spots *a, size_t i,
                       const struct dup_spots *b, size_t j)
{
    const uint32_t fa = dup_spot_field(&a->items[i]), fb = dup_spot_field(&b->items[j]);
    uint64_t weight = 0;
    for (; i < a->n && j < b->n && dup_spot_field(&a->items[i]) == fa &&
           dup_spot_field(&b->items[j]) == fb && a->items[i].hash == b->items[j].hash;
         i++, j++) {
        weight += dup_spot_weight(p, &a->items[i]);
    }
    return weight;
}

static uint64_t longest(const struct dup_gram_plan *p, const struct dup_spots *a,
                        const struct dup_spots *b)
{
    uint64_t best = 0;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            uint64_t weight = run_at(p, a, i, b, j);
            best = weight > best ? weight : best;
        }
    }
    return best;
}

static int share_one(const struct kept *a, const struct kept *b)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            if (a->hashes[i] == b->hashes[j]) {
                return 1;
            }
        }
    }
    return 0;
}

/* ---- tests -------------------------------------------------------------------------------------
 */

static void texts_with_a_long_passage_share_a_kept_gram(void **state)
{
    (void)state;
    static const unsigned plans[][2] = {{13, 26}, {5, 10}, {8, 8}, {30, 13}};
    static struct kept kept_a, kept_b;
    struct dup_spots a = {0}, b = {0};
    struct dup_matcher m = {0};
    unsigned with = 0, without = 0;
    char text_a[8192], text_b[8192];
    for (unsigned round = 0; round < 3000; round++) {
        const struct dup_gram_plan p = dup_gram_plan_make(plans[round % 4][0], plans[round % 4][1]);
        struct dup_match match;
        int is_long;
        make_text(text_a, 20 + next_random() % 100, round % 9, 3);
        make_text(text_b, 20 + next_random() % 100, round % 9, 3);
        if (round % 3 == 0) { /* a passage of one in the other */
            size_t from = next_random() % (strlen(text_a) / 2);
            while (((uint8_t)text_a[from] & 0xC0) == 0x80) {
                from++;
            }
            (void)snprintf(text_b + strlen(text_b), sizeof text_b / 2, "%s", text_a + from);
        }
        read_text(&a, text_a);
        read_text(&b, text_b);
        kept_a.n = kept_b.n = 0;
        assert_int_equal(dup_grams_keep(&a, &p, keep, &kept_a, &is_long), ASSAY_OK);
        assert_int_equal(dup_grams_keep(&b, &p, keep, &kept_b, &is_long), ASSAY_OK);
        const uint64_t want = longest(&p, &a, &b);
        assert_int_equal(dup_match(&m, &p, a.items, a.n, b.items, b.n, NULL, &match), ASSAY_OK);
        if (want >= p.span) {
            assert_true(share_one(&kept_a, &kept_b));
            assert_int_equal(match.bounded ? want : match.weight, want);
            with++;
        } else {
            assert_true(match.weight < p.span);
            without++;
        }
    }
    assert_true(with > 300 && without > 300);
    dup_spots_release(&a);
    dup_spots_release(&b);
    dup_matcher_release(&m);
}

static void few_grams_are_kept(void **state)
{
    (void)state;
    static struct kept kept;
    struct dup_spots s = {0};
    const struct dup_gram_plan p = dup_gram_plan_make(13, 26);
    char text[16384];
    int is_long;
    make_text(text, 2000, 0, 600);
    read_text(&s, text);
    kept.n = 0;
    assert_int_equal(dup_grams_keep(&s, &p, keep, &kept, &is_long), ASSAY_OK);
    assert_true(is_long && kept.n > 300 && kept.n < 800);
    read_text(&s, "one two three four five six seven eight nine ten eleven twelve\n");
    kept.n = 0;
    assert_int_equal(dup_grams_keep(&s, &p, keep, &kept, &is_long), ASSAY_OK);
    assert_true(!is_long && kept.n == 0); /* a dozen words are not a baker's dozen */
    dup_spots_release(&s);
}

#define PASSAGE "one two three four five six seven eight nine ten eleven twelve thirteen"
#define NOTICE  "this notice stands in every copy that is made of it or of a part thereof"

struct grams {
    uint64_t hashes[64];
    size_t n;
};

static int is_listed(void *ctx, uint64_t gram)
{
    const struct grams *g = ctx;
    for (size_t i = 0; i < g->n; i++) {
        if (g->hashes[i] == gram) {
            return 1;
        }
    }
    return 0;
}

static void common_passages_do_not_count(void **state)
{
    (void)state;
    struct dup_spots a = {0}, b = {0}, notice = {0};
    struct dup_matcher m = {0};
    struct dup_match match;
    const struct dup_gram_plan p = dup_gram_plan_make(13, 26);
    struct grams listed = {.n = 0};
    const struct dup_common common = {is_listed, &listed};
    read_text(&notice, NOTICE "\n");
    for (size_t i = 0; i < notice.n; i++) {
        listed.n += dup_gram_at(&p, notice.items, notice.n, i, &listed.hashes[listed.n]) > 0;
    }
    read_text(&a, "mine " NOTICE "\nand " PASSAGE " too\n");
    read_text(&b, "yours " NOTICE "\nwith " PASSAGE " also\n");
    assert_int_equal(dup_match(&m, &p, a.items, a.n, b.items, b.n, NULL, &match), ASSAY_OK);
    assert_int_equal(match.words, 16);
    assert_int_equal(dup_match(&m, &p, a.items, a.n, b.items, b.n, &common, &match), ASSAY_OK);
    assert_int_equal(match.words, 13);
    assert_int_equal(match.item.field, 1);
    assert_int_equal(match.item.start, 4);
    assert_int_equal(match.item.end, 4 + strlen(PASSAGE));
    assert_int_equal(match.other.start, 5);
    assert_int_equal(match.covered, 13 * p.word);
    dup_spots_release(&a);
    dup_spots_release(&b);
    dup_spots_release(&notice);
    dup_matcher_release(&m);
}

/* What `a` and `b` share: its digest, all zeroes where there is no long passage. */
static void passages(const char *text_a, const char *text_b, int want, uint64_t ret[3])
{
    struct fake f = {.options = {{"group_digests", "true"}}};
    const struct assay_host host = fake_host(&f);
    const struct dup_gram_plan p = dup_gram_plan_make(13, 26);
    struct dup_accepted accepted = {.host = &host, .shown = want};
    struct dup_matcher m = {.accepted = &accepted};
    struct dup_spots a = {0}, b = {0};
    struct dup_match match;
    read_text(&a, text_a);
    read_text(&b, text_b);
    assert_int_equal(dup_match(&m, &p, a.items, a.n, b.items, b.n, NULL, &match), ASSAY_OK);
    memcpy(ret, match.passages, sizeof match.passages);
    dup_spots_release(&a);
    dup_spots_release(&b);
    dup_matcher_release(&m);
}

static void what_is_shared_has_a_digest(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int same;
    } rows[] = {
        {"with " PASSAGE " also\n", "mine " PASSAGE " too\n", 1}, /* whichever is the item */
        {"x\n" PASSAGE "!\nand more of it\n", "other text before " PASSAGE "\n", 1},
        {"mine " PASSAGE " too\n", "with " PASSAGE " too\n", 0}, /* longer by a word */
        {"mine " PASSAGE " too\n" NOTICE "\n", "with " PASSAGE " also\n" NOTICE "\n", 0},
        {"mine " PASSAGE " too\n" PASSAGE "\n", "with " PASSAGE " also\n", 0}, /* once more */
        {"mine " NOTICE " too\n", "with " NOTICE " also\n", 0},
    };
    const uint64_t none[3] = {0};
    uint64_t want[3], got[3];
    passages("mine " PASSAGE " too\n", "with " PASSAGE " also\n", 1, want);
    assert_int_equal(want[2], 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        passages(rows[i].a, rows[i].b, 1, got);
        assert_int_equal(memcmp(got, want, sizeof got) == 0, rows[i].same);
    }
    passages(rows[3].a, rows[3].b, 1, want);
    passages(NOTICE "\nwith " PASSAGE " also\n", "x " NOTICE " y\nmine " PASSAGE " too\n", 1, got);
    assert_memory_equal(got, want, sizeof got); /* in any order */
    passages(rows[0].a, rows[0].b, 0, got);
    assert_memory_equal(got, none, sizeof got); /* nobody asks */
}

/* Kana of half width, kana with their marks apart, Hangul in parts: each is as long as the same text
 * written plainly, and holds the same n-grams. */
static void spelling_does_not_change_what_a_text_weighs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain; /* so many characters */
        unsigned characters;
    } rows[] = {
        {"ｱｲｳｴｵ", "アイウエオ", 5},
        {"ｶﾞｷﾞﾊﾟ", "ガギパ", 3},
        {"か\u3099き\u3099は\u309A", "がぎぱ", 3},
        {"\u1112\u1161\u11AB\u1100\u1173\u11AF", "한글", 2},
        {"\u2F00\uF900", "一豈", 2},
        {"\u337F", "株式会社", 4},
    };
    const struct dup_gram_plan p = dup_gram_plan_make(13, 26);
    struct dup_spots a = {0}, b = {0};
    struct dup_matcher m = {0};
    struct dup_match match;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048] = "", plain[2048] = "";
        unsigned n = 0;
        for (; n < 26; n += rows[i].characters) {
            (void)snprintf(text + strlen(text), 64, "%s", rows[i].text);
            (void)snprintf(plain + strlen(plain), 64, "%s", rows[i].plain);
        }
        text[strlen(text)] = '\n';
        plain[strlen(plain)] = '\n';
        read_text(&a, text);
        read_text(&b, plain);
        assert_int_equal(a.n, n);
        assert_int_equal(dup_match(&m, &p, a.items, a.n, b.items, b.n, NULL, &match), ASSAY_OK);
        assert_int_equal(match.characters, n);
        assert_int_equal(match.words, 0);
    }
    dup_spots_release(&a);
    dup_spots_release(&b);
    dup_matcher_release(&m);
}

static void repetition_ends_and_says_so(void **state)
{
    (void)state;
    enum { N = 60000 };
    struct dup_spots a = {0};
    struct dup_matcher m = {0};
    struct dup_match match;
    const struct dup_gram_plan p = dup_gram_plan_make(13, 26);
    char *text = malloc(2 * N + 2);
    assert_non_null(text);
    for (size_t i = 0; i < N; i++) {
        text[2 * i] = 'x';
        text[2 * i + 1] = ' ';
    }
    memcpy(text + (size_t)2 * N, "\n", 2);
    read_text(&a, text);
    assert_int_equal(dup_match(&m, &p, a.items, a.n, a.items, a.n, NULL, &match), ASSAY_OK);
    assert_int_equal(match.words, N);
    assert_true(match.bounded);
    free(text);
    dup_spots_release(&a);
    dup_matcher_release(&m);
}

static void too_many_fields_are_a_limit(void **state)
{
    (void)state;
    enum { N = DUP_GRAM_FIELDS + 1 };
    struct assay_host host = fake_host(&plain_fake);
    struct assay_field *fields = calloc(N, sizeof *fields);
    struct assay_record record = {.n_fields = N};
    struct assay_batch batch = {.text = "", .n_fields = N, .records = &record, .fields = fields};
    struct dup_spots s = {0};
    struct dup_mask all = {0};
    assert_non_null(fields);
    for (uint32_t i = 0; i < N; i++) {
        fields[i].kind = ASSAY_FIELD_STRING;
    }
    assert_int_equal(dup_spots_read(&s, &host, &all, &batch, &record), ASSAY_LIMIT);
    record.n_fields = N - 1;
    assert_int_equal(dup_spots_read(&s, &host, &all, &batch, &record), ASSAY_OK);
    dup_spots_release(&s);
    free(fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_with_a_long_passage_share_a_kept_gram),
        cmocka_unit_test(few_grams_are_kept),
        cmocka_unit_test(common_passages_do_not_count),
        cmocka_unit_test(what_is_shared_has_a_digest),
        cmocka_unit_test(spelling_does_not_change_what_a_text_weighs),
        cmocka_unit_test(repetition_ends_and_says_so),
        cmocka_unit_test(too_many_fields_are_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
