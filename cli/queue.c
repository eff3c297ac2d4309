/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/queue.c: `assay queue submit|status|drain|replay`: the producer's side of docs/queue.md.
 *
 * These talk to Redis, not to a daemon: they work wherever the server can be reached.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/setup.h"
#include "cli/term.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/option.h"
#include "core/utf8.h"
#include "daemon/redis/client.h"
#include "daemon/redis/message.h"
#include "engine/audit.h"

#define POLL_MS      100
#define DEAD_AT_ONCE 100

struct queue {
    struct assay_redis *redis;
    const char *tenant, *group;
    char jobs[ASSAY_QUEUE_KEY], dead[ASSAY_QUEUE_KEY];
};

static int open_queue(const struct cli_args *args, struct queue *q)
{
    struct assay_error err = {0};
    const char *url = cli_value(args, "url");
    const char *tenant = cli_value(args, "tenant");
    const char *group = cli_value(args, "group");
    url = url != NULL ? url : getenv("ASSAY_REDIS");
    *q = (struct queue){.tenant = tenant == NULL ? "default" : tenant,
                        .group = group == NULL ? "assayd" : group};
    if (url == NULL) {
        (void)fputs("assay: which Redis? give --url, or set $ASSAY_REDIS\n", stderr);
        return 2;
    }
    if (!assay_queue_is_name(assay_bytes_str(q->tenant), ASSAY_QUEUE_NAME - 1)) {
        (void)fputs("assay: --tenant must be letters, digits or ._:-\n", stderr);
        return 2;
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

static void close_queue(struct queue *q)
{
    assay_redis_free(q->redis);
}

static int call(struct queue *q, const struct assay_redis_args *a, redisReply **ret)
{
    struct assay_error err = {0};
    return assay_redis_call(q->redis, a, ret, &err) == ASSAY_OK ? 0 : cli_fail(&err);
}

/* ---- submit -------------------------------------------------------------------------------- */

/* A ULID: 48 bits of time, 80 of chance, in Crockford's alphabet. */
static int new_id(char out[27])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t random[16];
    uint64_t now = assay_wall_ms();
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return 0;
    }
    for (int i = 9; i >= 0; i--, now >>= 5) {
        out[i] = alphabet[now & 31];
    }
    for (int i = 0; i < 16; i++) {
        out[10 + i] = alphabet[random[i] & 31];
    }
    out[26] = '\0';
    return 1;
}

static void add_option(struct assay_redis_args *a, const struct cli_args *args, const char *option,
                       const char *field)
{
    const char *value = cli_value(args, option);
    if (value != NULL) {
        assay_redis_argv(a, field, value, NULL);
    }
}

static void join_packs(const struct cli_args *args, struct assay_buf *out)
{
    size_t n;
    const char *const *packs = cli_values(args, "pack", &n);
    for (size_t i = 0; i < n; i++) {
        assay_buf_addf(out, "%s%s", i == 0 ? "" : ",", packs[i]);
    }
}

static int send_job(struct queue *q, const struct cli_args *args, const char *path, const char *id)
{
    redisReply *reply;
    uint64_t deadline = 0;
    struct assay_error err = {0};
    struct assay_redis_args a = {.n = 0};
    ASSAY_AUTO_BUF uri;
    ASSAY_AUTO_BUF packs;
    assay_buf_init(&uri, 4 * PATH_MAX);
    assay_buf_init(&packs, 4096);
    const char *time = cli_value(args, "deadline");
    if (time != NULL && assay_parse_duration(time, &deadline, &err) != ASSAY_OK) {
        (void)fprintf(stderr, "assay: --deadline: %s\n", err.message);
        return 2;
    }
    assay_queue_uri(&uri, path);
    join_packs(args, &packs);
    assay_redis_argv(&a, "XADD", q->jobs, "*", "v", "1", "job_id", id, "uri", assay_buf_str(&uri),
                     NULL);
    add_option(&a, args, "policy", "policy");
    add_option(&a, args, "priority", "priority");
    add_option(&a, args, "digest", "digest");
    if (packs.len > 0) {
        assay_redis_argv(&a, "packs", assay_buf_str(&packs), NULL);
    }
    if (deadline > 0) {
        assay_redis_arg(&a, "deadline_ms");
        assay_redis_argu(&a, deadline);
    }
    int code = call(q, &a, &reply);
    if (code == 0) {
        freeReplyObject(reply);
    }
    return code;
}

