/* SPDX-License-Identifier: MIT */
/* statement.h - prepared statements. */
#ifndef ASYNCIO_SQLITE_STATEMENT_H
#define ASYNCIO_SQLITE_STATEMENT_H

#include <asyncio/sqlite.h>

#include <sqlite3.h>

struct sqlite_job;

struct async_sqlite_stmt {
    async_sqlite *db;
    sqlite3_stmt *handle;    /* used by the connection's thread only */
    int references;          /* the user's handle, and calls and queries that have not returned */
    async_sqlite_stmt *next; /* in the thread's list of dropped statements */
};

/* Release a reference. The last one drops the statement, and its reference to the connection. */
void sqlite_release_statement(async_sqlite_stmt *s);

/* Fail with -EBUSY if a query is reading rows of the statement. */
int work_check_idle(struct sqlite_job *job, sqlite3_stmt *s);

/* Make a statement ready for its next execution, and forget its values. */
void work_reset_statement(sqlite3_stmt *s);

#endif
