/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/dedup_list.h: the list of `assay dedup --emit`: one JSON object a line, in order of place.
 *
 * The rows are sorted by place, so both lists are one walk over them; what is kept for
 * a place is looked up by halving. Every row leads to an earlier place, so following rows ends.
 */
#ifndef ASSAY_CLI_DEDUP_LIST_H
#define ASSAY_CLI_DEDUP_LIST_H

#include "reports/report.h"

struct cli_dedup_list {
    const struct assay_inventory *inventory;
    const struct assay_redundant *rows; /* sorted by place */
    size_t n_rows;
    const uint32_t *rules; /* rows of other rules do not count */
    const char *const *names;
    size_t n_rules;
};

/* What can go, and what says the same. *ret_n lines. */
enum assay_status cli_dedup_drop(const struct cli_dedup_list *l, struct assay_out *out,
                                 uint64_t *ret_n, struct assay_error *err);
/* What is left: every record that is not dropped; whole files where they have none, or are pictures.
 */
enum assay_status cli_dedup_keep(const struct cli_dedup_list *l, struct assay_out *out,
                                 uint64_t *ret_n, struct assay_error *err);

#endif
