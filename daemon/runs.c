/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/runs.c: audits, run in workers; queueing.c has their beginnings, finish.c their ends.
 *
 * A turn has one commit for all that it records: outcomes of runs whose reports are published, and
 * runs that are about to start. What follows from it, answers and workers, follows after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/json.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

size_t server_busy(const struct server *s)
{
    size_t n = 0;
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        n += s->runs[i].busy ? 1 : 0;
    }
    return n;
}

const struct server_run *server_find_run(const struct server *s, uint64_t id)
{
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        if (s->runs[i].busy && s->runs[i].id == id) {
            return &s->runs[i];
        }
    }
    return NULL;
}

/* ---- starting ------------------------------------------------------------------------------ */

/* Opens the dataset itself, no link; -1 with errno. */
static int open_without_links(const char *path, int flags)
{
    int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = top < 0 ? -1 : assay_fs_open_beneath(top, path + 1, flags);
    int os_errno = errno;
    if (top >= 0) {
        (void)close(top);
    }
    errno = os_errno;
    return fd;
}

/* As the source of the run has it: what anybody can write below is opened without following links. A
 * source that is configured no more might have been such a one. */
static int open_by_source(const struct assay_config *c, const struct assay_run_spec *spec)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    int known = strcmp(spec->source, ASSAY_SOURCE_SUBMIT) == 0;
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct assay_source_kind *kind = assay_source_find(c->sources[i].kind);
        if (strcmp(c->sources[i].name, spec->source) == 0) {
            known = 1;
            if (kind->open != NULL) {
                return kind->open(&c->sources[i], spec->path, flags);
            }
        }
    }
    return known ? open(spec->path, flags) : open_without_links(spec->path, flags);
}

static int open_dataset(const struct assay_config *c, const struct assay_run_spec *spec)
{
    struct stat st;
    int fd = open_by_source(c, spec);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))) {
        (void)close(fd);
        errno = EINVAL;
        fd = -1;
    }
    return fd;
}

/* A worker has said something, or has ended. */
static void run_ready(struct server *s, struct server_watcher *w)
{
    struct server_run *run = (struct server_run *)(void *)w; /* watcher is the first member */
    int before = run->child.pipe_fd;
    if (assay_child_read(&run->child, assay_monotonic_ms())) {
        const struct assay_audit_news news = {run->source, NULL, run->id, &run->child.progress};
        server_tell_progress(s, run->id);
        server_follow(s, &news);
    } else {
        server_stir(s); /* it still does not get on */
    }
    if (before >= 0 && run->child.pipe_fd < 0) {
        (void)assay_child_reap(&run->child);
    }
}

/* Makes the job of a run and starts a worker on it. */
static enum assay_status spawn(struct server *s, struct server_run *slot,
                               const struct assay_run_record *run, int root_fd,
                               struct assay_error *err)
{
    const struct assay_config *c = s->config;
    struct assay_job job = {
        .run = run->id,
        .path = run->spec.path,
        .name = run->spec.name,
        .policy = run->spec.policy,
        .packs = run->spec.packs,
        .plugins_dir = c->plugins_dir,
        .cache_dir = c->cache_dir,
        .staging = slot->staging,
        .formats = c->formats,
        .jobs = c->jobs,
        .sandbox = c->sandbox,
        .log_format = c->log_format,
        .log_level = c->log_level,
        .begun_us = assay_monotonic_us(),
    };
    server_source_lists(s, run->spec.source, &job.settings, &job.suppressions,
                        &job.suppressions_keys);
    const struct assay_child_limits limits = {c->worker_memory, c->worker_cpu_ms};
    struct assay_arena *arena = assay_arena_new(ASSAY_MIB(4));
    enum assay_status status = arena == NULL ? assay_fail(err, ASSAY_NOMEM, "out of memory")
                                             : server_pin(s, slot, &job, arena, err);
    if (status == ASSAY_OK) {
        status = server_choose_suspect(s, slot, arena, &job, err);
    }
    if (status == ASSAY_OK) {
        memcpy(job.fingerprint_key, s->fingerprint_key, sizeof job.fingerprint_key);
        status = assay_child_start(&slot->child, s->worker, &job, root_fd, &limits, err);
        explicit_bzero(job.fingerprint_key, sizeof job.fingerprint_key);
    }
    assay_arena_free(arena);
    if (status == ASSAY_OK) {
        slot->child.heard_ms = slot->child.moved_ms = assay_monotonic_ms();
        status = server_add(s, slot->child.pipe_fd, &slot->watcher, err);
    }
    return status;
}

