/* SPDX-License-Identifier: Apache-2.0
 *
 * Envelopes and the statements in them: parse, verify with a key that did not sign, read the
 * payload as either kind. Invariant: nothing verifies.
 */
#include <stdlib.h>

#include "reports/envelope.h"
#include "reports/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct assay_key *key;
    struct assay_bytes text = assay_bytes_make((const char *)data, size);
    struct assay_statement_view view;
    struct assay_envelope *e = NULL;
    struct assay_error err;
    size_t valid = 0;
    if (key == NULL && assay_key_generate(ASSAY_KEY_P256, &key, &err) != ASSAY_OK) {
        abort();
    }
    if (assay_envelope_parse(text, &e, &err) == ASSAY_OK) {
        if (assay_envelope_verify(e, &key, 1, &valid, &err) == ASSAY_OK || valid != 0) {
            abort();
        }
        (void)assay_statement_read(assay_envelope_payload(e), ASSAY_PREDICATE_AUDIT, &view, &err);
        assay_envelope_free(e);
    }
    (void)assay_statement_read(text, ASSAY_PREDICATE_AUDIT, &view, &err);
    (void)assay_statement_read(text, ASSAY_PREDICATE_RUN, &view, &err);
    return 0;
}
