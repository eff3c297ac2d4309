/* SPDX-License-Identifier: Apache-2.0
 * YARA over file bytes: what the first stage may and may not pass over, the second stage, the pack.
 */
#include "tests/unit/rules/pack_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/limits.h"
#include "rules/literals.h"
#include "rules/yara.h"
#include "rules/yara_condition.h"

/* ---- the condition reader ------------------------------------------------------------------- */

static const struct assay_yara_string three[] = {{"$a", 8}, {"$b", 20}, {"$short", 0}};

/* "ab" for {a, b}, "" for nothing known. */
static const char *needs(const char *condition)
{
    static char out[8];
    char source[1024];
    uint8_t needed[3];
    size_t n = 0;
    (void)snprintf(
        source, sizeof source,
        "import \"pe\"\nrule other : tag { strings: $x = \"}{ condition: \\\" \" $y = {41 "
        "[2] 42} $z = /a\\/{2}\"/ condition: $x }\n"
        "/* rule r { condition: $a } */\nprivate rule r { // rule r {\n meta: k = "
        "\"condition:\" strings: $a = \"aaaa\" condition: %s }\nrule z { condition: true }",
        condition);
    if (assay_yara_condition_needs(source, "r", three, 3, needed)) {
        for (size_t i = 0; i < 3; i++) {
            if (needed[i]) {
                out[n++] = three[i].identifier[1];
            }
        }
    }
    out[n] = '\0';
    return out;
}

static void conditions_that_need_a_string(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"$a", "a"},
        {"$a at 0", "a"},
        {"$a in (0..100)", "a"},
        {"($a)", "a"},
        {"$a or $b", "ab"},
        {"$a and $b", "b"},
        {"$a and filesize < 10KB", "a"},
        {"filesize < 10KB and $a", "a"},
        {"(filesize + 1) > 3 and ($a or ($b and $short))", "ab"},
        {"$short at 0 and $b", "b"},
        {"any of ($a, $b)", "ab"},
        {"2 of ($a*, $b)", "ab"},
        {"any of ($a, $b) in (0..99)", "ab"},
        {"all of them", "b"},
        {"$a and not $b", "a"},
        {"$a and for any i in (1..#a) : (@a[i] > 3 or uint8(0) == 1)", "a"},
        {"$b and pe.number_of_sections == 1 or $a", "ab"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(needs(rows[i][0]), rows[i][1]);
    }
}

static void conditions_that_need_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "true",
        "not $a",
        "$a or filesize > 3",
        "$short",
        "any of them",
        "none of them",
        "0 of ($a)",
        "#a == 0",
        "#a > 0",
        "for any of them : ($ at 0)",
        "any of ($a, $short)",
        "$a or not $b",
        "(not ($a and $b))",
        "other",
        "$a or other",
        "any of (other*) and $a",
        "uint16(0) == 0x5a4d",
        "not ($a or $b) and filesize < 3",
        "50% of them",
        "$unknown",
        "defined $a",
        "not not $a",
        "pe.is_pe or $a",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (needs(rows[i])[0] != '\0') {
            fail_msg("'%s' was said to need '%s'", rows[i], needs(rows[i]));
        }
    }
}

static void a_hostile_condition_is_given_up(void **state)
{
    (void)state;
    char deep[800];
    memset(deep, '(', 300);
    (void)snprintf(deep + 300, sizeof deep - 300, "$a");
    memset(deep + 302, ')', 300);
    deep[602] = '\0';
    assert_string_equal(needs(deep), "");
    assert_string_equal(needs("$a and \"unterminated"), "");
    uint8_t needed[3];
    assert_int_equal(assay_yara_condition_needs("rule r { condition: $a", "r", three, 3, needed),
                     0);
    assert_int_equal(assay_yara_condition_needs("", "r", three, 3, needed), 0);
}

/* ---- the first stage ------------------------------------------------------------------------ */

static const enum assay_literal_engine engines[] = {ASSAY_LITERALS_NIBBLE, ASSAY_LITERALS_PAIR,
                                                    ASSAY_LITERALS_VECTORSCAN};

