/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_row.c: reading runs. Packs are kept as one text, separated by line feeds.
 */
#include "daemon/store_db.h"

static struct assay_config_list split_packs(struct assay_arena *a, const char *text)
{
    struct assay_config_list list = {NULL, 0};
    size_t n = 0;
    for (const char *p = text; *p != '\0'; p++) {
        n += *p == '\n';
    }
    const char **items = assay_arena_array(a, n + 1, sizeof items[0]);
    for (const char *p = text; items != NULL && list.n < n; list.n++) {
        size_t len = strcspn(p, "\n");
        items[list.n] = assay_arena_dup(a, assay_bytes_make(p, len));
        p += len + 1;
    }
    list.items = items;
    return list;
}

const char *store_row_text(struct assay_store *s, sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    return text == NULL ? NULL : assay_arena_strdup(s->row, text);
}

uint64_t store_row_number(sqlite3_stmt *q, int column)
{
    return (uint64_t)sqlite3_column_int64(q, column);
}

void store_read_run(struct assay_store *s, sqlite3_stmt *q, struct assay_run_record *ret)
{
    assay_arena_reset(s->row);
    *ret = (struct assay_run_record){.id = store_row_number(q, 0)};
    ret->state = (enum assay_run_state)(store_row_number(q, 1) % ASSAY_RUN_STATES);
    ret->spec.path = store_row_text(s, q, 2);
    ret->spec.name = store_row_text(s, q, 3);
    ret->spec.source = store_row_text(s, q, 4);
    ret->spec.policy = store_row_text(s, q, 5);
    const char *packs = store_row_text(s, q, 6);
    ret->spec.packs = split_packs(s->row, packs == NULL ? "" : packs);
    if (sqlite3_column_bytes(q, 7) == ASSAY_SIGNATURE_LEN) {
        memcpy(ret->spec.signature, sqlite3_column_blob(q, 7), ASSAY_SIGNATURE_LEN);
    }
    ret->attempt = (unsigned)store_row_number(q, 8);
    ret->not_before_ms = store_row_number(q, 9);
    ret->created_ms = store_row_number(q, 10);
    ret->started_ms = store_row_number(q, 11);
    ret->finished_ms = store_row_number(q, 12);
    ret->reason = store_row_text(s, q, 13);
    ret->verdict = store_row_text(s, q, 14);
    ret->report = store_row_text(s, q, 15);
    ret->manifest = store_row_text(s, q, 16);
    if (sqlite3_column_bytes(q, 17) == ASSAY_SIGNATURE_LEN) {
        memcpy(ret->spec.rules_digest, sqlite3_column_blob(q, 17), ASSAY_SIGNATURE_LEN);
    }
    ret->spec.priority = sqlite3_column_int64(q, 18);
    ret->spec.deadline_ms = store_row_number(q, 19);
    ret->cancelling = sqlite3_column_int(q, 20) != 0;
    ret->report_removed = sqlite3_column_int(q, 21) != ASSAY_REPORT_THERE;
    ret->report = ret->report_removed ? NULL : ret->report;
}

enum assay_status store_one_run(struct assay_store *s, sqlite3_stmt *q,
                                struct assay_run_record *ret, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    int step = sqlite3_step(q);
    if (step == SQLITE_ROW) {
        store_read_run(s, q, ret);
        if (assay_arena_overflowed(s->row)) {
            status = assay_fail(err, ASSAY_NOMEM, "out of memory");
        }
    } else if (step == SQLITE_DONE) {
        status = assay_fail(err, ASSAY_NOTFOUND, "no such run");
    } else {
        status = store_fail(s, "read a run", err);
    }
    (void)sqlite3_reset(q);
    return status;
}

enum assay_status store_each_run(struct assay_store *s, sqlite3_stmt *q, const char *what,
                                 int (*each)(void *ctx, const struct assay_run_record *run),
                                 void *ctx, struct assay_error *err)
{
    struct assay_run_record run;
    int step;
    int stop = 0;
    while (!stop && (step = sqlite3_step(q)) == SQLITE_ROW) {
        store_read_run(s, q, &run);
        stop = each(ctx, &run);
    }
    enum assay_status status = stop || step == SQLITE_DONE ? ASSAY_OK : store_fail(s, what, err);
    (void)sqlite3_reset(q);
    return status;
}

