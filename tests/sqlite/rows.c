/* SPDX-License-Identifier: MIT */
/* rows.c - queries: iterate over rows and read their columns. */
#include "sqlite_test.h"

LOOP_TEST(query_returns_rows_in_order)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db,
                                .init = "create table people (name text, age int);"
                                        "insert into people values ('Alan', 41), ('Ada', 36)"));
    await_for_each (r, row,
                    async_sqlite_query(db, "select * from people where age > ? order by age", 30))
        log_event("%s:%ld", async_sqlite_text(row, "name"), (long)async_sqlite_int64(row, "AGE"));
    expect_events("Ada:36 Alan:41");
    return r;
}

LOOP_TEST(query_without_rows_runs_no_body)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, "select 1 where 0"))
        log_event("row");
    expect_events("");
    return r;
}

/* The sizes of the rows make batches end for their number of rows, and for their size. */
LOOP_TEST(rows_of_many_batches_come_in_order)
{
    int r, n = 0;
    size_t size = 0;
    static const char sql[] = FOR_EVER "select i, zeroblob(i % 3000) as z from n limit ?";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, sql, 2000)) {
        expect_int(async_sqlite_int64(row, 0), ++n);
        size += async_sqlite_size(row, "z");
    }
    expect_ok(r);
    expect_int(n, 2000);
    expect_int(size, 2000 * 2001 / 2);
    return 0;
}

LOOP_TEST(value_larger_than_batch_comes_whole)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, "select zeroblob(?)", 1000000))
        expect_int(async_sqlite_size(row, 0), 1000000);
    return r;
}

LOOP_TEST(rows_before_error_are_returned_before_it)
{
    int r, n = 0;
    static const char sql[] =
            FOR_EVER "select abs(case i when 301 then -9223372036854775807 - 1 else i end) from n";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, sql))
        n++;
    expect_int(r, -EINVAL);
    expect_int(n, 300);
    expect_text(async_fail_text(r), "integer overflow");
    return 0;
}

/* --- queries that write --- */

LOOP_TEST(query_that_writes_reports_changes_and_rowid)
{
    int r, n = 0;
    static const char sql[] = "insert into t values (1), (2), (3) returning x";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    await_for_each (r, row, async_sqlite_query(db, sql))
        expect_int(async_sqlite_int64(row, 0), ++n);
    expect_ok(r);
    expect_int(n, 3);
    expect_int(async_sqlite_changes(db), 3);
    expect_int(async_sqlite_last_insert_id(db), 3);
    return 0;
}

LOOP_TEST(query_that_writes_is_complete_if_left_early)
{
    int r;
    static const char sql[] = FOR_EVER "insert into t select i from n limit 1000 returning x";
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    await_for_each (r, row, async_sqlite_query(db, sql))
        break;
    expect_ok(r);
    expect_int(async_sqlite_changes(db), 1000);
    expect_number(db, "select count(*) from t", 1000);
    expect_ok(async_sqlite_changes(db)); /* of the latest query */
    return 0;
}

/* --- columns --- */

#define EACH_TYPE "select 7 as a, 2.9 as b, 'x' as c, null as d, x'00ff' as e"

LOOP_TEST(columns_have_numbers_and_names)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, EACH_TYPE)) {
        expect_int(async_sqlite_columns(row), 5);
        expect_int(async_sqlite_column(row, "C"), 2); /* names are compared as SQL compares them */
        expect_int(async_sqlite_column(row, "z"), -ENOENT);
        expect_text(async_sqlite_column_name(row, 4), "e");
        expect_true(!async_sqlite_column_name(row, 5));
    }
    return r;
}

LOOP_TEST(columns_are_converted_or_empty_if_of_another_type)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, EACH_TYPE)) {
        expect_true(async_sqlite_double(row, "a") == 7.0);
        expect_int(async_sqlite_int64(row, "b"), 2);
        expect_ok(async_sqlite_int64(row, "c"));
        expect_true(!async_sqlite_text(row, "a"));
        expect_true(!async_sqlite_text(row, "d") && !async_sqlite_blob(row, "d"));
        expect_int(async_sqlite_type(row, "d"), ASYNC_SQLITE_NULL);
        expect_int(async_sqlite_size(row, "e"), 2);
        expect_ok(memcmp(async_sqlite_blob(row, "e"), "\0\xff", 2));
    }
    return r;
}

LOOP_TEST(unknown_column_is_null_with_message)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, "select 7 as a")) {
        expect_int(async_sqlite_type(row, "f"), ASYNC_SQLITE_NULL);
        expect_contains(captured_stderr(), "no such column: \"f\", in rows of: select 7");
        expect_ok(async_sqlite_int64(row, -1));
        expect_contains(captured_stderr(), "no such column: -1, in rows of: select 7");
    }
    return r;
}

SUITE("sqlite-rows", query_returns_rows_in_order, query_without_rows_runs_no_body,
      rows_of_many_batches_come_in_order, value_larger_than_batch_comes_whole,
      rows_before_error_are_returned_before_it, query_that_writes_reports_changes_and_rowid,
      query_that_writes_is_complete_if_left_early, columns_have_numbers_and_names,
      columns_are_converted_or_empty_if_of_another_type, unknown_column_is_null_with_message)
