/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/redis/client.c: waiting, connecting, greeting, ready; back to waiting after any fault.
 */
#include "daemon/redis/client.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/status.h"

#define BACKOFF_MIN_MS UINT64_C(100)
#define BACKOFF_MAX_MS UINT64_C(30000)
#define HEALTHY_MS     UINT64_C(60000)
#define NEVER          UINT64_MAX
#define READ_SIZE      ASSAY_KIB(32)
#define PASSWORD_MAX   1024
#define READS_A_STEP   256

enum state { STATE_WAITING, STATE_CONNECTING, STATE_GREETING, STATE_READY };

struct pending {
    assay_redis_func *func;
    void *ctx;
    uint64_t due_ms;
};

struct assay_redis {
    struct assay_redis_endpoint endpoint;
    struct assay_redis_address address;
    enum state state;
    struct assay_transport *transport;
    struct assay_codec *codec;
    struct assay_buf out;
    size_t sent;                                       /* of `out` */
    struct pending pending[ASSAY_LIMIT_REDIS_PENDING]; /* a ring */
    size_t head, n_pending;
    uint64_t due_ms;   /* waiting: when to connect; connecting: when to give up */
    uint64_t ready_ms; /* since when */
    unsigned failures; /* in a row */
    uint64_t generation;
    unsigned greetings; /* answers of the greeting still to come */
    char problem[240];
};

/* ---- errors a server reports ---------------------------------------------------------------- */

static const struct {
    const char *code;
    int fault; /* a new connection may help */
    const char *text;
} error_table[] = {
    {"OOM", 0, "Redis is full (maxmemory is reached): it takes no results until there is room"},
    {"MISCONF", 0, "Redis cannot save to its disk and refuses writes"},
    {"NOREPLICAS", 0, "Redis has too few replicas and refuses writes"},
    {"NOPERM", 0, "Redis does not permit this user a command or key that is needed"},
    {"WRONGTYPE", 0, "Redis holds a key of ours as another type"},
    {"BUSY", 0, "Redis is busy with a script"},
    {"EXECABORT", 0, "Redis refused a transaction"},
    {"NOGROUP", 0, "the consumer group is gone"},
    {"LOADING", 1, "Redis is loading its data"},
    {"READONLY", 1, "this Redis is a read-only replica"},
    {"MASTERDOWN", 1, "this Redis has lost its master"},
    {"CLUSTERDOWN", 1, "the Redis cluster is down"},
    {"MOVED", 1, "the key lies on another node of the cluster: name that one in the URL"},
    {"UNBLOCKED", 1, "Redis has become a replica"},
    {"NOAUTH", 1, "Redis asks for a password: set password_file"},
    {"WRONGPASS", 1, "Redis refuses this user or password"},
};

#define N_ERRORS (sizeof error_table / sizeof error_table[0])

static size_t find_error(const redisReply *error)
{
    size_t i = 0;
    while (i < N_ERRORS && !assay_reply_is_error(error, error_table[i].code)) {
        i++;
    }
    return i;
}

int assay_redis_is_fault(const redisReply *error)
{
    size_t i = find_error(error);
    return i < N_ERRORS && error_table[i].fault;
}

/* Of an unknown error only the leading word, in capitals, is shown: the rest may quote a value. */
void assay_redis_explain(const redisReply *error, char *out, size_t cap)
{
    size_t i = find_error(error);
    size_t n = 0;
    if (i < N_ERRORS) {
        (void)snprintf(out, cap, "%s", error_table[i].text);
        return;
    }
    while (assay_reply_failed(error) && n < (size_t)error->len && n < 32 && error->str[n] >= 'A' &&
           error->str[n] <= 'Z') {
        n++;
    }
    (void)snprintf(out, cap, "Redis refuses a command (%.*s)", (int)(n == 0 ? 7 : n),
                   n == 0 ? "unknown" : error->str);
}

/* ---- faults and back-off -------------------------------------------------------------------- */

