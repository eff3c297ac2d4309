/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/option.h"

/* Written with three decimals: what is kept in milliseconds is seconds outside. */
#define MILLI 1

/* {name, type, help, label, its values, MILLI}, in the order of enum assay_metric_id */
static const struct {
    const char *name, *type, *help, *label;
    const char *values[ASSAY_METRIC_LABELS];
    int milli;
} rows[ASSAY_M_MAX] = {
    [ASSAY_M_RUNS_QUEUED] =
        {"assay_runs_queued_total", "counter", "Audits that were queued.", NULL, {""}, 0},
    [ASSAY_M_RUNS] = {"assay_runs_total",
                      "counter",
                      "Audits that ended, by verdict.",
                      "verdict",
                      {"PASS", "WARN", "FAIL", "INCOMPLETE"},
                      0},
    [ASSAY_M_RETRIES] = {"assay_run_retries_total",
                         "counter",
                         "Audits that were queued again after a fault.",
                         NULL,
                         {""},
                         0},
    [ASSAY_M_FAILURES] = {"assay_worker_failures_total",
                          "counter",
                          "Attempts at an audit that brought no report, by reason.",
                          "reason",
                          {"stalled", "killed", "exited", "reported", "publish"},
                          0},
    [ASSAY_M_RECORDS] = {"assay_records_scanned_total",
                         "counter",
                         "Records scanned in audits that ended with a report.",
                         NULL,
                         {""},
                         0},
    [ASSAY_M_BYTES] = {"assay_bytes_scanned_total",
                       "counter",
                       "Bytes of files read in audits that ended with a report.",
                       NULL,
                       {""},
                       0},
    [ASSAY_M_FINDINGS] = {"assay_findings_total",
                          "counter",
                          "Findings in audits that ended with a report.",
                          NULL,
                          {""},
                          0},
    [ASSAY_M_RELOADS] = {"assay_reload_total",
                         "counter",
                         "Times the configuration and rules were read again, by result.",
                         "result",
                         {"ok", "failed"},
                         0},
    [ASSAY_M_REQUESTS] = {"assay_control_requests_total",
                          "counter",
                          "Requests on the control socket, by result.",
                          "result",
                          {"ok", "refused"},
                          0},
    [ASSAY_M_RETENTION] = {"assay_retention_removed_total",
                           "counter",
                           "What was removed because it is too old or there is enough newer.",
                           "what",
                           {"report", "run"},
                           0},
    [ASSAY_M_RETENTION_FAILURES] =
        {"assay_retention_failures_total",
         "counter",
         "Old reports that could not be removed, each time it was tried.",
         NULL,
         {""},
         0},
    [ASSAY_M_CPU_MILLIS] = {"process_cpu_seconds_total",
                            "counter",
                            "Processor time of the daemon itself, without its workers.",
                            NULL,
                            {""},
                            MILLI},
    [ASSAY_M_RUN_STATE] = {"assay_run_state",
                           "gauge",
                           "Audits on record, by state.",
                           "state",
                           {"queued", "running", "done", "failed", "cancelled", "dead"},
                           0},
    [ASSAY_M_QUEUE_DEPTH] = {"assay_queue_depth", "gauge", "Audits that wait.", NULL, {""}, 0},
    [ASSAY_M_QUEUE_OLDEST_MILLIS] = {"assay_queue_oldest_seconds",
                                     "gauge",
                                     "How long the audit that waits longest has waited.",
                                     NULL,
                                     {""},
                                     MILLI},
    [ASSAY_M_LAST_RUN_MILLIS] = {"assay_last_report_timestamp_seconds",
                                 "gauge",
                                 "When the last report was published; 0: none since the start.",
                                 NULL,
                                 {""},
                                 MILLI},
    [ASSAY_M_WORKERS] =
        {"assay_workers", "gauge", "Worker slots, by what they do.", "state", {"busy", "idle"}, 0},
    [ASSAY_M_RUNNING_BYTES] = {"assay_running_bytes",
                               "gauge",
                               "Bytes of the audits that run, in the phase each is in.",
                               "state",
                               {"done", "total"},
                               0},
    [ASSAY_M_RUNNING_RECORDS] = {"assay_running_records",
                                 "gauge",
                                 "Records read so far by the audits that run.",
                                 NULL,
                                 {""},
                                 0},
    [ASSAY_M_CLIENTS] =
        {"assay_control_clients", "gauge", "Connections to the control socket.", NULL, {""}, 0},
    [ASSAY_M_START_MILLIS] = {"process_start_time_seconds",
                              "gauge",
                              "When the daemon started, Unix time.",
                              NULL,
                              {""},
                              MILLI},
    [ASSAY_M_RESIDENT] = {"process_resident_memory_bytes",
                          "gauge",
                          "Resident memory of the daemon itself.",
                          NULL,
                          {""},
                          0},
    [ASSAY_M_VIRTUAL] = {"process_virtual_memory_bytes",
                         "gauge",
                         "Address space of the daemon itself.",
                         NULL,
                         {""},
                         0},
    [ASSAY_M_OPEN_FDS] =
        {"process_open_fds", "gauge", "Descriptors the daemon has open.", NULL, {""}, 0},
    [ASSAY_M_MAX_FDS] =
        {"process_max_fds", "gauge", "Descriptors the daemon may open.", NULL, {""}, 0},
};

/* Upper bounds of the duration histogram. */
static const struct {
    uint64_t ms;
    const char *text;
} buckets[ASSAY_METRIC_BUCKETS] = {
    {100, "0.1"},      {500, "0.5"},        {1000, "1"},         {5000, "5"},
    {15000, "15"},     {60000, "60"},       {300000, "300"},     {900000, "900"},
    {3600000, "3600"}, {14400000, "14400"}, {86400000, "86400"},
};

