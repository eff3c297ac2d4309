/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/matcher/sample_rules.h: rules in the shape of real packs, for tests and benchmarks of
 * the matcher. Independent of the packs on purpose: it also holds shapes that no pack should use.
 */
#ifndef ASSAY_TESTS_SAMPLE_RULES_H
#define ASSAY_TESTS_SAMPLE_RULES_H

#include "rules/ruleset.h"

/* Patterns such as packs hold: personal data and secrets. */
uint32_t sample_pack_rules(const struct assay_rule **ret);
/* The same, and then patterns that try the derivation's corners. */
uint32_t sample_all_rules(const struct assay_rule **ret);
/* A word rule of about 200 English and Chinese terms stands among both; this is it alone. */
uint32_t sample_word_rules(const struct assay_rule **ret);
/* Only the patterns of sample_pack_rules. */
uint32_t sample_pattern_rules(const struct assay_rule **ret);

#endif
