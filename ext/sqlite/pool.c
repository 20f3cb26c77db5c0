/* SPDX-License-Identifier: MIT */
/* pool.c - connections to one database, each lent to one task at a time. */
#include "connection.h"
#include "transaction.h"

#include <asyncio/scope.h>

enum { POOL_DEFAULT = 4, POOL_MAX = 1000 * 1000 };

struct async_sqlite_pool {
    struct sqlite_home home;
    uint64_t loop; /* serial number of the latest one that has used the pool */
    int max;
    async_semaphore available; /* connections that are idle, or may be opened */
    async_sqlite *idle;        /* the latest first, since its cache is warm */
    async_sqlite *lent;
    int references; /* the handle, and blocks that wait for a connection or have one */
    bool closing;
    async_event all_returned;
    char *path;
    struct async_sqlite_opts opts;
};

/* --- opening --- */

static void release_pool(async_sqlite_pool *p)
{
    if (--p->references > 0)
        return;
    sqlite3_free(p->path);
    sqlite3_free((char *)(uintptr_t)p->opts.init);
    sqlite3_free(p);
}

static bool copy_option(const char *text, char **ret)
{
    *ret = text ? sqlite3_mprintf("%s", text) : NULL;
    return *ret || !text;
}

/* The pool owns copies of path and init. NULL if there is no memory. */
static async_sqlite_pool *new_pool(const char *path, int max, const struct async_sqlite_opts *opts)
{
    char *init = NULL;
    async_sqlite_pool *p = sqlite3_malloc(sizeof *p);
    if (!p)
        return NULL;
    *p = (async_sqlite_pool){ .home = sqlite_home_of_caller(),
                              .max = max,
                              .available = ASYNC_SEMAPHORE(max),
                              .references = 1,
                              .opts = sqlite_copy_opts(opts) };
    bool copied = copy_option(p->opts.init, &init) && copy_option(path, &p->path);
    p->opts.init = init;
    p->opts.struct_size = sizeof p->opts;
    if (copied)
        return p;
    release_pool(p);
    return NULL;
}

int async_sqlite_pool_open_opt(const char *path, unsigned max, const struct async_sqlite_opts *opts,
                               async_sqlite_pool **ret)
{
    int r = sqlite_check_process();
    if (r < 0)
        return r;
    if (max > POOL_MAX)
        return async_fail(-EINVAL, "pool size %u is too large: the maximum is %d", max, POOL_MAX);
    async_sqlite_pool *p = new_pool(path, max ? (int)max : POOL_DEFAULT, opts);
    if (!p)
        return -ENOMEM;
    *ret = p;
    return 0;
}

/* Make the pool ready for use in the current loop. If it was last used in another loop, connections
 * that are still lent are lent to abandoned tasks, which never return them. */
static void adopt_pool(async_sqlite_pool *p)
{
    uint64_t loop = sqlite_current_loop();
    if (p->loop && p->loop != loop) {
        for (async_sqlite *db; (db = p->lent);) {
            p->lent = db->next;
            db->borrower = 0;
            db->next = p->idle;
            p->idle = db;
        }
        p->available = (async_semaphore)ASYNC_SEMAPHORE(p->max);
        p->all_returned = (async_event){ 0 };
        p->references = 1;
    }
    p->loop = loop;
}

/* --- lending --- */

/* Take an idle connection, or open one, and lend it to the current task. */
static int await_take_connection(async_sqlite_pool *p, async_sqlite **ret)
{
    async_sqlite *db = p->idle;
    if (!db) {
        int r = await_sqlite_open_opt(p->path, &p->opts, &db);
        if (r < 0)
            return r;
    } else {
        p->idle = db->next;
    }
    db->next = p->lent;
    p->lent = db;
    db->borrower = sqlite_current_task();
    *ret = db;
    return 0;
}

static void remove_from_list(async_sqlite **list, const async_sqlite *db)
{
    while (*list != db)
        list = &(*list)->next;
    *list = db->next;
}

/* A block has ended, or could not begin. If it was the last one, closing can go on. */
static void leave_pool(async_sqlite_pool *p)
{
    if (p->references == 2 && p->closing)
        async_event_set(&p->all_returned);
    release_pool(p);
}

