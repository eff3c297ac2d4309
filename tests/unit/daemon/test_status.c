/* SPDX-License-Identifier: Apache-2.0
 * What watchers are told: everything first, then what changed; never more often than they want, never
 * while they have not read; and how much they missed. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "daemon/server.h"

static char path[64];
static struct server *s;
static struct server_client *c;
static struct assay_config config;
static struct assay_error err;
static json_t *said;

/* ---- what the rest of the daemon would say ------------------------------------------------- */

size_t server_busy(const struct server *server)
{
    size_t n = 0;
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        n += server->runs[i].busy ? 1 : 0;
    }
    return n;
}

const struct server_run *server_find_run(const struct server *server, uint64_t id)
{
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        if (server->runs[i].busy && server->runs[i].id == id) {
            return &server->runs[i];
        }
    }
    return NULL;
}

struct assay_source_counts server_source_counts(const struct server *server,
                                                const struct assay_config_source *which)
{
    (void)server;
    (void)which;
    return (struct assay_source_counts){.datasets = 0};
}

/* ---- a daemon without a loop --------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/assay-status-XXXXXX");
    int fd = mkstemp(path);
    (void)close(fd);
    s = calloc(1, sizeof *s);
    assert_non_null(s);
    config = (struct assay_config){.workers = 2};
    s->config = &config;
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        s->clients[i].fd = -1;
    }
    c = &s->clients[3];
    c->fd = 1000; /* is never used */
    assay_buf_init(&c->out, ASSAY_MIB(8));
    return fd < 0 || assay_store_open(path, &s->store, &err) != ASSAY_OK;
}

static int teardown(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char other[80];
    (void)state;
    server_watch_stop(&c->watch);
    assay_buf_release(&c->out);
    assay_store_close(s->store);
    free(s);
    json_decref(said);
    said = NULL;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(other, sizeof other, "%s%s", path, suffixes[i]);
        (void)unlink(other);
    }
    return 0;
}

static uint64_t add(const char *dataset)
{
    uint64_t id = 0;
    const struct assay_run_spec spec = {.path = dataset, .name = dataset + 1, .source = "s"};
    assert_int_equal(assay_store_add(s->store, &spec, &id, &err), ASSAY_OK);
    server_news(s, id);
    return id;
}

static void begin(uint64_t id, size_t slot)
{
    assert_int_equal(assay_store_started(s->store, id, &err), ASSAY_OK);
    s->runs[slot] = (struct server_run){.busy = 1, .id = id};
    server_news(s, id);
}

static void end(uint64_t id, size_t slot)
{
    const struct assay_outcome outcome = {"PASS", "/r", "00"};
    assert_int_equal(assay_store_done(s->store, id, &outcome, &err), ASSAY_OK);
    s->runs[slot].busy = 0;
    server_news(s, id);
}

static void watch(const char *dataset, uint64_t run, uint64_t interval_ms)
{
    const struct assay_request r = {
        .op = ASSAY_OP_WATCH, .dataset = dataset, .run = run, .interval_ms = interval_ms};
    assert_int_equal(server_watch_start(s, &c->watch, &r, &err), ASSAY_OK);
}

/* Takes what was pushed off the client; 0 when nothing was. */
static int pushed(void)
{
    server_watch_turn(s);
    size_t len = c->out.len;
    json_decref(said);
    said = NULL;
    if (len > 0) {
        assert_int_equal(c->out.ptr[len - 1], '\n');
        said = json_loadb(c->out.ptr, len, 0, NULL);
        assert_non_null(said);
        assay_buf_clear(&c->out);
    }
    return len > 0;
}

/* The same once the interval is over. */
static int pushed_later(void)
{
    c->watch.next_ms = 0;
    return pushed();
}

static size_t count(const char *list)
{
    return json_array_size(json_object_get(said, list));
}

static int64_t number(const char *list, size_t i, const char *member)
{
    const json_t *run = json_array_get(json_object_get(said, list), i);
    return json_integer_value(json_object_get(run, member));
}

static const char *text(const char *list, size_t i, const char *member)
{
    const json_t *run = json_array_get(json_object_get(said, list), i);
    return json_string_value(json_object_get(run, member));
}

/* ---- tests --------------------------------------------------------------------------------- */

static void everything_first_then_what_changed(void **state)
{
    (void)state;
    uint64_t a = add("/a");
    uint64_t b = add("/b");
    begin(a, 0);
    watch(NULL, 0, 0);
    assert_true(pushed());
    assert_true(json_is_true(json_object_get(said, "all")));
    assert_int_equal(json_integer_value(json_object_get(said, "queued")), 1);
    assert_int_equal(count("active"), 1);
    assert_int_equal(number("active", 0, "id"), a);
    assert_string_equal(text("active", 0, "phase"), "starting");
    assert_int_equal(number("waiting", 0, "id"), b);
    assert_int_equal(count("changed"), 2);
    assert_false(pushed_later()); /* nothing happened */
    end(a, 0);
    begin(b, 1);
    end(b, 1);
    assert_true(pushed_later());
    assert_false(json_is_true(json_object_get(said, "all")));
    assert_int_equal(count("changed"), 2); /* b once, although it changed twice */
    assert_int_equal(number("changed", 0, "id"), a);
    assert_int_equal(number("changed", 1, "id"), b);
    assert_string_equal(text("changed", 1, "state"), "done");
    assert_int_equal(count("active") + count("waiting"), 0);
}

