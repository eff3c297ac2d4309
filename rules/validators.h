/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/validators.h: check digits and other proofs that a match is what it looks like: one table.
 *
 * A validator sees the matched text as it stands (with separators) and answers yes, no or no
 * opinion. Each row names its source. Pure functions; any thread.
 */
#ifndef ASSAY_RULES_VALIDATORS_H
#define ASSAY_RULES_VALIDATORS_H

#include "assay/base.h"

enum assay_validity { ASSAY_INVALID, ASSAY_UNKNOWN, ASSAY_VALID };

struct assay_validator {
    const char *name;   /* "luhn" */
    const char *source; /* "ISO/IEC 7812-1 Annex B" */
    enum assay_validity (*check)(struct assay_bytes text);
};

extern const struct assay_validator assay_validators[]; /* ends with name NULL */
/* How many there are. */
size_t assay_validators_count(void);
/* Index of `name`; -1 when there is none. */
int assay_validators_find(const char *name);

#endif
