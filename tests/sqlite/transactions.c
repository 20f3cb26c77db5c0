/* SPDX-License-Identifier: MIT */
/* transactions.c - transaction blocks: commit or roll back, depending on how the block is left. */
#include "sqlite_test.h"

static async_sqlite *db;

/* A case with a connection to a table. */
#define TABLE_CASE(name)                                                                           \
    ASYNC_CHECK static int await_##name##_in_table(void);                                          \
    LOOP_TEST(name)                                                                                \
    {                                                                                              \
        await_sqlite_auto own = NULL;                                                              \
        expect_ok(await_sqlite_open(NULL, &own, .init = "create table t (x unique)"));             \
        db = own;                                                                                  \
        return await_##name##_in_table();                                                          \
    }                                                                                              \
    static int await_##name##_in_table(void)

#define has_rows(n) expect_number(db, "select count(*) from t", n)

static int await_insert(int x)
{
    return await_sqlite_exec(db, "insert into t values (?)", x);
}

/* --- ways out of the block --- */

TABLE_CASE(end_of_block_and_break_commit)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        expect_int(await_insert(1), 1);
        r = await_insert(2);
    }
    expect_int(r, 1);
    has_rows(2);
    await_with (r, async_sqlite_transaction(db, .deferred = true)) {
        expect_int(await_insert(3), 1);
        if (r == 0)
            break;
        r = -EIO;
    }
    expect_ok(r);
    has_rows(3);
    return 0;
}

TABLE_CASE(error_at_end_rolls_back)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        expect_int(await_insert(1), 1);
        r = -EIO;
    }
    expect_int(r, -EIO);
    has_rows(0);
    return 0;
}

ASYNC_DEF(insert_twice, (int)x)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(x));
        ASYNC_TRY(await_insert(x));
        log_event("reached");
    }
    return r;
}

TABLE_CASE(async_try_rolls_back)
{
    expect_int(await_insert_twice(1), -EEXIST);
    expect_text(async_fail_text(-EEXIST), "UNIQUE constraint failed: t.x");
    has_rows(0);
    expect_events("");
    return 0;
}

ASYNC_DEF(insert_and_return)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(1));
        return 7;
    }
    return r;
}

TABLE_CASE(bare_return_rolls_back)
{
    expect_int(await_insert_and_return(), 7);
    has_rows(0);
    return 0;
}

ASYNC_DEF(insert_and_return_properly, (int)value)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(1));
        ASYNC_RETURN(value);
    }
    return r;
}

TABLE_CASE(async_return_commits_unless_it_returns_error)
{
    expect_int(await_insert_and_return_properly(-EIO), -EIO);
    has_rows(0);
    expect_int(await_insert_and_return_properly(7), 7);
    has_rows(1);
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

ASYNC_DEF(insert_and_select_for_ever)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_insert(1));
        ASYNC_TRY(await_sqlite_exec(db, FOR_EVER "select count(*) from n"));
    }
    return r;
}

ASYNC_DEF(insert_for_ever)
{
    int r;
    await_with (r, async_sqlite_transaction(db))
        ASYNC_TRY(await_sqlite_exec(db, FOR_EVER "insert into t select i from n"));
    return r;
}

TABLE_CASE(cancel_rolls_back)
{
    expect_int(await_wait_for(insert_and_sleep(), 1), -ETIMEDOUT);
    has_rows(0);
    expect_int(await_wait_for(insert_and_select_for_ever(), 1), -ETIMEDOUT);
    has_rows(0);
    expect_int(await_wait_for(insert_for_ever(), 1), -ETIMEDOUT);
    has_rows(0);
    return 0;
}

/* --- blocks inside blocks, and other tasks --- */

TABLE_CASE(inner_block_is_savepoint)
{
    int r, s;
    await_with (r, async_sqlite_transaction(db)) {
        expect_int(await_insert(1), 1);
        await_with (s, async_sqlite_transaction(db)) {
            expect_int(await_insert(2), 1);
            s = -EIO;
        }
        expect_int(s, -EIO);
        await_with (s, async_sqlite_transaction(db)) {
            expect_int(await_insert(3), 1);
            expect_int(await_insert_twice(4), -EEXIST);
        }
        expect_ok(s);
    }
    expect_ok(r);
    expect_number(db, "select group_concat(x) = '1,3' from t", 1);
    return 0;
}

ASYNC_DEF(count_rows)
{
    int64_t n = -1;
    ASYNC_TRY(await_number(db, "select count(*) from t", &n));
    log_event("others:%ld", (long)n);
    return 0;
}

