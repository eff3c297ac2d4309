/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/keep.h: the sets of shingles of a delivery that an index is made of, as they come.
 *
 * A keep collects the set of every text of one worker: in a spill file, with a table that says
 * where. Keeps are joined like everything else that is folded; of equal texts one set is written,
 * and equal texts have equal sets, so the index depends on the delivery alone. Single owner.
 */
#ifndef ASSAY_DUPLICATES_KEEP_H
#define ASSAY_DUPLICATES_KEEP_H

#include "table.h"

struct dup_keep_file {
    uint32_t number; /* of the keep that wrote it; places in it bear this number */
    int fd;
};

struct dup_keep {
    struct dup_table where; /* pairs: id, number << 44 | first word */
    struct dup_keep_file *files;
    size_t n_files;
    uint64_t *buf; /* not yet written to the last file */
    size_t n, cap;
    uint64_t written; /* words */
    int own;          /* the last of the files is this keep's */
    uint32_t number;
};

/* `number`: different for every worker, below 2^20. */
void dup_keep_init(struct dup_keep *k, uint32_t number);
void dup_keep_release(struct dup_keep *k);
/* Adds the set of text `id`; `max` as in dup_table_add. */
enum assay_status dup_keep_add(struct dup_keep *k, const struct assay_host *host, size_t max,
                               uint64_t id, const uint64_t *set, size_t n);
/* Moves everything from `from`, which is left empty. */
enum assay_status dup_keep_join(struct dup_keep *into, struct dup_keep *from);

/* What is in memory goes to the file: before the first of these. */
enum assay_status dup_keep_flush(struct dup_keep *k);
/* How long the set is that an entry of `where` gives the place of; and the set. */
enum assay_status dup_keep_count(const struct dup_keep *k, uint64_t place, uint64_t *ret);
enum assay_status dup_keep_read(const struct dup_keep *k, uint64_t place, uint64_t count,
                                uint64_t *ret);

#endif
