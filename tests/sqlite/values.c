/* SPDX-License-Identifier: MIT */
/* Values there and back, rows and their columns, errors and their sentences. */
#include "sqlite_test.h"

#include <math.h>

CASE(a_table_and_its_rows)
{
    int r;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(":memory:", &db));
    ok(await_sqlite_exec(db, "create table people (name text, age int)"));
    is(await_sqlite_exec(db, "insert into people values (?, ?), (?, ?)", "Ada", 36, "Alan", 41L), 2);
    is(async_sqlite_last_insert_id(db), 2);
    is(async_sqlite_changes(db), 2);
    await_for_each (r, row,
                    async_sqlite_query(db, "select * from people where age > ? order by age", 30))
        note("%s:%ld", async_sqlite_text(row, "name"), (long)async_sqlite_int64(row, "AGE"));
    ok(r);
    is_trail("Ada:36 Alan:41");
    is(await_sqlite_exec(db, "update people set age = age + 1"), 2);
    is(await_sqlite_exec(db, "select * from people"), 0);
    is(await_sqlite_exec(db, "delete from people where age = 1"), 0);
    ok(await_sqlite_close(&db));
    is_true(!db);
    return 0;
}

/* One value through the database, of whatever type. */
static async_sqlite_value back;
static char bytes[64];
static int await_echo(async_sqlite *db, async_sqlite_value v)
{
    int r;
    await_for_each (r, row, async_sqlite_query(db, "select ?", v)) {
        back = async_sqlite_get(row, 0);
        if (back.type >= ASYNC_SQLITE_TEXT) {
            is(((const char *)back.u.p)[back.size], 0);
            memcpy(bytes, back.u.p, back.size);
            back.u.p = bytes;
        }
    }
    return r;
}

CASE(every_type_there_and_back)
{
    static const int64_t integers[] = { 0, 1, -1, INT64_MAX, INT64_MIN };
    static const double doubles[] = { 0.0, -1.5, 1e308, 5e-324, INFINITY };
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    for (size_t i = 0; i < countof(integers); i++) {
        ok(await_echo(db, ASYNC_SQLITE_VALUE(integers[i])));
        is(back.type, ASYNC_SQLITE_INT64);
        is_true(back.u.i == integers[i]);
    }
    for (size_t i = 0; i < countof(doubles); i++) {
        ok(await_echo(db, ASYNC_SQLITE_VALUE(doubles[i])));
        is(back.type, ASYNC_SQLITE_DOUBLE);
        is_true(memcmp(&back.u.d, &doubles[i], sizeof(double)) == 0);
    }
    ok(await_echo(db, async_sqlite_chars("a\0b", 3)));
    is(back.type, ASYNC_SQLITE_TEXT);
    is(back.size, 3);
    ok(memcmp(bytes, "a\0b", 3));
    ok(await_echo(db, async_sqlite_bytes("\0\xff\0", 3)));
    is(back.type, ASYNC_SQLITE_BLOB);
    is(back.size, 3);
    ok(memcmp(bytes, "\0\xff\0", 3));
    ok(await_echo(db, async_sqlite_bytes(NULL, 0)));
    is(back.type, ASYNC_SQLITE_BLOB);
    is(back.size, 0);
    ok(await_echo(db, ASYNC_SQLITE_VALUE("")));
    is(back.type, ASYNC_SQLITE_TEXT);
    is(back.size, 0);
    ok(await_echo(db, ASYNC_SQLITE_VALUE((const char *)NULL)));
    is(back.type, ASYNC_SQLITE_NULL);
    ok(await_echo(db, ASYNC_SQLITE_VALUE(NULL)));
    is(back.type, ASYNC_SQLITE_NULL);
    return 0;
}

CASE(what_the_macro_takes)
{
    int r;
    const char *text = "text";
    char buffer[] = "buffer";
    bool yes = true;
    short s = -3;
    unsigned u = 4000000000U;
    unsigned long long big = INT64_MAX;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row,
                    async_sqlite_query(db, "select ?, ?, ?, ?, ?, ?, ?, ?3, ?, ?, ?, ?, ?, ?, ?, ?",
                                       text, buffer, yes, s, u, big, 1.5f, 'c', 9, 10, 11, 12, 13,
                                       14, 15)) {
        is(async_sqlite_columns(row), 16);
        is_text(async_sqlite_text(row, 0), "text");
        is_text(async_sqlite_text(row, 1), "buffer");
        is(async_sqlite_int64(row, 2), 1);
        is(async_sqlite_int64(row, 3), -3);
        is(async_sqlite_int64(row, 4), 4000000000);
        is_true(async_sqlite_int64(row, 5) == INT64_MAX);
        is_true(async_sqlite_double(row, 6) == 1.5);
        is(async_sqlite_int64(row, 7), 1);
        is(async_sqlite_int64(row, 8), 'c');
        is(async_sqlite_int64(row, 15), 15);
    }
    ok(r);
    is(await_sqlite_exec(db, "select ?", big + 1), -ERANGE);
    is(await_sqlite_exec(db, "select ?", (void *)db), -EINVAL);
    is(await_sqlite_exec(db, "select ?", async_sqlite_bytes("x", SIZE_MAX)), -EINVAL);
    is(await_sqlite_exec(db, "select ?, ?", 1), -EINVAL);
    has_text(async_fail_text(-EINVAL), "statement has 2 parameters, but 1 values were given");
    is(await_sqlite_exec(db, "select 1", 1), -EINVAL);
    is(await_sqlite_exec(db, "", 1), -EINVAL);
    return 0;
}

