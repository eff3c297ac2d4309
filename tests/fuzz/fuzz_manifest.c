/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier's manifest parser. Invariants: names are sorted, unique, relative and never lead
 * upwards.
 */
#include <stdlib.h>

#include "reports/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '/' || strstr(name, "//") != NULL ||
        strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL || strcmp(name, "..") == 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_manifest *m = NULL;
    struct assay_error err;
    if (assay_manifest_parse(assay_bytes_make((const char *)data, size), &m, &err) != ASSAY_OK) {
        return 0;
    }
    for (size_t i = 0; i < assay_manifest_count(m); i++) {
        check_name(assay_manifest_get(m, i)->name);
        if (i > 0 &&
            strcmp(assay_manifest_get(m, i - 1)->name, assay_manifest_get(m, i)->name) >= 0) {
            abort();
        }
    }
    assay_manifest_free(m);
    return 0;
}
