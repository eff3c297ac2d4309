/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "tests/unit/diags.h"

#include <stdio.h>

#include "core/limits.h"
#include "core/yaml.h"

static struct assay_yaml *parse(const char *text)
{
    return assay_yaml_parse(assay_bytes_str(text), "t.yaml", diags);
}

static void a_tree_is_read(void **state)
{
    (void)state;
    struct assay_yaml *y =
        parse("\xEF\xBB\xBFid: no\nlist: [a, 'b', \"c\\n\"]\nmap:\n  k: |\n    x\n    y\n"
              "empty:\n");
    assert_non_null(y);
    const struct assay_yaml_node *root = assay_yaml_root(y);
    const struct assay_yaml_node *list = assay_yaml_get(root, "list");
    assert_int_equal(assay_yaml_count(root), 4);
    assert_string_equal(assay_yaml_text(assay_yaml_get(root, "id")), "no");
    assert_int_equal(assay_yaml_node_kind(list), ASSAY_YAML_SEQUENCE);
    assert_int_equal(assay_yaml_count(list), 3);
    assert_string_equal(assay_yaml_text(assay_yaml_item(list, 2)), "c\n");
    assert_null(assay_yaml_item(list, 3));
    assert_string_equal(assay_yaml_text(assay_yaml_get(assay_yaml_get(root, "map"), "k")),
                        "x\ny\n");
    assert_string_equal(assay_yaml_text(assay_yaml_get(root, "empty")), "");
    assert_string_equal(assay_yaml_text(assay_yaml_pair_key(root, 2)), "map");
    assert_int_equal(assay_yaml_node_line(assay_yaml_pair_key(root, 2)), 3);
    assert_null(assay_yaml_pair_value(root, 4));
    assert_null(assay_yaml_text(list));
    assay_yaml_free(y);
}

static void an_empty_document_has_no_root(void **state)
{
    (void)state;
    struct assay_yaml *y = parse("# only a comment\n");
    assert_non_null(y);
    assert_null(assay_yaml_root(y));
    assay_yaml_free(y);
}

static void refused(const char *text, const char *place_and_start)
{
    diags_again();
    assert_null(parse(text));
    assert_true(assay_diags_errors(diags) > 0);
    if (strncmp(diags_text(), place_and_start, strlen(place_and_start)) != 0) {
        assert_string_equal(diags_text(), place_and_start);
    }
}

static void what_is_not_supported_is_refused(void **state)
{
    (void)state;
    refused("a: &x 1\n", "t.yaml:1:7: error: anchors are not supported");
    refused("a: 1\nb: *x\n", "t.yaml:2:4: error: aliases are not supported");
    refused("a: !!str 1\n", "t.yaml:1:10: error: tags are not supported");
    refused("<<: {b: 1}\n", "t.yaml:1:1: error: merge keys are not supported");
    refused("a: 1\nb: 2\na: 3\n",
            "t.yaml:3:1: error: key 'a' occurs twice: the first is in line 1");
    refused("? [a]\n: 1\n", "t.yaml:1:3: error: a key must be text");
    refused("a: 1\n---\nb: 1\n", "t.yaml:2:1: error: a second document begins here");
    refused("a: \xff\n", "t.yaml:1:4: error: not valid UTF-8");
    refused("a: x\x01y\n", "t.yaml:1:5: error: control character 0x01");
    refused("a: \"\\0\"\n", "t.yaml:1:5: error: a NUL character");
    refused("a:\n\tb: 1\n", "t.yaml:2:1: error: ");
    refused("a: [1\n", "t.yaml:");
    refused("%YAML 9.9\n---\na: 1\n", "t.yaml: error: ");
    assert_null(assay_yaml_parse(assay_bytes_make("a: b\0c", 6), "t.yaml", diags));
}

static void a_regex_in_double_quotes_gets_advice(void **state)
{
    (void)state;
    assert_null(parse("p: \"a\\d+\"\n"));
    assert_non_null(strstr(diags_text(), "in single quotes a backslash stands for itself"));
    assert_non_null(strstr(diags_text(), "t.yaml:1:6: error:"));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char *deep = malloc(2 * 200000 + 1);
    memset(deep, '[', 200000);
    memset(deep + 200000, ']', 200000);
    deep[400000] = '\0';
    assert_null(parse(deep));
    assert_non_null(strstr(diags_text(), "nested deeper than 64 levels"));
    free(deep);
}

