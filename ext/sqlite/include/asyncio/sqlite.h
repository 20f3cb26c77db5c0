/* SPDX-License-Identifier: MIT */
/* sqlite.h - SQLite databases: connections with a thread each, rows by async iteration, transactions, pools.
 *
 *   await_sqlite_auto db = NULL;
 *   ASYNC_TRY(await_sqlite_open("people.db", &db, .wal = true));
 *   ASYNC_TRY(await_sqlite_exec(db, "insert into people values (?, ?)", "Ada", 36));
 *   await_for_each (r, row, async_sqlite_query(db, "select name from people where age > ?", 30))
 *       puts(async_sqlite_text(row, "name"));
 *
 * SQLite blocks: so each connection has a thread, which does one thing at a time; the tasks that want something of it
 * stand in a line, first come first served. A cancelled call interrupts its statement, and returns when the thread has let
 * go of all that it was given: what was done nevertheless is the result, and the next await_ fails; else -ECANCELED, and
 * the statement has changed nothing. The connection stays usable. A connection, its statements and a pool belong to the
 * thread on which they were opened; on another, and in a child of fork(): -EPERM. The memory is SQLite's (sqlite3_malloc()).
 *
 * Errors, with SQLite's own sentence (async_fail_text()); async_sqlite_error() has the number:
 *   -EEXIST     a unique column has that value already (UNIQUE, PRIMARY KEY)
 *   -EDOM       another constraint (NOT NULL, CHECK, FOREIGN KEY), a value of the wrong type
 *   -EINVAL     a mistake in the SQL: its text, a name in it, the number of values
 *   -EBUSY      another connection has the database locked, and .busy_timeout has passed; at once: a query of this one
 *               is reading the table that is to go
 *   -EROFS      the database, or this connection, is read-only
 *   -EACCES     no permission      -ENOENT     no such file      -EBADMSG    no database, or a damaged one
 *   -ENOSPC     the disk is full   -EIO        the disk fails    -EFBIG      a text, a blob or a file is too large
 *   -ESTALE     the transaction is over before its block is: see there
 *   -EPIPE      the connection, or the pool, was closed: also NULL, which closing leaves behind
 *   -ENOMEM, -EMFILE, -EAGAIN (no thread) and the like, of this process */
#ifndef ASYNCIO_SQLITE_H
#define ASYNCIO_SQLITE_H

#include <asyncio/co.h>
#include <asyncio/gen.h>

ASYNC_BEGIN_DECLS

/* --- values --- */

enum async_sqlite_type {
    ASYNC_SQLITE_NULL,
    ASYNC_SQLITE_INT64,
    ASYNC_SQLITE_DOUBLE, /* NaN is bound as NULL: SQLite has none */
    ASYNC_SQLITE_TEXT, /* UTF-8; may have a NUL inside, see size */
    ASYNC_SQLITE_BLOB,
};

/* A value, to be bound to a ? or read from a column. Binding borrows what it points to for the call, a query until its
 * first row has come. In a row a NUL follows the bytes, and they live as long as the row. */
typedef struct async_sqlite_value {
    enum async_sqlite_type type;
    size_t size; /* of text and blob, bytes; SIZE_MAX: as far as the NUL */
    union {
        int64_t i;
        double d;
        const void *p;
    } u;
} async_sqlite_value;

