/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/identical.h: files with the same bytes, without an audit.
 *
 * What:  the files of an inventory that are the same as an earlier one. Size first, which tells most
 *        apart without opening them; then a hash of the first 4 KiB (XXH3-128, or SHA-256 where that
 *        is the whole file); what still agrees is read whole and compared by SHA-256.
 * Why:   an audit reads every byte, because it must sign what it saw. Whoever only looks for copies
 *        need not: of most files nothing has to be read. SHA-256 and not a faster hash decides,
 *        because files are dropped on its word, and the bytes may be chosen by somebody else.
 * Empty files are not copies of each other. A file that cannot be opened, or whose size is not what
 * the inventory saw, is counted and takes no part.
 * Thread rule: assay_identical_find uses threads of its own; the result does not depend on them.
 */
#ifndef ASSAY_ENGINE_IDENTICAL_H
#define ASSAY_ENGINE_IDENTICAL_H

#include <stdatomic.h>

#include "engine/audit.h"

struct assay_identical {
    struct assay_redundant *rows; /* rule 0; sorted by file; keep_file is the first of its group */
    size_t n;
    uint64_t groups;
    uint64_t unread;    /* files that could not be compared */
    uint64_t read_some; /* files of which anything was read */
    int cancelled;
};

/* `jobs` threads, 0: one per CPU; `cancel` may be NULL. Standard input is ASSAY_USAGE. */
enum assay_status assay_identical_find(const struct assay_inventory *inv, unsigned jobs,
                                       const atomic_int *cancel, struct assay_identical *ret,
                                       struct assay_error *err);
void assay_identical_release(struct assay_identical *r);

#endif
