/* SPDX-License-Identifier: MIT */
/* fork.c - a child of fork() has its parent's connections without their threads. It can use neither
 * them nor, as long as the parent has any, SQLite. */
#include "sqlite_test.h"

#include <sys/wait.h>

static pid_t child;

/* --- the parent's connections --- */

/* The child leaves all blocks of the parent, as one does that has failed to execute a program. */
ASYNC_DEF(fork_inside_blocks)
{
    int r;
    async_sqlite *lent = NULL;
    await_sqlite_pool_auto pool = NULL;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto s = NULL;
    expect_ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    expect_ok(await_sqlite_prepare(db, "select 5", &s));
    expect_ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_context_manager(pool, &lent)) {
        await_with (r, async_sqlite_transaction(db)) {
            child = fork();
            if (child == 0) {
                expect_int(await_sqlite_exec(db, "insert into t values (1)"), -EPERM);
                expect_int(await_sqlite_stmt_exec(s), -EPERM);
                expect_int(await_sqlite_close(&db), -EPERM);
                return 0;
            }
            expect_int(await_sqlite_exec(db, "insert into t values (2)"), 1);
        }
    }
    expect_ok(r);
    expect_number(db, "select count(*) from t", 1);
    return 0;
}

TEST(child_that_leaves_blocks_changes_nothing_of_parent)
{
    int status = 0;
    capture_stderr_begin();
    async_ignore(async_run(fork_inside_blocks()));
    capture_stderr_end();
    if (child == 0) /* the memory that is not freed in the child goes with the program */
        _exit(execlp("true", "true", (char *)NULL));
    expect_int(waitpid(child, &status, 0), child);
    expect_ok(status);
}

/* --- connections of the child, in a loop of its own --- */

ASYNC_DEF(open_in_child)
{
    async_sqlite *db = NULL;
    async_sqlite_pool *pool = NULL;
    expect_int(await_sqlite_open(NULL, &db), -EPERM);
    expect_contains(async_fail_text(-EPERM), "child of fork() whose parent had a connection open");
    expect_int(async_sqlite_pool_open(NULL, 1, &pool), -EPERM);
    expect_true(!db && !pool);
    return 0;
}

static int run_in_child(async_co co)
{
    int status = 0;
    child = fork();
    if (child == 0) {
        alarm(20); /* SQLite may wait for ever for a mutex of the parent */
        _exit(async_run(co) == 0 ? 0 : 1);
    }
    expect_int(waitpid(child, &status, 0), child);
    return status;
}

/* So that the thread often has a mutex of SQLite locked while the process forks. */
ASYNC_DEF(allocate_for_ever, (async_sqlite *)db)
{
    return await_sqlite_exec(db, FOR_EVER "select 1 from n where zeroblob(i % 100) = ?", "");
}

LOOP_TEST(open_in_child_is_refused_if_parent_has_connection)
{
    if (UNDER_VALGRIND) /* what SQLite's thread was allocating is lost in the child */
        return 0;
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    await_task_auto t = async_create_task(allocate_for_ever(db));
    expect_ok(await_sleep(0));
    for (int i = 0; i < 20; i++)
        expect_ok(run_in_child(open_in_child()));
    async_task_cancel(t);
    expect_int(await_task(t), -ECANCELED);
    return 0;
}

ASYNC_DEF(open_and_close)
{
    async_sqlite *db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    expect_number(db, "select 5", 5);
    return await_sqlite_close(&db);
}

LOOP_TEST(open_in_child_succeeds_after_parent_closed)
{
    expect_ok(await_open_and_close());
    expect_ok(run_in_child(open_and_close()));
    return 0;
}

SUITE("sqlite-fork", child_that_leaves_blocks_changes_nothing_of_parent,
      open_in_child_is_refused_if_parent_has_connection, open_in_child_succeeds_after_parent_closed)