/* Anything from 0 to the bound that doubles with each failure: clients do not come back together. */
static uint64_t backoff(unsigned failures)
{
    uint64_t bound = BACKOFF_MIN_MS;
    uint32_t random = 0;
    for (unsigned i = 1; i < failures && bound < BACKOFF_MAX_MS; i++) {
        bound *= 2;
    }
    bound = bound < BACKOFF_MAX_MS ? bound : BACKOFF_MAX_MS;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        return bound;
    }
    return 1 + random % bound;
}

static void drop_connection(struct assay_redis *r)
{
    assay_transport_close(r->transport);
    assay_codec_free(r->codec);
    r->transport = NULL;
    r->codec = NULL;
    if (r->out.ptr != NULL) { /* what was sent of it, too: it may be a password */
        explicit_bzero(r->out.ptr, r->out.cap);
    }
    assay_buf_clear(&r->out);
    r->sent = 0;
}

/* Gives the oldest pending command its reply; NULL: there will be none. */
static void answer(struct assay_redis *r, redisReply *reply)
{
    struct pending p = r->pending[r->head];
    r->head = (r->head + 1) % ASSAY_LIMIT_REDIS_PENDING;
    r->n_pending--;
    int kept = p.func != NULL && p.func(p.ctx, reply);
    if (reply != NULL && !kept) {
        freeReplyObject(reply);
    }
}

/* Drops the connection, fails all that was pending and waits longer each time. */
static void fail_connection(struct assay_redis *r, const char *problem)
{
    uint64_t now = assay_monotonic_ms();
    if (r->state == STATE_WAITING) {
        return;
    }
    if (r->state == STATE_READY && now - r->ready_ms >= HEALTHY_MS) {
        r->failures = 0;
    }
    (void)snprintf(r->problem, sizeof r->problem, "%s", problem);
    drop_connection(r);
    r->state = STATE_WAITING;
    r->failures++;
    r->due_ms = now + backoff(r->failures);
    while (r->n_pending > 0) {
        answer(r, NULL);
    }
}

void assay_redis_fault(struct assay_redis *r, const char *problem)
{
    fail_connection(r, problem);
}

/* ---- commands ------------------------------------------------------------------------------ */

/* Queues a command and whose its answer is; nothing is queued when it fails. */
static enum assay_status push(struct assay_redis *r, const struct assay_redis_args *a,
                              uint64_t extra_ms, assay_redis_func *func, void *ctx)
{
    size_t before = r->out.len;
    if (r->n_pending == ASSAY_LIMIT_REDIS_PENDING) {
        return ASSAY_LIMIT;
    }
    enum assay_status status = assay_redis_encode(a, &r->out, NULL);
    if (status != ASSAY_OK) {
        r->out.len = before;
        r->out.status = ASSAY_OK;
        return status;
    }
    uint64_t due = assay_monotonic_ms() + r->endpoint.timeout_ms + extra_ms;
    size_t at = (r->head + r->n_pending++) % ASSAY_LIMIT_REDIS_PENDING;
    r->pending[at] = (struct pending){func, ctx, due};
    return ASSAY_OK;
}

enum assay_status assay_redis_send(struct assay_redis *r, const struct assay_redis_args *a,
                                   uint64_t extra_ms, assay_redis_func *func, void *ctx)
{
    return r->state == STATE_READY ? push(r, a, extra_ms, func, ctx) : ASSAY_UNREACHABLE;
}

/* ---- greeting ------------------------------------------------------------------------------ */

/* One more greeting is answered; after the last the connection is ready. */
static void greeted(struct assay_redis *r)
{
    if (--r->greetings == 0) {
        r->state = STATE_READY;
        r->ready_ms = assay_monotonic_ms();
        r->generation++;
        r->problem[0] = '\0';
        if (r->out.ptr != NULL) {
            explicit_bzero(r->out.ptr, r->out.cap);
        }
    }
}

/* Nothing more is expected of this connection. */
static int refused(struct assay_redis *r, const redisReply *reply)
{
    char why[200];
    assay_redis_explain(reply, why, sizeof why);
    if (reply != NULL) {
        fail_connection(r, why);
    }
    return 0;
}