#define LITERAL(s)                                                                                 \
    {                                                                                              \
        {s, sizeof s - 1}, 0                                                                       \
    }

static const struct assay_literal few[] = {LITERAL("needle in the hay"),
                                           LITERAL("\x7f"
                                                   "ELF\x02\x01\x01"),
                                           LITERAL("abcd"),
                                           {{"CaseLess Words", 14}, 1},
                                           LITERAL("\0\0\0\0\1")};

/* Feeds `data` in blocks of `step`. */
static int feed(struct assay_literal_feed *f, const char *data, size_t len, size_t step)
{
    assay_literal_feed_start(f);
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *exact = malloc(n); /* so that ASan sees a read beyond the block */
        memcpy(exact, data + at, n);
        assay_literal_feed_block(f, assay_bytes_make(exact, n));
        free(exact);
    }
    return assay_literal_feed_found(f);
}

static void literals_are_found_wherever_blocks_break(void **state)
{
    (void)state;
    char hay[400];
    for (size_t e = 0; e < 3; e++) {
        struct assay_literals *ls;
        struct assay_literal_feed *f;
        if (assay_literals_new(few, 5, engines[e], &ls, NULL) != ASSAY_OK) {
            continue; /* this CPU or build lacks it */
        }
        assert_int_equal(assay_literal_feed_new(ls, &f, NULL), ASSAY_OK);
        for (size_t step = 1; step < 130; step += step < 20 ? 1 : 37) {
            for (size_t k = 0; k < 5; k++) {
                for (size_t at = 0; at < 70; at += 3) {
                    memset(hay, '.', sizeof hay);
                    memcpy(hay + at, few[k].text.ptr, few[k].text.len);
                    assert_true(feed(f, hay, sizeof hay, step));
                    hay[at + few[k].text.len - 1] ^= 0x11;
                    assert_false(feed(f, hay, sizeof hay, step));
                }
            }
        }
        memset(hay, ' ', sizeof hay);
        memcpy(hay + 390, "cASElESS w", 10);
        assert_false(feed(f, hay, sizeof hay, 64));
        memcpy(hay + 380, "cASElESS wORDS", 14);
        assert_true(feed(f, hay, sizeof hay, 64));
        assay_literal_feed_free(f);
        assay_literals_free(ls);
    }
}

static void many_literals_give_the_same_answer(void **state)
{
    (void)state;
    enum { N = 500 };
    static char texts[N][12];
    struct assay_literal many[N];
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%03zu-%c%c%c", i, (char)('a' + i % 26),
                       (char)('A' + i % 7), (char)(0x20 + i % 90));
        many[i] = (struct assay_literal){{texts[i], 7}, i % 3 == 0};
    }
    for (size_t e = 0; e < 3; e++) {
        struct assay_literals *ls;
        struct assay_literal_feed *f;
        if (assay_literals_new(many, N, engines[e], &ls, NULL) != ASSAY_OK) {
            continue;
        }
        assert_int_equal(assay_literal_feed_new(ls, &f, NULL), ASSAY_OK);
        for (size_t i = 0; i < N; i++) {
            char hay[64];
            size_t at = i % 40;
            memset(hay, '.', sizeof hay);
            memcpy(hay + at, texts[i], 7);
            assert_true(feed(f, hay, sizeof hay, 9));
            assert_false(feed(f, hay, at + 6, 9));
        }
        assay_literal_feed_free(f);
        assay_literals_free(ls);
    }
}

static void bad_literals_are_refused(void **state)
{
    (void)state;
    struct assay_literals *ls;
    const struct assay_literal shorty[] = {LITERAL("abc")};
    assert_int_equal(assay_literals_new(shorty, 1, ASSAY_LITERALS_AUTO, &ls, NULL), ASSAY_USAGE);
    assert_int_equal(assay_literals_new(few, 0, ASSAY_LITERALS_AUTO, &ls, NULL), ASSAY_USAGE);
    assert_null(ls);
}

/* ---- compiling and scanning ----------------------------------------------------------------- */

struct rig {
    struct assay_ruleset *rs;
    struct assay_yara *y;
    struct assay_yara_scan *s;
};

