/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/lookup.h: a record looked up in several runs (index.h) as if they were one.
 *
 * Which run a delivery is in must not matter, since runs are merged whenever there are too many. So
 * everything that is bounded or chosen is so over all runs together: of the texts that share a band
 * key the DUP_LOOKUP_BUCKET smallest ids are compared, wherever they are; of partners equally close
 * the first is named, by name of the delivery, file and record. A text that several runs hold is
 * compared once.
 *
 * Immutable once opened; any thread may search.
 */
#ifndef ASSAY_DUPLICATES_LOOKUP_H
#define ASSAY_DUPLICATES_LOOKUP_H

#include "index.h"

#define DUP_LOOKUP_RUNS   64  /* searched at once */
#define DUP_LOOKUP_BUCKET 64u /* texts of one band key that are compared */

struct dup_lookup {
    struct dup_index *runs[DUP_LOOKUP_RUNS];
    unsigned n;
    uint64_t *bases[DUP_LOOKUP_RUNS]; /* by delivery of a run: how many files all before it have */
    size_t deliveries;                /* of all runs */
};

enum dup_likeness { DUP_UNLIKE, DUP_NEAR, DUP_SAME_FORM, DUP_SAME_BYTES };

/* The closest record of all deliveries. */
struct dup_partner {
    enum dup_likeness likeness;
    unsigned run; /* that holds it */
    uint64_t place;
    uint64_t id;         /* of its text */
    unsigned similarity; /* thousandths, rounded down */
    int capped;          /* a band key has more texts than were compared */
};

/* Opens a run more. Zeroed before the first; release in any case. */
enum assay_status dup_lookup_add(struct dup_lookup *l, const char *path,
                                 const struct dup_params *params, const struct assay_host *host,
                                 struct assay_error *err);
/* After the last. ASSAY_CONFIG: two runs hold one delivery. */
enum assay_status dup_lookup_ready(struct dup_lookup *l, struct assay_error *err);
void dup_lookup_release(struct dup_lookup *l);
/* For going through all deliveries in the order of names: the run whose next one (counted in
 * `next`, by run) comes first; l->n when there are no more. */
unsigned dup_lookup_next(const struct dup_lookup *l, const size_t next[DUP_LOOKUP_RUNS]);

/* A record with the same normal form, or even the same bytes; the first of several. ASSAY_CORRUPT: of
 * what would have to be looked at, something is damaged; dup_lookup_damage has the sentence. */
enum assay_status dup_lookup_same(const struct dup_lookup *l, const struct dup_entry *e,
                                  struct dup_partner *ret);
/* The text with the largest Jaccard index of at least `threshold` thousandths among those that
 * share a band key. `shingles` are made a set in place (dup_shingle_set) once there is something to
 * compare them with, which for a new text there seldom is. ASSAY_CORRUPT as above. */
enum assay_status dup_lookup_near(const struct dup_lookup *l, const uint64_t *band_keys,
                                  unsigned n_bands, uint64_t *shingles, size_t n,
                                  unsigned threshold, struct dup_partner *ret);
/* The damage that was met so far, of the first run that has any. */
enum assay_status dup_lookup_damage(const struct dup_lookup *l, struct assay_error *err);

#endif
