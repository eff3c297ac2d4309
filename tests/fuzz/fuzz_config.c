/* SPDX-License-Identifier: Apache-2.0
 *
 * assayd.yaml: a configuration or at least one error, never both; every path in it is absolute. */
#include <stdlib.h>

#include "tests/fuzz/libfyaml_leaks.h"

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_diags *d = assay_diags_new();
    if (d == NULL) {
        return 0;
    }
    struct assay_config *c =
        assay_config_parse(assay_bytes_make((const char *)data, size), "fuzz.yaml", d);
    if ((c == NULL) != (assay_diags_errors(d) > 0)) {
        abort();
    }
    if (c != NULL && (c->state_dir[0] != '/' || c->reports_dir[0] != '/' || c->workers < 1)) {
        abort();
    }
    for (size_t i = 0; c != NULL && i < c->n_sources; i++) {
        if (c->sources[i].path[0] != '/' || c->sources[i].name[0] == '\0') {
            abort();
        }
    }
    assay_config_free(c);
    assay_diags_free(d);
    return 0;
}
