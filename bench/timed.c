/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/timed: runs a command and adds a line with what it took to a file.
 *
 *     bench/timed LOG LABEL COMMAND [ARGUMENT...]
 *
 * The line: LABEL, wall-clock, user and system milliseconds, peak resident KiB, exit code. The
 * command's output is thrown away, and the command itself after LIMIT seconds. Exits as it did.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 900

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double milliseconds(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec * 1e-3;
}

static void start(char **command)
{
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0) {
        (void)alarm(LIMIT); /* outlives exec */
        (void)execvp(command[0], command);
    }
    perror(command[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        (void)fprintf(stderr, "usage: %s LOG LABEL COMMAND [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    int status = 0;
    struct rusage used;
    const double began = now();
    const pid_t pid = fork();
    if (pid == 0) {
        start(argv + 3);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
        perror(argv[0]);
        return 1;
    }
    const double took = now() - began;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *log = fopen(argv[1], "a");
    if (log == NULL ||
        fprintf(log, "%s %.2f %.2f %.2f %ld %d\n", argv[2], took, milliseconds(used.ru_utime),
                milliseconds(used.ru_stime), used.ru_maxrss, code) < 0 ||
        fclose(log) != 0) {
        perror(argv[1]);
        return 1;
    }
    return code;
}
