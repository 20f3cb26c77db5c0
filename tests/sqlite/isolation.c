/* SPDX-License-Identifier: MIT */
/* isolation.c - several tasks on one connection: calls are executed one after the other, and no
 * statement becomes part of another task's transaction. */
#include "sqlite_test.h"

static async_sqlite *db;
static async_event in_transaction;

/* --- the order of calls --- */

ASYNC_DEF(insert_number, (int)i)
{
    return await_sqlite_exec(db, "insert into t values (?)", i);
}

LOOP_TEST(calls_are_executed_in_order_of_arrival)
{
    int r;
    await_sqlite_auto own = NULL;
    expect_ok(await_sqlite_open(NULL, &own, .init = "create table t (x)"));
    db = own;
    await_group (r, g) {
        for (int i = 1; i <= 5; i++)
            async_spawn(g, insert_number(i));
    }
    expect_ok(r);
    expect_number(db, "select group_concat(x) = '1,2,3,4,5' from t", 1);
    return 0;
}

/* --- the owner of a transaction is known by its number, not by its address --- */

static async_sqlite_rows made;
static async_task *maker_address, *owner_address;

ASYNC_DEF(make_query)
{
    maker_address = async_current_task();
    made = async_sqlite_query(db, "insert into t values (42) returning x");
    return 0;
}

/* Start a transaction, give another task a second to write, and roll back. */
ASYNC_DEF(insert_and_roll_back)
{
    int r;
    owner_address = async_current_task();
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sqlite_exec(db, "insert into t values (1)"));
        async_event_set(&in_transaction);
        ASYNC_TRY(await_sleep(1));
        log_event("rollback");
        r = -EXDEV;
    }
    return r == -EXDEV ? 0 : r;
}

ASYNC_DEF(run_query_of_ended_task)
{
    int r;
    ASYNC_TRY(await_event_wait(&in_transaction));
    await_for_each (r, row, made)
        log_event("insert:%d", (int)async_sqlite_int64(row, 0));
    return r;
}

LOOP_TEST(query_of_ended_task_is_not_part_of_transaction_at_its_address)
{
    int r;
    await_sqlite_auto own = NULL;
    expect_ok(await_sqlite_open(NULL, &own, .init = "create table t (x)"));
    db = own;
    await_group (r, first)
        async_spawn(first, make_query());
    expect_ok(r);
    await_group (r, second) {
        async_spawn(second, insert_and_roll_back());
        async_spawn(second, run_query_of_ended_task());
    }
    expect_ok(r);
    expect_true(maker_address == owner_address); /* otherwise this test would prove nothing */
    expect_events("rollback insert:42");
    expect_number(db, "select group_concat(x) = '42' from t", 1);
    return 0;
}

/* Main has the same number in each loop. */
ASYNC_DEF(open_and_make_query)
{
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    return await_make_query();
}

ASYNC_DEF(roll_back_beside_query_of_earlier_loop)
{
    int r;
    await_group (r, g) {
        async_spawn(g, run_query_of_ended_task());
        r = await_insert_and_roll_back();
    }
    expect_ok(r);
    expect_events("rollback insert:42");
    expect_number(db, "select group_concat(x) = '42' from t", 1);
    return await_sqlite_close(&db);
}

TEST(query_of_earlier_loop_is_not_part_of_transaction)
{
    expect_run_ok(open_and_make_query());
    expect_run_ok(roll_back_beside_query_of_earlier_loop());
}

/* --- a query that writes is executed to its end before another task's transaction begins --- */

#define INSERT_MANY FOR_EVER "insert into t select i from n limit 1000 returning x"

static async_event first_row, transaction_ended;

ASYNC_DEF(insert_and_read_rows)
{
    int r, rows = 0;
    await_for_each (r, row, async_sqlite_query(db, INSERT_MANY)) {
        if (++rows > 1)
            continue;
        async_event_set(&first_row);
        ASYNC_TRY(await_event_wait(&transaction_ended));
    }
    log_event("rows:%d", rows);
    return r;
}

/* result is what the block is left with: an error rolls back. */
ASYNC_DEF(insert_in_transaction, (int)result)
{
    int r;
    ASYNC_TRY(await_event_wait(&first_row));
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sqlite_exec(db, "insert into t values (-1)"));
        r = result;
    }
    expect_int(r, result);
    async_event_set(&transaction_ended);
    return 0;
}

static int await_write_beside_transaction(int result)
{
    int r;
    await_sqlite_auto own = NULL;
    expect_ok(await_sqlite_open(NULL, &own, .init = "create table t (x)"));
    db = own;
    await_group (r, g) {
        async_spawn(g, insert_and_read_rows());
        async_spawn(g, insert_in_transaction(result));
    }
    expect_ok(r);
    expect_events("rows:1000");
    expect_number(db, "select count(*) from t where x > 0", 1000);
    expect_number(db, "select count(*) from t where x = -1", result == 0);
    return 0;
}

LOOP_TEST(rollback_spares_rows_of_query_that_another_task_reads)
{
    return await_write_beside_transaction(-EXDEV);
}

LOOP_TEST(commit_succeeds_while_another_task_reads_rows_it_inserted)
{
    return await_write_beside_transaction(0);
}

LOOP_TEST(query_that_writes_is_committed_if_left_early)
{
    int r;
    await_sqlite_auto own = NULL, other = NULL;
    expect_ok(await_sqlite_open(new_file(), &own, .init = "create table t (x)"));
    expect_ok(await_sqlite_open(file, &other, .busy_timeout = -1));
    await_for_each (r, row, async_sqlite_query(own, INSERT_MANY)) {
        expect_number(other, "select count(*) from t", 1000); /* and it holds no lock any more */
        break;
    }
    return r;
}

SUITE("sqlite-isolation", calls_are_executed_in_order_of_arrival,
      query_of_ended_task_is_not_part_of_transaction_at_its_address,
      query_of_earlier_loop_is_not_part_of_transaction,
      rollback_spares_rows_of_query_that_another_task_reads,
      commit_succeeds_while_another_task_reads_rows_it_inserted,
      query_that_writes_is_committed_if_left_early)
