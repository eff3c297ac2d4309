/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/queue.h"

#include <signal.h>
#include <stdlib.h>

#include "cli/term.h"
#include "core/clock.h"
#include "core/utf8.h"

int cli_queue_open(const struct cli_args *args, struct cli_queue *q)
{
    struct assay_error err = {0};
    const char *url = cli_value(args, "url");
    const char *tenant = cli_value(args, "tenant");
    const char *group = cli_value(args, "group");
    url = url != NULL ? url : getenv("ASSAY_REDIS");
    *q = (struct cli_queue){.tenant = tenant == NULL ? "default" : tenant,
                            .group = group == NULL ? "assayd" : group};
    if (url == NULL) {
        return cli_usage(args, "which Redis? give --url, or set $ASSAY_REDIS");
    }
    if (!assay_queue_is_name(assay_bytes_str(q->tenant), ASSAY_QUEUE_NAME - 1)) {
        return cli_usage(args, "--tenant must be letters, digits or ._:-");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    assay_queue_key(q->jobs, q->tenant, "jobs", NULL);
    assay_queue_key(q->dead, q->tenant, "dead", NULL);
    const struct assay_redis_endpoint e = {.url = url,
                                           .password_file = cli_value(args, "password-file"),
                                           .tls = {cli_value(args, "ca-file"),
                                                   cli_value(args, "cert-file"),
                                                   cli_value(args, "key-file")},
                                           .name = "assay-queue"};
    enum assay_status status = assay_redis_new(&e, &q->redis, &err);
    if (status == ASSAY_OK) {
        status = assay_redis_connect(q->redis, &err);
    }
    return status == ASSAY_OK ? 0 : cli_fail(&err);
}

void cli_queue_close(struct cli_queue *q)
{
    assay_redis_free(q->redis);
}

int cli_queue_call(struct cli_queue *q, const struct assay_redis_args *a, redisReply **ret)
{
    struct assay_error err = {0};
    return assay_redis_call(q->redis, a, ret, &err) == ASSAY_OK ? 0 : cli_fail(&err);
}

int cli_queue_do(struct cli_queue *q, const struct assay_redis_args *a)
{
    redisReply *reply;
    int code = cli_queue_call(q, a, &reply);
    if (code == 0) {
        freeReplyObject(reply);
    }
    return code;
}

void cli_queue_print(const redisReply *text)
{
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, ASSAY_KIB(64));
    assay_utf8_escape(&out, assay_reply_text(text));
    (void)fputs(assay_buf_str(&out), stdout);
}

const redisReply *cli_queue_info(const redisReply *row, const char *name)
{
    for (size_t i = 0; i + 1 < assay_reply_count(row); i += 2) {
        if (assay_reply_is(assay_reply_at(row, i), name)) {
            return assay_reply_at(row, i + 1);
        }
    }
    return NULL;
}

int cli_queue_deadline(const struct cli_args *args, uint64_t *ret_deadline)
{
    uint64_t ms = 0;
    int code = cli_duration(args, "timeout", &ms);
    *ret_deadline = cli_given(args, "timeout") ? assay_monotonic_ms() + ms : UINT64_MAX;
    return code;
}