static struct rig rig_cached(struct assay_ruleset *rs, const char *cache)
{
    struct rig r = {.rs = rs};
    struct assay_error err;
    if (assay_yara_new(rs, cache, &r.y, &err) != ASSAY_OK) {
        fail_msg("%s:%u: %s", err.where, err.line, err.message);
    }
    assert_non_null(r.y);
    assert_int_equal(assay_yara_scan_new(r.y, &r.s, &err), ASSAY_OK);
    return r;
}

static struct rig rig_new(struct assay_ruleset *rs)
{
    return rig_cached(rs, NULL);
}

static void rig_free(struct rig *r)
{
    assay_yara_scan_free(r->s);
    assay_yara_free(r->y);
    assay_ruleset_free(r->rs);
}

#define YARA_RULE(id, name)                                                                        \
    "- id: p." id "\n  scanner: files\n  title: {en: T, zh: 题}\n  severity: high\n  detect:\n"   \
    "    yara: {file: x.yar, rule: " name "}\n  tests: {hit: [x], miss: [y]}\n"

static void put_yara(const char *rules, const char *text)
{
    put_pack(rules);
    put("p/x.yar", text);
}

static struct rig rig_of(const char *rules, const char *text)
{
    put_yara(rules, text);
    return rig_new(load_p());
}

/* Hits of `data` as "rule@offset " in order, through memory. */
static const char *hits_in(struct rig *r, const char *data, size_t len)
{
    static char out[400];
    const struct assay_file_match *hits;
    size_t n;
    out[0] = '\0';
    assert_int_equal(assay_yara_memory(r->s, assay_bytes_make(data, len), &hits, &n, NULL),
                     ASSAY_OK);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(out);
        (void)snprintf(out + at, sizeof out - at, "%s@%llu ",
                       assay_ruleset_rule(r->rs, hits[i].rule)->view.id,
                       (unsigned long long)hits[i].offset);
    }
    return out;
}

static int first_stage(struct assay_yara_scan *s, const char *text)
{
    assay_yara_start(s);
    assay_yara_block(s, assay_bytes_str(text));
    return assay_yara_wanted(s);
}

/* ---- the cache ------------------------------------------------------------------------------ */

/* What rules compiled, or loaded, find in a text of both. */
static void expect_cached(int from_cache, const char *want)
{
    struct rig r = rig_cached(load_p(), "cache");
    assert_int_equal(assay_yara_from_cache(r.y), from_cache);
    assert_string_equal(hits_in(&r, "an apple, a pear!", 17), want);
    assert_int_equal(first_stage(r.s, "an apple"), 1);
    assert_int_equal(first_stage(r.s, "nothing of it"), 0);
    rig_free(&r);
}

/* Cuts every file of rules in the cache, or else changes its last byte. */
static int spoil_cache(int cut)
{
    char path[512];
    int n = 0;
    DIR *d = opendir("cache");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, "rules-", 6) != 0) {
            continue;
        }
        (void)snprintf(path, sizeof path, "cache/%s", e->d_name);
        FILE *f = fopen(path, "r+");
        assert_non_null(f);
        assert_int_equal(fseek(f, -1, SEEK_END), 0);
        long at = ftell(f);
        int last = fgetc(f);
        if (cut) {
            assert_int_equal(ftruncate(fileno(f), at), 0);
        } else {
            assert_int_equal(fseek(f, at, SEEK_SET), 0);
            assert_int_equal(fputc(last ^ 1, f), last ^ 1);
        }
        assert_int_equal(fclose(f), 0);
        n++;
    }
    (void)closedir(d);
    return n;
}

static void compiled_rules_are_kept_and_found_again(void **state)
{
    (void)state;
    put_yara(YARA_RULE("one", "r1") YARA_RULE("two", "r2"),
             "rule r1 { strings: $a = \"apple\" condition: $a }\n"
             "rule r2 { strings: $a = \"pear\" wide ascii condition: $a }\n");
    expect_cached(0, "p.one@3 p.two@12 ");
    expect_cached(1, "p.one@3 p.two@12 ");
    expect_cached(1, "p.one@3 p.two@12 ");
    put_yara(YARA_RULE("one", "r1"), "rule r1 { strings: $a = \"apple\" nocase condition: $a }\n");
    expect_cached(0, "p.one@3 "); /* other texts, another set */
    expect_cached(1, "p.one@3 ");
}

