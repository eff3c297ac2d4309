/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Redis server sends: bytes to replies in two ways of cutting them, which must agree; and
 * every reply read as an entry of the queue. */
#include <stdlib.h>

#include "daemon/redis/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_job(const redisReply *reply)
{
    struct assay_queue_job job;
    struct assay_error err = {0};
    if (assay_queue_job_parse(reply, &job, &err) == ASSAY_OK &&
        (job.path[0] != '/' || job.id[0] == '\0' || job.n_packs > ASSAY_QUEUE_PACKS)) {
        abort();
    }
    for (size_t i = 0; i < assay_reply_count(reply); i++) {
        read_as_job(assay_reply_at(reply, i));
    }
    (void)assay_reply_number(reply);
    (void)assay_reply_is_error(reply, "NOGROUP");
}

/* The number of replies; -1 when the bytes are refused. */
static int replies(const char *data, size_t size, size_t step)
{
    int n = 0;
    enum assay_status status = ASSAY_OK;
    struct assay_codec *c = assay_codec_new();
    for (size_t i = 0; c != NULL && i < size && status != ASSAY_CORRUPT; i += step) {
        redisReply *reply;
        status = assay_codec_feed(c, data + i, step < size - i ? step : size - i, NULL);
        while (status == ASSAY_OK && (status = assay_codec_next(c, &reply, NULL)) == ASSAY_OK) {
            read_as_job(reply);
            freeReplyObject(reply);
            n++;
        }
    }
    assay_codec_free(c);
    return status == ASSAY_CORRUPT ? -1 : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    int whole = replies(text, size, size == 0 ? 1 : size);
    int pieces = replies(text, size, 3);
    if (whole >= 0 && pieces >= 0 && whole != pieces) {
        abort();
    }
    return 0;
}
