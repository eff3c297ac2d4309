/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/turns.h: records of instruction data: what was asked, what was answered.
 *
 * Known by the paths of their fields:
 *     asked     /instruction, /input, /system, /prompt, /question, /query
 *     answered  /output, /response, /answer, /completion
 *     either    /messages/N/content and /conversations/N/value: the last turn is the answer when
 *               its /role or /from is assistant, gpt or model; all before it was asked
 *     sides     /chosen and /rejected, or anything beneath them
 * Texts are compared in normal form (normalise.h). What comes of it is handed to whoever
 * judges labels (answers.h).
 */
#ifndef ASSAY_DUPLICATES_TURNS_H
#define ASSAY_DUPLICATES_TURNS_H

#include "normalise.h"

/* Storage of one worker, reused from record to record; zeroed before the first use. */
struct dup_turns {
    struct dup_text left, right; /* asked and answered, or chosen and rejected */
    uint8_t *parts;              /* by path of the batch */
    uint32_t *indexes;           /* N of a path with a turn */
    size_t cap;
    int any; /* the batch holds such paths at all */
};

/* Before the records of a batch. */
enum assay_status dup_turns_batch(struct dup_turns *t, const struct assay_batch *b);
/* *ret is set when the record has both an asked and an answered part; their forms are in `left`
 * and `right`. */
enum assay_status dup_turns_answer(struct dup_turns *t, const struct assay_host *host,
                                   const struct assay_batch *b, const struct assay_record *r,
                                   int *ret);
/* *ret_field: the first field of the rejected side when both sides are there, else ASSAY_NONE;
 * *ret_same: whether they say the same. */
enum assay_status dup_turns_sides(struct dup_turns *t, const struct assay_host *host,
                                  const struct assay_batch *b, const struct assay_record *r,
                                  uint32_t *ret_field, int *ret_same);
void dup_turns_release(struct dup_turns *t);

#endif