static void a_spoilt_cache_is_not_loaded(void **state)
{
    (void)state;
    put_yara(YARA_RULE("one", "r1"), "rule r1 { strings: $a = \"apple\" condition: $a }\n");
    for (int cut = 0; cut < 2; cut++) {
        expect_cached(cut, "p.one@3 "); /* the second time it was made anew */
        assert_true(spoil_cache(cut) > 0);
        expect_cached(0, "p.one@3 ");
    }
    assert_int_equal(chmod("cache", 0777), 0); /* anybody could have written it */
    expect_cached(0, "p.one@3 ");
    assert_int_equal(chmod("cache", 0700), 0);
    expect_cached(1, "p.one@3 ");
}

static void no_yara_rules_no_scan(void **state)
{
    (void)state;
    put_pack("- id: p.w\n  title: {en: W, zh: W}\n  severity: low\n  detect: {pattern: abc}\n"
             "  tests: {hit: [abc], miss: [x]}\n");
    struct assay_ruleset *rs = load_p();
    struct assay_yara *y = (struct assay_yara *)rs;
    assert_int_equal(assay_yara_new(rs, NULL, &y, NULL), ASSAY_OK);
    assert_null(y);
    assay_yara_free(y);
    assay_ruleset_free(rs);
}

static void hits_have_rules_and_offsets(void **state)
{
    (void)state;
    struct rig r = rig_of(YARA_RULE("b", "two") YARA_RULE("a", "one"),
                          "rule one { strings: $x = \"alpha\" nocase $y = \"beta!\" wide $z = "
                          "\"gamma\" private condition: any of them }\n"
                          "rule two { strings: $x = \"alpha\" condition: $x and one }\n");
    assert_int_equal(assay_yara_unanchored(r.y), ASSAY_NONE);
    assert_int_equal(assay_yara_anchors(r.y), 4);
    assert_string_equal(hits_in(&r, "nothing here", 12), "");
    assert_string_equal(hits_in(&r, "..ALPHA..alpha", 14), "p.a@2 p.a@9 p.b@9 ");
    assert_string_equal(hits_in(&r, ".b\0e\0t\0a\0!\0", 11), "p.a@1 ");
    assert_string_equal(hits_in(&r, "....gamma", 9), "p.a@0 ");
    assert_string_equal(hits_in(&r, "", 0), "");
    assert_true(first_stage(r.s, "xx aLpHa"));
    assert_false(first_stage(r.s, "xx aLpH"));
    rig_free(&r);
}

static void a_rule_without_anchor_disables_the_first_stage(void **state)
{
    (void)state;
    struct rig r = rig_of(YARA_RULE("a", "one") YARA_RULE("b", "two"),
                          "rule one { strings: $x = \"alpha\" condition: $x }\n"
                          "rule two { strings: $x = /al[a-z]*a/ condition: $x }\n");
    assert_int_equal(assay_yara_unanchored(r.y), assay_ruleset_find(r.rs, "p.b"));
    assert_true(first_stage(r.s, "nothing"));
    assert_string_equal(hits_in(&r, "alma", 4), "p.b@0 ");
    rig_free(&r);
    static const char *const weak[] = {"$x = \"abc\" condition: $x",
                                       "$x = \"abcd\" xor condition: $x",
                                       "$x = \"abcd\" base64 condition: $x",
                                       "$x = \"abcd\" condition: not $x",
                                       "$x = { 41 42 43 44 [2-900] 45 } condition: $x",
                                       "$x = { 41 ?? 43 44 } condition: $x"};
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "rule one { strings: %s }", weak[i]);
        r = rig_of(YARA_RULE("a", "one"), text);
        assert_int_equal(assay_yara_unanchored(r.y), 0);
        rig_free(&r);
    }
}

