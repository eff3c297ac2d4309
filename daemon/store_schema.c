/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_schema.c: the file, its format from the first to today's, and the SQL.
 */
#include <stdlib.h>

#include "core/clock.h"
#include "daemon/store_db.h"

#define STORE_BUSY_MS 5000
#define STORE_APP_ID  0x41535359 /* "ASSY", in the file's header */

/* From one format to the next; a new store takes every step. user_version counts the steps taken.
 */
static const char *const store_steps[] = {
    "CREATE TABLE datasets ("
    " id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, dataset INTEGER NOT NULL REFERENCES datasets,"
    " state INTEGER NOT NULL, source TEXT NOT NULL, policy TEXT, packs TEXT NOT NULL,"
    " signature BLOB NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,"
    " not_before_ms INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL,"
    " started_ms INTEGER NOT NULL DEFAULT 0, finished_ms INTEGER NOT NULL DEFAULT 0, reason TEXT)"
    " STRICT;"
    "CREATE INDEX runs_by_dataset ON runs (dataset, id);"
    "CREATE INDEX runs_by_state ON runs (state, not_before_ms);"
    "CREATE TABLE verdicts ("
    " run INTEGER PRIMARY KEY REFERENCES runs, verdict TEXT NOT NULL, report TEXT NOT NULL,"
    " manifest TEXT NOT NULL, recorded_ms INTEGER NOT NULL) STRICT;",
    "ALTER TABLE runs ADD COLUMN rules_digest BLOB NOT NULL DEFAULT x'';",
    "ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE runs ADD COLUMN deadline_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE runs ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX runs_by_state;"
    "CREATE INDEX runs_by_state ON runs (state, priority DESC, id);"
    "CREATE INDEX runs_running ON runs (dataset) WHERE state = 1;"
    "CREATE INDEX runs_waiting ON runs (not_before_ms) WHERE state = 0;"
    "CREATE INDEX runs_due ON runs (created_ms + deadline_ms) WHERE state = 0 AND deadline_ms > 0;"
    "CREATE TABLE requests ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs,"
    " source TEXT NOT NULL, origin TEXT NOT NULL, job TEXT, told INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE (source, origin)) STRICT;"
    "CREATE INDEX requests_by_run ON requests (run);"
    "CREATE INDEX requests_by_job ON requests (source, job) WHERE job IS NOT NULL;"
    "CREATE INDEX requests_untold ON requests (id) WHERE told = 0;",
    "CREATE TABLE suspects ("
    " run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, name BLOB NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run, name)) STRICT, WITHOUT ROWID;",
    "ALTER TABLE verdicts ADD COLUMN removal INTEGER NOT NULL DEFAULT 0;",
    /* How many runs are in each state: kept in the commit that changes one, so that nobody who asks
     * for the status waits for all runs to be counted. */
    "CREATE TABLE run_counts (state INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;"
    "INSERT INTO run_counts SELECT state, count(*) FROM runs GROUP BY state;"
    "CREATE TRIGGER runs_come AFTER INSERT ON runs BEGIN"
    " INSERT INTO run_counts VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;"
    " END;"
    "CREATE TRIGGER runs_move AFTER UPDATE OF state ON runs BEGIN"
    " UPDATE run_counts SET n = n - 1 WHERE state = old.state;"
    " INSERT INTO run_counts VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET n = n + 1;"
    " END;"
    "CREATE TRIGGER runs_go AFTER DELETE ON runs BEGIN"
    " UPDATE run_counts SET n = n - 1 WHERE state = old.state;"
    " END;",
};
#define STORE_VERSION ((int)(sizeof store_steps / sizeof store_steps[0]))

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

/* ---- opening ------------------------------------------------------------------------------- */

/* The number that a statement answers with; -1 when it does not. */
static int64_t store_ask(struct assay_store *s, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t n = -1;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        n = sqlite3_column_int64(q, 0);
    }
    (void)sqlite3_finalize(q);
    return n;
}

/* Structure of every page, before anything is written to it. */
static enum assay_status store_check_pages(struct assay_store *s, const char *path,
                                           struct assay_error *err)
{
    sqlite3_stmt *q = NULL;
    const char *found = NULL;
    enum assay_status status = ASSAY_OK;
    if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL) != SQLITE_OK ||
        sqlite3_step(q) != SQLITE_ROW ||
        (found = (const char *)sqlite3_column_text(q, 0)) == NULL) {
        status = store_fail(s, "look through it", err);
    } else if (strcmp(found, "ok") != 0) {
        status = assay_fail(err, ASSAY_CORRUPT,
                            "%.200s is damaged (restore it, or move it away to begin anew): %.100s",
                            path, found);
    }
    (void)sqlite3_finalize(q);
    return status;
}

