/* SPDX-License-Identifier: Apache-2.0
 *
 * What peers send: requests on the control socket, a worker's messages, a job. A request that is
 * accepted survives a round trip. */
#include <stdlib.h>

#include "core/limits.h"
#include "daemon/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct assay_bytes line)
{
    struct assay_request r, again;
    struct assay_error err;
    struct assay_buf out;
    if (assay_request_parse(line, &r, &err) == ASSAY_OK) {
        assay_buf_init(&out, 8 * ASSAY_LIMIT_CONTROL_MESSAGE);
        if (assay_request_encode(&r, &out) != ASSAY_OK ||
            assay_request_parse(assay_buf_bytes(&out), &again, &err) != ASSAY_OK ||
            again.op != r.op || again.run != r.run || again.packs.n != r.packs.n ||
            again.interval_ms != r.interval_ms) {
            abort();
        }
        assay_request_release(&again);
        assay_buf_release(&out);
    }
    assay_request_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_worker_message m;
    struct assay_job job;
    struct assay_bytes line = assay_bytes_make((const char *)data, size);
    check_request(line);
    (void)assay_worker_message_decode(line, &m, NULL);
    if (assay_job_decode(line, &job, NULL) == ASSAY_OK) {
        assay_job_release(&job);
    }
    return 0;
}
