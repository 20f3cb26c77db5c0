/* SPDX-License-Identifier: MIT */
/* job.h - have a function run on the connection's thread, and wait for it.
 *
 *   await_sqlite_call    for a call of the user: wait until no other task has the connection
 *   await_sqlite_locked  the same for the adapter's own use: closing, returning to a pool
 *   await_sqlite_job     inside a call or a transaction: the task has the connection already
 *
 * The caller has checked that it may use the connection (access.h), also on the way out of a block:
 * a child of fork() leaves those that its parent has entered.
 *
 * A job lies in the stack frame of the task that waits for it. Whatever happens to the task, these
 * functions do not return before the thread has finished with the job. So a job and all that it
 * points to are used by one side at a time, and need no lock. */
#ifndef ASYNCIO_SQLITE_JOB_H
#define ASYNCIO_SQLITE_JOB_H

#include "error.h"

/* What abandoned tasks have left behind (see .shutdown_timeout in run.h). The thread ends it before
 * the job begins. */
struct sqlite_leftovers {
    bool transaction; /* that a transaction block has begun */
    bool queries;     /* whose rows were being read */
};

struct sqlite_job {
    int (*work)(async_sqlite *db, struct sqlite_job *job); /* runs on the thread; >= 0 or -errno */
    void *arg;
    bool in_transaction; /* of a transaction block: -ESTALE if the transaction is gone */
    bool must_run;       /* cannot be cancelled, nor fail before it begins */
    bool is_last;        /* closes the connection; the thread ends */
    bool done;           /* protected by the thread's mutex */
    struct sqlite_leftovers leftovers;
    int result;
    struct sqlite_status status;
};

/* Run a job as soon as no other task has the connection.
 *
 * task       the number of the task that makes the call. If the connection is in a transaction
 *            block of this task, the job runs inside the transaction. A query runs in a task of its
 *            own, but belongs to the task that made it.
 * Returns    the job's result, with its message if it is an error; -ECANCELED; -EPIPE if the
 *            connection is being closed. */
ASYNC_CHECK int await_sqlite_call(async_sqlite *db, uint64_t task, struct sqlite_job *job);

/* The same without regard to transaction blocks of the calling task; also for the last job. */
ASYNC_CHECK int await_sqlite_locked(async_sqlite *db, struct sqlite_job *job);

/* Run a job as soon as no other job is running. */
ASYNC_CHECK int await_sqlite_job(async_sqlite *db, struct sqlite_job *job);

/* Attach the job's message to r again, if it is an error. Needed before r is returned, if the task
 * has suspended since the job: other errors may have replaced the message. */
int sqlite_fail_again(const struct sqlite_job *job, int r);

#endif
