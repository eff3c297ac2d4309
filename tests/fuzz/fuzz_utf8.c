/* SPDX-License-Identifier: Apache-2.0
 *
 * Validation, repair, counting and folding against plain references: the table of Unicode chapter 3
 * (3-7) byte by byte, and libutf8proc over the whole text at once. */
#include <stdlib.h>
#include <utf8proc.h>

#include "core/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Length of the well-formed sequence at p, or 0; by the letter of table 3-7. */
static size_t reference_sequence(const uint8_t *p, size_t left)
{
    static const struct {
        uint8_t first, last, low, high;
        size_t len;
    } rows[] = {
        {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (p[0] < rows[i].first || p[0] > rows[i].last || left < rows[i].len) {
            continue;
        }
        int ok = rows[i].len == 1 || (p[1] >= rows[i].low && p[1] <= rows[i].high);
        for (size_t k = 2; ok && k < rows[i].len; k++) {
            ok = p[k] >= 0x80 && p[k] <= 0xBF;
        }
        return ok ? rows[i].len : 0;
    }
    return 0;
}

static void require(int condition)
{
    if (!condition) {
        abort();
    }
}

static void check_valid(const uint8_t *data, size_t size)
{
    size_t at = 0;
    for (size_t n; at < size && (n = reference_sequence(data + at, size - at)) > 0;) {
        at += n;
    }
    require(assay_utf8_valid((const char *)data, size) == at);
}

static void check_repair(const uint8_t *data, char *text, size_t size)
{
    size_t bad = 0;
    size_t points = 0;
    for (size_t at = 0; at < size; points++) {
        size_t n = reference_sequence(data + at, size - at);
        require(n > 0 ? memcmp(text + at, data + at, n) == 0 : text[at] == '?');
        bad += n == 0;
        at += n == 0 ? 1 : n;
    }
    require(assay_utf8_valid(text, size) == size);
    require(assay_utf8_count(text, size) == points);
    require(assay_utf8_repair(text, size) == 0);
    (void)bad;
}

static void check_fold(const char *text, size_t size)
{
    utf8proc_uint8_t *want = NULL;
    const utf8proc_option_t options =
        UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_STABLE | UTF8PROC_CASEFOLD;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &want, options);
    size_t need = assay_utf8_fold(assay_bytes_make(text, size), NULL, 0);
    require(n >= 0 && need == (size_t)n);
    char *out = malloc(need + 1);
    if (out != NULL) {
        require(assay_utf8_fold(assay_bytes_make(text, size), out, need) == need);
        require(memcmp(out, want, need) == 0);
    }
    free(out);
    free(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    check_valid(data, size);
    (void)assay_utf8_repair(text, size);
    check_repair(data, text, size);
    check_fold(text, size);
    (void)assay_utf8_width(assay_bytes_make(text, size));
    free(text);
    return 0;
}
