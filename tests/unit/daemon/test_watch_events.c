/* SPDX-License-Identifier: Apache-2.0
 * The directory source over a backend of our own, which loses, refuses and orders events as a test
 * wants it. The directories are real. */
#include "tests/unit/daemon/watch_rig.h"

#include <errno.h>

#include "core/clock.h"
#include "daemon/watch.h"

#define WATCHES 64
#define EVENTS  64

static struct {
    int opens;
    int next_wd, most;        /* watches there may be */
    int fail_errno;           /* of the watch beyond */
    char paths[WATCHES][256]; /* by descriptor; "": none */
    struct watch_event events[EVENTS];
    char names[EVENTS][64];
    size_t at, n;
    long type; /* of the file system */
    void (*on_add)(const char *path);
} fake;

static void *fake_open(int epoll_fd, struct assay_error *err)
{
    (void)epoll_fd;
    (void)err;
    fake.opens++;
    memset(fake.paths, 0, sizeof fake.paths);
    fake.at = fake.n = 0; /* a new queue */
    return &fake;
}

static int watches(void)
{
    int n = 0;
    for (int i = 0; i < WATCHES; i++) {
        n += fake.paths[i][0] != '\0';
    }
    return n;
}

static int wd_of(const char *path)
{
    for (int i = 0; i < WATCHES; i++) {
        if (strcmp(fake.paths[i], path) == 0) {
            return i;
        }
    }
    return -1;
}

static int fake_add(void *ctx, const char *path, uint32_t mask)
{
    struct stat st;
    (void)ctx;
    assert_true((mask & IN_MASK_ADD) != 0);
    if (stat(path, &st) != 0) {
        return -1; /* errno as the kernel has it */
    }
    int wd = wd_of(path);
    if (wd < 0) {
        if (watches() >= fake.most) {
            errno = fake.fail_errno;
            return -1;
        }
        wd = ++fake.next_wd;
        assert_true(wd < WATCHES);
        (void)snprintf(fake.paths[wd], sizeof fake.paths[wd], "%s", path);
    }
    if (fake.on_add != NULL) {
        fake.on_add(path);
    }
    return wd;
}

static void fake_remove(void *ctx, int wd)
{
    (void)ctx;
    assert_true(fake.paths[wd][0] != '\0');
    fake.paths[wd][0] = '\0';
}

static int fake_next(void *ctx, struct watch_event *ret)
{
    (void)ctx;
    if (fake.at == fake.n) {
        return 0;
    }
    *ret = fake.events[fake.at++];
    return 1;
}

static void fake_close(void *ctx)
{
    (void)ctx;
}

static long fake_file_system(const char *path)
{
    (void)path;
    return fake.type;
}

static const struct watch_backend backend = {
    .open = fake_open,
    .add = fake_add,
    .remove = fake_remove,
    .next = fake_next,
    .close = fake_close,
    .file_system = fake_file_system,
};

static char top[64]; /* `root` is in it */
static struct assay_source_set *set;
static struct assay_source_counts counts;
static uint64_t now; /* the test's own clock, ahead of the times of files */

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.most = WATCHES;
    (void)snprintf(top, sizeof top, "/tmp/assay-events-XXXXXX");
    if (mkdtemp(top) == NULL) {
        return 1;
    }
    (void)snprintf(root, sizeof root, "%s/in", top);
    rig_configure(ASSAY_READY_MARKER, 10, 1000);
    now = assay_monotonic_ms();
    return mkdir(root, 0755) != 0 || watch_start(&config, &backend, &set, NULL) != ASSAY_OK;
}

static int teardown(void **state)
{
    (void)state;
    kind->stop(set);
    set = NULL;
    return rig_remove(top);
}

