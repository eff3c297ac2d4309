/* SPDX-License-Identifier: Apache-2.0
 *
 * rules/yara_condition.h: which strings a YARA rule cannot match without.
 *
 * The first stage may pass over a file only when no rule can match it. A rule whose condition is
 * "$a or filesize > 10" matches files that hold none of its strings, so the condition must be read,
 * not only the strings. This answers, conservatively: "if the rule matches, then at least one of
 * these strings occurs"; or that nothing of the sort can be shown. Pure; any thread.
 */
#ifndef ASSAY_RULES_YARA_CONDITION_H
#define ASSAY_RULES_YARA_CONDITION_H

#include "assay/base.h"

struct assay_yara_string {
    const char *identifier; /* "$a"; "$" when anonymous */
    uint32_t anchor_len;    /* bytes of its literal; 0: not usable as an anchor */
};

/* Reads the condition of rule `name` in the YARA text `source` (which libyara has accepted).
 * Returns 1 and sets needed[i] for a set of usable strings of which one must occur; 0 when there is
 * no such set. */
int assay_yara_condition_needs(const char *source, const char *name,
                               const struct assay_yara_string *strings, size_t n, uint8_t *needed);

#endif
