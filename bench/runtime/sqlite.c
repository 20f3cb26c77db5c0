/* SPDX-License-Identifier: MIT */
/* sqlite.c - statements of SQLite by ext/sqlite, each awaited. bench-sqlite N FILE */
#include <asyncio.h>
#include <asyncio/sqlite.h>

#include "sqlite.h"

/* Row S1: inserts into a database in memory, one after the other. S2: rows of it, found by their
 * key. */
ASYNC_DEF(in_memory, (long)n)
{
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto insert = NULL;
    async_sqlite_stmt_auto select = NULL;
    ASYNC_TRY(await_sqlite_open(":memory:", &db));
    ASYNC_TRY(await_sqlite_exec(db, BENCH_TABLE));
    ASYNC_TRY(await_sqlite_prepare(db, BENCH_INSERT, &insert));
    ASYNC_TRY(await_sqlite_prepare(db, BENCH_SELECT, &select));
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++)
        ASYNC_TRY(await_sqlite_stmt_exec(insert, "a name"));
    per("sqlite_insert", t0, n);
    long found = 0;
    int r;
    t0 = now_ns();
    for (long i = 1; i <= n; i++) {
        await_for_each (r, row, async_sqlite_stmt_query(select, i))
            found += !strcmp(async_sqlite_text(row, 0), "a name");
        ASYNC_TRY(r);
    }
    per("sqlite_select", t0, n);
    return found == n ? 0 : async_fail(-EPROTO, "%ld of %ld rows", found, n);
}

ASYNC_DEF(batch, (async_sqlite *)db, (async_sqlite_stmt *)insert)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) {
        for (int i = 0; i < BENCH_BATCH; i++)
            ASYNC_TRY(await_sqlite_stmt_exec(insert, "a name"));
    }
    return r;
}

/* Row S3: inserts into a file, BENCH_BATCH in each transaction. */
ASYNC_DEF(in_batches, (long)n, (const char *)path)
{
    await_sqlite_auto db = NULL;
    async_sqlite_stmt_auto insert = NULL;
    ASYNC_TRY(await_sqlite_open(path, &db, .wal = true, .init = "pragma synchronous = normal"));
    ASYNC_TRY(await_sqlite_exec(db, BENCH_TABLE));
    ASYNC_TRY(await_sqlite_prepare(db, BENCH_INSERT, &insert));
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i += BENCH_BATCH)
        ASYNC_TRY(await_batch(db, insert));
    per("sqlite_batch", t0, n);
    return 0;
}

ASYNC_DEF(amain, (long)n, (const char *)path)
{
    ASYNC_TRY(await_in_memory(n));
    int r = await_in_batches(n, path);
    remove_database(path);
    return r;
}

int main(int argc, char **argv)
{
    return argc < 3 ? 2 : async_main(amain(atol(argv[1]), argv[2]));
}