/* NULL: as many audits run as may. What is recorded in this turn runs no more. */
static struct server_run *free_slot(struct server *s)
{
    size_t running = 0;
    struct server_run *slot = NULL;
    for (size_t i = SERVER_WORKERS_MAX; i-- > 0;) {
        running += s->runs[i].busy && !s->runs[i].is_recorded;
        slot = s->runs[i].busy ? slot : &s->runs[i];
    }
    return running < s->config->workers ? slot : NULL;
}

static void store_trouble(struct server *s, const struct assay_error *err)
{
    assay_log(ASSAY_LOG_ERROR, "runs", "the store does not answer; trying again",
              ASSAY_LOG_S("why", err->message));
    s->schedule_ms = assay_monotonic_ms() + SERVER_STORE_RETRY_MS;
}

/* Nothing may stand where the report will be before the run is recorded as running: publish.c. */
static enum assay_status make_way(struct server *s, const struct assay_run_record *run,
                                  struct server_run *slot, struct assay_error *err)
{
    enum assay_status status =
        server_report_path(s->config, run->spec.name, run->id, slot->final, err);
    if (status == ASSAY_OK) {
        status = server_set_aside(s->config, slot->final, "it is not of this run", err);
    }
    if (status != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "runs", "no report could be published; trying again",
                  ASSAY_LOG_N("run", run->id));
    }
    return status;
}

/* The dataset cannot be opened: there is nothing to retry until it changes. */
static enum assay_status fail_unopened(struct server *s, const struct assay_run_record *run,
                                       int os_errno, struct assay_error *err)
{
    char reason[200];
    char text[100];
    (void)snprintf(reason, sizeof reason, "cannot open the dataset: %s",
                   os_errno == ELOOP    ? "a symbolic link is in its path"
                   : os_errno == EXDEV  ? "its source does not allow this path"
                   : os_errno == EINVAL ? "neither a directory nor a regular file"
                                        : strerror_r(os_errno, text, sizeof text));
    assay_log(ASSAY_LOG_WARNING, "runs", "failed", ASSAY_LOG_N("run", run->id),
              ASSAY_LOG_S("dataset", run->spec.path), ASSAY_LOG_S("why", reason));
    return assay_store_ended(s->store, run->id, ASSAY_RUN_FAILED, reason, err);
}

/* When the deadline of a run passes, on the monotonic clock. */
static uint64_t due_of(const struct server *s, const struct assay_run_record *run)
{
    uint64_t now = assay_store_now(s->store);
    uint64_t at = run->created_ms + run->spec.deadline_ms;
    return run->spec.deadline_ms == 0 ? SERVER_NEVER
                                      : assay_monotonic_ms() + (at > now ? at - now : 0);
}

/* A worker for `slot`; what prevents it becomes the slot's last word. */
void server_launch(struct server *s, struct server_run *slot)
{
    struct assay_error err;
    struct assay_run_record run;
    enum assay_status status = assay_store_get(s->store, slot->id, &run, &err);
    int root_fd = status == ASSAY_OK ? open_dataset(s->config, &run.spec) : -1;
    if (status == ASSAY_OK && root_fd < 0) {
        status = assay_fail(&err, ASSAY_NOTFOUND, "the dataset is not there any more");
    }
    if (status == ASSAY_OK) {
        status = server_staging_prepare(s->config, slot, &err);
    }
    if (status == ASSAY_OK) {
        status = spawn(s, slot, &run, root_fd, &err);
    }
    if (root_fd >= 0) {
        (void)close(root_fd);
    }
    if (status != ASSAY_OK) {
        slot->child.has_last = 1;
        slot->child.last.type = ASSAY_MESSAGE_ERROR;
        slot->child.last.status = status == ASSAY_INTERNAL ? ASSAY_IO : status;
        assay_error_format(&err, slot->child.last.text, sizeof slot->child.last.text);
        return;
    }
    const struct assay_audit_news news = {run.spec.source, run.spec.path, run.id, NULL};
    server_follow(s, &news);
    assay_log(ASSAY_LOG_INFO, "runs", "started", ASSAY_LOG_N("run", run.id),
              ASSAY_LOG_N("attempt", slot->attempt), ASSAY_LOG_N("pid", slot->child.pid),
              ASSAY_LOG_S("dataset", run.spec.path),
              ASSAY_LOG_S("to", slot->suspect_len > 0 ? "try one file" : "audit"));
}

