/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/words.h: lists of terms: reading them, and finding them near a match.
 *
 * Matching of context words and allow phrases works on folded code points: ASCII and Unicode
 * letters in lower case, compatibility forms that stand for one code point (full-width letters and
 * digits, circled digits) replaced by it, every white-space code point a space. One code point
 * stays one code point, so offsets keep their meaning. A term's first or last letter or digit of an
 * alphabetic script must stand at a word boundary; CJK ends need none.
 */
#ifndef ASSAY_RULES_WORDS_H
#define ASSAY_RULES_WORDS_H

#include "rules/load.h"

/* Terms as parsed. */
struct assay_words {
    const struct assay_word *items;
    size_t n;
};

/* Reads terms from: a list of terms and $names, one $name of the pack's `lists`, or {file:
 * terms.txt}. At most `max` terms; exact repetitions are dropped. Diagnostics go to l->diags. */
void assay_words_parse(struct assay_load *l, const struct assay_yaml_node *n, const char *what,
                       size_t max, struct assay_words *ret);

extern const char *const assay_words_keys[];

struct assay_phrase {
    const uint32_t *cps;
    uint16_t n;
    uint8_t bound_head, bound_tail; /* needs a word boundary there */
};

struct assay_phrases {
    uint64_t filter; /* bit (first code point mod 64) of every phrase */
    uint16_t longest;
    size_t n;
    const struct assay_phrase *items; /* sorted by first code point */
};

/* Compiles terms; NULL with *ret_ok 1 when there are none, with 0 when the arena is full. */
const struct assay_phrases *assay_phrases_new(struct assay_arena *a, const struct assay_word *words,
                                              size_t n, int *ret_ok);

/* A code point as phrases are compared: lower case, every white space a blank, one for one. */
uint32_t assay_fold_cp(uint32_t cp);

/* A run of folded code points; a neighbour outside the run counts as a boundary. */
struct assay_folded {
    const uint32_t *cps;
    size_t n;
};

/* Whether some phrase stands at run.cps[at] and ends at or before `limit` and at or after `least`.
 */
int assay_phrases_at(const struct assay_phrases *set, struct assay_folded run, size_t at,
                     size_t least, size_t limit);

#endif
