/* SPDX-License-Identifier: MIT */
/* Opening and closing, files that are not what they should be, the line for a connection, pools. */
#include "sqlite_test.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

CASE(files_and_options)
{
    await_sqlite_auto db = NULL;
    is(await_sqlite_open(new_file(), &db, .must_exist = true), -ENOENT);
    has_text(async_fail_text(-ENOENT), "unable to open database file: /");
    has_text(async_fail_text(-ENOENT), strrchr(file, '/'));
    is(await_sqlite_open(file, &db, .readonly = true), -ENOENT);
    is(await_sqlite_open(file, &db, .init = "create tabel t (x)"), -EINVAL);
    is_true(!db);
    ok(await_sqlite_open(file, &db, .wal = true, .foreign_keys = true, .init = "create table t (x)"));
    is_number(db, "select journal_mode = 'wal' from pragma_journal_mode", 1);
    is_number(db, "select foreign_keys from pragma_foreign_keys", 1);
    await_sqlite_auto reader = NULL;
    ok(await_sqlite_open(file, &reader, .readonly = true));
    is(await_sqlite_exec(reader, "insert into t values (1)"), -EROFS);
    int r;
    await_with (r, async_sqlite_transaction(reader))
        is_number(reader, "select count(*) from t", 0);
    ok(r);
    ok(await_sqlite_close(&db));
    ok(await_sqlite_close(&db));
    return 0;
}

CASE(a_file_that_is_no_database)
{
    await_sqlite_auto db = NULL;
    int fd = open(new_file(), O_CREAT | O_WRONLY, 0600);
    for (int i = 0; i < 1000; i++)
        is(write(fd, "this is no database", 20), 20);
    close(fd);
    is(await_sqlite_open(file, &db, .wal = true), -EBADMSG);
    ok(await_sqlite_open(file, &db));
    is(await_sqlite_exec(db, "select * from t"), -EBADMSG);
    is_text(async_fail_text(-EBADMSG), "file is not a database");
    return 0;
}

CASE(a_damaged_file)
{
    int r, n = 0;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(new_file(), &db, .init = "create table t (x)"));
    is(await_sqlite_exec(db, FOR_EVER "insert into t select printf('%0500d', i) from n limit 5000"),
       5000);
    ok(await_sqlite_close(&db));
    int fd = open(file, O_WRONLY);
    for (off_t page = 100; page < 200; page++)
        is(pwrite(fd, "damaged damaged damaged", 24, page * 4096), 24);
    close(fd);
    ok(await_sqlite_open(file, &db));
    await_for_each (r, row, async_sqlite_query(db, "select x from t"))
        n++;
    is(r, -EBADMSG);
    is_true(n > 0 && n < 5000);
    return 0;
}

CASE(a_disk_that_is_full)
{
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(new_file(), &db, .init = "pragma max_page_count = 10; create table t (x)"));
    is(await_sqlite_exec(db, "insert into t values (zeroblob(100000))"), -ENOSPC);
    is_text(async_fail_text(-ENOSPC), "database or disk is full");
    is(await_sqlite_exec(db, "insert into t values (1)"), 1);
    ok(await_sqlite_close(&db));
    signal(SIGXFSZ, SIG_IGN);
    ok(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 65536, RLIM_INFINITY }));
    ok(await_sqlite_open(file, &db));
    int r = await_sqlite_exec(db, "insert into t values (zeroblob(200000))");
    is(r, -EIO);
    has_text(async_fail_text(r), "disk I/O error");
    is_number(db, "select count(*) from t", 1);
    return 0;
}

CASE(a_manager)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_hold(&db, new_file(), .init = "create table t (x)"))
        is_number(db, "select count(*) from t", 0);
    ok(r);
    is_true(!db);
    await_with (r, async_sqlite_hold(&db, "/nowhere/at/all", .must_exist = true))
        note("not entered");
    is(r, -ENOENT);
    is_trail("");
    return 0;
}

ASYNC_DEF(say, (async_sqlite *)db, (int)i)
{
    int64_t n = 0;
    char sql[32];
    snprintf(sql, sizeof sql, "select %d", i);
    int r = await_number(db, sql, &n);
    note("%d:%s", i, shown(r < 0 ? r : n));
    return r;
}

ASYNC_DEF(put, (async_sqlite *)db, (int)i)
{
    return await_sqlite_exec(db, "insert into t values (?)", i);
}

CASE(first_come_first_served)
{
    int r;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db, .init = "create table t (x)"));
    await_group (r, g) {
        for (int i = 1; i <= 5; i++)
            async_spawn(g, put(db, i));
    }
    ok(r);
    is_number(db, "select group_concat(x) = '1,2,3,4,5' from t", 1);
    return 0;
}

