/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/queue.h: what the subcommands of `assay queue` share (private to them): a queue on a Redis
 * server, as their options name it, and texts that came out of it.
 *
 * These talk to Redis, not to a daemon: they work wherever the server can be reached. The messages
 * are those of docs/queue.md. A function that returns an int returns 0, or the exit code after
 * saying why on stderr.
 */
#ifndef ASSAY_CLI_QUEUE_H
#define ASSAY_CLI_QUEUE_H

#include "cli/command.h"
#include "daemon/redis/client.h"
#include "daemon/redis/message.h"

/* How often an answer is looked for. */
#define CLI_QUEUE_POLL_MS 100

struct cli_queue {
    struct assay_redis *redis;
    const char *tenant, *group;
    char jobs[ASSAY_QUEUE_KEY], dead[ASSAY_QUEUE_KEY]; /* keys of the two streams */
};

/* Connects to the server of --url. `q` is closed afterwards, whatever this says. */
int cli_queue_open(const struct cli_args *args, struct cli_queue *q);
void cli_queue_close(struct cli_queue *q);
/* One command, and its reply; the caller frees it (freeReplyObject). */
int cli_queue_call(struct cli_queue *q, const struct assay_redis_args *a, redisReply **ret);
/* The same where the reply says nothing but that it was done. */
int cli_queue_do(struct cli_queue *q, const struct assay_redis_args *a);
/* Prints a text with what could move a terminal's cursor escaped. */
void cli_queue_print(const redisReply *text);
/* The value called `name` in a flat list of names and values; NULL: it is not there. */
const redisReply *cli_queue_info(const redisReply *row, const char *name);
/* When --timeout ends, in monotonic milliseconds; never without it. */
int cli_queue_deadline(const struct cli_args *args, uint64_t *ret_deadline);

#define CLI_QUEUE_OPTIONS                                                                          \
    CLI_OPTION("url", 0, "URL", NULL,                                                              \
               "unix:///path, redis://host:port/db or rediss://; default: $ASSAY_REDIS", 0),       \
        CLI_OPTION("tenant", 0, "NAME", NULL, "part of the keys; default: default", 0),            \
        CLI_OPTION("password-file", 0, "FILE", NULL, "file whose first line is the password", 0),  \
        CLI_OPTION("ca-file", 0, "FILE", NULL, "authorities for TLS; default: the system's", 0),   \
        CLI_OPTION("cert-file", 0, "FILE", NULL, "client certificate for TLS", 0),                 \
        CLI_OPTION("key-file", 0, "FILE", NULL, "private key of the client certificate", 0)
#define CLI_GROUP_OPTION CLI_OPTION("group", 0, "NAME", NULL, "consumer group; default: assayd", 0)

#endif
