/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_sql.c: every statement of the store; running them, alone and in transactions; what
 * went wrong, in words.
 */
#include "daemon/store_db.h"

#define RUN_FIELDS                                                                                 \
    "SELECT r.id, r.state, d.path, d.name, r.source, r.policy, r.packs, r.signature, r.attempt,"   \
    " r.not_before_ms, r.created_ms, r.started_ms, r.finished_ms, r.reason, v.verdict, v.report,"  \
    " v.manifest, r.rules_digest, r.priority, r.deadline_ms, r.cancelling, coalesce(v.removal, 0)"
#define RUN_TABLES                                                                                 \
    " runs r JOIN datasets d ON d.id = r.dataset LEFT JOIN verdicts v ON v.run = r.id "
#define RUN RUN_FIELDS " FROM" RUN_TABLES
#define UNTOLD                                                                                     \
    RUN_FIELDS ", q.id, q.source, q.origin, q.job FROM requests q JOIN" RUN_TABLES                 \
               "WHERE r.id = q.run AND q.told = 0 AND r.state > 1 "

/* The numbers of the states: enum assay_run_state. */
static const char *const store_sql[Q_MAX] = {
    [Q_DATASET] = "INSERT INTO datasets (path, name, created_ms) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (path) DO UPDATE SET name = ?2",
    [Q_ADD] = "INSERT INTO runs (dataset, state, source, policy, packs, signature, created_ms,"
              " rules_digest, priority, deadline_ms)"
              " VALUES ((SELECT id FROM datasets WHERE path = ?1), 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
              " ?9)",
    [Q_NEXT] = RUN "WHERE r.state = 0 AND r.not_before_ms <= ?1"
                   " AND (?2 IS NULL OR r.source NOT IN (SELECT value FROM json_each(?2)))"
                   " AND NOT EXISTS"
                   " (SELECT 1 FROM runs o WHERE o.dataset = r.dataset AND o.state = 1)"
                   " ORDER BY r.priority DESC, r.id LIMIT 1",
    [Q_NEXT_RETRY] = "SELECT min(not_before_ms) FROM runs WHERE state = 0 AND not_before_ms > ?1",
    [Q_OLDEST] = "SELECT min(created_ms) FROM runs WHERE state = 0",
    [Q_OVERDUE] = RUN "WHERE r.state = 0 AND r.deadline_ms > 0"
                      " AND r.created_ms + r.deadline_ms <= ?1 LIMIT 1",
    [Q_NEXT_DEADLINE] = "SELECT min(created_ms + deadline_ms) FROM runs"
                        " WHERE state = 0 AND deadline_ms > 0",
    [Q_STATE] = "SELECT state, cancelling FROM runs WHERE id = ?1",
    [Q_MOVE] = "UPDATE runs SET state = ?2, reason = ?3, not_before_ms = ?4,"
               " attempt = attempt + (?2 = 1),"
               " started_ms = CASE WHEN ?2 = 1 THEN ?5 ELSE started_ms END,"
               " finished_ms = CASE WHEN ?2 > 1 THEN ?5 ELSE 0 END"
               " WHERE id = ?1 AND state = ?6",
    [Q_CANCELLING] = "UPDATE runs SET cancelling = 1 WHERE id = ?1 AND state = 1",
    [Q_VERDICT] = "INSERT INTO verdicts (run, verdict, report, manifest, recorded_ms)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
    [Q_GET] = RUN "WHERE r.id = ?1",
    [Q_NEWEST] = RUN "WHERE d.path = ?1 AND r.id > ?2 ORDER BY r.id DESC LIMIT 1",
    [Q_LIST] = RUN "ORDER BY r.id DESC LIMIT ?1",
    [Q_WAITING] = RUN "WHERE r.state = 0 ORDER BY r.priority DESC, r.id LIMIT ?1",
    [Q_QUEUED] = "SELECT n FROM run_counts WHERE state = 0",
    [Q_COUNTS] = "SELECT state, n FROM run_counts",
    [Q_INTERRUPTED] = RUN "WHERE r.state = 1 ORDER BY r.id LIMIT 1",
    [Q_CAP] = "UPDATE runs SET not_before_ms = 0 WHERE state = 0 AND not_before_ms > ?1",
    [Q_ATTACH] = "INSERT INTO requests (run, source, origin, job) VALUES (?1, ?2, ?3, ?4)"
                 " ON CONFLICT (source, origin) DO UPDATE SET told = 0",
    [Q_FIND_JOB] = RUN "WHERE r.id = (SELECT run FROM requests WHERE source = ?1 AND job = ?2"
                       " ORDER BY id DESC LIMIT 1)",
    [Q_UNTOLD] = UNTOLD "AND ?1 = 0 ORDER BY q.id",
    [Q_UNTOLD_OF] = UNTOLD "AND q.run = ?1 ORDER BY q.id",
    [Q_JUDGED] = RUN "WHERE d.path = ?1 AND r.source = ?2 ORDER BY r.id DESC LIMIT 1",
    [Q_REFRESH] = "UPDATE runs SET signature = ?2, rules_digest = ?3 WHERE id = ?1 AND state = 0",
    [Q_STALE] = RUN "WHERE r.source = ?1 AND r.state IN (2, 3, 5) AND r.rules_digest <> ?2"
                    " AND r.id = (SELECT max(o.id) FROM runs o WHERE o.dataset = r.dataset"
                    " AND o.source = ?1) ORDER BY r.id",
    /* enum assay_suspect_state; a suspect that was tried once is not tried again. */
    [Q_SUSPECT] = "INSERT INTO suspects (run, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    [Q_SUSPECT_TRIED] = "UPDATE suspects SET state = ?3 WHERE run = ?1 AND name = ?2",
    [Q_SUSPECTS] = "SELECT name, state FROM suspects WHERE run = ?1 ORDER BY name",
    /* enum assay_report_removal. What is newer is counted up to ?3. */
    [Q_RETAINED] =
        "SELECT r.id, r.state, r.finished_ms, v.report, v.removal,"
        " (SELECT count(*) FROM (SELECT 1 FROM runs n WHERE n.dataset = r.dataset AND n.id > r.id"
        " AND n.state = 2 LIMIT ?3)),"
        " (SELECT count(*) FROM (SELECT 1 FROM runs n WHERE n.dataset = r.dataset AND n.id > r.id"
        " LIMIT ?3)),"
        " EXISTS (SELECT 1 FROM runs n WHERE n.dataset = r.dataset AND n.id > r.id"
        " AND n.source = r.source),"
        " EXISTS (SELECT 1 FROM requests q WHERE q.run = r.id AND q.told = 0)"
        " FROM (SELECT * FROM runs WHERE id > ?1 ORDER BY id LIMIT ?2) r"
        " LEFT JOIN verdicts v ON v.run = r.id ORDER BY r.id",
    [Q_REMOVAL] = "UPDATE verdicts SET removal = ?2 WHERE run = ?1",
    [Q_FORGET_REQUESTS] = "DELETE FROM requests WHERE run = ?1",
    [Q_FORGET_VERDICT] = "DELETE FROM verdicts WHERE run = ?1 AND removal = 2",
    [Q_FORGET_RUN] = "DELETE FROM runs WHERE id = ?1 AND state > 1"
                     " AND NOT EXISTS (SELECT 1 FROM verdicts WHERE run = ?1)",
    [Q_TOLD] = "UPDATE requests SET told = 1 WHERE id = ?1",
};