CASE(long_double_is_bound_as_double)
{
    int r;
    long double number = 1.5L;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, "select ?", number)) {
        is(async_sqlite_type(row, 0), ASYNC_SQLITE_DOUBLE);
        is_true(async_sqlite_double(row, 0) == 1.5);
    }
    return r;
}

CASE(status_of_connection_that_failed_to_open_is_empty)
{
    async_sqlite *db = NULL;
    is(await_sqlite_open("/nowhere/at/all", &db, .must_exist = true), -ENOENT);
    is(async_sqlite_error(db), 0);
    is_text(async_sqlite_error_text(db), "");
    is(async_sqlite_last_insert_id(db), 0);
    is(async_sqlite_changes(db), 0);
    return 0;
}

CASE(columns_by_number_and_name)
{
    int r;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_for_each (
            r, row,
            async_sqlite_query(db, "select 7 as a, 2.9 as b, 'x' as c, null as d, x'00ff' as e")) {
        is(async_sqlite_column(row, "C"), 2);
        is(async_sqlite_column(row, "z"), -ENOENT);
        is_text(async_sqlite_column_name(row, 4), "e");
        is_true(!async_sqlite_column_name(row, 5));
        is_true(async_sqlite_double(row, "a") == 7.0);
        is(async_sqlite_int64(row, "b"), 2);
        is(async_sqlite_int64(row, "c"), 0);
        is_true(!async_sqlite_text(row, "a"));
        is_true(!async_sqlite_text(row, "d") && !async_sqlite_blob(row, "d"));
        is(async_sqlite_type(row, "d"), ASYNC_SQLITE_NULL);
        is(async_sqlite_size(row, "e"), 2);
        ok(memcmp(async_sqlite_blob(row, "e"), "\0\xff", 2));
        is(async_sqlite_type(row, "f"), ASYNC_SQLITE_NULL);
        has_text(heard(), "no such column: \"f\", in the rows of: select 7");
        is(async_sqlite_int64(row, -1), 0);
        has_text(heard(), "no such column: -1");
    }
    ok(r);
    is_true(async_sqlite_value_int64(ASYNC_SQLITE_VALUE(1e300)) == INT64_MAX);
    is_true(async_sqlite_value_int64(ASYNC_SQLITE_VALUE(-1e300)) == INT64_MIN);
    is(async_sqlite_value_int64(ASYNC_SQLITE_VALUE((double)NAN)), 0);
    return 0;
}

CASE(many_rows_come_in_order)
{
    int r, n = 0;
    size_t size = 0;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row,
                    async_sqlite_query(
                            db, FOR_EVER "select i, zeroblob(i % 3000) as z from n limit ?", 2000)) {
        is(async_sqlite_int64(row, 0), ++n);
        size += async_sqlite_size(row, "z");
    }
    ok(r);
    is(n, 2000);
    is(size, 2000 * 2001 / 2);
    await_for_each (r, row, async_sqlite_query(db, "select zeroblob(?)", 1000000))
        is(async_sqlite_size(row, 0), 1000000);
    ok(r);
    await_for_each (r, row, async_sqlite_query(db, "select 1 where 0"))
        n++;
    ok(r);
    is(n, 2000);
    return 0;
}

CASE(a_query_that_changes_rows)
{
    int r, n = 0;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    await_for_each (r, row, async_sqlite_query(db, "insert into t values (1), (2), (3) returning x"))
        is(async_sqlite_int64(row, 0), ++n);
    ok(r);
    is(async_sqlite_changes(db), 3);
    is(async_sqlite_last_insert_id(db), 3);
    await_for_each (
            r, row,
            async_sqlite_query(db, FOR_EVER "insert into t select i from n limit 1000 returning x"))
        break;
    ok(r);
    is(async_sqlite_changes(db), 1000);
    await_for_each (r, row, async_sqlite_query(db, "select count(*) as n from t"))
        is(async_sqlite_int64(row, "n"), 1003);
    is(async_sqlite_changes(db), 0);
    return r;
}

CASE(rows_before_an_error_come_before_it)
{
    int r, n = 0;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_for_each (
            r, row,
            async_sqlite_query(
                    db, FOR_EVER
                    "select abs(case i when 301 then -9223372036854775807 - 1 else i end) from n"))
        n++;
    is(r, -EINVAL);
    is(n, 300);
    is_text(async_fail_text(r), "integer overflow");
    return 0;
}

