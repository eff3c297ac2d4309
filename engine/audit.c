/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/audit.c: the course of one audit.
 *
 *     prepare: inventory, hosts, scanners' shared state, rules over raw bytes, spool
 *     work:    workers until nothing is left (worker.c); the caller's thread is the first of them
 *     gather:  locals merged in worker order, what was never read, second looks (review.c),
 *              scanners' last word (speak.c), metrics
 *     judge:   coverage, policy, verdict
 *
 * Struct assay_run lives from prepare to judge; struct assay_audit goes to the caller.
 */
#include "engine/result.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/status.h"
#include "engine/handover.h"
#include "engine/host.h"
#include "engine/review.h"
#include "engine/speak.h"

/* ---- what everybody asks -------------------------------------------------------------------- */

void assay_run_fail(struct assay_run *run, const struct assay_error *err)
{
    (void)pthread_mutex_lock(&run->lock);
    if (!atomic_load(&run->failed)) {
        run->error = *err;
        atomic_store(&run->failed, 1);
    }
    (void)pthread_mutex_unlock(&run->lock);
}

int assay_run_stopping(const struct assay_run *run)
{
    return atomic_load_explicit(&run->failed, memory_order_relaxed) ||
           (run->opt->cancel != NULL &&
            atomic_load_explicit(run->opt->cancel, memory_order_relaxed));
}

const char *assay_inventory_name(const struct assay_inventory *inv, uint32_t file)
{
    size_t n = assay_inventory_count(inv);
    if (file < n) {
        return assay_inventory_get(inv, file)->name;
    }
    const struct assay_skipped *skipped = assay_inventory_skip(inv, file - n);
    return skipped == NULL ? "" : skipped->name;
}

void assay_run_log(const struct assay_run *run, enum assay_log_level level, const char *module,
                   const char *message)
{
    if (run->opt->log != NULL) {
        run->opt->log(run->opt->log_ctx, level, module, message);
    }
}

/* ---- prepare ------------------------------------------------------------------------------- */

static unsigned usable_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

static void set_defaults(struct assay_run *run, const struct assay_audit_options *opt,
                         const struct assay_tuning *tuning)
{
    run->opt = opt;
    if (tuning != NULL) {
        run->tuning = *tuning;
    }
    run->tuning.chunk = run->tuning.chunk == 0 ? ASSAY_CHUNK : run->tuning.chunk;
    run->tuning.large = run->tuning.large == 0 ? ASSAY_LARGE_FILE : run->tuning.large;
    run->tuning.piece = run->tuning.piece == 0 ? ASSAY_MIB(4) : run->tuning.piece;
    run->max_record = opt->max_record == 0 ? ASSAY_LIMIT_RECORD : opt->max_record;
    run->jobs = opt->jobs == 0 ? usable_cpus() : opt->jobs;
    run->jobs = run->jobs > ASSAY_LIMIT_JOBS ? ASSAY_LIMIT_JOBS : run->jobs;
    run->n_rules = (uint32_t)assay_ruleset_count(opt->rules);
    run->start_ns = assay_clock_ns();
    for (unsigned i = 0; i < ASSAY_ENGINE_RULE_MAX; i++) {
        run->engine_rules[i] = assay_ruleset_find(opt->rules, assay_engine_rules[i].id);
    }
}

static enum assay_status note_only(struct assay_run *run)
{
    uint32_t file = assay_inventory_find(run->inventory, *run->opt->only);
    run->only = calloc(assay_inventory_count(run->inventory) / 64 + 1, sizeof *run->only);
    if (run->only != NULL && file != ASSAY_NONE) {
        run->only[file / 64] |= UINT64_C(1) << file % 64;
    }
    return run->only == NULL ? ASSAY_NOMEM : ASSAY_OK;
}

