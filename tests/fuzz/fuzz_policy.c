/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser of policy expressions over arbitrary bytes: an input becomes one double-quoted YAML
 * scalar. A term that parses is evaluated for every rule of the embedded packs.
 */
#include <stdlib.h>

#include "rules/policy_expr.h"

static struct assay_ruleset *rules(void)
{
    static struct assay_ruleset *rs;
    if (rs == NULL) {
        struct assay_diags *d = assay_diags_new();
        rs = assay_ruleset_load(NULL, 0, NULL, 0, d);
        assay_diags_free(d);
    }
    return rs;
}

static void quote(struct assay_buf *out, const uint8_t *data, size_t size)
{
    assay_buf_addc(out, '"');
    for (size_t i = 0; i < size; i++) {
        int plain = data[i] >= ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\';
        if (plain) {
            assay_buf_addc(out, (char)data[i]);
        } else if (data[i] != 0) {
            assay_buf_addf(out, "\\x%02x", data[i]);
        }
    }
    assay_buf_addc(out, '"');
}

static void try_expression(const struct assay_yaml *y, struct assay_diags *d)
{
    struct assay_arena *arena = assay_arena_new((size_t)1 << 22);
    struct assay_expr_source src = {y, assay_yaml_root(y), rules(), arena, d};
    struct assay_term term;
    size_t before = assay_diags_errors(d);
    int ok = arena != NULL && assay_expr_parse(&src, &term);
    if (ok != (assay_diags_errors(d) == before)) {
        abort();
    }
    for (uint32_t i = 0; ok && i < assay_ruleset_count(rules()); i++) {
        if (assay_cond_bands(term.cond, &assay_ruleset_rule(rules(), i)->view) > ASSAY_ALL_BANDS) {
            abort();
        }
    }
    if (ok) {
        (void)assay_compare_share(1, 3, term.op, term.limit);
    }
    assay_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ASSAY_AUTO_BUF text;
    ASSAY_AUTO_BUF shown;
    assay_buf_init(&text, (size_t)1 << 20);
    assay_buf_init(&shown, (size_t)1 << 20);
    quote(&text, data, size);
    struct assay_diags *d = assay_diags_new();
    struct assay_yaml *y = assay_yaml_parse(assay_buf_bytes(&text), "x", d);
    if (y != NULL) {
        try_expression(y, d);
    }
    assay_diags_render(d, &shown, 0);
    assay_yaml_free(y);
    assay_diags_free(d);
    return 0;
}
