/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_requests.c: who asked for a run, and whether they know how it ended.
 */
#include "daemon/store_db.h"

enum assay_status store_attach(struct assay_store *s, uint64_t run,
                               const struct assay_run_spec *spec, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_ATTACH);
    store_bind_number(q, 1, run);
    store_bind_text(q, 2, spec->source);
    store_bind_text(q, 3, spec->origin);
    store_bind_text(q, 4, spec->job);
    return store_run(s, q, "record a request", NULL, err);
}

enum assay_status assay_store_attach(struct assay_store *s, uint64_t run,
                                     const struct assay_run_spec *spec, struct assay_error *err)
{
    enum assay_status status = store_enter(s, err);
    return status == ASSAY_OK ? store_leave(s, store_attach(s, run, spec, err), err) : status;
}

enum assay_status assay_store_find_job(struct assay_store *s, const char *source, const char *job,
                                       struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_FIND_JOB);
    store_bind_text(q, 1, source);
    store_bind_text(q, 2, job);
    return store_one_run(s, q, ret, err);
}

enum assay_status assay_store_untold(struct assay_store *s, uint64_t of_run,
                                     int (*each)(void *ctx, uint64_t request,
                                                 const struct assay_run_record *run),
                                     void *ctx, struct assay_error *err)
{
    struct assay_run_record run;
    int step;
    int stop = 0;
    sqlite3_stmt *q = store_query(s, of_run == 0 ? Q_UNTOLD : Q_UNTOLD_OF);
    store_bind_number(q, 1, of_run);
    while (!stop && (step = sqlite3_step(q)) == SQLITE_ROW) {
        store_read_run(s, q, &run);
        run.spec.source = store_row_text(s, q, STORE_RUN_COLUMNS_END + 1);
        run.spec.origin = store_row_text(s, q, STORE_RUN_COLUMNS_END + 2);
        run.spec.job = store_row_text(s, q, STORE_RUN_COLUMNS_END + 3);
        stop = each(ctx, store_row_number(q, STORE_RUN_COLUMNS_END), &run);
    }
    enum assay_status status =
        stop || step == SQLITE_DONE ? ASSAY_OK : store_fail(s, "list requests", err);
    (void)sqlite3_reset(q);
    return status;
}

enum assay_status assay_store_told(struct assay_store *s, uint64_t request, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_TOLD);
    store_bind_number(q, 1, request);
    return store_change(s, q, "record that a source knows", err);
}
