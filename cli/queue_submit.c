/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/queue_submit.c: `assay queue submit`: jobs sent through Redis, and their answers.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/queue.h"
#include "cli/term.h"
#include "core/clock.h"
#include "engine/audit.h"

/* ---- the job ------------------------------------------------------------------------------- */

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

static int send_job(struct cli_queue *q, const struct cli_args *args, const char *path,
                    const char *id)
{
    uint64_t deadline = 0;
    struct assay_redis_args a = {.n = 0};
    ASSAY_AUTO_BUF uri;
    ASSAY_AUTO_BUF packs;
    assay_buf_init(&uri, 4 * PATH_MAX);
    assay_buf_init(&packs, 4096);
    if (cli_duration(args, "deadline", &deadline) != 0) {
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
    return cli_queue_do(q, &a);
}

/* ---- its answer --------------------------------------------------------------------------- */

static int verdict_code(const redisReply *verdict)
{
    for (int v = ASSAY_PASS; v <= ASSAY_INCOMPLETE; v++) {
        if (assay_reply_is(verdict, assay_verdict_name((enum assay_verdict)v))) {
            return assay_verdict_exit((enum assay_verdict)v);
        }
    }
    return 3;
}

/* Whether the job has its answer; if so it is printed, and its verdict is the exit code. */
static int look(struct cli_queue *q, const char *id, int *ret_answered)
{
    char key[ASSAY_QUEUE_KEY];
    redisReply *r;
    struct assay_redis_args a = {.n = 0};
    assay_queue_key(key, q->tenant, "job", id);
    assay_redis_argv(&a, "HMGET", key, "state", "verdict", "reason", "report", NULL);
    int code = cli_queue_call(q, &a, &r);
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
        cli_queue_print(verdict);
        (void)fputs("  ", stdout);
        cli_queue_print(assay_reply_text(reason).len > 0 ? reason : assay_reply_at(r, 3));
        (void)fputc('\n', stdout);
        code = verdict_code(verdict);
    }
    freeReplyObject(r);
    return code;
}

static int wait_for(struct cli_queue *q, const struct cli_args *args, const char *id)
{
    uint64_t deadline;
    int code = cli_queue_deadline(args, &deadline);
    for (int answered = 0; code == 0;) {
        code = look(q, id, &answered);
        if (answered || code != 0) {
            return code;
        }
        if (assay_monotonic_ms() >= deadline) {
            (void)cli_error("no answer to job %s yet", id);
            return 3;
        }
        (void)poll(NULL, 0, CLI_QUEUE_POLL_MS);
    }
    return code;
}

/* ---- the command --------------------------------------------------------------------------- */

static int submit_one(struct cli_queue *q, const struct cli_args *args, const char *operand,
                      char id[ASSAY_QUEUE_ID])
{
    char path[PATH_MAX];
    if (operand[0] == '/' && access(operand, F_OK) != 0) {
        (void)snprintf(path, sizeof path, "%s", operand); /* may be there where the daemon is */
    } else if (realpath(operand, path) == NULL) {
        return cli_error("there is no '%.200s'", operand);
    }
    const char *given = cli_value(args, "job-id");
    if (given != NULL) {
        (void)snprintf(id, ASSAY_QUEUE_ID, "%s", given);
    } else if (!new_id(id)) {
        (void)cli_error("the system gives no random numbers");
        return 3;
    }
    return send_job(q, args, path, id);
}

static int check_submit(const struct cli_args *args)
{
    const char *id = cli_value(args, "job-id");
    if (id != NULL && !assay_queue_is_name(assay_bytes_str(id), ASSAY_QUEUE_ID - 1)) {
        return cli_usage(args, "--job-id must be 1 to 64 letters, digits or ._:-");
    }
    if (id != NULL && cli_operands(args) > 1) {
        return cli_usage(args, "--job-id names one job: give one path");
    }
    return 0;
}

static int run_submit(const struct cli_args *args)
{
    struct cli_queue q = {.redis = NULL};
    size_t n = cli_operands(args);
    char(*ids)[ASSAY_QUEUE_ID] = calloc(n + 1, sizeof *ids);
    int code = ids == NULL ? 3 : check_submit(args);
    code = code != 0 ? code : cli_queue_open(args, &q);
    for (size_t i = 0; i < n && code == 0; i++) {
        code = submit_one(&q, args, cli_operand(args, i), ids[i]);
        if (code == 0 && !cli_given(args, "wait")) {
            (void)printf("%s\n", ids[i]);
        }
    }
    int worst = code;
    for (size_t i = 0; i < n && code == 0 && cli_given(args, "wait"); i++) {
        int verdict = wait_for(&q, args, ids[i]);
        worst = verdict > worst ? verdict : worst;
    }
    cli_queue_close(&q);
    free(ids);
    return worst;
}

static const struct cli_option submit_options[] = {
    CLI_QUEUE_OPTIONS,
    {"policy", 0, "NAME", NULL, "built-in policy to judge by", 0},
    {"pack", 'p', "PACK", NULL, "built-in rule pack", 1},
    {"priority", 0, "N", NULL, "0 to 100", 0},
    {"deadline", 0, "TIME", NULL, "when the audit must have ended (10m)", 0},
    {"digest", 0, "SHA256", NULL, "the dataset's expected identity", 0},
    {"job-id", 0, "ID", NULL, "id of the job; default: a new one", 0},
    {"wait", 'w', NULL, NULL, "wait for the answer; the exit code is the verdict", 0},
    CLI_TIMEOUT_OPTION,
    CLI_NO_OPTION,
};

static const char *const submit_examples[] = {
    "assay queue submit --url unix:///run/redis/redis.sock /srv/datasets/delivery-7 --wait",
    "have some assayd of the queue audit a dataset; the exit code is the verdict",
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
