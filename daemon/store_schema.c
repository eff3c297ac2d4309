/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_schema.c: the file: its format from the first to today's, opening and closing.
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
    store_unprepare(s);
    (void)sqlite3_close(s->db);
    assay_arena_free(s->row);
    free(s);
}
