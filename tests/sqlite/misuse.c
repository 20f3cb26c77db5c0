/* SPDX-License-Identifier: MIT */
/* What must be refused, and does no harm. */
#include "sqlite_test.h"

CASE(a_pools_connection_is_not_closed_in_its_block)
{
    int r;
    async_sqlite *db = NULL;
    await_sqlite_pool_auto pool = NULL;
    ok(async_sqlite_pool_open(NULL, 1, &pool));
    await_with (r, async_sqlite_pool_hold(pool, &db)) {
        is(await_sqlite_close(&db), -EBUSY);
        has_text(async_fail_text(-EBUSY), "goes back where its block ends");
        await_sqlite_drop(&db);
        is_number(db, "select 5", 5);
    }
    ok(r);
    await_with (r, async_sqlite_pool_hold(pool, &db))
        is_number(db, "select 6", 6);
    return r;
}

SUITE("sqlite-misuse", a_pools_connection_is_not_closed_in_its_block)
