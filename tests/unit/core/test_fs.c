/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"

static char root[64];

static int make_root(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/assay-fs-XXXXXX");
    return mkdtemp(root) == NULL || chdir(root) != 0;
}

static int drop_root(void **state)
{
    (void)state;
    static const char *const names[] = {"d/in/file", "d/link", "d/in", "d",   "out",
                                        "p/q/r",     "p/q",    "p",    "fifo"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)(unlink(names[i]) == 0 || rmdir(names[i]) == 0);
    }
    return rmdir(root);
}

static int entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    (void)closedir(dir);
    return n;
}

static void opening_stays_beneath(void **state)
{
    (void)state;
    assert_int_equal(assay_fs_mkdirs("d/in", 0755, NULL), ASSAY_OK);
    assert_int_equal(assay_fs_write_file("d/in/file", "x", 1, 0644, NULL), ASSAY_OK);
    assert_int_equal(symlink("in", "d/link"), 0);
    int dir = open("d", O_RDONLY | O_DIRECTORY);
    static const struct {
        const char *name;
        int error;
    } bad[] = {{"../d/in/file", EXDEV}, {"/etc/passwd", EXDEV}, {"link/file", ELOOP},
               {"link", ELOOP},         {"none", ENOENT},       {"", ENOENT}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(assay_fs_open_beneath(dir, bad[i].name, O_RDONLY), -1);
        assert_int_equal(errno, bad[i].error);
    }
    int fd = assay_fs_open_beneath(dir, "in/file", O_RDONLY);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)close(dir);
}

static void reading_is_bounded(void **state)
{
    (void)state;
    struct assay_error err;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 100);
    assert_int_equal(assay_fs_write_file("out", "0123456789", 10, 0600, &err), ASSAY_OK);
    assert_int_equal(assay_fs_read_file("out", 10, &out, &err), ASSAY_OK);
    assert_string_equal(assay_buf_str(&out), "0123456789");
    assay_buf_clear(&out);
    assert_int_equal(assay_fs_read_file("out", 9, &out, &err), ASSAY_LIMIT);
    assert_string_equal(err.where, "out");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(assay_fs_read_file("fifo", 9, &out, &err), ASSAY_UNSUPPORTED);
    assert_int_equal(assay_fs_read_file("d", 9, &out, &err), ASSAY_UNSUPPORTED);
    assert_int_equal(assay_fs_read_file("missing", 9, &out, &err), ASSAY_NOTFOUND);
}

static void writing_is_atomic(void **state)
{
    (void)state;
    struct stat st;
    struct assay_error err;
    struct assay_atomic_file *f;
    ASSAY_AUTO_BUF out;
    assay_buf_init(&out, 1 << 20);
    int before = entries(".");
    assert_int_equal(assay_atomic_open("out", 0600, &f, &err), ASSAY_OK);
    assert_int_equal(assay_atomic_write(f, "half", 4, &err), ASSAY_OK);
    assay_atomic_abort(f);
    assert_int_equal(assay_fs_read_file("out", 100, &out, &err), ASSAY_OK);
    assert_string_equal(assay_buf_str(&out), "0123456789");
    assert_int_equal(entries("."), before);

    char *big = calloc(1, 200000);
    assert_int_equal(assay_atomic_open("out", 0600, &f, &err), ASSAY_OK);
    assert_int_equal(assay_atomic_write(f, "new", 3, &err), ASSAY_OK);
    assert_int_equal(assay_atomic_write(f, big, 200000, &err), ASSAY_OK);
    assert_int_equal(assay_atomic_commit(f, &err), ASSAY_OK);
    assert_int_equal(stat("out", &st), 0);
    assert_int_equal(st.st_size, 200003);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(entries("."), before);
    free(big);
    assert_int_equal(assay_atomic_open("none/x", 0600, &f, &err), ASSAY_NOTFOUND);
}

/* The failure a full disk gives (here: a file size limit) leaves the old file and no temporary. */
static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    struct assay_error err;
    struct stat st;
    struct rlimit old, small = {100000, 100000};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    int before = entries(".");
    char *big = calloc(1, 300000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum assay_status status = assay_fs_write_file("out", big, 300000, 0600, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    free(big);
    assert_int_not_equal(status, ASSAY_OK);
    assert_string_equal(err.where, "out");
    assert_int_equal(stat("out", &st), 0);
    assert_int_equal(st.st_size, 200003);
    assert_int_equal(entries("."), before);
}

static void directories_and_homes(void **state)
{
    (void)state;
    struct assay_error err;
    char path[100];
    assert_int_equal(assay_fs_mkdirs("p/q/r", 0700, &err), ASSAY_OK);
    assert_int_equal(assay_fs_mkdirs("p//q/r/", 0700, &err), ASSAY_OK);
    assert_int_not_equal(assay_fs_mkdirs("out/x", 0700, &err), ASSAY_OK);
    assert_string_equal(err.where, "out");
    assert_int_equal(setenv("XDG_CACHE_HOME", "/c", 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
    assert_int_equal(setenv("HOME", "/h", 1), 0);
    assert_int_equal(assay_fs_home(ASSAY_HOME_CACHE, path, sizeof path, &err), ASSAY_OK);
    assert_string_equal(path, "/c/assay");
    assert_int_equal(assay_fs_home(ASSAY_HOME_CONFIG, path, sizeof path, &err), ASSAY_OK);
    assert_string_equal(path, "/h/.config/assay");
    assert_int_equal(assay_fs_home(ASSAY_HOME_CONFIG, path, 5, &err), ASSAY_LIMIT);
}

static void temporary_files_have_no_name(void **state)
{
    (void)state;
    struct stat st;
    int fd = assay_fs_tmpfile();
    assert_true(fd >= 0);
    assert_int_equal(assay_fs_write_all(fd, "spill", 5), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    (void)close(fd);
}

static void reading_at_a_place_is_all_or_an_error(void **state)
{
    (void)state;
    char buf[8] = "";
    int fd = assay_fs_tmpfile();
    assert_int_equal(assay_fs_write_all(fd, "0123456789", 10), 0);
    assert_int_equal(assay_fs_read_at(fd, buf, 4, 6), ASSAY_OK);
    assert_memory_equal(buf, "6789", 4);
    assert_int_equal(assay_fs_read_at(fd, buf, 0, 99), ASSAY_OK);
    errno = 0;
    assert_int_equal(assay_fs_read_at(fd, buf, 5, 6), ASSAY_END); /* one byte is missing */
    assert_int_equal(errno, EIO);
    (void)close(fd);
    assert_int_equal(assay_fs_read_at(fd, buf, 1, 0), ASSAY_IO);
    assert_int_equal(errno, EBADF);
}

static void a_path_ends_in_its_base(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"a", "a"},  {"/a/b", "b"},     {"a/b//", "b"},
                                          {"./", "."}, {"/", ""},         {"", ""},
                                          {"//", ""},  {"a/../..", ".."}, {"x.d/", "x.d"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(assay_bytes_equal(assay_path_base(rows[i][0]), assay_bytes_str(rows[i][1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_ends_in_its_base),
        cmocka_unit_test(opening_stays_beneath),
        cmocka_unit_test(reading_is_bounded),
        cmocka_unit_test(writing_is_atomic),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(directories_and_homes),
        cmocka_unit_test(temporary_files_have_no_name),
        cmocka_unit_test(reading_at_a_place_is_all_or_an_error),
    };
    return cmocka_run_group_tests(tests, make_root, drop_root);
}
