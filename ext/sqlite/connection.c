/* SPDX-License-Identifier: MIT */
/* connection.c - open a connection, set it up, close it. */
#include "connection.h"

#include "exec.h"
#include "interrupt.h"

#include <asyncio/scope.h>

/* --- opening --- */

struct open_args {
    const char *path;
    struct async_sqlite_opts opts;
};

struct async_sqlite_opts sqlite_copy_opts(const struct async_sqlite_opts *opts)
{
    struct async_sqlite_opts o = { 0 };
    size_t size = opts ? opts->struct_size : 0;
    if (size > 0)
        memcpy(&o, opts, size < sizeof o ? size : sizeof o);
    return o;
}

static int open_flags(const struct async_sqlite_opts *o)
{
    int mode = SQLITE_OPEN_READWRITE | (o->must_exist ? 0 : SQLITE_OPEN_CREATE);
    return (o->readonly ? SQLITE_OPEN_READONLY : mode) | o->flags | SQLITE_OPEN_NOMUTEX |
           SQLITE_OPEN_EXRESCODE;
}

/* Change the journal mode. If another connection does so at the same moment, SQLite reports a busy
 * lock at once, whatever a busy handler returns. So the wait is here, and the busy handler is
 * installed later: otherwise both would wait, one after the other. */
static int work_set_wal(async_sqlite *db, struct sqlite_job *job)
{
    int r, count = 0;
    do
        r = work_exec_simple(db, job, "pragma journal_mode = wal");
    while (r == -EBUSY && work_on_busy(db, count++));
    if (r == 0)
        job->status = (struct sqlite_status){ 0 }; /* of attempts that failed */
    return r == -EBUSY && work_check_interrupt(db, job) < 0 ? -ECANCELED : r;
}

/* Compile the statements that must not fail for lack of memory when they are needed. */
static int work_prepare_transactions(async_sqlite *db, struct sqlite_job *job)
{
    int rc = sqlite3_prepare_v2(db->handle, "begin", -1, &db->begin, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db->handle, "rollback", -1, &db->rollback, NULL);
    return rc == SQLITE_OK ? 0 : work_fail(db, job, rc);
}

static int work_set_up(async_sqlite *db, struct sqlite_job *job, const struct async_sqlite_opts *o)
{
    int r = work_prepare_transactions(db, job);
    sqlite3_progress_handler(db->handle, 1000, work_on_progress, db);
    if (r == 0 && o->wal)
        r = work_set_wal(db, job);
    if (db->busy_timeout > 0)
        sqlite3_busy_handler(db->handle, work_on_busy, db);
    if (r == 0 && o->foreign_keys)
        r = work_exec_simple(db, job, "pragma foreign_keys = on");
    return r == 0 && o->init ? work_exec_script(db, job, o->init) : r;
}

/* Add the path to the message, which SQLite's does not contain. A long path is cut at its
 * beginning, since its end tells files apart. */
static int work_fail_path(async_sqlite *db, struct sqlite_job *job, int rc, const char *path)
{
    enum { SHOWN = 72 };
    size_t length = strlen(path);
    bool cut = length > SHOWN;
    int r = work_fail(db, job, rc);
    return work_fail_text(job, rc, r, "%s: %s%s", sqlite3_errmsg(db->handle), cut ? "..." : "",
                          cut ? path + length - SHOWN : path);
}

/* A handle is stored even if opening failed: it has the message, and has to be closed. */
static int work_open(async_sqlite *db, struct sqlite_job *job)
{
    const struct open_args *a = job->arg;
    sqlite3 *handle;
    const char *path = a->path ? a->path : ":memory:";
    int rc = sqlite3_open_v2(path, &handle, open_flags(&a->opts), NULL);
    pthread_mutex_lock(&db->thread.mutex);
    db->handle = handle;
    pthread_mutex_unlock(&db->thread.mutex);
    return rc == SQLITE_OK ? work_set_up(db, job, &a->opts) : work_fail_path(db, job, rc, path);
}

static int check_open(void)
{
    int r = sqlite_check_task("await_sqlite_open");
    if (r == 0)
        r = sqlite_check_process();
    if (r == 0 && !sqlite3_threadsafe())
        r = async_fail(-ENOTSUP, "SQLite was compiled without support for threads");
    return r;
}

/* Make a connection whose database is not open yet, and start its thread. */
static int new_connection(const struct async_sqlite_opts *o, async_sqlite **ret)
{
    async_sqlite *db = sqlite3_malloc(sizeof *db);
    if (!db)
        return -ENOMEM;
    *db = (async_sqlite){ .home = sqlite_home_of_caller(),
                          .references = 1,
                          .readonly = o->readonly,
                          .busy_timeout = o->busy_timeout == 0 ? 5 : o->busy_timeout };
    int r = sqlite_thread_start(db);
    if (r < 0)
        sqlite3_free(db);
    else
        *ret = db;
    return r;
}

