/* SPDX-License-Identifier: Apache-2.0
 * The directory source, driven as the daemon drives it: by its descriptor and its deadline. */
#include "tests/unit/daemon/watch_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

#include "core/clock.h"
#include "daemon/rules_digest.h"

static struct assay_source_set *watch;

static int setup(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/assay-watch-XXXXXX");
    rig_configure(ASSAY_READY_SETTLE, 50, 10000);
    return mkdtemp(root) == NULL || kind->start(&config, &watch, NULL) != ASSAY_OK;
}

static int teardown(void **state)
{
    (void)state;
    kind->stop(watch);
    watch = NULL;
    return rig_remove(root);
}

/* Waits as the daemon would; 1 with a delivery in `got`, 0 when `limit_ms` passed without one. */
static int next_within(uint64_t limit_ms)
{
    uint64_t end = assay_monotonic_ms() + limit_ms;
    for (uint64_t now; (now = assay_monotonic_ms()) < end;) {
        if (kind->next(watch, now, &got) == ASSAY_OK) {
            return 1;
        }
        uint64_t due = kind->deadline(watch);
        uint64_t until = due < end ? due : end;
        struct pollfd p = {.fd = kind->fd(watch), .events = POLLIN};
        (void)poll(&p, 1, until > now ? (int)(until - now) : 0);
    }
    return 0;
}

static void expect(const char *name)
{
    assert_true(next_within(10000));
    assert_string_equal(got.name, name);
    assert_string_equal(got.path, path_of(name));
    assert_ptr_equal(got.source, &source);
}

static void what_lies_there_at_the_start_is_found(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("d"), 0755), 0);
    put("d/a", "x");
    put("file", "x");
    char names[2][16]; /* in the order of their looks, which a slow machine changes */
    for (int i = 0; i < 2; i++) {
        assert_true(next_within(10000));
        (void)snprintf(names[i], sizeof names[i], "%s", got.name);
    }
    int first_is_d = strcmp(names[0], "d") == 0;
    assert_string_equal(names[first_is_d ? 0 : 1], "d");
    assert_string_equal(names[first_is_d ? 1 : 0], "file");
    assert_false(next_within(150));
}

static void what_arrives_is_found_and_settles(void **state)
{
    (void)state;
    assert_false(next_within(20));
    assert_int_equal(mkdir(path_of("d"), 0755), 0);
    assert_int_equal(mkdir(path_of("d/x"), 0755), 0);
    assert_int_equal(mkdir(path_of("d/x/y"), 0755), 0);
    put("d/x/y/a", "1");
    uint64_t before = assay_monotonic_ms();
    expect("d");
    assert_true(assay_monotonic_ms() - before >= 30);
    uint8_t first[ASSAY_SIGNATURE_LEN];
    memcpy(first, got.signature, sizeof first);
    put("d/x/y/a", "2"); /* in a directory made after the watch */
    expect("d");
    assert_memory_not_equal(first, got.signature, sizeof first);
}

static void a_directory_moved_in_is_watched_below(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of(".new"), 0755), 0);
    assert_int_equal(mkdir(path_of(".new/in"), 0755), 0);
    put(".new/in/a", "1");
    assert_false(next_within(120)); /* not finished: it is hidden */
    assert_int_equal(rename(path_of(".new"), path_of("d")), 0);
    expect("d");
    put("d/in/b", "2");
    expect("d");
    assert_int_equal(rename(path_of("d/in"), path_of("d/out")), 0);
    expect("d");
    put("d/out/c", "3");
    expect("d");
}

static void what_goes_away_is_forgotten(void **state)
{
    (void)state;
    struct assay_source_counts counts;
    put("a", "1");
    expect("a");
    assert_int_equal(unlink(path_of("a")), 0);
    put("b", "1");
    expect("b");
    kind->counts(watch, &source, &counts);
    assert_int_equal(counts.datasets, 1);
    assert_int_equal(counts.pending, 0);
    assert_null(counts.problem);
}

static void writing_goes_on(void **state)
{
    (void)state;
    assert_false(next_within(20));
    int fd = open(path_of("slow"), O_WRONLY | O_CREAT, 0644);
    uint64_t end = assay_monotonic_ms() + 200;
    while (assay_monotonic_ms() < end) { /* never closed, so only its times tell */
        assert_int_equal(write(fd, "x", 1), 1);
        assert_false(next_within(10));
    }
    (void)close(fd);
    expect("slow");
}

static void the_marker_says_when(void **state)
{
    (void)state;
    source.ready = ASSAY_READY_MARKER;
    assert_int_equal(mkdir(path_of("d"), 0755), 0);
    put("d/a", "1");
    put("file", "1");
    assert_false(next_within(150));
    put("d/_READY", "");
    expect("d");
    assert_false(next_within(100));
}

static void the_directory_itself(void **state)
{
    (void)state;
    source.dataset = ASSAY_DATASET_SELF;
    put("a", "1");
    assert_true(next_within(10000));
    assert_string_equal(got.path, root);
    assert_string_equal(got.name, "s");
    put("b", "1");
    assert_true(next_within(10000));
    assert_int_equal(unlink(path_of("b")), 0);
    assert_true(next_within(10000));
}