static void carets_stand_under_wide_characters(void **state)
{
    (void)state;
    struct assay_yaml *y =
        parse("k: {\xe6\xb1\x89\xe5\xad\x97: '\xe5\x80\xbc', b: \"x\\n\xe5\x80\xbcz\"}\n");
    const struct assay_yaml_node *map = assay_yaml_get(assay_yaml_root(y), "k");
    assay_diags_error(diags, y, assay_yaml_pair_value(map, 0), "one");
    assay_diags_warning_in(diags, y, assay_yaml_get(map, "b"), 2, 0, "two");
    assay_diags_error(diags, y, map, "zero");
    assay_yaml_free(y); /* diagnostics outlive their document */
    assert_string_equal(
        diags_text(),
        "t.yaml:1:4: error: zero\n"
        "   1 | k: {\xe6\xb1\x89\xe5\xad\x97: '\xe5\x80\xbc', b: \"x\\n\xe5\x80\xbcz\"}\n"
        "     |    ^\n"
        "t.yaml:1:9: error: one\n"
        "   1 | k: {\xe6\xb1\x89\xe5\xad\x97: '\xe5\x80\xbc', b: \"x\\n\xe5\x80\xbcz\"}\n"
        "     |           ^~~~\n"
        "t.yaml:1:21: warning: two\n"
        "   1 | k: {\xe6\xb1\x89\xe5\xad\x97: '\xe5\x80\xbc', b: \"x\\n\xe5\x80\xbcz\"}\n"
        "     |                        ^~\n");
    assert_int_equal(assay_diags_errors(diags), 2);
    assert_int_equal(assay_diags_warnings(diags), 1);
}

/* The place of an 'X' in each scalar, through every style of quoting. */
static void places_inside_scalars_are_found(void **state)
{
    (void)state;
    static const char text[] = "- plain X\n- 'it''s X'\n- \"a\\u6c49\\\" X\"\n- |\n  one\n  two X\n"
                               "- >-\n  one\n  two\n\n  X\n- one\n  two X\n- \"one\\\n   X\"\n";
    static const unsigned places[][2] = {{1, 9},  {2, 10}, {3, 14}, {6, 7},
                                         {11, 3}, {13, 7}, {15, 4}};
    struct assay_yaml *y = parse(text);
    assert_non_null(y);
    for (size_t i = 0; i < 7; i++) {
        const struct assay_yaml_node *n = assay_yaml_item(assay_yaml_root(y), i);
        assay_diags_error_in(
            diags, y, n, (size_t)(strchr(assay_yaml_text(n), 'X') - assay_yaml_text(n)), 1, "here");
    }
    (void)diags_text();
    for (size_t i = 0; i < 7; i++) {
        char place[40];
        (void)snprintf(place, sizeof place, "t.yaml:%u:%u: error: here\n", places[i][0],
                       places[i][1]);
        if (strstr(assay_buf_str(&rendered), place) == NULL) {
            assert_string_equal(assay_buf_str(&rendered), place);
        }
    }
    assay_yaml_free(y);
}

static void unknown_keys_are_all_reported(void **state)
{
    (void)state;
    static const char *const known[] = {"severity", "title", NULL};
    struct assay_yaml *y = parse("severty: high\ntitle: x\nzzz: 1\n");
    assay_yaml_check_keys(y, assay_yaml_root(y), known, "rule", diags);
    assert_string_equal(diags_text(),
                        "t.yaml:1:1: error: unknown rule key 'severty', did you mean "
                        "'severity'?\n   1 | severty: high\n     | ^~~~~~~\n"
                        "t.yaml:3:1: error: unknown rule key 'zzz'; known are: severity, "
                        "title\n   3 | zzz: 1\n     | ^~~\n");
    assay_yaml_check_keys(y, assay_yaml_get(assay_yaml_root(y), "title"), known, "rule", diags);
    assert_non_null(strstr(diags_text(), "rule must be a mapping"));
    assay_yaml_free(y);
}

