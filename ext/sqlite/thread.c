/* SPDX-License-Identifier: MIT */
/* thread.c - the thread of a connection: wait for a job, run it, report that it is done.
 *
 * The end of a job is reported by a descriptor that was opened with the connection, so that a
 * report cannot be lost for lack of memory. */
#include "thread.h"

#include "connection.h"
#include "interrupt.h"
#include "statement.h"
#include "transaction.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Under the mutex; or when the thread has ended. By then it has finalized all statements. */
static void free_retired_statements(async_sqlite *db)
{
    for (async_sqlite_stmt *s; (s = db->thread.retired);) {
        db->thread.retired = s->next;
        if (db->handle)
            sqlite3_finalize(s->handle);
        sqlite3_free(s);
    }
}

void sqlite_retire_statement(async_sqlite *db, async_sqlite_stmt *s)
{
    pthread_mutex_lock(&db->thread.mutex);
    s->next = db->thread.retired;
    db->thread.retired = s;
    pthread_mutex_unlock(&db->thread.mutex);
}

/* Run a job, unless it was interrupted before it began, or its transaction has ended. */
static int work_on_job(async_sqlite *db, struct sqlite_job *job)
{
    if (db->handle && (job->leftovers.transaction || job->leftovers.queries))
        work_end_leftovers(db, job);
    int r = work_check_interrupt(db, job);
    if (r < 0)
        return r;
    if (job->in_transaction && sqlite3_get_autocommit(db->handle))
        return work_fail_lost_transaction(job);
    r = job->work(db, job);
    if (db->handle)
        job->status.last_id = sqlite3_last_insert_rowid(db->handle);
    return r;
}

/* Report that the job is done. From then on neither the job nor, if it was the last one, the
 * connection may be used on this thread: the task that waited may free them. */
static void report_done(async_sqlite *db, struct sqlite_job *job)
{
    uint64_t one = 1;
    pthread_mutex_lock(&db->thread.mutex);
    job->done = true;
    db->thread.job = NULL;
    async_ignore(write(db->thread.event, &one, sizeof one));
    pthread_cond_broadcast(&db->thread.changed);
    pthread_mutex_unlock(&db->thread.mutex);
}

static struct sqlite_job *next_job(async_sqlite *db)
{
    pthread_mutex_lock(&db->thread.mutex);
    while (!db->thread.job)
        pthread_cond_wait(&db->thread.changed, &db->thread.mutex);
    struct sqlite_job *job = db->thread.job;
    free_retired_statements(db);
    pthread_mutex_unlock(&db->thread.mutex);
    return job;
}

static void *run_thread(void *arg)
{
    async_sqlite *db = arg;
    bool is_last = false;
    while (!is_last) {
        struct sqlite_job *job = next_job(db);
        is_last = job->is_last;
        job->result = work_on_job(db, job);
        report_done(db, job);
    }
    return NULL;
}

static int create_thread(async_sqlite *db)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are handled by the loop's thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&db->thread.id, NULL, run_thread, db);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err == 0)
        pthread_setname_np(db->thread.id, "sqlite");
    return -err;
}

/* Open the descriptor first: afterwards only the creation of the thread can fail. */
int sqlite_thread_start(async_sqlite *db)
{
    pthread_condattr_t attr;
    db->thread.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (db->thread.event < 0)
        return -errno;
    pthread_mutex_init(&db->thread.mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* for the waits in work_on_busy() */
    pthread_cond_init(&db->thread.changed, &attr);
    pthread_condattr_destroy(&attr);
    int r = create_thread(db);
    if (r < 0)
        sqlite_thread_destroy(db);
    else
        sqlite_count_connections(1);
    return r;
}

void sqlite_thread_join(async_sqlite *db)
{
    pthread_join(db->thread.id, NULL);
    free_retired_statements(db); /* those that were dropped during the last job */
    sqlite_count_connections(-1);
}

void sqlite_thread_destroy(async_sqlite *db)
{
    pthread_cond_destroy(&db->thread.changed);
    pthread_mutex_destroy(&db->thread.mutex);
    close(db->thread.event);
}

void sqlite_submit_job(async_sqlite *db, struct sqlite_job *job)
{
    pthread_mutex_lock(&db->thread.mutex);
    while (db->thread.job)
        pthread_cond_wait(&db->thread.changed, &db->thread.mutex);
    job->leftovers = db->leftovers;
    db->leftovers = (struct sqlite_leftovers){ 0 };
    db->thread.job = job;
    atomic_store(&db->cancelled, false);
    pthread_cond_broadcast(&db->thread.changed);
    pthread_mutex_unlock(&db->thread.mutex);
}

bool sqlite_job_is_done(async_sqlite *db, const struct sqlite_job *job)
{
    pthread_mutex_lock(&db->thread.mutex);
    bool done = job->done;
    pthread_mutex_unlock(&db->thread.mutex);
    return done;
}

void sqlite_wait_blocking(async_sqlite *db, const struct sqlite_job *job)
{
    pthread_mutex_lock(&db->thread.mutex);
    while (!job->done)
        pthread_cond_wait(&db->thread.changed, &db->thread.mutex);
    pthread_mutex_unlock(&db->thread.mutex);
}