static int same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static int same_packs(struct assay_config_list a, struct assay_config_list b)
{
    int same = a.n == b.n;
    for (size_t i = 0; same && i < a.n; i++) {
        same = same_text(a.items[i], b.items[i]);
    }
    return same;
}

enum assay_status assay_store_same(struct assay_store *s, const struct assay_run_spec *spec,
                                   uint64_t *ret_id, struct assay_error *err)
{
    struct assay_run_record last;
    enum assay_status status = assay_store_newest(s, spec->path, 0, &last, err);
    if (status != ASSAY_OK) {
        return status;
    }
    if (memcmp(last.spec.signature, spec->signature, ASSAY_SIGNATURE_LEN) != 0 ||
        memcmp(last.spec.rules_digest, spec->rules_digest, ASSAY_SIGNATURE_LEN) != 0 ||
        !same_text(last.spec.policy, spec->policy) || !same_packs(last.spec.packs, spec->packs)) {
        return assay_fail(err, ASSAY_NOTFOUND, "changed since");
    }
    *ret_id = last.id;
    return ASSAY_OK;
}

enum assay_status assay_store_next(struct assay_store *s, uint64_t now_ms, const char *full,
                                   struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_NEXT);
    store_bind_number(q, 1, now_ms);
    store_bind_text(q, 2, full);
    return store_one_run(s, q, ret, err);
}

enum assay_status assay_store_overdue(struct assay_store *s, uint64_t now_ms,
                                      struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_OVERDUE);
    store_bind_number(q, 1, now_ms);
    return store_one_run(s, q, ret, err);
}

uint64_t assay_store_next_retry(struct assay_store *s, uint64_t now_ms)
{
    sqlite3_stmt *q = store_query(s, Q_NEXT_RETRY);
    store_bind_number(q, 1, now_ms);
    return store_one_number(q);
}

uint64_t assay_store_oldest(struct assay_store *s)
{
    return store_one_number(store_query(s, Q_OLDEST));
}

uint64_t assay_store_next_deadline(struct assay_store *s)
{
    return store_one_number(store_query(s, Q_NEXT_DEADLINE));
}

enum assay_status assay_store_get(struct assay_store *s, uint64_t id, struct assay_run_record *ret,
                                  struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_GET);
    store_bind_number(q, 1, id);
    return store_one_run(s, q, ret, err);
}

enum assay_status assay_store_newest(struct assay_store *s, const char *path, uint64_t after,
                                     struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_NEWEST);
    store_bind_text(q, 1, path);
    store_bind_number(q, 2, after);
    return store_one_run(s, q, ret, err);
}

enum assay_status assay_store_list(struct assay_store *s, size_t max,
                                   int (*each)(void *ctx, const struct assay_run_record *run),
                                   void *ctx, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_LIST);
    store_bind_number(q, 1, max);
    return store_each_run(s, q, "list runs", each, ctx, err);
}

enum assay_status assay_store_waiting(struct assay_store *s, size_t max,
                                      int (*each)(void *ctx, const struct assay_run_record *run),
                                      void *ctx, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_WAITING);
    store_bind_number(q, 1, max);
    return store_each_run(s, q, "list waiting runs", each, ctx, err);
}

uint64_t assay_store_queued(struct assay_store *s)
{
    return store_one_number(store_query(s, Q_QUEUED));
}

enum assay_status assay_store_counts(struct assay_store *s, uint64_t ret[ASSAY_RUN_STATES],
                                     struct assay_error *err)
{
    int step;
    sqlite3_stmt *q = store_query(s, Q_COUNTS);
    memset(ret, 0, ASSAY_RUN_STATES * sizeof ret[0]);
    while ((step = sqlite3_step(q)) == SQLITE_ROW) {
        ret[store_row_number(q, 0) % ASSAY_RUN_STATES] = store_row_number(q, 1);
    }
    enum assay_status status = step == SQLITE_DONE ? ASSAY_OK : store_fail(s, "count runs", err);
    (void)sqlite3_reset(q);
    return status;
}