static int verdict_code(const redisReply *verdict)
{
    for (int v = ASSAY_PASS; v <= ASSAY_INCOMPLETE; v++) {
        if (assay_reply_is(verdict, assay_verdict_name((enum assay_verdict)v))) {
            return assay_verdict_exit((enum assay_verdict)v);
        }
    }
    return 3;
}

static void print_text(const redisReply *text)
{
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, ASSAY_KIB(64));
    assay_utf8_escape(&out, assay_reply_text(text));
    (void)fputs(assay_buf_str(&out), stdout);
}

/* -1: not answered yet; else the exit code. */
static int look(struct queue *q, const char *id, int *ret_answered)
{
    char key[ASSAY_QUEUE_KEY];
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    assay_queue_key(key, q->tenant, "job", id);
    assay_redis_argv(&a, "HMGET", key, "state", "verdict", "reason", "report", NULL);
    int code = call(q, &a, &r);
    if (code != 0) {
        return code;
    }
    const redisReply *state = assay_reply_at(r, 0);
    const redisReply *verdict = assay_reply_at(r, 1);
    const redisReply *reason = assay_reply_at(r, 2);
    *ret_answered = assay_reply_text(state).len > 0 && !assay_reply_is(state, "queued") &&
                    !assay_reply_is(state, "running");
    if (*ret_answered) {
        (void)printf("%s  ", id);
        print_text(verdict);
        (void)fputs("  ", stdout);
        print_text(assay_reply_text(reason).len > 0 ? reason : assay_reply_at(r, 3));
        (void)fputc('\n', stdout);
        code = verdict_code(verdict);
    }
    freeReplyObject(r);
    return code;
}

static int wait_limit(const struct cli_args *args, uint64_t *ret_deadline)
{
    uint64_t ms = 0;
    struct assay_error err = {0};
    const char *text = cli_value(args, "timeout");
    if (text != NULL && assay_parse_duration(text, &ms, &err) != ASSAY_OK) {
        (void)fprintf(stderr, "assay: --timeout: %s\n", err.message);
        return 2;
    }
    *ret_deadline = text == NULL ? UINT64_MAX : assay_monotonic_ms() + ms;
    return 0;
}

static int wait_for(struct queue *q, const struct cli_args *args, const char *id)
{
    uint64_t deadline;
    int code = wait_limit(args, &deadline);
    for (int answered = 0; code == 0;) {
        code = look(q, id, &answered);
        if (answered || code != 0) {
            return code;
        }
        if (assay_monotonic_ms() >= deadline) {
            (void)fprintf(stderr, "assay: no answer to job %s yet\n", id);
            return 3;
        }
        (void)poll(NULL, 0, POLL_MS);
    }
    return code;
}

static int worse(int a, int b)
{
    return a > b ? a : b;
}

static int submit_one(struct queue *q, const struct cli_args *args, const char *operand,
                      char id[ASSAY_QUEUE_ID])
{
    char path[PATH_MAX];
    if (operand[0] == '/' && access(operand, F_OK) != 0) {
        (void)snprintf(path, sizeof path, "%s", operand); /* may be there where the daemon is */
    } else if (realpath(operand, path) == NULL) {
        (void)fprintf(stderr, "assay: there is no '%.200s'\n", operand);
        return 2;
    }
    const char *given = cli_value(args, "job-id");
    if (given != NULL) {
        (void)snprintf(id, ASSAY_QUEUE_ID, "%s", given);
    } else if (!new_id(id)) {
        (void)fputs("assay: the system gives no random numbers\n", stderr);
        return 3;
    }
    return send_job(q, args, path, id);
}

