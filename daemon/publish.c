/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/publish.c: keys, and the way of a report from staging to its final name.
 *
 * The worker wrote an unsigned directory; here it is handed to the signer, verified with our own public key
 * (which also re-reads verdict and manifest digest from what is signed, not from what the worker
 * said), and renamed. Staging lies in the reports directory so that the rename stays within one
 * file system; its name starts with a dot.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"
#include "reports/report.h"
#include "reports/verify.h"

#define STAGING ".staging"
#define REPORT  ASSAY_JOB_REPORT "/"

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
    (void)snprintf(path, sizeof path, "%s/" STAGING, c->reports_dir);
    server_remove_tree(path);
}

enum assay_status server_staging_prepare(const struct assay_config *c, struct server_run *run,
                                         struct assay_error *err)
{
    char dir[PATH_MAX];
    (void)snprintf(dir, sizeof dir, "%s/" STAGING, c->reports_dir);
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

/* Verifies what was just signed, and takes verdict and manifest digest from it. */
static enum assay_status read_back(struct server_run *run, struct assay_key *key,
                                   struct assay_error *err)
{
    char envelope[PATH_MAX + 32];
    struct assay_key *keys[] = {key};
    struct assay_verify_result result = {.verdict = ""};
    (void)snprintf(envelope, sizeof envelope, "%s/" REPORT ASSAY_ENVELOPE_NAME, run->staging);
    const struct assay_verify_options opt = {
        .envelope = envelope, .keys = keys, .n_keys = 1, .report = on_check};
    enum assay_status status = assay_verify(&opt, &result, err);
    if (status != ASSAY_OK) {
        return status == ASSAY_MISMATCH
                   ? assay_fail(err, ASSAY_INTERNAL, "the signed report does not verify")
                   : status;
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

enum assay_status server_publish(const struct assay_config *c, struct assay_signer *signer,
                                 struct server_run *run, struct assay_error *err)
{
    char final[PATH_MAX];
    char report[PATH_MAX + 16];
    int n = snprintf(final, sizeof final, "%s/%s-%llu", c->reports_dir, run->name,
                     (unsigned long long)run->id);
    if (n < 0 || (size_t)n >= sizeof final) {
        return assay_fail(err, ASSAY_CONFIG, "reports.dir is too long");
    }
    (void)snprintf(report, sizeof report, "%s/" ASSAY_JOB_REPORT, run->staging);
    enum assay_status status = assay_signer_sign(signer, run->id, run->attempt, report, err);
    if (status == ASSAY_OK) {
        status = read_back(run, signer->key, err);
    }
    if (status != ASSAY_OK) {
        return status;
    }
    server_remove_tree(final); /* of this very run, published but not recorded before a crash */
    if (rename(report, final) != 0) {
        return assay_fail_errno(err, errno, "cannot publish the report as %.200s", final);
    }
    memcpy(run->published, final, sizeof final);
    server_remove_tree(run->staging);
    return sync_directory(c->reports_dir, err);
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
