/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/worker.c: assay-worker: one audit in a process of its own (see daemon/job.h).
 *
 * It is started by assayd with a job on standard input and the dataset as descriptor 3, and is of
 * no use by hand. It writes an unsigned report directory; signing is the daemon's business.
 */
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/hand.h"
#include "daemon/job.h"
#include "daemon/sandbox.h"
#include "engine/setting.h"
#include "reports/accepted.h"
#include "reports/report.h"

#define PROGRESS_MS UINT64_C(200)

/* A thread that repeats the last progress, so that a worker busy in one file is not taken for dead;
 * whether it gets on is for the daemon to see. Started once the sandbox is complete. */
struct heart {
    pthread_mutex_t lock; /* said, stop; and the order of lines */
    pthread_cond_t wake;
    pthread_t thread;
    struct assay_worker_message said;
    int started, stop;
};

struct worker {
    struct assay_job job;
    struct assay_sandbox sandbox;
    char report[8192]; /* directory */
    struct assay_plugins *plugins;
    struct assay_ruleset *rules;
    struct assay_matcher *matcher;
    struct assay_yara *yara;
    struct assay_policy *policy;
    struct assay_accepted accepted;
    struct assay_plugin_option settings[ASSAY_LIMIT_SETTINGS + ASSAY_ACCEPTED_SETTINGS];
    size_t n_settings;
    struct assay_audit *audit;
    iconv_t converter;
    uint64_t told_ms;
    struct assay_hand *hand; /* NULL: nobody is told what is in hand */
    struct heart heart;
};

static void say(const struct assay_worker_message *m)
{
    ASSAY_AUTO_BUF line;
    assay_buf_init(&line, 16384);
    if (assay_worker_message_encode(m, &line) == ASSAY_OK) {
        (void)assay_fs_write_all(STDOUT_FILENO, line.ptr, line.len);
    }
}

static void say_error(const struct assay_error *err)
{
    struct assay_worker_message m = {.type = ASSAY_MESSAGE_ERROR, .status = err->status};
    assay_error_format(err, m.text, sizeof m.text);
    say(&m);
}

/* Called by one engine thread at a time. */
static void on_progress(void *ctx, const struct assay_progress *p)
{
    struct worker *w = ctx;
    if (w->told_ms != 0 && p->elapsed_ms < w->told_ms + PROGRESS_MS) {
        return;
    }
    w->told_ms = p->elapsed_ms == 0 ? 1 : p->elapsed_ms;
    enum assay_worker_phase phase = assay_worker_phase_named(p->phase);
    phase = phase == ASSAY_PHASES ? ASSAY_PHASE_READING : phase;
    const struct assay_worker_message m = {
        .type = ASSAY_MESSAGE_PROGRESS,
        .phase = phase,
        .files_done = p->files_done,
        .files_total = p->files_total,
        .bytes_done = p->bytes_done,
        .bytes_total = p->bytes_total,
        .records = p->records,
        .findings = p->findings,
    };
    (void)pthread_mutex_lock(&w->heart.lock);
    w->heart.said = m;
    say(&m);
    (void)pthread_mutex_unlock(&w->heart.lock);
}

/* Called by any engine thread. */
static void on_hand(void *ctx, unsigned slot, const char *file)
{
    const struct worker *w = ctx;
    assay_hand_tell(w->hand, slot, file);
}

/* ---- the heart ----------------------------------------------------------------------------- */

/* The thread: says the last progress once every ASSAY_WORKER_BEAT_MS. */
static void *beat(void *arg)
{
    struct heart *h = arg;
    struct timespec at;
    (void)pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        say(&h->said);
        (void)clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_sec += ASSAY_WORKER_BEAT_MS / 1000;
        (void)pthread_cond_timedwait(&h->wake, &h->lock, &at);
    }
    (void)pthread_mutex_unlock(&h->lock);
    return NULL;
}

static enum assay_status heart_start(struct heart *h, struct assay_error *err)
{
    h->said.type = ASSAY_MESSAGE_PROGRESS;
    h->started = pthread_create(&h->thread, NULL, beat, h) == 0;
    return h->started ? ASSAY_OK : assay_fail(err, ASSAY_IO, "cannot start a thread");
}

