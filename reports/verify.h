/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/verify.h: is this report genuine, and is it about these bytes?
 *
 * Checks in order: envelope form, signature by a trusted key, statement form, manifest digest, then
 * the exact tree: every listed file with its digest, nothing missing, nothing extra. Every failure
 * has its own message; all tree differences are listed (up to a cap, with a count), not only the
 * first.
 */
#ifndef ASSAY_REPORTS_VERIFY_H
#define ASSAY_REPORTS_VERIFY_H

#include "assay/base.h"
#include "reports/keys.h"

enum assay_check {
    ASSAY_CHECK_ENVELOPE,
    ASSAY_CHECK_SIGNATURE,
    ASSAY_CHECK_STATEMENT,
    ASSAY_CHECK_MANIFEST,
    ASSAY_CHECK_COMPANION, /* files beside the envelope: statement.json, run.dsse.json, run.json,
                              findings.jsonl, report.html; what is there must be vouched for */
    ASSAY_CHECK_FILE_MISSING,
    ASSAY_CHECK_FILE_EXTRA,
    ASSAY_CHECK_FILE_CHANGED,
    ASSAY_CHECK_FILE_UNREADABLE,
    ASSAY_CHECK_MAX
};
/* Its name in output, constant. */
const char *assay_check_name(enum assay_check c);

struct assay_verify_options {
    const char *envelope; /* path */
    const char *manifest; /* NULL: MANIFEST.sha256 beside the envelope */
    const char *dataset;  /* directory or file; NULL: do not look at data (--no-data) */
    struct assay_key *const *keys;
    size_t n_keys;
    unsigned threshold; /* different keys that must have signed; 0: 1 */
    unsigned jobs;
    /* Called once per check made: ok or what is wrong (`subject`: file name or NULL). */
    void (*report)(void *ctx, enum assay_check check, int ok, const char *subject,
                   const char *message);
    void *report_ctx;
    void (*progress)(void *ctx, uint64_t bytes_done, uint64_t bytes_total);
};

struct assay_verify_result {
    char verdict[16]; /* as the statement says: "PASS" */
    char manifest_sha256[65];
    uint64_t files, bytes;
    uint64_t failures;
};

/* ASSAY_OK; ASSAY_MISMATCH when any check failed; another error when checking was not possible. */
enum assay_status assay_verify(const struct assay_verify_options *opt,
                               struct assay_verify_result *ret, struct assay_error *err);

#endif
