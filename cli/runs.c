/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/runs.h"

#include "cli/progress.h"
#include "cli/term.h"
#include "core/utf8.h"
#include "rules/policy.h"

unsigned cli_run_percent(const struct assay_run_view *r)
{
    if (r->bytes_total == 0) {
        return 0;
    }
    return r->bytes_done >= r->bytes_total
               ? 100
               : (unsigned)((double)r->bytes_done * 100 / (double)r->bytes_total);
}

/* How far its worker is: the pace where there is one, and the phase where it is not the usual. */
void cli_run_progress(struct assay_buf *out, const struct assay_run_view *r)
{
    char eta[CLI_ETA_MAX];
    if (r->bytes_total > 0) {
        assay_buf_addf(out, "%3u%%  ", cli_run_percent(r));
    }
    if (r->rate != UINT64_MAX) {
        cli_format_eta(r->eta_ms, eta);
        assay_buf_addf(out, "%llu.%llu MB/s  ETA %s  ", (unsigned long long)(r->rate / 1000000),
                       (unsigned long long)(r->rate / 100000 % 10), eta);
    }
    if (strcmp(r->phase, "reading") != 0) {
        assay_buf_adds(out, r->phase);
        assay_buf_adds(out, "  ");
    }
}

void cli_run_line(struct assay_buf *out, const struct assay_run_view *r)
{
    assay_buf_addf(out, "%6llu  %-8s %-10s  ", (unsigned long long)r->id, r->state,
                   r->verdict != NULL ? r->verdict : "-");
    if (r->phase != NULL) {
        cli_run_progress(out, r);
    }
    assay_utf8_escape(out, assay_bytes_str(r->dataset));
    if (r->reason != NULL) {
        assay_buf_adds(out, "  (");
        assay_utf8_escape(out, assay_bytes_str(r->reason));
        assay_buf_adds(out, ")");
    }
}

int cli_run_exit(const struct assay_run_view *r)
{
    for (int v = ASSAY_PASS; r->verdict != NULL && v <= ASSAY_INCOMPLETE; v++) {
        if (strcmp(r->verdict, assay_verdict_name((enum assay_verdict)v)) == 0) {
            return assay_verdict_exit((enum assay_verdict)v);
        }
    }
    return 3;
}
