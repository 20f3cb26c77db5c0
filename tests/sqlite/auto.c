/* SPDX-License-Identifier: MIT */
/* auto.c - the _auto macros declare pointers that clean up after themselves, also several in one
 * declaration. */
#include "sqlite_test.h"

#define is_pointer_to(type, variable)                                                              \
    _Static_assert(__builtin_types_compatible_p(__typeof__(variable), type *), #variable)

static sqlite3_int64 memory_used(void)
{
    expect_ok(sqlite3_initialize());
    return sqlite3_memory_used();
}

LOOP_TEST(both_connections_of_a_declaration_are_closed)
{
    sqlite3_int64 before = memory_used();
    {
        await_sqlite_auto a = NULL, b = NULL;
        is_pointer_to(async_sqlite, a);
        is_pointer_to(async_sqlite, b);
        expect_ok(await_sqlite_open(NULL, &a));
        expect_ok(await_sqlite_open(NULL, &b));
        expect_true(memory_used() > before);
    }
    expect_int(memory_used(), before);
    return 0;
}

LOOP_TEST(both_statements_of_a_declaration_are_dropped)
{
    sqlite3_int64 before = memory_used();
    await_sqlite_auto db = NULL;
    expect_ok(await_sqlite_open(NULL, &db));
    {
        async_sqlite_stmt_auto a = NULL, b = NULL;
        is_pointer_to(async_sqlite_stmt, a);
        is_pointer_to(async_sqlite_stmt, b);
        expect_ok(await_sqlite_prepare(db, "select 1", &a));
        expect_ok(await_sqlite_prepare(db, "select 2", &b));
    }
    expect_ok(await_sqlite_close(&db));
    /* a statement that was not dropped would keep the connection */
    expect_int(memory_used(), before);
    return 0;
}

LOOP_TEST(both_pools_of_a_declaration_are_closed)
{
    sqlite3_int64 before = memory_used();
    {
        await_sqlite_pool_auto a = NULL, b = NULL;
        is_pointer_to(async_sqlite_pool, a);
        is_pointer_to(async_sqlite_pool, b);
        expect_ok(async_sqlite_pool_open(NULL, 1, &a));
        expect_ok(async_sqlite_pool_open(NULL, 1, &b));
        expect_true(memory_used() > before);
    }
    expect_int(memory_used(), before);
    return 0;
}

SUITE("sqlite-auto", both_connections_of_a_declaration_are_closed,
      both_statements_of_a_declaration_are_dropped, both_pools_of_a_declaration_are_closed)
