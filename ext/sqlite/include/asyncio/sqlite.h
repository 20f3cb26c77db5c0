/* SPDX-License-Identifier: MIT */
/* sqlite.h - SQLite databases: connections, queries, transactions and pools of connections.
 *
 *   await_sqlite_open                  open a connection
 *   await_sqlite_close                 close it; await_sqlite_auto does so at the end of a block
 *   async_sqlite_context_manager       open and close a connection, as a context manager
 *   async_sqlite_error                 SQLite's result code for the last call; beside it are
 *                                      async_sqlite_error_text, _last_insert_id and _changes
 *   await_sqlite_exec                  execute SQL
 *   await_sqlite_prepare               compile a statement, to execute it several times
 *   await_sqlite_stmt_exec             execute a prepared statement
 *   async_sqlite_stmt_drop             drop it; async_sqlite_stmt_auto does so at the end of a
 *                                      block
 *   async_sqlite_query                 iterate over the rows of a query
 *   async_sqlite_stmt_query            iterate over the rows of a prepared statement
 *   async_sqlite_transaction           commit or roll back what a block has done, as a context
 *                                      manager
 *   async_sqlite_pool_open             make a pool of connections
 *   async_sqlite_pool_context_manager  borrow a connection from a pool, as a context manager
 *   await_sqlite_pool_close            close a pool; await_sqlite_pool_auto does so at the end of a
 *                                      block
 *
 * Values are bound to parameters of statements, and read from the columns of rows, with the macros
 * of sqlite_value.h, which this header includes: async_sqlite_text(row, "name").
 *
 *   ASYNC_DEF(print_adults, (const char *)path)
 *   {
 *       int r;
 *       await_sqlite_auto db = NULL;
 *       ASYNC_TRY(await_sqlite_open(path, &db, .wal = true));
 *       ASYNC_TRY(await_sqlite_exec(db, "insert into people values (?, ?)", "Ada", 36));
 *       await_for_each (r, row, async_sqlite_query(db, "select * from people where age > ?", 17))
 *           printf("%s %d\n", async_sqlite_text(row, "name"), (int)async_sqlite_int64(row, "age"));
 *       return r;
 *   }
 *
 * Functions of SQLite block. So each connection has a thread of its own, which executes one
 * statement at a time; tasks that use the connection at the same time wait in a queue, first come,
 * first served. Each await_ function is called from a task, and is a cancellation point.
 *
 * A connection, its statements and a pool are used only on the thread where they were opened. They
 * may be used in one loop after another. A child of fork() cannot use them, and can open
 * connections of its own only if its parent had none open at the time of the fork; after exec() it
 * can.
 *
 * Cancellation interrupts the statement. The call returns as soon as the thread no longer uses what
 * it was given. If the statement has succeeded by then, the call returns its result, and the next
 * await_ fails; otherwise the call returns -ECANCELED, and the statement has changed nothing. The
 * connection can still be used.
 *
 * Common errors, of all functions that wait:
 *   -EPERM      not called from a task, or called on another thread or in a child of fork();
 *               outside of a task a message is printed to stderr
 *   -EPIPE      the connection or the pool was closed, also while the call waited for it; closing
 *               leaves NULL behind, and NULL is refused with this error, too
 *   -ECANCELED  see above
 *   -ENOMEM     no memory; also -EMFILE, -EAGAIN (no thread) and the like when opening
 *
 * SQL errors, of all functions that execute SQL. async_fail_text() returns SQLite's message, and
 * async_sqlite_error() its result code:
 *   -EEXIST     UNIQUE or PRIMARY KEY constraint failed
 *   -EDOM       another constraint failed (NOT NULL, CHECK, FOREIGN KEY), or a value has a wrong
 *               type
 *   -EINVAL     a mistake in the SQL, an unknown name in it, a wrong number of values, or a value
 *               that cannot be bound
 *   -ERANGE     an unsigned value is greater than INT64_MAX
 *   -EBUSY      the database is locked by another connection, and .busy_timeout has passed. At
 *               once, if waiting could not help: a query of this connection is reading the table
 *               that is to be dropped, or has been reading since before another connection wrote
 *   -EROFS      the database, or this connection, is read-only
 *   -EACCES     no permission
 *   -ENOENT     no such file; or another error of open(), such as -EISDIR
 *   -EBADMSG    the file is not a database, or is damaged
 *   -ENOSPC     the disk is full
 *   -EIO        a read or write failed
 *   -EFBIG      a text, a blob or a file is too large
 *   -ESTALE     the transaction of the current block was rolled back before the end of the block */
