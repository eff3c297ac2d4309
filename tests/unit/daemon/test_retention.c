/* SPDX-License-Identifier: Apache-2.0
 * What goes and what stays, over a real store and real directories: every reason to stay, every step
 * at which a daemon may die, and what must not be touched. */
#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "daemon/server.h"

#define DAY UINT64_C(86400000)

static char top[64];
static char reports[80];
static struct server *s;
static struct assay_config config;
static struct assay_error err;
static struct assay_run_record run;
static uint64_t now;

static uint64_t clock_of_test(void)
{
    return now;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

void server_remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int setup(void **state)
{
    char path[100];
    (void)state;
    (void)snprintf(top, sizeof top, "/tmp/assay-retention-XXXXXX");
    assert_non_null(mkdtemp(top));
    (void)snprintf(reports, sizeof reports, "%s/reports", top);
    assert_int_equal(mkdir(reports, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/db", top);
    s = calloc(1, sizeof *s);
    assert_non_null(s);
    config = (struct assay_config){.reports_dir = reports, .retention = {.interval_ms = 1000}};
    s->config = &config;
    now = 1000 * DAY;
    assay_log_setup(STDERR_FILENO, ASSAY_LOG_TEXT, ASSAY_LOG_ERROR);
    return assay_store_open_at(path, clock_of_test, &s->store, &err) != ASSAY_OK;
}

static int teardown(void **state)
{
    (void)state;
    assay_store_close(s->store);
    free(s);
    server_remove_tree(top);
    return 0;
}

static const char *report_of(uint64_t id)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/d-%llu", reports, (unsigned long long)id);
    return path;
}

static int is_there(uint64_t id)
{
    return access(report_of(id), F_OK) == 0;
}

static int is_known(uint64_t id)
{
    return assay_store_get(s->store, id, &run, &err) == ASSAY_OK;
}

static void make_report(const char *path)
{
    char file[200];
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(file, sizeof file, "%s/statement.json", path);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    (void)fputs("{}", f);
    (void)fclose(f);
}

static uint64_t queued(const char *dataset, const char *source, const char *origin)
{
    uint64_t id = 0;
    const struct assay_run_spec spec = {
        .path = dataset, .name = "d", .source = source, .origin = origin};
    assert_int_equal(assay_store_add(s->store, &spec, &id, &err), ASSAY_OK);
    return id;
}

static uint64_t judged_for(const char *dataset, const char *source, const char *origin)
{
    uint64_t id = queued(dataset, source, origin);
    const struct assay_outcome outcome = {"PASS", report_of(id), "00"};
    assert_int_equal(assay_store_started(s->store, id, &err), ASSAY_OK);
    assert_int_equal(assay_store_done(s->store, id, &outcome, &err), ASSAY_OK);
    make_report(report_of(id));
    return id;
}

static uint64_t judged(void)
{
    return judged_for("/d", "in", NULL);
}

/* A whole pass, however many turns it takes. */
static void pass(void)
{
    s->retention_ms = s->retention_after = 0;
    for (int i = 0; i < 1000 && server_retention_deadline(s) <= assay_monotonic_ms(); i++) {
        server_retain(s);
    }
    assert_int_equal(s->retention_after, 0);
    assert_true(server_retention_deadline(s) > assay_monotonic_ms());
}

static uint64_t failures(void)
{
    return s->metrics.value[ASSAY_M_RETENTION_FAILURES][0];
}

/* ---- tests --------------------------------------------------------------------------------- */

static void nothing_goes_without_a_limit(void **state)
{
    (void)state;
    uint64_t first = judged();
    (void)judged();
    now += 10000 * DAY;
    assert_true(server_retention_deadline(s) == SERVER_NEVER); /* and nobody wakes up for it */
    server_retain(s);
    assert_true(is_there(first) && is_known(first));
}

static void the_newest_stay(void **state)
{
    (void)state;
    uint64_t ids[5];
    for (int i = 0; i < 5; i++) {
        ids[i] = judged();
    }
    uint64_t other = judged_for("/e", "in", NULL);
    config.retention.reports_keep = 2;
    pass();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(is_there(ids[i]), i >= 3);
        assert_true(is_known(ids[i]));
        assert_int_equal(run.report_removed, i < 3);
        assert_string_equal(run.verdict, "PASS");
    }
    assert_true(is_there(other));
    config.retention.reports_keep = 1;
    config.retention.runs_keep = 2;
    pass();
    assert_true(!is_known(ids[2]) && is_known(ids[3]) && is_known(ids[4]) && is_known(other));
    assert_true(!is_there(ids[3]) && is_there(ids[4]));
    assert_int_equal(s->metrics.value[ASSAY_M_RETENTION][0], 4);
    assert_int_equal(s->metrics.value[ASSAY_M_RETENTION][1], 3);
    assert_int_equal(failures(), 0);
}

static void the_old_go_but_not_the_last_verdict(void **state)
{
    (void)state;
    uint64_t old = judged();
    now += 10 * DAY;
    uint64_t last = judged();
    uint64_t failed = queued("/d", "in", NULL);
    assert_int_equal(assay_store_ended(s->store, failed, ASSAY_RUN_FAILED, "no", &err), ASSAY_OK);
    config.retention.reports_age_ms = config.retention.runs_age_ms = 20 * DAY;
    now += 10 * DAY;
    pass(); /* exactly as old as it may be */
    assert_true(is_there(old));
    now += 1;
    pass();
    assert_true(!is_known(old) && !is_there(old)); /* the run with its report, in one pass */
    now += 1000 * DAY;
    pass();
    assert_true(is_there(last) && is_known(last) && is_known(failed));
}

static void what_somebody_waits_for_stays(void **state)
{
    (void)state;
    uint64_t untold = judged_for("/d", "queue", "message 1");
    uint64_t other_source = judged_for("/d", "elsewhere", NULL);
    uint64_t running = queued("/d", "in", NULL);
    assert_int_equal(assay_store_started(s->store, running, &err), ASSAY_OK);
    uint64_t waiting = queued("/d", "in", NULL);
    (void)judged_for("/d", "late", NULL);
    (void)judged_for("/d", "queue", NULL);
    config.retention =
        (struct assay_retention){.reports_keep = 1, .runs_keep = 1, .interval_ms = 1000};
    now += 1000 * DAY;
    pass();
    assert_true(is_there(untold) && is_known(untold));
    assert_true(is_known(running) && is_known(waiting));
    assert_true(is_known(other_source)); /* the newest of its source: it was judged already */
    assert_false(is_there(other_source));
    assert_int_equal(assay_store_told(s->store, 1, &err), ASSAY_OK);
    pass();
    assert_true(!is_there(untold) && !is_known(untold));
}

static void a_removal_that_was_begun_is_finished(void **state)
{
    (void)state;
    char moved[160];
    uint64_t recorded = judged(); /* dies after recording that it goes */
    uint64_t renamed = judged();  /* dies after the rename, */
    uint64_t unmoved = judged();  /* and what somebody has taken away meanwhile */
    (void)judged();
    assert_int_equal(assay_store_report_removal(s->store, recorded, ASSAY_REPORT_GOES, &err),
                     ASSAY_OK);
    assert_int_equal(assay_store_report_removal(s->store, renamed, ASSAY_REPORT_GOES, &err),
                     ASSAY_OK);
    (void)snprintf(moved, sizeof moved, "%s/.staging", reports);
    assert_int_equal(mkdir(moved, 0700), 0);
    (void)snprintf(moved, sizeof moved, "%s/.staging/gone-%llu", reports,
                   (unsigned long long)renamed);
    assert_int_equal(rename(report_of(renamed), moved), 0);
    server_remove_tree(report_of(unmoved));
    assert_true(is_known(recorded) && run.report == NULL); /* nobody is shown it meanwhile */
    config.retention.reports_keep = 1;
    pass();
    assert_false(is_there(recorded));
    assert_int_equal(access(moved, F_OK), -1);
    assert_true(is_known(unmoved) && run.report_removed);
    assert_int_equal(failures(), 0);
}

static void nothing_outside_is_touched(void **state)
{
    (void)state;
    char outside[100];
    char inside[200];
    uint64_t linked = judged();
    uint64_t file = judged();
    uint64_t elsewhere = queued("/d", "in", NULL);
    (void)snprintf(outside, sizeof outside, "%s/outside", top);
    make_report(outside);
    server_remove_tree(report_of(linked));
    assert_int_equal(symlink(outside, report_of(linked)), 0);
    server_remove_tree(report_of(file));
    FILE *f = fopen(report_of(file), "w");
    assert_non_null(f);
    (void)fclose(f);
    const struct assay_outcome outcome = {"PASS", outside, "00"};
    assert_int_equal(assay_store_started(s->store, elsewhere, &err), ASSAY_OK);
    assert_int_equal(assay_store_done(s->store, elsewhere, &outcome, &err), ASSAY_OK);
    uint64_t with_link = judged();
    (void)snprintf(inside, sizeof inside, "%s/link", report_of(with_link));
    assert_int_equal(symlink(outside, inside), 0);
    (void)judged();
    config.retention.reports_keep = 1;
    pass();
    assert_int_equal(failures(), 3);
    (void)snprintf(inside, sizeof inside, "%s/statement.json", outside);
    assert_int_equal(access(inside, F_OK), 0);
    assert_true(is_there(linked) && is_there(file) && !is_there(with_link));
    assert_true(is_known(linked) && run.report != NULL);
    assert_true(is_known(elsewhere) && run.report != NULL);
}

static void a_staging_that_is_a_link_is_not_used(void **state)
{
    (void)state;
    char staging[120];
    uint64_t first = judged();
    (void)judged();
    (void)snprintf(staging, sizeof staging, "%s/.staging", reports);
    assert_int_equal(symlink(top, staging), 0);
    config.retention.reports_keep = 1;
    pass();
    assert_true(is_there(first) && is_known(first) && run.report != NULL);
    assert_int_equal(failures(), 1);
    assert_int_equal(unlink(staging), 0);
    pass();
    assert_false(is_there(first));
}

static void many_go_in_slices_and_give_their_room_back(void **state)
{
    (void)state;
    char db[100];
    struct stat before;
    struct stat after;
    enum { N = 700 };
    static char reason[4096];
    memset(reason, 'r', sizeof reason - 1);
    (void)snprintf(db, sizeof db, "%s/db", top);
    assert_int_equal(assay_store_begin(s->store, &err), ASSAY_OK);
    for (int i = 0; i < N; i++) {
        uint64_t id = queued("/d", "in", NULL);
        assert_int_equal(assay_store_ended(s->store, id, ASSAY_RUN_FAILED, reason, &err), ASSAY_OK);
    }
    assert_int_equal(assay_store_commit(s->store, &err), ASSAY_OK);
    uint64_t last = queued("/d", "in", NULL);
    assay_store_close(s->store);
    assert_int_equal(stat(db, &before), 0);
    assert_int_equal(assay_store_open_at(db, clock_of_test, &s->store, &err), ASSAY_OK);
    config.retention.runs_keep = 3;
    config.retention.reports_keep = 3;
    s->retention_ms = s->retention_after = 0;
    server_retain(s); /* one turn is not all of it */
    uint64_t counts[ASSAY_RUN_STATES];
    assert_int_equal(assay_store_counts(s->store, counts, &err), ASSAY_OK);
    assert_true(counts[ASSAY_RUN_FAILED] > N - 100);
    for (int i = 0; i < 1000 && server_retention_deadline(s) <= assay_monotonic_ms(); i++) {
        server_retain(s);
    }
    assert_int_equal(assay_store_counts(s->store, counts, &err), ASSAY_OK);
    assert_int_equal(counts[ASSAY_RUN_FAILED], 2); /* and the one that waits */
    assert_true(is_known(last));
    assay_store_close(s->store);
    assert_int_equal(stat(db, &after), 0);
    assert_true(after.st_size < before.st_size / 4);
    assert_int_equal(assay_store_open_at(db, clock_of_test, &s->store, &err), ASSAY_OK);
    assert_true(queued("/d", "in", NULL) > last); /* no number is given twice */
}

static void a_run_with_a_report_is_not_forgotten(void **state)
{
    (void)state;
    uint64_t done = judged();
    uint64_t waits = queued("/d", "in", NULL);
    assert_int_equal(assay_store_forget(s->store, done, &err), ASSAY_INTERNAL);
    assert_int_equal(assay_store_forget(s->store, waits, &err), ASSAY_INTERNAL);
    assert_int_equal(assay_store_report_removal(s->store, waits, ASSAY_REPORT_GONE, &err),
                     ASSAY_INTERNAL);
    assert_true(is_known(done) && run.report != NULL);
    assert_true(is_known(waits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_goes_without_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(the_old_go_but_not_the_last_verdict, setup, teardown),
        cmocka_unit_test_setup_teardown(what_somebody_waits_for_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_removal_that_was_begun_is_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_outside_is_touched, setup, teardown),
        cmocka_unit_test_setup_teardown(a_staging_that_is_a_link_is_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(many_go_in_slices_and_give_their_room_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_run_with_a_report_is_not_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
