/* SPDX-License-Identifier: MIT */
/* errors.c - SQLite's errors as errno values, with SQLite's messages and result codes. */
#include "sqlite_test.h"

static const char tables[] =
        "create table t (x integer primary key, y not null default 0 check (y < 9));"
        "create table u (x references t(x)); insert into t(x) values (1)";

LOOP_TEST(duplicate_key_is_eexist)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = tables));
    expect_int(await_sqlite_exec(db, "insert into t(x) values (1)"), -EEXIST);
    expect_text(async_fail_text(-EEXIST), "UNIQUE constraint failed: t.x");
    expect_int(async_sqlite_error(db), SQLITE_CONSTRAINT_PRIMARYKEY);
    expect_text(async_sqlite_error_text(db), "UNIQUE constraint failed: t.x");
    return 0;
}

LOOP_TEST(other_constraint_is_edom)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .foreign_keys = true, .init = tables));
    expect_int(await_sqlite_exec(db, "insert into t values (2, 9)"), -EDOM);
    expect_int(await_sqlite_exec(db, "insert into t values (2, null)"), -EDOM);
    expect_int(await_sqlite_exec(db, "insert into t(x) values ('two')"), -EDOM);
    expect_int(await_sqlite_exec(db, "insert into u values (7)"), -EDOM);
    return 0;
}

LOOP_TEST(mistake_in_sql_is_einval)
{
    int r;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_sqlite_exec(db, "select * from nowhere"), -EINVAL);
    expect_text(async_fail_text(-EINVAL), "no such table: nowhere");
    await_for_each (r, row, async_sqlite_query(db, "select * from nowhere"))
        log_event("row");
    expect_int(r, -EINVAL);
    expect_text(async_fail_text(r), "no such table: nowhere");
    expect_events("");
    return 0;
}

LOOP_TEST(value_that_is_too_large_is_efbig)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_sqlite_exec(db, "select zeroblob(2000000000)"), -EFBIG);
    return 0;
}

/* In WAL mode a transaction cannot write if it has read an old state: waiting would not help. */
LOOP_TEST(transaction_during_old_query_is_busy_at_once)
{
    int r, s;
    static const char query[] = FOR_EVER "select i from n where i > (select count(*) from t)";
    await_sqlite_auto db = NULL, other = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .wal = true, .init = "create table t (x)",
                                .busy_timeout = 3600));
    expect_ok(await_sqlite_open(file, &other));
    await_for_each (r, row, async_sqlite_query(db, query)) {
        expect_int(await_sqlite_exec(other, "insert into t values (1)"), 1);
        await_with (s, async_sqlite_transaction(db))
            log_event("entered");
        expect_int(s, -EBUSY);
        break;
    }
    expect_ok(r);
    expect_events("");
    return 0;
}

LOOP_TEST(call_that_succeeds_clears_the_error)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_sqlite_exec(db, "select * from nowhere"), -EINVAL);
    expect_int(async_sqlite_error(db), SQLITE_ERROR);
    expect_ok(await_sqlite_exec(db, "select 1"));
    expect_ok(async_sqlite_error(db));
    expect_text(async_sqlite_error_text(db), "");
    return 0;
}

SUITE("sqlite-errors", duplicate_key_is_eexist, other_constraint_is_edom, mistake_in_sql_is_einval,
      value_that_is_too_large_is_efbig, transaction_during_old_query_is_busy_at_once,
      call_that_succeeds_clears_the_error)
