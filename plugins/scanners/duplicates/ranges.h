/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/ranges.h: kinds of characters as ranges of code points.
 *
 * The normal form and the tokenizer mean different things by a kind (a symbol is content to the one
 * and a break to the other), but look them up alike, and agree on two blocks: what General
 * Punctuation separates and drops, and what is punctuation among the signs and kana of CJK.
 * Source: Unicode 15 general categories and default-ignorable code points.
 */
#ifndef ASSAY_DUPLICATES_RANGES_H
#define ASSAY_DUPLICATES_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct dup_range {
    uint32_t first, last;
    unsigned kind; /* of the table's owner */
};

/* U+2000 to U+206F. */
#define DUP_RANGES_GENERAL(separator, dropped)                                                     \
    {0x2000, 0x200A, separator}, {0x200B, 0x200F, dropped}, {0x2010, 0x2029, separator},           \
        {0x202A, 0x202E, dropped}, {0x202F, 0x205F, separator},                                    \
    {                                                                                              \
        0x2060, 0x206F, dropped                                                                    \
    }
/* U+3000 to U+30FB. */
#define DUP_RANGES_CJK(separator, unspaced)                                                        \
    {0x3000, 0x3003, separator}, {0x3004, 0x3007, unspaced}, {0x3008, 0x3020, separator},          \
        {0x3021, 0x302F, unspaced}, {0x3030, 0x3030, separator}, {0x3031, 0x303C, unspaced},       \
        {0x303D, 0x303D, separator}, {0x303E, 0x309F, unspaced}, {0x30A0, 0x30A0, separator},      \
        {0x30A1, 0x30FA, unspaced},                                                                \
    {                                                                                              \
        0x30FB, 0x30FB, separator                                                                  \
    }

/* The kind of the range that holds `cp`, of `n` that ascend and lie apart; `otherwise` where none
 * does. */
static inline unsigned dup_range_kind(const struct dup_range *ranges, size_t n, uint32_t cp,
                                      unsigned otherwise)
{
    size_t from = 0;
    for (size_t left = n; left > 0;) {
        const size_t half = left / 2;
        if (cp > ranges[from + half].last) {
            from += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    return from < n && cp >= ranges[from].first ? ranges[from].kind : otherwise;
}

#endif
