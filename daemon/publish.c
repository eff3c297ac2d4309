/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/publish.c: keys, and the way of a report from staging to its final name.
 *
 * The worker wrote an unsigned directory; here it is handed to the signer, verified with our own public key
 * (which also re-reads verdict and manifest digest from what is signed, not from what the worker
 * said), and renamed. Staging lies in the reports directory so that the rename stays within one
 * file system; its name starts with a dot.
 *
 * Nothing stands under the final name of a run when the run is recorded as running: what an earlier
 * store left there is set aside first. So what stands there when a daemon finds its run interrupted
 * was put there by that run (adopt.c). A report is never overwritten and never removed here.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "core/status.h"
#include "core/sync.h"
#include "daemon/server.h"
#include "reports/report.h"
#include "reports/verify.h"

#define ASIDE  ".aside"
#define ASIDES 1000 /* of one name */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    (void)(type == FTW_DP ? rmdir(path) : unlink(path));
    return 0;
}

void server_remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void server_staging_clear(const struct assay_config *c)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" SERVER_STAGING, c->reports_dir);
    server_remove_tree(path);
}

enum assay_status server_staging_prepare(const struct assay_config *c, struct server_run *run,
                                         struct assay_error *err)
{
    char dir[PATH_MAX];
    (void)snprintf(dir, sizeof dir, "%s/" SERVER_STAGING, c->reports_dir);
    int n = snprintf(run->staging, sizeof run->staging, "%s/run-%llu", dir,
                     (unsigned long long)run->id);
    if (n < 0 || (size_t)n >= sizeof run->staging) {
        return assay_fail(err, ASSAY_CONFIG, "reports.dir is too long");
    }
    server_remove_tree(run->staging);
    return assay_fs_mkdirs(run->staging, 0700, err);
}

static void on_check(void *ctx, enum assay_check check, int ok, const char *subject,
                     const char *message)
{
    (void)ctx;
    (void)subject;
    if (!ok) {
        assay_log(ASSAY_LOG_ERROR, "publish", "our own report does not verify",
                  ASSAY_LOG_S("check", assay_check_name(check)), ASSAY_LOG_S("why", message));
    }
}

enum assay_status server_verify_report(const char *dir, struct assay_key *key,
                                       struct assay_verify_result *ret, struct assay_error *err)
{
    char envelope[PATH_MAX + 32];
    struct assay_key *keys[] = {key};
    (void)snprintf(envelope, sizeof envelope, "%s/" ASSAY_ENVELOPE_NAME, dir);
    const struct assay_verify_options opt = {
        .envelope = envelope, .keys = keys, .n_keys = 1, .report = on_check};
    enum assay_status status = assay_verify(&opt, ret, err);
    return status == ASSAY_MISMATCH
               ? assay_fail(err, ASSAY_MISMATCH, "the signed report does not verify")
               : status;
}

/* Verifies what was just signed, and takes verdict and manifest digest from it. */
static enum assay_status read_back(struct server_run *run, const char *report,
                                   struct assay_key *key, struct assay_error *err)
{
    struct assay_verify_result result = {.verdict = ""};
    enum assay_status status = server_verify_report(report, key, &result, err);
    if (status != ASSAY_OK) {
        return status;
    }
    (void)snprintf(run->verdict, sizeof run->verdict, "%s", result.verdict);
    (void)snprintf(run->manifest, sizeof run->manifest, "%s", result.manifest_sha256);
    return ASSAY_OK;
}

static enum assay_status sync_directory(const char *path, struct assay_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;
    int os_errno = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return failed ? assay_fail_errno(err, os_errno, "cannot sync %.200s", path) : ASSAY_OK;
}

/* ---- names --------------------------------------------------------------------------------- */

/* A dataset's name as part of a file name: no separators, no control bytes, not hidden, bounded. */
static void file_name_of(const char *name, char *out, size_t cap)
{
    size_t n = 0;
    for (; name[n] != '\0' && n + 1 < cap && n < 100; n++) {
        unsigned char c = (unsigned char)name[n];
        int plain = c > 0x20 && c < 0x7F && c != '/' && c != '\\' && !(n == 0 && c == '.');
        out[n] = plain || c >= 0x80 ? (char)c : '_';
    }
    while (n > 0 &&
           ((unsigned char)name[n] & 0xC0) == 0x80) { /* not in the middle of a character */
        n--;
    }
    out[n] = '\0';
}

enum assay_status server_report_path(const struct assay_config *c, const char *dataset, uint64_t id,
                                     char ret[PATH_MAX], struct assay_error *err)
{
    char name[128];
    file_name_of(dataset, name, sizeof name);
    int n = snprintf(ret, PATH_MAX, "%s/%s-%llu", c->reports_dir, name, (unsigned long long)id);
    return n < 0 || n >= PATH_MAX ? assay_fail(err, ASSAY_CONFIG, "reports.dir is too long")
                                  : ASSAY_OK;
}

