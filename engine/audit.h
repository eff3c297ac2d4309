/* SPDX-License-Identifier: Apache-2.0
 *
 * engine/audit.h: one audit, from roots to a judged result. The one door of the engine.
 *
 *     source -> inventory -> plan -> workers (stream, split, next, match, scan) -> merge -> judge
 *
 * The result is plain data; signing and writing it is the business of reports/. Findings may be
 * many: they live in an unlinked spool file and are read through a cursor, in canonical order: by
 * file as in the inventory, then what was listed and not followed; within a file by record, field,
 * start, end, rule; then what concerns the file as a whole; last what concerns the dataset, scanner
 * by scanner.
 *
 * Memory, whatever the dataset's size (J jobs, C = ASSAY_CHUNK, G = ASSAY_SCANNER_BUDGET):
 *     4 J blocks of at most 4 C each   (C unless records are longer than that)
 *   + 2 J + 1 streams                  (buffers, and the window of an inflater)
 *   + J x findings of one batch        (4 MiB; up to 64 MiB where a batch is nothing but findings)
 *   + one record longer than 4 C, with what its reader and the matcher make of it
 *   + G for each scanner, and the rule set
 *   + 1 block for the voice of all at a second look, and a bit per file
 *   + per file its name and 96 bytes; per chunk that has findings 24 bytes.
 *
 * A count of records per rule or condition is exact for findings of records. A group finding
 * (duplicates) adds the size of its group, so a record that is in a group and has a finding of its
 * own counts twice in a rate() over both rules.
 *
 * Thread rule: assay_audit_run blocks and uses `jobs` threads of its own (the caller's is one of
 * them); progress is called from one of them, one call at a time. The result is read-only
 * afterwards.
 */
#ifndef ASSAY_ENGINE_AUDIT_H
#define ASSAY_ENGINE_AUDIT_H

#include <stdatomic.h>

#include "engine/inventory.h"
#include "engine/plugins.h"
#include "rules/matcher.h"
#include "rules/policy.h"
#include "rules/yara.h"

/* Files, bytes and eta are those of the phase: a second look (assay/scanner.h) begins again. */
struct assay_progress {
    const char *phase; /* "reading" or "second look" */
    uint64_t files_done, files_total;
    uint64_t bytes_done, bytes_total; /* raw bytes; total 0 when unknown (standard input) */
    uint64_t records, findings;
    uint64_t elapsed_ms, eta_ms; /* eta UINT64_MAX: unknown */
    const char *file;            /* one of those in hand; may be NULL */
};
/* The pace so far, a second, and how long the rest takes at it; UINT64_MAX: too early to say. */
uint64_t assay_progress_rate(uint64_t elapsed_ms, uint64_t done);
uint64_t assay_progress_eta(uint64_t elapsed_ms, uint64_t done, uint64_t total);

/* Files in hand at once with so many jobs. */
#define ASSAY_AUDIT_SLOTS(jobs) (2 * (jobs) + 1)

struct assay_plugin_option {
    const char *plugin, *name, *value;
};

struct assay_audit_options {
    const char *const *roots; /* paths, or "-" */
    const int *root_fds;      /* NULL, or already opened descriptors, one per root */
    size_t n_roots;
    const struct assay_plugins *plugins;
    const struct assay_ruleset *rules;
    const struct assay_matcher *matcher;
    const struct assay_yara *yara; /* the YARA rules of `rules`; NULL: the audit compiles them */
    const struct assay_policy *policy;
    unsigned jobs; /* 0: number of usable CPUs */
    const struct assay_plugin_option *plugin_options;
    size_t n_plugin_options;
    const char *reader;             /* force this reader for every file; NULL: detect */
    int keep_members;               /* remember what scanners say through sink->member */
    const uint8_t *fingerprint_key; /* 32 bytes */
    const char *dataset_name;       /* NULL: none; goes into the statement */
    uint64_t max_record;            /* 0: ASSAY_LIMIT_RECORD */
    void (*progress)(void *ctx, const struct assay_progress *p);
    void *progress_ctx;
    atomic_int *cancel; /* set to non-zero from a signal handler or another thread; may be NULL */
    void (*log)(void *ctx, enum assay_log_level level, const char *module, const char *message);
    void *log_ctx;
    /* Files that are hashed and not looked into (they are in the manifest, with a finding, and make
     * the audit INCOMPLETE); names of files that are not there do not matter. */
    const struct assay_bytes *aside;
    size_t n_aside;
    const struct assay_bytes *only; /* not NULL: no other file is opened; they count as cancelled */
    /* Told before a file is opened, and with NULL after its end, at the first reading and at every
     * look; from any thread, one call at a time for each slot below ASSAY_AUDIT_SLOTS. A file whose
     * audit failed stays in hand. */
    void (*in_hand)(void *ctx, unsigned slot, const char *file);
    void *in_hand_ctx;
};