ASYNC_DEF(transact, (async_sqlite *)db)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sleep(1));
        r = await_say(db, 1);
    }
    return r;
}

CASE(closed_while_others_wait)
{
    async_sqlite *db = NULL;
    ok(await_sqlite_open(NULL, &db));
    async_sqlite_stmt_auto one = NULL;
    ok(await_sqlite_prepare(db, "select 1", &one));
    async_sqlite_rows rows = async_sqlite_query(db, FOR_EVER "select i from n");
    const async_sqlite_row *row;
    is(await_gen_next(&rows.gen, &row, sizeof row), 1);
    await_task_auto a = async_create_task(transact(db));
    await_task_auto b = async_create_task(say(db, 2));
    ok(await_sleep(0.5));
    ok(await_sqlite_close(&db)); /* when the transaction is over */
    is(await_task(a), 0);
    is(await_task(b), -EPIPE);
    is_trail("1:1 2:-EPIPE");
    is(await_sqlite_stmt_exec(one), -EPIPE);
    int r, n = 1;
    while ((r = await_gen_next(&rows.gen, &row, sizeof row)) > 0)
        n++;
    is(r, -EPIPE);
    is_true(n >= 1 && n <= 256); /* those of the first batch; a slow machine has fetched fewer in its time */
    await_gen_drop(&rows.gen);
    return 0;
}

ASYNC_DEF(close_own_copy, (async_sqlite *)db)
{
    int r = await_sqlite_close(&db);
    is_true(!db);
    note("%s", shown(r));
    return 0;
}

CASE(second_close_while_first_waits_is_refused)
{
    int r;
    async_sqlite *db = NULL;
    ok(await_sqlite_open(NULL, &db));
    await_group (r, g) {
        async_spawn(g, transact(db));
        async_spawn(g, close_own_copy(db));
        async_spawn(g, close_own_copy(db));
    }
    ok(r);
    is_trail("-EPIPE 1:1 0");
    return 0;
}

static void *use_elsewhere(void *arg)
{
    async_sqlite *db = arg;
    return (void *)(intptr_t)async_run(say(db, 1));
}

CASE(another_thread)
{
    pthread_t thread;
    void *result;
    await_sqlite_auto db = NULL;
    ok(await_sqlite_open(NULL, &db));
    ok(pthread_create(&thread, NULL, use_elsewhere, db));
    ok(pthread_join(thread, &result));
    is((intptr_t)result, -EPERM);
    is_trail("1:-EPERM");
    return 0;
}

/* A loop that only waits for a lock nobody gives back is at its end, though a connection is open. */
ASYNC_DEF(deadlock)
{
    async_event never = { 0 };
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(NULL, &db));
    return await_event_wait(&never);
}

START_TEST(an_idle_connection_hides_no_deadlock)
{
    ears_open();
    int r = async_run(deadlock());
    ears_close();
    is(r, -EDEADLK);
}
END_TEST

/* Between two runs on one thread it stays as it is. */
static async_sqlite *kept;
ASYNC_DEF(open_kept)
{
    return await_sqlite_open(NULL, &kept, .init = "create table t (x)");
}
ASYNC_DEF(close_kept)
{
    is_number(kept, "select count(*) from t", 0);
    return await_sqlite_close(&kept);
}

START_TEST(a_connection_outlives_its_loop)
{
    RUN(open_kept());
    RUN(close_kept());
}
END_TEST

/* --- pools --- */

static int lent, most;

ASYNC_DEF(add, (async_sqlite_pool *)pool, (int)i)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_hold(pool, &db)) {
        most = ++lent > most ? lent : most;
        await_with (r, async_sqlite_transaction(db))
            r = await_sqlite_exec(db, "insert into t values (?)", i);
        lent--;
    }
    is_true(!db);
    return r < 0 ? r : 0;
}

CASE(many_tasks_over_a_pool)
{
    int r, n = at_most(200);
    await_sqlite_pool_auto pool = NULL;
    ok(async_sqlite_pool_open(new_file(), 4, &pool, .wal = true, .busy_timeout = 60,
                              .init = "pragma synchronous = off; create table if not exists t (x)"));
    await_group (r, g) {
        for (int i = 0; i < n; i++)
            async_spawn(g, add(pool, i));
    }
    ok(r);
    is_true(most <= 4);
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_hold(pool, &db))
        is_number(db, "select count(distinct x) from t", n);
    ok(r);
    return 0;
}

ASYNC_DEF(hold_until_all_do, (async_sqlite_pool *)pool, (async_barrier *)all)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_hold(pool, &db))
        r = await_barrier_wait(all);
    return r < 0 ? r : 0;
}

