/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/earlier.h: what was delivered before: the runs (index.h) that a delivery is checked
 * against, and the one that is being made of it.
 *
 * Asked for by options: `index`, paths of runs separated by colons, and `index_write`. A record is
 * looked up in all runs together (lookup.h), and the closest partner is named: delivery, file,
 * record. A record and its partner are a group that can be accepted (accepted.h): their texts, in
 * whichever delivery the partner is; another, closer partner makes another group. Names of files come from the earlier delivery's inventory, as they stand in its manifest;
 * what is not printable ASCII in them is written as %XX. With both options nothing is looked up: the
 * runs are those that the new one will lie beside, and must have been made with the same parameters.
 * And without a dataset (dup_earlier_maintain) the runs in `index` are merged into `index_write`,
 * without the deliveries named in `index_drop`; or, with `index_verify`, each is read as a whole and
 * checked. Immutable once set up.
 */
#ifndef ASSAY_DUPLICATES_EARLIER_H
#define ASSAY_DUPLICATES_EARLIER_H

#include "accepted.h"
#include "lookup.h"

struct dup_earlier {
    struct dup_lookup lookup;
    const char *write; /* path of the index to make; NULL: none */
    const char *name;  /* of this delivery, in the index that is made */
};

/* A record's keys. Without `shingles` (n_bands 0) only its bytes and its normal form are looked up. They
 * may be made a set in place. */
struct dup_keys {
    const struct dup_entry *entry;
    const uint64_t *bands;
    unsigned n_bands;
    uint64_t *shingles;
    size_t n_shingles;
    unsigned threshold;
};

struct dup_earlier_counts {
    uint64_t by_likeness[DUP_SAME_BYTES + 1];
    uint64_t capped;    /* records of which not every candidate was compared */
    uint64_t set_aside; /* records that were accepted, and are none of the above */
};

/* Reads the options and opens the runs; release in any case. */
enum assay_status dup_earlier_init(struct dup_earlier *e, const struct assay_host *host,
                                   const struct dup_params *params, struct assay_error *err);
void dup_earlier_release(struct dup_earlier *e);
/* Merges runs or verifies them, as the options say; `names` of the parameters, for messages. */
enum assay_status dup_earlier_maintain(const struct assay_host *host, const char *const *names,
                                       struct assay_error *err);

static inline void dup_earlier_add(struct dup_earlier_counts *to,
                                   const struct dup_earlier_counts *from)
{
    for (int i = 0; i <= DUP_SAME_BYTES; i++) {
        to->by_likeness[i] += from->by_likeness[i];
    }
    to->capped += from->capped;
    to->set_aside += from->set_aside;
}

/* Looks a record up, raises a finding of `rule` when it was delivered before and that was not
 * accepted, counts it. `record`: index in the batch. */
enum assay_status dup_earlier_check(const struct dup_earlier *e, const struct dup_accepted *a,
                                    const struct dup_keys *keys, const struct assay_batch *b,
                                    uint32_t record, uint32_t rule,
                                    struct dup_earlier_counts *counts, struct assay_sink *sink);

#endif
