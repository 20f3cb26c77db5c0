/* SPDX-License-Identifier: MIT */
/* sweep.c - one fault at a time: a cancellation at each await_, a failure of each allocation and of
 * each system call, and of each allocation of SQLite's. Whatever happens, a transaction is in the
 * file as a whole or not at all, and no memory is left, not even SQLite's. */
#include "sqlite_test.h"

#include <asyncio/testing.h>

#include <stdatomic.h>

static const char init[] = "pragma synchronous = off; create table if not exists t (x)";

static int committed;

static void start_trial(void *arg)
{
    (void)arg;
    committed = 0;
    remove_file();
}

/* Count the rows in the file; -1 if it has no table. */
static int rows_in_file(void)
{
    int n = -1;
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    if (sqlite3_open(file, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "select count(*) from t", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static sqlite3_int64 used; /* SQLite's memory before a trial */

static const char *all_or_nothing(void *arg, int result)
{
    static char wrong[80];
    int rows = rows_in_file();
    (void)arg;
    (void)result;
    if (sqlite3_memory_used() != used)
        snprintf(wrong, sizeof wrong, "%lld bytes of SQLite's memory are left",
                 (long long)(sqlite3_memory_used() - used));
    else if (rows >= 0 && rows != 3 * committed)
        snprintf(wrong, sizeof wrong, "%d rows of %d committed transactions of 3 rows", rows,
                 committed);
    else if (committed > 0 && rows < 0)
        return "the file has no table";
    else
        return NULL;
    return wrong;
}

ASYNC_DEF(insert_three, (async_sqlite *)db)
{
    int r, s;
    async_sqlite_stmt_auto insert = NULL;
    await_with (r, async_sqlite_transaction(db)) {
        ASYNC_TRY(await_sqlite_prepare(db, "insert into t values (?)", &insert));
        ASYNC_TRY(await_sqlite_stmt_exec(insert, "one"));
        await_with (s, async_sqlite_transaction(db)) {
            ASYNC_TRY(await_sqlite_exec(db, "insert into t values (?)", 2.0));
            s = -EIO; /* so that this row is rolled back */
        }
        if (s != -EIO)
            ASYNC_TRY(s);
        async_sqlite_value blob = async_sqlite_bytes("2", 1);
        ASYNC_TRY(await_sqlite_exec(db, "insert into t values (?), (3)", blob));
    }
    committed += r >= 0;
    return r;
}

ASYNC_DEF(read_rows, (async_sqlite *)db)
{
    int r, n = 0;
    static const char sql[] = FOR_EVER "select i, zeroblob(3000), 'text' from n";
    await_for_each (r, row, async_sqlite_query(db, sql))
        if (++n == 40) /* two batches */
            break;
    return r;
}

ASYNC_DEF(connection)
{
    int r;
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(file, &db, .init = init));
    await_group (r, g) {
        async_spawn(g, insert_three(db));
        async_spawn(g, read_rows(db));
    }
    return r;
}

ASYNC_DEF(insert_by_pool, (async_sqlite_pool *)pool)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_context_manager(pool, &db))
        r = await_insert_three(db);
    return r;
}

ASYNC_DEF(pool)
{
    int r;
    await_sqlite_pool_auto pool = NULL;
    ASYNC_TRY(async_sqlite_pool_open(file, 1, &pool, .init = init));
    await_group (r, g) {
        async_spawn(g, insert_by_pool(pool));
        async_spawn(g, insert_by_pool(pool));
    }
    return r;
}

typedef int sweep_function(async_co co, const struct async_sweep_opts *opts);

