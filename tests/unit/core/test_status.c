/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/status.h"

static void every_code_has_name_and_text(void **state)
{
    (void)state;
    for (int s = 0; s < ASSAY_STATUS_MAX; s++) {
        assert_true(strlen(assay_status_name((enum assay_status)s)) > 0);
        assert_true(strlen(assay_status_text((enum assay_status)s)) > 0);
    }
    assert_int_equal(assay_status_exit(ASSAY_OK), 0);
    assert_int_equal(assay_status_exit(ASSAY_MISMATCH), 5);
}

static void errno_maps_and_is_named(void **state)
{
    (void)state;
    struct assay_error err;
    assert_int_equal(assay_fail_errno(&err, ENOSPC, "cannot write %s", "x"), ASSAY_FULL);
    assert_string_equal(err.message, "cannot write x: No space left on device");
}

static void place_is_escaped_and_formatted(void **state)
{
    (void)state;
    struct assay_error err;
    char line[600];
    assert_int_equal(assay_fail(&err, ASSAY_SYNTAX, "bad"), ASSAY_SYNTAX);
    assert_int_equal(assay_error_at(&err, "a\nb", 3, 4), ASSAY_SYNTAX);
    assay_error_format(&err, line, sizeof line);
    assert_string_equal(line, "a\\nb:3:4: bad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_name_and_text),
        cmocka_unit_test(errno_maps_and_is_named),
        cmocka_unit_test(place_is_escaped_and_formatted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