/* ---- one turn ------------------------------------------------------------------------------ */

/* What the commit of a turn holds besides outcomes. */
struct turn {
    struct server_run *started[SERVER_WORKERS_MAX];
    uint64_t unopened[SERVER_WORKERS_MAX]; /* runs */
    size_t n_started, n_unopened;
};

/* Gives `run` the slot, to be started after the commit. */
static enum assay_status start_run(struct server *s, struct turn *t, struct server_run *slot,
                                   const struct assay_run_record *run, struct assay_error *err)
{
    int root_fd = open_dataset(s->config, &run->spec);
    if (root_fd < 0) {
        t->unopened[t->n_unopened++] = run->id;
        return fail_unopened(s, run, errno, err);
    }
    (void)close(root_fd);
    /* The watcher is never without a function: see server_unwatch. */
    *slot = (struct server_run){.watcher = {run_ready},
                                .id = run->id,
                                .attempt = run->attempt + 1,
                                .started_ms = assay_monotonic_ms()};
    slot->child.pipe_fd = slot->child.job_fd = -1;
    slot->due_ms = due_of(s, run);
    (void)snprintf(slot->source, sizeof slot->source, "%s", run->spec.source);
    enum assay_status status = make_way(s, run, slot, err);
    if (status == ASSAY_OK) {
        status = assay_store_started(s->store, run->id, err);
    }
    if (status == ASSAY_OK) {
        slot->busy = 1;
        t->started[t->n_started++] = slot;
    }
    return status;
}

void server_reap(struct server *s)
{
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        if (s->runs[i].busy) {
            (void)assay_child_reap(&s->runs[i].child);
        }
    }
    if (s->state != SERVER_STOPPED && assay_signer_revive(&s->signer)) {
        assay_log(ASSAY_LOG_WARNING, "signer", "died; started again");
    }
}

static size_t busy_of(const struct server *s, const struct assay_config_source *source)
{
    size_t n = 0;
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        n += s->runs[i].busy && !s->runs[i].is_recorded &&
             strncmp(s->runs[i].source, source->name, sizeof s->runs[i].source - 1) == 0;
    }
    return n;
}

/* The sources that run as many audits as they may, as a JSON array; NULL: none. */
static const char *full_sources(const struct server *s, struct assay_buf *out)
{
    struct assay_json j;
    size_t n = 0;
    assay_buf_clear(out);
    assay_json_init(&j, out, 0);
    assay_json_array(&j);
    for (size_t i = 0; i < s->config->n_sources; i++) {
        const struct assay_config_source *c = &s->config->sources[i];
        if (c->concurrency != 0 && busy_of(s, c) >= c->concurrency) {
            assay_json_cstr(&j, c->name);
            n++;
        }
    }
    assay_json_end_array(&j);
    return n == 0 || assay_json_status(&j) != ASSAY_OK ? NULL : assay_buf_str(out);
}

/* The next run that may start, and its slot; ASSAY_NOTFOUND: none. */
static enum assay_status next_run(struct server *s, struct server_run **ret_slot,
                                  struct assay_run_record *ret, struct assay_error *err)
{
    ASSAY_AUTO_BUF full;
    assay_buf_init(&full, ASSAY_MIB(1));
    *ret_slot = free_slot(s);
    if (*ret_slot == NULL || s->state != SERVER_RUNNING || s->schedule_ms > assay_monotonic_ms()) {
        return assay_fail(err, ASSAY_NOTFOUND, "not now");
    }
    return assay_store_next(s->store, assay_store_now(s->store), full_sources(s, &full), ret, err);
}

/* Begins a commit if there is something for it. */
static int begin_turn(struct server *s)
{
    struct server_run *slot;
    struct assay_run_record run;
    struct assay_error err = {.status = ASSAY_OK};
    enum assay_status next = server_has_published(s) ? ASSAY_OK : next_run(s, &slot, &run, &err);
    if (next == ASSAY_OK && assay_store_begin(s->store, &err) == ASSAY_OK) {
        return 1;
    }
    if (err.status != ASSAY_OK && err.status != ASSAY_NOTFOUND) {
        store_trouble(s, &err);
        server_postpone_published(s, &err);
    }
    return 0;
}