#ifndef ASYNCIO_SQLITE_H
#define ASYNCIO_SQLITE_H

#include <asyncio/co.h>
#include <asyncio/gen.h>

#include "sqlite_value.h"

ASYNC_BEGIN_DECLS

/* --- connections --- */

/* A connection to a database. */
typedef struct async_sqlite async_sqlite;
typedef async_sqlite *async_sqlite_ptr;

/* Options of a connection. Strings are borrowed until the connection is open; a pool copies
 * them. */
struct async_sqlite_opts {
    size_t struct_size;  /* set by the macros */
    bool readonly;       /* open an existing file for reading only */
    bool must_exist;     /* do not create the file */
    int flags;           /* more SQLITE_OPEN_ flags of <sqlite3.h>, or'ed to those of the options */
    double busy_timeout; /* seconds that a statement waits for the lock of another connection;
                          * 0: 5 seconds; negative: it does not wait */
    bool wal;            /* journal_mode = wal: readers and one writer do not block each other */
    bool foreign_keys;   /* foreign_keys = on */
    const char *init;    /* SQL to execute after opening */
};

/* Open a connection to a database.
 *
 *   await_sqlite_auto db = NULL;
 *   ASYNC_TRY(await_sqlite_open("people.db", &db, .wal = true, .busy_timeout = 0.5));
 *
 * path       the file (borrowed for the call). NULL or ":memory:" makes a database in memory, ""
 *            one in a temporary file; both belong to this connection alone, and are deleted with
 *            it.
 * ret        receives the connection, which is closed with await_sqlite_close().
 * ...        options: members of struct async_sqlite_opts.
 * Returns    0; a common error; or an SQL error, also of .wal and .init. -ENOTSUP if SQLite was
 *            compiled without support for threads. The file is not read before it is needed: that
 *            it is not a database may be reported by a later call.
 * Cancelled  the connection is closed again.
 * Suspends   until the database is open, and .init has been executed. */
#define await_sqlite_open(path, ret, ...)                                                          \
    await_sqlite_open_opt((path), ASYNC_SQLITE__OPTS(__VA_ARGS__), (ret))
int await_sqlite_open_opt(const char *path, const struct async_sqlite_opts *opts,
                          async_sqlite **ret) ASYNC_CHECK;

/* Close a connection as soon as no other task uses it, and set *db to NULL.
 *
 *   ASYNC_TRY(await_sqlite_close(&db));
 *
 * A transaction that SQL has begun is rolled back. Calls that still wait for the connection, and
 * every later call with one of its statements or queries, return -EPIPE.
 *
 * db         the connection. If db or *db is NULL, there is nothing to do.
 * Returns    0. -EBUSY inside a transaction block of the calling task, and if the connection was
 *            borrowed from a pool; -EPERM as above. In these cases the connection stays open, and
 *            *db as it is. -EPIPE if another task is closing it already; *db is then NULL.
 * Cancelled  the connection is closed nevertheless: the call is shielded.
 * Suspends   until other tasks have finished their calls and transactions, and the connection is
 *            closed. */
int await_sqlite_close(async_sqlite **db);

/* Declare connections that are closed at the end of their block. `await_sqlite_auto a = NULL,
 * b = NULL;` declares two. await_sqlite_drop() is await_sqlite_close(), except that it prints an
 * error to stderr, since it cannot return it. */
#define await_sqlite_auto ASYNC_AUTO(await_sqlite_drop) async_sqlite_ptr
void await_sqlite_drop(async_sqlite **db);

/* Open a connection, and close it when the block is left: a context manager for await_with.
 *
 *   async_sqlite *db = NULL;
 *   await_with (r, async_sqlite_context_manager(&db, "people.db", .wal = true))
 *       r = await_sqlite_exec(db, "delete from people");
 *
 * ret        receives the connection; NULL again after the block.
 * path, ...  as for await_sqlite_open().
 * Returns    the context manager; r receives the errors of await_sqlite_open().
 * Suspends   no; await_with suspends where the block is entered and left. */
#define async_sqlite_context_manager(ret, path, ...)                                                          \
    async_sqlite_context_manager_opt((ret), (path), ASYNC_SQLITE__OPTS(__VA_ARGS__))
