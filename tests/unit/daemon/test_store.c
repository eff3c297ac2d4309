/* SPDX-License-Identifier: Apache-2.0
 * The store: the state machine, recovery, order, refusal of newer formats. */
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/store.h"

static char path[64];
static struct assay_store *store;
static struct assay_error err;
static struct assay_run_record run;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/assay-store-XXXXXX");
    int fd = mkstemp(path);
    (void)close(fd);
    return fd < 0 || assay_store_open(path, &store, &err) != ASSAY_OK;
}

static int teardown(void **state)
{
    char other[80];
    (void)state;
    assay_store_close(store);
    store = NULL;
    (void)unlink(path);
    (void)snprintf(other, sizeof other, "%s-wal", path);
    (void)unlink(other);
    (void)snprintf(other, sizeof other, "%s-shm", path);
    (void)unlink(other);
    return 0;
}

static uint64_t add(const char *dataset, uint8_t signature)
{
    static const char *const packs[] = {"pii", "secrets"};
    uint64_t id = 0;
    struct assay_run_spec spec = {.path = dataset, .name = "n", .source = "s", .packs = {packs, 2}};
    memset(spec.signature, signature, sizeof spec.signature);
    memset(spec.rules_digest, 0x5A, sizeof spec.rules_digest);
    assert_int_equal(assay_store_add(store, &spec, &id, &err), ASSAY_OK);
    return id;
}

static enum assay_run_state state_of(uint64_t id)
{
    assert_int_equal(assay_store_get(store, id, &run, &err), ASSAY_OK);
    return run.state;
}

