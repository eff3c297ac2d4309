/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/matcher/regex.h: PCRE2 pattern text to a relaxed regular expression over bytes.
 *
 * What:  a tree whose language contains every text that the pattern can match: zero-width
 *        assertions are dropped, possessive and atomic groups become plain ones, Unicode classes
 *        widen to "any code point beyond ASCII", back references become OPAQUE (anything). Whatever
 *        is not understood makes the parse fail; then PCRE2 alone matches the rule.
 * Why:   from the tree follow facts that steer the fast path and must be proven, not guessed:
 *        widths, the bytes a match can hold, how many digits it must hold.
 * Ownership: nodes live in the arena. Pure.
 */
#ifndef ASSAY_RULES_MATCHER_REGEX_H
#define ASSAY_RULES_MATCHER_REGEX_H

#include "core/arena.h"
#include "assay/base.h"

#define ASSAY_RX_INF UINT32_MAX

enum assay_rx_kind {
    ASSAY_RX_EMPTY,
    ASSAY_RX_CLASS, /* one byte of `set` */
    ASSAY_RX_CAT,
    ASSAY_RX_ALT,
    ASSAY_RX_REP,   /* first child, rmin..rmax times */
    ASSAY_RX_OPAQUE /* anything at all */
};

struct assay_byteset {
    uint64_t w[4];
};

struct assay_rx {
    enum assay_rx_kind kind;
    uint32_t rmin, rmax;    /* REP */
    struct assay_rx *first; /* children */
    struct assay_rx *next;  /* sibling */
    /* Facts, filled in bottom-up. Counts are lower bounds over all texts of the language. */
    uint32_t min, max;        /* width in bytes; max may be ASSAY_RX_INF */
    uint32_t digits;          /* bytes '0'..'9' */
    uint32_t punct;           /* bytes ':' and '-' */
    uint32_t marks;           /* bytes of ":-./+" */
    struct assay_byteset set; /* CLASS: the class; else every byte that can occur */
};

static inline int assay_byteset_has(const struct assay_byteset *s, unsigned char c)
{
    return (int)(s->w[c >> 6] >> (c & 63) & 1);
}

static inline void assay_byteset_add(struct assay_byteset *s, unsigned char c)
{
    s->w[c >> 6] |= (uint64_t)1 << (c & 63);
}

/* Adds all of `from`; how many bytes are in the set. */
void assay_byteset_union(struct assay_byteset *into, const struct assay_byteset *from);
unsigned assay_byteset_count(const struct assay_byteset *s);

/* Saturating arithmetic on widths. */
uint32_t assay_rx_add(uint32_t a, uint32_t b);

/* NULL: not understood, or the arena is full. */
struct assay_rx *assay_rx_parse(struct assay_arena *a, const char *pattern, int caseless);

#endif
