/* SPDX-License-Identifier: MIT */
/* abandoned.c - tasks that are abandoned with their loop: the next loop can use the connection that
 * they had, and their transactions are rolled back. */
#include "sqlite_test.h"

static async_sqlite *db;
static async_sqlite_pool *pool;

/* A deadlock that cannot be cancelled: the loop abandons this task. */
static int await_never(void)
{
    int r;
    async_event never = { 0 };
    await_shield (r)
        r = await_event_wait(&never);
    return r;
}

static void run_to_deadlock(async_co co)
{
    capture_stderr_begin();
    expect_int(async_run(co, .virtual_clock = true), -EDEADLK);
    capture_stderr_end(); /* the report is not of interest here */
}

/* In each loop main has the number 1. The next main must not be taken for the owner of this
 * transaction. */
ASYNC_DEF(never_end_transaction)
{
    int r, s;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    await_with (r, async_sqlite_transaction(db)) {
        await_with (s, async_sqlite_transaction(db)) {
            expect_int(await_sqlite_exec(db, "insert into t values (1)"), 1);
            s = await_never();
        }
        r = s;
    }
    return r;
}

ASYNC_DEF(use_after_transaction)
{
    int r;
    expect_int(await_sqlite_exec(db, "insert into t values (2)"), 1);
    await_with (r, async_sqlite_transaction(db))
        expect_int(await_sqlite_exec(db, "insert into t values (3)"), 1);
    expect_ok(r);
    expect_number(db, "select group_concat(x) = '2,3' from t", 1);
    return await_sqlite_close(&db);
}

TEST(abandoned_transaction_is_rolled_back_in_next_loop)
{
    run_to_deadlock(never_end_transaction());
    expect_run_ok(use_after_transaction());
}

ASYNC_DEF(close_connection)
{
    return await_sqlite_close(&db);
}

TEST(connection_with_abandoned_transaction_can_be_closed)
{
    run_to_deadlock(never_end_transaction());
    expect_run_ok(close_connection());
}

ASYNC_DEF(never_end_query)
{
    int r;
    expect_ok(await_sqlite_open(new_file(), &db,
                                .init = "create table t (x); insert into t values (1)"));
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n cross join t"))
        ASYNC_TRY(await_never());
    return r;
}

ASYNC_DEF(write_after_query)
{
    await_sqlite_auto other = NULL;
    expect_ok(await_sqlite_open(file, &other, .busy_timeout = -1));
    expect_int(await_sqlite_exec(other, "insert into t values (2)"), -EBUSY);
    expect_number(db, "select 5", 5);
    expect_int(await_sqlite_exec(other, "insert into t values (2)"), 1);
    return await_sqlite_close(&db);
}

TEST(abandoned_query_gives_lock_back_in_next_loop)
{
    run_to_deadlock(never_end_query());
    expect_run_ok(write_after_query());
}

/* A transaction that SQL has begun does not belong to a task, so it continues. */
ASYNC_DEF(begin_by_sql)
{
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    expect_int(await_sqlite_exec(db, "begin; insert into t values (1)"), 1);
    return 0;
}

ASYNC_DEF(commit_by_sql)
{
    expect_ok(await_sqlite_exec(db, "commit"));
    expect_number(db, "select count(*) from t", 1);
    return await_sqlite_close(&db);
}

TEST(transaction_begun_by_sql_continues_in_next_loop)
{
    expect_run_ok(begin_by_sql());
    expect_run_ok(commit_by_sql());
}

ASYNC_DEF(never_return_connection)
{
    int r;
    async_sqlite *lent = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool, .init = "create table t (x)"));
    await_with (r, async_sqlite_pool_context_manager(pool, &lent)) {
        expect_int(await_sqlite_exec(lent, "insert into t values (1)"), 1);
        await_with (r, async_sqlite_transaction(lent)) {
            expect_int(await_sqlite_exec(lent, "insert into t values (2)"), 1);
            r = await_never();
        }
    }
    return r;
}

ASYNC_DEF(borrow_again)
{
    int r;
    async_sqlite *lent = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &lent))
        expect_number(lent, "select group_concat(x) = '1' from t", 1);
    expect_ok(r);
    return await_sqlite_pool_close(&pool);
}

TEST(abandoned_connection_is_lent_again_in_next_loop)
{
    run_to_deadlock(never_return_connection());
    expect_run_ok(borrow_again());
}

ASYNC_DEF(close_pool)
{
    return await_sqlite_pool_close(&pool);
}

TEST(pool_with_abandoned_connection_can_be_closed)
{
    run_to_deadlock(never_return_connection());
    expect_run_ok(close_pool());
}

/* The statement has no end; it is interrupted when the next loop uses the connection. */
ASYNC_DEF(count_for_ever)
{
    return await_sqlite_exec(db, FOR_EVER "select count(*) from n");
}

ASYNC_DEF(never_await_statement)
{
    int r;
    expect_ok(await_sqlite_open(NULL, &db));
    await_shield (r)
        r = await_count_for_ever();
    return r;
}

ASYNC_DEF(leave_statement_running)
{
    async_spawn(async_background(), never_await_statement());
    return await_sleep(1);
}

ASYNC_DEF(use_after_statement)
{
    expect_number(db, "select 5", 5);
    return await_sqlite_close(&db);
}

TEST(abandoned_statement_is_interrupted_in_next_loop)
{
    capture_stderr_begin();
    expect_int(async_run(leave_statement_running(), .virtual_clock = true, .shutdown_timeout = 1),
               -ETIME);
    capture_stderr_end();
    expect_run_ok(use_after_statement());
}

SUITE("sqlite-abandoned", abandoned_transaction_is_rolled_back_in_next_loop,
      connection_with_abandoned_transaction_can_be_closed,
      abandoned_query_gives_lock_back_in_next_loop, transaction_begun_by_sql_continues_in_next_loop,
      abandoned_connection_is_lent_again_in_next_loop, pool_with_abandoned_connection_can_be_closed,
      abandoned_statement_is_interrupted_in_next_loop)
