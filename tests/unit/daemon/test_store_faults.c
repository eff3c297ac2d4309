/* SPDX-License-Identifier: Apache-2.0
 *
 * The store when the file system fails it: full at every single write, killed at every single
 * write, read-only, damaged; and when clocks jump.
 *
 * A file system of one's own cannot be had everywhere, so SQLite gets one that is told when to
 * fail: the usual one, with opening, writing and closing replaced. What follows holds the state of
 * a store as text (`picture`), so that "nothing happened" is a comparison of strings. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/limits.h"
#include "daemon/store.h"

/* ---- a file system that fails -------------------------------------------------------------- */

#define TABLES 4

static sqlite3_vfs *usual;
static sqlite3_vfs failing;
static sqlite3_io_methods patched[TABLES]; /* a copy for each table the usual one has */
static const sqlite3_io_methods *originals[TABLES];
static long writes_left = -1; /* until the disk is full; -1: it never is */
static int read_only;

static const sqlite3_io_methods *original_of(const sqlite3_file *file)
{
    return originals[file->pMethods - patched];
}

static int fail_to_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    if (writes_left == 0) {
        return SQLITE_FULL;
    }
    writes_left -= writes_left > 0;
    return original_of(file)->xWrite(file, data, len, at);
}

/* A kill loses nothing that was written; what a power failure may lose costs too much to try. */
static int sync_nothing(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static int close_file(sqlite3_file *file)
{
    return original_of(file)->xClose(file);
}

static void patch(sqlite3_file *file)
{
    size_t i = 0;
    while (i < TABLES && originals[i] != NULL && originals[i] != file->pMethods) {
        i++;
    }
    assert_true(i < TABLES);
    originals[i] = file->pMethods;
    patched[i] = *file->pMethods;
    patched[i].xWrite = fail_to_write;
    patched[i].xSync = sync_nothing;
    patched[i].xClose = close_file;
    file->pMethods = &patched[i];
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void)vfs;
    if (read_only && (flags & SQLITE_OPEN_READWRITE) != 0) {
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    }
    int rc = usual->xOpen(usual, name, file, flags, ret);
    if (rc == SQLITE_OK) {
        patch(file);
    }
    return rc;
}

static int install(void **state)
{
    (void)state;
    usual = sqlite3_vfs_find(NULL);
    failing = *usual;
    failing.zName = "failing";
    failing.xOpen = open_file;
    return sqlite3_vfs_register(&failing, 1);
}

/* ---- a store ------------------------------------------------------------------------------- */

static char dir[64], path[80];
static struct assay_store *store;
static struct assay_error err;

static void remove_store(const char *name)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char file[120];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(file, sizeof file, "%s%s", name, ends[i]);
        (void)unlink(file);
    }
}

static int setup(void **state)
{
    (void)state;
    writes_left = -1;
    read_only = 0;
    (void)snprintf(dir, sizeof dir, "/tmp/assay-faults-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/assay.db", dir);
    return (int)assay_store_open(path, &store, &err);
}

static int teardown(void **state)
{
    char copy[96];
    (void)state;
    writes_left = -1;
    assay_store_close(store);
    store = NULL;
    (void)snprintf(copy, sizeof copy, "%s/copy.db", dir);
    remove_store(copy);
    remove_store(path);
    return rmdir(dir);
}

static void begin_anew(void)
{
    assert_int_equal(teardown(NULL), 0);
    assert_int_equal(setup(NULL), 0);
}

static int draw(void *ctx, const struct assay_run_record *r)
{
    assay_buf_addf(ctx, "%llu %s %s %u%s %s %s\n", (unsigned long long)r->id, r->spec.path,
                   assay_run_state_name(r->state), r->attempt, r->cancelling ? " cancelling" : "",
                   r->reason == NULL ? "-" : r->reason, r->verdict == NULL ? "-" : r->verdict);
    return 0;
}

static int draw_request(void *ctx, uint64_t request, const struct assay_run_record *r)
{
    assay_buf_addf(ctx, "request %llu of %llu: %s\n", (unsigned long long)request,
                   (unsigned long long)r->id, r->spec.origin);
    return 0;
}

