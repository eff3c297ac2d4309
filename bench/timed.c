/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/timed: runs a command and adds a line with what it took to a file.
 *
 *     bench/timed LOG LABEL COMMAND [ARGUMENT...]
 *
 * The line: LABEL, wall-clock, user and system milliseconds, peak resident KiB, exit code, and KiB of
 * unlinked files that the command held open at most, looked at every LOOK_MS. The command's output is
 * thrown away, and the command itself after LIMIT seconds. Exits as it did.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT   7200 /* ten million records on a busy machine are a quarter of an hour */
#define LOOK_MS 200

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

/* What of a process's open files has no name any more, on disks: what it keeps for itself. */
static long unlinked_kib(pid_t pid)
{
    char path[64];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    DIR *dir = opendir(path);
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        struct stat st;
        if (fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
            st.st_nlink == 0) {
            kib += (long)(st.st_blocks / 2);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return kib;
}

/* Waits for the command; how much it kept on disk at most, in KiB, or -1 with errno. SIGCHLD is
 * blocked. */
static long wait_for(pid_t pid, int *status, struct rusage *used)
{
    const struct timespec look = {0, LOOK_MS * 1000000L};
    sigset_t child;
    long most = 0;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    for (;;) {
        const pid_t ended = wait4(pid, status, WNOHANG, used);
        if (ended != 0) {
            return ended == pid ? most : -1;
        }
        const long now_kib = unlinked_kib(pid);
        most = now_kib > most ? now_kib : most;
        (void)sigtimedwait(&child, NULL, &look);
    }
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
    sigset_t child, before;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, &before);
    const double began = now();
    const pid_t pid = fork();
    if (pid == 0) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        start(argv + 3);
    }
    const long disk = pid < 0 ? -1 : wait_for(pid, &status, &used);
    if (disk < 0) {
        perror(argv[0]);
        return 1;
    }
    const double took = now() - began;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *log = fopen(argv[1], "a");
    if (log == NULL ||
        fprintf(log, "%s %.2f %.2f %.2f %ld %d %ld\n", argv[2], took, milliseconds(used.ru_utime),
                milliseconds(used.ru_stime), used.ru_maxrss, code, disk) < 0 ||
        fclose(log) != 0) {
        perror(argv[1]);
        return 1;
    }
    return code;
}
