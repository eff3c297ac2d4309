/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_write.h: a run (index.h) of one delivery, from the tables of the scanner.
 */
#ifndef ASSAY_DUPLICATES_INDEX_WRITE_H
#define ASSAY_DUPLICATES_INDEX_WRITE_H

#include "index.h"
#include "keep.h"

struct dup_index_parts {
    const char *path;
    const char *name; /* of the delivery */
    struct dup_params params;
    uint64_t records;
    struct dup_table *entries; /* of the records */
    struct dup_table *bands;
    struct dup_keep *keep;
};

/* Writes the run; a file of this name is replaced. `err` says what failed. */
enum assay_status dup_index_write(const struct dup_index_parts *parts,
                                  const struct assay_host *host, struct assay_error *err);

#endif
