/* SPDX-License-Identifier: MIT */
/* bind.h - bind values to the parameters of a statement, on the connection's thread. */
#ifndef ASYNCIO_SQLITE_BIND_H
#define ASYNCIO_SQLITE_BIND_H

#include <asyncio/sqlite.h>

#include <sqlite3.h>

struct sqlite_job;

/* Bind n values to the parameters of s.
 *
 * lifetime   SQLITE_STATIC if texts and blobs stay valid as long as the statement uses them,
 *            SQLITE_TRANSIENT to copy them.
 * Returns    0; -EINVAL if n is not the number of parameters, or a value cannot be bound; -ERANGE
 *            if an unsigned value is too large; or SQLite's error. */
int work_bind_values(async_sqlite *db, struct sqlite_job *job, sqlite3_stmt *s,
                     const async_sqlite_value *values, size_t n, sqlite3_destructor_type lifetime);

#endif
