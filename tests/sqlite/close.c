/* SPDX-License-Identifier: MIT */
/* close.c - close connections: when it happens, what becomes of calls, queries and statements, and
 * where it is refused. */
#include "sqlite_test.h"

#include <semaphore.h>

/* --- the order of calls and close --- */

ASYNC_DEF(select_and_note, (async_sqlite *)db, (int)i)
{
    int64_t n = 0;
    char sql[32];
    snprintf(sql, sizeof sql, "select %d", i);
    int r = await_number(db, sql, &n);
    log_event("%d:%s", i, result_text(r < 0 ? r : n));
    return r;
}

/* Noted when it ends, after a second. */
ASYNC_DEF(select_in_transaction, (async_sqlite *)db)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sleep(1));
        r = await_select_and_note(db, 1);
    }
    return r;
}

/* The transaction ends first. The call that waits behind it, the statement and the query fail. */
LOOP_TEST(close_waits_for_transaction_and_fails_later_calls)
{
    async_sqlite *db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    async_sqlite_stmt_auto one = NULL;
    expect_ok(await_sqlite_prepare(db, "select 1", &one));
    async_sqlite_rows rows = async_sqlite_query(db, FOR_EVER "select i from n");
    const async_sqlite_row *row;
    expect_int(await_gen_next(&rows.gen, &row, sizeof row), 1);
    await_task_auto a = async_create_task(select_in_transaction(db));
    await_task_auto b = async_create_task(select_and_note(db, 2));
    expect_ok(await_sleep(0.5));
    expect_ok(await_sqlite_close(&db));
    expect_ok(await_task(a));
    expect_int(await_task(b), -EPIPE);
    expect_events("1:1 2:-EPIPE");
    expect_int(await_sqlite_stmt_exec(one), -EPIPE);
    int r, n = 1;
    while ((r = await_gen_next(&rows.gen, &row, sizeof row)) > 0)
        n++;
    expect_int(r, -EPIPE);
    expect_true(n <= 256); /* the first batch; on a slow machine it has fewer rows */
    await_gen_drop(&rows.gen);
    return 0;
}

ASYNC_DEF(close_own_copy, (async_sqlite *)db)
{
    int r = await_sqlite_close(&db);
    expect_true(!db);
    log_event("%s", result_text(r));
    return 0;
}

LOOP_TEST(second_close_while_first_waits_is_refused)
{
    int r;
    async_sqlite *db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_group (r, g) {
        async_spawn(g, select_in_transaction(db));
        async_spawn(g, close_own_copy(db));
        async_spawn(g, close_own_copy(db));
    }
    expect_ok(r);
    expect_events("-EPIPE 1:1 0");
    return 0;
}

/* --- a statement that is dropped at the same time --- */

static sem_t closing, dropped;

static void wait_while_closing(void *arg)
{
    (void)arg;
    sem_post(&closing);
    sem_wait(&dropped);
}

static void do_nothing(sqlite3_context *c, int n, sqlite3_value **values)
{
    (void)c, (void)n, (void)values;
}

/* The destructor of this function is called while the connection is being closed. */
static int add_function(sqlite3 *db, char **why, const void *api)
{
    (void)why, (void)api;
    return sqlite3_create_function_v2(db, "f", 0, SQLITE_UTF8, NULL, do_nothing, NULL, NULL,
                                      wait_while_closing);
}

ASYNC_DEF(close_connection, (async_sqlite **)db)
{
    return await_sqlite_close(db);
}

LOOP_TEST(statement_dropped_while_connection_closes_is_freed)
{
    async_sqlite *db = NULL;
    async_sqlite_stmt *s = NULL;
    expect_ok(sqlite3_initialize());
    sqlite3_int64 used = sqlite3_memory_used();
    sem_init(&closing, 0, 0);
    sem_init(&dropped, 0, 0);
    expect_ok(sqlite3_auto_extension((void (*)(void))add_function));
    expect_ok(await_sqlite_open(NULL, &db));
    sqlite3_reset_auto_extension();
    expect_ok(await_sqlite_prepare(db, "select f()", &s));
    await_task_auto t = async_create_task(close_connection(&db));
    expect_ok(await_sleep(0));
    expect_ok(sem_wait(&closing));
    async_sqlite_stmt_drop(&s);
    sem_post(&dropped);
    expect_ok(await_task(t));
    expect_int(sqlite3_memory_used(), used);
    return 0;
}

/* --- NULL, which closing leaves behind --- */

static int await_read_all(async_sqlite_rows rows)
{
    int r;
    await_for_each (r, row, rows)
        (void)row;
    return r;
}

LOOP_TEST(each_call_with_null_is_refused_with_message)
{
    int r;
    async_sqlite *db = NULL, *lent = NULL;
    async_sqlite_stmt *s = NULL;
    async_sqlite_pool *pool = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_sqlite_close(&db));
    expect_ok(await_sqlite_close(&db));
    expect_ok(await_sqlite_close(NULL));
    expect_int(await_sqlite_exec(db, "select 1"), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "connection is NULL: it was closed, or never opened");
    expect_int(await_sqlite_prepare(db, "select 1", &s), -EPIPE);
    expect_int(await_read_all(async_sqlite_query(db, "select 1")), -EPIPE);
    await_with (r, async_sqlite_transaction(db))
        log_event("entered");
    expect_int(r, -EPIPE);
    expect_int(await_sqlite_stmt_exec(s), -EPIPE);
    expect_text(async_fail_text(-EPIPE), "statement is NULL: it was closed, or never opened");
    expect_int(await_read_all(async_sqlite_stmt_query(s)), -EPIPE);
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    expect_ok(await_sqlite_pool_close(&pool));
    expect_ok(await_sqlite_pool_close(&pool));
    expect_ok(await_sqlite_pool_close(NULL));
    await_with (r, async_sqlite_pool_context_manager(pool, &lent))
        log_event("entered");
    expect_int(r, -EPIPE);
    expect_text(async_fail_text(-EPIPE), "pool is NULL: it was closed, or never opened");
    expect_events("");
    return 0;
}

SUITE("sqlite-close", close_waits_for_transaction_and_fails_later_calls,
      second_close_while_first_waits_is_refused, statement_dropped_while_connection_closes_is_freed,
      each_call_with_null_is_refused_with_message)
