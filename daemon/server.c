/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/server.c: the life of assayd: set up, loop, reload, drain, stop.
 *
 * Order of setting up: the lock on state_dir (one daemon a store), the store, keys, what an earlier
 * life left (adopt.c), leftovers of staging, the socket, the sources. Everything after that happens
 * in one loop: wait, dispatch, ask the sources, start and finish runs, flush replies.
 */
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"

#define EVENTS_AT_ONCE 64

enum assay_status server_add(struct server *s, int fd, struct server_watcher *w,
                             struct assay_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return assay_fail_errno(err, errno, "cannot watch a descriptor");
    }
    return ASSAY_OK;
}

void server_unwatch(struct server *s, int fd)
{
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* ---- reloading ----------------------------------------------------------------------------- */

static void log_setup(const struct assay_config *c)
{
    assay_log_setup(STDERR_FILENO, (enum assay_log_format)c->log_format,
                    (enum assay_log_level)c->log_level);
    (void)(c->log_format == ASSAY_LOG_JOURNAL && assay_log_journal(NULL));
}

/* Loads the configuration, and says on stderr what is wrong with it; NULL with the first error. */
static struct assay_config *load_config(const char *path, struct assay_error *err)
{
    struct assay_diags *d = assay_diags_new();
    struct assay_config *c = d == NULL ? NULL : assay_config_load(path, d);
    if (d == NULL) {
        (void)assay_fail(err, ASSAY_NOMEM, "out of memory");
        return NULL;
    }
    if (c == NULL) {
        (void)assay_diags_first(d, err);
    }
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_MIB(1));
    assay_diags_render(d, &text, isatty(STDERR_FILENO));
    (void)assay_fs_write_all(STDERR_FILENO, text.ptr, text.len);
    assay_diags_free(d);
    return c;
}

enum assay_status server_check_unchangeable(const struct assay_config *old,
                                            const struct assay_config *new, struct assay_error *err)
{
    const struct {
        const char *name, *before, *after;
    } fixed[] = {{"state_dir", old->state_dir, new->state_dir},
                 {"control.socket", old->control_socket, new->control_socket},
                 {"reports.dir", old->reports_dir, new->reports_dir}};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (strcmp(fixed[i].before, fixed[i].after) != 0) {
            return assay_fail(err, ASSAY_CONFIG, "%s cannot change while assayd runs: restart it",
                              fixed[i].name);
        }
    }
    return ASSAY_OK;
}

/* Everything that can fail happens before anything is switched. */
enum assay_status server_switch(struct server *s, struct assay_config *config,
                                struct assay_error *err)
{
    struct assay_source_set *sources[SERVER_KINDS_MAX] = {NULL};
    struct assay_signer signer = {.fd = -1};
    uint8_t fingerprint[32];
    enum assay_status status = server_check_unchangeable(s->config, config, err);
    if (status == ASSAY_OK) {
        status = server_load_keys(config, s->signer_program, &signer, fingerprint, err);
    }
    if (status == ASSAY_OK) {
        status = server_start_sources(s, config, sources, err);
    }
    if (status != ASSAY_OK) {
        assay_signer_stop(&signer);
        return status;
    }
    server_stop_sources(s->sources);
    memcpy(s->sources, sources, sizeof sources);
    s->rules_ms = 0; /* they may have changed */
    memset(s->stale, 0, sizeof s->stale);
    s->retention_ms = s->retention_after = 0;
    s->answer_ms = 0; /* they have not been told anything yet */
    assay_signer_stop(&s->signer);
    s->signer = signer;
    memcpy(s->fingerprint_key, fingerprint, sizeof fingerprint);
    assay_config_free(s->config);
    s->config = config;
    log_setup(config);
    return ASSAY_OK;
}

/* ---- signals and time ---------------------------------------------------------------------- */

/* No new run starts; those that run may finish until the time is over, or until told again. */
static void begin_drain(struct server *s)
{
    if (s->state == SERVER_DRAINING) { /* asked twice: at once */
        s->drain_ms = 0;
        return;
    }
    s->state = SERVER_DRAINING;
    s->drain_ms = assay_monotonic_ms() + s->config->drain_ms;
    server_stir(s);
    assay_notify("STOPPING=1");
    assay_log(ASSAY_LOG_INFO, "assayd", "stopping: running audits may finish",
              ASSAY_LOG_N("running", server_busy(s)),
              ASSAY_LOG_N("at_most_ms", s->config->drain_ms));
}

