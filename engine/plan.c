/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/plan.c: groups are bounded by bytes and by number of files, so that neither many tiny
 * files nor a few middling ones make a unit that others would wait for.
 */
#include "engine/plan.h"

#include "core/limits.h"

static int is_large(const struct assay_plan *p, uint32_t file)
{
    return assay_inventory_get(p->inventory, file)->bytes > p->large ||
           !assay_inventory_seekable(p->inventory, file);
}

static int is_wanted(const struct assay_plan *p, uint32_t file)
{
    return p->wanted == NULL || (p->wanted[file / 64] >> file % 64 & 1) != 0;
}

/* Whether `file` may follow in the group. */
static int joins(const struct assay_plan *p, uint32_t file)
{
    return file < assay_inventory_count(p->inventory) && is_wanted(p, file) && !is_large(p, file);
}

static void pass_over(struct assay_plan *p)
{
    size_t n = assay_inventory_count(p->inventory);
    while (p->next < n && !is_wanted(p, p->next)) {
        p->next++;
    }
}

void assay_plan_begin(struct assay_plan *p, const struct assay_inventory *inventory, uint64_t large,
                      const uint64_t *wanted)
{
    *p = (struct assay_plan){inventory, large, wanted, 0};
    pass_over(p);
}

int assay_plan_peek(const struct assay_plan *p, struct assay_unit *ret)
{
    if (p->next >= assay_inventory_count(p->inventory)) {
        return 0;
    }
    *ret = (struct assay_unit){p->next, 1, is_large(p, p->next)};
    uint64_t bytes = assay_inventory_get(p->inventory, p->next)->bytes;
    while (!ret->large && ret->count < ASSAY_GROUP_FILES && joins(p, p->next + ret->count)) {
        bytes += assay_inventory_get(p->inventory, p->next + ret->count)->bytes;
        if (bytes > ASSAY_GROUP_BYTES) {
            break;
        }
        ret->count++;
    }
    return 1;
}

int assay_plan_next(struct assay_plan *p, struct assay_unit *ret)
{
    int found = assay_plan_peek(p, ret);
    p->next += found ? ret->count : 0;
    pass_over(p);
    return found;
}
