/* SPDX-License-Identifier: Apache-2.0
 *
 * churner: changes files below a directory at a given pace: churner DIR SECONDS EVENTS_PER_SECOND
 *
 * A few datasets are changed all the time (files made, appended to, renamed, removed; directories
 * made, moved, removed), and every two seconds one arrives complete, by rename. At the end it
 * prints how many events it caused, as inotify counts them, and how many datasets there are.
 * The pseudo-random order is fixed, so two runs do the same.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY       8  /* datasets that are never left alone */
#define SLOTS      16 /* files in each */
#define TICK_MS    10
#define ARRIVAL_MS 2000
#define RECORDS    10

static const char *top;
static uint64_t rng = 88172645463325252U; /* xorshift64 (Marsaglia 2003) */

static unsigned pick(unsigned n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)(rng % n);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void append(const char *path)
{
    static const char line[] = "{\"text\":\"the weather was fine all week\"}\n";
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd >= 0) {
        (void)!write(fd, line, sizeof line - 1);
        (void)close(fd);
    }
}

/* One change somewhere in a busy dataset; how many events it causes. */
static unsigned change(void)
{
    char dir[512], file[600], other[600];
    unsigned slot = pick(SLOTS);
    (void)snprintf(dir, sizeof dir, "%s/busy%u/sub%u", top, pick(BUSY), pick(2));
    (void)snprintf(file, sizeof file, "%s/%u.jsonl", dir, slot);
    (void)snprintf(other, sizeof other, "%s/%u.jsonl", dir, (slot + 1) % SLOTS);
    switch (pick(6)) {
    case 0:
        return rename(file, other) == 0 ? 2 : 0;
    case 1:
        return unlink(file) == 0 ? 1 : 0;
    case 2: /* a directory comes, moves and goes */
        (void)snprintf(file, sizeof file, "%s/new", dir);
        (void)snprintf(other, sizeof other, "%s/old", dir);
        return (mkdir(file, 0755) == 0 ? 1U : 0U) + (rename(file, other) == 0 ? 3U : 0U) +
               (rmdir(other) == 0 ? 3U : 0U);
    default: {
        unsigned made = access(file, F_OK) == 0 ? 0 : 1;
        append(file);
        return 1 + made;
    }
    }
}

static void arrive(unsigned n)
{
    char hidden[512], name[512], file[600];
    (void)snprintf(hidden, sizeof hidden, "%s/.coming", top);
    (void)snprintf(name, sizeof name, "%s/whole%u", top, n);
    (void)snprintf(file, sizeof file, "%s/a.jsonl", hidden);
    (void)mkdir(hidden, 0755);
    for (int i = 0; i < RECORDS; i++) {
        append(file);
    }
    (void)rename(hidden, name);
}

static void prepare(void)
{
    char path[512];
    for (unsigned i = 0; i < BUSY; i++) {
        (void)snprintf(path, sizeof path, "%s/busy%u", top, i);
        (void)mkdir(path, 0755);
        for (unsigned k = 0; k < 2; k++) {
            (void)snprintf(path, sizeof path, "%s/busy%u/sub%u", top, i, k);
            (void)mkdir(path, 0755);
        }
        (void)snprintf(path, sizeof path, "%s/busy%u/base.jsonl", top, i);
        append(path);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fputs("usage: churner DIR SECONDS EVENTS_PER_SECOND\n", stderr);
        return 2;
    }
    top = argv[1];
    uint64_t length = strtoull(argv[2], NULL, 10) * 1000;
    uint64_t pace = strtoull(argv[3], NULL, 10);
    uint64_t start = now_ms(), events = 0;
    unsigned arrivals = 0;
    prepare();
    for (uint64_t at = 0; at < length; at = now_ms() - start) {
        while (events < at * pace / 1000) {
            events += change();
        }
        if (at >= (uint64_t)arrivals * ARRIVAL_MS) {
            arrive(arrivals++);
        }
        const struct timespec pause = {0, TICK_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    (void)printf("%llu events, %u datasets\n", (unsigned long long)events, arrivals + BUSY);
    return 0;
}
