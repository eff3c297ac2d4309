/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/reload.c: from one generation to the next (generation.h).
 *
 * A reload is a process, `assayd --check-config --copy-to`, whose words are collected while the
 * loop goes on; when it ends well its copy becomes what is in force, else the old one stays and
 * everybody who asked is told the first error. A reload that is asked for while one is under way
 * follows it, so the last change is always looked at. The first generation is made the same way
 * before the loop starts.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/log.h"
#include "core/option.h"
#include "core/status.h"
#include "daemon/generation.h"
#include "daemon/server.h"

#define GENERATIONS "generations"

static void path_of(const struct server *s, uint64_t number, char ret[PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s/" GENERATIONS "/%llu", s->config->state_dir,
                   (unsigned long long)number);
}

/* ---- the process --------------------------------------------------------------------------- */

/* In the child, between fork and exec. `out`: where both its outputs go. Does not return. */
static void become_check(const char *config, const char *dir, int out, pid_t parent)
{
    char *const argv[] = {(char *)(uintptr_t) "assayd",
                          (char *)(uintptr_t) "--check-config",
                          (char *)(uintptr_t) "-c",
                          (char *)(uintptr_t)config,
                          (char *)(uintptr_t) "--copy-to",
                          (char *)(uintptr_t)dir,
                          NULL};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
        dup2(out, STDERR_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        _exit(127);
    }
    (void)syscall(SYS_close_range, 3U, ~0U, 0U);
    (void)execv("/proc/self/exe", argv); /* this very program, also after an upgrade */
    _exit(127);
}

/* Starts the process that copies and checks generation `number`. */
static enum assay_status start_check(struct server *s, uint64_t number, int out, pid_t *ret,
                                     struct assay_error *err)
{
    char dir[PATH_MAX];
    path_of(s, number, dir);
    server_remove_tree(dir);
    enum assay_status status = assay_fs_mkdirs(dir, 0700, err);
    if (status != ASSAY_OK) {
        return status;
    }
    pid_t parent = getpid();
    *ret = fork();
    if (*ret == 0) {
        become_check(s->config_path, dir, out, parent);
    }
    return *ret < 0 ? assay_fail_errno(err, errno, "cannot start a process to check the rules")
                    : ASSAY_OK;
}

static int wait_for(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* ---- which are there ----------------------------------------------------------------------- */

static int in_use(const struct server *s, uint64_t number)
{
    int used = number == s->generation || (s->reload.pid != 0 && number == s->reload.number);
    for (size_t i = 0; i < SERVER_WORKERS_MAX; i++) {
        used |= s->runs[i].busy && s->runs[i].generation == number;
    }
    return used;
}

void server_generations_sweep(struct server *s)
{
    char path[PATH_MAX];
    int64_t number;
    (void)snprintf(path, sizeof path, "%s/" GENERATIONS, s->config->state_dir);
    DIR *dir = s->generations == 1 ? NULL : opendir(path);
    if (dir == NULL) {
        return;
    }
    s->generations = 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (assay_fs_is_dots(e->d_name)) {
            continue;
        }
        int known = assay_parse_int(e->d_name, 0, INT64_MAX, &number, NULL) == ASSAY_OK &&
                    in_use(s, (uint64_t)number);
        s->generations += known ? 1 : 0;
        if (!known) {
            (void)snprintf(path, sizeof path, "%s/" GENERATIONS "/%s", s->config->state_dir,
                           e->d_name);
            server_remove_tree(path);
        }
    }
    (void)closedir(dir);
}

/* ---- using one ----------------------------------------------------------------------------- */

int server_copy_of(void *ctx, enum assay_rules_part part, const char *name, char ret[PATH_MAX])
{
    const struct server *s = ctx;
    char dir[PATH_MAX];
    path_of(s, s->generation, dir);
    switch (part) {
    case ASSAY_RULES_PACK:
        return assay_generation_pack(s->config, dir, name, ret);
    case ASSAY_RULES_POLICY:
        return assay_generation_policy(s->config, dir, name, ret);
    case ASSAY_RULES_SUPPRESSIONS:
        return assay_generation_suppressions(s->config, dir, name, ret);
    case ASSAY_RULES_PLUGINS:
        assay_generation_plugins(dir, ret);
        return 1;
    }
    return 0;
}

/* A list of names with those of their copies in their stead. */
static void pin_list(struct server *s, enum assay_rules_part part, struct assay_arena *arena,
                     struct assay_config_list *list)
{
    char copy[PATH_MAX];
    const char **items = assay_arena_array(arena, list->n + 1, sizeof items[0]);
    for (size_t i = 0; items != NULL && i < list->n; i++) {
        int copied = server_copy_of(s, part, list->items[i], copy);
        items[i] = copied ? assay_arena_strdup(arena, copy) : list->items[i];
    }
    list->items = items;
}