static size_t labels_of(enum assay_metric_id id)
{
    size_t n = 0;
    while (n < ASSAY_METRIC_LABELS && rows[id].values[n] != NULL) {
        n++;
    }
    return n;
}

void assay_metrics_add(struct assay_metrics *m, enum assay_metric_id id, size_t label, uint64_t n)
{
    if (label < labels_of(id)) {
        m->value[id][label] += n;
    }
}

void assay_metrics_set(struct assay_metrics *m, enum assay_metric_id id, size_t label, uint64_t n)
{
    if (label < labels_of(id)) {
        m->value[id][label] = n;
    }
}

void assay_metrics_run(struct assay_metrics *m, uint64_t duration_ms)
{
    size_t i = 0;
    while (i < ASSAY_METRIC_BUCKETS && duration_ms > buckets[i].ms) {
        i++;
    }
    m->bucket[i]++;
    m->duration_ms += duration_ms;
}

/* ---- this process -------------------------------------------------------------------------- */

static uint64_t open_descriptors(void)
{
    uint64_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        n += assay_fs_is_dots(e->d_name) ? 0 : 1;
    }
    if (dir != NULL) {
        (void)closedir(dir);
        n--; /* the one that was just used */
    }
    return n;
}

/* /proc/self/statm: pages of address space, then pages resident. */
static void memory(struct assay_metrics *m)
{
    ASSAY_AUTO_BUF text;
    char *end = NULL;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    assay_buf_init(&text, 4096);
    if (assay_fs_read_file("/proc/self/statm", 4096, &text, NULL) == ASSAY_OK) {
        uint64_t size = strtoull(assay_buf_str(&text), &end, 10);
        assay_metrics_set(m, ASSAY_M_VIRTUAL, 0, size * page);
        assay_metrics_set(m, ASSAY_M_RESIDENT, 0, strtoull(end, NULL, 10) * page);
    }
}

void assay_metrics_process(struct assay_metrics *m)
{
    struct rusage use;
    struct rlimit files;
    if (getrusage(RUSAGE_SELF, &use) == 0) {
        uint64_t seconds = (uint64_t)use.ru_utime.tv_sec + (uint64_t)use.ru_stime.tv_sec;
        uint64_t micros = (uint64_t)use.ru_utime.tv_usec + (uint64_t)use.ru_stime.tv_usec;
        assay_metrics_set(m, ASSAY_M_CPU_MILLIS, 0, seconds * 1000 + micros / 1000);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        assay_metrics_set(m, ASSAY_M_MAX_FDS, 0, files.rlim_cur);
    }
    assay_metrics_set(m, ASSAY_M_OPEN_FDS, 0, open_descriptors());
    memory(m);
}

/* ---- text ---------------------------------------------------------------------------------- */

void assay_metrics_head(struct assay_buf *out, const char *name, const char *type, const char *help)
{
    assay_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and line feed are escaped, and nothing else. */
static void put_label_value(struct assay_buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            assay_buf_adds(out, "\\n");
        } else {
            if (*value == '\\' || *value == '"') {
                assay_buf_addc(out, '\\');
            }
            assay_buf_addc(out, *value);
        }
    }
}

static void put_name(struct assay_buf *out, const char *name, const char *label, const char *value)
{
    assay_buf_adds(out, name);
    if (label != NULL) {
        assay_buf_addf(out, "{%s=\"", label);
        put_label_value(out, value);
        assay_buf_adds(out, "\"}");
    }
}

static void put_milli(struct assay_buf *out, uint64_t ms)
{
    assay_buf_addf(out, " %llu.%03u\n", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
}

void assay_metrics_sample(struct assay_buf *out, const char *name, const char *label,
                          const char *label_value, uint64_t value)
{
    put_name(out, name, label, label_value);
    assay_buf_addf(out, " %llu\n", (unsigned long long)value);
}

static void put_row(const struct assay_metrics *m, enum assay_metric_id id, struct assay_buf *out)
{
    assay_metrics_head(out, rows[id].name, rows[id].type, rows[id].help);
    for (size_t i = 0; i < labels_of(id); i++) {
        if (rows[id].milli) {
            put_name(out, rows[id].name, rows[id].label, rows[id].values[i]);
            put_milli(out, m->value[id][i]);
        } else {
            assay_metrics_sample(out, rows[id].name, rows[id].label, rows[id].values[i],
                                 m->value[id][i]);
        }
    }
}

static void put_durations(const struct assay_metrics *m, struct assay_buf *out)
{
    uint64_t n = 0;
    assay_metrics_head(out, "assay_run_duration_seconds", "histogram",
                       "How long attempts at audits ran that ended with a report.");
    for (size_t i = 0; i < ASSAY_METRIC_BUCKETS; i++) {
        n += m->bucket[i];
        assay_metrics_sample(out, "assay_run_duration_seconds_bucket", "le", buckets[i].text, n);
    }
    n += m->bucket[ASSAY_METRIC_BUCKETS];
    assay_metrics_sample(out, "assay_run_duration_seconds_bucket", "le", "+Inf", n);
    assay_buf_adds(out, "assay_run_duration_seconds_sum");
    put_milli(out, m->duration_ms);
    assay_metrics_sample(out, "assay_run_duration_seconds_count", NULL, NULL, n);
}

void assay_metrics_write(const struct assay_metrics *m, struct assay_buf *out)
{
    for (int id = 0; id < ASSAY_M_MAX; id++) {
        put_row(m, (enum assay_metric_id)id, out);
    }
    put_durations(m, out);
}