static void a_run_from_queue_to_verdict(void **state)
{
    (void)state;
    uint64_t id = add("/d", 1);
    assert_int_equal(assay_store_next(store, assay_store_now(store), NULL, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, id);
    assert_string_equal(run.spec.path, "/d");
    assert_null(run.spec.policy);
    assert_int_equal(run.spec.packs.n, 2);
    assert_string_equal(run.spec.packs.items[1], "secrets");
    assert_int_equal(run.spec.rules_digest[31], 0x5A);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(state_of(id), ASSAY_RUN_RUNNING);
    assert_int_equal(run.attempt, 1);
    const struct assay_outcome outcome = {"PASS", "/r/n-1", "00ff"};
    assert_int_equal(assay_store_done(store, id, &outcome, &err), ASSAY_OK);
    assert_int_equal(state_of(id), ASSAY_RUN_DONE);
    assert_string_equal(run.verdict, "PASS");
    assert_string_equal(run.report, "/r/n-1");
    assert_string_equal(run.manifest, "00ff");
    assert_true(run.finished_ms >= run.started_ms && run.started_ms >= run.created_ms);
}

/* Into a state by the shortest way. */
static uint64_t run_in(enum assay_run_state to)
{
    const struct assay_outcome outcome = {"PASS", "/r", "00"};
    static unsigned n;
    char dataset[32];
    (void)snprintf(dataset, sizeof dataset, "/t%u", ++n);
    uint64_t id = add(dataset, 1);
    if (to == ASSAY_RUN_RUNNING || to == ASSAY_RUN_DONE) {
        assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    }
    if (to == ASSAY_RUN_DONE) {
        assert_int_equal(assay_store_done(store, id, &outcome, &err), ASSAY_OK);
    } else if (assay_run_state_is_final(to)) {
        assert_int_equal(assay_store_ended(store, id, to, "why", &err), ASSAY_OK);
        assert_int_equal(assay_store_get(store, id, &run, &err), ASSAY_OK);
        assert_string_equal(run.reason, "why");
    }
    assert_int_equal(state_of(id), to);
    return id;
}

static enum assay_status try_move(uint64_t id, enum assay_run_state to)
{
    const struct assay_outcome outcome = {"PASS", "/r", "00"};
    switch (to) {
    case ASSAY_RUN_QUEUED:
        return assay_store_requeued(store, id, 0, "again", &err);
    case ASSAY_RUN_RUNNING:
        return assay_store_started(store, id, &err);
    case ASSAY_RUN_DONE:
        return assay_store_done(store, id, &outcome, &err);
    default:
        return assay_store_ended(store, id, to, "ended", &err);
    }
}

/* The table once more, so that a change of it is a change of this. */
static void only_these_transitions_are_possible(void **state)
{
    (void)state;
    static const char *const table[ASSAY_RUN_STATES] = {
        /*                      q r d f c D */
        [ASSAY_RUN_QUEUED] = "0 1 0 1 1 1",    [ASSAY_RUN_RUNNING] = "1 0 1 1 1 1",
        [ASSAY_RUN_DONE] = "0 0 0 0 0 0",      [ASSAY_RUN_FAILED] = "0 0 0 0 0 0",
        [ASSAY_RUN_CANCELLED] = "0 0 0 0 0 0", [ASSAY_RUN_DEAD] = "0 0 0 0 0 0",
    };
    for (int from = 0; from < ASSAY_RUN_STATES; from++) {
        for (int to = 0; to < ASSAY_RUN_STATES; to++) {
            int allowed = table[from][2 * to] == '1';
            uint64_t id = run_in((enum assay_run_state)from);
            assert_int_equal(
                assay_run_may_become((enum assay_run_state)from, (enum assay_run_state)to),
                allowed);
            assert_int_equal(try_move(id, (enum assay_run_state)to),
                             allowed ? ASSAY_OK : ASSAY_INTERNAL);
            assert_int_equal(state_of(id), allowed ? to : from);
            assert_true(to == ASSAY_RUN_DONE || from == ASSAY_RUN_DONE || run.verdict == NULL);
        }
    }
    assert_int_equal(assay_store_started(store, 9999, &err), ASSAY_INTERNAL);
    assert_int_equal(assay_store_get(store, 9999, &run, &err), ASSAY_NOTFOUND);
    uint64_t id = run_in(ASSAY_RUN_RUNNING);
    assert_int_equal(assay_store_ended(store, id, ASSAY_RUN_DONE, NULL, &err), ASSAY_INTERNAL);
}

static void a_dataset_runs_once_at_a_time_in_order(void **state)
{
    (void)state;
    uint64_t first = add("/d", 1);
    uint64_t second = add("/d", 2);
    uint64_t other = add("/e", 1);
    assert_int_equal(assay_store_next(store, assay_store_now(store), NULL, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, first);
    assert_int_equal(assay_store_started(store, first, &err), ASSAY_OK);
    assert_int_equal(assay_store_next(store, assay_store_now(store), NULL, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, other);
    assert_int_equal(assay_store_ended(store, first, ASSAY_RUN_FAILED, "x", &err), ASSAY_OK);
    assert_int_equal(assay_store_next(store, assay_store_now(store), NULL, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, second);
}

static void retries_wait_for_their_time(void **state)
{
    (void)state;
    uint64_t id = add("/d", 1);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_requeued(store, id, 5000, "crash", &err), ASSAY_OK);
    assert_int_equal(assay_store_next(store, 4999, NULL, &run, &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_store_next_retry(store, 4999), 5000);
    assert_int_equal(assay_store_next(store, 5000, NULL, &run, &err), ASSAY_OK);
    assert_string_equal(run.reason, "crash");
    assert_int_equal(run.attempt, 1);
    assert_int_equal(assay_store_next_retry(store, 5000), 0);
}

static void the_same_state_is_recognised(void **state)
{
    (void)state;
    static const char *const packs[] = {"pii", "secrets"};
    struct assay_run_spec spec = {.path = "/d", .packs = {packs, 2}};
    uint64_t found;
    memset(spec.signature, 1, sizeof spec.signature);
    memset(spec.rules_digest, 0x5A, sizeof spec.rules_digest);
    assert_int_equal(assay_store_same(store, &spec, &found, &err), ASSAY_NOTFOUND);
    uint64_t id = add("/d", 1);
    assert_int_equal(assay_store_same(store, &spec, &found, &err), ASSAY_OK);
    assert_int_equal(found, id);
    spec.rules_digest[0] = 1; /* the same names, another content */
    assert_int_equal(assay_store_same(store, &spec, &found, &err), ASSAY_NOTFOUND);
    spec.rules_digest[0] = 0x5A;
    spec.policy = "observe";
    assert_int_equal(assay_store_same(store, &spec, &found, &err), ASSAY_NOTFOUND);
    spec.policy = NULL;
    spec.packs.n = 1;
    assert_int_equal(assay_store_same(store, &spec, &found, &err), ASSAY_NOTFOUND);
    spec.packs.n = 2;
    (void)add("/d", 2); /* only the newest counts: it changed and changed back */
    assert_int_equal(assay_store_same(store, &spec, &found, &err), ASSAY_NOTFOUND);
}

static void the_urgent_come_first_and_full_sources_wait(void **state)
{
    (void)state;
    uint64_t ids[3];
    struct assay_run_spec spec = {.path = "/a", .name = "a", .source = "one"};
    assert_int_equal(assay_store_add(store, &spec, &ids[0], &err), ASSAY_OK);
    spec.path = "/b";
    spec.priority = 5;
    assert_int_equal(assay_store_add(store, &spec, &ids[1], &err), ASSAY_OK);
    spec.path = "/c";
    spec.source = "t\"wo";
    spec.priority = -3;
    assert_int_equal(assay_store_add(store, &spec, &ids[2], &err), ASSAY_OK);
    uint64_t now = assay_store_now(store);
    assert_int_equal(assay_store_next(store, now, NULL, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, ids[1]);
    assert_int_equal(run.spec.priority, 5);
    assert_int_equal(assay_store_next(store, now, "[\"one\"]", &run, &err), ASSAY_OK);
    assert_int_equal(run.id, ids[2]);
    assert_int_equal(run.spec.priority, -3);
    assert_int_equal(assay_store_next(store, now, "[\"t\\\"wo\"]", &run, &err), ASSAY_OK);
    assert_int_equal(run.id, ids[1]);
    assert_int_equal(assay_store_next(store, now, "[\"one\",\"t\\\"wo\"]", &run, &err),
                     ASSAY_NOTFOUND);
}

static uint64_t fake_now;
static uint64_t fake_clock(void)
{
    return fake_now;
}

static void deadlines_count_from_queueing(void **state)
{
    (void)state;
    uint64_t id;
    struct assay_run_spec spec = {.path = "/a", .name = "a", .source = "s", .deadline_ms = 500};
    assay_store_set_clock(store, fake_clock);
    fake_now = 1000;
    assert_int_equal(assay_store_next_deadline(store), 0);
    assert_int_equal(assay_store_add(store, &spec, &id, &err), ASSAY_OK);
    assert_int_equal(assay_store_next_deadline(store), 1500);
    assert_int_equal(assay_store_overdue(store, 1499, &run, &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_store_overdue(store, 1500, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, id);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_overdue(store, 1500, &run, &err), ASSAY_NOTFOUND);
}

static void a_cancellation_survives_the_daemon(void **state)
{
    (void)state;
    uint64_t queued;
    uint64_t id = add("/d", 1);
    assert_int_equal(assay_store_cancelling(store, id, &err), ASSAY_INTERNAL);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_cancelling(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_requeued(store, id, 0, "crash", &err), ASSAY_INTERNAL);
    assay_store_close(store);
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    assert_int_equal(assay_store_recover(store, NULL, NULL, &queued, &err), ASSAY_OK);
    assert_int_equal(queued, 0);
    assert_int_equal(state_of(id), ASSAY_RUN_CANCELLED);
}

static int knows_the_outcome(void *ctx, const struct assay_run_record *r, struct assay_outcome *ret)
{
    const uint64_t *id = ctx;
    *ret = (struct assay_outcome){"WARN", "/r/7", "aa"};
    return r->id == *id;
}

static void a_published_run_is_done_after_a_crash(void **state)
{
    (void)state;
    uint64_t queued;
    uint64_t lost = run_in(ASSAY_RUN_RUNNING);
    uint64_t published = run_in(ASSAY_RUN_RUNNING);
    assert_int_equal(assay_store_recover(store, knows_the_outcome, &published, &queued, &err),
                     ASSAY_OK);
    assert_int_equal(queued, 1);
    assert_int_equal(state_of(lost), ASSAY_RUN_QUEUED);
    assert_int_equal(state_of(published), ASSAY_RUN_DONE);
    assert_string_equal(run.verdict, "WARN");
}

static void what_is_joined_is_committed_together(void **state)
{
    (void)state;
    uint64_t id = add("/d", 1);
    assert_int_equal(assay_store_begin(store, &err), ASSAY_OK);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_INTERNAL); /* it alone fails */
    uint64_t other = add("/e", 1);
    assay_store_close(store); /* without a commit: as if killed */
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    assert_int_equal(state_of(id), ASSAY_RUN_QUEUED);
    assert_int_equal(assay_store_get(store, other, &run, &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_store_begin(store, &err), ASSAY_OK);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_commit(store, &err), ASSAY_OK);
    assay_store_close(store);
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    assert_int_equal(state_of(id), ASSAY_RUN_RUNNING);
}

struct told {
    unsigned n;
    uint64_t request;
    char text[200];
};

static int hear(void *ctx, uint64_t request, const struct assay_run_record *r)
{
    struct told *t = ctx;
    t->n++;
    t->request = request;
    (void)snprintf(t->text, sizeof t->text, "%s %s %s %s", r->spec.source, r->spec.origin,
                   r->spec.job == NULL ? "-" : r->spec.job, assay_run_state_name(r->state));
    return 0;
}

static struct told untold(uint64_t of_run)
{
    struct told t = {0};
    assert_int_equal(assay_store_untold(store, of_run, hear, &t, &err), ASSAY_OK);
    return t;
}

static void a_request_is_offered_until_it_is_told(void **state)
{
    (void)state;
    uint64_t id;
    const struct assay_outcome outcome = {"PASS", "/r", "00"};
    struct assay_run_spec spec = {
        .path = "/a", .name = "a", .source = "q", .origin = "5-0", .job = "J1"};
    assert_int_equal(assay_store_add(store, &spec, &id, &err), ASSAY_OK);
    assert_int_equal(assay_store_find_job(store, "q", "J1", &run, &err), ASSAY_OK);
    assert_int_equal(run.id, id);
    assert_int_equal(assay_store_find_job(store, "other", "J1", &run, &err), ASSAY_NOTFOUND);
    assert_int_equal(untold(0).n, 0); /* not final */
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_done(store, id, &outcome, &err), ASSAY_OK);
    assert_string_equal(untold(id).text, "q 5-0 J1 done");
    spec.origin = "6-0"; /* a second request for the same run, and the first once more */
    spec.job = NULL;
    assert_int_equal(assay_store_attach(store, id, &spec, &err), ASSAY_OK);
    assert_int_equal(assay_store_attach(store, id, &spec, &err), ASSAY_OK);
    assert_int_equal(untold(0).n, 2);
    assert_string_equal(untold(id).text, "q 6-0 - done");
    assert_int_equal(assay_store_told(store, untold(0).request, &err), ASSAY_OK);
    assay_store_close(store);
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    assert_int_equal(untold(0).n, 1);
    assert_string_equal(untold(id + 1).text, "");
    assert_int_equal(assay_store_attach(store, id, &spec, &err), ASSAY_OK); /* asked again */
    assert_int_equal(untold(0).n, 2);
}

static int count_runs(void *ctx, const struct assay_run_record *r)
{
    uint64_t *last = ctx;
    assert_true(*last == 0 || r->id < *last);
    *last = r->id;
    return 0;
}

static void a_second_life_queues_again(void **state)
{
    (void)state;
    uint64_t counts[ASSAY_RUN_STATES];
    uint64_t last = 0;
    uint64_t queued = 0;
    uint64_t id = add("/d", 1);
    (void)add("/e", 1);
    assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    assay_store_close(store);
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    assert_int_equal(state_of(id), ASSAY_RUN_RUNNING);
    assert_int_equal(assay_store_recover(store, NULL, NULL, &queued, &err), ASSAY_OK);
    assert_int_equal(queued, 1);
    assert_int_equal(state_of(id), ASSAY_RUN_QUEUED);
    assert_int_equal(run.attempt, 1);
    assert_int_equal(assay_store_counts(store, counts, &err), ASSAY_OK);
    assert_int_equal(counts[ASSAY_RUN_QUEUED], 2);
    assert_int_equal(assay_store_list(store, 10, count_runs, &last, &err), ASSAY_OK);
    assert_int_equal(last, id);
    assert_int_equal(assay_store_newest(store, "/d", id, &run, &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_store_newest(store, "/d", 0, &run, &err), ASSAY_OK);
}

/* Another connection: what is committed, as anybody may read it. */
static sqlite3 *look_inside(void)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

/* The kept counts, and what the rows themselves add up to. */
static void assert_counts_hold(void)
{
    uint64_t counts[ASSAY_RUN_STATES];
    uint64_t rows[ASSAY_RUN_STATES] = {0};
    sqlite3_stmt *q = NULL;
    sqlite3 *db = look_inside();
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT state FROM runs", -1, &q, NULL), SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) {
        rows[sqlite3_column_int(q, 0)]++;
    }
    (void)sqlite3_finalize(q);
    (void)sqlite3_close(db);
    assert_int_equal(assay_store_counts(store, counts, &err), ASSAY_OK);
    assert_memory_equal(counts, rows, sizeof counts);
    assert_int_equal(assay_store_queued(store), rows[ASSAY_RUN_QUEUED]);
}

static void counts_follow_every_change(void **state)
{
    (void)state;
    uint64_t id[ASSAY_RUN_STATES];
    assert_counts_hold();
    for (int to = 0; to < ASSAY_RUN_STATES; to++) {
        id[to] = run_in((enum assay_run_state)to);
        assert_counts_hold();
    }
    assert_int_equal(try_move(id[ASSAY_RUN_RUNNING], ASSAY_RUN_QUEUED), ASSAY_OK);
    assert_counts_hold();
    assert_int_not_equal(try_move(id[ASSAY_RUN_DEAD], ASSAY_RUN_RUNNING), ASSAY_OK);
    assert_counts_hold();
    assert_int_equal(assay_store_forget(store, id[ASSAY_RUN_FAILED], &err), ASSAY_OK);
    assert_counts_hold();
    assert_int_not_equal(assay_store_forget(store, id[ASSAY_RUN_DONE], &err), ASSAY_OK);
    assert_counts_hold(); /* it has a report: what was taken back is counted again */
}

/* However many runs there are, none of them is looked at. */
static void counts_are_kept_and_not_counted(void **state)
{
    (void)state;
    uint64_t counts[ASSAY_RUN_STATES];
    (void)add("/d", 1);
    sqlite3 *db = look_inside();
    assert_int_equal(
        sqlite3_exec(db, "UPDATE run_counts SET n = 77 WHERE state = 0", NULL, NULL, NULL),
        SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(assay_store_counts(store, counts, &err), ASSAY_OK);
    assert_int_equal(counts[ASSAY_RUN_QUEUED], 77);
    assert_int_equal(assay_store_queued(store), 77);
}

static enum assay_status list_suspect(void *ctx, struct assay_bytes name,
                                      enum assay_suspect_state state)
{
    assay_buf_addf(ctx, "%.*s=%d ", (int)name.len, name.ptr, (int)state);
    return ASSAY_OK;
}

static void assert_suspects(uint64_t id, const char *want)
{
    ASSAY_AUTO_BUF got;
    assay_buf_init(&got, 4096);
    assert_int_equal(assay_store_suspects(store, id, list_suspect, &got, &err), ASSAY_OK);
    assert_string_equal(assay_buf_str(&got), want);
}

static enum assay_status refuse_suspect(void *ctx, struct assay_bytes name,
                                        enum assay_suspect_state state)
{
    unsigned *n = ctx;
    (void)name;
    (void)state;
    ++*n;
    return ASSAY_NOMEM;
}

static void suspects_are_tried_once(void **state)
{
    (void)state;
    unsigned n = 0;
    const struct assay_bytes z = assay_bytes_make("z", 1);
    const struct assay_bytes odd = assay_bytes_make("b\xff", 2);
    uint64_t id = run_in(ASSAY_RUN_RUNNING);
    uint64_t other = run_in(ASSAY_RUN_RUNNING);
    assert_int_equal(assay_store_suspect(store, id, z, &err), ASSAY_OK);
    assert_int_equal(assay_store_suspect(store, id, odd, &err), ASSAY_OK);
    assert_int_equal(assay_store_suspect(store, other, z, &err), ASSAY_OK);
    assert_suspects(id, "b\xff=0 z=0 ");
    assert_int_equal(assay_store_suspect_tried(store, id, odd, ASSAY_SUSPECT_POISON, &err),
                     ASSAY_OK);
    assert_int_equal(assay_store_suspect_tried(store, id, z, ASSAY_SUSPECT_CLEARED, &err),
                     ASSAY_OK);
    assert_int_equal(assay_store_suspect(store, id, z, &err), ASSAY_OK); /* in hand once more */
    assay_store_close(store);
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    assert_suspects(id, "b\xff=1 z=2 ");
    assert_suspects(other, "z=0 ");
    assert_int_equal(assay_store_suspects(store, id, refuse_suspect, &n, &err), ASSAY_NOMEM);
    assert_int_equal(n, 1);
    assert_int_not_equal(assay_store_suspect(store, 9999, z, &err), ASSAY_OK); /* of no run */
}

static int collect_paths(void *ctx, const struct assay_run_record *r)
{
    char *all = ctx;
    size_t len = strlen(all);
    (void)snprintf(all + len, 100 - len, "%s", r->spec.path);
    return 0;
}

static void rules_that_changed_are_told(void **state)
{
    (void)state;
    const struct assay_outcome outcome = {"PASS", "/r", "00"};
    struct assay_run_spec spec = {.path = "/q", .name = "q", .source = "s"};
    uint8_t digest[ASSAY_SIGNATURE_LEN];
    uint64_t id[3];
    char all[100] = "";
    id[0] = add("/a", 1);
    id[1] = add("/b", 1);
    id[2] = add("/c", 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(assay_store_started(store, id[i], &err), ASSAY_OK);
        assert_int_equal(assay_store_done(store, id[i], &outcome, &err), ASSAY_OK);
    }
    memset(digest, 0x5A, sizeof digest);
    assert_int_equal(assay_store_stale(store, "s", digest, collect_paths, all, &err), ASSAY_OK);
    assert_string_equal(all, "");
    digest[0] = 0;
    (void)add("/b", 2); /* is queued again already; /c is not judged at all */
    assert_int_equal(assay_store_stale(store, "s", digest, collect_paths, all, &err), ASSAY_OK);
    assert_string_equal(all, "/a");
    assert_int_equal(assay_store_stale(store, "t", digest, collect_paths, all, &err), ASSAY_OK);
    assert_string_equal(all, "/a");
    assert_int_equal(assay_store_judged(store, "/a", "t", &run, &err), ASSAY_NOTFOUND);
    assert_int_equal(assay_store_judged(store, "/a", "s", &run, &err), ASSAY_OK);
    assert_int_equal(run.id, id[0]);
    memset(spec.signature, 9, sizeof spec.signature);
    assert_int_equal(assay_store_refresh(store, id[0], &spec, &err), ASSAY_INTERNAL);
    assert_int_equal(assay_store_refresh(store, id[2], &spec, &err), ASSAY_OK);
    assert_int_equal(state_of(id[2]), ASSAY_RUN_QUEUED);
    assert_int_equal(run.spec.signature[0], 9);
}

static void a_store_of_the_first_format_goes_on(void **state)
{
    (void)state;
    static const char old[] =
        "DROP TABLE run_counts; DROP TABLE suspects; DROP TABLE requests; DROP TABLE verdicts; "
        "DROP TABLE runs; DROP "
        "TABLE datasets;"
        "CREATE TABLE datasets (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,"
        " name TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
        "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " dataset INTEGER NOT NULL REFERENCES datasets, state INTEGER NOT NULL,"
        " source TEXT NOT NULL, policy TEXT, packs TEXT NOT NULL, signature BLOB NOT NULL,"
        " attempt INTEGER NOT NULL DEFAULT 0, not_before_ms INTEGER NOT NULL DEFAULT 0,"
        " created_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL DEFAULT 0,"
        " finished_ms INTEGER NOT NULL DEFAULT 0, reason TEXT) STRICT;"
        "CREATE INDEX runs_by_dataset ON runs (dataset, id);"
        "CREATE INDEX runs_by_state ON runs (state, not_before_ms);"
        "CREATE TABLE verdicts (run INTEGER PRIMARY KEY REFERENCES runs, verdict TEXT NOT NULL,"
        " report TEXT NOT NULL, manifest TEXT NOT NULL, recorded_ms INTEGER NOT NULL) STRICT;"
        "INSERT INTO datasets VALUES (1, '/d', 'd', 5);"
        "INSERT INTO runs (dataset, state, source, packs, signature, created_ms)"
        " VALUES (1, 2, 's', '', zeroblob(32), 6);"
        "INSERT INTO verdicts VALUES (1, 'WARN', '/r/d-1', '00', 7);"
        "PRAGMA user_version = 1;";
    static const uint8_t zeroes[ASSAY_SIGNATURE_LEN];
    sqlite3 *db;
    assay_store_close(store);
    store = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, old, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
        assert_int_equal(state_of(1), ASSAY_RUN_DONE);
        assert_string_equal(run.verdict, "WARN");
        assert_memory_equal(run.spec.rules_digest, zeroes, sizeof zeroes);
        assert_counts_hold();
        assert_true(add("/d", 1) > 1);
        assert_counts_hold();
        assay_store_close(store);
        store = NULL;
    }
}

static void a_newer_store_is_refused_and_left_alone(void **state)
{
    (void)state;
    sqlite3 *db;
    assay_store_close(store);
    store = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_UNSUPPORTED);
    assert_non_null(strstr(err.message, "newer assayd (format 99, this one knows "));
}

static void a_file_that_is_no_store_is_refused(void **state)
{
    (void)state;
    struct assay_store *other = NULL;
    char name[80];
    (void)snprintf(name, sizeof name, "%s.text", path);
    FILE *f = fopen(name, "w");
    for (int i = 0; i < 200; i++) {
        (void)fputs("this is not a database\n", f);
    }
    (void)fclose(f);
    assert_int_not_equal(assay_store_open(name, &other, &err), ASSAY_OK);
    assert_null(other);
    (void)unlink(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_from_queue_to_verdict, setup, teardown),
        cmocka_unit_test_setup_teardown(only_these_transitions_are_possible, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dataset_runs_once_at_a_time_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(retries_wait_for_their_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_state_is_recognised, setup, teardown),
        cmocka_unit_test_setup_teardown(the_urgent_come_first_and_full_sources_wait, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(deadlines_count_from_queueing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancellation_survives_the_daemon, setup, teardown),
        cmocka_unit_test_setup_teardown(a_published_run_is_done_after_a_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_joined_is_committed_together, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_is_offered_until_it_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_life_queues_again, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_follow_every_change, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_are_kept_and_not_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(suspects_are_tried_once, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_that_changed_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_of_the_first_format_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_store_is_refused_and_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_store_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