static const struct {
    int code;
    enum assay_status status;
    const char *advice;
} store_faults[] = {
    {SQLITE_FULL, ASSAY_FULL, " (make room on the file system of state_dir)"},
    {SQLITE_NOMEM, ASSAY_NOMEM, ""},
    {SQLITE_NOTADB, ASSAY_CORRUPT, " (restore it, or move it away to begin anew)"},
    {SQLITE_CORRUPT, ASSAY_CORRUPT, " (restore it, or move it away to begin anew)"},
    {SQLITE_READONLY, ASSAY_DENIED, " (it and its directory must be writable)"},
    {SQLITE_CANTOPEN, ASSAY_DENIED, " (it and its directory must be writable)"},
    {SQLITE_BUSY, ASSAY_IO, " (another program holds it)"},
    {SQLITE_IOERR, ASSAY_IO, " (look at the file system of state_dir)"},
    {SQLITE_OK, ASSAY_IO, ""}, /* any other */
};

enum assay_status store_fail(struct assay_store *s, const char *what, struct assay_error *err)
{
    size_t i = 0;
    while (store_faults[i].code != SQLITE_OK && store_faults[i].code != sqlite3_errcode(s->db)) {
        i++;
    }
    return assay_fail(err, store_faults[i].status, "the store: cannot %s: %s%s", what,
                      sqlite3_errmsg(s->db), store_faults[i].advice);
}