static enum assay_status draw_suspect(void *ctx, struct assay_bytes name,
                                      enum assay_suspect_state state)
{
    assay_buf_addf(ctx, "suspect %.*s %d\n", (int)name.len, (const char *)name.ptr, (int)state);
    return ASSAY_OK;
}

static void picture(struct assay_store *s, struct assay_buf *out)
{
    assay_buf_clear(out);
    assert_int_equal(assay_store_list(s, 100, draw, out, &err), ASSAY_OK);
    assert_int_equal(assay_store_untold(s, 0, draw_request, out, &err), ASSAY_OK);
    assert_int_equal(assay_store_suspects(s, 1, draw_suspect, out, &err), ASSAY_OK);
}

/* ---- every kind of change ------------------------------------------------------------------ */

static enum assay_status queue(const char *dataset, const char *origin)
{
    uint64_t id;
    struct assay_run_spec spec = {
        .path = dataset, .name = dataset + 1, .source = "s", .origin = origin, .job = origin};
    memset(spec.signature, dataset[1], sizeof spec.signature);
    return assay_store_add(store, &spec, &id, &err);
}

static enum assay_status change(int step)
{
    const struct assay_outcome outcome = {"PASS", "/r/a-1", "00ff"};
    const struct assay_bytes file = assay_bytes_make("a.jsonl", 7);
    const struct assay_run_spec asked = {.source = "s", .origin = "later", .job = "j"};
    enum assay_status status;
    switch (step) {
    case 0:
        return queue("/a", "first");
    case 1:
        return queue("/b", NULL);
    case 2:
        return assay_store_started(store, 1, &err);
    case 3:
        return assay_store_suspect(store, 1, file, &err);
    case 4:
        return assay_store_requeued(store, 1, 5, "it crashed", &err);
    case 5:
        return assay_store_started(store, 1, &err);
    case 6:
        return assay_store_suspect_tried(store, 1, file, ASSAY_SUSPECT_POISON, &err);
    case 7:
        return assay_store_done(store, 1, &outcome, &err);
    case 8:
        return assay_store_attach(store, 1, &asked, &err);
    case 9:
        return assay_store_told(store, 1, &err);
    case 10:
        return assay_store_started(store, 2, &err);
    case 11:
        return assay_store_cancelling(store, 2, &err);
    case 12:
        return assay_store_ended(store, 2, ASSAY_RUN_CANCELLED, "on request", &err);
    default: /* several in one commit */
        status = assay_store_begin(store, &err);
        status = status == ASSAY_OK ? queue("/c", NULL) : status;
        status = status == ASSAY_OK ? queue("/d", "fourth") : status;
        return status == ASSAY_OK ? assay_store_commit(store, &err)
                                  : (assay_store_commit(store, NULL), status);
    }
}
#define CHANGES 14

/* The state before any change, and after each. */
static char *pictures[CHANGES + 1];

static void take_pictures(void)
{
    ASSAY_AUTO_BUF now;
    assay_buf_init(&now, 65536);
    for (int i = 0; i <= CHANGES; i++) {
        picture(store, &now);
        free(pictures[i]);
        pictures[i] = strdup(assay_buf_str(&now));
        assert_int_equal(i < CHANGES ? change(i) : ASSAY_OK, ASSAY_OK);
        assert_true(i == 0 || strcmp(pictures[i], pictures[i - 1]) != 0);
    }
    begin_anew();
}

static int free_pictures(void **state)
{
    for (int i = 0; i <= CHANGES; i++) {
        free(pictures[i]);
        pictures[i] = NULL;
    }
    return teardown(state);
}

static void assert_picture(struct assay_store *s, int step)
{
    ASSAY_AUTO_BUF now;
    assay_buf_init(&now, 65536);
    picture(s, &now);
    assert_string_equal(assay_buf_str(&now), pictures[step]);
}

static void copy_file(const char *end)
{
    char from[120], to[120];
    ASSAY_AUTO_BUF content;
    assay_buf_init(&content, ASSAY_MIB(16));
    (void)snprintf(from, sizeof from, "%s%s", path, end);
    (void)snprintf(to, sizeof to, "%s/copy.db%s", dir, end);
    assert_int_equal(assay_fs_read_file(from, ASSAY_MIB(8), &content, &err), ASSAY_OK);
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(assay_fs_write_all(fd, content.ptr, content.len), 0);
    (void)close(fd);
}

