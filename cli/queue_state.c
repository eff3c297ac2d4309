/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/queue_state.c: `assay queue status|drain`: how much waits in a queue, and until nothing does.
 */
#include <poll.h>

#include "cli/queue.h"
#include "cli/term.h"
#include "core/clock.h"
#include "core/json.h"

struct state {
    uint64_t jobs, results, dead; /* entries */
    uint64_t pending, waiting, consumers;
    int has_group, knows_waiting;
};

static int stream_length(struct cli_queue *q, const char *suffix, uint64_t *ret)
{
    char key[ASSAY_QUEUE_KEY];
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    assay_queue_key(key, q->tenant, suffix, NULL);
    assay_redis_argv(&a, "XLEN", key, NULL);
    int code = cli_queue_call(q, &a, &r);
    if (code == 0) {
        *ret = assay_reply_number(r);
        freeReplyObject(r);
    }
    return code;
}

/* How many entries there are behind the last one delivered, by counting them: "lag" of XINFO is
 * unknown to older servers, and after deletions. */
static int count_waiting(struct cli_queue *q, const redisReply *last, struct state *st)
{
    char from[ASSAY_QUEUE_ENTRY + 1];
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    struct assay_bytes id = assay_reply_text(last);
    (void)snprintf(from, sizeof from, "(%.*s", (int)(id.len < ASSAY_QUEUE_ENTRY ? id.len : 0),
                   id.ptr);
    assay_redis_argv(&a, "XRANGE", q->jobs, from, "+", "COUNT", "1000", NULL);
    int code = cli_queue_call(q, &a, &r);
    if (code == 0) {
        st->waiting = assay_reply_count(r);
        freeReplyObject(r);
    }
    return code;
}

/* Whether the stream of jobs exists: XINFO calls it an error when it does not. */
static int find_stream(struct cli_queue *q, const struct state *st, int *ret_exists)
{
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    *ret_exists = st->jobs > 0;
    if (*ret_exists) {
        return 0;
    }
    assay_redis_argv(&a, "EXISTS", q->jobs, NULL);
    int code = cli_queue_call(q, &a, &r);
    *ret_exists = assay_reply_number(r) > 0;
    freeReplyObject(r);
    return code;
}

static int group_state(struct cli_queue *q, struct state *st)
{
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    int exists;
    int code = find_stream(q, st, &exists);
    if (!exists) {
        return code;
    }
    assay_redis_argv(&a, "XINFO", "GROUPS", q->jobs, NULL);
    code = cli_queue_call(q, &a, &r);
    for (size_t i = 0; code == 0 && i < assay_reply_count(r); i++) {
        const redisReply *row = assay_reply_at(r, i);
        if (assay_reply_is(cli_queue_info(row, "name"), q->group)) {
            st->has_group = 1;
            st->consumers = assay_reply_number(cli_queue_info(row, "consumers"));
            st->pending = assay_reply_number(cli_queue_info(row, "pending"));
            code = count_waiting(q, cli_queue_info(row, "last-delivered-id"), st);
        }
    }
    if (!st->has_group) {
        st->waiting = st->jobs;
    }
    freeReplyObject(r);
    return code;
}

static int read_state(struct cli_queue *q, struct state *st)
{
    *st = (struct state){.jobs = 0};
    int code = stream_length(q, "jobs", &st->jobs);
    code = code != 0 ? code : stream_length(q, "results", &st->results);
    code = code != 0 ? code : stream_length(q, "dead", &st->dead);
    return code != 0 ? code : group_state(q, st);
}

static void print_state(const struct state *st, int json)
{
    if (!json) {
        (void)printf(
            "waiting: %llu%s\npending: %llu\nconsumers: %llu%s\nresults: %llu\ndead: %llu\n",
            (unsigned long long)st->waiting, st->waiting == 1000 ? " or more" : "",
            (unsigned long long)st->pending, (unsigned long long)st->consumers,
            st->has_group ? "" : " (no daemon has read from this queue yet)",
            (unsigned long long)st->results, (unsigned long long)st->dead);
        return;
    }
    struct assay_json j;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 4096);
    assay_json_init(&j, &out, 0);
    assay_json_object(&j);
    assay_json_kv_uint(&j, "waiting", st->waiting);
    assay_json_kv_uint(&j, "pending", st->pending);
    assay_json_kv_uint(&j, "consumers", st->consumers);
    assay_json_kv_uint(&j, "results", st->results);
    assay_json_kv_uint(&j, "dead", st->dead);
    assay_json_end_object(&j);
    (void)puts(assay_buf_str(&out));
}

static int run_status(const struct cli_args *args)
{
    struct cli_queue q = {.redis = NULL};
    struct state st;
    int code = cli_queue_open(args, &q);
    code = code != 0 ? code : read_state(&q, &st);
    if (code == 0) {
        print_state(&st, cli_given(args, "json"));
    }
    cli_queue_close(&q);
    return code;
}

static int run_drain(const struct cli_args *args)
{
    struct cli_queue q = {.redis = NULL};
    struct state st = {.waiting = 1};
    uint64_t deadline;
    int code = cli_queue_deadline(args, &deadline);
    code = code != 0 ? code : cli_queue_open(args, &q);
    while (code == 0) {
        code = read_state(&q, &st);
        if (code != 0 || st.waiting + st.pending == 0) {
            break;
        }
        if (assay_monotonic_ms() >= deadline) {
            (void)cli_error("%llu jobs wait and %llu are being judged",
                            (unsigned long long)st.waiting, (unsigned long long)st.pending);
            code = 3;
        } else {
            (void)poll(NULL, 0, CLI_QUEUE_POLL_MS);
        }
    }
    cli_queue_close(&q);
    return code;
}

static const struct cli_option status_options[] = {
    CLI_QUEUE_OPTIONS,
    CLI_GROUP_OPTION,
    {"json", 0, NULL, NULL, "print one JSON object", 0},
    CLI_NO_OPTION,
};
static const struct cli_option drain_options[] = {
    CLI_QUEUE_OPTIONS,
    CLI_GROUP_OPTION,
    CLI_TIMEOUT_OPTION,
    CLI_NO_OPTION,
};

static const char *const status_examples[] = {
    "assay queue status --url redis://queue.example:6379",
    "how much waits, is under way, and was set aside",
    NULL,
};
static const char *const drain_examples[] = {
    "assay queue drain --timeout 30m",
    "wait until every job is answered",
    NULL,
};

const struct cli_command cli_queue_status = {
    .name = "queue status",
    .summary = "what waits in a Redis queue",
    .operands = "",
    .options = status_options,
    .examples = status_examples,
    .run = run_status,
};
const struct cli_command cli_queue_drain = {
    .name = "queue drain",
    .summary = "wait until a Redis queue is empty",
    .operands = "",
    .options = drain_options,
    .examples = drain_examples,
    .run = run_drain,
};
