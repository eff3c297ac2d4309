/* SPDX-License-Identifier: Apache-2.0
 * The manual page knows every key, function and validator that the code knows. */
#include "tests/unit/unit.h"

#include "core/buf.h"
#include "core/fs.h"
#include "rules/policy_expr.h"
#include "rules/validators.h"

static char *manual;

static int setup(void **state)
{
    (void)state;
    const char *src = getenv("ASSAY_SRCDIR");
    char path[1024];
    struct assay_buf text;
    struct assay_error err;
    assay_buf_init(&text, 1 << 20);
    (void)snprintf(path, sizeof path, "%s/docs/assay-rules.5", src == NULL ? "." : src);
    if (assay_fs_read_file(path, 1 << 20, &text, &err) != ASSAY_OK) {
        return -1;
    }
    manual = assay_buf_take(&text);
    return manual == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    free(manual);
    return 0;
}

static int is_part(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether `word` stands in the manual as a word of its own on a line that is a macro. */
static int mentioned(const char *word)
{
    size_t n = strlen(word);
    for (const char *p = manual; (p = strstr(p, word)) != NULL; p++) {
        const char *line = p;
        while (line > manual && line[-1] != '\n') {
            line--;
        }
        if (*line == '.' && !is_part(p[-1]) && !is_part(p[n])) {
            return 1;
        }
    }
    return 0;
}

static void expect_tables(const struct assay_key_table *table)
{
    for (; table->what != NULL; table++) {
        for (size_t i = 0; table->keys[i] != NULL; i++) {
            if (!mentioned(table->keys[i])) {
                fail_msg("%s key '%s' is not in the manual", table->what, table->keys[i]);
            }
        }
    }
}

static void every_key_is_in_the_manual(void **state)
{
    (void)state;
    expect_tables(assay_rule_key_tables);
    expect_tables(assay_policy_key_tables);
    assert_false(mentioned("no_such_key"));
}

static void every_validator_is_in_the_manual(void **state)
{
    (void)state;
    for (size_t i = 0; i < assay_validators_count(); i++) {
        if (!mentioned(assay_validators[i].name)) {
            fail_msg("validator '%s' is not in the manual", assay_validators[i].name);
        }
    }
}

static void every_built_in_policy_is_in_the_manual(void **state)
{
    (void)state;
    for (size_t i = 0; assay_policy_embedded()[i] != NULL; i++) {
        assert_true(mentioned(assay_policy_embedded()[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_in_the_manual),
        cmocka_unit_test(every_validator_is_in_the_manual),
        cmocka_unit_test(every_built_in_policy_is_in_the_manual),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
