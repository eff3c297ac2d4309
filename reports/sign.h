/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/sign.h: the signed files of a report directory, whether it is being written or already
 * stands.
 */
#ifndef ASSAY_REPORTS_SIGN_H
#define ASSAY_REPORTS_SIGN_H

#include "core/buf.h"
#include "reports/keys.h"

/* Puts one file somewhere. */
typedef enum assay_status (*assay_put_fn)(void *where, const char *name, struct assay_bytes content,
                                          struct assay_error *err);
/* Signs payloads[0], the run statement, and payloads[1], the reproducible one: signer.pub first,
 * the envelope that counts last. */
enum assay_status assay_report_put_signed(assay_put_fn put, void *where,
                                          const struct assay_bytes payloads[2],
                                          struct assay_key *const *keys, size_t n_keys,
                                          struct assay_error *err);

/* What two statements claim, once their form is checked. */
struct assay_report_claim {
    char manifest_sha256[65];
    char verdict[16];
    uint64_t run; /* the daemon's number of the run; 0: none */
};
/* Whether both are statements of ours, about the same manifest, and the run statement names this
 * statement; for a signer that reads the files itself and compares the manifest. */
enum assay_status assay_report_check(struct assay_bytes statement, struct assay_bytes run,
                                     struct assay_report_claim *ret, struct assay_error *err);

#endif
