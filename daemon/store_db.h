/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store_db.h: the inside of the store, shared by its own files and nobody else (private).
 *
 * store_schema.c opens, makes and upgrades the file; store_sql.c holds the statements and runs them;
 * store_row.c reads rows; store.c is the state machine; store_requests.c what sources want to hear
 * of; store_rules.c by which rules datasets were judged; store_suspects.c files that broke workers;
 * store_retention.c what may go. Statements are prepared once and reset after use.
 */
#ifndef ASSAY_DAEMON_STORE_DB_H
#define ASSAY_DAEMON_STORE_DB_H

#include <sqlite3.h>

#include "core/arena.h"
#include "core/limits.h"
#include "daemon/store.h"

#define STORE_TEXT_MAX ASSAY_MIB(1)

enum store_query {
    Q_DATASET,
    Q_ADD,
    Q_NEXT,
    Q_NEXT_RETRY,
    Q_OLDEST,
    Q_OVERDUE,
    Q_NEXT_DEADLINE,
    Q_STATE,
    Q_MOVE,
    Q_CANCELLING,
    Q_VERDICT,
    Q_GET,
    Q_NEWEST,
    Q_LIST,
    Q_WAITING,
    Q_QUEUED,
    Q_COUNTS,
    Q_INTERRUPTED,
    Q_CAP,
    Q_ATTACH,
    Q_FIND_JOB,
    Q_UNTOLD,
    Q_UNTOLD_OF,
    Q_TOLD,
    Q_JUDGED,
    Q_REFRESH,
    Q_STALE,
    Q_SUSPECT,
    Q_SUSPECT_TRIED,
    Q_SUSPECTS,
    Q_RETAINED,
    Q_REMOVAL,
    Q_FORGET_REQUESTS,
    Q_FORGET_VERDICT,
    Q_FORGET_RUN,
    Q_MAX
};

struct assay_store {
    sqlite3 *db;
    sqlite3_stmt *queries[Q_MAX];
    struct assay_arena *row; /* strings of the run handed out last */
    uint64_t (*now)(void);
    int joined; /* between assay_store_begin and _commit */
};

/* An error from what the database said last. */
enum assay_status store_fail(struct assay_store *s, const char *what, struct assay_error *err);
enum assay_status store_exec(struct assay_store *s, const char *sql, const char *what,
                             struct assay_error *err);
/* One call of several statements: all of them or none, within a joined commit too. */
enum assay_status store_enter(struct assay_store *s, struct assay_error *err);
enum assay_status store_leave(struct assay_store *s, enum assay_status status,
                              struct assay_error *err);

/* All statements, of a file that has today's format; and their end. */
enum assay_status store_prepare(struct assay_store *s, struct assay_error *err);
void store_unprepare(struct assay_store *s);
/* A statement, reset and without values. */
sqlite3_stmt *store_query(struct assay_store *s, enum store_query which);
/* Texts stay in place until the statement is reset. */
void store_bind_text(sqlite3_stmt *q, int at, const char *text);
void store_bind_number(sqlite3_stmt *q, int at, uint64_t n);
/* Runs a statement without rows; *ret_changed (may be NULL) tells how many rows it touched. */
enum assay_status store_run(struct assay_store *s, sqlite3_stmt *q, const char *what,
                            int *ret_changed, struct assay_error *err);
/* One statement without rows in a transaction of its own. */
enum assay_status store_change(struct assay_store *s, sqlite3_stmt *q, const char *what,
                               struct assay_error *err);
/* The same for one row of run `id`: when there is no such row, ASSAY_INTERNAL says "run ID WHY_NOT". */
enum assay_status store_change_run(struct assay_store *s, sqlite3_stmt *q, uint64_t id,
                                   const char *what, const char *why_not, struct assay_error *err);
/* The first column of the only row; 0 without a row. */
uint64_t store_one_number(sqlite3_stmt *q);

/* Records a request within the caller's transaction. */
enum assay_status store_attach(struct assay_store *s, uint64_t run,
                               const struct assay_run_spec *spec, struct assay_error *err);

/* Rows of the columns that every run query selects. */
void store_read_run(struct assay_store *s, sqlite3_stmt *q, struct assay_run_record *ret);
const char *store_row_text(struct assay_store *s, sqlite3_stmt *q, int column);
uint64_t store_row_number(sqlite3_stmt *q, int column);
#define STORE_RUN_COLUMNS_END 22 /* the first column behind them */
/* The one row of a query, or ASSAY_NOTFOUND. */
enum assay_status store_one_run(struct assay_store *s, sqlite3_stmt *q,
                                struct assay_run_record *ret, struct assay_error *err);
/* Hands out every row until `each` returns non-zero. */
enum assay_status store_each_run(struct assay_store *s, sqlite3_stmt *q, const char *what,
                                 int (*each)(void *ctx, const struct assay_run_record *run),
                                 void *ctx, struct assay_error *err);

#endif