static void compile_errors_name_file_and_line(void **state)
{
    (void)state;
    struct assay_yara *y;
    struct assay_error err;
    static const struct {
        const char *text;
        uint32_t line;
    } rows[] = {
        {"rule one {\n  strings: $x = \"abcd\"\n  condition: $y }", 3},
        {"rule one { condition: true }\nrule one { condition: true }", 2},
        {"rule one {\n\n  strings: $x = /a(/ condition: $x }", 3},
        {"include \"/etc/passwd\"\nrule one { condition: true }", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_yara(YARA_RULE("a", "one"), rows[i].text);
        struct assay_ruleset *rs = load_p();
        assert_int_equal(assay_yara_new(rs, NULL, &y, &err), ASSAY_RULE);
        assert_non_null(strstr(err.where, "x.yar"));
        assert_int_equal(err.line, rows[i].line);
        assert_non_null(strstr(err.message, "YARA: "));
        assert_null(y);
        assay_ruleset_free(rs);
    }
    put_yara(YARA_RULE("a", "one"), "private rule one { condition: true }");
    struct assay_ruleset *rs = load_p();
    assert_int_equal(assay_yara_new(rs, NULL, &y, &err), ASSAY_RULE);
    assert_non_null(strstr(err.message, "p.a names YARA rule 'one'"));
    assay_ruleset_free(rs);
}

static void two_texts_may_use_the_same_names(void **state)
{
    (void)state;
    put("p/y.yar", "rule one { strings: $x = \"second\" condition: $x }");
    struct rig r =
        rig_of(YARA_RULE("a", "one") "- id: p.b\n  scanner: files\n  title: {en: T, zh: T}\n"
                                     "  severity: low\n  detect:\n    yara: {file: y.yar, "
                                     "rule: one}\n  tests: {hit: [x], miss: [y]}\n",
               "rule one { strings: $x = \"first\" condition: $x }");
    assert_string_equal(hits_in(&r, "second first", 12), "p.b@0 p.a@7 ");
    rig_free(&r);
}

/* ---- the second stage ----------------------------------------------------------------------- */

static int open_with(const char *data, size_t len, uint8_t sha256[32])
{
    put_file("data.bin", data, len);
    assert_int_equal(assay_sha256_of(data, len, sha256), ASSAY_OK);
    int fd = open("data.bin", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void the_file_is_read_again_and_compared(void **state)
{
    (void)state;
    struct rig r = rig_of(YARA_RULE("a", "one"),
                          "rule one { strings: $x = \"alpha\" condition: $x and filesize == 9 }");
    const struct assay_file_match *hits;
    size_t n;
    uint8_t sha[32];
    struct assay_error err;
    int fd = open_with("..alpha..", 9, sha);
    (void)lseek(fd, 0, SEEK_END); /* reads by offset, wherever the descriptor stands */
    assert_int_equal(assay_yara_finish(r.s, fd, sha, &hits, &n, &err), ASSAY_OK);
    assert_int_equal(n, 1);
    assert_int_equal(hits[0].offset, 2);
    sha[5] ^= 1;
    assert_int_equal(assay_yara_finish(r.s, fd, sha, &hits, &n, &err), ASSAY_CHANGED);
    assert_int_equal(n, 0);
    (void)close(fd);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(assay_yara_finish(r.s, ends[0], sha, &hits, &n, &err), ASSAY_UNSUPPORTED);
    (void)close(ends[0]);
    (void)close(ends[1]);
    rig_free(&r);
}

static void an_empty_file_can_be_scanned(void **state)
{
    (void)state;
    struct rig r = rig_of(YARA_RULE("a", "one"), "rule one { condition: filesize == 0 }");
    const struct assay_file_match *hits;
    size_t n;
    uint8_t sha[32];
    int fd = open_with("", 0, sha);
    assert_int_equal(assay_yara_finish(r.s, fd, sha, &hits, &n, NULL), ASSAY_OK);
    assert_int_equal(n, 1);
    (void)close(fd);
    rig_free(&r);
}

static void hits_are_bounded_and_every_rule_is_among_them(void **state)
{
    (void)state;
    enum { COPIES = 3 * ASSAY_LIMIT_FILE_HITS };
    struct rig r = rig_of(YARA_RULE("a", "one") YARA_RULE("b", "two"),
                          "rule one { strings: $x = \"alpha\" condition: $x }\n"
                          "rule two { strings: $x = \"omega\" condition: $x }");
    char *data = malloc(5 * COPIES + 5);
    for (size_t i = 0; i < COPIES; i++) {
        memcpy(data + 5 * i, "alpha", 5);
    }
    memcpy(data + 5 * COPIES, "omega", 5);
    const struct assay_file_match *hits;
    size_t n;
    struct assay_error err;
    assert_int_equal(
        assay_yara_memory(r.s, assay_bytes_make(data, 5 * COPIES + 5), &hits, &n, &err),
        ASSAY_LIMIT);
    assert_int_equal(n, ASSAY_LIMIT_FILE_HITS);
    assert_int_equal(hits[0].offset, 0);
    assert_int_equal(hits[n - 1].offset, 5 * COPIES);
    assert_int_equal(hits[n - 1].rule, assay_ruleset_find(r.rs, "p.b"));
    free(data);
    rig_free(&r);
}

/* A sparse file larger than one piece, with a literal across the end of the first piece and one at
 * the end. */
static void large_files_are_scanned_in_overlapping_pieces(void **state)
{
    (void)state;
    struct rig r = rig_of(YARA_RULE("a", "one"),
                          "rule one { strings: $x = \"alpha\" condition: $x and uint8(0) == 0 and "
                          "filesize > 70MB }");
    const uint64_t size = ASSAY_LIMIT_YARA_WHOLE + ASSAY_MIB(8);
    const uint64_t places[] = {ASSAY_LIMIT_YARA_WHOLE - ASSAY_YARA_OVERLAP + 7,
                               ASSAY_LIMIT_YARA_WHOLE - 2, size - 5};
    int fd = open("large.bin", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pwrite(fd, "alpha", 5, (off_t)places[i]), 5);
    }
    struct assay_sha256 *h = assay_sha256_new();
    char *block = malloc(1 << 20);
    uint8_t sha[32];
    assert_int_equal(assay_sha256_start(h), ASSAY_OK);
    for (uint64_t at = 0; at < size; at += 1 << 20) {
        assert_int_equal(pread(fd, block, 1 << 20, (off_t)at), 1 << 20);
        assert_int_equal(assay_sha256_update(h, block, 1 << 20), ASSAY_OK);
    }
    assert_int_equal(assay_sha256_finish(h, sha), ASSAY_OK);
    const struct assay_file_match *hits;
    size_t n;
    struct assay_error err = {0};
    enum assay_status st = assay_yara_finish(r.s, fd, sha, &hits, &n, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(st, ASSAY_OK);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hits[i].offset, places[i]);
    }
    free(block);
    assay_sha256_free(h);
    (void)close(fd);
    rig_free(&r);
}

/* ---- the embedded pack ---------------------------------------------------------------------- */

static void the_pack_passes_its_own_tests(void **state)
{
    (void)state;
    struct rig r = rig_new(load_ok((const char *const[]){"files"}, 1));
    assert_int_equal(assay_yara_unanchored(r.y), ASSAY_NONE);
    for (uint32_t i = 0; i < assay_ruleset_count(r.rs); i++) {
        const struct assay_rule *rule = assay_ruleset_rule(r.rs, i);
        for (size_t t = 0; t < rule->n_tests; t++) {
            const char *hits = hits_in(&r, rule->tests[t].text, strlen(rule->tests[t].text));
            if ((strstr(hits, rule->view.id) != NULL) != rule->tests[t].hit) {
                fail_msg("%s, test at line %u: '%s'", rule->view.id, rule->tests[t].line, hits);
            }
        }
    }
    rig_free(&r);
}

static void the_pack_finds_this_very_program(void **state)
{
    (void)state;
    struct rig r = rig_new(load_ok((const char *const[]){"files"}, 1));
    char head[64];
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, head, sizeof head), sizeof head);
    (void)close(fd);
    assert_string_equal(hits_in(&r, head, sizeof head), "files.executable.elf@0 ");
    rig_free(&r);
}

