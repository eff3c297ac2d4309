/* SPDX-License-Identifier: Apache-2.0
 *
 * The run statement: when, where and how one run took place. It changes with every run, by design,
 * and points to the reproducible statement by digest; it also binds the files of findings that
 * stand beside.
 */
#include "reports/internal.h"

#include "core/hash.h"
#include "reports/statement.h"

#define HOST_MAX 256

/* Unix milliseconds to "2026-11-23T04:20:28.123Z". */
void assay_format_time(uint64_t ms, char out[32])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    char head[24];
    if (gmtime_r(&t, &tm) == NULL || strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        (void)snprintf(out, 32, "1970-01-01T00:00:00.000Z");
        return;
    }
    (void)snprintf(out, 32, "%s.%03uZ", head, (unsigned)(ms % 1000));
}

static void write_times(struct assay_json *j, const struct assay_audit *a)
{
    char text[32];
    uint64_t started = assay_audit_started_ms(a), elapsed = assay_audit_elapsed_ms(a);
    assay_format_time(started + elapsed, text);
    assay_json_kv_str(j, "scanFinishedOn", text);
    assay_format_time(started, text);
    assay_json_kv_str(j, "scanStartedOn", text);
}

static int is_zero(const uint8_t digest[32])
{
    static const uint8_t zero[32];
    return memcmp(digest, zero, sizeof zero) == 0;
}

static void write_file_digest(struct assay_json *j, const char *name, const uint8_t digest[32])
{
    if (!is_zero(digest)) {
        assay_statement_subject(j, name, digest);
    }
}

static void write_run(struct assay_json *j, const struct assay_audit *a,
                      const struct assay_run_info *info)
{
    char host[HOST_MAX] = "unknown";
    if (info->host == NULL && gethostname(host, sizeof host) == 0) {
        host[sizeof host - 1] = '\0';
    }
    assay_json_kv_bool(j, "cancelled", assay_audit_cancelled(a));
    assay_json_kv_uint(j, "durationMs", assay_audit_elapsed_ms(a));
    assay_json_key(j, "files");
    assay_json_array(j);
    write_file_digest(j, ASSAY_FINDINGS_NAME, info->findings_sha256);
    write_file_digest(j, ASSAY_HTML_NAME, info->html_sha256);
    assay_json_end_array(j);
    assay_json_kv_str(j, "host", info->host == NULL ? host : info->host);
    assay_json_kv_uint(j, "jobs", info->jobs);
    assay_json_kv_str(
        j, "matcher",
        assay_audit_matcher(a) == NULL ? NULL : assay_matcher_engine_name(assay_audit_matcher(a)));
    if (info->run != 0) {
        assay_json_kv_uint(j, "run", info->run);
    }
    assay_json_kv_str(j, "sandbox", info->sandbox == NULL ? "none" : info->sandbox);
    write_times(j, a);
    assay_statement_tool(j);
}

enum assay_status assay_run_statement_build(const struct assay_audit *a,
                                            const uint8_t manifest_sha256[32],
                                            struct assay_bytes statement,
                                            const struct assay_run_info *info,
                                            struct assay_buf *out, struct assay_error *err)
{
    uint8_t digest[32];
    struct assay_json j;
    if (assay_sha256_of(statement.ptr, statement.len, digest) != ASSAY_OK) {
        return assay_fail(err, ASSAY_CRYPTO, "SHA-256 is not available");
    }
    assay_json_init(&j, out, 1);
    assay_statement_open(&j);
    write_run(&j, a, info);
    assay_json_end_object(&j);
    assay_json_kv_str(&j, "predicateType", ASSAY_PREDICATE_RUN);
    assay_json_key(&j, "subject");
    assay_json_array(&j);
    assay_statement_subject(&j, ASSAY_MANIFEST_NAME, manifest_sha256);
    assay_statement_subject(&j, ASSAY_STATEMENT_NAME, digest);
    assay_json_end_array(&j);
    assay_json_end_object(&j);
    return assay_statement_finish(&j, err);
}
