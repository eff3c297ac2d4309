/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/veil.h: names that may themselves be sensitive.
 *
 * An object key can be an e-mail address, and a JSON Pointer is made of keys: a segment that holds
 * a match of any text rule is masked before the pointer is written anywhere. Decided once per path
 * and remembered (a bounded cache), because paths repeat in every record. File names are only
 * looked at, not masked. Owned by one worker. It has a scratch of its own: the worker's matches
 * stay valid meanwhile.
 */
#ifndef ASSAY_ENGINE_VEIL_H
#define ASSAY_ENGINE_VEIL_H

#include "rules/matcher.h"

struct assay_veil;

/* `m` may be NULL: nothing is ever masked. */
enum assay_status assay_veil_new(const struct assay_matcher *m, const struct assay_ruleset *rules,
                                 struct assay_veil **ret, struct assay_error *err);
void assay_veil_free(struct assay_veil *v); /* accepts NULL */
/* `path` fit to be written; borrowed until the next call. ASSAY_NOMEM, and the matcher's failures.
 */
enum assay_status assay_veil_path(struct assay_veil *v, struct assay_bytes path,
                                  struct assay_bytes *ret);
/* The first match of an entity rule in a name, assessed like any other; *ret_rule ASSAY_NONE: none.
 */
enum assay_status assay_veil_name(struct assay_veil *v, const char *name, uint32_t *ret_rule,
                                  struct assay_bytes *ret_value);

#endif
