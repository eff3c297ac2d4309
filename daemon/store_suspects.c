/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_suspects.c: files that a worker had in hand when it broke, and what became of them.
 */
#include "daemon/store_db.h"

static void bind_name(sqlite3_stmt *q, int at, struct assay_bytes name)
{
    (void)sqlite3_bind_blob(q, at, name.ptr, (int)name.len, SQLITE_STATIC);
}

enum assay_status assay_store_suspect(struct assay_store *s, uint64_t run, struct assay_bytes name,
                                      struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_SUSPECT);
    store_bind_number(q, 1, run);
    bind_name(q, 2, name);
    return store_change(s, q, "record a suspect", err);
}

enum assay_status assay_store_suspect_tried(struct assay_store *s, uint64_t run,
                                            struct assay_bytes name, enum assay_suspect_state to,
                                            struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_SUSPECT_TRIED);
    store_bind_number(q, 1, run);
    bind_name(q, 2, name);
    store_bind_number(q, 3, to);
    return store_change(s, q, "record what became of a suspect", err);
}

enum assay_status assay_store_suspects(struct assay_store *s, uint64_t run,
                                       enum assay_status (*each)(void *ctx, struct assay_bytes name,
                                                                 enum assay_suspect_state state),
                                       void *ctx, struct assay_error *err)
{
    int step = SQLITE_DONE;
    enum assay_status status = ASSAY_OK;
    sqlite3_stmt *q = store_query(s, Q_SUSPECTS);
    store_bind_number(q, 1, run);
    while (status == ASSAY_OK && (step = sqlite3_step(q)) == SQLITE_ROW) {
        const char *name = sqlite3_column_blob(q, 0);
        size_t len = (size_t)sqlite3_column_bytes(q, 0);
        status = each(ctx, assay_bytes_make(name, len),
                      (enum assay_suspect_state)(store_row_number(q, 1) % ASSAY_SUSPECT_STATES));
    }
    if (status != ASSAY_OK) {
        (void)assay_fail(err, status, "cannot hold the list of suspects");
    } else if (step != SQLITE_DONE) {
        status = store_fail(s, "list suspects", err);
    }
    (void)sqlite3_reset(q);
    return status;
}
