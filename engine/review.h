/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/review.h: the second look at records (assay/scanner.h, review_begin). Internal to engine/.
 *
 * What:  after the first reading, as long as a scanner wants to see records again, another pass over
 *        the files that are wanted: the same scheduler, sources and readers, with workers of its
 *        own. While it runs, run->review is not NULL, and that is all the other files ask: a worker
 *        then shows batches to `review` instead of matching and scanning them, and nothing that is
 *        found or skipped on the way is counted, since the first reading counted it.
 * Why:   the bytes shown must be those that were hashed. So every file is hashed again, and what
 *        differs is said and makes the audit INCOMPLETE.
 * Memory: a bit per file; the pass needs no more than the first, whose workers have let go of
 *        theirs.
 * Thread rule: `wanting`, `files` and the merged states are written between passes only.
 */
#ifndef ASSAY_ENGINE_REVIEW_H
#define ASSAY_ENGINE_REVIEW_H

#include "engine/worker.h"

struct assay_review;

/* All looks. `w` is the worker that holds the merged states; the first pass's scheduler and other
 * workers must be gone. Says what differed through w->collector. */
enum assay_status assay_review_run(struct assay_worker *w, struct assay_error *err);

/* For the workers of a pass. */
/* The files wanted, a bit for each; NULL when `r` is. */
const uint64_t *assay_review_files(const struct assay_review *r);
enum assay_status assay_review_locals(struct assay_worker *w, struct assay_error *err);
void assay_review_free_locals(struct assay_worker *w);
/* Shows a batch to those who want its file. Only ASSAY_NOMEM is a failure. */
enum assay_status assay_review_batch(struct assay_worker *w, const struct assay_batch *batch);
/* The file was read: compares it with the first reading, and closes it. */
enum assay_status assay_review_file(struct assay_worker *w, struct assay_source *s,
                                    struct assay_error *err);

#endif
