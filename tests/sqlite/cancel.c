/* SPDX-License-Identifier: MIT */
/* Cancellation: a statement is interrupted wherever it is, what the thread was given is let go of, and the connection
 * goes on. */
#include "sqlite_test.h"

#include <fcntl.h>

static const char endless[] = FOR_EVER "select count(*) from n";

ASYNC_DEF(count_for_ever, (async_sqlite *)db)
{
    return await_sqlite_exec(db, endless);
}

CASE(a_limit_ends_a_statement)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    for (int i = 0; i < 3; i++) {
        is(await_wait_for(count_for_ever(db), 1), -ETIMEDOUT);
        is(async_sqlite_error(db), SQLITE_INTERRUPT);
        is_number(db, "select 5", 5);
    }
    return 0;
}

CASE(what_was_bound_is_ours_again)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    for (int i = 0; i < 3; i++) {
        int r;
        char *text = malloc(100000);
        memset(text, 'x', 100000);
        await_timeout (r, 1)
            r = await_sqlite_exec(db, FOR_EVER "select count(*) from n where instr(?, i || 'y')",
                                  async_sqlite_chars(text, 100000));
        free(text);
        is(r, -ETIMEDOUT);
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

CASE(a_query_is_ended_in_the_middle_of_a_batch)
{
    int rows = 0;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    is(await_wait_for(read_for_ever(db, &rows), 1), -ETIMEDOUT);
    is_true(rows <= 2);
    is_number(db, "select 5", 5);
    return 0;
}

CASE(a_query_that_is_left_gives_its_lock_back)
{
    int r, n = 0;
    await_sqlite_auto db = NULL;
    await_sqlite_auto other = NULL;
    ok(await_sqlite_open(new_file(), &db, .init = "create table t (x); insert into t values (1)"));
    ok(await_sqlite_open(file, &other, .busy_timeout = -1));
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select x from n cross join t")) {
        if (++n < 300)
            continue;
        is(await_sqlite_exec(other, "insert into t values (2)"), -EBUSY);
        break;
    }
    ok(r);
    is(await_sqlite_exec(other, "insert into t values (2)"), 1);
    return 0;
}

ASYNC_DEF(stops_before_the_end, (async_sqlite *)db)
{
    int r;
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n")) {
        note("row");
        if (async_sqlite_int64(row, 0) == 3)
            async_task_cancel(async_current_task());
        ASYNC_TRY(await_sleep(5));
    }
    return r;
}

CASE(cancelled_between_rows)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_task_auto t = async_create_task(stops_before_the_end(db));
    is(await_task(t), -ECANCELED);
    is_trail("row row row");
    is_number(db, "select 5", 5);
    return 0;
}

/* Only the statement of who is cancelled: not the query that another task is reading at the time. */
CASE(a_cancel_leaves_other_queries_alone)
{
    int r;
    int64_t n = 0;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n limit 2000")) {
        n += async_sqlite_int64(row, 0);
        if (async_sqlite_int64(row, 0) % 500 == 0)
            is(await_wait_for(count_for_ever(db), 1), -ETIMEDOUT);
    }
    ok(r);
    is(n, 2000 * 2001 / 2);
    return 0;
}

CASE(a_cancel_in_the_line)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_task_auto first = async_create_task(count_for_ever(db));
    ok(await_sleep(0));
    await_task_auto second = async_create_task(count_for_ever(db));
    ok(await_sleep(0.1));
    async_task_cancel(second);
    is(await_task(second), -ECANCELED);
    is_false(async_task_done(first));
    async_task_cancel(first);
    is(await_task(first), -ECANCELED);
    return 0;
}

CASE(a_cancel_while_another_connection_has_the_lock)
{
    int r;
    await_sqlite_auto db = NULL;
    await_sqlite_auto other = NULL;
    ok(await_sqlite_open(new_file(), &db, .busy_timeout = 3600));
    ok(await_sqlite_open(file, &other, .init = "create table t (x)"));
    await_with (r, async_sqlite_transaction(other)) {
        int s;
        await_timeout (s, 1)
            s = await_sqlite_exec(db, "insert into t values (1)");
        is(s, -ETIMEDOUT);
    }
    ok(r);
    is(await_sqlite_exec(db, "insert into t values (1)"), 1);
    return 0;
}

CASE(a_cancel_while_it_changes_the_journal)
{
    int r;
    await_sqlite_auto db = NULL;
    await_sqlite_auto other = NULL;
    ok(await_sqlite_open(new_file(), &db, .init = "create table t (x); begin exclusive"));
    await_timeout (r, 1)
        r = await_sqlite_open(file, &other, .wal = true, .busy_timeout = 3600);
    is(r, -ETIMEDOUT);
    is(await_sqlite_open(file, &other, .wal = true, .busy_timeout = -1), -EBUSY);
    is_true(!other);
    return 0;
}

ASYNC_DEF(opens, (async_sqlite **)db, (const char *)init)
{
    return await_sqlite_open(NULL, db, .init = init);
}

CASE(a_cancel_while_it_opens)
{
    await_sqlite_auto db = NULL;
    is(await_wait_for(opens(&db, endless), 1), -ETIMEDOUT);
    is_true(!db);
    return 0;
}

/* Each statement is too short to be interrupted. */
static const char *many_statements(void)
{
    enum { MANY = 200000 };
    static char sql[MANY * 10 + 1];
    for (int i = 0; i < MANY; i++)
        memcpy(sql + (size_t)i * 10, "select 1; ", 10);
    return sql;
}

ASYNC_DEF(execute, (async_sqlite *)db, (const char *)sql)
{
    return await_sqlite_exec(db, sql);
}

CASE(a_cancel_among_many_statements)
{
    int r;
    await_sqlite_auto db = NULL;
    await_sqlite_auto other = NULL;
    const char *many = many_statements();
    ok(await_sqlite_open(NULL, &db));
    is(await_wait_for(execute(db, many), 1), -ETIMEDOUT);
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n")) {
        is(await_wait_for(execute(db, many), 1), -ETIMEDOUT);
        break;
    }
    ok(r);
    is(await_wait_for(opens(&other, many), 1), -ETIMEDOUT);
    is_true(!other);
    return 0;
}

/* The end of main cancels what is left. */
ASYNC_DEF(leaves_one_behind)
{
    async_spawn(async_background(), opens((async_sqlite *[1]){ NULL }, endless));
    return await_sleep(1);
}

START_TEST(at_the_end_of_the_loop)
{
    RUN(leaves_one_behind());
}
END_TEST

SUITE("sqlite-cancel", a_limit_ends_a_statement, what_was_bound_is_ours_again,
      a_query_is_ended_in_the_middle_of_a_batch, a_query_that_is_left_gives_its_lock_back,
      cancelled_between_rows, a_cancel_leaves_other_queries_alone, a_cancel_in_the_line,
      a_cancel_while_another_connection_has_the_lock, a_cancel_while_it_changes_the_journal,
      a_cancel_while_it_opens, a_cancel_among_many_statements, at_the_end_of_the_loop)
