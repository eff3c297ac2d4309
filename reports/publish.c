/* SPDX-License-Identifier: Apache-2.0
 *
 * Report directories: written aside, synced, then moved into place in one step.
 *
 * DIR appears complete or not at all. An earlier report of that name is exchanged with the new one
 * in one rename and removed afterwards; where the file system cannot exchange, it is moved aside
 * first and moved back should the second rename fail. A directory that holds anything we did not
 * write is never touched.
 */
#include "reports/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/limits.h"
#include "core/sync.h"
#include "reports/report_file.h"
#include "reports/sign.h"
#include "reports/statement.h"

/* Everything a report directory may hold; signers after the first are signer-2.pub and so on. */
static const char *const report_names[] = {
    ASSAY_MANIFEST_NAME,     ASSAY_STATEMENT_NAME, ASSAY_ENVELOPE_NAME, ASSAY_RUN_NAME,
    ASSAY_RUN_ENVELOPE_NAME, ASSAY_FINDINGS_NAME,  ASSAY_HTML_NAME,     ASSAY_CSV_NAME,
    ASSAY_JSON_NAME,         ASSAY_SUMMARY_NAME};

static int is_report_name(const char *name)
{
    for (size_t i = 0; i < sizeof report_names / sizeof report_names[0]; i++) {
        if (strcmp(name, report_names[i]) == 0) {
            return 1;
        }
    }
    size_t len = strlen(name);
    return len >= 10 && strncmp(name, "signer", 6) == 0 && strcmp(name + len - 4, ".pub") == 0;
}

/* ---- the content ---------------------------------------------------------------------------- */

struct report_job {
    const struct assay_audit *audit;
    struct assay_key *const *keys;
    size_t n_keys;
    struct assay_run_info info;
    uint8_t manifest[32];
};

static enum assay_status put_manifest(int dir, const struct assay_audit *a, uint8_t ret_sha256[32],
                                      struct assay_error *err)
{
    struct assay_report_file f;
    struct assay_out out = {.write = assay_report_file_write, .ctx = &f};
    enum assay_status s = assay_report_file_open(&f, dir, ASSAY_MANIFEST_NAME, err);
    if (s == ASSAY_OK) {
        s = assay_manifest_write(assay_audit_inventory(a), &out, ret_sha256, err);
    }
    return assay_report_file_close(&f, s, NULL, err);
}

static enum assay_status put_written(int dir, const struct assay_audit *a, const char *writer,
                                     uint8_t ret_sha256[32], struct assay_error *err)
{
    const struct assay_writer *w = assay_writer_find(writer);
    struct assay_report_file f;
    struct assay_out out = {.write = assay_report_file_write, .ctx = &f};
    enum assay_status s = assay_report_file_open(&f, dir, w->file, err);
    if (s == ASSAY_OK) {
        s = w->write(a, &out, err);
    }
    return assay_report_file_close(&f, s, ret_sha256, err);
}

static enum assay_status put_in_dir(void *where, const char *name, struct assay_bytes content,
                                    struct assay_error *err)
{
    return assay_report_put(*(int *)where, name, content, err);
}

static enum assay_status put_statements(int dir, struct report_job *job, struct assay_error *err)
{
    ASSAY_AUTO_BUF statement;
    ASSAY_AUTO_BUF run;
    assay_buf_init(&statement, ASSAY_LIMIT_JSON_DOCUMENT);
    assay_buf_init(&run, ASSAY_LIMIT_JSON_DOCUMENT);
    enum assay_status s = assay_statement_build(job->audit, job->manifest, &statement, err);
    if (s == ASSAY_OK) {
        s = assay_report_put(dir, ASSAY_STATEMENT_NAME, assay_buf_bytes(&statement), err);
    }
    if (s == ASSAY_OK) {
        s = assay_run_statement_build(job->audit, job->manifest, assay_buf_bytes(&statement),
                                      &job->info, &run, err);
    }
    if (s == ASSAY_OK) {
        s = assay_report_put(dir, ASSAY_RUN_NAME, assay_buf_bytes(&run), err);
    }
    if (s == ASSAY_OK && job->n_keys > 0) {
        const struct assay_bytes payloads[2] = {assay_buf_bytes(&run), assay_buf_bytes(&statement)};
        s = assay_report_put_signed(put_in_dir, &dir, payloads, job->keys, job->n_keys, err);
    }
    return s;
}

static enum assay_status put_report(int dir, struct report_job *job, struct assay_error *err)
{
    enum assay_status s = put_manifest(dir, job->audit, job->manifest, err);
    if (s == ASSAY_OK) {
        s = put_written(dir, job->audit, "jsonl", job->info.findings_sha256, err);
    }
    if (s == ASSAY_OK) {
        s = put_written(dir, job->audit, "html", job->info.html_sha256, err);
    }
    if (s == ASSAY_OK) {
        s = put_statements(dir, job, err);
    }
    return s;
}

/* ---- moving it into place ------------------------------------------------------------------- */

/* Removes a directory of ours: only names we write, then the directory itself. */
static void remove_report(const char *path)
{
    DIR *d = opendir(path);
    if (d != NULL) {
        for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
            if (is_report_name(e->d_name)) {
                (void)unlinkat(dirfd(d), e->d_name, 0);
            }
        }
        (void)closedir(d);
    }
    (void)rmdir(path);
}

