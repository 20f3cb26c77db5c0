/* SPDX-License-Identifier: MIT */
/* job.c - have a function run on the connection's thread, and wait for it. */
#include "job.h"

#include "connection.h"
#include "interrupt.h"

#include <asyncio/scope.h>

#include <poll.h>
#include <unistd.h>

/* Called by the loop when the thread has written its event. */
static void on_thread_event(void *arg, int events)
{
    async_sqlite *db = arg;
    uint64_t n;
    (void)events;
    async_ignore(read(db->thread.event, &n, sizeof n));
    async_event_set(&db->job_done);
}

/* The event may be the end of an older job whose task did not wait for it, so look at the job. */
static int await_done(async_sqlite *db, const struct sqlite_job *job)
{
    int r = 0;
    do {
        async_event_clear(&db->job_done);
        if (r == 0)
            r = await_event_wait(&db->job_done);
    } while (r == 0 && !sqlite_job_is_done(db, job));
    return r;
}

static void await_done_shielded(async_sqlite *db, const struct sqlite_job *job)
{
    int r = 0;
    await_shield (r)
        r = await_done(db, job);
    if (!sqlite_job_is_done(db, job)) /* not even a shield lets this task wait */
        sqlite_wait_blocking(db, job);
}

/* Start the watch before the job begins, so that nothing can fail afterwards. Stop it when the job
 * is done: a loop with a watch waits for it, and would not detect a deadlock. A job that must run
 * runs without a watch, if there is no memory for one; then it blocks the loop until it is done. */
static int await_thread(async_sqlite *db, struct sqlite_job *job)
{
    int r = async_watch_start(&db->watch, db->thread.event, POLLIN, on_thread_event, db);
    if (r < 0 && !job->must_run)
        return r;
    bool watched = r == 0;
    sqlite_submit_job(db, job);
    if (watched && !job->must_run) {
        r = await_done(db, job);
        if (r < 0)
            sqlite_interrupt_job(db);
    }
    if (watched && !sqlite_job_is_done(db, job))
        await_done_shielded(db, job);
    sqlite_wait_blocking(db, job);
    if (watched)
        async_watch_stop(&db->watch);
    uint64_t n;
    async_ignore(read(db->thread.event, &n, sizeof n)); /* so that the next watch starts clean */
    db->last = job->status;
    if (job->is_last)
        db->closed = true; /* before another task submits a job to a thread that has ended */
    return job->result;
}

int sqlite_fail_again(const struct sqlite_job *job, int r)
{
    return r < 0 && r != -ECANCELED && job->status.message[0]
                   ? async_fail(r, "%s", job->status.message)
                   : r;
}

int await_sqlite_job(async_sqlite *db, struct sqlite_job *job)
{
    int locked = await_lock_acquire(&db->job_lock);
    if (locked < 0 && !job->must_run)
        return locked;
    int r = db->closed ? async_fail(-EPIPE, "connection was closed") : await_thread(db, job);
    if (locked == 0)
        async_lock_release(&db->job_lock);
    return sqlite_fail_again(job, r);
}

/* A job that must run does so even if the lock cannot be acquired, because the loop no longer lets
 * this task wait; sqlite_submit_job() still keeps jobs apart. */
int await_sqlite_locked(async_sqlite *db, struct sqlite_job *job)
{
    int r, locked = await_lock_acquire(&db->lock);
    if (locked < 0 && !job->must_run)
        return locked;
    if (db->closing && !job->is_last)
        r = async_fail(-EPIPE, "connection was closed while a call waited for it");
    else
        r = await_sqlite_job(db, job);
    if (locked == 0)
        async_lock_release(&db->lock);
    return r;
}

int await_sqlite_call(async_sqlite *db, uint64_t task, struct sqlite_job *job)
{
    sqlite_adopt_connection(db);
    db->references++;
    job->in_transaction = task && db->owner == task;
    int r = job->in_transaction ? await_sqlite_job(db, job) : await_sqlite_locked(db, job);
    sqlite_release_connection(db);
    return r;
}
