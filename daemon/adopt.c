/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/adopt.c: runs that an earlier life of the daemon had begun.
 *
 * A daemon that dies between publishing a report and recording its run leaves a signed report and a
 * run that counts as running. The report is taken over, not made again: if it verifies with our key
 * and its signed run statement names this run, the run is done with the verdict that was signed.
 * What does not verify is set aside, and its run is queued again like every other. The place itself
 * says whose report it is: nothing stood there when the run began (publish.c).
 */
#include <unistd.h>

#include "core/fs.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"
#include "reports/report.h"
#include "reports/sign.h"

struct adoption {
    struct server *s;
    char report[PATH_MAX];
    struct assay_verify_result verified;
};

static enum assay_status read_beside(const char *dir, const char *name, struct assay_buf *out,
                                     struct assay_error *err)
{
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assay_buf_init(out, ASSAY_LIMIT_JSON_DOCUMENT + 1);
    return assay_fs_read_file(path, ASSAY_LIMIT_JSON_DOCUMENT, out, err);
}

/* Both statements were verified to be what was signed; whether they are of this run. */
static enum assay_status check_run(const char *dir, uint64_t id, struct assay_error *err)
{
    struct assay_report_claim claim;
    ASSAY_AUTO_BUF statement = {0};
    ASSAY_AUTO_BUF run = {0};
    enum assay_status status = read_beside(dir, ASSAY_STATEMENT_NAME, &statement, err);
    if (status == ASSAY_OK) {
        status = read_beside(dir, ASSAY_RUN_NAME, &run, err);
    }
    if (status == ASSAY_OK) {
        status =
            assay_report_check(assay_buf_bytes(&statement), assay_buf_bytes(&run), &claim, err);
    }
    if (status == ASSAY_OK && claim.run != id) {
        status = assay_fail(err, ASSAY_MISMATCH, "it is of another run");
    }
    return status;
}

/* For assay_store_recover: the outcome of a run whose report stands under its final name and is
 * its own. */
static int adopt(void *ctx, const struct assay_run_record *run, struct assay_outcome *ret)
{
    struct adoption *a = ctx;
    struct assay_error err = {0};
    enum assay_status status =
        server_report_path(a->s->config, run->spec.name, run->id, a->report, &err);
    if (status != ASSAY_OK || access(a->report, F_OK) != 0) {
        return 0;
    }
    status = server_verify_report(a->report, a->s->signer.key, &a->verified, &err);
    if (status == ASSAY_OK) {
        status = check_run(a->report, run->id, &err);
    }
    if (status != ASSAY_OK) { /* if it cannot be moved now: the run tries before it starts */
        (void)server_set_aside(a->s->config, a->report, err.message, NULL);
        return 0;
    }
    assay_log(ASSAY_LOG_WARNING, "runs", "a report that was published before a crash is recorded",
              ASSAY_LOG_N("run", run->id), ASSAY_LOG_S("verdict", a->verified.verdict),
              ASSAY_LOG_S("report", a->report));
    *ret = (struct assay_outcome){a->verified.verdict, a->report, a->verified.manifest_sha256};
    return 1;
}

enum assay_status server_recover(struct server *s, struct assay_error *err)
{
    uint64_t queued = 0;
    struct adoption a = {.s = s};
    enum assay_status status = assay_store_recover(s->store, adopt, &a, &queued, err);
    if (queued > 0) {
        assay_log(ASSAY_LOG_WARNING, "assayd", "interrupted runs are queued again",
                  ASSAY_LOG_N("runs", queued));
    }
    return status;
}
