/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/declared.h: private: what the scanner declares to the host: its rules, its options.
 *
 * Data only. A rule or option is a row here and nowhere else: the host lists, validates, documents
 * and completes them from these tables. Rows of rooms that look their rule up by name themselves
 * (leakage.h, spans.h) stand here, too; the others are numbered below.
 */
#ifndef ASSAY_DUPLICATES_DECLARED_H
#define ASSAY_DUPLICATES_DECLARED_H

#include "assay/plugin.h"

/* The first rows of dup_rules, in this order. */
enum {
    DUP_RULE_FILE,
    DUP_RULE_RECORD,
    DUP_RULE_NORMALISED,
    DUP_RULE_NEAR,
    DUP_RULE_HOT,
    DUP_RULE_DELIVERED,
    DUP_RULES
};

extern const struct assay_rule_decl dup_rules[];
extern const struct assay_option dup_options[];

#endif
