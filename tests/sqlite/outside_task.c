/* SPDX-License-Identifier: MIT */
/* outside_task.c - calls where no task can wait: in a callback, without a loop, on another thread.
 * They are refused with a message and leave everything as it was, so that it can still be used, and
 * closed in the right place. */
#include "sqlite_test.h"

#include <pthread.h>

/* One of each, opened by the task of a case. */
static async_sqlite *db;
static async_sqlite_stmt *stmt;
static async_sqlite_pool *pool;

ASYNC_DEF(open_all)
{
    expect_ok(await_sqlite_open(NULL, &db));
    expect_ok(await_sqlite_prepare(db, "select 5", &stmt));
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    return 0;
}

/* Check that everything can still be used, and closed. */
ASYNC_DEF(use_and_close_all)
{
    int r;
    async_sqlite *lent = NULL;
    expect_number(db, "select 5", 5);
    expect_ok(await_sqlite_stmt_exec(stmt));
    await_with (r, async_sqlite_pool_context_manager(pool, &lent))
        expect_number(lent, "select 6", 6);
    expect_ok(r);
    async_sqlite_stmt_drop(&stmt);
    expect_ok(await_sqlite_close(&db));
    expect_ok(await_sqlite_pool_close(&pool));
    expect_true(!db && !stmt && !pool);
    return 0;
}

/* --- callbacks, and no loop at all --- */

static void expect_refusal(int r, const char *message)
{
    expect_int(r, -EPERM);
    expect_text(captured_stderr(), message);
    expect_true(db && stmt && pool);
}

/* The core's own message names what was called. */
static void expect_refusal_by_core(int r, const char *what)
{
    expect_int(r, -EPERM);
    expect_contains(captured_stderr(), what);
    expect_true(db && stmt && pool);
}

#define IN_CALLBACK "in a callback: a callback must not await; create a task with async_spawn()"
#define WITHOUT_LOOP                                                                               \
    "outside of a task: no loop runs on this thread; call it in a coroutine that async_run() or "  \
    "async_main() runs"

static const char *reason = IN_CALLBACK;

static void expect_refusal_of(const char *function, int r)
{
    char message[200];
    snprintf(message, sizeof message, "asyncio: %s() %s\n", function, reason);
    expect_refusal(r, message);
}

static void call_each_function(void *arg)
{
    async_sqlite *opened = NULL;
    async_sqlite_stmt *prepared = NULL;
    (void)arg;
    expect_refusal_of("await_sqlite_open", await_sqlite_open(NULL, &opened));
    expect_refusal_of("await_sqlite_exec", await_sqlite_exec(db, "select 1"));
    expect_refusal_of("await_sqlite_prepare", await_sqlite_prepare(db, "", &prepared));
    expect_refusal_of("await_sqlite_stmt_exec", await_sqlite_stmt_exec(stmt));
    expect_refusal_of("await_sqlite_close", await_sqlite_close(&db));
    expect_refusal_of("await_sqlite_pool_close", await_sqlite_pool_close(&pool));
    expect_true(!opened && !prepared);
    await_sqlite_drop(&db);
    expect_refusal_of("await_sqlite_drop", -EPERM);
    await_sqlite_pool_drop(&pool);
    expect_refusal_of("await_sqlite_pool_drop", -EPERM);
}

static void enter_each_block(void *arg)
{
    int r;
    async_sqlite *lent = NULL;
    (void)arg;
    await_with (r, async_sqlite_transaction(db))
        log_event("entered");
    expect_refusal_by_core(r, "await_with");
    await_with (r, async_sqlite_pool_context_manager(pool, &lent))
        log_event("entered");
    expect_refusal_by_core(r, "await_with");
    await_for_each (r, row, async_sqlite_query(db, "select 1"))
        log_event("entered");
    expect_refusal_by_core(r, "await_for_each");
    expect_true(!lent);
    expect_events("");
}

static void call_and_enter_each(void *arg)
{
    call_each_function(arg);
    enter_each_block(arg);
}

static int await_callback(void (*fn)(void *arg))
{
    async_callback callback;
    async_call_soon(&callback, fn, NULL);
    return await_sleep(0);
}

LOOP_TEST(each_await_in_callback_is_refused)
{
    expect_ok(await_open_all());
    expect_ok(await_callback(call_and_enter_each));
    return await_use_and_close_all();
}

TEST(each_await_without_loop_is_refused)
{
    expect_run_ok(open_all());
    capture_stderr_begin();
    reason = WITHOUT_LOOP;
    call_and_enter_each(NULL);
    capture_stderr_end();
    expect_run_ok(use_and_close_all());
}

static void drop_statement(void *arg)
{
    (void)arg;
    async_sqlite_stmt_drop(&stmt);
}

LOOP_TEST(statement_dropped_in_callback_is_dropped)
{
    await_sqlite_auto own = NULL;
    expect_ok(await_sqlite_open(NULL, &own));
    expect_ok(await_sqlite_prepare(own, "select 5", &stmt));
    expect_ok(await_callback(drop_statement));
    expect_true(!stmt);
    expect_number(own, "select 5", 5);
    return 0;
}

/* --- while the objects are in use --- */