/* Takes the steps from `version` to ours, each in a transaction of its own. */
static enum assay_status store_upgrade(struct assay_store *s, int version, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    ASSAY_AUTO_BUF sql;
    assay_buf_init(&sql, ASSAY_KIB(64));
    for (; status == ASSAY_OK && version < STORE_VERSION; version++) {
        sql.len = 0;
        assay_buf_addf(&sql,
                       "BEGIN IMMEDIATE; %s PRAGMA user_version = %d; PRAGMA application_id = %d;"
                       " COMMIT",
                       store_steps[version], version + 1, STORE_APP_ID);
        status = assay_buf_status(&sql);
        if (status == ASSAY_OK) {
            status = store_exec(s, assay_buf_str(&sql), "make the tables", err);
        } else {
            (void)assay_fail(err, status, "out of memory");
        }
    }
    return status;
}

/* Neither ours nor empty. Our first format had its version only. */
static int store_is_foreign(struct assay_store *s, int64_t version)
{
    int64_t id = store_ask(s, "PRAGMA application_id");
    return version == 0 ? store_ask(s, "SELECT count(*) FROM sqlite_schema") > 0
                        : id != STORE_APP_ID && store_ask(s, "SELECT count(*) FROM sqlite_schema"
                                                             " WHERE name = 'verdicts'") != 1;
}

static enum assay_status store_check_version(struct assay_store *s, const char *path,
                                             struct assay_error *err)
{
    int64_t version = store_ask(s, "PRAGMA user_version");
    if (version < 0) {
        return store_fail(s, "read the version", err);
    }
    if (store_is_foreign(s, version)) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "%.200s is a database of another program: use another state_dir", path);
    }
    if (version > STORE_VERSION) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "%.200s was written by a newer assayd (format %lld, this one knows %d): "
                          "upgrade, or use another state_dir",
                          path, (long long)version, STORE_VERSION);
    }
    enum assay_status status = store_check_pages(s, path, err);
    if (status == ASSAY_OK &&
        version == 0) { /* what is freed can be given back; before any table */
        status = store_exec(s, "PRAGMA auto_vacuum = INCREMENTAL", "configure", err);
    }
    return status == ASSAY_OK ? store_upgrade(s, (int)version, err) : status;
}

static enum assay_status store_prepare(struct assay_store *s, struct assay_error *err)
{
    for (int i = 0; i < Q_MAX; i++) {
        if (sqlite3_prepare_v3(s->db, store_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->queries[i],
                               NULL) != SQLITE_OK) {
            return store_fail(s, "prepare", err);
        }
    }
    return ASSAY_OK;
}

/* A wait longer than the longest there is was written when the clock was ahead of ours: it is over. */
static enum assay_status store_cap_waits(struct assay_store *s, struct assay_error *err)
{
    sqlite3_stmt *q = store_query(s, Q_CAP);
    store_bind_number(q, 1, s->now() + ASSAY_RETRY_MAX_MS);
    return store_run(s, q, "look at waiting runs", NULL, err);
}

static enum assay_status store_configure(struct assay_store *s, const char *path,
                                         struct assay_error *err)
{
    enum assay_status status = store_exec(s,
                                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                          " PRAGMA foreign_keys = ON",
                                          "configure", err);
    if (status == ASSAY_OK && sqlite3_db_readonly(s->db, "main") == 1) {
        status = assay_fail(err, ASSAY_DENIED,
                            "%.200s cannot be written: it and its directory must belong to the "
                            "user of assayd",
                            path);
    }
    return status;
}

/* What is refused keeps every byte: closing it moves nothing from the log into the file. */
static enum assay_status store_set_up(struct assay_store *s, const char *path,
                                      struct assay_error *err)
{
    (void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    enum assay_status status = store_check_version(s, path, err);
    if (status == ASSAY_OK) {
        status = store_configure(s, path, err);
    }
    if (status == ASSAY_OK) {
        status = store_prepare(s, err);
    }
    if (status == ASSAY_OK) {
        status = store_cap_waits(s, err);
    }
    if (status == ASSAY_OK) {
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    }
    return status;
}

enum assay_status assay_store_open(const char *path, struct assay_store **ret,
                                   struct assay_error *err)
{
    return assay_store_open_at(path, assay_steady_ms, ret, err);
}

enum assay_status assay_store_open_at(const char *path, uint64_t (*now)(void),
                                      struct assay_store **ret, struct assay_error *err)
{
    *ret = NULL;
    struct assay_store *s = calloc(1, sizeof *s);
    if (s == NULL || (s->row = assay_arena_new(STORE_TEXT_MAX)) == NULL) {
        assay_store_close(s);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    s->now = now;
    enum assay_status status = ASSAY_OK;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        status = store_fail(s, "open", err);
    }
    if (status == ASSAY_OK) {
        status = store_set_up(s, path, err);
    }
    if (status != ASSAY_OK) {
        assay_store_close(s);
        return status;
    }
    *ret = s;
    return ASSAY_OK;
}

void assay_store_close(struct assay_store *s)
{
    if (s == NULL) {
        return;
    }
    for (int i = 0; i < Q_MAX; i++) {
        (void)sqlite3_finalize(s->queries[i]);
    }
    (void)sqlite3_close(s->db);
    assay_arena_free(s->row);
    free(s);
}

/* ---- statements ---------------------------------------------------------------------------- */

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
