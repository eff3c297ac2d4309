/* SPDX-License-Identifier: Apache-2.0
 *
 * readers/common/report.h: what a reader says about broken input: a finding at a record's place,
 * never its text.
 */
#ifndef ASSAY_READERS_COMMON_REPORT_H
#define ASSAY_READERS_COMMON_REPORT_H

#include "assay/plugin.h"

#define READER_RULES_MAX 8

/* The indexes of a reader's declared rules, in the order of its table. */
struct reader_rules {
    uint32_t index[READER_RULES_MAX];
};

static inline void reader_rules_find(struct reader_rules *r, const struct assay_host *host,
                                     const struct assay_rule_decl *decls)
{
    for (size_t i = 0; i < READER_RULES_MAX; i++) {
        r->index[i] = ASSAY_NONE;
    }
    for (size_t i = 0; i < READER_RULES_MAX && decls[i].id != NULL; i++) {
        r->index[i] = host->rule_index(host->ctx, decls[i].id);
    }
}

/* Where in which file. */
struct reader_place {
    uint32_t file;
    uint64_t ordinal; /* ASSAY_NO_RECORD: about no record */
    uint64_t offset;
};

static inline enum assay_status reader_report(const struct reader_rules *r, unsigned rule,
                                              struct reader_place at, struct assay_sink *sink)
{
    if (r->index[rule] == ASSAY_NONE) {
        return ASSAY_OK;
    }
    struct assay_finding f = assay_finding_init(r->index[rule]);
    f.file = at.file;
    f.ordinal = at.ordinal;
    f.offset = at.offset;
    return sink->finding(sink->ctx, &f);
}

#endif