static void typed_reads(void **state)
{
    (void)state;
    struct assay_yaml *y =
        parse("yes: true\nno: no\nn: 12\nbig: 99\nm: 0.95\nm2: 1.5\nm3: 0.1234\nc: high\nl: []\n");
    const struct assay_yaml_node *r = assay_yaml_root(y);
    static const char *const choices[] = {"low", "high", NULL};
    int flag = -1;
    int64_t n = -1;
    uint16_t m = 7;
    assert_true(assay_yaml_bool(y, NULL, &flag, diags) && flag == -1);
    assert_true(assay_yaml_bool(y, assay_yaml_get(r, "yes"), &flag, diags) && flag == 1);
    assert_true(assay_yaml_int(y, assay_yaml_get(r, "n"), 0, 50, &n, diags) && n == 12);
    assert_true(assay_yaml_milli(y, assay_yaml_get(r, "m"), &m, diags) && m == 950);
    assert_int_equal(assay_yaml_choice(y, assay_yaml_get(r, "c"), choices, "severity", diags), 1);
    assert_int_equal(assay_diags_errors(diags), 0);
    assert_false(assay_yaml_bool(y, assay_yaml_get(r, "no"), &flag, diags));
    assert_false(assay_yaml_bool(y, assay_yaml_get(r, "l"), &flag, diags));
    assert_false(assay_yaml_int(y, assay_yaml_get(r, "big"), 0, 50, &n, diags));
    assert_false(assay_yaml_int(y, assay_yaml_get(r, "c"), 0, 50, &n, diags));
    assert_false(assay_yaml_milli(y, assay_yaml_get(r, "m2"), &m, diags));
    assert_false(assay_yaml_milli(y, assay_yaml_get(r, "m3"), &m, diags));
    assert_int_equal(assay_yaml_choice(y, assay_yaml_get(r, "no"), choices, "severity", diags), -1);
    assert_int_equal(assay_diags_errors(diags), 7);
    assay_yaml_free(y);
}

static void diagnostics_are_capped_and_counted(void **state)
{
    (void)state;
    for (int i = 0; i < ASSAY_LIMIT_DIAGNOSTICS + 7; i++) {
        assay_diags_error(diags, NULL, NULL, "e%d", i);
    }
    assert_int_equal(assay_diags_errors(diags), ASSAY_LIMIT_DIAGNOSTICS + 7);
    assert_non_null(strstr(diags_text(), "error: e99\n... and 7 more\n"));
}

static void the_first_error_is_the_topmost(void **state)
{
    (void)state;
    struct assay_error err;
    struct assay_yaml *y = parse("a: 1\nb: 2\n");
    assert_int_equal(assay_diags_first(diags, &err), ASSAY_OK);
    assay_diags_error(diags, y, assay_yaml_get(assay_yaml_root(y), "b"), "later");
    assay_diags_warning(diags, y, assay_yaml_root(y), "only a warning");
    assay_diags_error(diags, y, assay_yaml_get(assay_yaml_root(y), "a"), "first");
    assert_int_equal(assay_diags_first(diags, &err), ASSAY_CONFIG);
    assert_string_equal(err.message, "first");
    assert_int_equal(err.line, 1);
    assert_int_equal(err.column, 4);
    assay_yaml_free(y);
}

static void files_that_cannot_be_read_are_errors(void **state)
{
    (void)state;
    assert_null(assay_yaml_load("/nonexistent/x.yaml", diags));
    assert_string_equal(diags_text(),
                        "error: /nonexistent/x.yaml: cannot open: No such file or directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tree_is_read, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(an_empty_document_has_no_root, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_supported_is_refused, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(a_regex_in_double_quotes_gets_advice, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(depth_is_bounded, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(carets_stand_under_wide_characters, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(places_inside_scalars_are_found, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(unknown_keys_are_all_reported, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(typed_reads, diags_setup, diags_teardown),
        cmocka_unit_test_setup_teardown(diagnostics_are_capped_and_counted, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(the_first_error_is_the_topmost, diags_setup,
                                        diags_teardown),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_are_errors, diags_setup,
                                        diags_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
