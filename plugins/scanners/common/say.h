/* SPDX-License-Identifier: Apache-2.0
 *
 * scanners/common/say.h: what scanners say at the end: rows of metrics, and members of groups to
 * whoever wants to know.
 */
#ifndef ASSAY_SCANNERS_COMMON_SAY_H
#define ASSAY_SCANNERS_COMMON_SAY_H

#include <stddef.h>

#include "assay/plugin.h"

/* A row of a table of metrics. Where there is nothing to divide by, `den` 0 counts as 1. */
struct say_metric {
    const char *name;
    uint64_t num, den;
};

/* In order, until one is refused. */
static inline enum assay_status say_metric_rows(struct assay_sink *sink,
                                                const struct say_metric *rows, size_t n)
{
    enum assay_status st = ASSAY_OK;
    for (size_t i = 0; i < n && st == ASSAY_OK; i++) {
        st = sink->metric(sink->ctx, rows[i].name, rows[i].num, rows[i].den == 0 ? 1 : rows[i].den);
    }
    return st;
}

/* Whether the host hears of members at all; older ones do not. */
static inline int say_hears_members(const struct assay_sink *sink)
{
    return sink->size >= offsetof(struct assay_sink, member) + sizeof sink->member &&
           sink->member != NULL;
}

/* Names a member, unless its rule is not in the rule set (ASSAY_NONE) or nobody hears. */
static inline enum assay_status say_redundant(struct assay_sink *sink,
                                              const struct assay_membership *m)
{
    return m->rule == ASSAY_NONE || !say_hears_members(sink) ? ASSAY_OK
                                                             : sink->member(sink->ctx, m);
}

#endif
