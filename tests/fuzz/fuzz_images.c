/* SPDX-License-Identifier: Apache-2.0
 * A picture, as hostile as it comes: it is decoded and hashed, or refused; twice the same. The same
 * bytes as a saved state of the scanner `images`: refused, or it loads, saves the same number of
 * bytes, and finishes. */
#include <stdlib.h>

#include "plugins/scanners/images/decode.h"
#include "tests/fuzz/scanner_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct assay_scanner assay_scanner_images;

static void decode(struct assay_bytes file)
{
    struct pdq_hash first[PDQ_VIEWS], again[PDQ_VIEWS];
    enum assay_status status[2];
    for (int i = 0; i < 2; i++) {
        const size_t bytes = (size_t)PDQ_SIDE * PDQ_SIDE * sizeof(float);
        struct pdq_picture p = {.luma = malloc(bytes), .work = malloc(bytes)};
        if (p.luma == NULL || p.work == NULL) {
            abort();
        }
        memset(p.luma, i, bytes);
        memset(i == 0 ? first : again, 0, sizeof first);
        status[i] = image_decode(file, &p);
        if (status[i] == ASSAY_OK && pdq_hash_views(&p, i == 0 ? first : again) > 100) {
            abort();
        }
        free(p.luma);
        free(p.work);
    }
    if (status[0] != status[1] || memcmp(first, again, sizeof first) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct assay_bytes bytes = assay_bytes_make((const char *)data, size);
    decode(bytes);
    state_load(&assay_scanner_images, bytes);
    return 0;
}