static void signal_ready(struct server *s, struct server_watcher *w)
{
    struct signalfd_siginfo info;
    (void)w;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            server_reap(s);
        } else if (info.ssi_signo == SIGHUP && s->state == SERVER_RUNNING) {
            server_reload_start(s);
        } else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            begin_drain(s);
        }
    }
}

static void timer_ready(struct server *s, struct server_watcher *w)
{
    uint64_t count;
    (void)w;
    (void)!read(s->timer_fd, &count, sizeof count);
}

/* Arms the timer for the next thing that is due. */
static void arm_timer(struct server *s)
{
    server_tell_room(s);
    uint64_t due = server_runs_deadline(s);
    uint64_t answer = server_answer_deadline(s);
    due = answer < due ? answer : due;
    if (s->state == SERVER_RUNNING) {
        due = s->rules_ms < due ? s->rules_ms : due;
    }
    uint64_t ends = server_ends_deadline(s);
    due = ends < due ? ends : due;
    for (size_t i = 0; assay_source_kinds[i] != NULL && s->state == SERVER_RUNNING; i++) {
        uint64_t at = assay_source_kinds[i]->deadline(s->sources[i]);
        at = at < s->schedule_ms ? s->schedule_ms : at;
        due = at < due ? at : due;
    }
    if (s->state == SERVER_DRAINING) {
        due = s->drain_ms < due ? s->drain_ms : due;
    }
    uint64_t retention = server_retention_deadline(s);
    due = retention < due ? retention : due;
    uint64_t watch = server_watch_deadline(s);
    due = watch < due ? watch : due;
    uint64_t reload = server_reload_deadline(s);
    due = reload < due ? reload : due;
    s->work_ms = due;
    uint64_t notice = server_notice_deadline(s);
    due = notice < due ? notice : due;
    due = due == 0 ? 1 : due;
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (due != SERVER_NEVER) {
        when.it_value.tv_sec = (time_t)(due / 1000);
        when.it_value.tv_nsec = (long)(due % 1000) * 1000000;
    }
    (void)timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void dispatch(struct server *s)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, -1);
    for (int i = 0; i < n; i++) {
        struct server_watcher *w = events[i].data.ptr;
        s->notice.dirty |= w != &s->timer_watcher;
        /* A worker that is forked but not yet exec'd holds copies of our descriptors, and with them
         * keeps what we have closed in the epoll set a moment longer: nobody's event. */
        if (w->ready != NULL) {
            w->ready(s, w);
        }
    }
    s->notice.dirty |= assay_monotonic_ms() >= s->work_ms;
}

/* See the order at the top of this file; nothing in it waits but dispatch. */
static void loop(struct server *s)
{
    while (s->state != SERVER_STOPPED) {
        server_ask_sources(s);
        server_check_rules(s);
        server_check_ends(s);
        server_schedule(s);
        server_answer_all(s);
        server_retain(s);
        server_watch_turn(s);
        server_flush(s);
        server_notice_turn(s);
        if (s->state == SERVER_DRAINING &&
            (server_busy(s) == 0 || assay_monotonic_ms() >= s->drain_ms)) {
            break;
        }
        arm_timer(s);
        dispatch(s);
        server_check_stalls(s);
        server_reload_check(s);
    }
    s->state = SERVER_STOPPED;
}

/* ---- setting up ---------------------------------------------------------------------------- */

static enum assay_status take_lock(struct server *s, struct assay_error *err)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/lock", s->config->state_dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        return assay_fail_errno(err, errno, "cannot open %.200s", path);
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return assay_fail(err, ASSAY_EXISTS, "another assayd uses state_dir %.200s",
                          s->config->state_dir);
    }
    return ASSAY_OK;
}

static enum assay_status open_descriptors(struct server *s, struct assay_error *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (s->epoll_fd < 0 || s->signal_fd < 0 || s->timer_fd < 0) {
        return assay_fail_errno(err, errno, "cannot set up the event loop");
    }
    s->signal_watcher.ready = signal_ready;
    s->timer_watcher.ready = timer_ready;
    enum assay_status status = server_add(s, s->signal_fd, &s->signal_watcher, err);
    return status == ASSAY_OK ? server_add(s, s->timer_fd, &s->timer_watcher, err) : status;
}

static enum assay_status make_directories(const struct assay_config *c, struct assay_error *err)
{
    const struct {
        const char *path;
        mode_t mode;
    } dirs[] = {{c->state_dir, 0700}, {c->cache_dir, 0700}, {c->reports_dir, 0750}};
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; status == ASSAY_OK && i < sizeof dirs / sizeof dirs[0]; i++) {
        status = assay_fs_mkdirs(dirs[i].path, dirs[i].mode, err);
    }
    return status;
}

