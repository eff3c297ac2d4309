/* SPDX-License-Identifier: Apache-2.0
 *
 * Every validator over arbitrary bytes, in a heap block of exactly their size; twice, since a
 * validator is a pure function.
 */
#include <stdlib.h>

#include "rules/validators.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    for (size_t i = 0; i < assay_validators_count(); i++) {
        enum assay_validity first = assay_validators[i].check(assay_bytes_make(copy, size));
        if (first != assay_validators[i].check(assay_bytes_make(copy, size))) {
            abort();
        }
    }
    free(copy);
    return 0;
}
