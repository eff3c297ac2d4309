/* SPDX-License-Identifier: Apache-2.0
 *
 * Assessment and masking over arbitrary bytes and places, for every embedded rule: nothing is read
 * out of bounds, the same question has the same answer, a score is at most 1000, and a mask shows
 * at most half of a value and is valid UTF-8 when the value was.
 */
#include <stdlib.h>

#include "core/utf8.h"
#include "rules/ruleset.h"

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

static void check_assess(const struct assay_rule *rule, struct assay_bytes value, uint32_t start,
                         uint32_t end)
{
    struct assay_assessment a, b;
    assay_rule_assess(rule, value, start, end, &a);
    assay_rule_assess(rule, value, start, end, &b);
    if (a.confidence > 1000 || memcmp(&a, &b, sizeof a) != 0) {
        abort();
    }
}

static void check_mask(const struct assay_rule *rule, struct assay_bytes value, int valid)
{
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, value.len + 64);
    assay_rule_mask(rule, value, &out);
    size_t stars = 0;
    for (size_t i = 0; i < out.len; i++) {
        stars += out.ptr[i] == '*';
    }
    int is_short = value.len > 0 && value.len < 5 && !rule->mask.email;
    if (assay_buf_status(&out) != ASSAY_OK || (is_short && stars != out.len) ||
        (valid && assay_utf8_valid(assay_buf_str(&out), out.len) != out.len)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    uint32_t start = data[0] | (uint32_t)data[1] << 8, end = data[2] | (uint32_t)data[3] << 8;
    size_t len = size - 4;
    char *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data + 4, len);
    struct assay_bytes value = assay_bytes_make(copy, len);
    int valid = assay_utf8_valid(copy, len) == len;
    for (uint32_t i = 0; i < assay_ruleset_count(rules()); i++) {
        check_assess(assay_ruleset_rule(rules(), i), value, start, end);
        check_mask(assay_ruleset_rule(rules(), i), value, valid);
    }
    free(copy);
    return 0;
}
