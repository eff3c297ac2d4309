/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/internal.h: small things shared by the files of this room; no other room includes it.
 */
#ifndef ASSAY_REPORTS_INTERNAL_H
#define ASSAY_REPORTS_INTERNAL_H

#include <jansson.h>

#include "core/buf.h"
#include "core/status.h"
#include "reports/report.h"

/* Puts `path` in front of an error already described; hands the status on. */
static inline enum assay_status assay_at(struct assay_error *err, enum assay_status s,
                                         const char *path)
{
    if (s != ASSAY_OK && err != NULL) {
        (void)assay_error_at(err, path, 0, 0);
    }
    return s;
}

/* "DIR/NAME" of the file `path`'s neighbour NAME. */
void assay_path_beside(struct assay_buf *out, const char *path, const char *name);
/* Makes renames in the directory of `path` durable. 0, or -1 with errno. */
int assay_sync_parent(const char *path);

/* Base64, RFC 4648. Decoding takes the standard or the URL-safe alphabet (not mixed), padding or
 * none, and refuses anything else, spaces and non-zero trailing bits included. */
void assay_base64_encode(struct assay_bytes in, struct assay_buf *out);
enum assay_status assay_base64_decode(struct assay_bytes in, struct assay_buf *out);

/* Strict JSON: one document, duplicate keys refused, size capped. `what` names it in messages. */
enum assay_status assay_json_strict(struct assay_bytes text, const char *what, json_t **ret,
                                    struct assay_error *err);

/* ---- statements as read back ---------------------------------------------------------------- */

struct assay_statement_view {
    char manifest_sha256[65];
    char statement_sha256[65]; /* run statements: of the reproducible one; else "" */
    char verdict[16];
    uint64_t files, bytes;
    uint64_t run;             /* run statements of the daemon: its number; else 0 */
    char findings_sha256[65]; /* run statements */
    char html_sha256[65];     /* run statements; "" when none */
};
/* Checks the form of a statement of type `predicate` and takes out what verification needs. */
enum assay_status assay_statement_read(struct assay_bytes payload, const char *predicate,
                                       struct assay_statement_view *ret, struct assay_error *err);

/* ---- manifests ------------------------------------------------------------------------------ */

/* One parsed line; `name` lives in the manifest object. */
struct assay_manifest_line {
    const char *name;
    uint8_t sha256[32];
};
struct assay_manifest;
/* Strict: sorted, unique, relative, no "." or "..", lower-case digests, coreutils escapes only. */
enum assay_status assay_manifest_parse(struct assay_bytes text, struct assay_manifest **ret,
                                       struct assay_error *err);
void assay_manifest_free(struct assay_manifest *m); /* accepts NULL */
size_t assay_manifest_count(const struct assay_manifest *m);
const struct assay_manifest_line *assay_manifest_get(const struct assay_manifest *m, size_t i);

#endif
