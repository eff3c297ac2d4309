/* SPDX-License-Identifier: Apache-2.0
 *
 * reports/report.h: what is said about an audit: manifest, statements, and many writers.
 *
 * One verdict object (struct assay_audit), many writers: a writer only prints; nothing about the
 * outcome depends on which writers run. The table assay_writers lists each once.
 *
 * A report directory (assay scan --out, the daemon) holds:
 *     MANIFEST.sha256      sorted `sha256sum` lines of every file; its SHA-256 is the dataset's
 *                          identity
 *     statement.json       the reproducible statement, exactly the bytes that are signed
 *     statement.dsse.json  its envelope
 *     run.json             the run statement (times, host, duration); names the first by digest
 *     run.dsse.json        its envelope
 *     findings.jsonl       one finding a line, then the summary line
 *     report.html          for people
 *     signer.pub           the public key, for convenience; trust it only if you had it before
 * The directory appears under its name complete, or not at all (written aside, then renamed).
 */
#ifndef ASSAY_REPORTS_REPORT_H
#define ASSAY_REPORTS_REPORT_H

#include "core/buf.h"
#include "engine/audit.h"
#include "reports/keys.h"

#define ASSAY_PREDICATE_AUDIT "https://assay.dev/dataset-audit/v1"
#define ASSAY_PREDICATE_RUN   "https://assay.dev/audit-run/v1"

#define ASSAY_MANIFEST_NAME     "MANIFEST.sha256"
#define ASSAY_STATEMENT_NAME    "statement.json"
#define ASSAY_ENVELOPE_NAME     "statement.dsse.json"
#define ASSAY_RUN_NAME          "run.json"
#define ASSAY_RUN_ENVELOPE_NAME "run.dsse.json"
#define ASSAY_FINDINGS_NAME     "findings.jsonl"
#define ASSAY_HTML_NAME         "report.html"
#define ASSAY_SUMMARY_NAME      "summary.txt"
#define ASSAY_CSV_NAME          "findings.csv"
#define ASSAY_JSON_NAME         "report.json"

/* Where a writer writes. `write` returns ASSAY_OK or an error it has described in `err`. */
struct assay_out {
    enum assay_status (*write)(void *ctx, const void *data, size_t len, struct assay_error *err);
    void *ctx;
    int colour;             /* a terminal that shows colours */
    unsigned columns;       /* width; 0: not a terminal */
    int chinese;            /* language of titles and headings */
    const char *report_dir; /* to mention, may be NULL */
    const char *asked_for;  /* how whoever asked named the dataset, on a terminal, where it has no
                               name of its own; may be NULL */
};

struct assay_atomic_file;
/* Output into a file that is being written atomically (core/fs.h); the caller commits or aborts. */
struct assay_out assay_out_file(struct assay_atomic_file *f);

struct assay_writer {
    const char *name;    /* "jsonl" */
    const char *summary; /* one line for help */
    const char *file;    /* usual file name: "findings.jsonl" */
    enum assay_status (*write)(const struct assay_audit *a, struct assay_out *out,
                               struct assay_error *err);
};
/* table, jsonl, json, html, csv; ends with name NULL. */
extern const struct assay_writer assay_writers[];
/* The writer of this name; NULL: none. */
const struct assay_writer *assay_writer_find(const char *name);

/* A finding of each of the first rules, as lines for a terminal, under a heading; groups with their
 * members. Nothing where nothing was found. */
enum assay_status assay_write_examples(const struct assay_audit *a, struct assay_out *out,
                                       struct assay_error *err);

/* Manifest text of the audited files (entries that could be hashed). Quoting as coreutils
 * sha256sum. */
enum assay_status assay_manifest_write(const struct assay_inventory *inv, struct assay_out *out,
                                       uint8_t ret_sha256[32], struct assay_error *err);

/* The statements, canonical JSON. */
enum assay_status assay_statement_build(const struct assay_audit *a,
                                        const uint8_t manifest_sha256[32], struct assay_buf *out,
                                        struct assay_error *err);
struct assay_run_info {
    const char *host;    /* NULL: gethostname */
    const char *sandbox; /* state of the sandbox; NULL: "none" */
    uint64_t run;        /* the daemon's number of the run; 0: none */
    unsigned jobs;
    uint8_t findings_sha256[32]; /* of findings.jsonl and report.html; zeroes: not named */
    uint8_t html_sha256[32];     /* (assay_report_write fills both in) */
    int unsynced;                /* whoever publishes the report syncs it (core/sync.h) */
};
/* The one that holds times and host, and points to `statement`, the bytes of the other, by digest.
 */
enum assay_status assay_run_statement_build(const struct assay_audit *a,
                                            const uint8_t manifest_sha256[32],
                                            struct assay_bytes statement,
                                            const struct assay_run_info *info,
                                            struct assay_buf *out, struct assay_error *err);

/* Writes a whole report directory. `keys` n_keys 0: unsigned (the caller signs later with
 * assay_report_sign). An existing directory of that name is refused unless it is empty or an
 * earlier report (statement.json and no file that is not ours), which is replaced in one step. On
 * failure nothing is left behind and an earlier report stands. */
enum assay_status assay_report_write(const struct assay_audit *a, const char *dir,
                                     struct assay_key *const *keys, size_t n_keys,
                                     const struct assay_run_info *info, struct assay_error *err);
/* Signs the statements of an unsigned report directory, after re-checking what they are (type,
 * subject, manifest digest): adds statement.dsse.json, run.dsse.json, signer.pub. */
enum assay_status assay_report_sign(const char *dir, struct assay_key *const *keys, size_t n_keys,
                                    struct assay_error *err);

#endif