/* What is to be treated apart. */
static enum assay_status part_files(struct assay_run *run, struct assay_error *err)
{
    const struct assay_audit_options *opt = run->opt;
    for (size_t i = 0; i < opt->n_aside; i++) {
        uint32_t file = assay_inventory_find(run->inventory, opt->aside[i]);
        if (file != ASSAY_NONE) {
            assay_inventory_entry(run->inventory, file)->aside = 1;
        }
    }
    enum assay_status status = opt->only == NULL ? ASSAY_OK : note_only(run);
    return status == ASSAY_OK ? ASSAY_OK : assay_fail(err, status, "out of memory");
}

static enum assay_status list_files(struct assay_run *run, struct assay_error *err)
{
    const struct assay_audit_options *opt = run->opt;
    enum assay_status status =
        assay_inventory_build(opt->roots, opt->root_fds, opt->n_roots, &run->inventory, err);
    run->audit->inventory = run->inventory;
    if (status == ASSAY_OK && assay_inventory_count(run->inventory) == 0) {
        return assay_fail(err, ASSAY_NOTFOUND,
                          "there are no regular files to audit (symbolic links and special files "
                          "are not followed: %zu)",
                          assay_inventory_skips(run->inventory));
    }
    return status;
}

static enum assay_status check_reader(const struct assay_run *run, struct assay_error *err)
{
    const char *name = run->opt->reader;
    if (name != NULL && assay_plugins_find(run->opt->plugins, ASSAY_PLUGIN_READER, name) == NULL) {
        return assay_fail(err, ASSAY_CONFIG, "there is no reader '%.64s'", name);
    }
    return ASSAY_OK;
}

static enum assay_status init_scanner(struct assay_run *run, size_t plugin, struct assay_error *err)
{
    const struct assay_plugin *p = assay_plugins_get(run->opt->plugins, plugin);
    if (run->n_scanners == ASSAY_SCANNERS_MAX) {
        return assay_fail(err, ASSAY_CONFIG, "more than %d scanners", ASSAY_SCANNERS_MAX);
    }
    struct assay_scanner_run *sr = &run->scanners[run->n_scanners];
    *sr = (struct assay_scanner_run){p, p->scanner, NULL};
    (void)assay_fail(err, ASSAY_PLUGIN, "scanner %.64s cannot start", p->name);
    enum assay_status status = ASSAY_OK;
    if (p->scanner->init != NULL) {
        status = p->scanner->init(assay_hosts_get(run->hosts, plugin), &sr->shared, err);
    }
    run->n_scanners += status == ASSAY_OK;
    return status;
}

static enum assay_status init_scanners(struct assay_run *run, struct assay_error *err)
{
    size_t n = assay_plugins_count(run->opt->plugins);
    enum assay_status status = ASSAY_OK;
    run->scanners = calloc(n + 1, sizeof *run->scanners);
    if (run->scanners == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
        if (assay_plugins_get(run->opt->plugins, i)->kind == ASSAY_PLUGIN_SCANNER) {
            status = init_scanner(run, i, err);
        }
    }
    return status;
}

/* Scanners in order of name, whatever order they were loaded in. */
static int by_scanner_name(const void *a, const void *b)
{
    const struct assay_scanner_run *x = a, *y = b;
    return strcmp(x->plugin->name, y->plugin->name);
}