#define async_sqlite_hold async_sqlite_context_manager /* its name before 0.2 */
async_context_manager async_sqlite_context_manager_opt(async_sqlite **ret, const char *path,
                                 const struct async_sqlite_opts *opts) ASYNC_CHECK;

/* Return details of the last call on the connection that the thread has executed. The calls of
 * other tasks count, too, so use these functions before the task suspends again. db may be NULL:
 * then they return 0 or "".
 *
 *   if (await_sqlite_exec(db, "insert into t values (?)", x) == -EDOM &&
 *       async_sqlite_error(db) == SQLITE_CONSTRAINT_NOTNULL)
 *       printf("%s\n", async_sqlite_error_text(db));
 *
 * async_sqlite_last_insert_id  the rowid of the latest INSERT that succeeded; 0 if there was none
 * async_sqlite_changes         how many rows the call has changed, also if more than INT_MAX
 * async_sqlite_error           SQLite's extended result code; 0 if there was no error
 * async_sqlite_error_text      the message of the error, at most 255 bytes; "" if there was none.
 *                              Valid until the next call on the connection. */
int64_t async_sqlite_last_insert_id(const async_sqlite *db);
int64_t async_sqlite_changes(const async_sqlite *db);
int async_sqlite_error(const async_sqlite *db);
const char *async_sqlite_error_text(const async_sqlite *db);

/* --- statements --- */

/* Execute SQL.
 *
 *   ASYNC_TRY(await_sqlite_exec(db, "update people set age = ? where name = ?", 37, "Ada"));
 *
 * db         the connection.
 * sql        one or more statements; with values, a single one. Rows that they return are ignored.
 *            Borrowed for the call.
 * ...        values for the parameters, see ASYNC_SQLITE_VALUE(); borrowed for the call.
 * values, n  the same as an array, and its length.
 * Returns    how many rows were inserted, updated or deleted, at most INT_MAX; a common error; or
 *            an SQL error. The first error ends the call. The statements before it stay executed,
 *            unless they are in a transaction that is rolled back.
 * Cancelled  as by an error. In a transaction, SQLite may have rolled back the whole transaction.
 * Suspends   until the statements are executed.
 * See also   await_sqlite_stmt_exec(), to execute the same statement many times. */
#define await_sqlite_exec(db, sql, ...)                                                            \
    await_sqlite_exec_values((db), (sql), ASYNC_SQLITE__VALUES(__VA_ARGS__))
int await_sqlite_exec_values(async_sqlite *db, const char *sql, const async_sqlite_value *values,
                             size_t n) ASYNC_CHECK;

/* A prepared statement. */
typedef struct async_sqlite_stmt async_sqlite_stmt;
typedef async_sqlite_stmt *async_sqlite_stmt_ptr;

/* Compile a statement, to execute it several times.
 *
 *   async_sqlite_stmt_auto insert = NULL;
 *   ASYNC_TRY(await_sqlite_prepare(db, "insert into numbers values (?)", &insert));
 *   for (int i = 0; i < 1000; i++)
 *       ASYNC_TRY(await_sqlite_stmt_exec(insert, i));
 *
 * db         the connection.
 * sql        a single statement; borrowed for the call.
 * ret        receives the statement, which is dropped with async_sqlite_stmt_drop(), before or
 *            after its connection is closed.
 * Returns    0; a common error; or an SQL error.
 * Suspends   until the statement is compiled. */
int await_sqlite_prepare(async_sqlite *db, const char *sql, async_sqlite_stmt **ret) ASYNC_CHECK;

/* Execute a prepared statement.
 *
 *   ASYNC_TRY(await_sqlite_stmt_exec(insert, 42));
 *
 * stmt       the statement.
 * ...        values for the parameters; values, n: the same as an array, and its length.
 * Returns    as await_sqlite_exec(); -EBUSY also if a query is reading rows of the statement.
 * Suspends   until the statement is executed. */
#define await_sqlite_stmt_exec(stmt, ...)                                                          \
    await_sqlite_stmt_exec_values((stmt), ASYNC_SQLITE__VALUES(__VA_ARGS__))
int await_sqlite_stmt_exec_values(async_sqlite_stmt *s, const async_sqlite_value *values,
                                  size_t n) ASYNC_CHECK;

