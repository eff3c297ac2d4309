/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store.c: SQL, and the state machine of a run as a table.
 *
 * Statements are prepared once and reset after use. Packs are kept as one text, separated by line
 * feeds.
 */
#include "daemon/store.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/limits.h"

#define STORE_BUSY_MS  5000
#define STORE_APP_ID   0x41535359 /* "ASSY", in the file's header */
#define STORE_TEXT_MAX ASSAY_MIB(1)

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
};
#define STORE_VERSION ((int)(sizeof store_steps / sizeof store_steps[0]))

#define RUN_COLUMNS                                                                                \
    "SELECT r.id, r.state, d.path, d.name, r.source, r.policy, r.packs, r.signature, r.attempt,"   \
    " r.not_before_ms, r.created_ms, r.started_ms, r.finished_ms, r.reason, v.verdict, v.report,"  \
    " v.manifest, r.rules_digest FROM runs r JOIN datasets d ON d.id = r.dataset"                  \
    " LEFT JOIN verdicts v ON v.run = r.id "

enum store_query {
    Q_DATASET,
    Q_ADD,
    Q_NEXT,
    Q_NEXT_RETRY,
    Q_OLDEST,
    Q_STARTED,
    Q_REQUEUED,
    Q_FAILED,
    Q_DONE,
    Q_VERDICT,
    Q_GET,
    Q_NEWEST,
    Q_LIST,
    Q_COUNTS,
    Q_MAX
};

/* States: 0 queued, 1 running, 2 done, 3 failed. The transitions are those, and only those, of the
 * UPDATEs: queued -> running -> done | failed | queued (retry);  queued -> failed (cannot start) */
static const char *const store_sql[Q_MAX] = {
    [Q_DATASET] = "INSERT INTO datasets (path, name, created_ms) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (path) DO UPDATE SET name = ?2",
    [Q_ADD] = "INSERT INTO runs (dataset, state, source, policy, packs, signature, created_ms,"
              " rules_digest)"
              " VALUES ((SELECT id FROM datasets WHERE path = ?1), 0, ?2, ?3, ?4, ?5, ?6, ?7)",
    [Q_NEXT] = RUN_COLUMNS "WHERE r.state = 0 AND r.not_before_ms <= ?1 AND NOT EXISTS"
                           " (SELECT 1 FROM runs o WHERE o.dataset = r.dataset AND o.state = 1)"
                           " ORDER BY r.id LIMIT 1",
    [Q_NEXT_RETRY] = "SELECT min(not_before_ms) FROM runs WHERE state = 0 AND not_before_ms > ?1",
    [Q_OLDEST] = "SELECT min(created_ms) FROM runs WHERE state = 0",
    [Q_STARTED] = "UPDATE runs SET state = 1, attempt = attempt + 1, started_ms = ?2, reason = NULL"
                  " WHERE id = ?1 AND state = 0",
    [Q_REQUEUED] = "UPDATE runs SET state = 0, not_before_ms = ?2, reason = ?3"
                   " WHERE id = ?1 AND state = 1",
    [Q_FAILED] = "UPDATE runs SET state = 3, finished_ms = ?2, reason = ?3"
                 " WHERE id = ?1 AND state IN (0, 1)",
    [Q_DONE] = "UPDATE runs SET state = 2, finished_ms = ?2, reason = NULL"
               " WHERE id = ?1 AND state = 1",
    [Q_VERDICT] = "INSERT INTO verdicts (run, verdict, report, manifest, recorded_ms)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
    [Q_GET] = RUN_COLUMNS "WHERE r.id = ?1",
    [Q_NEWEST] = RUN_COLUMNS "WHERE d.path = ?1 AND r.id > ?2 ORDER BY r.id DESC LIMIT 1",
    [Q_LIST] = RUN_COLUMNS "ORDER BY r.id DESC LIMIT ?1",
    [Q_COUNTS] = "SELECT state, count(*) FROM runs GROUP BY state",
};

struct assay_store {
    sqlite3 *db;
    sqlite3_stmt *queries[Q_MAX];
    struct assay_arena *row; /* strings of the run handed out last */
    uint64_t recovered;
};

const char *assay_run_state_name(enum assay_run_state s)
{
    static const char *const names[ASSAY_RUN_STATES] = {"queued", "running", "done", "failed"};
    return names[s];
}

static enum assay_status store_fail(struct assay_store *s, const char *what,
                                    struct assay_error *err)
{
    int code = sqlite3_errcode(s->db);
    enum assay_status status = code == SQLITE_FULL     ? ASSAY_FULL
                               : code == SQLITE_NOMEM  ? ASSAY_NOMEM
                               : code == SQLITE_NOTADB ? ASSAY_CORRUPT
                                                       : ASSAY_IO;
    return assay_fail(err, status, "the store: cannot %s: %s", what, sqlite3_errmsg(s->db));
}

