/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of accepted groups. Invariants: what is read has entries in order; written again and read
 * again, it is the same list.
 */
#include <stdlib.h>

#include "core/limits.h"
#include "reports/suppressions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct assay_suppressions *s, struct assay_acceptance *rows)
{
    const size_t n = assay_suppressions_count(s);
    struct assay_suppressions *again = NULL;
    struct assay_error err;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, ASSAY_LIMIT_JSON_DOCUMENT);
    for (size_t i = 0; i < n; i++) {
        rows[i] = assay_suppressions_get(s, i);
        if (!assay_group_is_named(rows[i].group) ||
            strlen(assay_group_digits(rows[i].group)) != 32) {
            abort();
        }
    }
    if (assay_suppressions_write(rows, n, &out, &err) != ASSAY_OK ||
        assay_suppressions_parse(assay_buf_bytes(&out), &again, &err) != ASSAY_OK ||
        assay_suppressions_count(again) != n) {
        abort();
    }
    (void)assay_suppressions_check(again, 0, &err);
    assay_suppressions_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct assay_acceptance rows[ASSAY_LIMIT_ACCEPTED];
    struct assay_suppressions *s = NULL;
    struct assay_error err;
    if (assay_suppressions_parse(assay_bytes_make((const char *)data, size), &s, &err) ==
        ASSAY_OK) {
        round_trip(s, rows);
        assay_suppressions_free(s);
    }
    return 0;
}
