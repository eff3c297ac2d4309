/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/writers/common.h"

enum assay_status assay_write_html(const struct assay_audit *a, struct assay_out *out,
                                   struct assay_error *err)
{
    ASSAY_AUTO_BUF b;
    assay_buf_init(&b, 4096);
    assay_buf_addf(&b,
                   "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title>"
                   "<h1>%s</h1><p>%s</p></html>\n",
                   assay_text(ASSAY_T_REPORT_TITLE, 0), assay_verdict_name(assay_audit_verdict(a)),
                   assay_text(assay_text_verdict_line(assay_audit_verdict(a)), 0));
    return out->write(out->ctx, b.ptr, b.len, err);
}
