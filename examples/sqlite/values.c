/* SPDX-License-Identifier: MIT */
/* Values of SQLite: bind texts, blobs and NULL to the parameters of a statement, and read columns
 * by number and by name. Python: aiosqlite, row.keys(), type(row[0]) */
#include <asyncio.h>
#include <asyncio/sqlite.h>
#include <stdio.h>

static void print_column(const async_sqlite_row *row, int i)
{
    printf("  %s: ", async_sqlite_column_name(row, i));
    switch (async_sqlite_type(row, i)) {
    case ASYNC_SQLITE_NULL:
        printf("NULL\n");
        break;
    case ASYNC_SQLITE_INT64:
        printf("integer %lld\n", (long long)async_sqlite_int64(row, i));
        break;
    case ASYNC_SQLITE_DOUBLE:
        printf("number %g\n", async_sqlite_double(row, i));
        break;
    case ASYNC_SQLITE_TEXT:
        printf("text \"%s\"\n", async_sqlite_text(row, i));
        break;
    case ASYNC_SQLITE_BLOB:
        printf("blob of %zu bytes\n", async_sqlite_size(row, i));
        break;
    }
}

ASYNC_DEF(print_all, (async_sqlite *)db)
{
    int r;
    await_for_each (r, row, async_sqlite_query(db, "select * from things")) {
        /* A value that was read can be bound again, whatever its type. */
        ASYNC_TRY(
                await_sqlite_exec(db, "update things set note = ?", async_sqlite_get(row, "name")));
        const unsigned char *key = async_sqlite_blob(row, "key");
        printf("column %d is the price, and the key begins with %d\n",
               async_sqlite_column(row, "price"), key ? key[0] : -1);
        for (int i = 0; i < async_sqlite_columns(row); i++)
            print_column(row, i);
    }
    return r;
}

ASYNC_DEF(amain)
{
    static const unsigned char key[] = { 1, 2, 3 };
    await_sqlite_auto db = NULL;
    ASYNC_TRY(await_sqlite_open(":memory:", &db));
    ASYNC_TRY(await_sqlite_exec(db, "create table things (name text, price real, stock integer, "
                                    "key blob, note text)"));
    ASYNC_TRY(await_sqlite_exec(db, "insert into things values (?, ?, ?, ?, ?)",
                                async_sqlite_chars("lamp shade", 4), 19.5, 3,
                                async_sqlite_bytes(key, sizeof key), async_sqlite_null()));

    /* The same as an array, for statements whose number of values is not known beforehand. */
    async_sqlite_value values[] = { ASYNC_SQLITE_VALUE(4), ASYNC_SQLITE_VALUE("lamp") };
    ASYNC_TRY(
            await_sqlite_exec_values(db, "update things set stock = ? where name = ?", values, 2));
    return await_print_all(db);
}

int main(void)
{
    return async_main(amain());
}