static int check_submit(const struct cli_args *args)
{
    const char *id = cli_value(args, "job-id");
    if (id != NULL && !assay_queue_is_name(assay_bytes_str(id), ASSAY_QUEUE_ID - 1)) {
        (void)fputs("assay: --job-id must be 1 to 64 letters, digits or ._:-\n", stderr);
        return 2;
    }
    if (id != NULL && cli_operands(args) > 1) {
        (void)fputs("assay: --job-id names one job: give one path\n", stderr);
        return 2;
    }
    return 0;
}

static int run_submit(const struct cli_args *args)
{
    struct queue q = {.redis = NULL};
    size_t n = cli_operands(args);
    char(*ids)[ASSAY_QUEUE_ID] = calloc(n + 1, sizeof *ids);
    int code = ids == NULL ? 3 : check_submit(args);
    code = code != 0 ? code : open_queue(args, &q);
    for (size_t i = 0; i < n && code == 0; i++) {
        code = submit_one(&q, args, cli_operand(args, i), ids[i]);
        if (code == 0 && !cli_given(args, "wait")) {
            (void)printf("%s\n", ids[i]);
        }
    }
    int worst = code;
    for (size_t i = 0; i < n && code == 0 && cli_given(args, "wait"); i++) {
        worst = worse(worst, wait_for(&q, args, ids[i]));
    }
    close_queue(&q);
    free(ids);
    return worst;
}

/* ---- status and drain ---------------------------------------------------------------------- */

struct state {
    uint64_t jobs, results, dead; /* entries */
    uint64_t pending, waiting, consumers;
    int has_group, knows_waiting;
};

static int stream_length(struct queue *q, const char *suffix, uint64_t *ret)
{
    char key[ASSAY_QUEUE_KEY];
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    assay_queue_key(key, q->tenant, suffix, NULL);
    assay_redis_argv(&a, "XLEN", key, NULL);
    int code = call(q, &a, &r);
    if (code == 0) {
        *ret = assay_reply_number(r);
        freeReplyObject(r);
    }
    return code;
}

/* A value of XINFO's flat list of names and values. */
static const redisReply *info(const redisReply *row, const char *name)
{
    for (size_t i = 0; i + 1 < assay_reply_count(row); i += 2) {
        if (assay_reply_is(assay_reply_at(row, i), name)) {
            return assay_reply_at(row, i + 1);
        }
    }
    return NULL;
}

/* How many entries there are behind the last one delivered, by counting them: "lag" of XINFO is
 * unknown to older servers, and after deletions. */
static int count_waiting(struct queue *q, const redisReply *last, struct state *st)
{
    char from[ASSAY_QUEUE_ENTRY + 1];
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    struct assay_bytes id = assay_reply_text(last);
    (void)snprintf(from, sizeof from, "(%.*s", (int)(id.len < ASSAY_QUEUE_ENTRY ? id.len : 0),
                   id.ptr);
    assay_redis_argv(&a, "XRANGE", q->jobs, from, "+", "COUNT", "1000", NULL);
    int code = call(q, &a, &r);
    if (code == 0) {
        st->waiting = assay_reply_count(r);
        freeReplyObject(r);
    }
    return code;
}

static int group_state(struct queue *q, struct state *st)
{
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    int code = 0;
    if (st->jobs == 0) { /* perhaps there is no stream at all, which XINFO calls an error */
        assay_redis_argv(&a, "EXISTS", q->jobs, NULL);
        code = call(q, &a, &r);
        if (code != 0 || assay_reply_number(r) == 0) {
            return code;
        }
        freeReplyObject(r);
        a = (struct assay_redis_args){.n = 0};
    }
    assay_redis_argv(&a, "XINFO", "GROUPS", q->jobs, NULL);
    code = call(q, &a, &r);
    for (size_t i = 0; code == 0 && i < assay_reply_count(r); i++) {
        const redisReply *row = assay_reply_at(r, i);
        if (assay_reply_is(info(row, "name"), q->group)) {
            st->has_group = 1;
            st->consumers = assay_reply_number(info(row, "consumers"));
            st->pending = assay_reply_number(info(row, "pending"));
            code = count_waiting(q, info(row, "last-delivered-id"), st);
        }
    }
    if (!st->has_group) {
        st->waiting = st->jobs;
    }
    freeReplyObject(r);
    return code;
}

