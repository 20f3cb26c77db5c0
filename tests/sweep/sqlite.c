/* SPDX-License-Identifier: MIT */
/* sqlite.c - scenarios that use each await_ function of SQLite at least twice. tests/sqlite/sweep.c
 * has longer ones, with a file, and with failures of SQLite's own allocations. */
#define SCENARIO_SEEDS 40
#include "scenario.h"

#include <asyncio/sqlite.h>

static const char table[] = "create table t (x); insert into t values (1), (2), (3)";

/* Add up the numbers in the table. */
static int await_sum(async_sqlite *db, int64_t *ret)
{
    int r;
    int64_t sum = 0;
    await_for_each (r, row, async_sqlite_query(db, "select x from t"))
        sum += async_sqlite_int64(row, 0);
    if (r >= 0)
        *ret = sum;
    return r;
}

SCENARIO(database_in_memory)
{
    int64_t sum = 0;
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(NULL, &db));
    ASYNC_TRY(await_sqlite_exec(db, table));
    ASYNC_TRY(await_sum(db, &sum));
    scenario_expect(sum == 6);
    return await_sqlite_close(&db);
}

/* The last call fails, because the connection is closed. */
SCENARIO(prepared_statement)
{
    int64_t sum = 0;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto insert = NULL;
    ASYNC_TRY(await_sqlite_open(NULL, &db, .init = table));
    ASYNC_TRY(await_sqlite_prepare(db, "insert into t values (?)", &insert));
    for (int i = 4; i < 7; i++)
        ASYNC_TRY(await_sqlite_stmt_exec(insert, i));
    ASYNC_TRY(await_sum(db, &sum));
    scenario_expect(sum == 21);
    ASYNC_TRY(await_sqlite_close(&db));
    int r = await_sqlite_stmt_exec(insert, 7);
    scenario_expect(r < 0);
    return r == -EPIPE ? 0 : r;
}

ASYNC_DEF(insert_pair, (async_sqlite *)db, (int)n)
{
    int r;
    async_sqlite_stmt_auto insert = NULL;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sqlite_prepare(db, "insert into t values (?)", &insert));
        ASYNC_TRY(await_sqlite_stmt_exec(insert, n));
        ASYNC_TRY(await_sqlite_stmt_exec(insert, -n));
    }
    return r;
}

/* Each transaction inserts a number and its negative, so the sum never changes. */
SCENARIO(concurrent_transactions)
{
    int r, s;
    int64_t sum = 6;
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(NULL, &db, .init = table));
    r = await_gather(NULL, insert_pair(db, 10), insert_pair(db, 20));
    await_shield (s)
        s = await_sum(db, &sum);
    scenario_expect(s < 0 || sum == 6);
    return r < 0 ? r : s;
}

/* Leaving the loop early loses rows that were returned, but not what was inserted. */
ASYNC_DEF(insert_pair_by_query, (async_sqlite *)db, (int)n)
{
    int r;
    static const char sql[] = "insert into t values (?1), (-?1) returning x";
    await_for_each (r, row, async_sqlite_query(db, sql, n))
        ASYNC_TRY(await_sleep(0.01));
    return r;
}

SCENARIO(query_that_writes_beside_transaction)
{
    int r, s;
    int64_t sum = 6;
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(NULL, &db, .init = table));
    r = await_gather(NULL, insert_pair_by_query(db, 10), insert_pair(db, 20));
    await_shield (s)
        s = await_sum(db, &sum);
    scenario_expect(s < 0 || sum == 6);
    return r < 0 ? r : s;
}

ASYNC_DEF(add_one_to_each, (async_sqlite_pool *)pool, (int64_t *)sum)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
        hold(1);
        r = await_sqlite_exec(db, "update t set x = x + ?", 1);
        if (r >= 0)
            r = await_sum(db, sum);
        hold(-1);
    }
    scenario_expect(!db);
    return r;
}

SCENARIO(pool_of_two_for_three_tasks)
{
    int64_t sums[3] = { 0 };
    await_sqlite_pool_auto pool = NULL;
    account.most_held = 2;
    ASYNC_TRY(async_sqlite_pool_open(NULL, 2, &pool, .init = table));
    ASYNC_TRY(await_gather(NULL, add_one_to_each(pool, &sums[0]), add_one_to_each(pool, &sums[1]),
                           add_one_to_each(pool, &sums[2])));
    /* 9 or more: each connection has its own table */
    scenario_expect(sums[0] + sums[1] + sums[2] >= 27);
    return await_sqlite_pool_close(&pool);
}

ASYNC_DEF(borrow_for_a_second, (async_sqlite_pool *)pool, (async_event *)has)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db)) {
        hold(1);
        async_event_set(has);
        r = await_sleep(1);
        hold(-1);
    }
    return r;
}

SCENARIO(pool_close_waits_for_borrower)
{
    int r, inner = 0;
    async_event has = { 0 };
    await_sqlite_pool_auto pool = NULL;
    ASYNC_TRY(async_sqlite_pool_open(NULL, 1, &pool, .init = table));
    await_group (r, g) {
        async_task *borrower = async_group_create_task(g, borrow_for_a_second(pool, &has));
        while (inner == 0 && !async_event_is_set(&has) && !async_task_done(borrower))
            inner = await_sleep(0.01);
        r = inner < 0 ? inner : await_sqlite_pool_close(&pool);
        scenario_expect(r < 0 || (!pool && account.held == 0));
    }
    return r;
}
