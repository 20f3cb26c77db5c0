/* SPDX-License-Identifier: MIT */
/* thread.h - the thread of a connection. It alone calls SQLite for this connection, one job at a
 * time; functions called work_... run on it, all others on the loop's thread. */
#ifndef ASYNCIO_SQLITE_THREAD_H
#define ASYNCIO_SQLITE_THREAD_H

#include <asyncio/sqlite.h>

#include <pthread.h>

struct sqlite_job;

struct sqlite_thread {
    pthread_t id;
    int event;                  /* an eventfd, written by the thread when a job is done */
    pthread_mutex_t mutex;      /* protects the members below and sqlite_job.done */
    pthread_cond_t changed;     /* a job was submitted, is done, or is to be interrupted */
    struct sqlite_job *job;     /* NULL: the thread is idle */
    async_sqlite_stmt *retired; /* dropped statements, finalized before the next job begins */
};

/* Start the thread. Returns 0; -EMFILE, -EAGAIN and the like. */
ASYNC_CHECK int sqlite_thread_start(async_sqlite *db);

/* Wait for the end of the thread, whose last job is done: this takes no time. */
void sqlite_thread_join(async_sqlite *db);

/* Destroy the mutex and close the descriptor. This is later than sqlite_thread_join(): a task whose
 * call was the last one before the connection was closed may still use both when it returns. */
void sqlite_thread_destroy(async_sqlite *db);

/* Hand a job to the thread. Blocks while it runs another job, which happens only if the task of
 * that job could not wait for it. */
void sqlite_submit_job(async_sqlite *db, struct sqlite_job *job);

bool sqlite_job_is_done(async_sqlite *db, const struct sqlite_job *job);

/* Block the calling thread until the job is done. */
void sqlite_wait_blocking(async_sqlite *db, const struct sqlite_job *job);

/* Have the statement finalized before the next job. Does not wait: an idle statement holds nothing
 * but memory. */
void sqlite_retire_statement(async_sqlite *db, async_sqlite_stmt *s);

#endif
