/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/sandbox.c: each fence by itself, in children, and what happens on a kernel without it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/sandbox.h"

#define OPENED 0

/* Runs `body` in a child; its result is the child's exit code. */
static int in_child(int (*body)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(body());
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A kernel of before: Landlock's first call does not exist. */
static void forget_landlock(void)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    (void)seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), 444, 0);
    (void)seccomp_load(f);
    seccomp_release(f);
}

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int os_errno = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0 ? OPENED : os_errno;
}

static const struct assay_sandbox_tree usr_only[] = {{"/usr", -1, ASSAY_SANDBOX_READ},
                                                     {"/nowhere/at/all", -1, ASSAY_SANDBOX_READ}};

static int shut_files(void)
{
    struct assay_sandbox s = {.mode = ASSAY_SANDBOX_REQUIRE};
    if (assay_sandbox_files(&s, usr_only, 2, NULL) != ASSAY_OK || s.landlock == 0) {
        return 1;
    }
    if (try_open("/usr", O_RDONLY | O_DIRECTORY) != OPENED) {
        return 2;
    }
    if (try_open("/etc/passwd", O_RDONLY) != EACCES) {
        return 3;
    }
    if (try_open("/usr/planted", O_WRONLY | O_CREAT) != EACCES) {
        return 4;
    }
    /* a second layer cannot give back */
    const struct assay_sandbox_tree all[] = {{"/", -1, ASSAY_SANDBOX_READ}};
    (void)assay_sandbox_files(&s, all, 1, NULL);
    return try_open("/etc/passwd", O_RDONLY) == EACCES ? 0 : 5;
}

static void landlock_leaves_the_listed_trees(void **state)
{
    (void)state;
    if (assay_sandbox_landlock_abi() == 0) {
        skip();
    }
    assert_int_equal(in_child(shut_files), 0);
}

static int shut_calls(void)
{
    struct assay_sandbox s = {.mode = ASSAY_SANDBOX_REQUIRE};
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};
    if (assay_sandbox_calls(&s, ASSAY_SANDBOX_WORKER, NULL) != ASSAY_OK || !s.seccomp) {
        return 1;
    }
    if (socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || errno != EPERM) {
        return 2;
    }
    if (execv("/bin/true", argv) == 0 || errno != EPERM) {
        return 3;
    }
    if (kill(getppid(), 0) == 0 || errno != EPERM) {
        return 4;
    }
    return try_open("/etc/passwd", O_RDONLY) == OPENED ? 0 : 5;
}

static int shut_signer(void)
{
    struct assay_sandbox s = {.mode = ASSAY_SANDBOX_REQUIRE};
    if (assay_sandbox_calls(&s, ASSAY_SANDBOX_SIGNER, NULL) != ASSAY_OK) {
        return 1;
    }
    return try_open("/etc/passwd", O_RDONLY) == ENOSYS ? 0 : 2;
}

static void seccomp_leaves_the_listed_calls(void **state)
{
    (void)state;
    if (!assay_sandbox_has_seccomp()) {
        skip();
    }
    assert_int_equal(in_child(shut_calls), 0);
    assert_int_equal(in_child(shut_signer), 0);
}

static int require_without(void)
{
    struct assay_error err = {0};
    struct assay_sandbox s = {.mode = ASSAY_SANDBOX_REQUIRE};
    forget_landlock();
    if (assay_sandbox_files(&s, usr_only, 2, &err) != ASSAY_UNSUPPORTED) {
        return 1;
    }
    return strstr(err.message, "needs Landlock") != NULL &&
                   strstr(err.message, "sandbox: prefer") != NULL
               ? 0
               : 2;
}

static int prefer_without(void)
{
    char text[ASSAY_SANDBOX_TEXT_MAX];
    struct assay_sandbox s = {.mode = ASSAY_SANDBOX_PREFER};
    forget_landlock();
    if (assay_sandbox_files(&s, usr_only, 2, NULL) != ASSAY_OK || s.landlock != 0) {
        return 1;
    }
    if (assay_sandbox_calls(&s, ASSAY_SANDBOX_WORKER, NULL) != ASSAY_OK) {
        return 2;
    }
    assay_sandbox_describe(&s, text);
    return strcmp(text, "no landlock, seccomp") == 0 ? 0 : 3;
}

static void an_old_kernel_is_refused_or_said(void **state)
{
    (void)state;
    if (!assay_sandbox_has_seccomp()) {
        skip();
    }
    assert_int_equal(in_child(require_without), 0);
    assert_int_equal(in_child(prefer_without), 0);
}

static void off_does_nothing_and_says_so(void **state)
{
    char text[ASSAY_SANDBOX_TEXT_MAX];
    struct assay_sandbox s = {.mode = ASSAY_SANDBOX_OFF};
    (void)state;
    assert_int_equal(assay_sandbox_files(&s, usr_only, 2, NULL), ASSAY_OK);
    assert_int_equal(assay_sandbox_calls(&s, ASSAY_SANDBOX_WORKER, NULL), ASSAY_OK);
    assay_sandbox_network(&s);
    assay_sandbox_describe(&s, text);
    assert_string_equal(text, "off");
    assert_int_equal(try_open("/etc/passwd", O_RDONLY), OPENED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(landlock_leaves_the_listed_trees),
        cmocka_unit_test(seccomp_leaves_the_listed_calls),
        cmocka_unit_test(an_old_kernel_is_refused_or_said),
        cmocka_unit_test(off_does_nothing_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