static void heart_init(struct heart *h)
{
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static void heart_phase(struct heart *h, enum assay_worker_phase phase)
{
    (void)pthread_mutex_lock(&h->lock);
    h->said.phase = phase;
    say(&h->said);
    (void)pthread_mutex_unlock(&h->lock);
}

static void heart_stop(struct heart *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->stop = 1;
    (void)pthread_cond_signal(&h->wake);
    (void)pthread_mutex_unlock(&h->lock);
    if (h->started) {
        (void)pthread_join(h->thread, NULL);
    }
    (void)pthread_cond_destroy(&h->wake);
    (void)pthread_mutex_destroy(&h->lock);
}

static void on_log(void *ctx, enum assay_log_level level, const char *module, const char *message)
{
    const struct worker *w = ctx;
    assay_log(level, "worker", "engine", ASSAY_LOG_N("run", w->job.run),
              ASSAY_LOG_S("part", module), ASSAY_LOG_S("says", message));
}

/* ---- the sandbox --------------------------------------------------------------------------- */

#define TREES_MAX 128

struct trees {
    struct assay_sandbox_tree items[TREES_MAX];
    size_t n;
};

/* A tree too many stays closed: what needs it then fails with a message of its own. */
static void allow(struct trees *t, const char *path, int fd, unsigned access)
{
    if (t->n < TREES_MAX && (path != NULL || fd >= 0)) {
        t->items[t->n++] = (struct assay_sandbox_tree){path, fd, access};
    }
}

/* What is needed to the end: the dataset, our own directory, libmagic's database (each engine
 * thread maps it). */
static void allow_scan(struct trees *t, const struct worker *w)
{
    static const char *const magic[] = {"/etc/magic",
                                        "/etc/magic.mgc",
                                        "/usr/share/misc/magic",
                                        "/usr/share/misc/magic.mgc",
                                        "/usr/share/file/magic.mgc",
                                        "/usr/lib/file/magic.mgc"};
    allow(t, NULL, ASSAY_WORKER_ROOT_FD, ASSAY_SANDBOX_READ);
    allow(t, w->job.staging, -1, ASSAY_SANDBOX_READ | ASSAY_SANDBOX_WRITE);
    allow(t, getenv("MAGIC"), -1, ASSAY_SANDBOX_READ);
    for (size_t i = 0; i < sizeof magic / sizeof magic[0]; i++) {
        allow(t, magic[i], -1, ASSAY_SANDBOX_READ);
    }
    allow(t, ASSAY_SANITIZED ? "/proc/self" : NULL, -1, ASSAY_SANDBOX_READ);
}

static void allow_list(struct trees *t, const struct assay_config_list *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        allow(t, paths->items[i], -1, ASSAY_SANDBOX_READ);
    }
}

/* What is needed until rules and plugins are loaded, besides. */
static void allow_loading(struct trees *t, const struct worker *w)
{
    static const char *const libraries[] = {"/lib",       "/lib64",         "/usr/lib",
                                            "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};
    allow(t, w->job.policy, -1, ASSAY_SANDBOX_READ);
    allow(t, w->job.plugins_dir, -1, ASSAY_SANDBOX_READ);
    allow(t, w->job.cache_dir, -1, ASSAY_SANDBOX_READ | ASSAY_SANDBOX_WRITE);
    allow_list(t, &w->job.packs);
    allow_list(t, &w->job.suppressions);
    allow_list(t, &w->job.suppressions_keys);
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        allow(t, libraries[i], -1, ASSAY_SANDBOX_READ);
    }
}

/* Before anything is parsed: system calls, and files as far as loading needs them. */
static enum assay_status enter_sandbox(struct worker *w, struct assay_error *err)
{
    struct trees trees = {.n = 0};
    w->sandbox.mode = (enum assay_sandbox_mode)w->job.sandbox;
    assay_sandbox_network(&w->sandbox);
    allow_scan(&trees, w);
    allow_loading(&trees, w);
    enum assay_status status = assay_sandbox_files(&w->sandbox, trees.items, trees.n, err);
    return status == ASSAY_OK ? assay_sandbox_calls(&w->sandbox, ASSAY_SANDBOX_WORKER, err)
                              : status;
}

/* Before the dataset is opened: files as far as scanning needs them. The converter that GB 18030
 * needs is a module of the C library: kept loaded. */
static enum assay_status tighten_sandbox(struct worker *w, struct assay_error *err)
{
    struct trees trees = {.n = 0};
    w->converter = iconv_open("UTF-8", "GB18030");
    allow_scan(&trees, w);
    return assay_sandbox_files(&w->sandbox, trees.items, trees.n, err);
}

/* ---- the audit ----------------------------------------------------------------------------- */

