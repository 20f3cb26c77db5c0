/* SPDX-License-Identifier: MIT */
/* row.h - rows, copied from SQLite by the connection's thread and read by the task. */
#ifndef ASYNCIO_SQLITE_ROW_H
#define ASYNCIO_SQLITE_ROW_H

#include "arena.h"

#include <asyncio/sqlite.h>

#include <sqlite3.h>

/* The columns of a query, shared by all its rows. */
struct sqlite_columns {
    const char *sql; /* of the query, for messages */
    int count;
    const char *names[];
};

struct async_sqlite_row {
    async_sqlite_row *next; /* of the same batch */
    const struct sqlite_columns *columns;
    async_sqlite_value values[];
};

/* Copy the columns, or the current row, of a statement. NULL if there is no memory. */
struct sqlite_columns *work_copy_columns(struct sqlite_arena *a, sqlite3_stmt *s);
async_sqlite_row *work_copy_row(struct sqlite_arena *a, struct sqlite_columns *c, sqlite3_stmt *s);

#endif