/* Drop a prepared statement, and set *s to NULL. A call or a query that uses the statement is not
 * disturbed. May be called in a callback.
 *
 *   async_sqlite_stmt_drop(&insert);
 *
 * s          the statement. If *s is NULL, there is nothing to do. On another thread the statement
 *            is not dropped, and a message is printed to stderr.
 * Suspends   no. */
void async_sqlite_stmt_drop(async_sqlite_stmt **s);

/* Declare prepared statements that are dropped at the end of their block. */
#define async_sqlite_stmt_auto ASYNC_AUTO(async_sqlite_stmt_drop) async_sqlite_stmt_ptr

/* --- queries --- */

/* The generator that async_sqlite_query() makes; its members are private. */
typedef struct async_sqlite_rows {
    async_gen gen;
    const async_sqlite_row **item;
} async_sqlite_rows;

/* Iterate over the rows of a query, or of a prepared statement.
 *
 *   await_for_each (r, row, async_sqlite_query(db, "select name from people where age > ?", 30))
 *       puts(async_sqlite_text(row, "name"));
 *
 * db, sql    the connection, and a single statement.
 * stmt       the prepared statement.
 * ...        values for the parameters; values, n: the same as an array, and its length. They and
 *            sql are borrowed until the first row has come.
 * Returns    a generator for await_for_each (gen.h). row is a const async_sqlite_row *, valid until
 *            the next row; r receives 0, a common error or an SQL error. -EBUSY also if another
 *            query is reading rows of the prepared statement.
 * Cancelled  ends the statement. A statement that writes may have been executed nevertheless.
 * Suspends   no; the loop suspends at each iteration.
 *
 * Rows are fetched in batches: up to 256 rows, 64 KiB, or what has come after 10 ms. Between two
 * batches the connection is free for other tasks, and for the body of the loop. It is undefined
 * whether the query sees what they change. Until the last row was fetched or the loop is left, the
 * database is locked for reading.
 *
 * A statement that writes (INSERT ... RETURNING) is executed to its end before the first row.
 * Leaving the loop early does not undo it.
 *
 * In a transaction block (see below), a query belongs to the task that has made it. */
#define async_sqlite_query(db, sql, ...)                                                           \
    async_sqlite_query_values((db), (sql), ASYNC_SQLITE__VALUES(__VA_ARGS__))
#define async_sqlite_stmt_query(stmt, ...)                                                         \
    async_sqlite_stmt_query_values((stmt), ASYNC_SQLITE__VALUES(__VA_ARGS__))
async_sqlite_rows async_sqlite_query_values(async_sqlite *db, const char *sql,
                                            const async_sqlite_value *values, size_t n) ASYNC_CHECK;
async_sqlite_rows async_sqlite_stmt_query_values(async_sqlite_stmt *s,
                                                 const async_sqlite_value *values,
                                                 size_t n) ASYNC_CHECK;

/* --- transactions --- */

/* Options of a transaction. */
struct async_sqlite_transaction_opts {
    size_t struct_size; /* set by the macro */
    bool deferred;      /* BEGIN DEFERRED: lock the database with the first statement that reads or
                         * writes; a write may then fail with -EBUSY at once. Default: BEGIN
                         * IMMEDIATE, which waits for the right to write; DEFERRED for a connection
                         * that is .readonly */
};

/* Execute a block as a transaction: a context manager for await_with.
 *
 *   await_with (r, async_sqlite_transaction(db)) {
 *       ASYNC_TRY(await_sqlite_exec(db, "update wallet set coins = coins - ? where id = ?", 5, 1));
 *       ASYNC_TRY(await_sqlite_exec(db, "update wallet set coins = coins + ? where id = ?", 5, 2));
 *   }
 *
 * The transaction is committed if the block is left with r >= 0 at its end, by break or by
 * continue, or by ASYNC_RETURN with a value >= 0. It is rolled back if r or the value is an error,
 * if the block is left by ASYNC_TRY or a bare return, or if the task is cancelled in it. If the
 * commit fails, it is rolled back, and r receives the error.
 *
 * db         the connection.
 * ...        options: members of struct async_sqlite_transaction_opts.
 * Returns    the context manager. r receives a common error, an SQL error of BEGIN or COMMIT, or
 *            -ESTALE as below.
 * Suspends   no; await_with suspends until no other task uses the connection, and until the
 *            transaction is committed or rolled back.
 *
 * In the block, the connection belongs to the task that has entered it, and to queries that this
 * task has made. Other tasks, also those that the block starts, and generators, wait for its end;
 * so do not wait for them inside it.
 *
 * A block inside a block of the same task is a savepoint: only its own changes are rolled back.
 *
 * SQLite ends a transaction when some statements in it fail or are cancelled, and SQL can end it,
 * too. Then every further call in the block fails with -ESTALE, and so does its end. */
