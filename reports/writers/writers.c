/* SPDX-License-Identifier: Apache-2.0
 *
 * The one list of writers, and where they write when it is a file.
 */
#include "reports/writers/common.h"

#include "core/fs.h"

const struct assay_writer assay_writers[] = {
    {"table", "a summary for people, on a terminal", ASSAY_SUMMARY_NAME, assay_write_table},
    {"jsonl", "JSON Lines: one finding a line, then the summary", ASSAY_FINDINGS_NAME,
     assay_write_jsonl},
    {"json", "one JSON document: summary and findings", ASSAY_JSON_NAME, assay_write_json},
    {"html", "one self-contained page, English and Chinese", ASSAY_HTML_NAME, assay_write_html},
    {"csv", "findings for a spreadsheet", ASSAY_CSV_NAME, assay_write_csv},
    {NULL, NULL, NULL, NULL},
};

const struct assay_writer *assay_writer_find(const char *name)
{
    for (const struct assay_writer *w = assay_writers; w->name != NULL; w++) {
        if (strcmp(w->name, name) == 0) {
            return w;
        }
    }
    return NULL;
}

static enum assay_status write_file(void *ctx, const void *data, size_t len,
                                    struct assay_error *err)
{
    return assay_atomic_write(ctx, data, len, err);
}

struct assay_out assay_out_file(struct assay_atomic_file *f)
{
    return (struct assay_out){.write = write_file, .ctx = f};
}
