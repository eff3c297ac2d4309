/* SPDX-License-Identifier: Apache-2.0
 * Sources of vectors: RFC 3629 section 4, Unicode 15 chapter 3 table 3-7, UAX #15. */
#include "tests/unit/unit.h"

#include "core/buf.h"
#include "core/utf8.h"

static size_t valid(const char *s)
{
    return assay_utf8_valid(s, strlen(s));
}

static void sequences_of_every_length(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "ascii",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    static const char *const bad[] = {
        "\x80",         "\xc0\xaf",         "\xc1\xbf",
        "\xc2",         "\xc2\x41",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80",     "\xe4\xb8",         "\xff",
        "\xe4\xb8\x41", "\xf0\x9f\x98",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(valid(good[i]), strlen(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(valid(bad[i]), 0);
    }
}

/* A bad byte is found at every offset of the wide ASCII loops, and never past the end. */
static void a_bad_byte_is_found_anywhere(void **state)
{
    (void)state;
    for (size_t len = 1; len < 200; len += 7) {
        char *s = malloc(len);
        memset(s, 'x', len);
        assert_int_equal(assay_utf8_valid(s, len), len);
        for (size_t at = 0; at < len; at++) {
            s[at] = '\xff';
            assert_int_equal(assay_utf8_valid(s, len), at);
            s[at] = 'x';
        }
        free(s);
    }
}

static void repair_keeps_what_is_valid(void **state)
{
    (void)state;
    char s[] = "a\xff\xe6\xb1\x89\xe6\xb1z\x80";
    assert_int_equal(assay_utf8_repair(s, strlen(s)), 4);
    assert_string_equal(s, "a?\xe6\xb1\x89??z?");
}

static void counting_and_walking(void **state)
{
    (void)state;
    const char *s = "a\xc3\xa9\xe6\xb1\x89\xf0\x9f\x98\x80-0123456789abcdef\xe6\xb1\x89";
    static const uint32_t points[] = {'a', 0xE9, 0x6C49, 0x1F600};
    uint32_t cp;
    assert_int_equal(assay_utf8_count(s, strlen(s)), 22);
    assert_int_equal(assay_utf8_count(NULL, 0), 0);
    const char *p = s;
    for (size_t i = 0; i < 4; i++) {
        char back[4];
        unsigned n = assay_utf8_decode(p, s + strlen(s), &cp);
        assert_int_equal(cp, points[i]);
        assert_int_equal(assay_utf8_encode(cp, back), n);
        assert_memory_equal(back, p, n);
        p += n;
    }
    assert_int_equal(assay_utf8_decode("\xe6\xb1", p + 2, &cp), 1);
    assert_int_equal(cp, 0xFFFD);
}

static void scripts_and_words(void **state)
{
    (void)state;
    static const uint32_t cjk[] = {0x4E00, 0x9FFF, 0x3042, 0x30A2, 0xAC00, 0x3105, 0x20000, 0xFF71};
    static const uint32_t words[] = {'a', 'Z', '0', 0xE9, 0x416, 0x5D0, 0x661, 0xFF21};
    static const uint32_t neither[] = {' ', '-', 0x3002, 0xFF0C, 0x20AC, 0x1F600, 0x301};
    for (size_t i = 0; i < 8; i++) {
        assert_true(assay_cp_is_cjk(cjk[i]));
        assert_false(assay_cp_is_word(cjk[i]));
        assert_true(assay_cp_is_word(words[i]));
        assert_false(assay_cp_is_cjk(words[i]));
    }
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        assert_false(assay_cp_is_cjk(neither[i]));
        assert_false(assay_cp_is_word(neither[i]));
    }
    assert_int_equal(assay_utf8_width(assay_bytes_str("a\xe6\xb1\x89\xcc\x81")), 3);
}

static void folds_to(const char *from, const char *to)
{
    char out[256];
    size_t n = assay_utf8_fold(assay_bytes_str(from), out, sizeof out);
    assert_int_equal(n, strlen(to));
    assert_memory_equal(out, to, n);
}

static void folding(void **state)
{
    (void)state;
    folds_to("", "");
    folds_to("Hello WORLD 123", "hello world 123");
    folds_to("Stra\xc3\x9f"
             "e",
             "strasse");
    folds_to("\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\x91", "ab1");          /* fullwidth AB1 */
    folds_to("e\xcc\x81", "\xc3\xa9");                                /* e + acute composes */
    folds_to("xE\xcc\x81x", "x\xc3\xa9x");                            /* also with ASCII around */
    folds_to("\xe6\xb1\x89\xe5\xad\x97", "\xe6\xb1\x89\xe5\xad\x97"); /* Han is left alone */
    folds_to("\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac"); /* halfwidth KA + voiced = GA */
    folds_to("\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80"); /* Hangul jamo compose */
    folds_to("\xef\xac\x81n", "fin");                     /* fi ligature */
}

static void folding_says_how_much_it_needs(void **state)
{
    (void)state;
    char out[4] = "----";
    assert_int_equal(assay_utf8_fold(assay_bytes_str("ABCDEF"), out, 2), 6);
    assert_int_equal(out[2], '-');
    assert_int_equal(assay_utf8_fold(assay_bytes_str("ABCDEF"), NULL, 0), 6);
}

static void a_long_segment_folds_like_short_ones(void **state)
{
    (void)state;
    size_t n = 5000;
    char *in = malloc(2 * n);
    char *out = malloc(2 * n);
    for (size_t i = 0; i < n; i++) { /* U+0416 -> U+0436 */
        memcpy(in + 2 * i, "\xd0\x96", 2);
    }
    assert_int_equal(assay_utf8_fold(assay_bytes_make(in, 2 * n), out, 2 * n), 2 * n);
    for (size_t i = 0; i < n; i++) {
        assert_memory_equal(out + 2 * i, "\xd0\xb6", 2);
    }
    free(in);
    free(out);
}

static void escaping_disarms_terminals(void **state)
{
    (void)state;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 256);
    assay_utf8_escape(&out,
                      assay_bytes_str("a\n\t\x1b[0m\x7f\xff\xc2\x9b\xe2\x80\xae\xe6\xb1\x89"));
    assert_string_equal(assay_buf_str(&out),
                        "a\\n\\t\\x1b[0m\\x7f\\xff\\u{009b}\\u{202e}\xe6\xb1\x89");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_every_length),
        cmocka_unit_test(a_bad_byte_is_found_anywhere),
        cmocka_unit_test(repair_keeps_what_is_valid),
        cmocka_unit_test(counting_and_walking),
        cmocka_unit_test(scripts_and_words),
        cmocka_unit_test(folding),
        cmocka_unit_test(folding_says_how_much_it_needs),
        cmocka_unit_test(a_long_segment_folds_like_short_ones),
        cmocka_unit_test(escaping_disarms_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
