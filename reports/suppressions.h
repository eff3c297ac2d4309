/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/suppressions.h: lists of groups of duplicates that somebody accepted, and signed for.
 *
 * What:  one JSON document {"accepted":[{"expires","group","owner","reason"}],"version":1} in a DSSE
 *        envelope of a type of its own; `group` is what a finding names ("near:" and 32 digits),
 *        `expires` (YYYY-MM-DD, UTC, the last day it holds) may be absent.
 * Why:   whoever accepts duplicates need not be who audits. The signature says who accepted, an
 *        audit's statement holds the digest of the list, and nothing that is wrong with a list is
 *        passed over: it is refused, whole.
 * Strict: unknown members, a group twice, empty reasons and owners, and dates that do not exist are
 *        errors. Owned by the caller; immutable.
 */
#ifndef ASSAY_REPORTS_SUPPRESSIONS_H
#define ASSAY_REPORTS_SUPPRESSIONS_H

#include "reports/keys.h"

#define ASSAY_SUPPRESSIONS_TYPE "application/vnd.assay.suppressions+json"

struct assay_acceptance {
    const char *group; /* "KIND:DIGITS" */
    const char *owner;
    const char *reason;
    const char *expires; /* NULL: never */
};

struct assay_suppressions;

/* Whether `group` is one of the kinds and 32 lower-case hexadecimal digits. */
int assay_group_is_named(const char *group);
/* The digits in a name of that form. */
const char *assay_group_digits(const char *group);
/* Whether the day is over that ends it. `now_ms`: wall clock. */
int assay_acceptance_expired(const struct assay_acceptance *a, uint64_t now_ms);

/* Reads a payload, which is trusted no further than that its form is right. */
enum assay_status assay_suppressions_parse(struct assay_bytes payload,
                                           struct assay_suppressions **ret,
                                           struct assay_error *err);
/* Reads an envelope from a file. One of the keys must have signed it. */
enum assay_status assay_suppressions_load(const char *path, struct assay_key *const *keys,
                                          size_t n_keys, struct assay_suppressions **ret,
                                          struct assay_error *err);
void assay_suppressions_free(struct assay_suppressions *s); /* accepts NULL */
size_t assay_suppressions_count(const struct assay_suppressions *s);
struct assay_acceptance assay_suppressions_get(const struct assay_suppressions *s, size_t i);
/* "sha256:" and the digest of the payload. */
const char *assay_suppressions_digest(const struct assay_suppressions *s);
/* ASSAY_CONFIG, naming the first entry that has expired. */
enum assay_status assay_suppressions_check(const struct assay_suppressions *s, uint64_t now_ms,
                                           struct assay_error *err);

/* Makes a payload, which assay_suppressions_parse reads. */
enum assay_status assay_suppressions_write(const struct assay_acceptance *rows, size_t n,
                                           struct assay_buf *out, struct assay_error *err);

#endif
