/* SPDX-License-Identifier: MIT */
/* statements.c - execute SQL, and prepared statements. */
#include "sqlite_test.h"

/* --- SQL as text --- */

CASE(exec_returns_number_of_changed_rows)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(await_sqlite_exec(db, "create table people (name text, age int)"));
    is(await_sqlite_exec(db, "insert into people values (?, ?), (?, 41)", "Ada", 36L, "Alan"), 2);
    is(async_sqlite_last_insert_id(db), 2);
    is(async_sqlite_changes(db), 2);
    is(await_sqlite_exec(db, "update people set age = age + 1"), 2);
    is(await_sqlite_exec(db, "select * from people"), 0);
    is(await_sqlite_exec(db, "delete from people where age = 1"), 0);
    return 0;
}

CASE(script_executes_all_its_statements)
{
    static const char script[] =
            "insert into a values (1), (2); insert into b select * from a; -- done\n";
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table a (x); create table b (x)"));
    is(await_sqlite_exec(db, script), 4);
    is_number(db, "select count(*) from b", 2);
    ok(await_sqlite_exec(db, ""));
    return 0;
}

CASE(script_ends_at_first_error)
{
    static const char script[] = "insert into t values (3); nonsense; insert into t values (4)";
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    is(await_sqlite_exec(db, script), -EINVAL);
    is_number(db, "select group_concat(x) = '3' from t", 1);
    return 0;
}

CASE(script_with_values_is_refused)
{
    static const char script[] = "insert into t values (?); insert into t values (?)";
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    is(await_sqlite_exec(db, script, 1, 2), -EINVAL);
    has_text(async_fail_text(-EINVAL), "only one statement can be executed at a time here: insert");
    is_number(db, "select count(*) from t", 0);
    return 0;
}

/* --- prepared statements --- */

CASE(prepared_statement_is_executed_many_times)
{
    int r;
    static const char query[] = "select x from t where x >= ? order by x;  -- that is all";
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto insert = NULL, select = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    ok(await_sqlite_prepare(db, "insert into t values (?)", &insert));
    ok(await_sqlite_prepare(db, query, &select));
    for (int i = 0; i < 5; i++)
        is(await_sqlite_stmt_exec(insert, i), 1);
    is(await_sqlite_stmt_exec(insert), -EINVAL);
    for (int i = 3; i < 5; i++)
        await_for_each (r, row, async_sqlite_stmt_query(select, i))
            note("%ld", (long)async_sqlite_int64(row, 0));
    ok(r);
    is_trail("3 4 4");
    return 0;
}

CASE(prepare_refuses_anything_but_one_statement)
{
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto s = NULL;
    ok(await_sqlite_open(NULL, &db));
    is(await_sqlite_prepare(db, "select 1; select 2", &s), -EINVAL);
    has_text(async_fail_text(-EINVAL), "only one statement can be executed at a time here");
    is(await_sqlite_prepare(db, " -- nothing", &s), -EINVAL);
    is_text(async_fail_text(-EINVAL), "SQL has no statement: \" -- nothing\"");
    is(await_sqlite_prepare(db, "selct", &s), -EINVAL);
    has_text(async_fail_text(-EINVAL), "near \"selct\": syntax error");
    is_true(!s);
    return 0;
}

CASE(statement_whose_rows_are_read_is_busy)
{
    int r, s;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto numbers = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(await_sqlite_prepare(db, FOR_EVER "select i from n", &numbers));
    await_for_each (r, row, async_sqlite_stmt_query(numbers)) {
        is(await_sqlite_stmt_exec(numbers), -EBUSY);
        has_text(async_fail_text(-EBUSY), "statement is in use by a query that reads its rows:");
        await_for_each (s, second, async_sqlite_stmt_query(numbers))
            note("row");
        is(s, -EBUSY);
        break;
    }
    ok(r);
    is_trail("");
    return 0;
}

CASE(statement_dropped_while_its_rows_are_read_stays_until_their_end)
{
    int r;
    int64_t n = 0;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto numbers = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(await_sqlite_prepare(db, FOR_EVER "select i from n limit 1000", &numbers));
    await_for_each (r, row, async_sqlite_stmt_query(numbers)) {
        async_sqlite_stmt_drop(&numbers);
        is_true(!numbers);
        is(async_sqlite_int64(row, 0), ++n);
    }
    ok(r);
    is(n, 1000);
    return 0;
}

SUITE("sqlite-statements", exec_returns_number_of_changed_rows, script_executes_all_its_statements,
      script_ends_at_first_error, script_with_values_is_refused,
      prepared_statement_is_executed_many_times, prepare_refuses_anything_but_one_statement,
      statement_whose_rows_are_read_is_busy,
      statement_dropped_while_its_rows_are_read_stays_until_their_end)