CASE(as_many_at_once_as_the_pool_has)
{
    int r;
    async_barrier all = ASYNC_BARRIER(4);
    await_sqlite_pool_auto pool = NULL;
    ok(async_sqlite_pool_open(NULL, 4, &pool));
    await_group (r, g) {
        for (int i = 0; i < 4; i++)
            async_spawn(g, hold_until_all_do(pool, &all));
    }
    return r;
}

CASE(a_pool_of_one_goes_round)
{
    int r, s;
    async_sqlite *db = NULL, *first = NULL;
    await_sqlite_pool_auto pool = NULL;
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_hold(pool, &db)) {
        first = db;
        is(await_sqlite_exec(db, "create table t (x); begin; insert into t values (1)"), 1);
        is(await_sqlite_pool_close(&pool), -EBUSY);
        await_timeout (s, 1) {
            async_sqlite *more = NULL;
            await_with (s, async_sqlite_pool_hold(pool, &more))
                note("not entered");
        }
        is(s, -ETIMEDOUT);
    }
    ok(r);
    await_with (r, async_sqlite_pool_hold(pool, &db)) {
        is_true(db == first);
        is_number(db, "select count(*) from t", 0);
    }
    ok(r);
    is_trail("");
    return 0;
}

ASYNC_DEF(hold_a_while, (async_sqlite_pool *)pool)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_hold(pool, &db))
        r = await_sleep(1);
    note("%s", shown(r));
    return r;
}

CASE(a_pool_that_is_closed)
{
    async_sqlite_pool *pool = NULL;
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_task_auto a = async_create_task(hold_a_while(pool));
    await_task_auto b = async_create_task(hold_a_while(pool));
    ok(await_sleep(0.5));
    ok(await_sqlite_pool_close(&pool));
    ok(await_task(a));
    is(await_task(b), -EPIPE);
    is_trail("0 -EPIPE");
    is_true(!pool);
    return 0;
}

static async_event in_transaction;

ASYNC_DEF(insert_slowly, (async_sqlite *)db)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sqlite_exec(db, "insert into t values (1)"));
        async_event_set(&in_transaction);
        ASYNC_TRY(await_sleep(1));
    }
    return r;
}

CASE(lent_connection_returns_after_transactions_of_other_tasks)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    ok(async_sqlite_pool_open(NULL, 1, &pool, .init = "create table t (x)"));
    await_group (r, g) {
        await_with (r, async_sqlite_pool_hold(pool, &db)) {
            async_spawn(g, insert_slowly(db));
            ok(await_event_wait(&in_transaction));
        }
    }
    ok(r);
    is_time(1);
    await_with (r, async_sqlite_pool_hold(pool, &db))
        is_number(db, "select count(*) from t", 1);
    return r;
}

ASYNC_DEF(close_own_copy_of_pool, (async_sqlite_pool *)pool)
{
    int r = await_sqlite_pool_close(&pool);
    is_true(!pool);
    note("%s", shown(r));
    return 0;
}

CASE(second_pool_close_while_first_waits_is_refused)
{
    int r;
    async_sqlite_pool *pool = NULL;
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_group (r, g) {
        async_spawn(g, hold_a_while(pool));
        async_spawn(g, close_own_copy_of_pool(pool));
        async_spawn(g, close_own_copy_of_pool(pool));
    }
    ok(r);
    is_trail("-EPIPE 0 0");
    return 0;
}

CASE(a_pool_that_cannot_open)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    is(async_sqlite_pool_open(NULL, UINT_MAX, &pool), -EINVAL);
    has_text(async_fail_text(-EINVAL), "pool size 4294967295 is too large");
    ok(async_sqlite_pool_open("/nowhere/at/all", 1, &pool, .must_exist = true));
    for (int i = 0; i < 2; i++) {
        await_with (r, async_sqlite_pool_hold(pool, &db))
            note("not entered");
        is(r, -ENOENT);
    }
    return 0;
}

SUITE("sqlite-life", files_and_options, a_file_that_is_no_database, a_damaged_file,
      a_disk_that_is_full, a_manager, first_come_first_served, closed_while_others_wait,
      second_close_while_first_waits_is_refused,
      another_thread, an_idle_connection_hides_no_deadlock, a_connection_outlives_its_loop,
      many_tasks_over_a_pool, as_many_at_once_as_the_pool_has, a_pool_of_one_goes_round,
      a_pool_that_is_closed,
      lent_connection_returns_after_transactions_of_other_tasks, second_pool_close_while_first_waits_is_refused, a_pool_that_cannot_open)
