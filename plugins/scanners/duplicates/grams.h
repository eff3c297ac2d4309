/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/grams.h: a record's text as tokens that know where they stand, and its n-grams.
 *
 * A long span is 13 words or 26 characters of a script written without spaces, or a mixture: a word
 * weighs as much as the characters asked for, a character as much as the words, and a span is long
 * when it weighs words x characters. What a token weighs is asked of its folded form, so that half-width
 * and decomposed kana and Hangul weigh as much as any. An n-gram is the shortest run from a token that weighs at least
 * eight thirteenths of that (8 words, 16 characters); it stays within a field. Of all n-grams only
 * some are kept: of every window of so many neighbours that a long span must hold them all, the one
 * with the least hash (winnowing: Schleimer, Wilkerson, Aiken, "Winnowing: Local Algorithms for
 * Document Fingerprinting", 2003). So two texts that share a long span share a kept n-gram, always.
 */
#ifndef ASSAY_DUPLICATES_GRAMS_H
#define ASSAY_DUPLICATES_GRAMS_H

#include "chosen.h"
#include "tokens.h"

#define DUP_GRAMS_VERSION 2          /* n-grams are part of saved states */
#define DUP_GRAM_FIELDS   (1u << 15) /* of one record; what stands in later ones is not compared */

struct dup_gram_plan {
    unsigned word, character; /* weights */
    unsigned span, gram;      /* weights at least */
    unsigned window;          /* n-grams that a long span holds at least */
};

/* A token: two numbers, so that texts can be shelved as they are (sets.h). */
struct dup_spot {
    uint64_t hash;
    uint64_t where; /* field (15 bits), character (1), start in the field (32), length (16) */
};

static inline uint32_t dup_spot_field(const struct dup_spot *s)
{
    return (uint32_t)(s->where >> 49);
}
static inline int dup_spot_is_character(const struct dup_spot *s)
{
    return (int)(s->where >> 48 & 1);
}
static inline uint32_t dup_spot_start(const struct dup_spot *s)
{
    return (uint32_t)(s->where >> 16);
}
static inline uint64_t dup_spot_end(const struct dup_spot *s)
{
    return (uint64_t)dup_spot_start(s) + (s->where & 0xFFFF);
}
static inline unsigned dup_spot_weight(const struct dup_gram_plan *p, const struct dup_spot *s)
{
    return dup_spot_is_character(s) ? p->character : p->word;
}

/* Storage reused from record to record. Zeroed before the first use. Single owner. */
struct dup_spots {
    struct dup_spot *items;
    size_t n, cap;
    struct dup_tokens tokens;
    uint64_t *grams;
    size_t cap_grams;
};

struct dup_gram_plan dup_gram_plan_make(unsigned words, unsigned characters);
/* The tokens of a record's chosen strings. ASSAY_LIMIT: there are too many. */
enum assay_status dup_spots_read(struct dup_spots *s, const struct assay_host *host,
                                 const struct dup_mask *mask, const struct assay_batch *b,
                                 const struct assay_record *r);
/* How many tokens the n-gram from `i` has; 0: the field is too short for one. *ret: its hash. */
size_t dup_gram_at(const struct dup_gram_plan *p, const struct dup_spot *s, size_t n, size_t i,
                   uint64_t *ret);
/* Calls `each` for every kept n-gram. *ret_long: whether some field is a long span. */
enum assay_status dup_grams_keep(struct dup_spots *s, const struct dup_gram_plan *p,
                                 enum assay_status (*each)(void *ctx, uint64_t hash), void *ctx,
                                 int *ret_long);
void dup_spots_release(struct dup_spots *s);

#endif
