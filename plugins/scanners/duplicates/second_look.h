/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/second_look.h: private: reading again the records that may share something.
 *
 * `begin` makes candidates of the merged state, for near-duplicates and for long passages; only
 * files that hold one are wanted. Each worker has a state of its own for the look, made by `local`
 * and freed by `free`: sets of shingles and texts, on shelves of a bounded size (sets.h), that `merge`
 * hands over. The merged state is only read meanwhile, by any number of threads.
 */
#ifndef ASSAY_DUPLICATES_SECOND_LOOK_H
#define ASSAY_DUPLICATES_SECOND_LOOK_H

#include "assay/plugin.h"

/* The verbs `review_*` of the scanner; `merged` is a struct dup_local. */
int dup_second_may(const void *shared);
enum assay_status dup_second_begin(const void *shared, void *merged, int *ret_wanted,
                                   struct assay_error *err);
int dup_second_wants(const void *shared, const void *merged, uint32_t file);
enum assay_status dup_second_local(const void *shared, const void *merged, void **ret,
                                   struct assay_error *err);
enum assay_status dup_second_scan(const void *shared, const void *merged, void *local,
                                  const struct assay_batch *b);
enum assay_status dup_second_merge(const void *shared, void *merged, void *local,
                                   struct assay_error *err);
void dup_second_free(void *local);

#endif