/* More events than the kernel's queue holds: what they told of is found all the same. */
static void lost_events_lead_to_a_scan(void **state)
{
    (void)state;
    struct assay_source_counts counts;
    char name[64];
    assert_int_equal(mkdir(path_of("d"), 0755), 0);
    put("d/a", "1");
    expect("d");
    kind->counts(watch, &source, &counts);
    uint64_t scans = counts.rescans;
    for (int i = 0; i < 12000; i++) { /* creation, attributes and removal: three events each */
        (void)snprintf(name, sizeof name, "d/%d", i % 2);
        put(name, "x");
        assert_int_equal(unlink(path_of(name)), 0);
    }
    put("late", "1");
    assert_true(next_within(10000));
    assert_true(next_within(10000));
    kind->counts(watch, &source, &counts);
    assert_int_equal(counts.rescans, scans + 1);
    assert_int_equal(counts.datasets, 2);
    put("d/after", "1"); /* and the new watches work */
    expect("d");
}

static void a_root_that_is_not_there_is_a_problem(void **state)
{
    (void)state;
    struct assay_source_counts counts;
    assert_int_equal(rmdir(root), 0);
    assert_false(next_within(20));
    kind->counts(watch, &source, &counts);
    assert_non_null(counts.problem);
    assert_true(kind->deadline(watch) <= assay_monotonic_ms() + 10000);
    assert_int_equal(mkdir(root, 0755), 0);
    put("a", "1");
    kind->rescan(watch);
    expect("a");
    kind->counts(watch, &source, &counts);
    assert_null(counts.problem);
}

/* Which inotify says nothing of. */
static void what_is_mounted_over_the_root_is_seen(void **state)
{
    (void)state;
    assert_false(next_within(20));
    kind->stop(watch);
    watch = NULL;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        assert_int_equal(kind->start(&config, &watch, NULL), ASSAY_OK);
        skip(); /* needs privilege */
    }
    assert_int_equal(kind->start(&config, &watch, NULL), ASSAY_OK);
    assert_false(next_within(20));
    if (mount("none", root, "tmpfs", 0, "size=1m") != 0) {
        skip();
    }
    put("a", "1");
    expect("a");
    put("b", "1"); /* by an event of the new file system */
    expect("b");
    assert_int_equal(umount(root), 0);
    put("c", "1");
    expect("c");
}

static void signatures_follow_names_sizes_and_times(void **state)
{
    (void)state;
    uint8_t a[ASSAY_SIGNATURE_LEN], b[ASSAY_SIGNATURE_LEN];
    uint64_t newest;
    assert_int_equal(assay_tree_signature(path_of("none"), a, &newest), ASSAY_NOTFOUND);
    put("x", "1");
    put("y", "1");
    assert_int_equal(assay_tree_signature(root, a, &newest), ASSAY_OK);
    assert_true(newest > 0);
    assert_int_equal(assay_tree_signature(root, b, &newest), ASSAY_OK);
    assert_memory_equal(a, b, sizeof a);
    put("y", "2");
    assert_int_equal(assay_tree_signature(root, b, &newest), ASSAY_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

static void digests_of_rules_follow_their_content(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    struct assay_rules_memory memory = {0};
    char pack[256], policy[256];
    (void)snprintf(pack, sizeof pack, "%s", path_of("pack"));
    (void)snprintf(policy, sizeof policy, "%s", path_of("policy.yaml"));
    const char *packs[] = {pack, "pii"};
    struct assay_rules_ref rules = {.policy = policy, .packs = {packs, 2}};
    assert_int_equal(mkdir(path_of("pack"), 0755), 0);
    put("pack/pack.yaml", "pack: x\n");
    put("policy.yaml", "policy: p\n");
    assert_int_equal(assay_rules_digest(&rules, a), ASSAY_OK);
    assert_int_equal(chmod(path_of("policy.yaml"), 0600), 0); /* looks are nothing to it */
    assert_int_equal(assay_rules_digest(&rules, b), ASSAY_OK);
    assert_memory_equal(a, b, sizeof a);
    assay_rules_recall(&memory, &rules, 5000, b);
    put("pack/words.txt", "word\n");
    assay_rules_recall(&memory, &rules, 5999, b); /* read a moment ago */
    assert_memory_equal(a, b, sizeof a);
    assay_rules_recall(&memory, &rules, 6000, b);
    assert_memory_not_equal(a, b, sizeof a);
    memcpy(a, b, sizeof a);
    put("policy.yaml", "version: 2\n");
    assert_int_equal(assay_rules_digest(&rules, b), ASSAY_OK);
    assert_memory_not_equal(a, b, sizeof a);
    packs[1] = "secrets";
    assert_int_equal(assay_rules_digest(&rules, a), ASSAY_OK);
    assert_memory_not_equal(a, b, sizeof a);
    rules.suppressions = (struct assay_config_list){packs, 1}; /* any path will do */
    assert_int_equal(assay_rules_digest(&rules, b), ASSAY_OK);
    assert_memory_not_equal(a, b, sizeof a);
    put("pack/words.txt", "another\n");
    assay_rules_recall(&memory, &rules, 9000, a);
    assert_memory_not_equal(a, b, sizeof a);
    rules.settings = (struct assay_config_list){packs, 1};
    assay_rules_recall(&memory, &rules, 9000, b); /* other rules, not read a moment ago */
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_lies_there_at_the_start_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_arrives_is_found_and_settles, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_moved_in_is_watched_below, setup, teardown),
        cmocka_unit_test_setup_teardown(what_goes_away_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(the_marker_says_when, setup, teardown),
        cmocka_unit_test_setup_teardown(the_directory_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_events_lead_to_a_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(a_root_that_is_not_there_is_a_problem, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_mounted_over_the_root_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(digests_of_rules_follow_their_content, setup, teardown),
        cmocka_unit_test_setup_teardown(signatures_follow_names_sizes_and_times, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
