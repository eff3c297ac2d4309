/* SPDX-License-Identifier: Apache-2.0
 *
 * duplicates/index_out.h: a run (index.h) being written: sections one behind the other, in blocks
 * with their checksums, the head last.
 *
 * It is written beside its path and renamed, once it is on the disk; until then there is no run.
 * Single owner.
 */
#ifndef ASSAY_DUPLICATES_INDEX_OUT_H
#define ASSAY_DUPLICATES_INDEX_OUT_H

#include "index.h"

struct dup_index_out {
    const struct assay_host *host;
    struct dup_index_head head; /* the writer of sections counts deliveries and files */
    const char *path;
    char part[4096]; /* where it is written */
    int fd;
    char *buf; /* of whole blocks, that are written together */
    size_t n;
    uint64_t at; /* where it goes */
    uint64_t *checks;
    size_t n_checks, cap_checks;
};

/* `path` is borrowed. End or abandon in any case. */
enum assay_status dup_index_out_begin(struct dup_index_out *o, const char *path,
                                      const struct dup_params *params,
                                      const struct assay_host *host, struct assay_error *err);
/* Sections come in the order of their numbers; what is put between the two calls is one. */
void dup_index_out_section(struct dup_index_out *o, enum dup_index_section s);
void dup_index_out_section_end(struct dup_index_out *o, enum dup_index_section s);
enum assay_status dup_index_out_put(struct dup_index_out *o, const void *data, size_t len);
/* Zeroes up to a whole word, behind names. */
enum assay_status dup_index_out_pad(struct dup_index_out *o);
/* `st`: how writing went so far. Puts the run in place, or takes away what there is of it, with a
 * sentence in `err`. */
enum assay_status dup_index_out_end(struct dup_index_out *o, enum assay_status st,
                                    struct assay_error *err);

#endif