static void dir(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static void event_at(int wd, uint32_t mask, const char *name)
{
    assert_true(fake.n < EVENTS);
    (void)snprintf(fake.names[fake.n], sizeof fake.names[0], "%s", name);
    fake.events[fake.n] = (struct watch_event){wd, mask, fake.names[fake.n]};
    fake.n++;
}

/* An event in directory `in` of the root, as the kernel would send it. */
static void event(const char *in, uint32_t mask, const char *name)
{
    int wd = wd_of(path_of(in));
    assert_true(wd >= 0);
    event_at(wd, mask, name);
}

/* Takes every delivery that is ready; how many. The last one stays in `got`. */
static int take(void)
{
    int n = 0;
    now += 100; /* past the pause between two looks */
    while (kind->next(set, now, &got) == ASSAY_OK) {
        n++;
    }
    kind->counts(set, &source, &counts);
    return n;
}

/* ---- watches ------------------------------------------------------------------------------- */

static void an_overflow_renews_everything(void **state)
{
    (void)state;
    assert_int_equal(take(), 0);
    dir("d"); /* nobody told of it */
    put("d/_READY", "x");
    event_at(-1, IN_Q_OVERFLOW, "");
    event_at(77, IN_CREATE, "never seen"); /* behind it: of the old queue */
    assert_int_equal(take(), 1);
    assert_string_equal(got.name, "d");
    assert_int_equal(counts.rescans, 2);
    assert_int_equal(fake.opens, 2);
    assert_true(wd_of(path_of("d")) >= 0);
}

static void moved_in_is_watched_and_moved_out_is_not(void **state)
{
    (void)state;
    assert_int_equal(take(), 0);
    dir("d");
    dir("d/a");
    dir("d/a/b");
    put("d/_READY", "x");
    event("", IN_MOVED_TO | IN_ISDIR, "d");
    assert_int_equal(take(), 1);
    assert_int_equal(watches(), 4);
    assert_int_equal(rename(path_of("d"), path_of("../out")), 0);
    event("", IN_MOVED_FROM | IN_ISDIR, "d");
    assert_int_equal(take(), 0);
    assert_int_equal(watches(), 1);
    assert_int_equal(counts.datasets, 0);
}

static void moved_within_is_watched_under_its_new_name(void **state)
{
    (void)state;
    dir("d");
    dir("d/a");
    dir("d/a/deep");
    put("d/_READY", "x");
    assert_int_equal(take(), 1);
    assert_int_equal(rename(path_of("d/a"), path_of("d/b")), 0);
    event("d", IN_MOVED_FROM | IN_ISDIR, "a");
    event("d", IN_MOVED_TO | IN_ISDIR, "b");
    assert_int_equal(take(), 1);
    assert_int_equal(wd_of(path_of("d/a/deep")), -1);
    assert_true(wd_of(path_of("d/b/deep")) >= 0);
    event("d/b/deep", IN_CLOSE_WRITE, "x");
    assert_int_equal(take(), 1);
}

/* A tree that grows while it is being watched: what lies there is read after the watch. */
static void grow(const char *path)
{
    char below[300];
    (void)snprintf(below, sizeof below, "%s/g", path);
    if (strstr(path, "/g/g/g") == NULL && strcmp(path, root) != 0) {
        (void)mkdir(below, 0755);
    }
}

static void a_deep_tree_appears_at_once(void **state)
{
    (void)state;
    assert_int_equal(take(), 0);
    dir("d");
    fake.on_add = grow;
    event("", IN_CREATE | IN_ISDIR, "d");
    (void)take();
    assert_true(wd_of(path_of("d/g/g/g")) >= 0);
}

static void what_the_kernel_lets_go_of_is_let_go(void **state)
{
    (void)state;
    dir("d");
    dir("d/a");
    put("d/_READY", "x");
    assert_int_equal(take(), 1);
    int wd = wd_of(path_of("d/a"));
    fake.paths[wd][0] = '\0'; /* the kernel did it */
    event_at(wd, IN_IGNORED, "");
    assert_int_equal(take(), 0);
    event_at(wd, IN_CLOSE_WRITE, "late");
    assert_int_equal(take(), 0);
    assert_int_equal(counts.rescans, 1);
}

static void an_unmount_scans_the_root(void **state)
{
    (void)state;
    dir("d");
    put("d/_READY", "x");
    assert_int_equal(take(), 1);
    dir("e");
    put("e/_READY", "x");
    event("d", IN_UNMOUNT, "");
    assert_int_equal(take(), 2); /* e, and d once more: it is told apart by its signature later */
    assert_int_equal(counts.rescans, 1);
    assert_int_equal(fake.opens, 1);
}

static void two_sources_share_a_directory(void **state)
{
    (void)state;
    struct assay_config_source two[2] = {source, source};
    struct assay_config both = {.rescan_ms = 3600000, .sources = two, .n_sources = 2};
    char inner[100];
    dir("sub");
    dir("sub/d");
    put("sub/d/_READY", "x");
    put("sub/_READY", "x");
    (void)snprintf(inner, sizeof inner, "%s/sub", root);
    two[1].name = "t";
    two[1].path = inner;
    kind->stop(set);
    assert_int_equal(watch_start(&both, &backend, &set, NULL), ASSAY_OK);
    assert_int_equal(take(), 2);
    event("sub/d", IN_CLOSE_WRITE, "x");
    assert_int_equal(take(), 2);
    kind->counts(set, &two[1], &counts);
    assert_int_equal(counts.datasets, 2); /* d, and the marker, which is a file */
}

/* ---- the root itself ----------------------------------------------------------------------- */

static void a_root_that_vanishes_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(take(), 0);
    int wd = wd_of(root);
    assert_int_equal(rmdir(root), 0);
    fake.paths[wd][0] = '\0';
    event_at(wd, IN_DELETE_SELF, "");
    event_at(wd, IN_IGNORED, "");
    assert_int_equal(take(), 0);
    assert_non_null(counts.problem);
    assert_true(wd_of(top) >= 0); /* waits above */
    assert_int_equal(mkdir(root, 0755), 0);
    dir("d");
    put("d/_READY", "x");
    event_at(wd_of(top), IN_CREATE | IN_ISDIR, "other");
    event_at(wd_of(top), IN_CREATE | IN_ISDIR, "in");
    assert_int_equal(take(), 1);
    assert_null(counts.problem);
    assert_int_equal(wd_of(top), -1);
    assert_int_equal(counts.rescans, 1);
}

