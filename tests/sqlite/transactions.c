/* SPDX-License-Identifier: MIT */
/* Transactions: what each way out of the block does, whose the connection is in it, and what cannot be saved. */
#include "sqlite_test.h"

static async_sqlite *db;

#define TABLE_CASE(name)                                                                           \
    ASYNC_CHECK static int await_##name##_in_table(void);                                          \
    CASE(name)                                                                                     \
    {                                                                                              \
        await_sqlite_auto own = NULL;                                                              \
        ok(await_sqlite_open(NULL, &own, .init = "create table t (x unique)"));                    \
        db = own;                                                                                  \
        return await_##name##_in_table();                                                          \
    }                                                                                              \
    static int await_##name##_in_table(void)

#define has_rows(n) is_number(db, "select count(*) from t", n)

static int await_insert(int x)
{
    return await_sqlite_exec(db, "insert into t values (?)", x);
}

TABLE_CASE(the_end_commits)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        is(await_insert(1), 1);
        r = await_insert(2);
    }
    is(r, 1);
    has_rows(2);
    await_with (r, async_sqlite_transaction(db, .deferred = true)) {
        is(await_insert(3), 1);
        if (r == 0)
            break;
        r = -EIO;
    }
    ok(r);
    has_rows(3);
    return 0;
}

TABLE_CASE(an_error_rolls_back)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        is(await_insert(1), 1);
        r = -EIO;
    }
    is(r, -EIO);
    has_rows(0);
    return 0;
}

ASYNC_DEF(try_twice, (int)x)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(x));
        ASYNC_TRY(await_insert(x));
        note("not reached");
    }
    return r;
}

TABLE_CASE(async_try_rolls_back)
{
    is(await_try_twice(1), -EEXIST);
    is_text(async_fail_text(-EEXIST), "UNIQUE constraint failed: t.x");
    has_rows(0);
    is_trail("");
    return 0;
}

ASYNC_DEF(returns)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(1));
        return 7;
    }
    return r;
}

TABLE_CASE(a_bare_return_rolls_back)
{
    is(await_returns(), 7);
    has_rows(0);
    return 0;
}

ASYNC_DEF(insert_and_sleep)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(1));
        ASYNC_TRY(await_sleep(ASYNC_FOREVER));
    }
    return r;
}

ASYNC_DEF(insert_and_hang)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(1));
        ASYNC_TRY(await_sqlite_exec(db, FOR_EVER "select count(*) from n"));
    }
    return r;
}

ASYNC_DEF(hang_inserting)
{
    int r;
    await_with (r, async_sqlite_transaction(db))
        ASYNC_TRY(await_sqlite_exec(db, FOR_EVER "insert into t select i from n"));
    return r;
}

TABLE_CASE(a_cancel_rolls_back)
{
    is(await_wait_for(insert_and_sleep(), 1), -ETIMEDOUT);
    has_rows(0);
    is(await_wait_for(insert_and_hang(), 1), -ETIMEDOUT);
    has_rows(0);
    is(await_wait_for(hang_inserting(), 1), -ETIMEDOUT);
    has_rows(0);
    return 0;
}

TABLE_CASE(blocks_inside_are_savepoints)
{
    int r, s;
    await_with (r, async_sqlite_transaction(db)) {
        is(await_insert(1), 1);
        await_with (s, async_sqlite_transaction(db)) {
            is(await_insert(2), 1);
            s = -EIO;
        }
        is(s, -EIO);
        await_with (s, async_sqlite_transaction(db)) {
            is(await_insert(3), 1);
            is(await_try_twice(4), -EEXIST);
        }
        ok(s);
    }
    ok(r);
    is_number(db, "select group_concat(x) = '1,3' from t", 1);
    return 0;
}

ASYNC_DEF(look)
{
    int64_t n = -1;
    ASYNC_TRY(await_number(db, "select count(*) from t", &n));
    note("others:%ld", (long)n);
    return 0;
}

TABLE_CASE(others_wait_for_its_end)
{
    int r, s;
    await_group (r, g) {
        await_with (r, async_sqlite_transaction(db)) {
            async_spawn(g, look());
            is(await_insert(1), 1);
            ok(await_sleep(1));
            await_for_each (s, row, async_sqlite_query(db, "select x from t"))
                note("own:%ld", (long)async_sqlite_int64(row, 0));
            ok(s);
            is(await_insert(2), 1);
        }
    }
    ok(r);
    is_trail("own:1 others:2");
    return 0;
}

TABLE_CASE(a_transaction_that_is_lost)
{
    int r, s;
    await_with (r, async_sqlite_transaction(db)) {
        is(await_insert(1), 1);
        is(await_sqlite_exec(db, "insert or rollback into t values (1)"), -EEXIST);
        is(await_insert(2), -ESTALE);
        await_for_each (s, row, async_sqlite_query(db, "select 1"))
            note("row");
        is(s, -ESTALE);
    }
    is(r, -ESTALE);
    has_text(async_fail_text(r), "was rolled back or committed before the end of its block");
    has_rows(0);
    await_with (r, async_sqlite_transaction(db)) {
        await_with (s, async_sqlite_transaction(db))
            ok(await_sqlite_exec(db, "rollback"));
        is(s, -ESTALE);
        r = -EIO;
    }
    is(r, -EIO);
    has_rows(0);
    return 0;
}

TABLE_CASE(a_commit_that_fails)
{
    int r;
    ok(await_sqlite_exec(
            db,
            "pragma foreign_keys = on; create table u (x references t(x) deferrable initially deferred)"));
    await_with (r, async_sqlite_transaction(db)) {
        is(await_sqlite_exec(db, "insert into u values (9)"), 1);
        is(await_insert(1), 1);
    }
    is(r, -EDOM);
    has_text(async_fail_text(r), "FOREIGN KEY");
    has_rows(0);
    is(await_insert(1), 1);
    return 0;
}

TABLE_CASE(not_closed_in_its_block)
{
    int r;
    async_sqlite *same = db;
    await_with (r, async_sqlite_transaction(db)) {
        is(await_sqlite_close(&same), -EBUSY);
        is_true(same == db);
        is(await_insert(1), 1);
    }
    ok(r);
    has_rows(1);
    return 0;
}

CASE(two_connections_write_by_turns)
{
    int r, s;
    await_sqlite_auto first = NULL;
    await_sqlite_auto second = NULL;
    ok(await_sqlite_open(new_file(), &first, .wal = true, .init = "create table t (x)"));
    ok(await_sqlite_open(file, &second, .wal = true, .busy_timeout = -1));
    await_with (r, async_sqlite_transaction(first)) {
        is(await_sqlite_exec(first, "insert into t values (1)"), 1);
        await_with (s, async_sqlite_transaction(second))
            note("not entered");
        is(s, -EBUSY);
        has_text(async_fail_text(s), "database is locked");
        is_number(second, "select count(*) from t", 0);
    }
    ok(r);
    await_with (s, async_sqlite_transaction(second))
        is(await_sqlite_exec(second, "insert into t values (2)"), 1);
    ok(s);
    is_number(first, "select count(*) from t", 2);
    is_trail("");
    return 0;
}

SUITE("sqlite-transactions", the_end_commits, an_error_rolls_back, async_try_rolls_back,
      a_bare_return_rolls_back, a_cancel_rolls_back, blocks_inside_are_savepoints,
      others_wait_for_its_end, a_transaction_that_is_lost, a_commit_that_fails,
      not_closed_in_its_block, two_connections_write_by_turns)
