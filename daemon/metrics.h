/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/metrics.h: what assayd counts, as Prometheus reads it.
 *
 * One table (metrics.c), one row a metric: its name, type, help and, where it has one, a label with
 * a fixed list of values. So there is no way to put a path, a dataset's name or anything that came
 * out of a record into a label, and the number of series is known when the program is built. (The
 * one open label is a source's name, which stands in the configuration.) Units are base units:
 * seconds, bytes. Counters begin at zero with the process, as Prometheus expects.
 * Thread rule: the daemon's one thread; plain numbers.
 */
#ifndef ASSAY_DAEMON_METRICS_H
#define ASSAY_DAEMON_METRICS_H

#include "core/buf.h"

enum assay_metric_id {
    /* counters */
    ASSAY_M_RUNS_QUEUED,
    ASSAY_M_RUNS,      /* by verdict: enum assay_verdict */
    ASSAY_M_RETRIES,   /* runs queued again */
    ASSAY_M_FAILURES,  /* of workers: enum assay_failure */
    ASSAY_M_RECORDS,   /* scanned */
    ASSAY_M_BYTES,     /* scanned */
    ASSAY_M_FINDINGS,  /* reported */
    ASSAY_M_RELOADS,   /* 0 ok, 1 failed */
    ASSAY_M_REQUESTS,  /* on the control socket: 0 ok, 1 refused */
    ASSAY_M_RETENTION, /* removed: 0 reports, 1 runs */
    ASSAY_M_RETENTION_FAILURES,
    ASSAY_M_CPU_MILLIS, /* of the daemon itself; written in seconds */
    /* gauges */
    ASSAY_M_RUN_STATE, /* by state: enum assay_run_state */
    ASSAY_M_QUEUE_DEPTH,
    ASSAY_M_QUEUE_OLDEST_MILLIS, /* written in seconds */
    ASSAY_M_LAST_RUN_MILLIS,     /* Unix time; written in seconds */
    ASSAY_M_WORKERS,             /* 0 busy, 1 idle */
    ASSAY_M_RUNNING_BYTES,       /* of the phases that workers are in: 0 done, 1 total */
    ASSAY_M_RUNNING_RECORDS,
    ASSAY_M_CLIENTS,
    ASSAY_M_START_MILLIS, /* Unix time; written in seconds */
    ASSAY_M_RESIDENT,
    ASSAY_M_VIRTUAL,
    ASSAY_M_OPEN_FDS,
    ASSAY_M_MAX_FDS,
    ASSAY_M_MAX
};

enum assay_failure {
    ASSAY_FAILURE_STALLED,  /* silent for too long */
    ASSAY_FAILURE_KILLED,   /* by a signal: a crash, or out of memory */
    ASSAY_FAILURE_EXITED,   /* without a result */
    ASSAY_FAILURE_REPORTED, /* said itself that it cannot */
    ASSAY_FAILURE_PUBLISH,  /* its report could not be signed or published */
    ASSAY_FAILURE_MAX
};

#define ASSAY_METRIC_LABELS  8
#define ASSAY_METRIC_BUCKETS 11

struct assay_metrics {
    uint64_t value[ASSAY_M_MAX][ASSAY_METRIC_LABELS];
    uint64_t bucket[ASSAY_METRIC_BUCKETS + 1]; /* run durations; the last: beyond all */
    uint64_t duration_ms;                      /* their sum */
};

/* `label`: index into the row's list, 0 where it has none; out of range counts nothing. */
void assay_metrics_add(struct assay_metrics *m, enum assay_metric_id id, size_t label, uint64_t n);
void assay_metrics_set(struct assay_metrics *m, enum assay_metric_id id, size_t label, uint64_t n);
void assay_metrics_run(struct assay_metrics *m, uint64_t duration_ms);
/* Memory, descriptors and processor time of this process, from /proc/self. */
void assay_metrics_process(struct assay_metrics *m);

/* Text of the exposition format, version 0.0.4. */
void assay_metrics_write(const struct assay_metrics *m, struct assay_buf *out);
/* The head of a metric that has no row, and a sample of it with one label; the value is escaped. */
void assay_metrics_head(struct assay_buf *out, const char *name, const char *type,
                        const char *help);
void assay_metrics_sample(struct assay_buf *out, const char *name, const char *label,
                          const char *label_value, uint64_t value);

#endif