ASYNC_UNUSED static inline async_sqlite_value async_sqlite_bytes(const void *blob, size_t size)
{
    async_sqlite_value v = { ASYNC_SQLITE_BLOB, size, { 0 } };
    v.u.p = blob;
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_chars(const char *text, size_t size)
{
    async_sqlite_value v = { text ? ASYNC_SQLITE_TEXT : ASYNC_SQLITE_NULL, text ? size : 0, { 0 } };
    v.u.p = text;
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_null(void)
{
    async_sqlite_value v = { ASYNC_SQLITE_NULL, 0, { 0 } };
    return v;
}

/* What the calls with ... make of their arguments, at most 16: integers, doubles, strings (NULL is SQL's NULL), and
 * async_sqlite_value, of the three functions above or of a row. An unsigned one above INT64_MAX: -ERANGE; another
 * pointer is refused by the compiler. Values stand for the ? in their order; ?3 is the third, :name where it stands
 * first. As many as the statement has, else -EINVAL. */
#define ASYNC_SQLITE_VALUE(x)                                                                      \
    _Generic((x),                                                                                  \
            async_sqlite_value: async_sqlite_of_value,                                             \
            char *: async_sqlite_of_text,                                                          \
            const char *: async_sqlite_of_text,                                                    \
            float: async_sqlite_of_double,                                                         \
            double: async_sqlite_of_double,                                                        \
            long double: async_sqlite_of_long_double,                                              \
            unsigned long: async_sqlite_of_unsigned,                                               \
            unsigned long long: async_sqlite_of_unsigned,                                          \
            void *: async_sqlite_of_null,                                                          \
            default: async_sqlite_of_int)(x)

/* --- connections --- */

typedef struct async_sqlite async_sqlite;

struct async_sqlite_opts { /* strings are borrowed until the connection is open; a pool copies them */
    size_t struct_size;  /* the macros set it */
    bool readonly;       /* the file must be there, and is not written */
    bool must_exist;     /* do not make the file */
    int flags;           /* more of <sqlite3.h>'s SQLITE_OPEN_..., or'ed to those */
    double busy_timeout; /* how long a statement waits for another connection's lock; seconds, default 5;
                          * negative: not at all */
    bool wal;            /* journal_mode = wal: readers and one writer at a time do not block each other */
    bool foreign_keys;   /* foreign_keys = on */
    const char *init;    /* SQL, executed at last */
};

/* Open path, a file; ":memory:" or NULL: a database in memory, of this connection alone; "": one on disk that goes with
 * the connection. A file is looked at only when it must be: -EBADMSG may come later, but with .wal. Suspends: yes. */
#define await_sqlite_open(path, ret, ...)                                                          \
    await_sqlite_open_opt((path), ASYNC_SQLITE__OPTS(__VA_ARGS__), (ret))
int await_sqlite_open_opt(const char *path, const struct async_sqlite_opts *opts,
                          async_sqlite **ret) ASYNC_CHECK;

/* Close it and set *db to NULL, when it is our turn, in any case: 0. A transaction that SQL has begun is rolled back;
 * who still stands in the line, and every later call of its statements and queries, gets -EPIPE. Inside of its own
 * await_with block of a transaction it is refused, as is one that a pool has lent: -EBUSY. NULL, as db or
 * as *db: nothing to do. Suspends, shielded. */
int await_sqlite_close(async_sqlite **db);

/* await_sqlite_auto db = NULL: closed where its block ends, as above. */
#define await_sqlite_auto ASYNC_AUTO(await_sqlite_drop) async_sqlite *
void await_sqlite_drop(async_sqlite **db);

/* await_with (r, async_sqlite_hold(&db, "people.db", .wal = true)) { }    opened, and closed on every way out. */
#define async_sqlite_hold(ret, path, ...)                                                          \
    async_sqlite_hold_opt((ret), (path), ASYNC_SQLITE__OPTS(__VA_ARGS__))
async_hold async_sqlite_hold_opt(async_sqlite **ret, const char *path,
                                 const struct async_sqlite_opts *opts) ASYNC_CHECK;

/* Of the last call on the connection that has returned: the rowid that the latest INSERT made; how many rows it changed,
 * also beyond INT_MAX; SQLite's extended result code, 0 if it was content, and its sentence, up to 255 bytes. Other
 * tasks' calls count: ask before you suspend again. */
int64_t async_sqlite_last_insert_id(const async_sqlite *db);
int64_t async_sqlite_changes(const async_sqlite *db);
int async_sqlite_error(const async_sqlite *db);
const char *async_sqlite_error_text(const async_sqlite *db);

/* --- statements --- */

/* Execute sql: how many rows it inserted, updated or deleted, at most INT_MAX. Rows that it yields are passed over. It
 * may be several statements if there are no values; the first error ends it, or a cancel, and those before stay done
 * unless they are in a transaction. Suspends: yes. Cancelled: see above; in a transaction SQLite may have
 * rolled all of it back. */
#define await_sqlite_exec(db, sql, ...)                                                            \
    await_sqlite_exec_values((db), (sql), ASYNC_SQLITE__VALUES(__VA_ARGS__))
int await_sqlite_exec_values(async_sqlite *db, const char *sql, const async_sqlite_value *values,
                             size_t n) ASYNC_CHECK;

/* A statement that is compiled once. It may be dropped before or after its connection is closed. */
typedef struct async_sqlite_stmt async_sqlite_stmt;
int await_sqlite_prepare(async_sqlite *db, const char *sql, async_sqlite_stmt **ret) ASYNC_CHECK;

/* async_sqlite_stmt_auto s = NULL: given up where its block ends. */
#define async_sqlite_stmt_auto ASYNC_AUTO(async_sqlite_stmt_drop) async_sqlite_stmt *
void async_sqlite_stmt_drop(async_sqlite_stmt **s);

/* As await_sqlite_exec(). -EBUSY: a query is reading its rows. */
#define await_sqlite_stmt_exec(stmt, ...)                                                          \
    await_sqlite_stmt_exec_values((stmt), ASYNC_SQLITE__VALUES(__VA_ARGS__))
int await_sqlite_stmt_exec_values(async_sqlite_stmt *s, const async_sqlite_value *values,
                                  size_t n) ASYNC_CHECK;

/* --- rows --- */

typedef struct async_sqlite_row async_sqlite_row;

/* What async_sqlite_query() makes; its members are the library's. */
typedef struct async_sqlite_rows {
    async_gen gen;
    const async_sqlite_row **item;
} async_sqlite_rows;

/* await_for_each (r, row, async_sqlite_query(db, sql, values...)) { }    row: a const async_sqlite_row *, valid until the
 * next one. sql is one statement, borrowed, as the values are, until the first row has come. The rows come from the
 * thread in batches: up to 256 of them, 64 KiB, or what there is after 10 ms; the next batch is fetched when this one is
 * used up. Between batches the connection is free for others, and for the body: whether the query sees what they
 * change is undefined, but each row comes whole. While it is being read, the database is locked for reading.
 * r: 0, or an error as above; -EBUSY: another query reads the rows of this statement. */
#define async_sqlite_query(db, sql, ...)                                                           \
    async_sqlite_query_values((db), (sql), ASYNC_SQLITE__VALUES(__VA_ARGS__))
#define async_sqlite_stmt_query(stmt, ...)                                                         \
    async_sqlite_stmt_query_values((stmt), ASYNC_SQLITE__VALUES(__VA_ARGS__))
async_sqlite_rows async_sqlite_query_values(async_sqlite *db, const char *sql,
                                            const async_sqlite_value *values, size_t n) ASYNC_CHECK;
async_sqlite_rows async_sqlite_stmt_query_values(async_sqlite_stmt *s,
                                                 const async_sqlite_value *values,
                                                 size_t n) ASYNC_CHECK;

/* column: a number, from 0, or a name. int64 and double turn numbers into each other (int64: towards 0, at most the
 * limits); text and blob are not numbers: for another type 0, and NULL. text: with a NUL behind it; blob: a text's
 * bytes too; size: how many bytes. A column that is not there is NULL, and named on stderr. */
#define async_sqlite_int64(row, column)  async_sqlite_value_int64(async_sqlite_get(row, column))
#define async_sqlite_double(row, column) async_sqlite_value_double(async_sqlite_get(row, column))
#define async_sqlite_text(row, column)   async_sqlite_value_text(async_sqlite_get(row, column))
#define async_sqlite_blob(row, column)   async_sqlite_value_blob(async_sqlite_get(row, column))
#define async_sqlite_size(row, column)   (async_sqlite_get(row, column).size)
#define async_sqlite_type(row, column)   (async_sqlite_get(row, column).type)
#define async_sqlite_get(row, column)                                                              \
    _Generic((column), char *: async_sqlite_named, const char *: async_sqlite_named,               \
             default: async_sqlite_at)((row), (column))
async_sqlite_value async_sqlite_at(const async_sqlite_row *row, int column);
async_sqlite_value async_sqlite_named(const async_sqlite_row *row, const char *column);
int64_t async_sqlite_value_int64(async_sqlite_value v);
double async_sqlite_value_double(async_sqlite_value v);
const char *async_sqlite_value_text(async_sqlite_value v);
const void *async_sqlite_value_blob(async_sqlite_value v);

/* How many columns; a column's name, or NULL; its number by its name, as SQL compares names, or -ENOENT. */
int async_sqlite_columns(const async_sqlite_row *row);
const char *async_sqlite_column_name(const async_sqlite_row *row, int column);
int async_sqlite_column(const async_sqlite_row *row, const char *name);

/* --- transactions --- */

struct async_sqlite_transaction_opts {
    size_t struct_size;
    bool deferred; /* BEGIN DEFERRED: lock when something is read or written, and perhaps fail there with -EBUSY at
                    * once. Default: IMMEDIATE, which waits for the right to write at the beginning; with a connection
                    * that is .readonly: deferred */
};

/* await_with (r, async_sqlite_transaction(db)) { }    committed if the block is left with r >= 0 by its end, break or
 * continue; rolled back if r is an error, by ASYNC_TRY, by a cancel, and by a bare return, which carries no verdict. An
 * error of the commit is the verdict, and then it is rolled back.
 * The connection is the task's that is in the block, and of the queries which it makes: other tasks, its children too,
 * wait for the end of the block, so do not wait for them in it. A block inside of one, in the same task, is a
 * savepoint. A statement that SQLite ends together with the transaction (a cancelled or failed one may), and SQL that
 * ends it, leave the block without one: then every call in it gets -ESTALE, and so does its end. */
#define async_sqlite_transaction(db, ...)                                                          \
    async_sqlite_transaction_opt(                                                                  \
            (db), &(const struct async_sqlite_transaction_opts){                                   \
                          .struct_size = sizeof(struct async_sqlite_transaction_opts), __VA_ARGS__ })
async_hold async_sqlite_transaction_opt(async_sqlite *db,
                                        const struct async_sqlite_transaction_opts *opts) ASYNC_CHECK;

/* --- pools --- */

typedef struct async_sqlite_pool async_sqlite_pool;

/* Make a pool of at most max connections to path, with these options; 0 is 4. They are opened when they are needed, and
 * stay open. In memory each has a database of its own. 0; -ENOMEM; -EINVAL: more than a million. Does not suspend. */
#define async_sqlite_pool_open(path, max, ret, ...)                                                \
    async_sqlite_pool_open_opt((path), (max), ASYNC_SQLITE__OPTS(__VA_ARGS__), (ret))
int async_sqlite_pool_open_opt(const char *path, unsigned max, const struct async_sqlite_opts *opts,
                               async_sqlite_pool **ret) ASYNC_CHECK;

/* Close it when all connections are back, and set *pool to NULL: 0. Who waits for one gets -EPIPE. -EBUSY: this task
 * has one. NULL, as pool or as *pool: nothing to do. Suspends, shielded. */
int await_sqlite_pool_close(async_sqlite_pool **pool);

/* await_sqlite_pool_auto pool = NULL: closed where its block ends. */
#define await_sqlite_pool_auto ASYNC_AUTO(await_sqlite_pool_drop) async_sqlite_pool *
void await_sqlite_pool_drop(async_sqlite_pool **pool);

/* await_with (r, async_sqlite_pool_hold(pool, &db)) { }    a connection of the pool, ours in the block; waits until one is
 * free, first come first served. *ret is NULL again behind it. A transaction that SQL has begun and not ended is rolled
 * back. */
async_hold async_sqlite_pool_hold(async_sqlite_pool *pool, async_sqlite **ret) ASYNC_CHECK;

/* --- behind the macros --- */

#define ASYNC_SQLITE__OPTS(...)                                                                    \
    &(const struct async_sqlite_opts){ .struct_size = sizeof(struct async_sqlite_opts), __VA_ARGS__ }

ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_value(async_sqlite_value v)
{
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_int(int64_t i)
{
    async_sqlite_value v = { ASYNC_SQLITE_INT64, 0, { 0 } };
    v.u.i = i;
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_double(double d)
{
    async_sqlite_value v = { ASYNC_SQLITE_DOUBLE, 0, { 0 } };
    v.u.d = d;
    return v;
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_long_double(long double d)
{
    return async_sqlite_of_double((double)d); /* SQLite has no larger type */
}
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_text(const char *text)
{
    return async_sqlite_chars(text, SIZE_MAX);
}
/* SIZE_MAX here: it does not fit. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_unsigned(uint64_t u)
{
    async_sqlite_value v = async_sqlite_of_int((int64_t)u);
    v.size = u > INT64_MAX ? SIZE_MAX : 0;
    return v;
}
/* NULL itself. */
ASYNC_UNUSED static inline async_sqlite_value async_sqlite_of_null(const void *p)
{
    async_sqlite_value v = { ASYNC_SQLITE_NULL, p ? SIZE_MAX : 0, { 0 } };
    return v;
}

/* An array of values with one more behind them, and how many they are. */
#define ASYNC_SQLITE__VALUES(...)                                                                  \
    (const async_sqlite_value[]){ ASYNC__CAT(ASYNC_SQLITE__MAP_, ASYNC_SQLITE__COUNT(__VA_ARGS__))(__VA_ARGS__){ \
            ASYNC_SQLITE_NULL, 0, { 0 } } },                                                       \
            ASYNC_SQLITE__COUNT(__VA_ARGS__)
#define ASYNC_SQLITE__COUNT(...)                                                                   \
    ASYNC_SQLITE__COUNT_(0, ##__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define ASYNC_SQLITE__COUNT_(z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count
#define ASYNC_SQLITE__MAP_0()
#define ASYNC_SQLITE__MAP_1(a)       ASYNC_SQLITE_VALUE(a),
#define ASYNC_SQLITE__MAP_2(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_1(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_3(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_2(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_4(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_3(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_5(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_4(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_6(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_5(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_7(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_6(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_8(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_7(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_9(a, ...)  ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_8(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_10(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_9(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_11(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_10(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_12(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_11(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_13(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_12(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_14(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_13(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_15(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_14(__VA_ARGS__)
#define ASYNC_SQLITE__MAP_16(a, ...) ASYNC_SQLITE_VALUE(a), ASYNC_SQLITE__MAP_15(__VA_ARGS__)

ASYNC_END_DECLS

#endif