static void close_connection(void *arg)
{
    (void)arg;
    expect_int(await_sqlite_close(&db), -EPERM);
    expect_text(captured_stderr(), "asyncio: await_sqlite_close() " IN_CALLBACK "\n");
}

LOOP_TEST(close_in_callback_spares_running_query)
{
    int r, rows = 0;
    async_callback callback;
    expect_ok(await_sqlite_open(NULL, &db));
    async_call_soon(&callback, close_connection, NULL);
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i from n limit 100000"))
        rows++;
    expect_ok(r);
    expect_int(rows, 100000);
    expect_true(db);
    return await_sqlite_close(&db);
}

static void close_pool(void *arg)
{
    (void)arg;
    expect_int(await_sqlite_pool_close(&pool), -EPERM);
    expect_text(captured_stderr(), "asyncio: await_sqlite_pool_close() " IN_CALLBACK "\n");
}

LOOP_TEST(pool_close_in_callback_spares_lent_connection)
{
    int r;
    async_sqlite *lent = NULL;
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &lent)) {
        expect_ok(await_callback(close_pool));
        expect_number(lent, "select 5", 5);
    }
    expect_ok(r);
    return await_sqlite_pool_close(&pool);
}

/* --- another thread, without a loop and with one --- */

#define FOREIGN(what) what " belongs to another thread: use it on the thread that opened it"

static void *call_without_loop(void *arg)
{
    reason = WITHOUT_LOOP;
    expect_refusal(await_sqlite_exec(db, "select 1"), "asyncio: " FOREIGN("connection") "\n");
    expect_refusal(await_sqlite_stmt_exec(stmt), "asyncio: " FOREIGN("statement") "\n");
    expect_refusal(await_sqlite_close(&db), "asyncio: " FOREIGN("connection") "\n");
    expect_refusal(await_sqlite_pool_close(&pool), "asyncio: " FOREIGN("pool") "\n");
    expect_refusal_of("await_sqlite_exec", await_sqlite_exec(NULL, "select 1"));
    async_sqlite_stmt_drop(&stmt);
    expect_refusal(-EPERM, "asyncio: " FOREIGN("statement") "\n");
    await_sqlite_drop(&db);
    expect_refusal(-EPERM, "asyncio: " FOREIGN("connection") "\n");
    await_sqlite_pool_drop(&pool);
    expect_refusal(-EPERM, "asyncio: " FOREIGN("pool") "\n");
    return arg;
}

/* In a task the caller can read the message, so it is not printed. The functions without a result
 * print it. */
ASYNC_DEF(call_in_foreign_task)
{
    int r;
    async_sqlite *lent = NULL;
    expect_int(await_sqlite_exec(db, "select 1"), -EPERM);
    expect_text(async_fail_text(-EPERM), FOREIGN("connection"));
    expect_int(await_sqlite_close(&db), -EPERM);
    expect_int(await_sqlite_pool_close(&pool), -EPERM);
    await_with (r, async_sqlite_transaction(db))
        log_event("entered");
    expect_int(r, -EPERM);
    await_with (r, async_sqlite_pool_context_manager(pool, &lent))
        log_event("entered");
    expect_int(r, -EPERM);
    await_for_each (r, row, async_sqlite_query(db, "select 1"))
        log_event("entered");
    expect_refusal(r, "");
    async_sqlite_stmt_drop(&stmt);
    expect_refusal(-EPERM, "asyncio: async_sqlite_stmt_drop: " FOREIGN("statement") "\n");
    await_sqlite_drop(&db);
    expect_refusal(-EPERM, "asyncio: await_sqlite_drop: " FOREIGN("connection") "\n");
    await_sqlite_pool_drop(&pool);
    expect_refusal(-EPERM, "asyncio: await_sqlite_pool_drop: " FOREIGN("pool") "\n");
    expect_events("");
    return 0;
}

static void *run_foreign_task(void *arg)
{
    expect_ok(async_run(call_in_foreign_task()));
    return arg;
}

static void run_on_thread(void *(*fn)(void *arg))
{
    pthread_t thread;
    expect_ok(pthread_create(&thread, NULL, fn, NULL));
    expect_ok(pthread_join(thread, NULL));
}

LOOP_TEST(each_call_on_another_thread_is_refused)
{
    expect_ok(await_open_all());
    run_on_thread(call_without_loop);
    run_on_thread(run_foreign_task);
    return await_use_and_close_all();
}

/* --- drops that are refused in a task --- */

LOOP_TEST(drop_inside_own_transaction_is_refused_with_message)
{
    int r;
    expect_ok(await_sqlite_open(NULL, &db));
    await_with (r, async_sqlite_transaction(db)) {
        await_sqlite_drop(&db);
        expect_text(captured_stderr(),
                    "asyncio: await_sqlite_drop: connection cannot be closed inside its "
                    "transaction block\n");
        expect_number(db, "select 5", 5);
    }
    expect_ok(r);
    return await_sqlite_close(&db);
}

SUITE("sqlite-outside-task", each_await_in_callback_is_refused, each_await_without_loop_is_refused,
      statement_dropped_in_callback_is_dropped, close_in_callback_spares_running_query,
      pool_close_in_callback_spares_lent_connection, each_call_on_another_thread_is_refused,
      drop_inside_own_transaction_is_refused_with_message)
