/* SPDX-License-Identifier: Apache-2.0
 * Tokens: what they are, where they stand, and that every way to find them finds the same. */
#include "tests/unit/plugins/scanner_host.h"
#include "tests/unit/random.h"

#include "plugins/scanners/duplicates/tokens.h"

static struct fake plain_fake;

/* The tokens of one field: way 0 sends every run through the host, way i is implementation i - 1.
 * Nothing but the field can be read. 0: there is no such way. */
static int cut(struct dup_tokens *t, const char *text, size_t len, unsigned way)
{
    struct assay_host host = fake_host(&plain_fake);
    *t = (struct dup_tokens){.fold_all = way == 0};
    t->way = way == 0 ? NULL : dup_tokens_way_get(way - 1);
    if (way > 0 && t->way == NULL) {
        return 0;
    }
    char *exact = malloc(len == 0 ? 1 : len);
    assert_non_null(exact);
    memcpy(exact, text, len);
    assert_int_equal(dup_tokens_add(t, &host, assay_bytes_make(exact, len)), ASSAY_OK);
    free(exact);
    return 1;
}

/* `want`: folded tokens, separated by '|'. */
static void expect_tokens(const char *text, const char *want)
{
    struct dup_tokens t;
    for (unsigned way = 0; cut(&t, text, strlen(text), way); way++) {
        size_t n = 0;
        for (const char *p = want; *p != '\0'; n++) {
            size_t len = strcspn(p, "|");
            if (n >= t.n || t.items[n].hash != dup_token_hash(p, len)) {
                fail_msg("token %zu of '%s' is not '%.*s' by way %u", n, text, (int)len, p, way);
            }
            p += len + (p[len] == '|');
        }
        if (t.n != n) {
            fail_msg("'%s' has %zu tokens by way %u, not %zu", text, t.n, way, n);
        }
        dup_tokens_release(&t);
    }
}

static void what_a_token_is(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {" ... ", ""},
        {"Hello,  World!", "hello|world"},
        {"a", "a"},
        {"don\xE2\x80\x99t don't", "don|t|don|t"},
        {"x+y=3.14e-5", "x|y|3|14e|5"},
        {"snake_case a1b2", "snake|case|a1b2"},
        {"你好，世界！", "你|好|世|界"},
        {"使用 Python编程。", "使|用|python|编|程"},
        {"ＡＢＣ１２３ａｂ", "abc123ab"},
        {"ABＣd ＦＵＬＬ　width", "abcd|full|width"},
        {"caf\xC3\x89 Z\xC3\x9CRICH na\xC3\xAFve", "caf\xC3\xA9|z\xC3\xBCrich|na\xC3\xAFve"},
        {"e\xCC\x81t\xC3\x89", "\xC3\xA9t\xC3\xA9"},
        {"Stra\xC3\x9F"
         "e",
         "strasse"},
        {"ﬁne ½", "fine|1|2"},
        {"ПРИВЕТ, Мир Ёж", "привет|мир|ёж"},
        {"ΣΊΣΥΦΟΣ", "σίσυφοσ"},
        {"カタカナ・テスト ひらがな", "カ|タ|カ|ナ|テ|ス|ト|ひ|ら|が|な"},
        {"ｶﾞｷﾞ", "ガ|ギ"},
        {"か\xE3\x82\x99き", "が|き"},
        {"한국어 텍스트", "한|국|어|텍|스|트"},
        {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB국", "한|국"},
        {"\xF0\x9F\x98\x80 ok\xF0\x9F\x98\x80no", "ok|no"},
        {"wo\xE2\x80\x8Brd\xC2\xAD"
         "ed",
         "worded"},
        {"a\xC2\xA0"
         "b",
         "a|b"},
        {"price: €5 £6", "price|5|6"},
        {"a-very-long-word-follows incomprehensibilities",
         "a|very|long|word|follows|incomprehensibilities"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_tokens(rows[i][0], rows[i][1]);
    }
}

/* Words of every length, at every place in a block. */
static void words_of_any_length(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 200; len++) {
        char text[400], word[200];
        memset(text, ' ', sizeof text);
        memset(word, 'w', len);
        memset(text + len % 67, 'W', len);
        struct dup_tokens t;
        for (unsigned way = 0; cut(&t, text, sizeof text, way); way++) {
            assert_int_equal(t.n, 1);
            assert_true(t.items[0].hash == dup_token_hash(word, len));
            assert_int_equal(t.items[0].start, len % 67);
            assert_int_equal(t.items[0].len, len);
            dup_tokens_release(&t);
        }
    }
}

