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
    sqlite3_stmt *q = store_query(s, Q_REFRESH);
    store_bind_number(q, 1, id);
    (void)sqlite3_bind_blob(q, 2, spec->signature, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    (void)sqlite3_bind_blob(q, 3, spec->rules_digest, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    return store_change_run(s, q, id, "refresh a queued run", "is not queued", err);
}

enum assay_status assay_store_stale(struct assay_store *s, const char *source,
                                    const uint8_t digest[ASSAY_SIGNATURE_LEN],
                                    int (*each)(void *ctx, const struct assay_run_record *run),
                                    void *ctx, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_STALE);
    store_bind_text(q, 1, source);
    (void)sqlite3_bind_blob(q, 2, digest, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    return store_each_run(s, q, "compare rules", each, ctx, err);
}
