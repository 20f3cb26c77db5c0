/* SPDX-License-Identifier: MIT */
/* cancel.c - cancellation: the statement is interrupted, whatever it is doing; the thread no longer
 * uses what it was given; the connection can still be used. */
#include "sqlite_test.h"

#include <fcntl.h>

/* --- statements --- */

static const char endless[] = FOR_EVER "select count(*) from n";

ASYNC_DEF(count_for_ever, (async_sqlite *)db)
{
    return await_sqlite_exec(db, endless);
}

LOOP_TEST(timeout_interrupts_statement)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    for (int i = 0; i < 3; i++) {
        expect_int(await_wait_for(count_for_ever(db), 1), -ETIMEDOUT);
        expect_int(async_sqlite_error(db), SQLITE_INTERRUPT);
        expect_number(db, "select 5", 5);
    }
    return 0;
}

/* A thread that still used the text would be a use after free. */
LOOP_TEST(bound_value_can_be_freed_after_cancel)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    for (int i = 0; i < 3; i++) {
        int r;
        char *text = malloc(100000);
        memset(text, 'x', 100000);
        await_timeout (r, 1)
            r = await_sqlite_exec(db, FOR_EVER "select count(*) from n where instr(?, i || 'y')",
                                  async_sqlite_chars(text, 100000));
        free(text);
        expect_int(r, -ETIMEDOUT);
    }
    return 0;
}

ASYNC_DEF(read_for_ever, (async_sqlite *)db, (int *)rows)
{
    int r;
    await_for_each (r, row,
                    async_sqlite_query(db, FOR_EVER "select i from n where i < 3 or i > 5 and 0"))
        *rows += 1;
    return r;
}

/* --- queries --- */

LOOP_TEST(timeout_interrupts_query_inside_batch)
{
    int rows = 0;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_wait_for(read_for_ever(db, &rows), 1), -ETIMEDOUT);
    expect_true(rows <= 2);
    expect_number(db, "select 5", 5);
    return 0;
}

LOOP_TEST(query_left_early_releases_its_lock)
{
    int r, n = 0;
    await_sqlite_auto db = NULL, other = NULL;
    expect_ok(await_sqlite_open(new_file(), &db,
                                .init = "create table t (x); insert into t values (1)"));
    expect_ok(await_sqlite_open(file, &other, .busy_timeout = -1));
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select x from n cross join t")) {
        if (++n < 300)
            continue;
        expect_int(await_sqlite_exec(other, "insert into t values (2)"), -EBUSY);
        break;
    }
    expect_ok(r);
    expect_int(await_sqlite_exec(other, "insert into t values (2)"), 1);
    return 0;
}

ASYNC_DEF(cancel_itself_at_third_row, (async_sqlite *)db)
{
    int r;
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n")) {
        log_event("row");
        if (async_sqlite_int64(row, 0) == 3)
            async_task_cancel(async_current_task());
        ASYNC_TRY(await_sleep(5));
    }
    return r;
}

LOOP_TEST(cancel_between_rows_ends_query)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_task_auto t = async_create_task(cancel_itself_at_third_row(db));
    expect_int(await_task(t), -ECANCELED);
    expect_events("row row row");
    expect_number(db, "select 5", 5);
    return 0;
}

LOOP_TEST(cancel_of_statement_spares_query_between_batches)
{
    int r;
    int64_t n = 0;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n limit 2000")) {
        n += async_sqlite_int64(row, 0);
        if (async_sqlite_int64(row, 0) % 500 == 0)
            expect_int(await_wait_for(count_for_ever(db), 1), -ETIMEDOUT);
    }
    expect_ok(r);
    expect_int(n, 2000 * 2001 / 2);
    return 0;
}

/* --- waiting --- */

