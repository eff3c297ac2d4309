/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/codec.h: commands to bytes, bytes to replies (RESP2).
 *
 * What:  hiredis formats and parses; versions 0.14 and 1.x have the same functions for that. It
 *        allocates whatever a header announces, so every byte passes a guard first: one pass that
 *        understands nothing but lengths and counts, and refuses what exceeds core/limits.h before
 *        the parser sees it. The server is trusted with the queue, not with our memory.
 * Ownership: a reply is the caller's; freeReplyObject. `redisReply` is hiredis' own type: look at
 *        `type` before anything else.
 * Thread rule: one thread.
 */
#ifndef ASSAY_DAEMON_REDIS_CODEC_H
#define ASSAY_DAEMON_REDIS_CODEC_H

#include <hiredis/hiredis.h>

#include "core/buf.h"
#include "core/limits.h"

/* The words of one command, borrowed until it is encoded. */
struct assay_redis_args {
    const char *v[ASSAY_LIMIT_REDIS_ARGS];
    size_t len[ASSAY_LIMIT_REDIS_ARGS];
    size_t n;
    char numbers[8][24];
    size_t n_numbers;
    int overflow; /* too many words: encoding fails */
};

void assay_redis_arg(struct assay_redis_args *a, const char *word);
void assay_redis_argb(struct assay_redis_args *a, struct assay_bytes word);
void assay_redis_argu(struct assay_redis_args *a, uint64_t number); /* at most 8 of them */
/* Words up to a NULL. */
void assay_redis_argv(struct assay_redis_args *a, ...) __attribute__((sentinel));

/* Appends the command. */
enum assay_status assay_redis_encode(const struct assay_redis_args *a, struct assay_buf *out,
                                     struct assay_error *err);

struct assay_codec;
struct assay_codec *assay_codec_new(void);    /* NULL: out of memory */
void assay_codec_free(struct assay_codec *c); /* accepts NULL */
enum assay_status assay_codec_feed(struct assay_codec *c, const char *data, size_t len,
                                   struct assay_error *err);
/* ASSAY_END: no whole reply yet. After an error the codec is of no more use. */
enum assay_status assay_codec_next(struct assay_codec *c, redisReply **ret,
                                   struct assay_error *err);

/* Replies, read with suspicion: wrong type or out of range gives NULL, an empty string or 0. */
struct assay_bytes assay_reply_text(const redisReply *r); /* of a string or status */
const redisReply *assay_reply_at(const redisReply *array, size_t i);
size_t assay_reply_count(const redisReply *r); /* elements of an array; else 0 */
int assay_reply_is(const redisReply *r, const char *text);
int assay_reply_failed(const redisReply *r); /* an error reply */
/* Whether an error reply begins with this code ("NOGROUP"). */
int assay_reply_is_error(const redisReply *r, const char *code);
/* An integer, also one written as text; 0 for anything else or below 0. */
uint64_t assay_reply_number(const redisReply *r);

#endif
