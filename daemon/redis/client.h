/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/client.h: one connection to a Redis server that heals itself and never blocks.
 *
 * What:  commands go out in order, replies come back in order, each to the function given with its
 *        command. A connection is made anew after any fault, with full-jitter back-off (100 ms to
 *        30 s; forgotten after a minute of health); before any command of the owner goes out it has
 *        authenticated, selected its database, named itself, and seen that the server is a master.
 * Limits: a reply that does not come in time ends the connection. Whatever was sent and not
 *        answered is told so (reply NULL): it may or may not have happened.
 * How:   the owner polls assay_redis_fd for assay_redis_events until assay_redis_deadline, then
 *        calls assay_redis_step. The descriptor changes with the connection; -1 while there is none.
 * Errors: the present fault is a sentence (assay_redis_problem) fit for status and log: it holds no
 *        password and no text of the server but its error code.
 * Thread rule: one thread. A reply function may send; it must not free the client.
 */
#ifndef ASSAY_DAEMON_REDIS_CLIENT_H
#define ASSAY_DAEMON_REDIS_CLIENT_H

#include "daemon/redis/codec.h"
#include "daemon/redis/transport.h"

#define ASSAY_REDIS_TIMEOUT_MS UINT64_C(5000)

struct assay_redis_endpoint {
    const char *url;
    const char *password_file; /* first line; read at each connection; NULL */
    struct assay_redis_tls tls;
    const char *name;    /* told to the server (CLIENT SETNAME) */
    uint64_t timeout_ms; /* for connecting and for each reply */
};

struct assay_redis;

/* Borrowed strings of `e` outlive the client. Connects at the first step. */
enum assay_status assay_redis_new(const struct assay_redis_endpoint *e, struct assay_redis **ret,
                                  struct assay_error *err);
void assay_redis_free(struct assay_redis *r); /* accepts NULL; no reply function is called */

int assay_redis_fd(const struct assay_redis *r);
short assay_redis_events(const struct assay_redis *r);
uint64_t assay_redis_deadline(const struct assay_redis *r); /* monotonic; UINT64_MAX: none */
/* Connects, sends, receives and calls reply functions, as far as it can without waiting. */
void assay_redis_step(struct assay_redis *r, uint64_t now_ms);

int assay_redis_is_ready(const struct assay_redis *r);
/* Counts the connections that became ready: whoever remembers one knows whether it is the same. */
uint64_t assay_redis_generation(const struct assay_redis *r);
size_t assay_redis_room(const struct assay_redis *r);         /* commands it takes now */
const char *assay_redis_problem(const struct assay_redis *r); /* NULL: none */

/* `reply` is borrowed, unless the function returns non-zero: then it is its own. NULL: the
 * connection ended first. */
typedef int assay_redis_func(void *ctx, redisReply *reply);
/* Queues a command. `extra_ms`: how much longer than usual the answer may take (BLOCK). Fails
 * without effect when the client is not ready or too much waits. `func` NULL: the reply is not
 * looked at. */
enum assay_status assay_redis_send(struct assay_redis *r, const struct assay_redis_args *a,
                                   uint64_t extra_ms, assay_redis_func *func, void *ctx);
/* Ends the connection for a fault the owner found; a new one is made after the back-off. */
void assay_redis_fault(struct assay_redis *r, const char *problem);

/* What an error reply means, in one sentence for people: table in client.c. */
void assay_redis_explain(const redisReply *error, char *out, size_t cap);
/* Whether a new connection may help: the server is loading, a replica, or wants a login. */
int assay_redis_is_fault(const redisReply *error);

/* For programs that may wait: until it is ready, and one command with its reply. Both return the
 * first fault instead of trying again. */
enum assay_status assay_redis_connect(struct assay_redis *r, struct assay_error *err);
/* An error reply is an error here. */
enum assay_status assay_redis_call(struct assay_redis *r, const struct assay_redis_args *a,
                                   redisReply **ret, struct assay_error *err);

#endif
