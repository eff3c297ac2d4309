/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/outcome.c: what is written about a job, and read back.
 *
 * The job's hash holds the same fields as the results entry. It is what makes a repeated job id
 * cheap, and what tells after a crash whether an entry was answered.
 */
#include "core/clock.h"
#include "core/fs.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/redis/stream.h"
#include "reports/report.h"

static const char *const hash_fields[] = {"state",  "entry",  "request", "run_id",  "verdict",
                                          "digest", "report", "reason",  "started", "finished"};
enum {
    H_STATE,
    H_ENTRY,
    H_REQUEST,
    H_RUN,
    H_VERDICT,
    H_DIGEST,
    H_REPORT,
    H_REASON,
    H_STARTED,
    H_FINISHED,
    H_MAX
};

static void job_key(const struct flight *f, char out[ASSAY_QUEUE_KEY])
{
    assay_queue_key(out, f->stream->tenant, "job", f->job.id);
}

/* ---- reading back -------------------------------------------------------------------------- */

enum assay_status outcome_ask(struct flight *f, assay_redis_func *func)
{
    char key[ASSAY_QUEUE_KEY];
    struct assay_redis_args a = {.n = 0};
    job_key(f, key);
    assay_redis_argv(&a, "HMGET", key, NULL);
    for (size_t i = 0; i < H_MAX; i++) {
        assay_redis_arg(&a, hash_fields[i]);
    }
    return assay_redis_send(f->stream->commands, &a, 0, func, f);
}

static int is_final_state(const redisReply *state)
{
    return assay_reply_is(state, "done") || assay_reply_is(state, "failed") ||
           assay_reply_is(state, "dead") || assay_reply_is(state, "lost");
}

int outcome_was_written(const struct flight *f, const redisReply *state)
{
    return is_final_state(assay_reply_at(state, H_STATE)) &&
           assay_reply_is(assay_reply_at(state, H_ENTRY), f->job.entry);
}

static void recall_text(char *out, size_t cap, const redisReply *state, size_t at)
{
    struct assay_bytes text = assay_reply_text(assay_reply_at(state, at));
    (void)snprintf(out, cap, "%.*s", (int)(text.len < cap ? text.len : cap - 1), text.ptr);
}