static void appear(const char *path)
{
    if (strcmp(path, top) == 0) {
        (void)mkdir(root, 0755);
        dir("d");
        put("d/_READY", "x");
    }
}

/* Between the look at the root and the watch above it. */
static void a_root_that_comes_in_the_gap_is_seen(void **state)
{
    (void)state;
    assert_int_equal(rmdir(root), 0);
    fake.on_add = appear;
    assert_int_equal(take(), 1);
    assert_null(counts.problem);
}

static void a_root_is_waited_for_from_far_above(void **state)
{
    (void)state;
    char deep[120];
    char up[120];
    (void)snprintf(deep, sizeof deep, "%s/x/y/z", top);
    (void)snprintf(up, sizeof up, "%s/x", top);
    source.path = deep;
    assert_int_equal(take(), 0);
    assert_true(wd_of(top) >= 0);
    assert_int_equal(mkdir(up, 0755), 0);
    event_at(wd_of(top), IN_CREATE | IN_ISDIR, "x");
    assert_int_equal(take(), 0);
    assert_true(wd_of(up) >= 0);
    source.path = root;
}

/* ---- polling ------------------------------------------------------------------------------- */

static void no_watches_left_means_polling(void **state)
{
    (void)state;
    dir("d");
    dir("d/a");
    fake.most = 2;
    fake.fail_errno = ENOSPC;
    assert_int_equal(take(), 0);
    assert_non_null(counts.problem);
    assert_non_null(strstr(counts.problem, "fs.inotify.max_user_watches"));
    assert_non_null(strstr(counts.problem, "polled every 1000 ms"));
    assert_int_equal(watches(), 0); /* others may need them */
    put("d/_READY", "x");
    assert_int_equal(take(), 0);
    assert_true(kind->deadline(set) <= now + 1000);
    now += 1000;
    assert_int_equal(take(), 1);
    assert_non_null(counts.problem);
    fake.most = WATCHES; /* raised: seen at the next renewal */
    kind->rescan(set);
    (void)take();
    assert_null(counts.problem);
    assert_int_equal(watches(), 3);
}

static void a_watch_refused_by_an_event_means_polling_too(void **state)
{
    (void)state;
    assert_int_equal(take(), 0);
    fake.most = 1;
    fake.fail_errno = ENOMEM;
    dir("d");
    put("d/_READY", "x");
    event("", IN_CREATE | IN_ISDIR, "d");
    assert_int_equal(take(), 1);
    assert_non_null(counts.problem);
    put("d/x", "x");
    now += 1000;
    assert_int_equal(take(), 1);
}

