/* SPDX-License-Identifier: Apache-2.0
 *
 * One reader (FUZZ_READER) over arbitrary text: whatever it says must not depend on the pieces the
 * text comes in, and every promise of the reader contract must hold. The first byte chooses limits
 * and options, the second a seed.
 */
#include <stdlib.h>

#include "tests/unit/plugins/reader_harness.h"

extern const struct assay_reader FUZZ_READER;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[][5] = {
        {NULL},
        {"header", "yes", NULL},
        {"header", "no", "delimiter", "comma", NULL},
        {"record", "document", NULL},
    };
    if (size < 2) {
        return 0;
    }
    struct harness_plan plan = {0};
    plan.options = options[data[0] & 3];
    plan.max_record = (data[0] & 4) != 0 ? 40 : 0;
    plan.max_depth = (data[0] & 8) != 0 ? 3 : 0;
    plan.name = (data[0] & 16) != 0 ? "a.md" : "a.tsv";
    const unsigned n_seeds = 1 + data[1] % 6;
    if (harness_compare(&FUZZ_READER, assay_bytes_make((const char *)data + 2, size - 2), plan,
                        n_seeds, NULL) != NULL) {
        abort();
    }
    return 0;
}
