/* SPDX-License-Identifier: Apache-2.0
 *
 * The one list of writers.
 */
#include "reports/writers/common.h"

const struct assay_writer assay_writers[] = {
    {"table", "a summary for people, on a terminal", "summary.txt", assay_write_table},
    {"jsonl", "JSON Lines: one finding a line, then the summary", ASSAY_FINDINGS_NAME,
     assay_write_jsonl},
    {"json", "one JSON document: summary and findings", "report.json", assay_write_json},
    {"html", "one self-contained page, English and Chinese", ASSAY_HTML_NAME, assay_write_html},
    {"csv", "findings for a spreadsheet", "findings.csv", assay_write_csv},
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
