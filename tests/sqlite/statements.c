/* SPDX-License-Identifier: MIT */
/* statements.c - execute SQL, and prepared statements. */
#include "sqlite_test.h"

/* --- SQL as text --- */

LOOP_TEST(exec_returns_number_of_changed_rows)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_sqlite_exec(db, "create table people (name text, age int)"));
    expect_int(
            await_sqlite_exec(db, "insert into people values (?, ?), (?, 41)", "Ada", 36L, "Alan"),
            2);
    expect_int(async_sqlite_last_insert_id(db), 2);
    expect_int(async_sqlite_changes(db), 2);
    expect_int(await_sqlite_exec(db, "update people set age = age + 1"), 2);
    expect_ok(await_sqlite_exec(db, "select * from people"));
    expect_ok(await_sqlite_exec(db, "delete from people where age = 1"));
    return 0;
}

LOOP_TEST(script_executes_all_its_statements)
{
    static const char script[] =
            "insert into a values (1), (2); insert into b select * from a; -- done\n";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table a (x); create table b (x)"));
    expect_int(await_sqlite_exec(db, script), 4);
    expect_number(db, "select count(*) from b", 2);
    expect_ok(await_sqlite_exec(db, ""));
    return 0;
}

LOOP_TEST(script_ends_at_first_error)
{
    static const char script[] = "insert into t values (3); nonsense; insert into t values (4)";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    expect_int(await_sqlite_exec(db, script), -EINVAL);
    expect_number(db, "select group_concat(x) = '3' from t", 1);
    return 0;
}

LOOP_TEST(script_with_values_is_refused)
{
    static const char script[] = "insert into t values (?); insert into t values (?)";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    expect_int(await_sqlite_exec(db, script, 1, 2), -EINVAL);
    expect_contains(async_fail_text(-EINVAL),
                    "only one statement can be executed at a time here: insert");
    expect_number(db, "select count(*) from t", 0);
    return 0;
}

/* --- prepared statements --- */

LOOP_TEST(prepared_statement_is_executed_many_times)
{
    int r;
    static const char query[] = "select x from t where x >= ? order by x;  -- that is all";
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto insert = NULL, select = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    expect_ok(await_sqlite_prepare(db, "insert into t values (?)", &insert));
    expect_ok(await_sqlite_prepare(db, query, &select));
    for (int i = 0; i < 5; i++)
        expect_int(await_sqlite_stmt_exec(insert, i), 1);
    expect_int(await_sqlite_stmt_exec(insert), -EINVAL);
    for (int i = 3; i < 5; i++)
        await_for_each (r, row, async_sqlite_stmt_query(select, i))
            log_event("%ld", (long)async_sqlite_int64(row, 0));
    expect_ok(r);
    expect_events("3 4 4");
    return 0;
}

LOOP_TEST(prepare_refuses_anything_but_one_statement)
{
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto s = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_sqlite_prepare(db, "select 1; select 2", &s), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "only one statement can be executed at a time here");
    expect_int(await_sqlite_prepare(db, " -- nothing", &s), -EINVAL);
    expect_text(async_fail_text(-EINVAL), "SQL has no statement: \" -- nothing\"");
    expect_int(await_sqlite_prepare(db, "selct", &s), -EINVAL);
    expect_contains(async_fail_text(-EINVAL), "near \"selct\": syntax error");
    expect_true(!s);
    return 0;
}

LOOP_TEST(statement_whose_rows_are_read_is_busy)
{
    int r, s;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto numbers = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_sqlite_prepare(db, FOR_EVER "select i from n", &numbers));
    await_for_each (r, row, async_sqlite_stmt_query(numbers)) {
        expect_int(await_sqlite_stmt_exec(numbers), -EBUSY);
        expect_contains(async_fail_text(-EBUSY),
                        "statement is in use by a query that reads its rows:");
        await_for_each (s, second, async_sqlite_stmt_query(numbers))
            log_event("row");
        expect_int(s, -EBUSY);
        break;
    }
    expect_ok(r);
    expect_events("");
    return 0;
}

LOOP_TEST(statement_dropped_while_its_rows_are_read_stays_until_their_end)
{
    int r;
    int64_t n = 0;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto numbers = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_sqlite_prepare(db, FOR_EVER "select i from n limit 1000", &numbers));
    await_for_each (r, row, async_sqlite_stmt_query(numbers)) {
        async_sqlite_stmt_drop(&numbers);
        expect_true(!numbers);
        expect_int(async_sqlite_int64(row, 0), ++n);
    }
    expect_ok(r);
    expect_int(n, 1000);
    return 0;
}

SUITE("sqlite-statements", exec_returns_number_of_changed_rows, script_executes_all_its_statements,
      script_ends_at_first_error, script_with_values_is_refused,
      prepared_statement_is_executed_many_times, prepare_refuses_anything_but_one_statement,
      statement_whose_rows_are_read_is_busy,
      statement_dropped_while_its_rows_are_read_stays_until_their_end)
