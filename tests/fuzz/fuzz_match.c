/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text, cut into fields at byte 0x1e, through every engine: the match lists must be those of
 * the oracle.
 */
#include <stdint.h>

#include "core/utf8.h"
#include "rules/matcher/internal.h"
#include "tests/unit/matcher/sample_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_TEXT   4096
#define MAX_FIELDS 64

static struct {
    struct assay_matcher *m;
    struct assay_scratch *s;
} engines[3];

static void open_engines(void)
{
    static const enum assay_matcher_engine kinds[] = {ASSAY_ENGINE_ORACLE, ASSAY_ENGINE_PREFILTER,
                                                      ASSAY_ENGINE_AUTO};
    const struct assay_rule *rules = NULL;
    uint32_t n = sample_all_rules(&rules);
    for (int i = 0; i < 3 && engines[i].m == NULL; i++) {
        struct assay_matcher_options opt = {kinds[i], NULL};
        if (assay_matcher_new_rules(rules, n, &opt, &engines[i].m, NULL) != ASSAY_OK ||
            assay_scratch_new(engines[i].m, &engines[i].s, NULL) != ASSAY_OK) {
            abort();
        }
    }
}

/* Fields are what stands between separators; each is made valid UTF-8, as readers do. */
static uint32_t cut(char *text, uint32_t len, struct assay_field *fields)
{
    uint32_t n = 0, start = 0;
    for (uint32_t i = 0; i <= len && n < MAX_FIELDS; i++) {
        if (i < len && text[i] != 0x1e) {
            continue;
        }
        fields[n++] = (struct assay_field){.start = start, .len = i - start};
        (void)assay_utf8_repair(text + start, i - start);
        if (i < len) {
            text[i] = ASSAY_FIELD_SEPARATOR;
        }
        start = i + 1;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MAX_TEXT + 64];
    struct assay_field fields[MAX_FIELDS];
    struct assay_match_list want, got;
    uint32_t len = size < MAX_TEXT ? (uint32_t)size : MAX_TEXT;
    open_engines();
    memcpy(text, data, len);
    struct assay_batch b = {.text = text, .text_len = len, .fields = fields};
    b.n_fields = cut(text, len, fields);
    if (assay_matcher_scan(engines[0].m, engines[0].s, &b, &want) != ASSAY_OK) {
        abort();
    }
    for (int i = 1; i < 3; i++) {
        if (assay_matcher_scan(engines[i].m, engines[i].s, &b, &got) != ASSAY_OK) {
            abort();
        }
        if (want.limit_hits + got.limit_hits > 0) {
            continue; /* who hits a limit first may differ; that it was hit is reported */
        }
        if (got.count != want.count ||
            (got.count > 0 && memcmp(got.items, want.items, got.count * sizeof *got.items) != 0)) {
            abort();
        }
    }
    return 0;
}
