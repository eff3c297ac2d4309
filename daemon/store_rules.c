/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_rules.c: by which rules datasets were judged.
 */
#include "daemon/store_db.h"

enum assay_status assay_store_judged(struct assay_store *s, const char *path, const char *source,
                                     struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_JUDGED);
    store_bind_text(q, 1, path);
    store_bind_text(q, 2, source);
    return store_one_run(s, q, ret, err);
}

enum assay_status assay_store_refresh(struct assay_store *s, uint64_t id,
                                      const struct assay_run_spec *spec, struct assay_error *err)
{
    int changed = 0;
    enum assay_status status = store_enter(s, err);
    if (status != ASSAY_OK) {
        return status;
    }
    sqlite3_stmt *q = store_query(s, Q_REFRESH);
    store_bind_number(q, 1, id);
    (void)sqlite3_bind_blob(q, 2, spec->signature, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    (void)sqlite3_bind_blob(q, 3, spec->rules_digest, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    status = store_run(s, q, "refresh a queued run", &changed, err);
    if (status == ASSAY_OK && changed != 1) {
        status = assay_fail(err, ASSAY_INTERNAL, "run %llu is not queued", (unsigned long long)id);
    }
    return store_leave(s, status, err);
}

enum assay_status assay_store_stale(struct assay_store *s, const char *source,
                                    const uint8_t digest[ASSAY_SIGNATURE_LEN],
                                    int (*each)(void *ctx, const struct assay_run_record *run),
                                    void *ctx, struct assay_error *err)
{
    struct assay_run_record run;
    int step;
    int stop = 0;
    sqlite3_stmt *q = store_query(s, Q_STALE);
    store_bind_text(q, 1, source);
    (void)sqlite3_bind_blob(q, 2, digest, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    while (!stop && (step = sqlite3_step(q)) == SQLITE_ROW) {
        store_read_run(s, q, &run);
        stop = each(ctx, &run);
    }
    enum assay_status status =
        stop || step == SQLITE_DONE ? ASSAY_OK : store_fail(s, "compare rules", err);
    (void)sqlite3_reset(q);
    return status;
}
