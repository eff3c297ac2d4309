/* SPDX-License-Identifier: Apache-2.0
 * The literal search of the YARA first stage against the plainest search there is, with every
 * engine; and the reader of YARA conditions on whatever text. Input: step, number of literals, then
 * each literal (flags and length in one byte, bytes), then the text to search. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "rules/literals.h"
#include "rules/yara_condition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int stands_at(const struct assay_literal *l, const char *p)
{
    for (size_t i = 0; i < l->text.len; i++) {
        char a = l->caseless ? lower(p[i]) : p[i];
        char b = l->caseless ? lower(l->text.ptr[i]) : l->text.ptr[i];
        if (a != b) {
            return 0;
        }
    }
    return 1;
}

static int naive(const struct assay_literal *ls, size_t n, struct assay_bytes in)
{
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i + ls[k].text.len <= in.len; i++) {
            if (stands_at(&ls[k], in.ptr + i)) {
                return 1;
            }
        }
    }
    return 0;
}

static int feed(const struct assay_literals *ls, struct assay_bytes in, size_t step)
{
    struct assay_literal_feed *f;
    if (assay_literal_feed_new(ls, &f, NULL) != ASSAY_OK) {
        return -1;
    }
    assay_literal_feed_start(f);
    for (size_t at = 0; at < in.len; at += step) {
        size_t n = in.len - at < step ? in.len - at : step;
        assay_literal_feed_block(f, assay_bytes_make(in.ptr + at, n));
    }
    int found = assay_literal_feed_found(f);
    assay_literal_feed_free(f);
    return found;
}

static void read_condition(const uint8_t *data, size_t size)
{
    static const struct assay_yara_string strings[] = {{"$a", 8}, {"$b", 20}, {"$", 0}};
    uint8_t needed[3];
    char *source = malloc(size + 1);
    if (source != NULL) {
        memcpy(source, data, size);
        source[size] = '\0';
        (void)assay_yara_condition_needs(source, "r", strings, 3, needed);
        free(source);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_literal literals[80];
    size_t n = 0, at = 2;
    read_condition(data, size);
    if (size < 3) {
        return 0;
    }
    size_t step = data[0] + 1u;
    size_t wanted = data[1] % 80 + 1u;
    while (n < wanted && at < size) {
        size_t len = 4 + data[at] % 12;
        if (len > size - at - 1) {
            break;
        }
        literals[n++] = (struct assay_literal){assay_bytes_make((const char *)data + at + 1, len),
                                               data[at] >> 7};
        at += 1 + len;
    }
    if (n == 0) {
        return 0;
    }
    struct assay_bytes in = assay_bytes_make((const char *)data + at, size - at);
    int want = naive(literals, n, in);
    for (int e = ASSAY_LITERALS_NIBBLE; e <= ASSAY_LITERALS_VECTORSCAN; e++) {
        struct assay_literals *ls;
        if (assay_literals_new(literals, n, (enum assay_literal_engine)e, &ls, NULL) == ASSAY_OK) {
            int got = feed(ls, in, step);
            if (got != want && got >= 0) {
                abort();
            }
            assay_literals_free(ls);
        }
    }
    return 0;
}