static int on_must_succeed(void *ctx, redisReply *reply)
{
    struct assay_redis *r = ctx;
    if (reply == NULL || assay_reply_failed(reply)) {
        return refused(r, reply);
    }
    greeted(r);
    return 0;
}

/* What Redis answers to a number it does not have is no more than "ERR". */
static int on_select(void *ctx, redisReply *reply)
{
    struct assay_redis *r = ctx;
    if (assay_reply_is_error(reply, "ERR")) {
        fail_connection(r, "Redis has no database of the number in the URL");
        return 0;
    }
    return on_must_succeed(ctx, reply);
}

/* A user without the right to set a name works as well. */
static int on_name(void *ctx, redisReply *reply)
{
    if (reply != NULL && assay_redis_is_fault(reply)) {
        return refused(ctx, reply);
    }
    if (reply != NULL) {
        greeted(ctx);
    }
    return 0;
}

/* A server that does not know ROLE, or does not let us ask, is taken as a master. */
static int on_role(void *ctx, redisReply *reply)
{
    struct assay_redis *r = ctx;
    int known = assay_reply_count(reply) > 0;
    if (reply == NULL || assay_redis_is_fault(reply)) {
        return refused(r, reply);
    }
    if (known && !assay_reply_is(assay_reply_at(reply, 0), "master")) {
        fail_connection(r, "this Redis is a replica: name the master in the URL");
        return 0;
    }
    greeted(r);
    return 0;
}

static int read_password(struct assay_redis *r, char out[PASSWORD_MAX])
{
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, 2 * PASSWORD_MAX);
    out[0] = '\0';
    if (r->endpoint.password_file == NULL) {
        return 1;
    }
    int ok =
        assay_fs_read_file(r->endpoint.password_file, PASSWORD_MAX - 1, &text, NULL) == ASSAY_OK;
    if (ok) {
        size_t len = strcspn(assay_buf_str(&text), "\r\n");
        memcpy(out, assay_buf_str(&text), len);
        out[len] = '\0';
    }
    if (text.ptr != NULL) {
        explicit_bzero(text.ptr, text.len);
    }
    return ok;
}

static void greet_with(struct assay_redis *r, const struct assay_redis_args *a,
                       assay_redis_func *func)
{
    if (push(r, a, 0, func, r) == ASSAY_OK) {
        r->greetings++;
    }
}

/* Sends who we are and what we need before any command: AUTH, SELECT, SETNAME, ROLE. */
static void greet(struct assay_redis *r)
{
    char password[PASSWORD_MAX];
    char database[16];
    if (!read_password(r, password)) {
        fail_connection(r, "cannot read password_file");
        return;
    }
    struct assay_redis_args a = {.n = 0};
    r->state = STATE_GREETING;
    r->greetings = 0;
    if (password[0] != '\0' || r->address.user[0] != '\0') {
        assay_redis_arg(&a, "AUTH");
        if (r->address.user[0] != '\0') {
            assay_redis_arg(&a, r->address.user);
        }
        assay_redis_arg(&a, password);
        greet_with(r, &a, on_must_succeed);
    }
    explicit_bzero(password, sizeof password);
    if (r->address.database != 0) {
        a = (struct assay_redis_args){.n = 0};
        (void)snprintf(database, sizeof database, "%u", r->address.database);
        assay_redis_argv(&a, "SELECT", database, NULL);
        greet_with(r, &a, on_select);
    }
    a = (struct assay_redis_args){.n = 0};
    assay_redis_argv(&a, "CLIENT", "SETNAME", r->endpoint.name, NULL);
    greet_with(r, &a, on_name);
    a = (struct assay_redis_args){.n = 0};
    assay_redis_arg(&a, "ROLE");
    greet_with(r, &a, on_role);
}

/* ---- moving -------------------------------------------------------------------------------- */

