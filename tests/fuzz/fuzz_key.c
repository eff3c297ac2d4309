/* SPDX-License-Identifier: Apache-2.0
 *
 * Key files. Invariant: what is accepted can be written and read back under the same id. Encrypted
 * keys get no passphrase, so no derivation runs.
 */
#include <stdlib.h>

#include "core/limits.h"
#include "reports/key_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct assay_key *k)
{
    ASSAY_AUTO_BUF pem;
    struct assay_key *back = NULL;
    assay_buf_init(&pem, ASSAY_LIMIT_KEY_FILE);
    if (assay_key_public_pem(k, &pem) != ASSAY_OK ||
        assay_key_parse_public(assay_buf_bytes(&pem), &back, NULL) != ASSAY_OK ||
        strcmp(assay_key_id(k), assay_key_id(back)) != 0) {
        abort();
    }
    assay_key_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_bytes text = assay_bytes_make((const char *)data, size);
    struct assay_key *k = NULL;
    struct assay_error err;
    if (assay_key_parse_public(text, &k, &err) == ASSAY_OK) {
        round_trip(k);
        assay_key_free(k);
    }
    if (assay_key_parse_private(text, "fuzz", NULL, &k, &err) == ASSAY_OK) {
        round_trip(k);
        assay_key_free(k);
    }
    return 0;
}
