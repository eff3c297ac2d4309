/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_write.h: making an index (index.h): the sets of shingles as they come, then the
 * file.
 *
 * A keep collects the set of every text of one worker: in a spill file, with a table that says
 * where. Keeps are joined like everything else that is folded; of equal texts one set is written,
 * and equal texts have equal sets, so the file depends on the delivery alone. Single owner.
 */
#ifndef ASSAY_DUPLICATES_INDEX_WRITE_H
#define ASSAY_DUPLICATES_INDEX_WRITE_H

#include "index.h"

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

struct dup_index_parts {
    const char *path; /* written beside it, then renamed */
    const char *name; /* of the delivery */
    struct dup_params params;
    uint64_t records;
    struct dup_table *entries; /* of the records */
    struct dup_table *bands;
    struct dup_keep *keep;
};

/* Writes the index; a file of this name is replaced. `err` says what failed. */
enum assay_status dup_index_write(const struct dup_index_parts *parts,
                                  const struct assay_host *host, struct assay_error *err);

#endif