/* Begins to connect; proceed goes on. */
static void begin(struct assay_redis *r, uint64_t now)
{
    struct assay_error err = {0};
    r->state = STATE_CONNECTING;
    r->due_ms = now + r->endpoint.timeout_ms;
    r->codec = assay_codec_new();
    if (r->codec == NULL) {
        fail_connection(r, "out of memory");
    } else if (assay_transport_open(&r->address, &r->endpoint.tls, &r->transport, &err) !=
               ASSAY_OK) {
        fail_connection(r, err.message);
    }
}

/* One step of connecting; greets when it is done. */
static void proceed(struct assay_redis *r, uint64_t now)
{
    struct assay_error err = {0};
    enum assay_status status = assay_transport_step(r->transport, &err);
    if (status == ASSAY_OK) {
        greet(r);
    } else if (status != ASSAY_END) {
        fail_connection(r, err.message);
    } else if (now >= r->due_ms) {
        fail_connection(r, "Redis does not answer: connecting took too long");
    }
}

static void flush(struct assay_redis *r)
{
    struct assay_error err = {0};
    while (r->state >= STATE_GREETING && r->sent < r->out.len) {
        size_t n;
        enum assay_status status = assay_transport_write(r->transport, r->out.ptr + r->sent,
                                                         r->out.len - r->sent, &n, &err);
        if (status == ASSAY_END) {
            return;
        }
        if (status != ASSAY_OK) {
            fail_connection(r, err.message);
            return;
        }
        r->sent += n;
        if (r->sent == r->out.len) {
            assay_buf_clear(&r->out);
            r->sent = 0;
        }
    }
}

/* Hands out every whole reply; 0 when the connection is gone. */
static int deliver(struct assay_redis *r)
{
    struct assay_error err = {0};
    redisReply *reply;
    enum assay_status status;
    while ((status = assay_codec_next(r->codec, &reply, &err)) == ASSAY_OK) {
        if (r->n_pending == 0) {
            freeReplyObject(reply);
            fail_connection(r, "Redis answers what nobody asked: is that a Redis server?");
            return 0;
        }
        answer(r, reply);
        if (r->codec == NULL) { /* its function found a fault */
            return 0;
        }
    }
    if (status != ASSAY_END) {
        fail_connection(r, err.message);
    }
    return status == ASSAY_END;
}

static void receive(struct assay_redis *r)
{
    char chunk[READ_SIZE];
    struct assay_error err = {0};
    for (int i = 0; i < READS_A_STEP && r->state >= STATE_GREETING; i++) {
        size_t n;
        enum assay_status status =
            assay_transport_read(r->transport, chunk, sizeof chunk, &n, &err);
        if (status == ASSAY_END) {
            return;
        }
        if (status == ASSAY_OK) {
            status = assay_codec_feed(r->codec, chunk, n, &err);
        }
        if (status != ASSAY_OK) {
            fail_connection(r, err.message);
            return;
        }
        if (!deliver(r)) {
            return;
        }
    }
}

static void check_time(struct assay_redis *r, uint64_t now)
{
    if (r->state >= STATE_GREETING && r->n_pending > 0 && r->pending[r->head].due_ms <= now) {
        fail_connection(r, "Redis does not answer in time (timeout): is it stopped or overloaded?");
    }
}

void assay_redis_step(struct assay_redis *r, uint64_t now)
{
    if (r->state == STATE_WAITING && now >= r->due_ms) {
        begin(r, now);
    }
    if (r->state == STATE_CONNECTING) {
        proceed(r, now);
    }
    flush(r);
    receive(r);
    flush(r); /* what the replies made the owner send */
    check_time(r, now);
}

int assay_redis_fd(const struct assay_redis *r)
{
    return r->transport == NULL ? -1 : assay_transport_fd(r->transport);
}

short assay_redis_events(const struct assay_redis *r)
{
    if (r->transport == NULL) {
        return 0;
    }
    short events = assay_transport_events(r->transport);
    return r->sent < r->out.len ? (short)(events | POLLOUT) : events;
}