static enum assay_status map_rules(struct assay_run *run, struct assay_error *err)
{
    if (run->n_scanners > 1) {
        qsort(run->scanners, run->n_scanners, sizeof *run->scanners, by_scanner_name);
    }
    run->rule_scanner = malloc(run->n_rules + 1u);
    if (run->rule_scanner == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    for (uint32_t r = 0; r < run->n_rules; r++) {
        const char *name = assay_ruleset_rule(run->opt->rules, r)->view.scanner;
        run->rule_scanner[r] = ASSAY_NO_SCANNER;
        for (size_t i = 0; i < run->n_scanners && name != NULL; i++) {
            if (strcmp(run->scanners[i].plugin->name, name) == 0) {
                run->rule_scanner[r] = (uint8_t)i;
            }
        }
    }
    return ASSAY_OK;
}

static enum assay_status note_option(struct assay_run *run, const char *name,
                                     enum assay_option_type type, const char *value)
{
    char digest[8 + 2 * ASSAY_SHA256_LEN] = "sha256:";
    uint8_t sha256[ASSAY_SHA256_LEN];
    if (value == NULL || type == ASSAY_OPT_PATH) {
        return ASSAY_OK;
    }
    if (type != ASSAY_OPT_BULK) {
        return assay_facts_add(&run->audit->settings, name, value);
    }
    enum assay_status status = assay_sha256_of(value, strlen(value), sha256);
    assay_hex(sha256, status == ASSAY_OK ? sizeof sha256 : 0, digest + 7);
    return status == ASSAY_OK ? assay_facts_add(&run->audit->settings, name, digest) : status;
}

/* Every option of plugin `i` but paths with the value in force, its default included: what a
 * default is may differ between versions, and a report should say how overlaps were settled. */
static enum assay_status note_options(struct assay_run *run, size_t i)
{
    const struct assay_plugin *p = assay_plugins_get(run->opt->plugins, i);
    const struct assay_host *host = assay_hosts_get(run->hosts, i);
    enum assay_status status = ASSAY_OK;
    char name[256];
    for (const struct assay_option *o = p->options;
         status == ASSAY_OK && o != NULL && o->name != NULL; o++) {
        (void)snprintf(name, sizeof name, "%.100s.%.100s", p->name, o->name);
        status = note_option(run, name, o->type, host->option(host->ctx, o->name));
    }
    return status;
}

/* Scanners that there are, and that were not to run. */
static enum assay_status note_left_out(struct assay_run *run)
{
    size_t n;
    char text[1024] = "";
    const char *const *names = assay_plugins_left_out(run->opt->plugins, &n);
    for (size_t i = 0, len = 0; i < n && len < sizeof text - 80; i++, len = strlen(text)) {
        (void)snprintf(text + len, sizeof text - len, "%s%.64s", i == 0 ? "" : ",", names[i]);
    }
    return n == 0 ? ASSAY_OK : assay_facts_add(&run->audit->settings, "scanners_left_out", text);
}

static enum assay_status note_settings(struct assay_run *run)
{
    const struct assay_audit_options *opt = run->opt;
    struct assay_facts_list *l = &run->audit->settings;
    enum assay_status status = ASSAY_OK;
    char text[256];
    if (opt->max_record != 0 && opt->max_record != ASSAY_LIMIT_RECORD) {
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)opt->max_record);
        status = assay_facts_add(l, "max_record", text);
    }
    if (status == ASSAY_OK && opt->reader != NULL) {
        status = assay_facts_add(l, "reader", opt->reader);
    }
    status = status == ASSAY_OK ? note_left_out(run) : status;
    for (size_t i = 0; i < assay_plugins_count(opt->plugins) && status == ASSAY_OK; i++) {
        status = note_options(run, i);
    }
    assay_facts_sort(l);
    return status;
}

/* Standard input can be read once: it is kept where a scanner may want to look twice. */
static enum assay_status keep_input(struct assay_run *run, struct assay_error *err)
{
    int streams = 0, twice = 0;
    for (size_t i = 0; i < assay_inventory_count(run->inventory) && !streams; i++) {
        streams = !assay_inventory_seekable(run->inventory, i);
    }
    for (size_t i = 0; i < run->n_scanners; i++) {
        twice |= assay_scanner_may_look_twice(run->scanners[i].scanner, run->scanners[i].shared);
    }
    if (!streams || !twice) {
        return ASSAY_OK;
    }
    run->input_copy = assay_fs_tmpfile();
    return run->input_copy >= 0 ? ASSAY_OK
                                : assay_fail_errno(err, errno,
                                                   "cannot make a temporary file for a copy of "
                                                   "standard input");
}

