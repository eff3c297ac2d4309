/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/run.h: what all workers of one audit share. Internal to engine/.
 *
 * Everything here is written before the workers start or after they ended, except the members that
 * say otherwise.
 */
#ifndef ASSAY_ENGINE_RUN_H
#define ASSAY_ENGINE_RUN_H

#include <pthread.h>

#include "engine/audit.h"
#include "engine/rules.h"
#include "engine/spool.h"
#include "rules/yara.h"

/* How the work is cut; only tests set it. Zeroes mean the defaults of core/limits.h. */
struct assay_tuning {
    size_t chunk;       /* bytes of a chunk */
    uint64_t large;     /* files above this are cut and shared */
    size_t piece;       /* bytes of findings held back for sorting */
    uint64_t max_ratio; /* as assay_stream_options */
    uint64_t ratio_floor;
    void (*opened)(void *ctx, const char *name); /* a file was opened and not yet read */
    void (*working)(void *ctx);                  /* a worker begins a task */
    void *ctx;
};

/* assay_audit_run with the work cut as `tuning` says. */
enum assay_status assay_audit_run_tuned(const struct assay_audit_options *opt,
                                        const struct assay_tuning *tuning, struct assay_audit **ret,
                                        struct assay_error *err);

#define ASSAY_SCANNERS_MAX 62
#define ASSAY_NO_SCANNER   UINT8_MAX

struct assay_hosts;
struct assay_review;
struct assay_sched;

/* One scanner at work. */
struct assay_scanner_run {
    const struct assay_plugin *plugin;
    const struct assay_scanner *scanner;
    void *shared;
};

struct assay_run {
    const struct assay_audit_options *opt;
    struct assay_tuning tuning; /* defaults filled in */
    struct assay_audit *audit;  /* the result in the making */
    struct assay_inventory *inventory;
    unsigned jobs;
    uint64_t max_record;
    uint32_t n_rules;
    uint32_t engine_rules[ASSAY_ENGINE_RULE_MAX]; /* index in the rule set, or ASSAY_NONE */
    struct assay_hosts *hosts;
    struct assay_scanner_run *scanners;
    size_t n_scanners;
    uint8_t finish_order[ASSAY_SCANNERS_MAX]; /* indexes into scanners (handover.h) */
    uint8_t *rule_scanner;         /* by rule: index into scanners, or ASSAY_NO_SCANNER */
    struct assay_yara *own_yara;   /* NULL: it came with the options, or there are no such rules */
    const struct assay_yara *yara; /* NULL: no such rules */
    struct assay_hmac *hmac;       /* to be cloned */
    struct assay_spool *spool;
    struct assay_sched *sched;
    struct assay_review *review; /* NULL: this is the first look at the records */
    uint64_t *only;              /* bit per file to be read; NULL: all */
    int input_copy;              /* of standard input, for a second look; -1: none */
    struct {
        const char *name;
        uint64_t files, bytes; /* to be read */
        uint64_t start_ns;
    } phase; /* changes only while no worker runs */
    /* Shared by running workers. */
    atomic_int failed;    /* not zero: `error` is why the audit cannot go on */
    pthread_mutex_t lock; /* error, progress callback */
    struct assay_error error;
    atomic_uint_fast64_t files_done, bytes_done, records_done, findings_done, last_tick;
    uint64_t start_ns;
};

/* Ends the audit with an error; the first one wins. Any thread. */
void assay_run_fail(struct assay_run *run, const struct assay_error *err);
/* Not zero when workers should come to an end: cancelled or failed. */
int assay_run_stopping(const struct assay_run *run);
/* Name of a file: an entry of the inventory, or past those, something that was listed and not
 * followed. */
const char *assay_inventory_name(const struct assay_inventory *inv, uint32_t file);
/* Logs through opt->log; `message` holds no dataset text. */
void assay_run_log(const struct assay_run *run, enum assay_log_level level, const char *module,
                   const char *message);

/* progress.c: what is read from now on; counts of files and bytes begin again. No worker runs. */
void assay_progress_phase(struct assay_run *run, const char *name, uint64_t files, uint64_t bytes);
/* progress.c: calls opt->progress when a tenth of a second has passed, or `last`. */
void assay_progress_tick(struct assay_run *run, const char *file, int last);
/* progress.c: monotonic nanoseconds. */
uint64_t assay_clock_ns(void);
/* progress.c: a file is begun, or (NULL) done with. */
void assay_progress_hand(const struct assay_run *run, unsigned slot, const char *file);

__extension__ typedef unsigned __int128 assay_u128;

/* n * num / den without overflow; num <= den or a small n. */
static inline uint64_t assay_scale(uint64_t n, uint64_t num, uint64_t den)
{
    return (uint64_t)((assay_u128)n * num / den);
}

#endif
