/* SPDX-License-Identifier: Apache-2.0
 *
 * core/status.h: what can be asked of a status code, and how errors are filled.
 * The codes themselves are one table, ASSAY_STATUS_MAP in assay/base.h.
 */
#ifndef ASSAY_CORE_STATUS_H
#define ASSAY_CORE_STATUS_H

#include "assay/base.h"

const char *assay_status_name(enum assay_status s); /* "notfound" */
const char *assay_status_text(enum assay_status s); /* "not found" */
int assay_status_exit(enum assay_status s);         /* process exit code */
/* The status called `name`; ASSAY_INTERNAL when there is none (or `name` is NULL). */
enum assay_status assay_status_named(const char *name);

/* Like assay_fail, but maps errno (ENOMEM, ENOSPC, EACCES, ENOENT ...) to a status and appends its
 * text: "cannot open report: No space left on device". */
enum assay_status assay_fail_errno(struct assay_error *err, int os_errno, const char *fmt, ...)
    ASSAY_PRINTF(3, 4);

/* Sets where the error stands; control characters in `where` are escaped. Returns err->status. */
enum assay_status assay_error_at(struct assay_error *err, const char *where, uint32_t line,
                                 uint32_t column);

/* One line for a person: "where:line:column: message". `out` is always terminated. */
void assay_error_format(const struct assay_error *err, char *out, size_t cap);

#endif
