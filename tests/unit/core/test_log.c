/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"

static struct assay_buf captured;
static int fd;

static int open_sink(void **state)
{
    (void)state;
    fd = assay_fs_tmpfile();
    assay_buf_init(&captured, 100000);
    return fd < 0;
}

static int close_sink(void **state)
{
    (void)state;
    assay_buf_release(&captured);
    return close(fd);
}

/* What was written since the last call. */
static const char *lines(void)
{
    assay_buf_clear(&captured);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(assay_fs_read_fd(fd, 100000, &captured, NULL), ASSAY_OK);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return assay_buf_str(&captured);
}

static void text_quotes_and_escapes_names(void **state)
{
    (void)state;
    assay_log_setup(fd, ASSAY_LOG_JOURNAL, ASSAY_LOG_INFO);
    assay_log(ASSAY_LOG_WARNING, "watch", "file went away", ASSAY_LOG_S("file", "a b\n\"c\x1b"),
              ASSAY_LOG_N("size", -5), ASSAY_LOG_C("state", "gone"),
              ASSAY_LOG_H("id", "\x01\xab", 2));
    assert_string_equal(lines(), "<4>watch: file went away file=\"a b\\\\n\\\"c\\\\x1b\" size=-5 "
                                 "state=gone id=01ab\n");
}

static void levels_are_kept(void **state)
{
    (void)state;
    assay_log_setup(fd, ASSAY_LOG_JOURNAL, ASSAY_LOG_WARNING);
    assay_log(ASSAY_LOG_INFO, "m", "hidden");
    assert_string_equal(lines(), "");
    assay_log(ASSAY_LOG_ERROR, "m", "shown");
    assert_string_equal(lines(), "<3>m: shown\n");
}

static void json_is_one_object_a_line(void **state)
{
    (void)state;
    assay_log_setup(fd, ASSAY_LOG_JSON, ASSAY_LOG_DEBUG);
    assay_log(ASSAY_LOG_DEBUG, "m", "hello", ASSAY_LOG_S("who", "x\"y"), ASSAY_LOG_N("n", 1));
    const char *line = lines();
    assert_memory_equal(line, "{\"time\":\"20", 11);
    assert_non_null(strstr(line, "Z\",\"level\":\"debug\",\"module\":\"m\",\"message\":\"hello\","
                                 "\"who\":\"x\\\"y\",\"n\":1}\n"));
}

static void long_names_are_cut_at_a_character(void **state)
{
    (void)state;
    char name[400] = "a";
    for (size_t i = 1; i + 3 < sizeof name; i += 3) {
        memcpy(name + i, "\xe6\xb1\x89", 4);
    }
    assay_log_setup(fd, ASSAY_LOG_JOURNAL, ASSAY_LOG_INFO);
    assay_log(ASSAY_LOG_INFO, "m", "x", ASSAY_LOG_S("f", name));
    const char *line = lines();
    assert_int_equal(strlen(line), strlen("<6>m: x f=") + 199 + strlen("...\n"));
    assert_non_null(strstr(line, "\xe6\xb1\x89...\n"));
}

static void text_lines_carry_time_and_level(void **state)
{
    (void)state;
    assay_log_setup(fd, ASSAY_LOG_TEXT, ASSAY_LOG_INFO);
    assay_log(ASSAY_LOG_INFO, "m", "x");
    const char *line = lines();
    assert_int_equal(strlen(line), strlen("2026-01-02T03:04:05.678Z info m: x\n"));
    assert_string_equal(line + 23, "Z info m: x\n");
}

/* A journal of one's own: a datagram socket in a directory of its own. */
static int make_journal(char dir[32], struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    (void)snprintf(dir, 32, "/tmp/assay-log-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(at->sun_path, sizeof at->sun_path, "%s/socket", dir);
    int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(journal >= 0);
    assert_int_equal(bind(journal, (const struct sockaddr *)at, sizeof *at), 0);
    return journal;
}

static void the_journal_gets_fields(void **state)
{
    (void)state;
    char dir[32];
    char entry[1000];
    struct sockaddr_un at;
    int journal = make_journal(dir, &at);
    assay_log_setup(fd, ASSAY_LOG_JOURNAL, ASSAY_LOG_INFO);
    assert_true(assay_log_journal(at.sun_path));
    assay_log(ASSAY_LOG_WARNING, "runs", "failed", ASSAY_LOG_N("run", 7),
              ASSAY_LOG_S("at-path", "a b\nMESSAGE=x"), ASSAY_LOG_C("state", "gone"));
    ssize_t n = recv(journal, entry, sizeof entry - 1, 0);
    assert_true(n > 0);
    entry[n] = '\0';
    assert_string_equal(entry,
                        "PRIORITY=4\nSYSLOG_IDENTIFIER=assayd\nASSAY_MODULE=runs\nASSAY_RUN=7\n"
                        "ASSAY_AT_PATH=a b\\nMESSAGE=x\nASSAY_STATE=gone\n"
                        "MESSAGE=runs: failed run=7 at-path=\"a b\\\\nMESSAGE=x\" state=gone\n");
    assert_string_equal(lines(), "");

    assert_int_equal(close(journal), 0); /* a journal that goes away: text again */
    assay_log(ASSAY_LOG_ERROR, "m", "still said");
    assert_string_equal(lines(), "<3>m: still said\n");
    assert_int_equal(unlink(at.sun_path), 0);
    assert_false(assay_log_journal(at.sun_path));
    assert_int_equal(rmdir(dir), 0);
}

static void a_redirected_program_keeps_its_output(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    assert_false(assay_log_journal(NULL));
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    assert_false(assay_log_journal(NULL));
    assay_log_setup(fd, ASSAY_LOG_JOURNAL, ASSAY_LOG_INFO);
    assay_log(ASSAY_LOG_INFO, "m", "x");
    assert_string_equal(lines(), "<6>m: x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_quotes_and_escapes_names),
        cmocka_unit_test(levels_are_kept),
        cmocka_unit_test(json_is_one_object_a_line),
        cmocka_unit_test(long_names_are_cut_at_a_character),
        cmocka_unit_test(the_journal_gets_fields),
        cmocka_unit_test(a_redirected_program_keeps_its_output),
        cmocka_unit_test(text_lines_carry_time_and_level),
    };
    return cmocka_run_group_tests(tests, open_sink, close_sink);
}
