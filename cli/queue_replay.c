/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/queue_replay.c: `assay queue replay`: jobs that were set aside, sent again.
 */
#include <limits.h>

#include "cli/queue.h"
#include "cli/term.h"
#include "core/clock.h"

#define DEAD_AT_ONCE 100

static int worse(int a, int b)
{
    return a > b ? a : b;
}

/* Where the job's own fields begin in a dead letter; 0: it holds none. */
static size_t job_fields(const redisReply *fields)
{
    for (size_t i = 0; i + 3 < assay_reply_count(fields); i += 2) {
        if (assay_reply_is(assay_reply_at(fields, i), "job")) {
            return i + 2;
        }
    }
    return 0;
}

static void print_letter(const redisReply *letter, const char *what)
{
    const redisReply *fields = assay_reply_at(letter, 1);
    cli_queue_print(assay_reply_at(letter, 0));
    (void)printf("  %s  ", what);
    cli_queue_print(cli_queue_info(fields, "reason"));
    (void)fputc('\n', stdout);
}

/* Back to the jobs and off the dead letters, both or neither. */
static int replay_letter(struct cli_queue *q, const redisReply *letter)
{
    redisReply *done = NULL;
    const redisReply *fields = assay_reply_at(letter, 1);
    size_t from = job_fields(fields);
    struct assay_redis_args multi = {.n = 0};
    struct assay_redis_args add = {.n = 0};
    struct assay_redis_args drop = {.n = 0};
    struct assay_redis_args exec = {.n = 0};
    if (from == 0) {
        print_letter(letter, "cannot be replayed, its job is gone:");
        return 3;
    }
    assay_redis_arg(&multi, "MULTI");
    assay_redis_argv(&add, "XADD", q->jobs, "*", NULL);
    for (size_t i = from; i < assay_reply_count(fields); i++) {
        assay_redis_argb(&add, assay_reply_text(assay_reply_at(fields, i)));
    }
    assay_redis_argv(&drop, "XDEL", q->dead, NULL);
    assay_redis_argb(&drop, assay_reply_text(assay_reply_at(letter, 0)));
    assay_redis_arg(&exec, "EXEC");
    int code = cli_queue_do(q, &multi);
    code = code != 0 ? code : cli_queue_do(q, &add);
    code = code != 0 ? code : cli_queue_do(q, &drop);
    code = code != 0 ? code : cli_queue_call(q, &exec, &done);
    if (code == 0) {
        print_letter(letter, assay_reply_count(done) == 2 ? "sent again:" : "not sent:");
        code = assay_reply_count(done) == 2 ? 0 : 3;
        freeReplyObject(done);
    }
    return code;
}

/* The dead letters from `from` to `to`; each is replayed, or with --list shown. *ret_n of them,
 * `last` the id of the last. */
static int replay_range(struct cli_queue *q, const struct cli_args *args, const char *from,
                        const char *to, char last[ASSAY_QUEUE_ENTRY], size_t *ret_n)
{
    redisReply *letters;
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XRANGE", q->dead, from, to, "COUNT", NULL);
    assay_redis_argu(&a, DEAD_AT_ONCE);
    int code = cli_queue_call(q, &a, &letters);
    if (code != 0) {
        return code;
    }
    int worst = 0;
    *ret_n = assay_reply_count(letters);
    for (size_t i = 0; i < *ret_n; i++) {
        const redisReply *letter = assay_reply_at(letters, i);
        struct assay_bytes id = assay_reply_text(assay_reply_at(letter, 0));
        (void)snprintf(last, ASSAY_QUEUE_ENTRY, "%.*s",
                       (int)(id.len < ASSAY_QUEUE_ENTRY ? id.len : 0), id.ptr);
        if (cli_given(args, "list")) {
            print_letter(letter, "dead:");
        } else {
            worst = worse(worst, replay_letter(q, letter));
        }
    }
    freeReplyObject(letters);
    return worst;
}

/* In pages, each beginning behind the end of the last: a letter that comes back dead meanwhile is
 * not sent for ever. */
static int replay_all(struct cli_queue *q, const struct cli_args *args)
{
    char from[ASSAY_QUEUE_ENTRY + 1] = "-";
    char end[32];
    char last[ASSAY_QUEUE_ENTRY] = "";
    size_t n = DEAD_AT_ONCE;
    int worst = 0;
    (void)snprintf(end, sizeof end, "%llu", (unsigned long long)assay_wall_ms());
    while (n == DEAD_AT_ONCE) {
        n = 0;
        worst = worse(worst, replay_range(q, args, from, end, last, &n));
        (void)snprintf(from, sizeof from, "(%s", last);
    }
    return worst;
}

static int run_replay(const struct cli_args *args)
{
    struct cli_queue q = {.redis = NULL};
    size_t n = cli_operands(args);
    char last[ASSAY_QUEUE_ENTRY];
    if (n == 0 && !cli_given(args, "all") && !cli_given(args, "list")) {
        return cli_usage(args, "which dead letters? give their ids, --all, or --list to see them");
    }
    int code = cli_queue_open(args, &q);
    if (code == 0 && n == 0) {
        code = replay_all(&q, args);
    }
    for (size_t i = 0; i < n && code == 0; i++) {
        size_t found = 0;
        const char *id = cli_operand(args, i);
        code = replay_range(&q, args, id, id, last, &found);
        if (code == 0 && found == 0) {
            code = cli_error("there is no dead letter '%.60s'", id);
        }
    }
    cli_queue_close(&q);
    return code;
}

static const struct cli_option replay_options[] = {
    CLI_QUEUE_OPTIONS,
    {"all", 0, NULL, NULL, "every dead letter there is now", 0},
    {"list", 0, NULL, NULL, "show them and do nothing", 0},
    CLI_NO_OPTION,
};

static const char *const replay_examples[] = {
    "assay queue replay --list",
    "show the jobs that were set aside, with the reasons",
    "assay queue replay 1700000000000-0",
    "send one of them again",
    NULL,
};

const struct cli_command cli_queue_replay = {
    .name = "queue replay",
    .summary = "send jobs again that were set aside",
    .operands = "[ENTRY...]",
    .max_operands = UINT_MAX,
    .options = replay_options,
    .examples = replay_examples,
    .run = run_replay,
};
