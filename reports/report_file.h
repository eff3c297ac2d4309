/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/report_file.h: one file of a report directory being written: buffered and hashed; whoever made the directory syncs it at
 * the end.
 */
#ifndef ASSAY_REPORTS_REPORT_FILE_H
#define ASSAY_REPORTS_REPORT_FILE_H

#include "core/buf.h"
#include "core/hash.h"

struct assay_report_file {
    int fd;
    const char *name;
    struct assay_buf buf;
    struct assay_sha256 *hash;
};

/* Makes `name` in the directory `dir`. Whatever it returns, assay_report_file_close must follow. */
enum assay_status assay_report_file_open(struct assay_report_file *f, int dir, const char *name,
                                         struct assay_error *err);
/* Fits struct assay_out. */
enum assay_status assay_report_file_write(void *ctx, const void *data, size_t len,
                                          struct assay_error *err);
/* Flushes and syncs when `s` is ASSAY_OK, and closes in any case. `ret_sha256` may be NULL. */
enum assay_status assay_report_file_close(struct assay_report_file *f, enum assay_status s,
                                          uint8_t ret_sha256[32], struct assay_error *err);
/* A whole file at once. */
enum assay_status assay_report_put(int dir, const char *name, struct assay_bytes content,
                                   struct assay_error *err);

#endif
