/* SPDX-License-Identifier: MIT */
/* A child of fork() has its parent's connections without their threads. */
#include "sqlite_test.h"

#include <sys/wait.h>

static pid_t child;

/* A child that goes its way out of all blocks, as one does that has failed to execute a program. */
ASYNC_DEF(forks)
{
    int r;
    async_sqlite *lent = NULL;
    await_sqlite_pool_auto pool = NULL;
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto s = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    ok(await_sqlite_prepare(db, "select 5", &s));
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_hold(pool, &lent)) {
        await_with (r, async_sqlite_transaction(db)) {
            child = fork();
            if (child == 0) {
                is(await_sqlite_exec(db, "insert into t values (1)"), -EPERM);
                is(await_sqlite_stmt_exec(s), -EPERM);
                is(await_sqlite_close(&db), -EPERM);
                return 0;
            }
            is(await_sqlite_exec(db, "insert into t values (2)"), 1);
        }
    }
    ok(r);
    is_number(db, "select count(*) from t", 1);
    return 0;
}

START_TEST(a_child_of_fork_leaves_its_parents_connections_alone)
{
    int status = 0;
    ears_open();
    async_ignore(async_run(forks()));
    ears_close();
    if (child == 0) /* what it has of its parent's is not freed, but goes when another program takes its place */
        _exit(execlp("true", "true", (char *)NULL));
    is(waitpid(child, &status, 0), child);
    is(status, 0);
}
END_TEST

SUITE("sqlite-fork", a_child_of_fork_leaves_its_parents_connections_alone)