/* A finding as kept: masked, fingerprinted, placed. Strings are borrowed until the cursor moves. */
struct assay_found {
    uint32_t rule;
    const char *file;  /* NULL for a dataset-level finding */
    uint64_t record;   /* ASSAY_NO_RECORD: not about one record */
    const char *field; /* JSON Pointer (keys that are themselves sensitive are masked); NULL */
    uint8_t has_span;
    uint64_t start, end;           /* code points within the field's value */
    uint64_t byte_start, byte_end; /* bytes within the field's value */
    uint64_t offset;               /* bytes in the file where has_offset */
    uint8_t has_offset;
    uint16_t confidence; /* thousandths */
    const char *masked;  /* NULL where there was no value */
    uint8_t fingerprint[16];
    const char *detail; /* NULL */
    size_t n_members;
    uint64_t members_total;
    struct {
        const char *file;
        uint64_t record; /* ASSAY_NO_RECORD: whole file */
    } const *members;
};

struct assay_metric {
    const char *name;
    uint64_t num, den;
};

struct assay_skip_count {
    uint64_t files, records, bytes;
    uint8_t noted; /* it happened, also where no size is known */
};

struct assay_coverage {
    uint64_t files_total, files_scanned;
    uint64_t records_total, records_scanned;
    uint64_t bytes_total, bytes_scanned; /* raw bytes on disk */
    uint64_t text_bytes;                 /* decoded bytes scanned */
    struct assay_skip_count skipped[ASSAY_SKIP_MAX];
};

struct assay_audit;

/* Runs one audit. A result is returned whenever anything was read, even when it is INCOMPLETE or
 * cancelled; only errors that leave nothing to report return a failure: ASSAY_NOTFOUND (a root is
 * missing, or zero files matched), ASSAY_CONFIG, ASSAY_NOMEM. */
enum assay_status assay_audit_run(const struct assay_audit_options *opt, struct assay_audit **ret,
                                  struct assay_error *err);
void assay_audit_free(struct assay_audit *a); /* accepts NULL */

/* What the audit found. Everything is borrowed and constant until assay_audit_free; any thread may
 * read. Indexes count from 0. */
enum assay_verdict assay_audit_verdict(const struct assay_audit *a);
int assay_audit_cancelled(const struct assay_audit *a);
const struct assay_inventory *assay_audit_inventory(const struct assay_audit *a);
const struct assay_coverage *assay_audit_coverage(const struct assay_audit *a);
const struct assay_ruleset *assay_audit_rules(const struct assay_audit *a);
const struct assay_policy *assay_audit_policy(const struct assay_audit *a);
const struct assay_plugins *assay_audit_plugins(const struct assay_audit *a);
const struct assay_matcher *assay_audit_matcher(const struct assay_audit *a);
const char *assay_audit_dataset_name(const struct assay_audit *a); /* NULL */
/* Of a rule by its index in the rule set. */
const struct assay_rule_tally *assay_audit_tally(const struct assay_audit *a, uint32_t rule);
uint64_t assay_audit_findings(const struct assay_audit *a); /* in the spool */
/* The policy's terms, in its order. */
size_t assay_audit_terms(const struct assay_audit *a);
const struct assay_term_result *assay_audit_term(const struct assay_audit *a, size_t i);
/* Sorted by name. */
size_t assay_audit_metrics(const struct assay_audit *a);
const struct assay_metric *assay_audit_metric(const struct assay_audit *a, size_t i);
/* Library versions that shape results, sorted by name: ("pcre2", "10.42"). */
size_t assay_audit_versions(const struct assay_audit *a);
void assay_audit_version(const struct assay_audit *a, size_t i, const char **ret_name,
                         const char **ret_version);
/* What shapes results, sorted by name as bytes: "max_record" and "reader" where the caller set
 * them, "scanners_left_out" where some were (names with commas), and every option of every plugin
 * as "PLUGIN.NAME" with the value in force. They go into the statement. */
size_t assay_audit_settings(const struct assay_audit *a);
void assay_audit_setting(const struct assay_audit *a, size_t i, const char **ret_name,
                         const char **ret_value);
unsigned assay_audit_jobs(const struct assay_audit *a);       /* threads asked for; never 0 */
uint64_t assay_audit_started_ms(const struct assay_audit *a); /* Unix time; run statement only */
uint64_t assay_audit_elapsed_ms(const struct assay_audit *a);

/* What may be dropped, and what says the same (assay/finding.h, struct assay_membership); with
 * keep_members only. */
struct assay_redundant {
    uint64_t record, keep_record; /* ASSAY_NO_RECORD: the whole file */
    uint32_t file, keep_file;     /* indexes into the inventory */
    uint32_t rule;
    uint16_t similarity; /* thousandths */
    uint16_t reserved;
};

/* All of them, *ret_n, sorted by file, record (a whole file before its records), rule, keep_file
 * and keep_record. Borrowed from the audit. */
const struct assay_redundant *assay_audit_redundant(const struct assay_audit *a, size_t *ret_n);

struct assay_cursor;
/* Reads the findings, in canonical order: by file, then by place in it. Several cursors may read at
 * once, each on one thread; the audit must outlive them. */
enum assay_status assay_cursor_open(const struct assay_audit *a, struct assay_cursor **ret,
                                    struct assay_error *err);
/* ASSAY_END after the last. What *ret points to lives until the next call. */
enum assay_status assay_cursor_next(struct assay_cursor *c, struct assay_found *ret,
                                    struct assay_error *err);
void assay_cursor_close(struct assay_cursor *c); /* accepts NULL */

#endif
