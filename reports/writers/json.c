/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON document: {"schema", "summary", "findings": [...]}. Findings are streamed, so that a
 * document of any size is written in bounded memory: the frame is text, each element is made by the
 * JSON writer.
 */
#include "reports/writers/common.h"

#define SCHEMA "assay/report/1"

static enum assay_status write_elements(struct assay_printer *p, const struct assay_audit *a)
{
    struct assay_cursor *c = NULL;
    struct assay_found f;
    const char *separator = "\n";
    enum assay_status s = assay_cursor_open(a, &c, p->err);
    if (s != ASSAY_OK) {
        return s;
    }
    while ((s = assay_cursor_next(c, &f, p->err)) == ASSAY_OK) {
        struct assay_json j;
        assay_buf_adds(&p->buf, separator);
        separator = ",\n";
        assay_json_init(&j, &p->buf, 0);
        assay_write_finding(&j, assay_audit_rules(a), &f, 0);
        s = assay_json_status(&j) == ASSAY_OK ? assay_printer_flush(p, 0) : assay_json_status(&j);
        if (s != ASSAY_OK) {
            (void)assay_fail(p->err, s, "a finding cannot be written as JSON");
            break;
        }
    }
    assay_cursor_close(c);
    return s == ASSAY_END ? ASSAY_OK : s;
}

enum assay_status assay_write_json(const struct assay_audit *a, struct assay_out *out,
                                   struct assay_error *err)
{
    struct assay_printer p;
    struct assay_json j;
    assay_printer_init(&p, out, err);
    assay_buf_adds(&p.buf, "{\"schema\":\"" SCHEMA "\",\n\"summary\":");
    assay_json_init(&j, &p.buf, 0);
    enum assay_status s = assay_write_summary(&j, a, err);
    if (s == ASSAY_OK && assay_json_status(&j) != ASSAY_OK) {
        s = assay_fail(err, assay_json_status(&j), "the summary cannot be written as JSON");
    }
    assay_buf_adds(&p.buf, ",\n\"findings\":[");
    if (s == ASSAY_OK) {
        s = write_elements(&p, a);
    }
    assay_buf_adds(&p.buf, "\n]}\n");
    if (s == ASSAY_OK) {
        s = assay_printer_flush(&p, 1);
    }
    assay_printer_release(&p);
    return s;
}
