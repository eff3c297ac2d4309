/* SPDX-License-Identifier: Apache-2.0
 *
 * core/option.h: text to typed values, against the option tables of assay/base.h; and the nearest
 * name.
 */
#ifndef ASSAY_CORE_OPTION_H
#define ASSAY_CORE_OPTION_H

#include "assay/base.h"

/* Whole-string parses; ASSAY_USAGE with a sentence on failure. */
enum assay_status assay_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret,
                                  struct assay_error *err);
enum assay_status assay_parse_size(const char *s, uint64_t *ret, struct assay_error *err);
enum assay_status assay_parse_duration(const char *s, uint64_t *ret_ms, struct assay_error *err);
/* Checks `value` against `opt`; the error names the option, the value's fault and the allowed
 * values. */
enum assay_status assay_option_check(const struct assay_option *opt, const char *value,
                                     struct assay_error *err);
/* Index of `value` among `choices`, separated by '|'; -1: it is none of them. */
int assay_choice_index(const char *choices, const char *value);
/* The entry of `names` (NULL-terminated) closest to `s` by Damerau-Levenshtein distance, when close
 * enough to be a likely typo; NULL otherwise. */
const char *assay_suggest(const char *s, const char *const *names);

#endif
