/* SPDX-License-Identifier: MIT */
/* interrupt.h - interrupt the statement that the connection's thread is executing, also while it
 * waits for the lock of another connection. Functions called work_... run on the thread. */
#ifndef ASYNCIO_SQLITE_INTERRUPT_H
#define ASYNCIO_SQLITE_INTERRUPT_H

#include <asyncio/sqlite.h>

struct sqlite_job;

/* Interrupt the job that the thread runs, if any. It ends soon, with -ECANCELED or success. */
void sqlite_interrupt_job(async_sqlite *db);

/* Check that the job was not interrupted. Returns 0, or -ECANCELED with a message. */
int work_check_interrupt(const async_sqlite *db, struct sqlite_job *job);

/* SQLite calls the first one every 1,000 steps of a statement; a result other than 0 ends it. It
 * calls the second one if a database is locked, for the count-th time in this wait; 0 gives up. */
int work_on_progress(void *db);
int work_on_busy(void *db, int count);

#endif
