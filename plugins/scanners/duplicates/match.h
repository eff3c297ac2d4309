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
 *
 * All long runs together have a digest, by which a pair can be accepted (accepted.h): the sum of those
 * of their tokens, each run as often as it stands there. So it does not depend on which text is the
 * item, on where runs stand, or on what else the texts say; and one run more, or one that is longer
 * by a token, makes another.
 * Where common text adjoins a run it may depend on the item after all: only there is it marked. Of a
 * lower bound there is none: what was not seen cannot be accepted.
 */
#ifndef ASSAY_DUPLICATES_MATCH_H
#define ASSAY_DUPLICATES_MATCH_H

#include "accepted.h"
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
    uint64_t passages[3];             /* of the long runs: their sum, and how many */
};

/* Scratch. Zeroed before the first use. */
struct dup_matcher {
    const struct dup_accepted *accepted; /* NULL: `passages` is of no interest */
    uint64_t *index;                     /* pairs: n-gram of the other text, token */
    uint8_t *common;                     /* by token of the item */
    uint8_t *covered;
    size_t cap_index, cap_item;
};

/* Who knows whether an n-gram is a common one. */
struct dup_common {
    int (*has)(void *ctx, uint64_t gram);
    void *ctx;
};

/* `common`: NULL: there are none. */
enum assay_status dup_match(struct dup_matcher *m, const struct dup_gram_plan *p,
                            const struct dup_spot *item, size_t n_item,
                            const struct dup_spot *other, size_t n_other,
                            const struct dup_common *common, struct dup_match *ret);
void dup_matcher_release(struct dup_matcher *m);

#endif
