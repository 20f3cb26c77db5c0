/* SPDX-License-Identifier: MIT */
/* thread.c - the thread of a connection, and what it is told. It does one job at a time, since the tasks stand in a line
 * for it. A job's end is told by a descriptor that was there before: it must not be lost for lack of memory. */
#include "internal.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Under the mutex, or when the thread has ended: then it has closed the database, and with it their handles. */
static void empty_trash(async_sqlite *db)
{
    for (async_sqlite_stmt *s; (s = db->trash);) {
        db->trash = s->next;
        if (db->handle)
            sqlite3_finalize(s->handle);
        sqlite3_free(s);
    }
}

int work_goes_on(const async_sqlite *db, struct sqlite_job *job)
{
    if (!atomic_load(&db->cancelled) || job->must)
        return 0;
    return work_fail_text(job, SQLITE_INTERRUPT, -ECANCELED, "%s", sqlite3_errstr(SQLITE_INTERRUPT));
}

static int work(async_sqlite *db, struct sqlite_job *job)
{
    if (db->handle && (db->leftovers.transaction || db->leftovers.queries))
        work_clean_up(db);
    int r = work_goes_on(db, job);
    if (r < 0)
        return r;
    if (job->within && sqlite3_get_autocommit(db->handle))
        return work_fail_text(job, SQLITE_ABORT, -ESTALE, "the transaction is over before its block");
    return job->work(db, job);
}

static void report(async_sqlite *db, struct sqlite_job *job)
{
    if (!db->handle)
        return;
    job->report.last_id = sqlite3_last_insert_rowid(db->handle);
}

/* Afterwards neither the job nor, if it was the last, the connection may be touched by us. */
static void finish(async_sqlite *db, struct sqlite_job *job)
{
    uint64_t one = 1;
    pthread_mutex_lock(&db->mutex);
    job->done = true;
    db->job = NULL;
    async_ignore(write(db->event, &one, sizeof one));
    pthread_cond_broadcast(&db->news);
    pthread_mutex_unlock(&db->mutex);
}

static void *run(void *arg)
{
    async_sqlite *db = arg;
    bool quits = false;
    while (!quits) {
        pthread_mutex_lock(&db->mutex);
        while (!db->job)
            pthread_cond_wait(&db->news, &db->mutex);
        struct sqlite_job *job = db->job;
        empty_trash(db);
        pthread_mutex_unlock(&db->mutex);
        quits = job->quits;
        job->result = work(db, job);
        report(db, job);
        finish(db, job);
    }
    return NULL;
}

static int start(async_sqlite *db)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the loop's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&db->thread, NULL, run, db);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0)
        pthread_setname_np(db->thread, "sqlite");
    return -err;
}

int sqlite_thread_start(async_sqlite *db)
{
    pthread_condattr_t attr;
    db->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (db->event < 0)
        return -errno;
    pthread_mutex_init(&db->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&db->news, &attr);
    pthread_condattr_destroy(&attr);
    int r = start(db);
    if (r < 0)
        sqlite_thread_destroy(db);
    else
        sqlite_count_connections(1);
    return r;
}

/* Its last job is done, so this takes no time. */
void sqlite_thread_join(async_sqlite *db)
{
    pthread_join(db->thread, NULL);
    empty_trash(db); /* what was dropped while it closed */
    sqlite_count_connections(-1);
}

/* Not together with the thread: a task whose call was the last one before the connection was closed may still look at
 * them, and the number of the descriptor must not be another one's then. */
void sqlite_thread_destroy(async_sqlite *db)
{
    pthread_cond_destroy(&db->news);
    pthread_mutex_destroy(&db->mutex);
    close(db->event);
}

void sqlite_submit(async_sqlite *db, struct sqlite_job *job)
{
    pthread_mutex_lock(&db->mutex);
    while (db->job) /* only if somebody could not even wait for his turn */
        pthread_cond_wait(&db->news, &db->mutex);
    db->job = job;
    atomic_store(&db->cancelled, false);
    pthread_cond_broadcast(&db->news);
    pthread_mutex_unlock(&db->mutex);
}

bool sqlite_is_done(async_sqlite *db, const struct sqlite_job *job)
{
    pthread_mutex_lock(&db->mutex);
    bool done = job->done;
    pthread_mutex_unlock(&db->mutex);
    return done;
}

void sqlite_wait_blocking(async_sqlite *db, const struct sqlite_job *job)
{
    pthread_mutex_lock(&db->mutex);
    while (!job->done)
        pthread_cond_wait(&db->news, &db->mutex);
    pthread_mutex_unlock(&db->mutex);
}

/* The flag is for the two callbacks below. sqlite3_interrupt() reaches into some long operations between which they are
 * not called, but it hits all statements that are active, also those of queries that wait for their next turn. */
void sqlite_interrupt_job(async_sqlite *db)
{
    pthread_mutex_lock(&db->mutex);
    atomic_store(&db->cancelled, true);
    if (db->job && db->handle && db->reading == 0)
        sqlite3_interrupt(db->handle);
    pthread_cond_broadcast(&db->news);
    pthread_mutex_unlock(&db->mutex);
}

/* --- what SQLite calls in the middle of a statement --- */

int work_on_progress(void *arg)
{
    async_sqlite *db = arg;
    return atomic_load_explicit(&db->cancelled, memory_order_relaxed);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Another connection has the lock: wait a little, longer each time, or until we are told to stop. */
int work_on_busy(void *arg, int count)
{
    async_sqlite *db = arg;
    double at = now(), delay = count < 7 ? 0.001 * (1 << count) : 0.1;
    if (count == 0)
        db->busy_until = at + db->busy_timeout;
    if (at >= db->busy_until)
        return 0;
    at = at + delay < db->busy_until ? at + delay : db->busy_until;
    struct timespec until = { .tv_sec = (time_t)at };
    until.tv_nsec = (long)(1e9 * (at - (double)until.tv_sec));
    pthread_mutex_lock(&db->mutex);
    while (!atomic_load(&db->cancelled) && pthread_cond_timedwait(&db->news, &db->mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&db->mutex);
    return !atomic_load(&db->cancelled);
}