/* Moves `path` to a name in `dir` that is free. */
static enum assay_status move_aside(const char *path, const char *dir, char ret[PATH_MAX],
                                    struct assay_error *err)
{
    errno = ENAMETOOLONG;
    for (unsigned i = 0; i < ASIDES; i++) {
        int n = snprintf(ret, PATH_MAX, "%s%s.%u", dir, strrchr(path, '/'), i);
        if (n < 0 || n >= PATH_MAX) {
            break;
        }
        if (rename(path, ret) == 0) {
            return ASSAY_OK;
        }
        if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR && errno != EISDIR) {
            break;
        }
    }
    return assay_fail_errno(err, errno, "cannot move %.200s out of the way", path);
}

enum assay_status server_set_aside(const struct assay_config *c, const char *path,
                                   const char *reason, struct assay_error *err)
{
    char dir[PATH_MAX + sizeof ASIDE];
    char to[PATH_MAX];
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? ASSAY_OK
                               : assay_fail_errno(err, errno, "cannot look at %.200s", path);
    }
    (void)snprintf(dir, sizeof dir, "%s/" ASIDE, c->reports_dir);
    enum assay_status status = assay_fs_mkdirs(dir, 0700, err);
    if (status == ASSAY_OK) {
        status = move_aside(path, dir, to, err);
    }
    if (status == ASSAY_OK) {
        assay_log(ASSAY_LOG_WARNING, "publish", "a report was set aside",
                  ASSAY_LOG_S("report", path), ASSAY_LOG_S("to", to), ASSAY_LOG_S("why", reason));
        status = sync_directory(c->reports_dir, err);
    }
    return status;
}

/* ---- publishing ---------------------------------------------------------------------------- */

static void report_of(const struct server_run *run, char ret[PATH_MAX + 16])
{
    (void)snprintf(ret, PATH_MAX + 16, "%s/" ASSAY_JOB_REPORT, run->staging);
}

/* Signed, verified, and part of what is to be synced. */
static enum assay_status prepare(struct assay_signer *signer, struct server_run *run,
                                 struct assay_sync *sync, struct assay_error *err)
{
    char report[PATH_MAX + 16];
    report_of(run, report);
    enum assay_status status = assay_signer_sign(signer, run->id, run->attempt, report, err);
    if (status == ASSAY_OK) {
        status = read_back(run, report, signer->key, err);
    }
    return status == ASSAY_OK ? assay_sync_add(sync, report, err) : status;
}

static enum assay_status move_into_place(struct server_run *run, struct assay_error *err)
{
    char report[PATH_MAX + 16];
    report_of(run, report);
    return rename(report, run->final) == 0
               ? ASSAY_OK
               : assay_fail_errno(err, errno, "cannot publish the report as %.200s", run->final);
}

/* The names are durable: or nobody knows whether they would be there after a power failure. */
static void settle(struct server_run *run, const struct assay_error *why, struct assay_error *err)
{
    char report[PATH_MAX + 16];
    if (err->status != ASSAY_OK) {
        return;
    }
    if (why->status != ASSAY_OK) {
        *err = *why;
        report_of(run, report);
        (void)rename(run->final, report);
        return;
    }
    run->is_published = 1;
    server_remove_tree(run->staging);
}

/* Report by report the order is: written, synced, renamed, the name synced. */
void server_publish(const struct assay_config *c, struct assay_signer *signer,
                    struct server_run *const *runs, size_t n, struct assay_error *errs)
{
    struct assay_sync sync = {.n = 0};
    struct assay_error why = {.status = ASSAY_OK};
    memset(errs, 0, n * sizeof *errs);
    for (size_t i = 0; i < n; i++) {
        if (prepare(signer, runs[i], &sync, &errs[i]) == ASSAY_OK) {
            errs[i].status = ASSAY_OK; /* it may have taken a second signer */
        }
    }
    enum assay_status synced = assay_sync_run(&sync, &why);
    for (size_t i = 0; i < n; i++) {
        if (synced != ASSAY_OK && errs[i].status == ASSAY_OK) {
            errs[i] = why;
        }
        if (errs[i].status == ASSAY_OK) {
            (void)move_into_place(runs[i], &errs[i]);
        }
    }
    if (synced == ASSAY_OK) {
        (void)sync_directory(c->reports_dir, &why);
    }
    for (size_t i = 0; i < n; i++) {
        settle(runs[i], &why, &errs[i]);
    }
}

/* ---- keys ---------------------------------------------------------------------------------- */

static enum assay_status make_parent(const char *path, struct assay_error *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return dir[0] == '\0' ? ASSAY_OK : assay_fs_mkdirs(dir, 0700, err);
}

enum assay_status server_load_keys(const struct assay_config *c, const char *signer,
                                   struct assay_signer *ret_signer, uint8_t ret_fingerprint[32],
                                   struct assay_error *err)
{
    ret_signer->fd = -1;
    enum assay_status status = make_parent(c->fingerprint_file, err);
    if (status == ASSAY_OK) {
        status = assay_fingerprint_key(c->fingerprint_file, ret_fingerprint, err);
    }
    if (status == ASSAY_OK) {
        status = assay_signer_start(ret_signer, signer, c, err);
    }
    if (status == ASSAY_OK && ret_signer->made_key) {
        assay_log(ASSAY_LOG_INFO, "assayd", "made a signing key (mode 0600; public half beside it)",
                  ASSAY_LOG_S("file", c->key_file));
    }
    return status;
}
