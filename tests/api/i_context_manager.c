/* SPDX-License-Identifier: MIT */
/* i: open and close around a block, on error and on timeout too; both may suspend. */
#include "fetch.h"

struct db {
    const char *name;
};

ASYNC_DEF(db_open, (struct db *)db, (const char *)name)
{
    ASYNC_TRY(await_fetch(name));
    db->name = name;
    return 0;
}

ASYNC_DEF(db_close, (struct db *)db)
{
    ASYNC_TRY(await_sleep(0.01)); /* say goodbye, also when we are being cancelled */
    printf("closed %s\n", db->name);
    return 0;
}

static async_hold database(struct db *db, const char *name)
{
    return (async_hold){ .enter = db_open(db, name), .leave = db_close(db) };
}

ASYNC_DEF(use, (const char *)name)
{
    struct db db;
    int r;
    await_with (r, database(&db, name))
        ASYNC_TRY(await_fetch("!broken query")); /* returns; db_close() has run */
    return r;
}

ASYNC_DEF(amain)
{
    int r = await_use("/db");
    printf("query: %s\n", strerror(-r));
    r = await_use("!no such db");
    printf("open: %s\n", strerror(-r));
    r = await_wait_for(use("/db"), 0.1);
    printf("limit: %s\n", strerror(-r));
    return 0;
}

int main(void)
{
    return async_main(amain());
}
