/* SPDX-License-Identifier: MIT */
/* open.c - connections: opened, set up, closed. */
#include "internal.h"

struct opening {
    const char *path;
    struct async_sqlite_opts opts;
};

/* Of a program that was compiled with another version of the header. */
struct async_sqlite_opts sqlite_opts(const struct async_sqlite_opts *opts)
{
    struct async_sqlite_opts o = { 0 };
    size_t size = opts ? opts->struct_size : 0;
    if (size > 0)
        memcpy(&o, opts, size < sizeof o ? size : sizeof o);
    return o;
}

static int flags(const struct async_sqlite_opts *o)
{
    int how = SQLITE_OPEN_READWRITE | (o->must_exist ? 0 : SQLITE_OPEN_CREATE);
    return (o->readonly ? SQLITE_OPEN_READONLY : how) | o->flags | SQLITE_OPEN_NOMUTEX |
           SQLITE_OPEN_EXRESCODE;
}

/* Who finds another at it in the same moment is told so at once, whatever a busy handler would say. So there is none yet,
 * or it would wait as long once more. */
static int work_wal(async_sqlite *db, struct sqlite_job *job)
{
    int r, count = 0;
    do
        r = work_simple(db, job, "pragma journal_mode = wal");
    while (r == -EBUSY && work_on_busy(db, count++));
    if (r == 0)
        job->report = (struct sqlite_report){ 0 };
    return r == -EBUSY && work_goes_on(db, job) < 0 ? -ECANCELED : r;
}

static int work_set_up(async_sqlite *db, struct sqlite_job *job, const struct async_sqlite_opts *o)
{
    int rc = sqlite3_prepare_v2(db->handle, "rollback", -1, &db->rollback, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db->handle, "begin", -1, &db->begin, NULL);
    int r = rc == SQLITE_OK ? 0 : work_fail(db, job, rc);
    sqlite3_progress_handler(db->handle, 1000, work_on_progress, db);
    if (r == 0 && o->wal)
        r = work_wal(db, job);
    if (db->busy_timeout > 0)
        sqlite3_busy_handler(db->handle, work_on_busy, db);
    if (r == 0 && o->foreign_keys)
        r = work_simple(db, job, "pragma foreign_keys = on");
    return r == 0 && o->init ? work_script(db, job, o->init) : r;
}

/* SQLite does not say which file it could not open. The end of a path says more than its beginning. */
static int work_fail_path(async_sqlite *db, struct sqlite_job *job, int rc, const char *path)
{
    enum { SHOWN = 72 };
    size_t length = strlen(path);
    bool cut = length > SHOWN;
    int r = work_fail(db, job, rc);
    return work_fail_text(job, rc, r, "%s: %s%s", sqlite3_errmsg(db->handle), cut ? "..." : "",
                          cut ? path + length - SHOWN : path);
}

static int work_open(async_sqlite *db, struct sqlite_job *job)
{
    const struct opening *o = job->arg;
    sqlite3 *handle;
    const char *path = o->path ? o->path : ":memory:";
    int rc = sqlite3_open_v2(path, &handle, flags(&o->opts), NULL);
    pthread_mutex_lock(&db->mutex);
    db->handle = handle; /* also of one that failed: it has the sentence, and is to be closed */
    pthread_mutex_unlock(&db->mutex);
    return rc == SQLITE_OK ? work_set_up(db, job, &o->opts) : work_fail_path(db, job, rc, path);
}

/* The queries that still read have their statements taken away. */
static int work_close(async_sqlite *db, struct sqlite_job *job)
{
    (void)job;
    if (!db->handle) /* it was cancelled before it began */
        return 0;
    for (sqlite3_stmt *s; (s = sqlite3_next_stmt(db->handle, NULL));)
        sqlite3_finalize(s);
    sqlite3 *handle = db->handle;
    pthread_mutex_lock(&db->mutex);
    db->handle = NULL;
    pthread_mutex_unlock(&db->mutex);
    sqlite3_close(handle);
    return 0;
}

