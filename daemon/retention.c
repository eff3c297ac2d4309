/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/retention.c: old reports and runs go, as `retention` in the configuration has it.
 *
 * A pass goes through all runs in slices, one a turn of the loop. What stays whatever is configured:
 * what has not ended, what a source has not been told of, the newest run of each dataset and source
 * (it is how a delivery is known to be judged already), and the newest verdict of each dataset with
 * its report. A run stays on record at least as long as its report.
 *
 * A report goes in four steps: recorded as going, renamed into staging, recorded as gone, unlinked.
 * So none is ever seen half; a crash leaves either a whole report that the next pass takes up again,
 * or leftovers in staging, which is emptied at the start. Only a directory directly in reports.dir
 * is ever renamed, relative to that directory and without following a link.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/log.h"
#include "core/status.h"
#include "daemon/server.h"

#define SLICE    200             /* runs looked at in a turn */
#define BATCH    16              /* of which so many go */
#define RETRY_MS UINT64_C(60000) /* the store failed */

enum fate { STAYS, REPORT_GOES, RUN_GOES };

struct leaving {
    uint64_t id;
    enum fate fate;
    struct assay_retained run;
    char report[NAME_MAX + 1]; /* its entry in reports.dir; empty: it is not one */
    int moved;
};

struct slice {
    struct server *s;
    uint64_t now;
    size_t n_seen;
    uint64_t last; /* the last run that was looked at */
    struct leaving leaving[BATCH];
    size_t n;
    int reports_fd, staging_fd; /* -1 */
};

/* ---- what goes ----------------------------------------------------------------------------- */

static int exceeds(uint64_t keep, uint64_t newer, uint64_t age, uint64_t most)
{
    return (keep != 0 && newer >= keep) || (most != 0 && age > most);
}

/* What the limits say of one run; what somebody waits for, and the newest, stays. */
static enum fate fate_of(const struct assay_retention *r, uint64_t now,
                         const struct assay_retained *run)
{
    uint64_t age = now > run->finished_ms ? now - run->finished_ms : 0;
    if (!assay_run_state_is_final(run->state) || run->is_awaited) {
        return STAYS;
    }
    if (run->removal == ASSAY_REPORT_GOES) { /* begun, and not brought to an end */
        return REPORT_GOES;
    }
    if (run->removal == ASSAY_REPORT_THERE) {
        return run->newer_verdicts > 0 &&
                       exceeds(r->reports_keep, run->newer_verdicts, age, r->reports_age_ms)
                   ? REPORT_GOES
                   : STAYS;
    }
    if (run->is_newest || (run->state == ASSAY_RUN_DONE && run->newer_verdicts == 0)) {
        return STAYS;
    }
    return exceeds(r->runs_keep, run->newer_runs, age, r->runs_age_ms) ? RUN_GOES : STAYS;
}

/* The entry of reports.dir that a report is; empty when it is elsewhere. */
static void entry_of(const struct assay_config *c, const char *report, char ret[NAME_MAX + 1])
{
    size_t n = strlen(c->reports_dir);
    ret[0] = '\0';
    if (report == NULL || strncmp(report, c->reports_dir, n) != 0 || report[n] != '/') {
        return;
    }
    const char *name = report + n + 1;
    if (name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
        strlen(name) <= NAME_MAX) {
        memcpy(ret, name, strlen(name) + 1);
    }
}

/* Adds a run to the slice if it, or its report, goes. */
static void look(void *ctx, const struct assay_retained *run)
{
    struct slice *slice = ctx;
    enum fate fate = fate_of(&slice->s->config->retention, slice->now, run);
    slice->n_seen++;
    if (slice->n == BATCH) { /* again with the next slice */
        return;
    }
    slice->last = run->id;
    if (fate == STAYS) {
        return;
    }
    struct leaving *l = &slice->leaving[slice->n];
    *l = (struct leaving){.id = run->id, .fate = fate, .run = *run};
    l->run.report = NULL; /* lives no longer */
    entry_of(slice->s->config, run->report, l->report);
    if (fate == REPORT_GOES && l->report[0] == '\0') {
        slice->s->retention_elsewhere++;
        return;
    }
    slice->n++;
}

/* ---- how it goes --------------------------------------------------------------------------- */

static void complain(struct server *s, const struct leaving *l, const char *why)
{
    assay_metrics_add(&s->metrics, ASSAY_M_RETENTION_FAILURES, 0, 1);
    assay_log(ASSAY_LOG_WARNING, "retention", "an old report cannot be removed",
              ASSAY_LOG_N("run", l->id), ASSAY_LOG_S("report", l->report), ASSAY_LOG_S("why", why));
}

