/* SPDX-License-Identifier: MIT */
/* sqlite_test.h - helpers of the tests of ext/sqlite. */
#ifndef TESTS_SQLITE_TEST_H
#define TESTS_SQLITE_TEST_H

#include "../frame/loop_test.h"

#include <asyncio/sqlite.h>
#include <sqlite3.h>

/* A table n of the numbers from 1, without an end; it is not stored. */
#define FOR_EVER "with recursive n(i) as (select 1 union all select i + 1 from n) "

/* Read the one number that sql returns. */
ASYNC_UNUSED static int await_number(async_sqlite *db, const char *sql, int64_t *ret)
{
    int r;
    await_for_each (r, row, async_sqlite_query(db, sql))
        *ret = async_sqlite_int64(row, 0);
    return r;
}

#define expect_number(db, sql, expected)                                                           \
    do {                                                                                           \
        int64_t number_ = INT64_MIN;                                                               \
        expect_ok(await_number((db), (sql), &number_));                                            \
        expect_that(number_ == (expected), "%s: %lld, not %lld", sql, (long long)number_,          \
                    (long long)(expected));                                                        \
    } while (0)

/* A file that does not exist yet, and is removed at the end of the test, with those beside it. */
static char file[64];

ASYNC_UNUSED static void remove_file(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < countof(suffixes); i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", file, suffixes[i]);
        unlink(name);
    }
}

ASYNC_UNUSED static const char *new_file(void)
{
    const char *dir = getenv("TMPDIR");
    snprintf(file, sizeof file, "%.30s/asyncio-%d.db", dir ? dir : "/tmp", getpid());
    remove_file();
    atexit(remove_file);
    return file;
}

#endif
