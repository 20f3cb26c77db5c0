/* SPDX-License-Identifier: MIT */
/* isolation.c - several tasks on one connection: no task's statement becomes part of another task's transaction. */
#include "sqlite_test.h"

static async_sqlite *db;
static async_event in_transaction;

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
        note("rollback");
        r = -EXDEV;
    }
    return r == -EXDEV ? 0 : r;
}

ASYNC_DEF(run_query_of_ended_task)
{
    int r;
    ASYNC_TRY(await_event_wait(&in_transaction));
    await_for_each (r, row, made)
        note("insert:%d", (int)async_sqlite_int64(row, 0));
    return r;
}

CASE(query_of_ended_task_is_not_part_of_transaction_at_its_address)
{
    int r;
    await_sqlite_auto own = NULL;
    ok(await_sqlite_open(NULL, &own, .init = "create table t (x)"));
    db = own;
    await_group (r, first)
        async_spawn(first, make_query());
    ok(r);
    await_group (r, second) {
        async_spawn(second, insert_and_roll_back());
        async_spawn(second, run_query_of_ended_task());
    }
    ok(r);
    is_true(maker_address == owner_address); /* otherwise this test would prove nothing */
    is_trail("rollback insert:42");
    is_number(db, "select group_concat(x) = '42' from t", 1);
    return 0;
}

SUITE("sqlite-isolation", query_of_ended_task_is_not_part_of_transaction_at_its_address)