/* What somebody finds who starts after a kill at this moment. */
static void assert_another_life_finds(int step)
{
    char copy[96];
    struct assay_store *other;
    (void)snprintf(copy, sizeof copy, "%s/copy.db", dir);
    remove_store(copy);
    copy_file("");
    copy_file("-wal");
    assert_int_equal(assay_store_open(copy, &other, &err), ASSAY_OK);
    assert_picture(other, step);
    assay_store_close(other);
}

/* Makes the changes from `step` on; the first that fails, or CHANGES. */
static int go_on_from(int step)
{
    while (step < CHANGES && change(step) == ASSAY_OK) {
        step++;
    }
    return step;
}

/* ---- a full disk --------------------------------------------------------------------------- */

static void a_disk_full_at_any_write_costs_nothing(void **state)
{
    (void)state;
    int failed = 0;
    unsigned kinds = 0;
    take_pictures();
    for (long n = 0; failed < CHANGES; n++) {
        writes_left = n;
        failed = go_on_from(0);
        if (failed < CHANGES) {
            assert_int_equal(err.status, ASSAY_FULL);
            assert_non_null(strstr(err.message, "make room on the file system of state_dir"));
            kinds |= 1U << failed;
            assert_picture(store, failed);
            assert_int_equal(change(failed), ASSAY_FULL); /* and once more: the same */
        }
        writes_left = -1;
        assert_another_life_finds(failed);
        assert_picture(store, failed);
        assert_int_equal(go_on_from(failed), CHANGES); /* there is room again */
        assert_picture(store, CHANGES);
        begin_anew();
    }
    assert_int_equal(kinds, (1U << CHANGES) - 1); /* each kind of change met it */
}

static void a_store_that_cannot_be_made_says_so(void **state)
{
    struct assay_store *other = NULL;
    char name[96];
    (void)state;
    (void)snprintf(name, sizeof name, "%s/copy.db", dir);
    for (writes_left = 0; other == NULL; writes_left++) {
        long n = writes_left;
        enum assay_status status = assay_store_open(name, &other, &err);
        assert_true(status == ASSAY_OK || status == ASSAY_FULL);
        assert_true(status == ASSAY_OK || other == NULL);
        writes_left = -1;
        if (other == NULL) { /* what there is of it is no obstacle later */
            assert_int_equal(assay_store_open(name, &other, &err), ASSAY_OK);
            assay_store_close(other);
            other = NULL;
        }
        remove_store(other == NULL ? name : "");
        writes_left = n;
    }
    writes_left = -1;
    assay_store_close(other);
}

/* ---- read-only ----------------------------------------------------------------------------- */

static void a_store_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    assert_int_equal(queue("/a", NULL), ASSAY_OK);
    assay_store_close(store);
    read_only = 1;
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_DENIED);
    assert_null(store);
    assert_non_null(strstr(err.message, "writ"));
    read_only = 0;
    assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    struct assay_run_record run;
    assert_int_equal(assay_store_get(store, 1, &run, &err), ASSAY_OK);
}

/* ---- damage -------------------------------------------------------------------------------- */

static void fill_store(void)
{
    char dataset[32];
    for (int i = 0; i < 600; i++) {
        (void)snprintf(dataset, sizeof dataset, "/dataset-%d", i);
        assert_int_equal(queue(dataset, dataset), ASSAY_OK);
    }
    assay_store_close(store);
    store = NULL;
}

static void read_store(struct assay_buf *out)
{
    assay_buf_init(out, ASSAY_MIB(16));
    assert_int_equal(assay_fs_read_file(path, ASSAY_MIB(8), out, &err), ASSAY_OK);
}

/* Refused with a sentence, and left exactly as it is. */
static void assert_refused(enum assay_status why)
{
    ASSAY_AUTO_BUF before;
    ASSAY_AUTO_BUF after;
    read_store(&before);
    assert_int_equal(assay_store_open(path, &store, &err), why);
    assert_null(store);
    read_store(&after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.ptr, after.ptr, before.len);
}