static enum assay_status open_store(struct server *s, struct assay_error *err)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/assay.db", s->config->state_dir);
    return assay_store_open(path, &s->store, err);
}

static enum assay_status set_up(struct server *s, struct assay_error *err)
{
    enum assay_status status = make_directories(s->config, err);
    if (status == ASSAY_OK) {
        status = take_lock(s, err);
    }
    if (status == ASSAY_OK) {
        status = open_store(s, err);
    }
    if (status == ASSAY_OK) {
        status =
            server_load_keys(s->config, s->signer_program, &s->signer, s->fingerprint_key, err);
    }
    if (status == ASSAY_OK) {
        status = server_recover(s, err);
    }
    if (status == ASSAY_OK) {
        server_staging_clear(s->config);
        status = server_first_generation(s, err);
    }
    if (status == ASSAY_OK) {
        status = open_descriptors(s, err);
    }
    if (status == ASSAY_OK) {
        status = server_listen(s, err);
    }
    return status == ASSAY_OK ? server_start_sources(s, s->config, s->sources, err) : status;
}

static void tear_down(struct server *s)
{
    const int fds[] = {s->epoll_fd, s->signal_fd, s->timer_fd, s->lock_fd};
    server_reload_stop(s);
    if (s->store != NULL) {
        server_end_runs(s);
    }
    server_stop_sources(s->sources);
    server_control_close(s);
    assay_store_close(s->store);
    assay_signer_stop(&s->signer);
    explicit_bzero(s->fingerprint_key, sizeof s->fingerprint_key);
    assay_config_free(s->config);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    free(s);
}

/* The signer lies beside the worker, unless $ASSAY_SIGNER says otherwise. */
static void find_signer(struct server *s)
{
    const char *signer = getenv("ASSAY_SIGNER");
    int dir = (int)(strrchr(s->worker, '/') - s->worker);
    if (signer != NULL && signer[0] == '/') {
        (void)snprintf(s->signer_program, sizeof s->signer_program, "%s", signer);
    } else {
        (void)snprintf(s->signer_program, sizeof s->signer_program, "%.*s/assay-signer", dir,
                       s->worker);
    }
}

static struct server *server_new(const char *config_path, struct assay_config *config)
{
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL) {
        assay_config_free(config);
        return NULL;
    }
    const char *worker = getenv("ASSAY_WORKER");
    s->config_path = config_path;
    s->config = config;
    s->worker = worker != NULL && worker[0] == '/' ? worker : ASSAY_LIBEXECDIR "/assay-worker";
    find_signer(s);
    s->signer.fd = -1;
    s->epoll_fd = s->signal_fd = s->timer_fd = s->listen_fd = s->lock_fd = -1;
    s->started_ms = assay_wall_ms();
    s->generation = s->last_generation = 1;
    for (size_t i = 0; i < ASSAY_LIMIT_CLIENTS; i++) {
        s->clients[i].fd = -1;
    }
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        s->runs[i].child.pipe_fd = -1;
    }
    return s;
}

static int report_failure(const struct assay_error *err)
{
    char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
    assay_error_format(err, line, sizeof line);
    (void)fprintf(stderr, "assayd: %s\n", line);
    return assay_status_exit(err->status);
}

int server_run_main(const struct server_options *opt)
{
    struct assay_error err = {0};
    if (opt->check_only) {
        return server_check_main(opt);
    }
    struct assay_config *config = load_config(opt->config_path, &err);
    if (config == NULL) {
        (void)fputs("assayd: the configuration is not usable\n", stderr);
        return 2;
    }
    (void)umask(027);
    log_setup(config);
    struct server *s = server_new(opt->config_path, config);
    if (s == NULL) {
        (void)assay_fail(&err, ASSAY_NOMEM, "out of memory");
        return report_failure(&err);
    }
    if (set_up(s, &err) != ASSAY_OK) {
        tear_down(s);
        return report_failure(&err);
    }
    assay_log(ASSAY_LOG_INFO, "assayd", "ready", ASSAY_LOG_N("pid", getpid()),
              ASSAY_LOG_N("sources", s->config->n_sources),
              ASSAY_LOG_S("socket", s->config->control_socket));
    server_notice_start(s);
    assay_notify("READY=1");
    loop(s);
    tear_down(s);
    assay_log(ASSAY_LOG_INFO, "assayd", "stopped");
    return 0;
}
