/* SPDX-License-Identifier: MIT */
/* exec.h - compile and execute SQL on the connection's thread. */
#ifndef ASYNCIO_SQLITE_EXEC_H
#define ASYNCIO_SQLITE_EXEC_H

#include <asyncio/sqlite.h>

#include <sqlite3.h>

struct sqlite_job;

/* Compile the first statement of sql.
 *
 * alone      fail if another statement follows; blanks and comments may.
 * ret        receives the statement; NULL if sql has none.
 * rest       receives the position behind the statement.
 * Returns    0; -EINVAL and other errors of SQLite's. */
int work_prepare(async_sqlite *db, struct sqlite_job *job, const char *sql, bool alone,
                 sqlite3_stmt **ret, const char **rest);

/* Execute all statements of sql. */
int work_exec_script(async_sqlite *db, struct sqlite_job *job, const char *sql);

/* Execute a statement of the adapter's own, which is not to be interrupted or counted. */
int work_exec_simple(async_sqlite *db, struct sqlite_job *job, const char *sql);

/* Execute a compiled statement to its end, ignore its rows, and count what it changes. */
int work_step_to_end(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s);

/* Add the number of rows that the latest statement has changed to the job's status. total_before is
 * the connection's total before the statement; if it has not changed since, the number that SQLite
 * reports is that of an earlier statement. */
void work_count_changes(async_sqlite *db, struct sqlite_job *job, int64_t total_before);

/* The result of a job that has executed statements: r if it is an error, otherwise the number of
 * rows changed, at most INT_MAX. */
int work_changes_or(const struct sqlite_job *job, int r);

#endif