enum assay_status server_pin(struct server *s, struct server_run *run, struct assay_job *job,
                             struct assay_arena *arena, struct assay_error *err)
{
    char copy[PATH_MAX];
    run->generation = s->generation;
    pin_list(s, ASSAY_RULES_PACK, arena, &job->packs);
    pin_list(s, ASSAY_RULES_SUPPRESSIONS, arena, &job->suppressions);
    pin_list(s, ASSAY_RULES_SUPPRESSIONS, arena, &job->suppressions_keys);
    if (server_copy_of(s, ASSAY_RULES_POLICY, job->policy, copy)) {
        job->policy = assay_arena_strdup(arena, copy);
    }
    if (job->plugins_dir != NULL && server_copy_of(s, ASSAY_RULES_PLUGINS, NULL, copy)) {
        job->plugins_dir = assay_arena_strdup(arena, copy);
    }
    return assay_arena_overflowed(arena) ? assay_fail(err, ASSAY_NOMEM, "out of memory") : ASSAY_OK;
}

/* The configuration as that generation has it. */
static struct assay_config *config_of(const struct server *s, uint64_t number,
                                      struct assay_error *err)
{
    char dir[PATH_MAX];
    char path[PATH_MAX + 32];
    struct assay_diags *d = assay_diags_new();
    path_of(s, number, dir);
    (void)snprintf(path, sizeof path, "%s/" ASSAY_GENERATION_CONFIG, dir);
    struct assay_config *c = d == NULL ? NULL : assay_config_load(path, d);
    if (c == NULL && (d == NULL || assay_diags_first(d, err) == ASSAY_OK)) {
        (void)assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    assay_diags_free(d);
    return c;
}

/* A run may use an older generation than the one in force, whose configuration then names it. */
void server_name_originals(const struct server *s, const struct server_run *run, char *text,
                           size_t cap)
{
    char dir[PATH_MAX];
    struct assay_error err;
    ASSAY_AUTO_BUF named;
    assay_buf_init(&named, ASSAY_KIB(64));
    path_of(s, run->generation, dir);
    if (strstr(text, dir) == NULL) {
        return;
    }
    struct assay_config *old =
        run->generation == s->generation ? NULL : config_of(s, run->generation, &err);
    assay_buf_adds(&named, text);
    assay_generation_rename(old == NULL ? s->config : old, s->config_path, dir, &named);
    if (assay_buf_status(&named) == ASSAY_OK) {
        (void)snprintf(text, cap, "%s", assay_buf_str(&named));
    }
    assay_config_free(old);
}

enum assay_status server_first_generation(struct server *s, struct assay_error *err)
{
    pid_t pid;
    s->generation = 1;
    enum assay_status status = start_check(s, 1, STDERR_FILENO, &pid, err);
    if (status != ASSAY_OK) {
        return status;
    }
    int ended = wait_for(pid);
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
        return assay_fail(err, ASSAY_CONFIG, "not started: see the errors above");
    }
    struct assay_config *config = config_of(s, 1, err);
    if (config == NULL) {
        return err->status;
    }
    status = server_check_unchangeable(s->config, config, err);
    if (status != ASSAY_OK) {
        assay_config_free(config);
        return status;
    }
    assay_config_free(s->config);
    s->config = config;
    server_generations_sweep(s);
    return ASSAY_OK;
}

/* ---- reloading ----------------------------------------------------------------------------- */

/* The first error among what the process said, and how many more there are. */
static void first_error(const struct assay_buf *text, struct assay_error *err)
{
    size_t n = 0;
    const char *first = NULL;
    for (const char *line = assay_buf_str(text); *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *mark = memmem(line, len, "error: ", 7);
        if (mark != NULL && n++ == 0) {
            first = line;
        }
        line += len + (line[len] == '\n');
    }
    if (first == NULL) {
        (void)assay_fail(err, ASSAY_CONFIG,
                         "the process that checks the rules ended without a word");
    } else {
        (void)assay_fail(err, ASSAY_CONFIG, "%.*s%s", (int)strcspn(first, "\n"), first,
                         n > 1 ? " (and more: assayd --check-config shows them)" : "");
    }
}

