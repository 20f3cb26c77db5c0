/* SPDX-License-Identifier: MIT */
/* An async context manager opens a database connection, and closes it on every way out.
 * Python: async with aiosqlite.connect("accounts.db") as db: ...
 *
 * A transfer between two accounts is a transaction: it takes place as a whole or not at all. */
#include <asyncio.h>
#include <asyncio/sqlite.h>
#include <stdio.h>

static const char schema[] =
        "create table account (name text primary key, cents int not null check (cents >= 0));"
        "insert into account values ('Ada', 1000), ('Alan', 500)";

ASYNC_DEF(show, (async_sqlite *)db, (const char *)when)
{
    int r;
    printf("%s:", when);
    await_for_each (r, row, async_sqlite_query(db, "select name, cents from account order by name"))
        printf(" %s has %lld", async_sqlite_text(row, "name"),
               (long long)async_sqlite_int64(row, "cents"));
    printf("\n");
    return r;
}

ASYNC_DEF(transfer, (async_sqlite *)db, (const char *)from, (const char *)to, (int)cents)
{
    int r;
    await_with (r, async_sqlite_transaction(db)) { /* async with db.transaction(): */
        ASYNC_TRY(await_sqlite_exec(db, "update account set cents = cents + ? where name = ?",
                                    cents, to));
        ASYNC_TRY(await_sleep(0.1)); /* so that a timeout can end it half-way */
        ASYNC_TRY(await_sqlite_exec(db, "update account set cents = cents - ? where name = ?",
                                    cents, from));
    }
    return r;
}

/* The connection is closed when the block is left: at its end, after an error, or by a timeout. */
ASYNC_DEF(work, (int)cents)
{
    int r;
    async_sqlite *db = NULL;
    await_with (r, async_sqlite_context_manager(&db, ":memory:", .init = schema)) {
        int t = await_wait_for(transfer(db, "Ada", "Alan", cents), cents == 1 ? 0.05 : 5);
        if (t < 0)
            printf("%d cents: %s\n", cents, t == -ETIMEDOUT ? strerror(-t) : async_fail_text(t));
        ASYNC_TRY(await_show(db, "afterwards"));
        r = t;
    }
    printf("the connection is %s\n", db ? "open" : "closed");
    return r;
}

ASYNC_DEF(amain)
{
    printf("a transfer: %s\n", await_work(300) >= 0 ? "done" : "failed");
    printf("too much: %s\n", await_work(3000) >= 0 ? "done" : "failed");
    printf("too slow: %s\n", await_work(1) >= 0 ? "done" : "failed");
    return 0;
}

int main(void)
{
    return async_main(amain());
}