static enum assay_status load_rules(struct worker *w, struct assay_error *err)
{
    size_t n_decls;
    struct assay_diags *diags = assay_diags_new();
    if (diags == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    const struct assay_rule_decl *const *decls = assay_plugins_decls(w->plugins, &n_decls);
    w->rules = assay_ruleset_load(w->job.packs.items, w->job.packs.n, decls, n_decls, diags);
    if (w->rules != NULL) {
        assay_plugins_check_rules(w->plugins, w->rules, diags);
        w->policy = assay_policy_load(w->job.policy, w->rules, diags);
    }
    enum assay_status status = assay_diags_first(diags, err);
    if (status == ASSAY_OK && (w->rules == NULL || w->policy == NULL)) {
        status = assay_fail(err, ASSAY_NOMEM, "rules or policy were not loaded");
    }
    assay_diags_free(diags);
    return status;
}

/* What plugins are told. A list of accepted groups that is not in order, or has expired since it
 * was checked, ends the audit before it begins. */
static enum assay_status load_settings(struct worker *w, struct assay_error *err)
{
    const struct assay_job *job = &w->job;
    enum assay_status status = ASSAY_OK;
    if (job->settings.n > ASSAY_LIMIT_SETTINGS) {
        return assay_fail(err, ASSAY_LIMIT, "more than %d settings", ASSAY_LIMIT_SETTINGS);
    }
    for (size_t i = 0; i < job->settings.n && status == ASSAY_OK; i++) {
        status = assay_setting_parse(job->settings.items[i], job->arena,
                                     &w->settings[w->n_settings++], err);
    }
    if (status == ASSAY_OK && job->suppressions.n > 0) {
        status = assay_accepted_load_files(&w->accepted, job->suppressions.items,
                                           job->suppressions.n, job->suppressions_keys.items,
                                           job->suppressions_keys.n, assay_wall_ms(), err);
        w->n_settings += assay_accepted_settings(&w->accepted, w->settings + w->n_settings);
    }
    return status;
}

/* Everything that is parsed before the dataset: plugins, rules, policy, settings, lists. */
static enum assay_status prepare(struct worker *w, struct assay_error *err)
{
    w->plugins = assay_plugins_new();
    if (w->plugins == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    if (w->job.plugins_dir != NULL) {
        enum assay_status status = assay_plugins_load_dir(w->plugins, w->job.plugins_dir, err);
        if (status != ASSAY_OK) {
            return status;
        }
    }
    enum assay_status status = load_rules(w, err);
    status = status == ASSAY_OK ? load_settings(w, err) : status;
    if (status != ASSAY_OK) {
        return status;
    }
    const struct assay_matcher_options opt = {.cache_dir = w->job.cache_dir};
    status = assay_matcher_new(w->rules, &opt, &w->matcher, err);
    return status == ASSAY_OK ? assay_yara_new(w->rules, w->job.cache_dir, &w->yara, err) : status;
}

static enum assay_status scan(struct worker *w, struct assay_error *err)
{
    const char *roots[] = {w->job.path};
    const int fds[] = {ASSAY_WORKER_ROOT_FD};
    const struct assay_audit_options opt = {
        .roots = roots,
        .root_fds = fds,
        .n_roots = 1,
        .plugins = w->plugins,
        .rules = w->rules,
        .matcher = w->matcher,
        .yara = w->yara,
        .policy = w->policy,
        .jobs = (unsigned)w->job.jobs,
        .plugin_options = w->settings,
        .n_plugin_options = w->n_settings,
        .fingerprint_key = w->job.fingerprint_key,
        .dataset_name = w->job.name,
        .progress = on_progress,
        .progress_ctx = w,
        .log = on_log,
        .log_ctx = w,
        .aside = w->job.aside,
        .n_aside = w->job.n_aside,
        .only = w->job.only.len == 0 ? NULL : &w->job.only,
        .in_hand = on_hand,
        .in_hand_ctx = w,
    };
    return assay_audit_run(&opt, &w->audit, err);
}

/* Formats beyond those every report has. */
static enum assay_status write_format(struct worker *w, const char *format, struct assay_error *err)
{
    char path[sizeof w->report + 64];
    struct assay_atomic_file *file;
    const struct assay_writer *writer = assay_writer_find(format);
    if (writer == NULL || writer->file == NULL) {
        return assay_fail(err, ASSAY_CONFIG, "unknown format '%.40s'", format);
    }
    (void)snprintf(path, sizeof path, "%s/%.60s", w->report, writer->file);
    if (access(path, F_OK) == 0) {
        return ASSAY_OK;
    }
    enum assay_status status = assay_atomic_open(path, 0644, &file, err);
    if (status != ASSAY_OK) {
        return status;
    }
    struct assay_out out = assay_out_file(file);
    status = writer->write(w->audit, &out, err);
    if (status != ASSAY_OK) {
        assay_atomic_abort(file);
        return status;
    }
    return assay_atomic_place(file, err);
}

static enum assay_status report(struct worker *w, struct assay_error *err)
{
    char sandbox[ASSAY_SANDBOX_TEXT_MAX];
    assay_sandbox_describe(&w->sandbox, sandbox);
    const struct assay_run_info info = {
        .run = w->job.run, .jobs = assay_audit_jobs(w->audit), .sandbox = sandbox, .unsynced = 1};
    enum assay_status status = assay_report_write(w->audit, w->report, NULL, 0, &info, err);
    for (size_t i = 0; status == ASSAY_OK && i < w->job.formats.n; i++) {
        status = write_format(w, w->job.formats.items[i], err);
    }
    return status;
}

/* How long it took from the fork to here, and how much of that was work. */
static void say_ready(const struct worker *w)
{
    struct timespec cpu = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    assay_log(ASSAY_LOG_DEBUG, "worker", "ready", ASSAY_LOG_N("run", w->job.run),
              ASSAY_LOG_N("in_us", assay_monotonic_us() - w->job.begun_us),
              ASSAY_LOG_N("cpu_us", cpu.tv_sec * 1000000 + cpu.tv_nsec / 1000));
}

/* The job from end to end. Parsing begins in the first layer of the sandbox, reading the dataset in
 * the second. */
static enum assay_status work(struct worker *w, struct assay_error *err)
{
    enum assay_status status = enter_sandbox(w, err);
    if (status == ASSAY_OK) {
        status = prepare(w, err);
    }
    if (status == ASSAY_OK) {
        status = tighten_sandbox(w, err);
    }
    if (status == ASSAY_OK) {
        say_ready(w);
        status = heart_start(&w->heart, err);
    }
    if (status == ASSAY_OK) {
        status = scan(w, err);
    }
    if (status == ASSAY_OK && w->job.only.len == 0) {
        heart_phase(&w->heart, ASSAY_PHASE_REPORTING);
        status = report(w, err);
    }
    if (status == ASSAY_OK) {
        const struct assay_coverage *covered = assay_audit_coverage(w->audit);
        const struct assay_worker_message m = {.type = ASSAY_MESSAGE_RESULT,
                                               .records = covered->records_scanned,
                                               .bytes_done = covered->bytes_scanned,
                                               .findings = assay_audit_findings(w->audit)};
        (void)pthread_mutex_lock(&w->heart.lock);
        say(&m);
        (void)pthread_mutex_unlock(&w->heart.lock);
    }
    return status;
}

static void release(struct worker *w)
{
    assay_audit_free(w->audit);
    assay_accepted_release(&w->accepted);
    assay_policy_free(w->policy);
    assay_yara_free(w->yara);
    assay_matcher_free(w->matcher);
    assay_ruleset_free(w->rules);
    assay_plugins_free(w->plugins);
    assay_job_release(&w->job);
    if (w->converter != NULL && w->converter != (iconv_t)-1) {
        (void)iconv_close(w->converter);
    }
}

int main(int argc, char **argv)
{
    struct worker w = {0};
    struct assay_error err = {0};
    struct stat st;
    ASSAY_AUTO_BUF text;
    assay_buf_init(&text, ASSAY_LIMIT_JOB);
    (void)argv;
    if (argc != 1 || fstat(ASSAY_WORKER_ROOT_FD, &st) != 0) {
        (void)fputs("assay-worker is started by assayd; see assayd(8)\n", stderr);
        return 2;
    }
    (void)umask(027);
    heart_init(&w.heart);
    enum assay_status status = assay_fs_read_fd(STDIN_FILENO, ASSAY_LIMIT_JOB, &text, &err);
    if (status == ASSAY_OK) {
        status = assay_job_decode(assay_buf_bytes(&text), &w.job, &err);
    }
    if (status == ASSAY_OK) {
        assay_log_setup(STDERR_FILENO, (enum assay_log_format)w.job.log_format,
                        (enum assay_log_level)w.job.log_level);
        (void)snprintf(w.report, sizeof w.report, "%s/" ASSAY_JOB_REPORT, w.job.staging);
        (void)setenv("TMPDIR", w.job.staging, 1);
    }
    if (status == ASSAY_OK) {
        w.hand = assay_hand_open(STDIN_FILENO);
        status = work(&w, &err);
    }
    (void)pthread_mutex_lock(&w.heart.lock);
    if (status != ASSAY_OK) {
        say_error(&err);
    }
    (void)pthread_mutex_unlock(&w.heart.lock);
    release(&w);
    heart_stop(&w.heart);
    assay_hand_close(w.hand);
    return status == ASSAY_OK ? 0 : 1;
}
