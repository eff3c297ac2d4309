/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config.h: assayd.yaml as a checked, immutable value.
 *
 * One table (assay_config_keys) lists every key with its type, range, default and help: the parser,
 * the unknown-key suggestions, the manual page's test and the example file follow it. All errors
 * are reported at once with carets.
 * Ownership: every string lives as long as the configuration.
 */
#ifndef ASSAY_DAEMON_CONFIG_H
#define ASSAY_DAEMON_CONFIG_H

#include "core/log.h"
#include "core/yaml.h"

enum assay_ready { /* a set: all of them have to hold */
                   ASSAY_READY_SETTLE = 1,
                   ASSAY_READY_MARKER = 2,
                   ASSAY_READY_MANIFEST = 4,
                   ASSAY_READY_RENAME = 8,
                   ASSAY_READY_CLOSE = 16
};
enum assay_reaudit { ASSAY_REAUDIT_REPORT, ASSAY_REAUDIT_NOW };
enum assay_watch_mode { ASSAY_WATCH_AUTO, ASSAY_WATCH_INOTIFY, ASSAY_WATCH_POLL };
enum assay_dataset_unit { ASSAY_DATASET_CHILDREN, ASSAY_DATASET_SELF };

struct assay_config_list {
    const char *const *items;
    size_t n;
};

/* As a run has it that no source delivered: no source may have that name. */
#define ASSAY_SOURCE_SUBMIT "submit"

struct assay_config_source {
    const char *name; /* unique; default: the path's last component */
    const char *kind; /* a row of assay_source_kinds */
    const char *path;
    const char *policy;                         /* NULL: the embedded default */
    struct assay_config_list packs;             /* empty: the built-in packs */
    struct assay_config_list settings;          /* of plugins: PLUGIN.OPTION=VALUE */
    struct assay_config_list suppressions;      /* signed lists of accepted groups ... */
    struct assay_config_list suppressions_keys; /* ... and who may sign them */
    uint64_t concurrency; /* audits at once; 0: as many as there are workers */
    uint64_t priority;
    uint64_t deadline_ms; /* 0: none */
    uint64_t ready;       /* of enum assay_ready */
    uint64_t settle_ms;
    uint64_t settle_max_ms; /* what changes for so long is taken as it is; 0: never */
    const char *marker;
    const char *manifest;
    uint64_t watch; /* enum assay_watch_mode */
    uint64_t poll_ms;
    uint64_t dataset; /* enum assay_dataset_unit */
    /* kind: redis */
    const char *url;
    const char *tenant, *group;
    const char *consumer;      /* NULL: made of the host's name and the source's */
    const char *password_file; /* NULL */
    const char *ca_file, *cert_file, *tls_key_file;
    struct assay_config_list roots; /* what jobs may name */
    uint64_t timeout_ms, claim_idle_ms, max_deliveries;
};

/* How long reports and runs stay; 0 is no limit. daemon/retention.c says what stays anyway. */
struct assay_retention {
    uint64_t reports_keep, runs_keep; /* so many of each dataset */
    uint64_t reports_age_ms, runs_age_ms;
    uint64_t interval_ms; /* between two looks */
};

struct assay_config {
    uint64_t version;
    const char *state_dir;
    const char *cache_dir;
    uint64_t jobs;    /* threads of one audit; 0: all CPUs */
    uint64_t workers; /* audits at once */
    uint64_t retries; /* after a crash, a stall or a full disk */
    uint64_t retry_delay_ms;
    uint64_t drain_ms;  /* how long running audits may finish after SIGTERM */
    uint64_t rescan_ms; /* between reconciling scans */
    uint64_t reaudit;   /* enum assay_reaudit */
    uint64_t sandbox;   /* enum assay_sandbox_mode */
    const char *control_socket;
    const char *control_group; /* NULL: the owner alone */
    const char *key_file;
    const char *passphrase_file; /* NULL: the key is not encrypted */
    const char *fingerprint_file;
    const char *reports_dir;
    struct assay_config_list formats;
    struct assay_retention retention;
    const char *plugins_dir;  /* NULL: none but those built in */
    uint64_t worker_memory;   /* RLIMIT_AS of a worker; 0: none */
    uint64_t worker_stall_ms; /* no progress for so long: stuck */
    uint64_t worker_cpu_ms;   /* RLIMIT_CPU of a worker; 0: none */
    uint64_t log_format;      /* enum assay_log_format */
    uint64_t log_level;       /* enum assay_log_level */
    struct assay_config_source *sources;
    size_t n_sources;
    struct assay_config_source submit; /* of submitted datasets: name, settings, suppressions */
    struct assay_arena *arena;
};

/* Whatever has lists of its own: from 0 the sources, and as number n_sources `submit`. */
static inline const struct assay_config_source *assay_config_party(const struct assay_config *c,
                                                                   size_t i)
{
    return i < c->n_sources ? &c->sources[i] : &c->submit;
}

enum assay_config_flag {
    ASSAY_CONFIG_REQUIRED = 1,
    ASSAY_CONFIG_PATH = 2,
    ASSAY_CONFIG_LIST = 4,
    ASSAY_CONFIG_SET = 8 /* of choices: one, or a list of them; kept as bits */
};

struct assay_config_key {
    const char *section; /* "": the top level; "sources": of each source */
    struct assay_option option;
    size_t offset; /* in struct assay_config, or struct assay_config_source */
    unsigned flags;
};
extern const struct assay_config_key
    assay_config_keys[]; /* ends with a row whose option.name is NULL */

/* NULL with diagnostics when anything is wrong. */
struct assay_config *assay_config_parse(struct assay_bytes text, const char *name,
                                        struct assay_diags *d);
struct assay_config *assay_config_load(const char *path, struct assay_diags *d);
void assay_config_free(struct assay_config *c); /* accepts NULL */

#endif
