/* SPDX-License-Identifier: MIT */
/* One thing going wrong at a time: a cancellation at each await_, a failure of each allocation, of the library's and of
 * SQLite's. Whatever it is: a transaction is there as a whole or not at all, and nothing is left, not even of SQLite's
 * memory. */
#include "sqlite_test.h"

#include <asyncio/testing.h>

#include <stdatomic.h>

static const char init[] = "pragma synchronous = off; create table if not exists t (x)";

static int committed;

static void start(void *arg)
{
    (void)arg;
    committed = 0;
    remove_file();
}

/* How many rows there are; -1: no table. */
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

static sqlite3_int64 used;

static const char *all_or_nothing(void *arg, int result)
{
    static char wrong[64];
    int rows = rows_in_file();
    (void)arg;
    (void)result;
    if (sqlite3_memory_used() != used)
        snprintf(wrong, sizeof wrong, "%lld bytes of SQLite's are left",
                 (long long)(sqlite3_memory_used() - used));
    else if (rows >= 0 && rows != 3 * committed)
        snprintf(wrong, sizeof wrong, "%d rows of %d transactions", rows, committed);
    else if (committed > 0 && rows < 0)
        return "no table";
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
            s = -EIO; /* back to the savepoint */
        }
        if (s != -EIO)
            ASYNC_TRY(s);
        ASYNC_TRY(await_sqlite_exec(db, "insert into t values (?), (3)", async_sqlite_bytes("2", 1)));
    }
    committed += r >= 0;
    return r;
}

ASYNC_DEF(count, (async_sqlite *)db)
{
    int r, n = 0;
    await_for_each (r, row, async_sqlite_query(db, FOR_EVER "select i, zeroblob(300), 'text' from n"))
        if (++n == 300)
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
        async_spawn(g, count(db));
    }
    return r;
}

ASYNC_DEF(lent, (async_sqlite_pool *)pool)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_pool_hold(pool, &db))
        r = await_insert_three(db);
    return r;
}

ASYNC_DEF(pool)
{
    int r;
    await_sqlite_pool_auto pool = NULL;
    ASYNC_TRY(async_sqlite_pool_open(file, 1, &pool, .init = init));
    await_group (r, g) {
        async_spawn(g, lent(pool));
        async_spawn(g, lent(pool));
    }
    return r;
}

static void sweep(int (*which)(async_co co, const struct async_sweep_opts *opts), size_t at_least)
{
    size_t runs = 0;
    struct async_sweep_opts opts = { .before = start,
                                     .check = all_or_nothing,
                                     .seeds = 20,
                                     .ret_runs = &runs };
    new_file();
    start(NULL);
    ok(async_run(connection())); /* so that SQLite has what it keeps for ever */
    rows_in_file();
    used = sqlite3_memory_used();
    opts.name = "connection";
    ok(which(connection(), &opts));
    opts.name = "pool";
    ok(which(pool(), &opts));
    is_true(runs >= at_least);
}

START_TEST(cancelled_at_each_await)
{
    sweep(async_sweep_cancel_opt, 40);
}
END_TEST

START_TEST(each_allocation_of_the_library)
{
    sweep(async_sweep_alloc_opt, 40);
}
END_TEST

START_TEST(each_system_call)
{
    sweep(async_sweep_syscall_opt, 40);
}
END_TEST

START_TEST(many_orders)
{
    sweep(async_sweep_order_opt, 2); /* $ASYNC_SWEEP_SEEDS may ask for few */
}
END_TEST

START_TEST(two_faults)
{
    sweep(async_sweep_pairs_opt, 2);
}
END_TEST

/* --- SQLite's memory, which is also the adapter's --- */

static struct sqlite3_mem_methods below;
static atomic_long countdown; /* 0: off; 1: the next one fails */
static atomic_bool failed;
static bool all_that_follow;

static bool fails(void)
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
    return fails() ? NULL : below.xMalloc(size);
}

static void *failing_realloc(void *p, int size)
{
    return fails() ? NULL : below.xRealloc(p, size);
}

ASYNC_DEF(insert_three_by_query)
{
    int r, n = 0;
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(file, &db, .init = init));
    await_for_each (r, row, async_sqlite_query(db, "insert into t values (1), (zeroblob(20000)), (3) returning x"))
        n++;
    committed += r >= 0;
    return r < 0 || n == 3 ? r : -EPROTO;
}

static void until_none_fails(async_co scenario)
{
    long n = 0;
    do {
        start(NULL);
        atomic_store(&failed, false);
        atomic_store(&countdown, ++n);
        int r = async_run(scenario);
        atomic_store(&countdown, 0);
        /* -ESTALE: what went wrong was the way back to the savepoint */
        ck_assert_msg(r >= 0 || r == -ENOMEM || r == -ESTALE, "allocation %ld fails: %s", n, shown(r));
        const char *wrong = all_or_nothing(NULL, r);
        ck_assert_msg(!wrong, "allocation %ld fails: %s", n, wrong);
    } while (atomic_load(&failed)); /* it may get by without some of them */
    is_true(n > 300);
}

START_TEST(each_allocation_of_sqlite)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below);
    struct sqlite3_mem_methods failing = below;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    ok(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing));
    new_file();
    ok(async_run(connection()));
    rows_in_file();
    used = sqlite3_memory_used();
    all_that_follow = _i;
    until_none_fails(connection());
    until_none_fails(insert_three_by_query());
}
END_TEST

static void add(TCase *tc)
{
    tcase_add_test(tc, cancelled_at_each_await);
    tcase_add_test(tc, each_allocation_of_the_library);
    tcase_add_test(tc, each_system_call);
    tcase_add_test(tc, many_orders);
    tcase_add_test(tc, two_faults);
    tcase_add_loop_test(tc, each_allocation_of_sqlite, 0, 2);
}

int main(void)
{
    return suite_run("sqlite-sweep", 120, add);
}