/* ---- tests inside rules, lint --------------------------------------------------------------- */

static void note_test(void *ctx, const struct assay_rule *rule, const struct assay_rule_test *test,
                      int passed, const char *why)
{
    char *out = ctx;
    size_t at = strlen(out);
    (void)snprintf(out + at, 300 - at, "%s %s %s: %s\n", rule->view.id, test->text,
                   passed ? "passed" : "failed", why);
}

static void rules_run_their_own_tests(void **state)
{
    (void)state;
    put_yara("- id: p.a\n  title: {en: T, zh: T}\n  severity: high\n  detect:\n"
             "    yara: {file: x.yar, rule: one}\n"
             "  tests: {hit: [a needle, none], miss: [nothing, needles]}\n",
             "rule one { strings: $a = \"needle\" condition: $a }\n");
    struct assay_ruleset *rs = load_p();
    struct assay_error err;
    char got[300] = "";
    size_t failed = 1;
    assert_int_equal(assay_yara_self_test(rs, ASSAY_NONE, note_test, got, &failed, &err), ASSAY_OK);
    assert_int_equal(failed, 3);
    assert_string_equal(got, "p.a a needle passed: it is found\n"
                             "p.a none failed: the rule does not match\n"
                             "p.a nothing passed: the rule does not match\n"
                             "p.a needles failed: it is found\n");
    assert_int_equal(assay_yara_self_test(rs, 7, note_test, got, &failed, &err), ASSAY_OK);
    assert_int_equal(failed, 3);
    assay_ruleset_free(rs);
}

