/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plan.h: the inventory as units of work: runs of small files, and single large ones.
 *
 * Units are made as they are asked for, so the plan takes no memory. They depend on sizes and names
 * alone.
 */
#ifndef ASSAY_ENGINE_PLAN_H
#define ASSAY_ENGINE_PLAN_H

#include "engine/inventory.h"

struct assay_unit {
    uint32_t first, count;
    int large; /* count is 1; its blocks are shared */
};

struct assay_plan {
    const struct assay_inventory *inventory;
    uint64_t large;         /* files of more bytes are shared */
    const uint64_t *wanted; /* bit per file: the others are passed over; NULL: all */
    uint32_t next;
};

/* Starts from the first file; `inventory` and `wanted` are borrowed. */
void assay_plan_begin(struct assay_plan *p, const struct assay_inventory *inventory, uint64_t large,
                      const uint64_t *wanted);

/* 0 when there is nothing left. */
int assay_plan_next(struct assay_plan *p, struct assay_unit *ret);
/* Looks at the next unit without taking it. */
int assay_plan_peek(const struct assay_plan *p, struct assay_unit *ret);

#endif
