/* SPDX-License-Identifier: MIT */
/* interrupt.c - interrupt the statement that the connection's thread is executing.
 *
 * There are two ways. A flag is read by the two functions that SQLite calls in the middle of a
 * statement, and ends only that statement. sqlite3_interrupt() also ends some long operations in
 * which SQLite does not call them, but it ends every statement of the connection that has begun. */
#include "interrupt.h"

#include "connection.h"

#include <time.h>

void sqlite_interrupt_job(async_sqlite *db)
{
    pthread_mutex_lock(&db->thread.mutex);
    atomic_store(&db->cancelled, true);
    if (db->thread.job && db->handle && db->reading == 0) /* it would end other queries, too */
        sqlite3_interrupt(db->handle);
    pthread_cond_broadcast(&db->thread.changed); /* for a wait in work_on_busy() */
    pthread_mutex_unlock(&db->thread.mutex);
}

int work_check_interrupt(const async_sqlite *db, struct sqlite_job *job)
{
    if (!atomic_load(&db->cancelled) || job->must_run)
        return 0;
    return work_fail_text(job, SQLITE_INTERRUPT, -ECANCELED, "interrupted");
}

int work_on_progress(void *arg)
{
    async_sqlite *db = arg;
    return atomic_load_explicit(&db->cancelled, memory_order_relaxed);
}

static double monotonic_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sleep until a point in time, or until the job is interrupted. */
static void work_sleep_until(async_sqlite *db, double when)
{
    struct timespec until = { .tv_sec = (time_t)when };
    until.tv_nsec = (long)(1e9 * (when - (double)until.tv_sec));
    pthread_mutex_lock(&db->thread.mutex);
    while (!atomic_load(&db->cancelled) &&
           pthread_cond_timedwait(&db->thread.changed, &db->thread.mutex, &until) == 0)
        ;
    pthread_mutex_unlock(&db->thread.mutex);
}

/* Another connection has the lock. Wait 1 ms at first, twice as long each time, at most 0.1 s. */
int work_on_busy(void *arg, int count)
{
    async_sqlite *db = arg;
    double now = monotonic_seconds(), delay = count < 7 ? 0.001 * (1 << count) : 0.1;
    if (count == 0)
        db->busy_until = now + db->busy_timeout;
    if (now >= db->busy_until)
        return 0;
    work_sleep_until(db, now + delay < db->busy_until ? now + delay : db->busy_until);
    return !atomic_load(&db->cancelled);
}