static void expect_yara_lint(const char *text, const char *wanted)
{
    put_yara(YARA_RULE("a", "one"), text);
    struct assay_ruleset *rs = load_p();
    struct assay_diags *d = assay_diags_new();
    assay_yara_lint(rs, d);
    char *got = fixture_render(d);
    if (strstr(got, wanted) == NULL || (*wanted == '\0' && *got != '\0')) {
        fail_msg("got: %s", got);
    }
    free(got);
    assay_diags_free(d);
    assay_ruleset_free(rs);
}

static void lint_tells_slow_and_broken_rules(void **state)
{
    (void)state;
    expect_yara_lint("rule one { strings: $a = \"needle\" condition: $a }\n", "");
    expect_yara_lint("rule one { condition: filesize > 3 }\n",
                     "./p/r.yaml:6:11: warning: rule 'p.a' has no literal that every match must "
                     "hold: every file is read twice\n");
    expect_yara_lint("rule one { condition: fliesize > 3 }\n", "error: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_that_need_a_string),
        cmocka_unit_test(conditions_that_need_none),
        cmocka_unit_test(a_hostile_condition_is_given_up),
        cmocka_unit_test(literals_are_found_wherever_blocks_break),
        cmocka_unit_test(many_literals_give_the_same_answer),
        cmocka_unit_test(bad_literals_are_refused),
        cmocka_unit_test(no_yara_rules_no_scan),
        cmocka_unit_test(hits_have_rules_and_offsets),
        cmocka_unit_test(a_rule_without_anchor_disables_the_first_stage),
        cmocka_unit_test(compile_errors_name_file_and_line),
        cmocka_unit_test(two_texts_may_use_the_same_names),
        cmocka_unit_test(the_file_is_read_again_and_compared),
        cmocka_unit_test(an_empty_file_can_be_scanned),
        cmocka_unit_test(hits_are_bounded_and_every_rule_is_among_them),
        cmocka_unit_test(large_files_are_scanned_in_overlapping_pieces),
        cmocka_unit_test(compiled_rules_are_kept_and_found_again),
        cmocka_unit_test(a_spoilt_cache_is_not_loaded),
        cmocka_unit_test(the_pack_passes_its_own_tests),
        cmocka_unit_test(the_pack_finds_this_very_program),
        cmocka_unit_test(rules_run_their_own_tests),
        cmocka_unit_test(lint_tells_slow_and_broken_rules),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
