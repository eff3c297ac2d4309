/* SPDX-License-Identifier: Apache-2.0
 * A saved state of the scanner `duplicates`, as hostile as it comes: it is refused, or it loads,
 * saves the same number of bytes, and finishes. Also the normal form of the input and its tokens, by
 * every way there is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "plugins/scanners/duplicates/normalise.h"
#include "plugins/scanners/duplicates/tokens.h"
#include "tests/fuzz/scanner_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct assay_scanner assay_scanner_duplicates;

static void normalise(struct assay_bytes data)
{
    struct dup_text a = {0}, b = {0};
    char *copy = malloc(data.len + 1);
    if (copy != NULL) {
        memcpy(copy, data.ptr, data.len);
        (void)assay_utf8_repair(copy, data.len);
        struct assay_bytes text = assay_bytes_make(copy, data.len);
        if (dup_text_add(&a, &state_host, text) == ASSAY_OK &&
            dup_text_add_folded(&b, &state_host, text) == ASSAY_OK &&
            (a.len != b.len || memcmp(a.buf, b.buf, a.len) != 0)) {
            abort();
        }
    }
    dup_text_release(&a);
    dup_text_release(&b);
    free(copy);
}

/* Tokens stand in order, within the text, and are the same by `way` as when all is folded first. */
static void compare_tokens(const struct dup_tokens *t, const struct dup_tokens *folded, size_t len)
{
    if (t->n != folded->n) {
        abort();
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct dup_token *a = &t->items[i];
        if (a->hash != folded->items[i].hash || a->len == 0 || a->start > len ||
            a->len > len - a->start || (i > 0 && a->start < t->items[i - 1].start)) {
            abort();
        }
    }
}

static void tokenise(struct assay_bytes data)
{
    struct dup_tokens folded = {.fold_all = 1};
    char *copy = malloc(data.len + 1);
    if (copy != NULL) {
        memcpy(copy, data.ptr, data.len);
        (void)assay_utf8_repair(copy, data.len);
        struct assay_bytes text = assay_bytes_make(copy, data.len);
        enum assay_status st = dup_tokens_add(&folded, &state_host, text);
        for (unsigned i = 0; st == ASSAY_OK && dup_tokens_way_get(i) != NULL; i++) {
            struct dup_tokens t = {.way = dup_tokens_way_get(i)};
            if (dup_tokens_add(&t, &state_host, text) == ASSAY_OK) {
                compare_tokens(&t, &folded, data.len);
            }
            dup_tokens_release(&t);
        }
    }
    dup_tokens_release(&folded);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_bytes bytes = assay_bytes_make((const char *)data, size);
    state_load(&assay_scanner_duplicates, bytes);
    normalise(bytes);
    tokenise(bytes);
    return 0;
}
