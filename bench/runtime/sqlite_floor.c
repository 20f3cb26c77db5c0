/* SPDX-License-Identifier: MIT */
/* sqlite_floor.c - the same statements by SQLite alone, without threads. bench-sqlite-floor N
 * FILE */
#include <sqlite3.h>

#include "sqlite.h"

static sqlite3 *opened(const char *path)
{
    sqlite3 *db;
    if (sqlite3_open(path, &db))
        exit(1);
    return db;
}

static void execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        exit(1);
}

static sqlite3_stmt *prepared(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL))
        exit(1);
    return s;
}

static void insert_one(sqlite3_stmt *s)
{
    sqlite3_bind_text(s, 1, "a name", -1, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE)
        exit(1);
    sqlite3_reset(s);
}

static void in_memory(long n)
{
    sqlite3 *db = opened(":memory:");
    execute(db, BENCH_TABLE);
    sqlite3_stmt *insert = prepared(db, BENCH_INSERT), *select = prepared(db, BENCH_SELECT);
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i++)
        insert_one(insert);
    per("sqlite_insert", t0, n);
    t0 = now_ns();
    for (long i = 1; i <= n; i++) {
        sqlite3_bind_int64(select, 1, i);
        if (sqlite3_step(select) != SQLITE_ROW ||
            strcmp((const char *)sqlite3_column_text(select, 0), "a name") != 0)
            exit(1);
        sqlite3_reset(select);
    }
    per("sqlite_select", t0, n);
    sqlite3_finalize(insert);
    sqlite3_finalize(select);
    sqlite3_close(db);
}

static void in_batches(long n, const char *path)
{
    sqlite3 *db = opened(path);
    execute(db, "pragma journal_mode = wal; pragma synchronous = normal; " BENCH_TABLE);
    sqlite3_stmt *insert = prepared(db, BENCH_INSERT);
    int64_t t0 = now_ns();
    for (long i = 0; i < n; i += BENCH_BATCH) {
        execute(db, "begin immediate");
        for (int k = 0; k < BENCH_BATCH; k++)
            insert_one(insert);
        execute(db, "commit");
    }
    per("sqlite_batch", t0, n);
    sqlite3_finalize(insert);
    sqlite3_close(db);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    in_memory(atol(argv[1]));
    in_batches(atol(argv[1]), argv[2]);
    remove_database(argv[2]);
    return 0;
}