#define async_sqlite_transaction(db, ...)                                                          \
    async_sqlite_transaction_opt(                                                                  \
            (db), ASYNC__OPTS(struct async_sqlite_transaction_opts,                                \
                              .struct_size = sizeof(struct async_sqlite_transaction_opts),         \
                              __VA_ARGS__))
async_context_manager async_sqlite_transaction_opt(
        async_sqlite *db, const struct async_sqlite_transaction_opts *opts) ASYNC_CHECK;

/* --- pools --- */

/* A pool of connections to one database, each lent to one task at a time. */
typedef struct async_sqlite_pool async_sqlite_pool;
typedef async_sqlite_pool *async_sqlite_pool_ptr;

/* Make a pool of connections. They are opened when they are needed, and stay open.
 *
 *   await_sqlite_pool_auto pool = NULL;
 *   ASYNC_TRY(async_sqlite_pool_open("people.db", 8, &pool, .wal = true));
 *
 * path, ...  as for await_sqlite_open(); copied. Each connection to a database in memory has a
 *            database of its own.
 * max        how many connections there are at most, up to 1,000,000; 0: 4.
 * ret        receives the pool, which is closed with await_sqlite_pool_close().
 * Returns    0; -EINVAL if max is too large; -ENOMEM; -EPERM in a child of fork() whose parent had
 *            a connection open.
 * Suspends   no. */
#define async_sqlite_pool_open(path, max, ret, ...)                                                \
    async_sqlite_pool_open_opt((path), (max), ASYNC_SQLITE__OPTS(__VA_ARGS__), (ret))
int async_sqlite_pool_open_opt(const char *path, unsigned max, const struct async_sqlite_opts *opts,
                               async_sqlite_pool **ret) ASYNC_CHECK;

/* Borrow a connection from a pool for a block: a context manager for await_with.
 *
 *   async_sqlite *db = NULL;
 *   await_with (r, async_sqlite_pool_context_manager(pool, &db))
 *       r = await_sqlite_exec(db, "delete from people");
 *
 * pool       the pool.
 * ret        receives the connection; NULL again after the block. It cannot be closed in the block,
 *            nor may a copy of the pointer be used after it.
 * Returns    the context manager; r receives a common error, or an error of await_sqlite_open().
 * Suspends   no; await_with suspends until a connection is free. Tasks wait for one in a queue,
 *            first come, first served. At the end of the block it suspends until other tasks have
 *            ended their calls and transactions on the connection; then a transaction that SQL has
 *            begun is rolled back. */
#define async_sqlite_pool_hold async_sqlite_pool_context_manager /* its name before 0.2 */
async_context_manager async_sqlite_pool_context_manager(async_sqlite_pool *pool, async_sqlite **ret)
        ASYNC_CHECK;

/* Close a pool as soon as all connections have been returned, and set *pool to NULL. Tasks that
 * wait for a connection receive -EPIPE.
 *
 *   ASYNC_TRY(await_sqlite_pool_close(&pool));
 *
 * pool       the pool. If pool or *pool is NULL, there is nothing to do.
 * Returns    0. -EBUSY if the calling task has borrowed a connection, -EPERM as above; then the
 *            pool stays as it is. -EPIPE if another task is closing it already; *pool is then NULL.
 * Cancelled  the pool is closed nevertheless: the call is shielded.
 * Suspends   until all connections have been returned and closed. */
int await_sqlite_pool_close(async_sqlite_pool **pool);

/* Declare pools that are closed at the end of their block. await_sqlite_pool_drop() is
 * await_sqlite_pool_close(), except that it prints an error to stderr. */
#define await_sqlite_pool_auto ASYNC_AUTO(await_sqlite_pool_drop) async_sqlite_pool_ptr
void await_sqlite_pool_drop(async_sqlite_pool **pool);

/* --- behind the macros --- */

#define ASYNC_SQLITE__OPTS(...)                                                                    \
    ASYNC__OPTS(struct async_sqlite_opts, .struct_size = sizeof(struct async_sqlite_opts),         \
                __VA_ARGS__)

ASYNC_END_DECLS

#endif
