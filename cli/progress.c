/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/term.h"
#include "core/clock.h"

#define BAR      16  /* characters */
#define TICK_MS  250 /* between two looks of the thread */
#define QUIET_MS 900 /* after that nobody will tell soon */
#define TEXT_MAX 256

static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    pthread_t thread;
    int running, over, shown;
    const char *what, *file;
    uint64_t total, began_ms;
    /* What was told last. */
    const char *phase;
    uint64_t phase_ms, told_ms;
    int done; /* it was the end of its phase */
} line = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

int cli_progress_wanted(const struct cli_args *args)
{
    return isatty(STDERR_FILENO) && !cli_given(args, "quiet") && !cli_given(args, "no-progress");
}

void cli_format_eta(uint64_t ms, char out[CLI_ETA_MAX])
{
    const uint64_t s = ms / 1000;
    if (ms == UINT64_MAX) {
        (void)snprintf(out, CLI_ETA_MAX, "--");
    } else if (s < 60) {
        (void)snprintf(out, CLI_ETA_MAX, "%us", (unsigned)s);
    } else if (s < 3600) {
        (void)snprintf(out, CLI_ETA_MAX, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    } else {
        (void)snprintf(out, CLI_ETA_MAX, "%lluh%02um", (unsigned long long)(s / 3600),
                       (unsigned)(s / 60 % 60));
    }
}

/* One line whatever the width: the last column stays free, or the cursor would wrap. */
static void draw(const char *fmt, ...) ASSAY_PRINTF(1, 2);
static void draw(const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const unsigned columns = cli_columns(stderr);
    line.shown = 1;
    (void)fprintf(stderr, "\r\033[K%.*s", columns > 1 ? (int)columns - 1 : 0, text);
    (void)fflush(stderr);
}

/* "[######------]  25%" */
static void format_bar(uint64_t done, uint64_t total, char out[BAR + 16])
{
    const unsigned percent = total == 0      ? 0
                             : done >= total ? 100
                                             : (unsigned)((double)done * 100 / (double)total);
    const unsigned filled = percent * BAR / 100;
    char bar[BAR + 1];
    for (unsigned i = 0; i < BAR; i++) {
        bar[i] = i < filled ? '#' : '-';
    }
    bar[BAR] = '\0';
    (void)snprintf(out, BAR + 16, "[%s] %3u%%", bar, percent);
}

/* "[######------]  25%  ETA 3s  94 MB/s  merging runs" */
static void draw_pace(uint64_t done, uint64_t total, uint64_t ms, uint64_t eta_ms, const char *more)
{
    char bar[BAR + 16], eta[CLI_ETA_MAX], pace[32] = "--";
    const uint64_t rate = assay_progress_rate(ms, done);
    format_bar(done, total, bar);
    cli_format_eta(eta_ms, eta);
    if (rate != UINT64_MAX) {
        (void)snprintf(pace, sizeof pace, "%llu", (unsigned long long)(rate / 1000000));
    }
    draw("%s  ETA %s  %s MB/s  %s", bar, eta, pace, more);
}

/* ---- what is told -------------------------------------------------------------------------- */

static void draw_told(const struct assay_progress *p)
{
    char records[CLI_COUNT_MAX], findings[CLI_COUNT_MAX], files[CLI_COUNT_MAX], all[CLI_COUNT_MAX];
    char more[TEXT_MAX];
    (void)snprintf(more, sizeof more, "%s%s%s records  %s of %s files  %s findings",
                   p->phase == NULL ? "" : p->phase, p->phase == NULL ? "" : "  ",
                   cli_format_count(p->records, records), cli_format_count(p->files_done, files),
                   cli_format_count(p->files_total, all), cli_format_count(p->findings, findings));
    draw_pace(p->bytes_done, p->bytes_total, p->elapsed_ms - line.phase_ms, p->eta_ms, more);
}

void cli_progress_show(void *ctx, const struct assay_progress *p)
{
    (void)ctx;
    (void)pthread_mutex_lock(&line.lock);
    if (p->phase != line.phase) {
        line.phase_ms = line.phase == NULL || p->phase == NULL ? 0 : p->elapsed_ms;
        line.phase = p->phase;
    }
    line.told_ms = assay_monotonic_ms();
    line.done = p->bytes_done >= p->bytes_total;
    draw_told(p);
    (void)pthread_mutex_unlock(&line.lock);
}

/* ---- what nobody tells --------------------------------------------------------------------- */

static uint64_t size_of(const char *file)
{
    struct stat st;
    char part[PATH_MAX + 8];
    const int n = snprintf(part, sizeof part, "%s.part", file);
    if (n > 0 && (size_t)n < sizeof part && stat(part, &st) == 0) {
        return (uint64_t)st.st_size;
    }
    return stat(file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void draw_untold(uint64_t now)
{
    char took[CLI_ETA_MAX];
    if (line.file != NULL) {
        const uint64_t done = size_of(line.file), ms = now - line.began_ms;
        draw_pace(done, line.total, ms, assay_progress_eta(ms, done, line.total), line.what);
        return;
    }
    if (line.phase == NULL) {
        cli_format_eta(now - line.began_ms, took);
        draw("%s, %s", line.what, took);
    } else if (line.done && now - line.told_ms >= QUIET_MS) {
        cli_format_eta(now - line.told_ms, took);
        draw("comparing what was read, %s", took);
    }
}

static void *keep_drawing(void *ctx)
{
    (void)ctx;
    (void)pthread_mutex_lock(&line.lock);
    while (!line.over) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&line.ended, &line.lock, &until);
        if (!line.over) {
            draw_untold(assay_monotonic_ms());
        }
    }
    (void)pthread_mutex_unlock(&line.lock);
    return NULL;
}

/* Without its thread the line is what is told, no more. */
static void start_thread(void)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    line.running = pthread_create(&line.thread, NULL, keep_drawing, NULL) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void cli_progress_begin(const struct cli_args *args, const char *what, const char *file,
                        uint64_t total)
{
    if (!cli_progress_wanted(args)) {
        return;
    }
    line.what = what;
    line.file = file;
    line.total = total;
    line.phase = NULL;
    line.phase_ms = 0;
    line.over = line.done = 0;
    line.began_ms = assay_monotonic_ms();
    draw_untold(line.began_ms);
    start_thread();
}

void cli_progress_end(void)
{
    if (line.running) {
        (void)pthread_mutex_lock(&line.lock);
        line.over = 1;
        (void)pthread_cond_signal(&line.ended);
        (void)pthread_mutex_unlock(&line.lock);
        (void)pthread_join(line.thread, NULL);
        line.running = 0;
    }
    if (line.shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        line.shown = 0;
    }
}