static enum assay_status describe(struct assay_run *run, struct assay_error *err)
{
    struct assay_audit *a = run->audit;
    const struct assay_audit_options *opt = run->opt;
    a->started_ms = assay_wall_ms();
    a->jobs = run->jobs;
    a->rules = opt->rules;
    a->policy = opt->policy;
    a->plugins = opt->plugins;
    a->matcher = opt->matcher;
    enum assay_status status = assay_tally_init(&a->tally, opt->policy, run->n_rules);
    if (status == ASSAY_OK && opt->dataset_name != NULL) {
        a->dataset_name = strdup(opt->dataset_name);
        status = a->dataset_name == NULL ? ASSAY_NOMEM : ASSAY_OK;
    }
    status = status == ASSAY_OK ? assay_audit_note_versions(a) : status;
    return status == ASSAY_OK ? ASSAY_OK : assay_fail(err, status, "out of memory");
}

static enum assay_status get_yara(struct assay_run *run, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    if (run->opt->yara == NULL) {
        status = assay_yara_new(run->opt->rules, NULL, &run->own_yara, err);
    }
    run->yara = run->opt->yara == NULL ? run->own_yara : run->opt->yara;
    return status;
}

static enum assay_status prepare(struct assay_run *run, struct assay_error *err)
{
    enum assay_status status = describe(run, err);
    status = status == ASSAY_OK ? list_files(run, err) : status;
    status = status == ASSAY_OK ? part_files(run, err) : status;
    status = status == ASSAY_OK ? check_reader(run, err) : status;
    status = status == ASSAY_OK ? assay_hosts_new(run, &run->hosts, err) : status;
    if (status == ASSAY_OK && note_settings(run) != ASSAY_OK) {
        status = assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    status = status == ASSAY_OK ? init_scanners(run, err) : status;
    status = status == ASSAY_OK ? map_rules(run, err) : status;
    status = status == ASSAY_OK ? assay_handover_order(run, run->finish_order, err) : status;
    status = status == ASSAY_OK ? keep_input(run, err) : status;
    status = status == ASSAY_OK ? get_yara(run, err) : status;
    status = status == ASSAY_OK ? assay_spool_new(&run->spool, err) : status;
    run->audit->spool = run->spool;
    if (status == ASSAY_OK && run->opt->keep_members) {
        status = assay_members_new(&run->audit->members, err);
    }
    if (status == ASSAY_OK) {
        run->hmac = assay_hmac_new(run->opt->fingerprint_key, 32);
        status = run->hmac == NULL ? assay_fail(err, ASSAY_CRYPTO, "HMAC-SHA-256 is not available")
                                   : ASSAY_OK;
    }
    return status == ASSAY_OK ? assay_sched_new(run, &run->sched, err) : status;
}

/* ---- gather -------------------------------------------------------------------------------- */

static enum assay_status merge_scanner(struct assay_run *run, struct assay_worker *workers,
                                       size_t i, struct assay_error *err)
{
    const struct assay_scanner_run *sr = &run->scanners[i];
    enum assay_status status = ASSAY_OK;
    for (unsigned w = 1; w < run->jobs && sr->scanner->merge != NULL && status == ASSAY_OK; w++) {
        (void)assay_fail(err, ASSAY_PLUGIN, "scanner %.64s cannot merge its states",
                         sr->plugin->name);
        status =
            sr->scanner->merge(sr->shared, workers[0].scanners[i], workers[w].scanners[i], err);
        if (status == ASSAY_OK && sr->scanner->local_free != NULL) {
            sr->scanner->local_free(workers[w].scanners[i]);
            workers[w].scanners[i] = NULL;
        }
    }
    return status;
}

static int by_metric_name(const void *a, const void *b)
{
    const struct assay_metric *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* What the workers know becomes one; all but the first, which speaks for the others, let go. */
static enum assay_status unite(struct assay_run *run, struct assay_worker *workers,
                               struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    for (size_t i = 0; i < run->n_scanners && status == ASSAY_OK; i++) {
        status = merge_scanner(run, workers, i, err);
    }
    for (unsigned w = 1; w < run->jobs && status == ASSAY_OK; w++) {
        assay_tally_merge(&run->audit->tally, &workers[w].collector.tally);
        assay_worker_release(&workers[w]);
    }
    return status;
}

static int is_cancelled(const struct assay_run *run)
{
    return run->opt->cancel != NULL && atomic_load(run->opt->cancel) != 0;
}

static enum assay_status gather(struct assay_run *run, struct assay_worker *workers,
                                struct assay_error *err)
{
    struct assay_audit *a = run->audit;
    struct assay_worker *first = &workers[0];
    enum assay_status status = unite(run, workers, err);
    if (status == ASSAY_OK) {
        status = assay_wrapup_rest(first, assay_sched_reached(run->sched), err);
    }
    assay_sched_free(run->sched);
    run->sched = NULL;
    if (status == ASSAY_OK && !is_cancelled(run)) {
        status = assay_review_run(first, err);
    }
    a->cancelled = is_cancelled(run);
    if (status == ASSAY_OK) {
        status = assay_speak(first, err);
    }
    if (status == ASSAY_OK && a->members != NULL) {
        status = assay_members_seal(a->members, err);
    }
    assay_tally_merge(&a->tally, &first->collector.tally);
    if (a->n_metrics > 1) {
        qsort(a->metrics, a->n_metrics, sizeof *a->metrics, by_metric_name);
    }
    assay_spool_seal(run->spool);
    return status;
}

/* ---- the door ------------------------------------------------------------------------------ */

static enum assay_status run_workers(struct assay_run *run, struct assay_error *err)
{
    struct assay_worker *workers = NULL;
    assay_progress_phase(run, "reading", assay_inventory_count(run->inventory),
                         assay_inventory_bytes(run->inventory));
    enum assay_status status = assay_workers_new(run, &workers, err);
    status = status == ASSAY_OK ? assay_workers_run(run, workers, err) : status;
    status = status == ASSAY_OK ? gather(run, workers, err) : status;
    assay_workers_free(run, workers);
    return status;
}

static void release(struct assay_run *run)
{
    assay_sched_free(run->sched);
    for (size_t i = 0; i < run->n_scanners; i++) {
        if (run->scanners[i].scanner->free != NULL) {
            run->scanners[i].scanner->free(run->scanners[i].shared);
        }
    }
    free(run->scanners);
    free(run->rule_scanner);
    free(run->only);
    assay_hosts_free(run->hosts);
    assay_yara_free(run->own_yara);
    assay_hmac_free(run->hmac);
    if (run->input_copy >= 0) {
        (void)close(run->input_copy);
    }
    (void)pthread_mutex_destroy(&run->lock);
}

enum assay_status assay_audit_run_tuned(const struct assay_audit_options *opt,
                                        const struct assay_tuning *tuning, struct assay_audit **ret,
                                        struct assay_error *err)
{
    struct assay_error local;
    struct assay_run run;
    memset(&run, 0, sizeof run);
    run.input_copy = -1;
    err = err == NULL ? &local : err;
    *ret = NULL;
    run.audit = calloc(1, sizeof *run.audit);
    if (run.audit == NULL) {
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    (void)pthread_mutex_init(&run.lock, NULL);
    set_defaults(&run, opt, tuning);
    enum assay_status status = prepare(&run, err);
    status = status == ASSAY_OK ? run_workers(&run, err) : status;
    if (status == ASSAY_OK) {
        assay_progress_tick(&run, NULL, 1);
        status = assay_audit_judge(run.audit);
        if (status != ASSAY_OK) {
            (void)assay_fail(err, status, "out of memory while judging");
        }
        run.audit->elapsed_ms = (assay_clock_ns() - run.start_ns) / 1000000;
    }
    release(&run);
    if (status != ASSAY_OK) {
        assay_audit_free(run.audit);
        return status;
    }
    *ret = run.audit;
    return ASSAY_OK;
}

enum assay_status assay_audit_run(const struct assay_audit_options *opt, struct assay_audit **ret,
                                  struct assay_error *err)
{
    return assay_audit_run_tuned(opt, NULL, ret, err);
}
