/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/sync.h"

static char root[64];

/* ---- what the kernel is asked for ---------------------------------------------------------- */

#define SEEN_MAX 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ino_t seen[SEEN_MAX];
static size_t n_seen;

/* In place of the C library's: notes what is synced. */
int fsync(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0) {
        (void)pthread_mutex_lock(&lock);
        if (n_seen < SEEN_MAX) {
            seen[n_seen++] = st.st_ino;
        }
        (void)pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_fsync, fd);
}

static size_t times_synced(const char *name)
{
    char path[128];
    struct stat st;
    size_t n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(lstat(path, &st), 0);
    for (size_t i = 0; i < n_seen; i++) {
        n += seen[i] == st.st_ino;
    }
    return n;
}

/* ---- a directory --------------------------------------------------------------------------- */

static void path_of(const char *name, char ret[128])
{
    (void)snprintf(ret, 128, "%s/%s", root, name);
}

static void put(const char *name)
{
    char path[128];
    path_of(name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
    (void)state;
    n_seen = 0;
    (void)snprintf(root, sizeof root, "/tmp/assay-sync-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    DIR *d = opendir(root);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        (void)(unlinkat(dirfd(d), e->d_name, 0) == 0 ||
               unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) == 0);
    }
    (void)closedir(d);
    return rmdir(root);
}

static size_t open_files(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d) != NULL) {
        n++;
    }
    (void)closedir(d);
    return n;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void every_file_and_the_directory_is_synced_once(void **state)
{
    (void)state;
    char name[16];
    size_t before = open_files();
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        put(name);
    }
    assert_int_equal(assay_sync_dir(root, NULL), ASSAY_OK);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        assert_int_equal(times_synced(name), 1);
    }
    assert_int_equal(times_synced("."), 1);
    assert_int_equal(n_seen, 41);
    assert_int_equal(open_files(), before);
}

static void directories_of_a_set_are_synced_together(void **state)
{
    (void)state;
    char path[128];
    struct assay_sync s = {.n = 0};
    path_of("below", path);
    put("f");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(assay_sync_add(&s, root, NULL), ASSAY_OK);
    assert_int_equal(n_seen, 0); /* nothing yet */
    assert_int_equal(assay_sync_add(&s, path, NULL), ASSAY_OK);
    assert_int_equal(assay_sync_run(&s, NULL), ASSAY_OK);
    assert_int_equal(times_synced("f"), 1);
    assert_int_equal(times_synced("below"), 1);
    assert_int_equal(s.n, 0);
    assert_int_equal(assay_sync_run(&s, NULL), ASSAY_OK); /* an empty set */
}

static void a_failure_is_told_and_the_rest_synced(void **state)
{
    (void)state;
    int ends[2];
    size_t before = open_files();
    struct assay_error err;
    struct assay_sync s = {.n = 0};
    put("f");
    assert_int_equal(assay_sync_add(&s, root, NULL), ASSAY_OK);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], s.fds[0]), s.fds[0]); /* a pipe cannot be synced */
    assert_int_equal(close(ends[0]) | close(ends[1]), 0);
    assert_int_not_equal(assay_sync_run(&s, &err), ASSAY_OK);
    assert_non_null(strstr(err.message, strerror(EINVAL)));
    assert_int_equal(times_synced("f"), 1);
    assert_int_equal(open_files(), before);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    char path[128];
    size_t before = open_files();
    path_of("pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(assay_sync_dir(root, NULL), ASSAY_UNSUPPORTED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_not_equal(assay_sync_dir(root, NULL), ASSAY_OK);
    assert_int_not_equal(assay_sync_dir(path, NULL), ASSAY_OK); /* nor is a link a directory */
    assert_int_equal(n_seen, 0);
    assert_int_equal(open_files(), before);
}

static void a_directory_too_full_is_refused(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i <= ASSAY_LIMIT_SYNC_FILES; i++) {
        (void)snprintf(name, sizeof name, "f%d", i);
        put(name);
    }
    assert_int_equal(assay_sync_dir(root, NULL), ASSAY_LIMIT);
    assert_int_equal(n_seen, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_file_and_the_directory_is_synced_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(directories_of_a_set_are_synced_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_told_and_the_rest_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_too_full_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
