/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/verify_internal.h: shared by verify.c and verify_tree.c.
 */
#ifndef ASSAY_REPORTS_VERIFY_INTERNAL_H
#define ASSAY_REPORTS_VERIFY_INTERNAL_H

#include "core/hash.h"
#include "reports/internal.h"
#include "reports/verify.h"

struct assay_verifier {
    const struct assay_verify_options *opt;
    struct assay_verify_result *ret;
    uint64_t failed[ASSAY_CHECK_MAX];
};

/* One check made. Failures beyond the cap of their kind are counted, not listed. */
void assay_verifier_ok(struct assay_verifier *v, enum assay_check check, const char *message);
void assay_verifier_fail(struct assay_verifier *v, enum assay_check check, const char *subject,
                         const char *message);

/* Hashes `fd` from where it stands to its end through `buffer`; 0, or -1 with errno. `advance` may
 * be NULL. */
int assay_hash_fd(int fd, struct assay_sha256 *hash, void *buffer, size_t cap, uint8_t ret[32],
                  void (*advance)(void *ctx, uint64_t bytes), void *ctx);

/* Compares the tree with the manifest. */
enum assay_status assay_verify_tree(struct assay_verifier *v, const struct assay_manifest *m,
                                    struct assay_error *err);

#endif