LOOP_TEST(cancel_while_queued_spares_running_statement)
{
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_task_auto first = async_create_task(count_for_ever(db));
    expect_ok(await_sleep(0));
    await_task_auto second = async_create_task(count_for_ever(db));
    expect_ok(await_sleep(0.1));
    async_task_cancel(second);
    expect_int(await_task(second), -ECANCELED);
    expect_false(async_task_done(first));
    async_task_cancel(first);
    expect_int(await_task(first), -ECANCELED);
    return 0;
}

LOOP_TEST(cancel_while_database_is_locked_ends_wait)
{
    int r;
    await_sqlite_auto db = NULL, other = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .busy_timeout = 3600));
    expect_ok(await_sqlite_open(file, &other, .init = "create table t (x)"));
    await_with (r, async_sqlite_transaction(other)) {
        int s;
        await_timeout (s, 1)
            s = await_sqlite_exec(db, "insert into t values (1)");
        expect_int(s, -ETIMEDOUT);
    }
    expect_ok(r);
    expect_int(await_sqlite_exec(db, "insert into t values (1)"), 1);
    return 0;
}

/* --- opening --- */

LOOP_TEST(cancel_while_changing_journal_mode_closes_connection)
{
    int r;
    await_sqlite_auto db = NULL, other = NULL;
    expect_ok(await_sqlite_open(new_file(), &db, .init = "create table t (x); begin exclusive"));
    await_timeout (r, 1)
        r = await_sqlite_open(file, &other, .wal = true, .busy_timeout = 3600);
    expect_int(r, -ETIMEDOUT);
    expect_int(await_sqlite_open(file, &other, .wal = true, .busy_timeout = -1), -EBUSY);
    expect_true(!other);
    return 0;
}

ASYNC_DEF(open_with_init, (async_sqlite **)db, (const char *)init)
{
    return await_sqlite_open(NULL, db, .init = init);
}

LOOP_TEST(cancel_inside_init_closes_connection)
{
    await_sqlite_auto db = NULL;
    expect_int(await_wait_for(open_with_init(&db, endless), 1), -ETIMEDOUT);
    expect_true(!db);
    return 0;
}

/* --- scripts --- */

/* Each of these statements is too short to be interrupted inside. */
static const char *many_statements(void)
{
    enum { MANY = 200000 };
    static char sql[MANY * 10 + 1];
    for (int i = 0; i < MANY; i++)
        memcpy(sql + (size_t)i * 10, "select 1; ", 10);
    return sql;
}

ASYNC_DEF(exec_sql, (async_sqlite *)db, (const char *)sql)
{
    return await_sqlite_exec(db, sql);
}

LOOP_TEST(cancel_between_short_statements_ends_script)
{
    int r;
    await_sqlite_auto db = NULL, other = NULL;
    const char *many = many_statements();
    expect_ok(await_sqlite_open(NULL, &db));
    expect_int(await_wait_for(exec_sql(db, many), 1), -ETIMEDOUT);
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n")) {
        expect_int(await_wait_for(exec_sql(db, many), 1), -ETIMEDOUT);
        break;
    }
    expect_ok(r);
    expect_int(await_wait_for(open_with_init(&other, many), 1), -ETIMEDOUT);
    expect_true(!other);
    return 0;
}

/* --- the end of the loop --- */

ASYNC_DEF(leave_open_in_background)
{
    async_spawn(async_background(), open_with_init((async_sqlite *[1]){ NULL }, endless));
    return await_sleep(1);
}

TEST(end_of_main_interrupts_statement_in_background)
{
    expect_run_ok(leave_open_in_background());
}

SUITE("sqlite-cancel", timeout_interrupts_statement, bound_value_can_be_freed_after_cancel,
      timeout_interrupts_query_inside_batch, query_left_early_releases_its_lock,
      cancel_between_rows_ends_query, cancel_of_statement_spares_query_between_batches,
      cancel_while_queued_spares_running_statement, cancel_while_database_is_locked_ends_wait,
      cancel_while_changing_journal_mode_closes_connection, cancel_inside_init_closes_connection,
      cancel_between_short_statements_ends_script, end_of_main_interrupts_statement_in_background)
