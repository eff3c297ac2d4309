/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/matcher/adversary.h: batches of text made to break a matcher: pieces drawn from the
 * rules' own patterns (cut, joined, repeated and mutated), Han neighbours, digits and separators of
 * every kind, fields that begin or end in the middle of it all. Seeded; the same everywhere.
 */
#ifndef ASSAY_TESTS_ADVERSARY_H
#define ASSAY_TESTS_ADVERSARY_H

#include "rules/matcher/internal.h"

struct adversary;

/* Rules: those of `m`, which must outlive it. NULL: out of memory. */
struct adversary *adversary_new(const struct assay_matcher *m, uint64_t seed);
void adversary_free(struct adversary *a);
/* A new batch of about `bytes` of text; borrowed until the next one. */
const struct assay_batch *adversary_batch(struct adversary *a, size_t bytes);

#endif