/* Tells everybody how a reload ended; `err` NULL: well. */
static void conclude(struct server *s, const struct assay_error *err)
{
    s->reload_problem[0] = '\0';
    assay_metrics_add(&s->metrics, ASSAY_M_RELOADS, err == NULL ? 0 : 1, 1);
    if (err != NULL) {
        char line[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX + 32];
        assay_error_format(err, line, sizeof line);
        (void)snprintf(s->reload_problem, sizeof s->reload_problem, "%.250s", line);
        assay_log(ASSAY_LOG_ERROR, "assayd", "reload failed: the old configuration stays",
                  ASSAY_LOG_S("why", line));
    } else {
        assay_log(ASSAY_LOG_INFO, "assayd", "reloaded", ASSAY_LOG_N("generation", s->generation),
                  ASSAY_LOG_N("sources", s->config->n_sources));
    }
    s->notice.dirty = 1;
    server_reload_answer(s, err);
    assay_notify("READY=1");
}

/* Puts checked generation `number` in force; the old one stays when that fails. */
static enum assay_status take_over(struct server *s, uint64_t number, struct assay_error *err)
{
    struct assay_config *config = config_of(s, number, err);
    if (config == NULL) {
        return err->status;
    }
    enum assay_status status = server_switch(s, config, err);
    if (status != ASSAY_OK) {
        assay_config_free(config);
        return status;
    }
    s->generation = number;
    return ASSAY_OK;
}

/* The process has closed its outputs: its end, and what follows from it. */
static void finish(struct server *s)
{
    struct assay_error err = {0};
    struct server_reload *r = &s->reload;
    int ended = wait_for(r->pid); /* it has closed its outputs: it is ending */
    enum assay_status status = ASSAY_OK;
    r->pid = 0;
    (void)close(r->fd);
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0) {
        status = take_over(s, r->number, &err);
    } else if (r->expired) {
        status = assay_fail(&err, ASSAY_TIMEOUT, "checking the rules took too long");
    } else {
        first_error(&r->said, &err);
        status = err.status;
    }
    assay_buf_release(&r->said);
    s->generations = 2; /* at least one of them is of no more use */
    server_generations_sweep(s);
    conclude(s, status == ASSAY_OK ? NULL : &err);
    if (r->again && s->state == SERVER_RUNNING) {
        server_reload_start(s);
    }
}

static void check_ready(struct server *s, struct server_watcher *w)
{
    char chunk[4096];
    (void)w;
    ssize_t n = s->reload.pid == 0 ? -1 : read(s->reload.fd, chunk, sizeof chunk);
    if (n > 0) {
        assay_buf_add(&s->reload.said, chunk, (size_t)n); /* what passes the bound is left out */
    } else if (n == 0) {
        finish(s);
    }
}

static enum assay_status begin(struct server *s, struct assay_error *err)
{
    int fds[2];
    struct server_reload *r = &s->reload;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        return assay_fail_errno(err, errno, "cannot make a pipe");
    }
    (void)fcntl(fds[1], F_SETFL, 0); /* the process may wait for us; we never for it */
    r->number = ++s->last_generation;
    r->again = r->expired = 0;
    enum assay_status status = start_check(s, r->number, fds[1], &r->pid, err);
    (void)close(fds[1]);
    r->fd = fds[0];
    r->watcher.ready = check_ready;
    assay_buf_init(&r->said, ASSAY_KIB(64));
    r->due_ms = assay_monotonic_ms() + ASSAY_LIMIT_CHECK_MS;
    if (status == ASSAY_OK && server_add(s, r->fd, &r->watcher, err) != ASSAY_OK) {
        (void)kill(r->pid, SIGKILL);
        (void)wait_for(r->pid);
        status = err->status;
    }
    if (status != ASSAY_OK) {
        r->pid = 0;
        (void)close(r->fd);
    }
    return status;
}

void server_reload_start(struct server *s)
{
    char message[96];
    struct assay_error err = {0};
    if (s->reload.pid != 0) {
        s->reload.again = 1;
        return;
    }
    (void)snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)assay_monotonic_ms() * 1000);
    assay_notify(message);
    if (begin(s, &err) != ASSAY_OK) {
        conclude(s, &err);
    }
}

void server_reload_check(struct server *s)
{
    struct server_reload *r = &s->reload;
    if (r->pid != 0 && !r->expired && assay_monotonic_ms() >= r->due_ms) {
        r->expired = 1;
        (void)kill(r->pid, SIGKILL); /* its end is read from the pipe */
    }
}

uint64_t server_reload_deadline(const struct server *s)
{
    return s->reload.pid != 0 && !s->reload.expired ? s->reload.due_ms : SERVER_NEVER;
}

void server_reload_stop(struct server *s)
{
    if (s->reload.pid != 0) {
        (void)kill(s->reload.pid, SIGKILL);
        (void)wait_for(s->reload.pid);
        (void)close(s->reload.fd);
        assay_buf_release(&s->reload.said);
        s->reload.pid = 0;
    }
}
