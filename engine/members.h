/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/members.h: the rows that scanners say through sink->member, as many as there are. Internal
 * to engine/.
 *
 * What:  rows are gathered in a buffer and written to an unlinked file; sealed, the file is mapped
 *        and sorted in place.
 * Why:   a group finding lists its first members only; whoever cleans a dataset needs all. A
 *        mapping of a file may be paged out, so what is kept here never has to fit in memory.
 * Owned by the audit; one thread.
 */
#ifndef ASSAY_ENGINE_MEMBERS_H
#define ASSAY_ENGINE_MEMBERS_H

#include "engine/audit.h"

struct assay_members;

/* Opens the unlinked file; ASSAY_NOMEM, or why it cannot be had. */
enum assay_status assay_members_new(struct assay_members **ret, struct assay_error *err);
void assay_members_free(struct assay_members *m); /* accepts NULL */
/* Adds a copy of `row`; a status when the file cannot take more. */
enum assay_status assay_members_add(struct assay_members *m, const struct assay_redundant *row);
/* Sorts; no more rows. */
enum assay_status assay_members_seal(struct assay_members *m, struct assay_error *err);
/* After sealing: all rows, borrowed. */
const struct assay_redundant *assay_members_rows(const struct assay_members *m, size_t *ret_n);

#endif
