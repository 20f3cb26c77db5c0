/* SPDX-License-Identifier: MIT */
/* error.h - SQLite's result codes as errno values, and the status of a connection's last call.
 *
 * Functions called work_... run on the connection's thread. */
#ifndef ASYNCIO_SQLITE_ERROR_H
#define ASYNCIO_SQLITE_ERROR_H

#include <asyncio/sqlite.h>

struct sqlite_job;

/* The outcome of a call, for async_sqlite_error() and the functions beside it. */
struct sqlite_status {
    int error;                /* SQLite's extended result code; 0: none */
    int64_t last_id, changes; /* see async_sqlite_last_insert_id() and async_sqlite_changes() */
    char message[256];        /* SQLite's, or the adapter's own; "": none */
};

/* Store the message of SQLite's code rc in the job's status, and return the errno value for rc. */
int work_fail(async_sqlite *db, struct sqlite_job *job, int rc);

/* Store rc and a message of the adapter's own; return r, a negative errno value. */
int work_fail_text(struct sqlite_job *job, int rc, int r, const char *fmt, ...) ASYNC_FORMAT(4, 5);

#endif
