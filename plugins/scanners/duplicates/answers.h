/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/answers.h: private: what instruction data asks, answers and prefers, handed over.
 *
 * Records are compared here, since their normal forms are; whether several answers to one prompt, or
 * two sides that are the same, are wrong is judged elsewhere (the scanner `labels`). Handed over are
 * the topics
 *     preferences  in the first look, each record with two sides: sums[0] is 1 when they are the same
 *     answers      at the end, each prompt that two or more records ask: members are the first
 *                  records of its answers, at most DUP_MEMBERS, the first by place; the answer that
 *                  most records give is always among them (the place breaks ties). weights: records
 *                  that give it. sums: records; pairs of records that agree
 *     answered     at the end, once, if there are any: all records with a prompt and an answer, of
 *                  which the first is named
 * What somebody accepted (accepted.h) is not handed over as an answer, nor as the same; its records
 * count in `answered`. Somebody must take all of them, which dup_answers_init asks for.
 */
#ifndef ASSAY_DUPLICATES_ANSWERS_H
#define ASSAY_DUPLICATES_ANSWERS_H

#include "accepted.h"
#include "table.h"

/* The topics, for the descriptor. */
extern const char *const dup_answers_topics[];

/* ASSAY_CONFIG when there is a topic that nobody takes. */
enum assay_status dup_answers_init(const struct assay_host *host, struct assay_error *err);

/* A record with two sides; for the time of a call. */
struct dup_preference {
    uint32_t file;
    uint64_t ordinal;
    uint32_t record, field; /* in the batch; the first field of the rejected side */
    int same;
    const char *said; /* what names it, for a finding */
};
enum assay_status dup_answers_prefer(const struct dup_preference *p, struct assay_sink *sink);

/* Goes through a table of entries whose key is the prompt and whose variant is the answer. What was
 * accepted is added to *set_aside. */
enum assay_status dup_answers_hand(struct dup_table *t, const struct assay_host *host,
                                   const struct dup_accepted *a,
                                   struct dup_accepted_tally *set_aside, struct assay_sink *sink);

#endif
