/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/match.h: what two texts share, exactly: the longest run of equal tokens, and how much
 * of one is covered by long ones.
 *
 * Every n-gram of the item that is in the other text begins a run, which is followed token by token
 * to both ends; runs stay within a field of each. Tokens of common n-grams (a licence, a template)
 * end a run: they count for nothing. An n-gram that the other text repeats is tried at its first
 * DUP_MATCH_TRIES places, and a pair ends after DUP_MATCH_STEPS tokens: then what is said is a lower
 * bound. Single owner.
 */
#ifndef ASSAY_DUPLICATES_MATCH_H
#define ASSAY_DUPLICATES_MATCH_H

#include "grams.h"

#define DUP_MATCH_TRIES 64
#define DUP_MATCH_STEPS (UINT64_C(1) << 22)

/* Where a run stands in one of the texts: bytes of a field. */
struct dup_run_place {
    uint32_t field;
    uint64_t start, end;
};

struct dup_match {
    uint64_t weight;                  /* of the longest run; 0: there is none */
    uint32_t words, characters;       /* in it */
    struct dup_run_place item, other; /* where it is */
    uint64_t covered, total;          /* weight of the item in long runs, and all of it */
    int bounded;                      /* a lower bound only */
};

/* Scratch. Zeroed before the first use. */
struct dup_matcher {
    uint64_t *index; /* pairs: n-gram of the other text, token */
    uint8_t *common; /* by token of the item */
    uint8_t *covered;
    size_t cap_index, cap_item;
};

/* `common`: hashes in ascending order. */
enum assay_status dup_match(struct dup_matcher *m, const struct dup_gram_plan *p,
                            const struct dup_spot *item, size_t n_item,
                            const struct dup_spot *other, size_t n_other, const uint64_t *common,
                            size_t n_common, struct dup_match *ret);
void dup_matcher_release(struct dup_matcher *m);

#endif