static void silent_file_systems_are_polled(void **state)
{
    (void)state;
    fake.type = 0x6969;
    dir("d");
    put("d/_READY", "x");
    assert_int_equal(take(), 1);
    assert_int_equal(watches(), 0);
    assert_null(counts.problem);
    assert_non_null(counts.note);
    assert_non_null(strstr(counts.note, "NFS"));
    put("d/x", "x");
    now += 1000;
    assert_int_equal(take(), 1);
    source.watch = ASSAY_WATCH_INOTIFY; /* told to */
    kind->rescan(set);
    (void)take();
    assert_int_equal(watches(), 2);
    assert_null(counts.note);
    assert_non_null(watch_silent_file_system((long)(int)0xFF534D42)); /* f_type may be signed */
    assert_null(watch_silent_file_system(0xEF53));
}

/* ---- ready --------------------------------------------------------------------------------- */

static void rename_means_complete(void **state)
{
    (void)state;
    source.ready = ASSAY_READY_RENAME;
    source.settle_ms = 60000;
    assert_int_equal(take(), 0);
    dir("made");
    event("", IN_CREATE | IN_ISDIR, "made");
    dir("moved");
    event("", IN_MOVED_TO | IN_ISDIR, "moved");
    assert_int_equal(take(), 1);
    assert_string_equal(got.name, "moved");
    event("moved", IN_CLOSE_WRITE, "x"); /* touched: has to settle */
    assert_int_equal(take(), 0);
    now += 60000;
    assert_int_equal(take(), 0); /* and by its own times, which are of today */
    now += 60000;
    assert_int_equal(take(), 1);
    assert_string_equal(got.name, "moved");
    kind->rescan(set); /* a scan finds what was made in place; it has to settle now */
    assert_int_equal(take(), 1);
    now += 60000;
    assert_int_equal(take(), 1);
    assert_string_equal(got.name, "made");
}

static void what_is_open_is_not_complete(void **state)
{
    (void)state;
    source.ready = ASSAY_READY_CLOSE;
    dir("d");
    put("d/a", "x");
    assert_int_equal(take(), 0);
    event("d", IN_MODIFY, "a");
    event("d", IN_MODIFY, "b");
    event("d", IN_CLOSE_WRITE, "b");
    for (int i = 0; i < 5; i++) {
        now += 1000;
        assert_int_equal(take(), 0);
    }
    event("d", IN_CLOSE_WRITE, "a");
    (void)take();
    now += 1000;
    (void)take();
    assert_int_equal(counts.pending, 0);
}

static void settling_has_an_end(void **state)
{
    (void)state;
    source.ready = ASSAY_READY_CLOSE;
    source.settle_ms = 60000;
    source.settle_max_ms = 300000;
    assert_int_equal(take(), 0);
    dir("d");
    event("", IN_CREATE | IN_ISDIR, "d");
    assert_int_equal(take(), 0);
    event("d", IN_MODIFY, "a");
    assert_int_equal(take(), 0);
    now += 290000;
    assert_int_equal(take(), 0);
    now += 10000;
    assert_true(kind->deadline(set) <= now);
    assert_int_equal(take(), 1);
    int taken = 0; /* events that never end do not put the look off */
    for (int i = 0; i < 40; i++) {
        event("d", IN_CLOSE_WRITE, "a");
        now += 30000;
        taken += take();
    }
    assert_in_range(taken, 3, 4);
}

static void rules_hold_together(void **state)
{
    (void)state;
    source.ready = ASSAY_READY_SETTLE | ASSAY_READY_MARKER;
    source.settle_ms = 60000;
    dir("d");
    put("d/a", "x");
    assert_int_equal(take(), 0);
    now += 200000;
    assert_int_equal(take(), 0); /* settled, without its marker */
    put("d/_READY", "x");
    event("d", IN_CREATE, "_READY");
    assert_int_equal(take(), 0); /* marked, and not settled */
    now += 60000;
    (void)take();
    now += 60000;
    (void)take();
    assert_int_equal(counts.pending, 0);
}