static enum assay_status store_exec(struct assay_store *s, const char *sql, const char *what,
                                    struct assay_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ASSAY_OK
                                                                   : store_fail(s, what, err);
}

/* ---- opening ------------------------------------------------------------------------------- */

static int64_t store_user_version(struct assay_store *s)
{
    sqlite3_stmt *q = NULL;
    int64_t version = -1;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK &&
        sqlite3_step(q) == SQLITE_ROW) {
        version = sqlite3_column_int64(q, 0);
    }
    (void)sqlite3_finalize(q);
    return version;
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

static enum assay_status store_check_version(struct assay_store *s, const char *path,
                                             struct assay_error *err)
{
    int64_t version = store_user_version(s);
    if (version < 0) {
        return store_fail(s, "read the version", err);
    }
    if (version > STORE_VERSION) {
        return assay_fail(err, ASSAY_UNSUPPORTED,
                          "%.200s was written by a newer assayd (format %lld, this one knows %d): "
                          "upgrade, or use another state_dir",
                          path, (long long)version, STORE_VERSION);
    }
    return store_upgrade(s, (int)version, err);
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

static enum assay_status store_recover(struct assay_store *s, struct assay_error *err)
{
    enum assay_status status =
        store_exec(s,
                   "UPDATE runs SET state = 0, reason = 'the daemon stopped during this run'"
                   " WHERE state = 1",
                   "recover", err);
    s->recovered = (uint64_t)sqlite3_changes(s->db);
    return status;
}

enum assay_status assay_store_open(const char *path, struct assay_store **ret,
                                   struct assay_error *err)
{
    *ret = NULL;
    struct assay_store *s = calloc(1, sizeof *s);
    if (s == NULL || (s->row = assay_arena_new(STORE_TEXT_MAX)) == NULL) {
        assay_store_close(s);
        return assay_fail(err, ASSAY_NOMEM, "out of memory");
    }
    enum assay_status status = ASSAY_OK;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        status = store_fail(s, "open", err);
    }
    if (status == ASSAY_OK) {
        (void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
        status = store_check_version(s, path, err);
    }
    if (status == ASSAY_OK) {
        status = store_exec(s,
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                            " PRAGMA foreign_keys = ON",
                            "configure", err);
    }
    if (status == ASSAY_OK) {
        status = store_prepare(s, err);
    }
    if (status == ASSAY_OK) {
        status = store_recover(s, err);
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

uint64_t assay_store_recovered(const struct assay_store *s)
{
    return s->recovered;
}

/* ---- statements ---------------------------------------------------------------------------- */

static sqlite3_stmt *query(struct assay_store *s, enum store_query which)
{
    sqlite3_stmt *q = s->queries[which];
    (void)sqlite3_reset(q);
    (void)sqlite3_clear_bindings(q);
    return q;
}

/* Texts stay in place until the statement is reset. */
static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
    (void)sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *q, int at, uint64_t n)
{
    (void)sqlite3_bind_int64(q, at, (sqlite3_int64)n);
}

/* Runs a statement without rows; *ret_changed tells how many rows it touched. */
static enum assay_status run_query(struct assay_store *s, sqlite3_stmt *q, const char *what,
                                   int *ret_changed, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    if (sqlite3_step(q) != SQLITE_DONE) {
        status = store_fail(s, what, err);
    }
    *ret_changed = sqlite3_changes(s->db);
    (void)sqlite3_reset(q);
    return status;
}

static void join_packs(struct assay_buf *out, struct assay_config_list packs)
{
    for (size_t i = 0; i < packs.n; i++) {
        assay_buf_addf(out, "%s\n", packs.items[i]);
    }
}

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

static const char *row_text(struct assay_store *s, sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    return text == NULL ? NULL : assay_arena_strdup(s->row, text);
}

static uint64_t row_number(sqlite3_stmt *q, int column)
{
    return (uint64_t)sqlite3_column_int64(q, column);
}

static void read_run(struct assay_store *s, sqlite3_stmt *q, struct assay_run_record *ret)
{
    assay_arena_reset(s->row);
    *ret = (struct assay_run_record){.id = row_number(q, 0)};
    ret->state = (enum assay_run_state)(row_number(q, 1) % ASSAY_RUN_STATES);
    ret->spec.path = row_text(s, q, 2);
    ret->spec.name = row_text(s, q, 3);
    ret->spec.source = row_text(s, q, 4);
    ret->spec.policy = row_text(s, q, 5);
    const char *packs = row_text(s, q, 6);
    ret->spec.packs = split_packs(s->row, packs == NULL ? "" : packs);
    if (sqlite3_column_bytes(q, 7) == ASSAY_SIGNATURE_LEN) {
        memcpy(ret->spec.signature, sqlite3_column_blob(q, 7), ASSAY_SIGNATURE_LEN);
    }
    ret->attempt = (unsigned)row_number(q, 8);
    ret->not_before_ms = row_number(q, 9);
    ret->created_ms = row_number(q, 10);
    ret->started_ms = row_number(q, 11);
    ret->finished_ms = row_number(q, 12);
    ret->reason = row_text(s, q, 13);
    ret->verdict = row_text(s, q, 14);
    ret->report = row_text(s, q, 15);
    ret->manifest = row_text(s, q, 16);
    if (sqlite3_column_bytes(q, 17) == ASSAY_SIGNATURE_LEN) {
        memcpy(ret->spec.rules_digest, sqlite3_column_blob(q, 17), ASSAY_SIGNATURE_LEN);
    }
}

/* The one row of a query, or ASSAY_NOTFOUND. */
static enum assay_status one_run(struct assay_store *s, sqlite3_stmt *q,
                                 struct assay_run_record *ret, struct assay_error *err)
{
    enum assay_status status = ASSAY_OK;
    int step = sqlite3_step(q);
    if (step == SQLITE_ROW) {
        read_run(s, q, ret);
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

/* ---- runs ---------------------------------------------------------------------------------- */

static enum assay_status add_rows(struct assay_store *s, const struct assay_run_spec *spec,
                                  const char *packs, struct assay_error *err)
{
    int changed;
    uint64_t now = assay_wall_ms();
    sqlite3_stmt *q = query(s, Q_DATASET);
    bind_text(q, 1, spec->path);
    bind_text(q, 2, spec->name);
    bind_number(q, 3, now);
    enum assay_status status = run_query(s, q, "record the dataset", &changed, err);
    if (status != ASSAY_OK) {
        return status;
    }
    q = query(s, Q_ADD);
    bind_text(q, 1, spec->path);
    bind_text(q, 2, spec->source);
    bind_text(q, 3, spec->policy);
    bind_text(q, 4, packs);
    (void)sqlite3_bind_blob(q, 5, spec->signature, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    bind_number(q, 6, now);
    (void)sqlite3_bind_blob(q, 7, spec->rules_digest, ASSAY_SIGNATURE_LEN, SQLITE_STATIC);
    return run_query(s, q, "queue a run", &changed, err);
}

/* Ends a transaction: COMMIT after success, ROLLBACK after a failure. */
static enum assay_status finish(struct assay_store *s, enum assay_status status,
                                struct assay_error *err)
{
    if (status == ASSAY_OK) {
        status = store_exec(s, "COMMIT", "commit", err);
    }
    if (status != ASSAY_OK) {
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

enum assay_status assay_store_add(struct assay_store *s, const struct assay_run_spec *spec,
                                  uint64_t *ret_id, struct assay_error *err)
{
    ASSAY_AUTO_BUF packs;
    assay_buf_init(&packs, STORE_TEXT_MAX / 4);
    join_packs(&packs, spec->packs);
    if (assay_buf_status(&packs) != ASSAY_OK) {
        return assay_fail(err, assay_buf_status(&packs), "too many packs");
    }
    enum assay_status status = store_exec(s, "BEGIN IMMEDIATE", "begin", err);
    if (status != ASSAY_OK) {
        return status;
    }
    status = add_rows(s, spec, assay_buf_str(&packs), err);
    *ret_id = (uint64_t)sqlite3_last_insert_rowid(s->db);
    return finish(s, status, err);
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
        !same_text(last.spec.policy, spec->policy) || !same_packs(last.spec.packs, spec->packs)) {
        return assay_fail(err, ASSAY_NOTFOUND, "changed since");
    }
    *ret_id = last.id;
    return ASSAY_OK;
}

enum assay_status assay_store_next(struct assay_store *s, uint64_t now_ms,
                                   struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = query(s, Q_NEXT);
    bind_number(q, 1, now_ms);
    return one_run(s, q, ret, err);
}

uint64_t assay_store_oldest(struct assay_store *s)
{
    sqlite3_stmt *q = query(s, Q_OLDEST);
    uint64_t at = sqlite3_step(q) == SQLITE_ROW ? row_number(q, 0) : 0;
    (void)sqlite3_reset(q);
    return at;
}

uint64_t assay_store_next_retry(struct assay_store *s, uint64_t now_ms)
{
    sqlite3_stmt *q = query(s, Q_NEXT_RETRY);
    bind_number(q, 1, now_ms);
    uint64_t at = sqlite3_step(q) == SQLITE_ROW ? row_number(q, 0) : 0;
    (void)sqlite3_reset(q);
    return at;
}

/* Runs a transition; one row must have moved. */
static enum assay_status transition(struct assay_store *s, sqlite3_stmt *q, uint64_t id,
                                    const char *to, struct assay_error *err)
{
    int changed = 0;
    bind_number(q, 1, id);
    enum assay_status status = run_query(s, q, "record a transition", &changed, err);
    if (status == ASSAY_OK && changed != 1) {
        return assay_fail(err, ASSAY_INTERNAL, "run %llu cannot become %s now",
                          (unsigned long long)id, to);
    }
    return status;
}

enum assay_status assay_store_started(struct assay_store *s, uint64_t id, struct assay_error *err)
{
    sqlite3_stmt *q = query(s, Q_STARTED);
    bind_number(q, 2, assay_wall_ms());
    return transition(s, q, id, "running", err);
}

enum assay_status assay_store_requeued(struct assay_store *s, uint64_t id, uint64_t not_before_ms,
                                       const char *reason, struct assay_error *err)
{
    sqlite3_stmt *q = query(s, Q_REQUEUED);
    bind_number(q, 2, not_before_ms);
    bind_text(q, 3, reason);
    return transition(s, q, id, "queued", err);
}

enum assay_status assay_store_failed(struct assay_store *s, uint64_t id, const char *reason,
                                     struct assay_error *err)
{
    sqlite3_stmt *q = query(s, Q_FAILED);
    bind_number(q, 2, assay_wall_ms());
    bind_text(q, 3, reason);
    return transition(s, q, id, "failed", err);
}

static enum assay_status add_verdict(struct assay_store *s, uint64_t id,
                                     const struct assay_outcome *outcome, struct assay_error *err)
{
    int changed;
    sqlite3_stmt *q = query(s, Q_VERDICT);
    bind_number(q, 1, id);
    bind_text(q, 2, outcome->verdict);
    bind_text(q, 3, outcome->report);
    bind_text(q, 4, outcome->manifest);
    bind_number(q, 5, assay_wall_ms());
    return run_query(s, q, "record the verdict", &changed, err);
}

enum assay_status assay_store_done(struct assay_store *s, uint64_t id,
                                   const struct assay_outcome *outcome, struct assay_error *err)
{
    enum assay_status status = store_exec(s, "BEGIN IMMEDIATE", "begin", err);
    if (status != ASSAY_OK) {
        return status;
    }
    sqlite3_stmt *q = query(s, Q_DONE);
    bind_number(q, 2, assay_wall_ms());
    status = transition(s, q, id, "done", err);
    if (status == ASSAY_OK) {
        status = add_verdict(s, id, outcome, err);
    }
    return finish(s, status, err);
}

enum assay_status assay_store_get(struct assay_store *s, uint64_t id, struct assay_run_record *ret,
                                  struct assay_error *err)
{
    sqlite3_stmt *q = query(s, Q_GET);
    bind_number(q, 1, id);
    return one_run(s, q, ret, err);
}

enum assay_status assay_store_newest(struct assay_store *s, const char *path, uint64_t after,
                                     struct assay_run_record *ret, struct assay_error *err)
{
    sqlite3_stmt *q = query(s, Q_NEWEST);
    bind_text(q, 1, path);
    bind_number(q, 2, after);
    return one_run(s, q, ret, err);
}

enum assay_status assay_store_list(struct assay_store *s, size_t max,
                                   int (*each)(void *ctx, const struct assay_run_record *run),
                                   void *ctx, struct assay_error *err)
{
    struct assay_run_record run;
    int step;
    int stop = 0;
    sqlite3_stmt *q = query(s, Q_LIST);
    bind_number(q, 1, max);
    while (!stop && (step = sqlite3_step(q)) == SQLITE_ROW) {
        read_run(s, q, &run);
        stop = each(ctx, &run);
    }
    enum assay_status status = stop || step == SQLITE_DONE ? ASSAY_OK : store_fail(s, "list", err);
    (void)sqlite3_reset(q);
    return status;
}

enum assay_status assay_store_counts(struct assay_store *s, uint64_t ret[ASSAY_RUN_STATES],
                                     struct assay_error *err)
{
    int step;
    sqlite3_stmt *q = query(s, Q_COUNTS);
    memset(ret, 0, ASSAY_RUN_STATES * sizeof ret[0]);
    while ((step = sqlite3_step(q)) == SQLITE_ROW) {
        ret[row_number(q, 0) % ASSAY_RUN_STATES] = row_number(q, 1);
    }
    enum assay_status status = step == SQLITE_DONE ? ASSAY_OK : store_fail(s, "count", err);
    (void)sqlite3_reset(q);
    return status;
}