enum assay_status outcome_recall(struct flight *f, const redisReply *state)
{
    struct outcome *o = &f->outcome;
    struct assay_bytes request = assay_reply_text(assay_reply_at(state, H_REQUEST));
    if (request.len > 0 && !assay_bytes_equal(request, assay_bytes_str(f->job.request))) {
        return ASSAY_MISMATCH;
    }
    if (!assay_reply_is(assay_reply_at(state, H_STATE), "done")) {
        return ASSAY_NOTFOUND;
    }
    *o = (struct outcome){.repeated = 1};
    o->run = assay_reply_number(assay_reply_at(state, H_RUN));
    o->started_ms = assay_reply_number(assay_reply_at(state, H_STARTED));
    o->finished_ms = assay_reply_number(assay_reply_at(state, H_FINISHED));
    recall_text(o->state, sizeof o->state, state, H_STATE);
    recall_text(o->verdict, sizeof o->verdict, state, H_VERDICT);
    recall_text(o->digest, sizeof o->digest, state, H_DIGEST);
    recall_text(o->report, sizeof o->report, state, H_REPORT);
    recall_text(o->reason, sizeof o->reason, state, H_REASON);
    return ASSAY_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void add_trimmed(struct assay_redis_args *a, const char *key, uint64_t about)
{
    assay_redis_argv(a, "XADD", key, "MAXLEN", "~", NULL);
    assay_redis_argu(a, about);
    assay_redis_arg(a, "*");
}

static void add_pair(struct assay_redis_args *a, const char *name, const char *value)
{
    if (value[0] != '\0') {
        assay_redis_argv(a, name, value, NULL);
    }
}

static void add_number(struct assay_redis_args *a, const char *name, uint64_t value)
{
    if (value != 0) {
        assay_redis_arg(a, name);
        assay_redis_argu(a, value);
    }
}

static void add_outcome(struct assay_redis_args *a, const struct flight *f)
{
    const struct outcome *o = &f->outcome;
    add_pair(a, "job_id", f->job.id);
    assay_redis_argv(a, "entry", f->job.entry, "state", o->state, "verdict", o->verdict, NULL);
    add_number(a, "run_id", o->run);
    add_pair(a, "digest", o->digest);
    add_pair(a, "report", o->report);
    add_pair(a, "reason", o->reason);
    add_number(a, "started", o->started_ms);
    add_number(a, "finished", o->finished_ms);
    assay_redis_argv(a, "host", f->stream->consumer, NULL);
    if (o->repeated) {
        assay_redis_argv(a, "repeated", "1", NULL);
    }
}

/* The signed statement of the report; empty when there is none or it is too large to be copied. */
static void read_proof(const struct outcome *o, struct assay_buf *out)
{
    char path[PATH_MAX + 32];
    if (o->report[0] == '\0' || o->digest[0] == '\0') {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/" ASSAY_ENVELOPE_NAME, o->report);
    if (assay_fs_read_file(path, ASSAY_LIMIT_REDIS_PROOF, out, NULL) != ASSAY_OK) {
        assay_buf_clear(out);
    }
}

/* Says why a command is refused; within a transaction EXEC would only say that one was. */
static int on_sent(void *ctx, redisReply *reply)
{
    char why[200];
    struct stream *s = ctx;
    if (assay_reply_failed(reply)) {
        assay_redis_explain(reply, why, sizeof why);
        stream_problem(s, why);
        if (assay_redis_is_fault(reply)) {
            assay_redis_fault(s->commands, why);
        }
    }
    return 0;
}

static enum assay_status send_words(struct stream *s, const struct assay_redis_args *a)
{
    return assay_redis_send(s->commands, a, 0, on_sent, s);
}

/* The outcome as an entry of stream `key`; `proof`: the signed statement, if there is one. */
static enum assay_status send_result(struct flight *f, const char *key, struct assay_bytes proof)
{
    struct assay_redis_args a = {.n = 0};
    add_trimmed(&a, key, ASSAY_QUEUE_OUTPUTS);
    assay_redis_argv(&a, "v", "1", NULL);
    add_outcome(&a, f);
    if (proof.len > 0) {
        assay_redis_arg(&a, "attestation");
        assay_redis_argb(&a, proof);
    }
    return send_words(f->stream, &a);
}

/* State, with the request it stands for; kept for a while. */
static enum assay_status send_state(struct flight *f)
{
    char key[ASSAY_QUEUE_KEY];
    struct assay_redis_args a = {.n = 0};
    struct assay_redis_args drop = {.n = 0};
    struct assay_redis_args keep = {.n = 0};
    if (f->job.id[0] == '\0') {
        return ASSAY_OK;
    }
    job_key(f, key);
    assay_redis_argv(&drop, "DEL", key, NULL); /* nothing of an earlier attempt stays */
    assay_redis_argv(&a, "HSET", key, NULL);
    add_pair(&a, "request", f->job.request);
    add_outcome(&a, f);
    assay_redis_argv(&keep, "EXPIRE", key, NULL);
    assay_redis_argu(&keep, ASSAY_QUEUE_KEEP_S);
    enum assay_status status = send_words(f->stream, &drop);
    if (status == ASSAY_OK) {
        status = send_words(f->stream, &a);
    }
    return status == ASSAY_OK ? send_words(f->stream, &keep) : status;
}

/* The signed verdict under the dataset's digest, for whoever asks by digest. */
static enum assay_status send_verdict(struct flight *f, struct assay_bytes proof)
{
    char key[ASSAY_QUEUE_KEY];
    struct assay_redis_args a = {.n = 0};
    if (proof.len == 0 || f->outcome.repeated) {
        return ASSAY_OK;
    }
    assay_queue_key(key, f->stream->tenant, "verdict", f->outcome.digest);
    assay_redis_argv(&a, "SET", key, NULL);
    assay_redis_argb(&a, proof);
    return send_words(f->stream, &a);
}

/* What every event says. */
static void add_event(struct assay_redis_args *a, const struct flight *f, const char *event)
{
    add_trimmed(a, f->stream->events, ASSAY_QUEUE_OUTPUTS);
    assay_redis_argv(a, "v", "1", "event", event, "entry", f->job.entry, NULL);
    add_pair(a, "job_id", f->job.id);
    add_number(a, "run_id", f->outcome.run);
    assay_redis_arg(a, "time");
    assay_redis_argu(a, assay_wall_ms());
}

static enum assay_status send_event(struct flight *f, const char *state)
{
    struct assay_redis_args a = {.n = 0};
    add_event(&a, f, state);
    add_pair(&a, "verdict", f->outcome.verdict);
    add_pair(&a, "reason", f->outcome.reason);
    return send_words(f->stream, &a);
}

/* The entry as it came, behind what is said of it; replay takes it back from there. */
static enum assay_status send_dead(struct flight *f, const redisReply *fields)
{
    struct assay_redis_args a = {.n = 0};
    size_t n = assay_reply_count(fields);
    add_trimmed(&a, f->stream->dead, ASSAY_QUEUE_OUTPUTS);
    assay_redis_argv(&a, "v", "1", "reason", f->outcome.reason, "entry", f->job.entry, "stream",
                     f->stream->jobs, "host", f->stream->consumer, NULL);
    add_number(&a, "deliveries", f->deliveries);
    assay_redis_arg(&a, "time");
    assay_redis_argu(&a, assay_wall_ms());
    if (n <= 2 * ASSAY_LIMIT_REDIS_FIELDS) {
        assay_redis_argv(&a, "job", "1", NULL); /* what follows is the job */
        for (size_t i = 0; i < n; i++) {
            assay_redis_argb(&a, assay_reply_text(assay_reply_at(fields, i)));
        }
    }
    return send_words(f->stream, &a);
}

/* Everything that belongs in the one transaction, in its order. */
static enum assay_status send_parts(struct flight *f, const redisReply *fields)
{
    ASSAY_AUTO_BUF proof;
    assay_buf_init(&proof, ASSAY_LIMIT_REDIS_PROOF);
    read_proof(&f->outcome, &proof);
    enum assay_status status = send_result(f, f->stream->results, assay_buf_bytes(&proof));
    if (status == ASSAY_OK) {
        status = send_state(f);
    }
    if (status == ASSAY_OK) {
        status = send_verdict(f, assay_buf_bytes(&proof));
    }
    if (status == ASSAY_OK && f->outcome.dead) {
        status = send_dead(f, fields);
    }
    if (status == ASSAY_OK) {
        status = send_event(f, f->outcome.state);
    }
    if (status == ASSAY_OK && f->job.reply_to[0] != '\0') {
        char key[ASSAY_QUEUE_KEY];
        assay_queue_key(key, f->stream->tenant, "reply", f->job.reply_to);
        status = send_result(f, key, assay_buf_bytes(&proof));
    }
    return status;
}

enum assay_status outcome_write(struct flight *f, const redisReply *fields, assay_redis_func *func)
{
    struct assay_redis_args multi = {.n = 0};
    struct assay_redis_args exec = {.n = 0};
    struct stream *s = f->stream;
    if (assay_redis_room(s->commands) < 12) {
        return ASSAY_LIMIT;
    }
    assay_redis_arg(&multi, "MULTI");
    assay_redis_arg(&exec, "EXEC");
    enum assay_status status = send_words(s, &multi);
    if (status == ASSAY_OK) {
        status = send_parts(f, fields);
        if (status == ASSAY_OK) {
            status = assay_redis_send(s->commands, &exec, 0, func, f);
        }
        if (status != ASSAY_OK) { /* half a transaction is under way: it must not be completed */
            assay_redis_fault(s->commands, "a result is too large to be sent to Redis");
        }
    }
    return status;
}

/* The first three elements hold the result and the state, or the dead letter: without them it was
 * not written. Of the others one can fail only when somebody made our key another type, or the producer
 * its reply stream: that is said, and nothing is written twice for it. */
int outcome_written(const struct flight *f, const redisReply *exec, char *why, size_t cap)
{
    size_t n = assay_reply_count(exec);
    why[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (!assay_reply_failed(assay_reply_at(exec, i))) {
            continue;
        }
        assay_redis_explain(assay_reply_at(exec, i), why, cap);
        if (i < 3) {
            return 0;
        }
        assay_log(ASSAY_LOG_WARNING, "redis", "a part of what is said of a job was not written",
                  ASSAY_LOG_S("source", f->stream->config->name), ASSAY_LOG_S("job", f->job.id),
                  ASSAY_LOG_S("why", why));
    }
    return n > 0; /* an error in the whole: on_sent has said which command was refused */
}

void outcome_announce(struct flight *f, const char *state)
{
    char key[ASSAY_QUEUE_KEY];
    struct assay_redis_args a = {.n = 0};
    if (strcmp(f->announced, state) == 0 || assay_redis_room(f->stream->commands) < 16) {
        return;
    }
    (void)snprintf(f->announced, sizeof f->announced, "%s", state);
    job_key(f, key);
    assay_redis_argv(&a, "HSET", key, "state", state, "request", f->job.request, "entry",
                     f->job.entry, "host", f->stream->consumer, NULL);
    add_number(&a, "run_id", f->outcome.run);
    (void)send_words(f->stream, &a);
    struct assay_redis_args keep = {.n = 0};
    assay_redis_argv(&keep, "EXPIRE", key, NULL);
    assay_redis_argu(&keep, ASSAY_QUEUE_KEEP_S);
    (void)send_words(f->stream, &keep);
    (void)send_event(f, state);
}

void outcome_progress(struct flight *f)
{
    const struct assay_worker_message *m = &f->counts;
    struct assay_redis_args a = {.n = 0};
    if (!f->has_news || assay_redis_room(f->stream->commands) < 16) {
        return;
    }
    f->has_news = 0;
    add_event(&a, f, "progress");
    add_number(&a, "files_done", m->files_done);
    add_number(&a, "files_total", m->files_total);
    add_number(&a, "bytes_done", m->bytes_done);
    add_number(&a, "bytes_total", m->bytes_total);
    add_number(&a, "records", m->records);
    (void)send_words(f->stream, &a);
}
