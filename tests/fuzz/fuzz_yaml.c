/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML documents: a tree or at least one error, never both; every scalar can be pointed into. */
#include <stdlib.h>

#include "tests/fuzz/libfyaml_leaks.h"

#include "core/limits.h"
#include "core/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const struct assay_yaml *y, const struct assay_yaml_node *n,
                  struct assay_diags *d)
{
    if (assay_yaml_text(n) != NULL) {
        size_t len = strlen(assay_yaml_text(n));
        assay_diags_warning_in(d, y, n, len / 2, 1, "here");
        assay_diags_warning(d, y, n, "%s", assay_yaml_text(n));
    }
    for (size_t i = 0; i < assay_yaml_count(n); i++) {
        if (assay_yaml_node_kind(n) == ASSAY_YAML_MAPPING) {
            visit(y, assay_yaml_pair_key(n, i), d);
            visit(y, assay_yaml_pair_value(n, i), d);
        } else {
            visit(y, assay_yaml_item(n, i), d);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_buf out;
    struct assay_diags *d = assay_diags_new();
    struct assay_yaml *y =
        d == NULL ? NULL
                  : assay_yaml_parse(assay_bytes_make((const char *)data, size), "fuzz.yaml", d);
    if (d == NULL) {
        return 0;
    }
    if ((y == NULL) != (assay_diags_errors(d) > 0)) {
        abort();
    }
    if (y != NULL && assay_yaml_root(y) != NULL) {
        visit(y, assay_yaml_root(y), d);
    }
    assay_buf_init(&out, ASSAY_MIB(16));
    assay_diags_render(d, &out, 1);
    assay_buf_release(&out);
    assay_yaml_free(y);
    assay_diags_free(d);
    return 0;
}