static void a_damaged_store_is_refused_and_left_alone(void **state)
{
    static const struct {
        off_t at; /* in pages of 4096 bytes; the end of the file: -1 */
        size_t len;
    } damages[] = {{0, 100}, {0, 4096}, {2, 4096}, {5, 512}, {9, 4096}, {-1, 20000}};
    char garbage[20000];
    (void)state;
    memset(garbage, 0xA5, sizeof garbage);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        fill_store();
        int fd = open(path, O_RDWR | O_CLOEXEC);
        off_t end = lseek(fd, 0, SEEK_END);
        assert_true(end > 40 * 4096);
        if (damages[i].at < 0) { /* cut off */
            assert_int_equal(ftruncate(fd, end - (off_t)damages[i].len), 0);
        } else {
            assert_int_equal(pwrite(fd, garbage, damages[i].len, damages[i].at * 4096),
                             (ssize_t)damages[i].len);
        }
        (void)close(fd);
        assert_refused(ASSAY_CORRUPT);
        assert_non_null(strstr(err.message, "restore it, or move it away"));
        remove_store(path);
        assert_int_equal(assay_store_open(path, &store, &err), ASSAY_OK);
    }
}

static void a_newer_store_keeps_every_byte(void **state)
{
    (void)state;
    sqlite3 *db;
    fill_store();
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_refused(ASSAY_UNSUPPORTED);
}

static void a_database_of_another_program_is_refused(void **state)
{
    (void)state;
    sqlite3 *db;
    assay_store_close(store);
    store = NULL;
    remove_store(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE songs (title TEXT); PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    assert_refused(ASSAY_UNSUPPORTED);
    assert_non_null(strstr(err.message, "another program"));
}

/* ---- clocks -------------------------------------------------------------------------------- */

static uint64_t now_ms;

static uint64_t my_clock(void)
{
    return now_ms;
}

/* The wall clock stood elsewhere when an earlier life wrote; `jump` is how far ahead it was. */
static void live_twice(uint64_t first, uint64_t second, struct assay_run_record *ret)
{
    uint64_t queued;
    now_ms = first;
    assay_store_set_clock(store, my_clock);
    assert_int_equal(queue("/a", NULL), ASSAY_OK);
    assert_int_equal(assay_store_started(store, 1, &err), ASSAY_OK);
    assert_int_equal(assay_store_requeued(store, 1, first + 60000, "it crashed", &err), ASSAY_OK);
    assert_int_equal(queue("/b", NULL), ASSAY_OK);
    assert_int_equal(assay_store_started(store, 2, &err), ASSAY_OK);
    assay_store_close(store);
    now_ms = second;
    assert_int_equal(assay_store_open_at(path, my_clock, &store, &err), ASSAY_OK);
    assert_int_equal(assay_store_recover(store, NULL, NULL, &queued, &err), ASSAY_OK);
    assert_int_equal(queued, 1);
    assert_int_equal(assay_store_get(store, 1, ret, &err), ASSAY_OK);
}

#define YEAR UINT64_C(31536000000)

static void a_clock_that_was_ahead_delays_nothing(void **state)
{
    struct assay_run_record run;
    (void)state;
    live_twice(50 * YEAR, 40 * YEAR, &run);
    assert_int_equal(run.state, ASSAY_RUN_QUEUED);
    assert_int_equal(assay_store_next(store, now_ms, NULL, &run, &err), ASSAY_OK);
    assert_int_equal(run.id, 1);
}

static void a_clock_that_was_behind_loses_nothing(void **state)
{
    struct assay_run_record run;
    (void)state;
    live_twice(40 * YEAR, 50 * YEAR, &run);
    for (uint64_t id = 1; id <= 2; id++) {
        assert_int_equal(assay_store_next(store, now_ms, NULL, &run, &err), ASSAY_OK);
        assert_int_equal(run.id, id);
        assert_int_equal(assay_store_started(store, id, &err), ASSAY_OK);
    }
}

static void a_short_step_of_the_clock_keeps_the_wait(void **state)
{
    struct assay_run_record run;
    (void)state;
    live_twice(40 * YEAR, 40 * YEAR - 5000, &run);
    assert_int_equal(run.not_before_ms, 40 * YEAR + 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_disk_full_at_any_write_costs_nothing, setup,
                                        free_pictures),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_made_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_written_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_store_is_refused_and_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_store_keeps_every_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(a_database_of_another_program_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_was_ahead_delays_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_was_behind_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_short_step_of_the_clock_keeps_the_wait, setup, teardown),
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