static void write_manifest(const char *text)
{
    FILE *f = fopen(path_of("d/MANIFEST.sha256"), "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    event("d", IN_CLOSE_WRITE, "MANIFEST.sha256");
}

static void a_manifest_says_what_is_missing(void **state)
{
    (void)state;
    source.ready = ASSAY_READY_MANIFEST;
    dir("d");
    dir("d/sub");
    put("d/a", "x");
    assert_int_equal(take(), 0);
    write_manifest("# sizes\n1  a\n2  sub/b\n");
    assert_int_equal(take(), 0);
    put("d/sub/b", "x");
    event("d/sub", IN_CLOSE_WRITE, "b");
    assert_int_equal(take(), 0); /* there, and one byte short */
    put("d/sub/b", "x");
    event("d/sub", IN_CLOSE_WRITE, "b");
    assert_int_equal(take(), 1);
    write_manifest("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef *a\n");
    assert_int_equal(take(), 1);
    write_manifest("1  a\n1  ../../etc/passwd\n");
    assert_int_equal(take(), 0);
    assert_non_null(counts.problem);
    assert_non_null(strstr(counts.problem, "dataset d waits: MANIFEST.sha256 line 2"));
    assert_null(strstr(counts.problem, "passwd"));
    write_manifest("1  a\n");
    assert_int_equal(take(), 1);
    assert_null(counts.problem);
    write_manifest("");
    assert_int_equal(take(), 0); /* an empty one promises nothing */
    assert_int_equal(unlink(path_of("d/a")), 0);
    assert_int_equal(symlink("sub/b", path_of("d/a")), 0);
    write_manifest("1  a\n");
    assert_int_equal(take(), 0); /* a link is no file */
}

static void lines_of_a_manifest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int kind;
        const char *path;
    } lines[] = {
        {"", 0, NULL},
        {"# x", 0, NULL},
        {"\r", 0, NULL},
        {"12  a b", 1, "a b"},
        {"12 *a", 1, "a"},
        {"12  a\r", 1, "a"},
        {"12 a", -1, NULL},
        {"12  ", -1, NULL},
        {"x  a", -1, NULL},
        {"1234567890123456789  a", -1, NULL},
        {"12  /etc", -1, NULL},
        {"12  a/../b", -1, NULL},
        {"12  ..", -1, NULL},
        {"12  ..a/b", 1, "..a/b"},
        {"12  ./a", 1, "./a"},
        {"\\12  a\\nb\\\\c", 1, "a\nb\\c"},
        {"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef  a", 1, "a"},
        {"0123456789abcdef  a", -1, NULL},
    };
    struct watch_manifest_entry e;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int k = watch_manifest_line(lines[i].text, strlen(lines[i].text), &e);
        if (k != lines[i].kind || (k == 1 && strcmp(e.path, lines[i].path) != 0)) {
            fail_msg("'%s' is %d", lines[i].text, k);
        }
    }
    assert_int_equal(watch_manifest_line("999999999999999999  a", 21, &e), 1);
    assert_true(e.has_size && e.size == UINT64_C(999999999999999999));
}

static void nothing(void *ctx, int wd)
{
    (void)ctx;
    (void)wd;
}

/* Directories that come and go leave nothing behind. */
static void the_table_follows_what_is_watched(void **state)
{
    (void)state;
    struct watch_table t = {NULL, 0, 0, 0};
    for (int wd = 1; wd <= 100000; wd++) {
        assert_true(watch_table_add(&t, wd, 0, WATCH_TREE, wd % 1000 == 0 ? "/keep" : "/go"));
        if (wd % 1000 != 0) {
            watch_table_release(&t, 0, "/go", nothing, NULL);
        }
    }
    assert_true(t.cap <= 1024);
    assert_non_null(watch_table_find(&t, 1000));
    struct watch_entry *gone = watch_table_find(&t, 99999);
    assert_true(gone == NULL || gone->holds == NULL);
    watch_table_clear(&t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_overflow_renews_everything),
        TEST(moved_in_is_watched_and_moved_out_is_not),
        TEST(moved_within_is_watched_under_its_new_name),
        TEST(a_deep_tree_appears_at_once),
        TEST(what_the_kernel_lets_go_of_is_let_go),
        TEST(an_unmount_scans_the_root),
        TEST(two_sources_share_a_directory),
        TEST(a_root_that_vanishes_and_comes_back),
        TEST(a_root_that_comes_in_the_gap_is_seen),
        TEST(a_root_is_waited_for_from_far_above),
        TEST(no_watches_left_means_polling),
        TEST(a_watch_refused_by_an_event_means_polling_too),
        TEST(silent_file_systems_are_polled),
        TEST(rename_means_complete),
        TEST(what_is_open_is_not_complete),
        TEST(settling_has_an_end),
        TEST(rules_hold_together),
        TEST(a_manifest_says_what_is_missing),
        cmocka_unit_test(lines_of_a_manifest),
        cmocka_unit_test(the_table_follows_what_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
