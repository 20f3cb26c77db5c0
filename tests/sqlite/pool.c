/* SPDX-License-Identifier: MIT */
/* pool.c - pools: lend connections, wait for one, take them back, close. */
#include "sqlite_test.h"

#include <limits.h>

/* --- lending --- */

static int lent, most;

ASYNC_DEF(insert_by_pool, (async_sqlite_pool *)pool, (int)i)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
        most = ++lent > most ? lent : most;
        await_with (r, async_sqlite_transaction(db))
            r = await_sqlite_exec(db, "insert into t values (?)", i);
        lent--;
    }
    expect_true(!db);
    return r < 0 ? r : 0;
}

LOOP_TEST(pool_never_lends_more_than_its_size)
{
    static const char create_table[] = "pragma synchronous = off; create table if not exists t (x)";
    int r, n = reduced_count(200);
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(new_file(), 4, &pool, .wal = true, .busy_timeout = 60,
                                     .init = create_table));
    await_group (r, g) {
        for (int i = 0; i < n; i++)
            async_spawn(g, insert_by_pool(pool, i));
    }
    expect_ok(r);
    expect_true(most <= 4);
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_number(db, "select count(distinct x) from t", n);
    expect_ok(r);
    return 0;
}

ASYNC_DEF(keep_until_all_have_one, (async_sqlite_pool *)pool, (async_barrier *)all)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        r = await_barrier_wait(all);
    return r < 0 ? r : 0;
}

LOOP_TEST(pool_lends_all_its_connections_at_once)
{
    int r;
    async_barrier all = ASYNC_BARRIER(4);
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 4, &pool));
    await_group (r, g) {
        for (int i = 0; i < 4; i++)
            async_spawn(g, keep_until_all_have_one(pool, &all));
    }
    return r;
}

LOOP_TEST(pool_lends_returned_connection_again)
{
    int r;
    async_sqlite *db = NULL, *first = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        first = db;
    expect_ok(r);
    expect_true(!db);
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_true(db == first);
    return r;
}

LOOP_TEST(transaction_begun_by_sql_is_rolled_back_at_return)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_int(await_sqlite_exec(db, "create table t (x); begin; insert into t values (1)"), 1);
    expect_ok(r);
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_number(db, "select count(*) from t", 0);
    return r;
}

LOOP_TEST(timeout_while_waiting_for_connection_leaves_pool_intact)
{
    int r, s;
    async_sqlite *db = NULL, *more = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
        await_timeout (s, 1)
            await_with (s, async_sqlite_pool_context_manager(pool, &more))
                log_event("entered");
        expect_int(s, -ETIMEDOUT);
    }
    expect_ok(r);
    expect_events("");
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_number(db, "select 5", 5);
    return r;
}

static async_event in_transaction;

ASYNC_DEF(insert_slowly, (async_sqlite *)db)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sqlite_exec(db, "insert into t values (1)"));
        async_event_set(&in_transaction);
        ASYNC_TRY(await_sleep(1));
    }
    return r;
}

LOOP_TEST(lent_connection_returns_after_transactions_of_other_tasks)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool, .init = "create table t (x)"));
    await_group (r, g) {
        await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
            async_spawn(g, insert_slowly(db));
            expect_ok(await_event_wait(&in_transaction));
        }
    }
    expect_ok(r);
    expect_time(1);
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_number(db, "select count(*) from t", 1);
    return r;
}

LOOP_TEST(pool_that_cannot_open_fails_each_borrower)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_int(async_sqlite_pool_open(NULL, UINT_MAX, &pool), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "pool size 4294967295 is too large");
    expect_ok(async_sqlite_pool_open("/nowhere/at/all", 1, &pool, .must_exist = true));
    for (int i = 0; i < 2; i++) {
        await_with (r, async_sqlite_pool_context_manager(pool, &db))
            log_event("entered");
        expect_int(r, -ENOENT);
    }
    return 0;
}

/* --- closing --- */

ASYNC_DEF(keep_for_a_second, (async_sqlite_pool *)pool)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        r = await_sleep(1);
    log_event("%s", result_text(r));
    return r;
}

LOOP_TEST(pool_close_waits_for_borrower_and_fails_waiters)
{
    async_sqlite_pool *pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_task_auto a = async_create_task(keep_for_a_second(pool));
    await_task_auto b = async_create_task(keep_for_a_second(pool));
    expect_ok(await_sleep(0.5));
    expect_ok(await_sqlite_pool_close(&pool));
    expect_ok(await_task(a));
    expect_int(await_task(b), -EPIPE);
    expect_events("0 -EPIPE");
    expect_true(!pool);
    return 0;
}

ASYNC_DEF(close_own_copy_of_pool, (async_sqlite_pool *)pool)
{
    int r = await_sqlite_pool_close(&pool);
    expect_true(!pool);
    log_event("%s", result_text(r));
    return 0;
}

LOOP_TEST(second_pool_close_while_first_waits_is_refused)
{
    int r;
    async_sqlite_pool *pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_group (r, g) {
        async_spawn(g, keep_for_a_second(pool));
        async_spawn(g, close_own_copy_of_pool(pool));
        async_spawn(g, close_own_copy_of_pool(pool));
    }
    expect_ok(r);
    expect_events("-EPIPE 0 0");
    return 0;
}

LOOP_TEST(close_of_borrowed_connection_is_refused)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
        expect_int(await_sqlite_close(&db), -EBUSY);
        expect_contains(async_fail_text(-EBUSY), "connection belongs to a pool");
        await_sqlite_drop(&db);
        expect_contains(captured_stderr(), "await_sqlite_drop: connection belongs to a pool");
        expect_number(db, "select 5", 5);
    }
    expect_ok(r);
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        expect_number(db, "select 6", 6);
    return r;
}

LOOP_TEST(pool_close_by_borrower_is_refused)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
        expect_int(await_sqlite_pool_close(&pool), -EBUSY);
        expect_contains(async_fail_text(-EBUSY),
                        "cannot be closed by a task that has borrowed from it");
        expect_number(db, "select 5", 5);
    }
    expect_ok(r);
    return await_sqlite_pool_close(&pool);
}

SUITE("sqlite-pool", pool_never_lends_more_than_its_size, pool_lends_all_its_connections_at_once,
      pool_lends_returned_connection_again, transaction_begun_by_sql_is_rolled_back_at_return,
      timeout_while_waiting_for_connection_leaves_pool_intact,
      lent_connection_returns_after_transactions_of_other_tasks,
      pool_that_cannot_open_fails_each_borrower, pool_close_waits_for_borrower_and_fails_waiters,
      second_pool_close_while_first_waits_is_refused, close_of_borrowed_connection_is_refused,
      pool_close_by_borrower_is_refused)