void await_sqlite_end(async_sqlite *db)
{
    struct sqlite_job job = { .work = work_close, .must = true, .quits = true };
    int r = 0;
    if (sqlite_is_forked(&db->home))
        return;
    sqlite_adopt(db);
    db->closing = true;
    await_shield (r)
        r = await_sqlite_turn(db, &job);
    sqlite_thread_join(db);
    sqlite_release(db);
}

static async_sqlite *new_connection(const struct async_sqlite_opts *o)
{
    async_sqlite *db = sqlite3_malloc(sizeof *db);
    if (!db)
        return NULL;
    *db = (async_sqlite){ .home = sqlite_home_of_caller(),
                          .users = 1,
                          .turn = ASYNC_SEMAPHORE(1),
                          .one = ASYNC_SEMAPHORE(1),
                          .readonly = o->readonly,
                          .busy_timeout = o->busy_timeout == 0 ? 5 : o->busy_timeout };
    return db;
}

int await_sqlite_open_opt(const char *path, const struct async_sqlite_opts *opts, async_sqlite **ret)
{
    struct opening o = { .path = path, .opts = sqlite_opts(opts) };
    struct sqlite_job job = { .work = work_open, .arg = &o };
    int r = sqlite_check_task("await_sqlite_open");
    if (r == 0)
        r = sqlite_check_process();
    if (r < 0)
        return r;
    if (!sqlite3_threadsafe())
        return async_fail(-ENOTSUP, "SQLite was compiled without support for threads");
    async_sqlite *db = new_connection(&o.opts);
    if (!db)
        return -ENOMEM;
    r = sqlite_thread_start(db);
    if (r < 0) {
        sqlite3_free(db);
        return async_fail(r, "no thread for a connection to %s", path ? path : ":memory:");
    }
    r = await_sqlite_call(db, 0, &job);
    if (r < 0) {
        await_sqlite_end(db);
        return sqlite_sentence(&job, r);
    }
    *ret = db;
    return 0;
}

/* function is the name that the user has called. A connection that cannot be closed here stays open, and *handle as it is,
 * so that it can still be closed in the right place. */
static int await_close(async_sqlite **handle, const char *function)
{
    async_sqlite *db = handle ? *handle : NULL;
    if (!db)
        return 0;
    int r = sqlite_check_use(&db->home, "connection", function);
    if (r < 0)
        return r;
    sqlite_adopt(db); /* or an owner of the same number might be an earlier loop's */
    if (db->owner == sqlite_current_task())
        return async_fail(-EBUSY, "a connection cannot be closed in a transaction's block");
    if (db->holder)
        return async_fail(-EBUSY, "a pool's connection goes back where its block ends");
    *handle = NULL;
    if (db->closing)
        return async_fail(-EPIPE, "connection is being closed by another task");
    await_sqlite_end(db);
    return 0;
}

int await_sqlite_close(async_sqlite **handle)
{
    return await_close(handle, "await_sqlite_close");
}

void await_sqlite_drop(async_sqlite **handle)
{
    if (!*handle || sqlite_is_forked(&(*handle)->home)) /* in a child of fork() it is left to the parent */
        return;
    int r = await_close(handle, "await_sqlite_drop");
    if (r < 0)
        sqlite_warn_not_dropped("await_sqlite_drop", r);
}

ASYNC_DEF(open_held, (async_sqlite **)ret, (const char *)path, (const struct async_sqlite_opts *)opts)
{
    return await_sqlite_open_opt(path, opts, ret);
}

ASYNC_DEF(close_held, (async_sqlite **)db)
{
    return await_sqlite_close(db);
}

async_hold async_sqlite_hold_opt(async_sqlite **ret, const char *path,
                                 const struct async_sqlite_opts *opts)
{
    return (async_hold){ open_held(ret, path, opts), close_held(ret) };
}
