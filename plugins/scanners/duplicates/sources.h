/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/sources.h: where a record comes from, for redundancy by source.
 *
 * By default the first directory of its file's path. With the options `source_field` and
 * `source_values` the value of a field, if it is one of those listed: only names that stand in the
 * options can become names of metrics. Label 0 is "other".
 *
 * A directory's name becomes a label in lower case, with '-' for what is not a letter or digit of
 * ASCII; where that leaves nothing, "x" and a hash of the name. Names that become the same label
 * are one source.
 */
#ifndef ASSAY_DUPLICATES_SOURCES_H
#define ASSAY_DUPLICATES_SOURCES_H

#include "labels.h"

/* ASSAY_CONFIG with a sentence. */
enum assay_status dup_sources_init(struct dup_labels *l, const struct assay_host *host,
                                   struct assay_error *err);
/* What a record's own value says, as a mark: 0 when it has none. */
uint8_t dup_source_mark(const struct dup_labels *l, const struct assay_batch *b,
                        const struct assay_record *r);

#endif