/* Descriptors of reports.dir and of the directory that leftovers are cleared from. */
static int open_directories(struct slice *slice)
{
    char why[100];
    slice->reports_fd = open(slice->s->config->reports_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slice->reports_fd >= 0 &&
        (mkdirat(slice->reports_fd, SERVER_STAGING, 0700) == 0 || errno == EEXIST)) {
        slice->staging_fd = openat(slice->reports_fd, SERVER_STAGING,
                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (slice->staging_fd < 0) {
        const char *text = strerror_r(errno, why, sizeof why);
        assay_metrics_add(&slice->s->metrics, ASSAY_M_RETENTION_FAILURES, 0, 1);
        assay_log(ASSAY_LOG_WARNING, "retention", "reports.dir cannot be used",
                  ASSAY_LOG_S("why", text));
    }
    return slice->staging_fd >= 0;
}

static void close_directories(struct slice *slice)
{
    if (slice->staging_fd >= 0) {
        (void)close(slice->staging_fd);
    }
    if (slice->reports_fd >= 0) {
        (void)close(slice->reports_fd);
    }
}

/* Whether a report is a directory of ours, or nothing any more. */
static int may_move(struct slice *slice, const struct leaving *l)
{
    struct stat st;
    char why[100];
    if (fstatat(slice->reports_fd, l->report, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISDIR(st.st_mode)) {
            complain(slice->s, l, "it is not a directory");
        }
        return S_ISDIR(st.st_mode);
    }
    if (errno != ENOENT) {
        complain(slice->s, l, strerror_r(errno, why, sizeof why));
        return 0;
    }
    return 1;
}

static void path_of(const struct server *s, const struct leaving *l, char ret[PATH_MAX + 80])
{
    (void)snprintf(ret, PATH_MAX + 80, "%s/" SERVER_STAGING "/gone-%llu", s->config->reports_dir,
                   (unsigned long long)l->id);
}

/* Out of sight; what is there no longer has gone already. */
static int move_report(struct slice *slice, const struct leaving *l)
{
    char to[PATH_MAX + 80];
    char why[100];
    path_of(slice->s, l, to);
    server_remove_tree(to); /* of an attempt that was not recorded */
    if (renameat(slice->reports_fd, l->report, slice->staging_fd, strrchr(to, '/') + 1) == 0 ||
        errno == ENOENT) {
        return 1;
    }
    complain(slice->s, l, strerror_r(errno, why, sizeof why));
    return 0;
}

static void move_reports(struct slice *slice)
{
    for (size_t i = 0; slice->staging_fd >= 0 && i < slice->n; i++) {
        struct leaving *l = &slice->leaving[i];
        l->moved = l->fate == REPORT_GOES && move_report(slice, l);
    }
    if (slice->staging_fd >= 0) {
        (void)fsync(slice->reports_fd); /* before they are recorded as gone */
    }
}

/* Nothing is recorded as going that cannot go. */
static void check_reports(struct slice *slice)
{
    int usable = 1;
    int opened = 0;
    for (size_t i = 0; i < slice->n; i++) {
        struct leaving *l = &slice->leaving[i];
        if (l->fate == REPORT_GOES) {
            usable = opened ? usable : open_directories(slice);
            opened = 1;
            l->fate = usable && may_move(slice, l) ? REPORT_GOES : STAYS;
        }
    }
}

/* In one commit; nothing has happened when it fails. */
static enum assay_status together(struct slice *slice,
                                  enum assay_status (*one)(struct slice *slice, struct leaving *l,
                                                           struct assay_error *err),
                                  struct assay_error *err)
{
    enum assay_status status = assay_store_begin(slice->s->store, err);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; status == ASSAY_OK && i < slice->n; i++) {
        status = one(slice, &slice->leaving[i], err);
    }
    enum assay_status end = assay_store_commit(slice->s->store, status == ASSAY_OK ? err : NULL);
    return status == ASSAY_OK ? end : status;
}

static enum assay_status record_going(struct slice *slice, struct leaving *l,
                                      struct assay_error *err)
{
    if (l->fate != REPORT_GOES || l->run.removal == ASSAY_REPORT_GOES) {
        return ASSAY_OK;
    }
    return assay_store_report_removal(slice->s->store, l->id, ASSAY_REPORT_GOES, err);
}

/* A report that is gone may take its run with it. */
static enum assay_status record_gone(struct slice *slice, struct leaving *l,
                                     struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    if (l->moved) {
        status = assay_store_report_removal(slice->s->store, l->id, ASSAY_REPORT_GONE, err);
        l->run.removal = ASSAY_REPORT_GONE;
        l->fate = fate_of(&slice->s->config->retention, slice->now, &l->run);
    }
    return status == ASSAY_OK && l->fate == RUN_GOES
               ? assay_store_forget(slice->s->store, l->id, err)
               : status;
}

/* What is recorded as gone is removed from staging, counted and logged. */
static void tell(struct slice *slice)
{
    struct server *s = slice->s;
    char path[PATH_MAX + 80];
    uint64_t runs = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < slice->n; i++) {
        const struct leaving *l = &slice->leaving[i];
        if (l->moved) {
            path_of(s, l, path);
            server_remove_tree(path);
            assay_metrics_add(&s->metrics, ASSAY_M_RETENTION, 0, 1);
            assay_log(ASSAY_LOG_INFO, "retention", "report removed", ASSAY_LOG_N("run", l->id),
                      ASSAY_LOG_S("report", l->report));
        }
        if (l->fate == RUN_GOES) {
            runs++;
            last = l->id;
        }
    }
    if (runs > 0) {
        assay_metrics_add(&s->metrics, ASSAY_M_RETENTION, 1, runs);
        assay_log(ASSAY_LOG_INFO, "retention", "runs removed from the record",
                  ASSAY_LOG_N("runs", runs), ASSAY_LOG_N("the_last", last));
    }
}

