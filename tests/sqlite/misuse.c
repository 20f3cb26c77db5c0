/* SPDX-License-Identifier: MIT */
/* What is misuse and must be refused, and what comes at a bad moment. */
#include "sqlite_test.h"

#include <semaphore.h>

CASE(a_pools_connection_is_not_closed_in_its_block)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_hold(pool, &db)) {
        is(await_sqlite_close(&db), -EBUSY);
        has_text(async_fail_text(-EBUSY), "connection belongs to a pool");
        await_sqlite_drop(&db);
        has_text(heard(), "await_sqlite_drop: connection belongs to a pool");
        is_number(db, "select 5", 5);
    }
    ok(r);
    await_with (r, async_sqlite_pool_hold(pool, &db))
        is_number(db, "select 6", 6);
    return r;
}

/* --- a statement that is dropped while its connection closes --- */

static sem_t closing, dropped;

static void wait_while_closing(void *arg)
{
    (void)arg;
    sem_post(&closing);
    sem_wait(&dropped);
}

static void as_is(sqlite3_context *c, int n, sqlite3_value **values)
{
    (void)c, (void)n, (void)values;
}

/* Its destructor is called while the connection is being closed. */
static int add_function(sqlite3 *db, char **why, const void *api)
{
    (void)why, (void)api;
    return sqlite3_create_function_v2(db, "as_is", 0, SQLITE_UTF8, NULL, as_is, NULL, NULL,
                                      wait_while_closing);
}

ASYNC_DEF(closes, (async_sqlite **)db)
{
    return await_sqlite_close(db);
}

CASE(a_statement_dropped_while_its_connection_closes)
{
    async_sqlite *db = NULL;
    async_sqlite_stmt *s = NULL;
    ok(sqlite3_initialize());
    sqlite3_int64 used = sqlite3_memory_used();
    sem_init(&closing, 0, 0);
    sem_init(&dropped, 0, 0);
    ok(sqlite3_auto_extension((void (*)(void))add_function));
    ok(await_sqlite_open(NULL, &db));
    sqlite3_reset_auto_extension();
    ok(await_sqlite_prepare(db, "select as_is()", &s));
    await_task_auto t = async_create_task(closes(&db));
    ok(await_sleep(0));
    ok(sem_wait(&closing));
    async_sqlite_stmt_drop(&s);
    sem_post(&dropped);
    ok(await_task(t));
    is(sqlite3_memory_used(), used);
    return 0;
}

/* --- what was closed --- */

static int await_query(async_sqlite_rows rows)
{
    int r;
    await_for_each (r, row, rows)
        (void)row;
    return r;
}

CASE(what_was_closed_is_null_and_says_so)
{
    int r;
    async_sqlite *db = NULL, *lent = NULL;
    async_sqlite_stmt *s = NULL;
    async_sqlite_pool *pool = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(await_sqlite_close(&db));
    ok(await_sqlite_close(&db));
    ok(await_sqlite_close(NULL));
    is(await_sqlite_exec(db, "select 1"), -EPIPE);
    is_text(async_fail_text(-EPIPE), "connection is NULL: it was closed, or never opened");
    is(await_sqlite_prepare(db, "select 1", &s), -EPIPE);
    is(await_query(async_sqlite_query(db, "select 1")), -EPIPE);
    await_with (r, async_sqlite_transaction(db))
        ck_abort_msg("in a transaction of nothing");
    is(r, -EPIPE);
    is(await_sqlite_stmt_exec(s), -EPIPE);
    is_text(async_fail_text(-EPIPE), "statement is NULL: it was closed, or never opened");
    is(await_query(async_sqlite_stmt_query(s)), -EPIPE);
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    ok(await_sqlite_pool_close(&pool));
    ok(await_sqlite_pool_close(&pool));
    ok(await_sqlite_pool_close(NULL));
    await_with (r, async_sqlite_pool_hold(pool, &lent))
        ck_abort_msg("a connection of nothing");
    is(r, -EPIPE);
    is_text(async_fail_text(-EPIPE), "pool is NULL: it was closed, or never opened");
    return 0;
}

SUITE("sqlite-misuse", what_was_closed_is_null_and_says_so,
      a_pools_connection_is_not_closed_in_its_block, a_statement_dropped_while_its_connection_closes)