/* Sweep both scenarios. Far fewer runs than usual would mean that faults were not injected. */
static void run_sweep(sweep_function *which, size_t at_least)
{
    size_t runs = 0;
    struct async_sweep_opts opts = { .before = start_trial,
                                     .check = all_or_nothing,
                                     .seeds = 20,
                                     .ret_runs = &runs };
    new_file();
    start_trial(NULL);
    expect_ok(async_run(connection())); /* so that SQLite has allocated what it never frees */
    rows_in_file();
    used = sqlite3_memory_used();
    opts.name = "connection";
    expect_ok(which(connection(), &opts));
    opts.name = "pool";
    expect_ok(which(pool(), &opts));
    expect_true(runs >= at_least);
}

TEST(cancel_at_each_await_leaves_nothing)
{
    run_sweep(async_sweep_cancel_opt, 40);
}

TEST(failure_of_each_allocation_leaves_nothing)
{
    run_sweep(async_sweep_alloc_opt, 40);
}

TEST(failure_of_each_system_call_leaves_nothing)
{
    run_sweep(async_sweep_syscall_opt, 40);
}

TEST(each_order_of_tasks_gives_same_rows)
{
    run_sweep(async_sweep_order_opt, 2); /* $ASYNC_SWEEP_SEEDS may be small */
}

TEST(two_faults_leave_nothing)
{
    run_sweep(async_sweep_pairs_opt, 2);
}

/* --- SQLite's allocations; the adapter uses the same memory --- */

static struct sqlite3_mem_methods real_memory;
static atomic_long countdown; /* to the allocation that fails; 0: none */
static atomic_bool failed;
static bool all_that_follow;

static bool next_fails(void)
{
    long left = atomic_load(&countdown);
    if (left == 0)
        return false;
    if (left > 1 || !all_that_follow)
        atomic_store(&countdown, left - 1);
    if (left == 1)
        atomic_store(&failed, true);
    return left == 1;
}

static void *failing_malloc(int size)
{
    return next_fails() ? NULL : real_memory.xMalloc(size);
}

static void *failing_realloc(void *p, int size)
{
    return next_fails() ? NULL : real_memory.xRealloc(p, size);
}

ASYNC_DEF(insert_three_by_query)
{
    int r, n = 0;
    static const char sql[] = "insert into t values (1), (zeroblob(20000)), (3) returning x";
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(file, &db, .init = init));
    await_for_each (r, row, async_sqlite_query(db, sql))
        n++;
    committed += r >= 0;
    return r < 0 || n == 3 ? r : -EPROTO;
}

static void fail_each_allocation_of(async_co scenario)
{
    long n = 0;
    do {
        start_trial(NULL);
        atomic_store(&failed, false);
        atomic_store(&countdown, ++n);
        int r = async_run(scenario);
        atomic_store(&countdown, 0);
        /* -ESTALE: going back to the savepoint failed, so everything was rolled back */
        bool expected = r >= 0 || r == -ENOMEM || r == -ESTALE;
        expect_that(expected, "allocation %ld fails: %s", n, result_text(r));
        const char *wrong = all_or_nothing(NULL, r);
        expect_that(!wrong, "allocation %ld fails: %s", n, wrong);
    } while (atomic_load(&failed)); /* until n is greater than the number of allocations */
    expect_true(n > 300);
}

TEST(failure_of_each_sqlite_allocation_leaves_nothing)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    struct sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    expect_ok(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing));
    new_file();
    expect_ok(async_run(connection()));
    rows_in_file();
    used = sqlite3_memory_used();
    all_that_follow = _i;
    fail_each_allocation_of(connection());
    fail_each_allocation_of(insert_three_by_query());
}

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, cancel_at_each_await_leaves_nothing);
    tcase_add_test(tc, failure_of_each_allocation_leaves_nothing);
    tcase_add_test(tc, failure_of_each_system_call_leaves_nothing);
    tcase_add_test(tc, each_order_of_tasks_gives_same_rows);
    tcase_add_test(tc, two_faults_leave_nothing);
    tcase_add_loop_test(tc, failure_of_each_sqlite_allocation_leaves_nothing, 0, 2);
}

int main(void)
{
    return suite_run("sqlite-sweep", 120, add_tests);
}