/* If opening fails, the message is attached again, since closing suspends after the job. */
int await_sqlite_open_opt(const char *path, const struct async_sqlite_opts *o, async_sqlite **ret)
{
    struct open_args args = { .path = path, .opts = sqlite_copy_opts(o) };
    struct sqlite_job job = { .work = work_open, .arg = &args };
    async_sqlite *db;
    int r = check_open();
    if (r < 0)
        return r;
    r = new_connection(&args.opts, &db);
    if (r < 0)
        return async_fail(r, "cannot start a connection to SQLite: %s", strerror(-r));
    r = await_sqlite_call(db, 0, &job);
    if (r < 0) {
        await_sqlite_shut(db);
        return sqlite_fail_again(&job, r);
    }
    *ret = db;
    return 0;
}

/* --- use in one loop after another --- */

/* Abandoned tasks never run again, so their calls and blocks are forgotten. What they have begun
 * in the database is ended by the thread before its next job; it may still run one of theirs. */
static void release_abandoned(async_sqlite *db)
{
    sqlite_interrupt_job(db);
    db->leftovers.transaction |= db->owner != 0;
    db->leftovers.queries |= db->reading > 0;
    db->owner = 0;
    db->depth = db->reading = 0;
    db->watch = (async_watch){ 0 };
    db->job_done = (async_event){ 0 };
    db->lock = db->job_lock = (async_lock){ 0 };
}

void sqlite_adopt_connection(async_sqlite *db)
{
    uint64_t loop = sqlite_current_loop();
    if (db->loop && db->loop != loop)
        release_abandoned(db);
    db->loop = loop;
}

void sqlite_release_connection(async_sqlite *db)
{
    if (--db->references > 0)
        return;
    sqlite_thread_destroy(db);
    sqlite3_free(db);
}

/* --- closing --- */

/* Queries that are still reading lose their statements here. */
static int work_close(async_sqlite *db, struct sqlite_job *job)
{
    (void)job;
    if (!db->handle) /* opening was cancelled before it began */
        return 0;
    for (sqlite3_stmt *s; (s = sqlite3_next_stmt(db->handle, NULL));)
        sqlite3_finalize(s);
    sqlite3 *handle = db->handle;
    pthread_mutex_lock(&db->thread.mutex);
    db->handle = NULL;
    pthread_mutex_unlock(&db->thread.mutex);
    sqlite3_close(handle);
    return 0;
}

void await_sqlite_shut(async_sqlite *db)
{
    struct sqlite_job job = { .work = work_close, .must_run = true, .is_last = true };
    int r = 0;
    if (sqlite_is_forked(&db->home))
        return;
    sqlite_adopt_connection(db);
    db->closing = true;
    await_shield (r)
        r = await_sqlite_locked(db, &job);
    sqlite_thread_join(db);
    sqlite_release_connection(db);
}

/* Close *handle for the function that the user has called. A connection that cannot be closed
 * here stays open, and *handle as it is, so that it can be closed in the right place. */
static int await_close_connection(async_sqlite **handle, const char *function)
{
    async_sqlite *db = handle ? *handle : NULL;
    if (!db)
        return 0;
    int r = sqlite_check_use(&db->home, "connection", function);
    if (r < 0)
        return r;
    sqlite_adopt_connection(db); /* an abandoned owner may have the same number as this task */
    if (db->owner == sqlite_current_task())
        return async_fail(-EBUSY, "connection cannot be closed inside its transaction block");
    if (db->borrower)
        return async_fail(-EBUSY, "connection belongs to a pool, and returns when its block ends");
    *handle = NULL;
    if (db->closing)
        return async_fail(-EPIPE, "connection is being closed by another task");
    await_sqlite_shut(db);
    return 0;
}

int await_sqlite_close(async_sqlite **db)
{
    return await_close_connection(db, "await_sqlite_close");
}

void await_sqlite_drop(async_sqlite **db)
{
    if (!*db || sqlite_is_forked(&(*db)->home)) /* a child of fork() leaves it to the parent */
        return;
    int r = await_close_connection(db, "await_sqlite_drop");
    if (r < 0)
        sqlite_warn_not_dropped("await_sqlite_drop", r);
}

/* --- the context manager --- */

ASYNC_DEF(db_enter, (async_sqlite **)ret, (const char *)path, (const struct async_sqlite_opts *)o)
{
    return await_sqlite_open_opt(path, o, ret);
}

ASYNC_DEF(db_leave, (async_sqlite **)db)
{
    return await_sqlite_close(db);
}

async_context_manager async_sqlite_context_manager_opt(async_sqlite **ret, const char *path,
                                                       const struct async_sqlite_opts *opts)
{
    return (async_context_manager){ db_enter(ret, path, opts), db_leave(ret) };
}