static void start_runs(struct server *s, struct turn *t)
{
    struct server_run *slot;
    struct assay_run_record run;
    struct assay_error err;
    enum assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && t->n_unopened < SERVER_WORKERS_MAX &&
           (status = next_run(s, &slot, &run, &err)) == ASSAY_OK) {
        status = start_run(s, t, slot, &run, &err);
    }
    if (status != ASSAY_OK && status != ASSAY_NOTFOUND) {
        store_trouble(s, &err);
    }
}

/* It is recorded: the effects. */
static void follow_up(struct server *s, const struct turn *t)
{
    for (size_t i = 0; i < t->n_started; i++) {
        server_launch(s, t->started[i]);
        server_tell(s, t->started[i]->id);
        if (t->started[i]->child.pid == 0) {
            server_finish(s, t->started[i]);
        }
    }
    for (size_t i = 0; i < t->n_unopened; i++) {
        server_tell(s, t->unopened[i]);
        server_answer(s, t->unopened[i]);
    }
}

/* Non-zero when something happened, and more may. */
static int take_turn(struct server *s)
{
    struct turn t = {.n_started = 0};
    struct assay_error err;
    server_finish_ended(s);
    if (!begin_turn(s)) {
        return 0;
    }
    server_record_published(s);
    start_runs(s, &t);
    if (assay_store_commit(s->store, &err) != ASSAY_OK) { /* nothing of it has happened */
        for (size_t i = 0; i < t.n_started; i++) {
            t.started[i]->busy = 0;
        }
        (void)server_recorded(s, &err);
        store_trouble(s, &err);
        return 0;
    }
    size_t recorded = server_recorded(s, NULL);
    follow_up(s, &t);
    return recorded + t.n_started + t.n_unopened > 0;
}

void server_schedule(struct server *s)
{
    while (take_turn(s)) {
    }
}

/* When a worker that has begun to say something regularly counts as dead. */
static uint64_t silence_due(const struct assay_child *c)
{
    return c->beats ? c->heard_ms + ASSAY_LIMIT_WORKER_SILENCE : SERVER_NEVER;
}

/* When a worker counts as stuck: it does not get on, or is silent. */
static uint64_t stall_due(const struct server *s, const struct assay_child *c)
{
    uint64_t stuck = c->moved_ms + s->config->worker_stall_ms;
    uint64_t silent = silence_due(c);
    return stuck < silent ? stuck : silent;
}

void server_check_stalls(struct server *s)
{
    uint64_t now = assay_monotonic_ms();
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        struct server_run *r = &s->runs[i];
        if (r->busy && r->child.pid > 0 && !r->child.stalled && now >= stall_due(s, &r->child)) {
            r->child.stalled = 1;
            r->child.silent = now >= silence_due(&r->child);
            assay_child_kill(&r->child, SIGKILL);
        }
    }
}

uint64_t server_runs_deadline(const struct server *s)
{
    uint64_t due = SERVER_NEVER;
    uint64_t now = assay_monotonic_ms();
    uint64_t wall = assay_store_now(s->store);
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        const struct server_run *r = &s->runs[i];
        uint64_t at = SERVER_NEVER;
        if (r->busy && r->child.pid > 0 && !r->child.stalled) {
            at = stall_due(s, &r->child);
        } else if (r->busy && r->record_ms != 0) {
            at = r->record_ms;
        }
        due = at < due ? at : due;
    }
    if (s->state != SERVER_RUNNING) {
        return due;
    }
    uint64_t retry = assay_store_next_retry(s->store, wall);
    if (retry != 0) {
        due = now + (retry - wall) < due ? now + (retry - wall) : due;
    }
    return s->schedule_ms > now && s->schedule_ms < due ? s->schedule_ms : due;
}

void server_end_runs(struct server *s)
{
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        struct server_run *r = &s->runs[i];
        if (!r->busy) {
            continue;
        }
        struct assay_error err;
        assay_child_release(&r->child);
        if (r->is_published) {
            (void)server_record_alone(s, r, &err);
        } else if (r->ending != SERVER_NOT_ENDED) {
            (void)server_record_ending(s, r, &err);
        } else if (assay_store_requeued(s->store, r->id, 0, "the daemon was stopped", &err) ==
                   ASSAY_OK) {
            assay_log(ASSAY_LOG_WARNING, "runs", "stopped; queued again",
                      ASSAY_LOG_N("run", r->id));
            server_remove_tree(r->staging);
        }
        r->busy = 0;
    }
}