TABLE_CASE(other_tasks_wait_for_end_of_block)
{
    int r, s;
    await_group (r, g) {
        await_with (r, async_sqlite_transaction(db)) {
            async_spawn(g, count_rows());
            expect_int(await_insert(1), 1);
            expect_ok(await_sleep(1));
            await_for_each (s, row, async_sqlite_query(db, "select x from t"))
                log_event("own:%ld", (long)async_sqlite_int64(row, 0));
            expect_ok(s);
            expect_int(await_insert(2), 1);
        }
    }
    expect_ok(r);
    expect_events("own:1 others:2");
    return 0;
}

/* --- transactions that end too early, or cannot be committed --- */

TABLE_CASE(transaction_rolled_back_by_statement_is_estale)
{
    int r, s;
    await_with (r, async_sqlite_transaction(db)) {
        expect_int(await_insert(1), 1);
        expect_int(await_sqlite_exec(db, "insert or rollback into t values (1)"), -EEXIST);
        expect_int(await_insert(2), -ESTALE);
        await_for_each (s, row, async_sqlite_query(db, "select 1"))
            log_event("row");
        expect_int(s, -ESTALE);
    }
    expect_int(r, -ESTALE);
    expect_contains(async_fail_text(r), "was rolled back or committed before the end of its block");
    has_rows(0);
    return 0;
}

TABLE_CASE(transaction_rolled_back_by_sql_is_estale_in_inner_block)
{
    int r, s;
    await_with (r, async_sqlite_transaction(db)) {
        await_with (s, async_sqlite_transaction(db))
            expect_ok(await_sqlite_exec(db, "rollback"));
        expect_int(s, -ESTALE);
        r = -EIO;
    }
    expect_int(r, -EIO);
    has_rows(0);
    return 0;
}

TABLE_CASE(commit_that_fails_rolls_back)
{
    int r;
    static const char deferred_constraint[] =
            "pragma foreign_keys = on;"
            "create table u (x references t(x) deferrable initially deferred)";
    expect_ok(await_sqlite_exec(db, deferred_constraint));
    await_with (r, async_sqlite_transaction(db)) {
        expect_int(await_sqlite_exec(db, "insert into u values (9)"), 1);
        expect_int(await_insert(1), 1);
    }
    expect_int(r, -EDOM);
    expect_contains(async_fail_text(r), "FOREIGN KEY");
    has_rows(0);
    expect_int(await_insert(1), 1);
    return 0;
}

TABLE_CASE(close_inside_block_is_refused)
{
    int r;
    async_sqlite *same = db;
    await_with (r, async_sqlite_transaction(db)) {
        expect_int(await_sqlite_close(&same), -EBUSY);
        expect_true(same == db);
        expect_int(await_insert(1), 1);
    }
    expect_ok(r);
    has_rows(1);
    return 0;
}

LOOP_TEST(transaction_while_database_is_locked_is_busy)
{
    int r, s;
    await_sqlite_auto first = NULL, second = NULL;
    expect_ok(await_sqlite_open(new_file(), &first, .wal = true, .init = "create table t (x)"));
    expect_ok(await_sqlite_open(file, &second, .wal = true, .busy_timeout = -1));
    await_with (r, async_sqlite_transaction(first)) {
        expect_int(await_sqlite_exec(first, "insert into t values (1)"), 1);
        await_with (s, async_sqlite_transaction(second))
            log_event("entered");
        expect_int(s, -EBUSY);
        expect_contains(async_fail_text(s), "database is locked");
        expect_number(second, "select count(*) from t", 0);
    }
    expect_ok(r);
    await_with (s, async_sqlite_transaction(second))
        expect_int(await_sqlite_exec(second, "insert into t values (2)"), 1);
    expect_ok(s);
    expect_number(first, "select count(*) from t", 2);
    expect_events("");
    return 0;
}

SUITE("sqlite-transactions", end_of_block_and_break_commit, error_at_end_rolls_back,
      async_try_rolls_back, bare_return_rolls_back, async_return_commits_unless_it_returns_error,
      cancel_rolls_back, inner_block_is_savepoint, other_tasks_wait_for_end_of_block,
      transaction_rolled_back_by_statement_is_estale,
      transaction_rolled_back_by_sql_is_estale_in_inner_block, commit_that_fails_rolls_back,
      close_inside_block_is_refused, transaction_while_database_is_locked_is_busy)
