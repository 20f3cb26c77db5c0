/* SPDX-License-Identifier: MIT */
/* call.c - from a task to the thread and back. Whatever happens to the task, it does not return before the thread has let
 * go of the job, which lies in its frame. */
#include "internal.h"

#include <poll.h>
#include <unistd.h>

void sqlite_release(async_sqlite *db)
{
    if (--db->users > 0)
        return;
    sqlite_thread_destroy(db);
    sqlite3_free(db);
}

static void hear(void *arg, int events)
{
    async_sqlite *db = arg;
    uint64_t n;
    (void)events;
    async_ignore(read(db->event, &n, sizeof n));
    async_event_set(&db->finished);
}

/* The event may be set by the end of an older job whose task could not wait for it. */
static int await_done(async_sqlite *db, const struct sqlite_job *job)
{
    int r = 0;
    do {
        async_event_clear(&db->finished);
        if (r == 0)
            r = await_event_wait(&db->finished);
    } while (r == 0 && !sqlite_is_done(db, job));
    return r;
}

static void await_let_go(async_sqlite *db, const struct sqlite_job *job)
{
    int r = 0;
    await_shield (r)
        r = await_done(db, job);
    if (!sqlite_is_done(db, job)) /* the task is not allowed to wait any more */
        sqlite_wait_blocking(db, job);
}

/* The watch stands before the job begins, so that nothing can fail afterwards. It stands no longer than the job, so that
 * a loop which waits for nothing else is seen to be at an end. */
static int await_work(async_sqlite *db, struct sqlite_job *job)
{
    int r = async_watch_start(&db->watch, db->event, POLLIN, hear, db);
    if (r < 0 && !job->must)
        return r;
    bool watched = r == 0;
    sqlite_submit(db, job);
    if (watched && !job->must) {
        r = await_done(db, job);
        if (r < 0)
            sqlite_interrupt_job(db);
    }
    if (watched && !sqlite_is_done(db, job))
        await_let_go(db, job);
    sqlite_wait_blocking(db, job);
    if (watched)
        async_watch_stop(&db->watch);
    uint64_t n;
    async_ignore(read(db->event, &n, sizeof n)); /* if nobody has heard it */
    db->last = job->report;
    if (job->quits)
        db->closed = true; /* before the next task can submit a job to a thread that has ended */
    return job->result;
}

int sqlite_sentence(const struct sqlite_job *job, int r)
{
    return r < 0 && r != -ECANCELED && job->report.text[0] ? async_fail(r, "%s", job->report.text) : r;
}

int await_sqlite_job(async_sqlite *db, struct sqlite_job *job)
{
    if (sqlite_is_forked(&db->home)) /* as above */
        return -EPERM;
    int place = await_semaphore_acquire(&db->one);
    if (place < 0 && !job->must)
        return place;
    int r = db->closed ? -EPIPE : await_work(db, job);
    if (place == 0)
        async_semaphore_release(&db->one);
    return sqlite_sentence(job, r);
}

int await_sqlite_turn(async_sqlite *db, struct sqlite_job *job)
{
    if (sqlite_is_forked(&db->home)) /* the child of fork() leaves a block of its parent's */
        return -EPERM;
    int turn = await_semaphore_acquire(&db->turn);
    if (turn < 0 && !job->must)
        return turn;
    int r = db->closing && !job->quits ? -EPIPE : await_sqlite_job(db, job);
    if (turn == 0)
        async_semaphore_release(&db->turn);
    return r;
}

/* Tasks that were abandoned never run again. Their calls, turns and blocks are forgotten; what they have begun in the
 * database is ended by the thread before its next job. */
static void take_over(async_sqlite *db)
{
    if (db->job)
        sqlite_interrupt_job(db);
    db->leftovers.transaction |= db->owner != 0;
    db->leftovers.queries |= db->reading > 0;
    db->owner = 0;
    db->depth = db->reading = 0;
    db->watch = (async_watch){ 0 };
    db->finished = (async_event){ 0 };
    db->turn = db->one = (async_semaphore)ASYNC_SEMAPHORE(1);
}

void sqlite_adopt(async_sqlite *db)
{
    uint64_t loop = sqlite_current_loop();
    if (db->loop && db->loop != loop)
        take_over(db);
    db->loop = loop;
}

/* The caller has checked that it may use db, and that it is a task. */
int await_sqlite_call(async_sqlite *db, uint64_t task, struct sqlite_job *job)
{
    sqlite_adopt(db);
    db->users++;
    job->within = task && db->owner == task;
    int r = job->within ? await_sqlite_job(db, job) : await_sqlite_turn(db, job);
    sqlite_release(db);
    return r;
}
