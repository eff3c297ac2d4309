/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/candidates.h: from band keys to the pairs of texts that are worth comparing, and to
 * the records that have to be read again for it.
 *
 * A text is known by an id, the first 64 bits of its key in the table of records: records of one
 * id are reported by the tiers that compare keys, so here they are one text, and the smallest of
 * their places stands for all. (Two texts of one id, 1 in 10^5 at 10^7 records, would be taken for
 * one; nothing is reported that was not compared.)
 *
 * Entries of one band key form a bucket. In a bucket of up to DUP_BUCKET_ALL texts all pairs are
 * candidates; a larger one is hot (boilerplate, templates): every text is paired with the
 * DUP_BUCKET_FEW smallest ids only, which bounds the work by the number of entries, and the
 * largest hot buckets are kept to be reported. Ids are hashes of content: which pairs there are
 * does not depend on order, place or division of the work.
 *
 * Once all are known, texts are numbered by their places: rank 0 is the first in the dataset. Pairs
 * of ids become pairs of ranks by two rounds of sorting and joining with the table of who has which
 * rank, so nothing here is ever looked up at random, and all of it is tables and rows (rows.h) that
 * go to disk beyond `max`.
 */
#ifndef ASSAY_DUPLICATES_CANDIDATES_H
#define ASSAY_DUPLICATES_CANDIDATES_H

#include "rows.h"
#include "table.h"

#define DUP_BUCKET_ALL 64
#define DUP_BUCKET_FEW 4
#define DUP_HOT_KEPT   10 /* hot buckets reported */
#define DUP_HOT_SAMPLE 5  /* members of each that are named */

struct dup_hot {
    uint64_t members; /* texts in the bucket */
    uint64_t ids[DUP_HOT_SAMPLE];
    uint64_t places[DUP_HOT_SAMPLE]; /* UINT64_MAX: unknown */
};

struct dup_candidates {
    struct dup_table pairs; /* of ranks, the text of the smaller id first; each pair once */
    uint64_t lost;          /* pairs of which a text has no record */
    struct dup_table named; /* pairs of an id that takes part and its rank */
    struct dup_rows places; /* by rank, ascending */
    struct dup_hot hot[DUP_HOT_KEPT]; /* the largest first */
    unsigned n_hot;
    uint64_t hot_buckets; /* all of them */
};

/* Goes through `bands` (pairs of band key and id), which is emptied, and `records` (struct
 * dup_entry). `max` is how many pairs each table may hold in memory. `c` is zeroed. */
enum assay_status dup_candidates_find(struct dup_candidates *c, struct dup_table *bands,
                                      struct dup_table *records, const struct assay_host *host,
                                      size_t max);
void dup_candidates_release(struct dup_candidates *c);

#endif