static void spans_are_bytes_of_the_field(void **state)
{
    (void)state;
    static const char text[] = "Ab, 你好 \xC3\x89t\xC3\xA9 ½.";
    static const uint32_t want[][2] = {{0, 2}, {4, 3}, {7, 3}, {11, 5}, {17, 2}, {17, 2}};
    struct dup_tokens t;
    for (unsigned way = 0; cut(&t, text, sizeof text - 1, way); way++) {
        assert_int_equal(t.n, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(t.items[i].start, want[i][0]);
            assert_int_equal(t.items[i].len, want[i][1]);
        }
        dup_tokens_release(&t);
    }
}

static void expect_one_answer(const char *text, size_t len)
{
    struct dup_tokens folded, t;
    (void)cut(&folded, text, len, 0);
    for (unsigned way = 1; cut(&t, text, len, way); way++) {
        if (t.n != folded.n) {
            fail_msg("'%.*s': %zu tokens by way %u, %zu when folded", (int)len, text, t.n, way,
                     folded.n);
        }
        for (size_t i = 0; i < t.n; i++) {
            if (memcmp(&t.items[i], &folded.items[i], sizeof t.items[i]) != 0) {
                fail_msg("'%.*s': token %zu differs by way %u", (int)len, text, i, way);
            }
        }
        dup_tokens_release(&t);
    }
    dup_tokens_release(&folded);
}

/* Every kind of character next to every kind of neighbour. */
static void all_ways_give_the_same_tokens(void **state)
{
    (void)state;
    static const uint32_t spans[][2] = {
        {0x20, 0x7E},     {0x80, 0x17F},    {0x2000, 0x206F}, {0x3000, 0x30FF},
        {0x3400, 0x9FFF}, {0xFE00, 0xFE0F}, {0xFF00, 0xFFDF}, {0x1F300, 0x1FAFF},
        {0x41, 0x5A},     {0x20, 0x2F},     {0x0400, 0x0460}, {0xAC00, 0xD7A3},
        {0x0300, 0x0330}, {0x1100, 0x11FF}, {0x61, 0x7A},     {0x4E00, 0x4F00}};
    for (unsigned round = 0; round < 30000; round++) {
        char text[1280];
        size_t len = 0;
        unsigned n = 1 + (unsigned)(next_random() % (round % 2 == 0 ? 12 : 300));
        unsigned kinds = (unsigned)next_random();
        for (unsigned i = 0; i < n; i++) {
            unsigned s = (unsigned)(next_random() % 16);
            s = (kinds >> s & 1) != 0 ? s : (kinds >> 16) % 16;
            uint32_t width = spans[s][1] - spans[s][0] + 1;
            len += assay_utf8_encode(spans[s][0] + (uint32_t)(next_random() % width), text + len);
        }
        expect_one_answer(text, len);
    }
    for (uint32_t cp = 1; cp < 0x1FB00; cp++) { /* each in a word */
        char text[8] = "a";
        if (cp < 0xD800 || cp >= 0xE000) {
            size_t len = 1 + assay_utf8_encode(cp, text + 1);
            text[len] = 'b';
            expect_one_answer(text, len + 1);
        }
    }
}

static void too_many_tokens_is_an_error(void **state)
{
    (void)state;
    struct assay_host host = fake_host(&plain_fake);
    struct dup_tokens t = {0};
    size_t len = 2 * (size_t)DUP_TOKENS_MAX + 2;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'a', len);
    for (size_t i = 1; i < len; i += 2) {
        text[i] = ' ';
    }
    assert_int_equal(dup_tokens_add(&t, &host, assay_bytes_make(text, len)), ASSAY_LIMIT);
    assert_true(t.n <= DUP_TOKENS_MAX && t.n > DUP_TOKENS_MAX - 128);
    dup_tokens_clear(&t);
    assert_int_equal(dup_tokens_add(&t, &host, assay_bytes_make(text, len / 2)), ASSAY_OK);
    dup_tokens_release(&t);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_token_is),
        cmocka_unit_test(words_of_any_length),
        cmocka_unit_test(spans_are_bytes_of_the_field),
        cmocka_unit_test(all_ways_give_the_same_tokens),
        cmocka_unit_test(too_many_tokens_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