static int read_state(struct queue *q, struct state *st)
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
    struct queue q = {.redis = NULL};
    struct state st;
    int code = open_queue(args, &q);
    code = code != 0 ? code : read_state(&q, &st);
    if (code == 0) {
        print_state(&st, cli_given(args, "json"));
    }
    close_queue(&q);
    return code;
}

static int run_drain(const struct cli_args *args)
{
    struct queue q = {.redis = NULL};
    struct state st = {.waiting = 1};
    uint64_t deadline;
    int code = wait_limit(args, &deadline);
    code = code != 0 ? code : open_queue(args, &q);
    while (code == 0) {
        code = read_state(&q, &st);
        if (code != 0 || st.waiting + st.pending == 0) {
            break;
        }
        if (assay_monotonic_ms() >= deadline) {
            (void)fprintf(stderr, "assay: %llu jobs wait and %llu are being judged\n",
                          (unsigned long long)st.waiting, (unsigned long long)st.pending);
            code = 3;
        } else {
            (void)poll(NULL, 0, POLL_MS);
        }
    }
    close_queue(&q);
    return code;
}

/* ---- replay -------------------------------------------------------------------------------- */

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
    print_text(assay_reply_at(letter, 0));
    (void)printf("  %s  ", what);
    print_text(info(fields, "reason"));
    (void)fputc('\n', stdout);
}

static int send_simple(struct queue *q, const struct assay_redis_args *a, redisReply **ret)
{
    redisReply *r;
    int code = call(q, a, &r);
    if (code == 0 && ret != NULL) {
        *ret = r;
    } else if (code == 0) {
        freeReplyObject(r);
    }
    return code;
}

/* Back to the jobs and off the dead letters, both or neither. */
static int replay_letter(struct queue *q, const redisReply *letter)
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
    int code = send_simple(q, &multi, NULL);
    code = code != 0 ? code : send_simple(q, &add, NULL);
    code = code != 0 ? code : send_simple(q, &drop, NULL);
    code = code != 0 ? code : send_simple(q, &exec, &done);
    if (code == 0) {
        print_letter(letter, assay_reply_count(done) == 2 ? "sent again:" : "not sent:");
        code = assay_reply_count(done) == 2 ? 0 : 3;
        freeReplyObject(done);
    }
    return code;
}

/* The dead letters from `from` to `to`; each is replayed, or with --list shown. *ret_n of them,
 * `last` the id of the last. */
static int replay_range(struct queue *q, const struct cli_args *args, const char *from,
                        const char *to, char last[ASSAY_QUEUE_ENTRY], size_t *ret_n)
{
    redisReply *letters;
    struct assay_redis_args a = {.n = 0};
    assay_redis_argv(&a, "XRANGE", q->dead, from, to, "COUNT", NULL);
    assay_redis_argu(&a, DEAD_AT_ONCE);
    int code = call(q, &a, &letters);
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

/* In pages, each beginning behind the end of the last: a letter that comes back dead meanwhile is not
 * sent for ever. */
static int replay_all(struct queue *q, const struct cli_args *args)
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
    struct queue q = {.redis = NULL};
    size_t n = cli_operands(args);
    char last[ASSAY_QUEUE_ENTRY];
    if (n == 0 && !cli_given(args, "all") && !cli_given(args, "list")) {
        (void)fputs("assay: which dead letters? give their ids, --all, or --list to see them\n",
                    stderr);
        return 2;
    }
    int code = open_queue(args, &q);
    if (code == 0 && n == 0) {
        code = replay_all(&q, args);
    }
    for (size_t i = 0; i < n && code == 0; i++) {
        size_t found = 0;
        const char *id = cli_operand(args, i);
        code = replay_range(&q, args, id, id, last, &found);
        if (code == 0 && found == 0) {
            (void)fprintf(stderr, "assay: there is no dead letter '%.60s'\n", id);
            code = 2;
        }
    }
    close_queue(&q);
    return code;
}

