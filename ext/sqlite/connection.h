/* SPDX-License-Identifier: MIT */
/* connection.h - a connection: SQLite's handle, its thread, and how tasks share it. */
#ifndef ASYNCIO_SQLITE_CONNECTION_H
#define ASYNCIO_SQLITE_CONNECTION_H

#include "access.h"
#include "error.h"
#include "job.h"
#include "thread.h"

#include <asyncio/loop.h>
#include <asyncio/sync.h>

#include <sqlite3.h>
#include <stdatomic.h>

struct async_sqlite {
    struct sqlite_home home;
    struct sqlite_thread thread;
    struct sqlite_status last; /* of the last job */

    /* Used by the connection's thread. */
    sqlite3 *handle; /* changed under the thread's mutex, because sqlite3_interrupt() reads it */
    sqlite3_stmt *begin, *rollback; /* compiled when opening, so that they never lack memory */
    double busy_timeout, busy_until;
    atomic_bool cancelled; /* the current job; set by the loop's thread */

    /* Used by the loop's thread. */
    uint64_t loop;                     /* serial number of the latest one that has used it */
    async_lock lock;                   /* held during one call, or during a whole transaction */
    async_lock job_lock;               /* held during one job */
    struct sqlite_leftovers leftovers; /* handed to the thread with the next job */
    async_watch watch;                 /* on the thread's event, during a job */
    async_event job_done;
    uint64_t owner; /* number of the task that is in a transaction block; 0: none */
    int depth;      /* of nested transaction blocks */
    int reading;    /* queries that have more rows to fetch */
    int references; /* the handle, statements, and calls that have not returned */
    bool readonly, closing, closed;

    /* Of a connection that belongs to a pool. */
    async_sqlite *next; /* in its list of idle or of lent connections */
    uint64_t borrower;  /* number of the task to which it is lent; 0: none */
};

/* Copy the options that a program was compiled with, perhaps for another version of the header. */
struct async_sqlite_opts sqlite_copy_opts(const struct async_sqlite_opts *opts);

/* Make the connection ready for use in the current loop. If it was last used in another loop, the
 * tasks of that loop have ended or were abandoned; what the latter held is released. */
void sqlite_adopt_connection(async_sqlite *db);

/* Close the connection as soon as no task has it, and release the reference of its handle. In a
 * child of fork() it is left alone. */
void await_sqlite_shut(async_sqlite *db);

/* Release a reference. The last one frees the connection, which has been closed before. */
void sqlite_release_connection(async_sqlite *db);

#endif
