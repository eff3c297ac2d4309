/* SPDX-License-Identifier: Apache-2.0
 * The client against a server that speaks from a script: what it sends, byte for byte, and how it
 * takes every kind of ill treatment. */
#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "daemon/redis/client.h"

#define NAME_SENT "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$5\r\nassay\r\n"
#define ROLE_SENT "*1\r\n$4\r\nROLE\r\n"
#define MASTER    "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
#define PING_SENT "*1\r\n$4\r\nPING\r\n"

/* One exchange of the script: what must come, what is answered; "hang up" ends the connection. */
struct line {
    const char *expect, *answer;
};

static char dir[64], url[128], path[108];
static int listener, peer;
static struct assay_redis *redis;

static int setup(void **state)
{
    (void)state;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(dir, sizeof dir, "/tmp/assay-redis-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof path, "%s/s", dir);
    (void)snprintf(url, sizeof url, "unix://%s", path);
    memcpy(to.sun_path, path, sizeof path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    peer = -1;
    return bind(listener, (const struct sockaddr *)(const void *)&to, sizeof to) != 0 ||
           listen(listener, 4) != 0;
}

static int teardown(void **state)
{
    (void)state;
    assay_redis_free(redis);
    redis = NULL;
    if (peer >= 0) {
        (void)close(peer);
    }
    (void)close(listener);
    (void)unlink(path);
    return rmdir(dir);
}

static void open_client(uint64_t timeout_ms)
{
    const struct assay_redis_endpoint e = {.url = url, .timeout_ms = timeout_ms};
    assert_int_equal(assay_redis_new(&e, &redis, NULL), ASSAY_OK);
}

/* Lets the client move; waits a little for it. */
static void turn(void)
{
    struct pollfd p = {.fd = assay_redis_fd(redis), .events = assay_redis_events(redis)};
    (void)poll(&p, 1, 5);
    assay_redis_step(redis, assay_monotonic_ms());
}

static void accept_peer(void)
{
    for (int i = 0; i < 2000 && (peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0; i++) {
        turn();
    }
    assert_true(peer >= 0);
}

/* Plays the script over a new connection. */
static void play(const struct line *script, size_t n)
{
    char got[1024];
    for (size_t i = 0; i < n; i++) {
        size_t want = strlen(script[i].expect);
        size_t len = 0;
        for (int tries = 0; len < want && tries < 2000; tries++) {
            turn();
            ssize_t r = recv(peer, got + len, want - len, 0);
            len += r > 0 ? (size_t)r : 0;
        }
        got[len] = '\0';
        assert_string_equal(got, script[i].expect);
        if (strcmp(script[i].answer, "hang up") == 0) {
            (void)close(peer);
            peer = -1;
        } else {
            assert_int_equal(send(peer, script[i].answer, strlen(script[i].answer), MSG_NOSIGNAL),
                             strlen(script[i].answer));
        }
        turn();
    }
}

static void be_ready(void)
{
    static const struct line script[] = {{NAME_SENT ROLE_SENT, "+OK\r\n" MASTER}};
    accept_peer();
    play(script, 1);
    for (int i = 0; i < 2000 && !assay_redis_is_ready(redis); i++) {
        turn();
    }
    assert_true(assay_redis_is_ready(redis));
    assert_null(assay_redis_problem(redis));
}

static int answers, losses;
static char last[64];

static int note(void *ctx, redisReply *reply)
{
    (void)ctx;
    losses += reply == NULL;
    answers += reply != NULL;
    struct assay_bytes text = assay_reply_text(reply);
    (void)snprintf(last, sizeof last, "%.*s", (int)text.len, text.ptr);
    return 0;
}

static void ping(void)
{
    struct assay_redis_args a = {.n = 0};
    assay_redis_arg(&a, "PING");
    assert_int_equal(assay_redis_send(redis, &a, 0, note, NULL), ASSAY_OK);
}

static void until_problem(const char *text)
{
    for (int i = 0; i < 2000 && assay_redis_problem(redis) == NULL; i++) {
        turn();
    }
    assert_non_null(assay_redis_problem(redis));
    assert_non_null(strstr(assay_redis_problem(redis), text));
    assert_false(assay_redis_is_ready(redis));
}

static void it_greets_and_gets_answers_in_order(void **state)
{
    (void)state;
    static const struct line script[] = {{PING_SENT, ""}, {PING_SENT, "+one\r\n+two\r\n"}};
    open_client(5000);
    struct assay_redis_args a = {.n = 0};
    assay_redis_arg(&a, "PING");
    assert_int_equal(assay_redis_send(redis, &a, 0, note, NULL), ASSAY_UNREACHABLE);
    be_ready();
    answers = losses = 0;
    ping();
    ping();
    play(script, 2);
    for (int i = 0; i < 200 && answers < 2; i++) {
        turn();
    }
    assert_int_equal(answers, 2);
    assert_string_equal(last, "two");
}

static void it_logs_in_from_a_file(void **state)
{
    (void)state;
    char file[96], with_user[160];
    static const struct line script[] = {{"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\ns3cret\r\n*2\r\n$"
                                          "6\r\nSELECT\r\n$1\r\n7\r\n" NAME_SENT ROLE_SENT,
                                          "+OK\r\n+OK\r\n+OK\r\n" MASTER}};
    (void)snprintf(file, sizeof file, "%s/password", dir);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    (void)fputs("s3cret\nsecond line\n", f);
    (void)fclose(f);
    (void)snprintf(with_user, sizeof with_user, "unix://me@%s?db=7", path);
    const struct assay_redis_endpoint e = {.url = with_user, .password_file = file};
    assert_int_equal(assay_redis_new(&e, &redis, NULL), ASSAY_OK);
    accept_peer();
    play(script, 1);
    for (int i = 0; i < 2000 && !assay_redis_is_ready(redis); i++) {
        turn();
    }
    assert_true(assay_redis_is_ready(redis));
    (void)unlink(file);
}

static void a_refused_greeting_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *problem;
    } rows[] = {
        {"-NOAUTH Authentication required.\r\n", "password_file"},
        {"-LOADING Redis is loading the dataset in memory\r\n", "loading"},
        {"+OK\r\n*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:9\r\n", "replica"},
        {"hello\r\n", "is that a Redis server?"},
        {"hang up", "closed the connection"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct line script[] = {{NAME_SENT ROLE_SENT, rows[i].answer}};
        open_client(5000);
        accept_peer();
        play(script, 1);
        until_problem(rows[i].problem);
        assay_redis_free(redis);
        redis = NULL;
        if (peer >= 0) {
            (void)close(peer);
        }
        peer = -1;
    }
}

static void it_comes_back_and_tells_what_was_lost(void **state)
{
    (void)state;
    static const struct line script[] = {{PING_SENT, "hang up"}};
    open_client(5000);
    be_ready();
    uint64_t before = assay_redis_generation(redis);
    answers = losses = 0;
    ping();
    play(script, 1);
    until_problem("closed the connection");
    assert_int_equal(losses, 1);
    be_ready();
    assert_true(assay_redis_generation(redis) > before);
}

static void silence_is_a_fault(void **state)
{
    (void)state;
    open_client(100);
    accept_peer(); /* never greets back */
    until_problem("does not answer in time");
    (void)close(peer);
    be_ready();
    answers = losses = 0;
    ping();
    until_problem("does not answer in time");
    assert_int_equal(losses, 1);
}

static void nobody_there_is_a_fault(void **state)
{
    (void)state;
    (void)close(listener);
    open_client(1000);
    assay_redis_step(redis, assay_monotonic_ms());
    until_problem("cannot connect to Redis at /tmp/");
    struct assay_error err;
    assert_int_equal(assay_redis_connect(redis, &err), ASSAY_UNREACHABLE);
}

static void an_answer_nobody_asked_for_is_a_fault(void **state)
{
    (void)state;
    open_client(5000);
    be_ready();
    assert_int_equal(send(peer, "+hm\r\n", 5, MSG_NOSIGNAL), 5);
    until_problem("nobody asked");
}

static void a_name_that_does_not_resolve_is_a_fault(void **state)
{
    (void)state;
    const struct assay_redis_endpoint e = {.url = "redis://no-such-host.invalid:1",
                                           .timeout_ms = 20000};
    assert_int_equal(assay_redis_new(&e, &redis, NULL), ASSAY_OK);
    uint64_t before = assay_monotonic_ms();
    assay_redis_step(redis, before);
    assert_true(assay_monotonic_ms() - before < 1000); /* the look-up is somebody else's wait */
    until_problem("no-such-host.invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_greets_and_gets_answers_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(it_logs_in_from_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refused_greeting_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(it_comes_back_and_tells_what_was_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(silence_is_a_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there_is_a_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_nobody_asked_for_is_a_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_does_not_resolve_is_a_fault, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