/* ---- the table ------------------------------------------------------------------------------ */

#define QUEUE_OPTIONS                                                                              \
    {"url",                                                                                        \
     0,                                                                                            \
     "URL",                                                                                        \
     NULL,                                                                                         \
     "unix:///path, redis://host:port/db or rediss://; default: $ASSAY_REDIS",                     \
     0},                                                                                           \
        {"tenant", 0, "NAME", NULL, "part of the keys; default: default", 0},                      \
        {"password-file", 0, "FILE", NULL, "file whose first line is the password", 0},            \
        {"ca-file", 0, "FILE", NULL, "authorities for TLS; default: the system's", 0},             \
        {"cert-file", 0, "FILE", NULL, "client certificate for TLS", 0},                           \
    {                                                                                              \
        "key-file", 0, "FILE", NULL, "private key of the client certificate", 0                    \
    }
#define GROUP_OPTION                                                                               \
    {                                                                                              \
        "group", 0, "NAME", NULL, "consumer group; default: assayd", 0                             \
    }
#define TIMEOUT_OPTION                                                                             \
    {                                                                                              \
        "timeout", 0, "TIME", NULL, "give up after this long (10s, 5m); exit code 3", 0            \
    }

static const struct cli_option submit_options[] = {
    QUEUE_OPTIONS,
    {"policy", 0, "NAME", NULL, "built-in policy to judge by", 0},
    {"pack", 'p', "PACK", NULL, "built-in rule pack", 1},
    {"priority", 0, "N", NULL, "0 to 100", 0},
    {"deadline", 0, "TIME", NULL, "when the audit must have ended (10m)", 0},
    {"digest", 0, "SHA256", NULL, "the dataset's expected identity", 0},
    {"job-id", 0, "ID", NULL, "id of the job; default: a new one", 0},
    {"wait", 'w', NULL, NULL, "wait for the answer; the exit code is the verdict", 0},
    TIMEOUT_OPTION,
    CLI_NO_OPTION,
};
static const struct cli_option status_options[] = {
    QUEUE_OPTIONS,
    GROUP_OPTION,
    {"json", 0, NULL, NULL, "print one JSON object", 0},
    CLI_NO_OPTION,
};
static const struct cli_option drain_options[] = {
    QUEUE_OPTIONS,
    GROUP_OPTION,
    TIMEOUT_OPTION,
    CLI_NO_OPTION,
};
static const struct cli_option replay_options[] = {
    QUEUE_OPTIONS,
    {"all", 0, NULL, NULL, "every dead letter there is now", 0},
    {"list", 0, NULL, NULL, "show them and do nothing", 0},
    CLI_NO_OPTION,
};

static const char *const submit_examples[] = {
    "assay queue submit --url unix:///run/redis/redis.sock /srv/datasets/delivery-7 --wait",
    "have some assayd of the queue audit a dataset; the exit code is the verdict",
    NULL,
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
static const char *const replay_examples[] = {
    "assay queue replay --list",
    "show the jobs that were set aside, with the reasons",
    "assay queue replay 1700000000000-0",
    "send one of them again",
    NULL,
};

const struct cli_command cli_queue_submit = {
    .name = "queue submit",
    .summary = "send jobs through Redis",
    .operands = "PATH...",
    .min_operands = 1,
    .max_operands = UINT_MAX,
    .options = submit_options,
    .examples = submit_examples,
    .notes = "The paths are those of the daemon's machine and must lie below its roots. Whoever "
             "decides on the answer should verify the signed envelope that comes with the result.",
    .run = run_submit,
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
const struct cli_command cli_queue_replay = {
    .name = "queue replay",
    .summary = "send jobs again that were set aside",
    .operands = "[ENTRY...]",
    .max_operands = UINT_MAX,
    .options = replay_options,
    .examples = replay_examples,
    .run = run_replay,
};