static void progress_stirs_but_changes_no_run(void **state)
{
    (void)state;
    begin(add("/a"), 0);
    watch(NULL, 0, 0);
    assert_true(pushed());
    s->runs[0].child.progress.records = 7;
    server_stir(s);
    assert_true(pushed_later());
    assert_int_equal(number("active", 0, "records"), 7);
    assert_int_equal(count("changed"), 0);
}

static void nobody_is_told_more_often_than_agreed(void **state)
{
    (void)state;
    watch(NULL, 0, 0);
    assert_true(pushed());
    assert_true(server_watch_deadline(s) == SERVER_NEVER); /* no wake-up without news */
    (void)add("/a");
    assert_false(pushed()); /* too early */
    uint64_t due = server_watch_deadline(s);
    assert_true(due <= assay_monotonic_ms() + ASSAY_LIMIT_WATCH_MS);
    assert_true(due > assay_monotonic_ms());
    (void)add("/b");
    assert_true(pushed_later()); /* both at once */
    assert_int_equal(count("changed"), 2);
    watch(NULL, 0, 60000);
    assert_true(pushed());
    (void)add("/c");
    assert_true(server_watch_deadline(s) > assay_monotonic_ms() + 50000);
}

static void who_does_not_read_is_not_told_and_not_forgotten(void **state)
{
    (void)state;
    watch(NULL, 0, 0);
    server_watch_turn(s);
    size_t full = c->out.len; /* and it stays there */
    assert_true(full > 0);
    for (int i = 0; i < 300; i++) {
        (void)add("/a");
        c->watch.next_ms = 0;
        server_watch_turn(s);
        assert_int_equal(c->out.len, full);
    }
    assert_true(server_watch_deadline(s) == SERVER_NEVER); /* its reading wakes us */
    assay_buf_clear(&c->out);
    assert_true(pushed_later());
    assert_int_equal(count("changed"), 300);
    assert_int_equal(json_integer_value(json_object_get(said, "missed")), 0);
}

static void who_falls_behind_hears_how_far(void **state)
{
    (void)state;
    watch(NULL, 0, 0);
    assert_true(pushed());
    uint64_t a = add("/a");
    for (size_t i = 0; i < SERVER_NEWS; i++) {
        server_news(s, a);
    }
    assert_true(pushed_later());
    assert_int_equal(json_integer_value(json_object_get(said, "missed")), SERVER_NEWS + 1);
    assert_true(json_is_true(json_object_get(said, "all")));
    assert_int_equal(count("changed"), 1);
    assert_false(pushed_later());
    (void)add("/b");
    assert_true(pushed_later());
    assert_false(json_is_true(json_object_get(said, "all")));
}

static void a_push_has_a_bound_and_the_rest_follows(void **state)
{
    (void)state;
    char dataset[3000] = "/";
    size_t told = 0;
    memset(dataset + 1, 'd', sizeof dataset - 2);
    watch(NULL, 0, 0);
    assert_true(pushed());
    for (int i = 0; i < 500; i++) {
        (void)add(dataset);
    }
    for (int i = 0; i < 500 && pushed_later(); i++) {
        told += count("changed");
        assert_true(i > 0 || count("changed") < 500);
    }
    assert_int_equal(told, 500);
}

static void one_target_and_nothing_else(void **state)
{
    (void)state;
    uint64_t a = add("/a");
    uint64_t b = add("/b");
    watch(NULL, b, 0);
    assert_true(pushed());
    assert_int_equal(count("changed"), 1);
    assert_int_equal(number("changed", 0, "id"), b);
    assert_int_equal(count("waiting"), 1);
    begin(a, 0);
    begin(b, 1);
    assert_true(pushed_later());
    assert_int_equal(count("active"), 1);
    assert_int_equal(count("changed"), 1);
    watch("/a", a, 0); /* the run after a, which is not there yet */
    assert_true(pushed());
    assert_int_equal(count("changed"), 0);
    end(a, 0);
    uint64_t later = add("/a");
    assert_true(pushed_later());
    assert_int_equal(count("changed"), 1);
    assert_int_equal(number("changed", 0, "id"), later);
}

static void a_store_that_fails_ends_the_watch_with_the_reason(void **state)
{
    (void)state;
    (void)add("/a");
    watch(NULL, 0, 0);
    assert_true(pushed());
    (void)add("/b");
    struct assay_store *whole = s->store;
    char broken[] = "/tmp/assay-status-XXXXXX";
    int fd = mkstemp(broken);
    assert_true(fd >= 0);
    assert_int_equal(assay_store_open(broken, &s->store, &err), ASSAY_OK);
    assert_int_equal(pwrite(fd, "garbage garbage garbage garbage", 31, 0), 31);
    assert_int_equal(ftruncate(fd, 0), 0);
    (void)pushed_later();
    assay_store_close(s->store);
    s->store = whole;
    assert_true(json_is_false(json_object_get(said, "ok")));
    assert_non_null(json_string_value(json_object_get(said, "message")));
    assert_false(c->watch.on);
    (void)close(fd);
    (void)unlink(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_first_then_what_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(progress_stirs_but_changes_no_run, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_is_told_more_often_than_agreed, setup, teardown),
        cmocka_unit_test_setup_teardown(who_does_not_read_is_not_told_and_not_forgotten, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_falls_behind_hears_how_far, setup, teardown),
        cmocka_unit_test_setup_teardown(a_push_has_a_bound_and_the_rest_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(one_target_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_fails_ends_the_watch_with_the_reason, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
