/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_retention.c: what is on record, looked at for what may go; and letting it go.
 */
#include "daemon/store_db.h"

static void read_row(sqlite3_stmt *q, struct assay_retained *ret)
{
    *ret = (struct assay_retained){
        .id = store_row_number(q, 0),
        .state = (enum assay_run_state)(store_row_number(q, 1) % ASSAY_RUN_STATES),
        .finished_ms = store_row_number(q, 2),
        .report = (const char *)sqlite3_column_text(q, 3),
        .newer_verdicts = store_row_number(q, 5),
        .newer_runs = store_row_number(q, 6),
        .is_newest = store_row_number(q, 7) == 0,
        .is_awaited = store_row_number(q, 8) != 0,
    };
    ret->removal =
        ret->report == NULL
            ? ASSAY_REPORT_GONE
            : (enum assay_report_removal)(store_row_number(q, 4) % ASSAY_REPORT_REMOVALS);
}

enum assay_status assay_store_retained(struct assay_store *s, uint64_t after, size_t max,
                                       uint64_t enough,
                                       void (*each)(void *ctx, const struct assay_retained *run),
                                       void *ctx, struct assay_error *err)
{
    int step;
    struct assay_retained run;
    sqlite3_stmt *q = store_query(s, Q_RETAINED);
    store_bind_number(q, 1, after);
    store_bind_number(q, 2, max);
    store_bind_number(q, 3, enough);
    while ((step = sqlite3_step(q)) == SQLITE_ROW) {
        read_row(q, &run);
        each(ctx, &run);
    }
    enum assay_status status =
        step == SQLITE_DONE ? ASSAY_OK : store_fail(s, "look for what may go", err);
    (void)sqlite3_reset(q);
    return status;
}

enum assay_status assay_store_report_removal(struct assay_store *s, uint64_t id,
                                             enum assay_report_removal to, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_REMOVAL);
    store_bind_number(q, 1, id);
    store_bind_number(q, 2, to);
    return store_change_run(s, q, id, "record that a report goes", "has no verdict", err);
}

/* Its requests and its verdict first, which point to it; the last statement decides. */
enum assay_status assay_store_forget(struct assay_store *s, uint64_t id, struct assay_error *err)
{
    static const enum store_query steps[] = {Q_FORGET_REQUESTS, Q_FORGET_VERDICT, Q_FORGET_RUN};
    int changed = 0;
    enum assay_status status = store_enter(s, err);
    if (status != ASSAY_OK) {
        return status;
    }
    for (size_t i = 0; status == ASSAY_OK && i < sizeof steps / sizeof steps[0]; i++) {
        sqlite3_stmt *q = store_query(s, steps[i]);
        store_bind_number(q, 1, id);
        status = store_run(s, q, "forget a run", &changed, err);
    }
    if (status == ASSAY_OK && changed != 1) {
        status = assay_fail(err, ASSAY_INTERNAL, "run %llu has not ended, or its report is there",
                            (unsigned long long)id);
    }
    return store_leave(s, status, err);
}

enum assay_status assay_store_shrink(struct assay_store *s, struct assay_error *err)
{
    return store_exec(s, "PRAGMA incremental_vacuum(1000)", "give room back", err);
}