CASE(statements_that_are_kept)
{
    int r;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(await_sqlite_exec(db, "create table t (x)"));
    async_sqlite_stmt_auto insert = NULL;
    async_sqlite_stmt_auto select = NULL;
    async_sqlite_stmt_auto bad = NULL;
    ok(await_sqlite_prepare(db, "insert into t values (?)", &insert));
    ok(await_sqlite_prepare(db, "select x from t where x >= ? order by x;  -- that is all", &select));
    for (int i = 0; i < 5; i++)
        is(await_sqlite_stmt_exec(insert, i), 1);
    is(await_sqlite_stmt_exec(insert), -EINVAL);
    await_for_each (r, row, async_sqlite_stmt_query(select, 3))
        note("%ld", (long)async_sqlite_int64(row, 0));
    await_for_each (r, row, async_sqlite_stmt_query(select, 4))
        note("%ld", (long)async_sqlite_int64(row, 0));
    ok(r);
    is_trail("3 4 4");
    is(await_sqlite_prepare(db, "select 1; select 2", &bad), -EINVAL);
    is(await_sqlite_prepare(db, " -- nothing", &bad), -EINVAL);
    is(await_sqlite_prepare(db, "selct", &bad), -EINVAL);
    has_text(async_fail_text(-EINVAL), "near \"selct\": syntax error");
    is_true(!bad);
    return 0;
}

CASE(a_statement_whose_rows_are_being_read)
{
    int r, s;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt *numbers = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(await_sqlite_prepare(db, FOR_EVER "select i from n", &numbers));
    await_for_each (r, row, async_sqlite_stmt_query(numbers)) {
        if (async_sqlite_int64(row, 0) == 1) {
            is(await_sqlite_stmt_exec(numbers), -EBUSY);
            await_for_each (s, second, async_sqlite_stmt_query(numbers))
                note("%ld", (long)async_sqlite_int64(second, 0));
            is(s, -EBUSY);
            async_sqlite_stmt_drop(&numbers); /* it stays as long as its rows are read */
        }
        if (async_sqlite_int64(row, 0) == 1000)
            break;
    }
    ok(r);
    is_trail("");
    return 0;
}

CASE(several_statements_at_once)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table a (x); create table b (x)"));
    is(await_sqlite_exec(db, "insert into a values (1), (2); insert into b select * from a; -- done\n"),
       4);
    is(await_sqlite_exec(db, "insert into a values (?); insert into a values (?)", 1, 2), -EINVAL);
    is_number(db, "select count(*) from a", 2);
    is(await_sqlite_exec(db, "insert into a values (3); nonsense; insert into a values (4)"), -EINVAL);
    is_number(db, "select count(*) from a", 3);
    ok(await_sqlite_exec(db, ""));
    return 0;
}

CASE(errors_and_their_sentences)
{
    int r;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .foreign_keys = true));
    ok(await_sqlite_exec(db, "create table t (x integer primary key, y not null default 0 check (y < 9));"
                             "create table u (x references t(x))"));
    ok(async_sqlite_error(db));
    is(await_sqlite_exec(db, "insert into t(x) values (1)"), 1);
    is(await_sqlite_exec(db, "insert into t(x) values (1)"), -EEXIST);
    is_text(async_fail_text(-EEXIST), "UNIQUE constraint failed: t.x");
    is(async_sqlite_error(db), SQLITE_CONSTRAINT_PRIMARYKEY);
    is_text(async_sqlite_error_text(db), "UNIQUE constraint failed: t.x");
    is(await_sqlite_exec(db, "insert into t values (2, 9)"), -EDOM);
    is(await_sqlite_exec(db, "insert into t values (2, null)"), -EDOM);
    is(await_sqlite_exec(db, "insert into t(x) values ('two')"), -EDOM);
    is(await_sqlite_exec(db, "insert into u values (7)"), -EDOM);
    is(await_sqlite_exec(db, "select * from nowhere"), -EINVAL);
    is_text(async_fail_text(-EINVAL), "no such table: nowhere");
    await_for_each (r, row, async_sqlite_query(db, "select * from nowhere"))
        note("row");
    is(r, -EINVAL);
    is_text(async_fail_text(r), "no such table: nowhere");
    is(await_sqlite_exec(db, "select zeroblob(2000000000)"), -EFBIG);
    ok(await_sqlite_exec(db, "select 1"));
    ok(async_sqlite_error(db));
    return 0;
}

SUITE("sqlite-values", a_table_and_its_rows, every_type_there_and_back, what_the_macro_takes,
      long_double_is_bound_as_double, status_of_connection_that_failed_to_open_is_empty,
      columns_by_number_and_name, many_rows_come_in_order, a_query_that_changes_rows,
      rows_before_an_error_come_before_it, statements_that_are_kept,
      a_statement_whose_rows_are_being_read, several_statements_at_once, errors_and_their_sentences)
