/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/job.h: what passes between assayd and one assay-worker.
 *
 * The daemon writes one job (a JSON object) to the worker's standard input and closes it; the
 * dataset comes as descriptor ASSAY_WORKER_ROOT_FD, opened by the daemon. The worker writes JSON
 * lines to standard output: any number of progress lines, then one result or error line. Standard
 * error is the log, written as the daemon writes its own (format and level are part of the job) with
 * the run in each line. The worker never learns the signing key; the daemon believes none of its words:
 * verdict and digests are read from the files it is about to sign.
 */
#ifndef ASSAY_DAEMON_JOB_H
#define ASSAY_DAEMON_JOB_H

#include "daemon/config.h"

#define ASSAY_WORKER_ROOT_FD 3
#define ASSAY_JOB_REPORT     "report" /* ... which is this directory within it */

struct assay_job {
    uint64_t run;
    const char *path, *name;
    const char *policy; /* NULL: the embedded default */
    struct assay_config_list packs, settings, suppressions, suppressions_keys;
    const char *plugins_dir; /* NULL */
    const char *cache_dir;
    const char *staging; /* to work in, and for nobody else: spills, and the report ... */
    struct assay_config_list formats;
    uint64_t jobs;
    uint64_t sandbox;    /* enum assay_sandbox_mode */
    uint64_t log_format; /* enum assay_log_format; for the journal: text with priorities */
    uint64_t log_level;  /* enum assay_log_level */
    uint64_t begun_us;   /* monotonic; just before the fork */
    uint8_t fingerprint_key[32];
    const struct assay_bytes *aside; /* files to be hashed and not looked into */
    size_t n_aside;
    struct assay_bytes only;   /* not empty: try this file alone, and leave no report */
    struct assay_arena *arena; /* of a decoded job */
};

enum assay_status assay_job_encode(const struct assay_job *job, struct assay_buf *out);
/* Strings live in ret->arena; release with assay_job_release. */
enum assay_status assay_job_decode(struct assay_bytes text, struct assay_job *ret,
                                   struct assay_error *err);
void assay_job_release(struct assay_job *job);

/* What a worker is busy with: a word of a fixed list, so that nothing else can be said in its place.
 */
enum assay_worker_phase {
    ASSAY_PHASE_STARTING, /* loading rules, listing files */
    ASSAY_PHASE_READING,
    ASSAY_PHASE_REVIEW, /* the second look */
    ASSAY_PHASE_REPORTING,
    ASSAY_PHASES
};
const char *assay_worker_phase_name(enum assay_worker_phase phase);
/* ASSAY_PHASES: none of them. */
enum assay_worker_phase assay_worker_phase_named(const char *name);

enum assay_message_type { ASSAY_MESSAGE_PROGRESS, ASSAY_MESSAGE_RESULT, ASSAY_MESSAGE_ERROR };

struct assay_worker_message {
    enum assay_message_type type;
    enum assay_worker_phase phase; /* files and bytes are those of the phase */
    uint64_t files_done, files_total, bytes_done, bytes_total, records, findings;
    enum assay_status status; /* of an error */
    char text[ASSAY_ERROR_MESSAGE_MAX + ASSAY_ERROR_WHERE_MAX];
};

enum assay_status assay_worker_message_encode(const struct assay_worker_message *m,
                                              struct assay_buf *out); /* with the newline */
enum assay_status assay_worker_message_decode(struct assay_bytes line,
                                              struct assay_worker_message *ret,
                                              struct assay_error *err);

#endif