uint64_t assay_redis_deadline(const struct assay_redis *r)
{
    if (r->state < STATE_GREETING) {
        return r->due_ms;
    }
    return r->n_pending == 0 ? NEVER : r->pending[r->head].due_ms;
}

int assay_redis_is_ready(const struct assay_redis *r)
{
    return r->state == STATE_READY;
}

uint64_t assay_redis_generation(const struct assay_redis *r)
{
    return r->generation;
}

size_t assay_redis_room(const struct assay_redis *r)
{
    return r->state == STATE_READY ? ASSAY_LIMIT_REDIS_PENDING - r->n_pending : 0;
}

const char *assay_redis_problem(const struct assay_redis *r)
{
    return r->problem[0] == '\0' ? NULL : r->problem;
}

/* ---- life ---------------------------------------------------------------------------------- */

enum assay_status assay_redis_new(const struct assay_redis_endpoint *e, struct assay_redis **ret,
                                  struct assay_error *err)
{
    *ret = NULL;
    struct assay_redis *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    r->endpoint = *e;
    r->endpoint.timeout_ms = e->timeout_ms == 0 ? ASSAY_REDIS_TIMEOUT_MS : e->timeout_ms;
    r->endpoint.name = e->name == NULL ? "assay" : e->name;
    assay_buf_init(&r->out, ASSAY_LIMIT_REDIS_OUTPUT);
    enum assay_status status = assay_redis_address_parse(e->url, &r->address, err);
    if (status != ASSAY_OK) {
        free(r);
        return status;
    }
    *ret = r;
    return ASSAY_OK;
}

void assay_redis_free(struct assay_redis *r)
{
    if (r != NULL) {
        drop_connection(r);
        assay_buf_release(&r->out);
        free(r);
    }
}

/* ---- for programs that may wait ------------------------------------------------------------ */

static void wait_a_step(struct assay_redis *r)
{
    uint64_t now = assay_monotonic_ms();
    uint64_t due = assay_redis_deadline(r);
    struct pollfd p = {.fd = assay_redis_fd(r), .events = assay_redis_events(r)};
    uint64_t left = due <= now ? 0 : due - now;
    (void)poll(&p, 1, left < 1000 ? (int)left : 1000);
    assay_redis_step(r, assay_monotonic_ms());
}

static enum assay_status fault_of(const struct assay_redis *r, struct assay_error *err)
{
    const char *problem = assay_redis_problem(r);
    return assay_fail(err, ASSAY_UNREACHABLE, "%s", problem == NULL ? "Redis is away" : problem);
}

enum assay_status assay_redis_connect(struct assay_redis *r, struct assay_error *err)
{
    unsigned failures = r->failures;
    assay_redis_step(r, assay_monotonic_ms());
    while (r->state != STATE_READY && r->failures == failures) {
        wait_a_step(r);
    }
    return r->state == STATE_READY ? ASSAY_OK : fault_of(r, err);
}

struct call {
    int done;
    redisReply *reply;
};

static int on_call(void *ctx, redisReply *reply)
{
    struct call *c = ctx;
    c->done = 1;
    c->reply = reply;
    return 1;
}

enum assay_status assay_redis_call(struct assay_redis *r, const struct assay_redis_args *a,
                                   redisReply **ret, struct assay_error *err)
{
    struct call c = {0, NULL};
    char why[200];
    *ret = NULL;
    enum assay_status status = assay_redis_send(r, a, 0, on_call, &c);
    if (status != ASSAY_OK) {
        return status == ASSAY_UNREACHABLE ? fault_of(r, err)
                                           : assay_fail(err, status, "the command is too large");
    }
    while (!c.done) {
        wait_a_step(r);
    }
    if (c.reply == NULL) {
        return fault_of(r, err);
    }
    if (assay_reply_failed(c.reply)) {
        assay_redis_explain(c.reply, why, sizeof why);
        freeReplyObject(c.reply);
        return assay_fail(err, ASSAY_UNREACHABLE, "%s", why);
    }
    *ret = c.reply;
    return ASSAY_OK;
}