/* ASSAY_OK with *ret_exists: `dir` may be replaced (or made). */
static enum assay_status check_target(const char *dir, int *ret_exists, struct assay_error *err)
{
    int has_statement = 0, strangers = 0;
    *ret_exists = 1;
    DIR *d = opendir(dir);
    if (d == NULL && errno == ENOENT) {
        *ret_exists = 0;
        return ASSAY_OK;
    }
    if (d == NULL && errno == ENOTDIR) {
        return assay_fail(err, ASSAY_EXISTS,
                          "a file of this name exists: name a directory for the report");
    }
    if (d == NULL) {
        return assay_fail_errno(err, errno, "cannot look into the report directory");
    }
    size_t entries = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (assay_fs_is_dots(e->d_name)) {
            continue;
        }
        entries++;
        has_statement |= strcmp(e->d_name, ASSAY_STATEMENT_NAME) == 0;
        strangers |= !is_report_name(e->d_name);
    }
    (void)closedir(d);
    if (entries > 0 && (!has_statement || strangers)) {
        return assay_fail(err, ASSAY_EXISTS,
                          "this directory exists and holds files that are not a report: choose "
                          "another one, or empty it");
    }
    return ASSAY_OK;
}

/* For file systems that cannot exchange. */
static int replace_in_steps(const char *tmp, const char *dir)
{
    ASSAY_AUTO_BUF old;
    assay_buf_init(&old, ASSAY_KIB(16));
    assay_buf_addf(&old, "%s.old", tmp);
    if (assay_buf_status(&old) != ASSAY_OK) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (rename(dir, assay_buf_str(&old)) != 0) {
        return -1;
    }
    if (rename(tmp, dir) != 0) {
        int e = errno;
        (void)rename(assay_buf_str(&old), dir);
        errno = e;
        return -1;
    }
    remove_report(assay_buf_str(&old));
    return 0;
}

static int move_into_place(const char *tmp, const char *dir, int exists)
{
    if (!exists) {
        return rename(tmp, dir);
    }
    if (renameat2(AT_FDCWD, tmp, AT_FDCWD, dir, RENAME_EXCHANGE) == 0) {
        remove_report(tmp); /* the earlier report */
        return 0;
    }
    return errno == EINVAL || errno == ENOSYS ? replace_in_steps(tmp, dir) : -1;
}

/* Makes "DIR.new-HEX" beside DIR. */
static enum assay_status make_aside(const char *dir, struct assay_buf *tmp, struct assay_error *err)
{
    uint64_t salt = 0;
    if (getrandom(&salt, sizeof salt, 0) != (ssize_t)sizeof salt) {
        return assay_fail_errno(err, errno, "no random numbers");
    }
    assay_buf_addf(tmp, "%s.new-%016llx", dir, (unsigned long long)salt);
    if (assay_buf_status(tmp) != ASSAY_OK) {
        return assay_fail(err, ASSAY_LIMIT, "the path of the report is too long");
    }
    if (mkdir(assay_buf_str(tmp), 0755) != 0) {
        return assay_fail_errno(err, errno, "cannot make the report directory");
    }
    return ASSAY_OK;
}

static enum assay_status write_aside(const char *tmp, struct report_job *job,
                                     struct assay_error *err)
{
    int dir = open(tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0) {
        return assay_fail_errno(err, errno, "cannot open the report directory");
    }
    enum assay_status s = put_report(dir, job, err);
    (void)close(dir);
    return s == ASSAY_OK && !job->info.unsynced ? assay_sync_dir(tmp, err) : s;
}

static enum assay_status publish(const char *dir, struct report_job *job, struct assay_error *err)
{
    ASSAY_AUTO_BUF tmp;
    int exists = 0;
    assay_buf_init(&tmp, ASSAY_KIB(16));
    enum assay_status s = check_target(dir, &exists, err);
    if (s == ASSAY_OK) {
        s = make_aside(dir, &tmp, err);
    }
    if (s != ASSAY_OK) {
        return s;
    }
    s = write_aside(assay_buf_str(&tmp), job, err);
    if (s == ASSAY_OK && move_into_place(assay_buf_str(&tmp), dir, exists) != 0) {
        s = assay_fail_errno(err, errno, "cannot move the finished report into place");
    }
    if (s != ASSAY_OK) {
        remove_report(assay_buf_str(&tmp));
        return s;
    }
    if (!job->info.unsynced) {
        (void)assay_sync_parent(dir);
    }
    return ASSAY_OK;
}

enum assay_status assay_report_write(const struct assay_audit *a, const char *dir,
                                     struct assay_key *const *keys, size_t n_keys,
                                     const struct assay_run_info *info, struct assay_error *err)
{
    ASSAY_AUTO_BUF path;
    struct report_job job = {.audit = a, .keys = keys, .n_keys = n_keys, .info = *info};
    assay_buf_init(&path, ASSAY_KIB(8));
    assay_buf_adds(&path, dir);
    while (path.len > 1 && path.ptr[path.len - 1] == '/') {
        path.ptr[--path.len] = '\0';
    }
    if (assay_buf_status(&path) != ASSAY_OK || path.len == 0) {
        return assay_fail(err, ASSAY_USAGE, "the report directory needs a name of sensible length");
    }
    return assay_at(err, publish(assay_buf_str(&path), &job, err), dir);
}
