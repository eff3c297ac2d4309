/* SPDX-License-Identifier: Apache-2.0
 *
 * Any pattern (up to the first newline) over any text (the rest): if PCRE2 takes the pattern, the
 * engines must agree on what it matches.
 */
#include <stdint.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/utf8.h"
#include "rules/matcher/internal.h"
#include "rules/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PATTERN 200
#define MAX_TEXT    2000

/* What the loader would accept. */
static int is_pattern(const char *pattern)
{
    int rc = 0;
    PCRE2_SIZE at = 0;
    uint32_t empty = 1;
    size_t from = 0, len = 0;
    if (*pattern == '\0' || assay_pattern_refused(pattern, &from, &len) != NULL) {
        return 0;
    }
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     assay_pattern_options(0), &rc, &at, NULL);
    if (code != NULL) {
        (void)pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &empty);
    }
    pcre2_code_free(code);
    return !empty;
}

static void scan(const struct assay_rule *rule, enum assay_matcher_engine e,
                 struct assay_bytes text, struct assay_match *out, size_t *ret_n,
                 uint64_t *ret_limits)
{
    struct assay_matcher_options opt = {e, NULL};
    struct assay_matcher *m = NULL;
    struct assay_scratch *s = NULL;
    struct assay_match_list list;
    if (assay_matcher_new_rules(rule, 1, &opt, &m, NULL) != ASSAY_OK ||
        assay_scratch_new(m, &s, NULL) != ASSAY_OK ||
        assay_matcher_scan_text(m, s, text, &list) != ASSAY_OK || list.count > MAX_TEXT) {
        abort();
    }
    if (list.count > 0) {
        memcpy(out, list.items, list.count * sizeof *out);
    }
    *ret_n = list.count;
    *ret_limits = list.limit_hits;
    assay_scratch_free(s);
    assay_matcher_free(m);
}

static void compare(const struct assay_rule *rule, struct assay_bytes text)
{
    static struct assay_match want[MAX_TEXT], got[MAX_TEXT];
    size_t n_want = 0, n_got = 0;
    uint64_t limits = 0, more = 0;
    scan(rule, ASSAY_ENGINE_ORACLE, text, want, &n_want, &limits);
    scan(rule, ASSAY_ENGINE_PREFILTER, text, got, &n_got, &more);
    if (limits + more == 0 &&
        (n_want != n_got || (n_got > 0 && memcmp(want, got, n_got * sizeof *got) != 0))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char pattern[MAX_PATTERN + 1], text[MAX_TEXT];
    const uint8_t *nl = size == 0 ? NULL : memchr(data, '\n', size);
    size_t n = nl == NULL ? size : (size_t)(nl - data), rest = nl == NULL ? 0 : size - n - 1;
    if (n > MAX_PATTERN || memchr(data, 0, n) != NULL) {
        return 0;
    }
    memcpy(pattern, data, n);
    pattern[n] = '\0';
    rest = rest < sizeof text ? rest : sizeof text;
    memcpy(text, data + size - rest, rest);
    (void)assay_utf8_repair(text, rest);
    if (is_pattern(pattern)) {
        struct assay_rule rule = {.detect = ASSAY_DETECT_PATTERN, .pattern = pattern};
        rule.view.id = "fuzz";
        compare(&rule, assay_bytes_make(text, rest));
        rule.caseless = 1;
        compare(&rule, assay_bytes_make(text, rest));
    }
    return 0;
}