/* The whole way of a slice: recorded as going, moved, recorded as gone, unlinked. */
static enum assay_status let_go(struct slice *slice, struct assay_error *err)
{
    check_reports(slice);
    enum assay_status status = together(slice, record_going, err);
    if (status == ASSAY_OK) {
        move_reports(slice);
        status = together(slice, record_gone, err);
    }
    if (status == ASSAY_OK) {
        tell(slice);
        status = assay_store_shrink(slice->s->store, err);
    }
    close_directories(slice);
    return status;
}

/* ---- when ---------------------------------------------------------------------------------- */

static int is_wanted(const struct server *s)
{
    const struct assay_retention *r = &s->config->retention;
    return s->state == SERVER_RUNNING &&
           (r->reports_keep | r->reports_age_ms | r->runs_keep | r->runs_age_ms) != 0;
}

uint64_t server_retention_deadline(const struct server *s)
{
    return is_wanted(s) ? s->retention_ms : SERVER_NEVER;
}

/* Goes on behind this slice, or rests until the next pass. */
static void end_slice(struct server *s, const struct slice *slice)
{
    int is_last = slice->n_seen < SLICE && slice->n < BATCH;
    s->retention_after = is_last ? 0 : slice->last;
    s->retention_ms = assay_monotonic_ms() + (is_last ? s->config->retention.interval_ms : 0);
    if (is_last && s->retention_elsewhere > 0) {
        assay_log(ASSAY_LOG_WARNING, "retention",
                  "old reports that do not lie in reports.dir are left alone",
                  ASSAY_LOG_N("reports", s->retention_elsewhere));
        assay_metrics_add(&s->metrics, ASSAY_M_RETENTION_FAILURES, 0, s->retention_elsewhere);
        s->retention_elsewhere = 0;
    }
}

void server_retain(struct server *s)
{
    struct assay_error err;
    const struct assay_retention *r = &s->config->retention;
    uint64_t now = assay_monotonic_ms();
    if (!is_wanted(s) || now < s->retention_ms) {
        return;
    }
    uint64_t enough = r->reports_keep > r->runs_keep ? r->reports_keep : r->runs_keep;
    struct slice slice = {.s = s,
                          .now = assay_store_now(s->store),
                          .last = s->retention_after,
                          .reports_fd = -1,
                          .staging_fd = -1};
    enum assay_status status = assay_store_retained(s->store, s->retention_after, SLICE,
                                                    enough == 0 ? 1 : enough, look, &slice, &err);
    if (status == ASSAY_OK && slice.n > 0) {
        status = let_go(&slice, &err);
    }
    if (status != ASSAY_OK) {
        assay_log(ASSAY_LOG_ERROR, "retention", "the store does not answer; trying again",
                  ASSAY_LOG_S("why", err.message));
        s->retention_ms = now + RETRY_MS;
        return;
    }
    end_slice(s, &slice);
}