/* Wait for a connection. Waiters that a closing pool wakes fail one after the other: each releases
 * what it has acquired, which wakes the next. */
ASYNC_DEF(pool_enter, (async_sqlite_pool *)p, (async_sqlite **)ret)
{
    int r = sqlite_check_use(SQLITE_HOME_OF(p), "pool", "async_sqlite_pool_context_manager");
    if (r < 0)
        return r;
    adopt_pool(p);
    p->references++;
    r = await_semaphore_acquire(&p->available);
    bool acquired = r == 0;
    if (r == 0)
        r = p->closing ? async_fail(-EPIPE, "pool was closed") : await_take_connection(p, ret);
    if (r == 0)
        return 0;
    if (acquired)
        async_semaphore_release(&p->available);
    leave_pool(p);
    return r;
}

/* Roll back a transaction that SQL has begun. Wait first until transaction blocks of other tasks on
 * this connection have ended: the rollback must not end them, nor may the connection be lent to
 * another task while they have it. A connection that cannot be rolled back is closed, and so is one
 * of a pool that is being closed. */
ASYNC_DEF(pool_leave, (async_sqlite_pool *)p, (async_sqlite **)lent)
{
    async_sqlite *db = *lent;
    struct sqlite_job job = { .work = work_rollback_all, .must_run = true };
    *lent = NULL;
    if (sqlite_is_forked(&p->home)) /* a child of fork() leaves it to the parent */
        return -EPERM;
    int r = await_sqlite_locked(db, &job);
    remove_from_list(&p->lent, db);
    db->borrower = 0;
    if (r < 0 || p->closing) {
        await_sqlite_shut(db);
    } else {
        db->next = p->idle;
        p->idle = db;
    }
    async_semaphore_release(&p->available);
    leave_pool(p);
    return r;
}

async_context_manager async_sqlite_pool_context_manager(async_sqlite_pool *pool, async_sqlite **ret)
{
    return (async_context_manager){ pool_enter(pool, ret), pool_leave(pool, ret) };
}

/* --- closing --- */

static bool has_borrowed(const async_sqlite_pool *p, uint64_t task)
{
    const async_sqlite *db = p->lent;
    while (db && db->borrower != task)
        db = db->next;
    return db;
}

/* The event is cleared before each wait, since it may have been set for another reason. */
static void await_all_returned(async_sqlite_pool *p)
{
    int r = 0;
    await_shield (r)
        while (r == 0 && p->references > 1) {
            async_event_clear(&p->all_returned);
            r = await_event_wait(&p->all_returned);
        }
}

static void await_close_idle(async_sqlite_pool *p)
{
    for (async_sqlite *db; (db = p->idle);) {
        p->idle = db->next;
        await_sqlite_shut(db);
    }
}

/* Close *pool for the function that the user has called. A pool that cannot be closed here stays as
 * it is, so that it can be closed in the right place. */
static int await_close_pool(async_sqlite_pool **pool, const char *function)
{
    async_sqlite_pool *p = pool ? *pool : NULL;
    if (!p)
        return 0;
    int r = sqlite_check_use(&p->home, "pool", function);
    if (r < 0)
        return r;
    adopt_pool(p);
    if (has_borrowed(p, sqlite_current_task()))
        return async_fail(-EBUSY, "pool cannot be closed by a task that has borrowed from it");
    *pool = NULL;
    if (p->closing)
        return async_fail(-EPIPE, "pool is being closed by another task");
    p->closing = true;
    if (p->references > 1)
        await_all_returned(p);
    await_close_idle(p);
    release_pool(p);
    return 0;
}

int await_sqlite_pool_close(async_sqlite_pool **pool)
{
    return await_close_pool(pool, "await_sqlite_pool_close");
}

void await_sqlite_pool_drop(async_sqlite_pool **pool)
{
    if (!*pool || sqlite_is_forked(&(*pool)->home)) /* a child of fork() leaves it to the parent */
        return;
    int r = await_close_pool(pool, "await_sqlite_pool_drop");
    if (r < 0)
        sqlite_warn_not_dropped("await_sqlite_pool_drop", r);
}