enum assay_status store_exec(struct assay_store *s, const char *sql, const char *what,
                             struct assay_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ASSAY_OK
                                                                   : store_fail(s, what, err);
}

/* ---- statements ---------------------------------------------------------------------------- */

enum assay_status store_prepare(struct assay_store *s, struct assay_error *err)
{
    for (int i = 0; i < Q_MAX; i++) {
        if (sqlite3_prepare_v3(s->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->queries[i],
                               NULL) != SQLITE_OK) {
            return store_fail(s, "prepare", err);
        }
    }
    return ASSAY_OK;
}

void store_unprepare(struct assay_store *s)
{
    for (int i = 0; i < Q_MAX; i++) {
        (void)sqlite3_finalize(s->queries[i]);
    }
}

sqlite3_stmt *store_query(struct assay_store *s, enum store_query which)
{
    sqlite3_stmt *q = s->queries[which];
    (void)sqlite3_reset(q);
    (void)sqlite3_clear_bindings(q);
    return q;
}

void store_bind_text(sqlite3_stmt *q, int at, const char *text)
{
    (void)sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

void store_bind_number(sqlite3_stmt *q, int at, uint64_t n)
{
    (void)sqlite3_bind_int64(q, at, (sqlite3_int64)n);
}

enum assay_status store_run(struct assay_store *s, sqlite3_stmt *q, const char *what,
                            int *ret_changed, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    if (sqlite3_step(q) != SQLITE_DONE) {
        status = store_fail(s, what, err);
    }
    if (ret_changed != NULL) {
        *ret_changed = sqlite3_changes(s->db);
    }
    (void)sqlite3_reset(q);
    return status;
}

uint64_t store_one_number(sqlite3_stmt *q)
{
    uint64_t n = sqlite3_step(q) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
    (void)sqlite3_reset(q);
    return n;
}

/* ---- transactions -------------------------------------------------------------------------- */

enum assay_status store_enter(struct assay_store *s, struct assay_error *err)
{
    if (!s->joined) {
        return store_exec(s, "BEGIN IMMEDIATE", "begin", err);
    }
    if (sqlite3_get_autocommit(s->db)) { /* a full disk, or the like, has undone what was joined */
        return assay_fail(err, ASSAY_IO, "the store: what was to be committed together failed");
    }
    return store_exec(s, "SAVEPOINT one_call", "begin", err);
}

enum assay_status store_leave(struct assay_store *s, enum assay_status status,
                              struct assay_error *err)
{
    if (status == ASSAY_OK) {
        status = store_exec(s, s->joined ? "RELEASE one_call" : "COMMIT", "commit", err);
    }
    if (status != ASSAY_OK) {
        (void)sqlite3_exec(s->db, s->joined ? "ROLLBACK TO one_call; RELEASE one_call" : "ROLLBACK",
                           NULL, NULL, NULL);
    }
    return status;
}

enum assay_status store_change(struct assay_store *s, sqlite3_stmt *q, const char *what,
                               struct assay_error *err)
{
    enum assay_status status = store_enter(s, err);
    return status == ASSAY_OK ? store_leave(s, store_run(s, q, what, NULL, err), err) : status;
}

enum assay_status store_change_run(struct assay_store *s, sqlite3_stmt *q, uint64_t id,
                                   const char *what, const char *why_not, struct assay_error *err)
{
    int changed = 0;
    enum assay_status status = store_enter(s, err);
    if (status != ASSAY_OK) {
        return status;
    }
    status = store_run(s, q, what, &changed, err);
    if (status == ASSAY_OK && changed != 1) {
        status = assay_fail(err, ASSAY_INTERNAL, "run %llu %s", (unsigned long long)id, why_not);
    }
    return store_leave(s, status, err);
}

enum assay_status assay_store_begin(struct assay_store *s, struct assay_error *err)
{
    enum assay_status status = store_exec(s, "BEGIN IMMEDIATE", "begin", err);
    s->joined = status == ASSAY_OK;
    return status;
}

enum assay_status assay_store_commit(struct assay_store *s, struct assay_error *err)
{
    s->joined = 0;
    return store_leave(s, ASSAY_OK, err);
}
